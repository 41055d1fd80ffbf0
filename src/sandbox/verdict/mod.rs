//! WHETHER THE LAWS HELD: computed from both ledgers and both states, and from nothing the product says of itself.
//!
//! A pure function. What is *lost* has a meaning only when nothing moves any more (`moving` is 0) and the product has
//! had its time; a document that the product shows to a person is excused by whoever asks.
//!
//! - `lost`: events taken with 2xx whose order, shipment, tracking number or receipt is not at the other side.
//! - `duplicated`: return orders that were made twice, credits beyond what came back or for what is exchanged, live orders and updates that were created again, pieces posted beyond what was shipped (or refused
//!   because of that), tracking written again.
//! - `out_of_order`: a revision created before the one before had ended; a posting before anything was shipped; a later
//!   shipment posted before one that had been taken when the later one did not exist yet.
//! - `on_hand_mismatches`: shelves (item, lot, status) on which Dynamics has another quantity than the warehouse.

mod documents;
mod doubles;
mod evidence;
mod losses;
mod misorders;
mod money;
mod receipts;
mod stock;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use documents::{Document, Documents};

pub(super) use evidence::{
    Adjusted, CreditNote, CreditedLine, Held, HeldLine, Posting, PostingLine, PostingQuantity, Receipt,
    ReceivedQuantity, Released, ReleasedLine, Returned, Shipped, ShippedPackage, ShippedQuantity, TrackingEntry,
};
pub use evidence::{Evidence, EvidenceError, FarEnd};

/// The figures of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Orders that were released.
    pub orders: u64,
    /// Orders that the warehouse shipped whole.
    pub shipped: u64,
    /// Orders shipped whole whose quantities are processed, equal per line, lot and serial.
    pub posted: u64,
    /// The orders that are not, by request.
    #[serde(skip)]
    pub unposted: Vec<String>,
    /// Receipts that the warehouse has counted to the end and whose quantities are processed, equal per line, lot, serial
    /// and condition.
    pub receipts: u64,
    /// Return orders whose goods the warehouse has inspected to the end and whose quantities are processed, equal per line,
    /// lot, serial and condition.
    pub returns: u64,
    /// The return orders that are not, by number.
    #[serde(skip)]
    pub unposted_returns: Vec<String>,
    /// Credit notes for what came back, and for what was credited before.
    pub credit_notes: u64,
    /// Rows of stock adjustments that Dynamics took.
    pub adjustments: u64,
    /// Items, lots and statuses of which Dynamics has another quantity on hand than lies in the warehouse.
    pub on_hand_mismatches: u64,
    /// Packages with a tracking number.
    pub packages: u64,
    /// Those of them whose number Dynamics holds.
    pub tracked: u64,
    /// Events answered 2xx without an end.
    pub lost: u64,
    /// Effects that a far end took, or was asked to take, once more.
    pub duplicated: u64,
    /// Calls about one document in an order that cannot be right.
    pub out_of_order: u64,
    /// How often each fault struck.
    pub faults: BTreeMap<String, u64>,
    /// Events on their way, updates and orders that are still worked on.
    pub moving: u64,
    /// Each loss, double and misorder, and each order at the warehouse that nobody released, in a sentence.
    pub findings: Vec<String>,
    /// Each mismatch on hand, in a sentence. While anything moves, or waits for a person, there are some.
    pub mismatches: Vec<String>,
}

/// Computes the figures.
pub fn verdict(evidence: &Evidence) -> Result<Verdict, EvidenceError> {
    let documents = Documents::sort(evidence)?;
    let numbers: BTreeSet<_> = documents.tracking.iter().map(|row| row.tracking_number.as_str()).collect();
    let packages = || {
        let shipments = documents.all.values().flat_map(|document| &document.shipments);
        shipments.flat_map(|shipment| &shipment.packages).filter_map(|package| package.tracking_number.as_deref())
    };
    let lost = losses::losses(evidence, &documents);
    let adjusted: Vec<Adjusted> = evidence.finance_operations.list("adjustments")?;
    let twice = [doubles::doubles(&documents), doubles::adjusted_twice(&adjusted)].concat();
    let misorders = misorders::misorders(evidence, &documents);
    let receipts = receipts::judge(evidence, &receipts::EXPECTED)?;
    let returns = receipts::judge(evidence, &receipts::RETURNED)?;
    let money = money::judge(evidence)?;
    let mismatches = stock::mismatches(evidence)?;
    let lost = [lost, receipts.lost, returns.lost, money.lost].concat();
    let twice = [twice, receipts.twice, returns.twice, money.twice].concat();
    let misorders = [misorders, receipts.misorders, returns.misorders].concat();
    let strangers = documents.strangers.iter().map(|reference| format!("{reference}: nobody released it"));
    let count =
        |chosen: fn(&Document) -> bool| documents.all.values().filter(|document| chosen(document)).count() as u64;
    Ok(Verdict {
        orders: documents.all.len() as u64,
        shipped: count(Document::whole),
        posted: count(posted),
        unposted: documents.all.iter().filter(|(_, each)| !posted(each)).map(|(id, _)| id.clone()).collect(),
        receipts: receipts.posted,
        returns: returns.posted,
        unposted_returns: returns.unposted,
        credit_notes: money.notes,
        adjustments: adjusted.len() as u64,
        on_hand_mismatches: mismatches.len() as u64,
        packages: packages().count() as u64,
        tracked: packages().filter(|number| numbers.contains(number)).count() as u64,
        lost: lost.len() as u64,
        duplicated: twice.len() as u64,
        out_of_order: misorders.len() as u64,
        faults: faults(evidence),
        moving: moving(evidence, &documents) + receipts.moving + returns.moving,
        findings: lost.into_iter().chain(twice).chain(misorders).chain(strangers).collect(),
        mismatches,
    })
}

fn posted(document: &Document) -> bool {
    document.whole() && document.shipped() == document.posted(|posting| posting.state == "Accepted")
}

fn faults(evidence: &Evidence) -> BTreeMap<String, u64> {
    let mut faults = BTreeMap::new();
    for far_end in [&evidence.finance_operations, &evidence.warehouse] {
        for (fault, count) in far_end.state.get("faults").and_then(|counts| counts.as_object()).into_iter().flatten() {
            *faults.entry(fault.clone()).or_default() += count.as_u64().unwrap_or(0);
        }
    }
    faults
}

fn moving(evidence: &Evidence, documents: &Documents) -> u64 {
    let postings = documents.all.values().flat_map(|document| &document.postings);
    let waiting = postings.filter(|posting| posting.state == "Received").count() as u64;
    let events = evidence.finance_operations.count("pending_events") + evidence.warehouse.count("pending_events");
    let credits = evidence.finance_operations.count("credits_due");
    waiting + events + credits + evidence.warehouse.count("steps_due")
}
