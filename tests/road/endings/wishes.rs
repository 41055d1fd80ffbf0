//! The part of the matrix of endings of returns that a shop tells: it asks for one, before it is made and once more after that.

use drayline::message::Kind;
use drayline::sandbox::{Effect, Fault, Faults};
use reqwest::StatusCode;
use serde_json::Value;

use super::page::{Cell, Ending, cells};
use super::returns::{DOCUMENT, PAGE, calls, credited, making, others_pass, posted};
use super::{Before, Matter, Seen, disturb, text, turn};
use crate::road::returns::{ask, map_all, wish};
use crate::road::world::World;
use crate::support::Backing;
use crate::support::wait::until;

/// The one thing that a shop tells.
pub const ASKS: &str = "A shop asks for it";

const MADE: &str = "it was made of this wish";
const LOST: &str = "it was made, and the answer was lost";

pub const STATES: [&str; 3] = ["nobody made it", MADE, LOST];

#[tokio::test]
async fn a_shop_asks_for_a_return_that_nobody_made() {
    Box::pin(play(STATES[0])).await;
}

#[tokio::test]
async fn a_shop_asks_for_a_return_that_was_made() {
    Box::pin(play(MADE)).await;
}

#[tokio::test]
async fn a_shop_asks_for_a_return_that_was_made_while_the_answer_was_lost() {
    Box::pin(play(LOST)).await;
}

async fn play(state: &str) {
    let page = cells(&PAGE);
    let cells: Vec<_> = page.iter().filter(|cell| cell.event == ASKS && cell.state == state).collect();
    super::play(&Wishes, Backing::Embedded, making(), (&cells, &page)).await;
}

/// Wishes of a shop, each for an item of its own, by which it is known.
struct Wishes;

impl Matter for Wishes {
    async fn made(&self, world: &World, count: usize, _: &str) -> Vec<String> {
        map_all(world).await;
        (0..count).map(|number| format!("ITEM-{}", 1101 + number)).collect()
    }

    async fn reach(&self, world: &World, ids: &[String], state: &str) {
        if state != MADE {
            return;
        }
        for item in ids {
            asks(world, item).await;
        }
        world.until("all of them are announced", |_, warehouse| warehouse["returns"] == ids.len()).await;
        world.until_nothing_parked().await;
    }

    async fn tell(&self, world: &World, item: &str, cell: &Cell, fault: Option<Fault>) {
        if cell.state == LOST {
            // What strikes events is to strike the one that tells of it; other calls are struck once it is made.
            let events = fault.filter(|fault| matches!(fault, Fault::Duplicate | Fault::Reorder));
            let lost = super::of(Fault::LoseAnswer);
            turn(world, &Faults { lose_answer: 1.0, ..events.map_or(lost, super::of) }).await;
            asks(world, item).await;
            until("it is made, and the answer is lost", async || {
                let number = number(&world.to_dynamics.state().await.unwrap(), item).pop()?;
                let lines = world.to_dynamics.ledger(0).await.unwrap();
                let made = lines.into_iter().find(|line| {
                    line.effect == Effect::Created
                        && line.path.contains("ReturnOrderHeaders")
                        && line.reference.as_deref() == Some(&number)
                });
                made.filter(|line| line.faults.contains(&Fault::LoseAnswer))
            })
            .await;
            disturb(world, fault).await;
        }
        let once = asks(world, item).await;
        if fault == Some(Fault::Duplicate) {
            assert_eq!(asks(world, item).await, once, "the same wish is the same message");
        }
    }

    async fn others_pass(&self, world: &World) {
        others_pass(world).await;
    }

    fn ending(&self, item: &str, seen: &Seen, before: &Before) -> Ending {
        let numbers = number(&seen.dynamics, item);
        let each = |of: &dyn Fn(&str) -> Vec<String>| numbers.iter().flat_map(|id| of(id)).collect::<Vec<_>>();
        let (wish, rma) = (format!("/{}", key(item)), numbers.first().map(|id| id.replace("RET", "/RMA")));
        let its = |lane: &str| lane.ends_with(&wish) || rma.as_ref().is_some_and(|rma| lane.ends_with(rma));
        let columns = [
            each(&|id| calls(seen, id, before)),
            each(&|id| seen.live("returns", id)),
            each(&|id| posted(&seen.dynamics, id)),
            each(&|id| credited(&seen.dynamics, id)),
            seen.persons(its),
            seen.waits(its, |kind: Kind| kind.as_str()),
        ];
        let names: Vec<_> = numbers.iter().map(|id| (id.as_str(), DOCUMENT)).collect();
        Ending::found(columns, &names)
    }
}

fn key(item: &str) -> String {
    format!("web-{item}")
}

/// Asks, and answers under which message that is known.
async fn asks(world: &World, item: &str) -> Value {
    let (status, taken) = ask(world, &key(item), &wish(item, "5")).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{taken}");
    taken["message_id"].clone()
}

/// The return orders in Dynamics that were made for this item.
fn number(dynamics: &Value, item: &str) -> Vec<String> {
    let returns = dynamics["returns"].as_array().unwrap().iter();
    let of_it = returns.filter(|made| made["lines"].as_array().unwrap().iter().any(|line| line["item"] == item));
    of_it.map(|made| text(&made["id"])).collect()
}
