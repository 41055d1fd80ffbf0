//! The promises, each for every member.

use std::collections::BTreeMap;
use std::time::Instant;

use drayline::message::{Flow, OrderingKey};
use drayline::transport::{MESSAGE_BYTES_MAX, NotDelivered, Outgoing, Subscription, Target, Transport};
use futures_util::future::join_all;
use uuid::Uuid;

use super::{Bench, Member, key_in, next, number, numbers, order, quiet, settle, take};
use crate::support::wait::until;

/// One test of each promise for each member.
macro_rules! promises {
    ($($promise:ident)*) => {
        mod embedded {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $promise() { super::$promise(super::Member::Embedded).await; })*
        }
        mod rabbitmq {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $promise() { super::$promise(super::Member::Rabbitmq).await; })*
        }
    };
}

promises! {
    a_message_arrives_whole_in_the_partition_of_its_key
    messages_of_a_partition_come_in_the_order_they_were_published
    what_was_confirmed_survives_and_what_was_settled_does_not_come_back
    what_was_not_settled_comes_back_in_order_and_counted
    a_dropped_settlement_comes_back_when_its_subscription_ends
    settling_after_the_subscription_ended_changes_nothing
    no_more_than_the_window_is_handed_out
    settling_behind_a_stuck_front_moves_on_and_survives
    of_many_publishers_at_once_nothing_is_lost_and_nothing_comes_twice
    dead_letters_have_a_queue_for_each_flow
    flows_do_not_see_each_other
    a_subscriber_waits_for_what_comes_later
    who_turned_away_while_subscribing_keeps_nothing_from_the_next
    what_no_member_could_carry_is_refused
    a_closed_transport_takes_and_gives_nothing
}

async fn a_message_arrives_whole_in_the_partition_of_its_key(member: Member) {
    let bench = Bench::new(member);
    let transport = bench.open().await;
    assert_eq!(transport.partitions(Flow::Orders), 2);
    for partition in 0..2 {
        let key = key_in(partition);
        let sent = Outgoing {
            traceparent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned()),
            headers: vec![
                ("source".to_owned(), "north".to_owned()),
                ("failure".to_owned(), "Größe?\n\"x\"".to_owned()),
            ],
            // Neither text nor a message: a transport never looks inside.
            bytes: vec![0, 0xff, 0xfe, 0xc3, 0x28, 0, 10],
            ..order(&key, 0)
        };
        transport.publish(sent.clone()).await.unwrap();
        let mut subscription = transport.subscribe(Flow::Orders, partition).await.unwrap();
        let came = next(&mut subscription).await;
        assert_eq!(came.bytes, sent.bytes);
        assert_eq!(came.message_id, Some(sent.message_id));
        assert_eq!(came.ordering_key, Some(key.parse::<OrderingKey>().unwrap()));
        assert_eq!(came.type_name.as_deref(), Some("drayline.v1.OrderReleased"));
        assert_eq!(came.traceparent, sent.traceparent);
        let headers: BTreeMap<_, _> = came.headers.iter().cloned().collect();
        assert_eq!(headers, sent.headers.into_iter().collect());
        assert_eq!(came.deliveries_before, 0);
        came.settlement.settle();
        subscription.close().await;
    }
    transport.close().await;
}

async fn messages_of_a_partition_come_in_the_order_they_were_published(member: Member) {
    let bench = Bench::new(member);
    let transport = bench.open().await;
    let key = key_in(1);
    let mut subscription = transport.subscribe(Flow::Orders, 1).await.unwrap();
    for number in 0..300 {
        transport.publish(order(&key, number)).await.unwrap();
    }
    for expected in 0..300 {
        let delivery = next(&mut subscription).await;
        assert_eq!(number(&delivery), expected);
        delivery.settlement.settle();
    }
    subscription.close().await;
    transport.close().await;
}

