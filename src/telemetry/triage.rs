//! What triage does.

use metrics::counter;
use tracing::{debug, info, warn};

use uuid::Uuid;

use crate::message::Flow;

/// Dead letters were taken in.
#[derive(Debug)]
pub struct ExceptionsAnnounced {
    /// Of which flow.
    pub flow: Flow,
    /// How many.
    pub announcements: usize,
}

impl ExceptionsAnnounced {
    /// Writes the line and moves the metric.
    pub fn emit(&self) {
        let announcements = u64::try_from(self.announcements).unwrap_or(u64::MAX);
        counter!("drayline_dead_letters_total", "flow" => self.flow.as_str()).increment(announcements);
        info!(flow = self.flow.as_str(), announcements, "exceptions announced");
    }
}

/// The scan has looked at everything that is parked for a person.
#[derive(Debug)]
pub struct ExceptionsScanned {
    /// Exceptions that no announcement had opened yet.
    pub found: u64,
    /// Exceptions whose message has ended.
    pub closed: u64,
}

impl ExceptionsScanned {
    /// Writes the line and moves the metrics.
    pub fn emit(&self) {
        counter!("drayline_exceptions_scanned_total").increment(self.found);
        counter!("drayline_exceptions_closed_total").increment(self.closed);
        if self.found > 0 || self.closed > 0 {
            debug!(found = self.found, closed = self.closed, "exceptions scanned");
        }
    }
}

/// The broker had given a message up; it is back in its partition, to be parked.
#[derive(Debug)]
pub struct StrandedReturned<'a> {
    /// Of which flow.
    pub flow: Flow,
    /// The message.
    pub message_id: uuid::Uuid,
    /// Why the broker gave it up.
    pub reason: &'a str,
}

impl StrandedReturned<'_> {
    /// Writes the line and moves the metric.
    pub fn emit(&self) {
        counter!("drayline_stranded_total", "flow" => self.flow.as_str()).increment(1);
        let flow = self.flow.as_str();
        warn!(flow, message_id = %self.message_id, reason = self.reason, "the broker gave a message up; it is parked for a person");
    }
}

/// A campaign came to another state by itself.
#[derive(Debug)]
pub struct CampaignTurned<'a> {
    /// Which one.
    pub id: Uuid,
    /// The state.
    pub to: &'a str,
    /// Why.
    pub reason: &'a str,
}

impl CampaignTurned<'_> {
    /// Writes the line and moves the metrics.
    pub fn emit(&self) {
        counter!("drayline_campaigns_turned_total", "to" => self.to.to_owned()).increment(1);
        info!(campaign = %self.id, to = self.to, reason = self.reason, "a replay campaign turned");
    }
}
