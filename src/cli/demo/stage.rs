//! The far ends and the product, started together and told of one another.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::hints::{self, Places};
use super::memory::{Memory, random};
use super::report::Report;
use super::view::{Counts, View};
use super::{app_addresses, bad_day};
use crate::app::{App, Lock, Roles};
use crate::cli::{Failed, Global, output};
use crate::clock::Clock;
use crate::config::{Config, StoreKind, TransportKind};
use crate::exceptions::Exception;
use crate::sandbox::{
    EVENT, Effect, Evidence, FarEnd, Faults, FinanceOperations, FinanceOperationsRules, LedgerLine, Premises, Running,
    Verdict, Visitor, Warehouse, WarehouseRules, unless_refused, verdict,
};
use crate::store::Store;

/// Orders that one call releases.
const RELEASED_AT_ONCE: u64 = 10_000;

/// With faults, a far end goes down for so long.
const DOWN_S: u64 = 3;

/// Waits that suit somebody who watches: the simulated far ends answer within milliseconds, what they lose is looked up
/// after seconds, and what a crash left waiting is looked at again after seconds, too.
const BRISK: &str = "[gateways]\nprivate_addresses = true\ncall_ms_max = 3000\nsettle_ms = 500\n\
    [processor]\nbusy_delay_ms_min = 200\nbusy_delay_ms_max = 2000\nlook_again_ms = 2000\n\
    posting_poll_delays_ms = [500, 1000, 2000, 5000]\n\
    retry_delays_ms = [200, 400, 800, 1500, 3000, 3000, 3000, 3000, 3000, 3000, 3000, 3000, 3000, 3000]\n";

/// Everything that runs.
pub(super) struct Stage {
    dynamics: Running,
    warehouse: Running,
    app: App,
    to_dynamics: Visitor,
    to_warehouse: Visitor,
    warehouse_name: String,
    door: String,
    /// How far the ledgers of Dynamics and the warehouse have been read.
    seen: [AtomicU64; 2],
    downs: [AtomicBool; 2],
}

/// Names and secrets of the demo's connections.
struct Names {
    dynamics: String,
    warehouse: String,
    client_secret: (String, String),
    event_secret: (String, String),
    token: (String, String),
    signing: (String, String),
}

impl Stage {
    pub(super) async fn start(global: &Global, lock: Lock, memory: &Memory, config: &Config) -> Result<Self, Failed> {
        let names = Names::of(memory, config)?;
        let faults = memory.faults.then(|| disturbances(0));
        let premises = |own: Premises| Premises { seed: memory.seed, faults: faults.clone(), ..own };
        let rules = FinanceOperationsRules { client_secret: names.client_secret.1.clone(), ..Default::default() };
        let own = premises(Premises::finance_operations(memory.folder("finance-operations")));
        let dynamics = opened(&own, async |own| FinanceOperations::start(own, rules.clone()).await).await?;
        let rules = WarehouseRules {
            token: names.token.1.clone(),
            signing_secret: names.signing.1.clone(),
            ..Default::default()
        };
        let own = premises(Premises::warehouse(memory.folder("warehouse")));
        let warehouse = opened(&own, async |own| Warehouse::start(own, rules.clone()).await).await?;
        let ours = far_ends(&names, &dynamics.url(), &warehouse.url(), config);
        let ours = global.load(&ours)?;
        if memory.bad_day {
            bad_day::mapped(&ours, &names.warehouse).await?;
        }
        let app = App::start_in(Some(lock), ours, Roles::all(), Clock::system()).await?;
        let (door, _) = app_addresses(&app)?;
        let door = format!("{door}/ingest/d365/finance-operations/{}/{}", names.dynamics, names.event_secret.1);
        dynamics.deliver_to(door.clone());
        warehouse.deliver_to(format!("{}/ingest/warehouse/{}", app_addresses(&app)?.0, names.warehouse));
        let (to_dynamics, to_warehouse) = (Visitor::of(&dynamics.url())?, Visitor::of(&warehouse.url())?);
        Ok(Self {
            dynamics,
            warehouse,
            app,
            to_dynamics,
            to_warehouse,
            warehouse_name: names.warehouse,
            door,
            seen: Default::default(),
            downs: Default::default(),
        })
    }

