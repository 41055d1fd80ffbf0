//! Sorts what can go wrong with a warehouse: in this one function, and nowhere else.

use crate::failure::{Code, Failure};
use crate::gateways::error::{GatewayError, NotSent};
use crate::gateways::failures::{chain, unsent};
use crate::message::Connection;

/// The failure of a call, in a sentence that says what could not be done and what to do next.
pub(in crate::gateways) fn failure(warehouse: &Connection, error: &GatewayError, doing: &str) -> Failure {
    let say = |code: Code, what: &str, detail: Option<String>| {
        let failure = Failure::new(code, format!("Could not {doing}: {what}"));
        match detail {
            Some(detail) => failure.with_detail(detail),
            None => failure,
        }
    };
    match error {
        GatewayError::NotSent { why, .. } => {
            let code = match why {
                NotSent::Secret(_) => Code::WarehouseUnauthorised,
                NotSent::Unreachable { .. }
                | NotSent::PrivateAddress { .. }
                | NotSent::Crowded
                | NotSent::NoToken(_) => Code::WarehouseUnavailable,
            };
            say(code, &unsent(warehouse, why), Some(chain(why)))
        }
        GatewayError::Unanswered { changing: true, detail, .. } => {
            let what = format!(
                "{warehouse} did not say whether it happened. It is looked up before anything is repeated; there is \
                 nothing to do."
            );
            say(Code::WarehouseUnsure, &what, detail.clone().or_else(|| Some(chain(error))))
        }
        GatewayError::Unanswered { changing: false, detail, .. } => {
            let what =
                format!("{warehouse} does not answer properly. It is tried again; if it lasts, ask the warehouse.");
            say(Code::WarehouseUnavailable, &what, detail.clone().or_else(|| Some(chain(error))))
        }
        GatewayError::Throttled { after, detail, .. } => {
            let what =
                format!("{warehouse} asks us to slow down. It is tried again by itself; there is nothing to do.");
            say(Code::WarehouseThrottled, &what, detail.clone()).with_retry_after(Some(*after))
        }
        GatewayError::Unauthorised { detail, .. } => {
            let what = format!("{warehouse} does not accept our token. Check warehouses.{warehouse}.token.");
            say(Code::WarehouseUnauthorised, &what, detail.clone())
        }
        GatewayError::Forbidden { detail, .. } => {
            let what = format!("our account at {warehouse} may not do this. Ask for the right, then replay this.");
            say(Code::WarehouseRefused, &what, detail.clone())
        }
        GatewayError::NotFound { detail, .. } => {
            let what = format!(
                "{warehouse} does not know it. Look whether warehouses.{warehouse}.url is right, and ask the warehouse; \
                 then replay this or discard it."
            );
            say(Code::WarehouseRefused, &what, detail.clone())
        }
        GatewayError::Conflict { status, detail, .. } | GatewayError::Refused { status, detail, .. } => {
            let what = format!("{warehouse} refuses it. Correct the cause, then replay this.");
            let detail = detail.clone().unwrap_or_else(|| format!("Answered with status {status}, without a reason."));
            say(Code::WarehouseRefused, &what, Some(detail))
        }
        GatewayError::EntityMissing { entity, .. } => {
            let what = format!("{warehouse} has no {entity}. Correct the configuration, then replay this.");
            say(Code::WarehouseRefused, &what, None)
        }
        GatewayError::Unreadable { changing: true, problem, .. } => {
            let what = format!(
                "{warehouse} answered something unreadable, so that it is open whether it happened. It is looked up before \
                 anything is repeated."
            );
            say(Code::WarehouseUnsure, &what, Some(problem.clone()))
        }
        GatewayError::Unreadable { changing: false, problem, .. } => {
            let what = format!(
                "{warehouse} answered something that cannot be read. Show the detail to the warehouse; when it is put \
                 right, replay this."
            );
            say(Code::WarehouseAnswerUnreadable, &what, Some(problem.clone()))
        }
        GatewayError::Unwritable { problem, .. } => say(
            Code::WarehouseRefused,
            "it does not fit the call. Correct the cause, then replay this.",
            Some(problem.clone()),
        ),
    }
}
