//! The names of Finance & Operations that we read and write, in this one place.
//!
//! What versions or customers spell differently is not here but in the configuration (`dynamics.NAME.outbound`, `.inbound`).
//! Outbound and inbound documents differ by names and by few members: what differs stands in [`Names`], once for each.

use crate::gateways::documents::Direction;

/// The company, a part of every key.
pub(super) const COMPANY: &str = "dataAreaId";
/// The line, in all entities that have lines.
pub(super) const LINE: &str = "OrderLineNumber";

/// What outbound and inbound documents call what both have.
pub(super) struct Names {
    // Released documents: header and lines.
    pub(super) requests: &'static str,
    pub(super) request_lines: &'static str,
    pub(super) request: &'static str,
    /// Echoed in everything that is written about a released document.
    pub(super) origin: &'static str,
    /// The warehouse that ships or receives.
    pub(super) warehouse: &'static str,
    /// Whose account, contact and order number a document has.
    pub(super) partner: &'static str,
    /// Whose address goes before the partner's.
    pub(super) place: &'static str,
    pub(super) move_by: &'static str,
    pub(super) deliver_by: &'static str,
    // What moved: header, lines, lots and serials.
    pub(super) updates: &'static str,
    pub(super) update_lines: &'static str,
    pub(super) update_dimensions: &'static str,
    pub(super) update: &'static str,
    pub(super) moved_at: &'static str,
    pub(super) slip: &'static str,
    pub(super) slip_date: &'static str,
    /// All that say how much of a line moved.
    pub(super) moved: &'static [&'static str],
    /// All that say how much of a lot or serial moved.
    pub(super) dimension_moved: &'static [&'static str],
}

/// Orders that leave.
const OUTBOUND: Names = Names {
    requests: "OutboundShipmentOrderRequests",
    request_lines: "OutboundShipmentOrderLineRequests",
    request: "OutboundShipmentOrderRequestId",
    origin: "OutboundShipmentOrderOriginId",
    warehouse: "ShipFromWarehouseId",
    partner: "Consignee",
    place: "Receiver",
    move_by: "RequestedShippingPeriodEnd",
    deliver_by: "RequestedDeliveryPeriodEnd",
    updates: "OutboundShipmentOrderUpdates",
    update_lines: "OutboundShipmentOrderLineUpdates",
    update_dimensions: "OutboundShipmentOrderLineInventDimUpdates",
    update: "OutboundShipmentOrderUpdateId",
    moved_at: "ActualShippingDateTime",
    slip: "PackingSlipNumber",
    slip_date: "PackingSlipDocumentDate",
    moved: &["TotalPickedQuantity", "TotalShippedQuantity"],
    dimension_moved: &["PickedQuantity", "ShippedQuantity"],
};

/// Goods that are expected. The members of its lines are those of outbound lines (assumed: no metadata of them is public).
const INBOUND: Names = Names {
    requests: "InboundShipmentOrderRequests",
    request_lines: "InboundShipmentOrderLineRequests",
    request: "InboundShipmentOrderRequestId",
    origin: "InboundShipmentOrderOriginId",
    warehouse: "ReceivingWarehouseId",
    partner: "Consigner",
    place: "Sender",
    move_by: "PlannedReceiptPeriodStart",
    deliver_by: "PlannedReceiptPeriodEnd",
    updates: "InboundShipmentOrderUpdates",
    update_lines: "InboundShipmentOrderLineUpdates",
    update_dimensions: "InboundShipmentOrderLineInventDimUpdates",
    update: "InboundShipmentOrderUpdateId",
    moved_at: "ActualReceiptDateTime",
    slip: "ShipmentReceiptNumber",
    slip_date: "ShipmentReceiptDocumentDate",
    moved: &["ReceivedQuantity"],
    dimension_moved: &["ReceivedQuantity"],
};

/// The names of a direction.
pub(super) fn names(direction: Direction) -> &'static Names {
    match direction {
        Direction::Outbound => &OUTBOUND,
        Direction::Inbound => &INBOUND,
    }
}

