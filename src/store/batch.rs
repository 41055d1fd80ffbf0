//! Records and intents taken apart into the rows of each table: both stores write the same rows.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Map, Value};
use uuid::Uuid;

use super::columns::{clean, cleaned, ending_code, fingerprint, micros, purpose_code};
use super::kept::block;
use super::progress::Progress;
use super::rows::{
    Intended, Intent, Name, OutboxRow, Outcome, Ownership, Parked, ParkedFailure, Place, Purpose, Record, WaitsFor,
    Written,
};
use super::snapshots::SnapshotPart;
use super::waits::{PERSON, wait_code};
use crate::message::digest;

/// Parked in front of a place, where it stands, or behind everything.
pub(super) const BEHIND: i64 = 0;
pub(super) const IN_FRONT: i64 = 1;
pub(super) const AT: i64 = 2;

/// One statement's rows. `record` counts from 0 within the statement.
#[derive(Default)]
pub(super) struct Batch<'a> {
    pub(super) records: Vec<RecordRow>,
    pub(super) parked: Vec<ParkedRow<'a>>,
    pub(super) effects: Vec<EffectRow<'a>>,
    pub(super) outbox: Vec<OutboxEntry<'a>>,
    pub(super) documents: Vec<DocumentRow<'a>>,
    pub(super) names: Vec<NameRow<'a>>,
    pub(super) steps: Vec<StepRow<'a>>,
    pub(super) done: Vec<(i64, Uuid)>,
    pub(super) snapshots: Vec<SnapshotRow<'a>>,
    /// Each with the record that brings it; of one document there is one.
    pub(super) progress: Vec<(i64, Progress)>,
    pub(super) attempts: Vec<AttemptRow<'a>>,
    /// What is kept of the messages that end, with its name.
    pub(super) block: Option<(Uuid, Vec<u8>)>,
}

#[allow(missing_docs, reason = "columns of the table of the same name")]
pub(super) struct RecordRow {
    pub(super) owner: Ownership,
    pub(super) message_id: Uuid,
    pub(super) ending: Option<i64>,
    /// Whether it stands in the block.
    pub(super) is_kept: bool,
}

#[allow(missing_docs, reason = "columns of the table of the same name")]
pub(super) struct ParkedRow<'a> {
    pub(super) record: i64,
    pub(super) parked: &'a Parked,
    pub(super) lane_key: Cow<'a, str>,
    pub(super) ordering_key: Cow<'a, str>,
    pub(super) kind: Cow<'a, str>,
    pub(super) connection: Cow<'a, str>,
    pub(super) place: i64,
    pub(super) anchor: i64,
    /// How many of this statement stand in front of the same place already.
    pub(super) nth: i64,
    pub(super) waits_for: i64,
    pub(super) delay: Option<i64>,
    pub(super) awaited: Option<Cow<'a, str>>,
    pub(super) passes: Option<&'static str>,
    pub(super) failure: FailureText<'a>,
    pub(super) unsure: String,
    pub(super) asked_by: Option<Cow<'a, str>>,
    pub(super) fingerprint: Option<String>,
    pub(super) mapping_version: i64,
    /// A JSON list.
    pub(super) items: String,
}

#[derive(Default)]
#[allow(missing_docs, reason = "columns of a failure")]
pub(super) struct FailureText<'a> {
    pub(super) code: Option<Cow<'a, str>>,
    pub(super) sentence: Option<Cow<'a, str>>,
    pub(super) detail: Option<Cow<'a, str>>,
}

#[allow(missing_docs, reason = "columns of the table of the same name")]
pub(super) struct EffectRow<'a> {
    pub(super) record: i64,
    pub(super) key: Cow<'a, str>,
    pub(super) document: Cow<'a, str>,
    pub(super) act: Cow<'a, str>,
    pub(super) connection: Cow<'a, str>,
    pub(super) message_id: Uuid,
    pub(super) facts: String,
}

