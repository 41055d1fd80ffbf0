//! ONE ATTEMPT, as one straight page: decode → look up → settle what is unsure → run the flow → record → settle.
//!
//! Decoding happened when the message was brought into its lane, because the lane's name stands in it. What the attempt
//! leaves behind is one record, and its delivery is settled after a commit that wrote, never on a read.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;

use super::gate::{Admission, Arrival, Brought, admit};
use super::house::House;
use super::inbound::Job;
use super::parking::Pause;
use super::{by_hand, calls, leave, unsure};
use crate::clock::Mark;
use crate::failure::{Code, Failure};
use crate::flows::{Done, Ledger, Look, Past};
use crate::gateways::{Heard, calling, recording};
use crate::mapping::AWAITED;
use crate::message::Envelope;
use crate::rehearsal::{self, Variant, broken};
use crate::store::{ByHand, Effect, Gate, Intent, Known, KnownName, Parked, Place, Step, WaitsFor};

/// What one run of a message made of it.
pub(super) enum Verdict {
    /// It is applied.
    Applied(Box<Done>),
    /// It is no business of ours, or says nothing new.
    NotOurs(String),
    /// It waits.
    Pause(Pause),
    /// The store or the right to the partition is gone: nothing is recorded, and the delivery comes back.
    Left,
}

/// A run in progress, with everything it has found out.
pub(super) struct Attempt<'a> {
    pub(super) house: &'a House,
    pub(super) job: &'a Job,
    /// Its row, when it was parked.
    pub(super) parked: Option<Parked>,
    /// The gate it passed, when it did.
    pub(super) gate: Option<Gate>,
    /// Where it parks, if it must.
    pub(super) place: Place,
    pub(super) ledger: Ledger,
    /// Calls that may have happened.
    pub(super) unsure: Vec<Intent>,
    /// What a person said of its calls, and is not applied yet.
    pub(super) said: Option<ByHand>,
    /// What happened in this run.
    pub(super) effects: Vec<Effect>,
    /// Whether anything has.
    pub(super) progressed: bool,
    pub(super) journey: Vec<Step>,
    /// What was said to far ends and answered, kept for people if the attempt fails.
    pub(super) heard: Heard,
    /// What it saw.
    pub(super) look: Option<Look>,
    /// The document it waited for, when that was known before it looked: as it was told last.
    pub(super) known_before: Option<KnownName>,
    /// The version of the mapping that it was planned with.
    pub(super) mapping_version: u64,
    pub(super) started: Mark,
}

/// Runs a message once.
pub(super) async fn attempt(house: &House, job: &Job, lane_is_full: bool) {
    let started = house.tools.clock.mark();
    let known_before = awaited_and_known(house, job).await;
    let Some(known) = look_up(house, job).await else { return };
    house.rehearsal.reached(rehearsal::Step::LookUpAnswered);
    let arrival = Arrival {
        message_id: job.inbound.message_id,
        kind: job.inbound.content.as_ref().ok().map(Envelope::kind),
        brought: match &job.due {
            Some(parked) => Brought::Due { parked_at: parked.last_parked_at },
            None => Brought::Delivered,
        },
        lane_is_full,
    };
    let place = match admit(&arrival, &known) {
        Admission::Stale => return,
        Admission::Ended(ending) => return Box::pin(leave::ended(house, job, &known, ending)).await,
        Admission::CameAgain => return Box::pin(leave::came_again(house, job, &known, started)).await,
        Admission::Behind | Admission::Run(_) if is_stranger(house, job) => {
            return Box::pin(leave::forward(house, job)).await;
        }
        Admission::Behind => return Box::pin(leave::behind(house, job, known, started)).await,
        Admission::Run(place) => place,
    };
    // On the heap, each in its time: a window full of deliveries waits for its look-up, and few of them are further.
    let mut attempt = Box::new(Attempt::begin(house, job, known, place, started));
    if let Some(document) = &known_before {
        attempt.ledger.know(document.name.clone());
    }
    attempt.known_before = known_before;
    let verdict = Box::new(run(&mut attempt).await);
    Box::pin(leave::leave(attempt, verdict)).await;
}

/// Settles what is unsure, then runs the flow. A panic ends the attempt, not the house.
async fn run(attempt: &mut Attempt<'_>) -> Verdict {
    let job = attempt.job;
    let house = attempt.house;
    let flow = job.tenure.owner.flow;
    if let Some(failure) = house.stops.paused(flow) {
        return Verdict::Pause(Pause::Flow { failure });
    }
    let envelope = match &job.inbound.content {
        Ok(envelope) => envelope,
        Err(failure) => return Verdict::Pause(Pause::Failed(failure.clone())),
    };
    if broken(Variant::PlanBeforeSettling) {
        attempt.unsure.clear();
    }
    let replayed = job.due.as_ref().is_some_and(|parked| parked.asked > 0);
    let running = Box::pin(calling(flow, replayed, async {
        match Box::pin(unsure::settle(attempt)).await {
            Ok(()) => calls::run_flow(attempt, envelope).await,
            Err(verdict) => verdict,
        }
    }));
    // Around the panic, not within it: what was said before it is what people need most.
    let (ended, heard) = recording(AssertUnwindSafe(running).catch_unwind()).await;
    attempt.heard = heard;
    ended.unwrap_or_else(|panic| panicked(job, &*panic))
}

