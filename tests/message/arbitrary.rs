//! Arbitrary messages of every kind, built with public constructors and fields alone: what can be built must survive.
//!
//! A record's strategy follows from the types of its fields. Its fields are named one by one, so that a new one does not
//! compile until it takes part.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::str::FromStr;

use drayline::message::{
    Address, AdjustmentKind, AdjustmentKindCode, AdjustmentReason, AdjustmentReasonCode, Body, CancelOutcome,
    CancelOutcomeCode, Carrier, Condition, ConditionCode, Connection, Currency, Dimensions, Discrepancy,
    DiscrepancyCode, DisposedQuantity, Disposition, DispositionCode, Envelope, FactKey, Flow, GoodsReceived, Item,
    ItemChanged, Kind, LegalEntity, LineRef, Lot, Money, Occurred, OrderAccepted, OrderCancelResolved, OrderCancelled,
    OrderChanged, OrderRefs, OrderRejected, OrderReleased, OrderStatus, OrderStatusChanged, OrderStatusCode,
    OrderingKey, Origin, Package, Place, PlaceCode, PostingOutcome, PostingOutcomeCode, PostingSettled, Quantity,
    QuantityBasis, QuantityBasisCode, RawBody, Reason, ReasonCode, ReceiptAnnounced, ReceiptState, ReceiptStateCode,
    ReceivedLine, RejectedLine, ReleasedDocument, RequestId, RequestedReturnLine, ReturnAuthorised, ReturnKind,
    ReturnKindCode, ReturnReason, ReturnReasonCode, ReturnReceived, ReturnRequested, ReturnStatus, ReturnStatusChanged,
    ReturnStatusCode, ReturnedLine, Serial, ShipmentConfirmed, ShipmentVoided, ShippedContent, Short, Sku,
    SnapshotLine, SnapshotScope, SnapshotScopeCode, StockAdjusted, StockSnapshotTaken, StockStatus, StockStatusCode,
    TimePrecision, TrackingStatus, TrackingStatusCode, TrackingUpdated, Unit, Unreadable,
};
use jiff::Timestamp;
use jiff::civil::Date;
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use rust_decimal::Decimal;
use uuid::Uuid;

/// A type of which anything can be made that may exist.
pub trait Any: Sized + Clone + Debug + 'static {
    fn any() -> BoxedStrategy<Self>;
}

impl<T: Any> Any for Option<T> {
    fn any() -> BoxedStrategy<Self> {
        of(T::any()).boxed()
    }
}

impl<T: Any> Any for Vec<T> {
    fn any() -> BoxedStrategy<Self> {
        vec(T::any(), 0..3).boxed()
    }
}

/// Text that is there: on the wire the empty text means absent.
impl Any for String {
    fn any() -> BoxedStrategy<Self> {
        "\\PC{1,24}".boxed()
    }
}

impl Any for bool {
    fn any() -> BoxedStrategy<Self> {
        any::<bool>().boxed()
    }
}

impl Any for u32 {
    fn any() -> BoxedStrategy<Self> {
        any::<u32>().boxed()
    }
}

impl Any for u64 {
    fn any() -> BoxedStrategy<Self> {
        any::<u64>().boxed()
    }
}

impl Any for Decimal {
    fn any() -> BoxedStrategy<Self> {
        (any::<i64>(), 0_u32..13).prop_map(|(digits, scale)| Self::new(digits, scale)).boxed()
    }
}

impl Any for Timestamp {
    fn any() -> BoxedStrategy<Self> {
        (0_i64..4_102_444_800, 0..1_000_000_000).prop_map(|(second, nano)| Self::new(second, nano).unwrap()).boxed()
    }
}

impl Any for Date {
    fn any() -> BoxedStrategy<Self> {
        (1970_i16..2100, 1_i8..13, 1_i8..29).prop_map(|(year, month, day)| Self::new(year, month, day).unwrap()).boxed()
    }
}

impl Any for Uuid {
    fn any() -> BoxedStrategy<Self> {
        any::<u128>().prop_map(Self::from_u128).boxed()
    }
}

impl Any for Flow {
    fn any() -> BoxedStrategy<Self> {
        select(&Self::ALL).boxed()
    }
}

