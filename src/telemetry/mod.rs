//! WHAT IS SEEN: every observable event once, its log line and its metric together.
//!
//! An event is a type; emitting it writes the line and moves the metric. Never bodies, secrets or personal data. A
//! failure is logged once, where it is handled.

mod events;
mod far_ends;
mod logging;
mod scrape;
mod triage;

pub use events::{
    AssumptionBroken, AttemptEnded, BrokerBlocked, BrokerWarning, IngestAnswered, NotDeliveredKept, OutboxMeasured,
    OwnershipChanged, ParkedMeasured, PartitionLeft, RelayHeld, SecretUnread, SessionChanged, StoreAway,
    StrangerForwarded,
};
pub use far_ends::{FarEndCalled, FarEndChanged, FarEndMeasured, ReadingChanged};
pub use logging::{Format, start_logging};
pub use scrape::Scrape;
pub use triage::{ExceptionsAnnounced, ExceptionsScanned, StrandedReturned};
