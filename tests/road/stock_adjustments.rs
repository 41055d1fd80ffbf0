//! Stock: adjusted in the warehouse, posted in Dynamics.

use std::collections::BTreeMap;

use drayline::sandbox::{Faults, FinanceOperationsRules, Uniqueness};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::world::{Making, World};
use crate::support::Backing;
use crate::support::wait::until;

/// What one far end has on hand, by item, lot and status; what came back to where it began is left out.
fn on_hand(state: &Value) -> BTreeMap<(String, String, String), Decimal> {
    let rows = state["on_hand"].as_array().unwrap().iter().map(|row| {
        let text = |name: &str| row[name].as_str().unwrap().to_owned();
        ((text("sku"), text("lot"), text("status")), text("quantity").parse().unwrap())
    });
    let at_first = |status: &str| if status == "available" { Decimal::from(1_000_000) } else { Decimal::ZERO };
    rows.filter(|((_, _, status), quantity)| *quantity != at_first(status)).collect()
}

/// Waits until the warehouse has told everything and nothing is on its way; then both far ends hold the same.
pub(super) async fn until_equal(world: &World, adjustments: u64) {
    world
        .until("everything told and posted", |dynamics, warehouse| {
            warehouse["adjustments"] == adjustments
                && warehouse["pending_events"] == 0
                && dynamics["adjustments"].as_u64() > Some(0)
        })
        .await;
    until("the same on hand at both ends", async || {
        let (dynamics, warehouse) = (world.to_dynamics.state().await.ok()?, world.to_warehouse.state().await.ok()?);
        (on_hand(&dynamics) == on_hand(&warehouse)).then_some(())
    })
    .await;
    world.until_nothing_parked().await;
    let (dynamics, warehouse) = (world.to_dynamics.state().await.unwrap(), world.to_warehouse.state().await.unwrap());
    assert_eq!(on_hand(&dynamics), on_hand(&warehouse));
}

/// What the warehouse calls its stock has a name in Dynamics.
pub(super) const STATUSES: &str = "[dynamics.contoso.statuses]\nDAMAGED = \"Damaged\"\nQUARANTINE = \"Quarantine\"\n";

async fn adjusted_moved_and_counted(backing: Backing, uniqueness: Uniqueness, faults: Faults) {
    let sections = STATUSES.to_owned();
    let world = World::start(backing, Making { faults, uniqueness, sections, ..Making::default() }).await;
    let wish = json!({ "count": 40, "seed": 5, "adjustments": [
        {"sku": "ITEM-1", "unit": "ea", "delta": "-2", "reason": "DAMAGED"},
        {"sku": "LOT-1", "lot": "LOT-1-B1", "from": "AVAILABLE", "to": "QUARANTINE", "quantity": "5", "reason": "QUARANTINE_IN"},
        {"sku": "ITEM-1", "level": "1000001", "reason": "CYCLE_COUNT"},
        {"sku": "KG-1", "unit": "kg", "delta": "2.375", "reason": "FOUND"},
        {"sku": "SER-1", "serials": ["S1", "S2"], "delta": "-2", "reason": "LOST"},
        {"sku": "LOT-1", "lot": "LOT-1-B1", "from": "QUARANTINE", "to": "AVAILABLE", "quantity": "3", "reason": "QUARANTINE_OUT"},
        {"sku": "ITEM-1", "level": "999999", "reason": "CYCLE_COUNT"},
        {"sku": "ITEM-9", "delta": "4", "status": "DAMAGED", "reason": "FOUND"},
    ]});
    world.to_warehouse.adjust(&wish).await.unwrap();
    until_equal(&world, 48).await;
    assert_eq!(world.exceptions(true).await.0, 0);
    let state = world.to_dynamics.state().await.unwrap();
    let rows = state["adjustments"].as_array().unwrap();
    assert!(rows.iter().all(|row| row["creates"] == 1 && row["fields"]["WarehouseId"] == "24"), "{rows:#?}");
    // Two statuses, and two pieces, are two rows.
    assert_eq!(rows.len(), 48 + 2 + 1);
    world.finish().await;
}

pub(super) fn disturbed() -> Faults {
    Faults {
        latency_ms: 2,
        refuse_429: 0.02,
        fail_5xx: 0.05,
        lose_answer: 0.1,
        duplicate: 0.3,
        reorder: 0.3,
        ..Faults::default()
    }
}

