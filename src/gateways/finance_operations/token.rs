//! OAuth2 client credentials: one cached token, one renewal in flight.

use reqwest::header::HeaderValue;
use reqwest::{Method, Url};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use tokio::sync::Mutex;

use super::super::error::GatewayError;
use super::super::http::{Call, Http};
use crate::clock::Mark;
use crate::config::Secret;

/// A token is renewed this long before it expires.
const RENEW_BEFORE_S: u64 = 60;

pub(super) struct Tokens {
    url: Url,
    client_id: String,
    client_secret: Secret,
    scope: String,
    held: Mutex<Option<Held>>,
}

struct Held {
    header: HeaderValue,
    since: Mark,
    lives_s: u64,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    #[serde(default)]
    expires_in: serde_json::Value,
}

impl Tokens {
    pub(super) fn new(url: Url, client_id: String, client_secret: Secret, root: &Url) -> Self {
        // The environment's root without a slash at the end, then `/.default`.
        let scope = format!("{}/.default", root.as_str().trim_end_matches('/'));
        Self { url, client_id, client_secret, scope, held: Mutex::new(None) }
    }

    /// The header for a call. `rejected` is the one that was just answered 401: it is not used again.
    pub(super) async fn header(&self, http: &Http, rejected: Option<&HeaderValue>) -> Result<HeaderValue, GatewayError> {
        // Held over the renewal, so that all who wait share its result.
        let mut held = self.held.lock().await;
        if let Some(token) = held.as_ref() {
            let fresh = http.since(token.since).as_secs() + RENEW_BEFORE_S < token.lives_s;
            if fresh && rejected != Some(&token.header) {
                return Ok(token.header.clone());
            }
        }
        let token = self.renew(http).await?;
        let header = token.header.clone();
        *held = Some(token);
        Ok(header)
    }

    async fn renew(&self, http: &Http) -> Result<Held, GatewayError> {
        let secret = self.client_secret.value()?;
        let mut form = Url::parse("form:").map_err(|error| GatewayError::NotSent(error.to_string()))?;
        form.query_pairs_mut()
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", &self.client_id)
            .append_pair("client_secret", secret.expose_secret())
            .append_pair("scope", &self.scope);
        let body = form.query().unwrap_or_default().as_bytes().to_vec();
        let mut call = Call::read("token", self.url.clone());
        call.method = Method::POST;
        call.body = Some(("application/x-www-form-urlencoded", body));
        let since = http.mark();
        let answer = http.send(call).await?;
        if !answer.succeeded() {
            return Err(match answer.error(false, answer.text(), http.now()) {
                GatewayError::Refused { words, .. } | GatewayError::Forbidden(words) => GatewayError::Unauthorised(words),
                other => other,
            });
        }
        let granted: Granted = serde_json::from_slice(&answer.body)
            .map_err(|error| GatewayError::Unreadable(format!("the token endpoint answered no token: {error}")))?;
        let mut header = HeaderValue::from_str(&format!("Bearer {}", granted.access_token))
            .map_err(|_| GatewayError::Unreadable("the token holds characters that no token has".to_owned()))?;
        header.set_sensitive(true);
        // Some servers write the number as text.
        let lives = granted.expires_in.as_u64().or_else(|| granted.expires_in.as_str()?.parse().ok());
        Ok(Held { header, since, lives_s: lives.unwrap_or(RENEW_BEFORE_S) })
    }
}
