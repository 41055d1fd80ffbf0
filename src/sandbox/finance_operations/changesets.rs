//! Changesets: each call sees what those before it do, and nothing has happened until all of them are taken.
//!
//! Updates are rehearsed on a copy of the one document that they are about; of adjustments the book of stock says enough.

use serde_json::Value;

use super::address::Address;
use super::adjustments::moved;
use super::entities::{COMPANY, Entity, ORIGIN, text};
use super::journals;
use super::rules::FinanceOperationsRules;
use super::sides;
use super::state::{Environment, Fact, UpdateKey};
use crate::sandbox::call::{Answer, Call};
use crate::sandbox::stock::StockBook;
use crate::sandbox::world::Setting;

/// Answers the calls of a changeset: all of them, or the one refusal.
pub(super) fn answer(
    environment: &Environment,
    setting: &Setting<FinanceOperationsRules>,
    calls: &[Call],
) -> Vec<Answer<Fact>> {
    let mut before = StockBook::default();
    let mut copy = Environment::default();
    let mut answers = Vec::with_capacity(calls.len());
    for call in calls {
        let about = (calls.len() > 1).then(|| origin(&setting.rules, call)).flatten();
        let journal = journals::written_into(&setting.rules, call);
        let copied = about.is_some_and(|origin| copy.origins.contains_key(&origin))
            || journal.is_some_and(|journal| copy.journals.contains_key(&journal));
        let seen = if copied { &copy } else { environment };
        let mut answer = seen.answer_after(setting, call, before.clone());
        if answer.status >= 400 {
            answer.facts.clear();
            return vec![answer];
        }
        for fact in &answer.facts {
            match fact {
                Fact::Adjusted { fields, .. } => {
                    let (shelf, quantity) = moved(fields);
                    before.move_by(shelf, quantity);
                }
                Fact::JournalWritten { .. } | Fact::JournalLineWritten { .. } => copy.happen(fact.clone()),
                Fact::UpdateOpened { key, .. }
                | Fact::UpdateChanged { key, .. }
                | Fact::RowWritten { key, .. }
                | Fact::Reopened { key }
                | Fact::Committed { key, .. } => {
                    copy_document(environment, &mut copy, key);
                    copy.happen(fact.clone());
                }
                _ => {}
            }
        }
        answers.push(answer);
    }
    answers
}

/// The company and origin that a call about an update names.
fn origin(rules: &FinanceOperationsRules, call: &Call) -> Option<(String, String)> {
    let address = Address::read(call.path.strip_prefix("/data/")?).ok()?;
    let (side, name) = sides::of_entity(&address.entity);
    let entity = Entity::named(&name, &rules.tracking_entity)?;
    if !matches!(entity, Entity::Updates | Entity::UpdateLines | Entity::UpdateDimensions) {
        return None;
    }
    let address = side.address(entity, address);
    let said = |wanted: &str| {
        if address.keys.is_some() {
            return address.key(wanted).map(str::to_owned);
        }
        let members = call.object().ok()?;
        let named = |(name, _): &(&String, &Value)| side.inward(entity, name).as_deref() == Some(wanted);
        let name = members.iter().find(named)?.0.clone();
        Some(text(&members, &name))
    };
    let company = said(COMPANY).filter(|company| !company.is_empty()).unwrap_or_else(|| rules.company.clone());
    Some((company.to_lowercase(), said(ORIGIN)?))
}

/// Copies what there is of the document that an update is about, once.
fn copy_document(environment: &Environment, copy: &mut Environment, (company, _, origin): &UpdateKey) {
    let name = (company.clone(), origin.clone());
    let Some(request) = environment.origins.get(&name).filter(|_| !copy.origins.contains_key(&name)) else { return };
    let of_request = (company.clone(), request.clone());
    copy.requests.extend(environment.requests.get(&of_request).map(|held| (of_request.clone(), held.clone())));
    let keys = environment.updates_of.get(&name).cloned().unwrap_or_default();
    let updates = keys.iter().filter_map(|key| Some((key.clone(), environment.updates.get(key)?.clone())));
    copy.updates.extend(updates);
    copy.updates_of.insert(name.clone(), keys);
    copy.origins.insert(name, request.clone());
}
