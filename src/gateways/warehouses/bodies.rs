//! The bodies of the `standard` connector, both ways: pure.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Serialize;

use crate::gateways::documents::{FulfilmentLine, FulfilmentOrder};
use crate::gateways::held::{CancelAnswer, HeldLine, HeldOrder};
use crate::gateways::json::{Row, missing};
use crate::message::{
    Address, CancelOutcome, CancelOutcomeCode, OrderStatus, OrderStatusCode, Reason, ReasonCode, Serial, Sku, Unit,
};

/// Longer words are cut: they are for people.
const CHARACTERS_MAX: usize = 1000;

/// An order as it is sent.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OrderBody<'a> {
    reference: String,
    facility: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_number: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purchase_order: Option<&'a str>,
    recipient: RecipientBody<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery_mode: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    carrier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ship_by: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deliver_by: Option<Timestamp>,
    lines: Vec<LineBody<'a>>,
}

/// An inbound order as it is sent: goods are expected.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReceiptBody<'a> {
    reference: String,
    facility: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_number: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    supplier_account: Option<&'a str>,
    sender: RecipientBody<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery_mode: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    carrier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_from: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_by: Option<Timestamp>,
    lines: Vec<LineBody<'a>>,
}

/// A return as it is announced: its parcels are known by the RMA.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReturnBody<'a> {
    reference: String,
    rma: &'a str,
    facility: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_account: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_by: Option<Timestamp>,
    lines: Vec<LineBody<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RecipientBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    company: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line1: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line2: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line3: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    city: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    postal_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    country: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    residential: Option<bool>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LineBody<'a> {
    line_id: &'a str,
    sku: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    quantity: Decimal,
    unit: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    lot: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    serial: Option<&'a str>,
}

/// An order as it shall be from now on.
#[derive(Serialize)]
pub(super) struct ChangeBody<'a> {
    #[serde(flatten)]
    pub(super) order: OrderBody<'a>,
    /// Which change of the order it is, from 1.
    pub(super) change: u32,
}

/// A cancellation as it is sent.
#[derive(Serialize)]
pub(super) struct CancelBody<'a> {
    pub(super) reason: &'a str,
}

impl<'a> OrderBody<'a> {
    pub(super) fn of(order: &'a FulfilmentOrder) -> Self {
        Self {
            reference: order.reference.to_string(),
            facility: &order.facility,
            order_number: order.order_number.as_deref(),
            purchase_order: order.purchase_order.as_deref(),
            recipient: recipient(&order.recipient),
            delivery_mode: order.delivery_mode.as_deref(),
            carrier: order.carrier.as_deref(),
            service: order.service.as_deref(),
            ship_by: order.ship_by,
            deliver_by: order.deliver_by,
            lines: order.lines.iter().map(line).collect(),
        }
    }
}

impl<'a> ReturnBody<'a> {
    pub(super) fn of(order: &'a FulfilmentOrder) -> Self {
        Self {
            reference: order.reference.to_string(),
            rma: order.order_number.as_deref().unwrap_or_default(),
            facility: &order.facility,
            customer_account: order.customer_account.as_deref(),
            expected_by: order.deliver_by,
            lines: order.lines.iter().map(line).collect(),
        }
    }
}

impl<'a> ReceiptBody<'a> {
    pub(super) fn of(order: &'a FulfilmentOrder) -> Self {
        Self {
            reference: order.reference.to_string(),
            facility: &order.facility,
            order_number: order.order_number.as_deref(),
            supplier_account: order.customer_account.as_deref(),
            sender: recipient(&order.recipient),
            delivery_mode: order.delivery_mode.as_deref(),
            carrier: order.carrier.as_deref(),
            expected_from: order.ship_by,
            expected_by: order.deliver_by,
            lines: order.lines.iter().map(line).collect(),
        }
    }
}

fn recipient(address: &Address) -> RecipientBody<'_> {
    RecipientBody {
        name: address.name.as_deref(),
        company: address.company.as_deref(),
        line1: address.line1.as_deref(),
        line2: address.line2.as_deref(),
        line3: address.line3.as_deref(),
        city: address.city.as_deref(),
        region: address.region.as_deref(),
        postal_code: address.postal_code.as_deref(),
        country: address.country.as_deref(),
        phone: address.phone.as_deref(),
        email: address.email.as_deref(),
        residential: address.residential,
    }
}

fn line(line: &FulfilmentLine) -> LineBody<'_> {
    LineBody {
        line_id: &line.line_id,
        sku: line.sku.as_str(),
        description: line.description.as_deref(),
        quantity: line.quantity.normalize(),
        unit: line.unit.as_str(),
        lot: line.lot.as_deref(),
        serial: line.serial.as_ref().map(Serial::as_str),
    }
}

