//! The one table of kinds: which there are, which flow each belongs to, and how each may be ordered.

use std::fmt;
use std::str::FromStr;

use super::goods_received::{GoodsReceived, ReceiptAnnounced};
use super::orders::{
    OrderAccepted, OrderCancelResolved, OrderCancelled, OrderChanged, OrderRejected, OrderReleased, OrderStatusChanged,
};
use super::postings::{PostingSettled, Unreadable};
use super::returns::{ReturnAuthorised, ReturnReceived, ReturnRequested, ReturnStatusChanged};
use super::shipments::{ShipmentConfirmed, ShipmentVoided, TrackingUpdated};
use super::stock_adjustments::StockAdjusted;
use super::stock_snapshots::{ItemChanged, StockSnapshotTaken};
use super::wire::generated::envelope;
use super::wire::{Invalid, Wire, generated, textual};

/// The flows. Their names are spelled the same in commands, queues, metrics and JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Flow {
    /// Dynamics releases, the warehouse fulfils.
    Orders,
    /// The warehouse ships, Dynamics posts.
    Shipments,
    /// The warehouse receives, Dynamics posts.
    GoodsReceived,
    /// The warehouse adjusts, Dynamics posts.
    StockAdjustments,
    /// Goods come back.
    Returns,
    /// What is held, to be explained.
    StockSnapshots,
}

impl Flow {
    /// Every flow, in road order.
    pub const ALL: [Self; 6] = [
        Self::Orders,
        Self::Shipments,
        Self::GoodsReceived,
        Self::StockAdjustments,
        Self::Returns,
        Self::StockSnapshots,
    ];

    /// The name used everywhere.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::Shipments => "shipments",
            Self::GoodsReceived => "goods_received",
            Self::StockAdjustments => "stock_adjustments",
            Self::Returns => "returns",
            Self::StockSnapshots => "stock_snapshots",
        }
    }
}

impl fmt::Display for Flow {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for Flow {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let names = || Self::ALL.map(Self::as_str).join(", ");
        let found = Self::ALL.into_iter().find(|flow| flow.as_str() == text);
        found.ok_or_else(|| Invalid::new(format!("{text:?} is not a flow; flows are {}", names())))
    }
}

impl serde::Serialize for Flow {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> serde::Deserialize<'de> for Flow {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

textual! { Flow = |wire: String| wire.parse(); }

/// Writes the kinds, their bodies and everything that is derived from the name of a kind.
macro_rules! kinds {
    ($($kind:ident = $name:ident, $flow:expr, $order:ident;)*) => {
        /// What a message says. One word per fact, in the past tense.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[allow(missing_docs, reason = "each is explained at its body")]
        pub enum Kind { $($kind),* }

        /// What a message says, with its facts.
        #[derive(Clone, Debug, PartialEq)]
        #[allow(missing_docs, reason = "each is explained at its type")]
        #[allow(clippy::large_enum_variant, reason = "one lives for one attempt")]
        pub enum Body { $($kind($kind)),* }

        impl Kind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$kind),*];

            /// The kind in events and JSON: `shipment_confirmed`.
            #[must_use]
            pub fn as_str(self) -> &'static str { match self { $(Self::$kind => stringify!($name)),* } }

