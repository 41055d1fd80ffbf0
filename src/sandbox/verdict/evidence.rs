//! What the verdict reads: the ledgers and states of both far ends, over HTTP or from their files.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::sandbox::ledger::LedgerLine;
use crate::sandbox::running::client;

/// The ledger and the state of one far end.
#[derive(Clone, Debug)]
pub struct FarEnd {
    /// Every call and every event, by number.
    pub ledger: Vec<LedgerLine>,
    /// What `/sandbox/state` says.
    pub state: Value,
}

/// Both far ends, at one moment.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// The simulated Dynamics.
    pub finance_operations: FarEnd,
    /// The simulated warehouse.
    pub warehouse: FarEnd,
    /// Documents (request ids) that the product shows to a person: what is missing of them is not lost.
    pub excused: BTreeSet<String>,
}

/// A far end could not be read.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// It does not answer.
    #[error("cannot read the sandbox at {url}")]
    Silent {
        /// Which.
        url: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// It answers something else.
    #[error("cannot understand the {what} of a sandbox")]
    Strange {
        /// What was read.
        what: &'static str,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

impl FarEnd {
    /// Reads a sandbox that runs.
    pub async fn fetch(url: &str) -> Result<Self, EvidenceError> {
        let silent = |source| EvidenceError::Silent { url: url.to_owned(), source };
        let client = client().map_err(silent)?;
        let read = async |path: &str| {
            let answer = client.get(format!("{url}{path}")).send().await?.error_for_status()?;
            answer.text().await
        };
        let state = read("/sandbox/state").await.map_err(silent)?;
        let ledger = read("/sandbox/ledger").await.map_err(silent)?;
        let strange = |what| move |source| EvidenceError::Strange { what, source };
        let lines = ledger.lines().map(serde_json::from_str).collect::<Result<_, _>>();
        let state = serde_json::from_str(&state).map_err(strange("state"))?;
        Ok(Self { ledger: lines.map_err(strange("ledger"))?, state })
    }

    /// A list of the state.
    pub(super) fn list<T: serde::de::DeserializeOwned>(&self, name: &'static str) -> Result<Vec<T>, EvidenceError> {
        let list = self.state.get(name).cloned().unwrap_or_else(|| Value::Array(Vec::new()));
        serde_json::from_value(list).map_err(|source| EvidenceError::Strange { what: name, source })
    }

    pub(super) fn count(&self, name: &str) -> u64 {
        self.state.get(name).and_then(Value::as_u64).unwrap_or(0)
    }
}

/// A released order in the state of Finance & Operations.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::sandbox) struct Released {
    pub(in crate::sandbox) legal_entity: String,
    pub(in crate::sandbox) id: String,
    pub(in crate::sandbox) origin: String,
    pub(in crate::sandbox) order_number: String,
    pub(in crate::sandbox) version: u32,
    pub(in crate::sandbox) warehouse: String,
    pub(in crate::sandbox) status: String,
    pub(in crate::sandbox) response: String,
    pub(in crate::sandbox) cancelled: bool,
    pub(in crate::sandbox) lines: Vec<ReleasedLine>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::sandbox) struct ReleasedLine {
    pub(in crate::sandbox) line: String,
    pub(in crate::sandbox) item: String,
    pub(in crate::sandbox) ordered: Decimal,
    pub(in crate::sandbox) unit: String,
    pub(in crate::sandbox) lot: String,
    pub(in crate::sandbox) posted: Decimal,
}

/// An update in the state of Finance & Operations.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::sandbox) struct Posting {
    pub(in crate::sandbox) legal_entity: String,
    pub(in crate::sandbox) update_id: String,
    pub(in crate::sandbox) origin: String,
    pub(in crate::sandbox) order: String,
    pub(in crate::sandbox) packing_slip: String,
    pub(in crate::sandbox) state: String,
    pub(in crate::sandbox) message: String,
    /// It was refused because it would have been more than was ordered, or a piece twice.
    pub(in crate::sandbox) excess: bool,
    pub(in crate::sandbox) creates: u32,
    /// Which commit of the environment handed it over first.
    pub(in crate::sandbox) committed: Option<u64>,
    pub(in crate::sandbox) lines: Vec<PostingLine>,
    pub(in crate::sandbox) dimensions: Vec<PostingQuantity>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::sandbox) struct PostingLine {
    pub(in crate::sandbox) line: String,
    pub(in crate::sandbox) shipped: Decimal,
    pub(in crate::sandbox) remaining: Decimal,
    pub(in crate::sandbox) unit: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::sandbox) struct PostingQuantity {
    pub(in crate::sandbox) line: String,
    pub(in crate::sandbox) lot: String,
    pub(in crate::sandbox) serial: String,
    /// The inventory status of goods that were received.
    #[serde(default)]
    pub(in crate::sandbox) status: String,
    /// Under which code what came back was received.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(in crate::sandbox) disposition: String,
    pub(in crate::sandbox) quantity: Decimal,
}

