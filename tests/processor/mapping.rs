//! What the mapping says, and what it lacks: plans are made with what is said by then, and who waits for a row goes on when
//! it is said, whoever has died meanwhile.

use std::time::{Duration, Instant};

use drayline::mapping::{Cells, Row};
use drayline::message::Flow;
use drayline::processor::Worker;
use drayline::store::{MappingChange, Outcome, Parked, ParkedFailure, Record, WaitsFor, Written};
use uuid::Uuid;

use super::on_both;
use super::world::{World, reference, released, until};
use crate::support::Backing;
use crate::support::rows::parked;

on_both!(
    many_workers_plan_with_no_mapping_older_than_an_edit_plus_a_second,
    what_is_read_while_the_mapping_changes_is_planned_with_the_newer_one,
    a_waiter_of_an_owner_that_died_is_tried_by_the_version_it_was_planned_with,
);

fn row(cells: &[(&str, &str)]) -> Row {
    let cells: Cells = cells.iter().map(|(column, cell)| ((*column).to_owned(), (*cell).to_owned())).collect();
    Row::read(&cells).unwrap()
}

async fn say(world: &World, from: u64, set: Vec<Row>) {
    let (by, reason) = ("anna".to_owned(), "a test".to_owned());
    let change = MappingChange { from, set, removed: Vec::new(), by, reason };
    assert_eq!(world.store().change_mapping(&change).await.unwrap(), Some(from + 1));
}

/// The version that makes each piece so many eaches: two are ordered of every document.
async fn say_factor(world: &World, version: u64) {
    let factor = version.to_string();
    let cells = [("kind", "unit"), ("item", "D0001"), ("dynamics", "pcs"), ("warehouse", "each"), ("factor", &factor)];
    say(world, version - 1, vec![row(&cells)]).await;
}

const WORKERS: usize = 6;

async fn many_workers(world: &World) -> Vec<Worker> {
    let start = |_| Worker::start(world.tools.clone(), vec![Flow::Orders]);
    let workers: Vec<_> = (0..WORKERS).map(start).collect();
    until("each has its share", async || {
        let owned: usize = workers.iter().map(Worker::partitions).sum();
        (owned == 12 && workers.iter().all(Worker::ready)).then_some(())
    })
    .await;
    workers
}

async fn release_many(world: &World, of: &str, count: usize) -> Vec<String> {
    let requests: Vec<_> = (0..count).map(|number| format!("{of}{number}")).collect();
    for request in &requests {
        world.publish(&released(request, &format!("e-{request}"))).await;
    }
    requests.iter().map(|request| reference(request).to_string()).collect()
}

/// All of them are at the warehouse, in so many eaches.
async fn until_sent(world: &World, references: &[String], eaches: u64) {
    until("all are sent", async || {
        let orders = world.far_ends.orders();
        references.iter().all(|reference| orders.contains(reference)).then_some(())
    })
    .await;
    for reference in references {
        let line = world.far_ends.order(reference)["lines"][0].clone();
        assert_eq!(line["quantity"], eaches.to_string(), "{reference}: {line}");
    }
}

async fn leave(world: World, workers: Vec<Worker>) {
    for worker in workers {
        worker.stop(Duration::from_secs(5)).await;
    }
    world.until_nothing_waits().await;
    world.close().await;
}

/// Nobody looks for a newer version by itself here, so that only the age of what is known counts.
async fn many_workers_plan_with_no_mapping_older_than_an_edit_plus_a_second(backing: Backing) {
    let more = "processor.mapping_poll_ms = 3600000\ntransport.partitions.orders = 12\n";
    let world = World::with(backing, more).await;
    say_factor(&world, 1).await;
    let workers = many_workers(&world).await;
    for version in 1..=3 {
        let references = release_many(&world, &format!("V{version}N"), 30).await;
        until_sent(&world, &references, 2 * version).await;
        say_factor(&world, version + 1).await;
        let edited = Instant::now();
        until("a second has passed", async || (edited.elapsed() > Duration::from_secs(1)).then_some(())).await;
    }
    leave(world, workers).await;
}

/// All are being read in Dynamics when the row changes.
async fn what_is_read_while_the_mapping_changes_is_planned_with_the_newer_one(backing: Backing) {
    let more =
        "processor.mapping_poll_ms = 3600000\nprocessor.mapping_age_ms_max = 1\ntransport.partitions.orders = 12\n";
    let world = World::with(backing, more).await;
    say_factor(&world, 1).await;
    world.far_ends.hide("OutboundShipmentOrderRequests");
    let workers = many_workers(&world).await;
    let references = release_many(&world, "READ", 12).await;
    until("all are being read", async || (world.far_ends.sought() >= 12).then_some(())).await;
    say_factor(&world, 2).await;
    world.far_ends.go_on();
    until_sent(&world, &references, 4).await;
    assert!(world.far_ends.took().iter().all(|took| took.new), "none was sent twice");
    leave(world, workers).await;
}

/// Its owner planned with the version before, parked it after the row was said, and died before it looked again.
async fn a_waiter_of_an_owner_that_died_is_tried_by_the_version_it_was_planned_with(backing: Backing) {
    let world = World::with(backing, "transport.partitions.orders = 1\n").await;
    say(&world, 0, vec![row(&[("kind", "unit"), ("warehouse", "each")])]).await;
    say_factor(&world, 2).await;
    let dead = Uuid::now_v7();
    world.store().beat(dead, &[]).await.unwrap();
    let owner = world.store().take(dead, Flow::Orders, 0, Duration::ZERO).await.unwrap().unwrap();
    let [before, since] = ["BEFORE", "SINCE"].map(|request| released(request, request));
    for (message, mapping_version) in [(&before, 1), (&since, 2)] {
        let failure = ParkedFailure {
            code: "mapping.missing".to_owned(),
            sentence: "No row says how many each one pcs is.".to_owned(),
            detail: None,
            awaits: Some("mapping/unit/north/D0001".to_owned()),
        };
        // Of another thing, so that the one that is woken does not wake the other.
        let failure = match mapping_version {
            1 => failure,
            _ => ParkedFailure { awaits: Some("mapping/unit/north/D0002".to_owned()), ..failure },
        };
        let row = Parked {
            flow: owner.flow,
            partition: owner.partition,
            ordering_key: message.ordering_key.to_string(),
            kind: message.kind().to_string(),
            connection: message.connection.to_string(),
            bytes: message.encode(),
            failure: Some(failure),
            parkings: 1,
            ..parked(message.message_id, &message.lane_key(), WaitsFor::Person)
        };
        let record = Record::new(owner, message.message_id, Outcome::Parked(Box::new(row)));
        let record = Record { mapping_version, ..record };
        assert_eq!(world.store().record(&[record]).await.unwrap(), [Written::Yes]);
    }
    let worker = world.worker(&[Flow::Orders]).await;
    until_sent(&world, &[reference("BEFORE").to_string()], 4).await;
    let kept = world.parked(since.message_id, |_| true).await;
    assert_eq!((kept.parked.parkings, kept.parked.last_parked_at), (1, kept.parked.first_parked_at), "nobody tried it");
    worker.stop(Duration::from_secs(5)).await;
    world.close().await;
}
