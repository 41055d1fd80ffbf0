//! Stock in both sandboxes: adjusted, counted, moved between statuses; at Dynamics singly and in batches.

use drayline::message::{Body, Kind};
use drayline::sandbox::{FinanceOperationsRules, Premises};
use reqwest::Method;
use serde_json::{Value, json};

use super::inbox::Inbox;
use super::rehearsal::{Dynamics, House, ledger, quick, quick_dynamics, quick_warehouse, until};

fn row(id: &str, item: &str, quantity: i64, status: &str) -> Value {
    json!({
        "dataAreaId": "usmf", "ExternalSystemType": "WarehouseManagement", "ExternalSystemId": "north",
        "InventoryAdjustmentId": id, "ItemNumber": item, "Quantity": quantity, "WarehouseId": "24",
        "InventoryStatusId": status,
    })
}

/// A batch of changesets.
fn batch(sets: &[Vec<Value>]) -> String {
    let part = |number: usize, row: &Value| {
        format!(
            "--c{number}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n\
             POST /data/ExternalInventoryAdjustments?cross-company=true HTTP/1.1\r\n\
             Content-Type: application/json\r\n\r\n{row}\r\n"
        )
    };
    let set = |(number, rows): (usize, &Vec<Value>)| {
        let parts: Vec<_> = rows.iter().map(|row| part(number, row)).collect();
        let head = format!("--b\r\nContent-Type: multipart/mixed; boundary=c{number}\r\n\r\n");
        format!("{head}{}--c{number}--\r\n", parts.concat())
    };
    let sets: Vec<_> = sets.iter().enumerate().map(set).collect();
    sets.concat() + "--b--\r\n"
}

async fn send(dynamics: &Dynamics, body: String, goes_on: bool) -> String {
    let mut call = dynamics.call(Method::POST, "$batch").header("content-type", "multipart/mixed; boundary=b");
    if goes_on {
        call = call.header("prefer", "odata.continue-on-error");
    }
    let answer = call.body(body).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("multipart/mixed; boundary="));
    answer.text().await.unwrap()
}

fn on_hand(state: &Value, sku: &str, status: &str) -> Option<i64> {
    let rows = state["on_hand"].as_array().unwrap();
    let row = rows.iter().find(|row| row["sku"] == sku && row["status"] == status)?;
    row["quantity"].as_str().unwrap().parse().ok()
}

