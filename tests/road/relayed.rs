//! What Dynamics tells in other shapes than its own: business events that Dataverse relays, and data events.

use drayline::sandbox::{EventShapes, FinanceOperationsRules, WarehouseRules};
use serde_json::json;

use super::receipts::{STATUSES, until_received};
use super::world::{Making, World};
use crate::support::Backing;

fn told(event_shapes: EventShapes) -> Making {
    let dynamics = FinanceOperationsRules { event_shapes, ..FinanceOperationsRules::default() };
    Making { dynamics, sections: STATUSES.to_owned(), ..Making::default() }
}

async fn out_in_and_back(backing: Backing, shapes: EventShapes) {
    let world = World::start(backing, told(shapes)).await;
    world.release(5).await;
    world.to_dynamics.expect(2, 7).await.unwrap();
    world.until_posted(5).await;
    until_received(&world, 2).await;
    let verdict = world.finish().await;
    assert_eq!((verdict.orders, verdict.shipped, verdict.posted, verdict.receipts), (5, 5, 5, 2));
}

#[tokio::test]
async fn orders_and_receipts_flow_where_data_events_alone_tell_of_them() {
    out_in_and_back(Backing::Embedded, EventShapes::Data).await;
}

#[tokio::test]
async fn orders_and_receipts_flow_where_dataverse_relays_the_events() {
    out_in_and_back(Backing::Servers, EventShapes::Relayed).await;
}

#[tokio::test]
async fn what_is_told_in_all_shapes_is_done_once() {
    out_in_and_back(Backing::Embedded, EventShapes::All).await;
}

/// A data event of a changed row says neither what changed nor that the order was cancelled: the order is read.
#[tokio::test]
async fn changes_and_cancellations_are_read_behind_the_data_event() {
    let warehouse = WarehouseRules { pick_ms: 600_000, ..WarehouseRules::default() };
    let world = World::start(Backing::Embedded, Making { warehouse, ..told(EventShapes::Data) }).await;
    let ids = world.release(2).await;
    world.until("held", |_, warehouse| warehouse["held"] == 2).await;
    world.to_dynamics.order(&ids[0], "change", &json!({})).await.unwrap();
    world.until("created again", |_, warehouse| warehouse["held"] == 3 && warehouse["cancelled"] == 1).await;
    world.to_dynamics.order(&ids[1], "cancel", &json!({})).await.unwrap();
    world.until("cancelled", |_, warehouse| warehouse["cancelled"] == 2).await;
    world.until_nothing_parked().await;
    world.finish().await;
}
