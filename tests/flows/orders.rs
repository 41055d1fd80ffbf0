//! What becomes of "look again": one test per ending.

use drayline::failure::{Code, Failure};
use drayline::flows::{Acted, Call, Decision, Ledger, Look, OrderLook, Past, Repeat, Stage, progress};
use drayline::gateways::{ReleasedOrder, RequestVerdict};
use drayline::message::{Envelope, Kind, OrderStatusCode};
use serde_json::json;

use super::scene::{
    address, at, call, created, decide_order, decimal, done, failed, from_dynamics, from_north, held, line, not_ours,
    order_look, reference, released, remember, run, shipment_look, shipped, waits,
};

fn cancelled() -> ReleasedOrder {
    ReleasedOrder { cancelled: true, ..released() }
}

fn changed() -> ReleasedOrder {
    ReleasedOrder { version: 2, lines: vec![line("1", "BOLT", "12"), line("2", "NUT", "4")], ..released() }
}

/// The ledger after the warehouse answered our cancellation of W1.
fn asked_to_cancel(outcome: &str) -> Ledger {
    let mut ledger = created(&[released()]);
    let look = Look::Order(order_look(Some(changed())));
    let decision = run(&from_dynamics(Kind::OrderChanged), &look, &mut ledger, |planned| match planned.act {
        "cancel_order" => Acted::Happened(json!({ "outcome": outcome, "text": "packed" })),
        _ => Acted::Happened(json!({ "order_id": "N-2" })),
    });
    assert!(!matches!(decision, Decision::Act(_)));
    ledger
}

fn with_shipment(mut ledger: Ledger, contents: &[(&str, &str, &str)]) -> Ledger {
    let look = Look::Shipment(shipment_look());
    let decision = run(&shipped("S1", &reference(1), contents), &look, &mut ledger, |_| Acted::Happened(json!({})));
    remember(&mut ledger, &decision);
    ledger
}

#[test]
fn a_released_order_is_created_and_can_be_found_by_its_reference() {
    let decision = decide_order(&from_dynamics(Kind::OrderReleased), &order_look(Some(released())), &Ledger::default());
    let planned = call(&decision);
    assert_eq!((planned.act, planned.class), ("create_order", Repeat::Findable));
    let Call::CreateOrder(order) = &planned.call else { panic!("{planned:?}") };
    assert_eq!(order.reference, reference(1));
    assert_eq!(order.facility, "NORTH-1");
    assert_eq!(order.lines.len(), 2);
    assert_eq!(
        serde_json::to_value(planned.call.lookup()).unwrap(),
        json!({ "order": { "reference": "usmf-SHP0012-W1" } })
    );
}

#[test]
fn released_twice_says_nothing_new_and_still_makes_the_order_known() {
    let decision =
        decide_order(&from_dynamics(Kind::OrderReleased), &order_look(Some(released())), &created(&[released()]));
    assert!(done(&decision).facts.is_empty() && done(&decision).emits.is_empty());
    assert_eq!(done(&decision).documents.len(), 1);
}

#[test]
fn a_newer_version_that_changes_nothing_for_the_warehouse_is_no_change() {
    let newer = ReleasedOrder { version: 9, order_number: None, ..released() };
    let decision = decide_order(&from_dynamics(Kind::OrderChanged), &order_look(Some(newer)), &created(&[released()]));
    assert!(done(&decision).facts.is_empty());
}

#[test]
fn lines_that_stay_behind_are_seen() {
    let left = ReleasedOrder { left_behind: vec![("3".to_owned(), "a service".to_owned())], ..released() };
    let decision = decide_order(&from_dynamics(Kind::OrderReleased), &order_look(Some(left)), &created(&[released()]));
    assert!(done(&decision).steps.iter().any(|(system, what)| system == "dynamics" && what.contains("a service")));
}

