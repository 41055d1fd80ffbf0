//! What a worker holds in memory while a long backlog waits.

use std::sync::Arc;
use std::time::Duration;

use super::children::Child;
use super::consume::fill;
use super::ground::Ground;
use super::messages::remember_as_sent;
use super::meter::{Meter, per_s};
use super::{Failed, output};

/// Messages that are made at a time.
const AT_ONCE: usize = 20_000;

/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_millis(200);

pub(super) struct Backlog {
    /// Megabytes at most; nothing where the system does not tell.
    pub(super) rss_mb: Option<f64>,
    pub(super) per_s: f64,
}

/// Drains for this long from so many waiting messages. The first of them have effects, the rest are not ours.
pub(super) async fn measure(ground: &Arc<Ground>, count: usize, drain: Duration) -> Result<Backlog, Failed> {
    let first = ground.next_number();
    for done in (0..count).step_by(AT_ONCE) {
        let lot = ground.lot(AT_ONCE.min(count - done))?;
        if done < count / 10 {
            remember_as_sent(&ground.store, &ground.clock, lot.numbers.clone(), &lot.messages).await?;
        }
        fill(&ground.config, &lot).await?;
        if done % 200_000 == 0 {
            output::note(&format!("  {done} of {count} messages wait"));
        }
    }
    let meter = Arc::new(Meter::new(&ground.clock, u64::MAX));
    ground.far_end.expect(first, count, Some(Arc::clone(&meter)), true);
    let worker = Child::start(ground, "work", &["work", "--flow", "orders"]).await?;
    let mut most_kb = None;
    while meter.counted() == 0 {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let began = ground.clock.mark();
    while ground.clock.since(began) < drain && meter.counted() < count as u64 {
        tokio::time::sleep(LOOK_EVERY).await;
        most_kb = worker.resident_kb().map(|(_, most)| most).or(most_kb);
    }
    let (drained, took) = (meter.counted(), ground.clock.since(began));
    worker.stop().await;
    #[allow(clippy::cast_precision_loss, reason = "kilobytes of one process")]
    let rss_mb = most_kb.map(|most| most as f64 * 1024.0 / 1_000_000.0);
    Ok(Backlog { rss_mb, per_s: per_s(drained, took) })
}
