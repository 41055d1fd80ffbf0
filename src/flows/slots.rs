//! What moved, given to the lines that were ordered: pieces of one lot, serial and condition each, and the room that
//! lines have for them.
//!
//! It decides nothing: what has no room is left over, and what that means is the flow's business.

use rust_decimal::Decimal;

use super::ledger::{OrderedLine, PostedDimension, PostedLine};
use super::reading::Reading;
use crate::message::{LineRef, Lot, Serial, Sku};

/// An ordered line with what a message brings to it.
pub(super) struct Slot<'a> {
    pub(super) line: &'a OrderedLine,
    /// What was posted before.
    pub(super) before: Decimal,
    pub(super) pieces: Vec<PostedDimension>,
}

impl<'a> Slot<'a> {
    pub(super) fn of(line: &'a OrderedLine, before: Decimal) -> Self {
        Self { line, before, pieces: Vec::new() }
    }

    pub(super) fn here(&self) -> Decimal {
        self.pieces.iter().map(|piece| piece.quantity).sum()
    }

    /// What the line takes at the most, with its tolerance.
    pub(super) fn limit(&self) -> Decimal {
        self.line.quantity * (Decimal::ONE_HUNDRED + self.line.over_percent) / Decimal::ONE_HUNDRED
    }

    fn room(&self, within_tolerance: bool) -> Decimal {
        let most = if within_tolerance { self.limit() } else { self.line.quantity };
        (most - self.before - self.here()).max(Decimal::ZERO)
    }

    /// Adds to what the message brings; less than nothing takes back.
    pub(super) fn take(&mut self, piece: &PostedDimension, quantity: Decimal) {
        if quantity.is_zero() {
            return;
        }
        match self.pieces.iter_mut().find(|each| each.is_same(piece)) {
            Some(known) => known.quantity += quantity,
            None => self.pieces.push(PostedDimension { quantity, ..piece.clone() }),
        }
    }

    /// The line as it is posted.
    pub(super) fn posted(self) -> PostedLine {
        let moved = self.here();
        let tracked = self.pieces.iter().any(|piece| !piece.is_plain());
        PostedLine {
            line_id: self.line.line_id.clone(),
            ordered: self.line.quantity,
            unit: self.line.unit.clone(),
            moved,
            remaining: (self.line.quantity - self.before - moved).max(Decimal::ZERO),
            dimensions: if tracked { self.pieces } else { Vec::new() },
        }
    }
}

/// The lines that goods may go to: the one that is named, or all of their item; or why there is none.
pub(super) fn fitting(
    named: Option<&LineRef>,
    sku: &Sku,
    slots: &[Slot<'_>],
    reading: &Reading<'_>,
) -> Result<Vec<usize>, String> {
    let named = named.and_then(|line| line.order_line_id.as_ref());
    let places = |wanted: &dyn Fn(&OrderedLine) -> bool| -> Vec<usize> {
        slots.iter().enumerate().filter(|(_, slot)| wanted(slot.line)).map(|(place, _)| place).collect()
    };
    let fits = match named {
        Some(named) => places(&|line| line.line_id == *named),
        None => places(&|line| reading.is(line, sku)),
    };
    match (named, fits.first().and_then(|place| slots.get(*place))) {
        (Some(named), None) => Err(format!("it names line {named} ({sku}), which the order does not have.")),
        (None, None) => Err(format!("it holds {sku}, which nobody ordered.")),
        (Some(named), Some(slot)) if !reading.is(slot.line, sku) => {
            Err(format!("line {named} was ordered as {}, and {sku} came in its place.", slot.line.sent_sku()))
        }
        (_, Some(_)) => Ok(fits),
    }
}

/// The first of the lines that goods may go to; goods cannot be shared out to lines that count in several units.
pub(super) fn one_unit<'a>(sku: &Sku, slots: &[Slot<'a>], fits: &[usize]) -> Result<&'a OrderedLine, String> {
    let mut lines = fits.iter().filter_map(|place| slots.get(*place)).map(|slot| slot.line);
    let Some(first) = lines.next() else { return Err(format!("it holds {sku}, which nobody ordered.")) };
    match lines.find(|line| !line.unit.same(&first.unit)) {
        None => Ok(first),
        Some(other) => Err(format!(
            "{sku} was ordered in {} and in {}, and the warehouse names no line. Have it name the lines, then replay.",
            first.unit, other.unit
        )),
    }
}

