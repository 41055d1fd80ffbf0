//! One document and what is said of it: `SHP0012` of company `usmf`, released in `contoso`, shipped by `north`.

use std::collections::BTreeMap;
use std::sync::Arc;

use drayline::flows::{Acted, Decision, Done, Ledger, Look, OrderLook, Past, Planned, ShipmentLook, plan};
use drayline::gateways::{Demands, Direction, HeldLine, HeldOrder, ReleasedLine, ReleasedOrder};
use drayline::mapping::Mapping;
use drayline::message::{
    Address, Body, Connection, Envelope, Kind, LegalEntity, Occurred, OrderStatusCode, OrderingKey, Origin, PlaceCode,
    Reference, RequestId, Sku, TimePrecision, Unit,
};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use uuid::Uuid;

pub const ORDER_KEY: &str = "order/contoso/usmf-SHP0012";

pub fn contoso() -> Connection {
    Connection::new("contoso").unwrap()
}

pub fn north() -> Connection {
    Connection::new("north").unwrap()
}

pub fn request() -> RequestId {
    RequestId::new("SHP0012").unwrap()
}

pub fn usmf() -> LegalEntity {
    LegalEntity::new("usmf").unwrap()
}

pub fn reference(revision: u16) -> Reference {
    Reference::of(&usmf(), &request()).with_revision(revision)
}

pub fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// `second` seconds into the day of the story.
pub fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).unwrap()
}

/// A released document: two lines, 10 of BOLT and 4 of NUT.
pub fn released() -> ReleasedOrder {
    ReleasedOrder {
        direction: Direction::Outbound,
        legal_entity: usmf(),
        request_id: request(),
        version: 1,
        origin_id: "ORIGIN-1".to_owned(),
        warehouse: PlaceCode::new("24").unwrap(),
        cancelled: false,
        order_number: Some("SO-1001".to_owned()),
        purchase_order: Some("PO-77".to_owned()),
        customer_account: None,
        recipient: address("Main Street 1"),
        delivery_mode: Some("GROUND".to_owned()),
        carrier: None,
        service: None,
        ship_by: None,
        deliver_by: None,
        lines: vec![line("1", "BOLT", "10"), line("2", "NUT", "4")],
        value: None,
        currency: None,
        credits: Vec::new(),
        left_behind: Vec::new(),
        status_version: None,
    }
}

pub fn address(street: &str) -> Address {
    let text = |text: &str| Some(text.to_owned());
    Address {
        name: text("Ann"),
        company: None,
        line1: text(street),
        line2: None,
        line3: None,
        city: text("Springfield"),
        region: None,
        postal_code: text("12345"),
        country: text("US"),
        phone: None,
        email: None,
        residential: None,
    }
}

pub fn line(line_id: &str, sku: &str, quantity: &str) -> ReleasedLine {
    ReleasedLine {
        line_id: line_id.to_owned(),
        sku: Sku::new(sku).unwrap(),
        item_number: sku.to_owned(),
        variant: None,
        description: None,
        quantity: decimal(quantity),
        unit: Unit::new("ea").unwrap(),
        lot: None,
        serial: None,
        disposition: None,
        over_percent: Some(Decimal::ZERO),
        under_percent: Some(Decimal::ZERO),
    }
}

pub fn order_look(released: Option<ReleasedOrder>) -> OrderLook {
    OrderLook {
        direction: Direction::Outbound,
        environment: contoso(),
        warehouse: released.as_ref().map(|_| (north(), "NORTH-1".to_owned())),
        demands: Demands::default(),
        limits: Arc::default(),
        changes: Arc::default(),
        released,
        takes_part: true,
        writes_back: true,
        without_credit: None,
        go_live: None,
        held: None,
        former: None,
    }
}

pub fn shipment_look() -> ShipmentLook {
    ShipmentLook { environment: contoso(), writes_tracking: true, update: None, calendar: Arc::default() }
}

/// An order as north holds it.
pub fn held(reference: &Reference, released: &ReleasedOrder, status: OrderStatusCode) -> HeldOrder {
    let line = |line: &ReleasedLine| HeldLine {
        line_id: Some(line.line_id.clone()),
        sku: line.sku.clone(),
        quantity: line.quantity,
        unit: Some(line.unit.clone()),
    };
    HeldOrder {
        order_id: format!("N-{reference}"),
        reference: reference.to_string(),
        status: status.into(),
        change: 0,
        lines: released.lines.iter().map(line).collect(),
    }
}

/// A message of Dynamics about the document.
pub fn from_dynamics(kind: Kind) -> Envelope {
    envelope(kind, &contoso(), json!({ "document": { "requestId": "SHP0012" } }))
}

/// A message of north about an order of ours; `more` are the body's other members.
pub fn from_north(kind: Kind, reference: &Reference, more: Value) -> Envelope {
    let mut body = more;
    body["order"] = json!({ "reference": reference.to_string() });
    envelope(kind, &north(), body)
}

pub fn envelope(kind: Kind, connection: &Connection, body: Value) -> Envelope {
    Envelope {
        message_id: Uuid::new_v4(),
        connection: connection.clone(),
        source_system: "standard".to_owned(),
        external_event_id: None,
        external_event_type: None,
        ordering_key: ORDER_KEY.parse::<OrderingKey>().unwrap(),
        environment: Some(contoso()),
        legal_entity: Some(usmf()),
        occurred: Occurred { at: at(0), raw: None, precision: TimePrecision::Instant },
        received_at: at(0),
        origin: Origin::Webhook,
        sequence: None,
        traceparent: None,
        causation_id: None,
        raw: None,
        attributes: BTreeMap::new(),
        body: Body::from_json(kind, body).unwrap(),
    }
}

