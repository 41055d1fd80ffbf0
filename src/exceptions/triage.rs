//! Triage: announcements of dead letters become exceptions that are remembered, whatever becomes of their messages.
//!
//! An announcement only says "look": the store knows what is parked. One that is lost is made up for by a scan; one that
//! comes twice changes nothing. What the *broker* gave up on (an operator's policy, a foreign consumer's rejection) was
//! never parked: it goes back to its partition marked as such, where its owner parks it for a person in its order.
//!
//! Invariants: a delivery is settled only after a commit, or a confirm, that made it superfluous; nothing here runs a
//! message.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::clock::Clock;
use crate::config::{Config, ms};
use crate::message::{Envelope, Flow, OrderingKey};
use crate::store::{Announcement, ParkedFailure, Store};
use crate::telemetry::{ExceptionsAnnounced, ExceptionsScanned, StoreAway, StrandedReturned};
use crate::transport::{Delivery, Outgoing, STRANDED, Settlement, Subscription, Target, Transport};

/// The header of the broker in what it gave up on: why it did.
const FIRST_DEATH: &str = "x-first-death-reason";

/// What triage needs.
#[derive(Clone)]
#[allow(missing_docs, reason = "each is explained at its type")]
pub struct Desk {
    pub config: Arc<Config>,
    pub clock: Clock,
    pub store: Store,
    pub transport: Transport,
}

/// Running triage of all flows.
pub struct Triage {
    stopping: CancellationToken,
    tasks: TaskTracker,
}

impl Triage {
    /// Starts draining the dead letters of every flow, scanning, and releasing campaigns.
    #[must_use]
    pub fn start(desk: Desk) -> Self {
        let triage = Self { stopping: CancellationToken::new(), tasks: TaskTracker::new() };
        for flow in Flow::ALL {
            triage.spawn(drain(desk.clone(), flow));
        }
        triage.spawn(super::campaign::run(desk.clone()));
        triage.spawn(scan(desk));
        triage.tasks.close();
        triage
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stopping = self.stopping.clone();
        self.tasks.spawn(async move { stopping.run_until_cancelled(task).await });
    }

    /// Ends where it stands: what is not settled comes back.
    pub async fn stop(self) {
        self.stopping.cancel();
        self.tasks.wait().await;
    }
}

impl Drop for Triage {
    fn drop(&mut self) {
        self.stopping.cancel();
    }
}

/// Takes in the dead letters of a flow for ever.
async fn drain(desk: Desk, flow: Flow) {
    let pause = ms(desk.config.exceptions.retry_ms);
    loop {
        match desk.transport.subscribe_dead_letters(flow).await {
            Ok(mut subscription) => {
                // Another process that owns the queue file, a store that is away: the rest comes back.
                while let Some(batch) = gather(&mut subscription, desk.config.processor.batch_max).await {
                    if !take_in(&desk, flow, batch).await {
                        break;
                    }
                }
            }
            Err(error) => StoreAway { doing: "subscribing to dead letters", why: &error.to_string() }.emit(),
        }
        tokio::time::sleep(pause).await;
    }
}

/// Whatever has come, at least one.
async fn gather(subscription: &mut Subscription, batch_max: usize) -> Option<Vec<Delivery>> {
    let mut batch = vec![subscription.next().await?];
    while batch.len() < batch_max
        && let Some(Some(delivery)) = subscription.next().now_or_never()
    {
        batch.push(delivery);
    }
    Some(batch)
}

/// Whether everything was taken in.
async fn take_in(desk: &Desk, flow: Flow, batch: Vec<Delivery>) -> bool {
    let mut announced = Vec::new();
    let mut settlements: Vec<Settlement> = Vec::new();
    for delivery in batch {
        if header(&delivery, "failure-code").is_none()
            && let Some(reason) = header(&delivery, FIRST_DEATH)
        {
            if !send_back(desk, flow, delivery, reason).await {
                return false;
            }
            continue;
        }
        let (announcement, settlement) = announcement(flow, delivery);
        announced.push(announcement);
        settlements.push(settlement);
    }
    if announced.is_empty() {
        return true;
    }
    if let Err(error) = desk.store.announce(&announced).await {
        StoreAway { doing: "opening exceptions", why: &error.to_string() }.emit();
        return false;
    }
    ExceptionsAnnounced { flow, announcements: announced.len() }.emit();
    settlements.into_iter().for_each(Settlement::settle);
    true
}

