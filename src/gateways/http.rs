//! The one HTTP client: its deadlines, its limits, and how a status is sorted.
//!
//! Invariant: an error says truly whether anything was sent. Without a connection nothing was; once there was one,
//! silence is silence. Nothing is repeated here, and no redirect is followed.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Client, ClientBuilder, RequestBuilder, Url};

use super::egress::{Egress, Private, written_out};
use super::error::{GatewayError, NotSent};
use super::pace::{Health, Pace};
use super::recorder::{self, Speaking};
use super::throttle::{SlowDown, slow_down};
use super::wire::{Way, Wire, WireAnswer};
use crate::clock::{Clock, Mark};
use crate::config::{Gateways, ms};
use crate::message::Connection;
use crate::telemetry::FarEndCalled;

/// A connection that nobody used for so long is closed, before the far end closes it under a call.
const IDLE: Duration = Duration::from_secs(20);

/// What writes requests as we write them.
pub(super) fn writer() -> ClientBuilder {
    // Whoever was first in this process keeps the place; every candidate is the same provider.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().user_agent(concat!("drayline/", env!("CARGO_PKG_VERSION")))
}

/// Builds the client. `secure` says whether any far end needs certificates of authorities.
pub(super) fn client(config: &Gateways, secure: bool) -> Result<Client, reqwest::Error> {
    let builder = writer()
        .connect_timeout(ms(config.connect_ms_max))
        .pool_idle_timeout(IDLE)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .dns_resolver(Arc::new(Egress { private_addresses: config.private_addresses }));
    let builder = if secure { builder } else { builder.tls_certs_only([]) };
    builder.build()
}

/// What is called: our word for it, and whether it may change something at the far end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    pub(super) name: &'static str,
    pub(super) changing: bool,
    /// Nobody waits for it, and how it ends says nothing of the far end's health.
    aside: bool,
    /// What is sent and answered is a secret.
    pub(super) secret: bool,
}

/// A call that only reads.
pub(super) const fn reading(name: &'static str) -> Call {
    Call { name, changing: false, aside: false, secret: false }
}

/// A call that may change something.
pub(super) const fn changing(name: &'static str) -> Call {
    Call { name, changing: true, aside: false, secret: false }
}

/// A call that only reads, long and late if need be: it has limits of its own.
pub(super) const fn aside(name: &'static str) -> Call {
    Call { name, changing: false, aside: true, secret: false }
}

/// A call that proves who we are.
pub(super) const fn secret(name: &'static str) -> Call {
    Call { name, changing: false, aside: false, secret: true }
}

/// Calls one connection, as fast as it bears.
pub(super) struct Caller {
    connection: Connection,
    wire: Wire,
    pace: Arc<Pace>,
    limits: Gateways,
    clock: Clock,
}

/// An answer that was read whole.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
    slow_down: Option<SlowDown>,
    paused_at_most: Duration,
    paused_unsaid: Duration,
}

impl Caller {
    pub(super) fn new(connection: Connection, wire: Wire, pace: Arc<Pace>, limits: &Gateways, clock: &Clock) -> Self {
        Self { connection, wire, pace, limits: limits.clone(), clock: clock.clone() }
    }

    /// A request, to be completed and sent.
    pub(super) fn request(&self, method: reqwest::Method, url: Url) -> RequestBuilder {
        self.wire.client().request(method, url)
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// One of the answers that an answer consists of, as if it had come alone.
    pub(super) fn part(&self, status: u16, body: Vec<u8>) -> Answer {
        self.answer(status, &HeaderMap::new(), body)
    }

    /// Sends a request and reads the whole answer, whatever its status.
    pub(super) async fn send(&self, call: Call, request: RequestBuilder) -> Result<Answer, GatewayError> {
        let not_sent = |why| GatewayError::NotSent { call: call.name, why };
        let deadline = ms(if call.aside { self.limits.metadata_ms_max } else { self.limits.call_ms_max });
        let request = request
            .build()
            .map_err(|error| GatewayError::Unwritable { call: call.name, problem: error.without_url().to_string() })?;
        let private = written_out(request.url()).filter(|_| !self.limits.private_addresses);
        if let Some(Private { host, address }) = private {
            return Err(not_sent(NotSent::PrivateAddress { host, address }));
        }
        let rehearsed = call.changing && recorder::rehearses();
        if !rehearsed {
            self.pace.until_may_send().await.map_err(not_sent)?;
        }
        let bytes_max = self.limits.exchange_bytes_max;
        let mut speaking = Speaking::begin((&self.connection, call), &request, &self.clock, bytes_max);
        if rehearsed {
            return Err(not_sent(NotSent::Rehearsed));
        }
        let mut watched = Watched::begin(self, call);
        // On the heap: what a client needs for one exchange is many times what its caller needs for everything else, and
        // whoever waits long before would carry it along.
        let exchanged = tokio::time::timeout(deadline, Box::pin(self.exchange(call, request))).await;
        let answer = exchanged.unwrap_or_else(|_| Err(silent(call, None)));
        if let (Some(speaking), Ok(answer)) = (&mut speaking, &answer) {
            speaking.answered(answer);
        }
        watched.status = answer.as_ref().ok().map(|answer| answer.status);
        watched.health = match health(&answer) {
            Health::Ill if call.aside => Health::Unknown,
            health => health,
        };
        answer
    }

    async fn exchange(&self, call: Call, request: reqwest::Request) -> Result<Answer, GatewayError> {
        let host = request.url().host_str().unwrap_or_default().to_owned();
        let client = match &self.wire.0 {
            Way::Http(client) => client,
            Way::InProcess(_, far_end) => {
                return match far_end(request.into()).await {
                    WireAnswer::Answered { status, headers, body } => Ok(self.answer(status, &headers, body)),
                    WireAnswer::NotSent => Err(unreachable(call, host, None)),
                    WireAnswer::Silence => Err(silent(call, None)),
                };
            }
        };
        let sent = client.execute(request).await;
        let mut response = sent.map_err(|error| unconnected(call, host, error.without_url()))?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes_max = if call.aside { self.limits.metadata_bytes_max } else { self.limits.response_bytes_max };
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() > bytes_max => {
                    let problem = format!("it is larger than {bytes_max} bytes");
                    return Err(GatewayError::Unreadable { call: call.name, changing: call.changing, problem });
                }
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => return Ok(self.answer(status, &headers, body)),
                Err(error) => return Err(silent(call, Some(error.without_url()))),
            }
        }
    }

    fn answer(&self, status: u16, headers: &HeaderMap, body: Vec<u8>) -> Answer {
        let slow_down = slow_down(status, headers, &body, self.clock.now());
        let paused_at_most = Duration::from_secs(self.limits.retry_after_s_max);
        Answer { status, body, slow_down, paused_at_most, paused_unsaid: ms(self.limits.throttled_ms) }
    }
}

