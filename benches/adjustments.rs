//! What a burst of stock adjustments costs: how many calls that may change something Dynamics sees, and how long it takes,
//! beside single calls with the same number in flight. Each line must arrive exactly once. And what orders cost that are
//! released together: how many calls read them, and how many Dynamics sees of each until its posting is processed.
//!
//! `scripts/bench adjustments` prints it. Dynamics is simulated, over real HTTP, and takes 50 ms for every call. First the
//! gateway alone, where nothing else takes time; then the whole road, from what waits in the queue to what Dynamics holds.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a measurement that fails shall stop")]
#![allow(clippy::disallowed_methods, reason = "it measures real time")]
#![allow(clippy::cast_precision_loss, reason = "counts are small")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::net::SocketAddr;
use std::time::Duration;

use clap::Parser;
use drayline::app::{App, Roles};
use drayline::clock::Clock;
use drayline::gateways::{AdjustmentRow, Gateways, StockAdjustment};
use drayline::message::{Connection, Flow, LegalEntity, PlaceCode, record_id};
use drayline::sandbox::{
    DeliveryRules, EVENT, Faults, FinanceOperations, FinanceOperationsRules, Premises, Running, Visitor, Warehouse,
    WarehouseRules,
};
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::Instant;

use support::{Backing, Ground};

/// Everything must have happened by then.
const DEADLINE: Duration = Duration::from_mins(5);

/// A burst of stock adjustments: calls and time, together and one by one.
#[derive(Debug, Parser)]
struct Options {
    /// Adjustments in the burst
    #[arg(long, default_value_t = 10_000)]
    adjustments: usize,
    /// Orders that are released together
    #[arg(long, default_value_t = 1000)]
    orders: usize,
    /// What Dynamics takes for every call, in milliseconds
    #[arg(long, default_value_t = 50)]
    latency_ms: u64,
    /// Calls in flight, of both ways
    #[arg(long, default_value_t = 16)]
    in_flight: usize,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Given by `cargo bench`
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let figures = runtime.block_on(measure(&options));
    if options.json {
        println!("{figures}");
        return;
    }
    for (name, value) in figures.as_object().unwrap() {
        println!("{name:>28}  {value}");
    }
}

async fn measure(options: &Options) -> Value {
    eprintln!("{} adjustments together, {} calls in flight", options.adjustments, options.in_flight);
    let together = gateway(options, &format!("requests_at_once_max = {}", options.in_flight)).await;
    eprintln!("the same with the defaults: one call in flight");
    let usual = gateway(options, "").await;
    eprintln!("the same one by one, {} calls in flight", options.in_flight);
    let alone = gateway(options, &format!("lines_max = 1\nrequests_at_once_max = {}", options.in_flight)).await;
    eprintln!("the whole road, from what waits in the queue");
    let road = road(options).await;
    eprintln!("{} orders that are released together, to processed postings", options.orders);
    let orders = orders(options).await;
    json!({
        "adjustments": options.adjustments,
        "latency_ms": options.latency_ms,
        "calls_in_flight": options.in_flight,
        "together_calls": together.calls,
        "together_ms": together.ms(),
        "one_by_one_calls": alone.calls,
        "one_by_one_ms": alone.ms(),
        "times_faster": (10.0 * alone.took.as_secs_f64() / together.took.as_secs_f64()).round() / 10.0,
        "by_default_calls": usual.calls,
        "by_default_ms": usual.ms(),
        "road_calls": road.calls,
        "road_ms": road.ms(),
        "orders": options.orders,
        "orders_reading_calls": orders.reading,
        "orders_calls": orders.calls,
        "calls_per_order": (100.0 * orders.calls as f64 / options.orders as f64).round() / 100.0,
        "orders_ms": u64::try_from(orders.took.as_millis()).unwrap(),
    })
}

/// How many calls that may change something, and how long all took.
struct Figures {
    calls: usize,
    took: Duration,
}

impl Figures {
    fn ms(&self) -> u64 {
        u64::try_from(self.took.as_millis()).unwrap()
    }
}

/// A simulated Dynamics that takes its time.
struct Dynamics {
    sandbox: Running,
    visitor: Visitor,
}

impl Dynamics {
    async fn start(ground: &Ground, latency_ms: u64) -> Self {
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let rules = FinanceOperationsRules { client_secret: "secret".to_owned(), ..FinanceOperationsRules::default() };
        let premises = Premises { listen, ..Premises::finance_operations(ground.data().join("dynamics")) };
        let sandbox = FinanceOperations::start(premises, rules).await.unwrap();
        let visitor = Visitor::of(&sandbox.url()).unwrap();
        visitor.disturb(&Faults { latency_ms, ..Faults::default() }).await.unwrap();
        Self { sandbox, visitor }
    }

