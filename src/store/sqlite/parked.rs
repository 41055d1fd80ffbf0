//! What waits: due heads, wake-ups, wishes of people, lists.

use std::ops::Range;

use uuid::Uuid;

use super::record::is_owned;
use super::{Sqlite, fault, now, set, texts};
use crate::message::{Flow, digest};
use crate::store::StoreError;
use crate::store::asked::{Discarded, KnownName, Listed, ParkedFilter, Replayed};
use crate::store::columns::{self, ListedColumns, ParkedColumns, STRIDE, clean, cleaned, ending_code, parked_columns};
use crate::store::rows::{Ending, Ownership, Parked};

const DUE: &str = include_str!("due.sql");

/// By a name, too, a document is known as it was told last. Names of documents that are not known themselves are for people.
const KNOWN: &str = "
SELECT key, known_at FROM documents WHERE key IN (SELECT value FROM json_each($1))
UNION ALL SELECT n.name, d.known_at FROM document_names n JOIN documents d ON d.key = n.document
WHERE n.name IN (SELECT value FROM json_each($1))";

const WAKE: &str = concat!(
    "UPDATE parked SET due_at = ",
    now!(),
    ", attempts = iif(waits_for = 3, 0, attempts) WHERE waits_for IN (2, 3) AND awaited IN (SELECT value FROM json_each($1))"
);

const AWAITED: &str = "
SELECT awaited, min(mapping_version) FROM parked INDEXED BY parked_planned
WHERE waits_for = 3 AND awaited IS NOT NULL AND due_at IS NULL AND mapping_version < $2
  AND substr(awaited, 1, length($1)) = $1
GROUP BY awaited ORDER BY awaited LIMIT $3";

const PASS_OVER: &str = "
UPDATE parked SET mapping_version = $3
WHERE waits_for = 3 AND awaited IN (SELECT value FROM json_each($1)) AND mapping_version >= $2 AND mapping_version < $3";

const TAKE_UP: &str = "
UPDATE exceptions SET state = 'replaying'
WHERE ending IS NULL AND (message_id, flow) IN (
  SELECT message_id, flow FROM parked WHERE waits_for = 3 AND awaited IN (SELECT value FROM json_each($1)))";

pub(super) const TAKEN_UP: &str =
    "UPDATE exceptions SET state = 'replaying' WHERE message_id = $1 AND flow = $2 AND ending IS NULL";

pub(super) const ACTED: &str = concat!(
    "INSERT INTO exception_acts (id, message_id, flow, acted_at, acted_by, act, what)
SELECT $2, message_id, flow, ",
    now!(),
    ", $3, $4, $5 FROM parked WHERE message_id = $1"
);

const CLOSE: &str = concat!(
    "UPDATE exceptions SET state = 'discarded', ending = $2, ended_at = ",
    now!(),
    " WHERE message_id = $1 AND ending IS NULL AND flow IN (SELECT flow FROM parked WHERE message_id = $1)"
);

/// Whoever waits for the document of a message that is discarded must see that nobody works on it any more.
const WAKE_ITS_WAITERS: &str = concat!(
    "UPDATE parked SET due_at = ",
    now!(),
    " WHERE waits_for = 2 AND awaited IN (SELECT ordering_key FROM parked WHERE message_id = $1)"
);

const LOOK_AGAIN: &str =
    concat!("UPDATE parked SET due_at = ", now!(), " WHERE message_id = $1 AND flow = $2 AND waits_for = 3");

/// The place in front of a head is where a passing arrival would park, too.
const LET_PASS: &str = "
WITH head AS MATERIALIZED (
  SELECT position, passes FROM parked WHERE flow = $1 AND lane_key = $2 ORDER BY position, message_id LIMIT 1
)
UPDATE parked SET position = (SELECT position FROM head) - $3 + 1
WHERE flow = $1 AND message_id = (
  SELECT p.message_id FROM parked p, head
  WHERE p.flow = $1 AND p.lane_key = $2 AND p.position > head.position AND p.waits_for = 0 AND p.kind = head.passes
  ORDER BY p.position, p.message_id LIMIT 1)";

const HEAD: &str = "
SELECT p.flow, (
  SELECT h.message_id FROM parked h WHERE h.flow = p.flow AND h.lane_key = p.lane_key
  ORDER BY h.position, h.message_id LIMIT 1)
FROM parked p WHERE p.message_id = $1 ORDER BY p.first_parked_at LIMIT 1";

const REPLAY: &str = "
UPDATE parked
SET attempts = 0, asked = asked + 1, asked_by = $3, waits_for = 0, due_at = NULL, delay = NULL, awaited = NULL, passes = NULL,
  deadline_at = NULL
WHERE message_id = $1 AND flow = $2";

const END: &str = concat!(
    "INSERT INTO inbox (message_id, flow, ending, ended_at) SELECT message_id, flow, $2, ",
    now!(),
    " FROM parked WHERE message_id = $1 ON CONFLICT DO NOTHING"
);

