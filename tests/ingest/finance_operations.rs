//! Finance & Operations events, quirk by quirk.

use drayline::config::{Config, Dynamics, load_text};
use drayline::message::{Body, Connection, Envelope, Flow, OrderingKey, PostingOutcomeCode, TimePrecision, message_id};
use drayline::translation::{Received, translate_finance_operations};
use jiff::Timestamp;
use proptest::prelude::*;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/finance_operations");
const AT: &str = "2025-11-28T16:00:05Z";

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(format!("{FIXTURES}/{name}.json")).unwrap()
}

fn contoso(events: &str) -> Dynamics {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "a-secret").unwrap();
    let config: Config = load_text(&format!(
        "[dynamics.contoso]\nkind = \"finance_operations\"\nurl = \"https://d.example\"\ntoken_url = \"https://t.example\"\n\
         client_id = \"c\"\nclient_secret = \"file:{secret}\"\nsecrets = [\"file:{secret}\"]\nlegal_entities = [\"usmf\"]\n\
         [dynamics.contoso.events]\n{events}",
        secret = secret.display()
    ))
    .unwrap_or_else(|findings| panic!("{findings:#?}"));
    config.dynamics["contoso"].clone()
}

fn translate_at(bytes: &[u8], at: &str, dynamics: &Dynamics) -> Vec<Envelope> {
    let connection = Connection::new("contoso").unwrap();
    let received = Received {
        connection: &connection,
        bytes,
        media_type: Some("application/json"),
        header_id: None,
        at: at.parse::<Timestamp>().unwrap(),
        traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        json_depth_max: 64,
        retry_window_s: 86_400,
    };
    let messages = translate_finance_operations(&received, dynamics);
    for message in &messages {
        assert_eq!(Envelope::decode(&message.encode()).as_ref(), Ok(message), "what is made can be read");
    }
    messages
}

fn one(bytes: &[u8]) -> Envelope {
    let mut messages = translate_at(bytes, AT, &contoso(""));
    assert_eq!(messages.len(), 1, "{messages:#?}");
    messages.remove(0)
}

fn environment() -> Connection {
    Connection::new("contoso").unwrap()
}

fn unreadable(message: &Envelope) -> (Flow, &str) {
    let Body::Unreadable(body) = &message.body else { panic!("{message:#?}") };
    (body.flow, body.problem.as_str())
}

#[test]
fn a_released_order() {
    let message = one(&fixture("outbound_request_created"));
    let Body::OrderReleased(body) = &message.body else { panic!("{message:#?}") };
    assert_eq!(body.document.request_id.as_str(), "SHP0012");
    assert_eq!(body.document.warehouse.as_ref().unwrap().as_str(), "24");
    assert_eq!(message.ordering_key, OrderingKey::order(&environment(), "usmf-SHP0012"));
    assert_eq!(message.legal_entity.as_ref().unwrap().as_str(), "usmf", "in small letters");
    assert_eq!(message.environment, Some(environment()));
    assert_eq!(message.source_system, "finance_operations");
    assert_eq!(message.occurred.at.to_string(), "2025-11-28T16:00:00.1234567Z", "the finer of both times");
    assert_eq!(message.occurred.precision, TimePrecision::Instant);
    assert_eq!(message.external_event_id.as_deref(), Some("A1B2C3D4-0001-4000-8000-00000000000A"));
    assert_eq!(message.attributes["control_number"], "5637144576", "beyond 32 bits");
    assert_eq!(message.raw.as_ref().unwrap().unpack().unwrap(), fixture("outbound_request_created"));
}

#[test]
fn an_old_envelope_with_a_customers_own_members() {
    let message = one(&fixture("outbound_request_created_old"));
    assert!(matches!(message.body, Body::OrderReleased(_)));
    assert_eq!(message.ordering_key, OrderingKey::order(&environment(), "usmf-SHP0013"));
    assert_eq!(message.occurred.at.to_string(), "2025-11-28T16:00:00Z");
    assert_eq!(message.occurred.raw.as_deref(), Some("/Date(1764345600000+0000)/"));
}

