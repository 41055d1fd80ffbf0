//! The only source of time, identifiers and chance.
//!
//! Inside a process the larger of monotonic and wall clock counts: the monotonic one stands still while a laptop or
//! a virtual machine sleeps, the wall one may be set back. Between processes only the store's clock counts.

#![expect(clippy::disallowed_methods, reason = "this is where everybody else is sent to")]

mod simulated;

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use uuid::Uuid;

pub use simulated::{Befalls, Fate, Simulated, wait_in_place};

/// Time, identifiers and chance. Cheap to clone; all clones tell the same.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Source>);

#[derive(Debug)]
enum Source {
    System,
    Set { now: Mutex<Timestamp>, random: Mutex<fastrand::Rng> },
    Simulated(Simulated),
}

/// An instant to measure from, on both clocks.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    monotonic: Instant,
    wall: Timestamp,
}

impl Clock {
    /// The machine's clock and chance.
    #[must_use]
    pub fn system() -> Self {
        Self(Arc::new(Source::System))
    }

    /// A clock that stands at `now` until it is set, with chance from a seed.
    #[must_use]
    pub fn set_at(now: Timestamp, seed: u64) -> Self {
        Self(Arc::new(Source::Set { now: Mutex::new(now), random: Mutex::new(fastrand::Rng::with_seed(seed)) }))
    }

    /// A clock that goes as the simulated runtime's time does, in which chance comes from a seed and steps have a fate.
    #[must_use]
    pub fn simulated(simulated: Simulated) -> Self {
        Self(Arc::new(Source::Simulated(simulated)))
    }

    /// Moves a clock that was set; the machine's clock cannot be moved.
    pub fn advance(&self, by: Duration) {
        if let Source::Set { now, .. } = &*self.0 {
            let mut now = now.lock().unwrap_or_else(PoisonError::into_inner);
            *now = now.checked_add(by).unwrap_or(*now);
        }
    }

    /// Now, UTC.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match &*self.0 {
            Source::System => Timestamp::now(),
            Source::Set { now, .. } => *now.lock().unwrap_or_else(PoisonError::into_inner),
            Source::Simulated(simulated) => simulated.now(),
        }
    }

    /// A point to measure from.
    #[must_use]
    pub fn mark(&self) -> Mark {
        Mark { monotonic: Instant::now(), wall: self.now() }
    }

    /// How long ago a mark was made: the larger of both clocks.
    #[must_use]
    pub fn since(&self, mark: Mark) -> Duration {
        let wall = Duration::try_from(self.now().duration_since(mark.wall)).unwrap_or_default();
        match &*self.0 {
            Source::System => wall.max(mark.monotonic.elapsed()),
            Source::Set { .. } | Source::Simulated(_) => wall,
        }
    }

    /// Does work until so much time has passed since a mark, by the larger of both clocks; nothing when it is not done by
    /// then. The clocks are looked at before the work is: a process that was frozen meanwhile does not go on with what has
    /// come for it, as it would under a timer alone.
    pub async fn in_time<F: Future>(&self, since: Mark, within: Duration, work: F) -> Option<F::Output> {
        let mut work = pin!(work);
        let watched = poll_fn(|context| {
            if self.since(since) >= within {
                return Poll::Ready(None);
            }
            work.as_mut().poll(context).map(Some)
        });
        let left = within.saturating_sub(self.since(since));
        tokio::time::timeout(left, watched).await.ok().flatten()
    }

    /// 64 random bits. Not for secrets.
    #[must_use]
    pub fn chance(&self) -> u64 {
        match &*self.0 {
            Source::System => fastrand::u64(..),
            Source::Set { random, .. } => random.lock().unwrap_or_else(PoisonError::into_inner).u64(..),
            Source::Simulated(simulated) => simulated.chance(),
        }
    }

    /// A secret that nobody has guessed before: 244 random bits of the system, in 64 hexadecimal digits. Also where chance is
    /// set, because a secret that can be told in advance is none.
    #[must_use]
    pub fn secret() -> String {
        format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
    }

    /// A new identifier for something that has no facts to be named by, in order of time.
    #[must_use]
    pub fn identifier(&self) -> Uuid {
        match &*self.0 {
            Source::System => Uuid::now_v7(),
            Source::Set { .. } | Source::Simulated(_) => Uuid::from_u64_pair(self.chance(), self.chance()),
        }
    }
    /// Does a step outside of this process: on disk, in a store, in a queue. In a simulation no time passes meanwhile,
    /// nobody else runs, and what befalls the step is decided before and after it.
    pub async fn step<T: Send>(&self, name: &'static str, work: impl Future<Output = T> + Send) -> T {
        match &*self.0 {
            Source::System | Source::Set { .. } => work.await,
            Source::Simulated(simulated) => simulated.step(name, work).await,
        }
    }

    /// As [`Self::step`], and nothing befalls it.
    pub async fn outside<T: Send>(&self, work: impl Future<Output = T> + Send) -> T {
        match &*self.0 {
            Source::System | Source::Set { .. } => work.await,
            Source::Simulated(simulated) => simulated.outside(work),
        }
    }

    /// The instant by which a file that has no clock of its own tells the time; nothing where it asks the machine.
    #[must_use]
    pub fn told(&self) -> Option<Timestamp> {
        match &*self.0 {
            Source::System | Source::Set { .. } => None,
            Source::Simulated(simulated) => Some(simulated.now()),
        }
    }
}
