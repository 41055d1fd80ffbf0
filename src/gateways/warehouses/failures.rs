//! Sorts what can go wrong with a warehouse: here, and nowhere else.

use crate::failure::{Code, Failure};
use crate::gateways::error::{GatewayError, LeftAlone, NotSent};
use crate::gateways::failures::{told, unsent};
use crate::message::Connection;

/// The failure of a call, in a sentence that says what could not be done and what to do next.
pub(in crate::gateways) fn failure(warehouse: &Connection, error: &GatewayError, doing: &str) -> Failure {
    told(code(error), &format!("Could not {doing}: {}", sentence(warehouse, error)), error)
}

/// The one place where an error becomes a code.
fn code(error: &GatewayError) -> Code {
    match error {
        GatewayError::NotSent { why: NotSent::Secret(_), .. } | GatewayError::Unauthorised { .. } => {
            Code::WarehouseUnauthorised
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
        | GatewayError::Unanswered { changing: false, .. } => Code::WarehouseUnavailable,
        GatewayError::Unanswered { changing: true, .. } | GatewayError::Unreadable { changing: true, .. } => {
            Code::WarehouseUnsure
        }
        GatewayError::NotSent { why: NotSent::LeftAlone(LeftAlone::Asked(_)), .. } | GatewayError::Throttled { .. } => {
            Code::WarehouseThrottled
        }
        GatewayError::Forbidden { .. }
        | GatewayError::NotFound { .. }
        | GatewayError::Conflict { .. }
        | GatewayError::Refused { .. }
        | GatewayError::Short { .. }
        | GatewayError::EntityMissing { .. }
        | GatewayError::Unwritable { .. } => Code::WarehouseRefused,
        GatewayError::Unreadable { changing: false, .. } => Code::WarehouseAnswerUnreadable,
    }
}

fn sentence(warehouse: &Connection, error: &GatewayError) -> String {
    match error {
        GatewayError::NotSent { why, .. } => unsent(warehouse, why),
        GatewayError::Unanswered { changing: true, .. } => format!(
            "{warehouse} did not say whether it happened. It is looked up before anything is repeated; there is nothing \
             to do."
        ),
        GatewayError::Unanswered { changing: false, .. } => {
            format!("{warehouse} does not answer properly. It is tried again; if it lasts, ask the warehouse.")
        }
        GatewayError::Throttled { .. } => {
            format!("{warehouse} asks us to slow down. It is tried again by itself; there is nothing to do.")
        }
        GatewayError::Unauthorised { .. } => {
            format!("{warehouse} does not accept our token. Check warehouses.{warehouse}.token.")
        }
        GatewayError::Forbidden { .. } => {
            format!("our account at {warehouse} may not do this. Ask for the right, then replay this.")
        }
        GatewayError::NotFound { .. } => format!(
            "{warehouse} does not know it. Look whether warehouses.{warehouse}.url is right, and ask the warehouse; then \
             replay this or discard it."
        ),
        GatewayError::Conflict { .. } | GatewayError::Refused { .. } | GatewayError::Short { .. } => {
            format!("{warehouse} refuses it. Correct the cause, then replay this.")
        }
        GatewayError::EntityMissing { entity, .. } => {
            format!("{warehouse} has no {entity}. Correct the configuration, then replay this.")
        }
        GatewayError::Unreadable { changing: true, .. } => format!(
            "{warehouse} answered something unreadable, so that it is open whether it happened. It is looked up before \
             anything is repeated."
        ),
        GatewayError::Unreadable { changing: false, .. } => format!(
            "{warehouse} answered something that cannot be read. Show the detail to the warehouse; when it is put right, \
             replay this."
        ),
        GatewayError::Unwritable { .. } => "it does not fit the call. Correct the cause, then replay this.".to_owned(),
    }
}
