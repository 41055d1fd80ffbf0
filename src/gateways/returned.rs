//! Return orders, in our words: what is wished, what was made, what was credited.

use rust_decimal::Decimal;

use crate::message::{LegalEntity, PlaceCode, Serial, Unit};

/// What of a line was credited by one note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreditedLine {
    /// The note's number.
    pub note: String,
    /// The line.
    pub line_id: String,
    /// How much of it, in the line's unit; below zero where a credit is taken back.
    pub quantity: Decimal,
}

/// Goods that a customer wants to send back.
#[derive(Clone, Debug, PartialEq)]
pub struct ReturnWish {
    /// The company.
    pub legal_entity: LegalEntity,
    /// Ours, unique: by it the return order is found again.
    pub reference: String,
    /// The customer's account.
    pub customer_account: String,
    /// Dynamics' warehouse where the goods are expected.
    pub warehouse: PlaceCode,
    /// Dynamics' code of why.
    pub reason: Option<String>,
    /// What comes back; its place in the list, from 1, is the line's number.
    pub lines: Vec<WishedLine>,
    /// The return order that was found under our key, whole or not. Where there is none, one is made at once.
    pub held: Option<MadeReturn>,
}

/// A line of goods that a customer wants to send back.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "as in the released line")]
pub struct WishedLine {
    pub item_number: String,
    pub quantity: Decimal,
    pub unit: Unit,
    pub serial: Option<Serial>,
    /// What shall become of it, as Dynamics codes it.
    pub disposition: Option<String>,
}

/// A return order as Dynamics made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MadeReturn {
    /// Its number.
    pub number: String,
    /// The RMA; not the same as the number.
    pub rma: String,
    /// Lines that are there.
    pub lines: usize,
}
