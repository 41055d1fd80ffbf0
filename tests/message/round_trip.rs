//! Every kind survives the wire and JSON unchanged, whatever it holds.

use drayline::message::{Body, Envelope, Kind};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::arbitrary::{Any, body};

/// Cases for each of the kinds.
const CASES: u32 = 24;

fn for_every_kind(check: impl Fn(Envelope, Body) -> Result<(), TestCaseError>) {
    for kind in Kind::ALL {
        let mut runner = TestRunner::new(Config { cases: CASES, failure_persistence: None, ..Config::default() });
        let strategy = (Envelope::any(), body(*kind));
        runner
            .run(&strategy, |(envelope, body)| check(envelope, body))
            .unwrap_or_else(|error| panic!("{kind}: {error}"));
    }
}

#[test]
fn the_wire_keeps_everything() {
    for_every_kind(|envelope, body| {
        let sent = Envelope { body, ..envelope };
        let read = Envelope::decode(&sent.encode());
        prop_assert_eq!(read, Ok(sent));
        Ok(())
    });
}

#[test]
fn json_keeps_everything() {
    for_every_kind(|envelope, body| {
        let shown = Envelope { body, ..envelope };
        let read = Envelope::from_json(shown.to_json());
        prop_assert_eq!(read, Ok(shown));
        Ok(())
    });
}

#[test]
fn the_json_of_a_body_alone_keeps_everything() {
    for_every_kind(|_, body| {
        // As text, because that is how people and warehouses write it.
        let text = body.to_json().to_string();
        let read = Body::from_json(body.kind(), serde_json::from_str(&text).unwrap());
        prop_assert_eq!(read, Ok(body));
        Ok(())
    });
}

#[test]
fn encoding_is_the_same_every_time() {
    for_every_kind(|envelope, body| {
        let sent = Envelope { body, ..envelope };
        prop_assert_eq!(sent.encode(), Envelope::decode(&sent.encode()).unwrap().encode());
        Ok(())
    });
}

#[test]
fn foreign_bytes_are_refused_and_never_panic() {
    proptest!(|(bytes in proptest::collection::vec(any::<u8>(), 0..300))| {
        // Bytes that happen to be protobuf still lack an id, a key and a body.
        prop_assert!(Envelope::decode(&bytes).is_err());
    });
}

#[test]
fn a_message_cut_short_or_damaged_never_panics() {
    proptest!(|(envelope in Envelope::any(), cut in any::<prop::sample::Index>(), bit in 0_u8..8)| {
        let mut bytes = envelope.encode();
        let at = cut.index(bytes.len());
        prop_assert!(Envelope::decode(&bytes[..at]) != Ok(envelope.clone()));
        bytes[at] ^= 1 << bit;
        let _ = Envelope::decode(&bytes);
    });
}

#[test]
fn a_problem_is_told_with_its_place() {
    let json = serde_json::json!({
        "shipment_key": "S1",
        "order": {"reference": "usmf-SHP0012-W1"},
        "packages": [
            {"package_key": "P1", "contents": []},
            {"package_key": "P2", "contents": [{"item": {"sku": "A"}, "quantity": {"value": "2,5"}}]},
        ],
    });
    let problem = Body::from_json(Kind::ShipmentConfirmed, json).unwrap_err();
    assert_eq!(problem.to_string(), "packages[1].contents[0].quantity.value: \"2,5\" is not a decimal");
}

#[test]
fn a_newer_schema_is_refused_by_name() {
    let mut json = example().to_json();
    json["schemaVersion"] = serde_json::json!(2);
    let problem = Envelope::from_json(json).unwrap_err();
    assert_eq!(problem.to_string(), "schema_version: is 2; this release reads up to 1");
}

#[test]
fn what_is_required_is_asked_for() {
    for (member, problem) in [
        ("messageId", "message_id: is required"),
        ("connection", "connection: is required"),
        ("orderingKey", "ordering_key: is required"),
        ("occurredAt", "occurred_at: is required"),
        ("origin", "origin: is required"),
        ("orderReleased", "body: is of a kind that this release does not know"),
    ] {
        let mut json = example().to_json();
        json.as_object_mut().unwrap().remove(member).unwrap_or_else(|| panic!("{member} is not in the example"));
        assert_eq!(Envelope::from_json(json).unwrap_err().to_string(), problem);
    }
}

/// The example of `docs/vectors.md`, built once more by hand.
pub fn example() -> Envelope {
    Envelope::from_json(serde_json::json!({
        "messageId": "00000000-0000-0000-0000-000000000001",
        "schemaVersion": 1,
        "connection": "contoso",
        "sourceSystem": "finance_operations",
        "orderingKey": "order/contoso/usmf-SHP0012",
        "occurredAt": "2026-11-24T08:00:00Z",
        "timePrecision": "INSTANT",
        "receivedAt": "2026-11-24T08:00:01Z",
        "origin": "WEBHOOK",
        "orderReleased": {"document": {"requestId": "SHP0012"}},
    }))
    .unwrap()
}
