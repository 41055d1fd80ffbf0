//! Once more: what ended runs again because a person wants it, and what happened already is not repeated.

use std::collections::BTreeSet;

use drayline::sandbox::{Effect, LedgerLine};
use serde_json::{Value, json};

use super::campaigns::Api;
use super::world::{Making, World};
use crate::support::wait::until;
use crate::support::{Backing, Ground};

async fn map(world: &World, row: &[&str]) {
    let (done, told) = world.ask(&[&["mapping", "set"], row, &["--reason", "a test"][..]].concat()).await;
    assert!(done, "{told}");
}

/// How much changed at the far ends.
async fn effects(world: &World) -> [usize; 2] {
    let changing = |rows: Vec<LedgerLine>| {
        let changes = |row: &&LedgerLine| matches!(row.effect, Effect::Created | Effect::Changed | Effect::Repeated);
        rows.iter().filter(changes).count()
    };
    [changing(world.to_warehouse.ledger(0).await.unwrap()), changing(world.to_dynamics.ledger(0).await.unwrap())]
}

/// What runs once more has ended again.
async fn until_over(world: &World, id: &str) {
    until("it has ended again", async || {
        let (_, told) = world.ask(&["replay", "start", "--message", id]).await;
        told["sentence"].as_str().unwrap().contains("ended as").then_some(())
    })
    .await;
}

async fn until_status(world: &World, id: &str, status: &str) -> Value {
    until("its exception turns", async || {
        let (_, shown) = world.ask(&["exceptions", "show", id]).await;
        (shown["status"] == status).then_some(shown)
    })
    .await
}

async fn once_more(backing: Backing) {
    let world = World::set(Ground::fresh(backing).await, Making::default()).await;
    map(&world, &["unit", "connection=north", "warehouse=each"]).await;
    map(&world, &["sku", "connection=north", "item=SHIRT", "variant=red", "warehouse=SHIRT-R"]).await;
    let product = world.spawn().await;
    let api = Api::of(&world, &product);
    world.to_dynamics.release_lines(&json!([{ "item": "SHIRT", "quantity": "5", "unit": "each" }])).await.unwrap();
    let exception = world.until_exceptions(1).await.remove(0);
    let id = exception.id.to_string();
    let row = ["sku", "connection=north", "item=SHIRT", "warehouse=SHIRT-0"];
    map(&world, &row).await;
    world.until_posted(1).await;
    world.until("quiet", |_, warehouse| warehouse["steps_due"] == 0 && warehouse["pending_events"] == 0).await;
    until("nothing is parked", async || (world.exceptions(true).await.0 == 0).then_some(())).await;
    until_status(&world, &id, "resolved").await;

    // Every message of the document, one after the other: nothing is done again at either far end.
    let before = effects(&world).await;
    let (_, shown) = world.ask(&["documents", "show", &exception.document]).await;
    let steps = shown["documents"][0]["steps"].as_array().unwrap();
    let messages: BTreeSet<_> = steps.iter().filter_map(|step| step["message_id"].as_str()).collect();
    assert!(messages.len() >= 3 && messages.contains(&*id), "{shown:#}");
    for message in &messages {
        let (started, told) = world.ask(&["replay", "start", "--message", message]).await;
        assert!(!started && told["sentence"].as_str().unwrap().contains("--again"), "{told}");
        let (started, told) = world.ask(&["replay", "start", "--message", message, "--again"]).await;
        assert!(started, "{told}");
        until_over(&world, message).await;
    }
    until("nothing is parked", async || (world.exceptions(true).await.0 == 0).then_some(())).await;
    assert_eq!(effects(&world).await, before);
    let (_, shown) = world.ask(&["exceptions", "show", &id]).await;
    assert_eq!((&shown["status"], &shown["reopened"]), (&json!("resolved"), &json!(0)), "{shown:#}");
    assert_eq!(shown["revisions"].as_array().unwrap().len(), 1, "{shown:#}");
    refused(&api, &id).await;

    // Corrected: of all messages only the shipment can say so.
    let patch = ".shipmentConfirmed.billOfLading = \"BOL-7\"";
    let mut patched = Vec::new();
    for message in &messages {
        let (status, told) =
            api.post(&format!("/v1/exceptions/{message}/replay"), &json!({ "again": true, "patch": patch })).await;
        assert!(status == 200 || status == 409, "{told}");
        patched.extend((status == 200).then_some(*message));
    }
    assert_eq!(patched.len(), 1);
    until_over(&world, patched[0]).await;
    assert_eq!(effects(&world).await, before);

    // What was sent with a row that is gone since is not sent otherwise.
    map(&world, &[&row[..], &["--remove"]].concat()).await;
    let (started, told) = world.ask(&["replay", "start", "--message", &id, "--again"]).await;
    assert!(started, "{told}");
    until_over(&world, &id).await;
    let shown = until_status(&world, &id, "resolved").await;
    assert_eq!(shown["revisions"].as_array().unwrap().len(), 2, "{shown:#}");
    assert_eq!(effects(&world).await, before);
    product.stop().await;
    world.finish().await;
}

/// What the API does not take.
async fn refused(api: &Api, id: &str) {
    let replay = format!("/v1/exceptions/{id}/replay");
    let (status, told) = api.post(&replay, &json!({ "again": true, "patch": "." })).await;
    assert!(status == 409 && told["detail"].as_str().unwrap().contains("changes nothing"), "{told}");
    assert_eq!(api.post(&replay, &json!({ "patch": "." })).await.0, 422);
    assert_eq!(api.post(&replay, &json!({ "again": true, "patch": "def f: f; f" })).await.0, 422);
    assert_eq!(api.post(&replay, &json!({})).await.0, 409, "it has ended");
    let nobody = "/v1/exceptions/00000000-0000-4000-8000-000000000000/replay";
    assert_eq!(api.post(nobody, &json!({ "again": true })).await.0, 404);
}

#[tokio::test]
async fn what_ended_runs_once_more_and_does_nothing_twice_embedded() {
    once_more(Backing::Embedded).await;
}

#[tokio::test]
async fn what_ended_runs_once_more_and_does_nothing_twice_on_servers() {
    once_more(Backing::Servers).await;
}

/// Where nothing is kept, a person is told so.
#[tokio::test]
async fn what_is_not_kept_cannot_run_once_more() {
    let making = Making { toml: "store.kept_s = 0".to_owned(), ..Making::default() };
    let world = World::set(Ground::fresh(Backing::Embedded).await, making).await;
    let product = world.spawn().await;
    world.release(1).await;
    world.until_posted(1).await;
    let (_, listed) = world.ask(&["documents", "list", "--state", "posted"]).await;
    let (_, shown) = world.ask(&["documents", "show", listed["documents"][0]["document"].as_str().unwrap()]).await;
    let id = shown["documents"][0]["steps"][0]["message_id"].as_str().unwrap();
    let (started, told) = world.ask(&["replay", "start", "--message", id, "--again"]).await;
    assert!(!started && told["sentence"].as_str().unwrap().contains("store.kept_s is 0"), "{told}");
    product.stop().await;
    world.finish().await;
}
