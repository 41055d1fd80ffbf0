//! Facts of `change_order`: what a warehouse was asked to change of an order that it had, and what it said.

use serde::{Deserialize, Serialize};

use super::ledger::CreatedOrder;
use crate::message::CancelOutcomeCode;
use crate::rehearsal::{Variant, broken};

/// A change that a warehouse was asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChangedOrder {
    /// The order as it is after the change.
    pub order: CreatedOrder,
    /// Which change of the order it is, from 1.
    pub number: u32,
    /// What the warehouse said, once it did: `CONFIRMED`; anything else is a no.
    #[serde(default)]
    pub outcome: String,
    /// The warehouse's words.
    #[serde(default)]
    pub text: String,
}

impl ChangedOrder {
    /// Whether the warehouse has the order so.
    #[must_use]
    pub fn happened(&self) -> bool {
        self.outcome == CancelOutcomeCode::Confirmed.as_str() || broken(Variant::RefusalTakenForChange)
    }
}
