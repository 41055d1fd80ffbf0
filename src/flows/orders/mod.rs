//! Flow `orders`: what Dynamics releases goes to the warehouse; what the warehouse answers goes back.
//!
//! Every message ends in the same question: does the one live order at the warehouse say what Dynamics wants now? If
//! not, the warehouse changes it, where its connection declares that it takes such a change; else it is cancelled and created
//! anew under the next revision of our reference, or, where the warehouse has gone too far, handed to a person. So the order in
//! which events arrive does not matter, and a second one says nothing new.
//!
//! ```text
//!                     ┌────────── differs: cancel ──────────┐
//!                     ▼                                     │
//!   nothing live ── create ──► live ── accepted, picking ───┤──► shipped (flow shipments)
//!        ▲                      │                           │
//!        └── cancel confirmed ──┴── rejected: a person, until Dynamics wants something newer
//! ```
//!
//! It refuses to change an order at a warehouse in place where nothing is declared: warehouses differ too much in what they take
//! until when.

mod answers;
mod beside;
mod changed;
mod demanded;
mod former;
mod limits;
mod mapped;
mod plan;
mod wanted;

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::answer::KnownDocument;
use super::history::History;
use super::keys;
use super::ledger::{CreatedOrder, Ledger};
use crate::config::{Changes, Limits};
use crate::failure::{Code, Failure};
use crate::gateways::{Demands, Direction, Gateways, HeldOrder, ReleasedOrder, Warehouse};
use crate::mapping::Mapping;
use crate::message::{Body, Connection, Envelope, LegalEntity, OrderStatusCode, ReceiptStateCode, RequestId};

pub use former::Former;
pub(super) use former::{found, is_set_aside, may_be_adopted, not_adopted_yet, sought, waits_for_a_decision};
pub use plan::plan;
pub(super) use wanted::{held_difference, ordered, shipped_whole};

/// What was seen of an order.
#[derive(Clone, Debug)]
pub struct OrderLook {
    /// Which way its goods go.
    pub direction: Direction,
    /// The Dynamics environment.
    pub environment: Connection,
    /// The document as it stands in Dynamics; nothing when Dynamics does not know it.
    pub released: Option<ReleasedOrder>,
    /// The warehouse that serves the document's location, and its own name of the facility.
    pub warehouse: Option<(Connection, String)>,
    /// What that warehouse must be told before an order leaves.
    pub demands: Demands,
    /// What its system takes of an order.
    pub limits: Arc<Limits>,
    /// What it still changes of an order that it has.
    pub changes: Arc<Changes>,
    /// Whether the document's company takes part.
    pub takes_part: bool,
    /// Whether verdicts are written back to Dynamics.
    pub writes_back: bool,
    /// Disposition codes under which nothing is credited, where goods come back; nothing where credits are not shown.
    pub without_credit: Option<Vec<String>>,
    /// What happened before is never sent.
    pub go_live: Option<Timestamp>,
    /// The latest order as the warehouse shows it; only looked at where the ledger leaves doubt.
    pub held: Option<HeldOrder>,
    /// What the warehouse holds of it from before go-live; only looked at where it may.
    pub former: Option<Former>,
}

/// Reads the document that the message names, or that our reference stands for.
pub(super) async fn look(
    gateways: &Gateways,
    mapping: &Mapping,
    message: &Envelope,
    ledger: &Ledger,
) -> Result<OrderLook, Failure> {
    let environment = environment(gateways, message)?;
    let dynamics = gateways.dynamics(&environment).ok_or_else(|| unknown(&environment))?;
    let direction = Direction::of(message.flow());
    let mut look = OrderLook {
        direction,
        environment: environment.clone(),
        released: None,
        warehouse: None,
        demands: Demands::default(),
        limits: Arc::default(),
        changes: Arc::default(),
        takes_part: true,
        // How a warehouse takes an announcement is nothing that Dynamics has a place for.
        writes_back: direction == Direction::Outbound && dynamics.writes_back(),
        without_credit: Some(dynamics.returns())
            .filter(|returns| direction == Direction::Returned && !returns.credit_entity.is_empty())
            .map(|returns| returns.without_credit.clone()),
        go_live: dynamics.go_live(),
        held: held(gateways, direction, message, ledger).await?,
        former: None,
    };
    let Some((legal_entity, request_id)) = document(message, ledger) else { return Ok(look) };
    let doing = format!("read the released document {request_id}");
    let read = dynamics.released_order(direction, &legal_entity, &request_id).await;
    look.released = read.map_err(|error| dynamics.failure(&error, &doing))?;
    look.takes_part = dynamics.takes_part(&legal_entity);
    if let Some(released) = &look.released {
        look.warehouse = serving(gateways, mapping, &environment, released);
        let warehouse = look.warehouse.as_ref().and_then(|(name, _)| gateways.warehouse(name));
        look.demands = warehouse.map(Warehouse::demands).unwrap_or_default();
        look.limits = warehouse.map(|warehouse| Arc::clone(warehouse.limits())).unwrap_or_default();
        look.changes = warehouse.map(|warehouse| Arc::clone(warehouse.changes())).unwrap_or_default();
        if let Some(warehouse) = warehouse {
            look.former = former::look((dynamics, warehouse), message, ledger, released).await?;
        }
    }
    Ok(look)
}

/// The warehouse that serves the document's location: as it is configured, else as a row of the mapping says.
fn serving(
    gateways: &Gateways,
    mapping: &Mapping,
    environment: &Connection,
    released: &ReleasedOrder,
) -> Option<(Connection, String)> {
    if let Some((warehouse, facility)) = gateways.warehouse_at(environment, &released.warehouse) {
        return Some((warehouse.name().clone(), facility.to_owned()));
    }
    let (warehouse, facility) = mapping.facility(environment, Some(&released.legal_entity), &released.warehouse)?;
    // A row that names a warehouse of another environment, or one that is not configured, says nothing here.
    (gateways.serving(warehouse) == Some(environment)).then(|| (warehouse.clone(), facility.to_owned()))
}

