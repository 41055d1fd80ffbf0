//! Campaigns: what failed of one cause is mended and replayed together; what still fails stops its campaign at the canary.

use drayline::sandbox::Faults;
use serde_json::{Value, json};

use super::world::{Making, Process, World, event_about};
use crate::support::wait::until;
use crate::support::{Backing, Ground};

const ORDERS: u64 = 12;

/// The API as the command line on the same machine may ask it.
pub(super) struct Api {
    base: String,
    token: String,
    client: reqwest::Client,
}

impl Api {
    /// Of a product that runs on this world's data.
    pub(super) fn of(world: &World, product: &Process) -> Self {
        let token = std::fs::read_to_string(world.ground.data().join("command-line-token")).unwrap();
        let base = format!("http://{}", product.addresses["console"]);
        Self { base, token, client: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    async fn answered(&self, request: reqwest::RequestBuilder) -> (u16, Value) {
        let answer = request.bearer_auth(&self.token).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    pub(super) async fn get(&self, path: &str) -> (u16, Value) {
        self.answered(self.client.get(format!("{}{path}", self.base))).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.answered(self.client.post(format!("{}{path}", self.base)).json(body)).await
    }

    /// Insists that a campaign comes to this state.
    pub(super) async fn until_state(&self, id: &str, state: &str) -> Value {
        until("the campaign turns", async || {
            let (_, view) = self.get(&format!("/v1/replays/{id}")).await;
            (view["state"] == state).then_some(view)
        })
        .await
    }
}

/// Its outcomes add up to what was selected.
pub(super) fn adds_up(view: &Value) {
    let sum: u64 = ["applied", "already_applied", "failed_again", "held", "waiting", "discarded"]
        .iter()
        .map(|outcome| view[outcome].as_u64().unwrap())
        .sum();
    assert_eq!(view["selected"], sum, "{view}");
}

async fn mended_together(backing: Backing) {
    let world = World::set(Ground::fresh(backing).await, Making::default()).await;
    let product = world.spawn().await;
    let api = Api::of(&world, &product);

    world.to_dynamics.disturb(&Faults { refuse_updates: 1.0, ..Faults::default() }).await.unwrap();
    world.release(ORDERS).await;
    for name in ["SHP-NOBODY-1", "SHP-NOBODY-2", "SHP-NOBODY-3"] {
        let mut event = event_about(name);
        event["EventId"] = json!(format!("{{{}}}", uuid::Uuid::new_v4()));
        World::post_to(&World::door_at(product.addresses["ingest"]), &event).await;
    }
    world
        .until("shipped and refused", |dynamics, warehouse| {
            warehouse["shipped"] == ORDERS
                && warehouse["steps_due"] == 0
                && warehouse["pending_events"] == 0
                && dynamics["updates_failed"] == dynamics["updates"]
        })
        .await;
    world.until_exceptions_at_least(ORDERS + 3).await;

    // Nobody mended what Dynamics does not know: its campaign stops at the canary, and the rest is not touched.
    let unknown = json!({ "filter": "code=dynamics.not_found", "pace": { "canary": 1 } });
    let (status, planned) = api.post("/v1/replays", &unknown).await;
    assert_eq!((status, &planned["selected"], &planned["state"]), (201, &json!(3), &json!("planned")), "{planned}");
    let id = planned["id"].as_str().unwrap();
    let (status, started) = api.post(&format!("/v1/replays/{id}/start"), &json!({})).await;
    assert_eq!((status, &started["state"]), (200, &json!("running")), "{started}");
    let stopped = api.until_state(id, "stopped").await;
    assert_eq!((&stopped["failed_again"], &stopped["waiting"]), (&json!(1), &json!(2)), "{stopped}");
    assert!(stopped["reason"].as_str().unwrap().contains("canary failed again"), "{stopped}");
    adds_up(&stopped);
    let (_, failed) = api.get(&format!("/v1/replays/{id}/messages?outcome=failed_again")).await;
    assert!(failed["items"][0]["why"].as_str().unwrap().contains("SHP-NOBODY"), "{failed}");
    assert_eq!(api.post(&format!("/v1/replays/{id}/start"), &json!({})).await.0, 409, "it was started before");
    let (status, cancelled) = api.post(&format!("/v1/replays/{id}/cancel"), &json!({ "reason": "a typo" })).await;
    assert_eq!((status, &cancelled["state"]), (200, &json!("cancelled")), "{cancelled}");

    // Finance opens the period; everything of that cause goes on together.
    world.to_dynamics.disturb(&Faults::default()).await.unwrap();
    world.to_dynamics.process_again().await.unwrap();
    world.until("processed", |dynamics, _| dynamics["posted"] == ORDERS && dynamics["updates_waiting"] == 0).await;
    let (_, causes) = world.ask(&["exceptions", "causes"]).await;
    let refused = causes["causes"].as_array().unwrap().iter().find(|cause| cause["code"] == "dynamics.posting_failed");
    let fingerprint = refused.unwrap()["fingerprint"].as_str().unwrap();
    let (done, planned) =
        world.ask(&["replay", "plan", "--fingerprint", fingerprint, "--canary", "2", "--wave", "5"]).await;
    assert!(done, "{planned}");
    let selected = planned["selected"].as_u64().unwrap();
    assert!(selected >= ORDERS, "{planned}");
    let id = planned["id"].as_str().unwrap();
    let (_, told) = world.ask(&["replay", "start", id]).await;
    assert_eq!(told["state"], "planned", "without --yes nothing begins: {told}");
    let (done, started) = world.ask(&["replay", "start", id, "--yes"]).await;
    assert!(done && started["state"] == "running", "{started}");
    let (_, finished) = world.ask(&["replay", "status", id, "--follow"]).await;
    assert_eq!((&finished["state"], &finished["applied"]), (&json!("finished"), &json!(selected)), "{finished}");
    adds_up(&finished);
    world.until_posted(ORDERS).await;
    let left = until("only the others are left", async || {
        let (_, listed) = world.ask(&["exceptions", "list"]).await;
        (listed["total"] == 3).then_some(listed)
    })
    .await;
    assert!(left["exceptions"].as_array().unwrap().iter().all(|each| each["code"] == "dynamics.not_found"), "{left}");

    let (_, listed) = world.ask(&["replay", "list"]).await;
    let states: Vec<_> = listed["replays"].as_array().unwrap().iter().map(|each| each["state"].clone()).collect();
    assert_eq!(states, [json!("finished"), json!("cancelled")]);
    let (whole, verified) = world.ask(&["trail", "verify"]).await;
    assert!(whole && verified["rows"].as_u64().unwrap() >= 10, "{verified}");
    worked_on(&world, &api, left["exceptions"][0]["id"].as_str().unwrap()).await;
    product.stop().await;
    world.finish().await;
}

/// What people do about one exception, by the API and at the command line, stands in its history.
async fn worked_on(world: &World, api: &Api, id: &str) {
    let (done, assigned) = world.ask(&["exceptions", "assign", id, "--to", "anna"]).await;
    assert!(done, "{assigned}");
    let note = json!({ "messages": [id], "do": { "note": "asked sales" } });
    assert_eq!(api.post("/v1/exceptions/work", &note).await.0, 200);
    assert!(world.ask(&["exceptions", "note", id, "--take"]).await.0);
    two_at_once(world, api, id).await;
    let (_, mine) = api.get("/v1/exceptions?owner=anna&state=investigating").await;
    assert_eq!((&mine["total"], &mine["items"][0]["id"]), (&json!(1), &json!(id)), "{mine}");
    let (_, shown) = api.get(&format!("/v1/exceptions/{id}")).await;
    let acts: Vec<_> = shown["history"].as_array().unwrap().iter().map(|act| act["act"].as_str().unwrap()).collect();
    assert!(acts.ends_with(&["assigned", "noted", "investigating", "assigned"]), "{shown}");
    let strange = json!({ "messages": [id], "reason": "  " });
    assert_eq!(api.post("/v1/exceptions/discard", &strange).await.0, 422);
    let discard = json!({ "messages": [id], "reason": "never ours" });
    assert_eq!(api.post("/v1/exceptions/discard", &discard).await.1["done"], json!([id]));
    assert_eq!(api.post(&format!("/v1/exceptions/{id}/replay"), &json!({})).await.0, 409, "it has ended");
    let (_, first) = api.get("/v1/exceptions?limit=1").await;
    let next = first["next_cursor"].as_str().unwrap();
    let (_, second) = api.get(&format!("/v1/exceptions?limit=1&cursor={next}")).await;
    assert_ne!(first["items"][0]["id"], second["items"][0]["id"]);
    assert_eq!(second["next_cursor"], Value::Null);
    assert_eq!(api.get("/v1/exceptions?colour=red").await.0, 400);
    let mut export = world.program(&["exceptions", "export", "--state", "discarded"]);
    let exported = tokio::task::spawn_blocking(move || export.output().unwrap()).await.unwrap();
    let exported = String::from_utf8(exported.stdout).unwrap();
    assert!(exported.starts_with("id,status,") && exported.contains(&format!("{id},discarded,")), "{exported}");
}

/// Two set something about what both saw: the second is told who was faster, by the API and at the command line.
async fn two_at_once(world: &World, api: &Api, id: &str) {
    let (_, shown) = api.get(&format!("/v1/exceptions/{id}")).await;
    let (before, version) = (shown["version"].as_i64().unwrap(), shown["version"].to_string());
    let (done, assigned) = world.ask(&["exceptions", "assign", id, "--to", "anna", "--if-version", &version]).await;
    assert!(done, "{assigned}");
    let late = json!({ "messages": [id], "do": { "assign": "bob" }, "seen": { id: before } });
    let (status, told) = api.post("/v1/exceptions/work", &late).await;
    assert_eq!((status, &told["type"]), (409, &json!("urn:drayline:problem:changed-meanwhile")), "{told}");
    assert!(told["detail"].as_str().unwrap().contains("assigned it to anna"), "{told}");
    assert_eq!(told["problems"][0]["place"], format!("/seen/{id}"), "{told}");
    let (done, told) = world.ask(&["exceptions", "note", id, "--leave", "--if-version", &version]).await;
    let sentence = told["error"].as_str().unwrap();
    assert!(!done && sentence.contains("assigned it to anna") && sentence.contains("in version"), "{told}");
    let strange = json!({ "messages": [id], "do": "leave", "seen": { "00000000-0000-4000-8000-000000000000": 1 } });
    assert_eq!(api.post("/v1/exceptions/work", &strange).await.0, 422);
}

#[tokio::test]
async fn what_failed_of_one_cause_is_mended_and_replayed_together_embedded() {
    mended_together(Backing::Embedded).await;
}

#[tokio::test]
async fn what_failed_of_one_cause_is_mended_and_replayed_together_on_servers() {
    mended_together(Backing::Servers).await;
}
