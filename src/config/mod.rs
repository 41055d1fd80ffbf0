//! All configuration: parsed once, checked at start, then immutable.
//!
//! The defaults are `config/default.toml`, compiled in: what the file says is what the code does. Unknown keys are
//! errors, and all problems are told at once with their place. Secrets are named, never written.

mod adjustments;
mod adoption;
mod catalogue;
mod changes;
mod check;
mod connections;
mod limits;
mod load;
mod returns;
mod secret;
mod settings;

use serde::Serialize;

pub use adjustments::{Adjustments, BelongsTo, Journals, Statuses};
pub use adoption::{Adoption, filled};
pub use catalogue::{Catalogue, ChosenBy, TrackedBy};
pub use changes::{CHANGEABLE, ChangedUntil, Changes};
pub use check::check;
pub use connections::{
    ClosedPeriods, Commit, DimensionRows, Dynamics, DynamicsKind, Inbound, Mode, Outbound, Rate, ScanFields, Stage,
    Together, Warehouse,
};
pub use limits::{FieldLimits, Letters, Limited, Limits, limited_fields};
pub use load::{DEFAULTS, load, load_text, load_with};
pub use returns::{Returns, UndeliverableCredit};
pub use secret::{Secret, SecretError, address};
pub use settings::{
    Config, Console, Exceptions, Gateways, Ingest, Operations, Partitions, Processor, Rehearsal, Scan, Store,
    StoreKind, Transport, TransportKind, Watch, ms,
};

/// Something about the configuration that a person should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Whether anything can start with it.
    pub severity: Severity,
    /// The key, and where its value comes from.
    pub place: String,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub remedy: String,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing starts.
    Error,
    /// It starts, but somebody should look.
    Warning,
}

impl Finding {
    /// A finding with which nothing starts.
    #[must_use]
    pub fn error(place: impl Into<String>, problem: &str, remedy: &str) -> Self {
        Self { severity: Severity::Error, place: place.into(), problem: problem.to_owned(), remedy: remedy.to_owned() }
    }

    /// A finding with which everything starts.
    #[must_use]
    pub fn warning(place: impl Into<String>, problem: &str, remedy: &str) -> Self {
        Self { severity: Severity::Warning, ..Self::error(place, problem, remedy) }
    }
}
