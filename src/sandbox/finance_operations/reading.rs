//! Reads: keyed, filtered, in pages, with `ETags`.

use serde_json::{Map, Value, json};

use super::address::Address;
use super::adjustments::{ADJUSTMENT_KEY, key_of};
use super::entities::{COMPANY, Entity, LINE, ORIGIN, REQUEST, STATUS, UPDATE};
use super::errors::{missing, wrong};
use super::filter::Filter;
use super::journals;
use super::returns;
use super::rules::FinanceOperationsRules;
use super::state::{Environment, Fact, Request, Row, Update, UpdateKey};
use crate::sandbox::call::{Answer, Call};
use crate::sandbox::ledger::Effect;
use crate::sandbox::side::Side;

type Fields = Map<String, Value>;

/// When a row was last changed: a member of a customer's own, as scans need one.
pub(super) const CHANGED_AT: &str = "ModifiedDateTime";

/// An instant as `OData` shows it.
pub(super) fn instant(ms: i64) -> String {
    let instant = jiff::Timestamp::from_millisecond(ms).unwrap_or_default();
    instant.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// Answers a GET.
pub(super) fn read(
    environment: &Environment,
    rules: &FinanceOperationsRules,
    call: &Call,
    (address, side, entity): (&Address, Side, Entity),
) -> Answer<Fact> {
    let filter = match &address.keys {
        Some(keys) => Filter::of_keys(keys),
        None => match Filter::read(call.asked("$filter").unwrap_or_default()) {
            Ok(filter) => match filter.renamed(&|name| side.inward(entity, name)) {
                Some(filter) => filter,
                None => return wrong(400, "The filter names a property that this entity does not have."),
            },
            Err(problem) => return wrong(400, &problem),
        },
    };
    let everywhere = call.asked("cross-company").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let mut rows = rows(environment, rules, (side, entity), &filter);
    // A misspelt name must not look like "not there".
    let unknown = |row: &Fields| filter.fields().into_iter().find(|field| !entity.knows(field, row)).map(str::to_owned);
    if let Some(field) = rows.first().and_then(unknown) {
        return wrong(400, &format!("Could not find a property named '{field}' on type '{}'.", address.entity));
    }
    let shared = !entity.keys().contains(&COMPANY) && matches!(entity, Entity::Listed(_));
    let here = |row: &Fields| everywhere || shared || company_of(row).eq_ignore_ascii_case(&rules.company);
    rows.retain(|row| filter.takes(row) && here(row));
    let asked =
        call.asked("$select").map(|names| names.split(',').map(str::trim).collect::<Vec<_>>()).unwrap_or_default();
    let strange = rows.first().and_then(|row| asked.iter().find(|name| !entity.knows(name, row) && !side.knows(name)));
    if let Some(field) = strange {
        return wrong(400, &format!("Could not find a property named '{field}' on type '{}'.", address.entity));
    }
    let rows: Vec<Fields> = rows.into_iter().map(|row| side.outward(entity, row)).collect();
    let reference = reference(environment, rules, &filter);
    let key =
        address.keys.as_ref().map(|keys| keys.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>().join("/"));
    let answer = match &address.keys {
        Some(keys) if entity.keys().iter().any(|part| !keys.iter().any(|(name, _)| name == part)) => {
            wrong(404, &format!("The key of {} has the parts {}.", address.entity, entity.keys().join(", ")))
        }
        Some(_) => match rows.into_iter().next() {
            Some(row) => Answer::new(200, Effect::None, with_context(call, &address.entity, row)),
            None => missing(),
        },
        None => page(rules, call, &address.entity, rows),
    };
    answer.about(reference, key)
}

/// One page of a list, and where the next one is.
fn page(rules: &FinanceOperationsRules, call: &Call, entity: &str, rows: Vec<Fields>) -> Answer<Fact> {
    let count = |name: &str| call.asked(name).and_then(|text| text.parse::<usize>().ok());
    let all = rows.len();
    let skip = count("$skiptoken").or(count("$skip")).unwrap_or(0);
    let top = count("$top").unwrap_or(usize::MAX);
    let last = all.min(skip.saturating_add(top.min(rules.page_rows)));
    let select = call.asked("$select").map(|names| names.split(',').map(str::trim).collect::<Vec<_>>());
    let chosen = |row: Fields| match &select {
        Some(names) => {
            row.into_iter().filter(|(name, _)| names.contains(&name.as_str()) || name.starts_with('@')).collect()
        }
        None => row,
    };
    let values: Vec<Fields> = rows.into_iter().take(last).skip(skip).map(chosen).collect();
    let mut body = json!({"@odata.context": context(call, entity), "value": values});
    if call.asked("$count").is_some_and(|value| value == "true") {
        body["@odata.count"] = json!(all);
    }
    if last < all && top > rules.page_rows {
        let others = call.query.iter().filter(|(name, _)| name != "$skiptoken" && name != "$skip");
        let mut link = format!("{}/data/{entity}?$skiptoken={last}", root(call));
        for (name, value) in others {
            let left = (top - rules.page_rows).to_string();
            let value = if name == "$top" { &left } else { value };
            link.extend(["&", &encode(name), "=", &encode(value)]);
        }
        body["@odata.nextLink"] = json!(link);
    }
    Answer::new(200, Effect::None, body)
}

/// The rows of an entity that can fit a filter, looked up by the document where the filter names one.
fn rows(
    environment: &Environment,
    rules: &FinanceOperationsRules,
    (side, entity): (Side, Entity),
    filter: &Filter,
) -> Vec<Fields> {
    let requests = || requests(environment, rules, filter).into_iter().filter(move |request| request.side == side);
    let updates = || {
        let updates = updates(environment, rules, filter).into_iter();
        updates.filter(move |(key, update)| environment.side_of(&key.0, &update.request).is_posted_on(side))
    };
    match entity {
        Entity::Requests => requests().map(request_row).collect(),
        Entity::RequestStatus => requests().map(status_row).collect(),
        Entity::RequestLines => requests().flat_map(line_rows).collect(),
        Entity::Updates => updates().map(|(_, update)| header_row(rules, update)).collect(),
        Entity::UpdateLines => written(updates().map(|(_, update)| &*update.lines)),
        Entity::UpdateDimensions => written(updates().map(|(_, update)| &*update.dimensions)),
        Entity::Tracking => tracking(environment, filter).into_iter().map(row_fields).collect(),
        Entity::Adjustments => adjustments(environment, filter).into_iter().map(row_fields).collect(),
        Entity::Journals(part) => journals::rows(environment, part).iter().map(row_fields).collect(),
        Entity::Returns(part) => returns::rows(environment, part),
        Entity::Listed(listed) => listed.rows(environment, rules),
    }
}

fn requests<'a>(environment: &'a Environment, rules: &FinanceOperationsRules, filter: &Filter) -> Vec<&'a Request> {
    let Some(ids) = filter.choices(REQUEST) else { return environment.requests.values().collect() };
    let company = company(rules, filter);
    ids.into_iter().filter_map(|id| environment.requests.get(&(company.clone(), id.to_owned()))).collect()
}

