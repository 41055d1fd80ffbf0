//! One task per partition: take → what is unsettled → subscribe → deliver to lanes; close, then give up.
//!
//! A lost session with the broker is no reason to give up at once: the lanes go on, and what is delivered again queues
//! behind them under the same epoch.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::house::House;
use super::inbound::Job;
use super::lanes::Lanes;
use super::ownership::{self, End, Tenure};
use super::{mapping, stops, unsure};
use crate::message::Flow;
use crate::rehearsal::{Variant, broken};
use crate::store::{Ending, Known, Outcome, Question, Record, Unsettled};
use crate::telemetry::PartitionLeft;
use crate::transport::{Delivery, Subscription};

/// How long closing a channel may take when its broker says nothing.
const CLOSING_MAX: Duration = Duration::from_secs(5);

/// Owns a partition again and again until the worker stops.
pub(super) async fn hold(house: Arc<House>, flow: Flow, partition: u16) {
    loop {
        let early =
            if broken(Variant::SubscribeBeforeTake) { Some(subscribe(&house, flow, partition).await) } else { None };
        let Some((tenure, _claim)) = ownership::take(&house, flow, partition).await else { return };
        let (end, subscription) = work(&house, &tenure, early).await;
        house.tenures.ended(&tenure);
        leave(&house, &tenure, end, subscription).await;
    }
}

/// Works until the tenure must end.
async fn work(
    house: &Arc<House>,
    tenure: &Arc<Tenure>,
    mut early: Option<Subscription>,
) -> (End, Option<Subscription>) {
    let end = ownership::end(house, tenure);
    tokio::pin!(end);
    tokio::select! {
        biased;
        end = &mut end => return (end, None),
        () = find(house, tenure) => {}
    }
    house.tenures.began(tenure);
    house.due.notify_one();
    house.stops.poke();
    let mut waits = house.retry.for_the_store();
    loop {
        let mut subscription = if let Some(subscription) = early.take() {
            subscription
        } else {
            tokio::select! {
                biased;
                end = &mut end => return (end, None),
                subscription = subscribe(house, tenure.owner.flow, tenure.owner.partition) => subscription,
            }
        };
        loop {
            tokio::select! {
                biased;
                end = &mut end => return (end, Some(subscription)),
                delivery = read(house, tenure, &mut subscription) => match delivery {
                    Some(delivery) => {
                        waits = house.retry.for_the_store();
                        let arrived = house.tools.clock.mark();
                        let _ = Lanes::bring(house, Job::delivered(Arc::clone(tenure), delivery, arrived));
                    }
                    // The session ended, or the queue went away.
                    None => break,
                },
            }
        }
        // One that ends again and again must not be opened as fast as it can be.
        tokio::select! {
            biased;
            end = &mut end => return (end, None),
            () = tokio::time::sleep(waits.next_wait()) => {}
        }
    }
}

/// The next delivery; as long as too many of this partition wait for one thing, none is read.
async fn read(house: &House, tenure: &Tenure, subscription: &mut Subscription) -> Option<Delivery> {
    house.stops.until_room(&house.tools.config.processor, tenure.owner).await;
    subscription.next().await
}

async fn subscribe(house: &House, flow: Flow, partition: u16) -> Subscription {
    let mut waits = house.retry.for_the_store();
    loop {
        match house.tools.transport.subscribe_within(flow, partition, window(house, flow)).await {
            Ok(subscription) => return subscription,
            Err(error) => {
                PartitionLeft { flow, partition, why: &error.to_string() }.emit();
            }
        }
        tokio::time::sleep(waits.next_wait()).await;
    }
}

/// A partition's part of what a worker holds of a flow at a time: memory goes by that, however many partitions it has.
fn window(house: &House, flow: Flow) -> u16 {
    let share = house.shares.of(flow).unwrap_or(1).max(1);
    u16::try_from(house.tools.config.transport.worker_prefetch / share).unwrap_or(u16::MAX).max(1)
}

