//! So many calls in a minute and not many more at once: a token bucket, kept as the instant at which it is full. Pure.

use std::time::Duration;

/// One far end's bucket.
#[derive(Clone, Debug)]
pub struct Bucket {
    /// From one token to the next.
    every: Duration,
    /// What it holds, as the time in which it fills.
    holds: Duration,
    /// When it is full again.
    full_at: Duration,
}

impl Bucket {
    /// A full one; nothing where no rate is configured.
    #[must_use]
    pub fn new(per_minute: u32, at_once: u32) -> Option<Self> {
        let every = Duration::from_mins(1).checked_div(per_minute)?;
        Some(Self { every, holds: every * at_once.max(1), full_at: Duration::ZERO })
    }

    /// How long until there is a token.
    #[must_use]
    pub fn wait(&self, now: Duration) -> Duration {
        (self.full_at.max(now) + self.every).saturating_sub(now + self.holds)
    }

    /// Takes one, whether it is there yet or not; answers how long to wait for it.
    pub fn take(&mut self, now: Duration) -> Duration {
        let wait = self.wait(now);
        self.full_at = self.full_at.max(now) + self.every;
        wait
    }
}
