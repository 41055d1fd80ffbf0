//! What is said to far ends, and what they say: heard while somebody listens, and forgotten unless somebody asks.
//!
//! Two may listen, each to what is called on his own behalf, wherever in the work it is called. Who *records* gets every exchange, for
//! people who look why something failed. Who *rehearses* has reading calls made as always, while what would change a far end
//! is kept and not sent: whoever calls is told [`NotSent::Rehearsed`](super::NotSent::Rehearsed).
//!
//! Listening costs a copy of what is shown of each body, whose size is limited; names are masked and texts made only when
//! somebody asks. What several share in one request each of them hears. A rehearsal shares no request with anybody: nothing
//! of it can travel with what others send, and none of theirs can be held back with it.
//!
//! Headers are not kept at all, nor the bodies by which tokens are had: so no secret is in what was heard.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use reqwest::{Method, Url};
use serde::{Deserialize, Serialize};

use super::http::{Answer, Call};
use super::masking::{self, masked};
use crate::clock::{Clock, Mark};
use crate::message::Connection;

/// The latest exchanges of one piece of work are kept, so many; of a rehearsal all.
const EXCHANGES_MAX: usize = 64;

tokio::task_local! {
    static LISTENING: Listening;
}

/// One request to a far end and what became of it, for people: cut, and without personal data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// When the request left.
    pub at: Timestamp,
    /// The far end.
    pub connection: String,
    /// `POST`.
    pub method: String,
    /// With its query, without its host.
    pub path: String,
    /// What was sent; empty where there was no body.
    pub request: String,
    /// Nothing when there was no answer.
    pub status: Option<u16>,
    /// What was answered.
    pub answer: Option<String>,
    /// How long it took.
    pub ms: u64,
}

/// A request that would change something at a far end, whole, with the personal data that belong to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WouldSend {
    /// The far end.
    pub connection: String,
    /// `POST`.
    pub method: String,
    /// With its query, without its host.
    pub path: String,
    /// What would be sent; empty where there is no body.
    pub body: String,
}

impl WouldSend {
    /// The same without personal data.
    #[must_use]
    pub fn masked(&self) -> Self {
        Self { body: masked(&self.body), ..self.clone() }
    }
}

/// What was heard. Cheap to keep, to clone and to drop.
#[derive(Clone, Default)]
pub struct Heard(Vec<Arc<Spoken>>);

/// Does work, and hears what it says to far ends.
pub async fn recording<F: Future>(work: F) -> (F::Output, Heard) {
    listening(Listening::default(), work).await
}

/// Does work, and keeps what it would change at far ends. It reads as always.
pub async fn rehearsing<F: Future>(work: F) -> (F::Output, Heard) {
    listening(Listening { rehearses: true, ..Listening::default() }, work).await
}

async fn listening<F: Future>(listening: Listening, work: F) -> (F::Output, Heard) {
    let done = LISTENING.scope(listening.clone(), work).await;
    let heard = std::mem::take(&mut *listening.heard.lock().unwrap_or_else(PoisonError::into_inner));
    (done, Heard(heard.into()))
}

/// Whether what runs here is a rehearsal.
pub(super) fn rehearses() -> bool {
    LISTENING.try_with(|listening| listening.rehearses).unwrap_or(false)
}

/// Whether somebody listens here.
pub(super) fn is_heard() -> bool {
    LISTENING.try_with(|_| ()).is_ok()
}

/// Whoever listens here hears what was said for him in a request that others made.
pub(super) fn overheard(heard: &Heard) {
    let _ = LISTENING.try_with(|listening| heard.0.iter().for_each(|spoken| listening.hear(Arc::clone(spoken))));
}

#[derive(Clone, Default)]
struct Listening {
    rehearses: bool,
    heard: Arc<Mutex<VecDeque<Arc<Spoken>>>>,
}

impl Listening {
    fn hear(&self, spoken: Arc<Spoken>) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.rehearses && heard.len() >= EXCHANGES_MAX {
            heard.pop_front();
        }
        heard.push_back(spoken);
    }
}

