//! The simulated warehouse: orders, uniqueness, cancellation, what it ships.

use drayline::message::{Body, Kind};
use drayline::sandbox::{Premises, Uniqueness, WarehouseRules};
use reqwest::Method;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::inbox::Inbox;
use super::rehearsal::{House, answered, ledger, order, quick, quick_warehouse, until};

/// A warehouse that does nothing by itself while a test looks.
fn idle() -> WarehouseRules {
    WarehouseRules { accept_ms: 3_600_000, pick_ms: 3_600_000, ship_ms: 3_600_000, ..quick_warehouse() }
}

#[tokio::test]
async fn an_order_is_created_found_and_told_in_one_shape() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::start(quick(Premises::warehouse(folder.path())), idle()).await;
    let (status, created) = house.create(&order("usmf-SHP1-W1", "ITEM-1", "2.5")).await;
    assert_eq!(status, 201);
    let lines = json!([{"lineId": "1", "sku": "ITEM-1", "quantity": "2.5", "unit": "ea"}]);
    let shape =
        json!({"id": created["id"], "reference": "usmf-SHP1-W1", "status": {"code": "RECEIVED"}, "lines": lines});
    assert_eq!(created, shape);
    assert_eq!(house.found("usmf-SHP1-W1").await, std::slice::from_ref(&shape));
    assert_eq!(house.found("usmf-SHP2-W1").await, [] as [Value; 0]);
    let id = created["id"].as_str().unwrap();
    assert_eq!(answered(house.call(Method::GET, &format!("/orders/{id}"))).await, (200.try_into().unwrap(), shape));
    let stranger = house.client.get(format!("{}/orders?reference=x", house.sandbox.url())).bearer_auth("wrong");
    assert_eq!(answered(stranger).await.0, 401);
    assert_eq!(house.create(&order("usmf-SHP2-W1", "ITEM-1", "0")).await.0, 422);
    let mixed =
        house.call(Method::POST, "/orders").header("idempotency-key", "other").json(&order("usmf-SHP3-W1", "A", "1"));
    assert_eq!(answered(mixed).await.0, 422);
}

#[tokio::test]
async fn a_second_create_of_a_live_reference_is_counted_in_every_mode() {
    for (uniqueness, status, effect, orders, creates) in [
        (Uniqueness::AnswersExisting, 409, "repeated", 1, 2),
        (Uniqueness::UpdatesInPlace, 200, "changed", 1, 2),
        (Uniqueness::None, 201, "created", 2, 1),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let premises = Premises { uniqueness, ..quick(Premises::warehouse(folder.path())) };
        let house = House::start(premises, idle()).await;
        assert_eq!(house.create(&order("usmf-SHP1-W1", "ITEM-1", "2")).await.0, 201);
        let (answered, again) = house.create(&order("usmf-SHP1-W1", "ITEM-1", "3")).await;
        assert_eq!(answered, status, "{uniqueness:?}");
        let kept = if uniqueness == Uniqueness::AnswersExisting { "2" } else { "3" };
        assert_eq!(again["lines"][0]["quantity"], kept, "{uniqueness:?}");
        let state = house.state().await;
        assert_eq!(state["orders"].as_array().unwrap().len(), orders);
        assert_eq!(state["orders"][0]["creates"], creates);
        assert_eq!(house.found("usmf-SHP1-W1").await.len(), orders);
        assert_eq!(ledger(&house.client, &house.sandbox, 1).await[0]["effect"], effect);
    }
}