#[test]
fn one_guid_in_every_spelling_is_one_message() {
    let original = String::from_utf8(fixture("outbound_request_created")).unwrap();
    let id = "A1B2C3D4-0001-4000-8000-00000000000A";
    let expected = one(original.as_bytes()).message_id;
    let event = "WHSEWOutboundShipmentOrderRequestCreatedBusinessEvent";
    assert_eq!(expected, message_id(&environment(), event, &id.to_lowercase()));
    for spelling in [id.to_lowercase(), format!("{{{id}}}"), format!("{{{}}}", id.to_lowercase()), format!(" {id} ")] {
        assert_eq!(one(original.replace(id, &spelling).as_bytes()).message_id, expected, "{spelling}");
    }
    assert_ne!(one(original.replace("00A\"", "00B\"").as_bytes()).message_id, expected);
}

#[test]
fn without_an_event_id_company_event_and_control_number_name_it() {
    let message = one(&fixture("without_event_id"));
    let event = "WHSEWOutboundShipmentOrderRequestCreatedBusinessEvent";
    assert_eq!(message.message_id, message_id(&environment(), event, "usmf/5637144610"));
    assert_eq!(message.external_event_id, None, "the empty GUID is none");
    assert_eq!(message.occurred.precision, TimePrecision::ReceiveTime, "1900-01-01 is no date");
    assert_eq!(message.occurred.at.to_string(), AT);
}

#[test]
fn without_anything_its_bytes_and_the_retry_window_name_it() {
    let bytes = br#"{"BusinessEventId":"WHSEWOutboundShipmentOrderRequestCreatedBusinessEvent","LegalEntity":"usmf","OutboundShipmentOrderRequestId":"SHP0020"}"#;
    let at = |at| translate_at(bytes, at, &contoso("")).remove(0);
    let (morning, evening, next) = (at("2025-11-28T00:00:00Z"), at("2025-11-28T23:59:59Z"), at("2025-11-29T00:00:00Z"));
    assert_eq!(morning.message_id, evening.message_id, "the same window");
    assert_ne!(morning.message_id, next.message_id, "equal bytes later are a new event");
    assert_eq!(next.attributes["previous_message_id"], morning.message_id.to_string(), "the window before");
    assert!(matches!(morning.body, Body::OrderReleased(_)));
}

#[test]
fn a_settled_posting() {
    let message = one(&fixture("outbound_update_changed_status"));
    let Body::PostingSettled(body) = &message.body else { panic!("{message:#?}") };
    assert_eq!((body.update_id.as_str(), body.flow), ("D0A1B2C3D4E5F6A7B8C9", Flow::Shipments));
    assert_eq!(body.outcome.code, PostingOutcomeCode::Failed);
    assert_eq!(body.text.as_deref(), Some("Period 11 is closed for sales."));
    assert_eq!(message.ordering_key, OrderingKey::alone(&environment(), "D0A1B2C3D4E5F6A7B8C9"));
    let text = String::from_utf8(fixture("outbound_update_changed_status")).unwrap();
    for (status, code) in [
        ("Accepted", PostingOutcomeCode::Processed),
        ("processed", PostingOutcomeCode::Processed),
        ("Received", PostingOutcomeCode::Pending),
        ("Whatever", PostingOutcomeCode::Pending),
        ("", PostingOutcomeCode::Pending),
    ] {
        let other = one(text.replace("\"Failed\"", &format!("{status:?}")).as_bytes());
        let Body::PostingSettled(body) = &other.body else { panic!("{other:#?}") };
        assert_eq!(body.outcome.code, code, "{status:?}");
    }
}

#[test]
fn inbound_counterparts() {
    let message = one(&fixture("inbound_request_created"));
    let Body::ReceiptAnnounced(body) = &message.body else { panic!("{message:#?}") };
    assert_eq!((body.request_id.as_str(), body.order_number.as_deref()), ("INB0007", Some("PO-1002")));
    assert_eq!(message.ordering_key, OrderingKey::inbound_order(&environment(), "usmf-INB0007"));
    let message = one(&fixture("inbound_update_changed_status"));
    let Body::PostingSettled(body) = &message.body else { panic!("{message:#?}") };
    assert_eq!((body.flow, body.outcome.code), (Flow::GoodsReceived, PostingOutcomeCode::Pending));
    assert_eq!(message.flow(), Flow::GoodsReceived);
    let message = one(&fixture("purchase_order_confirmed"));
    let Body::ReceiptAnnounced(body) = &message.body else { panic!("{message:#?}") };
    assert_eq!(body.request_id.as_str(), "PO-1002");
}

