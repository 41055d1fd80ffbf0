//! The plan for a shipment that did not happen after all.
//!
//! It never takes back what is posted: a person does, and says so under the number of the correction. From then on the shipment
//! stands for nothing, and what ships in its place has room.

use serde::Deserialize;
use uuid::Uuid;

use super::{ShipmentLook, is_posted, is_voided, posting_of};
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
    let corrected = corrected(message, ledger);
    if let Some(posted) = posted.as_ref().filter(|_| !undone && corrected.is_none()) {
        let id = message.message_id;
        return Decision::Fail(Failure::new(
            Code::ShipmentVoided,
            format!(
                "{warehouse} says that the shipment {shipment} of {} did not happen, but it is posted as packing slip {}. \
                 Correct the packing slip in Dynamics, then say under which number: drayline exceptions resolve {id} \
                 --exists-as NUMBER. Or cancel the update {} there and replay this.",
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
    // Nobody waits any more for what was handed over to be posted, where it was not.
    let unposted = posted.as_ref().filter(|posted| !is_posted(ledger, &posted.update_id));
    facts.extend(unposted.map(|posted| Past {
        key: keys::undone(&look.environment, &posted.update_id),
        act: "undone".to_owned(),
        connection: look.environment.to_string(),
        facts: kept(&SettledUpdate { update_id: posted.update_id.clone() }),
    }));
    // Whatever waits for the shipment need not wait any longer.
    let name = keys::shipment_name(warehouse, shipment.as_str());
    let mut steps = vec![(warehouse.to_string(), format!("Voided the shipment {shipment}{replaced}."))];
    let by_hand = posted
        .zip(corrected)
        .map(|(posted, number)| format!("Packing slip {} was corrected by hand as {number}.", posted.packing_slip));
    steps.extend(by_hand.map(|step| ("dynamics".to_owned(), step)));
    Decision::Done(Done {
        facts,
        documents: vec![KnownDocument { key: name, kind: "shipment", names: Vec::new() }],
        steps,
        ..Done::default()
    })
}

/// What a person said of a message, as it stands in the ledger.
#[derive(Deserialize)]
struct Said {
    message_id: Uuid,
    exists_as: Option<String>,
}

/// The number under which a person corrected in Dynamics what the message is about.
fn corrected(message: &Envelope, ledger: &Ledger) -> Option<String> {
    let said: Vec<Said> = ledger.facts("by_hand");
    said.into_iter().filter(|said| said.message_id == message.message_id).find_map(|said| said.exists_as)
}
