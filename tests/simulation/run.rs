//! Runs the plan of a seed from its first act until nothing moves any more, and says what it found.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use drayline::clock::Clock;
use drayline::config::Config;
use drayline::message::{Connection, Envelope, Flow};
use drayline::sandbox::Event;
use drayline::store::{OutboxRow, ParkedFilter, Purpose, Store};
use drayline::translation::{Received, translate_finance_operations, translate_standard};
use drayline::transport::{Outgoing, Target, Transport};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use super::changes::{self, Streets};
use super::far_ends::{FarEnds, TOLD_BY_HAND, Which, document_in};
use super::fate::Process;
use super::life::{Body, Life, NOBODY, Setting, copy, folder, lay_out};
use super::parcels::{self, Parcel};
use super::returns;
use super::seed::{Act, Plan};
use super::stock;
use super::watch::Watch;

/// Far ends live and tell in steps of this length, whatever else happens.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// After everything was healed it must come to rest within this time.
const REST_WITHIN: Duration = Duration::from_mins(4);

/// Whose wake-up died with who was to wake it is looked at again after this time.
const LOOK_AGAIN: Duration = Duration::from_millis(super::life::LOOK_AGAIN_MS);

/// Who waits for a document is given this time after everything was healed.
const PATIENCE: Duration = Duration::from_secs(45);

/// How often a person replays what waits for one, in the end.
const REPLAYS_MAX: u32 = 2;

/// What came of a seed.
#[derive(Debug)]
pub struct Report {
    pub seed: u64,
    pub violations: Vec<String>,
    pub messages: u64,
    pub lives: u64,
    pub steps: u64,
    pub calls: u64,
    /// How many of the documents came to an end without a person.
    pub posted: u64,
    /// How many receipts were counted to the end and posted.
    pub received: u64,
    /// How many rows of adjustments Dynamics took.
    pub adjusted: u64,
    /// How many returns were inspected to the end and posted, and how many notes credit something.
    pub returned: u64,
    pub credited: u64,
    /// How many parcels that nobody took were taken in.
    pub taken_in: u64,
    /// How many changes the warehouse made of orders that it had.
    pub changed: u64,
    /// Goods are expected and stock is adjusted, too.
    pub goods: bool,
    /// Every reason for which anything was ever parked.
    pub codes: BTreeSet<String>,
    /// In such a world both far ends were found to hold the same, but for what a person has or decided about.
    pub equal_stock: bool,
    /// When each message ended, in milliseconds since the start, by what it says.
    pub ended: BTreeMap<Uuid, i64>,
    /// A digest of the course it took: the same for the same seed.
    pub course: u64,
}

/// What outlives a life.
struct World {
    plan: Plan,
    start: Timestamp,
    folder: PathBuf,
    far_ends: Arc<FarEnds>,
    watch: Arc<Watch>,
    door: Arc<Door>,
    /// The next act.
    next: usize,
    healed_at: Option<Timestamp>,
    /// Until when somebody slept whose wake-up died with who was to wake it.
    slept_until: Option<Timestamp>,
    replays: u32,
    looked_at: Option<Timestamp>,
    next_look: Timestamp,
    stragglers: Vec<(Timestamp, Vec<u8>)>,
    /// What nobody took and is back.
    parcels: Vec<Parcel>,
    streets: Streets,
}

/// What the door remembers, as the senders do.
#[derive(Default)]
struct Door {
    accepted: Mutex<BTreeSet<Uuid>>,
    /// Facts that have no id, by what they are.
    facts: Mutex<Vec<(String, Uuid)>>,
    broker_back_at: Mutex<Option<Timestamp>>,
    /// Messages on their way into the outbox.
    accepting: AtomicUsize,
    violations: Mutex<Vec<String>>,
    /// The keys of what a person discarded, be it brought here or emitted by a flow.
    excused: Mutex<BTreeSet<String>>,
}

