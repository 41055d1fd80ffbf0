//! The matrix of endings on the road: of every cell of `docs/endings.md` an order is brought to its state by both far ends, what
//! is told comes through the door, and both far ends say what they were asked to do: just what the cell says. First on a calm
//! day, then with every fault of the far ends.

use std::collections::BTreeSet;
use std::time::Duration;

use drayline::message::Kind;
use drayline::sandbox::{Effect, Fault, Faults, LedgerLine};
use drayline::store::{Listed, WaitsFor};
use serde_json::{Value, json};

use super::telling::{ORDERED, Order, by_hand, code_of, fronts, now, package, posted_in, tracked_in};
use super::world::{Making, World, event_about};
use crate::flows::endings::waits_for;
use crate::support::Backing;
use crate::support::wait::until;

const PAGE: &str = "docs/endings.md";

/// The document of the page, in whose name every order here is spoken of.
const DOCUMENT: &str = "SHP0012";

/// All orders of a world have ended by then, on a busy machine and with every fault.
const ALL_WITHIN: Duration = Duration::from_secs(100);

const UNTOLD: &str = "released, and nobody told us yet";
const CANCELLING: &str = "cancelling, and not answered";

/// States in which Dynamics has cancelled the document: it can only say so once more.
const CANCELLED: [&str; 3] = ["cancelled", CANCELLING, "cancelled when it was picked"];

/// A test of each state; each plays all that can be told, at once.
macro_rules! states {
    ($($test:ident: $state:expr,)*) => {
        const STATES: &[&str] = &[$($state),*];
        $(#[tokio::test]
        async fn $test() {
            Box::pin(play(Backing::Embedded, $state)).await;
        })*
    };
}

states! {
    everything_told_of_an_order_that_nobody_told_us_of: UNTOLD,
    everything_told_of_an_order_that_is_sent: "sent",
    everything_told_of_an_order_that_is_accepted: "accepted",
    everything_told_of_an_order_that_is_on_hold: "on hold at the warehouse",
    everything_told_of_an_order_that_is_picked: "picked",
    everything_told_of_an_order_that_is_shipped_in_part: "shipped in part",
    everything_told_of_an_order_that_is_shipped_whole: "shipped whole",
    everything_told_of_an_order_that_is_rejected: "rejected",
    everything_told_of_an_order_that_is_cancelled: "cancelled",
    everything_told_of_an_order_that_is_being_cancelled: CANCELLING,
    everything_told_of_an_order_that_was_cancelled_too_late: "cancelled when it was picked",
}

#[tokio::test]
async fn everything_told_of_an_order_that_is_accepted_on_servers() {
    Box::pin(play(Backing::Servers, "accepted")).await;
}

#[test]
fn every_cell_of_the_page_is_told() {
    let cells = cells();
    let states: BTreeSet<_> = cells.iter().map(|cell| cell.state.as_str()).collect();
    assert_eq!(states, STATES.iter().copied().collect(), "every row of {PAGE} has a state here, and no other");
    let events: BTreeSet<_> = cells.iter().map(|cell| cell.event.as_str()).collect();
    let untold: Vec<_> =
        events.iter().filter(|event| in_dynamics(event).is_none() && in_the_house(event).is_none()).collect();
    assert!(untold.is_empty(), "nobody tells these tables of {PAGE}: {untold:?}");
    assert_eq!(cells.len(), states.len() * events.len(), "every table has every row");
}

/// What is so when nothing moves any more, in the words of the page, each in order.
#[derive(Clone, Debug, Default, PartialEq)]
struct Ending {
    calls: Vec<String>,
    live: Vec<String>,
    persons: Vec<String>,
    waits: Vec<String>,
}

/// One row of one table.
struct Cell {
    event: String,
    state: String,
    ending: Ending,
}

fn cells() -> Vec<Cell> {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let (mut event, mut cells) = (String::new(), Vec::new());
    let mut of_orders = false;
    for line in page.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            heading.clone_into(&mut event);
        }
        let columns: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        match columns.as_slice() {
            ["when it is", "calls", "north has", "a person has", "it waits for"] => of_orders = true,
            [state, columns @ ..] if of_orders && columns.len() == 4 && !state.starts_with('-') => {
                let [calls, live, persons, waits] = [0, 1, 2, 3].map(|place| words(columns[place]));
                let ending = Ending { calls, live, persons, waits };
                cells.push(Cell { event: event.clone(), state: (*state).to_owned(), ending });
            }
            [_, columns @ ..] if !columns.is_empty() => {}
            _ => of_orders = false,
        }
    }
    cells
}

