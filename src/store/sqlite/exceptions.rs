//! Exceptions as they are remembered: opened by announcements and by a scan, closed when their message has ended.

use super::{Sqlite, fault, now};
use crate::store::StoreError;
use crate::store::asked::{Announcement, ExceptionScan};
use crate::store::columns::{clean, micros};

/// What is parked knows better than its announcement, which may be late.
macro_rules! open {
    ($which:expr) => {
        concat!(
            "
INSERT INTO exceptions (message_id, flow, parking, code, sentence, detail, kind, connection, document, first_seen_at,
  last_seen_at, state, fingerprint, awaited, promised_at, value, currency, priority, items)
SELECT p.message_id, p.flow, p.parkings, coalesce(p.code, ''), coalesce(p.sentence, ''), p.detail, p.kind, p.connection,
  p.ordering_key, p.last_parked_at, p.last_parked_at, iif(p.awaited IS NULL, 'open', 'waiting'), coalesce(p.fingerprint, ''), p.awaited,
  d.promised_at, d.value, d.currency, coalesce(d.promised_at, p.first_parked_at + $1)
    - iif(d.value IS NULL, 0, min($3, CAST(CAST(d.value AS REAL) / 1000 * $2 AS INTEGER))), p.items
FROM parked p LEFT JOIN progress d ON d.document = p.ordering_key
WHERE p.waits_for = 3 AND ",
            $which,
            " AND NOT EXISTS (
    SELECT 1 FROM exceptions e WHERE e.message_id = p.message_id AND e.flow = p.flow AND e.parking >= p.parkings)
ORDER BY p.message_id, p.flow LIMIT $5
ON CONFLICT (message_id, flow) DO UPDATE
SET parking = excluded.parking, code = excluded.code, sentence = excluded.sentence, detail = excluded.detail,
  last_seen_at = excluded.last_seen_at, fingerprint = excluded.fingerprint, awaited = excluded.awaited,
  promised_at = excluded.promised_at, value = excluded.value, currency = excluded.currency, priority = excluded.priority,
  items = excluded.items, version = exceptions.version + 1,
  state = iif(state = 'investigating', state, excluded.state), reopened = reopened + (ending IS NOT NULL),
  ending = NULL, ended_at = NULL
WHERE exceptions.parking < excluded.parking"
        )
    };
}

const OPEN_THIS: &str = open!("p.message_id = $4");
const OPEN_LATEST: &str = open!(concat!("p.last_parked_at > ", now!(), " - $4"));
const OPEN_ALL: &str = open!("$4 = 0");

/// Its message has left already: that it was an exception is remembered nevertheless, with how it ended.
const REMEMBER: &str = concat!(
    "
INSERT INTO exceptions (message_id, flow, parking, code, sentence, detail, kind, connection, document, first_seen_at,
  last_seen_at, ending, ended_at, state)
SELECT $1, $2, 1, $3, $4, $5, $6, $7, $8, now.at, now.at, i.ending, i.ended_at,
  CASE WHEN i.ending IS NULL THEN 'open' WHEN i.ending = 3 THEN 'discarded' ELSE 'resolved' END
FROM (SELECT ",
    now!(),
    " AS at) now LEFT JOIN inbox i ON i.message_id = $1 AND i.flow = $2
WHERE true ON CONFLICT DO NOTHING"
);

/// What the commit of an ending could not close, because the exception was opened later.
const CLOSE: &str = "
UPDATE exceptions SET ending = i.ending, ended_at = i.ended_at, state = iif(i.ending = 3, 'discarded', 'resolved')
FROM inbox i
WHERE exceptions.ending IS NULL AND i.message_id = exceptions.message_id AND i.flow = exceptions.flow
  AND NOT EXISTS (SELECT 1 FROM parked p WHERE p.message_id = exceptions.message_id AND p.flow = exceptions.flow)";

impl Sqlite {
    pub(crate) async fn announce(&self, announcements: &[Announcement]) -> Result<(), StoreError> {
        let announced = self.remember(announcements).await;
        Ok(announced.map_err(|error| fault::sort("opening exceptions", error))?)
    }

    async fn remember(&self, announcements: &[Announcement]) -> Result<(), sqlx::Error> {
        let (unpromised, thousand, value_max) = self.priorities.bound();
        let mut transaction = self.begin().await?;
        for each in announcements {
            let open = sqlx::query(OPEN_THIS).bind(unpromised).bind(thousand).bind(value_max);
            open.bind(each.message_id).bind(i64::MAX).execute(&mut *transaction).await?;
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
