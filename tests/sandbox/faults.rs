//! The switches: what strikes, what has happened then, and that it is counted.

use drayline::sandbox::{FinanceOperationsRules, Premises};
use reqwest::Method;
use serde_json::{Value, json};

use super::rehearsal::{
    Dynamics, House, answered, ledger, order, quick, quick_dynamics, quick_warehouse, switch, until,
};

async fn house(folder: &tempfile::TempDir) -> House {
    House::start(quick(Premises::warehouse(folder.path())), quick_warehouse()).await
}

fn create(house: &House, reference: &str) -> reqwest::RequestBuilder {
    house.call(Method::POST, "/orders").json(&order(reference, "ITEM-1", "1"))
}

#[tokio::test]
async fn a_lost_answer_is_committed_and_the_connection_closed_without_a_byte() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(&folder).await;
    switch(&house.client, &house.sandbox, json!({"lose_answer": 1.0})).await;
    let error = create(&house, "usmf-SHP1-W1").send().await.unwrap_err();
    assert!(error.is_request() && !error.is_timeout(), "{error:?}");
    switch(&house.client, &house.sandbox, json!({})).await;
    assert_eq!(house.found("usmf-SHP1-W1").await.len(), 1);
    let state = house.state().await;
    assert_eq!((&state["faults"]["lose_answer"], &state["orders"][0]["creates"]), (&json!(1), &json!(1)));
    let line = &ledger(&house.client, &house.sandbox, 0).await[0];
    assert_eq!((&line["effect"], &line["faults"]), (&json!("created"), &json!(["lose_answer"])));
}

#[tokio::test]
async fn refused_and_failed_calls_have_done_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(&folder).await;
    switch(&house.client, &house.sandbox, json!({"refuse_429": 1.0})).await;
    let answer = create(&house, "usmf-SHP1-W1").send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers()["retry-after"].to_str().unwrap()), (429, "1"));
    switch(&house.client, &house.sandbox, json!({"fail_5xx": 1.0, "latency_ms": 5})).await;
    assert!(create(&house, "usmf-SHP1-W1").send().await.unwrap().status().is_server_error());
    switch(&house.client, &house.sandbox, json!({})).await;
    assert!(house.found("usmf-SHP1-W1").await.is_empty());
    let faults = house.state().await["faults"].clone();
    assert_eq!(faults, json!({"latency": 1, "refuse_429": 1, "fail_5xx": 1}));
}

#[tokio::test]
async fn where_each_call_is_struck_once_the_same_gets_through_when_it_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(&folder).await;
    for _ in 0..2 {
        // Whoever turns the switches again has all of them struck again.
        switch(&house.client, &house.sandbox, json!({"fail_5xx": 1.0, "once": true})).await;
        for reference in ["usmf-SHP1-W1", "usmf-SHP2-W1"] {
            assert!(create(&house, reference).send().await.unwrap().status().is_server_error(), "{reference}");
        }
        for reference in ["usmf-SHP1-W1", "usmf-SHP2-W1"] {
            assert!(!create(&house, reference).send().await.unwrap().status().is_server_error(), "{reference}");
        }
    }
    assert_eq!(house.state().await["faults"], json!({"fail_5xx": 4}));
}

#[tokio::test]
async fn throttling_speaks_the_language_of_dynamics() {
    let folder = tempfile::tempdir().unwrap();
    let dynamics = Dynamics::start(quick(Premises::finance_operations(folder.path())), quick_dynamics()).await;
    switch(&dynamics.client, &dynamics.sandbox, json!({"refuse_429": 1.0})).await;
    let (status, answer) = dynamics.get("OutboundShipmentOrderRequests").await;
    assert!(status == 429 && answer["error"]["message"].as_str().unwrap().contains("resource utilization"));
}

#[tokio::test]
async fn a_far_end_that_is_down_drops_calls_and_comes_back_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(&folder).await;
    switch(&house.client, &house.sandbox, json!({"down_s": 1})).await;
    create(&house, "usmf-SHP1-W1").send().await.unwrap_err();
    until("it is back", async || create(&house, "usmf-SHP1-W1").send().await.ok()).await;
    let state = house.state().await;
    assert_eq!(state["orders"].as_array().unwrap().len(), 1);
    let lines = ledger(&house.client, &house.sandbox, 0).await;
    let dropped = lines.iter().filter(|line| line["faults"] == json!(["down"])).count();
    assert!(dropped >= 1 && lines.iter().all(|line| line["status"] != 0 || line["effect"] == "refused"));
    assert_eq!(state["faults"]["down"], json!(dropped));
}

#[tokio::test]
async fn a_share_of_updates_is_refused_and_can_be_handed_over_again() {
    let folder = tempfile::tempdir().unwrap();
    let rules = FinanceOperationsRules { lots_share: 0.0, serials_share: 0.0, weighed_share: 0.0, ..quick_dynamics() };
    let dynamics = Dynamics::start(quick(Premises::finance_operations(folder.path())), rules).await;
    switch(&dynamics.client, &dynamics.sandbox, json!({"refuse_updates": 1.0})).await;
    dynamics.release(json!({"count": 1, "lines_max": 1})).await;
    let state = dynamics.state().await;
    let origin = state["orders"][0]["origin"].as_str().unwrap();
    dynamics.post_update("D1", origin, &[(1, json!(1), "ea")], &[]).await;
    let (ended, words) = dynamics.settled("D1", origin).await;
    assert!(ended == "Failed" && words.contains("period"), "{words}");
    assert_eq!(dynamics.state().await["faults"]["refuse_updates"], 1);
    switch(&dynamics.client, &dynamics.sandbox, json!({})).await;
    let path = super::rehearsal::update_path("D1", origin);
    let again = dynamics.call(Method::PATCH, &path).json(&json!({"ProcessingStatus": "Received"}));
    assert_eq!(answered(again).await.0, 204);
    until("it is accepted", async || {
        let (_, row) = dynamics.get(&path).await;
        (row["ProcessingStatus"] == "Accepted").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_switch_that_makes_no_sense_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(&folder).await;
    for nonsense in [json!({"refuse_429": 2.0}), json!({"explode": 1.0}), json!({"latency_ms": -1})] {
        let url = format!("{}/sandbox/faults", house.sandbox.url());
        assert_eq!(house.client.put(&url).json(&nonsense).send().await.unwrap().status(), 400, "{nonsense}");
    }
    let url = format!("{}/sandbox/faults", house.sandbox.url());
    let faults: Value = house.client.get(url).send().await.unwrap().json().await.unwrap();
    assert_eq!(faults["refuse_429"], json!(0.0));
}
