//! What nobody took and the carrier brings back: parcels without an RMA, of shipments that left. And their law: each is taken in
//! once, of no order more than left, and credited by whom the configuration says.

use std::collections::{BTreeMap, BTreeSet};

use drayline::sandbox::FarEnd;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use serde_json::{Value, json};

use super::far_ends::{FarEnds, Which, document_in};
use super::stock::{number, rows, text};

/// Who credits what nobody took, as the configuration says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreditedBy {
    Person,
    Never,
    Dynamics,
}

impl CreditedBy {
    pub const ALL: [Self; 3] = [Self::Person, Self::Never, Self::Dynamics];

    /// The line of the configuration.
    pub fn line(self) -> String {
        let name = format!("{self:?}").to_lowercase();
        format!("dynamics.contoso.returns.undeliverable_credit = \"{name}\"\n")
    }
}

/// The question who credits a parcel. It holds nothing up, and nothing else is left to a person by it.
pub const ASKED: &str = "return.uncredited";

/// A parcel that came back.
#[derive(Clone, Debug)]
pub struct Parcel {
    /// The warehouse's key of it.
    id: String,
    /// The order that it left by.
    order: String,
    tracking_number: String,
    goods: Vec<Goods>,
}

#[derive(Clone, Debug)]
struct Goods {
    line: String,
    sku: String,
    unit: String,
    lot: String,
    serial: String,
    quantity: Decimal,
}

/// Dispositions of what comes back, and how it came.
const DISPOSITIONS: [(&str, &str); 5] = [
    ("RESTOCK", "NEW"),
    ("RESTOCK", "OPENED"),
    ("QUARANTINE", "DAMAGED_BY_CARRIER"),
    ("REFURBISH", "OPENED"),
    ("SCRAP", "DAMAGED_BY_CARRIER"),
];

/// A package of an order comes back, or a part of one, as this number draws it; or what is back is decided anew.
pub fn comes_back(far_ends: &FarEnds, parcels: &mut Vec<Parcel>, order: &str, draw: u64) {
    let mut chance = fastrand::Rng::with_seed(draw);
    // Single pieces are not decided anew: Dynamics may take up the new one first.
    let anew = |parcel: &&Parcel| parcel.order == order && parcel.goods.iter().all(|goods| goods.serial.is_empty());
    let again = parcels.iter().rfind(anew).filter(|_| chance.bool()).cloned();
    let warehouse = far_ends.warehouse.far_end();
    let Some(parcel) = again.or_else(|| found(&warehouse, parcels, order, &mut chance)) else { return };
    let lines: Vec<_> = parcel.goods.iter().flat_map(|goods| decided(goods, &mut chance)).collect();
    let kind = ["UNDELIVERABLE", "REFUSED"][chance.usize(..2)];
    let body = json!({ "kind": kind, "tracking_numbers": [parcel.tracking_number], "lines": lines, "is_final": chance.bool() });
    if parcel.id.is_empty() {
        let made = far_ends.ask(Which::Warehouse, "/sandbox/returns", &body);
        parcels.push(Parcel { id: text(&made, "id").to_owned(), ..parcel });
    } else {
        far_ends.ask(Which::Warehouse, &format!("/sandbox/returns/{}", parcel.id), &body);
    }
}

