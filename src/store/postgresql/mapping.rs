//! The mapping and its versions.

use super::Postgresql;
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

/// Two that change the same version at once: the number of the next one lets one of them through. Old rows end before new
/// ones of the same identity begin.
const CHANGE: &str = "
WITH made AS (
  INSERT INTO mapping_versions (version, made_by, reason, made_at)
  SELECT $1 + 1, $2, $3, store_now() WHERE (SELECT coalesce(max(version), 0) FROM mapping_versions) = $1
  ON CONFLICT DO NOTHING
  RETURNING version
), ended AS (
  UPDATE mapping_rows SET ended_in = made.version FROM made
  WHERE mapping_rows.ended_in IS NULL AND mapping_rows.identity = ANY ($4)
  RETURNING mapping_rows.id
), added AS (
  INSERT INTO mapping_rows (identity, cells, added_in)
  SELECT new.identity, new.cells, made.version
  FROM made CROSS JOIN (SELECT count(*) FROM ended) e
  CROSS JOIN LATERAL unnest($5::text[], $6::text[]) WITH ORDINALITY AS new (identity, cells, place)
  ORDER BY new.place
)
SELECT version FROM made";

impl Postgresql {
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
        let (identities, cells): (Vec<String>, Vec<String>) = change.beginning().unzip();
        let ask = sqlx::query_as(CHANGE)
            .bind(change.from.cast_signed())
            .bind(clean(&change.by))
            .bind(clean(&change.reason))
            .bind(change.ending())
            .bind(identities)
            .bind(cells);
        let made: Vec<(i64,)> = self.rows("changing the mapping", ask).await?;
        Ok(made.first().map(|(version,)| version.cast_unsigned()))
    }
}
