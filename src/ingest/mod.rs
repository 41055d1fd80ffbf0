//! WHERE IT ENTERS: the HTTP doors.

use crate::clock::Clock;
use crate::config::Config;
use crate::store::Store;
use crate::transport::Transport;

/// What the doors need; all of it cheap to clone.
#[derive(Clone)]
#[allow(missing_docs, reason = "each is explained at its type")]
pub struct Doors {
    pub config: std::sync::Arc<Config>,
    pub clock: Clock,
    pub store: Store,
    pub transport: Transport,
}

/// The routes of design section 9 below `/ingest`, with all limits.
pub fn router(doors: Doors) -> axum::Router { unimplemented!() }
