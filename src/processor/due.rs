//! Heads that are due run in their key's lane, before its deliveries. Events wake this task; a look from time to time
//! finds what they missed, and what other processes made due.

use std::collections::HashMap;
use std::sync::Arc;

use super::house::House;
use super::inbound::Job;
use super::lanes::Lanes;
use crate::config::ms;
use crate::message::Envelope;
use crate::rehearsal::{Variant, broken};
use crate::store::{Parked, WaitsFor};
use crate::transport::{Outgoing, Target};

/// After a look, the store rests so many times as long as it took.
const REST: u32 = 4;

/// Brings due heads of our partitions into their lanes, again and again.
pub(super) async fn run(house: Arc<House>) {
    let processor = &house.tools.config.processor;
    let limit = u32::try_from(processor.batch_max).unwrap_or(u32::MAX);
    loop {
        tokio::select! {
            () = house.due.notified() => {}
            () = tokio::time::sleep(ms(processor.due_poll_ms)) => {}
        }
        let tenures: HashMap<_, _> = house
            .tenures
            .all()
            .into_iter()
            .map(|tenure| ((tenure.owner.flow, tenure.owner.partition), tenure))
            .collect();
        if tenures.is_empty() {
            continue;
        }
        let owners: Vec<_> = tenures.values().map(|tenure| tenure.owner).collect();
        let began = house.tools.clock.mark();
        let due = house.persistently("looking for what is due", || house.tools.store.due(&owners, limit)).await;
        for parked in due {
            if broken(Variant::ReleaseByRepublishing) && parked.waits_for == WaitsFor::Head {
                republish(&house, parked).await;
                continue;
            }
            if let Some(tenure) = tenures.get(&(parked.flow, parked.partition)) {
                let arrived = house.tools.clock.mark();
                let _ = Lanes::bring(&house, Job::due(Arc::clone(tenure), parked, arrived));
            }
        }
        // Whatever ends asks for the next look: looks shall not be all that the store does. One that took long because the store
        // was away is no reason to rest for long.
        let rest = house.tools.clock.since(began).saturating_mul(REST);
        tokio::time::sleep(rest.min(ms(processor.due_poll_ms))).await;
    }
}

/// [`Variant::ReleaseByRepublishing`]: behind whatever arrived meanwhile.
async fn republish(house: &House, parked: Parked) {
    let Ok(message) = Envelope::decode(&parked.bytes) else { return };
    let outgoing = Outgoing {
        target: Target::Flow(parked.flow),
        ordering_key: message.ordering_key.clone(),
        message_id: parked.message_id,
        type_name: message.kind().type_name().to_owned(),
        traceparent: None,
        headers: Vec::new(),
        bytes: parked.bytes,
    };
    if house.tools.transport.publish(outgoing).await.is_ok() {
        house.tools.store.unpark(parked.message_id).await;
    }
}
