//! WHAT MEANS WHAT: items, units, places, carriers and reasons, as Dynamics calls them and as a warehouse calls them.
//!
//! It is pure: loaded and saved by `store`, handed to a plan as one snapshot that does not change under it. It refuses to
//! guess: what has no row goes as it is only where both sides may well say the same, and a row that is needed and not
//! there is a failure that names it.
//!
//! Invariant: an empty mapping changes nothing.

use std::sync::Arc;

/// One version of everything that is mapped: a snapshot, cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Mapping(Arc<Known>);

#[derive(Debug, Default)]
struct Known {
    version: u64,
}

impl Mapping {
    /// Which version it is: 0 before anybody mapped anything.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.0.version
    }
}