/// Finds what must be known before anything is delivered.
async fn find(house: &House, tenure: &Tenure) {
    find_unsettled(house, tenure).await;
    stops::found(house, tenure.owner).await;
    mapping::found(house).await;
}

/// Reads what earlier owners, or we ourselves, intended and did not record.
async fn find_unsettled(house: &House, tenure: &Tenure) {
    let owner = tenure.owner;
    let store = &house.tools.store;
    let found = house.persistently("reading what is unsettled", || store.unsettled(owner)).await;
    let ids: HashSet<_> = found.iter().map(|one| one.message_id).collect();
    let ids: Vec<_> = ids.into_iter().collect();
    let ask = |id: &uuid::Uuid| Question { message_id: *id, lane_key: String::new(), document: String::new() };
    let questions: Vec<Question> = ids.iter().map(ask).collect();
    let known = house.persistently("looking messages up", || store.look_up(owner.flow, &questions)).await;
    outlive(house, tenure, &found, ids.iter().zip(&known)).await;
    let still = ids.into_iter().zip(&known).filter(|(id, known)| needs_its_journal(&found, *id, known));
    house.journals.found(owner, found.clone(), &still.map(|(id, _)| id).collect());
}

/// Whoever was discarded while it called, and its worker died: its document remembers what it may have done.
async fn outlive(
    house: &House,
    tenure: &Tenure,
    found: &[Unsettled],
    known: impl Iterator<Item = (&uuid::Uuid, &Known)>,
) {
    let discarded = known.filter(|(_, known)| known.ending == Some(Ending::Discarded)).map(|(id, _)| *id);
    let records: Vec<Record> = discarded
        .filter_map(|id| {
            let intents: Vec<_> =
                found.iter().filter(|one| one.message_id == id).flat_map(|one| one.intents.clone()).collect();
            let effect = unsure::outliving(tenure.owner, id, &intents)?;
            Some(Record { effects: vec![effect], ..Record::new(tenure.owner, id, Outcome::Unchanged) })
        })
        .collect();
    if !records.is_empty() {
        house.persistently("keeping what may have happened", || house.tools.store.record(&records)).await;
    }
}

/// What ended needs it no more; what was parked took what was unsure with it, unless it has run since.
fn needs_its_journal(found: &[Unsettled], message_id: uuid::Uuid, known: &Known) -> bool {
    let Some(parked) = &known.parked else { return known.ending.is_none() };
    let intents = found.iter().filter(|one| one.message_id == message_id).flat_map(|one| &one.intents);
    let mut committed = intents.map(|intent| intent.committed_at);
    committed.any(|at| at.is_none() || at > parked.last_parked_at)
}

async fn close(subscription: Option<Subscription>) {
    if let Some(subscription) = subscription {
        let _ = tokio::time::timeout(CLOSING_MAX, subscription.close()).await;
    }
}

/// Close, then give up. Who is silent already closes at once: somebody else may own the partition.
async fn leave(house: &House, tenure: &Tenure, end: End, subscription: Option<Subscription>) {
    let (drain, why) = match end {
        End::Stopping | End::Shared => (house.drain(), None),
        End::Sessionless => (house.drain(), Some("there is no session with the broker")),
        End::Silent => (Duration::ZERO, Some("it could not be renewed in time")),
        End::Fenced => (Duration::ZERO, Some("the store knows another owner")),
    };
    if let Some(why) = why {
        PartitionLeft { flow: tenure.owner.flow, partition: tenure.owner.partition, why }.emit();
    }
    if broken(Variant::SubscribeBeforeTake) {
        close(subscription).await;
        tenure.wind_up(drain).await;
    } else {
        tenure.wind_up(drain).await;
        close(subscription).await;
    }
    match end {
        End::Stopping | End::Sessionless | End::Shared => ownership::give_up(house, tenure).await,
        End::Silent | End::Fenced => {}
    }
}
