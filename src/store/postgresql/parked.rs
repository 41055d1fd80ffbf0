//! What waits: due heads, wake-ups, wishes of people, lists.

use std::ops::Range;

use uuid::Uuid;

use super::{Postgresql, column};
use crate::message::{Flow, digest};
use crate::store::StoreError;
use crate::store::asked::{Discarded, KnownName, Listed, ParkedFilter, Replayed};
use crate::store::columns::{self, ListedColumns, ParkedColumns, STRIDE, clean, cleaned, ending_code, parked_columns};
use crate::store::rows::{Ending, Ownership, Parked};

const DUE: &str = include_str!("due.sql");

/// By a name, too, a document is known as it was told last. Names of documents that are not known themselves are for people.
const KNOWN: &str = "
SELECT key, known_at FROM documents WHERE key = ANY($1::text[])
UNION ALL SELECT n.name, d.known_at FROM document_names n JOIN documents d ON d.key = n.document
WHERE n.name = ANY($1::text[])";

const AWAITED: &str = "
SELECT awaited, min(mapping_version) FROM parked
WHERE waits_for + 0 = 3 AND awaited IS NOT NULL AND due_at IS NULL AND mapping_version < $2 AND starts_with(awaited, $1)
GROUP BY awaited ORDER BY awaited LIMIT $3";

/// Locked in one order first, as where they are woken.
const PASS_OVER: &str = "
WITH passed AS MATERIALIZED (
  SELECT message_id, flow FROM parked
  WHERE waits_for IN (2, 3) AND waits_for = 3 AND awaited = ANY($1::text[]) AND mapping_version >= $2 AND mapping_version < $3
  ORDER BY message_id, flow FOR UPDATE
)
UPDATE parked p SET mapping_version = $3
WHERE p.message_id = ANY(ARRAY(SELECT message_id FROM passed)) AND p.waits_for IN (2, 3) AND p.awaited = ANY($1::text[])
  AND p.mapping_version >= $2 AND p.mapping_version < $3";

/// Locked in one order first, so that two who wake the same do not wait in a circle.
const WAKE: &str = "
WITH woken AS MATERIALIZED (
  SELECT message_id, flow, waits_for FROM parked WHERE waits_for IN (2, 3) AND awaited = ANY($1::text[])
  ORDER BY message_id, flow FOR UPDATE
), taken_up AS (
  UPDATE exceptions e SET state = 'replaying' FROM woken w
  WHERE e.message_id = ANY(ARRAY(SELECT message_id FROM woken WHERE waits_for = 3)) AND e.ending IS NULL
    AND w.message_id = e.message_id AND w.flow = e.flow || ''
)
UPDATE parked p SET due_at = store_now(), attempts = CASE p.waits_for WHEN 3 THEN 0 ELSE p.attempts END
WHERE p.message_id = ANY(ARRAY(SELECT message_id FROM woken)) AND p.waits_for IN (2, 3) AND p.awaited = ANY($1::text[])";

/// The place in front of a head is where a passing arrival would park, too.
const LET_PASS: &str = "
WITH fence AS MATERIALIZED (
  SELECT flow FROM partitions WHERE flow = $1 AND partition = $2 AND epoch = $3 AND owner IS NOT NULL FOR SHARE
),
head AS MATERIALIZED (
  SELECT p.position, p.passes FROM parked p JOIN fence ON fence.flow = p.flow
  WHERE p.lane_key = $4 ORDER BY p.position, p.message_id LIMIT 1
),
first AS MATERIALIZED (
  SELECT p.message_id, head.position - $5 + 1 AS position FROM parked p, head
  WHERE p.flow = $1 AND p.lane_key = $4 AND p.position > head.position AND p.waits_for = 0 AND p.kind = head.passes
  ORDER BY p.position, p.message_id LIMIT 1
)
UPDATE parked p SET position = first.position FROM first WHERE p.message_id = first.message_id AND p.flow || '' = $1";

const REPLAY: &str = "
WITH mine AS MATERIALIZED (
  SELECT p.flow, p.message_id, (
    SELECT h.message_id FROM parked h WHERE h.flow = p.flow AND h.lane_key = p.lane_key
    ORDER BY h.position, h.message_id LIMIT 1) AS head
  FROM parked p WHERE p.message_id = $1 ORDER BY p.first_parked_at LIMIT 1
),
replayed AS (
  UPDATE parked p
  SET attempts = 0, asked = p.asked + 1, asked_by = $2, waits_for = 0, due_at = NULL, delay = NULL, awaited = NULL,
    passes = NULL, deadline_at = NULL
  FROM mine WHERE p.message_id = mine.message_id AND p.flow || '' = mine.flow AND mine.head = p.message_id
  RETURNING p.message_id, p.flow
),
taken_up AS (
  UPDATE exceptions e SET state = 'replaying' FROM replayed r
  WHERE e.message_id = r.message_id AND e.flow = r.flow AND e.ending IS NULL
),
told AS (
  INSERT INTO exception_acts (id, message_id, flow, acted_at, acted_by, act, what)
  SELECT gen_random_uuid(), message_id, flow, store_now(), $2, 'replayed', '' FROM replayed
)
SELECT (SELECT head FROM mine), (SELECT message_id FROM replayed),
  (SELECT ending FROM inbox WHERE message_id = $1 ORDER BY flow LIMIT 1)";

