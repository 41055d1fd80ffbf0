//! What must come first: what falls is posted before what rises.
//!
//! Dynamics posts what it is handed in no order, and refuses what would be more than was ordered. So a line of which something is
//! taken back and something else comes in is posted in two updates, the second of which is handed over once Dynamics has
//! posted the first:
//!
//! ```text
//! report ──► what falls is handed over ──► applied ──► posted by Dynamics
//!                                             └─► the same report once more ─┴─► waits for that, then hands over what rises
//! ```
//!
//! Whoever hands over what falls ends, so that somebody looks after it; the report once more stands behind it in the same lane, and
//! has nothing to say any more where a newer report passed it.

use super::posting::Outcome;
use super::questions::POSTS_AFTER_ALL;
use super::received::Received;
use crate::failure::{Code, Failure};
use crate::flows::answer::{Decision, Past};
use crate::flows::keys;
use crate::flows::ledger::{SettledUpdate, kept};
use crate::flows::reports::CountedReceipt;
use crate::message::Kind;

impl Received<'_> {
    /// What this very report takes back is handed over, and nobody looks after it yet; what rises is left to the report once more.
    pub(super) fn goes_on_later(&self, outcome: &Outcome) -> Option<Decision> {
        let first = outcome.first.as_ref()?;
        let environment = &self.look.order.environment;
        let key = keys::goes_first(environment, &first.update_id);
        let is_own = self.report.own().any(|posted| posted.update_id == first.update_id);
        if !is_own || self.report.ledger.has(&key) {
            return None;
        }
        let mut done = self.done(&CountedReceipt { asked: true, ..self.counted(&outcome.news) });
        let facts = kept(&SettledUpdate { update_id: first.update_id.clone() });
        done.facts.push(Past { key, act: "goes_first".to_owned(), connection: environment.to_string(), facts });
        done.emits.push(self.once_more(POSTS_AFTER_ALL));
        Some(Decision::Done(done))
    }

    /// What must come first before goods are taken back, or come in again.
    pub(super) fn waits(&self, outcome: &Outcome) -> Option<Decision> {
        let (receipt, warehouse) = (self.report.receipt, self.report.warehouse);
        if let Some(posted) = &outcome.first {
            let sentence = format!(
                "{warehouse} corrected the receipt {receipt}, and Dynamics has not posted {} yet, which comes before. See what \
                 became of that one, then replay this.",
                posted.packing_slip
            );
            return Some(Decision::Wait {
                document: keys::posting_name(&self.look.order.environment, &posted.update_id),
                passes: None,
                failure: Failure::new(Code::ReceiptSmaller, sentence),
            });
        }
        outcome.too_little.then(|| {
            let sentence = format!(
                "{warehouse} takes more back from the receipt {receipt} than it reported before. Ask them what they have, then \
                 replay or discard this."
            );
            Decision::Wait {
                document: keys::receipt_name(warehouse, receipt),
                passes: Some(Kind::GoodsReceived),
                failure: Failure::new(Code::ReceiptSmaller, sentence),
            }
        })
    }
}
