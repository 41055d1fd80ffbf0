//! Classic journals of stock: written through `OData`, posted by a job of the house or by a customer's service, and not before
//! that anything moves.

use axum::http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::address::Address;
use super::adjustments::{AdjustmentKey, QUANTITY, moved, refusal};
use super::entities::{COMPANY, Entity, text};
use super::errors::{infolog, missing, wrong};
use super::rules::FinanceOperationsRules;
use super::state::{Environment, Fact, Row};
use crate::sandbox::call::{Answer, Call};
use crate::sandbox::ledger::Effect;
use crate::sandbox::stock::StockBook;
use crate::sandbox::world::Setting;

/// The number of a journal.
pub(super) const JOURNAL: &str = "JournalNumber";
/// The number of a line within it.
pub(super) const JOURNAL_LINE: &str = "LineNumber";
/// How much a line moves.
pub(super) const STOCK_QUANTITY: &str = "InventoryQuantity";
/// Whether a journal is posted.
pub(super) const POSTED: &str = "IsPosted";
/// Where a customer's service posts a journal.
const SERVICE: &str = "/api/services/ConJournals/ConJournalService/post";
/// Characters that a journal's number may have.
const NUMBER_CHARS_MAX: usize = 20;

type Fields = Map<String, Value>;

/// Company and number.
pub(super) type JournalKey = (String, String);

/// Which of the two entities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// What stands above the lines.
    Headers,
    /// The lines.
    Lines,
}

/// A journal.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Journal {
    pub(super) header: Row,
    pub(super) lines: Vec<Row>,
    pub(super) posted: bool,
    /// When the job posts it.
    pub(super) due_ms: i64,
}

impl Part {
    /// The parts of the key that are told apart here.
    pub(super) fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Headers => &[COMPANY, JOURNAL],
            Self::Lines => &[COMPANY, JOURNAL, JOURNAL_LINE],
        }
    }
}

/// The journal that a call writes into.
pub(super) fn written_into(rules: &FinanceOperationsRules, call: &Call) -> Option<JournalKey> {
    let address = Address::read(call.path.strip_prefix("/data/")?).ok()?;
    let Some(Entity::Journals(_)) = Entity::of(&address.entity) else { return None };
    Some(key_of(rules, &call.object().ok()?))
}

fn key_of(rules: &FinanceOperationsRules, fields: &Fields) -> JournalKey {
    let company = text(fields, COMPANY);
    let company = if company.is_empty() { rules.company.clone() } else { company };
    (company.to_lowercase(), text(fields, JOURNAL).to_uppercase())
}

/// A POST to one of the two entities.
pub(super) fn create(
    environment: &Environment,
    setting: &Setting<FinanceOperationsRules>,
    call: &Call,
    (part, fields): (Part, Fields),
) -> Answer<Fact> {
    let key = key_of(&setting.rules, &fields);
    let (entity, known) = (Entity::Journals(part).name(), environment.journals.get(&key));
    let refused = |text: &str| infolog(400, entity, text, Effect::Refused);
    let name = format!("{}/{}", key.0, key.1);
    let answer = match (part, known) {
        (Part::Headers, Some(_)) => {
            let text =
                format!("Warning: Cannot create a record in {entity}: {name}.; Error: The record already exists.");
            infolog(400, entity, &text, Effect::Repeated)
        }
        (Part::Headers, None) if key.1.chars().count() > NUMBER_CHARS_MAX => {
            refused(&format!("Error: The journal number is longer than {NUMBER_CHARS_MAX} characters."))
        }
        (Part::Headers, None) if text(&fields, "JournalNameId").is_empty() => {
            refused("Error: Field 'JournalNameId' must be filled in.")
        }
        (Part::Headers, None) => {
            let wait_ms = i64::try_from(setting.rules.journals_posted_after_ms).unwrap_or(i64::MAX);
            let due_ms = if wait_ms == 0 { i64::MAX } else { call.at.as_millisecond().saturating_add(wait_ms) };
            let shown = Value::Object(fields.clone());
            Answer::new(201, Effect::Created, shown).by(Fact::JournalWritten { key, fields, due_ms })
        }
        (Part::Lines, None) => refused("Error: The journal does not exist."),
        (Part::Lines, Some(journal)) if journal.posted => refused("Error: The journal is posted already."),
        (Part::Lines, Some(_)) if text(&fields, "InventoryWarehouseId").is_empty() => {
            refused("Error: Field 'Warehouse' must be filled in.")
        }
        (Part::Lines, Some(_)) => {
            let shown = Value::Object(fields.clone());
            Answer::new(201, Effect::Created, shown).by(Fact::JournalLineWritten { key, fields })
        }
    };
    answer.about(None, Some(name))
}

