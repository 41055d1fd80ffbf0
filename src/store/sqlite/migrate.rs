//! The schema, brought up to date: one transaction that holds the write lock, so that several processes that start at
//! once do it one after another, and a crash leaves nothing half done.

use std::time::Duration;

use sqlx::{Row as _, SqliteConnection};

use super::{Sqlite, fault};
use crate::clock::Clock;
use crate::store::StoreError;

/// Every step of the schema; a released one is never changed.
const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/sqlite/0001_first_day.sql"),
    include_str!("../migrations/sqlite/0002_mapping.sql"),
    include_str!("../migrations/sqlite/0003_snapshots.sql"),
    include_str!("../migrations/sqlite/0004_catalogue.sql"),
    include_str!("../migrations/sqlite/0005_progress.sql"),
    include_str!("../migrations/sqlite/0006_api.sql"),
    include_str!("../migrations/sqlite/0007_names.sql"),
    include_str!("../migrations/sqlite/0008_exceptions_work.sql"),
    include_str!("../migrations/sqlite/0009_campaigns.sql"),
    include_str!("../migrations/sqlite/0010_before_go_live.sql"),
    include_str!("../migrations/sqlite/0011_dry_runs.sql"),
    include_str!("../migrations/sqlite/0012_patches.sql"),
    include_str!("../migrations/sqlite/0013_waits.sql"),
    include_str!("../migrations/sqlite/0014_found.sql"),
    include_str!("../migrations/sqlite/0015_few.sql"),
    include_str!("../migrations/sqlite/0016_seen_and_items.sql"),
    include_str!("../migrations/sqlite/0017_kept.sql"),
    include_str!("../migrations/sqlite/0018_outstanding.sql"),
];

/// Turning the write-ahead log on asks for the whole file and does not wait for it: it is asked again after this.
const AGAIN_AFTER: Duration = Duration::from_millis(20);

const DOING: &str = "bringing its schema up to date";

impl Sqlite {
    pub(super) async fn migrate(&self, patience: Duration) -> Result<(), StoreError> {
        let clock = Clock::system();
        let started = clock.mark();
        loop {
            match self.apply().await {
                Ok(version) if version > latest() => {
                    return Err(StoreError::Unusable {
                        problem: format!("its schema has version {version}, this release knows {}", latest()),
                        remedy: "Start the release that was used last, or a newer one".to_owned(),
                    });
                }
                Ok(_) => return Ok(()),
                Err(error) if fault::is_busy(&error) && clock.since(started) < patience => {
                    tokio::time::sleep(AGAIN_AFTER).await;
                }
                Err(error) => return Err(fault::sort(DOING, error).into()),
            }
        }
    }

    async fn apply(&self) -> Result<i64, sqlx::Error> {
        let mut connection = self.writer.acquire().await?;
        let current = version(&mut connection).await?;
        drop(connection);
        if current >= latest() {
            return Ok(current);
        }
        let mut transaction = self.begin().await?;
        let current = version(&mut transaction).await?;
        for (_, migration) in (1_i64..).zip(MIGRATIONS).filter(|(number, _)| *number > current) {
            sqlx::raw_sql(*migration).execute(&mut *transaction).await?;
        }
        let done = sqlx::AssertSqlSafe(format!("PRAGMA user_version = {}", latest().max(current)));
        sqlx::raw_sql(done).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(latest().max(current))
    }
}

fn latest() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

async fn version(connection: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    sqlx::query("PRAGMA user_version").fetch_one(connection).await?.try_get(0)
}
