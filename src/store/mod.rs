//! WHAT IS REMEMBERED: endings, intents, effects, parked messages, the outbox, owners, documents and their journey.
//!
//! One closed enum over SQLite (one process, in the data folder) and PostgreSQL (production). Both pass one
//! conformance suite. The store decides nothing: it keeps rows, compares epochs and tells the time.
//!
//! Invariants: everything an attempt leaves behind is in one commit or nowhere; nothing is written under an epoch
//! older than the partition's; a gate exists exactly as long as anything of its lane is parked, because it *is*
//! those rows; between processes only the store's clock counts.

mod answers;
mod asked;
mod batch;
mod broken;
mod by_hand;
mod campaign_messages;
mod campaigns;
mod catalogue;
mod chain;
mod columns;
mod crew;
mod handling;
mod kept;
mod mapping;
mod outbox;
mod outstanding;
mod parts;
mod patches;
mod postgresql;
mod progress;
mod rows;
mod scans;
mod snapshots;
mod sqlite;
mod statements;
mod stops;
mod tokens;
mod trail;
mod views;
mod waits;
mod work;

pub use answers::{AnswerKey, Claimed};
pub use asked::{Announcement, Discarded, ExceptionScan, KnownName, Listed, ParkedFilter, Replayed, SnapshotView};
pub use by_hand::ByHand;
pub use campaign_messages::{CampaignMessage, ToRehearse};
pub use campaigns::{Campaign, CampaignState, NewCampaign, Outcomes, Pulse};
pub use catalogue::{CatalogueScan, Kept, Scanned};
pub use chain::{Broken, Chain, Verified};
pub use crew::Crew;
pub use handling::{Acted, Changed, Handling, Seen};
pub use kept::{Again, Ended, KeptMessage};
pub use mapping::{MappingChange, MappingVersion};
pub use outstanding::{Holding, Outstanding, OutstandingFilter, OutstandingTotal, OutstandingView};
pub use patches::{Release, Revision, ToPatch};
pub use progress::{Progress, ProgressFilter, ProgressView, State, StateCount};
pub use rows::{
    Document, Effect, Ending, Gate, Intended, Intent, Known, Name, OutboxRow, Outcome, Ownership, Parked,
    ParkedFailure, Place, Purpose, Question, Record, Step, Unsettled, Waiting, WaitsFor, Written,
};
pub use snapshots::SnapshotPart;
pub use stops::{Pause, Stopped};
pub use tokens::{NewToken, NoRole, Role, Token};
pub use trail::{Act, Actor, TrailFilter, TrailHead, TrailLink, TrailOutcome, TrailRow};
pub use views::{DOCUMENTS_MAX, DocumentView, STEPS_MAX};
pub use work::{ActView, AttemptView, Attempted, Cause, Cursor, ExceptionFilter, Work, WorkState};

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use crate::clock::Clock;
use crate::config::{Config, StoreKind};
use crate::message::Flow;
use crate::rehearsal::{self, Variant};

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

/// The same call on whichever store it is.
macro_rules! on {
    ($self:ident, $store:ident => $same:ident.$call:ident($($argument:expr),*).await) => {
        match $self {
            Self::Sqlite($store) => $store.clock.step(stringify!($call), $store.$call($($argument),*)).await,
            Self::Postgresql($store) => $store.$call($($argument),*).await,
        }
    };
}
use on;

impl Store {
    /// Whether the configured address can be one; asks nobody.
    ///
    /// # Errors
    /// With what is wrong with it.
    pub fn check_address(config: &Config) -> Result<(), StoreError> {
        match config.store.kind {
            StoreKind::Sqlite => Ok(()),
            StoreKind::Postgresql => postgresql::check_address(config),
        }
    }

    /// Which store is configured, for sentences.
    #[must_use]
    pub fn place(config: &Config) -> String {
        match config.store.kind {
            StoreKind::Sqlite => format!("the store in {}", config.data.display()),
            StoreKind::Postgresql => format!("PostgreSQL at {}", postgresql::place(config)),
        }
    }

    /// Whether there is anything to look at: a server is there for everybody, a file only once somebody worked.
    #[must_use]
    pub fn is_there(config: &Config) -> bool {
        match config.store.kind {
            StoreKind::Sqlite => sqlite::Sqlite::is_there(config),
            StoreKind::Postgresql => true,
        }
    }

    /// Connects and brings the schema up to date; safe when several processes do so at once.
    pub async fn open(config: &Config) -> Result<Self, StoreError> {
        Self::open_with_clock(config, &Clock::system()).await
    }

