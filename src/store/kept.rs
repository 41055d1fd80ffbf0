//! The bytes of messages that ended, kept for a while so that a person can have one run once more.
//!
//! Those that one statement ends make one block, compressed together: a thousand small messages alike are far smaller than
//! each for itself, and cost one row. The row of the inbox names the block. Where that is gone, the message has ended for
//! good.
//!
//! Invariant: a message has ended, or is parked, never both: whoever has it run again takes its ending away in the commit in
//! which it is parked.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::columns::unreadable;
use super::rows::{Ending, Record};
use super::{Store, StoreError, on};
use crate::message::{Flow, id_of_bytes, pack, unpack};

/// As a parked row begins once more: nothing but where it belongs, and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptMessage {
    /// Of which partition.
    pub partition: u16,
    /// Its lane.
    pub lane_key: String,
    /// The document's ordering key.
    pub ordering_key: String,
    /// Its kind, as text.
    pub kind: String,
    /// Where it came from.
    pub connection: String,
    /// How often it was revised.
    pub revision: u32,
    /// How often it was parked for a person.
    pub parkings: u32,
    /// As it ran last.
    pub bytes: Vec<u8>,
}

/// A message that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The message.
    pub message_id: Uuid,
    /// Of which flow.
    pub flow: Flow,
    /// How.
    pub ending: Ending,
    /// What is kept of it, and in which block; nothing when its time is over.
    pub kept: Option<(Uuid, KeptMessage)>,
}

/// How a message that ended runs once more.
#[derive(Clone, Debug)]
pub struct Again<'a> {
    /// As it ended.
    pub ended: &'a Ended,
    /// What it says from now on.
    pub bytes: &'a [u8],
    /// What makes that of it: a jq filter, or nothing.
    pub patch: &'a str,
    /// Who wants it.
    pub by: &'a str,
}

/// What a block says of a message beside its bytes.
#[derive(Serialize, Deserialize)]
struct Label {
    message_id: Uuid,
    flow: String,
    partition: u16,
    lane_key: String,
    ordering_key: String,
    kind: String,
    connection: String,
    revision: u32,
    parkings: u32,
    length: usize,
}

/// The compression that costs little: messages are small and alike.
const LEVEL: i32 = 1;

/// Everything that a statement's records keep as one block, with its name; the same records make the same block.
pub(super) fn block<'a>(records: impl Iterator<Item = &'a Record>) -> Option<(Uuid, Vec<u8>)> {
    let mut whole = Vec::new();
    for record in records {
        let Some(kept) = &record.kept else { continue };
        let label = Label {
            message_id: record.message_id,
            flow: record.owner.flow.as_str().to_owned(),
            partition: kept.partition,
            lane_key: kept.lane_key.clone(),
            ordering_key: kept.ordering_key.clone(),
            kind: kept.kind.clone(),
            connection: kept.connection.clone(),
            revision: kept.revision,
            parkings: kept.parkings,
            length: kept.bytes.len(),
        };
        // One line of JSON, then the bytes.
        let Ok(label) = serde_json::to_vec(&label) else { continue };
        whole.extend(label);
        whole.push(b'\n');
        whole.extend(&kept.bytes);
    }
    if whole.is_empty() {
        return None;
    }
    Some((id_of_bytes(&whole), pack(&whole, LEVEL)))
}

/// One message of a block.
fn of_block(block: &[u8], message_id: Uuid, flow: Flow) -> Result<Option<KeptMessage>, StoreError> {
    let whole = unpack(block, u64::MAX).ok_or_else(|| unreadable("a block of kept messages", &"it is damaged"))?;
    let mut rest = whole.as_slice();
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let label: Label = serde_json::from_slice(&rest[..end])
            .map_err(|error| unreadable("a message in a block of kept messages", &error))?;
        let bytes = rest.get(end + 1..end + 1 + label.length);
        let bytes = bytes.ok_or_else(|| unreadable("a block of kept messages", &"it is too short"))?;
        if label.message_id == message_id && label.flow == flow.as_str() {
            return Ok(Some(KeptMessage {
                partition: label.partition,
                lane_key: label.lane_key,
                ordering_key: label.ordering_key,
                kind: label.kind,
                connection: label.connection,
                revision: label.revision,
                parkings: label.parkings,
                bytes: bytes.to_vec(),
            }));
        }
        rest = &rest[end + 1 + label.length..];
    }
    Ok(None)
}

