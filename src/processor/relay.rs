//! The relay: one per target flow, owned like a partition. It sends what waits in the outbox, by id.
//!
//! At most one message of an ordering key is unconfirmed at a time, many keys are in flight; what is confirmed is
//! deleted. A message that is refused, or whose confirm did not come, holds back its own key alone, and is sent again
//! first: so first copies of a key arrive in order. A relay that is not the owner any more can only add copies behind
//! the first, and the inbox has those.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use tokio::time::Sleep;

use super::house::House;
use super::ownership::{self, End, RELAY};
use crate::message::{Envelope, Flow, Invalid, Kind};
use crate::rehearsal::{Step, Variant, broken};
use crate::store::{OutboxRow, ParkedFailure, Purpose};
use crate::telemetry::RelayHeld;
use crate::transport::{Outgoing, Target};

/// Keys that are held back are left out of the next round; with more than this the way itself is closed.
const KEYS_HELD_MAX: usize = 1024;

/// Rows of one ordering key that one round sends: a hot key must not hold the round of the others.
const ROWS_PER_KEY_MAX: usize = 32;

/// Relays a flow's outbox until the worker stops.
pub(super) async fn hold(house: Arc<House>, flow: Flow) {
    while let Some((tenure, _claim)) = ownership::take(&house, flow, RELAY).await {
        let end = tokio::select! {
            biased;
            end = ownership::end(&house, &tenure) => end,
            () = relay(&house, flow, false) => End::Fenced,
            // On a way of their own: announcements that nobody takes must not hold back what is to be done.
            () = relay(&house, flow, true) => End::Fenced,
        };
        match end {
            End::Stopping | End::Sessionless | End::Shared => ownership::give_up(&house, &tenure).await,
            End::Silent | End::Fenced => {}
        }
    }
}

/// Sends round after round. Keys that are held back are left alone for a while, then all are tried again; whoever comes
/// meanwhile does not wait for them.
async fn relay(house: &House, flow: Flow, dead_letters: bool) {
    let mut waits = house.retry.for_the_store();
    let mut held = Vec::new();
    let mut pause: Option<Pin<Box<Sleep>>> = None;
    loop {
        let round = round(house, flow, dead_letters, &held).await;
        held.extend(round.held);
        if round.sent {
            waits = house.retry.for_the_store();
        }
        let room = held.len() < KEYS_HELD_MAX;
        if !round.empty && room {
            continue;
        }
        if held.is_empty() {
            house.until_outbox(flow, dead_letters).await;
            continue;
        }
        let pausing = pause.get_or_insert_with(|| Box::pin(tokio::time::sleep(waits.next_wait())));
        let over = tokio::select! {
            () = pausing.as_mut() => true,
            () = house.until_outbox(flow, dead_letters), if room => false,
        };
        if over {
            pause = None;
            held.clear();
        }
    }
}

struct Round {
    /// Nothing waits, but for what is held.
    empty: bool,
    /// Something was delivered.
    sent: bool,
    /// The keys that were not.
    held: Vec<String>,
}

async fn round(house: &House, flow: Flow, dead_letters: bool, without: &[String]) -> Round {
    let window = house.tools.config.transport.publish_window;
    let limit = u32::try_from(window.saturating_mul(2)).unwrap_or(u32::MAX);
    let read = || house.tools.store.outbox_without(flow, dead_letters, without, limit);
    let rows = house.persistently("reading the outbox", read).await;
    let mut round = Round { empty: rows.is_empty(), sent: false, held: Vec::new() };
    let sending = stream::iter(by_key(rows)).map(|rows| send_in_order(house, rows));
    let mut sent = sending.buffer_unordered(window).ready_chunks(window);
    while let Some(chunk) = sent.next().await {
        let (ids, held): (Vec<_>, Vec<_>) = chunk.into_iter().map(|sent| (sent.ids, sent.held)).unzip();
        round.held.extend(held.into_iter().flatten());
        let ids = ids.concat();
        if !ids.is_empty() {
            round.sent = true;
            house.persistently("deleting what was sent", || house.tools.store.delivered(&ids)).await;
        }
    }
    round
}

/// Rows by their ordering key, each in order of id.
fn by_key(rows: Vec<OutboxRow>) -> Vec<Vec<OutboxRow>> {
    let mut places = HashMap::new();
    let mut keys: Vec<Vec<OutboxRow>> = Vec::new();
    for row in rows {
        let place = *places.entry(row.ordering_key.clone()).or_insert_with(|| {
            keys.push(Vec::new());
            keys.len() - 1
        });
        keys[place].push(row);
    }
    keys
}

struct Sent {
    ids: Vec<i64>,
    /// The key, when one of its rows was not delivered.
    held: Option<String>,
}

async fn send_in_order(house: &House, rows: Vec<OutboxRow>) -> Sent {
    let mut sent = Sent { ids: Vec::new(), held: None };
    if broken(Variant::TwoUnconfirmed) {
        let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
        let messages = rows.into_iter().filter_map(|row| outgoing(row).ok());
        let all = messages.map(|message| house.tools.transport.publish(message));
        let delivered = futures_util::future::join_all(all).await;
        sent.ids = ids.into_iter().zip(delivered).filter(|(_, each)| each.is_ok()).map(|(id, _)| id).collect();
        return sent;
    }
    for row in rows.into_iter().take(ROWS_PER_KEY_MAX) {
        let (id, flow, message_id, key) = (row.id, row.flow, row.message_id, row.ordering_key.clone());
        let delivered = match outgoing(row) {
            Ok(message) => {
                let publish = house.tools.transport.publish(message);
                let delivered = house.rehearsal.handed_over(Step::PublishSent, publish).await;
                delivered.map_err(|error| error.to_string())
            }
            Err(invalid) => Err(invalid.to_string()),
        };
        if let Err(why) = delivered {
            RelayHeld { flow, message_id, why: &why }.emit();
            sent.held = Some(key);
            break;
        }
        house.rehearsal.reached(Step::PublishConfirmed);
        sent.ids.push(id);
    }
    sent
}

/// What goes over the wire. The partition is computed from the key when it is sent.
fn outgoing(row: OutboxRow) -> Result<Outgoing, Invalid> {
    let target = match row.purpose {
        Purpose::Ingest | Purpose::Flow => Target::Flow(row.flow),
        Purpose::DeadLetter => Target::DeadLetter(row.flow),
    };
    let source = Envelope::decode(&row.bytes).ok().map(|message| ("source".to_owned(), message.connection.to_string()));
    let mut headers: Vec<(String, String)> = source.into_iter().collect();
    headers.push(("correlation".to_owned(), row.message_id.to_string()));
    if let Some(ParkedFailure { code, sentence, detail, awaits: _ }) = row.failure {
        headers.push(("failure-code".to_owned(), code));
        headers.push(("failure-sentence".to_owned(), sentence));
        headers.extend(detail.map(|detail| ("failure-detail".to_owned(), detail)));
    }
    Ok(Outgoing {
        target,
        ordering_key: row.ordering_key.parse()?,
        message_id: row.message_id,
        type_name: row.kind.parse::<Kind>().map_or(row.kind, |kind| kind.type_name().to_owned()),
        traceparent: row.traceparent,
        headers,
        bytes: row.bytes,
    })
}
