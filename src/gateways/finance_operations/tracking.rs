//! Writes tracking numbers to the configured entity: looks by its configured key, then creates or changes.

use super::FinanceOperations;
use super::fields as field;
use super::rows::Rows;
use super::updates::may_be_there;
use crate::gateways::documents::TrackingRow;
use crate::gateways::error::GatewayError;
use crate::gateways::http::{changing, reading};
use crate::gateways::json::{Members, Row};

impl FinanceOperations {
    /// Writes one package's tracking, unless it is there already.
    pub(in crate::gateways) async fn write_tracking(&self, row: &TrackingRow) -> Result<(), GatewayError> {
        let call = changing("write_tracking");
        let entity = self.outbound.tracking_entity.as_str();
        let members = self.tracking_members(row);
        let mut key = Rows::configured(entity);
        for name in &self.outbound.tracking_keys {
            let value = members.written(name).ok_or_else(|| GatewayError::Unwritable {
                call: call.name,
                problem: format!("outbound.tracking_keys names {name}, which is no text of a tracking row"),
            })?;
            key = key.with(name, value);
        }
        match self.tracking_rows(&key).await?.first() {
            Some(held) if held.says(&members) => Ok(()),
            Some(_) => self.odata.change(call, &key, &members, None).await,
            None => match self.odata.create(call, entity, &members).await {
                Err(error) if may_be_there(&error) && !self.tracking_rows(&key).await?.is_empty() => Ok(()),
                other => other.map(|_| ()),
            },
        }
    }

    async fn tracking_rows(&self, key: &Rows<'_>) -> Result<Vec<Row>, GatewayError> {
        self.odata.list(reading("read_tracking"), key).await
    }

    fn tracking_members(&self, row: &TrackingRow) -> Members {
        let members = Members::default()
            .key(field::COMPANY, row.legal_entity.as_str())
            .text(field::SALES_ORDER, &row.order_number)
            .text(field::PACKING_SLIP, &row.packing_slip)
            .instant(field::DELIVERY_DATE, self.day(row.shipped_at, &row.legal_entity))
            .text(field::TRACKING_NUMBER, &row.tracking_number);
        members
            .text_if(field::TRACKING_URL, row.tracking_url.as_ref())
            .text_if(&self.outbound.tracking_carrier_field, row.carrier.as_ref())
            .text_if(&self.outbound.tracking_id_field, Some(&row.row_id))
    }
}
