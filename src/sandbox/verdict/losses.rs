//! Events that were answered 2xx and have no end at the other side.

use std::collections::BTreeSet;

use super::documents::{Document, Documents, shipment_quantities};
use super::evidence::{Evidence, Held};
use crate::sandbox::ledger::LedgerLine;

/// What is lost, one sentence each. Meaningful when nothing moves any more.
pub(super) fn losses(evidence: &Evidence, documents: &Documents) -> Vec<String> {
    let mut losses = Vec::new();
    // An event about the order itself has no other subject.
    let told = accepted(&evidence.finance_operations.ledger, |line| line.subject.is_none());
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
    let early: Vec<_> = document.live().filter(|held| held.status == "RECEIVED").collect();
    let outdated = !early.is_empty() && !same_lines(document, &early);
    outdated.then(|| format!("{request}: stands at the warehouse in other lines or quantities than in Dynamics"))
}

/// Whether what can still be changed at the warehouse is what Dynamics wants, and nothing that it wants is missing.
fn same_lines(document: &Document, early: &[&Held]) -> bool {
    let wanted: BTreeSet<_> = document.released.lines.iter().map(|line| (line.line.as_str(), line.ordered)).collect();
    let held: BTreeSet<_> = document.live().flat_map(|held| &held.lines).map(|line| line.line.as_str()).collect();
    let mut lines = early.iter().flat_map(|held| &held.lines);
    lines.all(|line| wanted.contains(&(line.line.as_str(), line.quantity)))
        && wanted.iter().all(|(line, _)| held.contains(line))
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
