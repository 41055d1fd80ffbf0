//! What was shipped, assigned to the lines that were ordered.
//!
//! A warehouse may name the line, or only the item: then the lines of that item are filled in line order, those that
//! demand the very lot first. It refuses to guess: a unit that no row of the mapping converts, an item that nobody ordered,
//! lots that do not add up and more than the tolerance allows are a person's.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::counted::{Parts, Sums};
use crate::failure::{Code, Failure};
use crate::flows::history::moved;
use crate::flows::ledger::{CreatedOrder, OrderedLine, PostedDimension, PostedLine, PostedUpdate};
use crate::flows::reading::{Measure, Problem, Reading};
use crate::flows::slots::{self, Slot};
use crate::gateways::Direction;
use crate::message::{ShipmentConfirmed, ShippedContent, Sku};

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
    reading: &Reading<'_>,
) -> Result<Vec<PostedLine>, Failure> {
    let before = |line: &OrderedLine| moved(postings, &line.line_id);
    let mut slots: Vec<Slot<'_>> = order.lines.iter().map(|line| Slot::of(line, before(line))).collect();
    let told = |problem: Problem| {
        let (key, reference) = (&shipment.shipment_key, &order.reference);
        let looked_into = reading.version().map(|version| format!(" (Mapping version {version}.)")).unwrap_or_default();
        problem.failure(|what| format!("Shipment {key} of {reference} is not posted: {what}{looked_into}"))
    };
    fill_all(shipment, &mut slots, reading).map_err(told)?;
    for slot in &slots {
        check(slot, reading).map_err(told)?;
    }
    Ok(slots.into_iter().filter(|slot| !slot.pieces.is_empty()).map(Slot::posted).collect())
}