fn parsed<N: FromStr<Err: Debug> + Debug>(pattern: &'static str) -> impl Strategy<Value = N> {
    pattern.prop_map(|name: String| name.parse().unwrap())
}

macro_rules! names {
    ($($type:ident = $pattern:literal;)*) => { $(impl Any for $type {
        fn any() -> BoxedStrategy<Self> { parsed($pattern).boxed() }
    })* };
}

names! {
    Connection = "[a-z][a-z0-9_]{0,39}";
    Currency = "[A-Z]{3}";
    FactKey = "[ -~]{0,20}[!-~][ -~]{0,20}";
    LegalEntity = "[a-z0-9 .-]{0,29}[a-z]";
    OrderingKey = "[a-z]{1,8}/[!-~]{1,40}";
    PlaceCode = "[A-Z0-9-]{1,20}";
    RequestId = "[A-Za-z0-9/_-]{1,40}";
    Serial = "[A-Z0-9-]{1,30}";
    // Case, leading zeros and blanks inside are kept.
    Sku = "[ -~]{0,20}[!-~][ -~]{0,20}";
    Unit = "[A-Za-z0-9]{1,20}";
}

macro_rules! coded {
    ($($type:ident / $code:ident $(+ $text:ident)?;)*) => { $(impl Any for $type {
        fn any() -> BoxedStrategy<Self> {
            (select($code::ALL), Any::any(), Option::<String>::any())
                .prop_map(|(code, raw, _sentence)| Self { code, raw, $($text: _sentence)? })
                .boxed()
        }
    })* };
}

coded! {
    AdjustmentKind / AdjustmentKindCode;
    AdjustmentReason / AdjustmentReasonCode + text;
    CancelOutcome / CancelOutcomeCode;
    Condition / ConditionCode;
    Discrepancy / DiscrepancyCode;
    Disposition / DispositionCode;
    OrderStatus / OrderStatusCode;
    PostingOutcome / PostingOutcomeCode;
    QuantityBasis / QuantityBasisCode;
    Reason / ReasonCode + text;
    ReceiptState / ReceiptStateCode;
    ReturnKind / ReturnKindCode;
    ReturnReason / ReturnReasonCode + text;
    ReturnStatus / ReturnStatusCode;
    SnapshotScope / SnapshotScopeCode;
    StockStatus / StockStatusCode;
    TrackingStatus / TrackingStatusCode;
}

/// One strategy per field, in nested pairs, because tuples of strategies end at twelve.
macro_rules! records {
    ($($type:ident { $($field:ident),* $(,)? })*) => { $(impl Any for $type {
        fn any() -> BoxedStrategy<Self> {
            let fields = Just(()).boxed();
            $(let fields = { stringify!($field); (fields, Any::any()).boxed() };)*
            fields.prop_map(|fields| records!(@build fields [] $($field)*)).boxed()
        }
    })* };
    (@build $fields:ident [$($reversed:ident)*] $first:ident $($rest:ident)*) => {
        records!(@build $fields [$first $($reversed)*] $($rest)*)
    };
    (@build $fields:ident [$($reversed:ident)*]) => {{
        let rest = $fields;
        $(let (rest, $reversed) = rest;)*
        let () = rest;
        Self { $($reversed),* }
    }};
}

