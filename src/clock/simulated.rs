//! Time that goes only when nobody has anything to do, and steps whose fate is decided elsewhere.
//!
//! For simulations: the whole processor runs in one thread on a runtime whose time is paused, so that a seed has one
//! course. What is done outside of the process (a statement, a commit) is done on a runtime of its own while everything
//! else stands still. Invariant: a step happens whole or not at all; whoever is told that it never happens, waits for ever.

use std::fmt::Debug;
use std::future::{Future, pending};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake};
use std::thread::Thread;
use std::time::Duration;

use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio::time::Instant;

/// What befalls a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Befalls {
    /// It goes on after this time.
    Goes(Duration),
    /// It never goes on: the process is dead, and nobody has noticed yet.
    Never,
}

/// Decides what befalls steps.
pub trait Fate: Debug + Send + Sync {
    /// Asked before a step.
    fn before(&self, step: &'static str) -> Befalls;
    /// Asked after it: what it did is done, and nobody knows it yet.
    fn after(&self, step: &'static str) -> Befalls;
}

/// The source of a simulated clock.
#[derive(Clone, Debug)]
pub struct Simulated {
    start: Timestamp,
    origin: Instant,
    random: Arc<Mutex<fastrand::Rng>>,
    outside: Handle,
    fate: Arc<dyn Fate>,
    /// While a step is done: the instant at which everything else stands still.
    still: Arc<Mutex<Option<Timestamp>>>,
    /// The instant that was told last: none is told twice, as on a real machine.
    last: Arc<Mutex<Timestamp>>,
}

impl Simulated {
    /// To be called in the runtime whose time is paused; `outside` is another runtime with threads
    /// of its own, for what is done outside.
    #[must_use]
    pub fn new(start: Timestamp, seed: u64, outside: Handle, fate: Arc<dyn Fate>) -> Self {
        let random = Arc::new(Mutex::new(fastrand::Rng::with_seed(seed)));
        Self {
            start,
            origin: Instant::now(),
            random,
            outside,
            fate,
            still: Arc::default(),
            last: Arc::new(Mutex::new(start)),
        }
    }

    /// The same time and chance, and another fate: for a second worker beside the first.
    #[must_use]
    pub fn with_fate(&self, fate: Arc<dyn Fate>) -> Self {
        Self { fate, ..self.clone() }
    }

    pub(super) fn now(&self) -> Timestamp {
        let still = *self.still.lock().unwrap_or_else(PoisonError::into_inner);
        still.unwrap_or_else(|| {
            let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
            let next = last.checked_add(Duration::from_micros(1)).unwrap_or(*last);
            *last = self.start.checked_add(self.origin.elapsed()).unwrap_or(self.start).max(next);
            *last
        })
    }

    pub(super) fn chance(&self) -> u64 {
        self.random.lock().unwrap_or_else(PoisonError::into_inner).u64(..)
    }

    pub(super) async fn step<T: Send>(&self, name: &'static str, work: impl Future<Output = T> + Send) -> T {
        befall(self.fate.before(name)).await;
        let done = self.outside(work);
        befall(self.fate.after(name)).await;
        done
    }

    /// Waits for it in place: the runtime of the simulation sees one poll that takes long. Timers and tasks of the work
    /// belong to the runtime outside, whose own threads run them.
    pub(super) fn outside<T>(&self, work: impl Future<Output = T>) -> T {
        self.stand_still(Some(self.now()));
        let entered = self.outside.enter();
        let done = wait_in_place(tokio::task::unconstrained(work));
        drop(entered);
        self.stand_still(None);
        done
    }

    fn stand_still(&self, at: Option<Timestamp>) {
        *self.still.lock().unwrap_or_else(PoisonError::into_inner) = at;
    }
}

/// Wakes a thread that waits in place.
struct Waiting(Thread);

impl Wake for Waiting {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Polls until it is done, without letting anything else run in this thread.
pub fn wait_in_place<T>(work: impl Future<Output = T>) -> T {
    let waker = Arc::new(Waiting(std::thread::current())).into();
    let mut context = Context::from_waker(&waker);
    let mut work = pin!(work);
    loop {
        match work.as_mut().poll(&mut context) {
            Poll::Ready(done) => return done,
            Poll::Pending => std::thread::park(),
        }
    }
}

async fn befall(befalls: Befalls) {
    match befalls {
        Befalls::Goes(Duration::ZERO) => {}
        Befalls::Goes(after) => tokio::time::sleep(after).await,
        Befalls::Never => pending().await,
    }
}
