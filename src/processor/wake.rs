//! WHO IS WOKEN by what an attempt committed: who waits for a document that is known now, and what was asked about its document.
//!
//! Invariant: both sides write, commit, then look, so that nobody sleeps through what it waits for.

use uuid::Uuid;

use super::attempt::{Attempt, Verdict};
use super::emitted::question_id;
use super::house::House;
use super::inbound::Job;
use super::parking::Pause;
use crate::failure::Class;
use crate::flows;
use crate::mapping;
use crate::message::Flow;
use crate::rehearsal::{Variant, broken};
use crate::store::{Gate, Known, Outcome, Question, Record, WaitsFor};

/// What is waited for from now on.
pub(super) struct Awaited {
    document: String,
    /// How it was told last when the attempt began; nothing, when it was unknown or nobody asked.
    telling: Option<i64>,
}

/// What was asked about a document, and may be answered now.
pub(super) enum Questions {
    /// Nothing.
    None,
    /// The first question in this lane looks again: something became of its document.
    LookAgain { flow: Flow, lane_key: String },
    /// This very message is a question and waits for a person: something may have become of its document since it looked.
    JustAsked { effects_seen: usize },
}

/// What the head waited for whose gate it passed.
pub(super) fn passed(gate: Option<&Gate>) -> Option<String> {
    gate.and_then(|gate| match &gate.waits_for {
        WaitsFor::Document { key, .. } => Some(key.clone()),
        WaitsFor::Head
        | WaitsFor::Time { .. }
        | WaitsFor::FarEnd { .. }
        | WaitsFor::Flow
        | WaitsFor::Room
        | WaitsFor::Person => None,
    })
}

/// The document to look for once more after the parking commit: it may have come between look and commit.
pub(super) fn awaited(attempt: &Attempt<'_>, verdict: &Verdict) -> Option<Awaited> {
    let document = match verdict {
        Verdict::Pause(Pause::Document { document, .. } | Pause::Later { woken_by: Some(document), .. }) => document,
        Verdict::Pause(Pause::Finance(closed)) => &closed.period,
        Verdict::Pause(_) | Verdict::Applied(_) | Verdict::NotOurs(_) | Verdict::Left => return None,
    };
    if broken(Variant::LookBeforeWaiting) {
        return None;
    }
    let before = attempt.known_before.as_ref().filter(|known| known.name == *document);
    Some(Awaited { document: document.clone(), telling: before.map(|known| known.telling) })
}

/// Whose questions are to be looked at after the commit.
pub(super) fn questions(attempt: &Attempt<'_>, verdict: &Verdict) -> Questions {
    let Ok(envelope) = &attempt.job.inbound.content else { return Questions::None };
    let flow = attempt.job.tenure.owner.flow;
    match verdict {
        Verdict::Applied(_) | Verdict::NotOurs(_) => match waited_for_a_period(attempt) {
            Some(lane_key) => Questions::LookAgain { flow: PERIODS, lane_key },
            None => flows::questions(envelope, &attempt.ledger)
                .map_or(Questions::None, |lane_key| Questions::LookAgain { flow, lane_key }),
        },
        Verdict::Pause(Pause::Failed(failure)) if envelope.asks() && failure.class() == Class::Permanent => {
            Questions::JustAsked { effects_seen: attempt.ledger.len() }
        }
        Verdict::Pause(_) | Verdict::Left => Questions::None,
    }
}

/// The flow in which periods are asked for.
const PERIODS: Flow = Flow::Shipments;

/// The period that the message waited for, and found open.
fn waited_for_a_period(attempt: &Attempt<'_>) -> Option<String> {
    match &attempt.parked.as_ref()?.waits_for {
        WaitsFor::Document { key, .. } if key.starts_with("period/") => Some(key.clone()),
        _ => None,
    }
}

/// The period that a message is about to wait for.
pub(super) struct Period {
    name: String,
    /// The number of its next question, when nobody is asked now.
    pub(super) unasked: Option<u32>,
}

/// The period that an attempt leaves its message to wait for, and whether anybody is asked for it.
pub(super) async fn period(house: &House, verdict: &Verdict) -> Option<Period> {
    let Verdict::Pause(Pause::Finance(closed)) = verdict else { return None };
    let name = closed.period.clone();
    Some(Period { unasked: unasked(house, &name).await, name })
}

