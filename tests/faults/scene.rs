//! The scene of a fault: the doors, the API and the workers as processes of their own, both far ends, orders that keep coming, and
//! returns.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use drayline::sandbox::{FarEnd, Verdict, Visitor, WarehouseRules, verdict};
use serde_json::{Value, json};
use sqlx::Connection as _;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::returns::{self, ComingBack, Counter};
use super::table::Row;
use crate::road::returns::{map_all, until_credited};
use crate::road::world::{Making, Process, World};
use crate::support::servers::Servers;
use crate::support::wait::until_within;
use crate::support::{Backing, Ground};

/// Owners are taken for dead soon, so that a silent one is followed soon.
const SOON: &str = "processor.heartbeat_ms = 300\nprocessor.dead_after_ms = 3000\nprocessor.sessionless_ms_max = 3000\n\
    transport.heartbeat_s = 2\ntransport.reconnect_delay_ms_max = 500\nstore.statement_timeout_ms = 5000\n\
    processor.store_retry_delay_ms_max = 500\nprocessor.look_again_ms = 5000";

/// The longest of all terms that an owner may be silent, or a call may be late: deadline and settling of a call.
pub const EVERY_TERM: Duration = Duration::from_secs(5);

/// Nothing in a scene takes longer, on a slow and busy machine, too.
pub const PATIENCE: Duration = Duration::from_mins(4);

/// Orders that come in at a time.
const ORDERS_PER_TICK: u64 = 2;
const TICK: Duration = Duration::from_millis(100);

/// One return for so many orders.
const ORDERS_PER_RETURN: u64 = 5;

/// The process that serves the API.
pub const CONSOLE: &str = "console";

/// Seeds everything that is drawn; `scripts/faults --seed` sets another.
const SEED: &str = "DRAYLINE_TEST_SEED";

/// How much load, and how often.
#[derive(Clone, Copy)]
pub struct Scale {
    pub orders: u64,
    /// How often something is done that can be done often: kills at seeded instants, say.
    pub times: u32,
    pub hand_overs: u32,
}

impl Scale {
    pub const FULL: Self = Self { orders: 120, times: 8, hand_overs: 50 };
    pub const QUICK: Self = Self { orders: 30, times: 2, hand_overs: 5 };
}

pub struct Scene {
    pub world: World,
    pub scale: Scale,
    pub chance: fastrand::Rng,
    /// What was done, for the table.
    notes: String,
    /// Over the configuration of every process.
    environment: Vec<(&'static str, String)>,
    members: BTreeMap<String, Process>,
    /// What those have logged that have ended.
    logged: BTreeMap<String, Vec<Value>>,
    started: usize,
    row: Row,
    load: Option<JoinHandle<Loaded>>,
    /// Orders come in until this says so; else until the scale's number has come.
    enough: CancellationToken,
    /// Where the shop asks for returns.
    counter: Counter,
    /// Not between doors that change over from queue to outbox at different moments.
    pub order_is_promised: bool,
    /// Documents that nobody can find again: their loss is declared.
    pub excused: std::collections::BTreeSet<String>,
}

/// What the load came to.
struct Loaded {
    ended: Instant,
    returns: u64,
}

/// Whoever releases orders, and thinks again about every fourth one.
#[derive(Default)]
struct OrderDesk {
    released: u64,
    to_change: VecDeque<(Instant, String)>,
}

/// Second thoughts come so long after an order: mostly it is at the warehouse by then, and not picked.
const SECOND_THOUGHTS: Duration = Duration::from_millis(500);

impl OrderDesk {
    /// What the far end does not take is not sent again by us: it is asked what there is.
    async fn release(&mut self, visitor: &Visitor, count: u64) {
        let is_due = |(since, _): &mut (Instant, String)| since.elapsed() >= SECOND_THOUGHTS;
        if let Some((_, id)) = self.to_change.pop_front_if(is_due) {
            let name = format!("Ada Example the {}th", self.released);
            let _ = visitor.order(&id, "change", &json!({ "fields": { "ReceiverName": name } })).await;
        }
        let Ok(answer) = visitor.release(count, 7).await else { return };
        self.released += count;
        if self.released.is_multiple_of(4) {
            self.to_change.extend(answer["released"][0].as_str().map(|id| (Instant::now(), id.to_owned())));
        }
    }
}

/// One row of the store's partitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owned {
    pub flow: String,
    pub partition: i64,
    pub owner: Option<Uuid>,
    pub epoch: i64,
}

