//! One life of the simulated process: a runtime whose time is paused, the files it opens, its workers.
//!
//! When it dies, every task and all memory are dropped; the next life begins with the bytes that were on disk.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use drayline::clock::{Clock, Simulated};
use drayline::config::{Config, load_text};
use drayline::gateways::Gateways;
use drayline::mapping::{Fact, ItemFacts};
use drayline::message::Flow;
use drayline::processor::{Tools, Worker};
use drayline::store::{Scanned, Store};
use drayline::transport::Transport;
use jiff::Timestamp;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use super::changes;
use super::far_ends::FarEnds;
use super::fate::{Process, WorkerFate};
use super::parcels::CreditedBy;
use super::returns;
use super::seed::{ITEMS, PostedBy};
use super::watch::{PARTITIONS, Watch};

/// Workers that may work side by side.
pub const WORKERS: usize = 2;

/// The index by which steps of the queue and of the door count.
pub const NOBODY: usize = WORKERS;

/// Who waits for a document is looked at this often: so seldom that a wake-up which never comes shows.
pub const LOOK_AGAIN_MS: u64 = 600_000;

/// Short waits: what takes minutes shall be seconds of simulated time.
const QUICK: &str = "processor.period_look_again_ms = 10000\nprocessor.due_poll_ms = 1500\nprocessor.outbox_poll_ms = 4000\n\
    processor.heartbeat_ms = 1500\nprocessor.dead_after_ms = 6000\nprocessor.measure_ms = 600000\n\
    processor.retry_delays_ms = [500, 1000, 2000, 4000, 4000, 4000, 4000]\nprocessor.retry_jitter_percent = 0\n\
    processor.busy_delay_ms_min = 500\nprocessor.busy_delay_ms_max = 4000\nprocessor.drain_ms_max = 4000\n\
    processor.document_wait_s_max = 1200\n\
    processor.posting_poll_delays_ms = [1000, 2000, 5000]\n\
    processor.store_retry_delay_ms_min = 200\nprocessor.store_retry_delay_ms_max = 1000\n\
    gateways.call_ms_max = 3000\ngateways.settle_ms = 500\ngateways.private_addresses = true\n\
    gateways.throttled_ms = 1000\ningest.retry_window_s = 20\n";

/// The folder of one seed, in memory where the machine has such a place.
pub fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

/// Dynamics' items as a scan finds them: journals count in their stock units.
fn items() -> Scanned {
    let item = |(number, unit, _): &(&str, &str, &[&str])| {
        let stock_unit = Some(unit.parse().unwrap());
        Fact::Item(ItemFacts { number: (*number).to_owned(), stock_unit, ..ItemFacts::default() })
    };
    Scanned {
        environment: "contoso".parse().unwrap(),
        legal_entity: "usmf".parse().unwrap(),
        facts: ITEMS.iter().map(item).collect(),
        lacks: Vec::new(),
        by: "a scan".to_owned(),
    }
}

/// Files of a store and a queue that nobody has used yet, where Dynamics' items were read or not, and where it is said what
/// dispositions are or not.
fn blank((with_items, with_dispositions): (bool, bool)) -> &'static [(String, Vec<u8>)] {
    type Files = Vec<(String, Vec<u8>)>;
    static BLANK: [OnceLock<Files>; 4] = [const { OnceLock::new() }; 4];
    BLANK[usize::from(with_items) + 2 * usize::from(with_dispositions)].get_or_init(|| {
        let folder = folder();
        let config = config(folder.path(), Setting::default());
        outside().block_on(async {
            let store = Store::open(&config).await.unwrap();
            if with_items {
                store.keep_scan(&items(), std::time::Duration::from_hours(24)).await.unwrap();
            }
            if with_dispositions {
                let from = store.mapping_version().await.unwrap();
                store.change_mapping(&returns::dispositions(from)).await.unwrap().unwrap();
            }
            let transport = Transport::open(&config, &Clock::system()).await.unwrap();
            transport.close().await;
            store.close().await;
        });
        let names = ["store.db", "queue.db"];
        names.map(|name| (name.to_owned(), std::fs::read(folder.path().join(name)).unwrap())).to_vec()
    })
}

