//! Goods that are expected: inbound request `ISR0007` of company `usmf`, announced to `north`, and what is said of it.

use drayline::flows::{Acted, Ledger, Look, ReceiptLook};
use drayline::gateways::{Direction, ReleasedOrder};
use drayline::message::{Envelope, Kind, Reference, RequestId};
use serde_json::{Value, json};

use super::scene::{at, contoso, created_by, envelope, line, north, released, usmf};
use super::world::World;

pub const RECEIPT: &str = "R-1";

pub fn isr() -> RequestId {
    RequestId::new("ISR0007").unwrap()
}

pub fn announced_as(revision: u16) -> Reference {
    Reference::of(&usmf(), &isr()).with_revision(revision)
}

/// Two lines: 10 of BOLT and 4 of NUT.
pub fn expected() -> ReleasedOrder {
    ReleasedOrder {
        direction: Direction::Inbound,
        request_id: isr(),
        origin_id: "ORIGIN-7".to_owned(),
        order_number: Some("PO-000123".to_owned()),
        purchase_order: None,
        customer_account: Some("V-1001".to_owned()),
        lines: vec![line("1", "BOLT", "10"), line("2", "NUT", "4")],
        ..released()
    }
}

fn inbound(mut message: Envelope) -> Envelope {
    message.ordering_key = "inbound/contoso/usmf-ISR0007".parse().unwrap();
    message
}

pub fn announced() -> Envelope {
    let body = json!({ "requestId": "ISR0007", "orderNumber": "PO-000123" });
    inbound(envelope(Kind::ReceiptAnnounced, &contoso(), body))
}

/// A report of a receipt; `second` is when it was made, and `more` the body's other members.
pub fn reported(receipt: &str, second: i64, lines: &[Value], more: &Value) -> Envelope {
    let mut body = json!({
        "receiptKey": receipt,
        "inboundOrder": { "reference": announced_as(1).to_string() },
        "state": "PARTIAL",
        "quantityBasis": "CUMULATIVE",
        "lines": lines,
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let mut message = inbound(envelope(Kind::GoodsReceived, &north(), body));
    message.occurred.at = at(second);
    message
}

/// A numbered report of the one receipt.
pub fn numbered(sequence: u64, lines: &[Value]) -> Envelope {
    reported(RECEIPT, 0, lines, &json!({ "sequence": sequence }))
}

/// A line of a report; no line is named when it is empty.
pub fn counted(line: &str, sku: &str, quantity: &str) -> Value {
    let mut counted = json!({ "item": { "sku": sku }, "received": { "value": quantity, "unit": "ea" } });
    if !line.is_empty() {
        counted["line"] = json!({ "orderLineId": line });
    }
    counted
}

/// A line of a report with these lots.
pub fn in_lots(line: &str, sku: &str, quantity: &str, lots: &[(&str, &str)]) -> Value {
    let mut counted = counted(line, sku, quantity);
    let lot = |(number, quantity): &(&str, &str)| json!({ "number": number, "quantity": quantity });
    counted["lots"] = lots.iter().map(lot).collect();
    counted
}

/// A ledger in which it was announced, in each of these shapes.
pub fn announcements(versions: &[ReleasedOrder]) -> Ledger {
    created_by(versions, |version| {
        let look = Look::Order(World::new(Some(version.clone())).order_look(&announced()));
        (announced(), look, ["create_receipt", "cancel_receipt"])
    })
}

/// What is seen of a receipt while Dynamics wants this.
pub fn receipt_look(wanted: Option<ReleasedOrder>) -> ReceiptLook {
    World::new(wanted).receipt_look()
}

/// Nothing is answered but that it happened.
pub fn taken() -> Acted {
    Acted::Happened(json!({}))
}
