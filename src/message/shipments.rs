//! Flow `shipments`: what left the warehouse.

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::coded::coded;
use super::goods::{Carrier, Item, LineRef, Lot, Money, OrderRefs, Place, Quantity, Reason, StockStatus};
use super::names::{FactKey, Serial};
use super::wire::{Invalid, Wire, generated, record};

record! {
    /// Goods left the warehouse.
    ShipmentConfirmed {
        /// The warehouse's id of the shipment: with the connection, the business key.
        shipment_key: FactKey,
        /// Of which order.
        order: OrderRefs,
        /// When; absent means when the event happened.
        shipped_at: Option<Timestamp>,
        /// No more shipments will come for the order; absent when the warehouse does not say.
        is_final: Option<bool>,
        /// From where.
        ship_from: Option<Place>,
        /// Who carries it.
        carrier: Option<Carrier>,
        /// Its packages with what they hold.
        packages: Vec<Package>,
        /// Contents that the warehouse does not assign to a package.
        unpacked_lines: Vec<ShippedContent>,
        /// What the warehouse could not ship.
        shorts: Vec<Short>,
        /// Freight reference.
        bill_of_lading: Option<String>,
        /// Freight reference.
        pro_number: Option<String>,
        /// What the warehouse charges.
        cost: Option<Money>,
        /// Rises with every correction of the same shipment, where the warehouse numbers them.
        sequence: Option<u64>,
    }

    /// A parcel or pallet.
    Package {
        /// Unique within the shipment.
        package_key: FactKey,
        /// Not a key: the same number may appear twice, be a word, or come later.
        tracking_number: Option<String>,
        /// Where to follow it.
        tracking_url: Option<String>,
        /// Serial shipping container code.
        sscc: Option<String>,
        /// With its unit.
        weight: Option<Quantity>,
        /// Outer size.
        dimensions: Option<Dimensions>,
        /// What it holds.
        contents: Vec<ShippedContent>,
        /// Where it differs from the shipment's.
        carrier: Option<Carrier>,
    }

    /// Outer size of a package.
    Dimensions {
        /// In `unit`.
        length: Option<Decimal>,
        /// In `unit`.
        width: Option<Decimal>,
        /// In `unit`.
        height: Option<Decimal>,
        /// `cm`, `in`.
        unit: Option<String>,
    }

    /// A quantity of one line that was shipped.
    ShippedContent {
        /// Absent when the warehouse names no line: then the lines of the SKU are filled in line order.
        line: Option<LineRef>,
        /// Of what.
        item: Item,
        /// How much, of this shipment alone.
        quantity: Quantity,
        /// From which lots.
        lots: Vec<Lot>,
        /// Which pieces.
        serials: Vec<Serial>,
        /// Where it was not available stock.
        stock_status: Option<StockStatus>,
    }

    /// A quantity of one line that will not be shipped.
    Short {
        /// Which.
        line: Option<LineRef>,
        /// Of what.
        item: Item,
        /// How much is missing.
        quantity: Quantity,
        /// Why.
        reason: Option<Reason>,
    }

    /// A package got or changed its tracking.
    TrackingUpdated {
        /// Which shipment.
        shipment_key: FactKey,
        /// Which package; absent means every package of the shipment.
        package_key: Option<FactKey>,
        /// Of which order.
        order: OrderRefs,
        /// What it was.
        tracking_number_old: Option<String>,
        /// What it is.
        tracking_number: Option<String>,
        /// Where to follow it.
        tracking_url: Option<String>,
        /// Who carries it.
        carrier: Option<Carrier>,
        /// How far it is.
        status: Option<TrackingStatus>,
        /// When.
        updated_at: Option<Timestamp>,
    }

    /// A confirmed shipment did not happen, or was replaced.
    ShipmentVoided {
        /// Which.
        shipment_key: FactKey,
        /// Of which order.
        order: OrderRefs,
        /// Its tracking number, where that is how the warehouse names it.
        tracking_number: Option<String>,
        /// Why.
        reason: Option<Reason>,
        /// The shipment that takes its place.
        replaced_by: Option<FactKey>,
        /// When.
        voided_at: Option<Timestamp>,
    }
}

coded! {
    /// How far a package is.
    TrackingStatus / TrackingStatusCode in tracking_status {
        LabelCreated, InTransit, OutForDelivery, Delivered, Undeliverable, ReturnedToSender,
    }
}
