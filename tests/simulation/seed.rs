//! What a seed chooses.

use std::time::Duration;

use drayline::rehearsal::Variant;
use drayline::sandbox::Uniqueness;
use serde_json::{Value, json};

use super::far_ends::Which;
use super::parcels::CreditedBy;

/// How often calls go wrong, in thousandths.
#[derive(Clone, Copy, Debug, Default)]
pub struct Weather {
    pub not_sent: u64,
    pub lost_before: u64,
    pub lost_after: u64,
    pub fails: u64,
    pub busy: u64,
    pub slow: u64,
    /// So many milliseconds each.
    pub steady_ms: u64,
}

/// Something that happens at a time.
#[derive(Clone, Debug)]
pub enum Act {
    /// Dynamics releases a document; the number is its place in order of release.
    Release {
        lines_max: u64,
    },
    Change(u64),
    /// Dynamics changes what the second number draws of a document.
    ChangeTo(u64, u64),
    Cancel(u64),
    /// Reading a document is denied, or not any more.
    Forbid(u64, bool),
    /// Goods are expected: these lines.
    Expect(Value),
    ChangeExpected(u64),
    CancelExpected(u64),
    /// Somebody in the warehouse adjusts stock.
    Adjust(Value),
    /// A shop asks for a return, under this key of its own: these lines.
    Wish(u64, Value),
    /// Somebody in Dynamics makes a return order of these lines, and gives the money back at once, or does not.
    MakeReturn {
        lines: Value,
        refunded: bool,
    },
    /// The money of a return is given back, unless something of it came already; the number is its place in order of making.
    Refund(u64),
    /// Some of the money of its first line is given, as the second number draws it, or the rest of that.
    RefundPart(u64, u64),
    ChangeReturn(u64),
    CancelReturn(u64),
    /// The warehouse says what became of a return so far, as this number draws it.
    Inspect(u64, u64),
    /// A parcel comes back without an RMA.
    Blind,
    /// Nobody took a package of a document, and the carrier brings it back, or a part of it, as the second number draws it.
    Undelivered(u64, u64),
    /// Finance credits whatever it is asked for.
    Credit,
    Down(Which, Duration),
    /// The store of a worker does not answer for so long.
    Stall(usize, Duration),
    /// A worker joins; leaves in order; dies alone.
    Join(usize),
    Leave(usize),
    Die(usize),
    /// A person replays whatever waits for one.
    Replay,
    /// A person discards the first that waits for one.
    Discard,
    /// The broker is away for so long: events go to the outbox.
    BrokerAway(Duration),
    /// A warehouse tells of stock without an id; the same bytes are another fact each time.
    SameBytes,
    /// Finance opens the closed period: whoever works starts anew with the configuration that says so.
    OpenPeriod,
    /// Nothing goes wrong any more.
    Heal,
}

/// Who posts the journals of adjustments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PostedBy {
    Job,
    Service,
}

/// The plan of a seed.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is drawn by itself, and goes with any other")]
pub struct Plan {
    pub seed: u64,
    pub weather: Weather,
    pub uniqueness: Uniqueness,
    pub duplicates: f64,
    pub reorders: f64,
    pub rejections: f64,
    /// The process dies at these steps of each of its lives.
    pub deaths: Vec<u64>,
    pub delayed_permille: u64,
    /// Shipments are followed by an older, smaller report of themselves.
    pub stragglers: bool,
    /// Goods are expected and stock is adjusted, too.
    pub goods: bool,
    /// Goods come back, too, and are credited.
    pub returns: bool,
    /// Parcels that nobody took come back, too, and who credits them.
    pub undelivered: Option<CreditedBy>,
    /// The warehouse changes orders itself.
    pub changes: bool,
    /// Reports of receipts name something that nobody ordered.
    pub unordered: bool,
    /// Reports of receipts name the number of their order, and not our reference.
    pub numbers: bool,
    /// Adjustments are classic journals, and who posts them.
    pub journals: Option<PostedBy>,
    /// All that moves is in a closed period, and waits for finance until [`Act::OpenPeriod`].
    pub closed: bool,
    /// In order of time, from the start on.
    pub acts: Vec<(Duration, Act)>,
}

