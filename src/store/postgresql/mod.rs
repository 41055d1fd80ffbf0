//! PostgreSQL: every call is one statement and its own commit, on a connection of a bounded pool.
//!
//! It refuses what does not live behind a pooler or through a failover: open transactions, advisory locks, listening.
//! Invariant: every part of a writing statement joins its fence, a shared lock on the ownership rows. A takeover waits
//! for that lock, or the statement waits for the takeover and then sees the new epoch.

mod answers;
pub(in crate::store) mod aside;
mod attempt;
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
mod warnings;
mod work;

use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgPool, PgPoolOptions, PgRow};
use sqlx::query::{Query, QueryAs};
use sqlx::{Connection as _, FromRow, Postgres};

use crate::clock::{Clock, Mark};
use crate::config::{Config, address, ms};
use crate::store::StoreError;
use crate::store::parts::Fault;
use crate::store::work::{Priorities, lately};

/// A connection that was idle for longer is asked whether it lives before it is used.
const IDLE_MAX: Duration = Duration::from_secs(1);

/// What the network may add to the time of a statement.
const NETWORK_MARGIN: Duration = Duration::from_secs(2);

/// Statements are planned once for each connection, and read by index from the first row on: a plan that was right for an
/// empty table would stay when a million rows have come, until somebody collects statistics. Compiling plans costs more
/// than all of ours together.
const PLANS: &str = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET jit = off";

/// The server store: cheap to clone, all clones are one.
#[derive(Clone)]
pub struct Postgresql {
    pool: PgPool,
    /// After this long without an answer the connection is given up: the server ends statements earlier.
    patience: Duration,
    /// A statement's rows bring no more bytes than this.
    statement_bytes_max: usize,
    priorities: Priorities,
    /// What was parked for longer is announced, or was found by a scan.
    lately: Duration,
    lost: Lost,
}

/// When a connection was last lost: those that were idle then are asked before they are used, so that a restart of the
/// server costs one failed call and not one for each connection of the pool.
#[derive(Clone)]
struct Lost {
    clock: Clock,
    last: Arc<Mutex<Option<Mark>>>,
}

impl Lost {
    fn now(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.clock.mark());
    }

    fn while_idle(&self, idle_for: Duration) -> bool {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.is_some_and(|last| self.clock.since(last) <= idle_for)
    }
}

/// Whether the configured address can be one.
pub(super) fn check_address(config: &Config) -> Result<(), StoreError> {
    options(config).map(drop)
}

/// Where the configured server is, without its password.
pub(super) fn place(config: &Config) -> String {
    options(config).map_or_else(|_| "an unknown place".to_owned(), |at| format!("{}:{}", at.get_host(), at.get_port()))
}

fn options(config: &Config) -> Result<PgConnectOptions, StoreError> {
    const REMEDY: &str = "write postgres://user:password@host:5432/database";
    let url = address(&config.store.url).map_err(|error| unusable(&error, "set store.url, or what it names"))?;
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Err(unusable(&"store.url does not begin with postgres://", REMEDY));
    }
    PgConnectOptions::from_str(&url).map_err(|_| unusable(&"store.url is not an address", REMEDY))
}

impl Postgresql {
    pub(super) async fn open(config: &Config) -> Result<Self, StoreError> {
        let options = options(config)?.application_name("drayline");
        let statement_timeout = ms(config.store.statement_timeout_ms);
        let settings = format!(
            "SET statement_timeout = {}; SET synchronous_commit = on; SET timezone = 'UTC'; {PLANS}",
            statement_timeout.as_millis()
        );
        let lost = Lost { clock: Clock::system(), last: Arc::default() };
        let lost_before = lost.clone();
        let pool = PgPoolOptions::new()
            .max_connections(config.store.connections_max)
            .acquire_timeout(statement_timeout)
            .test_before_acquire(false)
            .before_acquire(move |connection, idle| {
                let doubtful = idle.idle_for > IDLE_MAX || lost_before.while_idle(idle.idle_for);
                Box::pin(async move {
                    if doubtful {
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
        let store = Self {
            pool,
            patience,
            statement_bytes_max: config.store.statement_bytes_max,
            priorities: Priorities::of(config),
            lately: lately(config),
            lost,
        };
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
        answer.unwrap_or_else(|_| Err(silence())).map_err(|error| self.failed(doing, error, connection))
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
        let done = answer.unwrap_or_else(|_| Err(silence()));
        Ok(done.map_err(|error| self.failed(doing, error, connection))?.rows_affected())
    }

    fn failed(&self, doing: &'static str, error: sqlx::Error, connection: PoolConnection<Postgres>) -> Fault {
        // Whatever is still on its way on a lost connection must not answer the next question.
        if fault::is_lost(&error) {
            drop(connection.detach());
            self.lost.now();
        }
        fault::sort(doing, error)
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