/// Gives a piece to the lines it fits: first up to what is still to come, then up to the tolerance. What nobody has room
/// for is answered.
pub(super) fn fill(slots: &mut [Slot<'_>], fits: &[usize], piece: &PostedDimension) -> Decimal {
    let mut left = piece.quantity;
    for within_tolerance in [false, true] {
        for place in by_demand(slots, fits, piece) {
            let Some(slot) = slots.get_mut(place) else { continue };
            let room = slot.room(within_tolerance);
            // A tolerance is never filled with a part of a piece.
            let room = if within_tolerance && left.fract().is_zero() { room.floor() } else { room };
            let taken = left.min(room).max(Decimal::ZERO);
            slot.take(piece, taken);
            left -= taken;
        }
    }
    left
}

/// The lines that demand this very piece, then those that demand none, then the others; else in line order.
pub(super) fn by_demand(slots: &[Slot<'_>], fits: &[usize], piece: &PostedDimension) -> Vec<usize> {
    let mut order = fits.to_vec();
    order.sort_by_key(|place| slots.get(*place).map(|slot| demand(slot.line, piece)));
    order
}

/// 0: the line demands this very lot or serial. 1: it demands none. 2: it demands another.
fn demand(line: &OrderedLine, piece: &PostedDimension) -> u8 {
    let wants = |demanded: bool, met: bool| {
        if !demanded {
            1
        } else if met {
            0
        } else {
            2
        }
    };
    let lot = wants(line.lot.is_some(), line.lot == piece.lot);
    let serial = wants(line.serial.is_some(), line.serial == piece.serial);
    if lot == 2 || serial == 2 { 2 } else { lot.min(serial) }
}

/// A quantity in pieces of one lot or serial each, or what of its lots and serials does not add up to it.
pub(super) fn tracked(
    sku: &Sku,
    quantity: Decimal,
    lots: &[Lot],
    serials: &[Serial],
) -> Result<Vec<PostedDimension>, String> {
    let differs = |what: &str| {
        let quantity = quantity.normalize();
        Err(format!("{what} of {sku} do not make up the {quantity} of it. Have the warehouse correct them."))
    };
    let piece = |lot: Option<&String>, serial: Option<&Serial>, quantity: Decimal| PostedDimension {
        lot: lot.cloned(),
        serial: serial.cloned(),
        quantity,
        ..PostedDimension::default()
    };
    let only_lot = match lots {
        [] => None,
        [lot] if lot.quantity.is_some_and(|said| said != quantity) => return differs("the lots"),
        [lot] => lot.number.as_ref(),
        // Nobody can tell which piece came from which lot.
        _ if !serials.is_empty() => return differs("several lots with serials"),
        lots => {
            let said: Option<Decimal> = lots.iter().map(|lot| lot.quantity).sum();
            if said != Some(quantity) {
                return differs("the lots");
            }
            let each = |lot: &Lot| piece(lot.number.as_ref(), None, lot.quantity.unwrap_or_default());
            return Ok(lots.iter().map(each).collect());
        }
    };
    if serials.is_empty() {
        return Ok(vec![piece(only_lot, None, quantity)]);
    }
    if Decimal::from(serials.len()) != quantity.abs() {
        return differs("the serials");
    }
    let one = if quantity.is_sign_negative() { Decimal::NEGATIVE_ONE } else { Decimal::ONE };
    Ok(serials.iter().map(|serial| piece(only_lot, Some(serial), one)).collect())
}
