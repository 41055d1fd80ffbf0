//! Quantities from one unit to another: exactly, or not at all.

use rust_decimal::Decimal;

use super::clash::Key;
use super::fraction::{DIGITS_MAX, Fraction};
use super::kind::RowKind;
use super::meanings::Meanings;
use super::row::{Item, Meaning};
use super::unmapped::Unmapped;
use crate::failure::Code;
use crate::message::Unit;

/// A quantity as a warehouse counts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// How much.
    pub quantity: Decimal,
    /// In which unit.
    pub unit: Unit,
}

/// One unit of Dynamics is so many of the warehouse's.
#[derive(Clone, Debug)]
struct Conversion {
    /// The warehouse's.
    unit: Unit,
    factor: Fraction,
    /// How many digits after the point a quantity may have: the warehouse's, and Dynamics'.
    decimals: (u32, u32),
}

impl Meanings<'_> {
    /// What a quantity of Dynamics is at the warehouse; nothing when it goes as it is.
    ///
    /// # Errors
    /// [`Unmapped`] when a row is missing that is needed, several could be meant, or it does not come out exactly.
    pub fn in_warehouse_unit(&self, item: &Item, quantity: Decimal, unit: &Unit) -> Result<Option<Counted>, Unmapped> {
        let conversion = match self.counted_in(item) {
            Some(counted_in) if counted_in.same(unit) => return Ok(None),
            Some(counted_in) => Some(self.conversion(item, unit, counted_in)?),
            None => self.only_conversion(item, unit)?,
        };
        let Some(conversion) = conversion else { return Ok(None) };
        let turned = Turned { item, quantity, from: unit, to: &conversion.unit };
        let quantity = turned.by(conversion.factor, conversion.decimals.0)?;
        Ok(Some(Counted { quantity, unit: conversion.unit }))
    }

    /// What a quantity that the warehouse counted is in a unit of Dynamics.
    ///
    /// # Errors
    /// [`Unmapped`] when no row says it, or it does not come out exactly.
    pub fn in_dynamics_unit(&self, item: &Item, counted: &Counted, unit: &Unit) -> Result<Decimal, Unmapped> {
        if counted.unit.same(unit) {
            return Ok(counted.quantity);
        }
        let Conversion { factor, decimals, .. } = self.conversion(item, unit, &counted.unit)?;
        let turned = Turned { item, quantity: counted.quantity, from: &counted.unit, to: unit };
        let back = Fraction::ONE.over(factor).ok_or_else(|| turned.too_large())?;
        turned.by(back, decimals.1)
    }

    /// Whether a unit of Dynamics can be said at the warehouse, whatever the quantity.
    pub(super) fn counts(&self, item: &Item, unit: &Unit) -> Result<(), Unmapped> {
        match self.in_warehouse_unit(item, Decimal::ONE, unit) {
            // One of it need not come out whole.
            Err(unmapped) if unmapped.code != Code::MappingIndivisible => Err(unmapped),
            _ => Ok(()),
        }
    }

    /// What is known of two units: by a row, else by Dynamics.
    fn conversion(&self, item: &Item, dynamics: &Unit, warehouse: &Unit) -> Result<Conversion, Unmapped> {
        if let Some(conversion) = self.by_row(item, dynamics, warehouse) {
            return Ok(conversion);
        }
        if let Some(conversion) = self.by_catalogue(item, dynamics, warehouse)? {
            return Ok(conversion);
        }
        let what = format!("no row says how many {warehouse} one {dynamics} of {item} is at {}", self.at.connection);
        let what = if self.catalogue().is_some() { format!("{what}, and Dynamics has no conversion") } else { what };
        let variant = item.variant.as_deref().map(|variant| ("variant", variant));
        let cells = [("item", item.number.as_str())].into_iter().chain(variant);
        let cells = cells.chain([("dynamics", dynamics.as_str()), ("warehouse", warehouse.as_str()), ("factor", "N")]);
        Err(Unmapped::missing(&what, RowKind::Unit, &self.at, &cells.collect::<Vec<_>>()))
    }

    /// What a quantity that the warehouse counted is in Dynamics, where no document says in which unit: as the one row says
    /// that speaks of the warehouse's unit; nothing when it goes as it is. Without a unit a warehouse counts in the one in
    /// which it counts the item.
    ///
    /// # Errors
    /// [`Unmapped`] when several units could be meant, or it does not come out exactly.
    pub fn out_of_warehouse_unit(
        &self,
        item: &Item,
        quantity: Decimal,
        unit: Option<&Unit>,
    ) -> Result<Option<Counted>, Unmapped> {
        let Some(unit) = unit.or_else(|| self.counted_in(item)) else { return Ok(None) };
        for level in item.levels() {
            let rows: Vec<_> = self.here(&Key::counted_back(level.as_ref(), unit)).collect();
            let narrowest = rows.first().map(|row| row.scope.narrowness());
            let mut found = rows.iter().filter(|row| Some(row.scope.narrowness()) == narrowest).filter_map(|row| {
                match &row.meaning {
                    Meaning::Conversion { dynamics, factor, decimals, .. } => Some((dynamics, *factor, *decimals)),
                    _ => None,
                }
            });
            let Some((dynamics, factor, decimals)) = found.next() else { continue };
            if let Some((other, ..)) = found.next() {
                let what = format!("{unit} of {item} could be {dynamics} or {other} in Dynamics");
                let remedy = format!(
                    "Keep one of the two rows for {item} at {}, with `drayline mapping set unit … --remove`; it then goes on by itself.",
                    self.at.connection
                );
                return Err(self.ambiguous(item, &what, &remedy));
            }
            let turned = Turned { item, quantity, from: unit, to: dynamics };
            let back = Fraction::ONE.over(factor).ok_or_else(|| turned.too_large())?;
            return Ok(Some(Counted { quantity: turned.by(back, decimals)?, unit: dynamics.clone() }));
        }
        Ok(None)
    }

    /// The unit in which the warehouse counts an item, where a row says so.
    fn counted_in(&self, item: &Item) -> Option<&Unit> {
        item.levels().find_map(|item| match self.first(&Key::counted_in(item.as_ref())) {
            Some(Meaning::CountedIn { unit, .. }) => Some(unit),
            _ => None,
        })
    }

    /// The row for two units: of the item before every item's.
    fn by_row(&self, item: &Item, dynamics: &Unit, warehouse: &Unit) -> Option<Conversion> {
        item.levels().find_map(|item| {
            let key = Key::conversion(item.as_ref(), dynamics, warehouse);
            self.first(&key).and_then(conversion)
        })
    }

    /// What Dynamics says of two units: of both by name, else of one that a row says is so many of the warehouse's.
    fn by_catalogue(&self, item: &Item, dynamics: &Unit, warehouse: &Unit) -> Result<Option<Conversion>, Unmapped> {
        let Some(catalogue) = self.catalogue() else { return Ok(None) };
        let here = catalogue.decimals(dynamics);
        if let Some(factor) = catalogue.factor(item, dynamics, warehouse) {
            let decimals = (catalogue.decimals(warehouse), here);
            return Ok(Some(Conversion { unit: warehouse.clone(), factor, decimals }));
        }
        let joined = |(unit, factor): (_, Fraction)| {
            let row = self.by_row(item, unit, warehouse)?;
            Some((unit, Conversion { factor: factor.times(row.factor)?, decimals: (row.decimals.0, here), ..row }))
        };
        let mut levels = catalogue.ways(item, dynamics).map(|ways| ways.into_iter().filter_map(&joined).collect());
        let Some(level) = levels.find(|level: &Vec<_>| !level.is_empty()) else { return Ok(None) };
        let mut through = level.into_iter();
        let Some((one, first)) = through.next() else { return Ok(None) };
        let Some((two, _)) = through.find(|(unit, other)| !unit.same(one) && other.factor != first.factor) else {
            return Ok(Some(first));
        };
        let what = format!(
            "one {dynamics} of {item} is so many {warehouse} by way of {one}, and another number by way of {two}"
        );
        let command = format!("drayline mapping set unit connection={} item={}", self.at.connection, item.number);
        let command = format!("{command} dynamics={dynamics} warehouse={warehouse} factor=N");
        Err(self.ambiguous(
            item,
            &what,
            &format!("Say how many with `{command} --reason TEXT`; it then goes on by itself."),
        ))
    }

    /// The one row for a unit of Dynamics, when nothing says in which unit the warehouse counts; nothing when there is none.
    fn only_conversion(&self, item: &Item, dynamics: &Unit) -> Result<Option<Conversion>, Unmapped> {
        for level in item.levels() {
            let rows: Vec<_> = self.here(&Key::conversions(level.as_ref(), dynamics)).collect();
            let narrowest = rows.first().map(|row| row.scope.narrowness());
            let mut found = rows.iter().filter(|row| Some(row.scope.narrowness()) == narrowest);
            let mut found = found.by_ref().filter_map(|row| conversion(&row.meaning));
            let Some(first) = found.next() else { continue };
            if let Some(second) = found.next() {
                let (one, two) = (&first.unit, &second.unit);
                let what = format!("one {dynamics} of {item} could be counted in {one} or in {two}");
                let command =
                    format!("drayline mapping set unit connection={} item={}", self.at.connection, item.number);
                let remedy =
                    format!("Say in which with `{command} warehouse={one} --reason TEXT`; it then goes on by itself.");
                return Err(self.ambiguous(item, &what, &remedy));
            }
            return Ok(Some(first));
        }
        Ok(None)
    }
}

