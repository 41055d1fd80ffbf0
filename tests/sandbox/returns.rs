//! Goods that come back, at both simulated far ends: return orders and credits, inspections, and the law of money.

use std::collections::BTreeSet;

use drayline::message::{Body, Kind};
use drayline::sandbox::{Evidence, FarEnd, FinanceOperationsRules, Premises, Verdict, WarehouseRules, verdict};
use reqwest::Method;
use serde_json::{Value, json};

use super::inbox::Inbox;
use super::rehearsal::{Dynamics, House, answered, quick, quick_dynamics, quick_warehouse, until};

async fn dynamics(folder: &tempfile::TempDir, rules: FinanceOperationsRules) -> Dynamics {
    Dynamics::start(quick(Premises::finance_operations(folder.path())), rules).await
}

/// A return order with one line of five, made as a customer of the interface makes it.
async fn return_order(dynamics: &Dynamics, reference: &str) -> (String, String) {
    let header = json!({"dataAreaId": "usmf", "CustomerAccountNumber": "C00001", "DefaultReturnWarehouseId": "24",
        "CustomersOrderReference": reference});
    let (status, header) = dynamics.post("ReturnOrderHeadersV2", header).await;
    assert_eq!(status, 201, "{header}");
    let (number, rma) = (header["ReturnOrderNumber"].as_str().unwrap(), header["RMANumber"].as_str().unwrap());
    let (status, line) = line(dynamics, number, 1).await;
    assert_eq!(status, 201, "{line}");
    (number.to_owned(), rma.to_owned())
}

async fn line(dynamics: &Dynamics, number: &str, line: i64) -> (reqwest::StatusCode, Value) {
    let row = json!({"dataAreaId": "usmf", "ReturnOrderNumber": number, "LineNumber": line, "ItemNumber": "ITEM-1001",
        "ReturnSalesQuantity": -5, "SalesUnitSymbol": "ea"});
    dynamics.post("ReturnOrderLinesV2", row).await
}

/// Posts pieces of line 1 as received: quantity, disposition code, inventory status. Answers how Dynamics ended it.
async fn receive(
    dynamics: &Dynamics,
    (update, number): (&str, &str),
    pieces: &[(i64, &str, &str)],
) -> (String, String) {
    let path = hand_over(dynamics, (update, number), pieces).await;
    until("the update is processed", async || {
        let (_, row) = dynamics.get(&path).await;
        let state = row["ProcessingStatus"].as_str()?.to_owned();
        (state != "Received").then(|| (state, row["ProcessingMessage"].as_str().unwrap().to_owned()))
    })
    .await
}

