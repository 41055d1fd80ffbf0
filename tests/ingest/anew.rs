//! What was kept of a message, translated by what is known since.

use drayline::config::{Config, load_text};
use drayline::exceptions::{Patch, Patched};
use drayline::message::{Body, Connection, Envelope};
use drayline::translation::{Received, anew, translate_finance_operations};
use serde_json::{Value, json};

/// The configuration with more in the section of the environment.
fn config(more: &str) -> Config {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=").unwrap();
    let text =
        super::house::sections(&secret).replacen("[dynamics.contoso]", &format!("[dynamics.contoso]\n{more}"), 1);
    load_text(&text).unwrap_or_else(|findings| panic!("{findings:#?}"))
}

fn event(name: &str) -> Value {
    json!({
        "BusinessEventId": name,
        "EventId": "A1B2C3D4-0001-4000-8000-00000000000A",
        "BusinessEventLegalEntity": "USMF",
        "OutboundShipmentOrderRequestId": "SHP1",
        "SalesOrderNumber": "4711",
        "ContosoOrder": "SO-1",
        "ContosoRequest": "SHP2",
    })
}

fn received(config: &Config, event: &Value) -> Envelope {
    let bytes = event.to_string();
    let connection = Connection::new("contoso").unwrap();
    let received = Received {
        connection: &connection,
        bytes: bytes.as_bytes(),
        media_type: None,
        header_id: None,
        at: "2026-11-27T14:05:09Z".parse().unwrap(),
        traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        json_depth_max: config.ingest.json_depth_max,
        retry_window_s: config.ingest.retry_window_s,
    };
    translate_finance_operations(&received, &config.dynamics["contoso"]).remove(0)
}

fn patched(config: &Config, message: &Envelope, patch: &str) -> Result<Patched, String> {
    Patch::new(patch).unwrap().apply(std::iter::once(message.encode()), config).remove(0)
}

const RELEASED: &str = "WHSEWOutboundShipmentOrderRequestCreatedBusinessEvent";

#[test]
fn todays_translation_corrects_what_was_understood_wrongly_and_nothing_else() {
    let before = config("");
    let message = received(&before, &event(RELEASED));
    let Body::OrderReleased(body) = &message.body else { panic!("{message:#?}") };
    assert_eq!(body.document.order_number.as_deref(), Some("4711"));
    assert!(patched(&before, &message, "translated").unwrap().changes.is_empty(), "as long as nothing is known better");

    let today = config("event_members = { SalesOrderNumber = \"ContosoOrder\" }");
    let corrected = patched(&today, &message, "translated").unwrap();
    let places: Vec<_> = corrected.changes.iter().map(|change| change.place.as_str()).collect();
    assert_eq!(places, ["orderReleased.document.orderNumber"]);
    let corrected = Envelope::decode(&corrected.bytes).unwrap();
    let Body::OrderReleased(body) = &corrected.body else { panic!("{corrected:#?}") };
    assert_eq!(body.document.order_number.as_deref(), Some("SO-1"));
    assert_eq!(Envelope { body: message.body.clone(), ..corrected }, message, "the rest stays");

    // A person's filter comes after it, and may still not change what tells documents apart.
    let why = patched(&today, &message, "translated | .orderReleased.document.orderNumber = \"SO-2\"").unwrap_err();
    assert!(why.contains("cannot be changed"), "{why}");
    assert_eq!(patched(&today, &message, "translated | .").unwrap().changes.len(), 1);
}

#[test]
fn what_would_be_another_message_today_stays_as_it_is() {
    let before = config("");
    let message = received(&before, &event(RELEASED));
    let another = config("event_members = { OutboundShipmentOrderRequestId = \"ContosoRequest\" }");
    let why = patched(&another, &message, "translated").unwrap_err();
    assert!(why.contains("order_released of order/contoso/usmf-SHP2"), "{why}");
    let of_us = Envelope { raw: None, ..message.clone() };
    assert!(patched(&before, &of_us, "translated").unwrap_err().contains("Nothing that a sender said"));
    let gone = Envelope { connection: Connection::new("fabrikam").unwrap(), ..message };
    assert!(patched(&before, &gone, "translated").unwrap_err().contains("[dynamics.fabrikam]"));
    for wrong in ["translated | ", "translated .", "translatedly"] {
        assert!(Patch::new(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn what_nobody_understood_has_the_identity_that_it_would_have_had() {
    let before = config("");
    let unreadable = received(&before, &event("ContosoOrderToNorth"));
    assert!(unreadable.unreadable().is_some(), "{unreadable:#?}");
    assert!(patched(&before, &unreadable, "translated").unwrap_err().contains("a replay as it is"));
    let same = anew(&before, &unreadable).unwrap();
    assert_eq!(same, std::slice::from_ref(&unreadable), "the same, as long as nothing is known better");
    let today = config("events = { ContosoOrderToNorth = \"order_released\" }");
    let had = received(&today, &event("ContosoOrderToNorth"));
    let anew = anew(&today, &unreadable).unwrap();
    assert_eq!(anew, [Envelope { causation_id: Some(unreadable.message_id), ..had }]);
}
