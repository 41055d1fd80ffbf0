//! Who is who: message ids, ordering keys, partitions, our references, effect keys.
//!
//! All of them are pure functions with golden vectors in `tests/message/identity.rs`. Changing one is a breaking
//! change: a redelivered message would not be recognised and its effect would happen twice.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

use super::envelope::sha256;
use super::names::{Connection, LegalEntity, RequestId};
use super::wire::{Invalid, Wire, textual};

/// The namespace of every id that we derive. Never changes.
const NAMESPACE: Uuid = Uuid::from_u128(0x6b3f_2c51_9e0d_5d0a_8c47_1f2e_64a9_b7d3);

/// Between the parts of what is hashed: a character that no part holds.
const SEPARATOR: &str = "\u{1f}";

/// The longest our reference may be: the smallest limit among warehouses in use.
pub const REFERENCE_LENGTH_MAX: usize = 40;

/// Room for `-W99R9999`.
const REFERENCE_SUFFIX_LENGTH: usize = 9;

/// The id of a message whose sender names its events.
#[must_use]
pub fn message_id(connection: &Connection, event_type: &str, event_id: &str) -> Uuid {
    derive(&["event", connection.as_str(), event_type, event_id])
}

/// The id of a message whose sender does not: equal bytes within one retry window are one event.
///
/// `window` counts the sender's retry windows since 1970; the one before is looked at, too.
#[must_use]
pub fn message_id_of_bytes(connection: &Connection, event_type: &str, body: &[u8], window: i64) -> Uuid {
    derive(&["bytes", connection.as_str(), event_type, &sha256(body), &window.to_string()])
}

/// The id of a message that a flow emits: a second run emits the same one.
#[must_use]
pub fn emitted_id(source: Uuid, revision: u32, purpose: &str, ordinal: u32) -> Uuid {
    derive(&["emitted", &source.to_string(), &revision.to_string(), purpose, &ordinal.to_string()])
}

/// The id of foreign bytes in our queues that name themselves nowhere: equal bytes are one message.
#[must_use]
pub fn id_of_bytes(bytes: &[u8]) -> Uuid {
    emitted_id(Uuid::nil(), 0, &sha256(bytes), 0)
}

/// An id of 20 characters that Dynamics takes for a record of ours, made of business facts.
#[must_use]
pub fn record_id(facts: &[&str]) -> String {
    format!("D{}", &sha256(facts.join(SEPARATOR).as_bytes())[..19]).to_ascii_uppercase()
}

/// 64 bits that tell texts apart within one row's key. It names nothing: two documents may share it.
#[must_use]
pub fn digest(parts: &[&str]) -> u64 {
    xxh3_64(parts.join(SEPARATOR).as_bytes())
}

fn derive(parts: &[&str]) -> Uuid {
    Uuid::new_v5(&NAMESPACE, parts.join(SEPARATOR).as_bytes())
}

/// Names a document of a Dynamics environment: messages of one key are applied in order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderingKey(String);

impl OrderingKey {
    /// An outbound order, by the document part of our reference.
    #[must_use]
    pub fn order(environment: &Connection, document: &str) -> Self {
        Self(format!("order/{environment}/{document}"))
    }

    /// An inbound order, by the document part of our reference.
    #[must_use]
    pub fn inbound_order(environment: &Connection, document: &str) -> Self {
        Self(format!("inbound/{environment}/{document}"))
    }

    /// A return, by its RMA or, without one, by the warehouse's key of it.
    #[must_use]
    pub fn rma(environment: &Connection, rma: &str) -> Self {
        Self(format!("rma/{environment}/{rma}"))
    }

    /// A wish for a return, by the shop's own key of it.
    #[must_use]
    pub fn return_request(environment: &Connection, legal_entity: &LegalEntity, request: &str) -> Self {
        Self(format!("return_request/{environment}/{legal_entity}/{request}"))
    }

    /// The closed periods of a company, up to a day.
    #[must_use]
    pub fn period(environment: &Connection, legal_entity: &str, until: &str) -> Self {
        Self(format!("period/{environment}/{legal_entity}/{until}"))
    }

    /// Whether it names an outbound order.
    #[must_use]
    pub fn is_order(&self) -> bool {
        self.0.starts_with("order/")
    }

    /// Whether it names a message that names no document of ours.
    #[must_use]
    pub fn stands_alone(&self) -> bool {
        self.0.starts_with("alone/")
    }

