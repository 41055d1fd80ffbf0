//! The one place that puts everything together: it alone opens stores and transports, builds clients and spawns roles.

mod door;
mod versions;

use std::collections::BTreeMap;
use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::clock::Clock;
use crate::config::{Config, Finding, StoreKind, TransportKind, ms};
use crate::console::{Api, Operations, OwnToken, TOKEN_FILE, api, operations};
use crate::exceptions::{Desk, Triage};
use crate::gateways::Gateways;
use crate::ingest::{self, CatalogueScans, DocumentScans, Doors, Scanning, router};
use crate::message::Flow;
use crate::processor::{Tools, Worker};
use crate::rehearsal::Rehearsal;
use crate::store::Store;
use crate::telemetry::Scrape;
use crate::transport::Transport;
use door::Door;

/// A data folder that belongs to this process until it is dropped. The system lets go of it when the process ends,
/// however it ends.
#[derive(Debug)]
pub struct Lock(#[allow(dead_code, reason = "it is held, not read")] File);

/// What a process does.
#[derive(Clone, Debug, Default)]
pub struct Roles {
    /// Takes events in.
    pub ingest: bool,
    /// Works on these flows.
    pub flows: Vec<Flow>,
    /// Turns dead letters into exceptions.
    pub triage: bool,
    /// Serves people, and programs of theirs: `/v1`.
    pub console: bool,
}

impl Roles {
    /// All of them in one process.
    #[must_use]
    pub fn all() -> Self {
        Self { ingest: true, flows: Flow::ALL.to_vec(), triage: true, console: true }
    }
}

/// A running process.
pub struct App {
    addresses: BTreeMap<String, SocketAddr>,
    config: Arc<Config>,
    ending: CancellationToken,
    servers: Vec<JoinHandle<()>>,
    worker: Option<Worker>,
    triage: Option<Triage>,
    catalogue_scans: Option<JoinHandle<()>>,
    document_scans: Option<DocumentScans>,
    versions: Option<JoinHandle<()>>,
    console: Option<OwnToken>,
    first_link: Option<String>,
    store: Store,
    transport: Transport,
    _lock: Option<Lock>,
}

/// Why nothing started: a sentence for people, with what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StartError(pub String);

impl StartError {
    fn because(what: &str, error: &dyn std::error::Error) -> Self {
        let mut sentence = format!("{what}: {error}");
        let mut source = error.source();
        while let Some(cause) = source {
            sentence = format!("{sentence}: {cause}");
            source = cause.source();
        }
        Self(sentence)
    }
}

impl App {
    /// Starts the roles; when it returns, every door is open.
    ///
    /// # Errors
    /// [`StartError`] when an address is in use, the data folder belongs to another process, or something that is
    /// configured cannot be used.
    pub async fn start(config: Config, roles: Roles, clock: Clock) -> Result<Self, StartError> {
        let lock = embedded(&config).then(|| lock(&config.data)).transpose()?;
        Self::start_in(lock, config, roles, clock).await
    }

    /// The same in a data folder that was locked before.
    pub async fn start_in(lock: Option<Lock>, config: Config, roles: Roles, clock: Clock) -> Result<Self, StartError> {
        Rehearsal::parse(&config.rehearsal.kill_at, &config.rehearsal.freeze_at)
            .map_err(|problem| StartError(format!("The rehearsal cannot be held: {problem}.")))?;
        let scrape = Scrape::start();
        let store = Store::open(&config).await.map_err(|error| {
            StartError::because(&format!("Nothing started, because {} did not open", Store::place(&config)), &error)
        })?;
        let transport = Transport::open(&config, &clock)
            .await
            .map_err(|error| StartError::because("The transport did not open", &error))?;
        let gateways = Gateways::new(&config, &clock)
            .map_err(|error| StartError::because("The far ends cannot be called", &error))?;
        let config = Arc::new(config);
        let mut app = Self {
            addresses: BTreeMap::new(),
            config: Arc::clone(&config),
            ending: CancellationToken::new(),
            servers: Vec::new(),
            worker: None,
            triage: None,
            catalogue_scans: None,
            document_scans: None,
            versions: None,
            console: None,
            first_link: None,
            store: store.clone(),
            transport: transport.clone(),
            _lock: lock,
        };
        app.warn().await;
        let looks = Operations {
            config: Arc::clone(&config),
            store: store.clone(),
            transport: transport.clone(),
            gateways: gateways.clone(),
            scrape,
        };
        let console = roles.console.then(|| app.console(&clock)).transpose()?;
        let routes = operations(looks).merge(console.clone().map(api).unwrap_or_default());
        app.serve("operations", config.operations.listen, routes).await?;
        if let Some(console) = console {
            app.tell_console(&console).await?;
        }
        if roles.ingest || !roles.flows.is_empty() {
            app.ask_versions(&gateways);
        }
        if !roles.flows.is_empty() {
            let tools = Tools {
                config: Arc::clone(&config),
                clock: clock.clone(),
                store: store.clone(),
                transport: transport.clone(),
                gateways: gateways.clone(),
            };
            app.worker = Some(Worker::start(tools, roles.flows));
        }
        if roles.triage {
            let (config, store, transport) = (Arc::clone(&config), store.clone(), transport.clone());
            app.triage = Some(Triage::start(Desk { config, clock: clock.clone(), store, transport }));
        }
        if roles.ingest {
            app.scan(&clock, gateways);
            let doors = Doors { config: Arc::clone(&config), clock, store, transport };
            app.serve("ingest", config.ingest.listen, router(doors)).await?;
        }
        app.tell_addresses();
        Ok(app)
    }

    /// What `/v1` works with, after the command line's token is written down.
    fn console(&mut self, clock: &Clock) -> Result<Api, StartError> {
        let own = OwnToken::write(&self.config.data, clock).map_err(|error| {
            let path = self.config.data.join(TOKEN_FILE);
            StartError(format!("The token for the command line cannot be written to {}: {error}", path.display()))
        })?;
        self.console = Some(own.clone());
        Ok(Api::new(Arc::clone(&self.config), clock.clone(), self.store.clone(), own))
    }

    /// Says where `/v1` is, and how the first administrator comes in.
    async fn tell_console(&mut self, console: &Api) -> Result<(), StartError> {
        let Some(address) = self.address("operations") else { return Ok(()) };
        self.addresses.insert("console".to_owned(), address);
        let link = console.first_link().await;
        let link = link.map_err(|error| StartError::because("The link for the first administrator", &error))?;
        if let Some(link) = link {
            let configured = self.config.console.url.trim_end_matches('/');
            let base = if configured.is_empty() { format!("http://{address}") } else { configured.to_owned() };
            let (link, minutes) = (format!("{base}{}", link.path), link.valid.as_secs() / 60);
            warn!(%link, minutes, "nobody holds a token of an administrator: this link gives one, once");
            self.first_link = Some(link);
        }
        Ok(())
    }

    /// Asks what Dynamics' versions have, for whoever reads or writes there.
    fn ask_versions(&mut self, gateways: &Gateways) {
        let (config, gateways) = (Arc::clone(&self.config), gateways.clone());
        self.versions = Some(tokio::spawn(async move { versions::ask(&config, &gateways).await }));
    }

    /// Starts looking for what nobody tells: events that did not come, what Dynamics says of its items.
    fn scan(&mut self, clock: &Clock, gateways: Gateways) {
        let (config, clock) = (Arc::clone(&self.config), clock.clone());
        let (store, transport) = (self.store.clone(), self.transport.clone());
        let scanning = Scanning { config, clock, store, transport, gateways };
        self.document_scans = Some(DocumentScans::start(&scanning));
        let Scanning { config, clock, store, gateways, .. } = scanning;
        let scans = CatalogueScans { config, clock, store, gateways };
        self.catalogue_scans = Some(tokio::spawn(scans.run()));
    }

    /// Where a door is: `ingest`, `operations`, and `console`, which is at the same address.
    #[must_use]
    pub fn address(&self, door: &str) -> Option<SocketAddr> {
        self.addresses.get(door).copied()
    }

    /// The link for the first administrator, where there is none yet.
    #[must_use]
    pub fn first_link(&self) -> Option<&str> {
        self.first_link.as_deref()
    }

    /// The store, for looking.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Whether it owns its share of the partitions of its flows.
    #[must_use]
    pub fn ready(&self) -> bool {
        self.worker.as_ref().is_none_or(Worker::ready)
    }

    /// Closes the doors, finishes what has started, gives the partitions up.
    pub async fn stop(self) {
        self.ending.cancel();
        if let Some(token) = &self.console {
            token.remove(&self.config.data);
        }
        // A scan that ends anywhere is made again.
        for scans in self.catalogue_scans.iter().chain(&self.versions) {
            scans.abort();
        }
        if let Some(scans) = self.document_scans {
            scans.stop().await;
        }
        let drain = ms(self.config.processor.drain_ms_max);
        let doors = self.servers.into_iter().map(|server| closed(server, drain));
        let worker = async {
            if let Some(worker) = self.worker {
                worker.stop(drain).await;
            }
        };
        let triage = async {
            if let Some(triage) = self.triage {
                triage.stop().await;
            }
        };
        tokio::join!(join_all(doors), worker, triage);
        // Whatever cannot be written any more, on a full disk say, was promised to nobody: the end does not wait for it.
        let closed = tokio::time::timeout(drain, async {
            self.transport.close().await;
            self.store.close().await;
        });
        if closed.await.is_err() {
            warn!("the transport or the store did not close in time");
        }
    }

    async fn serve(&mut self, door: &str, listen: SocketAddr, routes: axum::Router) -> Result<(), StartError> {
        let listener = TcpListener::bind(listen).await.map_err(|error| {
            StartError(format!(
                "The address {listen} of {door} cannot be had: {error}. Stop what uses it, or set {door}.listen to \
                 another address (port 0 takes a free one)."
            ))
        })?;
        let address = listener.local_addr().map_err(|error| StartError::because("An address is not known", &error))?;
        info!(door, %address, "listening");
        self.addresses.insert(door.to_owned(), address);
        let limits = &self.config.ingest;
        let turn = ms(limits.read_deadline_ms) * 2 + ms(limits.accept_deadline_ms);
        let door = Door::new(listener, limits.connections_max, turn);
        let ending = self.ending.clone();
        self.servers.push(tokio::spawn(async move {
            let served = axum::serve(door, routes).with_graceful_shutdown(ending.cancelled_owned()).await;
            if let Err(error) = served {
                warn!(%error, "a door closed");
            }
        }));
        Ok(())
    }

    async fn warn(&self) {
        let mut warnings = self.transport.warnings();
        match self.store.warnings().await {
            Ok(more) => warnings.extend(more),
            Err(error) => warnings.push(error.to_string()),
        }
        for sentence in warnings {
            warn!("{sentence}");
        }
    }

    fn tell_addresses(&self) {
        let path = self.config.data.join("addresses.json");
        let text = serde_json::to_string_pretty(&self.addresses).unwrap_or_default();
        let written = std::fs::create_dir_all(&self.config.data).and_then(|()| std::fs::write(&path, text));
        if let Err(error) = written {
            warn!(path = %path.display(), %error, "the addresses cannot be written down");
        }
    }
}

/// Whether anything of the process lies in the data folder.
fn embedded(config: &Config) -> bool {
    config.store.kind == StoreKind::Sqlite || config.transport.kind == TransportKind::Embedded
}

/// Everything that would stop a role at its start, as far as it can be seen without asking anybody.
#[must_use]
pub fn check(config: &Config) -> Vec<Finding> {
    let mut findings = ingest::check(config);
    let mut unusable = |place: &str, problem: String| {
        findings.push(Finding::error(
            place,
            &problem,
            "correct it; `drayline config show --defaults` explains each value",
        ));
    };
    if let Err(problem) = Rehearsal::parse(&config.rehearsal.kill_at, &config.rehearsal.freeze_at) {
        unusable("rehearsal", problem);
    }
    if let Err(error) = Transport::check_address(config) {
        unusable("transport.url", error.to_string());
    }
    if let Err(error) = Store::check_address(config) {
        unusable("store.url", error.to_string());
    }
    if let Err(error) = Gateways::new(config, &Clock::system()) {
        unusable("connections", error.to_string());
    }
    findings
}

/// A door is closed when everybody who came has been answered, and at the latest after this time.
async fn closed(mut server: JoinHandle<()>, within: Duration) {
    if tokio::time::timeout(within, &mut server).await.is_err() {
        server.abort();
    }
}

/// One role process per data folder.
///
/// # Errors
/// [`StartError`] when the folder cannot be used, or another process works in it.
pub fn lock(data: &Path) -> Result<Lock, StartError> {
    std::fs::create_dir_all(data).map_err(|error| {
        StartError(format!("The data folder {} cannot be made: {error}. Name another with --data.", data.display()))
    })?;
    let path = data.join("lock");
    let file = File::create(&path).map_err(|error| StartError::because("The lock of the data folder", &error))?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(_) => Err(StartError(format!(
            "Another drayline process works in {}. Stop it, or name another folder with --data; for several processes \
             configure RabbitMQ and PostgreSQL.",
            data.display()
        ))),
    }
}
