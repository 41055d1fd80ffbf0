//! From the event to its effect, with HTTP on both sides and the doors and the worker in processes of their own.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use super::Failed;
use super::children::Child;
use super::figures::{Figures, share};
use super::ground::Ground;
use super::messages::{remember_as_sent, translated};
use super::meter::Meter;

/// How long a window is.
const WINDOW_S: u32 = 10;

/// Milliseconds from when an event is sent to when the far end has its effect: of each window.
pub(super) struct Latency {
    pub(super) p50_ms: Figures,
    pub(super) p99_ms: Figures,
}

pub(super) async fn measure(ground: &Arc<Ground>, rate: u32, windows: u32) -> Result<Latency, Failed> {
    let per_window = (rate * WINDOW_S) as usize;
    // The first one warms up and is not counted.
    let count = per_window * (windows as usize + 1);
    let (numbers, bodies) = ground.bodies(count);
    for (place, some) in bodies.chunks(10_000).enumerate() {
        let first = numbers.start + place as u64 * 10_000;
        let messages: Vec<_> =
            ground.with_sender(|sender| some.iter().map(|body| translated(body, sender)).collect::<Result<_, _>>())?;
        remember_as_sent(&ground.store, &ground.clock, first..first + some.len() as u64, &messages).await?;
    }
    let worker = Child::start(ground, "work", &["work", "--flow", "orders"]).await?;
    let doors = Child::start(ground, "ingest", &["ingest"]).await?;
    let door = Arc::new(doors.door(ground)?);
    let meter = Arc::new(Meter::of_journeys(&ground.clock, count));
    ground.far_end.expect(numbers.start, count, Some(Arc::clone(&meter)), false);
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / rate);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut posts = JoinSet::new();
    for (place, body) in bodies.into_iter().enumerate() {
        ticks.tick().await;
        meter.sets_out(place, ground.clock.mark());
        let door = Arc::clone(&door);
        posts.spawn(async move { door.post(body).await });
    }
    while let Some(posted) = posts.join_next().await {
        posted??;
    }
    meter.rate().await?;
    doors.stop().await;
    worker.stop().await;
    let mut latency = Latency { p50_ms: Figures::default(), p99_ms: Figures::default() };
    let mut took = vec![Vec::new(); windows as usize + 1];
    for (place, time) in meter.took() {
        took[place / per_window].push(time.as_secs_f64() * 1000.0);
    }
    for window in took.iter_mut().skip(1) {
        window.sort_by(f64::total_cmp);
        latency.p50_ms.add(share(window, 0.5));
        latency.p99_ms.add(share(window, 0.99));
    }
    Ok(latency)
}
