//! The matrices of endings on the road: of every cell of `docs/endings.md` and `docs/endings-returns.md` a document is brought to
//! its state by both far ends, what is told comes through the door, and both far ends say what they were asked to do, what they
//! hold and what they posted: just what the cell says. First on a calm day, then on days on which one thing goes wrong.

mod orders;
mod page;
mod returns;
mod wishes;

use std::time::Duration;

use drayline::message::Kind;
use drayline::sandbox::{EVENT, Effect, Fault, Faults, LedgerLine};
use drayline::store::{Listed, WaitsFor};
use serde_json::Value;

use super::telling::{code_of, fronts};
use super::world::{Making, World};
use crate::support::{Backing, Ground};

use page::{Cell, Ending, FAULTS, struck_by};

/// All documents of a day have ended by then, on a busy machine.
const ALL_WITHIN: Duration = Duration::from_secs(100);

/// What a page is about.
trait Matter {
    /// So many documents, of which nobody was told yet where the state wants that.
    async fn made(&self, world: &World, count: usize, state: &str) -> Vec<String>;

    /// Brings all of them into a state, and waits until they are in it.
    async fn reach(&self, world: &World, ids: &[String], state: &str);

    /// Somebody at a far end does what the table of a cell is about, while a fault strikes.
    async fn tell(&self, world: &World, id: &str, cell: &Cell, fault: Option<Fault>);

    /// Others go all the way: what was told before has been taken up by then.
    async fn others_pass(&self, world: &World);

    /// How a document has ended, in the words of the page.
    fn ending(&self, id: &str, seen: &Seen, before: &Before) -> Ending;
}

/// Plays cells of one state in one world: all on a calm day, then each with the faults that strike it.
async fn play(matter: &impl Matter, backing: Backing, mut making: Making, (cells, page): (&[&Cell], &[Cell])) {
    let state = cells[0].state.as_str();
    // Whoever is refused with 429 need not wait a whole second for each call of each document.
    making.toml.push_str("\ngateways.retry_after_s_max = 0");
    let mut world = World::set(Ground::fresh(backing).await, making).await;
    // Each call of an attempt may be struck by itself.
    world.reconfigure(
        "[100, 200, 400, 800, 1600, 3000, 3000, 3000]",
        "[50, 50, 100, 100, 200, 200, 400, 400, 800, 800, 3000]",
    );
    world.start_product().await;
    let struck = |fault: Fault| cells.iter().copied().filter(move |cell| struck_by(cell, page).contains(&fault));
    let days: Vec<(Option<Fault>, Vec<&Cell>)> = [(None, cells.to_vec())]
        .into_iter()
        .chain(FAULTS.map(|fault| (Some(fault), struck(fault).collect())))
        .filter(|(_, cells)| !cells.is_empty())
        .collect();
    let count = days.iter().map(|(_, cells)| cells.len()).sum();
    let ids = matter.made(&world, count, state).await;
    matter.reach(&world, &ids, state).await;
    let mut over = Vec::new();
    let mut rest = ids.as_slice();
    for (fault, cells) in days {
        let (ids, others) = rest.split_at(cells.len());
        rest = others;
        let day = Day::begin(&world, fault, ids, cells).await;
        for (id, cell) in day.ids.iter().zip(&day.cells) {
            matter.tell(&world, id, cell, fault).await;
        }
        day.until_ended(&world, matter).await;
        over.push(day);
    }
    disturb(&world, None).await;
    matter.others_pass(&world).await;
    for day in &over {
        day.must_have_ended(&world, matter).await;
    }
    world.stop_product().await;
    for day in &over {
        day.must_have_ended(&world, matter).await;
    }
    world.leave().await;
}

/// A fault by itself: it strikes every call once, or every event.
fn of(fault: Fault) -> Faults {
    let always = |which| if fault == which { 1.0 } else { 0.0 };
    Faults {
        latency_ms: if fault == Fault::Latency { 20 } else { 0 },
        refuse_429: always(Fault::Refuse429),
        fail_5xx: always(Fault::Fail5xx),
        lose_answer: always(Fault::LoseAnswer),
        duplicate: always(Fault::Duplicate),
        reorder: always(Fault::Reorder),
        once: true,
        ..Faults::default()
    }
}

async fn disturb(world: &World, fault: Option<Fault>) {
    turn(world, &fault.map(of).unwrap_or_default()).await;
}

async fn turn(world: &World, faults: &Faults) {
    world.to_dynamics.disturb(faults).await.unwrap();
    world.to_warehouse.disturb(faults).await.unwrap();
}

/// Tells an event of Dynamics by hand: twice, where that is what goes wrong.
async fn post(world: &World, event: &Value, fault: Option<Fault>) {
    for _ in 0..if fault == Some(Fault::Duplicate) { 2 } else { 1 } {
        world.post(event).await;
    }
}

/// A day on which at most one thing goes wrong, and what is told on it.
struct Day<'p> {
    fault: Option<Fault>,
    ids: Vec<String>,
    cells: Vec<&'p Cell>,
    before: Before,
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

impl<'p> Day<'p> {
    async fn begin(world: &World, fault: Option<Fault>, ids: &[String], cells: Vec<&'p Cell>) -> Self {
        disturb(world, fault).await;
        let (warehouse, dynamics) = (&world.to_warehouse, &world.to_dynamics);
        let before = Before {
            warehouse_lines: warehouse.ledger(0).await.unwrap().len() as u64,
            dynamics_lines: dynamics.ledger(0).await.unwrap().len() as u64,
            dynamics: dynamics.state().await.unwrap(),
        };
        Self { fault, ids: ids.to_vec(), cells, before }
    }

