//! Goods that come back: return orders with numbers of their own, dispositions, credits.
//!
//! A return order is kept as a document whose goods are received. What was received of it is credited later, by a job of
//! the house, as the disposition of each piece says; the job asks nobody whether the customer has the money already.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::credits::{Credit, Money};
use super::entities::{COMPANY, DIMENSION_SHIPPED, Entity, LOT, SERIAL, VARIANT, decimal, number, text};
use super::errors::infolog;
use super::events;
use super::processing::Refusal;
use super::reading::{CHANGED_AT, instant, tagged};
use super::rules::FinanceOperationsRules;
use super::state::{Environment, Fact, Request, RequestKey, RequestLine, Row};
use crate::sandbox::call::{Answer, Call};
use crate::sandbox::chance::Chance;
use crate::sandbox::ledger::Effect;
use crate::sandbox::side::Side;
use crate::sandbox::world::Setting;

/// The number of a return order.
pub(super) const NUMBER: &str = "ReturnOrderNumber";
/// The number of a line within it.
pub(super) const LINE_NUMBER: &str = "LineNumber";
/// How much comes back: less than nothing.
pub(super) const QUANTITY: &str = "ReturnSalesQuantity";
/// What shall become of it.
pub(super) const DISPOSITION: &str = "ReturnDispositionCode";
/// What became of a piece that was received.
pub(super) const RECEIVED_AS: &str = "SourceSystemDispositionCode";
/// The wish of a line whose goods are exchanged: nothing of it is ever credited.
pub(super) const EXCHANGE: &str = "REPLACE";
/// What of a line was credited, and on which note.
const INVOICE: &str = "InvoiceNumber";
const INVOICE_LINE: &str = "SalesOrderLineNumber";

/// Dispositions: whether the goods go to stock, and whether they are credited.
const DISPOSITIONS: [(&str, bool, bool); 5] = [
    ("CREDIT", true, true),
    ("SCRAP", false, true),
    ("STOCK", true, false),
    ("WRITEOFF", false, false),
    ("SENDBACK", false, false),
];

type Fields = Map<String, Value>;

/// Which of the entities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// What stands above the lines.
    Headers,
    /// The lines.
    Lines,
    /// The lines of credit notes.
    Credits,
}

impl Part {
    /// The parts of the key.
    pub(super) fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Headers => &[COMPANY, NUMBER],
            Self::Lines => &[COMPANY, NUMBER, LINE_NUMBER],
            Self::Credits => &[COMPANY, INVOICE, INVOICE_LINE],
        }
    }
}

/// Whether goods of a disposition go to stock, and whether they are credited; nothing for one that does not exist.
pub(super) fn disposition(code: &str) -> Option<(bool, bool)> {
    let found = DISPOSITIONS.iter().find(|(known, ..)| known.eq_ignore_ascii_case(code));
    found.map(|(_, stock, credits)| (*stock, *credits))
}

/// Whether goods of a disposition stay with the house although nobody is paid for them.
pub(super) fn is_kept_without_credit(code: &str) -> bool {
    ["STOCK", "WRITEOFF"].iter().any(|kept| kept.eq_ignore_ascii_case(code))
}

/// The header of a return order that somebody makes in Dynamics itself.
pub(super) fn header(
    chance: Chance,
    (index, count): (u64, u64),
    warehouse: &str,
    now: Timestamp,
) -> Map<String, Value> {
    let account = 1 + chance.below(&format!("returns/account/{index}"), 500);
    let fields = json!({
        "CustomerAccountNumber": format!("C{account:05}"),
        "CustomersOrderReference": format!("WEB-{count:06}"),
        "DefaultReturnWarehouseId": warehouse,
    });
    whole(if let Value::Object(fields) = fields { fields } else { Map::new() }, count, now)
}

/// A header with all that Dynamics adds by itself.
fn whole(mut fields: Fields, count: u64, now: Timestamp) -> Fields {
    fields.insert("RMANumber".to_owned(), json!(format!("RMA{count:07}")));
    let due = now + jiff::SignedDuration::from_hours(24 * 30);
    for (name, value) in [
        ("CustomersOrderReference", json!("")),
        ("CustomerReturnReasonCode", json!("")),
        ("CurrencyCode", json!("EUR")),
        ("ReturnDeadline", json!(due.strftime("%Y-%m-%dT12:00:00Z").to_string())),
        ("OrderTotalAmount", json!(-25 * i64::try_from(1 + count % 40).unwrap_or(1))),
    ] {
        fields.entry(name).or_insert(value);
    }
    fields
}

