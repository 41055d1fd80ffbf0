//! What `/sandbox/state` and `/sandbox/progress` tell of the environment.

use serde_json::{Value, json};

use super::adjustments::ADJUSTMENT;
use super::entities::{COMPANY, CONDITION, DIMENSION_SHIPPED, LINE, LOT, SERIAL, SHIPPED, decimal, text};
use super::state::{Environment, Request, Update, UpdateKey};
use crate::sandbox::catalogue::STOCK_AT_FIRST;
use crate::sandbox::side::Side;
use crate::sandbox::verdict::{Adjusted, Posting, PostingLine, PostingQuantity, Released, ReleasedLine, TrackingEntry};

pub(super) fn state(environment: &Environment) -> Value {
    json!({
        "on_hand": environment.stock.rows(STOCK_AT_FIRST.into()),
        "adjustments": environment.adjustments.values().map(adjusted).collect::<Vec<_>>(),
        "orders": documents(environment, Side::Outbound),
        "postings": postings(environment, Side::Outbound),
        "expected": documents(environment, Side::Inbound),
        "receipts": postings(environment, Side::Inbound),
        "tracking": environment.tracking.iter().map(|row| TrackingEntry {
            legal_entity: text(&row.fields, COMPANY),
            tracking_number: text(&row.fields, "TrackingNumber"),
            packing_slip: text(&row.fields, "PackingSlipNumber"),
            creates: row.creates,
            fields: row.fields.clone(),
        }).collect::<Vec<_>>(),
    })
}

pub(super) fn progress(environment: &Environment) -> Value {
    json!({
        "released": environment.count(Side::Outbound),
        "expected": environment.count(Side::Inbound),
        "posted": environment.posted,
        "updates": environment.updates.len(),
        "updates_waiting": environment.received.len(),
        "updates_accepted": environment.accepted,
        "updates_failed": environment.failed,
        "tracking": environment.tracking.len(),
        "adjustments": environment.adjustments.len(),
        "journals_open": environment.journals.values().filter(|journal| !journal.posted).count(),
    })
}

fn documents(environment: &Environment, side: Side) -> Vec<Released> {
    environment.requests.values().filter(|request| request.side == side).map(released).collect()
}

fn postings(environment: &Environment, side: Side) -> Vec<Posting> {
    let of_side = |(key, update): &(&UpdateKey, &Update)| environment.side_of(&key.0, &update.request) == side;
    environment.updates.iter().filter(of_side).map(posting).collect()
}

fn released(request: &Request) -> Released {
    let either = |outbound: &str, inbound: &str| {
        text(&request.fields, if request.side == Side::Inbound { inbound } else { outbound })
    };
    Released {
        legal_entity: request.company.clone(),
        id: request.id.clone(),
        origin: request.origin.clone(),
        order_number: either("ConsigneeReference", "ConsignerReference"),
        version: request.version,
        warehouse: either("ShipFromWarehouseId", "ReceivingWarehouseId"),
        status: request.status.clone(),
        response: request.response.clone(),
        cancelled: request.canceled,
        lines: request
            .lines
            .iter()
            .map(|line| ReleasedLine {
                line: line.number.to_string(),
                item: line.item.clone(),
                ordered: line.ordered,
                unit: line.unit.clone(),
                lot: line.lot.clone(),
                posted: line.posted,
            })
            .collect(),
    }
}

fn adjusted(row: &super::state::Row) -> Adjusted {
    Adjusted { id: text(&row.fields, ADJUSTMENT), creates: row.creates, fields: row.fields.clone() }
}

fn posting((key, update): (&UpdateKey, &Update)) -> Posting {
    let line = |row: &super::state::Row| PostingLine {
        line: text(&row.fields, LINE),
        shipped: decimal(&row.fields, SHIPPED),
        remaining: decimal(&row.fields, "RemainingQuantity"),
        unit: text(&row.fields, "OrderedUnitSymbol"),
    };
    let dimension = |row: &super::state::Row| PostingQuantity {
        line: text(&row.fields, LINE),
        lot: text(&row.fields, LOT),
        serial: text(&row.fields, SERIAL),
        status: text(&row.fields, CONDITION),
        quantity: decimal(&row.fields, DIMENSION_SHIPPED),
    };
    Posting {
        legal_entity: key.0.clone(),
        update_id: key.1.clone(),
        origin: key.2.clone(),
        order: update.request.clone(),
        packing_slip: ["PackingSlipNumber", "ShipmentReceiptNumber"]
            .map(|name| text(&update.header.fields, name))
            .concat(),
        state: update.state.as_str().to_owned(),
        message: update.message.clone(),
        excess: update.excess,
        creates: update.header.creates,
        committed: update.committed,
        lines: update.lines.iter().map(line).collect(),
        dimensions: update.dimensions.iter().map(dimension).collect(),
    }
}