/// What is still away of a package that left, some of it or all; at times what is back already, or a piece more than left.
fn found(warehouse: &FarEnd, parcels: &[Parcel], order: &str, chance: &mut fastrand::Rng) -> Option<Parcel> {
    let of_it = |row: &&Value| document_in(text(row, "reference")).as_deref() == Some(order);
    let shipments = rows(&warehouse.state, "shipments").filter(of_it);
    let packages = shipments.flat_map(|shipment| rows(shipment, "packages").map(move |package| (shipment, package)));
    let packages: Vec<_> = packages.filter(|(_, package)| package["tracking_number"].is_string()).collect();
    let (shipment, package) = *packages.get(chance.usize(..packages.len().max(1)))?;
    let unit = |line: &str| {
        let sent = rows(&warehouse.state, "orders").find(|row| row["id"] == shipment["order_id"])?;
        rows(sent, "lines").find(|each| text(each, "line") == line).map(|each| text(each, "unit").to_owned())
    };
    let mut goods = Vec::new();
    let too_much = chance.u8(..8) == 0;
    let before = || parcels.iter().filter(|parcel| parcel.tracking_number == text(package, "tracking_number"));
    for content in rows(package, "contents") {
        let same = |back: &&Goods| {
            back.line == text(content, "line")
                && back.lot == text(content, "lot")
                && back.serial == text(content, "serial")
        };
        let back = before().flat_map(|parcel| &parcel.goods).filter(same).map(|back| back.quantity).sum();
        let away = number(content, "quantity") - if too_much { Decimal::ZERO } else { back };
        let pieces = u64::try_from(away).unwrap_or_default();
        let part = if away.fract().is_zero() && pieces > 1 && chance.bool() {
            Decimal::from(chance.u64(1..pieces))
        } else {
            away
        };
        let piece = |quantity| Goods {
            line: text(content, "line").to_owned(),
            sku: text(content, "sku").to_owned(),
            unit: unit(text(content, "line")).unwrap_or_default(),
            lot: text(content, "lot").to_owned(),
            serial: text(content, "serial").to_owned(),
            quantity,
        };
        if away > Decimal::ZERO {
            goods.push(piece(part));
        }
    }
    if goods.len() > 1 && chance.bool() {
        goods.truncate(1);
    }
    let first = goods.first_mut()?;
    if first.serial.is_empty() && too_much && before().next().is_none() {
        first.quantity += Decimal::ONE;
    }
    let tracking_number = text(package, "tracking_number").to_owned();
    Some(Parcel { id: String::new(), order: order.to_owned(), tracking_number, goods })
}

/// What becomes of goods: one thing or two, and some of it nothing yet.
fn decided(goods: &Goods, chance: &mut fastrand::Rng) -> Vec<Value> {
    let pieces = u64::try_from(goods.quantity).unwrap_or_default();
    let splits = goods.quantity.fract().is_zero() && pieces > 1 && chance.bool();
    let first = if splits { Decimal::from(chance.u64(1..pieces)) } else { goods.quantity };
    let mut of_it = |quantity: Decimal| {
        let (disposition, condition) =
            if chance.u8(..8) == 0 { ("PENDING", "NEW") } else { DISPOSITIONS[chance.usize(..DISPOSITIONS.len())] };
        json!({ "line": goods.line, "sku": goods.sku, "unit": goods.unit, "lot": goods.lot, "serial": goods.serial,
            "quantity": quantity.normalize().to_string(), "disposition": disposition, "condition": condition })
    };
    let mut all = vec![of_it(first)];
    if splits {
        all.push(of_it(goods.quantity - first));
    }
    all
}

/// Somebody in finance credits what he is asked for.
pub fn credit(far_ends: &FarEnds, asked: &BTreeSet<String>) {
    let state = far_ends.dynamics.far_end().state;
    for row in rows(&state, "returns").filter(|row| asked.contains(text(row, "id"))) {
        let line = |line: &Value| json!({ "line": text_of(&line[0]).to_i64(), "quantity": line[1] });
        let lines: Vec<_> = rows(row, "without_credit").map(line).collect();
        let path = format!("/sandbox/returns/{}/refund", text(row, "id"));
        far_ends.ask(Which::Dynamics, &path, &json!({ "lines": lines }));
    }
}

/// Documents that are left to a person, with the parcels, and with the return orders of parcels, of which something is left.
pub fn with_theirs(
    mut left: BTreeSet<String>,
    in_returns: &BTreeSet<String>,
    parcels: &[Parcel],
    dynamics: &FarEnd,
) -> BTreeSet<String> {
    for parcel in parcels {
        let made = posted_to(dynamics, parcel);
        if left.contains(&parcel.id) || in_returns.contains(&parcel.order) || made.iter().any(|id| left.contains(id)) {
            left.insert(parcel.id.clone());
            left.extend(made);
        }
    }
    left
}

/// The return orders to which a parcel was posted.
fn posted_to(dynamics: &FarEnd, parcel: &Parcel) -> BTreeSet<String> {
    let own = |row: &&Value| text(row, "packing_slip").starts_with(&parcel.id);
    rows(&dynamics.state, "returned").filter(own).map(|row| text(row, "order").to_owned()).collect()
}

