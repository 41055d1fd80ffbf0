//! How rows stand in columns: the same words, numbers and units in both stores.
//!
//! Times are microseconds since 1970, closed sets are small numbers, JSON is text. One character is translated: NUL,
//! which PostgreSQL's text cannot hold, is written as its symbol, in keys and sentences alike, so that it poisons no
//! commit and both stores answer the same.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use sqlx::FromRow;
use uuid::Uuid;

use super::StoreError;
use super::asked::{KnownName, Listed};
use super::rows::{Effect, Ending, Gate, Intent, OutboxRow, Parked, ParkedFailure, Place, Purpose, Waiting};
use super::waits::{PERSON, waits_for, waits_for_name};
use crate::mapping::AWAITED;
use crate::message::{Flow, sha256};

/// Whatever stands further behind in a text tells no cause.
const SHAPE_WORDS: usize = 24;

/// Between two places behind everything lie this many, for what is parked in front of a head.
pub(super) const STRIDE: i64 = 1 << 20;

/// No wait is longer: a hundred years.
const DELAY_MAX: Duration = Duration::from_hours(100 * 365 * 24);

/// The columns of [`ParkedColumns`], for a SELECT.
macro_rules! parked_columns {
    () => {
        "message_id, flow, partition, lane_key, ordering_key, kind, connection, bytes, position, waits_for, delay, \
         awaited, passes, attempts, parkings, revision, code, sentence, detail, unsure, deadline_at, asked_by, asked, \
         first_parked_at, last_parked_at, fingerprint"
    };
}
pub(super) use parked_columns;

/// A parked message as it is read.
#[derive(FromRow)]
pub(super) struct ParkedColumns {
    pub(super) message_id: Uuid,
    flow: String,
    partition: i64,
    lane_key: String,
    ordering_key: String,
    kind: String,
    connection: String,
    bytes: Vec<u8>,
    position: i64,
    waits_for: i64,
    delay: Option<i64>,
    awaited: Option<String>,
    passes: Option<String>,
    attempts: i64,
    parkings: i64,
    revision: i64,
    code: Option<String>,
    sentence: Option<String>,
    detail: Option<String>,
    unsure: String,
    deadline_at: Option<i64>,
    asked_by: Option<String>,
    asked: i64,
    first_parked_at: i64,
    last_parked_at: i64,
    fingerprint: Option<String>,
}

impl ParkedColumns {
    pub(super) fn parked(self) -> Result<Parked, StoreError> {
        let last_parked_at = instant(self.last_parked_at);
        let unsure: Vec<Intent> = json("an unsure call", &self.unsure)?;
        let awaits = self.awaited.clone().filter(|_| self.waits_for == PERSON);
        Ok(Parked {
            message_id: self.message_id,
            flow: flow(&self.flow)?,
            partition: partition(self.partition)?,
            lane_key: self.lane_key,
            ordering_key: self.ordering_key,
            kind: self.kind,
            connection: self.connection,
            bytes: self.bytes,
            place: Place::At(self.position),
            waits_for: waits_for(self.waits_for, self.delay, self.awaited, self.passes.as_deref())?,
            attempts: count(self.attempts),
            parkings: count(self.parkings),
            revision: count(self.revision),
            failure: failure(self.code, self.sentence, self.detail).map(|failure| ParkedFailure { awaits, ..failure }),
            // An intent that came without an instant was committed with this row.
            unsure: unsure.into_iter().map(|intent| committed(intent, last_parked_at)).collect(),
            fingerprint: self.fingerprint,
            deadline_at: self.deadline_at.map(instant),
            asked_by: self.asked_by,
            asked: count(self.asked),
            first_parked_at: Some(instant(self.first_parked_at)),
            last_parked_at: Some(last_parked_at),
        })
    }
}

/// A parked message with its lane, as it is read.
#[derive(FromRow)]
pub(super) struct ListedColumns {
    #[sqlx(flatten)]
    parked: ParkedColumns,
    followers: i64,
    head: Uuid,
}

