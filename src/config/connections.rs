//! The systems at both ends: Dynamics environments and warehouses.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::adjustments::{Adjustments, Statuses};
use super::adoption::Adoption;
use super::catalogue::{Catalogue, ChosenBy};
use super::changes::Changes;
use super::limits::Limits;
use super::returns::Returns;
use super::secret::Secret;

/// A Dynamics environment.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Dynamics {
    /// Which product it is.
    pub kind: DynamicsKind,
    /// Documents never cross from one stage to the other.
    #[serde(default)]
    pub stage: Stage,
    /// What may be done there.
    #[serde(default)]
    pub mode: Mode,
    /// The environment's root, without a path.
    #[serde(default)]
    pub url: String,
    /// Where tokens come from.
    #[serde(default)]
    pub token_url: String,
    /// The registered application.
    #[serde(default)]
    pub client_id: String,
    /// Its secret.
    pub client_secret: Option<Secret>,
    /// The last part of the event URL; several while rotating.
    #[serde(default)]
    pub secrets: Vec<Secret>,
    /// The companies that take part; empty means every company.
    #[serde(default)]
    pub legal_entities: Vec<String>,
    /// Documents released before are never sent. RFC 3339.
    pub go_live: Option<jiff::Timestamp>,
    /// How documents from before are found at warehouses.
    #[serde(default)]
    pub adoption: Adoption,
    /// Names of the customer's event catalog, and the kind each means.
    #[serde(default)]
    pub events: BTreeMap<String, String>,
    /// Our name of an event's member = the customer's, where their catalog or entity spells it otherwise.
    #[serde(default)]
    pub event_members: BTreeMap<String, String>,
    /// How often it may be called.
    #[serde(default)]
    pub rate: Rate,
    /// What differs from version to version when shipments are posted; of updates, it holds for receipts, too.
    #[serde(default)]
    pub outbound: Outbound,
    /// How stock adjustments are posted.
    #[serde(default)]
    pub adjustments: Adjustments,
    /// Status of stock (`DAMAGED`, or the warehouse's own word) = inventory status in Dynamics, for all that comes in and
    /// changes.
    #[serde(default)]
    pub statuses: Statuses,
    /// What differs from version to version when goods are expected and received.
    #[serde(default)]
    pub inbound: Inbound,
    /// How goods come back.
    #[serde(default)]
    pub returns: Returns,
    /// What is read of its items, units, warehouses and carriers, and how often.
    #[serde(default)]
    pub catalogue: Catalogue,
    /// By which members a scan finds what was changed.
    #[serde(default)]
    pub scan: ScanFields,
    /// What shares a request.
    #[serde(default)]
    pub together: Together,
}

/// By which members a scan finds what was changed: the product has none that is documented, so that each is the customer's own.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_field_names, reason = "each names a member of an entity, and so do the keys of the file")]
pub struct ScanFields {
    /// The member of a request with the instant at which it was released or last changed; empty: requests are not scanned.
    pub requests_field: String,
    /// The member of an update with the instant at which Dynamics last changed it; empty: updates are not scanned.
    pub updates_field: String,
    /// The member of a return order with the instant at which it was made or last changed; empty: they are not scanned.
    pub returns_field: String,
}

/// The two products.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum DynamicsKind {
    /// Finance & Operations, with Supply Chain Management.
    FinanceOperations,
    /// Business Central.
    BusinessCentral,
}

/// Which world a connection belongs to.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Real orders, real stock.
    #[default]
    Production,
    /// Neither.
    Test,
}

impl std::fmt::Display for Stage {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Production => "production",
            Self::Test => "test",
        })
    }
}

/// What may be done at a connection.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Everything.
    #[default]
    Live,
    /// Plans and records what would be sent; no changing call, and nothing counts as applied.
    DryRun,
    /// Nothing: its messages wait.
    Paused,
}

/// How shipments are posted, where versions differ or the documentation leaves it open.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Outbound {
    /// How an update is handed over once its rows are there.
    pub commit: Commit,
    /// Whether a line of an update takes several lots or serials.
    pub dimensions: DimensionRows,
    /// The states of an update that Dynamics processed.
    pub processed_states: Vec<String>,
    /// The states of an update that Dynamics refused.
    pub failed_states: Vec<String>,
    /// The member of an update with Dynamics' words about it.
    pub message_field: String,
    /// The state of a request that was taken back.
    pub cancelled_states: Vec<String>,
    /// Whether acceptance and rejection are written back to the request's status.
    pub write_back: bool,
    /// The state that is written to a request that a warehouse took on.
    pub accepted_state: String,
    /// The state that is written to a request that a warehouse will not do.
    pub rejected_state: String,
    /// The entity that tracking numbers are written to; empty: they are not.
    pub tracking_entity: String,
    /// The parts of its key: a row that has them all is the same row.
    pub tracking_keys: Vec<String>,
    /// Its member for our id of the row; empty: there is none.
    pub tracking_id_field: String,
    /// Its member for the carrier; empty: there is none.
    pub tracking_carrier_field: String,
    /// The member of the request with the customer's order number; empty: there is none.
    pub order_number_field: String,
    /// The member of the request with what the order is worth; empty: there is none.
    pub value_field: String,
    /// The member of the request with the currency of that; empty: there is none.
    pub currency_field: String,
    /// The time zone of each legal entity (IANA name): the days of packing slips are days there. UTC where none is given.
    pub time_zones: BTreeMap<String, String>,
    /// The last day of the closed periods of each legal entity.
    pub closed_until: BTreeMap<String, jiff::civil::Date>,
    /// What becomes of what moved on that day or before.
    pub closed_periods: ClosedPeriods,
}

