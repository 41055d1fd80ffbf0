//! What comes back in the demo: of the first orders a line each, once all of them have left the warehouse.
//!
//! Half is made a return order by somebody in Dynamics, for some of which the customer has the money before the goods come; for
//! the other half a shop asks over the API, and some of that is exchanged. The simulated warehouse finds one disposition
//! after another, by the number of the RMA. Dynamics' own come first, so that the first five differ for certain.
//!
//! A demo that is continued makes nothing twice: what was made in Dynamics is known there by its order, and a shop that
//! asks again means the same return.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::far_ends::row;
use super::hints;
use super::memory::Memory;
use crate::cli::Failed;
use crate::exceptions::Exception;
use crate::mapping::Row;
use crate::message::Reference;
use crate::sandbox::{Shop, Visitor, unless_refused};

/// So many returns, at least, where there are so many orders: then each way is gone.
pub(super) const RETURNS_MIN: u64 = 8;

/// So many of them are made in Dynamics, at least.
const MADE_MIN: usize = 6;

/// Returns that are asked for between two looks, at most.
const AT_ONCE_MAX: usize = 100;

/// What becomes of what comes back: the warehouse's words, and Dynamics' disposition codes. Behind what was credited before
/// stands `/CREDITED`.
const DISPOSITIONS: [(&str, &str); 10] = [
    ("RESTOCK", "CREDIT"),
    ("QUARANTINE", "CREDIT"),
    (NOT_MAPPED, "CREDIT"),
    ("SCRAP", "SCRAP"),
    ("RETURN_TO_SENDER", "SENDBACK"),
    ("RESTOCK/CREDITED", "STOCK"),
    ("QUARANTINE/CREDITED", "STOCK"),
    ("REFURBISH/CREDITED", "STOCK"),
    ("SCRAP/CREDITED", "WRITEOFF"),
    ("RETURN_TO_SENDER/CREDITED", "SENDBACK"),
];

/// Of this nobody said on a bad day what becomes of it.
const NOT_MAPPED: &str = "REFURBISH";

/// How somebody's return begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// In Dynamics.
    Made,
    /// In Dynamics, and the customer has the money already.
    Refunded,
    /// A shop asks.
    Asked,
    /// A shop asks, and the customer gets another piece for it.
    Exchanged,
}

/// Whether a far end took what it was asked.
enum Taken {
    Yes,
    /// It is asked again.
    NotNow,
    Unsure,
}

/// A line of an order that comes back.
#[derive(Clone, Debug)]
struct Parcel {
    way: Way,
    /// The request of Dynamics that it was shipped for, and the order's number.
    request: String,
    order_number: String,
    sku: Value,
    quantity: Value,
    unit: Value,
}

/// What comes back, and whoever asks for it.
pub(super) struct ComingBack {
    shop: Shop,
    environment: String,
    left: Mutex<Left>,
}

#[derive(Default)]
struct Left {
    /// How many orders had been shipped when it was last looked.
    shipped: u64,
    /// What is still to be asked for; nothing while it has not been looked, or not all of it has left.
    parcels: Option<VecDeque<Parcel>>,
}

/// The rows of the mapping that are there before the product starts.
pub(super) fn rows(warehouse: &str, bad_day: bool) -> Result<Vec<Row>, Failed> {
    let known = DISPOSITIONS.iter().filter(|(word, _)| !bad_day || *word != NOT_MAPPED);
    let cells =
        |(word, code)| [("kind", "disposition"), ("connection", warehouse), ("warehouse", word), ("dynamics", code)];
    known.map(|known| row(cells(*known))).collect()
}

/// The return orders that exceptions are about.
pub(super) fn troubled(dynamics: &Value, exceptions: &[Exception]) -> BTreeSet<String> {
    let rmas: BTreeSet<_> = exceptions.iter().filter_map(hints::rma).collect();
    let is_one = |returned: &&Value| returned["order_number"].as_str().is_some_and(|rma| rmas.contains(rma));
    list(dynamics, "returns").filter(is_one).map(|returned| text(returned, "id").to_owned()).collect()
}

/// Whether an exception is about a return order that was not made.
pub(super) fn is_wish(exception: &Exception) -> bool {
    exception.document.starts_with("return_request/")
}

impl ComingBack {
    pub(super) fn of(shop: Shop, environment: String) -> Self {
        Self { shop, environment, left: Mutex::default() }
    }

