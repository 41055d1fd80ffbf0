//! What is seen of scans of Dynamics' items, and of what its versions have.

use std::time::Duration;

use metrics::{counter, gauge};
use tracing::{info, warn};

/// What Dynamics says of a company's items was read and kept.
#[derive(Debug)]
pub struct CatalogueScanned<'a> {
    /// The Dynamics environment.
    pub environment: &'a str,
    /// The company.
    pub legal_entity: &'a str,
    /// How much it says.
    pub facts: usize,
    /// What of it is new, or different.
    pub set: usize,
    /// What it does not say any more.
    pub ended: usize,
    /// What could not be read.
    pub lacks: &'a str,
    /// From the first call to the commit.
    pub took: Duration,
}

impl CatalogueScanned<'_> {
    /// Writes the line and moves the metrics.
    pub fn emit(&self) {
        let Self { environment, legal_entity, facts, set, ended, lacks, took } = self;
        counter!("drayline_catalogue_scans_total", "outcome" => "kept").increment(1);
        let (of, company) = ((*environment).to_owned(), (*legal_entity).to_owned());
        let known = gauge!("drayline_catalogue_facts", "environment" => of, "legal_entity" => company);
        known.set(u32::try_from(*facts).unwrap_or(u32::MAX));
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        info!(environment, legal_entity, facts, set, ended, lacks, took_ms, "items were scanned");
    }
}

/// A scan did not end well.
#[derive(Debug)]
pub struct CatalogueNotScanned<'a> {
    /// The Dynamics environment.
    pub environment: &'a str,
    /// The company.
    pub legal_entity: &'a str,
    /// Why, and what to do.
    pub why: &'a str,
}

impl CatalogueNotScanned<'_> {
    /// Writes the line and moves the metric.
    pub fn emit(&self) {
        counter!("drayline_catalogue_scans_total", "outcome" => "failed").increment(1);
        warn!(
            environment = self.environment,
            legal_entity = self.legal_entity,
            why = self.why,
            "items were not scanned"
        );
    }
}

/// An environment's version has not all that the configuration needs.
#[derive(Debug)]
pub struct VersionLacks<'a> {
    /// What is missing, and what to do.
    pub sentence: &'a str,
}

impl VersionLacks<'_> {
    /// Writes the line.
    pub fn emit(&self) {
        warn!("{}", self.sentence);
    }
}

/// An environment could not be asked what it has.
#[derive(Debug)]
pub struct VersionNotAsked<'a> {
    /// The Dynamics environment.
    pub environment: &'a str,
    /// Why, and what to do.
    pub why: &'a str,
}

impl VersionNotAsked<'_> {
    /// Writes the line.
    pub fn emit(&self) {
        warn!(
            environment = self.environment,
            why = self.why,
            "an environment was not asked what it has; it is asked again"
        );
    }
}
