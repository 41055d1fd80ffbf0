//! Words that the failures of both edges share.

use std::error::Error;

use super::error::NotSent;
use crate::message::Connection;

/// Why nothing was sent, and what to do.
pub(super) fn unsent(connection: &Connection, why: &NotSent) -> String {
    match why {
        NotSent::Unreachable { host, .. } => format!(
            "{connection} cannot be reached at {host}. Nothing was sent; it is tried again by itself. If it lasts, check \
             the configured address and the network."
        ),
        NotSent::PrivateAddress { host, address } => format!(
            "{host} leads to {address}, a private address, and those are not called. Correct the address of {connection}, \
             or set gateways.private_addresses = true if this is wanted."
        ),
        NotSent::Crowded => format!(
            "too many calls to {connection} were under way. Nothing was sent; it is tried again by itself. If it lasts, \
             look why {connection} is slow."
        ),
        NotSent::Secret(_) => format!(
            "the secret for {connection} cannot be had. Nothing was sent; give the secret where the configuration says."
        ),
        NotSent::NoToken(_) => format!(
            "the token service of {connection} cannot be reached or does not answer properly. Nothing was sent; it is tried \
             again by itself. If it lasts, check the configured token_url."
        ),
    }
}

/// An error and what it came from, in one line.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(each) = source {
        let words = each.to_string();
        if !text.ends_with(&words) {
            text = format!("{text}: {words}");
        }
        source = each.source();
    }
    text
}
