//! The plan for a receipt that the warehouse reports.

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::ReceiptLook;
use super::counted::{Conditions, Count, counts};
use super::posting::{Outcome, Report, falls, pieces};
use super::said::{fact, lines};
use crate::failure::{Code, Failure};
use crate::flows::answer::{Call, Decision, Done, KnownDocument, Past, Planned, Repeat};
use crate::flows::history::{History, SentOrder, moved, postings};
use crate::flows::keys;
use crate::flows::ledger::{CancelledOrder, Ledger, OrderedLine, PostedDimension, PostedLine, PostedUpdate, kept};
use crate::flows::meant::order_meant;
use crate::flows::periods::{self, Moved};
use crate::flows::reading::{Problem, Reading};
use crate::flows::reports::{CountedReceipt, Reported};
use crate::flows::returns;
use crate::flows::shipments::{is_posted, poll};
use crate::flows::slots::Slot;
use crate::gateways::Direction;
use crate::mapping::{At, Mapping};
use crate::message::{Envelope, GoodsReceived, Kind, Origin, ReceiptStateCode, ReturnReceived, Serial, TimePrecision};

pub(super) fn plan(
    (message, body): (&Envelope, &GoodsReceived),
    look: &ReceiptLook,
    mapping: &Mapping,
    ledger: &Ledger,
) -> Decision {
    let history = History::of(ledger);
    let passes = Some(Kind::ReceiptAnnounced);
    match order_meant(message, &body.inbound_order, &look.order.environment, &history, passes) {
        Ok(sent) => of((message, body), (look, sent), mapping, ledger, None),
        Err(decision) => *decision,
    }
}

/// What tells goods that came back from goods that were expected.
pub(in crate::flows) struct CameBack<'a> {
    /// As it was told.
    pub(in crate::flows) body: &'a ReturnReceived,
    /// What becomes of each line of the receipt that it is counted as.
    pub(in crate::flows) conditions: &'a Conditions<'a>,
}

/// Decides about a receipt of an order that we announced; goods that came back are counted as a receipt, too.
pub(in crate::flows) fn of(
    (message, body): (&Envelope, &GoodsReceived),
    (look, sent): (&ReceiptLook, &SentOrder),
    mapping: &Mapping,
    ledger: &Ledger,
    came_back: Option<&CameBack<'_>>,
) -> Decision {
    let postings = postings(ledger);
    let (fact, uncounted) = match fact(message, body) {
        Ok(fact) => (fact, None),
        Err(failure) => (None, Some(failure)),
    };
    let report = Report {
        receipt: body.receipt_key.as_str(),
        warehouse: &message.connection,
        reported: Reported {
            sequence: body.sequence.or(message.sequence),
            at: message.occurred.at,
            exact: message.occurred.precision != TimePrecision::ReceiveTime,
        },
        said: fact.as_ref().map(|_| super::questions::said(body)).unwrap_or_default(),
        fact,
        again: message.origin == Origin::Emitted,
        ledger,
        postings: &postings,
        cancelled: look.order.released.as_ref().is_some_and(|released| released.cancelled),
        reversals: look.receiving.reversals,
    };
    let (environment, legal_entity) = (&look.order.environment, Some(&sent.created.legal_entity));
    let meanings = mapping.at(At { environment, legal_entity, connection: &message.connection });
    let lines = lines(sent, (look.order.direction, look.order.released.as_ref()), &meanings);
    let reading = Reading::new(meanings, Code::ReceiptUnitDiffers);
    let received = Received { message, body, look, sent, lines: &lines, report, uncounted, reading, came_back };
    if message.asks_for_the_rest() {
        return received.is_the_rest_there();
    }
    if message.asks_what_now() {
        return received.can_it_be_posted();
    }
    match body.state.code {
        // Arrival is not receipt, whatever quantities come with it.
        ReceiptStateCode::Arrived => received.arrived(),
        ReceiptStateCode::InProgress
        | ReceiptStateCode::Partial
        | ReceiptStateCode::Complete
        | ReceiptStateCode::Cancelled
        | ReceiptStateCode::Other => received.count(),
    }
}