/// What was done of parcels that must not be, or not done, but for those that are left to a person.
pub struct Law<'a> {
    pub dynamics: &'a FarEnd,
    pub warehouse: &'a FarEnd,
    pub by: CreditedBy,
    /// Documents that are left to a person.
    pub left: &'a BTreeSet<String>,
    /// Return orders of which a person is asked who credits them, or decided that.
    pub asked: &'a BTreeSet<String>,
}

impl Law<'_> {
    pub fn judge(&self, parcels: &[Parcel]) -> Vec<String> {
        let mut broken = Vec::new();
        for parcel in parcels.iter().filter(|parcel| !self.left.contains(&parcel.id)) {
            let made = posted_to(self.dynamics, parcel);
            let decided = self.came(parcel).any(|count| number(count, "quantity") > Decimal::ZERO);
            if decided && made.len() != 1 {
                broken.push(format!("the parcel {} is posted to {made:?}", parcel.id));
            }
            broken.extend(made.iter().filter_map(|id| self.money(id)));
        }
        broken.extend(self.beyond(parcels));
        broken
    }

    fn came(&self, parcel: &Parcel) -> impl Iterator<Item = &Value> {
        let own = rows(&self.warehouse.state, "returns").filter(|row| row["id"] == parcel.id.as_str());
        own.flat_map(|row| rows(row, "received"))
    }

    /// Credited by whom the configuration says, and by nobody else.
    fn money(&self, id: &str) -> Option<String> {
        let notes = || rows(&self.dynamics.state, "credit_notes").filter(|note| note["order"] == id);
        let sum = |refund: bool| -> Decimal {
            let lines = notes().filter(|note| note["refund"] == refund).flat_map(|note| rows(note, "lines"));
            lines.map(|line| number(line, "quantity")).sum()
        };
        let (itself, given) = (sum(false), sum(true));
        let returned = rows(&self.dynamics.state, "returns").find(|row| row["id"] == id)?;
        let forgone = rows(returned, "without_credit");
        let forgone: Decimal = forgone.map(|line| text_of(&line[1])).sum();
        let decides = self.by != CreditedBy::Dynamics;
        if decides && !itself.is_zero() {
            return Some(format!("{id}: {itself} are credited by themselves, and nobody took them"));
        }
        let open = forgone > given;
        match self.by {
            CreditedBy::Dynamics if open => Some(format!("{id}: {forgone} are kept, and Dynamics credits {given}")),
            CreditedBy::Person if open && !self.asked.contains(id) => {
                Some(format!("{id}: {forgone} are kept, {given} are credited, and nobody is asked"))
            }
            CreditedBy::Dynamics | CreditedBy::Never if self.asked.contains(id) => {
                Some(format!("{id}: a person is asked who credits it, and nobody is to be"))
            }
            _ => None,
        }
    }

    /// Of no item more is taken in again than left with its order.
    fn beyond(&self, parcels: &[Parcel]) -> Vec<String> {
        let mut back: BTreeMap<(&str, &str), Decimal> = BTreeMap::new();
        for parcel in parcels.iter().filter(|parcel| !posted_to(self.dynamics, parcel).is_empty()) {
            for count in self.came(parcel) {
                *back.entry((&parcel.order, text(count, "sku"))).or_default() += number(count, "quantity");
            }
        }
        let away = |order: &str, sku: &str| -> Decimal {
            let of_it = |row: &&Value| document_in(text(row, "reference")).as_deref() == Some(order);
            let packages = rows(&self.warehouse.state, "shipments").filter(of_it).flat_map(|row| rows(row, "packages"));
            let contents = packages.flat_map(|package| rows(package, "contents"));
            contents.filter(|content| content["sku"] == sku).map(|content| number(content, "quantity")).sum()
        };
        let beyond = back.into_iter().map(|((order, sku), quantity)| (order, sku, quantity, away(order, sku)));
        let beyond = beyond.filter(|(_, _, quantity, away)| quantity > away);
        beyond
            .map(|(order, sku, quantity, away)| format!("{order}: {quantity} of {sku} are taken in again, {away} left"))
            .collect()
    }
}

fn text_of(value: &Value) -> Decimal {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_default()
}

/// How many parcels were taken in.
pub fn taken_in(dynamics: &FarEnd, parcels: &[Parcel]) -> u64 {
    parcels.iter().filter(|parcel| !posted_to(dynamics, parcel).is_empty()).count() as u64
}
