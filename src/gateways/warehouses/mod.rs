//! Warehouses, one file per connector.

mod standard;

use super::error::GatewayError;
use crate::failure::{Code, Failure};

pub(super) use standard::Standard;

/// Sorts what a call to a warehouse brought: the only place where that happens.
pub(super) fn failure(name: &str, error: &GatewayError, doing: &str) -> Failure {
    let say = |code, what: &str| Failure::new(code, format!("The warehouse {name} {what}, so we could not {doing}."));
    match error {
        GatewayError::NotSent(why) => say(Code::WarehouseUnavailable, "cannot be reached").with_detail(why.clone()),
        GatewayError::Silence { changes: true, why } => {
            let what = format!("gave no answer to our wish to {doing}. It may have happened: it is looked up first.");
            Failure::new(Code::WarehouseUnsure, format!("The warehouse {name} {what}")).with_detail(why.clone())
        }
        GatewayError::Silence { changes: false, why } => {
            say(Code::WarehouseUnavailable, "does not answer").with_detail(why.clone())
        }
        GatewayError::Throttled(delay) => {
            let delay = delay.unwrap_or(super::THROTTLED_WITHOUT_A_WORD);
            say(Code::WarehouseThrottled, "asks us to slow down").with_retry_after(Some(delay))
        }
        GatewayError::Unauthorised(words) | GatewayError::Forbidden(words) => {
            say(Code::WarehouseUnauthorised, "does not accept our credentials").with_detail(words.clone())
        }
        GatewayError::Secret(error) => {
            say(Code::WarehouseUnauthorised, "cannot be called without our token").with_detail(error.to_string())
        }
        GatewayError::NotFound(words) | GatewayError::Conflict(words) | GatewayError::Refused { words, .. } => {
            say(Code::WarehouseRefused, "refuses it").with_detail(words.clone())
        }
        GatewayError::Unreadable(problem) => {
            say(Code::WarehouseAnswerUnreadable, "answered what we cannot read").with_detail(problem.clone())
        }
    }
}