/// The number of the next return order.
pub(super) fn id(count: u64) -> String {
    format!("RET{count:07}")
}

/// A POST to one of the entities.
pub(super) fn create(
    environment: &Environment,
    setting: &Setting<FinanceOperationsRules>,
    call: &Call,
    (part, fields): (Part, Fields),
) -> Answer<Fact> {
    let company = text(&fields, COMPANY);
    match part {
        Part::Headers => create_header(environment, setting, call, (company, fields)),
        Part::Lines => {
            let key = (company, text(&fields, NUMBER));
            create_line(environment.requests.get(&key).filter(|request| request.side == Side::Returned), &fields, call)
        }
        Part::Credits => refused(part, "Error: Credit notes are posted, not written."),
    }
}

fn refused(part: Part, words: &str) -> Answer<Fact> {
    infolog(400, Entity::Returns(part).name(), words, Effect::Refused)
}

/// Nothing about it is unique: the same wish, written twice, is two return orders.
fn create_header(
    environment: &Environment,
    setting: &Setting<FinanceOperationsRules>,
    call: &Call,
    (company, fields): (String, Fields),
) -> Answer<Fact> {
    for needed in ["CustomerAccountNumber", "DefaultReturnWarehouseId"] {
        if text(&fields, needed).is_empty() {
            return refused(Part::Headers, &format!("Error: Field '{needed}' must be filled in."));
        }
    }
    let count = environment.count(Side::Returned) as u64 + 1;
    let mut fields = whole(fields, count, call.at);
    fields.remove(COMPANY);
    let now_ms = call.at.as_millisecond();
    let request = Request {
        side: Side::Returned,
        company,
        id: id(count),
        origin: id(count),
        version: 1,
        status: "Open".to_owned(),
        response: String::new(),
        canceled: false,
        on_hold: false,
        released_ms: now_ms,
        changed_ms: now_ms,
        row: 1,
        fields,
        lines: Vec::new(),
    };
    let about = (Some(request.id.clone()), Some(format!("{}/{}", request.company, request.id)));
    let told = events::about(setting, &setting.rules.return_event, &request, call.at);
    let shown = Value::Object(header_row(&request));
    let answer = Answer::new(201, Effect::Created, shown).by(Fact::Released(Box::new(request)));
    answer.telling(events::bundle(setting, told)).about(about.0, about.1)
}

fn create_line(request: Option<&Request>, fields: &Fields, call: &Call) -> Answer<Fact> {
    let Some(mut request) = request.cloned() else {
        return refused(Part::Lines, "Error: The return order does not exist.");
    };
    let about = Some(request.id.clone());
    let quantity = -decimal(fields, QUANTITY);
    let next = request.lines.iter().map(|line| line.number).max().unwrap_or(0) + 1;
    let line_number = fields.get(LINE_NUMBER).and_then(Value::as_i64).unwrap_or(next);
    if quantity <= Decimal::ZERO || text(fields, "ItemNumber").is_empty() {
        let words = "Error: A return line has an item and a quantity below zero.";
        return refused(Part::Lines, words).about(about, None);
    }
    let name = format!("{}/{}/{line_number}", request.company, request.id);
    if request.lines.iter().any(|line| line.number == line_number) {
        let words = format!(
            "Warning: Cannot create a record in ReturnOrderLinesV2: {name}.; Error: The record already exists."
        );
        return infolog(400, "ReturnOrderLinesV2", &words, Effect::Repeated).about(about, Some(name));
    }
    let mut own = fields.clone();
    own.retain(|name, _| ![COMPANY, NUMBER, LINE_NUMBER, QUANTITY].contains(&name.as_str()));
    request.lines.push(RequestLine {
        number: line_number,
        item: text(fields, "ItemNumber"),
        ordered: quantity,
        unit: text(fields, "SalesUnitSymbol"),
        over_percent: Decimal::ZERO,
        lot: text(fields, LOT),
        serial: text(fields, SERIAL),
        posted: Decimal::ZERO,
        posted_serials: BTreeSet::new(),
        money: Money::default(),
        fields: own,
    });
    request.row += 1;
    request.version += 1;
    request.changed_ms = call.at.as_millisecond();
    let shown = request.lines.last().map(|line| line_row(&request, line)).unwrap_or_default();
    let answer = Answer::new(201, Effect::Created, Value::Object(shown));
    answer.by(Fact::Replaced(Box::new(request))).about(about, Some(name))
}