/// Runs a seed.
pub fn run(plan: Plan) -> Report {
    let folder = folder();
    let start: Timestamp = "2026-11-25T08:00:00Z".parse().unwrap();
    let mut world = World {
        start,
        folder: folder.path().to_owned(),
        far_ends: FarEnds::open(&plan, folder.path(), start),
        watch: Arc::new(Watch::new()),
        door: Arc::default(),
        next: 0,
        healed_at: None,
        slept_until: None,
        replays: 0,
        looked_at: None,
        next_look: start,
        stragglers: Vec::new(),
        parcels: Vec::new(),
        streets: Streets::new(),
        plan,
    };
    let mut data = folder.path().join("life0");
    lay_out(&data, world.setting());
    let mut now = start;
    let (mut lives, mut steps) = (0, 0);
    loop {
        let dies_at = world.plan.deaths.get(lives).copied();
        lives += 1;
        let process = Process::new(world.plan.seed ^ lives as u64, dies_at, world.plan.delayed_permille);
        let body = Body::new(data.clone());
        world.watch.look_at(&data);
        // No life draws the ids that one before it drew, or rows of both would be one.
        let seed = world.plan.seed.rotate_left(17) ^ lives as u64;
        let (ended_at, over) = body.runtime.block_on(live(&body, &mut world, &process, (now, seed)));
        now = ended_at;
        steps += process.steps();
        let next = world.folder.join(format!("life{lives}"));
        if !over {
            copy(&data, &next);
        }
        // Every task and all memory; then whatever still wrote.
        drop(body.runtime);
        world.door.accepting.store(0, Ordering::SeqCst);
        body.outside.shutdown_background();
        world.far_ends.forget_carriers();
        data = next;
        if over {
            return world.report(lives, steps);
        }
    }
}

/// One life: until it dies, or everything is over.
async fn live(
    body: &Body,
    world: &mut World,
    process: &Arc<Process>,
    (start, seed): (Timestamp, u64),
) -> (Timestamp, bool) {
    let opened = Life::begin(body, (start, seed), process, &world.watch, (&world.far_ends, world.setting()));
    // It may die while it opens its files.
    let mut life = tokio::select! {
        biased;
        () = process.died.notified() => return (start, false),
        life = opened => life,
    };
    life.join(0);
    let clock = life.clock.clone();
    let over = tokio::select! {
        biased;
        () = process.died.notified() => false,
        () = drive(world, &mut life) => true,
    };
    let now = clock.now();
    if over {
        world.watch.refresh(NOBODY);
    }
    (now, over)
}

/// Does what the plan says, carries events, lets calls arrive; until it is over.
async fn drive(world: &mut World, life: &mut Life) {
    loop {
        let now = life.clock.now();
        world.far_ends.let_arrive(now);
        while let Some((after, act)) = world.plan.acts.get(world.next).cloned() {
            if world.start + after > now {
                break;
            }
            world.next += 1;
            world.act(life, &act, now).await;
        }
        if now >= world.next_look {
            world.carry(life, now);
            while world.next_look <= now {
                world.next_look += LOOK_EVERY;
            }
        }
        if world.is_over(life, now).await.is_break() {
            return;
        }
        let act = world.plan.acts.get(world.next).map(|(after, _)| world.start + *after);
        let due = [world.far_ends.next_arrival(), act].into_iter().flatten().fold(world.next_look, Timestamp::min);
        let left = Duration::try_from(due.duration_since(now)).unwrap_or_default();
        let until = Instant::now() + left.max(Duration::from_millis(1));
        let _ = tokio::time::timeout_at(until, world.far_ends.travelling.notified()).await;
    }
}

