//! Events: retried until they are taken, over restarts, with all the quirks of their senders.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use drayline::sandbox::{Premises, WarehouseRules};
use ring::hmac;
use serde_json::{Value, json};

use super::inbox::Inbox;
use super::rehearsal::{Dynamics, House, ledger, order, quick, quick_dynamics, quick_warehouse, switch, until};

const RELEASED: &str = "WHSEWOutboundShipmentOrderRequestCreatedBusinessEvent";

#[tokio::test]
async fn an_event_that_is_not_taken_comes_again_the_same_until_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let inbox = Inbox::open(&[503, 500, 401, 200]).await;
    let dynamics = Dynamics::start(quick(Premises::finance_operations(folder.path())), quick_dynamics()).await;
    dynamics.release(json!({"count": 1})).await;
    dynamics.sandbox.deliver_to(inbox.url());
    until("it is taken", async || inbox.taken(RELEASED).pop()).await;
    let came = inbox.came();
    assert_eq!(came.iter().map(|came| came.status).collect::<Vec<_>>(), [503, 500, 401, 200]);
    assert!(came.iter().all(|each| each.text == came[0].text));
    let lines = until("four attempts stand in the ledger", async || {
        let mut lines = ledger(&dynamics.client, &dynamics.sandbox, 0).await;
        lines.retain(|line| line["method"] == "EVENT");
        (lines.len() == 4).then_some(lines)
    })
    .await;
    let told = |line: &Value| (line["attempt"].as_u64().unwrap(), line["status"].as_u64().unwrap());
    assert_eq!(lines.iter().map(told).collect::<Vec<_>>(), [(1, 503), (2, 500), (3, 401), (4, 200)]);
    assert!(lines.iter().all(|line| line["reference"] == "SHP0000001" && line["path"] == RELEASED));
}

#[tokio::test]
async fn events_that_nobody_took_survive_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let premises = quick(Premises::finance_operations(folder.path()));
    let dynamics = Dynamics::start(premises.clone(), quick_dynamics()).await;
    let ids = dynamics.release(json!({"count": 25, "seed": 5})).await;
    dynamics.sandbox.abort();
    let inbox = Inbox::open(&[503, 503]).await;
    let dynamics =
        Dynamics::start(Premises { deliver_to: Some(inbox.url().to_owned()), ..premises }, quick_dynamics()).await;
    let events = until("all are taken", async || Some(inbox.taken(RELEASED)).filter(|events| events.len() >= 25)).await;
    let told: BTreeSet<_> =
        events.iter().map(|event| event["OutboundShipmentOrderRequestId"].as_str().unwrap()).collect();
    assert_eq!(told, ids.iter().map(String::as_str).collect());
    assert_eq!(dynamics.state().await["pending_events"], 0);
}

#[tokio::test]
async fn business_events_have_the_quirks_of_the_real_ones() {
    let folder = tempfile::tempdir().unwrap();
    let inbox = Inbox::open(&[]).await;
    let dynamics = Dynamics::start(quick(Premises::finance_operations(folder.path())), quick_dynamics()).await;
    dynamics.sandbox.deliver_to(inbox.url());
    dynamics.release(json!({"count": 100, "seed": 5})).await;
    let events =
        until("all are taken", async || Some(inbox.taken(RELEASED)).filter(|events| events.len() >= 100)).await;
    assert!(
        inbox.came().iter().any(|came| came.body.is_array()) && inbox.came().iter().any(|came| came.body.is_object())
    );
    let id = |event: &Value| event["EventId"].as_str().unwrap().to_owned();
    assert!(
        events.iter().any(|event| id(event).starts_with('{')) && events.iter().any(|event| !id(event).starts_with('{'))
    );
    for event in &events {
        let bare = id(event).trim_matches(['{', '}']).to_owned();
        assert_eq!(bare, bare.to_uppercase());
        uuid::Uuid::parse_str(&bare).unwrap();
        assert!(event["ControlNumber"].as_i64().unwrap() > i64::from(i32::MAX));
        let time = event["EventTime"].as_str().unwrap();
        let ms = time.strip_prefix("/Date(").unwrap().strip_suffix(")/").unwrap().parse::<i64>().unwrap();
        assert_eq!(ms % 1000, 0);
        assert_eq!(event["LegalEntity"], "usmf");
        assert!(event.as_object().unwrap().keys().any(|name| name.contains(' ')));
    }
    assert!(events.iter().any(|event| event.get("BusinessEventLegalEntity").is_none()));
    assert!(events.iter().any(|event| event["BusinessEventLegalEntity"] == "USMF"));
    assert!(events.iter().any(|event| event.get("EventTimeIso8601").is_none()));
}

