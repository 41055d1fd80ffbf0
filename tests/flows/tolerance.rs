//! What lines that do not say their tolerance tolerate: as much as Dynamics says of their items.

use drayline::flows::{Call, Decision, Ledger, Look, plan};
use drayline::gateways::{ReleasedLine, ReleasedOrder};
use drayline::mapping::{Fact, ItemFacts, Mapping, Tolerance};
use drayline::message::{ASKS_FOR_THE_REST, Kind};
use rust_decimal::Decimal;
use serde_json::json;

use super::expected::{RECEIPT, announcements, counted, expected, numbered, receipt_look, reported};
use super::receipts::question;
use super::scene::{
    call, decimal, done, failed, from_dynamics, from_north, happened, line, order_look, reference, released,
    shipment_look,
};
use crate::mapping::catalogue::{facts, knowing};

/// BOLT is sold with 10 % more, and bought with 20 % more or less.
fn known() -> Mapping {
    let percent = |percent: &str| Some(decimal(percent));
    let tolerance = Tolerance {
        sales_over: percent("10"),
        sales_under: None,
        purchase_over: percent("20"),
        purchase_under: percent("20"),
    };
    knowing(&[], vec![Fact::Item(ItemFacts { tolerance, ..facts("BOLT", "ea", "ea") })])
}

/// 10 BOLT that are more or less than that by as much as the line says, if it says anything.
fn bolts(said: Option<Decimal>) -> ReleasedLine {
    ReleasedLine { over_percent: said, under_percent: said, ..line("1", "BOLT", "10") }
}

/// So many of an order of 10 are shipped.
fn shipped(said: Option<Decimal>, quantity: &str) -> Decision {
    let released = ReleasedOrder { lines: vec![bolts(said)], ..released() };
    let mut ledger = Ledger::default();
    let look = Look::Order(order_look(Some(released)));
    let created = plan(&from_dynamics(Kind::OrderReleased), &look, &known(), &ledger);
    ledger.add(happened(call(&created), &json!({ "order_id": "N-1" })));
    let content = json!({
        "line": { "orderLineId": "1" }, "item": { "sku": "BOLT" }, "quantity": { "value": quantity, "unit": "ea" },
    });
    let body = json!({ "shipmentKey": "S1", "packages": [{ "packageKey": "P1", "contents": [content] }] });
    let message = from_north(Kind::ShipmentConfirmed, &reference(1), body);
    plan(&message, &Look::Shipment(shipment_look()), &known(), &ledger)
}

#[test]
fn a_shipment_within_what_the_item_tolerates_is_posted_and_one_beyond_it_is_an_exception() {
    let Call::PostShipment(update) = &call(&shipped(None, "11")).call.clone() else { panic!("no update") };
    assert_eq!(update.lines[0].moved, decimal("11"));
    assert_eq!(failed(&shipped(None, "11.5")), "shipment.exceeds_order");
    // What the line says goes before, also when it says that nothing more is taken.
    assert_eq!(failed(&shipped(Some(Decimal::ZERO), "11")), "shipment.exceeds_order");
    assert!(matches!(call(&shipped(Some(decimal("20")), "12")).call, Call::PostShipment(_)));
}

/// What is posted of a receipt of an announcement of 10, and the ledger then.
fn posted(said: Option<Decimal>, report: &drayline::message::Envelope) -> (Decimal, Look, Ledger) {
    let wanted = ReleasedOrder { lines: vec![bolts(said)], ..expected() };
    let mut ledger = announcements(std::slice::from_ref(&wanted));
    let look = Look::Receipt(receipt_look(Some(wanted)));
    let decision = plan(report, &look, &known(), &ledger);
    let planned = call(&decision);
    let Call::PostShipment(update) = &planned.call else { panic!("{planned:?}") };
    ledger.add(happened(planned, &json!({})));
    (update.lines[0].moved, look, ledger)
}

#[test]
fn a_receipt_within_what_the_item_tolerates_is_posted_and_what_is_beyond_it_is_an_exception() {
    let report = |quantity: &str| numbered(1, &[counted("1", "BOLT", quantity)]);
    let (moved, look, ledger) = posted(None, &report("12"));
    assert_eq!(moved, decimal("12"));
    let decision = plan(&report("12"), &look, &known(), &ledger);
    assert!(done(&decision).emits.iter().all(|emit| emit.purpose == "posting"), "nobody is asked: {decision:?}");

    let (moved, look, ledger) = posted(None, &report("13"));
    assert_eq!(moved, decimal("12"));
    let asked = question(&report("13"), &plan(&report("13"), &look, &known(), &ledger));
    assert_eq!(failed(&plan(&asked, &look, &known(), &ledger)), "receipt.exceeds_order");
    // What the line says goes before.
    assert_eq!(posted(Some(Decimal::ZERO), &report("12")).0, decimal("10"));
}

#[test]
fn nobody_is_asked_for_the_rest_that_the_item_tolerates() {
    let complete = |quantity: &str| {
        let more = json!({ "sequence": 1, "state": "COMPLETE", "isFinal": true });
        reported(RECEIPT, 0, &[counted("1", "BOLT", quantity)], &more)
    };
    let asked = |said: Option<Decimal>, quantity: &str| {
        let (_, look, ledger) = posted(said, &complete(quantity));
        let decision = plan(&complete(quantity), &look, &known(), &ledger);
        done(&decision).emits.iter().any(|emit| emit.purpose == ASKS_FOR_THE_REST)
    };
    assert!(!asked(None, "8") && asked(None, "7"));
    assert!(asked(Some(Decimal::ZERO), "9"), "what the line says goes before");
}