#[tokio::test]
async fn stock_is_adjusted_moved_and_counted_embedded() {
    adjusted_moved_and_counted(Backing::Embedded, Uniqueness::default(), Faults::default()).await;
}

#[tokio::test]
async fn stock_is_adjusted_moved_and_counted_on_servers() {
    adjusted_moved_and_counted(Backing::Servers, Uniqueness::default(), Faults::default()).await;
}

#[tokio::test]
async fn faults_change_nothing_about_stock_where_keys_are_unique() {
    adjusted_moved_and_counted(Backing::Embedded, Uniqueness::AnswersExisting, disturbed()).await;
}

#[tokio::test]
async fn faults_change_nothing_about_stock_where_rows_are_updated_in_place() {
    adjusted_moved_and_counted(Backing::Embedded, Uniqueness::UpdatesInPlace, disturbed()).await;
}

/// More is taken than there is; then it comes in.
async fn short_until_it_comes_in(backing: Backing) {
    let dynamics =
        FinanceOperationsRules { stock_at_first: 3, negative_stock_refused: true, ..FinanceOperationsRules::default() };
    let world = World::start(backing, Making { dynamics, ..Making::default() }).await;
    let adjust = async |what: Value| world.to_warehouse.adjust(&json!({ "adjustments": [what] })).await.unwrap();
    adjust(json!({"sku": "ITEM-1", "delta": "-5", "reason": "DAMAGED"})).await;
    let waiting = until("it waits for stock", async || {
        let (_, parked) = world.exceptions(true).await;
        parked.into_iter().find(|each| each.code == "dynamics.stock_short")
    })
    .await;
    assert!(waiting.sentence.contains("has not so much of it on hand"), "{waiting:?}");
    assert_eq!(world.exceptions(false).await.0, 0, "it is nobody's yet");
    adjust(json!({"sku": "ITEM-1", "delta": "4", "reason": "FOUND"})).await;
    until_equal(&world, 2).await;
    world.finish().await;
}

#[tokio::test]
async fn what_is_short_waits_until_stock_comes_in_embedded() {
    short_until_it_comes_in(Backing::Embedded).await;
}

#[tokio::test]
async fn what_is_short_waits_until_stock_comes_in_on_servers() {
    short_until_it_comes_in(Backing::Servers).await;
}

#[tokio::test]
async fn what_stays_short_is_a_persons_at_its_deadline() {
    let dynamics =
        FinanceOperationsRules { stock_at_first: 3, negative_stock_refused: true, ..FinanceOperationsRules::default() };
    let toml = "processor.document_wait_s_max = 1\nprocessor.look_again_ms = 200".to_owned();
    let world = World::start(Backing::Embedded, Making { dynamics, toml, ..Making::default() }).await;
    let wish = json!({ "adjustments": [{"sku": "ITEM-1", "delta": "-5", "reason": "DAMAGED"}] });
    world.to_warehouse.adjust(&wish).await.unwrap();
    let exceptions = world.until_exceptions(1).await;
    assert_eq!((exceptions[0].code.as_str(), exceptions[0].owner.as_str()), ("dynamics.stock_short", "operations"));
    world.leave().await;
}

/// A shipment, and the warehouse's own movement of the same goods.
#[tokio::test]
async fn a_movement_of_a_shipment_is_counted_once_whichever_comes_first() {
    let world = World::start(Backing::Embedded, Making::default()).await;
    world.release(1).await;
    let shipped = until("something is shipped", async || {
        let state = world.to_warehouse.state().await.unwrap();
        state["shipments"].as_array().unwrap().first().cloned()
    })
    .await;
    let adjust = async |what: Value| world.to_warehouse.adjust(&json!({ "adjustments": [what] })).await.unwrap();
    let reason = "SHIPMENT_CORRECTION";
    // By the warehouse's key, by our reference, and of a shipment that nobody ever sent.
    adjust(json!({"sku": "ITEM-1", "delta": "-1", "reason": reason, "related": shipped["key"]})).await;
    adjust(json!({"sku": "ITEM-1", "delta": "-1", "reason": reason, "related": shipped["reference"]})).await;
    world.until_posted(1).await;
    world.until("both told", |_, warehouse| warehouse["adjustments"] == 2 && warehouse["pending_events"] == 0).await;
    world.until_nothing_parked().await;
    assert_eq!(world.to_dynamics.progress().await.unwrap()["adjustments"], 0);
    adjust(json!({"sku": "ITEM-1", "delta": "-1", "reason": reason, "related": "SH-OF-NOBODY"})).await;
    until("it waits for its shipment", async || {
        let (_, parked) = world.exceptions(true).await;
        parked.into_iter().find(|each| each.code == "adjustment.document_missing")
    })
    .await;
    assert_eq!(world.to_dynamics.progress().await.unwrap()["adjustments"], 0);
    world.leave().await;
}

