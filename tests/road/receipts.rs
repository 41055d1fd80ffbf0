//! Receipts: goods that Dynamics expects are announced, counted by the warehouse, and posted in Dynamics.

use drayline::message::Flow;
use drayline::sandbox::{Faults, FinanceOperationsRules, Uniqueness, WarehouseRules};
use serde_json::{Value, json};

use super::world::{Making, World};
use crate::support::{Backing, Ground};

/// What the warehouse calls damaged has a name in Dynamics.
pub const STATUSES: &str = "[dynamics.contoso.statuses]\nDAMAGED = \"Damaged\"\n";

/// Goods that stay at the door, as good as for ever.
fn resting() -> WarehouseRules {
    WarehouseRules { count_ms: 600_000, ..WarehouseRules::default() }
}

fn making() -> Making {
    Making { sections: STATUSES.to_owned(), ..Making::default() }
}

async fn expect(world: &World, count: u64) -> Vec<String> {
    let answer = world.to_dynamics.expect(count, 7).await.unwrap();
    answer["released"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect()
}

/// Waits until everything that is expected is counted, and nothing moves.
pub async fn until_received(world: &World, receipts: u64) {
    world
        .until("everything received", |dynamics, warehouse| {
            warehouse["received"] == receipts
                && dynamics["pending_events"] == 0
                && warehouse["pending_events"] == 0
                && warehouse["steps_due"] == 0
                && dynamics["updates_waiting"] == 0
        })
        .await;
    // What is still on its way through the product shows nowhere else.
    crate::support::wait::until("everything is posted", async || {
        (world.verdict().await.receipts == receipts).then_some(())
    })
    .await;
    world.until_nothing_parked().await;
}

/// What is on hand is the same at both far ends, row by row.
async fn expect_equal_stock(world: &World) {
    let on_hand = async |visitor: &drayline::sandbox::Visitor| {
        let state = visitor.state().await.unwrap();
        let rows = state["on_hand"].as_array().unwrap().clone();
        let at_first = |row: &Value| if row["status"] == "available" { "1000000" } else { "0" };
        rows.into_iter().filter(|row| row["quantity"] != at_first(row)).map(|row| row.to_string()).collect::<Vec<_>>()
    };
    let (dynamics, warehouse) = (on_hand(&world.to_dynamics).await, on_hand(&world.to_warehouse).await);
    assert_eq!(dynamics, warehouse);
    assert!(!dynamics.is_empty());
}

async fn announced_counted_and_posted(backing: Backing) {
    let world = World::start(backing, making()).await;
    expect(&world, 20).await;
    until_received(&world, 20).await;
    assert_eq!(world.exceptions(true).await.0, 0);
    expect_equal_stock(&world).await;
    let verdict = world.finish().await;
    assert_eq!(verdict.receipts, 20);
}

#[tokio::test]
async fn goods_are_announced_counted_and_posted_embedded() {
    announced_counted_and_posted(Backing::Embedded).await;
}

#[tokio::test]
async fn goods_are_announced_counted_and_posted_on_servers() {
    announced_counted_and_posted(Backing::Servers).await;
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
    let world = World::start(backing, Making { faults, uniqueness, ..making() }).await;
    let _ = world.to_dynamics.expect(12, 7).await;
    world.until("the release", |dynamics, _| dynamics["expected"].as_u64() >= Some(12)).await;
    until_received(&world, 12).await;
    world.to_dynamics.disturb(&Faults::default()).await.unwrap();
    world.to_warehouse.disturb(&Faults::default()).await.unwrap();
    assert_eq!(world.exceptions(false).await.0, 0, "{:#?}", world.exceptions(true).await);
    expect_equal_stock(&world).await;
    let verdict = world.finish().await;
    assert_eq!(verdict.receipts, 12);
}

#[tokio::test]
async fn faults_change_no_receipt_where_the_warehouse_answers_existing() {
    with_faults(Backing::Embedded, Uniqueness::AnswersExisting).await;
}

#[tokio::test]
async fn faults_change_no_receipt_where_the_warehouse_updates_in_place() {
    with_faults(Backing::Servers, Uniqueness::UpdatesInPlace).await;
}

#[tokio::test]
async fn what_is_changed_before_it_arrives_is_announced_again_and_what_is_cancelled_is_taken_back() {
    let resting = WarehouseRules { arrive_ms: 600_000, ..WarehouseRules::default() };
    let world = World::start(Backing::Embedded, Making { warehouse: resting, ..making() }).await;
    let ids = expect(&world, 2).await;
    world.until("announced", |_, warehouse| warehouse["announced"] == 2).await;
    world.to_dynamics.receipt(&ids[0], "change", &json!({})).await.unwrap();
    world.to_dynamics.receipt(&ids[1], "cancel", &json!({})).await.unwrap();
    world.until("announced again", |_, warehouse| warehouse["announced"] == 3).await;
    world.until_nothing_parked().await;
    let live = async || {
        let state = world.to_warehouse.state().await.unwrap();
        let receipts = state["receipts"].as_array().unwrap().clone();
        let live = receipts.iter().filter(|receipt| receipt["live"] == true);
        live.map(|receipt| receipt["reference"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    crate::support::wait::until("one is left", async || {
        (live().await == [format!("usmf-{}-W1R2", ids[0])]).then_some(())
    })
    .await;
    assert_eq!(world.exceptions(false).await.0, 0);
    world.finish().await;
}

/// The ending of each is an exception of its own, which holds up nothing but itself.
async fn exception(making: Making, disturb: impl AsyncFn(&World, &str), code: &str) -> World {
    let world = World::start(Backing::Embedded, making).await;
    let id = expect(&world, 1).await.remove(0);
    disturb(&world, &id).await;
    let exceptions = world.until_exceptions_at_least(1).await;
    assert!(exceptions.iter().all(|each| each.code == code), "{exceptions:#?}");
    assert!(exceptions.iter().all(|each| each.flow == Flow::GoodsReceived), "{exceptions:#?}");
    world
}

#[tokio::test]
async fn damaged_goods_without_a_name_in_dynamics_are_an_exception() {
    let warehouse =
        WarehouseRules { damaged_share: 1.0, short_share: 0.0, over_share: 0.0, ..WarehouseRules::default() };
    let dynamics = FinanceOperationsRules { serials_share: 0.0, ..FinanceOperationsRules::default() };
    let world =
        exception(Making { dynamics, warehouse, ..Making::default() }, async |_, _| {}, "receipt.status_unmapped")
            .await;
    world.leave().await;
}

#[tokio::test]
async fn goods_for_an_order_that_was_cancelled_too_late_are_exceptions() {
    let world = exception(
        Making { warehouse: WarehouseRules { count_ms: 3000, ..WarehouseRules::default() }, ..making() },
        async |world, id| {
            world
                .until("arrived", |_, warehouse| warehouse["pending_events"] == 0 && warehouse["announced"] == 1)
                .await;
            crate::support::wait::until("they are at the door", async || {
                let state = world.to_warehouse.state().await.unwrap();
                (state["receipts"][0]["status"] == "PROCESSING").then_some(())
            })
            .await;
            world.to_dynamics.receipt(id, "cancel", &json!({})).await.unwrap();
        },
        "inbound.cancelled_too_late",
    )
    .await;
    let state = world.to_dynamics.state().await.unwrap();
    assert_eq!(state["receipts"], json!([]), "nothing of it is posted");
    world.leave().await;
}

/// Posts an event as the warehouse would, under our reference, which must be taken.
async fn counted(world: &World, reference: &str, lines: Value, more: &Value) {
    let mut data = json!({
        "receiptKey": "R-1", "inboundOrder": { "reference": reference }, "state": "PARTIAL", "quantityBasis": "CUMULATIVE",
        "lines": lines,
    });
    data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    world.say_as_warehouse("goods_received", &data).await;
}

#[tokio::test]
async fn what_is_beyond_the_tolerance_and_what_nobody_ordered_is_an_exception_and_the_rest_is_posted() {
    let dynamics =
        FinanceOperationsRules { lots_share: 0.0, serials_share: 0.0, weighed_share: 0.0, ..Default::default() };
    let world = World::start(Backing::Embedded, Making { warehouse: resting(), dynamics, ..making() }).await;
    let id = expect(&world, 1).await.remove(0);
    world.until("announced", |_, warehouse| warehouse["announced"] == 1).await;
    let line = world.to_dynamics.state().await.unwrap()["expected"][0]["lines"][0].clone();
    let ordered: i64 = line["ordered"].as_str().unwrap().parse().unwrap();
    let reference = format!("usmf-{id}-W1");
    let of = |sku: &str, line: Value, quantity: i64| json!({ "line": line, "item": { "sku": sku }, "received": { "value": quantity.to_string(), "unit": "ea" } });
    let known = of(line["item"].as_str().unwrap(), json!({ "orderLineId": "1" }), ordered * 2);
    let stranger = of("NOBODY-ORDERED", Value::Null, 1);
    counted(&world, &reference, json!([known, stranger]), &json!({ "sequence": "1" })).await;
    let exceptions = world.until_exceptions(1).await;
    assert_eq!(exceptions[0].code, "receipt.exceeds_order", "{exceptions:#?}");
    let tolerated = ordered + ordered / 10;
    world.until("the rest is posted", |dynamics, _| dynamics["updates_accepted"] == 1).await;
    let posted = world.to_dynamics.state().await.unwrap()["receipts"][0]["lines"][0]["shipped"].clone();
    assert_eq!(posted, tolerated.to_string(), "of {ordered} ordered, and no part of a piece");

    // Nothing waits behind it: the warehouse corrects itself, and the exception ends by itself.
    let nothing =
        [of(line["item"].as_str().unwrap(), json!({ "orderLineId": "1" }), 0), of("NOBODY-ORDERED", Value::Null, 0)];
    counted(&world, &reference, json!(nothing), &json!({ "sequence": "2" })).await;
    world.until("it is corrected", |dynamics, _| dynamics["updates_accepted"] == 2).await;
    world.until_exceptions(0).await;
    let on_hand = world.to_dynamics.state().await.unwrap()["on_hand"][0]["quantity"].clone();
    assert_eq!(on_hand, "1000000", "all of it is taken back");
    world.until_nothing_parked().await;
    world.leave().await;
}

/// From its deadline on the cancellation is a question beside the document: what is counted flows.
#[tokio::test]
async fn a_cancellation_that_the_warehouse_never_answers_holds_no_report_back() {
    let warehouse = WarehouseRules { unanswered_cancel_share: 1.0, arrive_ms: 600_000, ..resting() };
    let toml = "processor.document_wait_s_max = 1\nprocessor.look_again_ms = 200".to_owned();
    let dynamics =
        FinanceOperationsRules { lots_share: 0.0, serials_share: 0.0, weighed_share: 0.0, ..Default::default() };
    let world = World::start(Backing::Servers, Making { dynamics, warehouse, toml, ..making() }).await;
    let id = expect(&world, 1).await.remove(0);
    world.until("announced", |_, warehouse| warehouse["announced"] == 1).await;
    world.to_dynamics.receipt(&id, "change", &json!({})).await.unwrap();
    let exceptions = world.until_exceptions(1).await;
    assert_eq!(exceptions[0].code, "inbound.changed", "{exceptions:#?}");
    assert!(exceptions[0].sentence.contains("has not said how that ends"), "{exceptions:#?}");
    let line = world.to_dynamics.state().await.unwrap()["expected"][0]["lines"][0].clone();
    let received = json!([{ "line": { "orderLineId": "1" }, "item": { "sku": line["item"] },
        "received": { "value": "1", "unit": "ea" } }]);
    counted(&world, &format!("usmf-{id}-W1"), received, &json!({ "sequence": "1" })).await;
    world.until("it is posted", |dynamics, _| dynamics["updates_accepted"] == 1).await;
    let posted = world.to_dynamics.state().await.unwrap()["receipts"][0]["lines"][0]["shipped"].clone();
    assert_eq!(posted, "1");
    // Nothing but the question waits.
    assert_eq!(world.until_exceptions(1).await[0].code, "inbound.changed");
    world.leave().await;
}

/// Lines that do not say what they tolerate, of items that tolerate as much again.
#[tokio::test]
async fn what_lines_do_not_say_of_their_tolerance_the_scanned_items_say() {
    let dynamics = FinanceOperationsRules {
        lots_share: 0.0,
        serials_share: 0.0,
        weighed_share: 0.0,
        items_tolerate_percent: Some(100),
        ..Default::default()
    };
    let mut world =
        World::set(Ground::fresh(Backing::Embedded).await, Making { warehouse: resting(), dynamics, ..making() }).await;
    let (well, told) = world.ask(&["mapping", "check"]).await;
    assert!(well, "{told}");
    world.start_product().await;
    let id = expect(&world, 1).await.remove(0);
    world.until("announced", |_, warehouse| warehouse["announced"] == 1).await;
    let line = world.to_dynamics.state().await.unwrap()["expected"][0]["lines"][0].clone();
    let ordered: i64 = line["ordered"].as_str().unwrap().parse().unwrap();
    let count = async |quantity: i64, sequence: &str| {
        let received = json!({ "value": quantity.to_string(), "unit": "ea" });
        let counted = json!({ "line": { "orderLineId": "1" }, "item": { "sku": line["item"] }, "received": received });
        self::counted(&world, &format!("usmf-{id}-W1"), json!([counted]), &json!({ "sequence": sequence })).await;
    };
    count(2 * ordered, "1").await;
    world.until("all of it is posted", |dynamics, _| dynamics["updates_accepted"] == 1).await;
    world.until_nothing_parked().await;
    let posted = world.to_dynamics.state().await.unwrap()["receipts"][0]["lines"][0]["shipped"].clone();
    assert_eq!(posted, (2 * ordered).to_string(), "of {ordered} ordered");
    count(2 * ordered + 1, "2").await;
    let exceptions = world.until_exceptions(1).await;
    assert_eq!(exceptions[0].code, "receipt.exceeds_order", "{exceptions:#?}");
    assert_eq!(world.to_dynamics.state().await.unwrap()["receipts"].as_array().unwrap().len(), 1, "nothing more");
    world.leave().await;
}

/// Broken, seen, mended, replayed.
#[tokio::test]
async fn a_receipt_that_dynamics_refuses_is_an_exception_and_is_posted_once_replayed() {
    let world = World::start(Backing::Embedded, making()).await;
    world.to_dynamics.disturb(&Faults { refuse_updates: 1.0, ..Faults::default() }).await.unwrap();
    expect(&world, 2).await;
    world.until("counted", |_, warehouse| warehouse["received"] == 2 && warehouse["steps_due"] == 0).await;
    let exceptions = world.until_exceptions_at_least(2).await;
    assert!(exceptions.iter().all(|each| each.code == "dynamics.posting_failed"), "{exceptions:#?}");
    world.to_dynamics.disturb(&Faults::default()).await.unwrap();
    world.to_dynamics.process_again().await.unwrap();
    world.until("processed", |dynamics, _| dynamics["updates_waiting"] == 0).await;
    while let (1.., exceptions) = world.exceptions(false).await {
        for each in exceptions {
            world.store().await.replay(each.id, "a test").await.unwrap();
        }
    }
    until_received(&world, 2).await;
    let verdict = world.finish().await;
    assert_eq!(verdict.receipts, 2);
}

/// What came is posted, and a person is asked for the rest.
#[tokio::test]
async fn goods_that_come_short_are_posted_and_the_rest_is_an_exception() {
    let dynamics =
        FinanceOperationsRules { under_percent: 0, lots_share: 0.0, serials_share: 0.0, ..Default::default() };
    let warehouse =
        WarehouseRules { damaged_share: 0.0, short_share: 1.0, over_share: 0.0, ..WarehouseRules::default() };
    let world = exception(Making { dynamics, warehouse, ..making() }, async |_, _| {}, "receipt.short").await;
    world
        .until("what came is posted", |dynamics, _| {
            dynamics["updates_accepted"].as_u64() >= Some(1) && dynamics["updates_waiting"] == 0
        })
        .await;
    world.until_nothing_parked().await;
    assert_eq!(world.exceptions(true).await.0, 1, "nothing stands behind it: {:#?}", world.exceptions(true).await);
    world.leave().await;
}

/// A warehouse that knows inbound orders by their own numbers alone.
#[tokio::test]
async fn a_receipt_that_names_the_purchase_order_alone_is_posted_to_what_was_announced_under_it() {
    let dynamics =
        FinanceOperationsRules { lots_share: 0.0, serials_share: 0.0, weighed_share: 0.0, ..Default::default() };
    let world = World::start(Backing::Embedded, Making { warehouse: resting(), dynamics, ..making() }).await;
    let id = expect(&world, 1).await.remove(0);
    world.until("announced", |_, warehouse| warehouse["announced"] == 1).await;
    world.until_nothing_parked().await;
    let expected = world.to_dynamics.state().await.unwrap()["expected"][0].clone();
    let (number, line) = (expected["order_number"].as_str().unwrap(), &expected["lines"][0]);
    let report = json!({
        "receiptKey": "R-1", "inboundOrder": { "orderNumber": number }, "state": "PARTIAL", "quantityBasis": "CUMULATIVE",
        "sequence": "1", "lines": [{ "item": { "sku": line["item"] }, "received": { "value": "1", "unit": "ea" } }],
    });
    world.say_as_warehouse("goods_received", &report).await;
    // Told again, under another id of the warehouse: nothing is posted twice.
    world.say_as_warehouse("goods_received", &report).await;
    world.until("it is posted", |dynamics, _| dynamics["updates_accepted"] == 1).await;
    world.until_nothing_parked().await;
    let posted = world.to_dynamics.state().await.unwrap()["receipts"].clone();
    assert_eq!((posted.as_array().unwrap().len(), &posted[0]["lines"][0]["shipped"]), (1, &json!("1")));
    let found = world.store().await.documents(&format!("usmf-{id}-W1")).await.unwrap();
    let told = format!("The warehouse named the order of R-1 by its number alone ({number}).");
    assert!(found[0].steps.iter().any(|step| step.what == told), "{found:#?}");
    world.leave().await;
}
