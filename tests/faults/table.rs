//! The table of a run: one line for each fault, whether it went well or not.

use std::io::Write as _;
use std::time::Duration;

use drayline::sandbox::Verdict;

/// Where `scripts/faults` collects the lines; nothing when nobody collects.
const COLLECTED: &str = "DRAYLINE_TEST_FAULTS";

/// Where it collects the hand-overs.
const HAND_OVERS: &str = "DRAYLINE_TEST_HAND_OVERS";

/// Partitions that went from one worker to another.
pub struct HandOver {
    /// Since the load began.
    pub at: Duration,
    /// `join`, `leave` (SIGTERM), `kill` (SIGKILL).
    pub how: &'static str,
    pub who: String,
    pub moved: usize,
    /// Until the newcomer owned something, or nothing was the leaver's any more.
    pub taken: Duration,
    /// Until everybody had a fair share.
    pub fair: Duration,
}

impl HandOver {
    pub fn write(&self) {
        let seconds = |time: Duration| format!("{:.1} s", time.as_secs_f64());
        let cells = [seconds(self.at), self.how.to_owned(), self.who.clone(), self.moved.to_string()];
        collect(HAND_OVERS, &format!("{}\t{}\t{}", cells.join("\t"), seconds(self.taken), seconds(self.fair)));
    }
}

fn collect(place: &str, line: &str) {
    println!("{line}");
    if let Some(path) = std::env::var_os(place) {
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
        file.write_all(format!("{line}\n").as_bytes()).unwrap();
    }
}

/// The line of one fault; one that never came to a verdict says so when it is dropped.
pub struct Row {
    fault: String,
    pub load: String,
    written: bool,
}

impl Row {
    pub fn of(fault: &str, load: String) -> Self {
        Self { fault: fault.to_owned(), load, written: false }
    }

    /// What was found: `notes` say what was done to the processes, and what was declared.
    pub fn found(&mut self, verdict: &Verdict, events: u64, settled: Duration, notes: &str) {
        let load = format!("{}, {events} events", self.load);
        let applied = verdict.posted + verdict.returns;
        let figures = [applied, verdict.lost, verdict.duplicated, verdict.out_of_order].map(|n| n.to_string());
        let settled = format!("{:.1} s", settled.as_secs_f64());
        self.write(&[&load, &figures[0], &figures[1], &figures[2], &figures[3], &settled, notes]);
    }

    fn write(&mut self, cells: &[&str]) {
        self.written = true;
        collect(COLLECTED, &format!("{}\t{}", self.fault, cells.join("\t")));
    }
}

impl Drop for Row {
    fn drop(&mut self) {
        if !self.written {
            let load = self.load.clone();
            self.write(&[&load, "-", "-", "-", "-", "never", "it did not come to a verdict"]);
        }
    }
}
