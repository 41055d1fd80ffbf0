//! Documents of which we sent nothing: those that are not ours, and those that a warehouse has from before go-live.
//!
//! A document that was released before go-live is never sent. Where the configuration says what the former integration called it,
//! the warehouse is asked: what it holds is *adopted*, as if we had created it, so that what moves from now on is posted; what moved
//! before was posted by others. Where it says nothing of that, the document is left for a decision: `documents list` has it, and only
//! a new release has it sent. What the warehouse does not hold, or holds otherwise, is *set aside*: a question asks a person beside
//! the document. A document may be from before though its event is not: what was merely changed since, and what a scan finds. It
//! is looked up, too, and sent when nobody holds it.

use super::beside::ANNOUNCES_AFTER_ALL;
use super::known;
use super::mapped::mapped;
use super::plan::Situation;
use super::wanted::{Wanted, facts, fulfilment, held_difference};
use crate::failure::{Code, Failure};
use crate::flows::answer::{About, Decision, Done, Emit, Past};
use crate::flows::goods_received::Candidate;
use crate::flows::history::{History, is_dead};
use crate::flows::keys;
use crate::flows::ledger::{Adopted, CreatedOrder, EndedReference, Ledger, kept};
use crate::flows::meant;
use crate::gateways::{Direction, Dynamics, Gateways, HeldLine, HeldOrder, ReleasedOrder, Warehouse};
use crate::message::{
    ASKS_WHAT_NOW, Body, Connection, Envelope, FOUND_ITS_ORDER, Flow, Kind, OrderStatusCode, Origin, Reference,
};

/// What a warehouse shows of a document from before go-live.
#[derive(Clone, Debug)]
pub struct Former {
    /// What the former integration called it; the word of the pattern that the document lacks.
    pub reference: Result<String, String>,
    /// What is held under that name.
    pub held: Option<HeldOrder>,
}

/// Asks the warehouse for a document that may be from before go-live, where the configuration says how it was called.
pub(super) async fn look(
    (dynamics, warehouse): (&Dynamics, &Warehouse),
    message: &Envelope,
    ledger: &Ledger,
    released: &ReleasedOrder,
) -> Result<Option<Former>, Failure> {
    let Some(go_live) = dynamics.go_live() else { return Ok(None) };
    let new = message.occurred.at >= go_live && message.kind() == Kind::OrderReleased && message.origin != Origin::Poll;
    if new || released.cancelled || !History::of(ledger).is_blank() {
        return Ok(None);
    }
    let Some(reference) = dynamics.former_reference(released) else { return Ok(None) };
    let held = match &reference {
        Ok(reference) => {
            let doing = format!("read the order {reference}, which is from before go-live");
            let found = warehouse.find_order(released.direction, reference).await;
            found.map_err(|error| warehouse.failure(&error, &doing))?
        }
        Err(_) => None,
    };
    Ok(Some(Former { reference, held }))
}