#[test]
fn what_is_not_ours_says_why() {
    let blank = Ledger::default();
    let mut elsewhere = order_look(Some(released()));
    elsewhere.warehouse = None;
    let mut stranger = order_look(Some(released()));
    stranger.takes_part = false;
    let empty = order_look(Some(ReleasedOrder { lines: Vec::new(), ..released() }));
    let gone = order_look(Some(cancelled()));
    let cases = [
        (elsewhere, "no configured warehouse"),
        (stranger, "not configured to take part"),
        (empty, "nothing of it is left"),
        (gone, "taken back"),
    ];
    for (look, why) in cases {
        let decision = decide_order(&from_dynamics(Kind::OrderReleased), &look, &blank);
        assert!(not_ours(&decision).contains(why), "{decision:?}");
    }
}

/// Nobody says how it was called before: it is left for a decision, once, and only a new release has it sent.
#[test]
fn what_was_released_before_go_live_is_left_for_a_decision() {
    let looked =
        |order: ReleasedOrder, seconds: i64| OrderLook { go_live: Some(at(seconds)), ..order_look(Some(order)) };
    let (early, late) = (looked(released(), 1), looked(released(), 0));
    let mut ledger = Ledger::default();
    let decision = decide_order(&from_dynamics(Kind::OrderReleased), &early, &ledger);
    assert_eq!((done(&decision).facts.len(), done(&decision).emits.len()), (1, 0));
    assert!(done(&decision).steps[0].1.contains("before go-live"), "{decision:?}");
    remember(&mut ledger, &decision);
    not_ours(&decide_order(&from_dynamics(Kind::OrderReleased), &early, &ledger));
    let changed = from_dynamics(Kind::OrderChanged);
    assert!(not_ours(&decide_order(&changed, &late, &ledger)).contains("before go-live"));
    let far = |message: &Envelope, look: OrderLook| progress(message, Some(&Look::Order(look)), &ledger).unwrap().stage;
    assert_eq!(far(&changed, late.clone()), Some(Stage::BeforeGoLive));
    assert_eq!(far(&from_dynamics(Kind::OrderCancelled), looked(cancelled(), 0)), Some(Stage::Cancelled));
    assert_eq!(call(&decide_order(&from_dynamics(Kind::OrderReleased), &late, &ledger)).act, "create_order");
}

#[test]
fn what_happened_at_go_live_or_after_is_sent() {
    let mut look = order_look(Some(released()));
    look.go_live = Some(at(0));
    let decision = decide_order(&from_dynamics(Kind::OrderReleased), &look, &Ledger::default());
    assert_eq!(call(&decision).act, "create_order");
}

#[test]
fn an_unknown_document_is_a_persons_when_it_was_released_and_nobodys_else() {
    let (look, blank) = (order_look(None), Ledger::default());
    assert_eq!(failed(&decide_order(&from_dynamics(Kind::OrderReleased), &look, &blank)), "dynamics.not_found");
    not_ours(&decide_order(&from_dynamics(Kind::OrderChanged), &look, &blank));
    not_ours(&decide_order(&from_dynamics(Kind::OrderCancelled), &look, &blank));
}

#[test]
fn a_cancelled_or_vanished_document_is_cancelled_at_the_warehouse() {
    for look in [order_look(Some(cancelled())), order_look(None)] {
        let mut ledger = created(&[released()]);
        let message = from_dynamics(Kind::OrderCancelled);
        let decision = decide_order(&message, &look, &ledger);
        let planned = call(&decision);
        assert_eq!(planned.key, "cancel_order/north/usmf-SHP0012-W1");
        assert_eq!(planned.class, Repeat::Absorbs);
        let look = Look::Order(look);
        let end = run(&message, &look, &mut ledger, |_| Acted::Happened(json!({ "outcome": "CONFIRMED" })));
        assert!(done(&end).steps[0].1.contains("given the order usmf-SHP0012-W1 up"), "{end:?}");
    }
}

#[test]
fn a_cancellation_that_comes_too_late_is_a_persons() {
    for outcome in ["REJECTED", "PARTIAL"] {
        let mut ledger = created(&[released()]);
        let look = Look::Order(order_look(Some(cancelled())));
        let answer = || Acted::Happened(json!({ "outcome": outcome, "text": "already packed" }));
        let decision = run(&from_dynamics(Kind::OrderCancelled), &look, &mut ledger, |_| answer());
        assert_eq!(failed(&decision), "order.cancelled_too_late");
        let Decision::Fail(failure) = &decision else { panic!() };
        assert_eq!(failure.detail.as_deref(), Some("already packed"));
    }
}

