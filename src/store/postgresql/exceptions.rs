//! Exceptions as they are remembered: opened by announcements and by a scan, closed when their message has ended.

use uuid::Uuid;

use super::{Postgresql, column};
use crate::store::StoreError;
use crate::store::asked::{Announcement, ExceptionScan, StoredException};
use crate::store::columns::{ExceptionColumns, clean};

/// What is parked knows better than its announcement, which may be late. Only these ($1), or all.
const OPEN: &str = "
INSERT INTO exceptions (message_id, flow, parking, code, sentence, detail, kind, connection, document, first_seen_at, last_seen_at)
SELECT p.message_id, p.flow, p.parkings, coalesce(p.code, ''), coalesce(p.sentence, ''), p.detail, p.kind, p.connection,
  p.ordering_key, store_now(), p.last_parked_at
FROM parked p
WHERE p.waits_for = 3 AND ($1::uuid[] IS NULL OR p.message_id = ANY($1))
  AND NOT EXISTS (
    SELECT FROM exceptions e WHERE e.message_id = p.message_id AND e.flow = p.flow AND e.parking >= p.parkings)
ORDER BY p.message_id, p.flow LIMIT $2
ON CONFLICT (message_id, flow) DO UPDATE
SET parking = excluded.parking, code = excluded.code, sentence = excluded.sentence, detail = excluded.detail,
    last_seen_at = excluded.last_seen_at, ending = NULL, ended_at = NULL
WHERE exceptions.parking < excluded.parking";

/// Its message has left already: that it was an exception is remembered nevertheless.
const REMEMBER: &str = "
INSERT INTO exceptions (message_id, flow, parking, code, sentence, detail, kind, connection, document, first_seen_at, last_seen_at)
SELECT DISTINCT ON (message_id, flow) message_id, flow, 1, code, sentence, detail, kind, connection, document,
  store_now(), store_now()
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
  AS a (message_id, flow, code, sentence, detail, kind, connection, document)
ORDER BY message_id, flow
ON CONFLICT DO NOTHING";

const CLOSE: &str = "
UPDATE exceptions e SET ending = i.ending, ended_at = i.ended_at
FROM inbox i
WHERE e.ending IS NULL AND i.message_id = e.message_id AND i.flow = e.flow";

/// Its ending is that of its message, also before a scan has closed it.
const ONE: &str = "
SELECT e.message_id, e.flow, e.code, e.sentence, e.detail, e.kind, e.connection, e.document, e.first_seen_at, e.last_seen_at,
  coalesce(e.ending, i.ending) AS ending, coalesce(e.ended_at, i.ended_at) AS ended_at
FROM exceptions e LEFT JOIN inbox i ON i.message_id = e.message_id AND i.flow = e.flow
WHERE e.message_id = $1 ORDER BY e.last_seen_at DESC LIMIT 1";

impl Postgresql {
    pub(crate) async fn announce(&self, announcements: &[Announcement]) -> Result<(), StoreError> {
        let ids = column(announcements, |each| each.message_id);
        let open = sqlx::query(OPEN).bind(Some(ids.clone())).bind(i64::MAX);
        self.execute("opening exceptions", open).await?;
        let remember = sqlx::query(REMEMBER)
            .bind(ids)
            .bind(column(announcements, |each| each.flow.as_str()))
            .bind(column(announcements, |each| clean(&each.failure.code)))
            .bind(column(announcements, |each| clean(&each.failure.sentence)))
            .bind(column(announcements, |each| each.failure.detail.as_deref().map(clean)))
            .bind(column(announcements, |each| clean(&each.kind)))
            .bind(column(announcements, |each| clean(&each.connection)))
            .bind(column(announcements, |each| clean(&each.document)));
        self.execute("remembering exceptions", remember).await?;
        Ok(())
    }

    pub(crate) async fn scan_exceptions(&self, limit: u32) -> Result<ExceptionScan, StoreError> {
        let open = sqlx::query(OPEN).bind(None::<Vec<Uuid>>).bind(i64::from(limit));
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