impl Plan {
    /// The plan of a seed.
    pub fn of(seed: u64) -> Self {
        let mut chance = fastrand::Rng::with_seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ seed);
        let calm = chance.u8(..5) == 0;
        let mut some = |most: u64| if calm || chance.bool() { 0 } else { chance.u64(..=most) };
        let weather = Weather {
            not_sent: some(100),
            lost_before: some(80),
            lost_after: some(150),
            fails: some(100),
            busy: some(80),
            slow: some(250),
            steady_ms: 0,
        };
        let uniqueness = match chance.u8(..4) {
            0 => Uniqueness::AnswersExisting,
            1 => Uniqueness::UpdatesInPlace,
            _ => Uniqueness::None,
        };
        let share = |chance: &mut fastrand::Rng| if chance.bool() { 0.0 } else { f64::from(chance.u8(..40)) / 100.0 };
        let lives = if calm { 0 } else { [0, 0, 1, 1, 2, 3][chance.usize(..6)] };
        let acts = acts(&mut chance);
        Self {
            seed,
            weather,
            uniqueness,
            duplicates: share(&mut chance),
            reorders: share(&mut chance),
            rejections: share(&mut chance) / 2.0,
            deaths: (0..lives).map(|_| chance.u64(10..420)).collect(),
            delayed_permille: [0, 10, 40, 80][chance.usize(..4)],
            stragglers: chance.u8(..3) == 0,
            goods: false,
            returns: false,
            undelivered: None,
            changes: false,
            unordered: false,
            numbers: false,
            journals: None,
            closed: false,
            acts,
        }
    }

    /// The plan of a seed, in a share of them with goods that come in and stock that is adjusted. They are drawn beside the rest,
    /// so that every seed keeps what [`Self::of`] draws.
    /// In half of those with goods, some come back. In a third of all, the warehouse changes orders itself.
    pub fn drawn(seed: u64) -> Self {
        let drawn = |what: u64, of: u8| fastrand::Rng::with_seed(seed ^ what).u8(..of);
        let plan = match (drawn(GOODS, 5) < 2, drawn(RETURNS, 2)) {
            (true, 0) => Self::with_returns(seed),
            (true, _) => Self::with_goods(seed),
            (false, _) => Self::of(seed),
        };
        if drawn(CHANGES, 3) == 0 { plan.with_changes() } else { plan }
    }

    /// The same, where the warehouse changes orders itself: more changes, there and back again, many of them while it picks, ships,
    /// or is asked to cancel.
    pub fn with_changes(mut self) -> Self {
        let mut chance = fastrand::Rng::with_seed(self.seed.rotate_left(13) ^ CHANGES);
        let released = self.acts.iter().filter(|(_, act)| matches!(act, Act::Release { .. })).map(|(at, _)| *at);
        let released: Vec<Duration> = released.collect();
        let mut soon = |at: Duration, act: Act, chance: &mut fastrand::Rng| {
            self.acts.push((at + Duration::from_millis(chance.u64(100..2500)), act));
        };
        for (number, at) in (0..).zip(released) {
            for _ in 0..chance.u64(1..=4) {
                let act = Act::ChangeTo(number, chance.u64(..));
                soon(at, act, &mut chance);
            }
            if chance.u8(..5) == 0 {
                soon(at, Act::Cancel(number), &mut chance);
            }
        }
        self.changes = true;
        self.acts.sort_by_key(|(at, _)| *at);
        self
    }

    /// The plan of a seed with goods, of which some come back and are credited.
    pub fn with_returns(seed: u64) -> Self {
        let mut chance = fastrand::Rng::with_seed(seed.rotate_left(41) ^ RETURNS);
        let mut plan = Self { returns: true, ..Self::with_goods(seed) };
        plan.acts.extend(returns(&mut chance));
        // Drawn from another one, so that the returns stay what they were.
        let mut other = fastrand::Rng::with_seed(seed.rotate_left(53) ^ RETURNS);
        if other.bool() {
            plan.undelivered = Some(CreditedBy::ALL[other.usize(..3)]);
            plan.acts.extend(undelivered(&mut other));
        }
        let mut third = fastrand::Rng::with_seed(seed.rotate_left(61) ^ RETURNS);
        if third.bool() {
            plan.acts.extend(given_before(&mut third));
        }
        plan.acts.sort_by_key(|(at, _)| *at);
        plan
    }

    /// The plan of a seed with goods that come in and stock that is adjusted.
    pub fn with_goods(seed: u64) -> Self {
        let mut chance = fastrand::Rng::with_seed(seed.rotate_left(23) ^ GOODS);
        let mut plan = Self { goods: true, unordered: chance.u8(..8) == 0, ..Self::of(seed) };
        let healed = plan.acts.iter().find(|(_, act)| matches!(act, Act::Heal)).map(|(at, _)| *at);
        let before = healed.unwrap_or_default().saturating_sub(Duration::from_millis(1));
        plan.acts.extend(goods(&mut chance));
        // Drawn from another one, so that the goods stay what they were.
        let mut other = fastrand::Rng::with_seed(seed.rotate_left(31) ^ GOODS);
        plan.numbers = other.u8(..4) == 0;
        plan.journals = [None, None, Some(PostedBy::Job), Some(PostedBy::Service)][other.usize(..4)];
        plan.closed = other.u8(..4) == 0;
        if plan.closed {
            plan.acts.push((before.saturating_sub(Duration::from_millis(other.u64(..6000))), Act::OpenPeriod));
        }
        // In the end there is enough of everything: whatever was short can be posted.
        plan.acts.extend(supply().map(|act| (before, act)));
        plan.acts.sort_by_key(|(at, _)| *at);
        plan
    }

    /// The plan of a seed with more of what shows that a variant is broken, so that few seeds are enough.
    pub fn against(variant: Variant, seed: u64) -> Self {
        let mut plan = match variant {
            Variant::TotalTakenForDifference => Self::with_goods(seed),
            Variant::MakeWithoutLooking
            | Variant::RefundForgotten
            | Variant::UndeliveredCredited
            | Variant::ExchangeCredited
            | Variant::BackForgotten => Self::with_returns(seed),
            Variant::RefusalTakenForChange => Self::of(seed).with_changes(),
            _ => Self::of(seed),
        };
        let mut act = |at_ms: u64, act: Act| plan.acts.push((Duration::from_millis(at_ms), act));
        match variant {
            Variant::RecordBeforeAct => (plan.weather.fails, plan.weather.not_sent) = (150, 150),
            Variant::AcknowledgeBeforeCommit => {
                (plan.deaths, plan.delayed_permille) = (vec![150 + seed % 7 * 20, 120, 160], 100);
            }
            Variant::NoGate | Variant::ReleaseByRepublishing => act(0, Act::Forbid(0, true)),
            Variant::NoLookUp | Variant::AcknowledgeOnRead => plan.duplicates = 0.5,
            Variant::FenceByPlainRead => {
                act(2500, Act::Join(1));
                act(3000, Act::Stall(0, Duration::from_secs(9)));
                plan.weather.slow = 400;
            }
            Variant::SubscribeBeforeTake => act(1500, Act::Join(1)),
            Variant::PlanBeforeSettling => {
                (plan.weather.lost_after, plan.uniqueness) = (250, Uniqueness::None);
            }
            Variant::LookBeforeWaiting => {
                // Many orders, so that one of them becomes known just between a look and the commit after it.
                (0..24).for_each(|number| act(50 * number, Act::Release { lines_max: 1 }));
                (plan.weather.slow, plan.delayed_permille) = (600, 300);
                // A death would excuse what nobody wakes.
                plan.deaths.clear();
            }
            Variant::TwoUnconfirmed => {
                act(0, Act::BrokerAway(Duration::from_secs(8)));
                (plan.delayed_permille, plan.reorders) = (60, 0.0);
            }
            Variant::HashForEver => {
                act(500, Act::SameBytes);
                act(60_500, Act::SameBytes);
                act(61_000, Act::Heal);
            }
            Variant::SmallerTotalReverses => plan.stragglers = true,
            // Nothing but changes that are refused.
            Variant::RefusalTakenForChange => plan.rejections = 0.0,
            // Nothing but the goods themselves.
            Variant::TotalTakenForDifference => plan.unordered = false,
            Variant::MakeWithoutLooking => {
                (10..13)
                    .for_each(|key| act(100 * key, Act::Wish(key, returned_lines(&mut fastrand::Rng::with_seed(key)))));
                plan.weather.lost_after = 250;
            }
            Variant::RefundForgotten => {
                let lines = returned_lines(&mut fastrand::Rng::with_seed(seed));
                act(0, Act::MakeReturn { lines, refunded: true });
            }
            Variant::ExchangeCredited => {
                let lines =
                    with(returned_lines(&mut fastrand::Rng::with_seed(seed)), &json!({ "disposition": "REPLACE" }));
                act(0, Act::MakeReturn { lines, refunded: false });
            }
            Variant::UndeliveredCredited | Variant::BackForgotten => {
                (0..24).for_each(|draw| act(4000 + 300 * draw, Act::Undelivered(draw % 3, seed ^ (draw << 32))));
                plan.undelivered = Some(CreditedBy::Never);
            }
        }
        plan.acts.sort_by_key(|(at, _)| *at);
        plan
    }

    /// A worker is silent for longer than its term, another one joins meanwhile, and what comes later is for both.
    pub fn silence(seed: u64) -> Self {
        let at = Duration::from_millis;
        let release = || Act::Release { lines_max: 2 };
        let mut acts: Vec<_> = (0..4).map(|number| (at(300 * number), release())).collect();
        acts.push((at(900), Act::Stall(0, at(7500))));
        acts.push((at(7000), Act::Join(1)));
        acts.extend((0..8).map(|number| (at(15_000 + 300 * number), release())));
        acts.push((at(20_000), Act::Heal));
        Self { weather: Weather::default(), acts, ..Self::beside_a_held_one(seed, 0, false) }
    }

    /// Free documents on which nothing goes wrong, and calls that take time; beside them, or not, one document that is
    /// held, with whatever happens to it.
    pub fn beside_a_held_one(seed: u64, free: u64, held: bool) -> Self {
        let at = Duration::from_millis;
        let mut acts: Vec<_> = (0..free).map(|number| (at(100 * number), Act::Release { lines_max: 2 })).collect();
        if held {
            acts.push((at(100 * free), Act::Forbid(free, true)));
            acts.push((at(100 * free), Act::Release { lines_max: 1 }));
            acts.extend((1..20).map(|number| (at(100 * free + 300 * number), Act::Change(free))));
            acts.extend((1..5).map(|number| (at(1200 * number), Act::Replay)));
        }
        acts.push((Duration::from_secs(30), Act::Heal));
        acts.sort_by_key(|(at, _)| *at);
        Self {
            seed,
            weather: Weather { steady_ms: 40, ..Weather::default() },
            uniqueness: Uniqueness::AnswersExisting,
            duplicates: 0.0,
            reorders: 0.0,
            rejections: 0.0,
            deaths: Vec::new(),
            delayed_permille: 0,
            stragglers: false,
            goods: false,
            returns: false,
            undelivered: None,
            changes: false,
            unordered: false,
            numbers: false,
            journals: None,
            closed: false,
            acts,
        }
    }
}