async fn what_was_confirmed_survives_and_what_was_settled_does_not_come_back(member: Member) {
    let bench = Bench::new(member);
    let key = key_in(0);
    let transport = bench.open().await;
    for number in 0..20 {
        transport.publish(order(&key, number)).await.unwrap();
    }
    transport.close().await;

    let transport = bench.open().await;
    let mut subscription = transport.subscribe(Flow::Orders, 0).await.unwrap();
    let came = take(&mut subscription, 20).await;
    assert_eq!(numbers(&came), (0..20).collect::<Vec<_>>());
    settle(came);
    subscription.close().await;
    transport.close().await;

    let transport = bench.open().await;
    transport.publish(order(&key, 99)).await.unwrap();
    let mut subscription = transport.subscribe(Flow::Orders, 0).await.unwrap();
    let first = next(&mut subscription).await;
    assert_eq!((number(&first), first.deliveries_before), (99, 0));
    transport.close().await;
}

async fn what_was_not_settled_comes_back_in_order_and_counted(member: Member) {
    let bench = Bench::new(member);
    let transport = bench.open().await;
    let key = key_in(0);
    for number in 0..10 {
        transport.publish(order(&key, number)).await.unwrap();
    }
    let mut subscription = transport.subscribe(Flow::Orders, 0).await.unwrap();
    for delivery in take(&mut subscription, 10).await {
        // Every third is settled, in the middle of the others.
        if number(&delivery) % 3 == 1 {
            delivery.settlement.settle();
        }
    }
    subscription.close().await;
    let left = vec![0, 2, 3, 5, 6, 8, 9];
    let mut subscription = transport.subscribe(Flow::Orders, 0).await.unwrap();
    let again = take(&mut subscription, left.len()).await;
    assert_eq!(numbers(&again), left);
    assert!(again.iter().all(|delivery| delivery.deliveries_before == 1), "{again:?}");
    drop(subscription);
    transport.close().await;

    let transport = bench.open().await;
    let mut subscription = transport.subscribe(Flow::Orders, 0).await.unwrap();
    let again = take(&mut subscription, left.len()).await;
    assert_eq!(numbers(&again), left);
    assert!(again.iter().all(|delivery| delivery.deliveries_before == 2), "{again:?}");
    transport.close().await;
}

async fn a_dropped_settlement_comes_back_when_its_subscription_ends(member: Member) {
    let bench = Bench::new(member);
    let transport = bench.open().await;
    let key = key_in(0);
    for number in 0..3 {
        transport.publish(order(&key, number)).await.unwrap();
    }
    let mut subscription = transport.subscribe(Flow::Orders, 0).await.unwrap();
    let mut came = take(&mut subscription, 3).await;
    drop(came.remove(1));
    settle(came);
    quiet(&mut subscription).await;
    subscription.close().await;
    let mut subscription = transport.subscribe(Flow::Orders, 0).await.unwrap();
    assert_eq!(number(&next(&mut subscription).await), 1);
    quiet(&mut subscription).await;
    transport.close().await;
}

async fn settling_after_the_subscription_ended_changes_nothing(member: Member) {
    let bench = Bench::new(member);
    let transport = bench.open().await;
    let key = key_in(0);
    for number in 0..2 {
        transport.publish(order(&key, number)).await.unwrap();
    }
    let mut subscription = transport.subscribe(Flow::Orders, 0).await.unwrap();
    let old = take(&mut subscription, 2).await;
    subscription.close().await;
    let mut subscription = transport.subscribe(Flow::Orders, 0).await.unwrap();
    let new = take(&mut subscription, 2).await;
    // The rights of a subscription that ended must not settle what the next one was handed.
    settle(old);
    drop(new);
    subscription.close().await;
    let mut subscription = transport.subscribe(Flow::Orders, 0).await.unwrap();
    assert_eq!(numbers(&take(&mut subscription, 2).await), [0, 1]);
    transport.close().await;
}

async fn no_more_than_the_window_is_handed_out(member: Member) {
    let bench = Bench::new(member).with("transport.prefetch", 4);
    let transport = bench.open().await;
    let key = key_in(0);
    for number in 0..10 {
        transport.publish(order(&key, number)).await.unwrap();
    }
    let mut subscription = transport.subscribe(Flow::Orders, 0).await.unwrap();
    let mut came = take(&mut subscription, 4).await;
    quiet(&mut subscription).await;
    came.remove(0).settlement.settle();
    assert_eq!(number(&next(&mut subscription).await), 4);
    quiet(&mut subscription).await;
    transport.close().await;
}

