//! From what is counted to what is posted: the difference to what was posted before, line by line, piece by piece.

use std::cmp::Ordering;

use rust_decimal::Decimal;

use super::counted::Count;
use crate::failure::Code;
use crate::flows::ledger::{Ledger, PostedDimension, PostedLine, PostedUpdate};
use crate::flows::reading::Problem;
use crate::flows::reports::{CountedReceipt, Reported};
use crate::flows::shipments::is_posted;
use crate::flows::slots::{self, Slot};
use crate::message::Connection;
use crate::rehearsal::{Variant, broken};

/// One report of a receipt, and what is known of the receipt.
pub(super) struct Report<'a> {
    pub(super) receipt: &'a str,
    pub(super) warehouse: &'a Connection,
    pub(super) reported: Reported,
    /// The sender's own id of the fact, where it reports what is added and not totals.
    pub(super) fact: Option<String>,
    /// What is added, in the warehouse's words; empty where it reports totals.
    pub(super) said: String,
    /// It was worked on before, and is looked at once more.
    pub(super) again: bool,
    pub(super) ledger: &'a Ledger,
    pub(super) postings: &'a [PostedUpdate],
    /// Whether the inbound order was cancelled in Dynamics.
    pub(super) cancelled: bool,
    /// Whether Dynamics takes updates that take goods back.
    pub(super) reversals: bool,
}

/// What a report comes to.
#[derive(Default)]
pub(super) struct Outcome {
    /// What is to be posted.
    pub(super) lines: Vec<PostedLine>,
    /// What of it cannot be.
    pub(super) problems: Vec<Problem>,
    /// What has to be processed by Dynamics before goods can be taken back, or come in again.
    pub(super) first: Option<PostedUpdate>,
    /// Less is there than a report takes back.
    pub(super) too_little: bool,
    /// The lines for which no newer report is known.
    pub(super) news: Vec<String>,
}

