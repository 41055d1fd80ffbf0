//! Whether a far end is called at all. Pure; the clock is an argument.
//!
//! ```text
//!              so many failures in a row, or asked for more than a moment
//!   closed ─────────────────────────────────────────────────────────────► open
//!     ▲                                                                   │ ▲
//!     │ the probe was answered                                  term over │ │ the probe failed: twice the term
//!     └───────────────────────────── half-open, one probe ◄───────────────┘ │
//!                                          └────────────────────────────────┘
//! ```
//!
//! Invariant: while it is not closed, at most one call is let through at a time.

use std::time::Duration;

/// Its limits.
#[derive(Clone, Copy, Debug)]
pub struct BreakerLimits {
    /// So many failures in a row open it.
    pub failures_max: u32,
    /// It stays open for this long at first,
    pub open_min: Duration,
    /// and after probes that failed for twice as long each time, up to this.
    pub open_max: Duration,
    /// A wish to be left alone for no longer than this concerns the call that was told so; it counts as a failure.
    pub moment: Duration,
}

/// One far end's breaker.
#[derive(Clone, Debug)]
pub struct Breaker {
    limits: BreakerLimits,
    state: State,
    failures: u32,
    term: Duration,
    /// It has been answered well at least once.
    proven: bool,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Closed,
    Open { until: Duration, asked: bool },
    HalfOpen { probing: bool },
}

/// Where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Calls go through.
    Closed,
    /// One call goes through, to see whether the far end is well again.
    HalfOpen,
    /// No call goes through.
    Open {
        /// For how much longer.
        left: Duration,
        /// Because the far end asked for it.
        asked: bool,
    },
}

/// What becomes of a call that wants to go through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// It goes through.
    Goes {
        /// It is the one that tells whether the far end is well again.
        probe: bool,
    },
    /// It does not go through.
    Refused,
}

impl Breaker {
    /// A closed one.
    #[must_use]
    pub fn new(limits: BreakerLimits) -> Self {
        let term = limits.open_min;
        Self { limits, state: State::Closed, failures: 0, term, proven: false }
    }

    /// Where it stands.
    #[must_use]
    pub fn standing(&self, now: Duration) -> Standing {
        match self.state {
            State::Closed => Standing::Closed,
            State::HalfOpen { .. } => Standing::HalfOpen,
            State::Open { until, asked } => match until.checked_sub(now).filter(|left| !left.is_zero()) {
                Some(left) => Standing::Open { left, asked },
                None => Standing::HalfOpen,
            },
        }
    }

    /// Whether its one probe is under way.
    #[must_use]
    pub fn is_probed(&self, now: Duration) -> bool {
        self.standing(now) == Standing::HalfOpen && matches!(self.state, State::HalfOpen { probing: true })
    }

    /// A call wants to go through.
    pub fn enter(&mut self, now: Duration) -> Entry {
        match self.standing(now) {
            Standing::Open { .. } => Entry::Refused,
            Standing::Closed => Entry::Goes { probe: false },
            Standing::HalfOpen if self.is_probed(now) => Entry::Refused,
            Standing::HalfOpen => {
                self.state = State::HalfOpen { probing: true };
                Entry::Goes { probe: true }
            }
        }
    }

    /// A probe is over. One that found nothing out makes room for the next.
    pub fn probed(&mut self) {
        if let State::HalfOpen { probing } = &mut self.state {
            *probing = false;
        }
    }

    /// The far end answered like one that is well. What comes late, from before it opened, tells nothing.
    pub fn answered(&mut self, now: Duration) {
        self.proven = true;
        if !matches!(self.standing(now), Standing::Open { .. }) {
            self.state = State::Closed;
            self.failures = 0;
            self.term = self.limits.open_min;
        }
    }

    /// The far end could not be reached, was silent, or broke down.
    pub fn failed(&mut self, now: Duration) {
        match self.standing(now) {
            Standing::Closed => {
                self.failures += 1;
                if self.failures >= self.limits.failures_max {
                    self.open(now, self.term);
                }
            }
            Standing::HalfOpen => {
                self.term = (self.term * 2).min(self.limits.open_max.max(self.limits.open_min));
                self.open(now, self.term);
            }
            Standing::Open { .. } => {}
        }
    }

    /// The far end asks to be left alone.
    pub fn asked(&mut self, now: Duration, after: Duration) {
        if after <= self.limits.moment {
            return self.failed(now);
        }
        let before = if let State::Open { until, .. } = self.state { until } else { Duration::ZERO };
        self.state = State::Open { until: before.max(now + after), asked: true };
    }

    /// Messages wait for a far end that nobody here has heard of: the first call is a probe. Whether that is new.
    pub fn suspect(&mut self) -> bool {
        let unknown = !self.proven && matches!(self.state, State::Closed);
        if unknown {
            self.state = State::HalfOpen { probing: false };
        }
        unknown
    }

    /// What a person had stopped may go on: whatever was known before, it begins with a probe.
    pub fn resume(&mut self, now: Duration) {
        if !matches!(self.standing(now), Standing::Open { .. }) {
            self.state = State::HalfOpen { probing: false };
        }
    }

    fn open(&mut self, now: Duration, term: Duration) {
        self.failures = 0;
        self.state = State::Open { until: now + term, asked: false };
    }
}
