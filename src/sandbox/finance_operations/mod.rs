//! A simulated Dynamics 365 Finance & Operations: tokens, the `OData` entities of outbound and inbound
//! orders, business events.
//!
//! It takes updates as the real one does: rows first, then a commit; processed later, in batches, out of order. It
//! refuses what the real one refuses, in an Infolog. What no documentation decides is a rule that can be set.

mod address;
mod adjustments;
mod batch;
mod changesets;
mod consigned;
mod credits;
mod entities;
mod errors;
mod events;
mod expected;
mod filter;
mod holds;
mod items;
mod journals;
mod metadata;
mod orders;
mod processing;
mod reading;
mod relayed;
mod returns;
mod rules;
mod sides;
mod state;
mod tokens;
mod view;
mod writing;

use axum::http::Method;
use jiff::Timestamp;
use serde_json::Value;

use address::Address;
use entities::Entity;
use errors::wrong;
use state::{Environment, Fact};
use writing::Write;

use super::book::Book;
use super::call::{Answer, Call};
use super::delivery::Delivery;
use super::faults::Faults;
use super::in_process::InProcess;
use super::journal::JournalError;
use super::premises::Premises;
use super::running::{Running, StartError, start};
use super::stock::StockBook;
use super::verdict::FarEnd;
use super::world::{Moves, Set, Setting, World};

pub use relayed::EventShapes;
pub use rules::FinanceOperationsRules;

/// The name of its journal.
const NAME: &str = "finance-operations";

/// A simulated Dynamics 365 Finance & Operations.
pub struct FinanceOperations;

impl FinanceOperations {
    /// Starts it on its files; what they remember goes on.
    pub async fn start(premises: Premises, rules: FinanceOperationsRules) -> Result<Running, StartError> {
        start::<Environment>(premises, NAME, rules).await
    }

    /// Opens it on its files without a socket, for simulations in one process.
    pub fn in_process(premises: &Premises, rules: FinanceOperationsRules) -> Result<InProcess, JournalError> {
        InProcess::open::<Environment>(premises, NAME, rules)
    }

    /// Reads ledger and state from the files of one that does not run.
    pub fn read(folder: &std::path::Path) -> Result<FarEnd, JournalError> {
        let pages = Book::<Environment>::read(folder, NAME)?;
        Ok(FarEnd { state: pages.state(), ledger: pages.ledger })
    }
}

impl World for Environment {
    type Fact = Fact;
    type Rules = FinanceOperationsRules;

    fn apply(&mut self, fact: Fact) {
        self.happen(fact);
    }

    fn answer(&self, setting: &Setting<FinanceOperationsRules>, call: &Call) -> Answer<Fact> {
        if call.path.ends_with("/oauth2/v2.0/token") {
            return tokens::issue(setting, call);
        }
        if !call.path.starts_with("/data/") && !call.path.starts_with("/api/services/") {
            return wrong(404, "There is nothing here.");
        }
        if !tokens::good(setting, call) {
            return no_token();
        }
        if let Some(answer) = journals::serve(self, setting, call) {
            return answer;
        }
        self.answer_after(setting, call, StockBook::default())
    }

    fn sets(setting: &Setting<FinanceOperationsRules>, call: &Call) -> Option<Result<Vec<Set>, Answer<Fact>>> {
        if !batch::is_batch(call) {
            return None;
        }
        if !tokens::good(setting, call) {
            return Some(Err(no_token()));
        }
        Some(batch::sets(call).map_err(|problem| wrong(400, &problem)))
    }

    fn answer_set(&self, setting: &Setting<FinanceOperationsRules>, calls: &[Call]) -> Vec<Answer<Fact>> {
        changesets::answer(self, setting, calls)
    }

    fn together(outcomes: &[(&Set, Vec<Answer<Fact>>)]) -> Answer<Fact> {
        batch::together(outcomes)
    }

    fn control(&self, setting: &Setting<FinanceOperationsRules>, call: &Call) -> Option<Answer<Fact>> {
        orders::control(self, setting, call)
            .or_else(|| processing::control(self, setting, call))
            .or_else(|| credits::control(self, setting, call))
            .or_else(|| items::control(&setting.rules, call))
    }

    fn move_on(&self, setting: &Setting<FinanceOperationsRules>, faults: &Faults, now: Timestamp) -> Moves<Fact> {
        processing::move_on(self, setting, faults, now)
    }

    fn unwilling(status: u16) -> Answer<Fact> {
        errors::unwilling(status)
    }

    fn headers(_: &FinanceOperationsRules, _: &Delivery, _: Timestamp) -> Vec<(&'static str, String)> {
        // No signature and no token: the address is the secret.
        Vec::new()
    }

    fn state(&self) -> Value {
        view::state(self)
    }

    fn progress(&self) -> Value {
        view::progress(self)
    }
}

impl Environment {
    /// Answers a call below `/data/`; `before` is what earlier calls of its changeset move.
    fn answer_after(&self, setting: &Setting<FinanceOperationsRules>, call: &Call, before: StockBook) -> Answer<Fact> {
        if call.method == Method::GET && metadata::is_asked(call) {
            return metadata::answer(&setting.rules);
        }
        let address = match Address::read(call.path.strip_prefix("/data/").unwrap_or(&call.path)) {
            Ok(address) => address,
            Err(problem) => return wrong(400, &problem),
        };
        if setting.rules.lacks.contains(&address.entity) {
            return wrong(404, &format!("Resource not found for the segment '{}'.", address.entity));
        }
        if address
            .action
            .as_ref()
            .is_some_and(|action| setting.rules.lacks.iter().any(|lacked| action.ends_with(lacked)))
        {
            return wrong(404, "No HTTP resource was found that matches the request URI.");
        }
        let (side, name) = sides::of_entity(&address.entity);
        let Some(entity) = Entity::named(&name, &setting.rules.tracking_entity) else {
            return wrong(404, &format!("Resource not found for the segment '{}'.", address.entity));
        };
        let address = side.address(entity, address);
        let write = Write { environment: self, setting, call, address: &address, entity: (side, entity), before };
        match (&call.method, &address.keys, &address.action) {
            (&Method::GET, _, None) => reading::read(self, &setting.rules, call, (&address, side, entity)),
            (&Method::POST, None, None) => write.create(),
            (&Method::PATCH, Some(_), None) => write.change(),
            (&Method::POST, Some(_), Some(_)) => write.act(),
            _ => wrong(405, "The method is not allowed here."),
        }
    }
}

fn no_token() -> Answer<Fact> {
    wrong(401, "The token is missing, unknown or no longer good.")
}
