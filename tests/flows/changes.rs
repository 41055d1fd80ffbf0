//! Changes that a warehouse takes itself: which fields, until when, and what becomes of those that it does not take.

use std::sync::Arc;

use drayline::config::{CHANGEABLE, ChangedUntil, Changes, FieldLimits, Limits};
use drayline::flows::{Acted, Call, Decision, Ledger, Look, Lookup, OrderLook};
use drayline::gateways::{ReleasedLine, ReleasedOrder};
use drayline::message::{Kind, OrderStatusCode, Serial, Sku};
use serde_json::json;

use super::convergence::Story;
use super::lanes::Road;
use super::scene::{
    address, at, call, created, decide_order, decide_shipment, done, failed, from_dynamics, from_north, happened, line,
    order_look, reference, released, remember, run, shipment_look, shipped,
};
use super::world::World;

fn changes(fields: &[&str]) -> Changes {
    Changes { fields: fields.iter().map(|field| (*field).to_owned()).collect(), ..Changes::default() }
}

fn look(wanted: ReleasedOrder, changes: Changes) -> OrderLook {
    OrderLook { changes: Arc::new(changes), ..order_look(Some(wanted)) }
}

/// What is done about a document that Dynamics changed after the warehouse had it.
fn decided(wanted: ReleasedOrder, changes: Changes, ledger: &Ledger) -> Decision {
    decide_order(&from_dynamics(Kind::OrderChanged), &look(wanted, changes), ledger)
}

fn moved_to(street: &str) -> ReleasedOrder {
    ReleasedOrder { version: 2, recipient: address(street), ..released() }
}

/// The document with one thing changed, for each thing that can be declared.
fn changed(field: &str) -> ReleasedOrder {
    let text = || Some("other".to_owned());
    let at = Some("2026-11-30T17:00:00Z".parse().unwrap());
    let first = |change: fn(&mut ReleasedLine)| {
        let mut lines = released().lines;
        change(&mut lines[0]);
        ReleasedOrder { lines, ..released() }
    };
    match field {
        "recipient" => moved_to("Side Street 9"),
        "purchaseOrder" => ReleasedOrder { purchase_order: text(), ..released() },
        "deliveryMode" => ReleasedOrder { delivery_mode: text(), ..released() },
        "carrier" => ReleasedOrder { carrier: text(), ..released() },
        "service" => ReleasedOrder { service: text(), ..released() },
        "shipBy" => ReleasedOrder { ship_by: at, ..released() },
        "deliverBy" => ReleasedOrder { deliver_by: at, ..released() },
        "lines" => ReleasedOrder { lines: vec![line("1", "BOLT", "10"), line("3", "WASHER", "1")], ..released() },
        "lines.quantity" => first(|line| line.quantity = "12".parse().unwrap()),
        "lines.lot" => first(|line| line.lot = Some("L-7".to_owned())),
        "lines.serial" => first(|line| line.serial = Some(Serial::new("SN-7").unwrap())),
        other => panic!("nobody says how {other} changes"),
    }
}

#[test]
fn each_field_is_changed_there_where_its_connection_declares_just_this() {
    for field in CHANGEABLE {
        let decision = decided(changed(field), changes(&[field]), &created(&[released()]));
        let planned = call(&decision);
        let Call::ChangeOrder { order_id, number, order } = &planned.call else { panic!("{field}: {planned:?}") };
        assert_eq!((order_id.as_str(), *number, &order.reference), ("N-1", 1, &reference(1)), "{field}");
        assert_eq!(planned.key, "change_order/north/usmf-SHP0012-W1/1");
        let others: Vec<_> = CHANGEABLE.into_iter().filter(|other| *other != field).collect();
        let decision = decided(changed(field), changes(&others), &created(&[released()]));
        assert_eq!(call(&decision).key, "cancel_order/north/usmf-SHP0012-W1", "{field}");
    }
}

#[test]
fn another_item_in_a_line_is_another_line_and_another_facility_another_order() {
    let other_item = ReleasedLine { sku: Sku::new("SCREW").unwrap(), ..line("1", "SCREW", "10") };
    let wanted = ReleasedOrder { lines: vec![other_item, line("2", "NUT", "4")], ..released() };
    let quantity = decided(wanted.clone(), changes(&["lines.quantity"]), &created(&[released()]));
    assert_eq!(call(&quantity).act, "cancel_order");
    assert_eq!(call(&decided(wanted, changes(&["lines"]), &created(&[released()]))).act, "change_order");
    let mut elsewhere = look(released(), changes(&CHANGEABLE));
    elsewhere.warehouse = elsewhere.warehouse.map(|(warehouse, _)| (warehouse, "NORTH-2".to_owned()));
    let decision = decide_order(&from_dynamics(Kind::OrderChanged), &elsewhere, &created(&[released()]));
    assert_eq!(call(&decision).act, "cancel_order");
}

