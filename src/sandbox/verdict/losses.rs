//! Events that were answered 2xx and have no end at the other side.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::documents::{Document, Documents, shipment_quantities};
use super::evidence::{Evidence, Held};
use crate::sandbox::ledger::LedgerLine;

/// What is lost, one sentence each. Meaningful when nothing moves any more.
pub(super) fn losses(evidence: &Evidence, documents: &Documents) -> Vec<String> {
    let mut losses = Vec::new();
    let told = accepted(&evidence.finance_operations.ledger, |line| !line.path.contains("UpdateChangedStatus"));
    let told: BTreeSet<_> = told.iter().filter_map(|line| line.reference.as_deref()).collect();
    let shipped = subjects(&evidence.warehouse.ledger, "shipment_confirmed");
    let tracked = subjects(&evidence.warehouse.ledger, "tracking_updated");
    let numbers: BTreeSet<_> = documents.tracking.iter().map(|row| row.tracking_number.as_str()).collect();
    for (request, document) in &documents.all {
        if evidence.excused.contains(request) {
            continue;
        }
        if told.contains(request.as_str()) {
            losses.extend(order_loss(document));
        }
        losses.extend(shipment_losses(document, &shipped));
        for package in document.shipments.iter().flat_map(|shipment| &shipment.packages) {
            let number = package.tracking_number.as_deref().unwrap_or_default();
            if tracked.contains(package.key.as_str()) && !numbers.contains(number) {
                losses.push(format!("{request}: the tracking number {number} of package {} was told", package.key));
            }
        }
    }
    losses
}

/// An order that was told must be at the warehouse as it stands in Dynamics, unless it was too late for that.
fn order_loss(document: &Document) -> Option<String> {
    let request = &document.released.id;
    if document.released.cancelled {
        let waiting = document.live().any(|held| held.status == "RECEIVED");
        return waiting.then(|| format!("{request}: was cancelled, and the warehouse has not heard of it"));
    }
    if document.held.is_empty() {
        return Some(format!("{request}: was told, and the warehouse has not heard of it"));
    }
    let outdated = document.live().filter(|held| held.status == "RECEIVED" && !same_lines(document, held)).count();
    (outdated > 0).then(|| format!("{request}: was changed, and the warehouse has not heard of it"))
}

fn same_lines(document: &Document, held: &Held) -> bool {
    let wanted: BTreeMap<&str, Decimal> =
        document.released.lines.iter().map(|line| (line.line.as_str(), line.ordered)).collect();
    held.lines.iter().all(|line| wanted.get(line.line.as_str()) == Some(&line.quantity))
}

/// What shipments said must stand in updates that were handed over, whatever became of these.
fn shipment_losses(document: &Document, told: &BTreeSet<&str>) -> Vec<String> {
    let mut offered = document.posted(|posting| posting.committed.is_some());
    let mut losses = Vec::new();
    for shipment in &document.shipments {
        let mut covered = true;
        for (piece, quantity) in shipment_quantities(shipment) {
            let left = offered.entry(piece).or_default();
            covered &= *left >= quantity;
            *left -= quantity;
        }
        if !covered && told.contains(shipment.key.as_str()) {
            losses.push(format!("{}: shipment {} was told, and is not posted", document.released.id, shipment.key));
        }
    }
    losses
}

fn accepted(ledger: &[LedgerLine], chosen: impl Fn(&LedgerLine) -> bool) -> Vec<&LedgerLine> {
    ledger.iter().filter(|line| line.accepted_event() && chosen(line)).collect()
}

fn subjects<'a>(ledger: &'a [LedgerLine], kind: &str) -> BTreeSet<&'a str> {
    accepted(ledger, |line| line.path == kind).into_iter().filter_map(|line| line.subject.as_deref()).collect()
}