/// What a column lists; of the key of a tracking, which package it is of.
fn words(column: &str) -> Vec<String> {
    let word = |text: &str| {
        let word = text.split('`').nth(1).unwrap_or(text);
        let parts = if word.starts_with("write_tracking/") { 4 } else { usize::MAX };
        word.split('/').take(parts).collect::<Vec<_>>().join("/")
    };
    let mut words: Vec<_> = column.split("<br>").filter(|text| *text != "–").map(word).collect();
    words.sort_unstable();
    words
}

/// What is told of a warehouse that declares which changes it takes itself has a world of its own.
async fn play(backing: Backing, state: &str) {
    let cells = cells().into_iter().filter(|cell| cell.state == state);
    let (declared, usual): (Vec<_>, Vec<_>) =
        cells.partition(|cell| cell.event.contains("which the warehouse changes"));
    let warehouse_toml = "changes.fields = [\"recipient\"]\n".to_owned();
    Box::pin(play_in(backing, state, &usual, by_hand())).await;
    Box::pin(play_in(backing, state, &declared, Making { warehouse_toml, ..by_hand() })).await;
}

async fn play_in(backing: Backing, state: &str, cells: &[Cell], mut making: Making) {
    if state == CANCELLING {
        making.warehouse.pending_cancel_share = 1.0;
        making.warehouse.cancel_ms = making.warehouse.pick_ms;
    }
    let mut world = World::start(backing, making).await;
    let rough_before = {
        let orders = Order::released(&world, 2 * cells.len(), state == UNTOLD).await;
        let ids: Vec<_> = orders.iter().map(|order| order.id.clone()).collect();
        reach(&world, &orders, state).await;
        let (calm, rough) = orders.split_at(cells.len());
        let before = Before::of(&world).await;
        tell_all(calm, cells).await;
        before.until_ended(&world, &ids[..cells.len()], cells, Day::Calm).await;
        others_pass(&world).await;
        before.must_have_ended(&world, &ids[..cells.len()], cells, Day::Calm).await;

        let before = Before::of(&world).await;
        disturb(&world, &rough_day()).await;
        tell_all(rough, cells).await;
        before.until_ended(&world, &ids[cells.len()..], cells, Day::Rough).await;
        until_all_struck(&world).await;
        disturb(&world, &Faults::default()).await;
        others_pass(&world).await;
        (before, ids[cells.len()..].to_vec())
    };
    world.stop_product().await;
    let (before, ids) = rough_before;
    before.must_have_ended(&world, &ids, cells, Day::Rough).await;
    world.leave().await;
}

async fn tell_all(orders: &[Order<'_>], cells: &[Cell]) {
    for (order, cell) in orders.iter().zip(cells) {
        tell(order, cell).await;
    }
}

/// On a rough day a call may be made twice; what it does happens once.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Day {
    Calm,
    Rough,
}

const FAULTS: [Fault; 6] =
    [Fault::Latency, Fault::Refuse429, Fault::Fail5xx, Fault::LoseAnswer, Fault::Duplicate, Fault::Reorder];

fn rough_day() -> Faults {
    Faults {
        latency_ms: 5,
        refuse_429: 0.02,
        fail_5xx: 0.05,
        lose_answer: 0.1,
        duplicate: 0.7,
        reorder: 0.7,
        ..Faults::default()
    }
}

async fn disturb(world: &World, faults: &Faults) {
    world.to_dynamics.disturb(faults).await.unwrap();
    world.to_warehouse.disturb(faults).await.unwrap();
}

/// Chance may spare: others are told of until it has not.
async fn until_all_struck(world: &World) {
    for _ in 0..30 {
        let states = [world.to_dynamics.state().await.unwrap(), world.to_warehouse.state().await.unwrap()];
        let has_struck = |fault: &Fault| {
            let name = serde_json::to_value(fault).unwrap();
            states.iter().any(|state| state["faults"][name.as_str().unwrap()].as_u64() > Some(0))
        };
        if FAULTS.iter().all(has_struck) {
            return;
        }
        others_pass(world).await;
    }
    panic!("chance spared every call");
}

