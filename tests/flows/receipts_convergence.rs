//! The sum law: whatever the order in which reports of receipts arrive, with whatever duplicates and crashes, what is posted
//! is the last total that is known, per receipt, line and piece.

use std::collections::BTreeMap;

use drayline::gateways::ReleasedOrder;
use drayline::message::Envelope;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::convergence::Story;
use super::expected::{RECEIPT, announced, announced_as, counted, expected, in_lots, numbered, reported};
use super::lanes::{Ending, Road};
use super::scene::{decimal, line};
use super::world::World;

fn road() -> Road {
    Road::new(World::new(Some(expected())))
}

/// How many updates it takes depends on the order of events; what they come to does not.
fn sums(ending: Ending) -> Ending {
    Ending { shipped: BTreeMap::new(), remaining: BTreeMap::new(), ..ending }
}

fn posted(ending: &Ending) -> Vec<(&str, Decimal)> {
    ending.pieces.iter().map(|(piece, sum)| (piece.as_str(), *sum)).collect()
}

fn complete(sequence: u64, lines: &[Value]) -> Envelope {
    reported(RECEIPT, 0, lines, &json!({ "sequence": sequence, "state": "COMPLETE", "isFinal": true }))
}

#[test]
fn totals_and_a_correction() {
    let events = vec![
        announced(),
        numbered(1, &[counted("1", "BOLT", "5")]),
        numbered(2, &[counted("1", "BOLT", "8"), counted("2", "NUT", "1")]),
        numbered(3, &[counted("1", "BOLT", "6")]),
        complete(4, &[counted("1", "BOLT", "7"), counted("2", "NUT", "4")]),
        announced(),
    ];
    let ending = Story { start: road(), events }.ends_alike_but_for(sums);
    assert_eq!(posted(&ending), [("1 -", decimal("7")), ("2 -", decimal("4"))]);
    let exceptions: Vec<_> = ending.exceptions.iter().copied().collect();
    assert_eq!((ending.live.len(), exceptions.as_slice()), (1, &["receipt.short"][..]), "3 of BOLT never came");
}

#[test]
fn lots_that_are_told_apart_later() {
    let events = vec![
        announced(),
        numbered(1, &[in_lots("1", "BOLT", "5", &[("A", "5")])]),
        numbered(2, &[in_lots("1", "BOLT", "6", &[("A", "2"), ("B", "4")])]),
        numbered(3, &[in_lots("1", "BOLT", "6", &[("A", "2"), ("C", "4")])]),
        numbered(4, &[in_lots("1", "BOLT", "9", &[("A", "3"), ("B", "2"), ("C", "4")])]),
    ];
    let ending = Story { start: road(), events }.ends_alike_but_for(sums);
    assert_eq!(posted(&ending), [("1 A", decimal("3")), ("1 B", decimal("2")), ("1 C", decimal("4"))]);
}

#[test]
fn split_receipts_and_damaged_goods() {
    let of = |receipt: &str, sequence: u64, total: &str, damaged: &str| {
        let mut line = counted("1", "BOLT", total);
        line["damaged"] = json!({ "value": damaged });
        reported(receipt, 0, &[line], &json!({ "sequence": sequence }))
    };
    let events = vec![
        announced(),
        of("R-1", 1, "3", "0"),
        of("R-1", 2, "5", "1"),
        of("R-2", 1, "4", "4"),
        of("R-2", 2, "5", "2"),
        reported("R-2", 0, &[], &json!({ "state": "ARRIVED" })),
    ];
    let ending = Story { start: road(), events }.ends_alike_but_for(sums);
    assert_eq!(posted(&ending), [("1 -", decimal("7")), ("1 Blocking", decimal("3"))]);
}

#[test]
fn reports_that_only_their_time_tells_apart() {
    let at = |second, total| reported(RECEIPT, second, &[counted("1", "BOLT", total)], &json!({}));
    let events = vec![announced(), at(10, "5"), at(20, "9"), at(30, "2"), at(40, "4")];
    let ending = Story { start: road(), events }.ends_alike_but_for(sums);
    assert_eq!(posted(&ending), [("1 -", decimal("4"))]);
}

#[test]
fn additions_and_totals_of_several_receipts() {
    let add = |sequence: u64, total: &str| {
        let more = json!({ "quantityBasis": "DELTA", "sequence": sequence });
        reported("R-D", 0, &[counted("2", "NUT", total)], &more)
    };
    let events = vec![announced(), add(1, "1"), add(2, "2"), add(3, "1"), numbered(1, &[counted("1", "BOLT", "10")])];
    let ending = Story { start: road(), events }.ends_alike_but_for(sums);
    assert_eq!(posted(&ending), [("1 -", decimal("10")), ("2 -", decimal("4"))]);
}

