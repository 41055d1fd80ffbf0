//! Orders that are changed where they are: the call `POST /orders/{id}/change`. Changes are numbered by whoever asks, so that one that
//! comes again, or late, does nothing.

use serde_json::{Map, Value, json};

use super::checks;
use super::orders::{read_lines, shown, wrong};
use super::rules::WarehouseRules;
use super::state::{Fact, Floor, Order, OrderLine};
use crate::sandbox::call::{Answer, Call};
use crate::sandbox::ledger::Effect;
use crate::sandbox::world::Setting;

/// What shall be: the number of the change, the order as it is sent, and its lines.
type Wanted = (u32, Map<String, Value>, Vec<OrderLine>);

/// Answers the call about an order.
pub(super) fn change(floor: &Floor, setting: &Setting<WarehouseRules>, call: &Call, order: &Order) -> Answer<Fact> {
    let (change, content, lines) = match read(call, order) {
        Ok(read) => read,
        Err(problem) => return wrong(422, "INVALID", &problem),
    };
    if change == order.change && content == order.content {
        return Answer::new(200, Effect::Repeated, resolved("CONFIRMED", order));
    }
    if change <= order.change {
        return refused(order, "OTHER", "Another change is there.");
    }
    let question = format!("unchangeable/{}", order.reference);
    let stubborn = setting.chance.strikes(setting.rules.unchangeable_share, &question);
    if stubborn || !order.stage.early() || order.cancel_due_ms.is_some() {
        return refused(order, "TOO_LATE", "It is not changed any more.");
    }
    if let Some(problem) = checks::refusal(floor, &content, &lines) {
        return wrong(422, "INVALID", &problem);
    }
    let strikes = |what: &str, share| setting.chance.strikes(share, &format!("{what}/{}/{change}", order.reference));
    let pending = strikes("pending change", setting.rules.pending_change_share);
    if pending && strikes("forgotten change", 0.5) {
        return Answer::new(200, Effect::None, resolved("PENDING", order));
    }
    let changed = Order { change, lines: lines.clone(), ..order.clone() };
    let fact = Fact::Changed { number: order.number, change, content, lines };
    Answer::new(200, Effect::Changed, resolved(if pending { "PENDING" } else { "CONFIRMED" }, &changed)).by(fact)
}

/// Number and content of a change.
///
/// # Errors
/// What is wrong with it.
fn read(call: &Call, order: &Order) -> Result<Wanted, String> {
    let mut content = call.object()?;
    let number = content.remove("change").and_then(|number| number.as_u64());
    let number = number.and_then(|number| u32::try_from(number).ok());
    let change = number.filter(|number| *number > 0).ok_or("change: a number from 1 is required")?;
    if content.get("reference").and_then(Value::as_str) != Some(order.reference.as_str()) {
        return Err("reference: is not the order's".to_owned());
    }
    let key = format!("{}/{change}", order.reference);
    if call.header("idempotency-key").is_some_and(|given| given != key) {
        return Err("The Idempotency-Key is not reference and change.".to_owned());
    }
    let lines = read_lines(&content)?;
    Ok((change, content, lines))
}

fn resolved(code: &str, order: &Order) -> Value {
    json!({"outcome": {"code": code}, "order": shown(order)})
}

fn refused(order: &Order, code: &str, text: &str) -> Answer<Fact> {
    let mut body = resolved("REJECTED", order);
    body["reason"] = json!({"code": code, "text": text});
    Answer::new(200, Effect::Refused, body)
}
