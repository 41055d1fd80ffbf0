//! The far ends and the product, started together and told of one another.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde_json::{Value, json};

use super::far_ends::{Names, disturbances, mapped};
use super::hints::{self, Places};
use super::memory::Memory;
use super::report::Report;
use super::returns::{self, ComingBack};
use super::view::{Counts, View};
use super::{app_addresses, bad_day};
use crate::app::{App, Lock, Roles};
use crate::cli::{Failed, Global, output};
use crate::clock::Clock;
use crate::config::Config;
use crate::console::TOKEN_FILE;
use crate::exceptions::Exception;
use crate::sandbox::{
    EVENT, Effect, Evidence, FarEnd, Faults, LedgerLine, Running, Shop, Verdict, Visitor, unless_refused, verdict,
};
use crate::store::Store;

/// Orders that one call releases.
const RELEASED_AT_ONCE: u64 = 10_000;

/// With faults, a far end goes down for so long.
const DOWN_S: u64 = 3;

/// Everything that runs.
pub(super) struct Stage {
    dynamics: Running,
    warehouse: Running,
    app: App,
    to_dynamics: Visitor,
    to_warehouse: Visitor,
    warehouse_name: String,
    door: String,
    coming_back: ComingBack,
    /// How far the ledgers of Dynamics and the warehouse have been read.
    seen: [AtomicU64; 2],
    downs: [AtomicBool; 2],
}

/// What the far ends say, and what of it waits for people.
struct Judged {
    verdict: Verdict,
    /// Orders that are not posted and have an exception, or wait behind one.
    waiting: u64,
    /// Returns of which the same is true, or that were not even made.
    returns_waiting: u64,
}

impl Stage {
    pub(super) async fn start(global: &Global, lock: Lock, memory: &Memory, config: &Config) -> Result<Self, Failed> {
        let names = Names::of(memory, config)?;
        let (dynamics, warehouse) = names.opened(memory).await?;
        let ours = global.load(&names.sections(&dynamics.url(), &warehouse.url(), config))?;
        let mut rows = returns::rows(&names.warehouse, memory.bad_day)?;
        if memory.bad_day {
            rows.push(bad_day::counted(&names.warehouse)?);
        }
        mapped(&ours, rows).await?;
        let app = App::start_in(Some(lock), ours, Roles::all(), Clock::system()).await?;
        let (door, operations) = app_addresses(&app)?;
        let token = std::fs::read_to_string(config.data.join(TOKEN_FILE))?;
        let shop = Shop::of(&operations, token.trim())?;
        let coming_back = ComingBack::of(shop, names.dynamics.clone());
        let door = format!("{door}/ingest/d365/finance-operations/{}/{}", names.dynamics, names.event_secret.1);
        dynamics.deliver_to(door.clone());
        warehouse.deliver_to(format!("{}/ingest/warehouse/{}", app_addresses(&app)?.0, names.warehouse));
        let (to_dynamics, to_warehouse) = (Visitor::of(&dynamics.url())?, Visitor::of(&warehouse.url())?);
        Ok(Self {
            dynamics,
            warehouse,
            app,
            to_dynamics,
            to_warehouse,
            warehouse_name: names.warehouse,
            door,
            coming_back,
            seen: Default::default(),
            downs: Default::default(),
        })
    }

    pub(super) fn introduce(&self, view: &View) {
        let operations = app_addresses(&self.app).map(|(_, operations)| operations).unwrap_or_default();
        view.say(&format!("Simulated Dynamics   {}/sandbox/state", self.dynamics.url()));
        view.say(&format!("Simulated warehouse  {}/sandbox/state", self.warehouse.url()));
        view.say(&format!("Operations           {operations}/readyz /metrics and /openapi.json"));
        if let Some(link) = self.app.first_link() {
            view.say(&format!("A token for /v1      {link}"));
        }
        view.say(&format!("Events of your own   DOOR={}", self.door));
    }

    /// Releases what has not been released yet.
    pub(super) async fn release(&self, memory: &Memory) -> Result<(), Failed> {
        loop {
            let released = count(&self.to_dynamics.progress().await?, "released");
            let missing = memory.orders.saturating_sub(released).min(RELEASED_AT_ONCE);
            if missing == 0 {
                return self.expect(memory).await;
            }
            let wish = if memory.bad_day {
                bad_day::next((memory.orders, memory.seed), released, RELEASED_AT_ONCE)
            } else {
                Some(json!({ "count": missing, "seed": memory.seed }))
            };
            if memory.bad_day && released == 0 {
                let faults = if memory.faults { disturbances(0) } else { Faults::default() };
                bad_day::begun(&self.to_dynamics, &self.to_warehouse, faults).await?;
            }
            unless_refused(self.to_dynamics.release_as(&wish.unwrap_or_default()).await).map_err(Failed::Work)?;
        }
    }

