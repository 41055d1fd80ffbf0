//! One lane per flow and lane key: its messages run one after another; lanes run side by side.
//!
//! A lane belongs to the process, not to a session with the broker: a copy that is delivered again queues behind the
//! attempt that is still running, and then finds its ending. A due head goes before all deliveries of its lane. A lane
//! keeps a key for a limited time and number of deliveries; what takes longer parks, so that no delivery is held for
//! minutes and no hot key fills the window of the others.
//!
//! Invariant: at most one attempt of a lane at a time.

use std::collections::{HashMap, HashSet, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use uuid::Uuid;

use super::attempt::attempt;
use super::house::House;
use super::inbound::Job;
use crate::message::Flow;
use crate::telemetry::AssumptionBroken;

type Name = (Flow, String);

/// All lanes of a worker.
#[derive(Default)]
pub(super) struct Lanes(Mutex<Open>);

#[derive(Default)]
struct Open {
    lanes: HashMap<Name, Lane>,
    /// Due heads that are in a lane already: they are found due again until they have run.
    due: HashSet<(Flow, Uuid)>,
    /// Jobs in lanes that nobody asked for again by the thousand: what comes in, and what goes on by itself.
    live: usize,
}

#[derive(Default)]
struct Lane {
    waiting: VecDeque<Box<Job>>,
    /// More came than it may keep: deliveries park until it is empty.
    full: bool,
}

impl Lanes {
    /// Brings a job into its lane: a delivery behind, a due head in front. Whether it was not there yet.
    pub(super) fn bring(house: &Arc<House>, job: Job) -> bool {
        let job = Box::new(job);
        let flow = job.tenure.owner.flow;
        let name = (flow, job.inbound.lane_key.clone());
        let mut open = house.lanes.open();
        if job.due.is_some() && !open.due.insert((flow, job.inbound.message_id)) {
            return false;
        }
        open.live += usize::from(!job.is_released());
        house.stops.begins(flow, job.due.as_ref());
        let begins = !open.lanes.contains_key(&name);
        let lane = open.lanes.entry(name.clone()).or_default();
        if job.due.is_some() {
            lane.waiting.push_front(job);
        } else {
            lane.full |= lane.waiting.len() >= house.tools.config.processor.lane_deliveries_max;
            lane.waiting.push_back(job);
        }
        drop(open);
        if begins {
            let worked = work_off(Arc::clone(house), name);
            house.spawn(&house.tasks, Box::pin(worked));
        }
        true
    }

    /// The next job, and whether its lane is full. An empty lane is gone.
    fn next(&self, name: &Name) -> Option<(Box<Job>, bool)> {
        let mut open = self.open();
        let lane = open.lanes.get_mut(name)?;
        if let Some(job) = lane.waiting.pop_front() {
            return Some((job, lane.full));
        }
        open.lanes.remove(name);
        None
    }

    fn done(&self, job: &Job) {
        let mut open = self.open();
        open.live -= usize::from(!job.is_released());
        if job.due.is_some() {
            open.due.remove(&(job.tenure.owner.flow, job.inbound.message_id));
        }
    }

    /// How many jobs of live traffic wait or run.
    pub(super) fn live(&self) -> usize {
        self.open().live
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Works a lane off.
async fn work_off(house: Arc<House>, name: Name) {
    let kept_max = Duration::from_secs(house.tools.config.processor.lane_s_max);
    while let Some((job, full)) = house.lanes.next(&name) {
        // The token comes before the look at `closing`: who winds up waits for whoever saw it open.
        let started = job.tenure.started.token();
        if !job.tenure.closing.is_cancelled() {
            let full = full || house.tools.clock.since(job.arrived) > kept_max;
            run(&house, &job, full).await;
        }
        house.lanes.done(&job);
        house.stops.ends(job.tenure.owner.flow, job.due.as_ref());
        drop(started);
    }
}

/// A panic that got past the attempt's own net leaves the delivery unsettled: it comes back with the next session.
async fn run(house: &House, job: &Job, lane_is_full: bool) {
    if AssertUnwindSafe(attempt(house, job, lane_is_full)).catch_unwind().await.is_err() {
        let message_id = Some(job.inbound.message_id);
        AssumptionBroken { doing: "recording an attempt", message_id, why: "a panic" }.emit();
    }
}
