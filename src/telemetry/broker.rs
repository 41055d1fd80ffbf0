//! The observable events of the broker.

use metrics::{counter, gauge};
use tracing::{info, warn};

/// The broker's session began or ended.
#[derive(Debug)]
pub struct SessionChanged<'a> {
    /// Whether it began.
    pub up: bool,
    /// Counted from 1.
    pub generation: u64,
    /// Why it ended.
    pub why: Option<&'a str>,
}

impl SessionChanged<'_> {
    /// Writes the line and moves the metrics.
    pub fn emit(&self) {
        gauge!("drayline_broker_up").set(if self.up { 1.0 } else { 0.0 });
        if self.up {
            info!(generation = self.generation, "broker session began");
        } else {
            warn!(generation = self.generation, why = self.why, "broker session ended; connecting again");
        }
    }
}

/// The broker began or ceased to take messages: it is short of memory or disk.
#[derive(Debug)]
pub struct BrokerBlocked<'a> {
    /// The broker's reason; nothing when it takes messages again.
    pub reason: Option<&'a str>,
}

impl BrokerBlocked<'_> {
    /// Writes the line and moves the metric.
    pub fn emit(&self) {
        gauge!("drayline_broker_blocked").set(if self.reason.is_some() { 1.0 } else { 0.0 });
        if let Some(reason) = self.reason {
            warn!(reason, "the broker takes no messages; what should be published waits in the outbox");
        } else {
            info!("the broker takes messages again");
        }
    }
}

/// A queue that this process had seen was not there any more, and was made again.
#[derive(Debug)]
pub struct QueueLost<'a> {
    /// Its name.
    pub queue: &'a str,
}

impl QueueLost<'_> {
    /// Writes the line and moves the metric.
    pub fn emit(&self) {
        counter!("drayline_queues_lost_total").increment(1);
        warn!(
            queue = self.queue,
            "a queue was gone and is made again; messages that were in it are lost unless their senders repeat them"
        );
    }
}

/// People should know something about the broker.
#[derive(Debug)]
pub struct BrokerWarning<'a> {
    /// What.
    pub sentence: &'a str,
}

impl BrokerWarning<'_> {
    /// Writes the line.
    pub fn emit(&self) {
        warn!("{}", self.sentence);
    }
}
