//! What the warehouse does by itself: it says that it took an order on, picks, ships in one or two shipments, and finds
//! tracking numbers that were late.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::rules::WarehouseRules;
use super::state::{Content, Due, Fact, Floor, Order, OrderLine, Package, Shipment, Stage};
use super::{events, receiving, returning};
use crate::sandbox::catalogue::{Tracking, tracking};
use crate::sandbox::chance::Chance;
use crate::sandbox::delivery::Notice;
use crate::sandbox::side::Side;
use crate::sandbox::world::{Moves, Setting};

/// Steps in one go, at most.
const STEPS_MAX: usize = 256;

/// Does what is due.
pub(super) fn move_on(floor: &Floor, setting: &Setting<WarehouseRules>, now: Timestamp) -> Moves<Fact> {
    let now_ms = now.as_millisecond();
    let mut moves = Moves::default();
    let mut touched = BTreeSet::new();
    for (_, due) in floor.due.iter().take_while(|(due_ms, _)| *due_ms <= now_ms).take(STEPS_MAX) {
        let (fact, notice) = match due {
            Due::Step(number) | Due::Cancel(number) => {
                // One step of an order at a time: each depends on the one before.
                let Some(order) = floor.orders.get(number).filter(|_| touched.insert(*number)) else { continue };
                if matches!(due, Due::Cancel(_)) { decide(setting, order, now) } else { step(setting, order, now) }
            }
            Due::Tracking(key, index) => {
                let Some(found) = track(floor, setting, (key, *index), now) else { continue };
                found
            }
        };
        moves.facts.push(fact);
        moves.notices.extend(notice);
    }
    moves
}

/// An instant that lies about a time away: between half of it and one and a half.
pub(super) fn later(setting: &Setting<WarehouseRules>, now: Timestamp, about_ms: u64, question: &str) -> i64 {
    let wait = about_ms / 2 + setting.chance.below(question, about_ms.max(1));
    now.as_millisecond().saturating_add(i64::try_from(wait).unwrap_or(i64::MAX))
}

fn step(setting: &Setting<WarehouseRules>, order: &Order, now: Timestamp) -> (Fact, Option<Notice>) {
    match order.side {
        Side::Inbound => return receiving::step(setting, order, now),
        Side::Returned => return returning::step(setting, order, now),
        Side::Outbound => {}
    }
    let (number, rules, chance) = (order.number, &setting.rules, setting.chance);
    let later =
        |about_ms, what: &str| Some(later(setting, now, about_ms, &format!("{what}/{number}/{}", order.shipments)));
    match order.stage {
        Stage::Received if chance.strikes(rules.rejection_share, &format!("reject/{}", order.reference)) => {
            let moved = Fact::Moved { number, stage: Stage::Rejected, due_ms: None };
            (moved, Some(events::rejected(setting, order, now)))
        }
        Stage::Received => {
            let moved = Fact::Moved { number, stage: Stage::Accepted, due_ms: later(rules.pick_ms, "pick") };
            (moved, Some(events::accepted(setting, order, now)))
        }
        Stage::Accepted => {
            let moved = Fact::Moved { number, stage: Stage::Picking, due_ms: later(rules.ship_ms, "ship") };
            let told = chance.strikes(rules.status_share, &format!("status/{}", order.reference));
            (moved, told.then(|| events::picking(setting, order, now)))
        }
        Stage::Picking | Stage::PartlyShipped => {
            let shipment = shipment(setting, order, now);
            let stage = if shipment.last { Stage::Shipped } else { Stage::PartlyShipped };
            let due_ms = if shipment.last { None } else { later(rules.ship_ms, "ship") };
            let notice = events::shipped(setting, order, &shipment, now);
            (Fact::Shipped { stage, due_ms, shipment }, Some(notice))
        }
        Stage::Shipped | Stage::Arrived | Stage::Counting | Stage::Complete | Stage::Cancelled | Stage::Rejected => {
            (Fact::Moved { number, stage: order.stage, due_ms: None }, None)
        }
    }
}

/// Decides about a cancellation that was pending.
fn decide(setting: &Setting<WarehouseRules>, order: &Order, now: Timestamp) -> (Fact, Option<Notice>) {
    let cancelled = order.stage.early();
    let resolved = Fact::CancelResolved { number: order.number, cancelled };
    (resolved, Some(events::cancel_resolved(setting, order, cancelled, now)))
}

fn track(
    floor: &Floor,
    setting: &Setting<WarehouseRules>,
    (key, index): (&str, usize),
    now: Timestamp,
) -> Option<(Fact, Option<Notice>)> {
    let shipment = floor.shipments.get(key)?;
    let order = floor.orders.get(&shipment.order)?;
    let package = shipment.packages.get(index)?;
    let tracking_number = tracking_number(setting.chance, &package.key);
    let notice = events::tracked(setting, order, (shipment, package, &tracking_number), now);
    Some((Fact::Tracked { shipment: key.to_owned(), package: index, tracking_number }, Some(notice)))
}