#[tokio::test]
async fn what_it_does_not_know_and_what_is_no_address_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::start(quick(Premises::warehouse(folder.path())), idle()).await;
    let items = |body| answered(house.client.post(format!("{}/sandbox/items", house.sandbox.url())).json(&body));
    assert_eq!(items(json!({ "unknown": ["NEW-1"] })).await.0, 200);
    assert_eq!(items(json!({ "unheard": ["NEW-1"] })).await.0, 400);
    let (status, words) = house.create(&order("usmf-SHP1-W1", "NEW-1", "2")).await;
    assert_eq!(status, 422);
    assert_eq!(words["error"]["message"], "lines: 1: the SKU NEW-1 is not set up here");
    assert_eq!(items(json!({ "known": ["NEW-1"] })).await.0, 200);
    assert_eq!(house.create(&order("usmf-SHP1-W1", "NEW-1", "2")).await.0, 201);
    // A code of any country has digits; without one nothing is said about it.
    for (reference, postal_code, wanted) in
        [("usmf-SHP2-W1", "TBC", 422), ("usmf-SHP3-W1", "LS1 4AP", 201), ("usmf-SHP4-W1", "", 201)]
    {
        let mut order = order(reference, "ITEM-1", "1");
        order["recipient"] = json!({ "name": "Ada Example", "postalCode": postal_code });
        let (status, words) = house.create(&order).await;
        assert_eq!(status, wanted, "{postal_code}");
        assert!(!words.to_string().contains("TBC"), "{words}");
    }
    assert_eq!(house.state().await["orders"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_cancelled_order_keeps_its_reference_but_was_not_taken_twice() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::start(quick(Premises::warehouse(folder.path())), idle()).await;
    let (_, created) = house.create(&order("usmf-SHP1-W1", "ITEM-1", "2")).await;
    let id = created["id"].as_str().unwrap();
    assert_eq!(house.cancel(id).await["outcome"]["code"], "CONFIRMED");
    assert_eq!(house.cancel(id).await["outcome"]["code"], "CONFIRMED", "a repeat says the same");
    let (status, held) = house.create(&order("usmf-SHP1-W1", "ITEM-1", "2")).await;
    assert_eq!((status.as_u16(), &held["status"]["code"]), (409, &json!("CANCELLED")));
    assert_eq!(house.state().await["orders"][0]["creates"], 1);
}

#[tokio::test]
async fn cancelling_is_too_late_when_picking_has_started() {
    let folder = tempfile::tempdir().unwrap();
    let rules = WarehouseRules { ship_ms: 3_600_000, ..quick_warehouse() };
    let house = House::start(quick(Premises::warehouse(folder.path())), rules).await;
    let (_, created) = house.create(&order("usmf-SHP1-W1", "ITEM-1", "2")).await;
    until("picking has started", async || {
        (house.found("usmf-SHP1-W1").await[0]["status"]["code"] == "PICKING").then_some(())
    })
    .await;
    let answer = house.cancel(created["id"].as_str().unwrap()).await;
    assert_eq!((&answer["outcome"]["code"], &answer["reason"]["code"]), (&json!("REJECTED"), &json!("TOO_LATE")));
    assert_eq!(answer["order"]["status"]["code"], "PICKING");
}

#[tokio::test]
async fn a_pending_cancellation_is_decided_by_an_event() {
    let folder = tempfile::tempdir().unwrap();
    let inbox = Inbox::open(&[]).await;
    let rules = WarehouseRules { pending_cancel_share: 1.0, cancel_ms: 20, ..idle() };
    let house = House::start(quick(Premises::warehouse(folder.path())), rules).await;
    house.sandbox.deliver_to(inbox.url());
    let (_, created) = house.create(&order("usmf-SHP1-W1", "ITEM-1", "2")).await;
    assert_eq!(house.cancel(created["id"].as_str().unwrap()).await["outcome"]["code"], "PENDING");
    let event = until("it is decided", async || inbox.taken("order_cancel_resolved").pop()).await;
    assert_eq!(event["data"]["outcome"]["code"], "CONFIRMED");
    assert_eq!(house.found("usmf-SHP1-W1").await[0]["status"]["code"], "CANCELLED");
}

#[tokio::test]
async fn a_rejected_order_is_told_and_is_not_live() {
    let folder = tempfile::tempdir().unwrap();
    let inbox = Inbox::open(&[]).await;
    let rules = WarehouseRules { rejection_share: 1.0, ..quick_warehouse() };
    let house = House::start(quick(Premises::warehouse(folder.path())), rules).await;
    house.sandbox.deliver_to(inbox.url());
    house.create(&order("usmf-SHP1-W1", "ITEM-1", "2")).await;
    let event = until("it is rejected", async || inbox.taken("order_rejected").pop()).await;
    assert_eq!(event["data"]["reason"]["code"], "OUT_OF_STOCK");
    Body::from_json(Kind::OrderRejected, event["data"].clone()).unwrap();
    assert_eq!(house.state().await["orders"][0]["live"], false);
}

/// Whatever way an order leaves (halves, packages, lots, pieces), it adds up, and the product can read every event.
#[tokio::test]
async fn what_is_shipped_adds_up_and_every_event_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let inbox = Inbox::open(&[]).await;
    let rules = WarehouseRules { split_share: 0.5, two_lots_share: 0.5, late_tracking_share: 0.5, ..quick_warehouse() };
    let house = House::start(quick(Premises::warehouse(folder.path())), rules).await;
    house.sandbox.deliver_to(inbox.url());
    let lines = json!([
        {"lineId": "1", "sku": "ITEM-1001", "quantity": "7", "unit": "ea"},
        {"lineId": "2", "sku": "LOT-1002", "quantity": "5", "unit": "ea"},
        {"lineId": "3", "sku": "SER-1003", "quantity": "3", "unit": "ea"},
        {"lineId": "4", "sku": "LKG-1004", "quantity": "2.75", "unit": "kg"},
        {"lineId": "5", "sku": "LOT-1005", "quantity": "2", "unit": "ea", "lot": "OURS"},
    ]);
    for number in 0..20 {
        let mut order = order(&format!("usmf-SHP{number}-W1"), "-", "1");
        order["lines"] = lines.clone();
        assert_eq!(house.create(&order).await.0, 201);
    }
    until("all is shipped and told", async || {
        let state = house.state().await;
        (state["counts"]["shipped"] == 20 && state["steps_due"] == 0 && state["pending_events"] == 0).then_some(())
    })
    .await;
    let mut sums = std::collections::BTreeMap::<(String, String), Decimal>::new();
    for event in inbox.taken("shipment_confirmed") {
        let body = Body::from_json(Kind::ShipmentConfirmed, event["data"].clone()).unwrap();
        let Body::ShipmentConfirmed(shipment) = body else { panic!("{body:?}") };
        for content in shipment.packages.into_iter().flat_map(|package| package.contents) {
            let line = content.line.unwrap().order_line_id.unwrap();
            let lots: Decimal = content.lots.iter().filter_map(|lot| lot.quantity).sum();
            match line.as_str() {
                "2" | "4" => assert_eq!(lots, content.quantity.value),
                "3" => assert_eq!(Decimal::from(content.serials.len()), content.quantity.value),
                "5" => assert!(content.lots.iter().all(|lot| lot.number.as_deref() == Some("OURS"))),
                _ => assert!(content.lots.is_empty() && content.serials.is_empty()),
            }
            *sums.entry((shipment.order.reference.clone().unwrap(), line)).or_default() += content.quantity.value;
        }
    }
    assert_eq!(sums.len(), 100);
    let wanted =
        |line: &str| lines.as_array().unwrap().iter().find(|each| each["lineId"] == line).unwrap()["quantity"].clone();
    for ((reference, line), sum) in sums {
        assert_eq!(json!(sum.normalize().to_string()), wanted(&line), "{reference} line {line}");
    }
    assert!(inbox.taken("shipment_confirmed").len() > 20, "some orders leave in two shipments");
    let late = inbox.taken("tracking_updated");
    assert!(!late.is_empty(), "some tracking numbers come late");
    for event in late {
        Body::from_json(Kind::TrackingUpdated, event["data"].clone()).unwrap();
    }
    assert_eq!(inbox.taken("order_accepted").len(), 20);
}

