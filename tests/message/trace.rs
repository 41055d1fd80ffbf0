//! The one header that joins what happens here with what happens elsewhere.

use drayline::clock::Clock;
use drayline::message::TraceContext;

const HEADER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn clock() -> Clock {
    Clock::set_at("2026-11-24T08:00:00Z".parse().unwrap(), 7)
}

#[test]
fn a_header_is_read_and_written_the_same() {
    for header in [HEADER, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"] {
        assert_eq!(header.parse::<TraceContext>().unwrap().to_string(), header);
    }
    assert_eq!(HEADER.parse::<TraceContext>().unwrap().trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
}

#[test]
fn a_later_version_is_read_as_far_as_it_is_known() {
    let later = HEADER.replacen("00-", "01-", 1);
    assert_eq!(later.parse::<TraceContext>().unwrap().to_string(), HEADER);
}

#[test]
fn nonsense_is_refused() {
    for nonsense in [
        "",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
        "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    ] {
        assert!(nonsense.parse::<TraceContext>().is_err(), "{nonsense}");
    }
}

#[test]
fn a_child_stays_in_the_trace_under_its_own_span() {
    let parent: TraceContext = HEADER.parse().unwrap();
    let child = parent.child(&clock());
    assert_eq!(child.trace_id(), parent.trace_id());
    assert_ne!(child.to_string(), parent.to_string());
}

#[test]
fn a_trace_goes_on_when_it_can_be_read_and_else_begins() {
    let clock = clock();
    let gone_on = TraceContext::continue_or_start(Some(HEADER), &clock);
    assert_eq!(gone_on.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
    for unreadable in [None, Some("nonsense")] {
        let begun = TraceContext::continue_or_start(unreadable, &clock);
        assert_ne!(begun.trace_id(), gone_on.trace_id());
        assert_eq!(begun.to_string().parse::<TraceContext>(), Ok(begun));
    }
}
