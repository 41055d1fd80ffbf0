//! Return orders: made with a key of ours in a field that can be searched, read with what was credited of them.
//!
//! Dynamics gives a return order its numbers when its header is written; then the lines follow one by one. So one that was
//! half made is found by our key, and gets the lines that it lacks.
//!
//! Dynamics takes the same header twice. So whoever makes one has looked before, and the header is the first thing that leaves
//! then: were it to wait for a read, it might arrive only after somebody had looked for it in vain and made another one.

use super::FinanceOperations;
use super::fields as field;
use super::odata::{ETAG, unreadable};
use super::released::READ;
use super::rows::Rows;
use super::updates::may_be_there;
use crate::gateways::documents::{Direction, ReleasedLine, ReleasedOrder};
use crate::gateways::error::GatewayError;
use crate::gateways::http::{Call, changing};
use crate::gateways::json::{Members, Row, missing};
use crate::gateways::returned::{CreditedLine, MadeReturn, ReturnWish, WishedLine};
use crate::message::{Address, LegalEntity, PlaceCode, RequestId, Serial, Sku, Unit};

const MAKE: Call = changing("create_return");

impl FinanceOperations {
    /// Makes a return order, or completes the one that was found under its key.
    pub(in crate::gateways) async fn create_return(&self, wish: &ReturnWish) -> Result<MadeReturn, GatewayError> {
        let (MadeReturn { number, rma, .. }, there) = if let Some(held) = &wish.held {
            (held.clone(), self.lines_of(&wish.legal_entity, &held.number).await?)
        } else {
            let entity = field::names(Direction::Returned).requests;
            let header = self.odata.create_row(MAKE, entity, &self.header(wish)).await?;
            let answered = header
                .ok_or_else(|| unreadable(MAKE, "it does not answer the return order that it made".to_owned()))?;
            (made(&answered).map_err(|problem| unreadable(MAKE, problem))?, Vec::new())
        };
        let entity = field::names(Direction::Returned).request_lines;
        for (line_number, line) in (1_i64..).zip(&wish.lines) {
            let held =
                there.iter().any(|row| row.integer(&self.returns.line_field).ok().flatten() == Some(line_number));
            if held {
                continue;
            }
            let members = self.line(wish, (&number, line_number), line);
            let error = match self.odata.create(MAKE, entity, &members).await {
                Err(error) if may_be_there(&error) => error,
                other => {
                    other?;
                    continue;
                }
            };
            let now = self.lines_of(&wish.legal_entity, &number).await?;
            let there = now.iter().any(|row| row.integer(&self.returns.line_field).ok().flatten() == Some(line_number));
            if !there {
                return Err(error);
            }
        }
        Ok(MadeReturn { number, rma, lines: wish.lines.len() })
    }

    /// The return order that was made under a key of ours.
    pub(in crate::gateways) async fn find_return(
        &self,
        legal_entity: &LegalEntity,
        reference: &str,
    ) -> Result<Option<MadeReturn>, GatewayError> {
        let Some(header) = self.header_of(legal_entity, reference).await? else { return Ok(None) };
        let found = made(&header).map_err(|problem| unreadable(READ, problem))?;
        let lines = self.lines_of(legal_entity, &found.number).await?.len();
        Ok(Some(MadeReturn { lines, ..found }))
    }

    async fn header_of(&self, legal_entity: &LegalEntity, reference: &str) -> Result<Option<Row>, GatewayError> {
        let names = field::names(Direction::Returned);
        let rows = Rows::of(names.requests, legal_entity).with(&self.returns.reference_field, reference);
        let mut found = self.odata.list(READ, &rows).await?;
        // The first that was made is the one, should there ever be two.
        found.sort_by_key(|row| row.text(names.request).ok().flatten());
        Ok(found.into_iter().next())
    }

    async fn lines_of(&self, legal_entity: &LegalEntity, number: &str) -> Result<Vec<Row>, GatewayError> {
        let names = field::names(Direction::Returned);
        self.odata.list(READ, &Rows::of(names.request_lines, legal_entity).with(names.request, number)).await
    }

    fn header(&self, wish: &ReturnWish) -> Members {
        Members::default()
            .key(field::COMPANY, wish.legal_entity.as_str())
            .text(field::RETURN_ACCOUNT, &wish.customer_account)
            .text(field::names(Direction::Returned).warehouse, wish.warehouse.as_str())
            .text(&self.returns.reference_field, &wish.reference)
            .text_if(field::RETURN_REASON, wish.reason.as_ref())
    }

    fn line(&self, wish: &ReturnWish, (number, line_number): (&str, i64), line: &WishedLine) -> Members {
        Members::default()
            .key(field::COMPANY, wish.legal_entity.as_str())
            .key(field::names(Direction::Returned).request, number)
            .integer(&self.returns.line_field, line_number)
            .text(field::ITEM, &line.item_number)
            .decimal(field::RETURN_QUANTITY, -line.quantity)
            .text(field::RETURN_UNIT, line.unit.as_str())
            .text(field::RETURN_WAREHOUSE, wish.warehouse.as_str())
            .text_if(field::SERIAL, line.serial.as_ref().map(Serial::as_str))
            .text_if(field::RETURN_DISPOSITION, line.disposition.as_ref())
    }

