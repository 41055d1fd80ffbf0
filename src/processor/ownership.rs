//! Whose partition it is: the beat that says that we live, and one tenure per partition that we took.
//!
//! Own, then subscribe; close, then give up. A worker that cannot renew starts no call after half its term and closes
//! its channels at the end of it. After a stall nobody takes over from a silent owner before it has itself renewed for
//! one whole term: else the first to wake would take everything from everybody.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::house::House;
use super::share::Claim;
use crate::clock::{Clock, Mark};
use crate::config::ms;
use crate::message::Flow;
use crate::rehearsal::{Variant, broken};
use crate::store::Ownership;
use crate::telemetry::{OwnershipChanged, StoreAway};

/// The relay of a flow is owned like a partition, under this number.
pub(super) const RELAY: u16 = u16::MAX;

/// Before a worker may take over from the silent, it takes only what nobody has owned for this long.
const NOBODY_IS_SILENT_FOR: Duration = Duration::from_hours(365 * 24);

/// Whether this worker is known to live, by its own clocks: never better than the store knows it.
pub(super) struct Pulse {
    clock: Clock,
    pub(super) term: Duration,
    beats: Mutex<Option<Beats>>,
    beaten: Notify,
}

struct Beats {
    /// The first of an unbroken row of beats.
    first: Mark,
    last: Mark,
}

impl Pulse {
    pub(super) fn new(clock: &Clock, term: Duration) -> Self {
        Self { clock: clock.clone(), term, beats: Mutex::new(None), beaten: Notify::new() }
    }

    /// A beat is committed that was begun at `mark`.
    pub(super) fn beat(&self, mark: Mark) {
        let mut beats = self.beats();
        let unbroken = beats.as_ref().filter(|beats| self.clock.since(beats.last) < self.term);
        *beats = Some(Beats { first: unbroken.map_or(mark, |beats| beats.first), last: mark });
        drop(beats);
        self.beaten.notify_waiters();
    }

    /// Whether a call may start: half the term is left.
    pub(super) fn may_call(&self) -> bool {
        self.beats().as_ref().is_some_and(|beats| self.clock.since(beats.last) < self.term / 2)
    }

    /// Whether nobody can have taken our partitions.
    pub(super) fn alive(&self) -> bool {
        self.beats().as_ref().is_some_and(|beats| self.clock.since(beats.last) < self.term)
    }

    /// Waits until a call may start; `false` when the term ended before.
    pub(super) async fn until_may_call(&self) -> bool {
        loop {
            let beaten = self.beaten.notified();
            if self.may_call() {
                return true;
            }
            if !self.alive() {
                return false;
            }
            // The term ends without anybody telling: look again from time to time.
            let _ = tokio::time::timeout(self.term / 8, beaten).await;
        }
    }

    /// How long an owner must have been silent so that this worker takes over from it.
    fn patience(&self) -> Duration {
        if broken(Variant::SubscribeBeforeTake) {
            return Duration::ZERO;
        }
        let renewed = self.beats().as_ref().is_some_and(|beats| self.clock.since(beats.first) >= self.term);
        if renewed { self.term } else { NOBODY_IS_SILENT_FOR }
    }

    fn beats(&self) -> MutexGuard<'_, Option<Beats>> {
        self.beats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says that this worker lives, again and again, and looks who else does.
pub(super) async fn beat(house: Arc<House>) {
    let mut ticks = tokio::time::interval(ms(house.tools.config.processor.heartbeat_ms));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let partitions = |flow| house.tools.transport.partitions(flow);
    let mut stopping = false;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            // Others take what we give up as soon as they know that we want nothing any more.
            () = house.stopping.cancelled(), if !stopping => {}
        }
        stopping = house.stopping.is_cancelled();
        let mark = house.tools.clock.mark();
        let beat = async {
            house.tools.store.beat(house.worker, wanted(&house)).await?;
            house.pulse.beat(mark);
            house.tools.store.crew(house.pulse.term).await
        };
        match tokio::time::timeout(house.pulse.term / 2, beat).await {
            Ok(Ok(crew)) => house.shares.seen(crew, house.worker, &house.flows, partitions),
            Ok(Err(error)) => StoreAway { doing: "renewing its partitions", why: &error.to_string() }.emit(),
            Err(_) => StoreAway { doing: "renewing its partitions", why: "no answer within half a term" }.emit(),
        }
    }
}

/// The flows whose partitions this worker can take: none when it goes, or has been without a session for too long; its
/// share is the others' then.
fn wanted(house: &House) -> &[Flow] {
    let sessionless = ms(house.tools.config.processor.sessionless_ms_max);
    let away = house.tools.transport.away_for().is_some_and(|away| away > sessionless);
    if away || house.stopping.is_cancelled() { &[] } else { &house.flows }
}

/// One partition from taking to giving up.
pub(super) struct Tenure {
    pub(super) owner: Ownership,
    /// No attempt starts any more.
    pub(super) closing: CancellationToken,
    /// Another owner was seen in the store, or an answer to our writing was lost.
    pub(super) fenced: CancellationToken,
    /// Attempts that have started.
    pub(super) started: TaskTracker,
}

