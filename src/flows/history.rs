//! What became of the orders that we created for one document, to ship or to receive, as far as the ledger tells.
//!
//! A document has at most one live order at warehouses: the latest revision, unless it ended. An order ends by the
//! warehouse's rejection, or by a cancellation that the warehouse confirmed; never because we wished so.

use rust_decimal::Decimal;

use super::changes::ChangedOrder;
use super::ledger::{CancelledOrder, CreatedOrder, EndedReference, Ledger, PostedUpdate, VoidedShipment};
use crate::gateways::HeldOrder;
use crate::message::{Connection, OrderStatusCode, Reference};

/// All orders that we created for one document, oldest first.
#[derive(Clone, Debug)]
pub(super) struct History {
    orders: Vec<SentOrder>,
    burned: Vec<Reference>,
}

/// One order that we created.
#[derive(Clone, Debug)]
pub(super) struct SentOrder {
    /// As it was sent, or as the warehouse changed it since.
    pub created: CreatedOrder,
    /// How often the warehouse changed it.
    pub changes: u32,
    /// Whether the warehouse would not change it, once that it was asked to.
    pub refuses_changes: bool,
    /// How it ended, if it did.
    pub end: Option<End>,
    /// What the warehouse said to our cancellation, if we asked: `REJECTED`, `PENDING` and the like, with its words.
    pub cancel: Option<CancelledOrder>,
}

/// How an order at a warehouse ended without being shipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The warehouse would not, or gave it up by itself: it is sent again only when Dynamics wants something newer.
    Rejected,
    /// We asked and it confirmed.
    Cancelled,
}

impl History {
    /// Reads the ledger.
    pub fn of(ledger: &Ledger) -> Self {
        let rejected: Vec<EndedReference> = ledger.facts("reject_order");
        let mut answers: Vec<CancelledOrder> = ledger.facts("cancel_order");
        answers.extend(ledger.facts::<CancelledOrder>("cancel_receipt"));
        answers.extend(ledger.facts::<CancelledOrder>("cancel_return"));
        answers.extend(ledger.facts::<CancelledOrder>("cancel_resolved"));
        let changes: Vec<ChangedOrder> = ledger.facts("change_order");
        let sent = |created: CreatedOrder| {
            let asked = || changes.iter().filter(|change| change.order.reference == created.reference);
            let last = asked().filter(|change| change.happened()).max_by_key(|change| change.number);
            let (changes, refuses_changes) = (last.map_or(0, |last| last.number), !asked().all(ChangedOrder::happened));
            let created = last.map_or_else(|| created.clone(), |last| last.order.clone());
            let mine = || answers.iter().filter(|answer| answer.reference == created.reference);
            let confirmed = mine().any(|answer| answer.outcome == "CONFIRMED");
            let cancelled = confirmed.then_some(End::Cancelled);
            let refused = rejected.iter().any(|each| each.reference == created.reference).then_some(End::Rejected);
            let cancel = mine().next_back().cloned();
            SentOrder { end: cancelled.or(refused), cancel, created, changes, refuses_changes }
        };
        // A document is of one direction, so that it has facts of one of these acts.
        let acts = ["create_order", "create_receipt", "announce_return"];
        let created = acts.into_iter().flat_map(|act| ledger.facts(act));
        let mut orders: Vec<SentOrder> = created.map(sent).collect();
        orders.sort_by_key(|order| order.created.reference.revision());
        let burned = ledger.facts::<EndedReference>("burn_reference");
        Self { orders, burned: burned.into_iter().map(|each| each.reference).collect() }
    }

    /// The same, knowing what the warehouse shows of the latest order: one that is dead there has ended.
    pub fn seeing(mut self, held: Option<&HeldOrder>) -> Self {
        if let (Some(held), Some(latest)) = (held, self.orders.last_mut()) {
            let same = held.reference == latest.created.their_reference();
            if same && is_dead(held) && latest.end.is_none() {
                latest.end = Some(End::Cancelled);
            }
        }
        self
    }

    /// The same, knowing how an order ended.
    pub fn ending(mut self, reference: &Reference, end: End) -> Self {
        for order in self.orders.iter_mut().filter(|order| order.created.reference == *reference) {
            order.end = order.end.or(Some(end));
        }
        self
    }

    /// The order that was created last.
    pub fn latest(&self) -> Option<&SentOrder> {
        self.orders.last()
    }

    /// Whether nothing was ever sent.
    pub fn is_blank(&self) -> bool {
        self.orders.is_empty() && self.burned.is_empty()
    }

    /// The order of a reference.
    pub fn find(&self, reference: &Reference) -> Option<&SentOrder> {
        self.orders.iter().find(|order| order.created.reference == *reference)
    }

    /// The order that a warehouse knows under its own id.
    pub fn find_by_order_id(&self, warehouse: &Connection, order_id: &str) -> Option<&SentOrder> {
        self.orders.iter().find(|each| each.created.warehouse == *warehouse && each.created.order_id == order_id)
    }

    /// The order that a warehouse had under this reference before we came.
    pub fn adopted_as(&self, warehouse: &Connection, reference: &str) -> Option<&SentOrder> {
        let same = |sent: &&SentOrder| {
            let adopted = sent.created.adopted.as_ref().filter(|_| sent.created.warehouse == *warehouse);
            adopted.is_some_and(|adopted| adopted.reference == reference)
        };
        self.orders.iter().find(same)
    }

    /// Whether a reference was dead at the warehouse before we could use it.
    pub fn is_burned(&self, reference: &Reference) -> bool {
        self.burned.contains(reference)
    }

    /// The first revision that nobody has used.
    pub fn next_revision(&self) -> u16 {
        let used = self.orders.iter().map(|order| order.created.reference.revision());
        used.chain(self.burned.iter().map(Reference::revision)).max().map_or(1, |last| last.saturating_add(1))
    }
}

/// Whether a warehouse holds an order only as a memory. It is then not "already there", and can be created anew.
pub(super) fn is_dead(held: &HeldOrder) -> bool {
    let raw = held.status.raw.as_deref().unwrap_or_default();
    let words = ["rejected", "cancelled", "canceled"];
    held.status.code == OrderStatusCode::Cancelled || words.iter().any(|word| raw.eq_ignore_ascii_case(word))
}

/// The postings of a document that stand: its receipts, and its shipments that were not voided.
pub(super) fn postings(ledger: &Ledger) -> Vec<PostedUpdate> {
    let voided: Vec<VoidedShipment> = ledger.facts("void_shipment");
    let stands = |posted: &PostedUpdate| {
        !voided.iter().any(|void| void.shipment_key == posted.shipment_key && void.warehouse == posted.warehouse)
    };
    let shipments = ledger.facts("post_shipment").into_iter().filter(stands);
    shipments.chain(ledger.facts("post_receipt")).collect()
}

/// How much of a line was posted, over all shipments that stand, or all receipts.
pub(super) fn moved(postings: &[PostedUpdate], line_id: &str) -> Decimal {
    let lines = postings.iter().flat_map(|posted| &posted.lines);
    lines.filter(|line| line.line_id == line_id).map(|line| line.moved).sum()
}
