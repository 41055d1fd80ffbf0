//! Goods that are expected, read from Dynamics and announced; what was received, posted.

use drayline::failure::Code;
use drayline::gateways::{CreateAnswer, Direction, FulfilmentOrder, ShipmentUpdate, UpdateDimension, UpdateState};
use drayline::message::{CancelOutcomeCode, LegalEntity, OrderStatusCode, Reference, RequestId};
use serde_json::{Value, json};

use super::far_end::{FarEnd, Said};
use super::scene::{Scene, decimal, dynamics_end, line, lot, order, shipment, usmf};
use super::shelf::Shelf;

const HEADERS: &str = "InboundShipmentOrderUpdates";
const LINES: &str = "InboundShipmentOrderLineUpdates";
const DIMENSIONS: &str = "InboundShipmentOrderLineInventDimUpdates";
const REFERENCE: &str = "usmf-ISR0007-W1";

fn isr() -> RequestId {
    RequestId::new("ISR0007").unwrap()
}

fn header() -> Value {
    json!({
        "dataAreaId": "usmf",
        "InboundShipmentOrderRequestId": "ISR0007",
        "RequestVersion": 2,
        "InboundShipmentOrderOriginId": "OPO0007",
        "ReceivingWarehouseId": "24",
        "PlannedReceiptPeriodStart": "2026-12-01T08:00:00Z",
        "PlannedReceiptPeriodEnd": "2026-12-03T16:00:00Z",
        "ConsignerReference": "PO-000123",
        "ConsignerAccountNumber": "V-1001",
        "ConsignerName": "Parts Ltd",
        "ConsignerCity": "Elsewhere",
        "SenderStreet": "Harbour Road",
        "SenderStreetNumber": "3",
        "SenderCity": "Rotterdam",
    })
}

/// The first says its tolerance, the others say none.
fn row(number: i64, item: &str, quantity: &str) -> Value {
    let said = |percent: i64| (number == 1).then_some(percent);
    json!({
        "OrderLineNumber": number, "ItemNumber": item, "OrderedQuantity": quantity, "OrderedUnitSymbol": "pcs",
        "OverdeliveryPercentage": said(10), "UnderdeliveryPercentage": said(5),
    })
}

async fn holding(status: Said) -> FarEnd {
    dynamics_end(move |asked| match asked.path.split('(').next().unwrap() {
        "/data/InboundShipmentOrderRequests" => Said::json(200, &header()),
        "/data/InboundShipmentOrderLineRequests" => {
            Said::json(200, &json!({"value": [row(2, "D0002", "1"), row(1, "D0001", "2.5")]}))
        }
        "/data/InboundShipmentOrderRequestStatus" => status.clone(),
        other => panic!("{other}"),
    })
    .await
}

#[tokio::test]
async fn goods_that_are_expected_are_read_in_our_words() {
    let end = holding(Said::json(200, &json!({"RequestStatus": "Open"}))).await;
    let scene = Scene::at(&end.url, "").await;
    let order = scene.dynamics().released_order(Direction::Inbound, &usmf(), &isr()).await.unwrap().unwrap();
    assert_eq!((order.direction, order.version, order.origin_id.as_str()), (Direction::Inbound, 2, "OPO0007"));
    assert_eq!((order.warehouse.as_str(), order.cancelled), ("24", false));
    assert_eq!(order.order_number.as_deref(), Some("PO-000123"));
    assert_eq!(order.customer_account.as_deref(), Some("V-1001"));
    assert_eq!(order.recipient.name.as_deref(), Some("Parts Ltd"));
    assert_eq!(order.recipient.line1.as_deref(), Some("Harbour Road 3"), "the sender goes before the consigner");
    assert_eq!(order.ship_by, Some("2026-12-01T08:00:00Z".parse().unwrap()));
    assert_eq!(order.deliver_by, Some("2026-12-03T16:00:00Z".parse().unwrap()));
    let lines: Vec<_> = order.lines.iter().map(|line| (line.line_id.as_str(), line.quantity)).collect();
    assert_eq!(lines, [("1", decimal("2.5")), ("2", decimal("1"))]);
    assert_eq!((order.lines[0].over_percent, order.lines[0].under_percent), (Some(decimal("10")), Some(decimal("5"))));
    assert_eq!((order.lines[1].over_percent, order.lines[1].under_percent), (None, None), "it does not say");
}

