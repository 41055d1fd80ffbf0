//! Settling what is unsure, before anything is planned: the mapping may have changed since, and the plan with it.
//!
//! A call that may have happened is asked about by the key and at the far end that were recorded with its intent. "Not
//! there" counts only once the call can no longer leave and the far end has had its time to show what it took. What can
//! neither be absorbed nor asked about waits for a person.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::attempt::{Attempt, Verdict};
use super::by_hand;
use super::calls;
use super::house::House;
use super::parking::Pause;
use crate::config::{Mode, ms};
use crate::failure::{Code, Failure};
use crate::flows::{self, Ledger, Lookup, Past, Planned, Repeat, Settled};
use crate::gateways::ShipmentUpdate;
use crate::message::{Connection, Envelope};
use crate::store::{Effect, Intent, Ownership};

/// What stands in the journal of a call, so that it can be asked about whatever the configuration says by then.
#[derive(Serialize, Deserialize)]
struct RecordedCall {
    act: String,
    document: String,
    facts: Value,
    lookup: Lookup,
}

impl RecordedCall {
    /// What is known once it happened.
    fn past(self, intent: &Intent, answered: Value) -> Past {
        Past {
            key: intent.key.clone(),
            act: self.act,
            connection: intent.connection.clone(),
            facts: facts_with(self.facts, answered),
        }
    }
}

/// The act under which calls that outlived their message stand among what happened to its document.
const OUTLIVED: &str = "unsure";

/// The intent of a planned call.
pub(super) fn intent(planned: &Planned, message: &Envelope) -> Intent {
    let call = RecordedCall {
        act: planned.act.to_owned(),
        document: message.ledger_key(),
        facts: planned.facts.clone(),
        lookup: planned.call.lookup(),
    };
    Intent {
        key: planned.key.clone(),
        connection: planned.connection.to_string(),
        class: planned.class.as_str().to_owned(),
        // Names, texts and JSON: it cannot fail, and an empty call would only be asked of a person.
        call: serde_json::to_value(call).unwrap_or_default(),
        committed_at: None,
    }
}

/// The facts of a call, with what its far end answered.
pub(super) fn facts_with(mut facts: Value, answered: Value) -> Value {
    match (&mut facts, answered) {
        (Value::Object(known), Value::Object(answered)) => known.extend(answered),
        (_, Value::Null) => {}
        (known, answered) => *known = answered,
    }
    facts
}

/// What a row of the store says that happened.
pub(super) fn past(effect: Effect) -> Past {
    let Effect { key, act, connection, facts, .. } = effect;
    Past { key, act, connection, facts }
}

/// Calls of messages that a person discarded: they may have happened, and whoever works on the document next must know.
/// What cannot be looked up is left out: for that, discarding was the person's verdict.
pub(super) fn outlived(ledger: &Ledger) -> Vec<Intent> {
    let outlived = ledger.facts::<Vec<Intent>>(OUTLIVED).into_iter().flatten();
    outlived.filter(|intent| is_looked_up(intent) && !ledger.has(&looked_up(intent))).collect()
}

/// The calls of a message that ended while its worker was dead, as they stand in the journal of its document.
pub(super) fn outliving(owner: Ownership, message_id: Uuid, intents: &[Intent]) -> Option<Effect> {
    let first = intents.first()?;
    let call: RecordedCall = serde_json::from_value(first.call.clone()).ok()?;
    Some(Effect {
        key: format!("unsure/{message_id}/{}/journal", owner.flow),
        document: call.document,
        act: OUTLIVED.to_owned(),
        connection: first.connection.clone(),
        message_id,
        facts: serde_json::to_value(intents).ok()?,
    })
}

fn is_looked_up(intent: &Intent) -> bool {
    let recorded = serde_json::from_value::<RecordedCall>(intent.call.clone());
    let lookup = recorded.is_ok_and(|recorded| recorded.lookup != Lookup::Again);
    lookup && class(&intent.class).is_some_and(|class| class != Repeat::Neither)
}

/// What says that an outlived call was looked up and need not be again.
fn looked_up(intent: &Intent) -> String {
    let at = intent.committed_at.map(|at| at.to_string()).unwrap_or_default();
    format!("unsure_looked_up/{}/{at}", intent.key)
}

