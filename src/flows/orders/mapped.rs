//! An order in the warehouse's words: what it calls the items, in which unit it counts them, who carries.

use super::demanded::demanded;
use super::plan::Situation;
use crate::failure::Failure;
use crate::flows::ledger::SentLine;
use crate::gateways::{ReleasedLine, ReleasedOrder};
use crate::mapping::{Item, Meanings, Unmapped};
use crate::message::{Connection, Reference};

/// What is said in the warehouse's words; what no row speaks of goes as it is.
pub(super) struct Mapped {
    /// Line by line, in the document's order.
    pub lines: Vec<SentLine>,
    /// The warehouse's name of the carrier.
    pub carrier: Option<String>,
    /// The warehouse's name of the service.
    pub service: Option<String>,
    /// The version of the mapping, when any of its rows was used.
    pub version: Option<u64>,
}

/// The order in the words of the warehouse that it goes to.
///
/// # Errors
/// The [`Failure`] of what no row says.
pub(super) fn said(
    situation: &Situation<'_>,
    of: &str,
    (released, warehouse): (&ReleasedOrder, &Connection),
    reference: &Reference,
) -> Result<Mapped, Failure> {
    let meanings = situation.meanings(released, warehouse);
    let of = || format!("{of} order {reference} is not sent to {warehouse}");
    demanded(situation.look.demands, released, &meanings).map_err(|lacking| lacking.failure(&of(), warehouse))?;
    mapped(released, &meanings).map_err(|unmapped| unmapped.failure(&of(), meanings.version()))
}

/// Says the order in the warehouse's words.
///
/// # Errors
/// [`Unmapped`] when a row is missing that is needed, or a quantity does not come out exactly.
pub(super) fn mapped(released: &ReleasedOrder, meanings: &Meanings<'_>) -> Result<Mapped, Unmapped> {
    let mut used = meanings.is_located(&released.warehouse);
    let mut lines = Vec::new();
    for line in &released.lines {
        let (sent, by_row) = sent(line, meanings)?;
        used |= by_row;
        lines.push(sent);
    }
    let carried = match &released.carrier {
        Some(carrier) => meanings.carrier(carrier, released.service.as_deref())?,
        None => None,
    };
    let (carrier, service) = match carried {
        Some((carrier, service)) => (Some(carrier), service),
        None => (released.carrier.as_deref(), None),
    };
    let service = service.or(released.service.as_deref());
    Ok(Mapped {
        lines,
        carrier: carrier.map(str::to_owned),
        service: service.map(str::to_owned),
        version: (used || carried.is_some()).then(|| meanings.version()),
    })
}

/// A line in the warehouse's words, and whether any row had a say in it.
fn sent(line: &ReleasedLine, meanings: &Meanings<'_>) -> Result<(SentLine, bool), Unmapped> {
    let item = Item { number: line.item_number.clone(), variant: line.variant.clone() };
    let sku = meanings.sku(&item)?;
    let counted = meanings.in_warehouse_unit(&item, line.quantity, &line.unit)?;
    let used = sku.is_some() || counted.is_some();
    let (quantity, unit) = match counted {
        Some(counted) => (counted.quantity, counted.unit),
        None => (line.quantity, line.unit.clone()),
    };
    Ok((SentLine { sku: sku.unwrap_or(&line.sku).clone(), quantity, unit }, used))
}

/// The line's words, where they differ from Dynamics'.
pub(super) fn worth_keeping(line: &ReleasedLine, sent: &SentLine) -> Option<SentLine> {
    let same = sent.sku == line.sku && sent.quantity == line.quantity && sent.unit == line.unit;
    (!same).then(|| sent.clone())
}
