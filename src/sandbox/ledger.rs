//! What a sandbox writes down about every call and every event it sent.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::faults::Fault;

/// The method in lines about events that the sandbox sent.
pub const EVENT: &str = "EVENT";

/// One call that was received, or one event that was sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LedgerLine {
    /// Counts from 1, without gaps, over restarts.
    pub n: u64,
    /// When the call was looked at, or the event was sent.
    pub at: Timestamp,
    /// The HTTP method, or [`EVENT`].
    pub method: String,
    /// The path of the call; the type of the event.
    pub path: String,
    /// The document: our reference (warehouse), the released request (Finance & Operations).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The key of the row, the id of the order, the id of the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What within the document the event is about: a shipment, a package, an update. What a `$batch` brings: its entities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// What the call did.
    pub effect: Effect,
    /// What was answered, by us or by whom the event went to; 0 where there was no answer.
    pub status: u16,
    /// It came within another call, a `$batch`, whose own line follows.
    #[serde(default, skip_serializing_if = "is_false")]
    pub within: bool,
    /// Which attempt to send the event, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// When the event was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_at: Option<Timestamp>,
    /// The faults that struck it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
}

/// What a call did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Something new is there.
    Created,
    /// Something that was there is different now.
    Changed,
    /// The same was asked for before.
    Repeated,
    /// It was not done.
    Refused,
    /// It only looked.
    #[default]
    None,
}

impl LedgerLine {
    /// Whether it tells of an event that was taken with 2xx.
    #[must_use]
    pub fn accepted_event(&self) -> bool {
        self.method == EVENT && (200..300).contains(&self.status)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the serialiser asks so")]
fn is_false(value: &bool) -> bool {
    !value
}
