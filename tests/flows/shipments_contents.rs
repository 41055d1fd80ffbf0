//! What was shipped, assigned to what was ordered: quantities, units, lots and serials.

use drayline::flows::{Call, Decision, Ledger};
use drayline::gateways::{ReleasedOrder, UpdateLine};
use drayline::message::{Envelope, Kind, Unit};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::scene::{
    call, content, created, decide_shipment, decimal, failed, from_north, happened, line, reference, released,
    shipment_look,
};

/// One shipment of loose contents.
fn loose(key: &str, contents: &[Value]) -> Envelope {
    from_north(Kind::ShipmentConfirmed, &reference(1), json!({ "shipmentKey": key, "unpackedLines": contents }))
}

fn lines(decision: &Decision) -> &[UpdateLine] {
    match &call(decision).call {
        Call::PostShipment(update) => &update.lines,
        other => panic!("{other:?}"),
    }
}

fn quantities(decision: &Decision) -> Vec<(&str, Decimal, Decimal)> {
    lines(decision).iter().map(|line| (line.line_id.as_str(), line.moved, line.remaining)).collect()
}

fn lots(decision: &Decision) -> Vec<(&str, Option<&str>, Decimal)> {
    let of_line = |line: &'_ UpdateLine| -> Vec<_> { line.dimensions.iter().map(|each| each.quantity).collect() };
    assert!(
        lines(decision)
            .iter()
            .all(|line| line.dimensions.is_empty() || of_line(line).iter().sum::<Decimal>() == line.moved)
    );
    let lines = lines(decision).iter();
    lines
        .flat_map(|line| line.dimensions.iter().map(|each| (line.line_id.as_str(), each.lot.as_deref(), each.quantity)))
        .collect()
}

fn ship(ledger: &Ledger, contents: &[Value]) -> Decision {
    decide_shipment(&loose("S9", contents), &shipment_look(), ledger)
}

fn with(members: &Value, mut content: Value) -> Value {
    for (name, value) in members.as_object().unwrap() {
        content[name] = value.clone();
    }
    content
}

fn ordered(lines: Vec<drayline::gateways::ReleasedLine>) -> Ledger {
    created(&[ReleasedOrder { lines, ..released() }])
}

#[test]
fn several_packages_add_up_per_line() {
    let ledger = created(&[released()]);
    let decision = ship(&ledger, &[content("1", "BOLT", "4"), content("2", "NUT", "1"), content("1", "BOLT", "5")]);
    assert_eq!(quantities(&decision), [("1", decimal("9"), decimal("1")), ("2", decimal("1"), decimal("3"))]);
}

#[test]
fn shipments_add_up_over_the_order() {
    let mut ledger = created(&[released()]);
    let first = decide_shipment(&loose("S1", &[content("1", "BOLT", "6")]), &shipment_look(), &ledger);
    ledger.add(happened(call(&first), &json!({})));
    assert_eq!(quantities(&ship(&ledger, &[content("1", "BOLT", "4")])), [("1", decimal("4"), decimal("0"))]);
    assert_eq!(failed(&ship(&ledger, &[content("1", "BOLT", "5")])), "shipment.exceeds_order");
}

#[test]
fn without_a_line_the_lines_of_the_item_are_filled_in_order() {
    let ledger = ordered(vec![line("1", "BOLT", "3"), line("2", "NUT", "4"), line("3", "BOLT", "5")]);
    let decision = ship(&ledger, &[content("", "BOLT", "4")]);
    assert_eq!(quantities(&decision), [("1", decimal("3"), decimal("0")), ("3", decimal("1"), decimal("4"))]);
}

#[test]
fn the_line_that_demands_the_lot_comes_first() {
    let mut demanding = line("2", "BOLT", "5");
    demanding.lot = Some("L2".to_owned());
    let ledger = ordered(vec![line("1", "BOLT", "5"), demanding]);
    let lot = |number: &str, quantity: &str| json!({ "number": number, "quantity": quantity });
    let shipped = with(&json!({ "lots": [lot("L1", "2"), lot("L2", "4")] }), content("", "BOLT", "6"));
    let decision = ship(&ledger, &[shipped]);
    assert_eq!(lots(&decision), [("1", Some("L1"), decimal("2")), ("2", Some("L2"), decimal("4"))]);
}

