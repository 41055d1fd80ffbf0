//! A whole worker on real ground: real transport, real store, far ends over real HTTP.

use std::sync::Arc;
use std::time::Duration;

use drayline::clock::Clock;
use drayline::config::Config;
use drayline::gateways::Gateways;
use drayline::message::{
    Body, Connection, Envelope, Flow, Kind, LegalEntity, Occurred, OrderingKey, Origin, Reference, RequestId,
    TimePrecision, message_id,
};
use drayline::processor::{Tools, Worker};
use drayline::store::{Listed, Outcome, Ownership, Parked, ParkedFilter, Record, Store, WaitsFor, Written};
use drayline::transport::{Outgoing, Target, Transport};
use serde_json::json;
use uuid::Uuid;

use super::far_ends::FarEnds;
use crate::support::rows::parked;
pub use crate::support::wait::until;
use crate::support::{Backing, Ground};

/// Everything is awaited at most this long.
const DEADLINE: Duration = Duration::from_secs(30);

/// Short waits, so that a test sees in seconds what takes minutes; each call by itself, since these far ends take no
/// `$batch`.
const QUICK: &str = "processor.heartbeat_ms = 200\nprocessor.dead_after_ms = 1500\nprocessor.due_poll_ms = 50\n\
    processor.outbox_poll_ms = 50\nprocessor.retry_delays_ms = [50, 100, 200]\nprocessor.busy_delay_ms_min = 50\n\
    processor.busy_delay_ms_max = 200\nprocessor.look_again_ms = 60000\nprocessor.posting_poll_delays_ms = [50]\n\
    gateways.call_ms_max = 3000\ngateways.settle_ms = 200\ngateways.private_addresses = true\n\
    gateways.breaker_failures_max = 3\ngateways.breaker_open_ms_min = 50\ngateways.breaker_open_ms_max = 200\n\
    processor.stop_poll_ms = 50\n\
    transport.partitions.orders = 2\ntransport.partitions.shipments = 2\ntransport.partitions.goods_received = 2\n\
    dynamics.contoso.outbound.tracking_entity = \"\"\ndynamics.contoso.together.documents_max = 1\n\
    dynamics.contoso.together.changesets = false\ndynamics.contoso.together.first_look_ms = 0\n";

pub struct World {
    ground: Ground,
    pub far_ends: FarEnds,
    pub tools: Tools,
}

impl World {
    /// A world in which nobody works yet.
    pub async fn new(backing: Backing) -> Self {
        Self::with(backing, "").await
    }

    /// The same with more configuration.
    pub async fn with(backing: Backing, more: &str) -> Self {
        let ground = Ground::fresh(backing).await;
        let far_ends = FarEnds::open().await;
        let secret = ground.data().join("secret");
        std::fs::write(&secret, "whsec_c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0").unwrap();
        let usual = format!("{QUICK}{}", connections(&far_ends.url, secret.to_str().unwrap()));
        let key = |line: &str| line.split(" = ").next().unwrap_or_default().to_owned();
        let other = |line: &&str| !more.lines().any(|more| key(more) == key(line));
        let usual: Vec<&str> = usual.lines().filter(other).collect();
        let config = ground.config(&format!("{}\n{more}", usual.join("\n")));
        let tools = open(config).await;
        Self { ground, far_ends, tools }
    }

    pub fn store(&self) -> &Store {
        &self.tools.store
    }

    /// A worker that owns all partitions of these flows.
    pub async fn worker(&self, flows: &[Flow]) -> Worker {
        let worker = Worker::start(self.tools.clone(), flows.to_vec());
        until("the worker owns its partitions", async || worker.ready().then_some(())).await;
        worker
    }

    pub async fn publish(&self, message: &Envelope) {
        self.publish_as(message, message.ordering_key.clone()).await;
    }

    /// Publishes under a key that may not be the message's own.
    pub async fn publish_as(&self, message: &Envelope, ordering_key: OrderingKey) {
        let outgoing = Outgoing {
            target: Target::Flow(message.flow()),
            ordering_key,
            message_id: message.message_id,
            type_name: message.kind().type_name().to_owned(),
            traceparent: None,
            headers: Vec::new(),
            bytes: message.encode(),
        };
        self.send(outgoing).await;
    }

