//! Leaving an attempt: what it found out becomes one record; after its commit the delivery is settled, and whoever waits
//! for it is woken.
//!
//! Invariant: a delivery is settled only after a commit that wrote. A duplicate is no exception: what says that it came
//! again is committed first.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use super::attempt::{Attempt, Verdict};
use super::emitted::{dead_letter, emitted, forwarded, handed_in, question};
use super::house::House;
use super::inbound::Job;
use super::known::{about, found_by, kept, known, made_known, names, progress, snapshot_part};
use super::parking::{Parking, Parkings, Pause, Standing};
use super::{report, stops, unsure, wake};
use crate::clock::Mark;
use crate::failure::{Code, Failure};
use crate::flows::{self, Done, Past, Planned, Stage};
use crate::rehearsal::{self, Variant, broken};
use crate::store::{
    Attempted, Ending, Known, Outcome, Parked, ParkedFailure, Place, Progress, Record, Step, WaitsFor, Written,
};
use crate::telemetry::{AssumptionBroken, StrangerForwarded};

/// Ends an attempt that ran.
pub(super) async fn leave(mut attempt: Box<Attempt<'_>>, verdict: Box<Verdict>) {
    let house = attempt.house;
    let job = attempt.job;
    let passed = match &*verdict {
        Verdict::Applied(_) => wake::passed(attempt.gate.as_ref()),
        Verdict::NotOurs(_) | Verdict::Pause(_) | Verdict::Left => None,
    };
    let awaited = wake::awaited(&attempt, &verdict);
    let questions = wake::questions(&attempt, &verdict);
    let lets_pass = matches!(&*verdict, Verdict::Pause(Pause::Document { passes: Some(_), .. }));
    let period = wake::period(house, &verdict).await;
    let record = match *verdict {
        Verdict::Left => return,
        Verdict::Applied(done) => applied(&mut attempt, *done),
        Verdict::NotOurs(why) => {
            attempt.step("drayline", why, "live");
            record(&mut attempt, Outcome::Ended(Ending::NotOurs))
        }
        Verdict::Pause(pause) => paused(&mut attempt, pause, period.as_ref()).await,
    };
    let missing = wake::missing(&record);
    let known_from_now_on = names(&record.documents).chain(passed).collect();
    let report = report::of(&attempt, &record);
    match commit(house, job, record).await {
        None => return,
        Some(Ok(())) => {}
        Some(Err(reason)) => {
            let poison = poisoned(&attempt, &reason).await;
            let report = report::of(&attempt, &poison);
            if matches!(commit(house, job, poison).await, Some(Err(_))) {
                let message_id = Some(job.inbound.message_id);
                AssumptionBroken { doing: "recording an attempt", message_id, why: &reason }.emit();
            }
            return report.emit();
        }
    }
    report.emit();
    if lets_pass {
        let (owner, lane_key) = (job.tenure.owner, &job.inbound.lane_key);
        house.persistently("letting a message pass", || house.tools.store.let_pass(owner, lane_key)).await;
    }
    wake::wake(house, job, known_from_now_on, awaited).await;
    wake::ask_again(house, period).await;
    wake::look_again(house, job, questions).await;
    if house.mapping.now().version() > attempt.mapping_version {
        wake::brought(house, missing.into_iter().collect()).await;
    }
}

/// A copy of what is settled, or parked, already.
pub(super) async fn came_again(house: &House, job: &Job, known: &Known, started: Mark) {
    if broken(Variant::AcknowledgeOnRead) {
        return job.settle();
    }
    let what = format!("{} came again and was recognised: nothing was done twice.", job.inbound.kind);
    let mut record = empty(job, Outcome::Unchanged);
    record.journey.push(step(house, job, "drayline", what, "live"));
    if let Some(Ok(())) = commit(house, job, record).await {
        report::came_again(house, job, known, started).emit();
    }
}

/// The row of a message that ended already goes. What it may have done, its document remembers.
pub(super) async fn ended(house: &House, job: &Job, known: &Known, ending: Ending) {
    let mut record = empty(job, Outcome::Ended(ending));
    let unsure = known.parked.iter().flat_map(|parked| parked.unsure.clone()).collect::<Vec<_>>();
    record.effects.extend(unsure::outliving(job.tenure.owner, job.inbound.message_id, &unsure));
    if let Some(Ok(())) = commit(house, job, record).await {
        house.due.notify_one();
    }
}