/// Lays blank files out.
pub fn lay_out(data: &Path, setting: Setting) {
    std::fs::create_dir_all(data).unwrap();
    for (name, bytes) in blank((setting.journals.is_some(), setting.returns)) {
        std::fs::write(data.join(name), bytes).unwrap();
    }
}

/// Takes the bytes as they are to the folder of the next life.
pub fn copy(data: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for name in ["store.db", "store.db-wal", "queue.db", "queue.db-wal"] {
        if data.join(name).is_file() {
            std::fs::copy(data.join(name), to.join(name)).unwrap();
        }
    }
}

fn outside() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// How the configuration of a world differs from the usual one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Setting {
    pub journals: Option<PostedBy>,
    /// The period in which all moves is closed, and waits for finance.
    pub closed: bool,
    /// Goods come back.
    pub returns: bool,
    /// Who credits what nobody took.
    pub undelivered: Option<CreditedBy>,
    /// The warehouse changes orders itself.
    pub changes: bool,
}

impl Setting {
    fn lines(self) -> String {
        let adjustments = "dynamics.contoso.adjustments.journals";
        let journals = match self.journals {
            None => String::new(),
            Some(PostedBy::Job) => format!("{adjustments}.name = \"IAdj\"\n"),
            Some(PostedBy::Service) => format!(
                "{adjustments}.name = \"IAdj\"\n{adjustments}.service = \"ConJournals/ConJournalService/post\"\n"
            ),
        };
        let outbound = "dynamics.contoso.outbound";
        let until = if self.closed { "2999-12-31" } else { "2000-01-01" };
        // What Dynamics refused is never credited: who looks for the credit gives up, and does so again after each replay, before
        // everything must be at rest.
        let (returns, wait_s) = if self.returns { (returns::lines(), 60) } else { (String::new(), 300) };
        let undelivered = self.undelivered.map(CreditedBy::line).unwrap_or_default();
        let changes = if self.changes { changes::lines() } else { String::new() };
        format!(
            "processor.posting_wait_s_max = {wait_s}\n{returns}{undelivered}{changes}{journals}{outbound}.closed_until.usmf = \"{until}\"\n{outbound}.closed_periods = \"wait\"\n"
        )
    }
}

pub fn config(data: &Path, setting: Setting) -> Config {
    let secret = data.join("secret");
    std::fs::create_dir_all(data).unwrap();
    std::fs::write(&secret, "sandbox-secret").unwrap();
    let token = data.join("token");
    std::fs::write(&token, "sandbox-token").unwrap();
    let flows = ["orders", "shipments", "goods_received", "stock_adjustments", "returns", "stock_snapshots"];
    let partition = |flow: &str| format!("transport.partitions.{flow} = {PARTITIONS}");
    let partitions = flows.map(partition).join("\n");
    let (secret, token) = (secret.display(), token.display());
    let text = format!(
        "data = \"{}\"\n{QUICK}processor.look_again_ms = {LOOK_AGAIN_MS}\n{partitions}\n\
         dynamics.contoso.kind = \"finance_operations\"\ndynamics.contoso.url = \"http://127.0.0.1:1\"\n\
         dynamics.contoso.token_url = \"http://127.0.0.1:1/contoso/oauth2/v2.0/token\"\n\
         dynamics.contoso.client_id = \"drayline\"\ndynamics.contoso.client_secret = \"file:{secret}\"\n\
         dynamics.contoso.secrets = [\"file:{secret}\"]\ndynamics.contoso.legal_entities = [\"usmf\"]\n\
         dynamics.contoso.events.DraylineOrderChangedBusinessEvent = \"order_changed\"\n\
         dynamics.contoso.events.DraylineOrderCancelledBusinessEvent = \"order_cancelled\"\n\
         dynamics.contoso.statuses = {{ DAMAGED = \"Damaged\", QUARANTINE = \"Quarantine\", ON_HOLD = \"OnHold\" }}\n\
         warehouses.north.connector = \"standard\"\nwarehouses.north.url = \"http://127.0.0.1:2\"\n\
         warehouses.north.token = \"file:{token}\"\nwarehouses.north.secrets = [\"file:{token}\"]\n\
         warehouses.north.dynamics = \"contoso\"\nwarehouses.north.locations = {{ \"24\" = \"NORTH-1\" }}\n",
        data.display(),
    ) + &setting.lines();
    load_text(&text).unwrap_or_else(|findings| panic!("{findings:#?}"))
}

