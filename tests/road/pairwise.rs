//! Every ending of receipts and adjustments, with every fault, over both transports: each pair of them in one of few worlds.

use std::collections::BTreeMap;
use std::time::Duration;

use drayline::sandbox::{Fault, Faults, FinanceOperationsRules, LedgerLine, Uniqueness, WarehouseRules};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::world::{Making, World};
use crate::support::Backing;
use crate::support::wait::{until, until_within};

/// A world with faults takes some time on a busy machine.
const ALL_WITHIN: Duration = Duration::from_mins(3);

/// An enum, and the list of its members.
macro_rules! listed {
    ($(#[$about:meta])* $kind:ident, $all:ident: $($member:ident),* $(,)?) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        enum $kind { $($member),* }
        const $all: &[$kind] = &[$($kind::$member),*];
    };
}

listed!(
    /// How what is told of a receipt or an adjustment ends.
    Ending, ENDINGS:
    Short,
    OverWithinTolerance,
    OverBeyondTolerance,
    Damaged,
    UnexpectedItem,
    CorrectedDownwards,
    ReceivedAfterComplete,
    Split,
    Completed,
    Moved,
    StatusChanged,
    Counted,
    RefusedUntilStockComesIn,
    ReasonUnknown,
);

const FAULTS: [Fault; 6] =
    [Fault::Latency, Fault::Refuse429, Fault::Fail5xx, Fault::LoseAnswer, Fault::Duplicate, Fault::Reorder];

/// One world.
struct Row {
    backing: Backing,
    uniqueness: Uniqueness,
    faults: &'static [Fault],
}

const EMBEDDED: Row = Row {
    backing: Backing::Embedded,
    uniqueness: Uniqueness::AnswersExisting,
    faults: &[Fault::Latency, Fault::Fail5xx, Fault::Duplicate],
};

const EMBEDDED_UNSURE: Row = Row {
    backing: Backing::Embedded,
    uniqueness: Uniqueness::UpdatesInPlace,
    faults: &[Fault::Refuse429, Fault::LoseAnswer, Fault::Reorder],
};

const SERVERS: Row = Row {
    backing: Backing::Servers,
    uniqueness: Uniqueness::AnswersExisting,
    faults: &[Fault::Latency, Fault::Fail5xx, Fault::Duplicate],
};

const SERVERS_UNSURE: Row = Row {
    backing: Backing::Servers,
    uniqueness: Uniqueness::AnswersExisting,
    faults: &[Fault::Refuse429, Fault::LoseAnswer, Fault::Reorder],
};

const ROWS: [&Row; 4] = [&EMBEDDED, &EMBEDDED_UNSURE, &SERVERS, &SERVERS_UNSURE];

#[test]
fn every_pair_of_fault_and_transport_has_a_world() {
    // Each world plays every ending, so that this makes every pair of those, too.
    for fault in FAULTS {
        for servers in [false, true] {
            let holds = |row: &&Row| matches!(row.backing, Backing::Servers) == servers && row.faults.contains(&fault);
            assert!(ROWS.iter().any(holds), "servers {servers}: {fault:?}");
        }
    }
}

#[tokio::test]
async fn goods_end_as_told_embedded_late_refused_and_doubled() {
    EMBEDDED.play().await;
}

#[tokio::test]
async fn goods_end_as_told_embedded_throttled_unsure_and_reordered() {
    EMBEDDED_UNSURE.play().await;
}

#[tokio::test]
async fn goods_end_as_told_on_servers_late_refused_and_doubled() {
    SERVERS.play().await;
}

#[tokio::test]
async fn goods_end_as_told_on_servers_throttled_unsure_and_reordered() {
    SERVERS_UNSURE.play().await;
}

/// What a document is told to have received: receipt, state, sound, damaged, and of what nobody ordered.
type Told = (&'static str, &'static str, u8, u8, u8);

impl Ending {
    /// Each has an item of its own, so that nothing makes up for something else.
    fn item(self) -> String {
        let place = ENDINGS.iter().position(|ending| *ending == self).unwrap();
        format!("ITEM-{}", 21 + place)
    }

    /// The reports of the document, in the order in which they were made; ten are ordered, and eleven tolerated.
    fn reports(self) -> &'static [Told] {
        match self {
            Self::Short => &[("A", "PARTIAL", 4, 0, 0), ("A", "COMPLETE", 7, 0, 0)],
            Self::OverWithinTolerance => &[("A", "COMPLETE", 11, 0, 0)],
            Self::OverBeyondTolerance => &[("A", "PARTIAL", 13, 0, 0)],
            Self::Damaged => &[("A", "PARTIAL", 5, 0, 0), ("A", "COMPLETE", 8, 2, 0)],
            Self::UnexpectedItem => &[("A", "COMPLETE", 10, 0, 1)],
            Self::CorrectedDownwards => &[("A", "PARTIAL", 9, 0, 0), ("A", "PARTIAL", 6, 0, 0)],
            Self::ReceivedAfterComplete => &[("A", "COMPLETE", 8, 0, 0), ("A", "PARTIAL", 9, 0, 0)],
            Self::Split => &[("A", "PARTIAL", 4, 0, 0), ("B", "COMPLETE", 6, 0, 0)],
            Self::Completed => &[("A", "ARRIVED", 0, 0, 0), ("A", "PARTIAL", 5, 0, 0), ("A", "COMPLETE", 10, 0, 0)],
            _ => &[],
        }
    }

    fn adjustment(self) -> Option<Value> {
        let sku = self.item();
        match self {
            Self::Moved => Some(json!({ "sku": sku, "delta": "-2", "reason": "DAMAGED" })),
            Self::StatusChanged => Some(
                json!({ "sku": sku, "from": "AVAILABLE", "to": "QUARANTINE", "quantity": "2", "reason": "QUARANTINE_IN" }),
            ),
            Self::Counted => Some(json!({ "sku": sku, "level": "1000001", "reason": "CYCLE_COUNT" })),
            Self::RefusedUntilStockComesIn => Some(json!({ "sku": sku, "delta": "-5", "reason": "LOST" })),
            Self::ReasonUnknown => Some(json!({ "sku": sku, "delta": "-1", "reason": "SPILLAGE" })),
            _ => None,
        }
    }

    /// By how much Dynamics' stock has changed in the end: what can be sold, and what else there is.
    fn moves(self) -> (i64, Option<(&'static str, i64)>) {
        match self {
            Self::Short => (7, None),
            Self::OverWithinTolerance | Self::OverBeyondTolerance => (11, None),
            Self::Damaged => (8, Some(("damaged", 2))),
            Self::UnexpectedItem | Self::Split | Self::Completed => (10, None),
            Self::CorrectedDownwards => (6, None),
            Self::ReceivedAfterComplete => (9, None),
            Self::Moved => (-2, None),
            Self::StatusChanged => (-2, Some(("quarantine", 2))),
            Self::Counted => (1, None),
            Self::RefusedUntilStockComesIn => (-1, None),
            Self::ReasonUnknown => (0, None),
        }
    }

    /// What of it is a person's.
    fn exception(self) -> Option<&'static str> {
        match self {
            Self::OverBeyondTolerance => Some("receipt.exceeds_order"),
            Self::UnexpectedItem => Some("receipt.item_unexpected"),
            Self::ReasonUnknown => Some("adjustment.reason_unknown"),
            _ => None,
        }
    }
}

