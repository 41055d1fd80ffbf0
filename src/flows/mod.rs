//! WHAT WE DO: one flow per document type. A flow looks, plans in a pure function, acts.
//!
//! A flow sees far ends and nothing else: no store, no transport. What happened before comes in as a [`Ledger`], what
//! shall happen goes out as a [`Decision`]; the processor commits intents before the calls and records after them.
//! Which Dynamics product is behind a connection, no flow knows.
//!
//! Invariant: whatever the order in which a document's events arrive, with whatever duplicates, the far ends end in
//! the same state. So every plan starts from what is there and from the ledger, never from the event alone.

mod act;
mod answer;
mod by_hand;
mod changes;
mod goods_received;
mod history;
mod items;
mod keys;
mod ledger;
mod meant;
mod names;
mod orders;
mod periods;
mod progress;
mod reading;
mod reports;
mod returns;
mod shipments;
mod slots;
mod stock_adjustments;
mod stock_snapshots;
mod words;

use std::sync::Arc;

use serde_json::Value;

use crate::failure::{Code, Failure};
use crate::gateways::{Calendar, Gateways};
use crate::mapping::Mapping;
use crate::message::{Body, Envelope, Origin};

pub use act::{act, complete, settle};
pub use answer::{
    About, Acted, Call, ClosedPeriod, Decision, Done, Emit, KnownDocument, Lookup, Past, Planned, Repeat, Settled,
};
pub use by_hand::by_hand;
pub use changes::ChangedOrder;
pub use goods_received::{Candidate, ReceiptLook, plan as plan_receipt};
pub use items::items;
pub use ledger::{
    CancelledOrder, CreatedOrder, EndedReference, Ledger, OrderedLine, PackageTracking, PostedDimension, PostedLine,
    PostedUpdate, SeenStatus, SentLine, SettledUpdate, VoidedShipment,
};
pub use names::names;
pub use orders::{Former, OrderLook, plan as plan_order};
pub use progress::{Progress, Stage, progress};
pub use reports::{AskedForTheRest, CountedReceipt, Reported};
pub use returns::{CreditedReturn, MadeFrom, MadeLine, MatchedReturn, ParcelLook, ReturnLook};
pub use shipments::{ShipmentLook, plan as plan_shipment};
pub use stock_adjustments::{AdjustedStock, AdjustmentLook, plan as plan_adjustment};

/// What was seen at the far ends, for the plan.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "one lives for one attempt")]
pub enum Look {
    /// For messages about outbound orders.
    Order(OrderLook),
    /// For messages about shipments, and about what became of a posting.
    Shipment(ShipmentLook),
    /// For messages about receipts.
    Receipt(ReceiptLook),
    /// For messages about stock.
    Adjustment(AdjustmentLook),
    /// For somebody's wish for a return.
    Return(ReturnLook),
    /// For parcels without an RMA whose order was found.
    Parcel(Box<ParcelLook>),
    /// For messages that do not name our reference: the orders that may be meant.
    Sought(Vec<Candidate>),
    /// For the question for a closed period.
    Period(Arc<Calendar>),
    /// Nothing needed to be seen.
    Nothing,
}

/// Reads what the plan needs. It sees the same snapshot of the mapping as the plan.
///
/// # Errors
/// The [`Failure`] of a far end that could not be read.
pub async fn look(
    gateways: &Gateways,
    mapping: &Mapping,
    message: &Envelope,
    ledger: &Ledger,
) -> Result<Look, Failure> {
    if message.asks_for_a_period() {
        return periods::look(gateways, message).map(Look::Period);
    }
    match &message.body {
        Body::OrderReleased(_)
        | Body::OrderChanged(_)
        | Body::OrderCancelled(_)
        | Body::OrderAccepted(_)
        | Body::OrderRejected(_)
        | Body::OrderStatusChanged(_)
        | Body::OrderCancelResolved(_)
        | Body::ReceiptAnnounced(_)
        | Body::ReturnAuthorised(_)
        | Body::ReturnStatusChanged(_) => orders::look(gateways, mapping, message, ledger).await.map(Look::Order),
        Body::PostingSettled(body) if returns::asks_for_the_credit(body) || returns::asks_who_credits(body) => {
            orders::look(gateways, mapping, message, ledger).await.map(Look::Order)
        }
        Body::ShipmentConfirmed(_) | Body::TrackingUpdated(_) | Body::ShipmentVoided(_) | Body::PostingSettled(_) => {
            shipments::look(gateways, message, ledger).await.map(Look::Shipment)
        }
        Body::ReturnRequested(_) => returns::look(gateways, message, ledger).await.map(Look::Return),
        Body::ReturnReceived(_) if message.ordering_key.is_order() => {
            returns::look_at_order(gateways, message, ledger).await.map(|look| Look::Parcel(Box::new(look)))
        }
        Body::GoodsReceived(_) | Body::ReturnReceived(_) => {
            goods_received::look(gateways, mapping, message, ledger).await.map(Look::Receipt)
        }
        Body::StockAdjusted(_) => stock_adjustments::look(gateways, message, ledger).await.map(Look::Adjustment),
        Body::StockSnapshotTaken(_) | Body::ItemChanged(_) | Body::Unreadable(_) => Ok(Look::Nothing),
    }
}

