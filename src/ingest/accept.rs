//! Making messages durable: the queue first, the outbox while the broker is away, and neither means: come back.
//!
//! After a message went into the outbox, its flow stays there until no accepted rows of it wait: a direct publish would
//! pass them. The rows commit under a reader's guard and the return is decided under the writer's, so that nobody
//! returns while a row of this process is about to be committed. Between processes that change over at different
//! moments a key has no order; flows converge without it.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use tokio::sync::RwLock;

use super::Doors;
use crate::clock::{Clock, Mark};
use crate::config::{Config, ms};
use crate::message::{Envelope, Flow};
use crate::rehearsal::{Rehearsal, Step};
use crate::store::{OutboxRow, Purpose, Store};
use crate::telemetry::NotDeliveredKept;
use crate::transport::{Outgoing, Target, Transport};

/// Documents of one request whose messages are made durable side by side.
const DOCUMENTS_AT_ONCE: usize = 64;

/// Requests of a flow wait for this answer: a store that is slower is away.
const STORE_ANSWERS_WITHIN: Duration = Duration::from_millis(500);

/// Where a message is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    Published,
    Outbox,
}

/// It is durable nowhere that we know of: the sender has to come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotDurable;

/// Makes messages durable. One per process, because it remembers which flows take the outbox.
pub(super) struct Acceptance {
    transport: Transport,
    store: Store,
    clock: Clock,
    outbox_rows_max: u64,
    ask_every: Duration,
    deadline: Duration,
    rehearsal: Rehearsal,
    roads: [RwLock<Road>; Flow::ALL.len()],
}

/// How messages of a flow leave this process.
#[derive(Clone, Copy, Debug)]
enum Road {
    /// Nobody has looked yet whether rows of an earlier life wait.
    Unknown,
    /// To the broker.
    Direct,
    /// To the outbox, until no rows wait; when the store was last asked.
    Outbox { asked: Mark },
}

impl Acceptance {
    pub fn new(doors: &Doors) -> Self {
        let config: &Config = &doors.config;
        Self {
            transport: doors.transport.clone(),
            store: doors.store.clone(),
            clock: doors.clock.clone(),
            outbox_rows_max: config.ingest.outbox_rows_max,
            ask_every: ms(config.processor.outbox_poll_ms),
            deadline: ms(config.ingest.accept_deadline_ms),
            // The configuration was checked before: what cannot be read here rehearses nothing.
            rehearsal: Rehearsal::parse(&config.rehearsal.kill_at, &config.rehearsal.freeze_at).unwrap_or_default(),
            roads: std::array::from_fn(|_| RwLock::new(Road::Unknown)),
        }
    }

    /// All of them, or not all: then the sender comes back with all, and those that are durable are repeats. Messages of
    /// one document go one after another, in the order of the request.
    pub async fn accept(&self, messages: Vec<Envelope>) -> Result<Way, NotDurable> {
        let documents = by_document(messages).into_iter().map(|document| self.accept_in_order(document));
        let mut ways = stream::iter(documents).buffer_unordered(DOCUMENTS_AT_ONCE);
        let all = async {
            let mut farthest = Way::Published;
            while let Some(way) = ways.next().await {
                farthest = farthest.max(way?);
            }
            Ok(farthest)
        };
        tokio::time::timeout(self.deadline, all).await.unwrap_or(Err(NotDurable))
    }

    async fn accept_in_order(&self, messages: Vec<Envelope>) -> Result<Way, NotDurable> {
        let mut farthest = Way::Published;
        for message in &messages {
            farthest = farthest.max(self.accept_one(message).await?);
        }
        Ok(farthest)
    }

