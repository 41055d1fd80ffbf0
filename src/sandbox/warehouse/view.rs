//! What `/sandbox/state` and `/sandbox/progress` tell of the warehouse.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::returning;
use super::state::{Content, Count, Floor, Order, Shipment, Stage};
use crate::sandbox::catalogue;
use crate::sandbox::side::Side;
use crate::sandbox::verdict::{Held, HeldLine, Receipt, ReceivedQuantity, Shipped, ShippedPackage, ShippedQuantity};

pub(super) fn state(floor: &Floor) -> Value {
    let shipments = floor.shipments.values().filter_map(|shipment| {
        let order = floor.orders.get(&shipment.order)?;
        Some(shipped(order, shipment))
    });
    json!({
        "orders": floor.of(Side::Outbound).map(held).collect::<Vec<_>>(),
        "receipts": floor.of(Side::Inbound).map(receipt).collect::<Vec<_>>(),
        "returns": floor.of(Side::Returned).map(receipt).collect::<Vec<_>>(),
        "shipments": shipments.collect::<Vec<_>>(),
        "adjustments": floor.adjustments.iter().map(|adjustment| &adjustment.data).collect::<Vec<_>>(),
        "on_hand": floor.stock.rows(catalogue::STOCK_AT_FIRST.into()),
        "steps_due": floor.due.len(),
    })
}

pub(super) fn progress(floor: &Floor) -> Value {
    json!({
        "held": floor.orders.len() as u64 - floor.expected - floor.returned,
        "announced": floor.expected,
        "received": floor.complete,
        "returns": floor.returned,
        "inspected": floor.inspected,
        "shipped": floor.shipped,
        "cancelled": floor.cancelled,
        "shipments": floor.shipments.len(),
        "packages": floor.packages,
        "adjustments": floor.adjustments.len(),
        "steps_due": floor.due.len(),
    })
}

fn held(order: &Order) -> Held {
    let line = |line: &super::state::OrderLine| HeldLine {
        line: line.line_id.clone(),
        sku: line.sku.clone(),
        quantity: line.quantity,
        unit: line.unit.clone(),
        shipped: line.shipped.normalize(),
    };
    Held {
        id: order.id.clone(),
        reference: order.reference.clone(),
        facility: order.content.get("facility").and_then(Value::as_str).unwrap_or_default().to_owned(),
        status: order.stage.code().to_owned(),
        live: order.stage.live(),
        change: order.change,
        recipient: order.content.get("recipient").cloned().unwrap_or_default(),
        creates: order.creates,
        lines: order.lines.iter().map(line).collect(),
    }
}

fn receipt(order: &Order) -> Receipt {
    let count = |count: &Count| ReceivedQuantity {
        line: count.line_id.clone(),
        sku: count.sku.clone(),
        lot: count.lot.clone(),
        serial: count.serial.clone(),
        status: count.status.clone(),
        quantity: count.quantity,
    };
    Receipt {
        held: held(order),
        reports: order.reports,
        complete: order.stage == Stage::Complete || order.parcel.is_some(),
        counted_at: order.counted_at,
        undelivered: returning::is_undelivered(order),
        parcel: order.parcel.is_some(),
        // What is not decided is received by nobody yet.
        received: order.received.iter().filter(|count| count.disposition != returning::PENDING).map(count).collect(),
    }
}

fn shipped(order: &Order, shipment: &Shipment) -> Shipped {
    let packages = shipment.packages.iter().map(|package| ShippedPackage {
        key: package.key.clone(),
        tracking_number: package.tracking_number.clone(),
        contents: package.contents.iter().flat_map(quantities).collect(),
    });
    Shipped {
        key: shipment.key.clone(),
        order_id: order.id.clone(),
        reference: order.reference.clone(),
        left_at: shipment.left_at,
        last: shipment.last,
        packages: packages.collect(),
    }
}

/// What a package holds of a line, per lot and serial.
fn quantities(content: &Content) -> Vec<ShippedQuantity> {
    let of = |lot: &str, serial: &str, quantity: Decimal| ShippedQuantity {
        line: content.line_id.clone(),
        sku: content.sku.clone(),
        lot: lot.to_owned(),
        serial: serial.to_owned(),
        quantity,
    };
    if !content.lots.is_empty() && content.serials.is_empty() {
        return content.lots.iter().map(|(lot, quantity)| of(lot, "", *quantity)).collect();
    }
    let lot = content.lots.first().map_or("", |(lot, _)| lot.as_str());
    if !content.serials.is_empty() {
        return content.serials.iter().map(|serial| of(lot, serial, Decimal::ONE)).collect();
    }
    vec![of("", "", content.quantity)]
}
