//! Writes: creates with unique keys, changes with `ETags`, the commit of an update.

use serde_json::{Map, Value};

use super::address::Address;
use super::adjustments::{key_of, refusal};
use super::entities::{COMPANY, Entity, LINE, ORIGIN, REQUEST, STATUS, UPDATE, text};
use super::errors::{infolog, missing, wrong};
use super::journals;
use super::processing::received;
use super::reading::{etag, with_context};
use super::returns;
use super::rules::FinanceOperationsRules;
use super::state::{Environment, Fact, State, Table, Update, UpdateKey};
use crate::sandbox::call::{Answer, Call};
use crate::sandbox::ledger::Effect;
use crate::sandbox::premises::Uniqueness;
use crate::sandbox::side::Side;
use crate::sandbox::stock::StockBook;
use crate::sandbox::world::Setting;

type Fields = Map<String, Value>;

/// A write that is being decided.
pub(super) struct Write<'a> {
    pub(super) environment: &'a Environment,
    pub(super) setting: &'a Setting<FinanceOperationsRules>,
    pub(super) call: &'a Call,
    pub(super) address: &'a Address,
    pub(super) entity: (Side, Entity),
    /// What earlier calls of the same changeset move.
    pub(super) before: StockBook,
}

impl Write<'_> {
    /// A POST to an entity set.
    pub(super) fn create(&self) -> Answer<Fact> {
        let mut fields = match self.fields() {
            Ok(fields) => fields,
            Err(problem) => return wrong(400, &problem),
        };
        let company = text(&fields, COMPANY);
        let company = if company.is_empty() { self.setting.rules.company.clone() } else { company.to_lowercase() };
        fields.insert(COMPANY.to_owned(), Value::String(company.clone()));
        if let Entity::Journals(part) = self.entity.1 {
            return journals::create(self.environment, self.setting, self.call, (part, fields));
        }
        if let Entity::Returns(part) = self.entity.1 {
            return returns::create(self.environment, self.setting, self.call, (part, fields));
        }
        if self.entity.1 == Entity::Tracking {
            return self.create_tracking(fields);
        }
        if let Some(part) = self.entity.1.keys().iter().find(|part| text(&fields, part).is_empty()) {
            return infolog(
                400,
                &self.address.entity,
                &format!("Error: Field '{part}' must be filled in."),
                Effect::Refused,
            );
        }
        let key = (company, text(&fields, UPDATE), text(&fields, ORIGIN));
        match self.entity.1 {
            Entity::Updates => self.create_update(key, fields),
            Entity::UpdateLines => self.create_row(key, Table::Lines, &fields),
            Entity::UpdateDimensions => self.create_row(key, Table::Dimensions, &fields),
            Entity::Adjustments => self.create_adjustment(fields),
            Entity::Requests
            | Entity::RequestLines
            | Entity::RequestStatus
            | Entity::Tracking
            | Entity::Journals(_)
            | Entity::Returns(_)
            | Entity::Listed(_) => wrong(405, "The entity cannot be created."),
        }
    }

    fn create_update(&self, key: UpdateKey, fields: Fields) -> Answer<Fact> {
        let origin = (key.0.clone(), key.2.clone());
        let known = self.environment.origins.get(&origin);
        let known = known.filter(|request| self.environment.side_of(&key.0, request).is_posted_on(self.entity.0));
        let Some(request) = known.cloned() else {
            let text = format!("Error: Shipment order '{}' does not exist.", key.2);
            return self.refused(&text, Effect::Refused).about(None, Some(named(&key)));
        };
        let about = (Some(request.clone()), Some(named(&key)));
        let answer = match (self.environment.updates.get(&key), self.setting.uniqueness) {
            (Some(_), Uniqueness::AnswersExisting) => self.exists(&named(&key)),
            // What was handed over once is not created anew, though it was refused: it can be opened again.
            (Some(update), _) => match self.handed_over(update) {
                Some(refusal) => refusal,
                None => {
                    self.created_again(update, &fields).by(Fact::UpdateChanged { key, fields, created_again: true })
                }
            },
            (None, _) => {
                let commits = text(&fields, STATUS).eq_ignore_ascii_case(State::Received.as_str());
                let shown = self.shown(fields.clone(), 1);
                let opened = Fact::UpdateOpened { key: key.clone(), request, fields };
                let answer = Answer::new(201, Effect::Created, shown).by(opened);
                if commits { answer.by(self.commit(key)) } else { answer }
            }
        };
        answer.about(about.0, about.1)
    }

    fn create_row(&self, key: UpdateKey, table: Table, fields: &Fields) -> Answer<Fact> {
        let Some(update) = self.environment.updates.get(&key) else {
            let text = format!("Error: Shipment order update '{}' does not exist.", key.1);
            return self.refused(&text, Effect::Refused).about(None, Some(named(&key)));
        };
        let name = format!("{}/{}", named(&key), text(fields, LINE));
        let about = (Some(update.request.clone()), Some(name.clone()));
        let several = self.setting.rules.several_dimensions_per_line;
        let place = Environment::place(update, table, fields, several);
        let written = |place| Fact::RowWritten { key, table, place, fields: fields.clone(), created: true };
        let answer = match (place, self.setting.uniqueness) {
            (Some(_), Uniqueness::AnswersExisting) => self.exists(&name),
            (Some(place), Uniqueness::UpdatesInPlace) => match self.closed(update) {
                Some(refusal) => refusal,
                None => self.created_again(update, fields).by(written(Some(place))),
            },
            (_, _) => match self.closed(update) {
                Some(refusal) => refusal,
                None => Answer::new(201, Effect::Created, self.shown(fields.clone(), 1)).by(written(None)),
            },
        };
        answer.about(about.0, about.1)
    }

    fn create_adjustment(&self, fields: Fields) -> Answer<Fact> {
        let key = key_of(|part| text(&fields, part));
        let name = key.join("/");
        let held = self.environment.adjustments.get(&key);
        let rules = &self.setting.rules;
        let limit = (rules.negative_stock_refused, rules.stock_at_first.into());
        let answer = match (held, self.setting.uniqueness) {
            (Some(_), Uniqueness::AnswersExisting) => self.exists(&name),
            // What is updated in place was posted before: its quantity moves nothing more.
            (Some(_), Uniqueness::UpdatesInPlace) => Answer::new(200, Effect::Repeated, self.shown(fields, 1)),
            (_, _) => match refusal(self.environment, limit, &fields, &self.before) {
                Some(text) => self.refused(&text, Effect::Refused),
                None => {
                    Answer::new(201, Effect::Created, self.shown(fields.clone(), 1)).by(Fact::Adjusted { key, fields })
                }
            },
        };
        answer.about(None, Some(name))
    }

    fn create_tracking(&self, fields: Fields) -> Answer<Fact> {
        let keys = &self.setting.rules.tracking_keys;
        let name = keys.iter().map(|part| text(&fields, part)).collect::<Vec<_>>().join("/");
        let place = self.tracking_place(|part| text(&fields, part));
        let created = self.shown(fields.clone(), 1);
        let answer = match (place, self.setting.uniqueness) {
            (Some(_), Uniqueness::AnswersExisting) => self.exists(&name),
            (Some(place), Uniqueness::UpdatesInPlace) => {
                let fact = Fact::TrackingWritten { place: Some(place), fields, created: true };
                Answer::new(200, Effect::Repeated, created).by(fact)
            }
            (_, _) => Answer::new(201, Effect::Created, created).by(Fact::TrackingWritten {
                place: None,
                fields,
                created: true,
            }),
        };
        answer.about(None, Some(name))
    }

    /// A PATCH of one row.
    pub(super) fn change(&self) -> Answer<Fact> {
        let fields = match self.fields() {
            Ok(fields) => fields,
            Err(problem) => return wrong(400, &problem),
        };
        match self.entity.1 {
            Entity::RequestStatus => self.change_status(fields),
            Entity::Updates => self.change_update(fields),
            Entity::UpdateLines => self.change_row(Table::Lines, fields),
            Entity::UpdateDimensions => self.change_row(Table::Dimensions, fields),
            Entity::Tracking => self.change_tracking(fields),
            Entity::Requests
            | Entity::RequestLines
            | Entity::Adjustments
            | Entity::Journals(_)
            | Entity::Returns(_)
            | Entity::Listed(_) => wrong(405, "The entity cannot be changed."),
        }
    }

    fn change_status(&self, fields: Fields) -> Answer<Fact> {
        let key = (self.company(), self.key(REQUEST));
        let Some(request) = self.environment.requests.get(&key) else { return missing() };
        let about = (Some(key.1.clone()), Some(format!("{}/{}", key.0, key.1)));
        let same = |name: &str, held: &str| !fields.contains_key(name) || text(&fields, name) == held;
        let repeated = same("RequestStatus", &request.status) && same("ResponseMessage", &request.response);
        let answer = match self.unmatched(request.row) {
            Some(refusal) => refusal,
            None => changed(repeated).by(Fact::StatusWritten { key, fields }),
        };
        answer.about(about.0, about.1)
    }

    fn change_update(&self, mut fields: Fields) -> Answer<Fact> {
        let key = self.update_key();
        let Some(update) = self.environment.updates.get(&key) else { return missing() };
        let about = (Some(update.request.clone()), Some(named(&key)));
        let status = text(&fields, STATUS).to_lowercase();
        fields.remove(STATUS);
        let answer = match (self.unmatched(update.header.version), status.as_str()) {
            (Some(refusal), _) => refusal,
            (None, "received") if fields.is_empty() => self.complete(key, update),
            (None, "received") => self.closed(update).unwrap_or_else(|| {
                let written = Fact::UpdateChanged { key: key.clone(), fields, created_again: false };
                changed(false).by(written).by(self.commit(key))
            }),
            (None, "" | "receiving") => match self.closed(update) {
                Some(refusal) => refusal,
                None if update.state == State::Failed => changed(false).by(Fact::Reopened { key }),
                None => changed(false).by(Fact::UpdateChanged { key, fields, created_again: false }),
            },
            (None, other) => {
                self.refused(&format!("Error: Status '{other}' cannot be set from outside."), Effect::Refused)
            }
        };
        answer.about(about.0, about.1)
    }

    fn change_row(&self, table: Table, mut fields: Fields) -> Answer<Fact> {
        let key = self.update_key();
        let Some(update) = self.environment.updates.get(&key) else { return missing() };
        let about = (Some(update.request.clone()), Some(format!("{}/{}", named(&key), self.key(LINE))));
        let line = self.key(LINE).parse::<i64>().unwrap_or(0);
        fields.insert(LINE.to_owned(), line.into());
        let Some(place) = Environment::place(update, table, &fields, false) else { return missing() };
        let version = update.table(table).get(place).map_or(0, |row| row.version);
        let answer = match self.unmatched(version).or_else(|| self.closed(update)) {
            Some(refusal) => refusal,
            None => changed(false).by(Fact::RowWritten { key, table, place: Some(place), fields, created: false }),
        };
        answer.about(about.0, about.1)
    }

    fn change_tracking(&self, fields: Fields) -> Answer<Fact> {
        let place = self.tracking_place(|part| self.address.key(part).unwrap_or_default().to_owned());
        let Some((place, row)) = place.and_then(|place| Some((place, self.environment.tracking.get(place)?))) else {
            return missing();
        };
        match self.unmatched(row.version) {
            Some(refusal) => refusal,
            None => changed(false).by(Fact::TrackingWritten { place: Some(place), fields, created: false }),
        }
    }

    /// The bound action `Complete`.
    pub(super) fn act(&self) -> Answer<Fact> {
        let complete = self.address.action.as_deref() == Some("Complete") && self.entity.1 == Entity::Updates;
        if !complete {
            return wrong(404, "No action of this name was found.");
        }
        let key = self.update_key();
        let Some(update) = self.environment.updates.get(&key) else { return missing() };
        let about = (Some(update.request.clone()), Some(named(&key)));
        self.complete(key, update).about(about.0, about.1)
    }

    /// Hands an update over; a second time changes nothing, unless it was refused in between.
    fn complete(&self, key: UpdateKey, update: &Update) -> Answer<Fact> {
        match update.state {
            State::Receiving | State::Failed => changed(false).by(self.commit(key)),
            State::Received | State::Accepted => changed(true),
        }
    }

    fn commit(&self, key: UpdateKey) -> Fact {
        received(self.setting, self.call.at, key)
    }

    fn fields(&self) -> Result<Fields, String> {
        let mut fields = self.call.object()?;
        fields.retain(|name, _| !name.starts_with('@'));
        let (side, entity) = self.entity;
        let unknown =
            |name: &String| format!("The property '{name}' does not exist on type '{}'.", self.address.entity);
        let inward = |(name, value): (String, Value)| {
            side.inward(entity, &name).map(|ours| (ours, value)).ok_or_else(|| unknown(&name))
        };
        let fields = fields.into_iter().map(inward).collect::<Result<Fields, String>>()?;
        entity.check(side, &fields)?;
        Ok(fields)
    }

    fn company(&self) -> String {
        self.address.key(COMPANY).unwrap_or(&self.setting.rules.company).to_lowercase()
    }

    fn key(&self, name: &str) -> String {
        self.address.key(name).unwrap_or_default().to_owned()
    }

    fn update_key(&self) -> UpdateKey {
        (self.company(), self.key(UPDATE), self.key(ORIGIN))
    }

    fn tracking_place(&self, value: impl Fn(&str) -> String) -> Option<usize> {
        let keys = &self.setting.rules.tracking_keys;
        let part = keys.iter().find(|part| part.as_str() != COMPANY)?;
        let candidates = self.environment.tracking_with(part, &value(part));
        let same = |place: &usize| {
            let row = self.environment.tracking.get(*place);
            row.is_some_and(|row| keys.iter().all(|part| text(&row.fields, part).eq_ignore_ascii_case(&value(part))))
        };
        candidates.into_iter().find(same)
    }

    fn exists(&self, name: &str) -> Answer<Fact> {
        // Both statuses are seen, depending on where the refusal comes from.
        let status = if self.setting.chance.below(&format!("exists/{name}"), 4) == 0 { 500 } else { 400 };
        let text = format!(
            "Warning: Cannot create a record in {}: {name}.; Error: The record already exists.",
            self.address.entity
        );
        infolog(status, &self.address.entity, &text, Effect::Repeated)
    }

    fn created_again(&self, update: &Update, fields: &Fields) -> Answer<Fact> {
        let held = update.lines.iter().chain(&update.dimensions).chain([&update.header]);
        let same = held.into_iter().any(|row| fields.iter().all(|(name, value)| row.fields.get(name) == Some(value)));
        let effect = if same { Effect::Repeated } else { Effect::Changed };
        Answer::new(200, effect, self.shown(fields.clone(), 2))
    }

    /// An update that was handed over takes nothing more, unless it was refused.
    fn closed(&self, update: &Update) -> Option<Answer<Fact>> {
        self.handed_over(update).filter(|_| update.state != State::Failed)
    }

    fn handed_over(&self, update: &Update) -> Option<Answer<Fact>> {
        let text = format!("Error: The update has status {} and cannot be changed.", update.state.as_str());
        (update.state != State::Receiving).then(|| self.refused(&text, Effect::Refused))
    }

    fn unmatched(&self, version: u32) -> Option<Answer<Fact>> {
        let wanted = self.call.header("if-match")?;
        let matches = wanted == "*" || wanted == etag(version);
        (!matches).then(|| wrong(412, "The ETag in If-Match is not that of the row."))
    }

    fn refused(&self, text: &str, effect: Effect) -> Answer<Fact> {
        infolog(400, &self.address.entity, text, effect)
    }

    fn shown(&self, mut fields: Fields, version: u32) -> Value {
        let (side, entity) = self.entity;
        fields = side.outward(entity, fields);
        fields.insert("@odata.etag".to_owned(), Value::String(etag(version)));
        with_context(self.call, &self.address.entity, fields)
    }
}

fn changed(repeated: bool) -> Answer<Fact> {
    let effect = if repeated { Effect::Repeated } else { Effect::Changed };
    Answer::new(204, effect, Value::Null)
}

fn named(key: &UpdateKey) -> String {
    format!("{}/{}/{}", key.0, key.1, key.2)
}
