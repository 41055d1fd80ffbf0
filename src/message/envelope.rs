//! The envelope: who said it, when, about which document, and what. Bytes in, bytes out, JSON for people.

use std::collections::BTreeMap;

use jiff::Timestamp;
use prost::Message as _;
use uuid::Uuid;

use super::identity::OrderingKey;
use super::kind::{Body, Flow, Kind, Order};
use super::names::{Connection, LegalEntity};
use super::packed::{pack, unpack};
use super::postings::Unreadable;
use super::wire::{Invalid, Wire, generated};

/// The version of the bodies that this release writes. Readers accept every version up to it.
pub const SCHEMA_VERSION: u32 = 1;

/// The attribute of a message that only its bytes name: the id that the same bytes had in the retry window before.
pub const PREVIOUS_MESSAGE_ID: &str = "previous_message_id";

/// The attribute of a message that we emitted: what for.
pub const PURPOSE: &str = "purpose";

/// The purpose of a message that only asks whether anything is missing of a receipt that is complete.
pub const ASKS_FOR_THE_REST: &str = "short";

/// The purpose of a message that only asks what to do with the part of a receipt that could not be posted.
pub const ASKS_WHAT_NOW: &str = "beyond";

/// The purpose of a report of a receipt whose inbound order we found, because the warehouse did not name ours.
pub const FOUND_ITS_ORDER: &str = "found";

/// The purpose of a message that only asks finance for a closed period.
pub const ASKS_FOR_A_PERIOD: &str = "period";

/// The largest body that is unpacked from an envelope, in bytes.
const RAW_LENGTH_MAX: u64 = 64 * 1024 * 1024;

/// One message.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope {
    /// The same event is the same message, everywhere.
    pub message_id: Uuid,
    /// The configured name of the Dynamics environment or warehouse that sent it.
    pub connection: Connection,
    /// What the sender's system is called: `finance_operations`, `standard`.
    pub source_system: String,
    /// As received.
    pub external_event_id: Option<String>,
    /// As received.
    pub external_event_type: Option<String>,
    /// Names the document.
    pub ordering_key: OrderingKey,
    /// The Dynamics environment the document belongs to.
    pub environment: Option<Connection>,
    /// The company the document belongs to.
    pub legal_entity: Option<LegalEntity>,
    /// When the event happened.
    pub occurred: Occurred,
    /// When we got it.
    pub received_at: Timestamp,
    /// How we got it.
    pub origin: Origin,
    /// The sender's version of the document.
    pub sequence: Option<u64>,
    /// W3C trace context.
    pub traceparent: Option<String>,
    /// The message that caused this one, when we made it.
    pub causation_id: Option<Uuid>,
    /// The untouched body.
    pub raw: Option<RawBody>,
    /// Echo data.
    pub attributes: BTreeMap<String, String>,
    /// What it says.
    pub body: Body,
}

/// An instant with how we came to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occurred {
    /// UTC.
    pub at: Timestamp,
    /// As sent.
    pub raw: Option<String>,
    /// How we came to know it.
    pub precision: TimePrecision,
}

/// How we came to know an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimePrecision {
    /// The sender said it with its zone.
    Instant,
    /// The sender said it without a zone; the connection's zone was assumed.
    AssumedZone,
    /// The sender did not say it: it is when we received the message.
    ReceiveTime,
}

/// How a message reached us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It was posted to us.
    Webhook,
    /// We asked.
    Poll,
    /// It came in a file.
    File,
    /// A person made it.
    Manual,
    /// It was replayed from outside.
    Replay,
    /// A flow of ours made it.
    Emitted,
}

/// The untouched body of what was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawBody {
    /// Zstandard; empty when `reference` is set.
    pub zstd: Vec<u8>,
    /// The store's key of a body too large to travel.
    pub reference: Option<String>,
    /// Of the uncompressed body, lower-case hexadecimal.
    pub sha256: String,
    /// Of the uncompressed body, in bytes.
    pub length: u64,
    /// As sent.
    pub media_type: Option<String>,
}

impl Envelope {
    /// The id that the same bytes had in the sender's retry window before; nothing for a message with a name of its own.
    #[must_use]
    pub fn previous_message_id(&self) -> Option<Uuid> {
        self.attributes.get(PREVIOUS_MESSAGE_ID)?.parse().ok()
    }

    /// Why nobody understood it when it came, if nobody did.
    #[must_use]
    pub fn unreadable(&self) -> Option<&Unreadable> {
        match &self.body {
            Body::Unreadable(unreadable) => Some(unreadable),
            _ => None,
        }
    }

