//! HOW IT TRAVELS: one closed enum over the embedded queue and RabbitMQ.
//!
//! A transport carries bytes and headers; it never looks inside. It computes the partition of a key when it sends, and
//! refuses to answer success for anything that is not yet durable in a queue.
//!
//! Invariants: `publish` answers success only once the message is durable and in the queue of its partition; a delivery
//! that is not settled comes back, in order; settling after the subscription ended changes nothing. Both members pass
//! the one suite in `tests/conformance/transport`.

mod embedded;
mod lane;
mod rabbitmq;

use std::time::Duration;

use uuid::Uuid;

use crate::clock::Clock;
use crate::config::{Config, TransportKind};
use crate::message::{Flow, OrderingKey};

use lane::Lane;
pub use rabbitmq::{Queued, Yardstick};

/// Larger messages are refused: brokers since 4.0 take no larger ones, and would close the channel of all others.
pub const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The header of a message that comes back after the broker gave it up: why it did.
pub const STRANDED: &str = "stranded";

/// More than this in headers would not fit into one frame of the broker's protocol.
const HEADER_BYTES_MAX: usize = 64 * 1024;

/// Names in the broker's protocol (the type, names of headers) are no longer than this.
const NAME_BYTES_MAX: usize = 255;

/// The transport: cheap to clone, all clones are one.
#[derive(Clone)]
pub enum Transport {
    /// A durable queue in the data folder.
    Embedded(embedded::Embedded),
    /// A RabbitMQ broker.
    Rabbitmq(rabbitmq::Rabbitmq),
}

/// A message on its way out.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// Where to.
    pub target: Target,
    /// Names the document; the partition is computed from it when it is sent.
    pub ordering_key: OrderingKey,
    /// The message.
    pub message_id: Uuid,
    /// The protobuf type: `drayline.v1.ShipmentConfirmed`.
    pub type_name: String,
    /// W3C trace context.
    pub traceparent: Option<String>,
    /// Further headers (source, correlation; the failure on dead letters), as text.
    pub headers: Vec<(String, String)>,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// Where a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// To a flow, into the partition of its key.
    Flow(Flow),
    /// To the dead letters of a flow.
    DeadLetter(Flow),
}

/// A message that came.
#[derive(Debug)]
pub struct Delivery {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// The message id in the properties, where it is one.
    pub message_id: Option<Uuid>,
    /// The ordering key in the headers, where there is one.
    pub ordering_key: Option<OrderingKey>,
    /// The protobuf type in the properties.
    pub type_name: Option<String>,
    /// W3C trace context.
    pub traceparent: Option<String>,
    /// Further headers that are text, by name.
    pub headers: Vec<(String, String)>,
    /// How often it was delivered before and not settled, as far as the transport knows.
    pub deliveries_before: u32,
    /// The right to settle it.
    pub settlement: Settlement,
}

/// The right to settle one delivery. Dropped unused, the delivery comes back when its subscription ends.
#[derive(Debug)]
pub struct Settlement(Right);

#[derive(Debug)]
enum Right {
    Embedded(embedded::Right),
    Rabbitmq(rabbitmq::Right),
}

impl Settlement {
    /// The delivery's ending is committed: the transport may forget it. Acknowledged by a watermark, many at a time; past a
    /// front that has been stuck for a second, singly. Nothing happens when its session has ended: it comes back.
    pub fn settle(self) {
        match self.0 {
            Right::Embedded(right) => right.settle(),
            Right::Rabbitmq(right) => right.settle(),
        }
    }
}

/// A message is not known to be delivered: publish it again, or keep it elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotDelivered {
    /// There is no session with the broker.
    #[error("the broker is away")]
    Away,
    /// No confirm within the deadline: it may be there.
    #[error("no confirm came in time")]
    Unconfirmed,
    /// The broker found no queue for it.
    #[error("no queue takes it")]
    Returned,
    /// The broker, or the disk, refused it.
    #[error("it was refused: {0}")]
    Refused(String),
}