impl World {
    async fn act(&mut self, life: &mut Life, act: &Act, now: Timestamp) {
        let id = |number: &u64| format!("SHP{:07}", number + 1);
        let expected = |number: &u64, what: &str| format!("/sandbox/receipts/ISR{:07}/{what}", number + 1);
        match act {
            Act::Release { lines_max } => {
                self.far_ends.ask(Which::Dynamics, "/sandbox/orders", &json!({ "lines_max": lines_max }));
            }
            Act::Change(number) => {
                self.far_ends.ask(Which::Dynamics, &format!("/sandbox/orders/{}/change", id(number)), &json!({}));
            }
            Act::ChangeTo(number, draw) => changes::change(&self.far_ends, &mut self.streets, &id(number), *draw),
            Act::Cancel(number) => {
                self.far_ends.ask(Which::Dynamics, &format!("/sandbox/orders/{}/cancel", id(number)), &json!({}));
            }
            Act::Expect(lines) => {
                self.far_ends.ask(Which::Dynamics, "/sandbox/receipts", &json!({ "lines": lines }));
            }
            Act::ChangeExpected(number) => {
                self.far_ends.ask(Which::Dynamics, &expected(number, "change"), &json!({}));
            }
            Act::CancelExpected(number) => {
                self.far_ends.ask(Which::Dynamics, &expected(number, "cancel"), &json!({}));
            }
            Act::Adjust(wish) => {
                self.far_ends.ask(Which::Warehouse, "/sandbox/adjustments", &json!({ "adjustments": [wish] }));
            }
            Act::Wish(key, lines) => {
                let (carrier, wish) = (self.carrier(life), returns::wish(*key, lines, now));
                tokio::spawn(async move { carrier.take(vec![wish]).await });
            }
            Act::MakeReturn { lines, refunded } => returns::make(&self.far_ends, lines, *refunded),
            Act::Refund(number) => returns::refund(&self.far_ends, *number),
            Act::RefundPart(number, draw) => returns::refund_part(&self.far_ends, *number, *draw),
            Act::ChangeReturn(number) => returns::ask(&self.far_ends, *number, "change"),
            Act::CancelReturn(number) => returns::ask(&self.far_ends, *number, "cancel"),
            Act::Inspect(number, draw) => returns::inspect(&self.far_ends, *number, *draw),
            Act::Blind => returns::blind(&self.far_ends),
            Act::Undelivered(number, draw) => {
                parcels::comes_back(&self.far_ends, &mut self.parcels, &id(number), *draw);
            }
            Act::Credit => parcels::credit(&self.far_ends, &self.asked_to_credit()),
            Act::Forbid(number, denied) => self.far_ends.forbid(&id(number), *denied),
            Act::Down(which, time) => self.far_ends.down(*which, now, now + *time),
            Act::Stall(worker, time) => life.fates[*worker].stall(*time),
            Act::Join(worker) => life.join(*worker),
            Act::Leave(worker) => {
                if let Some(leaving) = life.workers[*worker].take() {
                    let watch = Arc::clone(&self.watch);
                    // Nobody answers any more who would have woken somebody.
                    tokio::spawn(async move {
                        leaving.stop(Duration::from_secs(4)).await;
                        watch.somebody_went();
                    });
                }
            }
            Act::Die(worker) => {
                life.workers[*worker] = None;
                self.watch.somebody_went();
            }
            Act::Replay => replay(&life.store).await,
            Act::Discard => self.discard(life).await,
            Act::BrokerAway(time) => *self.door.broker_back_at.lock().unwrap() = Some(now + *time),
            Act::SameBytes => self.same_bytes(life, now),
            Act::OpenPeriod => {
                self.plan.closed = false;
                let data = life.config.data.clone();
                life.restart(&data, self.setting());
                self.watch.somebody_went();
            }
            Act::Heal => {
                life.process.heal();
                self.plan.deaths.clear();
                self.far_ends.heal();
                life.join(0);
                self.healed_at = Some(now);
            }
        }
    }

    fn setting(&self) -> Setting {
        let Plan { journals, closed, returns, undelivered, changes, .. } = self.plan;
        Setting { journals, closed, returns, undelivered, changes }
    }

