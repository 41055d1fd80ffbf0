//! Failures on purpose: the process kills itself at a named step, so that crashes can be rehearsed with real processes.
//!
//! `rehearsal.kill_at = "call.made:3"` kills it when it has made a changing call for the third time. Nothing is
//! flushed, closed or told: what is not on disk by then is lost, as in a crash. Without that value nothing ever happens.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Steps at which a crash hurts most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A far end answered a changing call, and nothing of it is recorded.
    CallMade,
    /// An attempt is recorded, and its delivery not acknowledged.
    RecordCommitted,
    /// A message was handed to the transport, and its confirm has not come.
    PublishSent,
    /// A message is confirmed, and its outbox row not deleted.
    PublishConfirmed,
}

impl Step {
    /// Every step.
    pub const ALL: [Self; 4] = [Self::CallMade, Self::RecordCommitted, Self::PublishSent, Self::PublishConfirmed];

    /// The name in the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CallMade => "call.made",
            Self::RecordCommitted => "record.committed",
            Self::PublishSent => "publish.sent",
            Self::PublishConfirmed => "publish.confirmed",
        }
    }
}

/// The crash that is rehearsed, if any. Cheap to clone; all clones count together.
#[derive(Clone, Debug, Default)]
pub struct Rehearsal(Option<Arc<Crash>>);

#[derive(Debug)]
struct Crash {
    step: Step,
    at: u64,
    reached: AtomicU64,
}

impl Rehearsal {
    /// Reads `step:n`; the empty text rehearses nothing.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the text.
    pub fn parse(kill_at: &str) -> Result<Self, String> {
        if kill_at.is_empty() {
            return Ok(Self(None));
        }
        let names = Step::ALL.map(Step::as_str).join(", ");
        let strange = || format!("{kill_at:?} is not a step and a number like \"call.made:3\"; steps are {names}");
        let (name, at) = kill_at.split_once(':').ok_or_else(strange)?;
        let step = Step::ALL.into_iter().find(|step| step.as_str() == name).ok_or_else(strange)?;
        let at = at.parse().ok().filter(|at| *at > 0).ok_or_else(strange)?;
        Ok(Self(Some(Arc::new(Crash { step, at, reached: AtomicU64::new(0) }))))
    }

    /// A step was reached; the process ends here when this is the time to.
    pub fn reached(&self, step: Step) {
        if let Some(crash) = &self.0
            && crash.step == step
            && crash.reached.fetch_add(1, Ordering::SeqCst) + 1 == crash.at
        {
            kill_this_process();
        }
    }
}

/// From outside, as an operating system or an operator would: no destructor runs, and nothing is told.
fn kill_this_process() {
    let process = std::process::id().to_string();
    // Where there is no such command, the process still ends here and now.
    let _ = std::process::Command::new("kill").args(["-9", &process]).status();
    std::process::abort();
}
