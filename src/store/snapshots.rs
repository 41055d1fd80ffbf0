//! Snapshots of stock as they are read: parts as they came, and whether all of them are here.

use jiff::Timestamp;
use sqlx::FromRow;

use super::asked::SnapshotView;
use super::columns::instant;
use super::{Store, StoreError, on};

/// A snapshot of stock, or one part of it, as a warehouse told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotPart {
    /// Who told it.
    pub connection: String,
    /// Its name, the same for all parts.
    pub snapshot: String,
    /// Counted from 1.
    pub part: u32,
    /// How many there are.
    pub parts: u32,
    /// When the stock was as told.
    pub taken_at: Timestamp,
    /// What it speaks of: `FULL`, `SKU_LIST`, `SINGLE`.
    pub scope: String,
    /// How many lines it has.
    pub line_count: u32,
    /// Its lines, as a JSON list of `drayline.v1.SnapshotLine`.
    pub lines: String,
}

/// Which there are. The number of parts is what the largest part says.
pub(super) const LISTED: &str = "
SELECT connection, snapshot, max(taken_at) AS taken_at, max(scope) AS scope, max(parts) AS parts, count(*) AS parts_here,
  CAST(sum(line_count) AS bigint) AS lines
FROM snapshot_parts WHERE (CAST($1 AS text) IS NULL OR connection = $1)
GROUP BY connection, snapshot ORDER BY 3 DESC, 1, 2 LIMIT $2";

pub(super) const PARTS: &str = "
SELECT connection, snapshot, part, parts, taken_at, scope, line_count, lines FROM snapshot_parts
WHERE connection = $1 AND snapshot = $2 ORDER BY part";

/// A snapshot as it is listed.
#[derive(FromRow)]
pub(super) struct ListedColumns {
    connection: String,
    snapshot: String,
    taken_at: i64,
    scope: String,
    parts: i64,
    parts_here: i64,
    lines: i64,
}

/// A part as it is read.
#[derive(FromRow)]
pub(super) struct PartColumns {
    connection: String,
    snapshot: String,
    part: i64,
    parts: i64,
    taken_at: i64,
    scope: String,
    line_count: i64,
    lines: String,
}

impl From<ListedColumns> for SnapshotView {
    fn from(row: ListedColumns) -> Self {
        Self {
            taken_at: instant(row.taken_at),
            parts: u32::try_from(row.parts).unwrap_or(u32::MAX),
            parts_here: u32::try_from(row.parts_here).unwrap_or(u32::MAX),
            lines: u64::try_from(row.lines).unwrap_or_default(),
            connection: row.connection,
            snapshot: row.snapshot,
            scope: row.scope,
        }
    }
}

impl From<PartColumns> for SnapshotPart {
    fn from(row: PartColumns) -> Self {
        Self {
            part: u32::try_from(row.part).unwrap_or(u32::MAX),
            parts: u32::try_from(row.parts).unwrap_or(u32::MAX),
            taken_at: instant(row.taken_at),
            line_count: u32::try_from(row.line_count).unwrap_or(u32::MAX),
            connection: row.connection,
            snapshot: row.snapshot,
            scope: row.scope,
            lines: row.lines,
        }
    }
}

impl Store {
    /// The snapshots of stock that a connection told, or that all told, the latest first.
    pub async fn snapshots(&self, connection: Option<&str>, limit: u32) -> Result<Vec<SnapshotView>, StoreError> {
        on!(self, store => store.snapshots(connection, limit).await)
    }

    /// The parts of a snapshot that are here, in their order.
    pub async fn snapshot_parts(&self, connection: &str, snapshot: &str) -> Result<Vec<SnapshotPart>, StoreError> {
        on!(self, store => store.snapshot_parts(connection, snapshot).await)
    }
}