/// A message of another partition goes on to its own.
pub(super) async fn forward(house: &House, job: &Job) {
    let Ok(envelope) = &job.inbound.content else { return };
    let mut record = empty(job, Outcome::Unchanged);
    record.outbox.push(forwarded(envelope, &job.inbound));
    if let Some(Ok(())) = commit(house, job, record).await {
        StrangerForwarded { flow: job.tenure.owner.flow, found_in: job.tenure.owner.partition }.emit();
    }
}

/// Parks a follower behind what is parked already, or a delivery whose lane is full.
pub(super) async fn behind(house: &House, job: &Job, known: Known, started: Mark) {
    let gate = known.gate.clone();
    let mut attempt = Attempt::begin(house, job, known, Place::Behind, started);
    let parked = row(&attempt, Parking { waits_for: WaitsFor::Head, attempts: 0, failure: None, deadline_at: None });
    if let Some(gate) = &gate {
        attempt.step("drayline", format!("{} waits behind message {}.", job.inbound.kind, gate.head), "live");
    }
    let record = record(&mut attempt, Outcome::Parked(Box::new(parked)));
    let report = report::of(&attempt, &record);
    let Some(Ok(())) = commit(house, job, record).await else { return };
    report.emit();
    let looks_again = job.inbound.content.as_ref().is_ok_and(|envelope| envelope.kind().looks_again());
    match gate {
        Some(gate) if looks_again && gate.waits_for == WaitsFor::Person => {
            let owner = job.tenure.owner;
            let again = || house.tools.store.look_again(owner.flow, gate.head);
            if house.persistently("looking again at a head", again).await {
                house.due.notify_one();
            }
        }
        Some(_) => {}
        // Nothing stands in front of it: it is due at once.
        None => house.due.notify_one(),
    }
}

/// [`Variant::RecordBeforeAct`]: the ending is there, and the call is not.
pub(super) async fn ahead(attempt: &mut Attempt<'_>, call: &Planned) {
    let (key, act, connection) = (call.key.clone(), call.act.to_owned(), call.connection.to_string());
    attempt.happened(Past { key, act, connection, facts: call.facts.clone() });
    let record = record(attempt, Outcome::Ended(Ending::Applied));
    if let Some(desk) = attempt.house.desk(attempt.job.tenure.owner.flow) {
        desk.record.ask(record).await;
    }
}

/// Commits a record and settles its delivery. Nothing when the delivery must come back; an error when the store cannot
/// hold the record.
async fn commit(house: &House, job: &Job, record: Record) -> Option<Result<(), String>> {
    let outbox: Vec<_> = record.outbox.iter().map(|row| row.flow).collect();
    let waits_for = stop_of(&record);
    if broken(Variant::AcknowledgeBeforeCommit) {
        job.settle();
    }
    match house.desk(job.tenure.owner.flow)?.record.ask(record).await? {
        Written::Yes => {
            house.rehearsal.reached(rehearsal::Step::RecordCommitted);
            job.settle();
            house.stops.recorded(job.tenure.owner, job.due.as_ref(), waits_for);
            for flow in outbox {
                house.poke_relay(flow);
            }
            Some(Ok(()))
        }
        Written::NotOwner => {
            job.tenure.fenced.cancel();
            None
        }
        Written::Refused(reason) => Some(Err(reason)),
    }
}

/// What a record's message waits for from now on, if it is stopped.
fn stop_of(record: &Record) -> Option<WaitsFor> {
    let Outcome::Parked(parked) = &record.outcome else { return None };
    stops::is_stop(&parked.waits_for).then(|| parked.waits_for.clone())
}

fn applied(attempt: &mut Attempt<'_>, done: Done) -> Record {
    let Done { facts, emits, translated, documents, steps, snapshot } = done;
    for fact in facts {
        attempt.happened(fact);
    }
    for (system, what) in steps {
        attempt.step(&system, what, "live");
    }
    let mut record = record(attempt, Outcome::Ended(Ending::Applied));
    if let Ok(envelope) = &attempt.job.inbound.content {
        let revision = attempt.parked.as_ref().map_or(0, |parked| parked.revision);
        record.outbox =
            emits.into_iter().map(|emit| emitted(&attempt.house.tools.clock, envelope, revision, emit)).collect();
        record.outbox.extend(translated.iter().map(handed_in));
        record.documents = documents.into_iter().map(|document| known(envelope, document)).collect();
        let mut made = made_known(envelope, &record);
        made.retain(|document| !record.documents.contains(document));
        record.documents.append(&mut made);
        record.snapshots = snapshot.into_iter().map(|taken| snapshot_part(envelope, *taken)).collect();
    }
    record
}

