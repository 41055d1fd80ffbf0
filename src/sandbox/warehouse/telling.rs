//! What somebody in the house does with an order by hand, and what the house tells of it: the call `/sandbox/orders`.
//!
//! It refuses nothing that a real house might do or say, however little it fits what lies on the floor: what follows from it
//! is for whoever listens to decide. What is told leaves as every other event does, with the faults of the day.

use axum::http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::events;
use super::rules::WarehouseRules;
use super::state::{Fact, Floor, Stage};
use crate::sandbox::call::{Answer, Call};
use crate::sandbox::ledger::Effect;
use crate::sandbox::side::Side;
use crate::sandbox::world::Setting;

/// What is done with an order, and told of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Deed {
    /// The order, by the product's reference. One that the house never had can be spoken of, too.
    reference: String,
    /// How far it is from now on, where it is live; it stays there.
    #[serde(default)]
    stage: Option<Stage>,
    #[serde(default)]
    tell: Vec<Telling>,
}

/// An event: its kind, and its data without the order.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Telling {
    kind: String,
    data: Map<String, Value>,
}

/// Answers `POST /sandbox/orders`.
pub(super) fn control(floor: &Floor, setting: &Setting<WarehouseRules>, call: &Call) -> Option<Answer<Fact>> {
    if call.path != "/sandbox/orders" || call.method != Method::POST {
        return None;
    }
    let Deed { reference, stage, tell } = match serde_json::from_slice(&call.body) {
        Ok(deed) => deed,
        Err(error) => return Some(Answer::new(400, Effect::Refused, json!({ "error": error.to_string() }))),
    };
    let order = floor.with_reference(Side::Outbound, &reference).last();
    let mut answer = Answer::new(200, Effect::Changed, json!({ "told": tell.len() }));
    let moved = stage.zip(order.filter(|order| order.stage.live()));
    answer.facts.extend(moved.map(|(stage, order)| Fact::Moved { number: order.number, stage, due_ms: None }));
    let told = |Telling { kind, data }| events::told(setting, (&reference, order), (&kind, data), call.at);
    answer.notices = tell.into_iter().map(told).collect();
    Some(answer)
}
