//! PostgreSQL: every call is one statement and its own commit, on a connection of a bounded pool.
//!
//! It refuses what does not live behind a pooler or through a failover: open transactions, advisory locks, listening.
//! Invariant: every part of a writing statement joins its fence, a shared lock on the ownership rows. A takeover waits
//! for that lock, or the statement waits for the takeover and then sees the new epoch.

mod attempt;
mod documents;
mod fault;
mod migrate;
mod outbox;
mod ownership;
mod parked;
mod record;
mod warnings;

use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgArguments, PgConnectOptions, PgConnection, PgPool, PgPoolOptions, PgRow};
use sqlx::query::{Query, QueryAs};
use sqlx::{Connection as _, FromRow, Postgres};

use crate::config::{Config, address, ms};
use crate::store::StoreError;
use crate::store::parts::Fault;

/// A connection that was idle for longer is asked whether it lives before it is used.
const IDLE_MAX: Duration = Duration::from_secs(1);

/// What the network may add to the time of a statement.
const NETWORK_MARGIN: Duration = Duration::from_secs(2);

/// The server store: cheap to clone, all clones are one.
#[derive(Clone)]
pub struct Postgresql {
    pool: PgPool,
    /// After this long without an answer the connection is given up: the server ends statements earlier.
    patience: Duration,
    /// A statement's rows bring no more bytes than this.
    statement_bytes_max: usize,
}

impl Postgresql {
    pub(super) async fn open(config: &Config) -> Result<Self, StoreError> {
        let url = address(&config.store.url).map_err(|error| unusable(&error, "set store.url, or what it names"))?;
        let options = PgConnectOptions::from_str(&url)
            .map_err(|_| unusable(&"store.url is not an address", "write postgres://user:password@host:5432/database"))?
            .application_name("drayline");
        let statement_timeout = ms(config.store.statement_timeout_ms);
        let settings = format!(
            "SET statement_timeout = {}; SET synchronous_commit = on; SET timezone = 'UTC'",
            statement_timeout.as_millis()
        );
        let pool = PgPoolOptions::new()
            .max_connections(config.store.connections_max)
            .acquire_timeout(statement_timeout)
            .test_before_acquire(false)
            .before_acquire(|connection, idle| {
                Box::pin(async move {
                    if idle.idle_for > IDLE_MAX {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .after_connect(move |connection, _| {
                let settings = settings.clone();
                Box::pin(async move {
                    sqlx::raw_sql(sqlx::AssertSqlSafe(settings)).execute(connection).await?;
                    Ok(())
                })
            })
            .connect_lazy_with(options);
        let patience = statement_timeout + NETWORK_MARGIN;
        let store = Self { pool, patience, statement_bytes_max: config.store.statement_bytes_max };
        store.check_version().await?;
        store.migrate().await?;
        Ok(store)
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }

    async fn rows<O>(&self, doing: &'static str, query: QueryAs<'_, Postgres, O, PgArguments>) -> Result<Vec<O>, Fault>
    where
        O: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        let mut connection = self.pool.acquire().await.map_err(|error| fault::sort(doing, error))?;
        let answer = tokio::time::timeout(self.patience, query.fetch_all(&mut *connection)).await;
        answer.unwrap_or_else(|_| Err(silence())).map_err(|error| {
            // Whatever is still on its way on this connection must not answer the next question.
            if fault::is_lost(&error) {
                drop::<PgConnection>(connection.detach());
            }
            fault::sort(doing, error)
        })
    }

    /// The only row of a statement that always answers one.
    async fn one<O>(&self, doing: &'static str, query: QueryAs<'_, Postgres, O, PgArguments>) -> Result<O, StoreError>
    where
        O: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        let row = self.rows(doing, query).await?.pop();
        row.ok_or_else(|| fault::sort(doing, sqlx::Error::RowNotFound).into())
    }

    /// How many rows a statement changed.
    async fn execute(&self, doing: &'static str, query: Query<'_, Postgres, PgArguments>) -> Result<u64, StoreError> {
        let mut connection = self.pool.acquire().await.map_err(|error| fault::sort(doing, error))?;
        let answer = tokio::time::timeout(self.patience, query.execute(&mut *connection)).await;
        let done = answer.unwrap_or_else(|_| Err(silence())).map_err(|error| {
            if fault::is_lost(&error) {
                drop::<PgConnection>(connection.detach());
            }
            fault::sort(doing, error)
        })?;
        Ok(done.rows_affected())
    }
}

/// One column of rows, as an array.
fn column<'a, R, V>(rows: &'a [R], value: impl Fn(&'a R) -> V) -> Vec<V> {
    rows.iter().map(value).collect()
}

fn silence() -> sqlx::Error {
    sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())
}

fn unusable(problem: &dyn std::fmt::Display, remedy: &str) -> StoreError {
    StoreError::Unusable { problem: problem.to_string(), remedy: remedy.to_owned() }
}
