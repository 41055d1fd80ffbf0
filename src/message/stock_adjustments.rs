//! Flow `stock_adjustments`: stock that changed for another reason than a shipment, receipt or return.

use jiff::Timestamp;

use super::coded::coded;
use super::goods::{Item, Lot, Place, Quantity, StockStatus};
use super::names::{FactKey, Serial};
use super::wire::{Invalid, Wire, generated, record};

record! {
    /// Stock changed in the warehouse.
    StockAdjusted {
        /// The warehouse's id of the fact, the same in a webhook and in a poll.
        adjustment_key: FactKey,
        /// Of what.
        item: Item,
        /// Where.
        warehouse: Option<Place>,
        /// Where inside.
        bin: Option<String>,
        /// Which lot.
        lot: Option<Lot>,
        /// Which pieces.
        serials: Vec<Serial>,
        /// What the numbers mean.
        kind: AdjustmentKind,
        /// Signed: the direction comes from it, never from the reason.
        delta: Option<Quantity>,
        /// The level before.
        level_before: Option<Quantity>,
        /// The level after.
        level_after: Option<Quantity>,
        /// The status it left.
        from_status: Option<StockStatus>,
        /// The status it has now.
        to_status: Option<StockStatus>,
        /// Why.
        reason: AdjustmentReason,
        /// The document the movement belongs to, where there is one.
        related_document: Option<String>,
        /// Who did it, in the warehouse.
        user: Option<String>,
        /// When.
        adjusted_at: Option<Timestamp>,
        /// The sender's version of the level.
        sequence: Option<u64>,
        /// Whose stock it is.
        owner: Option<String>,
    }
}

coded! {
    /// What the numbers of an adjustment mean.
    AdjustmentKind / AdjustmentKindCode in adjustment_kind { Delta, Absolute, StatusChange }

    /// Why stock changed.
    AdjustmentReason / AdjustmentReasonCode in adjustment_reason {
        Damaged, Lost, Found, CycleCount, Expired, QuarantineIn, QuarantineOut, Recall, ReceiptCorrection,
        ShipmentCorrection, ReturnRestock, Disposed, Donated, Sample, Transfer, OwnerChange, Consignment, ItemRecode,
        ConditionChange, Regrade, Accounting,
    } + text
}
