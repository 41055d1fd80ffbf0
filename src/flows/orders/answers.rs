//! What the warehouse says about an order that it has: accepted, rejected, under way, cancelled.

use super::plan::Situation;
use super::wanted::Wanted;
use crate::failure::{Code, Failure};
use crate::flows::answer::{Decision, Done, KnownDocument, Past, Planned};
use crate::flows::history::{End, SentOrder, is_dead};
use crate::flows::keys;
use crate::flows::ledger::{CancelledOrder, CreatedOrder, EndedReference, SeenStatus, kept};
use crate::flows::meant::order_meant;
use crate::flows::words;
use crate::gateways::{Direction, ReleasedOrder, RequestVerdict};
use crate::mapping::{At, RowKind};
use crate::message::{
    Kind, LegalEntity, OrderAccepted, OrderCancelResolved, OrderRefs, OrderRejected, OrderStatusChanged,
    OrderStatusCode, Reason, RequestId,
};

/// The document whose status says what became of it.
pub(super) struct Told {
    pub legal_entity: LegalEntity,
    pub request_id: RequestId,
    /// The version of its status when it was read, not cancelled.
    pub seen: Option<String>,
}

impl Told {
    /// A document that was read just now.
    pub fn of(released: &ReleasedOrder) -> Self {
        Self {
            legal_entity: released.legal_entity.clone(),
            request_id: released.request_id.clone(),
            seen: released.status_version.clone().filter(|_| !released.cancelled),
        }
    }
}

/// The warehouse took the order on: Dynamics is told, once.
pub(super) fn accepted(situation: &Situation<'_>, body: &OrderAccepted) -> Decision {
    let sent = match meant(situation, &body.order) {
        Ok(sent) => sent,
        Err(decision) => return *decision,
    };
    let reference = &sent.created.reference;
    if let Some(decision) = overtaken(situation, sent) {
        return decision;
    }
    let fact_key = keys::accept_order(&sent.created.warehouse, reference);
    if situation.ledger.has(&fact_key) {
        return Decision::NotOurs(format!("{} accepted {reference} before.", sent.created.warehouse));
    }
    if let Some(failure) = situation.ledger.refusal("write_status") {
        return Decision::Fail(failure.clone());
    }
    let told = told(situation, sent);
    let is_told = told.is_some();
    if let Some(told) = told {
        let key = format!("accepted/{reference}");
        let key = keys::write_status(&situation.look.environment, &told.legal_entity, &told.request_id, &key);
        if !situation.ledger.has(&key) {
            let verdict = RequestVerdict::Accepted(reference.to_string());
            return Decision::Act(vec![situation.verdict(key, told, reference, verdict)]);
        }
    }
    let mut done = step(sent, format!("Accepted the order {reference}."));
    done.facts.push(ended(sent, fact_key, "accept_order"));
    if is_told {
        done.steps.push(("dynamics".to_owned(), format!("Was told that {reference} is accepted.")));
    }
    Decision::Done(done)
}

/// The document whose status is written: as it was read, or, where nobody had to look again, as it was when it was sent.
fn told(situation: &Situation<'_>, sent: &SentOrder) -> Option<Told> {
    let writes_back = situation.look.writes_back;
    if let Some(released) = &situation.look.released {
        return (writes_back && !released.cancelled).then(|| Told::of(released));
    }
    let seen = sent.created.status_version.clone().filter(|_| writes_back)?;
    let (legal_entity, request_id) = (sent.created.legal_entity.clone(), sent.created.request_id.clone());
    Some(Told { legal_entity, request_id, seen: Some(seen) })
}