#[allow(missing_docs, reason = "columns of the table of the same name")]
pub(super) struct OutboxEntry<'a> {
    pub(super) record: i64,
    pub(super) row: &'a OutboxRow,
    pub(super) purpose: i64,
    pub(super) ordering_key: Cow<'a, str>,
    pub(super) kind: Cow<'a, str>,
    pub(super) traceparent: Option<Cow<'a, str>>,
    pub(super) failure: FailureText<'a>,
    pub(super) parking: i64,
}

#[allow(missing_docs, reason = "columns of the table of the same name")]
pub(super) struct DocumentRow<'a> {
    pub(super) record: i64,
    pub(super) key: Cow<'a, str>,
    pub(super) kind: Cow<'a, str>,
    pub(super) legal_entity: Option<Cow<'a, str>>,
}

#[allow(missing_docs, reason = "columns of the table of the same name")]
pub(super) struct NameRow<'a> {
    pub(super) record: i64,
    pub(super) name: Cow<'a, str>,
    pub(super) label: Cow<'a, str>,
    pub(super) document: Cow<'a, str>,
}

#[allow(missing_docs, reason = "columns of the table of the same name")]
pub(super) struct StepRow<'a> {
    pub(super) record: i64,
    pub(super) document: Cow<'a, str>,
    pub(super) at: i64,
    pub(super) message_id: Uuid,
    pub(super) ordinal: i64,
    pub(super) digest: i64,
    pub(super) system: Cow<'a, str>,
    pub(super) what: Cow<'a, str>,
    pub(super) mode: Cow<'a, str>,
}

#[allow(missing_docs, reason = "columns of the table of the same name")]
pub(super) struct SnapshotRow<'a> {
    pub(super) record: i64,
    pub(super) connection: Cow<'a, str>,
    pub(super) snapshot: Cow<'a, str>,
    pub(super) part: &'a SnapshotPart,
    pub(super) scope: Cow<'a, str>,
    pub(super) lines: Cow<'a, str>,
}

#[allow(missing_docs, reason = "columns of the table of the same name")]
pub(super) struct AttemptRow<'a> {
    pub(super) record: i64,
    pub(super) id: Uuid,
    pub(super) failure: FailureText<'a>,
    pub(super) exchanges: String,
}

impl<'a> Batch<'a> {
    pub(super) fn of(records: impl Iterator<Item = &'a Record> + Clone) -> Self {
        let mut batch = Self { block: block(records.clone()), ..Self::default() };
        let mut in_front = HashMap::new();
        for (number, record) in (0..).zip(records) {
            batch.add(number, record);
            if let Outcome::Parked(parked) = &record.outcome {
                let mut row = ParkedRow::of(number, parked, record);
                if let Place::InFrontOf(anchor) = parked.place {
                    let nth = in_front.entry((record.owner.flow, &parked.lane_key, anchor)).or_insert(0);
                    row.nth = *nth;
                    *nth += 1;
                }
                batch.parked.push(row);
            }
        }
        batch
    }

