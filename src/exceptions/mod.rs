//! WHERE IT WAITS: what a person works on, as people see it.
//!
//! In this release an exception is a view of a parked message that waits for a person; nothing is stored twice. It
//! refuses to decide anything: replaying makes a parked row due, and the attempt decides again.
//! Invariant: whatever waits for a person is in this list, with what happened and what to do next.

mod view;

pub use view::{Attempted, Exception, Selection, list, show};