async fn settling_behind_a_stuck_front_moves_on_and_survives(member: Member) {
    let bench = Bench::new(member).with("transport.prefetch", 4);
    let transport = bench.open().await;
    let key = key_in(0);
    for number in 0..10 {
        transport.publish(order(&key, number)).await.unwrap();
    }
    let mut subscription = transport.subscribe(Flow::Orders, 0).await.unwrap();
    let front = next(&mut subscription).await;
    // The window would be full after three more, if what is settled behind the front were held back.
    for expected in 1..10 {
        let delivery = next(&mut subscription).await;
        assert_eq!(number(&delivery), expected);
        delivery.settlement.settle();
    }
    // With the front these fill the window: that they come proves that all between was acknowledged singly.
    for number in 10..13 {
        transport.publish(order(&key, number)).await.unwrap();
    }
    assert_eq!(numbers(&take(&mut subscription, 3).await), [10, 11, 12]);
    // The front at last: one acknowledgement, in front of numbers that must not be acknowledged again.
    front.settlement.settle();
    subscription.close().await;
    let mut subscription = transport.subscribe(Flow::Orders, 0).await.unwrap();
    assert_eq!(numbers(&take(&mut subscription, 3).await), [10, 11, 12]);
    quiet(&mut subscription).await;
    transport.close().await;
}

async fn of_many_publishers_at_once_nothing_is_lost_and_nothing_comes_twice(member: Member) {
    const PUBLISHERS: u32 = 50;
    const EACH: u32 = 200;
    let bench = Bench::new(member);
    let transport = bench.open().await;
    let publishers = (0..PUBLISHERS).map(|publisher| {
        let transport = transport.clone();
        tokio::spawn(async move {
            for each in 0..EACH {
                let key = format!("order/contoso/usmf-{publisher}");
                transport.publish(order(&key, publisher * EACH + each)).await.unwrap();
            }
        })
    });
    let publishers: Vec<_> = publishers.collect();
    let mut seen = vec![0; (PUBLISHERS * EACH) as usize];
    let mut last_of_key = BTreeMap::new();
    let mut subscriptions =
        [transport.subscribe(Flow::Orders, 0).await.unwrap(), transport.subscribe(Flow::Orders, 1).await.unwrap()];
    for _ in 0..PUBLISHERS * EACH {
        let [zero, one] = &mut subscriptions;
        let (partition, delivery) = tokio::select! {
            delivery = next(zero) => (0, delivery),
            delivery = next(one) => (1, delivery),
        };
        let key = delivery.ordering_key.clone().unwrap();
        assert_eq!(key.partition(2), partition);
        let number = number(&delivery);
        seen[number as usize] += 1;
        assert!(last_of_key.insert(key, number) < Some(number), "messages of one key come in order");
        delivery.settlement.settle();
    }
    join_all(publishers).await.into_iter().for_each(Result::unwrap);
    assert!(seen.iter().all(|count| *count == 1));
    for subscription in &mut subscriptions {
        quiet(subscription).await;
    }
    transport.close().await;
}

async fn dead_letters_have_a_queue_for_each_flow(member: Member) {
    let bench = Bench::new(member);
    let transport = bench.open().await;
    for (number, flow) in [Flow::Orders, Flow::Shipments].into_iter().enumerate() {
        let headers = vec![("failure".to_owned(), "warehouse.rejected".to_owned())];
        let number = u32::try_from(number).unwrap();
        let dead = Outgoing { target: Target::DeadLetter(flow), headers, ..order(&key_in(1), number) };
        transport.publish(dead).await.unwrap();
    }
    for (expected, flow) in [Flow::Orders, Flow::Shipments].into_iter().enumerate() {
        let mut subscription = transport.subscribe_dead_letters(flow).await.unwrap();
        let came = next(&mut subscription).await;
        assert_eq!(number(&came) as usize, expected);
        assert_eq!(came.headers, [("failure".to_owned(), "warehouse.rejected".to_owned())]);
        came.settlement.settle();
        quiet(&mut subscription).await;
        subscription.close().await;
    }
    transport.close().await;
}

