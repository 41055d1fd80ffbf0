//! Exceptions as they are remembered: opened by announcements and by a scan, closed with their message.

use super::{Postgresql, column};
use crate::store::StoreError;
use crate::store::asked::{Announcement, ExceptionScan};
use crate::store::columns::{clean, micros};

/// What is parked knows better than its announcement, which may be late.
macro_rules! open {
    ($which:literal) => {
        concat!(
            "
INSERT INTO exceptions (message_id, flow, parking, code, sentence, detail, kind, connection, document, first_seen_at,
  last_seen_at, state, fingerprint, awaited, promised_at, value, currency, priority, items)
SELECT p.message_id, p.flow, p.parkings, coalesce(p.code, ''), coalesce(p.sentence, ''), p.detail, p.kind, p.connection,
  p.ordering_key, p.last_parked_at, p.last_parked_at, CASE WHEN p.awaited IS NULL THEN 'open' ELSE 'waiting' END,
  coalesce(p.fingerprint, ''), p.awaited, d.promised_at, d.value, d.currency,
  coalesce(d.promised_at, p.first_parked_at + $1) - CASE WHEN d.value IS NULL THEN 0
    ELSE CAST(least($3, CAST(d.value AS double precision) / 1000 * $2) AS bigint) END, p.items
FROM parked p LEFT JOIN progress d ON d.document = p.ordering_key
WHERE p.waits_for = 3 AND ",
            $which,
            " AND NOT EXISTS (
    SELECT FROM exceptions e WHERE e.message_id = p.message_id AND e.flow = p.flow AND e.parking >= p.parkings)
ORDER BY p.message_id, p.flow LIMIT $5
ON CONFLICT (message_id, flow) DO UPDATE
SET parking = excluded.parking, code = excluded.code, sentence = excluded.sentence, detail = excluded.detail,
  last_seen_at = excluded.last_seen_at, fingerprint = excluded.fingerprint, awaited = excluded.awaited,
  promised_at = excluded.promised_at, value = excluded.value, currency = excluded.currency, priority = excluded.priority,
  items = excluded.items, version = exceptions.version + 1,
  state = CASE WHEN exceptions.state = 'investigating' THEN 'investigating' ELSE excluded.state END,
  reopened = exceptions.reopened + CASE WHEN exceptions.ending IS NULL THEN 0 ELSE 1 END, ending = NULL, ended_at = NULL
WHERE exceptions.parking < excluded.parking"
        )
    };
}

const OPEN_THESE: &str = open!("p.message_id = ANY($4)");
const OPEN_LATEST: &str = open!("p.waits_for + 0 = 3 AND p.last_parked_at > store_now() - $4");
const OPEN_ALL: &str = open!("$4 = 0");

/// Its message has left already: that it was an exception is remembered nevertheless, with how it ended.
const REMEMBER: &str = "
INSERT INTO exceptions (message_id, flow, parking, code, sentence, detail, kind, connection, document, first_seen_at,
  last_seen_at, ending, ended_at, state)
SELECT DISTINCT ON (a.message_id, a.flow) a.message_id, a.flow, 1, a.code, a.sentence, a.detail, a.kind, a.connection,
  a.document, store_now(), store_now(), i.ending, i.ended_at,
  CASE WHEN i.ending IS NULL THEN 'open' WHEN i.ending = 3 THEN 'discarded' ELSE 'resolved' END
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
  AS a (message_id, flow, code, sentence, detail, kind, connection, document)
LEFT JOIN inbox i ON i.message_id = a.message_id AND i.flow = a.flow
ORDER BY a.message_id, a.flow
ON CONFLICT DO NOTHING";

/// What the commit of an ending could not close, because the exception was opened later.
const CLOSE: &str = "
UPDATE exceptions e SET ending = i.ending, ended_at = i.ended_at,
  state = CASE i.ending WHEN 3 THEN 'discarded' ELSE 'resolved' END
FROM inbox i
WHERE e.ending IS NULL AND i.message_id = e.message_id AND i.flow = e.flow
  AND NOT EXISTS (SELECT FROM parked p WHERE p.message_id = e.message_id AND p.flow = e.flow)";

impl Postgresql {
    pub(crate) async fn announce(&self, announcements: &[Announcement]) -> Result<(), StoreError> {
        let ids = column(announcements, |each| each.message_id);
        let (unpromised, thousand, value_max) = self.priorities.bound();
        let open = sqlx::query(OPEN_THESE).bind(unpromised).bind(thousand).bind(value_max);
        self.execute("opening exceptions", open.bind(ids.clone()).bind(i64::MAX)).await?;
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
        let (unpromised, thousand, value_max) = self.priorities.bound();
        let open = sqlx::query(OPEN_ALL).bind(unpromised).bind(thousand).bind(value_max);
        let found = self.execute("looking for exceptions", open.bind(0_i64).bind(i64::from(limit))).await?;
        let closed = self.execute("closing exceptions", sqlx::query(CLOSE)).await?;
        Ok(ExceptionScan { found, closed })
    }

    /// Opens what was parked lately and is not announced yet, so that no list misses it.
    pub(super) async fn open_latest(&self) -> Result<(), StoreError> {
        let (unpromised, thousand, value_max) = self.priorities.bound();
        let open = sqlx::query(OPEN_LATEST).bind(unpromised).bind(thousand).bind(value_max);
        self.execute("opening exceptions", open.bind(micros(self.lately)).bind(i64::MAX)).await?;
        Ok(())
    }
}
