//! SQLite: one file in the data folder, for one process that works and for commands that look or replay beside it.
//!
//! One connection writes, a few read. Every writing transaction takes the write lock when it begins, and is short, so
//! that a second process waits for moments and never for a lock that two hold half. A commit is on disk when it answers
//! (write-ahead log, `synchronous = FULL`).
//!
//! Differs from PostgreSQL in one point: who owned a partition before this process is dead, because the data folder's
//! lock lets one working process in at a time. So taking over from a killed process needs no waiting.

mod answers;
mod attempt;
mod broken;
mod by_hand;
mod campaigns;
mod catalogue;
mod documents;
mod exceptions;
mod fault;
mod kept;
mod mapping;
mod migrate;
mod outbox;
mod outstanding;
mod ownership;
mod parked;
mod patches;
mod progress;
mod record;
mod scans;
mod snapshots;
mod stopped;
mod tokens;
mod trail;
mod work;

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use sqlx::query::{Query, QueryAs};
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteRow, SqliteSynchronous,
};
use sqlx::{FromRow, Transaction};
use uuid::Uuid;

use crate::clock::Clock;
use crate::config::{Config, ms};
use crate::store::StoreError;
use crate::store::work::{Priorities, lately};

/// The file in the data folder.
const FILE: &str = "store.db";

/// Enough for look-ups beside what people look at; more would only share the same disk.
const READERS_MAX: u32 = 4;

/// The store's clock, in microseconds: what every connection has under this name.
macro_rules! now {
    () => {
        "(SELECT at FROM now)"
    };
}
use now;

/// The machine's clock.
const MACHINE: &str = "CREATE TEMP VIEW now (at) AS SELECT CAST(round(unixepoch('subsec') * 1000000) AS INTEGER)";

/// A clock that somebody else keeps: it is told to a connection each time it is used.
const TOLD: &str = "CREATE TEMP TABLE now (at INTEGER NOT NULL); INSERT INTO now (at) VALUES (0)";

/// The embedded store: cheap to clone, all clones are one.
#[derive(Clone)]
pub struct Sqlite {
    writer: SqlitePool,
    readers: SqlitePool,
    /// Who said through this store that it lives: everybody else is of a process that is gone.
    living: Arc<Mutex<HashSet<Uuid>>>,
    statement_bytes_max: usize,
    priorities: Priorities,
    /// What was parked for longer is announced, or was found by a scan.
    lately: Duration,
    pub(super) clock: Clock,
}

impl Sqlite {
    /// Whether its file exists.
    pub(super) fn is_there(config: &Config) -> bool {
        config.data.join(FILE).is_file()
    }

    pub(super) async fn open(config: &Config, clock: &Clock) -> Result<Self, StoreError> {
        let folder = &config.data;
        tokio::fs::create_dir_all(folder).await.map_err(|error| StoreError::Unusable {
            problem: format!("the data folder {} cannot be made: {error}", folder.display()),
            remedy: "Name another one with data, or --data, or change its rights".to_owned(),
        })?;
        let patience = ms(config.store.statement_timeout_ms);
        let options = SqliteConnectOptions::new()
            .filename(folder.join(FILE))
            .create_if_missing(true)
            .busy_timeout(patience)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        let store = Self {
            writer: pool(1, patience, clock).connect_lazy_with(options.clone()),
            readers: pool(READERS_MAX, patience, clock).connect_lazy_with(options),
            living: Arc::default(),
            statement_bytes_max: config.store.statement_bytes_max,
            priorities: Priorities::of(config),
            lately: lately(config),
            clock: clock.clone(),
        };
        store.migrate(patience).await?;
        Ok(store)
    }

    pub(super) fn seen_by(&self, clock: &Clock) -> Self {
        Self { clock: clock.clone(), ..self.clone() }
    }

    pub(super) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    #[allow(clippy::unused_async, reason = "both stores are asked in the same way")]
    pub(super) async fn warnings(&self) -> Result<Vec<String>, StoreError> {
        Ok(vec![
            "The store is one file on this machine's disk: whoever loses the disk loses what was accepted. For production \
             use PostgreSQL with a synchronous standby."
                .to_owned(),
        ])
    }

    async fn rows<O>(
        &self,
        doing: &'static str,
        query: QueryAs<'_, sqlx::Sqlite, O, SqliteArguments>,
    ) -> Result<Vec<O>, StoreError>
    where
        O: for<'r> FromRow<'r, SqliteRow> + Send + Unpin,
    {
        query.fetch_all(&self.readers).await.map_err(|error| fault::sort(doing, error).into())
    }

    async fn one<O>(
        &self,
        doing: &'static str,
        query: QueryAs<'_, sqlx::Sqlite, O, SqliteArguments>,
    ) -> Result<O, StoreError>
    where
        O: for<'r> FromRow<'r, SqliteRow> + Send + Unpin,
    {
        query.fetch_one(&self.readers).await.map_err(|error| fault::sort(doing, error).into())
    }

    /// How many rows a statement changed: it is a transaction of its own.
    async fn execute(
        &self,
        doing: &'static str,
        query: Query<'_, sqlx::Sqlite, SqliteArguments>,
    ) -> Result<u64, StoreError> {
        let done = query.execute(&self.writer).await.map_err(|error| fault::sort(doing, error))?;
        Ok(done.rows_affected())
    }

    /// A transaction that holds the write lock from its beginning.
    async fn begin(&self) -> Result<Transaction<'static, sqlx::Sqlite>, sqlx::Error> {
        self.writer.begin_with("BEGIN IMMEDIATE").await
    }
}

fn pool(connections_max: u32, patience: Duration, clock: &Clock) -> SqlitePoolOptions {
    let (first, again) = (clock.clone(), clock.clone());
    SqlitePoolOptions::new()
        .after_connect(move |connection, _| {
            let told = first.told();
            Box::pin(async move {
                sqlx::raw_sql(if told.is_some() { TOLD } else { MACHINE }).execute(&mut *connection).await?;
                tell(connection, told).await
            })
        })
        .before_acquire(move |connection, _| {
            let told = again.told();
            Box::pin(async move { tell(connection, told).await.map(|()| true) })
        })
        .max_connections(connections_max)
        .acquire_timeout(patience)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}

/// Tells a connection the time that somebody else keeps.
async fn tell(connection: &mut SqliteConnection, told: Option<Timestamp>) -> Result<(), sqlx::Error> {
    let Some(now) = told else { return Ok(()) };
    sqlx::query("UPDATE now SET at = $1").bind(now.as_microsecond()).execute(connection).await?;
    Ok(())
}

/// Rows as one JSON array of arrays: how SQLite is given a set.
fn set(rows: impl Iterator<Item = Vec<serde_json::Value>>) -> String {
    serde_json::Value::Array(rows.map(serde_json::Value::Array).collect()).to_string()
}

/// Texts as one JSON array.
fn texts(texts: &[std::borrow::Cow<'_, str>]) -> String {
    serde_json::Value::Array(texts.iter().map(|text| serde_json::Value::from(text.as_ref())).collect()).to_string()
}
