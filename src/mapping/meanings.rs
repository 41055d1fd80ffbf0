//! What holds for one company's goods at one warehouse: the narrowest row that matches.

use jiff::civil::Date;

use super::Mapping;
use super::catalogue::Catalogue;
use super::clash::Key;
use super::kind::RowKind;
use super::row::{Component, Item, Meaning, Row, Scope};
use super::unmapped::Unmapped;
use crate::failure::Code;
use crate::message::{Connection, LegalEntity, PlaceCode, Sku};

/// A company's goods at a warehouse.
#[derive(Clone, Copy, Debug)]
pub struct At<'a> {
    /// The Dynamics environment.
    pub environment: &'a Connection,
    /// The company, where it is known.
    pub legal_entity: Option<&'a LegalEntity>,
    /// The warehouse.
    pub connection: &'a Connection,
}

/// What holds for one company's goods at one warehouse.
#[derive(Clone, Copy, Debug)]
pub struct Meanings<'a> {
    mapping: &'a Mapping,
    pub(super) at: At<'a>,
}

impl Scope {
    fn covers(&self, environment: &Connection, legal_entity: Option<&LegalEntity>) -> bool {
        self.environment.as_ref().is_none_or(|named| named == environment)
            && self.legal_entity.as_ref().is_none_or(|named| Some(named) == legal_entity)
    }

    fn covers_at(&self, at: &At<'_>) -> bool {
        self.covers(at.environment, at.legal_entity)
            && self.connection.as_ref().is_none_or(|named| named == at.connection)
    }
}

impl Mapping {
    /// The warehouse that serves a location of Dynamics, and its own name of the facility, where a row says so.
    #[must_use]
    pub fn facility(
        &self,
        environment: &Connection,
        legal_entity: Option<&LegalEntity>,
        place: &PlaceCode,
    ) -> Option<(&Connection, &str)> {
        let mut rows = self.speaking_of(&Key::location(place.as_str()));
        let row = rows.find(|row| row.scope.covers(environment, legal_entity))?;
        match &row.meaning {
            Meaning::Location { facility, .. } => Some((row.scope.connection.as_ref()?, facility)),
            _ => None,
        }
    }

    /// The last day of a company's closed periods, where a row says so.
    #[must_use]
    pub fn closed_until(&self, environment: &Connection, legal_entity: &LegalEntity) -> Option<Date> {
        let mut rows = self.speaking_of(&Key::closed_until());
        match rows.find(|row| row.scope.covers(environment, Some(legal_entity)))?.meaning {
            Meaning::ClosedUntil(day) => Some(day),
            _ => None,
        }
    }

    /// The companies whose periods a row speaks of.
    pub fn companies_with_periods(&self) -> impl Iterator<Item = &LegalEntity> {
        self.speaking_of(&Key::closed_until()).filter_map(|row| row.scope.legal_entity.as_ref())
    }
}

impl<'a> Meanings<'a> {
    pub(super) fn new(mapping: &'a Mapping, at: At<'a>) -> Self {
        Self { mapping, at }
    }

