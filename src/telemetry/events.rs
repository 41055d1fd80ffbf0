//! The observable events.

use std::time::Duration;

use metrics::{counter, gauge, histogram};
use tracing::{info, warn};

use crate::message::Flow;

/// A request at the door was answered.
#[derive(Debug)]
pub struct IngestAnswered<'a> {
    /// The configured connection, or `unknown`.
    pub source: &'a str,
    /// The HTTP status.
    pub status: u16,
    /// What was made of it: `published`, `outbox`, `refused`, or why not.
    pub what: &'a str,
    /// The message, where there is one.
    pub message_id: Option<uuid::Uuid>,
    /// From the first byte to the answer.
    pub took: Duration,
}

impl IngestAnswered<'_> {
    /// Writes the line and moves the metrics.
    pub fn emit(&self) {
        let status = self.status.to_string();
        counter!("drayline_ingest_answers_total", "source" => self.source.to_owned(), "status" => status).increment(1);
        histogram!("drayline_ingest_answer_seconds").record(self.took);
        let message_id = self.message_id.map(|id| id.to_string());
        let took_ms = milliseconds(self.took);
        if self.status < 400 {
            tracing::debug!(
                source = self.source,
                status = self.status,
                what = self.what,
                message_id,
                took_ms,
                "ingest"
            );
        } else {
            info!(source = self.source, status = self.status, what = self.what, message_id, took_ms, "ingest");
        }
    }
}

/// One attempt ended: the one wide event.
#[derive(Debug)]
pub struct AttemptEnded<'a> {
    /// The message.
    pub message_id: uuid::Uuid,
    /// Its kind, as text.
    pub kind: &'a str,
    /// Its flow.
    pub flow: Flow,
    /// Its partition.
    pub partition: u16,
    /// The document.
    pub ordering_key: &'a str,
    /// Where it came from.
    pub connection: &'a str,
    /// Which attempt it was, from 1.
    pub attempt: u32,
    /// `applied`, `duplicate`, `not_ours`, `parked`, `discarded`, `failed`.
    pub outcome: &'a str,
    /// The failure's code.
    pub code: Option<&'a str>,
    /// The failure's sentence.
    pub sentence: Option<&'a str>,
    /// What it waits for now.
    pub waits_for: Option<&'a str>,
    /// When it is tried again.
    pub next_attempt_in: Option<Duration>,
    /// Effects that happened.
    pub effects: usize,
    /// The trace.
    pub trace_id: Option<&'a str>,
    /// How long the attempt took, calls included, the commit not.
    pub took: Duration,
    /// From the event to its effect; only for what was applied.
    pub event_to_effect: Option<Duration>,
}

impl AttemptEnded<'_> {
    /// Writes the line and moves the metrics.
    pub fn emit(&self) {
        let flow = self.flow.as_str();
        counter!("drayline_attempts_total", "flow" => flow, "outcome" => self.outcome.to_owned()).increment(1);
        histogram!("drayline_attempt_seconds", "flow" => flow).record(self.took);
        if let Some(age) = self.event_to_effect {
            histogram!("drayline_event_to_effect_seconds", "flow" => flow).record(age);
        }
        info!(
            message_id = %self.message_id,
            kind = self.kind,
            flow,
            partition = self.partition,
            ordering_key = self.ordering_key,
            connection = self.connection,
            attempt = self.attempt,
            outcome = self.outcome,
            code = self.code,
            sentence = self.sentence,
            waits_for = self.waits_for,
            next_attempt_in_ms = self.next_attempt_in.map(milliseconds),
            effects = self.effects,
            trace_id = self.trace_id,
            took_ms = milliseconds(self.took),
            event_to_effect_ms = self.event_to_effect.map(milliseconds),
            "attempt"
        );
    }
}

/// How much waits in the outbox.
#[derive(Debug)]
pub struct OutboxMeasured {
    /// Rows of all flows.
    pub rows: u64,
    /// Age of the oldest.
    pub oldest: Duration,
}

impl OutboxMeasured {
    /// Moves the metrics.
    pub fn emit(&self) {
        gauge!("drayline_outbox_rows").set(count(self.rows));
        gauge!("drayline_outbox_oldest_seconds").set(self.oldest.as_secs_f64());
    }
}

/// How much is parked, and why.
#[derive(Debug)]
pub struct ParkedMeasured<'a> {
    /// Of which flow.
    pub flow: Flow,
    /// `head`, `time`, `document`, `person`, `far_end`, `flow`.
    pub waits_for: &'a str,
    /// Messages.
    pub messages: u64,
}

impl ParkedMeasured<'_> {
    /// Moves the metrics.
    pub fn emit(&self) {
        let flow = self.flow.as_str();
        gauge!("drayline_parked", "flow" => flow, "waits_for" => self.waits_for.to_owned()).set(count(self.messages));
        if self.waits_for == "person" {
            gauge!("drayline_exceptions_open", "flow" => flow).set(count(self.messages));
        }
    }
}

/// A worker took or gave up partitions.
#[derive(Debug)]
pub struct OwnershipChanged {
    /// Of which flow.
    pub flow: Flow,
    /// How many it owns now.
    pub partitions: usize,
}

impl OwnershipChanged {
    /// Writes the line and moves the metrics.
    pub fn emit(&self) {
        gauge!("drayline_partitions_owned", "flow" => self.flow.as_str()).set(count(self.partitions as u64));
        info!(flow = self.flow.as_str(), partitions = self.partitions, "partitions");
    }
}

/// The store did not answer; the same statement is tried again.
#[derive(Debug)]
pub struct StoreAway<'a> {
    /// What was being done.
    pub doing: &'a str,
    /// Why it failed, with its sources.
    pub why: &'a str,
}

