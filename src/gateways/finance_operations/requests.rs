//! Outbound shipment order requests: what Dynamics released to an external warehouse.

use rust_decimal::Decimal;

use super::super::documents::{ReleasedLine, ReleasedOrder, RequestVerdict};
use super::super::error::GatewayError;
use super::fields::{self, COMPANY, LINE, REQUEST_ID, REQUEST_LINES, REQUEST_STATUS, REQUESTS};
use super::odata::{Row, Written, equals, keyed};
use super::{FinanceOperations, absorbed, or_nothing, strange};
use crate::message::{Address, LegalEntity, PlaceCode, RequestId, Serial, Sku, Unit};

impl FinanceOperations {
    pub(in super::super) async fn released_order(
        &self,
        legal_entity: &LegalEntity,
        request: &RequestId,
    ) -> Result<Option<ReleasedOrder>, GatewayError> {
        let filter = equals(&[(COMPANY, legal_entity.as_str()), (REQUEST_ID, request.as_str())]);
        let headers = self.odata.rows("read_request", REQUESTS, &filter).await?;
        let Some(header) = headers.first() else { return Ok(None) };
        let status = or_nothing(self.odata.rows("read_request_status", REQUEST_STATUS, &filter).await, Vec::new())?;
        let state = status.first().and_then(|row| row.text(fields::VERDICT)).unwrap_or_default();
        let cancelled = self.outbound.cancelled_states.iter().any(|each| each.eq_ignore_ascii_case(&state));
        let mut rows = self.odata.rows("read_request_lines", REQUEST_LINES, &filter).await?;
        rows.sort_by_key(|row| row.decimal(LINE).ok().flatten().unwrap_or_default());
        let (mut lines, mut left_behind) = (Vec::new(), Vec::new());
        for row in &rows {
            match line(row)? {
                Ok(line) => lines.push(line),
                Err(left) => left_behind.push(left),
            }
        }
        let order = self.header(header, legal_entity, request)?;
        Ok(Some(ReleasedOrder { cancelled, lines, left_behind, ..order }))
    }

    fn header(&self, row: &Row, legal: &LegalEntity, request: &RequestId) -> Result<ReleasedOrder, GatewayError> {
        let place = row.text("ShipFromWarehouseId").unwrap_or_default();
        let version = row.decimal("RequestVersion")?.and_then(|version| version.try_into().ok()).unwrap_or(0);
        let named = |field: &str| if field.is_empty() { None } else { row.text(field) };
        Ok(ReleasedOrder {
            legal_entity: legal.clone(),
            request_id: request.clone(),
            version,
            origin_id: row.text(fields::ORIGIN_ID).unwrap_or_default(),
            warehouse: PlaceCode::new(place).map_err(|error| strange("ShipFromWarehouseId", &error))?,
            cancelled: false,
            order_number: named(&self.outbound.order_number_field),
            purchase_order: row.text("ConsigneePurchaseOrderId"),
            customer_account: row.text("ConsigneeAccountNumber"),
            recipient: recipient(row),
            delivery_mode: row.text("DlvModeId"),
            carrier: row.text("CarrierCode"),
            service: row.text("CarrierServiceCode"),
            ship_by: row.instant("RequestedShippingPeriodEnd"),
            deliver_by: row.instant("RequestedDeliveryPeriodEnd"),
            lines: Vec::new(),
            left_behind: Vec::new(),
        })
    }

    pub(in super::super) async fn write_status(
        &self,
        legal_entity: &LegalEntity,
        request: &RequestId,
        verdict: &RequestVerdict,
    ) -> Result<(), GatewayError> {
        let (state, text) = match verdict {
            RequestVerdict::Accepted(text) => (fields::ACCEPTED, text),
            RequestVerdict::Rejected(text) => (fields::REJECTED, text),
        };
        let key = [(COMPANY, legal_entity.as_str()), (REQUEST_ID, request.as_str())];
        let said = || Written::default().text(fields::VERDICT, state).text(fields::VERDICT_TEXT, text);
        match self.odata.change("write_status", &keyed(REQUEST_STATUS, &key), &said()).await {
            Err(GatewayError::NotFound(_)) => {
                let row = said().text(COMPANY, legal_entity.as_str()).text(REQUEST_ID, request.as_str());
                absorbed(self.odata.create("write_status", REQUEST_STATUS, &row).await)
            }
            other => other,
        }
    }
}

/// A line that travels, or what stays behind and why.
fn line(row: &Row) -> Result<Result<ReleasedLine, (String, String)>, GatewayError> {
    let line_id = row.text(LINE).unwrap_or_default();
    let Some(item_number) = row.text("ItemNumber") else {
        return Ok(Err((line_id, "it names no item".to_owned())));
    };
    let quantity = row.decimal("OrderedQuantity")?.unwrap_or_default();
    if quantity <= Decimal::ZERO {
        return Ok(Err((line_id, format!("nothing of {item_number} is still to ship"))));
    }
    let variant: Vec<String> = fields::VARIANT.iter().filter_map(|name| row.text(name)).collect();
    let unit = row.text("OrderedUnitSymbol").unwrap_or_default();
    let serial = row.text("ItemSerialNumber").map(Serial::new).transpose();
    Ok(Ok(ReleasedLine {
        line_id,
        sku: Sku::new(item_number.clone()).map_err(|error| strange("ItemNumber", &error))?,
        item_number,
        variant: (!variant.is_empty()).then(|| variant.join("/")),
        description: row.text("ItemDescription"),
        quantity,
        unit: Unit::new(unit).map_err(|error| strange("OrderedUnitSymbol", &error))?,
        lot: row.text("ItemBatchNumber"),
        serial: serial.map_err(|error| strange("ItemSerialNumber", &error))?,
        over_percent: row.decimal("OverdeliveryPercentage")?.unwrap_or_default(),
        under_percent: row.decimal("UnderdeliveryPercentage")?.unwrap_or_default(),
    }))
}

fn recipient(row: &Row) -> Address {
    let member = |name: &str| {
        let names = fields::address(name);
        row.first(&[&names[0], &names[1], &names[2], &names[3]])
    };
    let street = [member("Street"), member("StreetNumber")].into_iter().flatten().collect::<Vec<_>>().join(" ");
    Address {
        name: row.first(&["ReceiverName", "ConsigneeName"]),
        company: None,
        line1: (!street.is_empty()).then_some(street),
        line2: member("BuildingCompliment"),
        line3: member("PostBox"),
        city: member("City"),
        region: member("State").or_else(|| member("County")),
        postal_code: member("ZipCode"),
        country: member("CountryRegionId"),
        phone: row.first(&["ConsigneeContactPhone", "ReceiverContactPhone"]),
        email: row.first(&["ConsigneeContactEmail", "ReceiverContactEmail"]),
        residential: None,
    }
}