records! {
    Address { name, company, line1, line2, line3, city, region, postal_code, country, phone, email, residential }
    Carrier { raw, name, scac, service }
    Dimensions { length, width, height, unit }
    DisposedQuantity { disposition, quantity, condition, grade, stock_status, lot, serials, images, note }
    GoodsReceived {
        receipt_key, inbound_order, state, arrived_at, completed_at, quantity_basis, lines, is_final, warehouse, sequence,
    }
    Item { sku, external_item_id, gtin, qualifier, item_number, variant, description }
    ItemChanged { item_number, variant }
    LineRef { order_line_id, external_line_id }
    Lot { number, expiry, best_before, manufactured, quantity }
    Money { amount, currency }
    OrderAccepted { order, accepted_at }
    OrderCancelResolved { order, outcome, reason, resolved_at }
    OrderCancelled { document, reason }
    OrderChanged { document }
    OrderRefs { reference, external_order_id, order_number, purchase_order }
    OrderRejected { order, reason, lines, rejected_at }
    OrderReleased { document }
    OrderStatusChanged { order, status, on_hold, exception, reason, changed_at }
    Package { package_key, tracking_number, tracking_url, sscc, weight, dimensions, contents, carrier }
    Place { code, external_id }
    PostingSettled { update_id, flow, outcome, text }
    Quantity { value, unit, base_value, base_unit }
    ReceiptAnnounced { request_id, warehouse, order_number }
    ReceivedLine {
        line, item, expected, received, damaged, lots, serials, stock_status, unexpected, discrepancy,
    }
    RejectedLine { line, item, reason }
    ReleasedDocument { request_id, warehouse, order_number }
    RequestedReturnLine { line, item, quantity, reason, serials }
    ReturnAuthorised { return_order_number, rma, warehouse }
    ReturnReceived {
        return_key, rma, order, kind, blind, tracking_numbers, received_at, is_final, lines, sequence, matched_order,
        customer_account,
    }
    ReturnRequested { request_key, order, kind, customer_account, lines, requested_at, note }
    ReturnStatusChanged { return_key, rma, order, status, changed_at }
    ReturnedLine { line, item, expected, received, reason, dispositions, unexpected }
    ShipmentConfirmed {
        shipment_key, order, shipped_at, is_final, ship_from, carrier, packages, unpacked_lines, shorts,
        bill_of_lading, pro_number, cost, sequence,
    }
    ShipmentVoided { shipment_key, order, tracking_number, reason, replaced_by, voided_at }
    ShippedContent { line, item, quantity, lots, serials, stock_status }
    Short { line, item, quantity, reason }
    SnapshotLine { item, warehouse, status, lot, quantity }
    StockAdjusted {
        adjustment_key, item, warehouse, bin, lot, serials, kind, delta, level_before, level_after, from_status,
        to_status, reason, related_document, user, adjusted_at, sequence, owner,
    }
    StockSnapshotTaken { snapshot_id, as_of, scope, part, parts, lines }
    TrackingUpdated {
        shipment_key, package_key, order, tracking_number_old, tracking_number, tracking_url, carrier, status,
        updated_at,
    }
    Unreadable { flow, problem }
    Occurred { at, raw, precision }
    Envelope {
        message_id, connection, source_system, external_event_id, external_event_type, ordering_key, environment,
        legal_entity, occurred, received_at, origin, sequence, traceparent, causation_id, raw, attributes, body,
    }
}

impl Any for TimePrecision {
    fn any() -> BoxedStrategy<Self> {
        select(&[Self::Instant, Self::AssumedZone, Self::ReceiveTime]).boxed()
    }
}

impl Any for Origin {
    fn any() -> BoxedStrategy<Self> {
        select(&[Self::Webhook, Self::Poll, Self::File, Self::Manual, Self::Replay, Self::Emitted]).boxed()
    }
}

impl Any for BTreeMap<String, String> {
    fn any() -> BoxedStrategy<Self> {
        proptest::collection::btree_map(String::any(), String::any(), 0..3).boxed()
    }
}

impl Any for RawBody {
    fn any() -> BoxedStrategy<Self> {
        (vec(any::<u8>(), 0..200), Any::any()).prop_map(|(body, media_type)| Self::pack(&body, media_type)).boxed()
    }
}

impl Any for Body {
    fn any() -> BoxedStrategy<Self> {
        select(Kind::ALL).prop_flat_map(body).boxed()
    }
}

/// An arbitrary body of one kind. A new kind does not compile until it takes part.
pub fn body(kind: Kind) -> BoxedStrategy<Body> {
    macro_rules! of_kind {
        ($($kind:ident),*) => { match kind { $(Kind::$kind => $kind::any().prop_map(Body::$kind).boxed()),* } };
    }
    of_kind!(
        OrderReleased,
        OrderChanged,
        OrderCancelled,
        OrderAccepted,
        OrderRejected,
        OrderStatusChanged,
        OrderCancelResolved,
        ShipmentConfirmed,
        TrackingUpdated,
        ShipmentVoided,
        ReceiptAnnounced,
        GoodsReceived,
        StockAdjusted,
        ReturnRequested,
        ReturnAuthorised,
        ReturnStatusChanged,
        ReturnReceived,
        StockSnapshotTaken,
        ItemChanged,
        PostingSettled,
        Unreadable
    )
}
