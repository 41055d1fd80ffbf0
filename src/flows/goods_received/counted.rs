//! What a receipt reports, in pieces of one lot, serial and condition, by the lines they go to.
//!
//! What is not clear about one line leaves that line out, whole: half a total would look like a correction.

use rust_decimal::Decimal;

use crate::failure::Code;
use crate::flows::ledger::{OrderedLine, PostedDimension};
use crate::flows::reading::{Measure, Problem, Reading};
use crate::flows::slots::{self, Slot};
use crate::gateways::{Direction, Receiving};
use crate::message::{GoodsReceived, Quantity, ReceivedLine, Sku, StockStatus, StockStatusCode, Unit};

/// What a report says of one line, or of all lines of an item that it does not name.
pub(super) struct Count {
    /// Which lines.
    pub(super) fits: Vec<usize>,
    pub(super) sku: Sku,
    /// How much of each piece.
    pub(super) pieces: Vec<PostedDimension>,
}

/// In which condition the goods of a line of the report came, where that is said otherwise than by their stock status.
pub(in crate::flows) type Conditions<'a> =
    dyn Fn(usize, &OrderedLine, &Reading<'_>) -> Result<Condition, Problem> + Send + Sync + 'a;

/// A report, as far as it is clear, and what is not; of what a newer report told, only the latter asks.
pub(super) fn counts(
    (body, told): (&GoodsReceived, &[&ReceivedLine]),
    slots: &[Slot<'_>],
    (receiving, conditions): (&Receiving, Option<&Conditions<'_>>),
    reading: &Reading<'_>,
) -> (Vec<Count>, Vec<Problem>) {
    let mut read: Vec<Count> = Vec::new();
    let mut unclear: Vec<usize> = Vec::new();
    let mut problems = Vec::new();
    let named: Vec<usize> = body.lines.iter().filter_map(|line| named(line, slots)).collect();
    for (place, line) in body.lines.iter().enumerate() {
        let sku = &line.item.sku;
        let told = told.iter().any(|told| std::ptr::eq(*told, line));
        let mut fits = match slots::fitting(line.line.as_ref(), sku, slots, reading) {
            Ok(fits) => fits,
            // None of what nobody ordered is as it should be.
            Err(_) if told || line.received.value.is_zero() => continue,
            Err(what) => {
                problems.push((Code::ReceiptItemUnexpected, what).into());
                continue;
            }
        };
        // What names no line goes to those that nobody names.
        if fits.len() > 1 && fits.iter().any(|place| !named.contains(place)) {
            fits.retain(|place| !named.contains(place));
        }
        let ordered =
            slots::one_unit(sku, slots, &fits).map_err(|what| Problem::from((Code::ReceiptUnitDiffers, what)));
        let pieces = ordered.and_then(|ordered| {
            let given = conditions.filter(|_| !line.received.value.is_zero());
            let given = given.map(|conditions| conditions(place, ordered, reading)).transpose()?;
            converted((line, given), ordered, receiving, reading)
        });
        let slots = fits;
        match pieces {
            Ok(pieces) => add(&mut read, slots, sku, pieces),
            Err(problem) => {
                unclear.extend(slots);
                problems.extend((!told).then_some(problem));
            }
        }
    }
    for count in &read {
        let twice = count.pieces.iter().find(|piece| piece.serial.is_some() && piece.quantity.abs() > Decimal::ONE);
        if let Some(serial) = twice.and_then(|piece| piece.serial.as_ref()) {
            unclear.extend(&count.fits);
            let what =
                format!("serial {serial} of {} is named twice. Have the warehouse correct the serials.", count.sku);
            problems.push((Code::ReceiptTrackingDiffers, what).into());
        }
    }
    read.retain(|count| !count.fits.iter().any(|place| unclear.contains(place)));
    (read, problems)
}

/// The line that is named, where the order has it.
fn named(line: &ReceivedLine, slots: &[Slot<'_>]) -> Option<usize> {
    let named = line.line.as_ref()?.order_line_id.as_ref()?;
    slots.iter().position(|slot| slot.line.line_id == *named)
}

fn add(read: &mut Vec<Count>, fits: Vec<usize>, sku: &Sku, pieces: Vec<PostedDimension>) {
    let place = read.iter().position(|count| count.fits == fits).unwrap_or(read.len());
    if place == read.len() {
        read.push(Count { fits, sku: sku.clone(), pieces: Vec::new() });
    }
    let Some(count) = read.get_mut(place) else { return };
    for piece in pieces {
        match count.pieces.iter_mut().find(|known| known.is_same(&piece)) {
            Some(known) => known.quantity += piece.quantity,
            None => count.pieces.push(piece),
        }
    }
}

/// A line in pieces, in the order line's unit.
fn converted(
    (line, given): (&ReceivedLine, Option<Condition>),
    ordered: &OrderedLine,
    receiving: &Receiving,
    reading: &Reading<'_>,
) -> Result<Vec<PostedDimension>, Problem> {
    let (total, unit) = measured(&line.received, ordered);
    let damaged = line.damaged.as_ref().map(|damaged| measured(damaged, ordered));
    if damaged.as_ref().is_some_and(|(_, other)| *other != unit) {
        let what = format!("what of {} is damaged is counted in another unit than the rest.", line.item.sku);
        return Err((Code::ReceiptUnitDiffers, what).into());
    }
    let damaged = damaged.map(|(damaged, _)| damaged).unwrap_or_default();
    let mut pieces = pieces((line, given), (total, damaged), receiving)?;
    if let Some(what) = pieces.iter().find_map(|piece| reading.untold(ordered, piece, Direction::Inbound)) {
        return Err((Code::ReceiptTrackingDiffers, what).into());
    }
    if let Some(unit) = unit {
        for piece in &mut pieces {
            piece.quantity = reading.converted(ordered, piece.quantity, &unit)?;
        }
    }
    Ok(pieces)
}

/// How much it is, and in which unit, when that is another one than the order line's.
fn measured(said: &Quantity, ordered: &OrderedLine) -> (Decimal, Option<Unit>) {
    match Measure::of(said, ordered) {
        Measure::Same(quantity) => (quantity, None),
        Measure::Other(unit) => (said.value, Some(unit)),
    }
}

/// A line in pieces of one lot, serial and condition each, in the unit in which it is counted.
fn pieces(
    (line, given): (&ReceivedLine, Option<Condition>),
    (total, damaged): (Decimal, Decimal),
    receiving: &Receiving,
) -> Result<Vec<PostedDimension>, Problem> {
    let sku = &line.item.sku;
    let differs = |what: String| Problem::from((Code::ReceiptTrackingDiffers, what));
    let mut pieces = slots::tracked(sku, total, &line.lots, &line.serials).map_err(differs)?;
    if let Some(given) = given {
        dress(&mut pieces, &given);
        return Ok(pieces);
    }
    let sound = condition(sku, line.stock_status.as_ref(), receiving);
    let broken = || condition(sku, Some(&StockStatusCode::Damaged.into()), receiving);
    if damaged.is_zero() {
        dress(&mut pieces, &sound?);
    } else if damaged == total {
        dress(&mut pieces, &broken()?);
    } else if damaged.abs() > total.abs() || damaged.is_sign_negative() != total.is_sign_negative() {
        let (damaged, total) = (damaged.normalize(), total.normalize());
        return Err(differs(format!(
            "{damaged} of the {total} of {sku} are said to be damaged. Have the warehouse correct it."
        )));
    } else if let ([piece], true) = (pieces.as_mut_slice(), line.serials.is_empty()) {
        let (mut apart, condition) = (vec![PostedDimension { quantity: damaged, ..piece.clone() }], broken()?);
        piece.quantity -= damaged;
        dress(&mut apart, &condition);
        dress(&mut pieces, &sound?);
        pieces.append(&mut apart);
    } else {
        let damaged = damaged.normalize();
        return Err(differs(format!(
            "it does not say which lots or serials the {damaged} damaged of {sku} are. Have the warehouse report them on a \
             line of their own."
        )));
    }
    Ok(pieces)
}

fn dress(pieces: &mut [PostedDimension], condition: &Condition) {
    for piece in pieces {
        piece.status.clone_from(&condition.0);
        piece.disposition.clone_from(&condition.1);
    }
}

/// Inventory status and disposition code.
pub(in crate::flows) type Condition = (Option<String>, Option<String>);

/// What Dynamics calls a condition. What is available needs no name; all else is never taken for available.
fn condition(sku: &Sku, status: Option<&StockStatus>, receiving: &Receiving) -> Result<Condition, Problem> {
    let code = status.map_or(StockStatusCode::Available, |status| status.code);
    let raw = status.and_then(|status| status.raw.as_deref());
    let named = |table: &std::collections::BTreeMap<String, String>| {
        let of =
            |name: &str| table.iter().find(|(each, _)| each.eq_ignore_ascii_case(name)).map(|(_, named)| named.clone());
        raw.and_then(of).or_else(|| of(code.as_str())).filter(|named| !named.is_empty())
    };
    let status = receiving.statuses.named(code.as_str(), raw).map(str::to_owned);
    let condition = (status, named(&receiving.dispositions));
    if code == StockStatusCode::Available || condition != (None, None) {
        return Ok(condition);
    }
    let name = raw.unwrap_or(code.as_str());
    let what = format!(
        "{sku} came {name}, and nobody said which inventory status that is. Name it under dynamics.NAME.statuses, \
         then replay."
    );
    Err((Code::ReceiptStatusUnmapped, what).into())
}