/// The ledger after the warehouse told how far it is.
fn told(status: &str) -> Ledger {
    let mut ledger = created(&[released()]);
    let message = from_north(
        Kind::OrderStatusChanged,
        &reference(1),
        json!({ "status": status, "changedAt": at(20).to_string() }),
    );
    let seen = decide_order(&message, &order_look(Some(released())), &ledger);
    remember(&mut ledger, &seen);
    ledger
}

#[test]
fn nothing_is_changed_there_from_the_declared_status_on() {
    for (until, last, first_too_late) in [
        (ChangedUntil::Processing, "RECEIVED", "PROCESSING"),
        (ChangedUntil::Picking, "PROCESSING", "PICKING"),
        (ChangedUntil::Packed, "PICKING", "PACKED"),
        (ChangedUntil::Labelled, "PACKED", "LABELLED"),
        (ChangedUntil::Shipped, "LABELLED", "SHIPPED"),
    ] {
        let declared = Changes { until, ..changes(&["recipient"]) };
        let early = decided(moved_to("Side Street 9"), declared.clone(), &told(last));
        assert_eq!(call(&early).act, "change_order", "{until:?} {last}");
        let late = decided(moved_to("Side Street 9"), declared, &told(first_too_late));
        assert_eq!(call(&late).act, "cancel_order", "{until:?} {first_too_late}");
    }
}

#[test]
fn a_no_is_followed_by_a_cancellation_and_is_not_asked_for_again() {
    let mut ledger = created(&[released()]);
    let declared = || changes(&["recipient", "lines.quantity"]);
    let look = Look::Order(look(moved_to("Side Street 9"), declared()));
    let mut acts = Vec::new();
    let ended = run(&from_dynamics(Kind::OrderChanged), &look, &mut ledger, |planned| {
        acts.push(planned.act);
        Acted::Happened(json!({ "outcome": "REJECTED", "text": "It is packed." }))
    });
    assert_eq!(acts, ["change_order", "cancel_order"]);
    assert_eq!(failed(&ended), "order.changed");
    let Decision::Fail(failure) = &ended else { unreachable!() };
    assert!(failure.sentence.contains("(the recipient)"), "{}", failure.sentence);
    // Whatever Dynamics comes to want next is settled by people, or by undoing it.
    assert_eq!(failed(&decided(changed("lines.quantity"), declared(), &ledger)), "order.changed");
    assert!(matches!(decided(released(), declared(), &ledger), Decision::Done(_)));
}

#[test]
fn there_and_back_again_are_two_changes_and_the_order_keeps_its_reference() {
    let mut ledger = created(&[released()]);
    for (number, wanted) in [(1, moved_to("Side Street 9")), (2, released()), (3, moved_to("Side Street 9"))] {
        let decision = decided(wanted.clone(), changes(&["recipient"]), &ledger);
        let planned = call(&decision);
        assert_eq!(planned.key, format!("change_order/north/usmf-SHP0012-W1/{number}"));
        let sought = Lookup::Change { reference: reference(1).to_string(), number };
        assert_eq!(planned.call.lookup(), sought);
        ledger.add(happened(planned, &json!({ "outcome": "CONFIRMED", "text": "" })));
        let again = decided(wanted, changes(&["recipient"]), &ledger);
        let (as_before, since) = ("Holds the order as usmf-SHP0012-W1", format!("(change {number})"));
        let step = &done(&again).steps[0].1;
        assert!(step.starts_with(as_before) && step.contains(&since), "{step}");
    }
}

#[test]
fn what_ships_afterwards_is_held_to_the_changed_order() {
    let mut ledger = created(&[released()]);
    let whole = || shipped("S1", &reference(1), &[("1", "BOLT", "12"), ("2", "NUT", "4")]);
    let before = decide_shipment(&whole(), &shipment_look(), &ledger);
    assert_eq!(failed(&before), "shipment.exceeds_order");
    let decision = decided(changed("lines.quantity"), changes(&["lines.quantity"]), &ledger);
    ledger.add(happened(call(&decision), &json!({ "outcome": "CONFIRMED", "text": "" })));
    let posted = decide_shipment(&whole(), &shipment_look(), &ledger);
    let Call::PostShipment(update) = &call(&posted).call else { panic!("{posted:?}") };
    assert_eq!(update.lines[0].ordered, "12".parse().unwrap());
}

