//! Parked messages as exceptions.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::failure::Code;
use crate::message::{Envelope, Flow, sha256};
use crate::store::{Announcement, Ending, Listed, Parked, ParkedFilter, Store, StoreError, StoredException, WaitsFor};

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
    /// Where the work on it stands.
    pub status: &'static str,
    /// The team that usually acts.
    pub owner: &'static str,
    /// The same for the same cause.
    pub fingerprint: String,
    /// Attempts since the last fresh budget.
    pub attempts: u32,
    /// Messages held behind it.
    pub followers: u64,
    /// When the message was first parked.
    pub first_seen: Option<Timestamp>,
    /// When it was last parked.
    pub last_seen: Option<Timestamp>,
}

/// An exception with all there is to see.
#[derive(Clone, Debug, Serialize)]
pub struct Attempted {
    /// As in the list.
    #[serde(flatten)]
    pub exception: Exception,
    /// The far end's own words.
    pub detail: Option<String>,
    /// What it waits for: `person`, `time`, `document …`, `far end …`, `flow …`, `head …`.
    pub waits_for: String,
    /// Calls that may have happened: key, far end, class.
    pub unsure: Vec<(String, String, String)>,
    /// Who asked for the last replay.
    pub asked_by: Option<String>,
    /// The message, readable; nothing when its bytes are no envelope.
    pub message: Option<Value>,
    /// The sender's untouched body as text, where it is text.
    pub body: Option<String>,
}

/// An exception whose message is not parked any more.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "as in the list")]
pub struct Closed {
    pub id: Uuid,
    pub code: String,
    pub sentence: String,
    pub flow: Flow,
    pub connection: String,
    pub document: String,
    /// `resolved` or `discarded`.
    pub status: &'static str,
    pub first_seen: Timestamp,
    pub last_seen: Timestamp,
    /// When its message ended; nothing until triage has seen it.
    pub ended: Option<Timestamp>,
}

/// What is known of one exception.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Shown {
    /// Its message is parked.
    Parked(Box<Attempted>),
    /// It is over.
    Closed(Closed),
}

/// Which exceptions a person wants to see.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Only of this flow.
    pub flow: Option<Flow>,
    /// Also what waits for something else than a person.
    pub all_parked: bool,
    /// At most this many.
    pub limit: u32,
}

/// The exceptions, newest last, and how many there are in all.
///
/// # Errors
/// The store's.
pub async fn list(store: &Store, selection: &Selection) -> Result<(u64, Vec<Exception>), StoreError> {
    let filter = ParkedFilter {
        message_id: None,
        flow: selection.flow,
        for_a_person: !selection.all_parked,
        limit: selection.limit,
    };
    let (total, listed) = store.parked(&filter).await?;
    Ok((total, listed.iter().map(exception).collect()))
}

/// One parked message with all there is to see, or how its exception ended; nothing when it never was one.
///
/// # Errors
/// The store's.
pub async fn show(store: &Store, id: Uuid) -> Result<Option<Shown>, StoreError> {
    let filter = ParkedFilter { message_id: Some(id), flow: None, for_a_person: false, limit: 1 };
    let (_, listed) = store.parked(&filter).await?;
    if let Some(listed) = listed.first() {
        return Ok(Some(Shown::Parked(Box::new(attempted(listed)))));
    }
    Ok(store.exception(id).await?.map(|stored| Shown::Closed(closed(stored))))
}

fn closed(stored: StoredException) -> Closed {
    let Announcement { message_id, flow, kind: _, connection, document, failure } = stored.announced;
    Closed {
        id: message_id,
        code: failure.code,
        sentence: failure.sentence,
        flow,
        connection,
        document,
        status: match stored.ended {
            Some((Ending::Discarded, _)) => "discarded",
            Some((Ending::Applied | Ending::NotOurs, _)) | None => "resolved",
        },
        first_seen: stored.first_seen_at,
        last_seen: stored.last_seen_at,
        ended: stored.ended.map(|(_, at)| at),
    }
}

fn exception(listed: &Listed) -> Exception {
    let parked = &listed.parked;
    let (code, sentence) = match &parked.failure {
        Some(failure) => (failure.code.clone(), failure.sentence.clone()),
        None => (String::new(), "It waits behind another message of the same document.".to_owned()),
    };
    let known: Option<Code> = code.parse().ok();
    let next_step = match (known, listed.behind) {
        (_, Some(head)) => format!("Solve {head} first, it stands in front."),
        (Some(code), None) => code.next_step().to_owned(),
        (None, None) => "See docs/exceptions.md of the release that parked it.".to_owned(),
    };
    Exception {
        id: parked.message_id,
        fingerprint: fingerprint(&code, &parked.connection, &parked.kind),
        code,
        sentence,
        next_step,
        flow: parked.flow,
        connection: parked.connection.clone(),
        document: parked.ordering_key.clone(),
        status: status(parked),
        owner: known.map_or("integration", Code::owner),
        attempts: parked.attempts,
        followers: listed.followers,
        first_seen: parked.first_parked_at,
        last_seen: parked.last_parked_at,
    }
}

fn attempted(listed: &Listed) -> Attempted {
    let parked = &listed.parked;
    let envelope = Envelope::decode(&parked.bytes).ok();
    let body = envelope.as_ref().and_then(|envelope| envelope.raw.as_ref()?.unpack());
    Attempted {
        exception: exception(listed),
        detail: parked.failure.as_ref().and_then(|failure| failure.detail.clone()),
        waits_for: match (&parked.waits_for, listed.behind) {
            (WaitsFor::Head, Some(head)) => format!("head {head}"),
            (WaitsFor::Head, None) => "its turn".to_owned(),
            (WaitsFor::Time { .. }, _) => "time".to_owned(),
            (WaitsFor::Document { key, .. }, _) => format!("document {key}"),
            (WaitsFor::FarEnd { connection }, _) => format!("far end {connection}"),
            (WaitsFor::Flow, _) => format!("flow {}, which is paused", parked.flow),
            (WaitsFor::Person, _) => "person".to_owned(),
        },
        unsure: parked
            .unsure
            .iter()
            .map(|intent| (intent.key.clone(), intent.connection.clone(), intent.class.clone()))
            .collect(),
        asked_by: parked.asked_by.clone(),
        message: envelope.map(|envelope| envelope.to_json()),
        body: body.and_then(|bytes| String::from_utf8(bytes).ok()),
    }
}

fn status(parked: &Parked) -> &'static str {
    match parked.waits_for {
        WaitsFor::Person => "open",
        // Somebody asked for it, and it has not ended since.
        _ if parked.asked > 0 => "replaying",
        WaitsFor::Head
        | WaitsFor::Document { .. }
        | WaitsFor::Time { .. }
        | WaitsFor::FarEnd { .. }
        | WaitsFor::Flow => "waiting",
    }
}

/// Groups by cause: what failed, with whom, at which kind of message.
fn fingerprint(code: &str, connection: &str, kind: &str) -> String {
    sha256([code, connection, kind].join("\u{1f}").as_bytes())[..12].to_owned()
}
