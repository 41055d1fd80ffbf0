//! The same laws for goods that are expected, and for goods that come back: what was announced, counted and posted of each
//! inbound document and of each return order.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::doubles::part;
use super::evidence::{Evidence, EvidenceError, Posting, Receipt, Released};
use super::misorders::{opened, revisions};
use crate::message::{LegalEntity, Reference, RequestId};
use crate::sandbox::stock::Shelf;

/// What can be said of receipts.
pub(super) struct Judgement {
    /// Counted to the end and posted, equal piece by piece.
    pub(super) posted: u64,
    /// The others, by their numbers.
    pub(super) unposted: Vec<String>,
    pub(super) lost: Vec<String>,
    pub(super) twice: Vec<String>,
    pub(super) misorders: Vec<String>,
    /// Updates that wait to be processed.
    pub(super) moving: u64,
}

/// What they are called on both sides.
pub(super) struct Names {
    documents: &'static str,
    postings: &'static str,
    held: &'static str,
    /// Where they are announced to the warehouse.
    path: &'static str,
    /// The event that tells of them.
    event: &'static str,
}

/// Goods that are expected.
pub(super) const EXPECTED: Names =
    Names { documents: "expected", postings: "receipts", held: "receipts", path: "/receipts", event: "goods_received" };

/// Goods that come back.
pub(super) const RETURNED: Names =
    Names { documents: "returns", postings: "returned", held: "returns", path: "/returns", event: "return_received" };

/// Line, lot, serial, condition.
type Piece = (String, String, String, String);

type Quantities = BTreeMap<Piece, Decimal>;

/// One inbound document, and all that happened to it.
struct Inbound {
    released: Released,
    receipts: Vec<Receipt>,
    postings: Vec<Posting>,
}

/// Judges every document of a sort.
pub(super) fn judge(evidence: &Evidence, names: &Names) -> Result<Judgement, EvidenceError> {
    let (documents, strangers) = sort(evidence, names)?;
    let warehouse = &evidence.warehouse.ledger;
    let told = evidence.finance_operations.ledger.iter().filter(|line| line.accepted_event() && line.subject.is_none());
    let told: BTreeSet<_> = told.filter_map(|line| line.reference.as_deref()).collect();
    let counted: BTreeSet<_> = warehouse
        .iter()
        .filter(|line| line.accepted_event() && line.path == names.event)
        .filter_map(|line| line.subject.as_deref())
        .collect();
    let opened = opened(&evidence.finance_operations.ledger);
    let mut judgement = Judgement {
        posted: 0,
        unposted: Vec::new(),
        lost: Vec::new(),
        twice: strangers,
        misorders: revisions(warehouse, names.path, &BTreeSet::new()),
        moving: 0,
    };
    for (id, document) in &documents {
        if document.is_posted() {
            judgement.posted += 1;
        } else {
            judgement.unposted.push(id.clone());
        }
        judgement.moving += document.postings.iter().filter(|posting| posting.state == "Received").count() as u64;
        judgement.twice.extend(document.twice());
        let first = document.receipts.iter().filter_map(|receipt| receipt.counted_at).min();
        if opened.get(id.as_str()).is_some_and(|at| first.is_none_or(|first| *at < first)) {
            judgement.misorders.push(format!("{id}: was posted before anything of it was received"));
        }
        if evidence.excused.contains(id) {
            continue;
        }
        if told.contains(id.as_str()) && document.receipts.is_empty() && !document.released.cancelled {
            judgement.lost.push(format!("{id}: was told, and the warehouse has not heard of it"));
        }
        judgement.lost.extend(document.unposted(&counted));
    }
    Ok(judgement)
}

type Sorted = (BTreeMap<String, Inbound>, Vec<String>);

fn sort(evidence: &Evidence, names: &Names) -> Result<Sorted, EvidenceError> {
    let mut requests = BTreeMap::new();
    let mut documents = BTreeMap::new();
    for released in evidence.finance_operations.list::<Released>(names.documents)? {
        requests.extend(named(&released).map(|name| (name, released.id.clone())));
        let id = released.id.clone();
        documents.insert(id, Inbound { released, receipts: Vec::new(), postings: Vec::new() });
    }
    for posting in evidence.finance_operations.list::<Posting>(names.postings)? {
        if let Some(document) = documents.get_mut(&posting.order) {
            document.postings.push(posting);
        }
    }
    let mut strangers = Vec::new();
    for receipt in evidence.warehouse.list::<Receipt>(names.held)? {
        let reference = receipt.held.reference.parse::<Reference>().ok();
        let request = reference.and_then(|reference| requests.get(reference.document()).cloned());
        let unannounced = receipt.held.reference.is_empty();
        let request = request.or_else(|| if unannounced { posted_to(&documents, &receipt) } else { None });
        match request.as_ref().and_then(|request| documents.get_mut(request)) {
            Some(document) => document.receipts.push(receipt),
            None if unannounced => {}
            None => strangers.push(format!("{}: nobody expects it", receipt.held.reference)),
        }
    }
    Ok((documents, strangers))
}

