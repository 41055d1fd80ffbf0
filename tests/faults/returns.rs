//! What comes back while things are taken away: asked for by a shop over the API, or made in Dynamics, some of it exchanged or
//! refunded before its goods came; and what must be true of all of it in the end.
//!
//! The warehouse finds one disposition after another. A shop asks until it is answered. Whoever makes a return order in Dynamics looks
//! first: nothing there keeps the same one from being made twice.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use drayline::console::TOKEN_FILE;
use drayline::sandbox::{Shop, Visitor, unless_refused};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::road::returns;
use crate::road::world::{Making, Process, World};

/// From one return to the next.
const TICK: Duration = Duration::from_millis(250);

/// How a return begins, in turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Asked,
    Made,
    Exchanged,
    Refunded,
}

const WAYS: [Way; 4] = [Way::Asked, Way::Made, Way::Exchanged, Way::Refunded];

/// What the far ends, and the product, must know of returns.
pub fn making(making: Making) -> Making {
    let Making { sections, dynamics, toml, .. } = returns::making();
    Making { sections, dynamics, toml: format!("{toml}\n{}", making.toml), ..making }
}

/// Where the shop reaches the API now: whoever answers there may be killed, and is elsewhere afterwards.
#[derive(Clone, Default)]
pub struct Counter(Arc<Mutex<Option<Shop>>>);

impl Counter {
    /// This process answers from now on; its data are in this folder of the world.
    pub fn opened(&self, world: &World, folder: &str, process: &Process) {
        let token = std::fs::read_to_string(world.ground.data().join(folder).join(TOKEN_FILE)).unwrap();
        let url = format!("http://{}", process.addresses["console"]);
        *self.0.lock().unwrap() = Some(Shop::of(&url, token.trim()).unwrap());
    }

    fn shop(&self) -> Option<Shop> {
        self.0.lock().unwrap().clone()
    }
}

/// What shall come back while something is disturbed.
pub struct ComingBack {
    pub dynamics: Visitor,
    pub counter: Counter,
}

impl ComingBack {
    /// So many, one after the other.
    pub async fn all(self, count: u64) -> u64 {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        for number in 1..=count {
            ticks.tick().await;
            self.begin(number).await;
        }
        count
    }

    /// One after the other, until somebody says that it is enough; answers how many.
    pub async fn until_enough(self, enough: CancellationToken) -> u64 {
        let mut ticks = tokio::time::interval(TICK * 3);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        for number in 1.. {
            if enough.run_until_cancelled(ticks.tick()).await.is_none() {
                return number - 1;
            }
            self.begin(number).await;
        }
        0
    }

    /// Asks, or makes, until it is taken for certain.
    async fn begin(&self, number: u64) {
        let way = way(number);
        let began = Instant::now();
        let mut looks = tokio::time::interval(Duration::from_millis(50));
        while !self.is_taken(number, way).await {
            looks.tick().await;
            assert!(began.elapsed() < super::scene::PATIENCE, "nobody takes the return {number}");
        }
    }

    async fn is_taken(&self, number: u64, way: Way) -> bool {
        if matches!(way, Way::Asked | Way::Exchanged) {
            let Some(shop) = self.counter.shop() else { return false };
            let answer = shop.ask(&key(number), &wish(number, way)).await;
            let is_taken = answer.is_ok();
            unless_refused(answer).unwrap();
            return is_taken;
        }
        let Ok(state) = self.dynamics.state().await else { return false };
        if of(&state, "returns").any(|returned| returned["reference"] == key(number)) {
            return true;
        }
        let made = json!({
            "seed": number,
            "lines_max": 2,
            "fields": { "CustomersOrderReference": key(number) },
            "refunded": way == Way::Refunded,
        });
        self.dynamics.send_back(&made).await.is_ok()
    }
}

fn way(number: u64) -> Way {
    WAYS[usize::try_from(number - 1).unwrap() % WAYS.len()]
}

fn key(number: u64) -> String {
    format!("back-{number}")
}

/// What a shop says: more of an item each time, so that it tells which wish became which return order.
fn wish(number: u64, way: Way) -> Value {
    let mut wish = returns::wish(&format!("ITEM-10{:02}", number % 10), &number.to_string());
    if way == Way::Exchanged {
        wish["lines"][0]["reason"] = json!({ "code": "EXCHANGE" });
    }
    wish
}

fn of<'s>(state: &'s Value, name: &str) -> impl Iterator<Item = &'s Value> + use<'s> {
    state[name].as_array().unwrap().iter()
}

fn decimal(value: &Value) -> Decimal {
    value.as_str().unwrap().parse().unwrap()
}

/// Every wish is one return order, and there are no others; every line has the credit that it is to have, as often as it is, and what was
/// refunded before none for its goods. What came and was never received is told by the far ends' verdict.
pub fn judge(dynamics: &Value, count: u64) {
    let mut orders: BTreeMap<u64, Vec<&Value>> = BTreeMap::new();
    for returned in of(dynamics, "returns") {
        orders.entry(number_of(returned)).or_default().push(returned);
    }
    assert_eq!(orders.keys().copied().collect::<Vec<_>>(), (1..=count).collect::<Vec<_>>(), "what there is");
    for (number, orders) in orders {
        let [order] = orders.as_slice() else { panic!("the return {number} is there {} times", orders.len()) };
        for line in of(order, "lines") {
            let credited = |refund: bool| -> Decimal {
                let notes = of(dynamics, "credit_notes");
                let notes = notes.filter(|note| note["order"] == order["id"] && note["refund"] == refund);
                let lines =
                    notes.flat_map(|note| of(note, "lines")).filter(|credited| credited["line"] == line["line"]);
                lines.map(|credited| decimal(&credited["quantity"])).sum()
            };
            let owed = of(order, "to_credit").find(|owed| owed[0] == line["line"]);
            let owed = owed.map(|owed| decimal(&owed[1])).unwrap_or_default();
            let (received, refunded) = (credited(false), credited(true));
            assert_eq!(received, owed, "for the goods of {line} in {order:#}");
            let wanted = match way(number) {
                Way::Asked | Way::Made => (received, Decimal::ZERO),
                Way::Exchanged => (Decimal::ZERO, Decimal::ZERO),
                Way::Refunded => (Decimal::ZERO, decimal(&line["ordered"])),
            };
            assert_eq!((received, refunded), wanted, "{line} in {order:#}");
        }
    }
}

/// Which return an order in Dynamics is: by its reference where somebody made it there, else by how much comes back.
fn number_of(returned: &Value) -> u64 {
    let reference = returned["reference"].as_str().unwrap();
    let made = reference.strip_prefix("back-").and_then(|number| number.parse().ok());
    made.unwrap_or_else(|| decimal(&returned["lines"][0]["ordered"]).try_into().unwrap())
}
