//! The one way in which far ends are called: limits, egress, telemetry, and the sorting of what can come back.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Client, Method, Url};
use tokio::sync::Semaphore;

use super::egress::Egress;
use super::error::GatewayError;
use crate::clock::{Clock, Mark};
use crate::config::{Gateways as Limits, ms};
use crate::message::Connection;
use crate::telemetry::FarEndCalled;

/// More of a refusal than this many characters is not kept.
const WORDS_MAX: usize = 2000;

/// Calls of one connection.
pub(super) struct Http {
    client: Client,
    connection: Connection,
    places: Arc<Semaphore>,
    egress: Egress,
    response_bytes_max: usize,
    clock: Clock,
}

/// One call.
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) url: Url,
    /// What is called, in our words: `create_order`.
    pub(super) name: &'static str,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<(&'static str, Vec<u8>)>,
    /// Whether it changes something at the far end.
    pub(super) changes: bool,
}

/// An answer of any status.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Call {
    /// A call that only looks.
    pub(super) fn read(name: &'static str, url: Url) -> Self {
        Self { method: Method::GET, url, name, headers: HeaderMap::new(), body: None, changes: false }
    }

    /// A call that changes something.
    pub(super) fn change(name: &'static str, method: Method, url: Url, json: Vec<u8>) -> Self {
        let body = Some(("application/json", json));
        Self { method, url, name, headers: HeaderMap::new(), body, changes: true }
    }

    /// With a header; a value that cannot be one is left out by whoever made it.
    pub(super) fn header(mut self, name: &'static str, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }
}

impl Http {
    pub(super) fn new(connection: Connection, limits: &Limits, clock: &Clock) -> Result<Self, reqwest::Error> {
        // Whoever comes first installs it; all install the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let egress = Egress::new(limits.private_addresses);
        let client = Client::builder()
            .connect_timeout(ms(limits.connect_ms_max))
            .timeout(ms(limits.call_ms_max))
            .redirect(reqwest::redirect::Policy::none())
            .dns_resolver(egress.resolver())
            .no_proxy()
            .build()?;
        Ok(Self {
            client,
            connection,
            places: Arc::new(Semaphore::new(limits.calls_at_once_max)),
            egress,
            response_bytes_max: limits.response_bytes_max,
            clock: clock.clone(),
        })
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(super) fn mark(&self) -> Mark {
        self.clock.mark()
    }

    pub(super) fn since(&self, mark: Mark) -> Duration {
        self.clock.since(mark)
    }

    /// Calls, and reads the answer whole, whatever its status.
    pub(super) async fn send(&self, call: Call) -> Result<Answer, GatewayError> {
        if let Some(refusal) = self.egress.refuses(&call.url) {
            return Err(GatewayError::NotSent(refusal));
        }
        // The semaphore is never closed; without a place nothing is sent.
        let Ok(_place) = self.places.acquire().await else { return Err(GatewayError::NotSent("closed".to_owned())) };
        let (name, mark) = (call.name, self.clock.mark());
        let answered = self.exchange(call).await;
        let status = answered.as_ref().map_or_else(|_| "none".to_owned(), |answer| answer.status.to_string());
        let took = self.clock.since(mark);
        FarEndCalled { connection: self.connection.as_str(), call: name, status: &status, took }.emit();
        answered
    }

    async fn exchange(&self, call: Call) -> Result<Answer, GatewayError> {
        let Call { method, url, headers, body, changes, .. } = call;
        let mut request = self.client.request(method, url).headers(headers);
        if let Some((media_type, bytes)) = body {
            request = request.header("content-type", media_type).body(bytes);
        }
        let mut response = request.send().await.map_err(|error| silence(&error, changes))?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| silence(&error, changes))? {
            if body.len() + chunk.len() > self.response_bytes_max {
                let why = format!("it is larger than {} bytes (gateways.response_bytes_max)", self.response_bytes_max);
                return Err(GatewayError::Unreadable(why));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, headers, body })
    }
}

fn silence(error: &reqwest::Error, changes: bool) -> GatewayError {
    let why = reason(error);
    if error.is_connect() || error.is_builder() {
        return GatewayError::NotSent(why);
    }
    GatewayError::Silence { changes, why }
}

/// The whole chain of causes, without the address: it may hold a secret.
fn reason(error: &dyn std::error::Error) -> String {
    let mut causes = Vec::new();
    let mut source = error.source();
    while let Some(cause) = source {
        causes.push(cause.to_string());
        source = cause.source();
    }
    if causes.is_empty() { "the connection ended".to_owned() } else { causes.join(": ") }
}

impl Answer {
    pub(super) fn succeeded(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The far end's words, as far as they are text.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).chars().take(WORDS_MAX).collect()
    }

    /// Sorts an answer that is no success; `words` is what the far end says, without its wrapping.
    pub(super) fn error(&self, changes: bool, words: String, now: Timestamp) -> GatewayError {
        let delay = retry_after(&self.headers, now);
        match self.status {
            401 => GatewayError::Unauthorised(words),
            403 => GatewayError::Forbidden(words),
            404 => GatewayError::NotFound(words),
            409 | 412 => GatewayError::Conflict(words),
            429 => GatewayError::Throttled(delay),
            503 if delay.is_some() && !changes => GatewayError::Throttled(delay),
            408 | 500.. => GatewayError::Silence { changes, why: format!("{} {words}", self.status) },
            status => GatewayError::Refused { status, words },
        }
    }
}

/// How long to wait, in whatever way a far end says it (reference of vendors: seconds, a date, a header of its own).
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let names = ["retry-after", "x-retry-after", "x-rate-limit-reset"];
    let said = names.into_iter().find_map(|name| headers.get(name)?.to_str().ok())?.trim();
    if let Ok(seconds) = said.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let at = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(said).ok()?;
    Some(Duration::try_from(at.duration_since(now)).unwrap_or_default())
}
