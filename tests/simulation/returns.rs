//! What people do about goods that come back: shops ask for returns, Dynamics makes and refunds them, a warehouse inspects
//! parcels. And the law of wishes: each is made a return order, once and whole, or is left to a person.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use drayline::message::{
    Body, Connection, Envelope, Kind, LegalEntity, Occurred, OrderingKey, Origin, TimePrecision, message_id,
};
use drayline::sandbox::FarEnd;
use drayline::store::MappingChange;
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::far_ends::{FarEnds, RETURN_EVENT, Which, document_in};
use super::seed::{Act, ITEMS};
use crate::mapping::row;

/// What becomes of a piece: the warehouse's word, Dynamics' code, and the code where nothing is credited any more.
const DISPOSITIONS: [(&str, &str, &str); 7] = [
    ("RESTOCK", "CREDIT", "STOCK"),
    ("QUARANTINE", "CREDIT", "STOCK"),
    ("REFURBISH", "CREDIT", "STOCK"),
    ("SCRAP", "SCRAP", "WRITEOFF"),
    ("DONATE", "SCRAP", "WRITEOFF"),
    ("RETURN_TO_VENDOR", "SCRAP", "WRITEOFF"),
    ("RETURN_TO_SENDER", "SENDBACK", "SENDBACK"),
];

/// What is said of dispositions before anything happens.
pub fn dispositions(from: u64) -> MappingChange {
    let said =
        |word: &str, code: &str| row(&format!("disposition; connection:north; warehouse:{word}; dynamics:{code}"));
    let rows = DISPOSITIONS.iter();
    let set = rows.flat_map(|(word, code, plain)| [said(word, code), said(&format!("{word}/CREDITED"), plain)]);
    MappingChange {
        from,
        set: set.collect(),
        removed: Vec::new(),
        by: "a person".to_owned(),
        reason: "returns begin".to_owned(),
    }
}

/// How goods come back, as it is configured.
pub fn lines() -> String {
    let mut lines = format!("dynamics.contoso.events.{RETURN_EVENT} = \"return_authorised\"\n");
    for (name, value) in [
        ("warehouse", "\"24\""),
        ("without_credit", "[\"STOCK\", \"WRITEOFF\", \"SENDBACK\"]"),
        ("credited_elsewhere", "[\"REPLACE\", \"CREDITONLY\"]"),
        ("exchange_code", "\"REPLACE\""),
    ] {
        writeln!(lines, "dynamics.contoso.returns.{name} = {value}").unwrap();
    }
    lines
}

/// A shop's wish, as the interface takes it.
pub fn wish(key: u64, lines: &Value, now: Timestamp) -> Envelope {
    let connection = Connection::new("contoso").unwrap();
    let legal_entity = LegalEntity::new("usmf").unwrap();
    let line = |line: &Value| {
        let quantity = json!({ "value": line["quantity"], "unit": line["unit"] });
        let reason = if line["exchange"] == true { "EXCHANGE" } else { "CHANGED_MIND" };
        json!({ "item": { "sku": line["item"] }, "quantity": quantity, "reason": { "code": reason } })
    };
    let lines: Vec<_> = lines.as_array().unwrap().iter().map(line).collect();
    let name = format!("web-{key}");
    let body = json!({ "requestKey": name, "order": {}, "customerAccount": "C00007", "lines": lines });
    Envelope {
        message_id: wish_id(key),
        source_system: "api".to_owned(),
        external_event_id: Some(name.clone()),
        external_event_type: Some("return_requested".to_owned()),
        ordering_key: OrderingKey::return_request(&connection, &legal_entity, &name),
        environment: Some(connection.clone()),
        connection,
        legal_entity: Some(legal_entity),
        occurred: Occurred { at: now, raw: None, precision: TimePrecision::ReceiveTime },
        received_at: now,
        origin: Origin::Manual,
        sequence: None,
        traceparent: None,
        causation_id: None,
        raw: None,
        attributes: BTreeMap::new(),
        body: Body::from_json(Kind::ReturnRequested, body).unwrap(),
    }
}

/// The same wish is the same message, however often it is told.
fn wish_id(key: u64) -> Uuid {
    message_id(&Connection::new("contoso").unwrap(), "return_requested", &format!("usmf/web-{key}"))
}

/// Whether an ordering key is that of a wish.
pub fn is_wish(key: &str) -> bool {
    key.starts_with("return_request/")
}

/// The id and the items of a wish.
pub fn asked(act: &Act) -> Option<(Uuid, Vec<String>)> {
    let Act::Wish(key, lines) = act else { return None };
    Some((wish_id(*key), items(lines.as_array()?.iter())))
}

fn items<'a>(lines: impl Iterator<Item = &'a Value>) -> Vec<String> {
    lines.map(|line| line["item"].as_str().unwrap_or_default().to_owned()).collect()
}

/// Wishes that are no return order, or not whole, and are not left to a person. Return orders that somebody made in Dynamics
/// itself carry the reference of a shop there.
pub fn unmade(dynamics: &FarEnd, asked: &BTreeMap<Uuid, Vec<String>>, left: usize) -> Vec<String> {
    let returns = dynamics.state["returns"].as_array().into_iter().flatten();
    // What is made of a parcel is of items that are ordered, and of no wish.
    let wished = |row: &&Value| {
        let mut items = items(row["lines"].as_array().into_iter().flatten()).into_iter().peekable();
        items.peek().is_some() && items.all(|item| ITEMS.iter().any(|(known, ..)| *known == item))
    };
    let ours = returns.filter(|row| !row["reference"].as_str().unwrap_or_default().starts_with("WEB-")).filter(wished);
    let made: Vec<(&str, Vec<String>)> = ours
        .map(|row| {
            (row["reference"].as_str().unwrap_or_default(), items(row["lines"].as_array().into_iter().flatten()))
        })
        .collect();
    let references: BTreeSet<_> = made.iter().map(|(reference, _)| reference).collect();
    if references.len() + left < asked.len() {
        return vec![format!("wishes: {} were made of {}, and {left} are left", references.len(), asked.len())];
    }
    let (mut wanted, mut there): (Vec<_>, Vec<_>) =
        (asked.values().cloned().collect(), made.into_iter().map(|(_, items)| items).collect());
    wanted.sort();
    there.sort();
    (left == 0 && wanted != there).then(|| format!("wishes: {there:?} were made of {wanted:?}")).into_iter().collect()
}

