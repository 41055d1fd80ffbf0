//! What becomes of the warehouse's answers: one test per ending.

use drayline::flows::{Acted, Call, Decision, Ledger, Look, Repeat};
use drayline::gateways::{ReleasedOrder, RequestVerdict};
use drayline::message::{Envelope, Kind, OrderStatusCode, OrderingKey};
use serde_json::{Value, json};

use super::scene::{
    address, at, call, created, decide_order, done, failed, from_dynamics, from_north, held, line, not_ours,
    order_look, reference, released, remember, run, shipment_look, shipped, waits,
};

fn accepted(revision: u16) -> Envelope {
    from_north(Kind::OrderAccepted, &reference(revision), json!({}))
}

fn rejected(revision: u16) -> Envelope {
    from_north(
        Kind::OrderRejected,
        &reference(revision),
        json!({ "reason": { "code": "UNKNOWN_SKU", "text": "no NUT here" } }),
    )
}

fn status(code: &str, more: Value) -> Envelope {
    let mut body = more;
    body["status"] = json!(code);
    from_north(Kind::OrderStatusChanged, &reference(1), body)
}

fn resolved(revision: u16, outcome: &str) -> Envelope {
    from_north(Kind::OrderCancelResolved, &reference(revision), json!({ "outcome": outcome }))
}

fn changed() -> ReleasedOrder {
    ReleasedOrder { version: 2, lines: vec![line("1", "BOLT", "10"), line("2", "NAIL", "4")], ..released() }
}

fn told(planned: &drayline::flows::Planned) -> &RequestVerdict {
    let Call::WriteStatus { verdict, .. } = &planned.call else { panic!("{planned:?}") };
    verdict
}

fn asked_to_cancel(outcome: &str) -> Ledger {
    let mut ledger = created(&[released()]);
    let look = Look::Order(order_look(Some(ReleasedOrder { cancelled: true, ..released() })));
    let answer = || Acted::Happened(json!({ "outcome": outcome }));
    run(&from_dynamics(Kind::OrderCancelled), &look, &mut ledger, |_| answer());
    ledger
}

#[test]
fn acceptance_is_written_back_once() {
    let mut ledger = created(&[released()]);
    let look = order_look(Some(released()));
    let decision = decide_order(&accepted(1), &look, &ledger);
    assert_eq!(told(call(&decision)), &RequestVerdict::Accepted("usmf-SHP0012-W1".to_owned()));
    assert_eq!(call(&decision).class, Repeat::Absorbs);
    let end = run(&accepted(1), &Look::Order(look.clone()), &mut ledger, |_| Acted::Happened(json!({})));
    remember(&mut ledger, &end);
    not_ours(&decide_order(&accepted(1), &look, &ledger));
}

#[test]
fn acceptance_is_only_recorded_where_dynamics_cannot_hold_it() {
    let ledger = created(&[released()]);
    let mut deaf = order_look(Some(released()));
    deaf.writes_back = false;
    let cancelled = order_look(Some(ReleasedOrder { cancelled: true, ..released() }));
    for look in [deaf, order_look(None), cancelled] {
        assert_eq!(done(&decide_order(&accepted(1), &look, &ledger)).facts[0].act, "accept_order");
    }
}

#[test]
fn what_the_warehouse_says_of_an_order_that_we_have_not_recorded_yet_waits_for_it() {
    for message in [accepted(1), rejected(1), status("PICKING", json!({})), resolved(1, "CONFIRMED")] {
        let decision = decide_order(&message, &order_look(None), &Ledger::default());
        let awaited = ("order/contoso/usmf-SHP0012-W1", Some(Kind::OrderReleased), "order.unknown");
        assert_eq!(waits(&decision), awaited);
    }
    let decision = decide_order(&accepted(2), &order_look(Some(released())), &created(&[released()]));
    assert_eq!(waits(&decision).0, "order/contoso/usmf-SHP0012-W1R2");
}

#[test]
fn an_order_that_nobody_can_ever_know_is_a_persons_at_once() {
    let nameless = Envelope {
        ordering_key: "alone/north/42".parse::<OrderingKey>().unwrap(),
        ..from_north(Kind::OrderAccepted, &reference(1), json!({}))
    };
    assert_eq!(failed(&decide_order(&nameless, &order_look(None), &Ledger::default())), "order.unknown");
    let stranger =
        Envelope { connection: "south".parse().unwrap(), ..from_north(Kind::OrderAccepted, &reference(1), json!({})) };
    let decision = decide_order(&stranger, &order_look(Some(released())), &created(&[released()]));
    assert_eq!(failed(&decision), "order.unknown");
}

