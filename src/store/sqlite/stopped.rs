//! What waits for a far end or a paused flow, and what people paused.

use sqlx::sqlite::SqliteArguments;

use super::{Sqlite, fault, now, set};
use crate::message::Flow;
use crate::store::StoreError;
use crate::store::columns::{ParkedColumns, clean, parked_columns};
use crate::store::rows::{Ownership, Parked, WaitsFor};
use crate::store::stops::{Pause, PauseColumns, Stopped, StoppedColumns};
use crate::store::waits::wait_code;

const COUNT: &str = "
SELECT flow, partition, waits_for, awaited, count(*) AS messages FROM parked WHERE waits_for > 3
GROUP BY flow, partition, waits_for, awaited ORDER BY flow, partition, waits_for, awaited";

const HEADS: &str = concat!(
    "SELECT ",
    parked_columns!(),
    " FROM parked p
WHERE p.waits_for = $2 AND p.awaited = $3 AND p.waits_for > 3
  AND (p.flow, p.partition) IN (
    SELECT o.flow, o.partition FROM json_each($1) claim
    JOIN partitions o ON o.flow = claim.value ->> 0 AND o.partition = claim.value ->> 1 AND o.epoch = claim.value ->> 2
    WHERE o.owner IS NOT NULL)
  AND NOT EXISTS (
    SELECT 1 FROM parked f
    WHERE f.flow = p.flow AND f.lane_key = p.lane_key AND (f.position, f.message_id) < (p.position, p.message_id))
ORDER BY p.last_parked_at, p.position LIMIT $4"
);

/// An older pause holds, whatever a newer one says.
const PAUSE: &str = concat!(
    "INSERT INTO pauses (connection, flow, reason, paused_by, paused_at) VALUES ($1, $2, $3, $4, ",
    now!(),
    ") ON CONFLICT (connection, flow) WHERE resumed_at IS NULL DO UPDATE SET reason = pauses.reason
RETURNING connection, flow, reason, paused_by, paused_at"
);

const RESUME: &str = concat!(
    "UPDATE pauses SET resumed_by = $3, resumed_because = $4, resumed_at = ",
    now!(),
    " WHERE connection = $1 AND flow = $2 AND resumed_at IS NULL
RETURNING connection, flow, reason, paused_by, paused_at"
);

const PAUSES: &str = "
SELECT connection, flow, reason, paused_by, paused_at FROM pauses WHERE resumed_at IS NULL ORDER BY id";

impl Sqlite {
    pub(crate) async fn stopped(&self) -> Result<Vec<Stopped>, StoreError> {
        let rows: Vec<StoppedColumns> = self.rows("counting what is stopped", sqlx::query_as(COUNT)).await?;
        rows.into_iter().map(StoppedColumns::stopped).collect()
    }

    pub(crate) async fn stopped_heads(
        &self,
        owners: &[Ownership],
        waits_for: &WaitsFor,
        limit: u32,
    ) -> Result<Vec<Parked>, StoreError> {
        let owners = set(owners
            .iter()
            .map(|owner| vec![owner.flow.as_str().into(), owner.partition.into(), owner.epoch.into()]));
        let (code, awaited) = wait_code(waits_for);
        let ask = sqlx::query_as(HEADS).bind(owners).bind(code).bind(awaited.map(clean)).bind(i64::from(limit));
        let rows: Vec<ParkedColumns> = self.rows("asking what is stopped", ask).await?;
        rows.into_iter().map(ParkedColumns::parked).collect()
    }

    pub(crate) async fn pause(&self, pause: &Pause) -> Result<Pause, StoreError> {
        const DOING: &str = "pausing";
        let ask = sqlx::query_as(PAUSE)
            .bind(pause.connection.clone().unwrap_or_default())
            .bind(pause.flow.map_or("", Flow::as_str))
            .bind(clean(&pause.reason))
            .bind(clean(&pause.paused_by));
        let row: Option<PauseColumns> = self.changed(DOING, ask).await?;
        row.ok_or_else(|| StoreError::from(fault::sort(DOING, sqlx::Error::RowNotFound)))?.pause()
    }

    pub(crate) async fn resume(
        &self,
        (connection, flow): (Option<&str>, Option<Flow>),
        by: &str,
        why: &str,
    ) -> Result<Option<Pause>, StoreError> {
        let ask = sqlx::query_as(RESUME)
            .bind(connection.unwrap_or_default())
            .bind(flow.map_or("", Flow::as_str))
            .bind(clean(by))
            .bind(clean(why));
        let row: Option<PauseColumns> = self.changed("ending a pause", ask).await?;
        row.map(PauseColumns::pause).transpose()
    }

    pub(crate) async fn pauses(&self) -> Result<Vec<Pause>, StoreError> {
        let rows: Vec<PauseColumns> = self.rows("reading what is paused", sqlx::query_as(PAUSES)).await?;
        rows.into_iter().map(PauseColumns::pause).collect()
    }

    /// The row that a statement changed, if any: it is a transaction of its own.
    async fn changed(
        &self,
        doing: &'static str,
        ask: sqlx::query::QueryAs<'_, sqlx::Sqlite, PauseColumns, SqliteArguments>,
    ) -> Result<Option<PauseColumns>, StoreError> {
        ask.fetch_optional(&self.writer).await.map_err(|error| fault::sort(doing, error).into())
    }
}
