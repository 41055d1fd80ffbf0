//! One authentic request on its way to becoming messages: what every translator needs, and the envelope it fills.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::json::Problem;
use crate::message::{
    Body, Connection, Envelope, Flow, LegalEntity, Occurred, OrderingKey, Origin, PREVIOUS_MESSAGE_ID, RawBody,
    TimePrecision, Unreadable, message_id, message_id_of_bytes, sha256,
};
use crate::rehearsal::{Variant, broken};

/// The longest sentence about an unreadable body, in characters.
const PROBLEM_LENGTH_MAX: usize = 500;

/// One authentic request.
#[derive(Clone, Copy, Debug)]
pub struct Received<'a> {
    /// Who sent it.
    pub connection: &'a Connection,
    /// The body as it came.
    pub bytes: &'a [u8],
    /// As sent.
    pub media_type: Option<&'a str>,
    /// The id in the signature's headers, where the scheme has one.
    pub header_id: Option<&'a str>,
    /// When.
    pub at: Timestamp,
    /// W3C trace context.
    pub traceparent: &'a str,
    /// Deeper bodies are unreadable.
    pub json_depth_max: usize,
    /// Equal bytes within one such window are one event.
    pub retry_window_s: u64,
}

/// What a translator found out beside the body.
pub(super) struct Facts {
    pub source_system: &'static str,
    /// As received.
    pub event_type: Option<String>,
    /// As received.
    pub event_id: Option<String>,
    /// What makes the event the same event, within its type.
    pub identity: Option<String>,
    pub occurred: Occurred,
    pub environment: Option<Connection>,
    pub legal_entity: Option<LegalEntity>,
    pub attributes: BTreeMap<String, String>,
}

impl Facts {
    /// Nothing is known yet.
    pub fn none(source_system: &'static str, received: &Received<'_>) -> Self {
        Self {
            source_system,
            event_type: None,
            event_id: None,
            identity: None,
            occurred: Occurred { at: received.at, raw: None, precision: TimePrecision::ReceiveTime },
            environment: None,
            legal_entity: None,
            attributes: BTreeMap::new(),
        }
    }

    /// When it happened, as the sender wrote it; what cannot be read is kept as text, and the receive time counts.
    pub fn happened(&mut self, raw: String, read: Option<(Timestamp, TimePrecision)>) {
        if let Some((at, precision)) = read {
            self.occurred = Occurred { at, raw: Some(raw), precision };
        } else {
            self.occurred.raw = Some(raw);
        }
    }
}

impl Received<'_> {
    /// The message that was understood. Without a key it stands alone.
    pub(super) fn understood(&self, facts: Facts, key: Option<OrderingKey>, body: Body, bytes: &[u8]) -> Envelope {
        let event_type = facts.event_type.clone().unwrap_or_default();
        let mut attributes = facts.attributes;
        // Equal bytes share a lane whatever their window, so that the second copy meets the first one there.
        let (id, alone) = if let Some(identity) = &facts.identity {
            let id = message_id(self.connection, &event_type, identity);
            (id, id.to_string())
        } else {
            let (id, previous) = self.ids_of_bytes(&event_type, bytes);
            attributes.insert(PREVIOUS_MESSAGE_ID.to_owned(), previous.to_string());
            (id, sha256(bytes))
        };
        let alone = || OrderingKey::alone(self.connection, &alone);
        Envelope {
            message_id: id,
            connection: self.connection.clone(),
            source_system: facts.source_system.to_owned(),
            external_event_id: facts.event_id,
            external_event_type: facts.event_type,
            ordering_key: key.map_or_else(alone, |key| self.bounded(key)),
            environment: facts.environment,
            legal_entity: facts.legal_entity,
            occurred: facts.occurred,
            received_at: self.at,
            origin: Origin::Webhook,
            sequence: None,
            traceparent: Some(self.traceparent.to_owned()),
            causation_id: None,
            raw: Some(RawBody::pack(bytes, self.media_type.map(str::to_owned))),
            attributes,
            body,
        }
    }

    /// The message that nobody understood. Its identity is its bytes, never the event's id: a sender that mends the
    /// body and sends it again under the same id must not be taken for a repeat.
    pub(super) fn unreadable(&self, facts: Facts, flow: Flow, problem: &Problem, bytes: &[u8]) -> Envelope {
        let problem = problem.chars().take(PROBLEM_LENGTH_MAX).collect();
        let facts = Facts { identity: None, ..facts };
        self.understood(facts, None, Body::Unreadable(Unreadable { flow, problem }), bytes)
    }

    fn ids_of_bytes(&self, event_type: &str, bytes: &[u8]) -> (uuid::Uuid, uuid::Uuid) {
        let length = i64::try_from(self.retry_window_s).unwrap_or(i64::MAX).max(1);
        let window = self.at.as_second().div_euclid(length);
        let window = if broken(Variant::HashForEver) { 0 } else { window };
        let of = |window| message_id_of_bytes(self.connection, event_type, bytes, window);
        (of(window), of(window - 1))
    }

    /// A key that can travel: what a sender made too long or strange gives way to its hash, the same each time.
    fn bounded(&self, key: OrderingKey) -> OrderingKey {
        if key.as_str().parse::<OrderingKey>().is_ok() {
            return key;
        }
        OrderingKey::alone(self.connection, &sha256(key.as_str().as_bytes()))
    }
}