impl Row {
    async fn play(&self) {
        let world = World::start(self.backing, self.making()).await;
        for ending in ENDINGS.iter().filter(|ending| !ending.reports().is_empty()) {
            self.tell(&world, *ending).await;
        }
        let adjustments: Vec<_> = ENDINGS.iter().filter_map(|ending| ending.adjustment()).collect();
        world.to_warehouse.adjust(&json!({ "adjustments": adjustments })).await.unwrap();
        until("what is short waits for stock", async || {
            let (_, parked) = world.exceptions(true).await;
            parked.iter().any(|each| each.code == "dynamics.stock_short").then_some(())
        })
        .await;
        let found = json!({ "sku": Ending::RefusedUntilStockComesIn.item(), "delta": "4", "reason": "FOUND" });
        world.to_warehouse.adjust(&json!({ "adjustments": [found] })).await.unwrap();
        let more = self.until_all_struck(&world).await;
        self.must_end(world, more).await;
    }

    fn making(&self) -> Making {
        let has = |fault, rate| if self.faults.contains(&fault) { rate } else { 0.0 };
        let faults = Faults {
            latency_ms: if self.faults.contains(&Fault::Latency) { 20 } else { 0 },
            refuse_429: has(Fault::Refuse429, 0.05),
            fail_5xx: has(Fault::Fail5xx, 0.08),
            lose_answer: has(Fault::LoseAnswer, 0.15),
            duplicate: has(Fault::Duplicate, 0.7),
            reorder: has(Fault::Reorder, 0.7),
            ..Faults::default()
        };
        // What is received is told below; goods of the warehouse's own stay on their way.
        let warehouse = WarehouseRules { arrive_ms: 600_000, ..WarehouseRules::default() };
        let dynamics = FinanceOperationsRules {
            stock_at_first: 3,
            negative_stock_refused: true,
            ..FinanceOperationsRules::default()
        };
        let sections = "[dynamics.contoso.statuses]\nDAMAGED = \"Damaged\"\nQUARANTINE = \"Quarantine\"\n".to_owned();
        Making { faults, uniqueness: self.uniqueness, dynamics, warehouse, sections, ..Making::default() }
    }