    /// Events go to the door; each is carried by somebody of his own, so that they may overtake each other.
    fn carry(&mut self, life: &Life, now: Timestamp) {
        self.far_ends.live(now);
        for (which, event) in self.far_ends.events() {
            if self.plan.stragglers && which == Which::Warehouse {
                self.stragglers.extend(straggler(&event, now));
            }
            let carrier = self.carrier(life);
            let far_ends = Arc::clone(&self.far_ends);
            let body = body_of(&event, which, &self.plan);
            tokio::spawn(async move {
                let taken = carrier.bring(which, &body).await;
                far_ends.sent(which, &event, if taken { 200 } else { 503 });
            });
        }
        let (due, later): (Vec<_>, Vec<_>) = self.stragglers.drain(..).partition(|(at, _)| *at <= now);
        self.stragglers = later;
        for (_, body) in due {
            let carrier = self.carrier(life);
            tokio::spawn(async move { carrier.bring(Which::Warehouse, &body).await });
        }
    }

    fn carrier(&self, life: &Life) -> Carrier {
        Carrier {
            config: Arc::clone(&life.config),
            clock: life.clock.clone(),
            store: life.store.clone(),
            transport: life.transport.clone(),
            door: Arc::clone(&self.door),
            watch: Arc::clone(&self.watch),
        }
    }

    /// A fact without an id, told in bytes that were told before.
    fn same_bytes(&self, life: &Life, now: Timestamp) {
        let carrier = self.carrier(life);
        let body = json!({"type": "stock_adjusted", "data": {
            "adjustmentKey": "A", "item": {"sku": TOLD_BY_HAND}, "quantity": {"value": "1", "unit": "pcs"},
            "reason": {"code": "DAMAGED"},
        }});
        let fact = format!("at {now}");
        let messages = carrier.translate(Which::Warehouse, body.to_string().as_bytes());
        self.door.facts.lock().unwrap().extend(messages.iter().map(|message| (fact.clone(), message.message_id)));
        let bytes = body.to_string().into_bytes();
        tokio::spawn(async move { carrier.bring(Which::Warehouse, &bytes).await });
    }

    async fn discard(&self, life: &Life) {
        let filter = ParkedFilter { for_a_person: true, limit: 1, ..ParkedFilter::default() };
        let (_, rows) = life.store.parked(&filter).await.unwrap();
        if let Some(row) = rows.first() {
            self.door.excused.lock().unwrap().insert(row.parked.ordering_key.clone());
            life.store.discard(row.parked.message_id, "a person", "so it is").await.unwrap();
        }
    }

    async fn is_over(&mut self, life: &Life, now: Timestamp) -> ControlFlow<()> {
        if !self.watch.violations().is_empty() {
            return ControlFlow::Break(());
        }
        let Some(healed_at) = self.healed_at else { return ControlFlow::Continue(()) };
        let since = |at: Timestamp| Duration::try_from(now.duration_since(at)).unwrap_or_default();
        if self.watch.oversleeps() && since(healed_at) < REST_WITHIN + LOOK_AGAIN {
            self.slept_until = Some(now);
            return ControlFlow::Continue(());
        }
        let quiet_since = self.slept_until.map_or(healed_at, |slept_until| slept_until.max(healed_at));
        if since(quiet_since) > REST_WITHIN {
            let parked = self.watch.parked_keys();
            let violation = format!("it does not come to rest: {parked:?}; owners: {:?}", self.watch.owners());
            self.door.violations.lock().unwrap().push(violation);
            return ControlFlow::Break(());
        }
        let looked = self.looked_at.is_some_and(|at| since(at) < Duration::from_secs(1));
        if looked || !self.watch.at_rest() || !self.stragglers.is_empty() {
            return ControlFlow::Continue(());
        }
        self.looked_at = Some(now);
        if self.far_ends.verdict(BTreeSet::new()).moving > 0 {
            return ControlFlow::Continue(());
        }
        if self.replays < REPLAYS_MAX && self.watch.parked_keys().iter().any(|(_, _, waits_for, _)| *waits_for == 3) {
            self.replays += 1;
            replay(&life.store).await;
            return ControlFlow::Continue(());
        }
        // The table of polls wakes in the end who waits for Dynamics; for others there is nobody any more.
        if since(quiet_since) < PATIENCE && self.watch.parked_keys().iter().any(|(_, _, waits_for, _)| *waits_for == 2)
        {
            return ControlFlow::Continue(());
        }
        self.door.violations.lock().unwrap().extend(self.watch.waits_in_vain());
        ControlFlow::Break(())
    }

