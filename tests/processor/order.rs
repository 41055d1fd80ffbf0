//! Order per document: a failed message holds back only its own followers, and copies change nothing.

use std::time::Duration;

use drayline::message::{Flow, PREVIOUS_MESSAGE_ID};
use drayline::store::{Replayed, WaitsFor};
use drayline::transport::{Outgoing, Target};
use uuid::Uuid;

use super::on_both;
use super::world::{World, accepted, announced, changed, document, reference, released, status, until};
use crate::support::Backing;

on_both!(
    a_failing_head_holds_back_only_its_own_followers,
    a_later_event_that_says_look_again_wakes_the_head,
    copies_are_swallowed_and_seen,
    equal_bytes_of_the_window_before_are_a_copy,
    undecodable_bytes_are_kept_whole_and_hold_back_their_key,
    a_hot_key_parks_and_keeps_its_order,
    a_stranger_goes_on_to_its_partition,
);

fn for_a_person(row: &drayline::store::Listed) -> bool {
    row.parked.waits_for == WaitsFor::Person
}

async fn a_failing_head_holds_back_only_its_own_followers(backing: Backing) {
    let world = World::new(backing).await;
    world.far_ends.forbid("SHP1", true);
    let worker = world.worker(&[Flow::Orders]).await;
    let head = released("SHP1", "e1");
    let followers = [accepted("SHP1", "e2"), status("SHP1", "PICKING", "e3"), status("SHP1", "PACKED", "e4")];
    world.publish(&head).await;
    for follower in &followers {
        world.publish(follower).await;
    }
    world.publish(&released("SHP2", "e5")).await;

    let row = world.parked(head.message_id, |row| for_a_person(row) && row.followers == 3).await;
    assert_eq!(row.parked.failure.unwrap().code, "dynamics.forbidden");
    assert_eq!(row.parked.parkings, 1);
    until("the other key is not held", async || {
        world.far_ends.took().iter().any(|took| took.reference == reference("SHP2").to_string()).then_some(())
    })
    .await;
    let mut letters = world.tools.transport.subscribe_dead_letters(Flow::Orders).await.unwrap();
    let letter = tokio::time::timeout(Duration::from_secs(20), letters.next()).await.unwrap().unwrap();
    assert_eq!(letter.message_id, Some(head.message_id), "the head is announced, its followers have not failed");
    assert_eq!(letter.bytes, head.encode());
    letter.settlement.settle();
    letters.close().await;

    let refused = world.store().replay(followers[0].message_id, "test").await.unwrap();
    assert_eq!(refused, Replayed::Behind(head.message_id));
    world.far_ends.forbid("SHP1", false);
    assert_eq!(world.store().replay(head.message_id, "test").await.unwrap(), Replayed::Due);
    world.until_nothing_waits().await;
    let journey = world.journey(&document("SHP1")).await;
    let last = |id: Uuid| journey.iter().rposition(|(message, _)| *message == id).unwrap();
    let ends: Vec<usize> = std::iter::once(&head).chain(&followers).map(|message| last(message.message_id)).collect();
    assert!(ends.is_sorted(), "applied in order of arrival: {journey:#?}");
    assert_eq!(world.far_ends.took().len(), 2, "one create per order");
    worker.stop(Duration::from_secs(5)).await;
    world.close().await;
}

async fn a_later_event_that_says_look_again_wakes_the_head(backing: Backing) {
    let world = World::new(backing).await;
    world.far_ends.forbid("SHP1", true);
    let worker = world.worker(&[Flow::Orders]).await;
    let head = released("SHP1", "e1");
    world.publish(&head).await;
    world.parked(head.message_id, for_a_person).await;
    world.far_ends.forbid("SHP1", false);
    world.publish(&changed("SHP1", "e2")).await;
    world.until_nothing_waits().await;
    assert_eq!(world.far_ends.took().len(), 1, "corrected in Dynamics, and no person pressed anything");
    worker.stop(Duration::from_secs(5)).await;
    world.close().await;
}

async fn copies_are_swallowed_and_seen(backing: Backing) {
    let world = World::new(backing).await;
    let worker = world.worker(&[Flow::Orders]).await;
    let message = released("SHP1", "e1");
    world.publish(&message).await;
    world.publish(&message).await;
    let came_again = |journey: &[(Uuid, String)]| journey.iter().any(|(_, what)| what.contains("came again"));
    world.until_journey(&document("SHP1"), came_again).await;
    assert_eq!(world.far_ends.took().len(), 1);

    // A copy of what is parked is swallowed, too, and is no follower of itself.
    world.far_ends.forbid("SHP2", true);
    let parked = released("SHP2", "e2");
    world.publish(&parked).await;
    world.parked(parked.message_id, for_a_person).await;
    world.publish(&parked).await;
    world.publish(&accepted("SHP2", "e3")).await;
    let row = world.parked(parked.message_id, |row| row.followers > 0).await;
    assert_eq!((row.followers, row.parked.parkings, row.parked.attempts), (1, 1, 1));
    worker.stop(Duration::from_secs(5)).await;
    world.close().await;
}