#[test]
fn a_cancellation_of_what_has_shipped_whole_asks_nobody() {
    let ledger = with_shipment(created(&[released()]), &[("1", "BOLT", "10"), ("2", "NUT", "4")]);
    let decision = decide_order(&from_dynamics(Kind::OrderCancelled), &order_look(Some(cancelled())), &ledger);
    assert_eq!(failed(&decision), "order.cancelled_too_late");
}

#[test]
fn a_document_that_is_gone_because_all_of_it_shipped_is_left_alone() {
    let ledger = with_shipment(created(&[released()]), &[("1", "BOLT", "10"), ("2", "NUT", "4")]);
    let empty = ReleasedOrder { lines: Vec::new(), ..released() };
    for look in [order_look(None), order_look(Some(empty))] {
        done(&decide_order(&from_dynamics(Kind::OrderChanged), &look, &ledger));
    }
}

#[test]
fn outstanding_quantities_that_shrink_by_what_shipped_are_no_change() {
    let ledger = with_shipment(created(&[released()]), &[("1", "BOLT", "4"), ("2", "NUT", "4")]);
    let outstanding = ReleasedOrder { version: 2, lines: vec![line("1", "BOLT", "6")], ..released() };
    done(&decide_order(&from_dynamics(Kind::OrderChanged), &order_look(Some(outstanding)), &ledger));
}

#[test]
fn a_changed_order_is_cancelled_and_created_anew() {
    let mut ledger = created(&[released()]);
    let message = from_dynamics(Kind::OrderChanged);
    let look = order_look(Some(changed()));
    let decision = decide_order(&message, &look, &ledger);
    let Call::CancelOrder { reason, order_id, .. } = &call(&decision).call else { panic!("{decision:?}") };
    assert_eq!(order_id, "N-1");
    assert!(reason.contains("line 1 (12 ea instead of 10 ea)"), "{reason}");
    let mut calls = Vec::new();
    let end = run(&message, &Look::Order(look), &mut ledger, |planned| {
        calls.push(planned.key.clone());
        Acted::Happened(json!({ "outcome": "CONFIRMED", "order_id": "N-2" }))
    });
    done(&end);
    assert_eq!(calls, ["cancel_order/north/usmf-SHP0012-W1", "create_order/north/usmf-SHP0012-W1R2"]);
}

#[test]
fn a_change_that_comes_too_late_names_what_differs() {
    let moved = ReleasedOrder { version: 2, recipient: address("Elm Street 2"), ..changed() };
    let ledger = asked_to_cancel("REJECTED");
    let decision = decide_order(&from_dynamics(Kind::OrderChanged), &order_look(Some(moved)), &ledger);
    assert_eq!(failed(&decision), "order.changed");
    let Decision::Fail(failure) = &decision else { panic!() };
    assert!(failure.sentence.contains("the recipient, line 1 (12 ea instead of 10 ea)"), "{}", failure.sentence);
    assert!(!failure.sentence.contains("Elm Street"), "no personal data in a sentence");
}

#[test]
fn a_change_after_a_part_has_shipped_is_a_persons() {
    let ledger = with_shipment(created(&[released()]), &[("1", "BOLT", "4")]);
    let decision = decide_order(&from_dynamics(Kind::OrderChanged), &order_look(Some(changed())), &ledger);
    assert_eq!(failed(&decision), "order.changed");
}

#[test]
fn a_change_that_is_undone_in_dynamics_resolves_itself() {
    let undone = ReleasedOrder { version: 3, ..released() };
    done(&decide_order(&from_dynamics(Kind::OrderChanged), &order_look(Some(undone)), &asked_to_cancel("REJECTED")));
}

#[test]
fn a_pending_cancellation_waits_for_its_end() {
    let ledger = asked_to_cancel("PENDING");
    let decision = decide_order(&from_dynamics(Kind::OrderChanged), &order_look(Some(changed())), &ledger);
    let awaited = ("cancel/contoso/usmf-SHP0012-W1", Some(Kind::OrderCancelResolved), "order.changed");
    assert_eq!(waits(&decision), awaited);
    let decision = decide_order(&from_dynamics(Kind::OrderCancelled), &order_look(Some(cancelled())), &ledger);
    assert_eq!(waits(&decision).2, "order.cancelled_too_late");
}

