//! Tokens by client credentials: kept until shortly before they expire, with one renewal in flight.
//!
//! Whoever waits while a renewal fails gets that failure, instead of asking once more. Tokens are never shown.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::{Method, Url};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Mutex;

use super::infolog;
use crate::clock::Mark;
use crate::config::Secret;
use crate::gateways::error::{GatewayError, NotSent};
use crate::gateways::http::{Caller, secret};
use crate::gateways::json::Row;

/// Where tokens of one environment come from.
pub(super) struct Tokens {
    pub(super) url: Url,
    pub(super) client_id: String,
    pub(super) client_secret: Secret,
    pub(super) scope: String,
    /// Renewed this long before it expires.
    pub(super) margin: Duration,
    pub(super) held: Mutex<Held>,
    /// Renewals that have ended, well or badly.
    pub(super) renewals: AtomicU64,
}

/// What is remembered between calls.
#[derive(Default)]
pub(super) struct Held {
    token: Option<Token>,
    failure: Option<GatewayError>,
}

/// A token, and until when it is used.
#[derive(Clone)]
pub(super) struct Token {
    bearer: SecretString,
    number: u64,
    since: Mark,
    used_for: Duration,
}

impl Token {
    /// What stands in the header.
    pub(super) fn bearer(&self) -> &str {
        self.bearer.expose_secret()
    }
}

impl Tokens {
    /// A token that is good now; a new one if need be.
    pub(super) async fn current(&self, caller: &Caller) -> Result<Token, GatewayError> {
        let before = self.renewals.load(Ordering::Acquire);
        let mut held = self.held.lock().await;
        if let Some(token) = held.token.as_ref().filter(|token| caller.clock().since(token.since) < token.used_for) {
            return Ok(token.clone());
        }
        let number = self.renewals.load(Ordering::Acquire);
        if let Some(failure) = held.failure.as_ref().filter(|_| number > before) {
            return Err(failure.clone());
        }
        let fetched = self.fetch(caller, number).await;
        *held = match &fetched {
            Ok(token) => Held { token: Some(token.clone()), failure: None },
            Err(failure) => Held { token: None, failure: Some(failure.clone()) },
        };
        self.renewals.fetch_add(1, Ordering::Release);
        fetched
    }

    /// The far end did not take this token: it is not used again.
    pub(super) async fn discard(&self, refused: &Token) {
        let mut held = self.held.lock().await;
        held.token.take_if(|token| token.number == refused.number);
    }

    async fn fetch(&self, caller: &Caller, number: u64) -> Result<Token, GatewayError> {
        let call = secret("token");
        let client_secret = self.client_secret.value();
        let client_secret = client_secret
            .map_err(|error| GatewayError::NotSent { call: call.name, why: NotSent::Secret(Arc::new(error)) })?;
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", self.client_id.as_str()),
            ("client_secret", client_secret.expose_secret()),
            ("scope", self.scope.as_str()),
        ];
        let since = caller.clock().mark();
        let request = caller.request(Method::POST, self.url.clone()).form(&form);
        let sent = caller.send(call, request).await.and_then(|answer| answer.sorted(call, infolog::words));
        let answer = sent.map_err(refusal)?;
        let unreadable = |problem: String| GatewayError::Unauthorised {
            call: call.name,
            detail: Some(format!("The answer of the token service cannot be read: {problem}.")),
        };
        let row = Row::read(&answer.body).map_err(unreadable)?;
        let bearer = SecretString::from(row.required("access_token").map_err(|_| unreadable("no token in it".into()))?);
        let expires_s = row.integer("expires_in").map_err(unreadable)?.unwrap_or(0);
        let lives = Duration::from_secs(u64::try_from(expires_s).unwrap_or(0));
        // A token that lives shorter than twice the margin is used for half of its life.
        let used_for = lives.saturating_sub(self.margin).max(lives / 2);
        Ok(Token { bearer, number, since, used_for })
    }
}

/// Nothing was sent to Dynamics when there was no token; a token service that says no does not accept us.
fn refusal(error: GatewayError) -> GatewayError {
    match error {
        // It is the environment that is left alone, not its token service that fails.
        left_alone @ GatewayError::NotSent { why: NotSent::LeftAlone(_) | NotSent::Crowded, .. } => left_alone,
        GatewayError::NotSent { call, .. } | GatewayError::Unanswered { call, .. } => {
            GatewayError::NotSent { call, why: NotSent::NoToken(Arc::new(error)) }
        }
        throttled @ GatewayError::Throttled { .. } => throttled,
        GatewayError::Unauthorised { call, detail }
        | GatewayError::Forbidden { call, detail }
        | GatewayError::NotFound { call, detail }
        | GatewayError::Conflict { call, detail, .. }
        | GatewayError::Short { call, detail }
        | GatewayError::Refused { call, detail, .. } => GatewayError::Unauthorised { call, detail },
        GatewayError::Unreadable { call, problem, .. } | GatewayError::Unwritable { call, problem } => {
            GatewayError::Unauthorised { call, detail: Some(problem) }
        }
        GatewayError::EntityMissing { call, entity } => GatewayError::Unauthorised { call, detail: Some(entity) },
    }
}