#[test]
fn a_line_without_room_passes_on_and_tolerance_comes_last() {
    let mut tolerant = line("1", "BOLT", "10");
    tolerant.over_percent = Some(decimal("10"));
    let ledger = ordered(vec![tolerant, line("2", "BOLT", "5")]);
    let decision = ship(&ledger, &[content("", "BOLT", "16")]);
    assert_eq!(quantities(&decision), [("1", decimal("11"), decimal("0")), ("2", decimal("5"), decimal("0"))]);
    assert_eq!(failed(&ship(&ledger, &[content("", "BOLT", "16.5")])), "shipment.exceeds_order");
}

#[test]
fn what_nobody_ordered_is_a_persons() {
    let ledger = created(&[released()]);
    for strange in [content("9", "BOLT", "1"), content("", "TAPE", "1"), content("1", "NUT", "1")] {
        assert_eq!(failed(&ship(&ledger, &[strange])), "shipment.line_unknown");
    }
}

#[test]
fn another_unit_is_a_persons_unless_the_warehouse_says_both() {
    let ledger = created(&[released()]);
    let boxes = with(&json!({ "quantity": { "value": "1", "unit": "box" } }), content("1", "BOLT", "1"));
    assert_eq!(failed(&ship(&ledger, &[boxes])), "shipment.unit_differs");
    let both = json!({ "value": "1", "unit": "box", "baseValue": "10", "baseUnit": "EA" });
    let both = with(&json!({ "quantity": both }), content("1", "BOLT", "1"));
    assert_eq!(quantities(&ship(&ledger, &[both]))[0].1, decimal("10"));
    let silent = with(&json!({ "quantity": { "value": "10" } }), content("1", "BOLT", "1"));
    assert_eq!(quantities(&ship(&ledger, &[silent]))[0].1, decimal("10"));
    let mut second = line("2", "BOLT", "4");
    second.unit = Unit::new("box").unwrap();
    let mixed = ordered(vec![line("1", "BOLT", "10"), second]);
    assert_eq!(failed(&ship(&mixed, &[content("", "BOLT", "1")])), "shipment.unit_differs");
}

#[test]
fn lots_and_serials_make_up_what_was_shipped_or_are_a_persons() {
    let ledger = created(&[released()]);
    let take = |members: Value| ship(&ledger, &[with(&members, content("2", "NUT", "2"))]);
    let sound = [
        json!({ "lots": [{ "number": "L1" }] }),
        json!({ "lots": [{ "number": "L1", "quantity": "2.0" }] }),
        json!({ "lots": [{ "number": "L1", "quantity": "1" }, { "number": "L2", "quantity": "1" }] }),
        json!({ "serials": ["A", "B"] }),
        json!({ "serials": ["A", "B"], "lots": [{ "number": "L1" }] }),
    ];
    for members in sound {
        let decision = take(members);
        assert_eq!(lots(&decision).iter().map(|(.., quantity)| quantity).sum::<Decimal>(), decimal("2"));
    }
    let unsound = [
        json!({ "lots": [{ "number": "L1", "quantity": "1" }] }),
        json!({ "lots": [{ "number": "L1" }, { "number": "L2" }] }),
        json!({ "lots": [{ "number": "L1", "quantity": "1" }, { "number": "L2", "quantity": "2" }] }),
        json!({ "serials": ["A"] }),
        json!({ "serials": ["A", "A"] }),
        json!({ "serials": ["A", "B"], "lots": [{ "number": "L1", "quantity": "1" }, { "number": "L2", "quantity": "1" }] }),
    ];
    for members in unsound {
        assert_eq!(failed(&take(members)), "shipment.tracking_differs");
    }
}

#[test]
fn contents_with_and_without_a_lot_on_one_line_still_add_up() {
    let ledger = created(&[released()]);
    let tracked = with(&json!({ "lots": [{ "number": "L1" }] }), content("1", "BOLT", "3"));
    let decision = ship(&ledger, &[tracked, content("1", "BOLT", "2")]);
    assert_eq!(lots(&decision), [("1", Some("L1"), decimal("3")), ("1", None, decimal("2"))]);
}

#[test]
fn what_is_taken_back_is_a_persons() {
    assert_eq!(failed(&ship(&created(&[released()]), &[content("1", "BOLT", "-1")])), "shipment.differs");
}
