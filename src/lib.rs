//! Drayline keeps Microsoft Dynamics 365 and third-party logistics warehouses in step.
//!
//! The modules from the ground up, which is also the order of the road: a message enters, travels, is worked on, and
//! ends. Each may speak of those above it in this list, never of its neighbours (`docs/architecture.md`).

// The ground: failures, time, limits.
pub mod clock;
pub mod config;
pub mod failure;
pub mod rehearsal;

// What travels.
pub mod message;

// What is seen, what means what.
pub mod mapping;
pub mod telemetry;
pub mod translation;

// Whom we call, what is remembered, how it travels.
pub mod gateways;
pub mod store;
pub mod transport;

// What we do, where it enters, where it waits, and far ends to try it on.
pub mod exceptions;
pub mod flows;
pub mod ingest;
pub mod sandbox;

// Who drives.
pub mod processor;

// Where people look.
pub mod console;

// What puts everything together, and its commands.
pub mod app;
pub mod cli;
