//! Which way the goods of a document go, seen from the warehouse.

use serde::{Deserialize, Serialize};

/// Which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Side {
    /// They leave.
    #[default]
    Outbound,
    /// They come.
    Inbound,
    /// They come back.
    Returned,
}