#[test]
fn a_rejection_is_written_back_once_and_becomes_an_exception() {
    let mut ledger = created(&[released()]);
    let look = order_look(Some(released()));
    let mut calls = Vec::new();
    for _ in 0..2 {
        let end = run(&rejected(1), &Look::Order(look.clone()), &mut ledger, |planned| {
            calls.push(told(planned).clone());
            Acted::Happened(json!({}))
        });
        assert_eq!(failed(&end), "order.rejected");
    }
    assert_eq!(calls, [RequestVerdict::Rejected("no NUT here".to_owned())]);
    // Released again without anything newer: it stays rejected.
    not_ours(&decide_order(&from_dynamics(Kind::OrderReleased), &look, &ledger));
}

#[test]
fn a_rejection_is_an_exception_where_dynamics_cannot_hold_it_too() {
    let mut look = order_look(Some(released()));
    look.writes_back = false;
    assert_eq!(failed(&decide_order(&rejected(1), &look, &created(&[released()]))), "order.rejected");
}

#[test]
fn a_rejected_order_that_was_corrected_in_dynamics_is_created_anew_by_either_message() {
    let again = ReleasedOrder { version: 2, ..released() };
    for newer in [changed(), again] {
        let mut ledger = created(&[released()]);
        let look = Look::Order(order_look(Some(newer)));
        let end = run(&rejected(1), &look, &mut ledger, |planned| {
            assert_eq!(planned.key, "create_order/north/usmf-SHP0012-W1R2");
            Acted::Happened(json!({ "order_id": "N-2" }))
        });
        assert!(done(&end).documents[0].names.contains(&("reference".to_owned(), "usmf-SHP0012-W1R2".to_owned())));
        let after = run(&from_dynamics(Kind::OrderChanged), &look, &mut ledger, |planned| panic!("{planned:?}"));
        done(&after);
    }
}

#[test]
fn a_rejection_of_what_was_cancelled_in_dynamics_resolves_itself() {
    let look = order_look(Some(ReleasedOrder { cancelled: true, ..released() }));
    let decision = decide_order(&rejected(1), &look, &created(&[released()]));
    assert_eq!(done(&decision).facts[0].act, "reject_order");
}

#[test]
fn rejected_lines_are_a_persons_until_dynamics_changes_the_order() {
    let lines = json!({ "reason": "OUT_OF_STOCK", "lines": [{ "item": { "sku": "NUT" } }] });
    let message = from_north(Kind::OrderRejected, &reference(1), lines);
    let ledger = created(&[released()]);
    assert_eq!(failed(&decide_order(&message, &order_look(Some(released())), &ledger)), "order.rejected");
    done(&decide_order(&message, &order_look(Some(changed())), &ledger));
}

#[test]
fn what_is_said_of_an_older_revision_changes_nothing() {
    let ledger = created(&[released(), changed()]);
    for message in [accepted(1), rejected(1), resolved(1, "CONFIRMED")] {
        let decision = decide_order(&message, &order_look(Some(changed())), &ledger);
        assert!(done(&decision).facts.iter().all(|fact| fact.act == "cancel_resolved"), "{decision:?}");
    }
}

#[test]
fn acceptance_never_overwrites_a_rejection() {
    let mut ledger = created(&[released()]);
    let look = order_look(Some(released()));
    run(&rejected(1), &Look::Order(look.clone()), &mut ledger, |_| Acted::Happened(json!({})));
    not_ours(&decide_order(&accepted(1), &look, &ledger));
}

