//! Flow `shipments`: what left the warehouse is posted in Dynamics.
//!
//! ```text
//! ShipmentConfirmed ── post ──► handed over ── Dynamics processed it ──► posted ──► tracking is written
//!       (or: its void came first: nothing)   └─ Dynamics refused it: finance
//! ```
//!
//! "Handed over" is not "posted": an emitted [`PostingSettled`](crate::message::PostingSettled) looks until Dynamics
//! says so. Tracking belongs to a posted packing slip; it is remembered when it comes early, and written by one kind of
//! message alone, [`TrackingUpdated`](crate::message::TrackingUpdated), so that an older number never wins a race.
//!
//! It refuses to post what does not fit the order, and to take back what was posted: both are a person's.

mod confirmed;
mod contents;
mod counted;
mod settled;
mod tracking;
mod voided;

use std::sync::Arc;

use super::answer::Decision;
use super::history::postings;
use super::keys;
use super::ledger::{Ledger, PostedUpdate, SettledUpdate, VoidedShipment};
use super::orders::{environment, unknown};
use crate::failure::{Code, Failure};
use crate::gateways::{Calendar, Gateways, UpdateState};
use crate::mapping::Mapping;
use crate::message::{Body, Connection, Envelope, FactKey, Origin};

pub(super) use settled::poll;

/// What was seen of a shipment.
#[derive(Clone, Debug)]
pub struct ShipmentLook {
    /// The Dynamics environment.
    pub environment: Connection,
    /// Whether tracking numbers are written anywhere.
    pub writes_tracking: bool,
    /// What Dynamics made of the update that the message is about, where the plan asks for it.
    pub update: Option<UpdateState>,
    /// The days on which things are posted.
    pub calendar: Arc<Calendar>,
}

/// Reads what Dynamics made of an update, where the message is about one. What was handed over just now is not asked about
/// unless Dynamics told of it: it would say that it is at work.
pub(super) async fn look(gateways: &Gateways, message: &Envelope, ledger: &Ledger) -> Result<ShipmentLook, Failure> {
    let environment = environment(gateways, message)?;
    let dynamics = gateways.dynamics(&environment).ok_or_else(|| unknown(&environment))?;
    let mut look = ShipmentLook {
        environment: environment.clone(),
        writes_tracking: dynamics.writes_tracking(),
        update: None,
        calendar: Arc::clone(dynamics.calendar()),
    };
    if let Some(posted) = update_looked_at(message, ledger).filter(|posted| {
        let told = ledger.knows(&keys::posting_name(&environment, &posted.update_id));
        told || message.origin != Origin::Emitted || dynamics.may_have_settled(message.received_at)
    }) {
        let doing = format!("read what became of the update {}", posted.update_id);
        let state = dynamics.update_state(&posted.update().named()).await;
        look.update = Some(state.map_err(|error| dynamics.failure(&error, &doing))?);
    }
    Ok(look)
}

/// The update whose state the plan needs.
fn update_looked_at(message: &Envelope, ledger: &Ledger) -> Option<PostedUpdate> {
    match &message.body {
        Body::PostingSettled(body) if message.origin == Origin::Emitted => {
            let update_id = body.update_id.as_str();
            let mut standing = postings(ledger).into_iter();
            standing.find(|posted| posted.update_id == update_id && !is_posted(ledger, update_id))
        }
        Body::ShipmentVoided(body) => posting_of(ledger, &message.connection, &body.shipment_key),
        _ => None,
    }
}

/// Decides what is to be done next with a message about a shipment.
#[must_use]
pub fn plan(message: &Envelope, look: &ShipmentLook, mapping: &Mapping, ledger: &Ledger) -> Decision {
    match &message.body {
        Body::ShipmentConfirmed(body) => confirmed::plan((message, body), look, mapping, ledger),
        Body::TrackingUpdated(body) => tracking::plan(message, body, look, ledger),
        Body::ShipmentVoided(body) => voided::plan(message, body, look, ledger),
        Body::PostingSettled(body) => settled::plan(message, body, look, ledger),
        other => Decision::Fail(Failure::new(
            Code::MessageUnhandled,
            format!("The flow shipments knows no {}. It is kept; replay it after an upgrade.", other.kind()),
        )),
    }
}

/// The standing posting of a warehouse's shipment.
fn posting_of(ledger: &Ledger, warehouse: &Connection, shipment: &FactKey) -> Option<PostedUpdate> {
    let mut standing = postings(ledger).into_iter();
    standing.find(|posted| posted.warehouse == *warehouse && posted.shipment_key == shipment.as_str())
}

pub(super) fn is_posted(ledger: &Ledger, update_id: &str) -> bool {
    ledger.facts::<SettledUpdate>("posted").iter().any(|settled| settled.update_id == update_id)
}

fn is_voided(ledger: &Ledger, warehouse: &Connection, shipment: &FactKey) -> bool {
    let voided = ledger.facts::<VoidedShipment>("void_shipment");
    voided.iter().any(|void| void.warehouse == *warehouse && void.shipment_key == shipment.as_str())
}
