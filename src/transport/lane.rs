//! The queues there are, by what they are for. Everything that has a name in a transport derives it here.

use std::fmt;

use crate::config::Partitions;
use crate::message::Flow;

use super::{Outgoing, Target};

/// What one queue holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Lane {
    /// The messages of one partition of a flow.
    Partition(Flow, u16),
    /// The announcements of what a flow parked for a person.
    DeadLetters(Flow),
}

impl Lane {
    /// Where a message goes: the partition is computed now, not when the message was made.
    pub(super) fn of(message: &Outgoing, partitions: &Partitions) -> Self {
        match message.target {
            Target::Flow(flow) => Self::Partition(flow, message.ordering_key.partition(count(partitions, flow))),
            Target::DeadLetter(flow) => Self::DeadLetters(flow),
        }
    }

    /// Whether there is such a queue.
    pub(super) fn exists(self, partitions: &Partitions) -> bool {
        match self {
            Self::Partition(flow, partition) => partition < count(partitions, flow),
            Self::DeadLetters(_) => true,
        }
    }

    /// Every queue of an installation.
    pub(super) fn all(partitions: &Partitions) -> impl Iterator<Item = Self> {
        let counts = Flow::ALL.map(|flow| (flow, count(partitions, flow)));
        let work = counts.into_iter().flat_map(|(flow, count)| (0..count).map(move |each| Self::Partition(flow, each)));
        work.chain(Flow::ALL.map(Self::DeadLetters))
    }
}

/// `orders.07`, `dead-letter.orders`.
impl fmt::Display for Lane {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Partition(flow, partition) => write!(formatter, "{flow}.{partition:02}"),
            Self::DeadLetters(flow) => write!(formatter, "dead-letter.{flow}"),
        }
    }
}

/// How many partitions a flow has.
pub(super) fn count(partitions: &Partitions, flow: Flow) -> u16 {
    match flow {
        Flow::Orders => partitions.orders,
        Flow::Shipments => partitions.shipments,
        Flow::GoodsReceived => partitions.goods_received,
        Flow::StockAdjustments => partitions.stock_adjustments,
        Flow::Returns => partitions.returns,
        Flow::StockSnapshots => partitions.stock_snapshots,
    }
}