impl ListedColumns {
    pub(super) fn listed(self) -> Result<Listed, StoreError> {
        let behind = Some(self.head).filter(|head| *head != self.parked.message_id);
        Ok(Listed { parked: self.parked.parked()?, followers: self.followers.cast_unsigned(), behind })
    }
}

/// What is known of one question; rows come in the order of the questions.
#[derive(FromRow)]
pub(super) struct KnownColumns {
    ending: Option<i64>,
    pub(super) is_parked: i64,
    head: Option<Uuid>,
    position: Option<i64>,
    waits_for: Option<i64>,
    delay: Option<i64>,
    awaited: Option<String>,
    passes: Option<String>,
}

impl KnownColumns {
    pub(super) fn ending(&self) -> Result<Option<Ending>, StoreError> {
        self.ending.map(ending).transpose()
    }

    pub(super) fn gate(self) -> Result<Option<Gate>, StoreError> {
        let (Some(head), Some(position), Some(code)) = (self.head, self.position, self.waits_for) else {
            return Ok(None);
        };
        let waits_for = waits_for(code, self.delay, self.awaited, self.passes.as_deref())?;
        Ok(Some(Gate { head, position, waits_for }))
    }
}

/// An effect as it is read.
#[derive(FromRow)]
pub(super) struct EffectColumns {
    key: String,
    document: String,
    act: String,
    connection: String,
    message_id: Uuid,
    facts: String,
}

impl EffectColumns {
    pub(super) fn effect(self) -> Result<Effect, StoreError> {
        let facts = json("an effect's facts", &self.facts)?;
        let Self { key, document, act, connection, message_id, facts: _ } = self;
        Ok(Effect { key, document, act, connection, message_id, facts })
    }
}

/// An outbox row as it is read.
#[derive(FromRow)]
pub(super) struct OutboxColumns {
    id: i64,
    flow: String,
    purpose: i64,
    ordering_key: String,
    message_id: Uuid,
    kind: String,
    traceparent: Option<String>,
    bytes: Vec<u8>,
    code: Option<String>,
    sentence: Option<String>,
    detail: Option<String>,
}

impl OutboxColumns {
    pub(super) fn row(self) -> Result<OutboxRow, StoreError> {
        Ok(OutboxRow {
            id: self.id,
            flow: flow(&self.flow)?,
            purpose: purpose(self.purpose)?,
            ordering_key: self.ordering_key,
            message_id: self.message_id,
            kind: self.kind,
            traceparent: self.traceparent,
            bytes: self.bytes,
            failure: failure(self.code, self.sentence, self.detail),
        })
    }
}

/// Text as both stores can hold it.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{2400}")) } else { Cow::Borrowed(text) }
}

/// [`clean`] for all.
pub(super) fn cleaned(texts: &[String]) -> Vec<Cow<'_, str>> {
    texts.iter().map(|text| clean(text)).collect()
}

/// Those of the names that were found, as they were asked for.
pub(super) fn as_asked(names: &[String], asked: &[Cow<'_, str>], found: Vec<(String, i64)>) -> Vec<KnownName> {
    let mut tellings: HashMap<String, i64> = HashMap::new();
    for (name, telling) in found {
        let last = tellings.entry(name).or_default();
        *last = telling.max(*last);
    }
    let known = |(name, asked): (&String, &Cow<'_, str>)| {
        tellings.get(asked.as_ref()).map(|telling| KnownName { name: name.clone(), telling: *telling })
    };
    names.iter().zip(asked).filter_map(known).collect()
}

pub(super) fn partition(number: i64) -> Result<u16, StoreError> {
    u16::try_from(number).map_err(|_| unreadable("a partition", &number))
}

pub(super) fn parked_counts(rows: Vec<(String, i64, i64)>) -> Result<Vec<(Flow, String, u64)>, StoreError> {
    let count = |(name, code, rows): (String, i64, i64)| {
        Ok((flow(&name)?, waits_for_name(code)?.to_owned(), rows.cast_unsigned()))
    };
    rows.into_iter().map(count).collect()
}

pub(super) fn waiting((rows, oldest): (i64, i64)) -> Waiting {
    Waiting { rows: rows.cast_unsigned(), oldest: Duration::from_micros(u64::try_from(oldest).unwrap_or_default()) }
}

pub(super) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.min(DELAY_MAX).as_micros()).unwrap_or(i64::MAX)
}

