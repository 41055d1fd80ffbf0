//! What a flow answers: a closed set, each member with exactly one ending in the processor.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::failure::Failure;
use crate::gateways::{
    Direction, FulfilmentOrder, RequestVerdict, ReturnWish, ShipmentUpdate, StockAdjustment, StockJournal, TrackingRow,
};
use crate::message::{Body, Connection, Envelope, Kind, LegalEntity, OrderingKey, RequestId, StockSnapshotTaken};

/// What is to be done next.
#[derive(Clone, Debug)]
pub enum Decision {
    /// These calls, in this order; then the plan is asked again with what they brought.
    Act(Vec<Planned>),
    /// Nothing more: the message is applied.
    Done(Done),
    /// It is no business of ours, or says nothing new.
    NotOurs(String),
    /// Another document must come first.
    Wait {
        /// The document's name.
        document: String,
        /// The kind that may pass the gate, when it is of the same lane.
        passes: Option<Kind>,
        /// What is missing and what to do, for the person who gets it when it never comes.
        failure: Failure,
    },
    /// Finance must open a period first: it waits without a deadline, and one question is asked for all who wait for it.
    WaitForFinance(Box<ClosedPeriod>),
    /// Nobody can do anything but look again later, by the table of posting polls; given up at its deadline.
    Later {
        /// An event about this name wakes it before.
        woken_by: Option<String>,
        /// The failure that it becomes at the deadline.
        failure: Failure,
    },
    /// It cannot be applied as things stand.
    Fail(Failure),
}

/// A closed period that something waits for.
#[derive(Clone, Debug)]
pub struct ClosedPeriod {
    /// Its name.
    pub period: String,
    /// What people see meanwhile.
    pub failure: Failure,
    /// What asks a person, where nobody is asked yet.
    pub question: Emit,
}

/// What an applied message leaves behind beside its effects.
#[derive(Clone, Debug, Default)]
pub struct Done {
    /// Facts that came without a call.
    pub facts: Vec<Past>,
    /// Messages to be sent, in order.
    pub emits: Vec<Emit>,
    /// Messages as their sender said them, which are handed in as they are.
    pub translated: Vec<Envelope>,
    /// Documents that are known from now on.
    pub documents: Vec<KnownDocument>,
    /// What people see on the document's way: (system, what).
    pub steps: Vec<(String, String)>,
    /// What the warehouse said that it holds: it is kept as it was told.
    pub snapshot: Option<Box<StockSnapshotTaken>>,
}

/// A message that a flow emits; its identity comes from the message that caused it.
#[derive(Clone, Debug)]
pub struct Emit {
    /// Tells emitted messages of one attempt apart.
    pub purpose: &'static str,
    /// Counted from 0 within the purpose.
    pub ordinal: u32,
    /// What it says.
    pub body: Body,
    /// What it is about, where that is another document than its cause's.
    pub about: Option<About>,
}

/// What an emitted message is about.
#[derive(Clone, Debug)]
pub struct About {
    /// The document.
    pub document: OrderingKey,
    /// Its company, where that is known.
    pub legal_entity: Option<LegalEntity>,
    /// In whose name it speaks.
    pub connection: Connection,
}

/// A document that messages may wait for, with its other names.
#[derive(Clone, Debug)]
pub struct KnownDocument {
    /// Its name.
    pub key: String,
    /// `order`, `shipment`, `posting`.
    pub kind: &'static str,
    /// Its other names: (`reference`, `usmf-SHP0012-W1`).
    pub names: Vec<(String, String)>,
}

/// One changing call.
#[derive(Clone, Debug)]
pub struct Planned {
    /// Made of business facts, never of message ids.
    pub key: String,
    /// What is done: `create_order`.
    pub act: &'static str,
    /// The far end.
    pub connection: Connection,
    /// What the far end does with a repeat.
    pub class: Repeat,
    /// The call.
    pub call: Call,
    /// What later plans need to know once it happened.
    pub facts: Value,
}

/// What a far end does with a second call of the same key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// It changes nothing.
    Absorbs,
    /// It would happen twice, but the far end can be asked by our reference.
    Findable,
    /// It would happen twice, and nobody can tell: never repeated by us.
    Neither,
}

impl Repeat {
    /// The name in the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Absorbs => "absorbs",
            Self::Findable => "findable",
            Self::Neither => "neither",
        }
    }
}

