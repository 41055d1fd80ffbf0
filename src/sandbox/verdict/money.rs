//! The law of money: what came back is credited once, what did not come back is not, and what was credited before is not
//! credited again.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::evidence::{CreditNote, Evidence, EvidenceError, Posting, Receipt, ReceivedQuantity, Returned};

/// What can be said of money.
pub(super) struct Judgement {
    /// Credit notes.
    pub(super) notes: u64,
    /// Credited twice, or for goods that never came.
    pub(super) twice: Vec<String>,
    /// Came back, and will never be credited.
    pub(super) lost: Vec<String>,
}

/// What was credited of a line: because goods were received, and before.
#[derive(Default)]
struct Credited {
    received: Decimal,
    refunded: Decimal,
}

/// Judges every return order.
pub(super) fn judge(evidence: &Evidence) -> Result<Judgement, EvidenceError> {
    let notes: Vec<CreditNote> = evidence.finance_operations.list("credit_notes")?;
    let returns: Vec<Returned> = evidence.finance_operations.list("returns")?;
    let postings: Vec<Posting> = evidence.finance_operations.list("returned")?;
    let held: Vec<Receipt> = evidence.warehouse.list("returns")?;
    let mut credited: BTreeMap<(&str, &str, &str), Credited> = BTreeMap::new();
    for note in &notes {
        for line in &note.lines {
            let key = (note.legal_entity.as_str(), note.order.as_str(), line.line.as_str());
            let credited = credited.entry(key).or_default();
            *(if note.refund { &mut credited.refunded } else { &mut credited.received }) += line.quantity;
        }
    }
    // The job of the house that credits has not come by yet.
    let all_credited = evidence.finance_operations.count("credits_due") == 0;
    let mut judgement = Judgement { notes: notes.len() as u64, twice: made_twice(&returns), lost: Vec::new() };
    for returned in &returns {
        let order = &returned.released;
        let undelivered = of_it(&held, &postings, returned).any(|receipt| receipt.undelivered);
        for line in &order.lines {
            let key = (order.legal_entity.as_str(), order.id.as_str(), line.line.as_str());
            let none = Credited::default();
            let Credited { received, refunded } = credited.get(&key).unwrap_or(&none);
            let name = format!("{}: line {}", order.id, line.line);
            if received + refunded > line.ordered {
                let sum = received + refunded;
                judgement.twice.push(format!("{name}: {sum} are credited of {} that were to come back", line.ordered));
            }
            if returned.exchanged.contains(&line.line) && !received.is_zero() {
                judgement.twice.push(format!("{name}: is exchanged, and {received} are credited as received"));
            }
            let came = came(&held, &postings, returned, &line.line);
            // What a person has of it may be that less came than was reported at first, and Dynamics would not take it back.
            if *received > came && !evidence.excused.contains(&order.id) {
                judgement.twice.push(format!("{name}: {received} are credited as received, {came} came"));
            }
            // Who credits what nobody took, its house decides.
            let forgone = returned.without_credit.iter().find(|(each, _)| *each == line.line && !undelivered);
            if let Some((_, forgone)) = forgone.filter(|(_, forgone)| forgone > refunded) {
                judgement.lost.push(format!("{name}: {forgone} came back, are kept, and are never credited"));
            }
            let owed = returned.to_credit.iter().find(|(each, _)| *each == line.line);
            if let Some((_, owed)) = owed.filter(|(_, owed)| all_credited && owed > received) {
                judgement.lost.push(format!("{name}: {owed} are to be credited as received, and {received} are"));
            }
        }
    }
    Ok(judgement)
}

/// What came of a line, whatever became of it.
fn came(held: &[Receipt], postings: &[Posting], returned: &Returned, line: &str) -> Decimal {
    let sku = returned.released.lines.iter().find(|each| each.line == line).map_or("", |line| line.item.as_str());
    let counts = |receipt: &Receipt| -> Decimal {
        // What came without an RMA names lines of the order that it left by, if any.
        let unannounced = receipt.held.reference.is_empty();
        let is_of_it = |count: &&ReceivedQuantity| {
            if unannounced || count.line.is_empty() { count.sku == sku } else { count.line == line }
        };
        receipt.received.iter().filter(is_of_it).map(|count| count.quantity).sum()
    };
    of_it(held, postings, returned).map(counts).sum()
}

/// What the warehouse has of a return order: what was announced, and the parcels that were posted to it.
fn of_it<'a>(
    held: &'a [Receipt],
    postings: &'a [Posting],
    returned: &'a Returned,
) -> impl Iterator<Item = &'a Receipt> {
    let order = &returned.released;
    let prefix = format!("{}-{}-", order.legal_entity, order.id);
    held.iter().filter(move |receipt| {
        let posted =
            |posting: &Posting| posting.order == order.id && posting.packing_slip.starts_with(&receipt.held.id);
        receipt.held.reference.starts_with(&prefix) || postings.iter().any(posted)
    })
}

/// Nothing in Dynamics keeps a wish from being made a return order twice: only our key tells that it is the same.
fn made_twice(returns: &[Returned]) -> Vec<String> {
    let mut made: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for returned in returns.iter().filter(|returned| !returned.reference.is_empty() && !returned.released.cancelled) {
        let key = (returned.released.legal_entity.as_str(), returned.reference.as_str());
        made.entry(key).or_default().push(&returned.released.id);
    }
    let twice = made.into_iter().filter(|(_, ids)| ids.len() > 1);
    twice
        .map(|((_, reference), ids)| format!("{reference}: was made a return order as {}", ids.join(" and ")))
        .collect()
}
