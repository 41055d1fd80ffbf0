//! Adjustments as classic journals: each is one, under the id of its first row as its number, and somebody posts it.
//!
//! Dynamics has no call that posts a journal. A service of the customer's does where one is configured; else a job in
//! Dynamics, and the journal is looked at until it says that it is posted.

use std::sync::Arc;

use futures_util::FutureExt as _;

use super::FinanceOperations;
use super::fields as field;
use super::released::FILTER_MAX;
use super::rows::Rows;
use super::together::{InTime, Said};
use super::updates::may_be_there;
use crate::config::Journals;
use crate::gateways::enter;
use crate::gateways::error::GatewayError;
use crate::gateways::http::{Call, changing, reading};
use crate::gateways::json::{Members, Row};
use crate::gateways::pace::Pace;
use crate::gateways::stock::{AdjustmentRow, JournalState, StockAdjustment, StockJournal};
use crate::message::{LegalEntity, Serial};

const POST: Call = changing("post_journal");
const READ: Call = reading("read_journal");

/// A journal by its number.
pub(super) fn journal_key<'a>(journals: &'a Journals, legal_entity: &LegalEntity, number: &str) -> Rows<'a> {
    Rows::of(&journals.headers, legal_entity).with(field::JOURNAL, number)
}

/// What stands above the lines.
pub(super) fn journal(journals: &Journals, adjustment: &StockAdjustment, number: &str) -> Members {
    let name = adjustment.posted_to.as_deref().unwrap_or(&journals.name);
    Members::default()
        .key(field::COMPANY, adjustment.legal_entity.as_str())
        .key(field::JOURNAL, number)
        .text(&journals.name_field, name)
        .text(field::JOURNAL_TEXT, adjustment.warehouse.as_str())
}

/// A line. A journal counts in the item's stock unit and takes no other.
pub(super) fn journal_line(
    journals: &Journals,
    adjustment: &StockAdjustment,
    (number, place, row): (&str, usize, &AdjustmentRow),
) -> Members {
    Members::default()
        .key(field::COMPANY, adjustment.legal_entity.as_str())
        .key(field::JOURNAL, number)
        .integer(field::JOURNAL_LINE, i64::try_from(place + 1).unwrap_or(i64::MAX))
        .text(field::ITEM, &row.item_number)
        .decimal(field::STOCK_QUANTITY, row.quantity)
        .text(&journals.warehouse_field, adjustment.place.as_str())
        .text_if(field::LOT, row.lot.as_ref())
        .text_if(field::SERIAL, row.serial.as_ref().map(Serial::as_str))
        .text_if(field::INVENTORY_STATUS, row.status.as_ref())
        .text_if(field::OWNER, row.owner.as_ref())
}

impl FinanceOperations {
    /// What became of a journal; asked together with others that are wanted at the same moment.
    pub(in crate::gateways) async fn journal_state(
        self: &Arc<Self>,
        pace: &Arc<Pace>,
        journal: &StockJournal,
    ) -> Result<JournalState, GatewayError> {
        let (product, legal_entity) = (Arc::clone(self), journal.legal_entity.clone());
        let work = move |numbers: Vec<String>, _: InTime| {
            let (product, legal_entity) = (Arc::clone(&product), legal_entity.clone());
            async move { product.journals_together(&legal_entity, &numbers).await }.boxed()
        };
        let job = (journal.number.clone(), self.soon());
        self.journals.ride(pace, journal.legal_entity.clone(), job, work).await
    }

    /// What became of several journals, by one request.
    async fn journals_together(&self, legal_entity: &LegalEntity, numbers: &[String]) -> Vec<Said<JournalState>> {
        let journals = &self.adjustments.journals;
        let mut said = Vec::with_capacity(numbers.len());
        for some in numbers.chunks(FILTER_MAX) {
            let names = some.iter().map(String::as_str);
            let rows = Rows::of(&journals.headers, legal_entity).with_any(field::JOURNAL, names);
            let found = self.odata.list(READ, &rows).await;
            said.extend(some.iter().map(|number| match &found {
                Ok(rows) => Ok(state_of(journals, rows, number)),
                Err(error) => Err(error.clone()),
            }));
        }
        said
    }

    /// Has the configured service post a journal. One that is posted already is no refusal.
    pub(in crate::gateways) async fn post_journal(
        self: &Arc<Self>,
        pace: &Arc<Pace>,
        journal: &StockJournal,
    ) -> Result<(), GatewayError> {
        let journals = &self.adjustments.journals;
        let place = enter(pace, POST.name).await?;
        let members = Members::default()
            .text(&journals.company_parameter, journal.legal_entity.as_str())
            .text(&journals.number_parameter, &journal.number);
        let refused = match self.odata.serve(POST, &journals.service, &members).await {
            Err(error) if may_be_there(&error) => error,
            other => return other,
        };
        drop(place);
        match self.journal_state(pace, journal).await? {
            JournalState::Posted => Ok(()),
            JournalState::Open | JournalState::Missing => Err(self.adjuster.refined(refused)),
        }
    }
}

fn state_of(journals: &Journals, rows: &[Row], number: &str) -> JournalState {
    let text = |row: &Row, name: &str| row.text(name).ok().flatten().unwrap_or_default();
    let own = rows.iter().find(|row| text(row, field::JOURNAL).eq_ignore_ascii_case(number));
    let Some(row) = own else { return JournalState::Missing };
    let said = text(row, &journals.posted_field);
    let posted = journals.posted_values.iter().any(|value| value.eq_ignore_ascii_case(&said));
    if posted { JournalState::Posted } else { JournalState::Open }
}
