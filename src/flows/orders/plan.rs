//! The plan of the flow `orders`: what Dynamics wants against what the warehouse has.

use super::answers::{self, Told};
use super::limits::within;
use super::mapped::said;
use super::wanted::{Difference, Wanted, differences, facts, fulfilment, in_words, shipped_whole};
use super::{HeldOrder, OrderLook, known};
use crate::failure::{Code, Failure};
use crate::flows::answer::{Call, Decision, Done, KnownDocument, Past, Planned, Repeat};
use crate::flows::history::{End, History, SentOrder, postings};
use crate::flows::keys;
use crate::flows::ledger::{CancelledOrder, CreatedOrder, EndedReference, Ledger, PostedUpdate, kept};
use crate::flows::reports::CountedReceipt;
use crate::gateways::{Direction, FulfilmentOrder, ReleasedOrder, RequestVerdict};
use crate::mapping::{At, Mapping, Meanings};
use crate::message::{Body, Connection, Envelope, Kind, Reference};

/// Decides what is to be done next with a message about an order.
#[must_use]
pub fn plan(message: &Envelope, look: &OrderLook, mapping: &Mapping, ledger: &Ledger) -> Decision {
    let situation = Situation::of(message, look, mapping, ledger);
    match &message.body {
        Body::OrderReleased(_)
        | Body::OrderChanged(_)
        | Body::OrderCancelled(_)
        | Body::ReceiptAnnounced(_)
        | Body::ReturnAuthorised(_) => look_again(&situation),
        Body::OrderAccepted(body) => answers::accepted(&situation, body),
        Body::OrderRejected(body) => answers::rejected(situation, body),
        Body::OrderStatusChanged(body) => answers::status_changed(situation, body),
        Body::OrderCancelResolved(body) => answers::cancel_resolved(&situation, body),
        other => Decision::Fail(Failure::new(
            Code::MessageUnhandled,
            format!("The flow orders knows no {}. It is kept; replay it after an upgrade.", other.kind()),
        )),
    }
}

/// Everything that a plan starts from.
#[derive(Clone, Debug)]
pub(super) struct Situation<'a> {
    pub message: &'a Envelope,
    pub look: &'a OrderLook,
    pub mapping: &'a Mapping,
    pub ledger: &'a Ledger,
    pub history: History,
    pub postings: Vec<PostedUpdate>,
    pub wanted: Wanted<'a>,
}

/// What is said of an order, by which way its goods go.
struct Words {
    changed: Code,
    too_late: Code,
    /// The kind with which a warehouse says how a cancellation ended.
    resolves: Kind,
    moved: &'static str,
    still: &'static str,
    partner: &'static str,
}

const OUTBOUND: Words = Words {
    changed: Code::OrderChanged,
    too_late: Code::OrderCancelledTooLate,
    resolves: Kind::OrderCancelResolved,
    moved: "it has shipped",
    still: "What ships is still posted.",
    partner: "the customer",
};

const INBOUND: Words = Words {
    changed: Code::InboundChanged,
    too_late: Code::InboundCancelledTooLate,
    resolves: Kind::GoodsReceived,
    moved: "it has received goods of it",
    still: "Nothing more of it is posted.",
    partner: "the supplier",
};

const RETURNED: Words =
    Words { resolves: Kind::ReturnStatusChanged, moved: "goods of it came back", partner: "the customer", ..INBOUND };

/// Dynamics said "look again".
fn look_again(situation: &Situation<'_>) -> Decision {
    let blank = situation.history.is_blank();
    if let Some(decision) = situation.before_us().filter(|_| blank) {
        return decision;
    }
    let refusal = if blank { situation.never_ours() } else { None };
    situation.beside(refusal.unwrap_or_else(|| situation.bring_in_line()))
}

impl<'a> Situation<'a> {
    fn of(message: &'a Envelope, look: &'a OrderLook, mapping: &'a Mapping, ledger: &'a Ledger) -> Self {
        let history = History::of(ledger);
        let asked = history.latest().is_some_and(|latest| latest.cancel.is_some());
        let held: Option<&HeldOrder> = look.held.as_ref().filter(|_| asked);
        Self {
            message,
            look,
            mapping,
            ledger,
            history: history.seeing(held),
            postings: postings(ledger),
            wanted: Wanted::of(look),
        }
    }