    /// Lets goods be expected that are not yet.
    async fn expect(&self, memory: &Memory) -> Result<(), Failed> {
        loop {
            let expected = count(&self.to_dynamics.progress().await?, "expected");
            let missing = memory.receipts().saturating_sub(expected).min(RELEASED_AT_ONCE);
            if missing == 0 {
                return self.adjust(memory).await;
            }
            unless_refused(self.to_dynamics.expect(missing, memory.seed).await).map_err(Failed::Work)?;
        }
    }

    /// Lets stock be adjusted that is not yet.
    async fn adjust(&self, memory: &Memory) -> Result<(), Failed> {
        loop {
            let adjusted = count(&self.to_warehouse.progress().await?, "adjustments");
            let missing = memory.adjustments().saturating_sub(adjusted).min(RELEASED_AT_ONCE);
            if missing == 0 {
                return Ok(());
            }
            let wish = json!({ "count": missing, "seed": memory.seed });
            unless_refused(self.to_warehouse.adjust(&wish).await).map_err(Failed::Work)?;
        }
    }

    /// Where everything is; nothing while a far end is down.
    pub(super) async fn counts(&self) -> Result<Option<Counts>, Failed> {
        let (Ok(dynamics), Ok(warehouse)) = (self.to_dynamics.progress().await, self.to_warehouse.progress().await)
        else {
            return Ok(None);
        };
        let parked = self.app.store().parked_counts().await?;
        let of = |chosen: fn(&str) -> bool| parked.iter().filter(|(_, what, _)| chosen(what)).map(|(.., n)| n).sum();
        Ok(Some(Counts {
            released: count(&dynamics, "released"),
            held: count(&warehouse, "held"),
            shipped: count(&warehouse, "shipped"),
            posted: count(&dynamics, "posted"),
            received: count(&warehouse, "received"),
            parked: of(|_| true),
            exceptions: of(|what| what == "person"),
            followers: of(|what| what == "head"),
            events_waiting: count(&dynamics, "pending_events") + count(&warehouse, "pending_events"),
            adjusted: count(&dynamics, "adjustments"),
            inspected: count(&warehouse, "inspected"),
            credit_notes: count(&dynamics, "credit_notes"),
            pulse: count(&dynamics, "tracking")
                + count(&dynamics, "returns")
                + count(&dynamics, "credits_due")
                + count(&warehouse, "returns")
                + count(&dynamics, "updates")
                + count(&dynamics, "acknowledged")
                + count(&warehouse, "acknowledged")
                + count(&warehouse, "steps_due"),
        }))
    }

    /// What happened at the far ends since it was last asked, oldest first.
    pub(super) async fn happened(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let far_ends = [("Dynamics", &self.to_dynamics), ("warehouse", &self.to_warehouse)];
        for ((name, visitor), seen) in far_ends.into_iter().zip(&self.seen) {
            // What is not told now is told next time.
            let new = visitor.ledger(seen.load(Ordering::Relaxed)).await.unwrap_or_default();
            if let Some(last) = new.last() {
                seen.store(last.n, Ordering::Relaxed);
            }
            lines.extend(new.iter().filter_map(|line| Some((line.at, told(name, line)?))));
        }
        lines.sort_by_key(|(at, _)| *at);
        lines.into_iter().map(|(_, line)| line).collect()
    }

    /// Whether nothing is on its way any more.
    pub(super) async fn quiet(&self, memory: &Memory) -> Result<bool, Failed> {
        let outbox = self.app.store().waiting(None, None).await?;
        let steps = count(&self.to_warehouse.progress().await?, "steps_due");
        let dynamics = self.to_dynamics.progress().await?;
        let due = ["updates_waiting", "credits_due"].map(|name| count(&dynamics, name));
        let still = outbox.rows == 0 && steps == 0 && due == [0, 0];
        // What is on its way through the product shows nowhere else.
        if !still {
            return Ok(false);
        }
        let exceptions = hints::waiting(self.store()).await?;
        let Judged { verdict, waiting, returns_waiting } = self.judged(&exceptions).await?;
        Ok(verdict.posted + waiting >= verdict.orders
            && verdict.receipts >= memory.receipts()
            && verdict.adjustments >= memory.adjustments()
            && verdict.returns + returns_waiting >= memory.returns())
    }

    /// Lets come back what shall and has left the warehouse; `still` when nothing has moved since it was last asked.
    pub(super) async fn send_back(&self, memory: &Memory, counts: &Counts, still: bool) -> Result<(), Failed> {
        let far_ends = (&self.to_dynamics, &self.to_warehouse);
        self.coming_back.go_on(memory, far_ends, (counts.shipped, still)).await
    }