/// Settles every unsure call of the message. What is not settled when this stops stays unsure.
pub(super) async fn settle(attempt: &mut Attempt<'_>) -> Result<(), Verdict> {
    while let Some(intent) = attempt.unsure.first().cloned() {
        if let Some(pasts) = by_hand::settled(attempt, &intent) {
            if pasts.is_empty() {
                looked_up_if_outlived(attempt, &intent);
            }
            for past in pasts {
                attempt.happened(past);
            }
        } else if let Some(past) = ask(attempt, &intent).await? {
            let what = format!("{} had happened before the answer was lost ({}).", past.act, past.key);
            attempt.step(&past.connection.clone(), what, "live");
            attempt.happened(past);
        } else {
            looked_up_if_outlived(attempt, &intent);
        }
        attempt.unsure.remove(0);
    }
    by_hand::all_settled(attempt);
    Ok(())
}

/// A call that outlived its message, and did not happen, is not asked about again.
fn looked_up_if_outlived(attempt: &mut Attempt<'_>, intent: &Intent) {
    if outlived(&attempt.ledger).iter().any(|outlived| outlived.key == intent.key) {
        let (key, connection) = (looked_up(intent), intent.connection.clone());
        attempt.happened(Past { key, act: "unsure_looked_up".to_owned(), connection, facts: Value::Null });
    }
}

/// A call as it stands in its intent, as if it had happened. Of one that cannot be read only its key is known.
pub(super) fn recorded(intent: &Intent) -> Past {
    match serde_json::from_value::<RecordedCall>(intent.call.clone()) {
        Ok(recorded) => recorded.past(intent, Value::Null),
        Err(_) => Past {
            key: intent.key.clone(),
            act: "unreadable".to_owned(),
            connection: intent.connection.clone(),
            facts: Value::Null,
        },
    }
}

/// What came of one call; nothing when it did not happen, or may be made again.
async fn ask(attempt: &mut Attempt<'_>, intent: &Intent) -> Result<Option<Past>, Verdict> {
    let recorded = serde_json::from_value::<RecordedCall>(intent.call.clone());
    let (Ok(recorded), Some(class)) = (recorded, class(&intent.class)) else { return Err(for_a_person(intent)) };
    match (class, &recorded.lookup) {
        (Repeat::Neither, _) => return Err(for_a_person(intent)),
        (Repeat::Absorbs | Repeat::Findable, Lookup::Again) => return Ok(None),
        (
            Repeat::Absorbs | Repeat::Findable,
            Lookup::Order { .. }
            | Lookup::Change { .. }
            | Lookup::Cancellation { .. }
            | Lookup::Update(_)
            | Lookup::Return { .. },
        ) => {}
    }
    let connection = reachable(attempt, &intent.connection)?;
    // The time is read before the far end is asked: what it shows then is at least this old.
    let too_early = too_early(attempt, &connection, intent).await;
    let settled = flows::settle(&attempt.house.tools.gateways, &connection, &recorded.lookup).await;
    match settled.map_err(|failure| Verdict::Pause(Pause::Failed(failure)))? {
        Settled::Happened(answered) => Ok(Some(recorded.past(intent, answered))),
        Settled::Half(update) => {
            let answered = complete(attempt, intent, &connection, &update).await?;
            Ok(Some(recorded.past(intent, answered)))
        }
        Settled::Instead(past) => Ok(Some(past)),
        Settled::Again => Ok(None),
        Settled::NotThere => match too_early.filter(|_| class == Repeat::Findable) {
            Some(after) => Err(Verdict::Pause(Pause::Again { after, failure: None })),
            None => Ok(None),
        },
    }
}

