//! A small world: the product on fresh ground, and both far ends over real HTTP.

use std::net::SocketAddr;
use std::time::Duration;

use drayline::app::{App, Roles};
use drayline::clock::Clock;
use drayline::config::Config;
use drayline::message::Flow;
use drayline::sandbox::{
    Evidence, FarEnd, Faults, FinanceOperations, FinanceOperationsRules, Premises, Running, Uniqueness, Verdict,
    Visitor, Warehouse, WarehouseRules, verdict,
};
use serde_json::Value;

use crate::support::{Backing, Ground};

/// Everything must have happened by then, on a slow and busy machine.
const DEADLINE: Duration = Duration::from_secs(90);

/// How a world differs from the usual one.
#[derive(Clone, Default)]
pub struct Making {
    pub faults: Faults,
    pub uniqueness: Uniqueness,
    pub dynamics: FinanceOperationsRules,
    pub warehouse: WarehouseRules,
    /// Further configuration, as sections of TOML.
    pub toml: String,
}

pub struct World {
    pub ground: Ground,
    pub dynamics: Running,
    pub warehouse: Running,
    pub to_dynamics: Visitor,
    pub to_warehouse: Visitor,
    app: Option<App>,
    more: String,
}

impl World {
    pub async fn start(backing: Backing, making: Making) -> Self {
        let ground = Ground::fresh(backing).await;
        let quiet = (making.faults != Faults::default()).then(|| making.faults.clone());
        let premises = |own: Premises| Premises {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            seed: 7,
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
             processor.due_poll_ms = 50\nprocessor.outbox_poll_ms = 50\n\
             transport.partitions.orders = 2\ntransport.partitions.shipments = 2\n\
             transport.partitions.goods_received = 1\ntransport.partitions.stock_adjustments = 1\n\
             transport.partitions.returns = 1\n{}\n\
             [dynamics.contoso]\nkind = \"finance_operations\"\nurl = {:?}\n\
             token_url = \"{}/contoso/oauth2/v2.0/token\"\nclient_id = \"drayline\"\n\
             client_secret = \"file:{}\"\nsecrets = [\"file:{}\"]\nlegal_entities = [\"usmf\"]\n\
             [dynamics.contoso.events]\nDraylineOrderChangedBusinessEvent = \"order_changed\"\n\
             DraylineOrderCancelledBusinessEvent = \"order_cancelled\"\n\
             [warehouses.north]\nconnector = \"standard\"\nurl = {:?}\ntoken = \"file:{}\"\nsecrets = [\"file:{}\"]\n\
             dynamics = \"contoso\"\nlocations = {{ \"24\" = \"NORTH-1\" }}\n",
            making.toml,
            dynamics.url(),
            dynamics.url(),
            secret("client_secret", &making.dynamics.client_secret),
            secret("event_secret", EVENT_SECRET),
            warehouse.url(),
            secret("token", &making.warehouse.token),
            secret("signing", &making.warehouse.signing_secret),
        );
        let (to_dynamics, to_warehouse) =
            (Visitor::of(&dynamics.url()).unwrap(), Visitor::of(&warehouse.url()).unwrap());
        let mut world = Self { ground, dynamics, warehouse, to_dynamics, to_warehouse, app: None, more };
        world.start_product().await;
        world
    }

    pub fn config(&self) -> Config {
        self.ground.config(&self.more)
    }

    pub async fn start_product(&mut self) {
        let roles = Roles { ingest: true, flows: vec![Flow::Orders, Flow::Shipments] };
        let app = App::start(self.config(), roles, Clock::system()).await.unwrap();
        let door = format!("http://{}", app.address("ingest").unwrap());
        self.dynamics.deliver_to(format!("{door}/ingest/d365/finance-operations/contoso/{EVENT_SECRET}"));
        self.warehouse.deliver_to(format!("{door}/ingest/warehouse/north"));
        self.app = Some(app);
    }

    pub async fn stop_product(&mut self) {
        if let Some(app) = self.app.take() {
            app.stop().await;
        }
    }

    pub fn app(&self) -> &App {
        self.app.as_ref().unwrap()
    }

    /// Where Dynamics posts its events.
    pub fn door(&self) -> String {
        let address = self.app().address("ingest").unwrap();
        format!("http://{address}/ingest/d365/finance-operations/contoso/{EVENT_SECRET}")
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
        panic!("{what} did not happen.\ndynamics {}\nwarehouse {}\nparked {parked:#?}", seen.0, seen.1);
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
            let counts = self.app().store().parked_counts().await.unwrap();
            let moving: u64 = counts.iter().filter(|(_, what, _)| what != "person").map(|(.., count)| count).sum();
            let outbox = self.app().store().waiting(None, None).await.unwrap();
            if moving == 0 && outbox.rows == 0 {
                return;
            }
            assert!(tokio::time::Instant::now() < deadline, "still parked: {:#?}", self.exceptions(true).await);
        }
    }

    /// Waits until so many exceptions are open, and gives their codes.
    pub async fn until_exceptions(&self, count: u64) -> Vec<drayline::exceptions::Exception> {
        let mut looks = tokio::time::interval(Duration::from_millis(50));
        let deadline = tokio::time::Instant::now() + DEADLINE;
        loop {
            looks.tick().await;
            let (total, exceptions) = self.exceptions(false).await;
            if total == count {
                return exceptions;
            }
            assert!(tokio::time::Instant::now() < deadline, "{total} exceptions instead of {count}: {exceptions:#?}");
        }
    }

    /// Waits until at least so many exceptions are open.
    pub async fn until_exceptions_at_least(&self, count: u64) -> Vec<drayline::exceptions::Exception> {
        let mut looks = tokio::time::interval(Duration::from_millis(50));
        let deadline = tokio::time::Instant::now() + DEADLINE;
        loop {
            looks.tick().await;
            let (total, exceptions) = self.exceptions(false).await;
            if total >= count {
                return exceptions;
            }
            assert!(tokio::time::Instant::now() < deadline, "{total} exceptions: {:#?}", self.exceptions(true).await);
        }
    }

    pub async fn exceptions(&self, all_parked: bool) -> (u64, Vec<drayline::exceptions::Exception>) {
        let selection = drayline::exceptions::Selection { flow: None, all_parked, limit: 50 };
        drayline::exceptions::list(self.app().store(), &selection).await.unwrap()
    }

    pub async fn verdict(&self) -> Verdict {
        let evidence = Evidence {
            finance_operations: FarEnd::fetch(&self.dynamics.url()).await.unwrap(),
            warehouse: FarEnd::fetch(&self.warehouse.url()).await.unwrap(),
            excused: std::collections::BTreeSet::new(),
        };
        verdict(&evidence).unwrap()
    }

    /// The laws held: nothing lost, nothing twice, nothing out of order.
    pub async fn finish(mut self) -> Verdict {
        let verdict = self.verdict().await;
        assert_eq!((verdict.lost, verdict.duplicated, verdict.out_of_order), (0, 0, 0), "{:#?}", verdict.findings);
        self.stop_product().await;
        self.ground.leave().await;
        verdict
    }
}

const EVENT_SECRET: &str = "a-secret-that-only-tests-know";
