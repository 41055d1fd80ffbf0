//! WHAT IS REMEMBERED: endings, intents, effects, parked messages, the outbox, owners, documents and their journey.
//!
//! One closed enum over SQLite (one process, in the data folder) and PostgreSQL (production). Both pass one
//! conformance suite. The store decides nothing: it keeps rows, compares epochs and tells the time.
//!
//! Invariants: everything an attempt leaves behind is in one commit or nowhere; nothing is written under an epoch
//! older than the partition's; a gate exists exactly as long as anything of its lane is parked, because it *is*
//! those rows; between processes only the store's clock counts.

mod postgresql;
mod rows;
mod sqlite;

pub use rows::{
    Document, DocumentView, Effect, Ending, Gate, Intended, Intent, Known, Listed, OutboxRow, Outcome, Ownership,
    Parked, ParkedFailure, ParkedFilter, Place, Purpose, Question, Record, Replayed, Step, Unsettled, Waiting,
    WaitsFor, Written,
};

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use crate::config::Config;
use crate::message::Flow;

/// The store could not do what was asked. Nothing is known of a write whose answer is lost: the same call is made again.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It does not answer, or ended the statement: try again.
    #[error("the store does not answer while {doing}")]
    Away {
        /// What was being done.
        doing: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It cannot be used as it is: wrong address, wrong version, no rights, a newer schema.
    #[error("the store cannot be used: {problem}. {remedy}")]
    Unusable {
        /// What is wrong.
        problem: String,
        /// What to do.
        remedy: String,
    },
}

/// The store: cheap to clone, all clones are one.
#[derive(Clone)]
pub enum Store {
    /// A file in the data folder.
    Sqlite(sqlite::Sqlite),
    /// A PostgreSQL server.
    Postgresql(postgresql::Postgresql),
}

impl Store {
    /// Connects and brings the schema up to date; safe when several processes do so at once.
    pub async fn open(config: &Config) -> Result<Self, StoreError> {
        unimplemented!()
    }
    /// Closes all connections.
    pub async fn close(&self) {
        unimplemented!()
    }
    /// The store's clock.
    pub async fn now(&self) -> Result<Timestamp, StoreError> {
        unimplemented!()
    }
    /// What people should know about how safe it is (one sentence each; empty when nothing): shown at start and in `/readyz`.
    pub async fn warnings(&self) -> Result<Vec<String>, StoreError> {
        unimplemented!()
    }

    /// Says that a worker lives.
    pub async fn beat(&self, worker: Uuid) -> Result<(), StoreError> {
        unimplemented!()
    }
    /// Takes a partition that nobody owns, or whose owner has been silent for `dead_after`, or that is ours already
    /// (a restarted session): its epoch rises. Nothing when somebody else lives.
    pub async fn take(
        &self,
        worker: Uuid,
        flow: Flow,
        partition: u16,
        dead_after: Duration,
    ) -> Result<Option<Ownership>, StoreError> {
        unimplemented!()
    }
    /// Gives a partition up, so that anybody may take it at once; no effect when it is no longer ours.
    pub async fn give_up(&self, owner: Ownership) -> Result<(), StoreError> {
        unimplemented!()
    }
    /// Everything intended in a partition that no record has done away with, oldest first.
    pub async fn unsettled(&self, owner: Ownership) -> Result<Vec<Unsettled>, StoreError> {
        unimplemented!()
    }

    /// One read for all that gathered; answers in the order of the questions.
    pub async fn look_up(&self, flow: Flow, questions: &[Question]) -> Result<Vec<Known>, StoreError> {
        unimplemented!()
    }
    /// Commits intents: all in one commit, fenced row by row; answers in order.
    pub async fn intend(&self, intended: &[Intended]) -> Result<Vec<Written>, StoreError> {
        unimplemented!()
    }
    /// Commits what attempts left behind: one statement and one commit for all, fenced row by row; a row that the store
    /// cannot hold is split off and answered `Refused`. Repeating it is harmless. Answers in order.
    pub async fn record(&self, records: &[Record]) -> Result<Vec<Written>, StoreError> {
        unimplemented!()
    }

    /// Heads that are due in the given partitions, oldest place first.
    pub async fn due(&self, owners: &[Ownership], limit: u32) -> Result<Vec<Parked>, StoreError> {
        unimplemented!()
    }
    /// Which of these names belong to documents that are known (keys and other names alike).
    pub async fn known(&self, names: &[String]) -> Result<Vec<String>, StoreError> {
        unimplemented!()
    }
    /// Makes everything due that waits for one of these names; how many.
    pub async fn wake(&self, names: &[String]) -> Result<u64, StoreError> {
        unimplemented!()
    }
    /// A later event says "look again": makes a head that waits for a person due once; its budget stays spent.
    pub async fn look_again(&self, flow: Flow, head: Uuid) -> Result<bool, StoreError> {
        unimplemented!()
    }
    /// A person's wish: makes a head due with a fresh budget.
    pub async fn replay(&self, message_id: Uuid, asked_by: &str) -> Result<Replayed, StoreError> {
        unimplemented!()
    }
    /// Parked messages for people, newest last, and how many match in all.
    pub async fn parked(&self, filter: &ParkedFilter) -> Result<(u64, Vec<Listed>), StoreError> {
        unimplemented!()
    }
    /// How much is parked: flow, what for (`head`, `time`, `document`, `person`), messages.
    pub async fn parked_counts(&self) -> Result<Vec<(Flow, String, u64)>, StoreError> {
        unimplemented!()
    }

    /// Puts an accepted message into the outbox; `false` when `rows_max` rows wait already.
    pub async fn accept(&self, row: &OutboxRow, rows_max: u64) -> Result<bool, StoreError> {
        unimplemented!()
    }
    /// The first rows of a flow by id, whatever their purpose.
    pub async fn outbox(&self, flow: Flow, limit: u32) -> Result<Vec<OutboxRow>, StoreError> {
        unimplemented!()
    }
    /// Deletes what was delivered.
    pub async fn delivered(&self, ids: &[i64]) -> Result<(), StoreError> {
        unimplemented!()
    }
    /// How much waits, of one flow and purpose or of all.
    pub async fn waiting(&self, flow: Option<Flow>, purpose: Option<Purpose>) -> Result<Waiting, StoreError> {
        unimplemented!()
    }

    /// Documents that have this name (key or other name, whole), with their journeys.
    pub async fn documents(&self, name: &str) -> Result<Vec<DocumentView>, StoreError> {
        unimplemented!()
    }
}
