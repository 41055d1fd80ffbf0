//! The plan for stock that the warehouse adjusted.

use rust_decimal::Decimal;

use super::contents::{Movement, movements};
use super::{AdjustedStock, AdjustmentLook};
use crate::config::{BelongsTo, ReasonPosting};
use crate::failure::{Code, Failure};
use crate::flows::answer::{Call, Decision, Done, KnownDocument, Planned, Repeat};
use crate::flows::keys;
use crate::flows::ledger::{Ledger, kept};
use crate::gateways::{AdjustmentRow, Direction, StockAdjustment};
use crate::mapping::Mapping;
use crate::message::{Envelope, LegalEntity, PlaceCode, Reference, Serial, StockAdjusted, StockStatus, record_id};

pub(super) fn plan(
    (message, body): (&Envelope, &StockAdjusted),
    look: &AdjustmentLook,
    _mapping: &Mapping,
    ledger: &Ledger,
) -> Decision {
    let adjusted = Adjusted { message, body, look, ledger };
    let at = body.adjusted_at.unwrap_or(message.occurred.at);
    if let Some(go_live) = look.go_live.filter(|go_live| at < *go_live) {
        return Decision::NotOurs(format!("It happened at {at}, before we went live at {go_live}."));
    }
    adjusted.decide().unwrap_or_else(Decision::Fail)
}

/// An adjustment, and all that there is to know about it.
struct Adjusted<'a> {
    message: &'a Envelope,
    body: &'a StockAdjusted,
    look: &'a AdjustmentLook,
    ledger: &'a Ledger,
}

