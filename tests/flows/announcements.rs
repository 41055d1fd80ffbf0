//! Goods that are expected are announced to the warehouse, and brought in line as orders are.

use drayline::flows::{Call, Decision, Former, Ledger, Look, OrderLook};
use drayline::gateways::{Direction, HeldOrder, ReleasedOrder};
use drayline::message::{Envelope, Kind, OrderStatusCode, Origin, PURPOSE};
use serde_json::json;

use super::expected::{
    RECEIPT, announced, announced_as, announcements, counted, expected, numbered, receipt_look, reported, taken,
};
use super::scene::{
    at, call, contoso, decide, done, envelope, failed, held, line, not_ours, reference, remember, run, waits,
};
use super::world::World;

fn look(wanted: Option<ReleasedOrder>) -> Look {
    Look::Order(World::new(wanted).order_look(&announced()))
}

fn received(ledger: &mut drayline::flows::Ledger, message: &Envelope) {
    let decision = run(message, &Look::Receipt(receipt_look(Some(expected()))), ledger, |_| taken());
    remember(ledger, &decision);
}

/// The announcement ends, and asks a question: what that becomes.
fn asked_beside(wanted: &ReleasedOrder, ledger: &Ledger) -> &'static str {
    let decision = decide(&announced(), &look(Some(wanted.clone())), ledger);
    assert_eq!(done(&decision).emits.len(), 1, "{decision:?}");
    let question = emitted_to(done(&decision).emits[0].purpose);
    assert_ne!(question.lane_key(), announced().lane_key());
    failed(&decide(&question, &look(Some(wanted.clone())), ledger))
}

fn emitted_to(purpose: &str) -> Envelope {
    let mut message = announced();
    message.origin = Origin::Emitted;
    message.attributes.insert(PURPOSE.to_owned(), purpose.to_owned());
    message
}

/// It changes nothing itself: what there is to do, an announcement in the document's own lane does.
#[test]
fn a_question_about_a_change_ends_when_there_is_nothing_to_settle_or_something_to_do() {
    let question = emitted_to("beyond");
    let settled = decide(&question, &look(Some(expected())), &announcements(&[expected()]));
    assert_eq!((done(&settled).facts.len(), done(&settled).emits.len()), (1, 1), "it says so, and looks once more");
    let decision = decide(&question, &look(Some(expected())), &announcements(&[]));
    let again = emitted_to(done(&decision).emits[0].purpose);
    assert_eq!(again.lane_key(), announced().lane_key());
    assert_eq!(call(&decide(&again, &look(Some(expected())), &announcements(&[]))).act, "create_receipt");
}

#[test]
fn it_is_announced_to_the_warehouse_of_its_location() {
    let decision = decide(&announced(), &look(Some(expected())), &announcements(&[]));
    let planned = call(&decision);
    assert_eq!((planned.key.as_str(), planned.act), ("create_receipt/north/usmf-ISR0007-W1", "create_receipt"));
    let Call::CreateOrder(order) = &planned.call else { panic!("{planned:?}") };
    assert_eq!((order.direction, order.facility.as_str()), (Direction::Inbound, "NORTH-1"));
    assert_eq!((order.order_number.as_deref(), order.customer_account.as_deref()), (Some("PO-000123"), Some("V-1001")));
    let asked = serde_json::to_value(planned.call.lookup()).unwrap();
    assert_eq!(asked, json!({ "order": { "direction": "inbound", "reference": "usmf-ISR0007-W1" } }));
}

#[test]
fn it_is_announced_once_and_known_by_its_names() {
    let ledger = announcements(&[expected()]);
    let decision = decide(&announced(), &look(Some(expected())), &ledger);
    let known = &done(&decision).documents[0];
    assert_eq!((known.key.as_str(), known.kind), ("inbound/contoso/usmf-ISR0007", "inbound_order"));
    let awaited = ("awaited_as".to_owned(), "inbound/contoso/usmf-ISR0007-W1".to_owned());
    assert!(known.names.contains(&awaited), "{known:?}");
}

