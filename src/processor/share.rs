//! Who should own how much: a fair share of each flow's partitions for every worker that lives and can take them.
//!
//! Everybody computes the same from the same rows, so that nobody has to agree with anybody: workers stand in the order
//! of their ids, and partitions are dealt out to them like cards, flow after flow. Pictures that differ for a moment cost
//! a hand-over, never a second owner: the store decides who owns.
//!
//! Invariant: a worker never holds, or is about to take, more of a flow than its share of the newest picture; what it
//! holds beyond, it gives up.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use uuid::Uuid;

use super::ownership::RELAY;
use crate::message::Flow;
use crate::store::Crew;

/// How many partitions of a flow a worker should own.
#[must_use]
pub fn fair_share(crew: &Crew, worker: Uuid, flow: Flow, partitions: impl Fn(Flow) -> u16) -> usize {
    let able: Vec<Uuid> = crew.workers.iter().filter(|(_, flows)| flows.contains(&flow)).map(|(id, _)| *id).collect();
    let Some(rank) = able.iter().position(|id| *id == worker) else { return 0 };
    let (own, workers) = (usize::from(partitions(flow)), able.len());
    // Dealt out like cards, flow after flow: else the first worker had the odd partition of each.
    let dealt = Flow::ALL.into_iter().take_while(|each| *each != flow);
    let first = dealt.map(|each| usize::from(partitions(each))).sum::<usize>() % workers;
    let place = (rank + workers - first) % workers;
    own / workers + usize::from(place < own % workers)
}

/// What this worker holds and may take.
#[derive(Default)]
pub(super) struct Shares {
    picture: Mutex<Picture>,
    changed: Notify,
}

#[derive(Default)]
struct Picture {
    /// Nothing before the first picture.
    shares: HashMap<Flow, usize>,
    owners: HashMap<(Flow, u16), Uuid>,
    /// Owned in our name.
    ours: HashSet<(Flow, u16)>,
    held: HashMap<Flow, BTreeSet<u16>>,
    /// Tried since the picture was made: somebody else was faster.
    taken: HashSet<(Flow, u16)>,
}

impl Shares {
    /// A new picture.
    pub(super) fn seen(&self, crew: Crew, worker: Uuid, flows: &[Flow], partitions: impl Fn(Flow) -> u16) {
        let share = |flow: &Flow| (*flow, fair_share(&crew, worker, *flow, &partitions));
        let shares = flows.iter().map(share).collect();
        let mut picture = self.picture();
        picture.shares = shares;
        // What we own and do not hold was left behind by an earlier tenure of ours: it may be taken again.
        let (ours, others) = crew.owners.into_iter().partition(|(_, owner)| *owner == worker);
        let ours: HashMap<(Flow, u16), Uuid> = ours;
        (picture.ours, picture.owners) = (ours.into_keys().collect(), others);
        picture.taken.clear();
        drop(picture);
        self.changed.notify_waiters();
    }

    /// Waits for the next picture.
    pub(super) fn next_picture(&self) -> tokio::sync::futures::Notified<'_> {
        self.changed.notified()
    }

    /// The right to try to take a partition: nobody who lives owns it, and it is within our share.
    pub(super) fn claim(&self, flow: Flow, partition: u16) -> Option<Claim<'_>> {
        let mut picture = self.picture();
        let share = *picture.shares.get(&flow)?;
        if picture.owners.contains_key(&(flow, partition)) || picture.taken.contains(&(flow, partition)) {
            return None;
        }
        // The relay of a flow is one for all, and no part of anybody's share.
        let held = picture.held.entry(flow).or_default();
        if partition == RELAY && share == 0 || partition != RELAY && held.len() >= share {
            return None;
        }
        if partition != RELAY {
            held.insert(partition);
        }
        Some(Claim { shares: self, flow, partition })
    }

    /// Whether somebody else who lives owns a partition by now.
    pub(super) fn is_anothers(&self, flow: Flow, partition: u16) -> bool {
        self.picture().owners.contains_key(&(flow, partition))
    }

    /// It was given up: the picture that says that it is ours is older.
    pub(super) fn gave_up(&self, flow: Flow, partition: u16) {
        self.picture().ours.remove(&(flow, partition));
    }

    /// Whether a partition that we do not hold is owned in our name and beyond our share: while we live, nobody else takes
    /// it. Told once for each picture.
    pub(super) fn is_left_behind(&self, flow: Flow, partition: u16) -> bool {
        self.picture().ours.remove(&(flow, partition))
    }

    /// Whether a partition that we hold is beyond our share: the last ones are.
    pub(super) fn is_beyond(&self, flow: Flow, partition: u16) -> bool {
        let picture = self.picture();
        let share = picture.shares.get(&flow).copied().unwrap_or(usize::MAX);
        let held = picture.held.get(&flow);
        held.is_some_and(|held| held.iter().position(|each| *each == partition).is_some_and(|place| place >= share))
    }

    /// How much of a flow should be ours; nothing before the first picture.
    pub(super) fn of(&self, flow: Flow) -> Option<usize> {
        self.picture().shares.get(&flow).copied()
    }

    fn picture(&self) -> MutexGuard<'_, Picture> {
        self.picture.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One partition of our share, from the try to take it until it is given up.
pub(super) struct Claim<'a> {
    shares: &'a Shares,
    flow: Flow,
    partition: u16,
}

impl Claim<'_> {
    /// Somebody else was faster: it is not tried again before the next picture.
    pub(super) fn lost(self) {
        self.shares.picture().taken.insert((self.flow, self.partition));
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        if let Some(held) = self.shares.picture().held.get_mut(&self.flow) {
            held.remove(&self.partition);
        }
    }
}