#[tokio::test]
async fn changes_cancellations_and_postings_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let inbox = Inbox::open(&[]).await;
    let dynamics = Dynamics::start(quick(Premises::finance_operations(folder.path())), quick_dynamics()).await;
    dynamics.sandbox.deliver_to(inbox.url());
    dynamics.release(json!({"count": 1})).await;
    let act = async |what: &str, body: Value| {
        let url = format!("{}/sandbox/orders/SHP0000001/{what}", dynamics.sandbox.url());
        assert_eq!(dynamics.client.post(url).json(&body).send().await.unwrap().status(), 200);
    };
    act("change", json!({"lines": [{"line": 1, "quantity": "4.5"}]})).await;
    until("the change is told", async || inbox.taken("DraylineOrderChangedBusinessEvent").pop()).await;
    let request = "OutboundShipmentOrderRequests(dataAreaId='usmf',OutboundShipmentOrderRequestId='SHP0000001')";
    assert_eq!(dynamics.get(request).await.1["RequestVersion"], 2);
    let (_, lines) = dynamics.get("OutboundShipmentOrderLineRequests").await;
    assert_eq!(lines["value"][0]["OrderedQuantity"], json!(4.5));
    act("change", json!({"released": true})).await;
    until("it is released anew", async || (inbox.taken(RELEASED).len() == 2).then_some(())).await;
    assert_eq!(dynamics.get(request).await.1["RequestVersion"], 3);
    let (_, same) = dynamics.get("OutboundShipmentOrderLineRequests").await;
    assert_eq!(same["value"][0]["OrderedQuantity"], json!(4.5));
    act("cancel", json!({})).await;
    until("the cancellation is told", async || inbox.taken("DraylineOrderCancelledBusinessEvent").pop()).await;
    let status = request.replace("OrderRequests", "OrderRequestStatus");
    assert_eq!(dynamics.get(&status).await.1["RequestStatus"], "Canceled");
    let origin = dynamics.state().await["orders"][0]["origin"].as_str().unwrap().to_owned();
    dynamics.post_update("D1", &origin, &[(1, json!(1), "")], &[]).await;
    let kind = "WHSEWOutboundShipmentOrderUpdateChangedStatusBusinessEvent";
    let event = until("the refusal is told", async || inbox.taken(kind).pop()).await;
    assert_eq!((&event["OutboundShipmentOrderUpdateId"], &event["ProcessingStatus"]), (&json!("D1"), &json!("Failed")));
}

#[tokio::test]
async fn what_is_withdrawn_is_told_as_cancelled_and_is_not_there_any_more() {
    let folder = tempfile::tempdir().unwrap();
    let inbox = Inbox::open(&[]).await;
    let dynamics = Dynamics::start(quick(Premises::finance_operations(folder.path())), quick_dynamics()).await;
    dynamics.sandbox.deliver_to(inbox.url());
    dynamics.release(json!({"count": 2})).await;
    let url = format!("{}/sandbox/orders/SHP0000001/withdraw", dynamics.sandbox.url());
    assert_eq!(dynamics.client.post(&url).send().await.unwrap().status(), 200);
    until("it is told", async || inbox.taken("DraylineOrderCancelledBusinessEvent").pop()).await;
    let (_, left) = dynamics.get("OutboundShipmentOrderRequests").await;
    assert_eq!(left["value"].as_array().unwrap().len(), 1);
    assert_eq!(left["value"][0]["OutboundShipmentOrderRequestId"], "SHP0000002");
    assert_eq!(dynamics.client.post(&url).send().await.unwrap().status(), 404);
    assert_eq!(dynamics.release(json!({"count": 1})).await, ["SHP0000003"]);
}

