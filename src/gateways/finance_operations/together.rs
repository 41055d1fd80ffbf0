//! Who goes with which request: what waits at the same moment for the same thing shares one.
//!
//! There is no timer. Whoever comes when nothing is under way goes at once; whoever comes meanwhile waits, and goes with
//! the next request, at most so many as configured. Each caller rides with the request and sees its own answer. Who only
//! rehearses goes alone.
//!
//! ```text
//! wait ─┬─► somebody else takes it along ──────────────┐
//!       └─► its turn: a place, then all who wait go ───┴─► the request, driven by all who ride ─► each its own answer
//! ```
//!
//! Invariants: a job leaves only while its caller waits for it and its deadline holds, looked at when the request is
//! made up. Whoever gives up before is certain that nothing left; whoever gives up later leaves the others riding.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::clock::{Clock, Mark};
use crate::config::{Gateways, ms};
use crate::gateways::enter;
use crate::gateways::error::{GatewayError, NotSent};
use crate::gateways::pace::{Pace, Place};
use crate::gateways::recorder::{self, Heard, recording};

/// What became of one job.
pub(super) type Said<T> = Result<T, GatewayError>;

/// A request in the making: its jobs are given, what became of each is answered, in their order.
pub(super) type Work<T> = BoxFuture<'static, Vec<Said<T>>>;

/// A request under way, and what it brings: one answer for each who rides.
type Request<T> = Shared<BoxFuture<'static, Arc<(Vec<Said<T>>, Heard)>>>;

/// Jobs of one sort on their way; `K` tells apart what cannot share a request.
pub(super) struct Together<K, J, T> {
    /// Our word for the call.
    call: &'static str,
    clock: Clock,
    /// Whoever cannot go within this time waits elsewhere: sooner than the deadline of its call.
    patience: Duration,
    /// Jobs in one request, at most.
    jobs_max: usize,
    /// Requests at a time, per group.
    requests_max: usize,
    groups: Mutex<BTreeMap<K, Arc<Group<J, T>>>>,
}

/// What waits for one request.
struct Group<J, T> {
    turns: Arc<Semaphore>,
    waiting: Mutex<VecDeque<Waiting<J, T>>>,
}

/// A job whose caller waits.
struct Waiting<J, T> {
    job: J,
    deadline: (Mark, Duration),
    ride: oneshot::Sender<Ride<T>>,
}

/// A place in a request.
struct Ride<T> {
    request: Request<T>,
    place: usize,
}

/// Until when each job of a request may still be sent.
pub(super) struct InTime {
    clock: Clock,
    deadlines: Vec<(Mark, Duration)>,
}

impl InTime {
    /// Whether the job at this place may still be sent.
    pub(super) fn holds(&self, place: usize) -> bool {
        self.deadlines.get(place).is_some_and(|deadline| holds(&self.clock, *deadline))
    }
}

impl<K: Ord, J: Send + 'static, T: Clone + Send + Sync + 'static> Together<K, J, T> {
    pub(super) fn new(
        call: &'static str,
        clock: &Clock,
        limits: &Gateways,
        (jobs_max, requests_max): (usize, usize),
    ) -> Self {
        Self {
            call,
            clock: clock.clone(),
            patience: ms(limits.call_ms_max) / 4,
            jobs_max: jobs_max.max(1),
            requests_max: requests_max.clamp(1, Semaphore::MAX_PERMITS),
            groups: Mutex::default(),
        }
    }

