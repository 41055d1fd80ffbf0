//! Every ending of receipts and adjustments, with every fault, over both transports: each pair of them in one of few worlds.

use std::collections::BTreeMap;
use std::time::Duration;

use drayline::sandbox::{Fault, Faults, FinanceOperationsRules, Uniqueness, WarehouseRules};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::world::{Making, World};
use crate::support::Backing;
use crate::support::wait::{until, until_within};

/// A world with faults takes some time on a busy machine.
const ALL_WITHIN: Duration = Duration::from_mins(3);

/// How what is told of a receipt or an adjustment ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
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
}

use Ending::{
    Completed, CorrectedDownwards, Counted, Damaged, Moved, OverBeyondTolerance, OverWithinTolerance, ReasonUnknown,
    ReceivedAfterComplete, RefusedUntilStockComesIn, Short, Split, StatusChanged, UnexpectedItem,
};

const ENDINGS: [Ending; 14] = [
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
];

const FAULTS: [Fault; 6] =
    [Fault::Latency, Fault::Refuse429, Fault::Fail5xx, Fault::LoseAnswer, Fault::Duplicate, Fault::Reorder];

/// One world.
struct Row {
    backing: Backing,
    uniqueness: Uniqueness,
    faults: &'static [Fault],
    endings: &'static [Ending],
}

const EMBEDDED: Row = Row {
    backing: Backing::Embedded,
    uniqueness: Uniqueness::AnswersExisting,
    faults: &[Fault::Latency, Fault::Fail5xx, Fault::Duplicate],
    endings: &ENDINGS,
};

const EMBEDDED_UNSURE: Row = Row {
    backing: Backing::Embedded,
    uniqueness: Uniqueness::UpdatesInPlace,
    faults: &[Fault::Refuse429, Fault::LoseAnswer, Fault::Reorder],
    endings: &ENDINGS,
};

const SERVERS: Row = Row {
    backing: Backing::Servers,
    uniqueness: Uniqueness::AnswersExisting,
    faults: &[Fault::Latency, Fault::Fail5xx, Fault::Duplicate],
    endings: &ENDINGS,
};

const SERVERS_UNSURE: Row = Row {
    backing: Backing::Servers,
    uniqueness: Uniqueness::AnswersExisting,
    faults: &[Fault::Refuse429, Fault::LoseAnswer, Fault::Reorder],
    endings: &ENDINGS,
};

const ROWS: [&Row; 4] = [&EMBEDDED, &EMBEDDED_UNSURE, &SERVERS, &SERVERS_UNSURE];

#[test]
fn every_pair_of_ending_fault_and_transport_has_a_world() {
    let there = |holds: &dyn Fn(&Row) -> bool| ROWS.iter().any(|row| holds(row));
    for fault in FAULTS {
        for ending in ENDINGS {
            assert!(there(&|row| row.faults.contains(&fault) && row.endings.contains(&ending)), "{fault:?} {ending:?}");
        }
    }
    for servers in [false, true] {
        let over = |row: &Row| matches!(row.backing, Backing::Servers) == servers;
        for fault in FAULTS {
            assert!(there(&|row| over(row) && row.faults.contains(&fault)), "servers {servers}: {fault:?}");
        }
        for ending in ENDINGS {
            assert!(there(&|row| over(row) && row.endings.contains(&ending)), "servers {servers}: {ending:?}");
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
            Short => &[("A", "PARTIAL", 4, 0, 0), ("A", "COMPLETE", 7, 0, 0)],
            OverWithinTolerance => &[("A", "COMPLETE", 11, 0, 0)],
            OverBeyondTolerance => &[("A", "PARTIAL", 13, 0, 0)],
            Damaged => &[("A", "PARTIAL", 5, 0, 0), ("A", "COMPLETE", 8, 2, 0)],
            UnexpectedItem => &[("A", "COMPLETE", 10, 0, 1)],
            CorrectedDownwards => &[("A", "PARTIAL", 9, 0, 0), ("A", "PARTIAL", 6, 0, 0)],
            ReceivedAfterComplete => &[("A", "COMPLETE", 8, 0, 0), ("A", "PARTIAL", 9, 0, 0)],
            Split => &[("A", "PARTIAL", 4, 0, 0), ("B", "COMPLETE", 6, 0, 0)],
            Completed => &[("A", "ARRIVED", 0, 0, 0), ("A", "PARTIAL", 5, 0, 0), ("A", "COMPLETE", 10, 0, 0)],
            Moved | StatusChanged | Counted | RefusedUntilStockComesIn | ReasonUnknown => &[],
        }
    }

    fn adjustment(self) -> Option<Value> {
        let sku = self.item();
        match self {
            Moved => Some(json!({ "sku": sku, "delta": "-2", "reason": "DAMAGED" })),
            StatusChanged => Some(
                json!({ "sku": sku, "from": "AVAILABLE", "to": "QUARANTINE", "quantity": "2", "reason": "QUARANTINE_IN" }),
            ),
            Counted => Some(json!({ "sku": sku, "level": "1000001", "reason": "CYCLE_COUNT" })),
            RefusedUntilStockComesIn => Some(json!({ "sku": sku, "delta": "-5", "reason": "LOST" })),
            ReasonUnknown => Some(json!({ "sku": sku, "delta": "-1", "reason": "SPILLAGE" })),
            Short
            | OverWithinTolerance
            | OverBeyondTolerance
            | Damaged
            | UnexpectedItem
            | CorrectedDownwards
            | ReceivedAfterComplete
            | Split
            | Completed => None,
        }
    }

    /// By how much Dynamics' stock has changed in the end: what can be sold, and what else there is.
    fn moves(self) -> (i64, Option<(&'static str, i64)>) {
        match self {
            Short => (7, None),
            OverWithinTolerance | OverBeyondTolerance => (11, None),
            Damaged => (8, Some(("damaged", 2))),
            UnexpectedItem | Split | Completed => (10, None),
            CorrectedDownwards => (6, None),
            ReceivedAfterComplete => (9, None),
            Moved => (-2, None),
            StatusChanged => (-2, Some(("quarantine", 2))),
            Counted => (1, None),
            RefusedUntilStockComesIn => (-1, None),
            ReasonUnknown => (0, None),
        }
    }

    /// What of it is a person's.
    fn exception(self) -> Option<&'static str> {
        match self {
            OverBeyondTolerance => Some("receipt.exceeds_order"),
            UnexpectedItem => Some("receipt.item_unexpected"),
            ReasonUnknown => Some("adjustment.reason_unknown"),
            _ => None,
        }
    }
}