    /// Which kind of message it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.body.kind()
    }

    /// The flow it travels in.
    #[must_use]
    pub fn flow(&self) -> Flow {
        self.body.flow()
    }

    /// What it waits behind: messages with one lane key are applied one after another.
    #[must_use]
    pub fn lane_key(&self) -> String {
        match self.kind().order() {
            Order::Sequential if self.asks() => self.questions_lane(),
            Order::Sequential => self.ordering_key.to_string(),
            // Whoever waits for a period asks for it; one question of a period is enough.
            Order::Commuting if self.asks_for_a_period() => self.ordering_key.to_string(),
            Order::Commuting => self.message_id.to_string(),
        }
    }

    /// The lane of what is asked about its document. A question changes nothing, so that nothing but another question of
    /// the document waits behind it.
    #[must_use]
    pub fn questions_lane(&self) -> String {
        format!("{}/questions", self.ordering_key)
    }

    /// Whether we emitted it only to ask a person about its document.
    #[must_use]
    pub fn asks(&self) -> bool {
        self.asks_for_the_rest() || self.asks_what_now()
    }

    /// Whether we emitted it only to ask whether anything is missing of a receipt that is complete.
    #[must_use]
    pub fn asks_for_the_rest(&self) -> bool {
        self.was_emitted_to(ASKS_FOR_THE_REST)
    }

    /// Whether we emitted it only to ask what to do with the part of a receipt that could not be posted.
    #[must_use]
    pub fn asks_what_now(&self) -> bool {
        self.was_emitted_to(ASKS_WHAT_NOW)
    }

    /// Whether we emitted it only to ask finance for a closed period.
    #[must_use]
    pub fn asks_for_a_period(&self) -> bool {
        self.was_emitted_to(ASKS_FOR_A_PERIOD)
    }

    /// Whether it is a report of a receipt whose inbound order we found.
    #[must_use]
    pub fn found_its_order(&self) -> bool {
        self.was_emitted_to(FOUND_ITS_ORDER)
    }

    fn was_emitted_to(&self, purpose: &str) -> bool {
        self.origin == Origin::Emitted && self.attributes.get(PURPOSE).is_some_and(|said| said == purpose)
    }

    /// Whose facts its plan needs: its document's. An adjustment of stock needs no others than its own; those of a stock,
    /// which is never closed, would become more and more.
    #[must_use]
    pub fn ledger_key(&self) -> String {
        match &self.body {
            Body::StockAdjusted(body) => format!("{}/{}", self.ordering_key, body.adjustment_key),
            _ => self.ordering_key.to_string(),
        }
    }

    /// The bytes that travel.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.clone().into_wire().encode_to_vec()
    }

    /// Reads the bytes that travelled.
    ///
    /// # Errors
    /// [`Invalid`] when they are not an envelope, or one of a newer release, or hold nonsense.
    pub fn decode(bytes: &[u8]) -> Result<Self, Invalid> {
        let wire =
            generated::Envelope::decode(bytes).map_err(|error| Invalid::new(format!("not an envelope: {error}")))?;
        Self::from_wire(wire)
    }

    /// The proto3 JSON form, for people and tools.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self.clone().into_wire()).unwrap_or_default()
    }

    /// Reads the proto3 JSON form.
    ///
    /// # Errors
    /// [`Invalid`] names the member and what is wrong with it.
    pub fn from_json(json: serde_json::Value) -> Result<Self, Invalid> {
        let wire: generated::Envelope =
            serde_json::from_value(json).map_err(|error| Invalid::new(error.to_string()))?;
        Self::from_wire(wire)
    }
}

impl RawBody {
    /// Packs a body.
    #[must_use]
    pub fn pack(body: &[u8], media_type: Option<String>) -> Self {
        let zstd = pack(body, 3);
        let sha256 = sha256(body);
        Self { zstd, reference: None, sha256, length: body.len() as u64, media_type }
    }

    /// The body as it was received; nothing when it lies in the store or is damaged.
    #[must_use]
    pub fn unpack(&self) -> Option<Vec<u8>> {
        let body = unpack(&self.zstd, RAW_LENGTH_MAX)?;
        (body.len() as u64 == self.length).then_some(body)
    }
}

/// The SHA-256 digest, in lower-case hexadecimal digits.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hexadecimal(ring::digest::digest(&ring::digest::SHA256, bytes).as_ref())
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