    fn add(&mut self, number: i64, record: &'a Record) {
        let ending = if let Outcome::Ended(ending) = record.outcome { Some(ending_code(ending)) } else { None };
        let is_kept = record.kept.is_some();
        self.records.push(RecordRow { owner: record.owner, message_id: record.message_id, ending, is_kept });
        self.effects.extend(record.effects.iter().map(|effect| EffectRow {
            record: number,
            key: clean(&effect.key),
            document: clean(&effect.document),
            act: clean(&effect.act),
            connection: clean(&effect.connection),
            message_id: effect.message_id,
            facts: effect.facts.to_string(),
        }));
        let parking = if let Outcome::Parked(parked) = &record.outcome { i64::from(parked.parkings) } else { 0 };
        self.outbox.extend(record.outbox.iter().map(|row| OutboxEntry::of(number, row, parking)));
        for document in &record.documents {
            self.documents.push(DocumentRow {
                record: number,
                key: clean(&document.key),
                kind: clean(&document.kind),
                legal_entity: document.legal_entity.as_deref().map(clean),
            });
            self.names.extend(document.names.iter().map(|(label, name)| NameRow {
                record: number,
                name: clean(name),
                label: clean(label),
                document: clean(&document.key),
            }));
        }
        self.names.extend(record.names.iter().map(|Name { document, label, text }| NameRow {
            record: number,
            name: clean(text),
            label: clean(label),
            document: clean(document),
        }));
        self.steps.extend((0..).zip(&record.journey).map(|(ordinal, step)| StepRow {
            record: number,
            document: clean(&step.document),
            at: step.at.as_microsecond(),
            message_id: step.message_id,
            ordinal,
            digest: digest(&[&step.system, &step.what, &step.mode]).cast_signed(),
            system: clean(&step.system),
            what: clean(&step.what),
            mode: clean(&step.mode),
        }));
        self.done.extend(record.journal_done.iter().map(|journal| (number, *journal)));
        self.snapshots.extend(record.snapshots.iter().map(|part| SnapshotRow {
            record: number,
            connection: clean(&part.connection),
            snapshot: clean(&part.snapshot),
            part,
            scope: clean(&part.scope),
            lines: clean(&part.lines),
        }));
        if let (Some(attempted), Outcome::Parked(parked)) = (&record.attempted, &record.outcome) {
            self.attempts.push(AttemptRow {
                record: number,
                id: attempted.id,
                failure: FailureText::of(parked.failure.as_ref()),
                exchanges: attempted.exchanges.to_string(),
            });
        }
        for news in record.progress.iter().map(Progress::cleaned) {
            match self.progress.iter_mut().find(|(_, known)| known.document == news.document) {
                Some((_, known)) => known.add(news),
                None => self.progress.push((number, news)),
            }
        }
    }

    /// The message of a record.
    pub(super) fn message_id(&self, record: i64) -> Uuid {
        usize::try_from(record)
            .ok()
            .and_then(|record| self.records.get(record))
            .map_or(Uuid::nil(), |row| row.message_id)
    }

    /// The rights that the statement needs, each once.
    pub(super) fn claims(&self) -> Vec<Ownership> {
        let mut seen = HashSet::new();
        self.records.iter().map(|record| record.owner).filter(|owner| seen.insert(*owner)).collect()
    }
}

impl<'a> ParkedRow<'a> {
    fn of(number: i64, parked: &'a Parked, record: &'a Record) -> Self {
        let (place, anchor) = match parked.place {
            Place::Behind => (BEHIND, 0),
            Place::InFrontOf(anchor) => (IN_FRONT, anchor),
            Place::At(anchor) => (AT, anchor),
        };
        let (waits_for, awaited) = wait_code(&parked.waits_for);
        // What waits for a person may name what is missing.
        let missing = parked.failure.as_ref().and_then(|failure| failure.awaits.as_deref());
        let awaited = awaited.or(missing.filter(|_| waits_for == PERSON));
        let (delay, passes) = match &parked.waits_for {
            WaitsFor::Time { delay } => (Some(micros(*delay)), None),
            WaitsFor::Document { passes, delay, .. } => {
                (Some(micros(*delay)), passes.map(crate::message::Kind::as_str))
            }
            WaitsFor::Head | WaitsFor::FarEnd { .. } | WaitsFor::Flow | WaitsFor::Room | WaitsFor::Person => {
                (None, None)
            }
        };
        Self {
            record: number,
            parked,
            lane_key: clean(&parked.lane_key),
            ordering_key: clean(&parked.ordering_key),
            kind: clean(&parked.kind),
            connection: clean(&parked.connection),
            place,
            anchor,
            nth: 0,
            waits_for,
            delay,
            awaited: awaited.map(clean),
            passes,
            failure: FailureText::of(parked.failure.as_ref()),
            unsure: intents_json(&parked.unsure).to_string(),
            asked_by: parked.asked_by.as_deref().map(clean),
            fingerprint: parked.failure.as_ref().map(|failure| fingerprint(failure, &parked.connection, &parked.kind)),
            mapping_version: record.mapping_version.cast_signed(),
            items: Value::from(cleaned(&record.items)).to_string(),
        }
    }
}

