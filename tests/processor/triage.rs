//! Triage: what was parked for a person is remembered as an exception, announced or not, whatever becomes of it.

use std::time::Duration;

use drayline::clock::Clock;
use drayline::exceptions::{Desk, Owners, Triage, list, show};
use drayline::message::{Flow, Kind};
use drayline::store::{Discarded, ExceptionFilter, WaitsFor, Work, WorkState};
use uuid::Uuid;

use super::on_both;
use super::world::{World, announced, released, until};
use crate::support::Backing;
use crate::support::broker::Broker;

on_both!(an_announcement_becomes_an_exception, a_scan_finds_what_was_not_announced_and_closes_what_ended);

/// Only announcements make exceptions: no scan, and no list that looks by itself.
const NEVER: &str = "exceptions.scan_ms = 3600000\nexceptions.lately_ms = 0\n";

fn triage(world: &World) -> Triage {
    Triage::start(Desk {
        clock: Clock::system(),
        config: world.tools.config.clone(),
        store: world.tools.store.clone(),
        transport: world.tools.transport.clone(),
    })
}

async fn exception(world: &World, id: Uuid, so: impl Fn(&Work) -> bool) -> Work {
    let filter = ExceptionFilter {
        messages: Some(vec![id]),
        states: WorkState::ALL.to_vec(),
        limit: 10,
        ..ExceptionFilter::default()
    };
    until("the exception is remembered", async || {
        let (_, found) = world.store().exceptions(&filter).await.unwrap();
        found.into_iter().find(|it| so(it))
    })
    .await
}

async fn an_announcement_becomes_an_exception(backing: Backing) {
    let world = World::with(backing, NEVER).await;
    let triage = triage(&world);
    let worker = world.worker(&[Flow::GoodsReceived]).await;
    let message = announced("IN1", "e1");
    world.publish(&message).await;
    let stored = exception(&world, message.message_id, |_| true).await;
    assert_eq!(stored.code, "dynamics.not_found");
    assert_eq!(stored.document, message.ordering_key.as_str());
    assert_eq!((stored.connection.as_str(), stored.ended_at, stored.state.as_str()), ("contoso", None, "open"));
    assert_eq!(stored.kind, Kind::ReceiptAnnounced.as_str());
    // It was taken in, and is gone from the dead letters: nobody sees it a second time.
    triage.stop().await;
    let again = self::triage(&world);
    worker.stop(Duration::from_secs(5)).await;
    again.stop().await;
    let after = exception(&world, message.message_id, |_| true).await;
    assert_eq!((after.first_seen_at, after.last_seen_at), (stored.first_seen_at, stored.last_seen_at));
    world.close().await;
}

async fn a_scan_finds_what_was_not_announced_and_closes_what_ended(backing: Backing) {
    let world = World::with(backing, "exceptions.scan_ms = 50\nexceptions.lately_ms = 0\n").await;
    let message = released("SHP1", "e1");
    let partition = message.ordering_key.partition(2);
    let owner = world.store().take(Uuid::new_v4(), Flow::Orders, partition, Duration::from_secs(5)).await.unwrap();
    world.park(owner.unwrap(), &message, WaitsFor::Person).await;
    let triage = triage(&world);
    exception(&world, message.message_id, |it| it.ended_at.is_none()).await;
    let seen = show(world.store(), &Owners::new(), message.message_id).await.unwrap().unwrap();
    assert_eq!((seen.exception.status.as_str(), seen.waits_for.as_deref()), ("open", Some("person")));
    assert_eq!(world.store().discard(message.message_id, "a test", "it is wrong").await.unwrap(), Discarded::Yes);
    exception(&world, message.message_id, |it| it.ended_at.is_some()).await;
    let seen = show(world.store(), &Owners::new(), message.message_id).await.unwrap().unwrap();
    assert_eq!((seen.exception.status.as_str(), seen.waits_for), ("discarded", None));
    let told: Vec<_> = seen.history.iter().map(|act| (act.by.as_str(), act.act.as_str(), act.what.as_str())).collect();
    assert_eq!(told, [("a test", "discarded", "it is wrong")]);
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
    let open = ExceptionFilter {
        flow: Some(Flow::Orders),
        states: WorkState::UNFINISHED.to_vec(),
        limit: 10,
        ..ExceptionFilter::default()
    };
    let announced = async || list(world.store(), &Owners::new(), &open).await.unwrap().1.pop();
    let exceptions = [until("it is announced", announced).await];
    assert!(exceptions[0].sentence.contains("rejected"), "{}", exceptions[0].sentence);
    assert_eq!(world.far_ends.took().len(), 0);
    world.store().replay(message.message_id, "a test").await.unwrap();
    until("it is applied", async || (world.far_ends.took().len() == 1).then_some(())).await;
    world.until_nothing_waits().await;
    worker.stop(Duration::from_secs(5)).await;
    triage.stop().await;
    world.close().await;
}
