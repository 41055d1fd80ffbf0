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
    /// The members that take an item's product dimensions, in the order in which the mapping joins them to a variant.
    pub variant_fields: Vec<String>,
    /// To which document a movement of a reason belongs that names one, by our code or by the warehouse's own word. A reason
    /// that is not named here belongs as [`BelongsTo::of`] says.
    pub documents: BTreeMap<String, BelongsTo>,
}

/// Dynamics' inventory status for each of ours, or for the warehouse's own word (`ON_HOLD = "Blocked"`): of what is
/// received, and of what is adjusted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Statuses(pub BTreeMap<String, String>);

impl Statuses {
    /// The inventory status that is named: by the warehouse's own word, else by our code.
    #[must_use]
    pub fn named(&self, code: &str, raw: Option<&str>) -> Option<&str> {
        let of = |name: &str| self.0.iter().find(|(each, _)| each.eq_ignore_ascii_case(name));
        let found = raw.and_then(of).or_else(|| of(code));
        found.map(|(_, named)| named.as_str()).filter(|named| !named.is_empty())
    }
}

/// A document that is posted as such, with all its movements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BelongsTo {
    /// None: an adjustment of its own.
    Nothing,
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
            Self::Nothing => "nothing",
            Self::Shipment => "shipment",
            Self::Receipt => "receipt",
            Self::Return => "return",
        }
    }
}

impl Adjustments {
    /// The sort of document that a reason belongs to: by the warehouse's own word, else by our code; nothing for none.
    #[must_use]
    pub fn belongs_to(&self, code: &str, raw: Option<&str>) -> Option<BelongsTo> {
        let named = |name: &str| self.documents.iter().find(|(reason, _)| reason.eq_ignore_ascii_case(name));
        let named = raw.and_then(named).or_else(|| named(code)).map(|(_, document)| *document);
        named.or_else(|| BelongsTo::of(code)).filter(|document| *document != BelongsTo::Nothing)
    }
}

impl BelongsTo {
    /// The default: corrections of shipments and receipts, and what a return puts back, belong to their document.
    #[must_use]
    pub fn of(code: &str) -> Option<Self> {
        match code {
            "SHIPMENT_CORRECTION" => Some(Self::Shipment),
            "RECEIPT_CORRECTION" => Some(Self::Receipt),
            "RETURN_RESTOCK" => Some(Self::Return),
            _ => None,
        }
    }
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
            variant_fields: words(&[
                "ProductConfigurationId",
                "ProductSizeId",
                "ProductColorId",
                "ProductStyleId",
                "ProductVersionId",
            ]),
            documents: BTreeMap::new(),
        }
    }
}
