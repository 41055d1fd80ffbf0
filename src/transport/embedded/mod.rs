//! The embedded queue: a durable queue in `queue.db`, a file of its own in the data folder.
//!
//! It is a file of its own because the store writes all the time: two writers of one file would wait for each other's
//! lock. One task writes, and whatever gathered while it wrote shares the next commit; subscriptions read beside it.
//!
//! Refuses to be opened by two processes: the lock on the data folder sees to it, not this module. Invariants: ids are
//! given in the order of commits and never again, so that reading "after the last one" misses nothing; a row is deleted
//! only by its settlement.

mod file;
mod subscription;
mod writer;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use sqlx::SqlitePool;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config::{Config, Partitions};
use crate::message::Flow;

use super::lane::{Lane, count};
use super::{Difference, NotDelivered, Outgoing, TransportError};

use subscription::Window;
use writer::Work;

pub use subscription::{Right, Subscription};

/// The embedded queue. All clones are one.
#[derive(Clone)]
pub struct Embedded(Arc<Shared>);

struct Shared {
    partitions: Partitions,
    prefetch: usize,
    work: mpsc::UnboundedSender<Work>,
    reader: SqlitePool,
    open: Subscribers,
    closed: CancellationToken,
    clock: Clock,
}

/// Who is subscribed, by lane: whom a commit wakes.
type Subscribers = Arc<Mutex<HashMap<Lane, Arc<Window>>>>;

impl Embedded {
    pub(super) async fn open(config: &Config, clock: &Clock) -> Result<Self, TransportError> {
        let prefetch = usize::from(config.transport.prefetch);
        let file = clock.step("queue.open", file::open(&config.data, &config.transport.partitions)).await?;
        let (work, received) = mpsc::unbounded_channel();
        let open = Subscribers::default();
        tokio::spawn(writer::run(file.writer, received, Arc::clone(&open), clock.clone()));
        let partitions = config.transport.partitions.clone();
        let closed = CancellationToken::new();
        let (reader, clock) = (file.reader, clock.clone());
        Ok(Self(Arc::new(Shared { partitions, prefetch, work, reader, open, closed, clock })))
    }

    /// Creates the file; nothing in it can differ.
    pub(super) async fn apply(config: &Config) -> Result<Vec<Difference>, TransportError> {
        let file = file::open(&config.data, &config.transport.partitions).await?;
        file.reader.close().await;
        Ok(Vec::new())
    }

    pub(super) fn check(config: &Config) -> Vec<Difference> {
        let path = file::path(&config.data);
        if path.is_file() {
            return Vec::new();
        }
        let remedy = "Nothing to do: it is made at the first start, or by `drayline topology apply`".to_owned();
        vec![Difference { thing: format!("file {}", path.display()), problem: "is missing".to_owned(), remedy }]
    }

    pub(super) fn partitions(&self, flow: Flow) -> u16 {
        count(&self.0.partitions, flow)
    }

    pub(super) async fn publish(&self, message: Outgoing) -> Result<(), NotDelivered> {
        if self.0.closed.is_cancelled() {
            return Err(NotDelivered::Away);
        }
        let lane = Lane::of(&message, &self.0.partitions);
        self.0.clock.step("queue.publish", std::future::ready(())).await;
        let (answer, answered) = oneshot::channel();
        self.0.work.send(Work::Publish { lane, message, answer }).map_err(|_| NotDelivered::Away)?;
        answered.await.unwrap_or(Err(NotDelivered::Unconfirmed))
    }

    pub(super) async fn subscribe(&self, lane: Lane, window: u16) -> Result<Subscription, TransportError> {
        if self.0.closed.is_cancelled() {
            return Err(TransportError::closed());
        }
        if !lane.exists(&self.0.partitions) {
            return Err(TransportError::new(format!("there is no queue {lane}"), "Look at transport.partitions"));
        }
        Subscription::begin(&self.0, lane, usize::from(window).min(self.0.prefetch)).await
    }

    /// Everything that was published or settled is on disk when this returns, and the file is closed.
    pub(super) async fn close(&self) {
        self.0.closed.cancel();
        let windows: Vec<_> = lock(&self.0.open).drain().collect();
        for (lane, window) in windows {
            window.end(lane, &self.0.work);
        }
        let (answer, answered) = oneshot::channel();
        if self.0.work.send(Work::Stop(answer)).is_ok() {
            // No answer means that the writer has ended already.
            let _ = answered.await;
        }
        self.0.clock.step("queue.close", self.0.reader.close()).await;
    }
}

/// Nothing here leaves its maps half changed, so a panic elsewhere does not spoil them.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
