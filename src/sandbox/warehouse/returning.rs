//! What the warehouse does with goods that come back: they arrive, are inspected in steps, and each piece has an end.
//!
//! Returns that were announced are known by their RMA. Others come without one, when somebody says so: the calls below
//! `/sandbox/returns`. Every report tells totals. For a parcel that nobody took nothing further comes when its RMA is announced.

use std::collections::BTreeMap;

use axum::http::Method;
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::events;
use super::lifecycle::later;
use super::rules::WarehouseRules;
use super::state::{Count, Fact, Floor, Order, OrderLine, Stage};
use crate::message::Reference;
use crate::sandbox::call::{Answer, Call};
use crate::sandbox::catalogue::{Tracking, tracking};
use crate::sandbox::delivery::Notice;
use crate::sandbox::ledger::Effect;
use crate::sandbox::side::Side;
use crate::sandbox::stock::{AVAILABLE, IN_NO_STOCK};
use crate::sandbox::world::Setting;

/// What was found and not yet decided.
pub(super) const PENDING: &str = "PENDING";

/// What becomes of pieces, and how they came.
type Ending = (&'static str, &'static str);

const AS_NEW: Ending = ("RESTOCK", "NEW");
const WORN: Ending = ("QUARANTINE", "OPENED");
const BROKEN: Ending = ("SCRAP", "DAMAGED_BY_CUSTOMER");

/// The endings of returns that go through all of them, in turn.
const IN_TURN: [Ending; 5] = [BROKEN, AS_NEW, WORN, ("REFURBISH", "USED"), ("RETURN_TO_SENDER", "WRONG_ITEM")];

/// What somebody in the house found: all of it so far.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Found {
    /// Nothing: it came without one.
    rma: String,
    kind: String,
    /// The order that is named on the parcel, and our reference of it.
    order_number: String,
    order_reference: String,
    /// The customer, where he is known.
    customer_account: String,
    tracking_numbers: Vec<String>,
    lines: Vec<FoundPiece>,
    is_final: bool,
    /// The number of the report; nothing: the next one. A lower one than was told before comes late: it says what was so then.
    sequence: Option<u64>,
    /// It is only said how far it is: `ARRIVED`, `CANCELLED`.
    status: String,
}

#[derive(Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct FoundPiece {
    line: String,
    sku: String,
    quantity: Decimal,
    unit: String,
    lot: String,
    serial: String,
    disposition: String,
    condition: String,
    images: Vec<String>,
}

impl Default for Found {
    fn default() -> Self {
        let none = String::new;
        Self {
            rma: none(),
            kind: "CUSTOMER".to_owned(),
            order_number: none(),
            order_reference: none(),
            customer_account: none(),
            tracking_numbers: Vec::new(),
            lines: Vec::new(),
            is_final: true,
            sequence: None,
            status: none(),
        }
    }
}

impl Default for FoundPiece {
    fn default() -> Self {
        let text = str::to_owned;
        Self {
            line: text(""),
            sku: text(""),
            quantity: Decimal::ONE,
            unit: text("ea"),
            lot: text(""),
            serial: text(""),
            disposition: text("RESTOCK"),
            condition: text("NEW"),
            images: Vec::new(),
        }
    }
}

impl FoundPiece {
    fn count(self) -> Count {
        Count {
            line_id: self.line,
            sku: self.sku,
            unit: self.unit,
            lot: self.lot,
            serial: self.serial,
            status: status(&self.disposition).to_owned(),
            quantity: self.quantity,
            disposition: self.disposition,
            condition: self.condition,
            images: self.images,
        }
    }
}

/// In which status goods lie in the warehouse after a disposition.
fn status(disposition: &str) -> &'static str {
    match disposition {
        "RESTOCK" => AVAILABLE,
        "QUARANTINE" => "QUARANTINE",
        "REFURBISH" => "ON_HOLD",
        _ => IN_NO_STOCK,
    }
}

