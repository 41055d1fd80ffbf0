//! The `standard` connector: `POST /orders`, `GET /orders?reference=`, `POST /orders/{id}/cancel`; the same for `/receipts` and
//! `/returns`. What is changed of an order: `POST /orders/{id}/change`.
//!
//! The bodies stand in `connectors/standard/samples/calls`. A success is none until the body says so: an order that is
//! answered under another reference is not ours.

use std::sync::Arc;

use reqwest::{Method, RequestBuilder, Url};
use secrecy::ExposeSecret as _;

use super::bodies::{self, CancelBody, ChangeBody, OrderBody, ReceiptBody, ReturnBody};
use crate::config::Secret;
use crate::gateways::documents::{Direction, FulfilmentOrder};
use crate::gateways::error::{GatewayError, NotSent};
use crate::gateways::held::{CancelAnswer, CreateAnswer, HeldOrder};
use crate::gateways::http::{Answer, Call, Caller, changing, reading};
use crate::gateways::json::Row;

/// The header that names what a call is about: a repeat has the same.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// One account at one warehouse that speaks our own protocol.
pub(in crate::gateways) struct Standard {
    pub(in crate::gateways) caller: Caller,
    /// Where its API is, with its slash.
    pub(in crate::gateways) root: Url,
    pub(in crate::gateways) token: Secret,
}

impl Standard {
    /// Creates an order, or says what is held under its reference.
    pub(in crate::gateways) async fn create_order(
        &self,
        order: &FulfilmentOrder,
    ) -> Result<CreateAnswer, GatewayError> {
        let call = changing("create_order");
        let reference = order.reference.to_string();
        let request = self.request(call, Method::POST, &[collection(order.direction)])?;
        let request = request.header(IDEMPOTENCY_KEY, &reference);
        let request = match order.direction {
            Direction::Outbound => request.json(&OrderBody::of(order)),
            Direction::Inbound => request.json(&ReceiptBody::of(order)),
            Direction::Returned => request.json(&ReturnBody::of(order)),
        };
        let answer = self.caller.send(call, request).await?;
        if answer.status == 409 {
            return self.existing(call, answer, (order.direction, &reference)).await;
        }
        let answer = answer.sorted(call, bodies::words)?;
        let held = read(call, &answer, bodies::held)?;
        if held.reference != reference {
            return Err(unreadable(call, format!("it is about the order {:?}", held.reference)));
        }
        Ok(CreateAnswer::Created(held))
    }

    /// The order of a reference; the one that is alive, where there are several.
    pub(in crate::gateways) async fn find_order(
        &self,
        direction: Direction,
        reference: &str,
    ) -> Result<Option<HeldOrder>, GatewayError> {
        let call = reading("find_order");
        let name = collection(direction);
        let request = self.request(call, Method::GET, &[name])?.query(&[("reference", reference)]);
        let answer = self.caller.send(call, request).await?.sorted(call, bodies::words)?;
        let mut orders = read(call, &answer, |row| bodies::orders(row, name))?;
        // A far end that does not know the question answers with everything.
        orders.retain(|order| order.reference == reference);
        let alive = orders.iter().position(|order| !bodies::is_over(order));
        let chosen = alive.or_else(|| orders.len().checked_sub(1));
        Ok(chosen.map(|place| orders.swap_remove(place)))
    }

    /// Asks for cancellation.
    pub(in crate::gateways) async fn cancel_order(
        &self,
        direction: Direction,
        order_id: &str,
        reference: &str,
        reason: &str,
    ) -> Result<CancelAnswer, GatewayError> {
        let call = changing("cancel_order");
        let request = self.request(call, Method::POST, &[collection(direction), order_id, "cancel"])?;
        let request = request.header(IDEMPOTENCY_KEY, reference).json(&CancelBody { reason });
        let answer = self.caller.send(call, request).await?.sorted(call, bodies::words)?;
        read(call, &answer, bodies::cancelled)
    }

    /// Has an order that it holds say what this one says.
    pub(in crate::gateways) async fn change_order(
        &self,
        order_id: &str,
        order: &FulfilmentOrder,
        number: u32,
    ) -> Result<CancelAnswer, GatewayError> {
        let call = changing("change_order");
        let request = self.request(call, Method::POST, &[collection(order.direction), order_id, "change"])?;
        let request = request.header(IDEMPOTENCY_KEY, format!("{}/{number}", order.reference));
        let request = request.json(&ChangeBody { order: OrderBody::of(order), change: number });
        let answer = self.caller.send(call, request).await?;
        if answer.status == 409 {
            return Ok(bodies::refused(bodies::words(&answer.body)));
        }
        read(call, &answer.sorted(call, bodies::words)?, bodies::cancelled)
    }

    /// The reference is taken: by what the refusal shows, else by what is found under it.
    async fn existing(
        &self,
        call: Call,
        answer: Answer,
        (direction, reference): (Direction, &str),
    ) -> Result<CreateAnswer, GatewayError> {
        let shown = read(call, &answer, bodies::held).ok().filter(|held| held.reference == reference);
        let held = match shown {
            Some(held) => Some(held),
            None => self.find_order(direction, reference).await?,
        };
        let status = answer.status;
        let refused = || GatewayError::Refused { call: call.name, status, detail: bodies::words(&answer.body) };
        held.map(CreateAnswer::Existing).ok_or_else(refused)
    }

    fn request(&self, call: Call, method: Method, path: &[&str]) -> Result<RequestBuilder, GatewayError> {
        let secret = |error| GatewayError::NotSent { call: call.name, why: NotSent::Secret(Arc::new(error)) };
        let token = self.token.value().map_err(secret)?;
        let mut url = self.root.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        Ok(self.caller.request(method, url).bearer_auth(token.expose_secret()))
    }
}

/// Where documents of a direction lie, and what a list of them is called.
fn collection(direction: Direction) -> &'static str {
    match direction {
        Direction::Outbound => "orders",
        Direction::Inbound => "receipts",
        Direction::Returned => "returns",
    }
}

fn read<T>(call: Call, answer: &Answer, body: impl Fn(&Row) -> Result<T, String>) -> Result<T, GatewayError> {
    Row::read(&answer.body).and_then(|row| body(&row)).map_err(|problem| unreadable(call, problem))
}

fn unreadable(call: Call, problem: String) -> GatewayError {
    GatewayError::Unreadable { call: call.name, changing: call.changing, problem }
}
