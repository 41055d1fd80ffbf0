//! What the warehouse says that it holds: the call `/sandbox/snapshots`, as its schedule would.

use serde::Deserialize;
use serde_json::{Value, json};

use super::events;
use super::rules::WarehouseRules;
use super::state::{Fact, Floor};
use crate::sandbox::call::{Answer, Call};
use crate::sandbox::catalogue::STOCK_AT_FIRST;
use crate::sandbox::ledger::Effect;
use crate::sandbox::stock::OnHand;
use crate::sandbox::world::Setting;

/// Parts of one snapshot, at most.
const PARTS_MAX: usize = 1000;

/// How it shall be told. A part that is kept back is told by nobody.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    id: String,
    parts: usize,
    #[serde(default)]
    keep_back: Vec<usize>,
}

/// Answers the call `/sandbox/snapshots`.
pub(super) fn control(floor: &Floor, setting: &Setting<WarehouseRules>, call: &Call) -> Option<Answer<Fact>> {
    if call.path != "/sandbox/snapshots" || call.method != axum::http::Method::POST {
        return None;
    }
    let wish: Wish = match serde_json::from_slice(&call.body) {
        Ok(wish) => wish,
        Err(error) => return Some(Answer::new(400, Effect::Refused, json!({ "error": error.to_string() }))),
    };
    let parts = wish.parts.clamp(1, PARTS_MAX);
    let rows = floor.stock.rows(STOCK_AT_FIRST.into());
    let each = rows.len().div_ceil(parts).max(1);
    let mut chunks = rows.chunks(each);
    let mut notices = Vec::new();
    for part in 1..=parts {
        let lines: Vec<_> = chunks.next().unwrap_or_default().iter().map(line).collect();
        let data = json!({
            "snapshotId": wish.id, "asOf": events::instant(call.at), "scope": { "code": "FULL" }, "part": part,
            "parts": parts, "lines": lines,
        });
        if !wish.keep_back.contains(&part) {
            notices.push(events::snapshot(setting, &format!("{}/{part}", wish.id), &data, call.at));
        }
    }
    let told = json!({ "parts": parts, "lines": rows.len() });
    Some(Answer::new(201, Effect::None, told).telling(notices))
}

fn line(row: &OnHand) -> Value {
    let mut line = json!({
        "item": { "sku": row.shelf.sku },
        "status": { "code": row.shelf.status.to_ascii_uppercase() },
        "quantity": { "value": row.quantity.to_string() },
    });
    if !row.shelf.lot.is_empty() {
        line["lot"] = json!({ "number": row.shelf.lot });
    }
    line
}
