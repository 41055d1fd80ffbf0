//! Field by field, from a released document to what the warehouse is sent: the tables of `docs/manual/orders.md` are found by sending
//! a document of which every member says its own name.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use drayline::flows::{Call, Decision, Ledger, Look, OrderLook, plan};
use drayline::gateways::Direction;
use drayline::mapping::Mapping;
use drayline::message::{Kind, RequestId};
use serde_json::{Map, Value, json};

use super::far_end::Said;
use super::scene::{Scene, dynamics_end, usmf};
use crate::flows::expected::announced;
use crate::flows::scene::{from_dynamics, order_look};

const PAGE: &str = "docs/manual/orders.md";

/// Writes the tables of the page anew: `DRAYLINE_WRITE_FIELDS=1 cargo test --test suite gateways::fields`.
const WRITE: &str = "DRAYLINE_WRITE_FIELDS";

/// Where the page's tables begin.
const FIRST: &str = "## Orders that leave";

/// Each follows the word for whose address it is.
const ADDRESS: [&str; 10] = [
    "Name",
    "Street",
    "StreetNumber",
    "BuildingCompliment",
    "PostBox",
    "City",
    "County",
    "State",
    "ZipCode",
    "CountryRegionId",
];

const CONTACT: [&str; 5] = ["AccountNumber", "ContactName", "ContactPhone", "ContactEmail", "Reference"];

/// The names that differ between what leaves and what comes.
struct Names {
    direction: Direction,
    title: &'static str,
    request: &'static str,
    header: &'static str,
    lines: &'static str,
    status: &'static str,
    warehouse: &'static str,
    /// Whose address goes first, and whose is taken where that is empty.
    parties: [&'static str; 2],
    instants: [(&'static str, &'static str); 4],
    /// Members that only one of them has.
    own: &'static [&'static str],
}

const OUTBOUND: Names = Names {
    direction: Direction::Outbound,
    title: FIRST,
    request: "OutboundShipmentOrderRequestId",
    header: "/data/OutboundShipmentOrderRequests",
    lines: "/data/OutboundShipmentOrderLineRequests",
    status: "/data/OutboundShipmentOrderRequestStatus",
    warehouse: "ShipFromWarehouseId",
    parties: ["Receiver", "Consignee"],
    instants: [
        ("RequestedShippingPeriodStart", "2026-01-01T00:00:00Z"),
        ("RequestedShippingPeriodEnd", "2026-01-02T00:00:00Z"),
        ("RequestedDeliveryPeriodStart", "2026-01-03T00:00:00Z"),
        ("RequestedDeliveryPeriodEnd", "2026-01-04T00:00:00Z"),
    ],
    own: &["ConsigneePurchaseOrderId"],
};

const INBOUND: Names = Names {
    direction: Direction::Inbound,
    title: "## Goods that are announced",
    request: "InboundShipmentOrderRequestId",
    header: "/data/InboundShipmentOrderRequests",
    lines: "/data/InboundShipmentOrderLineRequests",
    status: "/data/InboundShipmentOrderRequestStatus",
    warehouse: "ReceivingWarehouseId",
    parties: ["Sender", "Consigner"],
    instants: [
        ("PlannedReceiptPeriodStart", "2026-01-01T00:00:00Z"),
        ("PlannedReceiptPeriodEnd", "2026-01-02T00:00:00Z"),
        ("ActualReceiptPeriodStart", "2026-01-03T00:00:00Z"),
        ("ActualReceiptPeriodEnd", "2026-01-04T00:00:00Z"),
    ],
    own: &[],
};

/// What a member says, and by which words it is known again in what is sent.
fn says(member: &str) -> String {
    format!("_{member}_")
}

/// The header; without the address of the first party if that is `bare`.
fn header(names: &Names, bare: bool) -> Value {
    let [first, second] = names.parties;
    let address = |party: &'static str| ADDRESS.iter().map(move |part| format!("{party}{part}"));
    let first = address(first).filter(|_| !bare);
    let contact = CONTACT.iter().map(|part| format!("{second}{part}"));
    let rest =
        ["DlvModeId", "CarrierCode", "CarrierServiceCode"].iter().chain(names.own).map(|member| (*member).to_owned());
    let all = first.chain(address(second)).chain(contact).chain(rest);
    let mut row: Map<String, Value> = all.map(|member| (member.clone(), json!(says(&member)))).collect();
    row.extend(names.instants.map(|(member, at)| (member.to_owned(), json!(at))));
    let origin = names.request.replace("RequestId", "OriginId");
    row.extend([
        ("dataAreaId".to_owned(), json!("usmf")),
        (names.request.to_owned(), json!("SHP0012")),
        (origin.clone(), json!(says(&origin))),
        ("RequestVersion".to_owned(), json!(3)),
        (names.warehouse.to_owned(), json!("24")),
    ]);
    Value::Object(row)
}

