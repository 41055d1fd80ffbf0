//! Why a call did not bring what was asked for.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::config::SecretError;

/// A call that did not bring what was asked for.
///
/// What matters is kept apart: whether anything was sent, whether it may have changed something, and whether the far
/// end itself said no.
#[derive(Clone, Debug, thiserror::Error)]
pub enum GatewayError {
    /// Nothing left this machine: the far end knows nothing of it.
    #[error("{call} was not sent")]
    NotSent {
        /// Our word for the call.
        call: &'static str,
        /// Why not.
        #[source]
        why: NotSent,
    },
    /// It was sent; then there was silence, or a server error that says nothing about what happened.
    #[error("{call} was sent, but it is not known what became of it")]
    Unanswered {
        /// Our word for the call.
        call: &'static str,
        /// Whether it may have changed something.
        changing: bool,
        /// The status of the server error; nothing for silence.
        status: Option<u16>,
        /// The far end's words.
        detail: Option<String>,
        /// How the silence looked.
        #[source]
        source: Option<Arc<reqwest::Error>>,
    },
    /// The far end asks us to slow down; it did nothing.
    #[error("{call} was answered {status}: slow down")]
    Throttled {
        /// Our word for the call.
        call: &'static str,
        /// The status.
        status: u16,
        /// How long to leave it alone.
        after: Duration,
        /// The far end's words.
        detail: Option<String>,
    },
    /// Our credentials are not accepted, also after they were renewed.
    #[error("{call}: our credentials are not accepted")]
    Unauthorised {
        /// Our word for the call.
        call: &'static str,
        /// The far end's words.
        detail: Option<String>,
    },
    /// We are known, but may not do it.
    #[error("{call}: we may not do this")]
    Forbidden {
        /// Our word for the call.
        call: &'static str,
        /// The far end's words.
        detail: Option<String>,
    },
    /// The far end does not know what the call is about.
    #[error("{call}: there is no such thing")]
    NotFound {
        /// Our word for the call.
        call: &'static str,
        /// The far end's words.
        detail: Option<String>,
    },
    /// Something is there already, or was changed by somebody else at the same moment.
    #[error("{call} was answered {status}: it collides with what is there")]
    Conflict {
        /// Our word for the call.
        call: &'static str,
        /// The status.
        status: u16,
        /// The far end's words.
        detail: Option<String>,
    },
    /// The far end said no.
    #[error("{call} was answered {status}")]
    Refused {
        /// Our word for the call.
        call: &'static str,
        /// The status.
        status: u16,
        /// The far end's words.
        detail: Option<String>,
    },
    /// The far end has not so much on hand as shall be taken.
    #[error("{call} was refused: there is not so much on hand")]
    Short {
        /// Our word for the call.
        call: &'static str,
        /// The far end's words.
        detail: Option<String>,
    },
    /// The far end's version has no entity of that name.
    #[error("{call}: there is no entity {entity}")]
    EntityMissing {
        /// Our word for the call.
        call: &'static str,
        /// The entity.
        entity: String,
    },
    /// It was answered, but the answer says nothing that we understand.
    #[error("{call}: the answer cannot be read: {problem}")]
    Unreadable {
        /// Our word for the call.
        call: &'static str,
        /// Whether it may have changed something.
        changing: bool,
        /// What is wrong with it.
        problem: String,
    },
    /// What shall be written does not fit the far end; nothing was sent.
    #[error("{call} cannot be written: {problem}")]
    Unwritable {
        /// Our word for the call.
        call: &'static str,
        /// What does not fit.
        problem: String,
    },
}

impl GatewayError {
    /// How long the far end asked to be left alone.
    #[must_use]
    pub fn pause(&self) -> Option<Duration> {
        match self {
            Self::Throttled { after, .. } => Some(*after),
            Self::NotSent { .. }
            | Self::Unanswered { .. }
            | Self::Unauthorised { .. }
            | Self::Forbidden { .. }
            | Self::NotFound { .. }
            | Self::Conflict { .. }
            | Self::Refused { .. }
            | Self::Short { .. }
            | Self::EntityMissing { .. }
            | Self::Unreadable { .. }
            | Self::Unwritable { .. } => None,
        }
    }
}

impl GatewayError {
    /// How long the far end wants to be left alone, whether it says so now or said so before.
    #[must_use]
    pub fn wish(&self) -> Option<Duration> {
        match self {
            Self::NotSent { why: NotSent::LeftAlone(LeftAlone::Asked(left)), .. } => Some(*left),
            Self::NotSent { why: NotSent::NoToken(error), .. } => error.wish(),
            other => other.pause(),
        }
    }
}

/// Why nothing was sent.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NotSent {
    /// No connection came about.
    #[error("no connection to {host} came about")]
    Unreachable {
        /// The host.
        host: String,
        /// Why not.
        #[source]
        source: Option<Arc<reqwest::Error>>,
    },
    /// The name leads to an address that is not allowed.
    #[error("{host} leads to the private address {address}")]
    PrivateAddress {
        /// The host.
        host: String,
        /// Where it leads.
        address: IpAddr,
    },
    /// It was nobody's turn in time: all that the far end bears was under way.
    #[error("all that it bears at a time was under way")]
    Crowded,
    /// The far end is left alone: it is ill, asked for it, or a person stopped what is sent to it.
    #[error("it is left alone")]
    LeftAlone(#[source] LeftAlone),
    /// It is rehearsed: what would be sent is kept, and nothing is.
    #[error("it is rehearsed")]
    Rehearsed,
    /// The secret that proves who we are cannot be had.
    #[error("the secret for it cannot be had")]
    Secret(#[source] Arc<SecretError>),
    /// The service that gives out tokens gave none.
    #[error("no token could be had")]
    NoToken(#[source] Arc<GatewayError>),
}

/// Why a far end is left alone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeftAlone {
    /// It asked for so much more time.
    #[error("it asked to be left alone for {} s more", .0.as_secs())]
    Asked(Duration),
    /// It failed again and again.
    #[error("it failed several times in a row")]
    Ill,
    /// A person, or the configuration, stopped it; the sentence says who and why.
    #[error("{0}")]
    Stopped(String),
}
