//! What is stopped: messages that wait for a far end that is left alone, for their flow, which a person paused, or for room
//! beside live traffic, when a campaign released them.
//!
//! This task learns what people paused, and brings what waits back into its lanes, oldest first: nothing while the far end
//! is left alone, one message that probes it, and then as many as it bears. Far ends and pauses wake it; a look from time
//! to time finds what they missed. Counts between two looks are kept by ourselves, so that a partition stops reading
//! soon after too many wait.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::house::House;
use super::inbound::Job;
use super::lanes::Lanes;
use crate::config::{Config, Processor, ms};
use crate::failure::{Code, Failure};
use crate::gateways::Stop;
use crate::message::Flow;
use crate::store::{Ownership, Parked, Pause, Stopped, WaitsFor};
use crate::telemetry::ReadingChanged;

/// So many released messages are under way at one time, however much else is.
const AT_LEAST: usize = 2;

/// What this worker knows of what is stopped.
#[derive(Default)]
pub(super) struct Stops {
    known: Mutex<Known>,
    /// Something may be brought back.
    poked: Notify,
    /// Less waits than before.
    less: Notify,
}

#[derive(Default)]
struct Known {
    /// Flows that people paused, with the sentence that says who and why.
    paused: HashMap<Flow, String>,
    /// How many messages of which partition wait for what, in every partition of every worker.
    waiting: HashMap<(Flow, u16, WaitsFor), u64>,
    /// How many of them were brought back and have not run yet.
    under_way: HashMap<(Flow, WaitsFor), usize>,
}

/// Whether what is waited for is in the way of many, and woken here.
pub(super) fn is_stop(waits_for: &WaitsFor) -> bool {
    match waits_for {
        WaitsFor::FarEnd { .. } | WaitsFor::Flow | WaitsFor::Room => true,
        WaitsFor::Head | WaitsFor::Time { .. } | WaitsFor::Document { .. } | WaitsFor::Person => false,
    }
}

/// What is waited for, in words.
pub(super) fn name(waits_for: &WaitsFor, flow: Flow) -> String {
    match waits_for {
        WaitsFor::FarEnd { connection } => connection.clone(),
        WaitsFor::Room => "room beside live traffic".to_owned(),
        WaitsFor::Head | WaitsFor::Time { .. } | WaitsFor::Document { .. } | WaitsFor::Flow | WaitsFor::Person => {
            format!("the flow {flow}")
        }
    }
}

/// Brings back what may go on, again and again.
pub(super) async fn run(house: Arc<House>) {
    let mut looks = tokio::time::interval(ms(house.tools.config.processor.stop_poll_ms));
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = looks.tick() => look(&house).await,
            () = house.stops.poked.notified() => {}
            () = house.tools.gateways.until_opened() => {}
        }
        bring_back(&house).await;
    }
}

/// A partition was taken: before anything is delivered from it, what it has waiting is known.
pub(super) async fn found(house: &House, owner: Ownership) {
    look(house).await;
    for waits_for in house.stops.of(|flow, partition| (flow, partition) == (owner.flow, owner.partition)) {
        suspect(house, &waits_for.1);
    }
}

/// Learns what is paused and what waits.
async fn look(house: &House) {
    let store = &house.tools.store;
    let pauses = house.persistently("reading what is paused", || store.pauses()).await;
    let stops: Vec<Stop> = pauses.iter().filter_map(stop).collect();
    house.tools.gateways.stop(&stops);
    let stopped = house.persistently("counting what is stopped", || store.stopped()).await;
    house.stops.learn(&pauses, stopped);
}

fn stop(pause: &Pause) -> Option<Stop> {
    let connection = pause.connection.clone()?;
    Some(Stop { connection, flow: pause.flow, sentence: sentence(pause) })
}

fn sentence(pause: &Pause) -> String {
    format!("{pause} Its messages wait, in order, until `drayline resume {}` lets them go on.", pause.options())
}

/// Until it has answered this process, a far end for which messages wait is called one at a time.
fn suspect(house: &House, waits_for: &WaitsFor) {
    if let WaitsFor::FarEnd { connection } = waits_for {
        house.tools.gateways.suspect(connection);
    }
}

