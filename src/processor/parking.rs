//! What waits for what: the one table from a pause to a parked row's wait. Pure.
//!
//! | the pause | waits for | costs an attempt | and in the end |
//! |---|---|---|---|
//! | busy | a time, as long again as it has lasted | no | |
//! | busy, and the far end as a whole is in the way | the far end | no | |
//! | a flow that a person paused | the flow | no | |
//! | transient | a time, by the retry table | yes | a person, when the budget is spent |
//! | unsure | a time, by the retry table; looked up first | yes | a person, when the budget is spent |
//! | permanent, poison | a person | | |
//! | another document | its arrival; looked at again each minute | no | a person, at the deadline |
//! | finance, for a closed period | the period | no | waits on: one question is a person's, for all who wait |
//! | later | an event about it; the table of polls | no | a person, at the deadline |
//! | again | a time | no | |

use std::time::Duration;

use jiff::Timestamp;

use super::retry::RetryTable;
use crate::config::{Processor, ms};
use crate::failure::{Class, Failure};
use crate::flows::ClosedPeriod;
use crate::message::Kind;
use crate::store::WaitsFor;

/// Why a message cannot go on now.
#[derive(Clone, Debug)]
pub enum Pause {
    /// A failure, sorted by its class.
    Failed(Failure),
    /// Another document must come first.
    Document {
        /// Its name.
        document: String,
        /// The kind that may pass the gate.
        passes: Option<Kind>,
        /// What it becomes at the deadline.
        failure: Failure,
    },
    /// Finance must open a period first.
    Finance(Box<ClosedPeriod>),
    /// Nobody can do anything but look again later.
    Later {
        /// An event about this name wakes it before.
        woken_by: Option<String>,
        /// What it becomes at the deadline.
        failure: Failure,
    },
    /// A person paused its flow.
    Flow {
        /// What people see meanwhile.
        failure: Failure,
    },
    /// Nothing went wrong with it, or nothing that counts.
    Again {
        /// When.
        after: Duration,
        /// What people see meanwhile.
        failure: Option<Failure>,
    },
}

/// What its row says before this attempt; all zero for a message that was never parked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Standing {
    /// Attempts that counted.
    pub attempts: u32,
    /// The deadline of its wait, when it has one; without the time in which it was stopped.
    pub deadline_at: Option<Timestamp>,
    /// How long it has been busy or waiting since it was first parked.
    pub parked_for: Duration,
    /// Something happened at a far end in this attempt: it waits for something else than before.
    pub progressed: bool,
}

/// How it is parked.
#[derive(Clone, Debug, PartialEq)]
pub struct Parking {
    /// What wakes it.
    pub waits_for: WaitsFor,
    /// Attempts that counted.
    pub attempts: u32,
    /// What people see.
    pub failure: Option<Failure>,
    /// When its wait ends.
    pub deadline_at: Option<Timestamp>,
}

/// The limits that parking knows.
#[derive(Clone, Debug)]
pub struct Parkings {
    retry: RetryTable,
    look_again: Duration,
    period_look_again: Duration,
    document_wait: Duration,
    posting_wait: Duration,
}

impl Parkings {
    /// The limits of a configuration.
    #[must_use]
    pub fn new(processor: &Processor) -> Self {
        Self {
            retry: RetryTable::new(processor),
            look_again: ms(processor.look_again_ms),
            period_look_again: ms(processor.period_look_again_ms),
            document_wait: Duration::from_secs(processor.document_wait_s_max),
            posting_wait: Duration::from_secs(processor.posting_wait_s_max),
        }
    }