    /// Makes the warehouse hold what Dynamics wants: nothing, or exactly one live order that says the same.
    pub fn bring_in_line(&self) -> Decision {
        let latest = self.history.latest();
        match (latest.filter(|latest| latest.end.is_none()), self.wanted) {
            (Some(sent), _) if self.satisfies(sent) => Decision::Done(self.holds(sent)),
            (Some(sent), _) => self.change_there(sent).unwrap_or_else(|| self.take_back(sent)),
            (None, Wanted::Order(released, ..))
                if latest.is_some_and(|latest| self.stays_rejected(latest, released)) =>
            {
                Decision::NotOurs(format!(
                    "{} was rejected by the warehouse, and Dynamics wants nothing newer.",
                    self.message.ordering_key
                ))
            }
            (None, Wanted::Order(released, warehouse, facility)) => self.create(released, warehouse, facility),
            (None, Wanted::Gone | Wanted::Elsewhere | Wanted::Empty) => Decision::Done(self.nothing_held()),
        }
    }

    /// Whether the live order says what Dynamics wants. A document that is gone because all of it was shipped and
    /// posted does not ask for a cancellation.
    fn satisfies(&self, sent: &SentOrder) -> bool {
        match self.wanted {
            Wanted::Order(..) => self.differences(sent).is_empty(),
            Wanted::Gone | Wanted::Elsewhere | Wanted::Empty => {
                let over = shipped_whole(sent, &self.postings) || self.counted_out(sent);
                !self.cancelled_in_dynamics() && over
            }
        }
    }

