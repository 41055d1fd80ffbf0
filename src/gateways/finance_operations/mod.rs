//! Dynamics 365 Finance & Operations: released documents are read, and what shipped or was received is
//! posted, over `OData`.
//!
//! It knows the product's names and habits, and decides nothing. What is written has ids made of business facts, so
//! that every write first finds what is there; invariant: a repeat of any of its calls changes nothing.

mod adjustments;
mod batch;
mod catalogue;
mod changes;
mod failures;
mod fields;
mod infolog;
mod journals;
mod metadata;
mod odata;
mod parts;
mod released;
mod returns;
mod rows;
mod status;
mod together;
mod tokens;
mod tracking;
mod updates;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use reqwest::Url;
use tokio::sync::Mutex;

use adjustments::Adjuster;
use odata::OData;
use together::Together;
use tokens::{Held, Tokens};

use super::calendar::Calendar;
use super::documents::{Direction, Receiving, ReleasedOrder, UpdateState};
use super::http::Caller;
use super::stock::{JournalState, StockAdjustment};
use crate::clock::Mark;
use crate::config::{
    self, Adjustments, Catalogue, Dynamics, Gateways, Inbound, Outbound, Returns, ScanFields, Secret, Statuses, ms,
};
use crate::message::{LegalEntity, RequestId};

pub(super) use catalogue::strange_name;

/// What names an update among those of its company: our id of it, and the document's origin.
#[derive(Clone)]
struct UpdateNames {
    update_id: String,
    origin_id: String,
}

/// One environment.
pub(super) struct FinanceOperations {
    pub(super) outbound: Outbound,
    pub(super) inbound: Inbound,
    pub(super) returns: Returns,
    pub(super) adjustments: Arc<Adjustments>,
    pub(super) catalogue: Catalogue,
    pub(super) calendar: Arc<Calendar>,
    scan: ScanFields,
    pub(super) statuses: Statuses,
    odata: Arc<OData>,
    together: config::Together,
    adjuster: Arc<Adjuster>,
    /// A read that has not left within this time is given up.
    read_within: Duration,
    // What waits for the same request.
    adjusting: Together<LegalEntity, StockAdjustment, ()>,
    journals: Together<LegalEntity, String, JournalState>,
    released: Together<(Direction, LegalEntity), RequestId, Option<ReleasedOrder>>,
    updated: Together<(Direction, LegalEntity), UpdateNames, UpdateState>,
}

impl FinanceOperations {
    /// An environment behind these addresses.
    pub(super) fn new(
        caller: Caller,
        (root, token_url): (Url, Url),
        client_secret: Secret,
        config: &Dynamics,
        limits: &Gateways,
    ) -> Self {
        let tokens = Tokens {
            url: token_url,
            client_id: config.client_id.clone(),
            client_secret,
            scope: format!("{}/.default", root.as_str().trim_end_matches('/')),
            margin: Duration::from_secs(limits.token_margin_s),
            held: Mutex::new(Held::default()),
            renewals: AtomicU64::new(0),
        };
        let odata = Arc::new(OData { caller, tokens, root, pages_max: limits.pages_max.max(1) });
        let adjustments = Arc::new(config.adjustments.clone());
        let adjuster = Arc::new(Adjuster { odata: Arc::clone(&odata), config: Arc::clone(&adjustments) });
        let clock = odata.caller.clock();
        let together = config.together.clone();
        let reading = (together.documents_max, together.reads_at_once_max);
        Self {
            adjusting: Together::new(
                "adjust_stock",
                clock,
                limits,
                (adjustments.lines_max, adjustments.requests_at_once_max),
            ),
            journals: Together::new("read_journal", clock, limits, reading),
            released: Together::new("released_order", clock, limits, reading),
            updated: Together::new("update_state", clock, limits, reading),
            outbound: config.outbound.clone(),
            catalogue: config.catalogue.clone(),
            calendar: Arc::new(Calendar::of(&config.outbound)),
            scan: config.scan.clone(),
            inbound: config.inbound.clone(),
            returns: config.returns.clone(),
            adjustments,
            statuses: config.statuses.clone(),
            together,
            adjuster,
            read_within: ms(limits.call_ms_max),
            odata,
        }
    }

    /// Whether an update that was handed over then may be processed by now.
    pub(super) fn may_have_settled(&self, handed_over: Timestamp) -> bool {
        let passed = Duration::try_from(self.odata.caller.clock().now().duration_since(handed_over));
        passed.is_ok_and(|passed| passed >= ms(self.together.first_look_ms))
    }

    /// The deadline of a read that begins now.
    fn soon(&self) -> (Mark, Duration) {
        (self.odata.caller.clock().mark(), self.read_within)
    }

    /// How the environment takes receipts.
    pub(super) fn receiving(&self) -> Receiving {
        let Inbound { dispositions, reversals, .. } = self.inbound.clone();
        let Returns { without_credit, credited_elsewhere, undeliverable_credit, .. } = self.returns.clone();
        let statuses = self.statuses.clone();
        Receiving { statuses, dispositions, reversals, without_credit, credited_elsewhere, undeliverable_credit }
    }

    /// The day on which something is posted, as Dynamics keeps dates.
    fn day_of_posting(&self, instant: Timestamp, legal_entity: &LegalEntity) -> Timestamp {
        noon(self.calendar.posting_day(instant, legal_entity).day, instant)
    }

    /// The day of an instant, as Dynamics keeps dates.
    fn day(&self, instant: Timestamp, legal_entity: &LegalEntity) -> Timestamp {
        noon(self.calendar.day(instant, legal_entity), instant)
    }
}

/// Noon in UTC, so that no time zone moves the day.
fn noon(day: Date, otherwise: Timestamp) -> Timestamp {
    day.at(12, 0, 0, 0).to_zoned(TimeZone::UTC).map_or(otherwise, |noon| noon.timestamp())
}