#[tokio::test]
async fn an_adjustment_moves_stock_once_and_its_key_is_unique() {
    let folder = tempfile::tempdir().unwrap();
    let dynamics = Dynamics::start(quick(Premises::finance_operations(folder.path())), quick_dynamics()).await;
    let (status, answer) = dynamics.post("ExternalInventoryAdjustments", row("A1", "BOLT", -3, "")).await;
    assert_eq!(status, 201, "{answer}");
    let (status, answer) = dynamics.post("ExternalInventoryAdjustments", row("A1", "BOLT", -3, "")).await;
    assert!(status.as_u16() >= 400 && answer.to_string().contains("already exists"), "{answer}");
    let key = "dataAreaId='usmf',ExternalSystemType='WarehouseManagement',ExternalSystemId='north',InventoryAdjustmentId='A1'";
    let (status, held) = dynamics.get(&format!("ExternalInventoryAdjustments({key})")).await;
    assert_eq!((status.as_u16(), &held["Quantity"]), (200, &json!(-3)));
    assert_eq!(on_hand(&dynamics.state().await, "BOLT", "available"), Some(999_997));
    let (status, _) = dynamics.post("ExternalInventoryAdjustments", json!({"Misspelt": 1})).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn a_batch_is_one_call_whose_changesets_stand_alone() {
    let folder = tempfile::tempdir().unwrap();
    let rules = FinanceOperationsRules { stock_at_first: 10, negative_stock_refused: true, ..quick_dynamics() };
    let dynamics = Dynamics::start(quick(Premises::finance_operations(folder.path())), rules).await;
    let sets = [
        vec![row("A1", "BOLT", -8, "")],
        vec![row("A2", "BOLT", -8, "")],
        // Two rows, one fact: the second is refused, so the first did not happen either.
        vec![row("A3", "NUT", -2, ""), row("A3b", "NUT", -50, "Damaged")],
        vec![row("A4", "NUT", -2, ""), row("A4b", "NUT", 2, "Damaged")],
    ];
    let text = send(&dynamics, batch(&sets), true).await;
    let said: Vec<_> = text.lines().filter(|line| line.starts_with("HTTP/1.1 ")).collect();
    assert_eq!(said.iter().filter(|line| line.contains(" 201 ")).count(), 3, "{text}");
    assert_eq!(said.iter().filter(|line| line.contains(" 400 ")).count(), 2, "{text}");
    assert!(text.contains("8 cannot be picked because only 2 is available"), "{text}");
    let state = dynamics.state().await;
    assert_eq!(on_hand(&state, "BOLT", "available"), Some(999_992));
    assert_eq!((on_hand(&state, "NUT", "available"), on_hand(&state, "NUT", "damaged")), (Some(999_998), Some(2)));
    let lines = ledger(&dynamics.client, &dynamics.sandbox, 0).await;
    let calls = lines.iter().filter(|line| line["method"] == "POST" && line["within"] != true).count();
    let effects: Vec<_> = lines.iter().filter(|line| line["within"] == true).map(|line| &line["effect"]).collect();
    assert_eq!(calls, 2, "a token and one batch: {lines:#?}");
    assert_eq!(effects, ["created", "refused", "refused", "created", "created"]);
    // Whoever does not prefer to go on is stopped at the first refusal.
    let sets = [vec![row("B1", "BOLT", -8, "")], vec![row("B2", "BOLT", 1, "")]];
    let text = send(&dynamics, batch(&sets), false).await;
    assert_eq!(text.matches("HTTP/1.1 ").count(), 1, "{text}");
    assert_eq!(on_hand(&dynamics.state().await, "BOLT", "available"), Some(999_992));
}

#[tokio::test]
async fn a_warehouse_adjusts_moves_and_counts_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let inbox = Inbox::open(&[]).await;
    let premises = Premises { deliver_to: Some(inbox.url().to_owned()), ..quick(Premises::warehouse(folder.path())) };
    let house = House::start(premises, quick_warehouse()).await;
    let wish = json!({ "adjustments": [
        {"sku": "ITEM-1", "unit": "ea", "delta": "-2", "reason": "DAMAGED"},
        {"sku": "LOT-1", "lot": "LOT-1-B1", "from": "AVAILABLE", "to": "QUARANTINE", "quantity": "5", "reason": "QUARANTINE_IN"},
        {"sku": "ITEM-1", "level": "1000001", "reason": "CYCLE_COUNT"},
    ]});
    let url = format!("{}/sandbox/adjustments", house.sandbox.url());
    let answer: Value = house.client.post(&url).json(&wish).send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["adjusted"], json!(["adj-000001", "adj-000002", "adj-000003"]));
    let state = house.state().await;
    assert_eq!(on_hand(&state, "ITEM-1", "available"), Some(1_000_001));
    assert_eq!(on_hand(&state, "LOT-1", "quarantine"), Some(5));
    let told = until("three events", async || {
        let told = inbox.taken("stock_adjusted");
        (told.len() == 3).then_some(told)
    })
    .await;
    for event in &told {
        let Body::StockAdjusted(body) = Body::from_json(Kind::StockAdjusted, event["data"].clone()).unwrap() else {
            panic!("{event}");
        };
        if body.adjustment_key.as_str() == "adj-000003" {
            let levels = (body.level_before.unwrap().value, body.level_after.unwrap().value);
            assert_eq!(levels, (999_998.into(), 1_000_001.into()));
        }
    }
    let drawn: Value =
        house.client.post(&url).json(&json!({"count": 20, "seed": 3})).send().await.unwrap().json().await.unwrap();
    assert_eq!(drawn["adjusted"].as_array().unwrap().len(), 20);
}
