//! What belongs to the flow it speaks of: how a posting in Dynamics ended, and bytes that nobody understood.

use super::coded::coded;
use super::kind::Flow;
use super::names::FactKey;
use super::wire::{Invalid, Wire, generated, record};

record! {
    /// Dynamics processed or refused what we posted: look at the update. It belongs to the flow that posted.
    PostingSettled {
        /// Our id of the update.
        update_id: FactKey,
        /// The flow that posted.
        flow: Flow,
        /// What the event said; `Pending` means that nobody said anything yet.
        outcome: PostingOutcome,
        /// Dynamics' words.
        text: Option<String>,
    }

    /// Authentic bytes that no translator understood. The bytes are the envelope's raw body.
    Unreadable {
        /// The flow whose people look at it.
        flow: Flow,
        /// What was wrong, with the place in the body.
        problem: String,
    }
}

coded! {
    /// How a posting ended.
    PostingOutcome / PostingOutcomeCode in posting_outcome { Pending, Processed, Failed }
}
