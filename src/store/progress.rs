//! How far documents are: what attempts add, and the lists that people ask for.
//!
//! Each flow adds what it knows to the one row of a document. What is known already stays, but for the stage at the
//! warehouse, which the flow that sent the document there tells anew each time. What Dynamics was handed and what it has
//! posted is counted from the recorded effects, and so is what it owes and has credited of what came back: messages that settle
//! a posting commute, so that none of them knows how many others there are.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use sqlx::FromRow;

use super::columns::{clean, instant, micros};
use super::{Store, StoreError, on};

/// What an attempt knows of how far its document is. What is absent stays as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The document's ordering key.
    pub document: String,
    /// `order`, `inbound_order`, `return_order`.
    pub kind: String,
    /// The company.
    pub legal_entity: Option<String>,
    /// The number that people use.
    pub number: Option<String>,
    /// The warehouse that has it, or shall have it.
    pub warehouse: Option<String>,
    /// When it shall have arrived.
    pub promised_at: Option<Timestamp>,
    /// What it is worth, as Dynamics says: a decimal.
    pub value: Option<String>,
    /// In which currency.
    pub currency: Option<String>,
    /// When it was released; counts for the first row alone.
    pub released_at: Timestamp,
    /// When the warehouse took it on.
    pub accepted_at: Option<Timestamp>,
    /// When the warehouse gave it back.
    pub rejected_at: Option<Timestamp>,
    /// When the first of it moved.
    pub moved_at: Option<Timestamp>,
    /// When the first moved of what is handed over and not posted; of what came back, of what is to be credited and is not.
    pub open_since: Option<Timestamp>,
    /// Of the order at the warehouse: 0 not sent, 1 sent, 2 accepted, 3 rejected, 4 cancelled, 5 from before
    /// go-live.
    pub stage: Option<u8>,
    /// Whether nothing more is to move.
    pub whole: Option<bool>,
    /// Whether postings are counted anew: by the flow that posts.
    pub counts: bool,
}

impl Progress {
    /// As a store can hold it.
    pub(super) fn cleaned(&self) -> Self {
        let text = |text: &Option<String>| text.as_deref().map(|text| clean(text).into_owned());
        Self {
            document: clean(&self.document).into_owned(),
            kind: clean(&self.kind).into_owned(),
            legal_entity: text(&self.legal_entity),
            number: text(&self.number),
            warehouse: text(&self.warehouse),
            value: text(&self.value),
            currency: text(&self.currency),
            ..self.clone()
        }
    }

    /// Adds what a later message knows, as the store does.
    pub(super) fn add(&mut self, news: Self) {
        self.legal_entity = news.legal_entity.or(self.legal_entity.take());
        self.number = news.number.or(self.number.take());
        self.warehouse = news.warehouse.or(self.warehouse.take());
        self.promised_at = news.promised_at.or(self.promised_at);
        self.value = news.value.or(self.value.take());
        self.currency = news.currency.or(self.currency.take());
        self.accepted_at = self.accepted_at.or(news.accepted_at);
        self.rejected_at = self.rejected_at.or(news.rejected_at);
        self.moved_at = self.moved_at.or(news.moved_at);
        self.open_since = news.open_since.or(self.open_since);
        self.stage = news.stage.or(self.stage);
        self.whole = news.whole.or(self.whole);
        self.counts |= news.counts;
    }
}

/// How far a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Dynamics released it, and no warehouse has it.
    Released,
    /// A warehouse has it and has not said that it takes it on; an inbound order is announced.
    Sent,
    /// The warehouse took it on.
    Accepted,
    /// Something of it has left.
    PartShipped,
    /// Something of it has come.
    PartReceived,
    /// All of it has left, or no more will; not all is posted.
    Shipped,
    /// All of it has come, or no more will; not all is posted.
    Received,
    /// All that moved is posted in Dynamics.
    Posted,
    /// The warehouse will not do it, and Dynamics wants nothing newer.
    Rejected,
    /// It was cancelled at the warehouse and is not wanted any more.
    Cancelled,
    /// It was released before go-live, and a person decides what becomes of it.
    BeforeGoLive,
}

impl State {
    /// Every state: first the road that documents go, then its other ends.
    pub const ALL: [Self; 11] = [
        Self::Released,
        Self::Sent,
        Self::Accepted,
        Self::PartShipped,
        Self::PartReceived,
        Self::Shipped,
        Self::Received,
        Self::Posted,
        Self::Rejected,
        Self::Cancelled,
        Self::BeforeGoLive,
    ];