impl Adjusted<'_> {
    fn decide(&self) -> Result<Decision, Failure> {
        let posting = self.posting()?;
        // Asked before what is in it: what belongs elsewhere needs no clear contents here.
        if let Some(decision) = self.elsewhere(&posting) {
            return Ok(decision);
        }
        let movements = movements(self.body)?;
        if movements.is_empty() {
            let what = format!("Counted {} and found what its book says.", self.body.item.sku);
            return Ok(Decision::Done(Done {
                steps: vec![(self.message.connection.to_string(), what)],
                ..Done::default()
            }));
        }
        let (legal_entity, place) = (self.legal_entity()?, self.place()?);
        let rows = self.rows(&movements)?;
        let key = keys::adjust_stock(&self.look.environment, &self.message.connection, &self.body.adjustment_key);
        let fact = self.fact(&movements);
        if let Some(posted) = self.ledger.facts::<AdjustedStock>("adjust_stock").pop() {
            return Ok(if posted.digest == fact.digest { self.posted(&movements) } else { self.differs() });
        }
        if let Some(refusal) = self.ledger.refusal("adjust_stock") {
            return Ok(self.refused(refusal));
        }
        Ok(Decision::Act(vec![Planned {
            key,
            act: "adjust_stock",
            connection: self.look.environment.clone(),
            class: Repeat::Absorbs,
            call: Call::AdjustStock(StockAdjustment {
                legal_entity,
                warehouse: self.message.connection.clone(),
                place,
                posted_to: Some(posting.posted_to).filter(|name| !name.is_empty()),
                rows,
            }),
            facts: kept(&fact),
        }]))
    }

    /// What its reason is posted to.
    fn posting(&self) -> Result<ReasonPosting, Failure> {
        let reason = &self.body.reason;
        self.look.rules.posting(reason.code.as_str(), reason.raw.as_deref()).ok_or_else(|| {
            let name = reason.raw.as_deref().unwrap_or_else(|| reason.code.as_str());
            let (environment, warehouse) = (&self.look.environment, &self.message.connection);
            let said = reason.text.as_ref().map(|text| format!(" ({text})")).unwrap_or_default();
            Failure::new(
                Code::AdjustmentReasonUnknown,
                format!(
                    "{warehouse} adjusted {} for the reason {name}{said}, which is mapped to nothing. Say under \
                     dynamics.{environment}.adjustments.reasons what it is posted to, then replay this.",
                    self.body.item.sku
                ),
            )
        })
    }

    /// A movement of a document that is posted as such is never posted here, whichever comes first: it waits until that
    /// document is there, so that none is forgotten.
    fn elsewhere(&self, posting: &ReasonPosting) -> Option<Decision> {
        let (belongs_to, named) = (posting.belongs_to?, self.body.related_document.as_deref()?);
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
                 that name. Find out why it was never posted and replay this after it; or map the reason {} to an \
                 adjustment.",
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
        self.look.place.clone().ok_or_else(|| {
            let warehouse = &self.message.connection;
            let code = self.body.warehouse.as_ref().and_then(|place| place.code.as_ref());
            let facility =
                code.map_or_else(|| "it names no facility".to_owned(), |code| format!("{code} is mapped to none"));
            self.nowhere(&format!(
                "nothing says which of Dynamics' warehouses that is ({facility}). Say it under \
                 warehouses.{warehouse}.locations"
            ))
        })
    }

    fn status(&self, status: Option<&StockStatus>) -> Result<Option<String>, Failure> {
        let Some(status) = status else { return Ok(None) };
        let found = self.look.rules.status(status.code.as_str(), status.raw.as_deref());
        found.map(Some).ok_or_else(|| {
            let name = status.raw.as_deref().unwrap_or_else(|| status.code.as_str());
            self.nowhere(&format!(
                "the status {name} is mapped to no inventory status. Say it under dynamics.{}.adjustments.statuses",
                self.look.environment
            ))
        })
    }

    fn nowhere(&self, what: &str) -> Failure {
        let (warehouse, key, sku) = (&self.message.connection, &self.body.adjustment_key, &self.body.item.sku);
        let sentence = format!("{warehouse} adjusted {sku} ({key}), but {what}, then replay this.");
        Failure::new(Code::AdjustmentPlaceUnknown, sentence)
    }

    fn rows(&self, movements: &[Movement<'_>]) -> Result<Vec<AdjustmentRow>, Failure> {
        let (environment, warehouse) = (self.look.environment.as_str(), self.message.connection.as_str());
        let key = self.body.adjustment_key.as_str();
        let row = |(index, movement): (usize, &Movement<'_>)| {
            Ok(AdjustmentRow {
                row_id: keys::adjustment_row((environment, warehouse), key, index),
                item_number: self.item().to_owned(),
                quantity: movement.quantity.normalize(),
                unit: movement.unit.cloned(),
                lot: self.body.lot.as_ref().and_then(|lot| lot.number.clone()),
                serial: movement.serial.cloned(),
                status: self.status(movement.status)?,
                owner: self.body.owner.clone(),
            })
        };
        movements.iter().enumerate().map(row).collect()
    }

    /// Dynamics' item.
    fn item(&self) -> &str {
        self.body.item.item_number.as_deref().unwrap_or_else(|| self.body.item.sku.as_str())
    }

    fn fact(&self, movements: &[Movement<'_>]) -> AdjustedStock {
        let piece = |movement: &Movement<'_>| {
            let status = movement.status.map(|status| status.code.as_str()).unwrap_or_default();
            let serial = movement.serial.map(Serial::as_str).unwrap_or_default();
            format!("{} {status} {serial}", movement.quantity.normalize())
        };
        let pieces: Vec<_> = movements.iter().map(piece).collect();
        let lot = self.body.lot.as_ref().and_then(|lot| lot.number.as_deref()).unwrap_or_default();
        let owner = self.body.owner.as_deref().unwrap_or_default();
        AdjustedStock {
            adjustment_key: self.body.adjustment_key.to_string(),
            warehouse: self.message.connection.clone(),
            digest: record_id(&[self.item(), lot, owner, &pieces.join("\n")]),
            quantity: movements.iter().map(|movement| movement.quantity).sum(),
            at: self.body.adjusted_at.unwrap_or(self.message.occurred.at),
        }
    }

    /// It is posted: by this very message just now, or before.
    fn posted(&self, movements: &[Movement<'_>]) -> Decision {
        let (sku, key) = (&self.body.item.sku, &self.body.adjustment_key);
        let moved = |movement: &Movement<'_>| {
            let unit = movement.unit.map(|unit| format!(" {unit}")).unwrap_or_default();
            let status = movement.status.map(|status| format!(" {}", status.code.as_str())).unwrap_or_default();
            format!("{}{unit}{status}", movement.quantity.normalize())
        };
        let moves: Vec<_> = movements.iter().map(moved).collect();
        let reason = self.body.reason.raw.as_deref().unwrap_or_else(|| self.body.reason.code.as_str());
        let steps = vec![
            (self.message.connection.to_string(), format!("Adjusted {sku} by {} ({reason}).", moves.join(", "))),
            ("dynamics".to_owned(), format!("Was given the adjustment {key}.")),
        ];
        let document =
            |key: String| KnownDocument { key, kind: "stock", names: vec![("sku".to_owned(), sku.to_string())] };
        let mut documents = vec![document(self.message.ordering_key.to_string())];
        // Whoever takes from the item and found too little may look again.
        if movements.iter().any(|movement| movement.quantity > Decimal::ZERO) {
            documents.push(document(keys::stock_name(&self.look.environment, self.item())));
        }
        Decision::Done(Done { documents, steps, ..Done::default() })
    }

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
    fn refused(&self, refusal: &Failure) -> Decision {
        if refusal.code != Code::DynamicsStockShort {
            return Decision::Fail(refusal.clone());
        }
        let document = keys::stock_name(&self.look.environment, self.item());
        Decision::Wait { document, passes: None, failure: refusal.clone() }
    }
}
