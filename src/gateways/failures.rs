//! Words that the failures of both edges share.

use std::error::Error;

use super::error::{GatewayError, LeftAlone, NotSent};
use crate::failure::{Code, Failure};
use crate::message::Connection;

/// A failure with all that the error knows beside its sentence: the far end's own words, and its wish for a pause.
pub(super) fn told(code: Code, sentence: &str, error: &GatewayError) -> Failure {
    let failure = Failure::new(code, sentence);
    match detail(error) {
        Some(detail) => failure.with_detail(detail),
        None => failure,
    }
    .with_retry_after(error.pause())
}

fn detail(error: &GatewayError) -> Option<String> {
    match error {
        GatewayError::NotSent { why, .. } => Some(chain(why)),
        GatewayError::Unanswered { detail, status, .. } => {
            let status = || status.map(|status| format!("Answered with status {status}, without a reason."));
            detail.clone().or_else(status).or_else(|| Some(chain(error)))
        }
        GatewayError::Conflict { status, detail, .. } | GatewayError::Refused { status, detail, .. } => {
            detail.clone().or_else(|| Some(format!("Answered with status {status}, without a reason.")))
        }
        GatewayError::Throttled { detail, .. }
        | GatewayError::Short { detail, .. }
        | GatewayError::Unauthorised { detail, .. }
        | GatewayError::Forbidden { detail, .. }
        | GatewayError::NotFound { detail, .. } => detail.clone(),
        GatewayError::EntityMissing { .. } => None,
        GatewayError::Unreadable { problem, .. } | GatewayError::Unwritable { problem, .. } => Some(problem.clone()),
    }
}

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
            "as much was under way at {connection} as it bears. Nothing was sent; it goes on by itself. If it lasts, look why \
             {connection} is slow."
        ),
        NotSent::LeftAlone(why) => left_alone(connection, why),
        NotSent::Rehearsed => {
            format!("this is a rehearsal. What would be sent to {connection} is kept, and nothing was sent.")
        }
        NotSent::Secret(_) => format!(
            "the secret for {connection} cannot be had. Nothing was sent; give the secret where the configuration says."
        ),
        NotSent::NoToken(_) => format!(
            "the token service of {connection} cannot be reached or does not answer properly. Nothing was sent; it is tried \
             again by itself. If it lasts, check the configured token_url."
        ),
    }
}

/// Why a far end is left alone, and until when.
pub(super) fn left_alone(connection: &Connection, why: &LeftAlone) -> String {
    match why {
        LeftAlone::Asked(left) => format!(
            "{connection} asked to be left alone for {} s more. Nothing was sent; it goes on by itself then.",
            left.as_secs().max(1)
        ),
        LeftAlone::Ill => format!(
            "{connection} failed several times in a row and is asked with one call at a time. Nothing was sent; it goes on by \
             itself when it is well again. If it lasts, look at the state of {connection}."
        ),
        LeftAlone::Stopped(sentence) => sentence.clone(),
    }
}

/// An error and what it came from, in one line.
fn chain(error: &dyn Error) -> String {
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