pub(super) const TELL: &str = concat!(
    "INSERT INTO journey (document, at, message_id, ordinal, digest, system, what, mode)
SELECT ordering_key, ",
    now!(),
    ", message_id, 0, $2, 'drayline', $3, 'live' FROM parked WHERE message_id = $1 ON CONFLICT DO NOTHING"
);

const OUTLIVED: &str = concat!(
    "INSERT INTO effects (key, document, act, connection, message_id, facts, recorded_at)
SELECT 'unsure/' || lower(hex(message_id)) || '/' || flow || '/parked', ordering_key, 'unsure', connection, message_id, unsure, ",
    now!(),
    " FROM parked WHERE message_id = $1 AND unsure <> '[]' ON CONFLICT DO NOTHING"
);

const COUNT: &str = "
SELECT count(*) FROM parked
WHERE ($1 IS NULL OR message_id = $1) AND ($2 IS NULL OR flow = $2) AND (NOT $3 OR waits_for = 3)";

const LIST: &str = concat!(
    "SELECT ",
    parked_columns!(),
    ",
  (SELECT count(*) FROM parked f WHERE f.flow = chosen.flow AND f.lane_key = chosen.lane_key
    AND (f.position, f.message_id) > (chosen.position, chosen.message_id)) AS followers,
  (SELECT h.message_id FROM parked h WHERE h.flow = chosen.flow AND h.lane_key = chosen.lane_key
    ORDER BY h.position, h.message_id LIMIT 1) AS head
FROM (
  SELECT * FROM parked
  WHERE ($1 IS NULL OR message_id = $1) AND ($2 IS NULL OR flow = $2) AND (NOT $3 OR waits_for = 3)
  ORDER BY first_parked_at, position LIMIT $4
) chosen
ORDER BY first_parked_at, position"
);

impl Sqlite {
    pub(crate) async fn due(&self, owners: &[Ownership], limit: u32) -> Result<Vec<Parked>, StoreError> {
        let owners = set(owners
            .iter()
            .map(|owner| vec![owner.flow.as_str().into(), owner.partition.into(), owner.epoch.into()]));
        let ask = sqlx::query_as(DUE).bind(owners).bind(i64::from(limit));
        let rows: Vec<ParkedColumns> = self.rows("asking what is due", ask).await?;
        rows.into_iter().map(ParkedColumns::parked).collect()
    }

    pub(crate) async fn known(&self, names: &[String]) -> Result<Vec<KnownName>, StoreError> {
        let asked = cleaned(names);
        let known = self.rows("asking which documents are known", sqlx::query_as(KNOWN).bind(texts(&asked))).await?;
        Ok(columns::as_asked(names, &asked, known))
    }

    pub(crate) async fn awaited(
        &self,
        prefix: &str,
        before: u64,
        limit: u32,
    ) -> Result<Vec<(String, i64)>, StoreError> {
        let ask = sqlx::query_as(AWAITED).bind(prefix).bind(before.cast_signed()).bind(i64::from(limit));
        self.rows("asking what is waited for", ask).await
    }

    pub(crate) async fn pass_over(&self, names: &[String], versions: Range<u64>) -> Result<(), StoreError> {
        let (from, to) = (versions.start.cast_signed(), versions.end.cast_signed());
        let pass = sqlx::query(PASS_OVER).bind(texts(&cleaned(names))).bind(from).bind(to);
        self.execute("passing over what still waits", pass).await.map(|_| ())
    }

    pub(crate) async fn wake(&self, names: &[String]) -> Result<u64, StoreError> {
        let woken = self.try_wake(texts(&cleaned(names))).await;
        Ok(woken.map_err(|error| fault::sort("waking what waits for a document", error))?)
    }

    async fn try_wake(&self, names: String) -> Result<u64, sqlx::Error> {
        let mut transaction = self.begin().await?;
        sqlx::query(TAKE_UP).bind(&names).execute(&mut *transaction).await?;
        let woken = sqlx::query(WAKE).bind(&names).execute(&mut *transaction).await?.rows_affected();
        transaction.commit().await?;
        Ok(woken)
    }

    pub(crate) async fn look_again(&self, flow: Flow, head: Uuid) -> Result<bool, StoreError> {
        let looked = sqlx::query(LOOK_AGAIN).bind(head).bind(flow.as_str());
        Ok(self.execute("making a head due", looked).await? > 0)
    }

    pub(crate) async fn let_pass(&self, owner: Ownership, lane_key: &str) -> Result<bool, StoreError> {
        let passed = self.try_let_pass(owner, &clean(lane_key)).await;
        Ok(passed.map_err(|error| fault::sort("letting a message pass", error))?)
    }

    async fn try_let_pass(&self, owner: Ownership, lane_key: &str) -> Result<bool, sqlx::Error> {
        let mut transaction = self.begin().await?;
        if !is_owned(&mut transaction, owner).await? {
            return Ok(false);
        }
        let pass = sqlx::query(LET_PASS).bind(owner.flow.as_str()).bind(lane_key).bind(STRIDE);
        let passed = pass.execute(&mut *transaction).await?.rows_affected() > 0;
        transaction.commit().await?;
        Ok(passed)
    }