/// The next step of a return that was announced.
pub(super) fn step(setting: &Setting<WarehouseRules>, order: &Order, now: Timestamp) -> (Fact, Option<Notice>) {
    let (rules, number) = (&setting.rules, order.number);
    let due_ms = |stage: &str| Some(later(setting, now, rules.count_ms, &format!("inspect/{number}/{stage}")));
    if matches!(order.stage, Stage::Received | Stage::Accepted) {
        let moved = Fact::Moved { number, stage: Stage::Arrived, due_ms: due_ms("arrived") };
        return (moved, Some(events::return_status(setting, order, "ARRIVED", now)));
    }
    let (stage, received, due_ms) = match order.stage {
        Stage::Arrived => (Stage::Counting, inspected(setting, order, true), due_ms("counting")),
        _ => (Stage::Complete, inspected(setting, order, false), None),
    };
    report(setting, order, (stage, due_ms), received, now)
}

fn report(
    setting: &Setting<WarehouseRules>,
    order: &Order,
    (stage, due_ms): (Stage, Option<i64>),
    received: Vec<Count>,
    now: Timestamp,
) -> (Fact, Option<Notice>) {
    let counted = Order { stage, received: received.clone(), reports: order.reports + 1, ..order.clone() };
    let notice = events::returned(setting, &counted, now);
    (Fact::Counted { number: order.number, stage, due_ms, received, at: now }, Some(notice))
}

fn inspected(setting: &Setting<WarehouseRules>, order: &Order, some: bool) -> Vec<Count> {
    order.lines.iter().flat_map(|line| of_line(setting, order, line, some)).collect()
}

/// What of a line is inspected: half of it, all of that as new; in the end all that came, of which a piece may be worn
/// and another one broken.
fn of_line(setting: &Setting<WarehouseRules>, order: &Order, line: &OrderLine, some: bool) -> Vec<Count> {
    let (rules, chance) = (&setting.rules, setting.chance);
    let strikes =
        |share: f64, what: &str| chance.strikes(share, &format!("{what}/{}/{}", order.reference, line.line_id));
    let whole = line.quantity.fract().is_zero();
    let one = if whole { Decimal::ONE } else { Decimal::new(25, 2) };
    let kept = strikes(rules.kept_share, "kept") && line.quantity > one;
    let came = if kept { line.quantity - one } else { line.quantity };
    let half = if whole { (came / Decimal::TWO).floor() } else { (came / Decimal::TWO).round_dp(2).normalize() };
    let (worn, broken) = (strikes(rules.worn_share, "worn"), strikes(rules.broken_share, "broken"));
    let turn = if rules.dispositions_in_turn { in_turn(order) } else { None };
    let several = came >= Decimal::from(4) * one && turn.is_none_or(|ending| ending == AS_NEW);
    let apart = |is_so: bool| if is_so && several { one } else { Decimal::ZERO };
    let (worn_apart, broken_apart) = (apart(worn), apart(broken));
    let piece = |quantity: Decimal, (disposition, condition): Ending| FoundPiece {
        line: line.line_id.clone(),
        sku: line.sku.clone(),
        unit: line.unit.clone(),
        quantity: quantity.normalize(),
        disposition: disposition.to_owned(),
        condition: condition.to_owned(),
        images: match condition {
            "NEW" => Vec::new(),
            _ => vec![format!("https://photos.example/{}/{}.jpg", order.id, line.line_id)],
        },
        ..FoundPiece::default()
    };
    let whole_line = turn.unwrap_or(match (several, worn, broken) {
        (false, _, true) => BROKEN,
        (false, true, false) => WORN,
        _ => AS_NEW,
    });
    let pieces = if some {
        vec![piece(half, whole_line)]
    } else {
        let rest = came - worn_apart - broken_apart;
        vec![piece(rest, whole_line), piece(worn_apart, WORN), piece(broken_apart, BROKEN)]
    };
    let mut next = 1_u64;
    let mut counts = Vec::new();
    for piece in pieces.into_iter().filter(|piece| !piece.quantity.is_zero()) {
        match tracking(&line.sku) {
            Tracking::No => counts.push(piece.count()),
            Tracking::Lots => counts.push(FoundPiece { lot: format!("{}-B1", line.sku), ..piece }.count()),
            Tracking::Serials => {
                let pieces: u64 = piece.quantity.try_into().unwrap_or(0);
                let serial = |place: u64| format!("SN{:06}-{}-{place}", order.number, line.line_id);
                let one = |place| FoundPiece { serial: serial(place), quantity: Decimal::ONE, ..piece.clone() };
                counts.extend((next..next + pieces).map(|place| one(place).count()));
                next += pieces;
            }
        }
    }
    counts
}