/// Others go all the way: what was told before has been taken up by then.
async fn others_pass(world: &World) {
    let others = Order::released(world, 6, false).await;
    for other in &others {
        until("another is at the warehouse", async || {
            let held = world.to_warehouse.state().await.unwrap()["orders"].as_array().unwrap().clone();
            held.iter().any(|held| held["reference"] == other.reference()).then_some(())
        })
        .await;
        other.says("order_accepted", &json!({ "acceptedAt": now() })).await;
        other.ships("S1", &[package("P1", Some("T-S1"), &ORDERED)]).await;
    }
    for other in &others {
        other.until_tracked("another", &[("S1", "T-S1")]).await;
    }
}

/// How both far ends were before something was told.
struct Before {
    warehouse_lines: u64,
    dynamics_lines: u64,
    dynamics: Value,
}

/// Both far ends, and what waits, at one instant.
struct Seen {
    warehouse_lines: Vec<LedgerLine>,
    dynamics_lines: Vec<LedgerLine>,
    warehouse: Value,
    dynamics: Value,
    fronts: Vec<Listed>,
}

impl Before {
    async fn of(world: &World) -> Self {
        let (warehouse, dynamics) = (&world.to_warehouse, &world.to_dynamics);
        Self {
            warehouse_lines: warehouse.ledger(0).await.unwrap().len() as u64,
            dynamics_lines: dynamics.ledger(0).await.unwrap().len() as u64,
            dynamics: dynamics.state().await.unwrap(),
        }
    }

    async fn see(&self, world: &World) -> Seen {
        Seen {
            fronts: fronts(world).await,
            warehouse: world.to_warehouse.state().await.unwrap(),
            dynamics: world.to_dynamics.state().await.unwrap(),
            warehouse_lines: world.to_warehouse.ledger(self.warehouse_lines).await.unwrap(),
            dynamics_lines: world.to_dynamics.ledger(self.dynamics_lines).await.unwrap(),
        }
    }

    async fn until_ended(&self, world: &World, ids: &[String], cells: &[Cell], day: Day) {
        let mut looks = tokio::time::interval(Duration::from_millis(150));
        let deadline = tokio::time::Instant::now() + ALL_WITHIN;
        loop {
            looks.tick().await;
            let otherwise = self.otherwise(world, ids, cells, day).await;
            if otherwise.is_empty() {
                return;
            }
            assert!(tokio::time::Instant::now() < deadline, "on a day that is {day:?}:\n{}", otherwise.join("\n"));
        }
    }

    async fn must_have_ended(&self, world: &World, ids: &[String], cells: &[Cell], day: Day) {
        let otherwise = self.otherwise(world, ids, cells, day).await;
        assert!(otherwise.is_empty(), "on a day that is {day:?}, once all is over:\n{}", otherwise.join("\n"));
    }

    /// The cells that end otherwise, a paragraph each.
    async fn otherwise(&self, world: &World, ids: &[String], cells: &[Cell], day: Day) -> Vec<String> {
        let seen = self.see(world).await;
        let differs = |(id, Cell { event, state, ending: said }): (&String, &Cell)| {
            let mut found = seen.ending(id, self);
            if day == Day::Rough {
                found.calls.dedup();
            }
            (found != *said)
                .then(|| format!("{event}, when it is {state} ({id}):\n  said  {said:?}\n  found {found:?}"))
        };
        ids.iter().zip(cells).filter_map(differs).collect()
    }
}

impl Seen {
    /// How a document has ended, in the words of the page.
    fn ending(&self, id: &str, before: &Before) -> Ending {
        let mine = |row: &&Listed| row.parked.ordering_key.ends_with(id);
        let waits = self.fronts.iter().filter(mine).filter(|row| row.parked.waits_for != WaitsFor::Person);
        let waits = waits.map(|row| match row.parked.waits_for {
            // Whether Dynamics has posted something is looked after beside the lanes, and soon over.
            WaitsFor::Document { .. } if row.parked.kind != Kind::PostingSettled.as_str() => {
                waits_for(row.parked.kind.parse().unwrap()).to_owned()
            }
            ref other => format!("{} waits for {other:?}", row.parked.kind),
        });
        let mut ending = Ending {
            calls: self.at_the_warehouse(id).chain(self.in_dynamics(id, before)).collect(),
            live: self.held(id).filter(|held| held["live"] == true).map(|held| text(&held["reference"])).collect(),
            persons: self.fronts.iter().filter(mine).filter_map(code_of).map(str::to_owned).collect(),
            waits: waits.collect(),
        };
        for words in [&mut ending.calls, &mut ending.live, &mut ending.persons, &mut ending.waits] {
            for word in words.iter_mut() {
                *word = word.replace(id, DOCUMENT);
            }
            words.sort_unstable();
        }
        ending
    }