    pub(crate) async fn replay(&self, message_id: Uuid, asked_by: &str) -> Result<Replayed, StoreError> {
        let (replayed, ending) =
            self.try_replay(message_id, asked_by).await.map_err(|error| fault::sort("replaying a message", error))?;
        match replayed {
            Some(replayed) => Ok(replayed),
            None => Ok(Replayed::NotParked(ending.map(columns::ending).transpose()?)),
        }
    }

    /// What became of it; if it is not parked, how it ended.
    async fn try_replay(
        &self,
        message_id: Uuid,
        asked_by: &str,
    ) -> Result<(Option<Replayed>, Option<i64>), sqlx::Error> {
        let mut transaction = self.begin().await?;
        let head: Option<(String, Uuid)> =
            sqlx::query_as(HEAD).bind(message_id).fetch_optional(&mut *transaction).await?;
        match head {
            Some((flow, head)) if head == message_id => {
                let by = clean(asked_by);
                let replay = sqlx::query(REPLAY).bind(message_id).bind(&flow).bind(by.as_ref());
                replay.execute(&mut *transaction).await?;
                sqlx::query(TAKEN_UP).bind(message_id).bind(&flow).execute(&mut *transaction).await?;
                let acted = sqlx::query(ACTED).bind(message_id).bind(self.clock.identifier()).bind(by.as_ref());
                acted.bind("replayed").bind("").execute(&mut *transaction).await?;
                transaction.commit().await?;
                Ok((Some(Replayed::Due), None))
            }
            Some((_, head)) => Ok((Some(Replayed::Behind(head)), None)),
            None => {
                let ask = sqlx::query_as("SELECT ending FROM inbox WHERE message_id = $1 ORDER BY flow LIMIT 1");
                let ending: Option<(i64,)> = ask.bind(message_id).fetch_optional(&mut *transaction).await?;
                Ok((None, ending.map(|(ending,)| ending)))
            }
        }
    }

    pub(crate) async fn discard(&self, message_id: Uuid, by: &str, reason: &str) -> Result<Discarded, StoreError> {
        let discarded = self.try_discard(message_id, &clean(by), &clean(reason)).await;
        match discarded.map_err(|error| fault::sort("discarding a message", error))? {
            (true, _) => Ok(Discarded::Yes),
            (false, ending) => Ok(Discarded::NotParked(ending.map(columns::ending).transpose()?)),
        }
    }

    async fn try_discard(&self, message_id: Uuid, by: &str, reason: &str) -> Result<(bool, Option<i64>), sqlx::Error> {
        let why = columns::discarded(by, reason);
        let mut transaction = self.begin().await?;
        let close = sqlx::query(CLOSE).bind(message_id).bind(ending_code(Ending::Discarded));
        close.execute(&mut *transaction).await?;
        let acted = sqlx::query(ACTED).bind(message_id).bind(self.clock.identifier()).bind(by);
        acted.bind("discarded").bind(reason).execute(&mut *transaction).await?;
        let end = sqlx::query(END).bind(message_id).bind(ending_code(Ending::Discarded));
        end.execute(&mut *transaction).await?;
        let tell = sqlx::query(TELL).bind(message_id).bind(digest(&[&why]).cast_signed()).bind(&why);
        tell.execute(&mut *transaction).await?;
        sqlx::query(OUTLIVED).bind(message_id).execute(&mut *transaction).await?;
        sqlx::query(WAKE_ITS_WAITERS).bind(message_id).execute(&mut *transaction).await?;
        let unpark = sqlx::query("DELETE FROM parked WHERE message_id = $1").bind(message_id);
        let gone = unpark.execute(&mut *transaction).await?.rows_affected() > 0;
        let ask = sqlx::query_as("SELECT ending FROM inbox WHERE message_id = $1 ORDER BY flow LIMIT 1");
        let ending: Option<(i64,)> = ask.bind(message_id).fetch_optional(&mut *transaction).await?;
        transaction.commit().await?;
        Ok((gone, ending.map(|(ending,)| ending)))
    }

    pub(crate) async fn parked(&self, filter: &ParkedFilter) -> Result<(u64, Vec<Listed>), StoreError> {
        const DOING: &str = "listing what is parked";
        let flow = filter.flow.map(Flow::as_str);
        let count = sqlx::query_as(COUNT).bind(filter.message_id).bind(flow).bind(filter.for_a_person);
        let (count,): (i64,) = self.one(DOING, count).await?;
        let list = sqlx::query_as(LIST).bind(filter.message_id).bind(flow).bind(filter.for_a_person);
        let rows: Vec<ListedColumns> = self.rows(DOING, list.bind(i64::from(filter.limit))).await?;
        let listed = rows.into_iter().map(ListedColumns::listed).collect::<Result<_, _>>()?;
        Ok((count.cast_unsigned(), listed))
    }

    pub(crate) async fn parked_counts(&self) -> Result<Vec<(Flow, String, u64)>, StoreError> {
        let ask = sqlx::query_as("SELECT flow, waits_for, count(*) FROM parked GROUP BY flow, waits_for ORDER BY 1, 2");
        columns::parked_counts(self.rows("counting what is parked", ask).await?)
    }
}