    /// Does a job in one request with others that wait. `work` makes the request, when this caller is the one who goes.
    pub(super) async fn ride(
        &self,
        pace: &Arc<Pace>,
        group: K,
        (job, deadline): (J, (Mark, Duration)),
        work: impl Fn(Vec<J>, InTime) -> Work<T> + Clone + Send + 'static,
    ) -> Said<T> {
        if recorder::rehearses() {
            let _place = enter(pace, self.call).await?;
            let said = work(vec![job], InTime { clock: self.clock.clone(), deadlines: vec![deadline] }).await;
            return said.into_iter().next().unwrap_or_else(|| Err(self.not_sent()));
        }
        let group = self.group(group);
        let (ride, mut taken_along) = oneshot::channel();
        group.waiting().push_back(Waiting { job, deadline, ride });
        let boarding = tokio::time::timeout(self.patience, self.board(pace, &group, &mut taken_along, work));
        let boarded = boarding.await.unwrap_or_else(|_| Err(self.not_sent()));
        // Whoever gives up here must not be taken along later, nor have been taken along unseen.
        taken_along.close();
        let ride = boarded.or_else(|why| taken_along.try_recv().map_err(|_| why))?;
        let said = ride.request.await;
        recorder::overheard(&said.1);
        said.0.get(ride.place).cloned().unwrap_or_else(|| Err(self.not_sent()))
    }

    fn group(&self, name: K) -> Arc<Group<J, T>> {
        let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        let turns = self.requests_max;
        let new = || Arc::new(Group { turns: Arc::new(Semaphore::new(turns)), waiting: Mutex::default() });
        Arc::clone(groups.entry(name).or_insert_with(new))
    }

    /// Waits until somebody else takes it along, or until it is its turn to take all along.
    async fn board(
        &self,
        pace: &Arc<Pace>,
        group: &Group<J, T>,
        taken_along: &mut oneshot::Receiver<Ride<T>>,
        work: impl Fn(Vec<J>, InTime) -> Work<T> + Clone + Send + 'static,
    ) -> Result<Ride<T>, GatewayError> {
        loop {
            tokio::select! {
                biased;
                ride = &mut *taken_along => return ride.map_err(|_| self.not_sent()),
                turn = Arc::clone(&group.turns).acquire_owned() => {
                    let turn = turn.map_err(|_| self.not_sent())?;
                    let place = enter(pace, self.call).await?;
                    // Not earlier: who comes while it waits for its place goes along, too.
                    self.depart(group, (turn, place), work.clone());
                }
            }
        }
    }

    /// Makes up a request of those who wait. It begins when the first who rides looks at it.
    fn depart(
        &self,
        group: &Group<J, T>,
        held: (OwnedSemaphorePermit, Place),
        work: impl Fn(Vec<J>, InTime) -> Work<T> + Clone + Send + 'static,
    ) {
        let (clock, is_heard) = (self.clock.clone(), recorder::is_heard());
        let (load, loaded) = oneshot::channel::<Vec<(J, (Mark, Duration))>>();
        let request: Request<T> = async move {
            let (jobs, deadlines): (Vec<_>, Vec<_>) = loaded.await.unwrap_or_default().into_iter().unzip();
            let work = work(jobs, InTime { clock, deadlines });
            // Whoever rides drives it: what is said is heard apart, and given to each.
            let said = if is_heard { recording(work).await } else { (work.await, Heard::default()) };
            drop(held);
            Arc::new(said)
        }
        .boxed()
        .shared();
        let mut waiting = group.waiting();
        let mut riding = Vec::new();
        while riding.len() < self.jobs_max {
            let Some(Waiting { job, deadline, ride }) = waiting.pop_front() else { break };
            let in_time = holds(&self.clock, deadline);
            if in_time && ride.send(Ride { request: request.clone(), place: riding.len() }).is_ok() {
                riding.push((job, deadline));
            }
        }
        drop(waiting);
        // Nobody rides: the request is dropped with its turn and its place.
        let _ = load.send(riding);
    }

    fn not_sent(&self) -> GatewayError {
        GatewayError::NotSent { call: self.call, why: NotSent::Crowded }
    }
}

impl<J, T> Group<J, T> {
    fn waiting(&self) -> MutexGuard<'_, VecDeque<Waiting<J, T>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn holds(clock: &Clock, (mark, within): (Mark, Duration)) -> bool {
    clock.since(mark) < within
}
