//! Versions of the mapping: rows that hold from one version on until another one takes them away, so that every version
//! that a plan used can be shown again.

use std::ops::Range;

use jiff::Timestamp;
use sqlx::FromRow;

use super::catalogue::{FactColumns, catalogues};
use super::columns::{instant, json};
use super::{Store, StoreError, on};
use crate::mapping::{Cells, Mapping, Row};

/// A version of the mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappingVersion {
    /// Counted from 1.
    pub version: u64,
    /// Who made it.
    pub made_by: String,
    /// Why.
    pub reason: String,
    /// When, by the store's clock.
    pub made_at: Timestamp,
    /// How many rows are new in it or say something else.
    pub rows_set: u64,
    /// How many rows ended with it, those whose place was taken among them.
    pub rows_ended: u64,
}

/// What makes a new version.
#[derive(Clone, Debug)]
pub struct MappingChange {
    /// The version that it was made from: nothing is changed when another one came meanwhile.
    pub from: u64,
    /// Rows that are new, or take the place of the row of their identity.
    pub set: Vec<Row>,
    /// Rows that go.
    pub removed: Vec<Row>,
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
}

impl MappingChange {
    /// The identities of rows that end with it.
    pub(super) fn ending(&self) -> Vec<String> {
        self.set.iter().chain(&self.removed).map(Row::identity).collect()
    }

    /// What is to be inserted: identity and cells.
    pub(super) fn beginning(&self) -> impl Iterator<Item = (String, String)> {
        self.set.iter().map(|row| (row.identity(), serde_json::json!(row.cells()).to_string()))
    }
}

/// A row of a version as it is read; of a version without rows there is one without cells.
#[derive(FromRow)]
pub(super) struct MappingColumns {
    version: i64,
    cells: Option<String>,
}

/// What Dynamics said when a version was made. What is read is over: nothing changes in a version that was made.
pub(super) const FACTS: &str = "
SELECT environment, legal_entity, fact FROM catalogue_facts
WHERE added_in <= $1 AND (ended_in IS NULL OR ended_in > $1) ORDER BY id";

/// The version that rows are of, which is always one.
pub(super) fn version(columns: &[MappingColumns]) -> i64 {
    columns.first().map_or(0, |row| row.version)
}

/// The mapping of rows and facts as they are read.
pub(super) fn mapping(columns: Vec<MappingColumns>, facts: Vec<FactColumns>) -> Result<Mapping, StoreError> {
    let version = version(&columns).cast_unsigned();
    let rows = columns.into_iter().filter_map(|row| row.cells).map(|cells| row(&cells));
    Ok(Mapping::with_catalogues(version, rows.collect::<Result<_, _>>()?, catalogues(facts)?))
}

fn row(cells: &str) -> Result<Row, StoreError> {
    let cells: Cells = json("a row of the mapping", cells)?;
    Row::read(&cells).map_err(|problems| {
        let problem = problems.into_iter().map(|each| format!("{} {}", each.column, each.problem)).collect::<Vec<_>>();
        StoreError::Unusable {
            problem: format!("a row of its mapping cannot be read: {}", problem.join("; ")),
            remedy: "Start the release that wrote it, or a newer one".to_owned(),
        }
    })
}

/// A version as it is read.
#[derive(FromRow)]
pub(super) struct VersionColumns {
    version: i64,
    made_by: String,
    reason: String,
    made_at: i64,
    rows_set: i64,
    rows_ended: i64,
}

impl VersionColumns {
    pub(super) fn version(self) -> MappingVersion {
        MappingVersion {
            version: self.version.cast_unsigned(),
            made_by: self.made_by,
            reason: self.reason,
            made_at: instant(self.made_at),
            rows_set: self.rows_set.cast_unsigned(),
            rows_ended: self.rows_ended.cast_unsigned(),
        }
    }
}

impl Store {
    /// The missing things, by names that begin with `prefix`, for which messages wait that were planned with an older version
    /// of the mapping than `before` and are not due: each with the oldest such version, at most `limit` of them.
    pub async fn awaited(&self, prefix: &str, before: u64, limit: u32) -> Result<Vec<(String, u64)>, StoreError> {
        let found = on!(self, store => store.awaited(prefix, before, limit).await)?;
        Ok(found.into_iter().map(|(name, version)| (name, version.cast_unsigned())).collect())
    }

    /// Nothing that came after these versions, up to the one behind the last, answers what waits for these names: it counts as
    /// planned with that one.
    pub async fn pass_over(&self, names: &[String], versions: Range<u64>) -> Result<(), StoreError> {
        on!(self, store => store.pass_over(names, versions).await)
    }

    /// The newest version of the mapping; 0 before there is one.
    pub async fn mapping_version(&self) -> Result<u64, StoreError> {
        on!(self, store => store.mapping_version().await)
    }

    /// The mapping as it is, or as it was in a version.
    pub async fn mapping(&self, version: Option<u64>) -> Result<Mapping, StoreError> {
        on!(self, store => store.mapping(version).await)
    }

    /// The newest versions of the mapping, newest first.
    pub async fn mapping_versions(&self, limit: u32) -> Result<Vec<MappingVersion>, StoreError> {
        on!(self, store => store.mapping_versions(limit).await)
    }

    /// Makes a new version of the mapping; nothing when somebody else made one meanwhile. All of it, or nothing.
    pub async fn change_mapping(&self, change: &MappingChange) -> Result<Option<u64>, StoreError> {
        on!(self, store => store.change_mapping(change).await)
    }
}
