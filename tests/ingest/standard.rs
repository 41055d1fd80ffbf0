//! The standard connector: every sample, every schema, every quirk.

use std::collections::{BTreeMap, BTreeSet};

use drayline::config::{Config, Warehouse, load_text};
use drayline::ingest::Scheme;
use drayline::message::{Body, Connection, Envelope, Flow, Kind, OrderingKey, TimePrecision, message_id};
use drayline::translation::{Received, STANDARD_KINDS, translate_standard};
use proptest::prelude::*;
use serde_json::{Value, json};

const CONNECTOR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/connectors/standard");
const AT: &str = "2026-11-27T14:05:09Z";

fn read(path: &str) -> Vec<u8> {
    std::fs::read(format!("{CONNECTOR}/{path}")).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn parsed(path: &str) -> Value {
    serde_json::from_slice(&read(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn north() -> Warehouse {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=").unwrap();
    let config: Config = load_text(&super::house::sections(&secret)).unwrap_or_else(|findings| panic!("{findings:#?}"));
    config.warehouses["north"].clone()
}

fn translate(bytes: &[u8], header_id: Option<&str>) -> Envelope {
    let connection = connection();
    let received = Received {
        connection: &connection,
        bytes,
        media_type: Some("application/json"),
        header_id,
        at: AT.parse().unwrap(),
        traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        json_depth_max: 64,
        retry_window_s: 86_400,
    };
    let message = translate_standard(&received, &NORTH);
    assert_eq!(Envelope::decode(&message.encode()).as_ref(), Ok(&message), "what is made can be read");
    assert_eq!(message.raw.as_ref().unwrap().unpack().unwrap(), bytes, "the bytes are kept");
    message
}

fn connection() -> Connection {
    Connection::new("north").unwrap()
}

fn environment() -> Connection {
    Connection::new("contoso").unwrap()
}

fn sample(kind: Kind) -> Value {
    parsed(&format!("samples/events/{kind}.json"))
}

fn event(json: &Value) -> Envelope {
    translate(json.to_string().as_bytes(), Some("msg_1"))
}

fn problem(message: &Envelope) -> (Flow, &str) {
    let Body::Unreadable(body) = &message.body else { panic!("{message:#?}") };
    (body.flow, body.problem.as_str())
}

#[test]
fn every_sample_is_understood_member_by_member() {
    for kind in STANDARD_KINDS {
        let bytes = read(&format!("samples/events/{kind}.json"));
        let message = translate(&bytes, None);
        assert_eq!(message.kind(), kind, "{message:#?}");
        let json: Value = serde_json::from_slice(&bytes).unwrap();
        let id = json["id"].as_str().unwrap();
        assert_eq!(message.message_id, message_id(&connection(), kind.as_str(), id));
        assert_eq!(message.occurred.precision, TimePrecision::Instant);
        assert_eq!(members(&json["data"], ""), members(&message.body.to_json(), ""), "{kind}: a member got lost");
    }
}

/// The paths of all members, so that spellings of values do not count.
fn members(value: &Value, place: &str) -> BTreeSet<String> {
    match value {
        Value::Object(inner) => {
            inner.iter().flat_map(|(name, value)| members(value, &format!("{place}.{name}"))).collect()
        }
        Value::Array(elements) => elements.iter().flat_map(|value| members(value, &format!("{place}[]"))).collect(),
        _ => BTreeSet::from([place.to_owned()]),
    }
}

#[test]
fn every_sample_follows_its_schema_and_all_together_use_all_of_it() {
    let common = parsed("schema/common.json");
    let mut schemas = Schemas { common: &common, shown: BTreeMap::new() };
    for kind in STANDARD_KINDS {
        let schema = parsed(&format!("schema/{kind}.json"));
        assert_eq!(schema["title"], kind.as_str());
        schemas.follows(&sample(kind), &schema, kind.as_str(), kind.as_str());
    }
    for (record, (shown, all)) in &schemas.shown {
        assert_eq!(shown, all, "no sample shows every member of {record}");
    }
}

/// The part of JSON Schema that our schemas use, and which members of each record the samples have shown.
struct Schemas<'a> {
    common: &'a Value,
    shown: BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)>,
}

impl Schemas<'_> {
    fn follows(&mut self, value: &Value, schema: &Value, place: &str, record: &str) {
        let (schema, record) = match reference(schema) {
            Some(name) => (self.common["$defs"][name].clone(), name.to_owned()),
            None => (schema.clone(), record.to_owned()),
        };
        assert!(schema.is_object(), "{place}: {record} leads nowhere");
        has_type(value, &schema["type"], place);
        assert!(schema["const"].is_null() || &schema["const"] == value, "{place}: {value}");
        if let (Some(members), Some(properties)) = (value.as_object(), schema["properties"].as_object()) {
            let names = |map: &serde_json::Map<String, Value>| map.keys().cloned().collect::<BTreeSet<_>>();
            for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                assert!(members.contains_key(name) && properties.contains_key(name), "{place}.{name} is required");
            }
            let (used, all) = (names(members), names(properties));
            assert!(used.is_subset(&all), "{place}: {used:?} beyond {all:?}");
            self.shown.entry(record.clone()).or_insert_with(|| (BTreeSet::new(), all)).0.extend(used);
            for (name, value) in members {
                self.follows(value, &properties[name], &format!("{place}.{name}"), &format!("{record}.{name}"));
            }
        }
        for (index, element) in value.as_array().into_iter().flatten().enumerate() {
            self.follows(element, &schema["items"], &format!("{place}[{index}]"), &record);
        }
    }
}

