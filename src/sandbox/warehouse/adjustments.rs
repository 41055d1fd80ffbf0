//! Stock that changes for another reason than an order: the call `/sandbox/adjustments`, as somebody in the house does it.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value, json};

use super::events;
use super::rules::WarehouseRules;
use super::state::{Adjustment, Fact, Floor};
use crate::sandbox::call::{Answer, Call};
use crate::sandbox::catalogue::{STOCK_AT_FIRST, Shares, Tracking, tracking, wanted};
use crate::sandbox::chance::Chance;
use crate::sandbox::ledger::Effect;
use crate::sandbox::stock::{AVAILABLE, Shelf, StockBook};
use crate::sandbox::world::Setting;

/// Adjustments that one call may make.
const ADJUSTMENTS_MAX: usize = 20_000;

/// Reasons that are drawn, and whether stock is lost by them.
const REASONS: &[(&str, bool)] = &[("DAMAGED", true), ("LOST", true), ("FOUND", false), ("EXPIRED", true)];

/// What shall be adjusted: these, or so many that are drawn.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Wish {
    count: usize,
    seed: Option<u64>,
    adjustments: Vec<Wanted>,
    facility: String,
}

/// One adjustment: a `delta`, a move `from` one status `to` another, or a count that found a `level`.
#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Wanted {
    sku: String,
    lot: String,
    serials: Vec<String>,
    unit: String,
    delta: Option<Decimal>,
    from: String,
    to: String,
    quantity: Decimal,
    level: Option<Decimal>,
    /// The status of the stock, for a delta and for a count.
    status: String,
    reason: String,
    related: String,
    /// It happens, and its event is lost: nobody is told.
    silent: bool,
}

impl Default for Wish {
    fn default() -> Self {
        Self { count: 0, seed: None, adjustments: Vec::new(), facility: "NORTH-1".to_owned() }
    }
}

/// Answers the call `/sandbox/adjustments`.
pub(super) fn control(floor: &Floor, setting: &Setting<WarehouseRules>, call: &Call) -> Option<Answer<Fact>> {
    if call.path != "/sandbox/adjustments" || call.method != axum::http::Method::POST {
        return None;
    }
    let wish: Wish = match serde_json::from_slice(&call.body) {
        Ok(wish) => wish,
        Err(error) => return Some(refused(&error.to_string())),
    };
    if wish.count.saturating_add(wish.adjustments.len()) > ADJUSTMENTS_MAX {
        return Some(refused(&format!("one call makes at most {ADJUSTMENTS_MAX} adjustments")));
    }
    let chance = wish.seed.map_or(setting.chance, Chance::new);
    let drawn = (0..wish.count).map(|index| draw(chance, index));
    let mut stock = floor.stock.clone();
    let mut answer = Answer::new(201, Effect::Created, Value::Null);
    let mut keys = Vec::new();
    for (number, wanted) in (floor.adjustments.len() + 1..).zip(wish.adjustments.iter().cloned().chain(drawn)) {
        let adjustment = adjusted(&stock, (number, &wanted), &wish.facility, call.at);
        for (shelf, quantity) in &adjustment.moves {
            stock.move_by(shelf.clone(), *quantity);
        }
        keys.push(adjustment.key.clone());
        answer.notices.extend((!wanted.silent).then(|| events::adjusted(setting, &adjustment, call.at)));
        answer.facts.push(Fact::Adjusted(adjustment));
    }
    answer.body = Some(json!({ "adjusted": keys }));
    Some(answer)
}

fn refused(problem: &str) -> Answer<Fact> {
    Answer::new(400, Effect::Refused, json!({ "error": problem }))
}

/// An adjustment of an item that orders speak of, too.
fn draw(chance: Chance, index: usize) -> Wanted {
    let question = format!("adjustment/{index}");
    let item = wanted(chance, Shares { lots: 0.25, serials: 0.0, weighed: 0.2 }, &question);
    let reason = usize::try_from(chance.below(&format!("reason/{question}"), REASONS.len() as u64)).unwrap_or(0);
    let (reason, lost) = REASONS.get(reason).copied().unwrap_or(("FOUND", false));
    let in_lots = tracking(&item.sku) == Tracking::Lots;
    let lot = format!("{}-B{}", item.sku, 1 + chance.below(&format!("lot/{question}"), 3));
    Wanted {
        lot: if in_lots { lot } else { String::new() },
        sku: item.sku,
        unit: item.unit,
        delta: Some(if lost { -item.quantity } else { item.quantity }),
        reason: reason.to_owned(),
        ..Wanted::default()
    }
}

/// What happens, and what is told of it.
fn adjusted(stock: &StockBook, (number, wanted): (usize, &Wanted), facility: &str, now: Timestamp) -> Adjustment {
    let key = format!("adj-{number:06}");
    let quantity = |value: Decimal| {
        let mut quantity = json!({ "value": value.normalize().to_string() });
        if !wanted.unit.is_empty() {
            quantity["unit"] = json!(wanted.unit);
        }
        quantity
    };
    let shelf = |status: &str| Shelf::new(&wanted.sku, &wanted.lot, status);
    let mut data = json!({
        "adjustmentKey": key,
        "item": { "sku": wanted.sku },
        "warehouse": { "code": facility },
        "reason": { "code": if wanted.reason.is_empty() { "OTHER" } else { &wanted.reason } },
        "adjustedAt": events::instant(now),
        "sequence": number.to_string(),
    });
    let status = if wanted.status.is_empty() { AVAILABLE } else { &wanted.status };
    let moves = match (wanted.level, wanted.delta) {
        (Some(level), _) => {
            let before = stock.on_hand(&shelf(status), STOCK_AT_FIRST.into());
            data["kind"] = json!({ "code": "ABSOLUTE" });
            data["levelBefore"] = quantity(before);
            data["levelAfter"] = quantity(level);
            vec![(shelf(status), level - before)]
        }
        (None, Some(delta)) => {
            data["kind"] = json!({ "code": "DELTA" });
            data["delta"] = quantity(delta);
            vec![(shelf(status), delta)]
        }
        (None, None) => {
            data["kind"] = json!({ "code": "STATUS_CHANGE" });
            data["delta"] = quantity(wanted.quantity);
            data["fromStatus"] = json!({ "code": wanted.from });
            data["toStatus"] = json!({ "code": wanted.to });
            vec![(shelf(&wanted.from), -wanted.quantity), (shelf(&wanted.to), wanted.quantity)]
        }
    };
    if !wanted.status.is_empty() {
        data["toStatus"] = json!({ "code": wanted.status });
    }
    if !wanted.lot.is_empty() {
        data["lot"] = json!({ "number": wanted.lot });
    }
    if !wanted.serials.is_empty() {
        data["serials"] = json!(wanted.serials);
    }
    if !wanted.related.is_empty() {
        data["relatedDocument"] = json!(wanted.related);
    }
    Adjustment { key, moves, data }
}
