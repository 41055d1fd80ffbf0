//! What comes before every route, on one straight page: who calls, how often, whether they may, what they send, whether
//! they sent it before; and what goes on every answer.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::{FutureExt as _, StreamExt as _};

use super::caller::Caller;
use super::problem::Problem;
use super::{Access, Api, once};
use crate::config::ms;
use crate::gateways::Bucket;
use crate::telemetry::AssumptionBroken;

/// What is too large is read on, up to so many times its limit: who still writes does not see the answer otherwise.
const DRAINED_TIMES_MAX: usize = 8;

/// What a route is guarded with.
#[derive(Clone)]
pub(super) struct Guard {
    pub(super) api: Api,
    pub(super) access: Access,
    /// It may change something.
    pub(super) changes: bool,
    /// Done twice, it is done once.
    pub(super) harmless_twice: bool,
}

/// Everything between a request and its handler.
pub(super) async fn guard(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    guarded(&guard, request, next).await.unwrap_or_else(IntoResponse::into_response)
}

async fn guarded(guard: &Guard, mut request: Request, next: Next) -> Result<Response, Problem> {
    let api = &guard.api;
    let caller = match guard.access {
        Access::Open => None,
        Access::From(role) => {
            let caller = api.caller(request.headers()).await?;
            api.pace(&caller)?;
            caller.may(role)?;
            Some(caller)
        }
    };
    let (parts, body) = request.into_parts();
    let body = read(api, &parts.headers, body).await?;
    let key = match &caller {
        Some(caller) if guard.changes => once::key(caller, &parts, &body)?,
        _ => None,
    };
    request = Request::from_parts(parts, Body::from(body));
    if let Some(caller) = caller {
        request.extensions_mut().insert(caller);
    }
    match key {
        Some(key) => once::once(api, key, guard.harmless_twice, handled(next, request)).await,
        None => Ok(handled(next, request).await),
    }
}

/// The handler's answer; a panic is ours and answered as such.
async fn handled(next: Next, request: Request) -> Response {
    let answered = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    answered.unwrap_or_else(|_| {
        AssumptionBroken { doing: "answering a request of the API", message_id: None, why: "a panic" }.emit();
        Problem::broken().into_response()
    })
}

impl Api {
    /// Counts the request; too many are refused.
    fn pace(&self, caller: &Caller) -> Result<(), Problem> {
        let limits = &self.config.console;
        let now = self.clock.since(self.born);
        let mut paces = self.paces.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (per_minute, at_once) = (limits.requests_per_minute_max, limits.requests_at_once_max);
        let Some(full) = Bucket::new(per_minute, at_once) else { return Ok(()) };
        let bucket = paces.entry(caller.id).or_insert(full);
        let wait: Duration = bucket.wait(now);
        if wait.is_zero() {
            bucket.take(now);
            return Ok(());
        }
        Err(Problem::too_many(per_minute, wait.as_secs() + 1))
    }
}

/// The body, whole and within its limits.
async fn read(api: &Api, headers: &HeaderMap, body: Body) -> Result<Bytes, Problem> {
    let limits = &api.config.console;
    let (bytes_max, drained_max) = (limits.body_bytes_max, limits.body_bytes_max.saturating_mul(DRAINED_TIMES_MAX));
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    let waits = headers.contains_key(header::EXPECT);
    if declared.is_some_and(|length| length > drained_max || (waits && length > bytes_max)) {
        return Err(Problem::too_large(bytes_max));
    }
    let collected = async {
        let (mut stream, mut bytes, mut length) = (body.into_data_stream(), Vec::new(), 0_usize);
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|_| Problem::too_slow())?;
            length = length.saturating_add(chunk.len());
            if length > drained_max {
                break;
            }
            if length <= bytes_max {
                bytes.extend_from_slice(&chunk);
            }
        }
        if length > bytes_max { Err(Problem::too_large(bytes_max)) } else { Ok(Bytes::from(bytes)) }
    };
    let read = tokio::time::timeout(ms(limits.read_deadline_ms), collected).await;
    read.unwrap_or_else(|_| Err(Problem::too_slow()))
}

/// What every answer says to browsers and caches.
pub(super) async fn dressed(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}
