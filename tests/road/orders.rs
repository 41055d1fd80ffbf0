//! Orders: released in Dynamics, held by the warehouse.

use drayline::sandbox::{Faults, Uniqueness, WarehouseRules};
use drayline::store::Replayed;
use serde_json::json;

use super::world::{Making, World, event_about};
use crate::support::Backing;
use crate::support::wait::until;

/// Orders that stay in the warehouse without being picked, as good as for ever.
fn resting() -> WarehouseRules {
    WarehouseRules { pick_ms: 600_000, ..WarehouseRules::default() }
}

async fn out_and_back(backing: Backing) {
    let world = World::start(backing, Making::default()).await;
    world.release(20).await;
    world.until_posted(20).await;
    let verdict = world.finish().await;
    assert_eq!((verdict.orders, verdict.shipped, verdict.posted), (20, 20, 20));
    assert_eq!(verdict.tracked, verdict.packages);
}

#[tokio::test]
async fn orders_go_out_and_shipments_come_back_embedded() {
    out_and_back(Backing::Embedded).await;
}

#[tokio::test]
async fn orders_go_out_and_shipments_come_back_on_servers() {
    out_and_back(Backing::Servers).await;
}

async fn with_faults(backing: Backing, uniqueness: Uniqueness) {
    let faults = Faults {
        latency_ms: 2,
        refuse_429: 0.02,
        fail_5xx: 0.05,
        lose_answer: 0.1,
        duplicate: 0.3,
        reorder: 0.3,
        ..Faults::default()
    };
    let world = World::start(backing, Making { faults, uniqueness, ..Making::default() }).await;
    // With faults the answer to the release itself may be lost; the counts tell.
    let _ = world.to_dynamics.release(15, 7).await;
    world.until("the release", |dynamics, _| dynamics["released"].as_u64() >= Some(15)).await;
    world.until_posted(15).await;
    let verdict = world.finish().await;
    assert_eq!((verdict.shipped, verdict.posted), (15, 15));
}

#[tokio::test]
async fn faults_change_nothing_where_the_warehouse_answers_existing() {
    with_faults(Backing::Embedded, Uniqueness::AnswersExisting).await;
}

#[tokio::test]
async fn faults_change_nothing_where_the_warehouse_knows_no_uniqueness() {
    with_faults(Backing::Embedded, Uniqueness::None).await;
}

#[tokio::test]
async fn faults_change_nothing_where_the_warehouse_updates_in_place() {
    with_faults(Backing::Servers, Uniqueness::UpdatesInPlace).await;
}

async fn restarted(backing: Backing) {
    let mut world = World::start(backing, Making::default()).await;
    world.release(20).await;
    world.until("some held", |_, warehouse| warehouse["held"].as_u64() >= Some(3)).await;
    world.stop_product().await;
    world.start_product().await;
    world.until_posted(20).await;
    world.finish().await;
}

#[tokio::test]
async fn a_restart_in_the_middle_loses_and_doubles_nothing_embedded() {
    restarted(Backing::Embedded).await;
}

#[tokio::test]
async fn a_restart_in_the_middle_loses_and_doubles_nothing_on_servers() {
    restarted(Backing::Servers).await;
}

#[tokio::test]
async fn a_change_before_picking_is_cancelled_and_created_again() {
    let world = World::start(Backing::Embedded, Making { warehouse: resting(), ..Making::default() }).await;
    let id = world.release(1).await.remove(0);
    world.until("held", |_, warehouse| warehouse["held"] == 1).await;
    world.to_dynamics.order(&id, "change", &json!({})).await.unwrap();
    world.until("created again", |_, warehouse| warehouse["held"] == 2 && warehouse["cancelled"] == 1).await;
    let state = world.to_warehouse.state().await.unwrap();
    let references: Vec<_> = state["orders"].as_array().unwrap().iter().map(|order| &order["reference"]).collect();
    assert!(references.iter().any(|reference| reference.as_str().unwrap().ends_with("-W1R2")), "{references:?}");
    world.finish().await;
}

/// The plan does not want the cancellation any more when it is looked up: it has to learn of it all the same.
#[tokio::test]
async fn a_cancellation_whose_answer_was_lost_is_known_when_the_change_is_undone() {
    let world = World::start(Backing::Embedded, Making { warehouse: resting(), ..Making::default() }).await;
    let id = world.release(1).await.remove(0);
    world.until("held", |_, warehouse| warehouse["held"] == 1 && warehouse["pending_events"] == 0).await;
    world.until_nothing_parked().await;
    let before = world.to_dynamics.state().await.unwrap()["orders"][0]["lines"][0]["ordered"].clone();
    world.to_warehouse.disturb(&Faults { lose_answer: 1.0, ..Faults::default() }).await.unwrap();
    world.to_dynamics.order(&id, "change", &json!({})).await.unwrap();
    world.until("cancelled", |_, warehouse| warehouse["cancelled"] == 1).await;
    world.to_dynamics.order(&id, "change", &json!({ "lines": [{ "line": 1, "quantity": before }] })).await.unwrap();
    world.to_warehouse.disturb(&Faults::default()).await.unwrap();
    world.until("created again", |_, warehouse| warehouse["held"] == 2).await;
    world.until_nothing_parked().await;
    assert_eq!(world.exceptions(false).await.0, 0);
    world.finish().await;
}