#[test]
fn an_order_that_the_warehouse_shows_as_dead_counts_as_cancelled_whatever_it_answered() {
    for outcome in ["PENDING", "REJECTED"] {
        let mut look = order_look(Some(changed()));
        look.held = Some(held(&reference(1), &released(), OrderStatusCode::Cancelled));
        let decision = decide_order(&from_dynamics(Kind::OrderChanged), &look, &asked_to_cancel(outcome));
        assert_eq!(call(&decision).key, "create_order/north/usmf-SHP0012-W1R2");
        look.released = Some(cancelled());
        let decision = decide_order(&from_dynamics(Kind::OrderCancelled), &look, &asked_to_cancel(outcome));
        assert_eq!(done(&decision).facts[0].key, "cancel_resolved/north/usmf-SHP0012-W1/CONFIRMED");
    }
}

#[test]
fn an_order_whose_location_is_no_longer_configured_is_not_cancelled_by_us() {
    let mut look = order_look(Some(released()));
    look.warehouse = None;
    assert_eq!(
        failed(&decide_order(&from_dynamics(Kind::OrderChanged), &look, &created(&[released()]))),
        "order.changed"
    );
}

#[test]
fn a_reference_that_is_dead_at_the_warehouse_gives_way_to_the_next_revision() {
    let burned = Past {
        key: "burn_reference/north/usmf-SHP0012-W1".to_owned(),
        act: "burn_reference".to_owned(),
        connection: "north".to_owned(),
        facts: json!({ "reference": "usmf-SHP0012-W1" }),
    };
    let mut ledger = Ledger::default();
    let mut calls = Vec::new();
    let look = Look::Order(order_look(Some(released())));
    let end = run(&from_dynamics(Kind::OrderReleased), &look, &mut ledger, |planned| {
        calls.push(planned.key.clone());
        if calls.len() == 1 { Acted::Instead(burned.clone()) } else { Acted::Happened(json!({ "order_id": "N-2" })) }
    });
    done(&end);
    assert_eq!(calls, ["create_order/north/usmf-SHP0012-W1", "create_order/north/usmf-SHP0012-W1R2"]);
    let late = from_north(Kind::OrderAccepted, &reference(1), json!({}));
    not_ours(&decide_order(&late, &order_look(Some(released())), &ledger));
}

#[test]
fn an_order_that_the_warehouse_refuses_is_told_to_dynamics_once_and_then_to_a_person() {
    let refusal = Failure::new(Code::WarehouseRefused, "north refuses it.").with_detail("unknown SKU NUT");
    let mut ledger = Ledger::default();
    let mut verdicts = Vec::new();
    let look = Look::Order(order_look(Some(released())));
    for _ in 0..2 {
        // A second attempt: what was refused before is not remembered, what was told is.
        let mut attempt = ledger.clone();
        let end = run(&from_dynamics(Kind::OrderReleased), &look, &mut attempt, |planned| match &planned.call {
            Call::CreateOrder(_) => Acted::Refused(refusal.clone()),
            Call::WriteStatus { verdict, .. } => {
                verdicts.push(verdict.clone());
                ledger.add(super::scene::happened(planned, &json!({})));
                Acted::Happened(json!({}))
            }
            other => panic!("{other:?}"),
        });
        assert_eq!(failed(&end), "warehouse.refused");
    }
    assert_eq!(verdicts, [RequestVerdict::Rejected("unknown SKU NUT".to_owned())]);
}

#[test]
fn quantities_compare_by_value() {
    let same = ReleasedOrder { lines: vec![line("1", "BOLT", "10.000"), line("2", "NUT", "4.0")], ..released() };
    assert_eq!(decimal("10.000"), decimal("10"));
    done(&decide_order(&from_dynamics(Kind::OrderChanged), &order_look(Some(same)), &created(&[released()])));
}