/// The transport cannot be used as it is.
#[derive(Debug, thiserror::Error)]
#[error("the transport cannot be used: {problem}. {remedy}")]
pub struct TransportError {
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub remedy: String,
}

/// One way in which the broker differs from what is needed.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Difference {
    /// `exchange drayline.orders`, `queue drayline.orders.07`.
    pub thing: String,
    /// What is there, and what is needed.
    pub problem: String,
    /// What to do.
    pub remedy: String,
}

impl TransportError {
    fn new(problem: impl Into<String>, remedy: &str) -> Self {
        Self { problem: problem.into(), remedy: remedy.to_owned() }
    }

    fn closed() -> Self {
        Self::new("it was closed", "Nothing to do: the process is ending")
    }
}

/// Messages of one partition, in order.
pub struct Subscription(Source);

enum Source {
    Embedded(embedded::Subscription),
    Rabbitmq(Box<rabbitmq::Subscription>),
}

impl Subscription {
    /// The next delivery. Nothing when the session ended or the queue went away: subscribe again (it may take a while).
    /// A call that is given up loses no delivery.
    pub async fn next(&mut self) -> Option<Delivery> {
        match &mut self.0 {
            Source::Embedded(subscription) => subscription.next().await,
            Source::Rabbitmq(subscription) => subscription.next().await,
        }
    }

    /// Cancels, acknowledges what was settled, and closes the channel, so that the rest returns in order.
    pub async fn close(self) {
        match self.0 {
            Source::Embedded(subscription) => subscription.close().await,
            Source::Rabbitmq(subscription) => subscription.close().await,
        }
    }
}

impl Transport {
    /// Opens the queue file, or starts connecting for ever; both have what they need declared before they are used.
    ///
    /// # Errors
    /// When the configuration cannot be used, or the queue file. A broker that is away is no error.
    pub async fn open(config: &Config, clock: &Clock) -> Result<Self, TransportError> {
        match config.transport.kind {
            TransportKind::Embedded => embedded::Embedded::open(config, clock).await.map(Self::Embedded),
            TransportKind::Rabbitmq => rabbitmq::Rabbitmq::open(config, clock).map(Self::Rabbitmq),
        }
    }

    /// How many partitions a flow has.
    #[must_use]
    pub fn partitions(&self, flow: Flow) -> u16 {
        match self {
            Self::Embedded(embedded) => embedded.partitions(flow),
            Self::Rabbitmq(rabbitmq) => rabbitmq.partitions(flow),
        }
    }

    /// Returns once the message is durable in its partition's queue.
    ///
    /// # Errors
    /// When it is not known to be there; it may be nevertheless, so that a repeat may make a second copy.
    pub async fn publish(&self, message: Outgoing) -> Result<(), NotDelivered> {
        fits(&message)?;
        match self {
            Self::Embedded(embedded) => embedded.publish(message).await,
            Self::Rabbitmq(rabbitmq) => rabbitmq.publish(message).await,
        }
    }

    /// Subscribes to one partition; waits for a session as long as it takes.
    ///
    /// # Errors
    /// When waiting cannot help: the queue exists with other arguments, access is refused, or this process is already
    /// subscribed to it (embedded).
    pub async fn subscribe(&self, flow: Flow, partition: u16) -> Result<Subscription, TransportError> {
        self.subscribe_within(flow, partition, u16::MAX).await
    }

    /// The same with at most so many unsettled deliveries, where that is less than what is configured.
    ///
    /// # Errors
    /// As [`Self::subscribe`].
    pub async fn subscribe_within(
        &self,
        flow: Flow,
        partition: u16,
        window: u16,
    ) -> Result<Subscription, TransportError> {
        self.listen(Lane::Partition(flow, partition), window).await
    }

