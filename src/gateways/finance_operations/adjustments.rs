//! Posts adjustments of stock: one request for all that came together, one changeset for each.
//!
//! Why a changeset for each, and not one for all: a changeset is one transaction, so that one refused adjustment would
//! take all others back, which would then have to be sent again in halves to find it. This way each has its own answer
//! the first time, and the rows of one fact still happen together. Where an environment stops at the first refusal
//! although it is asked to go on, what stands behind it is sent again without what was answered.
//!
//! Where an environment takes journals instead, each adjustment is one journal, and all of this holds for it as well.
//!
//! Ids are made of business facts, so a repeat is refused because it is there; the words for that are translated, so a
//! refusal is looked up before it is believed, all refusals of one request in one read.

use std::iter;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;

use super::FinanceOperations;
use super::batch::{Changeset, PartAnswer, PartCall};
use super::fields as field;
use super::journals::{journal, journal_key, journal_line};
use super::odata::{OData, unreadable};
use super::rows::Rows;
use super::together::{self, InTime};
use super::updates::may_be_there;
use crate::clock::Mark;
use crate::config::Adjustments;
use crate::gateways::error::GatewayError;
use crate::gateways::http::{Call, changing, reading};
use crate::gateways::json::{Members, Row};
use crate::gateways::pace::Pace;
use crate::gateways::stock::{AdjustmentRow, StockAdjustment};
use crate::message::{Serial, Unit};

const POST: Call = changing("adjust_stock");
const READ: Call = reading("read_adjustments");

/// What became of one adjustment.
type Said = together::Said<()>;

/// Writes adjustments to one environment.
pub(super) struct Adjuster {
    pub(super) odata: Arc<OData>,
    pub(super) config: Arc<Adjustments>,
}

impl FinanceOperations {
    /// Posts an adjustment together with others that wait.
    pub(in crate::gateways) async fn adjust_stock(
        &self,
        pace: &Arc<Pace>,
        adjustment: &StockAdjustment,
        deadline: (Mark, Duration),
    ) -> Result<(), GatewayError> {
        if let Some(error) = self.adjuster.unwritable(adjustment) {
            return Err(error);
        }
        let adjuster = Arc::clone(&self.adjuster);
        let work = move |adjustments: Vec<StockAdjustment>, in_time: InTime| {
            let adjuster = Arc::clone(&adjuster);
            async move { adjuster.post(&adjustments, |place| in_time.holds(place)).await }.boxed()
        };
        self.adjusting.ride(pace, adjustment.legal_entity.clone(), (adjustment.clone(), deadline), work).await
    }
}

impl Adjuster {
    /// Posts adjustments in one request; what became of each, in their order. `in_time` says which may still be sent when
    /// something has to be sent again.
    async fn post(&self, adjustments: &[StockAdjustment], in_time: impl Fn(usize) -> bool) -> Vec<Said> {
        let mut said: Vec<Option<Said>> = vec![None; adjustments.len()];
        // Those of which the far end itself said something.
        let mut answered_singly = vec![false; adjustments.len()];
        loop {
            let open: Vec<_> = (0..said.len()).filter(|place| said[*place].is_none()).collect();
            // What was sent once, and is too late to be sent again, is not known to be undone.
            let (sent, late): (Vec<_>, Vec<_>) = open.into_iter().partition(|place| in_time(*place));
            for place in late {
                said[place] = Some(Err(unanswered()));
            }
            if sent.is_empty() {
                break;
            }
            let sets: Vec<_> = sent.iter().map(|place| self.changeset(&adjustments[*place])).collect();
            let answered = match self.odata.batch(POST, self.entity(), &sets).await {
                Ok(answers) if answers.is_empty() => Err(unreadable(POST, "it answers nothing".to_owned())),
                other => other,
            };
            match answered {
                Ok(answers) => {
                    for ((place, set), answers) in sent.into_iter().zip(&sets).zip(answers) {
                        said[place] = Some(self.sorted(set.calls.len(), answers));
                        answered_singly[place] = true;
                    }
                }
                Err(error) => sent.into_iter().for_each(|place| said[place] = Some(Err(error.clone()))),
            }
        }
        let mut said: Vec<_> = said.into_iter().map(|said| said.unwrap_or_else(|| Err(unanswered()))).collect();
        self.believe(adjustments, &mut said, &answered_singly).await;
        said
    }

