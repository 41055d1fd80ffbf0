//! What Dynamics wants of goods that the warehouse is receiving already: a question beside the document, which holds no report back.
//!
//! A warehouse that has begun to receive will not start anew, so a change is a person's. What it counts meanwhile is posted all the
//! same: the announcement ends, and the question waits in the lane of its document's questions, as those about receipts do. It
//! looks again when a report or an announcement was worked on, and when it is replayed. It changes nothing itself: what there is
//! to do, an announcement in the document's own lane does.
//!
//! The same becomes of a cancellation that a warehouse takes and never answers: its announcement waits for the answer, and lets
//! reports pass, until the deadline of such waits.
//!
//! A question that ends by itself says so, commits, and has the document looked at once more: an announcement that found the change
//! asked already, while its question was about to end, would have been the last to know. So the same change asks again after that.

use super::plan::Situation;
use crate::failure::{Code, Failure};
use crate::flows::answer::{Decision, Done, Emit, Past};
use crate::flows::keys;
use crate::flows::ledger::{CreatedOrder, EndedReference, kept};
use crate::message::ASKS_WHAT_NOW;

/// The purpose of an announcement that does what a question waited for, and looks whether anything is to be asked anew.
pub(super) const ANNOUNCES_AFTER_ALL: &str = "again";

/// That a question ended by itself.
const SETTLED: &str = "change_settled";

impl Situation<'_> {
    /// An announcement asks beside its document what to do about a change that comes too late, once for each version.
    pub(super) fn beside(&self, decision: Decision) -> Decision {
        match decision {
            decision if self.message.asks_what_now() => self.can_it_be_done(decision),
            Decision::Fail(failure) if is_too_late(&failure) => self.ask_what_now(&failure),
            // Who was asked to cancel and has not answered in time may never answer.
            Decision::Wait { failure, .. }
                if is_too_late(&failure) && (self.ledger.wait_over || self.is_asked(&failure)) =>
            {
                self.ask_what_now(&failure)
            }
            decision => decision,
        }
    }

    /// Whether a person was asked about this very thing, since the last question ended.
    fn is_asked(&self, failure: &Failure) -> bool {
        self.history.latest().is_some_and(|sent| self.ledger.has(&self.question(&sent.created, failure)))
    }

    fn question(&self, CreatedOrder { reference, warehouse, .. }: &CreatedOrder, failure: &Failure) -> String {
        let version = self.look.released.as_ref().map_or(0, |released| released.version);
        // What Dynamics does not show has no version: how many questions have ended tells one time from the next.
        let ended = self.ledger.facts::<EndedReference>(SETTLED);
        let settled = ended.iter().filter(|ended| ended.reference == *reference).count();
        keys::change_too_late((warehouse, reference), version, settled, &failure.sentence)
    }

    fn ask_what_now(&self, failure: &Failure) -> Decision {
        let Some(sent) = self.history.latest() else { return Decision::Fail(failure.clone()) };
        let (reference, warehouse) = (&sent.created.reference, &sent.created.warehouse);
        let key = self.question(&sent.created, failure);
        if self.ledger.has(&key) {
            return Decision::NotOurs(format!("What became of the change of {reference} is asked already."));
        }
        let facts = kept(&EndedReference { reference: reference.clone() });
        let asked = Past { key, act: "change_too_late".to_owned(), connection: warehouse.to_string(), facts };
        let what = format!("The change of {reference} is to be settled with {warehouse}: it is a person's.");
        let steps = vec![("drayline".to_owned(), what)];
        Decision::Done(Done {
            facts: vec![asked],
            emits: vec![self.once_more(ASKS_WHAT_NOW)],
            steps,
            ..Done::default()
        })
    }

    /// The question itself.
    fn can_it_be_done(&self, decision: Decision) -> Decision {
        let document = &self.message.ordering_key;
        match decision {
            Decision::Fail(failure) => Decision::Fail(failure),
            // Nobody waits for the answer in the document's own lane any more.
            Decision::Wait { failure, .. } if self.is_asked(&failure) => Decision::Fail(failure),
            Decision::Act(_) => self.ends(format!("The change of {document} can be announced now.")),
            // Whoever asked the warehouse waits for its answer in the document's own lane.
            _ => self.ends(format!("Nothing of the change of {document} is left to be settled.")),
        }
    }

    fn ends(&self, what: String) -> Decision {
        let settled = self.history.latest().map(|sent| {
            let (reference, warehouse) = (&sent.created.reference, &sent.created.warehouse);
            Past {
                key: keys::change_settled(warehouse, reference, self.message.message_id),
                act: SETTLED.to_owned(),
                connection: warehouse.to_string(),
                facts: kept(&EndedReference { reference: reference.clone() }),
            }
        });
        Decision::Done(Done {
            facts: settled.into_iter().collect(),
            emits: vec![self.once_more(ANNOUNCES_AFTER_ALL)],
            steps: vec![("drayline".to_owned(), what)],
            ..Done::default()
        })
    }

    pub(super) fn once_more(&self, purpose: &'static str) -> Emit {
        Emit { purpose, ordinal: 0, body: self.message.body.clone(), about: None }
    }
}

fn is_too_late(failure: &Failure) -> bool {
    matches!(failure.code, Code::InboundChanged | Code::InboundCancelledTooLate)
}
