//! The table of a run: one line for each fault, whether it went well or not.

use std::io::Write as _;
use std::time::Duration;

use drayline::sandbox::Verdict;

/// Where `scripts/faults` collects the lines; nothing when nobody collects.
const COLLECTED: &str = "DRAYLINE_TEST_FAULTS";

/// The line of one fault; one that never came to a verdict says so when it is dropped.
pub struct Row {
    fault: String,
    load: String,
    written: bool,
}

impl Row {
    pub fn of(fault: &str, load: String) -> Self {
        Self { fault: fault.to_owned(), load, written: false }
    }

    /// What was found: `notes` say what was done to the processes, and what was declared.
    pub fn found(&mut self, verdict: &Verdict, events: u64, settled: Duration, notes: &str) {
        let load = format!("{}, {events} events", self.load);
        let figures = [verdict.posted, verdict.lost, verdict.duplicated, verdict.out_of_order].map(|n| n.to_string());
        let settled = format!("{:.1} s", settled.as_secs_f64());
        self.write(&[&load, &figures[0], &figures[1], &figures[2], &figures[3], &settled, notes]);
    }

    fn write(&mut self, cells: &[&str]) {
        self.written = true;
        let line = format!("{}\t{}\n", self.fault, cells.join("\t"));
        print!("{line}");
        if let Some(path) = std::env::var_os(COLLECTED) {
            let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
            file.write_all(line.as_bytes()).unwrap();
        }
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
