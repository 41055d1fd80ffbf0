//! Drayline keeps Microsoft Dynamics 365 and third-party logistics warehouses in step.
//!
//! The modules in road order: a message enters, travels, is worked on, and ends.

pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod console;
pub mod exceptions;
pub mod failure;
pub mod flows;
pub mod gateways;
pub mod ingest;
pub mod message;
pub mod processor;
pub mod sandbox;
pub mod rehearsal;
pub mod store;
pub mod telemetry;
pub mod transport;
