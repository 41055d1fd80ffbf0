//! One row of the mapping: where it holds, and what means what there. It is read from and written to named cells, the
//! same for files, commands and the store, so that each kind's columns are checked in one place.

use std::collections::BTreeMap;
use std::fmt;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::cells::Reader;
use super::fraction::Fraction;
use super::kind::RowKind;
use crate::message::{Connection, LegalEntity, PlaceCode, Sku, Unit};

/// The columns of a row, in the order in which files have them.
pub const COLUMNS: [&str; 14] = [
    "kind",
    "environment",
    "legal_entity",
    "connection",
    "item",
    "variant",
    "dynamics",
    "dynamics_service",
    "warehouse",
    "warehouse_service",
    "aliases",
    "components",
    "factor",
    "decimals",
];

/// The cells of a row by column; empty ones are left out.
pub type Cells = BTreeMap<String, String>;

/// What is wrong with one cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellProblem {
    /// In which column.
    pub column: String,
    /// What is wrong, and what is expected.
    pub problem: String,
}

/// Where a row holds; what is not named is everywhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// In this Dynamics environment.
    pub environment: Option<Connection>,
    /// In this company.
    pub legal_entity: Option<LegalEntity>,
    /// At this warehouse.
    pub connection: Option<Connection>,
}

impl Scope {
    /// How narrow it is: a connection is narrower than a company, a company narrower than an environment.
    #[must_use]
    pub fn narrowness(&self) -> u8 {
        u8::from(self.connection.is_some()) * 4
            + u8::from(self.legal_entity.is_some()) * 2
            + u8::from(self.environment.is_some())
    }
}

/// What means what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// An item, and what the warehouse calls it.
    Sku {
        /// Which item.
        item: Item,
        /// What it is sent as.
        sku: Sku,
        /// What it may come back as, too: merged or renamed.
        aliases: Vec<Sku>,
    },
    /// What is ordered as one and comes back in parts.
    Kit {
        /// What is ordered.
        sku: Sku,
        /// Its parts.
        components: Vec<Component>,
    },
    /// One unit of Dynamics is so many of the warehouse's.
    Conversion {
        /// Of which item; of every one when it is none.
        item: Option<Item>,
        /// As Dynamics spells it.
        dynamics: Unit,
        /// As the warehouse spells it.
        warehouse: Unit,
        /// How many of the warehouse's are one of Dynamics'.
        factor: Fraction,
        /// How many digits after the point a converted quantity may have, in either unit.
        decimals: u32,
    },
    /// The warehouse counts in this unit: what is ordered in another one is converted, or does not leave.
    CountedIn {
        /// Which item; every one when it is none.
        item: Option<Item>,
        /// As the warehouse spells it.
        unit: Unit,
    },
    /// A warehouse of Dynamics, and the facility that it is.
    Location {
        /// Dynamics' code.
        place: PlaceCode,
        /// The warehouse's own name of the facility.
        facility: String,
    },
    /// A carrier, or one service of it.
    Carrier {
        /// Dynamics' codes; every service without a row of its own when there is none.
        dynamics: (String, Option<String>),
        /// The warehouse's; the service stays as it is when there is none.
        warehouse: (String, Option<String>),
    },
    /// A word of the warehouse, and what it is in Dynamics.
    Word {
        /// About what: an adjustment reason, a disposition, a rejection reason.
        about: RowKind,
        /// The warehouse's own word, or our name of the reason.
        warehouse: String,
        /// Dynamics' code.
        dynamics: String,
    },
    /// The last day of a company's closed periods.
    ClosedUntil(Date),
}

/// An item of Dynamics.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Item {
    /// Its number.
    pub number: String,
    /// Its product dimensions, joined, or the variant code.
    pub variant: Option<String>,
}

impl Item {
    /// What is said of whom counts, in this order: of the variant, of the item, of every item.
    pub(super) fn levels(&self) -> impl Iterator<Item = Option<Self>> + use<> {
        let of_variant = self.variant.is_some().then(|| self.clone());
        let of_item = Self { number: self.number.clone(), variant: None };
        [of_variant, Some(of_item)].into_iter().flatten().map(Some).chain([None])
    }
}

impl fmt::Display for Item {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.variant {
            None => write!(formatter, "{}", self.number),
            Some(variant) => write!(formatter, "{} ({variant})", self.number),
        }
    }
}