impl Scene {
    /// On the servers that all tests share.
    pub async fn set(fault: &str, scale: Scale, making: Making) -> Self {
        Self::on(Ground::fresh(Backing::Servers).await, fault, scale, making).await
    }

    /// On servers of its own.
    pub async fn set_on(servers: &Servers, fault: &str, scale: Scale) -> Self {
        Self::on(Ground::on(servers), fault, scale, Making::default()).await
    }

    async fn on(ground: Ground, fault: &str, scale: Scale, making: Making) -> Self {
        let toml = format!("{SOON}\n{}", making.toml);
        // Long enough that most orders which are changed are not picked yet.
        let warehouse = WarehouseRules { pick_ms: 1500, dispositions_in_turn: true, ..making.warehouse };
        let world = World::set(ground, returns::making(Making { warehouse, toml, ..making })).await;
        map_all(&world).await;
        let seed = std::env::var(SEED).map_or(20_261_125, |seed| seed.parse().unwrap());
        Self {
            world,
            scale,
            chance: fastrand::Rng::with_seed(seed),
            notes: String::new(),
            environment: Vec::new(),
            members: BTreeMap::new(),
            logged: BTreeMap::new(),
            started: 0,
            row: Row::of(fault, load(scale.orders, scale.orders / ORDERS_PER_RETURN)),
            load: None,
            enough: CancellationToken::new(),
            counter: Counter::default(),
            order_is_promised: true,
            excused: std::collections::BTreeSet::new(),
        }
    }

    /// What is done, for the table.
    pub fn note(&mut self, what: impl Into<String>) {
        self.notes = what.into();
    }

    /// A value over the configuration of every process that is started from now on.
    pub fn configure(&mut self, variable: &'static str, value: impl Into<String>) {
        self.environment.push((variable, value.into()));
    }

