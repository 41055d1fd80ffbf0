//! What attempts leave behind: one transaction. The same rows as in PostgreSQL's one statement, table by table.

use sqlx::SqliteConnection;

use super::{Sqlite, fault, now};
use crate::store::StoreError;
use crate::store::batch::{AT, BEHIND, Batch, IN_FRONT, OutboxEntry, ParkedRow};
use crate::store::columns::STRIDE;
use crate::store::parts::Parts;
use crate::store::rows::{Ownership, Record, Written};

const DOING: &str = "recording what attempts left behind";

const END: &str = concat!(
    "INSERT INTO inbox (message_id, flow, ending, kept, ended_at) VALUES ($1, $2, $3, $4, ",
    now!(),
    ") ON CONFLICT DO NOTHING"
);

const KEPT: &str =
    concat!("INSERT INTO kept_messages (id, bytes, kept_at) VALUES ($1, $2, ", now!(), ") ON CONFLICT DO NOTHING");

const UNPARK: &str = "DELETE FROM parked WHERE message_id = $1 AND flow = $2 RETURNING parkings";

/// An exception ends with its message.
const CLOSE: &str = concat!(
    "UPDATE exceptions SET state = iif($3 = 3, 'discarded', 'resolved'), ending = $3, ended_at = ",
    now!(),
    " WHERE message_id = $1 AND flow = $2 AND ending IS NULL"
);

/// Of what never was an exception no attempts are kept.
const FORGET: &str = "DELETE FROM attempts WHERE message_id = $1 AND flow = $2";

