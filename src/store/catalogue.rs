//! What Dynamics says of its items: facts that hold from one version of the mapping on until another one ends them, so that
//! a plan's version says all that the plan was made with; and when each company was scanned.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use sqlx::FromRow;

use super::columns::{clean, instant, json};
use super::{Store, StoreError, on};
use crate::mapping::{Catalogue, Fact};
use crate::message::{Connection, LegalEntity};

/// So many facts change in one version at most; more make several, each true by itself.
const FACTS_MAX: usize = 10_000;

/// What a scan found.
#[derive(Clone, Debug)]
pub struct Scanned {
    /// The Dynamics environment.
    pub environment: Connection,
    /// The company.
    pub legal_entity: LegalEntity,
    /// All that Dynamics says.
    pub facts: Vec<Fact>,
    /// What could not be read, in words.
    pub lacks: Vec<String>,
    /// Who had it scanned.
    pub by: String,
}

/// When a company was scanned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogueScan {
    /// The Dynamics environment.
    pub environment: String,
    /// The company.
    pub legal_entity: String,
    /// When the last scan ended, by the store's clock.
    pub scanned_at: Timestamp,
    /// What it could not read, in words.
    pub lacks: Vec<String>,
}

/// What a scan changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The version of the mapping that all of it is in.
    pub version: u64,
    /// Facts that are new, or say something else than before.
    pub set: usize,
    /// Facts that Dynamics does not say any more.
    pub ended: usize,
}

/// What makes a new version.
pub(super) struct FactsChange<'a> {
    /// The version that it was made from: nothing is changed when another one came meanwhile.
    pub from: u64,
    pub environment: &'a str,
    pub legal_entity: &'a str,
    /// What ends, by identity: what is set again among it.
    pub ending: &'a [String],
    /// What begins: identity and fact.
    pub beginning: Vec<(String, String)>,
    pub by: &'a str,
    pub reason: String,
}

/// A fact as it is read.
#[derive(FromRow)]
pub(super) struct FactColumns {
    environment: String,
    legal_entity: String,
    fact: String,
}

/// What one company's facts are, as they are read.
#[derive(FromRow)]
pub(super) struct HeldColumns {
    identity: String,
    fact: String,
}

/// A scan as it is read.
#[derive(FromRow)]
pub(super) struct ScanColumns {
    environment: String,
    legal_entity: String,
    scanned_at: i64,
    lacks: String,
}

/// The catalogues of facts as they are read.
pub(super) fn catalogues(rows: Vec<FactColumns>) -> Result<Vec<Catalogue>, StoreError> {
    let mut companies: BTreeMap<(String, String), Vec<Fact>> = BTreeMap::new();
    for row in rows {
        let facts = companies.entry((row.environment, row.legal_entity)).or_default();
        facts.push(json("a fact of its catalogue", &row.fact)?);
    }
    let named = companies.into_iter().filter_map(|((environment, legal_entity), facts)| {
        Some(Catalogue::new(environment.parse().ok()?, legal_entity.parse().ok()?, facts))
    });
    Ok(named.collect())
}

impl ScanColumns {
    pub(super) fn scan(self) -> Result<CatalogueScan, StoreError> {
        Ok(CatalogueScan {
            environment: self.environment,
            legal_entity: self.legal_entity,
            scanned_at: instant(self.scanned_at),
            lacks: json("what a scan lacks", &self.lacks)?,
        })
    }
}

impl Store {
    /// Whether a scan of a company is due; if so, nobody else is told that for so long.
    pub async fn claim_scan(
        &self,
        environment: &Connection,
        legal_entity: &LegalEntity,
        lease: Duration,
    ) -> Result<bool, StoreError> {
        on!(self, store => store.claim_scan(environment, legal_entity, lease).await)
    }

    /// When companies were scanned the last time.
    pub async fn catalogue_scans(&self) -> Result<Vec<CatalogueScan>, StoreError> {
        on!(self, store => store.catalogue_scans().await)
    }

    /// Keeps what a scan found: what differs from what is known makes a new version of the mapping. The next scan is due
    /// after this time.
    pub async fn keep_scan(&self, scanned: &Scanned, next_after: Duration) -> Result<Kept, StoreError> {
        let (environment, legal_entity) = (scanned.environment.as_str(), scanned.legal_entity.as_str());
        let (mut set, mut ended) = (0, 0);
        let found: BTreeMap<String, String> = scanned
            .facts
            .iter()
            .map(|fact| (clean(&fact.identity()).into_owned(), serde_json::json!(fact).to_string()))
            .collect();
        let version = loop {
            let from = self.mapping_version().await?;
            let held = self.held_facts(environment, legal_entity).await?;
            let held: BTreeMap<_, _> = held.into_iter().map(|row| (row.identity, row.fact)).collect();
            let differs = |(identity, fact): &(&String, &String)| held.get(*identity) != Some(*fact);
            let beginning: Vec<_> = found.iter().filter(differs).take(FACTS_MAX).collect();
            let gone: Vec<_> = held.keys().filter(|identity| !found.contains_key(*identity)).take(FACTS_MAX).collect();
            if beginning.is_empty() && gone.is_empty() {
                break from;
            }
            let beginning: Vec<_> = beginning.into_iter().map(|(name, fact)| (name.clone(), fact.clone())).collect();
            let again = beginning.iter().map(|(identity, _)| identity).collect::<BTreeSet<_>>();
            let ending: Vec<_> = gone.iter().copied().chain(again).cloned().collect();
            let change = FactsChange {
                from,
                environment,
                legal_entity,
                ending: &ending,
                reason: format!(
                    "A scan of {environment}, {legal_entity}: {} facts set, {} ended.",
                    beginning.len(),
                    gone.len()
                ),
                beginning,
                by: &scanned.by,
            };
            if self.change_facts(&change).await?.is_some() {
                set += change.beginning.len();
                ended += gone.len();
            }
        };
        self.scan_ended(scanned, next_after).await?;
        Ok(Kept { version, set, ended })
    }

    async fn held_facts(&self, environment: &str, legal_entity: &str) -> Result<Vec<HeldColumns>, StoreError> {
        on!(self, store => store.held_facts(environment, legal_entity).await)
    }

    async fn change_facts(&self, change: &FactsChange<'_>) -> Result<Option<u64>, StoreError> {
        on!(self, store => store.change_facts(change).await)
    }

    async fn scan_ended(&self, scanned: &Scanned, next_after: Duration) -> Result<(), StoreError> {
        on!(self, store => store.scan_ended(scanned, next_after).await)
    }
}
