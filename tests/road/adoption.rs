//! Documents from before go-live: what a warehouse holds of them is adopted, and the rest is a person's. Nothing of them is sent.

use drayline::sandbox::{Effect, FinanceOperationsRules, WarehouseRules};
use drayline::store::Discarded;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::receipts::STATUSES;
use super::world::{Making, World, event_about};
use crate::support::wait::until;
use crate::support::{Backing, Ground};

fn hours_ago(hours: i64) -> Timestamp {
    Timestamp::now() - SignedDuration::from_hours(hours)
}

/// Nothing happens at the warehouse by itself.
fn making() -> Making {
    let adoption =
        "adoption.outbound_reference = \"OLD-{order_number}\"\nadoption.inbound_reference = \"IN-{request}\"\n";
    Making {
        dynamics_toml: format!("go_live = \"{}\"\n{adoption}", hours_ago(1)),
        sections: STATUSES.to_owned(),
        dynamics: FinanceOperationsRules {
            lots_share: 0.0,
            serials_share: 0.0,
            weighed_share: 0.0,
            ..Default::default()
        },
        warehouse: WarehouseRules { accept_ms: 600_000, arrive_ms: 600_000, ..WarehouseRules::default() },
        ..Making::default()
    }
}

/// What the former integration sent; `more` is added to the first line.
async fn formerly_sent(world: &World, collection: &str, reference: &str, document: &Value, more: i64) {
    let mut lines = Vec::new();
    for (index, line) in document["lines"].as_array().unwrap().iter().enumerate() {
        let quantity: rust_decimal::Decimal = line["ordered"].as_str().unwrap().parse().unwrap();
        let more = if index == 0 { more.into() } else { rust_decimal::Decimal::ZERO };
        let line_id = format!("old-{index}");
        lines.push(json!({ "lineId": line_id, "sku": line["item"], "quantity": (quantity + more).to_string(), "unit": line["unit"] }));
    }
    let address = json!({ "name": "Ann", "line1": "Main Street 1", "city": "Springfield", "country": "US" });
    let order = json!({ "reference": reference, "facility": "NORTH-1", "recipient": address, "sender": address, "lines": lines });
    let request = reqwest::Client::new().post(format!("{}/{collection}", world.warehouse.url()));
    let request = request.bearer_auth(WarehouseRules::default().token).header("idempotency-key", reference);
    let answer = request.json(&order).send().await.unwrap();
    assert_eq!(answer.status(), 201, "{}", answer.text().await.unwrap());
}

/// What was created, changed or cancelled at the warehouse after a line of its ledger.
async fn changed_at_the_warehouse(world: &World, after: u64) -> usize {
    let ledger = world.to_warehouse.ledger(after).await.unwrap();
    ledger.iter().filter(|line| matches!(line.effect, Effect::Created | Effect::Changed | Effect::Repeated)).count()
}

/// Dynamics says of a document that it was released so long ago.
async fn released(world: &World, id: &str, hours: i64) {
    let mut event = event_about(id);
    event["EventId"] = json!(uuid::Uuid::new_v4().to_string());
    event["EventTimeIso8601"] = json!(hours_ago(hours).to_string());
    world.post(&event).await;
}

/// The warehouse names lines as the former integration did.
async fn shipped(world: &World, key: &str, reference: &str, document: &Value, hours: i64) {
    let line = &document["lines"][0];
    let shipment = json!({
        "shipmentKey": key, "order": { "reference": reference }, "shippedAt": hours_ago(hours).to_string(), "isFinal": false,
        "packages": [{ "packageKey": format!("P-{key}"), "contents": [
            { "line": { "orderLineId": "old-0" }, "item": { "sku": line["item"] },
              "quantity": { "value": "1", "unit": line["unit"] } }
        ] }],
    });
    world.say_as_warehouse("shipment_confirmed", &shipment).await;
}

async fn said_of(world: &World, key: &str) -> String {
    let documents = world.store().await.documents(key).await.unwrap();
    let steps = documents.iter().flat_map(|document| &document.steps);
    steps.map(|step| step.what.as_str()).collect::<Vec<_>>().join("\n")
}

