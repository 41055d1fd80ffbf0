//! Flow `stock_snapshots`: what a warehouse says that it holds is kept as it was told, with when it was so.
//!
//! It never overwrites anything, and posts nothing: a snapshot is older than what is under way, and is explained before
//! anybody acts on it. A part that came before is the same part; what is missing of a snapshot shows, and never means zero.

use super::answer::{Decision, Done, KnownDocument};
use crate::failure::{Code, Failure};
use crate::message::{Envelope, StockSnapshotTaken};

/// Decides what is kept of a snapshot.
pub(super) fn plan(message: &Envelope, body: &StockSnapshotTaken) -> Decision {
    let (warehouse, snapshot) = (&message.connection, &body.snapshot_id);
    // A sender that does not split says nothing of parts.
    let (part, parts) = (body.part.max(1), body.parts.max(1));
    if part > parts {
        return Decision::Fail(Failure::new(
            Code::SnapshotUnclear,
            format!(
                "{warehouse} sent part {part} of {parts} of the snapshot {snapshot}. Ask {warehouse} how many parts there \
                 are, and have it sent again; then discard this."
            ),
        ));
    }
    let what = format!(
        "Says what it held at {}: part {part} of {parts} of the snapshot {snapshot} ({}, {} lines).",
        body.as_of,
        body.scope.code.as_str(),
        body.lines.len()
    );
    let names = vec![("snapshot".to_owned(), snapshot.to_string())];
    Decision::Done(Done {
        documents: vec![KnownDocument { key: message.ordering_key.to_string(), kind: "snapshot", names }],
        steps: vec![(warehouse.to_string(), what)],
        snapshot: Some(Box::new(StockSnapshotTaken { part, parts, ..body.clone() })),
        ..Done::default()
    })
}
