//! Replay campaigns.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::work::DIALECT;
use super::{Postgresql, fault};
use crate::store::StoreError;
use crate::store::campaign_messages::{
    ASK_REHEARSAL, CampaignMessage, CampaignMessageColumns, REHEARSALS, REHEARSED, TO_REHEARSE, ToRehearse, messages,
};
use crate::store::campaigns::{
    CAMPAIGN, CAMPAIGNS, Campaign, CampaignColumns, CampaignState, NewCampaign, OUTCOMES, Outcomes, PULSE, Pulse, WAVE,
    campaign, head_of, settle,
};
use crate::store::columns::{clean, micros};
use crate::store::statements::{Statements, bound};
use crate::store::work::ExceptionFilter;

const PLAN: &str = "
INSERT INTO campaigns (id, state, created_at, created_by, wanted, options, patch)
VALUES ($1, 'planned', store_now(), $2, $3, $4, $5)";

/// Whatever else of the named messages is parked: followers, and what waits for something else.
const ADD: &str = "
INSERT INTO campaign_messages (campaign, message_id, flow, ordinal, wave, connection, kind, document, fingerprint)
SELECT $1, message_id, flow, 1000000000 + row_number() OVER (ORDER BY flow, lane_key, position), 1, connection, kind,
  ordering_key, coalesce(fingerprint, '')
FROM parked WHERE message_id = ANY($2)
ON CONFLICT DO NOTHING";

/// Ids are scattered in their last bytes.
const CANARY: &str = "
UPDATE campaign_messages SET wave = 0 WHERE campaign = $1 AND ordinal IN (
  SELECT ordinal FROM (
    SELECT ordinal, row_number() OVER (
      PARTITION BY fingerprint, connection, kind ORDER BY right(message_id::text, 6), ordinal) AS turn
    FROM campaign_messages WHERE campaign = $1) drawn
  ORDER BY turn, ordinal LIMIT $2)";

const TURN: &str = "
UPDATE campaigns SET state = $2, changed_by = $3, reason = $4,
  started_at = CASE WHEN $2 = 'running' THEN coalesce(started_at, store_now()) ELSE started_at END,
  ended_at = CASE WHEN $2 IN ('cancelled', 'finished') THEN store_now() END
WHERE id = $1 AND state = ANY($5)";

const HOLD: &str = concat!(
    "
UPDATE campaigns SET holder = $1, held_until = store_now() + $2
WHERE state = 'running' AND (holder = $1 OR held_until IS NULL OR held_until < store_now())
RETURNING ",
    campaign!()
);

/// Rows are locked in the order in which wakers lock. Whoever stops the campaign waits for this, or this sees it stopped.
const RELEASE: &str = concat!(
    "
WITH held AS MATERIALIZED (
  SELECT id FROM campaigns WHERE id = $1 AND state = 'running' AND holder = $2 FOR SHARE
),
next AS MATERIALIZED (
  SELECT m.message_id, m.flow FROM campaign_messages m JOIN held ON held.id = m.campaign
  WHERE m.released_at IS NULL AND m.outcome = 'waiting' AND m.wave <= $3 ORDER BY m.wave, m.ordinal LIMIT $4
),
locked AS MATERIALIZED (
  SELECT p.message_id, p.flow FROM parked p
  WHERE p.message_id = ANY(ARRAY(SELECT message_id FROM next)) AND p.message_id = ",
    head_of!("p"),
    "
  ORDER BY p.message_id, p.flow FOR UPDATE
),
due AS (
  UPDATE parked p
  SET attempts = 0, asked = p.asked + 1, asked_by = $5, waits_for = 6, due_at = NULL, delay = NULL, awaited = '',
    passes = NULL, deadline_at = NULL
  FROM locked, next
  WHERE p.message_id = ANY(ARRAY(SELECT message_id FROM locked)) AND p.message_id = locked.message_id
    AND p.flow || '' = locked.flow AND next.message_id = locked.message_id AND next.flow = locked.flow
  RETURNING p.message_id, p.flow
),
taken_up AS (
  UPDATE exceptions e SET state = 'replaying' FROM due
  WHERE e.message_id = ANY(ARRAY(SELECT message_id FROM due)) AND e.message_id = due.message_id AND e.flow = due.flow
    AND e.ending IS NULL
),
told AS (
  INSERT INTO exception_acts (id, message_id, flow, acted_at, acted_by, act, what)
  SELECT gen_random_uuid(), message_id, flow, store_now(), $5, 'replayed', '' FROM due
)
UPDATE campaign_messages m SET released_at = store_now() FROM next
WHERE m.campaign = $1 AND m.message_id = ANY(ARRAY(SELECT message_id FROM next)) AND m.message_id = next.message_id
  AND m.flow = next.flow"
);

const SETTLE: &str = settle!("b.head::text", "= ANY(ARRAY(SELECT message_id FROM settled))");

impl Postgresql {
    pub(crate) async fn plan_campaign(&self, new: &NewCampaign, filter: &ExceptionFilter) -> Result<u64, StoreError> {
        self.open_latest().await?;
        let planned = self.try_plan(new, filter).await;
        Ok(planned.map_err(|error| fault::sort("planning a campaign", error))?)
    }

