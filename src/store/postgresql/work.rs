//! Exceptions as people work on them.

use uuid::Uuid;

use super::{Postgresql, column, fault};
use crate::store::StoreError;
use crate::store::columns::clean;
use crate::store::handling::{Acted, Changed, Handling, Seen, changed};
use crate::store::statements::{ActRow, AttemptRow, Dialect, Statements, WorkColumns, act, attempt, bound};
use crate::store::work::{ActView, AttemptView, Cause, ExceptionFilter, Work};

/// The time is asked for once, not for every row.
pub(super) const DIALECT: Dialect =
    Dialect { now: "(SELECT store_now())", within: |column, set| format!("{column} = ANY({set})"), walks: true };

const ATTEMPTS: &str = "
SELECT failed_at, code, sentence, detail, exchanges FROM attempts WHERE message_id = $1 ORDER BY failed_at, id";

const ACTS: &str = "
SELECT acted_at, acted_by, act, what FROM exception_acts WHERE message_id = $1 ORDER BY acted_at, id";

/// What ended stays as it ended; it can be noted and tagged nevertheless.
const ACT: &str = "
WITH done AS (
  UPDATE exceptions e SET version = e.version + 1,
    owner = CASE WHEN $2 = 'assigned' THEN nullif($3, '') ELSE e.owner END,
    due_at = CASE WHEN $2 = 'due' THEN $4 ELSE e.due_at END,
    tags = CASE $2
      WHEN 'tagged' THEN (SELECT coalesce(jsonb_agg(t ORDER BY t), '[]')::text FROM (
        SELECT jsonb_array_elements_text(e.tags::jsonb) AS t UNION SELECT $3) tags)
      WHEN 'untagged' THEN (SELECT coalesce(jsonb_agg(t ORDER BY t), '[]')::text FROM
        jsonb_array_elements_text(e.tags::jsonb) AS t WHERE t <> $3)
      ELSE e.tags END,
    state = CASE WHEN $2 = 'investigating' AND e.state IN ('open', 'waiting') THEN 'investigating'
      WHEN $2 = 'open' AND e.state = 'investigating' THEN CASE WHEN e.awaited IS NULL THEN 'open' ELSE 'waiting' END
      ELSE e.state END
  WHERE e.message_id = ANY($1) AND (e.ending IS NULL OR $2 IN ('noted', 'tagged', 'untagged'))
  RETURNING e.message_id, e.flow
), told AS (
  INSERT INTO exception_acts (id, message_id, flow, acted_at, acted_by, act, what)
  SELECT gen_random_uuid(), message_id, flow, store_now(), $5, $2, $6 FROM done
)
SELECT message_id FROM done";

/// Whoever comes at the same time waits here, and then finds what was done.
const LOCK: &str = "
SELECT e.version FROM exceptions e WHERE e.message_id = ANY($1) ORDER BY e.message_id, e.flow FOR UPDATE";

const CHANGED: &str = changed!("SELECT * FROM unnest($1::uuid[], $2::bigint[]) AS s (message_id, version)");

impl Postgresql {
    pub(crate) async fn exceptions(&self, filter: &ExceptionFilter) -> Result<(u64, Vec<Work>), StoreError> {
        const DOING: &str = "listing exceptions";
        self.open_latest().await?;
        let wanted = filter.wanted();
        let Statements { count, list, .. } = Statements::new(&wanted, &DIALECT);
        let (count,): (i64,) =
            self.one(DOING, bound!(count, wanted, &wanted.states, &wanted.messages, &wanted.owned_codes)).await?;
        let rows: Vec<WorkColumns> =
            self.rows(DOING, bound!(list, wanted, &wanted.states, &wanted.messages, &wanted.owned_codes)).await?;
        Ok((count.cast_unsigned(), rows.into_iter().map(WorkColumns::work).collect::<Result<_, _>>()?))
    }

    pub(crate) async fn causes(&self, filter: &ExceptionFilter) -> Result<Vec<Cause>, StoreError> {
        self.open_latest().await?;
        let wanted = filter.wanted();
        let Statements { causes, .. } = Statements::new(&wanted, &DIALECT);
        let ask = bound!(causes, wanted, &wanted.states, wanted.messages.as_deref(), &wanted.owned_codes);
        Ok(self.rows("grouping exceptions", ask).await?)
    }

    pub(crate) async fn failed_attempts(&self, message_id: Uuid) -> Result<Vec<AttemptView>, StoreError> {
        let rows: Vec<AttemptRow> = self.rows("reading attempts", sqlx::query_as(ATTEMPTS).bind(message_id)).await?;
        rows.into_iter().map(attempt).collect()
    }

    pub(crate) async fn acts(&self, message_id: Uuid) -> Result<Vec<ActView>, StoreError> {
        let rows: Vec<ActRow> = self.rows("reading what people did", sqlx::query_as(ACTS).bind(message_id)).await?;
        Ok(rows.into_iter().map(act).collect())
    }

    pub(crate) async fn act(&self, messages: &[Seen], act: &Handling, by: &str) -> Result<Acted, StoreError> {
        let done = self.try_act(messages, act, &clean(by)).await;
        Ok(done.map_err(|error| fault::sort("working on exceptions", error))?)
    }

    async fn try_act(&self, messages: &[Seen], act: &Handling, by: &str) -> Result<Acted, sqlx::Error> {
        let ids = column(messages, |seen| seen.message_id);
        let mut transaction = self.pool.begin().await?;
        sqlx::query(LOCK).bind(&ids).execute(&mut *transaction).await?;
        let changed = sqlx::query_as(CHANGED).bind(&ids).bind(column(messages, |seen| seen.version));
        let changed: Vec<Changed> = changed.fetch_all(&mut *transaction).await?;
        if !changed.is_empty() {
            return Ok(Acted::Changed(changed));
        }
        let what = act.what();
        let due = if let Handling::Due(at) = act { at.map(jiff::Timestamp::as_microsecond) } else { None };
        let done = sqlx::query_as(ACT).bind(&ids).bind(act.word()).bind(clean(&what)).bind(due);
        let done = done.bind(by).bind(clean(&what));
        let done: Vec<(Uuid,)> = done.fetch_all(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(Acted::Done(done.into_iter().map(|(id,)| id).collect()))
    }
}
