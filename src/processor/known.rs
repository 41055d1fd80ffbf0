//! What becomes known by a message, as the store keeps it: documents, whose waiters are woken by any of their names, and
//! parts of snapshots.

use super::attempt::Attempt;
use super::inbound::Inbound;
use crate::flows::{self, KnownDocument, Look, makes_known};
use crate::message::{Body, Envelope, StockSnapshotTaken};
use crate::store::{Document, Ending, KeptMessage, Name, Outcome, Progress, Record, SnapshotPart};

/// The names that become known.
pub(super) fn names(documents: &[Document]) -> impl Iterator<Item = String> {
    documents.iter().flat_map(|document| {
        std::iter::once(document.key.clone()).chain(document.names.iter().map(|(_, name)| name.clone()))
    })
}

/// What an effect makes known, whoever finds out that it happened.
pub(super) fn made_known(envelope: &Envelope, record: &Record) -> Vec<Document> {
    let made = record.effects.iter().filter_map(|effect| makes_known(envelope, &effect.act, &effect.facts));
    made.map(|document| known(envelope, document)).collect()
}

/// By which names a document is found although nothing was done about it; what is applied says so itself.
pub(super) fn found_by(inbound: &Inbound, look: Option<&Look>, outcome: &Outcome) -> Vec<Name> {
    let Ok(envelope) = &inbound.content else { return Vec::new() };
    if matches!(outcome, Outcome::Ended(Ending::Applied)) {
        return Vec::new();
    }
    let names = flows::names(envelope, look).into_iter();
    names.map(|(label, text)| Name { document: inbound.ordering_key.clone(), label, text }).collect()
}

/// The items that a message is about which has to wait, for people who look for them.
pub(super) fn about(inbound: &Inbound, look: Option<&Look>, outcome: &Outcome) -> Vec<String> {
    let (Ok(envelope), Outcome::Parked(parked)) = (&inbound.content, outcome) else { return Vec::new() };
    flows::items(envelope, look, parked.failure.as_ref().and_then(|failure| failure.awaits.as_deref()))
}

/// What is kept for a while of a message that ended, so that a person can have it run once more.
pub(super) fn kept(attempt: &Attempt<'_>, outcome: &Outcome) -> Option<KeptMessage> {
    let ended = matches!(outcome, Outcome::Ended(Ending::Applied | Ending::NotOurs));
    if !ended || attempt.house.tools.config.store.kept_s == 0 {
        return None;
    }
    let (inbound, before) = (&attempt.job.inbound, attempt.parked.as_ref());
    Some(KeptMessage {
        partition: attempt.job.tenure.owner.partition,
        lane_key: inbound.lane_key.clone(),
        ordering_key: inbound.ordering_key.clone(),
        kind: inbound.kind.clone(),
        connection: inbound.connection.clone(),
        revision: before.map_or(0, |before| before.revision),
        parkings: before.map_or(0, |before| before.parkings),
        bytes: inbound.bytes.clone(),
    })
}

/// A document as the store keeps it.
pub(super) fn known(envelope: &Envelope, document: KnownDocument) -> Document {
    let KnownDocument { key, kind, names } = document;
    let legal_entity = envelope.legal_entity.as_ref().map(ToString::to_string);
    Document { key, kind: kind.to_owned(), legal_entity, names }
}

/// A part of a snapshot as it is kept: its lines as they were told.
pub(super) fn snapshot_part(envelope: &Envelope, taken: StockSnapshotTaken) -> SnapshotPart {
    let (snapshot, scope) = (taken.snapshot_id.to_string(), taken.scope.code.as_str().to_owned());
    let (part, parts, taken_at) = (taken.part, taken.parts, taken.as_of);
    let line_count = u32::try_from(taken.lines.len()).unwrap_or(u32::MAX);
    let lines =
        Body::StockSnapshotTaken(taken).to_json().get("lines").map_or_else(|| "[]".to_owned(), ToString::to_string);
    SnapshotPart {
        connection: envelope.connection.to_string(),
        snapshot,
        part,
        parts,
        taken_at,
        scope,
        line_count,
        lines,
    }
}

/// How far a document is, as it is kept.
pub(super) fn progress(document: String, far: flows::Progress) -> Progress {
    Progress {
        document,
        kind: far.direction.document().to_owned(),
        legal_entity: far.legal_entity.map(|company| company.to_string()),
        number: far.number,
        warehouse: far.warehouse,
        promised_at: far.promised_at,
        value: far.value.map(|value| value.to_string()),
        currency: far.currency,
        released_at: far.released_at,
        accepted_at: far.accepted_at,
        rejected_at: far.rejected_at,
        moved_at: far.moved_at,
        open_since: far.open_since,
        stage: far.stage.map(flows::Stage::code),
        whole: far.whole,
        counts: far.counts,
    }
}
