//! The whole demo is killed in the middle and started again on the same data: nothing is lost, nothing happens twice.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::demo::{demo, is_well};

const ORDERS: &str = "25";

/// What is drawn stays drawn: a failure names its seed.
const SEED: u64 = 20_261_125;

fn finishes(folder: &Path) {
    is_well(&demo(&["--orders", ORDERS, "--seed", "7", "--exit"], folder).output().unwrap(), 25);
}

/// Kills at two occurrences of a step that the seed draws, then lets it finish.
fn killed_at(step: &str) {
    use std::os::unix::process::ExitStatusExt as _;
    let folder = tempfile::tempdir().unwrap();
    let mut chance = fastrand::Rng::with_seed(SEED);
    for occurrence in [chance.u32(1..8), chance.u32(1..20)] {
        let mut command = demo(&["--orders", ORDERS, "--seed", "7", "--exit"], folder.path());
        let killed = command.env("DRAYLINE__REHEARSAL__KILL_AT", format!("{step}:{occurrence}")).output().unwrap();
        let said = String::from_utf8_lossy(&killed.stderr);
        assert_eq!(killed.status.signal(), Some(9), "{step}:{occurrence}, seed {SEED}: {said}");
    }
    finishes(folder.path());
}

#[test]
fn killed_after_a_call_and_before_its_record() {
    killed_at("call.made");
}

#[test]
fn killed_after_a_commit_and_before_the_acknowledgement() {
    killed_at("record.committed");
}

#[test]
fn killed_in_the_middle_of_a_publish() {
    killed_at("publish.sent");
}

#[test]
fn killed_after_a_publish_and_before_its_row_is_gone() {
    killed_at("publish.confirmed");
}

#[tokio::test]
async fn killed_at_random_instants() {
    let folder = tempfile::tempdir().unwrap();
    let mut chance = fastrand::Rng::with_seed(SEED);
    for _ in 0..4 {
        let mut command = demo(&["--orders", ORDERS, "--seed", "7", "--exit"], folder.path());
        let mut child = command.stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        let dies = Instant::now() + Duration::from_millis(chance.u64(200..2500));
        let mut looks = tokio::time::interval(Duration::from_millis(5));
        // On a fast machine it may be through before: then there is nothing left to kill.
        while Instant::now() < dies && child.try_wait().unwrap().is_none() {
            looks.tick().await;
        }
        let _ = child.kill();
        child.wait().unwrap();
    }
    finishes(folder.path());
}
