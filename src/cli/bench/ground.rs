//! The ground of a bench: queues in a namespace of their own, a schema of its own, connections of its own.
//!
//! Nothing that is configured for real is touched. It refuses a store whose workers live, because it takes all that the
//! servers can give, and queues that somebody else consumes. The schema goes at the end; the queues stay, empty:
//! RabbitMQ 3.10 may lose the log of all quorum queues of a node when one that was just emptied of many messages is
//! deleted (its segment writer ends with enoent), and a bench must not bring down a broker.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::far_end::FarEnd;
use super::messages::{DYNAMICS, Sender, WAREHOUSE, body, translated};
use super::{Failed, Global};
use crate::clock::Clock;
use crate::config::{Config, StoreKind, TransportKind, address};
use crate::ingest::outgoing;
use crate::message::{Connection, Envelope, Flow};
use crate::store::Store;
use crate::transport::{Outgoing, Transport, Yardstick};

/// A worker that said so within this time lives.
const LIVES: Duration = Duration::from_secs(30);

/// The schema.
const SCHEMA: &str = "drayline_bench";

/// It opens nothing but doors of a bench, which listen on this machine alone: the far end asks for no token.
const SECRET: &str = "whsec_YmVuY2hiZW5jaGJlbmNoYmVuY2hiZW5j";

/// Everything that measurements stand on.
pub(super) struct Ground {
    pub(super) clock: Clock,
    /// The usual partitions.
    pub(super) config: Arc<Config>,
    /// One partition, one message at a time.
    pub(super) naive: Arc<Config>,
    pub(super) store: Store,
    pub(super) far_end: FarEnd,
    /// What children are told beside the user's file, as environment.
    pub(super) told: Vec<(String, String)>,
    /// The user's file, which children read, too.
    pub(super) file: Option<PathBuf>,
    /// What opens our doors.
    pub(super) secret: &'static str,
    pub(super) folder: PathBuf,
    configured: Config,
    next: AtomicU64,
}

/// Some messages: the numbers of their documents, and what stands in memory of them.
pub(super) struct Lot {
    pub(super) numbers: Range<u64>,
    pub(super) messages: Vec<Envelope>,
}

