//! Reads a released document: header, lines, status; in our words.
//!
//! The header is read first: when somebody changes the document meanwhile, its version is the older one, and the event
//! of the change finds it again.
//!
//! Documents that are wanted at the same moment are asked for together: one request with a query for each entity and
//! some twenty documents.

use std::sync::Arc;

use futures_util::FutureExt as _;

use super::FinanceOperations;
use super::fields::{self as field, Names};
use super::odata::{ETAG, unreadable};
use super::rows::Rows;
use super::together::{InTime, Said};
use crate::gateways::documents::{Direction, ReleasedLine, ReleasedOrder};
use crate::gateways::enter;
use crate::gateways::error::{GatewayError, NotSent};
use crate::gateways::http::{Call, reading};
use crate::gateways::json::{Row, missing};
use crate::gateways::pace::Pace;
use crate::message::{Address, LegalEntity, PlaceCode, RequestId, Serial, Sku, Unit};

/// Lines of a street address that travel.
const ADDRESS_LINES: usize = 3;

/// Documents that one filter names: filters have few terms in `OData`.
pub(super) const FILTER_MAX: usize = 20;

pub(super) const READ: Call = reading("read_order");

/// What is known of documents that were asked for together: header, lines and status of each are among the rows.
struct Read {
    headers: Result<Vec<Row>, GatewayError>,
    lines: Result<Vec<Row>, GatewayError>,
    statuses: Result<Vec<Row>, GatewayError>,
}

impl FinanceOperations {
    /// The document as it stands now; nothing when Dynamics does not know it.
    pub(in crate::gateways) async fn released_order(
        self: &Arc<Self>,
        pace: &Arc<Pace>,
        direction: Direction,
        legal_entity: &LegalEntity,
        request: &RequestId,
    ) -> Result<Option<ReleasedOrder>, GatewayError> {
        if direction == Direction::Returned {
            let _place = enter(pace, "released_order").await?;
            return Box::pin(self.return_order(legal_entity, request)).await;
        }
        if self.together.documents_max <= 1 {
            let _place = enter(pace, "released_order").await?;
            return self.released_alone(direction, legal_entity, request).await;
        }
        let (product, company) = (Arc::clone(self), legal_entity.clone());
        let work = move |requests: Vec<RequestId>, in_time: InTime| {
            let (product, company) = (Arc::clone(&product), company.clone());
            async move { product.released_together((direction, &company), &requests, &in_time).await }.boxed()
        };
        let group = (direction, legal_entity.clone());
        self.released.ride(pace, group, (request.clone(), self.soon()), work).await
    }

    /// Several documents by one request.
    async fn released_together(
        &self,
        (direction, legal_entity): (Direction, &LegalEntity),
        requests: &[RequestId],
        in_time: &InTime,
    ) -> Vec<Said<Option<ReleasedOrder>>> {
        let names = field::names(direction);
        let status = self.status_entity(direction);
        let entities: Vec<_> = [names.requests, names.request_lines].into_iter().chain(status).collect();
        let of = |entity, some: &[RequestId]| {
            let ids = some.iter().map(RequestId::as_str);
            Rows::of(entity, legal_entity).with_any(names.request, ids)
        };
        let some: Vec<_> = requests.chunks(FILTER_MAX).collect();
        let queries: Vec<_> = some.iter().flat_map(|some| entities.iter().map(|entity| of(*entity, some))).collect();
        // Whoever is late by now is told by the deadline of its own call.
        if !(0..requests.len()).any(|place| in_time.holds(place)) {
            return requests.iter().map(|_| Err(unsent())).collect();
        }
        let mut found = match self.odata.lists(READ, &queries).await {
            Ok(found) => found.into_iter(),
            Err(error) => return requests.iter().map(|_| Err(error.clone())).collect(),
        };
        let mut next = || found.next().unwrap_or_else(|| Ok(Vec::new()));
        let mut said = Vec::with_capacity(requests.len());
        for some in some {
            let (headers, lines) = (next(), next());
            let statuses = match status.map_or_else(|| Ok(Vec::new()), |_| next()) {
                Err(GatewayError::EntityMissing { .. }) => Ok(Vec::new()),
                other => other,
            };
            let read = Read { headers, lines, statuses };
            said.extend(some.iter().map(|request| self.found(&read, (direction, legal_entity, request))));
        }
        said
    }

