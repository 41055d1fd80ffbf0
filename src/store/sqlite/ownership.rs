//! Who lives, and who owns which partition.

use std::sync::PoisonError;
use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::{Sqlite, fault, now};
use crate::message::Flow;
use crate::store::StoreError;
use crate::store::batch::JournalEntry;
use crate::store::columns::{committed, flows_text, instant, json, micros};
use crate::store::crew::{self, Crew};
use crate::store::rows::{Ownership, Unsettled};

/// An owner of another process is dead (5), one of this process after its silence.
const TAKE: &str = concat!(
    "INSERT INTO partitions (flow, partition, owner, epoch, taken_at) VALUES ($1, $2, $3, 1, ",
    now!(),
    ")
ON CONFLICT (flow, partition) DO UPDATE
SET owner = excluded.owner, epoch = epoch + 1, taken_at = excluded.taken_at
WHERE owner IS NULL OR owner = excluded.owner OR $5
   OR (taken_at <= excluded.taken_at - $4
       AND NOT EXISTS (
         SELECT 1 FROM workers WHERE worker = partitions.owner AND beaten_at > excluded.taken_at - $4))
RETURNING epoch"
);

const BEAT: &str = concat!(
    "INSERT INTO workers (worker, beaten_at, flows) VALUES ($1, ",
    now!(),
    ", $2) ON CONFLICT (worker) DO UPDATE SET beaten_at = max(beaten_at, excluded.beaten_at), flows = excluded.flows"
);

const LIVING: &str = concat!("SELECT worker, flows FROM workers WHERE beaten_at > ", now!(), " - $1");

const LEAVE: &str = concat!("DELETE FROM workers WHERE worker = $1 OR beaten_at < ", now!(), " - 86400000000");

impl Sqlite {
    pub(crate) async fn now(&self) -> Result<Timestamp, StoreError> {
        let (now,) = self.one("asking for its time", sqlx::query_as(concat!("SELECT ", now!()))).await?;
        Ok(instant(now))
    }

    pub(crate) async fn beat(&self, worker: Uuid, flows: &[Flow]) -> Result<(), StoreError> {
        self.lives(worker);
        self.execute("saying that we live", sqlx::query(BEAT).bind(worker).bind(flows_text(flows))).await?;
        Ok(())
    }

    pub(crate) async fn crew(&self, dead_after: Duration) -> Result<Crew, StoreError> {
        let workers = sqlx::query_as(LIVING).bind(micros(dead_after));
        let workers: Vec<crew::WorkerRow> = self.rows("asking who lives", workers).await?;
        // Who worked in another process does not live: the folder lets one in.
        let workers = workers.into_iter().filter(|(worker, _)| self.is_ours(*worker)).collect();
        let owned = "SELECT flow, partition, owner FROM partitions WHERE owner IS NOT NULL";
        let owners = self.rows("asking who owns what", sqlx::query_as(owned)).await?;
        Ok(crew::crew(workers, owners))
    }

    pub(crate) async fn leave(&self, worker: Uuid) -> Result<(), StoreError> {
        self.execute("leaving", sqlx::query(LEAVE).bind(worker)).await?;
        Ok(())
    }

    pub(crate) async fn take(
        &self,
        worker: Uuid,
        flow: Flow,
        partition: u16,
        dead_after: Duration,
    ) -> Result<Option<Ownership>, StoreError> {
        self.lives(worker);
        let epoch = self.take_over(worker, flow, partition, dead_after).await;
        let epoch = epoch.map_err(|error| fault::sort("taking a partition", error))?;
        Ok(epoch.map(|epoch| Ownership { flow, partition, epoch }))
    }

    async fn take_over(
        &self,
        worker: Uuid,
        flow: Flow,
        partition: u16,
        dead_after: Duration,
    ) -> Result<Option<i64>, sqlx::Error> {
        let mut transaction = self.begin().await?;
        let owner: Option<(Option<Uuid>,)> =
            sqlx::query_as("SELECT owner FROM partitions WHERE flow = $1 AND partition = $2")
                .bind(flow.as_str())
                .bind(i64::from(partition))
                .fetch_optional(&mut *transaction)
                .await?;
        let gone = owner.and_then(|(owner,)| owner).is_some_and(|owner| !self.is_ours(owner));
        let taken: Option<(i64,)> = sqlx::query_as(TAKE)
            .bind(flow.as_str())
            .bind(i64::from(partition))
            .bind(worker)
            .bind(micros(dead_after))
            .bind(gone)
            .fetch_optional(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(taken.map(|(epoch,)| epoch))
    }

    fn lives(&self, worker: Uuid) {
        self.living.lock().unwrap_or_else(PoisonError::into_inner).insert(worker);
    }

    fn is_ours(&self, worker: Uuid) -> bool {
        self.living.lock().unwrap_or_else(PoisonError::into_inner).contains(&worker)
    }

    pub(crate) async fn give_up(&self, owner: Ownership) -> Result<(), StoreError> {
        let give = sqlx::query("UPDATE partitions SET owner = NULL WHERE flow = $1 AND partition = $2 AND epoch = $3")
            .bind(owner.flow.as_str())
            .bind(i64::from(owner.partition))
            .bind(owner.epoch);
        self.execute("giving a partition up", give).await?;
        Ok(())
    }

    pub(crate) async fn unsettled(&self, owner: Ownership) -> Result<Vec<Unsettled>, StoreError> {
        let ask = "SELECT id, entries, committed_at FROM journal
                   WHERE flow = $1 AND partition = $2 ORDER BY committed_at, rowid";
        let ask = sqlx::query_as(ask).bind(owner.flow.as_str()).bind(i64::from(owner.partition));
        let rows: Vec<(Uuid, String, i64)> = self.rows("reading what was intended", ask).await?;
        let mut unsettled = Vec::new();
        for (journal, entries, at) in rows {
            let at = instant(at);
            let entries: Vec<JournalEntry> = json("a journal row", &entries)?;
            unsettled.extend(entries.into_iter().map(|entry| Unsettled {
                journal,
                message_id: entry.message_id,
                intents: entry.intents.into_iter().map(|intent| committed(intent, at)).collect(),
            }));
        }
        Ok(unsettled)
    }
}
