//! The switches for faults, and how often each has struck.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::chance::Chance;

/// What goes wrong, and how often. Rates are from 0 to 1.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Every call waits this long before it is looked at.
    pub latency_ms: u64,
    /// Calls answered 429 with Retry-After; nothing has happened then.
    pub refuse_429: f64,
    /// Calls answered 500, 503 or 504; nothing has happened then, but the caller cannot know.
    pub fail_5xx: f64,
    /// Calls whose effect is committed and whose connection is then closed without an answer.
    pub lose_answer: f64,
    /// Events that are sent again although they were taken.
    pub duplicate: f64,
    /// Events that are held back, so that later ones arrive first.
    pub reorder: f64,
    /// Events that are never sent: nobody is told.
    pub lose_events: f64,
    /// For so long every connection is dropped without an answer. Reading it tells what is left.
    pub down_s: u64,
    /// Finance & Operations only: updates that are refused when they are processed.
    pub refuse_updates: f64,
    /// A call that was struck is not struck when it is made again, just as it was: with a rate of 1, each strikes every call
    /// once, and whoever makes it again gets through.
    pub once: bool,
}

/// The kinds of faults, as they are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "each is explained at its switch")]
pub enum Fault {
    Latency,
    #[serde(rename = "refuse_429")]
    Refuse429,
    #[serde(rename = "fail_5xx")]
    Fail5xx,
    LoseAnswer,
    Duplicate,
    Reorder,
    Down,
    RefuseUpdates,
}

/// How often each fault struck.
pub(super) type FaultCounts = BTreeMap<Fault, u64>;

impl Faults {
    /// Says what is wrong with a setting.
    pub(super) fn check(&self) -> Result<(), String> {
        let rates = [
            ("refuse_429", self.refuse_429),
            ("fail_5xx", self.fail_5xx),
            ("lose_answer", self.lose_answer),
            ("duplicate", self.duplicate),
            ("reorder", self.reorder),
            ("lose_events", self.lose_events),
            ("refuse_updates", self.refuse_updates),
        ];
        match rates.iter().find(|(_, rate)| !(0.0..=1.0).contains(rate)) {
            Some((name, rate)) => Err(format!("{name} is {rate}; a rate is from 0 to 1")),
            None => Ok(()),
        }
    }

    /// What strikes the call with this number. A refused call is not also lost.
    pub(super) fn strike(&self, chance: Chance, call: u64) -> Option<Fault> {
        let switches = [
            (Fault::Refuse429, self.refuse_429),
            (Fault::Fail5xx, self.fail_5xx),
            (Fault::LoseAnswer, self.lose_answer),
        ];
        let struck = |(fault, rate): &(Fault, f64)| chance.strikes(*rate, &format!("{fault:?}/{call}"));
        switches.into_iter().find(struck).map(|(fault, _)| fault)
    }
}