/// What tells the generator of goods from that of the rest.
const GOODS: u64 = 0x600d_5000_0000_0000;

/// What tells the generator of changes from those of the rest.
const CHANGES: u64 = 0xc4a6_9e50_0000_0000;

/// What tells the generator of returns from those of the rest.
const RETURNS: u64 = 0x5e4d_bac4_0000_0000;

/// What is expected and adjusted: item, unit, and the lots that a warehouse receives it in.
pub const ITEMS: [(&str, &str, &[&str]); 5] = [
    ("ITEM-1", "ea", &[""]),
    ("ITEM-2", "ea", &[""]),
    ("LOT-1", "ea", &["LOT-1-R1", "LOT-1-R2"]),
    ("KG-1", "kg", &[""]),
    ("SER-1", "ea", &[]),
];

/// Statuses between which stock is moved.
const STATUSES: [&str; 2] = ["AVAILABLE", "QUARANTINE"];

fn goods(chance: &mut fastrand::Rng) -> Vec<(Duration, Act)> {
    let mut acts = Vec::new();
    for number in 0..chance.u64(1..=2) {
        let at = chance.u64(..3000);
        let lines = (0..chance.u64(1..=2)).map(|_| {
            let (item, unit, _) = ITEMS[chance.usize(..ITEMS.len())];
            json!({ "item": item, "unit": unit, "quantity": chance.u64(1..=14).to_string() })
        });
        acts.push((at, Act::Expect(lines.collect())));
        if chance.u8(..5) == 0 {
            acts.push((at + chance.u64(..1500), Act::ChangeExpected(number)));
        }
        if chance.u8(..8) == 0 {
            acts.push((at + chance.u64(..2500), Act::CancelExpected(number)));
        }
    }
    for _ in 0..chance.u64(..6) {
        acts.push((chance.u64(..9000), Act::Adjust(adjustment(chance))));
    }
    acts.into_iter().map(|(at, act)| (Duration::from_millis(at), act)).collect()
}

