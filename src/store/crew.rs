//! Who lives, and what they own.

use std::collections::HashMap;

use uuid::Uuid;

use crate::message::Flow;

/// The workers that live, and what they own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Crew {
    /// Each with the flows whose partitions it can take, in order of their ids.
    pub workers: Vec<(Uuid, Vec<Flow>)>,
    /// Owned partitions, each with its owner, who lives.
    pub owners: HashMap<(Flow, u16), Uuid>,
}

/// How a row of a worker, and a row of a partition, is read.
pub(super) type WorkerRow = (Uuid, String);
pub(super) type OwnerRow = (String, i64, Uuid);

/// Living workers and their partitions; a flow of a newer release is none of ours.
pub(super) fn crew(workers: Vec<WorkerRow>, owners: Vec<OwnerRow>) -> Crew {
    let flows = |text: &str| text.split(',').filter_map(|name| name.parse().ok()).collect();
    let mut workers: Vec<(Uuid, Vec<Flow>)> = workers.into_iter().map(|(id, text)| (id, flows(&text))).collect();
    workers.sort_unstable_by_key(|(id, _)| *id);
    let lives = |owner: &Uuid| workers.iter().any(|(id, _)| id == owner);
    let owned = owners.into_iter().filter(|(_, _, owner)| lives(owner));
    let owned = owned
        .filter_map(|(flow, partition, owner)| Some(((flow.parse().ok()?, u16::try_from(partition).ok()?), owner)));
    let owners = owned.collect();
    Crew { workers, owners }
}
