//! What a warehouse's system does not take of an order, found before anything is sent. Nothing is cut to fit.

use crate::config::{FieldLimits, Limits};
use crate::failure::{Code, Failure};
use crate::gateways::{Direction, FulfilmentLine, FulfilmentOrder};
use crate::message::{Address, Connection, Serial};

/// A field by the name that the standard connector gives it, and what it says.
type Field = (String, Option<String>);

/// Sees that a warehouse takes an order as it is.
///
/// # Errors
/// The failure that names every field and its limit. What the fields say of people stands in none of its words.
pub(super) fn within(limits: &Limits, order: &FulfilmentOrder, warehouse: &Connection) -> Result<(), Failure> {
    let (limits, code, noun) = match order.direction {
        Direction::Outbound => (&limits.orders, Code::OrderOutsideLimits, "order"),
        Direction::Inbound => (&limits.receipts, Code::InboundOutsideLimits, "inbound order"),
        // Of announced returns nothing can be configured: they name an RMA and lines.
        Direction::Returned => return Ok(()),
    };
    let found = findings(limits, order);
    if found.is_empty() {
        return Ok(());
    }
    let sentence = format!(
        "The {noun} {} is not sent to {warehouse}: {}. Correct that in Dynamics and release it again, which resolves this by itself; \
         nothing is cut to fit.",
        order.reference,
        found.join("; ")
    );
    Err(Failure::new(code, sentence))
}

/// What is not taken, each in a few words.
fn findings(limits: &FieldLimits, order: &FulfilmentOrder) -> Vec<String> {
    let mut found = Vec::new();
    let lines = order.lines.len();
    if limits.lines_max > 0 && lines > limits.lines_max {
        found.push(format!("it has {lines} lines, of which at most {} are taken", limits.lines_max));
    }
    let partner = partner(order.direction);
    let country = order.recipient.country.as_deref().filter(|country| !country.is_empty());
    let taken = |country: &str| limits.countries.iter().any(|each| each.eq_ignore_ascii_case(country));
    if let Some(country) = country.filter(|country| !limits.countries.is_empty() && !taken(country)) {
        found.push(format!("{partner}.country is {country}, and taken are {}", limits.countries.join(", ")));
    }
    for (name, said) in fields(order) {
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

fn partner(direction: Direction) -> &'static str {
    match direction {
        Direction::Outbound => "recipient",
        Direction::Inbound | Direction::Returned => "sender",
    }
}

/// The fields above the lines.
fn fields(order: &FulfilmentOrder) -> Vec<Field> {
    let instant = |at: Option<jiff::Timestamp>| at.map(|at| at.to_string());
    let inbound = order.direction == Direction::Inbound;
    let (from, by) = if inbound { ("expectedFrom", "expectedBy") } else { ("shipBy", "deliverBy") };
    let mut fields = vec![
        ("reference".to_owned(), Some(order.reference.to_string())),
        ("facility".to_owned(), Some(order.facility.clone())),
        ("orderNumber".to_owned(), order.order_number.clone()),
        ("deliveryMode".to_owned(), order.delivery_mode.clone()),
        ("carrier".to_owned(), order.carrier.clone()),
        ("service".to_owned(), order.service.clone()),
        (from.to_owned(), instant(order.ship_by)),
        (by.to_owned(), instant(order.deliver_by)),
    ];
    fields.push(if inbound {
        ("supplierAccount".to_owned(), order.customer_account.clone())
    } else {
        ("purchaseOrder".to_owned(), order.purchase_order.clone())
    });
    fields.extend(address_fields(&order.recipient, partner(order.direction)));
    fields
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
