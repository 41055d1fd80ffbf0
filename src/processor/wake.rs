//! WHO IS WOKEN by what an attempt committed: who waits for a document that is known now, and what was asked about its document.
//!
//! Invariant: both sides write, commit, then look, so that nobody sleeps through what it waits for.

use super::attempt::{Attempt, Verdict};
use super::house::House;
use super::inbound::Job;
use super::parking::Pause;
use crate::failure::Class;
use crate::flows;
use crate::rehearsal::{Variant, broken};
use crate::store::{Gate, Question, WaitsFor};

/// What was asked about a document, and may be answered now.
pub(super) enum Questions {
    /// Nothing.
    None,
    /// The first question in this lane looks again: something became of its document.
    LookAgain { lane_key: String },
    /// This very message is a question and waits for a person: something may have become of its document since it looked.
    JustAsked { effects_seen: usize },
}

/// What the head waited for whose gate it passed.
pub(super) fn passed(gate: Option<&Gate>) -> Option<String> {
    gate.and_then(|gate| match &gate.waits_for {
        WaitsFor::Document { key, .. } => Some(key.clone()),
        WaitsFor::Head | WaitsFor::Time { .. } | WaitsFor::FarEnd { .. } | WaitsFor::Flow | WaitsFor::Person => None,
    })
}

/// The document to look for once more after the parking commit: it may have come between look and commit.
pub(super) fn awaited(attempt: &Attempt<'_>, verdict: &Verdict) -> Option<String> {
    match verdict {
        Verdict::Pause(Pause::Document { document, .. } | Pause::Later { woken_by: Some(document), .. })
            if attempt.known_before.as_ref() != Some(document) && !broken(Variant::LookBeforeWaiting) =>
        {
            Some(document.clone())
        }
        Verdict::Pause(_) | Verdict::Applied(_) | Verdict::NotOurs(_) | Verdict::Left => None,
    }
}

/// Whose questions are to be looked at after the commit.
pub(super) fn questions(attempt: &Attempt<'_>, verdict: &Verdict) -> Questions {
    let Ok(envelope) = &attempt.job.inbound.content else { return Questions::None };
    match verdict {
        Verdict::Applied(_) | Verdict::NotOurs(_) => flows::questions(envelope, &attempt.ledger)
            .map_or(Questions::None, |lane_key| Questions::LookAgain { lane_key }),
        Verdict::Pause(Pause::Failed(failure)) if envelope.asks() && failure.class() == Class::Permanent => {
            Questions::JustAsked { effects_seen: attempt.ledger.len() }
        }
        Verdict::Pause(_) | Verdict::Left => Questions::None,
    }
}

/// After the commit: whoever waits for what is known now, and the relay and the due runner.
pub(super) async fn wake(house: &House, job: &Job, known: Vec<String>, awaited: Option<String>) {
    if !known.is_empty() {
        // Nothing is answered when the worker goes: whoever waits then is looked at again after a while.
        if let Some(desk) = house.desk(job.tenure.owner.flow) {
            let _ = desk.wake.ask(known).await;
        }
    }
    if let Some(document) = awaited {
        let names = [document];
        let there = house.persistently("looking for a document", || house.tools.store.known(&names)).await;
        if !there.is_empty() {
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
    let flow = job.tenure.owner.flow;
    let Some(desk) = house.desk(flow) else { return };
    let head = match questions {
        Questions::None => return,
        Questions::LookAgain { lane_key } => {
            let question = Question { lane_key, document: String::new(), ..job.question() };
            let gate = desk.look_up.ask(question).await.and_then(|known| known.gate);
            gate.filter(|gate| gate.waits_for == WaitsFor::Person).map(|gate| gate.head)
        }
        Questions::JustAsked { effects_seen } => {
            let known = desk.look_up.ask(job.question()).await;
            known.filter(|known| known.effects.len() > effects_seen).map(|_| job.inbound.message_id)
        }
    };
    let Some(head) = head else { return };
    if house.persistently("looking again at a question", || house.tools.store.look_again(flow, head)).await {
        house.due.notify_one();
    }
}
