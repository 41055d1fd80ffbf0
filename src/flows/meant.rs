//! Which order a warehouse means: found by our reference, else by the warehouse's own id of it.

use super::answer::Decision;
use super::history::{History, SentOrder};
use super::keys;
use crate::failure::{Code, Failure};
use crate::gateways::Direction;
use crate::message::{Connection, Envelope, Flow, Kind, OrderRefs, Reference};

/// The order that a message from a warehouse speaks of, or what becomes of a message whose order is not there.
///
/// A warehouse may be faster than the commit of our own create: then the message waits for the reference it names.
/// `passes` is the kind that brings it, when that travels in the same lane.
pub(super) fn order_meant<'history>(
    message: &Envelope,
    refs: &OrderRefs,
    environment: &Connection,
    history: &'history History,
    passes: Option<Kind>,
) -> Result<&'history SentOrder, Box<Decision>> {
    let warehouse = &message.connection;
    let reference = refs.reference.as_deref().and_then(|text| text.parse::<Reference>().ok());
    let by_their_id = || refs.external_order_id.as_deref().and_then(|id| history.find_by_order_id(warehouse, id));
    let found = reference.as_ref().and_then(|reference| history.find(reference)).or_else(by_their_id);
    if let Some(sent) = found.filter(|sent| sent.created.warehouse == *warehouse) {
        return Ok(sent);
    }
    let name = refs.reference.as_deref().or(refs.external_order_id.as_deref()).unwrap_or("(without a number)");
    let (direction, code) = kind_of_order(message);
    let failure = Failure::new(code, sentence(message, name, found));
    let document_named = !message.ordering_key.stands_alone();
    Err(Box::new(match reference {
        Some(reference) if history.is_burned(&reference) => {
            Decision::NotOurs(format!("{reference} was dead at {warehouse} before; another revision took its place."))
        }
        Some(reference) if found.is_none() && document_named => {
            waits(keys::order_name(direction, environment, &reference), passes, failure)
        }
        _ => Decision::Fail(failure),
    }))
}

/// A message whose order is not there waits for it; past the deadline it is a person's, and goes on by itself when the order
/// comes nevertheless.
pub(super) fn waits(document: String, passes: Option<Kind>, failure: Failure) -> Decision {
    let failure = failure.awaiting(document.as_str());
    Decision::Wait { document, passes, failure }
}

/// Why a message fails whose order nobody knows by the name that it gives.
pub(super) fn unknown(message: &Envelope, name: &str) -> Failure {
    Failure::new(kind_of_order(message).1, sentence(message, name, None))
}

fn kind_of_order(message: &Envelope) -> (Direction, Code) {
    match message.flow() {
        Flow::GoodsReceived => (Direction::Inbound, Code::InboundUnknown),
        Flow::Returns => (Direction::Returned, Code::ReturnUnknown),
        _ => (Direction::Outbound, Code::OrderUnknown),
    }
}

fn sentence(message: &Envelope, name: &str, elsewhere: Option<&SentOrder>) -> String {
    let warehouse = &message.connection;
    match elsewhere {
        Some(sent) => format!(
            "{warehouse} speaks of the order {name}, which was sent to {} and not to them. Ask {warehouse} which order \
             they mean, then discard this.",
            sent.created.warehouse
        ),
        None => format!(
            "{warehouse} speaks of the order {name}, and we never sent one of that name. If it is one of yours, release \
             it in Dynamics; else discard this."
        ),
    }
}
