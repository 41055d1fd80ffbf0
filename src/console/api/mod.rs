//! The API under `/v1`: one list of routes, and one straight page before each of them (`guard.rs`).
//!
//! A resource is one file: its types, its handlers, and `routes()`, which says of each route who may call it and what it
//! answers. The same list makes the router and is compared with `openapi.json`, so that neither lies.
//!
//! A handler takes [`Caller`], [`asked::Ask`] for a list's query, [`asked::Sent`] for a body, and answers
//! `Result<Json<…>, Problem>`. What it changes, it changes inside of [`Api::act`]: the trail first.

mod asked;
mod caller;
mod documents;
mod exceptions;
mod first;
mod guard;
mod me;
mod once;
mod openapi;
mod pages;
mod problem;
mod replays;
mod returns;
mod tokens;
mod trail;

use std::collections::{BTreeSet, HashMap};
use std::future::Future;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::handler::Handler;
use axum::http::Method;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{MethodFilter, MethodRouter, on};
use uuid::Uuid;

pub use caller::{Caller, OwnToken, TOKEN_FILE, USER};
pub use first::FirstLink;
pub use problem::Problem;

use crate::clock::{Clock, Mark};
use crate::config::Config;
use crate::gateways::Bucket;
use crate::store::{Act, Role, Store, TrailOutcome};

/// What the API works with; cheap to clone.
#[derive(Clone)]
pub struct Api {
    config: Arc<Config>,
    clock: Clock,
    store: Store,
    /// The token of the command line on this machine.
    own: OwnToken,
    born: Mark,
    paces: Arc<Mutex<HashMap<Uuid, Bucket>>>,
}

impl Api {
    /// All of it; `own` is the token that this process wrote down for the command line.
    #[must_use]
    pub fn new(config: Arc<Config>, clock: Clock, store: Store, own: OwnToken) -> Self {
        let born = clock.mark();
        Self { config, clock, store, own, born, paces: Arc::default() }
    }

    /// Carries out what changes something: it stands in the trail before, and how it ended behind it.
    ///
    /// # Errors
    /// The act's own. Those of the store before the act are answered 503, and nothing was done.
    async fn act<T>(
        &self,
        caller: &Caller,
        act: &Act,
        doing: impl Future<Output = Result<T, Problem>>,
    ) -> Result<T, Problem> {
        let ended = |result: &Result<T, Problem>| match result {
            Ok(_) => TrailOutcome::Done,
            Err(problem) if problem.status().is_server_error() => TrailOutcome::Unsure,
            Err(_) => TrailOutcome::Refused,
        };
        self.store.on_trail(&caller.actor(), act, doing, ended).await
    }
}

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody, without a token.
    Open,
    /// Whoever holds a token of at least this role.
    From(Role),
}

/// The statuses that a route answers by itself, beside those that all have in common.
pub type Answers = &'static [u16];

/// A route as it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Described {
    /// `GET`.
    pub method: &'static str,
    /// `/v1/tokens/{id}`.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
    /// What the handler answers; what every route may answer is not said again.
    pub answers: Answers,
}

impl Described {
    /// Every status that it may answer.
    #[must_use]
    pub fn statuses(&self) -> BTreeSet<u16> {
        let everybody = [408, 413, 500, 503];
        let callers: Answers = if self.access == Access::Open { &[] } else { &[400, 401, 403, 429] };
        // Idempotency keys.
        let changes: Answers = if self.method == "GET" || self.access == Access::Open { &[] } else { &[409, 422] };
        self.answers.iter().chain(&everybody).chain(callers).chain(changes).copied().collect()
    }
}

/// A route with what answers it.
struct Route {
    told: Described,
    method: Method,
    handler: MethodRouter<Api>,
    harmless_twice: bool,
}

impl Route {
    fn get<H, T>(path: &'static str, access: Access, answers: Answers, handler: H) -> Self
    where
        H: Handler<T, Api>,
        T: 'static,
    {
        let told = Described { method: "GET", path, access, answers };
        Self { told, method: Method::GET, handler: on(MethodFilter::GET, handler), harmless_twice: false }
    }

    fn post<H, T>(path: &'static str, access: Access, answers: Answers, handler: H) -> Self
    where
        H: Handler<T, Api>,
        T: 'static,
    {
        let told = Described { method: "POST", path, access, answers };
        Self { told, method: Method::POST, handler: on(MethodFilter::POST, handler), harmless_twice: false }
    }

    fn delete<H, T>(path: &'static str, access: Access, answers: Answers, handler: H) -> Self
    where
        H: Handler<T, Api>,
        T: 'static,
    {
        let told = Described { method: "DELETE", path, access, answers };
        Self { told, method: Method::DELETE, handler: on(MethodFilter::DELETE, handler), harmless_twice: false }
    }

    /// What it asks for is told apart by its own names: where nobody knows whether it was done, a repeat does it again.
    fn harmless_twice(self) -> Self {
        Self { harmless_twice: true, ..self }
    }
}

/// Every route. A new resource is one line here.
fn routes() -> Vec<Route> {
    [
        openapi::routes(),
        first::routes(),
        me::routes(),
        exceptions::routes(),
        replays::routes(),
        returns::routes(),
        documents::routes(),
        tokens::routes(),
        trail::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Every route as it is told, for whoever compares.
#[must_use]
pub fn described() -> Vec<Described> {
    routes().into_iter().map(|route| route.told).collect()
}

/// The routes; what nothing answers to gets a problem, too.
pub fn api(api: Api) -> Router {
    let mut router = Router::new();
    for route in routes() {
        let guard = guard::Guard {
            api: api.clone(),
            access: route.told.access,
            changes: route.method != Method::GET,
            harmless_twice: route.harmless_twice,
        };
        router = router.route(route.told.path, route.handler.route_layer(from_fn_with_state(guard, guard::guard)));
    }
    router
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::wrong_method)
        .layer(from_fn(guard::dressed))
        .with_state(api)
}
