//! The demonstration as a visitor runs it: the program itself, on both backings, with faults, twice on one folder, stuck.

use std::collections::BTreeSet;
use std::io::BufRead as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use drayline::sandbox::{FinanceOperations, Warehouse};
use serde_json::Value;

use crate::support::wait::until;
use crate::support::{Backing, Ground};

/// The demo on free ports; what it is told goes over the configuration.
pub fn demo(arguments: &[&str], data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_drayline"));
    command
        .args(["demo", "--json"])
        .args(arguments)
        .arg("--data")
        .arg(data)
        .env("DRAYLINE__INGEST__LISTEN", "127.0.0.1:0")
        .env("DRAYLINE__OPERATIONS__LISTEN", "127.0.0.1:0");
    command
}

/// What it printed; the whole of stdout is one JSON document.
pub fn report(output: &Output) -> Value {
    let said = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}"))
}

/// Every order is shipped and posted, and the far ends' ledgers find nothing wrong.
pub fn is_well(output: &Output, orders: u64) -> Value {
    let (report, said) = (report(output), String::from_utf8_lossy(&output.stderr));
    for (figure, wanted) in [
        ("orders", orders),
        ("shipped", orders),
        ("posted", orders),
        ("receipts", orders / 5),
        ("adjustments", orders / 5),
        ("returns", (orders / 10).max(8).min(orders)),
        ("waiting", 0),
        ("returns_waiting", 0),
        ("on_hand_mismatches", 0),
        ("lost", 0),
        ("duplicated", 0),
        ("out_of_order", 0),
    ] {
        assert_eq!(report[figure], wanted, "{figure} in {report}\n{said}");
    }
    assert!(output.status.success(), "{said}");
    report
}

#[test]
fn with_faults_every_kind_strikes_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let output = demo(&["--orders", "80", "--seed", "7", "--faults", "--exit"], folder.path()).output().unwrap();
    let report = is_well(&output, 80);
    for kind in ["latency", "refuse_429", "fail_5xx", "lose_answer", "duplicate", "reorder", "down"] {
        assert!(report["faults"][kind].as_u64() >= Some(1), "{kind} in {report}");
    }
}

/// By the far ends' own books: of the first six, made in Dynamics, each disposition once, and the sixth was refunded before. A shop
/// asked for the others, and one of them is exchanged.
#[test]
fn what_comes_back_has_every_disposition_and_is_credited_once() {
    let folder = tempfile::tempdir().unwrap();
    let report = is_well(&demo(&["--orders", "20", "--exit"], folder.path()).output().unwrap(), 20);
    let own = |name: &str| folder.path().join("demo").join(name);
    let dynamics = FinanceOperations::read(&own("finance-operations")).unwrap().state;
    let warehouse = Warehouse::read(&own("warehouse")).unwrap().state;
    let notes = dynamics["credit_notes"].as_array().unwrap();
    assert_eq!(report["credit_notes"], notes.len(), "{report}");
    // In which statuses its pieces lie, and how often each sort of credit note names it: for goods, and before.
    let seen = |number: u64| {
        let id = format!("RET{number:07}");
        let is_it = |held: &&Value| held["reference"].as_str().unwrap().starts_with(&format!("usmf-{id}-"));
        let held = warehouse["returns"].as_array().unwrap().iter().find(is_it).unwrap();
        let pieces = held["received"].as_array().unwrap().iter();
        let lie: BTreeSet<_> = pieces.map(|piece| piece["status"].as_str().unwrap()).collect();
        let credited = |refund: bool| notes.iter().any(|note| note["order"] == *id && note["refund"] == refund);
        (lie, credited(false), credited(true))
    };
    let only = |status: &'static str| BTreeSet::from([status]);
    assert_eq!(seen(1), (only("in no stock"), true, false), "scrapped and credited");
    let (restocked, credited, refunded) = seen(2);
    assert!(restocked.contains("available") && credited && !refunded, "{restocked:?}");
    assert_eq!(seen(3), (only("QUARANTINE"), true, false));
    assert_eq!(seen(4), (only("ON_HOLD"), true, false), "to be refurbished");
    assert_eq!(seen(5), (only("in no stock"), false, false), "given back to whom it belongs");
    assert_eq!(seen(6), (only("in no stock"), false, true), "written off, and refunded before");
    assert_eq!([7, 8].into_iter().filter(|number| !seen(*number).1).count(), 1, "exchanged");
    let returns = dynamics["returns"].as_array().unwrap().iter();
    let asked = returns.filter(|returned| !returned["reference"].as_str().unwrap().starts_with("SHP"));
    assert_eq!(
        asked.map(|returned| returned["id"].as_str().unwrap()).collect::<Vec<_>>(),
        ["RET0000007", "RET0000008"]
    );
}