    /// One of the documents that were asked for together.
    fn found(
        &self,
        read: &Read,
        (direction, legal_entity, request): (Direction, &LegalEntity, &RequestId),
    ) -> Said<Option<ReleasedOrder>> {
        let name = field::names(direction).request;
        let own = |row: &&Row| {
            let id = row.text(name).ok().flatten();
            id.is_some_and(|id| id.eq_ignore_ascii_case(request.as_str()))
        };
        let rows = |rows: &Result<Vec<Row>, GatewayError>| -> Said<Vec<Row>> {
            rows.as_ref().map(|rows| rows.iter().filter(own).cloned().collect()).map_err(Clone::clone)
        };
        let Some(header) = rows(&read.headers)?.into_iter().next() else { return Ok(None) };
        let (lines, status) = (rows(&read.lines)?, rows(&read.statuses)?.into_iter().next());
        let order = self.order(&header, &lines, status.as_ref(), (direction, legal_entity, request));
        order.map(Some).map_err(|problem| unreadable(READ, problem))
    }

    /// The document by calls of its own.
    async fn released_alone(
        &self,
        direction: Direction,
        legal_entity: &LegalEntity,
        request: &RequestId,
    ) -> Result<Option<ReleasedOrder>, GatewayError> {
        let names = field::names(direction);
        let of = |entity| Rows::of(entity, legal_entity).with(names.request, request.as_str());
        let Some(header) = self.odata.read(READ, &of(names.requests)).await? else { return Ok(None) };
        let lines = of(names.request_lines);
        let status = self.status(direction, legal_entity, request);
        let (rows, status) = tokio::try_join!(self.odata.list(reading("read_order_lines"), &lines), status)?;
        let order = self.order(&header, &rows, status.as_ref(), (direction, legal_entity, request));
        order.map(Some).map_err(|problem| unreadable(READ, problem))
    }

    /// The entity with the status of documents; nothing when there is none.
    fn status_entity(&self, direction: Direction) -> Option<&str> {
        match direction {
            Direction::Outbound => Some(field::REQUEST_STATUS),
            Direction::Inbound => Some(self.inbound.status_entity.as_str()).filter(|entity| !entity.is_empty()),
            // A return order says itself how far it is.
            Direction::Returned => None,
        }
    }

    /// The row with the document's status; versions without that entity have none.
    pub(super) async fn status(
        &self,
        direction: Direction,
        legal_entity: &LegalEntity,
        request: &RequestId,
    ) -> Result<Option<Row>, GatewayError> {
        let Some(entity) = self.status_entity(direction) else { return Ok(None) };
        let row = Rows::of(entity, legal_entity).with(field::names(direction).request, request.as_str());
        match self.odata.read(reading("read_order_status"), &row).await {
            Err(GatewayError::EntityMissing { .. }) => Ok(None),
            other => other,
        }
    }

    /// Whether a status says that the document was taken back.
    pub(super) fn says_cancelled(&self, status: &Row) -> bool {
        let state = status.text(field::STATUS).ok().flatten().unwrap_or_default();
        self.outbound.cancelled_states.iter().any(|cancelled| cancelled.eq_ignore_ascii_case(&state))
    }

    fn order(
        &self,
        header: &Row,
        rows: &[Row],
        status: Option<&Row>,
        (direction, legal_entity, request): (Direction, &LegalEntity, &RequestId),
    ) -> Result<ReleasedOrder, String> {
        let names = field::names(direction);
        let warehouse = PlaceCode::new(header.required(names.warehouse)?);
        let (lines, left_behind) = lines(rows)?;
        let (order_number, value, currency) = match direction {
            Direction::Outbound => {
                (&self.outbound.order_number_field, &self.outbound.value_field, &self.outbound.currency_field)
            }
            Direction::Inbound | Direction::Returned => {
                (&self.inbound.order_number_field, &self.inbound.value_field, &self.inbound.currency_field)
            }
        };
        Ok(ReleasedOrder {
            direction,
            legal_entity: legal_entity.clone(),
            request_id: request.clone(),
            version: header.integer(field::VERSION)?.and_then(|version| u32::try_from(version).ok()).unwrap_or(0),
            origin_id: header.required(names.origin)?,
            warehouse: warehouse.map_err(|invalid| format!("{} {invalid}", names.warehouse))?,
            cancelled: status.is_some_and(|status| self.says_cancelled(status)),
            status_version: status.and_then(|status| status.text(ETAG).ok().flatten()),
            order_number: header.text(order_number)?,
            purchase_order: header.text(field::PURCHASE_ORDER)?,
            customer_account: header.text(&format!("{}{}", names.partner, field::ACCOUNT))?,
            recipient: address(header, names)?,
            delivery_mode: header.text(field::DELIVERY_MODE)?,
            carrier: header.text(field::CARRIER)?,
            service: header.text(field::SERVICE)?,
            ship_by: header.instant(names.move_by)?,
            deliver_by: header.instant(names.deliver_by)?,
            // Shown and never acted upon: what cannot be read of it holds nothing up.
            value: header.decimal(value).ok().flatten(),
            currency: header.text(currency).ok().flatten(),
            credits: Vec::new(),
            lines,
            left_behind,
        })
    }
}

fn unsent() -> GatewayError {
    GatewayError::NotSent { call: READ.name, why: NotSent::Crowded }
}