    /// The calls that may have changed something; each line must be there exactly once.
    async fn calls(&self, adjustments: usize) -> usize {
        let state = self.visitor.state().await.unwrap();
        let rows = state["adjustments"].as_array().unwrap();
        assert_eq!(rows.len(), adjustments, "every line arrived");
        assert!(rows.iter().all(|row| row["creates"] == 1), "each line arrived once");
        let ledger = self.visitor.ledger(0).await.unwrap();
        ledger.iter().filter(|line| line.path == "/data/$batch" && !line.within).count()
    }
}

fn configuration(ground: &Ground, dynamics: &Dynamics, (top, adjustments): (&str, &str), warehouse: &str) -> String {
    let secret = ground.data().join("secret");
    std::fs::write(&secret, "secret").unwrap();
    let signing = ground.data().join("signing");
    std::fs::write(&signing, WarehouseRules::default().signing_secret).unwrap();
    let (secret, signing, url) = (secret.display(), signing.display(), dynamics.sandbox.url());
    format!(
        "ingest.listen = \"127.0.0.1:0\"\noperations.listen = \"127.0.0.1:0\"\ngateways.private_addresses = true\n{top}\n\
         [dynamics.contoso]\nkind = \"finance_operations\"\nurl = \"{url}\"\n\
         token_url = \"{url}/contoso/oauth2/v2.0/token\"\nclient_id = \"drayline\"\nclient_secret = \"file:{secret}\"\n\
         secrets = [\"file:{secret}\"]\nlegal_entities = [\"usmf\"]\n\
         [dynamics.contoso.adjustments]\n{adjustments}\n\
         [warehouses.north]\nconnector = \"standard\"\nurl = \"{warehouse}\"\ntoken = \"file:{secret}\"\n\
         secrets = [\"file:{signing}\"]\ndynamics = \"contoso\"\nlocations = {{ \"24\" = \"NORTH-1\" }}\n"
    )
}

/// All callers come at once, and each waits for its own answer.
async fn gateway(options: &Options, adjustments: &str) -> Figures {
    let ground = Ground::fresh(Backing::Embedded).await;
    let dynamics = Dynamics::start(&ground, options.latency_ms).await;
    // Callers of single calls wait long for their turn: nobody shall give up.
    let top = format!("gateways.call_ms_max = 600000\ngateways.calls_at_once_max = {}", options.in_flight);
    let config = ground.config(&configuration(&ground, &dynamics, (&top, adjustments), "http://127.0.0.1:1"));
    let clock = Clock::system();
    let gateways = Gateways::new(&config, &clock).unwrap();
    let environment = gateways.dynamics(&Connection::new("contoso").unwrap()).unwrap();
    let wanted: Vec<_> = (0..options.adjustments).map(adjustment).collect();
    // The token is fetched before.
    environment.adjust_stock(&adjustment(options.adjustments), (clock.mark(), DEADLINE)).await.unwrap();
    let begun = Instant::now();
    let deadline = (clock.mark(), DEADLINE);
    let all = join_all(wanted.iter().map(|adjustment| environment.adjust_stock(adjustment, deadline))).await;
    let took = begun.elapsed();
    assert!(all.iter().all(Result::is_ok), "every caller is told that its line was taken");
    let calls = dynamics.calls(options.adjustments + 1).await - 1;
    Figures { calls, took }
}

fn adjustment(number: usize) -> StockAdjustment {
    let row = AdjustmentRow {
        row_id: record_id(&["bench", &number.to_string()]),
        item_number: format!("ITEM-{}", 1001 + number % 200),
        quantity: 1.into(),
        unit: None,
        variant: None,
        lot: None,
        serial: None,
        status: None,
        owner: None,
    };
    StockAdjustment {
        legal_entity: LegalEntity::new("usmf").unwrap(),
        warehouse: Connection::new("north").unwrap(),
        place: PlaceCode::new("24").unwrap(),
        posted_to: None,
        rows: vec![row],
    }
}

