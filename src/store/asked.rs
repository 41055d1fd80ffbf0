//! What people ask the store for and get from it: exceptions, what is parked; what became of their wishes.

use jiff::Timestamp;
use uuid::Uuid;

use super::rows::{Ending, Parked, ParkedFailure};
use crate::message::Flow;

/// A name of a document that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownName {
    /// As it was asked for.
    pub name: String,
    /// Larger with every telling of what comes again and again (documents of the kinds `item_stock` and `posting`, of which
    /// Dynamics speaks before we have seen what it made of it); of all else the same for good.
    pub telling: i64,
}

/// A message that was parked for a person, as its announcement tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// The message.
    pub message_id: Uuid,
    /// Of which flow.
    pub flow: Flow,
    /// Its kind, as text.
    pub kind: String,
    /// Where it came from, where that can be read.
    pub connection: String,
    /// The document's ordering key.
    pub document: String,
    /// Why it was parked.
    pub failure: ParkedFailure,
}

/// What a scan of the exceptions did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExceptionScan {
    /// Exceptions whose announcement is missing, or still on its way.
    pub found: u64,
    /// Exceptions whose message has ended.
    pub closed: u64,
}

/// Which parked messages a person wants to see.
#[derive(Clone, Debug, Default)]
pub struct ParkedFilter {
    /// Only this message.
    pub message_id: Option<Uuid>,
    /// Only this flow.
    pub flow: Option<Flow>,
    /// Only those that wait for a person.
    pub for_a_person: bool,
    /// At most this many.
    pub limit: u32,
}

/// A parked message with what stands behind it.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The row.
    pub parked: Parked,
    /// Messages of its lane behind it.
    pub followers: u64,
    /// The head of its lane, when it is not itself.
    pub behind: Option<Uuid>,
}

/// What became of a person's wish to discard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discarded {
    /// It has ended, and what stood behind it goes on.
    Yes,
    /// It is not parked.
    NotParked(Option<Ending>),
}

/// What became of a person's wish to replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replayed {
    /// It is due now, with a fresh budget.
    Due,
    /// It stands behind this message, which must be replayed first.
    Behind(Uuid),
    /// It is not parked.
    NotParked(Option<Ending>),
}

/// A snapshot of stock, as far as it is here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotView {
    /// Who told it.
    pub connection: String,
    /// Its name.
    pub snapshot: String,
    /// When the stock was as told.
    pub taken_at: Timestamp,
    /// What it speaks of: `FULL`, `SKU_LIST`, `SINGLE`.
    pub scope: String,
    /// How many parts there are.
    pub parts: u32,
    /// How many of them are here.
    pub parts_here: u32,
    /// How many lines those have.
    pub lines: u64,
}

impl SnapshotView {
    /// Whether every part is here. Only then does something that a whole snapshot does not name mean nothing is held.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.parts_here >= self.parts
    }
}
