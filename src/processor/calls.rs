//! Running the flow: look once, then plan and act until the plan wants nothing more.
//!
//! Before calls that change a far end their intents are committed; a call leaves no later than its deadline after that
//! commit, by the larger of monotonic and wall clock, and only while this worker is known to live. Else it is not sent
//! and intended anew.

use std::time::Duration;

use super::anew::{self, Today};
use super::attempt::{Attempt, Verdict};
use super::by_hand;
use super::leave;
use super::mapping;
use super::parking::Pause;
use super::sought;
use super::unsure::{facts_with, intent, unknown};
use crate::clock::Mark;
use crate::config::{Mode, ms};
use crate::failure::{Class, Code, Failure};
use crate::flows::{self, Acted, Decision, Look, Past, Planned};
use crate::gateways::Gateways;
use crate::mapping::Mapping;
use crate::message::Envelope;
use crate::rehearsal::{Step, Variant, broken};
use crate::store::{Intended, Intent, Written};

/// A plan that goes on after so many rounds does not end.
pub(super) const ROUNDS_MAX: usize = 64;

/// Runs the flow on a message.
pub(super) async fn run_flow(attempt: &mut Attempt<'_>, message: &Envelope) -> Verdict {
    let still;
    let message = match anew::today(&attempt.house.tools.config, message) {
        None => message,
        Some(Today::Understood(done)) => return Verdict::Applied(Box::new(done)),
        Some(Today::Unreadable(today)) => {
            still = today;
            &still
        }
    };
    let gateways = &attempt.house.tools.gateways;
    // On the heap, as every far-end call: thousands of lanes wait for their look-up without being so far.
    let numbers = flows::sought(message);
    let (flow, asked) = (attempt.job.tenure.owner.flow, attempt.job.question());
    let Some(candidates) = Box::pin(sought::candidates(attempt.house, (flow, &asked), &numbers)).await else {
        return Verdict::Left;
    };
    let sought = !numbers.is_empty() && flows::may_mean(gateways, message, &candidates);
    let mut mapping = mapping::current(attempt.house).await;
    let look = loop {
        attempt.mapping_version = mapping.version();
        let look = if sought {
            Ok(Look::Sought(candidates.clone()))
        } else {
            Box::pin(flows::look(gateways, &mapping, message, &attempt.ledger)).await
        };
        // Whoever reads for long plans with what is said by then.
        let newest = mapping::current(attempt.house).await;
        match look {
            Err(failure) => return Verdict::Pause(Pause::Failed(failure)),
            Ok(look) if newest.version() == mapping.version() => break look,
            Ok(_) if attempt.is_out_of_time() => {
                return Verdict::Pause(Pause::Again { after: Duration::ZERO, failure: None });
            }
            Ok(_) => mapping = newest,
        }
    };
    // One snapshot for the whole run: a plan that goes on after a call means what it meant before.
    let verdict = rounds(attempt, message, &look, &mapping).await;
    attempt.look = Some(look);
    verdict
}

/// Plans and acts until the plan wants nothing more.
async fn rounds(attempt: &mut Attempt<'_>, message: &Envelope, look: &Look, mapping: &Mapping) -> Verdict {
    for _ in 0..ROUNDS_MAX {
        let calls = match flows::plan(message, look, mapping, &attempt.ledger) {
            Decision::Act(calls) => calls,
            Decision::Done(done) => return Verdict::Applied(Box::new(done)),
            Decision::NotOurs(why) => return Verdict::NotOurs(why),
            // Who may wait no longer is asked once more: the flow may know a question that holds nobody up.
            Decision::Wait { .. } if !attempt.ledger.wait_over && leave::is_wait_over(attempt).await => {
                attempt.ledger.wait_over = true;
                continue;
            }
            Decision::Wait { document, passes, failure } => {
                return Verdict::Pause(Pause::Document { document, passes, failure });
            }
            Decision::WaitForFinance(closed) => return Verdict::Pause(Pause::Finance(closed)),
            Decision::Later { woken_by, failure } => return Verdict::Pause(Pause::Later { woken_by, failure }),
            Decision::Fail(failure) => return Verdict::Pause(Pause::Failed(failure)),
        };
        if attempt.is_out_of_time() {
            return Verdict::Pause(Pause::Again { after: Duration::ZERO, failure: None });
        }
        if let Err(verdict) = make_calls(attempt, message, &calls).await {
            return verdict;
        }
    }
    let sentence = format!("The plan for message {} does not come to an end. Report the defect.", message.message_id);
    Verdict::Pause(Pause::Failed(Failure::new(Code::ProcessorPanicked, sentence)))
}