const FAILED: &str = concat!(
    "INSERT INTO attempts (id, message_id, flow, failed_at, code, sentence, detail, exchanges)
VALUES ($1, $2, $3, ",
    now!(),
    ", $4, $5, $6, $7) ON CONFLICT DO NOTHING"
);

/// What ended is never parked again; what was asked for since the attempt began stays due. A deadline
/// cuts the wait for a document short; who waits for a time waits for it, whatever deadline he has for later.
const PARK: &str = concat!(
    "INSERT INTO parked (message_id, flow, partition, lane_key, ordering_key, kind, connection, bytes, position,
  waits_for, due_at, delay, awaited, passes, attempts, parkings, revision, code, sentence, detail, unsure, deadline_at,
  asked_by, asked, first_parked_at, last_parked_at, fingerprint, mapping_version, items)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10,
  iif($10 = 2, min(at.now + $11, coalesce($21, at.now + $11)), at.now + $11), $11, $12, $13, $14, $15,
  $16, $17, $18, $19, $20, $21, $22, $23, at.now, at.now, $24, $25, $26
FROM (SELECT ",
    now!(),
    " AS now) at
WHERE NOT EXISTS (SELECT 1 FROM inbox WHERE message_id = $1 AND flow = $2)
ON CONFLICT (message_id, flow) DO UPDATE SET
  partition = excluded.partition, position = excluded.position,
  waits_for = iif(asked > excluded.asked, 0, excluded.waits_for),
  due_at = iif(asked > excluded.asked, NULL, excluded.due_at),
  attempts = iif(asked > excluded.asked, 0, excluded.attempts),
  deadline_at = iif(asked > excluded.asked, NULL, excluded.deadline_at),
  delay = excluded.delay, awaited = excluded.awaited, passes = excluded.passes,
  parkings = excluded.parkings, code = excluded.code, sentence = excluded.sentence,
  detail = excluded.detail, unsure = excluded.unsure, fingerprint = excluded.fingerprint,
  mapping_version = excluded.mapping_version,
  items = CASE WHEN excluded.items = '[]' THEN items ELSE excluded.items END,
  asked_by = coalesce(excluded.asked_by, asked_by), last_parked_at = excluded.last_parked_at,
  bytes = CASE WHEN excluded.revision > revision THEN excluded.bytes ELSE bytes END,
  revision = max(excluded.revision, revision)"
);

/// What ended while it ran may have done something: its document remembers, for whoever comes next.
const OUTLIVED: &str = concat!(
    "INSERT INTO effects (key, document, act, connection, message_id, facts, recorded_at)
SELECT 'unsure/' || lower(hex(message_id)) || '/' || flow || '/run', $3, 'unsure', $4, message_id, $5, ",
    now!(),
    " FROM inbox WHERE message_id = $1 AND flow = $2 AND $5 <> '[]' ON CONFLICT DO NOTHING"
);

const HAPPENED: &str = concat!(
    "INSERT INTO effects (key, document, act, connection, message_id, facts, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6, ",
    now!(),
    ") ON CONFLICT DO NOTHING"
);

pub(super) const SEND: &str = concat!(
    "INSERT INTO outbox (flow, purpose, ordering_key, message_id, kind, traceparent, bytes, code, sentence, detail, parking,
  created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, ",
    now!(),
    ") ON CONFLICT DO NOTHING"
);

/// What comes again and again keeps its one row: its telling rises, also where the clock stands.
const KNOWN: &str = concat!(
    "INSERT INTO documents (key, kind, legal_entity, known_at) VALUES ($1, $2, $3, ",
    now!(),
    ") ON CONFLICT (key) DO UPDATE SET known_at = max(excluded.known_at, known_at + 1)
WHERE excluded.kind IN ('item_stock', 'posting')"
);

const NAMED: &str = "INSERT INTO document_names (name, label, document) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";

const TRAVELLED: &str = "
INSERT INTO journey (document, at, message_id, ordinal, digest, system, what, mode)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING";

const TOLD: &str = concat!(
    "INSERT INTO snapshot_parts (connection, snapshot, part, parts, taken_at, scope, message_id, line_count, lines,
  recorded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, ",
    now!(),
    ") ON CONFLICT DO NOTHING"
);

/// What is known already stays, but for the stage and what the flow that posts counts anew.
const ADVANCED: &str = "
INSERT INTO progress (document, kind, legal_entity, number, warehouse, promised_at, value, currency, released_at,
  accepted_at, rejected_at, moved_at, stage, whole, open_since, moves, posts, owes, credits)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $16,
  iif($15, (SELECT coalesce(sum(iif(act = 'undone', -1, 1)), 0) FROM effects
    WHERE document = $1 AND act IN ('post_shipment', 'post_receipt', 'undone')), NULL),
  iif($15, (SELECT count(*) FROM effects WHERE document = $1 AND act = 'posted'), NULL),
  iif($15 AND $2 = 'return_order', (SELECT count(*) FROM effects WHERE document = $1 AND act = 'owes_credit'), NULL),
  iif($15 AND $2 = 'return_order', (SELECT count(*) FROM effects WHERE document = $1 AND act = 'credit_settled'), NULL)
WHERE true
ON CONFLICT (document) DO UPDATE SET
  legal_entity = coalesce(excluded.legal_entity, legal_entity), number = coalesce(excluded.number, number),
  warehouse = coalesce(excluded.warehouse, warehouse), promised_at = coalesce(excluded.promised_at, promised_at),
  value = coalesce(excluded.value, value), currency = coalesce(excluded.currency, currency),
  accepted_at = coalesce(accepted_at, excluded.accepted_at), rejected_at = coalesce(rejected_at, excluded.rejected_at),
  moved_at = coalesce(moved_at, excluded.moved_at), stage = coalesce(excluded.stage, stage),
  whole = coalesce(excluded.whole, whole), open_since = coalesce(excluded.open_since, open_since),
  moves = coalesce(excluded.moves, moves), posts = coalesce(excluded.posts, posts),
  owes = coalesce(excluded.owes, owes), credits = coalesce(excluded.credits, credits)";

/// Whose record a row belongs to: nobody's, when the partition is not ours.
type Mine = Vec<Option<Ownership>>;

impl Sqlite {
    pub(crate) async fn record(&self, records: &[Record]) -> Result<Vec<Written>, StoreError> {
        let mut parts = Parts::of(records, self.statement_bytes_max);
        while let Some(part) = parts.next() {
            let written = self.write(&Batch::of(part.iter().map(|number| &records[*number]))).await;
            parts.answered(part, written.map_err(|error| fault::sort(DOING, error)))?;
        }
        Ok(parts.answers())
    }

    async fn write(&self, batch: &Batch<'_>) -> Result<Vec<i64>, sqlx::Error> {
        let mut transaction = self.begin().await?;
        let mine = fence(&mut transaction, batch).await?;
        end(&mut transaction, batch, &mine).await?;
        for row in &batch.parked {
            if let Some(owner) = owner_of(&mine, row.record) {
                park(&mut transaction, owner, batch.message_id(row.record), row).await?;
            }
        }
        effects(&mut transaction, batch, &mine).await?;
        for row in batch.outbox.iter().filter(|row| owner_of(&mine, row.record).is_some()) {
            send(&mut transaction, row).await?;
        }
        documents(&mut transaction, batch, &mine).await?;
        journey(&mut transaction, batch, &mine).await?;
        snapshots(&mut transaction, batch, &mine).await?;
        progress(&mut transaction, batch, &mine).await?;
        attempts(&mut transaction, batch, &mine).await?;
        transaction.commit().await?;
        Ok((0..).zip(&mine).filter(|(_, owner)| owner.is_some()).map(|(record, _)| record).collect())
    }
}

/// Whether a partition is owned under this epoch. The write lock keeps it so until the commit.
pub(super) async fn is_owned(connection: &mut SqliteConnection, owner: Ownership) -> Result<bool, sqlx::Error> {
    let ask = "SELECT epoch FROM partitions WHERE flow = $1 AND partition = $2 AND epoch = $3 AND owner IS NOT NULL";
    let ask = sqlx::query(ask).bind(owner.flow.as_str()).bind(i64::from(owner.partition)).bind(owner.epoch);
    Ok(ask.fetch_optional(connection).await?.is_some())
}

async fn fence(connection: &mut SqliteConnection, batch: &Batch<'_>) -> Result<Mine, sqlx::Error> {
    let mut owned = std::collections::HashSet::new();
    for claim in batch.claims() {
        if is_owned(connection, claim).await? {
            owned.insert(claim);
        }
    }
    Ok(batch.records.iter().map(|row| Some(row.owner).filter(|owner| owned.contains(owner))).collect())
}

fn owner_of(mine: &Mine, record: i64) -> Option<Ownership> {
    usize::try_from(record).ok().and_then(|record| mine.get(record).copied().flatten())
}

async fn end(connection: &mut SqliteConnection, batch: &Batch<'_>, mine: &Mine) -> Result<(), sqlx::Error> {
    if let Some((name, bytes)) = &batch.block {
        sqlx::query(KEPT).bind(name).bind(bytes).execute(&mut *connection).await?;
    }
    let block = batch.block.as_ref().map(|(name, _)| *name);
    for (row, owner) in batch.records.iter().zip(mine) {
        if let (Some(ending), Some(owner)) = (row.ending, owner) {
            let flow = owner.flow.as_str();
            let end = sqlx::query(END).bind(row.message_id).bind(flow).bind(ending).bind(block.filter(|_| row.is_kept));
            end.execute(&mut *connection).await?;
            let unpark = sqlx::query_as(UNPARK).bind(row.message_id).bind(flow);
            let parkings: Option<(i64,)> = unpark.fetch_optional(&mut *connection).await?;
            let settled = match parkings {
                Some((0,)) => sqlx::query(FORGET).bind(row.message_id).bind(flow),
                Some(_) => sqlx::query(CLOSE).bind(row.message_id).bind(flow).bind(ending),
                None => continue,
            };
            settled.execute(&mut *connection).await?;
        }
    }
    Ok(())
}

async fn park(
    connection: &mut SqliteConnection,
    owner: Ownership,
    message_id: uuid::Uuid,
    row: &ParkedRow<'_>,
) -> Result<(), sqlx::Error> {
    let position = place(connection, owner, message_id, row).await?;
    sqlx::query(PARK)
        .bind(message_id)
        .bind(owner.flow.as_str())
        .bind(i64::from(owner.partition))
        .bind(row.lane_key.as_ref())
        .bind(row.ordering_key.as_ref())
        .bind(row.kind.as_ref())
        .bind(row.connection.as_ref())
        .bind(row.parked.bytes.as_slice())
        .bind(position)
        .bind(row.waits_for)
        .bind(row.delay)
        .bind(row.awaited.as_deref())
        .bind(row.passes)
        .bind(i64::from(row.parked.attempts))
        .bind(i64::from(row.parked.parkings))
        .bind(i64::from(row.parked.revision))
        .bind(row.failure.code.as_deref())
        .bind(row.failure.sentence.as_deref())
        .bind(row.failure.detail.as_deref())
        .bind(row.unsure.as_str())
        .bind(row.parked.deadline_at.map(jiff::Timestamp::as_microsecond))
        .bind(row.asked_by.as_deref())
        .bind(i64::from(row.parked.asked))
        .bind(row.fingerprint.as_deref())
        .bind(row.mapping_version)
        .bind(row.items.as_str())
        .execute(&mut *connection)
        .await?;
    let outlived = sqlx::query(OUTLIVED).bind(message_id).bind(owner.flow.as_str()).bind(row.ordering_key.as_ref());
    outlived.bind(row.connection.as_ref()).bind(row.unsure.as_str()).execute(connection).await?;
    Ok(())
}

/// What is parked keeps its place, unless it goes in front of what it stood behind.
async fn place(
    connection: &mut SqliteConnection,
    owner: Ownership,
    message_id: uuid::Uuid,
    row: &ParkedRow<'_>,
) -> Result<i64, sqlx::Error> {
    let flow = owner.flow.as_str();
    let held: Option<(i64,)> = sqlx::query_as("SELECT position FROM parked WHERE message_id = $1 AND flow = $2")
        .bind(message_id)
        .bind(flow)
        .fetch_optional(&mut *connection)
        .await?;
    match (held, row.place) {
        (Some((held,)), BEHIND | AT) => Ok(held),
        (Some((held,)), IN_FRONT) if held < row.anchor => Ok(held),
        (_, IN_FRONT) => {
            let lowest = row.anchor.saturating_sub(STRIDE);
            let ask = "SELECT coalesce(max(position), $4) + 1 FROM parked
                       WHERE flow = $1 AND lane_key = $2 AND position < $3 AND position > $4";
            let ask = sqlx::query_as(ask).bind(flow).bind(row.lane_key.as_ref()).bind(row.anchor).bind(lowest);
            let (position,): (i64,) = ask.fetch_one(connection).await?;
            Ok(position)
        }
        (None, AT) => Ok(row.anchor),
        _ => {
            let (last,): (i64,) =
                sqlx::query_as("UPDATE places SET last = last + 1 RETURNING last").fetch_one(connection).await?;
            Ok(last.saturating_mul(STRIDE))
        }
    }
}

async fn effects(connection: &mut SqliteConnection, batch: &Batch<'_>, mine: &Mine) -> Result<(), sqlx::Error> {
    for row in batch.effects.iter().filter(|row| owner_of(mine, row.record).is_some()) {
        let happened = sqlx::query(HAPPENED).bind(row.key.as_ref()).bind(row.document.as_ref()).bind(row.act.as_ref());
        let happened = happened.bind(row.connection.as_ref()).bind(row.message_id).bind(row.facts.as_str());
        happened.execute(&mut *connection).await?;
    }
    Ok(())
}

pub(super) async fn send(connection: &mut SqliteConnection, row: &OutboxEntry<'_>) -> Result<(), sqlx::Error> {
    sqlx::query(SEND)
        .bind(row.row.flow.as_str())
        .bind(row.purpose)
        .bind(row.ordering_key.as_ref())
        .bind(row.row.message_id)
        .bind(row.kind.as_ref())
        .bind(row.traceparent.as_deref())
        .bind(row.row.bytes.as_slice())
        .bind(row.failure.code.as_deref())
        .bind(row.failure.sentence.as_deref())
        .bind(row.failure.detail.as_deref())
        .bind(row.parking)
        .execute(connection)
        .await?;
    Ok(())
}

async fn documents(connection: &mut SqliteConnection, batch: &Batch<'_>, mine: &Mine) -> Result<(), sqlx::Error> {
    for row in batch.documents.iter().filter(|row| owner_of(mine, row.record).is_some()) {
        let known = sqlx::query(KNOWN).bind(row.key.as_ref()).bind(row.kind.as_ref());
        known.bind(row.legal_entity.as_deref()).execute(&mut *connection).await?;
    }
    for row in batch.names.iter().filter(|row| owner_of(mine, row.record).is_some()) {
        let named = sqlx::query(NAMED).bind(row.name.as_ref()).bind(row.label.as_ref());
        named.bind(row.document.as_ref()).execute(&mut *connection).await?;
    }
    Ok(())
}

async fn journey(connection: &mut SqliteConnection, batch: &Batch<'_>, mine: &Mine) -> Result<(), sqlx::Error> {
    for row in batch.steps.iter().filter(|row| owner_of(mine, row.record).is_some()) {
        let travelled = sqlx::query(TRAVELLED).bind(row.document.as_ref()).bind(row.at).bind(row.message_id);
        let travelled = travelled.bind(row.ordinal).bind(row.digest).bind(row.system.as_ref());
        travelled.bind(row.what.as_ref()).bind(row.mode.as_ref()).execute(&mut *connection).await?;
    }
    for (record, journal) in &batch.done {
        if let Some(owner) = owner_of(mine, *record) {
            let settle = sqlx::query("DELETE FROM journal WHERE id = $1 AND flow = $2 AND partition = $3");
            let settle = settle.bind(journal).bind(owner.flow.as_str()).bind(i64::from(owner.partition));
            settle.execute(&mut *connection).await?;
        }
    }
    Ok(())
}

async fn snapshots(connection: &mut SqliteConnection, batch: &Batch<'_>, mine: &Mine) -> Result<(), sqlx::Error> {
    for row in batch.snapshots.iter().filter(|row| owner_of(mine, row.record).is_some()) {
        let told = sqlx::query(TOLD).bind(row.connection.as_ref()).bind(row.snapshot.as_ref());
        let told = told.bind(i64::from(row.part.part)).bind(i64::from(row.part.parts));
        let told = told.bind(row.part.taken_at.as_microsecond()).bind(row.scope.as_ref());
        let told = told.bind(batch.message_id(row.record)).bind(i64::from(row.part.line_count));
        told.bind(row.lines.as_ref()).execute(&mut *connection).await?;
    }
    Ok(())
}

/// After the effects, which it counts.
async fn progress(connection: &mut SqliteConnection, batch: &Batch<'_>, mine: &Mine) -> Result<(), sqlx::Error> {
    let micros = |at: Option<jiff::Timestamp>| at.map(jiff::Timestamp::as_microsecond);
    for (_, row) in batch.progress.iter().filter(|(record, _)| owner_of(mine, *record).is_some()) {
        let advanced = sqlx::query(ADVANCED).bind(&row.document).bind(&row.kind).bind(&row.legal_entity);
        let advanced = advanced.bind(&row.number).bind(&row.warehouse).bind(micros(row.promised_at));
        let advanced = advanced.bind(&row.value).bind(&row.currency).bind(row.released_at.as_microsecond());
        let advanced = advanced.bind(micros(row.accepted_at)).bind(micros(row.rejected_at)).bind(micros(row.moved_at));
        let advanced = advanced.bind(row.stage.map(i64::from)).bind(row.whole.map(i64::from));
        advanced.bind(row.counts).bind(micros(row.open_since)).execute(&mut *connection).await?;
    }
    Ok(())
}

async fn attempts(connection: &mut SqliteConnection, batch: &Batch<'_>, mine: &Mine) -> Result<(), sqlx::Error> {
    for row in &batch.attempts {
        let Some(owner) = owner_of(mine, row.record) else { continue };
        let failed = sqlx::query(FAILED).bind(row.id).bind(batch.message_id(row.record)).bind(owner.flow.as_str());
        let failed = failed.bind(row.failure.code.as_deref()).bind(row.failure.sentence.as_deref());
        failed.bind(row.failure.detail.as_deref()).bind(row.exchanges.as_str()).execute(&mut *connection).await?;
    }
    Ok(())
}