impl Report<'_> {
    /// Weighs every count against what was posted.
    pub(super) fn weigh(&self, counts: &[Count], mut slots: Vec<Slot<'_>>) -> Outcome {
        let mut outcome = Outcome::default();
        for count in counts {
            self.weigh_one(count, &mut slots, &mut outcome);
        }
        for slot in &mut slots {
            slot.pieces.retain(|piece| !piece.quantity.is_zero());
            // A piece that is decided anew falls here and rises there: what falls goes first, in an update of its own.
            if slot.pieces.iter().any(falls) {
                slot.pieces.retain(falls);
            }
        }
        outcome.lines = slots.into_iter().filter(|slot| !slot.pieces.is_empty()).map(Slot::posted).collect();
        outcome
    }

    fn weigh_one(&self, count: &Count, slots: &mut [Slot<'_>], outcome: &mut Outcome) {
        let lines: Vec<String> = lines(slots, &count.fits).map(str::to_owned).collect();
        let standing = self.standing(&lines);
        if self.fact.is_none() && standing == Standing::Older {
            return;
        }
        outcome.news.extend(lines.iter().cloned());
        let differences = self.differences(count, &lines);
        let any_falls = differences.iter().any(falls);
        if let Some(problem) = self.objection(count, &differences, (any_falls, standing)) {
            outcome.problems.push(problem);
            return;
        }
        for piece in differences.iter().filter(|piece| falls(piece)) {
            let left = self.take_back(slots, &count.fits, piece);
            outcome.too_little |= !left.is_zero();
        }
        if any_falls {
            let waits = |posted: &&PostedUpdate| touches(posted, &lines) && !is_posted(self.ledger, &posted.update_id);
            outcome.first = outcome.first.take().or_else(|| self.mine().find(waits).cloned());
        }
        let rises: Vec<_> = differences.iter().filter(|piece| !falls(piece)).collect();
        if !rises.is_empty() {
            outcome.first = outcome.first.take().or_else(|| self.on_its_way_back(&lines).cloned());
        }
        if self.cancelled && !rises.is_empty() {
            let what = format!("{} came, but the order was cancelled in Dynamics.", count.sku);
            outcome.problems.push((Code::ReceiptCancelledOrder, what).into());
            return;
        }
        let beyond: Decimal = rises.into_iter().map(|piece| slots::fill(slots, &count.fits, piece)).sum();
        if !beyond.is_zero() {
            let ordered: Decimal =
                count.fits.iter().filter_map(|place| slots.get(*place)).map(|slot| slot.line.quantity).sum();
            let (beyond, ordered) = (beyond.normalize(), ordered.normalize());
            let what = format!(
                "{beyond} of {} are more than the {ordered} that were ordered and what the order tolerates above it.",
                count.sku
            );
            outcome.problems.push((Code::ReceiptExceedsOrder, what).into());
        }
    }

    /// What takes goods of these lines back and is not posted yet. Dynamics posts in no order: what rises after it would be more
    /// than was ordered, were it posted first. A report does not wait for what it took back itself, until it ends nobody looks
    /// what became of that; what rises and could not be posted with it is a person's.
    fn on_its_way_back(&self, lines: &[String]) -> Option<&PostedUpdate> {
        let takes_back = |posted: &PostedUpdate| {
            let of_them = posted.lines.iter().filter(|line| lines.contains(&line.line_id));
            of_them.flat_map(pieces).any(|piece| falls(&piece))
        };
        self.postings.iter().find(|posted| takes_back(posted) && !is_posted(self.ledger, &posted.update_id))
    }

    /// Why the differences of a count are not posted, if they are not.
    fn objection(
        &self,
        count: &Count,
        differences: &[PostedDimension],
        (any_falls, standing): (bool, Standing),
    ) -> Option<Problem> {
        let sku = &count.sku;
        if self.fact.is_some() {
            let counted = self.counted().any(|counted| counted.fact == self.fact && counted.said != self.said);
            let again = counted && !differences.is_empty();
            let what = || format!("it says again how much of {sku} was added, and says something else.");
            return again.then(|| (Code::ReceiptDiffers, what()).into());
        }
        if count.pieces.iter().any(|piece| falls(piece) && !piece.quantity.is_zero()) {
            return Some((Code::ReceiptDiffers, format!("a total of {sku} is less than nothing.")).into());
        }
        if any_falls && standing != Standing::Newest {
            let what =
                format!("less of {sku} is reported than was posted, and nothing says that this is the newer word.");
            return Some((Code::ReceiptSmaller, what).into());
        }
        let what = || format!("less of {sku} came than was posted, and this environment takes no reversal.");
        (any_falls && !self.reversals).then(|| (Code::ReceiptReversed, what()).into())
    }

    /// How each piece differs from what was posted of it, on any of the lines.
    fn differences(&self, count: &Count, lines: &[String]) -> Vec<PostedDimension> {
        let mut differences = count.pieces.clone();
        let before = self.mine().filter(|posted| self.fact.is_none() || posted.fact == self.fact);
        let before =
            before.filter(|posted| posted.reported == Some(self.reported) || !broken(Variant::TotalTakenForDifference));
        for piece in
            before.flat_map(|posted| &posted.lines).filter(|line| lines.contains(&line.line_id)).flat_map(pieces)
        {
            match differences.iter_mut().find(|known| known.is_same(&piece)) {
                Some(known) => known.quantity -= piece.quantity,
                None => differences.push(PostedDimension { quantity: -piece.quantity, ..piece }),
            }
        }
        differences.retain(|piece| !piece.quantity.is_zero());
        differences
    }

    /// Takes a piece back from the lines that this receipt brought it to, last line first; answers what is not there.
    fn take_back(&self, slots: &mut [Slot<'_>], fits: &[usize], piece: &PostedDimension) -> Decimal {
        let mut left = -piece.quantity;
        for place in fits.iter().rev() {
            let Some(slot) = slots.get_mut(*place) else { continue };
            let same = |lines: &PostedLine| -> Decimal {
                let pieces = pieces(lines).into_iter().filter(|each| each.is_same(piece));
                pieces.map(|each| each.quantity).sum()
            };
            let of_line = |posted: &&PostedUpdate| posted.lines.iter().any(|line| line.line_id == slot.line.line_id);
            let posted = self.mine().filter(of_line).flat_map(|posted| &posted.lines);
            let there: Decimal = posted.filter(|line| line.line_id == slot.line.line_id).map(same).sum();
            let here =
                slot.pieces.iter().find(|each| each.is_same(piece)).map(|each| each.quantity).unwrap_or_default();
            let taken = left.min(there + here).max(Decimal::ZERO);
            slot.take(piece, -taken);
            left -= taken;
        }
        left
    }

    /// What was posted of this receipt.
    pub(super) fn mine(&self) -> impl Iterator<Item = &PostedUpdate> {
        let mine = |posted: &&PostedUpdate| posted.shipment_key == self.receipt && posted.warehouse == *self.warehouse;
        self.postings.iter().filter(mine)
    }

    /// What was posted because of this very report.
    pub(super) fn own(&self) -> impl Iterator<Item = &PostedUpdate> {
        self.mine().filter(|posted| posted.reported == Some(self.reported) && posted.fact == self.fact)
    }

    /// The reports of this receipt that were worked on.
    pub(super) fn counted(&self) -> impl Iterator<Item = CountedReceipt> {
        let counted = self.ledger.facts::<CountedReceipt>("count_receipt").into_iter();
        counted.filter(|counted| counted.receipt_key == self.receipt && counted.warehouse == *self.warehouse)
    }

    /// Where this report stands among those that speak of these lines.
    fn standing(&self, lines: &[String]) -> Standing {
        let Some(newest) = self.newest(lines) else { return Standing::Newest };
        match self.reported.compare(&newest) {
            Some(Ordering::Greater) => Standing::Newest,
            Some(Ordering::Less) => Standing::Older,
            // It stands among those that were worked on itself.
            Some(Ordering::Equal) if self.again => Standing::Newest,
            Some(Ordering::Equal) | None => Standing::Untold,
        }
    }

    /// The newest report of any of these lines.
    fn newest(&self, lines: &[String]) -> Option<Reported> {
        let counted = self.counted().filter(|counted| counted.lines.iter().any(|line| lines.contains(line)));
        let posted = self.mine().filter(|posted| touches(posted, lines)).filter_map(|posted| posted.reported);
        let mut all = counted.map(|counted| counted.reported).chain(posted.collect::<Vec<_>>());
        let first = all.next()?;
        Some(
            all.fold(
                first,
                |newest, each| if each.compare(&newest) == Some(Ordering::Greater) { each } else { newest },
            ),
        )
    }
}

/// Where a report stands among those of its receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// Nothing newer is known.
    Newest,
    /// Something newer is known.
    Older,
    /// Nothing tells, or it is the same report.
    Untold,
}

fn touches(posted: &PostedUpdate, lines: &[String]) -> bool {
    posted.lines.iter().any(|line| lines.contains(&line.line_id))
}

/// The pieces of a posted line; one without lots, serials and conditions is one piece.
pub(super) fn pieces(line: &PostedLine) -> Vec<PostedDimension> {
    match line.dimensions.as_slice() {
        [] => vec![PostedDimension { quantity: line.moved, ..PostedDimension::default() }],
        pieces => pieces.to_vec(),
    }
}

/// Whether less of a piece is there than was.
pub(super) fn falls(piece: &PostedDimension) -> bool {
    piece.quantity.is_sign_negative()
}

fn lines<'s>(slots: &'s [Slot<'_>], fits: &'s [usize]) -> impl Iterator<Item = &'s str> {
    fits.iter().filter_map(|place| slots.get(*place)).map(|slot| slot.line.line_id.as_str())
}
