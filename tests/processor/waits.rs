//! The waits: the table in the defaults, spread at random within its limits.

use std::time::Duration;

use drayline::config::load_text;
use drayline::processor::RetryTable;

#[test]
fn the_default_table_is_the_one_people_read() {
    let config = load_text("processor.retry_jitter_percent = 0\n").unwrap();
    let table = RetryTable::new(&config.processor);
    let waits: Vec<Duration> = (0..).map_while(|attempt| table.after_attempt(attempt)).collect();
    let seconds: Vec<u64> = waits.iter().map(Duration::as_secs).collect();
    assert_eq!(seconds, [2, 5, 15, 60, 300, 600, 1800, 3600]);
    assert_eq!(seconds.iter().sum::<u64>(), 6382, "1.8 h in all, as the comment beside the default says");
}

#[test]
fn waits_are_spread_in_both_directions_and_no_further() {
    let config = load_text("processor.retry_delays_ms = [10000]\nprocessor.retry_jitter_percent = 20\n").unwrap();
    let table = RetryTable::new(&config.processor);
    let waits: Vec<Duration> = (0..1000).filter_map(|_| table.after_attempt(0)).collect();
    assert_eq!(waits.len(), 1000);
    assert!(waits.iter().all(|wait| (8000..=12000).contains(&wait.as_millis())), "{waits:?}");
    assert!(waits.iter().any(|wait| wait.as_millis() < 9500) && waits.iter().any(|wait| wait.as_millis() > 10500));
}

#[test]
fn the_store_is_waited_for_ever_longer_within_limits_and_for_ever() {
    let more = "processor.store_retry_delay_ms_min = 50\nprocessor.store_retry_delay_ms_max = 400\n";
    let mut waits = RetryTable::new(&load_text(more).unwrap().processor).for_the_store();
    let waits: Vec<u128> = (0..200).map(|_| waits.next_wait().as_millis()).collect();
    assert!(waits[0] <= 75, "{waits:?}");
    assert!(waits.iter().all(|wait| (25..=600).contains(wait)), "{waits:?}");
    assert!(waits[50..].iter().all(|wait| *wait >= 200), "{waits:?}");
}
