//! A released document, read as it stands in Dynamics.

use drayline::failure::Code;
use drayline::gateways::{Direction, ReleasedOrder};
use drayline::message::{LegalEntity, RequestId};
use serde_json::{Value, json};

use super::far_end::{Asked, FarEnd, Said};
use super::scene::{Scene, decimal, dynamics_end, shp, usmf};

fn header() -> Value {
    json!({
        "@odata.etag": "W/\"7\"",
        "dataAreaId": "usmf",
        "OutboundShipmentOrderRequestId": "SHP0012",
        "RequestVersion": 3,
        "OutboundShipmentOrderOriginId": "OSO0012",
        "ShipFromWarehouseId": "24",
        "ConsigneeAccountNumber": "C001",
        "ConsigneeName": "Example Ltd",
        "ConsigneeReference": "SO-1001",
        "ConsigneePurchaseOrderId": "",
        "ConsigneeContactName": "Ada Example",
        "ConsigneeContactPhone": "+1 217 555 0100",
        "ConsigneeContactEmail": "ada@example.com",
        "ConsigneeStreet": "Office Road",
        "ConsigneeCity": "Elsewhere",
        "ReceiverStreet": "High Street\nBuilding B\nGate 4",
        "ReceiverStreetNumber": "12",
        "ReceiverCity": "Springfield",
        "ReceiverState": "IL",
        "ReceiverZipCode": "62701",
        "ReceiverCountryRegionId": "USA",
        "ReceiverPostBox": "Box 9",
        "ReceiverBuildingCompliment": "",
        "ReceiverDistrict": 0,
        "RequestedShippingPeriodStart": "1900-01-01T00:00:00Z",
        "RequestedShippingPeriodEnd": "2026-11-28T17:00:00Z",
        "RequestedDeliveryPeriodEnd": "1900-01-01T12:00:00Z",
        "DlvModeId": "GROUND",
        "CarrierCode": "UPS",
        "CarrierServiceCode": null,
    })
}

/// A line as text, because its numbers must be exactly these digits.
fn line(number: i64, item: &str, quantity: &str) -> String {
    format!(
        r#"{{"OrderLineNumber":{number},"ItemNumber":"{item}","ItemDescription":"","OrderedQuantity":{quantity},
        "OrderedUnitSymbol":"pcs","ProductConfigurationId":"","ProductSizeId":"XL","ProductColorId":" ","ProductStyleId":"S1",
        "ItemBatchNumber":"","ItemSerialNumber":"","OverdeliveryPercentage":10.5,"UnderdeliveryPercentage":0}}"#
    )
}

