//! What does not fit together: what Dynamics says of a company's items against what rows say for one warehouse. It finds
//! before the first order what would be an exception with it.

use std::collections::{BTreeMap, BTreeSet};

use super::catalogue::{Catalogue, ItemFacts};
use super::clash::Key;
use super::kind::RowKind;
use super::meanings::Meanings;
use super::row::{Item, Meaning, Row, assigned};
use super::unmapped::Unmapped;
use crate::message::{AdjustmentReasonCode, PlaceCode, Sku, Unit};

/// So many variants are named in one sentence.
const NAMED_MAX: usize = 5;

/// Something that does not map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfit {
    /// What it is about: `item SHIRT`, `warehouse 24`, `carrier UPS`.
    pub about: String,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub remedy: String,
    /// Whether a document would stop here; else it would go on otherwise than somebody may have meant.
    pub stops: bool,
}

/// What becomes of the reasons for which a warehouse adjusts stock, as it is configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reasons {
    /// Each names a type that Dynamics is told.
    Typed,
    /// One without a row goes where all others go.
    Defaulted,
    /// Dynamics is told none.
    Untold,
}

impl Unfit {
    fn of(item: &str, problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { about: format!("item {item}"), problem: problem.into(), remedy: remedy.into(), stops: true }
    }

    /// Said by whoever needed it: the sentence up to what to do, and what to do.
    fn told(item: &str, unmapped: &Unmapped) -> Self {
        let (problem, remedy) = unmapped.what.split_once(". ").unwrap_or((&unmapped.what, "Say it with a row"));
        let remedy = remedy.trim_end_matches('.').trim_end_matches("; it then goes on by itself");
        Self::of(item, problem, remedy)
    }
}

