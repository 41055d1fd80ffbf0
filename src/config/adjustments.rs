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
    /// Where adjustments go to classic journals.
    pub journals: Journals,
    /// To which document a movement of a reason belongs that names one, by our code or by the warehouse's own word. A reason
    /// that is not named here belongs as [`BelongsTo::of`] says.
    pub documents: BTreeMap<String, BelongsTo>,
}

/// The classic way, for environments that take no external adjustments: each adjustment is a journal of its own, so that one
/// that cannot be posted holds no other up.
///
/// Dynamics offers no call that posts one: a job of its own does, or a service of the customer's that is called for each.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Journals {
    /// The journal name that takes whatever the mapping gives no other; empty: adjustments are not written to journals.
    pub name: String,
    /// The entity of journals.
    pub headers: String,
    /// The entity of their lines.
    pub lines: String,
    /// The member of a journal that takes the journal name.
    pub name_field: String,
    /// The member of a journal that says whether it is posted.
    pub posted_field: String,
    /// What that member says then.
    pub posted_values: Vec<String>,
    /// The member of a line that takes the warehouse.
    pub warehouse_field: String,
    /// The service that posts a journal, as `GROUP/SERVICE/OPERATION`; empty: a job in Dynamics does.
    pub service: String,
    /// The parameter of the service that takes the company.
    pub company_parameter: String,
    /// The parameter of the service that takes the journal number.
    pub number_parameter: String,
}

impl Default for Journals {
    fn default() -> Self {
        Self {
            name: String::new(),
            headers: "InventoryAdjustmentJournalHeaders".to_owned(),
            lines: "InventoryAdjustmentJournalEntriesV2".to_owned(),
            name_field: "JournalNameId".to_owned(),
            posted_field: "IsPosted".to_owned(),
            posted_values: vec!["Yes".to_owned()],
            warehouse_field: "InventoryWarehouseId".to_owned(),
            service: String::new(),
            company_parameter: "_companyId".to_owned(),
            number_parameter: "_journalNumber".to_owned(),
        }
    }
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
    /// How journals are written; nothing: adjustments are no journals.
    #[must_use]
    pub fn by_journal(&self) -> Option<&Journals> {
        Some(&self.journals).filter(|journals| !journals.name.is_empty())
    }

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
            journals: Journals::default(),
            documents: BTreeMap::new(),
        }
    }
}
