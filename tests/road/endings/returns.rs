//! The matrix of endings of returns that are there: `docs/endings-returns.md`. What a shop asks for is told in `wishes`.

use std::collections::{BTreeMap, BTreeSet};

use drayline::message::Kind;
use drayline::sandbox::{Effect, Fault, WarehouseRules};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::page::{Cell, Ending, Page, cells, every_pair_occurs};
use super::{Before, Matter, Seen, text, wishes};
use crate::road::returns::{ask, found, map_all, wish};
use crate::road::telling::{code_of, fronts};
use crate::road::world::{Making, World};
use crate::support::Backing;
use crate::support::wait::until;

pub const PAGE: Page = Page {
    path: "docs/endings-returns.md",
    columns: &["calls", "north expects", "posted", "credited", "a person has", "it waits for"],
};

/// The document of the page, in whose name every return here is spoken of.
pub const DOCUMENT: &str = "RET7";

const UNTOLD: &str = "made, and nobody told us yet";
const EXCHANGED: &str = "announced, and exchanged";
const REFUNDED: &str = "announced, and refunded before";
const TAKEN_BACK: [&str; 2] = ["taken back before anything came", "taken back too late"];

/// What comes back: five of it.
const ITEM: &str = "ITEM-1001";

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
    everything_told_of_a_return_that_nobody_told_us_of: UNTOLD,
    everything_told_of_a_return_that_is_announced: "announced",
    everything_told_of_a_return_that_arrived: "arrived",
    everything_told_of_a_return_that_came_in_part: "received in part, and credited",
    everything_told_of_a_return_that_came_whole: "received whole, and credited",
    everything_told_of_a_return_that_was_refunded_before: REFUNDED,
    everything_told_of_a_return_that_is_exchanged: EXCHANGED,
    everything_told_of_a_return_that_was_taken_back: TAKEN_BACK[0],
    everything_told_of_a_return_that_was_taken_back_too_late: TAKEN_BACK[1],
    everything_told_of_a_return_that_was_given_up: "given up by the warehouse",
}

#[tokio::test]
async fn everything_told_of_a_return_that_came_in_part_on_servers() {
    Box::pin(play(Backing::Servers, "received in part, and credited")).await;
}

#[test]
fn every_cell_of_the_page_is_told() {
    let cells = cells(&PAGE);
    let (wished, cells): (Vec<_>, Vec<_>) = cells.iter().partition(|cell| cell.event == wishes::ASKS);
    let states: BTreeSet<_> = cells.iter().map(|cell| cell.state.as_str()).collect();
    assert_eq!(states, STATES.iter().copied().collect(), "every row of the page has a state here, and no other");
    let events: BTreeSet<_> = cells.iter().map(|cell| cell.event.as_str()).collect();
    let is_told = |event: &str| in_dynamics(event).is_some() || in_the_house(event).is_some();
    let untold: Vec<_> = events.iter().filter(|event| !is_told(event)).collect();
    assert!(untold.is_empty(), "nobody tells these tables of the page: {untold:?}");
    assert_eq!(cells.len(), states.len() * events.len(), "every table has every row");
    let states: BTreeSet<_> = wished.iter().map(|cell| cell.state.as_str()).collect();
    assert_eq!(states, wishes::STATES.iter().copied().collect(), "every row of what a shop asks");
}

#[test]
fn every_fault_strikes_every_event_and_every_state() {
    every_pair_occurs(&PAGE);
}

async fn play(backing: Backing, state: &str) {
    let page = cells(&PAGE);
    let cells: Vec<_> = page.iter().filter(|cell| cell.state == state).collect();
    super::play(&Returns, backing, making(), (&cells, &page)).await;
}

/// Nothing happens in the house but what somebody does by hand, and Dynamics is quick.
pub fn making() -> Making {
    let usual = crate::road::returns::making();
    let warehouse = WarehouseRules { arrive_ms: 3_600_000, ..usual.warehouse.clone() };
    let mut making = Making { warehouse, ..usual };
    (making.dynamics.process_ms, making.dynamics.credit_ms) = (20, 20);
    making
}

/// Return orders that somebody made in Dynamics, or a shop asked for where they are exchanged.
struct Returns;

