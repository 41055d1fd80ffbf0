//! The law of stock where something is left to a person: both far ends hold the same, but for what the documents that a person has,
//! or decided about, still lack, counted piece by piece from the far ends' own books.

use std::collections::{BTreeMap, BTreeSet};

use drayline::sandbox::FarEnd;
use rust_decimal::Decimal;
use serde_json::Value;

use super::far_ends::{TOLD_BY_HAND, document_in};

/// Item, lot, status.
type Shelf = (String, String, String);

/// What a book lacks, or has too much, by shelf.
type Book = BTreeMap<Shelf, Decimal>;

/// Every shelf of which the far ends say something else, and no document that is left to a person explains it.
pub fn unexplained(dynamics: &FarEnd, warehouse: &FarEnd, left: &BTreeSet<String>) -> Vec<String> {
    let mut lacks = Book::new();
    for (state, sign) in [(&warehouse.state, Decimal::ONE), (&dynamics.state, Decimal::NEGATIVE_ONE)] {
        for row in rows(state, "on_hand") {
            let shelf = shelf(text(row, "sku"), text(row, "lot"), text(row, "status"));
            let at_first = if shelf.2 == AVAILABLE { Decimal::from(1_000_000) } else { Decimal::ZERO };
            *lacks.entry(shelf).or_default() += sign * (number(row, "quantity") - at_first);
        }
    }
    for document in left {
        let items = items(dynamics, document);
        moved(warehouse, document, |shelf, quantity| *lacks.entry(shelf).or_default() -= quantity);
        posted(dynamics, document, &items, |shelf, quantity| *lacks.entry(shelf).or_default() += quantity);
    }
    let told = |(sku, _, status): &Shelf| sku != TOLD_BY_HAND && status != IN_NO_STOCK;
    let unexplained = lacks.into_iter().filter(|(shelf, lack)| told(shelf) && !lack.is_zero());
    unexplained.map(|(shelf, lack)| format!("{shelf:?}: Dynamics lacks {lack}, and nobody is asked")).collect()
}

const AVAILABLE: &str = "available";

/// What comes back and is thrown away, sent on or given back.
const IN_NO_STOCK: &str = "innostock";

/// What came and went in the warehouse by a document.
fn moved(warehouse: &FarEnd, document: &str, mut add: impl FnMut(Shelf, Decimal)) {
    // A parcel without an RMA has no reference of ours.
    let own = |row: &&Value| {
        let named = document_in(text(row, "reference")).unwrap_or_else(|| text(row, "id").to_owned());
        named == document
    };
    let came = ["receipts", "returns"].into_iter().flat_map(|name| rows(&warehouse.state, name));
    for count in came.filter(own).flat_map(|row| rows(row, "received")) {
        add(shelf(text(count, "sku"), text(count, "lot"), text(count, "status")), number(count, "quantity"));
    }
    let packages = rows(&warehouse.state, "shipments").filter(own).flat_map(|row| rows(row, "packages"));
    for content in packages.flat_map(|package| rows(package, "contents")) {
        add(shelf(text(content, "sku"), text(content, "lot"), ""), -number(content, "quantity"));
    }
}

/// What of a document Dynamics posted. What of a line is in no lot, and in no condition, is sound and in none.
fn posted(dynamics: &FarEnd, document: &str, items: &BTreeMap<String, String>, mut add: impl FnMut(Shelf, Decimal)) {
    for (name, sign) in [("receipts", Decimal::ONE), ("returned", Decimal::ONE), ("postings", Decimal::NEGATIVE_ONE)] {
        let own = |row: &&Value| row["order"] == document && row["state"] == "Accepted";
        for posting in rows(&dynamics.state, name).filter(own) {
            let item = |row: &Value| items.get(text(row, "line")).map_or("", String::as_str).to_owned();
            for line in rows(posting, "lines") {
                add(shelf(&item(line), "", ""), sign * number(line, "shipped"));
            }
            for piece in rows(posting, "dimensions") {
                let status = if name == "postings" { "" } else { text(piece, "status") };
                let quantity = sign * number(piece, "quantity");
                add(shelf(&item(piece), "", ""), -quantity);
                add(shelf(&item(piece), text(piece, "lot"), status), quantity);
            }
        }
    }
}

/// The items of a document's lines.
fn items(dynamics: &FarEnd, document: &str) -> BTreeMap<String, String> {
    let all = ["expected", "returns", "orders"].into_iter().flat_map(|name| rows(&dynamics.state, name));
    let lines = all.filter(|row| row["id"] == document).flat_map(|row| rows(row, "lines"));
    lines.map(|line| (text(line, "line").to_owned(), text(line, "item").to_owned())).collect()
}

fn shelf(sku: &str, lot: &str, status: &str) -> Shelf {
    let status: String = status.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    let status = if status.is_empty() { AVAILABLE.to_owned() } else { status };
    (sku.to_owned(), lot.to_owned(), status)
}

pub fn rows<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    value[name].as_array().into_iter().flatten()
}

pub fn text<'a>(row: &'a Value, name: &str) -> &'a str {
    row[name].as_str().unwrap_or_default()
}

pub fn number(row: &Value, name: &str) -> Decimal {
    text(row, name).parse().unwrap_or_else(|_| panic!("{name} of {row} is no number"))
}