/// Whoever waits for its document must see that nobody works on it any more: it is woken by the same statement, so that nobody
/// who dies leaves it asleep. All are locked in the order in which wakers lock, before anything is changed.
const DISCARD: &str = "
WITH locked AS MATERIALIZED (
  SELECT message_id, flow FROM parked WHERE message_id = ANY(ARRAY(
    SELECT $1 UNION ALL SELECT message_id FROM parked
    WHERE waits_for = 2 AND awaited = ANY(ARRAY(SELECT ordering_key FROM parked WHERE message_id = $1))))
  ORDER BY message_id, flow FOR UPDATE
),
gone AS (
  DELETE FROM parked WHERE message_id = $1 AND message_id = ANY(ARRAY(SELECT message_id FROM locked))
  RETURNING flow, ordering_key, connection, unsure
),
woken AS (
  UPDATE parked p SET due_at = store_now()
  WHERE p.message_id = ANY(ARRAY(SELECT message_id FROM locked)) AND p.message_id <> $1
    AND p.waits_for = 2 AND p.awaited = ANY(ARRAY(SELECT ordering_key FROM gone))
),
outlived AS (
  INSERT INTO effects (key, document, act, connection, message_id, facts, recorded_at)
  SELECT 'unsure/' || $1 || '/' || flow || '/parked', ordering_key, 'unsure', connection, $1, unsure, store_now()
  FROM gone WHERE unsure <> '[]' ON CONFLICT DO NOTHING
),
ended AS (
  INSERT INTO inbox (message_id, flow, ending, ended_at) SELECT $1, flow, $2, store_now() FROM gone ON CONFLICT DO NOTHING
),
closed AS (
  UPDATE exceptions e SET state = 'discarded', ending = $2, ended_at = store_now() FROM gone
  WHERE e.message_id = $1 AND e.flow = gone.flow AND e.ending IS NULL
),
acted AS (
  INSERT INTO exception_acts (id, message_id, flow, acted_at, acted_by, act, what)
  SELECT gen_random_uuid(), $1, flow, store_now(), $5, 'discarded', $6 FROM gone
),
told AS (
  INSERT INTO journey (document, at, message_id, ordinal, digest, system, what, mode)
  SELECT ordering_key, store_now(), $1, 0, $3, 'drayline', $4, 'live' FROM gone ON CONFLICT DO NOTHING
)
SELECT ARRAY(SELECT ordering_key FROM gone), (SELECT ending FROM inbox WHERE message_id = $1 ORDER BY flow LIMIT 1)";

/// Of one message by the primary key; what is not asked for does not stand there, or all that is parked would be read for one.
fn count(which: &str) -> String {
    format!(
        "SELECT count(*) FROM parked WHERE {which} AND ($2::text IS NULL OR flow = $2) AND (NOT $3 OR waits_for = 3)"
    )
}

fn list(which: &str) -> String {
    format!(
        "SELECT {columns},
  (SELECT count(*) FROM parked f WHERE f.flow = chosen.flow AND f.lane_key = chosen.lane_key
    AND (f.position, f.message_id) > (chosen.position, chosen.message_id)) AS followers,
  (SELECT h.message_id FROM parked h WHERE h.flow = chosen.flow AND h.lane_key = chosen.lane_key
    ORDER BY h.position, h.message_id LIMIT 1) AS head
FROM (
  SELECT * FROM parked
  WHERE {which} AND ($2::text IS NULL OR flow = $2) AND (NOT $3 OR waits_for = 3)
  ORDER BY first_parked_at, position LIMIT $4
) chosen
ORDER BY first_parked_at, position",
        columns = parked_columns!()
    )
}

impl Postgresql {
    pub(crate) async fn due(&self, owners: &[Ownership], limit: u32) -> Result<Vec<Parked>, StoreError> {
        let ask = sqlx::query_as(DUE)
            .bind(column(owners, |owner| owner.flow.as_str()))
            .bind(column(owners, |owner| i64::from(owner.partition)))
            .bind(column(owners, |owner| owner.epoch))
            .bind(i64::from(limit));
        let rows: Vec<ParkedColumns> = self.rows("asking what is due", ask).await?;
        rows.into_iter().map(ParkedColumns::parked).collect()
    }

    pub(crate) async fn known(&self, names: &[String]) -> Result<Vec<KnownName>, StoreError> {
        let asked = cleaned(names);
        let ask = sqlx::query_as(KNOWN).bind(&asked[..]);
        let known: Vec<(String, i64)> = self.rows("asking which documents are known", ask).await?;
        Ok(columns::as_asked(names, &asked, known))
    }

