//! What a person sees while the demo runs: a live line per stage, or plain lines where there is no terminal.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};

use crate::cli::output;

/// Where the orders are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) released: u64,
    pub(super) held: u64,
    pub(super) shipped: u64,
    pub(super) posted: u64,
    /// Receipts that the warehouse has counted to the end.
    pub(super) received: u64,
    /// Adjustments of stock that Dynamics took.
    pub(super) adjusted: u64,
    /// Returns that the warehouse has inspected to the end.
    pub(super) inspected: u64,
    /// Notes by which Dynamics credited some of them.
    pub(super) credit_notes: u64,
    pub(super) parked: u64,
    pub(super) exceptions: u64,
    /// What stands behind one.
    pub(super) followers: u64,
    pub(super) events_waiting: u64,
    /// Whatever else moves.
    pub(super) pulse: u64,
}

/// What happened last that is shown on a terminal, in lines.
const LAST_SHOWN: usize = 6;

/// The live view.
pub(super) struct View {
    bars: Option<Bars>,
}

struct Bars {
    all: MultiProgress,
    stages: [ProgressBar; 4],
    line: ProgressBar,
    last: [ProgressBar; LAST_SHOWN],
}

impl View {
    pub(super) fn start(orders: u64) -> Self {
        let all = MultiProgress::new();
        // A terminal that cannot move its cursor hides bars; lines it can show.
        let bars = (std::io::stderr().is_terminal() && !all.is_hidden()).then(|| {
            let rate = |state: &ProgressState, text: &mut dyn std::fmt::Write| {
                // A text takes everything.
                let _ = write!(text, "{:.0}/s", state.per_sec());
            };
            let style = ProgressStyle::with_template("{prefix:>24} {wide_bar} {pos:>6}/{len} {rate:>8}")
                .unwrap_or_else(|_| ProgressStyle::default_bar())
                .with_key("rate", rate);
            let stage = |name: &'static str| {
                let bar = all.add(ProgressBar::new(orders));
                bar.set_style(style.clone());
                bar.set_prefix(name);
                bar
            };
            let stages = [
                stage("released in Dynamics"),
                stage("held by the warehouse"),
                stage("shipped whole"),
                stage("posted in Dynamics"),
            ];
            let text = || {
                let line = all.add(ProgressBar::new_spinner());
                line.set_style(
                    ProgressStyle::with_template("{wide_msg}").unwrap_or_else(|_| ProgressStyle::default_bar()),
                );
                line
            };
            let (line, last) = (text(), std::array::from_fn(|_| text()));
            Bars { all, stages, line, last }
        });
        Self { bars }
    }

    /// A sentence for the person.
    pub(super) fn say(&self, sentence: &str) {
        match &self.bars {
            // A line that a terminal refuses is lost to nobody: the report comes at the end.
            Some(bars) => drop(bars.all.println(sentence)),
            None => output::note(sentence),
        }
    }

    /// Where everything is; `last` is what happened lately, oldest first.
    pub(super) fn show(&self, counts: &Counts, elapsed: Duration, last: &[String]) {
        let rest = format!(
            "{} received, {} adjusted, {} came back, {} credit notes, {} parked, {} exceptions, {} events on their way",
            counts.received,
            counts.adjusted,
            counts.inspected,
            counts.credit_notes,
            counts.parked,
            counts.exceptions,
            counts.events_waiting
        );
        if let Some(bars) = &self.bars {
            let values = [counts.released, counts.held, counts.shipped, counts.posted];
            for (bar, value) in bars.stages.iter().zip(values) {
                bar.set_position(value);
            }
            bars.line.set_message(rest);
            for (line, text) in bars.last.iter().zip(&last[last.len().saturating_sub(LAST_SHOWN)..]) {
                line.set_message(text.clone());
            }
        } else {
            let Counts { released, held, shipped, posted, .. } = counts;
            let elapsed = elapsed.as_secs_f64();
            output::note(&format!(
                "{elapsed:>5.1} s  released {released}  held {held}  shipped {shipped}  posted {posted}  ({rest})"
            ));
            if let Some(last) = last.last() {
                output::note(&format!("         {last}"));
            }
        }
    }

    /// How often it is worth showing something.
    pub(super) fn period(&self) -> Duration {
        if self.bars.is_some() { Duration::from_millis(200) } else { Duration::from_secs(2) }
    }

    pub(super) fn finish(&self) {
        if let Some(bars) = &self.bars {
            for bar in &bars.stages {
                bar.abandon();
            }
            for line in bars.last.iter().chain([&bars.line]) {
                line.finish_and_clear();
            }
        }
    }
}
