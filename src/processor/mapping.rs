//! The mapping that attempts begin with: the newest version that this worker knows of. A look from time to time finds a
//! newer one; who runs already goes on with the one it began with.
//!
//! Invariants: nobody plans with a version of which nobody asked within [`crate::config::Processor::mapping_age_ms_max`] whether
//! it is the newest still; what waits for a thing that a newer version may bring is tried again, whoever dies meanwhile.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::house::House;
use super::wake;
use crate::clock::Mark;
use crate::config::ms;
use crate::mapping::{AWAITED, Mapping};
use crate::message::OrderingKey;
use crate::telemetry::MappingKnown;

/// The newest version that this worker knows of; none before the first look.
#[derive(Default)]
pub(super) struct CurrentMapping {
    known: Mutex<Option<Known>>,
    /// Held by whoever asks the store: all others wait for its answer.
    asking: tokio::sync::Mutex<()>,
}

struct Known {
    mapping: Mapping,
    /// Before the store said that there is no newer one.
    asked: Mark,
}

/// Looks again and again whether there is a newer version, and from time to time whether anything waits for what is there.
pub(super) async fn run(house: Arc<House>) {
    let processor = &house.tools.config.processor;
    let poll = ms(processor.mapping_poll_ms);
    let mut looks = tokio::time::interval(poll);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let (mut woken_by, mut looked) = (None, house.tools.clock.mark());
    loop {
        looks.tick().await;
        let newest = at_most_old(&house, poll / 2).await;
        let again = house.tools.clock.since(looked) >= ms(processor.look_again_ms);
        if again || woken_by != Some(newest.version()) {
            awaited_answered(&house, &newest).await;
            (woken_by, looked) = (Some(newest.version()), house.tools.clock.mark());
        }
    }
}

/// A partition was taken: before anything is delivered from it, the mapping is known.
pub(super) async fn found(house: &House) {
    if house.mapping.known().is_none() {
        current(house).await;
    }
}

/// The newest version, as of a moment ago.
pub(super) async fn current(house: &House) -> Mapping {
    at_most_old(house, ms(house.tools.config.processor.mapping_age_ms_max)).await
}

/// The version that was the newest so long ago at most. One asks for all: thousands of lanes may want to know at once.
async fn at_most_old(house: &House, age_max: Duration) -> Mapping {
    let young = || house.mapping.asked_within(house, age_max);
    if let Some(mapping) = young() {
        return mapping;
    }
    let _asking = house.mapping.asking.lock().await;
    match young() {
        Some(mapping) => mapping,
        None => look(house).await,
    }
}

async fn look(house: &House) -> Mapping {
    let store = &house.tools.store;
    let asked = house.tools.clock.mark();
    let version = house.persistently("reading the version of the mapping", || store.mapping_version()).await;
    if let Some(known) = house.mapping.known().filter(|known| known.version() == version) {
        house.mapping.learn(known.clone(), asked);
        return known;
    }
    let newer = house.persistently("reading the mapping", || store.mapping(None)).await;
    MappingKnown { version: newer.version(), rows: newer.rows().len() }.emit();
    let periods = periods_that_changed(house, &newer);
    house.mapping.learn(newer.clone(), asked);
    wake::periods_changed(house, periods).await;
    newer
}

/// So many names are asked for at a time.
const NAMES_MAX: u32 = 500;

/// Wakes who waits for what this version may say and the one by which it was planned did not. Each row knows that version:
/// nothing is missed by a worker that was away, and nothing is tried in vain because a worker starts.
async fn awaited_answered(house: &House, newer: &Mapping) {
    let store = &house.tools.store;
    loop {
        let ask = || store.awaited(AWAITED, newer.version(), NAMES_MAX);
        let waiting = house.persistently("reading what is waited for", ask).await;
        let Some(oldest) = waiting.iter().map(|(_, version)| *version).min() else { return };
        let before = house.persistently("reading an older mapping", || store.mapping(Some(oldest))).await;
        let news = newer.news_since(&before);
        let asked_for = waiting.len();
        let names = waiting.into_iter().map(|(name, _)| name);
        let (answered, others): (Vec<_>, Vec<_>) = names.partition(|name| news.may_answer(name));
        wake::brought(house, answered).await;
        if !others.is_empty() {
            let pass_over = || store.pass_over(&others, oldest..newer.version());
            house.persistently("passing over what still waits", pass_over).await;
        }
        if asked_for < NAMES_MAX as usize {
            return;
        }
    }
}

/// The names of the closed periods that end on another day by this version.
fn periods_that_changed(house: &House, newer: &Mapping) -> Vec<String> {
    let changed = house.tools.gateways.environments().flat_map(|dynamics| {
        let changed = dynamics.calendar().learn(dynamics.name(), newer).into_iter();
        changed
            .map(|(company, was)| OrderingKey::period(dynamics.name(), company.as_str(), &was.to_string()).to_string())
    });
    changed.collect()
}

impl CurrentMapping {
    /// A snapshot of it, however old.
    pub(super) fn now(&self) -> Mapping {
        self.known().unwrap_or_default()
    }

    fn known(&self) -> Option<Mapping> {
        self.held().as_ref().map(|known| known.mapping.clone())
    }

    /// A snapshot, if it was the newest so long ago at most.
    fn asked_within(&self, house: &House, age_max: Duration) -> Option<Mapping> {
        let held = self.held();
        held.as_ref().filter(|known| house.tools.clock.since(known.asked) <= age_max).map(|known| known.mapping.clone())
    }

    fn learn(&self, mapping: Mapping, asked: Mark) {
        *self.held() = Some(Known { mapping, asked });
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Option<Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
