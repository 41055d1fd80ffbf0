//! The items of the simulated world. Both far ends know them by what their names say, so that they need not agree.
//!
//! `LOT-…` and `LKG-…` are held in lots, `SER-…` piece by piece, `KG-…` and `LKG-…` are weighed, all else is counted.

use rust_decimal::Decimal;

use super::chance::Chance;

/// What there is of every item and lot at first.
pub(super) const STOCK_AT_FIRST: i64 = 1_000_000;

/// How many items of each sort there are.
const ITEMS_OF_A_SORT: u64 = 40;

/// How pieces of an item are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tracking {
    No,
    Lots,
    Serials,
}

/// How the item of this name is told apart.
pub(super) fn tracking(sku: &str) -> Tracking {
    match sku.split('-').next() {
        Some("LOT" | "LKG") => Tracking::Lots,
        Some("SER") => Tracking::Serials,
        _ => Tracking::No,
    }
}

/// Every item there is.
pub(super) fn items() -> impl Iterator<Item = String> {
    let numbered = |sort: &'static str| (0..ITEMS_OF_A_SORT).map(move |number| format!("{sort}-{}", 1001 + number));
    ["ITEM", "LOT", "SER", "KG", "LKG"].into_iter().flat_map(numbered)
}

/// The unit that an item is counted, or weighed, in.
pub(super) fn unit(sku: &str) -> &'static str {
    if sku.starts_with("KG-") || sku.starts_with("LKG-") { "kg" } else { "ea" }
}

/// An item, its unit and a quantity of it, as somebody orders it.
pub(super) struct Wanted {
    pub(super) sku: String,
    pub(super) unit: String,
    pub(super) quantity: Decimal,
}

/// Shares of lines (0 to 1) by how their items are told apart and measured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shares {
    pub(super) lots: f64,
    pub(super) serials: f64,
    pub(super) weighed: f64,
}

/// What a line orders.
pub(super) fn wanted(chance: Chance, shares: Shares, line: &str) -> Wanted {
    let number = 1001 + chance.below(&format!("item/{line}"), ITEMS_OF_A_SORT);
    let weighed = chance.strikes(shares.weighed, &format!("weighed/{line}"));
    let serials = chance.strikes(shares.serials, &format!("serials/{line}"));
    let lots = chance.strikes(shares.lots, &format!("lots/{line}"));
    let amount = |most| i64::try_from(1 + chance.below(&format!("quantity/{line}"), most)).unwrap_or(1);
    let counted = |sort: &str, most| Wanted {
        sku: format!("{sort}-{number}"),
        unit: "ea".to_owned(),
        quantity: amount(most).into(),
    };
    match (serials, lots, weighed) {
        (true, ..) => counted("SER", 3),
        (false, true, false) => counted("LOT", 9),
        (false, false, false) => counted("ITEM", 12),
        (false, in_lots, true) => {
            let sort = if in_lots { "LKG" } else { "KG" };
            // Quarters of a kilogram: 0.25 to 10.
            Wanted {
                sku: format!("{sort}-{number}"),
                unit: "kg".to_owned(),
                quantity: Decimal::new(amount(40) * 25, 2).normalize(),
            }
        }
    }
}
