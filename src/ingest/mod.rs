//! WHERE IT ENTERS: the HTTP doors, the periodic scan for what events did not tell, and scans of what Dynamics says of its
//! items.
//!
//! One request is one straight page (`visit`): read within the limits, find the sender, believe it or not, translate,
//! make durable, answer.
//!
//! It refuses what is not authentic, and nothing else: authentic bytes that nobody understands are a message, too
//! (`Unreadable`), because a refused event comes back for days and in the end closes the door for all others.
//! Invariants: success is answered only once every message of a request is durable, in its queue or in the outbox; a
//! duplicate is never suppressed here, because the first copy may not be durable yet; meaning is read only after
//! authenticity; a secret is never written anywhere, also not as part of a path.
//!
//! Business Central has no door in this release: its paths are unknown.

mod accept;
mod answer;
mod catalogue;
mod checks;
mod read;
mod scan;
mod signature;
mod visit;

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::routing::any;

use crate::clock::Clock;
use crate::config::Config;
use crate::store::Store;
use crate::transport::Transport;

pub use accept::outgoing;
pub use answer::guard;
pub use catalogue::{CatalogueScans, ScanError};
pub use checks::check;
pub use scan::{DocumentScans, Scanning};
pub use signature::{BodyMac, Encoding, Hash, Scheme, Signed};

use answer::{Answer, Refusal};
use visit::{Door, House};

/// What the doors need; all of it cheap to clone.
#[derive(Clone)]
#[allow(missing_docs, reason = "each is explained at its type")]
pub struct Doors {
    pub config: Arc<Config>,
    pub clock: Clock,
    pub store: Store,
    pub transport: Transport,
}

/// The routes of design section 9 below `/ingest`, with all limits.
pub fn router(doors: Doors) -> Router {
    let clock = doors.clock.clone();
    let routes = Router::new()
        .route("/ingest/d365/finance-operations/{environment}/{secret}", any(finance_operations))
        .route("/ingest/warehouse/{connection}", any(warehouse))
        .route("/ingest/warehouse/{connection}/{*rest}", any(warehouse_with_more))
        .route("/ingest", any(nowhere))
        .route("/ingest/{*rest}", any(nowhere))
        .with_state(Arc::new(House::new(doors)));
    guard(routes, clock)
}

async fn finance_operations(
    State(house): State<Arc<House>>,
    path: Result<Path<(String, String)>, PathRejection>,
    request: Request,
) -> Answer {
    let Ok(Path((environment, secret))) = path else { return Refusal::Unknown.into() };
    house.visit(Door::FinanceOperations { environment, secret }, request).await
}

async fn warehouse(
    State(house): State<Arc<House>>,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Answer {
    let Ok(Path(connection)) = path else { return Refusal::Unknown.into() };
    house.visit(Door::Warehouse { connection }, request).await
}

/// A secret and an event in the path are for connectors that sign nothing or do not name their events; the standard
/// one signs and names, and they say nothing there.
async fn warehouse_with_more(
    State(house): State<Arc<House>>,
    path: Result<Path<(String, String)>, PathRejection>,
    request: Request,
) -> Answer {
    match path {
        Ok(Path((connection, rest))) if rest.split('/').count() <= 2 => {
            house.visit(Door::Warehouse { connection }, request).await
        }
        Ok(_) | Err(_) => Refusal::Unknown.into(),
    }
}

async fn nowhere() -> Answer {
    Refusal::Unknown.into()
}