impl Wire<generated::Envelope> for Envelope {
    fn from_wire(wire: generated::Envelope) -> Result<Self, Invalid> {
        if wire.schema_version > SCHEMA_VERSION {
            let problem = format!("is {}; this release reads up to {SCHEMA_VERSION}", wire.schema_version);
            return Err(Invalid::new(problem).within("schema_version"));
        }
        let place = |name: &'static str| move |invalid: Invalid| invalid.within(name);
        let body =
            wire.body.ok_or_else(|| Invalid::new("is of a kind that this release does not know").within("body"))?;
        Ok(Self {
            message_id: Wire::from_wire(wire.message_id).map_err(place("message_id"))?,
            connection: Wire::from_wire(wire.connection).map_err(place("connection"))?,
            source_system: wire.source_system,
            external_event_id: Wire::from_wire(wire.external_event_id)?,
            external_event_type: Wire::from_wire(wire.external_event_type)?,
            ordering_key: Wire::from_wire(wire.ordering_key).map_err(place("ordering_key"))?,
            environment: Wire::from_wire(wire.environment).map_err(place("environment"))?,
            legal_entity: Wire::from_wire(wire.legal_entity).map_err(place("legal_entity"))?,
            occurred: Occurred {
                at: Wire::from_wire(wire.occurred_at).map_err(place("occurred_at"))?,
                raw: Wire::from_wire(wire.occurred_at_raw)?,
                precision: Wire::from_wire(wire.time_precision).map_err(place("time_precision"))?,
            },
            received_at: Wire::from_wire(wire.received_at).map_err(place("received_at"))?,
            origin: Wire::from_wire(wire.origin).map_err(place("origin"))?,
            sequence: wire.sequence,
            traceparent: Wire::from_wire(wire.traceparent)?,
            causation_id: Wire::from_wire(wire.causation_id).map_err(place("causation_id"))?,
            raw: Wire::from_wire(wire.raw)?,
            attributes: wire.attributes,
            body: Body::from_wire(body)?,
        })
    }

    fn into_wire(self) -> generated::Envelope {
        generated::Envelope {
            message_id: self.message_id.into_wire(),
            schema_version: SCHEMA_VERSION,
            connection: self.connection.into_wire(),
            source_system: self.source_system,
            external_event_id: self.external_event_id.into_wire(),
            external_event_type: self.external_event_type.into_wire(),
            ordering_key: self.ordering_key.into_wire(),
            environment: self.environment.into_wire(),
            legal_entity: self.legal_entity.into_wire(),
            occurred_at: self.occurred.at.into_wire(),
            occurred_at_raw: self.occurred.raw.into_wire(),
            time_precision: self.occurred.precision.into_wire(),
            received_at: self.received_at.into_wire(),
            origin: self.origin.into_wire(),
            sequence: self.sequence,
            traceparent: self.traceparent.into_wire(),
            causation_id: self.causation_id.into_wire(),
            raw: self.raw.into_wire(),
            attributes: self.attributes,
            body: Some(self.body.into_wire()),
        }
    }
}

impl Wire<generated::RawBody> for RawBody {
    fn from_wire(wire: generated::RawBody) -> Result<Self, Invalid> {
        let generated::RawBody { zstd, reference, sha256, length, media_type } = wire;
        Ok(Self {
            zstd,
            reference: Wire::from_wire(reference)?,
            sha256,
            length,
            media_type: Wire::from_wire(media_type)?,
        })
    }
    fn into_wire(self) -> generated::RawBody {
        let Self { zstd, reference, sha256, length, media_type } = self;
        generated::RawBody {
            zstd,
            reference: reference.into_wire(),
            sha256,
            length,
            media_type: media_type.into_wire(),
        }
    }
}

/// Enumerations that only we write: an unknown number is a newer release, not data.
macro_rules! ours {
    ($($type:ident { $($variant:ident),* })*) => { $(impl Wire<i32> for $type {
        fn from_wire(wire: i32) -> Result<Self, Invalid> {
            match generated::$type::try_from(wire) {
                $(Ok(generated::$type::$variant) => Ok(Self::$variant),)*
                Ok(generated::$type::Unspecified) => Err(Invalid::new("is required")),
                Err(_) => Err(Invalid::new(format!("{wire} is a value that this release does not know"))),
            }
        }
        fn into_wire(self) -> i32 {
            match self { $(Self::$variant => generated::$type::$variant as i32),* }
        }
    })* };
}
ours! {
    Origin { Webhook, Poll, File, Manual, Replay, Emitted }
    TimePrecision { Instant, AssumedZone, ReceiveTime }
}
