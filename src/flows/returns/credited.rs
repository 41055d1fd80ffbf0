//! The plan for what became of the money: a return is complete when what came back was credited, and Dynamics says so.
//!
//! We never credit. Whoever posts a piece under a crediting disposition enters in the ledger that it is owed, and waits for the
//! note; until then the return is *received but not credited*, and at the deadline it is finance's. Each update settles what it
//! owes itself, so that lists count what is open without knowing how many others there are.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::{CreditedReturn, asked};
use crate::failure::{Code, Failure};
use crate::flows::answer::{Decision, Done, Emit, Past};
use crate::flows::history::{History, postings};
use crate::flows::keys;
use crate::flows::ledger::{Ledger, PostedDimension, PostedUpdate, SettledUpdate, kept};
use crate::flows::orders::OrderLook;
use crate::flows::shipments::is_posted;
use crate::gateways::{CreditedLine, ReleasedOrder};
use crate::message::{Connection, Envelope, PostingSettled};

/// What stands before a posting whose credit is looked for.
const CREDIT: &str = "credit/";

/// Whether a message looks for a credit, not for what became of an update.
pub(in crate::flows) fn asks_for_the_credit(body: &PostingSettled) -> bool {
    body.update_id.as_str().starts_with(CREDIT)
}

/// That something of an update is to be credited. Where credits are not shown, nobody ever knows that one was given.
pub(in crate::flows) fn owes(posted: &PostedUpdate, look: &OrderLook) -> Option<Past> {
    let without_credit = look.without_credit.as_ref()?;
    let lines = posted.lines.iter().flat_map(|line| &line.dimensions);
    let owed: Decimal = lines.filter(|piece| credits(piece, without_credit)).map(|piece| piece.quantity).sum();
    let key = keys::owes_credit(&look.environment, &posted.update_id);
    (owed > Decimal::ZERO).then(|| fact((key, "owes_credit"), &look.environment, &posted.update_id))
}

/// Whether something that an update brought is to be credited and is not, as far as the ledger tells.
pub(in crate::flows) fn is_owed(posted: &PostedUpdate, ledger: &Ledger) -> bool {
    let of_it = |act| ledger.facts::<SettledUpdate>(act).iter().any(|known| known.update_id == posted.update_id);
    of_it("owes_credit") && !of_it("credit_settled")
}

fn fact((key, act): (String, &str), environment: &Connection, update_id: &str) -> Past {
    let facts = kept(&SettledUpdate { update_id: update_id.to_owned() });
    Past { key, act: act.to_owned(), connection: environment.to_string(), facts }
}

/// The message that looks until what was posted is credited.
pub(in crate::flows) fn until_credited(posted: &PostedUpdate) -> Option<Emit> {
    asked("credit", format!("{CREDIT}{}", posted.update_id))
}

pub(in crate::flows) fn plan(
    (message, body): (&Envelope, &PostingSettled),
    look: &OrderLook,
    ledger: &Ledger,
) -> Decision {
    let history = History::of(ledger);
    let (Some(sent), Some(released)) = (history.latest(), &look.released) else {
        return Decision::NotOurs(format!("Dynamics knows no return order of {} any more.", message.ordering_key));
    };
    let reference = &sent.created.reference;
    let Some(without_credit) = &look.without_credit else {
        return Decision::NotOurs(format!("Dynamics does not show what of {reference} is credited."));
    };
    // What Dynamics has not posted yet has its own look for its credit.
    let mut postings = postings(ledger);
    postings.retain(|posted| is_posted(ledger, &posted.update_id));
    let open: Vec<_> =
        released.lines.iter().filter_map(|line| open(&line.line_id, released, without_credit, &postings)).collect();
    if !open.is_empty() {
        let sentence = format!(
            "{reference} was received and is not credited: {}. {}",
            open.join(", "),
            Code::ReturnNotCredited.next_step()
        );
        return Decision::Later { woken_by: None, failure: Failure::new(Code::ReturnNotCredited, sentence) };
    }
    let mut notes: Vec<&str> = released.credits.iter().map(|credit| credit.note.as_str()).collect();
    notes.sort_unstable();
    notes.dedup();
    let mut done = Done { facts: settles(body, look, ledger).into_iter().collect(), ..Done::default() };
    let key = keys::credited(&look.environment, reference, &notes);
    if !ledger.has(&key) && !notes.is_empty() {
        done.steps.push(("dynamics".to_owned(), format!("Credited by {}.", notes.join(", "))));
        let facts = CreditedReturn { notes: notes.into_iter().map(str::to_owned).collect() };
        done.facts.push(Past {
            key,
            act: "credited".to_owned(),
            connection: look.environment.to_string(),
            facts: kept(&facts),
        });
    }
    if done.facts.is_empty() {
        return Decision::NotOurs(format!("Nothing of {reference} is to be credited that is not."));
    }
    Decision::Done(done)
}

