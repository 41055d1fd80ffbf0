//! Our messages as the protocol's properties and headers, and back. What a foreign producer leaves out, or writes in
//! another type, is read as absent: the bytes come through in any case.

use jiff::Timestamp;
use lapin::BasicProperties;
use lapin::message::Delivery as Received;
use lapin::types::{AMQPValue, FieldTable, LongString, ShortString};

use crate::message::OrderingKey;
use crate::transport::{Delivery, Outgoing, Settlement};

const CONTENT_TYPE: &str = "application/x-protobuf";
const ORDERING_KEY: &str = "ordering-key";
const TRACEPARENT: &str = "traceparent";

/// Set by quorum queues from the second delivery on.
const DELIVERY_COUNT: &str = "x-delivery-count";

/// Written to disk, whatever the queue is.
const PERSISTENT: u8 = 2;

/// Properties of a message that leaves at `now`. Names were checked before.
pub(super) fn outgoing(message: &Outgoing, now: Timestamp) -> BasicProperties {
    let mut headers = FieldTable::default();
    let own = [(ORDERING_KEY, Some(message.ordering_key.as_str())), (TRACEPARENT, message.traceparent.as_deref())];
    let own = own.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let given = message.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    for (name, value) in given.chain(own) {
        headers.insert(short(name), AMQPValue::LongString(LongString::from(value)));
    }
    BasicProperties::default()
        .with_message_id(short(&message.message_id.to_string()))
        .with_type(short(&message.type_name))
        .with_content_type(short(CONTENT_TYPE))
        .with_timestamp(u64::try_from(now.as_second()).unwrap_or(0))
        .with_delivery_mode(PERSISTENT)
        .with_headers(headers)
}

/// A delivery as it came, with the right to settle it.
pub(super) fn incoming(received: Received, settlement: Settlement) -> Delivery {
    let properties = &received.properties;
    let header = |name: &str| properties.headers().as_ref().and_then(|headers| headers.inner().get(name));
    let text = |name| header(name).and_then(text);
    let counted = header(DELIVERY_COUNT).and_then(whole);
    let further = properties.headers().iter().flat_map(FieldTable::inner);
    let further = further.filter(|(name, _)| ![ORDERING_KEY, TRACEPARENT, DELIVERY_COUNT].contains(&name.as_str()));
    Delivery {
        message_id: properties.message_id().as_ref().and_then(|id| id.as_str().parse().ok()),
        ordering_key: text(ORDERING_KEY).and_then(|key| key.parse::<OrderingKey>().ok()),
        type_name: properties.kind().as_ref().map(ToString::to_string),
        traceparent: text(TRACEPARENT),
        headers: further.filter_map(|(name, value)| Some((name.to_string(), self::text(value)?))).collect(),
        deliveries_before: counted.unwrap_or_else(|| u32::from(received.redelivered)),
        bytes: received.data,
        settlement,
    }
}

fn text(value: &AMQPValue) -> Option<String> {
    match value {
        AMQPValue::LongString(text) => String::from_utf8(text.as_bytes().to_vec()).ok(),
        AMQPValue::ShortString(text) => Some(text.to_string()),
        _ => None,
    }
}

fn whole(value: &AMQPValue) -> Option<u32> {
    match *value {
        AMQPValue::LongLongInt(number) => u32::try_from(number).ok(),
        AMQPValue::LongInt(number) => u32::try_from(number).ok(),
        AMQPValue::LongUInt(number) => Some(number),
        AMQPValue::ShortInt(number) => u32::try_from(number).ok(),
        AMQPValue::ShortUInt(number) => Some(number.into()),
        AMQPValue::ShortShortInt(number) => u32::try_from(number).ok(),
        AMQPValue::ShortShortUInt(number) => Some(number.into()),
        _ => None,
    }
}

/// Whatever comes here is short enough: it was checked, or it is ours.
fn short(text: &str) -> ShortString {
    ShortString::try_new(text).unwrap_or_default()
}
