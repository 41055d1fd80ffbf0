//! The calls of the `standard` connector: orders, announcements and returns are created, found, cancelled; stock is told.

use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::rules::WarehouseRules;
use super::state::{Fact, Floor, Order, OrderLine, Stage};
use super::{changing, checks, returning};
use crate::sandbox::call::{Answer, Call, decode};
use crate::sandbox::catalogue;
use crate::sandbox::ledger::Effect;
use crate::sandbox::premises::Uniqueness;
use crate::sandbox::side::Side;
use crate::sandbox::world::Setting;

/// The line of an order, as it is sent.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SentLine {
    line_id: String,
    sku: String,
    quantity: Decimal,
    #[serde(default)]
    unit: String,
    #[serde(default)]
    lot: Option<String>,
    #[serde(default)]
    serial: Option<String>,
}

/// Answers a call of the product.
pub(super) fn answer(floor: &Floor, setting: &Setting<WarehouseRules>, call: &Call) -> Answer<Fact> {
    if call.bearer() != Some(setting.rules.token.as_str()) {
        return wrong(401, "UNAUTHORIZED", "The bearer token is missing or unknown.");
    }
    let parts: Vec<_> = call.path.split('/').filter(|part| !part.is_empty()).map(decode).collect();
    let parts: Vec<_> = parts.iter().map(String::as_str).collect();
    let (side, rest) = match parts.as_slice() {
        ["orders", rest @ ..] => (Side::Outbound, rest),
        ["receipts", rest @ ..] => (Side::Inbound, rest),
        ["returns", rest @ ..] => (Side::Returned, rest),
        ["stock"] if call.method == "GET" => return Answer::new(200, Effect::None, stock(floor)),
        _ => return wrong(404, "NOT_FOUND", "There is nothing here."),
    };
    match (call.method.as_str(), rest) {
        ("POST", []) => create(floor, setting, call, side),
        ("GET", []) => find(floor, call, side),
        ("GET", [id]) => match floor.with_id(side, id) {
            Some(order) => about(Answer::new(200, Effect::None, shown(order)), order),
            None => wrong(404, "NOT_FOUND", "There is no such order."),
        },
        ("POST", [id, "change"]) if side == Side::Outbound => match floor.with_id(side, id) {
            Some(order) => about(changing::change(floor, setting, call, order), order),
            None => wrong(404, "NOT_FOUND", "There is no such order."),
        },
        ("POST", [id, "cancel"]) => match floor.with_id(side, id) {
            Some(order) => about(cancel(setting, call, order), order),
            None => wrong(404, "NOT_FOUND", "There is no such order."),
        },
        _ => wrong(404, "NOT_FOUND", "There is nothing here."),
    }
}

/// It does not want to answer now.
pub(super) fn unwilling(status: u16) -> Answer<Fact> {
    let answer = wrong(status, "BUSY", "Please come back later.");
    if status == 429 { answer.header("retry-after", "1") } else { answer }
}

fn create(floor: &Floor, setting: &Setting<WarehouseRules>, call: &Call, side: Side) -> Answer<Fact> {
    let content = match call.object() {
        Ok(content) => content,
        Err(problem) => return wrong(400, "UNREADABLE", &problem),
    };
    let reference = content.get("reference").and_then(Value::as_str).unwrap_or_default().to_owned();
    let lines = match read_lines(&content) {
        Ok(lines) if !reference.is_empty() => lines,
        Ok(_) => return wrong(422, "INVALID", "reference: is required"),
        Err(problem) => return wrong(422, "INVALID", &problem).about(Some(reference), None),
    };
    if side == Side::Returned && content.get("rma").and_then(Value::as_str).is_none_or(str::is_empty) {
        return wrong(422, "INVALID", "rma: is required").about(Some(reference), None);
    }
    if call.header("idempotency-key").is_some_and(|key| key != reference) {
        let problem = "The Idempotency-Key is not the reference.";
        return wrong(422, "INVALID", problem).about(Some(reference), None);
    }
    // What is live says that the reference is taken; what was cancelled says so, too, but was not taken twice.
    let live = floor.with_reference(side, &reference).find(|order| order.stage.live());
    let held = live.or_else(|| floor.with_reference(side, &reference).last());
    match (held, setting.uniqueness) {
        (None, _) | (Some(_), Uniqueness::None) => created(floor, setting, (call, side), (reference, content, lines)),
        (Some(order), _) if !order.stage.live() => about(Answer::new(409, Effect::Refused, shown(order)), order),
        (Some(order), Uniqueness::UpdatesInPlace) if order.stage.early() => {
            let effect = if order.content == content { Effect::Repeated } else { Effect::Changed };
            let mut updated = order.clone();
            updated.lines.clone_from(&lines);
            let fact = Fact::CreatedAgain { number: order.number, content: Some((content, lines)) };
            about(Answer::new(200, effect, shown(&updated)).by(fact), order)
        }
        (Some(order), _) => {
            let fact = Fact::CreatedAgain { number: order.number, content: None };
            about(Answer::new(409, Effect::Repeated, shown(order)).by(fact), order)
        }
    }
}

