//! The plan for stock that the warehouse adjusted.

use rust_decimal::Decimal;

use super::contents::{Movement, movements};
use super::corrected::{Age, age, difference};
use super::mapped::Words;
use super::{AdjustedStock, AdjustmentLook, posted};
use crate::config::BelongsTo;
use crate::failure::{Code, Failure};
use crate::flows::answer::{Call, Decision, Done, KnownDocument, Past, Planned, Repeat};
use crate::flows::keys;
use crate::flows::ledger::{Ledger, kept};
use crate::gateways::{AdjustmentRow, Direction, StockAdjustment};
use crate::mapping::{At, Mapping, RowKind, awaited_row};
use crate::message::{
    Envelope, LegalEntity, PlaceCode, Reference, Serial, StockAdjusted, StockStatus, StockStatusCode, record_id,
};

pub(super) fn plan(
    (message, body): (&Envelope, &StockAdjusted),
    look: &AdjustmentLook,
    mapping: &Mapping,
    ledger: &Ledger,
) -> Decision {
    let (environment, legal_entity) = (&look.environment, look.legal_entity.as_ref());
    let meanings = mapping.at(At { environment, legal_entity, connection: &message.connection });
    let adjusted = Adjusted { message, body, look, ledger, words: Words::new(message, body, meanings) };
    if let Some(decision) = adjusted.before_go_live() {
        return decision;
    }
    adjusted.decide().unwrap_or_else(Decision::Fail)
}

/// An adjustment, and all that there is to know about it.
pub(super) struct Adjusted<'a> {
    message: &'a Envelope,
    pub(super) body: &'a StockAdjusted,
    pub(super) look: &'a AdjustmentLook,
    pub(super) ledger: &'a Ledger,
    pub(super) words: Words<'a>,
}

