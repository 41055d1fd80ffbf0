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
use crate::gateways::{Dynamics, FarEndView, Gateways};
use crate::store::{Stopped, Store, WaitsFor};
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
    pub gateways: Gateways,
    pub scrape: Scrape,
}

#[derive(Debug, Serialize)]
struct Readiness {
    ready: bool,
    /// What keeps it from working.
    problems: Vec<String>,
    /// What people should know.
    warnings: Vec<String>,
    /// What people paused: by whom, since when and why.
    paused: Vec<String>,
    /// Every far end: how this process paces it, and how many messages wait for it in all.
    far_ends: Vec<FarEnd>,
}

#[derive(Debug, Serialize)]
struct FarEnd {
    #[serde(flatten)]
    pace: FarEndView,
    waiting: u64,
}

/// What the store says.
struct Remembered {
    warnings: Vec<String>,
    outbox: Option<String>,
    paused: Vec<String>,
    stopped: Vec<Stopped>,
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
    let mut readiness = Readiness {
        ready: true,
        problems: Vec::new(),
        warnings: state.transport.warnings(),
        paused: Vec::new(),
        far_ends: Vec::new(),
    };
    let mut stopped = Vec::new();
    if let Some(away) = state.transport.away_for() {
        readiness.problems.push(format!("The broker has been away for {} s; events go to the outbox.", away.as_secs()));
    }
    match tokio::time::timeout(STORE_ANSWERS_WITHIN, store(&state)).await {
        Ok(Ok(remembered)) => {
            readiness.warnings.extend(remembered.warnings);
            readiness.problems.extend(remembered.outbox);
            readiness.paused = remembered.paused;
            stopped = remembered.stopped;
        }
        Ok(Err(error)) => readiness.problems.push(format!("The store cannot be used: {error}.")),
        Err(_) => readiness.problems.push("The store does not answer.".to_owned()),
    }
    readiness.warnings.extend(state.gateways.environments().filter_map(Dynamics::lacks));
    for pace in state.gateways.views() {
        let waiting = waiting(&stopped, pace.connection.as_str());
        readiness.warnings.extend(pace.why.clone());
        if waiting >= state.config.processor.waiting_per_far_end_max {
            readiness.warnings.push(format!(
                "{waiting} messages wait for {}, as many as may: partitions that bring more do not read their queues until it \
                 is less.",
                pace.connection
            ));
        }
        readiness.far_ends.push(FarEnd { pace, waiting });
    }
    readiness.ready = readiness.problems.is_empty();
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, axum::Json(readiness)).into_response()
}

/// How many messages wait for a far end.
fn waiting(stopped: &[Stopped], name: &str) -> u64 {
    let of_it = |one: &&Stopped| matches!(&one.waits_for, WaitsFor::FarEnd { connection } if connection == name);
    stopped.iter().filter(of_it).map(|one| one.messages).sum()
}

async fn store(state: &Operations) -> Result<Remembered, crate::store::StoreError> {
    let warnings = state.store.warnings().await?;
    let waiting = state.store.waiting(None, None).await?;
    let old = waiting.oldest.as_secs() > state.config.watch.outbox_age_s_max;
    let sentence = old.then(|| {
        format!("{} messages wait in the outbox, the oldest for {} s.", waiting.rows, waiting.oldest.as_secs())
    });
    let paused = state.store.pauses().await?.iter().map(ToString::to_string).collect();
    let stopped = state.store.stopped().await?;
    Ok(Remembered { warnings, outbox: sentence, paused, stopped })
}

async fn metrics(State(state): State<Operations>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], state.scrape.text()).into_response()
}
