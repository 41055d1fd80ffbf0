//! Replay campaigns as they are kept: a frozen set of messages, released by making rows due, and what became of each.
//!
//! What became of a message is read from where its attempt left it, never counted along the way: so a campaign survives
//! the death of whoever releases it, and its outcomes always add up to what was selected.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use sqlx::FromRow;
use uuid::Uuid;

use super::columns::{instant, json};
use super::work::ExceptionFilter;
use super::{Store, StoreError, on};

/// Where a campaign stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CampaignState {
    /// Its set is frozen; nothing was released.
    Planned,
    /// Its waves are released one after another.
    Running,
    /// A person stopped it for a while.
    Paused,
    /// Too much of a wave failed again: a person looks, and resumes or cancels it.
    Stopped,
    /// A person ended it; what was not released is as it was.
    Cancelled,
    /// Everything has its outcome.
    Finished,
}

impl CampaignState {
    const ALL: [Self; 6] = [Self::Planned, Self::Running, Self::Paused, Self::Stopped, Self::Cancelled, Self::Finished];

    /// Whether something may still be released.
    #[must_use]
    pub fn is_to_come(self) -> bool {
        !matches!(self, Self::Cancelled | Self::Finished)
    }

    /// The name in the store and for people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
            Self::Cancelled => "cancelled",
            Self::Finished => "finished",
        }
    }
}

/// A campaign that is to be planned.
#[derive(Clone, Debug)]
pub struct NewCampaign {
    /// Its id.
    pub id: Uuid,
    /// Who plans it.
    pub by: String,
    /// What was asked for, as a person reads it.
    pub wanted: String,
    /// How it is to be released: a JSON object.
    pub options: Value,
    /// So many go first, drawn over causes, connections and kinds; 0: there is no canary.
    pub canary: u32,
    /// So many make a wave.
    pub wave_size: u32,
    /// A dry run is asked for of so many, the canary first.
    pub rehearse: u32,
    /// The jq filter that corrects its messages.
    pub patch: Option<String>,
}

/// A campaign.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "columns that the migration explains")]
pub struct Campaign {
    pub id: Uuid,
    pub state: CampaignState,
    pub created_at: Timestamp,
    pub created_by: String,
    pub wanted: String,
    pub options: Value,
    pub wave: i64,
    pub started_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    pub changed_by: Option<String>,
    pub reason: Option<String>,
    pub patch: Option<String>,
    pub approved_by: Option<String>,
}

/// What became of the messages of a campaign: the last six add up to the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Outcomes {
    /// Messages of the frozen set.
    pub selected: u64,
    /// It ran, and its effects happened, or it was no business of ours.
    pub applied: u64,
    /// It had ended before it was released.
    pub already_applied: u64,
    /// It ran, and waits for a person again.
    pub failed_again: u64,
    /// It stands behind a message that is not released, or failed again.
    pub held: u64,
    /// It is not released yet, or on its way.
    pub waiting: u64,
    /// A person discarded it meanwhile.
    pub discarded: u64,
}

impl Outcomes {
    /// The words for what became of one message.
    pub const WORDS: [&str; 6] = ["waiting", "applied", "already_applied", "failed_again", "held", "discarded"];

    pub(super) fn of(counts: Vec<(String, i64)>) -> Self {
        let mut outcomes = Self::default();
        for (outcome, count) in counts {
            let count = count.cast_unsigned();
            outcomes.selected += count;
            let field = match outcome.as_str() {
                "applied" => &mut outcomes.applied,
                "already_applied" => &mut outcomes.already_applied,
                "failed_again" => &mut outcomes.failed_again,
                "held" => &mut outcomes.held,
                "discarded" => &mut outcomes.discarded,
                _ => &mut outcomes.waiting,
            };
            *field += count;
        }
        outcomes
    }
}

/// How a wave goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromRow)]
pub struct Pulse {
    /// Messages of this wave, or an earlier one, that are not released; counted to 1.
    pub to_release: i64,
    /// Messages of later waves; counted to 1.
    pub to_come: i64,
    /// Released messages that run, stand in front, or wait for an instant, a far end, a paused flow, or room beside live traffic.
    pub under_way: i64,
    /// Of this wave: what failed again.
    pub failed: i64,
    /// Of this wave: what has any outcome.
    pub settled: i64,
}

