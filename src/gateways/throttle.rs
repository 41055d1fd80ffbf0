//! How far ends ask to be left alone: in seconds, in milliseconds, as a date, in a vendor's header, or in a sentence.
//!
//! Pure. What is understood wrongly is never longer than the configured maximum.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::HeaderMap;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use serde_json::Value;

/// Only the beginning of a body is searched for words about waiting.
const TEXT_BYTES_MAX: usize = 2000;

/// Larger numbers of a reset header are instants, smaller ones are seconds.
const EPOCH_SECONDS_MIN: u64 = 1_000_000_000;

/// A far end asked us to slow down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SlowDown {
    /// For how long, where it says so.
    pub(super) after: Option<Duration>,
}

/// Whether an answer asks us to slow down, and for how long.
pub(super) fn slow_down(status: u16, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Option<SlowDown> {
    let header = in_headers(headers, now);
    match status {
        429 => {
            let after = header.or_else(|| in_resets(headers, now)).or_else(|| in_text(body));
            Some(SlowDown { after: after.or_else(|| at_rate(headers)) })
        }
        503 => header.map(|after| SlowDown { after: Some(after) }),
        // Some vendors say it with 403; only a sentence that names a time tells it from a missing right.
        403 => {
            let words = text(body).to_ascii_lowercase();
            let about = ["limit", "throttl", "too many", "wait", "retry"].iter().any(|word| words.contains(word));
            let after = header.or_else(|| in_text(body)).filter(|_| about)?;
            Some(SlowDown { after: Some(after) })
        }
        // Some answer questions in a body, and say there what is wrong with them.
        200 => in_errors(body).map(|after| SlowDown { after: Some(after) }),
        _ => None,
    }
}

/// `{"errors": [{"code": 30, "time_remaining": "18 seconds", …}]}`.
fn in_errors(body: &[u8]) -> Option<Duration> {
    const TIME: &str = "time_remaining";
    if !body.windows(TIME.len()).any(|word| word == TIME.as_bytes()) {
        return None;
    }
    let answer: Value = serde_json::from_slice(body).ok()?;
    let errors = answer.get("errors")?.as_array()?;
    let credits = errors.iter().find(|error| error["code"] == 30 || error["code"] == "30")?;
    in_text(credits.get(TIME)?.as_str()?.as_bytes())
}

/// One call's time at the rate that is told: `x-amzn-RateLimit-Limit: 2.0`, calls a second.
fn at_rate(headers: &HeaderMap) -> Option<Duration> {
    let said = headers.get("x-amzn-ratelimit-limit")?.to_str().ok()?;
    let rate = said.trim().parse::<Decimal>().ok().filter(Decimal::is_sign_positive)?;
    Decimal::ONE_THOUSAND.checked_div(rate)?.ceil().to_u64().map(Duration::from_millis)
}

fn in_headers(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let value = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let milliseconds = || {
        let said = value("retry-after-ms").or_else(|| value("x-ms-retry-after-ms"))?;
        thousandths(said, Decimal::ONE)
    };
    let seconds = |name: &str| {
        let said = value(name)?;
        thousandths(said, Decimal::ONE_THOUSAND).or_else(|| until(said, now))
    };
    milliseconds().or_else(|| seconds("retry-after")).or_else(|| seconds("x-retry-after"))
}

/// When a window begins anew. Many send it with every answer, so it counts only once they have said no.
fn in_resets(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let names = ["x-rate-limit-reset", "x-ratelimit-reset", "ratelimit-reset"];
    let said = names.iter().find_map(|name| headers.get(*name)).and_then(|value| value.to_str().ok())?;
    let delay = thousandths(said.trim(), Decimal::ONE_THOUSAND)?;
    if delay.as_secs() < EPOCH_SECONDS_MIN {
        return Some(delay);
    }
    let instant = Timestamp::from_second(i64::try_from(delay.as_secs()).ok()?).ok()?;
    Some(Duration::try_from(instant.duration_since(now)).unwrap_or_default())
}

/// An HTTP date; one that is past means now.
fn until(said: &str, now: Timestamp) -> Option<Duration> {
    let instant = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(said).ok()?;
    Some(Duration::try_from(instant.duration_since(now)).unwrap_or_default())
}

/// `… 18 seconds …`, `… 500 milliseconds …`, `… 2 min …`.
fn in_text(body: &[u8]) -> Option<Duration> {
    let text = text(body).to_ascii_lowercase();
    let mut rest = text.as_str();
    while let Some(start) = rest.find(|each: char| each.is_ascii_digit()) {
        let from = rest.get(start..)?;
        let length = from.find(|each: char| !each.is_ascii_digit() && each != '.').unwrap_or(from.len());
        let (number, after) = from.split_at(length);
        let unit: String = after.trim_start().chars().take_while(char::is_ascii_alphabetic).collect();
        let scale = match unit.as_str() {
            "ms" | "millisecond" | "milliseconds" => Some(Decimal::ONE),
            "s" | "sec" | "secs" | "second" | "seconds" => Some(Decimal::ONE_THOUSAND),
            "min" | "mins" | "minute" | "minutes" => Some(Decimal::from(60_000)),
            _ => None,
        };
        let delay = scale.and_then(|scale| thousandths(number.trim_end_matches('.'), scale));
        if delay.is_some() {
            return delay;
        }
        rest = after;
    }
    None
}

fn text(body: &[u8]) -> String {
    String::from_utf8_lossy(body.get(..TEXT_BYTES_MAX).unwrap_or(body)).into_owned()
}

/// A number of units, each so many milliseconds long.
fn thousandths(number: &str, scale: Decimal) -> Option<Duration> {
    let number = number.parse::<Decimal>().ok()?.checked_mul(scale)?;
    number.ceil().to_u64().map(Duration::from_millis)
}