/// Why a line that came back cannot be posted.
pub(super) fn refusal(line: &RequestLine, shipped: Decimal, rows: &[&Row]) -> Option<Refusal> {
    let name = line.number;
    let sum: Decimal = rows.iter().map(|row| decimal(&row.fields, DIMENSION_SHIPPED)).sum();
    if sum != shipped {
        return Some(Refusal::new(format!("Error: Line {name}: a disposition code must be specified for all of it.")));
    }
    rows.iter().map(|row| text(&row.fields, RECEIVED_AS)).find(|code| disposition(code).is_none()).map(|code| {
        let said = if code.is_empty() { "must be specified".to_owned() } else { format!("'{code}' does not exist") };
        Refusal::new(format!("Error: Line {name}: the disposition code {said}."))
    })
}

/// The rows of one of the entities.
pub(super) fn rows(environment: &Environment, part: Part) -> Vec<Fields> {
    let returns = environment.requests.values().filter(|request| request.side == Side::Returned);
    match part {
        Part::Headers => returns.map(header_row).collect(),
        Part::Lines => returns.flat_map(|request| request.lines.iter().map(|line| line_row(request, line))).collect(),
        Part::Credits => environment.credits.iter().flat_map(|(key, credit)| credit_rows(key, credit)).collect(),
    }
}

fn header_row(request: &Request) -> Fields {
    let mut row = request.fields.clone();
    let states: BTreeSet<_> = request.lines.iter().map(|line| line_state(request, line)).collect();
    let state = match states.iter().copied().collect::<Vec<_>>().as_slice() {
        _ if request.canceled => "Canceled",
        ["Invoiced"] => "Invoiced",
        ["Expected"] | [] => "Open",
        _ => "Received",
    };
    row.insert(COMPANY.to_owned(), json!(request.company));
    row.insert(NUMBER.to_owned(), json!(request.id));
    row.insert("ReturnStatus".to_owned(), json!(state));
    row.insert("ReturnOrderStatus".to_owned(), json!(state));
    row.insert(CHANGED_AT.to_owned(), json!(instant(request.changed_ms)));
    tagged(row, request.row)
}

fn line_state(request: &Request, line: &RequestLine) -> &'static str {
    let Money { creditable, credited, refunded } = line.money;
    match line.posted {
        _ if request.canceled => "Canceled",
        _ if refunded >= line.ordered || (credited > Decimal::ZERO && credited >= creditable) => "Invoiced",
        posted if posted > Decimal::ZERO => "Received",
        _ => "Expected",
    }
}

fn line_row(request: &Request, line: &RequestLine) -> Fields {
    let mut row = line.fields.clone();
    for name in VARIANT.into_iter().chain([LOT, SERIAL, DISPOSITION]) {
        row.entry(name).or_insert(json!(""));
    }
    row.insert(COMPANY.to_owned(), json!(request.company));
    row.insert(NUMBER.to_owned(), json!(request.id));
    row.insert("RMANumber".to_owned(), json!(text(&request.fields, "RMANumber")));
    row.insert(LINE_NUMBER.to_owned(), json!(line.number));
    row.insert("ItemNumber".to_owned(), json!(line.item));
    row.insert(QUANTITY.to_owned(), number(-line.ordered));
    row.insert("SalesUnitSymbol".to_owned(), json!(line.unit));
    row.insert("ReturnStatus".to_owned(), json!(line_state(request, line)));
    row.insert("ReturnInventoryLotId".to_owned(), json!(format!("{}-{:03}", request.id, line.number)));
    tagged(row, request.row)
}

fn credit_rows(key: &RequestKey, credit: &Credit) -> Vec<Fields> {
    let row = |(line, quantity): &(i64, Decimal)| {
        let row = json!({
            COMPANY: key.0,
            INVOICE: credit.number,
            "SalesOrderNumber": key.1,
            INVOICE_LINE: line,
            "InvoicedQuantity": number(-*quantity),
            "InvoiceDate": instant(credit.at_ms),
        });
        tagged(if let Value::Object(row) = row { row } else { Map::new() }, 1)
    };
    credit.lines.iter().map(row).collect()
}
