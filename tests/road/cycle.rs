//! The whole cycle: two hundred failures of three causes, one of them mended, a campaign over that one alone; by the command
//! line, by the API alone (but for the mapping, which it does not have), and while whoever releases and works is killed.
//!
//! The cause that is mended is a row of the mapping that exists and is wrong. Its correction makes nothing go on by itself:
//! nothing was missing.

use std::collections::{BTreeMap, BTreeSet};

use drayline::sandbox::WarehouseRules;
use serde_json::{Value, json};

use super::campaigns::{Api, adds_up};
use super::world::{Making, Process, World, event_about};
use crate::support::wait::until;
use crate::support::{Backing, Ground};

/// Orders whose shipments cannot be counted in Dynamics' unit: each leaves in two, and the second stands behind the first.
const ORDERS: usize = 60;

/// Orders that Dynamics tells of and does not know.
const UNKNOWN: usize = 80;

/// Of so many of them a change is told, too, and stands behind.
const CHANGED: usize = 20;

/// Adjustments at a place that nobody has mapped.
const ELSEWHERE: usize = 60;

const CANARY: usize = 5;
const WAVE: usize = 20;

/// What the mapping says of a piece. Right: the warehouse counts the same. Wrong: as if it were a box of twelve, of which no
/// shipment makes a whole one.
const RIGHT: &str = "factor=1";
const WRONG: &str = "factor=12";

async fn map(world: &World, row: &[&str]) -> u64 {
    let (done, told) = world.ask(&[&["mapping", "set", "unit", "connection=north"], row, &REASON[..]].concat()).await;
    assert!(done, "{told}");
    told["version"].as_u64().unwrap()
}

const REASON: [&str; 2] = ["--reason", "a test"];

async fn set_piece(world: &World, factor: &str) -> u64 {
    map(world, &["item=ITEM-77", "dynamics=pcs", "warehouse=each", factor]).await
}

/// Waits until a worker plans with this version of the mapping.
async fn until_known(worker: &Process, version: u64) {
    let knows = |line: &Value| line["message"] == "mapping known" && line["version"] == version;
    until("the mapping is known", async || worker.lines().iter().any(knows).then_some(())).await;
}

/// Far ends that ship every order in two, and a product that looks at its campaigns often.
async fn set(backing: Backing, more: &str) -> World {
    let warehouse = WarehouseRules { split_share: 1.0, ..WarehouseRules::default() };
    let toml = format!("replays.tick_ms = 50\n{more}");
    let world = World::set(Ground::fresh(backing).await, Making { warehouse, toml, ..Making::default() }).await;
    map(&world, &["warehouse=each"]).await;
    set_piece(&world, RIGHT).await;
    world
}

/// Everything is sent; then the row is wrong, and shipments are taken up.
async fn fail_shipments(world: &World, worker: &Process) {
    let (done, told) = world.ask(&[&["pause", "--flow", "shipments"], &REASON[..]].concat()).await;
    assert!(done, "{told}");
    let order = json!([{ "item": "ITEM-77", "quantity": "4", "unit": "Pcs" }]);
    for _ in 0..ORDERS {
        world.to_dynamics.release_lines(&order).await.unwrap();
    }
    world
        .until("shipped", |_, warehouse| {
            warehouse["shipped"] == ORDERS && warehouse["steps_due"] == 0 && warehouse["pending_events"] == 0
        })
        .await;
    until_known(worker, set_piece(world, WRONG).await).await;
    let (done, told) = world.ask(&[&["resume", "--flow", "shipments"], &REASON[..]].concat()).await;
    assert!(done, "{told}");
}

/// What fails for other reasons, and nobody mends.
async fn fail_otherwise(doors: std::net::SocketAddr) {
    let door = World::door_at(doors);
    for number in 0..UNKNOWN {
        let mut event = event_about(&format!("SHP-NOBODY-{number}"));
        event["EventId"] = json!(format!("{{{}}}", uuid::Uuid::new_v4()));
        World::post_to(&door, &event).await;
        if number < CHANGED {
            event["EventId"] = json!(format!("{{{}}}", uuid::Uuid::new_v4()));
            event["BusinessEventId"] = json!("DraylineOrderChangedBusinessEvent");
            World::post_to(&door, &event).await;
        }
    }
    for number in 0..ELSEWHERE {
        let adjusted = json!({
            "adjustmentKey": format!("lost-{number}"), "item": { "sku": "ITEM-1" }, "warehouse": { "code": "NOWHERE" },
            "reason": { "code": "DAMAGED" }, "adjustedAt": jiff::Timestamp::now(), "sequence": number.to_string(),
            "kind": { "code": "DELTA" }, "delta": { "value": "-1" },
        });
        World::tell_as_warehouse(doors, &format!("evt-{number}"), "stock_adjusted", &adjusted).await;
    }
}