/// A return order in the state of Finance & Operations.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::sandbox) struct Returned {
    #[serde(flatten)]
    pub(in crate::sandbox) released: Released,
    /// The customer's reference: ours, where we made it.
    pub(in crate::sandbox) reference: String,
    /// By line, what came back and is kept under a disposition that does not credit, of what is no exchange.
    #[serde(default)]
    pub(in crate::sandbox) without_credit: Vec<(String, Decimal)>,
    /// By line, what was received under a disposition that credits.
    #[serde(default)]
    pub(in crate::sandbox) to_credit: Vec<(String, Decimal)>,
    /// The lines that are exchanged: nothing of them is ever credited.
    #[serde(default)]
    pub(in crate::sandbox) exchanged: Vec<String>,
}

/// A credit note in the state of Finance & Operations.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::sandbox) struct CreditNote {
    pub(in crate::sandbox) number: String,
    pub(in crate::sandbox) legal_entity: String,
    pub(in crate::sandbox) order: String,
    /// It waited for no goods.
    pub(in crate::sandbox) refund: bool,
    pub(in crate::sandbox) lines: Vec<CreditedLine>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::sandbox) struct CreditedLine {
    pub(in crate::sandbox) line: String,
    pub(in crate::sandbox) quantity: Decimal,
}

/// A tracking row in the state of Finance & Operations.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::sandbox) struct TrackingEntry {
    pub(in crate::sandbox) legal_entity: String,
    pub(in crate::sandbox) tracking_number: String,
    pub(in crate::sandbox) packing_slip: String,
    pub(in crate::sandbox) creates: u32,
    pub(in crate::sandbox) fields: Map<String, Value>,
}

/// A stock adjustment in the state of Finance & Operations.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::sandbox) struct Adjusted {
    pub(in crate::sandbox) id: String,
    pub(in crate::sandbox) creates: u32,
    pub(in crate::sandbox) fields: Map<String, Value>,
}

/// An order in the state of the warehouse.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::sandbox) struct Held {
    pub(in crate::sandbox) id: String,
    pub(in crate::sandbox) reference: String,
    pub(in crate::sandbox) facility: String,
    pub(in crate::sandbox) status: String,
    pub(in crate::sandbox) live: bool,
    /// The number of its last change.
    #[serde(default)]
    pub(in crate::sandbox) change: u32,
    /// Whom it goes to, as it was sent; nothing of what comes in.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub(in crate::sandbox) recipient: Value,
    pub(in crate::sandbox) creates: u32,
    pub(in crate::sandbox) lines: Vec<HeldLine>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::sandbox) struct HeldLine {
    pub(in crate::sandbox) line: String,
    pub(in crate::sandbox) sku: String,
    pub(in crate::sandbox) quantity: Decimal,
    pub(in crate::sandbox) unit: String,
    pub(in crate::sandbox) shipped: Decimal,
}

/// Expected goods in the state of the warehouse.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::sandbox) struct Receipt {
    #[serde(flatten)]
    pub(in crate::sandbox) held: Held,
    /// How often it was told what was counted.
    pub(in crate::sandbox) reports: u64,
    /// Whether all that came is counted.
    pub(in crate::sandbox) complete: bool,
    /// When something was counted first.
    pub(in crate::sandbox) counted_at: Option<Timestamp>,
    /// It came back without an RMA because nobody took it.
    #[serde(default)]
    pub(in crate::sandbox) undelivered: bool,
    /// It is an announcement of a parcel that was there already.
    #[serde(default)]
    pub(in crate::sandbox) parcel: bool,
    pub(in crate::sandbox) received: Vec<ReceivedQuantity>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::sandbox) struct ReceivedQuantity {
    pub(in crate::sandbox) line: String,
    pub(in crate::sandbox) sku: String,
    pub(in crate::sandbox) lot: String,
    pub(in crate::sandbox) serial: String,
    pub(in crate::sandbox) status: String,
    pub(in crate::sandbox) quantity: Decimal,
}

/// A shipment in the state of the warehouse.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::sandbox) struct Shipped {
    pub(in crate::sandbox) key: String,
    pub(in crate::sandbox) order_id: String,
    pub(in crate::sandbox) reference: String,
    pub(in crate::sandbox) left_at: Timestamp,
    pub(in crate::sandbox) last: bool,
    pub(in crate::sandbox) packages: Vec<ShippedPackage>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::sandbox) struct ShippedPackage {
    pub(in crate::sandbox) key: String,
    pub(in crate::sandbox) tracking_number: Option<String>,
    pub(in crate::sandbox) contents: Vec<ShippedQuantity>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::sandbox) struct ShippedQuantity {
    pub(in crate::sandbox) line: String,
    pub(in crate::sandbox) sku: String,
    pub(in crate::sandbox) lot: String,
    pub(in crate::sandbox) serial: String,
    pub(in crate::sandbox) quantity: Decimal,
}
