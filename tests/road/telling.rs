//! Orders in a world, and what somebody at either far end does with one and tells of it by hand.

use std::collections::{BTreeMap, BTreeSet};

use drayline::sandbox::{FinanceOperationsRules, WarehouseRules};
use drayline::store::{Listed, ParkedFilter, WaitsFor};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::world::{Making, World};
use crate::support::wait::until;

/// What each of these orders orders: line, item, quantity.
pub const ORDERED: [(&str, &str, &str); 2] = [("1", "ITEM-1001", "10"), ("2", "ITEM-1002", "4")];

/// Nothing happens in the house but what somebody does by hand, and Dynamics is quick.
pub fn by_hand() -> Making {
    const LONG: u64 = 3_600_000;
    Making {
        warehouse: WarehouseRules { accept_ms: LONG, pick_ms: LONG, ship_ms: LONG, ..WarehouseRules::default() },
        dynamics: FinanceOperationsRules { process_ms: 20, ..FinanceOperationsRules::default() },
        toml: "processor.posting_poll_delays_ms = [100, 200, 500]".to_owned(),
        ..Making::default()
    }
}

/// An order that Dynamics released.
pub struct Order<'w> {
    pub world: &'w World,
    /// Its id in Dynamics.
    pub id: String,
}

/// Updates that Dynamics has accepted of one document: what each shipment moved, by line.
pub type Posted = BTreeMap<String, BTreeMap<String, Decimal>>;

impl<'w> Order<'w> {
    /// So many of them; nobody is told of those that are silent.
    pub async fn released(world: &'w World, count: usize, silent: bool) -> Vec<Self> {
        let lines: Vec<_> = ORDERED
            .iter()
            .map(|(_, item, quantity)| json!({ "item": item, "quantity": quantity, "unit": "ea" }))
            .collect();
        let how = json!({ "count": count, "silent": silent, "lines": lines });
        let answer = world.to_dynamics.release_as(&how).await.unwrap();
        let ids = answer["released"].as_array().unwrap().iter();
        ids.map(|id| Self { world, id: id.as_str().unwrap().to_owned() }).collect()
    }

    /// Our reference of it.
    pub fn reference(&self) -> String {
        format!("usmf-{}-W1", self.id)
    }

    /// The key of a shipment of it, so that no two orders share one.
    pub fn key(&self, name: &str) -> String {
        format!("{name}-{}", self.id.trim_start_matches(|letter: char| !('1'..='9').contains(&letter)))
    }

    /// Somebody in the house moves it on, where a stage is named, and tells of it.
    pub async fn does(&self, stage: Option<&str>, kind: &str, data: &Value) {
        let how = json!({ "reference": self.reference(), "stage": stage, "tell": [{ "kind": kind, "data": data }] });
        self.world.to_warehouse.do_and_tell(&how).await.unwrap();
    }

    pub async fn says(&self, kind: &str, data: &Value) {
        self.does(None, kind, data).await;
    }

    /// A shipment leaves, or is told again, in these packages.
    pub async fn ships(&self, name: &str, packages: &[Value]) {
        self.does(Some("PartlyShipped"), "shipment_confirmed", &self.shipment(name, packages)).await;
    }

    pub fn shipment(&self, name: &str, packages: &[Value]) -> Value {
        json!({ "shipmentKey": self.key(name), "shippedAt": now(), "packages": packages })
    }

    /// What Dynamics accepted of it, by the names of its shipments.
    pub async fn posted(&self) -> Posted {
        let state = self.world.to_dynamics.state().await.unwrap();
        posted_in(&state, &self.id)
    }

    /// The tracking of its shipments in Dynamics: shipment and number.
    pub async fn tracked(&self) -> BTreeSet<(String, String)> {
        let state = self.world.to_dynamics.state().await.unwrap();
        tracked_in(&state, &self.id)
    }