async fn paused(attempt: &mut Attempt<'_>, pause: Pause, period: Option<&wake::Period>) -> Record {
    let house = attempt.house;
    let now = house.persistently("reading its clock", || house.tools.store.now()).await;
    let asks = match (&pause, &attempt.job.inbound.content) {
        (Pause::Finance(closed), Ok(envelope)) => period
            .and_then(|period| period.unasked)
            .map(|number| question(&house.tools.clock, envelope, number, closed)),
        _ => None,
    };
    let parking = Parkings::new(&house.tools.config.processor).park(standing(attempt, now), pause, now);
    // What was intended in this process was intended before now.
    for intent in &mut attempt.unsure {
        intent.committed_at.get_or_insert(now);
    }
    let waits_before = attempt.parked.as_ref().map(|parked| &parked.waits_for);
    match (&parking.waits_for, &parking.failure) {
        (WaitsFor::Person, Some(failure)) => attempt.step("drayline", failure.sentence.clone(), "live"),
        // The failure is what it becomes at the deadline: until then nothing is wrong.
        (WaitsFor::Document { key, .. }, _) if !matches!(waits_before, Some(WaitsFor::Document { .. })) => {
            attempt.step("drayline", format!("{} waits for {key}.", attempt.job.inbound.kind), "live");
        }
        (WaitsFor::Time { .. }, Some(failure)) if waits_before.is_none() => {
            attempt.step("drayline", format!("It is tried again: {}", failure.sentence), "live");
        }
        (waits_for, Some(failure)) if stops::is_stop(waits_for) && waits_before != Some(waits_for) => {
            let for_what = stops::name(waits_for, attempt.job.tenure.owner.flow);
            let what = format!("{} waits for {for_what}: {}", attempt.job.inbound.kind, failure.sentence);
            attempt.step("drayline", what, "live");
        }
        _ => {}
    }
    let parked = row(attempt, parking);
    let letter = (parked.waits_for == WaitsFor::Person).then(|| dead_letter(&attempt.job.inbound, &parked));
    let counts = parked.attempts > attempt.parked.as_ref().map_or(0, |before| before.attempts);
    let failed = parked.failure.is_some() && (counts || letter.is_some());
    let mut record = record(attempt, Outcome::Parked(Box::new(parked)));
    record.attempted = failed.then(|| Attempted {
        id: house.tools.clock.identifier(),
        exchanges: attempt.heard.exchanges().into_iter().map(|exchange| json!(exchange)).collect(),
    });
    record.outbox.extend(letter);
    record.outbox.extend(asks);
    if let Ok(envelope) = &attempt.job.inbound.content {
        // What happened before it had to wait is known to others from now on.
        record.documents = made_known(envelope, &record);
    }
    record
}

/// What the store cannot hold is left out; the message itself is kept, with every call that may have happened.
async fn poisoned(attempt: &Attempt<'_>, reason: &str) -> Record {
    let house = attempt.house;
    let now = house.persistently("reading its clock", || house.tools.store.now()).await;
    let failure = refused(attempt.job.inbound.message_id, reason);
    let parking =
        Parkings::new(&house.tools.config.processor).park(standing(attempt, now), Pause::Failed(failure), now);
    let mut parked = row(attempt, parking);
    parked.unsure = house.journals.of(attempt.job.tenure.owner, attempt.job.inbound.message_id);
    for intent in &mut parked.unsure {
        intent.committed_at.get_or_insert(now);
    }
    let letter = dead_letter(&attempt.job.inbound, &parked);
    let mut record = empty(attempt.job, Outcome::Parked(Box::new(parked)));
    record.outbox.push(letter);
    record
}

/// The failure of a record that the store cannot hold.
pub(super) fn refused(message_id: uuid::Uuid, reason: &str) -> Failure {
    let sentence = format!(
        "The store cannot hold what came of message {message_id}. The message itself is kept; report the defect, and \
         replay it after an upgrade."
    );
    Failure::new(Code::StoreRefused, sentence).with_detail(reason)
}

