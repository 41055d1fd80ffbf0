//! What people do about exceptions: lists in the order in which they should work, and everything that was done.

use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::FromRow;
use uuid::Uuid;

use super::asked::{Discarded, Replayed};
use super::columns::micros;
use super::handling::{Acted, Handling, Seen};
use super::{Store, StoreError, on};
use crate::config::{Config, Exceptions, ms};
use crate::message::Flow;

/// Where the work on an exception stands. How they follow each other is drawn in `docs/exceptions.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkState {
    /// Nobody has taken it up.
    Open,
    /// A person is at it.
    Investigating,
    /// It goes on by itself when a named thing appears.
    Waiting,
    /// Somebody asked for it to run again, or what it waited for appeared, and it has not ended since.
    Replaying,
    /// Its message was applied, or turned out to be no business of ours.
    Resolved,
    /// A person ended it without applying its message.
    Discarded,
}

impl WorkState {
    /// Every state.
    pub const ALL: [Self; 6] =
        [Self::Open, Self::Investigating, Self::Waiting, Self::Replaying, Self::Resolved, Self::Discarded];

    /// Those in which something is still to happen.
    pub const UNFINISHED: [Self; 4] = [Self::Open, Self::Investigating, Self::Waiting, Self::Replaying];

    /// The name in the store and for people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Investigating => "investigating",
            Self::Waiting => "waiting",
            Self::Replaying => "replaying",
            Self::Resolved => "resolved",
            Self::Discarded => "discarded",
        }
    }
}

impl FromStr for WorkState {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|state| state.as_str() == text);
        let names = || Self::ALL.map(Self::as_str).join(", ");
        found.ok_or_else(|| format!("{text:?} is no state of an exception; they are {}", names()))
    }
}

/// Which exceptions are wanted: those that every given part allows.
#[derive(Clone, Debug, Default)]
pub struct ExceptionFilter {
    /// Only of these messages.
    pub messages: Option<Vec<Uuid>>,
    /// In one of these states; of none, nothing is wanted.
    pub states: Vec<WorkState>,
    /// Only of this flow.
    pub flow: Option<Flow>,
    /// Only of this connection.
    pub connection: Option<String>,
    /// Only with this code.
    pub code: Option<String>,
    /// Only of this cause.
    pub fingerprint: Option<String>,
    /// Only of this owner: whom somebody named, or where nobody is named, whoever has these codes.
    pub owner: Option<(String, Vec<String>)>,
    /// Only with this tag.
    pub tag: Option<String>,
    /// Only about this item: an item number or a SKU.
    pub item: Option<String>,
    /// Only of this document.
    pub document: Option<String>,
    /// Only those first seen so long ago.
    pub older_than: Option<Duration>,
    /// Only those behind this one in the list.
    pub after: Option<Cursor>,
    /// At most this many.
    pub limit: u32,
}

/// A place in a list: priority, message and flow of the last one seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The last one's priority.
    pub priority: i64,
    /// Its message.
    pub message_id: Uuid,
    /// Its flow.
    pub flow: String,
}

/// How the order in which people should work is computed.
#[derive(Clone, Copy, Debug)]
pub struct Priorities {
    /// What has no promised date counts as promised so long after it was first seen.
    pub unpromised: Duration,
    /// Each thousand, in whatever currency, brings a document so far forward.
    pub thousand: Duration,
    /// By no more than this.
    pub value_max: Duration,
}

/// An exception as people work on it.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "columns that are explained where they are filled")]
pub struct Work {
    pub message_id: Uuid,
    pub flow: Flow,
    pub kind: String,
    pub connection: String,
    pub document: String,
    pub code: String,
    pub sentence: String,
    pub detail: Option<String>,
    pub state: String,
    pub fingerprint: String,
    pub awaits: Option<String>,
    pub reopened: u32,
    pub owner: Option<String>,
    pub tags: Vec<String>,
    pub items: Vec<String>,
    pub version: i64,
    pub due_at: Option<Timestamp>,
    pub promised_at: Option<Timestamp>,
    pub value: Option<String>,
    pub currency: Option<String>,
    pub first_seen_at: Timestamp,
    pub last_seen_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    /// Attempts since the last fresh budget; none when its message is not parked.
    pub attempts: u32,
    /// Messages of its lane behind it.
    pub followers: u64,
    /// The head of its lane, when it is not itself.
    pub behind: Option<Uuid>,
    /// Its place in the list.
    pub cursor: Cursor,
}

