//! What is published: by the client library, by us from verified bodies in memory, and over HTTP.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use tokio::task::JoinSet;

use super::Failed;
use super::children::Child;
use super::ground::{Ground, outgoing_all};
use super::messages::translated;
use super::meter::{Meter, per_s};
use crate::ingest::outgoing;
use crate::message::Flow;
use crate::transport::{Transport, Yardstick};

/// Tasks that translate and publish side by side, as requests at the doors do.
const TASKS: usize = 4;

/// Senders over HTTP at a time.
const SENDERS: usize = 64;

/// The client library: a sliding window of confirms. Messages per second.
pub(super) async fn raw(ground: &Ground, count: usize) -> Result<f64, Failed> {
    let messages = outgoing_all(&ground.lot(count)?.messages);
    let yardstick = Yardstick::connect(&ground.config, Flow::Orders).await?;
    let meter = Meter::new(&ground.clock, count as u64);
    yardstick.publish(&messages, |number| meter.count(number)).await?;
    yardstick.empty().await?;
    meter.rate().await
}

/// Ours: translated, encoded, published, confirmed. Messages per second.
pub(super) async fn ours(ground: &Arc<Ground>, count: usize) -> Result<f64, Failed> {
    let (_, bodies) = ground.bodies(count);
    let transport = Transport::open(&ground.config, &ground.clock).await?;
    while transport.away_for().is_some() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let meter = Arc::new(Meter::new(&ground.clock, count as u64));
    let mut tasks = JoinSet::new();
    for some in bodies.chunks(count.div_ceil(TASKS)) {
        let (some, ground, transport, meter) =
            (some.to_vec(), Arc::clone(ground), transport.clone(), Arc::clone(&meter));
        let window = ground.config.transport.publish_window / TASKS;
        tasks.spawn(async move {
            let published = stream::iter(some).map(|body| {
                let (ground, transport, meter) = (Arc::clone(&ground), transport.clone(), Arc::clone(&meter));
                async move {
                    let message = ground.with_sender(|sender| translated(&body, sender))?;
                    transport.publish(outgoing(&message, message.encode())).await?;
                    meter.count(1);
                    Ok::<_, Failed>(())
                }
            });
            let mut published = published.buffer_unordered(window);
            while let Some(one) = published.next().await {
                one?;
            }
            Ok::<_, Failed>(())
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    transport.close().await;
    Yardstick::connect(&ground.config, Flow::Orders).await?.empty().await?;
    meter.rate().await
}

/// As many events over HTTP as fit, at a process of our doors. Events per second.
pub(super) async fn over_http(ground: &Arc<Ground>, count: usize) -> Result<f64, Failed> {
    let doors = Child::start(ground, "ingest", &["ingest"]).await?;
    let door = Arc::new(doors.door(ground)?);
    let (_, bodies) = ground.bodies(count);
    let began = ground.clock.mark();
    let mut senders = JoinSet::new();
    for some in bodies.chunks(count.div_ceil(SENDERS)) {
        let (some, door) = (some.to_vec(), Arc::clone(&door));
        senders.spawn(async move {
            for body in some {
                door.post(body).await?;
            }
            Ok::<_, Failed>(())
        });
    }
    while let Some(ended) = senders.join_next().await {
        ended??;
    }
    let rate = per_s(count as u64, ground.clock.since(began));
    doors.stop().await;
    Yardstick::connect(&ground.config, Flow::Orders).await?.empty().await?;
    Ok(rate)
}
