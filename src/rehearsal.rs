//! Failures on purpose: the process kills or freezes itself at a named step, so that crashes can be rehearsed with real
//! processes.
//!
//! `rehearsal.kill_at = "call.made:3"` kills it when it has made a changing call for the third time. Nothing is
//! flushed, closed or told: what is not on disk by then is lost, as in a crash. `rehearsal.freeze_at` stops it there
//! until somebody sends it SIGCONT: it then goes on as if nothing had been. Without these values nothing ever happens.

mod broken;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

#[cfg(feature = "broken")]
pub use broken::break_in_this_thread;
pub use broken::{Variant, broken};

/// Steps at which a crash hurts most, in the order in which a message passes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// An accepted message was handed to the transport, and its confirm has not come.
    AcceptSent,
    /// An accepted message is durable, and its sender has no answer.
    AcceptDurable,
    /// The store said what is known of a message, and nothing of its attempt has begun.
    LookUpAnswered,
    /// The intents of an attempt are committed, and no call has left.
    IntentCommitted,
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
    pub const ALL: [Self; 8] = [
        Self::AcceptSent,
        Self::AcceptDurable,
        Self::LookUpAnswered,
        Self::IntentCommitted,
        Self::CallMade,
        Self::RecordCommitted,
        Self::PublishSent,
        Self::PublishConfirmed,
    ];

    /// The name in the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AcceptSent => "accept.sent",
            Self::AcceptDurable => "accept.durable",
            Self::LookUpAnswered => "look_up.answered",
            Self::IntentCommitted => "intent.committed",
            Self::CallMade => "call.made",
            Self::RecordCommitted => "record.committed",
            Self::PublishSent => "publish.sent",
            Self::PublishConfirmed => "publish.confirmed",
        }
    }
}

/// What is rehearsed, if anything. Cheap to clone; all clones count together.
#[derive(Clone, Debug, Default)]
pub struct Rehearsal {
    kill: Option<Arc<Occurrence>>,
    freeze: Option<Arc<Occurrence>>,
}

#[derive(Debug)]
struct Occurrence {
    step: Step,
    at: u64,
    reached: AtomicU64,
}

impl Rehearsal {
    /// Reads two texts like `step:n`; the empty text rehearses nothing.
    ///
    /// # Errors
    /// A sentence that says what is wrong with a text.
    pub fn parse(kill_at: &str, freeze_at: &str) -> Result<Self, String> {
        Ok(Self { kill: Occurrence::parse(kill_at)?, freeze: Occurrence::parse(freeze_at)? })
    }

    /// A step was reached; the process ends or freezes here when this is the time to.
    pub fn reached(&self, step: Step) {
        if self.kill.as_ref().is_some_and(|kill| kill.has_come(step)) {
            signal_this_process("-KILL");
            // Where there is no such command, the process still ends here and now.
            std::process::abort();
        }
        if self.freeze.as_ref().is_some_and(|freeze| freeze.has_come(step)) {
            signal_this_process("-STOP");
        }
    }

    /// Does something whose first step hands it over and then waits; `step` is reached as soon as it waits.
    pub async fn handed_over<T>(&self, step: Step, doing: impl Future<Output = T>) -> T {
        tokio::pin!(doing);
        tokio::select! {
            biased;
            done = &mut doing => return done,
            () = std::future::ready(()) => self.reached(step),
        }
        doing.await
    }
}

impl Occurrence {
    fn parse(text: &str) -> Result<Option<Arc<Self>>, String> {
        if text.is_empty() {
            return Ok(None);
        }
        let names = Step::ALL.map(Step::as_str).join(", ");
        let strange = || format!("{text:?} is not a step and a number like \"call.made:3\"; steps are {names}");
        let (name, at) = text.split_once(':').ok_or_else(strange)?;
        let step = Step::ALL.into_iter().find(|step| step.as_str() == name).ok_or_else(strange)?;
        let at = at.parse().ok().filter(|at| *at > 0).ok_or_else(strange)?;
        Ok(Some(Arc::new(Self { step, at, reached: AtomicU64::new(0) })))
    }

    fn has_come(&self, step: Step) -> bool {
        self.step == step && self.reached.fetch_add(1, Ordering::SeqCst) + 1 == self.at
    }
}

/// From outside, as an operating system or an operator would: no destructor runs, and nothing is told.
fn signal_this_process(signal: &str) {
    let process = std::process::id().to_string();
    let _ = std::process::Command::new("kill").args([signal, &process]).status();
}
