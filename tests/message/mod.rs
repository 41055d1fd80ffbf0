//! What travels: that it survives the road unchanged, is named the same everywhere, and only ever grows.

mod arbitrary;
mod coded;
mod identity;
mod raw;
mod reference;
mod released;
mod revised;
mod round_trip;
mod trace;