    fn words(&self) -> &'static Words {
        match self.look.direction {
            Direction::Outbound => &OUTBOUND,
            Direction::Inbound => &INBOUND,
            Direction::Returned => &RETURNED,
        }
    }

    /// Whether the warehouse has said that no more will come of what it was to receive.
    fn counted_out(&self, sent: &SentOrder) -> bool {
        let counted = self.ledger.facts::<CountedReceipt>("count_receipt");
        counted.iter().any(|counted| counted.is_final && counted.reference == sent.created.reference)
    }

    pub fn differences(&self, sent: &SentOrder) -> Vec<Difference> {
        differences(&sent.created, &self.wanted, &self.postings)
    }

    /// A rejection stands until Dynamics wants something newer: a released again, or otherwise changed, document.
    pub fn stays_rejected(&self, sent: &SentOrder, released: &ReleasedOrder) -> bool {
        let newer = released.version > sent.created.version || !self.differences(sent).is_empty();
        sent.end == Some(End::Rejected) && !newer
    }

    pub fn cancelled_in_dynamics(&self) -> bool {
        self.look.released.as_ref().is_some_and(|released| released.cancelled)
    }

    /// What the mapping, and Dynamics, say of the order's company at the warehouse.
    pub fn meanings(&self, released: &'a ReleasedOrder, warehouse: &'a Connection) -> Meanings<'a> {
        let (environment, legal_entity) = (&self.look.environment, Some(&released.legal_entity));
        self.mapping.at(At { environment, legal_entity, connection: warehouse })
    }

    fn create(&self, released: &ReleasedOrder, warehouse: &Connection, facility: &str) -> Decision {
        let reference = Reference::of(&released.legal_entity, &released.request_id);
        let reference = reference.with_revision(self.history.next_revision());
        if let Some(failure) = self.ledger.refusal(keys::creating(self.look.direction)) {
            return self.refused(released, &reference, failure);
        }
        let key = keys::create_order(self.look.direction, warehouse, &reference);
        let (order, created) = match self.worded("The", released, (warehouse, facility), reference) {
            Ok(worded) => worded,
            Err(failure) => return Decision::Fail(failure),
        };
        Decision::Act(vec![Planned {
            key,
            act: keys::creating(self.look.direction),
            connection: warehouse.clone(),
            class: Repeat::Findable,
            call: Call::CreateOrder(order),
            facts: kept(&created),
        }])
    }

    /// The order in the warehouse's words and within its limits, and what later plans need to know of it. `of` begins the sentence
    /// of what cannot be sent.
    pub(super) fn worded(
        &self,
        of: &str,
        released: &ReleasedOrder,
        (warehouse, facility): (&Connection, &str),
        reference: Reference,
    ) -> Result<(FulfilmentOrder, CreatedOrder), Failure> {
        let mapped = said(self, of, (released, warehouse), &reference)?;
        let order = fulfilment(released, facility, &reference, &mapped);
        within(&self.look.limits, of, &order, warehouse)?;
        let meanings = self.meanings(released, warehouse);
        let created = facts(released, (warehouse, facility), reference, (&mapped, &meanings));
        Ok((order, created))
    }

    /// The warehouse would not even take the order: Dynamics is told, then a person.
    fn refused(&self, released: &ReleasedOrder, reference: &Reference, failure: &Failure) -> Decision {
        let words = failure.detail.clone().unwrap_or_else(|| failure.sentence.clone());
        let key = format!("refused/{reference}/{}", released.version);
        let key = keys::write_status(&self.look.environment, &released.legal_entity, &released.request_id, &key);
        let told = self.ledger.has(&key) || self.ledger.refusal("write_status").is_some();
        if told || !self.look.writes_back {
            return Decision::Fail(failure.clone());
        }
        let verdict = RequestVerdict::Rejected(words);
        Decision::Act(vec![self.verdict(key, Told::of(released), reference, verdict)])
    }

    /// The call that tells Dynamics what became of the document.
    pub fn verdict(
        &self,
        key: String,
        Told { legal_entity, request_id, seen }: Told,
        reference: &Reference,
        verdict: RequestVerdict,
    ) -> Planned {
        Planned {
            key,
            act: "write_status",
            connection: self.look.environment.clone(),
            class: Repeat::Absorbs,
            call: Call::WriteStatus { legal_entity, request_id, verdict, seen },
            facts: kept(&EndedReference { reference: reference.clone() }),
        }
    }

    /// The live order must go: the warehouse is asked to cancel it, once. What it refuses is a person's.
    fn take_back(&self, sent: &SentOrder) -> Decision {
        let reference = &sent.created.reference;
        let some_moved = self.postings.iter().any(|posted| posted.reference == *reference);
        let changed = matches!(self.wanted, Wanted::Order(..) | Wanted::Elsewhere);
        if (changed && some_moved) || shipped_whole(sent, &self.postings) {
            return Decision::Fail(self.too_late(sent, self.words().moved, ""));
        }
        if matches!(self.wanted, Wanted::Elsewhere) {
            return Decision::Fail(self.too_late(sent, "it was sent while its location was still configured", ""));
        }
        match sent.cancel.as_ref().map(|cancel| (cancel.outcome.as_str(), cancel.text.as_str())) {
            None => Decision::Act(vec![self.cancel(sent)]),
            Some(("REJECTED", text)) => Decision::Fail(self.too_late(sent, "it will not cancel it any more", text)),
            Some(("PARTIAL", text)) => Decision::Fail(self.too_late(sent, "it cancelled only a part of it", text)),
            Some((_, text)) => Decision::Wait {
                document: keys::cancel_name(self.look.direction, &self.look.environment, reference),
                passes: Some(self.words().resolves),
                failure: self.too_late(sent, "it was asked to cancel it and has not said how that ends", text),
            },
        }
    }

    fn cancel(&self, sent: &SentOrder) -> Planned {
        let created = &sent.created;
        let reason = match self.wanted {
            Wanted::Order(..) => format!("Changed in Dynamics: {}.", in_words(&self.differences(sent))),
            Wanted::Gone | Wanted::Elsewhere | Wanted::Empty => "Cancelled in Dynamics.".to_owned(),
        };
        Planned {
            key: keys::cancel_order(self.look.direction, &created.warehouse, &created.reference),
            act: keys::cancelling(self.look.direction),
            connection: created.warehouse.clone(),
            class: Repeat::Absorbs,
            call: Call::CancelOrder {
                direction: self.look.direction,
                order_id: created.order_id.clone(),
                reference: created.their_reference(),
                reason,
            },
            facts: kept(&CancelledOrder {
                reference: created.reference.clone(),
                outcome: String::new(),
                text: String::new(),
            }),
        }
    }

    fn too_late(&self, sent: &SentOrder, why: &str, text: &str) -> Failure {
        let created = &sent.created;
        let (reference, warehouse) = (&created.reference, &created.warehouse);
        let failure = match self.wanted {
            Wanted::Order(..) => Failure::new(
                self.words().changed,
                format!(
                    "Dynamics changed {reference} ({}) after {warehouse} had it, and {why}. Settle it with {warehouse}: \
                     once they have cancelled it, replay this, and it is sent anew; or undo the change in Dynamics.",
                    in_words(&self.differences(sent))
                ),
            ),
            Wanted::Elsewhere => Failure::new(
                self.words().changed,
                format!(
                    "The location of {reference} in Dynamics is served by no configured warehouse any more, but \
                     {warehouse} has the order, and {why}. Configure the location again, or cancel the order at \
                     {warehouse} and discard this."
                ),
            ),
            Wanted::Gone | Wanted::Empty => Failure::new(
                self.words().too_late,
                format!(
                    "{reference} was cancelled in Dynamics after {warehouse} had it, and {why}. {} Settle it with \
                     {warehouse} and {}, then replay or discard this.",
                    self.words().still,
                    self.words().partner
                ),
            ),
        };
        if text.is_empty() { failure } else { failure.with_detail(text) }
    }

    /// The warehouse holds what Dynamics wants.
    pub fn holds(&self, sent: &SentOrder) -> Done {
        let created = &sent.created;
        let changes = sent.changes;
        let since =
            if changes == 0 { String::new() } else { format!(", since it was changed there (change {changes})") };
        let holds = format!(
            "Holds the order as {}, under its own number {}, as Dynamics wants it{since}.",
            created.reference, created.order_id
        );
        let mut steps = vec![(created.warehouse.to_string(), holds)];
        let mapped =
            created.mapping.map(|version| format!("Said in the warehouse's words by mapping version {version}."));
        steps.extend(mapped.map(|step| ("drayline".to_owned(), step)));
        let left_behind = self.look.released.iter().flat_map(|released| &released.left_behind);
        let stays =
            |(line, why): &(String, String)| ("dynamics".to_owned(), format!("Line {line} stays behind: {why}."));
        steps.extend(left_behind.map(stays));
        Done { documents: vec![self.known(sent)], steps, ..Done::default() }
    }

    /// No warehouse holds a live order, and none is wanted.
    fn nothing_held(&self) -> Done {
        let Some(latest) = self.history.latest() else {
            let step = ("dynamics".to_owned(), "Wants nothing of a warehouse any more.".to_owned());
            return Done { steps: vec![step], ..Done::default() };
        };
        let created = &latest.created;
        let confirmed = latest.cancel.as_ref().is_none_or(|cancel| cancel.outcome == "CONFIRMED");
        let seen_dead = (!confirmed).then(|| cancel_confirmed(self.look.direction, latest));
        let step = format!("Has given the order {} up, and Dynamics wants it no more.", created.reference);
        Done {
            facts: seen_dead.into_iter().collect(),
            documents: vec![self.known(latest)],
            steps: vec![(created.warehouse.to_string(), step)],
            ..Done::default()
        }
    }

    /// The order with every name that people or messages know it by.
    fn known(&self, sent: &SentOrder) -> KnownDocument {
        let purchase_order = self.look.released.as_ref().and_then(|released| released.purchase_order.clone());
        let mut known = known(self.message, (self.look.direction, &self.look.environment), &sent.created);
        known.names.extend(purchase_order.map(|number| ("purchase_order".to_owned(), number)));
        known
    }
}

/// The fact that the warehouse cancelled an order, however we came to know it.
fn cancel_confirmed(direction: Direction, sent: &SentOrder) -> Past {
    let (warehouse, reference) = (&sent.created.warehouse, &sent.created.reference);
    Past {
        key: keys::cancel_resolved(direction, warehouse, reference, "CONFIRMED"),
        act: "cancel_resolved".to_owned(),
        connection: warehouse.to_string(),
        facts: kept(&CancelledOrder {
            reference: reference.clone(),
            outcome: "CONFIRMED".to_owned(),
            text: String::new(),
        }),
    }
}