    /// Orders of the document at the warehouse.
    fn held(&self, id: &str) -> impl Iterator<Item = &Value> {
        let prefix = format!("usmf-{id}-W");
        let orders = self.warehouse["orders"].as_array().unwrap().iter();
        orders.filter(move |held| text(&held["reference"]).starts_with(&prefix))
    }

    fn at_the_warehouse(&self, id: &str) -> impl Iterator<Item = String> {
        let prefix = format!("usmf-{id}-W");
        self.warehouse_lines.iter().filter(|line| line.method == "POST").filter_map(move |line| {
            let reference = line.reference.as_deref().filter(|reference| reference.starts_with(&prefix))?;
            match line.path.as_str() {
                "/orders" => (line.effect == Effect::Created).then(|| format!("create_order/north/{reference}")),
                path if path.ends_with("/change") => {
                    let held = self.held(id).find(|held| held["reference"] == reference)?;
                    Some(format!("change_order/north/{reference}/{}", held["change"]))
                }
                path => path.ends_with("/cancel").then(|| format!("cancel_order/north/{reference}")),
            }
        })
    }

    fn in_dynamics(&self, id: &str, before: &Before) -> impl Iterator<Item = String> {
        let status = self.dynamics_lines.iter().filter(move |line| {
            line.reference.as_deref() == Some(id) && line.path.contains("RequestStatus") && line.method == "PATCH"
        });
        // What was not done because a fault came before it, or the row had changed, changed nothing.
        let status = status.filter(|line| matches!(line.effect, Effect::Changed | Effect::Repeated));
        let status = status.map(move |_| self.told(id));
        let (then, now) = (posted_in(&before.dynamics, id), posted_in(&self.dynamics, id));
        let posted = now.into_keys().filter(move |shipment| !then.contains_key(shipment));
        let (then, now) = (tracked_in(&before.dynamics, id), tracked_in(&self.dynamics, id));
        let tracked = now.into_iter().filter(move |row| !then.contains(row));
        status
            .chain(posted.map(|shipment| format!("post_shipment/contoso/north/{shipment}")))
            .chain(tracked.map(|(shipment, _)| format!("write_tracking/north/{shipment}/P1")))
    }

    /// What Dynamics was told of the document, as the key says it.
    fn told(&self, id: &str) -> String {
        let orders = self.dynamics["orders"].as_array().unwrap();
        let Some(order) = orders.iter().find(|order| order["id"] == id) else {
            return "of a document that is gone".to_owned();
        };
        let response = text(&order["response"]);
        let reference = response.split([' ', '.']).find(|word| word.starts_with("usmf-")).unwrap_or_default();
        if order["status"] == "Accepted" {
            return format!("write_status/contoso/usmf/{id}/accepted/{reference}");
        }
        let latest = self
            .held(id)
            .map(|held| text(&held["reference"]))
            .max_by_key(|reference| (reference.len(), reference.clone()));
        format!("reject_order/north/{}", latest.unwrap_or_default())
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// What brings orders a step further.
#[derive(Clone, Copy)]
enum Step {
    Sent,
    Accepted,
    OnHold,
    Picked,
    Shipped(&'static [(&'static str, &'static str, &'static str)]),
    Rejected,
    Cancelled,
    Cancelling,
    CancelledTooLate,
}