/// Asks for a change of an order; answers the status and what is said.
async fn change(house: &House, id: &Value, (number, order): (u32, &Value)) -> (u16, Value) {
    let mut body = order.clone();
    body["change"] = json!(number);
    let key = format!("{}/{number}", order["reference"].as_str().unwrap());
    let call = house.call(Method::POST, &format!("/orders/{}/change", id.as_str().unwrap()));
    let (status, answer) = answered(call.header("idempotency-key", key).json(&body)).await;
    (status.as_u16(), answer)
}

#[tokio::test]
async fn a_change_is_made_once_by_its_number_and_shown_by_it() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::start(quick(Premises::warehouse(folder.path())), idle()).await;
    let wanted = |quantity: &str| order("usmf-SHP1-W1", "ITEM-1", quantity);
    let (_, created) = house.create(&wanted("2")).await;
    assert_eq!(created["change"], Value::Null);
    for (number, quantity, outcome, effect, held) in [
        (1, "3", "CONFIRMED", "changed", "3"),
        (1, "3", "CONFIRMED", "repeated", "3"),
        (2, "2", "CONFIRMED", "changed", "2"),
        // What comes late changes nothing.
        (1, "3", "REJECTED", "refused", "2"),
        (2, "5", "REJECTED", "refused", "2"),
        (3, "3", "CONFIRMED", "changed", "3"),
    ] {
        let (status, answer) = change(&house, &created["id"], (number, &wanted(quantity))).await;
        assert_eq!((status, &answer["outcome"]["code"]), (200, &json!(outcome)), "{number} {quantity}: {answer}");
        let last = ledger(&house.client, &house.sandbox, 0).await.pop().unwrap();
        assert_eq!(last["effect"], effect, "{number} {quantity}");
        let found = house.found("usmf-SHP1-W1").await;
        assert_eq!((found.len(), &found[0]["lines"][0]["quantity"]), (1, &json!(held)), "{number} {quantity}");
    }
    assert_eq!(house.found("usmf-SHP1-W1").await[0]["change"], 3);
    assert_eq!(change(&house, &created["id"], (4, &wanted("0"))).await.0, 422);
    assert_eq!(change(&house, &created["id"], (4, &order("usmf-SHP2-W1", "ITEM-1", "2"))).await.0, 422);
    house.cancel(created["id"].as_str().unwrap()).await;
    let (_, answer) = change(&house, &created["id"], (4, &wanted("4"))).await;
    assert_eq!((&answer["outcome"]["code"], &answer["reason"]["code"]), (&json!("REJECTED"), &json!("TOO_LATE")));
}