/// Exceptions of one cause.
#[derive(Clone, Debug, FromRow, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// The same for the same cause.
    pub fingerprint: String,
    /// The code.
    pub code: String,
    /// One of them says.
    pub sentence: String,
    /// The named thing that is missing.
    pub awaits: Option<String>,
    /// How many there are.
    pub exceptions: i64,
}

/// An attempt that failed.
#[derive(Clone, Debug, Serialize)]
pub struct AttemptView {
    /// When, by the store's clock.
    pub at: Timestamp,
    /// The code.
    pub code: String,
    /// What happened.
    pub sentence: String,
    /// The far end's own words.
    pub detail: Option<String>,
    /// What was sent and answered, masked.
    pub exchanges: Value,
}

/// An attempt that failed, for whoever works on its exception. What it was told stands with the parked message.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempted {
    /// Tells attempts apart, so that a repeated record adds nothing.
    pub id: Uuid,
    /// The calls it made: what was sent and answered, masked, as a JSON list.
    pub exchanges: Value,
}

/// What somebody did about an exception.
#[derive(Clone, Debug, Serialize)]
pub struct ActView {
    /// When, by the store's clock.
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// `assigned`, `noted`, `tagged`, `untagged`, `due`, `investigating`, `open`, `replayed`, `discarded`, `resolved`.
    pub act: String,
    /// What it says.
    pub what: String,
}

/// What was parked for a person within this time may not be announced yet: a scan has looked since for what is older.
pub(super) fn lately(config: &Config) -> Duration {
    ms(config.exceptions.lately_ms)
}

impl Priorities {
    /// As configured.
    pub(super) fn of(config: &Config) -> Self {
        let Exceptions { unpromised_s, thousand_s, value_s_max, .. } = config.exceptions;
        Self {
            unpromised: Duration::from_secs(unpromised_s),
            thousand: Duration::from_secs(thousand_s),
            value_max: Duration::from_secs(value_s_max),
        }
    }

    /// In the unit of the store: microseconds.
    pub(super) fn bound(self) -> (i64, i64, i64) {
        (micros(self.unpromised), micros(self.thousand), micros(self.value_max))
    }
}

impl Store {
    /// A person's wish: makes a head due with a fresh budget.
    ///
    /// # Errors
    /// When the store cannot be reached.
    pub async fn replay(&self, message_id: Uuid, asked_by: &str) -> Result<Replayed, StoreError> {
        on!(self, store => store.replay(message_id, asked_by).await)
    }

    /// A person's decision: a parked message ends without being applied, and its document's journey says why.
    ///
    /// # Errors
    /// When the store cannot be reached.
    pub async fn discard(&self, message_id: Uuid, by: &str, reason: &str) -> Result<Discarded, StoreError> {
        on!(self, store => store.discard(message_id, by, reason).await)
    }

    /// Exceptions in the order in which people should work, and how many match from there on. What was parked for a person
    /// lately is among them, announced or not.
    pub async fn exceptions(&self, filter: &ExceptionFilter) -> Result<(u64, Vec<Work>), StoreError> {
        on!(self, store => store.exceptions(filter).await)
    }

    /// The causes of those exceptions, the most frequent first; at most `limit`, and the cursor counts for nothing.
    pub async fn causes(&self, filter: &ExceptionFilter) -> Result<Vec<Cause>, StoreError> {
        on!(self, store => store.causes(filter).await)
    }

    /// Every attempt of a message that failed, oldest first.
    pub async fn failed_attempts(&self, message_id: Uuid) -> Result<Vec<AttemptView>, StoreError> {
        on!(self, store => store.failed_attempts(message_id).await)
    }

    /// What people did about an exception, oldest first.
    pub async fn acts(&self, message_id: Uuid) -> Result<Vec<ActView>, StoreError> {
        on!(self, store => store.acts(message_id).await)
    }

    /// Does something about exceptions. One that ended can be noted and tagged alone. Where one of them is not as it was seen any
    /// more, nothing is done about any.
    pub async fn act(&self, messages: &[Seen], act: &Handling, by: &str) -> Result<Acted, StoreError> {
        on!(self, store => store.act(messages, act, by).await)
    }
}
