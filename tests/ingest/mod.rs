//! Suite `ingest`: what the doors believe, understand, keep and answer.

mod anew;
mod answers;
mod checks;
mod durability;
mod finance_operations;
pub mod house;
mod instants;
mod signatures;
mod standard;
