//! WHERE PEOPLE LOOK: what operators' tools ask every role (does it live, can it work, what does it count), and the API
//! under `/v1`, the only way in for whoever works on what waits.
//!
//! Invariants: `/livez` speaks of this process alone, so that nobody restarts it for somebody else's outage; `/readyz`
//! says in plain words what is missing. Nothing is changed but by a caller who may, and not before it stands in the trail.

mod api;
mod operations;

pub use api::{
    Access, Answers, Api, Caller, Described, FirstLink, OwnToken, Problem, TOKEN_FILE, USER, api, described,
};
pub use operations::{Operations, operations};