impl Matter for Returns {
    async fn made(&self, world: &World, count: usize, state: &str) -> Vec<String> {
        map_all(world).await;
        if state != EXCHANGED {
            let lines = json!([{ "item": ITEM, "quantity": "5", "unit": "ea" }]);
            let how =
                json!({ "count": count, "silent": state == UNTOLD, "refunded": state == REFUNDED, "lines": lines });
            let answer = world.to_dynamics.send_back(&how).await.unwrap();
            return answer["released"].as_array().unwrap().iter().map(text).collect();
        }
        let mut asked = wish(ITEM, "5");
        asked["lines"][0]["reason"] = json!({ "code": "EXCHANGE" });
        for number in 0..count {
            assert_eq!(ask(world, &format!("web-{number}"), &asked).await.0, 202);
        }
        world.until("all of them are made", |dynamics, _| dynamics["returns"] == count).await;
        let state = world.to_dynamics.state().await.unwrap();
        state["returns"].as_array().unwrap().iter().map(|made| text(&made["id"])).collect()
    }

    async fn reach(&self, world: &World, ids: &[String], state: &str) {
        reach(world, ids, state).await;
    }

    async fn tell(&self, world: &World, id: &str, cell: &Cell, fault: Option<Fault>) {
        tell(world, id, cell, fault).await;
    }

    async fn others_pass(&self, world: &World) {
        others_pass(world).await;
    }

    fn ending(&self, id: &str, seen: &Seen, before: &Before) -> Ending {
        let lane = format!("/{}", rma(id));
        let waits = |kind| match kind {
            Kind::ReturnReceived => "the return to be announced",
            other => other.as_str(),
        };
        let its = |name: &str| name.ends_with(&lane);
        let columns = [
            calls(seen, id, before),
            seen.live("returns", id),
            posted(&seen.dynamics, id),
            credited(&seen.dynamics, id),
            seen.persons(its),
            seen.waits(its, waits),
        ];
        Ending::found(columns, &[(id, DOCUMENT)])
    }
}

/// What was called of a return order: made, announced, taken back, posted.
pub fn calls(seen: &Seen, id: &str, before: &Before) -> Vec<String> {
    let headers = seen.dynamics_lines.iter().filter(|line| {
        line.path.contains("ReturnOrderHeaders")
            && line.effect == Effect::Created
            && line.reference.as_deref() == Some(id)
    });
    let in_the_house = seen.called(id).map(|(path, reference)| {
        let call = if path.ends_with("/cancel") { "cancel_return" } else { "announce_return" };
        format!("{call}/north/{reference}")
    });
    // Where Dynamics takes one row of a line in an update, one posting is several updates under one receipt.
    let slips = |dynamics: &Value| {
        postings(dynamics, id).map(|posting| text(&posting["packing_slip"])).collect::<BTreeSet<_>>()
    };
    let new = &slips(&seen.dynamics) - &slips(&before.dynamics);
    let posted = new.into_iter().map(|slip| {
        let receipt = slip.rsplit_once('-').map_or("", |(receipt, _)| receipt).to_owned();
        let held = seen.held("returns", id).find(|held| held["id"] == receipt);
        let name = held.map_or(receipt.clone(), |held| format!("N-{}", text(&held["reference"])));
        format!("post_receipt/contoso/north/return/{name}")
    });
    let created = headers.map(|_| "create_return/contoso/usmf/web-7".to_owned());
    created.chain(in_the_house).chain(posted).collect()
}

/// What Dynamics accepted of a return order.
fn postings<'s>(dynamics: &'s Value, id: &str) -> impl Iterator<Item = &'s Value> {
    let all = dynamics["returned"].as_array().unwrap().iter();
    all.filter(move |posting| posting["order"] == id && posting["state"] == "Accepted")
}

/// How much of it was posted in all, by inventory status and disposition code.
pub fn posted(dynamics: &Value, id: &str) -> Vec<String> {
    let mut pieces: BTreeMap<String, Decimal> = BTreeMap::new();
    for piece in postings(dynamics, id).flat_map(|posting| posting["dimensions"].as_array().unwrap()) {
        // What is available, or in no stock, has no status on the page.
        let status = text(&piece["status"]);
        let status = if ["Available", "in no stock"].contains(&status.as_str()) { String::new() } else { status };
        let words = format!("{status} {}", text(&piece["disposition"]));
        let sum = pieces.entry(words.trim_start().to_owned()).or_default();
        *sum += text(&piece["quantity"]).parse::<Decimal>().unwrap();
    }
    let left = pieces.into_iter().filter(|(_, sum)| !sum.is_zero());
    left.map(|(words, sum)| format!("{} {words}", sum.normalize())).collect()
}

