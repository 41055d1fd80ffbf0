//! A bad day at the far ends: they are down, slow, busy, forgetful, and tell everything twice and out of order.

use drayline::sandbox::Faults;

use super::scene::{Scale, Scene};
use crate::road::world::Making;

pub async fn down(scale: Scale) {
    disturbed("far ends down", Faults { down_s: 5, ..Faults::default() }, scale).await;
}

pub async fn slow(scale: Scale) {
    disturbed("far ends slow", Faults { latency_ms: 500, ..Faults::default() }, scale).await;
}

pub async fn too_many_requests(scale: Scale) {
    disturbed("429 storm", Faults { refuse_429: 0.5, ..Faults::default() }, scale).await;
}

pub async fn server_errors(scale: Scale) {
    disturbed("5xx storm", Faults { fail_5xx: 0.3, ..Faults::default() }, scale).await;
}

pub async fn answers_lost(scale: Scale) {
    disturbed("answers lost after commit", Faults { lose_answer: 0.3, ..Faults::default() }, scale).await;
}

pub async fn duplicate_storm(scale: Scale) {
    disturbed("every event twice", Faults { duplicate: 1.0, ..Faults::default() }, scale).await;
}

pub async fn reorder_storm(scale: Scale) {
    disturbed("events out of order", Faults { reorder: 0.5, duplicate: 0.3, ..Faults::default() }, scale).await;
}

/// From when a tenth of the orders is out until all but the last have been seen.
async fn disturbed(fault: &str, faults: Faults, scale: Scale) {
    let mut scene = Scene::set(fault, scale, Making::default()).await;
    scene.ingest("ingest", &[]).await;
    scene.worker(&[]).await;
    scene.worker(&[]).await;
    scene.load();
    scene.until_held(scale.orders / 10).await;
    for visitor in [&scene.world.to_dynamics, &scene.world.to_warehouse] {
        visitor.disturb(&faults).await.unwrap();
    }
    let more = scale.orders;
    scene.until_more(more).await;
    scene.calm().await;
    scene.finish().await;
}
