//! WHAT IS SEEN: every observable event once, its log line and its metric together.
//!
//! An event is a type; emitting it writes the line and moves the metric. Never bodies, secrets or personal data. A
//! failure is logged once, where it is handled.

mod broker;
mod catalogue;
mod events;
mod far_ends;
mod logging;
mod scrape;
mod triage;

pub use broker::{BrokerBlocked, BrokerWarning, QueueLost, SessionChanged};
pub use catalogue::{CatalogueNotScanned, CatalogueScanned, VersionLacks, VersionNotAsked};
pub use events::{
    AssumptionBroken, AttemptEnded, IngestAnswered, MappingKnown, NotDeliveredKept, OutboxMeasured, OwnershipChanged,
    ParkedMeasured, PartitionLeft, RelayHeld, ScanFailed, ScanFound, SecretUnread, StoreAway, StrangerForwarded,
};
pub use far_ends::{FarEndCalled, FarEndChanged, FarEndMeasured, ReadingChanged};
pub use logging::{Format, start_logging};
pub use scrape::Scrape;
pub use triage::{CampaignTurned, ExceptionsAnnounced, ExceptionsScanned, StrandedReturned};
