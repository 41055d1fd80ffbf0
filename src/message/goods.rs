//! What every kind speaks of: quantities, items, lots, addresses, places.

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::coded::coded;
use super::names::{Currency, PlaceCode, Sku, Unit};
use super::wire::{Invalid, Wire, generated, record};

record! {
    /// How much of something, in the unit in which it was said.
    Quantity {
        /// A decimal, never a binary float.
        value: Decimal,
        /// The sender's unit; absent means the item's base unit, which is what a warehouse counts by default.
        unit: Option<Unit>,
        /// The same quantity in the item's base unit, where the sender says both.
        base_value: Option<Decimal>,
        /// The base unit, where the sender says both.
        base_unit: Option<Unit>,
    }

    /// An amount with its currency.
    Money {
        /// A decimal, never a binary float.
        amount: Decimal,
        /// ISO 4217.
        currency: Currency,
    }

    /// What an item is called.
    Item {
        /// As sent: case, leading zeros and blanks inside are kept.
        sku: Sku,
        /// The warehouse's own id of the item.
        external_item_id: Option<String>,
        /// Global trade item number.
        gtin: Option<String>,
        /// A second key beside the SKU, where a warehouse has one.
        qualifier: Option<String>,
        /// Dynamics' item number.
        item_number: Option<String>,
        /// Dynamics' product dimensions, or the variant code.
        variant: Option<String>,
        /// For people.
        description: Option<String>,
    }

    /// A lot (batch). Expiry is a date, not an instant; some warehouses report lots without a quantity.
    Lot {
        /// The lot's number.
        number: Option<String>,
        /// Last day of shelf life.
        expiry: Option<Date>,
        /// Best before.
        best_before: Option<Date>,
        /// Day of manufacture.
        manufactured: Option<Date>,
        /// In the unit of the line.
        quantity: Option<Decimal>,
    }

    /// Which line of the order something belongs to.
    LineRef {
        /// Our id of the line: the order line number of the released document.
        order_line_id: Option<String>,
        /// The warehouse's id of the line.
        external_line_id: Option<String>,
    }

    /// A postal address with its contact.
    Address {
        /// Recipient.
        name: Option<String>,
        /// Company.
        company: Option<String>,
        /// Street and number.
        line1: Option<String>,
        /// Second line.
        line2: Option<String>,
        /// Third line.
        line3: Option<String>,
        /// City.
        city: Option<String>,
        /// State or province.
        region: Option<String>,
        /// Postal code.
        postal_code: Option<String>,
        /// ISO 3166-1 alpha-2, where the sender keeps to it.
        country: Option<String>,
        /// Telephone.
        phone: Option<String>,
        /// E-mail.
        email: Option<String>,
        /// Whether the carrier should treat it as a home.
        residential: Option<bool>,
    }

    /// Who carries a package.
    Carrier {
        /// As sent.
        raw: Option<String>,
        /// Canonical name, after mapping.
        name: Option<String>,
        /// Standard carrier alpha code.
        scac: Option<String>,
        /// The carrier's service.
        service: Option<String>,
    }

    /// A warehouse or one of its locations, in the sender's words.
    Place {
        /// The code people use.
        code: Option<PlaceCode>,
        /// The sender's technical id.
        external_id: Option<String>,
    }

    /// The references by which a document may be named.
    OrderRefs {
        /// Our reference at the warehouse (`usmf-SHP0012-W1`).
        reference: Option<String>,
        /// The warehouse's own id of the order.
        external_order_id: Option<String>,
        /// The order number people use.
        order_number: Option<String>,
        /// The customer's purchase order.
        purchase_order: Option<String>,
    }
}

coded! {
    /// In which condition stock is held.
    StockStatus / StockStatusCode in stock_status {
        Available, Allocated, OnHold, Quarantine, Damaged, Expired, ReturnPending, InTransit, Blocked,
    }

    /// Why an order is held, rejected, short or refused.
    Reason / ReasonCode in reason {
        OutOfStock, UnknownSku, InactiveSku, StockNotPickable, AddressInvalid, PaymentHold, ManualHold, FraudHold,
        DateHold, CustomsData, Hazmat, ShipMethodUnmapped, PackagingPreference, RoutingPending, OrderTooLarge,
        MerchantSuspended, DuplicateOrder, DamagedInWarehouse, TooLate,
    } + text
}
