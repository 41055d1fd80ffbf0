//! Lots and serials of items that Dynamics tells apart: named before an order leaves where the warehouse does not choose
//! them, and on everything that goes out or comes in.

use drayline::failure::Failure;
use drayline::flows::{Call, Decision, Ledger, Look, OrderLook, plan};
use drayline::gateways::{Demands, ReleasedLine, ReleasedOrder};
use drayline::mapping::Mapping;
use drayline::message::Kind;
use serde_json::{Value, json};

use super::expected::{announcements, counted, expected, in_lots, numbered, receipt_look};
use super::receipts::question;
use super::scene::{call, from_dynamics, from_north, happened, line, order_look, reference, released, shipment_look};
use super::stock_adjustments;
use crate::mapping::catalogue::{knowing, tracked};

/// BOLT is held in lots, NUT piece by piece, PIN not at all.
fn known() -> Mapping {
    knowing(&[], vec![tracked("BOLT", true, false), tracked("NUT", false, true), tracked("PIN", false, false)])
}

fn order(demands: Demands, lines: &[ReleasedLine], mapping: &Mapping) -> Decision {
    let released = ReleasedOrder { lines: lines.to_vec(), ..released() };
    let look = Look::Order(OrderLook { demands, ..order_look(Some(released)) });
    plan(&from_dynamics(Kind::OrderReleased), &look, mapping, &Ledger::default())
}

fn failure(decision: &Decision) -> &Failure {
    match decision {
        Decision::Fail(failure) => failure,
        other => panic!("no failure: {other:?}"),
    }
}

#[test]
fn an_order_that_lacks_what_the_warehouse_does_not_choose_stays_and_says_which_lines() {
    let lines = [line("1", "BOLT", "10"), line("2", "NUT", "1"), line("3", "PIN", "4")];
    let both = Demands { lots: true, serials: true };
    let decision = order(both, &lines, &known());
    let told = failure(&decision);
    assert_eq!(told.code.as_str(), "order.tracking_missing");
    for words in ["usmf-SHP0012-W1 is not sent to north", "line 1 (BOLT) names no lot", "line 2 (NUT) names no serial"]
    {
        assert!(told.sentence.contains(words), "{}", told.sentence);
    }
    assert!(!told.sentence.contains("PIN"), "{}", told.sentence);

    let lots = Demands { lots: true, serials: false };
    let named = ReleasedLine { lot: Some("L-1".to_owned()), ..lines[0].clone() };
    let decision = order(lots, &[named, lines[1].clone()], &known());
    let Call::CreateOrder(sent) = &call(&decision).call else { panic!("{decision:?}") };
    assert_eq!(sent.lines[0].lot.as_deref(), Some("L-1"));
    let decision = order(Demands::default(), &lines, &known());
    assert!(matches!(call(&decision).call, Call::CreateOrder(_)), "it picks them itself: {decision:?}");
}

#[test]
fn an_adjustment_names_what_dynamics_tells_apart() {
    let look = stock_adjustments::look();
    let decided =
        |more: &Value| plan(&stock_adjustments::delta("A-1", "-2", more), &look, &known(), &Ledger::default());
    let sku = |sku: &str| json!({ "sku": sku });
    let decision = decided(&json!({ "item": sku("BOLT") }));
    assert_eq!(failure(&decision).code.as_str(), "adjustment.unclear");
    assert!(
        failure(&decision).sentence.contains("names no lot, and Dynamics tells the item BOLT apart"),
        "{decision:?}"
    );
    let pieces = decided(&json!({ "item": sku("NUT") }));
    assert!(failure(&pieces).sentence.contains("names no serial"), "{pieces:?}");
    for whole in [
        json!({ "item": sku("BOLT"), "lot": { "number": "L-1" } }),
        json!({ "item": sku("NUT"), "serials": ["S-1", "S-2"] }),
        json!({ "item": sku("PIN") }),
    ] {
        assert!(matches!(call(&decided(&whole)).call, Call::AdjustStock(_)), "{whole}");
    }
}

#[test]
fn what_is_not_known_is_not_sent_where_it_must_be_known() {
    let lots = Demands { lots: true, serials: false };
    for mapping in [Mapping::default(), known()] {
        let decision = order(lots, &[line("1", "SCREW", "1")], &mapping);
        assert_eq!(failure(&decision).code.as_str(), "mapping.item_unknown");
        assert!(failure(&decision).sentence.contains("SCREW"));
    }
}

fn shipped(contents: &[Value], mapping: &Mapping) -> Decision {
    let mut ledger = Ledger::default();
    let look = Look::Order(order_look(Some(released())));
    let created = plan(&from_dynamics(Kind::OrderReleased), &look, &Mapping::default(), &ledger);
    ledger.add(happened(call(&created), &json!({ "order_id": "N-1" })));
    let body = json!({ "shipmentKey": "S1", "packages": [{ "packageKey": "P1", "contents": contents }] });
    let message = from_north(Kind::ShipmentConfirmed, &reference(1), body);
    plan(&message, &Look::Shipment(shipment_look()), mapping, &ledger)
}

fn content(line: &str, sku: &str, quantity: &str, more: &Value) -> Value {
    let quantity = json!({ "value": quantity, "unit": "ea" });
    let mut content = json!({ "line": { "orderLineId": line }, "item": { "sku": sku }, "quantity": quantity });
    content.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    content
}

#[test]
fn what_shipped_without_its_lot_or_serial_is_not_posted() {
    let decision = shipped(&[content("1", "BOLT", "10", &json!({}))], &known());
    assert_eq!(failure(&decision).code.as_str(), "shipment.tracking_differs");
    assert!(failure(&decision).sentence.contains("10 ea of line 1 (BOLT) name no lot"), "{decision:?}");
    let decision = shipped(&[content("2", "NUT", "1", &json!({ "lots": [{ "number": "L-1" }] }))], &known());
    assert!(failure(&decision).sentence.contains("line 2 (NUT) name no serial"), "{decision:?}");

    let told = [
        content("1", "BOLT", "10", &json!({ "lots": [{ "number": "L-1" }] })),
        content("2", "NUT", "1", &json!({ "serials": ["S-1"] })),
    ];
    assert!(matches!(call(&shipped(&told, &known())).call, Call::PostShipment(_)));
    let untold = [content("1", "BOLT", "10", &json!({}))];
    assert!(matches!(call(&shipped(&untold, &Mapping::default())).call, Call::PostShipment(_)), "nothing is known");
}

#[test]
fn what_came_in_without_its_lot_is_not_posted() {
    let ledger = announcements(&[expected()]);
    let look = Look::Receipt(receipt_look(Some(expected())));
    let report = numbered(1, &[counted("1", "BOLT", "10")]);
    let asked = question(&report, &plan(&report, &look, &known(), &ledger));
    let decision = plan(&asked, &look, &known(), &ledger);
    assert_eq!(failure(&decision).code.as_str(), "receipt.tracking_differs");
    assert!(failure(&decision).sentence.contains("10 ea of line 1 (BOLT) name no lot"), "{decision:?}");
    let lots = in_lots("1", "BOLT", "10", &[("L-1", "6"), ("L-2", "4")]);
    let decision = plan(&numbered(1, &[lots]), &look, &known(), &ledger);
    assert!(matches!(call(&decision).call, Call::PostShipment(_)), "{decision:?}");
}
