//! Instants as senders write them.

use drayline::message::TimePrecision;
use drayline::translation::{dynamics_instant, lenient_instant};
use jiff::Timestamp;
use proptest::prelude::*;

fn told(read: Option<(Timestamp, TimePrecision)>) -> Option<(String, TimePrecision)> {
    read.map(|(at, precision)| (at.to_string(), precision))
}

#[test]
fn times_with_a_zone_are_instants() {
    for (text, utc) in [
        ("2026-11-27T10:00:00Z", "2026-11-27T10:00:00Z"),
        ("2026-11-27T10:00:00+00:00", "2026-11-27T10:00:00Z"),
        ("2026-11-27T10:00:00+0200", "2026-11-27T08:00:00Z"),
        ("2026-11-27 10:00:00Z", "2026-11-27T10:00:00Z"),
        (" 2026-11-27T10:00:00.1234567-05:00 ", "2026-11-27T15:00:00.1234567Z"),
        ("2026-11-27T10:00:00.123456789012Z", "2026-11-27T10:00:00.123456789Z"),
    ] {
        assert_eq!(told(lenient_instant(text)), Some((utc.to_owned(), TimePrecision::Instant)), "{text}");
    }
}

#[test]
fn times_without_a_zone_are_taken_for_utc_and_marked() {
    for (text, utc) in [
        ("2026-11-27T10:00:00", "2026-11-27T10:00:00Z"),
        ("2026-11-27 10:00:00.1234567", "2026-11-27T10:00:00.1234567Z"),
        ("2026-11-27", "2026-11-27T00:00:00Z"),
    ] {
        assert_eq!(told(lenient_instant(text)), Some((utc.to_owned(), TimePrecision::AssumedZone)), "{text}");
    }
}

#[test]
fn what_is_no_time_is_none() {
    for text in
        ["", "soon", "2026-13-01T00:00:00Z", "2026-11-27T25:00:00", "27.11.2026 10:00", "2026-11-27T10:00:00+99"]
    {
        assert_eq!(told(lenient_instant(text)), None, "{text}");
    }
}

#[test]
fn dynamics_dates() {
    for (text, utc) in [
        ("/Date(1735689600000)/", Some("2025-01-01T00:00:00Z")),
        ("/Date(1735689600000+0000)/", Some("2025-01-01T00:00:00Z")),
        ("/Date(1735689600000-0800)/", Some("2025-01-01T00:00:00Z")),
        ("1735689600000", Some("2025-01-01T00:00:00Z")),
        ("/Date(-1000)/", Some("1969-12-31T23:59:59Z")),
        ("/Date(-2208988800000)/", None),
        ("1900-01-01T00:00:00Z", None),
        ("/Date()/", None),
        ("/Date(99999999999999999999)/", None),
        ("/Date(9223372036854775807)/", None),
        ("/Date(1735689600000+00)/", None),
        ("2025-11-28T16:00:00.1234567Z", Some("2025-11-28T16:00:00.1234567Z")),
    ] {
        assert_eq!(dynamics_instant(text).map(|(at, _)| at.to_string()).as_deref(), utc, "{text}");
    }
}

proptest! {
    #[test]
    fn every_instant_survives_every_spelling(second in -2_000_000_000_i64..4_000_000_000, nano in 0_i32..1_000_000_000) {
        let at = Timestamp::new(second, if second < 0 { 0 } else { nano }).unwrap();
        let text = at.to_string();
        prop_assert_eq!(lenient_instant(&text), Some((at, TimePrecision::Instant)));
        prop_assert_eq!(lenient_instant(&text.replace('T', " ")), Some((at, TimePrecision::Instant)));
        let naive = text.trim_end_matches('Z');
        prop_assert_eq!(lenient_instant(naive), Some((at, TimePrecision::AssumedZone)));
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC*") {
        let _ = lenient_instant(&text);
        let _ = dynamics_instant(&text);
    }
}
