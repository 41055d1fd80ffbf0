//! The entities of the simulated environment: their names, keys and fields, and what may be written into them.

use serde_json::{Map, Value};

use crate::sandbox::side::Side;

use super::adjustments::{ADJUSTMENT, ADJUSTMENT_KEY};
use super::items::Listed;
use super::journals::{JOURNAL, JOURNAL_LINE, POSTED, Part, STOCK_QUANTITY};
use super::returns;

/// The entities that are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entity {
    Requests,
    RequestLines,
    RequestStatus,
    Updates,
    UpdateLines,
    UpdateDimensions,
    Tracking,
    Adjustments,
    Journals(Part),
    Returns(returns::Part),
    Listed(Listed),
}

#[derive(Clone, Copy)]
enum Type {
    Text,
    Number,
    Integer,
}

pub(super) const COMPANY: &str = "dataAreaId";
pub(super) const REQUEST: &str = "OutboundShipmentOrderRequestId";
pub(super) const UPDATE: &str = "OutboundShipmentOrderUpdateId";
pub(super) const ORIGIN: &str = "OutboundShipmentOrderOriginId";
pub(super) const LINE: &str = "OrderLineNumber";
pub(super) const STATUS: &str = "ProcessingStatus";
pub(super) const SHIPPED: &str = "TotalShippedQuantity";
pub(super) const DIMENSION_SHIPPED: &str = "ShippedQuantity";
pub(super) const LOT: &str = "ItemBatchNumber";
pub(super) const SERIAL: &str = "ItemSerialNumber";
/// The product dimensions.
pub(super) const VARIANT: [&str; 5] =
    ["ProductConfigurationId", "ProductSizeId", "ProductColorId", "ProductStyleId", "ProductVersionId"];
/// In which condition goods came: their inventory status.
pub(super) const CONDITION: &str = "OrderedInventoryStatusId";

const UPDATE_FIELDS: &[(&str, Type)] = &[
    (COMPANY, Type::Text),
    (UPDATE, Type::Text),
    (ORIGIN, Type::Text),
    ("ActualShippingDateTime", Type::Text),
    ("PlannedShippingDateTime", Type::Text),
    ("PlannedDeliveryDateTime", Type::Text),
    ("PackingSlipNumber", Type::Text),
    ("PackingSlipDocumentDate", Type::Text),
    ("TransportationId", Type::Text),
    (STATUS, Type::Text),
];

const LINE_FIELDS: &[(&str, Type)] = &[
    (COMPANY, Type::Text),
    (UPDATE, Type::Text),
    (ORIGIN, Type::Text),
    (LINE, Type::Integer),
    ("OrderedQuantity", Type::Number),
    ("OrderedUnitSymbol", Type::Text),
    ("TotalPickedQuantity", Type::Number),
    (SHIPPED, Type::Number),
    ("RemainingQuantity", Type::Number),
];

const DIMENSION_FIELDS: &[(&str, Type)] = &[
    (COMPANY, Type::Text),
    (UPDATE, Type::Text),
    (ORIGIN, Type::Text),
    (LINE, Type::Integer),
    (LOT, Type::Text),
    (SERIAL, Type::Text),
    ("LicensePlateNumber", Type::Text),
    ("InventoryOwnerId", Type::Text),
    ("OrderedInventoryStatusId", Type::Text),
    ("UnitSymbol", Type::Text),
    ("PickedQuantity", Type::Number),
    (DIMENSION_SHIPPED, Type::Number),
];

const INBOUND_UPDATE_FIELDS: &[(&str, Type)] = &[
    (COMPANY, Type::Text),
    (UPDATE, Type::Text),
    (ORIGIN, Type::Text),
    ("ActualReceiptDateTime", Type::Text),
    ("PlannedReceiptDateTime", Type::Text),
    ("PlannedDeliveryDateTime", Type::Text),
    ("ShipmentReceiptNumber", Type::Text),
    ("ShipmentReceiptDocumentDate", Type::Text),
    ("InboundShipmentOrderOriginLinkType", Type::Integer),
    (STATUS, Type::Text),
];

const INBOUND_LINE_FIELDS: &[(&str, Type)] = &[
    (COMPANY, Type::Text),
    (UPDATE, Type::Text),
    (ORIGIN, Type::Text),
    (LINE, Type::Integer),
    ("OrderedQuantity", Type::Number),
    ("OrderedUnitSymbol", Type::Text),
    (SHIPPED, Type::Number),
    ("RemainingQuantity", Type::Number),
];

const INBOUND_DIMENSION_FIELDS: &[(&str, Type)] = &[
    (COMPANY, Type::Text),
    (UPDATE, Type::Text),
    (ORIGIN, Type::Text),
    (LINE, Type::Integer),
    (LOT, Type::Text),
    (SERIAL, Type::Text),
    ("LicensePlateNumber", Type::Text),
    ("InventoryOwnerId", Type::Text),
    (CONDITION, Type::Text),
    ("SourceSystemDispositionCode", Type::Text),
    ("UnitSymbol", Type::Text),
    (DIMENSION_SHIPPED, Type::Number),
];

