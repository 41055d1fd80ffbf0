//! Drayline keeps Microsoft Dynamics 365 and third-party logistics warehouses in step.
//!
//! The modules from the ground up, which is also the order of the road: a message enters, travels, is worked on, and
//! ends. Each may speak of those above it in this list, never of its neighbours (`docs/architecture.md`).

pub mod app;
pub mod cli;
// The ground: failures, time, limits.
pub mod clock;
pub mod config;
pub mod console;
pub mod exceptions;
pub mod failure;

// What travels.
pub mod message;
pub mod processor;
pub mod sandbox;
pub mod rehearsal;
pub mod store;

// What is seen.
pub mod telemetry;

// Whom we call, what is remembered, how it travels.
pub mod gateways;
pub mod store;
pub mod transport;

// What we do, where it enters.
pub mod flows;
pub mod ingest;

// Who drives.
pub mod processor;