#[test]
fn relayed_by_dataverse() {
    let message = one(&fixture("relayed_business_event"));
    let Body::OrderReleased(body) = &message.body else { panic!("{message:#?}") };
    assert_eq!(body.document.request_id.as_str(), "SHP0015");
    assert_eq!(message.external_event_id.as_deref(), Some("A1B2C3D4-0006-4000-8000-00000000000A"));
    assert_eq!(message.occurred.at.to_string(), "2025-11-28T16:00:00Z");
    let message = one(&fixture("relayed_data_event"));
    let Body::OrderChanged(body) = &message.body else { panic!("{message:#?}") };
    assert_eq!(body.document.request_id.as_str(), "SHP0016", "the row, not what it was before");
    assert_eq!(message.legal_entity.as_ref().unwrap().as_str(), "usmf");
    let text = String::from_utf8(fixture("relayed_data_event")).unwrap();
    let created = one(text.replace("OnExternalUpdated", "OnExternalCreated").as_bytes());
    assert!(matches!(created.body, Body::OrderReleased(_)));
    let deleted = one(text.replace("OnExternalUpdated", "Delete").as_bytes());
    assert!(matches!(deleted.body, Body::OrderCancelled(_)));
}

#[test]
fn a_row_that_is_gone_is_named_by_what_it_was() {
    let message = one(&fixture("relayed_row_deleted"));
    let Body::OrderCancelled(body) = &message.body else { panic!("{message:#?}") };
    assert_eq!(body.document.request_id.as_str(), "SHP0018", "not Dataverse's id of its own request");
    assert_eq!(message.ordering_key, OrderingKey::order(&environment(), "usmf-SHP0018"));
    let text = String::from_utf8(fixture("relayed_row_deleted")).unwrap();
    let keyed = text.replace(
        "\"KeyAttributes\": []",
        "\"KeyAttributes\": [{ \"key\": \"mserp_outboundshipmentorderrequestid\", \"value\": \"SHP0019\" }]",
    );
    let Body::OrderCancelled(body) = one(keyed.as_bytes()).body else { panic!() };
    assert_eq!(body.document.request_id.as_str(), "SHP0019", "its key goes before an image");
    let nameless = one(text.replace("SHP0018", "").as_bytes());
    assert!(unreadable(&nameless).1.contains("OutboundShipmentOrderRequestId"), "{nameless:#?}");
}

#[test]
fn a_state_that_is_a_number_makes_us_look_unless_it_is_named() {
    let settled = |bytes: &[u8], dynamics: &Dynamics| match translate_at(bytes, AT, dynamics).remove(0).body {
        Body::PostingSettled(body) => (body.update_id.to_string(), body.outcome.code, body.flow),
        other => panic!("{other:#?}"),
    };
    let bytes = fixture("relayed_update_changed");
    let update = |code| ("D0A1B2C3D4E5F6A7B8C9".to_owned(), code, Flow::Shipments);
    assert_eq!(settled(&bytes, &contoso("")), update(PostingOutcomeCode::Pending));
    let named = contoso("[dynamics.contoso.outbound]\nprocessed_states = [\"200000002\"]\n");
    assert_eq!(settled(&bytes, &named), update(PostingOutcomeCode::Processed));
    let labels = "\"FormattedValues\": [{ \"key\": \"mserp_processingstatus\", \"value\": \"Failed\" }]";
    let labelled = String::from_utf8(bytes).unwrap().replace("\"FormattedValues\": []", labels);
    assert_eq!(settled(labelled.as_bytes(), &named), update(PostingOutcomeCode::Failed), "the word goes first");
}

#[test]
fn members_and_entities_of_a_customers_own_are_configured() {
    let own = contoso(
        "\"mserp_contosoorderentity.OnExternalCreated\" = \"order_released\"\n\
         [dynamics.contoso.event_members]\nOutboundShipmentOrderRequestId = \"Contoso Order\"\ndataAreaId = \"mserp_company\"\n",
    );
    let text = String::from_utf8(fixture("relayed_data_event"))
        .unwrap()
        .replace("OnExternalUpdated", "OnExternalCreated")
        .replace("mserp_outboundshipmentorderrequestentity", "mserp_contosoorderentity")
        .replace("mserp_outboundshipmentorderrequestid", "mserp_contosoorder")
        .replace("mserp_dataareaid", "mserp_company");
    let message = translate_at(text.as_bytes(), AT, &own).remove(0);
    let Body::OrderReleased(body) = &message.body else { panic!("{message:#?}") };
    assert_eq!(body.document.request_id.as_str(), "SHP0016");
    assert_eq!(message.ordering_key, OrderingKey::order(&environment(), "usmf-SHP0016"));
    assert!(unreadable(&one(text.as_bytes())).1.contains("mserp_contosoorderentity.OnExternalCreated"));
}

