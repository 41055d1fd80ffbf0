//! Stock adjusted in the warehouse where Dynamics takes classic journals: written, and posted by somebody else.

use drayline::sandbox::{Faults, FinanceOperationsRules, Uniqueness};
use serde_json::{Value, json};

use super::stock_adjustments::{STATUSES, disturbed, until_equal};
use super::world::{Making, World};
use crate::support::Backing;
use crate::support::wait::until;

const JOURNALS: &str = "[dynamics.contoso.adjustments.journals]\nname = \"IAdj\"\n";
const SERVICE: &str = "service = \"ConJournals/ConJournalService/post\"\n";
const SOON: &str = "processor.posting_poll_delays_ms = [100]";

/// A world whose items are read, so that stock units are known.
async fn start(backing: Backing, making: Making) -> World {
    let world = World::start(backing, Making { scan_hours: 24, ..making }).await;
    let store = world.store().await;
    until("the items are read", async || store.catalogue_scans().await.unwrap().first().map(|_| ())).await;
    world
}

async fn adjust(world: &World, what: Value) {
    world.to_warehouse.adjust(&json!({ "adjustments": [what] })).await.unwrap();
}

async fn written_and_posted(backing: Backing, service: &str, (faults, uniqueness): (Faults, Uniqueness)) {
    // Whoever has a service has no job that could come before it.
    let journals_posted_after_ms = if service.is_empty() { 300 } else { 0 };
    let dynamics = FinanceOperationsRules { journals_posted_after_ms, ..FinanceOperationsRules::default() };
    let sections = format!("{STATUSES}{JOURNALS}{service}");
    let toml = SOON.to_owned();
    let world = start(backing, Making { faults, uniqueness, dynamics, toml, sections, ..Making::default() }).await;
    let wish = json!({ "count": 40, "seed": 5, "adjustments": [
        {"sku": "ITEM-1001", "unit": "ea", "delta": "-2", "reason": "DAMAGED"},
        {"sku": "LOT-1001", "lot": "LOT-1001-B1", "from": "AVAILABLE", "to": "QUARANTINE", "quantity": "5", "reason": "QUARANTINE_IN"},
        {"sku": "SER-1001", "serials": ["S1", "S2"], "delta": "-2", "reason": "LOST"},
        {"sku": "ITEM-1001", "level": "999999", "reason": "CYCLE_COUNT"},
    ]});
    world.to_warehouse.adjust(&wish).await.unwrap();
    until_equal(&world, 44).await;
    assert_eq!(world.exceptions(true).await.0, 0);
    let progress = world.to_dynamics.progress().await.unwrap();
    assert_eq!(progress["journals_open"], 0, "{progress}");
    let state = world.to_dynamics.state().await.unwrap();
    let lines = state["adjustments"].as_array().unwrap();
    assert!(lines.iter().all(|line| line["creates"] == 1 && line["fields"]["WarehouseId"] == "24"), "{lines:#?}");
    // Two statuses, and two pieces, are two lines.
    assert_eq!(lines.len(), 44 + 2);
    world.finish().await;
}

fn undisturbed() -> (Faults, Uniqueness) {
    (Faults::default(), Uniqueness::default())
}

#[tokio::test]
async fn a_job_posts_the_journals_of_adjustments_embedded() {
    Box::pin(written_and_posted(Backing::Embedded, "", undisturbed())).await;
}

#[tokio::test]
async fn a_job_posts_the_journals_of_adjustments_on_servers() {
    Box::pin(written_and_posted(Backing::Servers, "", undisturbed())).await;
}

#[tokio::test]
async fn a_service_posts_the_journals_of_adjustments() {
    Box::pin(written_and_posted(Backing::Embedded, SERVICE, undisturbed())).await;
}

#[tokio::test]
async fn faults_change_nothing_about_journals_that_a_job_posts() {
    Box::pin(written_and_posted(Backing::Embedded, "", (disturbed(), Uniqueness::AnswersExisting))).await;
}

#[tokio::test]
async fn faults_change_nothing_about_journals_that_a_service_posts() {
    Box::pin(written_and_posted(Backing::Embedded, SERVICE, (disturbed(), Uniqueness::AnswersExisting))).await;
}

#[tokio::test]
async fn a_journal_that_the_service_refuses_as_short_waits_until_stock_comes_in() {
    let dynamics = FinanceOperationsRules {
        stock_at_first: 3,
        negative_stock_refused: true,
        journals_posted_after_ms: 0,
        ..FinanceOperationsRules::default()
    };
    let (sections, toml) = (format!("{JOURNALS}{SERVICE}"), SOON.to_owned());
    let world = start(Backing::Embedded, Making { dynamics, toml, sections, ..Making::default() }).await;
    adjust(&world, json!({"sku": "ITEM-1001", "delta": "-5", "reason": "DAMAGED"})).await;
    until("it waits for stock", async || {
        let (_, parked) = world.exceptions(true).await;
        parked.into_iter().find(|each| each.code == "dynamics.stock_short")
    })
    .await;
    assert_eq!(world.exceptions(false).await.0, 0, "it is nobody's yet");
    adjust(&world, json!({"sku": "ITEM-1001", "delta": "4", "reason": "FOUND"})).await;
    until_equal(&world, 2).await;
    assert_eq!(world.to_dynamics.progress().await.unwrap()["journals_open"], 0);
    world.finish().await;
}

#[tokio::test]
async fn a_journal_that_nobody_posts_is_a_persons_at_its_deadline() {
    let dynamics = FinanceOperationsRules { journals_posted_after_ms: 0, ..FinanceOperationsRules::default() };
    let toml = format!("{SOON}\nprocessor.posting_wait_s_max = 1");
    let sections = JOURNALS.to_owned();
    let world = start(Backing::Embedded, Making { dynamics, toml, sections, ..Making::default() }).await;
    adjust(&world, json!({"sku": "ITEM-1001", "delta": "-5", "reason": "DAMAGED"})).await;
    let exceptions = world.until_exceptions(1).await;
    assert_eq!((exceptions[0].code.as_str(), exceptions[0].owner.as_str()), ("dynamics.posting_overdue", "finance"));
    assert!(exceptions[0].sentence.contains("A job in contoso posts such journals"), "{exceptions:?}");
    assert_eq!(world.to_dynamics.progress().await.unwrap()["adjustments"], 0, "nothing moved");
    world.leave().await;
}

/// The warehouse counts in cases what Dynamics keeps in pieces, and journals take no unit.
#[tokio::test]
async fn a_journal_counts_in_the_stock_unit() {
    let (sections, toml) = (JOURNALS.to_owned(), SOON.to_owned());
    let world = start(Backing::Embedded, Making { toml, sections, ..Making::default() }).await;
    let row = ["unit", "connection=north", "item=ITEM-1001", "dynamics=ea", "warehouse=crate", "factor=1/6"];
    let (done, told) = world.ask(&[&["mapping", "set"], &row[..], &["--reason", "a test"]].concat()).await;
    assert!(done, "{told}");
    adjust(&world, json!({"sku": "ITEM-1001", "unit": "crate", "delta": "-2", "reason": "DAMAGED"})).await;
    let posted = until("it is posted", async || {
        for exception in world.exceptions(false).await.1 {
            // Workers know the row within a second.
            let _ = world.store().await.replay(exception.id, "a test").await;
        }
        let state = world.to_dynamics.state().await.ok()?;
        state["adjustments"].as_array()?.first().cloned()
    })
    .await;
    assert_eq!(posted["fields"]["Quantity"].to_string().trim_matches('"'), "-12", "{posted}");
    world.leave().await;
}
