//! What the warehouse does with goods that are announced: they arrive, are counted in steps, and then all of them are.
//!
//! Some come short, some over, some damaged; some are counted too high at first and corrected. Every report tells totals.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::events;
use super::lifecycle::later;
use super::rules::WarehouseRules;
use super::state::{Count, Fact, Order, OrderLine, Stage};
use crate::sandbox::catalogue::{Tracking, tracking};
use crate::sandbox::delivery::Notice;
use crate::sandbox::stock::AVAILABLE;
use crate::sandbox::world::Setting;

/// The condition of what came broken.
const DAMAGED: &str = "DAMAGED";

/// The next step of what is announced.
pub(super) fn step(setting: &Setting<WarehouseRules>, order: &Order, now: Timestamp) -> (Fact, Option<Notice>) {
    let (rules, number) = (&setting.rules, order.number);
    let due_ms = |stage: &str| Some(later(setting, now, rules.count_ms, &format!("count/{number}/{stage}")));
    let (stage, received, due_ms) = match order.stage {
        Stage::Received | Stage::Accepted => (Stage::Arrived, Vec::new(), due_ms("arrived")),
        Stage::Arrived => (Stage::Counting, counted(setting, order, true), due_ms("counting")),
        _ => (Stage::Complete, counted(setting, order, false), None),
    };
    let counted = Order { stage, received: received.clone(), reports: order.reports + 1, ..order.clone() };
    let notice = events::received(setting, &counted, now);
    (Fact::Counted { number, stage, due_ms, received, at: now }, Some(notice))
}

/// What is on the floor: some of it, or all that came.
fn counted(setting: &Setting<WarehouseRules>, order: &Order, some: bool) -> Vec<Count> {
    order.lines.iter().flat_map(|line| of_line(setting, order, line, some)).collect()
}

fn of_line(setting: &Setting<WarehouseRules>, order: &Order, line: &OrderLine, some: bool) -> Vec<Count> {
    let (rules, chance) = (&setting.rules, setting.chance);
    let strikes =
        |share: f64, what: &str| chance.strikes(share, &format!("{what}/{}/{}", order.reference, line.line_id));
    let whole = line.quantity.fract().is_zero();
    let one = if whole { Decimal::ONE } else { Decimal::new(25, 2) };
    let sort = tracking(&line.sku);
    let came = if strikes(rules.short_share, "short") && line.quantity > one {
        line.quantity - one
    } else if strikes(rules.over_share, "over") && line.quantity >= Decimal::TEN * one {
        line.quantity + one
    } else {
        line.quantity
    };
    // What came short is sometimes counted as if it were all there, and corrected at the end.
    let miscounted = some && came < line.quantity && strikes(rules.miscount_share, "miscount");
    let half = if whole { (came / Decimal::TWO).floor() } else { (came / Decimal::TWO).round_dp(2).normalize() };
    let total = match some {
        true if miscounted => line.quantity,
        true => half,
        false => came,
    };
    let damaged = !some && sort != Tracking::Serials && total > one && strikes(rules.damaged_share, "damaged");
    let broken = if damaged { one } else { Decimal::ZERO };
    let of = |lot: &str, serial: &str, status: &str, quantity: Decimal| Count {
        line_id: line.line_id.clone(),
        sku: line.sku.clone(),
        unit: line.unit.clone(),
        lot: lot.to_owned(),
        serial: serial.to_owned(),
        status: status.to_owned(),
        quantity: quantity.normalize(),
        ..Count::default()
    };
    let lot = |number: u32| format!("{}-R{number}", line.sku);
    let mut counts = match sort {
        Tracking::No => vec![of("", "", AVAILABLE, total - broken), of("", "", DAMAGED, broken)],
        Tracking::Lots => {
            let second =
                if strikes(rules.two_lots_share, "two lots") && total - broken > one { one } else { Decimal::ZERO };
            vec![
                of(&lot(1), "", AVAILABLE, total - broken - second),
                of(&lot(2), "", AVAILABLE, second),
                of(&lot(1), "", DAMAGED, broken),
            ]
        }
        Tracking::Serials => {
            let pieces = total.try_into().unwrap_or(0_u64);
            let serial = |piece: u64| format!("RN{:06}-{}-{piece}", order.number, line.line_id);
            (1..=pieces).map(|piece| of("", &serial(piece), AVAILABLE, Decimal::ONE)).collect()
        }
    };
    counts.retain(|count| !count.quantity.is_zero());
    counts
}

/// The lines of a report: what is sound of each line, and what is not, with lots and serials.
pub(super) fn lines(order: &Order) -> Vec<Value> {
    let mut by_line: BTreeMap<(&str, &str), Vec<&Count>> = BTreeMap::new();
    for count in &order.received {
        by_line.entry((&count.line_id, &count.status)).or_default().push(count);
    }
    by_line.into_iter().filter_map(|((_, status), counts)| line(status, &counts)).collect()
}

fn line(status: &str, counts: &[&Count]) -> Option<Value> {
    let first = counts.first()?;
    let total: Decimal = counts.iter().map(|count| count.quantity).sum();
    let mut line = json!({
        "line": { "orderLineId": first.line_id },
        "item": { "sku": first.sku },
        "received": { "value": total.normalize().to_string(), "unit": first.unit },
    });
    let lots: Vec<_> = counts.iter().filter(|count| !count.lot.is_empty()).collect();
    if !lots.is_empty() {
        let lot = |count: &&&Count| json!({ "number": count.lot, "quantity": count.quantity.to_string(), "expiry": "2031-12-31" });
        line["lots"] = lots.iter().map(lot).collect();
    }
    let serials: Vec<_> = counts.iter().map(|count| &count.serial).filter(|serial| !serial.is_empty()).collect();
    if !serials.is_empty() {
        line["serials"] = json!(serials);
    }
    if status != AVAILABLE {
        line["stockStatus"] = json!({ "code": status });
        line["damaged"] = line["received"].clone();
    }
    Some(line)
}
