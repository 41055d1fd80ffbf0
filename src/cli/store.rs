//! The store for commands: the same file or server that the roles use.

use super::{Failed, Global, output};
use crate::store::Store;

/// Opens the configured store.
pub(super) async fn open(global: &Global) -> Result<Store, Failed> {
    Ok(Store::open(&global.load("")?).await?)
}

pub(super) async fn migrate(global: &Global) -> Result<(), Failed> {
    open(global).await?.close().await;
    output::lines(&["The store's schema is up to date.".to_owned()])
}
