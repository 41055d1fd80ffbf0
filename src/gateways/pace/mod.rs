//! How a far end is paced: whether it is called at all, how many acts at a time, how many calls a minute, and whose turn
//! it is. One [`Pace`] per connection, for every call of this process.
//!
//! An act (one method of [`super::Dynamics`] or [`super::Warehouse`]) takes a place before its first call and keeps it to
//! its last, so that what has begun is not held up in the middle. Only what speaks of the far end's health moves anything:
//! no connection, silence, server errors, and its own wish to be left alone; a refusal is a sign of health.
//!
//! Invariant: while the breaker is not closed, nobody stands in line; whoever comes is told to wait elsewhere.

mod breaker;
mod bucket;
mod limit;
mod place;
mod state;
mod turns;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::Notify;

pub use breaker::{Breaker, BreakerLimits, Entry, Standing};
pub use bucket::Bucket;
pub use limit::Limit;
pub(super) use place::Place;
pub use place::calling;
pub(super) use place::scanning;
pub use turns::{Turns, Urgency};

use place::Calling;
use state::{Arrived, State};

use super::error::{GatewayError, LeftAlone, NotSent};
use super::failures::left_alone;
use crate::clock::{Clock, Mark};
use crate::config::{Gateways, ms};
use crate::message::{Connection, Flow};
use crate::telemetry::FarEndChanged;

/// One far end's pace.
pub(super) struct Pace {
    connection: Connection,
    clock: Clock,
    /// All instants in here count from this.
    born: Mark,
    /// Whoever cannot have a place within this time waits elsewhere. Sooner than the deadline of the whole act, which is at
    /// least half of one call's: what was never sent must not be taken for what may have happened.
    patience: Duration,
    /// The far end may be called again, or more often.
    opened: Arc<Notify>,
    state: Mutex<State>,
}

/// What a call says of its far end's health.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Health {
    /// It answered, whatever it said.
    Well,
    /// No connection, silence, or a server error.
    Ill,
    /// It asks to be left alone for so long.
    Asks(Duration),
    /// Nothing can be told.
    Unknown,
}

/// A far end's pace, for people.
#[derive(Clone, Debug, Serialize)]
pub struct FarEndView {
    /// The connection.
    pub connection: Connection,
    /// `closed`, `half_open`, `open`, `paused`.
    pub state: &'static str,
    /// Why it is not called, where it is not.
    pub why: Option<String>,
    /// Acts at a time that it bears.
    pub limit: usize,
    /// Acts under way.
    pub under_way: usize,
    /// Acts in line for a place.
    pub in_line: usize,
}

impl Pace {
    pub(super) fn new(
        connection: Connection,
        limits: &Gateways,
        bucket: Option<Bucket>,
        clock: &Clock,
        opened: Arc<Notify>,
    ) -> Arc<Self> {
        let breaker = Breaker::new(BreakerLimits {
            failures_max: limits.breaker_failures_max,
            open_min: ms(limits.breaker_open_ms_min),
            open_max: ms(limits.breaker_open_ms_max),
            moment: ms(limits.moment_ms_max),
        });
        let state = State::new(breaker, Limit::new(limits.calls_at_once_max), bucket);
        let patience = ms(limits.call_ms_max) / 4;
        let (clock, born) = (clock.clone(), clock.mark());
        Arc::new(Self { connection, clock, born, patience, opened, state: Mutex::new(state) })
    }

    /// A place for one act of whoever calls; it is given back when it is dropped.
    pub(super) async fn enter(self: &Arc<Self>) -> Result<Place, NotSent> {
        let calling = Calling::current();
        let mut turn = match self.change(|state, now| state.arrive(now, calling)) {
            Arrived::Placed { probe } => return Ok(Place::of(self, probe)),
            Arrived::Refused(why) => return Err(NotSent::LeftAlone(why)),
            Arrived::InLine(turn) => turn,
        };
        let in_line = async {
            loop {
                let answer = match self.change(State::next_in) {
                    Some(wait) => tokio::time::timeout(wait, &mut turn).await,
                    None => Ok((&mut turn).await),
                };
                match answer {
                    Ok(Ok(answer)) => return answer.map_err(NotSent::LeftAlone),
                    Ok(Err(_)) => return Err(NotSent::Crowded),
                    Err(_) => self.change(State::dispatch),
                }
            }
        };
        tokio::time::timeout(self.patience, in_line).await.unwrap_or(Err(NotSent::Crowded))
    }

