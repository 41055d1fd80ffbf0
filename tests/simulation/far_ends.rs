//! Both far ends in this process, as a seed has them: calls that travel, that nobody answers, that are refused.
//!
//! A call that has left arrives, whatever becomes of who made it: the far ends survive the process.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use drayline::clock::{Befalls, Clock, Fate};
use drayline::gateways::{Wire, WireAnswer, WireRequest};
use drayline::sandbox::{
    Event, Evidence, Fault, Faults, FinanceOperations, FinanceOperationsRules, InProcess, Premises, Uniqueness,
    Verdict, Warehouse, WarehouseRules, verdict,
};
use jiff::Timestamp;
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use tokio::sync::{Notify, oneshot};

use super::fate::WorkerFate;
use super::seed::{Plan, PostedBy, Weather};

/// The item of adjustments that are told without a warehouse that made them.
pub const TOLD_BY_HAND: &str = "D0001";

/// The event that tells of a return order.
pub const RETURN_EVENT: &str = "ConReturnOrder";

/// Which far end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Which {
    Dynamics,
    Warehouse,
}

/// Both far ends.
pub struct FarEnds {
    pub dynamics: InProcess,
    pub warehouse: InProcess,
    /// Goods are expected and stock is adjusted, too.
    pub goods: bool,
    /// Goods come back, too.
    pub returns: bool,
    /// Their time: moved to the processor's before anything is looked at.
    clock: Clock,
    kept: Mutex<Kept>,
    /// A call is on its way.
    pub travelling: Notify,
}

struct Kept {
    chance: fastrand::Rng,
    weather: Weather,
    arrivals: BTreeMap<(Timestamp, u64), Arrival>,
    number: u64,
    calls: Vec<Made>,
    forbidden: BTreeSet<String>,
    down: Vec<(Which, Timestamp, Timestamp)>,
    delivering: Vec<(Which, Arc<Event>)>,
}

struct Arrival {
    which: Which,
    request: WireRequest,
    fault: Option<Fault>,
    made: usize,
    answer: oneshot::Sender<WireAnswer>,
}

/// A call that changes something: from when to when somebody waited for it, and what it was about.
struct Made {
    what: String,
    about: Option<(Which, String, bool)>,
    begun: u64,
    ended: Option<u64>,
}

/// What happens to one call.
struct Strike {
    not_sent: bool,
    lost_before: bool,
    there: Duration,
    back: Duration,
    fault: Option<Fault>,
}

impl FarEnds {
    pub fn open(plan: &Plan, folder: &Path, start: Timestamp) -> Arc<Self> {
        let clock = Clock::set_at(start, plan.seed);
        let quiet = Faults { duplicate: plan.duplicates, reorder: plan.reorders, ..Faults::default() };
        let premises = |own: Premises| {
            let premises = Premises { seed: plan.seed, uniqueness: plan.uniqueness, clock: clock.clone(), ..own };
            Premises { faults: Some(quiet.clone()), deliver_to: Some("here".to_owned()), ..premises }
        };
        let mut rules = FinanceOperationsRules { process_ms: 400, ..FinanceOperationsRules::default() };
        if plan.journals == Some(PostedBy::Service) {
            // Whoever has a service has no job that could come before it.
            rules.journals_posted_after_ms = 0;
        }
        if plan.goods {
            (rules.stock_at_first, rules.negative_stock_refused) = (3, true);
        }
        if plan.returns {
            (rules.return_event, rules.credit_ms) = (RETURN_EVENT.to_owned(), 600);
        }
        let dynamics = premises(Premises::finance_operations(folder.join("dynamics")));
        // Keys of its rows are unique, whatever a warehouse does: that is why calls to it may be repeated.
        let dynamics = Premises { uniqueness: Uniqueness::AnswersExisting, ..dynamics };
        let rejection_share = plan.rejections;
        let mut house = WarehouseRules { rejection_share, pending_cancel_share: 0.4, ..WarehouseRules::default() };
        if plan.returns {
            (house.arrive_ms, house.worn_share, house.broken_share) = (1500, 0.5, 0.4);
        }
        if plan.changes {
            (house.pick_ms, house.unchangeable_share, house.pending_change_share) = (1200, 0.2, 0.2);
        }
        let warehouse = premises(Premises::warehouse(folder.join("warehouse")));
        let kept = Kept {
            chance: fastrand::Rng::with_seed(plan.seed ^ 0xfa12),
            weather: plan.weather,
            arrivals: BTreeMap::new(),
            number: 0,
            calls: Vec::new(),
            forbidden: BTreeSet::new(),
            down: Vec::new(),
            delivering: Vec::new(),
        };
        Arc::new(Self {
            dynamics: FinanceOperations::in_process(&dynamics, rules).unwrap(),
            warehouse: Warehouse::in_process(&warehouse, house).unwrap(),
            goods: plan.goods,
            returns: plan.returns,
            clock,
            kept: Mutex::new(kept),
            travelling: Notify::new(),
        })
    }

