//! The plan of the flow `orders`.

use super::OrderLook;
use crate::flows::{Decision, Ledger};
use crate::message::Envelope;

/// Decides what is to be done next with a message about an order.
#[must_use]
pub fn plan(message: &Envelope, look: &OrderLook, ledger: &Ledger) -> Decision {
    unimplemented!()
}
