//! How far periodic scans have read, and who scans.

use std::time::Duration;

use uuid::Uuid;

use super::{Store, StoreError, on};

impl Store {
    /// Whether this process scans what the name stands for, from now on for so long: the one that did may go on, another
    /// begins when nobody has for as long.
    pub async fn lease(&self, name: &str, holder: Uuid, within: Duration) -> Result<bool, StoreError> {
        on!(self, store => store.lease(name, holder, within).await)
    }

    /// How far a scan has read; nothing before its first time.
    pub async fn cursor(&self, name: &str) -> Result<Option<String>, StoreError> {
        on!(self, store => store.cursor(name).await)
    }

    /// Remembers how far a scan has read.
    pub async fn move_cursor(&self, name: &str, value: &str) -> Result<(), StoreError> {
        on!(self, store => store.move_cursor(name, value).await)
    }
}

/// A lease stands among the cursors, under a name of its own.
pub(super) fn lease_name(name: &str) -> String {
    format!("lease/{name}")
}
