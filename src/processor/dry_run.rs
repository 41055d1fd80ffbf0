//! The dry run of a campaign: what each message would do now. It follows the page of an attempt without its writing: decode, look
//! up, ask about what is unsure, look, plan, and the calls of the plan as far as their requests, which do not leave.
//!
//! The mapping is the newest, documents are read as they are. Where a plan goes on with what a far end answers, it goes on without
//! the answer, as far as it can. Invariant: nothing changes at a far end, nor in what is remembered of the message.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use jiff::Timestamp;
use serde::Serialize;

use super::anew::{self, Today};
use super::calls::{ROUNDS_MAX, stranger};
use super::house::House;
use super::mapping;
use super::unsure::unknown;
use super::{sought, unsure};
use crate::config::ms;
use crate::exceptions::Patch;
use crate::failure::{Class, Code, Failure};
use crate::flows::{self, Acted, Decision, Ledger, Look, Past, Planned};
use crate::gateways::{WouldSend, calling, rehearsing};
use crate::mapping::Mapping;
use crate::message::{Change, Envelope, Flow};
use crate::store::{Parked, Question, ToRehearse, WaitsFor};

/// Whoever holds it makes the dry runs.
const LEASE: &str = "dry_runs";

/// What a message would do, for people.
#[derive(Serialize)]
struct Told {
    /// When it was looked at.
    at: Timestamp,
    /// By which version of the mapping.
    mapping: u64,
    /// The code of the failure, or of what it would wait for.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    sentence: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// What the campaign's patch changes of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    changes: Vec<Change>,
    /// In their order.
    calls: Vec<WouldCall>,
}

/// A call that would be made.
#[derive(Serialize)]
struct WouldCall {
    act: &'static str,
    /// Of the effect.
    key: String,
    connection: String,
    /// Without personal data. None, where everything is there already.
    requests: Vec<WouldSend>,
}

/// How a plan ended: the word for it, and why.
enum End {
    Applies,
    /// Translated anew, with what is handed in.
    HandsIn(String),
    NotOurs(String),
    Waits(Failure),
    Fails(Failure),
}

/// Makes the dry runs that are asked for, again and again, a few at a time.
pub(super) async fn run(house: Arc<House>) {
    let replays = &house.tools.config.replays;
    loop {
        tokio::time::sleep(ms(replays.dry_run_poll_ms)).await;
        loop {
            let wanted = wanted(&house, replays.dry_runs_at_once_max, ms(replays.lease_ms)).await;
            if wanted.is_empty() {
                break;
            }
            join_all(wanted.iter().map(|of| keep(&house, of))).await;
        }
    }
}

/// What is to be looked at next, by the one worker that does.
async fn wanted(house: &House, limit: u32, term: Duration) -> Vec<ToRehearse> {
    let store = &house.tools.store;
    let wanted = house.persistently("looking for dry runs", || store.to_rehearse(limit)).await;
    if wanted.is_empty() {
        return wanted;
    }
    let ours = house.persistently("leasing dry runs", || store.lease(LEASE, house.worker, term)).await;
    if ours { wanted } else { Vec::new() }
}

async fn keep(house: &House, of: &ToRehearse) {
    let (word, told) = Box::pin(told(house, of)).await;
    let kept = serde_json::to_value(&told).unwrap_or_default();
    house.persistently("keeping a dry run", || house.tools.store.keep_rehearsal(of, word, &kept)).await;
}

/// What one message would do.
async fn told(house: &House, of: &ToRehearse) -> (&'static str, Told) {
    // One snapshot for the whole run, as an attempt has.
    let mapping = mapping::current(house).await;
    let mut told = Told {
        at: house.tools.clock.now(),
        mapping: mapping.version(),
        code: None,
        sentence: String::new(),
        detail: None,
        changes: Vec::new(),
        calls: Vec::new(),
    };
    let Some((flow, mut parked)) = parked(house, of).await else {
        "It is not parked any more.".clone_into(&mut told.sentence);
        return ("gone", told);
    };
    if parked.waits_for == WaitsFor::Head {
        "What it would do depends on the message in front of it.".clone_into(&mut told.sentence);
        return ("behind", told);
    }
    if let Some(text) = &of.patch {
        let bytes = std::mem::take(&mut parked.bytes);
        match Patch::new(text).and_then(|patch| patch.apply(std::iter::once(bytes), &house.tools.config).remove(0)) {
            Ok(patched) => (parked.bytes, told.changes) = (patched.bytes, patched.changes),
            Err(why) => {
                told.sentence = why;
                return ("would_fail", told);
            }
        }
    }
    let running = AssertUnwindSafe(rehearse(house, (flow, &parked), &mapping, &mut told.calls));
    let end =
        Box::pin(calling(flow, true, running.catch_unwind())).await.unwrap_or_else(|_| End::Fails(broke(&parked)));
    let (word, failure) = match end {
        End::Applies => {
            told.sentence = applies(&told.calls);
            ("would_apply", None)
        }
        End::HandsIn(what) => {
            told.sentence = what;
            ("would_apply", None)
        }
        End::NotOurs(why) => {
            told.sentence = why;
            ("not_ours", None)
        }
        End::Waits(failure) => ("would_wait", Some(failure)),
        End::Fails(failure) => ("would_fail", Some(failure)),
    };
    if let Some(failure) = failure {
        told.code = Some(failure.code.as_str());
        told.sentence = failure.sentence;
        told.detail = failure.detail;
    }
    (word, told)
}

fn applies(calls: &[WouldCall]) -> String {
    match calls.len() {
        0 => "It would be applied without a call.".to_owned(),
        1 => "It would be applied with one call, if the far end takes it.".to_owned(),
        calls => format!("It would be applied with {calls} calls, if the far ends take them."),
    }
}