impl Tenure {
    fn of(owner: Ownership) -> Arc<Self> {
        Arc::new(Self {
            owner,
            closing: CancellationToken::new(),
            fenced: CancellationToken::new(),
            started: TaskTracker::new(),
        })
    }

    /// Lets no further attempt start, and waits for those that have.
    pub(super) async fn wind_up(&self, within: Duration) {
        self.closing.cancel();
        self.started.close();
        // Attempts that need longer commit under the fence of the store, and are not acknowledged.
        let _ = tokio::time::timeout(within, self.started.wait()).await;
    }
}

/// Why a tenure ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The worker is told to stop.
    Stopping,
    /// It could not renew for a whole term: somebody else may own the partition.
    Silent,
    /// There has been no session with the broker for too long.
    Sessionless,
    /// The store knows another owner.
    Fenced,
    /// It is more than this worker's share.
    Shared,
}

/// Takes a partition as soon as it is free, or its owner dead, and it is part of our share; nothing when the worker
/// stops. The claim is kept until the partition is given up.
pub(super) async fn take(house: &House, flow: Flow, partition: u16) -> Option<(Arc<Tenure>, Claim<'_>)> {
    loop {
        let picture = house.shares.next_picture();
        if house.stopping.is_cancelled() {
            return None;
        }
        let able = house.pulse.alive() && house.tools.transport.away_for().is_none();
        if let Some(claim) = house.shares.claim(flow, partition).filter(|_| able) {
            match house.tools.store.take(house.worker, flow, partition, house.pulse.patience()).await {
                Ok(Some(owner)) => return Some((Tenure::of(owner), claim)),
                Ok(None) => claim.lost(),
                Err(error) => StoreAway { doing: "taking a partition", why: &error.to_string() }.emit(),
            }
        } else if able && house.shares.is_left_behind(flow, partition) {
            hand_back(house, flow, partition).await;
        }
        tokio::select! {
            () = house.stopping.cancelled() => return None,
            () = picture => {}
        }
    }
}

/// Gives up what stands in our name and is beyond our share: a tenure that ended in silence did not give it up, and the
/// answer to a take may have been lost. Taking it first tells its epoch.
async fn hand_back(house: &House, flow: Flow, partition: u16) {
    let store = &house.tools.store;
    let taken = match store.take(house.worker, flow, partition, NOBODY_IS_SILENT_FOR).await {
        Ok(Some(owner)) => store.give_up(owner).await,
        Ok(None) => Ok(()),
        Err(error) => Err(error),
    };
    if let Err(error) = taken {
        StoreAway { doing: "giving a partition up", why: &error.to_string() }.emit();
    }
}

/// Waits until a tenure must end.
pub(super) async fn end(house: &House, tenure: &Tenure) -> End {
    let processor = &house.tools.config.processor;
    let sessionless = ms(processor.sessionless_ms_max);
    let mut ticks = tokio::time::interval(ms(processor.heartbeat_ms.max(2) / 2));
    loop {
        tokio::select! {
            biased;
            () = house.stopping.cancelled() => return End::Stopping,
            () = tenure.fenced.cancelled() => return End::Fenced,
            _ = ticks.tick() => {}
        }
        if !house.pulse.alive() {
            return End::Silent;
        }
        // Who slept for longer than its term has beaten again before it looked here: the store knows better.
        if house.shares.is_anothers(tenure.owner.flow, tenure.owner.partition) {
            return End::Fenced;
        }
        if house.shares.is_beyond(tenure.owner.flow, tenure.owner.partition) {
            return End::Shared;
        }
        if house.tools.transport.away_for().is_some_and(|away| away > sessionless) {
            return End::Sessionless;
        }
    }
}

/// Gives a partition up, so that anybody may take it at once. A store that does not answer finds out by our silence.
pub(super) async fn give_up(house: &House, tenure: &Tenure) {
    let given = house.persistently("giving a partition up", || house.tools.store.give_up(tenure.owner));
    let _ = tokio::time::timeout(house.pulse.term, given).await;
    house.shares.gave_up(tenure.owner.flow, tenure.owner.partition);
}

/// The partitions that are ours now.
#[derive(Default)]
pub(super) struct Tenures(Mutex<HashMap<(Flow, u16), Arc<Tenure>>>);

impl Tenures {
    pub(super) fn began(&self, tenure: &Arc<Tenure>) {
        let owner = tenure.owner;
        self.change(owner.flow, |tenures| tenures.insert((owner.flow, owner.partition), Arc::clone(tenure)));
    }

    pub(super) fn ended(&self, tenure: &Tenure) {
        let owner = tenure.owner;
        self.change(owner.flow, |tenures| tenures.remove(&(owner.flow, owner.partition)));
    }

    /// How many of a flow.
    pub(super) fn count(&self, flow: Flow) -> usize {
        let tenures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tenures.keys().filter(|(of, _)| *of == flow).count()
    }

    /// All of them.
    pub(super) fn all(&self) -> Vec<Arc<Tenure>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    fn change<R>(&self, flow: Flow, change: impl FnOnce(&mut HashMap<(Flow, u16), Arc<Tenure>>) -> R) {
        let mut tenures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut tenures);
        let partitions = tenures.keys().filter(|(of, _)| *of == flow).count();
        drop(tenures);
        OwnershipChanged { flow, partitions }.emit();
    }
}