/// Answers the customer's service that posts a journal.
pub(super) fn serve(
    environment: &Environment,
    setting: &Setting<FinanceOperationsRules>,
    call: &Call,
) -> Option<Answer<Fact>> {
    if call.path != SERVICE {
        return None;
    }
    // It describes itself: its parameters, by name and type.
    if call.method == Method::GET {
        let parameters = ["_companyId", "_journalNumber"].map(|name| json!({ "Name": name, "Type": "String" }));
        return Some(Answer::new(200, Effect::None, json!({ "Parameters": parameters })));
    }
    if call.method != Method::POST {
        return None;
    }
    let Ok(asked) = call.object() else { return Some(wrong(400, "The body is not a JSON object.")) };
    let key = (text(&asked, "_companyId").to_lowercase(), text(&asked, "_journalNumber").to_uppercase());
    let Some(journal) = environment.journals.get(&key) else { return Some(missing()) };
    let about = Some(format!("{}/{}", key.0, key.1));
    let answer = match post_refusal(environment, &setting.rules, journal) {
        _ if journal.posted => {
            infolog(400, "ConJournalService", "Error: The journal is posted already.", Effect::Repeated)
        }
        Some(text) => infolog(400, "ConJournalService", &text, Effect::Refused),
        None => Answer::new(200, Effect::Changed, json!({ "posted": true })).by(Fact::JournalPosted { key }),
    };
    Some(answer.about(None, about))
}

/// What the job of the house posts now.
pub(super) fn due(environment: &Environment, rules: &FinanceOperationsRules, now_ms: i64) -> Vec<Fact> {
    let open = environment.journals.iter().filter(|(_, journal)| !journal.posted && journal.due_ms <= now_ms);
    let fit = open.filter(|(_, journal)| post_refusal(environment, rules, journal).is_none());
    // What one takes must be known before the next one is judged.
    let at_once = if rules.negative_stock_refused { 1 } else { usize::MAX };
    fit.take(at_once).map(|(key, _)| Fact::JournalPosted { key: key.clone() }).collect()
}

fn post_refusal(environment: &Environment, rules: &FinanceOperationsRules, journal: &Journal) -> Option<String> {
    if journal.lines.is_empty() {
        return Some("Error: The journal has no lines.".to_owned());
    }
    let limit = (rules.negative_stock_refused, rules.stock_at_first.into());
    let mut before = StockBook::default();
    journal.lines.iter().find_map(|line| {
        let fields = as_adjustment(&line.fields);
        let refused = refusal(environment, limit, &fields, &before);
        let (shelf, quantity) = moved(&fields);
        before.move_by(shelf, quantity);
        refused
    })
}

/// A line in the words of an adjustment.
fn as_adjustment(line: &Fields) -> Fields {
    let mut fields = line.clone();
    for (theirs, ours) in [(STOCK_QUANTITY, QUANTITY), ("InventoryWarehouseId", "WarehouseId")] {
        if let Some(value) = fields.remove(theirs) {
            fields.insert(ours.to_owned(), value);
        }
    }
    fields
}

/// The rows of one of the two entities.
pub(super) fn rows(environment: &Environment, part: Part) -> Vec<Row> {
    let journals = environment.journals.values();
    match part {
        Part::Headers => journals.map(shown).collect(),
        Part::Lines => journals.flat_map(|journal| journal.lines.iter().cloned()).collect(),
    }
}

fn shown(journal: &Journal) -> Row {
    let mut row = journal.header.clone();
    row.fields.insert(POSTED.to_owned(), json!(if journal.posted { "Yes" } else { "No" }));
    row
}

impl Environment {
    pub(super) fn write_journal(&mut self, key: JournalKey, fields: Fields, due_ms: i64) {
        let journal = Journal { header: Row::new(fields), lines: Vec::new(), posted: false, due_ms };
        self.journals.insert(key, journal);
    }

    pub(super) fn write_journal_line(&mut self, key: &JournalKey, fields: Fields) {
        if let Some(journal) = self.journals.get_mut(key) {
            journal.lines.push(Row::new(fields));
        }
    }

    /// What it moves is on the book from now on, under the journal's number.
    pub(super) fn post_journal(&mut self, key: &JournalKey) {
        let Some(journal) = self.journals.get_mut(key) else { return };
        journal.posted = true;
        let lines = journal.lines.clone();
        for (place, line) in lines.into_iter().enumerate() {
            let name: AdjustmentKey = vec![key.0.clone(), "journal".to_owned(), key.1.clone(), place.to_string()];
            self.adjust(name, as_adjustment(&line.fields));
        }
    }
}