    pub async fn send(&self, outgoing: Outgoing) {
        until("the message is published", async || self.tools.transport.publish(outgoing.clone()).await.ok()).await;
    }

    /// Parks a message as an attempt would.
    pub async fn park(&self, owner: Ownership, message: &Envelope, waits_for: WaitsFor) {
        let parked = Parked {
            flow: owner.flow,
            partition: owner.partition,
            ordering_key: message.ordering_key.to_string(),
            kind: message.kind().to_string(),
            connection: message.connection.to_string(),
            bytes: message.encode(),
            ..parked(message.message_id, &message.lane_key(), waits_for)
        };
        let record = Record::new(owner, message.message_id, Outcome::Parked(Box::new(parked)));
        assert_eq!(self.store().record(&[record]).await.unwrap(), [Written::Yes]);
    }

    /// The parked row of a message, once there is one that looks so.
    pub async fn parked(&self, message_id: Uuid, so: impl Fn(&Listed) -> bool) -> Listed {
        let filter = ParkedFilter { message_id: Some(message_id), limit: 10, ..ParkedFilter::default() };
        until("the message is parked", async || {
            let (_, rows) = self.store().parked(&filter).await.unwrap();
            rows.into_iter().find(|row| so(row))
        })
        .await
    }

    /// Waits until nothing is parked and nothing waits in the outbox.
    pub async fn until_nothing_waits(&self) {
        let mut still = Vec::new();
        let mut looks = tokio::time::interval(Duration::from_millis(10));
        let looking = async {
            loop {
                looks.tick().await;
                let filter = ParkedFilter { limit: 10, ..ParkedFilter::default() };
                still = self.store().parked(&filter).await.unwrap().1;
                if still.is_empty() && self.store().waiting(None, None).await.unwrap().rows == 0 {
                    return;
                }
            }
        };
        let waited = tokio::time::timeout(DEADLINE, looking).await;
        assert!(waited.is_ok(), "still parked: {still:#?}");
    }

    /// What the journey of a document says, oldest first: (message, what).
    pub async fn journey(&self, document: &OrderingKey) -> Vec<(Uuid, String)> {
        let views = self.store().documents(document.as_str()).await.unwrap();
        let steps = views.into_iter().flat_map(|view| view.steps);
        steps.map(|step| (step.message_id, step.what)).collect()
    }

    /// The order in which messages of a document first took effect, by their journey.
    pub async fn until_journey(
        &self,
        document: &OrderingKey,
        holds: impl Fn(&[(Uuid, String)]) -> bool,
    ) -> Vec<(Uuid, String)> {
        until("the journey says so", async || {
            let journey = self.journey(document).await;
            holds(&journey).then_some(journey)
        })
        .await
    }

    pub async fn close(self) {
        self.tools.transport.close().await;
        self.tools.store.close().await;
        self.ground.leave().await;
    }
}

pub async fn open(config: Config) -> Tools {
    let clock = Clock::system();
    let store = Store::open(&config).await.unwrap();
    let transport = Transport::open(&config, &clock).await.unwrap();
    let gateways = Gateways::new(&config, &clock).unwrap();
    Tools { config: Arc::new(config), clock, store, transport, gateways }
}

fn connections(url: &str, secret: &str) -> String {
    format!(
        "dynamics.contoso.kind = \"finance_operations\"\ndynamics.contoso.url = \"{url}\"\n\
         dynamics.contoso.token_url = \"{url}/token\"\ndynamics.contoso.client_id = \"app\"\n\
         dynamics.contoso.client_secret = \"file:{secret}\"\ndynamics.contoso.secrets = [\"file:{secret}\"]\n\
         warehouses.north.connector = \"standard\"\nwarehouses.north.url = \"{url}\"\n\
         warehouses.north.token = \"file:{secret}\"\nwarehouses.north.secrets = [\"file:{secret}\"]\n\
         warehouses.north.dynamics = \"contoso\"\nwarehouses.north.locations = {{ \"24\" = \"NORTH-1\" }}\n\
         warehouses.south.connector = \"standard\"\nwarehouses.south.url = \"{url}\"\n\
         warehouses.south.token = \"file:{secret}\"\nwarehouses.south.secrets = [\"file:{secret}\"]\n\
         warehouses.south.dynamics = \"contoso\"\nwarehouses.south.locations = {{ \"25\" = \"SOUTH-1\" }}\n"
    )
}