    fn report(&self, lives: usize, steps: u64) -> Report {
        let mut violations = self.watch.violations();
        violations.extend(self.door.violations.lock().unwrap().iter().cloned());
        violations.extend(self.far_ends.overlaps());
        let cut_short = !violations.is_empty();
        let (parked, ended) = self.watch.places();
        let accepted = self.door.accepted.lock().unwrap();
        let there = |id: &Uuid| parked.contains(id) || ended.contains(id);
        violations.extend(
            accepted
                .iter()
                .filter(|id| !cut_short && !there(id))
                .map(|id| format!("law 1: {id} was accepted, and is nowhere")),
        );
        let mut facts: BTreeMap<Uuid, String> = BTreeMap::new();
        for (fact, id) in self.door.facts.lock().unwrap().iter() {
            if facts.insert(*id, fact.clone()).is_some_and(|other| other != *fact) {
                violations.push(format!("law 1: two facts are one message, {id}"));
            }
        }
        let verdict = self.far_ends.verdict(self.excused());
        if !cut_short && self.plan.returns {
            let asked = self.plan.acts.iter().filter_map(|(_, act)| returns::asked(act));
            let asked: BTreeMap<Uuid, Vec<String>> =
                asked.filter(|(id, _)| accepted.contains(id) || there(id)).collect();
            let left = self.left().filter(|key| returns::is_wish(key)).count();
            violations.extend(returns::unmade(&self.far_ends.dynamics.far_end(), &asked, left));
        }
        violations.extend(self.unlawful_parcels().into_iter().filter(|_| !cut_short));
        violations.extend(self.unlawful_changes().into_iter().filter(|_| !cut_short));
        let judged = !cut_short && self.left_without_a_document().is_empty();
        if judged {
            violations.extend(self.unexplained_stock().into_iter().map(|what| format!("stock law: {what}")));
        }
        // What is lost shows only when everything is over.
        let whole = !cut_short || verdict.duplicated + verdict.out_of_order > 0;
        violations.extend(verdict.findings.iter().filter(|_| whole).map(|finding| format!("far ends: {finding}")));
        Report {
            seed: self.plan.seed,
            violations,
            messages: accepted.len() as u64,
            lives: lives as u64,
            steps,
            calls: self.far_ends.calls() as u64,
            posted: verdict.posted,
            received: verdict.receipts,
            adjusted: verdict.adjustments,
            returned: verdict.returns,
            credited: verdict.credit_notes,
            taken_in: parcels::taken_in(&self.far_ends.dynamics.far_end(), &self.parcels),
            changed: changes::made(&self.far_ends.warehouse.far_end()),
            goods: self.plan.goods,
            codes: self.watch.codes(),
            equal_stock: judged && self.plan.goods,
            ended: self.watch.ended_at(self.start),
            course: self.watch.course(),
        }
    }

    /// Adjustments of stock that are left to a person or were discarded. Of what was told by hand no book of the warehouse knows.
    fn left_without_a_document(&self) -> Vec<String> {
        let moves_nothing =
            |key: &String| key.starts_with("alone/") || key.ends_with(TOLD_BY_HAND) || returns::is_wish(key);
        self.left().filter(|key| document_in(key).is_none() && !moves_nothing(key)).collect()
    }