fn has_type(value: &Value, types: &Value, place: &str) {
    let types: Vec<&str> = match types {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => return,
    };
    let is = |name: &&str| match *name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64(),
        other => panic!("{place}: {other}"),
    };
    assert!(types.iter().any(is), "{place}: {value} is not {types:?}");
}

fn reference(schema: &Value) -> Option<&str> {
    let reference = schema["$ref"].as_str().or_else(|| schema["allOf"][0]["$ref"].as_str())?;
    Some(reference.strip_prefix("common.json#/$defs/").unwrap())
}

#[test]
fn connector_toml_says_what_the_code_does() {
    use figment::Figment;
    use figment::providers::{Format as _, Toml};
    let connector: Value = Figment::from(Toml::file_exact(format!("{CONNECTOR}/connector.toml"))).extract().unwrap();
    assert_eq!(connector["name"], "standard");
    assert_eq!(connector["events"]["signature"], Scheme::StandardWebhooks.as_str());
    let kinds: Vec<&str> = STANDARD_KINDS.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(connector["events"]["kinds"], json!(kinds));
    for folder in ["schema", "samples/events"] {
        let files = std::fs::read_dir(format!("{CONNECTOR}/{folder}")).unwrap();
        let names: BTreeSet<String> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        let mut expected: BTreeSet<String> = kinds.iter().map(|kind| format!("{kind}.json")).collect();
        expected.extend((folder == "schema").then(|| "common.json".to_owned()));
        assert_eq!(names, expected, "{folder}");
    }
    let document = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/standard-connector.md")).unwrap();
    for kind in kinds {
        assert!(document.contains(&format!("`{kind}`")), "docs/standard-connector.md tells nothing of {kind}");
    }
}

#[test]
fn documents_are_named_by_our_reference() {
    let orders = OrderingKey::order(&environment(), "usmf-SHP0012");
    let inbound = OrderingKey::inbound_order(&environment(), "usmf-INB0007");
    let returns = OrderingKey::rma(&environment(), "RMA-000123");
    let stock = OrderingKey::stock(&connection(), "D0001");
    for kind in STANDARD_KINDS {
        let message = event(&sample(kind));
        let expected = match message.flow() {
            Flow::Orders | Flow::Shipments => orders.clone(),
            Flow::GoodsReceived => inbound.clone(),
            Flow::Returns => returns.clone(),
            Flow::StockAdjustments => stock.clone(),
            Flow::StockSnapshots => OrderingKey::alone(&connection(), &message.message_id.to_string()),
        };
        assert_eq!(message.ordering_key, expected, "{kind}");
        assert_eq!(message.environment, Some(environment()), "{kind}");
        let company = message.legal_entity.as_ref().map(ToString::to_string);
        let named = !matches!(message.flow(), Flow::StockAdjustments | Flow::StockSnapshots);
        assert_eq!(company.as_deref(), named.then_some("usmf"), "{kind}");
    }
}

#[test]
fn a_reference_that_is_absent_or_foreign_stands_alone() {
    for reference in [Value::Null, json!(""), json!("their-own-7"), json!("usmf-SHP0012-W1-1")] {
        let mut shipment = sample(Kind::ShipmentConfirmed);
        shipment["data"]["order"]["reference"] = reference.clone();
        let message = event(&shipment);
        assert!(matches!(message.body, Body::ShipmentConfirmed(_)), "{reference}");
        assert_eq!(message.ordering_key, OrderingKey::alone(&connection(), &message.message_id.to_string()));
        assert_eq!(message.legal_entity, None);
    }
    let mut part = sample(Kind::ShipmentConfirmed);
    part["data"]["order"]["reference"] = json!("usmf-SHP0012-W2R3");
    assert_eq!(
        event(&part).ordering_key,
        OrderingKey::order(&environment(), "usmf-SHP0012"),
        "every part and revision"
    );
}

#[test]
fn a_return_without_an_rma_is_named_by_the_warehouses_key() {
    let mut blind = sample(Kind::ReturnReceived);
    blind["data"]["rma"] = Value::Null;
    assert_eq!(event(&blind).ordering_key, OrderingKey::rma(&environment(), "N-RET-77"));
}

#[test]
fn the_id_of_the_event_goes_before_the_id_of_the_delivery() {
    let mut accepted = sample(Kind::OrderAccepted);
    assert_eq!(event(&accepted).message_id, message_id(&connection(), "order_accepted", "evt-000001"));
    accepted["id"] = json!(17);
    assert_eq!(event(&accepted).message_id, message_id(&connection(), "order_accepted", "17"));
    for absent in [json!(""), Value::Null] {
        accepted["id"] = absent;
        assert_eq!(event(&accepted).message_id, message_id(&connection(), "order_accepted", "msg_1"));
    }
    let bytes = accepted.to_string();
    let (first, again) = (translate(bytes.as_bytes(), None), translate(bytes.as_bytes(), None));
    assert_eq!(first.message_id, again.message_id);
    assert!(first.attributes.contains_key("previous_message_id"), "without any id its bytes name it");
}

