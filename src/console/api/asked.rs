//! What a request brings: the query of a list, a JSON body, an id in the path. Whatever is wrong with it is a problem.

use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::Api;
use super::pages::Paging;
use super::problem::Problem;

/// A query: which page of a list, and the list's own filters.
#[derive(Debug)]
pub(super) struct Ask<F> {
    pub(super) paging: Paging,
    pub(super) filter: F,
}

/// A list without filters.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NoFilter {}

#[derive(Default, Deserialize)]
struct PagingQuery {
    limit: Option<u32>,
    cursor: Option<String>,
}

impl<F: DeserializeOwned> FromRequestParts<Api> for Ask<F> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let limits = &api.config.console;
        let (paging, filter): (Vec<&str>, Vec<&str>) = parts
            .uri
            .query()
            .unwrap_or_default()
            .split('&')
            .filter(|pair| !pair.is_empty())
            .partition(|pair| matches!(pair.split('=').next(), Some("limit" | "cursor")));
        let PagingQuery { limit, cursor } = read(&paging)?;
        let limit = limit.unwrap_or(limits.page_rows.min(limits.page_rows_max));
        if limit == 0 || limit > limits.page_rows_max {
            return Err(Problem::query(&format!("limit: must be from 1 to {}", limits.page_rows_max)));
        }
        Ok(Self { paging: Paging::new(limit, cursor), filter: read(&filter)? })
    }
}

fn read<T: DeserializeOwned>(pairs: &[&str]) -> Result<T, Problem> {
    // It was part of an address before.
    let uri: Uri = format!("/?{}", pairs.join("&")).parse().map_err(|error| Problem::query(&error))?;
    Query::try_from_uri(&uri).map(|Query(value)| value).map_err(|rejection| Problem::query(&rejection.body_text()))
}

/// A JSON body.
#[derive(Debug)]
pub(super) struct Sent<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Api> for Sent<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::media_type());
        }
        // It was read within its limits before.
        let body = axum::body::to_bytes(request.into_body(), api.config.console.body_bytes_max).await;
        let body = body.map_err(|_| Problem::too_slow())?;
        let value: serde_json::Value = serde_json::from_slice(&body).map_err(|error| Problem::no_json(&error))?;
        serde_json::from_value(value).map(Self).map_err(|error| Problem::invalid("/", error.to_string()))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let encoded = |value: &header::HeaderValue| !value.as_bytes().eq_ignore_ascii_case(b"identity");
    if headers.get(header::CONTENT_ENCODING).is_some_and(encoded) {
        return false;
    }
    let text = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// An id in the path: what is none, names nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Id(pub(super) Uuid);

impl FromRequestParts<Api> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let id: Result<Path<Uuid>, PathRejection> = Path::from_request_parts(parts, api).await;
        let none = |_| Problem::not_found(format!("{} does not end in an id.", parts.uri.path()));
        id.map(|Path(id)| Self(id)).map_err(none)
    }
}
