//! `POST /v1/returns`: a shop or portal asks for a return. Its `Idempotency-Key` is the shop's own key of the return: asked
//! again, it is the same return, for as long as its return order is in Dynamics.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde::Serialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::asked::Sent;
use super::caller::Caller;
use super::problem::Problem;
use super::{Access, Api, Route};
use crate::message::{
    Body, Connection, Envelope, FactKey, Flow, Kind, LegalEntity, Occurred, OrderingKey, Origin, TimePrecision,
    message_id,
};
use crate::store::{Act, OutboxRow, Purpose, Role};

/// The header that names a return.
const HEADER: &str = "idempotency-key";

/// What the wish is called among events.
const EVENT: &str = "return_requested";

/// Under which names what becomes of it is found.
#[derive(Debug, Serialize)]
struct Taken {
    /// The message.
    message_id: Uuid,
    /// The document; `GET /v1/documents?key=` finds it by the Idempotency-Key, too.
    document: String,
}

pub(super) fn routes() -> Vec<Route> {
    vec![Route::post("/v1/returns", Access::From(Role::Operator), &[202, 415], ask).harmless_twice()]
}

async fn ask(
    State(api): State<Api>,
    caller: Caller,
    headers: HeaderMap,
    Sent(wish): Sent<Map<String, Value>>,
) -> Result<(StatusCode, Json<Taken>), Problem> {
    let key = headers.get(HEADER).and_then(|value| value.to_str().ok());
    let key = key.and_then(|key| FactKey::new(key).ok());
    let key = key.ok_or_else(|| Problem::header("Idempotency-Key", "is required: it names the return"))?;
    let message = message(&api, wish, &key)?;
    let environment = message.connection.to_string();
    caller.may_touch(Some(Flow::Returns), Some(&environment))?;
    let act = Act {
        action: "return.request",
        flow: Some(Flow::Returns),
        connection: Some(environment),
        documents: vec![message.ordering_key.to_string()],
        ..Act::default()
    };
    let row = OutboxRow {
        id: 0,
        flow: Flow::Returns,
        purpose: Purpose::Ingest,
        ordering_key: message.ordering_key.to_string(),
        message_id: message.message_id,
        kind: message.kind().as_str().to_owned(),
        traceparent: None,
        bytes: message.encode(),
        failure: None,
    };
    let doing = Box::pin(async {
        let kept = api.store.accept(&row, api.config.ingest.outbox_rows_max).await?;
        if kept { Ok(()) } else { Err(Problem::full()) }
    });
    api.act(&caller, &act, doing).await?;
    let taken = Taken { message_id: message.message_id, document: message.ordering_key.to_string() };
    Ok((StatusCode::ACCEPTED, Json(taken)))
}

/// The wish as a message: `environment` and `legalEntity` say whose it is, all else is the proto3 JSON of `ReturnRequested`.
fn message(api: &Api, mut wish: Map<String, Value>, key: &FactKey) -> Result<Envelope, Problem> {
    let word = |wish: &mut Map<String, Value>, name: &str| match wish.remove(name) {
        Some(Value::String(text)) if !text.trim().is_empty() => Ok(text),
        _ => Err(Problem::invalid(format!("/{name}"), "is required")),
    };
    let environment = word(&mut wish, "environment")?;
    let legal_entity = word(&mut wish, "legalEntity")?.to_lowercase();
    let known = api.config.dynamics.get(&environment);
    let known = known.ok_or_else(|| Problem::invalid("/environment", format!("{environment:?} is not configured")))?;
    if !known.legal_entities.is_empty() && !known.legal_entities.contains(&legal_entity) {
        return Err(Problem::invalid("/legalEntity", format!("{legal_entity:?} does not take part in {environment}")));
    }
    let invalid = |place: &'static str| move |why: crate::message::Invalid| Problem::invalid(place, why.to_string());
    let connection = Connection::new(environment).map_err(invalid("/environment"))?;
    let legal_entity = LegalEntity::new(legal_entity).map_err(invalid("/legalEntity"))?;
    wish.insert("requestKey".to_owned(), json!(key.as_str()));
    wish.entry("order").or_insert_with(|| json!({}));
    let body = Body::from_json(Kind::ReturnRequested, Value::Object(wish)).map_err(invalid("/"))?;
    let Body::ReturnRequested(asked) = &body else { return Err(Problem::broken()) };
    if asked.lines.is_empty() {
        return Err(Problem::invalid("/lines", "at least one is required"));
    }
    if asked.customer_account.is_none() {
        return Err(Problem::invalid("/customerAccount", "is required"));
    }
    let now = api.clock.now();
    Ok(Envelope {
        message_id: message_id(&connection, EVENT, &format!("{legal_entity}/{key}")),
        source_system: "api".to_owned(),
        external_event_id: Some(key.to_string()),
        external_event_type: Some(EVENT.to_owned()),
        ordering_key: OrderingKey::return_request(&connection, &legal_entity, key.as_str()),
        environment: Some(connection.clone()),
        connection,
        legal_entity: Some(legal_entity),
        occurred: Occurred { at: asked.requested_at.unwrap_or(now), raw: None, precision: TimePrecision::ReceiveTime },
        received_at: now,
        origin: Origin::Manual,
        sequence: None,
        traceparent: None,
        causation_id: None,
        raw: None,
        attributes: BTreeMap::new(),
        body,
    })
}
