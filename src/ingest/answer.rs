//! What a sender is told: a closed set, each member with one status, and one line in the log for every answer.

use std::panic::AssertUnwindSafe;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;
use uuid::Uuid;

use super::accept::Way;
use crate::clock::Clock;
use crate::telemetry::IngestAnswered;

/// What became of a request.
#[derive(Debug)]
pub(super) struct Answer {
    /// The configured connection, where the request named one.
    pub source: Option<String>,
    /// The first message, where there is one.
    pub message_id: Option<Uuid>,
    pub outcome: Result<Welcome, Refusal>,
}

/// Why a request was answered with success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Welcome {
    /// Everything it said is durable.
    Durable { way: Way, unreadable: bool },
    /// It only asked whether somebody is here.
    Here,
    /// It asked which methods there are.
    Options,
}

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Nobody of this name. Never 410: that would remove the subscription at several senders.
    Unknown,
    /// Secret or signature; which check failed is not told.
    NotAuthentic,
    /// Another method than POST.
    Method,
    TooLarge,
    MediaType,
    TooSlow,
    /// The request ended before its body did.
    Broken,
    Overloaded {
        retry_after_s: u64,
    },
    /// It can be made durable neither in the queue nor in the outbox, or nobody can tell whether it is authentic.
    Unavailable {
        retry_after_s: u64,
    },
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        Self { source: None, message_id: None, outcome: Err(refusal) }
    }
}

/// Carried beside the response to the place where answers are reported.
#[derive(Clone, Debug)]
struct Told {
    source: Option<String>,
    what: &'static str,
    message_id: Option<Uuid>,
}

impl Answer {
    fn what(&self) -> &'static str {
        match &self.outcome {
            Ok(Welcome::Durable { unreadable: true, .. }) => "unreadable",
            Ok(Welcome::Durable { way: Way::Published, .. }) => "published",
            Ok(Welcome::Durable { way: Way::Outbox, .. }) => "outbox",
            Ok(Welcome::Here | Welcome::Options) => "handshake",
            Err(Refusal::Unknown) => "unknown",
            Err(Refusal::NotAuthentic) => "refused",
            Err(Refusal::Method) => "method",
            Err(Refusal::TooLarge) => "too_large",
            Err(Refusal::MediaType) => "media_type",
            Err(Refusal::TooSlow) => "too_slow",
            Err(Refusal::Broken) => "broken",
            Err(Refusal::Overloaded { .. }) => "overloaded",
            Err(Refusal::Unavailable { .. }) => "not_durable",
        }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let what = self.what();
        let mut response = match &self.outcome {
            Ok(Welcome::Durable { .. } | Welcome::Here) => spoken(StatusCode::OK, "Success"),
            Ok(Welcome::Options) => StatusCode::NO_CONTENT.into_response(),
            Err(refusal) => refusal.response(),
        };
        if matches!(self.outcome, Ok(Welcome::Options) | Err(Refusal::Method)) {
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST, HEAD, OPTIONS"));
        }
        response.extensions_mut().insert(Told { source: self.source, what, message_id: self.message_id });
        response
    }
}

impl Refusal {
    fn response(&self) -> Response {
        let (status, words) = match self {
            Self::Unknown => (StatusCode::NOT_FOUND, "Unknown"),
            Self::NotAuthentic => (StatusCode::UNAUTHORIZED, "Not authentic"),
            Self::Method => (StatusCode::METHOD_NOT_ALLOWED, "Events are posted"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "Too large"),
            Self::MediaType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "Send application/json without encoding"),
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, "Too slow"),
            Self::Broken => (StatusCode::BAD_REQUEST, "The body ended early"),
            Self::Overloaded { .. } => (StatusCode::SERVICE_UNAVAILABLE, "Too many requests at a time; come back"),
            Self::Unavailable { .. } => (StatusCode::SERVICE_UNAVAILABLE, "Cannot be kept now; come back"),
        };
        let mut response = spoken(status, words);
        if let Self::Overloaded { retry_after_s } | Self::Unavailable { retry_after_s } = self {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(*retry_after_s));
        }
        response
    }
}

/// The one form of body: some senders accept nothing but `{"code":"200","Status":"Success"}`.
fn spoken(status: StatusCode, words: &str) -> Response {
    let body = format!("{{\"code\":\"{}\",\"Status\":\"{words}\"}}", status.as_u16());
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// What every door stands behind: a panic is answered 500, and every answer is seen.
pub fn guard(routes: Router, clock: Clock) -> Router {
    routes.layer(from_fn_with_state(clock, seen))
}

/// What it panicked with is not told and not logged: it may hold what was sent.
fn panicked() -> Response {
    let mut response = spoken(StatusCode::INTERNAL_SERVER_ERROR, "Failed; come back");
    response.extensions_mut().insert(Told { source: None, what: "panicked", message_id: None });
    response
}

async fn seen(State(clock): State<Clock>, request: Request, next: Next) -> Response {
    let began = clock.mark();
    let asked_head = request.method() == Method::HEAD;
    let response = AssertUnwindSafe(next.run(request)).catch_unwind().await.unwrap_or_else(|_| panicked());
    let told = response.extensions().get::<Told>();
    IngestAnswered {
        source: told.and_then(|told| told.source.as_deref()).unwrap_or("unknown"),
        status: response.status().as_u16(),
        what: told.map_or(if asked_head { "handshake" } else { "unknown" }, |told| told.what),
        message_id: told.and_then(|told| told.message_id),
        took: clock.since(began),
    }
    .emit();
    response
}
