//! What a person said of the calls of a message: entered into the ledger instead of being asked about or made.
//!
//! A verdict counts once. It is about the calls that were unsure when it was given; where none was, about the next call that
//! the plan makes at a far end, which a person made there by hand. Until the plan comes so far, because a mapping is missing,
//! say, the verdict stays. Invariant: what a person said that exists is never called.

use serde_json::Value;

use super::attempt::Attempt;
use super::unsure;
use crate::flows::{Call, Ledger, Past, Planned, by_hand};
use crate::message::Flow;
use crate::store::{ByHand, Intent};

/// The act under which verdicts stand that count no more.
const APPLIED: &str = "by_hand_applied";

/// The last verdict on a message that is not applied yet.
pub(super) fn said(ledger: &Ledger, (message_id, flow): (uuid::Uuid, Flow)) -> Option<ByHand> {
    let mut said = ledger.facts::<ByHand>(ByHand::ACT).into_iter();
    said.rfind(|said| said.is_of(message_id, flow) && !ledger.has(&said.applied_key()))
}

/// What a person said of this very call, when somebody did: what happened, or that nothing did.
pub(super) fn settled(attempt: &mut Attempt<'_>, intent: &Intent) -> Option<Vec<Past>> {
    let said = attempt.said.as_ref()?;
    let meant = |(key, at): &(String, Option<jiff::Timestamp>)| (key, at) == (&intent.key, &intent.committed_at);
    said.calls.iter().any(meant).then_some(())?;
    let (number, by) = (said.exists_as.clone(), said.by.clone());
    let Some(number) = number else {
        let what = format!("{} did not happen, as {by} said.", intent.key);
        attempt.step(&intent.connection, what, "live");
        return Some(Vec::new());
    };
    attempt.step(&intent.connection, exists(&intent.key, &number, &by), "live");
    Some(by_hand(unsure::recorded(intent), &number))
}

/// Every call that a verdict named is settled: it counts no more.
pub(super) fn all_settled(attempt: &mut Attempt<'_>) {
    if let Some(said) = attempt.said.take_if(|said| !said.calls.is_empty()) {
        applied(attempt, &said);
    }
}

/// Enters a planned call as done by hand, when a person said so: then it is not made, and the plan is asked again. Telling
/// Dynamics what became of a document is nothing that a person does by hand under a number.
pub(super) fn instead(attempt: &mut Attempt<'_>, call: &Planned) -> bool {
    if matches!(call.call, Call::WriteStatus { .. }) {
        return false;
    }
    let Some(said) = attempt.said.take() else { return false };
    // Said of calls that were unsure, it is applied before anything is planned.
    let Some(number) = said.exists_as.clone().filter(|_| said.calls.is_empty()) else { return false };
    attempt.step(call.connection.as_str(), exists(&call.key, &number, &said.by), "live");
    let past = Past {
        key: call.key.clone(),
        act: call.act.to_owned(),
        connection: call.connection.to_string(),
        facts: call.facts.clone(),
    };
    for past in by_hand(past, &number) {
        attempt.happened(past);
    }
    applied(attempt, &said);
    true
}

fn exists(key: &str, number: &str, by: &str) -> String {
    format!("{key} exists as {number}, as {by} said: it is not done again.")
}

fn applied(attempt: &mut Attempt<'_>, said: &ByHand) {
    let connection = attempt.job.inbound.content.as_ref().map(|envelope| envelope.connection.to_string());
    attempt.happened(Past {
        key: said.applied_key(),
        act: APPLIED.to_owned(),
        connection: connection.unwrap_or_default(),
        facts: Value::Null,
    });
}
