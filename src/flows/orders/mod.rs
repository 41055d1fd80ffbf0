//! Flow `orders`: what Dynamics releases goes to the warehouse; what the warehouse answers goes back.

mod plan;

use crate::failure::{Code, Failure};
use crate::gateways::{Gateways, ReleasedOrder};
use crate::message::{Body, Connection, Envelope, LegalEntity, RequestId};

use super::ledger::{CreatedOrder, Ledger};

pub use plan::plan;

/// What was seen of an order.
#[derive(Clone, Debug)]
pub struct OrderLook {
    /// The document as it stands in Dynamics; nothing when Dynamics does not know it.
    pub released: Option<ReleasedOrder>,
    /// The warehouse that serves the document's location, and its own name of the facility.
    pub warehouse: Option<(Connection, String)>,
    /// Whether verdicts are written back to Dynamics.
    pub writes_back: bool,
    /// The Dynamics environment.
    pub environment: Connection,
}

/// Reads the document that the message names, or that our reference stands for.
pub(super) async fn look(gateways: &Gateways, message: &Envelope, ledger: &Ledger) -> Result<OrderLook, Failure> {
    let environment = environment(gateways, message)?;
    let dynamics = gateways.dynamics(&environment).ok_or_else(|| unknown(&environment))?;
    let mut look = OrderLook {
        released: None,
        warehouse: None,
        writes_back: dynamics.writes_back(),
        environment: environment.clone(),
    };
    let Some((legal_entity, request_id)) = document(message, ledger) else { return Ok(look) };
    let read = dynamics.released_order(&legal_entity, &request_id).await;
    look.released =
        read.map_err(|error| dynamics.failure(&error, &format!("read the released document {request_id}")))?;
    if let Some(released) = &look.released {
        let site = gateways.warehouse_at(&environment, &released.warehouse);
        look.warehouse = site.map(|(warehouse, facility)| (warehouse.name().clone(), facility.to_owned()));
    }
    Ok(look)
}

/// The environment that the message belongs to: its own, or the one its warehouse works for.
pub(super) fn environment(gateways: &Gateways, message: &Envelope) -> Result<Connection, Failure> {
    let named = message.environment.clone();
    let served = || gateways.serving(&message.connection).cloned();
    named.or_else(served).ok_or_else(|| unknown(&message.connection))
}

pub(super) fn unknown(connection: &Connection) -> Failure {
    let sentence = format!("The connection {connection} is not configured any more. Configure it again, then replay.");
    Failure::new(Code::ConnectionUnknown, sentence)
}

fn document(message: &Envelope, ledger: &Ledger) -> Option<(LegalEntity, RequestId)> {
    let named = match &message.body {
        Body::OrderReleased(body) => Some(&body.document.request_id),
        Body::OrderChanged(body) => Some(&body.document.request_id),
        Body::OrderCancelled(body) => Some(&body.document.request_id),
        _ => None,
    };
    if let Some(request_id) = named {
        return Some((message.legal_entity.clone()?, request_id.clone()));
    }
    let created = ledger.facts::<CreatedOrder>("create_order").pop()?;
    Some((created.legal_entity, created.request_id))
}