    /// The keys of what is left to a person, or was discarded.
    fn left(&self) -> impl Iterator<Item = String> {
        let discarded = self.door.excused.lock().unwrap().clone();
        let parked = self.watch.parked_keys().into_iter().filter(|(.., code)| code.as_deref() != Some(parcels::ASKED));
        parked.map(|(_, key, _, _)| key).chain(discarded)
    }

    /// Return orders of which a person is asked who credits them.
    fn asked_to_credit(&self) -> BTreeSet<String> {
        let asks = self.watch.parked_in(Flow::Returns).into_iter();
        asks.filter(|(_, code)| code.as_deref() == Some(parcels::ASKED))
            .filter_map(|(key, _)| document_in(&key))
            .collect()
    }

    fn unlawful_changes(&self) -> Vec<String> {
        let (dynamics, warehouse) = (self.far_ends.dynamics.far_end(), self.far_ends.warehouse.far_end());
        let broken = changes::unlawful((&dynamics, &warehouse), &self.streets, &self.excused());
        broken.into_iter().map(|what| format!("law of changes: {what}")).collect()
    }

    fn unlawful_parcels(&self) -> Vec<String> {
        let Some(by) = self.plan.undelivered else { return Vec::new() };
        let (dynamics, warehouse) = (self.far_ends.dynamics.far_end(), self.far_ends.warehouse.far_end());
        let (left, asked) = (self.excused(), self.asked_to_credit());
        let law = parcels::Law { dynamics: &dynamics, warehouse: &warehouse, by, left: &left, asked: &asked };
        law.judge(&self.parcels).into_iter().map(|what| format!("law of parcels: {what}")).collect()
    }

    fn unexplained_stock(&self) -> Vec<String> {
        stock::unexplained(&self.far_ends.dynamics.far_end(), &self.far_ends.warehouse.far_end(), &self.excused())
    }

    /// Documents that a person sees, or decided about.
    fn excused(&self) -> BTreeSet<String> {
        let documents = self.left().filter_map(|key| document_in(&key)).collect();
        let discarded = self.door.excused.lock().unwrap().clone();
        let in_returns = self.watch.parked_in(Flow::Returns).into_iter().map(|(key, _)| key).chain(discarded);
        let in_returns = in_returns.filter_map(|key| document_in(&key)).collect();
        parcels::with_theirs(documents, &in_returns, &self.parcels, &self.far_ends.dynamics.far_end())
    }
}

/// Replays whatever waits for a person.
async fn replay(store: &Store) {
    let filter = ParkedFilter { for_a_person: true, limit: 100, ..ParkedFilter::default() };
    let (_, rows) = store.parked(&filter).await.unwrap();
    for row in rows {
        store.replay(row.parked.message_id, "a person").await.unwrap();
    }
}

/// Whoever brings an event to the door.
struct Carrier {
    config: Arc<Config>,
    clock: Clock,
    store: Store,
    transport: Transport,
    door: Arc<Door>,
    watch: Arc<Watch>,
}

impl Carrier {
    /// Makes every message of it durable; whether all are.
    async fn bring(&self, which: Which, body: &[u8]) -> bool {
        self.take(self.translate(which, body)).await
    }

    async fn take(&self, messages: Vec<Envelope>) -> bool {
        for message in messages {
            self.watch.accepted(&message);
            let durable = if self.takes_the_outbox(message.flow()).await {
                self.door.accepting.fetch_add(1, Ordering::SeqCst);
                let kept = self.store.accept(&row(&message), 1000).await.unwrap_or(false);
                self.door.accepting.fetch_sub(1, Ordering::SeqCst);
                kept
            } else {
                self.transport.publish(outgoing(&message)).await.is_ok()
            };
            if !durable {
                return false;
            }
            self.door.accepted.lock().unwrap().insert(message.message_id);
        }
        true
    }

