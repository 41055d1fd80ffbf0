//! The plan for an adjustment whose journal is written: it is not posted before the journal is.

use super::AdjustedStock;
use super::adjusted::Adjusted;
use super::contents::Movement;
use crate::failure::{Code, Failure};
use crate::flows::answer::{Call, Decision, Planned, Repeat};
use crate::flows::ledger::kept;
use crate::gateways::{JournalState, StockJournal};

impl Adjusted<'_> {
    /// What is left to do until the journal is posted; nothing when it is, or when the adjustment is none.
    pub(super) fn journal(&self, posted: &AdjustedStock) -> Option<Decision> {
        let journal = posted.journal.as_ref()?;
        let key = format!("{}/journal", self.key(posted));
        let (number, sku) = (&journal.number, &self.body.item.sku);
        match self.look.journal {
            Some(JournalState::Posted) => None,
            Some(JournalState::Missing) => Some(Decision::Fail(Failure::new(
                Code::AdjustmentJournalMissing,
                format!(
                    "The journal {number} with the adjustment {} of {sku} is not in Dynamics any more, and nothing says that \
                     it was posted. Find out who deleted it; post the adjustment in Dynamics by hand, then discard this.",
                    posted.adjustment_key
                ),
            ))),
            // It was written just now: what became of it is seen at the next look.
            Some(JournalState::Open) | None => Some(match self.ledger.refusal("post_journal") {
                Some(refusal) => self.refused(refusal),
                None if self.serviced() && !self.ledger.has(&key) => {
                    Decision::Act(vec![self.post_journal(journal, key)])
                }
                None => self.overdue(posted, journal),
            }),
        }
    }

    /// Journals count in stock units, which nobody knows before the items were read once: that is looked for again.
    pub(super) fn units_unread(&self, movements: &[Movement<'_>]) -> Option<Decision> {
        let needed = self.look.rules.by_journal().is_some() && movements.iter().any(|movement| movement.unit.is_some());
        let failure = self.words.items_unread().filter(|_| needed)?;
        Some(Decision::Later { woken_by: None, failure })
    }

    fn serviced(&self) -> bool {
        !self.look.rules.journals.service.is_empty()
    }

    fn post_journal(&self, journal: &StockJournal, key: String) -> Planned {
        Planned {
            key,
            act: "post_journal",
            connection: self.look.environment.clone(),
            class: Repeat::Absorbs,
            call: Call::PostJournal(journal.clone()),
            facts: kept(journal),
        }
    }

    /// Nobody but Dynamics can do anything; who posts it is said to the person who gets it at the deadline.
    fn overdue(&self, posted: &AdjustedStock, journal: &StockJournal) -> Decision {
        let (number, sku, environment) = (&journal.number, &self.body.item.sku, &self.look.environment);
        let who = if self.serviced() {
            format!("The service {} took it and has not posted it.", self.look.rules.journals.service)
        } else {
            format!("A job in {environment} posts such journals; see whether it runs and what it says of this one.")
        };
        let sentence = format!(
            "The journal {number} with the adjustment {} of {sku} is in Dynamics and is not posted. {who} Post it there, then \
             replay this.",
            posted.adjustment_key
        );
        Decision::Later { woken_by: None, failure: Failure::new(Code::DynamicsPostingOverdue, sentence) }
    }
}
