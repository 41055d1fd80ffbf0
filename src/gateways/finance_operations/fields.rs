//! The names of Finance & Operations that we read and write, in this one place.
//!
//! What versions or customers spell differently is not here but in the configuration (`dynamics.NAME.outbound`).

/// The company, a part of every key.
pub(super) const COMPANY: &str = "dataAreaId";
/// The line, in all entities that have lines.
pub(super) const LINE: &str = "OrderLineNumber";
/// Echoed in everything that is written about a released document.
pub(super) const ORIGIN: &str = "OutboundShipmentOrderOriginId";

// Released documents: header, lines, status.
pub(super) const REQUESTS: &str = "OutboundShipmentOrderRequests";
pub(super) const REQUEST_LINES: &str = "OutboundShipmentOrderLineRequests";
pub(super) const REQUEST_STATUS: &str = "OutboundShipmentOrderRequestStatus";
pub(super) const REQUEST: &str = "OutboundShipmentOrderRequestId";
pub(super) const VERSION: &str = "RequestVersion";
pub(super) const SHIP_FROM: &str = "ShipFromWarehouseId";
pub(super) const ACCOUNT: &str = "ConsigneeAccountNumber";
pub(super) const CONSIGNEE_NAME: &str = "ConsigneeName";
pub(super) const RECEIVER_NAME: &str = "ReceiverName";
pub(super) const PURCHASE_ORDER: &str = "ConsigneePurchaseOrderId";
pub(super) const CONTACT_NAME: &str = "ConsigneeContactName";
pub(super) const CONTACT_PHONE: &str = "ConsigneeContactPhone";
pub(super) const CONTACT_EMAIL: &str = "ConsigneeContactEmail";
pub(super) const DELIVERY_MODE: &str = "DlvModeId";
pub(super) const CARRIER: &str = "CarrierCode";
pub(super) const SERVICE: &str = "CarrierServiceCode";
pub(super) const SHIP_BY: &str = "RequestedShippingPeriodEnd";
pub(super) const DELIVER_BY: &str = "RequestedDeliveryPeriodEnd";
pub(super) const STATUS: &str = "RequestStatus";
pub(super) const RESPONSE: &str = "ResponseMessage";

// Addresses: each part follows the word for whose it is.
pub(super) const RECEIVER: &str = "Receiver";
pub(super) const CONSIGNEE: &str = "Consignee";
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

// What shipped: header, lines, lots and serials.
pub(super) const UPDATES: &str = "OutboundShipmentOrderUpdates";
pub(super) const UPDATE_LINES: &str = "OutboundShipmentOrderLineUpdates";
pub(super) const UPDATE_DIMENSIONS: &str = "OutboundShipmentOrderLineInventDimUpdates";
pub(super) const UPDATE: &str = "OutboundShipmentOrderUpdateId";
pub(super) const SHIPPED_AT: &str = "ActualShippingDateTime";
pub(super) const PACKING_SLIP: &str = "PackingSlipNumber";
pub(super) const PACKING_SLIP_DATE: &str = "PackingSlipDocumentDate";
pub(super) const PROCESSING: &str = "ProcessingStatus";
pub(super) const TOTAL_PICKED: &str = "TotalPickedQuantity";
pub(super) const TOTAL_SHIPPED: &str = "TotalShippedQuantity";
pub(super) const REMAINING: &str = "RemainingQuantity";
pub(super) const UNIT: &str = "UnitSymbol";
pub(super) const PICKED: &str = "PickedQuantity";
pub(super) const SHIPPED: &str = "ShippedQuantity";

/// The action that hands an update over, where the configuration asks for it.
pub(super) const COMPLETE: &str = "Complete";
/// An update whose rows are still being written.
pub(super) const RECEIVING: &str = "Receiving";
/// An update that is handed over.
pub(super) const RECEIVED: &str = "Received";
/// The states in which an update still takes rows.
pub(super) const OPEN: [&str; 2] = [RECEIVING, "Draft"];

// Tracking. The entity and its key are configured.
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