#[test]
fn strange_contexts_are_kept_whole_and_say_what_is_missing() {
    let context = |target: &str| {
        format!(
            "{{\"MessageName\": \"OnExternalCreated\", \"PrimaryEntityName\": \"mserp_outboundshipmentorderrequestentity\", \
             \"RequestId\": \"5a2f1c00-0000-4000-8000-000000000003\", \"InputParameters\": {target}}}"
        )
    };
    let no_document = "does not name its document";
    for (target, problem) in [
        ("[]", no_document),
        ("{}", "MessageName with InputParameters"),
        ("null", "MessageName with InputParameters"),
        ("[1, null, {}, {\"key\": 1, \"value\": 2}]", no_document),
        ("[{\"key\": \"Target\", \"value\": null}]", no_document),
        ("[{\"key\": \"Target\", \"value\": {\"Attributes\": {}}}]", no_document),
        ("[{\"key\": \"Target\", \"value\": {\"Attributes\": [null, [], {\"key\": \"x\"}]}}]", no_document),
        (
            "[{\"key\": \"Target\", \"value\": {\"Attributes\": [{\"key\": \"mserp_outboundshipmentorderrequestid\", \
             \"value\": {\"Value\": {\"Value\": 1}}}]}}]",
            no_document,
        ),
        (
            "[{\"key\": \"Target\", \"value\": {\"Attributes\": [{\"key\": \"mserp_outboundshipmentorderrequestid\", \
             \"value\": \"SHP1\"}]}}]",
            "LegalEntity",
        ),
    ] {
        let body = context(target);
        let message = one(body.as_bytes());
        assert!(unreadable(&message).1.contains(problem), "{target}: {message:#?}");
        assert_eq!(message.raw.as_ref().unwrap().unpack().unwrap(), body.as_bytes());
    }
}

#[test]
fn a_customers_own_event_with_spaces_in_its_names() {
    let mapped = contoso("ContosoOrderReadyBusinessEvent = \"order_released\"");
    let message = translate_at(&fixture("customer_event"), AT, &mapped).remove(0);
    let Body::OrderReleased(body) = &message.body else { panic!("{message:#?}") };
    assert_eq!(body.document.request_id.as_str(), "SHP0017");
    assert_eq!(message.occurred.at.to_string(), "2025-11-28T16:00:00Z", "a bare number");
    assert_eq!(message.attributes["control_number"], "5637144630");
    let (flow, problem) = (Flow::Orders, "ContosoOrderReadyBusinessEvent");
    let unmapped = one(&fixture("customer_event"));
    assert!(unreadable(&unmapped).0 == flow && unreadable(&unmapped).1.contains(problem), "{unmapped:#?}");
}

#[test]
fn events_of_other_companies_are_published_too() {
    let text = String::from_utf8(fixture("outbound_request_created")).unwrap().replace("USMF", "DEMF");
    let message = one(text.as_bytes());
    assert_eq!(message.legal_entity.as_ref().unwrap().as_str(), "demf");
    assert_eq!(message.ordering_key, OrderingKey::order(&environment(), "demf-SHP0012"));
}

#[test]
fn an_array_is_one_message_each() {
    let (first, second) = (fixture("outbound_request_created"), fixture("purchase_order_confirmed"));
    let array = [b"\xef\xbb\xbf[", first.trim_ascii(), b" ,\n ", second.trim_ascii(), b"]"].concat();
    let messages = translate_at(&array, AT, &contoso(""));
    assert_eq!(messages.len(), 2);
    assert_eq!(messages[0].message_id, one(&first).message_id, "as if it had come alone");
    assert_eq!(messages[0].raw.as_ref().unwrap().unpack().unwrap(), first.trim_ascii(), "each keeps its own bytes");
    assert_eq!(messages[1].message_id, one(&second).message_id);
}

