//! The warehouses, one file per connector. This release has one: `standard`.

mod bodies;
mod connection;
mod failures;
mod standard;

pub(super) use connection::Connector;
pub use connection::Warehouse;
pub(super) use failures::failure;
pub(super) use standard::Standard;

/// What a warehouse must be told before an order leaves, of items that Dynamics tells apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Demands {
    /// The lot: it does not choose one itself.
    pub lots: bool,
    /// The piece.
    pub serials: bool,
}