fn line() -> Value {
    json!({ "value": [{
        "OrderLineNumber": 71, "ItemNumber": says("ItemNumber"), "ItemDescription": says("ItemDescription"), "OrderedQuantity": 3.75,
        "OrderedUnitSymbol": says("OrderedUnitSymbol"), "ItemBatchNumber": says("ItemBatchNumber"),
        "ItemSerialNumber": says("ItemSerialNumber"),
    }] })
}

/// The members that are in a text that was sent.
fn members(names: &Names, text: &str) -> Vec<String> {
    let mut known: Vec<(String, String)> = vec![
        ("usmf".to_owned(), "dataAreaId".to_owned()),
        ("SHP0012".to_owned(), names.request.to_owned()),
        ("NORTH-1".to_owned(), names.warehouse.to_owned()),
        ("71".to_owned(), "OrderLineNumber".to_owned()),
        ("3.75".to_owned(), "OrderedQuantity".to_owned()),
    ];
    known.extend(names.instants.map(|(member, at)| (at.to_owned(), member.to_owned())));
    let mut found: Vec<(usize, String)> =
        known.into_iter().filter_map(|(said, member)| Some((text.find(&said)?, member))).collect();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('_') {
        let Some((member, after)) = after.split_once('_') else { break };
        found.push((text.len() - after.len(), member.to_owned()));
        rest = after;
    }
    found.sort();
    found.into_iter().map(|(_, member)| format!("`{member}`")).collect()
}

/// Every field of a body with what it says.
fn leaves(path: &str, value: &Value, into: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                leaves(&path, value, into);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| leaves(path, value, into)),
        Value::String(text) => into.push((path.to_owned(), text.clone())),
        other => into.push((path.to_owned(), other.to_string())),
    }
}

/// What the warehouse is sent, field by field.
async fn sent(names: &'static Names, bare: bool) -> BTreeMap<String, String> {
    let end = dynamics_end(move |asked| match asked.path.split('(').next().unwrap() {
        path if path == names.header => Said::json(200, &header(names, bare)),
        path if path == names.lines => Said::json(200, &line()),
        path if path == names.status => Said::json(200, &json!({ "RequestStatus": "Open" })),
        _ => Said::json(503, &json!({})),
    })
    .await;
    let more = "dynamics.contoso.outbound.order_number_field = \"ConsigneeReference\"\n\
                dynamics.contoso.inbound.order_number_field = \"ConsignerReference\"";
    let scene = Scene::at(&end.url, more).await;
    let request = RequestId::new("SHP0012").unwrap();
    let released = scene.dynamics().released_order(names.direction, &usmf(), &request).await.unwrap().unwrap();
    let message = match names.direction {
        Direction::Outbound => from_dynamics(Kind::OrderReleased),
        Direction::Inbound | Direction::Returned => announced(),
    };
    let look = OrderLook { direction: names.direction, ..order_look(Some(released)) };
    let decision = plan(&message, &Look::Order(look), &Mapping::default(), &Ledger::default());
    let Decision::Act(calls) = decision else { panic!("{decision:?}") };
    let Call::CreateOrder(order) = &calls[0].call else { panic!("{calls:?}") };
    // It is not answered as it would like; what it sent is all that is wanted of it.
    scene.warehouse().create_order(order).await.unwrap_err();
    let asked = end.asked();
    let mut fields = Vec::new();
    leaves(
        "",
        &asked.iter().rfind(|asked| asked.method == "POST" && asked.path != "/token").unwrap().json(),
        &mut fields,
    );
    fields.into_iter().map(|(field, text)| (field, members(names, &text).join(", "))).collect()
}

async fn table(names: &'static Names) -> String {
    let (whole, bare) = (sent(names, false).await, sent(names, true).await);
    let [first, _] = names.parties;
    let mut table = format!(
        "{}\n\n| field of the warehouse | from | where `{first}…` has no address |\n|---|---|---|\n",
        names.title
    );
    let fields: std::collections::BTreeSet<_> = whole.keys().chain(bare.keys()).collect();
    for field in fields {
        let of = |sent: &BTreeMap<String, String>| sent.get(field).cloned().unwrap_or_else(|| "–".to_owned());
        let (from, else_from) = (of(&whole), of(&bare));
        let else_from = if else_from == from { String::new() } else { else_from };
        writeln!(table, "| `{field}` | {from} | {else_from} |").unwrap();
    }
    table.push('\n');
    table
}

#[tokio::test]
async fn the_page_of_fields_says_what_is_sent() {
    let tables = format!("{}{}", table(&OUTBOUND).await, table(&INBOUND).await);
    let page = std::fs::read_to_string(PAGE).unwrap();
    let (prose, written) = page.split_at(page.find(FIRST).expect("the page has tables"));
    if std::env::var_os(WRITE).is_some() {
        return std::fs::write(PAGE, format!("{prose}{tables}")).unwrap();
    }
    let again = format!("write it anew: {WRITE}=1 cargo test --test suite gateways::fields");
    assert_eq!(written, tables, "{PAGE} says something else than what is sent; {again}");
}
