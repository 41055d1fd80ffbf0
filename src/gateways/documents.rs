//! The documents that gateways read and write, in our words: no product's field names beyond this folder.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::returned::CreditedLine;
use crate::config::{Statuses, UndeliverableCredit};
use crate::message::{Address, Flow, LegalEntity, PlaceCode, Reference, RequestId, Serial, Sku, Unit};

/// Which way goods go, seen from the warehouse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, PartialOrd, Ord)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// They leave it.
    #[default]
    Outbound,
    /// They come to it.
    Inbound,
    /// They come back to it.
    Returned,
}

impl Direction {
    /// The way of a flow's goods.
    #[must_use]
    pub fn of(flow: Flow) -> Self {
        match flow {
            Flow::GoodsReceived => Self::Inbound,
            Flow::Returns => Self::Returned,
            Flow::Orders | Flow::Shipments | Flow::StockAdjustments | Flow::StockSnapshots => Self::Outbound,
        }
    }

    /// The flow in which what moves this way is posted.
    #[must_use]
    pub fn posted_in(self) -> Flow {
        match self {
            Self::Outbound => Flow::Shipments,
            Self::Inbound => Flow::GoodsReceived,
            Self::Returned => Flow::Returns,
        }
    }

    /// What documents of this way are called where they are kept.
    #[must_use]
    pub fn document(self) -> &'static str {
        match self {
            Self::Outbound => "order",
            Self::Inbound => "inbound_order",
            Self::Returned => "return_order",
        }
    }

    /// Whether they leave: what was written before there was another way says nothing of it.
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "it is asked by a derived serializer, which hands a reference"
    )]
    pub(crate) fn is_outbound(&self) -> bool {
        *self == Self::Outbound
    }
}

/// A released document as it stands in Dynamics: an outbound order, or goods that are expected.
#[derive(Clone, Debug, PartialEq)]
pub struct ReleasedOrder {
    /// Which way its goods go.
    pub direction: Direction,
    /// The company.
    pub legal_entity: LegalEntity,
    /// The released document.
    pub request_id: RequestId,
    /// Rises with every change in Dynamics.
    pub version: u32,
    /// Echoed in everything that is posted.
    pub origin_id: String,
    /// Dynamics' warehouse it ships from, or that receives it.
    pub warehouse: PlaceCode,
    /// It was cancelled or taken back.
    pub cancelled: bool,
    /// The version of its status as it was read: a verdict that is written over just this one needs no further look.
    pub status_version: Option<String>,
    /// The order number people use, where Dynamics has it.
    pub order_number: Option<String>,
    /// The customer's purchase order.
    pub purchase_order: Option<String>,
    /// The account of the customer, or of the vendor.
    pub customer_account: Option<String>,
    /// Where it goes; inbound, where it comes from.
    pub recipient: Address,
    /// Mode of delivery.
    pub delivery_mode: Option<String>,
    /// The carrier's code.
    pub carrier: Option<String>,
    /// The carrier's service.
    pub service: Option<String>,
    /// When it shall leave, at the latest; inbound, when it is expected, at the earliest.
    pub ship_by: Option<Timestamp>,
    /// When it shall arrive, at the latest.
    pub deliver_by: Option<Timestamp>,
    /// What it is worth, as Dynamics says; we never compute it.
    pub value: Option<Decimal>,
    /// In which currency.
    pub currency: Option<String>,
    /// What of it was credited, where it comes back.
    pub credits: Vec<CreditedLine>,
    /// Its lines that travel, in line order.
    pub lines: Vec<ReleasedLine>,
    /// Lines that stay behind, each with why: for the journey.
    pub left_behind: Vec<(String, String)>,
}

/// A line of a released document.
#[derive(Clone, Debug, PartialEq)]
pub struct ReleasedLine {
    /// The order line number.
    pub line_id: String,
    /// What the warehouse calls the item.
    pub sku: Sku,
    /// Dynamics' item number.
    pub item_number: String,
    /// Product dimensions, joined.
    pub variant: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// Still to move.
    pub quantity: Decimal,
    /// In which unit.
    pub unit: Unit,
    /// The lot it must come from.
    pub lot: Option<String>,
    /// The piece it must be.
    pub serial: Option<Serial>,
    /// What Dynamics says shall become of it, where it comes back.
    pub disposition: Option<String>,
    /// How much more than ordered is accepted, in percent; nothing where the line does not say.
    pub over_percent: Option<Decimal>,
    /// How much less than ordered is accepted, in percent; nothing where the line does not say.
    pub under_percent: Option<Decimal>,
}

/// An order for a warehouse: to ship goods, or to expect them.
#[derive(Clone, Debug, PartialEq)]
pub struct FulfilmentOrder {
    /// Which way its goods go.
    pub direction: Direction,
    /// Ours, unique: the idempotency key.
    pub reference: Reference,
    /// The warehouse's own name of the facility.
    pub facility: String,
    /// The order number people use.
    pub order_number: Option<String>,
    /// The customer's purchase order.
    pub purchase_order: Option<String>,
    /// The account of the customer, or of the vendor.
    pub customer_account: Option<String>,
    /// Where it goes; inbound, where it comes from.
    pub recipient: Address,
    /// Mode of delivery, as Dynamics spells it.
    pub delivery_mode: Option<String>,
    /// The carrier's code.
    pub carrier: Option<String>,
    /// The carrier's service.
    pub service: Option<String>,
    /// When it shall leave, at the latest; inbound, when it is expected, at the earliest.
    pub ship_by: Option<Timestamp>,
    /// When it shall arrive, at the latest.
    pub deliver_by: Option<Timestamp>,
    /// What to ship, or to expect.
    pub lines: Vec<FulfilmentLine>,
}

