//! The `standard` connector: `{"type","id","timestamp","data"}`, where `type` is our kind and `data` its proto3 JSON.

use serde_json::{Map, Value};

use super::instant::lenient_instant;
use super::json::{self, Problem};
use super::received::{Facts, Received};
use crate::config::Warehouse;
use crate::message::{Body, Connection, Envelope, FactKey, Flow, Kind, LegalEntity, OrderingKey, Reference};

/// What the sender's system is called.
pub(super) const SYSTEM: &str = "standard";

/// What a warehouse may say. The other kinds are Dynamics' or ours.
pub const KINDS: [Kind; 12] = [
    Kind::OrderAccepted,
    Kind::OrderRejected,
    Kind::OrderStatusChanged,
    Kind::OrderCancelResolved,
    Kind::ShipmentConfirmed,
    Kind::TrackingUpdated,
    Kind::ShipmentVoided,
    Kind::GoodsReceived,
    Kind::StockAdjusted,
    Kind::ReturnStatusChanged,
    Kind::ReturnReceived,
    Kind::StockSnapshotTaken,
];

/// Translates one event. What cannot be understood becomes `Unreadable`, with its bytes.
#[must_use]
pub fn translate(received: &Received<'_>, warehouse: &Warehouse) -> Envelope {
    let mut facts = Facts::none(SYSTEM, received);
    facts.environment = Connection::new(warehouse.dynamics.as_str()).ok();
    match read(received, &mut facts) {
        Ok((key, body)) => {
            let sequence = sequence(&body);
            Envelope { sequence, ..received.understood(facts, key, body, received.bytes) }
        }
        Err((flow, problem)) => received.unreadable(facts, flow, &problem, received.bytes),
    }
}

/// Fills the facts as far as they are there, so that an unreadable event can be found by them, too.
fn read(received: &Received<'_>, facts: &mut Facts) -> Result<(Option<OrderingKey>, Body), (Flow, Problem)> {
    let of_orders = |problem: Problem| (Flow::Orders, problem);
    let text = json::text(received.bytes).map_err(of_orders)?;
    let Value::Object(mut members) = json::value(text, received.json_depth_max).map_err(of_orders)? else {
        return Err(of_orders("the body is not an object".to_owned()));
    };
    let id = identity(&members, received.header_id);
    facts.event_type = word(&members, "type");
    if let Some(raw) = word(&members, "timestamp") {
        let read = lenient_instant(&raw);
        facts.happened(raw, read);
    }
    // Also of what nobody understands: translated anew, it is the same event.
    facts.event_id = id.clone().unwrap_or_default();
    let kind = kind(facts.event_type.as_deref()).map_err(of_orders)?;
    let of_kind = |problem: Problem| (kind.flow(), problem);
    facts.identity = id.map_err(of_kind)?;
    let data = members.remove("data").filter(Value::is_object);
    let data = data.ok_or_else(|| of_kind("data: is required, and is an object".to_owned()))?;
    let mut body = Body::from_json(kind, json::without_nulls(data))
        .map_err(|invalid| of_kind(invalid.within("data").to_string()))?;
    if let Body::ReturnReceived(returned) = &mut body {
        // A person's word, which no warehouse has for him.
        returned.matched_order = None;
    }
    let reference = body.order().and_then(|refs| refs.reference.as_deref()).and_then(|text| text.parse().ok());
    facts.legal_entity = reference.as_ref().and_then(legal_entity);
    let key = facts.environment.as_ref().and_then(|environment| {
        let reference = reference.as_ref();
        ordering_key(&body, environment, received.connection, reference)
    });
    Ok((key, body))
}

fn kind(event_type: Option<&str>) -> Result<Kind, Problem> {
    let text = event_type.ok_or("type: is required")?;
    let kind: Kind = text.parse().map_err(|invalid| format!("type: {invalid}"))?;
    if KINDS.contains(&kind) { Ok(kind) } else { Err(format!("type: {text:?} is nothing that a warehouse says")) }
}

/// The event's own id, else the delivery's.
fn identity(members: &Map<String, Value>, header_id: Option<&str>) -> Result<Option<String>, Problem> {
    let own = word(members, "id");
    let Some(id) = own.as_deref().or(header_id) else { return Ok(None) };
    let id = FactKey::new(id).map_err(|invalid| invalid.within("id").to_string())?;
    Ok(Some(id.to_string()))
}

/// A text or a number; the empty text means absent.
fn word(members: &Map<String, Value>, name: &str) -> Option<String> {
    match members.get(name)? {
        Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Nothing for what names no document of ours: it stands alone.
fn ordering_key(
    body: &Body,
    environment: &Connection,
    connection: &Connection,
    reference: Option<&Reference>,
) -> Option<OrderingKey> {
    let rma =
        |rma: &Option<String>, key: &FactKey| OrderingKey::rma(environment, rma.as_deref().unwrap_or(key.as_str()));
    match body {
        Body::GoodsReceived(_) => Some(OrderingKey::inbound_order(environment, reference?.document())),
        Body::ReturnStatusChanged(body) => Some(rma(&body.rma, &body.return_key)),
        Body::ReturnReceived(body) => Some(rma(&body.rma, &body.return_key)),
        Body::StockAdjusted(body) => Some(OrderingKey::stock(connection, body.item.sku.as_str())),
        Body::StockSnapshotTaken(_) => None,
        _ => Some(OrderingKey::order(environment, reference?.document())),
    }
}

/// Our references begin with the legal entity; Dynamics' companies hold letters and digits only.
fn legal_entity(reference: &Reference) -> Option<LegalEntity> {
    let (company, _) = reference.document().split_once('-')?;
    LegalEntity::new(company).ok()
}

/// The sender's version of the document.
fn sequence(body: &Body) -> Option<u64> {
    match body {
        Body::ShipmentConfirmed(body) => body.sequence,
        Body::GoodsReceived(body) => body.sequence,
        Body::StockAdjusted(body) => body.sequence,
        Body::ReturnReceived(body) => body.sequence,
        _ => None,
    }
}