    /// What the answers of one changeset say: the first refusal, if there is one.
    fn sorted(&self, asked: usize, answers: Vec<PartAnswer>) -> Said {
        self.odata.done(POST, self.entity(), (asked, answers)).map_err(|error| self.refined(error))
    }

    /// That there is not so much on hand, only Dynamics' words tell.
    pub(super) fn refined(&self, error: GatewayError) -> GatewayError {
        match error {
            GatewayError::Refused { call, detail: Some(detail), .. } if self.says_short(&detail) => {
                GatewayError::Short { call, detail: Some(detail) }
            }
            other => other,
        }
    }

    fn says_short(&self, detail: &str) -> bool {
        let detail = detail.to_lowercase();
        self.config.short_words.iter().any(|words| detail.contains(&words.to_lowercase()))
    }

    /// What was refused may be there already: then it happened. All are looked up in one read. A request that failed as a
    /// whole says nothing of any of them: they are made again, and absorbed.
    async fn believe(&self, adjustments: &[StockAdjustment], said: &mut [Said], answered_singly: &[bool]) {
        let refused = |said: &Said| matches!(said, Err(error) if may_be_there(error));
        let doubtful = (0..said.len()).filter(|place| answered_singly[*place] && refused(&said[*place]));
        let doubtful: Vec<_> = doubtful.collect();
        if doubtful.is_empty() {
            return;
        }
        // A journal is there with all of its lines, or not at all.
        let of_each = if self.config.by_journal().is_some() { 1 } else { usize::MAX };
        let rows = |place: usize| adjustments[place].rows.iter().take(of_each).map(move |row| (place, row));
        let asked: Vec<_> = doubtful.iter().flat_map(|place| rows(*place)).collect();
        let reads = asked.iter().map(|(place, row)| {
            let key = match self.config.by_journal() {
                Some(journals) => journal_key(journals, &adjustments[*place].legal_entity, &row.row_id),
                None => self.key(&adjustments[*place], row),
            };
            Changeset { calls: vec![PartCall::Get(self.odata.row_address(&key))] }
        });
        match self.odata.batch(READ, self.entity(), &reads.collect::<Vec<_>>()).await {
            Err(error) => doubtful.into_iter().for_each(|place| said[place] = Err(error.clone())),
            Ok(found) => {
                let mut found = found.into_iter();
                let found: Vec<_> = asked.iter().map(|asked| (asked, found.next())).collect();
                for place in doubtful {
                    let of_place: Vec<_> = found.iter().filter(|((of, _), _)| *of == place).collect();
                    let there = |((_, row), answers): &&(&(usize, &AdjustmentRow), Option<Vec<PartAnswer>>)| {
                        self.is_there(&adjustments[place], row, answers.as_deref().unwrap_or_default())
                    };
                    if of_place.iter().any(|(_, answers)| answers.is_none()) {
                        said[place] = Err(unanswered());
                    } else if !of_place.is_empty() && of_place.iter().all(there) {
                        said[place] = Ok(());
                    }
                }
            }
        }
    }

    fn is_there(&self, adjustment: &StockAdjustment, row: &AdjustmentRow, answers: &[PartAnswer]) -> bool {
        let members = match self.config.by_journal() {
            Some(journals) => journal(journals, adjustment, &row.row_id),
            None => self.members(adjustment, row),
        };
        let held = answers.first().filter(|answer| answer.status == 200).map(|answer| Row::read(&answer.body));
        matches!(held, Some(Ok(held)) if held.says(&members))
    }

