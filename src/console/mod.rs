//! WHERE PEOPLE LOOK: for now what operators' tools ask every role: does it live, can it work, what does it count.
//!
//! It refuses to change anything. Invariant: `/livez` speaks of this process alone, so that nobody restarts it for
//! somebody else's outage; `/readyz` says in plain words what is missing.

mod operations;

pub use operations::{Operations, operations};
