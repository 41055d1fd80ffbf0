//! What is consumed: by the client library without work, and by our worker.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::Failed;
use super::ground::{Ground, Lot, outgoing_all};
use super::messages::remember_as_sent;
use super::meter::Meter;
use crate::config::{Config, ms};
use crate::gateways::Gateways;
use crate::message::{Envelope, Flow};
use crate::processor::{Tools, Worker};
use crate::store::{Ending, Outcome, Ownership, Parked, ParkedFailure, Place, Question, Record, WaitsFor};
use crate::transport::{Transport, Yardstick};

/// What our worker is given to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// One changing effect for each message, at a far end that answers after this time.
    Effects(Duration),
    /// No effect: the message is no business of ours.
    NotOurs,
}

/// One message of so many waits behind a head that is held.
const GATED: usize = 100;

/// Longer than any measurement.
const HELD_FOR: Duration = Duration::from_hours(1);

/// The client library: decodes, acknowledges what gathered with one frame. Messages per second.
pub(super) async fn raw(ground: &Ground, count: usize) -> Result<f64, Failed> {
    let lot = ground.lot(count)?;
    let yardstick = fill(&ground.config, &lot).await?;
    let meter = Arc::new(Meter::new(&ground.clock, count as u64));
    let counted = Arc::clone(&meter);
    let seen = |bytes: &[u8]| {
        std::hint::black_box(Envelope::decode(bytes).ok());
    };
    yardstick.consume(count as u64, seen, move |number| counted.count(number)).await?;
    let rate = meter.rate().await?;
    yardstick.empty().await?;
    Ok(rate)
}

/// Our worker. Messages per second, counted at the far end; and at the end every message has its ending, and every order
/// one effect.
pub(super) async fn process(ground: &Ground, config: &Arc<Config>, work: Work, count: usize) -> Result<f64, Failed> {
    run(ground, config, work, count, false).await
}

/// The same, while one key of a hundred is held: its head waits for a time, and its message parks behind.
pub(super) async fn process_beside_gates(ground: &Ground, count: usize) -> Result<f64, Failed> {
    run(ground, &ground.config, Work::Effects(Duration::ZERO), count, true).await
}

async fn run(ground: &Ground, config: &Arc<Config>, work: Work, count: usize, gated: bool) -> Result<f64, Failed> {
    let mut lot = ground.lot(count)?;
    let effects = matches!(work, Work::Effects(_));
    if effects {
        remember_as_sent(&ground.store, &ground.clock, lot.numbers.clone(), &lot.messages).await?;
    }
    let held = if gated { hold(ground, &lot).await? } else { HashSet::new() };
    fill(config, &lot).await?;
    lot.messages.retain(|message| !held.contains(&message.message_id));
    let free = lot.messages.len() as u64;
    let meter = Arc::new(Meter::new(&ground.clock, free));
    ground.far_end.expect(lot.numbers.start, count, Some(Arc::clone(&meter)), !effects);
    ground.far_end.wait(if let Work::Effects(wait) = work { wait } else { Duration::ZERO });
    let worker = start(ground, config).await?;
    let rate = meter.rate().await;
    let ended = ended(ground, &lot, if effects { Ending::Applied } else { Ending::NotOurs }).await;
    worker.stop(ms(config.processor.drain_ms_max)).await;
    ground.far_end.wait(Duration::ZERO);
    ended?;
    match ground.far_end.effects() {
        (once, 0) if !effects || once == free => rate,
        (once, twice) => Err(Failed::Work(format!("Of {free} effects {once} happened once and {twice} again."))),
    }
}

/// Parks a head for longer than the measurement in one lane of a hundred; the messages of those lanes. Not for a person: what
/// comes behind it says "look again", and would wake it.
async fn hold(ground: &Ground, lot: &Lot) -> Result<HashSet<uuid::Uuid>, Failed> {
    let behind = || lot.messages.iter().step_by(GATED);
    let heads = behind().map(|message| (ground.clock.identifier(), message));
    park(ground, heads, &WaitsFor::Time { delay: HELD_FOR }, None).await?;
    Ok(behind().map(|message| message.message_id).collect())
}