/// A life, as whoever drives it sees it.
pub struct Life {
    pub process: Arc<Process>,
    pub fates: Vec<Arc<WorkerFate>>,
    pub clock: Clock,
    pub store: Store,
    pub transport: Transport,
    pub config: Arc<Config>,
    simulated: Simulated,
    far_ends: Arc<FarEnds>,
    pub workers: [Option<Worker>; WORKERS],
}

/// What a life lives in.
pub struct Body {
    pub runtime: Runtime,
    pub outside: Runtime,
    pub data: PathBuf,
}

impl Body {
    pub fn new(data: PathBuf) -> Self {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        Self { runtime, outside: outside(), data }
    }
}

impl Life {
    /// Opens what is there. To be called in the body's runtime.
    pub async fn begin(
        body: &Body,
        (start, seed): (Timestamp, u64),
        process: &Arc<Process>,
        watch: &Arc<Watch>,
        (far_ends, setting): (&Arc<FarEnds>, Setting),
    ) -> Self {
        let fates: Vec<_> = (0..=NOBODY).map(|worker| WorkerFate::new(process, watch, worker)).collect();
        let nobody = fates[NOBODY].clone();
        let simulated = Simulated::new(start, seed, body.outside.handle().clone(), nobody);
        let clock = Clock::simulated(simulated.clone());
        let config = config(&body.data, setting);
        let store = Store::open_with_clock(&config, &clock).await.unwrap();
        let transport = Transport::open(&config, &clock).await.unwrap();
        Self {
            process: Arc::clone(process),
            fates,
            clock,
            store,
            transport,
            config: Arc::new(config),
            simulated,
            far_ends: Arc::clone(far_ends),
            workers: [const { None }; WORKERS],
        }
    }

    /// Whoever works is gone, and begins anew with this configuration.
    pub fn restart(&mut self, body: &Path, setting: Setting) {
        self.config = Arc::new(config(body, setting));
        let working: Vec<usize> = (0..WORKERS).filter(|worker| self.workers[*worker].take().is_some()).collect();
        for worker in working {
            self.join(worker);
        }
    }

    /// A worker begins to work, unless it works already.
    pub fn join(&mut self, worker: usize) {
        if self.workers[worker].is_some() {
            return;
        }
        let fate = &self.fates[worker];
        let own: Arc<WorkerFate> = Arc::clone(fate);
        let clock = Clock::simulated(self.simulated.with_fate(own));
        let wire = self.far_ends.wire(fate, &clock);
        let gateways = Gateways::with_wire(&self.config, &clock, wire).unwrap();
        let store = self.store.seen_by(&clock);
        let (config, transport) = (Arc::clone(&self.config), self.transport.clone());
        let mut flows = vec![Flow::Orders, Flow::Shipments, Flow::StockAdjustments];
        flows.extend(self.far_ends.goods.then_some(Flow::GoodsReceived));
        flows.extend(self.far_ends.returns.then_some(Flow::Returns));
        self.workers[worker] = Some(Worker::start(Tools { config, clock, store, transport, gateways }, flows));
    }
}