    /// Of which version they are.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.mapping.version()
    }

    /// What Dynamics says of the company's items; nothing before a scan.
    #[must_use]
    pub fn catalogue(&self) -> Option<&'a Catalogue> {
        self.mapping.catalogue(self.at.environment, self.at.legal_entity?)
    }

    /// What the warehouse calls an item; nothing when no row speaks of the item, which is then called as in Dynamics.
    ///
    /// # Errors
    /// [`Unmapped`] when rows speak of other variants of it.
    pub fn sku(&self, item: &Item) -> Result<Option<&'a Sku>, Unmapped> {
        if let Some(Meaning::Sku { sku, .. }) = self.first(&Key::sku(item)) {
            return Ok(Some(sku));
        }
        if self.first(&Key::variants(&item.number)).is_none() {
            return Ok(None);
        }
        let what = format!("no row says what {} calls {item}, only other variants of it", self.at.connection);
        let variant = item.variant.as_deref().map(|variant| ("variant", variant));
        let cells: Vec<_> = [("item", item.number.as_str())].into_iter().chain(variant).collect();
        let cells: Vec<_> = cells.into_iter().chain([("warehouse", "SKU")]).collect();
        Err(Unmapped::missing(&what, RowKind::Sku, &self.at, &cells))
    }

    /// The item that the warehouse means by a SKU or an alias; nothing when no row speaks of it.
    #[must_use]
    pub fn item(&self, sku: &Sku) -> Option<&'a Item> {
        match self.first(&Key::called(sku.as_str())) {
            Some(Meaning::Sku { item, .. }) => Some(item),
            _ => None,
        }
    }

    /// The parts of a kit; nothing when the SKU is none.
    #[must_use]
    pub fn kit(&self, sku: &Sku) -> Option<&'a [Component]> {
        match self.first(&Key::kit(sku.as_str())) {
            Some(Meaning::Kit { components, .. }) => Some(components),
            _ => None,
        }
    }

    /// What the warehouse calls a carrier and its service; nothing when no row speaks of the carrier.
    ///
    /// # Errors
    /// [`Unmapped`] when rows speak of other services of it.
    pub fn carrier(
        &self,
        carrier: &str,
        service: Option<&str>,
    ) -> Result<Option<(&'a str, Option<&'a str>)>, Unmapped> {
        let exactly = service.and_then(|service| self.first(&Key::carrier(carrier, Some(service))));
        if let Some(Meaning::Carrier { warehouse, .. }) = exactly.or_else(|| self.first(&Key::carrier(carrier, None))) {
            return Ok(Some((&warehouse.0, warehouse.1.as_deref())));
        }
        if self.first(&Key::services(carrier)).is_none() {
            return Ok(None);
        }
        let named = service.unwrap_or("without a service");
        let what =
            format!("no row says what {} calls {carrier} {named}, only other services of it", self.at.connection);
        let service = service.map(|service| ("dynamics_service", service));
        let cells: Vec<_> = [("dynamics", carrier)].into_iter().chain(service).collect();
        let cells: Vec<_> =
            cells.into_iter().chain([("warehouse", "CARRIER"), ("warehouse_service", "SERVICE")]).collect();
        Err(Unmapped::missing(&what, RowKind::Carrier, &self.at, &cells))
    }

    /// Whether a row says that a location of Dynamics is served by this warehouse.
    #[must_use]
    pub fn is_located(&self, place: &PlaceCode) -> bool {
        let At { environment, legal_entity, connection } = self.at;
        self.mapping.facility(environment, legal_entity, place).is_some_and(|(named, _)| named == connection)
    }

    /// The Dynamics warehouse that a facility is, where a row says so.
    #[must_use]
    pub fn place(&self, facility: &str) -> Option<&'a PlaceCode> {
        match self.first(&Key::facility(facility)) {
            Some(Meaning::Location { place, .. }) => Some(place),
            _ => None,
        }
    }

    /// What a word of the warehouse is in Dynamics: an adjustment reason, a disposition, a rejection reason. The first of
    /// `said` that has a row counts: the warehouse's own word goes before our name of it.
    ///
    /// # Errors
    /// [`Unmapped`] when none has one.
    pub fn in_dynamics(&self, about: RowKind, said: &[&str]) -> Result<&'a str, Unmapped> {
        let mut found = said.iter().filter_map(|said| self.first(&Key::word(about, said)));
        if let Some(Meaning::Word { dynamics, .. }) = found.next() {
            return Ok(dynamics);
        }
        let word = said.first().copied().unwrap_or_default();
        let named = about.as_str().replace('_', " ");
        let what = format!("no row says what the {named} {word:?} of {} is in Dynamics", self.at.connection);
        Err(Unmapped::missing(&what, about, &self.at, &[("warehouse", word), ("dynamics", "CODE")]))
    }

    /// What the narrowest row says that speaks of something here.
    pub(super) fn first(&self, key: &Key) -> Option<&'a Meaning> {
        self.here(key).next().map(|row| &row.meaning)
    }

    /// The rows that speak of something here, the narrowest first.
    pub(super) fn here(&self, key: &Key) -> impl Iterator<Item = &'a Row> + use<'a> {
        let at = self.at;
        self.mapping.speaking_of(key).filter(move |row| row.scope.covers_at(&at))
    }

    /// All rows of this environment and company, whatever warehouse they name.
    pub(super) fn all(&self) -> impl Iterator<Item = &'a Row> + use<'a> {
        let At { environment, legal_entity, .. } = self.at;
        self.mapping.rows().iter().filter(move |row| row.scope.covers(environment, legal_entity))
    }

    /// Several conversions of an item could be meant.
    pub(super) fn ambiguous(&self, item: &Item, what: &str, remedy: &str) -> Unmapped {
        Unmapped::new(Code::MappingAmbiguous, format!("{what} at {}. {remedy}", self.at.connection)).awaiting(
            RowKind::Unit,
            &self.at,
            &item.number,
        )
    }
}
