//! A correction: what is left to post when what was posted is taken back. Pure.

use std::cmp::Ordering;

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::AdjustedStock;
use crate::gateways::AdjustmentRow;

/// What two reports of one adjustment are to one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Age {
    /// This one corrects what was posted.
    Newer,
    /// This one was corrected before.
    Older,
    /// Nobody can tell.
    Unknown,
}

/// How old a report is beside the one that was posted: by its sequence, else by its time.
pub(super) fn age(sequence: Option<u64>, at: Option<Timestamp>, posted: &AdjustedStock) -> Age {
    let order = match ((sequence, posted.sequence), (at, posted.told_at)) {
        ((Some(now), Some(then)), _) => now.cmp(&then),
        ((None, None), (Some(now), Some(then))) => now.cmp(&then),
        _ => return Age::Unknown,
    };
    match order {
        Ordering::Greater => Age::Newer,
        Ordering::Less => Age::Older,
        Ordering::Equal => Age::Unknown,
    }
}

/// The rows that lead from what is posted to what is right; places of which nothing changes are left out.
pub(super) fn difference(posted: &[AdjustmentRow], right: &[AdjustmentRow]) -> Vec<AdjustmentRow> {
    let mut rows: Vec<AdjustmentRow> = Vec::new();
    let back = posted.iter().map(|row| AdjustmentRow { quantity: -row.quantity, ..row.clone() });
    for row in right.iter().cloned().chain(back) {
        match rows.iter_mut().find(|known| same_place(known, &row)) {
            Some(known) => known.quantity += row.quantity,
            None => rows.push(row),
        }
    }
    rows.retain(|row| row.quantity != Decimal::ZERO);
    rows
}

fn same_place(one: &AdjustmentRow, other: &AdjustmentRow) -> bool {
    let at = |row: &AdjustmentRow| AdjustmentRow { row_id: String::new(), quantity: Decimal::ZERO, ..row.clone() };
    at(one) == at(other)
}
