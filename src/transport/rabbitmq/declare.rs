//! Declaring, and reading from the broker's refusal what differs.
//!
//! Every request has a channel of its own, because a refusal closes the channel it came on.

use std::fmt;

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{FieldTable, ShortString};
use lapin::{Channel, Connection, ErrorKind, ExchangeKind};

use super::topology::{QueueNeeded, table};

/// Why a declaration did not come about.
#[derive(Debug, thiserror::Error)]
pub(super) enum Obstacle {
    /// There is no such thing.
    #[error("it is missing")]
    Missing,
    /// It exists with other arguments; the broker's words.
    #[error("{0}")]
    Differs(String),
    /// The broker does not let us; its words.
    #[error("{0}")]
    Refused(String),
    /// The channel or the session went away.
    #[error(transparent)]
    Lost(lapin::Error),
}

impl From<lapin::Error> for Obstacle {
    fn from(error: lapin::Error) -> Self {
        let ErrorKind::ProtocolError(said) = error.kind() else { return Self::Lost(error) };
        let words = || said.get_message().to_string();
        match said.get_id() {
            404 => Self::Missing,
            406 => Self::Differs(words()),
            403 | 405 => Self::Refused(words()),
            _ => Self::Lost(error),
        }
    }
}

pub(super) async fn exchange(connection: &Connection, name: &str, passive: bool) -> Result<(), Obstacle> {
    let channel = connection.create_channel().await?;
    let options = ExchangeDeclareOptions { passive, durable: true, ..ExchangeDeclareOptions::default() };
    channel.exchange_declare(short(name)?, ExchangeKind::Direct, options, FieldTable::default()).await?;
    finish(&channel).await;
    Ok(())
}

pub(super) async fn queue(connection: &Connection, needed: &QueueNeeded, passive: bool) -> Result<(), Obstacle> {
    let channel = connection.create_channel().await?;
    let options = QueueDeclareOptions { passive, durable: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(short(&needed.name)?, options, table(&needed.arguments)).await?;
    finish(&channel).await;
    Ok(())
}

pub(super) async fn bind(connection: &Connection, needed: &QueueNeeded) -> Result<(), Obstacle> {
    let channel = connection.create_channel().await?;
    let (queue, exchange, key) = (short(&needed.name)?, short(&needed.exchange)?, short(&needed.routing_key)?);
    channel.queue_bind(queue, exchange, key, QueueBindOptions::default(), FieldTable::default()).await?;
    finish(&channel).await;
    Ok(())
}

/// A name for the wire.
pub(super) fn short(name: &str) -> Result<ShortString, Obstacle> {
    ShortString::try_new(name).map_err(|error| Obstacle::Refused(error.to_string()))
}

/// Everything that was asked for is done; a channel that cannot be closed any more went with its session.
async fn finish(channel: &Channel) {
    let _ = channel.close(200, "OK".into()).await;
}

/// One argument that differs, read from the broker's refusal: `inequivalent arg 'x-max-length' for queue 'q' in vhost
/// '/': received none but current is the value '20' of type 'signedint'`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unequal {
    pub(super) argument: String,
    pub(super) ours: Stated,
    pub(super) theirs: Stated,
}

/// A value in the broker's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stated {
    Nothing,
    Value { text: String, kind: String },
}

impl Unequal {
    pub(super) fn read(words: &str) -> Option<Self> {
        let (_, rest) = words.split_once("inequivalent arg '")?;
        let (argument, rest) = rest.split_once('\'')?;
        let (_, rest) = rest.split_once(": received ")?;
        let (ours, theirs) = rest.split_once(" but current is ")?;
        Some(Self { argument: argument.to_owned(), ours: Stated::read(ours)?, theirs: Stated::read(theirs)? })
    }
}

impl Stated {
    fn read(words: &str) -> Option<Self> {
        if words == "none" {
            return Some(Self::Nothing);
        }
        let quoted = words.strip_prefix("the value ").unwrap_or(words).strip_prefix('\'')?;
        let (text, kind) = quoted.split_once("' of type '").unwrap_or((quoted, ""));
        let text = text.strip_suffix('\'').unwrap_or(text);
        Some(Self::Value { text: text.to_owned(), kind: kind.trim_end_matches('\'').to_owned() })
    }
}

impl fmt::Display for Stated {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => formatter.write_str("not set"),
            Self::Value { text, .. } => formatter.write_str(text),
        }
    }
}

impl fmt::Display for Unequal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { argument, ours, theirs } = self;
        match ours {
            Stated::Nothing => write!(formatter, "{argument} is {theirs}, but must not be set"),
            Stated::Value { .. } => write!(formatter, "{argument} is {theirs}, but {ours} is needed"),
        }
    }
}
