//! What was kept of a message, translated by what is known today: a newer release, or a configuration that names more.

use super::{Received, finance_operations, standard};
use crate::config::Config;
use crate::message::Envelope;

/// The messages that the kept body of a message says today, each with the identity that it would have had when it came.
///
/// # Errors
/// A sentence that says why there is nothing to translate, or nobody to translate it.
pub fn anew(config: &Config, message: &Envelope) -> Result<Vec<Envelope>, String> {
    let raw = message.raw.as_ref().ok_or("Nothing that a sender said was kept of it.")?;
    let bytes = raw.unpack().ok_or("What was kept of what its sender said is damaged.")?;
    let received = Received {
        connection: &message.connection,
        bytes: &bytes,
        media_type: raw.media_type.as_deref(),
        header_id: message.external_event_id.as_deref(),
        at: message.received_at,
        traceparent: message.traceparent.as_deref().unwrap_or_default(),
        json_depth_max: config.ingest.json_depth_max,
        retry_window_s: config.ingest.retry_window_s,
    };
    let name = message.connection.as_str();
    let messages = match message.source_system.as_str() {
        finance_operations::SYSTEM => {
            let dynamics = config.dynamics.get(name).ok_or_else(|| format!("No [dynamics.{name}] is configured."))?;
            finance_operations::translate(&received, dynamics)
        }
        standard::SYSTEM => {
            let warehouse =
                config.warehouses.get(name).ok_or_else(|| format!("No [warehouses.{name}] is configured."))?;
            vec![standard::translate(&received, warehouse)]
        }
        other => return Err(format!("What {other} says is not translated.")),
    };
    let as_it_came = |said: Envelope| Envelope {
        origin: message.origin,
        traceparent: message.traceparent.clone(),
        causation_id: (said.message_id != message.message_id).then_some(message.message_id),
        ..said
    };
    Ok(messages.into_iter().map(as_it_came).collect())
}

/// The same message as its kept body says it today: its identity and its document stay, what it says of it may change.
///
/// # Errors
/// A sentence that says why it is no such message today.
pub fn translated(config: &Config, message: &Envelope) -> Result<Envelope, String> {
    if message.unreadable().is_some() {
        return Err("Nobody understood it when it came: a replay as it is translates it anew.".to_owned());
    }
    let said = anew(config, message)?;
    let understood = || said.iter().filter(|said| said.unreadable().is_none());
    let same = |said: &&Envelope| {
        said.message_id == message.message_id
            && said.ordering_key == message.ordering_key
            && said.kind() == message.kind()
    };
    if let Some(same) = understood().find(same) {
        let Envelope { occurred, sequence, body, .. } = same.clone();
        return Ok(Envelope { occurred, sequence, body, ..message.clone() });
    }
    let discard = "Discard it, and have the sender send it again.";
    let other = understood().next().map(|other| {
        format!("Translated anew, it is another message: {} of {}. {discard}", other.kind(), other.ordering_key)
    });
    let problem =
        said.iter().find_map(Envelope::unreadable).map_or("it says nothing", |unreadable| &unreadable.problem);
    Err(other.unwrap_or_else(|| format!("Translated anew, nobody understands it: {problem}. {discard}")))
}
