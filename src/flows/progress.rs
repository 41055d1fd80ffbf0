//! How far a document is, for those who look after many: from what a message saw and what is known when it leaves. Pure.
//!
//! It decides nothing. What it tells is the same whether the message was applied or has to wait: an order that cannot be
//! sent is exactly what people look for.

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::Look;
use super::history::{End, History, SentOrder, moved, postings};
use super::keys;
use super::ledger::{Ledger, PostedUpdate};
use super::orders::{OrderLook, shipped_whole, waits_for_a_decision};
use super::reports::CountedReceipt;
use super::returns::is_owed;
use super::shipments::is_posted;
use crate::gateways::{Direction, ReleasedOrder};
use crate::message::{Body, Envelope, LegalEntity, OrderRefs, Origin};

/// How far a document is. What is absent stays as it was.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// Which way its goods go.
    pub direction: Direction,
    /// The company.
    pub legal_entity: Option<LegalEntity>,
    /// The number that people use.
    pub number: Option<String>,
    /// The warehouse that has it, or shall have it.
    pub warehouse: Option<String>,
    /// When it shall have arrived: Dynamics' promise.
    pub promised_at: Option<Timestamp>,
    /// What it is worth, as Dynamics says.
    pub value: Option<Decimal>,
    /// In which currency.
    pub currency: Option<String>,
    /// When it was released.
    pub released_at: Timestamp,
    /// When the warehouse took it on.
    pub accepted_at: Option<Timestamp>,
    /// When the warehouse gave it back.
    pub rejected_at: Option<Timestamp>,
    /// When the first of it moved.
    pub moved_at: Option<Timestamp>,
    /// When the first moved of what is handed over and not posted; of what came back, of what is to be credited and is not.
    pub open_since: Option<Timestamp>,
    /// Where it stands with the warehouse.
    pub stage: Option<Stage>,
    /// Whether nothing more is to move.
    pub whole: Option<bool>,
    /// Whether the message is of the flow that posts, so that postings are to be counted anew.
    pub counts: bool,
}

/// Where a document stands with its warehouse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// No warehouse has it.
    NotSent,
    /// It was sent.
    Sent,
    /// The warehouse took it on.
    Accepted,
    /// The warehouse will not do it.
    Rejected,
    /// Dynamics cancelled it, and no warehouse does it: it gave it up as we asked, rejected it before, or never had it.
    Cancelled,
    /// It was released before go-live: no warehouse gets it from us, and a person decides.
    BeforeGoLive,
}

impl Stage {
    /// The number in the store.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::NotSent => 0,
            Self::Sent => 1,
            Self::Accepted => 2,
            Self::Rejected => 3,
            Self::Cancelled => 4,
            Self::BeforeGoLive => 5,
        }
    }
}

/// What a message that leaves makes known of how far its document is; nothing where it changes nothing of that, or where
/// nothing of the document was ever ours.
#[must_use]
pub fn progress(message: &Envelope, look: Option<&Look>, ledger: &Ledger) -> Option<Progress> {
    let history = History::of(ledger);
    match (look?, &message.body) {
        (
            Look::Adjustment(_) | Look::Sought(_) | Look::Period(_) | Look::Return(_) | Look::Parcel(_) | Look::Nothing,
            _,
        )
        | (_, Body::TrackingUpdated(_)) => None,
        (Look::Order(look), _) => ordered(message, look, &history, ledger),
        (Look::Shipment(_), Body::PostingSettled(_)) if message.origin != Origin::Emitted => None,
        (Look::Shipment(_), Body::PostingSettled(_)) => counted((message, ledger), &history, None),
        (Look::Shipment(_), body) => {
            let no_more = matches!(body, Body::ShipmentConfirmed(body) if !body.shorts.is_empty());
            let postings = postings(ledger);
            let latest = history.latest()?;
            let whole = !postings.is_empty() && (no_more || shipped_whole(latest, &postings));
            counted((message, ledger), &history, Some((whole, &postings)))
        }
        (Look::Receipt(_), _) => {
            let latest = history.latest()?;
            let postings = postings(ledger);
            let counts = ledger.facts::<CountedReceipt>("count_receipt");
            let over = counts.iter().any(|each| each.is_final && each.reference == latest.created.reference);
            let whole = over || received_whole(latest, &postings);
            counted((message, ledger), &history, Some((whole, &postings)))
        }
    }
}

/// When the first moved of what is still open of a document.
fn open_since(direction: Direction, ledger: &Ledger) -> Option<Timestamp> {
    let open = |posted: &PostedUpdate| match direction {
        Direction::Returned => is_owed(posted, ledger),
        Direction::Outbound | Direction::Inbound => !is_posted(ledger, &posted.update_id),
    };
    postings(ledger).into_iter().filter(open).map(|posted| posted.moved_at).min()
}