/// How much of it the credit notes say is credited.
pub fn credited(dynamics: &Value, id: &str) -> Vec<String> {
    let notes = dynamics["credit_notes"].as_array().unwrap().iter().filter(|note| note["order"] == id);
    let lines = notes.flat_map(|note| note["lines"].as_array().unwrap());
    let sum: Decimal = lines.map(|line| text(&line["quantity"]).parse::<Decimal>().unwrap()).sum();
    if sum.is_zero() { Vec::new() } else { vec![sum.normalize().to_string()] }
}

/// The number that the parcel is known by.
fn rma(id: &str) -> String {
    id.replace("RET", "RMA")
}

/// What brings returns a step further.
#[derive(Clone, Copy)]
enum Step {
    Announced,
    Arrived,
    Received(&'static str),
    TakenBack,
    TakenBackTooLate,
    GivenUp,
}

/// Brings all returns into a state, and waits until they are in it.
async fn reach(world: &World, ids: &[String], state: &str) {
    let (announced, arrived) = ([Step::Announced], [Step::Announced, Step::Arrived]);
    let (most, last): (&[Step], Option<Step>) = match state {
        UNTOLD => (&[], None),
        "announced" | REFUNDED | EXCHANGED => (&announced, None),
        "arrived" => (&arrived, None),
        "received in part, and credited" => (&arrived, Some(Step::Received("2"))),
        "received whole, and credited" => (&arrived, Some(Step::Received("5"))),
        "given up by the warehouse" => (&announced, Some(Step::GivenUp)),
        other if other == TAKEN_BACK[0] => (&announced, Some(Step::TakenBack)),
        other if other == TAKEN_BACK[1] => (&arrived, Some(Step::TakenBackTooLate)),
        other => panic!("nobody brings a return so far: {other}"),
    };
    for step in most.iter().copied().chain(last) {
        if !matches!(step, Step::Announced) {
            let keys = keys(world).await;
            for id in ids {
                step.begin(world, (id, &keys[id])).await;
            }
        }
        step.until_taken(world, ids).await;
    }
}

impl Step {
    async fn begin(self, world: &World, (id, key): (&str, &str)) {
        let says = async |said: &Value| drop(found(world, &format!("/{key}"), said).await);
        match self {
            Self::Announced => {}
            Self::Arrived => says(&json!({ "status": "ARRIVED" })).await,
            Self::Received(total) => says(&report(2, &[(total, "RESTOCK")])).await,
            Self::GivenUp => says(&json!({ "status": "CANCELLED" })).await,
            Self::TakenBack | Self::TakenBackTooLate => act(world, id, ("cancel", &json!({}))).await,
        }
    }

