//! What Dynamics says of its items comes in by scan: on a schedule, in whichever process it is due first, and when somebody
//! asks for it. A scan that finds nothing new changes nothing.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::config::{Config, ms};
use crate::failure::{Code, Failure};
use crate::gateways::Gateways;
use crate::message::{Connection, LegalEntity};
use crate::store::{Kept, Scanned, Store, StoreError};
use crate::telemetry::{CatalogueNotScanned, CatalogueScanned};

/// What scans need; all of it cheap to clone.
#[derive(Clone)]
#[allow(missing_docs, reason = "each is explained at its type")]
pub struct CatalogueScans {
    pub config: Arc<Config>,
    pub clock: Clock,
    pub store: Store,
    pub gateways: Gateways,
}

/// A scan that did not end well.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// Dynamics could not be read.
    #[error("{}", .0.sentence)]
    Dynamics(Failure),
    /// What it says could not be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CatalogueScans {
    /// Looks again and again whether a scan is due; it never ends by itself.
    pub async fn run(self) {
        let mut looks = tokio::time::interval(ms(self.config.ingest.scan_look_ms));
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            for (environment, legal_entity) in self.companies() {
                self.scan_if_due(&environment, &legal_entity).await;
            }
        }
    }

    /// Every company of every environment that takes part.
    #[must_use]
    pub fn companies(&self) -> Vec<(Connection, LegalEntity)> {
        let environments = self.gateways.environments();
        let of = |name: &Connection| (name.clone(), self.gateways.companies(name));
        let companies = environments.map(|dynamics| of(dynamics.name()));
        companies.flat_map(|(name, all)| all.into_iter().map(move |company| (name.clone(), company))).collect()
    }

    async fn scan_if_due(&self, environment: &Connection, legal_entity: &LegalEntity) {
        let Some(config) = self.config.dynamics.get(environment.as_str()) else { return };
        if config.catalogue.scan_hours == 0 {
            return;
        }
        let lease = Duration::from_secs(config.catalogue.retry_s);
        let scanned = match self.store.claim_scan(environment, legal_entity, lease).await {
            Ok(false) => return,
            Ok(true) => self.scan((environment, legal_entity), "drayline").await.map(|_| ()),
            Err(error) => Err(error.into()),
        };
        if let Err(error) = scanned {
            let (environment, legal_entity) = (environment.as_str(), legal_entity.as_str());
            CatalogueNotScanned { environment, legal_entity, why: &error.to_string() }.emit();
        }
    }

    /// Reads what Dynamics says of a company's items, and keeps it.
    ///
    /// # Errors
    /// [`ScanError`]: nothing is changed then, or only a part of what was found, each fact true by itself.
    pub async fn scan(
        &self,
        (environment, legal_entity): (&Connection, &LegalEntity),
        by: &str,
    ) -> Result<Kept, ScanError> {
        let began = self.clock.mark();
        let unknown = || Failure::new(Code::ConnectionUnknown, format!("{environment} is not configured."));
        let dynamics = self.gateways.dynamics(environment).ok_or_else(|| ScanError::Dynamics(unknown()))?;
        self.refuse_paused(environment).await?;
        let (facts, lacks) = dynamics.catalogue(legal_entity).await.map_err(|error| {
            let doing = format!("read what Dynamics says of the items of {legal_entity}");
            ScanError::Dynamics(dynamics.failure(&error, &doing))
        })?;
        let (environment, legal_entity) = (environment.clone(), legal_entity.clone());
        let scanned = Scanned { environment, legal_entity, facts, lacks, by: by.to_owned() };
        let kept = self.store.keep_scan(&scanned, self.next_after(&scanned.environment)).await?;
        CatalogueScanned {
            environment: scanned.environment.as_str(),
            legal_entity: scanned.legal_entity.as_str(),
            facts: scanned.facts.len(),
            set: kept.set,
            ended: kept.ended,
            lacks: &scanned.lacks.join("; "),
            took: self.clock.since(began),
        }
        .emit();
        Ok(kept)
    }

    /// What people paused is not called by scans either.
    async fn refuse_paused(&self, environment: &Connection) -> Result<(), ScanError> {
        match self.store.pause_of(environment).await? {
            None => Ok(()),
            Some(pause) => Err(ScanError::Dynamics(Failure::new(
                Code::ConnectionPaused,
                format!("{pause} It is scanned again once `drayline resume {}` lets it go on.", pause.options()),
            ))),
        }
    }

    fn next_after(&self, environment: &Connection) -> Duration {
        let hours = self.config.dynamics.get(environment.as_str()).map_or(0, |config| config.catalogue.scan_hours);
        Duration::from_secs(hours.saturating_mul(3600))
    }
}
