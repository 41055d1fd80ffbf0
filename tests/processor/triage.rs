//! Triage: what was parked for a person is remembered as an exception, announced or not, whatever becomes of it.

use std::time::Duration;

use drayline::exceptions::{Desk, Selection, Shown, Triage, list, show};
use drayline::message::{Flow, Kind};
use drayline::store::{Discarded, Ending, StoredException, WaitsFor};
use uuid::Uuid;

use super::on_both;
use super::world::{World, announced, released, until};
use crate::support::Backing;
use crate::support::broker::Broker;

on_both!(an_announcement_becomes_an_exception, a_scan_finds_what_was_not_announced_and_closes_what_ended);

const NEVER: &str = "exceptions.scan_ms = 3600000\n";

fn triage(world: &World) -> Triage {
    Triage::start(Desk {
        config: world.tools.config.clone(),
        store: world.tools.store.clone(),
        transport: world.tools.transport.clone(),
    })
}

async fn exception(world: &World, id: Uuid, so: impl Fn(&StoredException) -> bool) -> StoredException {
    until("the exception is remembered", async || world.store().exception(id).await.unwrap().filter(|it| so(it))).await
}

async fn an_announcement_becomes_an_exception(backing: Backing) {
    let world = World::with(backing, NEVER).await;
    let triage = triage(&world);
    let worker = world.worker(&[Flow::GoodsReceived]).await;
    let message = announced("IN1", "e1");
    world.publish(&message).await;
    let stored = exception(&world, message.message_id, |_| true).await;
    assert_eq!(stored.announced.failure.code, "dynamics.not_found");
    assert_eq!(stored.announced.document, message.ordering_key.as_str());
    assert_eq!((stored.announced.connection.as_str(), stored.ended), ("contoso", None));
    assert_eq!(stored.announced.kind, Kind::ReceiptAnnounced.as_str());
    // It was taken in, and is gone from the dead letters: nobody sees it a second time.
    triage.stop().await;
    let again = self::triage(&world);
    worker.stop(Duration::from_secs(5)).await;
    again.stop().await;
    assert_eq!(exception(&world, message.message_id, |_| true).await, stored);
    world.close().await;
}

async fn a_scan_finds_what_was_not_announced_and_closes_what_ended(backing: Backing) {
    let world = World::with(backing, "exceptions.scan_ms = 50\n").await;
    let message = released("SHP1", "e1");
    let partition = message.ordering_key.partition(2);
    let owner = world.store().take(Uuid::new_v4(), Flow::Orders, partition, Duration::from_secs(5)).await.unwrap();
    world.park(owner.unwrap(), &message, WaitsFor::Person).await;
    let triage = triage(&world);
    exception(&world, message.message_id, |it| it.ended.is_none()).await;
    assert!(matches!(show(world.store(), message.message_id).await.unwrap(), Some(Shown::Parked(_))));
    assert_eq!(world.store().discard(message.message_id, "a test").await.unwrap(), Discarded::Yes);
    let closed = exception(&world, message.message_id, |it| it.ended.is_some()).await;
    assert_eq!(closed.ended.map(|(ending, _)| ending), Some(Ending::Discarded));
    let Some(Shown::Closed(seen)) = show(world.store(), message.message_id).await.unwrap() else { panic!() };
    assert_eq!(seen.status, "discarded");
    triage.stop().await;
    world.close().await;
}

/// A policy or a foreign consumer takes a message out of its queue: the broker announces that in its own words.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_broker_gave_up_waits_for_a_person_and_is_not_lost() {
    let world = World::with(Backing::Servers, NEVER).await;
    let message = released("SHP1", "e1");
    world.publish(&message).await;
    let namespace = &world.tools.config.transport.namespace;
    let partition = message.ordering_key.partition(2);
    let (triage, broker) = (triage(&world), Broker::connect().await);
    // The broker tries again only after minutes when the queue of its dead letters is not there and bound yet.
    let dead_letters = format!("{namespace}.dead-letter.orders");
    until("somebody takes the dead letters", async || broker.taken(&dead_letters).await.then_some(())).await;
    broker.reject(&format!("{namespace}.orders.{partition:02}")).await;
    let worker = world.worker(&[Flow::Orders]).await;
    let parked = world.parked(message.message_id, |row| row.parked.waits_for == WaitsFor::Person).await;
    assert_eq!(parked.parked.failure.unwrap().code, "broker.gave_up");
    let selection = Selection { flow: Some(Flow::Orders), all_parked: false, limit: 10 };
    let (_, exceptions) = list(world.store(), &selection).await.unwrap();
    assert!(exceptions[0].sentence.contains("rejected"), "{}", exceptions[0].sentence);
    assert_eq!(world.far_ends.took().len(), 0);
    world.store().replay(message.message_id, "a test").await.unwrap();
    until("it is applied", async || (world.far_ends.took().len() == 1).then_some(())).await;
    world.until_nothing_waits().await;
    worker.stop(Duration::from_secs(5)).await;
    triage.stop().await;
    world.close().await;
}