/// The ending whose turn it is, by the number at the end of the RMA.
fn in_turn(order: &Order) -> Option<Ending> {
    let rma = order.content.get("rma").and_then(Value::as_str)?;
    let number: usize = rma.trim_start_matches(|letter: char| !letter.is_ascii_digit()).parse().ok()?;
    IN_TURN.get(number.saturating_sub(1) % IN_TURN.len()).copied()
}

/// Answers the calls below `/sandbox/returns`: what somebody found that nobody announced, or found further of a return.
pub(super) fn control(floor: &Floor, setting: &Setting<WarehouseRules>, call: &Call) -> Option<Answer<Fact>> {
    let rest = call.path.strip_prefix("/sandbox/returns")?;
    if call.method != Method::POST {
        return None;
    }
    let found: Found = match serde_json::from_slice(&call.body) {
        Ok(found) => found,
        Err(error) => return Some(refused(400, &error.to_string())),
    };
    let order = match rest.trim_matches('/') {
        "" => stranger(floor, &found),
        id => match floor.with_id(Side::Returned, id) {
            Some(order) => order.clone(),
            None => return Some(refused(404, "no such return")),
        },
    };
    let mut answer = Answer::new(201, Effect::Created, json!({ "id": order.id }));
    if rest.is_empty() {
        answer.facts.push(Fact::Created(Box::new(order.clone())));
    }
    if found.status.is_empty() {
        let number = found.sequence.unwrap_or(order.reports + 1);
        let told = Order { reports: number.saturating_sub(1), ..order.clone() };
        let stage = if found.is_final { Stage::Complete } else { Stage::Counting };
        let received = found.lines.into_iter().map(FoundPiece::count).collect();
        let (fact, notice) = report(setting, &told, (stage, None), received, call.at);
        answer.facts.extend((number > order.reports).then_some(fact));
        answer.notices.extend(notice);
    } else {
        let moved = match found.status.as_str() {
            "ARRIVED" if order.stage.early() => Some(Stage::Arrived),
            "CANCELLED" if order.stage.live() => Some(Stage::Cancelled),
            _ => None,
        };
        answer.facts.extend(moved.map(|stage| Fact::Moved { number: order.number, stage, due_ms: None }));
        answer.notices.push(events::return_status(setting, &order, &found.status, call.at));
    }
    Some(answer)
}

/// A parcel that nobody announced.
fn stranger(floor: &Floor, found: &Found) -> Order {
    let number = floor.orders.len() as u64 + 1;
    let content = json!({
        "rma": found.rma,
        "kind": found.kind,
        "orderNumber": found.order_number,
        "orderReference": found.order_reference,
        "customerAccount": found.customer_account,
        "trackingNumbers": found.tracking_numbers,
    });
    Order {
        side: Side::Returned,
        number,
        id: format!("rt-{number:06}"),
        reference: String::new(),
        content: if let Value::Object(content) = content { content } else { Map::new() },
        lines: Vec::new(),
        stage: Stage::Received,
        change: 0,
        creates: 1,
        due_ms: None,
        shipments: 0,
        cancel_due_ms: None,
        resolutions: 0,
        received: Vec::new(),
        reports: 0,
        counted_at: None,
        parcel: None,
    }
}

