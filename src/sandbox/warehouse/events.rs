//! The warehouse's events: our kinds in proto3 JSON, signed by Standard Webhooks.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use ring::hmac;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::rules::WarehouseRules;
use super::state::{Adjustment, Content, Order, OrderLine, Package, Shipment, Stage};
use super::{receiving, returning};
use crate::sandbox::delivery::{Delivery, EventName, Notice};
use crate::sandbox::world::Setting;

/// The warehouse took the order on.
pub(super) fn accepted(setting: &Setting<WarehouseRules>, order: &Order, now: Timestamp) -> Notice {
    let data = json!({"order": refs(order), "acceptedAt": instant(now)});
    event(setting, order, ("order_accepted", &order.id), &data, now)
}

/// The warehouse will not do it.
pub(super) fn rejected(setting: &Setting<WarehouseRules>, order: &Order, now: Timestamp) -> Notice {
    let reason = json!({"code": "OUT_OF_STOCK", "raw": "NO_STOCK", "text": "Nothing of it is in stock."});
    let data = json!({"order": refs(order), "reason": reason, "rejectedAt": instant(now)});
    event(setting, order, ("order_rejected", &order.id), &data, now)
}

/// Picking has started.
pub(super) fn picking(setting: &Setting<WarehouseRules>, order: &Order, now: Timestamp) -> Notice {
    let status = json!({"code": Stage::Picking.code()});
    let data = json!({"order": refs(order), "status": status, "changedAt": instant(now)});
    event(setting, order, ("order_status_changed", &format!("{}/picking", order.id)), &data, now)
}

/// A cancellation that was pending is decided.
pub(super) fn cancel_resolved(
    setting: &Setting<WarehouseRules>,
    order: &Order,
    cancelled: bool,
    now: Timestamp,
) -> Notice {
    let code = if cancelled { "CONFIRMED" } else { "REJECTED" };
    let mut data = json!({"order": refs(order), "outcome": {"code": code}, "resolvedAt": instant(now)});
    if !cancelled {
        data["reason"] = json!({"code": "TOO_LATE", "text": "Picking has started."});
    }
    event(setting, order, ("order_cancel_resolved", &format!("{}/{}", order.id, order.resolutions)), &data, now)
}

/// A shipment left.
pub(super) fn shipped(setting: &Setting<WarehouseRules>, order: &Order, shipment: &Shipment, now: Timestamp) -> Notice {
    let packages: Vec<_> = shipment.packages.iter().map(package).collect();
    let mut data = json!({
        "shipmentKey": shipment.key,
        "order": refs(order),
        "shippedAt": instant(shipment.left_at),
        "isFinal": shipment.last,
        "carrier": carrier(order),
        "packages": packages,
    });
    if let Some(facility) = order.content.get("facility").filter(|facility| facility.is_string()) {
        data["shipFrom"] = json!({ "code": facility });
    }
    let shorts = if shipment.last { shorts(order, shipment) } else { Vec::new() };
    if !shorts.is_empty() {
        data["shorts"] = json!(shorts);
    }
    event(setting, order, ("shipment_confirmed", &shipment.key), &data, now)
}

/// What will not leave any more, when this was the last shipment of an order.
fn shorts(order: &Order, shipment: &Shipment) -> Vec<Value> {
    let leaves = |line: &OrderLine| -> Decimal {
        let contents = shipment.packages.iter().flat_map(|package| &package.contents);
        contents.filter(|content| content.line_id == line.line_id).map(|content| content.quantity).sum()
    };
    let left = order.lines.iter().map(|line| (line, line.quantity - line.shipped - leaves(line)));
    let short = |(line, quantity): (&OrderLine, Decimal)| {
        json!({
            "line": {"orderLineId": line.line_id},
            "item": {"sku": line.sku},
            "quantity": {"value": quantity.normalize().to_string(), "unit": line.unit},
            "reason": {"code": "OUT_OF_STOCK"},
        })
    };
    left.filter(|(_, quantity)| *quantity > Decimal::ZERO).map(short).collect()
}