    /// The name in the store and for people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Released => "released",
            Self::Sent => "sent",
            Self::Accepted => "accepted",
            Self::PartShipped => "part_shipped",
            Self::PartReceived => "part_received",
            Self::Shipped => "shipped",
            Self::Received => "received",
            Self::Posted => "posted",
            Self::Rejected => "rejected",
            Self::Cancelled => "cancelled",
            Self::BeforeGoLive => "before_go_live",
        }
    }

    /// How far along the road it is; nothing for an end beside it.
    #[must_use]
    pub fn milestone(self) -> Option<u8> {
        match self {
            Self::Released => Some(0),
            Self::Sent => Some(1),
            Self::Accepted => Some(2),
            Self::PartShipped | Self::PartReceived => Some(3),
            Self::Shipped | Self::Received => Some(4),
            Self::Posted => Some(5),
            Self::Rejected | Self::Cancelled | Self::BeforeGoLive => None,
        }
    }

    /// Whether something is still to happen to it here.
    #[must_use]
    pub fn is_open(self) -> bool {
        !matches!(self, Self::Posted | Self::Cancelled | Self::BeforeGoLive)
    }
}

impl std::str::FromStr for State {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|state| state.as_str() == text);
        let names = || Self::ALL.map(Self::as_str).join(", ");
        found.ok_or_else(|| format!("{text:?} is no state of a document; they are {}", names()))
    }
}

/// Which documents are listed.
#[derive(Clone, Debug)]
pub struct ProgressFilter {
    /// In one of these states.
    pub states: Vec<State>,
    /// Only of this warehouse.
    pub warehouse: Option<String>,
    /// Only those that were released so long ago.
    pub older_than: Option<Duration>,
    /// Only those released from this instant on, and before that one.
    pub released: Option<(Timestamp, Timestamp)>,
    /// Only those behind this one in the list.
    pub after: Option<(Timestamp, String)>,
    /// At most this many.
    pub limit: u32,
}

/// A document in a list.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub struct ProgressView {
    /// Its ordering key.
    pub document: String,
    /// `order`, `inbound_order`.
    pub kind: String,
    /// The company.
    pub legal_entity: Option<String>,
    /// The number that people use.
    pub number: Option<String>,
    /// The warehouse.
    pub warehouse: Option<String>,
    /// How far it is.
    pub state: String,
    /// When it was released.
    pub released_at: Timestamp,
    /// How long ago that was, in seconds, by the store's clock.
    pub age_s: i64,
    /// When it shall have arrived.
    pub promised_at: Option<Timestamp>,
    /// What it is worth, as Dynamics says.
    pub value: Option<String>,
    /// In which currency.
    pub currency: Option<String>,
}

/// How many of the documents of a day are in one state.
#[derive(Clone, Debug, FromRow, PartialEq, Eq)]
pub struct StateCount {
    /// `order`, `inbound_order`.
    pub kind: String,
    /// The state.
    pub state: String,
    /// How many.
    pub documents: i64,
    /// How many of them the warehouse took on at some time: who ships or receives has.
    pub accepted: i64,
    /// How many of them it rejected at some time.
    pub rejected: i64,
}

/// A document as it is read.
#[derive(FromRow)]
pub(super) struct ProgressColumns {
    document: String,
    kind: String,
    legal_entity: Option<String>,
    number: Option<String>,
    warehouse: Option<String>,
    state: String,
    released_at: i64,
    age: i64,
    promised_at: Option<i64>,
    value: Option<String>,
    currency: Option<String>,
}

impl From<ProgressColumns> for ProgressView {
    fn from(row: ProgressColumns) -> Self {
        Self {
            document: row.document,
            kind: row.kind,
            legal_entity: row.legal_entity,
            number: row.number,
            warehouse: row.warehouse,
            state: row.state,
            released_at: instant(row.released_at),
            age_s: row.age.div_euclid(1_000_000),
            promised_at: row.promised_at.map(instant),
            value: row.value,
            currency: row.currency,
        }
    }
}

/// The bounds of a list in microseconds: from, before, and behind which release and document it begins.
pub(super) struct Bounds<'a> {
    pub(super) from: i64,
    pub(super) before: i64,
    pub(super) older_than: Option<i64>,
    pub(super) after: (i64, &'a str),
}

impl ProgressFilter {
    pub(super) fn bounds(&self) -> Bounds<'_> {
        let (from, before) = self
            .released
            .map_or((i64::MIN, i64::MAX), |(from, before)| (from.as_microsecond(), before.as_microsecond()));
        let after = self.after.as_ref().map_or((i64::MIN, ""), |(at, document)| (at.as_microsecond(), document));
        Bounds { from, before, older_than: self.older_than.map(micros), after }
    }
}

impl Store {
    /// Documents in some states, those that were released first, first; and how many match from there on.
    pub async fn progress(&self, filter: &ProgressFilter) -> Result<(u64, Vec<ProgressView>), StoreError> {
        on!(self, store => store.progress(filter).await)
    }

    /// What became of the documents that were released from one instant on and before another: every one is counted once.
    pub async fn became(&self, from: Timestamp, before: Timestamp) -> Result<Vec<StateCount>, StoreError> {
        on!(self, store => store.became(from.as_microsecond(), before.as_microsecond()).await)
    }
}
