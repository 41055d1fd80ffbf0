//! What becomes of shipments, their tracking and their postings: one test per ending.

use std::sync::Arc;

use drayline::config::Outbound;
use drayline::flows::{Acted, Call, Decision, Ledger, Look, Past, Repeat, ShipmentLook};
use drayline::gateways::{Calendar, UpdateState};
use drayline::message::{Body, Envelope, Kind, OrderingKey, Origin};
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::scene::{
    at, call, content, contoso, created, decide_shipment, decimal, done, envelope, failed, from_north, not_ours,
    reference, released, remember, run, shipment_look, shipped, waits,
};

const WHOLE: &[(&str, &str, &str)] = &[("1", "BOLT", "10"), ("2", "NUT", "4")];

fn s1() -> Envelope {
    shipped("S1", &reference(1), WHOLE)
}

fn tracked(package: Option<&str>, number: &str, second: i64) -> Envelope {
    let mut body = json!({ "shipmentKey": "S1", "trackingNumber": number, "updatedAt": at(second).to_string() });
    if let Some(package) = package {
        body["packageKey"] = json!(package);
    }
    from_north(Kind::TrackingUpdated, &reference(1), body)
}

fn voided() -> Envelope {
    from_north(Kind::ShipmentVoided, &reference(1), json!({ "shipmentKey": "S1", "replacedBy": "S2" }))
}

/// The ledger after a message was applied, and what the message left behind.
pub fn apply(ledger: &mut Ledger, message: &Envelope, look: &ShipmentLook) -> Decision {
    let end = run(message, &Look::Shipment(look.clone()), ledger, |_| Acted::Happened(json!({})));
    if let Decision::Done(_) = end {
        remember(ledger, &end);
    }
    end
}

/// The message that a decision emits, as its flow gets it.
fn emitted(cause: &Envelope, decision: &Decision) -> Envelope {
    let [emit] = done(decision).emits.as_slice() else { panic!("not one message: {decision:?}") };
    Envelope { origin: Origin::Emitted, body: emit.body.clone(), ..cause.clone() }
}

fn state(state: UpdateState) -> ShipmentLook {
    ShipmentLook { update: Some(state), ..shipment_look() }
}

/// S1 handed over: the ledger, and the message that looks what Dynamics makes of it.
fn handed_over() -> (Ledger, Envelope) {
    let mut ledger = created(&[released()]);
    let end = apply(&mut ledger, &s1(), &shipment_look());
    (ledger, emitted(&s1(), &end))
}

/// S1 posted: the ledger, and the message that writes tracking.
fn posted() -> (Ledger, Envelope) {
    let (mut ledger, poll) = handed_over();
    let end = apply(&mut ledger, &poll, &state(UpdateState::Processed));
    (ledger, emitted(&poll, &end))
}

#[test]
fn a_shipment_is_handed_over_and_looked_after() {
    let mut ledger = created(&[released()]);
    let decision = decide_shipment(&s1(), &shipment_look(), &ledger);
    assert_eq!((call(&decision).act, call(&decision).class), ("post_shipment", Repeat::Absorbs));
    let Call::PostShipment(update) = &call(&decision).call else { panic!("{decision:?}") };
    assert_eq!(update.origin_id, "ORIGIN-1");
    assert_eq!(update.moved_at, at(0));
    let lines: Vec<_> = update.lines.iter().map(|line| (line.line_id.as_str(), line.moved, line.remaining)).collect();
    assert_eq!(lines, [("1", decimal("10"), decimal("0")), ("2", decimal("4"), decimal("0"))]);

    let end = apply(&mut ledger, &s1(), &shipment_look());
    let poll = emitted(&s1(), &end);
    assert!(matches!(&poll.body, Body::PostingSettled(body) if body.update_id.as_str() == update.update_id));
    let known: Vec<_> = done(&end).documents.iter().map(|known| known.key.as_str()).collect();
    assert_eq!(known, ["order/contoso/usmf-SHP0012", "shipment/north/S1"]);
    assert!(done(&end).documents[0].names.contains(&("tracking_number".to_owned(), "T-S1".to_owned())));
}

#[test]
fn a_shipment_ahead_of_its_order_waits_for_it() {
    let decision = decide_shipment(&s1(), &shipment_look(), &Ledger::default());
    assert_eq!(waits(&decision), ("order/contoso/usmf-SHP0012-W1", None, "order.unknown"));
}

