//! What is on hand per item, lot and status: one book for both far ends, so that they can be compared row by row.
//!
//! It holds what has moved since the beginning. What was there at first is the same everywhere: so much of every item and
//! lot that is available, and nothing of what is not.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// The status of stock that can be sold.
pub(super) const AVAILABLE: &str = "available";

/// What is said of goods that are put to no stock: they are thrown away, sent on, or given back.
pub(super) const IN_NO_STOCK: &str = "in no stock";

/// Where stock lies: of one item and lot, in one status.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Shelf {
    pub(super) sku: String,
    /// Empty where the item is not held in lots.
    pub(super) lot: String,
    /// In small letters and digits: `ON_HOLD` and `On hold` are one status.
    pub(super) status: String,
}

/// A row of the book, as people and verdicts read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct OnHand {
    #[serde(flatten)]
    pub(super) shelf: Shelf,
    pub(super) quantity: Decimal,
}

/// What has moved, by shelf.
#[derive(Clone, Debug, Default)]
pub(super) struct StockBook(BTreeMap<Shelf, Decimal>);

impl Shelf {
    /// A shelf; no status means available.
    pub(super) fn new(sku: &str, lot: &str, status: &str) -> Self {
        let letters = status.chars().filter(char::is_ascii_alphanumeric);
        let status: String = letters.map(|letter| letter.to_ascii_lowercase()).collect();
        let status = if status.is_empty() { AVAILABLE.to_owned() } else { status };
        Self { sku: sku.to_owned(), lot: lot.to_owned(), status }
    }

    /// What lies on it at first.
    pub(super) fn at_first(&self, of_each: Decimal) -> Decimal {
        if self.status == AVAILABLE { of_each } else { Decimal::ZERO }
    }
}

impl StockBook {
    /// Adds to a shelf, or takes from it.
    pub(super) fn move_by(&mut self, shelf: Shelf, quantity: Decimal) {
        *self.0.entry(shelf).or_default() += quantity;
    }

    /// What lies on a shelf now.
    pub(super) fn on_hand(&self, shelf: &Shelf, at_first: Decimal) -> Decimal {
        shelf.at_first(at_first) + self.0.get(shelf).copied().unwrap_or_default()
    }

    /// What has moved of every item, over its lots and statuses.
    pub(super) fn moved(&self) -> BTreeMap<&str, Decimal> {
        self.0.iter().fold(BTreeMap::new(), |mut all, (shelf, moved)| {
            *all.entry(shelf.sku.as_str()).or_default() += *moved;
            all
        })
    }

    /// Every shelf on which something has moved.
    pub(super) fn rows(&self, at_first: Decimal) -> Vec<OnHand> {
        let row = |(shelf, moved): (&Shelf, &Decimal)| OnHand {
            shelf: shelf.clone(),
            quantity: (shelf.at_first(at_first) + *moved).normalize(),
        };
        self.0.iter().map(row).collect()
    }
}
