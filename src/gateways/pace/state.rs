//! What a pace consists of, and how its parts go together. No waiting, no clock, no calls.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::oneshot;

use super::breaker::{Breaker, Entry, Standing};
use super::bucket::Bucket;
use super::limit::Limit;
use super::place::{Calling, Place};
use super::turns::{Turns, Urgency};
use super::{Health, LeftAlone};
use crate::message::Flow;

/// How somebody who stands in line is called up.
type Turn = oneshot::Sender<Result<Place, LeftAlone>>;

pub(super) struct State {
    pub(super) breaker: Breaker,
    pub(super) limit: Limit,
    bucket: Option<Bucket>,
    /// Tokens that acts took with their places and have not used yet.
    prepaid: usize,
    pub(super) placed: usize,
    turns: Turns,
    line: [VecDeque<Waiter>; 3],
    /// What people stopped: all calls, or those of one flow; each with the sentence that says who and why.
    pub(super) stopped: Vec<(Option<Flow>, String)>,
    /// The name that was told last.
    pub(super) told: &'static str,
    /// Answers to those who stand in line, to be given once the lock is open: a place, and whether it is a probe's.
    pub(super) answers: Vec<(Turn, Result<bool, LeftAlone>)>,
}

struct Waiter {
    flow: Option<Flow>,
    turn: Turn,
}

/// What becomes of whoever comes.
pub(super) enum Arrived {
    Placed { probe: bool },
    InLine(oneshot::Receiver<Result<Place, LeftAlone>>),
    Refused(LeftAlone),
}

impl State {
    pub(super) fn new(breaker: Breaker, limit: Limit, bucket: Option<Bucket>) -> Self {
        Self {
            breaker,
            limit,
            bucket,
            prepaid: 0,
            placed: 0,
            turns: Turns::default(),
            line: Default::default(),
            stopped: Vec::new(),
            told: "closed",
            answers: Vec::new(),
        }
    }

    /// Somebody wants a place.
    pub(super) fn arrive(&mut self, now: Duration, calling: Calling) -> Arrived {
        if let Some(why) = self.refusal(now, calling.flow) {
            return Arrived::Refused(why);
        }
        if self.line.iter().all(VecDeque::is_empty)
            && let Some(probe) = self.place(now)
        {
            return Arrived::Placed { probe };
        }
        // A second probe is not let through, and does not stand in line for it either.
        if self.breaker.standing(now) == Standing::HalfOpen {
            return Arrived::Refused(LeftAlone::Ill);
        }
        let (turn, called_up) = oneshot::channel();
        self.line[calling.urgency as usize].push_back(Waiter { flow: calling.flow, turn });
        Arrived::InLine(called_up)
    }

    /// Somebody goes.
    pub(super) fn leave(&mut self, probe: bool, now: Duration) {
        self.placed = self.placed.saturating_sub(1);
        // What an act did not use is used by the next.
        self.prepaid = self.prepaid.min(self.placed);
        if probe {
            self.breaker.probed();
        }
        self.dispatch(now);
    }

    /// Calls up whoever may go now.
    pub(super) fn dispatch(&mut self, now: Duration) {
        loop {
            for line in &mut self.line {
                while line.front().is_some_and(|waiter| waiter.turn.is_closed()) {
                    line.pop_front();
                }
            }
            if self.line.iter().all(VecDeque::is_empty) {
                return;
            }
            let Some(probe) = self.place(now) else { return };
            let line = &self.line;
            let Some(urgency) = self.turns.next(|urgency| !line[urgency as usize].is_empty()) else { return };
            if let Some(waiter) = self.line[urgency as usize].pop_front() {
                self.answers.push((waiter.turn, Ok(probe)));
            }
        }
    }

    /// How long until it makes sense to call up again, where nobody's leaving will do.
    pub(super) fn next_in(&mut self, now: Duration) -> Option<Duration> {
        self.bucket.as_ref().map(|bucket| bucket.wait(now)).filter(|wait| !wait.is_zero())
    }

    /// Why nothing may be sent now, if it may not.
    pub(super) fn may_send(&mut self, now: Duration, flow: Option<Flow>) -> Result<(), LeftAlone> {
        self.stop_of(flow).or_else(|| self.illness(now)).map_or(Ok(()), Err)
    }

