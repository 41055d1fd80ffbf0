//! What waits for a far end or a paused flow, and what people paused.

use super::{Postgresql, column};
use crate::message::Flow;
use crate::store::StoreError;
use crate::store::columns::{ParkedColumns, clean};
use crate::store::rows::{Ownership, Parked, WaitsFor};
use crate::store::stops::{Pause, PauseColumns, Stopped, StoppedColumns};
use crate::store::waits::wait_code;

const COUNT: &str = "
SELECT flow, partition, waits_for, awaited, count(*) AS messages FROM parked WHERE waits_for > 3
GROUP BY flow, partition, waits_for, awaited ORDER BY flow, partition, waits_for, awaited";

/// Partition by partition from the index, so that what others own costs nothing; heads are told as in `due.sql`.
const HEADS: &str = "
WITH mine AS MATERIALIZED (
  SELECT p.flow, p.partition
  FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS claim (flow, partition, epoch)
  JOIN partitions p ON p.flow = claim.flow AND p.partition = claim.partition AND p.epoch = claim.epoch
  WHERE p.owner IS NOT NULL
)
SELECT h.* FROM mine CROSS JOIN LATERAL (
  SELECT * FROM parked p
  WHERE p.flow = mine.flow AND p.partition = mine.partition AND p.waits_for = $4 AND p.awaited = $5 AND p.waits_for > 3
    AND p.message_id = (
      SELECT f.message_id FROM parked f
      WHERE f.flow = p.flow AND f.lane_key = p.lane_key ORDER BY f.position, f.message_id LIMIT 1)
  ORDER BY p.last_parked_at LIMIT $6
) h
ORDER BY h.last_parked_at, h.position LIMIT $6";

/// An older pause holds, whatever a newer one says.
const PAUSE: &str = "
INSERT INTO pauses (connection, flow, reason, paused_by, paused_at) VALUES ($1, $2, $3, $4, store_now())
ON CONFLICT (connection, flow) WHERE resumed_at IS NULL DO UPDATE SET reason = pauses.reason
RETURNING connection, flow, reason, paused_by, paused_at";

const RESUME: &str = "
UPDATE pauses SET resumed_by = $3, resumed_because = $4, resumed_at = store_now()
WHERE connection = $1 AND flow = $2 AND resumed_at IS NULL
RETURNING connection, flow, reason, paused_by, paused_at";

const PAUSES: &str = "
SELECT connection, flow, reason, paused_by, paused_at FROM pauses WHERE resumed_at IS NULL ORDER BY id";

impl Postgresql {
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
        let (code, awaited) = wait_code(waits_for);
        let ask = sqlx::query_as(HEADS)
            .bind(column(owners, |owner| owner.flow.as_str()))
            .bind(column(owners, |owner| i64::from(owner.partition)))
            .bind(column(owners, |owner| owner.epoch))
            .bind(code)
            .bind(awaited.map(clean))
            .bind(i64::from(limit));
        let rows: Vec<ParkedColumns> = self.rows("asking what is stopped", ask).await?;
        rows.into_iter().map(ParkedColumns::parked).collect()
    }

    pub(crate) async fn pause(&self, pause: &Pause) -> Result<Pause, StoreError> {
        let ask = sqlx::query_as(PAUSE)
            .bind(pause.connection.as_deref().unwrap_or_default())
            .bind(pause.flow.map_or("", Flow::as_str))
            .bind(clean(&pause.reason))
            .bind(clean(&pause.paused_by));
        let row: PauseColumns = self.one("pausing", ask).await?;
        row.pause()
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
        let rows: Vec<PauseColumns> = self.rows("ending a pause", ask).await?;
        rows.into_iter().next().map(PauseColumns::pause).transpose()
    }

    pub(crate) async fn pauses(&self) -> Result<Vec<Pause>, StoreError> {
        let rows: Vec<PauseColumns> = self.rows("reading what is paused", sqlx::query_as(PAUSES)).await?;
        rows.into_iter().map(PauseColumns::pause).collect()
    }
}
