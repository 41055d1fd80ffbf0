//! Instants as senders write them. One lenient reader; what comes out is UTC, with how we came to know it.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::message::TimePrecision;

/// Digits of a second's fraction that we keep.
const FRACTION_DIGITS_MAX: usize = 9;

/// 1900-01-01, which Finance & Operations writes for "no date", in seconds.
const NO_DATE_S: i64 = -2_208_988_800;

/// Reads RFC 3339 and what is called so: a blank instead of `T`, any number of fractional digits, `+00:00`, `+0000`
/// or `Z`; without a zone UTC is assumed.
#[must_use]
pub fn lenient_instant(text: &str) -> Option<(Timestamp, TimePrecision)> {
    let text = shortened(text.trim());
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some((at, TimePrecision::Instant));
    }
    // A civil time takes an offset that it then ignores: what has one and was not read above is not understood.
    let clock_part = text.get(10..).unwrap_or_default();
    if clock_part.contains(['+', '-', 'Z', 'z', '[']) {
        return None;
    }
    let civil: DateTime = text.parse().ok()?;
    let zoned = civil.to_zoned(TimeZone::UTC).ok()?;
    Some((zoned.timestamp(), TimePrecision::AssumedZone))
}

/// Reads what Dynamics writes: `/Date(1735689600000)/`, the same with an offset that says nothing (the number counts
/// from 1970 UTC), a bare number of milliseconds, or ISO 8601. 1900-01-01 means that there is no date.
#[must_use]
pub fn dynamics_instant(text: &str) -> Option<(Timestamp, TimePrecision)> {
    let text = text.trim();
    let inner = text.strip_prefix("/Date(").and_then(|rest| rest.strip_suffix(")/")).unwrap_or(text);
    let read = milliseconds(inner)
        .and_then(|number| Timestamp::from_millisecond(number).ok())
        .map(|at| (at, TimePrecision::Instant))
        .or_else(|| lenient_instant(text));
    read.filter(|(at, _)| at.as_second() > NO_DATE_S)
}

/// The number in front of an offset, where there is one.
fn milliseconds(text: &str) -> Option<i64> {
    let sign_of_offset = text.char_indices().skip(1).find(|(_, each)| matches!(each, '+' | '-'));
    let (number, offset) = text.split_at(sign_of_offset.map_or(text.len(), |(at, _)| at));
    let offset_digits = offset.get(1..).unwrap_or_default();
    let sound = offset.is_empty() || (offset_digits.len() == 4 && offset_digits.bytes().all(|d| d.is_ascii_digit()));
    if sound { number.parse().ok() } else { None }
}

/// Without the digits of a fraction that nobody can keep.
fn shortened(text: &str) -> String {
    let Some((head, tail)) = text.split_once('.') else { return text.to_owned() };
    let digits = tail.bytes().take_while(u8::is_ascii_digit).count();
    let kept = digits.min(FRACTION_DIGITS_MAX);
    format!("{head}.{}{}", &tail[..kept], &tail[digits..])
}
