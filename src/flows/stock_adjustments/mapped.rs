//! An adjustment in Dynamics' words: the item, how much of it, what its reason is posted to.

use std::cell::Cell;

use rust_decimal::Decimal;

use super::contents::{Movement, unclear};
use crate::failure::{Code, Failure};
use crate::mapping::{Counted, Item, Meanings, RowKind, Told, Unmapped, awaited_item, awaited_row, lacking};
use crate::message::{Envelope, PlaceCode, StockAdjusted, Unit};

/// Reads what a warehouse adjusted, and knows whether any row of the mapping had a say in it.
pub(super) struct Words<'a> {
    message: &'a Envelope,
    body: &'a StockAdjusted,
    meanings: Meanings<'a>,
    used: Cell<bool>,
}

impl<'a> Words<'a> {
    pub fn new(message: &'a Envelope, body: &'a StockAdjusted, meanings: Meanings<'a>) -> Self {
        Self { message, body, meanings, used: Cell::new(false) }
    }

    /// The version of the mapping, when any of its rows was used.
    pub fn version(&self) -> Option<u64> {
        self.used.get().then(|| self.meanings.version())
    }

    /// Dynamics' item: as the warehouse names it, else as a row says, else by the same name.
    pub fn item(&self) -> Item {
        if let Some(number) = &self.body.item.item_number {
            return Item { number: number.clone(), variant: None };
        }
        let sku = &self.body.item.sku;
        match self.meanings.item(sku) {
            Some(item) => {
                self.used.set(true);
                item.clone()
            }
            None => Item { number: sku.to_string(), variant: None },
        }
    }

    /// Dynamics' warehouse, where a row says which one the facility is.
    pub fn place(&self) -> Option<PlaceCode> {
        let facility = self.body.warehouse.as_ref()?.code.as_ref()?;
        let place = self.meanings.place(facility.as_str())?;
        self.used.set(true);
        Some(place.clone())
    }

    /// A quantity in the unit that Dynamics knows.
    pub fn quantity(
        &self,
        item: &Item,
        (quantity, unit): (Decimal, Option<&Unit>),
        in_stock_unit: bool,
    ) -> Result<(Decimal, Option<Unit>), Failure> {
        let unmapped = |unmapped: Unmapped| {
            let (warehouse, key) = (&self.message.connection, &self.body.adjustment_key);
            let of = format!("The adjustment {key} of {} at {warehouse} is not posted", self.body.item.sku);
            unmapped.failure(&of, self.meanings.version())
        };
        let counted = self.meanings.out_of_warehouse_unit(item, quantity, unit).map_err(unmapped)?;
        self.used.set(self.used.get() || counted.is_some());
        let (quantity, unit) = match counted {
            Some(counted) => (counted.quantity, Some(counted.unit)),
            None => (quantity, unit.cloned()),
        };
        let Some(unit) = unit else { return Ok((quantity, None)) };
        if !in_stock_unit {
            return Ok((quantity, Some(unit)));
        }
        let stock_unit = self.stock_unit(item, &unit)?;
        let counted = Counted { quantity, unit };
        let quantity = self.meanings.in_dynamics_unit(item, &counted, stock_unit).map_err(unmapped)?;
        Ok((quantity, Some(stock_unit.clone())))
    }

    /// What is missing while nothing is known of Dynamics' items; nothing once they were read.
    pub fn items_unread(&self) -> Option<Failure> {
        if self.meanings.catalogue().is_some() {
            return None;
        }
        let (warehouse, key, sku) = (&self.message.connection, &self.body.adjustment_key, &self.body.item.sku);
        let sentence = format!(
            "The adjustment {key} of {sku} at {warehouse} is not posted: journals count in the item's stock unit, and Dynamics' \
             items were never read. Have them read with `drayline mapping check`; it then goes on by itself."
        );
        Some(Failure::new(Code::MappingMissing, sentence).awaiting(awaited_item(warehouse, sku.as_str())))
    }

    /// The unit in which Dynamics keeps the item in stock, which is the only one that journals take.
    fn stock_unit(&self, item: &Item, unit: &Unit) -> Result<&Unit, Failure> {
        let facts = self.meanings.catalogue().and_then(|catalogue| catalogue.item(&item.number));
        facts.and_then(|facts| facts.stock_unit.as_ref()).ok_or_else(|| {
            let (warehouse, key) = (&self.message.connection, &self.body.adjustment_key);
            let sentence = format!(
                "The adjustment {key} of {} at {warehouse} counts in {unit}, journals count in the item's stock unit, and \
                 Dynamics has no item {} with one. Map the SKU to its item with `drayline mapping set sku`, or have the items \
                 read again with `drayline mapping check`; it then goes on by itself.",
                self.body.item.sku, item.number
            );
            // By its own name while no row says which item it is: then either may come.
            let sku = self.body.item.sku.as_str();
            let name = if sku == item.number { awaited_row(RowKind::Sku, warehouse, sku) } else { awaited_item(warehouse, &item.number) };
            Failure::new(Code::MappingMissing, sentence).awaiting(name)
        })
    }

    /// What a movement does not tell of its item and must, since Dynamics tells the item apart.
    pub fn untold(&self, item: &Item, movement: &Movement<'_>) -> Option<Failure> {
        let tracking = self.meanings.catalogue()?.item(&item.number)?.tracking?;
        let leaves = movement.quantity.is_sign_negative();
        let must = |told: Told| if leaves { told.issue } else { told.receipt };
        let lot = must(tracking.lots) && self.body.lot.as_ref().is_none_or(|lot| lot.number.is_none());
        let what = lacking(lot, must(tracking.serials) && movement.serial.is_none())?;
        let number = &item.number;
        Some(unclear(self.body, &format!("names {what}, and Dynamics tells the item {number} apart")))
    }

    /// What its reason is posted to; nothing: Dynamics' own default.
    pub fn posted_to(&self) -> Result<Option<String>, Failure> {
        let reason = &self.body.reason;
        let code = reason.code.as_str();
        let said: Vec<_> = reason.raw.as_deref().into_iter().chain([code]).collect();
        match self.meanings.in_dynamics(RowKind::AdjustmentReason, &said) {
            Ok(named) => {
                self.used.set(true);
                Ok(Some(named.to_owned()))
            }
            Err(_) if code != "OTHER" => Ok(None),
            Err(unmapped) => {
                let name = reason.raw.as_deref().unwrap_or(code);
                let text = reason.text.as_ref().map(|text| format!(" ({text})")).unwrap_or_default();
                let (warehouse, sku) = (&self.message.connection, &self.body.item.sku);
                let sentence = format!("{warehouse} adjusted {sku} for the reason {name}{text}: {}", unmapped.what);
                let name = awaited_row(RowKind::AdjustmentReason, warehouse, name);
                Err(Failure::new(Code::AdjustmentReasonUnknown, sentence).awaiting(name))
            }
        }
    }
}
