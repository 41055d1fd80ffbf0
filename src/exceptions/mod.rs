//! WHERE IT WAITS: what a person works on, as people see it.
//!
//! What is open is a view of the parked messages that wait for a person, so that it is never out of date; triage
//! remembers each beyond that, from its announcement or by a scan, with how it ended. It refuses to decide anything:
//! replaying makes a parked row due, and the attempt decides again.
//! Invariant: whatever waits for a person is in this list, with what happened and what to do next.

mod triage;
mod view;

pub use triage::{Desk, Triage};
pub use view::{Attempted, Closed, Exception, Selection, Shown, list, show};
