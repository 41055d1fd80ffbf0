//! The question for the money of what never reached the customer: it is posted without a credit, and a person decides.
//!
//! It is asked once for each parcel, by a message of its own, which holds nothing up. It ends when Dynamics shows that what came
//! was credited, or when somebody discards it with the reason. Where more comes of the parcel after it was credited, it is asked
//! again.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::asked;
use super::credited::sum;
use super::matched::never_arrived;
use crate::config::UndeliverableCredit;
use crate::failure::{Code, Failure};
use crate::flows::answer::{Decision, Done, Past};
use crate::flows::goods_received::ReceiptLook;
use crate::flows::history::{History, moved, postings};
use crate::flows::keys;
use crate::flows::ledger::{CreatedOrder, EndedReference, Ledger, OrderedLine, PostedUpdate, kept};
use crate::flows::orders::OrderLook;
use crate::message::{Connection, Envelope, PostingSettled, ReturnReceived};

/// What stands before a parcel whose credit is asked for.
const ASKS: &str = "uncredited/";

/// Facts of `credit_decided`: how much had come of a parcel's return when nothing of it was left to be credited.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct DecidedCredit {
    return_key: String,
    came: Decimal,
}

/// Whether a message asks who credits a parcel.
pub(in crate::flows) fn asks_who_credits(body: &PostingSettled) -> bool {
    body.update_id.as_str().starts_with(ASKS)
}

/// Adds the question to what the report of a parcel leaves behind.
pub(super) fn ask(
    (message, body): (&Envelope, &ReturnReceived),
    (look, order): (&ReceiptLook, &CreatedOrder),
    ledger: &Ledger,
    mut done: Done,
) -> Done {
    let (environment, postings) = (&look.order.environment, postings(ledger));
    let mut decided = ledger.facts::<DecidedCredit>("credit_decided");
    decided.retain(|decided| decided.return_key == body.return_key.as_str());
    let more = decided.iter().all(|decided| came(&postings) > decided.came);
    let key = keys::ask_for_credit(environment, &order.reference, &body.return_key, decided.len());
    let receipt = keys::returned(&body.return_key);
    let is_posted =
        postings.iter().any(|posted| posted.shipment_key == receipt && posted.warehouse == message.connection);
    let asks = never_arrived(body) && look.receiving.undeliverable_credit == UndeliverableCredit::Person;
    if !asks || !is_posted || !more || ledger.has(&key) {
        return done;
    }
    let Some(question) = asked("uncredited", format!("{ASKS}{}", body.return_key)) else { return done };
    done.facts.push(Past {
        key,
        act: "ask_for_credit".to_owned(),
        connection: environment.to_string(),
        facts: kept(&EndedReference { reference: order.reference.clone() }),
    });
    done.emits.push(question);
    done
}

/// How much of a return was posted, in all.
fn came(postings: &[PostedUpdate]) -> Decimal {
    postings.iter().flat_map(|posted| &posted.lines).map(|line| line.moved).sum()
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
    let (postings, created) = (postings(ledger), &sent.created);
    let open = |line: &OrderedLine| {
        let open = moved(&postings, &line.line_id) - sum(&released.credits, &line.line_id);
        (open > Decimal::ZERO)
            .then(|| format!("{} {} of line {} ({})", open.normalize(), line.unit, line.line_id, line.sku))
    };
    let open: Vec<_> = created.lines.iter().filter_map(open).collect();
    if open.is_empty() {
        let step = format!("Nothing of {} is left to be credited.", created.reference);
        let mut facts = vec![decided(body, &look.environment, (created, came(&postings)))];
        facts.retain(|fact| !ledger.has(&fact.key));
        return Decision::Done(Done { facts, steps: vec![("dynamics".to_owned(), step)], ..Done::default() });
    }
    let sentence = format!(
        "The parcel {} never reached the customer and was taken in by {} (RMA {}) without a credit: {}. {}",
        body.update_id.as_str().trim_start_matches(ASKS),
        created.reference,
        created.order_number.as_deref().unwrap_or_default(),
        open.join(", "),
        Code::ReturnUncredited.next_step()
    );
    Decision::Fail(Failure::new(Code::ReturnUncredited, sentence))
}

/// What came of it was credited: what comes later is asked for anew.
fn decided(body: &PostingSettled, environment: &Connection, (created, came): (&CreatedOrder, Decimal)) -> Past {
    let return_key = body.update_id.as_str().trim_start_matches(ASKS).to_owned();
    Past {
        key: keys::credit_decided(environment, &created.reference, &return_key, came),
        act: "credit_decided".to_owned(),
        connection: environment.to_string(),
        facts: kept(&DecidedCredit { return_key, came }),
    }
}
