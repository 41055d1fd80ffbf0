//! What befalls the steps of a simulated process: nothing, mostly; delays, stalls of one worker, and death.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use drayline::clock::{Befalls, Fate};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::watch::Watch;

/// How long a step is held up, at most.
const DELAY_MS_MAX: u64 = 1500;

/// What all workers of a process have in common: they die together.
#[derive(Debug)]
pub struct Process {
    state: Mutex<State>,
    /// It died.
    pub died: Notify,
}

#[derive(Debug)]
struct State {
    chance: fastrand::Rng,
    steps: u64,
    dies_at: Option<u64>,
    dead: bool,
    delayed_permille: u64,
}

/// The fate of one worker's steps.
#[derive(Debug)]
pub struct WorkerFate {
    process: Arc<Process>,
    watch: Arc<Watch>,
    worker: usize,
    /// Its store does not answer until then.
    stalled_until: Mutex<Option<Instant>>,
}

impl Process {
    pub fn new(seed: u64, dies_at: Option<u64>, delayed_permille: u64) -> Arc<Self> {
        let chance = fastrand::Rng::with_seed(seed);
        let state = State { chance, steps: 0, dies_at, dead: false, delayed_permille };
        Arc::new(Self { state: Mutex::new(state), died: Notify::new() })
    }

    /// No more faults.
    pub fn heal(&self) {
        let mut state = self.state();
        state.dies_at = None;
        state.delayed_permille = 0;
    }

    pub fn steps(&self) -> u64 {
        self.state().steps
    }

    fn befalls(&self, may_delay: bool, often: u64) -> Befalls {
        let mut state = self.state();
        if state.dead {
            return Befalls::Never;
        }
        state.steps += 1;
        if state.dies_at == Some(state.steps) {
            state.dead = true;
            self.died.notify_one();
            return Befalls::Never;
        }
        let permille = state.delayed_permille * often;
        if may_delay && permille > 0 && state.chance.u64(..1000) < permille {
            return Befalls::Goes(Duration::from_millis(state.chance.u64(1..=DELAY_MS_MAX)));
        }
        Befalls::Goes(Duration::ZERO)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WorkerFate {
    pub fn new(process: &Arc<Process>, watch: &Arc<Watch>, worker: usize) -> Arc<Self> {
        let (process, watch) = (Arc::clone(process), Arc::clone(watch));
        Arc::new(Self { process, watch, worker, stalled_until: Mutex::default() })
    }

    /// From now on for so long its store does not answer.
    pub fn stall(&self, time: Duration) {
        *self.stalled_until.lock().unwrap() = Some(Instant::now() + time);
    }

    fn stalled(&self) -> Duration {
        let until = *self.stalled_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()))
    }
}

impl Fate for WorkerFate {
    fn before(&self, step: &'static str) -> Befalls {
        let opening = matches!(step, "open" | "close" | "queue.open" | "queue.close");
        // Between two messages of one key nothing but its confirm may decide.
        let often = if step == "queue.publish" { 8 } else { 1 };
        match self.process.befalls(!opening, often) {
            Befalls::Goes(delay) => Befalls::Goes(delay.max(self.stalled())),
            Befalls::Never => Befalls::Never,
        }
    }

    fn after(&self, step: &'static str) -> Befalls {
        match step {
            "take" | "record" | "let_pass" | "unpark" | "accept" | "wake" | "look_again" | "replay" | "discard" => {
                self.watch.stored(self.worker, step);
            }
            "queue.write" => self.watch.queued(),
            _ => {}
        }
        self.process.befalls(step != "beat", 1)
    }
}
