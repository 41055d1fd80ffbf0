//! WHOM WE CALL: Dynamics and the warehouses, behind words of ours.
//!
//! A gateway turns our words into calls and answers into our words; it decides nothing. Each edge sorts its errors into
//! [`Failure`]s in one exhaustive function. Invariant: silence after something changing was sent is never called a
//! refusal, and a refusal is never called silence.

mod calendar;
mod directory;
mod documents;
mod egress;
mod error;
mod failures;
mod finance_operations;
mod former;
mod held;
mod http;
mod json;
mod masking;
mod pace;
mod recorder;
mod returned;
mod stock;
mod throttle;
mod warehouses;
mod wire;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Mark;
use crate::config::{Adjustments, Returns, Statuses};
use crate::failure::Failure;
use crate::mapping::Fact;
use crate::message::{Connection, LegalEntity, RequestId};

pub use calendar::{Calendar, PostingDay};
pub use directory::{Gateways, GatewaysUnusable, Stop};
pub use documents::{
    Change, Changes, Direction, Feed, FulfilmentLine, FulfilmentOrder, Receiving, ReleasedLine, ReleasedOrder,
    RequestVerdict, ShipmentUpdate, TrackingRow, UpdateDimension, UpdateLine, UpdateRef, UpdateState,
};
pub use error::{GatewayError, LeftAlone, NotSent};
pub use held::{CancelAnswer, CreateAnswer, HeldLine, HeldOrder};
pub use masking::masked;
pub use pace::{Breaker, BreakerLimits, Bucket, Entry, FarEndView, Limit, Standing, Turns, Urgency, calling};
pub use recorder::{Exchange, Heard, WouldSend, recording, rehearsing};
pub use returned::{CreditedLine, MadeReturn, ReturnWish, WishedLine};
pub use stock::{AdjustmentRow, JournalState, StockAdjustment, StockJournal};
pub use warehouses::{Demands, Warehouse};
pub use wire::{Wire, WireAnswer, WireRequest};

use finance_operations::FinanceOperations;
use pace::{Pace, Place, scanning};

/// A Dynamics environment, whichever product it is.
pub struct Dynamics {
    name: Connection,
    go_live: Option<jiff::Timestamp>,
    adoption: crate::config::Adoption,
    legal_entities: Vec<String>,
    pace: Arc<Pace>,
    product: Product,
    /// What its version lacks, as it was told last.
    lacks: Mutex<Option<String>>,
}

/// The products.
enum Product {
    FinanceOperations(Arc<FinanceOperations>),
}

impl Dynamics {
    /// Its public name.
    #[must_use]
    pub fn name(&self) -> &Connection {
        &self.name
    }

    /// Whether verdicts are written back.
    #[must_use]
    pub fn writes_back(&self) -> bool {
        match &self.product {
            Product::FinanceOperations(product) => product.outbound.write_back,
        }
    }

    /// Whether tracking numbers are written anywhere.
    #[must_use]
    pub fn writes_tracking(&self) -> bool {
        match &self.product {
            Product::FinanceOperations(product) => !product.outbound.tracking_entity.is_empty(),
        }
    }

    /// What this environment calls the conditions in which goods are received, and whether it takes reversals.
    #[must_use]
    pub fn receiving(&self) -> Receiving {
        match &self.product {
            Product::FinanceOperations(product) => product.receiving(),
        }
    }

    /// The days on which things are posted.
    #[must_use]
    pub fn calendar(&self) -> &Arc<Calendar> {
        match &self.product {
            Product::FinanceOperations(product) => &product.calendar,
        }
    }

    /// Whether a company takes part: every one does where none is configured.
    #[must_use]
    pub fn takes_part(&self, legal_entity: &LegalEntity) -> bool {
        self.legal_entities.is_empty() || self.legal_entities.iter().any(|each| each == legal_entity.as_str())
    }

