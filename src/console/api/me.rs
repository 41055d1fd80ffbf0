//! `GET /v1/me`: who calls, and what the token allows.

use axum::Json;
use serde::Serialize;

use super::caller::Caller;
use super::{Access, Route};
use crate::message::Flow;
use crate::store::Role;

#[derive(Serialize)]
struct Me {
    name: String,
    role: Role,
    flows: Option<Vec<Flow>>,
    connections: Option<Vec<String>>,
}

pub(super) fn routes() -> Vec<Route> {
    vec![Route::get("/v1/me", Access::From(Role::Viewer), &[200], me)]
}

async fn me(caller: Caller) -> Json<Me> {
    let Caller { name, role, flows, connections, .. } = caller;
    Json(Me { name, role, flows, connections })
}
