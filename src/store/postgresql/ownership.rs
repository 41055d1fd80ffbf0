//! Who lives, and who owns which partition.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::Postgresql;
use crate::message::Flow;
use crate::store::StoreError;
use crate::store::batch::JournalEntry;
use crate::store::columns::{committed, flows_text, instant, json, micros};
use crate::store::crew::{self, Crew};
use crate::store::rows::{Ownership, Unsettled};

/// What an old take says of its time is compared with the newer of beat and take: a worker that took something before
/// its first beat was seen is not dead.
const TAKE: &str = "
INSERT INTO partitions (flow, partition, owner, epoch, taken_at)
VALUES ($1, $2, $3, 1, store_now())
ON CONFLICT (flow, partition) DO UPDATE
SET owner = excluded.owner, epoch = partitions.epoch + 1,
    taken_at = (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
WHERE partitions.owner IS NULL OR partitions.owner = excluded.owner
   OR (partitions.taken_at <= store_now() - $4
       AND NOT EXISTS (SELECT FROM workers WHERE worker = partitions.owner AND beaten_at > store_now() - $4))
RETURNING epoch";

impl Postgresql {
    pub(crate) async fn now(&self) -> Result<Timestamp, StoreError> {
        let (now,) = self.one("asking for its time", sqlx::query_as("SELECT store_now()")).await?;
        Ok(instant(now))
    }

    pub(crate) async fn beat(&self, worker: Uuid, flows: &[Flow]) -> Result<(), StoreError> {
        let beat = "INSERT INTO workers (worker, beaten_at, flows) VALUES ($1, store_now(), $2)
                    ON CONFLICT (worker) DO UPDATE
                    SET beaten_at = greatest(workers.beaten_at, excluded.beaten_at), flows = excluded.flows";
        self.execute("saying that we live", sqlx::query(beat).bind(worker).bind(flows_text(flows))).await?;
        Ok(())
    }

    pub(crate) async fn crew(&self, dead_after: Duration) -> Result<Crew, StoreError> {
        let living = "SELECT worker, flows FROM workers WHERE beaten_at > store_now() - $1";
        let workers = self.rows("asking who lives", sqlx::query_as(living).bind(micros(dead_after))).await?;
        let owned = "SELECT flow, partition, owner FROM partitions WHERE owner IS NOT NULL";
        let owners = self.rows("asking who owns what", sqlx::query_as(owned)).await?;
        Ok(crew::crew(workers, owners))
    }

    pub(crate) async fn leave(&self, worker: Uuid) -> Result<(), StoreError> {
        let leave = "DELETE FROM workers WHERE worker = $1 OR beaten_at < store_now() - 86400000000";
        self.execute("leaving", sqlx::query(leave).bind(worker)).await?;
        Ok(())
    }

    pub(crate) async fn take(
        &self,
        worker: Uuid,
        flow: Flow,
        partition: u16,
        dead_after: Duration,
    ) -> Result<Option<Ownership>, StoreError> {
        let take =
            sqlx::query_as(TAKE).bind(flow.as_str()).bind(i64::from(partition)).bind(worker).bind(micros(dead_after));
        let taken = self.rows("taking a partition", take).await?.pop();
        Ok(taken.map(|(epoch,)| Ownership { flow, partition, epoch }))
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
                   WHERE flow = $1 AND partition = $2 ORDER BY committed_at, id";
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