/// An instant that was stored. One outside of jiff's years cannot have been, and is shown as 1970.
pub(super) fn instant(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// An intent with the instant of the row that holds it, where it has none of its own.
pub(super) fn committed(mut intent: Intent, at: Timestamp) -> Intent {
    intent.committed_at.get_or_insert(at);
    intent
}

pub(super) fn json<T: serde::de::DeserializeOwned>(what: &str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| unreadable(what, &error))
}

pub(super) fn flow(text: &str) -> Result<Flow, StoreError> {
    text.parse().map_err(|invalid| unreadable("a flow", &invalid))
}

pub(super) fn ending_code(ending: Ending) -> i64 {
    match ending {
        Ending::Applied => 1,
        Ending::NotOurs => 2,
        Ending::Discarded => 3,
    }
}

pub(super) fn ending(code: i64) -> Result<Ending, StoreError> {
    match code {
        1 => Ok(Ending::Applied),
        2 => Ok(Ending::NotOurs),
        3 => Ok(Ending::Discarded),
        other => Err(unreadable("an ending", &other)),
    }
}

pub(super) fn purpose_code(purpose: Purpose) -> i64 {
    match purpose {
        Purpose::Ingest => 1,
        Purpose::Flow => 2,
        Purpose::DeadLetter => 3,
    }
}

fn purpose(code: i64) -> Result<Purpose, StoreError> {
    match code {
        1 => Ok(Purpose::Ingest),
        2 => Ok(Purpose::Flow),
        3 => Ok(Purpose::DeadLetter),
        other => Err(unreadable("a purpose", &other)),
    }
}

fn failure(code: Option<String>, sentence: Option<String>, detail: Option<String>) -> Option<ParkedFailure> {
    code.map(|code| ParkedFailure { code, sentence: sentence.unwrap_or_default(), detail, awaits: None })
}

/// What a journey says of a message that a person ended.
pub(super) fn discarded(by: &str, reason: &str) -> String {
    clean(&format!("Discarded by {by}: {reason}")).into_owned()
}

/// Groups by cause: what failed, with whom, at which kind of message, for want of what, and in which words.
pub(super) fn fingerprint(failure: &ParkedFailure, connection: &str, kind: &str) -> String {
    // A row of the mapping that is missing is a cause of its own; an order that did not come is one of many alike.
    let awaits = failure.awaits.as_deref().filter(|name| name.starts_with(AWAITED)).unwrap_or_default();
    let words = failure.detail.as_deref().map(shape).unwrap_or_default();
    sha256([&failure.code, connection, kind, awaits, &words].join("\u{1f}").as_bytes())[..12].to_owned()
}

/// The beginning of a text without what differs from document to document: "the SKU ITEM-7 is not set up" is "the sku # is
/// not set up".
fn shape(text: &str) -> String {
    let word = |word: &str| {
        if word.contains(|letter: char| letter.is_ascii_digit()) { "#".to_owned() } else { word.to_lowercase() }
    };
    text.split_whitespace().take(SHAPE_WORDS).map(word).collect::<Vec<_>>().join(" ")
}

fn count(number: i64) -> u32 {
    u32::try_from(number).unwrap_or_default()
}

pub(super) fn unreadable(what: &str, found: &dyn std::fmt::Display) -> StoreError {
    StoreError::Unusable {
        problem: format!("{what} in it cannot be read: {found}"),
        remedy: "Run the release that wrote it, or a newer one".to_owned(),
    }
}

/// Flows as one text.
pub(super) fn flows_text(flows: &[Flow]) -> String {
    flows.iter().map(|flow| flow.as_str()).collect::<Vec<_>>().join(",")
}