    /// Lets goods be expected, and tells what came of them: twice and backwards where that is the fault.
    async fn tell(&self, world: &World, ending: Ending) {
        self.tell_of(world, &ending.item(), ending.reports()).await;
    }

    async fn tell_of(&self, world: &World, item: &str, reports: &[Told]) {
        let line = json!({ "item": item, "quantity": "10", "unit": "ea" });
        let address = format!("{}/sandbox/receipts", world.dynamics.url());
        let asked = reqwest::Client::new().post(address).json(&json!({ "lines": [line] })).send().await.unwrap();
        let id = asked.json::<Value>().await.unwrap()["released"][0].as_str().unwrap().to_owned();
        let mut events: Vec<_> = (1..).zip(reports).map(|told| report(item, &id, told)).collect();
        if self.faults.contains(&Fault::Reorder) {
            events.reverse();
        }
        let copies = if self.faults.contains(&Fault::Duplicate) { 2 } else { 1 };
        for (number, event) in events.iter().enumerate() {
            for _ in 0..copies {
                world.say_as_warehouse_under(&format!("{id}-{number}"), "goods_received", event).await;
            }
        }
    }

    /// Chance may spare what matters: one more is received, or found, and posted until every fault has struck the postings of
    /// either flow. How many of each were.
    async fn until_all_struck(&self, world: &World) -> [u32; 2] {
        let mut more = [0, 0];
        for _ in 0..MORE_MAX {
            let mut spared = Vec::new();
            for (flow, posted) in POSTED.iter().enumerate() {
                for fault in self.faults {
                    if !has_struck(world, *fault, posted).await {
                        spared.push(flow);
                    }
                }
            }
            let Some(flow) = spared.first().copied() else { return more };
            more[flow] += 1;
            if MORE[flow] == RECEIVED {
                self.tell_of(world, RECEIVED, &[("A", "PARTIAL", 1, 0, 0)]).await;
            } else {
                let found = json!({ "sku": FOUND, "delta": "1", "reason": "FOUND" });
                world.to_warehouse.adjust(&json!({ "adjustments": [found] })).await.unwrap();
            }
            until_within(ALL_WITHIN, "one more is posted", async || {
                let state = world.to_dynamics.state().await.ok()?;
                let held = moved(&state).remove(&(MORE[flow].to_owned(), "available".to_owned()))?;
                (held == Decimal::from(more[flow])).then_some(())
            })
            .await;
        }
        panic!("chance spared every call: {:?}", self.faults);
    }

    /// What was told is in Dynamics, once each; what is a person's is there, and nothing else.
    async fn must_end(&self, world: World, more: [u32; 2]) {
        let more =
            MORE.into_iter().zip(more).map(|(sku, more)| ((sku.to_owned(), "available".to_owned()), more.into()));
        let moves: BTreeMap<_, _> = ENDINGS
            .iter()
            .flat_map(|ending| wanted(*ending))
            .chain(more.filter(|(_, more): &(_, Decimal)| !more.is_zero()))
            .collect();
        let mut codes: Vec<_> = ENDINGS.iter().filter_map(|ending| ending.exception()).map(str::to_owned).collect();
        codes.sort_unstable();
        until_within(ALL_WITHIN, "everything as it was told", async || {
            let state = world.to_dynamics.state().await.ok()?;
            (moved(&state) == moves && open(&world).await == codes).then_some(())
        })
        .await;
        world.until_nothing_parked().await;
        let state = world.to_dynamics.state().await.unwrap();
        assert_eq!((moved(&state), open(&world).await), (moves, codes));
        let rows = ["adjustments", "receipts"].map(|name| state[name].as_array().unwrap().clone()).concat();
        assert!(
            rows.iter().all(|row| row["creates"] == 1 || self.uniqueness == Uniqueness::UpdatesInPlace),
            "{rows:#?}"
        );
        world.leave().await;
    }
}

