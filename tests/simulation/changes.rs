//! Orders that are changed after their release, there and back again, where the warehouse takes changes itself. And their law: what
//! ships is what Dynamics wants, or somebody is told; and the warehouse makes no change twice.

use std::collections::{BTreeMap, BTreeSet};

use drayline::sandbox::FarEnd;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::far_ends::{FarEnds, Which, document_in};
use super::stock::{number, rows, text};

/// What the warehouse changes itself, as it is configured.
pub fn lines() -> String {
    "warehouses.north.changes.fields = [\"recipient\", \"lines.quantity\"]\n".to_owned()
}

/// Where the customer may want it sent to.
const STREETS: [&str; 3] = ["Side Street 9", "High Street 1", "Mill Lane 4"];

/// Where each changed order is to be sent to, as Dynamics was told last.
pub type Streets = BTreeMap<String, &'static str>;

/// Somebody in Dynamics changes an order: its street, the quantity of its first line, or both.
pub fn change(far_ends: &FarEnds, streets: &mut Streets, order: &str, draw: u64) {
    let mut chance = fastrand::Rng::with_seed(draw);
    let (street, quantity) = (STREETS[chance.usize(..STREETS.len())], chance.u64(1..=9));
    let (moves, counts) = [(true, false), (false, true), (true, true)][chance.usize(..3)];
    let fields = if moves { json!({ "ReceiverStreet": street, "ReceiverStreetNumber": "" }) } else { json!({}) };
    let lines = if counts { json!([{ "line": 1, "quantity": quantity.to_string() }]) } else { json!([]) };
    let path = format!("/sandbox/orders/{order}/change");
    let told = far_ends.ask(Which::Dynamics, &path, &json!({ "fields": fields, "lines": lines }));
    if moves && told["error"].is_null() {
        streets.insert(order.to_owned(), street);
    }
}

/// Orders that left otherwise than Dynamics wants them, of which nobody is told; and changes that were made twice.
pub fn unlawful((dynamics, warehouse): (&FarEnd, &FarEnd), streets: &Streets, left: &BTreeSet<String>) -> Vec<String> {
    let mut broken = Vec::new();
    for order in rows(&dynamics.state, "orders") {
        let id = text(order, "id");
        let of_it = |row: &&Value| document_in(text(row, "reference")).as_deref() == Some(id);
        let held: Vec<_> = rows(&warehouse.state, "orders").filter(of_it).collect();
        let made: u64 = held.iter().filter_map(|row| row["change"].as_u64()).sum();
        let wanted = order["version"].as_u64().unwrap_or_default().saturating_sub(1);
        if made > wanted {
            broken.push(format!("{id}: was changed {made} times at the warehouse, and {wanted} times in Dynamics"));
        }
        let live: Vec<_> = held.into_iter().filter(|row| row["live"] == true).collect();
        let shipped = live.iter().all(|row| row["status"] == "SHIPPED");
        if live.is_empty() || !shipped || order["cancelled"] == true || left.contains(id) {
            continue;
        }
        for line in rows(order, "lines") {
            let ordered = number(line, "ordered");
            let of_line = live.iter().flat_map(|row| rows(row, "lines")).filter(|each| each["line"] == line["line"]);
            let shipped: Decimal = of_line.map(|each| number(each, "shipped")).sum();
            if shipped != ordered {
                let name = text(line, "line");
                broken.push(format!("{id}: line {name}: {shipped} left, Dynamics wants {ordered}, and nobody is told"));
            }
        }
        for street in
            streets.get(id).into_iter().filter(|street| live.iter().any(|row| row["recipient"]["line1"] != **street))
        {
            broken.push(format!("{id}: did not go to {street}, and nobody is told"));
        }
    }
    broken
}

/// How many changes the warehouse made of orders that it had.
pub fn made(warehouse: &FarEnd) -> u64 {
    rows(&warehouse.state, "orders").filter_map(|row| row["change"].as_u64()).sum()
}