#[test]
fn a_change_is_announced_anew_under_the_next_revision() {
    let ledger = announcements(&[expected()]);
    let changed = ReleasedOrder { version: 2, lines: vec![line("1", "BOLT", "12")], ..expected() };
    let decision = decide(&announced(), &look(Some(changed.clone())), &ledger);
    assert_eq!(call(&decision).key, "cancel_receipt/north/usmf-ISR0007-W1");
    assert!(matches!(&call(&decision).call, Call::CancelOrder { direction: Direction::Inbound, .. }));
    let ledger = announcements(&[expected(), changed.clone()]);
    assert!(matches!(decide(&announced(), &look(Some(changed)), &ledger), Decision::Done(_)));
    assert!(ledger.has("create_receipt/north/usmf-ISR0007-W1R2"));
}

#[test]
fn what_was_cancelled_in_dynamics_is_taken_back() {
    let cancelled = ReleasedOrder { cancelled: true, ..expected() };
    let ledger = announcements(&[expected()]);
    assert_eq!(call(&decide(&announced(), &look(Some(cancelled.clone())), &ledger)).act, "cancel_receipt");
    not_ours(&decide(&announced(), &look(Some(cancelled)), &announcements(&[])));
}

#[test]
fn a_change_after_receiving_began_is_a_persons() {
    let mut ledger = announcements(&[expected()]);
    received(&mut ledger, &numbered(1, &[counted("1", "BOLT", "5")]));
    let changed = ReleasedOrder { version: 2, lines: vec![line("1", "BOLT", "12")], ..expected() };
    assert_eq!(asked_beside(&changed, &ledger), "inbound.changed");
    // Dynamics may show what is outstanding.
    let rest = ReleasedOrder { lines: vec![line("1", "BOLT", "5"), line("2", "NUT", "4")], ..expected() };
    assert!(matches!(decide(&announced(), &look(Some(rest)), &ledger), Decision::Done(_)));
}

#[test]
fn a_warehouse_that_will_not_give_it_up_is_a_persons_and_one_that_waits_is_waited_for() {
    let cancelled = look(Some(ReleasedOrder { cancelled: true, ..expected() }));
    for (outcome, code) in [("REJECTED", "inbound.cancelled_too_late"), ("PENDING", "")] {
        let mut ledger = announcements(&[expected()]);
        let brought = json!({ "outcome": outcome });
        let decision =
            run(&announced(), &cancelled, &mut ledger, |_| drayline::flows::Acted::Happened(brought.clone()));
        if outcome == "REJECTED" {
            assert_eq!(done(&decision).emits.len(), 1, "{decision:?}");
            assert_eq!(asked_beside(&ReleasedOrder { cancelled: true, ..expected() }, &ledger), code);
            continue;
        }
        let name = format!("cancel/receipt/contoso/{}", announced_as(1));
        assert_eq!(waits(&decision), (name.as_str(), Some(Kind::GoodsReceived), "inbound.cancelled_too_late"));
        // The warehouse says how it ended.
        let ended = reported(RECEIPT, 5, &[], &json!({ "state": "CANCELLED", "sequence": 2 }));
        let decision = decide(&ended, &Look::Receipt(receipt_look(None)), &ledger);
        assert!(done(&decision).documents.iter().any(|document| document.key == name), "{decision:?}");
        remember(&mut ledger, &decision);
        assert!(matches!(decide(&announced(), &cancelled, &ledger), Decision::Done(_)));
    }
}

/// It waits as long as such waits may last; from then on what the warehouse counts must not wait behind it.
#[test]
fn a_cancellation_that_nobody_answers_is_asked_about_beside_its_document() {
    let cancelled = look(Some(ReleasedOrder { cancelled: true, ..expected() }));
    let mut ledger = announcements(&[expected()]);
    let asked = json!({ "outcome": "PENDING" });
    let pending = run(&announced(), &cancelled, &mut ledger, |_| drayline::flows::Acted::Happened(asked.clone()));
    assert!(matches!(pending, Decision::Wait { .. }), "{pending:?}");
    let mut late = ledger.clone();
    late.wait_over = true;
    let decision = decide(&announced(), &cancelled, &late);
    let question = emitted_to(done(&decision).emits[0].purpose);
    assert_ne!(question.lane_key(), announced().lane_key());
    remember(&mut ledger, &decision);
    assert_eq!(failed(&decide(&question, &cancelled, &ledger)), "inbound.cancelled_too_late");
    not_ours(&decide(&announced(), &cancelled, &ledger));
    // Dynamics wants something else meanwhile: the question ends, and whoever looks again waits anew.
    let changed = look(Some(ReleasedOrder { version: 2, lines: vec![line("1", "BOLT", "12")], ..expected() }));
    assert!(matches!(decide(&announced(), &changed, &ledger), Decision::Wait { .. }));
    assert_eq!(done(&decide(&question, &changed, &ledger)).emits.len(), 1);
    // The answer comes after all: the question ends, and nothing is left to be done.
    let ended = reported(RECEIPT, 5, &[], &json!({ "state": "CANCELLED", "sequence": 2 }));
    let answered = decide(&ended, &Look::Receipt(receipt_look(None)), &ledger);
    remember(&mut ledger, &answered);
    let settled = decide(&question, &cancelled, &ledger);
    assert_eq!((done(&settled).facts.len(), done(&settled).emits.len()), (1, 1), "it says so, and looks once more");
    remember(&mut ledger, &settled);
    assert!(matches!(decide(&announced(), &cancelled, &ledger), Decision::Done(_)));
}

