//! WHOM WE CALL: Dynamics and the warehouses, behind words of ours.
//!
//! A gateway turns our words into calls and answers into our words; it decides nothing. Each edge sorts its errors into
//! [`Failure`]s in one exhaustive function. Invariant: silence after something changing was sent is never called a
//! refusal, and a refusal is never called silence.

mod documents;
mod egress;
mod error;
mod finance_operations;
mod http;
mod warehouses;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::config::{Config, DynamicsKind, Mode, ms};
use crate::failure::Failure;
use crate::message::{Connection, LegalEntity, PlaceCode, RequestId};
use finance_operations::FinanceOperations;
use http::Http;
use warehouses::Standard;

pub use documents::{
    CancelAnswer, CreateAnswer, FulfilmentLine, FulfilmentOrder, HeldLine, HeldOrder, ReleasedLine, ReleasedOrder,
    RequestVerdict, ShipmentUpdate, TrackingRow, UpdateDimension, UpdateLine, UpdateState,
};
pub use error::GatewayError;

/// A far end that asks us to slow down and does not say for how long. (Dynamics' documentation advises 30 s.)
const THROTTLED_WITHOUT_A_WORD: Duration = Duration::from_secs(30);

/// All configured far ends. Cheap to clone.
#[derive(Clone)]
pub struct Gateways(Arc<All>);

struct All {
    dynamics: BTreeMap<Connection, Dynamics>,
    warehouses: BTreeMap<Connection, Warehouse>,
    settle: Duration,
}

/// A Dynamics environment, whichever product it is.
pub struct Dynamics {
    name: Connection,
    mode: Mode,
    go_live: Option<jiff::Timestamp>,
    legal_entities: Vec<String>,
    product: FinanceOperations,
}

/// A warehouse connection, whichever system it is.
pub struct Warehouse {
    name: Connection,
    mode: Mode,
    environment: Connection,
    locations: BTreeMap<String, String>,
    system: Standard,
}

/// The configuration names something that gateways cannot work with.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct GatewaysUnusable(String);

impl Gateways {
    /// Builds the clients; calls nobody.
    pub fn new(config: &Config, clock: &Clock) -> Result<Self, GatewaysUnusable> {
        let http = |name: &Connection| {
            let unusable = |error| GatewaysUnusable(format!("No HTTP client for {name}: {error}"));
            Http::new(name.clone(), &config.gateways, clock).map_err(unusable)
        };
        let mut dynamics = BTreeMap::new();
        for (text, section) in &config.dynamics {
            let name = connection(text)?;
            let product = match section.kind {
                DynamicsKind::FinanceOperations => FinanceOperations::new(http(&name)?, text, section)?,
                DynamicsKind::BusinessCentral => {
                    return Err(GatewaysUnusable(format!("dynamics.{text}: this release has no Business Central")));
                }
            };
            let (mode, go_live, legal_entities) = (section.mode, section.go_live, section.legal_entities.clone());
            dynamics.insert(name.clone(), Dynamics { name, mode, go_live, legal_entities, product });
        }
        let mut warehouses = BTreeMap::new();
        for (text, section) in &config.warehouses {
            let name = connection(text)?;
            let system = Standard::new(http(&name)?, text, section)?;
            let environment = connection(&section.dynamics)?;
            let (mode, locations) = (section.mode, section.locations.clone());
            warehouses.insert(name.clone(), Warehouse { name, mode, environment, locations, system });
        }
        Ok(Self(Arc::new(All { dynamics, warehouses, settle: ms(config.gateways.settle_ms) })))
    }

    /// A configured environment.
    #[must_use]
    pub fn dynamics(&self, name: &Connection) -> Option<&Dynamics> {
        self.0.dynamics.get(name)
    }

    /// A configured warehouse.
    #[must_use]
    pub fn warehouse(&self, name: &Connection) -> Option<&Warehouse> {
        self.0.warehouses.get(name)
    }

    /// The warehouse that serves a Dynamics warehouse of an environment, and its own name of the facility.
    #[must_use]
    pub fn warehouse_at(&self, environment: &Connection, place: &PlaceCode) -> Option<(&Warehouse, &str)> {
        let serving = self.0.warehouses.values().filter(|warehouse| warehouse.environment == *environment);
        serving.into_iter().find_map(|warehouse| Some((warehouse, warehouse.locations.get(place.as_str())?.as_str())))
    }

    /// The environment that a warehouse works for.
    #[must_use]
    pub fn serving(&self, warehouse: &Connection) -> Option<&Connection> {
        self.0.warehouses.get(warehouse).map(|warehouse| &warehouse.environment)
    }

