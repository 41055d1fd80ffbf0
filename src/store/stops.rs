//! What people paused, and how much waits for a far end or a paused flow: the rows, and how they are read.

use std::fmt;

use jiff::Timestamp;
use sqlx::FromRow;

use super::columns::{flow, instant, partition};
use super::rows::WaitsFor;
use super::waits::waits_for;
use super::{Store, StoreError};
use crate::message::{Connection, Flow};

/// How many messages of a partition wait for a far end, or for their flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// Of which flow.
    pub flow: Flow,
    /// In which partition.
    pub partition: u16,
    /// What for.
    pub waits_for: WaitsFor,
    /// Messages; those behind them are not among them.
    pub messages: u64,
}

/// What a person paused, or let go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    /// Calls to this connection; of the whole flow when it is none.
    pub connection: Option<String>,
    /// What this flow does; what every flow wants of the connection when it is none.
    pub flow: Option<Flow>,
    /// Why.
    pub reason: String,
    /// Who.
    pub paused_by: String,
    /// When, by the store's clock. Set by the store.
    pub paused_at: Timestamp,
}

impl Pause {
    /// What it pauses, as the commands name it.
    #[must_use]
    pub fn options(&self) -> String {
        let connection = self.connection.as_ref().map(|connection| format!("--connection {connection}"));
        let flow = self.flow.map(|flow| format!("--flow {flow}"));
        [connection, flow].into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

impl Store {
    /// The pause of a whole connection, where somebody paused it.
    pub async fn pause_of(&self, connection: &Connection) -> Result<Option<Pause>, StoreError> {
        let whole = |pause: &Pause| pause.flow.is_none() && pause.connection.as_deref() == Some(connection.as_str());
        Ok(self.pauses().await?.into_iter().find(whole))
    }
}

impl fmt::Display for Pause {
    /// One sentence for people.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.connection, self.flow) {
            (Some(connection), Some(flow)) => write!(formatter, "What the flow {flow} wants of {connection}")?,
            (Some(connection), None) => write!(formatter, "The connection {connection}")?,
            (None, Some(flow)) => write!(formatter, "The flow {flow}")?,
            (None, None) => write!(formatter, "Nothing")?,
        }
        let Self { paused_by, paused_at, reason, .. } = self;
        write!(formatter, " is paused by {paused_by} since {paused_at:.0} ({reason}).")
    }
}

/// Counts of what waits for a far end or its flow, as they are read.
#[derive(FromRow)]
pub(super) struct StoppedColumns {
    flow: String,
    partition: i64,
    waits_for: i64,
    awaited: Option<String>,
    messages: i64,
}

impl StoppedColumns {
    pub(super) fn stopped(self) -> Result<Stopped, StoreError> {
        Ok(Stopped {
            flow: flow(&self.flow)?,
            partition: partition(self.partition)?,
            waits_for: waits_for(self.waits_for, None, self.awaited, None)?,
            messages: self.messages.cast_unsigned(),
        })
    }
}

/// A pause as it is read: what is not named is empty.
#[derive(FromRow)]
pub(super) struct PauseColumns {
    connection: String,
    flow: String,
    reason: String,
    paused_by: String,
    paused_at: i64,
}

impl PauseColumns {
    pub(super) fn pause(self) -> Result<Pause, StoreError> {
        let named = |text: String| Some(text).filter(|text| !text.is_empty());
        Ok(Pause {
            connection: named(self.connection),
            flow: named(self.flow).map(|name| flow(&name)).transpose()?,
            reason: self.reason,
            paused_by: self.paused_by,
            paused_at: instant(self.paused_at),
        })
    }
}