/// The changing calls there are.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "few of them live at a time, each for one attempt")]
pub enum Call {
    /// Create an order at a warehouse: to ship goods, or to expect them.
    CreateOrder(FulfilmentOrder),
    /// Have a warehouse change an order that it holds.
    ChangeOrder {
        /// The warehouse's id of it.
        order_id: String,
        /// Which change of it that is, from 1.
        number: u32,
        /// What it says from then on.
        order: FulfilmentOrder,
    },
    /// Ask a warehouse to cancel an order.
    CancelOrder {
        /// Which way its goods go.
        direction: Direction,
        /// The warehouse's id of it.
        order_id: String,
        /// Our reference.
        reference: String,
        /// For the warehouse's people.
        reason: String,
    },
    /// Tell Dynamics what became of a released document.
    WriteStatus {
        /// The company.
        legal_entity: LegalEntity,
        /// The document.
        request_id: RequestId,
        /// What became of it.
        verdict: RequestVerdict,
        /// The version of its status as the plan saw it, not cancelled; nothing: it is looked at first.
        seen: Option<String>,
    },
    /// Make a return order in Dynamics.
    CreateReturn(ReturnWish),
    /// Post what was shipped, or received.
    PostShipment(ShipmentUpdate),
    /// Write a package's tracking number.
    WriteTracking(TrackingRow),
    /// Post a change of stock, or write the journal of it.
    AdjustStock(StockAdjustment),
    /// Post a journal.
    PostJournal(StockJournal),
}

/// What it takes to ask a far end whether a call happened: it is kept with the intent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lookup {
    /// By our reference at the warehouse.
    Order {
        /// Which way its goods go.
        #[serde(default, skip_serializing_if = "Direction::is_outbound")]
        direction: Direction,
        /// Our reference.
        reference: String,
    },
    /// The same order; whether it is dead tells whether it was cancelled. A plan that does not want the cancellation any
    /// more must know of it.
    Cancellation {
        /// Which way its goods go.
        #[serde(default, skip_serializing_if = "Direction::is_outbound")]
        direction: Direction,
        /// Our reference.
        reference: String,
    },
    /// The same order; the number of its last change tells whether it was changed.
    Change {
        /// Our reference.
        reference: String,
        /// Which change of it.
        number: u32,
    },
    /// By our id of the update in Dynamics. What is there of it is completed as it was meant, whatever a plan would make of
    /// it now: so a receipt is never posted in two ways.
    Update(Box<ShipmentUpdate>),
    /// By our key of the return order in Dynamics; whether all its lines are there tells whether it was made.
    Return {
        /// The company.
        legal_entity: LegalEntity,
        /// Ours.
        reference: String,
        /// How many lines it has when it is whole.
        lines: usize,
    },
    /// A repeat changes nothing, so that the call is simply made again.
    Again,
}

impl Call {
    /// What it takes to ask whether the call happened.
    #[must_use]
    pub fn lookup(&self) -> Lookup {
        match self {
            Self::CreateOrder(order) => {
                Lookup::Order { direction: order.direction, reference: order.reference.to_string() }
            }
            Self::CancelOrder { direction, reference, .. } => {
                Lookup::Cancellation { direction: *direction, reference: reference.clone() }
            }
            Self::ChangeOrder { number, order, .. } => {
                Lookup::Change { reference: order.reference.to_string(), number: *number }
            }
            // A shipment has one update for ever; which one a receipt has depends on what was posted before.
            Self::CreateReturn(wish) => Lookup::Return {
                legal_entity: wish.legal_entity.clone(),
                reference: wish.reference.clone(),
                lines: wish.lines.len(),
            },
            Self::PostShipment(update) if update.direction != Direction::Outbound => {
                Lookup::Update(Box::new(update.clone()))
            }
            Self::WriteStatus { .. }
            | Self::PostShipment(_)
            | Self::WriteTracking(_)
            | Self::AdjustStock(_)
            | Self::PostJournal(_) => Lookup::Again,
        }
    }
}

/// Something that happened to the document before: one row of the ledger.
#[derive(Clone, Debug, PartialEq)]
pub struct Past {
    /// The effect's key.
    pub key: String,
    /// What was done.
    pub act: String,
    /// The far end.
    pub connection: String,
    /// What is known of it.
    pub facts: Value,
}

/// What a call brought.
#[derive(Clone, Debug)]
pub enum Acted {
    /// It happened; these members go to its facts.
    Happened(Value),
    /// It did not, but something else is known now.
    Instead(Past),
    /// It did not, and the plan must know why; it is remembered for this attempt alone.
    Refused(Failure),
}

/// What a far end says about a call that may have happened.
#[derive(Clone, Debug)]
pub enum Settled {
    /// It happened; these members go to its facts.
    Happened(Value),
    /// Something else is known now.
    Instead(Past),
    /// A part of it did; the rest is a call of its own, [`complete`](super::complete).
    Half(Box<ShipmentUpdate>),
    /// It did not, as far as the far end shows.
    NotThere,
    /// It does not matter: the call may be made again.
    Again,
}
