//! What Dynamics itself says of a company's items: in which units they are kept, what a unit is of another, in which
//! variants they come, whether lots and serials of them are told apart, and which warehouses and carriers there are.
//!
//! A scan brings it as facts; here they can be asked. It refuses to make up what Dynamics does not say: a conversion with an
//! offset or without a factor is none.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::fraction::Fraction;
use super::row::Item;
use crate::message::{Connection, LegalEntity, PlaceCode, Unit};

/// One thing that Dynamics says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Fact {
    /// An item.
    Item(ItemFacts),
    /// A unit.
    Unit {
        /// As Dynamics spells it.
        symbol: Unit,
        /// How many digits after the point a quantity in it may have.
        decimals: u32,
    },
    /// What one unit is of another.
    Conversion(ConversionFacts),
    /// A warehouse.
    Warehouse {
        /// Its code.
        place: PlaceCode,
        /// Its name.
        name: Option<String>,
    },
    /// A service of a carrier.
    CarrierService {
        /// The carrier's code.
        carrier: String,
        /// The service's code.
        service: String,
    },
}

/// An item, as Dynamics keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemFacts {
    /// Its number.
    pub number: String,
    /// The unit in which stock of it is kept.
    pub stock_unit: Option<Unit>,
    /// The unit in which it is sold, unless an order says otherwise.
    pub sales_unit: Option<Unit>,
    /// The unit in which it is bought, unless an order says otherwise.
    pub purchase_unit: Option<Unit>,
    /// The variants there are, each with its dimensions joined as in orders.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variants: Vec<String>,
    /// The group that says how it is tracked.
    pub tracking_group: Option<String>,
    /// How it is tracked; nothing when nobody said what its group means.
    pub tracking: Option<Tracking>,
    /// How far sales and purchases may differ from what was ordered, in percent.
    #[serde(default)]
    pub tolerance: Tolerance,
}

/// What must be told apart when goods move.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tracking {
    /// Lots.
    pub lots: Told,
    /// Single pieces.
    pub serials: Told,
}

/// When a lot or a serial must be told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// When goods leave.
    pub issue: bool,
    /// When goods come in.
    pub receipt: bool,
}

/// What is lacking where a lot or a serial must be told and is not, in words; nothing when nothing is.
#[must_use]
pub fn lacking(lot: bool, serial: bool) -> Option<&'static str> {
    match (lot, serial) {
        (false, false) => None,
        (true, false) => Some("no lot"),
        (false, true) => Some("no serial"),
        (true, true) => Some("neither lot nor serial"),
    }
}

/// How far quantities may differ from what was ordered, in percent; nothing where Dynamics does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "named after what they say")]
pub struct Tolerance {
    pub sales_over: Option<Decimal>,
    pub sales_under: Option<Decimal>,
    pub purchase_over: Option<Decimal>,
    pub purchase_under: Option<Decimal>,
}

/// What one unit is of another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversionFacts {
    /// Of which item; of every one when it is none.
    pub item: Option<String>,
    /// Of which of its variants; of all of them when it is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// One of these
    pub from: Unit,
    /// is so many of these.
    pub to: Unit,
    /// How many; nothing when it is no plain factor.
    pub factor: Option<Fraction>,
}

impl Fact {
    /// What tells it from all other facts of a company.
    #[must_use]
    pub fn identity(&self) -> String {
        let parts = match self {
            Self::Item(item) => vec!["item", &item.number],
            Self::Unit { symbol, .. } => vec!["unit", symbol.as_str()],
            Self::Warehouse { place, .. } => vec!["warehouse", place.as_str()],
            Self::CarrierService { carrier, service } => vec!["carrier_service", carrier, service],
            Self::Conversion(ConversionFacts { item, variant, from, to, .. }) => {
                let all = ["conversion", item.as_deref().unwrap_or_default(), from.as_str(), to.as_str()];
                all.into_iter().chain(variant.as_deref()).collect()
            }
        };
        parts.join("\u{1f}")
    }
}

/// Everything that Dynamics says of one company's items.
#[derive(Clone, Debug)]
pub struct Catalogue {
    /// The Dynamics environment.
    pub environment: Connection,
    /// The company.
    pub legal_entity: LegalEntity,
    items: BTreeMap<String, ItemFacts>,
    units: HashMap<String, u32>,
    places: HashMap<String, PlaceCode>,
    carriers: BTreeMap<String, BTreeSet<String>>,
    /// By item (none: every item's) and unit, in small letters: what one of it is.
    conversions: HashMap<(Option<Item>, String), Vec<Way>>,
    /// Conversions that are no plain factor.
    unusable: Vec<ConversionFacts>,
}

/// From a unit to another one.
#[derive(Clone, Debug, PartialEq)]
struct Way {
    to: Unit,
    factor: Fraction,
    /// As Dynamics says it, not turned round.
    said: bool,
}

