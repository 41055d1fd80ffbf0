//! What a warehouse's system takes of an order, or of an announcement: how much, how long, in which letters, and what it cannot do without.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Finding;

/// The fields of the order itself, as the standard connector names them.
const ORDER: [&str; 9] = [
    "reference",
    "facility",
    "orderNumber",
    "purchaseOrder",
    "deliveryMode",
    "carrier",
    "service",
    "shipBy",
    "deliverBy",
];

/// The fields of an announcement of goods.
const RECEIPT: [&str; 9] = [
    "reference",
    "facility",
    "orderNumber",
    "supplierAccount",
    "deliveryMode",
    "carrier",
    "service",
    "expectedFrom",
    "expectedBy",
];

/// The fields of an announcement of goods that come back: its parcels are known by the RMA, and nobody says where they come from.
const RETURN: [&str; 5] = ["reference", "rma", "facility", "customerAccount", "expectedBy"];

/// The fields of an address: of `recipient` in an order, of `sender` in an announcement.
const ADDRESS: [&str; 11] =
    ["name", "company", "line1", "line2", "line3", "city", "region", "postalCode", "country", "phone", "email"];

/// The fields of each line.
const LINE: [&str; 6] = ["lineId", "sku", "description", "unit", "lot", "serial"];

/// What a warehouse takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Of orders that are to be shipped.
    pub orders: FieldLimits,
    /// Of announcements of goods that are to be received.
    pub receipts: FieldLimits,
    /// Of announcements of goods that come back.
    pub returns: FieldLimits,
}

/// What has limits, by its name in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limited {
    /// Orders that are to be shipped.
    Orders,
    /// Announcements of goods that are to be received.
    Receipts,
    /// Announcements of goods that come back.
    Returns,
}

impl Limited {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Orders, Self::Receipts, Self::Returns];

    fn as_str(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::Receipts => "receipts",
            Self::Returns => "returns",
        }
    }

    /// The member that holds the address; nothing where there is none.
    #[must_use]
    pub fn partner(self) -> Option<&'static str> {
        match self {
            Self::Orders => Some("recipient"),
            Self::Receipts => Some("sender"),
            Self::Returns => None,
        }
    }

    /// Its fields above the lines, without the address.
    fn own_fields(self) -> &'static [&'static str] {
        match self {
            Self::Orders => &ORDER,
            Self::Receipts => &RECEIPT,
            Self::Returns => &RETURN,
        }
    }
}

impl Limits {
    /// Those of one of them.
    #[must_use]
    pub fn of(&self, limited: Limited) -> &FieldLimits {
        match limited {
            Limited::Orders => &self.orders,
            Limited::Receipts => &self.receipts,
            Limited::Returns => &self.returns,
        }
    }
}

/// Limits of fields by their names in the standard connector: `orderNumber`, `recipient.line1`, `lines.sku`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct FieldLimits {
    /// Lines of one order; 0: any number.
    pub lines_max: usize,
    /// Unicode characters of a field.
    pub characters_max: BTreeMap<String, usize>,
    /// The letters of a field.
    pub letters: BTreeMap<String, Letters>,
    /// Fields that must not be empty.
    pub required: Vec<String>,
    /// ISO 3166-1 alpha-2 codes that an address may have; empty: all.
    pub countries: Vec<String>,
}

/// Letters that a system can keep and print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Letters {
    /// Those that can be printed, up to `~`.
    Ascii,
    /// Those of ISO 8859-1: western Europe.
    Latin1,
}

impl Letters {
    /// Whether a character is one of them.
    #[must_use]
    pub fn has(self, character: char) -> bool {
        match self {
            Self::Ascii => matches!(character, ' '..='~'),
            Self::Latin1 => matches!(character, ' '..='~' | '\u{a0}'..='\u{ff}'),
        }
    }

    /// Their name for people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ascii => "ASCII",
            Self::Latin1 => "Latin-1",
        }
    }
}

/// All fields of an order, or of an announcement, that can have a limit.
#[must_use]
pub fn limited_fields(limited: Limited) -> Vec<String> {
    let partner = limited.partner().into_iter();
    let address = partner.flat_map(|partner| ADDRESS.iter().map(move |field| format!("{partner}.{field}")));
    limited
        .own_fields()
        .iter()
        .map(|&field| field.to_owned())
        .chain(address)
        .chain(LINE.iter().map(|field| format!("lines.{field}")))
        .collect()
}

/// Names of fields that nobody has, and limits that nothing keeps.
pub(super) fn check(place: &str, limits: &Limits, findings: &mut Vec<Finding>) {
    for limited in Limited::ALL {
        let (of, limits) = (limited.as_str(), limits.of(limited));
        let known = limited_fields(limited);
        let lengths = limits.characters_max.keys().map(|field| ("characters_max", field));
        let letters = limits.letters.keys().map(|field| ("letters", field));
        let required = limits.required.iter().map(|field| ("required", field));
        for (key, field) in lengths.chain(letters).chain(required).filter(|(_, field)| !known.contains(field)) {
            let problem = format!("names a field {field:?} that there is not");
            let remedy = format!("use one of {}", known.join(", "));
            findings.push(Finding::error(format!("{place}.{of}.{key}"), &problem, &remedy));
        }
        for (field, _) in limits.characters_max.iter().filter(|(_, most)| **most == 0) {
            let remedy = "give a number of at least 1, or leave the field out";
            findings.push(Finding::error(format!("{place}.{of}.characters_max.{field}"), "is 0", remedy));
        }
        if limited.partner().is_none() && !limits.countries.is_empty() {
            let remedy = "leave it out: no address is said of what comes back";
            findings.push(Finding::error(format!("{place}.{of}.countries"), "limits nothing", remedy));
        }
        let code = |country: &&String| country.len() != 2 || !country.bytes().all(|byte| byte.is_ascii_uppercase());
        for country in limits.countries.iter().filter(code) {
            let problem = format!("has {country:?}");
            let remedy = "use codes of two capitals, as in ISO 3166-1: \"US\"";
            findings.push(Finding::error(format!("{place}.{of}.countries"), &problem, remedy));
        }
    }
}