impl Row {
    async fn play(&self) {
        let world = World::start(self.backing, self.making()).await;
        for ending in self.endings.iter().filter(|ending| !ending.reports().is_empty()) {
            self.tell(&world, *ending).await;
        }
        let adjustments: Vec<_> = self.endings.iter().filter_map(|ending| ending.adjustment()).collect();
        world.to_warehouse.adjust(&json!({ "adjustments": adjustments })).await.unwrap();
        until("what is short waits for stock", async || {
            let (_, parked) = world.exceptions(true).await;
            parked.iter().any(|each| each.code == "dynamics.stock_short").then_some(())
        })
        .await;
        let found = json!({ "sku": RefusedUntilStockComesIn.item(), "delta": "4", "reason": "FOUND" });
        world.to_warehouse.adjust(&json!({ "adjustments": [found] })).await.unwrap();
        self.must_end(world).await;
    }

    fn making(&self) -> Making {
        let has = |fault, rate| if self.faults.contains(&fault) { rate } else { 0.0 };
        let faults = Faults {
            latency_ms: if self.faults.contains(&Fault::Latency) { 20 } else { 0 },
            refuse_429: has(Fault::Refuse429, 0.05),
            fail_5xx: has(Fault::Fail5xx, 0.08),
            lose_answer: has(Fault::LoseAnswer, 0.15),
            duplicate: has(Fault::Duplicate, 0.5),
            reorder: has(Fault::Reorder, 0.5),
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
        let line = json!({ "item": ending.item(), "quantity": "10", "unit": "ea" });
        let address = format!("{}/sandbox/receipts", world.dynamics.url());
        let asked = reqwest::Client::new().post(address).json(&json!({ "lines": [line] })).send().await.unwrap();
        let id = asked.json::<Value>().await.unwrap()["released"][0].as_str().unwrap().to_owned();
        let mut events: Vec<_> = (1..).zip(ending.reports()).map(|told| report(ending, &id, told)).collect();
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

    /// What was told is in Dynamics, once each; what is a person's is there, and nothing else.
    async fn must_end(&self, world: World) {
        let moves: BTreeMap<_, _> = self.endings.iter().flat_map(|ending| wanted(*ending)).collect();
        let mut codes: Vec<_> =
            self.endings.iter().filter_map(|ending| ending.exception()).map(str::to_owned).collect();
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
        let struck = state["faults"].as_object().unwrap();
        assert!(!struck.is_empty(), "nothing went wrong in this world");
        world.leave().await;
    }
}

/// A report of a receipt, with totals.
fn report(ending: Ending, id: &str, (sequence, told): (u8, &Told)) -> Value {
    let (receipt, state, sound, damaged, strange) = *told;
    let of = |sku: &str, quantity: u8| json!({ "item": { "sku": sku }, "received": { "value": quantity.to_string(), "unit": "ea" } });
    let mut lines = Vec::new();
    for (quantity, status) in
        [(sound, None), (damaged, Some("DAMAGED"))].into_iter().filter(|(quantity, _)| *quantity > 0)
    {
        let mut line = of(&ending.item(), quantity);
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
