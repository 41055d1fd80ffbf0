//! Patches as they are kept: a campaign corrects its messages when it releases them, and what each was before stays.
//!
//! Only what waits for a person is patched, as it was when the patch was worked out: whatever runs, runs as it is.

use jiff::Timestamp;
use sqlx::FromRow;
use uuid::Uuid;

use super::campaigns::head_of;
use super::columns::instant;
use super::{Campaign, Store, StoreError, on};

/// A message whose turn comes, as it is parked.
#[derive(Clone, Debug, FromRow)]
#[allow(missing_docs, reason = "columns that the migration explains")]
pub struct ToPatch {
    pub message_id: Uuid,
    pub flow: String,
    /// Nothing: it is parked no more.
    pub revision: Option<i64>,
    /// Nothing: it does not wait for a person, or is parked no more.
    pub bytes: Option<Vec<u8>>,
}

/// How a message of a patched campaign is released.
#[derive(Clone, Debug)]
pub enum Release {
    /// The patch does not concern it.
    AsItIs,
    /// With these bytes from now on.
    Patched(Vec<u8>),
    /// Not at all, for this reason: it failed again.
    Refused(String),
    /// It is parked no more.
    Gone,
}

/// What a message was before a patch.
#[derive(Clone, Debug)]
pub struct Revision {
    /// Counted from 0, which is how it came.
    pub number: u32,
    /// Its bytes then.
    pub bytes: Vec<u8>,
    /// The jq filter that changed it.
    pub patch: String,
    /// When.
    pub at: Timestamp,
    /// Who asked for it.
    pub by: String,
}

#[derive(FromRow)]
pub(super) struct RevisionColumns {
    revision: i64,
    bytes: Vec<u8>,
    patch: String,
    patched_at: i64,
    patched_by: String,
}

impl From<RevisionColumns> for Revision {
    fn from(row: RevisionColumns) -> Self {
        Self {
            number: u32::try_from(row.revision).unwrap_or_default(),
            bytes: row.bytes,
            patch: row.patch,
            at: instant(row.patched_at),
            by: row.patched_by,
        }
    }
}

pub(super) const TO_PATCH: &str = "
SELECT m.message_id, m.flow, p.revision, CASE WHEN p.waits_for = 3 THEN p.bytes END AS bytes
FROM campaign_messages m LEFT JOIN parked p ON p.message_id = m.message_id AND p.flow = m.flow
WHERE m.campaign = $1 AND m.released_at IS NULL AND m.outcome = 'waiting' AND m.wave <= $2 ORDER BY m.wave, m.ordinal LIMIT $3";

pub(super) const REVISIONS: &str = "
SELECT revision, bytes, patch, patched_at, patched_by FROM message_revisions WHERE message_id = $1 ORDER BY revision";

/// A second person agrees to what the first one planned.
macro_rules! approve {
    ($($now:tt)+) => {
        concat!(
            "UPDATE campaigns SET approved_by = $2, approved_at = ",
            $($now)+,
            " WHERE id = $1 AND state = 'planned' AND created_by <> $2"
        )
    };
}
pub(super) use approve;

/// What it was before, of a message that is as it was when the patch was worked out.
macro_rules! before {
    ($lock:literal, $($now:tt)+) => {
        concat!(
            "
INSERT INTO message_revisions (message_id, flow, revision, bytes, campaign, patch, patched_by, patched_at)
SELECT message_id, flow, revision, bytes, $4, $5, $6, ",
            $($now)+,
            " FROM parked WHERE message_id = $1 AND flow = $2 AND revision = $3 AND waits_for = 3",
            $lock
        )
    };
}
pub(super) use before;

pub(super) const REVISED: &str =
    "UPDATE parked SET bytes = $3, revision = revision + 1 WHERE message_id = $1 AND flow = $2";

/// One message, if it stands in front.
pub(super) const DUE: &str = concat!(
    "
UPDATE parked
SET attempts = 0, asked = asked + 1, asked_by = $3, waits_for = 6, due_at = NULL, delay = NULL, awaited = '', passes = NULL,
  deadline_at = NULL
WHERE message_id = $1 AND flow = $2 AND message_id = ",
    head_of!("parked")
);

pub(super) const TAKEN_UP: &str =
    "UPDATE exceptions SET state = 'replaying' WHERE message_id = $1 AND flow = $2 AND ending IS NULL";

macro_rules! told {
    ($id:literal, $($now:tt)+) => {
        concat!(
            "INSERT INTO exception_acts (id, message_id, flow, acted_at, acted_by, act, what) VALUES (",
            $id,
            ", $1, $2, ",
            $($now)+,
            ", $3, $4, $5)"
        )
    };
}
pub(super) use told;

macro_rules! released {
    ($($now:tt)+) => {
        concat!(
            "UPDATE campaign_messages SET released_at = ",
            $($now)+,
            " WHERE campaign = $1 AND message_id = $2 AND flow = $3"
        )
    };
}
pub(super) use released;

macro_rules! refused {
    ($($now:tt)+) => {
        concat!(
            "UPDATE campaign_messages SET outcome = 'failed_again', why = $4, released_at = ",
            $($now)+,
            " WHERE campaign = $1 AND message_id = $2 AND flow = $3"
        )
    };
}
pub(super) use refused;

impl Store {
    /// The next messages of a campaign up to a wave, as they are parked.
    pub async fn to_patch(&self, id: Uuid, wave: i64, limit: u32) -> Result<Vec<ToPatch>, StoreError> {
        on!(self, store => store.to_patch(id, wave, limit).await)
    }

    /// Releases messages, each in its way, if the campaign still runs and this process holds it.
    pub async fn release_patched(
        &self,
        campaign: &Campaign,
        holder: Uuid,
        messages: &[(ToPatch, Release)],
    ) -> Result<(), StoreError> {
        on!(self, store => store.release_patched(campaign, holder, messages).await)
    }

    /// Has a planned campaign approved by somebody else than who planned it; whether that was done.
    pub async fn approve_campaign(&self, id: Uuid, by: &str) -> Result<bool, StoreError> {
        on!(self, store => store.approve_campaign(id, by).await)
    }

    /// What a message was before each of its patches, oldest first.
    pub async fn revisions(&self, message_id: Uuid) -> Result<Vec<Revision>, StoreError> {
        on!(self, store => store.revisions(message_id).await)
    }
}
