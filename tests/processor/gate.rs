//! Who runs, who waits behind, who is swallowed.

use drayline::message::Kind;
use drayline::processor::{Admission, Arrival, Brought, admit};
use drayline::store::{Ending, Gate, Known, Parked, Place, WaitsFor};
use jiff::Timestamp;
use uuid::Uuid;

use crate::support::rows;

const HEAD: Uuid = Uuid::from_u128(1);
const OTHER: Uuid = Uuid::from_u128(2);

fn delivery(message_id: Uuid, kind: Kind) -> Arrival {
    Arrival { message_id, kind: Some(kind), brought: Brought::Delivered, lane_is_full: false }
}

fn gated(waits_for: WaitsFor) -> Known {
    Known { gate: Some(Gate { head: HEAD, position: 7, waits_for }), ..Known::default() }
}

fn awaits(kind: Option<Kind>) -> WaitsFor {
    WaitsFor::Document { key: "order/x/1".to_owned(), passes: kind, delay: std::time::Duration::ZERO }
}

fn parked(message_id: Uuid, position: i64, last_parked_at: Timestamp) -> Parked {
    Parked {
        place: Place::At(position),
        parkings: 1,
        first_parked_at: Some(last_parked_at),
        last_parked_at: Some(last_parked_at),
        ..rows::parked(message_id, "k", WaitsFor::Person)
    }
}

#[test]
fn an_open_gate_lets_run_and_parks_behind_if_it_must() {
    assert_eq!(admit(&delivery(OTHER, Kind::OrderReleased), &Known::default()), Admission::Run(Place::Behind));
}

#[test]
fn a_gate_closes_the_lane_whatever_its_head_waits_for() {
    let waits = [WaitsFor::Head, WaitsFor::Time { delay: std::time::Duration::ZERO }, WaitsFor::Person, awaits(None)];
    for waits_for in waits {
        assert_eq!(admit(&delivery(OTHER, Kind::OrderReleased), &gated(waits_for)), Admission::Behind);
    }
}

#[test]
fn only_the_very_kind_that_the_head_waits_for_passes_and_parks_in_front() {
    let known = gated(awaits(Some(Kind::ReturnAuthorised)));
    assert_eq!(admit(&delivery(OTHER, Kind::ReturnAuthorised), &known), Admission::Run(Place::InFrontOf(7)));
    assert_eq!(admit(&delivery(OTHER, Kind::ReturnReceived), &known), Admission::Behind);
    let undecodable = Arrival { kind: None, ..delivery(OTHER, Kind::ReturnReceived) };
    assert_eq!(admit(&undecodable, &known), Admission::Behind);
}

#[test]
fn what_ended_or_is_parked_is_swallowed_even_when_it_could_pass() {
    for ending in [Ending::Applied, Ending::NotOurs, Ending::Discarded] {
        let known = Known { ending: Some(ending), ..gated(awaits(Some(Kind::OrderReleased))) };
        assert_eq!(admit(&delivery(OTHER, Kind::OrderReleased), &known), Admission::CameAgain);
    }
    let known = Known { parked: Some(parked(HEAD, 7, Timestamp::UNIX_EPOCH)), ..gated(WaitsFor::Person) };
    assert_eq!(admit(&delivery(HEAD, Kind::OrderReleased), &known), Admission::CameAgain);
}

#[test]
fn a_full_lane_parks_deliveries_but_still_recognises_copies() {
    let full = Arrival { lane_is_full: true, ..delivery(OTHER, Kind::OrderReleased) };
    assert_eq!(admit(&full, &Known::default()), Admission::Behind);
    assert_eq!(admit(&full, &Known { ending: Some(Ending::Applied), ..Known::default() }), Admission::CameAgain);
}

#[test]
fn a_due_head_runs_where_it_stands_unless_somebody_else_dealt_with_it() {
    let then = Timestamp::UNIX_EPOCH;
    let later = Timestamp::from_second(5).unwrap();
    let due = |since| Arrival {
        message_id: HEAD,
        kind: Some(Kind::OrderReleased),
        brought: Brought::Due { parked_at: Some(since) },
        lane_is_full: true,
    };
    let known = Known { parked: Some(parked(HEAD, 7, then)), ..gated(WaitsFor::Person) };
    assert_eq!(admit(&due(then), &known), Admission::Run(Place::At(7)));
    assert_eq!(admit(&due(later), &known), Admission::Stale, "it was parked again meanwhile");
    let ended = Known { ending: Some(Ending::Discarded), ..known.clone() };
    assert_eq!(admit(&due(then), &ended), Admission::Ended(Ending::Discarded), "its row goes");
    assert_eq!(admit(&due(then), &Known { parked: None, ..known.clone() }), Admission::Stale);
    let mut overtaken = known;
    overtaken.gate.as_mut().unwrap().head = OTHER;
    assert_eq!(admit(&due(then), &overtaken), Admission::Stale, "something was parked in front of it");
}
