//! A road of three lanes that drives looks and plans through a world as the processor does: one attempt after the other
//! per flow and for questions, gates for what waits, the very kind that is awaited passes, postings are looked after beside
//! the lanes.

use std::collections::{BTreeMap, BTreeSet};

use drayline::flows::{Acted, CreatedOrder, Decision, Ledger, Look, Past, plan, questions};
use drayline::gateways::{ReleasedOrder, RequestVerdict, ShipmentUpdate, TrackingRow};
use drayline::message::{Body, Envelope, Flow, Kind, Origin, PURPOSE};
use rust_decimal::Decimal;

use super::scene::happened;
use super::world::{Held, World};

/// What is left when nothing moves any more.
#[derive(Debug, PartialEq)]
pub struct Ending {
    /// Live orders at north: (line, SKU, quantity).
    pub live: Vec<Vec<(String, String, Decimal)>>,
    /// Per update: (line, shipped).
    pub shipped: BTreeMap<String, Vec<(String, Decimal)>>,
    /// Per line, lot, serial and condition, what was posted in all.
    pub pieces: BTreeMap<String, Decimal>,
    /// Per line, what Dynamics was last told is still to ship.
    pub remaining: BTreeMap<String, Decimal>,
    /// Per packing slip and package.
    pub tracking: BTreeMap<String, String>,
    /// What Dynamics was told of the document.
    pub verdict: Option<RequestVerdict>,
    /// Return orders that were made.
    pub returns: usize,
    /// Per line, what is credited of it.
    pub credited: BTreeMap<String, Decimal>,
    /// What waits for a person.
    pub exceptions: BTreeSet<&'static str>,
    /// What waits for something that never came.
    pub waiting: Vec<Kind>,
}

/// The lanes of one document.
#[derive(Clone, Debug)]
pub struct Road {
    pub world: World,
    pasts: Vec<Past>,
    known: BTreeSet<String>,
    lanes: [Vec<Parked>; 3],
    looking: Vec<Envelope>,
    /// Emitted and not delivered yet.
    pub emitted: Vec<Envelope>,
    /// The keys of all changing calls, in order.
    pub calls: Vec<String>,
    /// How many calls are made until one whose answer is lost together with the process.
    pub calls_until_crash: Option<u32>,
}

#[derive(Clone, Debug)]
struct Parked {
    message: Envelope,
    waits: Waits,
}

#[derive(Clone, Debug)]
enum Waits {
    Head,
    Document(String, Option<Kind>),
    Person(&'static str),
}

impl Road {
    pub fn new(world: World) -> Self {
        Self {
            world,
            pasts: Vec::new(),
            known: BTreeSet::new(),
            lanes: [Vec::new(), Vec::new(), Vec::new()],
            looking: Vec::new(),
            emitted: Vec::new(),
            calls: Vec::new(),
            calls_until_crash: None,
        }
    }

    /// A message arrives.
    pub fn deliver(&mut self, message: &Envelope) {
        if message.kind() == Kind::PostingSettled {
            return self.look_after(message);
        }
        let lane = lane(message);
        let (passes, for_a_person) = match self.lanes[lane].first().map(|head| &head.waits) {
            None => (true, false),
            Some(Waits::Document(_, passes)) => (*passes == Some(message.kind()), false),
            Some(Waits::Person(_)) => (false, true),
            Some(Waits::Head) => unreachable!("a head without a reason"),
        };
        if passes {
            let gated = !self.lanes[lane].is_empty();
            let decision = self.attempt(message);
            let applied = matches!(decision, Decision::Done(_));
            let ended = applied || matches!(decision, Decision::NotOurs(_));
            self.place(lane, message, decision);
            self.go_on(lane, gated && applied);
            if ended {
                self.look_again(message);
            }
        } else {
            self.lanes[lane].push(Parked { message: message.clone(), waits: Waits::Head });
            self.go_on(lane, for_a_person && message.kind().looks_again());
        }
    }

    /// Delivers what was emitted, and looks after postings and credits, until nothing moves any more.
    pub fn come_to_rest(&mut self) {
        for _ in 0..100 {
            self.world.credit();
            let emitted = std::mem::take(&mut self.emitted);
            let looking = std::mem::take(&mut self.looking);
            if emitted.is_empty() && looking.is_empty() {
                return;
            }
            for message in emitted.iter().chain(&looking) {
                self.deliver(message);
            }
        }
        panic!("it never comes to rest");
    }

