//! What a parked message waits for, as it stands in the columns.

use std::time::Duration;

use super::StoreError;
use super::columns::unreadable;
use super::rows::WaitsFor;

/// What a waiting message waits for, as a number. The partial indexes of the schema know 0, 2, and that what is not woken
/// in the store itself lies above 3.
pub(super) const HEAD: i64 = 0;
pub(super) const TIME: i64 = 1;
pub(super) const DOCUMENT: i64 = 2;
pub(super) const PERSON: i64 = 3;
pub(super) const FAR_END: i64 = 4;
pub(super) const FLOW: i64 = 5;
pub(super) const ROOM: i64 = 6;

/// What is waited for as it stands in the columns: the number, and the name of what is awaited.
pub(super) fn wait_code(waits_for: &WaitsFor) -> (i64, Option<&str>) {
    match waits_for {
        WaitsFor::Head => (HEAD, None),
        WaitsFor::Time { .. } => (TIME, None),
        WaitsFor::Document { key, .. } => (DOCUMENT, Some(key)),
        WaitsFor::Person => (PERSON, None),
        WaitsFor::FarEnd { connection } => (FAR_END, Some(connection)),
        // So that it is found by the same index.
        WaitsFor::Flow => (FLOW, Some("")),
        WaitsFor::Room => (ROOM, Some("")),
    }
}

/// What a message waits for, as people count it.
pub(super) fn waits_for_name(code: i64) -> Result<&'static str, StoreError> {
    match code {
        HEAD => Ok("head"),
        TIME => Ok("time"),
        DOCUMENT => Ok("document"),
        PERSON => Ok("person"),
        FAR_END => Ok("far_end"),
        FLOW => Ok("flow"),
        ROOM => Ok("room"),
        other => Err(unreadable("a wait", &other)),
    }
}

pub(super) fn waits_for(
    code: i64,
    delay: Option<i64>,
    awaited: Option<String>,
    passes: Option<&str>,
) -> Result<WaitsFor, StoreError> {
    let delay = Duration::from_micros(delay.and_then(|delay| u64::try_from(delay).ok()).unwrap_or_default());
    match code {
        HEAD => Ok(WaitsFor::Head),
        TIME => Ok(WaitsFor::Time { delay }),
        DOCUMENT => Ok(WaitsFor::Document {
            key: awaited.unwrap_or_default(),
            // A kind of a newer release passes no gate of this one; the wait still ends.
            passes: passes.and_then(|kind| kind.parse().ok()),
            delay,
        }),
        PERSON => Ok(WaitsFor::Person),
        FAR_END => Ok(WaitsFor::FarEnd { connection: awaited.unwrap_or_default() }),
        FLOW => Ok(WaitsFor::Flow),
        ROOM => Ok(WaitsFor::Room),
        other => Err(unreadable("a wait", &other)),
    }
}