impl Meanings<'_> {
    /// Everything that does not map here; nothing is known before a scan. `places` are the Dynamics warehouses that the
    /// connection is configured to serve.
    #[must_use]
    pub fn unfit(&self, places: &[PlaceCode], reasons: Reasons) -> Vec<Unfit> {
        let Some(catalogue) = self.catalogue() else { return Vec::new() };
        let mut unfit = self.places(catalogue, places);
        let mut called: BTreeMap<Sku, Item> = BTreeMap::new();
        for item in catalogue.items() {
            self.codes(item, &mut called, &mut unfit);
            self.units(catalogue, item, &mut unfit);
            unfit.extend(self.tracking(item));
        }
        unfit.extend(self.strangers(catalogue));
        unfit.extend(self.reasons(reasons));
        unfit.extend(self.carriers(catalogue));
        unfit
    }

    /// Where rows speak of carriers: services that none of them fits although others of the carrier have one, and carriers of
    /// which none speaks. Without any row all of them go as they are, and nothing is missing.
    fn carriers(&self, catalogue: &Catalogue) -> Vec<Unfit> {
        let here = self.at.connection;
        let mapped = self.rows().any(|row| matches!(row.meaning, Meaning::Carrier { .. }));
        let mut unfit = Vec::new();
        for (carrier, services) in catalogue.carriers().filter(|_| mapped) {
            for service in services {
                match self.carrier(carrier, Some(service)) {
                    Err(unmapped) => unfit
                        .push(Unfit { about: format!("carrier {carrier} {service}"), ..Unfit::told("", &unmapped) }),
                    Ok(None) => {
                        let command = format!("drayline mapping set carrier connection={here}");
                        let cells = [assigned("dynamics", carrier), assigned("warehouse", "CARRIER")].join(" ");
                        unfit.push(Unfit {
                            about: format!("carrier {carrier}"),
                            problem: format!(
                                "rows say what {here} calls other carriers, and this one goes by its name in Dynamics"
                            ),
                            remedy: format!(
                                "Say it with `{command} {cells} --reason TEXT`, if {here} calls it otherwise"
                            ),
                            stops: false,
                        });
                        break;
                    }
                    Ok(Some(_)) => {}
                }
            }
        }
        unfit
    }

    /// Reasons for adjustments that Dynamics is told no type of although it takes one, and rows of which nothing is told.
    fn reasons(&self, reasons: Reasons) -> Vec<Unfit> {
        let about = RowKind::AdjustmentReason;
        let of = |reason: &str, problem: String, remedy: String| Unfit {
            about: format!("adjustment reason {reason}"),
            problem,
            remedy,
            stops: true,
        };
        match reasons {
            Reasons::Defaulted => Vec::new(),
            Reasons::Typed => {
                let all = AdjustmentReasonCode::ALL.iter().filter(|code| **code != AdjustmentReasonCode::Other);
                let untyped = all.filter_map(|code| {
                    let unmapped = self.in_dynamics(about, &[code.as_str()]).err()?;
                    let Unfit { problem, remedy, .. } = Unfit::told("", &unmapped);
                    Some(of(code.as_str(), problem, remedy))
                });
                untyped.collect()
            }
            Reasons::Untold => {
                let environment = self.at.environment;
                let rows = self.rows().filter_map(|row| match &row.meaning {
                    Meaning::Word { about: of_row, warehouse, dynamics } if *of_row == about => {
                        Some((warehouse, dynamics))
                    }
                    _ => None,
                });
                let untold = rows.map(|(reason, dynamics)| {
                    let problem = format!("a row says that it is posted to {dynamics}, and {environment} is told no type");
                    let remedy = format!(
                        "Name the member that takes it as dynamics.{environment}.adjustments.type_field, or end the row with \
                         `drayline mapping set … --remove`"
                    );
                    of(reason, problem, remedy)
                });
                untold.collect()
            }
        }
    }

    fn places(&self, catalogue: &Catalogue, configured: &[PlaceCode]) -> Vec<Unfit> {
        if !catalogue.knows_places() {
            return Vec::new();
        }
        let by_row = self.rows().filter_map(|row| match &row.meaning {
            Meaning::Location { place, .. } => Some(place.clone()),
            _ => None,
        });
        let all: BTreeSet<PlaceCode> = configured.iter().cloned().chain(by_row).collect();
        let missing = all.into_iter().filter(|place| !catalogue.has_place(place));
        let unfit = |place: PlaceCode| Unfit {
            about: format!("warehouse {place}"),
            problem: format!("{} serves it, and {} has no such warehouse", self.at.connection, catalogue.legal_entity),
            remedy: format!(
                "Correct warehouses.{}.locations, or the row of kind location, or make the warehouse in Dynamics",
                self.at.connection
            ),
            stops: true,
        };
        missing.map(unfit).collect()
    }

    /// What the warehouse calls an item and each of its variants.
    fn codes(&self, item: &ItemFacts, called: &mut BTreeMap<Sku, Item>, unfit: &mut Vec<Unfit>) {
        let number = &item.number;
        let has_rows = self.first(&Key::variants(number)).is_some();
        if !has_rows && item.variants.len() > 1 {
            let problem = format!(
                "it comes in {} variants ({}), and no row says what {} calls them: all would leave as {number}",
                item.variants.len(),
                several(&item.variants),
                self.at.connection
            );
            unfit.push(Unfit::of(number, problem, self.to_call(number, item.variants.first())));
            return;
        }
        let mut unnamed = Vec::new();
        for each in variants(item) {
            match self.sku(&each) {
                Ok(sku) => match sku.cloned().map_or_else(|| Sku::new(number.clone()), Ok) {
                    Ok(sku) => unfit.extend(self.called_twice(each, sku, called)),
                    Err(invalid) => {
                        let problem =
                            format!("its number {invalid}, and no row says what {} calls it", self.at.connection);
                        unfit.push(Unfit::of(number, problem, self.to_call(number, None)));
                    }
                },
                Err(_) => unnamed.extend(each.variant.or_else(|| Some(String::new()))),
            }
        }
        if let Some(first) = unnamed.first() {
            let which = if first.is_empty() { "it".to_owned() } else { format!("its {}", several(&unnamed)) };
            let problem = format!("no row says what {} calls {which}, only other variants of it", self.at.connection);
            let variant = Some(first).filter(|first| !first.is_empty());
            unfit.push(Unfit::of(number, problem, self.to_call(number, variant)));
        }
    }

    fn called_twice(&self, item: Item, sku: Sku, called: &mut BTreeMap<Sku, Item>) -> Option<Unfit> {
        let Some(other) = called.get(&sku) else {
            called.insert(sku, item);
            return None;
        };
        let problem =
            format!("it is called {sku} at {}, and so is {other}: nobody can tell them apart", self.at.connection);
        Some(Unfit::of(&item.number, problem, self.to_call(&item.number, item.variant.as_ref())))
    }

    /// The command that says what an item is called.
    fn to_call(self, number: &str, variant: Option<&String>) -> String {
        let variant = variant.map(|variant| format!(" {}", assigned("variant", variant))).unwrap_or_default();
        let item = assigned("item", number);
        format!(
            "Say it with `drayline mapping set sku connection={} {item}{variant} warehouse=SKU --reason TEXT`",
            self.at.connection
        )
    }

    /// Whether every unit that an item is kept, sold or bought in can be counted in Dynamics and at the warehouse.
    fn units(&self, catalogue: &Catalogue, item: &ItemFacts, unfit: &mut Vec<Unfit>) {
        let number = &item.number;
        let Some(stock_unit) = &item.stock_unit else {
            let remedy = "Give it one in Dynamics, on the released product";
            unfit.push(Unfit::of(number, "it has no inventory unit", remedy));
            return;
        };
        let each = variants(item);
        let mut seen: Vec<&Unit> = Vec::new();
        for unit in [Some(stock_unit), item.sales_unit.as_ref(), item.purchase_unit.as_ref()].into_iter().flatten() {
            if seen.iter().any(|seen| seen.same(unit)) {
                continue;
            }
            seen.push(unit);
            let without = |item: &&Item| catalogue.factor(item, unit, stock_unit).is_none();
            let without: Vec<_> = each.iter().filter(without).collect();
            if let Some(first) = without.first() {
                let of = without.iter().filter(|_| without.len() < each.len()).filter_map(|item| item.variant.clone());
                unfit.push(unconverted(catalogue, first, (unit, stock_unit), &of.collect::<Vec<_>>()));
            }
            let uncounted = each.iter().find_map(|item| self.counts(item, unit).err());
            unfit.extend(uncounted.map(|unmapped| Unfit::told(number, &unmapped)));
        }
    }

    fn tracking(&self, item: &ItemFacts) -> Option<Unfit> {
        let group = item.tracking_group.as_ref().filter(|_| item.tracking.is_none())?;
        let problem = format!(
            "nobody says whether items of its tracking dimension group {group} are held in lots or piece by piece"
        );
        let environment = self.at.environment;
        let remedy =
            format!("Say it under dynamics.{environment}.catalogue.tracking_groups: {{ {group:?} = \"lots\" }}");
        Some(Unfit::of(&item.number, problem, remedy))
    }

    /// Rows that speak of items and variants that Dynamics does not have.
    fn strangers(&self, catalogue: &Catalogue) -> Vec<Unfit> {
        let mut unfit: Vec<Unfit> = Vec::new();
        for row in self.rows() {
            let item = match &row.meaning {
                Meaning::Sku { item, .. } => Some(item),
                Meaning::Conversion { item, .. } | Meaning::CountedIn { item, .. } => item.as_ref(),
                _ => None,
            };
            let Some(item) = item else { continue };
            let company = &catalogue.legal_entity;
            let problem = match (catalogue.item(&item.number), &item.variant) {
                (None, _) => format!("a row speaks of it ({row}), and {company} has no such item"),
                (Some(known), Some(variant)) if !known.variants.is_empty() && !known.variants.contains(variant) => {
                    format!("a row speaks of its variant {variant} ({row}), and {company} has no such variant")
                }
                _ => continue,
            };
            let remedy = "Correct the row, or end it with `drayline mapping set … --remove`";
            unfit.push(Unfit::of(&item.number, problem, remedy));
        }
        unfit
    }

    /// All rows that hold here.
    fn rows(&self) -> impl Iterator<Item = &Row> {
        self.all().filter(move |row| row.scope.connection.as_ref().is_none_or(|named| named == self.at.connection))
    }
}