    pub(super) fn introduce(&self, view: &View) {
        let operations = app_addresses(&self.app).map(|(_, operations)| operations).unwrap_or_default();
        view.say(&format!("Simulated Dynamics   {}/sandbox/state", self.dynamics.url()));
        view.say(&format!("Simulated warehouse  {}/sandbox/state", self.warehouse.url()));
        view.say(&format!("Operations           {operations}/readyz /metrics and /openapi.json"));
        if let Some(link) = self.app.first_link() {
            view.say(&format!("A token for /v1      {link}"));
        }
        view.say(&format!("Events of your own   DOOR={}", self.door));
    }

    /// Releases what has not been released yet.
    pub(super) async fn release(&self, memory: &Memory) -> Result<(), Failed> {
        loop {
            let released = count(&self.to_dynamics.progress().await?, "released");
            let missing = memory.orders.saturating_sub(released).min(RELEASED_AT_ONCE);
            if missing == 0 {
                return self.expect(memory).await;
            }
            let wish = if memory.bad_day {
                bad_day::next((memory.orders, memory.seed), released, RELEASED_AT_ONCE)
            } else {
                Some(json!({ "count": missing, "seed": memory.seed }))
            };
            if memory.bad_day && released == 0 {
                let faults = if memory.faults { disturbances(0) } else { Faults::default() };
                bad_day::begun(&self.to_dynamics, &self.to_warehouse, faults).await?;
            }
            unless_refused(self.to_dynamics.release_as(&wish.unwrap_or_default()).await).map_err(Failed::Work)?;
        }
    }

    /// Lets goods be expected that are not yet.
    async fn expect(&self, memory: &Memory) -> Result<(), Failed> {
        loop {
            let expected = count(&self.to_dynamics.progress().await?, "expected");
            let missing = memory.receipts().saturating_sub(expected).min(RELEASED_AT_ONCE);
            if missing == 0 {
                return self.adjust(memory).await;
            }
            unless_refused(self.to_dynamics.expect(missing, memory.seed).await).map_err(Failed::Work)?;
        }
    }

    /// Lets stock be adjusted that is not yet.
    async fn adjust(&self, memory: &Memory) -> Result<(), Failed> {
        loop {
            let adjusted = count(&self.to_warehouse.progress().await?, "adjustments");
            let missing = memory.adjustments().saturating_sub(adjusted).min(RELEASED_AT_ONCE);
            if missing == 0 {
                return Ok(());
            }
            let wish = json!({ "count": missing, "seed": memory.seed });
            unless_refused(self.to_warehouse.adjust(&wish).await).map_err(Failed::Work)?;
        }
    }

    /// Where everything is; nothing while a far end is down.
    pub(super) async fn counts(&self) -> Result<Option<Counts>, Failed> {
        let (Ok(dynamics), Ok(warehouse)) = (self.to_dynamics.progress().await, self.to_warehouse.progress().await)
        else {
            return Ok(None);
        };
        let parked = self.app.store().parked_counts().await?;
        let of = |chosen: fn(&str) -> bool| parked.iter().filter(|(_, what, _)| chosen(what)).map(|(.., n)| n).sum();
        Ok(Some(Counts {
            released: count(&dynamics, "released"),
            held: count(&warehouse, "held"),
            shipped: count(&warehouse, "shipped"),
            posted: count(&dynamics, "posted"),
            received: count(&warehouse, "received"),
            parked: of(|_| true),
            exceptions: of(|what| what == "person"),
            followers: of(|what| what == "head"),
            events_waiting: count(&dynamics, "pending_events") + count(&warehouse, "pending_events"),
            adjusted: count(&dynamics, "adjustments"),
            pulse: count(&dynamics, "tracking")
                + count(&dynamics, "updates")
                + count(&dynamics, "acknowledged")
                + count(&warehouse, "acknowledged")
                + count(&warehouse, "steps_due"),
        }))
    }

    /// What happened at the far ends since it was last asked, oldest first.
    pub(super) async fn happened(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let far_ends = [("Dynamics", &self.to_dynamics), ("warehouse", &self.to_warehouse)];
        for ((name, visitor), seen) in far_ends.into_iter().zip(&self.seen) {
            // What is not told now is told next time.
            let new = visitor.ledger(seen.load(Ordering::Relaxed)).await.unwrap_or_default();
            if let Some(last) = new.last() {
                seen.store(last.n, Ordering::Relaxed);
            }
            lines.extend(new.iter().filter_map(|line| Some((line.at, told(name, line)?))));
        }
        lines.sort_by_key(|(at, _)| *at);
        lines.into_iter().map(|(_, line)| line).collect()
    }

