//! Customers whom goods are sent to: the headers of outbound documents.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use crate::sandbox::chance::Chance;

/// "No date".
const NO_DATE: &str = "1900-01-01T00:00:00Z";

const NAMES: &[&str] = &["Ada Example", "Zoë Müller", "José Núñez", "Siân O'Neill", "Kenji Sato", "Ola Nordmann"];
const STREETS: &[&str] = &["High Street", "Rue de l'Église", "Hauptstraße", "Elm Road", "Calle Mayor", "Storgata"];
const CITIES: &[(&str, &str, &str, &str)] = &[
    ("Springfield", "IL", "62701", "USA"),
    ("Nantes", "", "44000", "FRA"),
    ("Köln", "NW", "50667", "DEU"),
    ("Leeds", "", "LS1 4AP", "GBR"),
    ("Sevilla", "SE", "41001", "ESP"),
];
const CARRIERS: &[(&str, &str, &str)] =
    &[("GROUND", "UPS", "GND"), ("AIR", "FEDEX", "2DAY"), ("PARCEL", "DHL", "PAKET")];

/// The header of an outbound document.
pub(super) fn header(chance: Chance, index: u64, count: u64, warehouse: &str, now: Timestamp) -> Map<String, Value> {
    let pick =
        |what: &str, from: usize| usize::try_from(chance.below(&format!("{what}/{index}"), from as u64)).unwrap_or(0);
    let name = NAMES[pick("name", NAMES.len())];
    let street = STREETS[pick("street", STREETS.len())];
    let (city, state, zip, country) = CITIES[pick("city", CITIES.len())];
    let (mode, carrier, service) = CARRIERS[pick("carrier", CARRIERS.len())];
    let day = |days: i64| (now + SignedDuration::from_hours(24 * days)).strftime("%Y-%m-%dT17:00:00Z").to_string();
    let mut fields = json!({
        "ShipFromWarehouseId": warehouse,
        "ConsigneeAccountNumber": format!("C{:05}", 1 + pick("account", 500)),
        "ConsigneeName": name,
        "ConsigneeReference": format!("SO-{count:06}"),
        "ConsigneePurchaseOrderId": if pick("purchase order", 3) == 0 { String::new() } else { format!("PO-{index}") },
        "ConsigneeContactName": name,
        "ConsigneeContactPhone": format!("+1 217 555 {:04}", pick("phone", 10_000)),
        "ConsigneeContactEmail": format!("customer{}@example.com", pick("email", 500)),
        "RequestedShippingPeriodStart": NO_DATE,
        "RequestedShippingPeriodEnd": day(2),
        "RequestedDeliveryPeriodStart": NO_DATE,
        "RequestedDeliveryPeriodEnd": day(6),
        "DlvModeId": mode,
        "DlvTermId": "DDP",
        "CarrierCode": carrier,
        "CarrierServiceCode": service,
        "CarrierGroupCode": "",
        "TransportationModeCode": "",
        "RouteConfigCode": "",
        "BrokerCode": "",
        "PlannedTransportationId": "",
        "LanguageId": "en-us",
        "ReservationAtImportPolicy": "No",
        // Members of a customer's own: the product's request tells no money.
        "OrderTotalAmount": 10 + pick("amount", 9000),
        "CurrencyCode": "EUR",
    });
    let number = (1 + pick("house", 200)).to_string();
    for who in ["Consignee", "Receiver"] {
        let address = [
            ("Street", street),
            ("StreetNumber", number.as_str()),
            ("City", city),
            ("County", ""),
            ("State", state),
            ("ZipCode", zip),
            ("CountryRegionId", country),
            ("PostBox", ""),
            ("BuildingCompliment", ""),
        ];
        for (part, value) in address {
            fields[format!("{who}{part}")] = json!(value);
        }
        fields[format!("{who}District")] = json!(0);
        fields[format!("{who}Latitude")] = json!(0);
        fields[format!("{who}Longitude")] = json!(0);
    }
    fields["ReceiverName"] = json!(name);
    match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}
