//! The evidence sorted by document: what was released, held, shipped and posted of each.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::evidence::{Evidence, EvidenceError, Held, Posting, Released, ReleasedLine, Shipped, TrackingEntry};
use crate::message::{LegalEntity, Reference, RequestId};

/// Line, lot, serial.
pub(super) type Piece = (String, String, String);

/// How much of each piece.
pub(super) type Quantities = BTreeMap<Piece, Decimal>;

/// One released order, and all that happened to it.
pub(super) struct Document {
    pub(super) released: Released,
    pub(super) held: Vec<Held>,
    pub(super) shipments: Vec<Shipped>,
    pub(super) postings: Vec<Posting>,
}

/// All documents by request id, and the tracking rows.
pub(super) struct Documents {
    pub(super) all: BTreeMap<String, Document>,
    pub(super) tracking: Vec<TrackingEntry>,
    /// Orders and shipments at the warehouse that no released order explains.
    pub(super) strangers: Vec<String>,
}

impl Documents {
    pub(super) fn sort(evidence: &Evidence) -> Result<Self, EvidenceError> {
        let (dynamics, warehouse) = (&evidence.finance_operations, &evidence.warehouse);
        let mut all = BTreeMap::new();
        let mut requests = BTreeMap::new();
        for released in dynamics.list::<Released>("orders")? {
            requests.extend(named(&released).map(|name| (name, released.id.clone())));
            let id = released.id.clone();
            all.insert(id, Document { released, held: Vec::new(), shipments: Vec::new(), postings: Vec::new() });
        }
        let mut documents = Self { all, tracking: dynamics.list("tracking")?, strangers: Vec::new() };
        for posting in dynamics.list::<Posting>("postings")? {
            if let Some(document) = documents.all.get_mut(&posting.order) {
                document.postings.push(posting);
            }
        }
        let request = |reference: &str| {
            let reference: Reference = reference.parse().ok()?;
            requests.get(reference.document()).cloned()
        };
        for held in warehouse.list::<Held>("orders")? {
            match request(&held.reference).and_then(|request| documents.all.get_mut(&request)) {
                Some(document) => document.held.push(held),
                None => documents.strangers.push(held.reference),
            }
        }
        for shipped in warehouse.list::<Shipped>("shipments")? {
            let document = request(&shipped.reference).and_then(|request| documents.all.get_mut(&request));
            if let Some(document) = document {
                document.shipments.push(shipped);
            }
        }
        Ok(documents)
    }
}

fn named(released: &Released) -> Option<String> {
    let company = LegalEntity::new(released.legal_entity.as_str()).ok()?;
    let request = RequestId::new(released.id.as_str()).ok()?;
    Some(Reference::of(&company, &request).document().to_owned())
}

impl Document {
    pub(super) fn live(&self) -> impl Iterator<Item = &Held> {
        self.held.iter().filter(|held| held.live)
    }

    /// Whether the warehouse shipped all that it holds of it, and that is all that was ordered; what was changed later
    /// may have been too late.
    pub(super) fn whole(&self) -> bool {
        let whole = |held: &Held| held.lines.iter().all(|line| line.shipped >= line.quantity);
        let mut shipped = BTreeMap::<&str, Decimal>::new();
        for line in self.live().flat_map(|held| &held.lines) {
            *shipped.entry(line.line.as_str()).or_default() += line.shipped;
        }
        let ordered =
            |line: &ReleasedLine| shipped.get(line.line.as_str()).is_some_and(|shipped| *shipped >= line.ordered);
        let changed = self.released.version > 1;
        self.live().count() > 0 && self.live().all(whole) && (changed || self.released.lines.iter().all(ordered))
    }

    pub(super) fn shipped(&self) -> Quantities {
        sum(self.shipments.iter().map(shipment_quantities))
    }

    /// What was posted in updates that are chosen.
    pub(super) fn posted(&self, chosen: impl Fn(&Posting) -> bool) -> Quantities {
        sum(self.postings.iter().filter(|posting| chosen(posting)).map(posting_quantities))
    }
}

pub(super) fn shipment_quantities(shipment: &Shipped) -> Quantities {
    let mut quantities = Quantities::new();
    for content in shipment.packages.iter().flat_map(|package| &package.contents) {
        let piece = (content.line.clone(), content.lot.clone(), content.serial.clone());
        *quantities.entry(piece).or_default() += content.quantity;
    }
    quantities
}

/// What of a line is in no lot and has no serial number stands under neither.
pub(super) fn posting_quantities(posting: &Posting) -> Quantities {
    let mut quantities = Quantities::new();
    for line in &posting.lines {
        *quantities.entry((line.line.clone(), String::new(), String::new())).or_default() += line.shipped;
    }
    for dimension in &posting.dimensions {
        if dimension.lot.is_empty() && dimension.serial.is_empty() {
            continue;
        }
        *quantities.entry((dimension.line.clone(), String::new(), String::new())).or_default() -= dimension.quantity;
        let piece = (dimension.line.clone(), dimension.lot.clone(), dimension.serial.clone());
        *quantities.entry(piece).or_default() += dimension.quantity;
    }
    quantities.retain(|_, quantity| !quantity.is_zero());
    quantities
}

/// Whether there is as much of everything in `whole`.
pub(super) fn within(part: &Quantities, whole: &Quantities) -> bool {
    part.iter().all(|(piece, quantity)| whole.get(piece).is_some_and(|there| there >= quantity))
}

fn sum(all: impl Iterator<Item = Quantities>) -> Quantities {
    let mut sum = Quantities::new();
    for (piece, quantity) in all.flatten() {
        *sum.entry(piece).or_default() += quantity;
    }
    sum.retain(|_, quantity| !quantity.is_zero());
    sum
}
