//! Records shared out to statements, and their answers gathered.
//!
//! A statement holds each message once, so that a slice keeps its order without asking a database about the order of
//! its parts; and not more than so many bytes, so that it ends in time. What a database cannot hold is found by
//! halving: it is left out alone, and the rest stands.

use std::collections::{HashSet, VecDeque};

use super::StoreError;
use super::rows::{Outcome, Record, WaitsFor, Written};

/// Names stand in indexes, whose entries must fit into a third of a page even when three names make one entry.
const NAME_BYTES_MAX: usize = 800;

/// Why a statement did nothing.
#[derive(Debug)]
pub(super) enum Fault {
    /// Something in its rows cannot be held, whatever is tried.
    Rows(String),
    /// The store's fault.
    Store(StoreError),
}

/// Where something could be wrong with the rows, nothing is: they are ours.
impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Store(error) => error,
            Fault::Rows(reason) => StoreError::Unusable {
                problem: format!("it refuses what it is asked: {reason}"),
                remedy: "This is a defect of Drayline: please report it".to_owned(),
            },
        }
    }
}

/// Parts still to be written, in order, and the answers so far.
pub(super) struct Parts {
    todo: VecDeque<Vec<usize>>,
    answers: Vec<Option<Written>>,
}

impl Parts {
    /// Everything in as few statements as its messages and bytes allow.
    pub(super) fn of(records: &[Record], bytes_max: usize) -> Self {
        let mut answers = vec![None; records.len()];
        let (mut todo, mut part, mut messages, mut bytes) = (VecDeque::new(), Vec::new(), HashSet::new(), 0);
        for (number, record) in records.iter().enumerate() {
            if let Some(reason) = too_long(record) {
                answers[number] = Some(Written::Refused(reason));
                continue;
            }
            let size = size(record);
            let again = !messages.insert((record.owner.flow, record.message_id));
            if again || (bytes + size > bytes_max && !part.is_empty()) {
                todo.push_back(std::mem::take(&mut part));
                messages = HashSet::from([(record.owner.flow, record.message_id)]);
                bytes = 0;
            }
            part.push(number);
            bytes += size;
        }
        todo.push_back(part);
        Self { todo, answers }.without_nothing()
    }

    /// One part of so many rows.
    pub(super) fn whole(rows: usize) -> Self {
        Self { todo: VecDeque::from([(0..rows).collect()]), answers: vec![None; rows] }.without_nothing()
    }

    fn without_nothing(mut self) -> Self {
        self.todo.retain(|part| !part.is_empty());
        self
    }

    /// The next part.
    pub(super) fn next(&mut self) -> Option<Vec<usize>> {
        self.todo.pop_front()
    }

    /// What became of a part: the numbers within it of what was written. What cannot be held is halved.
    pub(super) fn answered(&mut self, part: Vec<usize>, written: Result<Vec<i64>, Fault>) -> Result<(), StoreError> {
        match written {
            Ok(written) => {
                let written: HashSet<_> = written.into_iter().collect();
                for (place, number) in (0..).zip(part) {
                    let ours = written.contains(&place);
                    self.answers[number] = Some(if ours { Written::Yes } else { Written::NotOwner });
                }
            }
            Err(Fault::Rows(reason)) => {
                if let [number] = part[..] {
                    self.answers[number] = Some(Written::Refused(reason));
                } else {
                    let (first, second) = part.split_at(part.len() / 2);
                    self.todo.push_front(second.to_vec());
                    self.todo.push_front(first.to_vec());
                }
            }
            Err(Fault::Store(error)) => return Err(error),
        }
        Ok(())
    }

    /// All answers, in order.
    pub(super) fn answers(self) -> Vec<Written> {
        let unanswered = || Written::Refused("it was never written".to_owned());
        self.answers.into_iter().map(|answer| answer.unwrap_or_else(unanswered)).collect()
    }
}

/// Which name of a record is too long for an index, if any.
fn too_long(record: &Record) -> Option<String> {
    let parked = if let Outcome::Parked(parked) = &record.outcome { Some(parked) } else { None };
    let awaited = parked.and_then(|parked| match &parked.waits_for {
        WaitsFor::Document { key, .. } | WaitsFor::FarEnd { connection: key } => Some(key),
        WaitsFor::Head | WaitsFor::Time { .. } | WaitsFor::Flow | WaitsFor::Room | WaitsFor::Person => None,
    });
    let lane = parked.map(|parked| ("lane", &parked.lane_key)).into_iter();
    let names = lane
        .chain(awaited.map(|key| ("awaited document", key)))
        .chain(
            record.effects.iter().flat_map(|effect| [("effect", &effect.key), ("effect's document", &effect.document)]),
        )
        .chain(record.documents.iter().map(|document| ("document", &document.key)))
        .chain(
            record
                .documents
                .iter()
                .flat_map(|document| &document.names)
                .flat_map(|(label, name)| [("kind of a document's name", label), ("document's name", name)]),
        )
        .chain(
            record.names.iter().flat_map(|name| [("named document", &name.document), ("document's name", &name.text)]),
        )
        .chain(record.snapshots.iter().map(|part| ("snapshot's name", &part.snapshot)))
        .chain(record.progress.iter().map(|progress| ("document", &progress.document)))
        .chain(record.journey.iter().map(|step| ("step's document", &step.document)));
    let mut long = names.filter(|(_, name)| name.len() > NAME_BYTES_MAX);
    long.next().map(|(what, name)| format!("the {what} is {} bytes long; {NAME_BYTES_MAX} are allowed", name.len()))
}

/// About how many bytes a record brings; what is always small is left out.
fn size(record: &Record) -> usize {
    let parked = if let Outcome::Parked(parked) = &record.outcome { parked.bytes.len() } else { 0 };
    let snapshots: usize = record.snapshots.iter().map(|part| part.lines.len()).sum();
    let kept = record.kept.as_ref().map_or(0, |kept| kept.bytes.len());
    kept + parked + snapshots + record.outbox.iter().map(|row| row.bytes.len()).sum::<usize>()
}