    pub fn ending(&self) -> Ending {
        let world = &self.world;
        let lines = |held: &Held| {
            let lines = held.order.lines.iter();
            lines.map(|line| (line.line_id.clone(), line.sku.to_string(), line.quantity)).collect()
        };
        let mut remaining: BTreeMap<String, Decimal> = BTreeMap::new();
        for line in world.postings.values().flat_map(|update| &update.lines) {
            let least = remaining.entry(line.line_id.clone()).or_insert(line.remaining);
            *least = line.remaining.min(*least);
        }
        let update =
            |update: &ShipmentUpdate| update.lines.iter().map(|line| (line.line_id.clone(), line.moved)).collect();
        let heads = || self.lanes.iter().filter_map(|lane| lane.first());
        Ending {
            live: world.orders.iter().filter(|held| !held.dead).map(lines).collect(),
            shipped: world.postings.iter().map(|(id, posted)| (id.clone(), update(posted))).collect(),
            pieces: pieces(world.postings.values()),
            remaining,
            tracking: world.tracking.values().map(|row| (tracked(row), row.tracking_number.clone())).collect(),
            verdict: world.verdict.clone(),
            returns: world.made.len(),
            credited: credited(world.released.as_ref()),
            exceptions: heads()
                .filter_map(|head| match &head.waits {
                    Waits::Person(code) => Some(*code),
                    Waits::Head | Waits::Document(..) => None,
                })
                .collect(),
            waiting: heads()
                .filter(|head| !matches!(head.waits, Waits::Person(_)))
                .map(|head| head.message.kind())
                .collect(),
        }
    }

    /// The orders that we know we created.
    pub fn created(&self) -> Vec<CreatedOrder> {
        Ledger::new(self.pasts.clone()).facts("create_order")
    }

    fn look_after(&mut self, message: &Envelope) {
        match self.attempt(message) {
            Decision::Later { .. } => self.looking.push(message.clone()),
            Decision::Done(_) | Decision::NotOurs(_) => {}
            other => panic!("a posting that ends strangely: {other:?}"),
        }
        // A correction may wait for what was posted now.
        self.go_on(0, false);
        self.go_on(1, false);
    }

    /// What was asked about the document may be answered now.
    fn look_again(&mut self, message: &Envelope) {
        if questions(message, &Ledger::new(self.pasts.clone())).is_some() {
            self.go_on(QUESTIONS, true);
        }
    }

    /// Runs heads for as long as they are due.
    fn go_on(&mut self, lane: usize, mut due: bool) {
        while let Some(head) = self.lanes[lane].first() {
            let known = matches!(&head.waits, Waits::Document(name, _) if self.known.contains(name));
            if !(due || known || matches!(head.waits, Waits::Head)) {
                break;
            }
            due = false;
            let head = self.lanes[lane].remove(0);
            let decision = self.attempt(&head.message);
            if let Decision::Wait { document, .. } = &decision {
                assert!(!self.known.contains(document), "{document} is known and waited for: it would run in circles");
            }
            let ended = matches!(decision, Decision::Done(_) | Decision::NotOurs(_));
            self.place(lane, &head.message, decision);
            if ended {
                self.look_again(&head.message);
            }
        }
        if lane == QUESTIONS {
            return;
        }
        // What became known here may be what the other lane waits for.
        let other = 1 - lane;
        let woken = self.lanes[other]
            .first()
            .is_some_and(|head| matches!(&head.waits, Waits::Document(name, _) if self.known.contains(name)));
        if woken {
            self.go_on(other, true);
        }
    }

    /// Parks a message in front, if it must wait.
    fn place(&mut self, lane: usize, message: &Envelope, decision: Decision) {
        let waits = match decision {
            Decision::Done(_) | Decision::NotOurs(_) => return,
            Decision::Wait { document, passes, .. } => Waits::Document(document, passes),
            Decision::Fail(failure) => Waits::Person(failure.code.as_str()),
            Decision::Act(_) | Decision::Later { .. } | Decision::WaitForFinance(_) => {
                panic!("no ending of a message in a lane: {decision:?}")
            }
        };
        self.lanes[lane].insert(0, Parked { message: message.clone(), waits });
    }

