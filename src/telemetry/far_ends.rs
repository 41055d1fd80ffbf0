//! What is seen of far ends: calls, how each is paced, and who waits for it.

use std::time::Duration;

use metrics::{counter, gauge, histogram};
use tracing::{info, warn};

use super::events::{count, milliseconds};
use crate::message::Flow;

/// A far end answered, or did not.
#[derive(Debug)]
pub struct FarEndCalled<'a> {
    /// The configured connection.
    pub connection: &'a str,
    /// What was called, in our words: `create_order`.
    pub call: &'a str,
    /// The HTTP status, or `none`.
    pub status: &'a str,
    /// How long it took.
    pub took: Duration,
}

impl FarEndCalled<'_> {
    /// Writes the line and moves the metrics.
    pub fn emit(&self) {
        let labels = [("connection", self.connection.to_owned()), ("status", self.status.to_owned())];
        counter!("drayline_far_end_calls_total", &labels).increment(1);
        histogram!("drayline_far_end_call_seconds", "connection" => self.connection.to_owned()).record(self.took);
        let took_ms = milliseconds(self.took);
        tracing::debug!(connection = self.connection, call = self.call, status = self.status, took_ms, "far end");
    }
}

/// A far end is called again, or not any more.
#[derive(Debug)]
pub struct FarEndChanged<'a> {
    /// The configured connection.
    pub connection: &'a str,
    /// `closed`, `half_open`, `open`, `paused`: the state until now,
    pub before: &'a str,
    /// and the state from now on.
    pub state: &'a str,
    /// Acts at a time that it bears.
    pub limit: usize,
}

impl FarEndChanged<'_> {
    /// Writes the line and moves the metrics.
    pub fn emit(&self) {
        let Self { connection, before, state, limit } = self;
        show(connection, state);
        if matches!(*state, "open" | "paused") {
            warn!(connection, before, state, limit, "a far end is left alone; its messages wait");
        } else {
            info!(connection, before, state, limit, "a far end is called again");
        }
    }
}

/// How a far end is paced.
#[derive(Debug)]
pub struct FarEndMeasured<'a> {
    /// The configured connection.
    pub connection: &'a str,
    /// `closed`, `half_open`, `open`, `paused`.
    pub state: &'a str,
    /// Acts at a time that it bears.
    pub limit: usize,
    /// Acts under way.
    pub under_way: usize,
    /// Acts in line for a place.
    pub in_line: usize,
    /// Messages that wait for it in the store.
    pub waiting: u64,
}

impl FarEndMeasured<'_> {
    /// Moves the metrics.
    pub fn emit(&self) {
        show(self.connection, self.state);
        let connection = || self.connection.to_owned();
        gauge!("drayline_far_end_limit", "connection" => connection()).set(count(self.limit as u64));
        gauge!("drayline_far_end_under_way", "connection" => connection()).set(count(self.under_way as u64));
        gauge!("drayline_far_end_in_line", "connection" => connection()).set(count(self.in_line as u64));
        gauge!("drayline_far_end_waiting", "connection" => connection()).set(count(self.waiting));
    }
}

/// A partition stopped reading its queue, or reads again.
#[derive(Debug)]
pub struct ReadingChanged<'a> {
    /// Of which flow.
    pub flow: Flow,
    /// Which partition.
    pub partition: u16,
    /// What too many messages wait for; nothing when it reads again.
    pub too_many_wait_for: Option<&'a str>,
}

impl ReadingChanged<'_> {
    /// Writes the line and moves the metric.
    pub fn emit(&self) {
        let Self { flow, partition, too_many_wait_for } = self;
        let gauge = gauge!("drayline_partitions_not_read", "flow" => flow.as_str());
        let flow = flow.as_str();
        if let Some(waits_for) = too_many_wait_for {
            gauge.increment(1.0);
            warn!(
                flow,
                partition, waits_for, "as much waits as may; the partition does not read its queue until it is less"
            );
        } else {
            gauge.decrement(1.0);
            info!(flow, partition, "the partition reads its queue again");
        }
    }
}

/// One of the states is 1, the others are 0.
fn show(connection: &str, state: &str) {
    for each in ["closed", "half_open", "open", "paused"] {
        let labels = [("connection", connection.to_owned()), ("state", each.to_owned())];
        gauge!("drayline_far_end_state", &labels).set(if each == state { 1.0 } else { 0.0 });
    }
}