/// Whoever works on the exceptions: at the command line, or through the API alone.
enum Hand {
    CommandLine,
    Api(Api),
}

impl Hand {
    /// All exceptions of a filter.
    async fn exceptions(&self, world: &World, filter: &[(&str, &str)]) -> Vec<Value> {
        let Self::Api(api) = self else {
            let options: Vec<_> = filter.iter().map(|(name, value)| format!("--{name}={value}")).collect();
            let options: Vec<_> = options.iter().map(String::as_str).collect();
            let (done, told) = world.ask(&[&["exceptions", "list", "--limit", "1000"], &options[..]].concat()).await;
            assert!(done && told["exceptions"].as_array().unwrap().len() == told["total"], "{told}");
            return told["exceptions"].as_array().unwrap().clone();
        };
        let query: Vec<_> = filter.iter().map(|(name, value)| format!("&{name}={value}")).collect();
        let query = query.concat();
        let (mut items, mut cursor) = (Vec::new(), String::new());
        loop {
            let (status, page) = api.get(&format!("/v1/exceptions?limit=50{query}{cursor}")).await;
            assert_eq!(status, 200, "{page}");
            items.extend(page["items"].as_array().unwrap().iter().cloned());
            let Some(next) = page["next_cursor"].as_str() else { return items };
            cursor = format!("&cursor={next}");
        }
    }

    /// The fingerprint of a code, which has one.
    async fn fingerprint(&self, world: &World, code: &str) -> String {
        let causes = match self {
            Self::CommandLine => world.ask(&["exceptions", "causes", "--code", code]).await.1["causes"].clone(),
            Self::Api(api) => api.get(&format!("/v1/exceptions/causes?code={code}")).await.1["items"].clone(),
        };
        let [cause] = &causes.as_array().unwrap()[..] else { panic!("{causes}") };
        cause["fingerprint"].as_str().unwrap().to_owned()
    }

    async fn plan(&self, world: &World, fingerprint: &str, rate: &str) -> Value {
        let Self::Api(api) = self else {
            let (canary, wave) = (CANARY.to_string(), WAVE.to_string());
            let plan = ["replay", "plan", "--fingerprint", fingerprint, "--canary", &canary, "--wave", &wave];
            let (done, planned) = world.ask(&[&plan[..], &["--rate", rate]].concat()).await;
            assert!(done, "{planned}");
            return planned;
        };
        let pace = json!({ "canary": CANARY, "wave": WAVE, "rate_per_s": rate.parse::<u32>().unwrap() });
        let wish = json!({ "filter": format!("fingerprint={fingerprint}"), "pace": pace });
        let (status, planned) = api.post("/v1/replays", &wish).await;
        assert_eq!(status, 201, "{planned}");
        planned
    }

    async fn start(&self, world: &World, id: &str) {
        let started = match self {
            Self::CommandLine => world.ask(&["replay", "start", id, "--yes"]).await.1,
            Self::Api(api) => api.post(&format!("/v1/replays/{id}/start"), &json!({})).await.1,
        };
        assert_eq!(started["state"], "running", "{started}");
    }

    async fn until_over(&self, world: &World, id: &str) -> Value {
        match self {
            Self::CommandLine => world.ask(&["replay", "status", id, "--follow"]).await.1,
            Self::Api(api) => api.until_state(id, "finished").await,
        }
    }
}

/// How many exceptions there are of each code.
fn by_code(exceptions: &[Value]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for exception in exceptions {
        *counts.entry(exception["code"].as_str().unwrap()).or_default() += 1;
    }
    counts
}

/// Exceptions without regard to their order, which may change while they wait.
fn sorted(mut exceptions: Vec<Value>) -> Vec<Value> {
    exceptions.sort_by_key(|exception| exception["id"].to_string());
    exceptions
}