fn conversion(meaning: &Meaning) -> Option<Conversion> {
    match meaning {
        Meaning::Conversion { warehouse, factor, decimals, .. } => {
            Some(Conversion { unit: warehouse.clone(), factor: *factor, decimals: (*decimals, *decimals) })
        }
        _ => None,
    }
}

/// A quantity on its way from one unit to another.
struct Turned<'a> {
    item: &'a Item,
    quantity: Decimal,
    from: &'a Unit,
    to: &'a Unit,
}

impl Turned<'_> {
    /// The quantity times a factor. Two names of one unit leave any quantity as it is.
    fn by(&self, factor: Fraction, decimals: u32) -> Result<Decimal, Unmapped> {
        let digits = if factor == Fraction::ONE { DIGITS_MAX } else { decimals };
        let exact = Fraction::of(self.quantity).times(factor).ok_or_else(|| self.too_large())?;
        match exact.decimal(digits) {
            Some(quantity) => Ok(quantity),
            None if exact.decimal(DIGITS_MAX).is_none_or(|decimal| decimal.scale() > digits) => {
                Err(self.indivisible(exact, factor, digits))
            }
            None => Err(self.too_large()),
        }
    }

    fn indivisible(&self, exact: Fraction, factor: Fraction, digits: u32) -> Unmapped {
        let Self { item, quantity, from, to } = self;
        let one = Fraction::ONE.over(factor).map(|one| one.to_string()).unwrap_or_default();
        let quantity = quantity.normalize();
        if digits > 0 {
            let what = format!(
                "{quantity} {from} of {item} are {exact} {to} ({one} {from} to 1 {to}), which has more than {digits} digits \
                 after the point"
            );
            return Unmapped::new(Code::MappingIndivisible, format!("{what}. {REMEDY}"));
        }
        let (whole, rest) = exact.split();
        let left = rest.over(factor).and_then(|left| left.decimal(DIGITS_MAX));
        let left = left.map_or_else(|| format!("{rest} {to}"), |left| format!("{} {from}", left.normalize()));
        let what = format!(
            "{quantity} {from} of {item} do not make whole {to} ({one} {from} to 1 {to}): {whole} {to} and {left} are left \
             over"
        );
        Unmapped::new(Code::MappingIndivisible, format!("{what}. {REMEDY}"))
    }

    fn too_large(&self) -> Unmapped {
        let Self { item, quantity, from, to } = self;
        let what = format!("{} {from} of {item} are too many to be counted in {to}", quantity.normalize());
        Unmapped::new(Code::MappingIndivisible, format!("{what}. {REMEDY}"))
    }
}

const REMEDY: &str = "Ask the warehouse what it counted; correct the quantity, or the row with `drayline mapping set`, then \
    replay.";