const STATUS_FIELDS: &[(&str, Type)] =
    &[(COMPANY, Type::Text), (REQUEST, Type::Text), ("RequestStatus", Type::Text), ("ResponseMessage", Type::Text)];

const ADJUSTMENT_FIELDS: &[(&str, Type)] = &[
    (COMPANY, Type::Text),
    ("ExternalSystemType", Type::Text),
    ("ExternalSystemId", Type::Text),
    (ADJUSTMENT, Type::Text),
    ("ItemNumber", Type::Text),
    ("Quantity", Type::Number),
    ("QuantityUnitId", Type::Text),
    ("WarehouseId", Type::Text),
    ("InventorySiteId", Type::Text),
    ("WarehouseLocationId", Type::Text),
    ("LicensePlateNumber", Type::Text),
    (LOT, Type::Text),
    (SERIAL, Type::Text),
    ("InventoryStatusId", Type::Text),
    ("InventoryOwnerId", Type::Text),
    ("Weight", Type::Number),
    ("WeightUnitId", Type::Text),
    // A customer's own field, as customers add them.
    ("ConAdjustmentType", Type::Text),
];

const JOURNAL_FIELDS: &[(&str, Type)] = &[
    (COMPANY, Type::Text),
    (JOURNAL, Type::Text),
    ("JournalNameId", Type::Text),
    ("Description", Type::Text),
    (POSTED, Type::Text),
];

const JOURNAL_LINE_FIELDS: &[(&str, Type)] = &[
    (COMPANY, Type::Text),
    (JOURNAL, Type::Text),
    (JOURNAL_LINE, Type::Number),
    ("ItemNumber", Type::Text),
    (STOCK_QUANTITY, Type::Number),
    ("InventorySiteId", Type::Text),
    ("InventoryWarehouseId", Type::Text),
    (LOT, Type::Text),
    (SERIAL, Type::Text),
    ("InventoryStatusId", Type::Text),
    ("InventoryOwnerId", Type::Text),
];

const RETURN_FIELDS: &[(&str, Type)] = &[
    (COMPANY, Type::Text),
    ("CustomerAccountNumber", Type::Text),
    ("CustomersOrderReference", Type::Text),
    ("CustomerReturnReasonCode", Type::Text),
    ("DefaultReturnWarehouseId", Type::Text),
    ("CurrencyCode", Type::Text),
    ("ReturnDeadline", Type::Text),
];

const RETURN_LINE_FIELDS: &[(&str, Type)] = &[
    (COMPANY, Type::Text),
    (returns::NUMBER, Type::Text),
    (returns::LINE_NUMBER, Type::Integer),
    ("ItemNumber", Type::Text),
    (returns::QUANTITY, Type::Number),
    ("SalesUnitSymbol", Type::Text),
    (returns::DISPOSITION, Type::Text),
    ("ReturnWarehouseId", Type::Text),
    (LOT, Type::Text),
    (SERIAL, Type::Text),
];

/// What each is called; the one for tracking is configured. Of documents it is the outbound name, see `sides`.
const NAMED: [(&str, Entity); 21] = [
    ("OutboundShipmentOrderRequests", Entity::Requests),
    ("OutboundShipmentOrderLineRequests", Entity::RequestLines),
    ("OutboundShipmentOrderRequestStatus", Entity::RequestStatus),
    ("OutboundShipmentOrderUpdates", Entity::Updates),
    ("OutboundShipmentOrderLineUpdates", Entity::UpdateLines),
    ("OutboundShipmentOrderLineInventDimUpdates", Entity::UpdateDimensions),
    ("ExternalInventoryAdjustments", Entity::Adjustments),
    ("InventoryAdjustmentJournalHeaders", Entity::Journals(Part::Headers)),
    ("InventoryAdjustmentJournalEntriesV2", Entity::Journals(Part::Lines)),
    ("ReturnOrderHeadersV2", Entity::Returns(returns::Part::Headers)),
    ("ReturnOrderLinesV2", Entity::Returns(returns::Part::Lines)),
    ("SalesInvoiceLines", Entity::Returns(returns::Part::Credits)),
    ("ReleasedProductsV2", Entity::Listed(Listed::Items)),
    ("ReleasedProductVariantsV2", Entity::Listed(Listed::Variants)),
    ("TrackingDimensionGroups", Entity::Listed(Listed::Groups)),
    ("UnitsOfMeasure", Entity::Listed(Listed::Units)),
    ("UnitOfMeasureConversions", Entity::Listed(Listed::Conversions)),
    ("ProductSpecificUnitOfMeasureConversions", Entity::Listed(Listed::ProductConversions)),
    ("ProductVariantUnitOfMeasureConversions", Entity::Listed(Listed::VariantConversions)),
    ("Warehouses", Entity::Listed(Listed::Warehouses)),
    ("ShippingCarrierServices", Entity::Listed(Listed::CarrierServices)),
];

