//! What a simulated far end must say of itself, so that both share journal, ledger, faults and delivery.
//!
//! A world decides by looking (`answer`, `control`, `move_on` change nothing) and changes only by facts (`apply`), so
//! that reading the facts again leads to the same world.

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::call::{Answer, Call};
use super::chance::Chance;
use super::delivery::{Delivery, Notice};
use super::faults::{Fault, Faults};
use super::premises::Uniqueness;

/// A simulated far end.
pub(super) trait World: Default + Send + 'static {
    /// What can happen in it.
    type Fact: Serialize + DeserializeOwned + Send;
    /// How it behaves.
    type Rules: Send + Sync + 'static;

    /// Lets a fact happen.
    fn apply(&mut self, fact: Self::Fact);
    /// Answers a call of the product.
    fn answer(&self, setting: &Setting<Self::Rules>, call: &Call) -> Answer<Self::Fact>;
    /// The sets of a call that brings several calls at once, or why it is not taken; nothing for a single call.
    fn sets(_: &Setting<Self::Rules>, _: &Call) -> Option<Result<Vec<Set>, Answer<Self::Fact>>> {
        None
    }
    /// Answers a set: every call of it, or the one that was refused alone, and then nothing of it happens.
    fn answer_set(&self, setting: &Setting<Self::Rules>, calls: &[Call]) -> Vec<Answer<Self::Fact>> {
        calls.iter().map(|call| self.answer(setting, call)).collect()
    }
    /// The answer of a call that brought several: what became of its sets, as far as it came, in their order.
    fn together(_: &[(&Set, Vec<Answer<Self::Fact>>)]) -> Answer<Self::Fact> {
        Self::unwilling(501)
    }
    /// Answers a call below `/sandbox` that only this far end knows.
    fn control(&self, setting: &Setting<Self::Rules>, call: &Call) -> Option<Answer<Self::Fact>>;
    /// What happens by itself now.
    fn move_on(&self, setting: &Setting<Self::Rules>, faults: &Faults, now: Timestamp) -> Moves<Self::Fact>;
    /// How it says that it does not want to answer now.
    fn unwilling(status: u16) -> Answer<Self::Fact>;
    /// The headers of an event that is sent now.
    fn headers(rules: &Self::Rules, delivery: &Delivery, now: Timestamp) -> Vec<(&'static str, String)>;
    /// Everything a person may want to see.
    fn state(&self) -> Value;
    /// Plain counts by stage.
    fn progress(&self) -> Value;
}

/// What does not change while a world runs.
pub(super) struct Setting<R> {
    pub(super) rules: R,
    pub(super) chance: Chance,
    pub(super) uniqueness: Uniqueness,
}

/// Calls of which all are done, or none.
pub(super) struct Set {
    /// It is one call that came without such a bracket.
    pub(super) alone: bool,
    pub(super) calls: Vec<Call>,
}

/// What happens by itself at one instant.
pub(super) struct Moves<F> {
    pub(super) facts: Vec<F>,
    pub(super) notices: Vec<Notice>,
    pub(super) struck: Vec<Fault>,
}

impl<F> Default for Moves<F> {
    fn default() -> Self {
        Self { facts: Vec::new(), notices: Vec::new(), struck: Vec::new() }
    }
}

impl<F> Moves<F> {
    pub(super) fn is_empty(&self) -> bool {
        self.facts.is_empty() && self.notices.is_empty() && self.struck.is_empty()
    }
}
