//! External inventory adjustments: each row changes what is on hand, once, and no shelf goes below nothing where that is
//! refused.

use rust_decimal::Decimal;
use serde_json::{Map, Value};

use super::entities::{COMPANY, LOT, decimal, text};
use super::state::{Environment, Row};
use crate::sandbox::stock::{Shelf, StockBook};

/// The parts of the key.
pub(super) const ADJUSTMENT_KEY: &[&str] = &[COMPANY, "ExternalSystemType", "ExternalSystemId", ADJUSTMENT];
/// Our id of a row.
pub(super) const ADJUSTMENT: &str = "InventoryAdjustmentId";
/// How much a row moves.
pub(super) const QUANTITY: &str = "Quantity";

/// Company, type and id of the external system, id of the adjustment.
pub(super) type AdjustmentKey = Vec<String>;

/// The key of a row, without regard to case.
pub(super) fn key_of(value: impl Fn(&str) -> String) -> AdjustmentKey {
    ADJUSTMENT_KEY.iter().map(|part| value(part).to_lowercase()).collect()
}

/// Where a row's quantity goes, and how much it is.
pub(super) fn moved(fields: &Map<String, Value>) -> (Shelf, Decimal) {
    let shelf = Shelf::new(&text(fields, "ItemNumber"), &text(fields, LOT), &text(fields, "InventoryStatusId"));
    (shelf, decimal(fields, QUANTITY))
}

/// Why a row cannot be taken; `before` is what rows of the same transaction move before it.
pub(super) fn refusal(
    environment: &Environment,
    (refused, at_first): (bool, Decimal),
    fields: &Map<String, Value>,
    before: &StockBook,
) -> Option<String> {
    for name in ["ItemNumber", "WarehouseId"] {
        if text(fields, name).is_empty() {
            return Some(format!("Error: Field '{name}' must be filled in."));
        }
    }
    let (shelf, quantity) = moved(fields);
    if quantity.is_zero() {
        return Some("Error: Quantity must be specified.".to_owned());
    }
    let held = environment.stock.on_hand(&shelf, at_first) + before.on_hand(&shelf, Decimal::ZERO);
    let short = refused && quantity.is_sign_negative() && held + quantity < Decimal::ZERO;
    short.then(|| {
        format!(
            "Error: Item number {}: {} cannot be picked because only {} is available from the inventory.",
            shelf.sku,
            (-quantity).normalize(),
            held.normalize()
        )
    })
}

impl Environment {
    /// A row that is written again moves stock again: as it would where nothing is unique.
    pub(super) fn adjust(&mut self, key: AdjustmentKey, fields: Map<String, Value>) {
        let (shelf, quantity) = moved(&fields);
        self.stock.move_by(shelf, quantity);
        match self.adjustments.get_mut(&key) {
            Some(row) => row.change(fields, true),
            None => {
                self.adjustments.insert(key, Row::new(fields));
            }
        }
    }
}
