//! What Dynamics wants of a warehouse, and how that differs from what the warehouse was sent.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::OrderLook;
use super::mapped::{Mapped, worth_keeping};
use crate::flows::history::{SentOrder, moved};
use crate::flows::ledger::{CreatedOrder, OrderedLine, PostedUpdate, SentLine};
use crate::gateways::{Direction, FulfilmentLine, FulfilmentOrder, HeldOrder, ReleasedLine, ReleasedOrder};
use crate::mapping::Meanings;
use crate::message::{Address, Connection, Reference, record_id};

/// What Dynamics wants, as it stands now.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wanted<'look> {
    /// This order, at this warehouse and facility.
    Order(&'look ReleasedOrder, &'look Connection, &'look str),
    /// Nothing any more: it was cancelled, or Dynamics does not know it (any longer).
    Gone,
    /// Nothing of us: its location is served by no configured warehouse.
    Elsewhere,
    /// Nothing of a warehouse: no line is left to ship.
    Empty,
}

impl<'look> Wanted<'look> {
    pub fn of(look: &'look OrderLook) -> Self {
        let Some(released) = &look.released else { return Self::Gone };
        if released.cancelled {
            return Self::Gone;
        }
        let Some((warehouse, facility)) = &look.warehouse else {
            return Self::Elsewhere;
        };
        if released.lines.is_empty() {
            return Self::Empty;
        }
        Self::Order(released, warehouse, facility)
    }
}

/// The order as it goes to the warehouse.
pub(super) fn fulfilment(
    released: &ReleasedOrder,
    facility: &str,
    reference: &Reference,
    mapped: &Mapped,
) -> FulfilmentOrder {
    let line = |(line, sent): (&ReleasedLine, &SentLine)| FulfilmentLine {
        line_id: line.line_id.clone(),
        sku: sent.sku.clone(),
        description: line.description.clone(),
        quantity: sent.quantity,
        unit: sent.unit.clone(),
        lot: line.lot.clone(),
        serial: line.serial.clone(),
    };
    FulfilmentOrder {
        direction: released.direction,
        reference: reference.clone(),
        facility: facility.to_owned(),
        order_number: released.order_number.clone(),
        purchase_order: released.purchase_order.clone(),
        customer_account: released.customer_account.clone(),
        recipient: released.recipient.clone(),
        delivery_mode: released.delivery_mode.clone(),
        carrier: mapped.carrier.clone(),
        service: mapped.service.clone(),
        ship_by: released.ship_by,
        deliver_by: released.deliver_by,
        lines: released.lines.iter().zip(&mapped.lines).map(line).collect(),
    }
}

/// What later plans need to know of the order.
pub(super) fn facts(
    released: &ReleasedOrder,
    (warehouse, facility): (&Connection, &str),
    reference: Reference,
    (mapped, meanings): (&Mapped, &Meanings<'_>),
) -> CreatedOrder {
    let line = |(line, sent): (&ReleasedLine, &SentLine)| OrderedLine {
        sent: worth_keeping(line, sent),
        ..ordered(line, released.direction, meanings)
    };
    CreatedOrder {
        reference,
        warehouse: warehouse.clone(),
        order_id: String::new(),
        legal_entity: released.legal_entity.clone(),
        request_id: released.request_id.clone(),
        order_number: released.order_number.clone(),
        account: released.customer_account.clone(),
        version: released.version,
        origin_id: released.origin_id.clone(),
        digest: digest(released, facility),
        lines: released.lines.iter().zip(&mapped.lines).map(line).collect(),
        mapping: mapped.version,
        status_version: released.status_version.clone(),
        adopted: None,
    }
}

/// A line as later plans need to know it. What it does not say of its tolerance, its item says; else it has none.
pub(in crate::flows) fn ordered(line: &ReleasedLine, direction: Direction, meanings: &Meanings<'_>) -> OrderedLine {
    let item = meanings.catalogue().and_then(|catalogue| catalogue.item(&line.item_number));
    let tolerance = item.map(|item| item.tolerance).unwrap_or_default();
    let (over, under) = match direction {
        Direction::Outbound => (tolerance.sales_over, tolerance.sales_under),
        Direction::Inbound => (tolerance.purchase_over, tolerance.purchase_under),
        // Nobody gets money for more than he was to send back; less is his to decide.
        Direction::Returned => (None, None),
    };
    OrderedLine {
        line_id: line.line_id.clone(),
        sku: line.sku.clone(),
        variant: line.variant.clone(),
        quantity: line.quantity,
        unit: line.unit.clone(),
        lot: line.lot.clone(),
        serial: line.serial.clone(),
        over_percent: line.over_percent.or(over).unwrap_or_default(),
        under_percent: line.under_percent.or(under).unwrap_or_default(),
        sent: None,
    }
}

/// One thing in which an order differs from what Dynamics wants.
#[derive(Clone, Debug)]
pub(super) struct Difference {
    /// The fields, by their names in the standard connector.
    pub fields: &'static [&'static str],
    /// In words.
    pub what: String,
}