// Released documents: status, and what one direction alone has.
pub(super) const REQUEST_STATUS: &str = "OutboundShipmentOrderRequestStatus";
pub(super) const VERSION: &str = "RequestVersion";
pub(super) const PURCHASE_ORDER: &str = "ConsigneePurchaseOrderId";
pub(super) const DELIVERY_MODE: &str = "DlvModeId";
pub(super) const CARRIER: &str = "CarrierCode";
pub(super) const SERVICE: &str = "CarrierServiceCode";
pub(super) const STATUS: &str = "RequestStatus";
pub(super) const RESPONSE: &str = "ResponseMessage";

// What follows the word for whose it is.
pub(super) const ACCOUNT: &str = "AccountNumber";
pub(super) const NAME: &str = "Name";
pub(super) const CONTACT_NAME: &str = "ContactName";
pub(super) const CONTACT_PHONE: &str = "ContactPhone";
pub(super) const CONTACT_EMAIL: &str = "ContactEmail";

// Addresses: each part follows the word for whose it is.
pub(super) const STREET: &str = "Street";
pub(super) const STREET_NUMBER: &str = "StreetNumber";
pub(super) const BUILDING: &str = "BuildingCompliment";
pub(super) const POST_BOX: &str = "PostBox";
pub(super) const CITY: &str = "City";
pub(super) const COUNTY: &str = "County";
pub(super) const STATE: &str = "State";
pub(super) const ZIP_CODE: &str = "ZipCode";
pub(super) const COUNTRY: &str = "CountryRegionId";

// Lines of released documents.
pub(super) const ITEM: &str = "ItemNumber";
pub(super) const DESCRIPTION: &str = "ItemDescription";
pub(super) const ORDERED: &str = "OrderedQuantity";
pub(super) const ORDERED_UNIT: &str = "OrderedUnitSymbol";
pub(super) const LOT: &str = "ItemBatchNumber";
pub(super) const SERIAL: &str = "ItemSerialNumber";
pub(super) const OVER: &str = "OverdeliveryPercentage";
pub(super) const UNDER: &str = "UnderdeliveryPercentage";
/// The product dimensions, in the order in which they are joined to a variant.
pub(super) const VARIANT: [&str; 5] =
    ["ProductConfigurationId", "ProductSizeId", "ProductColorId", "ProductStyleId", "ProductVersionId"];

// What moved, in both directions.
pub(super) const PROCESSING: &str = "ProcessingStatus";
pub(super) const REMAINING: &str = "RemainingQuantity";
pub(super) const UNIT: &str = "UnitSymbol";
pub(super) const ORDERED_STATUS: &str = "OrderedInventoryStatusId";
pub(super) const DISPOSITION: &str = "SourceSystemDispositionCode";

/// The action that hands an update over, where the configuration asks for it.
pub(super) const COMPLETE: &str = "Complete";
/// An update whose rows are still being written.
pub(super) const RECEIVING: &str = "Receiving";
/// An update that is handed over.
pub(super) const RECEIVED: &str = "Received";
/// The states in which an update still takes rows.
pub(super) const OPEN: [&str; 2] = [RECEIVING, "Draft"];

// Tracking. The entity and its key are configured.
pub(super) const PACKING_SLIP: &str = "PackingSlipNumber";
pub(super) const SALES_ORDER: &str = "SalesOrderNumber";
pub(super) const DELIVERY_DATE: &str = "DeliveryDate";
pub(super) const TRACKING_NUMBER: &str = "TrackingNumber";
pub(super) const TRACKING_URL: &str = "TrackingURL";

// Stock adjustments. The entity is configured.
pub(super) const SYSTEM_TYPE: &str = "ExternalSystemType";
pub(super) const SYSTEM: &str = "ExternalSystemId";
pub(super) const ADJUSTMENT: &str = "InventoryAdjustmentId";
pub(super) const QUANTITY: &str = "Quantity";
pub(super) const QUANTITY_UNIT: &str = "QuantityUnitId";
pub(super) const WAREHOUSE: &str = "WarehouseId";
pub(super) const INVENTORY_STATUS: &str = "InventoryStatusId";
pub(super) const OWNER: &str = "InventoryOwnerId";
