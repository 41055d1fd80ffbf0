//! Flow `returns`: goods that customers send back are authorised in Dynamics, announced to the warehouse, received, credited.
//!
//! ```text
//! ReturnRequested ── make the return order ──► RMA ──┐
//! (made in Dynamics itself: an event, a scan) ───────┴─► ReturnAuthorised ── announce ──► expected
//!                                                                                            │
//! ReturnReceived ── totals so far, what becomes of each piece ── post the difference ──► handed over ──► posted
//!     │                                                                                                   │
//!     └─ what does not fit, what nobody mapped: a person                       credited ◄── look until it is
//! ```
//!
//! A return order is announced, changed and taken back as goods that are expected are (`orders`), and what came back is
//! counted as a receipt is (`goods_received`): here is what differs. Dynamics credits, by the disposition of each piece; we
//! choose the disposition, and never a crediting one for a line that was credited before.
//!
//! It refuses to guess what becomes of goods: without a row of the mapping nothing is restocked.

mod authorised;
mod credited;
mod received;
mod requested;
mod told;

use serde::{Deserialize, Serialize};

use super::orders;
use crate::config::Returns;
use crate::failure::Failure;
use crate::gateways::Gateways;
use crate::message::{Connection, Envelope};

pub(super) use authorised::plan as authorised;
pub(super) use credited::{asks_for_the_credit, is_owed, owes, plan as credited, until_credited};
pub(super) use received::plan as received;
pub(super) use requested::plan as requested;
pub(super) use told::plan as status_changed;

/// What is needed to make a return order.
#[derive(Clone, Debug)]
pub struct ReturnLook {
    /// The Dynamics environment.
    pub environment: Connection,
    /// How goods come back there.
    pub returns: Returns,
}

/// Facts of `create_return`: the return order that was made of a wish.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MadeFrom {
    /// Our key of it.
    pub reference: String,
    /// Its number; known once Dynamics answered.
    #[serde(default)]
    pub return_order: String,
    /// The RMA; known once Dynamics answered.
    #[serde(default)]
    pub rma: String,
}

/// Facts of `credited`: what came back of a return was credited.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CreditedReturn {
    /// The numbers of the credit notes.
    pub notes: Vec<String>,
}

/// Looks at nothing but the configuration: a wish says all that a return order needs.
pub(super) fn look(gateways: &Gateways, message: &Envelope) -> Result<ReturnLook, Failure> {
    let environment = orders::environment(gateways, message)?;
    let dynamics = gateways.dynamics(&environment).ok_or_else(|| orders::unknown(&environment))?;
    Ok(ReturnLook { returns: dynamics.returns().clone(), environment })
}