#[tokio::test]
async fn on_servers_by_configuration_only() {
    let ground = Ground::fresh(Backing::Servers).await;
    let file = ground.data().join("drayline.toml");
    std::fs::write(&file, ground.toml("")).unwrap();
    let mut command = demo(&["--orders", "60", "--seed", "7", "--exit"], &ground.data().join("demo"));
    command.arg("--config").arg(file);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    is_well(&output, 60);
    ground.leave().await;
}

/// What waits, by code and order; the same for everybody who asks for so many orders.
fn waiting(data: &Path) -> Vec<(String, String, String)> {
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_drayline"));
        let output = command.args(arguments).args(["--json", "--data"]).arg(data).output().unwrap();
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let listed = run(&["exceptions", "list"]);
    let mut waiting: Vec<_> = listed["exceptions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|each| {
            let shown = run(&["exceptions", "show", each["id"].as_str().unwrap()]);
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            (text(&each["code"]), text(&each["document"]), text(&shown["detail"]))
        })
        .collect();
    waiting.sort();
    waiting
}

/// A bad day ends when whatever could go on has; what it tells people to do then mends it, and nothing happens twice.
#[tokio::test]
async fn a_bad_day_is_mended_by_the_commands_that_it_tells() {
    let folder = tempfile::tempdir().unwrap();
    let bad = ["--orders", "40", "--seed", "7", "--bad-day"];
    let ended = tokio::task::spawn_blocking({
        let mut command = demo(&[&bad[..], &["--exit"]].concat(), folder.path());
        move || command.output().unwrap()
    });
    let ended = ended.await.unwrap();
    let (told, said) = (report(&ended), String::from_utf8_lossy(&ended.stderr));
    assert!(ended.status.success(), "{said}");
    for (figure, wanted) in [
        ("orders", 40),
        ("posted", 35),
        ("waiting", 5),
        ("returns_waiting", 1),
        ("exceptions", 6),
        ("shipped", 36),
        ("receipts", 8),
        ("returns", 7),
    ] {
        assert_eq!(told[figure], wanted, "{figure} in {told}\n{said}");
    }
    for figure in ["lost", "duplicated", "out_of_order"] {
        assert_eq!(told[figure], 0, "{figure} in {told}\n{said}");
    }
    assert!(told["faults"]["down"].as_u64() >= Some(1), "the warehouse was away: {told}");
    let waits = waiting(folder.path());
    for ((code, order, words), wanted) in waits.iter().zip([
        ("dynamics.posting_failed", "order/contoso/usmf-SHP0000033", "the customer is on hold"),
        ("mapping.missing", "order/contoso/usmf-SHP0000008", ""),
        ("mapping.missing", "rma/contoso/RMA0000004", ""),
        ("warehouse.refused", "order/contoso/usmf-SHP0000016", "ITEM-2002 is not set up"),
        ("warehouse.refused", "order/contoso/usmf-SHP0000017", "ITEM-2002 is not set up"),
        ("warehouse.refused", "order/contoso/usmf-SHP0000025", "postalCode"),
    ]) {
        assert!((&**code, &**order) == (wanted.0, wanted.1) && words.contains(wanted.2), "{waits:?}");
    }
    assert_eq!(waits.len(), 6);

    // On the same folder it goes on, and says what to do.
    let mut running = Running(demo(&[], folder.path()).stderr(Stdio::piped()).spawn().unwrap());
    let mut lines = std::io::BufReader::new(running.0.stderr.take().unwrap()).lines().map(Result::unwrap);
    let hints: Vec<_> = lines.by_ref().take_while(|line| !line.contains("tells when everything is posted")).collect();
    let is_one = |line: &&str| ["drayline ", "curl ", "PLAN="].iter().any(|begin| line.starts_with(begin));
    let commands: Vec<_> = hints.iter().filter_map(|line| line.strip_prefix("      ")).filter(is_one).collect();
    let of = |begin: &str| commands.iter().filter(|command| command.starts_with(begin)).count();
    assert_eq!((of("drayline mapping set"), of("curl"), of("PLAN="), of("drayline replay start")), (2, 4, 1, 2));
    let program = Path::new(env!("CARGO_BIN_EXE_drayline")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let script = commands.join("\n");
    let mended = Command::new("sh").args(["-e", "-c", &script]).env("PATH", path).output().unwrap();
    assert!(mended.status.success(), "{script}\n{}", String::from_utf8_lossy(&mended.stderr));
    let sentence = lines.find(|line| line.contains("orders released")).unwrap();
    for figure in [
        "40 shipped, 40 posted",
        "8 returns posted",
        "0 mismatches on hand; 0 lost, 0 duplicated, 0 out of order; 0 exceptions, 0 orders and 0 returns wait",
    ] {
        assert!(sentence.contains(figure), "{sentence}");
    }
    assert_eq!(waiting(folder.path()), []);
}

#[test]
fn a_finished_one_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    is_well(&demo(&["--orders", "2", "--exit"], folder.path()).output().unwrap(), 2);
    is_well(&demo(&["--orders", "4", "--exit"], folder.path()).output().unwrap(), 4);
}