/// The same, and does not wait for its end: answers where to look for it.
async fn hand_over(dynamics: &Dynamics, (update, number): (&str, &str), pieces: &[(i64, &str, &str)]) -> String {
    let base = json!({"dataAreaId": "usmf", "InboundShipmentOrderUpdateId": update,
        "InboundShipmentOrderOriginId": number});
    let with = |more: Value| {
        let mut all = base.clone();
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    let written = async |entity: &str, row: Value| {
        let (status, answer) = dynamics.post(entity, with(row)).await;
        assert_eq!(status, 201, "{answer}");
    };
    written("InboundShipmentOrderUpdates", json!({"ShipmentReceiptNumber": format!("rt-000001-{update}")})).await;
    let total: i64 = pieces.iter().map(|(quantity, ..)| quantity).sum();
    let lines = json!({"OrderLineNumber": 1, "ReceivedQuantity": total, "OrderedUnitSymbol": "ea"});
    written("InboundShipmentOrderLineUpdates", lines).await;
    for (quantity, code, status) in pieces {
        let row = json!({"OrderLineNumber": 1, "ReceivedQuantity": quantity, "SourceSystemDispositionCode": code,
            "OrderedInventoryStatusId": status});
        written("InboundShipmentOrderLineInventDimUpdates", row).await;
    }
    let path = format!(
        "InboundShipmentOrderUpdates(dataAreaId='usmf',InboundShipmentOrderUpdateId='{update}',\
         InboundShipmentOrderOriginId='{number}')"
    );
    let handed = dynamics.call(Method::PATCH, &path).json(&json!({"ProcessingStatus": "Received"}));
    assert_eq!(answered(handed).await.0, 204);
    path
}

/// Several updates of one return order fall into one batch, and what the job credits of one must not be taken for all.
#[tokio::test]
async fn what_is_posted_piece_by_piece_at_once_is_credited_whole() {
    let folder = tempfile::tempdir().unwrap();
    let rules = FinanceOperationsRules { credit_ms: 0, process_ms: 400, ..quick_dynamics() };
    let dynamics = dynamics(&folder, rules).await;
    let (number, _) = return_order(&dynamics, "web-1").await;
    for update in ["U1", "U2", "U3", "U4", "U5"] {
        hand_over(&dynamics, (update, &number), &[(1, "CREDIT", "")]).await;
    }
    until("all of it is credited", async || {
        let (_, rows) = dynamics.get("SalesInvoiceLines?$filter=dataAreaId eq 'usmf'").await;
        let credited =
            rows["value"].as_array()?.iter().map(|row| row["InvoicedQuantity"].as_i64().unwrap()).sum::<i64>();
        (credited == -5).then_some(())
    })
    .await;
}

async fn credited(dynamics: &Dynamics, notes: usize) -> Vec<Value> {
    until("it is credited", async || {
        let (_, rows) = dynamics.get("SalesInvoiceLines?$filter=dataAreaId eq 'usmf'").await;
        rows["value"].as_array().filter(|rows| rows.len() >= notes).cloned()
    })
    .await
}

#[tokio::test]
async fn a_return_order_gets_its_numbers_from_dynamics_and_is_found_by_the_customers_reference() {
    let folder = tempfile::tempdir().unwrap();
    let dynamics = dynamics(&folder, quick_dynamics()).await;
    let without = json!({"dataAreaId": "usmf", "DefaultReturnWarehouseId": "24"});
    let (status, answer) = dynamics.post("ReturnOrderHeadersV2", without).await;
    assert!(status == 400 && answer.to_string().contains("CustomerAccountNumber"), "{answer}");
    let (number, rma) = return_order(&dynamics, "web-17").await;
    assert_ne!(number, rma);
    let (_, rows) = dynamics.get("ReturnOrderHeadersV2?$filter=CustomersOrderReference eq 'web-17'").await;
    assert_eq!((&rows["value"][0]["ReturnOrderNumber"], &rows["value"][0]["RMANumber"]), (&json!(number), &json!(rma)));
    assert_eq!(line(&dynamics, &number, 1).await.0, 400, "the line is there already");
    assert_eq!(line(&dynamics, "RET9999999", 1).await.0, 400);
    let (_, rows) = dynamics.get(&format!("ReturnOrderLinesV2?$filter=ReturnOrderNumber eq '{number}'")).await;
    let row = &rows["value"][0];
    assert_eq!((&row["ReturnSalesQuantity"], &row["ReturnStatus"]), (&json!(-5), &json!("Expected")));
    // Nothing is unique about it: a second wish of the same reference is a second return order.
    let (other, _) = return_order(&dynamics, "web-17").await;
    assert_ne!(number, other);
}

#[tokio::test]
async fn what_came_back_is_credited_later_as_the_disposition_of_each_piece_says() {
    let folder = tempfile::tempdir().unwrap();
    let dynamics = dynamics(&folder, FinanceOperationsRules { credit_ms: 20, ..quick_dynamics() }).await;
    let (number, _) = return_order(&dynamics, "web-1").await;
    let (state, words) = receive(&dynamics, ("U1", &number), &[(1, "", "")]).await;
    assert!(state == "Failed" && words.contains("disposition code must be specified"), "{words}");
    let (state, words) = receive(&dynamics, ("U2", &number), &[(1, "SHRED", "")]).await;
    assert!(state == "Failed" && words.contains("'SHRED' does not exist"), "{words}");
    let pieces = [(2, "CREDIT", ""), (1, "CREDIT", "Quarantine"), (1, "SCRAP", ""), (1, "SENDBACK", "")];
    assert_eq!(receive(&dynamics, ("U3", &number), &pieces).await.0, "Accepted");
    let rows = credited(&dynamics, 1).await;
    assert_eq!((&rows[0]["SalesOrderNumber"], &rows[0]["InvoicedQuantity"]), (&json!(number), &json!(-4)));
    let state = dynamics.state().await;
    let on_hand = |status: &str| {
        let rows = state["on_hand"].as_array().unwrap().iter();
        rows.filter(|row| row["sku"] == "ITEM-1001" && row["status"] == status)
            .map(|row| row["quantity"].clone())
            .next()
    };
    assert_eq!(on_hand("available"), Some(json!("1000002")));
    assert_eq!(on_hand("quarantine"), Some(json!("1")), "neither the scrapped nor the sent back piece is in stock");
    let (_, header) =
        dynamics.get(&format!("ReturnOrderHeadersV2(dataAreaId='usmf',ReturnOrderNumber='{number}')")).await;
    assert_eq!(header["ReturnStatus"], "Invoiced");
    let (state, words) = receive(&dynamics, ("U4", &number), &[(1, "CREDIT", "")]).await;
    assert!(state == "Failed" && words.contains("more than the 5"), "{words}");
}

#[tokio::test]
async fn dynamics_tells_of_return_orders_only_where_the_house_has_an_event_for_it() {
    for (event, told) in [("", 0), ("ConReturnOrderBusinessEvent", 1)] {
        let folder = tempfile::tempdir().unwrap();
        let inbox = Inbox::open(&[]).await;
        let premises =
            Premises { deliver_to: Some(inbox.url().to_owned()), ..quick(Premises::finance_operations(folder.path())) };
        let rules = FinanceOperationsRules { return_event: event.to_owned(), ..quick_dynamics() };
        let dynamics = Dynamics::start(premises, rules).await;
        let url = format!("{}/sandbox/returns", dynamics.sandbox.url());
        let (status, made) = answered(dynamics.client.post(url).json(&json!({"count": 1}))).await;
        assert_eq!(status, 201);
        dynamics.release(json!({"count": 1})).await;
        let released = "WHSEWOutboundShipmentOrderRequestCreatedBusinessEvent";
        until("the order is told", async || (!inbox.taken(released).is_empty()).then_some(())).await;
        until("the return is told, or is not", async || (inbox.taken(event).len() >= told).then_some(())).await;
        let events = inbox.taken("ConReturnOrderBusinessEvent");
        assert_eq!(events.len(), told);
        for event in events {
            assert_eq!(
                (&event["ReturnOrderNumber"], &event["RMANumber"]),
                (&made["released"][0], &json!("RMA0000001"))
            );
        }
    }
}

/// An announcement of a return with one line.
fn announced(reference: &str, sku: &str, quantity: &str) -> Value {
    json!({"reference": reference, "rma": "RMA0000001", "facility": "NORTH-1",
        "lines": [{"lineId": "1", "sku": sku, "quantity": quantity, "unit": "ea"}]})
}

async fn announce(house: &House, announced: &Value) -> (reqwest::StatusCode, Value) {
    let reference = announced["reference"].as_str().unwrap();
    answered(house.call(Method::POST, "/returns").header("idempotency-key", reference).json(announced)).await
}

async fn house(folder: &tempfile::TempDir, rules: WarehouseRules) -> (House, Inbox) {
    let inbox = Inbox::open(&[]).await;
    let premises = Premises { deliver_to: Some(inbox.url().to_owned()), ..quick(Premises::warehouse(folder.path())) };
    (House::start(premises, rules).await, inbox)
}

/// Every event of a kind is one that the product can read.
fn bodies(inbox: &Inbox, kind: Kind) -> Vec<Body> {
    let taken = inbox.taken(kind.as_str()).into_iter();
    taken.map(|event| Body::from_json(kind, event["data"].clone()).unwrap()).collect()
}

#[tokio::test]
async fn an_announced_return_arrives_and_is_inspected_in_totals_with_what_becomes_of_each_piece() {
    for (sku, several) in [("ITEM-1001", true), ("LOT-1001", true), ("SER-1001", false)] {
        let folder = tempfile::tempdir().unwrap();
        let rules = WarehouseRules {
            arrive_ms: 10,
            count_ms: 10,
            worn_share: 1.0,
            broken_share: 1.0,
            kept_share: 0.0,
            ..quick_warehouse()
        };
        let (house, inbox) = house(&folder, rules).await;
        let quantity = if several { "6" } else { "2" };
        let mut nameless = announced("usmf-RET1-W1", sku, quantity);
        nameless["rma"] = json!("");
        assert_eq!(announce(&house, &nameless).await.0, 422, "the RMA is what the parcel is known by");
        let (status, held) = announce(&house, &announced("usmf-RET1-W1", sku, quantity)).await;
        assert_eq!((status.as_u16(), &held["rma"]), (201, &json!("RMA0000001")));
        let (status, again) = announce(&house, &announced("usmf-RET1-W1", sku, quantity)).await;
        assert_eq!((status.as_u16(), &again["id"]), (409, &held["id"]));
        until("all is inspected", async || (bodies(&inbox, Kind::ReturnReceived).len() == 2).then_some(())).await;
        assert_eq!(bodies(&inbox, Kind::ReturnStatusChanged).len(), 1);
        let mut reports: Vec<_> = bodies(&inbox, Kind::ReturnReceived)
            .into_iter()
            .map(|body| if let Body::ReturnReceived(body) = body { body } else { unreachable!() })
            .collect();
        reports.sort_by_key(|report| report.sequence);
        let [some, all] = reports.as_slice() else { panic!("two reports") };
        assert!(!some.is_final && all.is_final && all.rma.as_deref() == Some("RMA0000001") && !all.blind);
        assert_eq!(all.return_key.as_str(), held["id"].as_str().unwrap());
        let line = &all.lines[0];
        let sum: rust_decimal::Decimal = line.dispositions.iter().map(|piece| piece.quantity.value).sum();
        assert_eq!((line.received.value, line.received.value.to_string().as_str()), (sum, quantity));
        assert!(some.lines[0].received.value < line.received.value, "totals grow");
        let pieces = &line.dispositions;
        let kinds: BTreeSet<_> = pieces.iter().map(|piece| piece.disposition.code.as_str()).collect();
        let wanted: &[&str] = if several { &["QUARANTINE", "RESTOCK", "SCRAP"] } else { &["SCRAP"] };
        assert_eq!(kinds.into_iter().collect::<Vec<_>>(), wanted, "{sku}");
        let broken = pieces.iter().find(|piece| piece.disposition.code.as_str() == "SCRAP").unwrap();
        assert!(broken.images[0].starts_with("https://photos.example/"));
        assert_eq!(broken.lot.is_some(), sku.starts_with("LOT"));
        assert_eq!(broken.serials.len(), usize::from(sku.starts_with("SER")));
        let state = house.state().await;
        let in_stock = state["on_hand"].as_array().unwrap().iter().filter(|row| row["sku"] == sku).count();
        assert_eq!(in_stock, if several { 2 } else { 0 }, "what is thrown away is in no stock");
    }
}

#[tokio::test]
async fn where_dispositions_go_in_turn_the_number_of_the_rma_says_which() {
    let folder = tempfile::tempdir().unwrap();
    let (arrive_ms, count_ms, kept_share) = (10, 10, 0.0);
    let dispositions_in_turn = true;
    let rules = WarehouseRules { arrive_ms, count_ms, kept_share, dispositions_in_turn, ..quick_warehouse() };
    let (house, inbox) = house(&folder, rules).await;
    for number in 1..=6 {
        let mut wish = announced(&format!("usmf-RET{number}-W1"), "ITEM-1001", "2");
        wish["rma"] = json!(format!("RMA{number:07}"));
        assert_eq!(announce(&house, &wish).await.0, 201);
    }
    until("all is inspected", async || (bodies(&inbox, Kind::ReturnReceived).len() == 12).then_some(())).await;
    let mut found = std::collections::BTreeMap::<String, BTreeSet<String>>::new();
    for body in bodies(&inbox, Kind::ReturnReceived) {
        let Body::ReturnReceived(body) = body else { unreachable!() };
        let pieces = body.lines.iter().flat_map(|line| &line.dispositions);
        let codes = pieces.map(|piece| piece.disposition.code.as_str().to_owned());
        found.entry(body.rma.clone().unwrap()).or_default().extend(codes);
    }
    let found: Vec<_> = found.into_values().map(|codes| codes.into_iter().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(found, ["SCRAP", "RESTOCK", "QUARANTINE", "REFURBISH", "RETURN_TO_SENDER", "SCRAP"]);
}

#[tokio::test]
async fn parcels_come_that_nobody_announced_and_are_counted_further_when_somebody_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let (house, inbox) = house(&folder, quick_warehouse()).await;
    let found = async |path: &str, body: Value| {
        answered(house.client.post(format!("{}/sandbox/returns{path}", house.sandbox.url())).json(&body)).await
    };
    let blind = json!({"order_number": "SO-000007", "tracking_numbers": ["1Z7"], "kind": "UNDELIVERABLE", "is_final": false,
        "lines": [{"sku": "ITEM-1001", "quantity": "1", "disposition": "PENDING"}]});
    let (status, made) = found("", blind).await;
    assert_eq!(status, 201);
    let id = made["id"].as_str().unwrap().to_owned();
    assert_eq!(house.state().await["returns"][0]["received"], json!([]), "what is pending is nobody's yet");
    let further =
        json!({"kind": "UNDELIVERABLE", "lines": [{"sku": "ITEM-1001", "quantity": "2", "disposition": "RESTOCK"}]});
    assert_eq!(found(&format!("/{id}"), further).await.0, 201);
    until("both are told", async || (bodies(&inbox, Kind::ReturnReceived).len() == 2).then_some(())).await;
    for body in bodies(&inbox, Kind::ReturnReceived) {
        let Body::ReturnReceived(body) = body else { unreachable!() };
        assert!(body.blind && body.rma.is_none());
        assert_eq!(body.return_key.as_str(), id);
        assert_eq!(body.order.and_then(|order| order.order_number).as_deref(), Some("SO-000007"));
        assert_eq!(body.tracking_numbers, ["1Z7"]);
    }
    assert_eq!(found("/rt-000009", json!({})).await.0, 404);
    assert_eq!(found("", json!({"status": "ARRIVED"})).await.0, 201);
    until("it is told", async || (bodies(&inbox, Kind::ReturnStatusChanged).len() == 1).then_some(())).await;
}

/// A report that comes late says what was so then, and what was found since stays; a return that was cancelled stays so.
#[tokio::test]
async fn an_older_report_of_a_return_changes_nothing_in_the_house_and_neither_do_goods_of_a_dead_one() {
    let folder = tempfile::tempdir().unwrap();
    let (house, inbox) = house(&folder, WarehouseRules { arrive_ms: 600_000, ..quick_warehouse() }).await;
    assert_eq!(announce(&house, &announced("usmf-RET1-W1", "ITEM-1001", "5")).await.0, 201);
    let found = async |body: Value| {
        answered(house.client.post(format!("{}/sandbox/returns/rt-000001", house.sandbox.url())).json(&body)).await.0
    };
    let received = async || house.state().await["returns"][0]["received"][0]["quantity"].clone();
    let report = |sequence: u32, quantity: &str| json!({"sequence": sequence, "lines": [{"line": "1", "sku": "ITEM-1001", "quantity": quantity}]});
    assert_eq!(found(json!({"status": "ARRIVED"})).await, 201);
    let cancel = house.call(Method::POST, "/returns/rt-000001/cancel").json(&json!({}));
    assert_eq!(answered(cancel).await.1["outcome"]["code"], "REJECTED", "it is there already");
    assert_eq!(found(report(2, "4")).await, 201);
    assert_eq!(found(report(1, "3")).await, 201);
    assert_eq!(received().await, "4");
    until("both are told", async || (bodies(&inbox, Kind::ReturnReceived).len() == 2).then_some(())).await;
    let told = |body: &Body| if let Body::ReturnReceived(body) = body { body.sequence } else { unreachable!() };
    assert_eq!(bodies(&inbox, Kind::ReturnReceived).iter().map(told).collect::<BTreeSet<_>>().len(), 2);
    assert_eq!(found(json!({"status": "CANCELLED"})).await, 201);
    assert_eq!(found(report(3, "5")).await, 201);
    let state = house.state().await;
    assert_eq!((&state["returns"][0]["live"], received().await), (&json!(false), json!("5")));
}

/// Of a parcel that is here already nothing further comes, under whatever revision it is announced; of the next one with the
/// same goods it does.
#[tokio::test]
async fn nothing_further_comes_when_the_rma_of_a_parcel_is_announced() {
    let folder = tempfile::tempdir().unwrap();
    let rules = WarehouseRules { arrive_ms: 10, count_ms: 10, ..quick_warehouse() };
    let (house, inbox) = house(&folder, rules).await;
    let parcel =
        json!({ "kind": "REFUSED", "tracking_numbers": ["1Z7"], "lines": [{ "sku": "ITEM-1001", "quantity": "2" }] });
    let url = format!("{}/sandbox/returns", house.sandbox.url());
    assert_eq!(answered(house.client.post(url).json(&parcel)).await.0, 201);
    let (_, first) = announce(&house, &announced("usmf-RET1-W1", "ITEM-1001", "2")).await;
    announce(&house, &announced("usmf-RET2-W1", "ITEM-1001", "2")).await;
    let cancel = house.call(Method::POST, &format!("/returns/{}/cancel", first["id"].as_str().unwrap()));
    assert_eq!(answered(cancel).await.1["outcome"]["code"], "CONFIRMED");
    announce(&house, &announced("usmf-RET1-W1R2", "ITEM-1001", "1")).await;
    // The parcel's own, and two of the second return.
    until("it is inspected", async || (bodies(&inbox, Kind::ReturnReceived).len() == 3).then_some(())).await;
    let state = house.state().await;
    let rows = state["returns"].as_array().unwrap().iter();
    let rows: Vec<_> = rows.map(|row| (row["reference"].as_str().unwrap(), &row["parcel"], &row["reports"])).collect();
    let (yes, no, two) = (json!(true), json!(false), json!(2));
    assert_eq!(
        rows,
        [
            ("", &no, &json!(1)),
            ("usmf-RET1-W1", &yes, &json!(0)),
            ("usmf-RET2-W1", &no, &two),
            ("usmf-RET1-W1R2", &yes, &json!(0))
        ]
    );
    assert_eq!(state["steps_due"], 0);
}

async fn judged(dynamics: &Dynamics, house: &House) -> Verdict {
    let evidence = Evidence {
        finance_operations: FarEnd::fetch(&dynamics.sandbox.url()).await.unwrap(),
        warehouse: FarEnd::fetch(&house.sandbox.url()).await.unwrap(),
        excused: BTreeSet::new(),
    };
    verdict(&evidence).unwrap()
}

#[tokio::test]
async fn the_law_of_money_is_judged_by_what_came_and_by_what_was_refunded_before() {
    for (refunded, code, twice, lost) in [
        (false, "CREDIT", 0, 0),
        (true, "CREDIT", 1, 0),
        (true, "STOCK", 0, 0),
        (false, "STOCK", 0, 1),
        (false, "SENDBACK", 0, 0),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let dynamics = dynamics(&folder, FinanceOperationsRules { credit_ms: 20, ..quick_dynamics() }).await;
        let idle = WarehouseRules { arrive_ms: 3_600_000, ..quick_warehouse() };
        let (house, _inbox) = house(&folder, idle).await;
        let (number, _) = return_order(&dynamics, "web-1").await;
        let (_, held) = announce(&house, &announced(&format!("usmf-{number}-W1"), "ITEM-1001", "5")).await;
        if refunded {
            let refund = format!("{}/sandbox/returns/{number}/refund", dynamics.sandbox.url());
            assert_eq!(answered(dynamics.client.post(refund)).await.0, 200);
        }
        let found = json!({"lines": [{"line": "1", "sku": "ITEM-1001", "quantity": "5",
            "disposition": if code == "SENDBACK" { "RETURN_TO_SENDER" } else { "RESTOCK" }}]});
        let url = format!("{}/sandbox/returns/{}", house.sandbox.url(), held["id"].as_str().unwrap());
        assert_eq!(answered(house.client.post(url).json(&found)).await.0, 201);
        assert_eq!(receive(&dynamics, ("U1", &number), &[(5, code, "")]).await.0, "Accepted");
        let notes = usize::from(refunded) + usize::from(code == "CREDIT");
        credited(&dynamics, notes).await;
        let verdict = judged(&dynamics, &house).await;
        let case = format!("refunded {refunded}, {code}: {:?}", verdict.findings);
        assert_eq!((verdict.duplicated, verdict.lost), (twice, lost), "{case}");
        assert_eq!((verdict.returns, verdict.credit_notes), (1, notes as u64), "{case}");
        assert_eq!(verdict.on_hand_mismatches, 0, "{case}: {:?}", verdict.mismatches);
    }
}

#[tokio::test]
async fn a_wish_that_was_made_twice_and_a_credit_for_what_never_came_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let dynamics = dynamics(&folder, FinanceOperationsRules { credit_ms: 20, ..quick_dynamics() }).await;
    let (house, _inbox) = house(&folder, quick_warehouse()).await;
    let (number, _) = return_order(&dynamics, "web-1").await;
    return_order(&dynamics, "web-1").await;
    assert_eq!(receive(&dynamics, ("U1", &number), &[(5, "CREDIT", "")]).await.0, "Accepted");
    credited(&dynamics, 1).await;
    let findings = judged(&dynamics, &house).await.findings.join("; ");
    assert!(findings.contains("web-1: was made a return order as RET0000001 and RET0000002"), "{findings}");
    assert!(findings.contains("line 1: 5 are credited as received, 0 came"), "{findings}");
}

