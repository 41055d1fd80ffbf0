//! The mapping that attempts begin with: the newest version that this worker knows of.

use std::sync::{Mutex, PoisonError};

use crate::mapping::Mapping;

/// The newest version that this worker knows of.
#[derive(Default)]
pub(super) struct CurrentMapping(Mutex<Mapping>);

impl CurrentMapping {
    /// A snapshot of it.
    pub(super) fn now(&self) -> Mapping {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
