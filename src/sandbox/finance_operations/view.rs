//! What `/sandbox/state` and `/sandbox/progress` tell of the environment.

use serde_json::{Value, json};

use super::adjustments::ADJUSTMENT;
use super::entities::{COMPANY, DIMENSION_SHIPPED, LINE, LOT, SERIAL, SHIPPED, decimal, text};
use super::state::{Environment, Request, Update, UpdateKey};
use crate::sandbox::catalogue::STOCK_AT_FIRST;
use crate::sandbox::verdict::{Adjusted, Posting, PostingLine, PostingQuantity, Released, ReleasedLine, TrackingEntry};

pub(super) fn state(environment: &Environment) -> Value {
    json!({
        "on_hand": environment.stock.rows(STOCK_AT_FIRST.into()),
        "adjustments": environment.adjustments.values().map(adjusted).collect::<Vec<_>>(),
        "orders": environment.requests.values().map(released).collect::<Vec<_>>(),
        "postings": environment.updates.iter().map(posting).collect::<Vec<_>>(),
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
        "released": environment.requests.len(),
        "posted": environment.posted,
        "updates": environment.updates.len(),
        "updates_waiting": environment.received.len(),
        "updates_accepted": environment.accepted,
        "updates_failed": environment.failed,
        "tracking": environment.tracking.len(),
        "adjustments": environment.adjustments.len(),
    })
}

fn released(request: &Request) -> Released {
    Released {
        legal_entity: request.company.clone(),
        id: request.id.clone(),
        origin: request.origin.clone(),
        order_number: text(&request.fields, "ConsigneeReference"),
        version: request.version,
        warehouse: text(&request.fields, "ShipFromWarehouseId"),
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
        quantity: decimal(&row.fields, DIMENSION_SHIPPED),
    };
    Posting {
        legal_entity: key.0.clone(),
        update_id: key.1.clone(),
        origin: key.2.clone(),
        order: update.request.clone(),
        packing_slip: text(&update.header.fields, "PackingSlipNumber"),
        state: update.state.as_str().to_owned(),
        message: update.message.clone(),
        excess: update.excess,
        creates: update.header.creates,
        committed: update.committed,
        lines: update.lines.iter().map(line).collect(),
        dimensions: update.dimensions.iter().map(dimension).collect(),
    }
}