/// The same adjustment told again with other contents: first the newer, then the older, then the newer once more.
async fn corrected(backing: Backing) {
    let world = World::start(backing, Making { sections: STATUSES.to_owned(), ..Making::default() }).await;
    let told = |quantity: &str, sequence: u32, status: &str| {
        json!({
            "adjustmentKey": "ADJ-1", "item": { "sku": "ITEM-1" }, "warehouse": { "code": "NORTH-1" },
            "kind": { "code": "DELTA" }, "reason": { "code": "DAMAGED" }, "sequence": sequence.to_string(),
            "delta": { "value": quantity, "unit": "ea" }, "toStatus": { "code": status },
        })
    };
    let shelves = async |wanted: &[(&str, i64)]| {
        until("the shelves are right", async || {
            let held = on_hand(&world.to_dynamics.state().await.ok()?);
            let shelf = |status: &str| ("ITEM-1".to_owned(), String::new(), status.to_owned());
            let wanted = wanted.iter().map(|(status, quantity)| (shelf(status), Decimal::from(*quantity)));
            (held == wanted.collect()).then_some(())
        })
        .await;
    };
    world.say_as_warehouse("stock_adjusted", &told("-5", 2, "AVAILABLE")).await;
    shelves(&[("available", 999_995)]).await;
    world.say_as_warehouse("stock_adjusted", &told("-3", 1, "AVAILABLE")).await;
    world.say_as_warehouse("stock_adjusted", &told("-5", 2, "AVAILABLE")).await;
    world.say_as_warehouse("stock_adjusted", &told("7", 3, "DAMAGED")).await;
    shelves(&[("damaged", 7)]).await;
    world.until_nothing_parked().await;
    assert_eq!(world.exceptions(true).await.0, 0);
    world.finish().await;
}

#[tokio::test]
async fn an_adjustment_is_corrected_by_a_newer_report_embedded() {
    corrected(Backing::Embedded).await;
}

#[tokio::test]
async fn an_adjustment_is_corrected_by_a_newer_report_on_servers() {
    corrected(Backing::Servers).await;
}

#[tokio::test]
async fn a_reason_that_nobody_knows_is_an_exception_and_is_posted_once_mapped() {
    let sections = "[dynamics.contoso.adjustments]\ntype_field = \"ConAdjustmentType\"\n".to_owned();
    let world = World::start(Backing::Embedded, Making { sections, ..Making::default() }).await;
    let wish = json!({ "adjustments": [{"sku": "ITEM-1", "unit": "ea", "delta": "-24", "reason": "SPILLAGE"}] });
    world.to_warehouse.adjust(&wish).await.unwrap();
    let exceptions = world.until_exceptions(1).await;
    assert_eq!(exceptions[0].code, "adjustment.reason_unknown");
    assert!(exceptions[0].sentence.contains("SPILLAGE"), "{exceptions:?}");
    assert!(exceptions[0].sentence.contains("drayline mapping set adjustment_reason"), "{exceptions:?}");
    // Said while everything runs: the reason, and that Dynamics counts in cases.
    let rows = [
        vec!["adjustment_reason", "connection=north", "warehouse=spillage", "dynamics=WASTE"],
        vec!["unit", "connection=north", "item=ITEM-1", "dynamics=case", "warehouse=ea", "factor=12"],
    ];
    for row in rows.into_iter().rev() {
        let (done, told) = world.ask(&[&["mapping", "set"], &row[..], &["--reason", "a test"]].concat()).await;
        assert!(done, "{told}");
    }
    let posted = until("it goes on by itself and is posted", async || {
        let state = world.to_dynamics.state().await.ok()?;
        state["adjustments"].as_array()?.first().cloned()
    })
    .await;
    let fields = &posted["fields"];
    assert_eq!(
        (&fields["ConAdjustmentType"], &fields["QuantityUnitId"]),
        (&json!("WASTE"), &json!("case")),
        "{fields}"
    );
    assert_eq!(fields["Quantity"].to_string().trim_matches('"').parse::<Decimal>().unwrap(), Decimal::from(-2));
    world.until_nothing_parked().await;
    world.finish().await;
}
