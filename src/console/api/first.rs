//! The first administrator: a link in the log, good once and for a while.
//!
//! Opening the link changes nothing, because programs open links to show what is behind them; its one button does.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use super::caller::new_token;
use super::problem::Problem;
use super::tokens::Given;
use super::{Access, Api, Route};
use crate::clock::Clock;
use crate::message::sha256;
use crate::store::{Act, Actor, NewToken, Role, StoreError, TrailOutcome};

const PATH: &str = "/v1/first-administrator/{secret}";

/// The name of whoever used the link; they give others names of their own.
const NAME: &str = "first administrator";

/// The pages load nothing and send their form to themselves alone.
const POLICY: (HeaderName, &str) = (
    header::CONTENT_SECURITY_POLICY,
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
);

/// A link for whoever reads the log.
#[derive(Clone, Debug)]
pub struct FirstLink {
    /// The path with its secret.
    pub path: String,
    /// How long it can be used.
    pub valid: Duration,
}

impl Api {
    /// Makes a link where no administrator holds a good token.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn first_link(&self) -> Result<Option<FirstLink>, StoreError> {
        if self.store.has_administrator().await? {
            return Ok(None);
        }
        let secret = Clock::secret();
        let valid = Duration::from_secs(self.config.console.link_valid_s);
        self.store.add_first_link(&sha256(secret.as_bytes()), valid).await?;
        Ok(Some(FirstLink { path: PATH.replace("{secret}", &secret), valid }))
    }
}

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(PATH, Access::Open, &[200, 404, 410], look),
        Route::post(PATH, Access::Open, &[201, 404, 410], take),
    ]
}

async fn look(State(api): State<Api>, secret: Option<Path<String>>) -> Result<Response, Problem> {
    good(&api, &digest(secret)).await?;
    let page = page(
        "Become the first administrator",
        "<p>The button shows a token with which you can do everything, once. Keep it where you keep passwords, and use it \
         to give tokens to others.</p><form method=\"post\"><button>Show the token</button></form>",
    );
    Ok(([POLICY], page).into_response())
}

async fn take(State(api): State<Api>, headers: HeaderMap, secret: Option<Path<String>>) -> Result<Response, Problem> {
    let digest = digest(secret);
    good(&api, &digest).await?;
    let token = new_token();
    let new = NewToken {
        id: api.clock.identifier(),
        digest: sha256(token.as_bytes()),
        name: NAME.to_owned(),
        role: Role::Administrator,
        flows: None,
        connections: None,
        made_by: "the link in the log".to_owned(),
        valid: Duration::from_secs(api.config.console.token_valid_s),
    };
    let actor = Actor { who: NAME.to_owned(), role: "one-time link".to_owned() };
    let act = Act { action: "token.create", documents: vec![new.id.to_string()], ..Act::default() };
    let doing = async { if api.store.use_first_link(&digest, &new).await? { Ok(()) } else { Err(over()) } };
    let ended = |result: &Result<(), Problem>| match result {
        Ok(()) => TrailOutcome::Done,
        Err(problem) if problem.status().is_server_error() => TrailOutcome::Unsure,
        Err(_) => TrailOutcome::Refused,
    };
    api.store.on_trail(&actor, &act, doing, ended).await?;
    if accepts_json(&headers) {
        let about = api.store.token(new.id).await?.ok_or_else(Problem::broken)?;
        return Ok((StatusCode::CREATED, Json(Given { token, about })).into_response());
    }
    let text = format!(
        "<p>This token is shown once:</p><p><code>{token}</code></p><p>Send it with every request: \
        <code>Authorization: Bearer {token}</code></p>"
    );
    Ok((StatusCode::CREATED, [POLICY], page("You are the first administrator", &text)).into_response())
}

/// Whether the link can be used.
async fn good(api: &Api, digest: &str) -> Result<(), Problem> {
    match api.store.first_link(digest).await? {
        Some(true) if api.store.has_administrator().await? => Err(over()),
        Some(true) => Ok(()),
        Some(false) => Err(over()),
        None => {
            Err(Problem::not_found("There is no such link, or it is long over.").named("not-found", "Not found", DO))
        }
    }
}

const DO: &str = "Start the console again: while nobody holds a good token of an administrator, it logs a new link.";

fn over() -> Problem {
    let detail = "The link was used, is over, or there is an administrator by now.";
    Problem::new(StatusCode::GONE, "link-over", "The link can be used no more", detail, DO)
}

fn digest(secret: Option<Path<String>>) -> String {
    // A path that cannot be read is no secret of ours.
    sha256(secret.map(|Path(secret)| secret).unwrap_or_default().as_bytes())
}

fn accepts_json(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    !accept.contains("text/html")
}

fn page(title: &str, text: &str) -> Html<String> {
    Html(format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>Drayline: {title}</title><style>body{{font:1.1rem/1.5 system-ui;max-width:40rem;\
         margin:4rem auto;padding:0 1rem}}code{{overflow-wrap:anywhere}}button{{font:inherit;padding:.5rem 1rem}}</style>\
         </head><body><h1>{title}</h1>{text}</body></html>"
    ))
}
