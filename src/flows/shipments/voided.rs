//! The plan for a shipment that did not happen after all.

use super::{ShipmentLook, is_voided, posting_of};
use crate::failure::{Code, Failure};
use crate::flows::answer::{Decision, Done, KnownDocument, Past};
use crate::flows::keys;
use crate::flows::ledger::{Ledger, SettledUpdate, VoidedShipment, kept};
use crate::gateways::UpdateState;
use crate::message::{Envelope, ShipmentVoided};

pub(super) fn plan(message: &Envelope, body: &ShipmentVoided, look: &ShipmentLook, ledger: &Ledger) -> Decision {
    let (warehouse, shipment) = (&message.connection, &body.shipment_key);
    if is_voided(ledger, warehouse, shipment) {
        return Decision::NotOurs(format!("{warehouse} voided the shipment {shipment} before."));
    }
    let posted = posting_of(ledger, warehouse, shipment);
    // What Dynamics refused, or a person took out of it, is posted no more.
    let undone = matches!(look.update, Some(UpdateState::Failed(_)));
    if let Some(posted) = posted.as_ref().filter(|_| !undone) {
        return Decision::Fail(Failure::new(
            Code::ShipmentVoided,
            format!(
                "{warehouse} says that the shipment {shipment} of {} did not happen, but it is posted as packing slip {}. \
                 Correct the packing slip in Dynamics, then discard this; or cancel the update {} there and replay this.",
                posted.reference, posted.packing_slip, posted.update_id
            ),
        ));
    }
    let replaced = body.replaced_by.as_ref().map(|by| format!("; {by} takes its place")).unwrap_or_default();
    let mut facts = vec![Past {
        key: keys::void_shipment(warehouse, shipment.as_str()),
        act: "void_shipment".to_owned(),
        connection: warehouse.to_string(),
        facts: kept(&VoidedShipment { shipment_key: shipment.to_string(), warehouse: warehouse.clone() }),
    }];
    // Nobody waits any more for what was handed over to be posted.
    facts.extend(posted.map(|posted| Past {
        key: keys::undone(&look.environment, &posted.update_id),
        act: "undone".to_owned(),
        connection: look.environment.to_string(),
        facts: kept(&SettledUpdate { update_id: posted.update_id }),
    }));
    // Whatever waits for the shipment need not wait any longer.
    let name = keys::shipment_name(warehouse, shipment.as_str());
    Decision::Done(Done {
        facts,
        documents: vec![KnownDocument { key: name, kind: "shipment", names: Vec::new() }],
        steps: vec![(warehouse.to_string(), format!("Voided the shipment {shipment}{replaced}."))],
        ..Done::default()
    })
}
