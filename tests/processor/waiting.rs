//! Waiting for another document: in one lane and across flows, whichever comes first.

use std::time::Duration;

use drayline::message::Flow;
use drayline::store::{Document, Ending, Listed, Outcome, ParkedFilter, Record, WaitsFor, Written};
use uuid::Uuid;

use super::far_ends::Creates;
use super::on_both;
use super::world::{World, accepted, adjusted, document, released, shipped, until};
use crate::support::Backing;

on_both!(
    the_awaited_kind_passes_the_gate_and_wakes_the_head,
    the_awaited_kind_passes_from_behind_too,
    a_shipment_waits_for_its_order_in_another_flow,
    a_document_that_comes_between_look_and_parking_wakes_its_waiter,
    an_order_whose_message_parks_after_its_creation_wakes_its_waiters,
    stock_that_comes_in_while_its_waiter_is_being_parked_again_wakes_it,
    a_wait_that_takes_too_long_becomes_a_persons_and_ends_when_the_order_comes,
    a_busy_far_end_costs_no_attempt,
);

async fn the_awaited_kind_passes_the_gate_and_wakes_the_head(backing: Backing) {
    let world = World::new(backing).await;
    let worker = world.worker(&[Flow::Orders]).await;
    let early = accepted("SHP1", "e1");
    world.publish(&early).await;
    let row = world.parked(early.message_id, |row| matches!(row.parked.waits_for, WaitsFor::Document { .. })).await;
    assert_eq!(row.parked.attempts, 0, "waiting costs nothing");
    assert!(row.parked.deadline_at.is_some());
    world.publish(&released("SHP1", "e2")).await;
    world.until_nothing_waits().await;
    assert_eq!(world.far_ends.took().len(), 1);
    worker.stop(Duration::from_secs(5)).await;
    world.close().await;
}

/// The head waited for a time first, so that what it needs parked behind it before it began to wait for that.
async fn the_awaited_kind_passes_from_behind_too(backing: Backing) {
    let world = World::new(backing).await;
    let partition = document("SHP1").partition(world.tools.transport.partitions(Flow::Orders));
    let owner = world.store().take(Uuid::new_v4(), Flow::Orders, partition, Duration::from_secs(5)).await.unwrap();
    let owner = owner.expect("nobody works yet");
    let now = WaitsFor::Time { delay: Duration::ZERO };
    let rows = [(accepted("SHP1", "e1"), now), (released("SHP1", "e2"), WaitsFor::Head)];
    for (message, waits_for) in &rows {
        world.park(owner, message, waits_for.clone()).await;
    }
    world.store().give_up(owner).await.unwrap();
    let worker = world.worker(&[Flow::Orders]).await;
    world.until_nothing_waits().await;
    assert_eq!(world.far_ends.took().len(), 1);
    worker.stop(Duration::from_secs(5)).await;
    world.close().await;
}

async fn a_shipment_waits_for_its_order_in_another_flow(backing: Backing) {
    let world = World::new(backing).await;
    let worker = world.worker(&[Flow::Orders, Flow::Shipments]).await;
    let shipment = shipped("SHP1", "e1");
    world.publish(&shipment).await;
    world.parked(shipment.message_id, |row| matches!(row.parked.waits_for, WaitsFor::Document { .. })).await;
    assert_eq!(world.far_ends.posted(), 0);
    world.publish(&released("SHP1", "e2")).await;
    until("the shipment is posted", async || (world.far_ends.posted() > 0).then_some(())).await;
    world.until_nothing_waits().await;
    let posted =
        |journey: &[(uuid::Uuid, String)]| journey.iter().any(|(_, what)| what.starts_with("Posted packing slip"));
    world.until_journey(&document("SHP1"), posted).await;
    assert_eq!(world.far_ends.posted(), 1);
    worker.stop(Duration::from_secs(5)).await;
    world.close().await;
}

/// The order's create is held while the shipment looks; both then commit as close together as they can, many times.
async fn a_document_that_comes_between_look_and_parking_wakes_its_waiter(backing: Backing) {
    let world = World::new(backing).await;
    let worker = world.worker(&[Flow::Orders, Flow::Shipments]).await;
    world.far_ends.creates(Creates::HeldAfter);
    let requests: Vec<String> = (0..12).map(|number| format!("SHP{number}")).collect();
    for request in &requests {
        world.publish(&released(request, &format!("r-{request}"))).await;
    }
    until("all creates are held", async || (world.far_ends.took().len() == requests.len()).then_some(())).await;
    let publishing = async {
        for request in &requests {
            world.publish(&shipped(request, &format!("s-{request}"))).await;
        }
    };
    tokio::join!(publishing, async { world.far_ends.go_on() });
    // Nobody is woken by time here: it is looked again only after a minute.
    until("all are posted", async || (world.far_ends.posted() == requests.len()).then_some(())).await;
    world.until_nothing_waits().await;
    worker.stop(Duration::from_secs(5)).await;
    world.close().await;
}