async fn bring_back(house: &Arc<House>) {
    let tenures: HashMap<_, _> =
        house.tenures.all().into_iter().map(|tenure| ((tenure.owner.flow, tenure.owner.partition), tenure)).collect();
    for (flow, waits_for) in house.stops.of(|flow, partition| tenures.contains_key(&(flow, partition))) {
        suspect(house, &waits_for);
        let free = free(house, flow, &waits_for);
        if free == 0 {
            continue;
        }
        let owners: Vec<_> = tenures.values().map(|tenure| tenure.owner).filter(|owner| owner.flow == flow).collect();
        // Those that are under way still stand in front.
        let limit = u32::try_from(free + house.stops.under_way(flow, &waits_for)).unwrap_or(u32::MAX);
        let heads = || house.tools.store.stopped_heads(&owners, &waits_for, limit);
        let heads = house.persistently("looking for what may go on", heads).await;
        let mut brought = 0;
        for parked in heads {
            let Some(tenure) = tenures.get(&(parked.flow, parked.partition)).filter(|_| brought < free) else {
                continue;
            };
            let job = Job::due(Arc::clone(tenure), parked, house.tools.clock.mark());
            brought += usize::from(Lanes::bring(house, job));
        }
    }
}

/// How many more may be brought back now. Only when half of them are through, so that nobody looks for each.
fn free(house: &House, flow: Flow, waits_for: &WaitsFor) -> usize {
    let under_way = house.stops.under_way(flow, waits_for);
    let room = match waits_for {
        WaitsFor::FarEnd { connection } => match house.tools.gateways.room(connection, flow) {
            // One that probes is enough, of whichever flow.
            1 if house.stops.under_way_at(connection) > 0 => 0,
            room => room,
        },
        _ if house.stops.paused(flow).is_some() => 0,
        WaitsFor::Room => beside(house.lanes.live(), &house.tools.config),
        WaitsFor::Head | WaitsFor::Time { .. } | WaitsFor::Document { .. } | WaitsFor::Flow | WaitsFor::Person => {
            house.tools.config.processor.batch_max
        }
    };
    if under_way > room / 2 { 0 } else { room - under_way }
}

/// How many released messages run beside so much live traffic. The slower that is, the more of it is under way, and the less
/// is added; a few always go on, so that a campaign ends.
fn beside(live: usize, config: &Config) -> usize {
    match live {
        0 => config.processor.batch_max,
        live => config.replays.beside_live_rows_max.saturating_sub(live).max(AT_LEAST),
    }
}

impl Stops {
    /// The failure of a flow that people paused.
    pub(super) fn paused(&self, flow: Flow) -> Option<Failure> {
        self.known().paused.get(&flow).map(|sentence| Failure::new(Code::FlowPaused, sentence.clone()))
    }

    /// Somebody should look whether something may be brought back.
    pub(super) fn poke(&self) {
        self.poked.notify_one();
    }

    /// A message that was stopped is brought into its lane.
    pub(super) fn begins(&self, flow: Flow, due: Option<&Parked>) {
        if let Some(parked) = due.filter(|parked| is_stop(&parked.waits_for)) {
            *self.known().under_way.entry((flow, parked.waits_for.clone())).or_default() += 1;
        }
    }

    /// It has run.
    pub(super) fn ends(&self, flow: Flow, due: Option<&Parked>) {
        if let Some(parked) = due.filter(|parked| is_stop(&parked.waits_for)) {
            let mut known = self.known();
            let under_way = known.under_way.entry((flow, parked.waits_for.clone())).or_default();
            *under_way = under_way.saturating_sub(1);
            drop(known);
            self.poke();
        }
    }

    /// A record is committed: what its message waited for, and what it waits for now.
    pub(super) fn recorded(&self, owner: Ownership, before: Option<&Parked>, after: Option<WaitsFor>) {
        let before = before.map(|parked| &parked.waits_for).filter(|waits_for| is_stop(waits_for));
        if before == after.as_ref() {
            return;
        }
        let mut known = self.known();
        if let Some(waits_for) = before {
            let waiting = known.waiting.entry((owner.flow, owner.partition, waits_for.clone())).or_default();
            *waiting = waiting.saturating_sub(1);
        }
        if let Some(waits_for) = after {
            *known.waiting.entry((owner.flow, owner.partition, waits_for)).or_default() += 1;
        }
        drop(known);
        if before.is_some() {
            self.less.notify_waiters();
        }
    }