/// An order as it is answered.
pub(super) fn held(row: &Row) -> Result<HeldOrder, String> {
    let mut lines = Vec::new();
    for (index, line) in row.rows("lines")?.iter().enumerate() {
        lines.push(held_line(line).map_err(|problem| format!("lines[{index}]: {problem}"))?);
    }
    let Said { code, raw, .. } = said(row, "status")?.ok_or_else(|| missing("status"))?;
    let known = known(OrderStatusCode::ALL, OrderStatusCode::as_str, &code);
    Ok(HeldOrder {
        order_id: row.required("id")?,
        reference: row.required("reference")?,
        status: OrderStatus { code: known.unwrap_or(OrderStatusCode::Other), raw: kept(known.is_some(), code, raw) },
        change: row.integer("change").ok().flatten().and_then(|number| u32::try_from(number).ok()).unwrap_or(0),
        lines,
    })
}

fn held_line(row: &Row) -> Result<HeldLine, String> {
    let unit = row.text("unit")?.map(Unit::new).transpose();
    Ok(HeldLine {
        line_id: row.text("lineId")?,
        sku: Sku::new(row.required("sku")?).map_err(|invalid| format!("sku {invalid}"))?,
        quantity: row.decimal("quantity")?.ok_or_else(|| missing("quantity"))?,
        unit: unit.map_err(|invalid| format!("unit {invalid}"))?,
    })
}

/// The orders that were found, in a list of this name.
pub(super) fn orders(row: &Row, name: &str) -> Result<Vec<HeldOrder>, String> {
    // A list that is not there is not an empty list: "not there" must have been said.
    let orders = row.rows_if_there(name)?.ok_or_else(|| missing(name))?;
    orders.iter().map(held).collect()
}

/// How a cancellation was answered.
pub(super) fn cancelled(row: &Row) -> Result<CancelAnswer, String> {
    let Said { code, raw, .. } = said(row, "outcome")?.ok_or_else(|| missing("outcome"))?;
    let known_code = known(CancelOutcomeCode::ALL, CancelOutcomeCode::as_str, &code);
    let outcome = CancelOutcome {
        code: known_code.unwrap_or(CancelOutcomeCode::Other),
        raw: kept(known_code.is_some(), code, raw),
    };
    let reason = said(row, "reason")?.map(|Said { code, raw, text }| {
        let known = known(ReasonCode::ALL, ReasonCode::as_str, &code);
        Reason { code: known.unwrap_or(ReasonCode::Other), raw: kept(known.is_some(), code, raw), text }
    });
    Ok(CancelAnswer { outcome, reason })
}

/// A no that says nothing but its words.
pub(super) fn refused(words: Option<String>) -> CancelAnswer {
    let reason = words.map(|text| Reason { code: ReasonCode::Other, raw: None, text: Some(text) });
    CancelAnswer { outcome: CancelOutcomeCode::Rejected.into(), reason }
}

/// Whether nothing will ship from an order any more.
pub(super) fn is_over(order: &HeldOrder) -> bool {
    let raw = order.status.raw.as_deref().unwrap_or_default();
    let words = ["rejected", "cancelled", "canceled"];
    order.status.code == OrderStatusCode::Cancelled || words.iter().any(|word| raw.eq_ignore_ascii_case(word))
}

/// The warehouse's own words in a refusal.
pub(super) fn words(body: &[u8]) -> Option<String> {
    let text = match Row::read(body) {
        Ok(row) => {
            let inner = row.row("error").ok().flatten();
            let names = ["message", "detail", "title", "error_description", "error"];
            let say = |row: &Row| names.iter().find_map(|name| row.text(name).ok().flatten());
            inner
                .as_ref()
                .and_then(say)
                .or_else(|| say(&row))
                .or_else(|| Some(String::from_utf8_lossy(body).into_owned()))
        }
        Err(_) => Some(String::from_utf8_lossy(body).into_owned()).filter(|text| !text.trim_start().starts_with('<')),
    };
    let cut: String = text?.trim().chars().take(CHARACTERS_MAX).collect();
    (!cut.is_empty()).then_some(cut)
}

/// A coded value as it was said: its code, the sender's own code, the sender's own words.
struct Said {
    code: String,
    raw: Option<String>,
    text: Option<String>,
}

/// Reads `{"code": …}`, or the code alone.
fn said(row: &Row, name: &str) -> Result<Option<Said>, String> {
    if let Ok(inner) = row.row(name) {
        let Some(inner) = inner else { return Ok(None) };
        let code = inner.text("code")?.unwrap_or_default();
        return Ok(Some(Said { code, raw: inner.text("raw")?, text: inner.text("text")? }));
    }
    Ok(row.text(name)?.map(|code| Said { code, raw: None, text: None }))
}

/// The code that is meant: letters' case and separators do not count.
fn known<C: Copy>(all: &[C], name: fn(C) -> &'static str, said: &str) -> Option<C> {
    let fold = |text: &str| text.replace(|each: char| !each.is_ascii_alphanumeric(), "").to_ascii_uppercase();
    all.iter().copied().find(|code| fold(name(*code)) == fold(said))
}

/// What is kept of a code beside its meaning: the sender's own, or the code itself when nobody knows it.
fn kept(known: bool, code: String, raw: Option<String>) -> Option<String> {
    raw.or_else(|| (!known && !code.is_empty()).then_some(code))
}
