//! Credits for what came back: a job of the house posts them later, and somebody may give the money before.

use axum::http::Method;
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::entities::{DIMENSION_SHIPPED, LINE, decimal, text};
use super::returns::{RECEIVED_AS, disposition};
use super::rules::FinanceOperationsRules;
use super::state::{Environment, Fact, Request, RequestKey, RequestLine, Row, Update, UpdateKey};
use crate::sandbox::call::{Answer, Call};
use crate::sandbox::ledger::Effect;
use crate::sandbox::side::Side;
use crate::sandbox::world::Setting;

/// What of a line is money.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Money {
    /// Received with a disposition that credits.
    pub(super) creditable: Decimal,
    /// Credited because it was received.
    pub(super) credited: Decimal,
    /// Credited before.
    pub(super) refunded: Decimal,
}

/// A credit note.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Credit {
    pub(super) number: String,
    pub(super) at_ms: i64,
    /// Whether it waited for no goods.
    pub(super) refund: bool,
    pub(super) lines: Vec<(i64, Decimal)>,
}

/// Of which lines money is given before the goods are there, and of how much of each; of all of it when none is named.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Refund {
    lines: Vec<RefundLine>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RefundLine {
    line: i64,
    quantity: Decimal,
}

/// Somebody in Dynamics gives the customer the money before the goods are there: `/sandbox/returns/{id}/refund`.
pub(super) fn control(
    environment: &Environment,
    setting: &Setting<FinanceOperationsRules>,
    call: &Call,
) -> Option<Answer<Fact>> {
    let id = call.path.strip_prefix("/sandbox/returns/")?.strip_suffix("/refund")?;
    if call.method != Method::POST {
        return None;
    }
    let key = (call.asked("company").unwrap_or(&setting.rules.company).to_lowercase(), id.to_owned());
    let request = environment.requests.get(&key).filter(|request| request.side == Side::Returned);
    let Some(request) = request else {
        return Some(Answer::new(404, Effect::Refused, json!({ "error": "no such return order" })));
    };
    let refund: Refund = match serde_json::from_slice(if call.body.is_empty() { &b"{}"[..] } else { &call.body[..] }) {
        Ok(refund) => refund,
        Err(error) => return Some(Answer::new(400, Effect::Refused, json!({ "error": error.to_string() }))),
    };
    let named: Vec<_> = refund.lines.iter().map(|line| (line.line, line.quantity)).collect();
    let body = json!({ "credit_note": note(environment, 0) });
    Some(Answer::new(200, Effect::Changed, body).by(refunded(environment, (request, 0), &named, call.at)))
}

/// The money of what is open of a return order is given, of named lines at most so much, by a note that is posted after so many
/// others of the same moment.
pub(super) fn refunded(
    environment: &Environment,
    (request, others): (&Request, usize),
    named: &[(i64, Decimal)],
    at: Timestamp,
) -> Fact {
    let open = |line: &RequestLine| {
        let open = line.ordered - line.money.credited - line.money.refunded;
        let wanted = named.iter().find(|(number, _)| *number == line.number).map(|(_, quantity)| *quantity);
        if named.is_empty() { open } else { open.min(wanted.unwrap_or_default()) }
    };
    let lines = request.lines.iter().map(|line| (line.number, open(line)));
    let lines = lines.filter(|(_, open)| *open > Decimal::ZERO).collect();
    let credit = Credit { number: note(environment, others), at_ms: at.as_millisecond(), refund: true, lines };
    Fact::Credited { key: (request.company.clone(), request.id.clone()), due_ms: None, credit }
}

/// The number of a credit note that is posted after so many others of the same moment.
fn note(environment: &Environment, others: usize) -> String {
    format!("CN{:07}", environment.credits.len() + others + 1)
}

/// What the job of the house credits now.
pub(super) fn due(environment: &Environment, now_ms: i64) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut notes = 0;
    for (due_ms, key) in environment.credit_due.iter().take_while(|(due_ms, _)| *due_ms <= now_ms) {
        let lines = environment.requests.get(key).map(|request| request.lines.as_slice()).unwrap_or_default();
        let open = |line: &RequestLine| (line.number, line.money.creditable - line.money.credited);
        let lines: Vec<_> = lines.iter().map(open).filter(|(_, open)| !open.is_zero()).collect();
        // Two updates of one return order that fell due together: the first note has all of it.
        let told = facts.iter().any(|fact| matches!(fact, Fact::Credited { key: other, .. } if other == key));
        let lines = if told { Vec::new() } else { lines };
        let number = note(environment, notes);
        notes += usize::from(!lines.is_empty());
        let credit = Credit { number, at_ms: *due_ms, refund: false, lines };
        facts.push(Fact::Credited { key: key.clone(), due_ms: Some(*due_ms), credit });
    }
    facts
}

impl Environment {
    /// What was just posted may be something to be credited.
    pub(super) fn credit_later(&mut self, key: &UpdateKey, due_ms: Option<i64>) {
        let Some(update) = self.updates.get(key) else { return };
        let document = (key.0.clone(), update.request.clone());
        let posted = update.message.is_empty();
        let Some(request) = self.requests.get_mut(&document).filter(|request| request.side == Side::Returned) else {
            return;
        };
        request.row += 1;
        if !posted {
            return;
        }
        for (line, quantity) in creditable(update) {
            let lines = request.lines.iter_mut().filter(|each| each.number == line);
            lines.for_each(|line| line.money.creditable += quantity);
        }
        self.credit_due.extend(due_ms.map(|due_ms| (due_ms, document)));
    }

    pub(super) fn credit(&mut self, key: RequestKey, due_ms: Option<i64>, credit: Credit) {
        if let Some(due_ms) = due_ms {
            self.credit_due.remove(&(due_ms, key.clone()));
        }
        let Some(request) = self.requests.get_mut(&key) else { return };
        for (number, quantity) in &credit.lines {
            let line = request.lines.iter_mut().find(|line| line.number == *number);
            let Some(Money { credited, refunded, .. }) = line.map(|line| &mut line.money) else { continue };
            *(if credit.refund { refunded } else { credited }) += quantity;
        }
        // What was posted while the note was made up, and fell due with it, is on the next one.
        let is_left = request.lines.iter().any(|line| line.money.creditable != line.money.credited);
        if is_left && self.credit_due.iter().all(|(_, other)| *other != key) {
            self.credit_due.extend(due_ms.map(|due_ms| (due_ms, key.clone())));
        }
        if !credit.lines.is_empty() {
            request.row += 1;
            request.changed_ms = request.changed_ms.max(credit.at_ms);
            self.credits.push((key, credit));
        }
    }
}

/// What an update says is to be credited, by line.
fn creditable(update: &Update) -> Vec<(i64, Decimal)> {
    let credits = |row: &&Row| disposition(&text(&row.fields, RECEIVED_AS)).is_some_and(|(_, credits)| credits);
    let rows = update.dimensions.iter().filter(credits);
    let of = |row: &Row| Some((row.fields.get(LINE)?.as_i64()?, decimal(&row.fields, DIMENSION_SHIPPED)));
    rows.filter_map(of).collect()
}