impl Difference {
    fn of(fields: &'static [&'static str], what: String) -> Self {
        Self { fields, what }
    }
}

/// All of them, for people.
pub(super) fn in_words(differences: &[Difference]) -> String {
    differences.iter().map(|difference| difference.what.as_str()).collect::<Vec<_>>().join(", ")
}

/// What differs between an order as it was sent and as Dynamics wants it now; empty when nothing does.
///
/// Dynamics shows a quantity whole or, after shipments, what is still outstanding of it: both are no change. So one that
/// is changed to exactly what is outstanding goes unnoticed here; Dynamics refuses what then ships too much.
pub(super) fn differences(sent: &CreatedOrder, wanted: &Wanted<'_>, postings: &[PostedUpdate]) -> Vec<Difference> {
    let Wanted::Order(released, warehouse, facility) = wanted else { return Vec::new() };
    let mut differences = Vec::new();
    if sent.warehouse != **warehouse {
        let what = format!("the warehouse ({} instead of {})", warehouse, sent.warehouse);
        differences.push(Difference::of(&["facility"], what));
    }
    differences.extend(fields_that_differ(&sent.digest, &digest(released, facility)));
    for old in &sent.lines {
        let outstanding = (old.quantity - moved(postings, &old.line_id)).max(Decimal::ZERO);
        match released.lines.iter().find(|line| line.line_id == old.line_id) {
            Some(new) => differences.extend(line_difference(old, new, outstanding)),
            None if outstanding.is_zero() => {}
            None => differences.push(Difference::of(&["lines"], format!("line {} (gone)", old.line_id))),
        }
    }
    let added = released.lines.iter().filter(|line| sent.lines.iter().all(|old| old.line_id != line.line_id));
    differences.extend(added.map(|line| Difference::of(&["lines"], format!("line {} (added)", line.line_id))));
    differences
}

fn line_difference(old: &OrderedLine, new: &ReleasedLine, outstanding: Decimal) -> Vec<Difference> {
    let line = &old.line_id;
    if old.sku != new.sku {
        let what = format!("line {line} ({} instead of {})", new.sku, old.sku);
        return vec![Difference::of(&["lines"], what)];
    }
    let mut differences = Vec::new();
    let same_unit = old.unit.same(&new.unit);
    if !same_unit || (new.quantity != old.quantity && new.quantity != outstanding) {
        let (was, is) = (old.quantity.normalize(), new.quantity.normalize());
        let what = format!("line {line} ({is} {} instead of {was} {})", new.unit, old.unit);
        differences.push(Difference::of(if same_unit { &["lines.quantity"] } else { &["lines"] }, what));
    }
    let tracked: &[&str] = match (old.lot == new.lot, old.serial == new.serial) {
        (true, true) => return differences,
        (false, true) => &["lines.lot"],
        (true, false) => &["lines.serial"],
        (false, false) => &["lines.lot", "lines.serial"],
    };
    differences.push(Difference::of(tracked, format!("line {line} (another lot or serial)")));
    differences
}