    /// Waits until one call may be sent.
    pub(super) async fn until_may_send(self: &Arc<Self>) -> Result<(), NotSent> {
        let flow = Calling::current().flow;
        let may = |state: &mut State, now: Duration| state.may_send(now, flow);
        let wait = self.change(|state, now| may(state, now).map(|()| state.token(now, self.patience)));
        let wait = wait.map_err(NotSent::LeftAlone)?.ok_or(NotSent::Crowded)?;
        if wait.is_zero() {
            return Ok(());
        }
        tokio::time::sleep(wait).await;
        self.change(may).map_err(NotSent::LeftAlone)
    }

    /// A call is over.
    pub(super) fn ended(self: &Arc<Self>, health: Health) {
        self.change(|state, now| state.ended(now, health));
    }

    /// What people stop here: everything, or what a flow wants, each with the sentence that says who and why.
    pub(super) fn stop(self: &Arc<Self>, stopped: Vec<(Option<Flow>, String)>) {
        self.change(|state, now| state.stop(stopped, now));
    }

    /// Messages wait here for it: as long as it has not answered yet, it is called one at a time.
    pub(super) fn suspect(self: &Arc<Self>) {
        self.change(|state, _| state.suspect());
    }

    /// Why a flow may not call now, if it may not.
    pub(super) fn refusal(self: &Arc<Self>, flow: Flow) -> Option<LeftAlone> {
        self.change(|state, now| state.refusal(now, Some(flow)))
    }

    /// Whether an error speaks of the far end as a whole: whoever needs it waits for it.
    pub(super) fn in_the_way(self: &Arc<Self>, error: &GatewayError) -> Option<Box<str>> {
        let whole = match error {
            GatewayError::NotSent { why: NotSent::LeftAlone(_) | NotSent::Crowded, .. } => true,
            _ => self.change(|state, now| state.breaker.standing(now) != Standing::Closed),
        };
        whole.then(|| self.connection.as_str().into())
    }

    /// So many messages that wait for it may be under way.
    pub(super) fn room(self: &Arc<Self>, flow: Flow) -> usize {
        self.change(|state, now| match (state.refusal(now, Some(flow)), state.breaker.standing(now)) {
            (Some(_), _) | (None, Standing::Open { .. }) => 0,
            (None, Standing::HalfOpen) => 1,
            // While some are called, others are looked up and recorded.
            (None, Standing::Closed) => state.limit.now() * 2,
        })
    }

    pub(super) fn view(self: &Arc<Self>) -> FarEndView {
        self.change(|state, now| FarEndView {
            connection: self.connection.clone(),
            state: state.name(now),
            why: state.may_send(now, None).err().map(|why| left_alone(&self.connection, &why)),
            limit: state.limit.now(),
            under_way: state.placed,
            in_line: state.in_line(),
        })
    }

    fn leave(self: &Arc<Self>, probe: bool) {
        self.change(|state, now| state.leave(probe, now));
    }

    /// Changes the state; then, with the lock open, answers those whose turn it is and tells what is new.
    fn change<R>(self: &Arc<Self>, change: impl FnOnce(&mut State, Duration) -> R) -> R {
        let now = self.clock.since(self.born);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = change(&mut state, now);
        let answers = std::mem::take(&mut state.answers);
        let name = state.name(now);
        let news = (name != state.told).then(|| (std::mem::replace(&mut state.told, name), state.limit.now()));
        drop(state);
        for (turn, answer) in answers {
            // A place that nobody takes any more is given back by being dropped.
            let _ = turn.send(answer.map(|probe| Place::of(self, probe)));
        }
        if let Some((before, limit)) = news {
            FarEndChanged { connection: self.connection.as_str(), before, state: name, limit }.emit();
            self.opened.notify_one();
        }
        changed
    }
}