    /// How many messages wait for a far end.
    pub(super) fn waiting_for(&self, connection: &str) -> u64 {
        let known = self.known();
        let of = known.waiting.iter().filter(|((_, _, waits_for), _)| is_far_end(waits_for, connection));
        of.map(|(_, messages)| messages).sum()
    }

    /// Waits until a partition may read its queue.
    pub(super) async fn until_room(&self, processor: &Processor, owner: Ownership) {
        let mut told: Option<NotRead> = None;
        loop {
            let less = self.less.notified();
            tokio::pin!(less);
            // From here on nothing is missed.
            less.as_mut().enable();
            let Some(waits_for) = self.too_many(processor.waiting_per_far_end_max, owner) else { return };
            told.get_or_insert_with(|| NotRead::told(owner, &name(&waits_for, owner.flow)));
            less.await;
        }
    }

    /// What too many wait for, some of them of this partition.
    fn too_many(&self, most: u64, owner: Ownership) -> Option<WaitsFor> {
        let known = self.known();
        let here = known.waiting.iter().filter(|((flow, partition, waits_for), messages)| {
            // What a campaign releases is bounded where it is released.
            (*flow, *partition) == (owner.flow, owner.partition)
                && **messages > 0
                && !matches!(waits_for, WaitsFor::Room)
        });
        let mut too_many = here.map(|((flow, _, waits_for), _)| (flow, waits_for)).filter(|(flow, waits_for)| {
            let same = known.waiting.iter().filter(|((of, _, other), _)| {
                other == *waits_for && (of == *flow || matches!(other, WaitsFor::FarEnd { .. }))
            });
            same.map(|(_, messages)| messages).sum::<u64>() >= most
        });
        too_many.next().map(|(_, waits_for)| waits_for.clone())
    }

    fn learn(&self, pauses: &[Pause], stopped: Vec<Stopped>) {
        let of_flows = pauses.iter().filter(|pause| pause.connection.is_none());
        let mut known = self.known();
        known.paused = of_flows.filter_map(|pause| Some((pause.flow?, sentence(pause)))).collect();
        known.waiting =
            stopped.into_iter().map(|one| ((one.flow, one.partition, one.waits_for), one.messages)).collect();
        drop(known);
        self.less.notify_waiters();
    }

    /// What messages of these partitions wait for, flow by flow.
    fn of(&self, ours: impl Fn(Flow, u16) -> bool) -> Vec<(Flow, WaitsFor)> {
        let known = self.known();
        let waiting = known.waiting.iter().filter(|((flow, partition, _), n)| **n > 0 && ours(*flow, *partition));
        let mut of: Vec<_> = waiting.map(|((flow, _, waits_for), _)| (*flow, waits_for.clone())).collect();
        of.sort_by_key(|(flow, waits_for)| (*flow, name(waits_for, *flow)));
        of.dedup();
        of
    }

    fn under_way(&self, flow: Flow, waits_for: &WaitsFor) -> usize {
        self.known().under_way.get(&(flow, waits_for.clone())).copied().unwrap_or_default()
    }

    fn under_way_at(&self, connection: &str) -> usize {
        let known = self.known();
        known.under_way.iter().filter(|((_, of), _)| is_far_end(of, connection)).map(|(_, jobs)| jobs).sum()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_far_end(waits_for: &WaitsFor, connection: &str) -> bool {
    matches!(waits_for, WaitsFor::FarEnd { connection: of } if of == connection)
}

/// A partition that does not read its queue, told when it begins and when it ends, however it ends.
struct NotRead(Ownership);

impl NotRead {
    fn told(owner: Ownership, waits_for: &str) -> Self {
        ReadingChanged { flow: owner.flow, partition: owner.partition, too_many_wait_for: Some(waits_for) }.emit();
        Self(owner)
    }
}

impl Drop for NotRead {
    fn drop(&mut self) {
        ReadingChanged { flow: self.0.flow, partition: self.0.partition, too_many_wait_for: None }.emit();
    }
}
