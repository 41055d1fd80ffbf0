//! The mapping that attempts begin with: the newest version that this worker knows of. A look from time to time finds a
//! newer one; who runs already goes on with the one it began with.

use std::sync::{Arc, Mutex, PoisonError};

use super::house::House;
use super::wake;
use crate::config::ms;
use crate::mapping::Mapping;
use crate::message::OrderingKey;
use crate::telemetry::MappingKnown;

/// The newest version that this worker knows of; none before the first look.
#[derive(Default)]
pub(super) struct CurrentMapping(Mutex<Option<Mapping>>);

/// Looks again and again whether there is a newer version.
pub(super) async fn run(house: Arc<House>) {
    let mut looks = tokio::time::interval(ms(house.tools.config.processor.mapping_poll_ms));
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        look(&house).await;
    }
}

/// A partition was taken: before anything is delivered from it, the mapping is known.
pub(super) async fn found(house: &House) {
    if house.mapping.known().is_none() {
        look(house).await;
    }
}

async fn look(house: &House) {
    let store = &house.tools.store;
    let version = house.persistently("reading the version of the mapping", || store.mapping_version()).await;
    if house.mapping.known().is_some_and(|known| known.version() == version) {
        return;
    }
    let newer = house.persistently("reading the mapping", || store.mapping(None)).await;
    MappingKnown { version: newer.version(), rows: newer.rows().len() }.emit();
    let periods = periods_that_changed(house, &newer);
    house.mapping.learn(newer);
    wake::periods_changed(house, periods).await;
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
    /// A snapshot of it.
    pub(super) fn now(&self) -> Mapping {
        self.known().unwrap_or_default()
    }

    fn known(&self) -> Option<Mapping> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn learn(&self, newer: Mapping) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(newer);
    }
}