#[test]
fn times_without_a_zone_and_no_times() {
    let mut accepted = sample(Kind::OrderAccepted);
    accepted["timestamp"] = json!("2026-11-27 10:00:00.1234567");
    let message = event(&accepted);
    assert_eq!(message.occurred.precision, TimePrecision::AssumedZone);
    assert_eq!(message.occurred.at.to_string(), "2026-11-27T10:00:00.1234567Z");
    for strange in [Value::Null, json!("yesterday")] {
        accepted["timestamp"] = strange.clone();
        let message = event(&accepted);
        assert_eq!(message.occurred.precision, TimePrecision::ReceiveTime);
        assert_eq!(message.occurred.at.to_string(), AT);
        assert_eq!(message.occurred.raw.as_deref(), strange.as_str(), "what was said is kept");
    }
}

#[test]
fn codes_that_nobody_knows_and_members_that_nobody_knows_are_no_problem() {
    let mut status = sample(Kind::OrderStatusChanged);
    status["data"]["status"] = json!("waitingForTheMoon");
    status["data"]["newMember"] = json!({"a": [1, 2]});
    let message = event(&status);
    let Body::OrderStatusChanged(body) = &message.body else { panic!("{message:#?}") };
    assert_eq!(body.status.raw.as_deref(), Some("waitingForTheMoon"));
}

#[test]
fn the_senders_version_is_kept() {
    assert_eq!(event(&sample(Kind::GoodsReceived)).sequence, Some(3));
}

#[test]
fn what_nobody_understands_is_kept_with_its_problem() {
    let shipment = sample(Kind::ShipmentConfirmed);
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut json = shipment.clone();
        change(&mut json);
        json.to_string()
    };
    let bodies: [(String, Flow, &str); 11] = [
        (String::new(), Flow::Orders, "empty"),
        ("[]".to_owned(), Flow::Orders, "not an object"),
        (shipment.to_string()[..100].to_owned(), Flow::Orders, "not JSON"),
        (changed(&|json| json["type"] = Value::Null), Flow::Orders, "type: is required"),
        (changed(&|json| json["type"] = json!("shipment.confirmed")), Flow::Orders, "not a kind of message"),
        (changed(&|json| json["type"] = json!("order_released")), Flow::Orders, "nothing that a warehouse says"),
        (changed(&|json| json["id"] = json!("x".repeat(301))), Flow::Shipments, "id: is longer"),
        (changed(&|json| json["data"] = json!([])), Flow::Shipments, "data: is required"),
        (changed(&|json| json["data"]["shipmentKey"] = json!("")), Flow::Shipments, "data.shipment_key: is required"),
        (
            changed(&|json| json["data"]["packages"][0]["contents"][0]["quantity"]["value"] = json!("2,5")),
            Flow::Shipments,
            "data.packages[0].contents[0].quantity.value: \"2,5\" is not a decimal",
        ),
        (changed(&|json| json["data"]["proNumber"] = json!("a\0b")), Flow::Orders, "U+0000"),
    ];
    for (body, flow, told) in bodies {
        let message = translate(body.as_bytes(), Some("msg_1"));
        assert_eq!(problem(&message).0, flow, "{message:#?}");
        assert!(problem(&message).1.contains(told), "{:?} should tell {told:?}", problem(&message).1);
        assert_ne!(message.message_id, event(&shipment).message_id, "mended, it is no repeat");
    }
}

#[test]
fn a_key_of_any_length_can_travel_and_is_the_same_each_time() {
    let mut adjusted = sample(Kind::StockAdjusted);
    adjusted["data"]["item"]["sku"] = json!("ü".repeat(200));
    let first = event(&adjusted);
    adjusted["id"] = json!("evt-another");
    let second = event(&adjusted);
    assert!(matches!(first.body, Body::StockAdjusted(_)));
    assert_eq!(first.ordering_key, second.ordering_key);
    let mut returned = sample(Kind::ReturnReceived);
    returned["data"]["rma"] = json!("R\u{7}MA");
    assert!(matches!(event(&returned).body, Body::ReturnReceived(_)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn no_bent_event_makes_it_panic_or_disappear(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
        let mut bytes = read("samples/events/shipment_confirmed.json");
        let place = at.index(bytes.len());
        let end = bytes.trim_ascii_end().len();
        prop_assert!(matches!(translate(&bytes[..cut.index(end)], None).body, Body::Unreadable(_)));
        bytes[place] = byte;
        let message = translate(&bytes, Some("msg_1"));
        prop_assert_eq!(message.raw.unwrap().unpack().unwrap(), bytes, "whatever it is taken for, it is kept whole");
    }
}

static NORTH: std::sync::LazyLock<Warehouse> = std::sync::LazyLock::new(north);