/// Brings all orders into a state, and waits until they are in it.
async fn reach(world: &World, orders: &[Order<'_>], state: &str) {
    const PART: &[(&str, &str, &str)] = &[("1", "ITEM-1001", "6")];
    let to_picked = [Step::Sent, Step::Accepted, Step::Picked];
    let (most, last): (&[Step], Option<Step>) = match state {
        UNTOLD => (&[], None),
        "sent" => (&to_picked[..1], None),
        "accepted" => (&to_picked[..2], None),
        "on hold at the warehouse" => (&to_picked[..2], Some(Step::OnHold)),
        "picked" => (&to_picked[..], None),
        "shipped in part" => (&to_picked[..], Some(Step::Shipped(PART))),
        "shipped whole" => (&to_picked[..], Some(Step::Shipped(&ORDERED))),
        "rejected" => (&to_picked[..1], Some(Step::Rejected)),
        "cancelled" => (&to_picked[..2], Some(Step::Cancelled)),
        CANCELLING => (&to_picked[..2], Some(Step::Cancelling)),
        "cancelled when it was picked" => (&to_picked[..], Some(Step::CancelledTooLate)),
        other => panic!("nobody brings an order so far: {other}"),
    };
    for step in most.iter().copied().chain(last) {
        for order in orders {
            step.begin(order).await;
        }
        step.until_taken(world, orders.len()).await;
    }
}

impl Step {
    async fn begin(self, order: &Order<'_>) {
        match self {
            Self::Sent => {}
            Self::Accepted => order.says("order_accepted", &json!({ "acceptedAt": now() })).await,
            Self::OnHold => order.says("order_status_changed", &status("PROCESSING", "onHold")).await,
            Self::Picked => order.does(Some("Picking"), "order_status_changed", &status("PICKING", "")).await,
            Self::Shipped(contents) => order.ships("S1", &[package("P1", Some("T-S1"), contents)]).await,
            Self::Rejected => order.does(Some("Rejected"), "order_rejected", &json!({ "reason": "UNKNOWN_SKU" })).await,
            Self::Cancelled | Self::Cancelling | Self::CancelledTooLate => {
                order.world.to_dynamics.order(&order.id, "cancel", &json!({})).await.unwrap();
            }
        }
    }

    async fn until_taken(self, world: &World, count: usize) {
        let at_the_front = async |holds: &dyn Fn(&Listed) -> bool| {
            until("they stand at the front", async || {
                (fronts(world).await.iter().filter(|row| holds(row)).count() == count).then_some(())
            })
            .await;
        };
        match self {
            Self::Sent => world.until("sent", |_, warehouse| warehouse["held"] == count).await,
            Self::Accepted => {
                until("Dynamics knows", async || {
                    let state = world.to_dynamics.state().await.unwrap();
                    let told = state["orders"].as_array().unwrap().iter().filter(|order| order["status"] == "Accepted");
                    (told.count() == count).then_some(())
                })
                .await;
            }
            // Whatever is told of an order after it was taken at the door is worked on after it.
            Self::OnHold | Self::Picked => world.until("told", |_, warehouse| warehouse["pending_events"] == 0).await,
            Self::Shipped(_) => world.until("posted", |dynamics, _| dynamics["tracking"] == count).await,
            Self::Rejected => at_the_front(&|row| code_of(row) == Some("order.rejected")).await,
            Self::Cancelled => world.until("cancelled", |_, warehouse| warehouse["cancelled"] == count).await,
            Self::Cancelling => at_the_front(&|row| matches!(row.parked.waits_for, WaitsFor::Document { .. })).await,
            Self::CancelledTooLate => at_the_front(&|row| code_of(row) == Some("order.cancelled_too_late")).await,
        }
    }
}

fn status(code: &str, flag: &str) -> Value {
    let mut status = json!({ "status": code, "changedAt": now() });
    if !flag.is_empty() {
        status[flag] = json!(true);
    }
    status
}

/// Somebody at a far end does what the table of a cell is about.
async fn tell(order: &Order<'_>, Cell { event, state, .. }: &Cell) {
    if let Some((act, how, kind)) = in_dynamics(event) {
        let again = act.is_empty() || CANCELLED.contains(&state.as_str());
        if !again || act == "withdraw" {
            order.world.to_dynamics.order(&order.id, act, &how).await.unwrap();
        }
        if again {
            let mut event = event_about(&order.id);
            event["BusinessEventId"] = json!(kind);
            event["EventId"] = json!(uuid::Uuid::new_v4().to_string());
            order.world.post(&event).await;
        }
        return;
    }
    let (stage, kind, mut data) = in_the_house(event).unwrap_or_else(|| panic!("nobody tells: {event}"));
    if let Some(name) = data.get("shipmentKey").and_then(Value::as_str) {
        data["shipmentKey"] = json!(order.key(name));
    }
    order.does(stage, kind, &data).await;
}

/// What somebody in Dynamics does, how, and the event that tells of it.
fn in_dynamics(event: &str) -> Option<(&'static str, Value, &'static str)> {
    const RELEASED: &str = "WHSEWOutboundShipmentOrderRequestCreatedBusinessEvent";
    const CHANGED: &str = "DraylineOrderChangedBusinessEvent";
    const CANCELLED: &str = "DraylineOrderCancelledBusinessEvent";
    let address = json!({ "ConsigneeStreet": "Side Street", "ReceiverStreet": "Side Street" });
    let more = json!([{ "line": 1, "quantity": "12" }]);
    Some(match event.strip_prefix("Dynamics ")? {
        "releases it again, unchanged" => ("", Value::Null, RELEASED),
        "releases it under a newer version" => ("change", json!({ "released": true }), RELEASED),
        "changes a quantity" => ("change", json!({ "lines": more }), CHANGED),
        "changes the address" | "changes the address, which the warehouse changes itself until it picks" => {
            ("change", json!({ "fields": address }), CHANGED)
        }
        "changes address and quantity, of which the warehouse changes the address alone" => {
            ("change", json!({ "fields": address, "lines": more }), CHANGED)
        }
        "cancels it" => ("cancel", json!({}), CANCELLED),
        "withdraws it" => ("withdraw", json!({}), CANCELLED),
        _ => return None,
    })
}

/// How far somebody in the house takes the order, and what is told of it.
fn in_the_house(event: &str) -> Option<(Option<&'static str>, &'static str, Value)> {
    let status = |stage, code, flag| (stage, "order_status_changed", status(code, flag));
    let resolved = |stage, outcome: &str| (stage, "order_cancel_resolved", json!({ "outcome": outcome }));
    let ships = |name: &str, contents: &[(&str, &str, &str)]| {
        let packages = [package("P1", Some(&format!("T-{name}")), contents)];
        let data = json!({ "shipmentKey": name, "shippedAt": now(), "packages": packages });
        (Some("PartlyShipped"), "shipment_confirmed", data)
    };
    let [bolts, nuts] = ORDERED;
    Some(match event.strip_prefix("The warehouse ")? {
        "accepts it" => (None, "order_accepted", json!({ "acceptedAt": now() })),
        "rejects it" => (Some("Rejected"), "order_rejected", json!({ "reason": "UNKNOWN_SKU", "rejectedAt": now() })),
        "rejects a line" => {
            (None, "order_rejected", json!({ "reason": "OUT_OF_STOCK", "lines": [{ "item": { "sku": nuts.1 } }] }))
        }
        "holds it" => status(None, "PROCESSING", "onHold"),
        "has trouble with it" => status(None, "PROCESSING", "exception"),
        "picks it" => status(Some("Picking"), "PICKING", ""),
        "says that it cancelled it" => resolved(Some("Cancelled"), "CONFIRMED"),
        "says that it is too late to cancel" => resolved(None, "REJECTED"),
        "says that it cancelled a part" => resolved(None, "PARTIAL"),
        "ships a part" => ships("S2", &[("1", "ITEM-1001", "2")]),
        "ships all of it" => ships("S9", &ORDERED),
        "ships more than was ordered" => ships("S9", &[("1", "ITEM-1001", "11"), nuts]),
        "ships another item in place of one" => ships("S9", &[("1", "ITEM-1003", "10"), nuts]),
        "ships a line that nobody ordered" => ships("S9", &[bolts, nuts, ("9", "GIFT", "1")]),
        "corrects a shipment downwards" => ships("S1", &[("1", "ITEM-1001", "5")]),
        "tells another tracking number" => {
            let number =
                json!({ "shipmentKey": "S1", "packageKey": "P1", "trackingNumber": "T-NEW", "updatedAt": now() });
            (None, "tracking_updated", number)
        }
        "voids a shipment" => (None, "shipment_voided", json!({ "shipmentKey": "S1", "voidedAt": now() })),
        _ => return None,
    })
}