/// A part of a kit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    /// What it is called at the warehouse.
    pub sku: Sku,
    /// How many of it are in one kit.
    pub quantity: Decimal,
}

/// A row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Where it holds.
    pub scope: Scope,
    /// What it says.
    pub meaning: Meaning,
}

impl Row {
    /// Reads a row from its cells.
    ///
    /// # Errors
    /// Everything that is wrong with them, each with its column.
    pub fn read(cells: &Cells) -> Result<Self, Vec<CellProblem>> {
        let mut reader = Reader::new(cells);
        let kind = reader.needed::<RowKind>("kind");
        let scope = Scope {
            environment: reader.optional("environment"),
            legal_entity: reader.optional("legal_entity"),
            connection: reader.optional("connection"),
        };
        let meaning = kind.and_then(|kind| meaning(kind, &mut reader));
        reader.finish(meaning).map(|meaning| Self { scope, meaning })
    }

    /// What it is about.
    #[must_use]
    pub fn kind(&self) -> RowKind {
        match &self.meaning {
            Meaning::Sku { .. } => RowKind::Sku,
            Meaning::Kit { .. } => RowKind::Kit,
            Meaning::Conversion { .. } | Meaning::CountedIn { .. } => RowKind::Unit,
            Meaning::Location { .. } => RowKind::Location,
            Meaning::Carrier { .. } => RowKind::Carrier,
            Meaning::Word { about, .. } => *about,
            Meaning::ClosedUntil(_) => RowKind::ClosedUntil,
        }
    }

    /// The row as cells.
    #[must_use]
    pub fn cells(&self) -> Cells {
        let text = |text: &dyn fmt::Display| Some(text.to_string());
        let Scope { environment, legal_entity, connection } = &self.scope;
        let mut cells = vec![
            ("kind", text(&self.kind())),
            ("environment", environment.as_ref().map(ToString::to_string)),
            ("legal_entity", legal_entity.as_ref().map(ToString::to_string)),
            ("connection", connection.as_ref().map(ToString::to_string)),
        ];
        cells.extend(match &self.meaning {
            Meaning::Sku { item, sku, aliases } => {
                let aliases: Vec<_> = aliases.iter().map(Sku::as_str).collect();
                vec![
                    ("item", text(&item.number)),
                    ("variant", item.variant.clone()),
                    ("warehouse", text(sku)),
                    ("aliases", text(&aliases.join(" | "))),
                ]
            }
            Meaning::Kit { sku, components } => {
                let components: Vec<_> =
                    components.iter().map(|part| format!("{}={}", part.sku, part.quantity.normalize())).collect();
                vec![("warehouse", text(sku)), ("components", text(&components.join(" | ")))]
            }
            Meaning::Conversion { item, dynamics, warehouse, factor, decimals } => vec![
                ("item", item.as_ref().map(|item| item.number.clone())),
                ("variant", item.as_ref().and_then(|item| item.variant.clone())),
                ("dynamics", text(dynamics)),
                ("warehouse", text(warehouse)),
                ("factor", text(factor)),
                ("decimals", (*decimals > 0).then(|| decimals.to_string())),
            ],
            Meaning::CountedIn { item, unit } => vec![
                ("item", item.as_ref().map(|item| item.number.clone())),
                ("variant", item.as_ref().and_then(|item| item.variant.clone())),
                ("warehouse", text(unit)),
            ],
            Meaning::Location { place, facility } => vec![("dynamics", text(place)), ("warehouse", text(facility))],
            Meaning::Carrier { dynamics, warehouse } => vec![
                ("dynamics", text(&dynamics.0)),
                ("dynamics_service", dynamics.1.clone()),
                ("warehouse", text(&warehouse.0)),
                ("warehouse_service", warehouse.1.clone()),
            ],
            Meaning::Word { warehouse, dynamics, .. } => {
                vec![("dynamics", text(dynamics)), ("warehouse", text(warehouse))]
            }
            Meaning::ClosedUntil(day) => vec![("dynamics", text(day))],
        });
        let filled = cells.into_iter().filter_map(|(column, cell)| Some((column.to_owned(), cell?)));
        filled.filter(|(_, cell)| !cell.is_empty()).collect()
    }
}

impl fmt::Display for Row {
    /// As `drayline mapping set` takes it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cells = self.cells();
        write!(formatter, "{}", self.kind())?;
        for column in COLUMNS.iter().skip(1) {
            if let Some(cell) = cells.get(*column) {
                write!(formatter, " {}", assigned(column, cell))?;
            }
        }
        Ok(())
    }
}