/// A reported receipt of an announcement that we know.
pub(super) struct Received<'a> {
    pub(super) message: &'a Envelope,
    pub(super) body: &'a GoodsReceived,
    pub(super) look: &'a ReceiptLook,
    pub(super) sent: &'a SentOrder,
    pub(super) lines: &'a [OrderedLine],
    pub(super) report: Report<'a>,
    /// Why nothing of it can be counted, where that is so.
    pub(super) uncounted: Option<Failure>,
    reading: Reading<'a>,
    /// What is known of goods that came back.
    pub(super) came_back: Option<&'a CameBack<'a>>,
}

impl Received<'_> {
    fn arrived(&self) -> Decision {
        let what = format!("Has the goods of {} at its door.", self.sent.created.reference);
        Decision::Done(Done { steps: vec![(self.report.warehouse.to_string(), what)], ..Done::default() })
    }

    fn count(&self) -> Decision {
        if self.uncounted.is_some() {
            return Decision::Done(self.left_to_a_question(&[]));
        }
        let created = &self.sent.created;
        if created.moved_before_us(self.moved_at()) {
            let (receipt, at, reference) = (self.report.receipt, self.moved_at(), &created.reference);
            return Decision::NotOurs(format!(
                "{receipt} of {reference} came in at {at}, before go-live: it was posted by others."
            ));
        }
        let (counts, outcome) = self.weighed();
        if let Some(decision) = self.goes_on_later(&outcome).or_else(|| self.waits(&outcome)) {
            return decision;
        }
        if !outcome.lines.is_empty() {
            let environment = &self.look.order.environment;
            let moved = Moved { at: self.moved_at(), environment, legal_entity: &created.legal_entity };
            let posts = || Decision::Act(vec![self.post(outcome.lines)]);
            return periods::waits(&self.look.calendar, &moved).unwrap_or_else(posts);
        }
        if self.says_nothing_new(&counts, &outcome) {
            let receipt = self.report.receipt;
            return Decision::NotOurs(format!(
                "Nothing new: as much or something newer is known of the receipt {receipt}."
            ));
        }
        if self.failure(outcome.problems).or_else(|| self.given_up()).is_some() {
            return Decision::Done(self.left_to_a_question(&outcome.news));
        }
        self.ask_for_the_rest(self.done(&self.counted(&outcome.news)))
    }

    /// What it says, line by line, and what that comes to.
    pub(super) fn weighed(&self) -> (Vec<Count>, Outcome) {
        let before = |line: &OrderedLine| moved(self.report.postings, &line.line_id);
        let slots: Vec<Slot<'_>> = self.lines.iter().map(|line| Slot::of(line, before(line))).collect();
        let (counts, unclear) = if self.body.state.code == ReceiptStateCode::Cancelled {
            (Self::nothing(&slots), Vec::new())
        } else {
            let conditions = self.came_back.map(|came_back| came_back.conditions);
            counts((self.body, &self.told_since()), &slots, (&self.look.receiving, conditions), &self.reading)
        };
        let mut outcome = self.report.weigh(&counts, slots);
        outcome.problems.extend(unclear);
        (counts, outcome)
    }

    /// A receipt that was cancelled has received nothing of any line, whatever it reported before.
    fn nothing(slots: &[Slot<'_>]) -> Vec<Count> {
        let of = |(place, slot): (usize, &Slot<'_>)| Count {
            fits: vec![place],
            sku: slot.line.sku.clone(),
            pieces: Vec::new(),
        };
        slots.iter().enumerate().map(of).collect()
    }

    fn post(&self, lines: Vec<PostedLine>) -> Planned {
        let Report { receipt, warehouse, reported, ref fact, .. } = self.report;
        let environment = &self.look.order.environment;
        let turn = fact.clone().unwrap_or_else(|| self.corrections(&lines).to_string());
        let facts = keys::ReceiptFacts { environment, warehouse, receipt, turn: &turn, reached: &self.reached(&lines) };
        let update_id = facts.update_id();
        let posted = PostedUpdate {
            direction: self.look.order.direction,
            shipment_key: receipt.to_owned(),
            warehouse: warehouse.clone(),
            sequence: reported.sequence,
            digest: String::new(),
            packing_slip: keys::packing_slip(&update_id, keys::bare(receipt)),
            update_id,
            reference: self.sent.created.reference.clone(),
            legal_entity: self.sent.created.legal_entity.clone(),
            origin_id: self.sent.created.origin_id.clone(),
            moved_at: self.moved_at(),
            lines,
            packages: Vec::new(),
            reported: Some(reported),
            fact: fact.clone(),
            mapping: self.reading.version(),
        };
        Planned {
            key: facts.post_receipt(),
            act: "post_receipt",
            connection: environment.clone(),
            class: Repeat::Findable,
            call: Call::PostShipment(posted.update()),
            facts: kept(&posted),
        }
    }

    fn moved_at(&self) -> Timestamp {
        self.body.completed_at.unwrap_or(self.message.occurred.at)
    }

    /// How often this receipt was corrected downwards, this time included: 3, 5, 3 and 5 are four effects.
    fn corrections(&self, lines: &[PostedLine]) -> usize {
        let corrects = |lines: &[PostedLine]| lines.iter().flat_map(pieces).any(|piece| falls(&piece));
        self.report.mine().filter(|posted| corrects(&posted.lines)).count() + usize::from(corrects(lines))
    }

    /// What of every piece will be posted of this receipt (of this fact, where it adds) then.
    fn reached(&self, lines: &[PostedLine]) -> Vec<String> {
        let fact = &self.report.fact;
        let before = self.report.mine().filter(|posted| fact.is_none() || posted.fact == *fact);
        let before: Vec<&PostedLine> = before.flat_map(|posted| &posted.lines).collect();
        let reached = |line: &PostedLine, piece: &PostedDimension| {
            let same = before.iter().filter(|each| each.line_id == line.line_id).flat_map(|each| pieces(each));
            let sum: Decimal = same.filter(|each| each.is_same(piece)).map(|each| each.quantity).sum();
            let word = |text: Option<&str>| text.unwrap_or_default().to_owned();
            let PostedDimension { lot, serial, status, disposition, quantity } = piece;
            let words =
                [lot.as_deref(), serial.as_ref().map(Serial::as_str), status.as_deref(), disposition.as_deref()];
            format!("{} {} {}", line.line_id, words.map(word).join("/"), (sum + quantity).normalize())
        };
        let mut all: Vec<_> =
            lines.iter().flat_map(|line| pieces(line).into_iter().map(|piece| reached(line, &piece))).collect();
        all.sort();
        all
    }

    fn says_nothing_new(&self, counts: &[Count], outcome: &Outcome) -> bool {
        let unsettled = self.report.own().any(|posted| !is_posted(self.report.ledger, &posted.update_id));
        let told = !counts.is_empty() || self.is_told_since();
        let stale = outcome.news.is_empty() && outcome.problems.is_empty() && told;
        let again = !self.report.again && self.report.ledger.has(&keys::count_receipt(&self.counted(&outcome.news)));
        !unsettled && (stale || again)
    }

    /// One failure for all that is wrong: the first one's code, and every sentence.
    pub(super) fn failure(&self, problems: Vec<Problem>) -> Option<Failure> {
        let (receipt, reference) = (keys::bare(self.report.receipt), &self.sent.created.reference);
        let what_came = if self.came_back.is_some() { "return" } else { "receipt" };
        let mut problems = problems.into_iter();
        let first = problems.next()?;
        let rest: Vec<_> = problems.map(|problem| problem.what).collect();
        let next = first.code.next_step();
        let failure = first
            .failure(|what| format!("Not all of the {what_came} {receipt} of {reference} is posted: {what} {next}"));
        Some(if rest.is_empty() { failure } else { failure.with_detail(rest.join(" ")) })
    }

    /// The warehouse gave up what was announced to it, and Dynamics still wants it.
    pub(super) fn given_up(&self) -> Option<Failure> {
        let created = &self.sent.created;
        let whole = self.body.state.code == ReceiptStateCode::Cancelled && self.report.receipt == created.order_id;
        let released = self.look.order.released.as_ref();
        let wanted = released.is_some_and(|released| !released.cancelled && released.version <= created.version);
        let ours = self.sent.cancel.is_some() || self.sent.end.is_some();
        (whole && wanted && !ours).then(|| {
            let sentence = format!(
                "{} gave up the inbound order {} without our asking. {}",
                created.warehouse,
                created.reference,
                Code::InboundRejected.next_step()
            );
            Failure::new(Code::InboundRejected, sentence)
        })
    }

    pub(super) fn counted(&self, news: &[String]) -> CountedReceipt {
        let Report { receipt, warehouse, reported, ref fact, .. } = self.report;
        let mut lines = news.to_vec();
        lines.sort();
        CountedReceipt {
            receipt_key: receipt.to_owned(),
            warehouse: warehouse.clone(),
            reference: self.sent.created.reference.clone(),
            reported,
            fact: fact.clone(),
            lines,
            spoke: self.spoke(),
            said: self.report.said.clone(),
            asked: false,
            is_final: self.is_final(),
        }
    }

    /// That something of what came back is to be credited.
    fn owes(&self, posted: &PostedUpdate) -> Option<Past> {
        self.came_back.and_then(|_| returns::owes(posted, &self.look.order))
    }

    pub(super) fn is_final(&self) -> bool {
        self.body.is_final || self.body.state.code == ReceiptStateCode::Complete
    }

    pub(super) fn done(&self, counted: &CountedReceipt) -> Done {
        let Report { receipt, warehouse, ledger, .. } = self.report;
        let environment = &self.look.order.environment;
        let (own, created) = (self.report.own().collect::<Vec<_>>(), &self.sent.created);
        let (settled, unsettled): (Vec<&PostedUpdate>, Vec<&PostedUpdate>) =
            own.iter().copied().partition(|posted| is_posted(ledger, &posted.update_id));
        let mut emits: Vec<_> = (0..).zip(unsettled).filter_map(|(ordinal, posted)| poll(posted, ordinal)).collect();
        // What a person posted by hand is posted, and is to be credited nevertheless.
        let owing = settled.into_iter().find(|posted| self.owes(posted).is_some());
        emits.extend(owing.and_then(returns::until_credited));
        let mut facts = vec![Past {
            key: keys::count_receipt(counted),
            act: "count_receipt".to_owned(),
            connection: warehouse.to_string(),
            facts: kept(counted),
        }];
        facts.extend(own.iter().filter_map(|posted| self.owes(posted)));
        let label = if self.came_back.is_some() { "return" } else { "receipt" };
        let mut names = vec![(label.to_owned(), keys::bare(receipt).to_owned())];
        names.extend(own.iter().map(|posted| ("receipt_number".to_owned(), posted.packing_slip.clone())));
        let mut documents = vec![
            KnownDocument {
                key: self.message.ordering_key.to_string(),
                kind: self.look.order.direction.document(),
                names,
            },
            KnownDocument { key: keys::receipt_name(warehouse, receipt), kind: "receipt", names: Vec::new() },
        ];
        let asked = self.sent.cancel.as_ref().is_some_and(|cancel| cancel.outcome != "CONFIRMED");
        if asked && self.body.state.code == ReceiptStateCode::Cancelled {
            let (reference, outcome) = (created.reference.clone(), "CONFIRMED".to_owned());
            facts.push(Past {
                key: keys::cancel_resolved(Direction::Inbound, &created.warehouse, &reference, &outcome),
                act: "cancel_resolved".to_owned(),
                connection: warehouse.to_string(),
                facts: kept(&CancelledOrder { reference: reference.clone(), outcome, text: String::new() }),
            });
            let key = keys::cancel_name(Direction::Inbound, environment, &reference);
            documents.push(KnownDocument { key, kind: "cancellation", names: Vec::new() });
        }
        facts.retain(|fact| !ledger.has(&fact.key));
        Done { facts, emits, documents, steps: self.steps(&own), ..Done::default() }
    }
}
