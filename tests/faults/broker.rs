//! The broker goes away for everybody, takes nothing, throws everybody out, or loses a queue.

use super::scene::{Scale, Scene, until};
use crate::road::world::Making;
use crate::support::broker::Broker;
use crate::support::proxy::Proxy;
use crate::support::servers::Servers;

async fn scene(servers: &Servers, fault: &str, scale: Scale) -> Scene {
    let mut scene = Scene::set_on(servers, fault, scale).await;
    scene.ingest("ingest", &[]).await;
    scene.worker(&[]).await;
    scene.worker(&[]).await;
    scene.load();
    scene
}

pub async fn restart(scale: Scale) {
    away("broker restarted", async |servers| servers.stop("rabbitmq").await, scale).await;
}

/// What it confirmed is on its disk.
pub async fn crash(scale: Scale) {
    away("broker crashed", async |servers| servers.crash("rabbitmq").await, scale).await;
}

async fn away(fault: &str, end: impl AsyncFn(&Servers), scale: Scale) {
    let servers = Servers::start().await;
    let mut scene = scene(&servers, fault, scale).await;
    for _ in 0..scale.times / 4 {
        let more = scale.orders / 4;
        scene.until_more(more).await;
        end(&servers).await;
        servers.start_again("rabbitmq").await;
    }
    scene.note(format!("{} times", scale.times / 4));
    scene.finish().await;
}

/// It stops reading from whoever publishes: what comes in goes to the outbox, and what is there is worked on.
pub async fn memory_alarm(scale: Scale) {
    let servers = Servers::start().await;
    let mut scene = Scene::set_on(&servers, "memory alarm of the broker", scale).await;
    scene.ingest("ingest", &[]).await;
    scene.worker(&[]).await;
    scene.worker(&[]).await;
    scene.load_until_enough();
    scene.until_held(scale.orders / 10).await;
    servers.control(&["set_vm_memory_high_watermark", "0.000001"]).await;
    scene.until_kept(scale.orders / 4).await;
    servers.control(&["set_vm_memory_high_watermark", "0.4"]).await;
    let more = scale.orders / 4;
    scene.until_more(more).await;
    scene.enough().await;
    scene.finish().await;
}

pub async fn connections_closed(scale: Scale) {
    let servers = Servers::start().await;
    let mut scene = scene(&servers, "all connections closed by the broker", scale).await;
    for _ in 0..scale.times {
        let steps = scene.chance.u64(1..30);
        scene.until_more(steps).await;
        servers.control(&["close_all_connections", "rehearsal"]).await;
    }
    scene.note(format!("{} times", scale.times));
    scene.finish().await;
}

/// A slow line to the broker: confirms come late, and some publishes are given up and go through the outbox.
pub async fn throttled(scale: Scale) {
    let mut scene = Scene::set("broker behind a slow line", scale, Making::default()).await;
    let (proxy, through) = Proxy::before(&scene.world.config().transport.url).await;
    scene.configure("DRAYLINE__TRANSPORT__URL", through);
    scene.ingest("ingest", &[]).await;
    scene.worker(&[]).await;
    scene.load();
    scene.until_held(scale.orders / 10).await;
    proxy.throttle(8 * 1024);
    let more = scale.orders;
    scene.until_more(more).await;
    proxy.clear();
    scene.finish().await;
}

/// It is made again by whoever needs it.
pub async fn queue_deleted_empty(scale: Scale) {
    let servers = Servers::start().await;
    let mut scene = Scene::set_on(&servers, "queues deleted while they are empty", scale).await;
    scene.ingest("ingest", &[]).await;
    scene.worker(&[]).await;
    scene.worker(&[]).await;
    let early = scale.orders / 4;
    scene.release_now(early).await;
    scene.world.until_posted(early).await;
    let broker = Broker::at(&servers.amqp).await;
    for queue in ["orders.00", "orders.01", "shipments.00", "shipments.01"] {
        assert_eq!(broker.delete_queue(&format!("drayline.{queue}")).await, 0, "{queue} was empty");
    }
    scene.note("4 queues");
    for worker in ["worker-1", "worker-2"] {
        scene.until_logged(worker, "a queue was gone").await;
    }
    scene.load();
    scene.finish().await;
}

/// Its messages are gone, and nothing can bring them back but their sender: as many are lost as were in it, and
/// everything that comes after is applied.
pub async fn queue_deleted_full(scale: Scale) {
    let servers = Servers::start().await;
    let mut scene = Scene::set_on(&servers, "queue deleted while messages are in it", scale).await;
    scene.ingest("ingest", &[]).await;
    // Before that events would go to the outbox.
    scene.until_logged("ingest", "broker session began").await;
    let broker = Broker::at(&servers.amqp).await;
    let early = scene.release_now(scale.orders / 8).await;
    let inside = broker.requests_in("drayline.orders.00").await;
    let has_returned = async || broker.ready("drayline.orders.00").await == u32::try_from(inside.len()).ok();
    until("what was looked at has returned", async || has_returned().await.then_some(())).await;
    let deleted = broker.delete_queue("drayline.orders.00").await;
    assert_eq!(usize::try_from(deleted).unwrap(), inside.len());
    assert!(deleted > 0 && inside.len() < early.len(), "{deleted} of {early:?}");
    scene.excused = inside.into_iter().collect();
    scene.load();
    // It is found out, and told, before anybody works who could not know that there was one.
    scene.until_logged("ingest", "a queue was gone").await;
    scene.note(format!("{deleted} messages deleted, as many declared lost"));
    scene.worker(&[]).await;
    scene.worker(&[]).await;
    scene.finish().await;
}
