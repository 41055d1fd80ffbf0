//! PostgreSQL goes away for everybody, and comes back.

use std::time::Instant;

use super::scene::{EVERY_TERM, Scale, Scene, until_lasted};
use crate::road::world::Making;
use crate::support::proxy::Proxy;
use crate::support::servers::Servers;

pub async fn restart(scale: Scale) {
    away("PostgreSQL restarted", async |servers| servers.stop("postgresql").await, scale).await;
}

/// It recovers what was committed.
pub async fn crash(scale: Scale) {
    away("PostgreSQL crashed", async |servers| servers.crash("postgresql").await, scale).await;
}

async fn away(fault: &str, end: impl AsyncFn(&Servers), scale: Scale) {
    let servers = Servers::start().await;
    let mut scene = Scene::set_on(&servers, fault, scale).await;
    scene.ingest("ingest", &[]).await;
    scene.worker(&[]).await;
    scene.worker(&[]).await;
    scene.load();
    for _ in 0..scale.times / 4 {
        let more = scale.orders / 4;
        scene.until_more(more).await;
        end(&servers).await;
        servers.start_again("postgresql").await;
    }
    scene.note(format!("{} times", scale.times / 4));
    scene.finish().await;
}

/// When it answers again everybody looks dead to everybody, and nobody may take what another one owns.
pub async fn stalled(scale: Scale) {
    let mut scene = Scene::set("PostgreSQL silent for all", scale, Making::default()).await;
    let (proxy, through) = Proxy::before(&scene.world.config().store.url).await;
    scene.configure("DRAYLINE__STORE__URL", through);
    scene.ingest("ingest", &[]).await;
    let (_, first) = scene.known_worker(&[]).await;
    scene.until_owner(first).await;
    scene.known_worker(&[]).await;
    scene.load();
    scene.until_held(scale.orders / 10).await;
    let owners = |owned: Vec<super::scene::Owned>| owned.into_iter().map(|one| one.owner).collect::<Vec<_>>();
    let before = owners(scene.partitions().await);
    proxy.stall();
    until_lasted(Instant::now(), EVERY_TERM * 2).await;
    proxy.clear();
    let more = scale.orders / 4;
    scene.until_more(more).await;
    assert_eq!(owners(scene.partitions().await), before, "owners keep what they had");
    scene.finish().await;
}
