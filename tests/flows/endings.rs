//! Every ending of an order: whatever both far ends can say, in whatever state the document is, has a decided ending. The table of
//! `docs/endings.md` is what the plans answered when this ran.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use drayline::config::{ChangedUntil, Changes};
use drayline::gateways::ReleasedOrder;
use drayline::message::{Address, Envelope, Kind};
use serde_json::json;

use super::lanes::{Ending, Road};
use super::scene::{at, from_dynamics, from_north, line, reference, released, shipped};
use super::world::World;

const PAGE: &str = "docs/endings.md";

/// Writes the tables of the page anew: `DRAYLINE_WRITE_ENDINGS=1 cargo test --test suite flows::endings`.
const WRITE: &str = "DRAYLINE_WRITE_ENDINGS";

/// Where the page's tables begin.
const FIRST: &str = "## Dynamics ";

/// What is so when something is told.
type State = (&'static str, fn() -> Road);

/// Something that is told.
type Event = (&'static str, fn(&mut Road));

const STATES: [State; 11] = [
    ("released, and nobody told us yet", untold),
    ("sent", sent),
    ("accepted", accepted),
    ("on hold at the warehouse", on_hold),
    ("picked", picked),
    ("shipped in part", shipped_in_part),
    ("shipped whole", shipped_whole),
    ("rejected", rejected),
    ("cancelled", cancelled),
    ("cancelling, and not answered", cancelling),
    ("cancelled when it was picked", cancelled_too_late),
];

const OF_DYNAMICS: [Event; 8] = [
    ("releases it again, unchanged", |road| road.deliver(&from_dynamics(Kind::OrderReleased))),
    ("releases it under a newer version", |road| {
        wants(road, Kind::OrderReleased, |order| order.version += 1);
    }),
    ("changes a quantity", |road| {
        wants(road, Kind::OrderChanged, |order| order.lines[0] = line("1", "BOLT", "12"));
    }),
    ("changes the address", |road| {
        wants(road, Kind::OrderChanged, |order| {
            order.recipient = Address { line1: Some("Side Street 9".to_owned()), ..order.recipient.clone() };
        });
    }),
    ("changes the address, which the warehouse changes itself until it picks", |road| {
        changes_addresses(road);
        wants(road, Kind::OrderChanged, |order| {
            order.recipient = Address { line1: Some("Side Street 9".to_owned()), ..order.recipient.clone() };
        });
    }),
    ("changes address and quantity, of which the warehouse changes the address alone", |road| {
        changes_addresses(road);
        wants(road, Kind::OrderChanged, |order| {
            order.recipient = Address { line1: Some("Side Street 9".to_owned()), ..order.recipient.clone() };
            order.lines[0] = line("1", "BOLT", "12");
        });
    }),
    ("cancels it", |road| wants(road, Kind::OrderCancelled, |order| order.cancelled = true)),
    ("withdraws it", |road| {
        road.world.released = None;
        road.deliver(&from_dynamics(Kind::OrderCancelled));
    }),
];

const OF_THE_WAREHOUSE: [Event; 17] = [
    ("accepts it", |road| road.deliver(&says(Kind::OrderAccepted, &json!({})))),
    ("rejects it", |road| rejects(road)),
    ("rejects a line", |road| {
        let lines = json!([{ "item": { "sku": "NUT" } }]);
        road.deliver(&says(Kind::OrderRejected, &json!({ "reason": "OUT_OF_STOCK", "lines": lines })));
    }),
    ("holds it", |road| road.deliver(&held_up("onHold", 40))),
    ("has trouble with it", |road| road.deliver(&held_up("exception", 41))),
    ("picks it", |road| picks(road, 42)),
    ("says that it cancelled it", |road| {
        dies(road);
        road.deliver(&resolved("CONFIRMED"));
    }),
    ("says that it is too late to cancel", |road| road.deliver(&resolved("REJECTED"))),
    ("says that it cancelled a part", |road| road.deliver(&resolved("PARTIAL"))),
    ("ships a part", |road| ships(road, "S2", &[("1", "BOLT", "2")])),
    ("ships all of it", |road| ships(road, "S9", &[("1", "BOLT", "10"), ("2", "NUT", "4")])),
    ("ships more than was ordered", |road| ships(road, "S9", &[("1", "BOLT", "11"), ("2", "NUT", "4")])),
    ("ships another item in place of one", |road| ships(road, "S9", &[("1", "SCREW", "10"), ("2", "NUT", "4")])),
    ("ships a line that nobody ordered", |road| {
        ships(road, "S9", &[("1", "BOLT", "10"), ("2", "NUT", "4"), ("9", "GIFT", "1")]);
    }),
    ("corrects a shipment downwards", |road| ships(road, "S1", &[("1", "BOLT", "5")])),
    ("tells another tracking number", |road| {
        let body = json!({ "shipmentKey": "S1", "packageKey": "P1", "trackingNumber": "T-NEW", "updatedAt": at(90).to_string() });
        road.deliver(&says(Kind::TrackingUpdated, &body));
    }),
    ("voids a shipment", |road| road.deliver(&says(Kind::ShipmentVoided, &json!({ "shipmentKey": "S1" })))),
];

/// What the warehouse's connection declares.
fn changes_addresses(road: &mut Road) {
    road.world.changes = Changes { fields: vec!["recipient".to_owned()], until: ChangedUntil::Picking };
}

fn says(kind: Kind, body: &serde_json::Value) -> Envelope {
    from_north(kind, &reference(1), body.clone())
}

fn status(code: &str, second: i64) -> Envelope {
    says(Kind::OrderStatusChanged, &json!({ "status": code, "changedAt": at(second).to_string() }))
}

/// It is at work on it, and says why it does not go on.
fn held_up(flag: &str, second: i64) -> Envelope {
    says(Kind::OrderStatusChanged, &json!({ "status": "PROCESSING", flag: true, "changedAt": at(second).to_string() }))
}

fn resolved(outcome: &str) -> Envelope {
    says(Kind::OrderCancelResolved, &json!({ "outcome": outcome }))
}

fn wants(road: &mut Road, kind: Kind, change: fn(&mut ReleasedOrder)) {
    if let Some(order) = &mut road.world.released {
        change(order);
    }
    road.deliver(&from_dynamics(kind));
}

fn dies(road: &mut Road) {
    for held in &mut road.world.orders {
        held.dead = true;
    }
}

fn rejects(road: &mut Road) {
    dies(road);
    road.deliver(&says(Kind::OrderRejected, &json!({ "reason": "UNKNOWN_SKU" })));
}

fn picks(road: &mut Road, second: i64) {
    if let Some(held) = road.world.live() {
        held.picked = true;
    }
    road.deliver(&status("PICKING", second));
}

fn ships(road: &mut Road, key: &str, contents: &[(&str, &str, &str)]) {
    if let Some(held) = road.world.live() {
        held.picked = true;
    }
    road.deliver(&shipped(key, &reference(1), contents));
}

fn untold() -> Road {
    Road::new(World::new(Some(released())))
}

fn sent() -> Road {
    let mut road = untold();
    road.deliver(&from_dynamics(Kind::OrderReleased));
    road
}

fn accepted() -> Road {
    let mut road = sent();
    road.deliver(&says(Kind::OrderAccepted, &json!({})));
    road
}

fn on_hold() -> Road {
    let mut road = accepted();
    road.deliver(&held_up("onHold", 10));
    road
}

fn picked() -> Road {
    let mut road = accepted();
    picks(&mut road, 20);
    road
}

fn shipped_in_part() -> Road {
    let mut road = picked();
    ships(&mut road, "S1", &[("1", "BOLT", "6")]);
    road
}

fn shipped_whole() -> Road {
    let mut road = picked();
    ships(&mut road, "S1", &[("1", "BOLT", "10"), ("2", "NUT", "4")]);
    road
}

fn rejected() -> Road {
    let mut road = sent();
    rejects(&mut road);
    road
}

fn cancelled() -> Road {
    let mut road = accepted();
    wants(&mut road, Kind::OrderCancelled, |order| order.cancelled = true);
    road
}

fn cancelling() -> Road {
    let mut road = accepted();
    road.world.answers_later = true;
    wants(&mut road, Kind::OrderCancelled, |order| order.cancelled = true);
    road
}

fn cancelled_too_late() -> Road {
    let mut road = picked();
    wants(&mut road, Kind::OrderCancelled, |order| order.cancelled = true);
    road
}

#[test]
fn the_page_of_endings_says_what_the_plans_answer() {
    let tables = format!("{}{}", tables("Dynamics", &OF_DYNAMICS), tables("The warehouse", &OF_THE_WAREHOUSE));
    compared(PAGE, FIRST, &tables);
}

/// Compares the tables of a page, from the first one on, with what the plans answer; or writes them anew.
pub fn compared(path: &str, first: &str, tables: &str) {
    let page = std::fs::read_to_string(path).unwrap();
    let (prose, written) = page.split_at(page.find(first).expect("the page has tables"));
    if std::env::var_os(WRITE).is_some() {
        return std::fs::write(path, format!("{prose}{tables}")).unwrap();
    }
    let again = format!("write it anew: {WRITE}=1 cargo test --test suite flows::endings");
    assert!(written == tables, "{path} says something else than the plans; {again}");
}

/// One table for each thing that can be told.
fn tables(who: &str, events: &[Event]) -> String {
    let mut tables = String::new();
    for (event, tell) in events {
        writeln!(tables, "## {who} {event}\n\n| when it is | calls | north has | a person has | it waits for |")
            .unwrap();
        writeln!(tables, "|---|---|---|---|---|").unwrap();
        for (state, reach) in STATES {
            let mut road = reach();
            road.come_to_rest();
            let before = road.calls.len();
            tell(&mut road);
            road.come_to_rest();
            let calls = listed(road.calls[before..].iter().map(|key| format!("`{key}`")));
            let Ending { exceptions, waiting, .. } = road.ending();
            let live =
                road.world.orders.iter().filter(|held| !held.dead).map(|held| format!("`{}`", held.order.reference));
            let (live, waiting) = (listed(live), listed(waiting.iter().map(|kind| waits_for(*kind).to_owned())));
            let exceptions = linked(&exceptions);
            writeln!(tables, "| {state} | {calls} | {live} | {exceptions} | {waiting} |").unwrap();
        }
        tables.push('\n');
    }
    tables.truncate(tables.trim_end().len());
    tables.push_str("\n\n");
    tables
}

/// Codes of exceptions, each with its place on their page.
pub fn linked(exceptions: &BTreeSet<&'static str>) -> String {
    listed(exceptions.iter().map(|code| format!("[`{code}`](exceptions.md#{})", code.replace('.', ""))))
}

pub fn listed(words: impl Iterator<Item = String>) -> String {
    let words: Vec<_> = words.collect();
    if words.is_empty() { "–".to_owned() } else { words.join("<br>") }
}

/// What ends the wait of a message of this kind.
pub fn waits_for(kind: Kind) -> &'static str {
    match kind {
        Kind::OrderReleased | Kind::OrderChanged | Kind::OrderCancelled => "how the cancellation ends",
        Kind::OrderAccepted | Kind::OrderRejected | Kind::OrderStatusChanged | Kind::OrderCancelResolved => {
            "the order to be known"
        }
        Kind::ShipmentConfirmed | Kind::ShipmentVoided | Kind::TrackingUpdated => {
            "the order to be known, or its posting"
        }
        other => panic!("nobody decided what ends the wait of {other}"),
    }
}

/// Whatever is told twice changes nothing more: an ending is an ending.
#[test]
fn an_ending_stays_when_the_same_is_told_again() {
    for (event, tell) in OF_DYNAMICS.iter().chain(&OF_THE_WAREHOUSE) {
        for (state, reach) in STATES {
            let mut road = reach();
            road.come_to_rest();
            tell(&mut road);
            road.come_to_rest();
            let (calls, ending) = (road.calls.len(), road.ending());
            tell(&mut road);
            road.come_to_rest();
            let more = &road.calls[calls..];
            // A newer version each time is not the same.
            if !event.contains("newer version") {
                assert!(more.is_empty(), "{event}, when it is {state}, calls again: {more:?}");
                assert_eq!(road.ending(), ending, "{event}, when it is {state}");
            }
        }
    }
}