/// How goods are expected and received. How updates are handed over, and their states, are those of [`Outbound`].
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Inbound {
    /// The entity with the status of an inbound request; empty: there is none.
    pub status_entity: String,
    /// The member of the request with the number of the purchase or transfer order; empty: there is none.
    pub order_number_field: String,
    /// The member of the request with what the order is worth; empty: there is none.
    pub value_field: String,
    /// The member of the request with the currency of that; empty: there is none.
    pub currency_field: String,
    /// Condition of received goods = disposition code in Dynamics.
    pub dispositions: BTreeMap<String, String>,
    /// Whether an update may take back what was received too much, by a quantity below zero.
    pub reversals: bool,
}

/// What shares a request, of what waits at the same moment.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Together {
    /// Released documents, or updates, that one request asks for, at most; 1: each by calls of its own, without `$batch`.
    pub documents_max: usize,
    /// Such requests at a time, per company and direction. While so many are under way whoever comes goes with the next one.
    pub reads_at_once_max: usize,
    /// Whether all rows of an update and the step that hands it over go as one changeset of one request; else row by row.
    pub changesets: bool,
    /// An update is not asked about before this has passed since it was handed over, unless Dynamics tells of it.
    pub first_look_ms: u64,
}

impl Default for Together {
    fn default() -> Self {
        Self { documents_max: 100, reads_at_once_max: 1, changesets: true, first_look_ms: 500 }
    }
}

impl Default for Inbound {
    fn default() -> Self {
        Self {
            status_entity: "InboundShipmentOrderRequestStatus".to_owned(),
            order_number_field: "ConsignerReference".to_owned(),
            value_field: String::new(),
            currency_field: String::new(),
            dispositions: BTreeMap::new(),
            reversals: true,
        }
    }
}

/// What becomes of what moved in a closed period.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum ClosedPeriods {
    /// It is posted on the first open day.
    #[default]
    FirstOpenDay,
    /// It waits for finance: one exception for all of it, until the period is open.
    Wait,
}

/// How an update is handed over.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Commit {
    /// Its status is changed from Receiving to Received.
    Status,
    /// The bound action `Complete` is called.
    CompleteAction,
}

/// How many lots or serials a line of an update takes.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum DimensionRows {
    /// One, as the documented key says: a shipment of several is written as several updates.
    OnePerUpdate,
    /// As many as there are.
    SeveralPerLine,
}

impl Default for Outbound {
    fn default() -> Self {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Self {
            commit: Commit::Status,
            dimensions: DimensionRows::OnePerUpdate,
            processed_states: words(&["Accepted", "Processed"]),
            failed_states: words(&["Failed", "Canceled"]),
            message_field: "ProcessingMessage".to_owned(),
            cancelled_states: words(&["Canceled", "Cancelled"]),
            write_back: true,
            accepted_state: "Accepted".to_owned(),
            rejected_state: "Rejected".to_owned(),
            tracking_entity: "SalesPackingSlipTrackingInformations".to_owned(),
            tracking_keys: words(&["dataAreaId", "PackingSlipNumber", "TrackingNumber"]),
            tracking_id_field: String::new(),
            tracking_carrier_field: String::new(),
            order_number_field: "ConsigneeReference".to_owned(),
            value_field: String::new(),
            currency_field: String::new(),
            time_zones: BTreeMap::new(),
            closed_until: BTreeMap::new(),
            closed_periods: ClosedPeriods::FirstOpenDay,
        }
    }
}

/// A warehouse connection: one account at one warehouse.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Warehouse {
    /// Which connector speaks with it.
    pub connector: String,
    /// Documents never cross from one stage to the other.
    #[serde(default)]
    pub stage: Stage,
    /// What may be done there.
    #[serde(default)]
    pub mode: Mode,
    /// Where its API is.
    #[serde(default)]
    pub url: String,
    /// How we call it.
    pub token: Option<Secret>,
    /// How it signs; several while rotating.
    #[serde(default)]
    pub secrets: Vec<Secret>,
    /// The Dynamics environment it works for.
    #[serde(default)]
    pub dynamics: String,
    /// Dynamics warehouse = the connection's own name of the facility.
    #[serde(default)]
    pub locations: BTreeMap<String, String>,
    /// The company whose stock it holds; empty: the one that takes part, where it is only one.
    #[serde(default)]
    pub legal_entity: String,
    /// Who chooses the lot of an item that is held in lots.
    #[serde(default)]
    pub lots: ChosenBy,
    /// Who chooses the piece of an item that is held piece by piece.
    #[serde(default)]
    pub serials: ChosenBy,
    /// How often it may be called.
    #[serde(default)]
    pub rate: Rate,
    /// What its system takes of an order.
    #[serde(default)]
    pub limits: Limits,
    /// What it still changes of an order that it has.
    #[serde(default)]
    pub changes: Changes,
}

/// How often a far end may be called, where it says so: by each process.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct Rate {
    /// Calls a minute in the long run; 0: as many as it bears.
    pub calls_per_minute_max: u32,
    /// Calls at once after a pause.
    pub calls_burst_max: u32,
}

impl Default for Rate {
    fn default() -> Self {
        Self { calls_per_minute_max: 0, calls_burst_max: 10 }
    }
}
