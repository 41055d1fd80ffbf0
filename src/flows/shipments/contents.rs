//! What was shipped, assigned to the lines that were ordered.
//!
//! A warehouse may name the line, or only the item: then the lines of that item are filled in line order, those that
//! demand the very lot first. It refuses to guess: another unit, an item that nobody ordered, lots that do not add up
//! and more than the tolerance allows are a person's.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::failure::{Code, Failure};
use crate::flows::history::shipped;
use crate::flows::ledger::{CreatedOrder, OrderedLine, PostedDimension, PostedLine, PostedUpdate};
use crate::message::{Serial, ShipmentConfirmed, ShippedContent, Sku};

/// Everything that a shipment holds, packed or not.
pub(super) fn contents(shipment: &ShipmentConfirmed) -> impl Iterator<Item = &ShippedContent> {
    let packed = shipment.packages.iter().flat_map(|package| &package.contents);
    packed.chain(&shipment.unpacked_lines).filter(|content| !content.quantity.value.is_zero())
}

/// The lines to be posted, in the order's line order.
pub(super) fn assign(
    shipment: &ShipmentConfirmed,
    order: &CreatedOrder,
    postings: &[PostedUpdate],
) -> Result<Vec<PostedLine>, Failure> {
    let before = |line: &OrderedLine| shipped(postings, &line.line_id);
    let mut slots: Vec<Slot<'_>> =
        order.lines.iter().map(|line| Slot { line, before: before(line), pieces: Vec::new() }).collect();
    let told = |code: Code, what: String| {
        let (key, reference) = (&shipment.shipment_key, &order.reference);
        Failure::new(code, format!("Shipment {key} of {reference} is not posted: {what}"))
    };
    for content in contents(shipment) {
        let fits = fitting(content, &slots).map_err(|(code, what)| told(code, what))?;
        let pieces = pieces(content, &slots, &fits).map_err(|(code, what)| told(code, what))?;
        for piece in pieces {
            fill(&mut slots, &fits, &piece);
        }
    }
    for slot in &slots {
        slot.check().map_err(|(code, what)| told(code, what))?;
    }
    Ok(slots.into_iter().filter(|slot| !slot.pieces.is_empty()).map(Slot::posted).collect())
}

type Problem = (Code, String);

/// An ordered line with what this shipment brings to it.
struct Slot<'a> {
    line: &'a OrderedLine,
    /// What earlier shipments brought.
    before: Decimal,
    pieces: Vec<PostedDimension>,
}

impl Slot<'_> {
    fn here(&self) -> Decimal {
        self.pieces.iter().map(|piece| piece.quantity).sum()
    }

    fn room(&self) -> Decimal {
        (self.line.quantity - self.before - self.here()).max(Decimal::ZERO)
    }

    /// What the line takes at the most, with its tolerance.
    fn limit(&self) -> Decimal {
        self.line.quantity * (Decimal::ONE_HUNDRED + self.line.over_percent) / Decimal::ONE_HUNDRED
    }

    fn check(&self) -> Result<(), Problem> {
        let OrderedLine { line_id, sku, quantity, unit, .. } = self.line;
        let total = self.before + self.here();
        if !self.pieces.is_empty() && total > self.limit() {
            let (total, quantity) = (total.normalize(), quantity.normalize());
            let what = format!(
                "line {line_id} ({sku}) would come to {total} {unit} of {quantity} ordered, beyond its tolerance. Ask the \
                 warehouse what left; raise the order or correct the shipment, then replay."
            );
            return Err((Code::ShipmentExceedsOrder, what));
        }
        let twice = self.pieces.iter().find(|piece| piece.serial.is_some() && piece.quantity > Decimal::ONE);
        match twice.and_then(|piece| piece.serial.as_ref()) {
            Some(serial) => {
                let what = format!(
                    "serial {serial} of line {line_id} ({sku}) is named twice. Have the warehouse correct the serials."
                );
                Err((Code::ShipmentTrackingDiffers, what))
            }
            None => Ok(()),
        }
    }

    fn posted(self) -> PostedLine {
        let shipped = self.here();
        let tracked = self.pieces.iter().any(|piece| piece.lot.is_some() || piece.serial.is_some());
        PostedLine {
            line_id: self.line.line_id.clone(),
            ordered: self.line.quantity,
            unit: self.line.unit.clone(),
            shipped,
            remaining: (self.line.quantity - self.before - shipped).max(Decimal::ZERO),
            dimensions: if tracked { self.pieces } else { Vec::new() },
        }
    }
}

