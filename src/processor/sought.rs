//! The orders that a message without our reference may mean: as the store knows them by the numbers that it names.

use super::house::House;
use super::unsure;
use crate::flows::{Candidate, Ledger};
use crate::gateways::Direction;
use crate::message::{Flow, OrderingKey};
use crate::store::Question;

/// A number that so many documents have tells nothing.
const CANDIDATES_MAX: usize = 50;

/// Asked is what would be asked of the message itself. Nothing where the worker goes.
pub(super) async fn candidates(
    house: &House,
    (flow, asked): (Flow, &Question),
    numbers: &[String],
) -> Option<Vec<Candidate>> {
    // What came back without an RMA is sought among what left.
    let kind = match Direction::of(flow) {
        Direction::Returned | Direction::Outbound => Direction::Outbound,
        Direction::Inbound => Direction::Inbound,
    }
    .document();
    let mut candidates: Vec<Candidate> = Vec::new();
    for number in numbers {
        let found = house.persistently("searching orders", || house.tools.store.named(number)).await;
        for document in found.into_iter().filter(|found| found.kind == kind).map(|found| found.key) {
            let Ok(key) = document.parse::<OrderingKey>() else { continue };
            if candidates.len() >= CANDIDATES_MAX || candidates.iter().any(|known| known.document == key) {
                continue;
            }
            let question = Question { document, ..asked.clone() };
            let effects = house.look_up(flow, question).await?.effects;
            let ledger = Ledger::new(effects.into_iter().map(unsure::past).collect());
            candidates.push(Candidate { document: key, ledger });
        }
        // The first number that is known at all decides; of what came back, all of them must say the same.
        if !candidates.is_empty() && flow != Flow::Returns {
            break;
        }
    }
    Some(candidates)
}