impl Ground {
    pub(super) async fn prepare(global: &Global, beside_workers: bool) -> Result<Self, Failed> {
        let configured = global.load("")?;
        if configured.transport.kind != TransportKind::Rabbitmq || configured.store.kind != StoreKind::Postgresql {
            return Err(Failed::Usage(
                "The bench measures RabbitMQ and PostgreSQL. Set transport.kind = \"rabbitmq\", store.kind = \
                 \"postgresql\" and their addresses, best of servers that nobody works with."
                    .to_owned(),
            ));
        }
        let living = Store::workers(&configured, LIVES).await?;
        if living > 0 && !beside_workers {
            return Err(Failed::Usage(format!(
                "Workers live at {} ({living} of them). The bench takes everything that the servers can give, and would \
                 slow them down. Stop them, or name other servers; --beside-workers measures all the same.",
                Store::place(&configured)
            )));
        }
        let folder = std::env::temp_dir().join(format!("drayline-bench-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let secret = folder.join("secret");
        std::fs::write(&secret, SECRET)?;
        let far_end = FarEnd::new();
        let listens = far_end.listen().await?;
        let ours = ours(&secret.display().to_string(), &folder.join("data").display().to_string(), listens);
        let mut config = Store::set_aside(&global.load(&toml(&ours))?, SCHEMA).await?;
        config.transport.namespace = format!("{}-bench", configured.transport.namespace);
        let mut naive = config.clone();
        naive.transport.namespace = format!("{}-bench-naive", configured.transport.namespace);
        naive.transport.partitions.orders = 1;
        naive.transport.prefetch = 1;
        for config in [&config, &naive] {
            if let Some(difference) = Transport::topology_apply(config).await?.first() {
                let (thing, problem, remedy) = (&difference.thing, &difference.problem, &difference.remedy);
                return Err(Failed::Work(format!("{thing}: {problem}. {remedy}")));
            }
            let yardstick = Yardstick::connect(config, Flow::Orders).await?;
            if yardstick.queued().await?.consumers > 0 {
                let namespace = &config.transport.namespace;
                return Err(Failed::Work(format!("Another bench runs: somebody consumes from {namespace}.orders.")));
            }
            yardstick.empty().await?;
        }
        let store = Store::open(&config).await?;
        let told = told(&ours, &config)?;
        Ok(Self {
            clock: Clock::system(),
            config: Arc::new(config),
            naive: Arc::new(naive),
            store,
            far_end,
            told,
            file: global.config.clone(),
            secret: SECRET,
            folder,
            configured,
            next: AtomicU64::new(1),
        })
    }

    /// The number of the next document.
    pub(super) fn next_number(&self) -> u64 {
        self.next.load(Ordering::Relaxed)
    }

    /// Takes away what was made, but the queues.
    pub(super) async fn leave(&self) -> Result<(), Failed> {
        self.store.close().await;
        for config in [&self.config, &self.naive] {
            Yardstick::connect(config, Flow::Orders).await?.empty().await?;
        }
        Store::remove_aside(&self.configured, SCHEMA).await?;
        std::fs::remove_dir_all(&self.folder)?;
        Ok(())
    }

    /// Bodies of documents that never were before.
    pub(super) fn bodies(&self, count: usize) -> (Range<u64>, Vec<Vec<u8>>) {
        let first = self.next.fetch_add(count as u64, Ordering::Relaxed);
        let numbers = first..first + count as u64;
        (numbers.clone(), numbers.map(body).collect())
    }

    /// Messages about documents that never were before.
    pub(super) fn lot(&self, count: usize) -> Result<Lot, Failed> {
        let (numbers, bodies) = self.bodies(count);
        let messages = self.with_sender(|sender| bodies.iter().map(|body| translated(body, sender)).collect())?;
        Ok(Lot { numbers, messages })
    }

    /// With who sends.
    pub(super) fn with_sender<T>(&self, run: impl FnOnce(&Sender<'_>) -> Result<T, Failed>) -> Result<T, Failed> {
        let connection = Connection::new(DYNAMICS).map_err(|invalid| Failed::Work(invalid.to_string()))?;
        let dynamics = &self.config.dynamics[DYNAMICS];
        run(&Sender { connection: &connection, dynamics, config: &self.config, clock: &self.clock })
    }
}

/// As they go to the broker.
pub(super) fn outgoing_all(messages: &[Envelope]) -> Vec<Outgoing> {
    messages.iter().map(|message| outgoing(message, message.encode())).collect()
}

/// Configuration of our own: names of values, and values as TOML.
fn ours(secret: &str, data: &str, far_end: SocketAddr) -> Vec<(String, String)> {
    let text = |text: &str| format!("{text:?}");
    let secret = text(&format!("file:{secret}"));
    let url = text(&format!("http://{far_end}"));
    let dynamics = [
        ("kind", text("finance_operations")),
        ("stage", text("test")),
        ("url", url.clone()),
        ("token_url", text(&format!("http://{far_end}/token"))),
        ("client_id", text("bench")),
        ("client_secret", secret.clone()),
        ("secrets", format!("[{secret}]")),
        ("legal_entities", "[\"usmf\"]".to_owned()),
        // The far end answers single calls.
        ("together", "{documents_max=1,changesets=false}".to_owned()),
        ("events", "{DraylineOrderCancelledBusinessEvent=\"order_cancelled\"}".to_owned()),
    ];
    let warehouse = [
        ("connector", text("standard")),
        ("stage", text("test")),
        ("url", url),
        ("token", secret.clone()),
        ("secrets", format!("[{secret}]")),
        ("dynamics", text(DYNAMICS)),
        ("locations", "{BENCH=\"BENCH\"}".to_owned()),
    ];
    let rest = [
        ("data", text(data)),
        ("ingest.listen", text("127.0.0.1:0")),
        ("operations.listen", text("127.0.0.1:0")),
        ("gateways.private_addresses", "true".to_owned()),
        ("gateways.calls_at_once_max", "512".to_owned()),
    ];
    let dynamics = dynamics.map(|(name, value)| (format!("dynamics.{DYNAMICS}.{name}"), value));
    let warehouse = warehouse.map(|(name, value)| (format!("warehouses.{WAREHOUSE}.{name}"), value));
    let rest = rest.map(|(name, value)| (name.to_owned(), value));
    dynamics.into_iter().chain(warehouse).chain(rest).collect()
}

fn toml(ours: &[(String, String)]) -> String {
    ours.iter().fold(String::new(), |mut all, (name, value)| {
        // Writing to a text cannot fail.
        let _ = writeln!(all, "{name} = {value}");
        all
    })
}

/// The same for children, by environment: it goes before every file, and passwords stand in no file.
fn told(ours: &[(String, String)], config: &Config) -> Result<Vec<(String, String)>, Failed> {
    let transport = [
        ("transport.url", address(&config.transport.url)?),
        ("transport.namespace", config.transport.namespace.clone()),
        ("store.url", config.store.url.clone()),
    ];
    let transport = transport.map(|(name, value)| (name.to_owned(), format!("{value:?}")));
    let variable = |name: &str| format!("DRAYLINE__{}", name.replace('.', "__").to_uppercase());
    Ok(ours.iter().chain(&transport).map(|(name, value)| (variable(name), value.clone())).collect())
}