fn updates<'a>(
    environment: &'a Environment,
    rules: &FinanceOperationsRules,
    filter: &Filter,
) -> Vec<(&'a UpdateKey, &'a Update)> {
    let company = company(rules, filter);
    if let Some(id) = filter.demands(UPDATE) {
        let from = (company.clone(), id.to_owned(), String::new());
        return environment.updates.range(from..).take_while(|(key, _)| key.0 == company && key.1 == id).collect();
    }
    let Some(origins) = filter.choices(ORIGIN) else { return environment.updates.iter().collect() };
    let keys = |origin: &str| environment.updates_of.get(&(company.clone(), origin.to_owned()));
    let keys = origins.into_iter().filter_map(keys).flatten();
    keys.filter_map(|key| environment.updates.get_key_value(key)).collect()
}

/// Looked up by the text that the fewest rows have.
fn tracking<'a>(environment: &'a Environment, filter: &Filter) -> Vec<&'a Row> {
    let fields = filter.fields().into_iter();
    let candidates = fields.filter_map(|field| Some(environment.tracking_with(field, filter.demands(field)?)));
    match candidates.min_by_key(Vec::len) {
        Some(places) => places.iter().filter_map(|place| environment.tracking.get(*place)).collect(),
        None => environment.tracking.iter().collect(),
    }
}

