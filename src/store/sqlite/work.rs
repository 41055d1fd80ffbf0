//! Exceptions as people work on them.

use uuid::Uuid;

use super::{Sqlite, fault, now};
use crate::store::StoreError;
use crate::store::columns::clean;
use crate::store::handling::{Acted, Changed, Handling, Seen, changed};
use crate::store::statements::{ActRow, AttemptRow, Dialect, Statements, WorkColumns, act, attempt, bound};
use crate::store::work::{ActView, AttemptView, Cause, ExceptionFilter, Work};

pub(super) const DIALECT: Dialect = Dialect { now: now!(), within, walks: false };

/// Sets are JSON lists; ids in them are written in hexadecimal.
fn within(column: &str, set: &str) -> String {
    let value = if column == "e.message_id" { "unhex(value)" } else { "value" };
    format!("{column} IN (SELECT {value} FROM json_each({set}))")
}

pub(super) fn ids(messages: &[Uuid]) -> String {
    list(&messages.iter().map(Uuid::as_simple).collect::<Vec<_>>())
}

pub(super) fn list<T: std::fmt::Display>(values: &[T]) -> String {
    values.iter().map(ToString::to_string).collect::<serde_json::Value>().to_string()
}

const ATTEMPTS: &str = "
SELECT failed_at, code, sentence, detail, exchanges FROM attempts WHERE message_id = $1 ORDER BY failed_at, id";

const ACTS: &str = "
SELECT acted_at, acted_by, act, what FROM exception_acts WHERE message_id = $1 ORDER BY acted_at, id";

/// What ended stays as it ended; it can be noted and tagged nevertheless.
const ACT: &str = "
UPDATE exceptions SET version = version + 1,
  owner = iif($2 = 'assigned', nullif($3, ''), owner),
  due_at = iif($2 = 'due', $4, due_at),
  tags = CASE $2
    WHEN 'tagged' THEN (SELECT json_group_array(t) FROM (
      SELECT value AS t FROM json_each(exceptions.tags) UNION SELECT $3 ORDER BY 1))
    WHEN 'untagged' THEN (SELECT json_group_array(t) FROM (
      SELECT value AS t FROM json_each(exceptions.tags) WHERE value <> $3 ORDER BY 1))
    ELSE tags END,
  state = CASE WHEN $2 = 'investigating' AND state IN ('open', 'waiting') THEN 'investigating'
    WHEN $2 = 'open' AND state = 'investigating' THEN iif(awaited IS NULL, 'open', 'waiting')
    ELSE state END
WHERE message_id = $1 AND (ending IS NULL OR $2 IN ('noted', 'tagged', 'untagged'))
RETURNING flow";

const CHANGED: &str = changed!("SELECT unhex(value ->> 0) AS message_id, value ->> 1 AS version FROM json_each($1)");

const TELL: &str = concat!(
    "INSERT INTO exception_acts (id, message_id, flow, acted_at, acted_by, act, what) VALUES ($1, $2, $3, ",
    now!(),
    ", $4, $5, $6)"
);

impl Sqlite {
    pub(crate) async fn exceptions(&self, filter: &ExceptionFilter) -> Result<(u64, Vec<Work>), StoreError> {
        const DOING: &str = "listing exceptions";
        self.open_latest().await?;
        let wanted = filter.wanted();
        let Statements { count, list: listed, .. } = Statements::new(&wanted, &DIALECT);
        let (count,): (i64,) = self
            .one(
                DOING,
                bound!(
                    count,
                    wanted,
                    list(&wanted.states),
                    wanted.messages.as_deref().map(ids),
                    list(&wanted.owned_codes)
                ),
            )
            .await?;
        let rows: Vec<WorkColumns> = self
            .rows(
                DOING,
                bound!(
                    listed,
                    wanted,
                    list(&wanted.states),
                    wanted.messages.as_deref().map(ids),
                    list(&wanted.owned_codes)
                ),
            )
            .await?;
        Ok((count.cast_unsigned(), rows.into_iter().map(WorkColumns::work).collect::<Result<_, _>>()?))
    }

    pub(crate) async fn causes(&self, filter: &ExceptionFilter) -> Result<Vec<Cause>, StoreError> {
        self.open_latest().await?;
        let wanted = filter.wanted();
        let Statements { causes, .. } = Statements::new(&wanted, &DIALECT);
        let ask = bound!(
            causes,
            wanted,
            list(&wanted.states),
            wanted.messages.as_deref().map(ids),
            list(&wanted.owned_codes)
        );
        self.rows("grouping exceptions", ask).await
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
        let (word, what) = (act.word(), act.what());
        let what = clean(&what);
        let due = if let Handling::Due(at) = act { at.map(jiff::Timestamp::as_microsecond) } else { None };
        let mut transaction = self.begin().await?;
        let seen =
            messages.iter().map(|seen| serde_json::json!([seen.message_id.as_simple().to_string(), seen.version]));
        let changed = sqlx::query_as(CHANGED).bind(seen.collect::<serde_json::Value>().to_string());
        let changed: Vec<Changed> = changed.fetch_all(&mut *transaction).await?;
        if !changed.is_empty() {
            return Ok(Acted::Changed(changed));
        }
        let mut done = Vec::new();
        for Seen { message_id: id, .. } in messages {
            let ask = sqlx::query_as(ACT).bind(id).bind(word).bind(what.as_ref()).bind(due);
            let flows: Vec<(String,)> = ask.fetch_all(&mut *transaction).await?;
            for (flow,) in flows {
                let tell = sqlx::query(TELL).bind(self.clock.identifier()).bind(id).bind(flow).bind(by);
                tell.bind(word).bind(what.as_ref()).execute(&mut *transaction).await?;
                done.push(*id);
            }
        }
        transaction.commit().await?;
        Ok(Acted::Done(done))
    }
}
