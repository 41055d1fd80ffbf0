//! What goes in and comes out: plain rows, the same for both stores.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::kept::KeptMessage;
use super::progress::Progress;
use super::snapshots::SnapshotPart;
use super::work::Attempted;
use crate::message::{Flow, Kind};

/// The right to write for one partition: rows under an older epoch are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ownership {
    /// Of which flow.
    pub flow: Flow,
    /// Which partition.
    pub partition: u16,
    /// Rises with every hand-over.
    pub epoch: i64,
}

/// What one attempt asks before it runs.
#[derive(Clone, Debug)]
pub struct Question {
    /// The message.
    pub message_id: Uuid,
    /// What it waits behind.
    pub lane_key: String,
    /// The document whose effects it must know: its ordering key.
    pub document: String,
}

/// What the store knows of a message and its document.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// How the message ended, when it has.
    pub ending: Option<Ending>,
    /// Its parked row, when it is parked.
    pub parked: Option<Parked>,
    /// The head of its lane, when anything of the lane is parked: the gate.
    pub gate: Option<Gate>,
    /// All effects recorded for the document, oldest first.
    pub effects: Vec<Effect>,
}

/// How a message ended for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Its effects happened.
    Applied,
    /// It is no business of ours, or says nothing new.
    NotOurs,
    /// A person discarded it.
    Discarded,
}

/// The first parked message of a lane.
#[derive(Clone, Debug)]
pub struct Gate {
    /// The head.
    pub head: Uuid,
    /// Its place.
    pub position: i64,
    /// What it waits for.
    pub waits_for: WaitsFor,
}

/// What a parked message waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum WaitsFor {
    /// What stands in front of it in its lane. At the front it is due.
    Head,
    /// An instant, by the store's clock, this long after the commit.
    Time {
        /// From the commit on.
        delay: Duration,
    },
    /// Another document; looked at again after `delay`, given up after `deadline` (both from the commit on).
    Document {
        /// The document's key.
        key: String,
        /// The kind that may pass the gate, when it is of the same lane.
        passes: Option<Kind>,
        /// When it is looked at again without being woken.
        delay: Duration,
    },
    /// A far end that is left alone, or has no room. Woken by the owner of the partition, oldest first.
    FarEnd {
        /// The configured connection.
        connection: String,
    },
    /// Its flow, which a person paused. Woken by the owner of the partition, oldest first.
    Flow,
    /// Room beside live traffic: a campaign released it. Woken by the owner of the partition, oldest first.
    Room,
    /// A person.
    Person,
}

/// An effect that happened at a far end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    /// Made of business facts; unique.
    pub key: String,
    /// The document's ordering key.
    pub document: String,
    /// What was done: `create_order`, `post_shipment`.
    pub act: String,
    /// The far end.
    pub connection: String,
    /// Which message did it.
    pub message_id: Uuid,
    /// What later plans need to know of it.
    pub facts: Value,
}

/// A changing call that may have happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// The effect's key.
    pub key: String,
    /// The far end.
    pub connection: String,
    /// What the far end does with a repeat: `absorbs`, `findable`, `neither`.
    pub class: String,
    /// What it takes to ask the far end whether it happened.
    pub call: Value,
    /// When the intent was committed, by the store's clock. Set by the store.
    pub committed_at: Option<Timestamp>,
}

/// The intents of one message.
#[derive(Clone, Debug)]
pub struct Intended {
    /// Who may write.
    pub owner: Ownership,
    /// The journal row: everything with one id (always of one partition) is one row.
    pub journal: Uuid,
    /// The message.
    pub message_id: Uuid,
    /// Its calls.
    pub intents: Vec<Intent>,
}

/// What one attempt leaves behind: everything in one commit, or nothing.
#[derive(Clone, Debug)]
pub struct Record {
    /// Who may write.
    pub owner: Ownership,
    /// The message.
    pub message_id: Uuid,
    /// How it leaves the attempt.
    pub outcome: Outcome,
    /// What happened at far ends.
    pub effects: Vec<Effect>,
    /// What is to be sent.
    pub outbox: Vec<OutboxRow>,
    /// What is now known about documents.
    pub documents: Vec<Document>,
    /// By which names people find a document, whether or not it is known: messages wait for none of them.
    pub names: Vec<Name>,
    /// What people see on the document's way.
    pub journey: Vec<Step>,
    /// Journal rows that no message needs any more.
    pub journal_done: Vec<Uuid>,
    /// What a warehouse said that it holds.
    pub snapshots: Vec<SnapshotPart>,
    /// How far the document is now.
    pub progress: Option<Progress>,
    /// Of what is parked with a failure: the attempt that failed.
    pub attempted: Option<Attempted>,
    /// The version of the mapping that it was planned with; 0 when it was not planned.
    pub mapping_version: u64,
    /// Of what is parked: the items it is about, as far as they are known.
    pub items: Vec<String>,
    /// Of what ended: what is kept of it for a while.
    pub kept: Option<KeptMessage>,
}

impl Record {
    /// A record that says nothing but this.
    #[must_use]
    pub fn new(owner: Ownership, message_id: Uuid, outcome: Outcome) -> Self {
        Self {
            owner,
            message_id,
            outcome,
            effects: Vec::new(),
            outbox: Vec::new(),
            documents: Vec::new(),
            journey: Vec::new(),
            journal_done: Vec::new(),
            names: Vec::new(),
            snapshots: Vec::new(),
            progress: None,
            attempted: None,
            mapping_version: 0,
            items: Vec::new(),
            kept: None,
        }
    }
}

