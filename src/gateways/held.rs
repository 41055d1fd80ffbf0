//! What a warehouse answers about an order, in our words: what it holds, and what it made of what we asked.

use rust_decimal::Decimal;

use crate::message::{CancelOutcome, OrderStatus, Reason, Sku, Unit};

/// What a warehouse made of a create.
#[derive(Clone, Debug, PartialEq)]
pub enum CreateAnswer {
    /// It took the order on.
    Created(HeldOrder),
    /// The reference was known: this is what it holds.
    Existing(HeldOrder),
}

/// An order as a warehouse holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct HeldOrder {
    /// The warehouse's id.
    pub order_id: String,
    /// Our reference.
    pub reference: String,
    /// Where it is.
    pub status: OrderStatus,
    /// The number of the last change that we asked for and it made; 0 where there was none.
    pub change: u32,
    /// What it holds.
    pub lines: Vec<HeldLine>,
}

/// A line as a warehouse holds it.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "as in the line that was sent")]
pub struct HeldLine {
    pub line_id: Option<String>,
    pub sku: Sku,
    pub quantity: Decimal,
    pub unit: Option<Unit>,
}

/// What a warehouse made of a cancellation, or of a change.
#[derive(Clone, Debug, PartialEq)]
pub struct CancelAnswer {
    /// How it ended, or that it has not yet.
    pub outcome: CancelOutcome,
    /// Why it was refused.
    pub reason: Option<Reason>,
}
