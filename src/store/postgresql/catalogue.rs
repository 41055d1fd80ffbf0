//! What Dynamics says of its items, and when it was scanned.

use std::time::Duration;

use super::Postgresql;
use crate::message::{Connection, LegalEntity};
use crate::store::StoreError;
use crate::store::catalogue::{CatalogueScan, FactsChange, HeldColumns, ScanColumns, Scanned};
use crate::store::columns::{clean, micros};

const CLAIM: &str = "
INSERT INTO catalogue_scans (environment, legal_entity, due_at, lacks) VALUES ($1, $2, store_now() + $3, '[]')
ON CONFLICT (environment, legal_entity) DO UPDATE SET due_at = excluded.due_at
WHERE catalogue_scans.due_at <= store_now()";

const SCANS: &str = "
SELECT environment, legal_entity, scanned_at, lacks FROM catalogue_scans WHERE scanned_at IS NOT NULL
ORDER BY environment, legal_entity";

const HELD: &str = "
SELECT identity, fact FROM catalogue_facts WHERE environment = $1 AND legal_entity = $2 AND ended_in IS NULL";

/// As the mapping's rows are changed: of two that change the same version at once, the number of the next one lets one of
/// them through.
const CHANGE: &str = "
WITH made AS (
  INSERT INTO mapping_versions (version, made_by, reason, made_at)
  SELECT $1 + 1, $2, $3, store_now() WHERE (SELECT coalesce(max(version), 0) FROM mapping_versions) = $1
  ON CONFLICT DO NOTHING
  RETURNING version
), ended AS (
  UPDATE catalogue_facts SET ended_in = made.version FROM made
  WHERE ended_in IS NULL AND environment = $4 AND legal_entity = $5 AND identity = ANY ($6)
  RETURNING catalogue_facts.id
), added AS (
  INSERT INTO catalogue_facts (environment, legal_entity, identity, fact, added_in)
  SELECT $4, $5, new.identity, new.fact, made.version
  FROM made CROSS JOIN (SELECT count(*) FROM ended) e
  CROSS JOIN LATERAL unnest($7::text[], $8::text[]) WITH ORDINALITY AS new (identity, fact, place)
  ORDER BY new.place
)
SELECT version FROM made";

const ENDED: &str = "
INSERT INTO catalogue_scans (environment, legal_entity, due_at, scanned_at, lacks)
VALUES ($1, $2, store_now() + $3, store_now(), $4)
ON CONFLICT (environment, legal_entity)
DO UPDATE SET due_at = excluded.due_at, scanned_at = excluded.scanned_at, lacks = excluded.lacks";

impl Postgresql {
    pub(in crate::store) async fn claim_scan(
        &self,
        environment: &Connection,
        legal_entity: &LegalEntity,
        lease: Duration,
    ) -> Result<bool, StoreError> {
        let claim = sqlx::query(CLAIM).bind(environment.to_string()).bind(legal_entity.to_string());
        Ok(self.execute("claiming a scan", claim.bind(micros(lease))).await? > 0)
    }

    pub(in crate::store) async fn catalogue_scans(&self) -> Result<Vec<CatalogueScan>, StoreError> {
        let rows: Vec<ScanColumns> = self.rows("reading when it was scanned", sqlx::query_as(SCANS)).await?;
        rows.into_iter().map(ScanColumns::scan).collect()
    }

    pub(in crate::store) async fn held_facts(
        &self,
        environment: &str,
        legal_entity: &str,
    ) -> Result<Vec<HeldColumns>, StoreError> {
        let ask = sqlx::query_as(HELD).bind(environment.to_owned()).bind(legal_entity.to_owned());
        Ok(self.rows("reading the catalogue", ask).await?)
    }

    pub(in crate::store) async fn change_facts(&self, change: &FactsChange<'_>) -> Result<Option<u64>, StoreError> {
        let (identities, facts): (Vec<String>, Vec<String>) = change.beginning.iter().cloned().unzip();
        let ask = sqlx::query_as(CHANGE)
            .bind(change.from.cast_signed())
            .bind(clean(change.by).into_owned())
            .bind(clean(&change.reason).into_owned())
            .bind(change.environment.to_owned())
            .bind(change.legal_entity.to_owned())
            .bind(change.ending.to_vec())
            .bind(identities)
            .bind(facts);
        let made: Vec<(i64,)> = self.rows("changing the catalogue", ask).await?;
        Ok(made.first().map(|(version,)| version.cast_unsigned()))
    }

    pub(in crate::store) async fn scan_ended(&self, scanned: &Scanned, next_after: Duration) -> Result<(), StoreError> {
        let (environment, legal_entity) = (scanned.environment.to_string(), scanned.legal_entity.to_string());
        let lacks = serde_json::json!(scanned.lacks).to_string();
        let end = sqlx::query(ENDED).bind(environment).bind(legal_entity).bind(micros(next_after)).bind(lacks);
        self.execute("keeping when it was scanned", end).await.map(|_| ())
    }
}
