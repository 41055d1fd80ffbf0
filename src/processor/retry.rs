//! HOW LONG TO WAIT: the one place that knows the `backoff` crate.
//!
//! The waits between attempts are the table in the configuration, read from top to bottom, each spread at random so that
//! what failed together does not come again together. Waits for the store grow and never end.

use std::time::Duration;

use backoff::SystemClock;
use backoff::backoff::Backoff as _;
use backoff::exponential::{ExponentialBackoff, ExponentialBackoffBuilder};

use crate::config::{Processor, ms};

/// All waits of the processor.
#[derive(Clone, Debug)]
pub struct RetryTable {
    attempts: Vec<Duration>,
    jitter: f64,
    busy: (Duration, Duration),
    store: (Duration, Duration),
    posting: Vec<Duration>,
}

/// Growing waits that never end.
pub struct Waits(ExponentialBackoff<SystemClock>);

impl RetryTable {
    /// The tables of a configuration.
    #[must_use]
    pub fn new(processor: &Processor) -> Self {
        Self {
            attempts: processor.retry_delays_ms.iter().copied().map(ms).collect(),
            jitter: f64::from(processor.retry_jitter_percent.min(100)) / 100.0,
            busy: (ms(processor.busy_delay_ms_min), ms(processor.busy_delay_ms_max)),
            store: (ms(processor.store_retry_delay_ms_min), ms(processor.store_retry_delay_ms_max)),
            posting: processor.posting_poll_delays_ms.iter().copied().map(ms).collect(),
        }
    }

    /// The wait after so many attempts that counted (the one that just failed is not among them). Nothing when the
    /// budget is spent.
    #[must_use]
    pub fn after_attempt(&self, attempts_before: u32) -> Option<Duration> {
        let row = usize::try_from(attempts_before).ok()?;
        self.attempts.get(row).map(|delay| self.spread(*delay))
    }

    /// The wait for a far end that has been busy for so long: as long again, within limits.
    #[must_use]
    pub fn while_busy(&self, busy_for: Duration) -> Duration {
        let (least, most) = self.busy;
        self.spread(busy_for.clamp(least, most.max(least)))
    }

    /// The wait until a posted update is asked about next, when it has been waited for so long: the table read as
    /// instants since the posting.
    #[must_use]
    pub fn until_next_poll(&self, waited: Duration) -> Duration {
        let mut due = Duration::ZERO;
        for delay in &self.posting {
            due += *delay;
            if let Some(left) = due.checked_sub(waited).filter(|left| !left.is_zero()) {
                return left;
            }
        }
        self.posting.last().copied().unwrap_or(Duration::from_secs(1))
    }

    /// Waits for the store.
    #[must_use]
    pub fn for_the_store(&self) -> Waits {
        let (least, most) = self.store;
        let mut waits = ExponentialBackoffBuilder::new();
        let waits = waits.with_initial_interval(least).with_max_interval(most.max(least));
        Waits(waits.with_randomization_factor(0.5).with_multiplier(2.0).with_max_elapsed_time(None).build())
    }

    /// A wait, spread at random in both directions.
    fn spread(&self, delay: Duration) -> Duration {
        let mut once = ExponentialBackoffBuilder::<SystemClock>::new();
        let once = once.with_initial_interval(delay).with_max_interval(delay).with_multiplier(1.0);
        let once = once.with_randomization_factor(self.jitter).with_max_elapsed_time(None);
        once.build().next_backoff().unwrap_or(delay)
    }
}

impl Waits {
    /// The next wait.
    pub fn next_wait(&mut self) -> Duration {
        self.0.next_backoff().unwrap_or(self.0.max_interval)
    }
}