/// Looked up by the whole key where the filter names it.
fn adjustments<'a>(environment: &'a Environment, filter: &Filter) -> Vec<&'a Row> {
    let whole = ADJUSTMENT_KEY.iter().all(|part| filter.demands(part).is_some());
    if !whole {
        return environment.adjustments.values().collect();
    }
    let key = key_of(|part| filter.demands(part).unwrap_or_default().to_owned());
    environment.adjustments.get(&key).into_iter().collect()
}

/// The company that a filter means, in small letters.
fn company(rules: &FinanceOperationsRules, filter: &Filter) -> String {
    filter.demands(COMPANY).unwrap_or(&rules.company).to_lowercase()
}

/// The released document that a filter leads to, for the ledger.
fn reference(environment: &Environment, rules: &FinanceOperationsRules, filter: &Filter) -> Option<String> {
    let of_origin = |origin: &str| environment.origins.get(&(company(rules, filter), origin.to_owned())).cloned();
    filter.demands(REQUEST).map(str::to_owned).or_else(|| of_origin(filter.demands(ORIGIN)?))
}

fn request_row(request: &Request) -> Fields {
    let mut row = request.fields.clone();
    row.insert(COMPANY.to_owned(), json!(request.company));
    row.insert(REQUEST.to_owned(), json!(request.id));
    row.insert(ORIGIN.to_owned(), json!(request.origin));
    row.insert("RequestVersion".to_owned(), json!(request.version));
    row.insert(CHANGED_AT.to_owned(), json!(instant(request.changed_ms)));
    tagged(row, request.row)
}

fn status_row(request: &Request) -> Fields {
    let mut row = Fields::new();
    row.insert(COMPANY.to_owned(), json!(request.company));
    row.insert(REQUEST.to_owned(), json!(request.id));
    let status = if request.canceled { "Canceled" } else { &request.status };
    row.insert("RequestStatus".to_owned(), json!(status));
    row.insert("ResponseMessage".to_owned(), json!(request.response));
    tagged(row, request.row)
}

fn line_rows(request: &Request) -> Vec<Fields> {
    let row = |line: &super::state::RequestLine| {
        let mut row = line.fields.clone();
        row.insert(COMPANY.to_owned(), json!(request.company));
        row.insert(REQUEST.to_owned(), json!(request.id));
        row.insert(LINE.to_owned(), json!(line.number));
        row.insert("OrderedQuantity".to_owned(), super::entities::number(line.ordered));
        tagged(row, request.row)
    };
    request.lines.iter().map(row).collect()
}

fn header_row(rules: &FinanceOperationsRules, update: &Update) -> Fields {
    let mut row = update.header.fields.clone();
    row.insert(STATUS.to_owned(), json!(update.state.as_str()));
    row.insert(CHANGED_AT.to_owned(), json!(instant(update.changed_ms)));
    row.insert(rules.message_field.clone(), json!(update.message));
    tagged(row, update.header.version)
}

fn written<'a>(tables: impl Iterator<Item = &'a [Row]>) -> Vec<Fields> {
    tables.flatten().map(row_fields).collect()
}

fn row_fields(row: &Row) -> Fields {
    tagged(row.fields.clone(), row.version)
}

pub(super) fn tagged(mut row: Fields, version: u32) -> Fields {
    row.insert("@odata.etag".to_owned(), json!(etag(version)));
    row
}

/// The weak tag of a row's version.
pub(super) fn etag(version: u32) -> String {
    format!("W/\"JzAsNTYzNzE0{version};\"")
}

pub(super) fn with_context(call: &Call, entity: &str, mut row: Fields) -> Value {
    row.insert("@odata.context".to_owned(), json!(format!("{}/$entity", context(call, entity))));
    Value::Object(row)
}

fn context(call: &Call, entity: &str) -> String {
    format!("{}/data/$metadata#{entity}", root(call))
}

fn root(call: &Call) -> String {
    format!("http://{}", call.header("host").unwrap_or("localhost"))
}

fn company_of(row: &Fields) -> &str {
    row.get(COMPANY).and_then(Value::as_str).unwrap_or_default()
}

fn encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~$'".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