/// The create is found after a crash, and then Dynamics may not be read: the message is a person's, the order is known.
async fn an_order_whose_message_parks_after_its_creation_wakes_its_waiters(backing: Backing) {
    let world = World::with(backing, "processor.look_again_ms = 3600000\n").await;
    world.far_ends.creates(Creates::HeldAfter);
    let worker = world.worker(&[Flow::Orders]).await;
    let (order, shipment) = (released("SHP1", "e1"), shipped("SHP1", "e2"));
    world.publish(&order).await;
    until("the create is taken", async || (world.far_ends.took().len() == 1).then_some(())).await;
    drop(worker);
    world.far_ends.go_on();
    world.far_ends.forbid("SHP1", true);
    let shipments = world.worker(&[Flow::Shipments]).await;
    world.publish(&shipment).await;
    world.parked(shipment.message_id, |row| matches!(row.parked.waits_for, WaitsFor::Document { .. })).await;
    let worker = world.worker(&[Flow::Orders]).await;
    world.parked(order.message_id, |row| row.parked.waits_for == WaitsFor::Person).await;
    until("the shipment has been tried", async || {
        let filter = ParkedFilter { message_id: Some(shipment.message_id), limit: 1, ..ParkedFilter::default() };
        let (_, rows) = world.store().parked(&filter).await.unwrap();
        (!rows.iter().any(|row| matches!(row.parked.waits_for, WaitsFor::Document { .. }))).then_some(())
    })
    .await;
    assert_eq!(world.far_ends.asked().len(), 1);
    worker.stop(Duration::from_secs(5)).await;
    shipments.stop(Duration::from_secs(5)).await;
    world.close().await;
}

/// It was known before that stock came in, and was not enough: only the last telling counts.
async fn stock_that_comes_in_while_its_waiter_is_being_parked_again_wakes_it(backing: Backing) {
    let world = World::with(backing, "processor.look_again_ms = 3600000\n").await;
    let teller = world.store().take(Uuid::new_v4(), Flow::GoodsReceived, 0, Duration::from_secs(5)).await.unwrap();
    let teller = teller.expect("nobody works there");
    let came_in = async || {
        let key = "stock/contoso/D0001".to_owned();
        let told = Document { key: key.clone(), kind: "item_stock".to_owned(), legal_entity: None, names: Vec::new() };
        let record = Record::new(teller, Uuid::new_v4(), Outcome::Ended(Ending::Applied));
        let written = world.store().record(&[Record { documents: vec![told], ..record }]).await.unwrap();
        assert_eq!(written, [Written::Yes]);
        world.store().wake(&[key]).await.unwrap()
    };
    let waits = |row: &Listed| matches!(row.parked.waits_for, WaitsFor::Document { .. });
    world.far_ends.adjusts(true);
    let worker = world.worker(&[Flow::StockAdjustments]).await;
    let lost = adjusted("D0001", "-5", "e1");
    world.publish(&lost).await;
    until("it is refused", async || (world.far_ends.adjusted() == 1).then_some(())).await;
    world.far_ends.go_on();
    world.parked(lost.message_id, waits).await;
    world.far_ends.adjusts(true);
    assert_eq!(came_in().await, 1);
    until("it is tried again", async || (world.far_ends.adjusted() == 2).then_some(())).await;
    // Too little came in, and the answer that says so is on its way while the rest comes in.
    came_in().await;
    world.far_ends.adjusts(false);
    world.far_ends.go_on();
    world.until_nothing_waits().await;
    assert_eq!(world.far_ends.adjusted(), 3);
    worker.stop(Duration::from_secs(5)).await;
    world.close().await;
}

/// It is a person's past the deadline, and goes on by itself when its order comes nevertheless: from another flow, or through
/// its own lane.
async fn a_wait_that_takes_too_long_becomes_a_persons_and_ends_when_the_order_comes(backing: Backing) {
    let world = World::with(backing, "processor.document_wait_s_max = 1\n").await;
    let worker = world.worker(&[Flow::Orders, Flow::Shipments]).await;
    let (shipment, early) = (shipped("SHP1", "e1"), accepted("SHP2", "e2"));
    for message in [&shipment, &early] {
        world.publish(message).await;
    }
    for (message, awaited) in [(&shipment, "order/contoso/usmf-SHP1-W1"), (&early, "order/contoso/usmf-SHP2-W1")] {
        let row = world.parked(message.message_id, |row| row.parked.waits_for == WaitsFor::Person).await;
        let failure = row.parked.failure.unwrap();
        assert_eq!((failure.code.as_str(), failure.awaits.as_deref()), ("order.unknown", Some(awaited)));
        assert_eq!(row.parked.parkings, 1);
    }
    for (request, event) in [("SHP1", "e3"), ("SHP2", "e4")] {
        world.publish(&released(request, event)).await;
    }
    until("the shipment is posted", async || (world.far_ends.posted() > 0).then_some(())).await;
    world.until_nothing_waits().await;
    assert_eq!((world.far_ends.took().len(), world.far_ends.posted()), (2, 1));
    worker.stop(Duration::from_secs(5)).await;
    world.close().await;
}

async fn a_busy_far_end_costs_no_attempt(backing: Backing) {
    let world = World::new(backing).await;
    world.far_ends.creates(Creates::Busy);
    let worker = world.worker(&[Flow::Orders]).await;
    let message = released("SHP1", "e1");
    world.publish(&message).await;
    // More often than the table of attempts has rows.
    until("it was tried ten times", async || (world.far_ends.asked().len() >= 10).then_some(())).await;
    let row = world.parked(message.message_id, |_| true).await;
    assert_eq!((row.parked.attempts, row.parked.parkings), (0, 0));
    world.far_ends.go_on();
    world.until_nothing_waits().await;
    assert_eq!(world.far_ends.took().len(), 1);
    worker.stop(Duration::from_secs(5)).await;
    world.close().await;
}
