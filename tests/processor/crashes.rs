//! Crashes in the middle: a worker dropped where it stands is a crash to everybody else.

use std::time::Duration;

use drayline::message::Flow;
use drayline::store::WaitsFor;

use super::far_ends::Creates;
use super::on_both;
use super::world::{World, reference, released, until};
use crate::support::Backing;

on_both!(
    a_create_that_happened_is_found_after_a_crash,
    a_create_that_never_left_is_made_after_a_crash,
    silence_is_looked_up_and_not_repeated,
    not_there_is_not_believed_too_early,
);

async fn a_create_that_happened_is_found_after_a_crash(backing: Backing) {
    let world = World::new(backing).await;
    world.far_ends.creates(Creates::HeldAfter);
    let worker = world.worker(&[Flow::Orders]).await;
    world.publish(&released("SHP1", "e1")).await;
    until("the create is taken", async || (world.far_ends.took().len() == 1).then_some(())).await;
    drop(worker);
    world.far_ends.go_on();
    let worker = world.worker(&[Flow::Orders]).await;
    world.until_journey(&super::world::document("SHP1"), |journey| !journey.is_empty()).await;
    world.until_nothing_waits().await;
    assert_eq!(world.far_ends.asked(), [reference("SHP1").to_string()], "it was asked about, not made again");
    worker.stop(Duration::from_secs(5)).await;
    world.close().await;
}

async fn a_create_that_never_left_is_made_after_a_crash(backing: Backing) {
    let world = World::with(backing, "gateways.call_ms_max = 1000\n").await;
    world.far_ends.creates(Creates::HeldBefore);
    let worker = world.worker(&[Flow::Orders]).await;
    world.publish(&released("SHP1", "e1")).await;
    until("the create is at the door", async || (world.far_ends.asked().len() == 1).then_some(())).await;
    drop(worker);
    let worker = world.worker(&[Flow::Orders]).await;
    world.far_ends.creates(Creates::Answered);
    until("the create is made", async || (world.far_ends.took().len() == 1).then_some(())).await;
    world.until_nothing_waits().await;
    assert!(world.far_ends.took()[0].new);
    assert_eq!(world.far_ends.overlaps(), 0, "never two calls of one reference at a time");
    worker.stop(Duration::from_secs(5)).await;
    world.close().await;
}

async fn silence_is_looked_up_and_not_repeated(backing: Backing) {
    let world = World::with(backing, "gateways.call_ms_max = 500\n").await;
    world.far_ends.creates(Creates::HeldAfter);
    let worker = world.worker(&[Flow::Orders]).await;
    world.publish(&released("SHP1", "e1")).await;
    world.until_journey(&super::world::document("SHP1"), |journey| !journey.is_empty()).await;
    world.until_nothing_waits().await;
    assert_eq!(world.far_ends.asked().len(), 1);
    world.far_ends.go_on();
    worker.stop(Duration::from_secs(5)).await;
    world.close().await;
}

async fn not_there_is_not_believed_too_early(backing: Backing) {
    let more = "gateways.call_ms_max = 2000\ngateways.settle_ms = 1000\n";
    let world = World::with(backing, more).await;
    world.far_ends.creates(Creates::HeldBefore);
    let worker = world.worker(&[Flow::Orders]).await;
    let message = released("SHP1", "e1");
    let before = std::time::Instant::now();
    world.publish(&message).await;
    let row = world.parked(message.message_id, |row| !row.parked.unsure.is_empty()).await;
    assert!(matches!(row.parked.waits_for, WaitsFor::Time { .. }), "{row:?}");
    assert!(row.parked.unsure[0].committed_at.is_some());
    until("it is made again", async || (world.far_ends.asked().len() == 2).then_some(())).await;
    assert!(before.elapsed() >= Duration::from_secs(3), "deadline and settle must pass: {:?}", before.elapsed());
    world.far_ends.go_on();
    world.until_nothing_waits().await;
    // The far end took the late first one, too, and recognised our reference.
    assert_eq!(world.far_ends.took().iter().filter(|took| took.new).count(), 1);
    worker.stop(Duration::from_secs(5)).await;
    world.close().await;
}
