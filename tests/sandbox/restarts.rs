//! Killed and started again, a sandbox has forgotten nothing that it said.

use std::io::Write as _;

use drayline::sandbox::{FinanceOperations, Premises, StartError, Warehouse};
use reqwest::Method;
use serde_json::json;

use super::rehearsal::{
    Dynamics, House, answered, ledger, order, quick, quick_dynamics, quick_warehouse, switch, until,
};

#[tokio::test]
async fn a_kill_forgets_nothing_that_was_answered() {
    let folder = tempfile::tempdir().unwrap();
    let premises = quick(Premises::finance_operations(folder.path()));
    let dynamics = Dynamics::start(premises.clone(), quick_dynamics()).await;
    dynamics.release(json!({"count": 3, "lines_max": 1})).await;
    let origin = dynamics.state().await["orders"][0]["origin"].as_str().unwrap().to_owned();
    dynamics.post_update("D1", &origin, &[(1, json!(1), "")], &[]).await;
    let row = json!({"PackingSlipNumber": "PS-1", "TrackingNumber": "1Z1"});
    dynamics.post("SalesPackingSlipTrackingInformations", row).await;
    let ended = dynamics.settled("D1", &origin).await;
    switch(&dynamics.client, &dynamics.sandbox, json!({"latency_ms": 1})).await;
    let (state, lines) = (dynamics.state().await, ledger(&dynamics.client, &dynamics.sandbox, 0).await);
    dynamics.sandbox.abort();

    let again = Dynamics::start(premises, quick_dynamics()).await;
    let after = again.state().await;
    for part in ["orders", "postings", "tracking", "pending_events"] {
        assert_eq!(after[part], state[part], "{part}");
    }
    let lines_after = ledger(&again.client, &again.sandbox, 0).await;
    assert_eq!(lines_after[..lines.len()], lines);
    assert_eq!(ledger(&again.client, &again.sandbox, 2).await, lines_after[2..]);
    let numbers: Vec<_> = lines_after.iter().map(|line| line["n"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>(), "the ledger has no gaps");
    assert_eq!(again.settled("D1", &origin).await, ended);
    let path = format!("{}/sandbox/faults", again.sandbox.url());
    assert_eq!(answered(again.client.get(path)).await.1["latency_ms"], 1, "switches stay as they are");
}

#[tokio::test]
async fn work_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let premises = quick(Premises::warehouse(folder.path()));
    let house = House::start(premises.clone(), quick_warehouse()).await;
    for number in 0..10 {
        house.create(&order(&format!("usmf-SHP{number}-W1"), "LOT-1", "6")).await;
    }
    let address = house.sandbox.url();
    drop(house);
    let listen = address.strip_prefix("http://").unwrap().parse().unwrap();
    let house = House::start(Premises { listen, ..premises }, quick_warehouse()).await;
    assert_eq!(house.sandbox.url(), address, "the same address, at once");
    until("all is shipped", async || {
        let state = house.state().await;
        (state["counts"]["shipped"] == 10).then_some(())
    })
    .await;
    let state = house.state().await;
    assert!(state["orders"].as_array().unwrap().iter().all(|order| order["lines"][0]["shipped"] == "6"));
    let lots = state["on_hand"].as_array().unwrap().iter().filter(|row| row["sku"] == "LOT-1");
    let left: i64 = lots.map(|row| 1_000_000 - row["quantity"].as_str().unwrap().parse::<i64>().unwrap()).sum();
    assert_eq!(left, 60, "{}", state["on_hand"]);
}

#[tokio::test]
async fn stopping_in_order_keeps_all_and_lets_the_files_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let premises = quick(Premises::warehouse(folder.path()));
    let house = House::start(premises.clone(), quick_warehouse()).await;
    assert_eq!(house.create(&order("usmf-SHP1-W1", "ITEM-1", "1")).await.0, 201);
    let second = Warehouse::start(premises, quick_warehouse()).await;
    assert!(matches!(second, Err(StartError::Journal(_))), "one file, one sandbox");
    house.sandbox.stop().await;
    let read = Warehouse::read(folder.path()).unwrap();
    assert_eq!(read.state["orders"][0]["reference"], "usmf-SHP1-W1");
    assert_eq!(read.ledger[0].reference.as_deref(), Some("usmf-SHP1-W1"));
}

#[tokio::test]
async fn a_line_that_a_crash_cut_is_cut_off_and_others_must_be_whole() {
    let folder = tempfile::tempdir().unwrap();
    let premises = quick(Premises::finance_operations(folder.path()));
    let dynamics = Dynamics::start(premises.clone(), quick_dynamics()).await;
    dynamics.release(json!({"count": 2})).await;
    dynamics.sandbox.abort();
    let path = folder.path().join("finance-operations.jsonl");
    let append = |text: &str| {
        let mut file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    };
    append("[{\"Line\":{\"n\":");
    let dynamics = Dynamics::start(premises.clone(), quick_dynamics()).await;
    assert_eq!(dynamics.state().await["counts"]["released"], 2);
    dynamics.release(json!({"count": 1})).await;
    dynamics.sandbox.abort();
    append("nonsense\n");
    let refused = FinanceOperations::start(premises, quick_dynamics()).await.err().unwrap();
    assert!(refused.to_string().contains("cannot be read"), "{refused}");
}

#[tokio::test]
async fn nobody_is_answered_by_a_sandbox_that_was_killed() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::start(quick(Premises::warehouse(folder.path())), quick_warehouse()).await;
    let create = house.call(Method::POST, "/orders").json(&order("usmf-SHP1-W1", "ITEM-1", "1"));
    assert_eq!(answered(house.call(Method::GET, "/stock")).await.0, 200);
    house.sandbox.abort();
    create.send().await.unwrap_err();
    assert!(Warehouse::read(folder.path()).unwrap().state["orders"].as_array().unwrap().is_empty());
}
