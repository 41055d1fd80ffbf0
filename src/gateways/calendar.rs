//! Whose day an instant is, and on which day it is posted: a day of a closed period gives way to the first open one, or waits
//! for finance, as the environment is configured. Until when periods are closed is configured, too; a row of the mapping goes before
//! that, so that finance closes and opens a period while everything runs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{PoisonError, RwLock};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::config::{ClosedPeriods, Outbound};
use crate::mapping::Mapping;
use crate::message::{Connection, LegalEntity};

/// The days of an environment's legal entities.
#[derive(Debug, Default)]
pub struct Calendar {
    zones: BTreeMap<String, String>,
    closed_until: BTreeMap<String, Date>,
    closed_periods: ClosedPeriods,
    /// What rows of the mapping say, as of the version that was learnt last.
    told: RwLock<BTreeMap<LegalEntity, Date>>,
}

/// The day on which something is posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PostingDay {
    /// The day on which it is posted.
    pub day: Date,
    /// The day on which it happened, where that is another one, because its period is closed.
    pub instead_of: Option<Date>,
}

impl Calendar {
    /// As an environment is configured.
    #[must_use]
    pub fn of(outbound: &Outbound) -> Self {
        Self {
            zones: outbound.time_zones.clone(),
            closed_until: outbound.closed_until.clone(),
            closed_periods: outbound.closed_periods,
            told: RwLock::default(),
        }
    }

    /// Learns what a version of the mapping says of the environment's periods. Gives the companies whose closed periods end on
    /// another day now, each with the day on which they ended before.
    pub fn learn(&self, environment: &Connection, mapping: &Mapping) -> Vec<(LegalEntity, Date)> {
        let companies: BTreeSet<LegalEntity> = mapping.companies_with_periods().cloned().collect();
        let told: BTreeMap<LegalEntity, Date> = companies
            .into_iter()
            .filter_map(|company| mapping.closed_until(environment, &company).map(|day| (company, day)))
            .collect();
        let mut known = self.told.write().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *known, told);
        let configured = |company: &LegalEntity| self.closed_until.get(company.as_str()).copied();
        let companies: BTreeSet<&LegalEntity> = before.keys().chain(known.keys()).collect();
        let changed = companies.into_iter().filter_map(|company| {
            let was = before.get(company).copied().or_else(|| configured(company))?;
            let is = known.get(company).copied().or_else(|| configured(company));
            (is != Some(was)).then(|| (company.clone(), was))
        });
        changed.collect()
    }

    /// The last day of a company's closed periods.
    fn closed(&self, legal_entity: &LegalEntity) -> Option<Date> {
        let told = self.told.read().unwrap_or_else(PoisonError::into_inner);
        told.get(legal_entity).or_else(|| self.closed_until.get(legal_entity.as_str())).copied()
    }

    /// The day of an instant in a legal entity; in UTC where it has no time zone.
    #[must_use]
    pub fn day(&self, instant: Timestamp, legal_entity: &LegalEntity) -> Date {
        let name = self.zones.get(legal_entity.as_str());
        // Names were checked with the configuration.
        let zone = name.and_then(|name| TimeZone::get(name).ok()).unwrap_or(TimeZone::UTC);
        instant.to_zoned(zone).date()
    }

    /// The last day of the closed period that what happened at an instant waits for.
    #[must_use]
    pub fn waits_for(&self, instant: Timestamp, legal_entity: &LegalEntity) -> Option<Date> {
        let closed = self.closed(legal_entity)?;
        (self.closed_periods == ClosedPeriods::Wait && self.day(instant, legal_entity) <= closed).then_some(closed)
    }

    /// Whether what waits for finance waits for the end of this very period.
    #[must_use]
    pub fn waits_until(&self, day: Date, legal_entity: &LegalEntity) -> bool {
        self.closed_periods == ClosedPeriods::Wait && self.closed(legal_entity) == Some(day)
    }

    /// The day on which what happened at an instant is posted.
    #[must_use]
    pub fn posting_day(&self, instant: Timestamp, legal_entity: &LegalEntity) -> PostingDay {
        let day = self.day(instant, legal_entity);
        let closed = self.closed(legal_entity).filter(|closed| day <= *closed);
        let gives_way = self.closed_periods == ClosedPeriods::FirstOpenDay;
        match closed.filter(|_| gives_way).and_then(|closed| closed.tomorrow().ok()) {
            Some(first_open) => PostingDay { day: first_open, instead_of: Some(day) },
            None => PostingDay { day, instead_of: None },
        }
    }
}

impl PostingDay {
    /// For the journey, where it is another day than when it happened.
    #[must_use]
    pub fn told(&self) -> Option<String> {
        let closed = self.instead_of?;
        let day = self.day;
        Some(format!(
            "Is to post it on {day}, the first open day: the period of {closed}, when it happened, is closed."
        ))
    }
}
