//! What only the embedded queue can break: a process that is killed, a file that changes under it.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use drayline::clock::Clock;
use drayline::config::load_text;
use drayline::message::Flow;
use drayline::transport::Transport;

use super::{Bench, Member, key_in, next, number, numbers, order, take};

/// Names the data folder to the child process; set by the parent alone.
const CHILD: &str = "DRAYLINE_TEST_QUEUE_CHILD";

/// Runs in a child process, which publishes until it is killed, says what was confirmed, and settles what is odd.
/// Run as a test of its own it has nothing to do.
#[tokio::test(flavor = "multi_thread")]
async fn child_that_is_killed() {
    let Some(folder) = std::env::var_os(CHILD) else { return };
    let config = config_in(Path::new(&folder));
    let transport = Transport::open(&config, &Clock::system()).await.unwrap();
    let mut subscription = transport.subscribe(Flow::Orders, 0).await.unwrap();
    let numbers = Arc::new(AtomicU32::new(0));
    for _ in 0..16 {
        let (transport, numbers) = (transport.clone(), Arc::clone(&numbers));
        tokio::spawn(async move {
            loop {
                let number = numbers.fetch_add(1, Ordering::SeqCst);
                transport.publish(order(&key_in(0), number)).await.unwrap();
                println!("\nconfirmed {number}");
            }
        });
    }
    loop {
        let delivery = next(&mut subscription).await;
        if number(&delivery) % 2 == 1 {
            let number = number(&delivery);
            println!("\nsettling {number}");
            delivery.settlement.settle();
        }
    }
}

fn config_in(folder: &Path) -> drayline::config::Config {
    load_text(&format!(
        "data = {:?}\ntransport.partitions.orders = 2\ntransport.prefetch = 65535\n",
        folder.to_str().unwrap()
    ))
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_confirmed_survives_a_kill_in_the_middle_of_publishing() {
    let folder = tempfile::tempdir().unwrap();
    let (confirmed, settling) = publish_and_be_killed(folder.path());
    let config = config_in(folder.path());
    let transport = Transport::open(&config, &Clock::system()).await.unwrap();
    // Behind everything that survived.
    transport.publish(order(&key_in(0), u32::MAX)).await.unwrap();
    let mut subscription = transport.subscribe(Flow::Orders, 0).await.unwrap();
    let mut came = Vec::new();
    loop {
        let delivery = next(&mut subscription).await;
        if number(&delivery) == u32::MAX {
            assert_eq!(delivery.deliveries_before, 0, "nobody was subscribed since it came");
            break;
        }
        assert!(delivery.deliveries_before <= 1);
        came.push(number(&delivery));
        delivery.settlement.settle();
    }
    let distinct: std::collections::BTreeSet<_> = came.iter().copied().collect();
    assert_eq!(distinct.len(), came.len(), "nothing is there twice");
    let lost: Vec<_> =
        confirmed.iter().filter(|number| !distinct.contains(number) && !settling.contains(number)).collect();
    assert!(lost.is_empty(), "{lost:?} were confirmed, never settled, and are gone");
    assert!(confirmed.len() > 500, "the kill was not in the middle: {}", confirmed.len());
    transport.close().await;
}

/// What the child said before it was killed: confirmed numbers, and numbers that it was about to settle.
fn publish_and_be_killed(folder: &Path) -> (Vec<u32>, Vec<u32>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "conformance::transport::embedded::child_that_is_killed", "--nocapture"])
        .env(CHILD, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (mut confirmed, mut settling) = (Vec::new(), Vec::new());
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    while let Some(Ok(line)) = lines.next() {
        match line.split_once(' ') {
            Some(("confirmed", number)) => confirmed.extend(number.parse::<u32>()),
            Some(("settling", number)) => settling.extend(number.parse::<u32>()),
            _ => {}
        }
        if confirmed.len() == 1000 {
            // SIGKILL: nothing is said after it, and what is in the pipe is still read.
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    (confirmed, settling)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_subscriber_of_a_partition_is_refused_while_the_first_is_there() {
    let bench = Bench::new(Member::Embedded);
    let transport = bench.open().await;
    let first = transport.subscribe(Flow::Orders, 0).await.unwrap();
    let Err(error) = transport.subscribe(Flow::Orders, 0).await else { panic!("two subscribers") };
    assert!(error.problem.contains("orders.00"), "{error}");
    assert!(transport.subscribe(Flow::Orders, 1).await.is_ok());
    drop(first);
    assert!(transport.subscribe(Flow::Orders, 0).await.is_ok());
    transport.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_follows_its_key_when_the_number_of_partitions_changes() {
    let bench = Bench::new(Member::Embedded);
    let transport = bench.open().await;
    for number in 0..40 {
        transport.publish(order(&format!("order/contoso/usmf-{}", number % 8), number)).await.unwrap();
    }
    transport.close().await;
    let bench = bench.with("transport.partitions.orders", 5);
    let transport = bench.open().await;
    let mut all = Vec::new();
    let mut counted = 0;
    for partition in 0..5 {
        let keys = (0..8).map(|key| format!("order/contoso/usmf-{key}"));
        let here = keys.filter(|key| order(key, 0).ordering_key.partition(5) == partition).count();
        counted += here;
        let mut subscription = transport.subscribe(Flow::Orders, partition).await.unwrap();
        let came = take(&mut subscription, here * 5).await;
        assert!(came.iter().all(|each| each.ordering_key.as_ref().unwrap().partition(5) == partition));
        let came = numbers(&came);
        assert!(came.is_sorted(), "the order stays: {came:?}");
        all.extend(came);
    }
    all.sort_unstable();
    assert_eq!((counted, all), (8, (0..40).collect()));
    transport.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_folder_that_cannot_be_one_is_told_with_its_path() {
    let bench = Bench::new(Member::Embedded);
    let mut config = bench.config();
    let file = bench.folder.path().join("file");
    std::fs::write(&file, "not a folder").unwrap();
    config.data = file.join("data");
    let Err(error) = Transport::open(&config, &Clock::system()).await else { panic!("it was taken") };
    assert!(error.problem.contains("queue.db"), "{error}");
    // A topology of this transport is its file.
    let config = bench.config();
    assert_eq!(Transport::topology_check(&config).await.unwrap().len(), 1);
    assert_eq!(Transport::topology_apply(&config).await.unwrap(), []);
    assert_eq!(Transport::topology_check(&config).await.unwrap(), []);
}