/// A demo that runs, ended when it is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn a_second_one_in_the_same_folder_is_refused_and_touches_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let _running = Running(demo(&["--orders", "1"], folder.path()).stderr(Stdio::null()).spawn().unwrap());
    let steps = || {
        let mut show = Command::new(env!("CARGO_BIN_EXE_drayline"));
        show.args(["documents", "show", "usmf-SHP0000001-W1", "--json", "--data"]).arg(folder.path());
        let shown = show.output().unwrap();
        let shown: Value = serde_json::from_slice(&shown.stdout).unwrap_or_default();
        shown["documents"][0]["steps"].as_array().map_or(0, Vec::len)
    };
    let finished = || {
        let memory = std::fs::read_to_string(folder.path().join("demo.json")).unwrap_or_default();
        serde_json::from_str::<Value>(&memory).is_ok_and(|memory| memory["finished"] == true)
    };
    until("the first one is finished", async || finished().then_some(())).await;
    let before = steps();
    assert!(before > 0);
    let second = demo(&["--orders", "1", "--exit"], folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&second.stderr);
    assert_eq!(second.status.code(), Some(1), "{said}");
    assert!(said.contains("Another drayline process works in"), "{said}");
    assert_eq!(steps(), before, "nothing is gone");
}

/// Where calls to this machine are forbidden nothing moves: after half a minute it is said what is stuck, and why.
#[test]
fn stuck_it_says_what_and_why() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = demo(&["--orders", "2", "--exit"], folder.path());
    let output = command.env("DRAYLINE__GATEWAYS__PRIVATE_ADDRESSES", "false").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("Stuck: 2 messages are parked."), "{said}");
    assert!(said.contains("[dynamics.unavailable]"), "{said}");
    let report = report(&output);
    assert_eq!((&report["orders"], &report["shipped"]), (&Value::from(2), &Value::from(0)), "{said}");
}
