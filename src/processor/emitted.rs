//! What goes into the outbox: emitted messages, strangers on their way to their partition, dead letters.

use uuid::Uuid;

use super::inbound::Inbound;
use crate::clock::Clock;
use crate::flows::{ClosedPeriod, Emit};
use crate::message::{ASKS_FOR_A_PERIOD, Envelope, Origin, PURPOSE, TraceContext, emitted_id, id_of_bytes};
use crate::store::{OutboxRow, Parked, Purpose};

/// A message that a flow emits. A second run of its cause makes the same one.
pub(super) fn emitted(clock: &Clock, cause: &Envelope, revision: u32, emit: Emit) -> OutboxRow {
    let message_id = emitted_id(cause.message_id, revision, emit.purpose, emit.ordinal);
    emitted_as(message_id, clock, cause, emit)
}

/// The question for a period: whoever of those who wait for it asks, asks the same one.
pub(super) fn question(clock: &Clock, cause: &Envelope, number: u32, closed: &ClosedPeriod) -> OutboxRow {
    emitted_as(question_id(&closed.period, number), clock, cause, closed.question.clone())
}

/// The id of a period's question; they are counted from 0.
pub(super) fn question_id(period: &str, number: u32) -> Uuid {
    emitted_id(id_of_bytes(period.as_bytes()), 0, ASKS_FOR_A_PERIOD, number)
}

fn emitted_as(message_id: Uuid, clock: &Clock, cause: &Envelope, emit: Emit) -> OutboxRow {
    let Emit { purpose, body, about, .. } = emit;
    let (ordering_key, legal_entity, connection) = about.map_or_else(
        || (cause.ordering_key.clone(), cause.legal_entity.clone(), cause.connection.clone()),
        |about| (about.document, about.legal_entity, about.connection),
    );
    let mut attributes = cause.attributes.clone();
    attributes.insert(PURPOSE.to_owned(), purpose.to_owned());
    let message = Envelope {
        message_id,
        external_event_id: None,
        external_event_type: None,
        received_at: clock.now(),
        origin: Origin::Emitted,
        sequence: None,
        traceparent: Some(TraceContext::continue_or_start(cause.traceparent.as_deref(), clock).to_string()),
        causation_id: Some(cause.message_id),
        raw: None,
        body,
        ordering_key,
        legal_entity,
        connection,
        // The environment, who spoke, when it happened, and echo data are those of its cause.
        source_system: cause.source_system.clone(),
        environment: cause.environment.clone(),
        occurred: cause.occurred.clone(),
        attributes,
    };
    row_of(&message, message.encode())
}

/// A message as its sender said it, translated anew.
pub(super) fn handed_in(message: &Envelope) -> OutboxRow {
    row_of(message, message.encode())
}

/// A message in a foreign partition goes on as it is, into the partition that is computed when it is sent.
pub(super) fn forwarded(message: &Envelope, inbound: &Inbound) -> OutboxRow {
    row_of(message, inbound.bytes.clone())
}

fn row_of(message: &Envelope, bytes: Vec<u8>) -> OutboxRow {
    OutboxRow {
        id: 0,
        flow: message.flow(),
        purpose: Purpose::Flow,
        ordering_key: message.ordering_key.to_string(),
        message_id: message.message_id,
        kind: message.kind().to_string(),
        traceparent: message.traceparent.clone(),
        bytes,
        failure: None,
    }
}

/// The announcement of a message that is parked for a person: the message whole, and why.
pub(super) fn dead_letter(inbound: &Inbound, parked: &Parked) -> OutboxRow {
    OutboxRow {
        id: 0,
        flow: parked.flow,
        purpose: Purpose::DeadLetter,
        ordering_key: inbound.ordering_key.clone(),
        message_id: inbound.message_id,
        kind: inbound.kind.clone(),
        traceparent: inbound.traceparent.clone(),
        bytes: inbound.bytes.clone(),
        failure: parked.failure.clone(),
    }
}
