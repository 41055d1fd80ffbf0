//! WHAT A SENDER SAID, as messages of ours. Pure: bytes and configuration in, messages out.
//!
//! One translator for each system that speaks to us. Past this folder no foreign JSON of events exists. It refuses nothing:
//! authentic bytes that nobody understands are a message, too (`Unreadable`), with the bytes. What was kept of a message can be
//! translated anew (`anew`), by a newer release or a configuration that knows more.
//!
//! Invariant: the same bytes, received at the same moment, are messages with the same identity under every release.

mod anew;
mod finance_operations;
mod instant;
mod json;
mod received;
mod standard;

pub use anew::{anew, translated};
pub use finance_operations::{configurable, is_member, translate as translate_finance_operations};
pub use instant::{dynamics_instant, lenient_instant};
pub use received::Received;
pub use standard::{KINDS as STANDARD_KINDS, translate as translate_standard};
