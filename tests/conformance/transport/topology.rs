//! Topology: created once, compared precisely, exported whole.

use drayline::message::Flow;
use drayline::transport::{Difference, Transport};
use lapin::ExchangeKind;
use lapin::types::AMQPValue;

use crate::support::Ground;
use crate::support::broker::Broker;
use crate::support::servers::Servers;
use serde_json::json;

use super::{Bench, Member};

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.into())
}

fn problems(differences: &[Difference], thing: &str) -> Vec<String> {
    let mut found: Vec<_> =
        differences.iter().filter(|each| each.thing == thing).map(|each| each.problem.clone()).collect();
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn check_names_what_is_missing_and_apply_creates_it() {
    let bench = Bench::new(Member::Rabbitmq);
    let config = bench.config();
    let missing = Transport::topology_check(&config).await.unwrap();
    // Six flows and dead letters; eight partitions and six dead letter queues.
    assert_eq!(missing.len(), 7 + 8 + 6, "{missing:#?}");
    assert!(missing.iter().all(|each| each.problem == "is missing"), "{missing:#?}");
    let broker = Broker::connect().await;
    assert_eq!(broker.ready(&bench.named("orders.00")).await, None, "checking creates nothing");
    for _ in 0..2 {
        assert_eq!(Transport::topology_apply(&config).await.unwrap(), []);
        assert_eq!(Transport::topology_check(&config).await.unwrap(), []);
    }
    assert_eq!(broker.ready(&bench.named("orders.01")).await, Some(0));
    let named = bench.named("orders.01");
    let bench = bench.with("transport.partitions.orders", 1);
    let fewer = bench.config();
    let told = Transport::topology_check(&fewer).await.unwrap();
    let beyond = problems(&told, &format!("queue {named}"));
    assert_eq!((told.len(), &beyond[..]), (1, &["is there, but transport.partitions.orders is 1".to_owned()][..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_argument_that_differs_is_named_with_both_values() {
    let bench = Bench::new(Member::Rabbitmq);
    let config = bench.config();
    let broker = Broker::connect().await;
    let arguments = [
        ("x-queue-type", text("quorum")),
        ("x-single-active-consumer", AMQPValue::Boolean(true)),
        ("x-delivery-limit", AMQPValue::LongInt(20)),
        ("x-max-length", AMQPValue::LongInt(1000)),
        ("x-dead-letter-exchange", text("somewhere")),
    ];
    broker.declare_queue(&bench.named("orders.00"), &arguments).await;
    broker.declare_queue(&bench.named("orders.01"), &[("x-queue-type", text("classic"))]).await;
    broker.declare_exchange(&bench.named("shipments"), ExchangeKind::Fanout).await;
    for differences in
        [Transport::topology_apply(&config).await.unwrap(), Transport::topology_check(&config).await.unwrap()]
    {
        let queue = problems(&differences, &format!("queue {}", bench.named("orders.00")));
        let dead_letter = bench.named("dead-letter");
        let expected = [
            format!("x-dead-letter-exchange is somewhere, but {dead_letter} is needed"),
            "x-dead-letter-routing-key is not set, but orders is needed".to_owned(),
            "x-dead-letter-strategy is not set, but at-least-once is needed".to_owned(),
            "x-delivery-limit is 20, but 1000000 is needed".to_owned(),
            "x-max-length is 1000, but must not be set".to_owned(),
            "x-overflow is not set, but reject-publish is needed".to_owned(),
        ];
        assert_eq!(queue, expected);
        let classic = problems(&differences, &format!("queue {}", bench.named("orders.01")));
        assert!(classic.contains(&"x-queue-type is classic, but quorum is needed".to_owned()), "{classic:?}");
        let exchange = problems(&differences, &format!("exchange {}", bench.named("shipments")));
        assert_eq!(exchange, ["type is fanout, but direct is needed"]);
        assert!(differences.iter().all(|each| !each.remedy.is_empty()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn subscribing_to_a_queue_that_would_lose_messages_is_refused_by_name() {
    let bench = Bench::new(Member::Rabbitmq);
    let broker = Broker::connect().await;
    broker.declare_queue(&bench.named("orders.00"), &[("x-queue-type", text("quorum"))]).await;
    let transport = bench.open().await;
    let Err(error) = transport.subscribe(Flow::Orders, 0).await else { panic!("it was taken") };
    assert!(error.problem.contains(&bench.named("orders.00")), "{error}");
    assert!(error.problem.contains("x-delivery-limit is not set, but 1000000 is needed"), "{error}");
    // The session, and every other queue, goes on.
    assert!(transport.subscribe(Flow::Orders, 1).await.is_ok());
    assert_eq!(transport.away_for(), None);
    transport.close().await;
}

#[test]
fn export_holds_every_exchange_queue_and_binding() {
    let bench =
        Bench::new(Member::Embedded).with("transport.namespace", "\"house\"").at("amqp://user:secret@broker/trade");
    let export = Transport::topology_export(&bench.config());
    let list = |name: &str| export[name].as_array().unwrap().clone();
    assert_eq!((list("exchanges").len(), list("queues").len(), list("bindings").len()), (7, 14, 14));
    assert!(!export.to_string().contains("secret"));
    let named = |list: &str, key: &str, name: &str| {
        export[list].as_array().unwrap().iter().find(|each| each[key] == name).unwrap().clone()
    };
    let found = json!([
        named("exchanges", "name", "house.orders"),
        named("queues", "name", "house.orders.01"),
        named("queues", "name", "house.dead-letter.orders"),
        named("bindings", "destination", "house.orders.01"),
        named("bindings", "destination", "house.dead-letter.orders"),
    ]);
    let wanted = json!([
      {
        "arguments": {},
        "auto_delete": false,
        "durable": true,
        "internal": false,
        "name": "house.orders",
        "type": "direct",
        "vhost": "trade"
      },
      {
        "arguments": {
          "x-dead-letter-exchange": "house.dead-letter",
          "x-dead-letter-routing-key": "orders",
          "x-dead-letter-strategy": "at-least-once",
          "x-delivery-limit": 1_000_000,
          "x-overflow": "reject-publish",
          "x-queue-type": "quorum",
          "x-single-active-consumer": true
        },
        "auto_delete": false,
        "durable": true,
        "name": "house.orders.01",
        "vhost": "trade"
      },
      {
        "arguments": {
          "x-delivery-limit": 1_000_000,
          "x-overflow": "reject-publish",
          "x-queue-type": "quorum",
          "x-single-active-consumer": true
        },
        "auto_delete": false,
        "durable": true,
        "name": "house.dead-letter.orders",
        "vhost": "trade"
      },
      {
        "arguments": {},
        "destination": "house.orders.01",
        "destination_type": "queue",
        "routing_key": "1.01",
        "source": "house.orders",
        "vhost": "trade"
      },
      {
        "arguments": {},
        "destination": "house.dead-letter.orders",
        "destination_type": "queue",
        "routing_key": "orders",
        "source": "house.dead-letter",
        "vhost": "trade"
      }
    ]);
    assert_eq!(found, wanted);
}

/// What is exported is what is declared: a broker that took the one agrees with the other. The names of arguments and
/// their values are compared here; that the broker's import reads them is in its own manual.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_exported_is_what_is_declared() {
    let bench = Bench::new(Member::Rabbitmq);
    let config = bench.config();
    let export = Transport::topology_export(&config);
    let broker = Broker::connect().await;
    for exchange in export["exchanges"].as_array().unwrap() {
        broker.declare_exchange(exchange["name"].as_str().unwrap(), ExchangeKind::Direct).await;
    }
    for queue in export["queues"].as_array().unwrap() {
        let arguments: Vec<_> = queue["arguments"].as_object().unwrap().iter().collect();
        let arguments: Vec<_> = arguments.iter().map(|(name, value)| (name.as_str(), argument(value))).collect();
        broker.declare_queue(queue["name"].as_str().unwrap(), &arguments).await;
    }
    assert_eq!(Transport::topology_check(&config).await.unwrap(), []);
}

fn argument(value: &serde_json::Value) -> AMQPValue {
    match value {
        serde_json::Value::Bool(flag) => AMQPValue::Boolean(*flag),
        serde_json::Value::Number(number) => AMQPValue::LongLongInt(number.as_i64().unwrap()),
        other => text(other.as_str().unwrap()),
    }
}

/// What the protocol does not show is read from the management API of the broker.
#[tokio::test(flavor = "multi_thread")]
async fn policies_in_the_way_and_missing_bindings_are_told_where_they_can_be_seen() {
    let servers = Servers::start_with_management().await;
    let management = servers.management.clone().unwrap();
    let config = |more: &str| Ground::on(&servers).config(&format!("transport.partitions.orders = 2\n{more}"));
    let seeing = config(&format!("transport.management_url = \"{management}\"\n"));
    assert_eq!(Transport::topology_unseen(&seeing), None);
    assert!(Transport::topology_unseen(&config("")).unwrap().contains("transport.management_url"));
    assert_eq!(Transport::topology_apply(&seeing).await.unwrap(), []);

    let client = reqwest::Client::new();
    let policy = json!({
        "pattern": "^drayline[.](orders|dead-letter)[.]", "apply-to": "queues",
        "definition": { "message-ttl": 60000, "max-length": 5, "dead-letter-routing-key": "x" },
    });
    let put = client.put(format!("{management}/api/policies/%2F/short-lived")).json(&policy).send().await.unwrap();
    assert!(put.status().is_success(), "{put:?}");
    let binding = format!("{management}/api/bindings/%2F/e/drayline.orders/q/drayline.orders.01/1.01");
    assert!(client.delete(binding).send().await.unwrap().status().is_success());

    let mut looks = tokio::time::interval(std::time::Duration::from_millis(50));
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(90);
    let told = loop {
        looks.tick().await;
        let told = Transport::topology_check(&seeing).await.unwrap();
        // The broker shows a policy a moment after it took it.
        if told.len() >= 5 || tokio::time::Instant::now() > deadline {
            break told;
        }
    };
    for queue in ["queue drayline.orders.00", "queue drayline.orders.01"] {
        let sets = |what: &str| format!("the policy short-lived sets {what}");
        assert_eq!(problems(&told, queue), [sets("max-length to 5"), sets("message-ttl to 60000")]);
    }
    assert_eq!(problems(&told, "binding of queue drayline.orders.01").len(), 1);
    assert_eq!(told.len(), 5, "{told:#?}");
    let applied = Transport::topology_apply(&seeing).await.unwrap();
    assert_eq!(problems(&applied, "binding of queue drayline.orders.01"), [""; 0], "it is bound again");
    assert_eq!(applied.len(), 4, "{applied:#?}");
}