/// The warehouse tells of everything while nobody works on it; then the flow begins.
async fn road(options: &Options) -> Figures {
    let ground = Ground::fresh(Backing::Embedded).await;
    let dynamics = Dynamics::start(&ground, options.latency_ms).await;
    let delivery =
        DeliveryRules { retry_delays_ms: vec![100], answer_ms_max: 10_000, at_once_max: 64, hold_back_ms_max: 1 };
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let premises = Premises { listen, delivery, ..Premises::warehouse(ground.data().join("warehouse")) };
    let warehouse = Warehouse::start(premises, WarehouseRules::default()).await.unwrap();
    let config = ground.config(&configuration(&ground, &dynamics, ("", ""), &warehouse.url()));
    let roles = |flows| Roles { ingest: true, flows, ..Roles::default() };
    let doors = App::start(config.clone(), roles(Vec::new()), Clock::system()).await.unwrap();
    warehouse.deliver_to(format!("http://{}/ingest/warehouse/north", doors.address("ingest").unwrap()));
    let to_warehouse = Visitor::of(&warehouse.url()).unwrap();
    to_warehouse.adjust(&json!({ "count": options.adjustments, "seed": 1 })).await.unwrap();
    until("everything is told", async || to_warehouse.progress().await.unwrap()["pending_events"] == 0).await;
    doors.stop().await;
    let begun = Instant::now();
    let works = App::start(config, roles(vec![Flow::StockAdjustments]), Clock::system()).await.unwrap();
    let all = options.adjustments as u64;
    until("everything is posted", async || dynamics.visitor.progress().await.unwrap()["adjustments"] == all).await;
    let took = begun.elapsed();
    works.stop().await;
    Figures { calls: dynamics.calls(options.adjustments).await, took }
}

/// What Dynamics saw of orders: requests that read them, all calls but those for tracking, and how long it took.
struct OrderFigures {
    reading: usize,
    calls: usize,
    took: Duration,
}

/// Dynamics releases everything while nobody works on it; then the flows begin. The warehouse ships at once and whole.
async fn orders(options: &Options) -> OrderFigures {
    let ground = Ground::fresh(Backing::Embedded).await;
    let dynamics = Dynamics::start(&ground, options.latency_ms).await;
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let delivery =
        DeliveryRules { retry_delays_ms: vec![100], answer_ms_max: 10_000, at_once_max: 64, hold_back_ms_max: 1 };
    let rules = WarehouseRules { token: "secret".to_owned(), split_share: 0.0, ..WarehouseRules::default() };
    let premises = Premises { listen, delivery, ..Premises::warehouse(ground.data().join("warehouse")) };
    let warehouse = Warehouse::start(premises, rules).await.unwrap();
    let config = ground.config(&configuration(&ground, &dynamics, ("", ""), &warehouse.url()));
    let roles = |flows, ingest| Roles { ingest, flows, ..Roles::default() };
    let doors = App::start(config.clone(), roles(Vec::new(), true), Clock::system()).await.unwrap();
    let address = doors.address("ingest").unwrap();
    dynamics.sandbox.deliver_to(format!("http://{address}/ingest/d365/finance-operations/contoso/secret"));
    dynamics.visitor.release(options.orders as u64, 1).await.unwrap();
    until("everything is told", async || dynamics.visitor.progress().await.unwrap()["pending_events"] == 0).await;
    doors.stop().await;
    let begun = Instant::now();
    let works = App::start(config, roles(vec![Flow::Orders, Flow::Shipments], true), Clock::system()).await.unwrap();
    let address = works.address("ingest").unwrap();
    dynamics.sandbox.deliver_to(format!("http://{address}/ingest/d365/finance-operations/contoso/secret"));
    warehouse.deliver_to(format!("http://{address}/ingest/warehouse/north"));
    let all = options.orders as u64;
    until("everything is posted", async || {
        let progress = dynamics.visitor.progress().await.unwrap();
        progress["posted"] == all && progress["updates_waiting"] == 0
    })
    .await;
    let took = begun.elapsed();
    works.stop().await;
    let ledger = dynamics.visitor.ledger(0).await.unwrap();
    // A request that brings calls stands behind them.
    let (mut reading, mut calls, mut reads) = (0, 0, false);
    for line in ledger.iter().filter(|line| line.method != EVENT && line.path.starts_with("/data/")) {
        if line.within {
            reads |= line.method == "GET" && line.path.starts_with("/data/OutboundShipmentOrderRequests");
        } else {
            reading += usize::from(std::mem::take(&mut reads));
            calls += usize::from(!line.path.contains("Tracking"));
        }
    }
    OrderFigures { reading, calls, took }
}

async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let mut looks = tokio::time::interval(Duration::from_millis(20));
    let deadline = Instant::now() + DEADLINE;
    while !holds().await {
        assert!(Instant::now() < deadline, "never: {what}");
        looks.tick().await;
    }
}