/// What is known of it; where that is nothing, what is known of the same bytes in the retry window before.
async fn look_up(house: &House, job: &Job) -> Option<Known> {
    if job.due.is_none() && broken(Variant::NoLookUp) {
        return Some(Known::default());
    }
    let desk = &house.desk(job.tenure.owner.flow)?.look_up;
    let known = desk.ask(job.question()).await?;
    let Some(question) = job.question_before().filter(|_| !is_known(&known)) else { return Some(known) };
    let before = desk.ask(question).await?;
    Some(if is_known(&before) { before } else { known })
}

fn is_known(known: &Known) -> bool {
    known.ending.is_some() || known.parked.is_some()
}

/// Both sides write, commit, then look. A document that was known before this look, and was not enough, must not wake
/// its waiter again and again; one that is told anew meanwhile must.
async fn awaited_and_known(house: &House, job: &Job) -> Option<KnownName> {
    let parked = job.due.as_ref()?;
    let names = match &parked.waits_for {
        WaitsFor::Document { key, .. } => [key.clone()],
        // It waited for it in vain, and is woken by it nevertheless.
        WaitsFor::Person => [parked.failure.as_ref()?.awaits.clone().filter(|name| !name.starts_with(AWAITED))?],
        WaitsFor::Head | WaitsFor::Time { .. } | WaitsFor::FarEnd { .. } | WaitsFor::Flow | WaitsFor::Room => {
            return None;
        }
    };
    let known = house.persistently("looking for a document", || house.tools.store.known(&names)).await;
    known.into_iter().next()
}

/// A foreign or stale producer may have computed another partition, or named another flow.
fn is_stranger(house: &House, job: &Job) -> bool {
    let owner = job.tenure.owner;
    job.due.is_none()
        && job.inbound.content.as_ref().is_ok_and(|envelope| {
            let partition = envelope.ordering_key.partition(house.tools.transport.partitions(owner.flow));
            envelope.flow() != owner.flow || partition != owner.partition
        })
}

/// Nothing is known of how far the call in flight came: what it intended stays unsure.
fn panicked(job: &Job, panic: &(dyn std::any::Any + Send)) -> Verdict {
    let said = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let said = said.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    let sentence = format!(
        "Drayline broke while it worked on message {} of {}. The message is kept whole; report the defect, and replay it \
         after an upgrade.",
        job.inbound.message_id, job.inbound.ordering_key
    );
    Verdict::Pause(Pause::Failed(Failure::new(Code::ProcessorPanicked, sentence).with_detail(said)))
}

impl<'a> Attempt<'a> {
    /// A run that has not found out anything yet.
    pub(super) fn begin(house: &'a House, job: &'a Job, known: Known, place: Place, started: Mark) -> Self {
        let Known { parked, gate, effects, .. } = known;
        let ledger = Ledger::new(effects.into_iter().map(unsure::past).collect());
        // The journal is younger than the row: of one key it knows the last call.
        let mut unsure = house.journals.of(job.tenure.owner, job.inbound.message_id);
        let outlived = unsure::outlived(&ledger);
        for intent in parked.iter().flat_map(|parked| &parked.unsure).chain(&outlived) {
            if !unsure.iter().any(|known| known.key == intent.key) {
                unsure.push(intent.clone());
            }
        }
        unsure.retain(|intent| !ledger.has(&intent.key));
        let said = by_hand::said(&ledger, (job.inbound.message_id, job.tenure.owner.flow));
        let passed = gate.filter(|_| matches!(place, Place::InFrontOf(_)));
        Self {
            house,
            job,
            parked,
            gate: passed,
            place,
            ledger,
            unsure,
            said,
            effects: Vec::new(),
            progressed: false,
            journey: Vec::new(),
            heard: Heard::default(),
            look: None,
            known_before: None,
            mapping_version: 0,
            started,
        }
    }

    /// Something happened at a far end: it is known to the next plan, and recorded whatever the attempt ends in.
    pub(super) fn happened(&mut self, past: Past) {
        self.progressed = true;
        self.effects.push(Effect {
            key: past.key.clone(),
            document: self.job.ledger_key(),
            act: past.act.clone(),
            connection: past.connection.clone(),
            message_id: self.job.inbound.message_id,
            facts: past.facts.clone(),
        });
        self.ledger.add(past);
    }

    /// A step of the document's journey.
    pub(super) fn step(&mut self, system: &str, what: impl Into<String>, mode: &str) {
        let step = leave::step(self.house, self.job, system, what.into(), mode);
        self.journey.push(step);
    }

    /// Whether the attempt has held its lane for as long as one may.
    pub(super) fn is_out_of_time(&self) -> bool {
        let kept_max = Duration::from_secs(self.house.tools.config.processor.lane_s_max);
        self.house.tools.clock.since(self.started) > kept_max
    }
}
