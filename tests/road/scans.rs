//! Scans: what events did not tell is found, once, whether the events are lost for good or only late.

use drayline::sandbox::{Faults, WarehouseRules};
use serde_json::{Value, json};

use super::world::{Making, World, event_about};
use crate::support::Backing;
use crate::support::wait::until;

const FIELDS: &str = "[dynamics.contoso.scan]\nrequests_field = \"ModifiedDateTime\"\nupdates_field = \"ModifiedDateTime\"\n\
    [dynamics.contoso.statuses]\nDAMAGED = \"Damaged\"\n";

/// Scans that follow one another closely, and polls of postings that would come too late.
fn making() -> Making {
    let toml = "scan.interval_ms = 100\nscan.patience_ms = 300\nscan.overlap_s = 60\nscan.page_rows_max = 3\n\
                processor.posting_poll_delays_ms = [600000]";
    Making { toml: toml.to_owned(), sections: FIELDS.to_owned(), ..Making::default() }
}

/// How often scans of this process found something, by kind.
async fn finds(world: &World, kind: &str) -> u64 {
    let address = world.app().address("operations").unwrap();
    let text = reqwest::get(format!("http://{address}/metrics")).await.unwrap().text().await.unwrap();
    let of_kind =
        |line: &&str| line.starts_with("drayline_scan_finds_total") && line.contains(&format!("kind=\"{kind}\""));
    let count = |line: &str| line.rsplit(' ').next().and_then(|count| count.parse::<f64>().ok()).unwrap_or_default();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of a few")]
    let sum = text.lines().filter(of_kind).map(count).sum::<f64>() as u64;
    sum
}

async fn every_event_is_lost(backing: Backing) {
    let world = World::start(backing, making()).await;
    world.to_dynamics.disturb(&Faults { lose_events: 1.0, ..Faults::default() }).await.unwrap();
    let (orders, settled) = (finds(&world, "order_released").await, finds(&world, "posting_settled").await);
    let ids = world.release(8).await;
    let receipts = world.to_dynamics.expect(4, 7).await.unwrap()["released"].as_array().unwrap().len();
    world.until_posted(8).await;
    until("everything that came is posted", async || (world.verdict().await.receipts == receipts as u64).then_some(()))
        .await;
    world.until_nothing_parked().await;
    // The metric counts them; other worlds of this process may have found more.
    assert!(finds(&world, "order_released").await >= orders + 8);
    assert!(finds(&world, "receipt_announced").await >= 4);
    assert!(finds(&world, "posting_settled").await > settled);
    let (_, shown) = world.ask(&["documents", "show", &ids[0]]).await;
    let steps = shown["documents"][0]["steps"].as_array().unwrap();
    let found = |step: &&Value| step["what"].as_str().unwrap().starts_with("Found by a scan");
    assert_eq!(steps.iter().filter(found).count(), 1, "{steps:#?}");
    // The events come after all: nothing happens twice.
    world.to_dynamics.disturb(&Faults::default()).await.unwrap();
    for (number, id) in ids.iter().enumerate() {
        let mut event = event_about(id);
        event["EventId"] = json!(format!("{{0F5E1C1A-7C3B-4C0E-9B1D-0000000010{number:02}}}"));
        world.post(&event).await;
    }
    world.until_nothing_parked().await;
    let verdict = world.finish().await;
    assert_eq!((verdict.orders, verdict.shipped, verdict.posted, verdict.duplicated), (8, 8, 8, 0));
}

#[tokio::test]
async fn with_every_event_lost_everything_still_flows_embedded() {
    every_event_is_lost(Backing::Embedded).await;
}

#[tokio::test]
async fn with_every_event_lost_everything_still_flows_on_servers() {
    every_event_is_lost(Backing::Servers).await;
}

/// The change of a document is found by its version.
#[tokio::test]
async fn a_change_of_which_no_event_tells_is_found() {
    let warehouse = WarehouseRules { pick_ms: 600_000, ..WarehouseRules::default() };
    let world = World::start(Backing::Embedded, Making { warehouse, ..making() }).await;
    let id = world.release(1).await.remove(0);
    world.until("held", |_, warehouse| warehouse["held"] == 1).await;
    world.to_dynamics.disturb(&Faults { lose_events: 1.0, ..Faults::default() }).await.unwrap();
    world.to_dynamics.order(&id, "change", &json!({})).await.unwrap();
    world.until("created again", |_, warehouse| warehouse["held"] == 2 && warehouse["cancelled"] == 1).await;
    world.finish().await;
}