/// Gives everything to the lines it fits: first what is counted as it was ordered, then what has to be converted or put
/// together, in the order in which it came.
fn fill_all(shipment: &ShipmentConfirmed, slots: &mut [Slot<'_>], reading: &Reading<'_>) -> Result<(), Problem> {
    let (mut sums, mut parts) = (Sums::default(), Parts::default());
    for content in contents(shipment) {
        if let Some(lines) = kit_lines(content, slots, reading)? {
            parts.add(lines, content);
            continue;
        }
        let fits = fitting(content, slots, reading)?;
        match Measure::of(&content.quantity, one_unit(content, slots, &fits)?) {
            Measure::Same(quantity) => {
                for piece in pieces(content, quantity)? {
                    fill(slots, &fits, &piece);
                }
            }
            Measure::Other(unit) => sums.add(fits, unit, content),
        }
    }
    for (fits, unit, content) in sums.all() {
        let line = one_unit(&content, slots, &fits)?;
        let convert = |piece: PostedDimension| {
            let quantity = reading.converted(line, piece.quantity, &unit)?;
            Ok(PostedDimension { quantity, ..piece })
        };
        let pieces = pieces(&content, content.quantity.value)?;
        for piece in pieces.into_iter().map(convert).collect::<Result<Vec<_>, Problem>>()? {
            fill(slots, &fits, &piece);
        }
    }
    for (fits, parts) in parts.all() {
        let line = fits.first().and_then(|place| slots.get(*place)).map(|slot| slot.line);
        let kit = line.zip(parts.first()).and_then(|(line, (sku, _))| Some((line, reading.kit_with(line, sku)?)));
        let Some((line, components)) = kit else { continue };
        let quantity = reading.kits(line, components, &parts)?;
        fill(slots, &fits, &PostedDimension { quantity, ..PostedDimension::default() });
    }
    Ok(())
}

/// The lines whose kit a content is a part of, when it is one: the line it names, or all that ordered that kit.
fn kit_lines(
    content: &ShippedContent,
    slots: &[Slot<'_>],
    reading: &Reading<'_>,
) -> Result<Option<Vec<usize>>, Problem> {
    let sku = &content.item.sku;
    let named = content.line.as_ref().and_then(|line| line.order_line_id.as_ref());
    let meant = |line: &OrderedLine| named.is_none_or(|named| line.line_id == *named);
    // What was ordered by itself is no part of anything.
    if slots.iter().any(|slot| meant(slot.line) && reading.is(slot.line, sku)) {
        return Ok(None);
    }
    let holding =
        slots.iter().enumerate().filter(|(_, slot)| meant(slot.line) && reading.kit_with(slot.line, sku).is_some());
    let holding: Vec<(usize, &Sku)> = holding.map(|(place, slot)| (place, slot.line.sent_sku())).collect();
    let Some((_, kit)) = holding.first() else { return Ok(None) };
    if let Some((_, other)) = holding.iter().find(|(_, other)| other != kit) {
        let what = format!(
            "{sku} is a part of {kit} and of {other}, and the warehouse names no line. Have it name the lines, or post it by \
             hand in Dynamics."
        );
        return Err((Code::MappingAmbiguous, what).into());
    }
    Ok(Some(holding.into_iter().map(|(place, _)| place).collect()))
}

/// Gives a piece to the lines it fits. What is too much stands on the first line, where it is found to be so.
fn fill(slots: &mut [Slot<'_>], fits: &[usize], piece: &PostedDimension) {
    let left = slots::fill(slots, fits, piece);
    if let Some(slot) = first(slots, fits, piece) {
        slot.take(piece, left);
    }
}

fn first<'s, 'a>(slots: &'s mut [Slot<'a>], fits: &[usize], piece: &PostedDimension) -> Option<&'s mut Slot<'a>> {
    let place = slots::by_demand(slots, fits, piece).first().copied()?;
    slots.get_mut(place)
}

/// What is wrong with what a line was given.
fn check(slot: &Slot<'_>, reading: &Reading<'_>) -> Result<(), Problem> {
    let OrderedLine { line_id, sku, quantity, unit, .. } = slot.line;
    let total = slot.before + slot.here();
    if !slot.pieces.is_empty() && total > slot.limit() {
        let (total, quantity) = (total.normalize(), quantity.normalize());
        let what = format!(
            "line {line_id} ({sku}) would come to {total} {unit} of {quantity} ordered, beyond its tolerance. Ask the \
             warehouse what left; raise the order or correct the shipment, then replay."
        );
        return Err((Code::ShipmentExceedsOrder, what).into());
    }
    let mut untold = slot.pieces.iter().filter_map(|piece| reading.untold(slot.line, piece, Direction::Outbound));
    if let Some(what) = untold.next() {
        return Err((Code::ShipmentTrackingDiffers, what).into());
    }
    let twice = slot.pieces.iter().find(|piece| piece.serial.is_some() && piece.quantity > Decimal::ONE);
    match twice.and_then(|piece| piece.serial.as_ref()) {
        Some(serial) => {
            let what = format!(
                "serial {serial} of line {line_id} ({sku}) is named twice. Have the warehouse correct the serials."
            );
            Err((Code::ShipmentTrackingDiffers, what).into())
        }
        None => Ok(()),
    }
}

/// The lines that a content may go to: the one it names, or all of its item.
fn fitting(content: &ShippedContent, slots: &[Slot<'_>], reading: &Reading<'_>) -> Result<Vec<usize>, Problem> {
    slots::fitting(content.line.as_ref(), &content.item.sku, slots, reading).map_err(|what| {
        let remedy = "Ask the warehouse what it is; post it by hand in Dynamics, or have the shipment corrected.";
        (Code::ShipmentLineUnknown, format!("{what} {remedy}")).into()
    })
}

fn one_unit<'a>(content: &ShippedContent, slots: &[Slot<'a>], fits: &[usize]) -> Result<&'a OrderedLine, Problem> {
    slots::one_unit(&content.item.sku, slots, fits).map_err(|what| (Code::ShipmentUnitDiffers, what).into())
}

/// A content in pieces of one lot or serial each, which make up this quantity.
fn pieces(content: &ShippedContent, quantity: Decimal) -> Result<Vec<PostedDimension>, Problem> {
    let sku = &content.item.sku;
    if quantity.is_sign_negative() {
        let what = format!("it takes {sku} back. Correct what was posted in Dynamics by hand, then discard this.");
        return Err((Code::ShipmentDiffers, what).into());
    }
    let tracked = slots::tracked(sku, quantity, &content.lots, &content.serials);
    tracked.map_err(|what| (Code::ShipmentTrackingDiffers, what).into())
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
