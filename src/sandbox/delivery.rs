//! Events on their way out: remembered until somebody took them, sent again until then.
//!
//! What is sent is decided once, when the event is raised: bytes, id, whether it is sent twice, whether it is held
//! back. A restart sends what was not taken; an attempt whose answer was not written down is made again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use super::book::{Book, Entry};
use super::ledger::{EVENT, Effect, LedgerLine};
use super::world::World;

/// The dispatcher looks for due events at least this often.
const LOOK_AT_LEAST_EVERY: Duration = Duration::from_millis(200);

/// Something a world wants to tell; one or more events in one body.
pub(super) struct Notice {
    pub(super) events: Vec<EventName>,
    pub(super) body: String,
}

/// An event within a body.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct EventName {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) reference: Option<String>,
    pub(super) subject: Option<String>,
}

/// A body that must be taken by somebody.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Delivery {
    pub(super) number: u64,
    pub(super) events: Vec<EventName>,
    pub(super) body: String,
    /// How often it must be taken; more than once is a fault.
    pub(super) copies: u8,
    pub(super) held_back: bool,
    pub(super) attempts: u32,
    pub(super) due_ms: i64,
}

/// All that is on its way.
#[derive(Default)]
pub(super) struct Outgoing {
    waiting: BTreeMap<u64, Delivery>,
    due: BTreeSet<(i64, u64)>,
    in_flight: BTreeSet<u64>,
    last: u64,
    accepted: BTreeMap<String, u64>,
}

impl Outgoing {
    pub(super) fn next_number(&self) -> u64 {
        self.last + 1
    }

    pub(super) fn raise(&mut self, delivery: Delivery) {
        self.last = self.last.max(delivery.number);
        self.due.insert((delivery.due_ms, delivery.number));
        self.waiting.insert(delivery.number, delivery);
    }

    /// Notes how an attempt ended.
    pub(super) fn attempted(&mut self, number: u64, taken: bool, due_ms: i64) {
        self.in_flight.remove(&number);
        let Some(delivery) = self.waiting.get_mut(&number) else { return };
        self.due.remove(&(delivery.due_ms, number));
        delivery.attempts += 1;
        delivery.due_ms = due_ms;
        if taken {
            delivery.copies = delivery.copies.saturating_sub(1);
            for event in &delivery.events {
                *self.accepted.entry(event.kind.clone()).or_default() += u64::from(delivery.copies == 0);
            }
        }
        if delivery.copies == 0 {
            self.waiting.remove(&number);
        } else {
            self.due.insert((due_ms, number));
        }
    }

    /// Takes what is due, up to `at_once_max` on the way.
    pub(super) fn take_due(&mut self, now_ms: i64, at_once_max: usize) -> Vec<Delivery> {
        let free = at_once_max.saturating_sub(self.in_flight.len());
        let due: Vec<_> = self.due.range(..=(now_ms, u64::MAX)).take(free).copied().collect();
        for place in &due {
            self.due.remove(place);
            self.in_flight.insert(place.1);
        }
        due.iter().filter_map(|(_, number)| self.waiting.get(number).cloned()).collect()
    }

    /// When the next one may leave; nothing while as many are on their way as may be.
    pub(super) fn next_due_ms(&self, at_once_max: usize) -> Option<i64> {
        let free = self.in_flight.len() < at_once_max;
        self.due.first().filter(|_| free).map(|(due_ms, _)| *due_ms)
    }

    /// Events that were not taken yet.
    pub(super) fn pending(&self) -> usize {
        self.waiting.values().map(|delivery| delivery.events.len()).sum()
    }

    /// Events that were taken, by type.
    pub(super) fn accepted(&self) -> &BTreeMap<String, u64> {
        &self.accepted
    }
}

/// Sends what is due, until the sandbox ends.
pub(super) async fn dispatch<W: World>(book: Arc<Book<W>>, client: reqwest::Client) {
    let mut attempts = JoinSet::new();
    loop {
        let address = book.pages().deliver_to.clone();
        if let Some(address) = address {
            for delivery in book.due() {
                attempts.spawn(attempt(book.clone(), client.clone(), address.clone(), delivery));
            }
        }
        tokio::select! {
            () = book.raised.notified() => {}
            Some(_) = attempts.join_next() => while attempts.try_join_next().is_some() {},
            () = tokio::time::sleep(book.until_next(LOOK_AT_LEAST_EVERY)) => {}
        }
    }
}

async fn attempt<W: World>(book: Arc<Book<W>>, client: reqwest::Client, address: String, delivery: Delivery) {
    let at = book.clock.now();
    let mut request = client.post(&address).header("content-type", "application/json").body(delivery.body.clone());
    for (name, value) in W::headers(&book.setting.rules, &delivery, at) {
        request = request.header(name, value);
    }
    let status = match request.timeout(book.delivery.answer_within()).send().await {
        Ok(answer) => answer.status().as_u16(),
        Err(_) => 0,
    };
    attempted(&book, &delivery, at, status);
}

/// Writes down how an attempt that began at an instant ended; 0 is no answer.
pub(super) fn attempted<W: World>(book: &Book<W>, delivery: &Delivery, at: Timestamp, status: u16) {
    let answered_at = book.now();
    let taken = (200..300).contains(&status);
    let wait_ms = if taken { 0 } else { book.delivery.wait_ms(delivery.attempts + 1) };
    let mut pages = book.pages();
    let first = pages.next_line();
    let lines = (first..).zip(&delivery.events).map(|(n, event)| line(n, delivery, event, (at, answered_at, status)));
    let due_ms = answered_at.as_millisecond().saturating_add(wait_ms);
    let mut entries: Vec<_> = lines.map(Entry::Line).collect();
    entries.push(Entry::Attempted { number: delivery.number, taken, due_ms });
    // Nobody waits for this to be on disk: if it never is, the attempt is made again.
    let _ = pages.write(entries);
}

fn line(
    n: u64,
    delivery: &Delivery,
    event: &EventName,
    (at, answered, status): (Timestamp, Timestamp, u16),
) -> LedgerLine {
    LedgerLine {
        n,
        at,
        method: EVENT.to_owned(),
        path: event.kind.clone(),
        reference: event.reference.clone(),
        key: Some(event.id.clone()),
        subject: event.subject.clone(),
        effect: Effect::None,
        status,
        within: false,
        attempt: Some(delivery.attempts + 1),
        answered_at: Some(answered),
        faults: Vec::new(),
    }
}
