//! What waits for what, and who gets it in the end.

use std::time::Duration;

use drayline::config::load_text;
use drayline::failure::{Class, Code, Failure};
use drayline::message::Kind;
use drayline::processor::{Parking, Parkings, Pause, Standing, not_there_counts_in};
use drayline::store::WaitsFor;
use jiff::Timestamp;
use proptest::prelude::*;

const MORE: &str = "processor.retry_delays_ms = [1000, 5000]\nprocessor.retry_jitter_percent = 0\n\
    processor.busy_delay_ms_min = 100\nprocessor.busy_delay_ms_max = 4000\nprocessor.look_again_ms = 60000\n\
    processor.document_wait_s_max = 900\nprocessor.posting_poll_delays_ms = [1000, 2000, 5000]\n\
    processor.posting_wait_s_max = 3600\n";

fn parkings() -> Parkings {
    Parkings::new(&load_text(MORE).unwrap().processor)
}

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

fn in_seconds(seconds: u64) -> Timestamp {
    now() + Duration::from_secs(seconds)
}

fn failed(code: Code, standing: Standing) -> Parking {
    parkings().park(standing, Pause::Failed(Failure::new(code, "It did not work.")), now())
}

fn after(parking: &Parking) -> Option<Duration> {
    match parking.waits_for {
        WaitsFor::Time { delay } | WaitsFor::Document { delay, .. } => Some(delay),
        WaitsFor::Head | WaitsFor::FarEnd { .. } | WaitsFor::Flow | WaitsFor::Room | WaitsFor::Person => None,
    }
}

fn waits_for_order(standing: Standing, at: Timestamp) -> Parking {
    let failure = Failure::new(Code::OrderUnknown, "The order never came.");
    let document = "order/contoso/usmf-1".to_owned();
    parkings().park(standing, Pause::Document { document, passes: Some(Kind::OrderReleased), failure }, at)
}

fn later(standing: Standing, at: Timestamp, woken_by: Option<&str>) -> Parking {
    let failure = Failure::new(Code::DynamicsPostingOverdue, "Dynamics has not processed it.");
    parkings().park(standing, Pause::Later { woken_by: woken_by.map(str::to_owned), failure }, at)
}

#[test]
fn transient_failures_walk_down_the_table_and_end_with_a_person() {
    let at = |attempts| failed(Code::DynamicsConflict, Standing { attempts, ..Standing::default() });
    assert_eq!((after(&at(0)), at(0).attempts), (Some(Duration::from_secs(1)), 1));
    assert_eq!((after(&at(1)), at(1).attempts), (Some(Duration::from_secs(5)), 2));
    assert_eq!((at(2).waits_for, at(2).attempts), (WaitsFor::Person, 3));
    assert_eq!(at(9).waits_for, WaitsFor::Person, "a spent budget stays spent");
}

#[test]
fn a_far_end_that_asks_for_time_gets_it() {
    let asked = |code| {
        let failure = Failure::new(code, "Slow down.").with_retry_after(Some(Duration::from_secs(30)));
        parkings().park(Standing::default(), Pause::Failed(failure), now())
    };
    assert_eq!(after(&asked(Code::DynamicsThrottled)), Some(Duration::from_secs(30)));
    assert_eq!(asked(Code::DynamicsThrottled).attempts, 0);
    assert_eq!(after(&asked(Code::WarehouseUnauthorised)), Some(Duration::from_secs(30)));
    assert_eq!(asked(Code::WarehouseUnauthorised).attempts, 1);
}

#[test]
fn a_busy_far_end_costs_nothing_and_is_asked_ever_less_often() {
    let busy_for = |seconds| {
        let standing = Standing { attempts: 1, parked_for: Duration::from_secs(seconds), ..Standing::default() };
        failed(Code::WarehouseUnavailable, standing)
    };
    assert_eq!(after(&busy_for(0)), Some(Duration::from_millis(100)));
    assert_eq!(after(&busy_for(2)), Some(Duration::from_secs(2)));
    assert_eq!(after(&busy_for(9000)), Some(Duration::from_secs(4)));
    assert_eq!(busy_for(9000).attempts, 1);
}