    /// Whether nothing is on its way any more.
    pub(super) async fn quiet(&self, memory: &Memory) -> Result<bool, Failed> {
        let outbox = self.app.store().waiting(None, None).await?;
        let steps = count(&self.to_warehouse.progress().await?, "steps_due");
        let updates = count(&self.to_dynamics.progress().await?, "updates_waiting");
        let still = outbox.rows == 0 && steps == 0 && updates == 0;
        // What is on its way through the product shows nowhere else.
        if !still {
            return Ok(false);
        }
        let exceptions = hints::waiting(self.store()).await?;
        let verdict = self.verdict(&exceptions).await?;
        let settled = verdict.posted + waiting(&verdict, &exceptions) >= verdict.orders;
        Ok(settled && verdict.receipts >= memory.receipts() && verdict.adjustments >= memory.adjustments())
    }

    /// With faults, each far end goes down once in the middle.
    pub(super) async fn disturb(&self, memory: &Memory, counts: &Counts) {
        if !memory.faults {
            return;
        }
        let reached = [counts.held * 4 >= memory.orders, counts.shipped * 3 >= memory.orders];
        for ((visitor, reached), done) in
            [&self.to_warehouse, &self.to_dynamics].into_iter().zip(reached).zip(&self.downs)
        {
            if reached && !done.swap(true, Ordering::Relaxed) && visitor.disturb(&disturbances(DOWN_S)).await.is_err() {
                done.store(false, Ordering::Relaxed);
            }
        }
    }

    pub(super) fn store(&self) -> &Store {
        self.app.store()
    }

    /// What the ledgers of both far ends say.
    pub(super) async fn report(&self, elapsed_ms: u64) -> Result<Report, Failed> {
        let exceptions = hints::waiting(self.store()).await?;
        let verdict = self.verdict(&exceptions).await?;
        let waiting = waiting(&verdict, &exceptions);
        // What waits is not posted, and so not counted the same: nobody has to look for the reason.
        let mismatches = if waiting == 0 { verdict.mismatches.as_slice() } else { &[] };
        for finding in verdict.findings.iter().chain(mismatches) {
            output::note(finding);
        }
        Ok(Report {
            orders: verdict.orders,
            shipped: verdict.shipped,
            posted: verdict.posted,
            tracked: verdict.tracked,
            receipts: verdict.receipts,
            adjustments: verdict.adjustments,
            on_hand_mismatches: verdict.on_hand_mismatches,
            exceptions: exceptions.len() as u64,
            waiting,
            lost: verdict.lost,
            duplicated: verdict.duplicated,
            out_of_order: verdict.out_of_order,
            faults: verdict.faults,
            elapsed_ms,
        })
    }

    /// What people can do about what waits; `options` lead commands to this demo.
    pub(super) async fn hints(&self, options: String) -> Result<Vec<String>, Failed> {
        let (dynamics_url, warehouse_url) = (self.dynamics.url(), self.warehouse.url());
        let places = Places { dynamics_url, warehouse_url, warehouse: self.warehouse_name.clone(), options };
        hints::hints(self.store(), &places).await
    }

    /// What of an order with an exception is missing is not lost: it waits.
    async fn verdict(&self, exceptions: &[Exception]) -> Result<Verdict, Failed> {
        let evidence = Evidence {
            finance_operations: FarEnd::fetch(&self.dynamics.url()).await?,
            warehouse: FarEnd::fetch(&self.warehouse.url()).await?,
            excused: exceptions.iter().filter_map(hints::request).map(str::to_owned).collect(),
        };
        Ok(verdict(&evidence)?)
    }

    pub(super) async fn stop(self) {
        self.app.stop().await;
        self.dynamics.stop().await;
        self.warehouse.stop().await;
    }
}

impl Names {
    fn of(memory: &Memory, config: &Config) -> Result<Self, Failed> {
        let embedded = config.store.kind == StoreKind::Sqlite && config.transport.kind == TransportKind::Embedded;
        // On shared servers an earlier demo's events would be taken for this one's.
        let name = |plain: &str| if embedded { plain.to_owned() } else { format!("{plain}_{}", memory.run) };
        let secret = |file: &str, make: fn() -> String| {
            let (path, value) = memory.secret(file, make)?;
            Ok::<_, Failed>((path.display().to_string(), value))
        };
        Ok(Self {
            dynamics: name("contoso"),
            warehouse: name("north"),
            client_secret: secret("client_secret", random)?,
            event_secret: secret("event_secret", random)?,
            token: secret("token", random)?,
            signing: secret("signing", || format!("whsec_{}", STANDARD.encode(random())))?,
        })
    }
}