    pub async fn until_posted(&self, what: &str, shipments: &[(&str, &[(&str, u8)])]) {
        let lines =
            |lines: &[(&str, u8)]| lines.iter().map(|(line, moved)| ((*line).to_owned(), (*moved).into())).collect();
        let wanted: Posted = shipments.iter().map(|(name, moved)| ((*name).to_owned(), lines(moved))).collect();
        until(&format!("{what}: posted {wanted:?}"), async || (self.posted().await == wanted).then_some(())).await;
    }

    pub async fn until_tracked(&self, what: &str, rows: &[(&str, &str)]) {
        let wanted: BTreeSet<_> =
            rows.iter().map(|(shipment, number)| ((*shipment).to_owned(), (*number).to_owned())).collect();
        until(&format!("{what}: tracked {wanted:?}"), async || (self.tracked().await == wanted).then_some(())).await;
    }

    /// Waits until a person has this of it, at the front of a lane.
    pub async fn until_asked(&self, what: &str, code: &str) -> Listed {
        until(&format!("{what}: {code}"), async || {
            let fronts = fronts(self.world).await;
            let mine = |row: &&Listed| row.parked.ordering_key.ends_with(&self.id) && code_of(row) == Some(code);
            fronts.iter().find(mine).cloned()
        })
        .await
    }

    /// The person in whose hands it is has seen to it elsewhere.
    pub async fn is_discarded(&self, what: &str, code: &str) {
        let row = self.until_asked(what, code).await;
        self.world.store().await.discard(row.parked.message_id, "a test", "it is settled").await.unwrap();
    }
}

pub fn now() -> String {
    Timestamp::now().to_string()
}

/// A package with these contents: line, item, quantity.
pub fn package(key: &str, tracking: Option<&str>, contents: &[(&str, &str, &str)]) -> Value {
    let content = |(line, item, quantity): &(&str, &str, &str)| {
        json!({
            "line": { "orderLineId": line },
            "item": { "sku": item },
            "quantity": { "value": quantity, "unit": "ea" },
        })
    };
    let contents: Vec<_> = contents.iter().map(content).collect();
    json!({ "packageKey": key, "trackingNumber": tracking, "contents": contents })
}

/// What stands at the front of every lane, whatever it waits for.
pub async fn fronts(world: &World) -> Vec<Listed> {
    let filter = ParkedFilter { limit: 1000, ..ParkedFilter::default() };
    let (_, mut rows) = world.store().await.parked(&filter).await.unwrap();
    rows.retain(|row| row.behind.is_none());
    rows
}

/// What a person has it for.
pub fn code_of(row: &Listed) -> Option<&str> {
    let failure = row.parked.failure.as_ref().filter(|_| row.parked.waits_for == WaitsFor::Person);
    failure.map(|failure| failure.code.as_str())
}

/// What Dynamics accepted of a document, in its state.
pub fn posted_in(state: &Value, id: &str) -> Posted {
    let accepted = state["postings"].as_array().unwrap().iter();
    let accepted = accepted.filter(|posting| posting["order"] == id && posting["state"] == "Accepted");
    let moved = |line: &Value| {
        let text = |name: &str| line[name].as_str().unwrap().to_owned();
        (text("line"), text("shipped").parse().unwrap())
    };
    accepted
        .map(|posting| (shipment(posting), posting["lines"].as_array().unwrap().iter().map(moved).collect()))
        .collect()
}

/// The tracking of a document's shipments in Dynamics' state.
pub fn tracked_in(state: &Value, id: &str) -> BTreeSet<(String, String)> {
    let postings = || state["postings"].as_array().unwrap().iter().filter(|posting| posting["order"] == id);
    let rows = state["tracking"].as_array().unwrap().iter();
    let of_it = rows.filter_map(|row| {
        let posting = postings().find(|posting| posting["packing_slip"] == row["packing_slip"])?;
        Some((shipment(posting), row["tracking_number"].as_str().unwrap().to_owned()))
    });
    of_it.collect()
}

/// The name that [`Order::key`] was given, of the shipment of a posting: its packing slip begins with the key.
fn shipment(posting: &Value) -> String {
    posting["packing_slip"].as_str().unwrap().split('-').next().unwrap().to_owned()
}