/// Returns that are asked for, and that are made in Dynamics; refunded before anything came, changed, taken back; inspected in
/// several parts, with totals that fall, too.
fn returns(chance: &mut fastrand::Rng) -> Vec<(Duration, Act)> {
    let mut acts = Vec::new();
    let count = chance.u64(1..=3);
    for number in 0..count {
        let (at, lines) = (chance.u64(..3000), returned_lines(chance));
        if chance.bool() {
            acts.push((at, Act::Wish(number, lines.clone())));
            if chance.u8(..3) == 0 {
                acts.push((at + chance.u64(..3000), Act::Wish(number, lines)));
            }
        } else {
            acts.push((at, Act::MakeReturn { lines, refunded: chance.u8(..3) == 0 }));
        }
        if chance.u8(..4) == 0 {
            acts.push((at + chance.u64(..2500), Act::Refund(number)));
        }
        if chance.u8(..8) == 0 {
            acts.push((at + chance.u64(..2500), Act::ChangeReturn(number)));
        }
        if chance.u8(..8) == 0 {
            acts.push((at + chance.u64(..4000), Act::CancelReturn(number)));
        }
    }
    for _ in 0..chance.u64(..6) {
        acts.push((chance.u64(2000..12_000), Act::Inspect(chance.u64(..count), chance.u64(..))));
    }
    if chance.u8(..8) == 0 {
        acts.push((chance.u64(..9000), Act::Blind));
    }
    acts.into_iter().map(|(at, act)| (Duration::from_millis(at), act)).collect()
}

