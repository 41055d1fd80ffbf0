//! Far ends that are down, slow or busy, and what people pause: who needs them waits, costs nothing and loses nothing, and
//! nobody else notices.

use std::collections::HashSet;
use std::time::Duration;

use drayline::message::{Envelope, Flow};
use drayline::store::{Campaign, CampaignState, ExceptionFilter, NewCampaign, Pause, WaitsFor, WorkState};
use jiff::Timestamp;
use uuid::Uuid;

use super::far_ends::{Creates, FarEnds};
use super::on_both;
use super::world::{World, accepted, document, open, reference, released, shipped, until};
use crate::support::Backing;
use crate::support::proxy::Proxy;

on_both!(
    a_far_end_that_is_down_holds_up_its_own_messages_alone,
    a_far_end_that_stalls_holds_up_its_own_messages_alone,
    a_far_end_that_refuses_everything_holds_up_its_own_messages_alone,
    a_paused_connection_stays_paused_over_restarts_and_goes_on_in_order,
    a_paused_flow_waits_and_loses_no_time,
    as_much_waits_as_may_and_then_the_queue_is_not_read,
    what_a_campaign_released_goes_beside_live_traffic,
);

const DOCUMENTS: usize = 12;

fn north() -> WaitsFor {
    WaitsFor::FarEnd { connection: "north".to_owned() }
}

fn requests(prefix: &str) -> Vec<String> {
    (0..DOCUMENTS).map(|number| format!("{prefix}{number}")).collect()
}

fn references(requests: &[String]) -> HashSet<String> {
    requests.iter().map(|request| reference(request).to_string()).collect()
}

/// For every document what Dynamics released, and what the warehouse says of it, which stands behind.
async fn publish(world: &World, requests: &[String]) -> Vec<Envelope> {
    let heads: Vec<_> = requests.iter().map(|request| released(request, &format!("r-{request}"))).collect();
    for (request, head) in requests.iter().zip(&heads) {
        world.publish(head).await;
        world.publish(&accepted(request, &format!("a-{request}"))).await;
    }
    heads
}

/// Waits until everything is applied, and sees that it was in order and once.
async fn applied(world: &World, north: &FarEnds, requests: &[String]) {
    world.until_nothing_waits().await;
    assert_eq!(north.orders(), references(requests));
    let created: Vec<_> = north.took().into_iter().filter(|took| took.new).collect();
    assert_eq!((created.len(), north.overlaps()), (requests.len(), 0), "{created:#?}");
    for request in requests {
        let journey = world.journey(&document(request)).await;
        let last = |message: &Envelope| journey.iter().rposition(|(id, _)| *id == message.message_id).unwrap();
        let (head, follower) = (released(request, &format!("r-{request}")), accepted(request, &format!("a-{request}")));
        assert!(last(&head) < last(&follower), "{journey:#?}");
    }
}

/// North's messages wait for north, while all of south's are applied.
async fn only_north_waits(world: &World, heads: &[Envelope], attempts_max: u32) {
    let south = requests("SOUTH");
    for request in &south {
        world.publish(&released(request, &format!("r-{request}"))).await;
    }
    let wanted = references(&south);
    until("all of the other far end's are applied", async || {
        world.far_ends.orders().is_superset(&wanted).then_some(())
    })
    .await;
    for head in heads {
        let row = world.parked(head.message_id, |row| row.parked.waits_for == north()).await;
        assert!(row.parked.attempts <= attempts_max, "{row:#?}");
        assert_eq!((row.parked.parkings, row.behind), (0, None));
    }
    let journey = world.journey(&document("NORTH0")).await;
    assert!(journey.iter().any(|(_, what)| what.starts_with("order_released waits for north: ")), "{journey:#?}");
}

async fn a_far_end_that_is_down_holds_up_its_own_messages_alone(backing: Backing) {
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = nobody.local_addr().unwrap().to_string();
    drop(nobody);
    let world = World::with(backing, &format!("warehouses.north.url = \"http://{address}\"\n")).await;
    let worker = world.worker(&[Flow::Orders]).await;
    let requests = requests("NORTH");
    let heads = publish(&world, &requests).await;
    only_north_waits(&world, &heads, 0).await;

    // It comes back, and takes its time with the first call: nobody else calls meanwhile.
    let north = FarEnds::open_at(&address).await;
    north.creates(Creates::HeldBefore);
    until("it is probed", async || (!north.asked().is_empty()).then_some(())).await;
    let view = world.tools.gateways.views().into_iter().find(|view| view.connection.as_str() == "north").unwrap();
    assert_eq!((view.state, view.under_way, north.asked().len()), ("half_open", 1, 1));
    north.go_on();
    applied(&world, &north, &requests).await;
    worker.stop(Duration::from_secs(5)).await;
    world.close().await;
}

