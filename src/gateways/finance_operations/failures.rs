//! Sorts what can go wrong with Dynamics: in this one function, and nowhere else.

use crate::failure::{Code, Failure};
use crate::gateways::error::{GatewayError, NotSent};
use crate::gateways::failures::{chain, unsent};
use crate::message::Connection;

/// The failure of a call, in a sentence that says what could not be done and what to do next.
pub(in crate::gateways) fn failure(environment: &Connection, error: &GatewayError, doing: &str) -> Failure {
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
                NotSent::Secret(_) => Code::DynamicsUnauthorised,
                NotSent::Unreachable { .. }
                | NotSent::PrivateAddress { .. }
                | NotSent::Crowded
                | NotSent::NoToken(_) => Code::DynamicsUnavailable,
            };
            say(code, &unsent(environment, why), Some(chain(why)))
        }
        GatewayError::Unanswered { changing: true, detail, .. } => {
            let what = format!(
                "{environment} did not say whether it happened. It is looked up before anything is repeated; there is \
                 nothing to do."
            );
            say(Code::DynamicsUnsure, &what, detail.clone().or_else(|| Some(chain(error))))
        }
        GatewayError::Unanswered { changing: false, detail, .. } => {
            let what = format!(
                "{environment} does not answer properly. It is tried again; if it lasts, look at the state of the \
                 environment."
            );
            say(Code::DynamicsUnavailable, &what, detail.clone().or_else(|| Some(chain(error))))
        }
        GatewayError::Throttled { after, detail, .. } => {
            let what =
                format!("{environment} asks us to slow down. It is tried again by itself; there is nothing to do.");
            say(Code::DynamicsThrottled, &what, detail.clone()).with_retry_after(Some(*after))
        }
        GatewayError::Unauthorised { detail, .. } => {
            let what = format!(
                "{environment} does not accept our credentials. Check client_id, client_secret and token_url, and that \
                 the secret has not expired."
            );
            say(Code::DynamicsUnauthorised, &what, detail.clone())
        }
        GatewayError::Forbidden { detail, .. } => {
            let what = format!(
                "our user in {environment} may not do this. Give it the role that is missing, then replay this."
            );
            say(Code::DynamicsForbidden, &what, detail.clone())
        }
        GatewayError::NotFound { detail, .. } => {
            let what = format!(
                "{environment} does not know it. Look whether it was deleted or belongs to another company, then replay \
                 this or discard it."
            );
            say(Code::DynamicsNotFound, &what, detail.clone())
        }
        GatewayError::Conflict { detail, .. } => {
            let what =
                format!("somebody else changed it in {environment} at the same moment. It is tried again by itself.");
            say(Code::DynamicsConflict, &what, detail.clone())
        }
        GatewayError::Refused { status, detail, .. } => {
            let what = format!("{environment} refuses it. Correct the cause in Dynamics, then replay this.");
            let detail = detail.clone().unwrap_or_else(|| format!("Answered with status {status}, without a reason."));
            say(Code::DynamicsRefused, &what, Some(detail))
        }
        GatewayError::EntityMissing { entity, .. } => {
            let what = format!(
                "this version of {environment} has no entity {entity}. Name the right one under \
                 dynamics.{environment}.outbound, or switch off there what needs it; then replay this."
            );
            say(Code::DynamicsRefused, &what, None)
        }
        GatewayError::Unreadable { changing: true, problem, .. } => {
            let what = format!(
                "{environment} answered something unreadable, so that it is open whether it happened. It is looked up \
                 before anything is repeated."
            );
            say(Code::DynamicsUnsure, &what, Some(problem.clone()))
        }
        GatewayError::Unreadable { changing: false, problem, .. } => {
            let what = format!(
                "{environment} answered something that cannot be read. Correct the document in Dynamics, or report this \
                 with its detail; then replay this."
            );
            say(Code::DynamicsAnswerUnreadable, &what, Some(problem.clone()))
        }
        GatewayError::Unwritable { problem, .. } => say(
            Code::DynamicsRefused,
            "it does not fit Dynamics. Correct the cause, then replay this.",
            Some(problem.clone()),
        ),
    }
}
