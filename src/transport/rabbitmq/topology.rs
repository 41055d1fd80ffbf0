//! What the broker must have: exchanges, queues, bindings, by name and argument.
//!
//! What loses messages when it is absent is a queue argument, so that declaring is checking. All release lines from 3.10
//! to 4.x take these arguments.

use lapin::types::{AMQPValue, FieldTable, LongString, ShortString};
use serde_json::{Value, json};

use crate::config::Config;
use crate::message::Flow;
use crate::transport::lane::Lane;

use super::address;

/// Partition counts change by generations; the generation is in the routing key, so that unbinding fences producers.
const GENERATION: u32 = 1;

/// Out of reach, in practice off. Unset, 4.x drops a whole window at the 21st crash; -1 makes 3.10 drop it at the first.
const DELIVERY_LIMIT: i64 = 1_000_000;

/// A queue, and what binds it to its exchange.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct QueueNeeded {
    pub(super) name: String,
    pub(super) exchange: String,
    pub(super) routing_key: String,
    pub(super) arguments: Vec<(String, Argument)>,
}

/// The value of a queue argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Argument {
    Text(String),
    Whole(i64),
    Flag(bool),
}

/// Everything that is derived from the namespace.
#[derive(Clone, Debug)]
pub(super) struct Topology {
    namespace: String,
}

impl Topology {
    pub(super) fn new(config: &Config) -> Self {
        Self { namespace: config.transport.namespace.clone() }
    }

    pub(super) fn exchange(&self, lane: Lane) -> String {
        match lane {
            Lane::Partition(flow, _) => format!("{}.{flow}", self.namespace),
            Lane::DeadLetters(_) => format!("{}.dead-letter", self.namespace),
        }
    }

    pub(super) fn routing_key(lane: Lane) -> String {
        match lane {
            Lane::Partition(_, partition) => format!("{GENERATION}.{partition:02}"),
            Lane::DeadLetters(flow) => flow.to_string(),
        }
    }

    pub(super) fn queue(&self, lane: Lane) -> QueueNeeded {
        QueueNeeded {
            name: format!("{}.{lane}", self.namespace),
            exchange: self.exchange(lane),
            routing_key: Self::routing_key(lane),
            arguments: self.arguments(lane),
        }
    }

    /// The order of exchanges that a whole installation needs: flows, then dead letters.
    pub(super) fn exchanges(&self) -> Vec<String> {
        let flows = Flow::ALL.map(|flow| self.exchange(Lane::Partition(flow, 0)));
        flows.into_iter().chain([self.exchange(Lane::DeadLetters(Flow::Orders))]).collect()
    }

    fn arguments(&self, lane: Lane) -> Vec<(String, Argument)> {
        let text = |value: &str| Argument::Text(value.to_owned());
        let mut arguments = vec![
            ("x-queue-type", text("quorum")),
            ("x-single-active-consumer", Argument::Flag(true)),
            ("x-delivery-limit", Argument::Whole(DELIVERY_LIMIT)),
            // With a length limit from somebody's policy: refuse the newest aloud, never drop the oldest silently.
            ("x-overflow", text("reject-publish")),
        ];
        if let Lane::Partition(flow, _) = lane {
            arguments.push(("x-dead-letter-exchange", Argument::Text(self.exchange(Lane::DeadLetters(flow)))));
            arguments.push(("x-dead-letter-routing-key", Argument::Text(Self::routing_key(Lane::DeadLetters(flow)))));
            arguments.push(("x-dead-letter-strategy", text("at-least-once")));
        }
        arguments.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// Definitions for `rabbitmqctl import_definitions`, the management page or a broker's start.
pub(in crate::transport) fn export(config: &Config) -> Value {
    let topology = Topology::new(config);
    let vhost = address::read(config).map_or_else(|_| "/".to_owned(), |uri| uri.vhost);
    let queues: Vec<_> = Lane::all(&config.transport.partitions).map(|lane| topology.queue(lane)).collect();
    let exchange = |name: &String| {
        json!({
            "name": name, "vhost": vhost, "type": "direct", "durable": true, "auto_delete": false,
            "internal": false, "arguments": {},
        })
    };
    let queue = |queue: &QueueNeeded| {
        let arguments: serde_json::Map<_, _> =
            queue.arguments.iter().map(|(name, value)| (name.clone(), value.to_json())).collect();
        json!({"name": queue.name, "vhost": vhost, "durable": true, "auto_delete": false, "arguments": arguments})
    };
    let binding = |queue: &QueueNeeded| {
        json!({
            "source": queue.exchange, "vhost": vhost, "destination": queue.name, "destination_type": "queue",
            "routing_key": queue.routing_key, "arguments": {},
        })
    };
    json!({
        "exchanges": topology.exchanges().iter().map(exchange).collect::<Vec<_>>(),
        "queues": queues.iter().map(queue).collect::<Vec<_>>(),
        "bindings": queues.iter().map(binding).collect::<Vec<_>>(),
    })
}

impl Argument {
    fn to_json(&self) -> Value {
        match self {
            Self::Text(text) => json!(text),
            Self::Whole(whole) => json!(whole),
            Self::Flag(flag) => json!(flag),
        }
    }

    fn to_amqp(&self) -> AMQPValue {
        match self {
            Self::Text(text) => AMQPValue::LongString(LongString::from(text.as_str())),
            Self::Whole(whole) => AMQPValue::LongLongInt(*whole),
            Self::Flag(flag) => AMQPValue::Boolean(*flag),
        }
    }
}

/// Queue arguments for the wire. A name that is too long for it is none of ours.
pub(super) fn table(arguments: &[(String, Argument)]) -> FieldTable {
    let mut table = FieldTable::default();
    for (name, value) in arguments {
        if let Ok(name) = ShortString::try_new(name.as_str()) {
            table.insert(name, value.to_amqp());
        }
    }
    table
}
