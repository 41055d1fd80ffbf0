//! WHOM WE CALL: Dynamics and the warehouses, behind words of ours.
//!
//! A gateway turns our words into calls and answers into our words; it decides nothing. Each edge sorts its errors into
//! [`Failure`]s in one exhaustive function. Invariant: silence after something changing was sent is never called a
//! refusal, and a refusal is never called silence.

mod documents;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::clock::Clock;
use crate::config::{Config, Mode};
use crate::failure::Failure;
use crate::message::{Connection, LegalEntity, PlaceCode, RequestId};

pub use documents::{
    CancelAnswer, CreateAnswer, FulfilmentLine, FulfilmentOrder, HeldLine, HeldOrder, ReleasedLine, ReleasedOrder,
    RequestVerdict, ShipmentUpdate, TrackingRow, UpdateDimension, UpdateLine, UpdateState,
};

/// All configured far ends. Cheap to clone.
#[derive(Clone)]
pub struct Gateways;

/// A Dynamics environment, whichever product it is.
pub struct Dynamics;

/// A warehouse connection, whichever system it is.
pub struct Warehouse;

/// A call that did not bring what was asked for.
#[derive(Debug, thiserror::Error)]
#[error("replace this stub")]
pub struct GatewayError;

/// The configuration names something that gateways cannot work with.
#[derive(Debug, thiserror::Error)]
#[error("replace this stub")]
pub struct GatewaysUnusable;

#[allow(unused_variables)]
impl Gateways {
    /// Builds the clients; calls nobody.
    pub fn new(config: &Config, clock: &Clock) -> Result<Self, GatewaysUnusable> {
        unimplemented!()
    }
    /// A configured environment.
    pub fn dynamics(&self, name: &Connection) -> Option<&Dynamics> {
        unimplemented!()
    }
    /// A configured warehouse.
    pub fn warehouse(&self, name: &Connection) -> Option<&Warehouse> {
        unimplemented!()
    }
    /// The warehouse that serves a Dynamics warehouse of an environment, and its own name of the facility.
    pub fn warehouse_at(&self, environment: &Connection, place: &PlaceCode) -> Option<(&Warehouse, &str)> {
        unimplemented!()
    }
    /// The environment that a warehouse works for.
    pub fn serving(&self, warehouse: &Connection) -> Option<&Connection> {
        unimplemented!()
    }
    /// What may be done at a connection of either sort.
    pub fn mode(&self, name: &Connection) -> Option<Mode> {
        unimplemented!()
    }
    /// How long a far end may take to show what it took.
    pub fn settle(&self, name: &Connection) -> Duration {
        unimplemented!()
    }
}

#[allow(unused_variables)]
impl Dynamics {
    pub fn name(&self) -> &Connection {
        unimplemented!()
    }
    /// Whether verdicts are written back.
    pub fn writes_back(&self) -> bool {
        unimplemented!()
    }
    /// Whether tracking numbers are written anywhere.
    pub fn writes_tracking(&self) -> bool {
        unimplemented!()
    }
    /// Documents released before are never sent.
    pub fn go_live(&self) -> Option<jiff::Timestamp> {
        unimplemented!()
    }
    /// The released document with its lines, as it stands now; nothing when Dynamics does not know it.
    pub async fn released_order(
        &self,
        legal_entity: &LegalEntity,
        request: &RequestId,
    ) -> Result<Option<ReleasedOrder>, GatewayError> {
        unimplemented!()
    }
    /// Tells Dynamics what became of a released document. Absorbs a repeat.
    pub async fn write_status(
        &self,
        legal_entity: &LegalEntity,
        request: &RequestId,
        verdict: &RequestVerdict,
    ) -> Result<(), GatewayError> {
        unimplemented!()
    }
    /// Writes header, lines, dimensions and the commit step, skipping what is there. Absorbs a repeat.
    pub async fn post_shipment(&self, update: &ShipmentUpdate) -> Result<(), GatewayError> {
        unimplemented!()
    }
    /// What Dynamics made of an update.
    pub async fn update_state(
        &self,
        legal_entity: &LegalEntity,
        update_id: &str,
        origin_id: &str,
    ) -> Result<UpdateState, GatewayError> {
        unimplemented!()
    }
    /// Writes one package's tracking. Absorbs a repeat.
    pub async fn write_tracking(&self, row: &TrackingRow) -> Result<(), GatewayError> {
        unimplemented!()
    }
    /// The one function that sorts this edge's errors. `doing` completes "could not …": `read the released document X`.
    pub fn failure(&self, error: &GatewayError, doing: &str) -> Failure {
        unimplemented!()
    }
}

#[allow(unused_variables)]
impl Warehouse {
    pub fn name(&self) -> &Connection {
        unimplemented!()
    }
    /// Creates an order, or says that its reference is taken. Findable by our reference.
    pub async fn create_order(&self, order: &FulfilmentOrder) -> Result<CreateAnswer, GatewayError> {
        unimplemented!()
    }
    /// The order of our reference, asked where it was written.
    pub async fn find_order(&self, reference: &str) -> Result<Option<HeldOrder>, GatewayError> {
        unimplemented!()
    }
    /// Asks for cancellation. Absorbs a repeat: an order that is cancelled already says so.
    pub async fn cancel_order(
        &self,
        order_id: &str,
        reference: &str,
        reason: &str,
    ) -> Result<CancelAnswer, GatewayError> {
        unimplemented!()
    }
    /// The one function that sorts this edge's errors.
    pub fn failure(&self, error: &GatewayError, doing: &str) -> Failure {
        unimplemented!()
    }
}
