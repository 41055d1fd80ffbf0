//! Replay campaigns.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::patches::RELEASED;
use super::work::{DIALECT, ids, list};
use super::{Sqlite, fault, now};
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

const PLAN: &str = concat!(
    "INSERT INTO campaigns (id, state, created_at, created_by, wanted, options, patch) VALUES ($1, 'planned', ",
    now!(),
    ", $2, $3, $4, $5)"
);

/// Whatever else of the named messages is parked: followers, and what waits for something else.
const ADD: &str = "
INSERT INTO campaign_messages (campaign, message_id, flow, ordinal, wave, connection, kind, document, fingerprint)
SELECT $1, message_id, flow, 1000000000 + row_number() OVER (ORDER BY flow, lane_key, position), 1, connection, kind,
  ordering_key, coalesce(fingerprint, '')
FROM parked WHERE message_id IN (SELECT unhex(value) FROM json_each($2))
ON CONFLICT DO NOTHING";

/// Ids are scattered in their last bytes.
const CANARY: &str = "
UPDATE campaign_messages SET wave = 0 WHERE campaign = $1 AND ordinal IN (
  SELECT ordinal FROM (
    SELECT ordinal, row_number() OVER (
      PARTITION BY fingerprint, connection, kind ORDER BY substr(message_id, 13), ordinal) AS turn
    FROM campaign_messages WHERE campaign = $1) drawn
  ORDER BY turn, ordinal LIMIT $2)";

const TURN: &str = concat!(
    "UPDATE campaigns SET state = $2, changed_by = $3, reason = $4,
  started_at = CASE WHEN $2 = 'running' THEN coalesce(started_at, ",
    now!(),
    ") ELSE started_at END,
  ended_at = CASE WHEN $2 IN ('cancelled', 'finished') THEN ",
    now!(),
    " END WHERE id = $1 AND state IN (SELECT value FROM json_each($5))"
);

const HOLD: &str = concat!(
    "UPDATE campaigns SET holder = $1, held_until = ",
    now!(),
    " + $2 WHERE state = 'running' AND (holder = $1 OR held_until IS NULL OR held_until < ",
    now!(),
    ") RETURNING ",
    campaign!()
);

pub(super) const HELD: &str = "SELECT count(*) FROM campaigns WHERE id = $1 AND state = 'running' AND holder = $2";

const NEXT: &str = "
SELECT message_id, flow FROM campaign_messages
WHERE campaign = $1 AND released_at IS NULL AND outcome = 'waiting' AND wave <= $2 ORDER BY wave, ordinal LIMIT $3";

impl Sqlite {
    pub(crate) async fn plan_campaign(&self, new: &NewCampaign, filter: &ExceptionFilter) -> Result<u64, StoreError> {
        self.open_latest().await?;
        let planned = self.try_plan(new, filter).await;
        Ok(planned.map_err(|error| fault::sort("planning a campaign", error))?)
    }

    async fn try_plan(&self, new: &NewCampaign, filter: &ExceptionFilter) -> Result<u64, sqlx::Error> {
        let wanted = filter.wanted();
        let Statements { freeze, .. } = Statements::new(&wanted, &DIALECT);
        let messages = wanted.messages.as_deref().map(ids);
        let mut transaction = self.begin().await?;
        let plan = sqlx::query(PLAN).bind(new.id).bind(clean(&new.by)).bind(clean(&new.wanted));
        plan.bind(new.options.to_string()).bind(new.patch.as_deref()).execute(&mut *transaction).await?;
        let freeze =
            bound!(sqlx::query, freeze, wanted, list(&wanted.states), messages.as_deref(), list(&wanted.owned_codes));
        freeze.bind(new.id).bind(i64::from(new.wave_size.max(1))).execute(&mut *transaction).await?;
        if let Some(messages) = &messages {
            sqlx::query(ADD).bind(new.id).bind(messages).execute(&mut *transaction).await?;
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
        self.rows("looking for dry runs", sqlx::query_as(TO_REHEARSE).bind(i64::from(limit))).await
    }

    pub(crate) async fn keep_rehearsal(&self, of: &ToRehearse, word: &str, kept: &Value) -> Result<(), StoreError> {
        let keep = sqlx::query(REHEARSED).bind(of.campaign).bind(of.message_id).bind(&of.flow);
        self.execute("keeping a dry run", keep.bind(word).bind(clean(&kept.to_string()))).await.map(drop)
    }

    pub(crate) async fn rehearsals(&self, id: Uuid) -> Result<Vec<(String, i64)>, StoreError> {
        self.rows("counting dry runs", sqlx::query_as(REHEARSALS).bind(id)).await
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
        let turn = sqlx::query(TURN).bind(id).bind(to.as_str()).bind(clean(by)).bind(clean(reason)).bind(list(&from));
        Ok(self.execute("changing a campaign", turn).await? > 0)
    }

    pub(crate) async fn hold_campaigns(&self, holder: Uuid, lease: Duration) -> Result<Vec<Campaign>, StoreError> {
        let hold = sqlx::query_as(HOLD).bind(holder).bind(micros(lease));
        let held: Result<Vec<CampaignColumns>, _> = hold.fetch_all(&self.writer).await;
        let held = held.map_err(|error| fault::sort("holding campaigns", error))?;
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
        let released = self.try_release(campaign, holder, limit).await;
        Ok(released.map_err(|error| fault::sort("releasing messages of a campaign", error))?)
    }

    async fn try_release(&self, campaign: &Campaign, holder: Uuid, limit: u32) -> Result<u64, sqlx::Error> {
        let by = clean(campaign.changed_by.as_deref().unwrap_or(&campaign.created_by));
        let mut transaction = self.begin().await?;
        let held = sqlx::query_as(HELD).bind(campaign.id).bind(holder);
        let (held,): (i64,) = held.fetch_one(&mut *transaction).await?;
        let next = sqlx::query_as(NEXT).bind(campaign.id).bind(campaign.wave).bind(i64::from(limit) * held);
        let next: Vec<(Uuid, String)> = next.fetch_all(&mut *transaction).await?;
        for (message_id, flow) in &next {
            self.make_due(&mut transaction, (message_id, flow), &by, ("replayed", "")).await?;
            let released = sqlx::query(RELEASED).bind(campaign.id).bind(message_id).bind(flow);
            released.execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(next.len() as u64)
    }
}

const SETTLE: &str = settle!("lower(hex(b.head))", "IN (SELECT message_id FROM settled)");
