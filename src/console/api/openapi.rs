//! `GET /openapi.json`: the description, one file that a test compares with the routes.

use axum::http::header;
use axum::response::IntoResponse;

use super::{Access, Route};

/// OpenAPI 3.1.
const DESCRIPTION: &str = include_str!("../openapi.json");

pub(super) fn routes() -> Vec<Route> {
    vec![Route::get("/openapi.json", Access::Open, &[200], description)]
}

async fn description() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], DESCRIPTION)
}
