//! Outbound shipment order updates: what was shipped, and what Dynamics made of it.
//!
//! The exposed key of a line's dimensions has no part for lot or serial, so that an update holds one of them per line.
//! A line with several lots or serials is therefore spread over several updates of one family: their ids share all but
//! the last three characters, which count them. An update without such lines is a family of one.

use rust_decimal::Decimal;

use super::super::documents::{ShipmentUpdate, TrackingRow, UpdateDimension, UpdateLine, UpdateState};
use super::super::error::GatewayError;
use super::fields::{
    COMPANY, LINE, ORIGIN_ID, RECEIVED, RECEIVING, STATE, UPDATE_DIMENSIONS, UPDATE_ID, UPDATE_LINES, UPDATES,
};
use super::odata::{Row, Written, equals, keyed};
use super::{FinanceOperations, absorbed};
use crate::config::Commit;
use crate::message::LegalEntity;

/// Characters at the end of an update's id that count the members of its family.
const COUNTER_LENGTH: usize = 3;

/// The digits they are counted in. An update's own id ends in hexadecimal digits, so that no member's id is another's.
const COUNTER_DIGITS: &[u8; 20] = b"GHIJKLMNOPQRSTUVWXYZ";

/// One update of a family: each line with at most one lot or serial.
struct Member<'a> {
    id: String,
    lines: Vec<(&'a UpdateLine, Decimal, Option<&'a UpdateDimension>)>,
}

impl FinanceOperations {
    pub(in super::super) async fn post_shipment(&self, update: &ShipmentUpdate) -> Result<(), GatewayError> {
        let there = self.family(&update.legal_entity, &update.update_id, &update.origin_id).await?;
        for member in members(update) {
            let state = there.iter().find(|row| row.text(UPDATE_ID).as_deref() == Some(&member.id));
            match state.and_then(|row| row.text(STATE)) {
                // It was handed over before: nothing may be written any more, and nothing is missing.
                Some(state) if !state.eq_ignore_ascii_case(RECEIVING) => continue,
                Some(_) => {}
                None => self.write_header(update, &member).await?,
            }
            self.write_lines(update, &member).await?;
            self.hand_over(update, &member).await?;
        }
        Ok(())
    }

    async fn write_header(&self, update: &ShipmentUpdate, member: &Member<'_>) -> Result<(), GatewayError> {
        let header = key(update, member)
            .instant("ActualShippingDateTime", update.shipped_at)
            .text("PackingSlipNumber", &update.packing_slip)
            .instant("PackingSlipDocumentDate", update.shipped_at)
            .text(STATE, RECEIVING);
        absorbed(self.odata.create("write_update", UPDATES, &header).await)
    }

    async fn write_lines(&self, update: &ShipmentUpdate, member: &Member<'_>) -> Result<(), GatewayError> {
        for (line, shipped, dimension) in &member.lines {
            let number = line_number(&line.line_id)?;
            let row = key(update, member)
                .number(LINE, number)
                .number("OrderedQuantity", line.ordered)
                .text("OrderedUnitSymbol", line.unit.as_str())
                .number("TotalPickedQuantity", *shipped)
                .number("TotalShippedQuantity", *shipped)
                .number("RemainingQuantity", line.remaining);
            absorbed(self.odata.create("write_update_line", UPDATE_LINES, &row).await)?;
            let Some(dimension) = dimension else { continue };
            let row = key(update, member)
                .number(LINE, number)
                .maybe("ItemBatchNumber", dimension.lot.as_deref())
                .maybe("ItemSerialNumber", dimension.serial.as_ref().map(crate::message::Serial::as_str))
                .text("UnitSymbol", line.unit.as_str())
                .number("PickedQuantity", dimension.quantity)
                .number("ShippedQuantity", dimension.quantity);
            absorbed(self.odata.create("write_update_dimension", UPDATE_DIMENSIONS, &row).await)?;
        }
        Ok(())
    }

    async fn hand_over(&self, update: &ShipmentUpdate, member: &Member<'_>) -> Result<(), GatewayError> {
        let keyed = keyed(
            UPDATES,
            &[
                (COMPANY, update.legal_entity.as_str()),
                (UPDATE_ID, &member.id),
                (ORIGIN_ID, &update.origin_id),
            ],
        );
        match self.outbound.commit {
            Commit::Status => {
                let received = Written::default().text(STATE, RECEIVED);
                self.odata.change("hand_over_update", &keyed, &received).await
            }
            Commit::CompleteAction => self.odata.act("hand_over_update", &keyed, "Complete").await,
        }
    }

