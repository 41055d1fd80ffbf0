//! Snapshots of stock.

use super::Sqlite;
use crate::store::StoreError;
use crate::store::asked::SnapshotView;
use crate::store::columns::clean;
use crate::store::snapshots::SnapshotPart;
use crate::store::snapshots::{LISTED, ListedColumns, PARTS, PartColumns};

impl Sqlite {
    pub(crate) async fn snapshots(
        &self,
        connection: Option<&str>,
        limit: u32,
    ) -> Result<Vec<SnapshotView>, StoreError> {
        let ask = sqlx::query_as(LISTED).bind(connection.map(|name| clean(name).into_owned())).bind(i64::from(limit));
        let listed: Vec<ListedColumns> = self.rows("listing snapshots", ask).await?;
        Ok(listed.into_iter().map(SnapshotView::from).collect())
    }

    pub(crate) async fn snapshot_parts(
        &self,
        connection: &str,
        snapshot: &str,
    ) -> Result<Vec<SnapshotPart>, StoreError> {
        let ask = sqlx::query_as(PARTS).bind(clean(connection).into_owned()).bind(clean(snapshot).into_owned());
        let parts: Vec<PartColumns> = self.rows("reading a snapshot", ask).await?;
        Ok(parts.into_iter().map(SnapshotPart::from).collect())
    }
}
