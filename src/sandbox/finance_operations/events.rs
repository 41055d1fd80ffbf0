//! Business events as the real environment sends them: flat, thin, with all their quirks.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::relayed::RowChange;
use super::returns;
use super::rules::FinanceOperationsRules;
use super::state::{Request, Update, UpdateKey};
use crate::sandbox::delivery::{EventName, Notice};
use crate::sandbox::side::Side;
use crate::sandbox::world::Setting;

/// Where control numbers begin: beyond what 32 bits hold.
const CONTROL_NUMBER_FIRST: i64 = 5_637_144_576;

/// The version of a document that nobody changed yet.
const VERSION_FIRST: u32 = 1;

/// An event and its body.
pub(super) type Event = (EventName, Value);

/// What an event is about. The facts make its id: the same facts are the same event.
struct About<'a> {
    kind: &'a str,
    company: &'a str,
    request: &'a str,
    facts: String,
}

/// What tells of a released document.
pub(super) fn about(
    setting: &Setting<FinanceOperationsRules>,
    kind: &str,
    request: &Request,
    now: Timestamp,
) -> Vec<Event> {
    let mut members = Map::new();
    let (entity, id, warehouse) = match request.side {
        Side::Outbound => ("outboundshipmentorderrequest", "OutboundShipmentOrderRequestId", "ShipFromWarehouseId"),
        Side::Inbound => ("inboundshipmentorderrequest", "InboundShipmentOrderRequestId", "ReceivingWarehouseId"),
        Side::Returned => ("returnorderheader", returns::NUMBER, "DefaultReturnWarehouseId"),
    };
    if kind.is_empty() {
        return Vec::new();
    }
    members.insert(id.to_owned(), json!(request.id));
    members.insert(warehouse.to_owned(), request.fields.get(warehouse).cloned().unwrap_or_default());
    members.extend(request.fields.get("RMANumber").map(|rma| ("RMANumber".to_owned(), rma.clone())));
    // Customers extend contracts; what is unknown must not hurt.
    members.insert("Site Code".to_owned(), json!("2"));
    members.insert("Load Planning Group".to_owned(), Value::Null);
    let facts = format!("{kind}/{}/{}/{}", request.company, request.id, request.version);
    let event = event(setting, About { kind, company: &request.company, request: &request.id, facts }, members, now);
    let row = RowChange { entity, created: request.version == VERSION_FIRST };
    setting.rules.event_shapes.of(event, row, setting.chance, now)
}

/// What tells of an update that was processed or refused.
pub(super) fn settled(
    setting: &Setting<FinanceOperationsRules>,
    (side, key, update): (Side, &UpdateKey, &Update),
    refusal: Option<&str>,
    now: Timestamp,
) -> Vec<Event> {
    let mut members = Map::new();
    let (way, kind, entity) = match side {
        Side::Outbound => ("Outbound", &setting.rules.settled_event, "outboundshipmentorderupdate"),
        Side::Inbound | Side::Returned => ("Inbound", &setting.rules.received_event, "inboundshipmentorderupdate"),
    };
    members.insert(format!("{way}ShipmentOrderUpdateId"), json!(key.1));
    members.insert(format!("{way}ShipmentOrderOriginId"), json!(key.2));
    members.insert("ProcessingStatus".to_owned(), json!(if refusal.is_some() { "Failed" } else { "Accepted" }));
    members.insert(setting.rules.message_field.clone(), json!(refusal.unwrap_or_default()));
    members.insert("Message Queue".to_owned(), json!(format!("WHSEW{way}ShipmentOrderUpdate")));
    let facts = format!("{kind}/{}/{}/{}/{}", key.0, key.1, key.2, update.handed_over);
    let about = About { kind, company: &key.0, request: &update.request, facts };
    let (mut name, body) = event(setting, about, members, now);
    name.subject = Some(key.1.clone());
    setting.rules.event_shapes.of((name, body), RowChange { entity, created: false }, setting.chance, now)
}

fn event(
    setting: &Setting<FinanceOperationsRules>,
    About { kind, company, request, facts }: About<'_>,
    mut members: Map<String, Value>,
    now: Timestamp,
) -> Event {
    let chance = setting.chance;
    let quirk = |name: &str, one_in: u64| chance.below(&format!("quirk/{name}/{facts}"), one_in) == 0;
    let guid = guid(&chance.identifier(&format!("event/{facts}")));
    let shown = if quirk("braces", 2) { format!("{{{guid}}}") } else { guid.clone() };
    let seconds = now.as_second();
    let gap = i64::try_from(chance.below(&format!("control/{facts}"), 97)).unwrap_or(0);
    members.insert("BusinessEventId".to_owned(), json!(kind));
    members.insert("ControlNumber".to_owned(), json!(CONTROL_NUMBER_FIRST + seconds * 100 + gap));
    members.insert("EventId".to_owned(), json!(shown));
    members.insert("EventTime".to_owned(), json!(format!("/Date({}000)/", seconds)));
    if !quirk("no iso time", 4) {
        let iso = format!("{}.{:07}Z", now.strftime("%Y-%m-%dT%H:%M:%S"), now.subsec_nanosecond() / 100);
        members.insert("EventTimeIso8601".to_owned(), json!(iso));
    }
    // Very old versions name the company only in the contract.
    if !quirk("no envelope company", 8) {
        let company = if quirk("capitals", 3) { company.to_uppercase() } else { company.to_owned() };
        members.insert("BusinessEventLegalEntity".to_owned(), json!(company));
    }
    members.insert("LegalEntity".to_owned(), json!(company));
    members.insert("InitiatingUserAADObjectId".to_owned(), json!("{00000000-0000-0000-0000-000000000000}"));
    members.insert("ContextRecordSubject".to_owned(), json!(""));
    members
        .insert("ParentContextRecordSubjects".to_owned(), if quirk("no parents", 2) { Value::Null } else { json!([]) });
    members.insert("MajorVersion".to_owned(), json!(0));
    members.insert("MinorVersion".to_owned(), json!(0));
    (
        EventName { id: guid, kind: kind.to_owned(), reference: Some(request.to_owned()), subject: None },
        Value::Object(members),
    )
}

/// Puts events into bodies: most alone, some in an array of one, some in an array of up to three.
pub(super) fn bundle(setting: &Setting<FinanceOperationsRules>, events: Vec<Event>) -> Vec<Notice> {
    let mut notices = Vec::new();
    let mut events = events.into_iter();
    while let Some(first) = events.next() {
        let draw = setting.chance.below(&format!("bundle/{}", first.0.id), 12);
        let more = match draw {
            0 => 2,
            1 => 1,
            _ => 0,
        };
        let together: Vec<Event> = std::iter::once(first).chain(events.by_ref().take(more)).collect();
        let (names, mut bodies): (Vec<_>, Vec<_>) = together.into_iter().unzip();
        let array = draw <= 2;
        let body = if array { Value::Array(bodies) } else { bodies.pop().unwrap_or_default() };
        notices.push(Notice { events: names, body: body.to_string() });
    }
    notices
}

/// 32 hexadecimal digits as Dynamics writes a GUID.
pub(super) fn guid(digits: &str) -> String {
    let digits = digits.to_uppercase();
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}
