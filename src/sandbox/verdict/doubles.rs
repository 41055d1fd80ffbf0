//! Effects that a far end took more than once, or was asked to.

use std::collections::BTreeMap;

use super::documents::{Document, Documents, posting_quantities};
use super::evidence::Adjusted;

/// What was done twice, one sentence for each time too often.
pub(super) fn doubles(documents: &Documents) -> Vec<String> {
    let mut doubles = Vec::new();
    for document in documents.all.values() {
        doubles.extend(orders_twice(document));
        doubles.extend(postings_twice(document));
    }
    let mut rows: BTreeMap<_, u32> = BTreeMap::new();
    for row in &documents.tracking {
        let key = (&row.legal_entity, &row.packing_slip, &row.tracking_number);
        *rows.entry(key).or_default() += row.creates;
    }
    for ((_, slip, number), creates) in rows {
        doubles.extend((1..creates).map(|_| format!("tracking number {number} of {slip} was written again")));
    }
    doubles
}

/// An adjustment moves stock once.
pub(super) fn adjusted_twice(adjustments: &[Adjusted]) -> Vec<String> {
    let again = adjustments.iter().flat_map(|row| (1..row.creates).map(|_| &row.id));
    again.map(|id| format!("adjustment {id} was posted again")).collect()
}

/// Every part of a document is live at the warehouse once, under whatever revision.
fn orders_twice(document: &Document) -> Vec<String> {
    let mut parts: BTreeMap<&str, u32> = BTreeMap::new();
    for held in document.live() {
        *parts.entry(part(&held.reference)).or_default() += held.creates;
    }
    let again = parts.into_iter().flat_map(|(part, creates)| (1..creates).map(move |_| part));
    again.map(|part| format!("{part}: was created again while it was live")).collect()
}

/// A reference without its revision: `usmf-SHP0012-W1R2` is a revision of `usmf-SHP0012-W1`.
pub(super) fn part(reference: &str) -> &str {
    let revised = reference.rsplit_once('R').filter(|(_, rest)| rest.bytes().all(|byte| byte.is_ascii_digit()));
    revised.filter(|(part, rest)| part.contains("-W") && !rest.is_empty()).map_or(reference, |(part, _)| part)
}

/// Nothing is posted that was not shipped: neither accepted, nor refused only because there was no more to post.
fn postings_twice(document: &Document) -> Vec<String> {
    let request = &document.released.id;
    let shipped = document.shipped();
    let posted = document.posted(|posting| posting.state == "Accepted");
    let mut doubles = Vec::new();
    for ((line, lot, serial), quantity) in &posted {
        let left = shipped.get(&(line.clone(), lot.clone(), serial.clone())).copied().unwrap_or_default();
        if *quantity > left {
            doubles.push(format!("{request}: line {line} {lot} {serial}: {quantity} are posted, {left} were shipped"));
        }
    }
    for posting in &document.postings {
        let again = posting.creates.saturating_sub(1);
        doubles.extend((0..again).map(|_| format!("{request}: update {} was created again", posting.update_id)));
        let more = posting_quantities(posting).into_iter().any(|(piece, quantity)| {
            let posted = posted.get(&piece).copied().unwrap_or_default();
            posted + quantity > shipped.get(&piece).copied().unwrap_or_default()
        });
        if posting.excess && more {
            doubles.push(format!("{request}: update {} posts again what is posted", posting.update_id));
        }
    }
    doubles
}