async fn equal_bytes_of_the_window_before_are_a_copy(backing: Backing) {
    let world = World::new(backing).await;
    let worker = world.worker(&[Flow::Orders]).await;
    let yesterday = released("SHP1", "window 1");
    let mut today = released("SHP1", "window 2");
    today.attributes.insert(PREVIOUS_MESSAGE_ID.to_owned(), yesterday.message_id.to_string());
    world.publish(&yesterday).await;
    until("it is taken on", async || (world.far_ends.took().len() == 1).then_some(())).await;
    world.publish(&today).await;
    let of_today = |what: &str, journey: &[(Uuid, String)]| {
        journey.iter().any(|(id, each)| *id == today.message_id && each.contains(what))
    };
    world.until_journey(&document("SHP1"), |journey| of_today("came again", journey)).await;

    // Where the window before is empty, they are an event of their own.
    let mut lonely = released("SHP2", "window 2");
    lonely.attributes.insert(PREVIOUS_MESSAGE_ID.to_owned(), Uuid::from_u128(7).to_string());
    world.publish(&lonely).await;
    until("it is taken on", async || (world.far_ends.took().len() == 2).then_some(())).await;
    worker.stop(Duration::from_secs(5)).await;
    world.close().await;
}

async fn undecodable_bytes_are_kept_whole_and_hold_back_their_key(backing: Backing) {
    let world = World::new(backing).await;
    let worker = world.worker(&[Flow::Orders]).await;
    let garbage = Outgoing {
        target: Target::Flow(Flow::Orders),
        ordering_key: document("SHP1"),
        message_id: Uuid::from_u128(42),
        type_name: "drayline.v9.FromTheFuture".to_owned(),
        traceparent: None,
        headers: Vec::new(),
        bytes: vec![0xff, 0x00, 0x17],
    };
    world.send(garbage.clone()).await;
    world.publish(&released("SHP1", "e1")).await;
    let row = world.parked(garbage.message_id, |row| for_a_person(row) && row.followers == 1).await;
    assert_eq!(row.parked.failure.unwrap().code, "message.undecodable");
    assert_eq!(row.parked.bytes, garbage.bytes);
    assert_eq!(row.parked.kind, garbage.type_name);
    assert!(world.far_ends.asked().is_empty());
    worker.stop(Duration::from_secs(5)).await;
    world.close().await;
}

async fn a_hot_key_parks_and_keeps_its_order(backing: Backing) {
    let world = World::with(backing, "processor.lane_deliveries_max = 4\n").await;
    let hot: Vec<_> = (0..40).map(|number| changed("SHP1", &format!("e{number:02}"))).collect();
    for message in &hot {
        world.publish(message).await;
    }
    let worker = world.worker(&[Flow::Orders]).await;
    // Each of them tells that it found nothing new, or what it sent: once, and in order.
    let last = hot[39].message_id;
    let ended =
        |journey: &[(Uuid, String)]| journey.iter().any(|(id, what)| *id == last && !what.contains("waits behind"));
    let journey = world.until_journey(&document("SHP1"), ended).await;
    world.until_nothing_waits().await;
    let mut ends: Vec<Uuid> = Vec::new();
    for (id, _) in journey.iter().filter(|(_, what)| !what.contains("waits behind")) {
        if !ends.contains(id) {
            ends.push(*id);
        }
    }
    assert_eq!(ends, hot.iter().map(|message| message.message_id).collect::<Vec<_>>());
    assert_eq!(world.far_ends.took().len(), 1);
    worker.stop(Duration::from_secs(5)).await;
    world.close().await;
}

async fn a_stranger_goes_on_to_its_partition(backing: Backing) {
    let world = World::new(backing).await;
    let stranger = released("SHP1", "e1");
    let foreign = (2..).map(|number| document(&format!("SHP{number}")));
    let foreign = foreign.into_iter().find(|key| key.partition(2) != stranger.ordering_key.partition(2)).unwrap();
    world.publish_as(&stranger, foreign.clone()).await;
    // Another flow's message goes on to its flow.
    let other_flow = announced("IN1", "e2");
    let outgoing = Outgoing {
        target: Target::Flow(Flow::Orders),
        ordering_key: foreign,
        message_id: other_flow.message_id,
        type_name: other_flow.kind().type_name().to_owned(),
        traceparent: None,
        headers: Vec::new(),
        bytes: other_flow.encode(),
    };
    world.send(outgoing).await;
    let worker = world.worker(&[Flow::Orders, Flow::GoodsReceived]).await;
    until("the stranger is applied", async || (!world.far_ends.took().is_empty()).then_some(())).await;
    let row = world.parked(other_flow.message_id, for_a_person).await;
    assert_eq!(row.parked.flow, Flow::GoodsReceived);
    assert_eq!(row.parked.failure.unwrap().code, "dynamics.not_found");
    worker.stop(Duration::from_secs(5)).await;
    world.close().await;
}
