//! What `/sandbox/state` and `/sandbox/progress` tell of the environment.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::adjustments::ADJUSTMENT;
use super::credits::Credit;
use super::entities::{COMPANY, CONDITION, DIMENSION_SHIPPED, LINE, LOT, SERIAL, SHIPPED, decimal, text};
use super::returns;
use super::state::{Environment, Request, RequestKey, RequestLine, State, Update, UpdateKey};
use crate::sandbox::catalogue::STOCK_AT_FIRST;
use crate::sandbox::side::Side;
use crate::sandbox::stock::IN_NO_STOCK;
use crate::sandbox::verdict::{
    Adjusted, CreditNote, CreditedLine, Posting, PostingLine, PostingQuantity, Released, ReleasedLine, Returned,
    TrackingEntry,
};

pub(super) fn state(environment: &Environment) -> Value {
    json!({
        "on_hand": environment.stock.rows(STOCK_AT_FIRST.into()),
        "adjustments": environment.adjustments.values().map(adjusted).collect::<Vec<_>>(),
        "orders": documents(environment, Side::Outbound),
        "postings": postings(environment, Side::Outbound),
        "expected": documents(environment, Side::Inbound),
        "receipts": postings(environment, Side::Inbound),
        "returns": returned(environment),
        "returned": postings(environment, Side::Returned),
        "credits_due": environment.credit_due.len(),
        "credit_notes": environment.credits.iter().map(credit_note).collect::<Vec<_>>(),
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
        "returns": environment.count(Side::Returned),
        "credit_notes": environment.credits.len(),
        "credits_due": environment.credit_due.len(),
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
    let either = |outbound: &str, inbound: &str, returned: &str| {
        let names = [(Side::Outbound, outbound), (Side::Inbound, inbound), (Side::Returned, returned)];
        let name = names.into_iter().find(|(side, _)| *side == request.side);
        text(&request.fields, name.map_or("", |(_, name)| name))
    };
    Released {
        legal_entity: request.company.clone(),
        id: request.id.clone(),
        origin: request.origin.clone(),
        order_number: either("ConsigneeReference", "ConsignerReference", "RMANumber"),
        version: request.version,
        warehouse: either("ShipFromWarehouseId", "ReceivingWarehouseId", "DefaultReturnWarehouseId"),
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

fn returned(environment: &Environment) -> Vec<Returned> {
    let returns = environment.requests.values().filter(|request| request.side == Side::Returned);
    let of = |request: &Request| Returned {
        reference: text(&request.fields, "CustomersOrderReference"),
        without_credit: without_credit(environment, request),
        to_credit: to_credit(request),
        exchanged: request.lines.iter().filter(|line| is_exchanged(line)).map(|line| line.number.to_string()).collect(),
        released: released(request),
    };
    returns.map(of).collect()
}

/// By line, what was kept without crediting it, of what is not exchanged.
fn without_credit(environment: &Environment, request: &Request) -> Vec<(String, Decimal)> {
    let origin = (request.company.clone(), request.origin.clone());
    let updates = environment.updates_of.get(&origin).into_iter().flatten();
    let rows = updates.filter_map(|key| environment.updates.get(key)).filter(|update| update.state == State::Accepted);
    let mut kept: BTreeMap<String, Decimal> = BTreeMap::new();
    for row in rows.flat_map(|update| &update.dimensions) {
        let line = text(&row.fields, LINE);
        let ordered = request.lines.iter().find(|each| each.number.to_string() == line);
        let stays = returns::is_kept_without_credit(&text(&row.fields, returns::RECEIVED_AS));
        if stays && !ordered.is_some_and(is_exchanged) {
            *kept.entry(line).or_default() += decimal(&row.fields, DIMENSION_SHIPPED);
        }
    }
    kept.into_iter().collect()
}

fn is_exchanged(line: &RequestLine) -> bool {
    text(&line.fields, returns::DISPOSITION) == returns::EXCHANGE
}

/// By line, what was received under a disposition that credits.
fn to_credit(request: &Request) -> Vec<(String, Decimal)> {
    let lines = request.lines.iter().filter(|line| !line.money.creditable.is_zero());
    lines.map(|line| (line.number.to_string(), line.money.creditable)).collect()
}

fn credit_note((key, credit): &(RequestKey, Credit)) -> CreditNote {
    CreditNote {
        number: credit.number.clone(),
        legal_entity: key.0.clone(),
        order: key.1.clone(),
        refund: credit.refund,
        lines: credit
            .lines
            .iter()
            .map(|(line, quantity)| CreditedLine { line: line.to_string(), quantity: *quantity })
            .collect(),
    }
}

/// In which condition a piece came: its inventory status, or that it is in no stock.
fn condition(row: &super::state::Row) -> String {
    match returns::disposition(&text(&row.fields, returns::RECEIVED_AS)) {
        Some((false, _)) => IN_NO_STOCK.to_owned(),
        Some((true, _)) | None => text(&row.fields, CONDITION),
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
        status: condition(row),
        disposition: text(&row.fields, returns::RECEIVED_AS),
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
