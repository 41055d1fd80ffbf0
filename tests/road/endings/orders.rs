//! The matrix of endings of orders and their shipments: `docs/endings.md`.

use std::collections::BTreeSet;

use drayline::sandbox::{Effect, Fault};
use drayline::store::{Listed, WaitsFor};
use serde_json::{Value, json};

use super::page::{Cell, Ending, Page, cells, every_pair_occurs};
use super::{Before, Matter, Seen, text};
use crate::flows::endings::waits_for;
use crate::road::telling::{ORDERED, Order, by_hand, code_of, fronts, now, package, posted_in, tracked_in};
use crate::road::world::{Making, World, event_about};
use crate::support::Backing;
use crate::support::wait::until;

const PAGE: Page = Page { path: "docs/endings.md", columns: &["calls", "north has", "a person has", "it waits for"] };

/// The document of the page, in whose name every order here is spoken of.
const DOCUMENT: &str = "SHP0012";

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
    let cells = cells(&PAGE);
    let states: BTreeSet<_> = cells.iter().map(|cell| cell.state.as_str()).collect();
    assert_eq!(states, STATES.iter().copied().collect(), "every row of the page has a state here, and no other");
    let events: BTreeSet<_> = cells.iter().map(|cell| cell.event.as_str()).collect();
    let untold: Vec<_> =
        events.iter().filter(|event| in_dynamics(event).is_none() && in_the_house(event).is_none()).collect();
    assert!(untold.is_empty(), "nobody tells these tables of the page: {untold:?}");
    assert_eq!(cells.len(), states.len() * events.len(), "every table has every row");
}

#[test]
fn every_fault_strikes_every_event_and_every_state() {
    every_pair_occurs(&PAGE);
}

/// What is told of a warehouse that declares which changes it takes itself has a world of its own.
async fn play(backing: Backing, state: &str) {
    let page = cells(&PAGE);
    let cells = page.iter().filter(|cell| cell.state == state);
    let (declared, usual): (Vec<_>, Vec<_>) =
        cells.partition(|cell| cell.event.contains("which the warehouse changes"));
    let mut making = by_hand();
    if state == CANCELLING {
        making.warehouse.pending_cancel_share = 1.0;
        making.warehouse.cancel_ms = making.warehouse.pick_ms;
    }
    let warehouse_toml = "changes.fields = [\"recipient\"]\n".to_owned();
    let declaring = Making { warehouse_toml, ..making.clone() };
    tokio::join!(
        Box::pin(super::play(&Orders, backing, making, (&usual, &page))),
        Box::pin(super::play(&Orders, backing, declaring, (&declared, &page))),
    );
}

/// Orders that Dynamics released.
struct Orders;

impl Orders {
    fn order<'w>(world: &'w World, id: &str) -> Order<'w> {
        Order { world, id: id.to_owned() }
    }
}

impl Matter for Orders {
    async fn made(&self, world: &World, count: usize, state: &str) -> Vec<String> {
        let orders = Order::released(world, count, state == UNTOLD).await;
        orders.into_iter().map(|order| order.id).collect()
    }

    async fn reach(&self, world: &World, ids: &[String], state: &str) {
        let orders: Vec<_> = ids.iter().map(|id| Self::order(world, id)).collect();
        reach(world, &orders, state).await;
    }

    async fn tell(&self, world: &World, id: &str, cell: &Cell, fault: Option<Fault>) {
        tell(&Self::order(world, id), cell, fault).await;
    }

    async fn others_pass(&self, world: &World) {
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

    fn ending(&self, id: &str, seen: &Seen, before: &Before) -> Ending {
        let mine = |lane: &str| lane.ends_with(id);
        let calls = at_the_warehouse(seen, id).chain(in_dynamics_of(seen, id, before)).collect();
        let columns = [calls, seen.live("orders", id), seen.persons(mine), seen.waits(mine, waits_for)];
        Ending::found(columns, &[(id, DOCUMENT)])
    }
}

fn at_the_warehouse(seen: &Seen, id: &str) -> impl Iterator<Item = String> {
    seen.called(id).filter_map(move |(path, reference)| match path {
        "/orders" => Some(format!("create_order/north/{reference}")),
        path if path.ends_with("/change") => {
            let held = seen.held("orders", id).find(|held| held["reference"] == reference)?;
            Some(format!("change_order/north/{reference}/{}", held["change"]))
        }
        path => path.ends_with("/cancel").then(|| format!("cancel_order/north/{reference}")),
    })
}

fn in_dynamics_of(seen: &Seen, id: &str, before: &Before) -> impl Iterator<Item = String> {
    let status = seen.dynamics_lines.iter().filter(move |line| {
        line.reference.as_deref() == Some(id) && line.path.contains("RequestStatus") && line.method == "PATCH"
    });
    // What was not done because a fault came before it, or the row had changed, changed nothing.
    let status = status.filter(|line| matches!(line.effect, Effect::Changed | Effect::Repeated));
    let status = status.map(move |_| verdict_on(seen, id));
    let (then, now) = (posted_in(&before.dynamics, id), posted_in(&seen.dynamics, id));
    let posted = now.into_keys().filter(move |shipment| !then.contains_key(shipment));
    let (then, now) = (tracked_in(&before.dynamics, id), tracked_in(&seen.dynamics, id));
    let tracked = now.into_iter().filter(move |row| !then.contains(row));
    status
        .chain(posted.map(|shipment| format!("post_shipment/contoso/north/{shipment}")))
        .chain(tracked.map(|(shipment, _)| format!("write_tracking/north/{shipment}/P1")))
}

/// What Dynamics was told of the document, as the key says it.
fn verdict_on(seen: &Seen, id: &str) -> String {
    let orders = seen.dynamics["orders"].as_array().unwrap();
    let Some(order) = orders.iter().find(|order| order["id"] == id) else {
        return "of a document that is gone".to_owned();
    };
    let response = text(&order["response"]);
    let reference = response.split([' ', '.']).find(|word| word.starts_with("usmf-")).unwrap_or_default();
    if order["status"] == "Accepted" {
        return format!("write_status/contoso/usmf/{id}/accepted/{reference}");
    }
    let latest = seen
        .held("orders", id)
        .map(|held| text(&held["reference"]))
        .max_by_key(|reference| (reference.len(), reference.clone()));
    format!("reject_order/north/{}", latest.unwrap_or_default())
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
async fn tell(order: &Order<'_>, Cell { event, state, .. }: &Cell, fault: Option<Fault>) {
    if let Some((act, how, kind)) = in_dynamics(event) {
        let again = act.is_empty() || CANCELLED.contains(&state.as_str());
        if !again || act == "withdraw" {
            order.world.to_dynamics.order(&order.id, act, &how).await.unwrap();
        }
        if again {
            let mut event = event_about(&order.id);
            event["BusinessEventId"] = json!(kind);
            event["EventId"] = json!(uuid::Uuid::new_v4().to_string());
            super::post(order.world, &event, fault).await;
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
