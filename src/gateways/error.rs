//! What a call brought instead of what was asked for.

use std::time::Duration;

use crate::config::SecretError;

/// A call that did not bring what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// Nothing was sent: no address, no connection, or an address that is not allowed.
    #[error("nothing could be sent: {0}")]
    NotSent(String),
    /// There was silence, or a server error, after something was sent. A call that changes something may have happened.
    #[error("no usable answer came: {why}")]
    Silence {
        /// Whether the call changes something.
        changes: bool,
        /// What came instead.
        why: String,
    },
    /// We are asked to slow down.
    #[error("we are asked to slow down")]
    Throttled(Option<Duration>),
    /// Our credentials are not accepted.
    #[error("our credentials are not accepted: {0}")]
    Unauthorised(String),
    /// Our user lacks a right.
    #[error("we lack a right: {0}")]
    Forbidden(String),
    /// What was named is not there.
    #[error("it is not there: {0}")]
    NotFound(String),
    /// Somebody else changed it at the same moment.
    #[error("somebody else changed it: {0}")]
    Conflict(String),
    /// It was refused for good, in the far end's words.
    #[error("it was refused ({status}): {words}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The far end's words.
        words: String,
    },
    /// The answer is not what it should be.
    #[error("the answer cannot be read: {0}")]
    Unreadable(String),
    /// A secret of ours cannot be had.
    #[error("a secret cannot be had")]
    Secret(#[from] SecretError),
}