#[test]
fn the_shipment_of_an_order_whose_cancellation_came_too_late_is_posted() {
    let mut ledger = created(&[released(), {
        let mut changed = released();
        changed.version = 2;
        changed.lines.pop();
        changed
    }]);
    let end = apply(&mut ledger, &s1(), &shipment_look());
    assert_eq!(done(&end).emits.len(), 1);
}

#[test]
fn the_same_shipment_again_is_not_posted_again() {
    let (ledger, _) = handed_over();
    // Packed differently, reported by another path: what left is the same.
    let contents = vec![content("2", "NUT", "4.0"), content("1", "BOLT", "10")];
    let again =
        from_north(Kind::ShipmentConfirmed, &reference(1), json!({ "shipmentKey": "S1", "unpackedLines": contents }));
    assert!(done(&decide_shipment(&again, &shipment_look(), &ledger)).facts.is_empty());
    let (ledger, _) = posted();
    assert!(done(&decide_shipment(&s1(), &shipment_look(), &ledger)).emits.is_empty());
}

#[test]
fn the_same_shipment_with_other_contents_is_a_persons_unless_it_is_older() {
    let numbered = |sequence: u64, quantity: &str| {
        let body =
            json!({ "shipmentKey": "S1", "sequence": sequence, "unpackedLines": [content("1", "BOLT", quantity)] });
        from_north(Kind::ShipmentConfirmed, &reference(1), body)
    };
    let mut ledger = created(&[released()]);
    apply(&mut ledger, &numbered(2, "8"), &shipment_look());
    assert_eq!(failed(&decide_shipment(&numbered(3, "7"), &shipment_look(), &ledger)), "shipment.differs");
    not_ours(&decide_shipment(&numbered(1, "9"), &shipment_look(), &ledger));
}

#[test]
fn a_shipment_that_says_nothing_of_its_contents_is_a_persons_and_one_of_shorts_is_shown() {
    let ledger = created(&[released()]);
    let empty = from_north(Kind::ShipmentConfirmed, &reference(1), json!({ "shipmentKey": "S1" }));
    assert_eq!(failed(&decide_shipment(&empty, &shipment_look(), &ledger)), "shipment.line_unknown");
    let short = json!({ "item": { "sku": "NUT" }, "quantity": { "value": "4" }, "reason": { "code": "OUT_OF_STOCK" } });
    let shorts = from_north(Kind::ShipmentConfirmed, &reference(1), json!({ "shipmentKey": "S1", "shorts": [short] }));
    let decision = decide_shipment(&shorts, &shipment_look(), &ledger);
    assert_eq!(done(&decision).steps[0].1, "Will not ship 4 of NUT (OUT_OF_STOCK).");
}

#[test]
fn an_update_counts_as_posted_only_when_dynamics_says_so() {
    let (ledger, poll) = handed_over();
    let decision = decide_shipment(&poll, &state(UpdateState::Pending("Received".to_owned())), &ledger);
    let Decision::Later { woken_by, failure } = &decision else { panic!("{decision:?}") };
    let Body::PostingSettled(body) = &poll.body else { panic!() };
    assert_eq!(woken_by.as_deref(), Some(format!("posting/contoso/{}", body.update_id).as_str()));
    assert_eq!(failure.code.as_str(), "dynamics.posting_overdue");

    let decision = decide_shipment(&poll, &state(UpdateState::Failed("The period is closed.".to_owned())), &ledger);
    assert_eq!(failed(&decision), "dynamics.posting_failed");
    let Decision::Fail(failure) = decision else { panic!() };
    assert_eq!(failure.detail.as_deref(), Some("The period is closed."));

    let decision = decide_shipment(&poll, &state(UpdateState::Processed), &ledger);
    assert_eq!(done(&decision).facts[0].act, "posted");
    let (ledger, _) = posted();
    not_ours(&decide_shipment(&poll, &shipment_look(), &ledger));
}

#[test]
fn an_update_that_dynamics_lost_is_handed_over_once_more() {
    let (mut ledger, poll) = handed_over();
    let decision = decide_shipment(&poll, &state(UpdateState::Missing), &ledger);
    let Call::PostShipment(again) = &call(&decision).call else { panic!("{decision:?}") };
    let first = decide_shipment(&s1(), &shipment_look(), &created(&[released()]));
    let Call::PostShipment(update) = &call(&first).call else { panic!("{first:?}") };
    assert_eq!(again, update);
    let end = apply(&mut ledger, &poll, &state(UpdateState::Missing));
    assert!(matches!(end, Decision::Later { .. }), "{end:?}");
}