    /// What may be done at a connection of either sort.
    #[must_use]
    pub fn mode(&self, name: &Connection) -> Option<Mode> {
        let warehouse = || self.0.warehouses.get(name).map(|warehouse| warehouse.mode);
        self.0.dynamics.get(name).map(|dynamics| dynamics.mode).or_else(warehouse)
    }

    /// How long a far end may take to show what it took.
    #[must_use]
    pub fn settle(&self, _name: &Connection) -> Duration {
        self.0.settle
    }
}

impl Dynamics {
    /// Its name in the configuration.
    #[must_use]
    pub fn name(&self) -> &Connection {
        &self.name
    }

    /// Whether verdicts are written back.
    #[must_use]
    pub fn writes_back(&self) -> bool {
        self.product.outbound().write_back
    }

    /// Whether tracking numbers are written anywhere.
    #[must_use]
    pub fn writes_tracking(&self) -> bool {
        !self.product.outbound().tracking_entity.is_empty()
    }

    /// Documents released before are never sent.
    #[must_use]
    pub fn go_live(&self) -> Option<jiff::Timestamp> {
        self.go_live
    }

    /// Whether a company takes part.
    #[must_use]
    pub fn takes_part(&self, legal_entity: &LegalEntity) -> bool {
        self.legal_entities.is_empty() || self.legal_entities.iter().any(|each| each == legal_entity.as_str())
    }

    /// The released document with its lines, as it stands now; nothing when Dynamics does not know it.
    pub async fn released_order(
        &self,
        legal_entity: &LegalEntity,
        request: &RequestId,
    ) -> Result<Option<ReleasedOrder>, GatewayError> {
        self.product.released_order(legal_entity, request).await
    }

    /// Tells Dynamics what became of a released document. Absorbs a repeat.
    pub async fn write_status(
        &self,
        legal_entity: &LegalEntity,
        request: &RequestId,
        verdict: &RequestVerdict,
    ) -> Result<(), GatewayError> {
        self.product.write_status(legal_entity, request, verdict).await
    }

    /// Writes header, lines, dimensions and the commit step, skipping what is there. Absorbs a repeat.
    pub async fn post_shipment(&self, update: &ShipmentUpdate) -> Result<(), GatewayError> {
        self.product.post_shipment(update).await
    }

    /// What Dynamics made of an update.
    pub async fn update_state(
        &self,
        legal_entity: &LegalEntity,
        update_id: &str,
        origin_id: &str,
    ) -> Result<UpdateState, GatewayError> {
        self.product.update_state(legal_entity, update_id, origin_id).await
    }

    /// Writes one package's tracking. Absorbs a repeat.
    pub async fn write_tracking(&self, row: &TrackingRow) -> Result<(), GatewayError> {
        self.product.write_tracking(row).await
    }

    /// The one function that sorts this edge's errors. `doing` completes "could not …": `read the released document X`.
    #[must_use]
    pub fn failure(&self, error: &GatewayError, doing: &str) -> Failure {
        finance_operations::failure(self.name.as_str(), error, doing)
    }
}

impl Warehouse {
    /// Its name in the configuration.
    #[must_use]
    pub fn name(&self) -> &Connection {
        &self.name
    }

    /// Creates an order, or says that its reference is taken. Findable by our reference.
    pub async fn create_order(&self, order: &FulfilmentOrder) -> Result<CreateAnswer, GatewayError> {
        self.system.create_order(order).await
    }

    /// The order of our reference, asked where it was written.
    pub async fn find_order(&self, reference: &str) -> Result<Option<HeldOrder>, GatewayError> {
        self.system.find_order(reference).await
    }

    /// Asks for cancellation. Absorbs a repeat: an order that is cancelled already says so.
    pub async fn cancel_order(
        &self,
        order_id: &str,
        _reference: &str,
        reason: &str,
    ) -> Result<CancelAnswer, GatewayError> {
        self.system.cancel_order(order_id, reason).await
    }

    /// The one function that sorts this edge's errors.
    #[must_use]
    pub fn failure(&self, error: &GatewayError, doing: &str) -> Failure {
        warehouses::failure(self.name.as_str(), error, doing)
    }
}

fn connection(name: &str) -> Result<Connection, GatewaysUnusable> {
    Connection::new(name).map_err(|error| GatewaysUnusable(format!("{name}: {error}")))
}

fn named_url(place: &str, text: &str) -> Result<reqwest::Url, GatewaysUnusable> {
    reqwest::Url::parse(text).map_err(|error| GatewaysUnusable(format!("{place} is not an address: {error}")))
}
