//! What should have followed on documents and has not: what finance asks at the end of a month.
//!
//! Nothing is kept for it beside what is there: how far a document is tells what was released and not accepted, what was handed
//! over and not posted, what is owed and not credited; what is parked tells the goods of which a warehouse told and which
//! could not be handed over. Invariant: a document is outstanding once at the most, so that the states add up; one whose goods
//! moved waits for no acceptance.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use sqlx::FromRow;
use uuid::Uuid;

use super::columns::{clean, instant, micros};
use super::{Store, StoreError, on};

/// What should have followed on a document and has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outstanding {
    /// Dynamics released the order, and no warehouse took it on, or the one that had gave it back.
    ReleasedNotAccepted,
    /// A warehouse shipped something that Dynamics has not posted.
    ShippedNotPosted,
    /// Something came back that is not credited, and is not known to need none.
    ReceivedNotCredited,
}

impl Outstanding {
    /// All of them, along the road.
    pub const ALL: [Self; 3] = [Self::ReleasedNotAccepted, Self::ShippedNotPosted, Self::ReceivedNotCredited];

    /// The name in the store and for people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReleasedNotAccepted => "released_not_accepted",
            Self::ShippedNotPosted => "shipped_not_posted",
            Self::ReceivedNotCredited => "received_not_credited",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn named(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// Which documents are listed.
#[derive(Clone, Debug)]
pub struct OutstandingFilter {
    /// In one of these states.
    pub states: Vec<Outstanding>,
    /// Only of this warehouse.
    pub warehouse: Option<String>,
    /// Only of this company.
    pub legal_entity: Option<String>,
    /// Only what is so for so long.
    pub older_than: Option<Duration>,
    /// Only those behind this one in the list.
    pub after: Option<(Timestamp, String)>,
    /// At most this many.
    pub limit: u32,
}

impl OutstandingFilter {
    /// Everything that is in some states, from the first on.
    #[must_use]
    pub fn of(states: &[Outstanding]) -> Self {
        let states = states.to_vec();
        Self { states, warehouse: None, legal_entity: None, older_than: None, after: None, limit: 0 }
    }

    pub(super) fn wanted(&self) -> Wanted {
        let text = |text: &Option<String>| text.as_deref().map(|text| clean(text).into_owned());
        let after = self.after.as_ref().map(|(at, document)| (at.as_microsecond(), clean(document).into_owned()));
        Wanted {
            states: self.states.iter().map(|state| state.as_str()).collect(),
            after: after.unwrap_or((i64::MIN, String::new())),
            older_than: self.older_than.map(micros),
            warehouse: text(&self.warehouse),
            legal_entity: text(&self.legal_entity),
        }
    }
}

/// A filter as a statement takes it.
pub(super) struct Wanted {
    pub(super) states: Vec<&'static str>,
    pub(super) after: (i64, String),
    pub(super) older_than: Option<i64>,
    pub(super) warehouse: Option<String>,
    pub(super) legal_entity: Option<String>,
}

/// A document in a list.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub struct OutstandingView {
    /// Its ordering key.
    pub document: String,
    /// `order`, `return_order`.
    pub kind: String,
    /// The company; nothing where nobody knows the document yet.
    pub legal_entity: Option<String>,
    /// The number that people use.
    pub number: Option<String>,
    /// The warehouse.
    pub warehouse: Option<String>,
    /// What has not followed.
    pub state: String,
    /// How far it is, where that is known.
    pub stands: Option<String>,
    /// Since when.
    pub since: Timestamp,
    /// How long that is, in seconds, by the store's clock.
    pub age_s: i64,
    /// What the whole document is worth, as Dynamics says.
    pub value: Option<String>,
    /// In which currency.
    pub currency: Option<String>,
    /// The exception that holds it: of several, the one first seen.
    pub exception: Option<Holding>,
}

/// An exception that holds a document.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub struct Holding {
    /// The message's id.
    pub id: Uuid,
    /// Of which flow.
    pub flow: String,
    /// Its code.
    pub code: String,
    /// How far people are with it.
    pub state: String,
}

/// How many documents are in one state, and what they are worth in one currency.
#[derive(Clone, Debug, FromRow, Serialize, PartialEq, Eq)]
pub struct OutstandingTotal {
    /// What has not followed.
    pub state: String,
    /// The currency; nothing where Dynamics names none, or no value.
    pub currency: Option<String>,
    /// How many.
    pub documents: i64,
    /// What they are worth together; nothing: of these nobody knows.
    pub value: Option<String>,
}

/// A document as it is read.
#[derive(FromRow)]
pub(super) struct OutstandingColumns {
    document: String,
    kind: String,
    legal_entity: Option<String>,
    number: Option<String>,
    warehouse: Option<String>,
    state: String,
    stands: Option<String>,
    since: i64,
    age: i64,
    value: Option<String>,
    currency: Option<String>,
    held_by: Option<Uuid>,
    held_in: Option<String>,
    code: Option<String>,
    work: Option<String>,
}

impl From<OutstandingColumns> for OutstandingView {
    fn from(row: OutstandingColumns) -> Self {
        let holding = || {
            Some(Holding {
                id: row.held_by?,
                flow: row.held_in.clone()?,
                code: row.code.clone()?,
                state: row.work.clone()?,
            })
        };
        Self {
            exception: holding(),
            document: row.document,
            kind: row.kind,
            legal_entity: row.legal_entity,
            number: row.number,
            warehouse: row.warehouse,
            state: row.state,
            stands: row.stands,
            since: instant(row.since),
            age_s: row.age.div_euclid(1_000_000),
            value: row.value,
            currency: row.currency,
        }
    }
}

impl Store {
    /// Documents on which something should have followed and has not, those that are so for longest, first.
    pub async fn outstanding(&self, filter: &OutstandingFilter) -> Result<Vec<OutstandingView>, StoreError> {
        on!(self, store => store.outstanding(filter).await)
    }

    /// How many of these there are from there on and what they are worth, by state and currency. Each is counted once.
    pub async fn outstanding_totals(&self, filter: &OutstandingFilter) -> Result<Vec<OutstandingTotal>, StoreError> {
        on!(self, store => store.outstanding_totals(filter).await)
    }
}