impl Catalogue {
    /// What can be asked of these facts.
    #[must_use]
    pub fn new(environment: Connection, legal_entity: LegalEntity, facts: Vec<Fact>) -> Self {
        let mut catalogue = Self {
            environment,
            legal_entity,
            items: BTreeMap::new(),
            units: HashMap::new(),
            places: HashMap::new(),
            carriers: BTreeMap::new(),
            conversions: HashMap::new(),
            unusable: Vec::new(),
        };
        for fact in facts {
            match fact {
                Fact::Item(item) => {
                    catalogue.items.insert(item.number.clone(), item);
                }
                Fact::Unit { symbol, decimals } => {
                    catalogue.units.insert(folded(&symbol), decimals);
                }
                Fact::Warehouse { place, .. } => {
                    catalogue.places.insert(place.as_str().to_lowercase(), place);
                }
                Fact::CarrierService { carrier, service } => {
                    catalogue.carriers.entry(carrier).or_default().insert(service);
                }
                Fact::Conversion(conversion) => catalogue.learn(conversion),
            }
        }
        for ways in catalogue.conversions.values_mut() {
            ways.sort_by_key(|way| !way.said);
        }
        catalogue
    }

    fn learn(&mut self, conversion: ConversionFacts) {
        let turned = conversion.factor.and_then(|factor| Some((factor, Fraction::ONE.over(factor)?)));
        let Some((factor, back)) = turned else {
            self.unusable.push(conversion);
            return;
        };
        let ConversionFacts { item, variant, from, to, .. } = conversion;
        let item = item.map(|number| Item { number, variant });
        let there = (item.clone(), folded(&from));
        let here = (item, folded(&to));
        self.conversions.entry(here).or_default().push(Way { to: from, factor: back, said: false });
        self.conversions.entry(there).or_default().push(Way { to, factor, said: true });
    }

    /// An item.
    #[must_use]
    pub fn item(&self, number: &str) -> Option<&ItemFacts> {
        self.items.get(number)
    }

    /// The items of which it says something else than an earlier one; nothing when that may be any of them.
    pub(super) fn items_told_otherwise<'a>(&'a self, before: &'a Self) -> Option<HashSet<&'a str>> {
        let mut otherwise = HashSet::new();
        for (one, other) in [(self, before), (before, self)] {
            let items = one.items.iter().filter(|(number, facts)| other.items.get(*number) != Some(*facts));
            otherwise.extend(items.map(|(number, _)| number.as_str()));
            let ways = one.conversions.iter().filter(|(of, ways)| other.conversions.get(*of) != Some(*ways));
            for ((item, _), _) in ways {
                otherwise.insert(item.as_ref()?.number.as_str());
            }
            for conversion in one.unusable.iter().filter(|each| !other.unusable.contains(each)) {
                otherwise.insert(conversion.item.as_deref()?);
            }
        }
        (self.units == before.units).then_some(otherwise)
    }

    /// All items, by number.
    pub fn items(&self) -> impl Iterator<Item = &ItemFacts> {
        self.items.values()
    }

    /// Whether there is a warehouse of this code.
    #[must_use]
    pub fn has_place(&self, place: &PlaceCode) -> bool {
        self.places.contains_key(&place.as_str().to_lowercase())
    }

    /// Whether anything is known of warehouses.
    #[must_use]
    pub fn knows_places(&self) -> bool {
        !self.places.is_empty()
    }

    /// All carriers by code, each with the codes of its services.
    pub fn carriers(&self) -> impl Iterator<Item = (&String, &BTreeSet<String>)> {
        self.carriers.iter()
    }

    /// How many digits after the point a quantity in a unit may have; none where Dynamics does not say.
    #[must_use]
    pub fn decimals(&self, unit: &Unit) -> u32 {
        self.units.get(&folded(unit)).copied().unwrap_or_default()
    }

    /// How many of one unit one of another is: what is said of the variant goes before what is said of the item, and that
    /// before what is said of all.
    #[must_use]
    pub fn factor(&self, item: &Item, from: &Unit, to: &Unit) -> Option<Fraction> {
        if from.same(to) {
            return Some(Fraction::ONE);
        }
        self.ways(item, from)
            .find_map(|ways| ways.into_iter().find(|(unit, _)| unit.same(to)).map(|(_, factor)| factor))
    }

    /// What one of a unit of an item is in other units: first what is said of the variant, then of the item, then of all.
    pub fn ways(&self, item: &Item, from: &Unit) -> impl Iterator<Item = Vec<(&Unit, Fraction)>> {
        let from = folded(from);
        item.levels().map(move |level| {
            let ways = self.conversions.get(&(level, from.clone())).into_iter().flatten();
            ways.map(|way| (&way.to, way.factor)).collect()
        })
    }

    /// A conversion between two units of an item that Dynamics has and that is no plain factor.
    #[must_use]
    pub fn unusable(&self, item: &Item, one: &Unit, other: &Unit) -> Option<&ConversionFacts> {
        let same = |each: &&ConversionFacts| {
            let units = each.from.same(one) && each.to.same(other) || each.from.same(other) && each.to.same(one);
            let variant = each.variant.is_none() || each.variant == item.variant;
            units && variant && each.item.as_ref().is_none_or(|of| *of == item.number)
        };
        self.unusable.iter().find(same)
    }
}

/// Units are compared as [`Unit::same`] does.
fn folded(unit: &Unit) -> String {
    unit.as_str().to_ascii_lowercase()
}
