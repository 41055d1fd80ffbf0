//! A simulated warehouse that speaks the `standard` connector: orders and announcements in by calls,
//! everything else out by events.
//!
//! What it does with an order depends on the seed and the order, so a rehearsal can be repeated. It never asks what the
//! product meant: an order that is created twice is shipped twice where nothing is unique.

mod adjustments;
mod changing;
mod checks;
mod events;
mod lifecycle;
mod orders;
mod receiving;
mod returning;
mod rules;
mod shipping;
mod snapshots;
mod state;
mod telling;
mod view;

use jiff::Timestamp;
use serde_json::Value;

use state::{Fact, Floor};

use super::book::Book;
use super::call::{Answer, Call};
use super::delivery::Delivery;
use super::faults::Faults;
use super::in_process::InProcess;
use super::journal::JournalError;
use super::premises::Premises;
use super::running::{Running, StartError, start};
use super::verdict::FarEnd;
use super::world::{Moves, Setting, World};

pub use rules::WarehouseRules;

/// The name of its journal.
const NAME: &str = "warehouse";

/// A simulated warehouse.
pub struct Warehouse;

impl Warehouse {
    /// Starts it on its files; what they remember goes on.
    pub async fn start(premises: Premises, rules: WarehouseRules) -> Result<Running, StartError> {
        start::<Floor>(premises, NAME, rules).await
    }

    /// Opens it on its files without a socket, for simulations in one process.
    pub fn in_process(premises: &Premises, rules: WarehouseRules) -> Result<InProcess, JournalError> {
        InProcess::open::<Floor>(premises, NAME, rules)
    }

    /// Reads ledger and state from the files of one that does not run.
    pub fn read(folder: &std::path::Path) -> Result<FarEnd, JournalError> {
        let pages = Book::<Floor>::read(folder, NAME)?;
        Ok(FarEnd { state: pages.state(), ledger: pages.ledger })
    }
}

impl World for Floor {
    type Fact = Fact;
    type Rules = WarehouseRules;

    fn apply(&mut self, fact: Fact) {
        self.happen(fact);
    }

    fn answer(&self, setting: &Setting<WarehouseRules>, call: &Call) -> Answer<Fact> {
        orders::answer(self, setting, call)
    }

    fn control(&self, setting: &Setting<WarehouseRules>, call: &Call) -> Option<Answer<Fact>> {
        adjustments::control(self, setting, call)
            .or_else(|| snapshots::control(self, setting, call))
            .or_else(|| returning::control(self, setting, call))
            .or_else(|| shipping::control(self, setting, call))
            .or_else(|| telling::control(self, setting, call))
            .or_else(|| checks::control(call))
    }

    fn move_on(&self, setting: &Setting<WarehouseRules>, _: &Faults, now: Timestamp) -> Moves<Fact> {
        lifecycle::move_on(self, setting, now)
    }

    fn unwilling(status: u16) -> Answer<Fact> {
        orders::unwilling(status)
    }

    fn headers(rules: &WarehouseRules, delivery: &Delivery, now: Timestamp) -> Vec<(&'static str, String)> {
        events::headers(rules, delivery, now)
    }

    fn state(&self) -> Value {
        view::state(self)
    }

    fn progress(&self) -> Value {
        view::progress(self)
    }
}
