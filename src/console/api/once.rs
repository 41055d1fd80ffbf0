//! Idempotency keys: the same change under the same key acts once and is answered in the same way.
//!
//! Of key and request only digests are kept. The answer is sealed with what nobody keeps, the key and the token, because
//! it may hold what is told once, and personal data. What failed without changing anything (4xx) leaves the key free;
//! where nobody knows whether it was done (5xx, or the process is gone), a repeat is told so and does not act, unless what it asks
//! for is told apart by names of its own.

use std::future::Future;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;

use super::Api;
use super::caller::Caller;
use super::problem::Problem;
use crate::clock::Clock;
use crate::message::sha256;
use crate::store::{AnswerKey, Claimed};

/// The header that names a change.
const HEADER: &str = "idempotency-key";

/// The longest key.
const LENGTH_MAX: usize = 255;

/// In front of a sealed answer stands its salt, of so many letters.
const SALT_LENGTH: usize = 64;

/// A key with all it takes to claim it and to read what is kept under it.
pub(super) struct Key {
    claim: AnswerKey,
    secret: hmac::Key,
    text: String,
}

/// The request's key, where it has one.
pub(super) fn key(caller: &Caller, parts: &Parts, body: &Bytes) -> Result<Option<Key>, Problem> {
    let Some(value) = parts.headers.get(HEADER) else { return Ok(None) };
    let visible =
        |text: &&str| (1..=LENGTH_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    let problem = || Problem::header("Idempotency-Key", "must have 1 to 255 visible letters");
    let key = value.to_str().ok().filter(visible).ok_or_else(problem)?.to_owned();
    let mut request = format!("{} {}\n", parts.method, parts.uri).into_bytes();
    request.extend_from_slice(body);
    let (scope, request) = (caller.scope.clone(), sha256(&request));
    let claim = AnswerKey { scope, key: sha256(key.as_bytes()), request };
    let secret = hmac::Key::new(hmac::HMAC_SHA256, caller.token.as_bytes());
    Ok(Some(Key { claim, secret, text: key }))
}

/// Acts once; what is harmless twice also where nobody knows whether it acted.
pub(super) async fn once(
    api: &Api,
    key: Key,
    harmless_twice: bool,
    act: impl Future<Output = Response>,
) -> Result<Response, Problem> {
    let kept = Duration::from_secs(api.config.console.answers_kept_s);
    match api.store.claim_answer(&key.claim, kept).await? {
        Claimed::New => {}
        Claimed::Before { request, answer } => match before(&key, &request, answer) {
            Err(_) if harmless_twice && request == key.claim.request => {}
            answered => return answered,
        },
    }
    let (parts, body) = act.await.into_parts();
    let body = to_bytes(body, usize::MAX).await.map_err(|_| Problem::broken())?;
    if parts.status.is_success() {
        let media_type = parts.headers.get(header::CONTENT_TYPE).cloned();
        let sealed = key.seal(&Clock::secret(), media_type.as_ref(), &body);
        // An answer that cannot be kept leaves the key with nobody knowing: a repeat does not act.
        let _ = api.store.keep_answer(&key.claim, parts.status.as_u16(), &sealed).await;
    } else if parts.status.is_client_error() {
        let _ = api.store.forget_answer(&key.claim).await;
    }
    Ok(Response::from_parts(parts, Body::from(body)))
}

/// What is answered when the key was used before.
fn before(key: &Key, request: &str, answer: Option<(u16, Vec<u8>)>) -> Result<Response, Problem> {
    if request != key.claim.request {
        const DO: &str = "Take a new key for another change.";
        let detail = "Another request was sent under this Idempotency-Key before.";
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return Err(Problem::new(status, "key-of-another-request", "The key belongs to another request", detail, DO));
    }
    let unknown = |detail: &str| {
        const DO: &str = "Look whether it is done (GET /v1/trail); if it is not, send it under a new key.";
        Problem::conflict(detail).named("outcome-unknown", "It is not known how the change ended", DO)
    };
    let Some((status, sealed)) = answer else {
        return Err(unknown("The same request runs now, or nobody knows how it ended."));
    };
    let sealed = key.open(&sealed);
    let (media_type, body) = sealed.ok_or_else(|| unknown("It is done, but its answer cannot be read any more."))?;
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    let headers = response.headers_mut();
    if let Some(media_type) = media_type {
        headers.insert(header::CONTENT_TYPE, media_type);
    }
    headers.insert("idempotent-replayed", HeaderValue::from_static("true"));
    Ok(response)
}

impl Key {
    /// Salt, and sealed: the media type, an end of line, the body.
    fn seal(&self, salt: &str, media_type: Option<&HeaderValue>, body: &[u8]) -> Vec<u8> {
        let mut bytes = media_type.map(|value| value.as_bytes().to_vec()).unwrap_or_default();
        bytes.push(b'\n');
        bytes.extend_from_slice(body);
        let sealed = self.cipher(salt).is_some_and(|cipher| {
            cipher.seal_in_place_append_tag(Self::nonce(), Aad::from(self.claim.request.as_bytes()), &mut bytes).is_ok()
        });
        if !sealed {
            bytes.clear();
        }
        [salt.as_bytes(), &bytes].concat()
    }

    fn open(&self, sealed: &[u8]) -> Option<(Option<HeaderValue>, Vec<u8>)> {
        let (salt, sealed) = sealed.split_at_checked(SALT_LENGTH)?;
        let mut bytes = sealed.to_vec();
        let cipher = self.cipher(std::str::from_utf8(salt).ok()?)?;
        let opened = cipher.open_in_place(Self::nonce(), Aad::from(self.claim.request.as_bytes()), &mut bytes).ok()?;
        let end = opened.iter().position(|byte| *byte == b'\n')?;
        let media_type = HeaderValue::from_bytes(&opened[..end]).ok().filter(|value| !value.is_empty());
        Some((media_type, opened[end + 1..].to_vec()))
    }

    fn cipher(&self, salt: &str) -> Option<LessSafeKey> {
        let tag = hmac::sign(&self.secret, format!("answer\n{salt}\n{}", self.text).as_bytes());
        UnboundKey::new(&AES_256_GCM, tag.as_ref()).ok().map(LessSafeKey::new)
    }

    /// Every answer has a salt, and so a cipher, of its own: the nonce need not differ.
    fn nonce() -> Nonce {
        Nonce::assume_unique_for_key([0; NONCE_LEN])
    }
}
