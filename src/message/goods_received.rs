//! Flow `goods_received`: what was announced to the warehouse, and what it took in.

use jiff::Timestamp;

use super::coded::coded;
use super::goods::{Item, LineRef, Lot, OrderRefs, Place, Quantity, StockStatus};
use super::names::{FactKey, PlaceCode, RequestId, Serial};
use super::wire::{Invalid, Wire, generated, record};

record! {
    /// Goods are expected: look at the inbound document. It is never the data.
    ReceiptAnnounced {
        /// The inbound request, purchase order or transfer order.
        request_id: RequestId,
        /// Where they are expected, where the event says so.
        warehouse: Option<PlaceCode>,
        /// The order number, where the event says so.
        order_number: Option<String>,
    }

    /// The warehouse took goods in.
    GoodsReceived {
        /// The warehouse's id of the receipt: with the connection, the business key.
        receipt_key: FactKey,
        /// Of which inbound order.
        inbound_order: OrderRefs,
        /// Arrival is not receipt.
        state: ReceiptState,
        /// When the goods arrived.
        arrived_at: Option<Timestamp>,
        /// When counting ended.
        completed_at: Option<Timestamp>,
        /// Whether quantities are totals so far or of this message alone.
        quantity_basis: QuantityBasis,
        /// What was counted.
        lines: Vec<ReceivedLine>,
        /// No more will come.
        is_final: bool,
        /// Where.
        warehouse: Option<Place>,
        /// The sender's version of the receipt.
        sequence: Option<u64>,
    }

    /// What was counted of one line.
    ReceivedLine {
        /// Absent for goods that were not announced.
        line: Option<LineRef>,
        /// Of what.
        item: Item,
        /// What was announced.
        expected: Option<Quantity>,
        /// What was counted, damaged pieces included.
        received: Quantity,
        /// How much of it is damaged.
        damaged: Option<Quantity>,
        /// Which lots.
        lots: Vec<Lot>,
        /// Which pieces.
        serials: Vec<Serial>,
        /// In which condition it is held.
        stock_status: Option<StockStatus>,
        /// Not on the announced document.
        unexpected: bool,
        /// The warehouse's verdict.
        discrepancy: Option<Discrepancy>,
    }
}

coded! {
    /// How far a receipt is.
    ReceiptState / ReceiptStateCode in receipt_state { Arrived, InProgress, Partial, Complete, Cancelled }

    /// What a reported quantity means.
    QuantityBasis / QuantityBasisCode in quantity_basis { Cumulative, Delta }

    /// How a received line differs from what was announced.
    Discrepancy / DiscrepancyCode in discrepancy { None, Short, Over, Damaged, WrongItem, Quality, Packaging }
}