async fn a_far_end_that_stalls_holds_up_its_own_messages_alone(backing: Backing) {
    let north = FarEnds::open().await;
    let proxy = Proxy::to(north.url.strip_prefix("http://").unwrap()).await;
    let more = format!(
        "warehouses.north.url = \"http://{}\"\ngateways.call_ms_max = 800\ngateways.calls_at_once_max = 4\n",
        proxy.address()
    );
    let world = World::with(backing, &more).await;
    proxy.stall();
    let worker = world.worker(&[Flow::Orders]).await;
    let requests = requests("NORTH");
    let heads = publish(&world, &requests).await;
    // What was sent and not answered may have happened: that is looked up, and costs one attempt.
    only_north_waits(&world, &heads, 1).await;
    assert!(north.orders().is_empty());
    proxy.clear();
    applied(&world, &north, &requests).await;
    worker.stop(Duration::from_secs(5)).await;
    world.close().await;
}

async fn a_far_end_that_refuses_everything_holds_up_its_own_messages_alone(backing: Backing) {
    let north = FarEnds::open().await;
    let world = World::with(backing, &format!("warehouses.north.url = \"{}\"\n", north.url)).await;
    north.creates(Creates::Busy);
    let worker = world.worker(&[Flow::Orders]).await;
    let requests = requests("NORTH");
    let heads = publish(&world, &requests).await;
    only_north_waits(&world, &heads, 0).await;
    north.go_on();
    applied(&world, &north, &requests).await;
    worker.stop(Duration::from_secs(5)).await;
    world.close().await;
}

fn pause(connection: Option<&str>, flow: Option<Flow>) -> Pause {
    let (reason, paused_by) = ("a test".to_owned(), "anna".to_owned());
    Pause { connection: connection.map(str::to_owned), flow, reason, paused_by, paused_at: Timestamp::UNIX_EPOCH }
}

async fn a_paused_connection_stays_paused_over_restarts_and_goes_on_in_order(backing: Backing) {
    let north = FarEnds::open().await;
    let mut world = World::with(backing, &format!("warehouses.north.url = \"{}\"\n", north.url)).await;
    let worker = world.worker(&[Flow::Orders]).await;
    let paused = world.store().pause(&pause(Some("north"), None)).await.unwrap();
    until("the worker knows", async || {
        world.tools.gateways.views().iter().find(|view| view.state == "paused").cloned()
    })
    .await;
    let requests = requests("NORTH");
    let heads = publish(&world, &requests).await;
    only_north_waits(&world, &heads, 0).await;
    let row = world.parked(heads[0].message_id, |_| true).await;
    let failure = row.parked.failure.unwrap();
    assert_eq!(failure.code, "connection.paused");
    assert!(failure.sentence.contains("paused by anna") && failure.sentence.contains("(a test)"), "{failure:#?}");
    worker.stop(Duration::from_secs(5)).await;

    // Another process, with nothing in its memory.
    world.tools.transport.close().await;
    world.tools.store.close().await;
    world.tools = open((*world.tools.config).clone()).await;
    let worker = world.worker(&[Flow::Orders]).await;
    let late = released("SOUTHLATE", "late");
    world.publish(&late).await;
    let wanted = reference("SOUTHLATE").to_string();
    until("it works", async || world.far_ends.orders().contains(&wanted).then_some(())).await;
    assert!(north.asked().is_empty(), "{:?}", north.asked());
    for head in &heads {
        assert_eq!(world.parked(head.message_id, |_| true).await.parked.attempts, 0);
    }
    assert_eq!(world.store().resume(Some("north"), None, "bert", "done").await.unwrap(), Some(paused));
    applied(&world, &north, &requests).await;
    worker.stop(Duration::from_secs(5)).await;
    world.close().await;
}

async fn a_paused_flow_waits_and_loses_no_time(backing: Backing) {
    let world = World::with(backing, "processor.look_again_ms = 50\n").await;
    let worker = world.worker(&[Flow::Orders, Flow::Shipments]).await;
    let shipment = shipped("SHP1", "s1");
    world.publish(&shipment).await;
    let waits = |row: &drayline::store::Listed| matches!(row.parked.waits_for, WaitsFor::Document { .. });
    let before = world.parked(shipment.message_id, waits).await.parked.deadline_at.unwrap();
    world.store().pause(&pause(None, Some(Flow::Shipments))).await.unwrap();
    let stopped = world.parked(shipment.message_id, |row| row.parked.waits_for == WaitsFor::Flow).await.parked;
    assert_eq!((stopped.attempts, stopped.failure.unwrap().code.as_str()), (0, "flow.paused"));
    let second = shipped("SHP2", "s2");
    world.publish(&second).await;
    world.parked(second.message_id, |row| row.parked.waits_for == WaitsFor::Flow).await;
    // The other flow goes on.
    world.publish(&released("SHP3", "r3")).await;
    until("the other flow goes on", async || (world.far_ends.took().len() == 1).then_some(())).await;

    let resumed = world.store().now().await.unwrap();
    world.store().resume(None, Some(Flow::Shipments), "bert", "done").await.unwrap();
    let after = world.parked(shipment.message_id, waits).await.parked.deadline_at.unwrap();
    let lasted = resumed.duration_since(stopped.last_parked_at.unwrap());
    assert!(after.duration_since(before) >= lasted, "{before} and {lasted:?} later is not before {after}");
    for request in ["SHP1", "SHP2"] {
        world.publish(&released(request, &format!("r-{request}"))).await;
    }
    world.until_nothing_waits().await;
    assert_eq!(world.far_ends.posted(), 2);
    worker.stop(Duration::from_secs(5)).await;
    world.close().await;
}

