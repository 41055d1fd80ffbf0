//! What is remembered of the reports of receipts: which there were, which of two is the newer one, and what was asked.
//!
//! As all facts: members may be added with a default, never renamed.

use std::cmp::Ordering;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::message::{Connection, Reference};

/// Where a report stands among those of one receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reported {
    /// The warehouse's own number of it.
    pub sequence: Option<u64>,
    /// When the warehouse says that it happened.
    pub at: Timestamp,
    /// Whether it is the warehouse that says so; else it is merely when we heard of it.
    pub exact: bool,
}

impl Reported {
    /// Which of two reports is the newer one: by number, else by time; nothing when neither tells.
    pub(super) fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self.sequence, other.sequence) {
            (Some(this), Some(that)) => Some(this.cmp(&that)),
            _ if self.exact && other.exact => Some(self.at.cmp(&other.at)),
            _ => None,
        }
    }
}

/// Facts of `count_receipt`: a report that was worked on, also where nothing came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CountedReceipt {
    /// The warehouse's key of the receipt.
    pub receipt_key: String,
    /// Whose key it is.
    pub warehouse: Connection,
    /// Of which announcement.
    pub reference: Reference,
    /// Where it stands among the reports of its receipt.
    pub reported: Reported,
    /// The sender's own id of the fact, where it reports what is added and not totals.
    #[serde(default)]
    pub fact: Option<String>,
    /// The lines it spoke of, as far as it could be counted.
    pub lines: Vec<String>,
    /// Every line and item that it spoke of, as the warehouse named them, counted or not.
    #[serde(default)]
    pub spoke: Vec<String>,
    /// What it said, where it adds: so the same fact that says something else is seen.
    #[serde(default)]
    pub said: String,
    /// A part of it was not posted at once: a person was asked, or something goes first.
    #[serde(default)]
    pub asked: bool,
    /// No more will come.
    #[serde(default)]
    pub is_final: bool,
}

/// Facts of `short_receipt`: a person was asked for what is missing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AskedForTheRest {
    /// Of which announcement.
    pub reference: Reference,
    /// By which report.
    #[serde(default)]
    pub reported: Option<Reported>,
}