impl StoreAway<'_> {
    /// Writes the line and moves the metric.
    pub fn emit(&self) {
        counter!("drayline_store_retries_total").increment(1);
        warn!(doing = self.doing, why = self.why, "the store does not answer; trying again");
    }
}

/// A scan found what no event told.
#[derive(Debug)]
pub struct ScanFound<'a> {
    /// The Dynamics environment.
    pub connection: &'a str,
    /// The kind of the message that its event should have become.
    pub kind: &'a str,
    /// The document.
    pub document: &'a str,
}

impl ScanFound<'_> {
    /// Writes the line and moves the metric.
    pub fn emit(&self) {
        let (connection, kind) = (self.connection.to_owned(), self.kind.to_owned());
        counter!("drayline_scan_finds_total", "connection" => connection, "kind" => kind).increment(1);
        warn!(
            connection = self.connection,
            kind = self.kind,
            document = self.document,
            "found by a scan: its event never came"
        );
    }
}

/// A scan did not come to its end; the next one begins where it began.
#[derive(Debug)]
pub struct ScanFailed<'a> {
    /// The Dynamics environment.
    pub connection: &'a str,
    /// Why.
    pub why: &'a str,
}

impl ScanFailed<'_> {
    /// Writes the line and moves the metric.
    pub fn emit(&self) {
        counter!("drayline_scan_failures_total", "connection" => self.connection.to_owned()).increment(1);
        warn!(connection = self.connection, why = self.why, "a scan did not come to its end");
    }
}

/// A message was in a partition that its key does not belong to, and went on to its own.
#[derive(Debug)]
pub struct StrangerForwarded {
    /// Of which flow.
    pub flow: Flow,
    /// Where it was found.
    pub found_in: u16,
}

impl StrangerForwarded {
    /// Writes the line and moves the metric.
    pub fn emit(&self) {
        counter!("drayline_strangers_forwarded_total", "flow" => self.flow.as_str()).increment(1);
        warn!(flow = self.flow.as_str(), found_in = self.found_in, "a message was in a foreign partition; forwarded");
    }
}

/// An outbox row could not be delivered; it and what follows it stay and are sent again.
#[derive(Debug)]
pub struct RelayHeld<'a> {
    /// The target flow.
    pub flow: Flow,
    /// The message.
    pub message_id: uuid::Uuid,
    /// Why.
    pub why: &'a str,
}

impl RelayHeld<'_> {
    /// Writes the line and moves the metric.
    pub fn emit(&self) {
        counter!("drayline_relay_held_total", "flow" => self.flow.as_str()).increment(1);
        warn!(
            flow = self.flow.as_str(),
            message_id = %self.message_id,
            why = self.why,
            "an outbox row was not delivered; it is sent again"
        );
    }
}

/// A partition could not be subscribed to, or its worker lost the right to it.
#[derive(Debug)]
pub struct PartitionLeft<'a> {
    /// Of which flow.
    pub flow: Flow,
    /// Which partition.
    pub partition: u16,
    /// Why.
    pub why: &'a str,
}

impl PartitionLeft<'_> {
    /// Writes the line and moves the metric.
    pub fn emit(&self) {
        counter!("drayline_partitions_left_total", "flow" => self.flow.as_str()).increment(1);
        warn!(flow = self.flow.as_str(), partition = self.partition, why = self.why, "a partition was left");
    }
}

/// Something broke that must not break: a defect of Drayline. The house goes on.
#[derive(Debug)]
pub struct AssumptionBroken<'a> {
    /// What was being done.
    pub doing: &'a str,
    /// The message, where there is one.
    pub message_id: Option<uuid::Uuid>,
    /// What is known of it.
    pub why: &'a str,
}

impl AssumptionBroken<'_> {
    /// Writes the line and moves the metric.
    pub fn emit(&self) {
        counter!("drayline_assumptions_broken_total").increment(1);
        let message_id = self.message_id.map(|id| id.to_string());
        tracing::error!(doing = self.doing, message_id, why = self.why, "an assumption was broken");
    }
}

/// A message was not confirmed by the broker in time, and goes to the outbox.
#[derive(Debug)]
pub struct NotDeliveredKept<'a> {
    /// Of which flow.
    pub flow: Flow,
    /// Why.
    pub why: &'a str,
}

impl NotDeliveredKept<'_> {
    /// Writes the line and moves the metric.
    pub fn emit(&self) {
        counter!("drayline_publishes_undelivered_total", "flow" => self.flow.as_str()).increment(1);
        tracing::debug!(flow = self.flow.as_str(), why = self.why, "not delivered; to the outbox");
    }
}

/// A secret by which a sender is believed cannot be read: the sender was asked to come back.
#[derive(Debug)]
pub struct SecretUnread<'a> {
    /// The configured connection.
    pub connection: &'a str,
}

impl SecretUnread<'_> {
    /// Writes the line and moves the metric.
    pub fn emit(&self) {
        counter!("drayline_secrets_unread_total", "connection" => self.connection.to_owned()).increment(1);
        warn!(
            connection = self.connection,
            "a secret of this connection cannot be read; the sender was asked to come back"
        );
    }
}

pub(super) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[allow(clippy::cast_precision_loss, reason = "a gauge is a float; counts stay far below 2^53")]
pub(super) fn count(value: u64) -> f64 {
    value as f64
}

/// A worker knows a newer version of the mapping, and plans with it from now on.
#[derive(Debug)]
pub struct MappingKnown {
    /// Which version.
    pub version: u64,
    /// How many rows it has.
    pub rows: usize,
}

impl MappingKnown {
    /// Writes the line and moves the metric.
    pub fn emit(&self) {
        gauge!("drayline_mapping_version").set(count(self.version));
        info!(version = self.version, rows = self.rows, "mapping known");
    }
}
