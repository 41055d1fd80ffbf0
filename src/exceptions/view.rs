//! Exceptions as people see them.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::matching::{Suggestion, suggestions};
use crate::failure::Code;
use crate::mapping::in_words;
use crate::message::{Envelope, Flow};
use crate::store::{
    ActView, AttemptView, Cursor, ExceptionFilter, Listed, Parked, ParkedFilter, Revision, Store, StoreError, WaitsFor,
    Work, WorkState,
};

/// One exception, with the JSON keys of the interface.
#[derive(Clone, Debug, Serialize)]
pub struct Exception {
    /// The message's id.
    pub id: Uuid,
    /// `system.reason`; see `docs/exceptions.md`.
    pub code: String,
    /// What happened, to which document.
    pub sentence: String,
    /// What to do next.
    pub next_step: String,
    /// Of which flow.
    pub flow: Flow,
    /// Where the message came from.
    pub connection: String,
    /// The document.
    pub document: String,
    /// Where the work on it stands: the words of [`WorkState`], or `waiting` for what no person has to act on.
    pub status: String,
    /// Who has it: whom somebody named, else the team of its code.
    pub owner: String,
    /// The same for the same cause.
    pub fingerprint: String,
    /// Attempts since the last fresh budget.
    pub attempts: u32,
    /// Messages held behind it.
    pub followers: u64,
    /// The message that stands in front of it, and has to be solved first.
    pub behind: Option<Uuid>,
    /// The named thing that is missing: when it appears, this goes on by itself.
    pub awaits: Option<String>,
    /// How often it failed again after it was over.
    pub reopened: u32,
    /// What people call it.
    pub tags: Vec<String>,
    /// What it is about: the item that is missing something, else those of its lines, where they are known.
    pub items: Vec<String>,
    /// Rises with everything that people set, and whenever it fails again: whoever sets something may say what was seen.
    pub version: i64,
    /// When it shall be done, as somebody said.
    pub due: Option<Timestamp>,
    /// When the document shall have arrived, as Dynamics says.
    pub promised: Option<Timestamp>,
    /// What the document is worth, as Dynamics says: a decimal.
    pub value: Option<String>,
    /// In which currency.
    pub currency: Option<String>,
    /// When it was first seen.
    pub first_seen: Option<Timestamp>,
    /// When its message was last parked.
    pub last_seen: Option<Timestamp>,
    /// When it was over.
    pub ended: Option<Timestamp>,
    /// Where its code is explained.
    pub help: String,
}

/// An exception with all there is to see.
#[derive(Clone, Debug, Serialize)]
pub struct Shown {
    /// As in the list.
    #[serde(flatten)]
    pub exception: Exception,
    /// The far end's own words.
    pub detail: Option<String>,
    /// What its message waits for: `person`, `time`, `document …`, `far end …`, `flow …`, `head …`; nothing when it is over.
    pub waits_for: Option<String>,
    /// Calls that may have happened: key, far end, class.
    pub unsure: Vec<(String, String, String)>,
    /// Who asked for the last replay.
    pub asked_by: Option<String>,
    /// Every attempt that failed, oldest first.
    pub tried: Vec<AttemptView>,
    /// What people did, oldest first.
    pub history: Vec<ActView>,
    /// What it was before each patch of it.
    pub revisions: Vec<Revised>,
    /// Of goods without an RMA, the returns and orders that may be meant, the likeliest first.
    pub suggestions: Vec<Suggestion>,
    /// The message, readable; nothing when it is parked no more, or its bytes are no envelope.
    pub message: Option<Value>,
    /// The sender's untouched body as text, where it is text.
    pub body: Option<String>,
}

/// Who has which code, where a configuration says so.
pub type Owners = BTreeMap<String, String>;

/// The exceptions in the order in which people should work, and how many there are from there on.
///
/// # Errors
/// The store's.
pub async fn list(
    store: &Store,
    owners: &Owners,
    filter: &ExceptionFilter,
) -> Result<(u64, Vec<Exception>), StoreError> {
    let (total, placed) = page(store, owners, filter).await?;
    Ok((total, placed.into_iter().map(|(_, exception)| exception).collect()))
}

/// The same, each with its place in the list.
///
/// # Errors
/// The store's.
pub async fn page(
    store: &Store,
    owners: &Owners,
    filter: &ExceptionFilter,
) -> Result<(u64, Vec<(Cursor, Exception)>), StoreError> {
    let (total, works) = store.exceptions(filter).await?;
    Ok((total, works.into_iter().map(|work| (work.cursor.clone(), of_work(work, owners))).collect()))
}