#[tokio::test]
async fn a_return_order_can_be_refunded_in_the_moment_it_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let dynamics = dynamics(&folder, quick_dynamics()).await;
    let url = format!("{}/sandbox/returns", dynamics.sandbox.url());
    let lines = json!([{"item": "ITEM-1001", "quantity": "5", "unit": "ea"}]);
    let how = json!({"count": 2, "lines": lines, "refunded": true});
    assert_eq!(answered(dynamics.client.post(url).json(&how)).await.0, 201);
    let state = dynamics.state().await;
    let notes = state["credit_notes"].as_array().unwrap().iter();
    let told: Vec<_> = notes.map(|note| (note["number"].as_str(), note["order"].as_str(), &note["refund"])).collect();
    let wanted = |number, order| (Some(number), Some(order), &Value::Bool(true));
    assert_eq!(told, [wanted("CN0000001", "RET0000001"), wanted("CN0000002", "RET0000002")]);
}

#[tokio::test]
async fn what_was_received_to_be_credited_and_is_not_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let dynamics = dynamics(&folder, FinanceOperationsRules { credit_ms: 20, ..quick_dynamics() }).await;
    let (number, _) = return_order(&dynamics, "web-1").await;
    assert_eq!(receive(&dynamics, ("U1", &number), &[(5, "CREDIT", "")]).await.0, "Accepted");
    credited(&dynamics, 1).await;
    let (house, _inbox) = house(&folder, quick_warehouse()).await;
    let mut finance_operations = FarEnd::fetch(&dynamics.sandbox.url()).await.unwrap();
    finance_operations.state["credit_notes"] = json!([]);
    let warehouse = FarEnd::fetch(&house.sandbox.url()).await.unwrap();
    let verdict = verdict(&Evidence { finance_operations, warehouse, excused: BTreeSet::new() }).unwrap();
    let findings = verdict.findings.join("; ");
    assert!(findings.contains("line 1: 5 are to be credited as received, and 0 are"), "{findings}");
}
