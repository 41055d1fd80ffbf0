//! A receipt that does not name our reference is of what was announced to its warehouse under its number, and has its items.

use drayline::flows::{Candidate, Decision, Look, sought};
use drayline::gateways::{ReleasedLine, ReleasedOrder};
use drayline::message::{Body, Envelope, FOUND_ITS_ORDER, RequestId};
use serde_json::{Value, json};

use super::expected::{announcements, counted, expected, reported};
use super::scene::{decide, done, failed, line, waits};

/// A report by the purchase order alone.
fn by_number(number: &str, lines: &[Value]) -> Envelope {
    let mut message = reported("R-1", 0, lines, &json!({ "sequence": 3, "inboundOrder": { "orderNumber": number } }));
    message.ordering_key = "alone/north/0".parse().unwrap();
    message
}

fn candidate(request: &str, lines: Vec<ReleasedLine>) -> Candidate {
    let request_id = RequestId::new(request).unwrap();
    let ledger = announcements(&[ReleasedOrder { request_id, lines, ..expected() }]);
    Candidate { document: format!("inbound/contoso/usmf-{request}").parse().unwrap(), ledger }
}

fn meant(message: &Envelope, candidates: &[Candidate]) -> Decision {
    decide(message, &Look::Sought(candidates.to_vec()), &drayline::flows::Ledger::default())
}

/// The document and reference under which the report goes on, and what people see.
fn goes_on(decision: &Decision) -> (String, String, &str) {
    let done = done(decision);
    let [emit] = done.emits.as_slice() else { panic!("{done:?}") };
    assert_eq!(emit.purpose, FOUND_ITS_ORDER);
    let Body::GoodsReceived(body) = &emit.body else { panic!("{emit:?}") };
    let about = emit.about.as_ref().unwrap();
    assert_eq!((about.legal_entity.as_ref().unwrap().as_str(), body.sequence), ("usmf", Some(3)));
    (about.document.to_string(), body.inbound_order.reference.clone().unwrap(), done.steps[0].1.as_str())
}

#[test]
fn what_names_our_reference_is_not_sought() {
    let named = reported("R-1", 0, &[], &json!({}));
    assert!(sought(&named).is_empty());
    assert_eq!(sought(&by_number("PO-000123", &[])), ["PO-000123"]);
}

#[test]
fn the_one_order_of_the_number_is_meant_whatever_its_items() {
    let message = by_number("PO-000123", &[counted("", "GIZMO", "1")]);
    let decision = meant(&message, &[candidate("ISR0007", expected().lines)]);
    let (document, reference, told) = goes_on(&decision);
    assert_eq!((document.as_str(), reference.as_str()), ("inbound/contoso/usmf-ISR0007", "usmf-ISR0007-W1"));
    assert_eq!(told, "The receipt R-1 is of usmf-ISR0007-W1: found by the number PO-000123.");
}

#[test]
fn of_several_the_one_with_all_items_is_meant() {
    let several =
        [candidate("ISR0007", vec![line("1", "BOLT", "10")]), candidate("ISR0008", vec![line("1", "NUT", "4")])];
    let decision = meant(&by_number("PO-000123", &[counted("", "NUT", "1")]), &several);
    let (document, reference, told) = goes_on(&decision);
    assert_eq!((document.as_str(), reference.as_str()), ("inbound/contoso/usmf-ISR0008", "usmf-ISR0008-W1"));
    assert!(told.ends_with("by the number PO-000123 and by its items."), "{told}");
}

#[test]
fn a_person_is_asked_where_the_items_do_not_tell() {
    let several = [
        candidate("ISR0007", vec![line("1", "BOLT", "10")]),
        candidate("ISR0008", vec![line("1", "BOLT", "4"), line("2", "NUT", "4")]),
    ];
    for lines in [vec![counted("", "BOLT", "1")], vec![counted("", "GIZMO", "1")]] {
        let decision = meant(&by_number("PO-000123", &lines), &several);
        assert_eq!(failed(&decision), "inbound.ambiguous");
        let Decision::Fail(failure) = &decision else { unreachable!() };
        assert!(
            failure.sentence.contains("It expects usmf-ISR0007-W1 and usmf-ISR0008-W1 under that number, and"),
            "{failure}"
        );
    }
}

#[test]
fn what_is_not_announced_yet_or_elsewhere_is_waited_for() {
    let message = by_number("PO-000123", &[counted("", "BOLT", "1")]);
    let unknown = meant(&message, &[]);
    assert_eq!(waits(&unknown), ("PO-000123", None, "inbound.unknown"));
    let Decision::Wait { failure, .. } = &unknown else { panic!("{unknown:?}") };
    assert!(failure.sentence.contains("nothing of that number was announced to north"), "{failure}");
    let mut elsewhere = by_number("PO-000123", &[counted("", "BOLT", "1")]);
    elsewhere.connection = "south".parse().unwrap();
    let decision = meant(&elsewhere, &[candidate("ISR0007", expected().lines)]);
    assert_eq!(waits(&decision), ("PO-000123", None, "inbound.unknown"));
}