/// The warehouse will not fulfil the order, or some of its lines: a person's, unless Dynamics wants something newer.
pub(super) fn rejected(situation: Situation<'_>, body: &OrderRejected) -> Decision {
    let sent = match meant(&situation, &body.order) {
        Ok(sent) => sent.clone(),
        Err(decision) => return *decision,
    };
    if body.lines.is_empty() {
        let why = in_dynamics_words(&situation, &sent, &body.reason);
        return given_up(situation, &sent, &why);
    }
    if let Some(decision) = overtaken(&situation, &sent) {
        return decision;
    }
    let moved_on = !matches!(situation.wanted, Wanted::Order(..)) || !situation.differences(&sent).is_empty();
    if moved_on {
        let text = format!("Rejected lines of {}; Dynamics has changed it since.", sent.created.reference);
        return Decision::Done(step(&sent, text));
    }
    let lines: Vec<_> = body.lines.iter().map(|line| line.item.sku.to_string()).collect();
    Decision::Fail(rejection(
        &sent,
        &format!("will not ship {} of the order", lines.join(", ")),
        &words::reason(&body.reason),
    ))
}

/// Why, as Dynamics is told: its own code first, where the mapping has one for the warehouse's reason.
fn in_dynamics_words(situation: &Situation<'_>, sent: &SentOrder, reason: &Reason) -> String {
    let CreatedOrder { legal_entity, warehouse: connection, .. } = &sent.created;
    let at = At { environment: &situation.look.environment, legal_entity: Some(legal_entity), connection };
    let said: Vec<_> = reason.raw.as_deref().into_iter().chain([reason.code.as_str()]).collect();
    let why = words::reason(reason);
    match situation.mapping.at(at).in_dynamics(RowKind::RejectionReason, &said) {
        Ok(code) => format!("{code}: {why}"),
        Err(_) => why,
    }
}

/// The warehouse gave the whole order up, without our asking.
fn given_up(mut situation: Situation<'_>, sent: &SentOrder, why: &str) -> Decision {
    let reference = &sent.created.reference;
    let is_latest = situation.history.latest().is_some_and(|latest| latest.created.reference == *reference);
    // Our own word to Dynamics may be the only trace of this very rejection: it is no reason to stop.
    let our_trace = is_latest && sent.end == Some(End::Rejected);
    if let Some(decision) = overtaken(&situation, sent).filter(|_| !our_trace) {
        return decision;
    }
    situation.history = situation.history.ending(reference, End::Rejected);
    let key = keys::reject_order(&sent.created.warehouse, reference);
    let stands = match (situation.wanted, situation.history.find(reference)) {
        (Wanted::Order(released, ..), Some(now)) if situation.stays_rejected(now, released) => Some(released),
        _ => None,
    };
    if let Some(released) = stands {
        return rejection_stands(&situation, sent, released, key, why);
    }
    let fact = ended(sent, key, "reject_order");
    with_fact(situation.bring_in_line(), situation.ledger.has(&fact.key), fact)
}

fn rejection_stands(
    situation: &Situation<'_>,
    sent: &SentOrder,
    released: &ReleasedOrder,
    key: String,
    why: &str,
) -> Decision {
    let told = situation.ledger.has(&key) || situation.ledger.refusal("reject_order").is_some();
    if situation.look.writes_back && !told {
        let verdict = RequestVerdict::Rejected(why.to_owned());
        let call = situation.verdict(key, Told::of(released), &sent.created.reference, verdict);
        return Decision::Act(vec![Planned { act: "reject_order", ..call }]);
    }
    Decision::Fail(rejection(sent, "will not fulfil the order", why))
}

/// How a cancellation that we asked for ended. Whoever waits for that is woken by the name that becomes known here.
pub(super) fn cancel_resolved(situation: &Situation<'_>, body: &OrderCancelResolved) -> Decision {
    let sent = match meant(situation, &body.order) {
        Ok(sent) => sent.clone(),
        Err(decision) => return *decision,
    };
    let outcome = body.outcome.code.as_str();
    if outcome == "CONFIRMED" && sent.cancel.is_none() {
        return given_up(situation.clone(), &sent, "The warehouse cancelled it without our asking.");
    }
    let reference = &sent.created.reference;
    let text = body.reason.as_ref().map(words::reason).unwrap_or_default();
    let fact = Past {
        key: keys::cancel_resolved(Direction::Outbound, &sent.created.warehouse, reference, outcome),
        act: "cancel_resolved".to_owned(),
        connection: sent.created.warehouse.to_string(),
        facts: kept(&CancelledOrder { reference: reference.clone(), outcome: outcome.to_owned(), text }),
    };
    let known = situation.ledger.has(&fact.key);
    let decision = match outcome {
        "CONFIRMED" => confirmed(situation.clone(), &sent),
        _ => Decision::Done(step(&sent, format!("Answered our cancellation of {reference}: {outcome}."))),
    };
    let mut decision = with_fact(decision, known, fact);
    if let Decision::Done(done) = &mut decision {
        let name = keys::cancel_name(Direction::Outbound, &situation.look.environment, reference);
        done.documents.push(KnownDocument { key: name, kind: "cancellation", names: Vec::new() });
    }
    decision
}

