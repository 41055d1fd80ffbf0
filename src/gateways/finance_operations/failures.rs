//! Sorts what can go wrong with Dynamics: here, and nowhere else.

use super::FinanceOperations;
use crate::failure::{Code, Failure};
use crate::gateways::error::{GatewayError, LeftAlone, NotSent};
use crate::gateways::failures::{told, unsent};
use crate::message::Connection;

impl FinanceOperations {
    /// The failure of a call, in a sentence that says what could not be done and what to do next.
    pub(in crate::gateways) fn failure(&self, environment: &Connection, error: &GatewayError, doing: &str) -> Failure {
        let sentence = match error {
            GatewayError::EntityMissing { entity, .. } => self.lack(environment, entity),
            other => sentence(environment, other),
        };
        told(code(error), &format!("Could not {doing}: {sentence}"), error)
    }

    fn lack(&self, environment: &Connection, name: &str) -> String {
        match self.need_of(environment, name) {
            Some(need) => format!("this version of {environment} has {need}. Then replay this."),
            None => format!("this version of {environment} has no {name}. Have it updated, then replay this."),
        }
    }
}

/// The one place where an error becomes a code.
fn code(error: &GatewayError) -> Code {
    match error {
        GatewayError::NotSent { why: NotSent::Secret(_), .. } | GatewayError::Unauthorised { .. } => {
            Code::DynamicsUnauthorised
        }
        GatewayError::NotSent { why: NotSent::LeftAlone(LeftAlone::Stopped(_)), .. } => Code::ConnectionPaused,
        GatewayError::NotSent { why: NotSent::Rehearsed, .. } => Code::ConnectionDryRun,
        GatewayError::NotSent {
            why:
                NotSent::Unreachable { .. }
                | NotSent::PrivateAddress { .. }
                | NotSent::Crowded
                | NotSent::LeftAlone(LeftAlone::Ill)
                | NotSent::NoToken(_),
            ..
        }
        | GatewayError::Unanswered { changing: false, .. } => Code::DynamicsUnavailable,
        GatewayError::Unanswered { changing: true, .. } | GatewayError::Unreadable { changing: true, .. } => {
            Code::DynamicsUnsure
        }
        GatewayError::NotSent { why: NotSent::LeftAlone(LeftAlone::Asked(_)), .. } | GatewayError::Throttled { .. } => {
            Code::DynamicsThrottled
        }
        GatewayError::Forbidden { .. } => Code::DynamicsForbidden,
        GatewayError::NotFound { .. } => Code::DynamicsNotFound,
        GatewayError::Conflict { .. } => Code::DynamicsConflict,
        GatewayError::Short { .. } => Code::DynamicsStockShort,
        GatewayError::EntityMissing { .. } => Code::DynamicsVersionLacks,
        GatewayError::Refused { .. } | GatewayError::Unwritable { .. } => Code::DynamicsRefused,
        GatewayError::Unreadable { changing: false, .. } => Code::DynamicsAnswerUnreadable,
    }
}

fn sentence(environment: &Connection, error: &GatewayError) -> String {
    match error {
        GatewayError::NotSent { why, .. } => unsent(environment, why),
        GatewayError::Unanswered { changing: true, .. } => format!(
            "{environment} did not say whether it happened. It is looked up before anything is repeated; there is \
             nothing to do."
        ),
        GatewayError::Unanswered { changing: false, .. } => format!(
            "{environment} does not answer properly. It is tried again; if it lasts, look at the state of the \
             environment."
        ),
        GatewayError::Throttled { .. } => {
            format!("{environment} asks us to slow down. It is tried again by itself; there is nothing to do.")
        }
        GatewayError::Unauthorised { .. } => format!(
            "{environment} does not accept our credentials. Check client_id, client_secret and token_url, and that the \
             secret has not expired."
        ),
        GatewayError::Forbidden { .. } => {
            format!("our user in {environment} may not do this. Give it the role that is missing, then replay this.")
        }
        GatewayError::NotFound { .. } => format!(
            "{environment} does not know it. Look whether it was deleted or belongs to another company, then replay \
             this or discard it."
        ),
        GatewayError::Conflict { .. } => {
            format!("somebody else changed it in {environment} at the same moment. It is tried again by itself.")
        }
        GatewayError::Refused { .. } => {
            format!("{environment} refuses it. Correct the cause in Dynamics, then replay this.")
        }
        GatewayError::Short { .. } => format!(
            "{environment} has not so much of it on hand. Post the receipt or the adjustment that is missing there, then \
             replay this."
        ),
        GatewayError::EntityMissing { entity, .. } => format!("this version of {environment} has no {entity}."),
        GatewayError::Unreadable { changing: true, .. } => format!(
            "{environment} answered something unreadable, so that it is open whether it happened. It is looked up \
             before anything is repeated."
        ),
        GatewayError::Unreadable { changing: false, .. } => format!(
            "{environment} answered something that cannot be read. Correct the document in Dynamics, or report this \
             with its detail; then replay this."
        ),
        GatewayError::Unwritable { .. } => "it does not fit Dynamics. Correct the cause, then replay this.".to_owned(),
    }
}