fn received_whole(sent: &SentOrder, postings: &[PostedUpdate]) -> bool {
    let lines = &sent.created.lines;
    !postings.is_empty() && lines.iter().all(|line| moved(postings, &line.line_id) >= line.quantity)
}

/// From a message of the flow that sends documents to warehouses.
fn ordered(message: &Envelope, look: &OrderLook, history: &History, ledger: &Ledger) -> Option<Progress> {
    let latest = history.latest();
    let released = look.released.as_ref();
    if latest.is_none() && released.is_none() {
        return None;
    }
    let rejected = matches!(&message.body, Body::OrderRejected(body) if body.lines.is_empty()
        && latest.is_some_and(|latest| speaks_of(&body.order, latest)));
    let stage = match latest {
        Some(latest) => stage(latest, released, rejected, ledger),
        None if released.is_some_and(|released| released.cancelled) => Stage::Cancelled,
        None if waits_for_a_decision(ledger) => Stage::BeforeGoLive,
        None => Stage::NotSent,
    };
    let at = message.occurred.at;
    let looks_for_credit = matches!(message.body, Body::PostingSettled(_));
    let warehouse = latest.map(|latest| latest.created.warehouse.to_string());
    let known = Progress {
        direction: look.direction,
        warehouse: warehouse.or_else(|| look.warehouse.as_ref().map(|(warehouse, _)| warehouse.to_string())),
        accepted_at: (stage == Stage::Accepted).then_some(at),
        rejected_at: (stage == Stage::Rejected).then_some(at),
        stage: Some(stage),
        // It looked for a credit, and may have found it.
        open_since: looks_for_credit.then(|| open_since(look.direction, ledger)).flatten(),
        counts: looks_for_credit,
        ..blank(message, history)
    };
    Some(match released {
        None => known,
        Some(released) => Progress {
            legal_entity: Some(released.legal_entity.clone()),
            number: Some(released.order_number.clone().unwrap_or_else(|| released.request_id.to_string())),
            promised_at: released.deliver_by.or(released.ship_by),
            value: released.value,
            currency: released.currency.clone(),
            ..known
        },
    })
}

/// Whether a warehouse means this order.
fn speaks_of(refs: &OrderRefs, sent: &SentOrder) -> bool {
    let created = &sent.created;
    match &refs.reference {
        Some(reference) => *reference == created.reference.to_string(),
        None => refs.external_order_id.as_deref() == Some(created.order_id.as_str()),
    }
}

fn stage(latest: &SentOrder, released: Option<&ReleasedOrder>, rejected: bool, ledger: &Ledger) -> Stage {
    let created = &latest.created;
    let wanted = released.is_some_and(|released| !released.cancelled);
    let given_back = latest.end == Some(End::Rejected) || (latest.end.is_none() && rejected);
    match latest.end {
        _ if given_back && released.is_some() && !wanted => Stage::Cancelled,
        Some(End::Rejected) => Stage::Rejected,
        Some(End::Cancelled) if wanted => Stage::NotSent,
        Some(End::Cancelled) => Stage::Cancelled,
        None if rejected => Stage::Rejected,
        None if ledger.has(&keys::accept_order(&created.warehouse, &created.reference)) => Stage::Accepted,
        None => Stage::Sent,
    }
}

/// From a message of the flow that posts: with whether nothing more is to move, and what was handed over.
fn counted(
    (message, ledger): (&Envelope, &Ledger),
    history: &History,
    told: Option<(bool, &[PostedUpdate])>,
) -> Option<Progress> {
    let latest = history.latest()?;
    let moved_at = told.and_then(|(_, postings)| postings.iter().map(|posted| posted.moved_at).min());
    Some(Progress {
        legal_entity: Some(latest.created.legal_entity.clone()),
        warehouse: Some(latest.created.warehouse.to_string()),
        moved_at,
        open_since: open_since(Direction::of(message.flow()), ledger),
        whole: told.map(|(whole, _)| whole),
        counts: true,
        ..blank(message, history)
    })
}

fn blank(message: &Envelope, history: &History) -> Progress {
    let direction = Direction::of(message.flow());
    let number = history.latest().map(|latest| {
        let created = &latest.created;
        created.order_number.clone().unwrap_or_else(|| created.request_id.to_string())
    });
    Progress {
        direction,
        legal_entity: message.legal_entity.clone(),
        number,
        warehouse: None,
        promised_at: None,
        value: None,
        currency: None,
        released_at: message.occurred.at,
        accepted_at: None,
        rejected_at: None,
        moved_at: None,
        open_since: None,
        stage: None,
        whole: None,
        counts: false,
    }
}