/// What a dry run finds of a call that may have happened, whenever it was intended; nothing when it shows nowhere, or may be
/// made again.
pub(super) async fn found(house: &House, intent: &Intent) -> Result<Option<Past>, Failure> {
    let recorded = serde_json::from_value::<RecordedCall>(intent.call.clone());
    let (Ok(recorded), Some(Repeat::Absorbs | Repeat::Findable)) = (recorded, class(&intent.class)) else {
        return Err(nobody_can_tell(intent));
    };
    let gateways = &house.tools.gateways;
    let connection = Connection::new(&intent.connection).ok().filter(|name| gateways.mode(name).is_some());
    let connection = connection.ok_or_else(|| unknown(&intent.connection))?;
    Ok(match flows::settle(gateways, &connection, &recorded.lookup).await? {
        Settled::Happened(answered) => Some(recorded.past(intent, answered)),
        Settled::Instead(past) => Some(past),
        Settled::Half(_) | Settled::Again | Settled::NotThere => None,
    })
}

/// Makes the rest of a call of which a part happened: with an intent of now, and only where a call may begin.
async fn complete(
    attempt: &mut Attempt<'_>,
    intent: &Intent,
    connection: &Connection,
    update: &ShipmentUpdate,
) -> Result<Value, Verdict> {
    if attempt.house.tools.gateways.mode(connection) == Some(Mode::DryRun) {
        return Err(calls::dry_run(attempt, connection.as_str()));
    }
    let again = Intent { committed_at: None, ..intent.clone() };
    let deadline = calls::begin(attempt, std::slice::from_ref(&again), &mut None).await?;
    if let Some(first) = attempt.unsure.first_mut() {
        *first = again;
    }
    let tools = &attempt.house.tools;
    let completing = flows::complete(&tools.gateways, (connection, &intent.key), update, &tools.clock, deadline);
    Box::pin(completing).await.map_err(|failure| Verdict::Pause(Pause::Failed(failure)))
}

/// How long it takes until "not there" counts; nothing when it counts already.
async fn too_early(attempt: &Attempt<'_>, connection: &Connection, intent: &Intent) -> Option<Duration> {
    let tools = &attempt.house.tools;
    let needed = ms(tools.config.gateways.call_ms_max) + tools.gateways.settle(connection);
    // An intent of this process's own has no time yet: it counts as made just now.
    let Some(committed_at) = intent.committed_at else { return Some(needed) };
    let now = attempt.house.persistently("reading its clock", || tools.store.now()).await;
    not_there_counts_in(committed_at, now, needed)
}

/// How long after `now` "not there" counts for a call intended at `committed_at`; nothing when it counts already.
#[must_use]
pub fn not_there_counts_in(committed_at: Timestamp, now: Timestamp, needed: Duration) -> Option<Duration> {
    let age = Duration::try_from(now.duration_since(committed_at)).unwrap_or_default();
    needed.checked_sub(age).filter(|left| !left.is_zero())
}

/// The recorded far end, when it may be asked.
fn reachable(attempt: &Attempt<'_>, name: &str) -> Result<Connection, Verdict> {
    let connection = Connection::new(name).ok();
    let mode = connection.as_ref().and_then(|connection| attempt.house.tools.gateways.mode(connection));
    let (Some(connection), Some(_)) = (connection, mode) else {
        return Err(Verdict::Pause(Pause::Failed(unknown(name))));
    };
    match attempt.house.tools.gateways.refusal(&connection, attempt.job.tenure.owner.flow) {
        None => Ok(connection),
        Some(failure) => Err(Verdict::Pause(Pause::Failed(failure))),
    }
}

/// The failure of a connection that is gone.
pub(super) fn unknown(connection: &str) -> Failure {
    let sentence = format!("The connection {connection} is not configured any more. Configure it again, then replay.");
    Failure::new(Code::ConnectionUnknown, sentence)
}

fn for_a_person(intent: &Intent) -> Verdict {
    Verdict::Pause(Pause::Failed(nobody_can_tell(intent)))
}

fn nobody_can_tell(intent: &Intent) -> Failure {
    let sentence = format!(
        "A call to {} may have happened, and nobody can tell but a person there ({}). Look there, then say with \
         `drayline exceptions resolve` whether it exists; until then it is not repeated.",
        intent.connection, intent.key
    );
    Failure::new(Code::EffectUnsure, sentence)
}

fn class(name: &str) -> Option<Repeat> {
    [Repeat::Absorbs, Repeat::Findable, Repeat::Neither].into_iter().find(|class| class.as_str() == name)
}