    async fn until_taken(self, world: &World, ids: &[String]) {
        let count = ids.len();
        let asked = async |code: &str| {
            until("they are a person's", async || {
                (fronts(world).await.iter().filter(|row| code_of(row) == Some(code)).count() == count).then_some(())
            })
            .await;
        };
        match self {
            Self::Announced => {
                until("all of them are announced", async || (keys(world).await.len() == count).then_some(())).await;
                world.until_nothing_parked().await;
            }
            // Whatever is told of a return after it was taken at the door is worked on after it.
            Self::Arrived => world.until("told", |_, warehouse| warehouse["pending_events"] == 0).await,
            Self::Received(total) => {
                until("all of it is credited", async || {
                    let state = world.to_dynamics.state().await.unwrap();
                    ids.iter().all(|id| credited(&state, id) == [total]).then_some(())
                })
                .await;
                world.until_nothing_parked().await;
            }
            Self::TakenBack => {
                until("all of them are taken back", async || {
                    let state = world.to_warehouse.state().await.unwrap();
                    let live = state["returns"].as_array().unwrap().iter().filter(|held| held["live"] == true);
                    (live.count() == 0).then_some(())
                })
                .await;
                world.until_nothing_parked().await;
            }
            Self::TakenBackTooLate => asked("inbound.cancelled_too_late").await,
            Self::GivenUp => asked("return.given_up").await,
        }
    }
}

/// The warehouse's own keys of the returns that were announced to it, by their numbers in Dynamics.
async fn keys(world: &World) -> BTreeMap<String, String> {
    let state = world.to_warehouse.state().await.unwrap();
    let held = state["returns"].as_array().unwrap().iter();
    let named = held.filter_map(|held| {
        let id = held["reference"].as_str()?.strip_prefix("usmf-")?.split('-').next()?.to_owned();
        Some((id, text(&held["id"])))
    });
    named.collect()
}

/// A report of what was found so far, by its number: how much, and what becomes of it.
fn report(sequence: u32, pieces: &[(&str, &str)]) -> Value {
    let piece = |(quantity, disposition): &(&str, &str)| json!({ "line": "1", "sku": ITEM, "quantity": quantity, "disposition": disposition });
    json!({ "sequence": sequence, "is_final": false, "lines": pieces.iter().map(piece).collect::<Vec<_>>() })
}

/// Somebody in Dynamics does something with a return order.
async fn act(world: &World, id: &str, (what, how): (&str, &Value)) {
    let url = format!("{}/sandbox/returns/{id}/{what}", world.dynamics.url());
    assert_eq!(reqwest::Client::new().post(url).json(how).send().await.unwrap().status(), 200, "{what} {id}");
}

/// Somebody at a far end does what the table of a cell is about.
async fn tell(world: &World, id: &str, Cell { event, state, .. }: &Cell, fault: Option<Fault>) {
    if let Some((what, how)) = in_dynamics(event) {
        // A return order that was taken back can only be told of once more; money can be given nevertheless.
        let acts = !what.is_empty() && (what == "refund" || !TAKEN_BACK.contains(&state.as_str()));
        if acts {
            act(world, id, (what, &how)).await;
        }
        if !acts || what == "refund" {
            let event = json!({
                "BusinessEventId": "ConReturnOrder",
                "EventId": uuid::Uuid::new_v4().to_string(),
                "BusinessEventLegalEntity": "USMF",
                "ReturnOrderNumber": id,
                "RMANumber": rma(id),
            });
            super::post(world, &event, fault).await;
        }
        return;
    }
    let mut said = in_the_house(event).unwrap_or_else(|| panic!("nobody tells: {event}"));
    let key = keys(world).await.remove(id).map(|key| format!("/{key}")).unwrap_or_default();
    if key.is_empty() {
        said["rma"] = json!(rma(id));
    }
    found(world, &key, &said).await;
}

/// What somebody in Dynamics does, and how; whatever tells nothing by itself is told by hand.
fn in_dynamics(event: &str) -> Option<(&'static str, Value)> {
    Some(match event.strip_prefix("Dynamics ")? {
        "tells of it again, unchanged" => ("", Value::Null),
        "changes a quantity" => ("change", json!({ "lines": [{ "line": 1, "quantity": "6" }] })),
        "takes it back" => ("cancel", json!({})),
        "gives the rest of the money back" => ("refund", json!({})),
        _ => return None,
    })
}

/// What somebody in the house finds and says.
fn in_the_house(event: &str) -> Option<Value> {
    Some(match event.strip_prefix("The warehouse ")? {
        "says that it arrived" => json!({ "status": "ARRIVED" }),
        "says that it gave it up" => json!({ "status": "CANCELLED" }),
        "has not decided yet what becomes of it" => report(10, &[("5", "PENDING")]),
        "has inspected a part" => report(10, &[("4", "RESTOCK")]),
        "has inspected all, and each piece ends otherwise" => {
            report(10, &[("2", "RESTOCK"), ("1", "QUARANTINE"), ("1", "SCRAP"), ("1", "RETURN_TO_SENDER")])
        }
        "corrects its total downwards" => report(10, &[("1", "RESTOCK")]),
        "tells an older total" => report(1, &[("1", "RESTOCK")]),
        "has more than was to come back" => report(10, &[("6", "RESTOCK")]),
        "has what no row says the end of" => report(10, &[("5", "DONATE")]),
        "has another item than was to come back" => {
            let piece = json!({ "sku": "ITEM-1003", "quantity": "5", "disposition": "RESTOCK" });
            json!({ "sequence": 10, "is_final": true, "lines": [piece] })
        }
        _ => return None,
    })
}

/// Others come back, and are credited: what was told before has been taken up by then.
pub async fn others_pass(world: &World) {
    let lines = json!([{ "item": ITEM, "quantity": "3", "unit": "ea" }]);
    let answer = world.to_dynamics.send_back(&json!({ "count": 3, "lines": lines })).await.unwrap();
    let others: Vec<_> = answer["released"].as_array().unwrap().iter().map(text).collect();
    for id in &others {
        let key = until("another is announced", async || keys(world).await.remove(id)).await;
        found(world, &format!("/{key}"), &report(1, &[("3", "RESTOCK")])).await;
    }
    until("the others are credited", async || {
        let state = world.to_dynamics.state().await.unwrap();
        others.iter().all(|id| credited(&state, id) == ["3"]).then_some(())
    })
    .await;
}
