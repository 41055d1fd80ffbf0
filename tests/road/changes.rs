//! Changes that the warehouse takes itself, as its connection declares: one call, the same order, the same reference.

use drayline::sandbox::{Faults, WarehouseRules};
use serde_json::{Value, json};

use super::world::{Making, World};
use crate::support::Backing;
use crate::support::wait::until;

/// Orders that stay in the warehouse without being picked, as good as for ever.
fn resting() -> WarehouseRules {
    WarehouseRules { pick_ms: 600_000, ..WarehouseRules::default() }
}

fn making(warehouse: WarehouseRules) -> Making {
    let warehouse_toml = "changes.fields = [\"recipient\", \"deliverBy\", \"lines.quantity\"]\n".to_owned();
    Making { warehouse, warehouse_toml, ..Making::default() }
}

/// One order that the warehouse has, and nothing of it on its way.
async fn held(backing: Backing, warehouse: WarehouseRules) -> (World, String) {
    let world = World::start(backing, making(warehouse)).await;
    let lines = json!([{ "item": "ITEM-1001", "quantity": "5", "unit": "ea" }]);
    let released = world.to_dynamics.release_lines(&lines).await.unwrap();
    let id = released["released"][0].as_str().unwrap().to_owned();
    world.until("held", |_, warehouse| warehouse["held"] == 1 && warehouse["pending_events"] == 0).await;
    world.until_nothing_parked().await;
    (world, id)
}

/// Another street, and another quantity of the one line.
fn change(street: &str, quantity: &str) -> Value {
    let fields = json!({ "ReceiverStreet": street, "ReceiverStreetNumber": "" });
    json!({ "fields": fields, "lines": [{ "line": 1, "quantity": quantity }] })
}

/// The orders that the warehouse has: reference, change, street and quantity.
async fn there(world: &World) -> Vec<(String, u64, String, String)> {
    listed(&world.to_warehouse.state().await.unwrap())
}

fn listed(state: &Value) -> Vec<(String, u64, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let order = |order: &Value| {
        let (recipient, line) = (&order["recipient"], &order["lines"][0]);
        (
            text(&order["reference"]),
            order["change"].as_u64().unwrap(),
            text(&recipient["line1"]),
            text(&line["quantity"]),
        )
    };
    state["orders"].as_array().unwrap().iter().map(order).collect()
}

async fn until_changed(world: &World, change: u64) -> Vec<(String, u64, String, String)> {
    until("it is changed", async || {
        let orders = there(world).await;
        (orders[0].1 == change).then_some(orders)
    })
    .await
}

/// Waits until the order's journey says so: the far end may have changed it before we know.
async fn until_told(world: &World, id: &str, what: &str) {
    until(what, async || {
        let (_, shown) = world.ask(&["documents", "show", id]).await;
        shown.to_string().contains(what).then_some(())
    })
    .await;
}

/// What calls of changes and cancellations did, in their order.
async fn asked(world: &World) -> Vec<String> {
    let ledger = world.to_warehouse.ledger(0).await.unwrap();
    let calls = ledger.iter().filter_map(|line| {
        let act = ["change", "cancel"].into_iter().find(|act| line.path.ends_with(&format!("/{act}")))?;
        Some(format!("{act} {}", json!(line.effect).as_str().unwrap()))
    });
    calls.collect()
}

async fn one_call_changes_it(backing: Backing) {
    let (world, id) = held(backing, resting()).await;
    let reference = format!("usmf-{id}-W1");
    world.to_dynamics.order(&id, "change", &change("Side Street 9", "7")).await.unwrap();
    let orders = until_changed(&world, 1).await;
    assert_eq!(orders, [(reference.clone(), 1, "Side Street 9".to_owned(), "7".to_owned())]);
    // There and back again are changes of their own; what was told twice is none.
    world.to_dynamics.order(&id, "change", &change("High Street 1", "5")).await.unwrap();
    until_changed(&world, 2).await;
    world.to_dynamics.order(&id, "change", &change("Side Street 9", "7")).await.unwrap();
    until_changed(&world, 3).await;
    // What ships before we know of the change would be more than was ordered.
    until_told(&world, &id, "since it was changed there (change 3)").await;
    world.post(&super::world::event_about(&id)).await;
    world.until_nothing_parked().await;
    assert_eq!(asked(&world).await, ["change changed"; 3]);
    // It ships as it was changed, and is posted whole.
    world.to_warehouse.ship(&reference, &json!({})).await.unwrap();
    world.until_posted(1).await;
    let state = world.to_dynamics.state().await.unwrap();
    assert_eq!(state["orders"][0]["lines"][0]["posted"], "7", "{state:#}");
    assert_eq!(world.exceptions(false).await.0, 0);
    world.finish().await;
}

#[tokio::test]
async fn what_the_connection_declares_is_one_call_and_the_order_stays_embedded() {
    one_call_changes_it(Backing::Embedded).await;
}

#[tokio::test]
async fn what_the_connection_declares_is_one_call_and_the_order_stays_on_servers() {
    one_call_changes_it(Backing::Servers).await;
}

#[tokio::test]
async fn what_it_does_not_declare_is_cancelled_and_created_anew() {
    let (world, id) = held(Backing::Embedded, resting()).await;
    let both = json!({ "fields": { "CarrierServiceCode": "EXPRESS", "ReceiverStreet": "Side Street 9" } });
    world.to_dynamics.order(&id, "change", &both).await.unwrap();
    world.until("created again", |_, warehouse| warehouse["held"] == 2 && warehouse["cancelled"] == 1).await;
    world.until_nothing_parked().await;
    assert_eq!(asked(&world).await, ["cancel changed"]);
    world.finish().await;
}

