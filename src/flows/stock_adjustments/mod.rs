//! Flow `stock_adjustments`: what changed in the warehouse for another reason than a document is posted in Dynamics.
//!
//! ```text
//! StockAdjusted ─┬─ belongs to a shipment, receipt or return ──► waits for it; then it is posted already: nothing
//!                └─ an adjustment ── post ──► posted
//!                                    └─ there is not so much on hand ──► waits for stock of the item, then a person's
//! ```
//!
//! The same key with other contents is a correction when its sequence, or else its time, says that it is newer: then what was
//! posted is taken back and what is right is posted, as one fact of which only the difference moves. An older one says
//! nothing new. One of which neither can be told is a person's.
//!
//! Everything is posted as a *movement*, and movements commute: in whatever order they come, once each, the stock in
//! Dynamics ends where the warehouse's does. So a count is posted as what it changed in the warehouse's own book, the level
//! after it less the level before it. That is net of everything that was captured before the count and is not posted yet,
//! because the warehouse's book had it already; and an older count that comes late takes nothing back that a newer one
//! found. A count that says only what it found cannot be told from what is still under way: it is a person's.
//!
//! Where Dynamics takes journals, an adjustment is posted when its journal is: after the journal is written it is looked at,
//! by the table of posting polls, until somebody has posted it.
//!
//! ```text
//! journal written ─┬─ a service posts it ─► the service is called ─┐
//!                  └─ a job in Dynamics does ──────────────────────┴─► looked at until it is posted; overdue: a person's
//! ```
//!
//! Items, units and what a reason is posted to are said in Dynamics' words by the mapping; whether it is the same fact is
//! told by the warehouse's own words, so that a row that changes later changes nothing that was posted.
//!
//! The direction comes from the sign, never from the reason. A plan knows its own fact and no others: the ledger of a stock
//! that is never closed would grow for ever.

mod adjusted;
mod contents;
mod corrected;
mod journals;
mod mapped;

use std::sync::Arc;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::answer::Decision;
use super::ledger::Ledger;
use super::orders::{environment, unknown};
use crate::config::{Adjustments, Statuses};
use crate::failure::{Code, Failure};
use crate::gateways::{AdjustmentRow, Gateways, JournalState, StockJournal};
use crate::mapping::Mapping;
use crate::message::{Body, Connection, Envelope, LegalEntity, PlaceCode};

/// What the plan of an adjustment needs beside the message.
#[derive(Clone, Debug)]
pub struct AdjustmentLook {
    /// The Dynamics environment.
    pub environment: Connection,
    /// Whose stock it is; nothing: the configuration does not say.
    pub legal_entity: Option<LegalEntity>,
    /// Dynamics' warehouse; nothing: the facility is mapped to none.
    pub place: Option<PlaceCode>,
    /// What happened before is no business of ours.
    pub go_live: Option<Timestamp>,
    /// How adjustments are posted there.
    pub rules: Arc<Adjustments>,
    /// What it calls the statuses of stock.
    pub statuses: Statuses,
    /// What became of the journal of the message's adjustment, where one was written.
    pub journal: Option<JournalState>,
}

/// Facts of `adjust_stock`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdjustedStock {
    /// The warehouse's key of the fact.
    pub adjustment_key: String,
    /// Whose key it is.
    pub warehouse: Connection,
    /// Tells whether the same adjustment came with other contents.
    pub digest: String,
    /// What it added to the item, over all statuses.
    pub quantity: Decimal,
    /// When it happened.
    pub at: Timestamp,
    /// How often it was corrected before.
    #[serde(default)]
    pub corrections: u32,
    /// Which of several reports it is, where the warehouse counts them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// When it happened, where the warehouse said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_at: Option<Timestamp>,
    /// All that is posted of it, in Dynamics' words: what a correction takes back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<AdjustmentRow>,
    /// The journal that it is, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journal: Option<StockJournal>,
    /// The version of the mapping in whose words it was posted, when it has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapping: Option<u64>,
}

/// Finds out where an adjustment is posted, and what became of its journal, where one was written.
pub(super) async fn look(gateways: &Gateways, message: &Envelope, ledger: &Ledger) -> Result<AdjustmentLook, Failure> {
    let environment = environment(gateways, message)?;
    let dynamics = gateways.dynamics(&environment).ok_or_else(|| unknown(&environment))?;
    let facility = match &message.body {
        Body::StockAdjusted(body) => body.warehouse.as_ref().and_then(|place| place.code.as_ref()),
        _ => None,
    };
    let journal = match posted(ledger).and_then(|posted| posted.journal) {
        Some(journal) => {
            let state = dynamics.journal_state(&journal).await;
            let doing = format!("read what became of the journal {}", journal.number);
            Some(state.map_err(|error| dynamics.failure(&error, &doing))?)
        }
        None => None,
    };
    Ok(AdjustmentLook {
        journal,
        legal_entity: message.legal_entity.clone().or_else(|| gateways.company_of(&message.connection)),
        place: gateways.place_of(&message.connection, facility),
        go_live: dynamics.go_live(),
        rules: Arc::clone(dynamics.adjustments()),
        statuses: dynamics.statuses().clone(),
        environment,
    })
}

/// What is posted of the adjustment, with its last correction.
fn posted(ledger: &Ledger) -> Option<AdjustedStock> {
    let facts = ledger.facts::<AdjustedStock>("adjust_stock");
    facts.into_iter().max_by_key(|fact| fact.corrections)
}

/// Decides what is to be done next with a message about stock.
#[must_use]
pub fn plan(message: &Envelope, look: &AdjustmentLook, mapping: &Mapping, ledger: &Ledger) -> Decision {
    match &message.body {
        Body::StockAdjusted(body) => adjusted::plan((message, body), look, mapping, ledger),
        other => Decision::Fail(Failure::new(
            Code::MessageUnhandled,
            format!("The flow stock_adjustments knows no {}. It is kept; replay it after an upgrade.", other.kind()),
        )),
    }
}
