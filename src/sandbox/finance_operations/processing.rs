//! What the environment does by itself: it processes updates later, in batches, out of order, and never accepts more
//! than it asked to ship or to receive.

use std::collections::BTreeSet;

use axum::http::Method;
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::credits;
use super::entities::{CONDITION, DIMENSION_SHIPPED, LINE, LOT, SERIAL, SHIPPED, decimal, text};
use super::events;
use super::holds;
use super::journals;
use super::returns;
use super::rules::FinanceOperationsRules;
use super::state::{Environment, Fact, Request, RequestLine, Row, State, Update, UpdateKey};
use crate::sandbox::call::{Answer, Call};
use crate::sandbox::catalogue::{Tracking, tracking};
use crate::sandbox::faults::{Fault, Faults};
use crate::sandbox::ledger::Effect;
use crate::sandbox::side::Side;
use crate::sandbox::stock::{AVAILABLE, Shelf};
use crate::sandbox::world::{Moves, Setting};

/// Updates that are processed in one go, at most.
const BATCH_MAX: usize = 256;

/// Why an update was not posted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Refusal {
    pub(super) text: String,
    /// It would have been more than was ordered, or a piece twice.
    pub(super) excess: bool,
}

impl Refusal {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), excess: false }
    }

    pub(super) fn excess(text: impl Into<String>) -> Self {
        Self { text: text.into(), excess: true }
    }
}

/// Processes what is due.
pub(super) fn move_on(
    environment: &Environment,
    setting: &Setting<FinanceOperationsRules>,
    faults: &Faults,
    now: Timestamp,
) -> Moves<Fact> {
    let now_ms = now.as_millisecond();
    let mut due: Vec<_> =
        environment.received.iter().take_while(|(due_ms, _)| *due_ms <= now_ms).take(BATCH_MAX).collect();
    due.sort_by_key(|(_, key)| setting.chance.draw(&format!("batch/{}", key.1)));
    let mut moves = Moves::default();
    let mut names = Vec::new();
    let mut documents = BTreeSet::new();
    for (due_ms, key) in due {
        let Some(update) = environment.updates.get(key) else { continue };
        // What one update of a document adds must be known before the next one is judged.
        if !documents.insert((&key.0, &update.request)) {
            continue;
        }
        let question = format!("refuse/{}/{}", key.1, update.handed_over);
        let struck = setting.chance.strikes(faults.refuse_updates, &question);
        let refusal = if struck {
            moves.struck.push(Fault::RefuseUpdates);
            Some(Refusal::new("Error: Posting was canceled: the fiscal period is on hold."))
        } else {
            refusal(environment, key, update)
        };
        let side = environment.side_of(&key.0, &update.request);
        let words = refusal.as_ref().map(|refusal| refusal.text.as_str());
        names.extend(events::settled(setting, (side, key, update), words, now));
        let credit_ms = i64::try_from(setting.rules.credit_ms).unwrap_or(i64::MAX);
        let credited = refusal.is_none() && side == Side::Returned;
        let credit_due_ms = credited.then(|| due_ms.saturating_add(credit_ms));
        moves.facts.push(Fact::Processed { key: key.clone(), due_ms: *due_ms, refusal, credit_due_ms });
    }
    moves.facts.extend(journals::due(environment, &setting.rules, now_ms));
    moves.facts.extend(credits::due(environment, now_ms));
    moves.notices = events::bundle(setting, names);
    moves
}

/// An update is in the queue from now on, until the batch it falls into.
pub(super) fn received(setting: &Setting<FinanceOperationsRules>, now: Timestamp, key: UpdateKey) -> Fact {
    let process_ms = setting.rules.process_ms.max(1);
    let now_ms = u64::try_from(now.as_millisecond()).unwrap_or(0);
    let due = now_ms + process_ms / 2 + setting.chance.below(&format!("process/{}", key.1), process_ms);
    // Updates are processed in batches, so they wait for the next one.
    let batch_ms = (process_ms / 4).max(1);
    let due_ms = i64::try_from(due.div_ceil(batch_ms) * batch_ms).unwrap_or(i64::MAX);
    Fact::Committed { key, due_ms }
}

