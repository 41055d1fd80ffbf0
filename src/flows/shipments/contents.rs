//! What was shipped, assigned to the lines that were ordered.
//!
//! A warehouse may name the line, or only the item: then the lines of that item are filled in line order, those that
//! demand the very lot first. It refuses to guess: another unit, an item that nobody ordered, lots that do not add up
//! and more than the tolerance allows are a person's.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::failure::{Code, Failure};
use crate::flows::history::moved;
use crate::flows::ledger::{CreatedOrder, OrderedLine, PostedDimension, PostedLine, PostedUpdate};
use crate::flows::slots::{self, Slot};
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
) -> Result<Vec<PostedLine>, Failure> {
    let before = |line: &OrderedLine| moved(postings, &line.line_id);
    let mut slots: Vec<Slot<'_>> = order.lines.iter().map(|line| Slot::of(line, before(line))).collect();
    let told = |code: Code, what: String| {
        let (key, reference) = (&shipment.shipment_key, &order.reference);
        Failure::new(code, format!("Shipment {key} of {reference} is not posted: {what}"))
    };
    for content in contents(shipment) {
        let fits = fitting(content, &slots).map_err(|(code, what)| told(code, what))?;
        let pieces = pieces(content, &slots, &fits).map_err(|(code, what)| told(code, what))?;
        for piece in pieces {
            let left = slots::fill(&mut slots, &fits, &piece);
            // What is too much stands on the first line, where it is found to be so.
            if let Some(slot) = first(&mut slots, &fits, &piece) {
                slot.take(&piece, left);
            }
        }
    }
    for slot in &slots {
        check(slot).map_err(|(code, what)| told(code, what))?;
    }
    Ok(slots.into_iter().filter(|slot| !slot.pieces.is_empty()).map(Slot::posted).collect())
}

type Problem = (Code, String);

fn first<'s, 'a>(slots: &'s mut [Slot<'a>], fits: &[usize], piece: &PostedDimension) -> Option<&'s mut Slot<'a>> {
    let place = slots::by_demand(slots, fits, piece).first().copied()?;
    slots.get_mut(place)
}

/// What is wrong with what a line was given.
fn check(slot: &Slot<'_>) -> Result<(), Problem> {
    let OrderedLine { line_id, sku, quantity, unit, .. } = slot.line;
    let total = slot.before + slot.here();
    if !slot.pieces.is_empty() && total > slot.limit() {
        let (total, quantity) = (total.normalize(), quantity.normalize());
        let what = format!(
            "line {line_id} ({sku}) would come to {total} {unit} of {quantity} ordered, beyond its tolerance. Ask the \
             warehouse what left; raise the order or correct the shipment, then replay."
        );
        return Err((Code::ShipmentExceedsOrder, what));
    }
    let twice = slot.pieces.iter().find(|piece| piece.serial.is_some() && piece.quantity > Decimal::ONE);
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

/// The lines that a content may go to: the one it names, or all of its item.
fn fitting(content: &ShippedContent, slots: &[Slot<'_>]) -> Result<Vec<usize>, Problem> {
    slots::fitting(content.line.as_ref(), &content.item.sku, slots).map_err(|what| {
        let remedy = "Ask the warehouse what it is; post it by hand in Dynamics, or have the shipment corrected.";
        (Code::ShipmentLineUnknown, format!("{what} {remedy}"))
    })
}

/// A content in pieces of one lot or serial each, in the line's unit.
fn pieces(content: &ShippedContent, slots: &[Slot<'_>], fits: &[usize]) -> Result<Vec<PostedDimension>, Problem> {
    let sku = &content.item.sku;
    let quantity = slots::in_unit(sku, &content.quantity, slots, fits);
    let quantity = quantity.map_err(|what| (Code::ShipmentUnitDiffers, what))?;
    if quantity.is_sign_negative() {
        let what = format!("it takes {sku} back. Correct what was posted in Dynamics by hand, then discard this.");
        return Err((Code::ShipmentDiffers, what));
    }
    let tracked = slots::tracked(sku, quantity, &content.lots, &content.serials);
    tracked.map_err(|what| (Code::ShipmentTrackingDiffers, what))
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