    async fn until_ended(&self, world: &World, matter: &impl Matter) {
        let told = |end: &Value| end["pending_events"] == 0;
        world.until("all is told", |dynamics, warehouse| told(dynamics) && told(warehouse)).await;
        let mut looks = tokio::time::interval(Duration::from_millis(100));
        let deadline = tokio::time::Instant::now() + ALL_WITHIN;
        loop {
            looks.tick().await;
            let seen = self.before.see(world).await;
            let otherwise = self.otherwise(matter, &seen);
            if otherwise.is_empty() {
                return self.must_have_struck(&seen);
            }
            assert!(tokio::time::Instant::now() < deadline, "{:?}:\n{}", self.fault, otherwise.join("\n"));
        }
    }

    async fn must_have_ended(&self, world: &World, matter: &impl Matter) {
        let otherwise = self.otherwise(matter, &self.before.see(world).await);
        assert!(otherwise.is_empty(), "{:?}, once all is over:\n{}", self.fault, otherwise.join("\n"));
    }

    /// The cells that end otherwise, a paragraph each.
    fn otherwise(&self, matter: &impl Matter, seen: &Seen) -> Vec<String> {
        let differs = |(id, cell): (&String, &&Cell)| {
            let Cell { event, state, ending: said } = *cell;
            let found = matter.ending(id, seen, &self.before);
            let (said, found) = match self.fault {
                None => (said.clone(), found),
                Some(_) => (said.clone().each_call_once(), found.each_call_once()),
            };
            (found != said).then(|| format!("{event}, when it is {state} ({id}):\n  said  {said:?}\n  found {found:?}"))
        };
        self.ids.iter().zip(&self.cells).filter_map(differs).collect()
    }

    /// What strikes calls strikes each of them once, and what strikes events each of them: so it has struck, where any was made.
    fn must_have_struck(&self, seen: &Seen) {
        let Some(fault) = self.fault else { return };
        let lines = || seen.warehouse_lines.iter().chain(&seen.dynamics_lines);
        if matches!(fault, Fault::Duplicate | Fault::Reorder) {
            let name = serde_json::to_value(fault).unwrap();
            let count = |state: &Value| state["faults"][name.as_str().unwrap()].as_u64().unwrap_or_default();
            let told = lines().any(|line| line.method == EVENT);
            let struck = count(&seen.warehouse) + count(&seen.dynamics);
            assert!(!told || struck > 0, "{fault:?} spared every event");
            return;
        }
        let calls = self.cells.iter().any(|cell| cell.ending.calls());
        assert!(!calls || lines().any(|line| line.faults.contains(&fault)), "{fault:?} spared every call");
    }
}

impl Before {
    async fn see(&self, world: &World) -> Seen {
        Seen {
            fronts: fronts(world).await,
            warehouse: world.to_warehouse.state().await.unwrap(),
            dynamics: world.to_dynamics.state().await.unwrap(),
            warehouse_lines: world.to_warehouse.ledger(self.warehouse_lines).await.unwrap(),
            dynamics_lines: world.to_dynamics.ledger(self.dynamics_lines).await.unwrap(),
        }
    }
}

impl Seen {
    /// What a person has of a document, by what its lanes are called.
    fn persons(&self, is_its: impl Fn(&str) -> bool) -> Vec<String> {
        let its = self.fronts.iter().filter(|row| is_its(&row.parked.ordering_key));
        its.filter_map(code_of).map(str::to_owned).collect()
    }

    /// What it waits for, in the words of the page.
    fn waits(&self, is_its: impl Fn(&str) -> bool, words: impl Fn(Kind) -> &'static str) -> Vec<String> {
        let its = self.fronts.iter().filter(|row| is_its(&row.parked.ordering_key));
        let waits = its.filter(|row| row.parked.waits_for != WaitsFor::Person);
        let waits = waits.map(|row| match row.parked.waits_for {
            // Whether Dynamics has posted or credited something is looked after beside the lanes, and soon over.
            WaitsFor::Document { .. } if row.parked.kind != Kind::PostingSettled.as_str() => {
                words(row.parked.kind.parse().unwrap()).to_owned()
            }
            ref other => format!("{} waits for {other:?}", row.parked.kind),
        });
        waits.collect()
    }

    /// What the warehouse holds of a document: of orders, or of what comes back.
    fn held(&self, list: &str, id: &str) -> impl Iterator<Item = &Value> {
        let prefix = format!("usmf-{id}-W");
        let held = self.warehouse[list].as_array().unwrap().iter();
        held.filter(move |held| text(&held["reference"]).starts_with(&prefix))
    }

    /// The references of a document that are live there.
    fn live(&self, list: &str, id: &str) -> Vec<String> {
        self.held(list, id).filter(|held| held["live"] == true).map(|held| text(&held["reference"])).collect()
    }

    /// The calls by which something became, or was to become, of a document there: the path, and our reference.
    fn called(&self, id: &str) -> impl Iterator<Item = (&str, &str)> {
        let prefix = format!("usmf-{id}-W");
        self.warehouse_lines.iter().filter(|line| line.method == "POST").filter_map(move |line| {
            let reference = line.reference.as_deref().filter(|reference| reference.starts_with(&prefix))?;
            let creates = !line.path[1..].contains('/');
            (!creates || line.effect == Effect::Created).then_some((line.path.as_str(), reference))
        })
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
