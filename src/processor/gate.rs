//! May it run? What the store knows of a message and its lane decides; pure.
//!
//! A key has a gate as long as anything of it is parked. Whatever arrives for a gated key parks behind, in order, except
//! the very kind the head waits for: it passes, and if it must park, parks in front of the head.

use jiff::Timestamp;
use uuid::Uuid;

use crate::message::Kind;
use crate::rehearsal::{Variant, broken};
use crate::store::{Ending, Gate, Known, Place, WaitsFor};

/// Who stands at the gate.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// The message.
    pub message_id: Uuid,
    /// Its kind, where it can be read.
    pub kind: Option<Kind>,
    /// By whom it was brought to its lane.
    pub brought: Brought,
    /// Its lane has held its key for too long.
    pub lane_is_full: bool,
}

/// Who brings messages to lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Brought {
    /// The transport.
    Delivered,
    /// The store, because it is due.
    Due {
        /// When its parked row was last written; a row that was written since is dealt with by somebody else.
        parked_at: Option<Timestamp>,
    },
}

/// What becomes of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Admission {
    /// It runs; if it must park, then here.
    Run(Place),
    /// It parks behind.
    Behind,
    /// It is settled already, or parked already: this copy is swallowed, counted, and seen on the journey.
    CameAgain,
    /// It was due and is not any more: somebody else dealt with it.
    Stale,
    /// A person discarded it in the very moment in which an attempt parked it again: its row goes.
    Ended(Ending),
}

/// Decides at the gate.
#[must_use]
pub fn admit(arrival: &Arrival, known: &Known) -> Admission {
    match arrival.brought {
        Brought::Due { parked_at } => admit_due(arrival.message_id, parked_at, known),
        Brought::Delivered => admit_delivery(arrival, known),
    }
}

fn admit_due(message_id: Uuid, since: Option<Timestamp>, known: &Known) -> Admission {
    let Some(parked) = known.parked.as_ref() else { return Admission::Stale };
    if let Some(ending) = known.ending {
        return Admission::Ended(ending);
    }
    let head = known.gate.as_ref().is_some_and(|gate| gate.head == message_id);
    if !head || parked.last_parked_at != since {
        return Admission::Stale;
    }
    match (parked.place, known.gate.as_ref()) {
        (Place::At(position) | Place::InFrontOf(position), _) => Admission::Run(Place::At(position)),
        (Place::Behind, Some(gate)) => Admission::Run(Place::At(gate.position)),
        (Place::Behind, None) => Admission::Stale,
    }
}

fn admit_delivery(arrival: &Arrival, known: &Known) -> Admission {
    if known.ending.is_some() || known.parked.is_some() {
        return Admission::CameAgain;
    }
    match &known.gate {
        Some(gate) if passes(gate, arrival.kind) => Admission::Run(Place::InFrontOf(gate.position)),
        Some(_) if broken(Variant::NoGate) => Admission::Run(Place::Behind),
        Some(_) => Admission::Behind,
        None if arrival.lane_is_full => Admission::Behind,
        None => Admission::Run(Place::Behind),
    }
}

/// Whether the head waits for this very kind.
fn passes(gate: &Gate, kind: Option<Kind>) -> bool {
    matches!(&gate.waits_for, WaitsFor::Document { passes: Some(awaited), .. } if Some(*awaited) == kind)
}