/// Makes the calls of a plan, in order.
async fn make_calls(attempt: &mut Attempt<'_>, message: &Envelope, calls: &[Planned]) -> Result<(), Verdict> {
    if let Some(failure) = stranger(&attempt.house.tools.gateways, message, calls) {
        return Err(Verdict::Pause(Pause::Failed(failure)));
    }
    if calls.first().is_some_and(|call| by_hand::instead(attempt, call)) {
        return Ok(());
    }
    may_all_be_called(attempt, calls)?;
    let mut intended: Option<Mark> = None;
    let intents: Vec<Intent> = calls.iter().map(|call| intent(call, message)).collect();
    for (number, (call, intent)) in calls.iter().zip(&intents).enumerate() {
        let deadline = begin(attempt, &intents[number..], &mut intended).await?;
        make_call(attempt, call, intent, deadline).await?;
    }
    Ok(())
}

/// The deadline of a call that may begin now: since when, and how long, it may take. Its intents are committed; as long as
/// a call is sure to leave in time, once is enough for all.
pub(super) async fn begin(
    attempt: &Attempt<'_>,
    intents: &[Intent],
    intended: &mut Option<Mark>,
) -> Result<(Mark, Duration), Verdict> {
    let call_max = ms(attempt.house.tools.config.gateways.call_ms_max);
    loop {
        if !attempt.house.pulse.until_may_call().await {
            return Err(Verdict::Left);
        }
        if attempt.job.tenure.closing.is_cancelled() {
            return Err(give_way(attempt));
        }
        match intended.filter(|mark| attempt.house.tools.clock.since(*mark) <= call_max / 2) {
            Some(mark) => return Ok((mark, call_max)),
            None => *intended = Some(intend(attempt, intents).await?),
        }
    }
}

/// The partition is being given up: a call that began before ends in time, one that began now might not. Whoever takes
/// the partition goes on; what happened already is recorded.
fn give_way(attempt: &Attempt<'_>) -> Verdict {
    if attempt.progressed {
        Verdict::Pause(Pause::Again { after: Duration::ZERO, failure: None })
    } else {
        Verdict::Left
    }
}

/// Commits intents. The mark is older than the commit, so that no call leaves too late.
async fn intend(attempt: &Attempt<'_>, intents: &[Intent]) -> Result<Mark, Verdict> {
    let (owner, message_id) = (attempt.job.tenure.owner, attempt.job.inbound.message_id);
    let mark = attempt.house.tools.clock.mark();
    // Whoever gathers gives the journal row its name.
    let intended = Intended { owner, journal: uuid::Uuid::nil(), message_id, intents: intents.to_vec() };
    let Some(desk) = attempt.house.desk(owner.flow) else { return Err(Verdict::Left) };
    match desk.intend.ask(intended).await {
        Some(Written::Yes) => {
            attempt.house.rehearsal.reached(Step::IntentCommitted);
            Ok(mark)
        }
        Some(Written::Refused(reason)) => {
            Err(Verdict::Pause(Pause::Failed(super::leave::refused(message_id, &reason))))
        }
        Some(Written::NotOwner) => {
            attempt.job.tenure.fenced.cancel();
            Err(Verdict::Left)
        }
        None => Err(Verdict::Left),
    }
}

