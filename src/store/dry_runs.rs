//! The dry run of a campaign as it is kept: of which messages one is asked for, and what it came to.

use std::collections::BTreeMap;

use serde_json::Value;
use sqlx::FromRow;
use uuid::Uuid;

use super::{Store, StoreError, on};

/// A message of which a dry run is asked for.
#[derive(Clone, Debug, FromRow)]
#[allow(missing_docs, reason = "columns that the migration explains")]
pub struct ToRehearse {
    pub campaign: Uuid,
    pub message_id: Uuid,
    pub flow: String,
}

/// Of so many a dry run is asked for, in the order in which they would be released.
pub(super) const ASK_REHEARSAL: &str = "
UPDATE campaign_messages SET rehearsed = 'asked' WHERE campaign = $1 AND ordinal IN (
  SELECT ordinal FROM campaign_messages WHERE campaign = $1 ORDER BY wave, ordinal LIMIT $2)";

/// What was released meanwhile shows by itself what it does.
pub(super) const TO_REHEARSE: &str = "
SELECT m.campaign, m.message_id, m.flow FROM campaign_messages m JOIN campaigns c ON c.id = m.campaign
WHERE m.rehearsed = 'asked' AND m.released_at IS NULL AND m.outcome = 'waiting'
  AND c.state IN ('planned', 'running', 'paused', 'stopped')
ORDER BY c.created_at, m.campaign, m.wave, m.ordinal LIMIT $1";

pub(super) const REHEARSED: &str =
    "UPDATE campaign_messages SET rehearsed = $4, rehearsal = $5 WHERE campaign = $1 AND message_id = $2 AND flow = $3";

pub(super) const REHEARSALS: &str = "
SELECT rehearsed, count(*) FROM campaign_messages WHERE campaign = $1 AND rehearsed IS NOT NULL GROUP BY rehearsed";

impl Store {
    /// Messages of which a dry run is asked for, in their order.
    pub async fn to_rehearse(&self, limit: u32) -> Result<Vec<ToRehearse>, StoreError> {
        on!(self, store => store.to_rehearse(limit).await)
    }

    /// Keeps what a dry run of a message came to, in a word, and what it would have sent.
    pub async fn keep_rehearsal(&self, of: &ToRehearse, word: &str, rehearsal: &Value) -> Result<(), StoreError> {
        on!(self, store => store.keep_rehearsal(of, word, rehearsal).await)
    }

    /// What the dry run of a campaign came to: how many messages of each word, and of `asked` those to come.
    pub async fn rehearsals(&self, id: Uuid) -> Result<BTreeMap<String, u64>, StoreError> {
        let counts: Vec<(String, i64)> = on!(self, store => store.rehearsals(id).await)?;
        Ok(counts.into_iter().map(|(word, count)| (word, count.cast_unsigned())).collect())
    }
}