async fn flows_do_not_see_each_other(member: Member) {
    let bench = Bench::new(member);
    let transport = bench.open().await;
    let key = key_in(0);
    let shipment = Outgoing { target: Target::Flow(Flow::Shipments), ..order(&key, 1) };
    transport.publish(shipment).await.unwrap();
    transport.publish(order(&key, 2)).await.unwrap();
    let mut orders = transport.subscribe(Flow::Orders, 0).await.unwrap();
    let mut shipments = transport.subscribe(Flow::Shipments, 0).await.unwrap();
    assert_eq!(number(&next(&mut orders).await), 2);
    assert_eq!(number(&next(&mut shipments).await), 1);
    quiet(&mut orders).await;
    transport.close().await;
}

async fn a_subscriber_waits_for_what_comes_later(member: Member) {
    let bench = Bench::new(member);
    let transport = bench.open().await;
    let mut subscription = transport.subscribe(Flow::Orders, 0).await.unwrap();
    quiet(&mut subscription).await;
    for number in 0..3 {
        transport.publish(order(&key_in(0), number)).await.unwrap();
        let delivery = next(&mut subscription).await;
        assert_eq!(super::number(&delivery), number);
        delivery.settlement.settle();
    }
    assert!(transport.subscribe(Flow::Orders, 2).await.is_err(), "there are two partitions");
    transport.close().await;
}

/// At whatever moment the subscriber turned away: in the middle, or with the subscription in its hands.
async fn who_turned_away_while_subscribing_keeps_nothing_from_the_next(member: Member) {
    let bench = Bench::new(member);
    let transport = bench.open().await;
    let began = Instant::now();
    subscribed(&transport).await.close().await;
    let usual = began.elapsed();
    for number in 0..60 {
        let patience = usual * number / 50;
        drop(tokio::time::timeout(patience, transport.subscribe(Flow::Orders, 0)).await);
    }
    let mut subscription = subscribed(&transport).await;
    transport.publish(order(&key_in(0), 7)).await.unwrap();
    assert_eq!(number(&next(&mut subscription).await), 7);
    transport.close().await;
}

/// As soon as whoever was there before is gone.
async fn subscribed(transport: &Transport) -> Subscription {
    until("the partition is free", async || transport.subscribe(Flow::Orders, 0).await.ok()).await
}

async fn what_no_member_could_carry_is_refused(member: Member) {
    let bench = Bench::new(member);
    let transport = bench.open().await;
    let whole = order(&key_in(0), 0);
    let large = Outgoing { bytes: vec![7; MESSAGE_BYTES_MAX + 1], ..whole.clone() };
    let long_name = Outgoing { headers: vec![("n".repeat(256), String::new())], ..whole.clone() };
    let much = Outgoing { headers: vec![("n".to_owned(), "v".repeat(70_000))], ..whole.clone() };
    let long_type = Outgoing { type_name: "t".repeat(256), ..whole.clone() };
    for refused in [large, long_name, much, long_type] {
        let outcome = transport.publish(refused).await;
        assert!(matches!(outcome, Err(NotDelivered::Refused(_))), "{outcome:?}");
    }
    // A few frames long, and nothing before it has broken the road.
    let large = Outgoing { bytes: vec![7; 1_000_000], message_id: Uuid::new_v4(), ..whole };
    transport.publish(large).await.unwrap();
    let mut subscription = transport.subscribe(Flow::Orders, 0).await.unwrap();
    assert_eq!(next(&mut subscription).await.bytes, vec![7; 1_000_000]);
    transport.close().await;
}

async fn a_closed_transport_takes_and_gives_nothing(member: Member) {
    let bench = Bench::new(member);
    let transport = bench.open().await;
    let mut subscription = transport.subscribe(Flow::Orders, 0).await.unwrap();
    transport.close().await;
    assert!(subscription.next().await.is_none());
    assert_eq!(transport.publish(order(&key_in(0), 0)).await, Err(NotDelivered::Away));
    assert!(transport.subscribe(Flow::Orders, 0).await.is_err());
}
