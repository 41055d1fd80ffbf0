//! WHAT MEANS WHAT: items, units, places, carriers and reasons, as Dynamics calls them and as a warehouse calls them.
//!
//! ```text
//! a file, a command ──► cells ──► rows ─────┐
//! a scan of Dynamics ──► facts ─────────────┴► the store: versions, with who, when and why
//!                                              │ a new version, within a second
//!                                              ▼
//!                         one snapshot for each attempt ──► what holds at one place ──► the plan
//! ```
//!
//! It is pure: loaded and saved by `store`, handed to a plan as one snapshot that does not change under it. It refuses to
//! guess and to round: a row that is needed and not there, and a quantity that does not divide, are failures that name
//! item, units, numbers and the command that helps.
//!
//! Invariants: an empty mapping changes nothing; no two rows of equal scope say something about the same thing; what is
//! counted there and back again is the same quantity.

mod awaited;
mod catalogue;
mod cells;
mod clash;
mod csv;
mod fraction;
mod import;
mod kind;
mod kits;
mod meanings;
mod row;
mod unfit;
mod units;
mod unmapped;

use std::collections::HashMap;
use std::sync::Arc;

pub use awaited::{AWAITED, News, awaited_item, awaited_row, awaited_word, in_words};
pub use catalogue::{Catalogue, ConversionFacts, Fact, ItemFacts, Told, Tolerance, Tracking, lacking};
pub use clash::{Clash, clashes};
pub use csv::{Record, Unreadable, read as read_csv, write as write_csv};
pub use fraction::Fraction;
pub use import::{Change, Import, LineProblem, import};
pub use kind::RowKind;
pub use kits::whole_kits;
pub use meanings::{At, Meanings};
pub use row::{COLUMNS, CellProblem, Cells, Component, Item, Meaning, Row, Scope};
pub use unfit::{Reasons, Unfit};
pub use units::Counted;
pub use unmapped::Unmapped;

use clash::Key;

use crate::message::{Connection, LegalEntity};

/// One version of everything that is mapped: a snapshot, cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Mapping(Arc<Known>);

#[derive(Debug, Default)]
struct Known {
    version: u64,
    rows: Vec<Row>,
    /// Places of rows by what they speak of, the narrowest first.
    by_key: HashMap<Key, Vec<usize>>,
    /// What Dynamics says of the items of each environment and company.
    catalogues: HashMap<(Connection, LegalEntity), Catalogue>,
}

impl Mapping {
    /// A snapshot of these rows, of which no two may clash.
    #[must_use]
    pub fn new(version: u64, rows: Vec<Row>) -> Self {
        Self::with_catalogues(version, rows, Vec::new())
    }

    /// The same, with what Dynamics says of its items.
    #[must_use]
    pub fn with_catalogues(version: u64, rows: Vec<Row>, catalogues: Vec<Catalogue>) -> Self {
        let mut by_key: HashMap<Key, Vec<usize>> = HashMap::new();
        for (place, row) in rows.iter().enumerate() {
            for key in row.keys().into_iter().chain(row.groups()) {
                by_key.entry(key).or_default().push(place);
            }
        }
        for places in by_key.values_mut() {
            places.sort_by_key(|place| std::cmp::Reverse(rows.get(*place).map(|row| row.scope.narrowness())));
            places.dedup();
        }
        let keyed = |catalogue: Catalogue| {
            let key = (catalogue.environment.clone(), catalogue.legal_entity.clone());
            (key, catalogue)
        };
        let catalogues = catalogues.into_iter().map(keyed).collect();
        Self(Arc::new(Known { version, rows, by_key, catalogues }))
    }

    /// Which version it is: 0 before anybody mapped anything.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.0.version
    }

    /// Its rows, in the order in which they were made.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.0.rows
    }

    /// What Dynamics says of a company's items, as of the last scan; nothing before there was one.
    #[must_use]
    pub fn catalogue(&self, environment: &Connection, legal_entity: &LegalEntity) -> Option<&Catalogue> {
        self.0.catalogues.get(&(environment.clone(), legal_entity.clone()))
    }

    /// What holds for one company's goods at one warehouse.
    #[must_use]
    pub fn at<'a>(&'a self, at: At<'a>) -> Meanings<'a> {
        Meanings::new(self, at)
    }

    /// The rows that speak of something, the narrowest first.
    fn speaking_of<'a>(&'a self, key: &Key) -> impl Iterator<Item = &'a Row> + use<'a> {
        let places = self.0.by_key.get(key).map(Vec::as_slice).unwrap_or_default();
        places.iter().filter_map(|place| self.0.rows.get(*place))
    }
}
