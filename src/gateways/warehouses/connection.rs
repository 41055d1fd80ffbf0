//! A warehouse that is configured: what it demands, takes and changes, and what can be asked of it.

use std::sync::Arc;

use super::{Demands, Standard, failure};
use crate::config::{Changes, Limits};
use crate::failure::Failure;
use crate::gateways::documents::{Direction, FulfilmentOrder};
use crate::gateways::enter;
use crate::gateways::error::GatewayError;
use crate::gateways::held::{CancelAnswer, CreateAnswer, HeldOrder};
use crate::gateways::pace::Pace;
use crate::message::Connection;

/// A warehouse connection, whichever system it is.
pub struct Warehouse {
    pub(in crate::gateways) name: Connection,
    pub(in crate::gateways) demands: Demands,
    pub(in crate::gateways) limits: Arc<Limits>,
    pub(in crate::gateways) changes: Arc<Changes>,
    pub(in crate::gateways) pace: Arc<Pace>,
    pub(in crate::gateways) connector: Connector,
}

/// The systems.
pub(in crate::gateways) enum Connector {
    Standard(Standard),
}

impl Warehouse {
    /// Its public name.
    #[must_use]
    pub fn name(&self) -> &Connection {
        &self.name
    }

    /// What must be told to it before an order leaves.
    #[must_use]
    pub fn demands(&self) -> Demands {
        self.demands
    }

    /// What its system takes of an order.
    #[must_use]
    pub fn limits(&self) -> &Arc<Limits> {
        &self.limits
    }

    /// What it still changes of an order that it has.
    #[must_use]
    pub fn changes(&self) -> &Arc<Changes> {
        &self.changes
    }

    /// Creates an order, or says that its reference is taken. Findable by our reference.
    pub async fn create_order(&self, order: &FulfilmentOrder) -> Result<CreateAnswer, GatewayError> {
        let _place = enter(&self.pace, "create_order").await?;
        match &self.connector {
            Connector::Standard(connector) => connector.create_order(order).await,
        }
    }

    /// The order of our reference, asked where it was written.
    pub async fn find_order(&self, direction: Direction, reference: &str) -> Result<Option<HeldOrder>, GatewayError> {
        let _place = enter(&self.pace, "find_order").await?;
        match &self.connector {
            Connector::Standard(connector) => connector.find_order(direction, reference).await,
        }
    }

    /// Asks for cancellation. Absorbs a repeat: an order that is cancelled already says so.
    pub async fn cancel_order(
        &self,
        direction: Direction,
        order_id: &str,
        reference: &str,
        reason: &str,
    ) -> Result<CancelAnswer, GatewayError> {
        let _place = enter(&self.pace, "cancel_order").await?;
        match &self.connector {
            Connector::Standard(connector) => connector.cancel_order(direction, order_id, reference, reason).await,
        }
    }

    /// Has an order that it holds say what this one says, as the change of this number. Findable by our reference, which then
    /// shows that number.
    pub async fn change_order(
        &self,
        order_id: &str,
        order: &FulfilmentOrder,
        number: u32,
    ) -> Result<CancelAnswer, GatewayError> {
        let _place = enter(&self.pace, "change_order").await?;
        match &self.connector {
            Connector::Standard(connector) => connector.change_order(order_id, order, number).await,
        }
    }

    /// The one function that sorts this edge's errors.
    #[must_use]
    pub fn failure(&self, error: &GatewayError, doing: &str) -> Failure {
        match &self.connector {
            Connector::Standard(_) => failure(&self.name, error, doing),
        }
        .with_far_end(self.pace.in_the_way(error))
    }
}