    /// While the broker is away, and after that for as long as rows wait: else the next would pass them.
    async fn takes_the_outbox(&self, flow: Flow) -> bool {
        let Some(back_at) = *self.door.broker_back_at.lock().unwrap() else { return false };
        if self.clock.now() < back_at || self.door.accepting.load(Ordering::SeqCst) > 0 {
            return true;
        }
        let waiting = self.store.waiting(Some(flow), Some(Purpose::Ingest)).await;
        waiting.is_ok_and(|waiting| waiting.rows > 0)
    }

    fn translate(&self, which: Which, body: &[u8]) -> Vec<Envelope> {
        let name = if which == Which::Dynamics { "contoso" } else { "north" };
        let connection = Connection::new(name).unwrap();
        let received = Received {
            connection: &connection,
            bytes: body,
            media_type: Some("application/json"),
            header_id: None,
            at: self.clock.now(),
            traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            json_depth_max: 64,
            retry_window_s: self.config.ingest.retry_window_s,
        };
        match which {
            Which::Dynamics => translate_finance_operations(&received, &self.config.dynamics["contoso"]),
            Which::Warehouse => vec![translate_standard(&received, &self.config.warehouses["north"])],
        }
    }
}

/// The event as it is sent; a shipment says that it is the second report of itself, where there was a first, and a receipt
/// may name what nobody ordered.
fn body_of(event: &Event, which: Which, plan: &Plan) -> Vec<u8> {
    let text = event.body();
    if which == Which::Dynamics || !(plan.stragglers || plan.unordered || plan.numbers) {
        return text.as_bytes().to_vec();
    }
    let mut body: Value = serde_json::from_str(text).unwrap();
    let sort = body["type"].as_str().unwrap_or_default().to_owned();
    if sort == "goods_received" && plan.numbers {
        let order = body["data"]["inboundOrder"].as_object_mut().unwrap();
        order.retain(|name, _| name == "orderNumber" || name == "purchaseOrder");
    }
    match (sort.as_str(), body.pointer_mut("/data/lines").and_then(Value::as_array_mut)) {
        ("shipment_confirmed", _) if plan.stragglers => body["data"]["sequence"] = json!("2"),
        ("goods_received", Some(lines)) if plan.unordered && !lines.is_empty() => {
            lines.push(json!({ "item": { "sku": "NOBODY-ORDERED" }, "received": { "value": "1", "unit": "ea" } }));
        }
        _ => {}
    }
    body.to_string().into_bytes()
}

/// The first report of a shipment, with less in it, which comes after the second one.
fn straggler(event: &Event, now: Timestamp) -> Option<(Timestamp, Vec<u8>)> {
    let mut body: Value = serde_json::from_str(event.body()).ok()?;
    if body["type"] != "shipment_confirmed" {
        return None;
    }
    let content = &mut body["data"]["packages"][0]["contents"][0];
    let quantity: rust_decimal::Decimal = content["quantity"]["value"].as_str()?.parse().ok()?;
    if quantity <= rust_decimal::Decimal::ONE || content.get("lots").is_some() || content.get("serials").is_some() {
        return None;
    }
    content["quantity"]["value"] = json!("1");
    body["data"]["sequence"] = json!("1");
    let id = body["id"].as_str()?.to_owned();
    body["id"] = json!(format!("{id}-first"));
    Some((now + Duration::from_secs(8), body.to_string().into_bytes()))
}

fn outgoing(message: &Envelope) -> Outgoing {
    Outgoing {
        target: Target::Flow(message.flow()),
        ordering_key: message.ordering_key.clone(),
        message_id: message.message_id,
        type_name: message.kind().type_name().to_owned(),
        traceparent: None,
        headers: Vec::new(),
        bytes: message.encode(),
    }
}

fn row(message: &Envelope) -> OutboxRow {
    OutboxRow {
        id: 0,
        flow: message.flow(),
        purpose: Purpose::Ingest,
        ordering_key: message.ordering_key.to_string(),
        message_id: message.message_id,
        kind: message.kind().as_str().to_owned(),
        traceparent: None,
        bytes: message.encode(),
        failure: None,
    }
}