fn shipment(setting: &Setting<WarehouseRules>, order: &Order, now: Timestamp) -> Shipment {
    let (rules, chance) = (&setting.rules, setting.chance);
    let splits = order.shipments == 0 && chance.strikes(rules.split_share, &format!("split/{}", order.reference));
    let half: Vec<_> = if splits { order.lines.iter().enumerate().map(half).collect() } else { Vec::new() };
    let rest: Vec<_> = order.lines.iter().map(|line| line.quantity - line.shipped).collect();
    let nothing_or_all = half.iter().all(Decimal::is_zero) || half == rest;
    let (last, quantities) = if nothing_or_all { (true, rest) } else { (false, half) };
    let lines = order.lines.iter().zip(quantities).filter(|(_, quantity)| !quantity.is_zero());
    let mut contents: Vec<_> = lines.map(|(line, quantity)| content(setting, order, line, quantity)).collect();
    let key = format!("SH-{:06}-{}", order.number, order.shipments + 1);
    let two = contents.len() > 1 && chance.strikes(rules.packages_share, &format!("packages/{key}"));
    let second = if two { contents.split_off(contents.len().div_ceil(2)) } else { Vec::new() };
    let parts = [contents, second].into_iter().filter(|contents| !contents.is_empty());
    let package = |(index, contents): (u32, Vec<Content>)| {
        let key = format!("{key}-P{index}");
        let late = chance.strikes(rules.late_tracking_share, &format!("late/{key}"));
        Package {
            tracking_number: (!late).then(|| tracking_number(chance, &key)),
            tracking_due_ms: late.then(|| later(setting, now, rules.track_ms, &format!("track/{key}"))),
            key,
            contents,
        }
    };
    let packages = (1..).zip(parts).map(package).collect();
    Shipment { key: key.clone(), order: order.number, left_at: now, last, packages }
}

/// What the first of two shipments takes of a line: about half; single pieces go with every second line.
fn half((index, line): (usize, &OrderLine)) -> Decimal {
    let counted = line.quantity.fract().is_zero();
    match counted {
        true if line.quantity == Decimal::ONE => Decimal::from(u8::from(index % 2 == 0)),
        true => (line.quantity / Decimal::TWO).floor(),
        false => (line.quantity / Decimal::TWO).round_dp(2).normalize(),
    }
}

/// Takes a quantity of a line from the shelves: lots and serials included.
pub(super) fn content(
    setting: &Setting<WarehouseRules>,
    order: &Order,
    line: &OrderLine,
    quantity: Decimal,
) -> Content {
    let name = format!("{}/{}/{}", order.reference, line.line_id, order.shipments);
    let sort = tracking(&line.sku);
    let lots = if !line.lot.is_empty() {
        vec![(line.lot.clone(), quantity)]
    } else if sort == Tracking::Lots {
        from_lots(setting, &name, line, quantity)
    } else {
        Vec::new()
    };
    let serials = if !line.serial.is_empty() {
        vec![line.serial.clone()]
    } else if sort == Tracking::Serials {
        // Pieces count on from what was shipped before; fractions of a piece have no serial number.
        let first = line.shipped.try_into().unwrap_or(0_u64);
        let pieces = quantity.try_into().unwrap_or(0_u64);
        (first + 1..=first + pieces).map(|piece| format!("SN{:06}-{}-{piece}", order.number, line.line_id)).collect()
    } else {
        Vec::new()
    };
    let quantity = quantity.normalize();
    Content { line_id: line.line_id.clone(), sku: line.sku.clone(), unit: line.unit.clone(), quantity, lots, serials }
}

fn from_lots(
    setting: &Setting<WarehouseRules>,
    name: &str,
    line: &OrderLine,
    quantity: Decimal,
) -> Vec<(String, Decimal)> {
    let counted = quantity.fract().is_zero();
    let first = (quantity / Decimal::TWO).round_dp(if counted { 0 } else { 2 }).normalize();
    let two = setting.chance.strikes(setting.rules.two_lots_share, &format!("two lots/{name}"));
    let lot = |number: u8| format!("{}-B{number}", line.sku);
    if two && !first.is_zero() && first != quantity {
        return vec![(lot(1), first), (lot(2), (quantity - first).normalize())];
    }
    let number = 1 + u8::try_from(setting.chance.below(&format!("lot/{name}"), 3)).unwrap_or(0);
    vec![(lot(number), quantity.normalize())]
}

pub(super) fn tracking_number(chance: Chance, package: &str) -> String {
    let digits = chance.identifier(&format!("tracking/{package}")).to_uppercase();
    format!("1Z{}", digits.get(..16).unwrap_or(&digits))
}