    /// What carries one worker's calls.
    pub fn wire(self: &Arc<Self>, fate: &Arc<WorkerFate>, clock: &Clock) -> Wire {
        let (far_ends, fate, clock) = (Arc::clone(self), Arc::clone(fate), clock.clone());
        let far_end = move |request| Arc::clone(&far_ends).call(request, Arc::clone(&fate), clock.clone());
        Wire::in_process(far_end).unwrap()
    }

    async fn call(self: Arc<Self>, request: WireRequest, fate: Arc<WorkerFate>, clock: Clock) -> WireAnswer {
        befall(fate.before("call")).await;
        let now = clock.now();
        self.move_to(now);
        let which = if request.url.port() == Some(2) { Which::Warehouse } else { Which::Dynamics };
        if let Some(answer) = self.forbids(which, &request) {
            return answer;
        }
        let strike = self.strike(which, now);
        if strike.not_sent {
            return WireAnswer::NotSent;
        }
        let (waiting, answered) = {
            let mut kept = self.kept();
            kept.number += 1;
            let begun = kept.number;
            let made = kept.calls.len();
            kept.calls.push(Made {
                what: format!("{} {}", request.method, request.url.path()),
                about: None,
                begun,
                ended: None,
            });
            (Waiting { far_ends: Arc::clone(&self), made }, strike)
        };
        if answered.lost_before {
            wait(answered.back).await;
            return WireAnswer::Silence;
        }
        let (answer, told) = oneshot::channel();
        let arrival = Arrival { which, request, fault: answered.fault, made: waiting.made, answer };
        if answered.there.is_zero() {
            self.arrive(arrival);
        } else {
            let mut kept = self.kept();
            let at = now + answered.there;
            let number = kept.number;
            kept.arrivals.insert((at, number), arrival);
            drop(kept);
            self.travelling.notify_one();
        }
        let said = told.await.unwrap_or(WireAnswer::Silence);
        wait(answered.back).await;
        befall(fate.after("call")).await;
        if answered.fault == Some(Fault::LoseAnswer) { WireAnswer::Silence } else { said }
    }

    /// What is on its way and has arrived by now, happens.
    pub fn let_arrive(&self, now: Timestamp) {
        self.move_to(now);
        loop {
            let mut kept = self.kept();
            let Some(entry) = kept.arrivals.first_entry().filter(|entry| entry.key().0 <= now) else { return };
            let arrival = entry.remove();
            drop(kept);
            self.arrive(arrival);
        }
    }

    pub fn next_arrival(&self) -> Option<Timestamp> {
        self.kept().arrivals.keys().next().map(|(at, _)| *at)
    }

    fn arrive(&self, arrival: Arrival) {
        let Arrival { which, request, fault, made, answer } = arrival;
        let url = &request.url;
        let path = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        // The parts of one shipment are written side by side.
        let beside = ["oauth2", "Updates"].iter().any(|part| path.contains(part));
        let changing = request.method != Method::GET && !beside;
        let end = self.of(which);
        let said = end.answer((&request.method, &path), &request.headers, request.body.clone(), fault);
        let said = said.map_or(WireAnswer::Silence, |said| {
            if changing && let Some(reference) = &said.reference {
                // The flow of orders and that of shipments have an order of their own each.
                let of_orders = path.contains("OutboundShipmentOrderRequest");
                self.kept().calls[made].about =
                    Some((which, document_in(reference).unwrap_or_else(|| reference.clone()), of_orders));
            }
            let mut headers = HeaderMap::new();
            for (name, value) in said.headers {
                headers.insert(HeaderName::from_static(name), HeaderValue::from_str(&value).unwrap());
            }
            WireAnswer::Answered { status: said.status, headers, body: said.body }
        });
        // Whoever asked may be dead.
        let _ = answer.send(said);
    }

    fn strike(&self, which: Which, now: Timestamp) -> Strike {
        let mut kept = self.kept();
        let down = kept.down.iter().any(|(of, from, until)| *of == which && *from <= now && now < *until);
        let weather = kept.weather;
        let mut at = |permille: u64| kept.chance.u64(..1000) < permille;
        let mut strike = Strike {
            not_sent: at(weather.not_sent) || down,
            lost_before: at(weather.lost_before),
            there: Duration::from_millis(weather.steady_ms),
            back: Duration::ZERO,
            fault: None,
        };
        let faults = [
            (Fault::LoseAnswer, weather.lost_after),
            (Fault::Fail5xx, weather.fails),
            (Fault::Refuse429, weather.busy),
        ];
        strike.fault = faults.into_iter().find(|(_, permille)| at(*permille)).map(|(fault, _)| fault);
        let (there, back) = (at(weather.slow), at(weather.slow));
        if there {
            strike.there = Duration::from_millis(kept.chance.u64(1..2900));
        }
        if back {
            strike.back = Duration::from_millis(kept.chance.u64(1..2900));
        }
        strike
    }

