//! What a transport promises. `promises` holds for both members; `rabbitmq` and `embedded` hold what only one can break.

mod embedded;
mod promises;
mod rabbitmq;
mod topology;

use std::collections::BTreeMap;
use std::time::Duration;

use drayline::clock::Clock;
use drayline::config::{Config, load_text};
use drayline::message::{Flow, OrderingKey};
use drayline::transport::{Delivery, Outgoing, Subscription, Target, Transport};
use tempfile::TempDir;
use uuid::Uuid;

use crate::support::broker::Namespace;
use crate::support::{amqp_url, ran};

/// Longer than anything takes that is going to happen.
const DEADLINE: Duration = Duration::from_mins(1);

/// The members of the closed set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Member {
    Embedded,
    Rabbitmq,
}

/// Fresh ground for one test.
struct Bench {
    folder: TempDir,
    namespace: Option<Namespace>,
    values: BTreeMap<String, String>,
}

impl Bench {
    fn new(member: Member) -> Self {
        let bench = Self { folder: tempfile::tempdir().unwrap(), namespace: None, values: BTreeMap::new() };
        let bench = bench
            .with("transport.confirm_deadline_ms", 20_000)
            .with("transport.front_stuck_ms", 200)
            .with("transport.reconnect_delay_ms_min", 20)
            .with("transport.reconnect_delay_ms_max", 200)
            .with("transport.partitions.orders", 2)
            .with("transport.partitions.shipments", 2)
            .with("transport.partitions.goods_received", 1)
            .with("transport.partitions.stock_adjustments", 1)
            .with("transport.partitions.returns", 1);
        match member {
            Member::Embedded => {
                ran("ran transport embedded");
                bench
            }
            Member::Rabbitmq => {
                let namespace = Namespace::fresh();
                let bench = bench
                    .with("transport.kind", "\"rabbitmq\"")
                    .with("transport.namespace", format!("{:?}", namespace.as_str()))
                    .at(&amqp_url());
                Self { namespace: Some(namespace), ..bench }
            }
        }
    }

    /// With one more value of the configuration, as TOML.
    fn with(mut self, key: &str, value: impl std::fmt::Display) -> Self {
        self.values.insert(key.to_owned(), value.to_string());
        self
    }

    fn at(self, url: &str) -> Self {
        self.with("transport.url", format!("{url:?}"))
    }

    /// The name of something in this test's namespace.
    fn named(&self, rest: &str) -> String {
        format!("{}.{rest}", self.namespace.as_ref().unwrap().as_str())
    }

    fn config(&self) -> Config {
        let values: Vec<_> = self.values.iter().map(|(key, value)| format!("{key} = {value}")).collect();
        let text = format!("data = {:?}\n{}", self.folder.path().to_str().unwrap(), values.join("\n"));
        load_text(&text).unwrap_or_else(|findings| panic!("{findings:#?}"))
    }

    /// Opens the transport, and waits for its session.
    async fn open(&self) -> Transport {
        let transport = Transport::open(&self.config(), &Clock::system()).await.unwrap();
        until("there is a session", || transport.away_for().is_none()).await;
        transport
    }
}

/// Waits for a named condition.
async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let mut ticks = tokio::time::interval(Duration::from_millis(10));
    let waiting = async {
        while !condition() {
            ticks.tick().await;
        }
    };
    tokio::time::timeout(DEADLINE, waiting).await.unwrap_or_else(|_| panic!("it never came about that {what}"));
}

/// A message to `orders` whose bytes are its number.
fn order(key: &str, number: u32) -> Outgoing {
    Outgoing {
        target: Target::Flow(Flow::Orders),
        ordering_key: key.parse().unwrap(),
        message_id: Uuid::new_v4(),
        type_name: "drayline.v1.OrderReleased".to_owned(),
        traceparent: None,
        headers: Vec::new(),
        bytes: number.to_be_bytes().to_vec(),
    }
}

/// The number that [`order`] wrote.
fn number(delivery: &Delivery) -> u32 {
    u32::from_be_bytes(delivery.bytes.as_slice().try_into().unwrap())
}

/// A key in the wanted partition of two.
fn key_in(partition: u16) -> String {
    let keys = (0..).map(|number| format!("order/contoso/usmf-{number}"));
    let mut fitting = keys.filter(|key| key.parse::<OrderingKey>().unwrap().partition(2) == partition);
    fitting.next().unwrap()
}

async fn next(subscription: &mut Subscription) -> Delivery {
    let next = tokio::time::timeout(DEADLINE, subscription.next()).await.expect("a delivery comes");
    next.expect("the subscription goes on")
}

/// Takes as many deliveries, unsettled.
async fn take(subscription: &mut Subscription, count: usize) -> Vec<Delivery> {
    let mut taken = Vec::with_capacity(count);
    while taken.len() < count {
        taken.push(next(subscription).await);
    }
    taken
}

fn settle(deliveries: Vec<Delivery>) {
    for delivery in deliveries {
        delivery.settlement.settle();
    }
}

fn numbers(deliveries: &[Delivery]) -> Vec<u32> {
    deliveries.iter().map(number).collect()
}

/// Nothing comes although time passes: the one thing that cannot be waited for by name.
async fn quiet(subscription: &mut Subscription) {
    let something = tokio::time::timeout(Duration::from_millis(300), subscription.next()).await;
    assert!(something.is_err(), "something came: {something:?}");
}
