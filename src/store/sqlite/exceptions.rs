//! Exceptions as they are remembered: opened by announcements and by a scan, closed when their message has ended.

use uuid::Uuid;

use super::{Sqlite, fault, now};
use crate::store::StoreError;
use crate::store::asked::{Announcement, ExceptionScan, StoredException};
use crate::store::columns::{ExceptionColumns, clean};

/// What is parked knows better than its announcement, which may be late. Only this one ($1), or all.
const OPEN: &str = concat!(
    "
INSERT INTO exceptions (message_id, flow, parking, code, sentence, detail, kind, connection, document, first_seen_at, last_seen_at)
SELECT p.message_id, p.flow, p.parkings, coalesce(p.code, ''), coalesce(p.sentence, ''), p.detail, p.kind, p.connection,
  p.ordering_key, ",
    now!(),
    ", p.last_parked_at
FROM parked p
WHERE p.waits_for = 3 AND ($1 IS NULL OR p.message_id = $1)
  AND NOT EXISTS (
    SELECT 1 FROM exceptions e WHERE e.message_id = p.message_id AND e.flow = p.flow AND e.parking >= p.parkings)
ORDER BY p.message_id, p.flow LIMIT $2
ON CONFLICT (message_id, flow) DO UPDATE
SET parking = excluded.parking, code = excluded.code, sentence = excluded.sentence, detail = excluded.detail,
    last_seen_at = excluded.last_seen_at, ending = NULL, ended_at = NULL
WHERE exceptions.parking < excluded.parking"
);

/// Its message has left already: that it was an exception is remembered nevertheless.
const REMEMBER: &str = concat!(
    "
INSERT INTO exceptions (message_id, flow, parking, code, sentence, detail, kind, connection, document, first_seen_at, last_seen_at)
VALUES ($1, $2, 1, $3, $4, $5, $6, $7, $8, ",
    now!(),
    ", ",
    now!(),
    ") ON CONFLICT DO NOTHING"
);

const CLOSE: &str = "
UPDATE exceptions SET ending = i.ending, ended_at = i.ended_at
FROM inbox i
WHERE exceptions.ending IS NULL AND i.message_id = exceptions.message_id AND i.flow = exceptions.flow";

/// Its ending is that of its message, also before a scan has closed it.
const ONE: &str = "
SELECT e.message_id, e.flow, e.code, e.sentence, e.detail, e.kind, e.connection, e.document, e.first_seen_at, e.last_seen_at,
  coalesce(e.ending, i.ending) AS ending, coalesce(e.ended_at, i.ended_at) AS ended_at
FROM exceptions e LEFT JOIN inbox i ON i.message_id = e.message_id AND i.flow = e.flow
WHERE e.message_id = $1 ORDER BY e.last_seen_at DESC LIMIT 1";

impl Sqlite {
    pub(crate) async fn announce(&self, announcements: &[Announcement]) -> Result<(), StoreError> {
        let announced = self.remember(announcements).await;
        Ok(announced.map_err(|error| fault::sort("opening exceptions", error))?)
    }

    async fn remember(&self, announcements: &[Announcement]) -> Result<(), sqlx::Error> {
        let mut transaction = self.begin().await?;
        for each in announcements {
            sqlx::query(OPEN).bind(Some(each.message_id)).bind(i64::MAX).execute(&mut *transaction).await?;
            sqlx::query(REMEMBER)
                .bind(each.message_id)
                .bind(each.flow.as_str())
                .bind(clean(&each.failure.code))
                .bind(clean(&each.failure.sentence))
                .bind(each.failure.detail.as_deref().map(clean))
                .bind(clean(&each.kind))
                .bind(clean(&each.connection))
                .bind(clean(&each.document))
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await
    }

    pub(crate) async fn scan_exceptions(&self, limit: u32) -> Result<ExceptionScan, StoreError> {
        let open = sqlx::query(OPEN).bind(None::<Uuid>).bind(i64::from(limit));
        let found = self.execute("looking for exceptions", open).await?;
        let closed = self.execute("closing exceptions", sqlx::query(CLOSE)).await?;
        Ok(ExceptionScan { found, closed })
    }

    pub(crate) async fn exception(&self, message_id: Uuid) -> Result<Option<StoredException>, StoreError> {
        let rows: Vec<ExceptionColumns> =
            self.rows("reading an exception", sqlx::query_as(ONE).bind(message_id)).await?;
        rows.into_iter().next().map(ExceptionColumns::stored).transpose()
    }
}
