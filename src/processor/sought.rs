//! The inbound orders that a receipt without our reference may be of: as the store knows them by the numbers that it names.

use super::attempt::Attempt;
use super::unsure;
use crate::flows::{InboundCandidate, Ledger};
use crate::message::OrderingKey;
use crate::store::{DocumentView, Question};

/// A number that so many documents have tells nothing.
const CANDIDATES_MAX: usize = 50;

/// Nothing where the worker goes.
pub(super) async fn candidates(attempt: &Attempt<'_>, numbers: &[String]) -> Option<Vec<InboundCandidate>> {
    let house = attempt.house;
    let desk = &house.desk(attempt.job.tenure.owner.flow)?.look_up;
    let mut candidates: Vec<InboundCandidate> = Vec::new();
    for number in numbers {
        let found = house.persistently("searching inbound orders", || house.tools.store.documents(number)).await;
        for DocumentView { document, .. } in found.into_iter().filter(|found| found.document.kind == "inbound_order") {
            let Ok(key) = document.key.parse::<OrderingKey>() else { continue };
            if candidates.len() >= CANDIDATES_MAX || candidates.iter().any(|known| known.document == key) {
                continue;
            }
            let question = Question { document: document.key, ..attempt.job.question() };
            let effects = desk.ask(question).await?.effects;
            let ledger = Ledger::new(effects.into_iter().map(unsure::past).collect());
            candidates.push(InboundCandidate { document: key, ledger });
        }
        // The first number that is known at all decides.
        if !candidates.is_empty() {
            break;
        }
    }
    Some(candidates)
}