    /// With faults, each far end goes down once in the middle.
    pub(super) async fn disturb(&self, memory: &Memory, counts: &Counts) {
        if !memory.faults {
            return;
        }
        let reached = [counts.held * 4 >= memory.orders, counts.shipped * 3 >= memory.orders];
        for ((visitor, reached), done) in
            [&self.to_warehouse, &self.to_dynamics].into_iter().zip(reached).zip(&self.downs)
        {
            if reached && !done.swap(true, Ordering::Relaxed) && visitor.disturb(&disturbances(DOWN_S)).await.is_err() {
                done.store(false, Ordering::Relaxed);
            }
        }
    }

    pub(super) fn store(&self) -> &Store {
        self.app.store()
    }

    /// What the ledgers of both far ends say.
    pub(super) async fn report(&self, elapsed_ms: u64) -> Result<Report, Failed> {
        let exceptions = hints::waiting(self.store()).await?;
        let Judged { verdict, waiting, returns_waiting } = self.judged(&exceptions).await?;
        // What waits is not posted, and so not counted the same: nobody has to look for the reason.
        let mismatches = if waiting + returns_waiting == 0 { verdict.mismatches.as_slice() } else { &[] };
        for finding in verdict.findings.iter().chain(mismatches) {
            output::note(finding);
        }
        Ok(Report {
            orders: verdict.orders,
            shipped: verdict.shipped,
            posted: verdict.posted,
            tracked: verdict.tracked,
            receipts: verdict.receipts,
            adjustments: verdict.adjustments,
            returns: verdict.returns,
            credit_notes: verdict.credit_notes,
            on_hand_mismatches: verdict.on_hand_mismatches,
            exceptions: exceptions.len() as u64,
            waiting,
            returns_waiting,
            lost: verdict.lost,
            duplicated: verdict.duplicated,
            out_of_order: verdict.out_of_order,
            faults: verdict.faults,
            elapsed_ms,
        })
    }

    /// What people can do about what waits; `options` lead commands to this demo.
    pub(super) async fn hints(&self, options: String) -> Result<Vec<String>, Failed> {
        let (dynamics_url, warehouse_url) = (self.dynamics.url(), self.warehouse.url());
        let places = Places { dynamics_url, warehouse_url, warehouse: self.warehouse_name.clone(), options };
        hints::hints(self.store(), &places).await
    }

    /// What of a document with an exception is missing is not lost: it waits.
    async fn judged(&self, exceptions: &[Exception]) -> Result<Judged, Failed> {
        let finance_operations = FarEnd::fetch(&self.dynamics.url()).await?;
        let orders: BTreeSet<_> = exceptions.iter().filter_map(hints::request).map(str::to_owned).collect();
        let returns = returns::troubled(&finance_operations.state, exceptions);
        let excused = orders.union(&returns).cloned().collect();
        let warehouse = FarEnd::fetch(&self.warehouse.url()).await?;
        let verdict = verdict(&Evidence { finance_operations, warehouse, excused })?;
        let of = |left: &[String], troubled: &BTreeSet<String>| left.iter().filter(|id| troubled.contains(*id)).count();
        let waiting = of(&verdict.unposted, &orders) as u64;
        let unmade = exceptions.iter().filter(|each| returns::is_wish(each)).count();
        let returns_waiting = (of(&verdict.unposted_returns, &returns) + unmade) as u64;
        Ok(Judged { verdict, waiting, returns_waiting })
    }

    pub(super) async fn stop(self) {
        self.app.stop().await;
        self.dynamics.stop().await;
        self.warehouse.stop().await;
    }
}

/// One line of a ledger for people; nothing for what only looked.
fn told(name: &str, line: &LedgerLine) -> Option<String> {
    let about = line.reference.as_deref().or(line.key.as_deref()).unwrap_or_default();
    let at = line.at.strftime("%H:%M:%S%.3f");
    if line.method == EVENT {
        return Some(format!("{at}  {about:<20}  {name} tells {} ({})", line.path, line.status));
    }
    let effect = match line.effect {
        Effect::Created => "created",
        Effect::Changed => "changed",
        Effect::Repeated => "repeated",
        Effect::Refused => "refused",
        Effect::None => return None,
    };
    let path = line.path.split(['(', '?']).next().unwrap_or_default();
    Some(format!("{at}  {about:<20}  {name} takes {} {path} ({effect})", line.method))
}

fn count(progress: &Value, name: &str) -> u64 {
    progress.get(name).and_then(Value::as_u64).unwrap_or(0)
}
