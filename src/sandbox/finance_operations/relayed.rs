//! The same news in the shapes in which Dataverse posts it: a business event inside an execution context, and the data
//! event of the row that changed.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::events::{Event, guid};
use crate::sandbox::chance::Chance;

/// "No GUID".
const ZERO: &str = "00000000-0000-0000-0000-000000000000";

/// What types are called.
const TYPES: &str = "http://schemas.microsoft.com/xrm/2011/Contracts";

/// Where option values of Finance & Operations begin.
const OPTION_FIRST: u32 = 200_000_000;

/// The states of an update, in the order of their numbers.
const STATES: [&str; 6] = ["Receiving", "Received", "Accepted", "Failed", "Draft", "Canceled"];

/// Members of business events that no row has.
const OF_EVENTS: [&str; 12] = [
    "BusinessEventId",
    "BusinessEventLegalEntity",
    "ControlNumber",
    "EventId",
    "EventTime",
    "EventTimeIso8601",
    "InitiatingUserAADObjectId",
    "ContextRecordSubject",
    "ParentContextRecordSubjects",
    "MajorVersion",
    "MinorVersion",
    "Message Queue",
];

/// In which shapes news is posted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EventShapes {
    /// Business events, by Finance & Operations itself.
    #[default]
    Direct,
    /// Business events, relayed by Dataverse.
    Relayed,
    /// Data events alone.
    Data,
    /// Each of them: who activated all.
    All,
}

/// What a data event is about.
#[derive(Clone, Copy)]
pub(super) struct RowChange {
    /// The row's entity, without Dataverse's prefix.
    pub(super) entity: &'static str,
    /// Whether the row is new.
    pub(super) created: bool,
}

impl EventShapes {
    /// An event in these shapes.
    pub(super) fn of(self, event: Event, row: RowChange, chance: Chance, now: Timestamp) -> Vec<Event> {
        match self {
            Self::Direct => vec![event],
            Self::Relayed => vec![business(&event, chance, now)],
            Self::Data => vec![data(&event, row, chance, now)],
            Self::All => {
                let others = [business(&event, chance, now), data(&event, row, chance, now)];
                std::iter::once(event).chain(others).collect()
            }
        }
    }
}

/// The members as input parameters.
fn business((name, body): &Event, chance: Chance, now: Timestamp) -> Event {
    let pair = |(key, value): (&String, &Value)| json!({ "key": of_dataverse(key), "value": value });
    let parameters: Vec<_> = body.as_object().into_iter().flatten().map(pair).collect();
    let message = format!("mserp_{}", name.kind);
    (name.clone(), context(("none", &message), &parameters, &format!("{}/relayed", name.id), (chance, now)))
}

/// The row in `Target`; its id is no fact of the event, so that nobody takes two rows for one.
fn data((name, body): &Event, row: RowChange, chance: Chance, now: Timestamp) -> Event {
    let facts = format!("{}/data", name.id);
    let of_row = |(key, _): &(&String, &Value)| !OF_EVENTS.contains(&key.as_str()) && key.as_str() != "LegalEntity";
    let members = body.as_object().into_iter().flatten().filter(of_row);
    let mut attributes: Vec<_> =
        members.map(|(key, value)| json!({ "key": of_dataverse(key), "value": typed(value) })).collect();
    attributes.push(json!({ "key": "mserp_dataareaid", "value": body["LegalEntity"] }));
    let entity = format!("mserp_{}entity", row.entity);
    let target = json!({
        "__type": format!("Entity:{TYPES}"),
        "Attributes": attributes,
        "EntityState": null,
        "FormattedValues": [],
        "Id": guid(&chance.identifier(&format!("row/{facts}"))),
        "KeyAttributes": [],
        "LogicalName": entity,
        "RelatedEntities": [],
        "RowVersion": null,
    });
    let message = if row.created { "OnExternalCreated" } else { "OnExternalUpdated" };
    let mut name = name.clone();
    name.id = guid(&chance.identifier(&facts));
    (name, context((&entity, message), &[json!({ "key": "Target", "value": target })], &facts, (chance, now)))
}

/// What Dataverse puts around everything that it posts.
fn context(
    (entity, message): (&str, &str),
    parameters: &[Value],
    facts: &str,
    (chance, now): (Chance, Timestamp),
) -> Value {
    let drawn = |what: &str| json!(guid(&chance.identifier(&format!("{what}/{facts}"))).to_lowercase());
    let mut members = Map::new();
    let mut say = |name: &str, value: Value| members.insert(name.to_owned(), value);
    say("BusinessUnitId", drawn("unit"));
    say("CorrelationId", drawn("correlation"));
    say("Depth", json!(1));
    say("InitiatingUserId", json!(ZERO));
    say("InputParameters", json!(parameters));
    say("IsExecutingOffline", json!(false));
    say("MessageName", json!(message));
    say("Mode", json!(1));
    say("OperationCreatedOn", json!(format!("/Date({}+0000)/", now.as_millisecond())));
    say("OperationId", drawn("operation"));
    say("OutputParameters", json!([]));
    say("ParentContext", Value::Null);
    say("PostEntityImages", json!([]));
    say("PreEntityImages", json!([]));
    say("PrimaryEntityId", json!(ZERO));
    say("PrimaryEntityName", json!(entity));
    // Of Dataverse's own request; it names no document of ours.
    say("RequestId", drawn("request"));
    say("SecondaryEntityName", json!("none"));
    say("SharedVariables", json!([]));
    say("Stage", json!(40));
    Value::Object(members)
}

fn of_dataverse(name: &str) -> String {
    format!("mserp_{}", name.replace(' ', "").to_lowercase())
}

/// States are numbers in a data event.
fn typed(value: &Value) -> Value {
    let place = value.as_str().and_then(|text| (OPTION_FIRST..).zip(STATES).find(|(_, state)| *state == text));
    match place {
        Some((number, _)) => json!({ "__type": format!("OptionSetValue:{TYPES}"), "Value": number }),
        None => value.clone(),
    }
}
