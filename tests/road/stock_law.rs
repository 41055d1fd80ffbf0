//! The law of stock: after any run of shipments, receipts and adjustments, with duplicates and faults, Dynamics has on hand
//! what lies in the warehouse, for every item, lot and status.

use drayline::sandbox::{Faults, Uniqueness};
use serde_json::json;

use super::world::{Making, World};
use crate::support::Backing;
use crate::support::wait::until;

const ORDERS: u64 = 12;
const RECEIPTS: u64 = 6;

async fn holds(backing: Backing, seed: u64, uniqueness: Uniqueness) {
    let faults = Faults {
        latency_ms: 2,
        refuse_429: 0.02,
        fail_5xx: 0.05,
        lose_answer: 0.08,
        duplicate: 0.3,
        reorder: 0.3,
        ..Faults::default()
    };
    let sections = "[dynamics.contoso.statuses]\nDAMAGED = \"Damaged\"\nQUARANTINE = \"Quarantine\"\n".to_owned();
    let making = Making { seed: Some(seed), faults, uniqueness, sections, ..Making::default() };
    let world = World::start(backing, making).await;
    // With faults an answer may be lost; the ledgers tell what happened.
    let _ = world.to_dynamics.release(ORDERS, seed).await;
    let _ = world.to_warehouse.adjust(&json!({ "count": 25, "seed": seed })).await;
    let _ = world.to_dynamics.expect(RECEIPTS, seed).await;
    world
        .until("shipped and received", |dynamics, warehouse| {
            dynamics["released"].as_u64() >= Some(ORDERS)
                && dynamics["expected"].as_u64() >= Some(RECEIPTS)
                && warehouse["shipped"] == dynamics["released"]
                && warehouse["received"] == dynamics["expected"]
        })
        .await;
    // What is in the warehouse by now is moved, counted, broken and found again, while its shipments are still posted.
    let moved = json!({ "count": 25, "seed": seed + 1000, "adjustments": [
        {"sku": "LOT-1001", "lot": "LOT-1001-B1", "from": "AVAILABLE", "to": "QUARANTINE", "quantity": "5", "reason": "QUARANTINE_IN"},
        {"sku": "ITEM-1001", "level": "1000100", "reason": "CYCLE_COUNT"},
        {"sku": "LOT-1001", "lot": "LOT-1001-B1", "from": "QUARANTINE", "to": "DAMAGED", "quantity": "2", "reason": "DAMAGED"},
        {"sku": "ITEM-1001", "level": "999998", "reason": "CYCLE_COUNT"},
    ]});
    let _ = world.to_warehouse.adjust(&moved).await;
    world
        .until("drained", |dynamics, warehouse| {
            warehouse["adjustments"].as_u64() >= Some(54)
                && warehouse["pending_events"] == 0
                && warehouse["steps_due"] == 0
                && dynamics["pending_events"] == 0
                && dynamics["updates_waiting"] == 0
        })
        .await;
    until("the same on hand at both ends", async || {
        let (open, exceptions) = world.exceptions(false).await;
        assert_eq!(open, 0, "seed {seed}: {exceptions:#?}");
        (world.verdict().await.on_hand_mismatches == 0).then_some(())
    })
    .await;
    world.until_nothing_parked().await;
    world.to_dynamics.disturb(&Faults::default()).await.unwrap();
    world.to_warehouse.disturb(&Faults::default()).await.unwrap();
    assert_eq!(world.exceptions(false).await.0, 0, "{:#?}", world.exceptions(true).await);
    let verdict = world.finish().await;
    // A move between statuses is two rows.
    assert_eq!((verdict.on_hand_mismatches, verdict.adjustments), (0, 56), "{:#?}", verdict.mismatches);
    assert_eq!((verdict.posted, verdict.receipts), (verdict.orders, RECEIPTS));
}

#[tokio::test]
async fn it_holds_embedded() {
    for seed in [1, 2] {
        holds(Backing::Embedded, seed, Uniqueness::AnswersExisting).await;
    }
}

#[tokio::test]
async fn it_holds_where_rows_are_updated_in_place() {
    holds(Backing::Embedded, 3, Uniqueness::UpdatesInPlace).await;
}

#[tokio::test]
async fn it_holds_on_servers() {
    for seed in [4, 5] {
        holds(Backing::Servers, seed, Uniqueness::AnswersExisting).await;
    }
}