/// What nobody took comes back when it has left, in parts, too, and is decided anew; finance credits some of it.
fn undelivered(chance: &mut fastrand::Rng) -> Vec<(Duration, Act)> {
    let comes =
        (0..chance.u64(2..=6)).map(|_| (chance.u64(2000..12_500), Act::Undelivered(chance.u64(..3), chance.u64(..))));
    let mut acts: Vec<_> = comes.collect();
    if chance.bool() {
        acts.push((chance.u64(5000..12_900), Act::Credit));
    }
    acts.into_iter().map(|(at, act)| (Duration::from_millis(at), act)).collect()
}

/// Lines that are exchanged, and lines that are credited without their goods, in Dynamics and by the wish of a shop; money that is
/// given for a part of what is to come.
fn given_before(chance: &mut fastrand::Rng) -> Vec<(Duration, Act)> {
    let mut acts = Vec::new();
    for key in 0..chance.u64(1..=2) {
        let (at, lines) = (chance.u64(..2000), returned_lines(chance));
        acts.push((
            at,
            match chance.u8(..3) {
                0 => Act::Wish(100 + key, with(lines, &json!({ "exchange": true }))),
                1 => Act::MakeReturn { lines: with(lines, &json!({ "disposition": "REPLACE" })), refunded: false },
                _ => Act::MakeReturn { lines: with(lines, &json!({ "disposition": "CREDITONLY" })), refunded: true },
            },
        ));
    }
    let mut of_some = |from: u64, act: fn(u64, u64) -> Act, count: u64| {
        acts.extend((0..count).map(|_| (chance.u64(from..12_000), act(chance.u64(..4), chance.u64(..)))));
    };
    of_some(500, Act::RefundPart, 3);
    of_some(2000, Act::Inspect, 4);
    acts.into_iter().map(|(at, act)| (Duration::from_millis(at), act)).collect()
}

/// The same lines, of each of which this is said, too.
fn with(mut lines: Value, said: &Value) -> Value {
    for line in lines.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        line.extend(said.as_object().cloned().unwrap_or_default());
    }
    lines
}

fn returned_lines(chance: &mut fastrand::Rng) -> Value {
    let line = |chance: &mut fastrand::Rng| {
        let (item, unit, _) = ITEMS[chance.usize(..ITEMS.len())];
        json!({ "item": item, "unit": unit, "quantity": chance.u64(1..=8).to_string() })
    };
    (0..chance.u64(1..=2)).map(|_| line(chance)).collect()
}

