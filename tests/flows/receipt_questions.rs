//! What of a receipt could not be posted is asked beside the road: later reports are counted, and may be the answer.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::convergence::Story;
use super::expected::{RECEIPT, announced, counted, expected, numbered, reported};
use super::lanes::Road;
use super::scene::decimal;
use super::world::World;

fn announced_road() -> Road {
    let mut road = Road::new(World::new(Some(expected())));
    road.deliver(&announced());
    road
}

/// Delivers a report, and lets everything that comes of it end: exceptions, and what is posted of each line.
fn hear(road: &mut Road, sequence: u64, lines: &[Value]) -> (Vec<&'static str>, Vec<(String, String)>) {
    road.deliver(&numbered(sequence, lines));
    road.come_to_rest();
    let ending = road.ending();
    assert!(ending.waiting.is_empty(), "{ending:?}");
    let posted = ending.pieces.into_iter().map(|(piece, sum)| (piece, sum.normalize().to_string()));
    (ending.exceptions.into_iter().collect(), posted.collect())
}

fn bolts(posted: &str) -> Vec<(String, String)> {
    vec![("1 -".to_owned(), posted.to_owned())]
}

#[test]
fn a_later_report_is_counted_whatever_is_asked_about_an_earlier_one_and_ends_the_question() {
    let mut road = announced_road();
    let of = |total| [counted("1", "BOLT", total)];
    assert_eq!(hear(&mut road, 1, &of("13")), (vec!["receipt.exceeds_order"], bolts("10")));
    assert_eq!(
        hear(&mut road, 2, &of("14")),
        (vec!["receipt.exceeds_order"], bolts("10")),
        "about the newer one alone"
    );
    assert_eq!(hear(&mut road, 3, &of("9")), (vec![], bolts("9")));
}

#[test]
fn what_could_not_be_counted_is_counted_when_it_is_told_rightly() {
    let mut road = announced_road();
    let cases = json!({ "line": { "orderLineId": "1" }, "item": { "sku": "BOLT" }, "received": { "value": "2", "unit": "cs" } });
    assert_eq!(hear(&mut road, 1, &[cases]), (vec!["receipt.unit_differs"], vec![]));
    assert_eq!(hear(&mut road, 2, &[counted("1", "BOLT", "8")]), (vec![], bolts("8")));
}

#[test]
fn a_question_stays_for_as_long_as_no_newer_report_speaks_of_it() {
    let mut road = announced_road();
    let stranger = |quantity| counted("", "GIZMO", quantity);
    let bolt = |total| counted("1", "BOLT", total);
    assert_eq!(hear(&mut road, 1, &[bolt("5"), stranger("3")]), (vec!["receipt.item_unexpected"], bolts("5")));
    assert_eq!(hear(&mut road, 2, &[bolt("6")]), (vec!["receipt.item_unexpected"], bolts("6")));
    assert_eq!(hear(&mut road, 3, &[bolt("7"), stranger("0")]), (vec![], bolts("7")));
}

#[test]
fn an_order_that_tolerates_more_in_dynamics_answers_the_question() {
    let mut road = announced_road();
    assert_eq!(hear(&mut road, 1, &[counted("1", "BOLT", "13")]).0, ["receipt.exceeds_order"]);
    road.world.released.as_mut().unwrap().lines[0].over_percent = Some(decimal("30"));
    road.deliver(&announced());
    road.come_to_rest();
    let ending = road.ending();
    assert!(ending.exceptions.is_empty(), "{ending:?}");
    assert_eq!(ending.pieces["1 -"], decimal("13"));
}

