//! Hand-overs: workers join, leave and are killed under load, again and again.
//!
//! Who owns what is read from the store's partitions; who worked on what, from the workers' own logs. A partition is
//! worked on by one at a time: whoever is next starts its first attempt after the last commit of the one before.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::scene::{Owned, Scale, Scene, until};
use super::table::HandOver;
use crate::road::world::Making;

/// Of each of these flows; returns have one.
const PARTITIONS: usize = 6;
const FLOWS: [&str; 2] = ["orders", "shipments"];

/// Under this number the relay of a flow is owned.
const RELAY: i64 = u16::MAX as i64;

const WORKERS_MIN: usize = 2;
const WORKERS_MAX: usize = 4;

/// The terms are the usual ones: what a kill costs is what it costs out there.
pub async fn joins_leaves_and_kills(scale: Scale) {
    let mut scene = Scene::set("joins, leaves and kills of workers", scale, Making::default()).await;
    for (variable, value) in
        [("DRAYLINE__PROCESSOR__HEARTBEAT_MS", "1000"), ("DRAYLINE__PROCESSOR__DEAD_AFTER_MS", "6000")]
    {
        scene.configure(variable, value);
    }
    for variable in ["DRAYLINE__TRANSPORT__PARTITIONS__ORDERS", "DRAYLINE__TRANSPORT__PARTITIONS__SHIPMENTS"] {
        scene.configure(variable, PARTITIONS.to_string());
    }
    scene.ingest("ingest", &[]).await;
    let mut crew = vec![scene.known_worker(&[]).await, scene.known_worker(&[]).await];
    until_fair(&scene, &crew).await;
    scene.load_until_enough();
    let (began, mut history) = (Instant::now(), Vec::new());
    for _ in 0..scale.hand_overs {
        let steps = scene.chance.u64(1..20);
        scene.until_more(steps).await;
        let hand_over = hand_over(&mut scene, &mut crew, began).await;
        hand_over.write();
        history.push(hand_over);
    }
    scene.enough().await;
    scene.note(told(&history));
    scene.finish_and(worked_on_by_one_at_a_time).await;
}

async fn hand_over(scene: &mut Scene, crew: &mut Vec<(String, Uuid)>, began: Instant) -> HandOver {
    let before = scene.partitions().await;
    let how = match crew.len() {
        WORKERS_MIN => "join",
        WORKERS_MAX => ["leave", "kill"][scene.chance.usize(0..2)],
        _ => ["join", "leave", "kill"][scene.chance.usize(0..3)],
    };
    let (at, since) = (began.elapsed(), Instant::now());
    let (who, taken) = if how == "join" {
        let (name, id) = scene.known_worker(&[]).await;
        scene.until_owner(id).await;
        crew.push((name.clone(), id));
        (name, since.elapsed())
    } else {
        let (name, id) = crew.swap_remove(scene.chance.usize(0..crew.len()));
        if how == "kill" {
            scene.kill(&name);
        } else {
            scene.stop(&name).await;
        }
        scene.until_taken_from(id).await;
        (name, since.elapsed())
    };
    until_fair(scene, crew).await;
    let fair = since.elapsed();
    let after = scene.partitions().await;
    HandOver { at, how, who, moved: moved(&before, &after), taken, fair }
}

/// Waits until everything is owned by somebody who lives, and nobody has more of a flow than one above another.
async fn until_fair(scene: &Scene, crew: &[(String, Uuid)]) {
    until("everybody has a fair share", async || {
        let mut counts: BTreeMap<(String, Uuid), usize> = BTreeMap::new();
        for one in scene.partitions().await {
            let owner = one.owner.filter(|owner| crew.iter().any(|(_, id)| id == owner))?;
            if one.partition != RELAY {
                *counts.entry((one.flow, owner)).or_default() += 1;
            }
        }
        // A partition that nobody has ever owned has no row.
        (counts.values().sum::<usize>() == FLOWS.len() * PARTITIONS + 1).then_some(())?;
        let fair = FLOWS.iter().all(|flow| {
            let of = |id: &Uuid| counts.get(&((*flow).to_owned(), *id)).copied().unwrap_or_default();
            let each: Vec<usize> = crew.iter().map(|(_, id)| of(id)).collect();
            each.iter().max() <= each.iter().min().map(|least| least + 1).as_ref()
        });
        fair.then_some(())
    })
    .await;
}

/// Partitions that have another owner; each of them has a later epoch, and no other has.
fn moved(before: &[Owned], after: &[Owned]) -> usize {
    let mut moved = 0;
    for was in before {
        let is = after.iter().find(|is| (&is.flow, is.partition) == (&was.flow, was.partition)).unwrap();
        assert!(is.epoch >= was.epoch, "{was:?} {is:?}");
        let stays = is.owner.is_none() || is.owner == was.owner;
        assert!(stays || is.epoch > was.epoch, "a new owner has a new epoch: {was:?} {is:?}");
        moved += usize::from(is.owner != was.owner);
    }
    moved
}

/// When it was committed, when it began, and by whom.
type Attempt<'a> = (Timestamp, Timestamp, &'a str);

/// Attempts of a partition by different workers never overlap: whoever comes next begins after the last one's commit.
fn worked_on_by_one_at_a_time(logged: &BTreeMap<String, Vec<Value>>) {
    let mut attempts: BTreeMap<(String, u64), Vec<Attempt<'_>>> = BTreeMap::new();
    for (worker, lines) in logged {
        for line in lines.iter().filter(|line| line["message"] == "attempt") {
            let partition = (line["flow"].as_str().unwrap().to_owned(), line["partition"].as_u64().unwrap());
            let committed: Timestamp = line["timestamp"].as_str().unwrap().parse().unwrap();
            let began = committed - Duration::from_millis(line["took_ms"].as_u64().unwrap());
            attempts.entry(partition).or_default().push((committed, began, worker));
        }
    }
    assert!(attempts.len() > 2, "attempts were found: {:?}", attempts.keys());
    for (partition, mut attempts) in attempts {
        attempts.sort();
        for pair in attempts.windows(2) {
            let ((committed, _, one), (_, began, other)) = (pair[0], pair[1]);
            assert!(one == other || committed <= began, "{partition:?}: {one} until {committed}, {other} from {began}");
        }
    }
}

/// The longest of each kind, for the table.
fn told(history: &[HandOver]) -> String {
    let of = |how: &str| {
        let all = history.iter().filter(|one| one.how == how);
        let (count, longest) = (all.clone().count(), all.map(|one| one.taken).max().unwrap_or_default());
        format!("{count} {how}s, taken within {:.1} s", longest.as_secs_f64())
    };
    format!("{}; {}; {}", of("join"), of("leave"), of("kill"))
}