/// Goods came, or were counted further: totals, and the number of the report.
pub(super) fn received(setting: &Setting<WarehouseRules>, order: &Order, now: Timestamp) -> Notice {
    let (state, complete) = match order.stage {
        Stage::Arrived => ("ARRIVED", false),
        Stage::Complete => ("COMPLETE", true),
        _ => ("PARTIAL", false),
    };
    let mut data = json!({
        "receiptKey": order.id,
        "inboundOrder": refs(order),
        "state": {"code": state},
        "quantityBasis": {"code": "CUMULATIVE"},
        "lines": receiving::lines(order),
        "isFinal": complete,
        "sequence": order.reports.to_string(),
    });
    if let Some(facility) = order.content.get("facility").filter(|facility| facility.is_string()) {
        data["warehouse"] = json!({ "code": facility });
    }
    if complete {
        data["completedAt"] = json!(instant(now));
    }
    event(setting, order, ("goods_received", &format!("{}/{}", order.id, order.reports)), &data, now)
}

/// A return is so far.
pub(super) fn return_status(setting: &Setting<WarehouseRules>, order: &Order, code: &str, now: Timestamp) -> Notice {
    let mut data = return_named(order);
    data["status"] = json!({ "code": code });
    data["changedAt"] = json!(instant(now));
    event(setting, order, ("return_status_changed", &format!("{}/{code}", order.id)), &data, now)
}

/// Goods came back, or were inspected further: totals, and the number of the report.
pub(super) fn returned(setting: &Setting<WarehouseRules>, order: &Order, now: Timestamp) -> Notice {
    let mut data = return_named(order);
    let kind = order.content.get("kind").and_then(Value::as_str).unwrap_or("CUSTOMER");
    data["kind"] = json!({ "code": kind });
    data["blind"] = json!(data.get("rma").is_none());
    data["trackingNumbers"] = order.content.get("trackingNumbers").cloned().unwrap_or_else(|| json!([]));
    let customer = order.content.get("customerAccount").and_then(Value::as_str).filter(|account| !account.is_empty());
    if let Some(account) = customer.filter(|_| order.reference.is_empty()) {
        data["customerAccount"] = json!(account);
    }
    data["receivedAt"] = json!(instant(now));
    data["isFinal"] = json!(order.stage == Stage::Complete);
    data["lines"] = json!(returning::lines(order));
    data["sequence"] = json!(order.reports.to_string());
    event(setting, order, ("return_received", &format!("{}/{}", order.id, order.reports)), &data, now)
}

/// What names a return: its key here, the RMA, and the order that is named on a parcel without one.
fn return_named(order: &Order) -> Value {
    let said = |name: &str| order.content.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let mut data = json!({ "returnKey": order.id });
    if let Some(rma) = said("rma") {
        data["rma"] = json!(rma);
    }
    if order.reference.is_empty() && (said("orderNumber").is_some() || said("orderReference").is_some()) {
        let named = [("orderNumber", said("orderNumber")), ("reference", said("orderReference"))];
        data["order"] = named
            .into_iter()
            .filter_map(|(name, text)| Some((name.to_owned(), json!(text?))))
            .collect::<Map<_, _>>()
            .into();
    }
    data
}

/// A tracking number that was late came.
pub(super) fn tracked(
    setting: &Setting<WarehouseRules>,
    order: &Order,
    (shipment, package, number): (&Shipment, &Package, &str),
    now: Timestamp,
) -> Notice {
    let data = json!({
        "shipmentKey": shipment.key,
        "packageKey": package.key,
        "order": refs(order),
        "trackingNumber": number,
        "trackingUrl": tracking_url(number),
        "carrier": carrier(order),
        "status": {"code": "IN_TRANSIT"},
        "updatedAt": instant(now),
    });
    event(setting, order, ("tracking_updated", &package.key), &data, now)
}

/// Stock changed for another reason than an order.
pub(super) fn adjusted(setting: &Setting<WarehouseRules>, adjustment: &Adjustment, now: Timestamp) -> Notice {
    notice(setting, None, ("stock_adjusted", &adjustment.key), &adjustment.data, now)
}

/// What is held, or a part of it.
pub(super) fn snapshot(setting: &Setting<WarehouseRules>, key: &str, data: &Value, now: Timestamp) -> Notice {
    notice(setting, None, ("stock_snapshot_taken", key), data, now)
}

