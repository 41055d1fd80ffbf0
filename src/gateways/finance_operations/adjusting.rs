//! Who goes with which request: adjustments that wait at the same moment for one company share one.
//!
//! There is no timer. Whoever comes when nothing is under way goes at once; whoever comes meanwhile waits, and goes with
//! the next request, at most so many as configured. Each caller rides with the request and sees its own answer.
//!
//! ```text
//! wait ─┬─► somebody else takes it along ──────────────┐
//!       └─► its turn: a place, then all who wait go ───┴─► the request, driven by all who ride ─► each its own answer
//! ```
//!
//! Invariants: an adjustment leaves only while its caller waits for it and its deadline holds, looked at when the request is
//! made up. Whoever gives up before is certain that nothing left; whoever gives up later leaves the others riding.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::FinanceOperations;
use super::adjustments::{Adjuster, Said};
use super::odata::OData;
use crate::clock::{Clock, Mark};
use crate::config::{Adjustments, Gateways, ms};
use crate::gateways::enter;
use crate::gateways::error::{GatewayError, NotSent};
use crate::gateways::pace::{Pace, Place};
use crate::gateways::stock::StockAdjustment;
use crate::message::LegalEntity;

/// A request under way, and what it brings: one answer for each who rides.
type Request = Shared<BoxFuture<'static, Arc<Vec<Said>>>>;

/// The adjustments of one environment on their way.
pub(super) struct Adjusting {
    adjuster: Arc<Adjuster>,
    clock: Clock,
    /// Whoever cannot go within this time waits elsewhere: sooner than the deadline of its call.
    patience: Duration,
    companies: Mutex<BTreeMap<LegalEntity, Arc<Company>>>,
}

/// What waits for one company.
struct Company {
    turns: Arc<Semaphore>,
    waiting: Mutex<VecDeque<Waiting>>,
}

/// An adjustment whose caller waits.
struct Waiting {
    adjustment: StockAdjustment,
    deadline: (Mark, Duration),
    ride: oneshot::Sender<Ride>,
}

/// A place in a request.
struct Ride {
    request: Request,
    place: usize,
}

impl FinanceOperations {
    /// Posts an adjustment together with others that wait.
    pub(in crate::gateways) async fn adjust_stock(
        &self,
        pace: &Arc<Pace>,
        adjustment: &StockAdjustment,
        deadline: (Mark, Duration),
    ) -> Result<(), GatewayError> {
        let adjusting = &self.adjusting;
        let company = adjusting.company(&adjustment.legal_entity);
        let (ride, mut taken_along) = oneshot::channel();
        company.waiting().push_back(Waiting { adjustment: adjustment.clone(), deadline, ride });
        let boarding = tokio::time::timeout(adjusting.patience, adjusting.board(pace, &company, &mut taken_along));
        let boarded = boarding.await.unwrap_or_else(|_| Err(not_sent(NotSent::Crowded)));
        // Whoever gives up here must not be taken along later, nor have been taken along unseen.
        taken_along.close();
        let ride = boarded.or_else(|why| taken_along.try_recv().map_err(|_| why))?;
        let said = ride.request.await;
        said.get(ride.place).cloned().unwrap_or_else(|| Err(not_sent(NotSent::Crowded)))
    }
}

impl Adjusting {
    pub(super) fn new(odata: &Arc<OData>, config: &Arc<Adjustments>, limits: &Gateways) -> Self {
        Self {
            adjuster: Arc::new(Adjuster { odata: Arc::clone(odata), config: Arc::clone(config) }),
            clock: odata.caller.clock().clone(),
            patience: ms(limits.call_ms_max) / 4,
            companies: Mutex::default(),
        }
    }

    fn company(&self, name: &LegalEntity) -> Arc<Company> {
        let mut companies = self.companies.lock().unwrap_or_else(PoisonError::into_inner);
        let turns = self.adjuster.config.requests_at_once_max.clamp(1, Semaphore::MAX_PERMITS);
        let new = || Arc::new(Company { turns: Arc::new(Semaphore::new(turns)), waiting: Mutex::default() });
        Arc::clone(companies.entry(name.clone()).or_insert_with(new))
    }

    /// Waits until somebody takes it along, or until it is its turn to take all along.
    async fn board(
        &self,
        pace: &Arc<Pace>,
        company: &Company,
        taken_along: &mut oneshot::Receiver<Ride>,
    ) -> Result<Ride, GatewayError> {
        loop {
            tokio::select! {
                biased;
                ride = &mut *taken_along => return ride.map_err(|_| not_sent(NotSent::Crowded)),
                turn = Arc::clone(&company.turns).acquire_owned() => {
                    let turn = turn.map_err(|_| not_sent(NotSent::Crowded))?;
                    let place = enter(pace, "adjust_stock").await?;
                    // Not earlier: who comes while it waits for its place goes along, too.
                    self.depart(company, turn, place);
                }
            }
        }
    }

    /// Makes up a request of those who wait. It begins when the first who rides looks at it.
    fn depart(&self, company: &Company, turn: OwnedSemaphorePermit, place: Place) {
        let adjuster = Arc::clone(&self.adjuster);
        let clock = self.clock.clone();
        let (load, loaded) = oneshot::channel::<Vec<(StockAdjustment, (Mark, Duration))>>();
        let request: Request = async move {
            let (adjustments, deadlines): (Vec<_>, Vec<_>) = loaded.await.unwrap_or_default().into_iter().unzip();
            let in_time = |place: usize| deadlines.get(place).is_some_and(|deadline| holds(&clock, *deadline));
            let said = adjuster.post(&adjustments, in_time).await;
            drop((turn, place));
            Arc::new(said)
        }
        .boxed()
        .shared();
        let mut waiting = company.waiting();
        let mut riding = Vec::new();
        while riding.len() < self.adjuster.config.lines_max.max(1) {
            let Some(Waiting { adjustment, deadline, ride }) = waiting.pop_front() else { break };
            let in_time = holds(&self.clock, deadline);
            if in_time && ride.send(Ride { request: request.clone(), place: riding.len() }).is_ok() {
                riding.push((adjustment, deadline));
            }
        }
        drop(waiting);
        // Nobody rides: the request is dropped with its turn and its place.
        let _ = load.send(riding);
    }
}

impl Company {
    fn waiting(&self) -> MutexGuard<'_, VecDeque<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn holds(clock: &Clock, (mark, within): (Mark, Duration)) -> bool {
    clock.since(mark) < within
}

fn not_sent(why: NotSent) -> GatewayError {
    GatewayError::NotSent { call: "adjust_stock", why }
}