/// What an effect makes known by itself, also when its message has to wait after it. Pure.
#[must_use]
pub fn makes_known(message: &Envelope, act: &str, facts: &Value) -> Option<KnownDocument> {
    orders::makes_known(message, act, facts)
}

/// The names by which the order of a message is sought that does not name our reference.
#[must_use]
pub fn sought(message: &Envelope) -> Vec<String> {
    match &message.body {
        Body::GoodsReceived(_) => goods_received::sought(message),
        Body::ReturnReceived(body) => returns::sought(message, body),
        _ => orders::sought(message),
    }
}

/// Whether the plan of a message is to choose between these orders. An outbound one is sought among those that were adopted; where
/// none are, it is unknown as any other. A parcel that is of none of them is blind.
#[must_use]
pub fn may_mean(gateways: &Gateways, message: &Envelope, candidates: &[Candidate]) -> bool {
    match &message.body {
        Body::GoodsReceived(_) => true,
        Body::ReturnReceived(body) => returns::sent_as(body, candidates).is_some(),
        _ => orders::found(message, candidates).is_some() || orders::may_be_adopted(gateways, message),
    }
}

/// The lane of what was asked about the message's document, when the message may be the answer: then the first of them
/// looks again.
#[must_use]
pub fn questions(message: &Envelope, ledger: &Ledger) -> Option<String> {
    let looks_again = matches!(
        message.body,
        Body::GoodsReceived(_)
            | Body::ReceiptAnnounced(_)
            | Body::ReturnReceived(_)
            | Body::ReturnAuthorised(_)
            | Body::OrderReleased(_)
            | Body::OrderChanged(_)
            | Body::OrderCancelled(_)
    );
    let asked = goods_received::was_anything_asked(ledger) || orders::is_set_aside(ledger);
    (looks_again && !message.asks() && asked).then(|| message.questions_lane())
}

/// Decides what is to be done next. Pure: the same arguments give the same answer.
#[must_use]
pub fn plan(message: &Envelope, look: &Look, mapping: &Mapping, ledger: &Ledger) -> Decision {
    match planned(message, look, mapping, ledger) {
        Decision::Done(mut done) if message.origin == Origin::Poll => {
            let found = format!("Found by a scan: no event of {} told of it.", message.connection);
            done.steps.insert(0, ("drayline".to_owned(), found));
            Decision::Done(done)
        }
        decision => decision,
    }
}

fn planned(message: &Envelope, look: &Look, mapping: &Mapping, ledger: &Ledger) -> Decision {
    match (look, &message.body) {
        (Look::Order(look), Body::ReturnAuthorised(body)) => {
            returns::authorised((message, body), look, mapping, ledger)
        }
        (Look::Order(look), Body::ReturnStatusChanged(body)) => returns::status_changed((message, body), look, ledger),
        (Look::Order(look), Body::PostingSettled(body)) if returns::asks_who_credits(body) => {
            returns::uncredited((message, body), look, ledger)
        }
        (Look::Order(look), Body::PostingSettled(body)) => returns::credited((message, body), look, ledger),
        (Look::Return(look), Body::ReturnRequested(body)) => returns::requested((message, body), look, ledger),
        (Look::Receipt(look), Body::ReturnReceived(body)) => returns::received((message, body), look, mapping, ledger),
        (Look::Parcel(look), Body::ReturnReceived(body)) => returns::parcel((message, body), look, mapping, ledger),
        (Look::Sought(candidates), Body::ReturnReceived(body)) => {
            returns::plan_sought((message, body), candidates, ledger)
        }
        (Look::Order(look), _) => orders::plan(message, look, mapping, ledger),
        (Look::Receipt(look), _) => goods_received::plan(message, look, mapping, ledger),
        (Look::Sought(candidates), Body::GoodsReceived(_)) => goods_received::plan_sought(message, candidates, mapping),
        (Look::Sought(candidates), _) => {
            orders::found(message, candidates).unwrap_or_else(|| orders::not_adopted_yet(message))
        }
        (Look::Period(calendar), _) => periods::plan(message, calendar),
        (Look::Shipment(look), _) => shipments::plan(message, look, mapping, ledger),
        (Look::Adjustment(look), _) => stock_adjustments::plan(message, look, mapping, ledger),
        (Look::Nothing, Body::StockSnapshotTaken(body)) => stock_snapshots::plan(message, body),
        (Look::Nothing, Body::Unreadable(unreadable)) => Decision::Fail(
            Failure::new(
                Code::MessageUnreadable,
                format!(
                    "{} sent something that nobody understood. Correct the sender or the translation, then replay it.",
                    message.connection
                ),
            )
            .with_detail(unreadable.problem.clone()),
        ),
        (Look::Nothing | Look::Return(_) | Look::Parcel(_), body) => Decision::Fail(Failure::new(
            Code::MessageUnhandled,
            format!(
                "{} sent a {}, which this release takes in but does not handle yet. It is kept; replay it after an upgrade.",
                message.connection,
                body.kind()
            ),
        )),
    }
}
