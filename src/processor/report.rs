//! Telling what came of an attempt: the one wide event.

use std::time::Duration;

use super::attempt::Attempt;
use super::house::House;
use super::inbound::Job;
use crate::clock::Mark;
use crate::message::TraceContext;
use crate::store::{Ending, Known, Outcome, Record, WaitsFor};
use crate::telemetry::AttemptEnded;

/// What is told once the record is committed.
pub(super) struct Report<'a> {
    job: &'a Job,
    attempt: u32,
    outcome: &'static str,
    code: Option<String>,
    sentence: Option<String>,
    waits_for: Option<&'static str>,
    next_attempt_in: Option<Duration>,
    effects: usize,
    took: Duration,
    event_to_effect: Option<Duration>,
}

/// The report of an attempt that ends in a record.
pub(super) fn of<'a>(attempt: &Attempt<'a>, record: &Record) -> Report<'a> {
    let clock = &attempt.house.tools.clock;
    let mut report = Report {
        job: attempt.job,
        attempt: attempt.parked.as_ref().map_or(0, |parked| parked.attempts) + 1,
        outcome: "failed",
        code: None,
        sentence: None,
        waits_for: None,
        next_attempt_in: None,
        effects: record.effects.len(),
        took: clock.since(attempt.started),
        event_to_effect: None,
    };
    match &record.outcome {
        Outcome::Ended(Ending::Applied) => {
            report.outcome = "applied";
            let occurred = attempt.job.inbound.content.as_ref().ok().map(|envelope| envelope.occurred.at);
            report.event_to_effect = occurred.and_then(|at| Duration::try_from(clock.now().duration_since(at)).ok());
        }
        Outcome::Ended(Ending::NotOurs) => report.outcome = "not_ours",
        Outcome::Ended(Ending::Discarded) => report.outcome = "discarded",
        Outcome::Parked(parked) => {
            report.outcome = if parked.waits_for == WaitsFor::Person { "failed" } else { "parked" };
            report.code = parked.failure.as_ref().map(|failure| failure.code.clone());
            report.sentence = parked.failure.as_ref().map(|failure| failure.sentence.clone());
            (report.waits_for, report.next_attempt_in) = waits(&parked.waits_for);
        }
        Outcome::Unchanged => report.outcome = "duplicate",
    }
    report
}

/// The report of a copy that was swallowed.
pub(super) fn came_again<'a>(house: &House, job: &'a Job, known: &Known, started: Mark) -> Report<'a> {
    Report {
        job,
        attempt: known.parked.as_ref().map_or(0, |parked| parked.attempts) + 1,
        outcome: "duplicate",
        code: None,
        sentence: None,
        waits_for: None,
        next_attempt_in: None,
        effects: 0,
        took: house.tools.clock.since(started),
        event_to_effect: None,
    }
}

fn waits(waits_for: &WaitsFor) -> (Option<&'static str>, Option<Duration>) {
    match waits_for {
        WaitsFor::Head => (Some("head"), None),
        WaitsFor::Time { delay } => (Some("time"), Some(*delay)),
        WaitsFor::Document { delay, .. } => (Some("document"), Some(*delay)),
        WaitsFor::FarEnd { .. } => (Some("far_end"), None),
        WaitsFor::Flow => (Some("flow"), None),
        WaitsFor::Room => (Some("room"), None),
        WaitsFor::Person => (Some("person"), None),
    }
}

impl Report<'_> {
    pub(super) fn emit(&self) {
        let inbound = &self.job.inbound;
        let trace = inbound.traceparent.as_deref().and_then(|text| text.parse::<TraceContext>().ok());
        let trace_id = trace.map(|trace| trace.trace_id());
        AttemptEnded {
            message_id: inbound.message_id,
            kind: &inbound.kind,
            flow: self.job.tenure.owner.flow,
            partition: self.job.tenure.owner.partition,
            ordering_key: &inbound.ordering_key,
            connection: &inbound.connection,
            attempt: self.attempt,
            outcome: self.outcome,
            code: self.code.as_deref(),
            sentence: self.sentence.as_deref(),
            waits_for: self.waits_for,
            next_attempt_in: self.next_attempt_in,
            effects: self.effects,
            trace_id: trace_id.as_deref(),
            took: self.took,
            event_to_effect: self.event_to_effect,
        }
        .emit();
    }
}
