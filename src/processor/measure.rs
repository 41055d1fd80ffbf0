//! How much is parked, and how much waits in the outbox: counted for the metrics from time to time.

use std::collections::HashMap;
use std::sync::Arc;

use super::house::House;
use crate::config::ms;
use crate::telemetry::{FarEndMeasured, OutboxMeasured, ParkedMeasured};

/// What a parked message may wait for: counts of nothing are shown, too, so that a gauge goes back to zero.
const WAITS: [&str; 6] = ["head", "time", "document", "far_end", "flow", "person"];

/// Counts, again and again.
pub(super) async fn run(house: Arc<House>) {
    let store = &house.tools.store;
    let mut ticks = tokio::time::interval(ms(house.tools.config.processor.measure_ms.max(1)));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let waiting = house.persistently("counting the outbox", || store.waiting(None, None)).await;
        OutboxMeasured { rows: waiting.rows, oldest: waiting.oldest }.emit();
        let counts = house.persistently("counting what is parked", || store.parked_counts()).await;
        let counts: HashMap<_, _> =
            counts.into_iter().map(|(flow, waits, messages)| ((flow, waits), messages)).collect();
        for view in house.tools.gateways.views() {
            FarEndMeasured {
                connection: view.connection.as_str(),
                state: view.state,
                limit: view.limit,
                under_way: view.under_way,
                in_line: view.in_line,
                waiting: house.stops.waiting_for(view.connection.as_str()),
            }
            .emit();
        }
        for flow in &house.flows {
            for waits_for in WAITS {
                let messages = counts.get(&(*flow, waits_for.to_owned())).copied().unwrap_or(0);
                ParkedMeasured { flow: *flow, waits_for, messages }.emit();
            }
        }
    }
}
