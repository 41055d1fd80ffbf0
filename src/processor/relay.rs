//! The relay: one per target flow, owned like a partition. It sends what waits in the outbox, by id.
//!
//! At most one message of an ordering key is unconfirmed at a time, many keys are in flight; what is confirmed is
//! deleted. A message that is refused, or whose confirm did not come, holds back its own key alone, and is sent again
//! first: so first copies of a key arrive in order. A relay that is not the owner any more can only add copies behind
//! the first, and the inbox has those.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::{StreamExt as _, stream};

use super::house::House;
use super::ownership::{self, End, RELAY};
use crate::message::{Envelope, Flow, Invalid, Kind};
use crate::rehearsal::Step;
use crate::store::{OutboxRow, ParkedFailure, Purpose};
use crate::telemetry::RelayHeld;
use crate::transport::{Outgoing, Target};

/// Rows of one ordering key that one round sends: a hot key must not hold the round of the others.
const ROWS_PER_KEY_MAX: usize = 32;

/// Relays a flow's outbox until the worker stops.
pub(super) async fn hold(house: Arc<House>, flow: Flow) {
    while let Some(tenure) = ownership::take(&house, flow, RELAY).await {
        let end = tokio::select! {
            biased;
            end = ownership::end(&house, &tenure) => end,
            () = relay(&house, flow) => End::Fenced,
        };
        match end {
            End::Stopping | End::Sessionless => ownership::give_up(&house, &tenure).await,
            End::Silent | End::Fenced => {}
        }
    }
}

/// Sends round after round.
async fn relay(house: &House, flow: Flow) {
    let mut waits = house.retry.for_the_store();
    loop {
        match round(house, flow).await {
            Round::Empty => {
                waits = house.retry.for_the_store();
                house.until_outbox(flow).await;
            }
            Round::Sent => waits = house.retry.for_the_store(),
            Round::Held => tokio::time::sleep(waits.next_wait()).await,
        }
    }
}

enum Round {
    /// Nothing waits.
    Empty,
    /// Everything read was sent, or could have been.
    Sent,
    /// Something was not delivered.
    Held,
}

async fn round(house: &House, flow: Flow) -> Round {
    let window = house.tools.config.transport.publish_window;
    let limit = u32::try_from(window.saturating_mul(2)).unwrap_or(u32::MAX);
    let rows = house.persistently("reading the outbox", || house.tools.store.outbox(flow, limit)).await;
    if rows.is_empty() {
        return Round::Empty;
    }
    let sending = stream::iter(by_key(rows)).map(|rows| send_in_order(house, rows));
    let mut sent = sending.buffer_unordered(window).ready_chunks(window);
    let mut held = false;
    while let Some(chunk) = sent.next().await {
        held |= chunk.iter().any(|sent| sent.held);
        let ids: Vec<i64> = chunk.into_iter().flat_map(|sent| sent.ids).collect();
        if !ids.is_empty() {
            house.persistently("deleting what was sent", || house.tools.store.delivered(&ids)).await;
        }
    }
    if held { Round::Held } else { Round::Sent }
}

/// Rows by their way and ordering key, each in order of id.
fn by_key(rows: Vec<OutboxRow>) -> Vec<Vec<OutboxRow>> {
    let mut places = HashMap::new();
    let mut keys: Vec<Vec<OutboxRow>> = Vec::new();
    for row in rows {
        let way = (row.purpose == Purpose::DeadLetter, row.ordering_key.clone());
        let place = *places.entry(way).or_insert_with(|| {
            keys.push(Vec::new());
            keys.len() - 1
        });
        keys[place].push(row);
    }
    keys
}

struct Sent {
    ids: Vec<i64>,
    held: bool,
}

async fn send_in_order(house: &House, rows: Vec<OutboxRow>) -> Sent {
    let mut sent = Sent { ids: Vec::new(), held: false };
    for row in rows.into_iter().take(ROWS_PER_KEY_MAX) {
        let (id, flow, message_id) = (row.id, row.flow, row.message_id);
        let delivered = match outgoing(row) {
            Ok(message) => house.tools.transport.publish(message).await.map_err(|error| error.to_string()),
            Err(invalid) => Err(invalid.to_string()),
        };
        if let Err(why) = delivered {
            RelayHeld { flow, message_id, why: &why }.emit();
            sent.held = true;
            break;
        }
        house.rehearsal.reached(Step::PublishSent);
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
    if let Some(ParkedFailure { code, sentence, detail }) = row.failure {
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
