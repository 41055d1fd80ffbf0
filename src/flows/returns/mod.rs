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
//! A parcel without an RMA is of the order that it left under, where that is certain (`matched`): a return order is made of it
//! (`parcel`), and it goes on as the others. Else a person says whose it is. What never reached the customer is posted without
//! a credit, unless the configuration says otherwise, and who credits it is asked (`uncredited`).
//!
//! It refuses to guess what becomes of goods: without a row of the mapping nothing is restocked.

mod authorised;
mod credited;
mod matched;
mod parcel;
mod received;
mod requested;
mod told;
mod uncredited;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::answer::Emit;
use super::history::History;
use super::ledger::Ledger;
use super::{keys, orders};
use crate::config::Returns;
use crate::failure::Failure;
use crate::gateways::{Direction, Dynamics, Gateways, MadeReturn, ReleasedOrder};
use crate::message::{Body, Connection, Envelope, FactKey, Flow, LegalEntity, PostingOutcomeCode, PostingSettled};
use crate::rehearsal::{Variant, broken};

pub(super) use authorised::plan as authorised;
pub(super) use credited::{asks_for_the_credit, is_owed, owes, plan as credited, until_credited};
pub use matched::MatchedReturn;
pub(super) use matched::{plan_sought, sent_as, sought};
pub(super) use parcel::plan as parcel;
pub(super) use received::plan as received;
pub(super) use requested::plan as requested;
pub(super) use told::plan as status_changed;
pub(super) use uncredited::{asks_who_credits, plan as uncredited};

/// What is needed to make a return order.
#[derive(Clone, Debug)]
pub struct ReturnLook {
    /// The Dynamics environment.
    pub environment: Connection,
    /// How goods come back there.
    pub returns: Returns,
    /// The return order that is there under our key of the wish already, whole or not.
    pub held: Option<MadeReturn>,
}

/// What is needed to make the return order of a parcel that came back without an RMA.
#[derive(Clone, Debug)]
pub struct ParcelLook {
    /// As for every return order; it is expected where the order left.
    pub wish: ReturnLook,
    /// The order as it stands in Dynamics; nothing when Dynamics does not know it any more.
    pub order: Option<ReleasedOrder>,
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
    /// What of the lines of the order it takes back, where it was made for a parcel.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<MadeLine>,
}

/// What a return order takes back of a line of the order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "as in the ordered line")]
pub struct MadeLine {
    pub line_id: String,
    pub quantity: Decimal,
}

/// Facts of `credited`: what came back of a return was credited.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CreditedReturn {
    /// The numbers of the credit notes.
    pub notes: Vec<String>,
}

/// The message that asks what became of the money of something posted, until that is known.
fn asked(purpose: &'static str, update_id: String) -> Option<Emit> {
    let update_id = FactKey::new(update_id).ok()?;
    let outcome = PostingOutcomeCode::Pending.into();
    let body = PostingSettled { update_id, flow: Flow::Returns, outcome, text: None };
    Some(Emit { purpose, ordinal: 0, body: Body::PostingSettled(body), about: None })
}

/// Looks for the return order of a wish: Dynamics would make it twice.
pub(super) async fn look(gateways: &Gateways, message: &Envelope, ledger: &Ledger) -> Result<ReturnLook, Failure> {
    let (mut look, dynamics) = configured(gateways, message)?;
    if let (Some(legal_entity), Body::ReturnRequested(body)) = (&message.legal_entity, &message.body) {
        look.held = held(dynamics, (&look.environment, legal_entity, &body.request_key), ledger).await?;
    }
    Ok(look)
}

fn configured<'g>(gateways: &'g Gateways, message: &Envelope) -> Result<(ReturnLook, &'g Dynamics), Failure> {
    let environment = orders::environment(gateways, message)?;
    let dynamics = gateways.dynamics(&environment).ok_or_else(|| orders::unknown(&environment))?;
    Ok((ReturnLook { returns: dynamics.returns().clone(), held: None, environment }, dynamics))
}

/// The return order that is there under our key, unless we know already that we made it.
async fn held(
    dynamics: &Dynamics,
    (environment, legal_entity, request): (&Connection, &LegalEntity, &FactKey),
    ledger: &Ledger,
) -> Result<Option<MadeReturn>, Failure> {
    if ledger.has(&keys::create_return(environment, legal_entity, request)) || broken(Variant::MakeWithoutLooking) {
        return Ok(None);
    }
    let reference = keys::return_reference(environment, legal_entity, request);
    let found = dynamics.find_return(legal_entity, &reference).await;
    found.map_err(|error| dynamics.failure(&error, &format!("look for the return order of {reference}")))
}

/// Reads the order that a parcel left under: whose it is, and where it left.
pub(super) async fn look_at_order(
    gateways: &Gateways,
    message: &Envelope,
    ledger: &Ledger,
) -> Result<ParcelLook, Failure> {
    let (mut wish, dynamics) = configured(gateways, message)?;
    let history = History::of(ledger);
    let Some(sent) = history.latest() else { return Ok(ParcelLook { wish, order: None }) };
    let created = &sent.created;
    let request = match &message.body {
        Body::ReturnReceived(body) => FactKey::new(keys::parcel(&message.connection, &body.return_key)).ok(),
        _ => None,
    };
    if let Some(request) = request {
        wish.held = held(dynamics, (&wish.environment, &created.legal_entity, &request), ledger).await?;
    }
    let doing = format!("read the released document {}", created.request_id);
    let read = dynamics.released_order(Direction::Outbound, &created.legal_entity, &created.request_id).await;
    let order = read.map_err(|error| dynamics.failure(&error, &doing))?;
    if let Some(order) = order.as_ref().filter(|_| created.warehouse == message.connection) {
        wish.returns.warehouse = order.warehouse.to_string();
    }
    Ok(ParcelLook { wish, order })
}