fn header(delivery: &Delivery, name: &str) -> Option<String> {
    delivery.headers.iter().find(|(each, _)| each == name).map(|(_, value)| value.clone())
}

/// What a dead letter says. A foreign one that says nothing is announced, too: it is never dropped.
fn announcement(flow: Flow, delivery: Delivery) -> (Announcement, Settlement) {
    let text = |name: &str| header(&delivery, name);
    let message_id = delivery.message_id.unwrap_or_else(|| crate::message::id_of_bytes(&delivery.bytes));
    let envelope = Envelope::decode(&delivery.bytes).ok();
    let document = envelope.as_ref().map(|envelope| envelope.ordering_key.clone()).or(delivery.ordering_key.clone());
    let announcement = Announcement {
        message_id,
        flow,
        kind: match &envelope {
            Some(envelope) => envelope.kind().to_string(),
            None => delivery.type_name.clone().unwrap_or_else(|| "unknown".to_owned()),
        },
        connection: envelope.map_or_else(String::new, |envelope| envelope.connection.to_string()),
        document: document.map_or_else(|| message_id.to_string(), |key| key.to_string()),
        failure: ParkedFailure {
            code: text("failure-code").unwrap_or_default(),
            sentence: text("failure-sentence").unwrap_or_default(),
            detail: text("failure-detail"),
            awaits: None,
        },
    };
    (announcement, delivery.settlement)
}

/// Back to the partition of its key, where its owner parks it.
async fn send_back(desk: &Desk, flow: Flow, delivery: Delivery, reason: String) -> bool {
    let message_id = delivery.message_id.unwrap_or_else(|| crate::message::id_of_bytes(&delivery.bytes));
    let own = Envelope::decode(&delivery.bytes).ok().map(|envelope| envelope.ordering_key);
    let Some(ordering_key) = own.or(delivery.ordering_key).or_else(|| key_of(message_id)) else { return false };
    let message = Outgoing {
        target: Target::Flow(flow),
        ordering_key,
        message_id,
        type_name: delivery.type_name.unwrap_or_default(),
        traceparent: delivery.traceparent,
        headers: vec![(STRANDED.to_owned(), reason.clone())],
        bytes: delivery.bytes,
    };
    match desk.transport.publish(message).await {
        Ok(()) => {
            StrandedReturned { flow, message_id, reason: &reason }.emit();
            delivery.settlement.settle();
            true
        }
        Err(error) => {
            StoreAway { doing: "sending back what the broker gave up on", why: &error.to_string() }.emit();
            false
        }
    }
}

fn key_of(message_id: Uuid) -> Option<OrderingKey> {
    message_id.to_string().parse().ok()
}

/// Finds what was not announced, and closes what has ended.
async fn scan(desk: Desk) {
    let mut ticks = tokio::time::interval(ms(desk.config.exceptions.scan_ms).max(Duration::from_millis(1)));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let limit = desk.config.exceptions.scan_rows_max;
    loop {
        ticks.tick().await;
        loop {
            match desk.store.scan_exceptions(limit).await {
                Ok(scan) => {
                    ExceptionsScanned { found: scan.found, closed: scan.closed }.emit();
                    if scan.found < u64::from(limit) {
                        break;
                    }
                }
                Err(error) => {
                    StoreAway { doing: "scanning exceptions", why: &error.to_string() }.emit();
                    break;
                }
            }
        }
        forget(&desk).await;
    }
}

/// What ended long ago can be run again no more. A little at a time: the road uses the same store.
async fn forget(desk: &Desk) {
    let kept_for = Duration::from_secs(desk.config.store.kept_s);
    if let Err(error) = desk.store.forget_kept(kept_for, desk.config.exceptions.scan_rows_max).await {
        StoreAway { doing: "forgetting old messages", why: &error.to_string() }.emit();
    }
}
