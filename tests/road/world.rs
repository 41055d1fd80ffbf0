//! A small world: the product on fresh ground, and both far ends over real HTTP.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use drayline::app::{App, Roles};
use drayline::clock::Clock;
use drayline::config::Config;
use drayline::message::Flow;
use drayline::sandbox::{
    Evidence, FarEnd, Faults, FinanceOperations, FinanceOperationsRules, Premises, Running, Uniqueness, Verdict,
    Visitor, Warehouse, WarehouseRules, verdict,
};
use drayline::store::{ExceptionFilter, Listed, ParkedFilter, Store, WaitsFor, WorkState};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::support::wait::until;
use crate::support::{Backing, Ground};

/// Everything must have happened by then, on a slow and busy machine.
pub const DEADLINE: Duration = Duration::from_mins(4);

/// How a world differs from the usual one.
#[derive(Clone, Default)]
pub struct Making {
    /// Where the far ends' chance comes from; nothing: always the same.
    pub seed: Option<u64>,
    pub faults: Faults,
    pub uniqueness: Uniqueness,
    pub dynamics: FinanceOperationsRules,
    pub warehouse: WarehouseRules,
    /// More of the environment's section, and of the warehouse's.
    pub dynamics_toml: String,
    pub warehouse_toml: String,
    /// Hours between two scans of items; 0: none by itself.
    pub scan_hours: u64,
    /// Further configuration, as dotted keys of TOML.
    pub toml: String,
    /// Further configuration, as sections of TOML.
    pub sections: String,
}

pub struct World {
    pub ground: Ground,
    pub dynamics: Running,
    pub warehouse: Running,
    pub to_dynamics: Visitor,
    pub to_warehouse: Visitor,
    app: Option<App>,
    /// For looking while the product is a process of its own.
    onlooker: OnceCell<Store>,
    more: String,
}

impl World {
    pub async fn start(backing: Backing, making: Making) -> Self {
        let mut world = Self::set(Ground::fresh(backing).await, making).await;
        world.start_product().await;
        world
    }

    /// Both far ends, and no product yet.
    pub async fn set(ground: Ground, making: Making) -> Self {
        let quiet = (making.faults != Faults::default()).then(|| making.faults.clone());
        let premises = |own: Premises| Premises {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            seed: making.seed.unwrap_or(7),
            faults: quiet.clone(),
            uniqueness: making.uniqueness,
            ..own
        };
        let premises_of = |name: &str| ground.data().join(name);
        let dynamics = premises(Premises::finance_operations(premises_of("dynamics")));
        let dynamics = FinanceOperations::start(dynamics, making.dynamics.clone()).await.unwrap();
        let warehouse = premises(Premises::warehouse(premises_of("warehouse")));
        let warehouse = Warehouse::start(warehouse, making.warehouse.clone()).await.unwrap();
        let secret = |name: &str, value: &str| {
            let path = ground.data().join(name);
            std::fs::write(&path, value).unwrap();
            path.display().to_string()
        };
        let more = format!(
            "ingest.listen = \"127.0.0.1:0\"\noperations.listen = \"127.0.0.1:0\"\n\
             gateways.private_addresses = true\ngateways.settle_ms = 300\ngateways.call_ms_max = 3000\n\
             processor.retry_delays_ms = [100, 200, 400, 800, 1600, 3000, 3000, 3000]\n\
             processor.busy_delay_ms_min = 50\nprocessor.busy_delay_ms_max = 1000\n\
             processor.due_poll_ms = 50\nprocessor.outbox_poll_ms = 50\n\
             transport.partitions.orders = 2\ntransport.partitions.shipments = 2\n\
             transport.partitions.goods_received = 1\ntransport.partitions.stock_adjustments = 1\n\
             transport.partitions.returns = 1\n{}\n\
             [dynamics.contoso]\nkind = \"finance_operations\"\nurl = {:?}\n\
             token_url = \"{}/contoso/oauth2/v2.0/token\"\nclient_id = \"drayline\"\n\
             client_secret = \"file:{}\"\nsecrets = [\"file:{}\"]\nlegal_entities = [\"usmf\"]\n\
             catalogue.scan_hours = {}\n{}\
             [dynamics.contoso.events]\nDraylineOrderChangedBusinessEvent = \"order_changed\"\n\
             DraylineOrderCancelledBusinessEvent = \"order_cancelled\"\n{}\
             [warehouses.north]\nconnector = \"standard\"\nurl = {:?}\ntoken = \"file:{}\"\nsecrets = [\"file:{}\"]\n\
             dynamics = \"contoso\"\nlocations = {{ \"24\" = \"NORTH-1\" }}\n{}",
            making.toml,
            dynamics.url(),
            dynamics.url(),
            secret("client_secret", &making.dynamics.client_secret),
            secret("event_secret", EVENT_SECRET),
            making.scan_hours,
            making.dynamics_toml,
            making.sections,
            warehouse.url(),
            secret("token", &making.warehouse.token),
            secret("signing", &making.warehouse.signing_secret),
            making.warehouse_toml,
        );
        let (to_dynamics, to_warehouse) =
            (Visitor::of(&dynamics.url()).unwrap(), Visitor::of(&warehouse.url()).unwrap());
        Self { ground, dynamics, warehouse, to_dynamics, to_warehouse, app: None, onlooker: OnceCell::new(), more }
    }