/// Makes one call. From here on it may have happened, until its far end has answered.
async fn make_call(
    attempt: &mut Attempt<'_>,
    call: &Planned,
    intent: &Intent,
    deadline: (Mark, Duration),
) -> Result<(), Verdict> {
    attempt.unsure.push(intent.clone());
    if broken(Variant::RecordBeforeAct) {
        leave::ahead(attempt, call).await;
    }
    let tools = &attempt.house.tools;
    let acted = Box::pin(flows::act(&tools.gateways, call, &tools.clock, deadline)).await;
    if acted.is_ok() {
        attempt.house.rehearsal.reached(Step::CallMade);
    }
    if acted.as_ref().is_err_and(|failure| failure.class() == Class::Unsure) {
        return acted.map(|_| ()).map_err(|failure| Verdict::Pause(Pause::Failed(failure)));
    }
    attempt.unsure.retain(|intent| intent.key != call.key);
    match acted {
        Ok(Acted::Happened(answered)) => attempt.happened(Past {
            key: call.key.clone(),
            act: call.act.to_owned(),
            connection: call.connection.to_string(),
            facts: facts_with(call.facts.clone(), answered),
        }),
        Ok(Acted::Instead(past)) => attempt.happened(past),
        Ok(Acted::Refused(failure)) => attempt.ledger.refuse(call.act, failure),
        Err(failure) => return Err(Verdict::Pause(Pause::Failed(failure))),
    }
    Ok(())
}

/// Documents never cross from one stage to the other, not even those that waited while a connection was configured anew.
pub(super) fn stranger(gateways: &Gateways, message: &Envelope, calls: &[Planned]) -> Option<Failure> {
    let home = message.environment.as_ref().unwrap_or(&message.connection);
    let stage = gateways.stage(home)?;
    let others = std::iter::once(&message.connection).chain(calls.iter().map(|call| &call.connection));
    let mut strangers = others.filter_map(|name| Some((name, gateways.stage(name)?)));
    let (stranger, other) = strangers.find(|(_, other)| *other != stage)?;
    let sentence = format!(
        "{} belongs to {home}, which is {stage}, and {stranger} is {other}. Documents never cross: nothing is sent. Give both \
         the same stage again and replay this, or discard it.",
        message.ordering_key
    );
    Some(Failure::new(Code::ConnectionStage, sentence))
}

/// Whether every connection of a plan may be called, and the first one now. In dry run the journey says what would be sent.
fn may_all_be_called(attempt: &mut Attempt<'_>, calls: &[Planned]) -> Result<(), Verdict> {
    let mode = |call: &Planned| attempt.house.tools.gateways.mode(&call.connection);
    let modes: Vec<Option<Mode>> = calls.iter().map(mode).collect();
    let first =
        |wanted: Option<Mode>| calls.iter().zip(&modes).find(|(_, mode)| **mode == wanted).map(|(call, _)| call);
    if let Some(call) = first(None) {
        return Err(Verdict::Pause(Pause::Failed(unknown(call.connection.as_str()))));
    }
    if let Some(call) = first(Some(Mode::DryRun)) {
        let verdict = dry_run(attempt, call.connection.as_str());
        tell_what_would_be_sent(attempt, calls);
        return Err(verdict);
    }
    let flow = attempt.job.tenure.owner.flow;
    if let Some(failure) = attempt.house.stops.paused(flow) {
        return Err(Verdict::Pause(Pause::Flow { failure }));
    }
    // Asked before anything is intended that could not be sent. The others are asked when it is their turn.
    let refusal = calls.first().and_then(|call| attempt.house.tools.gateways.refusal(&call.connection, flow));
    refusal.map_or(Ok(()), |failure| Err(Verdict::Pause(Pause::Failed(failure))))
}

/// Nothing is sent to this connection.
pub(super) fn dry_run(attempt: &Attempt<'_>, connection: &str) -> Verdict {
    let after = ms(attempt.house.tools.config.processor.look_again_ms);
    let sentence = format!(
        "The connection {connection} is in dry run: what would be sent stands on the document's journey, and nothing is \
         sent. It goes on when the connection is live."
    );
    let failure = Some(Failure::new(Code::ConnectionDryRun, sentence));
    Verdict::Pause(Pause::Again { after, failure })
}

/// Told once, not each time it is looked at again.
fn tell_what_would_be_sent(attempt: &mut Attempt<'_>, calls: &[Planned]) {
    let told = attempt.parked.as_ref().and_then(|parked| parked.failure.as_ref());
    if told.is_some_and(|failure| failure.code == Code::ConnectionDryRun.as_str()) {
        return;
    }
    for call in calls {
        let what = format!("Would be sent: {} ({}).", call.act, call.key);
        attempt.step(call.connection.as_str(), what, "dry_run");
    }
}
