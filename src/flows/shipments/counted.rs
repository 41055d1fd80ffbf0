//! Shipped goods that are put together before they are given to lines: those in another unit, and parts of kits.
//!
//! Goods that are counted in another unit than their line are summed up over all packages before they are converted: half
//! a case in one package and the other half in the next are a whole one. Parts of a kit are gathered until only whole
//! kits are left.

use rust_decimal::Decimal;

use crate::message::{Lot, ShippedContent, Sku, Unit};

/// Goods of the same lines in the same unit, summed up.
#[derive(Default)]
pub(super) struct Sums(Vec<(Vec<usize>, Unit, ShippedContent)>);

impl Sums {
    pub fn add(&mut self, lines: Vec<usize>, unit: Unit, content: &ShippedContent) {
        let tracked = |content: &ShippedContent| (content.lots.is_empty(), content.serials.is_empty());
        let mut same = self.0.iter_mut().filter(|(of, in_unit, known)| {
            *of == lines && in_unit.same(&unit) && tracked(known) == tracked(content) && content.serials.is_empty()
        });
        match same.next() {
            Some((_, _, known)) => join(known, content),
            None => self.0.push((lines, unit, content.clone())),
        }
    }

    pub fn all(self) -> Vec<(Vec<usize>, Unit, ShippedContent)> {
        self.0
    }
}

/// One content that says what both say.
fn join(known: &mut ShippedContent, more: &ShippedContent) {
    known.lots = lots(known);
    for lot in lots(more) {
        match known.lots.iter_mut().find(|each| each.number == lot.number) {
            Some(same) => same.quantity = same.quantity.zip(lot.quantity).map(|(one, two)| one + two),
            None => known.lots.push(lot),
        }
    }
    known.quantity.value += more.quantity.value;
}

/// The lots of a content; a single one without a quantity is all of it.
fn lots(content: &ShippedContent) -> Vec<Lot> {
    let mut lots = content.lots.clone();
    if let [Lot { quantity: quantity @ None, .. }] = lots.as_mut_slice() {
        *quantity = Some(content.quantity.value);
    }
    lots
}

/// Parts of kits, by the lines that ordered the kit.
#[derive(Default)]
pub(super) struct Parts(Vec<PartsOfLines>);

/// The lines that ordered a kit, and what came of its parts.
type PartsOfLines = (Vec<usize>, Vec<(Sku, Decimal)>);

impl Parts {
    pub fn add(&mut self, lines: Vec<usize>, content: &ShippedContent) {
        let part = (content.item.sku.clone(), content.quantity.value);
        match self.0.iter_mut().find(|(of, _)| *of == lines) {
            Some((_, parts)) => parts.push(part),
            None => self.0.push((lines, vec![part])),
        }
    }

    pub fn all(self) -> Vec<PartsOfLines> {
        self.0
    }
}
