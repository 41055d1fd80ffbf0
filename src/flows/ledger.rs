//! What happened to a document before, in the words of the flows: the facts beside each effect.
//!
//! Facts are kept for as long as the document is open and are read by later releases: members may be added with a
//! default, never renamed.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::answer::Past;
use crate::failure::Failure;
use crate::gateways::{ShipmentUpdate, UpdateDimension, UpdateLine};
use crate::message::{Connection, LegalEntity, Reference, RequestId, Serial, Sku, Unit};

/// Everything that happened to one document, oldest first, and what was refused in this attempt.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    pasts: Vec<Past>,
    refused: Vec<(String, Failure)>,
}

impl Ledger {
    /// What the store knows.
    #[must_use]
    pub fn new(pasts: Vec<Past>) -> Self {
        Self { pasts, refused: Vec::new() }
    }

    /// Adds what just happened; what is known already is one thing, however often it is told.
    pub fn add(&mut self, past: Past) {
        if !self.has(&past.key) {
            self.pasts.push(past);
        }
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
    #[must_use]
    pub fn facts<F: DeserializeOwned>(&self, act: &str) -> Vec<F> {
        let of_act = self.pasts.iter().filter(|past| past.act == act);
        of_act.filter_map(|past| F::deserialize(&past.facts).ok()).collect()
    }
}

/// Facts as they are kept.
pub(super) fn kept(facts: &impl Serialize) -> Value {
    serde_json::to_value(facts).unwrap_or_default()
}

/// Facts of `create_order`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CreatedOrder {
    /// Our reference.
    pub reference: Reference,
    /// Where it was created.
    pub warehouse: Connection,
    /// The warehouse's id; known once it answered.
    #[serde(default)]
    pub order_id: String,
    /// The company.
    pub legal_entity: LegalEntity,
    /// The released document.
    pub request_id: RequestId,
    /// The order number people use, where Dynamics had it.
    #[serde(default)]
    pub order_number: Option<String>,
    /// The document's version that was sent.
    pub version: u32,
    /// Echoed in everything that is posted.
    pub origin_id: String,
    /// Fingerprints of what stands above the lines, one per field: tells which of them a later version changed.
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
    /// `CONFIRMED`, `REJECTED`, `PARTIAL`, `PENDING`; known once the warehouse answered.
    #[serde(default)]
    pub outcome: String,
    /// The warehouse's words.
    #[serde(default)]
    pub text: String,
}

/// Facts of `reject_order`, `burn_reference` and `accept_order`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EndedReference {
    /// Our reference.
    pub reference: Reference,
}

/// Facts of `order_status`: where an order was in the warehouse, and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeenStatus {
    /// Our reference.
    pub reference: Reference,
    /// How far it was; never moves backwards.
    pub rank: u8,
    /// When.
    pub at: Timestamp,
}

/// Facts of `post_shipment`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PostedUpdate {
    /// The warehouse's key of the shipment.
    pub shipment_key: String,
    /// Whose key it is.
    pub warehouse: Connection,
    /// Which correction of the shipment it was, where the warehouse numbers them.
    #[serde(default)]
    pub sequence: Option<u64>,
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
    pub shipped_at: Timestamp,
    /// What was shipped per line.
    pub lines: Vec<PostedLine>,
    /// The shipment's packages, by the warehouse's keys.
    #[serde(default)]
    pub packages: Vec<String>,
}

/// One line of what was posted: enough to post it once more, should Dynamics lose it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "as in the line of the update")]
pub struct PostedLine {
    pub line_id: String,
    pub ordered: Decimal,
    pub unit: Unit,
    pub shipped: Decimal,
    pub remaining: Decimal,
    #[serde(default)]
    pub dimensions: Vec<PostedDimension>,
}

/// A lot or serial of a posted line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "as in the dimension of the update")]
pub struct PostedDimension {
    pub lot: Option<String>,
    pub serial: Option<Serial>,
    pub quantity: Decimal,
}

impl PostedUpdate {
    /// The update as it goes to Dynamics.
    pub(super) fn update(&self) -> ShipmentUpdate {
        ShipmentUpdate {
            legal_entity: self.legal_entity.clone(),
            update_id: self.update_id.clone(),
            origin_id: self.origin_id.clone(),
            packing_slip: self.packing_slip.clone(),
            shipped_at: self.shipped_at,
            lines: self.lines.iter().map(PostedLine::line).collect(),
        }
    }
}

impl PostedLine {
    fn line(&self) -> UpdateLine {
        let dimensions = self.dimensions.iter().map(|PostedDimension { lot, serial, quantity }| UpdateDimension {
            lot: lot.clone(),
            serial: serial.clone(),
            quantity: *quantity,
        });
        UpdateLine {
            line_id: self.line_id.clone(),
            ordered: self.ordered,
            unit: self.unit.clone(),
            shipped: self.shipped,
            remaining: self.remaining,
            dimensions: dimensions.collect(),
        }
    }
}

/// Facts of `posted`: Dynamics says that it processed the update.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SettledUpdate {
    /// Our id of the update.
    pub update_id: String,
}

/// Facts of `void_shipment`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VoidedShipment {
    /// The warehouse's key of the shipment.
    pub shipment_key: String,
    /// Whose key it is.
    pub warehouse: Connection,
}

/// Facts of `tracking` (what a warehouse said) and `write_tracking` (what Dynamics was told).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PackageTracking {
    /// The warehouse's key of the shipment.
    pub shipment_key: String,
    /// Whose key it is.
    pub warehouse: Connection,
    /// The package; absent means every package of the shipment.
    #[serde(default)]
    pub package_key: Option<String>,
    /// Its number.
    pub tracking_number: String,
    /// Where to follow it.
    #[serde(default)]
    pub tracking_url: Option<String>,
    /// Who carries it.
    #[serde(default)]
    pub carrier: Option<String>,
    /// When the warehouse said so.
    pub at: Timestamp,
}