/// What is received, and what is found, until every fault has struck: of no ending.
const MORE: [&str; 2] = [RECEIVED, FOUND];
const RECEIVED: &str = "ITEM-39";
const FOUND: &str = "ITEM-40";

/// The entities by which receipts, and adjustments, are posted.
const POSTED: [&str; 2] = ["InboundShipmentOrderUpdates", "ExternalInventoryAdjustments"];

/// So often chance spares nobody.
const MORE_MAX: u32 = 100;

/// Calls: one that posts such a thing in Dynamics was struck, by its ledger. Events: one of each far end was, which tells of goods
/// that are expected, and of stock that is adjusted; what is told of receipts is doubled and turned round by hand.
async fn has_struck(world: &World, fault: Fault, posted: &str) -> bool {
    if matches!(fault, Fault::Duplicate | Fault::Reorder) {
        let states = [world.to_dynamics.state().await.unwrap(), world.to_warehouse.state().await.unwrap()];
        let name = serde_json::to_value(fault).unwrap();
        return states.iter().all(|state| state["faults"][name.as_str().unwrap()].as_u64() > Some(0));
    }
    let ledger = world.to_dynamics.ledger(0).await.unwrap();
    let posts = |line: &&LedgerLine| {
        line.subject.as_deref().is_some_and(|brought| brought.split(' ').any(|each| each == posted))
    };
    ledger.iter().filter(posts).any(|line| line.faults.contains(&fault))
}

/// A report of a receipt, with totals.
fn report(item: &str, id: &str, (sequence, told): (u8, &Told)) -> Value {
    let (receipt, state, sound, damaged, strange) = *told;
    let of = |sku: &str, quantity: u8| json!({ "item": { "sku": sku }, "received": { "value": quantity.to_string(), "unit": "ea" } });
    let mut lines = Vec::new();
    for (quantity, status) in
        [(sound, None), (damaged, Some("DAMAGED"))].into_iter().filter(|(quantity, _)| *quantity > 0)
    {
        let mut line = of(item, quantity);
        line["line"] = json!({ "orderLineId": "1" });
        if let Some(status) = status {
            line["stockStatus"] = json!({ "code": status });
            line["damaged"] = line["received"].clone();
        }
        lines.push(line);
    }
    if strange > 0 {
        lines.push(of("NOBODY-ORDERED", strange));
    }
    json!({
        "receiptKey": format!("{id}-{receipt}"),
        "inboundOrder": { "reference": format!("usmf-{id}-W1") },
        "state": state,
        "quantityBasis": "CUMULATIVE",
        "lines": lines,
        "isFinal": state == "COMPLETE",
        "sequence": sequence.to_string(),
    })
}

fn wanted(ending: Ending) -> Vec<((String, String), Decimal)> {
    let (sellable, other) = ending.moves();
    let sellable = ((ending.item(), "available".to_owned()), sellable.into());
    let other = other.map(|(status, quantity)| ((ending.item(), status.to_owned()), quantity.into()));
    let all = [Some(sellable), other].into_iter().flatten();
    all.filter(|(_, quantity): &(_, Decimal)| !quantity.is_zero()).collect()
}

/// By how much each item and status has changed in Dynamics.
fn moved(state: &Value) -> BTreeMap<(String, String), Decimal> {
    let rows = state["on_hand"].as_array().unwrap().iter().map(|row| {
        let text = |name: &str| row[name].as_str().unwrap().to_owned();
        let at_first = if row["status"] == "available" { Decimal::from(1_000_000) } else { Decimal::ZERO };
        ((text("sku"), text("status")), text("quantity").parse::<Decimal>().unwrap() - at_first)
    });
    rows.filter(|(_, quantity)| !quantity.is_zero()).collect()
}

/// The codes of what waits for a person.
async fn open(world: &World) -> Vec<String> {
    let (_, exceptions) = world.exceptions(false).await;
    let mut codes: Vec<_> = exceptions.into_iter().map(|each| each.code).collect();
    codes.sort_unstable();
    codes
}
