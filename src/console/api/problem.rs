//! Every error is a problem document (RFC 9457): what happened, where, and what to do.

use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::store::StoreError;

/// The media type of a problem.
const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/problem+json");

/// Whoever finds the store away may come back after so many seconds.
const STORE_AWAY_S: u64 = 5;

/// An error as it is answered.
#[derive(Clone, Debug)]
pub struct Problem(Box<Told>);

#[derive(Clone, Debug, Serialize)]
struct Told {
    /// Its stable name: a URN that `docs/api.md` explains.
    #[serde(rename = "type")]
    kind: String,
    /// What kind of thing happened; the same for every problem of its type.
    title: &'static str,
    #[serde(serialize_with = "number")]
    status: StatusCode,
    /// What happened this time.
    detail: String,
    /// What to do.
    next_step: &'static str,
    /// What is wrong where, for bodies and queries.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<Place>,
    /// For the header `Retry-After`, in seconds.
    #[serde(skip)]
    retry_after_s: Option<u64>,
}

/// What is wrong where.
#[derive(Clone, Debug, Serialize)]
struct Place {
    place: String,
    problem: String,
}

impl Problem {
    /// A problem of a type (`token-expired`): its title, what happened this time, and what to do.
    #[must_use]
    pub fn new(
        status: StatusCode,
        name: &str,
        title: &'static str,
        detail: impl Into<String>,
        next_step: &'static str,
    ) -> Self {
        let kind = format!("urn:drayline:problem:{name}");
        let detail = detail.into();
        Self(Box::new(Told { kind, title, status, detail, next_step, problems: Vec::new(), retry_after_s: None }))
    }