    /// The same with another clock than the machine's, which a file tells its time by. A server has its own clock.
    pub async fn open_with_clock(config: &Config, clock: &Clock) -> Result<Self, StoreError> {
        match config.store.kind {
            StoreKind::Sqlite => {
                let opened = clock.step("open", sqlite::Sqlite::open(config, clock)).await?;
                Ok(Self::Sqlite(opened))
            }
            StoreKind::Postgresql => Ok(Self::Postgresql(postgresql::Postgresql::open(config).await?)),
        }
    }

    /// Makes an empty place beside everything that is remembered, for measurements; what is opened with the answered
    /// configuration sees nothing else. What an earlier run left under this name goes.
    pub async fn set_aside(config: &Config, name: &str) -> Result<Config, StoreError> {
        match config.store.kind {
            StoreKind::Sqlite => Err(no_room()),
            StoreKind::Postgresql => postgresql::aside::set(config, name).await,
        }
    }

    /// Removes such a place with everything in it.
    pub async fn remove_aside(config: &Config, name: &str) -> Result<(), StoreError> {
        match config.store.kind {
            StoreKind::Sqlite => Err(no_room()),
            StoreKind::Postgresql => postgresql::aside::remove(config, name).await,
        }
    }

    /// How many workers have said within this time that they live. Nothing is made by asking.
    pub async fn workers(config: &Config, within: Duration) -> Result<u64, StoreError> {
        match config.store.kind {
            StoreKind::Sqlite => Err(no_room()),
            StoreKind::Postgresql => postgresql::aside::workers(config, within).await,
        }
    }

    /// The same store as another worker beside this one sees it, whose steps have another fate.
    #[must_use]
    pub fn seen_by(&self, clock: &Clock) -> Self {
        match self {
            Self::Sqlite(store) => Self::Sqlite(store.seen_by(clock)),
            Self::Postgresql(store) => Self::Postgresql(store.clone()),
        }
    }

    /// Closes all connections.
    pub async fn close(&self) {
        on!(self, store => store.close().await);
    }

    /// The store's clock.
    pub async fn now(&self) -> Result<Timestamp, StoreError> {
        on!(self, store => store.now().await)
    }

    /// What people should know about how safe it is (one sentence each; empty when nothing): shown at start and in `/readyz`.
    pub async fn warnings(&self) -> Result<Vec<String>, StoreError> {
        on!(self, store => store.warnings().await)
    }

    /// Says that a worker lives, and of which flows it can take partitions now.
    pub async fn beat(&self, worker: Uuid, flows: &[Flow]) -> Result<(), StoreError> {
        on!(self, store => store.beat(worker, flows).await)
    }

    /// Who lives (heard of within `dead_after`), and who of them owns what.
    pub async fn crew(&self, dead_after: Duration) -> Result<Crew, StoreError> {
        on!(self, store => store.crew(dead_after).await)
    }

    /// A worker has given everything up and goes; whoever was silent for a day is forgotten with it.
    pub async fn leave(&self, worker: Uuid) -> Result<(), StoreError> {
        on!(self, store => store.leave(worker).await)
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
        on!(self, store => store.take(worker, flow, partition, dead_after).await)
    }

    /// Gives a partition up, so that anybody may take it at once; no effect when it is no longer ours.
    pub async fn give_up(&self, owner: Ownership) -> Result<(), StoreError> {
        on!(self, store => store.give_up(owner).await)
    }

    /// Everything intended in a partition that no record has done away with, oldest first.
    pub async fn unsettled(&self, owner: Ownership) -> Result<Vec<Unsettled>, StoreError> {
        on!(self, store => store.unsettled(owner).await)
    }

    /// One read for all that gathered; answers in the order of the questions.
    pub async fn look_up(&self, flow: Flow, questions: &[Question]) -> Result<Vec<Known>, StoreError> {
        on!(self, store => store.look_up(flow, questions).await)
    }

    /// Commits intents: all in one commit, fenced row by row; answers in order.
    pub async fn intend(&self, intended: &[Intended]) -> Result<Vec<Written>, StoreError> {
        on!(self, store => store.intend(intended).await)
    }

    /// Commits what attempts left behind: one statement and one commit for all, fenced row by row; a row that the store
    /// cannot hold is split off and answered `Refused`. Repeating it is harmless. Answers in order.
    pub async fn record(&self, records: &[Record]) -> Result<Vec<Written>, StoreError> {
        if rehearsal::broken(Variant::FenceByPlainRead) {
            return self.record_after_a_look(records).await;
        }
        on!(self, store => store.record(records).await)
    }

