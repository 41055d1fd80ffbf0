//! A call as it came in, and what is answered.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, request::Parts};
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::delivery::Notice;
use super::ledger::Effect;

/// A call as it came in.
pub(super) struct Call {
    pub(super) method: Method,
    /// The path, still percent-encoded.
    pub(super) path: String,
    /// The decoded pairs behind the question mark.
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) at: Timestamp,
}

impl Call {
    pub(super) fn new(parts: Parts, body: Bytes, at: Timestamp) -> Self {
        let query = pairs(parts.uri.query().unwrap_or_default());
        Self { method: parts.method, path: parts.uri.path().to_owned(), query, headers: parts.headers, body, at }
    }

    /// The first value of a name behind the question mark.
    pub(super) fn asked(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(each, _)| each == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The token behind `Authorization: Bearer`.
    pub(super) fn bearer(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ")
    }

    /// The same for the same call, made again.
    pub(super) fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&self.method, &self.path, &self.query, &self.body).hash(&mut hasher);
        hasher.finish()
    }

    /// The body as a JSON object; an empty body is an empty object.
    pub(super) fn object(&self) -> Result<Map<String, Value>, String> {
        if self.body.is_empty() {
            return Ok(Map::new());
        }
        match serde_json::from_slice(&self.body) {
            Ok(Value::Object(members)) => Ok(members),
            Ok(_) => Err("the body is not a JSON object".to_owned()),
            Err(error) => Err(format!("the body is not JSON: {error}")),
        }
    }
}

/// What is answered, what it did, and what happens by it.
pub(super) struct Answer<F> {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Option<Value>,
    pub(super) effect: Effect,
    pub(super) reference: Option<String>,
    pub(super) key: Option<String>,
    pub(super) facts: Vec<F>,
    pub(super) notices: Vec<Notice>,
}

impl<F> Answer<F> {
    pub(super) fn new(status: u16, effect: Effect, body: Value) -> Self {
        let body = (!body.is_null()).then_some(body);
        let (headers, facts, notices) = (Vec::new(), Vec::new(), Vec::new());
        Self { status, headers, body, effect, reference: None, key: None, facts, notices }
    }

    /// Names the document and the row that the call is about.
    pub(super) fn about(mut self, reference: Option<String>, key: Option<String>) -> Self {
        (self.reference, self.key) = (reference, key);
        self
    }

    pub(super) fn by(mut self, fact: F) -> Self {
        self.facts.push(fact);
        self
    }

    pub(super) fn telling(mut self, notices: Vec<Notice>) -> Self {
        self.notices = notices;
        self
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// A body as it is sent: JSON, or a text that has a content type of its own.
pub(super) fn sent(headers: &[(&'static str, String)], body: Option<&Value>) -> String {
    let own_type = headers.iter().any(|(name, _)| *name == "content-type");
    match body {
        Some(Value::String(text)) if own_type => text.clone(),
        other => other.map(Value::to_string).unwrap_or_default(),
    }
}

/// Writes an answer for the wire.
pub(super) fn response(status: u16, headers: &[(&'static str, String)], body: Option<&Value>) -> Response<Body> {
    let text = sent(headers, body);
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if body.is_some() {
        response.headers_mut().insert("content-type", HeaderValue::from_static("application/json; charset=utf-8"));
    }
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    response
}

/// Pairs of a query or a form, decoded.
pub(super) fn pairs(text: &str) -> Vec<(String, String)> {
    let parts = text.split('&').filter(|part| !part.is_empty());
    let decoded = |text: &str| decode(&text.replace('+', " "));
    parts.map(|part| part.split_once('=').unwrap_or((part, ""))).map(|(a, b)| (decoded(a), decoded(b))).collect()
}

/// Undoes percent-encoding; what is not an encoding stays as it is.
pub(super) fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while let Some(&byte) = bytes.get(index) {
        let digits = (byte == b'%').then(|| text.get(index + 1..index + 3)).flatten();
        if let Some(value) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            decoded.push(value);
            index += 3;
        } else {
            decoded.push(byte);
            index += 1;
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}
