//! The real broker, seen from outside: what tests do to it behind the product's back, and how they clean up.

use drayline::message::Flow;
use futures_util::StreamExt as _;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ExchangeDeclareOptions,
    ExchangeDeleteOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties, ExchangeKind};

use super::proxy::Proxy;
use super::{amqp_url, fresh_name};

/// More partitions than any test uses.
const PARTITIONS_MAX: u16 = 12;

/// A connection to the broker that the product does not know of.
pub struct Broker(Connection);

/// A namespace of a test's own, cleaned when it is dropped, also after a panic.
pub struct Namespace(String);

impl Broker {
    pub async fn connect() -> Self {
        Self::at(&amqp_url()).await
    }

    /// To a broker of the test's own.
    pub async fn at(url: &str) -> Self {
        let properties = ConnectionProperties::default().with_connection_name("test".into());
        Self(Connection::connect(url, properties).await.expect("the broker answers"))
    }

    /// A channel of its own: a request that the broker refuses closes it.
    pub async fn channel(&self) -> Channel {
        self.0.create_channel().await.unwrap()
    }

    /// Deletes everything that the product may have declared in a namespace.
    pub async fn clean(&self, namespace: &str) {
        for flow in Flow::ALL {
            for partition in 0..PARTITIONS_MAX {
                self.delete_queue(&format!("{namespace}.{flow}.{partition:02}")).await;
            }
            self.delete_queue(&format!("{namespace}.dead-letter.{flow}")).await;
            self.delete_exchange(&format!("{namespace}.{flow}")).await;
        }
        self.delete_exchange(&format!("{namespace}.dead-letter")).await;
    }

    /// Deletes a queue, and says how many messages were ready in it.
    pub async fn delete_queue(&self, name: &str) -> u32 {
        let channel = self.channel().await;
        let deleted = channel.queue_delete(short(name), QueueDeleteOptions::default()).await.unwrap();
        channel.close(200, "OK".into()).await.unwrap();
        deleted
    }

    /// The documents that the ready messages of a queue are about; they stay in it.
    pub async fn requests_in(&self, queue: &str) -> Vec<String> {
        let ready = self.ready(queue).await.unwrap();
        let channel = self.channel().await;
        let (options, arguments) = (BasicConsumeOptions::default(), FieldTable::default());
        let mut consumer = channel.basic_consume(short(queue), "".into(), options, arguments).await.unwrap();
        let mut requests = Vec::new();
        for _ in 0..ready {
            let delivery = consumer.next().await.expect("the queue is there").unwrap();
            let envelope = drayline::message::Envelope::decode(&delivery.data).unwrap();
            requests.push(envelope.ordering_key.to_string().rsplit(['/', '-']).next().unwrap().to_owned());
        }
        // Nothing was acknowledged: it all goes back.
        channel.close(200, "OK".into()).await.unwrap();
        requests
    }

    /// Empties a queue, which stays.
    pub async fn purge(&self, name: &str) {
        let options = lapin::options::QueuePurgeOptions::default();
        self.channel().await.queue_purge(name.into(), options).await.unwrap();
    }

    pub async fn delete_exchange(&self, name: &str) {
        let channel = self.channel().await;
        channel.exchange_delete(short(name), ExchangeDeleteOptions::default()).await.unwrap();
        channel.close(200, "OK".into()).await.unwrap();
    }

    pub async fn declare_exchange(&self, name: &str, kind: ExchangeKind) {
        let options = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
        self.channel().await.exchange_declare(short(name), kind, options, FieldTable::default()).await.unwrap();
    }

    pub async fn declare_queue(&self, name: &str, arguments: &[(&str, AMQPValue)]) {
        let mut table = FieldTable::default();
        for (name, value) in arguments {
            table.insert(short(name), value.clone());
        }
        let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        self.channel().await.queue_declare(short(name), options, table).await.unwrap();
    }

    pub async fn bind(&self, queue: &str, exchange: &str, routing_key: &str) {
        let (queue, exchange, key) = (short(queue), short(exchange), short(routing_key));
        let channel = self.channel().await;
        channel.queue_bind(queue, exchange, key, QueueBindOptions::default(), FieldTable::default()).await.unwrap();
    }

    pub async fn unbind(&self, queue: &str, exchange: &str, routing_key: &str) {
        let (queue, exchange, key) = (short(queue), short(exchange), short(routing_key));
        self.channel().await.queue_unbind(queue, exchange, key, FieldTable::default()).await.unwrap();
    }

    /// Whether there is such a queue, and how many messages are ready in it.
    pub async fn ready(&self, queue: &str) -> Option<u32> {
        self.look(queue).await.map(|queue| queue.message_count())
    }

    /// Whether somebody is subscribed to a queue.
    pub async fn taken(&self, queue: &str) -> bool {
        self.look(queue).await.is_some_and(|queue| queue.consumer_count() > 0)
    }

    async fn look(&self, queue: &str) -> Option<lapin::Queue> {
        let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        self.channel().await.queue_declare(short(queue), options, FieldTable::default()).await.ok()
    }

    /// Takes one message out of a queue, for good.
    pub async fn take(&self, queue: &str) -> lapin::message::Delivery {
        let channel = self.channel().await;
        channel.basic_qos(1, BasicQosOptions::default()).await.unwrap();
        let (options, arguments) = (BasicConsumeOptions::default(), FieldTable::default());
        let mut consumer = channel.basic_consume(short(queue), "".into(), options, arguments).await.unwrap();
        let delivery = consumer.next().await.expect("the queue is there").unwrap();
        assert!(delivery.acker.ack(BasicAckOptions::default()).await.unwrap());
        channel.close(200, "OK".into()).await.unwrap();
        delivery
    }

    /// Rejects one message of a queue, so that the broker makes a dead letter of it.
    pub async fn reject(&self, queue: &str) {
        let channel = self.channel().await;
        let (options, arguments) = (BasicConsumeOptions::default(), FieldTable::default());
        let mut consumer = channel.basic_consume(short(queue), "".into(), options, arguments).await.unwrap();
        let delivery = consumer.next().await.expect("the queue is there").unwrap();
        let options = lapin::options::BasicRejectOptions { requeue: false };
        assert!(delivery.acker.reject(options).await.unwrap());
        channel.close(200, "OK".into()).await.unwrap();
    }

    /// Publishes as a foreign producer would.
    pub async fn publish(&self, exchange: &str, routing_key: &str, bytes: &[u8], properties: BasicProperties) {
        let channel = self.channel().await;
        let options = BasicPublishOptions::default();
        channel.basic_publish(short(exchange), short(routing_key), options, bytes, properties).await.unwrap();
        channel.close(200, "OK".into()).await.unwrap();
    }
}

impl Namespace {
    pub fn fresh() -> Self {
        Self(fresh_name())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let namespace = std::mem::take(&mut self.0);
        // A runtime of its own, because the test's may be unwinding.
        let cleaning = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
            runtime.block_on(async { Broker::connect().await.clean(&namespace).await });
        });
        assert!(cleaning.join().is_ok() || std::thread::panicking(), "the namespace could not be cleaned");
    }
}

/// A proxy in front of the broker, and the broker's address through it.
pub async fn behind_a_proxy() -> (Proxy, String) {
    Proxy::before(&amqp_url()).await
}

fn short(name: &str) -> ShortString {
    ShortString::try_new(name).unwrap()
}