/// The document to which goods were posted that came unannounced: the number of the posting begins with the warehouse's own.
fn posted_to(documents: &BTreeMap<String, Inbound>, receipt: &Receipt) -> Option<String> {
    let of_it = |posting: &Posting| posting.packing_slip.starts_with(&receipt.held.id);
    let found = documents.iter().find(|(_, document)| document.postings.iter().any(of_it));
    found.map(|(id, _)| id.clone())
}

fn named(released: &Released) -> Option<String> {
    let company = LegalEntity::new(released.legal_entity.as_str()).ok()?;
    let request = RequestId::new(released.id.as_str()).ok()?;
    Some(Reference::of(&company, &request).document().to_owned())
}

impl Inbound {
    fn is_posted(&self) -> bool {
        let live = || self.receipts.iter().filter(|receipt| receipt.held.live);
        live().count() > 0
            && live().all(|receipt| receipt.complete)
            && self.received() == self.posted(|posting| posting.state == "Accepted")
    }

    fn received(&self) -> Quantities {
        let counts = self.receipts.iter().flat_map(|receipt| &receipt.received);
        sum(counts.map(|count| {
            let line = if self.is_parcel() { &count.sku } else { &count.line };
            let piece = (line.clone(), count.lot.clone(), count.serial.clone(), status(&count.status));
            (piece, count.quantity)
        }))
    }

    /// Whether any of it came unannounced: it then names the lines of the order that it left by, if any, and the items tell
    /// what is meant.
    fn is_parcel(&self) -> bool {
        self.receipts.iter().any(|receipt| receipt.held.reference.is_empty())
    }

    /// What a line of ours is called among what was counted.
    fn named(&self, line: &str) -> String {
        let of_it = self.released.lines.iter().find(|each| each.line == line && self.is_parcel());
        of_it.map_or(line, |line| line.item.as_str()).to_owned()
    }

    /// What was posted in updates that are chosen. What of a line is in no lot, has no serial number and is sound stands under
    /// none of them.
    fn posted(&self, chosen: impl Fn(&Posting) -> bool) -> Quantities {
        let mut pieces = Vec::new();
        for posting in self.postings.iter().filter(|posting| chosen(posting)) {
            let plain = |line: &str| (self.named(line), String::new(), String::new(), status(""));
            pieces.extend(posting.lines.iter().map(|line| (plain(&line.line), line.shipped)));
            for dimension in &posting.dimensions {
                let (lot, serial) = (dimension.lot.clone(), dimension.serial.clone());
                pieces.push((plain(&dimension.line), -dimension.quantity));
                let line = self.named(&dimension.line);
                pieces.push(((line, lot, serial, status(&dimension.status)), dimension.quantity));
            }
        }
        sum(pieces.into_iter())
    }

    /// Everything is announced, written and posted once.
    fn twice(&self) -> Vec<String> {
        let id = &self.released.id;
        let mut parts: BTreeMap<&str, u32> = BTreeMap::new();
        for receipt in self.receipts.iter().filter(|receipt| receipt.held.live) {
            *parts.entry(part(&receipt.held.reference)).or_default() += receipt.held.creates;
        }
        let again = parts.into_iter().flat_map(|(part, creates)| (1..creates).map(move |_| part));
        let mut twice: Vec<_> = again.map(|part| format!("{part}: was announced again while it was live")).collect();
        for posting in &self.postings {
            let again = 1..posting.creates;
            twice.extend(again.map(|_| format!("{id}: update {} was created again", posting.update_id)));
        }
        let received = self.received();
        for (piece, quantity) in self.posted(|posting| posting.state == "Accepted") {
            let came = received.get(&piece).copied().unwrap_or_default();
            let settled = self.postings.iter().all(|posting| posting.state == "Accepted");
            if quantity > came && settled && self.is_told_to_the_end() {
                let (line, lot, serial, status) = piece;
                twice.push(format!("{id}: line {line} {lot} {serial} {status}: {quantity} are posted, {came} came"));
            }
        }
        twice
    }

    fn is_told_to_the_end(&self) -> bool {
        self.receipts.iter().all(|receipt| receipt.complete || !receipt.held.live)
    }

    /// What was counted last stands in updates that were handed over, where it was told.
    fn unposted(&self, told: &BTreeSet<&str>) -> Option<String> {
        let last = |receipt: &Receipt| {
            receipt.parcel || told.contains(format!("{}/{}", receipt.held.id, receipt.reports).as_str())
        };
        let counted = self.receipts.iter().any(|receipt| !receipt.received.is_empty());
        let offered = self.posted(|posting| posting.committed.is_some());
        let lost = counted && self.receipts.iter().all(last) && offered != self.received();
        lost.then(|| format!("{}: was received, and what came is not what is posted", self.released.id))
    }
}

/// As in the book of stock: a condition is known by its letters.
fn status(text: &str) -> String {
    Shelf::new("", "", text).status
}

fn sum(all: impl Iterator<Item = (Piece, Decimal)>) -> Quantities {
    let mut sum = Quantities::new();
    for (piece, quantity) in all {
        *sum.entry(piece).or_default() += quantity;
    }
    sum.retain(|_, quantity| !quantity.is_zero());
    sum
}