#[tokio::test]
async fn whether_they_were_cancelled_stands_where_the_configuration_says() {
    let cancelled = Said::json(200, &json!({"RequestStatus": "Canceled"}));
    let old = Said::json(404, &json!({"error": {"message": "Resource not found for the segment 'X'."}}));
    let nowhere = "dynamics.contoso.inbound.status_entity = \"\"";
    for (status, more, expected) in [(cancelled.clone(), "", true), (old, "", false), (cancelled, nowhere, false)] {
        let end = holding(status).await;
        let scene = Scene::at(&end.url, more).await;
        let order = scene.dynamics().released_order(Direction::Inbound, &usmf(), &isr()).await.unwrap().unwrap();
        assert_eq!(order.cancelled, expected, "{more}");
    }
}

/// Five of line 1: three of lot A, two of them damaged; and a line without lots.
fn receipt() -> ShipmentUpdate {
    let damaged =
        UpdateDimension { status: Some("Blocking".to_owned()), disposition: Some("SCRAP".to_owned()), ..lot("A", "2") };
    let mut first = line("1", "8", "5", "3");
    first.dimensions = vec![lot("A", "3"), damaged];
    ShipmentUpdate {
        direction: Direction::Inbound,
        origin_id: "OPO0007".to_owned(),
        packing_slip: "R-1-D01234567".to_owned(),
        lines: vec![first, line("2", "3", "3", "0")],
        ..shipment()
    }
}

async fn post(shelf: &Shelf, update: &ShipmentUpdate) -> Vec<String> {
    let end = shelf.open(|_, _| None).await;
    let scene = Scene::at(&end.url, "").await;
    scene.dynamics().post_shipment(update).await.unwrap();
    end.lines().into_iter().filter(|line| !line.starts_with("GET")).collect()
}

#[tokio::test]
async fn a_receipt_is_written_in_its_own_entities_and_then_handed_over() {
    let shelf = Shelf::default();
    post(&shelf, &receipt()).await;
    let expected = json!({
        "@odata.etag": "W/\"1\"",
        "dataAreaId": "usmf",
        "InboundShipmentOrderUpdateId": "D0123456789ABCDEF012",
        "InboundShipmentOrderOriginId": "OPO0007",
        "ActualReceiptDateTime": "2026-11-27T22:15:30Z",
        "ShipmentReceiptNumber": "R-1-D01234567",
        "ShipmentReceiptDocumentDate": "2026-11-27T12:00:00Z",
        "ProcessingStatus": "Received",
    });
    assert_eq!(Value::Object(shelf.rows(HEADERS)[0].clone()), expected);
    let mut lines: Vec<_> = shelf.rows(LINES).iter().map(|row| row["ReceivedQuantity"].to_string()).collect();
    lines.sort();
    assert_eq!(lines, ["2", "3", "3"], "sound and damaged pieces of a line are two parts");
    let conditions: Vec<_> = shelf
        .rows(DIMENSIONS)
        .iter()
        .map(|row| {
            let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or("none").to_owned();
            [
                text("ItemBatchNumber"),
                text("OrderedInventoryStatusId"),
                text("SourceSystemDispositionCode"),
                row["ReceivedQuantity"].to_string(),
            ]
            .join(" ")
        })
        .collect();
    assert_eq!(conditions, ["A none none 3", "A Blocking SCRAP 2"]);
    assert_eq!(post(&shelf, &receipt()).await, Vec::<String>::new(), "a repeat changes nothing");
}

#[tokio::test]
async fn what_was_received_too_much_is_taken_back_by_less_than_nothing() {
    let shelf = Shelf::default();
    let update = ShipmentUpdate { lines: vec![line("1", "8", "-2", "5")], ..receipt() };
    post(&shelf, &update).await;
    assert_eq!(shelf.rows(LINES)[0]["ReceivedQuantity"].to_string(), "-2");
}

#[tokio::test]
async fn what_became_of_a_receipt_is_told_in_the_words_of_dynamics() {
    let shelf = Shelf::default();
    let end = shelf.open(|_, _| None).await;
    let scene = Scene::at(&end.url, "").await;
    let state = async || scene.dynamics().update_state(&receipt().named()).await.unwrap();
    assert_eq!(state().await, UpdateState::Missing);
    post(&shelf, &receipt()).await;
    assert_eq!(state().await, UpdateState::Pending("Received".to_owned()));
    shelf.set(HEADERS, "ProcessingStatus", &json!("Accepted"));
    assert_eq!(state().await, UpdateState::Processed);
    let failed = json!({"ProcessingStatus": "Failed", "ProcessingMessage": "The period is closed."});
    shelf.alter(HEADERS, 1, &failed);
    assert_eq!(state().await, UpdateState::Failed("The period is closed.".to_owned()), "one part is enough");
}

