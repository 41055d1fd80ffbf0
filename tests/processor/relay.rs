//! The relay: what waits in the outbox arrives, in order per key, and goes.

use std::time::Duration;

use drayline::message::{Envelope, Flow};
use drayline::store::{OutboxRow, ParkedFilter, Purpose};

use super::on_both;
use super::world::{World, announced, until};
use crate::support::Backing;

on_both!(rows_arrive_in_order_per_key_and_are_deleted, rows_that_cannot_leave_hold_back_their_own_key_alone);

fn row(message: &Envelope) -> OutboxRow {
    OutboxRow {
        id: 0,
        flow: message.flow(),
        purpose: Purpose::Ingest,
        ordering_key: message.ordering_key.to_string(),
        message_id: message.message_id,
        kind: message.kind().to_string(),
        traceparent: None,
        bytes: message.encode(),
        failure: None,
    }
}

/// More of them than one round reads, and in front of everything else.
async fn rows_that_cannot_leave_hold_back_their_own_key_alone(backing: Backing) {
    let world = World::with(backing, "transport.publish_window = 4\n").await;
    for number in 0..20 {
        let message = announced("IN0", &format!("held-{number}"));
        let nowhere = OutboxRow { ordering_key: "\u{1}".to_owned(), ..row(&message) };
        assert!(world.store().accept(&nowhere, 1000).await.unwrap());
    }
    let free = announced("IN1", "free");
    assert!(world.store().accept(&row(&free), 1000).await.unwrap());
    let worker = world.worker(&[Flow::GoodsReceived]).await;
    world.parked(free.message_id, |_| true).await;
    assert_eq!(world.store().waiting(None, Some(Purpose::Ingest)).await.unwrap().rows, 20, "nothing is lost");
    worker.stop(Duration::from_secs(5)).await;
    world.close().await;
}

async fn rows_arrive_in_order_per_key_and_are_deleted(backing: Backing) {
    let world = World::new(backing).await;
    let messages: Vec<_> =
        (0..90).map(|number| announced(&format!("IN{}", number % 3), &format!("e{number}"))).collect();
    for message in &messages {
        assert!(world.store().accept(&row(message), 1000).await.unwrap());
    }
    let worker = world.worker(&[Flow::GoodsReceived]).await;
    let filter = ParkedFilter { flow: Some(Flow::GoodsReceived), limit: 100, ..ParkedFilter::default() };
    // This release does not handle the kind: the first of each key waits for a person, the others behind it.
    let rows = until("all have arrived", async || {
        let (total, rows) = world.store().parked(&filter).await.unwrap();
        (total == 90).then_some(rows)
    })
    .await;
    until("the outbox is empty", async || (world.store().waiting(None, None).await.unwrap().rows == 0).then_some(()))
        .await;
    for key in 0..3 {
        let of_key = |lane: &str| lane.ends_with(&format!("IN{key}"));
        let mut places: Vec<_> = rows.iter().filter(|row| of_key(&row.parked.lane_key)).collect();
        places.sort_by_key(|row| match row.parked.place {
            drayline::store::Place::At(position) => position,
            other => panic!("a parked row stands somewhere: {other:?}"),
        });
        let arrived: Vec<_> = places.iter().map(|row| row.parked.message_id).collect();
        let sent: Vec<_> = messages.iter().skip(key).step_by(3).map(|message| message.message_id).collect();
        assert_eq!(arrived, sent);
    }
    worker.stop(Duration::from_secs(5)).await;
    world.close().await;
}
