//! Who owns a partition: close, then give up; take, then subscribe.

use std::time::Duration;

use drayline::message::Flow;
use drayline::processor::{Worker, fair_share};
use drayline::store::Crew;
use uuid::Uuid;

use super::far_ends::Creates;
use super::on_both;
use super::world::{World, released, until};
use crate::support::Backing;

on_both!(
    a_hand_over_finishes_its_call_first,
    a_partition_that_another_one_took_is_let_go,
    workers_share_partitions_fairly_and_never_the_same_one,
);

async fn a_hand_over_finishes_its_call_first(backing: Backing) {
    let world = World::new(backing).await;
    world.far_ends.creates(Creates::HeldAfter);
    let first = world.worker(&[Flow::Orders]).await;
    world.publish(&released("SHP1", "e1")).await;
    until("the call is in flight", async || (world.far_ends.took().len() == 1).then_some(())).await;
    let second = Worker::start(world.tools.clone(), vec![Flow::Orders]);
    let stopping = tokio::spawn(first.stop(Duration::from_secs(20)));
    // Behind it in the same lane, not started: it goes over.
    world.publish(&released("SHP1", "e2")).await;
    world.publish(&released("SHP2", "e3")).await;
    world.far_ends.go_on();
    stopping.await.unwrap();
    until("the successor owns everything", async || second.ready().then_some(())).await;
    until("the successor works", async || (world.far_ends.took().len() == 2).then_some(())).await;
    world.until_nothing_waits().await;
    assert!(world.far_ends.took().iter().all(|took| took.new), "{:?}", world.far_ends.took());
    assert_eq!(world.far_ends.overlaps(), 0);
    second.stop(Duration::from_secs(5)).await;
    world.close().await;
}

/// As after a sleep that was longer than the term: nothing is delivered and nothing written, and it is noticed all the
/// same. When the other one is silent for a term, it is taken back.
async fn a_partition_that_another_one_took_is_let_go(backing: Backing) {
    let world = World::new(backing).await;
    let worker = world.worker(&[Flow::Orders]).await;
    assert_eq!(worker.partitions(), 2);
    let other = Uuid::now_v7();
    world.store().beat(other, &[]).await.unwrap();
    let taken = world.store().take(other, Flow::Orders, 0, Duration::ZERO).await.unwrap();
    assert!(taken.is_some());
    until("it is let go", async || (worker.partitions() == 1).then_some(())).await;
    until("it is taken back", async || (worker.partitions() == 2).then_some(())).await;
    for number in 0..8 {
        world.publish(&released(&format!("SHP{number}"), &format!("e{number}"))).await;
    }
    until("all are created", async || (world.far_ends.took().len() == 8).then_some(())).await;
    worker.stop(Duration::from_secs(5)).await;
    world.close().await;
}

async fn workers_share_partitions_fairly_and_never_the_same_one(backing: Backing) {
    let world = World::with(backing, "transport.partitions.orders = 7").await;
    let first = world.worker(&[Flow::Orders]).await;
    assert_eq!(first.partitions(), 7);
    for number in 0..20 {
        world.publish(&released(&format!("SHP{number}"), &format!("e{number}"))).await;
    }
    let second = Worker::start(world.tools.clone(), vec![Flow::Orders]);
    let third = Worker::start(world.tools.clone(), vec![Flow::Orders]);
    let all = [&first, &second, &third];
    let fair = async || {
        let mut shares = all.map(Worker::partitions);
        shares.sort_unstable();
        (shares == [2, 2, 3] && all.iter().all(|worker| worker.ready())).then_some(())
    };
    until("three workers share", fair).await;
    until("all are created", async || (world.far_ends.took().len() == 20).then_some(())).await;
    // One dies, one leaves: the one that stays has everything.
    drop(third);
    second.stop(Duration::from_secs(5)).await;
    until("the last one owns everything", async || (first.partitions() == 7 && first.ready()).then_some(())).await;
    for number in 20..40 {
        world.publish(&released(&format!("SHP{number}"), &format!("e{number}"))).await;
    }
    until("the last one works", async || (world.far_ends.took().len() == 40).then_some(())).await;
    assert!(world.far_ends.took().iter().all(|took| took.new));
    first.stop(Duration::from_secs(5)).await;
    world.close().await;
}

/// The sums are whole, nobody has two more than another, and nobody has the odd one of every flow.
#[test]
fn fair_shares_add_up() {
    let flows = [(Flow::Orders, 12), (Flow::Shipments, 12), (Flow::GoodsReceived, 4), (Flow::StockSnapshots, 1)];
    for workers in 1..=14_usize {
        let ids: Vec<Uuid> = (1..=workers).map(|id| Uuid::from_u128(u128::try_from(id).unwrap())).collect();
        let all: Vec<Flow> = flows.iter().map(|(flow, _)| *flow).collect();
        // One more that can take nothing now.
        let able = ids.iter().map(|id| (*id, all.clone())).chain([(Uuid::from_u128(99), Vec::new())]);
        let crew = Crew { workers: able.collect(), ..Crew::default() };
        let mut totals = vec![0; workers];
        let of = |flow| flows.iter().find(|(each, _)| *each == flow).map_or(0, |(_, partitions)| *partitions);
        for (flow, partitions) in flows {
            let shares: Vec<usize> = ids.iter().map(|id| fair_share(&crew, *id, flow, of)).collect();
            assert_eq!(shares.iter().sum::<usize>(), usize::from(partitions), "{flow} of {workers}");
            assert!(
                shares.iter().max().unwrap() - shares.iter().min().unwrap() <= 1,
                "{flow} of {workers}: {shares:?}"
            );
            assert_eq!(fair_share(&crew, Uuid::from_u128(99), flow, of), 0);
            totals.iter_mut().zip(shares).for_each(|(total, share)| *total += share);
        }
        assert!(totals.iter().max().unwrap() - totals.iter().min().unwrap() <= 1, "{workers} workers: {totals:?}");
    }
}