type LeftBehind = (String, String);

/// The lines in their order: those that travel, and those that do not, with why.
fn lines(rows: &[Row]) -> Result<(Vec<ReleasedLine>, Vec<LeftBehind>), String> {
    let mut numbered = Vec::new();
    for row in rows {
        numbered.push((row.integer(field::LINE)?.ok_or_else(|| missing(field::LINE))?, row));
    }
    numbered.sort_by_key(|(number, _)| *number);
    // Rows that move while pages are read come twice.
    numbered.dedup_by_key(|(number, _)| *number);
    let (mut travel, mut left_behind) = (Vec::new(), Vec::new());
    for (number, row) in numbered {
        match line(number, row).map_err(|problem| format!("line {number}: {problem}"))? {
            Ok(line) => travel.push(line),
            Err(why) => left_behind.push((number.to_string(), why)),
        }
    }
    Ok((travel, left_behind))
}

/// A line, or why it stays behind.
fn line(number: i64, row: &Row) -> Result<Result<ReleasedLine, String>, String> {
    let Some(item_number) = row.text(field::ITEM)? else { return Ok(Err("It has no item number.".to_owned())) };
    let quantity = row.decimal(field::ORDERED)?.unwrap_or_default();
    if quantity <= rust_decimal::Decimal::ZERO {
        return Ok(Err(format!("Its quantity is {quantity}.")));
    }
    let dimensions: Result<Vec<_>, _> = field::VARIANT.iter().map(|name| row.text(name)).collect();
    let dimensions: Vec<_> = dimensions?.into_iter().flatten().collect();
    let serial = row.text(field::SERIAL)?.map(Serial::new).transpose();
    Ok(Ok(ReleasedLine {
        line_id: number.to_string(),
        sku: Sku::new(item_number.clone()).map_err(|invalid| format!("{} {invalid}", field::ITEM))?,
        item_number,
        variant: (!dimensions.is_empty()).then(|| dimensions.join("/")),
        description: row.text(field::DESCRIPTION)?,
        quantity,
        unit: Unit::new(row.required(field::ORDERED_UNIT)?)
            .map_err(|invalid| format!("{} {invalid}", field::ORDERED_UNIT))?,
        lot: row.text(field::LOT)?,
        serial: serial.map_err(|invalid| format!("{} {invalid}", field::SERIAL))?,
        disposition: None,
        over_percent: row.decimal(field::OVER)?,
        under_percent: row.decimal(field::UNDER)?,
    }))
}

/// Where it goes: the receiver's address, or the consignee's where the receiver has none; inbound, the sender's or the
/// consigner's. The two are never mixed.
fn address(header: &Row, names: &Names) -> Result<Address, String> {
    let part = |whose: &str, name: &str| header.text(&format!("{whose}{name}"));
    let there = |whose: &str| -> Result<bool, String> {
        Ok(part(whose, field::STREET)?.is_some()
            || part(whose, field::CITY)?.is_some()
            || part(whose, field::ZIP_CODE)?.is_some())
    };
    let Names { place, partner, .. } = *names;
    let whose = if there(place)? { place } else { partner };
    let own = if whose == place { part(place, field::NAME)? } else { None };
    let party = own.or(part(partner, field::NAME)?);
    let contact = part(partner, field::CONTACT_NAME)?.filter(|contact| Some(contact) != party.as_ref());
    let (name, company) = if contact.is_some() { (contact, party) } else { (party, None) };
    let mut lines = street(&part, whose)?.into_iter();
    Ok(Address {
        name,
        company,
        line1: lines.next(),
        line2: lines.next(),
        line3: lines.next(),
        city: part(whose, field::CITY)?,
        region: part(whose, field::STATE)?.or(part(whose, field::COUNTY)?),
        postal_code: part(whose, field::ZIP_CODE)?,
        country: part(whose, field::COUNTRY)?,
        phone: part(partner, field::CONTACT_PHONE)?,
        email: part(partner, field::CONTACT_EMAIL)?,
        residential: None,
    })
}

/// The street's lines, building and post box, of which the last line takes what is left.
fn street(part: &impl Fn(&str, &str) -> Result<Option<String>, String>, whose: &str) -> Result<Vec<String>, String> {
    // Dynamics keeps several lines of a street in one text.
    let street = part(whose, field::STREET)?.unwrap_or_default();
    let mut all: Vec<_> = street.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
    if let Some(number) = part(whose, field::STREET_NUMBER)? {
        match all.first_mut() {
            Some(first) => *first = format!("{first} {number}"),
            None => all.push(number),
        }
    }
    all.extend(part(whose, field::BUILDING)?);
    all.extend(part(whose, field::POST_BOX)?);
    if all.len() > ADDRESS_LINES {
        let rest = all.split_off(ADDRESS_LINES - 1).join(", ");
        all.push(rest);
    }
    Ok(all)
}
