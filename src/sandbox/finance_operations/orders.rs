//! Orders that are released, changed and taken back: the calls below `/sandbox/orders`, and, of goods that are expected, below
//! `/sandbox/receipts`, and, of goods that come back, below `/sandbox/returns`.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::credits::{self, Money};
use super::entities::{LOT, VARIANT, number};
use super::rules::FinanceOperationsRules;
use super::state::{Environment, Fact, Request, RequestLine};
use super::{consigned, events, expected, holds, returns};
use crate::sandbox::call::{Answer, Call};
use crate::sandbox::catalogue::{Shares, Tracking, Wanted, tracking, wanted};
use crate::sandbox::chance::Chance;
use crate::sandbox::ledger::Effect;
use crate::sandbox::side::Side;
use crate::sandbox::world::Setting;

/// Orders that one call may release.
const RELEASED_MAX: u64 = 20_000;

/// What shall be released.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Release {
    count: u64,
    seed: Option<u64>,
    company: Option<String>,
    warehouse: Option<String>,
    lines_max: u64,
    /// The very lines of every order; chance chooses them when none are given.
    lines: Vec<WantedLine>,
    /// What its header says otherwise, as `OData` shows it.
    fields: Map<String, Value>,
    /// Nothing is posted of it until somebody lets it go.
    on_hold: bool,
    /// The customer has the money before the goods come; of return orders.
    refunded: bool,
    /// Its event is lost: nobody is told.
    silent: bool,
}