fn sample(name: &str) -> Value {
    let path = format!("{}/connectors/standard/samples/calls/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The announcement of `connectors/standard/samples/calls/create_receipt.json`.
fn announcement() -> FulfilmentOrder {
    let body = sample("create_receipt");
    let sender = &body["sender"];
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let mut order = FulfilmentOrder {
        direction: Direction::Inbound,
        reference: Reference::of(&LegalEntity::new("usmf").unwrap(), &isr()),
        order_number: text(&body["orderNumber"]),
        purchase_order: None,
        customer_account: text(&body["supplierAccount"]),
        delivery_mode: text(&body["deliveryMode"]),
        carrier: text(&body["carrier"]),
        service: None,
        ship_by: Some("2026-12-01T08:00:00Z".parse().unwrap()),
        deliver_by: Some("2026-12-03T16:00:00Z".parse().unwrap()),
        ..order()
    };
    order.recipient.name = text(&sender["name"]);
    order.recipient.company = text(&sender["company"]);
    order.recipient.line1 = text(&sender["line1"]);
    order.recipient.line2 = text(&sender["line2"]);
    order.recipient.line3 = text(&sender["line3"]);
    order.recipient.city = text(&sender["city"]);
    order.recipient.region = text(&sender["region"]);
    order.recipient.postal_code = text(&sender["postalCode"]);
    order.recipient.country = text(&sender["country"]);
    order.recipient.phone = text(&sender["phone"]);
    order.recipient.email = text(&sender["email"]);
    order
}

async fn answering(status: u16, body: Value) -> (FarEnd, Scene) {
    let end = FarEnd::start(move |_| Said::json(status, &body)).await;
    let scene = Scene::at(&end.url, "").await;
    (end, scene)
}

#[tokio::test]
async fn goods_are_announced_as_in_the_sample() {
    let (end, scene) = answering(201, sample("create_receipt.created")).await;
    let CreateAnswer::Created(held) = scene.warehouse().create_order(&announcement()).await.unwrap() else { panic!() };
    assert_eq!((held.order_id.as_str(), held.reference.as_str()), ("wr-7001", REFERENCE));
    let asked = &end.asked()[0];
    assert_eq!(asked.line(), "POST /receipts");
    assert_eq!(asked.json(), sample("create_receipt"));
    assert_eq!(asked.header("idempotency-key"), Some(REFERENCE));
}

#[tokio::test]
async fn an_announcement_that_is_there_is_found_and_not_made_again() {
    let (_end, scene) = answering(409, sample("create_receipt.existing")).await;
    let CreateAnswer::Existing(held) = scene.warehouse().create_order(&announcement()).await.unwrap() else { panic!() };
    assert_eq!((held.order_id.as_str(), held.status.code), ("wr-7001", OrderStatusCode::Processing));

    let (end, scene) = answering(200, sample("find_receipt.answer")).await;
    let held = scene.warehouse().find_order(Direction::Inbound, REFERENCE).await.unwrap().unwrap();
    assert_eq!(held.lines.iter().map(|line| line.quantity).collect::<Vec<_>>(), [decimal("2.5"), decimal("1")]);
    assert_eq!((end.asked()[0].line().as_str(), end.asked()[0].param("reference")), ("GET /receipts", Some(REFERENCE)));

    // A list of orders says nothing about receipts.
    let (_end, scene) = answering(200, json!({"orders": []})).await;
    let error = scene.warehouse().find_order(Direction::Inbound, REFERENCE).await.unwrap_err();
    assert_eq!(scene.warehouse().failure(&error, "find it").code, Code::WarehouseAnswerUnreadable);
}

#[tokio::test]
async fn an_announcement_is_taken_back_as_in_the_sample() {
    let (end, scene) = answering(200, sample("cancel_receipt.answer")).await;
    let cancel = scene.warehouse().cancel_order(Direction::Inbound, "wr-7001", REFERENCE, "Cancelled in Dynamics.");
    assert_eq!(cancel.await.unwrap().outcome.code, CancelOutcomeCode::Rejected);
    let asked = &end.asked()[0];
    assert_eq!((asked.line().as_str(), asked.json()), ("POST /receipts/wr-7001/cancel", sample("cancel_receipt")));
}