/// How a message leaves an attempt.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It ended: an inbox row, and its parked row, if any, goes.
    Ended(Ending),
    /// It waits: a parked row, new or changed in place.
    Parked(Box<Parked>),
    /// Nothing about the message itself changes (a start row, a forwarded stranger's outbox row).
    Unchanged,
}

/// A parked message.
#[derive(Clone, Debug)]
pub struct Parked {
    /// The message.
    pub message_id: Uuid,
    /// Of which flow.
    pub flow: Flow,
    /// In which partition.
    pub partition: u16,
    /// What waits behind it.
    pub lane_key: String,
    /// Names the document.
    pub ordering_key: String,
    /// The kind, as text: undecodable bytes have none.
    pub kind: String,
    /// The configured connection it came from, where it can be read.
    pub connection: String,
    /// The bytes, whole.
    pub bytes: Vec<u8>,
    /// Where it stands in its lane. The store gives the next place to `Place::Behind`.
    pub place: Place,
    /// What it waits for.
    pub waits_for: WaitsFor,
    /// Attempts that counted, since the last fresh budget.
    pub attempts: u32,
    /// How often it was parked for a person, counted from 1; 0 before.
    pub parkings: u32,
    /// Rises with every patch.
    pub revision: u32,
    /// The failure that parked it; none for a follower.
    pub failure: Option<ParkedFailure>,
    /// The same for the same cause. Set by the store.
    pub fingerprint: Option<String>,
    /// Calls that may have happened.
    pub unsure: Vec<Intent>,
    /// When the wait for a document ends and becomes a person's; by the store's clock, from the first parking on.
    pub deadline_at: Option<Timestamp>,
    /// Who asked for the last replay.
    pub asked_by: Option<String>,
    /// How often somebody asked for a replay. A row that is asked for while an attempt runs stays due: the attempt may
    /// have looked before the cause was mended.
    pub asked: u32,
    /// When it was first parked, by the store's clock. Set by the store.
    pub first_parked_at: Option<Timestamp>,
    /// When it was last parked, by the store's clock. Set by the store.
    pub last_parked_at: Option<Timestamp>,
}

/// Where a parked message stands in its lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Behind everything.
    Behind,
    /// In front of the head at this position (what the head waits for, itself parked).
    InFrontOf(i64),
    /// Where it stands.
    At(i64),
}

/// Why a message is parked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParkedFailure {
    /// `system.reason`.
    pub code: String,
    /// What happened, to which document, for people.
    pub sentence: String,
    /// The far end's own words.
    pub detail: Option<String>,
    /// The named thing that is missing: when it is there, the message becomes due by itself.
    pub awaits: Option<String>,
}

/// A message to be sent to a flow, or the announcement of a dead letter.
#[derive(Clone, Debug)]
pub struct OutboxRow {
    /// Rises; given by the store.
    pub id: i64,
    /// The target flow.
    pub flow: Flow,
    /// Which way it goes.
    pub purpose: Purpose,
    /// At most one unconfirmed per key.
    pub ordering_key: String,
    /// The message.
    pub message_id: Uuid,
    /// The message's kind, as text.
    pub kind: String,
    /// W3C trace context.
    pub traceparent: Option<String>,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Why it is a dead letter.
    pub failure: Option<ParkedFailure>,
}

/// Which way an outbox row goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Accepted at the door while the broker was away.
    Ingest,
    /// Emitted by a flow, or a stranger forwarded to its partition.
    Flow,
    /// The announcement of a dead letter.
    DeadLetter,
}

/// A document that is known from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its ordering key, or another name that messages wait for.
    pub key: String,
    /// `order`, `posting`.
    pub kind: String,
    /// The company, where there is one.
    pub legal_entity: Option<String>,
    /// Its other names: (`reference`, `usmf-SHP0012-W1`).
    pub names: Vec<(String, String)>,
}

/// A name by which people find a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The document's key.
    pub document: String,
    /// What it is: `order_number`.
    pub label: String,
    /// How it is written.
    pub text: String,
}

/// One step of a document's journey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The document's key.
    pub document: String,
    /// When, by the clock of who saw it.
    pub at: Timestamp,
    /// `dynamics`, a warehouse's name, `drayline`.
    pub system: String,
    /// What happened, for people.
    pub what: String,
    /// The message behind it.
    pub message_id: Uuid,
    /// `live` or `dry_run`.
    pub mode: String,
}

/// What became of one record or intent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// Committed.
    Yes,
    /// Left out: the partition is no longer ours.
    NotOwner,
    /// Left out: the store cannot hold this row, whatever is tried (the reason, for a programmer).
    Refused(String),
}

/// A journal row found when a partition is taken.
#[derive(Clone, Debug)]
pub struct Unsettled {
    /// The journal row.
    pub journal: Uuid,
    /// The message.
    pub message_id: Uuid,
    /// Its calls.
    pub intents: Vec<Intent>,
}

/// How much waits in the outbox.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Waiting {
    /// Rows.
    pub rows: u64,
    /// Age of the oldest.
    pub oldest: Duration,
}
