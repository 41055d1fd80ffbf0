//! WHO DRIVES: partitions, lanes, one attempt, what is gathered into commits, the relay, the retry table.
//!
//! A worker owns partitions of its flows. What is delivered from them goes into lanes, one per document; a lane runs one
//! attempt at a time (`attempt.rs`, one straight page). An attempt ends in one record, which commits with whatever
//! gathered beside it, and only then is the delivery settled.
//!
//! ```text
//!                      ┌───────── again (time, document, far end opened, look again, replay) ──────────┐
//!                      ▼                                                                               │
//!  delivered ──► (gate open) ──► attempt ──┬──► applied ─┐                                             │
//!      │                          │  ▲     ├──► not ours ┴─► ended: an inbox row, for good             │
//!      │ (gate closed)            │  │     └──► parked for a time, a document, a far end, a person ────┤
//!      ▼                          │  └─ due at the front                 │                             │
//!  parked behind the head ────────┼──────────────────────────────────────┘                             │
//!      │                          └──► left: nothing recorded; delivered again                         │
//!      │ ended or parked already ──► came again: seen, counted, settled                                │
//!      └─ what stood in front ended ───────────────────────────────────────────────────────────────────┘
//! ```
//!
//! It refuses to decide what a message means (`flows` does), to know a far end (`gateways`), to keep anything (`store`)
//! or to travel (`transport`).
//!
//! Invariants: a partition has one owner and a key one lane, so that a message is never in two hands; a call that
//! changes a far end is intended in the store before it leaves; nothing is settled but after a commit that wrote; parking
//! is the one way to wait.

mod anew;
mod attempt;
mod by_hand;
mod calls;
mod dry_run;
mod due;
mod emitted;
mod gate;
mod gather;
mod house;
mod inbound;
mod journal;
mod known;
mod lanes;
mod leave;
mod mapping;
mod measure;
mod ownership;
mod parking;
mod partition;
mod relay;
mod report;
mod retry;
mod share;
mod sought;
mod stops;
mod unsure;
mod wake;

use std::sync::Arc;
use std::time::Duration;

use tokio_util::task::TaskTracker;

pub use gate::{Admission, Arrival, Brought, admit};
pub use parking::{Parking, Parkings, Pause, Standing};
pub use retry::{RetryTable, Waits};
pub use share::fair_share;
pub use unsure::not_there_counts_in;

use house::House;

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
    pub config: Arc<Config>,
    pub clock: Clock,
    pub store: Store,
    pub transport: Transport,
    pub gateways: Gateways,
}

/// A running worker: it owns partitions of its flows, works on their messages and relays their outbox.
///
/// Dropped without [`Worker::stop`], it ends where it stands, as in a crash: what is not committed comes back.
pub struct Worker {
    house: Arc<House>,
    /// What ends in order when the worker stops: partitions and relays.
    seats: TaskTracker,
}

impl Worker {
    /// Starts: beats, takes partitions as they become free, works.
    #[must_use]
    pub fn start(tools: Tools, mut flows: Vec<Flow>) -> Self {
        flows.sort_unstable();
        flows.dedup();
        let house = House::build(tools, flows);
        let seats = TaskTracker::new();
        let of = || Arc::clone(&house);
        house.spawn(&house.tasks, ownership::beat(of()));
        house.spawn(&house.tasks, due::run(of()));
        house.spawn(&house.tasks, stops::run(of()));
        house.spawn(&house.tasks, mapping::run(of()));
        house.spawn(&house.tasks, measure::run(of()));
        house.spawn(&house.tasks, dry_run::run(of()));
        for flow in &house.flows {
            for number in 0..house.tools.transport.partitions(*flow) {
                house.spawn(&seats, partition::hold(of(), *flow, number));
            }
            house.spawn(&seats, relay::hold(of(), *flow));
        }
        seats.close();
        Self { house, seats }
    }

    /// Gives everything up in order: cancels, finishes what has started (at most `drain`), commits, acknowledges, closes.
    pub async fn stop(self, drain: Duration) {
        self.house.set_drain(drain);
        self.house.stopping.cancel();
        self.seats.wait().await;
        self.house.gone.cancel();
        self.house.tasks.close();
        self.house.tasks.wait().await;
        // Whoever cannot say so is found out by its silence.
        let _ = tokio::time::timeout(self.house.pulse.term, self.house.tools.store.leave(self.house.worker)).await;
    }

    /// How many partitions it owns, of all its flows.
    #[must_use]
    pub fn partitions(&self) -> usize {
        self.house.tenures.all().len()
    }

    /// Whether it owns its share of every flow, neither less nor more.
    #[must_use]
    pub fn ready(&self) -> bool {
        let owns_its_share = |flow: &Flow| self.house.shares.of(*flow) == Some(self.house.tenures.count(*flow));
        self.house.flows.iter().all(owns_its_share)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.house.gone.cancel();
    }
}
