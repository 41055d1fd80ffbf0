//! What it looks at before it takes something on: whether it knows the items, and whether the address can be one. Which items it
//! does not know, the call `/sandbox/items` says, as somebody does who keeps its item master.

use axum::http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::state::{Fact, Floor, OrderLine};
use crate::sandbox::call::{Answer, Call};
use crate::sandbox::ledger::Effect;

/// What is known from now on, and what is not. At first everything is.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Items {
    known: Vec<String>,
    unknown: Vec<String>,
}

/// Answers `POST /sandbox/items`.
pub(super) fn control(call: &Call) -> Option<Answer<Fact>> {
    if call.path != "/sandbox/items" || call.method != Method::POST {
        return None;
    }
    let read = call.object().map(Value::Object);
    let items = read.and_then(|body| serde_json::from_value::<Items>(body).map_err(|error| error.to_string()));
    let Items { known, unknown } = match items {
        Ok(items) => items,
        Err(problem) => return Some(Answer::new(400, Effect::Refused, json!({ "error": problem }))),
    };
    let mut answer = Answer::new(200, Effect::Changed, json!({ "known": known, "unknown": unknown }));
    let fact = |known| move |sku| Fact::ItemSet { sku, known };
    answer.facts = unknown.into_iter().map(fact(false)).chain(known.into_iter().map(fact(true))).collect();
    Some(answer)
}

/// Why what was sent is not taken on.
pub(super) fn refusal(floor: &Floor, content: &Map<String, Value>, lines: &[OrderLine]) -> Option<String> {
    if let Some(line) = lines.iter().find(|line| floor.unknown.contains(&line.sku)) {
        return Some(format!("lines: {}: the SKU {} is not set up here", line.line_id, line.sku));
    }
    let postal_code = content.get("recipient")?.get("postalCode")?.as_str()?;
    let no_code = !postal_code.is_empty() && !postal_code.contains(|letter: char| letter.is_ascii_digit());
    // What it is instead is somebody's address, and does not belong into an answer.
    no_code.then(|| "recipient.postalCode: is no postal code".to_owned())
}