/// After the commit: whoever saw a question that has ended since looks again, and asks the next one.
pub(super) async fn ask_again(house: &House, period: Option<Period>) {
    let Some(Period { name, unasked: before }) = period else { return };
    let now = unasked(house, &name).await;
    if now.is_some() && now != before {
        let names = [name];
        house.persistently("waking who waits for a period", || house.tools.store.wake(&names)).await;
        house.due.notify_one();
    }
}

/// Closed periods end on another day: whoever waits for one of these finds out whether it may go on, and its question whether it is
/// asked still.
pub(super) async fn periods_changed(house: &House, periods: Vec<String>) {
    if periods.is_empty() {
        return;
    }
    house.persistently("waking who waits for a period", || house.tools.store.wake(&periods)).await;
    for period in &periods {
        if let Some(question) = first_of(house, PERIODS, period).await {
            let look = || house.tools.store.look_again(PERIODS, question.head);
            house.persistently("looking again at a question", look).await;
        }
    }
    house.due.notify_one();
}

/// The number of a period's next question, unless one waits. All who wait for the period ask the same one; one that has ended,
/// because a person discarded it or the period was open for a while, is followed by another.
async fn unasked(house: &House, period: &str) -> Option<u32> {
    for number in 0.. {
        let known = look_into(house, PERIODS, period, question_id(period, number)).await;
        if known.gate.is_some() {
            return None;
        }
        if known.ending.is_none() {
            return Some(number);
        }
    }
    None
}

/// Who stands first in a lane, whoever's it is.
async fn first_of(house: &House, flow: Flow, lane_key: &str) -> Option<Gate> {
    look_into(house, flow, lane_key, Uuid::nil()).await.gate
}

/// What is known of a lane and of one message.
async fn look_into(house: &House, flow: Flow, lane_key: &str, message_id: Uuid) -> Known {
    let questions = [Question { message_id, lane_key: lane_key.to_owned(), document: String::new() }];
    let known = house.persistently("looking into a lane", || house.tools.store.look_up(flow, &questions)).await;
    known.into_iter().next().unwrap_or_default()
}

/// What the mapping lacks for a message that waits for a person.
pub(super) fn missing(record: &Record) -> Option<String> {
    let Outcome::Parked(parked) = &record.outcome else { return None };
    let name = parked.failure.as_ref().filter(|_| parked.waits_for == WaitsFor::Person)?.awaits.clone()?;
    name.starts_with(mapping::AWAITED).then_some(name)
}

/// What some wait for may be there: each finds out whether it may go on. Who looked into an older version than the newest
/// comes here by itself after its commit, so that nobody sleeps through what came while it was parked.
pub(super) async fn brought(house: &House, names: Vec<String>) {
    if names.is_empty() {
        return;
    }
    house.persistently("waking who waits for the mapping", || house.tools.store.wake(&names)).await;
    house.due.notify_one();
}

/// After the commit: whoever waits for what is known now, and the relay and the due runner.
pub(super) async fn wake(house: &House, job: &Job, known: Vec<String>, awaited: Option<Awaited>) {
    if !known.is_empty() {
        // Nothing is answered when the worker goes: whoever waits then is looked at again after a while.
        if let Some(desk) = house.desk(job.tenure.owner.flow) {
            let _ = desk.wake.ask(known).await;
        }
    }
    if let Some(Awaited { document, telling }) = awaited {
        let names = [document];
        let there = house.persistently("looking for a document", || house.tools.store.known(&names)).await;
        if there.iter().any(|known| Some(known.telling) != telling) {
            house.persistently("waking who waits for a document", || house.tools.store.wake(&names)).await;
            house.due.notify_one();
        }
    }
    if job.due.is_some() {
        // What stood behind it may stand in front now.
        house.due.notify_one();
    }
}

/// A question looks again: the first of its document, or the one that was just asked of what is known no more.
pub(super) async fn look_again(house: &House, job: &Job, questions: Questions) {
    let (flow, head) = match questions {
        Questions::None => return,
        Questions::LookAgain { flow, lane_key } => {
            let gate = first_of(house, flow, &lane_key).await;
            (flow, gate.filter(|gate| gate.waits_for == WaitsFor::Person).map(|gate| gate.head))
        }
        Questions::JustAsked { effects_seen } => {
            let flow = job.tenure.owner.flow;
            let Some(desk) = house.desk(flow) else { return };
            let known = desk.look_up.ask(job.question()).await;
            (flow, known.filter(|known| known.effects.len() > effects_seen).map(|_| job.inbound.message_id))
        }
    };
    let Some(head) = head else { return };
    if house.persistently("looking again at a question", || house.tools.store.look_again(flow, head)).await {
        house.due.notify_one();
    }
}
