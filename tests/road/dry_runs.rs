//! The dry run of a campaign: what would be sent is told, nothing is sent, and what is sent afterwards is what was told.

use drayline::sandbox::Effect;
use serde_json::{Value, json};

use super::world::{Making, World, event_about};
use crate::support::wait::until;
use crate::support::{Backing, Ground};

async fn map(world: &World, row: &[&str]) {
    let (done, told) = world.ask(&[&["mapping", "set"], row, &["--reason", "a test"]].concat()).await;
    assert!(done, "{told}");
}

/// What a far end was made to change so far.
async fn changes(world: &World) -> usize {
    let mut changed = 0;
    for far_end in [&world.to_dynamics, &world.to_warehouse] {
        let rows = far_end.ledger(0).await.unwrap();
        changed += rows.iter().filter(|row| row.effect != Effect::None).count();
    }
    changed
}

async fn told_before_sent(backing: Backing) {
    let mut world = World::set(Ground::fresh(backing).await, Making::default()).await;
    map(&world, &["unit", "connection=north", "warehouse=each"]).await;
    // 5 cases are 2.5 pieces by this: a person mends it.
    map(&world, &["unit", "connection=north", "item=ITEM-77", "dynamics=case", "warehouse=each", "factor=1/2"]).await;
    world.start_product().await;
    world.to_dynamics.release_lines(&json!([{ "item": "ITEM-77", "quantity": "5", "unit": "Case" }])).await.unwrap();
    let mut event = event_about("SHP-NOBODY-1");
    event["EventId"] = json!(format!("{{{}}}", uuid::Uuid::new_v4()));
    world.post(&event).await;
    let exceptions = world.until_exceptions(2).await;
    let codes: Vec<_> = exceptions.iter().map(|exception| exception.code.as_str()).collect();
    let before = changes(&world).await;

    map(&world, &["unit", "connection=north", "item=ITEM-77", "dynamics=case", "warehouse=each", "factor=12"]).await;
    // A worker knows the mapping within a second: until then the dry run says what its replay would.
    let told = until("the dry run sees the newest mapping", async || {
        let (planned, campaign) = world.ask(&["replay", "plan", "--filter", "flow=orders"]).await;
        assert!(planned, "{campaign}");
        assert_eq!(campaign["selected"], 2, "{campaign}");
        let (made, told) = world.ask(&["replay", "dry-run", campaign["id"].as_str().unwrap()]).await;
        assert!(made, "{told}");
        (told["dry_run"] == json!({ "would_apply": 1, "would_fail": 1 })).then_some((campaign, told))
    })
    .await;
    let (campaign, told) = told;
    let messages = told["messages"].as_array().unwrap();
    let of = |word: &str| messages.iter().find(|each| each["rehearsed"] == word).unwrap().clone();
    assert_eq!(of("would_fail")["rehearsal"]["code"], "dynamics.not_found", "{told:#}");
    assert!(codes.contains(&"dynamics.not_found"), "{codes:?}");
    let order = of("would_apply");
    let request = &order["rehearsal"]["calls"][0]["requests"][0];
    assert_eq!((&request["method"], &request["path"]), (&json!("POST"), &json!("/orders")), "{order:#}");
    let body: Value = serde_json::from_str(request["body"].as_str().unwrap()).unwrap();
    let line = &body["lines"][0];
    assert_eq!(line["quantity"].to_string().trim_matches('"'), "60", "{body:#}");
    assert_eq!(order["rehearsal"]["calls"][0]["key"], "create_order/north/usmf-SHP0000001-W1");
    // Who would get it is nobody's business here, and nothing was changed anywhere, nor is anything due.
    assert!(request["body"].as_str().unwrap().contains("***"), "{body:#}");
    assert_eq!(changes(&world).await, before);
    assert_eq!(world.exceptions(false).await.0, 2);

    let id = order["id"].as_str().unwrap();
    let (_, other) = world.ask(&["replay", "cancel", campaign["id"].as_str().unwrap(), "--reason", "a test"]).await;
    assert_eq!(other["state"], "cancelled", "{other}");
    world.ask(&["replay", "start", "--message", id]).await;
    world.until("posted", |dynamics, _| dynamics["posted"] == 1).await;
    let state = world.to_warehouse.state().await.unwrap();
    let held = &state["orders"][0]["lines"][0];
    assert_eq!((&held["sku"], held["quantity"].to_string().trim_matches('"')), (&line["sku"], "60"), "{state:#}");
    world.leave().await;
}

#[tokio::test]
async fn a_dry_run_tells_what_would_be_sent_and_sends_nothing_embedded() {
    told_before_sent(Backing::Embedded).await;
}

#[tokio::test]
async fn a_dry_run_tells_what_would_be_sent_and_sends_nothing_on_servers() {
    told_before_sent(Backing::Servers).await;
}
