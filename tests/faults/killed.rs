//! SIGKILL, of workers and of the doors: nothing is flushed, closed or told.

use super::scene::{CONSOLE, Scale, Scene};
use crate::road::world::Making;
use crate::support::proxy::Proxy;

/// Where a worker dies.
const KILL_AT: &str = "DRAYLINE__REHEARSAL__KILL_AT";

/// Where the broker is.
const BROKER: &str = "DRAYLINE__TRANSPORT__URL";

/// One after the other dies at its own step, with the next one beside it: whoever takes over finds what is left.
pub async fn workers_at_every_step(scale: Scale) {
    let mut scene = Scene::set("workers killed at every step", scale, Making::default()).await;
    scene.ingest("ingest", &[]).await;
    let steps = ["look_up.answered", "intent.committed", "call.made", "record.committed"];
    let mut due = steps_to_die_at(&mut scene, &steps).into_iter();
    for at in due.by_ref().take(2) {
        scene.worker(&[(KILL_AT, at)]).await;
    }
    scene.load();
    for at in due {
        scene.until_one_is_dead().await;
        scene.worker(&[(KILL_AT, at)]).await;
    }
    for _ in 0..2 {
        scene.until_one_is_dead().await;
        scene.worker(&[]).await;
    }
    scene.finish().await;
}

/// The doors do not reach the broker: everything goes through the outbox, and relays die over it.
pub async fn relays_at_every_step(scale: Scale) {
    let mut scene = Scene::set("relays killed at every step", scale, Making::default()).await;
    let (broker, through) = Proxy::before(&scene.world.config().transport.url).await;
    broker.refuse();
    scene.ingest("ingest", &[(BROKER, through)]).await;
    let due = steps_to_die_at(&mut scene, &["publish.sent", "publish.confirmed"]);
    // One at a time: of two, one may have all the relays that have something to do.
    for (number, at) in due.into_iter().enumerate() {
        scene.worker(&[(KILL_AT, at)]).await;
        if number == 0 {
            scene.load();
        }
        scene.until_one_is_dead().await;
    }
    scene.worker(&[]).await;
    scene.finish().await;
}

/// Each step several times, each time at another occurrence.
fn steps_to_die_at(scene: &mut Scene, steps: &[&str]) -> Vec<String> {
    let rounds = usize::try_from(scene.scale.times / 4).unwrap().max(1);
    let mut due: Vec<String> = Vec::new();
    for _ in 0..rounds {
        due.extend(steps.iter().map(|step| format!("{step}:{}", scene.chance.u32(1..6))));
    }
    scene.note(format!("died at {}", due.join(", ")));
    due
}

pub async fn workers_at_seeded_instants(scale: Scale) {
    let mut scene = Scene::set("workers killed at seeded instants", scale, Making::default()).await;
    scene.ingest("ingest", &[]).await;
    let mut alive = vec![scene.worker(&[]).await, scene.worker(&[]).await];
    scene.load();
    for _ in 0..scale.times {
        let steps = scene.chance.u64(1..40);
        scene.until_more(steps).await;
        let victim = alive.swap_remove(scene.chance.usize(0..alive.len()));
        scene.kill(&victim);
        alive.push(scene.worker(&[]).await);
    }
    scene.note(format!("{} times SIGKILL", scale.times));
    scene.finish().await;
}

/// Whoever sent an event and got no answer sends it again, to the doors that are there then.
pub async fn ingest_at_every_step(scale: Scale) {
    let mut scene = Scene::set("doors killed at every step", scale, Making::default()).await;
    scene.worker(&[]).await;
    let steps = ["accept.sent", "accept.durable"].iter().cycle().take(scale.times as usize);
    let due: Vec<_> = steps.map(|step| format!("{step}:{}", scene.chance.u32(1..8))).collect();
    scene.note(format!("died at {}", due.join(", ")));
    for (number, at) in due.into_iter().enumerate() {
        scene.ingest("ingest", &[(KILL_AT, at)]).await;
        if number == 0 {
            scene.load();
        }
        scene.until_dead("ingest").await;
    }
    scene.ingest("ingest", &[]).await;
    scene.finish().await;
}

pub async fn ingest_at_seeded_instants(scale: Scale) {
    let mut scene = Scene::set("doors killed at seeded instants", scale, Making::default()).await;
    scene.worker(&[]).await;
    scene.ingest("ingest", &[]).await;
    scene.load();
    for _ in 0..scale.times {
        let steps = scene.chance.u64(1..40);
        scene.until_more(steps).await;
        scene.kill("ingest");
        scene.ingest("ingest", &[]).await;
    }
    scene.note(format!("{} times SIGKILL", scale.times));
    scene.finish().await;
}

/// Whoever asked for a return and got no answer asks again, under the same key.
pub async fn console_at_seeded_instants(scale: Scale) {
    let mut scene = Scene::set("API killed at seeded instants", scale, Making::default()).await;
    scene.worker(&[]).await;
    scene.ingest("ingest", &[]).await;
    scene.load();
    for _ in 0..scale.times {
        let steps = scene.chance.u64(1..40);
        scene.until_more(steps).await;
        scene.kill(CONSOLE);
        scene.console().await;
    }
    scene.note(format!("{} times SIGKILL", scale.times));
    scene.finish().await;
}

/// Everything came in before anybody worked. Each time a whole window is in hand and something of it is recorded, the
/// worker dies: the broker counts that against every message of the window, and must drop none.
pub async fn twenty_five_crashes_with_a_full_window(scale: Scale) {
    let mut scene = Scene::set("25 crashes in a row with a full window", scale, Making::default()).await;
    scene.configure("DRAYLINE__TRANSPORT__PREFETCH", "16");
    scene.ingest("ingest", &[]).await;
    scene.load();
    scene.until_all_is_accepted().await;
    for _ in 0..25 {
        let at = format!("record.committed:{}", scene.chance.u32(1..3));
        let name = scene.worker(&[(KILL_AT, at)]).await;
        scene.until_dead(&name).await;
    }
    scene.note("25 times SIGKILL");
    scene.worker(&[]).await;
    scene.finish().await;
}
