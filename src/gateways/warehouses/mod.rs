//! The warehouses, one file per connector. This release has one: `standard`.

mod bodies;
mod failures;
mod standard;

pub(super) use failures::failure;
pub(super) use standard::Standard;