fn standing(attempt: &Attempt<'_>, now: Timestamp) -> Standing {
    let Some(parked) = &attempt.parked else {
        return Standing { progressed: attempt.progressed, ..Standing::default() };
    };
    let between =
        |first: Timestamp, last: Timestamp| Duration::try_from(last.duration_since(first)).unwrap_or_default();
    // Until this attempt began.
    let began = now.checked_sub(attempt.house.tools.clock.since(attempt.started)).unwrap_or(now);
    let stopped = parked.last_parked_at.filter(|_| stops::is_stop(&parked.waits_for));
    let stopped_for = stopped.map(|since| between(since, began)).unwrap_or_default();
    Standing {
        attempts: parked.attempts,
        deadline_at: parked.deadline_at.map(|at| at.checked_add(stopped_for).unwrap_or(at)),
        parked_for: parked
            .first_parked_at
            .zip(parked.last_parked_at)
            .map(|(first, last)| between(first, last))
            .unwrap_or_default(),
        progressed: attempt.progressed,
    }
}

/// Whether a message that is to wait on has waited until its deadline.
pub(super) async fn is_wait_over(attempt: &Attempt<'_>) -> bool {
    if attempt.progressed || attempt.parked.as_ref().is_none_or(|parked| parked.deadline_at.is_none()) {
        return false;
    }
    let house = attempt.house;
    let now = house.persistently("reading its clock", || house.tools.store.now()).await;
    standing(attempt, now).deadline_at.is_some_and(|deadline_at| now >= deadline_at)
}

/// The message's parked row, new or changed in place.
fn row(attempt: &Attempt<'_>, parking: Parking) -> Parked {
    let inbound = &attempt.job.inbound;
    let owner = attempt.job.tenure.owner;
    let before = attempt.parked.as_ref();
    let for_a_person = parking.waits_for == WaitsFor::Person;
    Parked {
        message_id: inbound.message_id,
        flow: owner.flow,
        partition: owner.partition,
        lane_key: inbound.lane_key.clone(),
        ordering_key: inbound.ordering_key.clone(),
        kind: inbound.kind.clone(),
        connection: inbound.connection.clone(),
        bytes: inbound.bytes.clone(),
        place: attempt.place,
        waits_for: parking.waits_for,
        attempts: parking.attempts,
        parkings: before.map_or(0, |before| before.parkings) + u32::from(for_a_person),
        revision: before.map_or(0, |before| before.revision),
        failure: parking.failure.map(|failure| ParkedFailure {
            code: failure.code.to_string(),
            awaits: failure.awaits().map(str::to_owned),
            sentence: failure.sentence,
            detail: failure.detail,
        }),
        fingerprint: None,
        unsure: attempt.unsure.clone(),
        deadline_at: parking.deadline_at,
        asked_by: before.and_then(|before| before.asked_by.clone()),
        asked: before.map_or(0, |before| before.asked),
        first_parked_at: None,
        last_parked_at: None,
    }
}

/// What the attempt found out, with how its message leaves it.
fn record(attempt: &mut Attempt<'_>, outcome: Outcome) -> Record {
    let (effects, journey) = (std::mem::take(&mut attempt.effects), std::mem::take(&mut attempt.journey));
    let progress = how_far(attempt, &outcome);
    let names = found_by(&attempt.job.inbound, attempt.look.as_ref(), &outcome);
    let mapping_version = attempt.mapping_version;
    let items = about(&attempt.job.inbound, attempt.look.as_ref(), &outcome);
    let kept = kept(attempt, &outcome);
    Record { effects, names, journey, progress, mapping_version, items, kept, ..empty(attempt.job, outcome) }
}

/// How far the document is now. What is no business of ours has no progress, unless it once was.
fn how_far(attempt: &Attempt<'_>, outcome: &Outcome) -> Option<Progress> {
    let envelope = attempt.job.inbound.content.as_ref().ok()?;
    let far = flows::progress(envelope, attempt.look.as_ref(), &attempt.ledger)?;
    let unheard_of = || attempt.ledger.len() == 0 && attempt.parked.is_none();
    let never_ours = matches!(outcome, Outcome::Ended(Ending::NotOurs))
        && (far.stage == Some(Stage::NotSent) || (far.stage == Some(Stage::Cancelled) && unheard_of()));
    (!never_ours).then(|| progress(attempt.job.ledger_key(), far))
}

fn empty(job: &Job, outcome: Outcome) -> Record {
    Record::new(job.tenure.owner, job.inbound.message_id, outcome)
}

/// A step of the journey of the message's document.
pub(super) fn step(house: &House, job: &Job, system: &str, what: String, mode: &str) -> Step {
    Step {
        document: job.inbound.ordering_key.clone(),
        at: house.tools.clock.now(),
        system: system.to_owned(),
        what,
        message_id: job.inbound.message_id,
        mode: mode.to_owned(),
    }
}