    /// Changes the configuration with which the product starts next.
    pub fn reconfigure(&mut self, from: &str, to: &str) {
        assert!(self.more.contains(from), "{from}");
        self.more = self.more.replace(from, to);
    }

    pub fn config(&self) -> Config {
        self.ground.config(&self.more)
    }

    pub async fn start_product(&mut self) {
        let roles = Roles { ingest: true, flows: Flow::ALL.to_vec(), triage: true, console: true };
        let app = App::start(self.config(), roles, Clock::system()).await.unwrap();
        self.deliver_to(app.address("ingest").unwrap());
        self.app = Some(app);
    }

    /// From now on both far ends send their events here.
    pub fn deliver_to(&self, door: SocketAddr) {
        self.dynamics.deliver_to(Self::door_at(door));
        self.warehouse.deliver_to(format!("http://{door}/ingest/warehouse/north"));
    }

    /// The program with the configuration of this world.
    pub fn program(&self, arguments: &[&str]) -> Command {
        let file = self.ground.data().join("drayline.toml");
        std::fs::write(&file, self.ground.toml(&self.more)).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_drayline"));
        command.args(arguments).arg("--config").arg(file).env("RUST_LOG", "info");
        command
    }

    /// Runs a command and gives what it printed, which must be one JSON document on one line.
    pub async fn ask(&self, arguments: &[&str]) -> (bool, Value) {
        let mut command = self.program(arguments);
        command.arg("--json");
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        let text = std::str::from_utf8(&output.stdout).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}\n{said}");
        (output.status.success(), serde_json::from_str(text).unwrap())
    }

    /// Starts the product as a process of its own.
    pub async fn spawn(&self) -> Process {
        let process = self.spawn_as(".", &["run"], &[]).await;
        self.deliver_to(process.addresses["ingest"]);
        process
    }

    /// Starts a role as a process of its own, with a data folder of its own below the world's, and returns when its
    /// doors are open. What the environment says goes over the configuration.
    pub async fn spawn_as(&self, name: &str, role: &[&str], environment: &[(&str, String)]) -> Process {
        let data = self.ground.data().join(name);
        std::fs::create_dir_all(&data).unwrap();
        let addresses = data.join("addresses.json");
        let _ = std::fs::remove_file(&addresses);
        let log = data.join("log.jsonl");
        let lines = std::fs::OpenOptions::new().create(true).append(true).open(&log).unwrap();
        let mut program = self.program(role);
        program.arg("--data").arg(&data).envs(environment.iter().map(|(name, value)| (*name, value)));
        let mut child = program.stderr(lines).spawn().unwrap();
        let mut looks = tokio::time::interval(Duration::from_millis(10));
        let deadline = tokio::time::Instant::now() + DEADLINE;
        let read =
            || serde_json::from_str::<BTreeMap<String, SocketAddr>>(&std::fs::read_to_string(&addresses).ok()?).ok();
        let addresses = loop {
            looks.tick().await;
            if let Some(addresses) = read() {
                break addresses;
            }
            let said = std::fs::read_to_string(&log).unwrap();
            assert!(child.try_wait().unwrap().is_none(), "it ended: {said}");
            assert!(tokio::time::Instant::now() < deadline, "no doors: {said}");
        };
        Process { child, log, addresses }
    }

    pub async fn stop_product(&mut self) {
        if let Some(app) = self.app.take() {
            app.stop().await;
        }
    }

    pub fn app(&self) -> &App {
        self.app.as_ref().unwrap()
    }

    /// The product's store.
    pub async fn store(&self) -> Store {
        match &self.app {
            Some(app) => app.store().clone(),
            None => self.onlooker.get_or_init(async || Store::open(&self.config()).await.unwrap()).await.clone(),
        }
    }

    /// Where Dynamics posts its events.
    pub fn door(&self) -> String {
        Self::door_at(self.app().address("ingest").unwrap())
    }

    /// The same of a product whose doors are at this address.
    pub fn door_at(ingest: SocketAddr) -> String {
        format!("http://{ingest}/ingest/d365/finance-operations/contoso/{EVENT_SECRET}")
    }

    /// Posts an event as Dynamics would, which must be taken.
    pub async fn post(&self, event: &Value) {
        Self::post_to(&self.door(), event).await;
    }

    pub async fn post_to(door: &str, event: &Value) {
        let answer = reqwest::Client::new().post(door).json(event).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.json::<Value>().await.unwrap(), json!({ "code": "200", "Status": "Success" }));
    }

    /// Sends an event as the warehouse would, which must be taken.
    pub async fn say_as_warehouse(&self, kind: &str, data: &Value) {
        self.say_as_warehouse_under(&format!("evt-{}", uuid::Uuid::new_v4()), kind, data).await;
    }

    /// The same under an id, which tells copies of one event.
    pub async fn say_as_warehouse_under(&self, id: &str, kind: &str, data: &Value) {
        Self::tell_as_warehouse(self.app().address("ingest").unwrap(), id, kind, data).await;
    }

    /// The same to a product whose doors are at this address.
    pub async fn tell_as_warehouse(ingest: SocketAddr, id: &str, kind: &str, data: &Value) {
        let event = json!({ "type": kind, "id": id, "data": data }).to_string();
        let secret = WarehouseRules::default().signing_secret;
        let (id, stamp, signature) = crate::support::signed(&secret, event.as_bytes());
        let door = format!("http://{ingest}/ingest/warehouse/north");
        let request = reqwest::Client::new().post(door).header("content-type", "application/json").body(event);
        let request = request.header("webhook-id", id).header("webhook-timestamp", stamp);
        assert_eq!(request.header("webhook-signature", signature).send().await.unwrap().status(), 200);
    }

    pub async fn release(&self, count: u64) -> Vec<String> {
        let answer = self.to_dynamics.release(count, 7).await.unwrap();
        answer["released"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect()
    }

    /// Waits for something to be true of both far ends' counts.
    pub async fn until(&self, what: &str, holds: impl Fn(&Value, &Value) -> bool) {
        let mut looks = tokio::time::interval(Duration::from_millis(50));
        let deadline = tokio::time::Instant::now() + DEADLINE;
        let mut seen = (Value::Null, Value::Null);
        while tokio::time::Instant::now() < deadline {
            looks.tick().await;
            // A far end that refuses or is down is asked again.
            let (Ok(dynamics), Ok(warehouse)) = (self.to_dynamics.progress().await, self.to_warehouse.progress().await)
            else {
                continue;
            };
            if holds(&dynamics, &warehouse) {
                return;
            }
            seen = (dynamics, warehouse);
        }
        let (_, parked) = self.exceptions(true).await;
        let (store, mut outbox) = (self.store().await, Vec::new());
        for flow in Flow::ALL {
            outbox.extend(
                store
                    .outbox(flow, 50)
                    .await
                    .unwrap()
                    .into_iter()
                    .map(|row| (row.flow, row.purpose, row.kind, row.ordering_key)),
            );
        }
        panic!(
            "{what} did not happen.\noutbox {outbox:?}\ndynamics {}\nwarehouse {}\nparked {parked:#?}",
            seen.0, seen.1
        );
    }

    /// Waits until every order is posted, every package's tracking is written, and nothing moves.
    pub async fn until_posted(&self, orders: u64) {
        self.until("everything posted", |dynamics, warehouse| {
            dynamics["posted"] == orders
                && dynamics["pending_events"] == 0
                && warehouse["pending_events"] == 0
                && warehouse["steps_due"] == 0
                && dynamics["updates_waiting"] == 0
                && dynamics["tracking"] == warehouse["packages"]
        })
        .await;
        self.until_nothing_parked().await;
    }

    pub async fn until_nothing_parked(&self) {
        let mut looks = tokio::time::interval(Duration::from_millis(50));
        let deadline = tokio::time::Instant::now() + DEADLINE;
        loop {
            looks.tick().await;
            let store = self.store().await;
            let (_, rows) = store.parked(&ParkedFilter { limit: 1000, ..ParkedFilter::default() }).await.unwrap();
            let persons = rows.iter().filter(|row| row.parked.waits_for == WaitsFor::Person);
            let persons: BTreeSet<_> = persons.map(|row| row.parked.message_id).collect();
            // What a person has to look at stays, and so does what stands behind it.
            let front = |row: &Listed| row.behind.unwrap_or(row.parked.message_id);
            let moving = rows.iter().filter(|row| !persons.contains(&front(row))).count();
            let outbox = store.waiting(None, None).await.unwrap();
            if moving == 0 && outbox.rows == 0 {
                return;
            }
            assert!(tokio::time::Instant::now() < deadline, "still parked: {:#?}", self.exceptions(true).await);
        }
    }

    /// Waits until so many exceptions are open, and gives them.
    pub async fn until_exceptions(&self, count: u64) -> Vec<drayline::exceptions::Exception> {
        self.until_there_are(|total| total == count).await
    }

    /// Waits until at least so many exceptions are open.
    pub async fn until_exceptions_at_least(&self, count: u64) -> Vec<drayline::exceptions::Exception> {
        self.until_there_are(|total| total >= count).await
    }

    async fn until_there_are(&self, enough: impl Fn(u64) -> bool) -> Vec<drayline::exceptions::Exception> {
        let mut looks = tokio::time::interval(Duration::from_millis(50));
        let deadline = tokio::time::Instant::now() + DEADLINE;
        loop {
            looks.tick().await;
            let (total, exceptions) = self.exceptions(false).await;
            if enough(total) {
                return exceptions;
            }
            assert!(tokio::time::Instant::now() < deadline, "{total} exceptions: {:#?}", self.exceptions(true).await);
        }
    }

    pub async fn exceptions(&self, all_parked: bool) -> (u64, Vec<drayline::exceptions::Exception>) {
        let (store, owners) = (self.store().await, drayline::exceptions::Owners::new());
        if all_parked {
            return drayline::exceptions::parked(&store, &owners, None, 50).await.unwrap();
        }
        drayline::exceptions::list(&store, &owners, &unfinished()).await.unwrap()
    }

    pub async fn verdict(&self) -> Verdict {
        let evidence = Evidence {
            finance_operations: FarEnd::fetch(&self.dynamics.url()).await.unwrap(),
            warehouse: FarEnd::fetch(&self.warehouse.url()).await.unwrap(),
            excused: BTreeSet::new(),
        };
        verdict(&evidence).unwrap()
    }

    /// The laws held: nothing lost, nothing twice, nothing out of order.
    pub async fn finish(self) -> Verdict {
        let verdict = self.verdict().await;
        assert_eq!((verdict.lost, verdict.duplicated, verdict.out_of_order), (0, 0, 0), "{:#?}", verdict.findings);
        self.leave().await;
        verdict
    }

    pub async fn leave(mut self) {
        self.close().await;
    }

    /// Ends what runs, and takes away what lies on the servers.
    pub async fn close(&mut self) {
        self.stop_product().await;
        if let Some(store) = self.onlooker.take() {
            store.close().await;
        }
        self.ground.leave().await;
    }
}