    /// How a message is parked; `now` is the store's.
    #[must_use]
    pub fn park(&self, standing: Standing, pause: Pause, now: Timestamp) -> Parking {
        match pause {
            Pause::Failed(failure) => self.failed(standing, failure),
            Pause::Document { document, passes, failure } => {
                let waits_for = WaitsFor::Document { key: document, passes, delay: self.look_again };
                until(deadline(standing, self.document_wait, now), now, standing, waits_for, failure)
            }
            Pause::Finance(closed) => {
                let ClosedPeriod { period, failure, .. } = *closed;
                let waits_for = WaitsFor::Document { key: period, passes: None, delay: self.period_look_again };
                Parking { waits_for, attempts: standing.attempts, failure: Some(failure), deadline_at: None }
            }
            Pause::Later { woken_by, failure } => {
                let deadline_at = deadline(standing, self.posting_wait, now);
                let left = Duration::try_from(deadline_at.duration_since(now)).unwrap_or_default();
                let delay = self.retry.until_next_poll(self.posting_wait.saturating_sub(left));
                let waits_for = match woken_by {
                    Some(key) => WaitsFor::Document { key, passes: None, delay },
                    None => WaitsFor::Time { delay: delay.min(left) },
                };
                until(deadline_at, now, standing, waits_for, failure)
            }
            Pause::Flow { failure } => stopped(standing, WaitsFor::Flow, failure),
            Pause::Again { after, failure } => Parking {
                waits_for: WaitsFor::Time { delay: after },
                attempts: standing.attempts,
                // Who may not go on, because a connection is paused, loses no time of his own.
                deadline_at: if failure.is_some() { later(standing.deadline_at, after) } else { standing.deadline_at },
                failure,
            },
        }
    }

    fn failed(&self, standing: Standing, failure: Failure) -> Parking {
        let asked_for = failure.retry_after.unwrap_or_default();
        let busy = failure.class() == Class::Busy;
        if let Some(connection) = failure.far_end().filter(|_| busy) {
            let waits_for = WaitsFor::FarEnd { connection: connection.to_owned() };
            return stopped(standing, waits_for, failure);
        }
        let (delay, attempts) = match failure.class() {
            Class::Busy => {
                // Who asks for no time at all still gets a little.
                let own = || self.retry.while_busy(standing.parked_for);
                let delay =
                    failure.retry_after.map_or_else(own, |asked| asked.max(self.retry.while_busy(Duration::ZERO)));
                (Some(delay), standing.attempts)
            }
            Class::Transient | Class::Unsure => {
                let delay = self.retry.after_attempt(standing.attempts).map(|delay| delay.max(asked_for));
                (delay, standing.attempts.saturating_add(1))
            }
            Class::Permanent | Class::Poison => (None, standing.attempts.saturating_add(1)),
        };
        match delay {
            Some(delay) => Parking {
                waits_for: WaitsFor::Time { delay },
                attempts,
                failure: Some(failure),
                // Time in which the far end was not there does not count.
                deadline_at: if busy { later(standing.deadline_at, delay) } else { standing.deadline_at },
            },
            None => for_a_person(attempts, failure),
        }
    }
}

/// It waits for something that is in the way of many.
fn stopped(standing: Standing, waits_for: WaitsFor, failure: Failure) -> Parking {
    Parking { waits_for, attempts: standing.attempts, failure: Some(failure), deadline_at: standing.deadline_at }
}

/// A person is to act. The next wait has a deadline of its own.
fn for_a_person(attempts: u32, failure: Failure) -> Parking {
    Parking { waits_for: WaitsFor::Person, attempts, failure: Some(failure), deadline_at: None }
}

fn later(deadline_at: Option<Timestamp>, by: Duration) -> Option<Timestamp> {
    deadline_at.map(|at| at.checked_add(by).unwrap_or(at))
}

/// A wait ends when it was to end from the first parking on, unless something happened since.
fn deadline(standing: Standing, wait_max: Duration, now: Timestamp) -> Timestamp {
    let held = standing.deadline_at.filter(|_| !standing.progressed);
    held.unwrap_or_else(|| now.checked_add(wait_max).unwrap_or(now))
}

fn until(deadline_at: Timestamp, now: Timestamp, standing: Standing, waits_for: WaitsFor, failure: Failure) -> Parking {
    if now >= deadline_at {
        return for_a_person(standing.attempts, failure);
    }
    Parking { waits_for, attempts: standing.attempts, failure: Some(failure), deadline_at: Some(deadline_at) }
}