/// A campaign as it is read.
#[derive(FromRow)]
pub(super) struct CampaignColumns {
    id: Uuid,
    state: String,
    created_at: i64,
    created_by: String,
    wanted: String,
    options: String,
    wave: i64,
    started_at: Option<i64>,
    ended_at: Option<i64>,
    changed_by: Option<String>,
    reason: Option<String>,
    patch: Option<String>,
    approved_by: Option<String>,
}

impl CampaignColumns {
    pub(super) fn campaign(self) -> Result<Campaign, StoreError> {
        let state = CampaignState::ALL.into_iter().find(|state| state.as_str() == self.state);
        Ok(Campaign {
            id: self.id,
            state: state.ok_or_else(|| super::columns::unreadable("a campaign's state", &self.state))?,
            created_at: instant(self.created_at),
            created_by: self.created_by,
            wanted: self.wanted,
            options: json("a campaign's options", &self.options)?,
            wave: self.wave,
            started_at: self.started_at.map(instant),
            ended_at: self.ended_at.map(instant),
            changed_by: self.changed_by,
            reason: self.reason,
            patch: self.patch,
            approved_by: self.approved_by,
        })
    }
}

macro_rules! campaign {
    () => {
        "id, state, created_at, created_by, wanted, options, wave, started_at, ended_at, changed_by, reason, patch, approved_by"
    };
}
pub(super) use campaign;

pub(super) const CAMPAIGN: &str = concat!("SELECT ", campaign!(), " FROM campaigns WHERE id = $1");

pub(super) const CAMPAIGNS: &str =
    concat!("SELECT ", campaign!(), " FROM campaigns WHERE created_at < $1 ORDER BY created_at DESC, id LIMIT $2");

pub(super) const OUTCOMES: &str =
    "SELECT outcome, count(*) FROM campaign_messages WHERE campaign = $1 GROUP BY outcome";

pub(super) const WAVE: &str = "UPDATE campaigns SET wave = $2 WHERE id = $1 AND wave < $2";

/// Both stores: who stands in front of a parked row.
macro_rules! head_of {
    ($row:literal) => {
        concat!(
            "(SELECT h.message_id FROM parked h WHERE h.flow = ",
            $row,
            ".flow AND h.lane_key = ",
            $row,
            ".lane_key ORDER BY h.position, h.message_id LIMIT 1)"
        )
    };
}
pub(super) use head_of;

