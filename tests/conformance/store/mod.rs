//! What a store promises, kept by SQLite and PostgreSQL alike.

mod campaigns;
mod catalogue;
mod intents;
mod lanes;
mod mapping;
mod opening;
mod outbox;
mod outstanding;
mod ownership;
mod people;
mod plans;
mod postgresql;
mod progress;
mod records;
mod scans;
mod snapshots;
mod stopped;
mod waiting;

use std::time::Duration;

use drayline::message::{Flow, Kind};
use drayline::store::{
    Effect, Ending, Known, OutboxRow, Outcome, Ownership, Parked, Place, Purpose, Question, Record, Step, Store,
    WaitsFor, Written,
};
use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use crate::support::rows::parked as waits;
use crate::support::{Backing, Ground};

const LIVES: Duration = Duration::from_mins(1);
const FLOW: Flow = Flow::Orders;

/// A store on fresh ground, and a worker that owns partition 0.
struct House {
    ground: Ground,
    store: Store,
    worker: Uuid,
    owner: Ownership,
}

impl House {
    async fn fresh(backing: Backing) -> Self {
        let ground = Ground::fresh(backing).await;
        let store = Store::open(&ground.config("")).await.unwrap();
        let worker = Uuid::new_v4();
        store.beat(worker, &[]).await.unwrap();
        let owner = store.take(worker, FLOW, 0, LIVES).await.unwrap().expect("nobody owned it");
        Self { ground, store, worker, owner }
    }

    /// Records, and insists that everything was written.
    async fn record(&self, records: &[Record]) {
        let written = self.store.record(records).await.unwrap();
        assert_eq!(written, vec![Written::Yes; records.len()], "{records:#?}");
    }

    async fn park(&self, parked: Parked) {
        self.record(&[parks(self.owner, parked)]).await;
    }

    async fn end(&self, message: Uuid) {
        self.record(&[ends(self.owner, message)]).await;
    }

    async fn look(&self, message: Uuid, lane: &str) -> Known {
        let question = Question { message_id: message, lane_key: lane.to_owned(), document: lane.to_owned() };
        self.store.look_up(FLOW, &[question]).await.unwrap().remove(0)
    }

    async fn due(&self) -> Vec<Uuid> {
        ids(&self.store.due(&[self.owner], 100).await.unwrap())
    }

    /// The lane from its head to its end, by discarding one after the other.
    async fn lane(&self, lane: &str) -> Vec<Uuid> {
        let mut order = Vec::new();
        while let Some(gate) = self.look(Uuid::nil(), lane).await.gate {
            order.push(gate.head);
            self.end(gate.head).await;
        }
        order
    }
}

async fn both(check: impl AsyncFn(House)) {
    for backing in [Backing::Embedded, Backing::Servers] {
        check(House::fresh(backing).await).await;
    }
}

fn ids(parked: &[Parked]) -> Vec<Uuid> {
    parked.iter().map(|parked| parked.message_id).collect()
}

/// Identifiers whose order says nothing about the order in which they are used.
fn messages<const N: usize>() -> [Uuid; N] {
    std::array::from_fn(|_| Uuid::new_v4())
}

fn ends(owner: Ownership, message_id: Uuid) -> Record {
    Record::new(owner, message_id, Outcome::Ended(Ending::Applied))
}

fn parks(owner: Ownership, parked: Parked) -> Record {
    Record::new(owner, parked.message_id, Outcome::Parked(Box::new(parked)))
}

fn now_due() -> WaitsFor {
    WaitsFor::Time { delay: Duration::ZERO }
}

fn later() -> WaitsFor {
    WaitsFor::Time { delay: Duration::from_hours(1) }
}

fn document(key: &str) -> WaitsFor {
    WaitsFor::Document { key: key.to_owned(), passes: None, delay: Duration::from_hours(1) }
}

fn effect(key: &str, document: &str) -> Effect {
    Effect {
        key: key.to_owned(),
        document: document.to_owned(),
        act: "create_order".to_owned(),
        connection: "north".to_owned(),
        message_id: Uuid::from_u128(7),
        facts: json!({"of": key, "deep": [1, "zwei", null]}),
    }
}

fn sends(message_id: Uuid, purpose: Purpose) -> OutboxRow {
    OutboxRow {
        id: 0,
        flow: FLOW,
        purpose,
        ordering_key: "order/contoso/1".to_owned(),
        message_id,
        kind: "order_accepted".to_owned(),
        traceparent: Some("00-1-2-01".to_owned()),
        bytes: vec![0, 1, 255],
        failure: None,
    }
}

fn step(document: &str, micros: i64, what: &str) -> Step {
    Step {
        document: document.to_owned(),
        at: Timestamp::from_microsecond(micros).unwrap(),
        system: "north".to_owned(),
        what: what.to_owned(),
        message_id: Uuid::from_u128(7),
        mode: "live".to_owned(),
    }
}