fn contoso() -> Connection {
    Connection::new("contoso").unwrap()
}

fn north() -> Connection {
    Connection::new("north").unwrap()
}

pub fn reference(request: &str) -> Reference {
    Reference::of(&LegalEntity::new("usmf").unwrap(), &RequestId::new(request).unwrap())
}

pub fn document(request: &str) -> OrderingKey {
    OrderingKey::order(&contoso(), reference(request).document())
}

fn envelope(connection: Connection, key: OrderingKey, event: &str, body: Body) -> Envelope {
    let now = jiff::Timestamp::now();
    Envelope {
        message_id: message_id(&connection, body.kind().as_str(), event),
        connection,
        source_system: "test".to_owned(),
        external_event_id: Some(event.to_owned()),
        external_event_type: Some(body.kind().to_string()),
        ordering_key: key,
        environment: Some(contoso()),
        legal_entity: Some(LegalEntity::new("usmf").unwrap()),
        occurred: Occurred { at: now, raw: None, precision: TimePrecision::Instant },
        received_at: now,
        origin: Origin::Webhook,
        sequence: None,
        traceparent: None,
        causation_id: None,
        raw: None,
        attributes: std::collections::BTreeMap::new(),
        body,
    }
}

/// Dynamics released a document.
pub fn released(request: &str, event: &str) -> Envelope {
    let body = Body::from_json(Kind::OrderReleased, json!({ "document": { "requestId": request } })).unwrap();
    envelope(contoso(), document(request), event, body)
}

/// Dynamics changed a document.
pub fn changed(request: &str, event: &str) -> Envelope {
    let body = Body::from_json(Kind::OrderChanged, json!({ "document": { "requestId": request } })).unwrap();
    envelope(contoso(), document(request), event, body)
}

/// The warehouse took an order on.
pub fn accepted(request: &str, event: &str) -> Envelope {
    let json = json!({ "order": { "reference": reference(request).to_string() } });
    envelope(north(), document(request), event, Body::from_json(Kind::OrderAccepted, json).unwrap())
}

/// The warehouse is at this status with an order.
pub fn status(request: &str, code: &str, event: &str) -> Envelope {
    let json = json!({
        "order": { "reference": reference(request).to_string() }, "status": { "code": code },
    });
    envelope(north(), document(request), event, Body::from_json(Kind::OrderStatusChanged, json).unwrap())
}

/// The warehouse's own stock moved.
pub fn adjusted(sku: &str, delta: &str, event: &str) -> Envelope {
    let json = json!({
        "adjustmentKey": event, "item": { "sku": sku }, "warehouse": { "code": "NORTH-1" },
        "kind": { "code": "DELTA" }, "reason": { "code": "LOST" }, "delta": { "value": delta, "unit": "pcs" },
    });
    envelope(north(), OrderingKey::stock(&north(), sku), event, Body::from_json(Kind::StockAdjusted, json).unwrap())
}

/// The warehouse shipped the whole order.
pub fn shipped(request: &str, event: &str) -> Envelope {
    let json = json!({
        "shipmentKey": format!("S-{request}"), "order": { "reference": reference(request).to_string() },
        "isFinal": true,
        "packages": [{ "packageKey": format!("P-{request}"), "contents": [
            { "line": { "orderLineId": "1" }, "item": { "sku": "D0001" }, "quantity": { "value": "2", "unit": "pcs" } },
        ] }],
    });
    envelope(north(), document(request), event, Body::from_json(Kind::ShipmentConfirmed, json).unwrap())
}

/// A kind that this release takes in but does not handle: it parks for a person.
pub fn announced(key: &str, event: &str) -> Envelope {
    let body = Body::from_json(Kind::ReceiptAnnounced, json!({ "requestId": key })).unwrap();
    envelope(contoso(), OrderingKey::inbound_order(&contoso(), key), event, body)
}