/// Each of an item's variants; the item itself, where it has none.
fn variants(item: &ItemFacts) -> Vec<Item> {
    let of = |variant: Option<&String>| Item { number: item.number.clone(), variant: variant.cloned() };
    if item.variants.is_empty() { vec![of(None)] } else { item.variants.iter().map(|each| of(Some(each))).collect() }
}

/// That Dynamics cannot convert a unit of an item to its inventory unit: of these variants, where it can of others.
fn unconverted(catalogue: &Catalogue, item: &Item, (unit, stock_unit): (&Unit, &Unit), variants: &[String]) -> Unfit {
    let of = if variants.is_empty() { String::new() } else { format!(" of its variants {}", several(variants)) };
    let (problem, remedy) = match catalogue.unusable(item, unit, stock_unit) {
        Some(_) => (
            format!("Dynamics' conversion between {unit} and {stock_unit}{of} has an offset, or no factor above zero"),
            format!("Correct it in Dynamics, so that one {unit} is so many {stock_unit}"),
        ),
        None => (
            format!("it is sold or bought in {unit} and kept in {stock_unit}, and Dynamics has no conversion{of}"),
            format!(
                "Add the conversion between {unit} and {stock_unit} in Dynamics, for the variant, for the product or for all"
            ),
        ),
    };
    Unfit::of(&item.number, problem, remedy)
}

/// The first few of them.
fn several(names: &[String]) -> String {
    let more = names.len().saturating_sub(NAMED_MAX);
    let named = names.iter().take(NAMED_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{named} and {more} more") } else { named }
}
