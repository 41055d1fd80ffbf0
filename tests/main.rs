//! All suites in one binary, so that the crate is linked once.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test that cannot go on shall say so at once"
)]

mod config;
mod conformance;
mod console;
mod faults;
mod flows;
mod gateways;
mod house;
mod ingest;
mod mapping;
mod message;
mod processor;
mod road;
mod sandbox;
mod simulation;
mod support;
mod tidy;
