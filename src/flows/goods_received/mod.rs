//! Flow `goods_received`: goods that are expected are announced to the warehouse; what it receives is posted in Dynamics.
//!
//! ```text
//! ReceiptAnnounced ── announce (as orders are created, cancelled, created anew) ──► expected
//!                                                                                     │
//! GoodsReceived ── totals so far ── less what was posted ── post the difference ──► handed over ── Dynamics processed it
//!     │                                                                                          └─ or refused it: finance
//!     └─ what does not fit (unexpected, beyond tolerance, lots that do not add up): a person
//! ```
//!
//! Warehouses report totals, again and again, and in any order. So the newest report of a line counts, by its number or its
//! time, and what is posted is always the difference to what was posted before: a repeat posts nothing, a correction downwards
//! takes the difference back, and what falls is posted before what rises. What fits is posted at once; what does not is left to a question of its own, so that it holds up
//! no later report: that contains it, and may be the answer.
//!
//! It refuses to guess which of two reports is the newer one, and to take damaged goods for sound ones.

mod counted;
mod first;
mod posting;
mod questions;
mod received;
mod said;
mod short;
mod sought;
mod told;

use std::sync::Arc;

use super::answer::Decision;
use super::ledger::Ledger;
use super::orders::{self, OrderLook};
use crate::failure::{Code, Failure};
use crate::gateways::{Calendar, Gateways, Receiving};
use crate::mapping::Mapping;
use crate::message::{Body, Envelope};

pub(super) use counted::Condition;
pub(super) use questions::was_anything_asked;
pub(super) use received::{CameBack, of as count};
pub use sought::{Candidate, plan as plan_sought, sought};

/// What was seen of a receipt.
#[derive(Clone, Debug)]
pub struct ReceiptLook {
    /// The inbound order as it stands.
    pub order: OrderLook,
    /// How Dynamics takes receipts.
    pub receiving: Receiving,
    /// The days on which things are posted.
    pub calendar: Arc<Calendar>,
}

/// Reads the inbound order that the receipt is of.
pub(super) async fn look(
    gateways: &Gateways,
    mapping: &Mapping,
    message: &Envelope,
    ledger: &Ledger,
) -> Result<ReceiptLook, Failure> {
    let order = orders::look(gateways, mapping, message, ledger).await?;
    let dynamics = gateways.dynamics(&order.environment).ok_or_else(|| orders::unknown(&order.environment))?;
    Ok(ReceiptLook { receiving: dynamics.receiving(), calendar: Arc::clone(dynamics.calendar()), order })
}

/// Decides what is to be done next with a message about a receipt.
#[must_use]
pub fn plan(message: &Envelope, look: &ReceiptLook, mapping: &Mapping, ledger: &Ledger) -> Decision {
    match &message.body {
        Body::GoodsReceived(body) => received::plan((message, body), look, mapping, ledger),
        other => Decision::Fail(Failure::new(
            Code::MessageUnhandled,
            format!("The flow goods_received knows no {}. It is kept; replay it after an upgrade.", other.kind()),
        )),
    }
}
