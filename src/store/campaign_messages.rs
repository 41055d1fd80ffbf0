//! The messages of a campaign as they are kept: what became of each, and what its dry run came to.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use sqlx::FromRow;
use uuid::Uuid;

use super::columns::{instant, json};
use super::{Store, StoreError, on};

/// What became of one message.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "columns that the migration explains")]
pub struct CampaignMessage {
    pub id: Uuid,
    pub flow: String,
    pub ordinal: i64,
    pub wave: i64,
    pub connection: String,
    pub kind: String,
    pub document: String,
    pub fingerprint: String,
    pub outcome: String,
    pub released_at: Option<Timestamp>,
    pub why: Option<String>,
    pub rehearsed: Option<String>,
    pub rehearsal: Option<Value>,
}

/// A message of which a dry run is asked for.
#[derive(Clone, Debug, FromRow)]
#[allow(missing_docs, reason = "columns that the migration explains")]
pub struct ToRehearse {
    pub campaign: Uuid,
    pub message_id: Uuid,
    pub flow: String,
    pub patch: Option<String>,
}

#[derive(FromRow)]
pub(super) struct CampaignMessageColumns {
    message_id: Uuid,
    flow: String,
    ordinal: i64,
    wave: i64,
    connection: String,
    kind: String,
    document: String,
    fingerprint: String,
    outcome: String,
    released_at: Option<i64>,
    why: Option<String>,
    rehearsed: Option<String>,
    rehearsal: Option<String>,
}

impl CampaignMessageColumns {
    pub(super) fn message(self) -> Result<CampaignMessage, StoreError> {
        let rehearsal = self.rehearsal.as_deref().map(|text| json("a rehearsal", text));
        Ok(CampaignMessage {
            id: self.message_id,
            flow: self.flow,
            ordinal: self.ordinal,
            wave: self.wave,
            connection: self.connection,
            kind: self.kind,
            document: self.document,
            fingerprint: self.fingerprint,
            outcome: self.outcome,
            released_at: self.released_at.map(instant),
            why: self.why,
            rehearsed: self.rehearsed,
            rehearsal: rehearsal.transpose()?,
        })
    }
}

/// Those of one outcome are read in their order from the index `campaign_outcomes`.
pub(super) fn messages(outcome: Option<&str>) -> String {
    let outcome = if outcome.is_some() { "outcome = $2 AND" } else { "" };
    format!(
        "SELECT message_id, flow, ordinal, wave, connection, kind, document, fingerprint, outcome, released_at, why,
  rehearsed, rehearsal
FROM campaign_messages
WHERE campaign = $1 AND {outcome} (wave, ordinal) > ($3, $4)
ORDER BY wave, ordinal LIMIT $5"
    )
}

/// Of so many a dry run is asked for, in the order in which they would be released.
pub(super) const ASK_REHEARSAL: &str = "
UPDATE campaign_messages SET rehearsed = 'asked' WHERE campaign = $1 AND ordinal IN (
  SELECT ordinal FROM campaign_messages WHERE campaign = $1 ORDER BY wave, ordinal LIMIT $2)";

/// What was released meanwhile shows by itself what it does.
pub(super) const TO_REHEARSE: &str = "
SELECT m.campaign, m.message_id, m.flow, c.patch FROM campaign_messages m JOIN campaigns c ON c.id = m.campaign
WHERE m.rehearsed = 'asked' AND m.released_at IS NULL AND m.outcome = 'waiting'
  AND c.state IN ('planned', 'running', 'paused', 'stopped')
ORDER BY c.created_at, m.campaign, m.wave, m.ordinal LIMIT $1";

pub(super) const REHEARSED: &str =
    "UPDATE campaign_messages SET rehearsed = $4, rehearsal = $5 WHERE campaign = $1 AND message_id = $2 AND flow = $3";

pub(super) const REHEARSALS: &str = "
SELECT rehearsed, count(*) FROM campaign_messages WHERE campaign = $1 AND rehearsed IS NOT NULL GROUP BY rehearsed";

impl Store {
    /// The messages of a campaign, of one outcome or all, in their order behind a wave and an ordinal.
    pub async fn campaign_messages(
        &self,
        id: Uuid,
        outcome: Option<&str>,
        after: (i64, i64),
        limit: u32,
    ) -> Result<Vec<CampaignMessage>, StoreError> {
        on!(self, store => store.campaign_messages(id, outcome, after, limit).await)
    }

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
