//! Patches: one correction for many messages, seen before, agreed to by a second person, kept as a revision of each.

use serde_json::{Value, json};

use super::world::{Making, World};
use crate::support::wait::until;
use crate::support::{Backing, Ground};

const PIECES: usize = 3;

/// Whatever the warehouse calls damaged is to be taken in as what can be sold.
const PATCH: &str = "del(.stockAdjusted.fromStatus, .stockAdjusted.toStatus)";

/// Runs a command as somebody; what it said, and on which of its two streams.
async fn asked_as(world: &World, who: &str, arguments: &[&str]) -> (bool, String) {
    let mut command = world.program(arguments);
    command.env("USER", who).arg("--json");
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = if output.status.success() { output.stdout } else { [output.stdout, output.stderr].concat() };
    (output.status.success(), String::from_utf8(said).unwrap())
}

async fn refused(world: &World, patch: &str, why: &str) {
    let plan = ["replay", "plan", "--filter", "flow=stock_adjustments", "--patch", patch];
    let (planned, said) = asked_as(world, "anna", &plan).await;
    assert!(!planned && said.contains(why), "{patch}: {said}");
}

async fn patched_together(backing: Backing) {
    let sections = "[replays]\nunapproved_rows_max = 1\n".to_owned();
    let mut world = World::set(Ground::fresh(backing).await, Making { sections, ..Making::default() }).await;
    world.start_product().await;
    let damaged = json!({"sku": "ITEM-9", "delta": "4", "status": "DAMAGED", "reason": "FOUND"});
    world.to_warehouse.adjust(&json!({ "adjustments": vec![damaged; PIECES] })).await.unwrap();
    let exceptions = world.until_exceptions(PIECES as u64).await;
    let before = world.to_dynamics.ledger(0).await.unwrap().len();

    refused(&world, ".stockAdjusted.tostatus = {\"code\": \"AVAILABLE\"}", "tostatus").await;
    refused(&world, ".stockAdjusted.delta.value = \"many\"", "is not a decimal").await;
    refused(&world, ".stockAdjusted.adjustmentKey = \"another\"", "cannot be changed").await;
    refused(&world, ".orderingKey = \"stock/north/ITEM-1\"", "cannot be changed").await;
    refused(&world, ".stockAdjusted.", "no jq filter").await;
    refused(&world, "def again: again; again", "def").await;
    refused(&world, ".stockAdjusted.bin = env.HOME", "env").await;
    refused(&world, "empty", "makes nothing").await;
    assert_eq!(world.exceptions(false).await.0, PIECES as u64, "nothing was touched");

    let plan = ["replay", "plan", "--filter", "flow=stock_adjustments", "--patch", PATCH];
    let (planned, said) = asked_as(&world, "anna", &plan).await;
    assert!(planned, "{said}");
    let campaign: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((&campaign["selected"], &campaign["patch"]), (&json!(PIECES), &json!(PATCH)), "{campaign}");
    let id = campaign["id"].as_str().unwrap();
    let (_, told) = world.ask(&["replay", "dry-run", id]).await;
    assert_eq!(told["dry_run"], json!({ "would_apply": PIECES }), "{told:#}");
    let preview = &told["messages"][0]["rehearsal"];
    let place = preview["changes"][0]["place"].as_str().unwrap();
    assert!(place.starts_with("stockAdjusted.") && place.contains("Status"), "{preview:#}");
    assert_eq!(world.to_dynamics.ledger(0).await.unwrap().len(), before, "nothing was posted");

    // A second person.
    let start = ["replay", "start", id, "--yes"];
    let (started, said) = asked_as(&world, "anna", &start).await;
    assert!(!started && said.contains("second person"), "{said}");
    let (approved, said) = asked_as(&world, "anna", &["replay", "approve", id]).await;
    assert!(!approved && said.contains("somebody else"), "{said}");
    let (approved, said) = asked_as(&world, "berta", &["replay", "approve", id]).await;
    assert!(approved && said.contains("\"approved_by\":\"berta\""), "{said}");
    let (started, said) = asked_as(&world, "anna", &start).await;
    assert!(started, "{said}");
    let view = until("the campaign is over", async || {
        let (_, view) = world.ask(&["replay", "status", id]).await;
        (view["state"] == "finished").then_some(view)
    })
    .await;
    assert_eq!((&view["applied"], &view["selected"]), (&json!(PIECES), &json!(PIECES)), "{view}");

    let state = world.to_dynamics.state().await.unwrap();
    let rows = state["adjustments"].as_array().unwrap();
    assert!(rows.len() == PIECES && rows.iter().all(|row| row["creates"] == 1), "{rows:#?}");
    assert!(!rows.iter().any(|row| row.to_string().contains("Damaged")), "{rows:#?}");
    assert_eq!(world.exceptions(true).await.0, 0);
    // What it was stays.
    let (_, shown) = world.ask(&["exceptions", "show", &exceptions[0].id.to_string()]).await;
    let was = &shown["revisions"][0];
    assert_eq!((&was["revision"], &was["patch"], &was["by"]), (&json!(0), &json!(PATCH), &json!("anna")), "{shown:#}");
    assert!(was["message"]["stockAdjusted"].to_string().contains("DAMAGED"), "{was:#}");
    world.leave().await;
}

#[tokio::test]
async fn one_patch_corrects_many_messages_after_a_second_person_agrees_embedded() {
    patched_together(Backing::Embedded).await;
}

#[tokio::test]
async fn one_patch_corrects_many_messages_after_a_second_person_agrees_on_servers() {
    patched_together(Backing::Servers).await;
}
