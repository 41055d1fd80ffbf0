//! Calls about one document in an order that cannot be right.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::documents::{Document, Documents, posting_quantities, shipment_quantities, within};
use super::doubles::part;
use super::evidence::{Evidence, Posting, Shipped};
use crate::sandbox::ledger::{Effect, LedgerLine};

/// What is out of order, one sentence each.
pub(super) fn misorders(evidence: &Evidence, documents: &Documents) -> Vec<String> {
    let warehouse = &evidence.warehouse.ledger;
    let mut misorders = revisions(warehouse, "/orders", &rejected(warehouse, documents));
    let taken = taken(warehouse);
    let opened = opened(&evidence.finance_operations.ledger);
    for document in documents.all.values() {
        misorders.extend(posted_early(document, &opened));
        misorders.extend(overtaken(document, &taken));
    }
    misorders
}

/// References that ended without having been cancelled: the warehouse rejected them, and only it knows when.
fn rejected<'a>(ledger: &[LedgerLine], documents: &'a Documents) -> BTreeSet<&'a str> {
    let cancelled: BTreeSet<_> =
        ledger.iter().filter(|line| cancels(line)).filter_map(|line| line.reference.as_deref()).collect();
    let ended = documents.all.values().flat_map(|document| &document.held).filter(|held| !held.live);
    ended.map(|held| held.reference.as_str()).filter(|reference| !cancelled.contains(reference)).collect()
}

fn cancels(line: &LedgerLine) -> bool {
    line.path.ends_with("/cancel") && matches!(line.effect, Effect::Changed | Effect::Repeated)
}

/// A revision is created only after the one before was cancelled or rejected, and never after a later one.
pub(super) fn revisions(ledger: &[LedgerLine], path: &str, rejected: &BTreeSet<&str>) -> Vec<String> {
    let mut open: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut latest: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
    let mut misorders = Vec::new();
    for line in ledger.iter().filter(|line| line.path.starts_with(path)) {
        let Some(reference) = line.reference.as_deref() else { continue };
        let group = open.entry(part(reference)).or_default();
        if cancels(line) {
            group.remove(reference);
        }
        if line.method != "POST" || line.path != path || line.effect != Effect::Created {
            continue;
        }
        if let Some(other) = group.iter().find(|other| **other != reference && !rejected.contains(**other)) {
            misorders.push(format!("{reference}: was created while {other} was neither cancelled nor rejected"));
        }
        group.insert(reference);
        // Longer is later, and of the same length the greater: R2 to R9, R10.
        let rank = (reference.len(), reference);
        let last = latest.entry(part(reference)).or_insert(rank);
        if rank < *last {
            misorders.push(format!("{reference}: was created after {}", last.1));
        }
        *last = rank.max(*last);
    }
    misorders
}

/// When each shipment event was taken first.
fn taken(ledger: &[LedgerLine]) -> BTreeMap<&str, Timestamp> {
    let mut taken = BTreeMap::new();
    for line in ledger.iter().filter(|line| line.accepted_event() && line.path == "shipment_confirmed") {
        if let (Some(shipment), Some(at)) = (line.subject.as_deref(), line.answered_at) {
            taken.entry(shipment).or_insert(at);
        }
    }
    taken
}

/// When the first update of each document was created.
pub(super) fn opened(ledger: &[LedgerLine]) -> BTreeMap<&str, Timestamp> {
    let mut opened = BTreeMap::new();
    let created = |line: &&LedgerLine| line.effect == Effect::Created && line.path.ends_with("OrderUpdates");
    for line in ledger.iter().filter(created) {
        if let Some(request) = line.reference.as_deref() {
            opened.entry(request).or_insert(line.at);
        }
    }
    opened
}

/// Nothing is posted before anything left.
fn posted_early(document: &Document, opened: &BTreeMap<&str, Timestamp>) -> Option<String> {
    let request = document.released.id.as_str();
    let opened = opened.get(request)?;
    let left = document.shipments.iter().map(|shipment| shipment.left_at).min();
    let early = left.is_none_or(|left| *opened < left);
    early.then(|| format!("{request}: was posted before anything of it was shipped"))
}

/// A shipment that left after an earlier one had been taken is not posted before that one. What happened at one instant has
/// no order.
fn overtaken(document: &Document, taken: &BTreeMap<&str, Timestamp>) -> Vec<String> {
    let first = |shipment: &Shipped| {
        let only = |posting: &&Posting| belongs(posting, shipment, &document.shipments);
        document.postings.iter().filter(only).filter_map(|posting| posting.committed).min()
    };
    let mut misorders = Vec::new();
    for later in &document.shipments {
        for earlier in &document.shipments {
            let known = taken.get(earlier.key.as_str()).is_some_and(|at| *at < later.left_at);
            if let (true, Some(this), Some(that)) = (known && earlier.key != later.key, first(earlier), first(later))
                && that < this
            {
                let request = &document.released.id;
                misorders.push(format!("{request}: shipment {} was posted before {}", later.key, earlier.key));
            }
        }
    }
    misorders
}

/// Whether an update can only be of this one of the shipments.
fn belongs(posting: &Posting, shipment: &Shipped, all: &[Shipped]) -> bool {
    let posted = posting_quantities(posting);
    let fits = |shipment: &Shipped| within(&posted, &shipment_quantities(shipment));
    !posted.is_empty()
        && fits(shipment)
        && all.iter().filter(|other| other.key != shipment.key).all(|other| !fits(other))
}
