//! The schema, brought up to date.
//!
//! By hand, not by the library, whose migrations take an advisory lock: behind a pooler that lock may belong to another
//! session than the one that migrates. Here one transaction locks the table of versions, reads it, and applies what is
//! missing: several processes that start at once do it one after another, and a crash leaves nothing half done.

use std::time::Duration;

use sqlx::{Connection as _, PgConnection, Row as _};

use super::{Postgresql, fault, unusable};
use crate::store::StoreError;

/// Every step of the schema; a released one is never changed.
const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/postgresql/0001_first_day.sql"),
    include_str!("../migrations/postgresql/0002_mapping.sql"),
    include_str!("../migrations/postgresql/0003_snapshots.sql"),
    include_str!("../migrations/postgresql/0004_catalogue.sql"),
    include_str!("../migrations/postgresql/0005_progress.sql"),
    include_str!("../migrations/postgresql/0006_api.sql"),
    include_str!("../migrations/postgresql/0007_names.sql"),
    include_str!("../migrations/postgresql/0008_exceptions_work.sql"),
    include_str!("../migrations/postgresql/0009_campaigns.sql"),
    include_str!("../migrations/postgresql/0010_before_go_live.sql"),
    include_str!("../migrations/postgresql/0011_dry_runs.sql"),
    include_str!("../migrations/postgresql/0012_patches.sql"),
    include_str!("../migrations/postgresql/0013_waits.sql"),
    include_str!("../migrations/postgresql/0014_found.sql"),
    include_str!("../migrations/postgresql/0015_few.sql"),
    include_str!("../migrations/postgresql/0016_seen_and_items.sql"),
    include_str!("../migrations/postgresql/0017_kept.sql"),
    include_str!("../migrations/postgresql/0018_outstanding.sql"),
];

/// PostgreSQL 13.
const VERSION_MIN: i32 = 130_000;

/// How often the first statement, which many may make at once, is made again.
const TRIES_MAX: u32 = 20;

const DOING: &str = "bringing its schema up to date";

impl Postgresql {
    pub(super) async fn check_version(&self) -> Result<(), StoreError> {
        let ask =
            sqlx::query_as("SELECT current_setting('server_version_num')::int, current_setting('server_version')");
        let (number, name): (i32, String) = self.one("asking for its version", ask).await?;
        if number >= VERSION_MIN {
            return Ok(());
        }
        Err(unusable(&format!("PostgreSQL {name} is too old"), "Use version 13 or newer"))
    }

    pub(super) async fn migrate(&self) -> Result<(), StoreError> {
        let away = |error| StoreError::from(fault::sort(DOING, error));
        let mut connection = self.pool.acquire().await.map_err(away)?;
        let mut tries = 0;
        while let Err(error) = apply(&mut connection).await {
            tries += 1;
            let error = match error {
                // Two processes made the same table at once: one of them sees this.
                Problem::Sql(error) if is_race(&error) && tries < TRIES_MAX => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
                Problem::Sql(error) => away(error),
                Problem::Newer(version) => unusable(
                    &format!("its schema has version {version}, this release knows {}", MIGRATIONS.len()),
                    "Start the release that was used last, or a newer one",
                ),
            };
            return Err(error);
        }
        Ok(())
    }
}

enum Problem {
    Sql(sqlx::Error),
    Newer(i64),
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        Self::Sql(error)
    }
}

async fn apply(connection: &mut PgConnection) -> Result<(), Problem> {
    let latest = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    // Most starts find everything done, and wait for nobody.
    let table: Option<String> =
        sqlx::query("SELECT to_regclass('schema_versions')::text").fetch_one(&mut *connection).await?.try_get(0)?;
    if table.is_some() && version(connection).await? == latest {
        return Ok(());
    }
    let mut transaction = connection.begin().await?;
    for statement in [
        "SET LOCAL statement_timeout = 0",
        "SET LOCAL client_min_messages = warning",
        "CREATE TABLE IF NOT EXISTS schema_versions (version bigint PRIMARY KEY, applied_at timestamptz NOT NULL)",
        "LOCK TABLE schema_versions IN ACCESS EXCLUSIVE MODE",
    ] {
        sqlx::query(statement).execute(&mut *transaction).await?;
    }
    let current = version(&mut transaction).await?;
    if current > latest {
        return Err(Problem::Newer(current));
    }
    for (number, migration) in (1_i64..).zip(MIGRATIONS).filter(|(number, _)| *number > current) {
        sqlx::raw_sql(*migration).execute(&mut *transaction).await?;
        let done = sqlx::query("INSERT INTO schema_versions (version, applied_at) VALUES ($1, now())").bind(number);
        done.execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(())
}

async fn version(connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query("SELECT coalesce(max(version), 0) FROM schema_versions").fetch_one(connection).await?.try_get(0)
}

fn is_race(error: &sqlx::Error) -> bool {
    fault::code(error).is_some_and(|code| matches!(&*code, "23505" | "42P07" | "42710" | "40001" | "40P01"))
}