/// Somebody in Dynamics has every update that was refused processed again, or takes back what a packing slip posted: the calls
/// `/sandbox/updates/process` and `/sandbox/updates/reverse`.
pub(super) fn control(
    environment: &Environment,
    setting: &Setting<FinanceOperationsRules>,
    call: &Call,
) -> Option<Answer<Fact>> {
    match (&call.method, call.path.as_str()) {
        (&Method::POST, "/sandbox/updates/process") => {}
        (&Method::POST, "/sandbox/updates/reverse") => return Some(reverse(environment, call)),
        _ => return None,
    }
    let refused = environment.updates.iter().filter(|(_, update)| update.state == State::Failed);
    let facts: Vec<_> = refused.map(|(key, _)| received(setting, call.at, key.clone())).collect();
    let mut answer = Answer::new(200, Effect::None, json!({ "processed_again": facts.len() }));
    answer.facts = facts;
    Some(answer)
}

/// Takes back what the packing slip `packing_slip` posted.
fn reverse(environment: &Environment, call: &Call) -> Answer<Fact> {
    let slip = call.object().ok().and_then(|asked| Some(asked.get("packing_slip")?.as_str()?.to_owned()));
    let posted = environment.updates.iter().find(|(_, update)| {
        let stands = update.state == State::Accepted && !update.reversed;
        stands && Some(text(&update.header.fields, "PackingSlipNumber")) == slip
    });
    match posted {
        Some((key, _)) => {
            Answer::new(200, Effect::Changed, json!({ "reversed": slip })).by(Fact::Reversed { key: key.clone() })
        }
        None => Answer::new(404, Effect::Refused, json!({ "error": "no such packing slip is posted" })),
    }
}

/// Why an update cannot be posted.
fn refusal(environment: &Environment, key: &UpdateKey, update: &Update) -> Option<Refusal> {
    let Some(request) = environment.requests.get(&(key.0.clone(), update.request.clone())) else {
        return Some(Refusal::new("Error: The shipment order does not exist."));
    };
    // A cancelled one takes updates, too: goods that have left are posted, whatever was wished later.
    if request.side != Side::Outbound && request.canceled {
        return Some(Refusal::new("Error: The inbound shipment order was canceled."));
    }
    if request.on_hold {
        return Some(Refusal::new(format!("Error: Posting was canceled: {}", holds::WORDS)));
    }
    if update.lines.is_empty() {
        return Some(Refusal::new("Error: The update has no lines."));
    }
    update.lines.iter().find_map(|row| line_refusal(request, update, row))
}

fn line_refusal(request: &Request, update: &Update, row: &Row) -> Option<Refusal> {
    let number = row.fields.get(LINE).and_then(Value::as_i64);
    let Some(line) = request.lines.iter().find(|line| Some(line.number) == number) else {
        return Some(Refusal::new(format!("Error: Line {} does not exist.", text(&row.fields, LINE))));
    };
    let (name, shipped) = (line.number, decimal(&row.fields, SHIPPED));
    let unit = text(&row.fields, "OrderedUnitSymbol");
    if !unit.is_empty() && !unit.eq_ignore_ascii_case(&line.unit) {
        return Some(Refusal::new(format!("Error: Line {name}: unit {unit} cannot be converted to {}.", line.unit)));
    }
    let left = if request.side == Side::Outbound { shipped } else { line.posted + shipped };
    if left < Decimal::ZERO {
        return Some(Refusal::excess(format!("Error: Line {name}: the quantity must not be negative.")));
    }
    let same_line = update.lines.iter().filter(|other| other.fields.get(LINE) == row.fields.get(LINE));
    let whole: Decimal = same_line.map(|other| decimal(&other.fields, SHIPPED)).sum();
    let most = line.ordered * (Decimal::ONE + line.over_percent / Decimal::ONE_HUNDRED);
    if line.posted + whole > most {
        let sum = (line.posted + whole).normalize();
        return Some(Refusal::excess(format!(
            "Error: Line {name}: {sum} {} is more than the {} that were ordered.",
            line.unit, line.ordered
        )));
    }
    let rows = update.dimensions.iter().filter(|other| other.fields.get(LINE) == row.fields.get(LINE));
    let rows: Vec<_> = rows.collect();
    let returned = || returns::refusal(line, shipped, &rows).filter(|_| request.side == Side::Returned);
    returned().or_else(|| dimension_refusal(line, shipped, &rows))
}