/// A line of an order for a warehouse.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "as in the released line")]
pub struct FulfilmentLine {
    pub line_id: String,
    pub sku: Sku,
    pub description: Option<String>,
    pub quantity: Decimal,
    pub unit: Unit,
    pub lot: Option<String>,
    pub serial: Option<Serial>,
}

/// What became of a released document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestVerdict {
    /// The warehouse took it on, under this reference.
    Accepted(String),
    /// The warehouse will not do it, and why.
    Rejected(String),
}

/// What was shipped, or received, to be posted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShipmentUpdate {
    /// Which way the goods went.
    pub direction: Direction,
    /// The company.
    pub legal_entity: LegalEntity,
    /// Ours, made of business facts.
    pub update_id: String,
    /// The released document's origin.
    pub origin_id: String,
    /// The number that people see: of the packing slip, or of the receipt.
    pub packing_slip: String,
    /// When the goods left, or were counted.
    pub moved_at: Timestamp,
    /// What moved, per line of the released document.
    pub lines: Vec<UpdateLine>,
}

/// One line of what moved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UpdateLine {
    /// The order line number.
    pub line_id: String,
    /// What was ordered.
    pub ordered: Decimal,
    /// In which unit all quantities of the line are.
    pub unit: Unit,
    /// What moved with this update; less than nothing where it takes back what was received too much.
    pub moved: Decimal,
    /// What is still to move after it.
    pub remaining: Decimal,
    /// Lots, serials and conditions; they add up to `moved` when there are any.
    pub dimensions: Vec<UpdateDimension>,
}

/// One lot, serial or condition of a line.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct UpdateDimension {
    /// The lot.
    pub lot: Option<String>,
    /// The piece.
    pub serial: Option<Serial>,
    /// Dynamics' inventory status; absent for Dynamics' own default.
    pub status: Option<String>,
    /// What the warehouse says shall become of it, as Dynamics codes it.
    pub disposition: Option<String>,
    /// How much of it, in the line's unit.
    pub quantity: Decimal,
}

/// How an environment takes receipts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receiving {
    /// Our condition (`DAMAGED`) = the environment's inventory status.
    pub statuses: Statuses,
    /// Our condition (`DAMAGED`) = the environment's disposition code.
    pub dispositions: BTreeMap<String, String>,
    /// Whether it takes an update of less than nothing, which takes back what was received too much.
    pub reversals: bool,
    /// Disposition codes under which Dynamics credits nothing.
    pub without_credit: Vec<String>,
    /// Disposition codes of lines whose credit, if there is one, asks for no goods: credit only, exchanges.
    pub credited_elsewhere: Vec<String>,
    /// Who credits what never reached the customer.
    pub undeliverable_credit: UndeliverableCredit,
}

/// What names an update in Dynamics.
#[derive(Clone, Copy, Debug)]
pub struct UpdateRef<'a> {
    /// Which way its goods went.
    pub direction: Direction,
    /// The company.
    pub legal_entity: &'a LegalEntity,
    /// Ours.
    pub update_id: &'a str,
    /// The released document's origin.
    pub origin_id: &'a str,
}

impl ShipmentUpdate {
    /// What names it.
    #[must_use]
    pub fn named(&self) -> UpdateRef<'_> {
        let Self { direction, legal_entity, update_id, origin_id, .. } = self;
        UpdateRef { direction: *direction, legal_entity, update_id, origin_id }
    }
}

/// What Dynamics made of an update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpdateState {
    /// It is not there.
    Missing,
    /// It is not committed, or not processed yet (the state, as Dynamics spells it).
    Pending(String),
    /// It is posted.
    Processed,
    /// It is refused, in Dynamics' words.
    Failed(String),
}

/// Where a package can be followed.
#[derive(Clone, Debug, PartialEq)]
pub struct TrackingRow {
    /// The company.
    pub legal_entity: LegalEntity,
    /// Ours, made of business facts: a repeat finds it.
    pub row_id: String,
    /// The order number people use, else the released document.
    pub order_number: String,
    /// The packing slip of the shipment.
    pub packing_slip: String,
    /// When the goods left.
    pub shipped_at: Timestamp,
    /// The package.
    pub package_key: String,
    /// Its number.
    pub tracking_number: String,
    /// Where to follow it.
    pub tracking_url: Option<String>,
    /// Who carries it.
    pub carrier: Option<String>,
}

/// What a scan reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feed {
    /// Released documents.
    Requests(Direction),
    /// Updates that Dynamics has settled.
    Updates(Direction),
}

/// Something that was changed in Dynamics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The company.
    pub legal_entity: LegalEntity,
    /// The document's id, or our id of the update.
    pub id: String,
    /// The document's version.
    pub version: u32,
    /// When.
    pub at: Timestamp,
    /// The state of an update, as Dynamics spells it.
    pub state: Option<String>,
}

/// One page of changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Oldest first.
    pub found: Vec<Change>,
    /// Rows that were read, of which not all need to be of interest.
    pub read: usize,
    /// Whether there is more.
    pub more: bool,
}