impl Entity {
    /// The names of all of them, but of the one for tracking.
    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        NAMED.iter().map(|(name, _)| *name)
    }

    /// Its name; nothing for tracking's.
    pub(super) fn name(self) -> &'static str {
        NAMED.iter().find(|(_, entity)| *entity == self).map_or("", |(name, _)| *name)
    }

    /// The entity of a name, wherever that is the same.
    pub(super) fn of(name: &str) -> Option<Self> {
        NAMED.iter().find(|(known, _)| *known == name).map(|(_, entity)| *entity)
    }

    /// The entity of a name; the one for tracking is configured.
    pub(super) fn named(name: &str, tracking: &str) -> Option<Self> {
        Self::of(name).or_else(|| (name == tracking).then_some(Self::Tracking))
    }

    /// The parts of the key; tracking's are configured.
    pub(super) fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Requests | Self::RequestStatus => &[COMPANY, REQUEST],
            Self::RequestLines => &[COMPANY, REQUEST, LINE],
            Self::Updates => &[COMPANY, UPDATE, ORIGIN],
            Self::UpdateLines | Self::UpdateDimensions => &[COMPANY, UPDATE, ORIGIN, LINE],
            Self::Tracking => &[],
            Self::Adjustments => ADJUSTMENT_KEY,
            Self::Journals(part) => part.keys(),
            Self::Returns(part) => part.keys(),
            Self::Listed(listed) => listed.keys(),
        }
    }

    /// The fields that can be written, where we decide which there are.
    fn fields(self, side: Side) -> Option<impl Iterator<Item = (&'static str, Type)>> {
        let own = match self {
            Self::Updates if side != Side::Outbound => Some(INBOUND_UPDATE_FIELDS),
            Self::UpdateLines if side != Side::Outbound => Some(INBOUND_LINE_FIELDS),
            Self::UpdateDimensions if side != Side::Outbound => Some(INBOUND_DIMENSION_FIELDS),
            Self::Updates => Some(UPDATE_FIELDS),
            Self::UpdateLines => Some(LINE_FIELDS),
            Self::UpdateDimensions => Some(DIMENSION_FIELDS),
            Self::RequestStatus => Some(STATUS_FIELDS),
            Self::Adjustments => Some(ADJUSTMENT_FIELDS),
            Self::Journals(Part::Headers) => Some(JOURNAL_FIELDS),
            Self::Journals(Part::Lines) => Some(JOURNAL_LINE_FIELDS),
            Self::Returns(returns::Part::Headers) => Some(RETURN_FIELDS),
            Self::Returns(returns::Part::Lines) => Some(RETURN_LINE_FIELDS),
            // The customer's own entity has the customer's own fields; requests, items and credits are only read.
            Self::Tracking
            | Self::Requests
            | Self::RequestLines
            | Self::Returns(returns::Part::Credits)
            | Self::Listed(_) => None,
        };
        let of_variants =
            matches!(self, Self::Adjustments | Self::Journals(Part::Lines) | Self::Returns(returns::Part::Lines));
        let dimensions = VARIANT.into_iter().filter(move |_| of_variants).map(|name| (name, Type::Text));
        own.map(|own: &[(&'static str, Type)]| own.iter().copied().chain(dimensions))
    }

    /// Whether a row of the entity can have a field.
    pub(super) fn knows(self, field: &str, row: &Map<String, Value>) -> bool {
        let listed = [Side::Outbound, Side::Inbound]
            .into_iter()
            .filter_map(|side| self.fields(side))
            .any(|mut fields| fields.any(|(name, _)| name == field));
        listed || row.contains_key(field) || self == Self::Tracking
    }

    /// Checks names and types of what shall be written, as the real one does before any business rule.
    pub(super) fn check(self, side: Side, members: &Map<String, Value>) -> Result<(), String> {
        let Some(fields) = self.fields(side).map(Iterator::collect::<Vec<_>>) else {
            return if self == Self::Tracking { Ok(()) } else { Err("The entity is read-only.".to_owned()) };
        };
        for (name, value) in members {
            let Some((_, kind)) = fields.iter().find(|(field, _)| field == name) else {
                return Err(format!("The property '{name}' does not exist on type '{self:?}'."));
            };
            let fits = match kind {
                Type::Text => value.is_string() || value.is_null(),
                Type::Number => value.is_number(),
                Type::Integer => value.is_i64(),
            };
            if !fits {
                return Err(format!("Cannot convert the literal '{value}' of '{name}' to the expected type."));
            }
        }
        Ok(())
    }
}

/// A member as text; a number is written out.
pub(super) fn text(row: &Map<String, Value>, name: &str) -> String {
    match row.get(name) {
        Some(Value::String(text)) => text.clone(),
        None | Some(Value::Null) => String::new(),
        Some(other) => other.to_string(),
    }
}

/// A member as a decimal; nothing there is zero.
pub(super) fn decimal(row: &Map<String, Value>, name: &str) -> rust_decimal::Decimal {
    let written = text(row, name);
    let read = written.parse().or_else(|_| rust_decimal::Decimal::from_scientific(&written));
    read.unwrap_or_default().normalize()
}

/// A decimal as a JSON number: `2.5`, `3`.
pub(super) fn number(value: rust_decimal::Decimal) -> Value {
    serde_json::from_str(&value.normalize().to_string()).unwrap_or_default()
}
