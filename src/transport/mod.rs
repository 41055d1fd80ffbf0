//! HOW IT TRAVELS: one closed enum over the embedded queue and RabbitMQ.
//!
//! A transport carries bytes and headers; it never looks inside. Invariants: `publish` answers success only once the
//! message is durable and in the queue of its partition; a delivery that is not settled comes back, in order.

mod embedded;
mod rabbitmq;

use uuid::Uuid;

use crate::clock::Clock;
use crate::config::Config;
use crate::message::{Flow, OrderingKey};

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
    /// How often it was delivered before and not settled, as far as the transport knows.
    pub deliveries_before: u32,
    /// The right to settle it.
    pub settlement: Settlement,
}

/// The right to settle one delivery. Dropped unused, the delivery comes back when its subscription ends.
#[derive(Debug)]
pub struct Settlement;

impl Settlement {
    /// The delivery's ending is committed: the transport may forget it. Acknowledged by a watermark, many at a time; past a
    /// front that has been stuck for a second, singly. Nothing happens when its session has ended: it comes back.
    pub fn settle(self) { unimplemented!() }
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

/// Messages of one partition, in order.
pub struct Subscription;

impl Subscription {
    /// The next delivery. Nothing when the session ended or the queue went away: subscribe again (it may take a while).
    pub async fn next(&mut self) -> Option<Delivery> { unimplemented!() }
    /// Cancels, acknowledges what was settled, and closes the channel, so that the rest returns in order.
    pub async fn close(self) { unimplemented!() }
}

impl Transport {
    /// Opens the queue file, or starts connecting for ever; both have what they need declared before they are used.
    pub async fn open(config: &Config, clock: &Clock) -> Result<Self, TransportError> { unimplemented!() }
    /// How many partitions a flow has.
    pub fn partitions(&self, flow: Flow) -> u16 { unimplemented!() }
    /// Returns once the message is durable in its partition's queue.
    pub async fn publish(&self, message: Outgoing) -> Result<(), NotDelivered> { unimplemented!() }
    /// Subscribes to one partition; waits for a session as long as it takes.
    pub async fn subscribe(&self, flow: Flow, partition: u16) -> Result<Subscription, TransportError> { unimplemented!() }
    /// Subscribes to the dead letters of a flow.
    pub async fn subscribe_dead_letters(&self, flow: Flow) -> Result<Subscription, TransportError> { unimplemented!() }
    /// Whether there is a session now; how long there has been none.
    pub fn away_for(&self) -> Option<std::time::Duration> { unimplemented!() }
    /// What people should know (the broker's version lacks something, one node only): one sentence each.
    pub fn warnings(&self) -> Vec<String> { unimplemented!() }
    /// Creates what is missing; tells what differs and cannot be changed in place.
    pub async fn topology_apply(config: &Config) -> Result<Vec<Difference>, TransportError> { unimplemented!() }
    /// Only tells what differs.
    pub async fn topology_check(config: &Config) -> Result<Vec<Difference>, TransportError> { unimplemented!() }
    /// Definitions for the broker's own import.
    pub fn topology_export(config: &Config) -> serde_json::Value { unimplemented!() }
    /// Ends all sessions.
    pub async fn close(&self) { unimplemented!() }
}
