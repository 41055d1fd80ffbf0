//! What becomes known of documents: whoever waits for one of their names is woken.

use crate::flows::{KnownDocument, makes_known};
use crate::message::Envelope;
use crate::store::{Document, Record};

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

/// A document as the store keeps it.
pub(super) fn known(envelope: &Envelope, document: KnownDocument) -> Document {
    let KnownDocument { key, kind, names } = document;
    let legal_entity = envelope.legal_entity.as_ref().map(ToString::to_string);
    Document { key, kind: kind.to_owned(), legal_entity, names }
}
