//! The laws of what came back: whatever the order in which it is told, with whatever duplicates and crashes, a wish is made
//! once, the last totals are posted, each piece as it was decided last, and each is credited once or was credited before.

use std::collections::BTreeMap;

use drayline::gateways::{CreditedLine, ReleasedLine, ReleasedOrder};
use drayline::mapping::Mapping;
use drayline::message::Envelope;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::convergence::Story;
use super::lanes::{Ending, Road};
use super::returns::{authorised, inspected, returned, says, wished};
use super::world::{EXCHANGED, REFUND, World};
use crate::mapping::mapping;

/// What becomes of a piece: the warehouse's word, Dynamics' code, the status in which it lies, and the code where nothing is
/// credited any more.
const DISPOSITIONS: [(&str, &str, &str, &str); 5] = [
    ("RESTOCK", "CREDIT", "", "STOCK"),
    ("QUARANTINE", "CREDIT", "Quarantine", "STOCK"),
    ("REFURBISH", "CREDIT", "OnHold", "STOCK"),
    ("SCRAP", "SCRAP", "", "WRITEOFF"),
    ("RETURN_TO_SENDER", "SENDBACK", "", "SENDBACK"),
];

fn rows() -> Mapping {
    let row = |word: &str, code: &str| format!("disposition; connection:north; warehouse:{word}; dynamics:{code}");
    let rows: Vec<String> = DISPOSITIONS
        .iter()
        .flat_map(|(word, code, _, plain)| [row(word, code), row(&format!("{word}/CREDITED"), plain)])
        .collect();
    mapping(&rows.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Dynamics has a return order.
pub fn there(released: ReleasedOrder) -> Road {
    Road::new(World { mapping: rows(), ..World::new(Some(released)) })
}

/// Dynamics has none yet, and makes one when it is asked to.
pub fn wanted() -> Road {
    Road::new(World { mapping: rows(), makes: Some(returned()), ..World::new(None) })
}

/// All of it was credited before anything came.
pub fn refunded() -> ReleasedOrder {
    let credit = CreditedLine { note: REFUND.to_owned(), line_id: "1".to_owned(), quantity: 5.into() };
    ReleasedOrder { credits: vec![credit], ..returned() }
}

pub fn exchanged() -> ReleasedOrder {
    let line = |line| ReleasedLine { disposition: Some(EXCHANGED.to_owned()), ..line };
    ReleasedOrder { lines: returned().lines.into_iter().map(line).collect(), ..returned() }
}

/// How many updates it takes depends on the order of events; what they come to does not.
fn sums(ending: Ending) -> Ending {
    Ending { shipped: BTreeMap::new(), remaining: BTreeMap::new(), ..ending }
}

fn told(start: Road, events: Vec<Envelope>) -> Ending {
    let ending = Story { start, events }.ends_alike_but_for(sums);
    assert_eq!(ending.live.len(), 1);
    assert!(ending.exceptions.is_empty(), "{ending:?}");
    ending
}

fn posted(ending: &Ending) -> Vec<(&str, u32)> {
    let number = |sum: &Decimal| u32::try_from(*sum).unwrap();
    ending.pieces.iter().map(|(piece, sum)| (piece.as_str(), number(sum))).collect()
}

fn credited(ending: &Ending) -> u32 {
    ending.credited.get("1").map_or(0, |sum| u32::try_from(*sum).unwrap())
}

#[test]
fn a_return_that_somebody_asks_for_comes_back_in_parts() {
    let events = vec![
        wished().0,
        authorised(),
        says("ARRIVED"),
        inspected(1, &[("RESTOCK", 2)]),
        inspected(2, &[("RESTOCK", 3), ("QUARANTINE", 1)]),
        inspected(3, &[("RESTOCK", 3), ("QUARANTINE", 1), ("SCRAP", 1)]),
    ];
    let ending = told(wanted(), events);
    assert_eq!((ending.returns, credited(&ending)), (1, 5));
    assert_eq!(posted(&ending), [("1 CREDIT", 3), ("1 Quarantine CREDIT", 1), ("1 SCRAP", 1)]);
}

/// What was credited too much is taken back, and nobody takes that for a refund.
#[test]
fn totals_that_fall_and_rise_again() {
    let of = |sequence, total| inspected(sequence, &[("RESTOCK", total)]);
    let ending = told(there(returned()), vec![authorised(), of(1, 2), of(2, 5), of(3, 0), of(4, 4), of(5, 3)]);
    assert_eq!((posted(&ending), credited(&ending)), (vec![("1 CREDIT", 3)], 3));
}

#[test]
fn pieces_that_are_decided_late_and_decided_anew() {
    let events = vec![
        authorised(),
        inspected(1, &[("PENDING", 2)]),
        inspected(2, &[("QUARANTINE", 2)]),
        inspected(3, &[("QUARANTINE", 1), ("RESTOCK", 1), ("PENDING", 1)]),
        inspected(4, &[("RESTOCK", 2), ("SCRAP", 1), ("RETURN_TO_SENDER", 2)]),
    ];
    let ending = told(there(returned()), events);
    assert_eq!(posted(&ending), [("1 CREDIT", 2), ("1 SCRAP", 1), ("1 SENDBACK", 2)]);
    assert_eq!(credited(&ending), 3);
}

#[test]
fn what_was_refunded_before_and_what_is_exchanged_is_posted_and_not_credited() {
    for (released, credit) in [(refunded(), 5), (exchanged(), 0)] {
        let events = vec![
            authorised(),
            inspected(1, &[("RESTOCK", 2)]),
            inspected(2, &[("RESTOCK", 4)]),
            inspected(3, &[("RESTOCK", 3), ("SCRAP", 1)]),
            inspected(4, &[("RESTOCK", 3), ("SCRAP", 1), ("QUARANTINE", 1)]),
        ];
        let ending = told(there(released), events);
        assert_eq!(posted(&ending), [("1 Quarantine STOCK", 1), ("1 STOCK", 3), ("1 WRITEOFF", 1)]);
        assert_eq!(credited(&ending), credit);
    }
}

#[test]
fn a_return_that_is_taken_back_before_anything_came() {
    let mut start = there(returned());
    start.deliver(&authorised());
    start.world.released = Some(ReleasedOrder { cancelled: true, ..returned() });
    let events = vec![authorised(), says("ARRIVED"), says("CANCELLED"), authorised()];
    let ending = Story { start, events }.ends_alike_but_for(sums);
    assert!(ending.live.is_empty() && ending.exceptions.is_empty() && ending.pieces.is_empty(), "{ending:?}");
}

#[test]
fn goods_of_a_return_that_was_taken_back_too_late_are_a_persons() {
    let mut start = there(returned());
    start.deliver(&authorised());
    start.world.released = Some(ReleasedOrder { cancelled: true, ..returned() });
    start.world.orders[0].picked = true;
    let events = vec![inspected(1, &[("RESTOCK", 2)]), inspected(2, &[("RESTOCK", 5)]), inspected(3, &[("SCRAP", 5)])];
    let ending = Story { start, events }.ends_alike_but_for(sums);
    assert_eq!((posted(&ending), credited(&ending)), (Vec::new(), 0));
    assert_eq!(ending.exceptions, ["receipt.cancelled_order"].into());
}

/// Drawn histories of a return, refunded before or not, told in drawn orders with duplicates and crashes.
#[test]
fn the_last_totals_are_posted_and_credited_once() {
    let (mut fell, mut refunds) = (0, 0);
    for seed in 0..600 {
        let mut random = fastrand::Rng::with_seed(seed);
        let refund = random.u8(0..3) == 0;
        let mut events = vec![authorised()];
        let mut last: Vec<(usize, u32)> = Vec::new();
        for sequence in 1..=random.u64(2..8) {
            let before: u32 = last.iter().map(|(_, quantity)| quantity).sum();
            let mut left = random.u32(0..=5);
            last.clear();
            while left > 0 {
                let (place, quantity) = (random.usize(0..DISPOSITIONS.len()), random.u32(1..=left));
                left -= quantity;
                if last.iter().all(|(known, _)| *known != place) {
                    last.push((place, quantity));
                }
            }
            fell += u32::from(last.iter().map(|(_, quantity)| quantity).sum::<u32>() < before);
            let pieces: Vec<_> = last.iter().map(|(place, quantity)| (DISPOSITIONS[*place].0, *quantity)).collect();
            events.push(inspected(sequence, &pieces));
        }
        let asked = random.bool() && !refund;
        events.extend(asked.then(|| wished().0));
        let copies: Vec<Envelope> = (0..4)
            .map(|_| Envelope {
                message_id: Uuid::from_u128(random.u128(..)),
                ..events[random.usize(0..events.len())].clone()
            })
            .collect();
        events.extend(copies);
        random.shuffle(&mut events);
        let mut road = if asked { wanted() } else { there(if refund { refunded() } else { returned() }) };
        road.calls_until_crash = random.bool().then(|| random.u32(0..8));
        for event in &events {
            road.deliver(event);
            if random.bool() {
                road.come_to_rest();
            }
        }
        road.come_to_rest();
        let ending = road.ending();
        let (mut pieces, mut credit) = (BTreeMap::new(), if refund { 5 } else { 0 });
        for (place, quantity) in &last {
            let (_, code, status, plain) = DISPOSITIONS[*place];
            let piece = ["1", status, if refund { plain } else { code }];
            let piece = piece.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
            *pieces.entry(piece).or_default() += Decimal::from(*quantity);
            credit += if refund || code == "SENDBACK" { 0 } else { *quantity };
        }
        assert_eq!(ending.pieces, pieces, "seed {seed}: {ending:?}");
        assert_eq!(credited(&ending), credit, "seed {seed}: {ending:?}");
        assert_eq!(ending.returns, usize::from(asked), "seed {seed}: {ending:?}");
        assert!(ending.exceptions.is_empty() && ending.waiting.is_empty(), "seed {seed}: {ending:?}");
        let mut calls = road.calls.clone();
        calls.sort();
        calls.dedup();
        assert_eq!(calls.len(), road.calls.len(), "seed {seed}: called twice: {:?}", road.calls);
        refunds += u32::from(refund);
    }
    assert!(fell > 100 && refunds > 100, "hardly anything fell ({fell}) or was refunded ({refunds})");
}
