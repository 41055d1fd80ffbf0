//! The one writer: whatever gathered while it wrote shares the next commit.
//!
//! Settlements wait a moment for company, because nobody waits for them; everything else is written at once. A commit
//! that fails is told to those who publish; settlements stay with the writer until one succeeds.

use std::time::Duration;

use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection as _, QueryBuilder, Sqlite};
use tokio::sync::{mpsc, oneshot};

use crate::clock::Clock;
use crate::telemetry::StoreAway;

use super::{Subscribers, lock};
use crate::transport::lane::Lane;
use crate::transport::{NotDelivered, Outgoing};

/// What is taken up for one commit, at most.
const BATCH_MAX: usize = 1024;

/// So many rows in one statement: nine columns each, far below what SQLite takes.
const ROWS_MAX: usize = 256;

/// How long settlements wait for company.
const COMPANY: Duration = Duration::from_millis(20);

/// After a failure, before the next try.
const PAUSE: Duration = Duration::from_millis(200);

/// What the writer is asked for.
pub(super) enum Work {
    /// A message to keep.
    Publish { lane: Lane, message: Outgoing, answer: oneshot::Sender<Result<(), NotDelivered>> },
    /// A message to forget.
    Settle(i64),
    /// Somebody subscribes.
    Begin { lane: Lane, prefetch: usize, answer: oneshot::Sender<Result<(), String>> },
    /// A subscription ended; it had handed out everything up to an id, and what of it was not settled comes back.
    End { lane: Lane, handed_out: i64 },
    /// Answers once everything before it is on disk.
    Flush(oneshot::Sender<()>),
    /// As [`Self::Flush`], and closes the file.
    Stop(oneshot::Sender<()>),
}

/// A message, where it goes, and who waits for it.
type Publish = (Lane, Outgoing, oneshot::Sender<Result<(), NotDelivered>>);

/// A lane, the window of its subscriber, and who waits for it.
type Begin = (Lane, usize, oneshot::Sender<Result<(), String>>);

#[derive(Default)]
struct Batch {
    published: Vec<Publish>,
    settled: Vec<i64>,
    began: Vec<Begin>,
    ended: Vec<(Lane, i64)>,
    flushed: Vec<oneshot::Sender<()>>,
    stop: bool,
}

pub(super) async fn run(
    mut connection: SqliteConnection,
    mut work: mpsc::UnboundedReceiver<Work>,
    subscribers: Subscribers,
    clock: Clock,
) {
    let mut received = Vec::with_capacity(BATCH_MAX);
    let mut batch = Batch::default();
    let mut more = true;
    while more && !batch.stop || !batch.is_empty() {
        let gathering = work.recv_many(&mut received, BATCH_MAX);
        // Nobody came: what waits for company is written without.
        let mut alone = false;
        let count = if batch.is_empty() {
            gathering.await
        } else {
            tokio::time::timeout(COMPANY, gathering).await.unwrap_or_else(|_| {
                alone = true;
                1
            })
        };
        more = count != 0;
        received.drain(..).for_each(|each| batch.take(each));
        if (alone || !more || batch.is_urgent()) && !batch.write(&mut connection, &subscribers, &clock).await {
            tokio::time::sleep(PAUSE).await;
        }
    }
    // Everything is on disk; a failure to close loses nothing.
    let _ = clock.step("queue.close", connection.close()).await;
}

impl Batch {
    fn take(&mut self, work: Work) {
        match work {
            Work::Publish { lane, message, answer } => self.published.push((lane, message, answer)),
            Work::Settle(id) => self.settled.push(id),
            Work::Begin { lane, prefetch, answer } => self.began.push((lane, prefetch, answer)),
            Work::End { lane, handed_out } => self.ended.push((lane, handed_out)),
            Work::Flush(answer) => self.flushed.push(answer),
            Work::Stop(answer) => {
                self.flushed.push(answer);
                self.stop = true;
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.settled.is_empty() && !self.is_urgent()
    }

    fn is_urgent(&self) -> bool {
        let asked = !self.published.is_empty() || !self.began.is_empty();
        asked || !self.ended.is_empty() || !self.flushed.is_empty() || self.settled.len() >= BATCH_MAX
    }

    /// One commit. Whether it succeeded; if not, what nobody is waiting for is kept for the next one.
    async fn write(&mut self, connection: &mut SqliteConnection, subscribers: &Subscribers, clock: &Clock) -> bool {
        let outcome = clock.step("queue.write", self.commit(connection)).await.map_err(|error| error.to_string());
        if let Err(why) = &outcome {
            StoreAway { doing: "writing the embedded queue", why }.emit();
        }
        for (_, _, answer) in self.began.drain(..) {
            // Whoever asked may have given up.
            let _ = answer.send(outcome.clone());
        }
        let mut wake = Vec::new();
        for (lane, _, answer) in self.published.drain(..) {
            let _ = answer.send(outcome.clone().map_err(NotDelivered::Refused));
            wake.push(lane);
        }
        if outcome.is_err() {
            return false;
        }
        self.settled.clear();
        self.ended.clear();
        for answer in self.flushed.drain(..) {
            // Whoever asked may have given up.
            let _ = answer.send(());
        }
        let subscribers = lock(subscribers);
        wake.iter().filter_map(|lane| subscribers.get(lane)).for_each(|window| window.wake());
        true
    }

    async fn commit(&self, connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        let mut transaction = connection.begin().await?;
        for rows in self.published.chunks(ROWS_MAX) {
            insert(rows).build().persistent(false).execute(&mut *transaction).await?;
        }
        for ids in self.settled.chunks(BATCH_MAX) {
            let mut delete = QueryBuilder::<Sqlite>::new("DELETE FROM messages WHERE id IN (");
            let mut separated = delete.separated(", ");
            for id in ids {
                separated.push_bind(*id);
            }
            delete.push(")").build().persistent(false).execute(&mut *transaction).await?;
        }
        // An end stands before a beginning of the same lane: only one is open at a time.
        for (lane, handed_out) in &self.ended {
            let lane = lane.to_string();
            sqlx::query("UPDATE messages SET deliveries = deliveries + 1 WHERE lane = ?1 AND id <= ?2")
                .bind(&lane)
                .bind(handed_out)
                .execute(&mut *transaction)
                .await?;
            sqlx::query("UPDATE lanes SET listening = 0 WHERE lane = ?1")
                .bind(&lane)
                .execute(&mut *transaction)
                .await?;
        }
        for (lane, prefetch, _) in &self.began {
            sqlx::query(
                "INSERT INTO lanes (lane, listening, prefetch) VALUES (?1, 1, ?2)
                 ON CONFLICT (lane) DO UPDATE SET listening = 1, prefetch = ?2",
            )
            .bind(lane.to_string())
            .bind(i64::try_from(*prefetch).unwrap_or(i64::MAX))
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await
    }
}

fn insert(rows: &[Publish]) -> QueryBuilder<Sqlite> {
    let columns = "lane, message_id, ordering_key, type_name, traceparent, headers, bytes";
    let mut insert = QueryBuilder::new(format!("INSERT INTO messages ({columns}) "));
    insert.push_values(rows, |mut row, (lane, message, _)| {
        row.push_bind(lane.to_string())
            .push_bind(message.message_id.as_bytes().to_vec())
            .push_bind(message.ordering_key.as_str().to_owned())
            .push_bind(message.type_name.clone())
            .push_bind(message.traceparent.clone())
            .push_bind(serde_json::json!(message.headers).to_string())
            .push_bind(message.bytes.clone());
    });
    insert
}