#[test]
fn one_that_is_dead_at_the_warehouse_is_announced_under_the_next_revision() {
    let dead = held(&announced_as(1), &expected(), OrderStatusCode::Cancelled);
    assert_eq!(dead.reference, "usmf-ISR0007-W1");
    let mut ledger = announcements(&[]);
    let burned = drayline::flows::Past {
        key: "burn_reference/receipt/north/usmf-ISR0007-W1".to_owned(),
        act: "burn_reference".to_owned(),
        connection: "north".to_owned(),
        facts: json!({ "reference": "usmf-ISR0007-W1" }),
    };
    ledger.add(burned);
    let decision = decide(&announced(), &look(Some(expected())), &ledger);
    assert_eq!(call(&decision).key, "create_receipt/north/usmf-ISR0007-W1R2");
}

#[test]
fn one_that_dynamics_does_not_show_is_an_exception_but_a_confirmed_purchase_order_is_none() {
    let ledger = announcements(&[]);
    assert_eq!(failed(&decide(&announced(), &look(None), &ledger)), "dynamics.not_found");
    let confirmed = json!({ "requestId": "PO-000123", "orderNumber": "PO-000123" });
    let mut confirmed = envelope(Kind::ReceiptAnnounced, &contoso(), confirmed);
    confirmed.ordering_key = "inbound/contoso/usmf-PO-000123".parse().unwrap();
    not_ours(&decide(&confirmed, &look(None), &ledger));
}

/// Receipts are told as totals: one that began before go-live would be posted with what others posted.
#[test]
fn what_a_warehouse_has_begun_to_receive_before_go_live_is_not_adopted() {
    let decided = |status: OrderStatusCode| {
        let held = HeldOrder { reference: "IN-1".to_owned(), ..held(&reference(1), &expected(), status) };
        let former = Some(Former { reference: Ok("IN-1".to_owned()), held: Some(held) });
        let look = World::new(Some(expected())).order_look(&announced());
        let look = OrderLook { go_live: Some(at(1)), former, ..look };
        decide(&announced(), &Look::Order(look), &Ledger::default())
    };
    let acts = |decision: &Decision| done(decision).facts.iter().map(|fact| fact.act.clone()).collect::<Vec<_>>();
    let begun = decided(OrderStatusCode::Processing);
    assert_eq!((acts(&begun), done(&begun).emits.len()), (vec!["set_aside".to_owned()], 1));
    assert!(done(&begun).steps[0].1.contains("north has begun to receive it, as IN-1"), "{begun:?}");
    let announced_only = decided(OrderStatusCode::Received);
    assert_eq!((acts(&announced_only), done(&announced_only).emits.len()), (vec!["create_receipt".to_owned()], 0));
}

/// What Dynamics released before go-live is never announced; what it released at that moment or later is.
#[test]
fn goods_that_were_expected_before_go_live_are_not_announced() {
    let at_go_live = |seconds: i64| {
        let look = OrderLook { go_live: Some(at(seconds)), ..World::new(Some(expected())).order_look(&announced()) };
        decide(&announced(), &Look::Order(look), &Ledger::default())
    };
    assert_eq!(done(&at_go_live(1)).facts.len(), 1, "it is left for a decision");
    assert_eq!(call(&at_go_live(0)).act, "create_receipt");
}
