//! Golden vectors: the rows of `docs/vectors.md`, which other producers read, are what the functions answer.
//!
//! The page was made with another implementation (Python's uuid and hashlib, xxhash), not with ours.

use std::collections::{BTreeMap, BTreeSet};

use drayline::message::{
    Connection, LegalEntity, OrderingKey, Reference, RequestId, emitted_id, message_id, message_id_of_bytes, record_id,
};
use proptest::prelude::*;

/// The tables of the page, by the name of their first column: the cells of each row, without their quotes.
fn tables() -> BTreeMap<String, Vec<Vec<String>>> {
    let page = std::fs::read_to_string("docs/vectors.md").unwrap();
    let mut tables: BTreeMap<String, Vec<Vec<String>>> = BTreeMap::new();
    let mut current = None;
    for line in page.lines() {
        let Some(row) = line.strip_prefix("| ").and_then(|line| line.strip_suffix(" |")) else {
            current = current.filter(|_| line.starts_with("|-"));
            continue;
        };
        match &current {
            None => current = Some(row.to_owned()),
            Some(table) => {
                let cells = row.split(" | ").map(|cell| cell.trim_matches('`').to_owned()).collect();
                tables.entry(table.clone()).or_default().push(cells);
            }
        }
    }
    tables
}

fn rows(header: &str, rows_min: usize) -> Vec<Vec<String>> {
    let rows = tables().remove(header).unwrap_or_else(|| panic!("there is no table {header:?}"));
    assert!(rows.len() >= rows_min, "the table {header:?} has {} rows", rows.len());
    rows
}

fn connection(name: &str) -> Connection {
    name.parse().unwrap()
}

#[test]
fn message_ids_are_those_of_the_page() {
    for row in rows("connection | event type | event id | message id", 6) {
        let [name, event_type, event_id, id] = &row[..] else { panic!("{row:?}") };
        assert_eq!(message_id(&connection(name), event_type, event_id).to_string(), *id, "{row:?}");
    }
}

#[test]
fn ids_of_bytes_are_those_of_the_page() {
    for row in rows("connection | event type | body | window | message id", 4) {
        let [name, event_type, body, window, id] = &row[..] else { panic!("{row:?}") };
        let made = message_id_of_bytes(&connection(name), event_type, body.as_bytes(), window.parse().unwrap());
        assert_eq!(made.to_string(), *id, "{row:?}");
    }
}

#[test]
fn ids_of_emitted_messages_are_those_of_the_page() {
    for row in rows("source message | revision | purpose | ordinal | message id", 5) {
        let [source, revision, purpose, ordinal, id] = &row[..] else { panic!("{row:?}") };
        let made = emitted_id(source.parse().unwrap(), revision.parse().unwrap(), purpose, ordinal.parse().unwrap());
        assert_eq!(made.to_string(), *id, "{row:?}");
    }
}

#[test]
fn record_ids_are_those_of_the_page() {
    for row in rows("facts | record id", 4) {
        let [facts, id] = &row[..] else { panic!("{row:?}") };
        let facts: Vec<&str> = facts.split("` · `").collect();
        assert_eq!(record_id(&facts), *id, "{row:?}");
        assert_eq!(id.len(), 20, "Dynamics takes 20 characters");
    }
}

#[test]
fn partitions_are_those_of_the_page() {
    for row in rows("ordering key | xxh3_64 | of 1 | of 4 | of 12 | of 64", 8) {
        let key: OrderingKey = row[0].parse().unwrap();
        let partitions = [1, 4, 12, 64].map(|count| key.partition(count).to_string());
        assert_eq!(partitions[..], row[2..], "{row:?}");
    }
}

#[test]
fn references_are_those_of_the_page() {
    for row in rows("legal entity | document | first part, first revision | second part, third revision", 9) {
        let [entity, document, first, later] = &row[..] else { panic!("{row:?}") };
        let reference = Reference::of(&entity.parse::<LegalEntity>().unwrap(), &document.parse::<RequestId>().unwrap());
        assert_eq!(reference.to_string(), *first);
        assert_eq!(reference.with_part(2).with_revision(3).to_string(), *later);
    }
}

#[test]
fn keys_are_spelled_as_on_the_page() {
    let contoso = connection("contoso");
    assert_eq!(OrderingKey::order(&contoso, "usmf-SHP0012").as_str(), "order/contoso/usmf-SHP0012");
    assert_eq!(OrderingKey::inbound_order(&contoso, "usmf-PO-1").as_str(), "inbound/contoso/usmf-PO-1");
    assert_eq!(OrderingKey::rma(&contoso, "RMA000077").as_str(), "rma/contoso/RMA000077");
    assert_eq!(OrderingKey::stock(&connection("north"), "A-1").as_str(), "stock/north/A-1");
    assert_eq!(OrderingKey::alone(&connection("north"), "evt_1").as_str(), "alone/north/evt_1");
}

#[test]
fn a_part_never_runs_into_the_next() {
    let north = connection("north");
    assert_ne!(message_id(&north, "ab", "c"), message_id(&north, "a", "bc"));
    assert_ne!(record_id(&["ab", "c"]), record_id(&["a", "bc"]));
    assert_ne!(record_id(&["a", ""]), record_id(&["a"]));
}

#[test]
fn partitions_are_in_range_and_all_of_them_are_used() {
    proptest!(|(key in "[ -~]{1,60}[!-~]", count in 1_u16..2000)| {
        prop_assert!(key.parse::<OrderingKey>().unwrap().partition(count) < count);
    });
    let contoso = connection("contoso");
    let used: BTreeSet<u16> =
        (0..1000).map(|number| OrderingKey::order(&contoso, &format!("usmf-SHP{number:04}")).partition(64)).collect();
    assert_eq!(used.len(), 64);
}

#[test]
fn what_cannot_name_a_document_is_refused() {
    for nonsense in ["", "   ", "order/a\nb", &"x".repeat(501)] {
        assert!(nonsense.parse::<OrderingKey>().is_err(), "{nonsense:?}");
    }
}