/// The warehouse cancelled as we asked: what Dynamics wants now, if anything, is sent anew.
fn confirmed(mut situation: Situation<'_>, sent: &SentOrder) -> Decision {
    let reference = &sent.created.reference;
    let text = format!("Cancelled {reference}, as we asked.");
    situation.history = situation.history.ending(reference, End::Cancelled);
    match situation.bring_in_line() {
        Decision::NotOurs(_) => Decision::Done(step(sent, text)),
        Decision::Done(mut done) => {
            done.steps.insert(0, (sent.created.warehouse.to_string(), text));
            Decision::Done(done)
        }
        other => other,
    }
}

/// Where the order is. Holds come and go and are only shown; what the warehouse cannot go on with is a person's.
pub(super) fn status_changed(situation: Situation<'_>, body: &OrderStatusChanged) -> Decision {
    let sent = match meant(&situation, &body.order) {
        Ok(sent) => sent.clone(),
        Err(decision) => return *decision,
    };
    if body.status.code == OrderStatusCode::Cancelled {
        return if sent.cancel.is_some() {
            cancel_resolved(&situation, &confirmation(body))
        } else {
            let why = body.reason.as_ref().map_or_else(|| "The warehouse cancelled it.".to_owned(), words::reason);
            given_up(situation, &sent, &why)
        };
    }
    let reference = &sent.created.reference;
    let at = body.changed_at.unwrap_or(situation.message.occurred.at);
    let rank = rank(body.status.code);
    let seen: Vec<SeenStatus> = situation.ledger.facts("order_status");
    let seen: Vec<_> = seen.into_iter().filter(|seen| seen.reference == *reference).collect();
    if seen.iter().any(|seen| (seen.at, seen.rank) >= (at, rank)) {
        return Decision::NotOurs(format!("Something newer is known of {reference} than this status of {at}."));
    }
    if body.exception && !stuck_no_more(&situation, &sent, rank) {
        return Decision::Fail(stuck(&sent, body));
    }
    let highest = seen.iter().map(|seen| seen.rank).max().unwrap_or(0).max(rank);
    let mut done = step(&sent, status_text(body, reference));
    done.facts.push(Past {
        key: keys::order_status(&sent.created.warehouse, reference, body.status.code.as_str(), at),
        act: "order_status".to_owned(),
        connection: sent.created.warehouse.to_string(),
        facts: kept(&SeenStatus { reference: reference.clone(), rank: highest, at }),
    });
    Decision::Done(done)
}

/// Whether a reported problem is none any more: the order has gone on or ended, or Dynamics wants something else.
fn stuck_no_more(situation: &Situation<'_>, sent: &SentOrder, reported: u8) -> bool {
    let reference = &sent.created.reference;
    let held = situation.look.held.as_ref().filter(|held| held.reference == sent.created.their_reference());
    let gone_on = held.is_some_and(|held| is_dead(held) || rank(held.status.code) > reported);
    let shipped = situation.postings.iter().any(|posted| posted.reference == *reference);
    let wanted = matches!(situation.wanted, Wanted::Order(..)) && situation.differences(sent).is_empty();
    gone_on || shipped || !wanted || overtaken(situation, sent).is_some()
}

