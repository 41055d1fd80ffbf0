//! What the client library reaches by itself on our queues: the measure that benches hold our own work against.
//!
//! It refuses to be a way to travel: nothing is looked at before it is acknowledged, and nothing depends on it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::StreamExt as _;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions,
    QueueDeclareOptions, QueuePurgeOptions,
};
use lapin::types::{FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Connection};
use tokio::task::JoinSet;

use super::declare::short;
use super::properties;
use super::session::connect_once;
use super::topology::Topology;
use crate::config::Config;
use crate::message::Flow;
use crate::transport::lane::{Lane, count};
use crate::transport::{Outgoing, TransportError};

/// A connection that publishes and consumes on the queues of one flow, without any work.
pub struct Yardstick {
    connection: Connection,
    topology: Topology,
    flow: Flow,
    config: Config,
}

/// What the queues of a flow hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Queued {
    /// Messages that nobody has.
    pub ready: u64,
    /// Who consumes.
    pub consumers: u64,
}

impl Yardstick {
    /// Connects; the queues must be there.
    ///
    /// # Errors
    /// When the broker does not let us in.
    pub async fn connect(config: &Config, flow: Flow) -> Result<Self, TransportError> {
        let connection = connect_once(config).await?;
        Ok(Self { connection, topology: Topology::new(config), flow, config: config.clone() })
    }

    /// Publishes all, in order, with a sliding window of confirms; returns when the last is confirmed.
    ///
    /// # Errors
    /// When the broker does not confirm one.
    pub async fn publish(&self, messages: &[Outgoing], confirmed: impl Fn(u64)) -> Result<(), TransportError> {
        let channel = self.channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await.map_err(|error| broke(&error))?;
        let exchange = name(&self.topology.exchange(Lane::Partition(self.flow, 0)))?;
        let partitions = self.partitions();
        let keys: Vec<ShortString> = (0..partitions)
            .map(|partition| name(&Topology::routing_key(Lane::Partition(self.flow, partition))))
            .collect::<Result<_, _>>()?;
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let mut unconfirmed = VecDeque::with_capacity(self.config.transport.publish_window);
        let now = jiff::Timestamp::UNIX_EPOCH;
        for message in messages {
            if unconfirmed.len() >= self.config.transport.publish_window {
                settled(unconfirmed.pop_front()).await?;
                confirmed(1);
            }
            let key = keys[usize::from(message.ordering_key.partition(partitions))].clone();
            let properties: BasicProperties = properties::outgoing(message, now);
            let publish = channel.basic_publish(exchange.clone(), key, options, &message.bytes, properties).await;
            unconfirmed.push_back(publish.map_err(|error| broke(&error))?);
        }
        while !unconfirmed.is_empty() {
            settled(unconfirmed.pop_front()).await?;
            confirmed(1);
        }
        // Whatever it answers, everything is confirmed.
        let _ = channel.close(200, "OK".into()).await;
        Ok(())
    }

    /// Consumes from every partition until so many messages are acknowledged: each is seen, and what gathered is
    /// acknowledged with one frame.
    ///
    /// # Errors
    /// When the broker ends it.
    pub async fn consume<S, A>(&self, goal: u64, see: S, acknowledged: A) -> Result<(), TransportError>
    where
        S: Fn(&[u8]) + Send + Sync + 'static,
        A: Fn(u64) + Send + Sync + 'static,
    {
        let (see, acknowledged, total) = (Arc::new(see), Arc::new(acknowledged), Arc::new(AtomicU64::new(0)));
        let mut consumers = JoinSet::new();
        for partition in 0..self.partitions() {
            let channel = self.channel().await?;
            let (see, acknowledged, total) = (Arc::clone(&see), Arc::clone(&acknowledged), Arc::clone(&total));
            let prefetch = self.config.transport.prefetch;
            let queue = name(&self.topology.queue(Lane::Partition(self.flow, partition)).name)?;
            channel.basic_qos(prefetch, BasicQosOptions::default()).await.map_err(|error| broke(&error))?;
            let options = BasicConsumeOptions::default();
            let consumer = channel.basic_consume(queue, ShortString::default(), options, FieldTable::default()).await;
            let mut gathered = consumer.map_err(|error| broke(&error))?.ready_chunks(usize::from(prefetch));
            consumers.spawn(async move {
                while let Some(chunk) = gathered.next().await {
                    let mut last = None;
                    let number = chunk.len() as u64;
                    for delivery in chunk {
                        let delivery = delivery.map_err(|error| broke(&error))?;
                        see(&delivery.data);
                        last = Some(delivery.acker);
                    }
                    if let Some(acker) = last {
                        acker.ack(BasicAckOptions { multiple: true }).await.map_err(|error| broke(&error))?;
                    }
                    acknowledged(number);
                    if total.fetch_add(number, Ordering::Relaxed) + number >= goal {
                        return Ok(channel);
                    }
                }
                Err(TransportError::new("the broker ended the consumer", "Look at its log, then start again"))
            });
        }
        // Whoever reached the goal ends it for all; their channels close with their consumers.
        consumers.join_next().await.map_or(Ok(()), |ended| match ended {
            Ok(ended) => ended.map(drop),
            Err(error) => Err(TransportError::new(error.to_string(), "This is a defect of Drayline: please report it")),
        })?;
        consumers.shutdown().await;
        Ok(())
    }

    /// What the queues hold.
    ///
    /// # Errors
    /// When one of them is missing.
    pub async fn queued(&self) -> Result<Queued, TransportError> {
        let channel = self.channel().await?;
        let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let mut queued = Queued::default();
        for partition in 0..self.partitions() {
            let queue = name(&self.topology.queue(Lane::Partition(self.flow, partition)).name)?;
            let queue = channel.queue_declare(queue, options, FieldTable::default()).await;
            let queue = queue.map_err(|error| broke(&error))?;
            queued.ready += u64::from(queue.message_count());
            queued.consumers += u64::from(queue.consumer_count());
        }
        let _ = channel.close(200, "OK".into()).await;
        Ok(queued)
    }

    /// Empties the queues, which stay.
    ///
    /// # Errors
    /// When the broker refuses.
    pub async fn empty(&self) -> Result<(), TransportError> {
        let channel = self.channel().await?;
        for partition in 0..self.partitions() {
            let queue = name(&self.topology.queue(Lane::Partition(self.flow, partition)).name)?;
            channel.queue_purge(queue, QueuePurgeOptions::default()).await.map_err(|error| broke(&error))?;
        }
        let _ = channel.close(200, "OK".into()).await;
        Ok(())
    }

    fn partitions(&self) -> u16 {
        count(&self.config.transport.partitions, self.flow)
    }

    async fn channel(&self) -> Result<Channel, TransportError> {
        self.connection.create_channel().await.map_err(|error| broke(&error))
    }
}

async fn settled(confirm: Option<lapin::PublisherConfirm>) -> Result<(), TransportError> {
    let Some(confirm) = confirm else { return Ok(()) };
    match confirm.await.map_err(|error| broke(&error))? {
        lapin::Confirmation::Ack(None) => Ok(()),
        other => Err(TransportError::new(format!("a publish was answered {other:?}"), "Look at the broker's log")),
    }
}

fn name(text: &str) -> Result<ShortString, TransportError> {
    short(text).map_err(|obstacle| TransportError::new(obstacle.to_string(), "Shorten transport.namespace"))
}

fn broke(error: &lapin::Error) -> TransportError {
    TransportError::new(format!("the broker broke off: {error}"), "Look at its log, then start again")
}
