//! Success is answered only for what is durable: in the queue, or in the outbox while the broker is away.

use drayline::message::{Envelope, Flow, OrderingKey};
use drayline::store::{OutboxRow, Purpose};
use uuid::Uuid;

use super::house::{House, PATIENCE};
use crate::support::{Backing, Ground};

/// A broker that nobody runs: the port is never listened on.
const NO_BROKER: &str = "transport.kind = \"rabbitmq\"\ntransport.url = \"amqp://guest:guest@127.0.0.1:1/%2f\"\n\
                         transport.confirm_deadline_ms = 300\nprocessor.outbox_poll_ms = 20\n";

fn event(request: &str) -> Vec<u8> {
    let id = Uuid::new_v4();
    format!(
        r#"{{"BusinessEventId":"WHSEWOutboundShipmentOrderRequestCreatedBusinessEvent","EventId":"{id}","LegalEntity":"usmf","OutboundShipmentOrderRequestId":"{request}"}}"#
    )
    .into_bytes()
}

async fn rows(house: &House) -> Vec<OutboxRow> {
    house.store.outbox(Flow::Orders, 1000).await.unwrap()
}

fn key(request: &str) -> String {
    format!("order/contoso/usmf-{request}")
}

#[tokio::test]
async fn without_a_broker_events_wait_in_the_outbox_in_order() {
    let house = House::open(NO_BROKER).await;
    for request in ["SHP1", "SHP2", "SHP1"] {
        house.post_event(&event(request)).await.is_success();
    }
    let rows = rows(&house).await;
    let keys: Vec<_> = rows.iter().map(|row| row.ordering_key.clone()).collect();
    assert_eq!(keys, [key("SHP1"), key("SHP2"), key("SHP1")]);
    for row in rows {
        let message = Envelope::decode(&row.bytes).unwrap();
        assert_eq!((row.message_id, row.purpose), (message.message_id, Purpose::Ingest));
        assert_eq!((row.kind.as_str(), row.traceparent), (message.kind().as_str(), message.traceparent));
    }
}

#[tokio::test]
async fn a_full_outbox_is_answered_503() {
    let house = House::open(&format!("{NO_BROKER}ingest.outbox_rows_max = 1")).await;
    house.post_event(&event("SHP1")).await.is_success();
    let refused = house.post_event(&event("SHP2")).await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("5")));
    assert_eq!(rows(&house).await.len(), 1);
}

#[tokio::test]
async fn one_event_of_an_array_that_cannot_be_kept_refuses_the_whole() {
    let house = House::open(&format!("{NO_BROKER}ingest.outbox_rows_max = 1")).await;
    let array = [b"[".as_slice(), &event("SHP1"), b",", &event("SHP2"), b"]"].concat();
    assert_eq!(house.post_event(&array).await.status, 503);
}

#[tokio::test]
async fn neither_broker_nor_store_is_answered_503() {
    let house = House::open(NO_BROKER).await;
    house.store.close().await;
    let refused = house.post_event(&event("SHP1")).await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("5")));
}

#[tokio::test]
async fn a_store_that_is_away_does_not_matter_while_the_queue_takes_it() {
    let house = House::open("").await;
    let mut orders = house.subscribe(Flow::Orders).await;
    house.store.close().await;
    house.post_event(&event("SHP1")).await.is_success();
    assert_eq!(House::arrived(&mut orders).await.ordering_key.as_str(), key("SHP1"));
}

#[tokio::test]
async fn nothing_passes_what_waits_in_the_outbox() {
    let ground = Ground::fresh(Backing::Embedded).await;
    let house = House::open_on(ground, "processor.outbox_poll_ms = 20").await;
    // What an earlier life of this process accepted and nobody has delivered yet.
    let left = Uuid::new_v4();
    let row = OutboxRow {
        id: 0,
        flow: Flow::Orders,
        purpose: Purpose::Ingest,
        ordering_key: key("SHP1"),
        message_id: left,
        kind: "order_released".to_owned(),
        traceparent: None,
        bytes: vec![1],
        failure: None,
    };
    assert!(house.store.accept(&row, 10).await.unwrap());
    house.post_event(&event("SHP1")).await.is_success();
    assert_eq!(rows(&house).await.len(), 2, "it stands behind what was left, not in the queue");

    let mut shipments = house.subscribe(Flow::Shipments).await;
    let settled = br#"{"BusinessEventId":"WHSEWOutboundShipmentOrderUpdateChangedStatusBusinessEvent","EventId":"A1B2C3D4-0002-4000-8000-00000000000A","LegalEntity":"usmf","OutboundShipmentOrderUpdateId":"D1"}"#;
    house.post_event(settled).await.is_success();
    let direct = House::arrived(&mut shipments).await;
    assert_eq!(direct.ordering_key, OrderingKey::alone(&direct.connection, "D1"), "another flow is not held up");

    let ids: Vec<i64> = rows(&house).await.iter().map(|row| row.id).collect();
    house.store.delivered(&ids).await.unwrap();
    let mut orders = house.subscribe(Flow::Orders).await;
    let mut look = tokio::time::interval(std::time::Duration::from_millis(20));
    let returned = async {
        loop {
            look.tick().await;
            house.post_event(&event("SHP2")).await.is_success();
            let ids: Vec<i64> = rows(&house).await.iter().map(|row| row.id).collect();
            if ids.is_empty() {
                return;
            }
            house.store.delivered(&ids).await.unwrap();
        }
    };
    tokio::time::timeout(PATIENCE, returned).await.expect("once nothing waits, events are published again");
    assert_eq!(House::arrived(&mut orders).await.ordering_key.as_str(), key("SHP2"));
}

#[tokio::test]
async fn through_real_servers() {
    let house = House::open_on(Ground::fresh(Backing::Servers).await, "").await;
    let mut orders = house.subscribe(Flow::Orders).await;
    house.post_event(&event("SHP1")).await.is_success();
    assert_eq!(House::arrived(&mut orders).await.ordering_key.as_str(), key("SHP1"));
    assert!(rows(&house).await.is_empty(), "published, not kept");
}
