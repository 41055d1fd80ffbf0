//! What of a receipt could not be posted: a question of its own, so that no later report waits for the answer.
//!
//! Reports are totals, and a later one contains an earlier one. So a report ends as soon as it is counted, and what of it could
//! not be posted is asked in the lane of its document's questions (`Envelope::questions_lane`), where it becomes a person's.
//!
//! ```text
//! GoodsReceived ──► counted, what is clear is posted ──► applied ──┬──► the next report
//!                                                                  └──► question ──► looks again: still not ──► a person
//!                                                                           │  └──► told anew, or settled: it ends by itself
//!                                                                           └─────► it can be posted: a message that does it
//! ```
//!
//! The first question of a document looks again when a report or an event about the document was worked on, and when it is
//! replayed. Invariant: a question changes nothing itself; what it finds to be done, a message in the document's lane does,
//! so that no two attempts of a document ever act at a time.

use std::cmp::Ordering;

use super::received::Received;
use crate::flows::answer::{Decision, Done, Emit};
use crate::flows::ledger::{EndedReference, Ledger};
use crate::flows::reports::{AskedForTheRest, CountedReceipt};
use crate::message::{ASKS_WHAT_NOW, Body, GoodsReceived, ReceivedLine, ReturnReceived, record_id};

/// The purpose of a message that posts what a report left: what a question was about, or what waits for what goes first.
pub(super) const POSTS_AFTER_ALL: &str = "again";

/// Whether anything was ever asked about a document's receipts, or about a change that came too late for them.
pub(in crate::flows) fn was_anything_asked(ledger: &Ledger) -> bool {
    let counted = ledger.facts::<CountedReceipt>("count_receipt");
    counted.iter().any(|counted| counted.asked)
        || !ledger.facts::<AskedForTheRest>("short_receipt").is_empty()
        || !ledger.facts::<EndedReference>("change_too_late").is_empty()
}

/// What a report says, as one word.
pub(super) fn said(body: &GoodsReceived) -> String {
    let lines = Body::GoodsReceived(body.clone()).to_json().get("lines").map(ToString::to_string);
    record_id(&[&lines.unwrap_or_default()])
}

impl Received<'_> {
    /// The report is worked on, and a person is asked about the rest of it.
    pub(super) fn left_to_a_question(&self, news: &[String]) -> Done {
        let mut done = self.done(&CountedReceipt { asked: true, ..self.counted(news) });
        done.emits.push(self.once_more(ASKS_WHAT_NOW));
        done
    }

    /// The question itself.
    pub(super) fn can_it_be_posted(&self) -> Decision {
        if self.is_told_since() {
            let what = format!("Nothing new: a newer report of {} speaks of all of it.", self.report.receipt);
            return Decision::NotOurs(what);
        }
        if let Some(failure) = &self.uncounted {
            return Decision::Fail(failure.clone());
        }
        let (_, outcome) = self.weighed();
        if self.waits(&outcome).is_some() || !outcome.lines.is_empty() {
            let what = format!("What could not be posted of {} can be now.", self.report.receipt);
            let steps = vec![("drayline".to_owned(), what)];
            return Decision::Done(Done { steps, emits: vec![self.once_more(POSTS_AFTER_ALL)], ..Done::default() });
        }
        match self.failure(outcome.problems).or_else(|| self.given_up()) {
            Some(failure) => Decision::Fail(failure),
            None => Decision::NotOurs(format!("Nothing of {} is left to be posted.", self.report.receipt)),
        }
    }

    /// The same report, as it stands among its receipt's.
    pub(super) fn once_more(&self, purpose: &'static str) -> Emit {
        let sequence = self.report.reported.sequence;
        let body = match self.came_back {
            Some(came_back) => Body::ReturnReceived(ReturnReceived { sequence, ..came_back.body.clone() }),
            None => Body::GoodsReceived(GoodsReceived { sequence, ..self.body.clone() }),
        };
        Emit { purpose, ordinal: 0, body, about: None }
    }

    /// Every line and item that it speaks of, as the warehouse names them; nothing where nobody knows what it means by it.
    pub(super) fn spoke(&self) -> Vec<String> {
        let lines = self.body.lines.iter().filter(|_| self.uncounted.is_none());
        let mut spoke: Vec<String> = lines.map(name).collect();
        spoke.sort();
        spoke.dedup();
        spoke
    }

    /// The lines of which a newer total was reported. What is added stays true, whatever is added later.
    pub(super) fn told_since(&self) -> Vec<&ReceivedLine> {
        let newer = |counted: &CountedReceipt| {
            self.report.fact.is_none()
                && counted.fact.is_none()
                && self.report.reported.compare(&counted.reported) == Some(Ordering::Less)
        };
        let newer: Vec<CountedReceipt> = self.report.counted().filter(newer).collect();
        let told = |line: &&ReceivedLine| newer.iter().any(|counted| counted.spoke.contains(&name(line)));
        self.body.lines.iter().filter(told).collect()
    }

    /// Whether newer reports tell of all of it.
    pub(super) fn is_told_since(&self) -> bool {
        !self.body.lines.is_empty() && self.told_since().len() == self.body.lines.len()
    }
}

fn name(line: &ReceivedLine) -> String {
    let named = line.line.as_ref().and_then(|line| line.order_line_id.as_deref());
    format!("{} {}", named.unwrap_or("*"), line.item.sku)
}