impl Situation<'_> {
    /// What becomes of a document that is, or may be, from before go-live; nothing where it is a new one.
    pub(super) fn before_us(&self) -> Option<Decision> {
        let former = self.look.former.as_ref().filter(|_| self.look.takes_part)?;
        let Wanted::Order(released, warehouse, facility) = self.wanted else { return None };
        let alive = former.held.as_ref().filter(|held| !is_dead(held));
        let why = match (alive, &former.reference) {
            (Some(held), _) => match self.adopted(held, (released, warehouse, facility)) {
                Ok(_) if self.message.asks_what_now() => {
                    let what = format!("{warehouse} holds it as {} now.", held.reference);
                    let (steps, emits) =
                        (vec![("drayline".to_owned(), what)], vec![self.once_more(ANNOUNCES_AFTER_ALL)]);
                    return Some(Decision::Done(Done { emits, steps, ..Done::default() }));
                }
                Ok(done) => return Some(Decision::Done(done)),
                Err(why) => why,
            },
            (None, Ok(reference)) => format!("{warehouse} holds nothing under {reference}"),
            (None, Err(word)) => format!("it has no {word}, by which {warehouse} would know it"),
        };
        let set_aside = is_set_aside(self.ledger);
        let stays = self.is_early() || alive.is_some() || (set_aside && !self.is_released_anew());
        stays.then(|| self.set_aside((warehouse, released), set_aside, &why))
    }

    /// Whether Dynamics released it now, be it once more.
    fn is_released_anew(&self) -> bool {
        self.message.kind() == Kind::OrderReleased && self.message.origin == Origin::Webhook
    }

    /// Whether its event is from before go-live.
    fn is_early(&self) -> bool {
        self.look.go_live.is_some_and(|go_live| self.message.occurred.at < go_live)
    }

    /// The order as if we had created it.
    ///
    /// # Errors
    /// In which way it is not the document as it stands now.
    fn adopted(
        &self,
        held: &HeldOrder,
        (released, warehouse, facility): (&ReleasedOrder, &Connection, &str),
    ) -> Result<Done, String> {
        let reference = Reference::of(&released.legal_entity, &released.request_id);
        // What an order lacks before it may leave no longer matters: it has left.
        let meanings = self.meanings(released, warehouse);
        let of = format!("The order {reference} is not compared with {}", held.reference);
        let mapped = mapped(released, &meanings);
        let mapped = mapped.map_err(|unmapped| unmapped.failure(&of, meanings.version()).sentence)?;
        let order = fulfilment(released, facility, &reference, &mapped);
        // The former integration numbered its lines as it liked.
        let lines = held.lines.iter().cloned().map(|line| HeldLine { line_id: None, ..line });
        if let Some(differs) = held_difference(&order, &HeldOrder { lines: lines.collect(), ..held.clone() }) {
            return Err(format!("{warehouse} holds it as {} with other contents ({differs})", held.reference));
        }
        // Receipts are told as totals: one that began before go-live contains what others posted.
        if self.look.direction == Direction::Inbound && held.status.code != OrderStatusCode::Received {
            return Err(format!("{warehouse} has begun to receive it, as {}", held.reference));
        }
        let adopted = self.look.go_live.map(|go_live| Adopted { reference: held.reference.clone(), go_live });
        let order_id = held.order_id.clone();
        let created = facts(released, (warehouse, facility), reference.clone(), (&mapped, &meanings));
        let created = CreatedOrder { order_id, adopted, ..created };
        let what = format!(
            "Was released before go-live. {warehouse} holds it as {}, under its own number {}: it is adopted as {reference}, and \
             nothing is sent.",
            held.reference, held.order_id
        );
        let fact = Past {
            key: keys::create_order(self.look.direction, warehouse, &reference),
            act: keys::creating(self.look.direction).to_owned(),
            connection: warehouse.to_string(),
            facts: kept(&created),
        };
        Ok(Done {
            facts: vec![fact],
            documents: vec![known(self.message, (self.look.direction, &self.look.environment), &created)],
            steps: vec![("drayline".to_owned(), what)],
            ..Done::default()
        })
    }

    /// A person decides, beside the document.
    fn set_aside(&self, (warehouse, released): (&Connection, &ReleasedOrder), is_asked: bool, why: &str) -> Decision {
        let key = &self.message.ordering_key;
        if self.message.asks_what_now() {
            let sentence = format!(
                "{key} was released before go-live, and {why}. It is not sent. {}",
                Code::BeforeGoLive.next_step()
            );
            return Decision::Fail(Failure::new(Code::BeforeGoLive, sentence));
        }
        let what = format!("{key} is not sent to a warehouse: it was released before go-live, and {why}.");
        if is_asked {
            return Decision::NotOurs(what);
        }
        let reference = Reference::of(&released.legal_entity, &released.request_id);
        let fact = Past {
            key: keys::set_aside(self.look.direction, warehouse, &reference),
            act: "set_aside".to_owned(),
            connection: warehouse.to_string(),
            facts: kept(&EndedReference { reference }),
        };
        let steps = vec![("drayline".to_owned(), what)];
        Decision::Done(Done { facts: vec![fact], emits: vec![self.once_more(ASKS_WHAT_NOW)], steps, ..Done::default() })
    }

    /// Nobody looks it up at its warehouse: a person finds it in the list of those that are from before go-live.
    fn leave(&self, released: &ReleasedOrder) -> Decision {
        let reference = Reference::of(&released.legal_entity, &released.request_id);
        let fact = Past {
            key: keys::before_go_live(self.look.direction, &self.look.environment, &reference),
            act: BEFORE_GO_LIVE.to_owned(),
            connection: self.look.environment.to_string(),
            facts: kept(&EndedReference { reference }),
        };
        let what = format!("{} is not sent to a warehouse: it was released before go-live.", self.message.ordering_key);
        Decision::Done(Done { facts: vec![fact], steps: vec![("drayline".to_owned(), what)], ..Done::default() })
    }

    /// Why a document of which nothing was sent yet is not sent now either, if it is not.
    pub(super) fn never_ours(&self) -> Option<Decision> {
        let Situation { message, look, .. } = self;
        let key = &message.ordering_key;
        let not_ours = |why: &str| Some(Decision::NotOurs(format!("{key} is not sent to a warehouse: {why}.")));
        if !look.takes_part {
            return not_ours("its company is not configured to take part");
        }
        if self.is_early() || (is_left(self.ledger) && !self.is_released_anew()) {
            return match self.wanted {
                Wanted::Order(released, ..) if !is_left(self.ledger) => Some(self.leave(released)),
                _ => not_ours("it was released before go-live"),
            };
        }
        match self.wanted {
            Wanted::Order(..) => None,
            Wanted::Gone if look.released.is_none() && names_released(message) => Some(Decision::Fail(Failure::new(
                Code::DynamicsNotFound,
                format!(
                    "Dynamics released {key}, but does not show it to us. Check the company and our user's rights, then \
                     replay; discard this if the document was deleted."
                ),
            ))),
            Wanted::Gone => not_ours("it was taken back in Dynamics before it was sent"),
            Wanted::Elsewhere => not_ours("its location is served by no configured warehouse"),
            Wanted::Empty => not_ours("nothing of it is left for a warehouse to ship"),
        }
    }
}