/// What Dynamics says when it releases a document.
pub fn event_about(request: &str) -> Value {
    json!({
        "BusinessEventId": "WHSEWOutboundShipmentOrderRequestCreatedBusinessEvent",
        "EventId": "{0F5E1C1A-7C3B-4C0E-9B1D-000000000001}",
        "BusinessEventLegalEntity": "USMF",
        "OutboundShipmentOrderRequestId": request,
    })
}

/// The product as a process of its own; it is killed when it is dropped.
pub struct Process {
    child: Child,
    log: PathBuf,
    pub addresses: BTreeMap<String, SocketAddr>,
}

impl Process {
    /// SIGKILL: nothing is flushed, closed or told.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, and what it logged.
    pub async fn stop(mut self) -> Vec<Value> {
        self.signal("-TERM");
        let status = self.ended().await;
        assert!(status.success(), "{status}");
        self.lines()
    }

    /// Sends a signal: `-TERM`, `-STOP`, `-CONT`.
    pub fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    /// Waits until it has ended, by itself or by a signal.
    pub async fn ended(&mut self) -> ExitStatus {
        until("the process ends", || std::future::ready(self.child.try_wait().unwrap())).await
    }

    /// Whether it has ended.
    pub fn is_over(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Whether SIGSTOP holds it.
    pub fn is_frozen(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        // The name of the program stands in brackets and may hold anything; the state is the letter behind it.
        stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
    }

    /// What it has logged so far; a line that is being written is left out.
    pub fn lines(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.log).unwrap();
        let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        whole.map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"))).collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const EVENT_SECRET: &str = "a-secret-that-only-tests-know";

/// Exceptions in which something is still to happen.
pub fn unfinished() -> ExceptionFilter {
    ExceptionFilter { states: WorkState::UNFINISHED.to_vec(), limit: 50, ..ExceptionFilter::default() }
}
