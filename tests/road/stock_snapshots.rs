//! Snapshots of stock: told at the door, kept in the store, never acted on.

use drayline::sandbox::Faults;
use drayline::store::SnapshotView;
use serde_json::{Value, json};

use super::world::{Making, World};
use crate::support::Backing;
use crate::support::wait::until;

async fn told_in_parts(backing: Backing) {
    // Everything is told twice, and in whatever order.
    let faults = Faults { duplicate: 1.0, reorder: 0.5, ..Faults::default() };
    let world = World::start(backing, Making { faults, ..Making::default() }).await;
    let wish = json!({ "adjustments": [
        {"sku": "ITEM-1", "delta": "-2", "reason": "DAMAGED"}, {"sku": "ITEM-2", "delta": "2.5", "reason": "FOUND"},
        {"sku": "LOT-1", "lot": "LOT-1-B1", "delta": "1", "reason": "FOUND"},
    ]});
    world.to_warehouse.adjust(&wish).await.unwrap();
    world.to_warehouse.take_snapshot(&json!({ "id": "S-1", "parts": 3, "keep_back": [2] })).await.unwrap();
    world.to_warehouse.take_snapshot(&json!({ "id": "S-2", "parts": 2 })).await.unwrap();
    world.until("all told", |_, warehouse| warehouse["pending_events"] == 0).await;
    let store = world.store().await;
    let seen = until("all parts that were told", async || {
        let seen = store.snapshots(Some("north"), 10).await.unwrap();
        let here: u32 = seen.iter().map(|seen| seen.parts_here).sum();
        (here == 4).then_some(seen)
    })
    .await;
    let find = |name: &str| -> &SnapshotView { seen.iter().find(|seen| seen.snapshot == name).unwrap() };
    assert!(!find("S-1").is_complete(), "a part is missing");
    assert!(find("S-2").is_complete());
    assert_eq!((find("S-2").scope.as_str(), find("S-2").lines), ("FULL", 3));
    let parts = store.snapshot_parts("north", "S-2").await.unwrap();
    let lines: Vec<Value> =
        parts.iter().flat_map(|part| serde_json::from_str::<Vec<Value>>(&part.lines).unwrap()).collect();
    let state = world.to_warehouse.state().await.unwrap();
    let held: Vec<_> = state["on_hand"].as_array().unwrap().iter().map(|row| &row["quantity"]).collect();
    assert_eq!(lines.iter().map(|line| &line["quantity"]["value"]).collect::<Vec<_>>(), held);
    world.until_nothing_parked().await;
    assert_eq!(world.exceptions(true).await.0, 0);
    world.finish().await;
}

#[tokio::test]
async fn a_snapshot_told_in_parts_is_kept_with_its_completeness_embedded() {
    told_in_parts(Backing::Embedded).await;
}

#[tokio::test]
async fn a_snapshot_told_in_parts_is_kept_with_its_completeness_on_servers() {
    told_in_parts(Backing::Servers).await;
}