    /// Takes a token for one call: how long to wait for it. Nothing when that would be too long.
    pub(super) fn token(&mut self, now: Duration, patience: Duration) -> Option<Duration> {
        let Some(bucket) = &mut self.bucket else { return Some(Duration::ZERO) };
        if self.prepaid > 0 {
            self.prepaid -= 1;
            return Some(Duration::ZERO);
        }
        (bucket.wait(now) <= patience).then(|| bucket.take(now))
    }

    /// A call is over.
    pub(super) fn ended(&mut self, now: Duration, health: Health) {
        let before = self.breaker.standing(now);
        match health {
            Health::Well => {
                self.breaker.answered(now);
                self.limit.answered();
            }
            Health::Ill => {
                self.breaker.failed(now);
                self.limit.failed();
            }
            Health::Asks(after) => {
                self.breaker.asked(now, after);
                self.limit.failed();
            }
            Health::Unknown => {}
        }
        if before == Standing::Closed && self.breaker.standing(now) != before {
            self.limit.restart();
        }
        if self.breaker.standing(now) != Standing::Closed {
            self.turn_away(now);
        }
        self.dispatch(now);
    }

    /// What people stop from now on. Where something was let go on, it begins with a probe.
    pub(super) fn stop(&mut self, stopped: Vec<(Option<Flow>, String)>, now: Duration) {
        if self.stopped == stopped {
            return;
        }
        if stopped.len() < self.stopped.len() {
            self.breaker.resume(now);
            self.limit.restart();
        }
        self.stopped = stopped;
        self.turn_away(now);
    }

    pub(super) fn suspect(&mut self) {
        if self.breaker.suspect() {
            self.limit.restart();
        }
    }

    /// Why a flow gets no place, if it gets none.
    pub(super) fn refusal(&mut self, now: Duration, flow: Option<Flow>) -> Option<LeftAlone> {
        let probing = || (self.breaker.is_probed(now)).then_some(LeftAlone::Ill);
        self.stop_of(flow).or_else(|| self.illness(now)).or_else(probing)
    }

    pub(super) fn in_line(&self) -> usize {
        self.line.iter().flatten().filter(|waiter| !waiter.turn.is_closed()).count()
    }

    /// The state in one word, for metrics and people.
    pub(super) fn name(&self, now: Duration) -> &'static str {
        if self.stopped.iter().any(|(flow, _)| flow.is_none()) {
            return "paused";
        }
        match self.breaker.standing(now) {
            Standing::Closed => "closed",
            Standing::HalfOpen => "half_open",
            Standing::Open { .. } => "open",
        }
    }

    /// A place, if one is free; whether it is a probe's.
    fn place(&mut self, now: Duration) -> Option<bool> {
        let full = self.placed >= self.limit.now() && self.breaker.standing(now) == Standing::Closed;
        if full || self.bucket.as_ref().is_some_and(|bucket| !bucket.wait(now).is_zero()) {
            return None;
        }
        let Entry::Goes { probe } = self.breaker.enter(now) else { return None };
        if let Some(bucket) = &mut self.bucket {
            bucket.take(now);
            self.prepaid += 1;
        }
        self.placed += 1;
        Some(probe)
    }

    /// Nobody stands in line for what is not open.
    fn turn_away(&mut self, now: Duration) {
        for urgency in Urgency::ALL {
            for waiter in std::mem::take(&mut self.line[urgency as usize]) {
                match self.refusal(now, waiter.flow) {
                    Some(why) => self.answers.push((waiter.turn, Err(why))),
                    None => self.line[urgency as usize].push_back(waiter),
                }
            }
        }
    }

    fn stop_of(&self, flow: Option<Flow>) -> Option<LeftAlone> {
        let stops = |of: &Option<Flow>| of.is_none() || *of == flow;
        let stop = self.stopped.iter().find(|(of, _)| stops(of));
        stop.map(|(_, sentence)| LeftAlone::Stopped(sentence.clone()))
    }

    fn illness(&self, now: Duration) -> Option<LeftAlone> {
        match self.breaker.standing(now) {
            Standing::Closed | Standing::HalfOpen => None,
            Standing::Open { left, asked: true } => Some(LeftAlone::Asked(left)),
            Standing::Open { asked: false, .. } => Some(LeftAlone::Ill),
        }
    }
}