/// Lost, found, moved from one status to another, counted: sometimes more is taken than there is.
fn adjustment(chance: &mut fastrand::Rng) -> Value {
    let (sku, unit, lots) = ITEMS[chance.usize(..4)];
    let lot = lots[chance.usize(..lots.len())];
    let quantity = chance.i64(1..=6);
    let mut wish = json!({ "sku": sku, "unit": unit, "lot": lot });
    let how = match chance.u8(..6) {
        0 | 1 => json!({ "delta": (-quantity).to_string(), "reason": "DAMAGED" }),
        2 | 3 => json!({ "delta": quantity.to_string(), "reason": "FOUND" }),
        4 => json!({ "level": (1_000_000 + quantity - 3).to_string(), "reason": "CYCLE_COUNT" }),
        _ => {
            let from = chance.usize(..2);
            let (from, to) = (STATUSES[from], STATUSES[1 - from]);
            json!({ "from": from, "to": to, "quantity": quantity.to_string(), "reason": "QUARANTINE_IN" })
        }
    };
    wish.as_object_mut().unwrap().extend(how.as_object().unwrap().clone());
    wish
}

/// Plenty of everything that is adjusted.
fn supply() -> impl Iterator<Item = Act> {
    let shelves = ITEMS.iter().flat_map(|(sku, unit, lots)| lots.iter().map(move |lot| (sku, unit, lot)));
    shelves.flat_map(|(sku, unit, lot)| {
        let found = |status| json!({ "sku": sku, "unit": unit, "lot": lot, "status": status, "delta": "60", "reason": "FOUND" });
        STATUSES.map(|status| Act::Adjust(found(status)))
    })
}

fn acts(chance: &mut fastrand::Rng) -> Vec<(Duration, Act)> {
    let mut acts = Vec::new();
    let documents = chance.u64(1..=3);
    for number in 0..documents {
        let at = chance.u64(..3000);
        acts.push((at, Act::Release { lines_max: chance.u64(1..=2) }));
        if chance.u8(..3) == 0 {
            acts.push((at + chance.u64(..1500), Act::Change(number)));
        }
        if chance.u8(..5) == 0 {
            acts.push((at + chance.u64(..2500), Act::Cancel(number)));
        }
        if chance.u8(..4) == 0 {
            acts.push((at.saturating_sub(50), Act::Forbid(number, true)));
            acts.push((at + chance.u64(2000..9000), Act::Forbid(number, false)));
        }
    }
    let mut maybe = |one_in: u8, act: fn(&mut fastrand::Rng) -> Act, acts: &mut Vec<(u64, Act)>| {
        if chance.u8(..one_in) == 0 {
            let at = chance.u64(..12_000);
            let act = act(chance);
            acts.push((at, act));
        }
    };
    maybe(4, |chance| Act::Down(Which::Warehouse, millis(chance, 6000)), &mut acts);
    maybe(6, |chance| Act::Down(Which::Dynamics, millis(chance, 6000)), &mut acts);
    maybe(3, |chance| Act::Stall(0, millis(chance, 14_000)), &mut acts);
    maybe(2, |_| Act::Join(1), &mut acts);
    maybe(4, |_| Act::Leave(0), &mut acts);
    maybe(4, |_| Act::Die(0), &mut acts);
    maybe(4, |_| Act::Leave(1), &mut acts);
    maybe(4, |chance| Act::Stall(1, millis(chance, 14_000)), &mut acts);
    maybe(2, |_| Act::Replay, &mut acts);
    maybe(3, |_| Act::Replay, &mut acts);
    maybe(8, |_| Act::Discard, &mut acts);
    maybe(3, |chance| Act::BrokerAway(millis(chance, 5000)), &mut acts);
    if chance.u8(..5) == 0 {
        acts.push((500, Act::SameBytes));
        acts.push((60_500, Act::SameBytes));
    }
    // Whoever is gone comes back in the end.
    acts.push((13_000, Act::Join(0)));
    let end = acts.iter().map(|(at, _)| *at).max().unwrap_or_default() + 500;
    acts.push((end, Act::Heal));
    acts.sort_by_key(|(at, _)| *at);
    acts.into_iter().map(|(at, act)| (Duration::from_millis(at), act)).collect()
}

fn millis(chance: &mut fastrand::Rng, most: u64) -> Duration {
    Duration::from_millis(chance.u64(500..most))
}
