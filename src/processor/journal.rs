//! Which calls may have happened: the journal rows of our partitions, and whose they are.
//!
//! An intent lives until its message ends or parks; a parked message carries what is still unsure with it. One journal
//! row holds the intents of many messages, so it goes with the last of them.
//!
//! Invariant: a row is deleted only by a commit in which, or before which, every message of it ended or parked.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use crate::message::Flow;
use crate::store::{Intended, Intent, Outcome, Ownership, Record, Unsettled};

/// The journals of all partitions that are ours.
#[derive(Default)]
pub(super) struct Journals(Mutex<HashMap<(Flow, u16), Journal>>);

#[derive(Default)]
struct Journal {
    /// Each row with the messages that still need it.
    rows: HashMap<Uuid, HashSet<Uuid>>,
    /// Each message's calls that may have happened.
    intents: HashMap<Uuid, Vec<Intent>>,
}

impl Journals {
    /// A partition was taken, and this was found: the rows, and which of their messages still need them.
    pub(super) fn found(&self, owner: Ownership, unsettled: Vec<Unsettled>, still: &HashSet<Uuid>) {
        let mut journal = Journal::default();
        for one in unsettled {
            let row = journal.rows.entry(one.journal).or_default();
            if still.contains(&one.message_id) {
                row.insert(one.message_id);
                add(journal.intents.entry(one.message_id).or_default(), one.intents);
            }
        }
        self.lock().insert((owner.flow, owner.partition), journal);
    }

    /// Intents are committed.
    pub(super) fn opened(&self, intended: Intended) {
        let mut journals = self.lock();
        let journal = journals.entry((intended.owner.flow, intended.owner.partition)).or_default();
        journal.rows.entry(intended.journal).or_default().insert(intended.message_id);
        add(journal.intents.entry(intended.message_id).or_default(), intended.intents);
    }

    /// The calls of a message that may have happened.
    pub(super) fn of(&self, owner: Ownership, message_id: Uuid) -> Vec<Intent> {
        let journals = self.lock();
        let journal = journals.get(&(owner.flow, owner.partition));
        journal.and_then(|journal| journal.intents.get(&message_id)).cloned().unwrap_or_default()
    }

    /// Tells each batch which journal rows nobody needs once it is committed.
    pub(super) fn complete(&self, records: &mut [Record]) {
        let mut leaving: HashMap<Ownership, HashMap<Uuid, usize>> = HashMap::new();
        for (number, record) in records.iter().enumerate().filter(|(_, record)| leaves(record)) {
            leaving.entry(record.owner).or_default().insert(record.message_id, number);
        }
        let journals = self.lock();
        for (owner, numbers) in leaving {
            let Some(journal) = journals.get(&(owner.flow, owner.partition)) else { continue };
            let done = journal.rows.iter().filter(|(_, needing)| needing.iter().all(|id| numbers.contains_key(id)));
            for (row, needing) in done {
                let last = needing.iter().filter_map(|id| numbers.get(id)).max();
                if let Some(number) = last.or_else(|| numbers.values().max()) {
                    records[*number].journal_done.push(*row);
                }
            }
        }
    }

    /// A record is committed.
    pub(super) fn closed(&self, record: &Record) {
        if !leaves(record) {
            return;
        }
        let mut journals = self.lock();
        let Some(journal) = journals.get_mut(&(record.owner.flow, record.owner.partition)) else { return };
        journal.intents.remove(&record.message_id);
        for needing in journal.rows.values_mut() {
            needing.remove(&record.message_id);
        }
        for row in &record.journal_done {
            journal.rows.remove(row);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(Flow, u16), Journal>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call that is intended again is one call: of each key the last one counts.
fn add(known: &mut Vec<Intent>, intents: Vec<Intent>) {
    for intent in intents {
        known.retain(|before| before.key != intent.key);
        known.push(intent);
    }
}

/// Whether a record ends or parks its message, so that its intents have a home elsewhere or none at all.
fn leaves(record: &Record) -> bool {
    match record.outcome {
        Outcome::Ended(_) | Outcome::Parked(_) => true,
        Outcome::Unchanged => false,
    }
}
