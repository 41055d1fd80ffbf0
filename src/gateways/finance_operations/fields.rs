//! The names of Finance & Operations that we read and write, in this one place.
//!
//! What versions or customers spell differently is not here but in the configuration (`dynamics.NAME.outbound`, `.inbound`,
//! `.catalogue`).
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

/// Goods that come back: return orders, of which updates are posted as of goods that are expected.
const RETURNED: Names = Names {
    requests: "ReturnOrderHeadersV2",
    request_lines: "ReturnOrderLinesV2",
    request: "ReturnOrderNumber",
    warehouse: "DefaultReturnWarehouseId",
    partner: "Customer",
    deliver_by: "ReturnDeadline",
    ..INBOUND
};

// Return orders.
pub(super) const RMA: &str = "RMANumber";
pub(super) const RETURN_ACCOUNT: &str = "CustomerAccountNumber";
pub(super) const RETURN_REASON: &str = "CustomerReturnReasonCode";
pub(super) const RETURN_STATUS: &str = "ReturnStatus";
pub(super) const RETURN_QUANTITY: &str = "ReturnSalesQuantity";
pub(super) const RETURN_UNIT: &str = "SalesUnitSymbol";
pub(super) const RETURN_DISPOSITION: &str = "ReturnDispositionCode";
pub(super) const RETURN_WAREHOUSE: &str = "ReturnWarehouseId";

/// The names of a direction.
pub(super) fn names(direction: Direction) -> &'static Names {
    match direction {
        Direction::Outbound => &OUTBOUND,
        Direction::Inbound => &INBOUND,
        Direction::Returned => &RETURNED,
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

// Items, units, warehouses and carriers. Versions differ, and much of it is known from other environments' metadata alone: every name
// in [`CATALOGUE`] can be spelled otherwise in the configuration (`dynamics.NAME.catalogue.names`).
pub(super) const ITEMS: &str = "ReleasedProductsV2";
pub(super) const PRODUCT: &str = "ProductNumber";
pub(super) const STOCK_UNIT: &str = "InventoryUnitSymbol";
pub(super) const SALES_UNIT: &str = "SalesUnitSymbol";
pub(super) const PURCHASE_UNIT: &str = "PurchaseUnitSymbol";
pub(super) const TRACKING_GROUP: &str = "TrackingDimensionGroupName";
pub(super) const SALES_OVER: &str = "SalesOverdeliveryPercentage";
pub(super) const SALES_UNDER: &str = "SalesUnderdeliveryPercentage";
pub(super) const PURCHASE_OVER: &str = "PurchaseOverdeliveryPercentage";
pub(super) const PURCHASE_UNDER: &str = "PurchaseUnderdeliveryPercentage";
pub(super) const VARIANTS: &str = "ReleasedProductVariantsV2";
pub(super) const GROUPS: &str = "TrackingDimensionGroups";
pub(super) const GROUP: &str = "GroupName";
pub(super) const LOTS_ACTIVE: &str = "IsBatchNumberActive";
pub(super) const LOTS_BLANK_OUT: &str = "IsBlankIssueAllowedForBatchNumber";
pub(super) const LOTS_BLANK_IN: &str = "IsBlankReceiptAllowedForBatchNumber";
pub(super) const SERIALS_ACTIVE: &str = "IsSerialNumberActive";
pub(super) const SERIALS_BLANK_OUT: &str = "IsBlankIssueAllowedForSerialNumber";
pub(super) const SERIALS_BLANK_IN: &str = "IsBlankReceiptAllowedForSerialNumber";
pub(super) const UNITS: &str = "UnitsOfMeasure";
pub(super) const DECIMALS: &str = "DecimalPrecision";
pub(super) const CONVERSIONS: &str = "UnitOfMeasureConversions";
pub(super) const PRODUCT_CONVERSIONS: &str = "ProductSpecificUnitOfMeasureConversions";
/// Entity and members are assumed: no reference lists them.
pub(super) const VARIANT_CONVERSIONS: &str = "ProductVariantUnitOfMeasureConversions";
pub(super) const FROM_UNIT: &str = "FromUnitSymbol";
pub(super) const TO_UNIT: &str = "ToUnitSymbol";
pub(super) const FACTOR: &str = "Factor";
pub(super) const NUMERATOR: &str = "Numerator";
pub(super) const DENOMINATOR: &str = "Denominator";
pub(super) const INNER_OFFSET: &str = "InnerOffset";
pub(super) const OUTER_OFFSET: &str = "OuterOffset";
pub(super) const WAREHOUSES: &str = "Warehouses";
pub(super) const WAREHOUSE_NAME: &str = "WarehouseName";
/// Requests name both as [`CARRIER`] and [`SERVICE`].
pub(super) const CARRIER_SERVICES: &str = "ShippingCarrierServices";
pub(super) const CARRIER_ID: &str = "ShippingCarrierId";
pub(super) const SERVICE_ID: &str = "ServiceId";
/// All names by which they are read.
pub(super) const CATALOGUE: [&str; 44] = [
    ITEMS,
    ITEM,
    PRODUCT,
    STOCK_UNIT,
    SALES_UNIT,
    PURCHASE_UNIT,
    TRACKING_GROUP,
    SALES_OVER,
    SALES_UNDER,
    PURCHASE_OVER,
    PURCHASE_UNDER,
    VARIANTS,
    VARIANT[0],
    VARIANT[1],
    VARIANT[2],
    VARIANT[3],
    VARIANT[4],
    GROUPS,
    GROUP,
    LOTS_ACTIVE,
    LOTS_BLANK_OUT,
    LOTS_BLANK_IN,
    SERIALS_ACTIVE,
    SERIALS_BLANK_OUT,
    SERIALS_BLANK_IN,
    UNITS,
    UNIT,
    DECIMALS,
    CONVERSIONS,
    PRODUCT_CONVERSIONS,
    VARIANT_CONVERSIONS,
    FROM_UNIT,
    TO_UNIT,
    FACTOR,
    NUMERATOR,
    DENOMINATOR,
    INNER_OFFSET,
    OUTER_OFFSET,
    WAREHOUSES,
    WAREHOUSE,
    WAREHOUSE_NAME,
    CARRIER_SERVICES,
    CARRIER_ID,
    SERVICE_ID,
];

// Stock adjustments. The entity is configured.
pub(super) const SYSTEM_TYPE: &str = "ExternalSystemType";
pub(super) const SYSTEM: &str = "ExternalSystemId";
pub(super) const ADJUSTMENT: &str = "InventoryAdjustmentId";
pub(super) const QUANTITY: &str = "Quantity";
pub(super) const QUANTITY_UNIT: &str = "QuantityUnitId";
pub(super) const WAREHOUSE: &str = "WarehouseId";
pub(super) const INVENTORY_STATUS: &str = "InventoryStatusId";
pub(super) const OWNER: &str = "InventoryOwnerId";

// Journals. Both entities are configured, and what is assumed of them.
pub(super) const JOURNAL: &str = "JournalNumber";
pub(super) const JOURNAL_LINE: &str = "LineNumber";
pub(super) const JOURNAL_TEXT: &str = "Description";
pub(super) const STOCK_QUANTITY: &str = "InventoryQuantity";