/// The latest order as its warehouse shows it, when a cancellation is not confirmed or the warehouse says it is stuck.
async fn held(
    gateways: &Gateways,
    direction: Direction,
    message: &Envelope,
    ledger: &Ledger,
) -> Result<Option<HeldOrder>, Failure> {
    let history = History::of(ledger);
    let Some(latest) = history.latest().filter(|latest| latest.end.is_none()) else { return Ok(None) };
    let stuck = matches!(&message.body, Body::OrderStatusChanged(status) if status.exception);
    if latest.cancel.is_none() && !stuck {
        return Ok(None);
    }
    let name = &latest.created.warehouse;
    let warehouse = gateways.warehouse(name).ok_or_else(|| unknown(name))?;
    let reference = latest.created.their_reference();
    let doing = format!("read the order {reference}");
    warehouse.find_order(direction, &reference).await.map_err(|error| warehouse.failure(&error, &doing))
}

/// An order is known from its creation on, whatever becomes of the message that created it.
pub(super) fn makes_known(message: &Envelope, act: &str, facts: &Value) -> Option<KnownDocument> {
    let directions = [Direction::Outbound, Direction::Inbound, Direction::Returned];
    let direction = directions.into_iter().find(|direction| keys::creating(*direction) == act)?;
    let created = serde_json::from_value::<CreatedOrder>(facts.clone()).ok()?;
    let environment = message.environment.as_ref().unwrap_or(&message.connection);
    Some(known(message, (direction, environment), &created))
}

/// An order that was created, with the names that its creation tells.
fn known(
    message: &Envelope,
    (direction, environment): (Direction, &Connection),
    created: &CreatedOrder,
) -> KnownDocument {
    let names = [
        ("reference", Some(created.reference.to_string())),
        ("former_reference", created.adopted.as_ref().map(|adopted| adopted.reference.clone())),
        ("awaited_as", Some(keys::order_name(direction, environment, &created.reference))),
        ("warehouse_order", Some(created.order_id.clone()).filter(|id| !id.is_empty())),
        ("request", Some(created.request_id.to_string())),
        ("origin", Some(created.origin_id.clone()).filter(|id| !id.is_empty())),
        ("order_number", created.order_number.clone()),
    ];
    let names = names.into_iter().filter_map(|(name, value)| value.map(|value| (name.to_owned(), value)));
    let mut names: Vec<_> = names.collect();
    if direction != Direction::Inbound {
        names.extend(customer_items(created));
    }
    KnownDocument { key: message.ordering_key.to_string(), kind: direction.document(), names }
}

/// By which customer and item an order is found whose number nobody knows: by the item as Dynamics and as the warehouse call it.
fn customer_items(created: &CreatedOrder) -> Vec<(String, String)> {
    let Some(customer) = &created.account else { return Vec::new() };
    let mut items: Vec<_> = created.lines.iter().flat_map(|line| [&line.sku, line.sent_sku()]).collect();
    items.sort_unstable();
    items.dedup();
    items.into_iter().map(|item| ("customer_item".to_owned(), format!("{customer}/{item}"))).collect()
}

/// The environment that the message belongs to: its own, or the one its warehouse works for.
pub(super) fn environment(gateways: &Gateways, message: &Envelope) -> Result<Connection, Failure> {
    let named = message.environment.clone();
    let itself = || gateways.dynamics(&message.connection).map(|_| message.connection.clone());
    let served = || gateways.serving(&message.connection).cloned();
    named.or_else(itself).or_else(served).ok_or_else(|| unknown(&message.connection))
}

pub(super) fn unknown(connection: &Connection) -> Failure {
    let sentence = format!("The connection {connection} is not configured any more. Configure it again, then replay.");
    Failure::new(Code::ConnectionUnknown, sentence)
}

fn document(message: &Envelope, ledger: &Ledger) -> Option<(LegalEntity, RequestId)> {
    let named = match &message.body {
        Body::OrderReleased(body) => Some(&body.document.request_id),
        Body::OrderChanged(body) => Some(&body.document.request_id),
        Body::OrderCancelled(body) => Some(&body.document.request_id),
        Body::ReceiptAnnounced(body) => Some(&body.request_id),
        Body::ReturnAuthorised(body) => {
            return Some((message.legal_entity.clone()?, RequestId::new(body.return_order_number.as_str()).ok()?));
        }
        _ => None,
    };
    if let Some(request_id) = named {
        return Some((message.legal_entity.clone()?, request_id.clone()));
    }
    // The warehouse tells of every step; only what may change what Dynamics or the warehouse holds is worth a read.
    let only_shown = matches!(&message.body, Body::OrderStatusChanged(status)
        if !status.exception && status.status.code != OrderStatusCode::Cancelled)
        || matches!(&message.body, Body::GoodsReceived(receipt) if receipt.state.code == ReceiptStateCode::Arrived);
    if only_shown {
        return None;
    }
    let history = History::of(ledger);
    let latest = history.latest()?;
    let created = &latest.created;
    // Acceptance of the one live order says nothing that the document could contradict: its verdict is written over the
    // status that was seen when the order was sent, and only over that.
    let accepted = matches!(&message.body, Body::OrderAccepted(body)
        if body.order.reference.as_deref() == Some(created.reference.to_string().as_str()));
    if accepted && latest.end.is_none() && latest.cancel.is_none() && created.status_version.is_some() {
        return None;
    }
    Some((created.legal_entity.clone(), created.request_id.clone()))
}