    /// The answer's status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// Says that it may be tried again after so many seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after_s = Some(seconds);
        self
    }

    /// Nothing has this name.
    #[must_use]
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "Not found", detail, "Look at the list for what there is.")
    }

    /// What is asked for does not go with how things are now.
    #[must_use]
    pub fn conflict(detail: impl Into<String>) -> Self {
        const DO: &str = "Look at how it is now, and decide again.";
        Self::new(StatusCode::CONFLICT, "conflict", "It does not go with how things are", detail, DO)
    }

    /// A value of the body, at a place like `/flows/0`, that cannot be taken.
    #[must_use]
    pub fn invalid(place: impl Into<String>, problem: impl Into<String>) -> Self {
        const DO: &str = "Correct the body; /openapi.json describes it.";
        let (place, problem) = (place.into(), problem.into());
        let detail = format!("{place}: {problem}");
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        let mut answer = Self::new(status, "invalid-body", "The body cannot be taken", detail, DO);
        answer.0.problems.push(Place { place, problem });
        answer
    }

    /// The body is no JSON.
    #[must_use]
    pub fn no_json(why: &dyn std::fmt::Display) -> Self {
        const DO: &str = "Send one JSON document.";
        Self::new(StatusCode::BAD_REQUEST, "no-json", "The body is no JSON", why.to_string(), DO)
    }

    /// The query cannot be understood.
    #[must_use]
    pub fn query(why: &dyn std::fmt::Display) -> Self {
        const DO: &str = "Correct the query; /openapi.json lists what it may say.";
        let title = "The query cannot be taken";
        Self::new(StatusCode::BAD_REQUEST, "invalid-query", title, why.to_string(), DO)
    }

    /// The header cannot be understood.
    #[must_use]
    pub fn header(name: &str, why: &str) -> Self {
        const DO: &str = "Correct the header; /openapi.json describes it.";
        let detail = format!("The header {name} {why}.");
        Self::new(StatusCode::BAD_REQUEST, "invalid-header", "A header cannot be taken", detail, DO)
    }

    /// So much waits already that nothing more is taken.
    pub(super) fn full() -> Self {
        const DO: &str = "Send it again later, under the same Idempotency-Key.";
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Self::new(status, "outbox-full", "Nothing more is taken now", "As much waits for the broker as may wait.", DO)
    }

    /// Whoever asks may not.
    #[must_use]
    pub fn forbidden(detail: impl Into<String>) -> Self {
        const DO: &str = "Ask an administrator for a token that allows it.";
        Self::new(StatusCode::FORBIDDEN, "forbidden", "The token does not allow it", detail, DO)
    }

    /// Nobody knows who asks; the name of the problem says why.
    #[must_use]
    pub fn unauthorized(name: &str, title: &'static str, detail: impl Into<String>) -> Self {
        const DO: &str = "Send Authorization: Bearer TOKEN with a good token. Administrators give them: POST /v1/tokens. \
            Where nobody has one: the console logs a link at its start.";
        Self::new(StatusCode::UNAUTHORIZED, name, title, detail, DO)
    }

    /// More requests than the token may make.
    #[must_use]
    pub fn too_many(per_minute: u32, after_s: u64) -> Self {
        const DO: &str = "Wait as long as Retry-After says.";
        let detail = format!("This token may make {per_minute} requests in a minute.");
        let status = StatusCode::TOO_MANY_REQUESTS;
        Self::new(status, "too-many-requests", "Too many requests", detail, DO).retry_after(after_s)
    }

    /// The body is larger than it may be.
    #[must_use]
    pub fn too_large(bytes_max: usize) -> Self {
        let detail = format!("A body may have {bytes_max} bytes.");
        let status = StatusCode::PAYLOAD_TOO_LARGE;
        Self::new(status, "too-large", "The body is too large", detail, "Send less at a time.")
    }

    /// The body took too long, or broke off.
    #[must_use]
    pub fn too_slow() -> Self {
        let status = StatusCode::REQUEST_TIMEOUT;
        let detail = "The body did not come whole in time.";
        Self::new(status, "too-slow", "The request took too long", detail, "Send it again.")
    }

    /// The body is of a type that is not read here.
    #[must_use]
    pub fn media_type() -> Self {
        const DO: &str = "Send Content-Type: application/json.";
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        let detail = "A body is JSON here, and not compressed.";
        Self::new(status, "media-type", "The body's media type is not read here", detail, DO)
    }

    /// An assumption of ours was broken.
    #[must_use]
    pub(super) fn broken() -> Self {
        const DO: &str = "Look at the trail for whether it is done; tell whoever keeps Drayline what the log says.";
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self::new(status, "broken", "An assumption was broken", "The log says which.", DO)
    }

    /// The same, with what is wrong at each place of the body.
    #[must_use]
    pub fn at(mut self, places: impl IntoIterator<Item = (String, String)>) -> Self {
        self.0.problems.extend(places.into_iter().map(|(place, problem)| Place { place, problem }));
        self
    }

    /// The same with another name and what to do, for refusals that clients tell apart.
    #[must_use]
    pub fn named(mut self, name: &str, title: &'static str, next_step: &'static str) -> Self {
        self.0.kind = format!("urn:drayline:problem:{name}");
        (self.0.title, self.0.next_step) = (title, next_step);
        self
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        const DO: &str = "Try again as Retry-After says; /readyz says what is missing.";
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Self::new(status, "store-away", "The store cannot be used now", format!("{error}."), DO)
            .retry_after(STORE_AWAY_S)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.0.status, axum::Json(&*self.0)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, MEDIA_TYPE);
        if self.0.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"drayline\""));
        }
        if let Some(seconds) = self.0.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// What answers where nothing is.
pub(super) async fn not_found(uri: Uri) -> Problem {
    Problem::not_found(format!("There is nothing at {}.", uri.path())).named(
        "not-found",
        "Not found",
        "/openapi.json lists every path.",
    )
}

/// What answers where another method would be right; the header `Allow` says which.
pub(super) async fn wrong_method(method: Method, uri: Uri) -> Problem {
    let detail = format!("{} is not answered at {}.", method, uri.path());
    let status = StatusCode::METHOD_NOT_ALLOWED;
    Problem::new(status, "wrong-method", "Another method is needed", detail, "The header Allow says which.")
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}
