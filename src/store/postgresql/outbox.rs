//! What is to be sent.

use super::Postgresql;
use crate::message::Flow;
use crate::store::StoreError;
use crate::store::batch::OutboxEntry;
use crate::store::columns::{self, OutboxColumns, cleaned, purpose_code};
use crate::store::rows::{OutboxRow, Purpose, Waiting};

/// Ids are given without many gaps, so their span bounds the rows from above; only near the limit are they counted.
const ACCEPT: &str = "
WITH room AS MATERIALIZED (
  SELECT CASE
    WHEN (SELECT coalesce(max(id) - min(id) + 1, 0) FROM outbox) < $11 THEN true
    ELSE (SELECT count(*) FROM outbox) < $11
  END AS there
),
kept AS (
  INSERT INTO outbox (flow, purpose, ordering_key, message_id, kind, traceparent, bytes, code, sentence, detail, parking,
    created_at)
  SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, store_now() FROM room WHERE there
  ON CONFLICT DO NOTHING
)
SELECT there FROM room";

/// By flow and id, from the index that stands so. Were the flow a constant, the order of ids alone would do, and statistics
/// that met one flow only would have the rows of that one read before those of another.
const OUTBOX: &str = "
SELECT id, flow, purpose, ordering_key, message_id, kind, traceparent, bytes, code, sentence, detail
FROM outbox
WHERE flow BETWEEN $1 AND $1 AND ($3::boolean IS NULL OR (purpose = $2) = $3) AND ordering_key <> ALL($4::text[])
ORDER BY flow, id LIMIT $5";

const WAITING: &str = "
SELECT count(*), coalesce(store_now() - min(created_at), 0) FROM outbox
WHERE ($1::text IS NULL OR flow = $1) AND ($2::bigint IS NULL OR purpose = $2)";

impl Postgresql {
    pub(crate) async fn accept(&self, row: &OutboxRow, rows_max: u64) -> Result<bool, StoreError> {
        let entry = OutboxEntry::of(0, row, 0);
        let accept = sqlx::query_as(ACCEPT)
            .bind(row.flow.as_str())
            .bind(entry.purpose)
            .bind(entry.ordering_key)
            .bind(row.message_id)
            .bind(entry.kind)
            .bind(entry.traceparent)
            .bind(row.bytes.as_slice())
            .bind(entry.failure.code)
            .bind(entry.failure.sentence)
            .bind(entry.failure.detail)
            .bind(i64::try_from(rows_max).unwrap_or(i64::MAX));
        let (accepted,) = self.one("keeping an accepted message", accept).await?;
        Ok(accepted)
    }

    pub(crate) async fn outbox(
        &self,
        flow: Flow,
        dead_letters: Option<bool>,
        without: &[String],
        limit: u32,
    ) -> Result<Vec<OutboxRow>, StoreError> {
        let ask = sqlx::query_as(OUTBOX).bind(flow.as_str()).bind(purpose_code(Purpose::DeadLetter));
        let ask = ask.bind(dead_letters).bind(cleaned(without)).bind(i64::from(limit));
        let rows: Vec<OutboxColumns> = self.rows("reading the outbox", ask).await?;
        rows.into_iter().map(OutboxColumns::row).collect()
    }

    pub(crate) async fn delivered(&self, ids: &[i64]) -> Result<(), StoreError> {
        let forget = sqlx::query("DELETE FROM outbox WHERE id = ANY($1)").bind(ids);
        self.execute("forgetting what was delivered", forget).await?;
        Ok(())
    }

    pub(crate) async fn waiting(&self, flow: Option<Flow>, purpose: Option<Purpose>) -> Result<Waiting, StoreError> {
        let ask = sqlx::query_as(WAITING).bind(flow.map(Flow::as_str)).bind(purpose.map(purpose_code));
        Ok(columns::waiting(self.one("counting the outbox", ask).await?))
    }
}