#[tokio::test]
async fn somebody_in_the_house_moves_an_order_on_and_tells_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let inbox = Inbox::open(&[]).await;
    let rules = WarehouseRules { accept_ms: 3_600_000, ..quick_warehouse() };
    let house = House::start(quick(Premises::warehouse(folder.path())), rules).await;
    house.sandbox.deliver_to(inbox.url());
    house.create(&order("usmf-SHP1-W1", "ITEM-1", "2")).await;
    let act = async |body: Value| {
        let url = format!("{}/sandbox/orders", house.sandbox.url());
        house.client.post(url).json(&body).send().await.unwrap().status()
    };
    let tell = |reference: &str, data: Value| {
        let tell = json!([{"kind": "shipment_confirmed", "data": data}]);
        json!({"reference": reference, "stage": "PartlyShipped", "tell": tell})
    };
    // The same words are the same event, and it can speak of an order that it never had.
    for _ in 0..2 {
        assert_eq!(act(tell("usmf-SHP1-W1", json!({"shipmentKey": "S1"}))).await, 200);
    }
    assert_eq!(act(tell("usmf-SHP9-W1", json!({"shipmentKey": "S9"}))).await, 200);
    let told = until("all is told", async || {
        let told = inbox.taken("shipment_confirmed");
        (told.len() == 3).then_some(told)
    })
    .await;
    let ids: BTreeSet<_> = told.iter().map(|event| event["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 2, "{told:#?}");
    let of =
        |key: &str| told.iter().find(|event| event["data"]["shipmentKey"] == key).unwrap()["data"]["order"].clone();
    assert_eq!(of("S1")["externalOrderId"], house.state().await["orders"][0]["id"]);
    assert_eq!(of("S9"), json!({"reference": "usmf-SHP9-W1"}));
    assert_eq!(house.state().await["orders"][0]["status"], "PARTIALLY_SHIPPED");
    // What is over stays so.
    assert_eq!(act(json!({"reference": "usmf-SHP1-W1", "stage": "Cancelled"})).await, 200);
    assert_eq!(act(json!({"reference": "usmf-SHP1-W1", "stage": "Picking"})).await, 200);
    assert_eq!(house.state().await["orders"][0]["status"], "CANCELLED");
    assert_eq!(act(json!({"stage": "Picking"})).await, 400);
}

#[tokio::test]
async fn webhooks_are_signed_for_each_attempt_under_one_id() {
    let folder = tempfile::tempdir().unwrap();
    let inbox = Inbox::open(&[500]).await;
    let rules = quick_warehouse();
    let key = STANDARD.decode(rules.signing_secret.strip_prefix("whsec_").unwrap()).unwrap();
    let house = House::start(quick(Premises::warehouse(folder.path())), rules).await;
    house.sandbox.deliver_to(inbox.url());
    house.create(&order("usmf-SHP1-W1", "ITEM-1", "2")).await;
    until("it is shipped", async || inbox.taken("shipment_confirmed").pop()).await;
    let came = inbox.came();
    assert!(
        came[0].status == 500
            && came.iter().skip(1).any(|again| again.header("webhook-id") == came[0].header("webhook-id"))
    );
    for each in came {
        assert_eq!(each.body["id"], each.header("webhook-id").as_str());
        let signed = format!("{}.{}.{}", each.header("webhook-id"), each.header("webhook-timestamp"), each.text);
        let code = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), signed.as_bytes());
        let signature = format!("v1,{}", STANDARD.encode(code));
        assert_eq!(each.header("webhook-signature"), signature);
    }
}

#[tokio::test]
async fn duplicated_and_reordered_events_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let inbox = Inbox::open(&[]).await;
    let premises = Premises { seed: 11, ..quick(Premises::finance_operations(folder.path())) };
    let dynamics = Dynamics::start(premises, quick_dynamics()).await;
    switch(&dynamics.client, &dynamics.sandbox, json!({"duplicate": 0.5, "reorder": 0.5})).await;
    dynamics.sandbox.deliver_to(inbox.url());
    dynamics.release(json!({"count": 40, "seed": 5})).await;
    let state = until("all are taken", async || {
        let state = dynamics.state().await;
        (state["pending_events"] == 0).then_some(state)
    })
    .await;
    let bodies = inbox.came();
    let distinct: BTreeSet<_> = bodies.iter().map(|came| came.text.clone()).collect();
    let twice = state["faults"]["duplicate"].as_u64().unwrap();
    assert!(twice > 0);
    assert_eq!(
        u64::try_from(bodies.len() - distinct.len()).unwrap(),
        twice,
        "each counted duplicate came again, whole"
    );
    assert!(state["faults"]["reorder"].as_u64().unwrap() > 0);
    let first_seen: Vec<_> =
        bodies.iter().map(|came| came.events()[0]["OutboundShipmentOrderRequestId"].clone()).collect();
    assert!(!first_seen.is_sorted_by_key(|id| id.as_str().map(str::to_owned)), "later ones arrive first");
}
