//! Who owns a partition: close, then give up; take, then subscribe.

use std::time::Duration;

use drayline::message::Flow;
use drayline::processor::Worker;

use super::far_ends::Creates;
use super::on_both;
use super::world::{World, released, until};
use crate::support::Backing;

on_both!(a_hand_over_finishes_its_call_first, two_workers_never_share_a_partition);

async fn a_hand_over_finishes_its_call_first(backing: Backing) {
    let world = World::new(backing).await;
    world.far_ends.creates(Creates::HeldAfter);
    let first = world.worker(&[Flow::Orders]).await;
    world.publish(&released("SHP1", "e1")).await;
    until("the call is in flight", async || (world.far_ends.took().len() == 1).then_some(())).await;
    let second = Worker::start(world.tools.clone(), vec![Flow::Orders]);
    let stopping = tokio::spawn(first.stop(Duration::from_secs(20)));
    // Behind it in the same lane, not started: it goes over.
    world.publish(&released("SHP1", "e2")).await;
    world.publish(&released("SHP2", "e3")).await;
    world.far_ends.go_on();
    stopping.await.unwrap();
    until("the successor owns everything", async || second.ready().then_some(())).await;
    until("the successor works", async || (world.far_ends.took().len() == 2).then_some(())).await;
    world.until_nothing_waits().await;
    assert!(world.far_ends.took().iter().all(|took| took.new), "{:?}", world.far_ends.took());
    assert_eq!(world.far_ends.overlaps(), 0);
    second.stop(Duration::from_secs(5)).await;
    world.close().await;
}

async fn two_workers_never_share_a_partition(backing: Backing) {
    let world = World::new(backing).await;
    let first = world.worker(&[Flow::Orders]).await;
    let second = Worker::start(world.tools.clone(), vec![Flow::Orders]);
    for number in 0..20 {
        world.publish(&released(&format!("SHP{number}"), &format!("e{number}"))).await;
    }
    until("all are created", async || (world.far_ends.took().len() == 20).then_some(())).await;
    assert!(first.ready() && !second.ready());
    drop(first);
    until("the dead one's partitions are taken over", async || second.ready().then_some(())).await;
    world.publish(&released("SHP20", "e20")).await;
    until("the successor works", async || (world.far_ends.took().len() == 21).then_some(())).await;
    assert!(world.far_ends.took().iter().all(|took| took.new));
    second.stop(Duration::from_secs(5)).await;
    world.close().await;
}
