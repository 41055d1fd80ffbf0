//! Reading a request within the limits: how large, how slow, which media type.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use futures_util::StreamExt as _;

use super::answer::Refusal;
use crate::config::{Ingest, ms};

/// The body, whole, or why not.
pub(super) async fn body(headers: &HeaderMap, body: Body, limits: &Ingest) -> Result<Vec<u8>, Refusal> {
    let declared = declared_length(headers);
    let waits_for_permission = headers.contains_key(header::EXPECT);
    if declared > limits.drain_bytes_max as u64 || (waits_for_permission && declared > limits.body_bytes_max as u64) {
        return Err(Refusal::TooLarge);
    }
    let deadline: Duration = ms(limits.read_deadline_ms);
    match tokio::time::timeout(deadline, collected(body, limits)).await {
        Ok(read) => read,
        Err(_elapsed) => Err(Refusal::TooSlow),
    }
}

/// What is too large is read on and thrown away, up to a limit: a sender whose connection is closed while it still
/// writes never sees the answer, and comes back with the same body for days.
async fn collected(body: Body, limits: &Ingest) -> Result<Vec<u8>, Refusal> {
    let mut stream = body.into_data_stream();
    let mut bytes = Vec::new();
    let mut length = 0_usize;
    while let Some(chunk) = stream.next().await {
        let Ok(chunk) = chunk else { return Err(Refusal::Broken) };
        length = length.saturating_add(chunk.len());
        if length <= limits.body_bytes_max {
            bytes.extend_from_slice(&chunk);
        } else if length > limits.drain_bytes_max {
            break;
        } else {
            bytes = Vec::new();
        }
    }
    if length > limits.body_bytes_max { Err(Refusal::TooLarge) } else { Ok(bytes) }
}

fn declared_length(headers: &HeaderMap) -> u64 {
    let text = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// The media type, where it is JSON or not said; some senders leave it out.
pub(super) fn media_type(headers: &HeaderMap) -> Result<Option<&str>, Refusal> {
    let encoded = |value: &header::HeaderValue| !value.as_bytes().eq_ignore_ascii_case(b"identity");
    if headers.get(header::CONTENT_ENCODING).is_some_and(encoded) {
        return Err(Refusal::MediaType);
    }
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return Ok(None) };
    let text = value.to_str().map_err(|_| Refusal::MediaType)?.trim();
    let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "" => Ok(None),
        "application/json" | "text/json" => Ok(Some(text)),
        other if other.contains('/') && other.ends_with("+json") => Ok(Some(text)),
        _ => Err(Refusal::MediaType),
    }
}