#[test]
fn an_array_with_strangers_keeps_them_and_reads_the_rest() {
    let array = [b"[1, ".as_slice(), fixture("outbound_request_created").trim_ascii(), b"]"].concat();
    let messages = translate_at(&array, AT, &contoso(""));
    assert!(matches!(messages[0].body, Body::OrderReleased(_)));
    assert_eq!(unreadable(&messages[1]).0, Flow::Orders);
    assert_eq!(messages[1].raw.as_ref().unwrap().unpack().unwrap(), array, "the whole body");
    assert_eq!(messages.len(), 2);
}

#[test]
fn what_nobody_understands_is_kept_whole() {
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let deep_object = format!("{{\"a\":{}1{}}}", "[".repeat(64), "]".repeat(64));
    let bodies: [(&[u8], &str); 14] = [
        (b"", "empty"),
        (b" \n ", "empty"),
        (b"garbage", "not JSON"),
        (b"{\"BusinessEventId\":", "not JSON"),
        (b"{\"a\":1}{\"b\":2}", "not JSON"),
        (b"\xff\xfe{}", "not UTF-8 from byte 0"),
        (b"\0\0", "not JSON"),
        (b"[]", "array of nothing"),
        (b"null", "not an object"),
        (b"\"text\"", "not an object"),
        (b"{}", "BusinessEventId: is required"),
        (br#"{"BusinessEventId":"X\u0000"}"#, "U+0000"),
        (deep.as_bytes(), "deeper than"),
        (deep_object.as_bytes(), "deeper than 64"),
    ];
    for (bytes, problem) in bodies {
        let message = one(bytes);
        let (flow, told) = unreadable(&message);
        assert_eq!(flow, Flow::Orders);
        assert!(told.contains(problem), "{told:?} should tell {problem:?}");
        assert_eq!(message.raw.as_ref().unwrap().unpack().unwrap(), bytes);
        assert_eq!(message.message_id, one(bytes).message_id, "a repeat is the same message");
    }
}

#[test]
fn an_event_that_does_not_name_its_document_is_unreadable_and_findable() {
    let text = String::from_utf8(fixture("outbound_request_created")).unwrap();
    let message = one(text.replace("SHP0012", "").as_bytes());
    assert!(unreadable(&message).1.contains("OutboundShipmentOrderRequestId"), "{message:#?}");
    assert_eq!(message.external_event_id.as_deref(), Some("A1B2C3D4-0001-4000-8000-00000000000A"));
    let mended = one(text.as_bytes());
    assert_ne!(message.message_id, mended.message_id, "the same event, mended, is no repeat of the broken one");
    let message = one(text.replace("USMF", "").as_bytes());
    assert!(unreadable(&message).1.contains("LegalEntity"), "{message:#?}");
    let message =
        one(String::from_utf8(fixture("purchase_order_confirmed")).unwrap().replace("PO-1002\"", "\"").as_bytes());
    assert_eq!(unreadable(&message).0, Flow::GoodsReceived, "the people of that flow look at it");
}

#[test]
fn a_document_name_of_any_length_makes_a_key_that_can_travel() {
    let text = String::from_utf8(fixture("outbound_update_changed_status")).unwrap();
    let long = "ü".repeat(290);
    let message = one(text.replace("D0A1B2C3D4E5F6A7B8C9", &long).as_bytes());
    assert!(message.ordering_key.as_str().len() <= 500);
    assert!(matches!(message.body, Body::PostingSettled(_)));
}

const BENT: [&str; 5] = [
    "outbound_request_created",
    "relayed_data_event",
    "relayed_business_event",
    "relayed_row_deleted",
    "outbound_update_changed_status",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn no_bytes_make_it_panic_or_disappear(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(!translate_at(&bytes, AT, &DYNAMICS).is_empty());
    }

    #[test]
    fn no_bent_event_makes_it_panic_or_disappear(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
        for name in BENT {
            let mut bytes = fixture(name);
            let place = at.index(bytes.len());
            bytes[place] = byte;
            prop_assert_eq!(translate_at(&bytes, AT, &DYNAMICS).len(), 1);
            bytes.truncate(cut.index(bytes.len()));
            prop_assert_eq!(translate_at(&bytes, AT, &DYNAMICS).len(), 1);
        }
    }
}

static DYNAMICS: std::sync::LazyLock<Dynamics> = std::sync::LazyLock::new(|| contoso(""));