    pub(in super::super) async fn update_state(
        &self,
        legal_entity: &LegalEntity,
        update_id: &str,
        origin_id: &str,
    ) -> Result<UpdateState, GatewayError> {
        let rows = self.family(legal_entity, update_id, origin_id).await?;
        if rows.is_empty() {
            return Ok(UpdateState::Missing);
        }
        let is = |states: &[String], state: &str| states.iter().any(|each| each.eq_ignore_ascii_case(state));
        let mut pending = None;
        for row in &rows {
            let state = row.text(STATE).unwrap_or_default();
            if is(&self.outbound.failed_states, &state) {
                return Ok(UpdateState::Failed(row.text(&self.outbound.message_field).unwrap_or(state)));
            }
            if !is(&self.outbound.processed_states, &state) {
                pending = Some(state);
            }
        }
        Ok(pending.map_or(UpdateState::Processed, UpdateState::Pending))
    }

    /// The headers of a family that are there.
    async fn family(&self, legal: &LegalEntity, update_id: &str, origin_id: &str) -> Result<Vec<Row>, GatewayError> {
        let filter = equals(&[(COMPANY, legal.as_str()), (ORIGIN_ID, origin_id)]);
        let rows = self.odata.rows("read_updates", UPDATES, &filter).await?;
        let ours = |row: &Row| row.text(UPDATE_ID).is_some_and(|id| stem(&id) == stem(update_id));
        Ok(rows.into_iter().filter(ours).collect())
    }

    pub(in super::super) async fn write_tracking(&self, row: &TrackingRow) -> Result<(), GatewayError> {
        let entity = &self.outbound.tracking_entity;
        let key = [
            (COMPANY, row.legal_entity.as_str()),
            ("SalesOrderNumber", &row.order_number),
            ("PackingSlipNumber", &row.packing_slip),
            ("TrackingNumber", &row.tracking_number),
        ];
        if !self.odata.rows("read_tracking", entity, &equals(&key)).await?.is_empty() {
            return Ok(());
        }
        let written = Written::default()
            .text(COMPANY, row.legal_entity.as_str())
            .text("SalesOrderNumber", &row.order_number)
            .text("PackingSlipNumber", &row.packing_slip)
            .text("TrackingNumber", &row.tracking_number)
            .instant("DeliveryDate", row.shipped_at)
            .maybe("TrackingURL", row.tracking_url.as_deref());
        absorbed(self.odata.create("write_tracking", entity, &written).await)
    }
}

fn key(update: &ShipmentUpdate, member: &Member<'_>) -> Written {
    Written::default()
        .text(COMPANY, update.legal_entity.as_str())
        .text(UPDATE_ID, &member.id)
        .text(ORIGIN_ID, &update.origin_id)
}

fn line_number(line_id: &str) -> Result<Decimal, GatewayError> {
    let problem = |_| GatewayError::Unreadable(format!("{line_id:?} is not a line number of Finance & Operations"));
    line_id.parse().map_err(problem)
}

fn members(update: &ShipmentUpdate) -> Vec<Member<'_>> {
    let widest = update.lines.iter().map(|line| line.dimensions.len()).max().unwrap_or(0).max(1);
    let member = |index: usize| {
        let lines = update.lines.iter().filter_map(|line| match (line.dimensions.get(index), index) {
            (Some(dimension), _) => Some((line, dimension.quantity, Some(dimension))),
            (None, 0) => Some((line, line.shipped, None)),
            (None, _) => None,
        });
        Member { id: member_id(&update.update_id, index), lines: lines.collect() }
    };
    (0..widest).map(member).collect()
}

/// The first member has the update's own id.
fn member_id(update_id: &str, index: usize) -> String {
    if index == 0 {
        return update_id.to_owned();
    }
    let digit = |place: usize| char::from(COUNTER_DIGITS[index / place % COUNTER_DIGITS.len()]);
    let base = COUNTER_DIGITS.len();
    format!("{}{}{}{}", stem(update_id), digit(base * base), digit(base), digit(1))
}

fn stem(id: &str) -> &str {
    id.len().checked_sub(COUNTER_LENGTH).and_then(|end| id.get(..end)).unwrap_or(id)
}
