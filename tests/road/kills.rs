//! The whole demo is killed in the middle and started again on the same data: nothing is lost, nothing happens twice.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn demo(data: &Path, kill_at: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_drayline"))
        .args(["demo", "--orders", "25", "--seed", "7", "--exit", "--json", "--data"])
        .arg(data)
        .env("DRAYLINE__INGEST__LISTEN", "127.0.0.1:0")
        .env("DRAYLINE__OPERATIONS__LISTEN", "127.0.0.1:0")
        .env("DRAYLINE__REHEARSAL__KILL_AT", kill_at)
        .output()
        .unwrap()
}

fn killed_and_continued(steps: &[&str]) {
    use std::os::unix::process::ExitStatusExt as _;
    let folder = tempfile::tempdir().unwrap();
    for step in steps {
        let killed = demo(folder.path(), step);
        assert_eq!(killed.status.signal(), Some(9), "{step}: {}", String::from_utf8_lossy(&killed.stderr));
    }
    let finished = demo(folder.path(), "");
    let said = String::from_utf8_lossy(&finished.stderr);
    let report: Value = serde_json::from_slice(&finished.stdout).unwrap_or_else(|_| panic!("{said}"));
    for (figure, wanted) in
        [("orders", 25), ("shipped", 25), ("posted", 25), ("lost", 0), ("duplicated", 0), ("out_of_order", 0)]
    {
        assert_eq!(report[figure], wanted, "{figure} in {report}\n{said}");
    }
    assert!(finished.status.success(), "{said}");
}

#[test]
fn killed_after_a_call_and_before_its_record() {
    killed_and_continued(&["call.made:3", "call.made:17"]);
}

#[test]
fn killed_after_a_commit_and_before_the_acknowledgement() {
    killed_and_continued(&["record.committed:5", "record.committed:20"]);
}

#[test]
fn killed_in_the_middle_of_a_publish() {
    killed_and_continued(&["publish.sent:1", "publish.sent:7"]);
}