/// That a document from before go-live is left for a decision.
const BEFORE_GO_LIVE: &str = "before_go_live";

fn is_left(ledger: &Ledger) -> bool {
    !ledger.facts::<EndedReference>(BEFORE_GO_LIVE).is_empty()
}

/// Whether a person is to decide about a document from before go-live, be he asked or not.
pub(in crate::flows) fn waits_for_a_decision(ledger: &Ledger) -> bool {
    is_left(ledger) || is_set_aside(ledger)
}

/// Whether a person was asked about a document from before go-live.
pub(in crate::flows) fn is_set_aside(ledger: &Ledger) -> bool {
    !ledger.facts::<EndedReference>("set_aside").is_empty()
}

/// Whether the event says that the document is there. A purchase order that is merely confirmed has none yet: then its
/// number stands where an inbound request's would.
fn names_released(message: &Envelope) -> bool {
    match &message.body {
        Body::OrderReleased(_) => true,
        Body::ReceiptAnnounced(body) => body.order_number.as_deref() != Some(body.request_id.as_str()),
        _ => false,
    }
}

/// The references by which an adopted order is sought; none of a message that names its document.
pub(in crate::flows) fn sought(message: &Envelope) -> Vec<String> {
    let refs = message.body.order().filter(|_| message.ordering_key.stands_alone());
    refs.and_then(|refs| refs.reference.clone()).into_iter().collect()
}

/// The message goes on as one that names our reference, where its order was adopted.
pub(in crate::flows) fn found(message: &Envelope, candidates: &[Candidate]) -> Option<Decision> {
    let named = message.body.order()?.reference.as_deref()?;
    let adopted = |candidate: &Candidate| {
        let history = History::of(&candidate.ledger);
        let sent = history.adopted_as(&message.connection, named)?;
        Some((candidate.document.clone(), sent.created.clone()))
    };
    let (document, created) = candidates.iter().find_map(adopted)?;
    let mut body = message.body.clone();
    if let Some(refs) = body.order_mut() {
        refs.reference = Some(created.reference.to_string());
    }
    // The warehouse numbers its lines as the former integration did.
    body.forget_lines();
    let what = format!("{named} is {}, which was adopted.", created.reference);
    let (legal_entity, connection) = (created.legal_entity.clone(), created.warehouse.clone());
    let about = Some(About { document, legal_entity: Some(legal_entity), connection });
    let emits = vec![Emit { purpose: FOUND_ITS_ORDER, ordinal: 0, body, about }];
    Some(Decision::Done(Done { emits, steps: vec![("drayline".to_owned(), what)], ..Done::default() }))
}

/// Whether an order that nobody knows by this name may yet be adopted.
pub(in crate::flows) fn may_be_adopted(gateways: &Gateways, message: &Envelope) -> bool {
    let told = matches!(message.flow(), Flow::Orders | Flow::Shipments) && !sought(message).is_empty();
    let environment = super::environment(gateways, message).ok().filter(|_| told);
    environment.and_then(|environment| gateways.dynamics(&environment)).is_some_and(Dynamics::adopts_orders)
}

/// A warehouse may tell of an order before a scan, or an event, has found it.
pub(in crate::flows) fn not_adopted_yet(message: &Envelope) -> Decision {
    let name = sought(message).into_iter().next().unwrap_or_default();
    let failure = meant::unknown(message, &name);
    meant::waits(name, None, failure)
}