/// Whether everything that was ordered has been posted as shipped.
pub(in crate::flows) fn shipped_whole(sent: &SentOrder, postings: &[PostedUpdate]) -> bool {
    sent.created.lines.iter().all(|line| moved(postings, &line.line_id) >= line.quantity)
}

/// `field=fingerprint` for everything above the lines that the warehouse acts on. No personal data stays behind.
fn digest(released: &ReleasedOrder, facility: &str) -> String {
    let optional = |text: &Option<String>| text.clone().unwrap_or_default();
    let instant = |at: Option<jiff::Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
    let fields = [
        ("facility", facility.to_owned()),
        ("recipient", address_words(&released.recipient)),
        ("purchase_order", optional(&released.purchase_order)),
        ("delivery_mode", optional(&released.delivery_mode)),
        ("carrier", optional(&released.carrier)),
        ("service", optional(&released.service)),
        ("ship_by", instant(released.ship_by)),
        ("deliver_by", instant(released.deliver_by)),
    ];
    fields.map(|(field, words)| format!("{field}={}", record_id(&[&words]))).join(" ")
}

/// Only what both digests speak of is compared: a release that learns of a new field must not look like a change.
fn fields_that_differ(sent: &str, wanted: &str) -> Vec<Difference> {
    let sent: BTreeMap<_, _> = sent.split(' ').filter_map(|field| field.split_once('=')).collect();
    let wanted = wanted.split(' ').filter_map(|field| field.split_once('='));
    let differing = wanted.filter(|(field, now)| sent.get(field).is_some_and(|then| then != now));
    differing
        .map(|(field, _)| Difference::of(in_the_connector(field), format!("the {}", field.replace('_', " "))))
        .collect()
}

/// What the standard connector calls a field of the digest.
fn in_the_connector(field: &str) -> &'static [&'static str] {
    match field {
        "recipient" => &["recipient"],
        "purchase_order" => &["purchaseOrder"],
        "delivery_mode" => &["deliveryMode"],
        "carrier" => &["carrier"],
        "service" => &["service"],
        "ship_by" => &["shipBy"],
        "deliver_by" => &["deliverBy"],
        // Whoever ships it from elsewhere has another order.
        _ => &["facility"],
    }
}

/// The parts of an address that a change is noticed by.
fn address_words(address: &Address) -> String {
    let parts = [
        &address.name,
        &address.company,
        &address.line1,
        &address.line2,
        &address.line3,
        &address.city,
        &address.region,
        &address.postal_code,
        &address.country,
        &address.phone,
        &address.email,
    ];
    parts.map(|part| part.clone().unwrap_or_default()).join("\u{1f}")
}

/// In which line an order that the warehouse holds differs from the one that was to be created.
///
/// A warehouse that keeps our line ids is compared line by line, another one by what it holds of each item.
pub(in crate::flows) fn held_difference(order: &FulfilmentOrder, held: &HeldOrder) -> Option<String> {
    let by_line = held.lines.iter().all(|line| line.line_id.is_some());
    let mut sums: BTreeMap<(String, String), (Decimal, Decimal)> = BTreeMap::new();
    for line in &order.lines {
        let name = if by_line { line.line_id.clone() } else { String::new() };
        sums.entry((name, line.sku.to_string())).or_default().0 += line.quantity;
    }
    for line in &held.lines {
        let name = if by_line { line.line_id.clone().unwrap_or_default() } else { String::new() };
        sums.entry((name, line.sku.to_string())).or_default().1 += line.quantity;
    }
    let differing = sums.into_iter().find(|(_, (ours, theirs))| ours != theirs);
    let unit = |line: &FulfilmentLine| {
        let same_item = held.lines.iter().filter(move |theirs| theirs.sku == line.sku);
        let mut units = same_item.filter_map(|theirs| theirs.unit.as_ref());
        units.any(|unit| !unit.same(&line.unit))
    };
    let other_unit = || order.lines.iter().find(|line| unit(line));
    differing
        .map(|((_, sku), (ours, theirs))| format!("{sku}: {} there, {} here", theirs.normalize(), ours.normalize()))
        .or_else(|| other_unit().map(|line| format!("{}: counted in another unit than {}", line.sku, line.unit)))
}