/// What was released, and what became of it. What stands behind a message that waits for a person and is not on its way in
/// this campaign is held. What grows is read by subqueries of one row, so that no statistics can make a scan of it.
macro_rules! settle {
    ($id:literal, $only:literal) => {
        concat!(
            "
WITH released AS MATERIALIZED (
  SELECT m.message_id, m.flow, m.released_at,
    (SELECT i.ending FROM inbox i WHERE i.message_id = m.message_id AND i.flow = m.flow) AS ending,
    (SELECT i.ended_at FROM inbox i WHERE i.message_id = m.message_id AND i.flow = m.flow) AS ended_at,
    (SELECT p.waits_for FROM parked p WHERE p.message_id = m.message_id AND p.flow || '' = m.flow) AS waits_for,
    (SELECT p.last_parked_at FROM parked p WHERE p.message_id = m.message_id AND p.flow || '' = m.flow) AS parked_at,
    (SELECT ",
            head_of!("p"),
            " FROM parked p WHERE p.message_id = m.message_id AND p.flow || '' = m.flow) AS head
  FROM campaign_messages m
  WHERE m.campaign = $1 AND m.outcome = 'waiting' AND m.released_at IS NOT NULL
),
became AS MATERIALIZED (
  SELECT m.*,
    CASE
      WHEN m.ending = 3 THEN 'discarded'
      WHEN m.ending IS NOT NULL AND m.ended_at < m.released_at THEN 'already_applied'
      WHEN m.ending IS NOT NULL THEN 'applied'
      WHEN m.waits_for IS NULL THEN 'already_applied'
      WHEN m.waits_for = 3 AND m.parked_at >= m.released_at THEN 'failed_again'
      WHEN m.head <> m.message_id
        AND (SELECT h.waits_for FROM parked h WHERE h.message_id = m.head AND h.flow || '' = m.flow) = 3
        AND (SELECT c.outcome FROM campaign_messages c
          WHERE c.campaign = $1 AND c.message_id = m.head AND c.flow = m.flow AND c.outcome = 'waiting') IS NULL
        THEN 'held'
    END AS outcome
  FROM released m
),
settled AS MATERIALIZED (
  SELECT b.message_id, b.flow, b.outcome,
    CASE WHEN b.ending IS NULL AND b.waits_for = 3
        THEN (SELECT p.sentence FROM parked p WHERE p.message_id = b.message_id AND p.flow || '' = b.flow)
      WHEN b.ending IS NULL THEN 'It stands behind message ' || ",
            $id,
            " || '.' END AS why
  FROM became b WHERE b.outcome IS NOT NULL
)
UPDATE campaign_messages SET outcome = settled.outcome, why = settled.why
FROM settled
WHERE campaign_messages.campaign = $1 AND campaign_messages.message_id ",
            $only,
            " AND campaign_messages.message_id = settled.message_id AND campaign_messages.flow = settled.flow"
        )
    };
}
pub(super) use settle;

pub(super) const PULSE: &str = concat!(
    "
SELECT
  (SELECT count(*) FROM (SELECT 1 FROM campaign_messages
    WHERE campaign = $1 AND released_at IS NULL AND outcome = 'waiting' AND wave <= $2 LIMIT 1) one) AS to_release,
  (SELECT count(*) FROM (SELECT 1 FROM campaign_messages
    WHERE campaign = $1 AND released_at IS NULL AND outcome = 'waiting' AND wave > $2 LIMIT 1) one) AS to_come,
  (SELECT count(*) FROM campaign_messages m
    WHERE m.campaign = $1 AND m.released_at IS NOT NULL AND m.outcome = 'waiting' AND (
      SELECT CASE WHEN p.waits_for IN (1, 4, 5, 6) THEN 1 WHEN p.waits_for = 0 AND p.message_id = ",
    head_of!("p"),
    " THEN 1 END
      FROM parked p WHERE p.message_id = m.message_id AND p.flow || '' = m.flow) = 1) AS under_way,
  (SELECT count(*) FROM campaign_messages WHERE campaign = $1 AND wave = $2 AND outcome = 'failed_again') AS failed,
  (SELECT count(*) FROM campaign_messages WHERE campaign = $1 AND wave = $2
    AND outcome IN ('applied', 'already_applied', 'failed_again', 'held', 'discarded')) AS settled"
);

impl Store {
    /// Freezes the set of a campaign: how many messages are in it. Of a filter by messages, whatever of them is parked.
    pub async fn plan_campaign(&self, new: &NewCampaign, filter: &ExceptionFilter) -> Result<u64, StoreError> {
        on!(self, store => store.plan_campaign(new, filter).await)
    }

    /// A campaign, if it is known.
    pub async fn campaign(&self, id: Uuid) -> Result<Option<Campaign>, StoreError> {
        on!(self, store => store.campaign(id).await)
    }

    /// Campaigns that were planned before an instant, the latest first.
    pub async fn campaigns(&self, before: Option<Timestamp>, limit: u32) -> Result<Vec<Campaign>, StoreError> {
        on!(self, store => store.campaigns(before, limit).await)
    }

    /// What became of a campaign's messages, by now.
    pub async fn campaign_outcomes(&self, id: Uuid) -> Result<Outcomes, StoreError> {
        on!(self, store => store.campaign_outcomes(id).await)
    }

    /// Brings a campaign from one of these states to another; whether it was in one of them.
    pub async fn turn_campaign(
        &self,
        id: Uuid,
        from: &[CampaignState],
        to: CampaignState,
        by: &str,
        reason: &str,
    ) -> Result<bool, StoreError> {
        on!(self, store => store.turn_campaign(id, from, to, by, reason).await)
    }

    /// The running campaigns that this process releases from now on, for so long.
    pub async fn hold_campaigns(&self, holder: Uuid, lease: Duration) -> Result<Vec<Campaign>, StoreError> {
        on!(self, store => store.hold_campaigns(holder, lease).await)
    }

    /// Goes on to a wave.
    pub async fn begin_wave(&self, id: Uuid, wave: i64) -> Result<(), StoreError> {
        on!(self, store => store.begin_wave(id, wave).await)
    }

    /// Reads what became of what was released, and how the wave goes.
    pub async fn campaign_pulse(&self, id: Uuid, wave: i64) -> Result<Pulse, StoreError> {
        on!(self, store => store.campaign_pulse(id, wave).await)
    }

    /// Makes the next messages of a wave due, if the campaign still runs and this process holds it; how many.
    pub async fn release(&self, campaign: &Campaign, holder: Uuid, limit: u32) -> Result<u64, StoreError> {
        on!(self, store => store.release(campaign, holder, limit).await)
    }
}