            /// The protobuf type: `drayline.v1.ShipmentConfirmed`.
            #[must_use]
            pub fn type_name(self) -> &'static str {
                match self { $(Self::$kind => concat!("drayline.v1.", stringify!($kind))),* }
            }

            /// The flow of the kind; [`Body::flow`] knows the two kinds that say it themselves.
            #[must_use]
            pub fn flow(self) -> Flow { match self { $(Self::$kind => $flow),* } }

            /// Whether messages of one ordering key wait for one another.
            #[must_use]
            pub fn order(self) -> Order { match self { $(Self::$kind => Order::$order),* } }
        }

        impl Body {
            /// Which kind it is.
            #[must_use]
            pub fn kind(&self) -> Kind { match self { $(Self::$kind(_) => Kind::$kind),* } }

            /// The flow it belongs to.
            #[must_use]
            pub fn flow(&self) -> Flow {
                match self {
                    Self::PostingSettled(body) => body.flow,
                    Self::Unreadable(body) => body.flow,
                    other => other.kind().flow(),
                }
            }

            /// Reads the proto3 JSON form of a body. Unknown members are ignored; unknown codes are kept as `OTHER`.
            ///
            /// # Errors
            /// [`Invalid`] names the member and what is wrong with it.
            pub fn from_json(kind: Kind, json: serde_json::Value) -> Result<Self, Invalid> {
                match kind { $(Kind::$kind => {
                    let wire: generated::$kind =
                        serde_json::from_value(json).map_err(|error| Invalid::new(error.to_string()))?;
                    Wire::<generated::$kind>::from_wire(wire).map(Self::$kind)
                })* }
            }

            /// The proto3 JSON form.
            #[must_use]
            pub fn to_json(&self) -> serde_json::Value {
                let json = match self.clone() { $(Self::$kind(body) => serde_json::to_value(Wire::<generated::$kind>::into_wire(body))),* };
                json.unwrap_or_default()
            }

            pub(super) fn from_wire(wire: envelope::Body) -> Result<Self, Invalid> {
                match wire { $(envelope::Body::$kind(body) =>
                    Wire::<generated::$kind>::from_wire(body).map(Self::$kind).map_err(|invalid: Invalid| invalid.within(stringify!($name)))),* }
            }

            pub(super) fn into_wire(self) -> envelope::Body {
                match self { $(Self::$kind(body) => envelope::Body::$kind(Wire::<generated::$kind>::into_wire(body))),* }
            }
        }
    };
}

kinds! {
    OrderReleased = order_released, Flow::Orders, Sequential;
    OrderChanged = order_changed, Flow::Orders, Sequential;
    OrderCancelled = order_cancelled, Flow::Orders, Sequential;
    OrderAccepted = order_accepted, Flow::Orders, Sequential;
    OrderRejected = order_rejected, Flow::Orders, Sequential;
    OrderStatusChanged = order_status_changed, Flow::Orders, Sequential;
    OrderCancelResolved = order_cancel_resolved, Flow::Orders, Sequential;
    ShipmentConfirmed = shipment_confirmed, Flow::Shipments, Sequential;
    TrackingUpdated = tracking_updated, Flow::Shipments, Sequential;
    ShipmentVoided = shipment_voided, Flow::Shipments, Sequential;
    ReceiptAnnounced = receipt_announced, Flow::GoodsReceived, Sequential;
    GoodsReceived = goods_received, Flow::GoodsReceived, Sequential;
    StockAdjusted = stock_adjusted, Flow::StockAdjustments, Commuting;
    ReturnRequested = return_requested, Flow::Returns, Sequential;
    ReturnAuthorised = return_authorised, Flow::Returns, Sequential;
    ReturnStatusChanged = return_status_changed, Flow::Returns, Sequential;
    ReturnReceived = return_received, Flow::Returns, Sequential;
    StockSnapshotTaken = stock_snapshot_taken, Flow::StockSnapshots, Commuting;
    ItemChanged = item_changed, Flow::StockSnapshots, Commuting;
    PostingSettled = posting_settled, Flow::Shipments, Commuting;
    Unreadable = unreadable, Flow::Orders, Commuting;
}

/// How messages of one ordering key stand to one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Applied one after another; a failed one holds back its followers.
    Sequential,
    /// Their effects commute or supersede each other: they keep their partition, but neither wait nor hold back.
    Commuting,
}

impl Kind {
    /// Whether it only says "look again at this document", so that it may wake what waits for a person.
    #[must_use]
    pub fn looks_again(self) -> bool {
        matches!(
            self,
            Self::OrderReleased
                | Self::OrderChanged
                | Self::OrderCancelled
                | Self::ReceiptAnnounced
                | Self::ReturnAuthorised
                | Self::PostingSettled
        )
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let found = Self::ALL.iter().copied().find(|kind| kind.as_str() == text);
        found.ok_or_else(|| Invalid::new(format!("{text:?} is not a kind of message")))
    }
}
