//! The `standard` connector: our own contract for warehouses without a product of their own
//! (`docs/standard-connector.md`).

use std::str::FromStr as _;

use reqwest::header::HeaderValue;
use reqwest::{Method, Url};
use rust_decimal::Decimal;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::documents::{CancelAnswer, CreateAnswer, FulfilmentLine, FulfilmentOrder, HeldLine, HeldOrder};
use super::super::error::GatewayError;
use super::super::http::{Answer, Call, Http};
use super::super::named_url;
use crate::config::{self, Secret};
use crate::message::{CancelOutcome, CancelOutcomeCode, OrderStatus, OrderStatusCode, Reason, ReasonCode, Sku, Unit};

/// A warehouse that speaks the standard contract.
pub(in super::super) struct Standard {
    http: Http,
    root: Url,
    token: Secret,
}

#[derive(Deserialize)]
struct Held {
    id: String,
    reference: String,
    status: Coded,
    #[serde(default)]
    lines: Vec<HeldRow>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HeldRow {
    line_id: Option<String>,
    sku: String,
    quantity: String,
    unit: Option<String>,
}

#[derive(Deserialize)]
struct Coded {
    code: String,
    raw: Option<String>,
    text: Option<String>,
}

#[derive(Deserialize)]
struct Found {
    orders: Vec<Held>,
}

#[derive(Deserialize)]
struct Cancelled {
    outcome: Coded,
    reason: Option<Coded>,
}

impl Standard {
    pub(in super::super) fn new(
        http: Http,
        name: &str,
        warehouse: &config::Warehouse,
    ) -> Result<Self, super::super::GatewaysUnusable> {
        let mut root = named_url(&format!("warehouses.{name}.url"), &warehouse.url)?;
        if !root.path().ends_with('/') {
            root.set_path(&format!("{}/", root.path()));
        }
        let missing = || super::super::GatewaysUnusable(format!("warehouses.{name}.token is missing"));
        Ok(Self { http, root, token: warehouse.token.clone().ok_or_else(missing)? })
    }

    pub(in super::super) async fn create_order(&self, order: &FulfilmentOrder) -> Result<CreateAnswer, GatewayError> {
        let reference = order.reference.to_string();
        let body = written(order).to_string().into_bytes();
        let mut call = Call::change("create_order", Method::POST, self.url(&["orders"])?, body);
        // A reference is letters, digits and hyphens: always a valid header.
        if let Ok(value) = HeaderValue::from_str(&reference) {
            call = call.header("idempotency-key", value);
        }
        let answer = self.call(call).await?;
        match answer.status {
            409 => read(&answer, "the existing order").and_then(held).map(CreateAnswer::Existing),
            status if (200..300).contains(&status) => {
                read(&answer, "the created order").and_then(held).map(CreateAnswer::Created)
            }
            _ => Err(self.error(&answer, true)),
        }
    }

    pub(in super::super) async fn find_order(&self, reference: &str) -> Result<Option<HeldOrder>, GatewayError> {
        let mut url = self.url(&["orders"])?;
        url.query_pairs_mut().append_pair("reference", reference);
        let answer = self.call(Call::read("find_order", url)).await?;
        if !answer.succeeded() {
            return Err(self.error(&answer, false));
        }
        let found: Found = read(&answer, "the list of orders")?;
        found.orders.into_iter().find(|order| order.reference == reference).map(held).transpose()
    }

    pub(in super::super) async fn cancel_order(&self, order_id: &str, reason: &str) -> Result<CancelAnswer, GatewayError> {
        let body = json!({ "reason": reason }).to_string().into_bytes();
        let call = Call::change("cancel_order", Method::POST, self.url(&["orders", order_id, "cancel"])?, body);
        let answer = self.call(call).await?;
        if !answer.succeeded() {
            return Err(self.error(&answer, true));
        }
        let cancelled: Cancelled = read(&answer, "the answer to the cancellation")?;
        let (code, raw) = known(CancelOutcomeCode::ALL, &cancelled.outcome, CancelOutcomeCode::as_str);
        let outcome = CancelOutcome { code: code.unwrap_or(CancelOutcomeCode::Other), raw };
        let reason = cancelled.reason.map(|reason| {
            let (code, raw) = known(ReasonCode::ALL, &reason, ReasonCode::as_str);
            Reason { code: code.unwrap_or(ReasonCode::Other), raw, text: reason.text }
        });
        Ok(CancelAnswer { outcome, reason })
    }

