//! WHAT IS REMEMBERED: endings, intents, effects, parked messages, the outbox, owners, documents and their journey.
//!
//! One closed enum over SQLite (one process, in the data folder) and PostgreSQL (production). Both pass one
//! conformance suite. The store decides nothing: it keeps rows, compares epochs and tells the time.
//!
//! Invariants: everything an attempt leaves behind is in one commit or nowhere; nothing is written under an epoch
//! older than the partition's; a gate exists exactly as long as anything of its lane is parked, because it *is*
//! those rows; between processes only the store's clock counts.

mod rows;

pub use rows::{
    Document, DocumentView, Effect, Ending, Gate, Intended, Intent, Known, Listed, OutboxRow, Outcome, Ownership,
    Parked, ParkedFailure, ParkedFilter, Place, Purpose, Question, Record, Replayed, Step, Unsettled, Waiting,
    WaitsFor, Written,
};
