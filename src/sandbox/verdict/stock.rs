//! The law of stock: what Dynamics has on hand is what lies in the warehouse, for every item, lot and status.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::evidence::{Evidence, EvidenceError, FarEnd};
use crate::sandbox::catalogue::STOCK_AT_FIRST;
use crate::sandbox::stock::{OnHand, Shelf};

/// Every shelf of which the two say something else, one sentence each.
pub(super) fn mismatches(evidence: &Evidence) -> Result<Vec<String>, EvidenceError> {
    let held = |far_end: &FarEnd| -> Result<BTreeMap<Shelf, Decimal>, EvidenceError> {
        let rows = far_end.list::<OnHand>("on_hand")?.into_iter();
        Ok(rows.map(|row| (row.shelf, row.quantity)).collect())
    };
    let (dynamics, warehouse) = (held(&evidence.finance_operations)?, held(&evidence.warehouse)?);
    // A shelf of which one says nothing is as it was at first.
    let on = |book: &BTreeMap<Shelf, Decimal>, shelf: &Shelf| {
        book.get(shelf).copied().unwrap_or_else(|| shelf.at_first(STOCK_AT_FIRST.into()))
    };
    let mut shelves: Vec<_> = dynamics.keys().chain(warehouse.keys()).collect();
    shelves.sort();
    shelves.dedup();
    let differs = |shelf: &Shelf| {
        let (there, here) = (on(&warehouse, shelf), on(&dynamics, shelf));
        let Shelf { sku, lot, status } = shelf;
        let name =
            [sku.as_str(), lot, status].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
        (there != here).then(|| format!("{name}: {here} are on hand in Dynamics, {there} lie in the warehouse"))
    };
    Ok(shelves.into_iter().filter_map(differs).collect())
}