async fn as_much_waits_as_may_and_then_the_queue_is_not_read(backing: Backing) {
    const MOST: u64 = 4;
    let north = FarEnds::open().await;
    north.creates(Creates::Busy);
    let more = format!(
        "warehouses.north.url = \"{}\"\nprocessor.waiting_per_far_end_max = {MOST}\ntransport.prefetch = 2\n",
        north.url
    );
    let world = World::with(backing, &more).await;
    let worker = world.worker(&[Flow::Orders]).await;
    let requests: Vec<String> = (0..40).map(|number| format!("NORTH{number}")).collect();
    for request in &requests {
        world.publish(&released(request, &format!("r-{request}"))).await;
    }
    let parked = async || {
        let counts = world.store().parked_counts().await.unwrap();
        counts.iter().filter(|(_, what, _)| what == "far_end").map(|(.., messages)| messages).sum::<u64>()
    };
    let seen = std::sync::Mutex::new((0, 0));
    until("nothing more is read", async || {
        let now = parked().await;
        let mut seen = seen.lock().unwrap();
        let same = if now == seen.0 { seen.1 + 1 } else { 0 };
        *seen = (now, same);
        (now >= MOST && same > 20).then_some(())
    })
    .await;
    let last = seen.into_inner().unwrap().0;
    // What had been read already may still join.
    assert!(last < requests.len() as u64 / 2, "{last} of {} wait", requests.len());
    north.go_on();
    let wanted = references(&requests);
    until("it goes on by itself", async || (north.orders() == wanted).then_some(())).await;
    world.until_nothing_waits().await;
    assert_eq!(north.took().len(), requests.len());
    worker.stop(Duration::from_secs(5)).await;
    world.close().await;
}

/// While live messages are under way, few of those that a campaign released run beside them; then all do.
async fn what_a_campaign_released_goes_beside_live_traffic(backing: Backing) {
    let north = FarEnds::open().await;
    let more = format!(
        "warehouses.north.url = \"{}\"\ngateways.calls_at_once_max = 50\ngateways.call_ms_max = 20000\n\
         replays.beside_live_rows_max = 4\n",
        north.url
    );
    let world = World::with(backing, &more).await;
    let worker = world.worker(&[Flow::Orders]).await;
    let failed = requests("SOUTH");
    for request in &failed {
        world.far_ends.forbid(request, true);
        world.publish(&released(request, &format!("r-{request}"))).await;
    }
    for request in &failed {
        let message_id = released(request, &format!("r-{request}")).message_id;
        world.parked(message_id, |row| row.parked.waits_for == WaitsFor::Person).await;
        world.far_ends.forbid(request, false);
    }
    let live = requests("NORTH");
    north.creates(Creates::HeldBefore);
    world.far_ends.creates(Creates::HeldBefore);
    for request in &live[1..] {
        world.publish(&released(request, &format!("r-{request}"))).await;
    }
    until("live messages are under way", async || (north.asked().len() == live.len() - 1).then_some(())).await;

    release_all(&world).await;
    until("the campaign goes on all the same", async || (world.far_ends.asked().len() == 2).then_some(())).await;
    world.publish(&released(&live[0], &format!("r-{}", live[0]))).await;
    until("live traffic goes on", async || (north.asked().len() == live.len()).then_some(())).await;
    assert_eq!(world.far_ends.asked().len(), 2, "{:?}", world.far_ends.asked());
    north.go_on();
    until("all go on", async || (world.far_ends.asked().len() == failed.len()).then_some(())).await;
    world.far_ends.go_on();
    world.until_nothing_waits().await;
    assert_eq!((world.far_ends.orders(), world.far_ends.overlaps()), (references(&failed), 0));
    worker.stop(Duration::from_secs(5)).await;
    world.close().await;
}

/// A campaign over everything that waits for a person, released at once.
async fn release_all(world: &World) {
    let (store, holder) = (world.store(), Uuid::new_v4());
    let new = NewCampaign {
        id: Uuid::new_v4(),
        by: "anna".to_owned(),
        wanted: "flow=orders".to_owned(),
        options: serde_json::json!({}),
        canary: 0,
        wave_size: 100,
        rehearse: 0,
        patch: None,
    };
    let filter = ExceptionFilter { states: vec![WorkState::Open], limit: 100, ..ExceptionFilter::default() };
    assert_eq!(store.plan_campaign(&new, &filter).await.unwrap(), DOCUMENTS as u64);
    let (planned, running) = (CampaignState::Planned, CampaignState::Running);
    assert!(store.turn_campaign(new.id, &[planned], running, "anna", "").await.unwrap());
    let held = store.hold_campaigns(holder, Duration::from_mins(1)).await.unwrap();
    let campaign = Campaign { wave: 1, ..held.into_iter().next().unwrap() };
    assert_eq!(store.release(&campaign, holder, 100).await.unwrap(), DOCUMENTS as u64);
}