/// The lines that a content may go to: the one it names, or all of its item.
fn fitting(content: &ShippedContent, slots: &[Slot<'_>]) -> Result<Vec<usize>, Problem> {
    let sku = &content.item.sku;
    let named = content.line.as_ref().and_then(|line| line.order_line_id.as_ref());
    let places = |wanted: &dyn Fn(&OrderedLine) -> bool| -> Vec<usize> {
        slots.iter().enumerate().filter(|(_, slot)| wanted(slot.line)).map(|(place, _)| place).collect()
    };
    let unknown = |what: String| {
        let remedy = "Ask the warehouse what it is; post it by hand in Dynamics, or have the shipment corrected.";
        Err((Code::ShipmentLineUnknown, format!("{what} {remedy}")))
    };
    let fits = match named {
        Some(named) => places(&|line| line.line_id == *named),
        None => places(&|line| line.sku == *sku),
    };
    match (named, fits.first().and_then(|place| slots.get(*place))) {
        (Some(named), None) => unknown(format!("it names line {named} ({sku}), which the order does not have.")),
        (None, None) => unknown(format!("it holds {sku}, which nobody ordered.")),
        (Some(named), Some(slot)) if slot.line.sku != *sku => {
            unknown(format!("line {named} was ordered as {}, and {sku} was shipped in its place.", slot.line.sku))
        }
        (_, Some(_)) => Ok(fits),
    }
}

/// A content in pieces of one lot or serial each, in the line's unit.
fn pieces(content: &ShippedContent, slots: &[Slot<'_>], fits: &[usize]) -> Result<Vec<PostedDimension>, Problem> {
    let sku = &content.item.sku;
    let quantity = in_unit(content, slots, fits)?;
    if quantity.is_sign_negative() {
        let what = format!("it takes {sku} back. Correct what was posted in Dynamics by hand, then discard this.");
        return Err((Code::ShipmentDiffers, what));
    }
    let differs = |what: &str| {
        let quantity = quantity.normalize();
        let what = format!("{what} of {sku} do not make up the {quantity} shipped. Have the warehouse correct them.");
        Err((Code::ShipmentTrackingDiffers, what))
    };
    let piece = |lot: Option<&String>, serial: Option<&Serial>, quantity: Decimal| PostedDimension {
        lot: lot.cloned(),
        serial: serial.cloned(),
        quantity,
    };
    let only_lot = match content.lots.as_slice() {
        [] => None,
        [lot] if lot.quantity.is_some_and(|said| said != quantity) => return differs("the lots"),
        [lot] => lot.number.as_ref(),
        // Nobody can tell which piece came from which lot.
        _ if !content.serials.is_empty() => return differs("several lots with serials"),
        lots => {
            let said: Option<Decimal> = lots.iter().map(|lot| lot.quantity).sum();
            if said != Some(quantity) {
                return differs("the lots");
            }
            let each = |lot: &crate::message::Lot| piece(lot.number.as_ref(), None, lot.quantity.unwrap_or_default());
            return Ok(lots.iter().map(each).collect());
        }
    };
    if content.serials.is_empty() {
        return Ok(vec![piece(only_lot, None, quantity)]);
    }
    if Decimal::from(content.serials.len()) != quantity {
        return differs("the serials");
    }
    Ok(content.serials.iter().map(|serial| piece(only_lot, Some(serial), Decimal::ONE)).collect())
}

/// The shipped quantity in the unit of the lines it goes to. Conversion needs a mapping, so that another unit is a
/// person's, unless the warehouse says the same quantity in the line's unit, too.
fn in_unit(content: &ShippedContent, slots: &[Slot<'_>], fits: &[usize]) -> Result<Decimal, Problem> {
    let said = &content.quantity;
    let mut lines = fits.iter().filter_map(|place| slots.get(*place)).map(|slot| slot.line);
    let Some(first) = lines.next() else { return Ok(said.value) };
    let same = |unit: Option<&crate::message::Unit>| unit.is_some_and(|unit| unit.same(&first.unit));
    let one_unit = lines.all(|line| line.unit.same(&first.unit));
    match (&said.unit, said.base_value) {
        (None, _) if one_unit => Ok(said.value),
        (unit, _) if one_unit && same(unit.as_ref()) => Ok(said.value),
        (_, Some(base)) if one_unit && same(said.base_unit.as_ref()) => Ok(base),
        (unit, _) => {
            let theirs = unit.as_ref().map_or_else(|| "no unit".to_owned(), ToString::to_string);
            let what = format!(
                "{} was ordered in {} and shipped in {theirs}. Let both count alike, then replay.",
                content.item.sku, first.unit
            );
            Err((Code::ShipmentUnitDiffers, what))
        }
    }
}

/// Gives a piece to the lines it fits: first up to what is still to ship, then up to the tolerance, the rest to the
/// first one, where it is too much.
fn fill(slots: &mut [Slot<'_>], fits: &[usize], piece: &PostedDimension) {
    let mut order = fits.to_vec();
    order.sort_by_key(|place| slots.get(*place).map(|slot| demand(slot.line, piece)));
    let mut left = piece.quantity;
    for within_tolerance in [false, true] {
        for place in &order {
            let Some(slot) = slots.get_mut(*place) else { continue };
            let room = if within_tolerance { slot.limit() - slot.before - slot.here() } else { slot.room() };
            let taken = left.min(room).max(Decimal::ZERO);
            slot.take(piece, taken);
            left -= taken;
        }
    }
    if let Some(slot) = order.first().and_then(|place| slots.get_mut(*place)) {
        slot.take(piece, left);
    }
}

impl Slot<'_> {
    fn take(&mut self, piece: &PostedDimension, quantity: Decimal) {
        if quantity.is_zero() {
            return;
        }
        let same = |each: &&mut PostedDimension| each.lot == piece.lot && each.serial == piece.serial;
        match self.pieces.iter_mut().find(same) {
            Some(known) => known.quantity += quantity,
            None => self.pieces.push(PostedDimension { quantity, ..piece.clone() }),
        }
    }
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

/// What a shipment holds, whatever its packages: tells whether it came again with other contents.
pub(super) fn fingerprint(shipment: &ShipmentConfirmed, order: &CreatedOrder) -> String {
    type Goods<'a> = (Option<&'a String>, &'a Sku, Option<String>);
    let mut sums: BTreeMap<Goods<'_>, (Decimal, Vec<String>)> = BTreeMap::new();
    for content in contents(shipment) {
        let line = content.line.as_ref().and_then(|line| line.order_line_id.as_ref());
        let unit = content.quantity.unit.as_ref().map(|unit| unit.to_string().to_ascii_lowercase());
        let (sum, tracked) = sums.entry((line, &content.item.sku, unit)).or_default();
        *sum += content.quantity.value;
        let lot = |lot: &crate::message::Lot| {
            let quantity = lot.quantity.map(|quantity| quantity.normalize().to_string());
            format!("lot {} {}", lot.number.clone().unwrap_or_default(), quantity.unwrap_or_default())
        };
        tracked.extend(content.lots.iter().map(lot));
        tracked.extend(content.serials.iter().map(|serial| format!("serial {serial}")));
    }
    let mut words = vec![order.reference.to_string()];
    for ((line, sku, unit), (sum, mut tracked)) in sums {
        tracked.sort();
        let line = line.cloned().unwrap_or_default();
        words.push(format!("{line} {sku} {} {}", sum.normalize(), unit.unwrap_or_default()));
        words.extend(tracked);
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    crate::message::record_id(&words)
}
