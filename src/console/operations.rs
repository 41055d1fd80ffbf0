//! `/livez`, `/readyz` and `/metrics`.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Serialize;

use crate::config::Config;
use crate::store::Store;
use crate::telemetry::Scrape;
use crate::transport::Transport;

/// A store that has not answered by then is away.
const STORE_ANSWERS_WITHIN: Duration = Duration::from_secs(2);

/// What the answers are made of.
#[derive(Clone)]
#[allow(missing_docs, reason = "each is explained at its type")]
pub struct Operations {
    pub config: Arc<Config>,
    pub store: Store,
    pub transport: Transport,
    pub scrape: Scrape,
}

#[derive(Debug, Serialize)]
struct Readiness {
    ready: bool,
    /// What keeps it from working.
    problems: Vec<String>,
    /// What people should know.
    warnings: Vec<String>,
}

/// The routes.
pub fn operations(state: Operations) -> Router {
    Router::new()
        .route("/livez", get(|| async { "lives\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(state)
}

async fn readyz(State(state): State<Operations>) -> Response {
    let mut readiness = Readiness { ready: true, problems: Vec::new(), warnings: state.transport.warnings() };
    if let Some(away) = state.transport.away_for() {
        readiness.problems.push(format!("The broker has been away for {} s; events go to the outbox.", away.as_secs()));
    }
    match tokio::time::timeout(STORE_ANSWERS_WITHIN, store(&state)).await {
        Ok(Ok((warnings, outbox))) => {
            readiness.warnings.extend(warnings);
            readiness.problems.extend(outbox);
        }
        Ok(Err(error)) => readiness.problems.push(format!("The store cannot be used: {error}.")),
        Err(_) => readiness.problems.push("The store does not answer.".to_owned()),
    }
    readiness.ready = readiness.problems.is_empty();
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, axum::Json(readiness)).into_response()
}

async fn store(state: &Operations) -> Result<(Vec<String>, Option<String>), crate::store::StoreError> {
    let warnings = state.store.warnings().await?;
    let waiting = state.store.waiting(None, None).await?;
    let old = waiting.oldest.as_secs() > state.config.watch.outbox_age_s_max;
    let sentence = old.then(|| {
        format!("{} messages wait in the outbox, the oldest for {} s.", waiting.rows, waiting.oldest.as_secs())
    });
    Ok((warnings, sentence))
}

async fn metrics(State(state): State<Operations>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], state.scrape.text()).into_response()
}
