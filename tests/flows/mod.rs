//! The flows: what each plan answers, and that any order of events ends in the same state at the far ends.

mod announcements;
mod calls;
mod changes;
mod convergence;
pub mod endings;
pub(crate) mod expected;
mod keys;
mod lanes;
mod limits;
mod mapped;
mod orders;
mod orders_answers;
mod progress;
mod random_worlds;
mod receipt_questions;
mod receipts;
mod receipts_convergence;
mod returns;
pub(crate) mod scene;
mod shipments;
mod shipments_contents;
mod sought;
mod stock_adjustments;
mod stock_snapshots;
mod tolerance;
mod tracked;
mod world;