#[test]
fn what_is_stopped_waits_for_what_stops_it_and_loses_nothing() {
    let standing = Standing { attempts: 1, deadline_at: Some(in_seconds(60)), ..Standing::default() };
    let failure = |code| Failure::new(code, "It is left alone.").with_far_end(Some("north".into()));
    let parked = |code| parkings().park(standing, Pause::Failed(failure(code)), now());
    let north = WaitsFor::FarEnd { connection: "north".to_owned() };
    for code in [Code::WarehouseUnavailable, Code::WarehouseThrottled, Code::ConnectionPaused] {
        let parking = parked(code);
        assert_eq!((parking.waits_for, parking.attempts), (north.clone(), 1), "{code}");
        assert_eq!(parking.deadline_at, standing.deadline_at);
    }
    // What was sent, or was refused for good, is not the far end's business as a whole.
    assert!(matches!(parked(Code::WarehouseUnsure).waits_for, WaitsFor::Time { .. }));
    assert_eq!(parked(Code::WarehouseRefused).waits_for, WaitsFor::Person);
    let of_flow = Pause::Flow { failure: Failure::new(Code::FlowPaused, "It is paused.") };
    let parking = parkings().park(standing, of_flow, now());
    assert_eq!((parking.waits_for, parking.attempts, parking.deadline_at), (WaitsFor::Flow, 1, standing.deadline_at));
}

#[test]
fn every_class_has_its_ending() {
    for code in Code::ALL {
        let parking = failed(*code, Standing::default());
        let for_a_person = parking.waits_for == WaitsFor::Person;
        match code.class() {
            Class::Busy => assert!(!for_a_person && parking.attempts == 0, "{code}"),
            Class::Transient | Class::Unsure => assert!(!for_a_person && parking.attempts == 1, "{code}"),
            Class::Permanent | Class::Poison => assert!(for_a_person, "{code}"),
        }
        assert_eq!(parking.failure.map(|failure| failure.code), Some(*code));
    }
}

#[test]
fn a_wait_for_a_document_keeps_its_first_deadline() {
    let first = waits_for_order(Standing::default(), now());
    assert_eq!(first.deadline_at, Some(in_seconds(900)));
    assert_eq!(after(&first), Some(Duration::from_mins(1)));
    assert!(matches!(&first.waits_for, WaitsFor::Document { passes: Some(Kind::OrderReleased), .. }));
    let standing = Standing { deadline_at: first.deadline_at, ..Standing::default() };
    assert_eq!(waits_for_order(standing, in_seconds(600)).deadline_at, Some(in_seconds(900)));
    let past = waits_for_order(standing, in_seconds(900));
    assert_eq!(past.waits_for, WaitsFor::Person);
    assert_eq!(past.failure.unwrap().code, Code::OrderUnknown);
    assert_eq!(past.deadline_at, None, "after a replay it waits anew");
    let busy = failed(Code::DynamicsUnavailable, standing);
    let waited = after(&busy).unwrap();
    assert_eq!(busy.deadline_at, Some(in_seconds(900) + waited), "time without the far end does not count");
    let unsure = failed(Code::DynamicsUnsure, standing);
    assert_eq!(unsure.deadline_at, Some(in_seconds(900)), "a failure in between starts nothing anew");
}

#[test]
fn what_has_happened_meanwhile_waits_anew() {
    let standing = Standing { deadline_at: Some(in_seconds(10)), progressed: true, ..Standing::default() };
    assert_eq!(later(standing, now(), Some("posting/1")).deadline_at, Some(in_seconds(3600)));
}

#[test]
fn postings_are_asked_about_by_the_table_and_cost_nothing() {
    let standing = Standing { deadline_at: Some(in_seconds(3600)), attempts: 2, ..Standing::default() };
    for (waited, wait) in [(0, 1), (1, 2), (2, 1), (3, 5), (7, 1), (8, 5), (100, 5)] {
        let parking = later(standing, in_seconds(waited), Some("posting/1"));
        assert_eq!(after(&parking), Some(Duration::from_secs(wait)), "after {waited} s");
        assert_eq!(parking.attempts, 2);
    }
    assert!(matches!(later(standing, now(), None).waits_for, WaitsFor::Time { .. }));
    assert_eq!(later(standing, in_seconds(3600), None).waits_for, WaitsFor::Person);
}

proptest! {
    #[test]
    fn not_there_is_never_believed_before_its_time(age in 0_u64..100_000, needed in 0_u64..100_000) {
        let committed_at = now();
        let at = committed_at + Duration::from_millis(age);
        let left = not_there_counts_in(committed_at, at, Duration::from_millis(needed));
        match left {
            None => prop_assert!(age >= needed),
            Some(left) => prop_assert_eq!(left, Duration::from_millis(needed - age)),
        }
    }
}

#[test]
fn a_clock_that_was_set_back_believes_nothing_early() {
    let needed = Duration::from_secs(12);
    assert_eq!(not_there_counts_in(in_seconds(50), now(), needed), Some(needed));
}
