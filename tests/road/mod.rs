//! One file per flow: event in at the real door, effect out at a far end over real HTTP.

mod adoption;
mod campaigns;
mod catalogue;
mod commands;
mod costs;
mod demo;
mod documents;
mod doors;
mod kills;
mod mapping;
mod modes;
mod orders;
mod pairwise;
mod pauses;
mod periods;
mod receipts;
mod relayed;
mod restarts;
mod scans;
mod seen;
mod shipments;
mod stock_adjustments;
mod stock_journals;
mod stock_law;
mod stock_snapshots;
mod versions;
pub mod world;
