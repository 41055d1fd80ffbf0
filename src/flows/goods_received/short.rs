//! What is missing of a receipt that is complete: a question of its own, so that it holds up no later report.
//!
//! It is a question like those about what could not be posted (`questions.rs`): it changes nothing, becomes a person's, and
//! looks again when more is reported, or when it is replayed.

use rust_decimal::Decimal;

use super::received::Received;
use crate::failure::{Code, Failure};
use crate::flows::answer::{Decision, Done, Past};
use crate::flows::history::moved;
use crate::flows::keys;
use crate::flows::ledger::{OrderedLine, kept};
use crate::flows::reports::AskedForTheRest;
use crate::message::ASKS_FOR_THE_REST;

/// How much of a line did not come.
pub(super) struct Short<'a> {
    line: &'a OrderedLine,
    missing: Decimal,
    /// Whether that is more than the line tolerates.
    pub(super) beyond: bool,
}

impl Received<'_> {
    /// Every line of which something is missing.
    pub(super) fn shorts(&self) -> impl Iterator<Item = Short<'_>> {
        self.lines.iter().filter_map(|line| self.short(line))
    }

    fn short<'a>(&self, line: &'a OrderedLine) -> Option<Short<'a>> {
        let missing = line.quantity - moved(self.report.postings, &line.line_id);
        let tolerated = line.quantity * line.under_percent / Decimal::ONE_HUNDRED;
        (missing > Decimal::ZERO).then_some(Short { line, missing, beyond: missing > tolerated })
    }

    /// What is missing beyond tolerance, in sentences; nothing while more may come, or where Dynamics wants it no more.
    fn beyond(&self) -> Vec<String> {
        let wanted = self.look.order.released.as_ref().is_some_and(|released| !released.cancelled);
        // A customer may keep a part of what he was to send back.
        let over = wanted && self.is_final() && self.came_back.is_none();
        self.shorts().filter(|short| over && short.beyond).map(|short| short.to_string()).collect()
    }

    /// Asks a person for the rest, once for what is missing.
    pub(super) fn ask_for_the_rest(&self, mut done: Done) -> Decision {
        let missing = self.beyond();
        let (warehouse, reference) = (self.report.warehouse, &self.sent.created.reference);
        let key = keys::short_receipt(warehouse, reference, &missing);
        if !missing.is_empty() && !self.report.ledger.has(&key) {
            let reported = Some(self.report.reported);
            let facts = kept(&AskedForTheRest { reference: reference.clone(), reported });
            done.facts.push(Past { key, act: "short_receipt".to_owned(), connection: warehouse.to_string(), facts });
            done.emits.push(self.once_more(ASKS_FOR_THE_REST));
        }
        Decision::Done(done)
    }

    /// The question itself.
    pub(super) fn is_the_rest_there(&self) -> Decision {
        let missing = self.beyond();
        let (warehouse, reference) = (self.report.warehouse, &self.sent.created.reference);
        if missing.is_empty() {
            let step = format!("Nothing of {reference} is missing any more.");
            return Decision::Done(Done { steps: vec![("drayline".to_owned(), step)], ..Done::default() });
        }
        if self.is_asked_by_another(&keys::short_receipt(warehouse, reference, &missing)) {
            return Decision::NotOurs(format!("Another report of {reference} asks for what is missing now."));
        }
        let sentence = format!(
            "{warehouse} has counted all of {} of {reference}. {} {}",
            self.report.receipt,
            missing.join(" "),
            Code::ReceiptShort.next_step()
        );
        Decision::Fail(Failure::new(Code::ReceiptShort, sentence))
    }

    /// Whether the same was asked because of another report than this one.
    fn is_asked_by_another(&self, key: &str) -> bool {
        self.report
            .ledger
            .kept::<AskedForTheRest>(key)
            .and_then(|asked| asked.reported)
            .is_some_and(|by| by != self.report.reported)
    }
}

impl std::fmt::Display for Short<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let OrderedLine { line_id, sku, quantity, unit, .. } = self.line;
        let (missing, quantity) = (self.missing.normalize(), quantity.normalize());
        let beyond = if self.beyond { "beyond" } else { "within" };
        write!(
            formatter,
            "Short: {missing} of {quantity} {unit} of line {line_id} ({sku}) did not come, {beyond} its tolerance."
        )
    }
}