#[test]
fn what_has_begun_to_ship_is_not_changed_any_more() {
    let mut ledger = created(&[released()]);
    let shipment = shipped("S1", &reference(1), &[("1", "BOLT", "6")]);
    let posted = decide_shipment(&shipment, &shipment_look(), &ledger);
    ledger.add(happened(call(&posted), &json!({})));
    let declared = Changes { until: ChangedUntil::Shipped, ..changes(&["recipient"]) };
    assert_eq!(failed(&decided(moved_to("Side Street 9"), declared, &ledger)), "order.changed");
}

/// What could not be sent anew must not cost the order that the warehouse has.
#[test]
fn a_change_that_the_warehouse_would_not_take_is_told_before_anything_is_called() {
    let limits = FieldLimits { characters_max: [("recipient.line1".to_owned(), 13)].into(), ..FieldLimits::default() };
    let limits = Arc::new(Limits { orders: limits, ..Limits::default() });
    let look = OrderLook { limits, ..look(moved_to("A much longer street 9"), changes(&["recipient"])) };
    let decision = decide_order(&from_dynamics(Kind::OrderChanged), &look, &created(&[released()]));
    let Decision::Fail(failure) = &decision else { panic!("{decision:?}") };
    assert_eq!(failure.code.as_str(), "order.outside_limits");
    let says = "The change of the order usmf-SHP0012-W1 is not sent to north: recipient.line1 has 22 characters";
    assert!(failure.sentence.starts_with(says), "{}", failure.sentence);
}

/// The far end's own picture counts where it is looked at: `held` is read when something is in doubt.
#[test]
fn what_the_warehouse_shows_counts_as_well_as_what_it_told() {
    let held = super::scene::held(&reference(1), &released(), OrderStatusCode::Packed);
    let look = OrderLook { held: Some(held), ..look(moved_to("Side Street 9"), changes(&["recipient"])) };
    let decision = decide_order(&from_dynamics(Kind::OrderChanged), &look, &created(&[released()]));
    assert_eq!(call(&decision).act, "cancel_order");
}

#[test]
fn a_changed_order_ends_alike_in_whatever_order_it_is_told() {
    let mut start = Road::new(World::new(Some(released())));
    start.world.changes = changes(&["recipient", "lines.quantity"]);
    start.deliver(&from_dynamics(Kind::OrderReleased));
    start.world.released = Some(ReleasedOrder { recipient: address("Side Street 9"), ..changed("lines.quantity") });
    let accepted = || from_north(Kind::OrderAccepted, &reference(1), json!({}));
    let events = vec![
        from_dynamics(Kind::OrderChanged),
        from_dynamics(Kind::OrderReleased),
        accepted(),
        shipped("S1", &reference(1), &[("1", "BOLT", "6")]),
    ];
    // What ships before the change is told makes the change a person's: so it is told first, in whatever order the rest comes.
    start.deliver(&events[0]);
    let ending = Story { start, events }.ends_alike();
    assert_eq!(ending.live.len(), 1);
    assert_eq!(ending.live[0][0].2, "12".parse().unwrap());
    assert!(ending.exceptions.is_empty(), "{:?}", ending.exceptions);
}

/// The change itself is told in any order, and its answer is lost at any call.
#[test]
fn a_change_whose_answer_is_lost_is_made_once() {
    let mut start = Road::new(World::new(Some(released())));
    start.world.changes = changes(&["recipient"]);
    start.deliver(&from_dynamics(Kind::OrderReleased));
    start.world.released = Some(moved_to("Side Street 9"));
    let events = vec![
        from_dynamics(Kind::OrderChanged),
        from_dynamics(Kind::OrderReleased),
        from_north(Kind::OrderAccepted, &reference(1), json!({})),
    ];
    let ending = Story { start: start.clone(), events: events.clone() }.ends_alike();
    assert!(ending.exceptions.is_empty(), "{:?}", ending.exceptions);
    for crash in 0..4 {
        let mut road = start.clone();
        road.calls_until_crash = Some(crash);
        for event in &events {
            road.deliver(event);
        }
        road.come_to_rest();
        assert_eq!(road.world.orders[0].change, 1, "a crash at call {crash}");
        assert_eq!(road.world.orders[0].order.recipient, address("Side Street 9"));
    }
}
