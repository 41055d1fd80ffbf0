//! What is read of Dynamics' items, and what a warehouse needs to be told of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How an environment's items, units, warehouses and carriers are read.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Catalogue {
    /// So many hours lie between two scans; 0: only when somebody asks for one.
    pub scan_hours: u64,
    /// After a scan that did not end well, the next one begins so many seconds later.
    pub retry_s: u64,
    /// Our name of an entity or a member = the environment's; an empty one is not read.
    pub names: BTreeMap<String, String>,
    /// Tracking dimension group = how its items are told apart. It goes before what the environment says of the group.
    pub tracking_groups: BTreeMap<String, TrackedBy>,
}

impl Default for Catalogue {
    fn default() -> Self {
        Self { scan_hours: 24, retry_s: 900, names: BTreeMap::new(), tracking_groups: BTreeMap::new() }
    }
}

/// How items are told apart, whenever they move.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum TrackedBy {
    /// Not at all.
    Nothing,
    /// By lot.
    Lots,
    /// Piece by piece.
    Serials,
    /// Both.
    LotsAndSerials,
}

impl TrackedBy {
    /// Whether lots are told apart.
    #[must_use]
    pub fn lots(self) -> bool {
        matches!(self, Self::Lots | Self::LotsAndSerials)
    }

    /// Whether single pieces are.
    #[must_use]
    pub fn serials(self) -> bool {
        matches!(self, Self::Serials | Self::LotsAndSerials)
    }
}

/// Who chooses a lot or a serial.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum ChosenBy {
    /// The warehouse, when it picks.
    #[default]
    Warehouse,
    /// Dynamics, before an order leaves: the warehouse does not choose.
    Order,
}
