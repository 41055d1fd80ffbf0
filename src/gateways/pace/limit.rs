//! How many acts at a time a far end bears: found out by its answers. Pure.
//!
//! Up by one with every good answer until half of what was too much, then by one with every round of good answers; down
//! to half with a bad one, once for all that were under way together. After the breaker was open it begins with one.

use std::time::Duration;

/// One far end's limit.
#[derive(Clone, Debug)]
pub struct Limit {
    now: usize,
    max: usize,
    /// Below this it rises quickly.
    quick_below: usize,
    answers: usize,
    /// Calls that began before this were under way together with the one that lowered it.
    lowered_at: Duration,
}

impl Limit {
    /// Begins with the most that is configured.
    #[must_use]
    pub fn new(max: usize) -> Self {
        let max = max.max(1);
        Self { now: max, max, quick_below: max, answers: 0, lowered_at: Duration::ZERO }
    }

    /// How many may be under way.
    #[must_use]
    pub fn now(&self) -> usize {
        self.now
    }

    /// A good answer.
    pub fn answered(&mut self) {
        self.answers += 1;
        if self.now < self.quick_below || self.answers >= self.now {
            self.now = (self.now + 1).min(self.max);
            self.answers = 0;
        }
    }

    /// A bad one, to a call that began at `begun`.
    pub fn failed(&mut self, begun: Duration, now: Duration) {
        if begun >= self.lowered_at {
            self.quick_below = (self.now / 2).max(1);
            self.now = self.quick_below;
            self.answers = 0;
            self.lowered_at = now;
        }
    }

    /// Begins anew with one.
    pub fn restart(&mut self) {
        self.quick_below = self.quick_below.min((self.max / 2).max(1));
        self.now = 1;
        self.answers = 0;
    }
}