fn stuck(sent: &SentOrder, body: &OrderStatusChanged) -> Failure {
    let (reference, warehouse) = (&sent.created.reference, &sent.created.warehouse);
    let failure = Failure::new(
        Code::OrderStuck,
        format!(
            "{warehouse} cannot go on with {reference}. Solve it with {warehouse}, or change or cancel the order in \
             Dynamics, which resolves this by itself. Discard this once {warehouse} has cleared it."
        ),
    );
    body.reason.as_ref().map_or(failure.clone(), |reason| failure.with_detail(words::reason(reason)))
}

/// What is said of an order that is not the live one any more is history.
fn overtaken(situation: &Situation<'_>, sent: &SentOrder) -> Option<Decision> {
    let reference = &sent.created.reference;
    let latest = situation.history.latest()?;
    if latest.created.reference == *reference {
        let how = match sent.end? {
            End::Rejected => "was rejected",
            End::Cancelled => "was cancelled",
        };
        return Some(Decision::NotOurs(format!("{reference} {how} before; this says nothing new.")));
    }
    let newer = &latest.created.reference;
    if latest.end.is_none() && situation.differences(latest).is_empty() {
        let mut done = situation.holds(latest);
        let step = format!("Speaks of {reference}, which {newer} has replaced.");
        done.steps.insert(0, (sent.created.warehouse.to_string(), step));
        return Some(Decision::Done(done));
    }
    Some(Decision::NotOurs(format!("{newer} has replaced {reference}.")))
}

fn meant<'a>(situation: &'a Situation<'_>, refs: &OrderRefs) -> Result<&'a SentOrder, Box<Decision>> {
    let environment = &situation.look.environment;
    order_meant(situation.message, refs, environment, &situation.history, Some(Kind::OrderReleased))
}

fn rejection(sent: &SentOrder, what: &str, why: &str) -> Failure {
    let (reference, warehouse) = (&sent.created.reference, &sent.created.warehouse);
    let sentence = format!(
        "{warehouse} {what} {reference}. Correct the order in Dynamics and release it again, or cancel it there; either \
         resolves this."
    );
    Failure::new(Code::OrderRejected, sentence).with_detail(why)
}

fn with_fact(decision: Decision, known: bool, fact: Past) -> Decision {
    match decision {
        Decision::Done(mut done) if !known => {
            done.facts.push(fact);
            Decision::Done(done)
        }
        other => other,
    }
}

fn ended(sent: &SentOrder, key: String, act: &str) -> Past {
    Past {
        key,
        act: act.to_owned(),
        connection: sent.created.warehouse.to_string(),
        facts: kept(&EndedReference { reference: sent.created.reference.clone() }),
    }
}

fn step(sent: &SentOrder, what: String) -> Done {
    Done { steps: vec![(sent.created.warehouse.to_string(), what)], ..Done::default() }
}

fn confirmation(body: &OrderStatusChanged) -> OrderCancelResolved {
    OrderCancelResolved {
        order: body.order.clone(),
        outcome: crate::message::CancelOutcomeCode::Confirmed.into(),
        reason: body.reason.clone(),
        resolved_at: body.changed_at,
    }
}

fn status_text(body: &OrderStatusChanged, reference: &crate::message::Reference) -> String {
    let raw = body.status.raw.clone().unwrap_or_default();
    let status = if raw.is_empty() { body.status.code.as_str().to_owned() } else { raw };
    let why = body.reason.as_ref().map(|reason| format!(" ({})", words::reason(reason))).unwrap_or_default();
    let held = if body.on_hold { format!("; it is on hold{why}") } else { String::new() };
    format!("Has {reference} at {status}{held}.")
}

/// How far an order is: tens of the trade's common ladder, so that finer steps find room.
pub(super) fn rank(status: OrderStatusCode) -> u8 {
    match status {
        OrderStatusCode::Other => 0,
        OrderStatusCode::Received => 10,
        OrderStatusCode::Processing => 20,
        OrderStatusCode::Picking => 30,
        OrderStatusCode::Packed => 40,
        OrderStatusCode::Labelled => 45,
        OrderStatusCode::PartiallyShipped => 48,
        OrderStatusCode::Shipped => 50,
        OrderStatusCode::Delivered | OrderStatusCode::Undeliverable => 60,
        OrderStatusCode::Cancelled => 70,
    }
}