#[test]
fn a_cancelled_receipt_ends_with_nothing() {
    let events = vec![
        announced(),
        numbered(1, &[counted("1", "BOLT", "5")]),
        numbered(2, &[counted("1", "BOLT", "8")]),
        reported(RECEIPT, 0, &[counted("1", "BOLT", "0")], &json!({ "sequence": 3, "state": "CANCELLED" })),
    ];
    let ending = Story { start: road(), events }.ends_alike_but_for(sums);
    assert_eq!(posted(&ending), []);
}

#[test]
fn receipts_of_a_document_that_was_changed_before_anything_came() {
    let mut start = road();
    start.deliver(&announced());
    start.world.released = Some(ReleasedOrder { version: 2, lines: vec![line("1", "BOLT", "12")], ..expected() });
    let of_second = |sequence: u64, total: &str| {
        let order = json!({ "reference": announced_as(2).to_string() });
        let more = json!({ "sequence": sequence, "inboundOrder": order });
        reported(RECEIPT, 0, &[counted("1", "BOLT", total)], &more)
    };
    let events = vec![announced(), announced(), of_second(1, "4"), of_second(2, "12")];
    let ending = Story { start, events }.ends_alike_but_for(sums);
    assert_eq!(posted(&ending), [("1 -", decimal("12"))]);
    assert_eq!(ending.live, [vec![("1".to_owned(), "BOLT".to_owned(), decimal("12"))]]);
}

#[test]
fn goods_for_a_cancelled_order_are_never_posted() {
    let mut start = road();
    start.deliver(&announced());
    start.world.released = Some(ReleasedOrder { cancelled: true, ..expected() });
    start.world.orders[0].picked = true;
    let events = vec![numbered(1, &[counted("1", "BOLT", "5")]), numbered(2, &[counted("1", "BOLT", "6")])];
    let ending = Story { start, events }.ends_alike_but_for(sums);
    assert_eq!(posted(&ending), []);
    assert_eq!(ending.exceptions.iter().copied().collect::<Vec<_>>(), ["receipt.cancelled_order"]);
}

/// Drawn histories of two receipts with lots, corrections and completions, told in drawn orders with duplicates and crashes.
#[test]
fn what_is_posted_is_the_last_total_that_is_known() {
    let mut corrected = 0;
    for seed in 0..400 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut events = vec![announced()];
        let mut last: BTreeMap<(String, String), Decimal> = BTreeMap::new();
        for sequence in 1..=random.u64(2..7) {
            for receipt in ["R-1", "R-2"] {
                // Never more than half of a line, so that both receipts fit.
                let lots = [("A", random.u32(0..3)), ("B", random.u32(0..3))];
                let total: u32 = lots.iter().map(|(_, quantity)| quantity).sum();
                let shown: Vec<(&str, String)> =
                    lots.iter().map(|(lot, quantity)| (*lot, quantity.to_string())).collect();
                let shown: Vec<(&str, &str)> = shown.iter().map(|(lot, quantity)| (*lot, quantity.as_str())).collect();
                let line = in_lots("1", "BOLT", &total.to_string(), &shown);
                events.push(reported(receipt, 0, &[line], &json!({ "sequence": sequence })));
                for (lot, quantity) in lots {
                    let before = last.insert((receipt.to_owned(), lot.to_owned()), quantity.into());
                    corrected += u32::from(before.is_some_and(|before| before > quantity.into()));
                }
            }
        }
        let copies: Vec<Envelope> = (0..4).map(|_| events[random.usize(0..events.len())].clone()).collect();
        events.extend(copies);
        random.shuffle(&mut events);
        let mut road = road();
        road.calls_until_crash = random.bool().then(|| random.u32(0..8));
        for event in &events {
            road.deliver(event);
            if random.bool() {
                road.come_to_rest();
            }
        }
        road.come_to_rest();
        let ending = road.ending();
        for lot in ["A", "B"] {
            let law: Decimal = last.iter().filter(|((_, each), _)| each == lot).map(|(_, total)| *total).sum();
            let posted = ending.pieces.get(&format!("1 {lot}")).copied().unwrap_or_default();
            assert_eq!(posted, law, "seed {seed}: lot {lot}; {ending:?}");
        }
        assert!(ending.exceptions.is_empty() && ending.waiting.is_empty(), "seed {seed}: {ending:?}");
    }
    assert!(corrected > 100, "hardly anything was corrected downwards");
}