fn page(lines: &[String], next: Option<&str>) -> Said {
    let next = next.map(|next| format!(r#","@odata.nextLink":"{next}""#)).unwrap_or_default();
    Said::text(200, &format!(r#"{{"value":[{}]{next}}}"#, lines.join(",")))
}

fn status(state: &str) -> Said {
    Said::json(200, &json!({"RequestStatus": state, "ResponseMessage": ""}))
}

/// A far end with this document; the lines as the test says.
async fn holding(lines: impl Fn(&Asked) -> Said + Send + Sync + 'static, state: Said) -> FarEnd {
    dynamics_end(move |asked| match asked.path.split('(').next().unwrap() {
        "/data/OutboundShipmentOrderRequests" => Said::json(200, &header()),
        "/data/OutboundShipmentOrderLineRequests" => lines(asked),
        "/data/OutboundShipmentOrderRequestStatus" => state.clone(),
        other => panic!("{other}"),
    })
    .await
}

async fn read(end: &FarEnd) -> ReleasedOrder {
    let scene = Scene::at(&end.url, "").await;
    scene.dynamics().released_order(Direction::Outbound, &usmf(), &shp()).await.unwrap().unwrap()
}

#[tokio::test]
async fn the_document_is_read_in_our_words() {
    let end = holding(|_| page(&[line(2, "D0002", "1"), line(1, "D0001", "2.5")], None), status("Open")).await;
    let order = read(&end).await;
    assert_eq!((order.version, order.origin_id.as_str(), order.warehouse.as_str()), (3, "OSO0012", "24"));
    assert!(!order.cancelled);
    assert_eq!(order.order_number.as_deref(), Some("SO-1001"));
    assert_eq!((order.purchase_order, order.service, order.deliver_by), (None, None, None), "blanks are absent");
    assert_eq!(order.ship_by, Some("2026-11-28T17:00:00Z".parse().unwrap()));
    let recipient = order.recipient;
    assert_eq!((recipient.name.as_deref(), recipient.company.as_deref()), (Some("Ada Example"), Some("Example Ltd")));
    let address = [recipient.line1, recipient.line2, recipient.line3].map(Option::unwrap_or_default);
    assert_eq!(address, ["High Street 12", "Building B", "Gate 4, Box 9"]);
    assert_eq!(recipient.city.as_deref(), Some("Springfield"), "the receiver goes before the consignee");
    let lines: Vec<_> = order.lines.iter().map(|line| (line.line_id.as_str(), line.sku.as_str())).collect();
    assert_eq!(lines, [("1", "D0001"), ("2", "D0002")], "in line order");
    assert_eq!(order.lines[0].variant.as_deref(), Some("XL/S1"));
    assert_eq!((order.lines[0].lot.as_deref(), order.lines[0].description.as_deref()), (None, None));
    assert_eq!(order.lines[0].over_percent, Some(decimal("10.5")));
}

#[tokio::test]
async fn quantities_are_exact_to_the_last_digit() {
    let digits =
        ["0.1", "123456789012345.123456789", "9007199254740993", "2.50", "1e2", "25E-1", "0.30000000000000004"];
    let lines: Vec<_> = (1..).zip(digits).map(|(number, digits)| line(number, "D0001", digits)).collect();
    let end = holding(move |_| page(&lines, None), status("Open")).await;
    let read: Vec<_> = read(&end).await.lines.iter().map(|line| line.quantity.to_string()).collect();
    let exact = ["0.1", "123456789012345.123456789", "9007199254740993", "2.5", "100", "2.5", "0.30000000000000004"];
    assert_eq!(read, exact);
}

#[tokio::test]
async fn a_quantity_that_would_have_to_be_rounded_is_not_read() {
    let digits = "0.12345678901234567890123456789012345";
    let end = holding(move |_| page(&[line(1, "D0001", digits)], None), status("Open")).await;
    let scene = Scene::at(&end.url, "").await;
    let error = scene.dynamics().released_order(Direction::Outbound, &usmf(), &shp()).await.unwrap_err();
    let failure = scene.dynamics_failure(&error);
    assert_eq!(failure.code, Code::DynamicsAnswerUnreadable);
    assert!(failure.detail.unwrap().starts_with("line 1: OrderedQuantity (0.123"));
}

#[tokio::test]
async fn lines_that_do_not_travel_stay_behind_visibly() {
    let lines = [line(1, "D0001", "2"), line(2, "", "1"), line(3, "D0003", "0"), line(4, "D0004", "-1.5")];
    let end = holding(move |_| page(&lines, None), status("Open")).await;
    let order = read(&end).await;
    assert_eq!(order.lines.len(), 1);
    let behind: Vec<_> = order.left_behind.iter().map(|(line, why)| (line.as_str(), why.as_str())).collect();
    let expected = [("2", "It has no item number."), ("3", "Its quantity is 0."), ("4", "Its quantity is -1.5.")];
    assert_eq!(behind, expected);
}

#[tokio::test]
async fn every_page_is_read_and_a_row_that_moved_counts_once() {
    let script = |asked: &Asked| match asked.param("$skiptoken") {
        None => page(
            &[line(1, "D0001", "1"), line(2, "D0002", "1")],
            Some("/data/OutboundShipmentOrderLineRequests?cross-company=true&$skiptoken=a"),
        ),
        Some("a") => page(&[line(2, "D0002", "1")], Some("OutboundShipmentOrderLineRequests?$skiptoken=b")),
        Some(_) => page(&[line(3, "D0003", "1")], None),
    };
    let end = dynamics_end(move |asked| match asked.path.split('(').next().unwrap() {
        "/data/OutboundShipmentOrderRequests" => Said::json(200, &header()),
        "/data/OutboundShipmentOrderRequestStatus" => status("Open"),
        _ => script(asked),
    })
    .await;
    let order = read(&end).await;
    assert_eq!(order.lines.iter().map(|line| line.line_id.as_str()).collect::<Vec<_>>(), ["1", "2", "3"]);
}

#[tokio::test]
async fn a_next_link_to_another_host_is_not_followed() {
    let elsewhere = FarEnd::start(|_| page(&[], None)).await;
    let next = format!("{}/data/OutboundShipmentOrderLineRequests", elsewhere.url);
    let end = holding(move |_| page(&[line(1, "D0001", "1")], Some(&next)), status("Open")).await;
    let scene = Scene::at(&end.url, "").await;
    let error = scene.dynamics().released_order(Direction::Outbound, &usmf(), &shp()).await.unwrap_err();
    let failure = scene.dynamics_failure(&error);
    assert_eq!(failure.code, Code::DynamicsAnswerUnreadable);
    assert!(failure.detail.unwrap().contains("leads away"));
    assert!(elsewhere.asked().is_empty(), "our token went nowhere else");
}

#[tokio::test]
async fn a_list_without_an_end_is_given_up() {
    let next = "/data/OutboundShipmentOrderLineRequests?$skiptoken=a";
    let end = holding(move |_| page(&[line(1, "D0001", "1")], Some(next)), status("Open")).await;
    let scene = Scene::at(&end.url, "gateways.pages_max = 3").await;
    let error = scene.dynamics().released_order(Direction::Outbound, &usmf(), &shp()).await.unwrap_err();
    assert!(scene.dynamics_failure(&error).detail.unwrap().contains("more than 3 pages"));
}

#[tokio::test]
async fn a_document_that_was_taken_back_is_cancelled() {
    let lost = Said::json(404, &json!({"error": {"message": "No resource was found."}}));
    let old = "Resource not found for the segment 'OutboundShipmentOrderRequestStatus'.";
    let old = Said::json(404, &json!({"error": {"message": old}}));
    for (state, cancelled) in [(status("Canceled"), true), (status("cancelled"), true), (lost, false), (old, false)] {
        let end = holding(|_| page(&[line(1, "D0001", "1")], None), state.clone()).await;
        assert_eq!(read(&end).await.cancelled, cancelled, "{state:?}");
    }
}

#[tokio::test]
async fn an_unknown_document_is_nothing_and_an_unknown_entity_is_a_failure() {
    let end = dynamics_end(|_| Said::json(404, &json!({"error": {"message": "No resource was found."}}))).await;
    let scene = Scene::at(&end.url, "").await;
    assert_eq!(scene.dynamics().released_order(Direction::Outbound, &usmf(), &shp()).await.unwrap(), None);

    let old = "Resource not found for the segment 'OutboundShipmentOrderRequests'.";
    let end = dynamics_end(move |_| Said::json(404, &json!({"error": {"message": old}}))).await;
    let scene = Scene::at(&end.url, "").await;
    let failure = scene
        .dynamics_failure(&scene.dynamics().released_order(Direction::Outbound, &usmf(), &shp()).await.unwrap_err());
    assert_eq!(failure.code, Code::DynamicsVersionLacks);
    assert!(failure.sentence.contains("has no entity OutboundShipmentOrderRequests"), "{failure}");
}

#[tokio::test]
async fn reads_name_the_company_and_quote_what_they_ask_for() {
    let end = holding(|_| page(&[], None), status("Open")).await;
    let scene = Scene::at(&end.url, "").await;
    let entity = LegalEntity::new("fr01").unwrap();
    let request = RequestId::new("O'Neil & Söhne +1/2#3%").unwrap();
    scene.dynamics().released_order(Direction::Outbound, &entity, &request).await.unwrap().unwrap();
    let asked = end.asked();
    let of = |path: &str| asked.iter().find(|asked| asked.path.starts_with(path)).unwrap();
    let header = of("/data/OutboundShipmentOrderRequests");
    let keys = "(dataAreaId='fr01',OutboundShipmentOrderRequestId='O''Neil & Söhne +1/2#3%')";
    assert_eq!(header.path, format!("/data/OutboundShipmentOrderRequests{keys}"));
    assert_eq!(header.param("cross-company"), Some("true"));
    let lines = of("/data/OutboundShipmentOrderLineRequests");
    let filter = "dataAreaId eq 'fr01' and OutboundShipmentOrderRequestId eq 'O''Neil & Söhne +1/2#3%'";
    assert_eq!(lines.param("$filter"), Some(filter));
    assert!(lines.raw_query.contains("&$filter=dataAreaId%20eq%20"), "{}", lines.raw_query);
}