fn broke(parked: &Parked) -> Failure {
    let sentence = format!(
        "Drayline broke while it looked at what message {} of {} would do. Report the defect.",
        parked.message_id, parked.ordering_key
    );
    Failure::new(Code::ProcessorPanicked, sentence)
}

async fn parked(house: &House, of: &ToRehearse) -> Option<(Flow, Parked)> {
    let flow: Flow = of.flow.parse().ok()?;
    let question = Question { message_id: of.message_id, lane_key: String::new(), document: String::new() };
    Some((flow, house.look_up(flow, question).await?.parked?))
}

/// Runs the plan of a message, and notes the calls it would make.
async fn rehearse(
    house: &House,
    (flow, parked): (Flow, &Parked),
    mapping: &Mapping,
    calls: &mut Vec<WouldCall>,
) -> End {
    if let Some(failure) = house.stops.paused(flow) {
        return End::Waits(failure);
    }
    let message = match Envelope::decode(&parked.bytes) {
        Ok(message) => message,
        Err(invalid) => return End::Fails(super::inbound::undecodable(parked.message_id, &invalid.to_string())),
    };
    let message = match anew::today(&house.tools.config, &message) {
        None => message,
        Some(Today::Understood(done)) => {
            let steps: Vec<_> = done.steps.into_iter().map(|(_, what)| what).collect();
            return End::HandsIn(steps.join(" "));
        }
        Some(Today::Unreadable(today)) => *today,
    };
    let asked =
        Question { message_id: parked.message_id, lane_key: parked.lane_key.clone(), document: message.ledger_key() };
    let Some(known) = house.look_up(flow, asked.clone()).await else { return End::Fails(broke(parked)) };
    let mut ledger = Ledger::new(known.effects.into_iter().map(unsure::past).collect());
    for intent in parked.unsure.iter().chain(&unsure::outlived(&ledger)) {
        match Box::pin(unsure::found(house, intent)).await {
            Ok(found) => found.into_iter().for_each(|past| ledger.add(past)),
            Err(failure) => return End::of(failure),
        }
    }
    let numbers = flows::sought(&message);
    let candidates = Box::pin(sought::candidates(house, (flow, &asked), &numbers)).await.unwrap_or_default();
    let gateways = &house.tools.gateways;
    let look = if numbers.is_empty() || !flows::may_mean(gateways, &message, &candidates) {
        Box::pin(flows::look(gateways, mapping, &message, &ledger)).await
    } else {
        Ok(Look::Sought(candidates))
    };
    match look {
        Ok(look) => Box::pin(rounds(house, (&message, &look, mapping), &mut ledger, calls)).await,
        Err(failure) => End::of(failure),
    }
}

impl End {
    /// What nobody has to mend passes by itself.
    fn of(failure: Failure) -> Self {
        match failure.class() {
            Class::Permanent | Class::Poison => Self::Fails(failure),
            Class::Transient | Class::Busy | Class::Unsure => Self::Waits(failure),
        }
    }
}

/// Plans, and goes as far as the requests of its calls, until the plan wants nothing more, or nothing new.
async fn rounds(
    house: &House,
    (message, look, mapping): (&Envelope, &Look, &Mapping),
    ledger: &mut Ledger,
    calls: &mut Vec<WouldCall>,
) -> End {
    for _ in 0..ROUNDS_MAX {
        let planned = match flows::plan(message, look, mapping, ledger) {
            Decision::Act(planned) => planned,
            Decision::Done(_) => return End::Applies,
            Decision::NotOurs(why) => return End::NotOurs(why),
            Decision::Wait { failure, .. } | Decision::Later { failure, .. } => return End::Waits(failure),
            Decision::WaitForFinance(closed) => return End::Waits(closed.failure),
            Decision::Fail(failure) => return End::Fails(failure),
        };
        if let Some(failure) = stranger(&house.tools.gateways, message, &planned) {
            return End::Fails(failure);
        }
        for call in planned {
            // It needs what the far end would have answered: what comes after is known then.
            if calls.iter().any(|made| made.key == call.key) {
                return End::Applies;
            }
            if let Err(failure) = would_call(house, &call, ledger, calls).await {
                return End::of(failure);
            }
        }
    }
    End::Applies
}

/// Makes one call as far as its requests.
async fn would_call(
    house: &House,
    call: &Planned,
    ledger: &mut Ledger,
    calls: &mut Vec<WouldCall>,
) -> Result<(), Failure> {
    let tools = &house.tools;
    if tools.gateways.mode(&call.connection).is_none() {
        return Err(unknown(call.connection.as_str()));
    }
    let deadline = (tools.clock.mark(), ms(tools.config.gateways.call_ms_max));
    let (acted, heard) = rehearsing(Box::pin(flows::act(&tools.gateways, call, &tools.clock, deadline))).await;
    let past = Past {
        key: call.key.clone(),
        act: call.act.to_owned(),
        connection: call.connection.to_string(),
        facts: call.facts.clone(),
    };
    match acted {
        Err(failure) if failure.code == Code::ConnectionDryRun => ledger.add(past),
        Err(failure) => return Err(failure),
        Ok(Acted::Happened(answered)) => ledger.add(Past { facts: unsure::facts_with(past.facts, answered), ..past }),
        Ok(Acted::Instead(instead)) => ledger.add(instead),
        Ok(Acted::Refused(failure)) => ledger.refuse(call.act, failure),
    }
    calls.push(WouldCall {
        act: call.act,
        key: call.key.clone(),
        connection: call.connection.to_string(),
        requests: heard.would_send().iter().map(WouldSend::masked).collect(),
    });
    Ok(())
}
