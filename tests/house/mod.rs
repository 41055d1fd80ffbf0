//! Around the code: what it depends on, what is deployed, and on what the suites stand.

mod compose;
mod dependencies;
mod deploy;
mod members;
