//! What Dynamics says of its items, and when it was scanned.

use std::time::Duration;

use super::{Sqlite, fault, now, set, texts};
use crate::message::{Connection, LegalEntity};
use crate::store::StoreError;
use crate::store::catalogue::{CatalogueScan, FactsChange, HeldColumns, ScanColumns, Scanned};
use crate::store::columns::micros;

const CLAIM: &str = concat!(
    "INSERT INTO catalogue_scans (environment, legal_entity, due_at, lacks) VALUES ($1, $2, ",
    now!(),
    " + $3, '[]')
ON CONFLICT (environment, legal_entity) DO UPDATE SET due_at = excluded.due_at WHERE catalogue_scans.due_at <= ",
    now!()
);

const SCANS: &str = "
SELECT environment, legal_entity, scanned_at, lacks FROM catalogue_scans WHERE scanned_at IS NOT NULL
ORDER BY environment, legal_entity";

const HELD: &str = "
SELECT identity, fact FROM catalogue_facts WHERE environment = $1 AND legal_entity = $2 AND ended_in IS NULL";

const END: &str = "
UPDATE catalogue_facts SET ended_in = $1
WHERE ended_in IS NULL AND environment = $2 AND legal_entity = $3 AND identity IN (SELECT value FROM json_each($4))";

const ADD: &str = "
INSERT INTO catalogue_facts (environment, legal_entity, identity, fact, added_in)
SELECT $2, $3, value ->> 0, value ->> 1, $1 FROM json_each($4) ORDER BY key";

const ENDED: &str = concat!(
    "INSERT INTO catalogue_scans (environment, legal_entity, due_at, scanned_at, lacks)
VALUES ($1, $2, ",
    now!(),
    " + $3, ",
    now!(),
    ", $4)
ON CONFLICT (environment, legal_entity)
DO UPDATE SET due_at = excluded.due_at, scanned_at = excluded.scanned_at, lacks = excluded.lacks"
);

impl Sqlite {
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
        self.rows("reading the catalogue", ask).await
    }

    pub(in crate::store) async fn change_facts(&self, change: &FactsChange<'_>) -> Result<Option<u64>, StoreError> {
        let changed = self.make_facts(change).await;
        Ok(changed.map_err(|error| fault::sort("changing the catalogue", error))?)
    }

    async fn make_facts(&self, change: &FactsChange<'_>) -> Result<Option<u64>, sqlx::Error> {
        let mut transaction = self.begin().await?;
        if !Self::begin_version(&mut transaction, (change.from, change.by, &change.reason)).await? {
            return Ok(None);
        }
        let version = change.from.cast_signed() + 1;
        let of = |statement: &'static str| {
            let (environment, legal_entity) = (change.environment.to_owned(), change.legal_entity.to_owned());
            sqlx::query(statement).bind(version).bind(environment).bind(legal_entity)
        };
        let ending: Vec<_> = change.ending.iter().map(|identity| identity.as_str().into()).collect();
        of(END).bind(texts(&ending)).execute(&mut *transaction).await?;
        let beginning = change.beginning.iter();
        let beginning = beginning.map(|(identity, fact)| vec![identity.as_str().into(), fact.as_str().into()]);
        of(ADD).bind(set(beginning)).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(Some(version.cast_unsigned()))
    }

    pub(in crate::store) async fn scan_ended(&self, scanned: &Scanned, next_after: Duration) -> Result<(), StoreError> {
        let (environment, legal_entity) = (scanned.environment.to_string(), scanned.legal_entity.to_string());
        let lacks = serde_json::json!(scanned.lacks).to_string();
        let end = sqlx::query(ENDED).bind(environment).bind(legal_entity).bind(micros(next_after)).bind(lacks);
        self.execute("keeping when it was scanned", end).await.map(|_| ())
    }
}
