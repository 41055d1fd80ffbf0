//! Names of Finance & Operations: entities, members and symbols. What the documentation leaves open stands here or in
//! the configuration, so that a customer's difference is one line.

/// `1900-01-01` is how Finance & Operations writes "no date".
pub(super) const NO_DATE_YEAR: &str = "1900";

pub(super) const COMPANY: &str = "dataAreaId";
pub(super) const REQUESTS: &str = "OutboundShipmentOrderRequests";
pub(super) const REQUEST_LINES: &str = "OutboundShipmentOrderLineRequests";
pub(super) const REQUEST_STATUS: &str = "OutboundShipmentOrderRequestStatus";
pub(super) const REQUEST_ID: &str = "OutboundShipmentOrderRequestId";
pub(super) const ORIGIN_ID: &str = "OutboundShipmentOrderOriginId";
pub(super) const UPDATES: &str = "OutboundShipmentOrderUpdates";
pub(super) const UPDATE_LINES: &str = "OutboundShipmentOrderLineUpdates";
pub(super) const UPDATE_DIMENSIONS: &str = "OutboundShipmentOrderLineInventDimUpdates";
pub(super) const UPDATE_ID: &str = "OutboundShipmentOrderUpdateId";
pub(super) const LINE: &str = "OrderLineNumber";
pub(super) const STATE: &str = "ProcessingStatus";
pub(super) const RECEIVING: &str = "Receiving";
pub(super) const RECEIVED: &str = "Received";
/// Members of the request's status. Symbols are assumed.
pub(super) const VERDICT: &str = "RequestStatus";
pub(super) const VERDICT_TEXT: &str = "ResponseMessage";
pub(super) const ACCEPTED: &str = "Accepted";
pub(super) const REJECTED: &str = "Rejected";
/// Product dimensions, in the order in which they are joined.
pub(super) const VARIANT: [&str; 5] =
    ["ProductConfigurationId", "ProductSizeId", "ProductColorId", "ProductStyleId", "ProductVersionId"];

/// The receiver's member of an address, or the consignee's where there is no receiver. The prefix is assumed.
pub(super) fn address(member: &str) -> [String; 4] {
    ["Receiver", "ReceiverAddress", "Consignee", "ConsigneeAddress"].map(|prefix| format!("{prefix}{member}"))
}
