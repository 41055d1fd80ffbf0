//! Counting until a goal: the rate between a tenth of the way, when everything runs, and the end.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::Failed;
use crate::clock::{Clock, Mark};

/// Nothing moves for so long: something is wrong with what is measured.
const STALLED: Duration = Duration::from_secs(30);

/// Counts until a goal.
pub(super) struct Meter {
    clock: Clock,
    warm: u64,
    goal: u64,
    counted: AtomicU64,
    began: OnceLock<(u64, Mark)>,
    ended: OnceLock<(u64, Duration)>,
    done: Notify,
    /// When each of them set out, by its number, where that is measured.
    set_out: Vec<OnceLock<Mark>>,
    took: Mutex<Vec<(usize, Duration)>>,
}

impl Meter {
    pub(super) fn new(clock: &Clock, goal: u64) -> Self {
        Self {
            clock: clock.clone(),
            warm: goal / 10,
            goal,
            counted: AtomicU64::new(0),
            began: OnceLock::new(),
            ended: OnceLock::new(),
            done: Notify::new(),
            set_out: Vec::new(),
            took: Mutex::default(),
        }
    }

    /// One that also knows when each set out.
    pub(super) fn of_journeys(clock: &Clock, goal: usize) -> Self {
        Self { set_out: (0..goal).map(|_| OnceLock::new()).collect(), ..Self::new(clock, goal as u64) }
    }

    /// Number `place` sets out.
    pub(super) fn sets_out(&self, place: usize, at: Mark) {
        if let Some(each) = self.set_out.get(place) {
            let _ = each.set(at);
        }
    }

    /// Number `place` has arrived.
    pub(super) fn effect(&self, place: Option<usize>) {
        let set_out = place.and_then(|place| self.set_out.get(place)).and_then(OnceLock::get);
        if let (Some(place), Some(mark)) = (place, set_out) {
            let took = self.clock.since(*mark);
            self.took.lock().unwrap_or_else(PoisonError::into_inner).push((place, took));
        }
        self.count(1);
    }

    /// So many more.
    pub(super) fn count(&self, number: u64) {
        let counted = self.counted.fetch_add(number, Ordering::Relaxed) + number;
        if counted >= self.warm && counted - number < self.warm {
            let _ = self.began.set((counted, self.clock.mark()));
        }
        if counted >= self.goal && counted - number < self.goal {
            let took = self.began.get().map_or(Duration::ZERO, |(_, mark)| self.clock.since(*mark));
            let _ = self.ended.set((counted, took));
            self.done.notify_one();
        }
    }

    pub(super) fn counted(&self) -> u64 {
        self.counted.load(Ordering::Relaxed)
    }

    /// How long each took that arrived, by its number.
    pub(super) fn took(&self) -> Vec<(usize, Duration)> {
        self.took.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The same of those with these numbers.
    pub(super) fn took_within(&self, places: Range<usize>) -> Vec<(usize, Duration)> {
        let took = self.took.lock().unwrap_or_else(PoisonError::into_inner);
        // What arrived last is most likely among them.
        let newest = took.iter().rev().take(2 * places.len());
        newest.filter(|(place, _)| places.contains(place)).copied().collect()
    }

    /// Waits for the goal; the rate per second.
    pub(super) async fn rate(&self) -> Result<f64, Failed> {
        let mut last = self.counted();
        while self.ended.get().is_none() {
            if tokio::time::timeout(STALLED, self.done.notified()).await.is_err() {
                let now = self.counted();
                if now == last {
                    return Err(Failed::Work(format!("Nothing moves: {now} of {} came through.", self.goal)));
                }
                last = now;
            }
        }
        let began = self.began.get().map_or(0, |(counted, _)| *counted);
        let (counted, took) = self.ended.get().copied().unwrap_or_default();
        Ok(per_s(counted - began, took))
    }
}

/// So many in this time, per second.
#[allow(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
pub(super) fn per_s(count: u64, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}