#[test]
fn an_event_of_dynamics_about_an_update_wakes_the_one_that_looks_and_does_nothing_else() {
    let body = json!({ "updateId": "D0123456789ABCDEF012", "flow": "shipments", "outcome": "PROCESSED" });
    let event = Envelope {
        ordering_key: "alone/contoso/D0123456789ABCDEF012".parse::<OrderingKey>().unwrap(),
        ..envelope(Kind::PostingSettled, &contoso(), body)
    };
    let decision = decide_shipment(&event, &shipment_look(), &Ledger::default());
    assert_eq!(done(&decision).documents[0].key, "posting/contoso/D0123456789ABCDEF012");
    assert!(done(&decision).facts.is_empty() && done(&decision).emits.is_empty());
}

#[test]
fn tracking_is_written_once_its_shipment_is_posted() {
    let (mut ledger, write) = posted();
    let decision = decide_shipment(&write, &shipment_look(), &ledger);
    let Call::WriteTracking(row) = &call(&decision).call else { panic!("{decision:?}") };
    assert_eq!((row.tracking_number.as_str(), row.order_number.as_str()), ("T-S1", "SO-1001"));
    assert_eq!(call(&decision).class, Repeat::Absorbs);
    let row_id = row.row_id.clone();
    apply(&mut ledger, &write, &shipment_look());
    done(&decide_shipment(&write, &shipment_look(), &ledger));

    let decision = decide_shipment(&tracked(Some("P1"), "T-NEW", 60), &shipment_look(), &ledger);
    let Call::WriteTracking(row) = &call(&decision).call else { panic!("{decision:?}") };
    assert_eq!((row.tracking_number.as_str(), &row.row_id), ("T-NEW", &row_id));
    apply(&mut ledger, &tracked(Some("P1"), "T-NEW", 60), &shipment_look());
    // An older word that comes later is remembered and not written; back to the first number is.
    assert_eq!(done(&apply(&mut ledger, &tracked(Some("P1"), "T-OLD", 30), &shipment_look())).facts.len(), 1);
    let decision = decide_shipment(&tracked(Some("P1"), "T-S1", 90), &shipment_look(), &ledger);
    assert_eq!(call(&decision).act, "write_tracking");
}

#[test]
fn tracking_before_the_posting_is_remembered() {
    let (mut ledger, poll) = handed_over();
    let end = apply(&mut ledger, &tracked(None, "T-NEW", 60), &shipment_look());
    assert_eq!(done(&end).facts[0].facts["tracking_number"], "T-NEW");
    let end = apply(&mut ledger, &poll, &state(UpdateState::Processed));
    let decision = decide_shipment(&emitted(&poll, &end), &shipment_look(), &ledger);
    let Call::WriteTracking(row) = &call(&decision).call else { panic!("{decision:?}") };
    assert_eq!(row.tracking_number, "T-NEW");
}

#[test]
fn tracking_ahead_of_its_shipment_or_order_is_remembered_for_all_its_packages() {
    for mut ledger in [Ledger::default(), created(&[released()])] {
        let early = tracked(None, "T-EARLY", 60);
        let end = apply(&mut ledger, &early, &shipment_look());
        assert_eq!(done(&end).facts[0].act, "tracking");
        assert_eq!(done(&end).documents[0].names[0].1, "T-EARLY");
    }
    let mut ledger = created(&[released()]);
    apply(&mut ledger, &tracked(None, "T-EARLY", 60), &shipment_look());
    let end = apply(&mut ledger, &s1(), &shipment_look());
    let poll = emitted(&s1(), &end);
    let end = apply(&mut ledger, &poll, &state(UpdateState::Processed));
    let decision = decide_shipment(&emitted(&poll, &end), &shipment_look(), &ledger);
    let Call::WriteTracking(row) = &call(&decision).call else { panic!("{decision:?}") };
    assert_eq!((row.package_key.as_str(), row.tracking_number.as_str()), ("P1", "T-EARLY"));
}

#[test]
fn a_shipment_that_comes_again_with_late_tracking_has_it_written() {
    let contents: Vec<Value> = WHOLE.iter().map(|(line, sku, quantity)| content(line, sku, quantity)).collect();
    let body = json!({ "shipmentKey": "S1", "packages": [{ "packageKey": "P1", "contents": contents }] });
    let untracked = from_north(Kind::ShipmentConfirmed, &reference(1), body);
    let mut ledger = created(&[released()]);
    let end = apply(&mut ledger, &untracked, &shipment_look());
    let poll = emitted(&untracked, &end);
    let end = apply(&mut ledger, &poll, &state(UpdateState::Processed));
    done(&apply(&mut ledger, &emitted(&poll, &end), &shipment_look()));
    let end = apply(&mut ledger, &s1(), &shipment_look());
    let decision = decide_shipment(&emitted(&s1(), &end), &shipment_look(), &ledger);
    assert_eq!(call(&decision).act, "write_tracking");
}