async fn mended(backing: Backing, by_the_api: bool) {
    let world = set(backing, "").await;
    let product = world.spawn().await;
    let hand = if by_the_api { Hand::Api(Api::of(&world, &product)) } else { Hand::CommandLine };
    fail_shipments(&world, &product).await;
    fail_otherwise(product.addresses["ingest"]).await;
    world.until_exceptions_at_least((ORDERS + UNKNOWN + ELSEWHERE) as u64).await;
    world.until_nothing_parked().await;

    let failed = hand.exceptions(&world, &[]).await;
    let causes =
        [("adjustment.place_unknown", ELSEWHERE), ("dynamics.not_found", UNKNOWN), ("mapping.indivisible", ORDERS)];
    assert_eq!(by_code(&failed), BTreeMap::from(causes), "{failed:#?}");
    let (group, others): (Vec<_>, Vec<_>) =
        failed.into_iter().partition(|exception| exception["code"] == "mapping.indivisible");
    assert!(group.iter().all(|exception| exception["followers"].as_u64() >= Some(1)), "{group:#?}");
    let held: u64 = others.iter().map(|exception| exception["followers"].as_u64().unwrap()).sum();
    assert_eq!(held, CHANGED as u64);
    let before = world.to_dynamics.progress().await.unwrap();
    assert_eq!((&before["updates"], &before["adjustments"]), (&json!(0), &json!(0)), "nothing was posted: {before}");

    until_known(&product, set_piece(&world, RIGHT).await).await;
    let fingerprint = hand.fingerprint(&world, "mapping.indivisible").await;
    let planned = hand.plan(&world, &fingerprint, "1000").await;
    assert_eq!((&planned["selected"], &planned["waiting"]), (&json!(ORDERS), &json!(ORDERS)), "{planned}");
    let id = planned["id"].as_str().unwrap();
    let waiting = [("fingerprint", fingerprint.as_str()), ("state", "open")];
    assert_eq!(hand.exceptions(&world, &waiting).await.len(), ORDERS, "a plan moves nothing");
    hand.start(&world, id).await;
    let over = hand.until_over(&world, id).await;
    assert_eq!((&over["state"], &over["applied"]), (&json!("finished"), &json!(ORDERS)), "{over}");
    adds_up(&over);
    in_waves(&world, id).await;

    world.until_posted(ORDERS as u64).await;
    let resolved = hand.exceptions(&world, &[("fingerprint", &fingerprint), ("state", "resolved")]).await;
    let ids = |exceptions: &[Value]| exceptions.iter().map(|each| each["id"].to_string()).collect::<BTreeSet<_>>();
    assert_eq!(ids(&resolved), ids(&group), "each of them, and they alone");
    let left = until("the others are left", async || {
        let left = hand.exceptions(&world, &[]).await;
        (left.len() == others.len()).then_some(left)
    })
    .await;
    assert_eq!(sorted(left), sorted(others), "nobody touched them");
    assert_eq!(world.to_dynamics.progress().await.unwrap()["adjustments"], 0);
    product.stop().await;
    let verdict = world.finish().await;
    assert_eq!((verdict.shipped, verdict.posted), (ORDERS as u64, ORDERS as u64));
}

/// The canary went first, then wave after wave: nothing of one was released before all of the one before had an outcome.
async fn in_waves(world: &World, id: &str) {
    let messages = world.store().await.campaign_messages(id.parse().unwrap(), None, (-1, -1), 1000).await.unwrap();
    let mut waves: BTreeMap<i64, Vec<_>> = BTreeMap::new();
    for message in &messages {
        waves.entry(message.wave).or_default().push(message.released_at.unwrap());
    }
    let sizes: Vec<_> = waves.values().map(Vec::len).collect();
    assert_eq!((sizes[0], sizes.len()), (CANARY, 1 + ORDERS / WAVE), "{sizes:?}");
    let mut ended = None;
    for released in waves.values() {
        assert!(released.iter().min().copied() > ended, "{waves:?}");
        ended = released.iter().max().copied();
    }
}

#[tokio::test]
async fn one_cause_of_three_is_mended_at_the_command_line_embedded() {
    mended(Backing::Embedded, false).await;
}