/// A shipment of north: (line, SKU, quantity) in one package.
pub fn shipped(key: &str, reference: &Reference, contents: &[(&str, &str, &str)]) -> Envelope {
    let contents: Vec<Value> = contents.iter().map(|(line, sku, quantity)| content(line, sku, quantity)).collect();
    let package = json!({ "packageKey": "P1", "trackingNumber": format!("T-{key}"), "contents": contents });
    from_north(Kind::ShipmentConfirmed, reference, json!({ "shipmentKey": key, "packages": [package] }))
}

/// A content of a package; without a line when that is empty.
pub fn content(line: &str, sku: &str, quantity: &str) -> Value {
    let line = if line.is_empty() { Value::Null } else { json!({ "orderLineId": line }) };
    let mut content = json!({ "item": { "sku": sku }, "quantity": { "value": quantity, "unit": "EA" } });
    if !line.is_null() {
        content["line"] = line;
    }
    content
}

/// Asks the plan.
pub fn decide(message: &Envelope, look: &Look, ledger: &Ledger) -> Decision {
    plan(message, look, &Mapping::default(), ledger)
}

pub fn decide_order(message: &Envelope, look: &OrderLook, ledger: &Ledger) -> Decision {
    plan(message, &Look::Order(look.clone()), &Mapping::default(), ledger)
}

pub fn decide_shipment(message: &Envelope, look: &ShipmentLook, ledger: &Ledger) -> Decision {
    plan(message, &Look::Shipment(look.clone()), &Mapping::default(), ledger)
}

/// What a call leaves in the ledger when it happened.
pub fn happened(planned: &Planned, brought: &Value) -> Past {
    let mut facts = planned.facts.clone();
    if let (Some(facts), Some(brought)) = (facts.as_object_mut(), brought.as_object()) {
        facts.extend(brought.clone());
    }
    Past { key: planned.key.clone(), act: planned.act.to_owned(), connection: planned.connection.to_string(), facts }
}

/// Plays the processor: makes every planned call as `answer` says, until another decision.
pub fn run(
    message: &Envelope,
    look: &Look,
    ledger: &mut Ledger,
    mut answer: impl FnMut(&Planned) -> Acted,
) -> Decision {
    for _ in 0..20 {
        let Decision::Act(calls) = decide(message, look, ledger) else { return decide(message, look, ledger) };
        for planned in calls {
            assert!(!ledger.has(&planned.key), "{} is planned again after it happened", planned.key);
            match answer(&planned) {
                Acted::Happened(brought) => ledger.add(happened(&planned, &brought)),
                Acted::Instead(past) => ledger.add(past),
                Acted::Refused(failure) => ledger.refuse(planned.act, failure),
            }
        }
    }
    panic!("the plan never ends");
}

/// A ledger in which the order was created at north, in each of these shapes, one revision after the other.
pub fn created(versions: &[ReleasedOrder]) -> Ledger {
    created_by(versions, |version| {
        let look = Look::Order(order_look(Some(version.clone())));
        (from_dynamics(Kind::OrderReleased), look, ["create_order", "cancel_order"])
    })
}

/// The same, by these messages, looks, and names of the acts that create and cancel.
pub fn created_by(
    versions: &[ReleasedOrder],
    how: impl Fn(&ReleasedOrder) -> (Envelope, Look, [&'static str; 2]),
) -> Ledger {
    let mut ledger = Ledger::default();
    for version in versions {
        let (message, look, [create, cancel]) = how(version);
        let created = run(&message, &look, &mut ledger, |planned| match planned.act {
            act if act == create => Acted::Happened(json!({ "order_id": format!("N-{}", version.version) })),
            act if act == cancel => Acted::Happened(json!({ "outcome": "CONFIRMED" })),
            other => panic!("{other} was not expected"),
        });
        assert!(matches!(created, Decision::Done(_)), "{created:?}");
    }
    ledger
}

/// The ledger with the Done's facts.
pub fn remember(ledger: &mut Ledger, decision: &Decision) {
    for fact in done(decision).facts.clone() {
        ledger.add(fact);
    }
}

pub fn done(decision: &Decision) -> &Done {
    match decision {
        Decision::Done(done) => done,
        other => panic!("not done: {other:?}"),
    }
}

/// The one call of a decision.
pub fn call(decision: &Decision) -> &Planned {
    match decision {
        Decision::Act(calls) if calls.len() == 1 => &calls[0],
        other => panic!("not one call: {other:?}"),
    }
}

/// The code that a decision fails with.
pub fn failed(decision: &Decision) -> &'static str {
    match decision {
        Decision::Fail(failure) => failure.code.as_str(),
        other => panic!("no failure: {other:?}"),
    }
}

pub fn not_ours(decision: &Decision) -> &str {
    match decision {
        Decision::NotOurs(why) => why,
        other => panic!("ours: {other:?}"),
    }
}

/// The name that a decision waits for, the kind that may pass, and what it becomes in the end.
pub fn waits(decision: &Decision) -> (&str, Option<Kind>, &'static str) {
    match decision {
        Decision::Wait { document, passes, failure } => (document, *passes, failure.code.as_str()),
        other => panic!("no wait: {other:?}"),
    }
}