impl Adjusted<'_> {
    /// What the warehouse did before go-live is in the opening balance of the stock: posted, it would count twice. What was
    /// posted once is corrected whatever go-live is said to be since.
    fn before_go_live(&self) -> Option<Decision> {
        let at = self.body.adjusted_at.unwrap_or(self.message.occurred.at);
        let go_live = self.look.go_live.filter(|go_live| at < *go_live && posted(self.ledger).is_none())?;
        let key = &self.body.adjustment_key;
        Some(Decision::NotOurs(format!(
            "The adjustment {key} of {at} is not posted: it is from before go-live ({go_live}), so that the opening balance of the \
             stock contains it."
        )))
    }

    fn decide(&self) -> Result<Decision, Failure> {
        // Asked before what is in it: what belongs elsewhere needs no clear contents here.
        if let Some(decision) = self.elsewhere() {
            return Ok(decision);
        }
        let movements = movements(self.body)?;
        if let Some(decision) = self.units_unread(&movements) {
            return Ok(decision);
        }
        let digest = self.digest(&movements);
        let Some(posted) = posted(self.ledger) else {
            if movements.is_empty() {
                let what = format!("Counted {} and found what its book says.", self.body.item.sku);
                return Ok(self.known(&self.fact(&movements, digest, (0, Vec::new())), what));
            }
            let right = self.rows(&movements, 0)?;
            return self.post(right.clone(), self.fact(&movements, digest, (0, right)));
        };
        match age(self.sequence(), self.body.adjusted_at, &posted) {
            // A newer one that says the same is remembered: one in between would else seem newer than what is posted.
            Age::Newer if posted.digest == digest => {
                let (sequence, told_at) = (self.sequence(), self.body.adjusted_at);
                let fact = AdjustedStock { corrections: posted.corrections + 1, sequence, told_at, ..posted };
                let what = format!("Says again of the adjustment {} what is posted.", self.body.adjustment_key);
                Ok(self.known(&fact, what))
            }
            Age::Newer => {
                let number = posted.corrections + 1;
                let right = self.rows(&movements, number)?;
                let mut rows = difference(&posted.rows, &right);
                self.name(&mut rows, number);
                self.post(rows, self.fact(&movements, digest, (number, right)))
            }
            _ if posted.digest == digest => Ok(match self.journal(&posted) {
                Some(decision) => decision,
                None => self.posted(&movements, &posted),
            }),
            Age::Older => {
                let key = &self.body.adjustment_key;
                Ok(Decision::NotOurs(format!("A later correction of the adjustment {key} was posted before.")))
            }
            Age::Unknown => Ok(self.differs()),
        }
    }

    /// Posts rows; `fact` is what is then known of it.
    fn post(&self, rows: Vec<AdjustmentRow>, fact: AdjustedStock) -> Result<Decision, Failure> {
        let (legal_entity, place, posted_to) = (self.legal_entity()?, self.place()?, self.words.posted_to()?);
        if let Some(refusal) = self.ledger.refusal("adjust_stock") {
            return Ok(self.refused(refusal));
        }
        if rows.is_empty() {
            let what = format!("Says the adjustment {} otherwise; it moves the same.", self.body.adjustment_key);
            return Ok(self.known(&fact, what));
        }
        Ok(Decision::Act(vec![Planned {
            key: self.key(&fact),
            act: "adjust_stock",
            connection: self.look.environment.clone(),
            class: Repeat::Absorbs,
            call: Call::AdjustStock(StockAdjustment {
                legal_entity,
                warehouse: self.message.connection.clone(),
                place,
                posted_to,
                rows,
            }),
            facts: kept(&AdjustedStock { mapping: self.words.version(), ..fact }),
        }]))
    }

    /// The key of what is posted, or of its correction.
    pub(super) fn key(&self, fact: &AdjustedStock) -> String {
        let key = keys::adjust_stock(&self.look.environment, &self.message.connection, &self.body.adjustment_key);
        if fact.corrections == 0 { key } else { format!("{key}/correction/{}", fact.corrections) }
    }

    /// Nothing is left to post, and that is remembered: an older report that comes later must not count.
    fn known(&self, fact: &AdjustedStock, what: String) -> Decision {
        let (key, connection) = (self.key(fact), self.look.environment.to_string());
        let fact = Past { key, act: "adjust_stock".to_owned(), connection, facts: kept(fact) };
        let steps = vec![(self.message.connection.to_string(), what)];
        Decision::Done(Done { facts: vec![fact], steps, ..Done::default() })
    }

    /// Which of several reports it is.
    fn sequence(&self) -> Option<u64> {
        self.body.sequence.or(self.message.sequence)
    }

    /// A movement of a document that is posted as such is never posted here, whichever comes first: it waits until that
    /// document is there, so that none is forgotten.
    fn elsewhere(&self) -> Option<Decision> {
        let reason = &self.body.reason;
        let belongs_to = self.look.rules.belongs_to(reason.code.as_str(), reason.raw.as_deref())?;
        let named = self.body.related_document.as_deref()?;
        let document = self.document(belongs_to, named);
        let (warehouse, sort, sku) = (&self.message.connection, belongs_to.as_str(), &self.body.item.sku);
        if self.ledger.knows(&document) {
            let why = format!("It belongs to the {sort} {named}, which is posted as such.");
            return Some(Decision::NotOurs(why));
        }
        let key = &self.body.adjustment_key;
        let failure = Failure::new(
            Code::AdjustmentDocumentMissing,
            format!(
                "{warehouse} says that the adjustment {key} of {sku} belongs to the {sort} {named}, and we know of none by \
                 that name. Find out why it was never posted and replay this after it; or say under \
                 dynamics.{}.adjustments.documents that the reason {} belongs to nothing.",
                self.look.environment,
                self.body.reason.code.as_str()
            ),
        );
        Some(Decision::Wait { document, passes: None, failure })
    }

    /// The name by which the other flow makes the document known: by our reference, else by the warehouse's own key.
    fn document(&self, belongs_to: BelongsTo, named: &str) -> String {
        let (environment, warehouse) = (&self.look.environment, &self.message.connection);
        match (belongs_to, named.parse::<Reference>()) {
            (BelongsTo::Shipment, Ok(reference)) => keys::order_name(Direction::Outbound, environment, &reference),
            (BelongsTo::Receipt, Ok(reference)) => keys::order_name(Direction::Inbound, environment, &reference),
            (BelongsTo::Shipment, Err(_)) => keys::shipment_name(warehouse, named),
            (BelongsTo::Receipt, Err(_)) => keys::receipt_name(warehouse, named),
            (BelongsTo::Return, _) => format!("return/{warehouse}/{named}"),
            (BelongsTo::Nothing, _) => format!("nothing/{warehouse}/{named}"),
        }
    }

    fn legal_entity(&self) -> Result<LegalEntity, Failure> {
        self.look.legal_entity.clone().ok_or_else(|| {
            let warehouse = &self.message.connection;
            self.nowhere(&format!(
                "several companies take part in {}, and nothing says whose stock {warehouse} holds. Say it under \
                 warehouses.{warehouse}.legal_entity",
                self.look.environment
            ))
        })
    }

    fn place(&self) -> Result<PlaceCode, Failure> {
        self.look.place.clone().or_else(|| self.words.place()).ok_or_else(|| {
            let warehouse = &self.message.connection;
            let code = self.body.warehouse.as_ref().and_then(|place| place.code.as_ref());
            let Some(code) = code else {
                return self.nowhere(&format!(
                    "nothing says which of Dynamics' warehouses that is (it names no facility). Say it under \
                     warehouses.{warehouse}.locations"
                ));
            };
            let failure = self.nowhere(&format!(
                "nothing says which of Dynamics' warehouses that is ({code} is mapped to none). Say it with `drayline mapping \
                 set location connection={warehouse} dynamics=WAREHOUSE warehouse={code} --reason TEXT`, and it goes on by \
                 itself; or under warehouses.{warehouse}.locations"
            ));
            failure.awaiting(awaited_row(RowKind::Location, warehouse, code.as_str()))
        })
    }

    fn status(&self, status: Option<&StockStatus>) -> Result<Option<String>, Failure> {
        let Some(status) = status else { return Ok(None) };
        let found = self.look.statuses.named(status.code.as_str(), status.raw.as_deref());
        // What is available needs no name; all else is never taken for available.
        if found.is_some() || status.code == StockStatusCode::Available {
            return Ok(found.map(str::to_owned));
        }
        let name = status.raw.as_deref().unwrap_or_else(|| status.code.as_str());
        let environment = &self.look.environment;
        Err(self.nowhere(&format!(
            "the status {name} is mapped to no inventory status. Say it under dynamics.{environment}.statuses"
        )))
    }

    fn nowhere(&self, what: &str) -> Failure {
        let (warehouse, key, sku) = (&self.message.connection, &self.body.adjustment_key, &self.body.item.sku);
        let sentence = format!("{warehouse} adjusted {sku} ({key}), but {what}, then replay this.");
        Failure::new(Code::AdjustmentPlaceUnknown, sentence)
    }

    /// What is posted of movements, under the ids of this correction.
    fn rows(&self, movements: &[Movement<'_>], correction: u32) -> Result<Vec<AdjustmentRow>, Failure> {
        let item = self.words.item();
        let row = |movement: &Movement<'_>| {
            if let Some(failure) = self.words.untold(&item, movement) {
                return Err(failure);
            }
            let by_journal = self.look.rules.by_journal().is_some();
            let (quantity, unit) = self.words.quantity(&item, (movement.quantity, movement.unit), by_journal)?;
            Ok(AdjustmentRow {
                row_id: String::new(),
                item_number: item.number.clone(),
                variant: item.variant.clone(),
                quantity: quantity.normalize(),
                unit,
                lot: self.body.lot.as_ref().and_then(|lot| lot.number.clone()),
                serial: movement.serial.cloned(),
                status: self.status(movement.status)?,
                owner: self.body.owner.clone(),
            })
        };
        let rows: Result<Vec<AdjustmentRow>, Failure> = movements.iter().map(row).collect();
        let mut rows = rows?;
        self.name(&mut rows, correction);
        Ok(rows)
    }

    /// Gives rows their ids: made of the fact and the number of the correction, so that a repeat has the same.
    fn name(&self, rows: &mut [AdjustmentRow], correction: u32) {
        let (environment, warehouse) = (self.look.environment.as_str(), self.message.connection.as_str());
        let key = self.body.adjustment_key.as_str();
        let key = if correction == 0 { key.to_owned() } else { format!("{key}/correction/{correction}") };
        for (index, row) in rows.iter_mut().enumerate() {
            row.row_id = keys::adjustment_row((environment, warehouse), &key, index);
        }
    }

    /// Tells whether it is the same fact, in the warehouse's own words.
    fn digest(&self, movements: &[Movement<'_>]) -> String {
        let piece = |movement: &Movement<'_>| {
            let status = movement.status.map(|status| status.code.as_str()).unwrap_or_default();
            let serial = movement.serial.map(Serial::as_str).unwrap_or_default();
            format!("{} {status} {serial}", movement.quantity.normalize())
        };
        let pieces: Vec<_> = movements.iter().map(piece).collect();
        let item = self.body.item.item_number.as_deref().unwrap_or_else(|| self.body.item.sku.as_str());
        let lot = self.body.lot.as_ref().and_then(|lot| lot.number.as_deref()).unwrap_or_default();
        let owner = self.body.owner.as_deref().unwrap_or_default();
        record_id(&[item, lot, owner, &pieces.join("\n")])
    }

    fn fact(
        &self,
        movements: &[Movement<'_>],
        digest: String,
        (corrections, rows): (u32, Vec<AdjustmentRow>),
    ) -> AdjustedStock {
        AdjustedStock {
            adjustment_key: self.body.adjustment_key.to_string(),
            warehouse: self.message.connection.clone(),
            digest,
            quantity: movements.iter().map(|movement| movement.quantity).sum(),
            at: self.body.adjusted_at.unwrap_or(self.message.occurred.at),
            corrections,
            sequence: self.sequence(),
            told_at: self.body.adjusted_at,
            rows,
            journal: None,
            mapping: None,
        }
    }

    /// It is posted: by this very message just now, or before.
    fn posted(&self, movements: &[Movement<'_>], posted: &AdjustedStock) -> Decision {
        let (sku, key) = (&self.body.item.sku, &self.body.adjustment_key);
        let moved = |movement: &Movement<'_>| {
            let unit = movement.unit.map(|unit| format!(" {unit}")).unwrap_or_default();
            let status = movement.status.map(|status| format!(" {}", status.code.as_str())).unwrap_or_default();
            format!("{}{unit}{status}", movement.quantity.normalize())
        };
        let moves: Vec<_> = movements.iter().map(moved).collect();
        let moved = if moves.is_empty() { "nothing".to_owned() } else { moves.join(", ") };
        let reason = self.body.reason.raw.as_deref().unwrap_or_else(|| self.body.reason.code.as_str());
        let corrected = if posted.corrections > 0 { ", which corrects what it said before" } else { "" };
        let mut steps = vec![
            (self.message.connection.to_string(), format!("Adjusted {sku} by {moved} ({reason}){corrected}.")),
            ("dynamics".to_owned(), format!("Was given the adjustment {key}.")),
        ];
        let mapped = posted.mapping.map(|version| format!("Said in Dynamics' words by mapping version {version}."));
        steps.extend(mapped.map(|step| ("drayline".to_owned(), step)));
        let names = vec![("sku".to_owned(), sku.to_string())];
        let own = self.message.ordering_key.to_string();
        let mut documents = vec![KnownDocument { key: own, kind: "stock", names }];
        // Whoever takes from the item and found too little may look again.
        if posted.corrections > 0 || movements.iter().any(|movement| movement.quantity > Decimal::ZERO) {
            let key = keys::stock_name(&self.look.environment, &self.words.item().number);
            documents.push(KnownDocument { key, kind: "item_stock", names: Vec::new() });
        }
        Decision::Done(Done { documents, steps, ..Done::default() })
    }

    /// The same key says something else, and nobody can tell which is newer.
    fn differs(&self) -> Decision {
        let (warehouse, key, sku) = (&self.message.connection, &self.body.adjustment_key, &self.body.item.sku);
        Decision::Fail(Failure::new(
            Code::AdjustmentDiffers,
            format!(
                "{warehouse} reports the adjustment {key} of {sku} again with other contents, after it was posted. Ask \
                 {warehouse} which of the two is right; correct the posting in Dynamics by hand, then discard this."
            ),
        ))
    }

    /// What comes in of the item may make it possible; until then it is nobody's.
    pub(super) fn refused(&self, refusal: &Failure) -> Decision {
        if refusal.code != Code::DynamicsStockShort {
            return Decision::Fail(refusal.clone());
        }
        let document = keys::stock_name(&self.look.environment, &self.words.item().number);
        Decision::Wait { document, passes: None, failure: refusal.clone() }
    }
}