async fn adopted_or_asked(backing: Backing) {
    let mut world = World::set(Ground::fresh(backing).await, making()).await;
    let answer = world.to_dynamics.release_silently(3).await.unwrap();
    let ids: Vec<&str> = answer["released"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    let orders = world.to_dynamics.state().await.unwrap()["orders"].as_array().unwrap().clone();
    let order =
        |id: &str| orders.iter().find(|order| order["id"] == *id).unwrap_or_else(|| panic!("{orders:#?}")).clone();
    let old = |id: &str| format!("OLD-{}", order(id)["order_number"].as_str().unwrap());
    formerly_sent(&world, "orders", &old(ids[0]), &order(ids[0]), 0).await;
    formerly_sent(&world, "orders", &old(ids[1]), &order(ids[1]), 1).await;
    let before = world.to_warehouse.ledger(0).await.unwrap().last().map_or(0, |line| line.n);
    world.start_product().await;
    for id in &ids {
        released(&world, id, 24).await;
    }
    let exceptions = world.until_exceptions(2).await;
    let says = |id: &str, what: &str| {
        let named = |each: &&drayline::exceptions::Exception| each.document == format!("order/contoso/usmf-{id}");
        let exception = exceptions.iter().find(named).unwrap_or_else(|| panic!("{exceptions:#?}"));
        assert_eq!(exception.code, "order.before_go_live");
        assert!(exception.sentence.contains(what), "{exception:#?}");
        exception.id
    };
    says(ids[1], &format!("north holds it as {} with other contents", old(ids[1])));
    let nowhere = says(ids[2], &format!("north holds nothing under {}. It is not sent.", old(ids[2])));
    until("it is adopted", async || said_of(&world, &old(ids[0])).await.contains("it is adopted as").then_some(()))
        .await;

    // What left before go-live was posted by others; what leaves now is posted once, under the name that the warehouse has.
    shipped(&world, "S-OLD", &old(ids[0]), &order(ids[0]), 5).await;
    shipped(&world, "S-NEW", &old(ids[0]), &order(ids[0]), 0).await;
    shipped(&world, "S-NEW", &old(ids[0]), &order(ids[0]), 0).await;
    until_one_is_posted(&mut world).await;
    let said = said_of(&world, &format!("usmf-{}-W1", ids[0])).await;
    assert!(said.contains("S-OLD of") && said.contains("before go-live: it was posted by others"), "{said}");

    // A change sends nothing either. Then a person decides: it is released again, and sent; the question ends by itself.
    assert_eq!(changed_at_the_warehouse(&world, before).await, 0, "nothing is sent");
    let changed = json!({
        "BusinessEventId": "DraylineOrderChangedBusinessEvent", "EventId": uuid::Uuid::new_v4().to_string(),
        "BusinessEventLegalEntity": "USMF", "OutboundShipmentOrderRequestId": ids[1],
        "EventTimeIso8601": Timestamp::now().to_string(),
    });
    world.post(&changed).await;
    released(&world, ids[2], 0).await;
    let one = world.until_exceptions(1).await;
    assert!(one[0].sentence.contains("other contents"), "{one:#?}");
    assert_eq!(changed_at_the_warehouse(&world, before).await, 1, "one order, as it was decided");
    assert_ne!(one[0].id, nowhere);
    let done = world.store().await.discard(one[0].id, "a test", "it is wrong").await.unwrap();
    assert_eq!(done, Discarded::Yes);
    world.leave().await;
}

#[tokio::test]
async fn what_a_warehouse_holds_from_before_go_live_is_adopted_and_the_rest_is_asked_embedded() {
    adopted_or_asked(Backing::Embedded).await;
}

#[tokio::test]
async fn what_a_warehouse_holds_from_before_go_live_is_adopted_and_the_rest_is_asked_on_servers() {
    adopted_or_asked(Backing::Servers).await;
}

/// Where nothing says how documents were called before, those from before go-live are listed, and nothing of them is sent.
#[tokio::test]
async fn what_is_from_before_go_live_is_listed_for_a_decision_until_it_is_released_again() {
    let dynamics_toml = format!("go_live = \"{}\"\n", hours_ago(1));
    let mut world = World::set(Ground::fresh(Backing::Servers).await, Making { dynamics_toml, ..making() }).await;
    let answer = world.to_dynamics.release_silently(2).await.unwrap();
    let ids: Vec<&str> = answer["released"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    world.start_product().await;
    for id in &ids {
        released(&world, id, 24).await;
    }
    let list = async |options: &[&str]| {
        let (well, answer) = world.ask(&[&["documents", "list"], options].concat()).await;
        assert!(well, "{answer}");
        let documents = answer["documents"].as_array().unwrap().iter();
        documents.map(|each| each["document"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let early = async || list(&["--state", "before_go_live"]).await;
    until("both are listed", async || (early().await.len() == 2).then_some(())).await;
    assert!(list(&[]).await.is_empty(), "nothing is to happen to them here");
    assert_eq!(world.to_warehouse.state().await.unwrap()["orders"], json!([]));
    let day = hours_ago(24).strftime("%F").to_string();
    let (_, answer) = world.ask(&["documents", "list", "--day", &day]).await;
    let orders = &answer["day"]["orders"];
    assert_eq!((&orders["missing"], &orders["states"]), (&json!(0), &json!({ "before_go_live": 2 })));
    // Somebody decides: it is released again.
    released(&world, ids[0], 0).await;
    until("one is left", async || (early().await == [format!("order/contoso/usmf-{}", ids[1])]).then_some(())).await;
    assert_eq!(world.exceptions(false).await.0, 0);
    world.leave().await;
}

#[tokio::test]
async fn receipts_of_what_was_announced_before_go_live_are_posted() {
    let mut world = World::set(Ground::fresh(Backing::Embedded).await, making()).await;
    let answer = world.to_dynamics.expect(1, 7).await.unwrap();
    let id = answer["released"][0].as_str().unwrap().to_owned();
    let expected = world.to_dynamics.state().await.unwrap()["expected"][0].clone();
    let old = format!("IN-{id}");
    formerly_sent(&world, "receipts", &old, &expected, 0).await;
    let before = world.to_warehouse.ledger(0).await.unwrap().last().map_or(0, |line| line.n);
    world.start_product().await;
    until("it is adopted", async || said_of(&world, &old).await.contains("it is adopted as").then_some(())).await;
    let line = &expected["lines"][0];
    let report = json!({
        "receiptKey": "R-1", "inboundOrder": { "reference": old }, "state": "PARTIAL", "quantityBasis": "CUMULATIVE",
        "lines": [{ "line": { "orderLineId": "old-0" }, "item": { "sku": line["item"] },
            "received": { "value": "1", "unit": line["unit"] } }],
    });
    world.say_as_warehouse("goods_received", &report).await;
    world.say_as_warehouse("goods_received", &report).await;
    world
        .until("it is posted", |dynamics, _| dynamics["updates_accepted"] == 1 && dynamics["updates_waiting"] == 0)
        .await;
    world.until_nothing_parked().await;
    assert_eq!(world.exceptions(true).await.0, 0);
    let receipts = world.to_dynamics.state().await.unwrap()["receipts"].clone();
    assert_eq!((receipts.as_array().unwrap().len(), &receipts[0]["lines"][0]["shipped"]), (1, &json!("1")));
    assert_eq!(changed_at_the_warehouse(&world, before).await, 0, "nothing is announced");
    world.leave().await;
}

/// A warehouse may tell of an order before a scan has found it: what it tells waits, and is posted once.
/// Waits until a shipment of one piece is posted, and sees that it is the only one.
async fn until_one_is_posted(world: &mut World) {
    world
        .until("it is posted", |dynamics, _| dynamics["updates_accepted"] == 1 && dynamics["updates_waiting"] == 0)
        .await;
    world.until_nothing_parked().await;
    let postings = world.to_dynamics.state().await.unwrap()["postings"].clone();
    assert_eq!((postings.as_array().unwrap().len(), &postings[0]["lines"][0]["shipped"]), (1, &json!("1")));
}

async fn told_before_it_is_adopted(backing: Backing) {
    let mut world = World::set(Ground::fresh(backing).await, making()).await;
    let answer = world.to_dynamics.release_silently(1).await.unwrap();
    let id = answer["released"][0].as_str().unwrap().to_owned();
    let order = world.to_dynamics.state().await.unwrap()["orders"][0].clone();
    let old = format!("OLD-{}", order["order_number"].as_str().unwrap());
    formerly_sent(&world, "orders", &old, &order, 0).await;
    world.start_product().await;
    shipped(&world, "S-1", &old, &order, 0).await;
    until("it waits for its order", async || {
        let (_, parked) = world.exceptions(true).await;
        parked.iter().any(|each| each.code == "order.unknown").then_some(())
    })
    .await;
    assert_eq!(world.exceptions(false).await.0, 0, "it is nobody's yet");
    released(&world, &id, 24).await;
    until_one_is_posted(&mut world).await;
    world.leave().await;
}

#[tokio::test]
async fn what_is_told_of_an_order_before_it_is_adopted_waits_embedded() {
    told_before_it_is_adopted(Backing::Embedded).await;
}

#[tokio::test]
async fn what_is_told_of_an_order_before_it_is_adopted_waits_on_servers() {
    told_before_it_is_adopted(Backing::Servers).await;
}
