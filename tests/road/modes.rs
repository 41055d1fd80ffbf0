//! Receipts and adjustments of connections that may not be called, or are of another stage.

use drayline::sandbox::{Effect, LedgerLine, WarehouseRules};
use serde_json::{Value, json};

use super::receipts::STATUSES;
use super::world::{Making, World};
use crate::support::wait::until;
use crate::support::{Backing, Ground};

const DRY: &str = "mode = \"dry_run\"";
const PAUSED: &str = "mode = \"paused\"";
const LIVE: &str = "mode = \"live\"";

/// Goods that do not arrive by themselves, so that only the test tells of them.
fn making(mode: &str) -> Making {
    Making {
        dynamics_toml: format!("{mode}\n"),
        toml: "processor.look_again_ms = 100".to_owned(),
        sections: STATUSES.to_owned(),
        warehouse: WarehouseRules { arrive_ms: 600_000, ..WarehouseRules::default() },
        ..Making::default()
    }
}

/// The calls after a line that changed anything of the other side's.
fn changing(ledger: &[LedgerLine]) -> Vec<&LedgerLine> {
    ledger.iter().filter(|line| matches!(line.effect, Effect::Created | Effect::Changed | Effect::Repeated)).collect()
}

/// One inbound order is announced; gives its reference and its first line.
async fn announced(world: &World) -> (String, Value) {
    let answer = world.to_dynamics.expect(1, 7).await.unwrap();
    let id = answer["released"][0].as_str().unwrap().to_owned();
    world.until("announced", |_, warehouse| warehouse["announced"] == 1).await;
    world.until_nothing_parked().await;
    let line = world.to_dynamics.state().await.unwrap()["expected"][0]["lines"][0].clone();
    (format!("usmf-{id}-W1"), line)
}

/// The warehouse received one piece, and lost another one.
async fn received_and_lost(world: &World, reference: &str, line: &Value) {
    let report = json!({
        "receiptKey": "R-1", "inboundOrder": { "reference": reference }, "state": "PARTIAL", "quantityBasis": "CUMULATIVE",
        "lines": [{ "line": { "orderLineId": line["line"] }, "item": { "sku": line["item"] },
            "received": { "value": "1", "unit": line["unit"] } }],
    });
    world.say_as_warehouse("goods_received", &report).await;
    world
        .to_warehouse
        .adjust(&json!({ "adjustments": [{"sku": "ITEM-1", "delta": "-1", "reason": "LOST"}] }))
        .await
        .unwrap();
}

/// Both wait, with this code; gives what people see.
async fn both_wait(world: &World, code: &str) {
    until("both wait", async || {
        let (total, parked) = world.exceptions(true).await;
        (total == 2 && parked.iter().all(|each| each.code == code)).then_some(())
    })
    .await;
}

async fn both_are_posted(world: &World) {
    world
        .until("both are posted", |dynamics, _| {
            dynamics["updates_accepted"] == 1 && dynamics["adjustments"] == 1 && dynamics["updates_waiting"] == 0
        })
        .await;
    world.until_nothing_parked().await;
    let state = world.to_dynamics.state().await.unwrap();
    assert_eq!(state["receipts"][0]["lines"][0]["shipped"], "1");
    assert_eq!(state["adjustments"][0]["creates"], 1);
}

/// What is said on the journeys of the receipt and of the stock in this mode.
async fn told(world: &World, mode: &str, reference: &str) -> Vec<String> {
    let mut told = Vec::new();
    for key in [reference, "stock/north/ITEM-1"] {
        let (_, shown) = world.ask(&["documents", "show", key]).await;
        let documents = shown["documents"].as_array().cloned().unwrap_or_default();
        let steps = documents.iter().flat_map(|document| document["steps"].as_array().unwrap().clone());
        let of_mode = steps.filter(|step| step["mode"] == mode).map(|step| step["what"].as_str().unwrap().to_owned());
        told.extend(of_mode);
    }
    told
}

async fn no_changing_call_until_live(backing: Backing, (mode, code): (&str, &str)) {
    let mut world = World::start(backing, making(LIVE)).await;
    let (reference, line) = announced(&world).await;
    world.stop_product().await;
    world.reconfigure(LIVE, mode);
    world.start_product().await;
    let before = world.to_dynamics.ledger(0).await.unwrap().last().map_or(0, |line| line.n);
    received_and_lost(&world, &reference, &line).await;
    both_wait(&world, code).await;
    let calls = world.to_dynamics.ledger(before).await.unwrap();
    assert!(changing(&calls).is_empty(), "{calls:#?}");
    assert_eq!(world.exceptions(false).await.0, 0, "it is nobody's");
    if mode == DRY {
        let told = told(&world, "dry_run", &reference).await;
        let once = |act: &str| told.iter().filter(|what| what.contains(act)).count();
        assert_eq!((once("post_receipt"), once("adjust_stock"), told.len()), (1, 1, 2), "{told:#?}");
    }

    world.stop_product().await;
    world.reconfigure(mode, LIVE);
    world.start_product().await;
    both_are_posted(&world).await;
    world.leave().await;
}

