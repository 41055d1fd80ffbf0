//! Finance & Operations: business events, posted by it or relayed by Dataverse, and data events. Thin: each says "look
//! again at document X".

mod bodies;
mod meanings;
mod members;

use serde_json::Value;

use super::instant::dynamics_instant;
use super::json::{self, Problem};
use super::received::{Facts, Received};
use crate::config::Dynamics;
use crate::message::{Body, Envelope, Flow, LegalEntity, OrderingKey};

pub use bodies::is_member;
pub use meanings::configurable;

use meanings::{Meaning, meaning};
use members::Members;

/// What the sender's system is called.
pub(super) const SYSTEM: &str = "finance_operations";

/// Members that name the company, best first.
const COMPANY: &[&str] = &["BusinessEventLegalEntity", "LegalEntity", "dataAreaId"];

/// Translates an event or an array of events: one message for each. What cannot be understood becomes `Unreadable`,
/// with its bytes; an array that holds anything but objects is unreadable as a whole, beside what can be read of it.
#[must_use]
pub fn translate(received: &Received<'_>, dynamics: &Dynamics) -> Vec<Envelope> {
    let whole = |problem: &Problem| {
        let facts = Facts::none(SYSTEM, received);
        received.unreadable(facts, Flow::Orders, problem, received.bytes)
    };
    let text = match json::text(received.bytes) {
        Ok(text) => text,
        Err(problem) => return vec![whole(&problem)],
    };
    // An array may stand around what is itself as deep as allowed.
    let depth_max = received.json_depth_max.saturating_add(usize::from(text.trim_start().starts_with('[')));
    match json::value(text, depth_max) {
        Err(problem) => vec![whole(&problem)],
        Ok(Value::Array(values)) if values.is_empty() => vec![whole(&"the body is an array of nothing".to_owned())],
        Ok(Value::Array(values)) => {
            let texts = json::elements(text).unwrap_or_default();
            let objects = values.iter().zip(texts).filter(|(value, _)| value.is_object());
            let mut messages: Vec<_> =
                objects.map(|(value, text)| one(received, dynamics, value, text.as_bytes())).collect();
            if messages.len() < values.len() {
                messages.push(whole(&"the body is an array that holds more than objects".to_owned()));
            }
            messages
        }
        Ok(value) => vec![one(received, dynamics, &value, received.bytes)],
    }
}

fn one(received: &Received<'_>, dynamics: &Dynamics, value: &Value, bytes: &[u8]) -> Envelope {
    let mut facts = Facts::none(SYSTEM, received);
    facts.environment = Some(received.connection.clone());
    match read(received, dynamics, value, &mut facts) {
        Ok((key, body)) => received.understood(facts, Some(key), body, bytes),
        Err((flow, problem)) => received.unreadable(facts, flow, &problem, bytes),
    }
}

/// Fills the facts as far as they are there, so that an unreadable event can be found by them, too.
fn read(
    received: &Received<'_>,
    dynamics: &Dynamics,
    value: &Value,
    facts: &mut Facts,
) -> Result<(OrderingKey, Body), (Flow, Problem)> {
    let of_orders = |problem: Problem| (Flow::Orders, problem);
    let members = Members::of(value, &dynamics.event_members)
        .ok_or_else(|| of_orders("the event is not an object".to_owned()))?;
    facts.event_type = members.event_name();
    let company = members.name(COMPANY).map(|company| company.to_lowercase());
    facts.legal_entity = company.and_then(|company| LegalEntity::new(company).ok());
    if let Some((raw, read)) = occurred(&members) {
        facts.happened(raw, read);
    }
    identity(&members, facts);
    let (name, meaning) = meaning(&members, dynamics).map_err(of_orders)?;
    facts.event_type = Some(name);
    let body = bodies::body(meaning, &members, dynamics).map_err(|problem| (flow(meaning), problem))?;
    let key = bodies::ordering_key(&body, received.connection, facts.legal_entity.as_ref());
    key.map(|key| (key, body)).map_err(|problem| (flow(meaning), problem))
}

/// The finer of both times first.
fn occurred(members: &Members<'_>) -> Option<(String, Option<(jiff::Timestamp, crate::message::TimePrecision)>)> {
    let said = ["EventTimeIso8601", "EventTime", "OperationCreatedOn"];
    let read = said.iter().filter_map(|name| members.text(&[name])).map(|raw| {
        let read = dynamics_instant(&raw);
        (raw, read)
    });
    let (understood, strange): (Vec<_>, Vec<_>) = read.partition(|(_, read)| read.is_some());
    understood.into_iter().chain(strange).next()
}

/// The event's id; without one, company and control number; without those, its bytes.
fn identity(members: &Members<'_>, facts: &mut Facts) {
    facts.event_id = members.text(&["EventId"]);
    let control = members.text(&["ControlNumber"]);
    let of_control =
        control.as_ref().zip(facts.legal_entity.as_ref()).map(|(number, company)| format!("{company}/{number}"));
    facts.identity = facts.event_id.as_deref().map(members::same_guid).or(of_control);
    facts.attributes.extend(control.map(|number| ("control_number".to_owned(), number)));
}

fn flow(meaning: Meaning) -> Flow {
    match meaning {
        Meaning::Released | Meaning::Changed | Meaning::Cancelled => Flow::Orders,
        Meaning::ReceiptAnnounced => Flow::GoodsReceived,
        Meaning::PostingSettled(flow) => flow.unwrap_or(Flow::Shipments),
        Meaning::ReturnAuthorised => Flow::Returns,
        Meaning::ItemChanged => Flow::StockSnapshots,
    }
}