#[test]
fn the_end_of_a_cancellation_wakes_whoever_waits_for_it() {
    for outcome in ["CONFIRMED", "REJECTED"] {
        let ledger = asked_to_cancel("PENDING");
        let look = order_look(Some(ReleasedOrder { cancelled: true, ..released() }));
        let decision = decide_order(&resolved(1, outcome), &look, &ledger);
        assert_eq!(done(&decision).facts[0].facts["outcome"], outcome);
        assert!(done(&decision).documents.iter().any(|known| known.key == "cancel/contoso/usmf-SHP0012-W1"));
        let mut ledger = ledger;
        remember(&mut ledger, &decision);
        let woken = decide_order(&from_dynamics(Kind::OrderCancelled), &look, &ledger);
        match outcome {
            "CONFIRMED" => assert!(matches!(woken, Decision::Done(_)), "{woken:?}"),
            _ => assert_eq!(failed(&woken), "order.cancelled_too_late"),
        }
    }
}

#[test]
fn a_confirmed_cancellation_whose_cause_is_undone_creates_the_order_anew() {
    let decision = decide_order(&resolved(1, "CONFIRMED"), &order_look(Some(released())), &asked_to_cancel("PENDING"));
    assert_eq!(call(&decision).key, "create_order/north/usmf-SHP0012-W1R2");
}

#[test]
fn a_cancellation_that_nobody_asked_for_is_a_rejection() {
    let mut look = order_look(Some(released()));
    look.writes_back = false;
    let ledger = created(&[released()]);
    for message in [resolved(1, "CONFIRMED"), status("CANCELLED", json!({}))] {
        assert_eq!(failed(&decide_order(&message, &look, &ledger)), "order.rejected");
    }
}

#[test]
fn the_status_cancelled_confirms_a_cancellation_that_we_asked_for() {
    let look = order_look(Some(ReleasedOrder { cancelled: true, ..released() }));
    let decision = decide_order(&status("CANCELLED", json!({})), &look, &asked_to_cancel("PENDING"));
    assert_eq!(done(&decision).facts[0].key, "cancel_resolved/north/usmf-SHP0012-W1/CONFIRMED");
}

#[test]
fn an_older_status_never_follows_a_newer_one() {
    let mut ledger = created(&[released()]);
    let look = order_look(Some(released()));
    let packed = status("PACKED", json!({ "changedAt": at(20).to_string() }));
    let decision = decide_order(&packed, &look, &ledger);
    assert!(done(&decision).steps[0].1.contains("PACKED"));
    remember(&mut ledger, &decision);
    not_ours(&decide_order(&status("PICKING", json!({ "changedAt": at(10).to_string() })), &look, &ledger));
    not_ours(&decide_order(&packed, &look, &ledger));
    // What is only shown needs no look at Dynamics.
    done(&decide_order(&status("SHIPPED", json!({ "changedAt": at(30).to_string() })), &order_look(None), &ledger));
}

#[test]
fn a_hold_is_shown_and_harms_nobody() {
    let hold = status("PROCESSING", json!({ "onHold": true, "reason": { "code": "MANUAL_HOLD" } }));
    let decision = decide_order(&hold, &order_look(Some(released())), &created(&[released()]));
    assert!(done(&decision).steps[0].1.contains("on hold (MANUAL_HOLD)"), "{decision:?}");
}

#[test]
fn an_order_that_the_warehouse_cannot_go_on_with_is_a_persons_until_it_goes_on() {
    let stuck = status(
        "PROCESSING",
        json!({ "exception": true, "reason": { "code": "ADDRESS_INVALID", "text": "no such street" } }),
    );
    let ledger = created(&[released()]);
    let look = order_look(Some(released()));
    let decision = decide_order(&stuck, &look, &ledger);
    assert_eq!(failed(&decision), "order.stuck");
    let Decision::Fail(failure) = decision else { panic!() };
    assert_eq!(failure.detail.as_deref(), Some("no such street"));

    let mut gone_on = look.clone();
    gone_on.held = Some(held(&reference(1), &released(), OrderStatusCode::Picking));
    let corrected = order_look(Some(ReleasedOrder { recipient: address("Elm Street 2"), ..released() }));
    let cancelled = order_look(Some(ReleasedOrder { cancelled: true, ..released() }));
    for look in [gone_on, corrected, cancelled] {
        done(&decide_order(&stuck, &look, &ledger));
    }
    let mut ledger = ledger;
    let shipment = shipped("S1", &reference(1), &[("1", "BOLT", "1")]);
    run(&shipment, &Look::Shipment(shipment_look()), &mut ledger, |_| Acted::Happened(json!({})));
    done(&decide_order(&stuck, &look, &ledger));
}