    /// Subscribes to the dead letters of a flow.
    ///
    /// # Errors
    /// As [`Self::subscribe`].
    pub async fn subscribe_dead_letters(&self, flow: Flow) -> Result<Subscription, TransportError> {
        self.listen(Lane::DeadLetters(flow), u16::MAX).await
    }

    async fn listen(&self, lane: Lane, window: u16) -> Result<Subscription, TransportError> {
        let source = match self {
            Self::Embedded(embedded) => Source::Embedded(embedded.subscribe(lane, window).await?),
            Self::Rabbitmq(rabbitmq) => Source::Rabbitmq(Box::new(rabbitmq.subscribe(lane, window).await?)),
        };
        Ok(Subscription(source))
    }

    /// Whether there is a session now; how long there has been none.
    #[must_use]
    pub fn away_for(&self) -> Option<Duration> {
        match self {
            Self::Embedded(_) => None,
            Self::Rabbitmq(rabbitmq) => rabbitmq.away_for(),
        }
    }

    /// What people should know (the broker's version lacks something, it takes nothing now): one sentence each.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        match self {
            Self::Embedded(_) => Vec::new(),
            Self::Rabbitmq(rabbitmq) => rabbitmq.warnings(),
        }
    }

    /// Whether the configured addresses can be addresses; asks nobody.
    ///
    /// # Errors
    /// With what is wrong with them.
    pub fn check_address(config: &Config) -> Result<(), TransportError> {
        match config.transport.kind {
            TransportKind::Embedded => Ok(()),
            TransportKind::Rabbitmq => rabbitmq::check_address(config),
        }
    }

    /// Creates what is missing; tells what differs and cannot be changed in place.
    ///
    /// # Errors
    /// When the configuration cannot be used, or the broker does not answer or refuses us.
    pub async fn topology_apply(config: &Config) -> Result<Vec<Difference>, TransportError> {
        match config.transport.kind {
            TransportKind::Embedded => embedded::Embedded::apply(config).await,
            TransportKind::Rabbitmq => rabbitmq::apply(config).await,
        }
    }

    /// Only tells what differs.
    ///
    /// # Errors
    /// As [`Self::topology_apply`].
    pub async fn topology_check(config: &Config) -> Result<Vec<Difference>, TransportError> {
        match config.transport.kind {
            TransportKind::Embedded => Ok(embedded::Embedded::check(config)),
            TransportKind::Rabbitmq => rabbitmq::check(config).await,
        }
    }

    /// What [`Self::topology_check`] does not look at, as a sentence with what to do.
    #[must_use]
    pub fn topology_unseen(config: &Config) -> Option<String> {
        match config.transport.kind {
            TransportKind::Embedded => None,
            TransportKind::Rabbitmq => rabbitmq::unseen(config),
        }
    }

    /// Definitions for the broker's own import.
    #[must_use]
    pub fn topology_export(config: &Config) -> serde_json::Value {
        rabbitmq::export(config)
    }

    /// Ends all sessions.
    pub async fn close(&self) {
        match self {
            Self::Embedded(embedded) => embedded.close().await,
            Self::Rabbitmq(rabbitmq) => rabbitmq.close().await,
        }
    }
}

/// Both members refuse what one of them could not carry, so that moving from one to the other surprises nobody.
fn fits(message: &Outgoing) -> Result<(), NotDelivered> {
    let refused = |what: &str| Err(NotDelivered::Refused(what.to_owned()));
    if message.bytes.len() > MESSAGE_BYTES_MAX {
        return refused("it is larger than 16 MiB, which no broker takes");
    }
    let headers: usize = message.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    let traceparent = message.traceparent.as_ref().map_or(0, String::len);
    if headers + traceparent > HEADER_BYTES_MAX {
        return refused("its headers are larger than 64 KiB");
    }
    let names = message.headers.iter().map(|(name, _)| name).chain([&message.type_name]);
    if names.into_iter().any(|name| name.len() > NAME_BYTES_MAX) {
        return refused("its type or the name of a header is longer than 255 bytes");
    }
    Ok(())
}
