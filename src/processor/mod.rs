//! WHO DRIVES: partitions, lanes, one attempt, the committers, the relay, the retry table.

use std::time::Duration;

use crate::clock::Clock;
use crate::config::Config;
use crate::gateways::Gateways;
use crate::message::Flow;
use crate::store::Store;
use crate::transport::Transport;

/// What a worker needs; all of it cheap to clone.
#[derive(Clone)]
#[allow(missing_docs, reason = "each is explained at its type")]
pub struct Tools {
    pub config: std::sync::Arc<Config>,
    pub clock: Clock,
    pub store: Store,
    pub transport: Transport,
    pub gateways: Gateways,
}

/// A running worker: it owns partitions of its flows, works on their messages and relays their outbox.
pub struct Worker;

impl Worker {
    /// Starts: beats, takes partitions as they become free, works.
    pub fn start(tools: Tools, flows: Vec<Flow>) -> Self {
        unimplemented!()
    }
    /// Gives everything up in order: cancels, finishes what has started (at most `drain`), commits, acknowledges, closes.
    pub async fn stop(self, drain: Duration) {
        unimplemented!()
    }
    /// Whether it owns every partition of its flows: for `/readyz` and tests.
    pub fn ready(&self) -> bool {
        unimplemented!()
    }
}