impl Default for Release {
    fn default() -> Self {
        Self {
            count: 1,
            seed: None,
            company: None,
            warehouse: None,
            lines_max: 4,
            lines: Vec::new(),
            fields: Map::new(),
            on_hold: false,
            refunded: false,
            silent: false,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WantedLine {
    item: String,
    quantity: Decimal,
    unit: String,
    /// What shall become of it, of what comes back.
    #[serde(default)]
    disposition: String,
}

/// What shall be different about an order; nothing said means one more of its first line.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Change {
    lines: Vec<ChangedLine>,
    fields: Map<String, Value>,
    /// It is only released anew, and told so.
    released: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangedLine {
    line: i64,
    quantity: Option<Decimal>,
    /// The lot that it demands.
    lot: Option<String>,
}

impl ChangedLine {
    fn change(self, line: &mut RequestLine) {
        line.ordered = self.quantity.unwrap_or(line.ordered);
        if let Some(lot) = self.lot {
            line.fields.insert(LOT.to_owned(), json!(lot));
            line.lot = lot;
        }
    }
}

/// Answers the calls below `/sandbox/orders` and `/sandbox/receipts`.
pub(super) fn control(
    environment: &Environment,
    setting: &Setting<FinanceOperationsRules>,
    call: &Call,
) -> Option<Answer<Fact>> {
    let below = |prefix, side| call.path.strip_prefix(prefix).map(|rest| (rest, side));
    let (rest, side) = [
        ("/sandbox/orders", Side::Outbound),
        ("/sandbox/receipts", Side::Inbound),
        ("/sandbox/returns", Side::Returned),
    ]
    .into_iter()
    .find_map(|(prefix, side)| below(prefix, side))?;
    if call.method != axum::http::Method::POST {
        return None;
    }
    let parts: Vec<_> = rest.split('/').filter(|part| !part.is_empty()).collect();
    match parts.as_slice() {
        [] => Some(release(environment, setting, call, side)),
        [id, "change"] => Some(change(environment, setting, call, (side, id))),
        [id, "cancel"] => Some(cancel(environment, setting, call, (side, id))),
        [id, "withdraw"] => Some(withdraw(environment, setting, call, (side, id))),
        [id, what @ ("hold" | "unhold")] => {
            Some(holds::control(found(environment, setting, call, (side, id)), call, *what == "hold"))
        }
        _ => None,
    }
}

fn release(
    environment: &Environment,
    setting: &Setting<FinanceOperationsRules>,
    call: &Call,
    side: Side,
) -> Answer<Fact> {
    let release: Release = match read(call) {
        Ok(release) => release,
        Err(problem) => return refused(400, &problem),
    };
    if release.count > RELEASED_MAX || release.lines_max == 0 {
        return refused(400, &format!("count is at most {RELEASED_MAX}, and an order has at least one line"));
    }
    let chance = release.seed.map_or(setting.chance, Chance::new);
    let first = environment.count(side) as u64 + 1;
    let request = |index: u64| request(setting, chance, (&release, side), (index, first + index), call.at);
    let requests: Vec<_> = (0..release.count).map(request).collect();
    let told = requests
        .iter()
        .filter(|_| !release.silent)
        .flat_map(|request| events::about(setting, released_event(setting, side), request, call.at));
    let notices = events::bundle(setting, told.collect());
    let ids: Vec<_> = requests.iter().map(|request| request.id.clone()).collect();
    let mut answer = Answer::new(201, Effect::Created, json!({ "released": ids })).telling(notices);
    let gives = release.refunded && side == Side::Returned;
    let refund = |(others, request): (usize, &Request)| credits::refunded(environment, (request, others), &[], call.at);
    let refunds: Vec<_> = requests.iter().enumerate().filter(|_| gives).map(refund).collect();
    answer.facts = requests.into_iter().map(|request| Fact::Released(Box::new(request))).chain(refunds).collect();
    answer
}

/// The event that tells of a document.
fn released_event(setting: &Setting<FinanceOperationsRules>, side: Side) -> &str {
    match side {
        Side::Outbound => &setting.rules.released_event,
        Side::Inbound => &setting.rules.expected_event,
        Side::Returned => &setting.rules.return_event,
    }
}

fn request(
    setting: &Setting<FinanceOperationsRules>,
    chance: Chance,
    (release, side): (&Release, Side),
    (index, count): (u64, u64),
    now: Timestamp,
) -> Request {
    let rules = &setting.rules;
    let lines = wanted_lines(rules, chance, (release, side), index);
    let company = release.company.as_ref().unwrap_or(&rules.company).to_lowercase();
    let warehouse = release.warehouse.as_ref().unwrap_or(&rules.warehouse);
    let (id, origin, mut fields) = match side {
        Side::Outbound => ("SHP", "OSO", consigned::header(chance, index, count, warehouse, now)),
        Side::Inbound if expected::is_transfer(count) => {
            ("ISR", "OTO", expected::header(chance, (index, count), warehouse, now))
        }
        Side::Inbound => ("ISR", "OPO", expected::header(chance, (index, count), warehouse, now)),
        Side::Returned => ("RET", "RET", returns::header(chance, (index, count), warehouse, now)),
    };
    fields.extend(release.fields.clone());
    let mut lines: Vec<_> =
        (1..).zip(lines).map(|(number, wanted)| line(rules, chance, side, (index, number), wanted)).collect();
    for (line, wanted) in lines.iter_mut().zip(&release.lines).filter(|(_, wanted)| !wanted.disposition.is_empty()) {
        line.fields.insert(returns::DISPOSITION.to_owned(), json!(wanted.disposition));
    }
    Request {
        side,
        company,
        id: format!("{id}{count:07}"),
        origin: format!("{origin}{count:07}"),
        version: 1,
        status: "Open".to_owned(),
        response: String::new(),
        canceled: false,
        on_hold: release.on_hold,
        released_ms: now.as_millisecond(),
        changed_ms: now.as_millisecond(),
        row: 1,
        fields,
        lines,
    }
}

/// What an order orders: the lines that were named, else what chance chooses.
fn wanted_lines(
    rules: &FinanceOperationsRules,
    chance: Chance,
    (release, side): (&Release, Side),
    order: u64,
) -> Vec<Wanted> {
    let named = |line: &WantedLine| Wanted { sku: line.item.clone(), unit: line.unit.clone(), quantity: line.quantity };
    if !release.lines.is_empty() {
        return release.lines.iter().map(named).collect();
    }
    let shares = Shares { lots: rules.lots_share, serials: rules.serials_share, weighed: rules.weighed_share };
    let lines = 1 + chance.below(&format!("lines/{order}"), release.lines_max);
    (1..=lines).map(|number| wanted(chance, shares, &question(side, order, number))).collect()
}

/// What chance is asked about a line.
fn question(side: Side, order: u64, number: u64) -> String {
    match side {
        Side::Outbound => format!("{order}/{number}"),
        Side::Inbound => format!("inbound/{order}/{number}"),
        Side::Returned => format!("returned/{order}/{number}"),
    }
}

fn line(
    rules: &FinanceOperationsRules,
    chance: Chance,
    side: Side,
    (order, number): (u64, u64),
    wanted: Wanted,
) -> RequestLine {
    let inbound = side != Side::Outbound;
    let question = question(side, order, number);
    let lots = tracking(&wanted.sku) == Tracking::Lots;
    let demanded = !inbound && lots && chance.strikes(rules.demanded_share, &format!("demanded/{question}"));
    let lot = if demanded { format!("{}-B1", wanted.sku) } else { String::new() };
    let own_percent = if side == Side::Inbound || (!inbound && wanted.unit == "kg") { 10 } else { 0 };
    let over_percent = Decimal::from(rules.items_tolerate_percent.unwrap_or(own_percent));
    let own = |percent: Value| rules.items_tolerate_percent.is_none().then_some(percent);
    let mut fields = json!({
        "ItemNumber": wanted.sku,
        "ItemDescription": format!("Example {}", wanted.sku),
        "OrderedUnitSymbol": wanted.unit,
        "ItemBatchNumber": lot,
        "ItemSerialNumber": "",
        "OrderedInventoryStatusId": "Available",
        "InventoryOwnerId": "",
        "SellableDays": 0,
        "OverdeliveryPercentage": own(self::number(over_percent)),
        "UnderdeliveryPercentage": own(json!(if inbound { rules.under_percent } else { 0 })),
        "ConsigneeLineNumber": number,
        "ConsigneeReference": "",
        "ConsigneeItemNumber": "",
    });
    for dimension in VARIANT {
        fields[dimension] = json!("");
    }
    RequestLine {
        number: i64::try_from(number).unwrap_or(0),
        item: wanted.sku,
        ordered: wanted.quantity,
        unit: wanted.unit,
        over_percent,
        lot,
        serial: String::new(),
        posted: Decimal::ZERO,
        posted_serials: std::collections::BTreeSet::new(),
        money: Money::default(),
        fields: if let Value::Object(fields) = fields { fields } else { Map::new() },
    }
}

fn change(
    environment: &Environment,
    setting: &Setting<FinanceOperationsRules>,
    call: &Call,
    (side, id): (Side, &str),
) -> Answer<Fact> {
    let Some(mut request) = found(environment, setting, call, (side, id)) else { return refused(404, "no such order") };
    let change: Change = match read(call) {
        Ok(change) => change,
        Err(problem) => return refused(400, &problem),
    };
    if request.canceled {
        return refused(409, "the order was cancelled");
    }
    let blank = change.lines.is_empty() && change.fields.is_empty() && !change.released;
    if let (true, Some(line)) = (blank, request.lines.first_mut()) {
        line.ordered += Decimal::ONE;
    }
    for changed in change.lines {
        match request.lines.iter_mut().find(|line| line.number == changed.line) {
            Some(line) => changed.change(line),
            None => return refused(404, "no such line"),
        }
    }
    request.fields.extend(change.fields);
    let changed = side == Side::Outbound && !change.released;
    let event = if changed { &setting.rules.changed_event } else { released_event(setting, side) };
    replaced(setting, request, event, call.at)
}

fn cancel(
    environment: &Environment,
    setting: &Setting<FinanceOperationsRules>,
    call: &Call,
    (side, id): (Side, &str),
) -> Answer<Fact> {
    let Some(mut request) = found(environment, setting, call, (side, id)) else { return refused(404, "no such order") };
    if request.canceled {
        return Answer::new(200, Effect::Repeated, json!({"id": id, "version": request.version}));
    }
    request.canceled = true;
    let event = if side == Side::Outbound { &setting.rules.cancelled_event } else { released_event(setting, side) };
    replaced(setting, request, event, call.at)
}

/// Somebody takes a document away: it is told as one that was cancelled, and is not there when it is looked for.
fn withdraw(
    environment: &Environment,
    setting: &Setting<FinanceOperationsRules>,
    call: &Call,
    (side, id): (Side, &str),
) -> Answer<Fact> {
    let Some(request) = found(environment, setting, call, (side, id)) else { return refused(404, "no such order") };
    let key = (request.company.clone(), request.id.clone());
    let answer = cancel(environment, setting, call, (side, id));
    Answer { facts: vec![Fact::Withdrawn { key }], ..answer }
}

fn replaced(
    setting: &Setting<FinanceOperationsRules>,
    mut request: Request,
    kind: &str,
    now: Timestamp,
) -> Answer<Fact> {
    request.version += 1;
    request.row += 1;
    request.changed_ms = now.as_millisecond();
    let notices = events::bundle(setting, events::about(setting, kind, &request, now));
    let body = json!({"id": request.id, "version": request.version});
    Answer::new(200, Effect::Changed, body).by(Fact::Replaced(Box::new(request))).telling(notices)
}

fn found(
    environment: &Environment,
    setting: &Setting<FinanceOperationsRules>,
    call: &Call,
    (side, id): (Side, &str),
) -> Option<Request> {
    let company = call.asked("company").unwrap_or(&setting.rules.company).to_lowercase();
    environment.requests.get(&(company, id.to_owned())).filter(|request| request.side == side).cloned()
}

fn read<T: serde::de::DeserializeOwned>(call: &Call) -> Result<T, String> {
    serde_json::from_value(Value::Object(call.object()?)).map_err(|error| error.to_string())
}

fn refused(status: u16, problem: &str) -> Answer<Fact> {
    Answer::new(status, Effect::Refused, json!({ "error": problem }))
}
