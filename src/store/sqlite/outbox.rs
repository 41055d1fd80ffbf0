//! What is to be sent.

use super::{Sqlite, fault, now, record, texts};
use crate::message::Flow;
use crate::store::StoreError;
use crate::store::batch::OutboxEntry;
use crate::store::columns::{self, OutboxColumns, cleaned, purpose_code};
use crate::store::rows::{OutboxRow, Purpose, Waiting};

/// Ids are given without many gaps, so their span bounds the rows from above; only near the limit are they counted.
const ROOM: &str = "
SELECT CASE
  WHEN (SELECT coalesce(max(id), 0) FROM outbox) - (SELECT coalesce(min(id), 1) FROM outbox) + 1 < $1 THEN 1
  ELSE (SELECT count(*) FROM outbox) < $1
END";

const OUTBOX: &str = "
SELECT id, flow, purpose, ordering_key, message_id, kind, traceparent, bytes, code, sentence, detail
FROM outbox
WHERE flow = $1 AND ($3 IS NULL OR (purpose = $2) = $3) AND ordering_key NOT IN (SELECT value FROM json_each($4))
ORDER BY id LIMIT $5";

const WAITING: &str = concat!(
    "SELECT count(*), coalesce(",
    now!(),
    " - min(created_at), 0) FROM outbox WHERE ($1 IS NULL OR flow = $1) AND ($2 IS NULL OR purpose = $2)"
);

impl Sqlite {
    pub(crate) async fn accept(&self, row: &OutboxRow, rows_max: u64) -> Result<bool, StoreError> {
        let accepted = self.keep_accepted(&OutboxEntry::of(0, row, 0), rows_max).await;
        Ok(accepted.map_err(|error| fault::sort("keeping an accepted message", error))?)
    }

    async fn keep_accepted(&self, entry: &OutboxEntry<'_>, rows_max: u64) -> Result<bool, sqlx::Error> {
        let mut transaction = self.begin().await?;
        let room = sqlx::query_as(ROOM).bind(i64::try_from(rows_max).unwrap_or(i64::MAX));
        let (room,): (bool,) = room.fetch_one(&mut *transaction).await?;
        if room {
            record::send(&mut transaction, entry).await?;
            transaction.commit().await?;
        }
        Ok(room)
    }

    pub(crate) async fn outbox(
        &self,
        flow: Flow,
        dead_letters: Option<bool>,
        without: &[String],
        limit: u32,
    ) -> Result<Vec<OutboxRow>, StoreError> {
        let ask = sqlx::query_as(OUTBOX).bind(flow.as_str()).bind(purpose_code(Purpose::DeadLetter));
        let ask = ask.bind(dead_letters).bind(texts(&cleaned(without))).bind(i64::from(limit));
        let rows: Vec<OutboxColumns> = self.rows("reading the outbox", ask).await?;
        rows.into_iter().map(OutboxColumns::row).collect()
    }

    pub(crate) async fn delivered(&self, ids: &[i64]) -> Result<(), StoreError> {
        let ids = serde_json::Value::from(ids).to_string();
        let forget = sqlx::query("DELETE FROM outbox WHERE id IN (SELECT value FROM json_each($1))").bind(ids);
        self.execute("forgetting what was delivered", forget).await?;
        Ok(())
    }

    pub(crate) async fn waiting(&self, flow: Option<Flow>, purpose: Option<Purpose>) -> Result<Waiting, StoreError> {
        let ask = sqlx::query_as(WAITING).bind(flow.map(Flow::as_str)).bind(purpose.map(purpose_code));
        Ok(columns::waiting(self.one("counting the outbox", ask).await?))
    }
}
