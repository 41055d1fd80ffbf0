//! How flows quote a warehouse to people.

use crate::message::Reason;

/// A reason as people read it: the warehouse's own words before its code, its code before ours.
pub(super) fn reason(reason: &Reason) -> String {
    let text = reason.text.as_ref().or(reason.raw.as_ref());
    text.cloned().unwrap_or_else(|| reason.code.as_str().to_owned())
}