/// `column=cell`, quoted where a shell would take it apart.
pub(super) fn assigned(column: &str, cell: &str) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || "-_./:,@%+".contains(letter);
    if cell.chars().all(plain) { format!("{column}={cell}") } else { format!("{column}={cell:?}") }
}

fn meaning(kind: RowKind, reader: &mut Reader<'_>) -> Option<Meaning> {
    match kind {
        RowKind::Sku => {
            let (item, sku) = (reader.item(true), reader.needed("warehouse"));
            let aliases = reader.list("aliases", str::parse::<Sku>);
            Some(Meaning::Sku { item: item?, sku: sku?, aliases })
        }
        RowKind::Kit => {
            let sku = reader.needed("warehouse");
            let components = reader.list("components", component);
            if components.is_empty() {
                reader.lacks("components", "name its parts: BOLT=2 | NUT=1");
            }
            Some(Meaning::Kit { sku: sku?, components })
        }
        RowKind::Unit => unit(reader),
        RowKind::Location => {
            let (place, facility) = (reader.needed("dynamics"), reader.needed("warehouse"));
            if reader.text("connection").is_none() {
                reader.lacks("connection", "name the warehouse that serves the location");
            }
            Some(Meaning::Location { place: place?, facility: facility? })
        }
        RowKind::Carrier => {
            let dynamics = (reader.needed("dynamics"), reader.optional("dynamics_service"));
            let warehouse = (reader.needed("warehouse"), reader.optional("warehouse_service"));
            Some(Meaning::Carrier { dynamics: (dynamics.0?, dynamics.1), warehouse: (warehouse.0?, warehouse.1) })
        }
        RowKind::AdjustmentReason | RowKind::Disposition | RowKind::RejectionReason => {
            let (warehouse, dynamics) = (reader.needed("warehouse"), reader.needed("dynamics"));
            Some(Meaning::Word { about: kind, warehouse: warehouse?, dynamics: dynamics? })
        }
        RowKind::ClosedUntil => {
            let day = reader.needed("dynamics");
            if reader.text("legal_entity").is_none() {
                reader.lacks("legal_entity", "name the company whose periods are closed");
            }
            if reader.text("connection").is_some() {
                reader.lacks("connection", "periods are a company's, whatever the warehouse: leave it empty");
            }
            Some(Meaning::ClosedUntil(day?))
        }
    }
}

/// A conversion, or, without Dynamics' unit, only the unit in which the warehouse counts.
fn unit(reader: &mut Reader<'_>) -> Option<Meaning> {
    let item = reader.item(false);
    let warehouse = reader.needed::<Unit>("warehouse");
    let dynamics = reader.optional::<Unit>("dynamics");
    let factor = reader.optional::<Fraction>("factor");
    let decimals = reader.optional::<u32>("decimals");
    if decimals.is_some_and(|decimals| decimals > super::fraction::DIGITS_MAX) {
        reader.lacks("decimals", "at most 28 digits after the point");
    }
    let Some(dynamics) = dynamics else {
        for column in ["factor", "decimals"] {
            if reader.text("dynamics").is_none() && reader.text(column).is_some() {
                reader
                    .lacks("dynamics", "name Dynamics' unit; without one, the row says only in which unit is counted");
            }
        }
        return Some(Meaning::CountedIn { item, unit: warehouse? });
    };
    if reader.text("factor").is_none() {
        reader.lacks("factor", "say how many of the warehouse's unit are one of Dynamics': 12, or 1/12");
    }
    let decimals = decimals.unwrap_or_default();
    Some(Meaning::Conversion { item, dynamics, warehouse: warehouse?, factor: factor?, decimals })
}

fn component(text: &str) -> Result<Component, String> {
    let wrong = || format!("{text:?} is no part like BOLT=2, with a quantity above zero");
    let (sku, quantity) = text.rsplit_once('=').ok_or_else(wrong)?;
    let sku = sku.trim().parse::<Sku>().map_err(|invalid| format!("{sku:?} {invalid}"))?;
    let quantity = quantity.trim().parse::<Decimal>().ok().filter(|quantity| *quantity > Decimal::ZERO);
    Ok(Component { sku, quantity: quantity.ok_or_else(wrong)? })
}
