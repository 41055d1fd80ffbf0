//! What the tasks of one worker share. It refuses to do anything itself.

use std::collections::HashMap;
use std::error::Error;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::Tools;
use super::gather::{self, Desk};
use super::journal::Journals;
use super::lanes::Lanes;
use super::mapping::CurrentMapping;
use super::ownership::{Pulse, Tenures};
use super::retry::RetryTable;
use super::share::Shares;
use super::stops::Stops;
use crate::config::ms;
use crate::message::Flow;
use crate::rehearsal::Rehearsal;
use crate::store::{Known, Question, StoreError};
use crate::telemetry::StoreAway;

/// What the tasks of one worker share.
pub(super) struct House {
    pub(super) tools: Tools,
    pub(super) worker: Uuid,
    pub(super) flows: Vec<Flow>,
    pub(super) pulse: Pulse,
    pub(super) tenures: Tenures,
    pub(super) shares: Shares,
    pub(super) lanes: Lanes,
    pub(super) journals: Journals,
    pub(super) stops: Stops,
    pub(super) mapping: CurrentMapping,
    pub(super) retry: RetryTable,
    pub(super) rehearsal: Rehearsal,
    desks: HashMap<Flow, Desk>,
    /// Something may be due.
    pub(super) due: Notify,
    /// Of each flow, one for what goes to it and one for its dead letters.
    relays: HashMap<Flow, [Notify; 2]>,
    /// Nothing new is begun any more.
    pub(super) stopping: CancellationToken,
    /// Everything ends where it stands.
    pub(super) gone: CancellationToken,
    /// How long started attempts may take to finish when partitions are given up.
    drain: Mutex<Duration>,
    /// Everything that ends only with the worker.
    pub(super) tasks: TaskTracker,
}

impl House {
    /// Builds it, and starts those who gather what attempts ask the store.
    pub(super) fn build(tools: Tools, flows: Vec<Flow>) -> Arc<Self> {
        let (processor, rehearsal) = (&tools.config.processor, &tools.config.rehearsal);
        let (desks, served) = gather::desks(&flows, processor.batch_max);
        let house = Arc::new(Self {
            worker: tools.clock.identifier(),
            pulse: Pulse::new(&tools.clock, ms(processor.dead_after_ms)),
            tenures: Tenures::default(),
            shares: Shares::default(),
            lanes: Lanes::default(),
            journals: Journals::default(),
            stops: Stops::default(),
            mapping: CurrentMapping::default(),
            retry: RetryTable::new(processor),
            // The configuration was checked before: what cannot be read here rehearses nothing.
            rehearsal: Rehearsal::parse(&rehearsal.kill_at, &rehearsal.freeze_at).unwrap_or_default(),
            desks,
            due: Notify::new(),
            relays: flows.iter().map(|flow| (*flow, <[Notify; 2]>::default())).collect(),
            stopping: CancellationToken::new(),
            gone: CancellationToken::new(),
            drain: Mutex::new(ms(processor.drain_ms_max)),
            tasks: TaskTracker::new(),
            flows,
            tools,
        });
        for desk in served {
            desk.serve(&house);
        }
        house
    }

    /// Spawns a task that ends with the worker, wherever it stands.
    pub(super) fn spawn(&self, tracker: &TaskTracker, task: impl Future<Output = ()> + Send + 'static) {
        let gone = self.gone.clone();
        tracker.spawn(async move { gone.run_until_cancelled(task).await });
    }

    /// Where attempts of a flow ask and record.
    pub(super) fn desk(&self, flow: Flow) -> Option<&Desk> {
        self.desks.get(&flow)
    }

    /// What is known of a message; nothing when the worker goes. Of flows that others work on, the store is asked alone.
    pub(super) async fn look_up(&self, flow: Flow, question: Question) -> Option<Known> {
        if let Some(desk) = self.desk(flow) {
            return desk.look_up.ask(question).await;
        }
        let questions = [question];
        let known = self.persistently("looking a message up", || self.tools.store.look_up(flow, &questions)).await;
        known.into_iter().next()
    }

    /// An outbox row of a flow is committed.
    pub(super) fn poke_relay(&self, flow: Flow) {
        for way in self.relays.get(&flow).into_iter().flatten() {
            way.notify_one();
        }
    }

    /// Waits until an outbox row of a flow may be there, a dead letter or another.
    pub(super) async fn until_outbox(&self, flow: Flow, dead_letters: bool) {
        let poll = tokio::time::sleep(ms(self.tools.config.processor.outbox_poll_ms));
        match self.relays.get(&flow).map(|ways| &ways[usize::from(dead_letters)]) {
            Some(relay) => tokio::select! { () = relay.notified() => {}, () = poll => {} },
            None => poll.await,
        }
    }

    pub(super) fn drain(&self) -> Duration {
        *self.drain.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_drain(&self, drain: Duration) {
        *self.drain.lock().unwrap_or_else(PoisonError::into_inner) = drain;
    }

    /// Makes the same call until the store answers it; it never gives up.
    pub(super) async fn persistently<T, F, Fut>(&self, doing: &'static str, mut call: F) -> T
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<T, StoreError>>,
    {
        let mut waits = self.retry.for_the_store();
        loop {
            match call().await {
                Ok(answer) => return answer,
                Err(error) => StoreAway { doing, why: &chain(&error) }.emit(),
            }
            tokio::time::sleep(waits.next_wait()).await;
        }
    }
}

/// An error with its sources, in one line.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
