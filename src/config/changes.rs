//! What a warehouse still changes of an order that it has, and until when. What is not said here is cancelled and created anew.

use serde::{Deserialize, Serialize};

use super::Finding;

/// What can be declared: fields of an order by their names in the standard connector. `lines` are lines that come or go, or order
/// another item or unit.
pub const CHANGEABLE: [&str; 11] = [
    "recipient",
    "purchaseOrder",
    "deliveryMode",
    "carrier",
    "service",
    "shipBy",
    "deliverBy",
    "lines",
    "lines.quantity",
    "lines.lot",
    "lines.serial",
];

/// What a warehouse changes itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Changes {
    /// The fields; empty: it changes nothing.
    pub fields: Vec<String>,
    /// The status of an order from which on it changes nothing of it any more.
    pub until: ChangedUntil,
}

/// From which status on an order is not changed any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangedUntil {
    /// The warehouse plans it.
    Processing,
    /// It is picked.
    #[default]
    Picking,
    /// It is packed.
    Packed,
    /// Its parcels have labels.
    Labelled,
    /// It has left.
    Shipped,
}

impl Changes {
    /// Whether the warehouse changes a field.
    #[must_use]
    pub fn takes(&self, field: &str) -> bool {
        self.fields.iter().any(|each| each == field)
    }
}

/// Names of fields that nothing is known by.
pub(super) fn check(place: &str, changes: &Changes, findings: &mut Vec<Finding>) {
    for field in changes.fields.iter().filter(|field| !CHANGEABLE.contains(&field.as_str())) {
        let problem = format!("names {field:?}, which is nothing that can be changed");
        let remedy = format!("use some of {}", CHANGEABLE.join(", "));
        findings.push(Finding::error(format!("{place}.fields"), &problem, &remedy));
    }
}