    fn url(&self, parts: &[&str]) -> Result<Url, GatewayError> {
        let mut url = self.root.clone();
        let strange = || GatewayError::NotSent("the address cannot have paths".to_owned());
        url.path_segments_mut().map_err(|()| strange())?.pop_if_empty().extend(parts);
        Ok(url)
    }

    async fn call(&self, call: Call) -> Result<Answer, GatewayError> {
        let token = self.token.value()?;
        let mut header = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()))
            .map_err(|_| GatewayError::NotSent("our token holds characters that no header may hold".to_owned()))?;
        header.set_sensitive(true);
        self.http.send(call.header("authorization", header)).await
    }

    fn error(&self, answer: &Answer, changes: bool) -> GatewayError {
        answer.error(changes, answer.text(), self.http.now())
    }
}

fn read<T: serde::de::DeserializeOwned>(answer: &Answer, what: &str) -> Result<T, GatewayError> {
    serde_json::from_slice(&answer.body).map_err(|error| GatewayError::Unreadable(format!("{what}: {error}")))
}

/// The code that is meant, else nothing and what was said.
fn known<C: Copy>(all: &[C], said: &Coded, name: impl Fn(C) -> &'static str) -> (Option<C>, Option<String>) {
    let code = all.iter().copied().find(|code| name(*code).eq_ignore_ascii_case(&said.code));
    let raw = said.raw.clone().or_else(|| code.is_none().then(|| said.code.clone()));
    (code, raw)
}

fn held(order: Held) -> Result<HeldOrder, GatewayError> {
    let strange = |what: &str, error: &dyn std::fmt::Display| GatewayError::Unreadable(format!("{what}: {error}"));
    let line = |row: HeldRow| {
        Ok(HeldLine {
            line_id: row.line_id,
            sku: Sku::new(row.sku).map_err(|error| strange("sku", &error))?,
            quantity: Decimal::from_str(&row.quantity).map_err(|error| strange("quantity", &error))?,
            unit: row.unit.map(Unit::new).transpose().map_err(|error| strange("unit", &error))?,
        })
    };
    let (code, raw) = known(OrderStatusCode::ALL, &order.status, OrderStatusCode::as_str);
    Ok(HeldOrder {
        order_id: order.id,
        reference: order.reference,
        status: OrderStatus { code: code.unwrap_or(OrderStatusCode::Other), raw },
        lines: order.lines.into_iter().map(line).collect::<Result<_, GatewayError>>()?,
    })
}

/// The order as the contract writes it: absent members are left out, decimals are text.
fn written(order: &FulfilmentOrder) -> Value {
    let to = &order.recipient;
    let recipient = json!({
        "name": to.name, "company": to.company, "line1": to.line1, "line2": to.line2, "line3": to.line3,
        "city": to.city, "region": to.region, "postalCode": to.postal_code, "country": to.country,
        "phone": to.phone, "email": to.email,
    });
    let line = |line: &FulfilmentLine| {
        present(json!({
            "lineId": line.line_id, "sku": line.sku.as_str(), "description": line.description,
            "quantity": line.quantity.normalize().to_string(), "unit": line.unit.as_str(), "lot": line.lot,
            "serial": line.serial.as_ref().map(crate::message::Serial::as_str),
        }))
    };
    present(json!({
        "reference": order.reference.to_string(), "facility": order.facility, "orderNumber": order.order_number,
        "purchaseOrder": order.purchase_order, "recipient": present(recipient), "deliveryMode": order.delivery_mode,
        "carrier": order.carrier, "service": order.service,
        "shipBy": order.ship_by.map(|at| at.to_string()), "deliverBy": order.deliver_by.map(|at| at.to_string()),
        "lines": order.lines.iter().map(line).collect::<Vec<_>>(),
    }))
}

fn present(mut object: Value) -> Value {
    if let Value::Object(members) = &mut object {
        members.retain(|_, value| !value.is_null());
    }
    object
}
