//! What a warehouse's system does not take of an order, found before anything is sent. Nothing is cut to fit.

use crate::config::{FieldLimits, Limited, Limits};
use crate::failure::{Code, Failure};
use crate::gateways::{Direction, FulfilmentLine, FulfilmentOrder};
use crate::message::{Address, Connection, Serial};

/// A field by the name that the standard connector gives it, and what it says.
type Field = (String, Option<String>);

/// Sees that a warehouse takes an order as it is.
///
/// # Errors
/// The failure that names every field and its limit. What the fields say of people stands in none of its words.
pub(super) fn within(
    limits: &Limits,
    of: &str,
    order: &FulfilmentOrder,
    warehouse: &Connection,
) -> Result<(), Failure> {
    let (code, noun) = match order.direction {
        Direction::Outbound => (Code::OrderOutsideLimits, "order"),
        Direction::Inbound => (Code::InboundOutsideLimits, "inbound order"),
        Direction::Returned => (Code::InboundOutsideLimits, "return"),
    };
    let limited = limited(order.direction);
    let found = findings((limits.of(limited), limited), order);
    if found.is_empty() {
        return Ok(());
    }
    let sentence = format!(
        "{of} {noun} {} is not sent to {warehouse}: {}. Correct that in Dynamics and release it again, which resolves this by itself; \
         nothing is cut to fit.",
        order.reference,
        found.join("; ")
    );
    Err(Failure::new(code, sentence))
}

fn limited(direction: Direction) -> Limited {
    match direction {
        Direction::Outbound => Limited::Orders,
        Direction::Inbound => Limited::Receipts,
        Direction::Returned => Limited::Returns,
    }
}

/// What is not taken, each in a few words.
fn findings((limits, limited): (&FieldLimits, Limited), order: &FulfilmentOrder) -> Vec<String> {
    let mut found = Vec::new();
    let lines = order.lines.len();
    if limits.lines_max > 0 && lines > limits.lines_max {
        found.push(format!("it has {lines} lines, of which at most {} are taken", limits.lines_max));
    }
    let country = order.recipient.country.as_deref().filter(|country| !country.is_empty());
    let taken = |country: &str| limits.countries.iter().any(|each| each.eq_ignore_ascii_case(country));
    let strange = country.filter(|country| !limits.countries.is_empty() && !taken(country));
    if let (Some(country), Some(partner)) = (strange, limited.partner()) {
        found.push(format!("{partner}.country is {country}, and taken are {}", limits.countries.join(", ")));
    }
    for (name, said) in fields(order, limited) {
        found.extend(finding(limits, &name, said.as_deref().unwrap_or_default(), None));
    }
    for line in &order.lines {
        for (name, said) in line_fields(line) {
            found.extend(finding(limits, &name, said.as_deref().unwrap_or_default(), Some(&line.line_id)));
        }
    }
    found
}

/// What is wrong with one field.
fn finding(limits: &FieldLimits, name: &str, said: &str, line: Option<&str>) -> Option<String> {
    let place = line.map_or_else(|| name.to_owned(), |line| format!("{name} of line {line}"));
    if said.is_empty() {
        return limits.required.iter().any(|each| each == name).then(|| format!("{place} is missing"));
    }
    let (characters, most) = (said.chars().count(), limits.characters_max.get(name).copied());
    if let Some(most) = most.filter(|most| characters > *most) {
        return Some(format!("{place} has {characters} characters, of which at most {most} are taken"));
    }
    let letters = limits.letters.get(name).filter(|letters| !said.chars().all(|each| letters.has(each)))?;
    Some(format!("{place} has letters outside {}", letters.as_str()))
}

/// The fields above the lines.
fn fields(order: &FulfilmentOrder, limited: Limited) -> Vec<Field> {
    let instant = |at: Option<jiff::Timestamp>| at.map(|at| at.to_string());
    let (number, account) = (order.order_number.clone(), order.customer_account.clone());
    let (ship_by, deliver_by) = (instant(order.ship_by), instant(order.deliver_by));
    let carried = || {
        let (carrier, service) = (order.carrier.clone(), order.service.clone());
        vec![("deliveryMode", order.delivery_mode.clone()), ("carrier", carrier), ("service", service)]
    };
    let mut own = vec![("reference", Some(order.reference.to_string())), ("facility", Some(order.facility.clone()))];
    own.extend(match limited {
        Limited::Orders => vec![
            ("orderNumber", number),
            ("purchaseOrder", order.purchase_order.clone()),
            ("shipBy", ship_by),
            ("deliverBy", deliver_by),
        ],
        Limited::Receipts => vec![
            ("orderNumber", number),
            ("supplierAccount", account),
            ("expectedFrom", ship_by),
            ("expectedBy", deliver_by),
        ],
        Limited::Returns => vec![("rma", number), ("customerAccount", account), ("expectedBy", deliver_by)],
    });
    let partner = limited.partner();
    own.extend(partner.into_iter().flat_map(|_| carried()));
    let own = own.into_iter().map(|(name, said)| (name.to_owned(), said));
    own.chain(partner.into_iter().flat_map(|partner| address_fields(&order.recipient, partner))).collect()
}

fn address_fields(address: &Address, partner: &str) -> Vec<Field> {
    let parts = [
        ("name", &address.name),
        ("company", &address.company),
        ("line1", &address.line1),
        ("line2", &address.line2),
        ("line3", &address.line3),
        ("city", &address.city),
        ("region", &address.region),
        ("postalCode", &address.postal_code),
        ("country", &address.country),
        ("phone", &address.phone),
        ("email", &address.email),
    ];
    parts.into_iter().map(|(name, said)| (format!("{partner}.{name}"), said.clone())).collect()
}

fn line_fields(line: &FulfilmentLine) -> Vec<Field> {
    let parts = [
        ("lineId", Some(line.line_id.clone())),
        ("sku", Some(line.sku.to_string())),
        ("description", line.description.clone()),
        ("unit", Some(line.unit.to_string())),
        ("lot", line.lot.clone()),
        ("serial", line.serial.as_ref().map(Serial::to_string)),
    ];
    parts.into_iter().map(|(name, said)| (format!("lines.{name}"), said)).collect()
}
