//! What only RabbitMQ can break: returns, refusals, connections that are cut, stalled or half open, queues that somebody
//! deletes, and crashes with a full window.

use std::collections::BTreeMap;
use std::time::Duration;

use drayline::clock::Clock;
use drayline::message::Flow;
use drayline::transport::{NotDelivered, Outgoing, Subscription, Target, Transport};
use futures_util::future::join_all;
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};

use crate::support::broker::{Broker, behind_a_proxy};

use super::{Bench, DEADLINE, Member, key_in, next, number, numbers, order, take, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_no_queue_takes_is_returned_not_delivered() {
    let bench = Bench::new(Member::Rabbitmq);
    let transport = bench.open().await;
    let broker = Broker::connect().await;
    transport.publish(order(&key_in(0), 1)).await.unwrap();
    broker.unbind(&bench.named("orders.00"), &bench.named("orders"), "1.00").await;
    assert_eq!(transport.publish(order(&key_in(0), 2)).await, Err(NotDelivered::Returned));
    // Its neighbour is not concerned.
    transport.publish(order(&key_in(1), 3)).await.unwrap();
    broker.delete_queue(&bench.named("orders.01")).await;
    assert_eq!(transport.publish(order(&key_in(1), 4)).await, Err(NotDelivered::Returned));
    // Whoever subscribes makes it whole again.
    let mut subscription = transport.subscribe(Flow::Orders, 1).await.unwrap();
    transport.publish(order(&key_in(1), 5)).await.unwrap();
    assert_eq!(number(&next(&mut subscription).await), 5);
    transport.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn among_returned_messages_only_those_in_the_queue_are_called_delivered() {
    let bench = Bench::new(Member::Rabbitmq);
    let transport = bench.open().await;
    let broker = Broker::connect().await;
    // Both partitions are known to the session before one of them goes away.
    transport.publish(order(&key_in(0), 0)).await.unwrap();
    transport.publish(order(&key_in(1), 0)).await.unwrap();
    broker.unbind(&bench.named("orders.00"), &bench.named("orders"), "1.00").await;
    let publishes = (1..=4000).map(|number| {
        let transport = transport.clone();
        // In bursts and mixed, so that the broker confirms both kinds with one frame.
        let message = order(&key_in(u16::from(number % 3 != 0)), number);
        tokio::spawn(async move { (number, transport.publish(message).await) })
    });
    let outcomes = join_all(publishes.collect::<Vec<_>>()).await;
    let mut subscription = transport.subscribe(Flow::Orders, 1).await.unwrap();
    let there: std::collections::BTreeSet<_> = {
        let came = broker.ready_and_taken(&mut subscription).await;
        came.into_iter().collect()
    };
    for outcome in outcomes {
        let (number, outcome) = outcome.unwrap();
        match outcome {
            Ok(()) => assert!(there.contains(&number), "{number} was called delivered and is not there"),
            Err(NotDelivered::Returned) => {}
            Err(other) => panic!("{number}: {other}"),
        }
        assert!(outcome.is_err() || number % 3 != 0, "{number} has no queue");
    }
    transport.close().await;
}

/// Somebody else took the partition while its owner was silent, and waits for the queue: what the old owner holds and did
/// not settle comes first to the new one, or one key's messages would pass each other.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_leaver_held_comes_first_to_who_waits_already() {
    let bench = Bench::new(Member::Rabbitmq).with("transport.prefetch", 5);
    let (old, new) = (bench.open().await, bench.open().await);
    let mut held = old.subscribe(Flow::Orders, 0).await.unwrap();
    for number in 0..10 {
        old.publish(order(&key_in(0), number)).await.unwrap();
    }
    let unsettled = take(&mut held, 5).await;
    let mut waiting = new.subscribe(Flow::Orders, 0).await.unwrap();
    held.close().await;
    drop(unsettled);
    let came = take(&mut waiting, 5).await;
    assert_eq!(came.iter().map(number).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    old.close().await;
    new.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_refuses() {
    let bench = Bench::new(Member::Rabbitmq);
    let broker = Broker::connect().await;
    broker.declare_exchange(&bench.named("orders"), lapin::ExchangeKind::Direct).await;
    let limited = [
        ("x-queue-type", AMQPValue::LongString("quorum".into())),
        ("x-overflow", AMQPValue::LongString("reject-publish".into())),
        ("x-max-length", AMQPValue::LongInt(5)),
    ];
    broker.declare_queue(&bench.named("orders.00"), &limited).await;
    broker.bind(&bench.named("orders.00"), &bench.named("orders"), "1.00").await;
    let transport = bench.open().await;
    let mut outcomes = Vec::new();
    for number in 0..50 {
        outcomes.push(transport.publish(order(&key_in(0), number)).await);
    }
    let delivered = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    let refused = outcomes.iter().filter(|outcome| matches!(outcome, Err(NotDelivered::Refused(_)))).count();
    assert!(refused > 30 && delivered + refused == 50, "{outcomes:?}");
    let ready = broker.ready(&bench.named("orders.00")).await.unwrap();
    assert_eq!(ready as usize, delivered, "what was called delivered is there, and nothing else");
    transport.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_cut_under_load_lose_nothing() {
    const MESSAGES: u32 = 3000;
    let (proxy, url) = behind_a_proxy().await;
    let bench = Bench::new(Member::Rabbitmq).at(&url);
    let transport = bench.open().await;
    let publishing = tokio::spawn(publish_until_delivered(transport.clone(), MESSAGES));
    let mut seen = vec![0_u32; MESSAGES as usize];
    let mut subscription = transport.subscribe(Flow::Orders, 0).await.unwrap();
    let (mut cuts, mut distinct) = (0, 0);
    while distinct < MESSAGES {
        let Some(delivery) = tokio::time::timeout(DEADLINE, subscription.next()).await.unwrap() else {
            subscription = transport.subscribe(Flow::Orders, 0).await.unwrap();
            continue;
        };
        let number = number(&delivery) as usize;
        distinct += u32::from(seen[number] == 0);
        seen[number] += 1;
        delivery.settlement.settle();
        if distinct % 600 == 300 && cuts < 5 && seen[number] == 1 {
            cuts += 1;
            proxy.cut();
        }
    }
    publishing.await.unwrap();
    assert_eq!(cuts, 5);
    transport.close().await;
}

/// As an outbox does: again, until it is known to be there. Each of eight keys has one on its way at a time.
async fn publish_until_delivered(transport: Transport, messages: u32) {
    let keys = 8;
    let lanes = (0..keys).map(|lane| {
        let transport = transport.clone();
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_millis(20));
            for number in (0..messages).filter(|number| number % keys == lane) {
                let message = order(&key_in(0), number);
                while transport.publish(message.clone()).await.is_err() {
                    ticks.tick().await;
                }
            }
        })
    });
    join_all(lanes.collect::<Vec<_>>()).await.into_iter().for_each(Result::unwrap);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stalled_connection_ends_publishes_in_time_and_then_the_session() {
    let (proxy, url) = behind_a_proxy().await;
    let bench = Bench::new(Member::Rabbitmq)
        .at(&url)
        .with("transport.heartbeat_s", 1)
        .with("transport.confirm_deadline_ms", 300);
    let transport = bench.open().await;
    until_delivered(&transport, order(&key_in(0), 1)).await;
    let mut subscription = transport.subscribe(Flow::Orders, 0).await.unwrap();
    next(&mut subscription).await.settlement.settle();
    proxy.stall();
    assert_eq!(transport.publish(order(&key_in(0), 2)).await, Err(NotDelivered::Unconfirmed));
    until("the session ends", || transport.away_for().is_some()).await;
    assert!(tokio::time::timeout(DEADLINE, subscription.next()).await.unwrap().is_none());
    assert_eq!(transport.publish(order(&key_in(0), 2)).await, Err(NotDelivered::Away));
    proxy.clear();
    until("there is a session again", || transport.away_for().is_none()).await;
    until_delivered(&transport, order(&key_in(0), 3)).await;
    transport.close().await;
}

async fn until_delivered(transport: &Transport, message: Outgoing) {
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    let publishing = async {
        while transport.publish(message.clone()).await.is_err() {
            ticks.tick().await;
        }
    };
    tokio::time::timeout(DEADLINE, publishing).await.expect("it is delivered at last");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_half_open_connection_is_noticed_by_its_silence() {
    let (proxy, url) = behind_a_proxy().await;
    let bench = Bench::new(Member::Rabbitmq).at(&url).with("transport.heartbeat_s", 1);
    let transport = bench.open().await;
    let mut subscription = transport.subscribe(Flow::Orders, 0).await.unwrap();
    proxy.half_open();
    assert!(tokio::time::timeout(DEADLINE, subscription.next()).await.unwrap().is_none());
    let mut subscription = transport.subscribe(Flow::Orders, 0).await.unwrap();
    until_delivered(&transport, order(&key_in(0), 7)).await;
    assert_eq!(number(&next(&mut subscription).await), 7);
    transport.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_away_is_waited_for_and_one_that_comes_back_is_found() {
    let (proxy, url) = behind_a_proxy().await;
    proxy.refuse();
    let bench = Bench::new(Member::Rabbitmq).at(&url);
    let transport = Transport::open(&bench.config(), &Clock::system()).await.unwrap();
    assert_eq!(transport.publish(order(&key_in(0), 1)).await, Err(NotDelivered::Away));
    assert!(transport.away_for().is_some());
    let subscribing = tokio::spawn({
        let transport = transport.clone();
        async move { transport.subscribe(Flow::Orders, 0).await.unwrap() }
    });
    proxy.clear();
    let mut subscription = tokio::time::timeout(DEADLINE, subscribing).await.unwrap().unwrap();
    until_delivered(&transport, order(&key_in(0), 2)).await;
    assert_eq!(number(&next(&mut subscription).await), 2);
    transport.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_queue_ends_its_subscription_and_subscribing_makes_it_again() {
    let bench = Bench::new(Member::Rabbitmq);
    let transport = bench.open().await;
    let broker = Broker::connect().await;
    let mut deleted = transport.subscribe(Flow::Orders, 0).await.unwrap();
    let mut other = transport.subscribe(Flow::Orders, 1).await.unwrap();
    broker.delete_queue(&bench.named("orders.00")).await;
    assert!(tokio::time::timeout(DEADLINE, deleted.next()).await.unwrap().is_none());
    let mut again = transport.subscribe(Flow::Orders, 0).await.unwrap();
    for partition in 0..2 {
        transport.publish(order(&key_in(partition), partition.into())).await.unwrap();
    }
    assert_eq!(number(&next(&mut again).await), 0);
    assert_eq!(number(&next(&mut other).await), 1, "the other subscription never noticed");
    assert_eq!(transport.away_for(), None);
    transport.close().await;
}

/// Where nobody subscribes, whoever publishes makes it again: the first message after the loss comes back, the next one
/// is kept.
#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_queue_costs_a_publish_and_publishing_makes_it_again() {
    let bench = Bench::new(Member::Rabbitmq);
    let transport = bench.open().await;
    let broker = Broker::connect().await;
    transport.publish(order(&key_in(0), 1)).await.unwrap();
    assert_eq!(broker.delete_queue(&bench.named("orders.00")).await, 1);
    assert_eq!(transport.publish(order(&key_in(0), 2)).await, Err(NotDelivered::Returned));
    until_delivered(&transport, order(&key_in(0), 2)).await;
    let mut subscription = transport.subscribe(Flow::Orders, 0).await.unwrap();
    assert_eq!(numbers(&take(&mut subscription, 1).await), [2]);
    transport.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_exchange_costs_some_publishes_and_nothing_else() {
    let bench = Bench::new(Member::Rabbitmq);
    let transport = bench.open().await;
    let broker = Broker::connect().await;
    transport.publish(order(&key_in(0), 1)).await.unwrap();
    broker.delete_exchange(&bench.named("orders")).await;
    let outcome = transport.publish(order(&key_in(0), 2)).await;
    assert_eq!(outcome, Err(NotDelivered::Unconfirmed), "the channel was closed over it");
    until_delivered(&transport, order(&key_in(0), 3)).await;
    let mut subscription = transport.subscribe(Flow::Orders, 0).await.unwrap();
    assert_eq!(numbers(&take(&mut subscription, 2).await), [1, 3]);
    transport.close().await;
}

/// Without a delivery limit of our own, 4.x drops the whole window at the 21st crash, silently.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_dropped_after_25_crashes_in_a_row_with_a_full_window() {
    const WINDOW: usize = 10;
    let (proxy, url) = behind_a_proxy().await;
    let bench = Bench::new(Member::Rabbitmq).at(&url).with("transport.prefetch", WINDOW);
    let transport = bench.open().await;
    for number in 0..20 {
        transport.publish(order(&key_in(0), number)).await.unwrap();
    }
    for crash in 0..25 {
        let mut subscription = transport.subscribe(Flow::Orders, 0).await.unwrap();
        let window = take(&mut subscription, WINDOW).await;
        assert_eq!(numbers(&window), (0..10).collect::<Vec<_>>());
        assert!(window.iter().all(|delivery| delivery.deliveries_before == crash), "{window:?}");
        proxy.cut();
        assert!(tokio::time::timeout(DEADLINE, subscription.next()).await.unwrap().is_none());
    }
    let mut subscription = transport.subscribe(Flow::Orders, 0).await.unwrap();
    for expected in 0..20 {
        let delivery = next(&mut subscription).await;
        assert_eq!(number(&delivery), expected);
        delivery.settlement.settle();
    }
    let broker = Broker::connect().await;
    assert_eq!(broker.ready(&bench.named("dead-letter.orders")).await, Some(0));
    transport.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_foreign_producer_leaves_out_is_absent_and_its_bytes_come_through() {
    let bench = Bench::new(Member::Rabbitmq);
    let transport = bench.open().await;
    let mut subscription = transport.subscribe(Flow::Orders, 0).await.unwrap();
    let broker = Broker::connect().await;
    let mut headers = FieldTable::default();
    headers.insert("ordering-key".into(), AMQPValue::LongString(vec![0xff, 0xfe].into()));
    headers.insert("traceparent".into(), AMQPValue::LongInt(7));
    headers.insert("source".into(), AMQPValue::LongString("north".into()));
    let properties = BasicProperties::default().with_message_id("no uuid".into()).with_headers(headers);
    broker.publish(&bench.named("orders"), "1.00", b"\xff\x00bytes", properties).await;
    let came = next(&mut subscription).await;
    assert_eq!(came.bytes, b"\xff\x00bytes");
    assert_eq!((came.message_id, came.ordering_key, came.type_name, came.traceparent), (None, None, None, None));
    assert_eq!(came.headers, [("source".to_owned(), "north".to_owned())]);
    transport.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn properties_are_those_that_other_tools_read() {
    let bench = Bench::new(Member::Rabbitmq);
    let transport = bench.open().await;
    let sent = Outgoing { headers: vec![("source".to_owned(), "north".to_owned())], ..order(&key_in(1), 1) };
    transport.publish(sent.clone()).await.unwrap();
    let dead = Outgoing { target: Target::DeadLetter(Flow::Orders), ..sent.clone() };
    transport.publish(dead).await.unwrap();
    let broker = Broker::connect().await;
    let came = broker.take(&bench.named("orders.01")).await;
    assert_eq!((came.exchange.as_str(), came.routing_key.as_str()), (bench.named("orders").as_str(), "1.01"));
    let properties = &came.properties;
    let id = sent.message_id.to_string();
    assert_eq!(properties.message_id().as_ref().map(ToString::to_string), Some(id));
    assert_eq!(properties.kind().as_ref().map(ToString::to_string).as_deref(), Some("drayline.v1.OrderReleased"));
    assert_eq!(properties.content_type().as_ref().map(ToString::to_string).as_deref(), Some("application/x-protobuf"));
    assert_eq!(*properties.delivery_mode(), Some(2));
    let age = u64::try_from(jiff::Timestamp::now().as_second()).unwrap() - properties.timestamp().unwrap();
    assert!(age < 60, "the time stamp is in seconds");
    let headers = properties.headers().as_ref().unwrap();
    let expected: BTreeMap<_, _> = [("ordering-key", key_in(1)), ("source", "north".to_owned())].into();
    for (name, value) in expected {
        assert_eq!(headers.inner().get(name), Some(&AMQPValue::LongString(value.as_str().into())));
    }
    let dead = broker.take(&bench.named("dead-letter.orders")).await;
    assert_eq!((dead.exchange.as_str(), dead.routing_key.as_str()), (bench.named("dead-letter").as_str(), "orders"));
    transport.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_cannot_be_one_stops_the_start_without_telling_the_password() {
    for (url, problem) in [
        ("", "transport.url"),
        ("http://user:secret@host/", "amqp://"),
        ("amqp://user:secret@host:port/", "not an address"),
        ("env:DRAYLINE_TEST_UNSET", "DRAYLINE_TEST_UNSET"),
    ] {
        let mut config = Bench::new(Member::Rabbitmq).config();
        config.transport.url = url.to_owned();
        let Err(error) = Transport::open(&config, &Clock::system()).await else { panic!("{url} was taken") };
        let text = error.to_string();
        assert!(text.contains(problem), "{text}");
        assert!(!text.contains("secret"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_credentials_are_explained_and_tried_again() {
    let url = crate::support::amqp_url();
    let (scheme, rest) = url.split_once("://").unwrap();
    let (_, place) = rest.split_once('@').unwrap();
    let bench = Bench::new(Member::Rabbitmq).at(&format!("{scheme}://nobody:secret@{place}"));
    let error = Transport::topology_check(&bench.config()).await.unwrap_err().to_string();
    assert!(error.contains("refuses the user \"nobody\""), "{error}");
    assert!(!error.contains("secret"), "{error}");
    let (place, _) = place.split_once('/').unwrap();
    let (credentials, _) = rest.split_once('@').unwrap();
    let bench = bench.at(&format!("{scheme}://{credentials}@{place}/nowhere"));
    let error = Transport::topology_check(&bench.config()).await.unwrap_err().to_string();
    assert!(error.contains("no such virtual host"), "{error}");
}

impl Broker {
    /// Everything that is in the queue of a subscription now.
    async fn ready_and_taken(&self, subscription: &mut Subscription) -> Vec<u32> {
        let mut came = Vec::new();
        while let Ok(Some(delivery)) = tokio::time::timeout(Duration::from_secs(2), subscription.next()).await {
            came.push(number(&delivery));
            delivery.settlement.settle();
        }
        came
    }
}