#[tokio::test]
async fn one_cause_of_three_is_mended_at_the_command_line_on_servers() {
    mended(Backing::Servers, false).await;
}

#[tokio::test]
async fn one_cause_of_three_is_mended_by_the_api_alone_embedded() {
    mended(Backing::Embedded, true).await;
}

#[tokio::test]
async fn one_cause_of_three_is_mended_by_the_api_alone_on_servers() {
    mended(Backing::Servers, true).await;
}

/// The roles that a campaign needs, each a process of its own where they can be, so that each can be killed alone.
struct Crew {
    doors: Option<Process>,
    worker: Option<Process>,
    releaser: Option<Process>,
}

impl Crew {
    async fn start(world: &World, backing: Backing) -> Self {
        let mut crew = Self { doors: None, worker: None, releaser: None };
        if backing == Backing::Servers {
            let doors = world.spawn_as("doors", &["ingest"], &[]).await;
            world.deliver_to(doors.addresses["ingest"]);
            crew.doors = Some(doors);
            crew.releaser = Some(world.spawn_as("releaser", &["triage"], &[]).await);
        }
        crew.work(world).await;
        crew
    }

    async fn work(&mut self, world: &World) {
        self.worker = Some(match self.doors {
            Some(_) => world.spawn_as("worker", &["work", "--flow", "orders", "--flow", "shipments"], &[]).await,
            None => world.spawn().await,
        });
    }

    /// SIGKILL to whoever releases and to whoever works, and both are started again.
    async fn killed(&mut self, world: &World) {
        if let Some(releaser) = self.releaser.take() {
            releaser.kill();
        }
        if let Some(worker) = self.worker.take() {
            worker.kill();
        }
        if self.doors.is_some() {
            self.releaser = Some(world.spawn_as("releaser", &["triage"], &[]).await);
        }
        self.work(world).await;
    }

    async fn stop(self) {
        for process in [self.releaser, self.worker, self.doors].into_iter().flatten() {
            process.stop().await;
        }
    }
}

async fn killed_in_the_middle(backing: Backing) {
    let soon = "replays.lease_ms = 1000\nprocessor.heartbeat_ms = 200\nprocessor.dead_after_ms = 2500";
    let world = set(backing, soon).await;
    let mut crew = Crew::start(&world, backing).await;
    fail_shipments(&world, crew.worker.as_ref().unwrap()).await;
    world.until_exceptions_at_least(ORDERS as u64).await;
    world.until_nothing_parked().await;
    until_known(crew.worker.as_ref().unwrap(), set_piece(&world, RIGHT).await).await;
    let hand = Hand::CommandLine;
    let fingerprint = hand.fingerprint(&world, "mapping.indivisible").await;
    let planned = hand.plan(&world, &fingerprint, "20").await;
    assert_eq!(planned["selected"], ORDERS, "{planned}");
    let id = planned["id"].as_str().unwrap();
    hand.start(&world, id).await;
    for applied in [CANARY as u64 + 3, ORDERS as u64 / 2] {
        let seen = until("some of it is applied", async || {
            let (_, view) = world.ask(&["replay", "status", id]).await;
            adds_up(&view);
            (view["applied"].as_u64() >= Some(applied)).then_some(view)
        })
        .await;
        assert_eq!(seen["state"], "running", "it is in the middle: {seen}");
        crew.killed(&world).await;
    }
    let over = hand.until_over(&world, id).await;
    assert_eq!((&over["state"], &over["applied"]), (&json!("finished"), &json!(ORDERS)), "{over}");
    adds_up(&over);
    in_waves(&world, id).await;
    world.until_posted(ORDERS as u64).await;
    assert_eq!(hand.exceptions(&world, &[]).await, Vec::<Value>::new());
    crew.stop().await;
    let verdict = world.finish().await;
    assert_eq!((verdict.orders, verdict.shipped, verdict.posted), (ORDERS as u64, ORDERS as u64, ORDERS as u64));
}

#[tokio::test]
async fn a_campaign_goes_on_where_everybody_was_killed_embedded() {
    killed_in_the_middle(Backing::Embedded).await;
}

#[tokio::test]
async fn a_campaign_goes_on_where_releaser_and_worker_were_killed_on_servers() {
    killed_in_the_middle(Backing::Servers).await;
}
