//! What happened to a document before, in the words of the flows: the facts beside each effect.

use rust_decimal::Decimal;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::answer::Past;
use crate::failure::Failure;
use crate::message::{Address, LegalEntity, Reference, RequestId, Serial, Sku, Unit};

/// Everything that happened to one document, oldest first, and what was refused in this attempt.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    pasts: Vec<Past>,
    refused: Vec<(String, Failure)>,
}

/// Facts of `create_order`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CreatedOrder {
    /// Our reference.
    pub reference: Reference,
    /// The warehouse's id; known once it answered.
    #[serde(default)]
    pub order_id: String,
    /// The company.
    pub legal_entity: LegalEntity,
    /// The released document.
    pub request_id: RequestId,
    /// The document's version that was sent.
    pub version: u32,
    /// Echoed in everything that is posted.
    pub origin_id: String,
    /// Tells whether a later version asks for something else.
    pub digest: String,
    /// What was ordered.
    pub lines: Vec<OrderedLine>,
}

/// A line as it was sent to the warehouse.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "as in the released line")]
pub struct OrderedLine {
    pub line_id: String,
    pub sku: Sku,
    pub quantity: Decimal,
    pub unit: Unit,
    pub lot: Option<String>,
    pub serial: Option<Serial>,
    pub over_percent: Decimal,
}

/// Facts of `cancel_order` and `cancel_resolved`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CancelledOrder {
    /// Our reference.
    pub reference: Reference,
    /// `CONFIRMED`, `REJECTED`, `PENDING`; known once the warehouse answered.
    #[serde(default)]
    pub outcome: String,
    /// The warehouse's words.
    #[serde(default)]
    pub text: String,
}

/// Facts of `reject_order` and `burn_reference`: the warehouse holds no live order of this reference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EndedReference {
    /// Our reference.
    pub reference: Reference,
}

/// Facts of `post_shipment`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PostedUpdate {
    /// The warehouse's key of the shipment.
    pub shipment_key: String,
    /// Tells whether the same shipment came with other contents.
    pub digest: String,
    /// Our id of the update.
    pub update_id: String,
    /// Which order it was.
    pub reference: Reference,
    /// The company.
    pub legal_entity: LegalEntity,
    /// Echoed in everything that is posted.
    pub origin_id: String,
    /// What the customer sees.
    pub packing_slip: String,
    /// When the goods left.
    pub shipped_at: jiff::Timestamp,
    /// What was shipped per line.
    pub lines: Vec<(String, Decimal)>,
}

/// The parts of an address that a change is noticed by.
pub(super) fn address_words(address: &Address) -> String {
    let parts = [
        &address.name,
        &address.company,
        &address.line1,
        &address.line2,
        &address.line3,
        &address.city,
        &address.region,
        &address.postal_code,
        &address.country,
        &address.phone,
        &address.email,
    ];
    parts.map(|part| part.clone().unwrap_or_default()).join("\u{1f}")
}

impl Ledger {
    /// What the store knows.
    #[must_use]
    pub fn new(pasts: Vec<Past>) -> Self {
        Self { pasts, refused: Vec::new() }
    }

    /// Adds what just happened.
    pub fn add(&mut self, past: Past) {
        self.pasts.push(past);
    }

    /// Adds what was just refused: it is known to this attempt alone.
    pub fn refuse(&mut self, act: &str, failure: Failure) {
        self.refused.push((act.to_owned(), failure));
    }

    /// Why this attempt's call of an act was refused.
    #[must_use]
    pub fn refusal(&self, act: &str) -> Option<&Failure> {
        self.refused.iter().find(|(refused, _)| refused == act).map(|(_, failure)| failure)
    }

    /// Whether an effect happened.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.pasts.iter().any(|past| past.key == key)
    }

    /// The facts of every effect of one act, oldest first. Facts of an older release that cannot be read are left out.
    pub fn facts<F: DeserializeOwned>(&self, act: &str) -> Vec<F> {
        let of_act = self.pasts.iter().filter(|past| past.act == act);
        of_act.filter_map(|past| serde_json::from_value(past.facts.clone()).ok()).collect()
    }
}