    /// Heads that are due in the given partitions, oldest place first.
    pub async fn due(&self, owners: &[Ownership], limit: u32) -> Result<Vec<Parked>, StoreError> {
        on!(self, store => store.due(owners, limit).await)
    }

    /// Which of these names belong to documents that are known (keys and other names alike).
    pub async fn known(&self, names: &[String]) -> Result<Vec<KnownName>, StoreError> {
        on!(self, store => store.known(names).await)
    }

    /// Makes everything due that waits for one of these names; how many.
    pub async fn wake(&self, names: &[String]) -> Result<u64, StoreError> {
        on!(self, store => store.wake(names).await)
    }

    /// A later event says "look again": makes a head that waits for a person due once; its budget stays spent.
    pub async fn look_again(&self, flow: Flow, head: Uuid) -> Result<bool, StoreError> {
        on!(self, store => store.look_again(flow, head).await)
    }

    /// A head that waits for a kind lets the first of that kind which stands behind it already step in front of it; tells
    /// whether one did. Only under an epoch that is not over.
    pub async fn let_pass(&self, owner: Ownership, lane_key: &str) -> Result<bool, StoreError> {
        on!(self, store => store.let_pass(owner, lane_key).await)
    }

    /// Parked messages for people, newest last, and how many match in all.
    pub async fn parked(&self, filter: &ParkedFilter) -> Result<(u64, Vec<Listed>), StoreError> {
        on!(self, store => store.parked(filter).await)
    }

    /// How much waits for each far end, and for paused flows, in every partition.
    pub async fn stopped(&self) -> Result<Vec<Stopped>, StoreError> {
        on!(self, store => store.stopped().await)
    }

    /// Heads of the given partitions that wait for just this (a far end, or their flow), those first that have waited for
    /// longest.
    pub async fn stopped_heads(
        &self,
        owners: &[Ownership],
        waits_for: &WaitsFor,
        limit: u32,
    ) -> Result<Vec<Parked>, StoreError> {
        on!(self, store => store.stopped_heads(owners, waits_for, limit).await)
    }

    /// Pauses what it names; answers the pause that holds, which is an older one where there is one.
    pub async fn pause(&self, pause: &Pause) -> Result<Pause, StoreError> {
        on!(self, store => store.pause(pause).await)
    }

    /// Ends a pause, and keeps who let it go on, when and why; nothing when there was none.
    pub async fn resume(
        &self,
        connection: Option<&str>,
        flow: Option<Flow>,
        by: &str,
        why: &str,
    ) -> Result<Option<Pause>, StoreError> {
        on!(self, store => store.resume((connection, flow), by, why).await)
    }

    /// All pauses that hold, oldest first.
    pub async fn pauses(&self) -> Result<Vec<Pause>, StoreError> {
        on!(self, store => store.pauses().await)
    }

    /// How much is parked: flow, what for (`head`, `time`, `document`, `far_end`, `flow`, `person`), messages.
    pub async fn parked_counts(&self) -> Result<Vec<(Flow, String, u64)>, StoreError> {
        on!(self, store => store.parked_counts().await)
    }

    /// Opens exceptions for messages that were announced, or brings them up to date; the same announcement twice changes
    /// nothing.
    pub async fn announce(&self, announcements: &[Announcement]) -> Result<(), StoreError> {
        on!(self, store => store.announce(announcements).await)
    }

    /// Opens exceptions for what is parked for a person and was not announced, at most `limit`, and closes those whose
    /// message has ended.
    pub async fn scan_exceptions(&self, limit: u32) -> Result<ExceptionScan, StoreError> {
        on!(self, store => store.scan_exceptions(limit).await)
    }

    /// Documents that are known by just this name, key or other.
    pub async fn named(&self, name: &str) -> Result<Vec<Document>, StoreError> {
        on!(self, store => store.named(name).await)
    }

    /// Documents that people mean by a name, with their journeys: key or other name, whole, in any case of its letters from A
    /// to Z and with blanks around it; at most [`DOCUMENTS_MAX`]. Also those that are not known, as nothing was done about them.
    pub async fn documents(&self, name: &str) -> Result<Vec<DocumentView>, StoreError> {
        on!(self, store => store.documents(name).await)
    }
}

fn no_room() -> StoreError {
    StoreError::Unusable {
        problem: "a file has one process and no place beside it".to_owned(),
        remedy: "Configure PostgreSQL: store.kind and store.url".to_owned(),
    }
}
