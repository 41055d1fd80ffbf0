//! Every ending of a return: whatever a shop, Dynamics and the warehouse can say, in whatever state it is, has a decided ending.
//! The tables of `docs/endings-returns.md` are what the plans answered when this ran.

use std::fmt::Write as _;

use drayline::gateways::{CreditedLine, ReleasedOrder};
use drayline::message::{Body, Envelope, Kind, ReturnReceived};
use rust_decimal::Decimal;

use super::endings::{compared, linked, listed};
use super::lanes::{Ending, Road};
use super::returns::{authorised, inspected, returned, says, wished};
use super::returns_convergence::{exchanged, refunded, there, wanted};
use super::scene::line;
use super::world::REFUND;

const PAGE: &str = "docs/endings-returns.md";

/// What is so when something is told.
type State = (&'static str, fn() -> Road);

/// Something that is told.
type Event = (&'static str, fn(&mut Road));

const BEFORE: [State; 3] = [
    ("nobody made it", wanted),
    ("it was made of this wish", made),
    ("it was made, and the answer was lost", || {
        let mut road = wanted();
        road.calls_until_crash = Some(0);
        road
    }),
];

const STATES: [State; 10] = [
    ("made, and nobody told us yet", || there(returned())),
    ("announced", announced),
    ("arrived", arrived),
    ("received in part, and credited", received_in_part),
    ("received whole, and credited", received_whole),
    ("announced, and refunded before", || told(there(refunded()))),
    ("announced, and exchanged", || told(there(exchanged()))),
    ("taken back before anything came", taken_back),
    ("taken back too late", taken_back_too_late),
    ("given up by the warehouse", given_up),
];

const OF_A_SHOP: [Event; 1] = [("asks for it", |road| road.deliver(&wished().0))];

const OF_DYNAMICS: [Event; 4] = [
    ("tells of it again, unchanged", |road| road.deliver(&authorised())),
    ("changes a quantity", |road| {
        wants(road, |released| released.lines[0] = line("1", "BOLT", "6"));
    }),
    ("takes it back", |road| wants(road, |released| released.cancelled = true)),
    ("gives the rest of the money back", refunds),
];

const OF_THE_WAREHOUSE: [Event; 10] = [
    ("says that it arrived", |road| road.deliver(&says("ARRIVED"))),
    ("says that it gave it up", |road| {
        dies(road);
        road.deliver(&says("CANCELLED"));
    }),
    ("has not decided yet what becomes of it", |road| road.deliver(&inspected(10, &[("PENDING", 5)]))),
    ("has inspected a part", |road| road.deliver(&inspected(10, &[("RESTOCK", 4)]))),
    ("has inspected all, and each piece ends otherwise", |road| road.deliver(&all_sorts())),
    ("corrects its total downwards", |road| road.deliver(&inspected(10, &[("RESTOCK", 1)]))),
    ("tells an older total", |road| road.deliver(&inspected(1, &[("RESTOCK", 1)]))),
    ("has more than was to come back", |road| road.deliver(&inspected(10, &[("RESTOCK", 6)]))),
    ("has what no row says the end of", |road| road.deliver(&inspected(10, &[("DONATE", 5)]))),
    ("has another item than was to come back", |road| road.deliver(&another_item())),
];

fn all_sorts() -> Envelope {
    inspected(10, &[("RESTOCK", 2), ("QUARANTINE", 1), ("SCRAP", 1), ("RETURN_TO_SENDER", 1)])
}

fn another_item() -> Envelope {
    let message = inspected(10, &[("RESTOCK", 5)]);
    let Body::ReturnReceived(mut body) = message.body else { unreachable!() };
    for line in &mut body.lines {
        (line.line, line.item.sku) = (None, "SCREW".parse().unwrap());
    }
    Envelope { body: Body::ReturnReceived(ReturnReceived { is_final: true, ..body }), ..inspected(10, &[]) }
}

fn wants(road: &mut Road, change: fn(&mut ReleasedOrder)) {
    if let Some(released) = &mut road.world.released {
        change(released);
    }
    road.deliver(&authorised());
}

/// Whatever of the line was not credited yet is credited now, once.
fn refunds(road: &mut Road) {
    if let Some(released) = &mut road.world.released {
        let credited: Decimal = released.credits.iter().map(|credit| credit.quantity).sum();
        let left = released.lines[0].quantity - credited;
        let credit = CreditedLine { note: REFUND.to_owned(), line_id: "1".to_owned(), quantity: left };
        released.credits.extend((!left.is_zero()).then_some(credit));
    }
    road.deliver(&authorised());
}

fn dies(road: &mut Road) {
    for held in &mut road.world.orders {
        held.dead = true;
    }
}

fn made() -> Road {
    let mut road = wanted();
    road.deliver(&wished().0);
    road
}

fn told(mut road: Road) -> Road {
    road.deliver(&authorised());
    road
}

fn announced() -> Road {
    told(there(returned()))
}

fn arrived() -> Road {
    let mut road = announced();
    if let Some(held) = road.world.live() {
        held.picked = true;
    }
    road.deliver(&says("ARRIVED"));
    road
}

fn received_in_part() -> Road {
    let mut road = arrived();
    road.deliver(&inspected(2, &[("RESTOCK", 2)]));
    road
}

fn received_whole() -> Road {
    let mut road = arrived();
    road.deliver(&inspected(2, &[("RESTOCK", 5)]));
    road
}

fn taken_back() -> Road {
    let mut road = announced();
    wants(&mut road, |released| released.cancelled = true);
    road
}

fn taken_back_too_late() -> Road {
    let mut road = arrived();
    wants(&mut road, |released| released.cancelled = true);
    road
}

fn given_up() -> Road {
    let mut road = announced();
    dies(&mut road);
    road.deliver(&says("CANCELLED"));
    road
}

/// Every thing that can be told, with the states in which it can be.
fn cells() -> impl Iterator<Item = (&'static str, &'static [State], &'static Event)> {
    let of_a_shop = OF_A_SHOP.iter().map(|event| ("A shop", &BEFORE[..], event));
    let of_dynamics = OF_DYNAMICS.iter().map(|event| ("Dynamics", &STATES[..], event));
    of_a_shop.chain(of_dynamics).chain(OF_THE_WAREHOUSE.iter().map(|event| ("The warehouse", &STATES[..], event)))
}

#[test]
fn the_page_of_the_endings_of_returns_says_what_the_plans_answer() {
    let tables: String = cells().map(|(who, states, event)| table(who, states, event)).collect();
    compared(PAGE, "## A shop ", &tables);
}

/// The table of one thing that is told.
fn table(who: &str, states: &[State], (event, tell): &Event) -> String {
    let mut table = String::new();
    let columns =
        ["when it is", "calls", "north expects", "posted", "credited", "a person has", "it waits for"].join(" | ");
    writeln!(table, "## {who} {event}\n\n| {columns} |\n|{}", "---|".repeat(7)).unwrap();
    for (state, reach) in states {
        let mut road = reach();
        road.come_to_rest();
        let before = road.calls.len();
        tell(&mut road);
        road.come_to_rest();
        let Ending { exceptions, waiting, pieces, credited, .. } = road.ending();
        let live = road.world.orders.iter().filter(|held| !held.dead).map(|held| format!("`{}`", held.order.reference));
        let cells = [
            listed(road.calls[before..].iter().map(|key| format!("`{key}`"))),
            listed(live),
            listed(pieces.iter().map(|(piece, sum)| format!("{sum} {}", piece.trim_start_matches("1 ")))),
            listed(credited.values().map(ToString::to_string)),
            linked(&exceptions),
            listed(waiting.iter().map(|kind| waits_for(*kind).to_owned())),
        ];
        writeln!(table, "| {state} | {} |", cells.join(" | ")).unwrap();
    }
    table.push('\n');
    table
}

/// What ends the wait of a message of this kind.
fn waits_for(kind: Kind) -> &'static str {
    match kind {
        Kind::ReturnReceived => "the return to be announced",
        other => panic!("nobody decided what ends the wait of {other}"),
    }
}

/// Whatever is told twice changes nothing more: an ending is an ending.
#[test]
fn an_ending_of_a_return_stays_when_the_same_is_told_again() {
    for (_, states, (event, tell)) in cells() {
        for (state, reach) in states {
            let mut road = reach();
            road.come_to_rest();
            tell(&mut road);
            road.come_to_rest();
            let (calls, ending) = (road.calls.len(), road.ending());
            tell(&mut road);
            road.come_to_rest();
            let more = &road.calls[calls..];
            assert!(more.is_empty(), "{event}, when it is {state}, calls again: {more:?}");
            assert_eq!(road.ending(), ending, "{event}, when it is {state}");
        }
    }
}
