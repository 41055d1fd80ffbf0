//! What goes wrong on a bad day: the warehouse is away at first, and some orders cannot go on before somebody mends something.
//!
//! It is the same for the same number of orders and the same seed. Nothing here speaks to the product but the one row of
//! its mapping that was there before the day began.

use serde_json::{Value, json};

use super::far_ends::row;
use crate::cli::Failed;
use crate::mapping::Row;
use crate::sandbox::{Faults, Visitor};

/// The warehouse is away for so long when the day begins.
pub(super) const DOWN_S: u64 = 3;

/// It is sold in a unit of which nobody said what it is at the warehouse.
pub(super) const WITHOUT_UNIT: &str = "ITEM-2001";

/// The unit in which it is sold.
pub(super) const SOLD_IN: &str = "pcs";

/// The unit in which the warehouse counts it.
pub(super) const COUNTED_IN: &str = "ea";

/// The warehouse was never told of it.
pub(super) const NOT_SET_UP: &str = "ITEM-2002";

/// What is wrong with orders that are released one after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    None,
    WithoutUnit,
    NotSetUp,
    BadAddress,
    OnHold,
}

/// The orders of the day: so many of each, in this order. A tenth or so is in trouble, and of each trouble one where there
/// are that many orders.
fn orders(count: u64) -> Vec<(Trouble, u64)> {
    let share = |of: u64| (count / of).max(1);
    let mut left = count;
    let troubled = [
        (Trouble::WithoutUnit, share(25)),
        (Trouble::NotSetUp, share(20)),
        (Trouble::BadAddress, share(50).min(2)),
        (Trouble::OnHold, 1),
    ]
    .map(|(trouble, wanted)| {
        let taken = wanted.min(left);
        left -= taken;
        (trouble, taken)
    });
    // What is well stands between them, and after them.
    let between = left / 5;
    let mut orders = vec![(Trouble::None, between)];
    orders.extend(troubled.into_iter().flat_map(|each| [each, (Trouble::None, between)]));
    orders.push((Trouble::None, left - 5 * between));
    orders.retain(|(_, count)| *count > 0);
    orders
}

/// What is to be released next, after so many; nothing when the day is over.
pub(super) fn next((count, seed): (u64, u64), released: u64, at_once_max: u64) -> Option<Value> {
    let mut before = 0;
    for (place, (trouble, many)) in (0..).zip(orders(count)) {
        before += many;
        if released >= before {
            continue;
        }
        // Each begins its count anew, so that each has chances of its own.
        let seed = seed.wrapping_mul(31).wrapping_add(place);
        let mut wish = json!({ "count": (before - released).min(at_once_max), "seed": seed });
        let line = |item: &str, quantity: &str, unit: &str| json!({ "item": item, "quantity": quantity, "unit": unit });
        match trouble {
            Trouble::None => {}
            Trouble::WithoutUnit => {
                wish["lines"] = json!([line("ITEM-1004", "2", COUNTED_IN), line(WITHOUT_UNIT, "6", SOLD_IN)]);
            }
            Trouble::NotSetUp => wish["lines"] = json!([line(NOT_SET_UP, "3", "ea"), line("ITEM-1011", "1", "ea")]),
            Trouble::BadAddress => wish["fields"] = json!({ "ReceiverZipCode": "TBC" }),
            Trouble::OnHold => {
                // One piece leaves in one shipment, so that Dynamics refuses once.
                wish["lines"] = json!([line("ITEM-1023", "1", "ea")]);
                wish["on_hold"] = json!(true);
            }
        }
        return Some(wish);
    }
    None
}

/// The numbers of the orders that are well.
pub(super) fn well(count: u64) -> impl Iterator<Item = u64> {
    let mut before = 0;
    let numbered = orders(count).into_iter().map(move |(trouble, many)| {
        let first = before + 1;
        before += many;
        (trouble, first..=before)
    });
    numbered.filter(|(trouble, _)| *trouble == Trouble::None).flat_map(|(_, numbers)| numbers)
}

/// What is so before the product starts: a row says in which unit the warehouse counts an item, and none what the unit is in
/// which it is sold.
pub(super) fn counted(warehouse: &str) -> Result<Row, Failed> {
    row([("kind", "unit"), ("connection", warehouse), ("item", WITHOUT_UNIT), ("warehouse", COUNTED_IN)])
}

/// What is so at the far ends when the day begins.
pub(super) async fn begun(dynamics: &Visitor, warehouse: &Visitor, faults: Faults) -> Result<(), Failed> {
    let item = |number: &str, unit: &str| {
        json!({ "ItemNumber": number, "ProductNumber": number, "InventoryUnitSymbol": unit, "SalesUnitSymbol": unit,
                "PurchaseUnitSymbol": unit })
    };
    let items = [item(WITHOUT_UNIT, SOLD_IN), item(NOT_SET_UP, "ea")];
    dynamics.catalogue(&json!({ "entity": "UnitsOfMeasure", "rows": [{ "UnitSymbol": SOLD_IN }] })).await?;
    dynamics.catalogue(&json!({ "entity": "ReleasedProductsV2", "rows": items })).await?;
    warehouse.items(&json!({ "unknown": [NOT_SET_UP] })).await?;
    Ok(warehouse.disturb(&Faults { down_s: DOWN_S, ..faults }).await?)
}
