//! Flow `returns`: goods that come back, and what becomes of them.

use jiff::Timestamp;

use super::coded::coded;
use super::goods::{Item, LineRef, Lot, OrderRefs, Quantity, StockStatus};
use super::identity::OrderingKey;
use super::names::{FactKey, PlaceCode, Serial};
use super::wire::{Invalid, Wire, generated, record};

record! {
    /// A shop or portal asks for a return authorisation.
    ReturnRequested {
        /// The shop's id of the request.
        request_key: FactKey,
        /// The original order.
        order: OrderRefs,
        /// What sort of return.
        kind: Option<ReturnKind>,
        /// The customer in Dynamics.
        customer_account: Option<String>,
        /// What shall come back.
        lines: Vec<RequestedReturnLine>,
        /// When.
        requested_at: Option<Timestamp>,
        /// For people.
        note: Option<String>,
    }

    /// One line that shall come back.
    RequestedReturnLine {
        /// Of the original order.
        line: Option<LineRef>,
        /// Of what.
        item: Item,
        /// How much.
        quantity: Quantity,
        /// Why.
        reason: Option<ReturnReason>,
        /// Which pieces.
        serials: Vec<Serial>,
    }

    /// A return order exists in Dynamics: look at it. It is never the data.
    ReturnAuthorised {
        /// Dynamics' return order number; not the same as the RMA.
        return_order_number: FactKey,
        /// The RMA printed on the parcel.
        rma: Option<String>,
        /// Where the goods are expected.
        warehouse: Option<PlaceCode>,
    }

    /// How far a return is.
    ReturnStatusChanged {
        /// The warehouse's id of the return.
        return_key: FactKey,
        /// The RMA, where the warehouse knows it.
        rma: Option<String>,
        /// The original order, where the warehouse knows it.
        order: Option<OrderRefs>,
        /// How far.
        status: ReturnStatus,
        /// When.
        changed_at: Option<Timestamp>,
    }

    /// Goods came back.
    ReturnReceived {
        /// The warehouse's id of the return: with the connection, the business key.
        return_key: FactKey,
        /// The RMA, where the warehouse knows it.
        rma: Option<String>,
        /// The original order, where the warehouse knows it.
        order: Option<OrderRefs>,
        /// What sort of return.
        kind: Option<ReturnKind>,
        /// Came without an authorisation.
        blind: bool,
        /// Of the parcels that came back.
        tracking_numbers: Vec<String>,
        /// When.
        received_at: Option<Timestamp>,
        /// No more will come.
        is_final: bool,
        /// What was counted, as totals so far.
        lines: Vec<ReturnedLine>,
        /// The sender's version of the return.
        sequence: Option<u64>,
        /// The document of the order that a person found for a parcel without an RMA; a warehouse never says it.
        matched_order: Option<OrderingKey>,
        /// The customer in Dynamics, where the warehouse knows whose goods they are.
        customer_account: Option<String>,
    }

    /// What came back of one line.
    ReturnedLine {
        /// Of the original order.
        line: Option<LineRef>,
        /// Of what.
        item: Item,
        /// What was announced.
        expected: Option<Quantity>,
        /// What was counted.
        received: Quantity,
        /// Why it came back.
        reason: Option<ReturnReason>,
        /// One line can end in several dispositions; only RESTOCK raises sellable stock.
        dispositions: Vec<DisposedQuantity>,
        /// Not on the announced return.
        unexpected: bool,
    }

    /// A quantity that was disposed of in one way.
    DisposedQuantity {
        /// In which way.
        disposition: Disposition,
        /// How much.
        quantity: Quantity,
        /// In which condition it came.
        condition: Option<Condition>,
        /// The warehouse's grade.
        grade: Option<String>,
        /// How it is held now.
        stock_status: Option<StockStatus>,
        /// Which lot.
        lot: Option<Lot>,
        /// Which pieces.
        serials: Vec<Serial>,
        /// Addresses of pictures.
        images: Vec<String>,
        /// The warehouse's words.
        note: Option<String>,
    }
}

coded! {
    /// What sort of return.
    ReturnKind / ReturnKindCode in return_kind { Customer, Undeliverable, Refused, Recall, B2b }

    /// Why goods come back.
    ReturnReason / ReturnReasonCode in return_reason {
        ChangedMind, Defective, Damaged, WrongItem, Exchange, Undeliverable,
    } + text

    /// How far a return is.
    ReturnStatus / ReturnStatusCode in return_status { EnRoute, Arrived, NotArrived, InProgress, Completed, Cancelled }

    /// What becomes of returned goods.
    Disposition / DispositionCode in disposition {
        Restock, Quarantine, Refurbish, Scrap, Donate, ReturnToVendor, ReturnToSender, KeptByCustomer, Pending,
    }

    /// In which condition goods came back.
    Condition / ConditionCode in condition {
        New, Opened, Used, Defective, DamagedByCustomer, DamagedByCarrier, DamagedByWarehouse, WrongItem, Unknown,
    }
}