/// What somebody has the house tell of an order, which it may never have had. The same words are the same event.
pub(super) fn told(
    setting: &Setting<WarehouseRules>,
    (reference, order): (&str, Option<&Order>),
    (kind, mut data): (&str, Map<String, Value>),
    now: Timestamp,
) -> Notice {
    data.insert("order".to_owned(), order.map_or_else(|| json!({ "reference": reference }), refs));
    let subject = ["packageKey", "shipmentKey"].into_iter().find_map(|name| data.get(name)?.as_str());
    let subject = subject.unwrap_or(reference).to_owned();
    let data = Value::Object(data);
    let id = identifier(setting, &format!("told/{kind}/{data}"));
    let name = EventName { id, kind: kind.to_owned(), reference: Some(reference.to_owned()), subject: Some(subject) };
    named(name, &data, now)
}

/// The headers of an event that is sent now: the id stays, the time stamp is of the attempt.
pub(super) fn headers(rules: &WarehouseRules, delivery: &Delivery, now: Timestamp) -> Vec<(&'static str, String)> {
    let id = delivery.events.first().map(|event| event.id.clone()).unwrap_or_default();
    let stamp = now.as_second().to_string();
    let key = STANDARD.decode(rules.signing_secret.trim_start_matches("whsec_")).unwrap_or_default();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let code = hmac::sign(&key, format!("{id}.{stamp}.{}", delivery.body).as_bytes());
    let signature = format!("v1,{}", STANDARD.encode(code));
    vec![("webhook-id", id), ("webhook-timestamp", stamp), ("webhook-signature", signature)]
}

fn event(setting: &Setting<WarehouseRules>, order: &Order, what: (&str, &str), data: &Value, now: Timestamp) -> Notice {
    notice(setting, Some(order.reference.clone()), what, data, now)
}

/// An event; its kind and the facts make its id.
fn notice(
    setting: &Setting<WarehouseRules>,
    reference: Option<String>,
    (kind, facts): (&str, &str),
    data: &Value,
    now: Timestamp,
) -> Notice {
    let id = identifier(setting, &format!("{kind}/{facts}"));
    named(EventName { id, kind: kind.to_owned(), reference, subject: Some(facts.to_owned()) }, data, now)
}

fn identifier(setting: &Setting<WarehouseRules>, facts: &str) -> String {
    format!("evt_{}", setting.chance.identifier(facts))
}

fn named(name: EventName, data: &Value, now: Timestamp) -> Notice {
    let body = json!({"type": name.kind, "id": name.id, "timestamp": instant(now), "data": data});
    Notice { events: vec![name], body: body.to_string() }
}

fn refs(order: &Order) -> Value {
    let mut refs = json!({"reference": order.reference, "externalOrderId": order.id});
    for (theirs, ours) in [("orderNumber", "orderNumber"), ("purchaseOrder", "purchaseOrder")] {
        if let Some(text) = order.content.get(theirs).and_then(Value::as_str).filter(|text| !text.is_empty()) {
            refs[ours] = json!(text);
        }
    }
    refs
}

fn carrier(order: &Order) -> Value {
    let mut carrier = Map::new();
    for (name, member) in [("carrier", "raw"), ("service", "service")] {
        let text = order.content.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        carrier.extend(text.map(|text| (member.to_owned(), json!(text))));
    }
    if !carrier.contains_key("raw") {
        carrier.insert("raw".to_owned(), json!("UPS"));
    }
    Value::Object(carrier)
}

fn package(package: &Package) -> Value {
    let contents: Vec<_> = package.contents.iter().map(content).collect();
    let mut shown = json!({"packageKey": package.key, "contents": contents});
    if let Some(number) = &package.tracking_number {
        shown["trackingNumber"] = json!(number);
        shown["trackingUrl"] = json!(tracking_url(number));
    }
    shown
}

fn content(content: &Content) -> Value {
    let lot = |(number, quantity): &(String, Decimal)| {
        let quantity = quantity.to_string();
        json!({"number": number, "quantity": quantity, "expiry": "2030-12-31"})
    };
    let mut shown = json!({
        "line": {"orderLineId": content.line_id},
        "item": {"sku": content.sku},
        "quantity": {"value": content.quantity.to_string(), "unit": content.unit},
    });
    if !content.lots.is_empty() {
        shown["lots"] = content.lots.iter().map(lot).collect();
    }
    if !content.serials.is_empty() {
        shown["serials"] = json!(content.serials);
    }
    shown
}

fn tracking_url(number: &str) -> String {
    format!("https://tracking.example/{number}")
}

pub(super) fn instant(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}
