//! Connections that may not be called.

use std::time::Duration;

use drayline::message::Flow;
use drayline::store::WaitsFor;

use super::on_both;
use super::world::{World, document, released};
use crate::support::Backing;

on_both!(a_paused_connection_is_left_alone, in_dry_run_the_journey_says_what_would_be_sent);

async fn a_paused_connection_is_left_alone(backing: Backing) {
    let world = World::with(backing, "warehouses.north.mode = \"paused\"\n").await;
    let worker = world.worker(&[Flow::Orders]).await;
    let message = released("SHP1", "e1");
    world.publish(&message).await;
    let row = world.parked(message.message_id, |_| true).await;
    assert_eq!(row.parked.failure.unwrap().code, "connection.paused");
    assert_eq!(row.parked.waits_for, WaitsFor::FarEnd { connection: "north".to_owned() });
    assert_eq!(row.parked.attempts, 0);
    assert!(world.far_ends.asked().is_empty());
    worker.stop(Duration::from_secs(5)).await;
    world.close().await;
}

async fn in_dry_run_the_journey_says_what_would_be_sent(backing: Backing) {
    let more = "warehouses.north.mode = \"dry_run\"\nprocessor.look_again_ms = 50\n";
    let world = World::with(backing, more).await;
    let worker = world.worker(&[Flow::Orders]).await;
    let message = released("SHP1", "e1");
    world.publish(&message).await;
    let row = world.parked(message.message_id, |_| true).await;
    assert_eq!(row.parked.failure.unwrap().code, "connection.dry_run");
    // It is looked at again, and told only once.
    world.parked(message.message_id, |again| again.parked.last_parked_at > row.parked.last_parked_at).await;
    let journey = world.journey(&document("SHP1")).await;
    let told: Vec<_> = journey.iter().filter(|(_, what)| what.contains("create_order")).collect();
    assert_eq!(told.len(), 1, "{journey:#?}");
    assert!(world.far_ends.asked().is_empty());
    worker.stop(Duration::from_secs(5)).await;
    world.close().await;
}
