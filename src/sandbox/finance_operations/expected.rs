//! Goods that are expected, from vendors and from warehouses of one's own: the headers of inbound documents.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use crate::sandbox::chance::Chance;

const VENDORS: &[(&str, &str, &str, &str)] = &[
    ("Parts Ltd", "Leeds", "LS1 4AP", "GBR"),
    ("Teile & Söhne GmbH", "Köln", "50667", "DEU"),
    ("Pièces SA", "Nantes", "44000", "FRA"),
];

/// Every so manieth document is a transfer order.
const TRANSFER_ONE_IN: u64 = 4;

/// Whether a document is a transfer from a warehouse of one's own; else it is a purchase.
pub(super) fn is_transfer(count: u64) -> bool {
    count.is_multiple_of(TRANSFER_ONE_IN)
}

/// The header of an inbound document.
pub(super) fn header(
    chance: Chance,
    (index, count): (u64, u64),
    warehouse: &str,
    now: Timestamp,
) -> Map<String, Value> {
    let vendor = usize::try_from(chance.below(&format!("vendor/{index}"), VENDORS.len() as u64)).unwrap_or(0);
    let (name, city, zip, country) = VENDORS.get(vendor).copied().unwrap_or_default();
    let day = |days: i64| (now + SignedDuration::from_hours(24 * days)).strftime("%Y-%m-%dT08:00:00Z").to_string();
    let transfer = is_transfer(count);
    let order = if transfer { format!("TO-{count:06}") } else { format!("PO-{count:06}") };
    let account = if transfer { String::new() } else { format!("V-{:04}", 1001 + vendor) };
    let mut fields = json!({
        "ReceivingWarehouseId": warehouse,
        "PlannedReceiptPeriodStart": day(3),
        "PlannedReceiptPeriodEnd": day(5),
        "ConsignerReference": order,
        "ConsignerAccountNumber": account,
        "ConsignerName": name,
        "SenderName": name,
        "DlvModeId": "TRUCK",
        "CarrierCode": "DSV",
        "OrderTotalAmount": 100 + chance.below(&format!("amount/{index}"), 90_000),
        "CurrencyCode": "EUR",
    });
    for who in ["Consigner", "Sender"] {
        let address = [
            ("Street", "Harbour Road"),
            ("StreetNumber", "3"),
            ("City", city),
            ("State", ""),
            ("ZipCode", zip),
            ("CountryRegionId", country),
        ];
        for (part, value) in address {
            fields[format!("{who}{part}")] = json!(value);
        }
    }
    match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}