    fn changeset(&self, adjustment: &StockAdjustment) -> Changeset {
        let json = |members: &Members| serde_json::to_string(members).unwrap_or_default();
        let post = |entity: &str, members: &Members| PartCall::Post(self.odata.address(entity), json(members));
        let (config, rows) = (&self.config, &adjustment.rows);
        let calls = match (config.by_journal(), rows.first()) {
            (Some(journals), Some(first)) => {
                let number = first.row_id.as_str();
                let head = post(&journals.headers, &journal(journals, adjustment, number));
                let line = |(place, row)| self.variant(row, journal_line(journals, adjustment, (number, place, row)));
                let lines = rows.iter().enumerate().map(|numbered| post(&journals.lines, &line(numbered)));
                iter::once(head).chain(lines).collect()
            }
            _ => rows.iter().map(|row| post(&config.entity, &self.members(adjustment, row))).collect(),
        };
        Changeset { calls }
    }

    /// What a missing entity is called.
    fn entity(&self) -> &str {
        self.config.by_journal().map_or(&self.config.entity, |journals| &journals.headers)
    }

    fn system<'a>(&'a self, adjustment: &'a StockAdjustment) -> &'a str {
        let configured = self.config.external_system_id.as_str();
        if configured.is_empty() { adjustment.warehouse.as_str() } else { configured }
    }

    fn key<'a>(&'a self, adjustment: &StockAdjustment, row: &AdjustmentRow) -> Rows<'a> {
        Rows::of(&self.config.entity, &adjustment.legal_entity)
            .with(field::SYSTEM_TYPE, &self.config.external_system_type)
            .with(field::SYSTEM, self.system(adjustment))
            .with(field::ADJUSTMENT, &row.row_id)
    }

    fn members(&self, adjustment: &StockAdjustment, row: &AdjustmentRow) -> Members {
        let members = Members::default()
            .key(field::COMPANY, adjustment.legal_entity.as_str())
            .key(field::SYSTEM_TYPE, &self.config.external_system_type)
            .key(field::SYSTEM, self.system(adjustment))
            .key(field::ADJUSTMENT, &row.row_id)
            .text(field::ITEM, &row.item_number)
            .decimal(field::QUANTITY, row.quantity)
            .text_if(field::QUANTITY_UNIT, row.unit.as_ref().map(Unit::as_str))
            .text(field::WAREHOUSE, adjustment.place.as_str())
            .text_if(field::LOT, row.lot.as_ref())
            .text_if(field::SERIAL, row.serial.as_ref().map(Serial::as_str))
            .text_if(field::INVENTORY_STATUS, row.status.as_ref())
            .text_if(field::OWNER, row.owner.as_ref())
            .text_if(&self.config.type_field, adjustment.posted_to.as_ref());
        self.variant(row, members)
    }

    /// Adds the product dimensions of a row.
    fn variant(&self, row: &AdjustmentRow, members: Members) -> Members {
        let dimensions = row.variant.iter().flat_map(|variant| variant.split('/'));
        let named = self.config.variant_fields.iter().zip(dimensions);
        named.fold(members, |members, (name, dimension)| members.text(name, dimension))
    }

    /// What does not fit Dynamics: a variant with another number of dimensions than the environment has names for.
    fn unwritable(&self, adjustment: &StockAdjustment) -> Option<GatewayError> {
        let names = &self.config.variant_fields;
        let variants = adjustment.rows.iter().filter_map(|row| row.variant.as_ref());
        let mut strange = variants.filter(|variant| variant.split('/').count() != names.len());
        strange.next().map(|variant| GatewayError::Unwritable {
            call: POST.name,
            problem: format!(
                "the variant {variant} does not have the dimensions {}, which adjustments.variant_fields names",
                names.join(", ")
            ),
        })
    }
}

fn unanswered() -> GatewayError {
    GatewayError::Unanswered { call: POST.name, changing: true, status: None, detail: None, source: None }
}
