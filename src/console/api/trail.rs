//! `GET /v1/trail`: who did what, newest first.

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::Deserialize;

use super::asked::Ask;
use super::pages::Page;
use super::problem::Problem;
use super::{Access, Api, Route};
use crate::message::Flow;
use crate::store::{Role, TrailFilter, TrailRow};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Filter {
    who: Option<String>,
    action: Option<String>,
    flow: Option<Flow>,
    connection: Option<String>,
    document: Option<String>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
}

pub(super) fn routes() -> Vec<Route> {
    vec![Route::get("/v1/trail", Access::From(Role::Administrator), &[200], list)]
}

async fn list(State(api): State<Api>, ask: Ask<Filter>) -> Result<Json<Page<TrailRow>>, Problem> {
    let Filter { who, action, flow, connection, document, since, until } = ask.filter;
    let before = ask.paging.after()?;
    let filter = TrailFilter { who, action, flow, connection, document, since, until, before };
    let rows = api.store.trail(&filter, ask.paging.rows()).await?;
    Ok(Json(ask.paging.page(None, rows, |row| row.n)))
}