/// Parks messages of these ids in the lanes of those, while nobody works.
pub(super) async fn park<'a>(
    ground: &Ground,
    messages: impl Iterator<Item = (uuid::Uuid, &'a Envelope)>,
    waits_for: &WaitsFor,
    failure: Option<&ParkedFailure>,
) -> Result<(), Failed> {
    let (store, partitions) = (&ground.store, ground.config.transport.partitions.orders);
    let mut owners = HashMap::new();
    let worker = ground.clock.identifier();
    let mut records = Vec::new();
    for (id, message) in messages {
        let partition = message.ordering_key.partition(partitions);
        if let Entry::Vacant(place) = owners.entry(partition) {
            let owner = store.take(worker, Flow::Orders, partition, Duration::from_secs(1)).await?;
            let owner = owner.ok_or_else(|| Failed::Work("Somebody works on the queues of the bench.".to_owned()))?;
            place.insert(owner);
        }
        let parked = Parked {
            waits_for: waits_for.clone(),
            failure: failure.cloned(),
            ..parked(owners[&partition], id, message)
        };
        records.push(Record::new(owners[&partition], id, Outcome::Parked(Box::new(parked))));
    }
    for some in records.chunks(256) {
        store.record(some).await?;
    }
    for owner in owners.into_values() {
        store.give_up(owner).await?;
    }
    Ok(())
}

/// A message of the same lane that waits behind whatever is in it.
fn parked(owner: Ownership, message_id: uuid::Uuid, message: &Envelope) -> Parked {
    Parked {
        message_id,
        flow: owner.flow,
        partition: owner.partition,
        lane_key: message.lane_key(),
        ordering_key: message.ordering_key.to_string(),
        kind: message.kind().to_string(),
        connection: message.connection.to_string(),
        bytes: message.encode(),
        place: Place::Behind,
        waits_for: WaitsFor::Head,
        attempts: 1,
        parkings: 1,
        revision: 0,
        failure: None,
        fingerprint: None,
        unsure: Vec::new(),
        deadline_at: None,
        asked_by: None,
        asked: 0,
        first_parked_at: None,
        last_parked_at: None,
    }
}

/// A worker on the flow orders, with the far end in this process.
async fn start(ground: &Ground, config: &Arc<Config>) -> Result<Worker, Failed> {
    let gateways = Gateways::with_wire(config, &ground.clock, ground.far_end.wire()?)?;
    let tools = Tools {
        config: Arc::clone(config),
        clock: ground.clock.clone(),
        store: ground.store.clone(),
        transport: Transport::open(config, &ground.clock).await?,
        gateways,
    };
    Ok(Worker::start(tools, vec![Flow::Orders]))
}

/// Brings messages into the queues.
pub(super) async fn fill(config: &Config, lot: &Lot) -> Result<Yardstick, Failed> {
    let yardstick = Yardstick::connect(config, Flow::Orders).await?;
    yardstick.publish(&outgoing_all(&lot.messages), |_| ()).await?;
    Ok(yardstick)
}

/// Waits until every message has ended, and has ended so.
async fn ended(ground: &Ground, lot: &Lot, wanted: Ending) -> Result<(), Failed> {
    let deadline = ms(ground.config.processor.drain_ms_max);
    let began = ground.clock.mark();
    for some in lot.messages.chunks(256) {
        let question = |message: &Envelope| Question {
            message_id: message.message_id,
            lane_key: message.lane_key(),
            document: String::new(),
        };
        let questions: Vec<_> = some.iter().map(question).collect();
        loop {
            let known = ground.store.look_up(Flow::Orders, &questions).await?;
            if known.iter().all(|known| known.ending == Some(wanted)) {
                break;
            }
            if ground.clock.since(began) > deadline {
                let other = known.iter().find(|known| known.ending != Some(wanted));
                return Err(Failed::Work(format!("Not every message has ended as {wanted:?}: {other:?}")));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    Ok(())
}