    /// Asks for some of what is to come back and was not asked for. So many orders are shipped; `still` when nothing has moved since it
    /// was last asked.
    pub(super) async fn go_on(
        &self,
        memory: &Memory,
        (dynamics, warehouse): (&Visitor, &Visitor),
        (shipped, still): (u64, bool),
    ) -> Result<(), Failed> {
        let mut left = self.left.lock().await;
        if left.parcels.is_none() {
            // All there is is much to read: it is read when it is likely to say something new.
            let news = still || shipped >= left.shipped + (memory.orders / 20).max(1);
            if shipped < memory.returns() || !news {
                return Ok(());
            }
            left.shipped = shipped;
            // A far end that does not answer is asked again at the next look.
            let (Ok(dynamics), Ok(warehouse)) = (dynamics.state().await, warehouse.state().await) else {
                return Ok(());
            };
            left.parcels = parcels(memory, &dynamics, &warehouse);
        }
        for _ in 0..AT_ONCE_MAX {
            let Some(parcel) = left.parcels.as_ref().and_then(VecDeque::front) else { break };
            match self.begin(parcel, dynamics).await? {
                Taken::Yes => drop(left.parcels.as_mut().and_then(VecDeque::pop_front)),
                Taken::NotNow => break,
                // Whether it was taken is seen there.
                Taken::Unsure => left.parcels = None,
            }
        }
        Ok(())
    }

    async fn begin(&self, parcel: &Parcel, dynamics: &Visitor) -> Result<Taken, Failed> {
        let is_made = matches!(parcel.way, Way::Made | Way::Refunded);
        let answer = if is_made {
            dynamics.send_back(&parcel.order()).await
        } else {
            self.shop.ask(&format!("back-{}", parcel.request), &parcel.wish(&self.environment)).await
        };
        if answer.is_ok() {
            return Ok(Taken::Yes);
        }
        unless_refused(answer).map_err(Failed::Work)?;
        Ok(if is_made { Taken::Unsure } else { Taken::NotNow })
    }
}

impl Parcel {
    /// As somebody makes a return order of it in Dynamics.
    fn order(&self) -> Value {
        json!({
            "lines": [{ "item": self.sku, "quantity": self.quantity, "unit": self.unit }],
            "fields": { "CustomersOrderReference": self.request },
            "refunded": self.way == Way::Refunded,
        })
    }

    /// As a shop asks for it.
    fn wish(&self, environment: &str) -> Value {
        let reason = if self.way == Way::Exchanged { "EXCHANGE" } else { "CHANGED_MIND" };
        json!({
            "environment": environment,
            "legalEntity": "usmf",
            "customerAccount": "C00007",
            "order": { "orderNumber": self.order_number },
            "lines": [{
                "item": { "sku": self.sku },
                "quantity": { "value": self.quantity, "unit": self.unit },
                "reason": { "code": reason },
            }],
        })
    }
}

/// What is to be asked for; nothing while not all of it has left.
fn parcels(memory: &Memory, dynamics: &Value, warehouse: &Value) -> Option<VecDeque<Parcel>> {
    let shipped = list(warehouse, "orders").filter(|order| text(order, "status") == "SHIPPED");
    let shipped: BTreeMap<u64, &Value> = shipped.filter_map(|order| Some((number(order)?, order))).collect();
    let numbers = list(dynamics, "orders").map(|order| (text(order, "id"), text(order, "order_number")));
    let numbers: BTreeMap<_, _> = numbers.collect();
    let made: BTreeSet<_> = list(dynamics, "returns").map(|returned| text(returned, "reference")).collect();
    let wanted: Vec<u64> = memory.returned().collect();
    let all = wanted.len();
    let parcel = |(place, number): (usize, u64)| {
        let lines = shipped.get(&number)?["lines"].as_array()?;
        let line = lines.get(usize::try_from(number).ok()? % lines.len())?;
        let request = request(number);
        Some(Parcel {
            way: way(place, all),
            order_number: numbers.get(request.as_str()).copied().unwrap_or_default().to_owned(),
            request,
            sku: line["sku"].clone(),
            quantity: line["quantity"].clone(),
            unit: line["unit"].clone(),
        })
    };
    let all: Option<VecDeque<_>> = wanted.into_iter().enumerate().map(parcel).collect();
    all.map(|parcels| parcels.into_iter().filter(|parcel| !made.contains(parcel.request.as_str())).collect())
}

/// How the return at a place among so many begins.
fn way(place: usize, all: usize) -> Way {
    let made = (all / 2).max(MADE_MIN).min(all.saturating_sub(1));
    match place.checked_sub(made) {
        None if place % 10 == MADE_MIN - 1 => Way::Refunded,
        None => Way::Made,
        Some(asked) if asked % 4 == 0 && made > 1 => Way::Exchanged,
        Some(_) => Way::Asked,
    }
}

fn request(number: u64) -> String {
    format!("SHP{number:07}")
}

/// The number of the request that an order in the warehouse stands for.
fn number(order: &Value) -> Option<u64> {
    let reference: Reference = text(order, "reference").parse().ok()?;
    reference.document().rsplit('-').next()?.strip_prefix("SHP")?.parse().ok()
}

fn list<'v>(state: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> + use<'v> {
    state[name].as_array().into_iter().flatten()
}

fn text<'v>(of: &'v Value, name: &str) -> &'v str {
    of[name].as_str().unwrap_or_default()
}
