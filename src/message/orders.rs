//! Flow `orders`: documents released in Dynamics, and the warehouse's answers to them.

use jiff::Timestamp;

use super::coded::coded;
use super::goods::{Item, LineRef, OrderRefs, Reason};
use super::names::{PlaceCode, RequestId};
use super::wire::{Invalid, Wire, generated, record};

record! {
    /// A released document that Dynamics told us to look at. It names the document; it is never the data.
    ReleasedDocument {
        /// The outbound request (Finance & Operations) or the order (Business Central).
        request_id: RequestId,
        /// The warehouse it ships from, where the event says so.
        warehouse: Option<PlaceCode>,
        /// The order number, where the event says so.
        order_number: Option<String>,
    }

    /// An order was released to the warehouse: look at it.
    OrderReleased {
        /// Which.
        document: ReleasedDocument,
    }

    /// A released order was changed: look at it again.
    OrderChanged {
        /// Which.
        document: ReleasedDocument,
    }

    /// A released order was cancelled or taken back: look at it again.
    OrderCancelled {
        /// Which.
        document: ReleasedDocument,
        /// Dynamics' words, where the event has any.
        reason: Option<String>,
    }

    /// The warehouse took the order on.
    OrderAccepted {
        /// Which.
        order: OrderRefs,
        /// When.
        accepted_at: Option<Timestamp>,
    }

    /// The warehouse will not fulfil the order, or these lines of it.
    OrderRejected {
        /// Which.
        order: OrderRefs,
        /// Why.
        reason: Reason,
        /// Empty means the whole order.
        lines: Vec<RejectedLine>,
        /// When.
        rejected_at: Option<Timestamp>,
    }

    /// A line that will not be fulfilled.
    RejectedLine {
        /// Which.
        line: Option<LineRef>,
        /// Of what.
        item: Item,
        /// Why; absent means as the order.
        reason: Option<Reason>,
    }

    /// Where the order is in the warehouse. Hold and exception are flags beside the rank: they come and go.
    OrderStatusChanged {
        /// Which.
        order: OrderRefs,
        /// Its rank never moves backwards except by explicit events.
        status: OrderStatus,
        /// The warehouse holds it back.
        on_hold: bool,
        /// The warehouse cannot go on with it.
        exception: bool,
        /// Why it is held or cannot go on.
        reason: Option<Reason>,
        /// When.
        changed_at: Option<Timestamp>,
    }

    /// How a cancellation that we asked for ended.
    OrderCancelResolved {
        /// Which.
        order: OrderRefs,
        /// How.
        outcome: CancelOutcome,
        /// Why it was refused.
        reason: Option<Reason>,
        /// When.
        resolved_at: Option<Timestamp>,
    }
}

coded! {
    /// Where an order is in the warehouse.
    OrderStatus / OrderStatusCode in order_status {
        Received, Processing, Picking, Packed, Labelled, PartiallyShipped, Shipped, Delivered, Undeliverable, Cancelled,
    }

    /// How a cancellation ended.
    CancelOutcome / CancelOutcomeCode in cancel_outcome { Confirmed, Rejected, Partial, Pending }
}