    /// Starts the doors, under this name, and lets both far ends send their events there; and the API, when there is none.
    pub async fn ingest(&mut self, name: &str, own: &[(&'static str, String)]) {
        if !self.members.contains_key(CONSOLE) {
            self.console().await;
        }
        self.start(name, &["ingest"], own).await;
        let door = self.members[name].addresses["ingest"];
        self.world.deliver_to(door);
    }

    /// Starts the API, where the shop asks from now on.
    pub async fn console(&mut self) {
        self.start(CONSOLE, &["console"], &[]).await;
        self.counter.opened(&self.world, CONSOLE, &self.members[CONSOLE]);
    }

    /// Starts a worker of all flows that have something to do, and gives its name.
    pub async fn worker(&mut self, own: &[(&'static str, String)]) -> String {
        self.started += 1;
        let name = format!("worker-{}", self.started);
        self.start(&name, &["work", "--flow", "orders", "--flow", "shipments", "--flow", "returns"], own).await;
        name
    }

    /// The same, and who it is in the store.
    pub async fn known_worker(&mut self, own: &[(&'static str, String)]) -> (String, Uuid) {
        let before = self.workers().await;
        let name = self.worker(own).await;
        let new = until("the worker has beaten", async || {
            self.workers().await.into_iter().find(|worker| !before.contains(worker))
        });
        let id = new.await;
        (name, id)
    }

    async fn start(&mut self, name: &str, role: &[&str], own: &[(&'static str, String)]) {
        let environment: Vec<_> = self.environment.iter().chain(own).cloned().collect();
        let process = self.world.spawn_as(name, role, &environment).await;
        self.members.insert(name.to_owned(), process);
    }

    pub fn member(&mut self, name: &str) -> &mut Process {
        self.members.get_mut(name).unwrap()
    }

    /// SIGKILL.
    pub fn kill(&mut self, name: &str) {
        let process = self.members.remove(name).unwrap();
        process.signal("-KILL");
        self.ended(name, process.lines());
    }

    /// SIGTERM, and it ends well.
    pub async fn stop(&mut self, name: &str) {
        let lines = self.members.remove(name).unwrap().stop().await;
        self.ended(name, lines);
    }

    /// Waits until a process ends that is to kill itself, and gives its name.
    pub async fn until_one_is_dead(&mut self) -> String {
        let name = until("one kills itself", || {
            let mut members = self.members.iter_mut();
            std::future::ready(members.find_map(|(name, member)| member.is_over().then(|| name.clone())))
        })
        .await;
        self.killed(&name).await;
        name
    }

    /// Waits until this process has killed itself.
    pub async fn until_dead(&mut self, name: &str) {
        self.member(name).ended().await;
        self.killed(name).await;
    }

    async fn killed(&mut self, name: &str) {
        use std::os::unix::process::ExitStatusExt as _;
        let mut process = self.members.remove(name).unwrap();
        let status = process.ended().await;
        assert_eq!(status.signal(), Some(9), "{name}: {status}");
        self.ended(name, process.lines());
    }

    /// A process must not find a defect in itself, whatever is done to it.
    fn ended(&mut self, name: &str, lines: Vec<Value>) {
        let broken: Vec<_> = lines.iter().filter(|line| line["message"] == "an assumption was broken").collect();
        assert!(broken.is_empty(), "{name}: {broken:#?}");
        self.logged.insert(name.to_owned(), lines);
    }

    /// Waits until a process has told something.
    pub async fn until_logged(&self, name: &str, words: &str) {
        let tells = |line: &Value| line["message"].as_str().is_some_and(|said| said.contains(words));
        until("it is told", async || self.members[name].lines().iter().any(tells).then_some(())).await;
    }

    pub async fn until_frozen(&self, name: &str) {
        until("it freezes", async || self.members[name].is_frozen().then_some(())).await;
    }

    /// Orders come in from now on, until all have; some are changed soon after. Returns come in beside them.
    pub fn load(&mut self) {
        let (visitor, orders) = (self.world.to_dynamics.clone(), self.scale.orders);
        let releasing = async move {
            let mut ticks = tokio::time::interval(TICK);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            let mut desk = OrderDesk::default();
            loop {
                ticks.tick().await;
                // An answer may be lost: what was released is asked each time.
                let Ok(progress) = visitor.progress().await else { continue };
                let missing = orders.saturating_sub(progress["released"].as_u64().unwrap_or(0));
                if missing == 0 {
                    return;
                }
                desk.release(&visitor, missing.min(ORDERS_PER_TICK)).await;
            }
        };
        self.beside(releasing, self.coming_back().all(orders / ORDERS_PER_RETURN));
    }

    fn coming_back(&self) -> ComingBack {
        ComingBack { dynamics: self.world.to_dynamics.clone(), counter: self.counter.clone() }
    }

    fn beside(
        &mut self,
        releasing: impl Future<Output = ()> + Send + 'static,
        returning: impl Future<Output = u64> + Send + 'static,
    ) {
        self.load = Some(tokio::spawn(async move {
            let ((), returns) = tokio::join!(releasing, returning);
            Loaded { ended: Instant::now(), returns }
        }));
    }

    /// Orders come in, few at a time, until somebody says that it is enough.
    pub fn load_until_enough(&mut self) {
        // Nobody knows yet how many it will be.
        self.scale.orders = u64::MAX;
        let (visitor, enough) = (self.world.to_dynamics.clone(), self.enough.clone());
        let releasing = async move {
            let mut ticks = tokio::time::interval(TICK * 3);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            let mut desk = OrderDesk::default();
            while enough.run_until_cancelled(ticks.tick()).await.is_some() {
                desk.release(&visitor, 1).await;
            }
        };
        self.beside(releasing, self.coming_back().until_enough(self.enough.clone()));
    }

    /// Everything that both far ends have seen and done so far; what is not known while one is down counts as nothing.
    pub async fn progress(&self) -> u64 {
        let (dynamics, warehouse) = (self.world.to_dynamics.progress().await, self.world.to_warehouse.progress().await);
        let of = |progress: Result<Value, _>, names: &[&str]| -> u64 {
            let progress = progress.unwrap_or_default();
            names.iter().filter_map(|name| progress[*name].as_u64()).sum()
        };
        of(dynamics, &["updates", "posted", "tracking"]) + of(warehouse, &["held"])
    }

    /// It is: what was released until now is what must be applied.
    pub async fn enough(&mut self) {
        self.enough.cancel();
        let loaded = self.load.take().unwrap().await.unwrap();
        self.scale.orders = self.world.to_dynamics.progress().await.unwrap()["released"].as_u64().unwrap();
        self.row.load = load(self.scale.orders, loaded.returns);
        self.load = Some(tokio::spawn(std::future::ready(loaded)));
    }

    /// Waits until the far ends have seen so much more than now, or everything has been seen.
    pub async fn until_more(&self, steps: u64) {
        let target = self.progress().await + steps;
        until("there is progress", async || {
            (self.progress().await >= target || self.all_is_posted().await).then_some(())
        })
        .await;
    }

    /// Waits until the warehouse holds so many orders.
    pub async fn until_held(&self, orders: u64) {
        until("orders are held", async || {
            let progress = self.world.to_warehouse.progress().await.unwrap_or_default();
            (progress["held"].as_u64() >= Some(orders)).then_some(())
        })
        .await;
    }

    /// Waits until all of the load is told and taken in, whatever becomes of it.
    pub async fn until_all_is_accepted(&self) {
        until("everything is taken in", async || {
            let progress = self.world.to_dynamics.progress().await.unwrap_or_default();
            let is_told = self.load.as_ref().is_some_and(JoinHandle::is_finished);
            (is_told && progress["pending_events"] == 0).then_some(())
        })
        .await;
    }

    /// Waits until so many messages have been committed to the outbox that came in at the doors.
    pub async fn until_kept(&self, rows: u64) {
        until("messages go to the outbox", async || {
            let store = self.world.store().await;
            (store.waiting(None, None).await.ok()?.rows >= rows).then_some(())
        })
        .await;
    }

    /// Releases orders at once, and waits until their events are taken.
    pub async fn release_now(&self, count: u64) -> Vec<String> {
        let released = self.world.release(count).await;
        self.world.until("events accepted", |dynamics, _| dynamics["pending_events"] == 0).await;
        released
    }

    /// Nothing goes wrong at the far ends any more.
    pub async fn calm(&self) {
        for visitor in [&self.world.to_dynamics, &self.world.to_warehouse] {
            until("the far end is told", async || visitor.disturb(&drayline::sandbox::Faults::default()).await.ok())
                .await;
        }
    }

    async fn all_is_posted(&self) -> bool {
        let progress = self.world.to_dynamics.progress().await.unwrap_or_default();
        progress["posted"].as_u64() >= Some(self.scale.orders)
    }

    /// The store's partitions, the relays' among them.
    pub async fn partitions(&self) -> Vec<Owned> {
        let ask = "SELECT flow, partition, owner, epoch FROM partitions ORDER BY flow, partition";
        let rows = sqlx::query_as(ask).fetch_all(&mut self.hand().await).await.unwrap();
        rows.into_iter().map(|(flow, partition, owner, epoch)| Owned { flow, partition, owner, epoch }).collect()
    }

    async fn workers(&self) -> Vec<Uuid> {
        let rows: Vec<(Uuid,)> =
            sqlx::query_as("SELECT worker FROM workers").fetch_all(&mut self.hand().await).await.unwrap();
        rows.into_iter().map(|(worker,)| worker).collect()
    }

    /// Asks the database itself.
    pub async fn hand(&self) -> sqlx::PgConnection {
        until("the database answers", async || sqlx::PgConnection::connect(&self.world.config().store.url).await.ok())
            .await
    }

    /// Waits until nothing is owned by this worker.
    pub async fn until_taken_from(&self, worker: Uuid) {
        until("another one owns it all", async || {
            let partitions = self.partitions().await;
            partitions.iter().all(|one| one.owner.is_some_and(|owner| owner != worker)).then_some(())
        })
        .await;
    }

    /// Waits until a worker owns something.
    pub async fn until_owner(&self, worker: Uuid) {
        until("it owns something", async || {
            self.partitions().await.iter().any(|one| one.owner == Some(worker)).then_some(())
        })
        .await;
    }

    /// Everything is applied in bounded time, and the laws held.
    pub async fn finish(self) {
        self.finish_and(|_| ()).await;
    }

    /// The same, and what all processes logged by their names holds, too.
    pub async fn finish_and(mut self, check: impl FnOnce(&BTreeMap<String, Vec<Value>>)) {
        let over = Instant::now();
        let Loaded { ended, returns } = self.load.take().expect("there was load").await.unwrap();
        let lost = self.excused.len() as u64;
        self.world.until_posted(self.scale.orders - lost).await;
        until_credited(&self.world, returns).await;
        let settled = over.max(ended).elapsed();
        let verdict = self.verdict().await;
        let events = self.events().await;
        let revised = self.world.to_warehouse.progress().await.unwrap()["cancelled"].as_u64().unwrap();
        // A change that comes when goods are being picked is a person's, and nothing else is.
        let (late, exceptions) = self.world.exceptions(false).await;
        let notes = [format!("{revised} revised, {late} changed too late"), self.notes.clone()].join("; ");
        self.row.found(&verdict, events, settled, notes.trim_end_matches("; "));
        assert!(exceptions.iter().all(|exception| exception.code == "order.changed"), "{exceptions:#?}");
        let out_of_order = if self.order_is_promised { verdict.out_of_order } else { 0 };
        let laws = (verdict.lost, verdict.duplicated, out_of_order);
        if laws != (0, 0, 0) {
            self.tell_of(&verdict.findings).await;
        }
        assert_eq!(laws, (0, 0, 0), "{:#?}", verdict.findings);
        assert_eq!((verdict.orders, verdict.posted), (self.scale.orders, self.scale.orders - lost));
        assert_eq!((verdict.returns, verdict.on_hand_mismatches), (returns, 0), "{:#?}", verdict.mismatches);
        returns::judge(&self.world.to_dynamics.state().await.unwrap(), returns);
        let names: Vec<_> = self.members.keys().cloned().collect();
        for name in names {
            self.stop(&name).await;
        }
        check(&self.logged);
        self.world.close().await;
    }

    /// What both sides know of the documents of which something was found.
    async fn tell_of(&self, findings: &[String]) {
        let store = self.world.store().await;
        let ledgers =
            [self.world.to_dynamics.ledger(0).await.unwrap(), self.world.to_warehouse.ledger(0).await.unwrap()];
        for request in findings.iter().filter_map(|finding| finding.split(':').next()) {
            for view in store.documents(request).await.unwrap() {
                view.steps.iter().for_each(|step| println!("{request} {step:?}"));
            }
            let about = |reference: &Option<String>| reference.as_ref().is_some_and(|each| each.contains(request));
            let lines = ledgers.iter().flatten().filter(|line| about(&line.reference));
            lines.for_each(|line| println!("{request} {}", serde_json::to_string(line).unwrap()));
        }
    }

    pub async fn verdict(&self) -> Verdict {
        let evidence = drayline::sandbox::Evidence {
            finance_operations: FarEnd::fetch(&self.world.dynamics.url()).await.unwrap(),
            warehouse: FarEnd::fetch(&self.world.warehouse.url()).await.unwrap(),
            excused: self.excused.clone(),
        };
        verdict(&evidence).unwrap()
    }

    /// How many events the far ends got rid of.
    async fn events(&self) -> u64 {
        let (dynamics, warehouse) = (self.world.to_dynamics.ledger(0).await, self.world.to_warehouse.ledger(0).await);
        dynamics.unwrap().iter().chain(&warehouse.unwrap()).filter(|line| line.accepted_event()).count() as u64
    }
}

/// What its processes said last is all that is left of a scene that broke.
impl Drop for Scene {
    fn drop(&mut self) {
        const LINES: usize = 12;
        if !std::thread::panicking() {
            return;
        }
        for (name, member) in &self.members {
            let lines = member.lines();
            let news: Vec<_> = lines.iter().filter(|line| line["level"] != "INFO").collect();
            for line in news.iter().skip(news.len().saturating_sub(LINES)).copied().chain(lines.last()) {
                println!("{name}: {line}");
            }
        }
    }
}

fn load(orders: u64, returns: u64) -> String {
    format!("{orders} orders, {returns} returns")
}

/// Looks again and again, until there is something to see or all patience is gone.
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, look: impl FnMut() -> F) -> T {
    until_within(PATIENCE, what, look).await
}

/// Waits until something that was begun then has lasted so long: how long a fault lasts is part of the fault.
pub async fn until_lasted(since: Instant, time: Duration) {
    until("the fault has lasted", async || (since.elapsed() >= time).then_some(())).await;
}
