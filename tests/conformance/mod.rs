//! Suite `conformance`: what a member of a closed set promises, every member keeps.

mod store;
mod transport;