/// That nothing is owed any more of the update whose credit the message looks for, where something was.
fn settles(body: &PostingSettled, look: &OrderLook, ledger: &Ledger) -> Option<Past> {
    let update_id = body.update_id.as_str().strip_prefix(CREDIT)?;
    let key = keys::credit_settled(&look.environment, update_id);
    let owed = ledger.has(&keys::owes_credit(&look.environment, update_id)) && !ledger.has(&key);
    owed.then(|| fact((key, "credit_settled"), &look.environment, update_id))
}

/// What of a line is posted to be credited and is not, or was taken back and is still credited, in words.
fn open(line: &str, released: &ReleasedOrder, without_credit: &[String], postings: &[PostedUpdate]) -> Option<String> {
    let asked = Asked::of(line, postings, without_credit);
    let left = asked.now() - sum(&released.credits, line);
    let told = left > Decimal::ZERO || (!left.is_zero() && asked.is_all_of(&released.credits));
    let taken_back = if left < Decimal::ZERO { " (taken back, and still credited)" } else { "" };
    told.then(|| format!("{} of line {line}{taken_back}", left.abs().normalize()))
}

/// Whether a piece was posted under a disposition that credits.
fn credits(piece: &PostedDimension, without_credit: &[String]) -> bool {
    let credits = |code: &String| !without_credit.iter().any(|each| each.eq_ignore_ascii_case(code));
    piece.disposition.as_ref().is_some_and(credits)
}

/// What of a line was posted under dispositions that credit, in all, after each posting.
pub(super) struct Asked<'a> {
    line: &'a str,
    totals: Vec<Decimal>,
}

impl<'a> Asked<'a> {
    pub(super) fn of(line: &'a str, postings: &[PostedUpdate], without_credit: &[String]) -> Self {
        let mut total = Decimal::ZERO;
        let after = |posted: &PostedUpdate| {
            let lines = posted.lines.iter().filter(|posted| posted.line_id == line);
            let pieces = lines.flat_map(|line| &line.dimensions);
            let pieces = pieces.filter(|piece| credits(piece, without_credit));
            total += pieces.map(|piece| piece.quantity).sum::<Decimal>();
            total
        };
        Self { line, totals: postings.iter().map(after).collect() }
    }

    /// What it is by now.
    pub(super) fn now(&self) -> Decimal {
        self.totals.last().copied().unwrap_or_default()
    }

    /// Whether the notes, one after the other, brought the line from one of these totals to a later one: then nothing was
    /// credited but what we posted, even where Dynamics has not taken back yet what we did.
    pub(super) fn is_all_of(&self, credits: &[CreditedLine]) -> bool {
        let mut notes: BTreeMap<&str, Decimal> = BTreeMap::new();
        for credit in credits.iter().filter(|credit| credit.line_id == self.line) {
            *notes.entry(&credit.note).or_default() += credit.quantity;
        }
        let (mut totals, mut credited) = (self.totals.iter(), Decimal::ZERO);
        notes.values().filter(|quantity| !quantity.is_zero()).all(|quantity| {
            credited += quantity;
            totals.any(|total| *total == credited)
        })
    }
}

/// What of a line the notes have credited.
pub(super) fn sum(credits: &[CreditedLine], line: &str) -> Decimal {
    credits.iter().filter(|credit| credit.line_id == line).map(|credit| credit.quantity).sum()
}