/// What was said, as it is kept until somebody asks.
struct Spoken {
    at: Timestamp,
    connection: Connection,
    method: Method,
    url: Url,
    request: Piece,
    answer: Option<(u16, Piece)>,
    took: Duration,
    would_send: bool,
}

/// The beginning of a body.
#[derive(Default)]
struct Piece {
    bytes: Vec<u8>,
    whole: usize,
    secret: bool,
}

impl Piece {
    fn of(bytes: &[u8], bytes_max: usize) -> Self {
        Self { bytes: bytes[..bytes.len().min(bytes_max)].to_vec(), whole: bytes.len(), secret: false }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    fn shown(&self) -> String {
        if self.secret {
            return "(not kept: it holds secrets)".to_owned();
        }
        let text = masked(&self.text());
        let left_out = self.whole - self.bytes.len();
        if left_out == 0 { text } else { format!("{text} … ({left_out} more bytes)") }
    }
}

/// A call that is heard; it is kept when it ends, also when whoever made it gave up on it.
pub(super) struct Speaking {
    listening: Listening,
    spoken: Option<Spoken>,
    clock: Clock,
    begun: Mark,
    bytes_max: usize,
}

impl Speaking {
    /// A request that is about to leave, if somebody listens.
    pub(super) fn begin(
        (connection, call): (&Connection, Call),
        request: &reqwest::Request,
        clock: &Clock,
        bytes_max: usize,
    ) -> Option<Self> {
        let listening = LISTENING.try_with(Listening::clone).ok()?;
        let bytes = request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default();
        let would_send = listening.rehearses && call.changing;
        let body = match (call.secret, would_send) {
            (true, _) => Piece { secret: true, ..Piece::default() },
            (false, true) => Piece::of(bytes, usize::MAX),
            (false, false) => Piece::of(bytes, bytes_max),
        };
        let spoken = Spoken {
            at: clock.now(),
            connection: connection.clone(),
            method: request.method().clone(),
            url: request.url().clone(),
            request: body,
            answer: None,
            took: Duration::ZERO,
            would_send,
        };
        Some(Self { listening, spoken: Some(spoken), clock: clock.clone(), begun: clock.mark(), bytes_max })
    }

    pub(super) fn answered(&mut self, answer: &Answer) {
        let Some(spoken) = &mut self.spoken else { return };
        let secret = spoken.request.secret;
        let piece = if secret { Piece { secret, ..Piece::default() } } else { Piece::of(&answer.body, self.bytes_max) };
        spoken.answer = Some((answer.status, piece));
    }
}

impl Drop for Speaking {
    fn drop(&mut self) {
        if let Some(mut spoken) = self.spoken.take() {
            spoken.took = self.clock.since(self.begun);
            self.listening.hear(Arc::new(spoken));
        }
    }
}

impl Heard {
    /// What was said and answered, in the order in which it ended, for people.
    #[must_use]
    pub fn exchanges(&self) -> Vec<Exchange> {
        let said = self.0.iter().filter(|spoken| !spoken.would_send);
        let shown = |spoken: &Arc<Spoken>| Exchange {
            at: spoken.at,
            connection: spoken.connection.to_string(),
            method: spoken.method.to_string(),
            path: masking::path(&spoken.url),
            request: spoken.request.shown(),
            status: spoken.answer.as_ref().map(|(status, _)| *status),
            answer: spoken.answer.as_ref().map(|(_, piece)| piece.shown()),
            ms: u64::try_from(spoken.took.as_millis()).unwrap_or(u64::MAX),
        };
        said.map(shown).collect()
    }

    /// What would have changed something and was not sent, in the order in which it would have been.
    #[must_use]
    pub fn would_send(&self) -> Vec<WouldSend> {
        let kept = self.0.iter().filter(|spoken| spoken.would_send);
        let whole = |spoken: &Arc<Spoken>| WouldSend {
            connection: spoken.connection.to_string(),
            method: spoken.method.to_string(),
            path: masking::path(&spoken.url),
            body: spoken.request.text(),
        };
        kept.map(whole).collect()
    }
}
