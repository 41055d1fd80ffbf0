//! WHAT TRAVELS: the envelope, one file per flow's kinds, identifiers and quantities.
//!
//! It refuses to hold nonsense: what is read here is valid everywhere after, and nothing is validated twice.
//! It never touches the network, the store or the time. Generated protobuf types stay inside.

mod coded;
mod envelope;
mod goods;
mod goods_received;
mod identity;
mod items;
mod kind;
mod names;
mod orders;
mod packed;
mod postings;
mod refs;
mod returns;
mod revised;
mod shipments;
mod stock_adjustments;
mod stock_snapshots;
mod trace;
mod wire;

pub use envelope::{
    ASKS_FOR_A_PERIOD, ASKS_FOR_THE_REST, ASKS_WHAT_NOW, Envelope, FOUND_ITS_ORDER, Occurred, Origin,
    PREVIOUS_MESSAGE_ID, PURPOSE, RawBody, SCHEMA_VERSION, TimePrecision, sha256,
};
pub use goods::{
    Address, Carrier, Item, LineRef, Lot, Money, OrderRefs, Place, Quantity, Reason, ReasonCode, StockStatus,
    StockStatusCode,
};
pub use goods_received::{
    Discrepancy, DiscrepancyCode, GoodsReceived, QuantityBasis, QuantityBasisCode, ReceiptAnnounced, ReceiptState,
    ReceiptStateCode, ReceivedLine,
};
pub use identity::{
    OrderingKey, Reference, digest, emitted_id, id_of_bytes, message_id, message_id_of_bytes, posting_name, record_id,
};
pub use kind::{Body, Flow, Kind, Order};
pub use names::{Connection, Currency, FactKey, LegalEntity, PlaceCode, RequestId, Serial, Sku, Unit};
pub use orders::{
    CancelOutcome, CancelOutcomeCode, OrderAccepted, OrderCancelResolved, OrderCancelled, OrderChanged, OrderRejected,
    OrderReleased, OrderStatus, OrderStatusChanged, OrderStatusCode, RejectedLine, ReleasedDocument,
};
pub use packed::{pack, unpack};
pub use postings::{PostingOutcome, PostingOutcomeCode, PostingSettled, Unreadable};
pub use returns::{
    Condition, ConditionCode, DisposedQuantity, Disposition, DispositionCode, RequestedReturnLine, ReturnAuthorised,
    ReturnKind, ReturnKindCode, ReturnReason, ReturnReasonCode, ReturnReceived, ReturnRequested, ReturnStatus,
    ReturnStatusChanged, ReturnStatusCode, ReturnedLine,
};
pub use revised::Change;
pub use shipments::{
    Dimensions, Package, ShipmentConfirmed, ShipmentVoided, ShippedContent, Short, TrackingStatus, TrackingStatusCode,
    TrackingUpdated,
};
pub use stock_adjustments::{
    AdjustmentKind, AdjustmentKindCode, AdjustmentReason, AdjustmentReasonCode, StockAdjusted,
};
pub use stock_snapshots::{ItemChanged, SnapshotLine, SnapshotScope, SnapshotScopeCode, StockSnapshotTaken};
pub use trace::TraceContext;
pub use wire::Invalid;