#[tokio::test]
async fn what_leaves_by_hand_says_what_will_not_come() {
    let folder = tempfile::tempdir().unwrap();
    let inbox = Inbox::open(&[]).await;
    let house = House::start(quick(Premises::warehouse(folder.path())), idle()).await;
    house.sandbox.deliver_to(inbox.url());
    house.create(&order("usmf-SHP1-W1", "ITEM-1", "7")).await;
    let ship = async |how: Value| {
        let url = format!("{}/sandbox/orders/usmf-SHP1-W1/ship", house.sandbox.url());
        house.client.post(url).json(&how).send().await.unwrap().status().as_u16()
    };
    assert_eq!(ship(json!({"lines": [{"line": "1", "quantity": "8"}]})).await, 409);
    assert_eq!(ship(json!({"lines": [{"line": "1", "quantity": "2"}], "last": false})).await, 201);
    assert_eq!(ship(json!({"lines": [{"line": "1", "quantity": "4"}]})).await, 201);
    assert_eq!(ship(json!({})).await, 404, "nothing more of it will leave");
    let told = until("both are told", async || {
        let told = inbox.taken("shipment_confirmed");
        (told.len() == 2).then_some(told)
    })
    .await;
    let of = |last: bool| told.iter().find(|event| event["data"]["isFinal"] == last).unwrap()["data"].clone();
    assert_eq!(of(false)["shorts"], Value::Null);
    let Body::ShipmentConfirmed(shipment) = Body::from_json(Kind::ShipmentConfirmed, of(true)).unwrap() else {
        panic!("no shipment")
    };
    assert_eq!(shipment.packages[0].contents[0].quantity.value, Decimal::from(4));
    assert_eq!((shipment.shorts.len(), shipment.shorts[0].quantity.value), (1, Decimal::ONE));
}
