//! SIGSTOP, for longer than every term, then SIGCONT: somebody else has taken over meanwhile, and who wakes up goes on as
//! if nothing had been. What it still wants to do must be worth nothing.

use std::time::Instant;

use super::scene::{EVERY_TERM, Scale, Scene, until, until_lasted};
use crate::road::world::Making;
use crate::support::proxy::Proxy;

/// Where a process freezes.
const FREEZE_AT: &str = "DRAYLINE__REHEARSAL__FREEZE_AT";

/// Where the warehouse is.
const WAREHOUSE: &str = "DRAYLINE__WAREHOUSES__NORTH__URL";

pub async fn after_look_up(scale: Scale) {
    at_a_step("frozen after look-up", "look_up.answered", scale).await;
}

pub async fn after_intent(scale: Scale) {
    at_a_step("frozen after intent", "intent.committed", scale).await;
}

pub async fn before_record(scale: Scale) {
    at_a_step("frozen before record", "call.made", scale).await;
}

async fn at_a_step(fault: &str, step: &str, scale: Scale) {
    let mut scene = Scene::set(fault, scale, Making::default()).await;
    scene.ingest("ingest", &[]).await;
    frozen_until_others_own_it_all(scene, step).await;
}

async fn frozen_until_others_own_it_all(mut scene: Scene, step: &str) {
    let at = format!("{step}:{}", scene.chance.u32(1..10));
    scene.note(format!("froze at {at}"));
    let (frozen, id) = scene.known_worker(&[(FREEZE_AT, at)]).await;
    scene.until_owner(id).await;
    scene.worker(&[]).await;
    scene.load();
    scene.until_frozen(&frozen).await;
    let since = Instant::now();
    scene.until_taken_from(id).await;
    until_lasted(since, EVERY_TERM).await;
    scene.member(&frozen).signal("-CONT");
    scene.finish().await;
}

/// The call is on its way, held between the two, when the process freezes; the far end gets it meanwhile.
pub async fn in_the_call(scale: Scale) {
    let mut scene = Scene::set("frozen in the call", scale, Making::default()).await;
    let (warehouse, through) = Proxy::before(&scene.world.warehouse.url()).await;
    scene.ingest("ingest", &[]).await;
    let (frozen, id) = scene.known_worker(&[(WAREHOUSE, through)]).await;
    scene.until_owner(id).await;
    scene.worker(&[]).await;
    scene.load();
    scene.until_held(scale.orders / 10).await;
    warehouse.stall();
    until("a call is on its way", async || (warehouse.held() > 0).then_some(())).await;
    scene.member(&frozen).signal("-STOP");
    let since = Instant::now();
    warehouse.clear();
    scene.until_taken_from(id).await;
    until_lasted(since, EVERY_TERM).await;
    scene.member(&frozen).signal("-CONT");
    scene.finish().await;
}

pub async fn at_seeded_instants(scale: Scale) {
    let mut scene = Scene::set("workers frozen at seeded instants", scale, Making::default()).await;
    scene.ingest("ingest", &[]).await;
    let mut alive = vec![scene.known_worker(&[]).await, scene.known_worker(&[]).await];
    scene.load();
    for _ in 0..scale.times / 2 {
        let steps = scene.chance.u64(1..40);
        scene.until_more(steps).await;
        let (frozen, id) = alive.swap_remove(scene.chance.usize(0..alive.len()));
        scene.member(&frozen).signal("-STOP");
        let since = Instant::now();
        scene.until_taken_from(id).await;
        until_lasted(since, EVERY_TERM).await;
        scene.member(&frozen).signal("-CONT");
        alive.push((frozen, id));
    }
    scene.note(format!("{} times SIGSTOP", scale.times / 2));
    scene.finish().await;
}

/// Its senders get no answer and go to other doors; what it took in before is taken in twice, and swallowed once.
pub async fn ingest(scale: Scale) {
    let mut scene = Scene::set("doors frozen", scale, Making::default()).await;
    scene.worker(&[]).await;
    scene.note("froze at accept.sent, accept.durable");
    for (number, step) in ["accept.sent", "accept.durable"].into_iter().enumerate() {
        let name = format!("ingest-{number}");
        let at = format!("{step}:{}", scene.chance.u32(1..20));
        scene.ingest(&name, &[(FREEZE_AT, at)]).await;
        if number == 0 {
            scene.load();
        }
        scene.until_frozen(&name).await;
    }
    scene.ingest("ingest", &[]).await;
    let more = scale.orders / 4;
    scene.until_more(more).await;
    for name in ["ingest-0", "ingest-1"] {
        scene.member(name).signal("-CONT");
    }
    scene.finish().await;
}

/// The doors reach the broker through the outbox only, and its relay freezes with a message on its way: what it still
/// sends when it wakes up can only be a copy behind the first.
pub async fn relay(scale: Scale) {
    let mut scene = Scene::set("relay frozen in a publish", scale, Making::default()).await;
    let (broker, through) = Proxy::before(&scene.world.config().transport.url).await;
    broker.refuse();
    scene.ingest("ingest", &[("DRAYLINE__TRANSPORT__URL", through)]).await;
    frozen_until_others_own_it_all(scene, "publish.sent").await;
}