    /// The released document with its lines, as it stands now; nothing when Dynamics does not know it. Asked for together
    /// with others that are wanted at the same moment.
    pub async fn released_order(
        &self,
        direction: Direction,
        legal_entity: &LegalEntity,
        request: &RequestId,
    ) -> Result<Option<ReleasedOrder>, GatewayError> {
        match &self.product {
            Product::FinanceOperations(product) => {
                product.released_order(&self.pace, direction, legal_entity, request).await
            }
        }
    }

    /// Tells Dynamics what became of an outbound document. Absorbs a repeat. `seen` is the version of its status as it was
    /// read before, not cancelled; without one it is looked at first.
    pub async fn write_status(
        &self,
        (legal_entity, request): (&LegalEntity, &RequestId),
        verdict: &RequestVerdict,
        seen: Option<&str>,
    ) -> Result<(), GatewayError> {
        let _place = enter(&self.pace, "write_status").await?;
        match &self.product {
            Product::FinanceOperations(product) => product.write_status((legal_entity, request), verdict, seen).await,
        }
    }

    /// Writes header, lines, dimensions and the commit step, skipping what is there. Absorbs a repeat.
    pub async fn post_shipment(&self, update: &ShipmentUpdate) -> Result<(), GatewayError> {
        let _place = enter(&self.pace, "post_shipment").await?;
        match &self.product {
            Product::FinanceOperations(product) => product.post_shipment(update).await,
        }
    }

    /// What Dynamics made of an update. Asked for together with others that are wanted at the same moment.
    pub async fn update_state(&self, update: &UpdateRef<'_>) -> Result<UpdateState, GatewayError> {
        match &self.product {
            Product::FinanceOperations(product) => product.update_state(&self.pace, update).await,
        }
    }

    /// Whether Dynamics has had time to make something of what was handed over then.
    #[must_use]
    pub fn may_have_settled(&self, handed_over: jiff::Timestamp) -> bool {
        match &self.product {
            Product::FinanceOperations(product) => product.may_have_settled(handed_over),
        }
    }

    /// How goods come back.
    #[must_use]
    pub fn returns(&self) -> &Returns {
        match &self.product {
            Product::FinanceOperations(product) => &product.returns,
        }
    }

    /// Makes a return order, or completes the one that is there under its key. Findable by that key.
    pub async fn create_return(&self, wish: &ReturnWish) -> Result<MadeReturn, GatewayError> {
        let _place = enter(&self.pace, "create_return").await?;
        match &self.product {
            Product::FinanceOperations(product) => product.create_return(wish).await,
        }
    }

    /// The return order that was made under a key of ours.
    pub async fn find_return(
        &self,
        legal_entity: &LegalEntity,
        reference: &str,
    ) -> Result<Option<MadeReturn>, GatewayError> {
        let _place = enter(&self.pace, "find_return").await?;
        match &self.product {
            Product::FinanceOperations(product) => product.find_return(legal_entity, reference).await,
        }
    }

    /// Writes one package's tracking. Absorbs a repeat.
    pub async fn write_tracking(&self, row: &TrackingRow) -> Result<(), GatewayError> {
        let _place = enter(&self.pace, "write_tracking").await?;
        match &self.product {
            Product::FinanceOperations(product) => product.write_tracking(row).await,
        }
    }

    /// All that Dynamics says of a company's items, and what could not be read, in words. It goes after everything else that
    /// is wanted of the environment.
    pub async fn catalogue(&self, legal_entity: &LegalEntity) -> Result<(Vec<Fact>, Vec<String>), GatewayError> {
        match &self.product {
            Product::FinanceOperations(product) => scanning(product.catalogue(legal_entity, &self.pace)).await,
        }
    }

    /// Whether this environment has what it takes to scan a feed.
    #[must_use]
    pub fn scans(&self, feed: Feed) -> bool {
        match &self.product {
            Product::FinanceOperations(product) => product.scans(feed),
        }
    }

