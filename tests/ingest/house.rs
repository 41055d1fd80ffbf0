//! Real doors on a real port, over a real transport and store, and a sender that speaks raw HTTP.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use drayline::clock::Clock;
use drayline::ingest::{Doors, router};
use drayline::message::{Envelope, Flow};
use drayline::store::Store;
use drayline::transport::{Subscription, Transport};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{Backing, Ground};

/// Nothing here takes longer.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub const DYNAMICS_SECRET: &str = "contoso-secret-1";
pub const SIGNING_SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
pub const FINANCE_OPERATIONS: &str = "/ingest/d365/finance-operations/contoso/contoso-secret-1";
pub const WAREHOUSE: &str = "/ingest/warehouse/north";

/// One partition each, so that one subscription sees everything.
const ONE_PARTITION: &str = "transport.partitions.orders = 1\ntransport.partitions.shipments = 1\n";

/// A Dynamics environment and a warehouse, whose secrets lie in one file each.
pub fn sections(warehouse_secret: &Path) -> String {
    let folder = warehouse_secret.parent().unwrap();
    let dynamics_secret = folder.join("dynamics-secret");
    std::fs::write(&dynamics_secret, DYNAMICS_SECRET).unwrap();
    format!(
        "[dynamics.contoso]\nkind = \"finance_operations\"\nurl = \"https://d.example\"\ntoken_url = \"https://t.example\"\n\
         client_id = \"c\"\nclient_secret = \"file:{dynamics}\"\nsecrets = [\"file:{dynamics}\"]\nlegal_entities = [\"usmf\"]\n\
         [warehouses.north]\nconnector = \"standard\"\nurl = \"https://north.example\"\ntoken = \"file:{dynamics}\"\n\
         secrets = [\"file:{warehouse}\"]\ndynamics = \"contoso\"\nlocations = {{ \"24\" = \"NORTH-1\" }}\n",
        dynamics = dynamics_secret.display(),
        warehouse = warehouse_secret.display()
    )
}

/// A house with its doors open.
pub struct House {
    pub ground: Ground,
    pub store: Store,
    pub transport: Transport,
    pub address: SocketAddr,
}

impl House {
    /// On the embedded ground; `more` is TOML in dotted keys.
    pub async fn open(more: &str) -> Self {
        Self::open_on(Ground::fresh(Backing::Embedded).await, more).await
    }

    pub async fn open_on(ground: Ground, more: &str) -> Self {
        let secret = ground.data().join("north-secret");
        std::fs::write(&secret, SIGNING_SECRET).unwrap();
        let config = ground.config(&format!("{ONE_PARTITION}{more}\n{}", sections(&secret)));
        let clock = Clock::system();
        let store = Store::open(&config).await.unwrap();
        let transport = Transport::open(&config, &clock).await.unwrap();
        let doors = Doors { config: Arc::new(config), clock, store: store.clone(), transport: transport.clone() };
        let address = serve(router(doors)).await;
        Self { ground, store, transport, address }
    }

    pub async fn subscribe(&self, flow: Flow) -> Subscription {
        self.transport.subscribe(flow, 0).await.unwrap()
    }

    /// What arrived in a flow next.
    pub async fn arrived(subscription: &mut Subscription) -> Envelope {
        let delivery = tokio::time::timeout(PATIENCE, subscription.next()).await.expect("it arrives").unwrap();
        let message = Envelope::decode(&delivery.bytes).unwrap();
        assert_eq!(delivery.message_id, Some(message.message_id));
        assert_eq!(delivery.ordering_key.as_ref(), Some(&message.ordering_key));
        assert_eq!(delivery.type_name.as_deref(), Some(message.kind().type_name()));
        assert_eq!(delivery.traceparent, message.traceparent);
        delivery.settlement.settle();
        message
    }

    pub async fn post(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        send(self.address, "POST", path, headers, body).await
    }

    /// A JSON event of Dynamics.
    pub async fn post_event(&self, body: &[u8]) -> Answer {
        self.post(FINANCE_OPERATIONS, &[("content-type", "application/json")], body).await
    }

    /// A signed event of the warehouse.
    pub async fn post_signed(&self, body: &[u8]) -> Answer {
        let (id, stamp, signature) = signed(body);
        let headers = [
            ("content-type", "application/json"),
            ("webhook-id", id.as_str()),
            ("webhook-timestamp", stamp.as_str()),
            ("webhook-signature", signature.as_str()),
        ];
        self.post(WAREHOUSE, &headers, body).await
    }
}

/// Serves on a free port for as long as the test runs.
pub async fn serve(routes: axum::Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    address
}

/// Id, time stamp and signature of a delivery, made now.
pub fn signed(body: &[u8]) -> (String, String, String) {
    crate::support::signed(SIGNING_SECRET, body)
}

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(each, _)| each.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The answer that every sender takes for success.
    #[track_caller]
    pub fn is_success(&self) {
        assert_eq!((self.status, self.body.as_str()), (200, r#"{"code":"200","Status":"Success"}"#), "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/json"));
    }
}

/// Sends a request of its own connection, whole, and reads the answer.
pub async fn send(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let mut request = head(method, path, headers);
    write!(request, "content-length: {}\r\n\r\n", body.len()).unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    answer(&mut stream).await
}

/// The head of a request, without its end.
pub fn head(method: &str, path: &str, headers: &[(&str, &str)]) -> String {
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: drayline\r\nconnection: close\r\n");
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    head
}

/// Reads an answer to its end.
pub async fn answer(stream: &mut TcpStream) -> Answer {
    let mut bytes = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.expect("an answer in time").unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}