fn dimension_refusal(line: &RequestLine, shipped: Decimal, rows: &[&Row]) -> Option<Refusal> {
    let name = line.number;
    let wanted = match tracking(&line.item) {
        Tracking::No => return None,
        Tracking::Lots => LOT,
        Tracking::Serials => SERIAL,
    };
    let sum: Decimal = rows.iter().map(|row| decimal(&row.fields, DIMENSION_SHIPPED)).sum();
    let unnamed = rows.iter().any(|row| text(&row.fields, wanted).is_empty());
    if shipped.is_zero() {
        return None;
    }
    if sum != shipped || unnamed {
        return Some(Refusal::new(format!(
            "Error: Line {name}: {wanted} must be specified for all of {shipped} {}.",
            line.unit
        )));
    }
    let demanded = rows.iter().find(|row| !line.lot.is_empty() && text(&row.fields, LOT) != line.lot);
    if let Some(row) = demanded {
        return Some(Refusal::new(format!(
            "Error: Line {name}: batch {} is not the batch {} of the order.",
            text(&row.fields, LOT),
            line.lot
        )));
    }
    let mut seen = line.posted_serials.clone();
    let twice = rows
        .iter()
        .filter(|row| !decimal(&row.fields, DIMENSION_SHIPPED).is_sign_negative())
        .map(|row| text(&row.fields, SERIAL))
        .find(|serial| !serial.is_empty() && !seen.insert(serial.clone()));
    twice.map(|serial| Refusal::excess(format!("Error: Line {name}: serial number {serial} is already posted.")))
}

impl Environment {
    /// An update was posted, or refused.
    pub(super) fn process(&mut self, key: &UpdateKey, due_ms: i64, refusal: Option<Refusal>) {
        self.received.remove(&(due_ms, key.clone()));
        let Some(update) = self.updates.get_mut(key) else { return };
        update.header.version += 1;
        update.changed_ms = due_ms;
        if let Some(refusal) = refusal {
            update.state = State::Failed;
            update.message = refusal.text;
            update.excess = refusal.excess;
            self.failed += 1;
            return;
        }
        update.state = State::Accepted;
        update.message = String::new();
        update.excess = false;
        self.accepted += 1;
        self.book(key, Decimal::ONE);
    }

    /// What an update posted is taken back, once.
    pub(super) fn reverse(&mut self, key: &UpdateKey) {
        let Some(update) = self.updates.get_mut(key) else { return };
        update.reversed = true;
        self.book(key, Decimal::NEGATIVE_ONE);
    }

    /// Enters what an update moves: once, or once back.
    fn book(&mut self, key: &UpdateKey, times: Decimal) {
        let Some(update) = self.updates.get(key) else { return };
        let Some(request) = self.requests.get_mut(&(key.0.clone(), update.request.clone())) else { return };
        let before = request.whole();
        for row in &update.lines {
            let number = row.fields.get(LINE).and_then(Value::as_i64);
            let Some(line) = request.lines.iter_mut().find(|line| Some(line.number) == number) else { continue };
            let sign = if request.side == Side::Outbound { Decimal::NEGATIVE_ONE } else { Decimal::ONE };
            line.posted += times * decimal(&row.fields, SHIPPED);
            let dimensions =
                update.dimensions.iter().filter(|row| row.fields.get(LINE).and_then(Value::as_i64) == number);
            let mut unnamed = times * decimal(&row.fields, SHIPPED);
            for dimension in dimensions.clone() {
                let shipped = times * decimal(&dimension.fields, DIMENSION_SHIPPED);
                unnamed -= shipped;
                if let Some(status) = held_as(request.side, dimension) {
                    let shelf = Shelf::new(&line.item, &text(&dimension.fields, LOT), &status);
                    self.stock.move_by(shelf, sign * shipped);
                }
            }
            self.stock.move_by(Shelf::new(&line.item, "", AVAILABLE), sign * unnamed);
            for dimension in dimensions {
                let moved = times * decimal(&dimension.fields, DIMENSION_SHIPPED);
                let serial = text(&dimension.fields, SERIAL);
                if moved.is_sign_negative() {
                    line.posted_serials.remove(&serial);
                } else if !moved.is_zero() && !serial.is_empty() {
                    line.posted_serials.insert(serial);
                }
            }
        }
        if request.side == Side::Outbound {
            self.posted += u64::from(request.whole() && !before);
            self.posted -= u64::from(!request.whole() && before);
        }
    }
}

/// The status of stock that a piece has from now on; nothing for what is not put to stock.
fn held_as(side: Side, dimension: &Row) -> Option<String> {
    match side {
        Side::Outbound => Some(AVAILABLE.to_owned()),
        Side::Inbound => Some(text(&dimension.fields, CONDITION)),
        Side::Returned => {
            let to_stock = returns::disposition(&text(&dimension.fields, returns::RECEIVED_AS))
                .is_some_and(|(to_stock, _)| to_stock);
            to_stock.then(|| text(&dimension.fields, CONDITION))
        }
    }
}
