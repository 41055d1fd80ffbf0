//! Flow `stock_snapshots`: what a warehouse says it holds, and changes of the items themselves.

use jiff::Timestamp;

use super::coded::coded;
use super::goods::{Item, Lot, Place, Quantity, StockStatus};
use super::names::FactKey;
use super::wire::{Invalid, Wire, generated, record};

record! {
    /// A snapshot, or one part of it. It never overwrites anything: it is explained.
    StockSnapshotTaken {
        /// The same for all parts.
        snapshot_id: FactKey,
        /// When the stock was as told.
        as_of: Timestamp,
        /// A SKU that is missing means zero only when every part of a FULL snapshot arrived.
        scope: SnapshotScope,
        /// Counted from 1.
        part: u32,
        /// How many parts there are.
        parts: u32,
        /// What is held.
        lines: Vec<SnapshotLine>,
    }

    /// What is held of one item in one status.
    SnapshotLine {
        /// Of what.
        item: Item,
        /// Where.
        warehouse: Option<Place>,
        /// In which condition.
        status: StockStatus,
        /// Which lot.
        lot: Option<Lot>,
        /// How much.
        quantity: Quantity,
    }

    /// An item, its units or its tracking rules changed in Dynamics: look again.
    ItemChanged {
        /// Which.
        item_number: FactKey,
        /// Which variant of it; absent means all.
        variant: Option<String>,
    }
}

coded! {
    /// What a snapshot speaks of.
    SnapshotScope / SnapshotScopeCode in snapshot_scope { Full, SkuList, Single }
}
