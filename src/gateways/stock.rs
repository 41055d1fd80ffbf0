//! Changes of stock that gateways post, in our words.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::message::{Connection, LegalEntity, PlaceCode, Serial, Unit};

/// A change of stock, to be posted: one fact, of which all rows happen or none.
#[derive(Clone, Debug, PartialEq)]
pub struct StockAdjustment {
    /// The company.
    pub legal_entity: LegalEntity,
    /// Who reports it.
    pub warehouse: Connection,
    /// Dynamics' warehouse.
    pub place: PlaceCode,
    /// What its reason is posted to; nothing: Dynamics' own default.
    pub posted_to: Option<String>,
    /// What goes where.
    pub rows: Vec<AdjustmentRow>,
}

/// A journal in Dynamics that holds an adjustment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockJournal {
    /// The company.
    pub legal_entity: LegalEntity,
    /// Its number.
    pub number: String,
}

/// What became of a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JournalState {
    /// It is not there.
    Missing,
    /// Nobody posted it yet.
    Open,
    /// Its stock has moved.
    Posted,
}

/// A quantity that comes to, or leaves, one place in one condition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdjustmentRow {
    /// Ours, made of business facts.
    pub row_id: String,
    /// Dynamics' item number.
    pub item_number: String,
    /// Its product dimensions, joined as the mapping has them.
    pub variant: Option<String>,
    /// Signed.
    pub quantity: Decimal,
    /// In which unit; nothing: the item's own.
    pub unit: Option<Unit>,
    /// The lot.
    pub lot: Option<String>,
    /// The piece.
    pub serial: Option<Serial>,
    /// Dynamics' inventory status.
    pub status: Option<String>,
    /// Whose it is.
    pub owner: Option<String>,
}