/// Everything that is parked, whatever it waits for: what was parked first, first.
///
/// # Errors
/// The store's.
pub async fn parked(
    store: &Store,
    owners: &Owners,
    flow: Option<Flow>,
    limit: u32,
) -> Result<(u64, Vec<Exception>), StoreError> {
    let (total, listed) = store.parked(&ParkedFilter { flow, limit, ..ParkedFilter::default() }).await?;
    Ok((total, listed.into_iter().map(|listed| of_parked(listed, owners)).collect()))
}

/// One exception with all there is to see, open or over; nothing when the message never was one and is not parked.
///
/// # Errors
/// The store's.
pub async fn show(store: &Store, owners: &Owners, id: Uuid) -> Result<Option<Shown>, StoreError> {
    let one = ExceptionFilter {
        messages: Some(vec![id]),
        states: WorkState::ALL.to_vec(),
        limit: 1,
        ..ExceptionFilter::default()
    };
    let work = store.exceptions(&one).await?.1.pop();
    let filter = ParkedFilter { message_id: Some(id), limit: 1, ..ParkedFilter::default() };
    let listed = store.parked(&filter).await?.1.pop();
    let waits_for = listed.as_ref().map(waits_for);
    let parked = listed.as_ref().map(|listed| listed.parked.clone());
    let detail = work.as_ref().and_then(|work| work.detail.clone());
    let detail = detail.or_else(|| parked.as_ref()?.failure.as_ref()?.detail.clone());
    let exception = match (work, listed) {
        (Some(work), _) => of_work(work, owners),
        (None, Some(listed)) => of_parked(listed, owners),
        (None, None) => return Ok(None),
    };
    let envelope = parked.as_ref().and_then(|parked| Envelope::decode(&parked.bytes).ok());
    let body = envelope.as_ref().and_then(|envelope| envelope.raw.as_ref()?.unpack());
    let suggestions = match envelope.as_ref().filter(|_| waits_for.as_deref() == Some("person")) {
        Some(envelope) => suggestions(store, envelope).await?,
        None => Vec::new(),
    };
    Ok(Some(Shown {
        exception,
        detail,
        waits_for,
        unsure: parked.iter().flat_map(unsure).collect(),
        asked_by: parked.and_then(|parked| parked.asked_by),
        tried: store.failed_attempts(id).await?,
        history: store.acts(id).await?,
        revisions: store.revisions(id).await?.iter().map(revised).collect(),
        suggestions,
        message: envelope.map(|envelope| envelope.to_json()),
        body: body.and_then(|bytes| String::from_utf8(bytes).ok()),
    }))
}

/// A message as it was before a patch.
#[derive(Clone, Debug, Serialize)]
pub struct Revised {
    /// Counted from 0, which is how it came.
    pub revision: u32,
    /// What it said then.
    pub message: Option<Value>,
    /// The jq filter that changed it.
    pub patch: String,
    /// When.
    pub at: Timestamp,
    /// Who asked for it.
    pub by: String,
}

fn revised(was: &Revision) -> Revised {
    let message = Envelope::decode(&was.bytes).ok().map(|envelope| envelope.to_json());
    Revised { revision: was.number, message, patch: was.patch.clone(), at: was.at, by: was.by.clone() }
}

/// The documents of messages, for the trail; of a message that is no exception, its id.
///
/// # Errors
/// The store's.
pub async fn documents_of(store: &Store, messages: &[Uuid]) -> Result<Vec<String>, StoreError> {
    let named = ExceptionFilter {
        messages: Some(messages.to_vec()),
        states: WorkState::ALL.to_vec(),
        limit: u32::MAX,
        ..ExceptionFilter::default()
    };
    let (_, works) = store.exceptions(&named).await?;
    let known: HashMap<_, _> = works.into_iter().map(|work| (work.message_id, work.document)).collect();
    Ok(messages.iter().map(|id| known.get(id).cloned().unwrap_or_else(|| id.to_string())).collect())
}

/// Who has a code: whoever the configuration names, else the team that usually does.
#[must_use]
pub fn owner(owners: &Owners, code: &str) -> String {
    let usual = || code.parse().map_or("integration", Code::owner).to_owned();
    owners.get(code).cloned().unwrap_or_else(usual)
}

/// Every code that somebody has where nobody else is named.
#[must_use]
pub fn codes_of(owners: &Owners, name: &str) -> Vec<String> {
    let codes = Code::ALL.iter().map(|code| code.as_str());
    codes.filter(|code| owner(owners, code) == name).map(str::to_owned).collect()
}