impl<'a> OutboxEntry<'a> {
    /// `parking`: how often its message was parked for a person; it tells announcements of one message apart.
    pub(super) fn of(record: i64, row: &'a OutboxRow, parking: i64) -> Self {
        Self {
            record,
            row,
            purpose: purpose_code(row.purpose),
            ordering_key: clean(&row.ordering_key),
            kind: clean(&row.kind),
            traceparent: row.traceparent.as_deref().map(clean),
            failure: FailureText::of(row.failure.as_ref()),
            parking: if row.purpose == Purpose::DeadLetter { parking } else { 0 },
        }
    }
}

impl<'a> FailureText<'a> {
    fn of(failure: Option<&'a ParkedFailure>) -> Self {
        failure.map_or_else(Self::default, |failure| Self {
            code: Some(clean(&failure.code)),
            sentence: Some(clean(&failure.sentence)),
            detail: failure.detail.as_deref().map(clean),
        })
    }
}

/// One journal row: the intents of messages that gathered.
pub(super) struct JournalRow {
    pub(super) owner: Ownership,
    pub(super) id: Uuid,
    /// Which of the intended it holds.
    pub(super) members: Vec<usize>,
    pub(super) entries: String,
}

/// A journal row's entry, as it is read.
#[derive(serde::Deserialize)]
pub(super) struct JournalEntry {
    pub(super) message_id: Uuid,
    pub(super) intents: Vec<Intent>,
}

impl JournalRow {
    pub(super) fn of(intended: &[Intended]) -> Vec<Self> {
        let mut rows: Vec<Self> = Vec::new();
        let mut places = HashMap::new();
        for (number, one) in intended.iter().enumerate() {
            let place = *places.entry((one.journal, one.owner)).or_insert_with(|| {
                rows.push(Self { owner: one.owner, id: one.journal, members: Vec::new(), entries: String::new() });
                rows.len() - 1
            });
            rows[place].members.push(number);
        }
        for row in &mut rows {
            let entries = row.members.iter().map(|number| entry_json(&intended[*number])).collect();
            row.entries = Value::Array(entries).to_string();
        }
        rows
    }

    /// The answers of rows as answers of what was intended.
    pub(super) fn answers(rows: &[Self], answers: Vec<Written>) -> Vec<Written> {
        let members = rows
            .iter()
            .zip(answers)
            .flat_map(|(row, answer)| row.members.iter().map(move |number| (*number, answer.clone())));
        let members: BTreeMap<_, _> = members.collect();
        members.into_values().collect()
    }
}

fn entry_json(intended: &Intended) -> Value {
    let message_id = Value::String(intended.message_id.to_string());
    Value::Object(Map::from_iter([
        ("message_id".to_owned(), message_id),
        ("intents".to_owned(), intents_json(&intended.intents)),
    ]))
}

/// As `Intent` is read. By hand, because this cannot fail.
fn intents_json(intents: &[Intent]) -> Value {
    let text = |text: &str| Value::String(text.to_owned());
    let one = |intent: &Intent| {
        Value::Object(Map::from_iter([
            ("key".to_owned(), text(&intent.key)),
            ("connection".to_owned(), text(&intent.connection)),
            ("class".to_owned(), text(&intent.class)),
            ("call".to_owned(), intent.call.clone()),
            ("committed_at".to_owned(), intent.committed_at.map_or(Value::Null, |at| text(&at.to_string()))),
        ]))
    };
    Value::Array(intents.iter().map(one).collect())
}