/// How an ending is read: flow, ending, name of the block, block.
pub(super) type EndedRow = (String, i64, Option<Uuid>, Option<Vec<u8>>);

pub(super) fn ended(message_id: Uuid, (flow, ending, name, block): EndedRow) -> Result<Ended, StoreError> {
    let flow = super::columns::flow(&flow)?;
    let kept = match (name, block) {
        (Some(name), Some(block)) => of_block(&block, message_id, flow)?.map(|kept| (name, kept)),
        _ => None,
    };
    Ok(Ended { message_id, flow, ending: super::columns::ending(ending)?, kept })
}

pub(super) const ENDED: &str = "
SELECT i.flow, i.ending, k.id, k.bytes FROM inbox i LEFT JOIN kept_messages k ON k.id = i.kept
WHERE i.message_id = $1 ORDER BY i.flow LIMIT 1";

/// Takes its ending away, as it was seen; what is discarded stays so.
pub(super) const UNDO: &str =
    "DELETE FROM inbox WHERE message_id = $1 AND flow = $2 AND kept = $3 AND ending IN (1, 2)";

/// Due at once, when it stands in front: behind everything of its lane.
macro_rules! parked_again {
    ($position:literal, $($now:tt)+) => {
        concat!(
            "
INSERT INTO parked (message_id, flow, partition, lane_key, ordering_key, kind, connection, bytes, position, waits_for, attempts,
  parkings, revision, unsure, asked_by, asked, first_parked_at, last_parked_at)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, ",
            $position,
            ", 0, 0,
  CASE WHEN coalesce(e.parking, 0) > $9 THEN e.parking ELSE $9 END, $10, '[]', $11, 1, ",
            $($now)+,
            ", ",
            $($now)+,
            " FROM (SELECT 1) one LEFT JOIN exceptions e ON e.message_id = $1 AND e.flow = $2"
        )
    };
}
pub(super) use parked_again;

/// What it was before.
macro_rules! was {
    ($($now:tt)+) => {
        concat!(
            "
INSERT INTO message_revisions (message_id, flow, revision, bytes, campaign, patch, patched_by, patched_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, ",
            $($now)+,
            ") ON CONFLICT DO NOTHING"
        )
    };
}
pub(super) use was;

impl Again<'_> {
    /// What the document's journey says of it.
    pub(super) fn sentence(&self) -> String {
        let how = if self.patch.is_empty() { "as it was" } else { "changed by a patch" };
        format!("{} has it run once more, {how}: what happened already is not repeated.", self.by)
    }
}

impl Store {
    /// How a message ended, with what is kept of it; nothing when it has not ended.
    pub async fn ended(&self, message_id: Uuid) -> Result<Option<Ended>, StoreError> {
        on!(self, store => store.ended(message_id).await)
    }

    /// Has a message that ended run once more: it is parked with the next revision, due, and what it was is kept. False when it is
    /// not as it was seen any more: somebody else was faster, or its time is over.
    pub async fn run_again(&self, again: &Again<'_>) -> Result<bool, StoreError> {
        on!(self, store => store.run_again(again).await)
    }

    /// Forgets blocks that are older, at most so many; how many.
    pub async fn forget_kept(&self, older_than: Duration, limit: u32) -> Result<u64, StoreError> {
        on!(self, store => store.forget_kept(older_than, limit).await)
    }
}