    async fn try_plan(&self, new: &NewCampaign, filter: &ExceptionFilter) -> Result<u64, sqlx::Error> {
        let wanted = filter.wanted();
        let Statements { freeze, .. } = Statements::new(&wanted, &DIALECT);
        let mut transaction = self.pool.begin().await?;
        let plan = sqlx::query(PLAN).bind(new.id).bind(clean(&new.by)).bind(clean(&new.wanted));
        plan.bind(new.options.to_string()).bind(new.patch.as_deref()).execute(&mut *transaction).await?;
        let freeze =
            bound!(sqlx::query, freeze, wanted, &wanted.states, wanted.messages.as_deref(), &wanted.owned_codes);
        freeze.bind(new.id).bind(i64::from(new.wave_size.max(1))).execute(&mut *transaction).await?;
        if let Some(messages) = &wanted.messages {
            sqlx::query(ADD).bind(new.id).bind(&messages[..]).execute(&mut *transaction).await?;
        }
        sqlx::query(CANARY).bind(new.id).bind(i64::from(new.canary)).execute(&mut *transaction).await?;
        sqlx::query(ASK_REHEARSAL).bind(new.id).bind(i64::from(new.rehearse)).execute(&mut *transaction).await?;
        let count = sqlx::query_as("SELECT count(*) FROM campaign_messages WHERE campaign = $1").bind(new.id);
        let (count,): (i64,) = count.fetch_one(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(count.cast_unsigned())
    }

    pub(crate) async fn campaign(&self, id: Uuid) -> Result<Option<Campaign>, StoreError> {
        let rows: Vec<CampaignColumns> = self.rows("reading a campaign", sqlx::query_as(CAMPAIGN).bind(id)).await?;
        rows.into_iter().next().map(CampaignColumns::campaign).transpose()
    }

    pub(crate) async fn campaigns(&self, before: Option<Timestamp>, limit: u32) -> Result<Vec<Campaign>, StoreError> {
        let before = before.map_or(i64::MAX, Timestamp::as_microsecond);
        let ask = sqlx::query_as(CAMPAIGNS).bind(before).bind(i64::from(limit));
        let rows: Vec<CampaignColumns> = self.rows("listing campaigns", ask).await?;
        rows.into_iter().map(CampaignColumns::campaign).collect()
    }

    /// Again as long as something comes out: a follower is held once its head has an outcome.
    async fn settle(&self, id: Uuid) -> Result<(), StoreError> {
        while self.execute("settling a campaign", sqlx::query(SETTLE).bind(id)).await? > 0 {}
        Ok(())
    }

    pub(crate) async fn campaign_outcomes(&self, id: Uuid) -> Result<Outcomes, StoreError> {
        self.settle(id).await?;
        Ok(Outcomes::of(self.rows("counting outcomes", sqlx::query_as(OUTCOMES).bind(id)).await?))
    }

    pub(crate) async fn campaign_messages(
        &self,
        id: Uuid,
        outcome: Option<&str>,
        after: (i64, i64),
        limit: u32,
    ) -> Result<Vec<CampaignMessage>, StoreError> {
        let ask = sqlx::query_as(sqlx::AssertSqlSafe(messages(outcome)))
            .bind(id)
            .bind(outcome)
            .bind(after.0)
            .bind(after.1)
            .bind(i64::from(limit));
        let rows: Vec<CampaignMessageColumns> = self.rows("listing a campaign's messages", ask).await?;
        rows.into_iter().map(CampaignMessageColumns::message).collect()
    }

    pub(crate) async fn to_rehearse(&self, limit: u32) -> Result<Vec<ToRehearse>, StoreError> {
        Ok(self.rows("looking for dry runs", sqlx::query_as(TO_REHEARSE).bind(i64::from(limit))).await?)
    }

    pub(crate) async fn keep_rehearsal(&self, of: &ToRehearse, word: &str, kept: &Value) -> Result<(), StoreError> {
        let keep = sqlx::query(REHEARSED).bind(of.campaign).bind(of.message_id).bind(&of.flow);
        self.execute("keeping a dry run", keep.bind(word).bind(clean(&kept.to_string()))).await.map(drop)
    }

    pub(crate) async fn rehearsals(&self, id: Uuid) -> Result<Vec<(String, i64)>, StoreError> {
        Ok(self.rows("counting dry runs", sqlx::query_as(REHEARSALS).bind(id)).await?)
    }

    pub(crate) async fn turn_campaign(
        &self,
        id: Uuid,
        from: &[CampaignState],
        to: CampaignState,
        by: &str,
        reason: &str,
    ) -> Result<bool, StoreError> {
        let from: Vec<_> = from.iter().map(|state| state.as_str()).collect();
        let turn = sqlx::query(TURN).bind(id).bind(to.as_str()).bind(clean(by)).bind(clean(reason)).bind(&from[..]);
        Ok(self.execute("changing a campaign", turn).await? > 0)
    }

    pub(crate) async fn hold_campaigns(&self, holder: Uuid, lease: Duration) -> Result<Vec<Campaign>, StoreError> {
        let hold = sqlx::query_as(HOLD).bind(holder).bind(micros(lease));
        let held: Vec<CampaignColumns> = self.rows("holding campaigns", hold).await?;
        held.into_iter().map(CampaignColumns::campaign).collect()
    }

    pub(crate) async fn begin_wave(&self, id: Uuid, wave: i64) -> Result<(), StoreError> {
        self.execute("beginning a wave", sqlx::query(WAVE).bind(id).bind(wave)).await.map(drop)
    }

    pub(crate) async fn campaign_pulse(&self, id: Uuid, wave: i64) -> Result<Pulse, StoreError> {
        self.settle(id).await?;
        self.one("looking at a campaign", sqlx::query_as(PULSE).bind(id).bind(wave)).await
    }

    pub(crate) async fn release(&self, campaign: &Campaign, holder: Uuid, limit: u32) -> Result<u64, StoreError> {
        let by = clean(campaign.changed_by.as_deref().unwrap_or(&campaign.created_by));
        let release = sqlx::query(RELEASE).bind(campaign.id).bind(holder).bind(campaign.wave);
        self.execute("releasing messages of a campaign", release.bind(i64::from(limit)).bind(by)).await
    }
}
