//! How stock adjustments are posted in a Dynamics environment, where customers differ or the documentation leaves it open.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How stock adjustments are posted.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Adjustments {
    /// The entity that adjustments are written to.
    pub entity: String,
    /// The sort of external system that they come from, as the environment's enumeration spells it.
    pub external_system_type: String,
    /// The external system; empty: the name of the warehouse connection.
    pub external_system_id: String,
    /// The member that takes a reason's adjustment type; empty: there is none.
    pub type_field: String,
    /// Adjustments that share one request, at most.
    pub lines_max: usize,
    /// Requests at a time, per company. While so many are under way whoever comes waits, and goes with the next one.
    pub requests_at_once_max: usize,
    /// Words by which Dynamics says that there is not so much on hand, in the languages that it speaks.
    pub short_words: Vec<String>,
    /// What each reason is posted to, by our code or by the warehouse's own word. A reason that is not named here is posted
    /// as [`ReasonPosting::of`] says.
    pub reasons: BTreeMap<String, ReasonPosting>,
    /// Dynamics' inventory status for each of ours (`ON_HOLD = "Blocked"`). Others are spelled as [`Self::status`] says.
    pub statuses: BTreeMap<String, String>,
}

/// What a reason is posted to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReasonPosting {
    /// The adjustment type; empty: Dynamics' own default.
    pub posted_to: String,
    /// A movement of this reason that names a document belongs to one that is posted as such.
    pub belongs_to: Option<BelongsTo>,
}

/// A document that is posted as such, with all its movements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BelongsTo {
    /// What left.
    Shipment,
    /// What came in.
    Receipt,
    /// What came back.
    Return,
}

impl BelongsTo {
    /// The name of such a document.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shipment => "shipment",
            Self::Receipt => "receipt",
            Self::Return => "return",
        }
    }
}

impl Adjustments {
    /// What a reason is posted to: by the warehouse's own word, else by our code; nothing for one that nobody knows.
    #[must_use]
    pub fn posting(&self, code: &str, raw: Option<&str>) -> Option<ReasonPosting> {
        let named = |name: &str| {
            let found = self.reasons.iter().find(|(reason, _)| reason.eq_ignore_ascii_case(name));
            found.map(|(_, posting)| posting.clone())
        };
        raw.and_then(named).or_else(|| named(code)).or_else(|| ReasonPosting::of(code))
    }

    /// Dynamics' inventory status: as configured, else our code with a capital for each word (`ON_HOLD` is `OnHold`);
    /// nothing for a status that nobody knows.
    #[must_use]
    pub fn status(&self, code: &str, raw: Option<&str>) -> Option<String> {
        let named = |name: &str| {
            let found = self.statuses.iter().find(|(status, _)| status.eq_ignore_ascii_case(name));
            found.map(|(_, status)| status.clone())
        };
        let spelled = || (code != "OTHER").then(|| capitals(code));
        raw.and_then(named).or_else(|| named(code)).or_else(spelled)
    }
}

impl ReasonPosting {
    /// The default: every reason that we know is an adjustment; corrections of shipments and receipts, and what a return
    /// puts back, belong to their document when they name one. What a warehouse calls otherwise is asked about.
    #[must_use]
    pub fn of(code: &str) -> Option<Self> {
        let belongs_to = match code {
            "OTHER" => return None,
            "SHIPMENT_CORRECTION" => Some(BelongsTo::Shipment),
            "RECEIPT_CORRECTION" => Some(BelongsTo::Receipt),
            "RETURN_RESTOCK" => Some(BelongsTo::Return),
            _ => None,
        };
        Some(Self { posted_to: String::new(), belongs_to })
    }
}

fn capitals(code: &str) -> String {
    let word = |word: &str| {
        let (first, rest) = word.split_at(word.len().min(1));
        format!("{}{}", first.to_ascii_uppercase(), rest.to_ascii_lowercase())
    };
    code.split('_').map(word).collect()
}

impl Default for Adjustments {
    fn default() -> Self {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Self {
            entity: "ExternalInventoryAdjustments".to_owned(),
            external_system_type: "WarehouseManagement".to_owned(),
            external_system_id: String::new(),
            type_field: String::new(),
            lines_max: 200,
            requests_at_once_max: 1,
            short_words: words(&[
                "cannot be picked because only",
                "would become negative",
                "negative physical inventory",
            ]),
            reasons: BTreeMap::new(),
            statuses: BTreeMap::new(),
        }
    }
}