impl Answer {
    /// For how long the far end asks to be left alone, if it does.
    fn asks_for(&self) -> Option<Duration> {
        let SlowDown { after } = self.slow_down?;
        Some(after.unwrap_or(self.paused_unsaid).min(self.paused_at_most))
    }

    /// The answer if the far end did what was asked; else its refusal, in its own words as `words` finds them.
    pub(super) fn sorted(self, call: Call, words: fn(&[u8]) -> Option<String>) -> Result<Self, GatewayError> {
        let (name, status) = (call.name, self.status);
        let asks_for = self.asks_for();
        if (200..300).contains(&status) && asks_for.is_none() {
            return Ok(self);
        }
        let detail = words(&self.body);
        if let Some(after) = asks_for {
            return Err(GatewayError::Throttled { call: name, status, after, detail });
        }
        Err(match status {
            401 => GatewayError::Unauthorised { call: name, detail },
            403 => GatewayError::Forbidden { call: name, detail },
            404 | 410 => GatewayError::NotFound { call: name, detail },
            409 | 412 => GatewayError::Conflict { call: name, status, detail },
            // The far end gave up on reading us, or on answering: what it did before that, it does not say.
            408 | 500.. => {
                let changing = call.changing;
                GatewayError::Unanswered { call: name, changing, status: Some(status), detail, source: None }
            }
            _ => GatewayError::Refused { call: name, status, detail },
        })
    }
}

/// What an answer, or its absence, says of the far end's health. A refusal is a sign of health.
fn health(answer: &Result<Answer, GatewayError>) -> Health {
    match answer {
        Ok(answer) => match (answer.asks_for(), answer.status) {
            (Some(after), _) => Health::Asks(after),
            (None, 408 | 500..) => Health::Ill,
            (None, _) => Health::Well,
        },
        Err(GatewayError::Unanswered { .. } | GatewayError::NotSent { why: NotSent::Unreachable { .. }, .. }) => {
            Health::Ill
        }
        Err(GatewayError::Unreadable { .. }) => Health::Well,
        Err(_) => Health::Unknown,
    }
}

/// A request without an answer: not sent when there was no connection, else silence.
fn unconnected(call: Call, host: String, error: reqwest::Error) -> GatewayError {
    let mut cause = error.source();
    while let Some(each) = cause {
        if let Some(Private { host, address }) = each.downcast_ref() {
            let why = NotSent::PrivateAddress { host: host.clone(), address: *address };
            return GatewayError::NotSent { call: call.name, why };
        }
        cause = each.source();
    }
    if error.is_connect() || error.is_builder() {
        return unreachable(call, host, Some(error));
    }
    silent(call, Some(error))
}

fn unreachable(call: Call, host: String, source: Option<reqwest::Error>) -> GatewayError {
    let why = NotSent::Unreachable { host, source: source.map(Arc::new) };
    GatewayError::NotSent { call: call.name, why }
}

fn silent(call: Call, source: Option<reqwest::Error>) -> GatewayError {
    let Call { name, changing, .. } = call;
    GatewayError::Unanswered { call: name, changing, status: None, detail: None, source: source.map(Arc::new) }
}

/// Tells of a call when it ends, also when whoever made it gave up on it.
struct Watched<'a> {
    caller: &'a Caller,
    call: Call,
    begun: Mark,
    status: Option<u16>,
    /// Whoever gives up on a call was not answered.
    health: Health,
}

impl<'a> Watched<'a> {
    fn begin(caller: &'a Caller, call: Call) -> Self {
        let health = if call.aside { Health::Unknown } else { Health::Ill };
        Self { caller, call, begun: caller.clock.mark(), status: None, health }
    }
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        let status = self.status.map_or_else(|| "none".to_owned(), |status| status.to_string());
        let took = self.caller.clock.since(self.begun);
        let connection = self.caller.connection.as_str();
        self.caller.pace.ended(self.health);
        FarEndCalled { connection, call: self.call.name, status: &status, took }.emit();
    }
}
