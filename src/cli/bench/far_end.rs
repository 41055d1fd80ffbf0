//! The far end of a bench: it answers at once, or after a wait, and counts what it took.
//!
//! It stands for Dynamics and for a warehouse of the `standard` connector, in this very process or over HTTP. Dynamics
//! knows none of the documents any more, which is how a deleted one looks; the warehouse confirms every cancellation, and says what
//! became of an order when somebody asks because the answer was lost.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use serde_json::json;
use tokio::net::TcpListener;

use super::messages::numbered;
use super::meter::Meter;
use crate::gateways::{Wire, WireAnswer, WireRequest};

/// A far end; all clones are one.
#[derive(Clone)]
pub(super) struct FarEnd(Arc<Ledger>);

struct Ledger {
    wait_us: AtomicU64,
    reads: AtomicU64,
    scene: RwLock<Scene>,
}

/// What is counted now.
#[derive(Clone)]
struct Scene {
    /// Orders have numbers from here on.
    first: u64,
    /// How often each was cancelled.
    cancelled: Arc<Vec<AtomicU32>>,
    /// Told of every effect, or of every read where there are no effects.
    meter: Option<Arc<Meter>>,
    reads_count: bool,
}

impl FarEnd {
    pub(super) fn new() -> Self {
        let scene = Scene { first: 0, cancelled: Arc::default(), meter: None, reads_count: false };
        Self(Arc::new(Ledger { wait_us: AtomicU64::new(0), reads: AtomicU64::new(0), scene: RwLock::new(scene) }))
    }

    /// From now on, these orders are looked for, and the meter is told of effects (or of reads).
    pub(super) fn expect(&self, first: u64, count: usize, meter: Option<Arc<Meter>>, reads_count: bool) {
        let cancelled = Arc::new((0..count).map(|_| AtomicU32::new(0)).collect());
        *self.0.scene.write().unwrap_or_else(PoisonError::into_inner) = Scene { first, cancelled, meter, reads_count };
    }

    /// The number of the first order that is looked for.
    pub(super) fn first(&self) -> u64 {
        self.scene().first
    }

    /// From now on, every changing call is answered after this time.
    pub(super) fn wait(&self, wait: Duration) {
        self.0.wait_us.store(u64::try_from(wait.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// How many orders were cancelled once, and how many more than once.
    pub(super) fn effects(&self) -> (u64, u64) {
        let scene = self.scene();
        let times = |wanted: fn(u32) -> bool| {
            scene.cancelled.iter().filter(|each| wanted(each.load(Ordering::Relaxed))).count() as u64
        };
        (times(|times| times == 1), times(|times| times > 1))
    }

    /// As a wire, in this process.
    pub(super) fn wire(&self) -> Result<Wire, super::Failed> {
        let far_end = self.clone();
        Ok(Wire::in_process(move |request: WireRequest| {
            let far_end = far_end.clone();
            async move {
                let (status, body) =
                    far_end.answer(request.method.as_str(), request.url.path(), request.url.query()).await;
                WireAnswer::Answered { status, headers: axum::http::HeaderMap::new(), body: body.into_bytes() }
            }
        })?)
    }

    /// Over HTTP; where.
    pub(super) async fn listen(&self) -> std::io::Result<SocketAddr> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let routes = axum::Router::new().fallback(served).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Ok(address)
    }

    async fn answer(&self, method: &str, path: &str, query: Option<&str>) -> (u16, String) {
        if let Some(reference) = query.filter(|_| path == "/orders").and_then(|query| query.strip_prefix("reference="))
        {
            return (200, self.found(reference));
        }
        match (method, path.strip_prefix("/orders/wo-").and_then(|rest| rest.strip_suffix("/cancel"))) {
            ("POST", Some(number)) => {
                let wait = Duration::from_micros(self.0.wait_us.load(Ordering::Relaxed));
                if !wait.is_zero() {
                    tokio::time::sleep(wait).await;
                }
                self.cancel(number);
                (200, r#"{"outcome":{"code":"CONFIRMED"}}"#.to_owned())
            }
            ("POST", None) => (200, r#"{"access_token":"bench","expires_in":86400}"#.to_owned()),
            _ => {
                self.0.reads.fetch_add(1, Ordering::Relaxed);
                let scene = self.scene();
                if let Some(meter) = scene.meter.filter(|_| scene.reads_count) {
                    meter.count(1);
                }
                (404, r#"{"error":{"code":"","message":"There is no such document."}}"#.to_owned())
            }
        }
    }

    /// The order of a reference, as the warehouse has it now.
    fn found(&self, reference: &str) -> String {
        let Some(number) = numbered(reference) else { return r#"{"orders":[]}"#.to_owned() };
        let scene = self.scene();
        let cancelled = place(&scene, number).and_then(|place| scene.cancelled.get(place));
        let live = cancelled.is_none_or(|times| times.load(Ordering::Relaxed) == 0);
        let status = if live { "RECEIVED" } else { "CANCELLED" };
        let order =
            json!({ "id": format!("wo-{number}"), "reference": reference, "status": { "code": status }, "lines": [] });
        json!({ "orders": [order] }).to_string()
    }

    fn cancel(&self, number: &str) {
        let scene = self.scene();
        let place = number.parse::<u64>().ok().and_then(|number| place(&scene, number));
        if let Some(times) = place.and_then(|place| scene.cancelled.get(place)) {
            times.fetch_add(1, Ordering::Relaxed);
        }
        if let (Some(meter), false) = (&scene.meter, scene.reads_count) {
            meter.effect(place);
        }
    }

    fn scene(&self) -> Scene {
        self.0.scene.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Where an order is counted.
fn place(scene: &Scene, number: u64) -> Option<usize> {
    usize::try_from(number.checked_sub(scene.first)?).ok()
}

async fn served(State(far_end): State<FarEnd>, request: Request) -> axum::response::Response {
    let (method, uri) = (request.method().clone(), request.uri().clone());
    // Read whole, as a far end would; it says nothing that matters here.
    let _: Result<Bytes, _> = to_bytes(request.into_body(), usize::MAX).await;
    let (status, body) = far_end.answer(method.as_str(), uri.path(), uri.query()).await;
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [("content-type", "application/json")], body).into_response()
}
