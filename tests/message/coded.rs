//! Coded values: what we do not know is kept, never refused.

use drayline::message::{Body, Kind, OrderStatus, OrderStatusCode, ReasonCode};
use proptest::prelude::*;
use serde_json::{Value, json};

fn status_changed(status: &Value, reason: &Value) -> Body {
    let json = json!({"order": {"reference": "usmf-SHP0012-W1"}, "status": status, "reason": reason});
    Body::from_json(Kind::OrderStatusChanged, json).unwrap()
}

fn status(status: &Value) -> OrderStatus {
    match status_changed(status, &Value::Null) {
        Body::OrderStatusChanged(body) => body.status,
        other => panic!("{other:?}"),
    }
}

fn told(code: OrderStatusCode, raw: Option<&str>) -> OrderStatus {
    OrderStatus { code, raw: raw.map(str::to_owned) }
}

#[test]
fn a_known_code_is_known_however_it_is_spelled() {
    for spelling in
        [json!("PARTIALLY_SHIPPED"), json!("partially-shipped"), json!("PartiallyShipped"), json!(48), json!("48")]
    {
        assert_eq!(status(&spelling), told(OrderStatusCode::PartiallyShipped, None), "{spelling}");
        let whole = json!({"code": spelling, "raw": "part. shipped"});
        assert_eq!(status(&whole), told(OrderStatusCode::PartiallyShipped, Some("part. shipped")));
    }
}

#[test]
fn an_unknown_code_becomes_other_and_keeps_its_word() {
    for (unknown, word) in
        [(json!("TELEPORTED"), "TELEPORTED"), (json!(77), "77"), (json!({"code": "TELEPORTED"}), "TELEPORTED")]
    {
        assert_eq!(status(&unknown), told(OrderStatusCode::Other, Some(word)));
    }
    // The sender's own word goes before the code that we could not read.
    assert_eq!(
        status(&json!({"code": "X9", "raw": "lost in space"})),
        told(OrderStatusCode::Other, Some("lost in space"))
    );
}

#[test]
fn the_sentence_of_a_reason_is_kept_whole() {
    let reason = json!({"code": "SOLAR_STORM", "raw": "E-42", "text": "A solar storm\nstopped the belt."});
    let Body::OrderStatusChanged(body) = status_changed(&json!("RECEIVED"), &reason) else { panic!() };
    let reason = body.reason.unwrap();
    assert_eq!(reason.code, ReasonCode::Other);
    assert_eq!(
        (reason.raw.as_deref(), reason.text.as_deref()),
        (Some("E-42"), Some("A solar storm\nstopped the belt."))
    );
}

#[test]
fn what_is_no_code_at_all_is_refused() {
    for nonsense in [json!([1]), json!(true), json!({"code": {"a": 1}})] {
        let json = json!({"order": {}, "status": nonsense});
        assert!(Body::from_json(Kind::OrderStatusChanged, json).is_err());
    }
}

#[test]
fn unknown_words_survive_json_and_wire() {
    proptest!(|(word in "[A-Z]{2,12}[0-9]{2}")| {
        let read = status(&json!(word));
        prop_assert_eq!(&read, &told(OrderStatusCode::Other, Some(&word)));
        let body = status_changed(&json!(word), &Value::Null);
        prop_assert_eq!(Body::from_json(Kind::OrderStatusChanged, body.to_json()), Ok(body));
    });
}

/// A producer of a newer release writes the number 77 on the wire: field 2 of the body is the status, its field 1 the
/// code.
#[test]
fn an_unknown_number_on_the_wire_becomes_other_and_keeps_the_number() {
    let mut envelope = super::round_trip::example();
    envelope.body = status_changed(&json!("OTHER"), &Value::Null);
    let bytes = envelope.encode();
    // Status as written: tag 0x12, length 2, tag 0x08, 100.
    let written = [0x12, 0x02, 0x08, 100];
    let place = bytes.windows(written.len()).position(|window| window == written).expect("the status is in the bytes");
    let mut newer = bytes.clone();
    newer[place + 3] = 77;
    let read = drayline::message::Envelope::decode(&newer).unwrap();
    let Body::OrderStatusChanged(body) = read.body else { panic!() };
    assert_eq!(body.status, told(OrderStatusCode::Other, Some("77")));
}
