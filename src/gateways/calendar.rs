//! Whose day an instant is, and on which day it is posted: a day of a closed period gives way to the first open one, or waits
//! for finance, as the environment is configured.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::config::{ClosedPeriods, Outbound};
use crate::message::LegalEntity;

/// The days of an environment's legal entities.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calendar {
    zones: BTreeMap<String, String>,
    closed_until: BTreeMap<String, Date>,
    closed_periods: ClosedPeriods,
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
        }
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
        let closed = *self.closed_until.get(legal_entity.as_str())?;
        (self.closed_periods == ClosedPeriods::Wait && self.day(instant, legal_entity) <= closed).then_some(closed)
    }

    /// Whether anything of this day or before still waits for finance.
    #[must_use]
    pub fn is_closed(&self, day: Date, legal_entity: &LegalEntity) -> bool {
        let closed = self.closed_until.get(legal_entity.as_str());
        self.closed_periods == ClosedPeriods::Wait && closed.is_some_and(|closed| day <= *closed)
    }

    /// The day on which what happened at an instant is posted.
    #[must_use]
    pub fn posting_day(&self, instant: Timestamp, legal_entity: &LegalEntity) -> PostingDay {
        let day = self.day(instant, legal_entity);
        let closed = self.closed_until.get(legal_entity.as_str()).filter(|closed| day <= **closed);
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
