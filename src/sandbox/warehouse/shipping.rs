//! What somebody in the house ships by hand: the call below `/sandbox/orders`. What is left of an order when nothing more will leave
//! came short.

use axum::http::Method;
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::json;

use super::events;
use super::lifecycle::{content, tracking_number};
use super::rules::WarehouseRules;
use super::state::{Content, Fact, Floor, Order, Package, Shipment, Stage};
use crate::sandbox::call::{Answer, Call};
use crate::sandbox::ledger::Effect;
use crate::sandbox::side::Side;
use crate::sandbox::world::Setting;

/// What leaves; nothing said means all that is left.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Leaving {
    lines: Vec<LeavingLine>,
    /// Nothing more of the order will leave.
    last: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LeavingLine {
    line: String,
    quantity: Decimal,
}

impl Default for Leaving {
    fn default() -> Self {
        Self { lines: Vec::new(), last: true }
    }
}

/// Answers `POST /sandbox/orders/REFERENCE/ship`.
pub(super) fn control(floor: &Floor, setting: &Setting<WarehouseRules>, call: &Call) -> Option<Answer<Fact>> {
    let reference = call.path.strip_prefix("/sandbox/orders/")?.strip_suffix("/ship")?;
    if call.method != Method::POST {
        return None;
    }
    let leaving: Leaving = match serde_json::from_slice(&call.body) {
        Ok(leaving) => leaving,
        Err(error) => return Some(refused(400, &error.to_string())),
    };
    let live = floor.with_reference(Side::Outbound, reference).find(|order| order.stage.live());
    let Some(order) = live.filter(|order| order.stage != Stage::Shipped) else {
        return Some(refused(404, "nothing of such an order is here to leave"));
    };
    let shipment = match shipment(setting, order, &leaving, call.at) {
        Ok(shipment) => shipment,
        Err(problem) => return Some(refused(409, &problem)),
    };
    let notice = events::shipped(setting, order, &shipment, call.at);
    let stage = if leaving.last { Stage::Shipped } else { Stage::PartlyShipped };
    let mut answer = Answer::new(201, Effect::Created, json!({ "shipment": shipment.key }));
    answer.facts.push(Fact::Shipped { stage, due_ms: None, shipment });
    answer.notices.push(notice);
    Some(answer)
}

/// One package of what leaves.
///
/// # Errors
/// What there is not, in words.
fn shipment(
    setting: &Setting<WarehouseRules>,
    order: &Order,
    leaving: &Leaving,
    now: Timestamp,
) -> Result<Shipment, String> {
    let mut contents: Vec<Content> = Vec::new();
    for line in &order.lines {
        let left = line.quantity - line.shipped;
        let named = leaving.lines.iter().find(|named| named.line == line.line_id).map(|named| named.quantity);
        let quantity = named.unwrap_or(if leaving.lines.is_empty() { left } else { Decimal::ZERO });
        if quantity > left {
            return Err(format!("of line {} only {left} are left", line.line_id));
        }
        if quantity > Decimal::ZERO {
            contents.push(content(setting, order, line, quantity));
        }
    }
    let key = format!("SH-{:06}-{}", order.number, order.shipments + 1);
    let package = format!("{key}-P1");
    let tracking_number = Some(tracking_number(setting.chance, &package));
    let packages = vec![Package { key: package, tracking_number, tracking_due_ms: None, contents }];
    Ok(Shipment { key, order: order.number, left_at: now, last: leaving.last, packages })
}

fn refused(status: u16, problem: &str) -> Answer<Fact> {
    Answer::new(status, Effect::Refused, json!({ "error": problem }))
}