/// The sections of the configuration that name the simulated far ends.
fn far_ends(names: &Names, dynamics_url: &str, warehouse_url: &str, config: &Config) -> String {
    let mut toml = String::new();
    let Names { dynamics, warehouse, client_secret, event_secret, token, signing } = names;
    // Writing to a text cannot fail.
    let _ = write!(
        toml,
        "[ingest]\nlisten = {:?}\n[operations]\nlisten = {:?}\n{BRISK}\
         [dynamics.{dynamics}]\nkind = \"finance_operations\"\nurl = {dynamics_url:?}\n\
         token_url = \"{dynamics_url}/contoso/oauth2/v2.0/token\"\nclient_id = \"drayline\"\n\
         client_secret = \"file:{}\"\nsecrets = [\"file:{}\"]\nlegal_entities = [\"usmf\"]\n\
         [dynamics.{dynamics}.events]\nDraylineOrderChangedBusinessEvent = \"order_changed\"\n\
         DraylineOrderCancelledBusinessEvent = \"order_cancelled\"\n\
         [dynamics.{dynamics}.outbound]\nvalue_field = \"OrderTotalAmount\"\ncurrency_field = \"CurrencyCode\"\n\
         [dynamics.{dynamics}.inbound]\nvalue_field = \"OrderTotalAmount\"\ncurrency_field = \"CurrencyCode\"\n\
         [dynamics.{dynamics}.statuses]\nDAMAGED = \"Damaged\"\n\
         [warehouses.{warehouse}]\nconnector = \"standard\"\nurl = {warehouse_url:?}\ntoken = \"file:{}\"\n\
         secrets = [\"file:{}\"]\ndynamics = {dynamics:?}\nlocations = {{ \"24\" = \"NORTH-1\" }}\n",
        free(config.ingest.listen).to_string(),
        free(config.operations.listen).to_string(),
        client_secret.0,
        event_secret.0,
        token.0,
        signing.0,
    );
    toml
}

/// A sandbox on its usual port, or on a free one when that is taken.
async fn opened<E>(premises: &Premises, start: impl AsyncFn(Premises) -> Result<Running, E>) -> Result<Running, E> {
    match start(premises.clone()).await {
        Err(_) if free(premises.listen) != premises.listen => {
            start(Premises { listen: SocketAddr::new(premises.listen.ip(), 0), ..premises.clone() }).await
        }
        started => started,
    }
}

/// The address, or a free port where somebody has it already.
fn free(address: SocketAddr) -> SocketAddr {
    if TcpListener::bind(address).is_ok() { address } else { SocketAddr::new(address.ip(), 0) }
}

/// What goes wrong in a demo with faults: only what heals by itself.
fn disturbances(down_s: u64) -> Faults {
    Faults {
        latency_ms: 5,
        refuse_429: 0.02,
        fail_5xx: 0.03,
        lose_answer: 0.03,
        duplicate: 0.1,
        reorder: 0.1,
        lose_events: 0.0,
        down_s,
        refuse_updates: 0.0,
    }
}

/// One line of a ledger for people; nothing for what only looked.
fn told(name: &str, line: &LedgerLine) -> Option<String> {
    let about = line.reference.as_deref().or(line.key.as_deref()).unwrap_or_default();
    let at = line.at.strftime("%H:%M:%S%.3f");
    if line.method == EVENT {
        return Some(format!("{at}  {about:<20}  {name} tells {} ({})", line.path, line.status));
    }
    let effect = match line.effect {
        Effect::Created => "created",
        Effect::Changed => "changed",
        Effect::Repeated => "repeated",
        Effect::Refused => "refused",
        Effect::None => return None,
    };
    let path = line.path.split(['(', '?']).next().unwrap_or_default();
    Some(format!("{at}  {about:<20}  {name} takes {} {path} ({effect})", line.method))
}

/// Orders that are not posted and have an exception, or wait behind one.
fn waiting(verdict: &Verdict, exceptions: &[Exception]) -> u64 {
    let troubled: BTreeSet<_> = exceptions.iter().filter_map(hints::request).collect();
    verdict.unposted.iter().filter(|request| troubled.contains(request.as_str())).count() as u64
}

fn count(progress: &Value, name: &str) -> u64 {
    progress.get(name).and_then(Value::as_u64).unwrap_or(0)
}