/// What becomes of the change is a person's, and what the warehouse counts meanwhile is posted.
#[test]
fn a_change_after_receiving_began_is_asked_beside_and_holds_no_report_back() {
    let mut road = announced_road();
    let change = |road: &mut Road, version, quantity| {
        let released = road.world.released.as_mut().unwrap();
        (released.version, released.lines[0].quantity) = (version, decimal(quantity));
        road.deliver(&announced());
        road.come_to_rest();
        road.ending().exceptions.into_iter().collect::<Vec<_>>()
    };
    let of = |total| [counted("1", "BOLT", total)];
    assert_eq!(hear(&mut road, 1, &of("5")), (vec![], bolts("5")));
    assert_eq!(change(&mut road, 2, "12"), ["inbound.changed"]);
    assert_eq!(hear(&mut road, 2, &of("7")), (vec!["inbound.changed"], bolts("7")));
    assert_eq!(change(&mut road, 2, "12"), ["inbound.changed"], "it is asked once");
    assert_eq!(hear(&mut road, 3, &of("8")), (vec!["inbound.changed"], bolts("8")));
    assert_eq!(change(&mut road, 3, "10"), Vec::<&str>::new(), "the change was undone");
    assert_eq!(hear(&mut road, 4, &of("10")), (vec![], bolts("10")));
    assert_eq!(change(&mut road, 4, "12"), ["inbound.changed"], "made again, it is asked again");
}

/// What Dynamics does not show has no version: only the question that is open tells a second time from the same one.
#[test]
fn an_announcement_that_is_taken_back_again_after_receiving_began_is_asked_again() {
    let mut road = announced_road();
    let wants = |road: &mut Road, released| {
        road.world.released = released;
        road.deliver(&announced());
        road.come_to_rest();
        road.ending().exceptions.into_iter().collect::<Vec<_>>()
    };
    assert_eq!(hear(&mut road, 1, &[counted("1", "BOLT", "5")]), (vec![], bolts("5")));
    road.world.orders[0].picked = true;
    let asked = wants(&mut road, None);
    assert_eq!(asked, ["inbound.cancelled_too_late"]);
    assert_eq!(wants(&mut road, None), asked, "it is asked once");
    assert_eq!(wants(&mut road, Some(expected())), Vec::<&str>::new(), "it is there again");
    assert_eq!(wants(&mut road, None), asked, "taken back again, it is asked again");
}

#[test]
fn the_rest_that_comes_ends_the_question_for_it() {
    let mut road = announced_road();
    let mut complete = |sequence: u64, total: &str| {
        let more = json!({ "sequence": sequence, "state": "COMPLETE", "isFinal": true });
        road.deliver(&reported(RECEIPT, 0, &[counted("1", "BOLT", total), counted("2", "NUT", "4")], &more));
        road.come_to_rest();
        road.ending().exceptions
    };
    assert_eq!(complete(1, "7").into_iter().collect::<Vec<_>>(), ["receipt.short"]);
    assert_eq!(complete(2, "8").into_iter().collect::<Vec<_>>(), ["receipt.short"]);
    assert!(complete(3, "10").is_empty());
}

/// Whatever the order of the reports: the last totals are posted, and one question is left, about what only one spoke of.
#[test]
fn questions_end_alike_in_every_order() {
    let more = |sequence: u64, total: &str| numbered(sequence, &[counted("1", "BOLT", total)]);
    let events = vec![
        announced(),
        numbered(1, &[counted("1", "BOLT", "5"), counted("", "GIZMO", "3")]),
        more(2, "13"),
        more(3, "8"),
        numbered(4, &[counted("1", "BOLT", "9"), counted("2", "NUT", "4")]),
    ];
    let start = Road::new(World::new(Some(expected())));
    let sums = |ending: super::lanes::Ending| super::lanes::Ending {
        shipped: BTreeMap::new(),
        remaining: BTreeMap::new(),
        ..ending
    };
    let ending = Story { start, events }.ends_alike_but_for(sums);
    let posted: Vec<_> = ending.pieces.iter().map(|(piece, sum)| (piece.as_str(), *sum)).collect();
    assert_eq!(posted, [("1 -", decimal("9")), ("2 -", decimal("4"))]);
    assert_eq!(ending.exceptions.into_iter().collect::<Vec<_>>(), ["receipt.item_unexpected"]);
}
