//! Dynamics 365 Finance & Operations: released documents are read, and what shipped or was received is
//! posted, over `OData`.
//!
//! It knows the product's names and habits, and decides nothing. What is written has ids made of business facts, so
//! that every write first finds what is there; invariant: a repeat of any of its calls changes nothing.

mod adjusting;
mod adjustments;
mod batch;
mod catalogue;
mod changes;
mod failures;
mod fields;
mod infolog;
mod odata;
mod parts;
mod released;
mod status;
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

use adjusting::Adjusting;
use odata::OData;
use tokens::{Held, Tokens};

use super::calendar::Calendar;
use super::documents::Receiving;
use super::http::Caller;
use crate::config::{Adjustments, Catalogue, Dynamics, Gateways, Inbound, Outbound, ScanFields, Secret};
use crate::message::LegalEntity;

pub(super) use catalogue::strange_name;
pub(super) use failures::failure;

/// One environment.
pub(super) struct FinanceOperations {
    pub(super) outbound: Outbound,
    pub(super) inbound: Inbound,
    pub(super) adjustments: Arc<Adjustments>,
    pub(super) catalogue: Catalogue,
    pub(super) calendar: Arc<Calendar>,
    scan: ScanFields,
    odata: Arc<OData>,
    adjusting: Adjusting,
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
        let adjusting = Adjusting::new(&odata, &adjustments, limits);
        let (outbound, inbound, scan) = (config.outbound.clone(), config.inbound.clone(), config.scan.clone());
        let calendar = Arc::new(Calendar::of(&outbound));
        Self { outbound, inbound, adjustments, catalogue: config.catalogue.clone(), calendar, scan, odata, adjusting }
    }

    /// How the environment takes receipts.
    pub(super) fn receiving(&self) -> Receiving {
        let Inbound { statuses, dispositions, reversals, .. } = self.inbound.clone();
        Receiving { statuses, dispositions, reversals }
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