fn of_work(work: Work, owners: &Owners) -> Exception {
    Exception {
        id: work.message_id,
        next_step: next_step(&work.code, work.behind, work.awaits.as_deref()),
        owner: work.owner.unwrap_or_else(|| owner(owners, &work.code)),
        help: help(&work.code),
        code: work.code,
        sentence: work.sentence,
        flow: work.flow,
        connection: work.connection,
        document: work.document,
        status: work.state,
        fingerprint: work.fingerprint,
        attempts: work.attempts,
        followers: work.followers,
        behind: work.behind,
        awaits: work.awaits,
        reopened: work.reopened,
        tags: work.tags,
        items: work.items,
        version: work.version,
        due: work.due_at,
        promised: work.promised_at,
        value: work.value,
        currency: work.currency,
        first_seen: Some(work.first_seen_at),
        last_seen: Some(work.last_seen_at),
        ended: work.ended_at,
    }
}

fn of_parked(listed: Listed, owners: &Owners) -> Exception {
    let Listed { parked, followers, behind } = listed;
    let status = status(&parked).as_str().to_owned();
    let (code, sentence, awaits) = match parked.failure {
        Some(failure) => (failure.code, failure.sentence, failure.awaits),
        None => (String::new(), "It waits behind another message of the same document.".to_owned(), None),
    };
    Exception {
        id: parked.message_id,
        next_step: next_step(&code, behind, awaits.as_deref()),
        owner: owner(owners, &code),
        help: help(&code),
        code,
        sentence,
        flow: parked.flow,
        connection: parked.connection,
        document: parked.ordering_key,
        status,
        fingerprint: parked.fingerprint.unwrap_or_default(),
        attempts: parked.attempts,
        followers,
        behind,
        awaits,
        reopened: 0,
        tags: Vec::new(),
        items: Vec::new(),
        version: 0,
        due: None,
        promised: None,
        value: None,
        currency: None,
        first_seen: parked.first_parked_at,
        last_seen: parked.last_parked_at,
        ended: None,
    }
}

fn next_step(code: &str, behind: Option<Uuid>, awaits: Option<&str>) -> String {
    let step = match (code.parse::<Code>().ok(), behind) {
        (_, Some(head)) => return format!("Solve {head} first, it stands in front."),
        (Some(code), None) => code.next_step(),
        (None, None) => "See docs/exceptions.md of the release that parked it.",
    };
    let Some(name) = awaits else { return step.to_owned() };
    let step = ["; it then goes on by itself.", ", then replay it."]
        .iter()
        .find_map(|end| step.strip_suffix(end))
        .unwrap_or(step);
    format!("{}. It goes on by itself when {}.", step.trim_end_matches('.'), in_words(name))
}

fn help(code: &str) -> String {
    format!("docs/exceptions.md#{}", code.replace('.', ""))
}

fn unsure(parked: &Parked) -> Vec<(String, String, String)> {
    let of = |intent: &crate::store::Intent| (intent.key.clone(), intent.connection.clone(), intent.class.clone());
    parked.unsure.iter().map(of).collect()
}

fn waits_for(listed: &Listed) -> String {
    match (&listed.parked.waits_for, listed.behind) {
        (WaitsFor::Head | WaitsFor::Room, Some(head)) => format!("head {head}"),
        (WaitsFor::Head | WaitsFor::Room, None) => "its turn".to_owned(),
        (WaitsFor::Time { .. }, _) => "time".to_owned(),
        (WaitsFor::Document { key, .. }, _) => format!("document {key}"),
        (WaitsFor::FarEnd { connection }, _) => format!("far end {connection}"),
        (WaitsFor::Flow, _) => format!("flow {}, which is paused", listed.parked.flow),
        (WaitsFor::Person, _) => "person".to_owned(),
    }
}

fn status(parked: &Parked) -> WorkState {
    match parked.waits_for {
        WaitsFor::Person if parked.failure.as_ref().is_some_and(|failure| failure.awaits.is_some()) => {
            WorkState::Waiting
        }
        WaitsFor::Person => WorkState::Open,
        // Somebody asked for it, and it has not ended since.
        _ if parked.asked > 0 => WorkState::Replaying,
        WaitsFor::Head
        | WaitsFor::Document { .. }
        | WaitsFor::Time { .. }
        | WaitsFor::FarEnd { .. }
        | WaitsFor::Flow
        | WaitsFor::Room => WorkState::Waiting,
    }
}
