//! What events mean: the customer's own table first, then ours.

use super::Problem;
use super::members::{Members, fold};
use crate::config::Dynamics;
use crate::message::{Flow, Kind};

/// What an event tells us to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    Released,
    Changed,
    Cancelled,
    ReceiptAnnounced,
    /// Of the flow that posted; nothing when only the event's members tell which.
    PostingSettled(Option<Flow>),
    ReturnAuthorised,
    ItemChanged,
}

/// Business events that we know.
const EVENTS: &[(&str, Meaning)] = &[
    ("WHSEWOutboundShipmentOrderRequestCreatedBusinessEvent", Meaning::Released),
    ("WHSEWOutboundShipmentOrderUpdateChangedStatusBusinessEvent", Meaning::PostingSettled(Some(Flow::Shipments))),
    ("WHSEWInboundShipmentOrderRequestCreatedBusinessEvent", Meaning::ReceiptAnnounced),
    ("WHSEWInboundShipmentOrderUpdateChangedStatusBusinessEvent", Meaning::PostingSettled(Some(Flow::GoodsReceived))),
    ("PurchaseOrderConfirmedBusinessEvent", Meaning::ReceiptAnnounced),
    // No event of the product is known to tell of return orders: under this name a scan does, and a customer's own may.
    ("ReturnOrderChangedBusinessEvent", Meaning::ReturnAuthorised),
];

/// Entities whose data events we know, by what is left of their name: created, updated, deleted.
const ENTITIES: &[(&str, [Meaning; 3])] = &[
    ("outboundshipmentorderrequest", [Meaning::Released, Meaning::Changed, Meaning::Cancelled]),
    ("inboundshipmentorderrequest", [Meaning::ReceiptAnnounced; 3]),
    ("outboundshipmentorderupdate", [Meaning::PostingSettled(Some(Flow::Shipments)); 3]),
    ("inboundshipmentorderupdate", [Meaning::PostingSettled(Some(Flow::GoodsReceived)); 3]),
];

/// The meaning that a kind has in the table `[dynamics.NAME.events]`; nothing for what Dynamics does not tell.
#[must_use]
pub fn configurable(kind: &str) -> bool {
    configured(kind).is_some()
}

fn configured(kind: &str) -> Option<Meaning> {
    match kind.parse().ok()? {
        Kind::OrderReleased => Some(Meaning::Released),
        Kind::OrderChanged => Some(Meaning::Changed),
        Kind::OrderCancelled => Some(Meaning::Cancelled),
        Kind::ReceiptAnnounced => Some(Meaning::ReceiptAnnounced),
        Kind::PostingSettled => Some(Meaning::PostingSettled(None)),
        Kind::ReturnAuthorised => Some(Meaning::ReturnAuthorised),
        Kind::ItemChanged => Some(Meaning::ItemChanged),
        _ => None,
    }
}

/// The event's name, as received, and what it means.
pub(super) fn meaning(members: &Members<'_>, dynamics: &Dynamics) -> Result<(String, Meaning), Problem> {
    let name = members.event_name().ok_or("BusinessEventId: is required, or MessageName with InputParameters")?;
    let mut names = vec![name.as_str()];
    if let Some((entity, message)) = members.context() {
        names.extend([message, entity]);
    }
    let of_table = |wanted: &str| dynamics.events.iter().find(|(each, _)| fold(each) == fold(wanted));
    let own = names.iter().find_map(|name| of_table(name)).and_then(|(_, kind)| configured(kind));
    let known = || names.iter().find_map(|name| EVENTS.iter().find(|(each, _)| fold(each) == fold(name)));
    let meaning = own.or_else(|| known().map(|(_, meaning)| *meaning)).or_else(|| of_data(members.context()?));
    meaning.map(|meaning| (name.clone(), meaning)).ok_or_else(|| {
        format!("BusinessEventId: {name:?} is an event that nobody told us the meaning of; see dynamics.NAME.events")
    })
}

fn of_data((entity, message): (&str, &str)) -> Option<Meaning> {
    let folded = fold(entity);
    let bare = folded.strip_prefix("whsew").unwrap_or(&folded);
    let bare = bare.strip_suffix("entity").unwrap_or(bare);
    let bare = bare.strip_suffix('s').unwrap_or(bare);
    let (_, [created, updated, deleted]) = ENTITIES.iter().find(|(each, _)| *each == bare)?;
    match fold(message).trim_start_matches("onexternal") {
        "create" | "created" => Some(*created),
        "update" | "updated" => Some(*updated),
        "delete" | "deleted" => Some(*deleted),
        _ => None,
    }
}