    /// What was changed from an instant on in the companies that take part, oldest first: at most `rows_max` rows, behind
    /// `skip` others.
    pub async fn changes(
        &self,
        feed: Feed,
        (from, skip, rows_max): (jiff::Timestamp, usize, usize),
    ) -> Result<Changes, GatewayError> {
        let _place = enter(&self.pace, "changes").await?;
        let companies: Vec<_> =
            self.legal_entities.iter().filter_map(|name| LegalEntity::new(name.as_str()).ok()).collect();
        match &self.product {
            Product::FinanceOperations(product) => product.changes(feed, &companies, (from, skip, rows_max)).await,
        }
    }

    /// How adjustments are posted.
    #[must_use]
    pub fn adjustments(&self) -> &Arc<Adjustments> {
        match &self.product {
            Product::FinanceOperations(product) => &product.adjustments,
        }
    }

    /// What this environment calls the statuses of stock.
    #[must_use]
    pub fn statuses(&self) -> &Statuses {
        match &self.product {
            Product::FinanceOperations(product) => &product.statuses,
        }
    }

    /// Posts an adjustment of stock, in one request with others that wait at the same moment; nothing of it leaves when
    /// more than the deadline has passed since the mark. Absorbs a repeat.
    pub async fn adjust_stock(
        &self,
        adjustment: &StockAdjustment,
        deadline: (Mark, Duration),
    ) -> Result<(), GatewayError> {
        match &self.product {
            Product::FinanceOperations(product) => product.adjust_stock(&self.pace, adjustment, deadline).await,
        }
    }

    /// The journal that an adjustment is; nothing where adjustments are no journals.
    #[must_use]
    pub fn journal_of(&self, adjustment: &StockAdjustment) -> Option<StockJournal> {
        self.adjustments().by_journal()?;
        let number = adjustment.rows.first()?.row_id.clone();
        Some(StockJournal { legal_entity: adjustment.legal_entity.clone(), number })
    }

    /// What became of a journal.
    pub async fn journal_state(&self, journal: &StockJournal) -> Result<JournalState, GatewayError> {
        match &self.product {
            Product::FinanceOperations(product) => product.journal_state(&self.pace, journal).await,
        }
    }

    /// Has a journal posted, by the service that is configured. Absorbs a repeat.
    pub async fn post_journal(&self, journal: &StockJournal) -> Result<(), GatewayError> {
        match &self.product {
            Product::FinanceOperations(product) => product.post_journal(&self.pace, journal).await,
        }
    }

    /// Asks the environment what its version has: what the configuration needs and it lacks, in one sentence with what to do
    /// about each; nothing when all is there.
    pub async fn ask_version(&self) -> Result<Option<String>, GatewayError> {
        let lacks = match &self.product {
            Product::FinanceOperations(product) => product.lacks(&self.name).await?,
        };
        let sentence = format!("This version of {} has {}.", self.name, lacks.join("; "));
        let sentence = (!lacks.is_empty()).then_some(sentence);
        self.lacks.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&sentence);
        Ok(sentence)
    }

    /// Asks the same; nothing when that is what was told the last time, too.
    pub async fn news_of_version(&self) -> Result<Option<String>, GatewayError> {
        let known = self.lacks();
        Ok(self.ask_version().await?.filter(|lacks| known.as_ref() != Some(lacks)))
    }

    /// What its version lacked when it was asked last.
    #[must_use]
    pub fn lacks(&self) -> Option<String> {
        self.lacks.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The one function that sorts this edge's errors. `doing` completes "could not …": `read the released document X`.
    #[must_use]
    pub fn failure(&self, error: &GatewayError, doing: &str) -> Failure {
        match &self.product {
            Product::FinanceOperations(product) => product.failure(&self.name, error, doing),
        }
        .with_far_end(self.pace.in_the_way(error))
    }
}

/// A place at a far end for one act.
async fn enter(pace: &Arc<Pace>, call: &'static str) -> Result<Place, GatewayError> {
    pace.enter().await.map_err(|why| GatewayError::NotSent { call, why })
}
