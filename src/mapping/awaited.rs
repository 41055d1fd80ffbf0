//! WHAT IS WAITED FOR: the names of what nobody says yet, and which of them a newer version may have an answer to.
//!
//! A name is `mapping/KIND/WAREHOUSE/WORD`. The kind is a row's, or `item` for what only a scan of Dynamics tells. Whoever
//! is woken in vain waits again; whoever is not woken waits for a person. So a row that may be an answer counts as one.

use std::collections::{HashMap, HashSet};

use super::Mapping;
use super::kind::RowKind;
use super::row::{Meaning, Row};
use crate::message::{Connection, Sku};

/// What all of these names begin with.
pub const AWAITED: &str = "mapping/";

/// The kind of what only a scan of Dynamics tells.
const ITEM: &str = "item";

/// The name of a row that is missing at a warehouse. The word is the item, place, carrier or reason of which it speaks.
#[must_use]
pub fn awaited_row(kind: RowKind, warehouse: &Connection, word: &str) -> Box<str> {
    named(kind.as_str(), warehouse, word)
}

/// The name of an item of which Dynamics was not read yet.
#[must_use]
pub fn awaited_item(warehouse: &Connection, item: &str) -> Box<str> {
    named(ITEM, warehouse, item)
}

fn named(kind: &str, warehouse: &Connection, word: &str) -> Box<str> {
    format!("{AWAITED}{kind}/{warehouse}/{word}").into_boxed_str()
}

/// What a name speaks of, in words; of any other name, the name.
#[must_use]
pub fn in_words(name: &str) -> String {
    match parts(name) {
        Some((ITEM, warehouse, item)) => format!("the item {item} has been read in Dynamics for {warehouse} ({name})"),
        Some((kind, warehouse, word)) => {
            format!("the mapping says the {} of {word} at {warehouse} ({name})", kind.replace('_', " "))
        }
        None => format!("{name} is there"),
    }
}

/// The item of which a name speaks, where it speaks of one.
#[must_use]
pub fn awaited_word(name: &str) -> Option<&str> {
    let (kind, _, word) = parts(name)?;
    [ITEM, RowKind::Unit.as_str(), RowKind::Sku.as_str()].contains(&kind).then_some(word)
}

/// Kind, warehouse and word of a name.
fn parts(name: &str) -> Option<(&str, &str, &str)> {
    let mut parts = name.strip_prefix(AWAITED)?.splitn(3, '/');
    Some((parts.next()?, parts.next()?, parts.next()?))
}

/// What changed from one version to another.
pub struct News<'a> {
    rows: Vec<&'a Row>,
    /// Items of which Dynamics says something else; nothing when that may be any of them.
    items: Option<HashSet<&'a str>>,
}

impl Mapping {
    /// What is otherwise than in an earlier version: rows that came, went or say something else, as they were and as they
    /// are, and what Dynamics says.
    #[must_use]
    pub fn news_since<'a>(&'a self, before: &'a Self) -> News<'a> {
        let mut gone: HashMap<String, &Row> = before.rows().iter().map(|row| (row.identity(), row)).collect();
        let mut rows = Vec::new();
        for row in self.rows() {
            match gone.remove(&row.identity()) {
                Some(was) if was == row => {}
                was => rows.extend(was.into_iter().chain([row])),
            }
        }
        rows.extend(gone.into_values());
        let of = |mapping: &'a Self| &mapping.0.catalogues;
        let same_companies = of(self).len() == of(before).len();
        let items = of(self).iter().try_fold(HashSet::new(), |mut items, (of_company, catalogue)| {
            items.extend(catalogue.items_told_otherwise(of(before).get(of_company)?)?);
            Some(items)
        });
        News { rows, items: items.filter(|_| same_companies) }
    }
}

impl News<'_> {
    /// Whether it may be an answer to what waits for this name.
    #[must_use]
    pub fn may_answer(&self, name: &str) -> bool {
        let Some((kind, warehouse, word)) = parts(name) else { return false };
        // Dynamics' items tell units, too, and whether a SKU is an item.
        let told = [ITEM, RowKind::Unit.as_str(), RowKind::Sku.as_str()].contains(&kind);
        let otherwise = || self.items.as_ref().is_none_or(|items| items.contains(word));
        (told && otherwise()) || self.rows.iter().any(|row| speaks_of(row, kind, warehouse, word))
    }
}

fn speaks_of(row: &Row, kind: &str, warehouse: &str, word: &str) -> bool {
    let here = row.scope.connection.as_ref().is_none_or(|named| named.as_str() == warehouse);
    // Another item may be meant from now on.
    let about = row.kind().as_str() == kind || (kind == ITEM && row.kind() == RowKind::Sku);
    here && about && words(row).is_none_or(|words| words.iter().any(|each| same(each, word)))
}

fn same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

/// The words of which a row speaks; none when it may be about any.
fn words(row: &Row) -> Option<Vec<&str>> {
    match &row.meaning {
        Meaning::Sku { item, sku, aliases } => {
            let called = std::iter::once(sku).chain(aliases).map(Sku::as_str);
            Some(std::iter::once(item.number.as_str()).chain(called).collect())
        }
        Meaning::Conversion { item, .. } | Meaning::CountedIn { item, .. } => {
            item.as_ref().map(|item| vec![item.number.as_str()])
        }
        Meaning::Location { place, facility } => Some(vec![place.as_str(), facility]),
        Meaning::Carrier { dynamics, .. } => Some(vec![&dynamics.0]),
        // Said by the warehouse's own word, or by our name of it.
        Meaning::Kit { .. } | Meaning::Word { .. } | Meaning::ClosedUntil(_) => None,
    }
}
