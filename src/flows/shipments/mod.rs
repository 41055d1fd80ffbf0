//! Flow `shipments`: what left the warehouse is posted in Dynamics.

use crate::failure::Failure;
use crate::gateways::Gateways;
use crate::message::Envelope;

use super::answer::Decision;
use super::ledger::Ledger;

/// What was seen of a shipment.
#[derive(Clone, Debug)]
pub struct ShipmentLook;

pub(super) async fn look(gateways: &Gateways, message: &Envelope, ledger: &Ledger) -> Result<ShipmentLook, Failure> {
    unimplemented!()
}

/// Decides what is to be done next with a message about a shipment.
#[must_use]
pub fn plan(message: &Envelope, look: &ShipmentLook, ledger: &Ledger) -> Decision {
    unimplemented!()
}
