//! The calls of a plan, made; and the calls that may have happened, looked up.

use std::time::Duration;

use super::answer::{Acted, Lookup, Planned, Settled};
use crate::failure::Failure;
use crate::gateways::Gateways;
use crate::message::Connection;

/// Makes one call; gives it up after `within`.
///
/// # Errors
/// The [`Failure`] of the far end; of class unsure when there was silence after something was sent.
pub async fn act(gateways: &Gateways, planned: &Planned, within: Duration) -> Result<Acted, Failure> {
    unimplemented!()
}

/// Asks a far end whether a call happened.
///
/// # Errors
/// The [`Failure`] of a far end that could not be asked.
pub async fn settle(gateways: &Gateways, connection: &Connection, lookup: &Lookup) -> Result<Settled, Failure> {
    unimplemented!()
}