/// A create whose answer was lost, of an order that the warehouse rejected meanwhile: its reference is never used twice.
#[tokio::test]
async fn a_rejection_that_overtakes_a_lost_answer_makes_no_second_order_of_a_reference() {
    let warehouse = WarehouseRules { rejection_share: 0.5, accept_ms: 1, ..resting() };
    let faults = Faults { lose_answer: 0.3, ..Faults::default() };
    let making = Making { warehouse, faults, uniqueness: Uniqueness::None, ..Making::default() };
    let world = World::start(Backing::Embedded, making).await;
    let _ = world.to_dynamics.release(12, 7).await;
    world
        .until("told", |dynamics, warehouse| {
            dynamics["released"] == 12
                && dynamics["pending_events"] == 0
                && warehouse["held"].as_u64() >= Some(12)
                && warehouse["pending_events"] == 0
        })
        .await;
    world.until_nothing_parked().await;
    let verdict = world.verdict().await;
    assert_eq!(verdict.duplicated, 0, "{:#?}", verdict.findings);
    world.leave().await;
}

#[tokio::test]
async fn a_cancellation_before_picking_cancels_at_the_warehouse() {
    let world = World::start(Backing::Embedded, Making { warehouse: resting(), ..Making::default() }).await;
    let id = world.release(1).await.remove(0);
    world.until("held", |_, warehouse| warehouse["held"] == 1).await;
    world.to_dynamics.order(&id, "cancel", &json!({})).await.unwrap();
    world.until("cancelled", |_, warehouse| warehouse["cancelled"] == 1).await;
    world.until_nothing_parked().await;
    assert_eq!(world.exceptions(false).await.0, 0);
    world.finish().await;
}

#[tokio::test]
async fn a_cancellation_after_picking_is_an_exception_and_the_shipment_is_posted() {
    let slow = WarehouseRules { pick_ms: 1, accept_ms: 1, ship_ms: 3000, ..WarehouseRules::default() };
    let world = World::start(Backing::Embedded, Making { warehouse: slow, ..Making::default() }).await;
    let id = world.release(1).await.remove(0);
    world.until("picking", |_, warehouse| warehouse["held"] == 1).await;
    let picking = async || world.to_warehouse.state().await.unwrap()["orders"][0]["status"] == "PICKING";
    until("it is picked", async || picking().await.then_some(())).await;
    world.to_dynamics.order(&id, "cancel", &json!({})).await.unwrap();
    let exceptions = world.until_exceptions(1).await;
    assert_eq!(exceptions[0].code, "order.cancelled_too_late");
    world
        .until("posted and tracked", |dynamics, warehouse| {
            dynamics["posted"] == 1 && warehouse["packages"] != 0 && dynamics["tracking"] == warehouse["packages"]
        })
        .await;
    world.finish().await;
}

async fn an_event_about_nothing(backing: Backing) {
    let world = World::start(backing, Making::default()).await;
    for _ in 0..2 {
        world.post(&event_about("SHP-NOBODY-KNOWS")).await;
    }
    let exceptions = world.until_exceptions(1).await;
    assert_eq!(exceptions[0].code, "dynamics.not_found");
    assert_eq!(world.app().store().replay(exceptions[0].id, "a test").await.unwrap(), Replayed::Due);
    let again = world.until_exceptions(1).await;
    assert_eq!(again[0].id, exceptions[0].id);
    world.finish().await;
}

#[tokio::test]
async fn an_event_about_nothing_is_one_exception_however_often_it_comes_embedded() {
    an_event_about_nothing(Backing::Embedded).await;
}

#[tokio::test]
async fn an_event_about_nothing_is_one_exception_however_often_it_comes_on_servers() {
    an_event_about_nothing(Backing::Servers).await;
}

/// Dynamics sends each event once, or never: whoever notices posts it, and the order goes out.
#[tokio::test]
async fn an_event_that_dynamics_never_sent_can_be_posted_by_hand() {
    let world = World::start(Backing::Embedded, Making::default()).await;
    let id = world.to_dynamics.release_silently(1).await.unwrap()["released"][0].as_str().unwrap().to_owned();
    world.post(&event_about(&id)).await;
    world.until_posted(1).await;
    let state = world.to_warehouse.state().await.unwrap();
    assert_eq!(state["orders"][0]["reference"], format!("usmf-{id}-W1"));
    world.finish().await;
}