#[tokio::test]
async fn in_dry_run_receipts_and_adjustments_are_told_and_not_posted_embedded() {
    no_changing_call_until_live(Backing::Embedded, (DRY, "connection.dry_run")).await;
}

#[tokio::test]
async fn in_dry_run_receipts_and_adjustments_are_told_and_not_posted_on_servers() {
    no_changing_call_until_live(Backing::Servers, (DRY, "connection.dry_run")).await;
}

#[tokio::test]
async fn receipts_and_adjustments_wait_for_a_paused_environment_embedded() {
    no_changing_call_until_live(Backing::Embedded, (PAUSED, "connection.paused")).await;
}

#[tokio::test]
async fn receipts_and_adjustments_wait_for_a_paused_environment_on_servers() {
    no_changing_call_until_live(Backing::Servers, (PAUSED, "connection.paused")).await;
}

/// What is expected is not announced to a warehouse that may not be called.
async fn not_announced_until_live((mode, code): (&str, &str)) {
    let usual = making(LIVE);
    let making = Making { dynamics_toml: String::new(), warehouse_toml: format!("{mode}\n"), ..usual };
    let mut world = World::start(Backing::Embedded, making).await;
    world.to_dynamics.expect(1, 7).await.unwrap();
    until("it waits", async || {
        let (_, parked) = world.exceptions(true).await;
        parked.iter().any(|each| each.code == code).then_some(())
    })
    .await;
    assert!(changing(&world.to_warehouse.ledger(0).await.unwrap()).is_empty());
    world.stop_product().await;
    world.reconfigure(mode, LIVE);
    world.start_product().await;
    world.until("announced", |_, warehouse| warehouse["announced"] == 1).await;
    world.until_nothing_parked().await;
    world.leave().await;
}

#[tokio::test]
async fn what_is_expected_is_not_announced_in_dry_run() {
    not_announced_until_live((DRY, "connection.dry_run")).await;
}

#[tokio::test]
async fn what_is_expected_is_not_announced_to_a_paused_warehouse() {
    not_announced_until_live((PAUSED, "connection.paused")).await;
}

/// A warehouse is made one of the trial's while documents of production wait.
async fn documents_never_cross(backing: Backing) {
    let trial = "[dynamics.trial]\nkind = \"finance_operations\"\nstage = \"test\"\nurl = \"http://127.0.0.1:9\"\n\
        token_url = \"http://127.0.0.1:9\"\nclient_id = \"drayline\"\nclient_secret = \"env:PATH\"\n\
        secrets = [\"env:PATH\"]\nlegal_entities = [\"usmf\"]\ncatalogue.scan_hours = 0\n";
    let usual = making(LIVE);
    let sections = format!("{}{trial}", usual.sections);
    let mut world = World::set(Ground::fresh(backing).await, Making { sections, ..usual }).await;
    world.start_product().await;
    let (reference, line) = announced(&world).await;
    world.stop_product().await;
    world.reconfigure(LIVE, DRY);
    world.start_product().await;
    received_and_lost(&world, &reference, &line).await;
    both_wait(&world, "connection.dry_run").await;

    world.stop_product().await;
    world.reconfigure(DRY, LIVE);
    let (ours, theirs) = ("dynamics = \"contoso\"", "stage = \"test\"\ndynamics = \"trial\"");
    world.reconfigure(ours, theirs);
    world.start_product().await;
    let exceptions = world.until_exceptions(2).await;
    for exception in &exceptions {
        assert_eq!(exception.code, "connection.other_stage");
        let says =
            "belongs to contoso, which is production, and north is test. Documents never cross: nothing is sent.";
        assert!(exception.sentence.contains(says), "{exception:#?}");
    }
    let progress = world.to_dynamics.progress().await.unwrap();
    assert_eq!((&progress["updates_accepted"], &progress["adjustments"]), (&json!(0), &json!(0)));

    world.stop_product().await;
    world.reconfigure(theirs, ours);
    world.start_product().await;
    for exception in exceptions {
        world.store().await.replay(exception.id, "a test").await.unwrap();
    }
    both_are_posted(&world).await;
    world.leave().await;
}

#[tokio::test]
async fn receipts_and_adjustments_never_cross_from_one_stage_to_the_other_embedded() {
    documents_never_cross(Backing::Embedded).await;
}

#[tokio::test]
async fn receipts_and_adjustments_never_cross_from_one_stage_to_the_other_on_servers() {
    documents_never_cross(Backing::Servers).await;
}
