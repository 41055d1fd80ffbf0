//! How far periodic scans have read, and who scans.

use std::time::Duration;

use uuid::Uuid;

use super::Postgresql;
use crate::store::StoreError;
use crate::store::columns::{clean, micros};
use crate::store::scans::lease_name;

const LEASE: &str = "
INSERT INTO cursors (name, value, moved_at) VALUES ($1, $2, store_now())
ON CONFLICT (name) DO UPDATE SET value = excluded.value, moved_at = excluded.moved_at
WHERE cursors.value = excluded.value OR cursors.moved_at < excluded.moved_at - $3::bigint";

const MOVE: &str = "
INSERT INTO cursors (name, value, moved_at) VALUES ($1, $2, store_now())
ON CONFLICT (name) DO UPDATE SET value = excluded.value, moved_at = excluded.moved_at";

impl Postgresql {
    pub(crate) async fn lease(&self, name: &str, holder: Uuid, within: Duration) -> Result<bool, StoreError> {
        let ask = sqlx::query(LEASE).bind(lease_name(&clean(name))).bind(holder.to_string()).bind(micros(within));
        Ok(self.execute("asking who scans", ask).await? > 0)
    }

    pub(crate) async fn cursor(&self, name: &str) -> Result<Option<String>, StoreError> {
        let ask = sqlx::query_as("SELECT value FROM cursors WHERE name = $1").bind(clean(name));
        let rows: Vec<(String,)> = self.rows("reading how far a scan is", ask).await?;
        Ok(rows.into_iter().next().map(|(value,)| value))
    }

    pub(crate) async fn move_cursor(&self, name: &str, value: &str) -> Result<(), StoreError> {
        let ask = sqlx::query(MOVE).bind(clean(name)).bind(clean(value));
        self.execute("remembering how far a scan is", ask).await.map(|_| ())
    }
}