/// Somebody in Dynamics makes a return order.
pub fn make(far_ends: &FarEnds, lines: &Value, refunded: bool) {
    let made = far_ends.ask(Which::Dynamics, "/sandbox/returns", &json!({ "lines": lines }));
    if let (true, Some(id)) = (refunded, made["released"][0].as_str()) {
        far_ends.ask(Which::Dynamics, &format!("/sandbox/returns/{id}/refund"), &json!({}));
    }
}

fn id(number: u64) -> String {
    format!("RET{:07}", number + 1)
}

/// Somebody in Dynamics changes a return order, or takes it back.
pub fn ask(far_ends: &FarEnds, number: u64, what: &str) {
    far_ends.ask(Which::Dynamics, &format!("/sandbox/returns/{}/{what}", id(number)), &json!({}));
}

/// Gives the money back, unless something came: then only Dynamics can keep the two apart.
pub fn refund(far_ends: &FarEnds, number: u64) {
    let nothing_came = |row: &Value| row["reports"] == 0 && row["parcel"] != true;
    if held(far_ends, number).iter().all(nothing_came) {
        ask(far_ends, number, "refund");
    }
}

/// Gives a part of the money of the first line, unless something came; then the rest of it, whatever came meanwhile: nothing is
/// posted of a line of which nobody can tell what was credited.
pub fn refund_part(far_ends: &FarEnds, number: u64, draw: u64) {
    let state = far_ends.dynamics.far_end().state;
    let notes = state["credit_notes"].as_array().into_iter().flatten();
    let of_it = |note: &&Value| note["order"] == id(number).as_str() && note["refund"] == true;
    let given = notes.filter(of_it).flat_map(|note| note["lines"].as_array().cloned().unwrap_or_default());
    let begun = given.into_iter().any(|line| line["line"] == "1");
    let nothing_came = held(far_ends, number).iter().all(|row| row["reports"] == 0 && row["parcel"] != true);
    let quantity = if begun { 99 } else { 1 + draw % 3 };
    if begun || nothing_came {
        let lines = json!([{ "line": 1, "quantity": quantity.to_string() }]);
        far_ends.ask(Which::Dynamics, &format!("/sandbox/returns/{}/refund", id(number)), &json!({ "lines": lines }));
    }
}

/// What the warehouse holds of a return.
fn held(far_ends: &FarEnds, number: u64) -> Vec<Value> {
    let state = far_ends.warehouse.far_end().state;
    let rows = state["returns"].as_array().into_iter().flatten();
    let of_it = |row: &&Value| document_in(row["reference"].as_str().unwrap_or_default()) == Some(id(number));
    rows.filter(of_it).cloned().collect()
}

/// Says what became of a return so far: of each line a part, each part with a disposition, and some of it not decided. Single
/// pieces are left to the warehouse's own course, which never decides anew about one.
pub fn inspect(far_ends: &FarEnds, number: u64, draw: u64) {
    let mut chance = fastrand::Rng::with_seed(draw);
    let inspected = |row: &Value| row["live"] == true && row["parcel"] != true;
    let Some(live) = held(far_ends, number).into_iter().find(inspected) else { return };
    let lines = live["lines"].as_array().cloned().unwrap_or_default();
    if lines.iter().any(|line| line["sku"].as_str().unwrap_or_default().starts_with("SER")) {
        return;
    }
    let mut pieces = Vec::new();
    for line in &lines {
        let whole: rust_decimal::Decimal = line["quantity"].as_str().unwrap().parse().unwrap();
        let mut left = chance.u64(..=u64::try_from(whole.trunc()).unwrap());
        let lot = if line["sku"] == "LOT-1" { "LOT-1-B1" } else { "" };
        let piece = |quantity: u64, disposition: &str| {
            json!({ "line": line["line"], "sku": line["sku"], "unit": line["unit"], "lot": lot,
                "quantity": quantity.to_string(), "disposition": disposition })
        };
        let undecided = if chance.u8(..4) == 0 { chance.u64(..=left) } else { 0 };
        left -= undecided;
        // A line that nothing is said of would keep what was said of it before.
        pieces.push(piece(undecided, "PENDING"));
        while left > 0 {
            let quantity = chance.u64(1..=left);
            left -= quantity;
            pieces.push(piece(quantity, DISPOSITIONS[chance.usize(..DISPOSITIONS.len())].0));
        }
    }
    let path = format!("/sandbox/returns/{}", live["id"].as_str().unwrap());
    far_ends.ask(Which::Warehouse, &path, &json!({ "is_final": chance.bool(), "lines": pieces }));
}

/// A parcel comes back of which nobody knows which return it is.
pub fn blind(far_ends: &FarEnds) {
    let piece = json!({ "sku": "ITEM-1", "quantity": "1", "disposition": "RESTOCK" });
    far_ends.ask(Which::Warehouse, "/sandbox/returns", &json!({ "order_number": "SO-000009", "lines": [piece] }));
}
