//! `/v1/tokens`: administrators give tokens, look at them, take them back.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::asked::{Ask, Id, NoFilter, Sent};
use super::caller::{Caller, new_token};
use super::pages::Page;
use super::problem::Problem;
use super::{Access, Api, Route};
use crate::message::{Flow, sha256};
use crate::store::{Act, NewToken, Role, Token};

/// The longest name.
const NAME_LENGTH_MAX: usize = 100;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    name: String,
    role: Role,
    flows: Option<Vec<Flow>>,
    connections: Option<Vec<String>>,
    expires_at: Option<Timestamp>,
}

/// A token as it is given: the only answer that holds it.
#[derive(Serialize)]
pub(super) struct Given {
    pub(super) token: String,
    #[serde(flatten)]
    pub(super) about: Token,
}

pub(super) fn routes() -> Vec<Route> {
    let access = Access::From(Role::Administrator);
    vec![
        Route::get("/v1/tokens", access, &[200], list),
        Route::post("/v1/tokens", access, &[201, 415], give),
        Route::get("/v1/tokens/{id}", access, &[200, 404], show),
        Route::delete("/v1/tokens/{id}", access, &[200, 404], take_back),
    ]
}

async fn list(State(api): State<Api>, ask: Ask<NoFilter>) -> Result<Json<Page<Token>>, Problem> {
    let Ask { paging, filter: NoFilter {} } = ask;
    let (total, tokens) = api.store.tokens(paging.after()?, paging.rows()).await?;
    Ok(Json(paging.page(Some(total), tokens, |token| token.id)))
}

async fn show(State(api): State<Api>, Id(id): Id) -> Result<Json<Token>, Problem> {
    Ok(Json(known(&api, id).await?))
}

async fn give(
    State(api): State<Api>,
    caller: Caller,
    Sent(wanted): Sent<Wanted>,
) -> Result<(StatusCode, Json<Given>), Problem> {
    let token = new_token();
    let new = new(&api, &caller, wanted, &token).await?;
    let fields = ["name", "role", "flows", "connections", "expires_at"].map(str::to_owned).to_vec();
    let act = Act { action: "token.create", documents: vec![new.id.to_string()], fields, ..Act::default() };
    let doing = async { Ok(api.store.add_token(&new).await?) };
    api.act(&caller, &act, doing).await?;
    let about = known(&api, new.id).await?;
    Ok((StatusCode::CREATED, Json(Given { token, about })))
}

async fn take_back(State(api): State<Api>, caller: Caller, Id(id): Id) -> Result<Json<Token>, Problem> {
    known(&api, id).await?;
    let act = Act { action: "token.revoke", documents: vec![id.to_string()], ..Act::default() };
    // Who takes a token back that was taken back gets what he wants.
    let doing = async { Ok(api.store.revoke_token(id, &caller.name).await?) };
    api.act(&caller, &act, doing).await?;
    Ok(Json(known(&api, id).await?))
}

async fn known(api: &Api, id: Uuid) -> Result<Token, Problem> {
    api.store.token(id).await?.ok_or_else(|| Problem::not_found(format!("There is no token {id}.")))
}

/// What is wanted, checked.
async fn new(api: &Api, caller: &Caller, wanted: Wanted, token: &str) -> Result<NewToken, Problem> {
    let name = wanted.name.trim().to_owned();
    if name.is_empty() || name.chars().count() > NAME_LENGTH_MAX || name.chars().any(char::is_control) {
        return Err(Problem::invalid("/name", "must have 1 to 100 letters, and none that cannot be seen"));
    }
    let limited = wanted.flows.is_some() || wanted.connections.is_some();
    if limited && wanted.role == Role::Administrator {
        return Err(Problem::invalid("/role", "an administrator cannot be limited: they could give themselves more"));
    }
    if wanted.flows.as_ref().is_some_and(Vec::is_empty) {
        return Err(Problem::invalid("/flows", "names none; leave it out for all"));
    }
    if wanted.connections.as_ref().is_some_and(Vec::is_empty) {
        return Err(Problem::invalid("/connections", "names none; leave it out for all"));
    }
    for (index, connection) in wanted.connections.iter().flatten().enumerate() {
        let config = &api.config;
        if !config.dynamics.contains_key(connection) && !config.warehouses.contains_key(connection) {
            let problem = format!("{connection:?} is no connection of the configuration");
            return Err(Problem::invalid(format!("/connections/{index}"), problem));
        }
    }
    let limits = &api.config.console;
    let valid = match wanted.expires_at {
        None => Duration::from_secs(limits.token_valid_s.min(limits.token_valid_s_max)),
        Some(at) => Duration::try_from(at.duration_since(api.store.now().await?)).unwrap_or_default(),
    };
    if valid.is_zero() || valid > Duration::from_secs(limits.token_valid_s_max) {
        let days = limits.token_valid_s_max / 86_400;
        return Err(Problem::invalid("/expires_at", format!("must lie ahead, by {days} days at most")));
    }
    Ok(NewToken {
        id: api.clock.identifier(),
        digest: sha256(token.as_bytes()),
        name,
        role: wanted.role,
        flows: wanted.flows,
        connections: wanted.connections,
        made_by: caller.name.clone(),
        valid,
    })
}
