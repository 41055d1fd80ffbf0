//! What a warehouse counted, read in the words of the order: its names of items, its units, parts of kits.

use std::cell::Cell;

use rust_decimal::Decimal;

use super::ledger::{OrderedLine, PostedDimension};
use crate::failure::{Code, Failure};
use crate::gateways::Direction;
use crate::mapping::{Component, Counted, Meanings, RowKind, Told, Unmapped, lacking, whole_kits};
use crate::message::{Quantity, Sku, Unit};

/// What is wrong with a part of a message.
pub(super) struct Problem {
    /// What it is called.
    pub code: Code,
    /// What is wrong, and where.
    pub what: String,
    /// The name of what is missing.
    awaits: Option<Box<str>>,
}

impl Problem {
    /// Its failure, in a sentence that tells it.
    pub fn failure(self, sentence: impl FnOnce(&str) -> String) -> Failure {
        let failure = Failure::new(self.code, sentence(&self.what));
        match self.awaits {
            Some(name) => failure.awaiting(name),
            None => failure,
        }
    }
}

impl From<(Code, String)> for Problem {
    fn from((code, what): (Code, String)) -> Self {
        Self { code, what, awaits: None }
    }
}

/// Reads what the warehouse says, and knows whether any row of the mapping had a say in it.
pub(super) struct Reading<'a> {
    meanings: Meanings<'a>,
    /// What it is called when no row converts what the warehouse counted.
    unit_differs: Code,
    used: Cell<bool>,
}

/// How a quantity is measured against its lines.
pub(super) enum Measure {
    /// It is this much of the lines' unit.
    Same(Decimal),
    /// It is counted in this unit, and has to be converted.
    Other(Unit),
}

impl Measure {
    /// How a quantity is measured against lines that all count in one unit.
    pub fn of(said: &Quantity, line: &OrderedLine) -> Self {
        // Without a unit a warehouse counts as it was told to.
        let unit = said.unit.as_ref().unwrap_or_else(|| line.sent_unit());
        let base = said.base_unit.as_ref().zip(said.base_value);
        match base.filter(|(base, _)| base.same(&line.unit)) {
            _ if unit.same(&line.unit) => Self::Same(said.value),
            Some((_, value)) => Self::Same(value),
            None => Self::Other(unit.clone()),
        }
    }
}

impl<'a> Reading<'a> {
    pub fn new(meanings: Meanings<'a>, unit_differs: Code) -> Self {
        Self { meanings, unit_differs, used: Cell::new(false) }
    }

    /// The version of the mapping, when any of its rows was used.
    pub fn version(&self) -> Option<u64> {
        self.used.get().then(|| self.meanings.version())
    }

    /// Whether a SKU is what the line ordered: as it was ordered, as it was sent, or as a row says.
    pub fn is(&self, line: &OrderedLine, sku: &Sku) -> bool {
        if line.sku == *sku || line.sent_sku() == sku {
            return true;
        }
        let named = self.meanings.item(sku).is_some_and(|item| *item == line.item());
        self.used.set(self.used.get() || named);
        named
    }

    /// The parts of the kit that a line ordered, when the SKU is one of them.
    pub fn kit_with(&self, line: &OrderedLine, sku: &Sku) -> Option<&'a [Component]> {
        let components = self.meanings.kit(line.sent_sku())?;
        components.iter().any(|component| component.sku == *sku).then_some(components)
    }

    /// How many whole kits these parts are, in the unit of the line that ordered them.
    pub fn kits(
        &self,
        line: &OrderedLine,
        components: &[Component],
        parts: &[(Sku, Decimal)],
    ) -> Result<Decimal, Problem> {
        self.used.set(true);
        let quantity = whole_kits(line.sent_sku(), components, parts).map_err(problem)?;
        self.converted(line, quantity, line.sent_unit())
    }

    /// What a piece that went out, or came in, does not tell of its line's item and must, in words.
    pub fn untold(&self, line: &OrderedLine, piece: &PostedDimension, direction: Direction) -> Option<String> {
        let number = line.item().number;
        let tracking = self.meanings.catalogue()?.item(&number)?.tracking?;
        let must = |told: Told| match direction {
            Direction::Outbound => told.issue,
            Direction::Inbound | Direction::Returned => told.receipt,
        };
        let lot = must(tracking.lots) && piece.lot.is_none();
        let serial = must(tracking.serials) && piece.serial.is_none();
        let what = lacking(lot, serial).filter(|_| !piece.quantity.is_zero())?;
        let (quantity, unit, id) = (piece.quantity.normalize(), &line.unit, &line.line_id);
        Some(format!(
            "{quantity} {unit} of line {id} ({number}) name {what}, and Dynamics tells the item apart. Have the warehouse name \
             them."
        ))
    }

    /// Which disposition code it is, by the first of these words that has a row.
    pub fn disposition(&self, words: &[&str]) -> Result<&'a str, Problem> {
        self.used.set(true);
        self.meanings.in_dynamics(RowKind::Disposition, words).map_err(problem)
    }

    /// A quantity in the unit of its line.
    pub fn converted(&self, line: &OrderedLine, quantity: Decimal, unit: &Unit) -> Result<Decimal, Problem> {
        if unit.same(&line.unit) {
            return Ok(quantity);
        }
        let counted = Counted { quantity, unit: unit.clone() };
        let converted = self.meanings.in_dynamics_unit(&line.item(), &counted, &line.unit);
        self.used.set(true);
        converted.map_err(|unmapped| match unmapped.code {
            Code::MappingMissing => {
                let what =
                    format!("{} was ordered in {} and is counted in {unit}; {}", line.sku, line.unit, unmapped.what);
                Problem { code: self.unit_differs, what, awaits: unmapped.awaits }
            }
            _ => problem(unmapped),
        })
    }
}

fn problem(unmapped: Unmapped) -> Problem {
    Problem { code: unmapped.code, what: unmapped.what, awaits: unmapped.awaits }
}
