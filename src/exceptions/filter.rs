//! Which exceptions somebody wants, in the words that the command line, the API and campaigns share.

use std::time::Duration;

use jiff::SpanRelativeTo;
use uuid::Uuid;

use super::view::{Owners, codes_of};
use crate::message::Flow;
use crate::store::{ExceptionFilter, WorkState};

/// Every name a filter knows, with what its value is.
pub const NAMES: [(&str, &str); 11] = [
    ("state", "open, investigating, waiting, replaying, resolved or discarded; several times for several"),
    ("flow", "a flow's name"),
    ("connection", "a connection's name"),
    ("code", "a code of docs/exceptions.md"),
    ("fingerprint", "a cause, as a list shows it"),
    ("owner", "whom somebody named, or the team of its code"),
    ("tag", "a tag"),
    ("item", "an item number or SKU, of the lines of its message or document"),
    ("document", "the document, as a list shows it"),
    ("older_than", "first seen so long ago: 90m, 4h, 2d"),
    ("message", "a message's id; several times for several"),
];

/// What a list of names and values asks for; of states that are not named, those in which something is still to happen.
///
/// # Errors
/// A sentence about the first part that cannot be used.
pub fn filter<'a>(
    parts: impl IntoIterator<Item = (&'a str, &'a str)>,
    owners: &Owners,
) -> Result<ExceptionFilter, String> {
    let mut filter = ExceptionFilter::default();
    for (name, value) in parts {
        let text = Some(value.to_owned());
        match name {
            "state" => filter.states.push(value.parse()?),
            "flow" => filter.flow = Some(value.parse::<Flow>().map_err(|error| error.to_string())?),
            "connection" => filter.connection = text,
            "code" => filter.code = text,
            "fingerprint" => filter.fingerprint = text,
            "owner" => filter.owner = Some((value.to_owned(), codes_of(owners, value))),
            "tag" => filter.tag = text,
            "item" => filter.item = text,
            "document" => filter.document = text,
            "older_than" => filter.older_than = Some(duration(value)?),
            "message" => filter.messages.get_or_insert_default().push(id(value)?),
            other => return Err(unknown(other)),
        }
    }
    if filter.states.is_empty() {
        filter.states = WorkState::UNFINISHED.to_vec();
    }
    Ok(filter)
}

/// The names and values of `flow=orders,code=warehouse.rejected`.
///
/// # Errors
/// A sentence about the first part that has no value.
pub fn parts(text: &str) -> Result<Vec<(&str, &str)>, String> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let pair = part.split_once('=').map(|(name, value)| (name.trim(), value.trim()));
            pair.ok_or_else(|| format!("{part:?} says no value: write NAME=VALUE, several with commas between them"))
        })
        .collect()
}

fn unknown(name: &str) -> String {
    let names = NAMES.map(|(name, _)| name).join(", ");
    format!("{name:?} is no part of a filter of exceptions; they are {names}")
}

fn id(text: &str) -> Result<Uuid, String> {
    text.parse().map_err(|_| format!("{text:?} is no message id (a UUID, as a list shows it)"))
}

/// A span of time as people write it: `90m`, `4h`, `2d`.
///
/// # Errors
/// A sentence.
pub fn duration(text: &str) -> Result<Duration, String> {
    let strange = || format!("{text:?} is no duration; write 90m, 4h or 2d");
    let span: jiff::Span = text.parse().map_err(|_| strange())?;
    let exact = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| strange())?;
    Duration::try_from(exact).map_err(|_| strange())
}
