//! What rows speak of: two of equal scope that speak of the same thing clash, and nobody could tell which one holds.

use std::collections::HashMap;

use super::kind::RowKind;
use super::row::{Item, Meaning, Row, Scope};
use crate::message::Unit;

/// What a row speaks of, without its scope.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key(Vec<String>);

impl Key {
    fn of(sort: &str, parts: &[&str]) -> Self {
        Self(std::iter::once(sort).chain(parts.iter().copied()).map(str::to_owned).collect())
    }

    /// What an item is called.
    pub fn sku(item: &Item) -> Self {
        Self::of("sku", &[&item.number, item.variant.as_deref().unwrap_or_default()])
    }

    /// What a warehouse's SKU is.
    pub fn called(sku: &str) -> Self {
        Self::of("called", &[sku])
    }

    pub fn kit(sku: &str) -> Self {
        Self::of("kit", &[sku])
    }

    pub fn conversion(item: Option<&Item>, dynamics: &Unit, warehouse: &Unit) -> Self {
        let [number, variant] = parts(item);
        Self::of("conversion", &[number, variant, &unit(dynamics), &unit(warehouse)])
    }

    pub fn counted_in(item: Option<&Item>) -> Self {
        Self::of("counted_in", &parts(item))
    }

    pub fn location(place: &str) -> Self {
        Self::of("location", &[&folded(place)])
    }

    pub fn carrier(carrier: &str, service: Option<&str>) -> Self {
        Self::of("carrier", &[&folded(carrier), &folded(service.unwrap_or_default())])
    }

    pub fn word(about: RowKind, said: &str) -> Self {
        Self::of(about.as_str(), &[&folded(said)])
    }

    pub fn closed_until() -> Self {
        Self::of(RowKind::ClosedUntil.as_str(), &[])
    }

    /// Every variant of an item.
    pub fn variants(number: &str) -> Self {
        Self::of("variants", &[number])
    }

    /// Everything that a unit of an item may be converted to.
    pub fn conversions(item: Option<&Item>, dynamics: &Unit) -> Self {
        let [number, variant] = parts(item);
        Self::of("conversions", &[number, variant, &unit(dynamics)])
    }

    /// Everything that a warehouse's unit of an item may be.
    pub fn counted_back(item: Option<&Item>, warehouse: &Unit) -> Self {
        let [number, variant] = parts(item);
        Self::of("counted_back", &[number, variant, &unit(warehouse)])
    }

    /// Every service of a carrier.
    pub fn services(carrier: &str) -> Self {
        Self::of("services", &[&folded(carrier)])
    }

    /// What a warehouse's facility is.
    pub fn facility(facility: &str) -> Self {
        Self::of("facility", &[&folded(facility)])
    }
}

fn parts(item: Option<&Item>) -> [&str; 2] {
    [item.map_or("", |item| &item.number), item.and_then(|item| item.variant.as_deref()).unwrap_or_default()]
}

/// Units are compared as [`Unit::same`] does.
fn unit(unit: &Unit) -> String {
    unit.as_str().to_ascii_lowercase()
}

/// Codes of places, carriers and reasons are compared without regard to capitals.
fn folded(code: &str) -> String {
    code.to_lowercase()
}

impl Row {
    /// What nobody else of equal scope may speak of; the first one tells the row from all others.
    pub(super) fn keys(&self) -> Vec<Key> {
        match &self.meaning {
            Meaning::Sku { item, sku, aliases } => {
                let called = std::iter::once(sku).chain(aliases).map(|sku| Key::called(sku.as_str()));
                std::iter::once(Key::sku(item)).chain(called).collect()
            }
            Meaning::Kit { sku, .. } => vec![Key::kit(sku.as_str())],
            Meaning::Conversion { item, dynamics, warehouse, .. } => {
                vec![Key::conversion(item.as_ref(), dynamics, warehouse)]
            }
            Meaning::CountedIn { item, .. } => vec![Key::counted_in(item.as_ref())],
            Meaning::Location { place, .. } => vec![Key::location(place.as_str())],
            Meaning::Carrier { dynamics: (carrier, service), .. } => vec![Key::carrier(carrier, service.as_deref())],
            Meaning::Word { about, warehouse, .. } => vec![Key::word(*about, warehouse)],
            Meaning::ClosedUntil(_) => vec![Key::closed_until()],
        }
    }

    /// What several may speak of.
    pub(super) fn groups(&self) -> Vec<Key> {
        match &self.meaning {
            Meaning::Sku { item, .. } => vec![Key::variants(&item.number)],
            Meaning::Conversion { item, dynamics, warehouse, .. } => {
                vec![Key::conversions(item.as_ref(), dynamics), Key::counted_back(item.as_ref(), warehouse)]
            }
            Meaning::Location { facility, .. } => vec![Key::facility(facility)],
            Meaning::Carrier { dynamics: (carrier, _), .. } => vec![Key::services(carrier)],
            Meaning::Kit { .. } | Meaning::CountedIn { .. } | Meaning::Word { .. } | Meaning::ClosedUntil(_) => {
                Vec::new()
            }
        }
    }

    /// The name that tells the row from all others of its version: a row of the same identity takes its place.
    #[must_use]
    pub fn identity(&self) -> String {
        let Scope { environment, legal_entity, connection } = self.clash_scope();
        let scope = [
            environment.map(|environment| environment.to_string()),
            legal_entity.map(|legal_entity| legal_entity.to_string()),
            connection.map(|connection| connection.to_string()),
        ];
        let key = self.keys().into_iter().next().map(|key| key.0).unwrap_or_default();
        let parts: Vec<_> = scope.map(Option::unwrap_or_default).into_iter().chain(key).collect();
        parts.join("\u{1f}")
    }

    /// An order must know where to go: of one location there is one row, whatever warehouse it names.
    fn clash_scope(&self) -> Scope {
        match &self.meaning {
            Meaning::Location { .. } => Scope { connection: None, ..self.scope.clone() },
            _ => self.scope.clone(),
        }
    }
}

/// Two rows of equal scope that speak of the same thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clash {
    /// The place of the earlier row.
    pub first: usize,
    /// The place of the later row.
    pub second: usize,
    /// What both speak of.
    pub about: String,
}

/// Every row that clashes with an earlier one.
#[must_use]
pub fn clashes(rows: &[Row]) -> Vec<Clash> {
    let mut seen: HashMap<(Key, String), usize> = HashMap::new();
    let mut clashes = Vec::new();
    for (place, row) in rows.iter().enumerate() {
        let Scope { environment, legal_entity, connection } = row.clash_scope();
        let scope = format!("{environment:?} {legal_entity:?} {connection:?}");
        let mut keys = row.keys();
        keys.dedup();
        for key in keys {
            let about = key.0.iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join(" ");
            let first = *seen.entry((key, scope.clone())).or_insert(place);
            if first != place {
                clashes.push(Clash { first, second: place, about });
            }
        }
    }
    clashes
}
