//! `topology apply` and `topology check`: what is missing, and precisely what differs.
//!
//! The broker names only the first argument that differs. So we ask again with its value in place of ours, until it
//! agrees: then all differences are known. Policies and bindings cannot be read by this protocol (`management.rs`); `apply`
//! binds again.

use lapin::Connection;

use crate::config::Config;
use crate::message::Flow;
use crate::transport::lane::{Lane, count};
use crate::transport::{Difference, TransportError};

use super::declare::{self, Obstacle, Stated, Unequal};
use super::management;
use super::session;
use super::topology::{Argument, QueueNeeded, Topology};

/// Queues have fewer arguments than this.
const ROUNDS_MAX: usize = 16;

const REMEDY: &str = "This cannot be changed in place: stop its producers, let it run empty, delete it, and run \
                      `drayline topology apply` again";

/// Creates what is missing; tells what differs.
pub(in crate::transport) async fn apply(config: &Config) -> Result<Vec<Difference>, TransportError> {
    visit(config, Mode::Apply).await
}

/// Only tells what is missing or differs.
pub(in crate::transport) async fn check(config: &Config) -> Result<Vec<Difference>, TransportError> {
    visit(config, Mode::Check).await
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Apply,
    Check,
}

async fn visit(config: &Config, mode: Mode) -> Result<Vec<Difference>, TransportError> {
    let topology = Topology::new(config);
    let connection = session::connect_once(config).await?;
    let mut differences = Vec::new();
    for name in topology.exchanges() {
        differences.extend(in_time(config, exchange(&connection, &name, mode)).await?);
    }
    let lanes = Lane::all(&config.transport.partitions);
    let needed: Vec<_> = lanes.map(|lane| (lane, topology.queue(lane))).collect();
    for (_, needed) in &needed {
        differences.extend(in_time(config, queue(&connection, needed.clone(), mode)).await?);
    }
    for flow in Flow::ALL {
        differences.extend(in_time(config, beyond(&connection, config, &topology, flow)).await?);
    }
    session::say_goodbye(&connection).await;
    differences.extend(management::look(config, &needed).await?);
    Ok(differences)
}

/// The client library leaves questions unanswered when the connection breaks: none is waited for without a deadline.
async fn in_time<T>(config: &Config, question: impl Future<Output = Result<T, Obstacle>>) -> Result<T, TransportError> {
    let answer = tokio::time::timeout(session::patience(config), question).await;
    answer
        .map_err(|_| TransportError::new("the broker does not answer any more", "Try again when it is well"))?
        .map_err(|obstacle| stopped(&obstacle))
}

/// The queue that a subscription found to be different.
pub(super) async fn describe(connection: &Connection, needed: QueueNeeded) -> Vec<Difference> {
    queue(connection, needed, Mode::Check).await.unwrap_or_default()
}

async fn exchange(connection: &Connection, name: &str, mode: Mode) -> Result<Option<Difference>, Obstacle> {
    let thing = format!("exchange {name}");
    if mode == Mode::Check
        && let Err(obstacle) = declare::exchange(connection, name, true).await
    {
        return missing(thing, obstacle).map(Some);
    }
    match declare::exchange(connection, name, false).await {
        Ok(()) => Ok(None),
        Err(Obstacle::Differs(words)) => {
            let problem = Unequal::read(&words).map_or(words, |unequal| unequal.to_string());
            Ok(Some(Difference { thing, problem, remedy: REMEDY.to_owned() }))
        }
        Err(other) => Err(other),
    }
}

async fn queue(connection: &Connection, needed: QueueNeeded, mode: Mode) -> Result<Vec<Difference>, Obstacle> {
    let thing = format!("queue {}", needed.name);
    if mode == Mode::Check
        && let Err(obstacle) = declare::queue(connection, &needed, true).await
    {
        return missing(thing, obstacle).map(|difference| vec![difference]);
    }
    let mut differences = Vec::new();
    let mut asked = needed.clone();
    for _ in 0..ROUNDS_MAX {
        let words = match declare::queue(connection, &asked, false).await {
            Ok(()) => break,
            Err(Obstacle::Differs(words)) => words,
            // Our question, made of the broker's own words, was not to its liking: what is known is told.
            Err(Obstacle::Refused(_)) if !differences.is_empty() => break,
            Err(other) => return Err(other),
        };
        let unequal = Unequal::read(&words);
        let problem = unequal.as_ref().map_or(words, ToString::to_string);
        differences.push(Difference { thing: thing.clone(), problem, remedy: REMEDY.to_owned() });
        if !unequal.is_some_and(|unequal| adopt(&mut asked, unequal)) {
            break;
        }
    }
    if mode == Mode::Apply {
        declare::bind(connection, &needed).await?;
    }
    Ok(differences)
}

/// Puts the broker's value in place of ours. Whether the question has changed by it.
fn adopt(asked: &mut QueueNeeded, unequal: Unequal) -> bool {
    let place = asked.arguments.iter().position(|(name, _)| *name == unequal.argument);
    let ours = place.map(|place| asked.arguments.remove(place).1);
    let Stated::Value { text, kind } = unequal.theirs else { return ours.is_some() };
    // The type is named only where both differ in it.
    let theirs = match (kind.as_str(), &ours) {
        ("bool", _) | ("", Some(Argument::Flag(_))) => text.parse().map(Argument::Flag).ok(),
        ("longstr", _) | ("", Some(Argument::Text(_))) => Some(Argument::Text(text)),
        _ => text.parse().map(Argument::Whole).ok(),
    };
    let changed = theirs.is_some() && theirs != ours;
    asked.arguments.extend(theirs.map(|value| (unequal.argument, value)));
    changed
}

/// A queue of a partition that the configuration does not have: nobody would empty it, and keys would have moved.
async fn beyond(
    connection: &Connection,
    config: &Config,
    topology: &Topology,
    flow: Flow,
) -> Result<Option<Difference>, Obstacle> {
    let configured = count(&config.transport.partitions, flow);
    let queue = topology.queue(Lane::Partition(flow, configured));
    match declare::queue(connection, &queue, true).await {
        Err(Obstacle::Missing) => Ok(None),
        Err(other) => Err(other),
        Ok(()) => Ok(Some(Difference {
            thing: format!("queue {}", queue.name),
            problem: format!("is there, but transport.partitions.{flow} is {configured}"),
            remedy: "Configure the count that was used before; a change moves keys to other queues".to_owned(),
        })),
    }
}

fn missing(thing: String, obstacle: Obstacle) -> Result<Difference, Obstacle> {
    match obstacle {
        Obstacle::Missing => {
            let remedy = "Run `drayline topology apply`, or start a worker: both create it".to_owned();
            Ok(Difference { thing, problem: "is missing".to_owned(), remedy })
        }
        other => Err(other),
    }
}

fn stopped(obstacle: &Obstacle) -> TransportError {
    let remedy = match obstacle {
        Obstacle::Refused(_) => "Give its user the rights to configure, write and read in this namespace",
        Obstacle::Missing | Obstacle::Differs(_) | Obstacle::Lost(_) => "Try again when the broker is well",
    };
    TransportError::new(format!("the broker stopped answering our questions: {obstacle}"), remedy)
}
