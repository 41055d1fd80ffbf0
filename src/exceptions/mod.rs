//! WHERE IT WAITS: what a person works on, as people see it.
//!
//! What is open is a view of the parked messages that wait for a person, so that it is never out of date; triage
//! remembers each beyond that, from its announcement or by a scan, with how it ended. It refuses to decide anything:
//! replaying makes a parked row due, and the attempt decides again.
//! Invariant: whatever waits for a person is in this list, with what happened and what to do next.

mod again;
mod by_hand;
mod campaign;
mod filter;
mod matching;
mod patch;
mod triage;
mod view;

pub use again::{OnceMore, once_more};
pub use by_hand::{Resolved, Verdict, resolve};
pub use campaign::{CampaignView, NotPlanned, Pace, Plan, Turn, Turned, approve, change, plan, status};
pub use filter::{NAMES, duration, filter, parts};
pub use matching::{Match, Matched, Suggestion, match_return, suggestions};
pub use patch::{Patch, Patched};
pub use triage::{Desk, Triage};
pub use view::{Exception, Owners, Shown, codes_of, documents_of, list, owner, page, parked, show};