    pub(crate) async fn awaited(
        &self,
        prefix: &str,
        before: u64,
        limit: u32,
    ) -> Result<Vec<(String, i64)>, StoreError> {
        let ask = sqlx::query_as(AWAITED).bind(prefix).bind(before.cast_signed()).bind(i64::from(limit));
        Ok(self.rows("asking what is waited for", ask).await?)
    }

    pub(crate) async fn pass_over(&self, names: &[String], versions: Range<u64>) -> Result<(), StoreError> {
        let (from, to) = (versions.start.cast_signed(), versions.end.cast_signed());
        let pass = sqlx::query(PASS_OVER).bind(cleaned(names)).bind(from).bind(to);
        self.execute("passing over what still waits", pass).await.map(|_| ())
    }

    pub(crate) async fn wake(&self, names: &[String]) -> Result<u64, StoreError> {
        self.execute("waking what waits for a document", sqlx::query(WAKE).bind(&cleaned(names)[..])).await
    }

    pub(crate) async fn look_again(&self, flow: Flow, head: Uuid) -> Result<bool, StoreError> {
        let look = "UPDATE parked SET due_at = store_now() WHERE message_id = $1 AND flow || '' = $2 AND waits_for = 3";
        let looked = sqlx::query(look).bind(head).bind(flow.as_str());
        Ok(self.execute("making a head due", looked).await? > 0)
    }

    pub(crate) async fn let_pass(&self, owner: Ownership, lane_key: &str) -> Result<bool, StoreError> {
        let pass = sqlx::query(LET_PASS).bind(owner.flow.as_str()).bind(i64::from(owner.partition)).bind(owner.epoch);
        let pass = pass.bind(clean(lane_key)).bind(STRIDE);
        Ok(self.execute("letting a message pass", pass).await? > 0)
    }

    pub(crate) async fn replay(&self, message_id: Uuid, asked_by: &str) -> Result<Replayed, StoreError> {
        loop {
            let replay = sqlx::query_as(REPLAY).bind(message_id).bind(clean(asked_by));
            let (head, replayed, ending): (Option<Uuid>, Option<Uuid>, Option<i64>) =
                self.one("replaying a message", replay).await?;
            match (head, replayed) {
                (None, _) => return Ok(Replayed::NotParked(ending.map(columns::ending).transpose()?)),
                (Some(_), Some(_)) => return Ok(Replayed::Due),
                (Some(head), None) if head != message_id => return Ok(Replayed::Behind(head)),
                // It ended between the reading and the writing: asked again, its ending is seen.
                (Some(_), None) => {}
            }
        }
    }

    pub(crate) async fn discard(&self, message_id: Uuid, by: &str, reason: &str) -> Result<Discarded, StoreError> {
        let why = columns::discarded(by, reason);
        let discard = sqlx::query_as(DISCARD).bind(message_id).bind(ending_code(Ending::Discarded));
        let discard = discard.bind(digest(&[&why]).cast_signed()).bind(why).bind(clean(by)).bind(clean(reason));
        let (gone, ending): (Vec<String>, Option<i64>) = self.one("discarding a message", discard).await?;
        if gone.is_empty() {
            return Ok(Discarded::NotParked(ending.map(columns::ending).transpose()?));
        }
        // Who parked while the statement ran was not seen by it, and may have looked before its commit.
        self.wake(&gone).await?;
        Ok(Discarded::Yes)
    }

    pub(crate) async fn parked(&self, filter: &ParkedFilter) -> Result<(u64, Vec<Listed>), StoreError> {
        const DOING: &str = "listing what is parked";
        let flow = filter.flow.map(Flow::as_str);
        let which = if filter.message_id.is_some() { "message_id = $1" } else { "true" };
        let count = sqlx::query_as(sqlx::AssertSqlSafe(count(which)))
            .bind(filter.message_id)
            .bind(flow)
            .bind(filter.for_a_person);
        let (count,): (i64,) = self.one(DOING, count).await?;
        let list = sqlx::query_as(sqlx::AssertSqlSafe(list(which)))
            .bind(filter.message_id)
            .bind(flow)
            .bind(filter.for_a_person);
        let rows: Vec<ListedColumns> = self.rows(DOING, list.bind(i64::from(filter.limit))).await?;
        let listed = rows.into_iter().map(ListedColumns::listed).collect::<Result<_, _>>()?;
        Ok((count.cast_unsigned(), listed))
    }

    pub(crate) async fn parked_counts(&self) -> Result<Vec<(Flow, String, u64)>, StoreError> {
        let ask = sqlx::query_as("SELECT flow, waits_for, count(*) FROM parked GROUP BY flow, waits_for ORDER BY 1, 2");
        columns::parked_counts(self.rows("counting what is parked", ask).await?)
    }
}