    async fn accept_one(&self, message: &Envelope) -> Result<Way, NotDurable> {
        let road = &self.roads[message.flow() as usize];
        let bytes = message.encode();
        if self.is_direct(message.flow()).await {
            let publish = self.transport.publish(outgoing(message, bytes.clone()));
            match self.rehearsal.handed_over(Step::AcceptSent, publish).await {
                Ok(()) => {
                    self.rehearsal.reached(Step::AcceptDurable);
                    return Ok(Way::Published);
                }
                Err(why) => {
                    NotDeliveredKept { flow: message.flow(), why: &why.to_string() }.emit();
                    *road.write().await = Road::Outbox { asked: self.clock.mark() };
                }
            }
        }
        let row = outbox_row(message, bytes);
        loop {
            let guard = road.read().await;
            if matches!(*guard, Road::Outbox { .. }) {
                let kept = self.store.accept(&row, self.outbox_rows_max).await;
                self.rehearsal.reached(Step::AcceptDurable);
                return if kept.unwrap_or(false) { Ok(Way::Outbox) } else { Err(NotDurable) };
            }
            // Somebody saw an empty outbox since; this row makes it the road again before it is committed.
            drop(guard);
            *road.write().await = Road::Outbox { asked: self.clock.mark() };
        }
    }

    /// Whether messages of the flow go to the broker now; asks the store where that has to be found out.
    async fn is_direct(&self, flow: Flow) -> bool {
        let road = &self.roads[flow as usize];
        if !self.has_to_ask(*road.read().await) {
            return matches!(*road.read().await, Road::Direct);
        }
        let mut road = road.write().await;
        if !self.has_to_ask(*road) {
            return matches!(*road, Road::Direct);
        }
        let asking = self.store.waiting(Some(flow), Some(Purpose::Ingest));
        let waiting = tokio::time::timeout(STORE_ANSWERS_WITHIN, asking).await.ok().and_then(Result::ok);
        let (next, direct) = match (waiting, *road) {
            (Some(waiting), _) if waiting.rows == 0 => (Road::Direct, true),
            // The broker may well be there, and nothing is known to wait: better out of order than refused.
            (None, Road::Unknown) => (Road::Unknown, true),
            (Some(_) | None, _) => (Road::Outbox { asked: self.clock.mark() }, false),
        };
        *road = next;
        direct
    }

    fn has_to_ask(&self, road: Road) -> bool {
        match road {
            Road::Unknown => true,
            Road::Direct => false,
            Road::Outbox { asked } => self.clock.since(asked) >= self.ask_every,
        }
    }
}

/// One list per document, in the order of their first messages; a message that stands there twice is one.
fn by_document(messages: Vec<Envelope>) -> Vec<Vec<Envelope>> {
    let mut places = HashMap::new();
    let mut seen = HashSet::new();
    let mut documents: Vec<Vec<Envelope>> = Vec::new();
    for message in messages.into_iter().filter(|message| seen.insert(message.message_id)) {
        let place = *places.entry(message.ordering_key.clone()).or_insert(documents.len());
        if place == documents.len() {
            documents.push(Vec::new());
        }
        documents[place].push(message);
    }
    documents
}

/// A message with its bytes, as it is published.
#[must_use]
pub fn outgoing(message: &Envelope, bytes: Vec<u8>) -> Outgoing {
    Outgoing {
        target: Target::Flow(message.flow()),
        ordering_key: message.ordering_key.clone(),
        message_id: message.message_id,
        type_name: message.kind().type_name().to_owned(),
        traceparent: message.traceparent.clone(),
        headers: vec![
            ("source".to_owned(), message.connection.to_string()),
            ("correlation".to_owned(), message.message_id.to_string()),
        ],
        bytes,
    }
}

fn outbox_row(message: &Envelope, bytes: Vec<u8>) -> OutboxRow {
    OutboxRow {
        id: 0,
        flow: message.flow(),
        purpose: Purpose::Ingest,
        ordering_key: message.ordering_key.to_string(),
        message_id: message.message_id,
        kind: message.kind().as_str().to_owned(),
        traceparent: message.traceparent.clone(),
        bytes,
        failure: None,
    }
}
