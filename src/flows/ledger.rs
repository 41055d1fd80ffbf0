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
use super::reports::Reported;
use crate::failure::Failure;
use crate::gateways::{Direction, ShipmentUpdate, UpdateDimension, UpdateLine};
use crate::mapping::Item;
use crate::message::{Connection, LegalEntity, Reference, RequestId, Serial, Sku, Unit};

/// Everything that happened to one document, oldest first, and what was refused in this attempt.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    pasts: Vec<Past>,
    refused: Vec<(String, Failure)>,
    known: Option<String>,
    /// Whether the message has waited as long as it may: should the plan wait on, it is a person's, and holds its lane.
    pub wait_over: bool,
}

impl Ledger {
    /// What the store knows.
    #[must_use]
    pub fn new(pasts: Vec<Past>) -> Self {
        Self { pasts, ..Self::default() }
    }

    /// Adds what just happened; what is known already is one thing, however often it is told.
    pub fn add(&mut self, past: Past) {
        if !self.has(&past.key) {
            self.pasts.push(past);
        }
    }

    /// Adds the name of the document that the message waited for, which is there by now.
    pub fn know(&mut self, document: String) {
        self.known = Some(document);
    }

    /// Whether the message waited for this document, and it is there by now.
    #[must_use]
    pub fn knows(&self, document: &str) -> bool {
        self.known.as_deref() == Some(document)
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

    /// How many effects are known.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "nobody asks")]
    pub fn len(&self) -> usize {
        self.pasts.len()
    }

    /// The facts of one effect, if it happened and this release can read them.
    #[must_use]
    pub fn kept<F: DeserializeOwned>(&self, key: &str) -> Option<F> {
        let past = self.pasts.iter().find(|past| past.key == key)?;
        F::deserialize(&past.facts).ok()
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
    /// Whose goods they are: the customer's account, or the vendor's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The document's version that was sent.
    pub version: u32,
    /// Echoed in everything that is posted.
    pub origin_id: String,
    /// Fingerprints of what stands above the lines, one per field: tells which of them a later version changed.
    pub digest: String,
    /// What was ordered.
    pub lines: Vec<OrderedLine>,
    /// The version of the mapping in whose words it was sent, when it has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapping: Option<u64>,
    /// The version of the document's status then: whoever writes over just this one need not read the document again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_version: Option<String>,
    /// Where the warehouse had it already, from before go-live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopted: Option<Adopted>,
}

/// That an order was not created by us.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Adopted {
    /// What the warehouse calls it where our reference would stand.
    pub reference: String,
    /// What moved before was posted by others.
    pub go_live: Timestamp,
}

impl CreatedOrder {
    /// The reference under which the warehouse has it.
    #[must_use]
    pub fn their_reference(&self) -> String {
        self.adopted.as_ref().map_or_else(|| self.reference.to_string(), |adopted| adopted.reference.clone())
    }

    /// Whether what moved at an instant was posted before we came.
    #[must_use]
    pub fn moved_before_us(&self, at: Timestamp) -> bool {
        self.adopted.as_ref().is_some_and(|adopted| at < adopted.go_live)
    }
}

/// A line as Dynamics ordered it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "as in the released line")]
pub struct OrderedLine {
    pub line_id: String,
    /// The item, as Dynamics calls it.
    pub sku: Sku,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    pub quantity: Decimal,
    pub unit: Unit,
    pub lot: Option<String>,
    pub serial: Option<Serial>,
    pub over_percent: Decimal,
    #[serde(default)]
    pub under_percent: Decimal,
    /// The same in the warehouse's words, where they are others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<SentLine>,
}

/// What a line says in the warehouse's words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SentLine {
    /// What the warehouse calls the item.
    pub sku: Sku,
    /// How much of it.
    pub quantity: Decimal,
    /// In the unit in which the warehouse counts it.
    pub unit: Unit,
}

impl OrderedLine {
    /// The item that was ordered.
    #[must_use]
    pub fn item(&self) -> Item {
        Item { number: self.sku.to_string(), variant: self.variant.clone() }
    }

    /// What the warehouse was told to ship.
    #[must_use]
    pub fn sent_sku(&self) -> &Sku {
        self.sent.as_ref().map_or(&self.sku, |sent| &sent.sku)
    }

    /// The unit in which the warehouse was told how much.
    #[must_use]
    pub fn sent_unit(&self) -> &Unit {
        self.sent.as_ref().map_or(&self.unit, |sent| &sent.unit)
    }
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

/// Facts of `post_shipment` and `post_receipt`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PostedUpdate {
    /// Which way the goods went.
    #[serde(default, skip_serializing_if = "Direction::is_outbound")]
    pub direction: Direction,
    /// The warehouse's key of the shipment, or of the receipt.
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
    /// The number that people see: of the packing slip, or of the receipt.
    pub packing_slip: String,
    /// When the goods left, or were counted.
    #[serde(rename = "shipped_at")]
    pub moved_at: Timestamp,
    /// What moved per line.
    pub lines: Vec<PostedLine>,
    /// The shipment's packages, by the warehouse's keys.
    #[serde(default)]
    pub packages: Vec<String>,
    /// Where the report stands among those of its receipt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported: Option<Reported>,
    /// The sender's own id of the fact, where a receipt reports what is added and not totals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fact: Option<String>,
    /// The version of the mapping by which the warehouse's words were read, when any of its rows was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapping: Option<u64>,
}

/// One line of what was posted: enough to post it once more, should Dynamics lose it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "as in the line of the update")]
pub struct PostedLine {
    pub line_id: String,
    pub ordered: Decimal,
    pub unit: Unit,
    /// What moved: shipped, or received, or, below zero, taken back.
    #[serde(rename = "shipped")]
    pub moved: Decimal,
    pub remaining: Decimal,
    #[serde(default)]
    pub dimensions: Vec<PostedDimension>,
}

/// A lot, serial or condition of a posted line.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "as in the dimension of the update")]
pub struct PostedDimension {
    pub lot: Option<String>,
    pub serial: Option<Serial>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disposition: Option<String>,
    pub quantity: Decimal,
}

impl PostedDimension {
    /// Whether it is the same piece, however much of it.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        (&self.lot, &self.serial) == (&other.lot, &other.serial)
            && (&self.status, &self.disposition) == (&other.status, &other.disposition)
    }

    /// Whether nothing tells it from others of its item.
    pub(super) fn is_plain(&self) -> bool {
        self.is_same(&Self::default())
    }
}

impl PostedUpdate {
    /// The update as it goes to Dynamics.
    pub(super) fn update(&self) -> ShipmentUpdate {
        ShipmentUpdate {
            direction: self.direction,
            legal_entity: self.legal_entity.clone(),
            update_id: self.update_id.clone(),
            origin_id: self.origin_id.clone(),
            packing_slip: self.packing_slip.clone(),
            moved_at: self.moved_at,
            lines: self.lines.iter().map(PostedLine::line).collect(),
        }
    }
}

impl PostedLine {
    fn line(&self) -> UpdateLine {
        let dimensions = self.dimensions.iter().map(|piece| UpdateDimension {
            lot: piece.lot.clone(),
            serial: piece.serial.clone(),
            status: piece.status.clone(),
            disposition: piece.disposition.clone(),
            quantity: piece.quantity,
        });
        UpdateLine {
            line_id: self.line_id.clone(),
            ordered: self.ordered,
            unit: self.unit.clone(),
            moved: self.moved,
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