#[tokio::test]
async fn a_change_whose_answer_was_lost_is_looked_up_by_its_number_and_not_made_again() {
    let (world, id) = held(Backing::Embedded, resting()).await;
    world.to_warehouse.disturb(&Faults { lose_answer: 1.0, ..Faults::default() }).await.unwrap();
    world.to_dynamics.order(&id, "change", &change("Side Street 9", "7")).await.unwrap();
    until("it is changed", async || {
        let ledger = world.to_warehouse.ledger(0).await.unwrap();
        ledger.iter().any(|line| line.path.ends_with("/change")).then_some(())
    })
    .await;
    world.to_warehouse.disturb(&Faults::default()).await.unwrap();
    until_changed(&world, 1).await;
    until_told(&world, &id, "change_order had happened before the answer was lost").await;
    world.until_nothing_parked().await;
    // The next one has the next number: the product knows of the first.
    world.to_dynamics.order(&id, "change", &change("High Street 1", "5")).await.unwrap();
    until_changed(&world, 2).await;
    world.until_nothing_parked().await;
    assert_eq!(asked(&world).await, ["change changed", "change changed"]);
    assert_eq!(world.exceptions(false).await.0, 0);
    world.finish().await;
}

#[tokio::test]
async fn a_warehouse_that_changes_it_no_more_is_asked_to_cancel_it() {
    let stubborn = WarehouseRules { unchangeable_share: 1.0, ..resting() };
    let (world, id) = held(Backing::Embedded, stubborn).await;
    world.to_dynamics.order(&id, "change", &change("Side Street 9", "7")).await.unwrap();
    world.until("created again", |_, warehouse| warehouse["held"] == 2 && warehouse["cancelled"] == 1).await;
    world.until_nothing_parked().await;
    assert_eq!(asked(&world).await, ["change refused", "cancel changed"]);
    let mut orders = there(&world).await;
    orders.sort();
    assert_eq!(orders[1], (format!("usmf-{id}-W1R2"), 0, "Side Street 9".to_owned(), "7".to_owned()));
    assert_eq!(world.exceptions(false).await.0, 0);
    world.finish().await;
}

#[tokio::test]
async fn a_change_that_is_too_late_for_everything_names_what_differs_and_what_ships_is_posted() {
    // It tells nobody that it picks, and stays at it.
    let slow = WarehouseRules { accept_ms: 1, pick_ms: 1, ship_ms: 600_000, status_share: 0.0, ..resting() };
    let world = World::start(Backing::Embedded, making(slow)).await;
    let id = world.release(1).await.remove(0);
    let picking = async || world.to_warehouse.state().await.unwrap()["orders"][0]["status"] == "PICKING";
    until("it is picked", async || picking().await.then_some(())).await;
    let street = json!({ "fields": { "ReceiverStreet": "Side Street 9" } });
    world.to_dynamics.order(&id, "change", &street).await.unwrap();
    let exceptions = world.until_exceptions(1).await;
    assert_eq!(exceptions[0].code, "order.changed");
    assert!(exceptions[0].sentence.contains("(the recipient)"), "{}", exceptions[0].sentence);
    assert_eq!(asked(&world).await, ["change refused", "cancel refused"]);
    world.to_warehouse.ship(&format!("usmf-{id}-W1"), &json!({})).await.unwrap();
    world
        .until("posted and tracked", |dynamics, warehouse| {
            dynamics["posted"] == 1 && warehouse["packages"] != 0 && dynamics["tracking"] == warehouse["packages"]
        })
        .await;
    world.finish().await;
}

#[tokio::test]
async fn faults_make_no_change_twice_and_lose_none() {
    let world = World::start(Backing::Embedded, making(resting())).await;
    let ids = world.release(6).await;
    world.until("all are held", |_, warehouse| warehouse["held"] == 6 && warehouse["pending_events"] == 0).await;
    let told = Faults { duplicate: 0.3, reorder: 0.3, ..Faults::default() };
    let called = Faults { refuse_429: 0.02, fail_5xx: 0.1, lose_answer: 0.2, ..told.clone() };
    world.to_dynamics.disturb(&told).await.unwrap();
    world.to_warehouse.disturb(&called).await.unwrap();
    let street = json!({ "fields": { "ReceiverStreet": "Side Street 9", "ReceiverStreetNumber": "" } });
    for id in &ids {
        world.to_dynamics.order(id, "change", &street).await.unwrap();
    }
    until("all are changed", async || {
        // A far end that refuses is asked again.
        let state = world.to_warehouse.state().await.ok()?;
        let orders = listed(&state);
        orders.iter().all(|(_, _, street, _)| street == "Side Street 9").then_some(())
    })
    .await;
    world.to_warehouse.disturb(&Faults::default()).await.unwrap();
    world.to_dynamics.disturb(&Faults::default()).await.unwrap();
    world.until_nothing_parked().await;
    let orders = there(&world).await;
    assert!(orders.len() == 6 && orders.iter().all(|(_, change, ..)| *change == 1), "{orders:?}");
    let made = asked(&world).await.iter().filter(|act| *act == "change changed").count();
    assert_eq!(made, 6);
    world.finish().await;
}
