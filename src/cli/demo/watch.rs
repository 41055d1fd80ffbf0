//! Follows the demo to its end, or says what is stuck.

use std::time::Duration;

use super::memory::Memory;
use super::stage::Stage;
use super::view::View;
use crate::cli::Failed;
use crate::clock::{Clock, Mark};
use crate::exceptions::{Owners, parked};
use crate::store::Store;

/// When nothing has moved for this long, something is stuck.
const STILL_MAX: Duration = Duration::from_secs(30);

/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Only when nothing has moved for this long, everything has ended.
const QUIET_FOR: Duration = Duration::from_secs(1);

/// How much of what happened last is remembered, in lines.
const LAST_KEPT: usize = 6;

/// How many stuck documents are named.
const NAMED_MAX: u32 = 10;

pub(super) enum Ending {
    Finished,
    Stuck(Vec<String>),
    Interrupted,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    /// Every order and what came back of it is posted.
    Posted,
    /// Every one of them is posted or waits for a person.
    Settled,
    /// As the first, however long people take.
    Mended,
}

pub(super) async fn watch(stage: &Stage, view: &View, memory: &Memory, goal: Goal) -> Result<Ending, Failed> {
    let clock = Clock::system();
    let started = clock.mark();
    let (mut moved, mut shown) = (started, None::<Mark>);
    let mut before = None;
    let mut last = Vec::new();
    let mut looks = tokio::time::interval(LOOK_EVERY);
    loop {
        looks.tick().await;
        let Some(counts) = stage.counts().await? else {
            if goal != Goal::Mended && clock.since(moved) >= STILL_MAX {
                return Ok(Ending::Stuck(vec!["A far end does not answer any more.".to_owned()]));
            }
            continue;
        };
        stage.disturb(memory, &counts).await;
        let still = before.as_ref() == Some(&counts);
        stage.send_back(memory, &counts, still).await?;
        if !still {
            moved = clock.mark();
            before = Some(counts.clone());
        }
        let left_to_people = if goal == Goal::Settled { counts.exceptions } else { 0 };
        let done = counts.posted + left_to_people >= memory.orders
            && counts.received >= memory.receipts()
            && counts.adjusted >= memory.adjustments()
            && counts.inspected + left_to_people >= memory.returns()
            && (goal != Goal::Mended || counts.exceptions == 0)
            && counts.events_waiting == 0
            && counts.parked == counts.exceptions + counts.followers;
        // While people read what to do, nothing comes between that does not tell them anything new.
        let news = goal != Goal::Mended || clock.since(moved) <= view.period();
        if news && shown.is_none_or(|at| clock.since(at) >= view.period()) {
            last.extend(stage.happened().await);
            last.drain(..last.len().saturating_sub(LAST_KEPT));
            view.show(&counts, clock.since(started), &last);
            shown = Some(clock.mark());
        }
        if done && clock.since(moved) >= QUIET_FOR && stage.quiet(memory).await? {
            view.show(&counts, clock.since(started), &last);
            return Ok(Ending::Finished);
        }
        if goal != Goal::Mended && clock.since(moved) >= STILL_MAX {
            return Ok(Ending::Stuck(stuck(stage.store()).await?));
        }
    }
}

/// What is parked, and why.
async fn stuck(store: &Store) -> Result<Vec<String>, Failed> {
    let (total, parked) = parked(store, &Owners::new(), None, NAMED_MAX).await?;
    let mut lines = vec![format!("Stuck: {total} messages are parked.")];
    lines.extend(parked.iter().map(|each| format!("  {} [{}] {}", each.document, each.code, each.sentence)));
    let outbox = store.waiting(None, None).await?;
    lines.push(format!("  {} messages wait in the outbox, the oldest for {} s.", outbox.rows, outbox.oldest.as_secs()));
    Ok(lines)
}