/// Whether it came back without an RMA because nobody took it.
pub(super) fn is_undelivered(order: &Order) -> bool {
    let said = |name: &str| order.content.get(name).and_then(Value::as_str).unwrap_or_default();
    order.side == Side::Returned && said("rma").is_empty() && ["UNDELIVERABLE", "REFUSED"].contains(&said("kind"))
}

/// The number of the parcel that is here already for what is announced: one that nobody took and nobody announced, with just
/// these goods in it. Another revision of an announcement is of the same parcel.
pub(super) fn here_already(floor: &Floor, side: Side, reference: &str, lines: &[OrderLine]) -> Option<u64> {
    let document = document(reference);
    let same = floor.parcels.iter().find(|(_, announced)| announced.is_some() && **announced == document);
    let goods = sums(lines.iter().map(|line| (line.sku.as_str(), line.quantity)));
    let holds = |number: &u64| {
        let received = floor.orders.get(number).map(|order| order.received.as_slice()).unwrap_or_default();
        sums(received.iter().map(|count| (count.sku.as_str(), count.quantity))) == goods
    };
    let waits = || floor.parcels.iter().find(|(number, announced)| announced.is_none() && holds(number));
    same.or_else(waits).filter(|_| side == Side::Returned).map(|(number, _)| *number)
}

fn sums<'a>(all: impl Iterator<Item = (&'a str, Decimal)>) -> BTreeMap<&'a str, Decimal> {
    all.fold(BTreeMap::new(), |mut sums, (sku, quantity)| {
        *sums.entry(sku).or_default() += quantity;
        sums
    })
}

/// The document that a reference of ours is of, whatever its revision.
pub(super) fn document(reference: &str) -> Option<String> {
    Some(reference.parse::<Reference>().ok()?.document().to_owned())
}

fn refused(status: u16, problem: &str) -> Answer<Fact> {
    Answer::new(status, Effect::Refused, json!({ "error": problem }))
}

/// The lines of a report, each with what becomes of its pieces.
pub(super) fn lines(order: &Order) -> Vec<Value> {
    let mut by_line: BTreeMap<(&str, &str), Vec<&Count>> = BTreeMap::new();
    for count in &order.received {
        by_line.entry((&count.line_id, &count.sku)).or_default().push(count);
    }
    by_line.into_values().filter_map(|counts| line(order, &counts)).collect()
}

fn line(order: &Order, counts: &[&Count]) -> Option<Value> {
    let first = counts.first()?;
    let quantity = |value: Decimal| json!({ "value": value.normalize().to_string(), "unit": first.unit });
    let expected = order.lines.iter().find(|line| line.line_id == first.line_id);
    let mut line = json!({
        "item": { "sku": first.sku },
        "received": quantity(counts.iter().map(|count| count.quantity).sum()),
        "unexpected": expected.is_none(),
        "dispositions": counts.iter().map(|count| piece(count)).collect::<Vec<_>>(),
    });
    if !first.line_id.is_empty() {
        line["line"] = json!({ "orderLineId": first.line_id });
    }
    if let Some(expected) = expected {
        line["expected"] = quantity(expected.quantity);
    }
    Some(line)
}

fn piece(count: &Count) -> Value {
    let mut piece = json!({
        "disposition": { "code": count.disposition },
        "condition": { "code": count.condition },
        "quantity": { "value": count.quantity.normalize().to_string(), "unit": count.unit },
    });
    if !count.lot.is_empty() {
        piece["lot"] = json!({ "number": count.lot, "quantity": count.quantity.normalize().to_string() });
    }
    if !count.serial.is_empty() {
        piece["serials"] = json!([count.serial]);
    }
    if !count.images.is_empty() {
        piece["images"] = json!(count.images);
    }
    piece
}