    /// A return order as it stands now, with what was credited of it; nothing when Dynamics does not know it.
    pub(super) async fn return_order(
        &self,
        legal_entity: &LegalEntity,
        number: &RequestId,
    ) -> Result<Option<ReleasedOrder>, GatewayError> {
        let names = field::names(Direction::Returned);
        let row = Rows::of(names.requests, legal_entity).with(names.request, number.as_str());
        let Some(header) = self.odata.read(READ, &row).await? else { return Ok(None) };
        let credits =
            Rows::of(&self.returns.credit_entity, legal_entity).with(&self.returns.credit_order_field, number.as_str());
        let credits = async {
            if self.returns.credit_entity.is_empty() { Ok(Vec::new()) } else { self.odata.list(READ, &credits).await }
        };
        let (lines, credits) = tokio::try_join!(self.lines_of(legal_entity, number.as_str()), credits)?;
        let order = self.returned(&header, (&lines, &credits), (legal_entity, number));
        order.map(Some).map_err(|problem| unreadable(READ, problem))
    }

    fn returned(
        &self,
        header: &Row,
        (rows, credits): (&[Row], &[Row]),
        (legal_entity, number): (&LegalEntity, &RequestId),
    ) -> Result<ReleasedOrder, String> {
        let names = field::names(Direction::Returned);
        let warehouse = PlaceCode::new(header.required(names.warehouse)?);
        let state = header.text(field::RETURN_STATUS)?.unwrap_or_default();
        let cancelled = self.outbound.cancelled_states.iter().any(|each| each.eq_ignore_ascii_case(&state));
        let mut lines = Vec::new();
        for row in rows {
            lines.push(self.returned_line(row)?);
        }
        lines.sort_by_key(|line| line.line_id.parse::<i64>().unwrap_or(i64::MAX));
        lines.dedup_by(|one, other| one.line_id == other.line_id);
        let credited = |row: &Row| -> Result<CreditedLine, String> {
            let line = &self.returns.credit_line_field;
            let quantity = &self.returns.credit_quantity_field;
            Ok(CreditedLine {
                note: row.required(&self.returns.credit_number_field)?,
                line_id: row.integer(line)?.ok_or_else(|| missing(line))?.to_string(),
                // What is credited stands there below zero; what was credited too much, and is taken back, above it.
                quantity: -row.decimal(quantity)?.unwrap_or_default(),
            })
        };
        Ok(ReleasedOrder {
            direction: Direction::Returned,
            legal_entity: legal_entity.clone(),
            request_id: number.clone(),
            version: self.version_of_return(header)?,
            origin_id: header.required(&self.returns.origin_field)?,
            warehouse: warehouse.map_err(|invalid| format!("{} {invalid}", names.warehouse))?,
            cancelled,
            status_version: header.text(ETAG)?,
            order_number: header.text(field::RMA)?,
            purchase_order: None,
            customer_account: header.text(field::RETURN_ACCOUNT)?,
            recipient: nowhere(),
            delivery_mode: None,
            carrier: None,
            service: None,
            ship_by: None,
            deliver_by: header.instant(names.deliver_by)?,
            value: header.decimal(&self.returns.value_field).ok().flatten().map(|value| value.abs()),
            currency: header.text(&self.returns.currency_field).ok().flatten(),
            credits: credits.iter().map(credited).collect::<Result<_, _>>()?,
            lines,
            left_behind: Vec::new(),
        })
    }

    fn returned_line(&self, row: &Row) -> Result<ReleasedLine, String> {
        let name = &self.returns.line_field;
        let number = row.integer(name)?.ok_or_else(|| missing(name))?;
        let item_number = row.required(field::ITEM)?;
        let dimensions: Result<Vec<_>, _> = field::VARIANT.iter().map(|name| row.text(name)).collect();
        let dimensions: Vec<_> = dimensions?.into_iter().flatten().collect();
        let serial = row.text(field::SERIAL)?.map(Serial::new).transpose();
        let unit = Unit::new(row.required(field::RETURN_UNIT)?);
        Ok(ReleasedLine {
            line_id: number.to_string(),
            sku: Sku::new(item_number.clone()).map_err(|invalid| format!("{} {invalid}", field::ITEM))?,
            item_number,
            variant: (!dimensions.is_empty()).then(|| dimensions.join("/")),
            description: None,
            // What comes back stands there below zero.
            quantity: row.decimal(field::RETURN_QUANTITY)?.unwrap_or_default().abs(),
            unit: unit.map_err(|invalid| format!("{} {invalid}", field::RETURN_UNIT))?,
            lot: row.text(field::LOT)?,
            serial: serial.map_err(|invalid| format!("{} {invalid}", field::SERIAL))?,
            disposition: row.text(field::RETURN_DISPOSITION)?,
            over_percent: Some(rust_decimal::Decimal::ZERO),
            under_percent: None,
        })
    }

    /// A return order has no version but the second of its last change, where the environment has a member for that.
    pub(super) fn version_of_return(&self, header: &Row) -> Result<u32, String> {
        if self.scan.returns_field.is_empty() {
            return Ok(0);
        }
        let changed = header.instant(&self.scan.returns_field)?;
        Ok(changed.and_then(|at| u32::try_from(at.as_second()).ok()).unwrap_or(0))
    }
}

/// Where the customer sends it from, nobody says.
fn nowhere() -> Address {
    let none = || None;
    Address {
        name: none(),
        company: none(),
        line1: none(),
        line2: none(),
        line3: none(),
        city: none(),
        region: none(),
        postal_code: none(),
        country: none(),
        phone: none(),
        email: none(),
        residential: None,
    }
}

fn made(header: &Row) -> Result<MadeReturn, String> {
    let number = header.required(field::names(Direction::Returned).request)?;
    Ok(MadeReturn { number, rma: header.required(field::RMA)?, lines: 0 })
}
