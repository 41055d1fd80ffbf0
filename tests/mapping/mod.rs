//! What means what: rows, files of rows, units and kits, all of it pure.

pub mod catalogue;
mod files;
mod page;
mod rows;
mod units;

use drayline::mapping::{At, Cells, Item, Mapping, Meanings, Row};
use drayline::message::{Connection, LegalEntity, Unit};
use rust_decimal::Decimal;

pub fn cells(text: &str) -> Cells {
    let mut parts = text.split("; ");
    let kind = ("kind".to_owned(), parts.next().unwrap().to_owned());
    let named = parts.map(|part| part.split_once(':').unwrap_or_else(|| panic!("{part}")));
    std::iter::once(kind).chain(named.map(|(column, cell)| (column.to_owned(), cell.to_owned()))).collect()
}

/// A row written as `kind; column:cell; column:cell`.
pub fn row(text: &str) -> Row {
    Row::read(&cells(text)).unwrap_or_else(|problems| panic!("{text}: {problems:?}"))
}

pub fn mapping(rows: &[&str]) -> Mapping {
    Mapping::new(7, rows.iter().map(|text| row(text)).collect())
}

/// Where the goods are: of company usmf in contoso, at north.
pub struct Place {
    environment: Connection,
    legal_entity: LegalEntity,
    connection: Connection,
}

impl Place {
    pub fn north() -> Self {
        Self::at("contoso", "usmf", "north")
    }

    pub fn at(environment: &str, legal_entity: &str, connection: &str) -> Self {
        Self {
            environment: environment.parse().unwrap(),
            legal_entity: legal_entity.parse().unwrap(),
            connection: connection.parse().unwrap(),
        }
    }

    pub fn meanings<'a>(&'a self, mapping: &'a Mapping) -> Meanings<'a> {
        mapping.at(At {
            environment: &self.environment,
            legal_entity: Some(&self.legal_entity),
            connection: &self.connection,
        })
    }
}

pub fn item(number: &str) -> Item {
    Item { number: number.to_owned(), variant: None }
}

pub fn variant(number: &str, variant: &str) -> Item {
    Item { number: number.to_owned(), variant: Some(variant.to_owned()) }
}

pub fn unit(text: &str) -> Unit {
    text.parse().unwrap()
}

pub fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}
