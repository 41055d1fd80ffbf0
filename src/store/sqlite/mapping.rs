//! The mapping and its versions.

use sqlx::SqliteConnection;

use super::{Sqlite, fault, now, texts};
use crate::mapping::Mapping;
use crate::store::StoreError;
use crate::store::columns::clean;
use crate::store::mapping::{self, FACTS, MappingChange, MappingColumns, MappingVersion, VersionColumns};

const VERSION: &str = "SELECT coalesce(max(version), 0) FROM mapping_versions";

/// One statement, so that version and rows belong together.
const ROWS: &str = "
SELECT v.version, r.cells
FROM (SELECT coalesce($1, max(version), 0) AS version FROM mapping_versions) v
LEFT JOIN mapping_rows r ON r.added_in <= v.version AND (r.ended_in IS NULL OR r.ended_in > v.version)
ORDER BY r.id";

const VERSIONS: &str = "
SELECT v.version, v.made_by, v.reason, v.made_at,
  (SELECT count(*) FROM mapping_rows r WHERE r.added_in = v.version) AS rows_set,
  (SELECT count(*) FROM mapping_rows r WHERE r.ended_in = v.version) AS rows_ended
FROM mapping_versions v ORDER BY v.version DESC LIMIT $1";

const BEGIN: &str = concat!(
    "INSERT INTO mapping_versions (version, made_by, reason, made_at)
SELECT $1 + 1, $2, $3, ",
    now!(),
    " WHERE (SELECT coalesce(max(version), 0) FROM mapping_versions) = $1"
);

const END_ROWS: &str = "
UPDATE mapping_rows SET ended_in = $1 WHERE ended_in IS NULL AND identity IN (SELECT value FROM json_each($2))";

const ADD_ROW: &str = "INSERT INTO mapping_rows (identity, cells, added_in) VALUES ($1, $2, $3)";

impl Sqlite {
    pub(crate) async fn mapping_version(&self) -> Result<u64, StoreError> {
        let row: (i64,) = self.one("reading the version of the mapping", sqlx::query_as(VERSION)).await?;
        Ok(row.0.cast_unsigned())
    }

    pub(crate) async fn mapping(&self, version: Option<u64>) -> Result<Mapping, StoreError> {
        let ask = sqlx::query_as(ROWS).bind(version.map(u64::cast_signed));
        let rows: Vec<MappingColumns> = self.rows("reading the mapping", ask).await?;
        let of = sqlx::query_as(FACTS).bind(mapping::version(&rows));
        mapping::mapping(rows, self.rows("reading the catalogue", of).await?)
    }

    pub(crate) async fn mapping_versions(&self, limit: u32) -> Result<Vec<MappingVersion>, StoreError> {
        let ask = sqlx::query_as(VERSIONS).bind(i64::from(limit));
        let rows: Vec<VersionColumns> = self.rows("reading versions of the mapping", ask).await?;
        Ok(rows.into_iter().map(VersionColumns::version).collect())
    }

    pub(crate) async fn change_mapping(&self, change: &MappingChange) -> Result<Option<u64>, StoreError> {
        let changed = self.make_version(change).await;
        Ok(changed.map_err(|error| fault::sort("changing the mapping", error))?)
    }

    async fn make_version(&self, change: &MappingChange) -> Result<Option<u64>, sqlx::Error> {
        let mut transaction = self.begin().await?;
        if !Self::begin_version(&mut transaction, (change.from, &change.by, &change.reason)).await? {
            return Ok(None);
        }
        let version = change.from.cast_signed() + 1;
        let ending = change.ending();
        let ending: Vec<_> = ending.iter().map(|identity| identity.as_str().into()).collect();
        sqlx::query(END_ROWS).bind(version).bind(texts(&ending)).execute(&mut *transaction).await?;
        for (identity, cells) in change.beginning() {
            let add = sqlx::query(ADD_ROW).bind(identity).bind(cells).bind(version);
            add.execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(Some(version.cast_unsigned()))
    }

    /// Begins the version after this one, with who makes it and why, unless somebody else did.
    pub(super) async fn begin_version(
        transaction: &mut SqliteConnection,
        (from, by, reason): (u64, &str, &str),
    ) -> Result<bool, sqlx::Error> {
        let begin = sqlx::query(BEGIN).bind(from.cast_signed()).bind(clean(by)).bind(clean(reason));
        Ok(begin.execute(transaction).await?.rows_affected() > 0)
    }
}