fn created(
    floor: &Floor,
    setting: &Setting<WarehouseRules>,
    (call, side): (&Call, Side),
    (reference, content, lines): (String, Map<String, Value>, Vec<OrderLine>),
) -> Answer<Fact> {
    if let Some(problem) = checks::refusal(floor, &content, &lines) {
        return wrong(422, "INVALID", &problem).about(Some(reference), None);
    }
    let number = floor.orders.len() as u64 + 1;
    let (name, about_ms) = match side {
        Side::Outbound => ("wo", setting.rules.accept_ms),
        Side::Inbound => ("wr", setting.rules.arrive_ms),
        Side::Returned => ("rt", setting.rules.arrive_ms),
    };
    let due_ms = super::lifecycle::later(setting, call.at, about_ms, &format!("accept/{number}"));
    let parcel = returning::here_already(floor, side, &reference, &lines);
    let order = Order {
        side,
        number,
        id: format!("{name}-{number:06}"),
        reference,
        content,
        lines,
        stage: Stage::Received,
        change: 0,
        creates: 1,
        due_ms: parcel.is_none().then_some(due_ms),
        shipments: 0,
        cancel_due_ms: None,
        resolutions: 0,
        received: Vec::new(),
        reports: 0,
        counted_at: None,
        parcel,
    };
    about(Answer::new(201, Effect::Created, shown(&order)), &order).by(Fact::Created(Box::new(order)))
}

pub(super) fn read_lines(content: &Map<String, Value>) -> Result<Vec<OrderLine>, String> {
    let lines = content.get("lines").cloned().unwrap_or_default();
    let lines: Vec<SentLine> = serde_json::from_value(lines).map_err(|error| format!("lines: {error}"))?;
    if lines.is_empty() {
        return Err("lines: at least one is required".to_owned());
    }
    if let Some(line) = lines.iter().find(|line| line.quantity <= Decimal::ZERO || line.sku.is_empty()) {
        return Err(format!("lines: {}: a positive quantity and an SKU are required", line.line_id));
    }
    let held = |line: SentLine| OrderLine {
        line_id: line.line_id,
        sku: line.sku,
        quantity: line.quantity,
        unit: line.unit,
        lot: line.lot.unwrap_or_default(),
        serial: line.serial.unwrap_or_default(),
        shipped: Decimal::ZERO,
    };
    Ok(lines.into_iter().map(held).collect())
}

fn find(floor: &Floor, call: &Call, side: Side) -> Answer<Fact> {
    let Some(reference) = call.asked("reference") else {
        return wrong(400, "INVALID", "reference: is required");
    };
    let list = match side {
        Side::Outbound => "orders",
        Side::Inbound => "receipts",
        Side::Returned => "returns",
    };
    let orders: Vec<_> = floor.with_reference(side, reference).map(shown).collect();
    Answer::new(200, Effect::None, json!({ list: orders })).about(Some(reference.to_owned()), None)
}

fn cancel(setting: &Setting<WarehouseRules>, call: &Call, order: &Order) -> Answer<Fact> {
    let resolved = |code: &str, order: &Order| json!({"outcome": {"code": code}, "order": shown(order)});
    if !order.stage.live() {
        return Answer::new(200, Effect::Repeated, resolved("CONFIRMED", order));
    }
    if order.cancel_due_ms.is_some() {
        return Answer::new(200, Effect::Repeated, resolved("PENDING", order));
    }
    if !order.stage.early() {
        let mut body = resolved("REJECTED", order);
        body["reason"] = json!({"code": "TOO_LATE", "text": "It is under way."});
        return Answer::new(200, Effect::Refused, body);
    }
    let question = format!("unanswered cancel/{}", order.number);
    if order.side != Side::Outbound && setting.chance.strikes(setting.rules.unanswered_cancel_share, &question) {
        return Answer::new(200, Effect::None, resolved("PENDING", order));
    }
    let question = format!("pending cancel/{}", order.number);
    if order.side == Side::Outbound && setting.chance.strikes(setting.rules.pending_cancel_share, &question) {
        let due_ms = super::lifecycle::later(setting, call.at, setting.rules.cancel_ms, &question);
        let asked = Fact::CancelAsked { number: order.number, due_ms };
        return Answer::new(200, Effect::Changed, resolved("PENDING", order)).by(asked);
    }
    let mut cancelled = order.clone();
    cancelled.stage = Stage::Cancelled;
    let moved = Fact::Moved { number: order.number, stage: Stage::Cancelled, due_ms: None };
    Answer::new(200, Effect::Changed, resolved("CONFIRMED", &cancelled)).by(moved)
}

pub(super) fn shown(order: &Order) -> Value {
    let line = |line: &OrderLine| {
        let quantity = line.quantity.to_string();
        json!({"lineId": line.line_id, "sku": line.sku, "quantity": quantity, "unit": line.unit})
    };
    let mut status = json!({"code": order.stage.code()});
    if order.stage == Stage::Rejected {
        status["raw"] = json!("rejected");
    }
    let lines: Vec<_> = order.lines.iter().map(line).collect();
    let mut shown = json!({"id": order.id, "reference": order.reference, "status": status, "lines": lines});
    if order.change > 0 {
        shown["change"] = json!(order.change);
    }
    if order.side == Side::Returned {
        shown["rma"] = json!(order.content.get("rma"));
    }
    shown
}

fn stock(floor: &Floor) -> Value {
    let at_first = Decimal::from(catalogue::STOCK_AT_FIRST);
    let on_hand =
        |(sku, moved): (&str, Decimal)| json!({"sku": sku, "quantity": (at_first + moved).normalize().to_string()});
    json!({"stock": floor.stock.moved().into_iter().map(on_hand).collect::<Vec<_>>()})
}

fn about(answer: Answer<Fact>, order: &Order) -> Answer<Fact> {
    answer.about(Some(order.reference.clone()), Some(order.id.clone()))
}

pub(super) fn wrong(status: u16, code: &str, message: &str) -> Answer<Fact> {
    Answer::new(status, Effect::Refused, json!({"error": {"code": code, "message": message}}))
}
