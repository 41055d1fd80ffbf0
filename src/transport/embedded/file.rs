//! The file: its shape, and what is put right when it is opened.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, Row as _, SqlitePool};

use crate::config::Partitions;
use crate::message::{Flow, OrderingKey};

use crate::transport::TransportError;
use crate::transport::lane::{Lane, count};

/// The version of the shape below. A newer file is not touched.
const SHAPE: i64 = 1;

/// Subscriptions read side by side with the writer; few readers are enough, each read is short.
const READERS_MAX: u32 = 4;

/// Only a checkpoint or a foreign tool can hold the file for longer than a moment.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// `listening` is set while somebody is subscribed: what is still set when the file is opened was a crash.
const CREATE: &str = "
    CREATE TABLE IF NOT EXISTS messages (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        lane TEXT NOT NULL,
        message_id BLOB NOT NULL,
        ordering_key TEXT NOT NULL,
        type_name TEXT NOT NULL,
        traceparent TEXT,
        headers TEXT NOT NULL,
        bytes BLOB NOT NULL,
        deliveries INTEGER NOT NULL DEFAULT 0
    );
    CREATE INDEX IF NOT EXISTS messages_lane ON messages (lane, id);
    CREATE TABLE IF NOT EXISTS lanes (lane TEXT PRIMARY KEY, listening INTEGER NOT NULL, prefetch INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS partitions (flow TEXT PRIMARY KEY, count INTEGER NOT NULL);
";

/// Adds one to what may have been handed out by a subscription that never said good-bye: at most its window, from the
/// front. A few that were not are counted, too; a wrong suspicion costs a case, never a message.
const COUNT_CRASHED: &str = "
    UPDATE messages SET deliveries = deliveries + 1
    WHERE id IN (SELECT id FROM messages WHERE lane = ?1 ORDER BY id LIMIT ?2)
";

pub(super) struct File {
    pub(super) writer: SqliteConnection,
    pub(super) reader: SqlitePool,
}

/// Where the queue lies.
pub(super) fn path(data: &Path) -> PathBuf {
    data.join("queue.db")
}

pub(super) async fn open(data: &Path, partitions: &Partitions) -> Result<File, TransportError> {
    let path = path(data);
    let unusable = |problem: String| {
        let remedy = "Look at the disk and at who owns the data folder, or name another one with --data";
        TransportError::new(format!("the queue file {} {problem}", path.display()), remedy)
    };
    std::fs::create_dir_all(data).map_err(|error| unusable(format!("cannot be made: {error}")))?;
    let options = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT);
    let cannot = |error: sqlx::Error| unusable(format!("cannot be opened: {error}"));
    let mut writer = SqliteConnection::connect_with(&options).await.map_err(cannot)?;
    let shape: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut writer).await.map_err(cannot)?;
    if shape > SHAPE {
        return Err(unusable("was written by a newer release".to_owned()));
    }
    prepare(&mut writer, partitions).await.map_err(cannot)?;
    let reader = SqlitePoolOptions::new().max_connections(READERS_MAX).connect_lazy_with(options.read_only(true));
    Ok(File { writer, reader })
}

async fn prepare(writer: &mut SqliteConnection, partitions: &Partitions) -> Result<(), sqlx::Error> {
    let mut transaction = writer.begin().await?;
    sqlx::raw_sql(CREATE).execute(&mut *transaction).await?;
    sqlx::raw_sql("PRAGMA user_version = 1").execute(&mut *transaction).await?;
    count_crashed(&mut transaction).await?;
    for flow in Flow::ALL {
        follow_count(&mut transaction, flow, count(partitions, flow)).await?;
    }
    transaction.commit().await
}

async fn count_crashed(writer: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let crashed = sqlx::query("SELECT lane, prefetch FROM lanes WHERE listening = 1").fetch_all(&mut *writer).await?;
    for row in crashed {
        let (lane, prefetch): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
        sqlx::query(COUNT_CRASHED).bind(lane).bind(prefetch).execute(&mut *writer).await?;
    }
    sqlx::query("UPDATE lanes SET listening = 0").execute(&mut *writer).await?;
    Ok(())
}

/// A partition count that changed: what waits moves to the partition its key now belongs to. Ids stay, so the order of
/// each key stays.
async fn follow_count(writer: &mut SqliteConnection, flow: Flow, count: u16) -> Result<(), sqlx::Error> {
    let known: Option<i64> = sqlx::query_scalar("SELECT count FROM partitions WHERE flow = ?1")
        .bind(flow.as_str())
        .fetch_optional(&mut *writer)
        .await?;
    if known == Some(i64::from(count)) {
        return Ok(());
    }
    if known.is_some() {
        move_all(writer, flow, count).await?;
    }
    sqlx::query("INSERT INTO partitions (flow, count) VALUES (?1, ?2) ON CONFLICT (flow) DO UPDATE SET count = ?2")
        .bind(flow.as_str())
        .bind(i64::from(count))
        .execute(&mut *writer)
        .await?;
    Ok(())
}

async fn move_all(writer: &mut SqliteConnection, flow: Flow, count: u16) -> Result<(), sqlx::Error> {
    let keys = sqlx::query_scalar::<_, String>("SELECT DISTINCT ordering_key FROM messages WHERE lane GLOB ?1")
        .bind(format!("{flow}.*"))
        .fetch_all(&mut *writer)
        .await?;
    for key in keys {
        // Only keys were written; one that is none any more keeps the first partition busy rather than getting lost.
        let partition = key.parse::<OrderingKey>().map_or(0, |key| key.partition(count));
        sqlx::query("UPDATE messages SET lane = ?1 WHERE ordering_key = ?2 AND lane GLOB ?3")
            .bind(Lane::Partition(flow, partition).to_string())
            .bind(key)
            .bind(format!("{flow}.*"))
            .execute(&mut *writer)
            .await?;
    }
    Ok(())
}