    /// Stock of one item in one warehouse.
    #[must_use]
    pub fn stock(warehouse: &Connection, sku: &str) -> Self {
        Self(format!("stock/{warehouse}/{sku}"))
    }

    /// Something that names no document: it stands alone, under its own id.
    #[must_use]
    pub fn alone(connection: &Connection, id: &str) -> Self {
        Self(format!("alone/{connection}/{id}"))
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The partition of `count` that the key lies in: (high 32 bits of `xxh3_64` of the key × count) >> 32.
    #[must_use]
    pub fn partition(&self, count: u16) -> u16 {
        let high = xxh3_64(self.0.as_bytes()) >> 32;
        u16::try_from((high * u64::from(count)) >> 32).unwrap_or(0)
    }
}

impl fmt::Display for OrderingKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for OrderingKey {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let sound = !text.trim().is_empty() && text.len() <= 500 && !text.chars().any(char::is_control);
        if sound { Ok(Self(text.to_owned())) } else { Err(Invalid::new(format!("{text:?} cannot name a document"))) }
    }
}

textual! { OrderingKey = |wire: String| wire.parse(); }

/// Under which name it becomes known that Dynamics has made something of an update.
#[must_use]
pub fn posting_name(environment: &Connection, update_id: &str) -> String {
    format!("posting/{environment}/{update_id}")
}

/// Our reference of a released document at a warehouse: `usmf-SHP0012-W1`, re-created `usmf-SHP0012-W1R2`.
///
/// Unique, at most 40 characters, letters, digits and hyphens, never ending in a hyphen and digits (one large system
/// marks its own split orders that way). A longer or stranger document id gives way to its hash.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    document: String,
    part: u8,
    revision: u16,
}

impl Reference {
    /// The reference of a document's first warehouse part and first revision.
    #[must_use]
    pub fn of(legal_entity: &LegalEntity, request: &RequestId) -> Self {
        Self { document: document_name(legal_entity, request), part: 1, revision: 1 }
    }

    /// The same document for another warehouse (parts count from 1).
    #[must_use]
    pub fn with_part(self, part: u8) -> Self {
        Self { part: part.max(1), ..self }
    }

    /// The same document re-created (revisions count from 1).
    #[must_use]
    pub fn with_revision(self, revision: u16) -> Self {
        Self { revision: revision.max(1), ..self }
    }

    /// The document without part and revision: what names it in ordering keys.
    #[must_use]
    pub fn document(&self) -> &str {
        &self.document
    }

    /// Which re-creation it is, from 1.
    #[must_use]
    pub fn revision(&self) -> u16 {
        self.revision
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-W{}", self.document, self.part)?;
        if self.revision > 1 { write!(formatter, "R{}", self.revision) } else { Ok(()) }
    }
}

impl FromStr for Reference {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let strange = || Invalid::new(format!("{text:?} is not a reference of ours (like usmf-SHP0012-W1)"));
        let (document, suffix) = text.rsplit_once("-W").ok_or_else(strange)?;
        let (part, revision) = suffix.split_once('R').unwrap_or((suffix, "1"));
        let part = part.parse().map_err(|_| strange())?;
        let revision = revision.parse().map_err(|_| strange())?;
        let reference = Self { document: document.to_owned(), part, revision };
        let ours =
            !document.is_empty() && part > 0 && text.len() <= REFERENCE_LENGTH_MAX && reference.to_string() == text;
        if ours { Ok(reference) } else { Err(strange()) }
    }
}

impl serde::Serialize for Reference {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_string())
    }
}

impl<'de> serde::Deserialize<'de> for Reference {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The name of a document in references and keys: legal entity and id, or what is left of them with their hash.
fn document_name(legal_entity: &LegalEntity, request: &RequestId) -> String {
    let whole = format!("{legal_entity}-{request}");
    let plain: String = whole.chars().map(|each| if each.is_ascii_alphanumeric() { each } else { '-' }).collect();
    let longest = REFERENCE_LENGTH_MAX - REFERENCE_SUFFIX_LENGTH;
    if plain == whole && whole.len() <= longest {
        return whole;
    }
    let hash = &sha256(whole.as_bytes())[..12];
    let head = plain.get(..longest - 13).unwrap_or(&plain).trim_end_matches('-');
    format!("{head}-{hash}")
}