    /// One attempt, and after a crash in it the next one.
    fn attempt(&mut self, message: &Envelope) -> Decision {
        let mut ledger = Ledger::new(self.pasts.clone());
        let look = match &message.body {
            Body::PostingSettled(body) if body.update_id.as_str().starts_with("credit/") => {
                Look::Order(self.world.order_look(message))
            }
            Body::PostingSettled(_) => Look::Shipment(self.world.shipment_look(message, &ledger)),
            Body::GoodsReceived(_) | Body::ReturnReceived(_) => Look::Receipt(self.world.receipt_look()),
            Body::ReturnRequested(_) => Look::Return(World::return_look()),
            _ if message.flow() != Flow::Shipments => Look::Order(self.world.order_look(message)),
            _ => Look::Shipment(self.world.shipment_look(message, &ledger)),
        };
        for _ in 0..20 {
            let decision = plan(message, &look, &self.world.mapping, &ledger);
            let Decision::Act(calls) = &decision else {
                self.record(message, &decision);
                return decision;
            };
            for planned in calls {
                assert!(!ledger.has(&planned.key), "{} is planned again after it happened", planned.key);
                self.calls.push(planned.key.clone());
                let acted = self.world.call(planned);
                if self.crashes() {
                    self.pasts.extend(self.world.settle(planned));
                    return self.attempt(message);
                }
                let past = match acted {
                    Acted::Happened(brought) => happened(planned, &brought),
                    Acted::Instead(past) => past,
                    Acted::Refused(failure) => panic!("this world refuses nothing: {failure}"),
                };
                ledger.add(past.clone());
                self.pasts.push(past);
            }
        }
        panic!("the plan never ends");
    }

    fn crashes(&mut self) -> bool {
        let crashes = self.calls_until_crash == Some(0);
        self.calls_until_crash = self.calls_until_crash.and_then(|left| left.checked_sub(1));
        crashes
    }

    fn record(&mut self, cause: &Envelope, decision: &Decision) {
        let Decision::Done(done) = decision else { return };
        for fact in &done.facts {
            assert!(self.pasts.iter().all(|past| past.key != fact.key), "{} is recorded twice", fact.key);
        }
        self.pasts.extend(done.facts.iter().cloned());
        for document in &done.documents {
            self.known.insert(document.key.clone());
            self.known.extend(document.names.iter().map(|(_, value)| value.clone()));
        }
        let emitted = done.emits.iter();
        self.emitted.extend(emitted.map(|emit| {
            let message = Envelope {
                origin: Origin::Emitted,
                body: emit.body.clone(),
                attributes: [(PURPOSE.to_owned(), emit.purpose.to_owned())].into(),
                ..cause.clone()
            };
            let Some(about) = &emit.about else { return message };
            let (ordering_key, connection) = (about.document.clone(), about.connection.clone());
            Envelope { ordering_key, connection, legal_entity: about.legal_entity.clone(), ..message }
        }));
    }
}

/// What the notes come to, line by line.
fn credited(released: Option<&ReleasedOrder>) -> BTreeMap<String, Decimal> {
    let mut credited: BTreeMap<String, Decimal> = BTreeMap::new();
    for credit in released.iter().flat_map(|released| &released.credits) {
        *credited.entry(credit.line_id.clone()).or_default() += credit.quantity;
    }
    credited.retain(|_, sum| !sum.is_zero());
    credited
}

/// What all updates come to, piece by piece.
fn pieces<'a>(updates: impl Iterator<Item = &'a ShipmentUpdate>) -> BTreeMap<String, Decimal> {
    let mut pieces: BTreeMap<String, Decimal> = BTreeMap::new();
    for line in updates.flat_map(|update| &update.lines) {
        if line.dimensions.is_empty() {
            *pieces.entry(format!("{} -", line.line_id)).or_default() += line.moved;
        }
        for piece in &line.dimensions {
            let serial = piece.serial.as_ref().map(ToString::to_string);
            let words = [piece.lot.clone(), serial, piece.status.clone(), piece.disposition.clone()];
            let words: Vec<_> = words.into_iter().flatten().collect();
            let words = if words.is_empty() { "-".to_owned() } else { words.join(" ") };
            *pieces.entry(format!("{} {words}", line.line_id)).or_default() += piece.quantity;
        }
    }
    pieces.retain(|_, sum| !sum.is_zero());
    pieces
}

/// The lane of questions.
const QUESTIONS: usize = 2;

fn lane(message: &Envelope) -> usize {
    if message.asks() {
        return QUESTIONS;
    }
    match message.flow() {
        // A wish has a lane of its own, as a shipment has.
        Flow::Returns if message.kind() == Kind::ReturnRequested => 1,
        Flow::Orders | Flow::GoodsReceived | Flow::Returns => 0,
        Flow::Shipments => 1,
        other => panic!("no lane for {other}"),
    }
}

fn tracked(row: &TrackingRow) -> String {
    format!("{} {}", row.packing_slip, row.package_key)
}