#[test]
fn tracking_is_only_shown_where_it_is_written_nowhere() {
    let (ledger, _) = posted();
    let nowhere = ShipmentLook { writes_tracking: false, ..shipment_look() };
    let decision = decide_shipment(&tracked(Some("P1"), "T-NEW", 60), &nowhere, &ledger);
    assert!(done(&decision).steps[0].1.contains("T-NEW"));
}

#[test]
fn a_void_before_its_shipment_is_remembered() {
    let mut ledger = created(&[released()]);
    let end = apply(&mut ledger, &voided(), &shipment_look());
    assert!(done(&end).steps[0].1.contains("S2 takes its place"));
    not_ours(&decide_shipment(&s1(), &shipment_look(), &ledger));
    not_ours(&decide_shipment(&tracked(None, "T", 1), &shipment_look(), &ledger));
    not_ours(&decide_shipment(&voided(), &shipment_look(), &ledger));
    // Even before the order is known.
    done(&decide_shipment(&voided(), &shipment_look(), &Ledger::default()));
}

#[test]
fn a_void_after_its_posting_is_a_persons_until_dynamics_no_longer_holds_it() {
    let (mut ledger, poll) = handed_over();
    assert_eq!(failed(&decide_shipment(&voided(), &state(UpdateState::Processed), &ledger)), "shipment.voided");
    let cancelled = state(UpdateState::Failed("Canceled".to_owned()));
    let end = apply(&mut ledger, &voided(), &cancelled);
    let acts: Vec<_> = done(&end).facts.iter().map(|fact| fact.act.as_str()).collect();
    assert_eq!(acts, ["void_shipment", "undone"]);
    // Nobody looks after the posting any more, and what replaces the shipment may be posted.
    assert!(done(&decide_shipment(&poll, &shipment_look(), &ledger)).facts.is_empty());
    assert_eq!(
        call(&decide_shipment(&shipped("S2", &reference(1), WHOLE), &shipment_look(), &ledger)).act,
        "post_shipment"
    );
}

/// Once a person has said under which number the packing slip was corrected, the shipment stands for nothing.
#[test]
fn a_void_that_a_person_corrected_gives_its_room_back() {
    let (mut ledger, _) = handed_over();
    let (void, posted) = (voided(), state(UpdateState::Processed));
    let decision = decide_shipment(&void, &posted, &ledger);
    let Decision::Fail(failure) = &decision else { panic!("{decision:?}") };
    let command = format!("drayline exceptions resolve {} --exists-as NUMBER", void.message_id);
    assert!(failure.sentence.contains(&command), "{}", failure.sentence);
    let say = |of: &Envelope, number: Option<&str>| Past {
        key: format!("by_hand/{}/shipments/{number:?}", of.message_id),
        act: "by_hand".to_owned(),
        connection: "north".to_owned(),
        facts: json!({ "message_id": of.message_id, "exists_as": number }),
    };
    ledger.add(say(&s1(), Some("OF ANOTHER")));
    ledger.add(say(&void, None));
    assert_eq!(failed(&decide_shipment(&void, &posted, &ledger)), "shipment.voided");
    ledger.add(say(&void, Some("CORRECTION-1")));
    let end = apply(&mut ledger, &void, &posted);
    assert!(done(&end).steps[1].1.ends_with("was corrected by hand as CORRECTION-1."), "{end:?}");
    let next = decide_shipment(&shipped("S2", &reference(1), WHOLE), &shipment_look(), &ledger);
    assert_eq!(call(&next).act, "post_shipment");
}

/// Whoever looks at the journey sees why the packing slip has another day than the shipment.
#[test]
fn a_shipment_of_a_closed_period_tells_on_which_day_it_is_posted() {
    let day = at(0).to_zoned(TimeZone::UTC).date();
    let closed = Outbound { closed_until: [("usmf".to_owned(), day)].into(), ..Outbound::default() };
    let told = |outbound: &Outbound| {
        let look = ShipmentLook { calendar: Arc::new(Calendar::of(outbound)), ..shipment_look() };
        let end = apply(&mut created(&[released()]), &s1(), &look);
        let open = format!("on {}, the first open day", day.tomorrow().unwrap());
        done(&end).steps.iter().filter(|(_, what)| what.contains(&open)).count()
    };
    assert_eq!((told(&closed), told(&Outbound::default())), (1, 0));
}
