//! Several things at a time, as on a really bad day: what happens next, and to whom, is drawn.

use std::time::{Duration, Instant};

use drayline::sandbox::Faults;
use uuid::Uuid;

use super::scene::{CONSOLE, Scale, Scene, until_lasted};
use crate::road::world::Making;
use crate::support::proxy::Proxy;

struct Stage {
    broker: Proxy,
    store: Proxy,
    crew: Vec<(String, Uuid)>,
}

pub async fn everything(scale: Scale) {
    let mut scene = Scene::set("everything together", scale, Making::default()).await;
    let config = scene.world.config();
    let (broker, through) = Proxy::before(&config.transport.url).await;
    scene.configure("DRAYLINE__TRANSPORT__URL", through);
    let (store, through) = Proxy::before(&config.store.url).await;
    scene.configure("DRAYLINE__STORE__URL", through);
    scene.ingest("ingest", &[]).await;
    let crew = vec![scene.known_worker(&[]).await, scene.known_worker(&[]).await];
    let mut stage = Stage { broker, store, crew };
    scene.load_until_enough();
    let faults = Faults {
        latency_ms: 20,
        refuse_429: 0.05,
        fail_5xx: 0.05,
        lose_answer: 0.05,
        duplicate: 0.2,
        reorder: 0.2,
        ..Faults::default()
    };
    for visitor in [&scene.world.to_dynamics, &scene.world.to_warehouse] {
        visitor.disturb(&faults).await.unwrap();
    }
    let mut done = Vec::new();
    for _ in 0..scale.times * 3 {
        let steps = scene.chance.u64(1..25);
        scene.until_more(steps).await;
        done.push(disturb(&mut scene, &mut stage).await);
    }
    scene.calm().await;
    scene.enough().await;
    scene.note(done.join(", "));
    scene.finish().await;
}

async fn disturb(scene: &mut Scene, stage: &mut Stage) -> &'static str {
    let some = scene.chance.usize(0..stage.crew.len());
    let (began, lasts) = (Instant::now(), Duration::from_millis(scene.chance.u64(100..4000)));
    match scene.chance.u8(0..10) {
        0 => {
            let (name, _) = stage.crew.swap_remove(some);
            scene.kill(&name);
            stage.crew.push(scene.known_worker(&[]).await);
            "worker killed"
        }
        1 => {
            let (name, _) = stage.crew.swap_remove(some);
            scene.stop(&name).await;
            stage.crew.push(scene.known_worker(&[]).await);
            "worker left"
        }
        2 => {
            let (name, id) = stage.crew[some].clone();
            scene.member(&name).signal("-STOP");
            scene.until_taken_from(id).await;
            scene.member(&name).signal("-CONT");
            "worker frozen"
        }
        3 => {
            scene.kill("ingest");
            scene.ingest("ingest", &[]).await;
            "doors killed"
        }
        4 => {
            stage.broker.cut();
            "broker cut"
        }
        5 => {
            stage.store.cut();
            "store cut"
        }
        6 => {
            stage.broker.stall();
            until_lasted(began, lasts).await;
            stage.broker.clear();
            "broker silent"
        }
        7 => {
            stage.store.stall();
            until_lasted(began, lasts).await;
            stage.store.clear();
            "store silent"
        }
        8 => {
            scene.kill(CONSOLE);
            scene.console().await;
            "API killed"
        }
        _ => {
            stage.broker.refuse();
            until_lasted(began, lasts).await;
            stage.broker.clear();
            "broker away"
        }
    }
}