    fn forbids(&self, which: Which, request: &WireRequest) -> Option<WireAnswer> {
        let kept = self.kept();
        let asked = which == Which::Dynamics && request.method == Method::GET;
        let forbidden = asked && kept.forbidden.iter().any(|id| request.url.as_str().contains(id.as_str()));
        let body = b"the role is missing".to_vec();
        forbidden.then(|| WireAnswer::Answered { status: 403, headers: HeaderMap::new(), body })
    }

    /// Reading a document is denied, or not any more.
    pub fn forbid(&self, request: &str, denied: bool) {
        let mut kept = self.kept();
        if denied {
            kept.forbidden.insert(request.to_owned());
        } else {
            kept.forbidden.remove(request);
        }
    }

    pub fn down(&self, which: Which, from: Timestamp, until: Timestamp) {
        self.kept().down.push((which, from, until));
    }

    /// From now on everything goes well.
    pub fn heal(&self) {
        let mut kept = self.kept();
        kept.weather = Weather::default();
        kept.forbidden.clear();
        kept.down.clear();
    }

    /// A person at a far end does something.
    pub fn ask(&self, which: Which, path: &str, body: &Value) -> Value {
        let post = (&Method::POST, path);
        let said = self.of(which).answer(post, &HeaderMap::new(), body.to_string().into_bytes(), None).unwrap();
        serde_json::from_slice(&said.body).unwrap()
    }

    /// The events that are due, to be carried.
    pub fn events(&self) -> Vec<(Which, Arc<Event>)> {
        let due = [Which::Dynamics, Which::Warehouse]
            .into_iter()
            .flat_map(|which| self.of(which).events().into_iter().map(move |event| (which, Arc::new(event))));
        let due: Vec<_> = due.collect();
        self.kept().delivering.extend(due.iter().cloned());
        due
    }

    pub fn sent(&self, which: Which, event: &Arc<Event>, status: u16) {
        self.of(which).sent(event, status);
        self.kept().delivering.retain(|(_, other)| !Arc::ptr_eq(event, other));
    }

    /// Whoever carried events is dead: nobody answered them.
    pub fn forget_carriers(&self) {
        let carried = std::mem::take(&mut self.kept().delivering);
        for (which, event) in carried {
            self.of(which).sent(&event, 0);
        }
    }

    /// Their time goes on, and nothing else.
    fn move_to(&self, now: Timestamp) {
        let by = Duration::try_from(now.duration_since(self.clock.now())).unwrap_or_default();
        self.clock.advance(by);
    }

    /// What they do by themselves until now.
    pub fn live(&self, now: Timestamp) {
        self.move_to(now);
        self.dynamics.move_on();
        self.warehouse.move_on();
    }

    fn of(&self, which: Which) -> &InProcess {
        match which {
            Which::Dynamics => &self.dynamics,
            Which::Warehouse => &self.warehouse,
        }
    }

    /// What both ledgers say about the laws.
    pub fn verdict(&self, excused: BTreeSet<String>) -> Verdict {
        let (finance_operations, warehouse) = (self.dynamics.far_end(), self.warehouse.far_end());
        verdict(&Evidence { finance_operations, warehouse, excused }).unwrap()
    }

    /// Calls that changed one document while another such call was under way.
    pub fn overlaps(&self) -> Vec<String> {
        let kept = self.kept();
        let mut overlaps = Vec::new();
        for (number, call) in kept.calls.iter().enumerate() {
            let mut before = kept.calls[..number].iter();
            let meanwhile =
                |other: &&Made| other.about == call.about && other.ended.is_none_or(|ended| ended > call.begun);
            if let Some((which, document, _)) = &call.about
                && let Some(other) = before.find(meanwhile)
            {
                let (this, that) = (&call.what, &other.what);
                overlaps.push(format!("{document}: two calls ran at one time at {which:?}: {that}; {this}"));
            }
        }
        overlaps
    }

    pub fn calls(&self) -> usize {
        self.kept().calls.len()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap()
    }
}

/// The document that a reference or an ordering key names: `SHP0000001` of `usmf-SHP0000001-W1R2`, `RET0000001` of its RMA; of a
/// parcel without one, the warehouse's own number of it.
pub fn document_in(text: &str) -> Option<String> {
    if let Some(rma) = text.strip_prefix("rma/contoso/") {
        return Some(rma.strip_prefix("RMA").map_or_else(|| rma.to_owned(), |number| format!("RET{number}")));
    }
    let named = |part: &&str| ["SHP", "ISR", "RET"].iter().any(|kind| part.starts_with(kind));
    text.split('-').find(named).map(str::to_owned)
}

/// Somebody waits for a call.
struct Waiting {
    far_ends: Arc<FarEnds>,
    made: usize,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let Ok(mut kept) = self.far_ends.kept.lock() else { return };
        kept.number += 1;
        let number = kept.number;
        kept.calls[self.made].ended = Some(number);
    }
}

async fn wait(time: Duration) {
    if !time.is_zero() {
        let _ = tokio::time::timeout(time, std::future::pending::<()>()).await;
    }
}

async fn befall(befalls: Befalls) {
    match befalls {
        Befalls::Goes(after) => wait(after).await,
        Befalls::Never => std::future::pending().await,
    }
}
