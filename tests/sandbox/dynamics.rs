//! The simulated Finance & Operations: tokens, reads, writes, posting.

use drayline::sandbox::{FinanceOperationsRules, Premises, Uniqueness};
use reqwest::Method;
use serde_json::{Value, json};

use super::rehearsal::{Dynamics, answered, ledger, quick, quick_dynamics, until, update_path};

async fn fresh(folder: &tempfile::TempDir, rules: FinanceOperationsRules) -> Dynamics {
    Dynamics::start(quick(Premises::finance_operations(folder.path())), rules).await
}

/// Orders whose lines are neither in lots nor single pieces.
fn plain() -> FinanceOperationsRules {
    FinanceOperationsRules { lots_share: 0.0, serials_share: 0.0, weighed_share: 0.0, ..quick_dynamics() }
}

fn first_line(state: &Value) -> (String, u8) {
    let order = &state["orders"][0];
    let ordered = order["lines"][0]["ordered"].as_str().unwrap().parse::<u8>().unwrap();
    (order["origin"].as_str().unwrap().to_owned(), ordered)
}

#[tokio::test]
async fn a_call_without_a_good_token_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let rules = FinanceOperationsRules { token_s: 0, ..quick_dynamics() };
    let dynamics = fresh(&folder, rules).await;
    let url = format!("{}/data/OutboundShipmentOrderRequests", dynamics.sandbox.url());
    assert_eq!(dynamics.client.get(&url).send().await.unwrap().status(), 401);
    assert_eq!(dynamics.client.get(&url).bearer_auth("1.2").send().await.unwrap().status(), 401);
    assert_eq!(dynamics.get("OutboundShipmentOrderRequests").await.0, 401, "the token was good for 0 s");
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", "drayline"),
        ("client_secret", "wrong"),
        ("scope", "x/.default"),
    ];
    let token = format!("{}/tenant/oauth2/v2.0/token", dynamics.sandbox.url());
    let (status, answer) = answered(dynamics.client.post(token).form(&form)).await;
    assert_eq!((status.as_u16(), &answer["error"]), (401, &json!("invalid_client")));
}

#[tokio::test]
async fn the_same_seed_releases_the_same_orders() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (one, other) = (fresh(&here, quick_dynamics()).await, fresh(&there, quick_dynamics()).await);
    let wish = json!({"count": 30, "seed": 7});
    assert_eq!(one.release(wish.clone()).await, other.release(wish).await);
    let lines = async |dynamics: &Dynamics| {
        let (_, answer) = dynamics.get("OutboundShipmentOrderLineRequests").await;
        answer["value"].as_array().unwrap().clone()
    };
    let rows = lines(&one).await;
    assert_eq!(rows, lines(&other).await);
    let orders = rows.iter().filter(|row| row["OrderLineNumber"] == 1).count();
    assert_eq!(orders, 30);
    assert!(rows.len() > 40, "orders have one to four lines");
    assert!(rows.iter().any(|row| row["OrderedQuantity"].is_f64()), "some quantities have decimals");
    assert!(rows.iter().any(|row| row["ItemBatchNumber"] != ""), "some lots are demanded");
}

#[tokio::test]
async fn documents_are_read_by_key_and_by_filter_however_they_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let dynamics = fresh(&folder, quick_dynamics()).await;
    dynamics.release(json!({"count": 2, "seed": 1})).await;
    dynamics.release(json!({"count": 1, "seed": 1, "company": "DEMF"})).await;
    for path in [
        "OutboundShipmentOrderRequests(dataAreaId='usmf',OutboundShipmentOrderRequestId='SHP0000002')",
        "OutboundShipmentOrderRequests(OutboundShipmentOrderRequestId='SHP0000002',dataAreaId='USMF')?cross-company=true",
        "OutboundShipmentOrderRequests(dataAreaId=%27usmf%27,%20OutboundShipmentOrderRequestId=%27SHP0000002%27)",
    ] {
        let (status, row) = dynamics.get(path).await;
        assert_eq!((status.as_u16(), &row["OutboundShipmentOrderRequestId"]), (200, &json!("SHP0000002")), "{path}");
        assert!(row["@odata.etag"].as_str().unwrap().starts_with("W/\""));
        assert_eq!(row["RequestedShippingPeriodStart"], "1900-01-01T00:00:00Z");
    }
    let filter = "$filter=(dataAreaId%20eq%20'usmf')%20and%20(OutboundShipmentOrderRequestId+eq+'SHP0000002')";
    let (_, page) = dynamics.get(&format!("OutboundShipmentOrderRequests?{filter}")).await;
    assert_eq!(page["value"].as_array().unwrap().len(), 1);
    let missing = "OutboundShipmentOrderRequests(dataAreaId='usmf',OutboundShipmentOrderRequestId='SHP0000009')";
    assert_eq!(dynamics.get(missing).await.0, 404);
    let other = "OutboundShipmentOrderRequests(dataAreaId='demf',OutboundShipmentOrderRequestId='SHP0000003')";
    assert_eq!(dynamics.get(other).await.0, 404, "another company is not seen without cross-company");
    assert_eq!(dynamics.get(&format!("{other}?cross-company=true")).await.0, 200);
    assert_eq!(dynamics.get("OutboundShipmentOrders").await.0, 404);
    let (status, answer) = dynamics.get("OutboundShipmentOrderRequests?$filter=Misspelt eq 'x'").await;
    assert!(status == 400 && answer.to_string().contains("Misspelt"), "{answer}");
    assert_eq!(dynamics.get("OutboundShipmentOrderRequests?$filter=dataAreaId%20has%20'x'").await.0, 400);
}

#[tokio::test]
async fn lists_come_in_pages_and_next_links_lead_through_all() {
    let folder = tempfile::tempdir().unwrap();
    let dynamics = fresh(&folder, FinanceOperationsRules { page_rows: 7, ..quick_dynamics() }).await;
    dynamics.release(json!({"count": 20, "seed": 3})).await;
    let mut path = "OutboundShipmentOrderLineRequests?$filter=dataAreaId eq 'usmf'&cross-company=true".to_owned();
    let mut rows = Vec::new();
    let mut pages = 0;
    loop {
        let (status, page) = dynamics.get(&path).await;
        assert_eq!(status, 200);
        pages += 1;
        rows.extend(page["value"].as_array().unwrap().clone());
        let Some(next) = page["@odata.nextLink"].as_str() else { break };
        path = next.split_once("/data/").unwrap().1.to_owned();
    }
    assert!(pages > 3 && rows.len() > 21, "{} rows in {pages} pages", rows.len());
    let key = |row: &Value| format!("{}/{}", row["OutboundShipmentOrderRequestId"], row["OrderLineNumber"]);
    let distinct: std::collections::BTreeSet<_> = rows.iter().map(key).collect();
    assert_eq!(distinct.len(), rows.len());
}

#[tokio::test]
async fn a_write_with_an_old_etag_is_answered_412() {
    let folder = tempfile::tempdir().unwrap();
    let dynamics = fresh(&folder, quick_dynamics()).await;
    dynamics.release(json!({"count": 1})).await;
    let path = "OutboundShipmentOrderRequestStatus(dataAreaId='usmf',OutboundShipmentOrderRequestId='SHP0000001')";
    let (_, row) = dynamics.get(path).await;
    let etag = row["@odata.etag"].as_str().unwrap().to_owned();
    let write = async |etag: &str, status: &str| {
        let body = json!({"RequestStatus": status, "ResponseMessage": "held"});
        answered(dynamics.call(Method::PATCH, path).header("if-match", etag).json(&body)).await.0.as_u16()
    };
    assert_eq!(write(&etag, "Accepted").await, 204);
    assert_eq!(write(&etag, "Rejected").await, 412);
    assert_eq!(write("*", "Rejected").await, 204);
    assert_eq!(dynamics.state().await["orders"][0]["status"], "Rejected");
    let lines = ledger(&dynamics.client, &dynamics.sandbox, 0).await;
    let effects: Vec<_> = lines.iter().filter(|line| line["method"] == "PATCH").map(|line| &line["effect"]).collect();
    assert_eq!(effects, ["changed", "refused", "changed"]);
}

#[tokio::test]
async fn an_update_is_taken_in_rows_committed_and_processed_later() {
    let folder = tempfile::tempdir().unwrap();
    let dynamics = fresh(&folder, plain()).await;
    dynamics.release(json!({"count": 1, "lines_max": 1})).await;
    let (origin, ordered) = first_line(&dynamics.state().await);
    dynamics.post_update("D1", &origin, &[(1, json!(ordered), "EA")], &[]).await;
    assert_eq!(dynamics.settled("D1", &origin).await.0, "Accepted");
    let late = json!({"dataAreaId": "usmf", "OutboundShipmentOrderUpdateId": "D1", "OutboundShipmentOrderOriginId": origin,
        "OrderLineNumber": 2, "TotalShippedQuantity": 1});
    let (status, answer) = dynamics.post("OutboundShipmentOrderLineUpdates", late).await;
    assert_eq!(status, 400);
    let text = answer["error"]["innererror"]["message"].as_str().unwrap();
    assert!(text.contains("Infolog:") && text.contains("cannot be changed"), "{text}");
    let complete =
        format!("{}/Microsoft.Dynamics.DataEntities.Complete?cross-company=true", update_path("D1", &origin));
    assert_eq!(answered(dynamics.call(Method::POST, &complete)).await.0, 204, "a second commit changes nothing");
    assert_eq!(dynamics.state().await["counts"]["posted"], 1);
}

#[tokio::test]
async fn what_is_on_hold_is_not_posted_until_somebody_lets_go() {
    let folder = tempfile::tempdir().unwrap();
    let dynamics = fresh(&folder, plain()).await;
    let released = dynamics.release(json!({"count": 1, "lines_max": 1, "on_hold": true})).await;
    let (origin, ordered) = first_line(&dynamics.state().await);
    dynamics.post_update("D1", &origin, &[(1, json!(ordered), "ea")], &[]).await;
    let (state, words) = dynamics.settled("D1", &origin).await;
    assert!(state == "Failed" && words.contains("the customer is on hold"), "{state}: {words}");
    let sandbox = |path: String| dynamics.client.post(format!("{}/sandbox/{path}", dynamics.sandbox.url()));
    assert_eq!(answered(sandbox("orders/SHP9/unhold".to_owned())).await.0, 404);
    assert_eq!(answered(sandbox(format!("orders/{}/unhold", released[0]))).await.1["on_hold"], false);
    assert_eq!(answered(sandbox("updates/process".to_owned())).await.1["processed_again"], 1);
    until("it is posted", async || (dynamics.state().await["counts"]["posted"] == 1).then_some(())).await;
}

#[tokio::test]
async fn never_more_is_accepted_than_was_ordered() {
    let folder = tempfile::tempdir().unwrap();
    let dynamics = fresh(&folder, plain()).await;
    dynamics.release(json!({"count": 1, "lines_max": 1})).await;
    let (origin, ordered) = first_line(&dynamics.state().await);
    dynamics.post_update("D1", &origin, &[(1, json!(ordered), "ea")], &[]).await;
    assert_eq!(dynamics.settled("D1", &origin).await.0, "Accepted");
    dynamics.post_update("D2", &origin, &[(1, json!(1), "ea")], &[]).await;
    let (state, words) = dynamics.settled("D2", &origin).await;
    assert!(state == "Failed" && words.contains("more than"), "{state}: {words}");
    dynamics.post_update("D3", &origin, &[(9, json!(1), "ea")], &[]).await;
    assert!(dynamics.settled("D3", &origin).await.1.contains("does not exist"));
    let state = dynamics.state().await;
    assert_eq!(state["orders"][0]["lines"][0]["posted"].as_str().unwrap().parse::<u8>().unwrap(), ordered);
    assert_eq!(state["postings"].as_array().unwrap().len(), 3, "each update is there to be seen");
}

/// Somebody in Dynamics corrects a packing slip: its goods are in stock again, and may be posted anew.
#[tokio::test]
async fn what_a_packing_slip_posted_is_taken_back_once() {
    let folder = tempfile::tempdir().unwrap();
    let dynamics = fresh(&folder, plain()).await;
    dynamics.release(json!({"count": 1, "lines_max": 1})).await;
    let state = dynamics.state().await;
    let (origin, ordered) = first_line(&state);
    let sku = state["orders"][0]["lines"][0]["item"].clone();
    let reverse = async |slip: &str| {
        let url = format!("{}/sandbox/updates/reverse", dynamics.sandbox.url());
        answered(dynamics.client.post(url).json(&json!({"packing_slip": slip}))).await
    };
    // Of its line, of the whole order, and how much less is in stock than at first.
    let posted = async || {
        let state = dynamics.state().await;
        let number = |value: &Value| value.as_str().map_or(0, |text| text.parse::<i64>().unwrap());
        let shelf = state["on_hand"].as_array().unwrap().iter().find(|row| row["sku"] == sku);
        let on_hand = shelf.map_or(1_000_000, |row| number(&row["quantity"]));
        let line = number(&state["orders"][0]["lines"][0]["posted"]);
        (line, state["counts"]["posted"].as_u64().unwrap(), 1_000_000 - on_hand)
    };
    let (all, none) = ((i64::from(ordered), 1, i64::from(ordered)), (0, 0, 0));
    dynamics.post_update("D1", &origin, &[(1, json!(ordered), "ea")], &[]).await;
    assert_eq!(reverse("D1").await.0, 404, "what is not posted yet cannot be taken back");
    assert_eq!(dynamics.settled("D1", &origin).await.0, "Accepted");
    assert_eq!(posted().await, all);
    assert_eq!(reverse("D9").await.0, 404);
    let (status, told) = reverse("D1").await;
    assert_eq!((status.as_u16(), &told["reversed"]), (200, &json!("D1")));
    assert_eq!(posted().await, none);
    assert_eq!(reverse("D1").await.0, 404, "it was taken back before");
    assert_eq!(posted().await, none);
    dynamics.post_update("D2", &origin, &[(1, json!(ordered), "ea")], &[]).await;
    assert_eq!(dynamics.settled("D2", &origin).await.0, "Accepted", "there is room again");
    assert_eq!(posted().await, all);
}

#[tokio::test]
async fn lots_and_serial_numbers_must_add_up() {
    let folder = tempfile::tempdir().unwrap();
    let rules = FinanceOperationsRules { serials_share: 1.0, ..quick_dynamics() };
    let dynamics = fresh(&folder, rules).await;
    dynamics.release(json!({"count": 1, "lines_max": 1, "seed": 2})).await;
    let (origin, ordered) = first_line(&dynamics.state().await);
    let pieces = |update: &str| {
        let piece = |piece| json!({"OrderLineNumber": 1, "ItemSerialNumber": format!("{update}-{piece}"), "ShippedQuantity": 1});
        (1..=3).map(piece).take(ordered.into()).collect::<Vec<_>>()
    };
    let shipped = [(1, json!(ordered), "ea")];
    dynamics.post_update("D1", &origin, &shipped, &[]).await;
    assert!(dynamics.settled("D1", &origin).await.1.contains("must be specified"));
    dynamics.post_update("D2", &origin, &shipped, &pieces("D2")).await;
    assert_eq!(dynamics.settled("D2", &origin).await.0, "Accepted");
}

#[tokio::test]
async fn one_line_of_an_update_takes_one_lot_or_serial_unless_the_version_takes_several() {
    for (several_dimensions_per_line, status) in [(false, [201, 400, 500].as_slice()), (true, &[201])] {
        let folder = tempfile::tempdir().unwrap();
        let dynamics = fresh(&folder, FinanceOperationsRules { several_dimensions_per_line, ..quick_dynamics() }).await;
        dynamics.release(json!({"count": 1})).await;
        let (origin, _) = first_line(&dynamics.state().await);
        let row = |more: Value| {
            let mut all = json!({"dataAreaId": "usmf", "OutboundShipmentOrderUpdateId": "D1", "OutboundShipmentOrderOriginId": origin});
            all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            all
        };
        assert_eq!(dynamics.post("OutboundShipmentOrderUpdates", row(json!({}))).await.0, 201);
        let lot = |lot: &str| row(json!({"OrderLineNumber": 1, "ItemBatchNumber": lot, "ShippedQuantity": 1.5}));
        let entity = "OutboundShipmentOrderLineInventDimUpdates";
        assert_eq!(dynamics.post(entity, lot("A")).await.0, 201);
        let second = dynamics.post(entity, lot("B")).await.0.as_u16();
        assert!(status.contains(&second) && (second == 201) == several_dimensions_per_line, "{second}");
        assert!(dynamics.post(entity, lot("A")).await.0.as_u16() >= 400, "the same lot is there already");
    }
}

#[tokio::test]
async fn a_second_create_of_an_update_is_answered_as_the_mode_says_and_never_forgotten() {
    for (uniqueness, answer, creates) in
        [(Uniqueness::AnswersExisting, 400, 1), (Uniqueness::UpdatesInPlace, 200, 2), (Uniqueness::None, 200, 2)]
    {
        let folder = tempfile::tempdir().unwrap();
        let premises = Premises { uniqueness, ..quick(Premises::finance_operations(folder.path())) };
        let dynamics = Dynamics::start(premises, quick_dynamics()).await;
        dynamics.release(json!({"count": 1})).await;
        let (origin, _) = first_line(&dynamics.state().await);
        let header = json!({"dataAreaId": "usmf", "OutboundShipmentOrderUpdateId": "D1", "OutboundShipmentOrderOriginId": origin});
        assert_eq!(dynamics.post("OutboundShipmentOrderUpdates", header.clone()).await.0, 201);
        let (status, text) = dynamics.post("OutboundShipmentOrderUpdates", header).await;
        if uniqueness == Uniqueness::AnswersExisting {
            assert!([400, 500].contains(&status.as_u16()), "{status}");
            assert!(text.to_string().contains("already exists"), "{text}");
        } else {
            assert_eq!(status, answer);
        }
        let state = dynamics.state().await;
        assert_eq!(state["postings"][0]["creates"], creates, "{uniqueness:?}");
        let lines = ledger(&dynamics.client, &dynamics.sandbox, 0).await;
        assert_eq!(lines.last().unwrap()["effect"], "repeated");
    }
}

#[tokio::test]
async fn names_and_types_are_checked_before_business_rules() {
    let folder = tempfile::tempdir().unwrap();
    let dynamics = fresh(&folder, quick_dynamics()).await;
    let header = |more: Value| {
        let mut all =
            json!({"dataAreaId": "usmf", "OutboundShipmentOrderUpdateId": "D1", "OutboundShipmentOrderOriginId": "O"});
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    let (status, answer) = dynamics.post("OutboundShipmentOrderUpdates", header(json!({"Misspelt": 1}))).await;
    assert!(status == 400 && answer.to_string().contains("does not exist on type"), "{answer}");
    let text = header(json!({"OrderLineNumber": 1, "TotalShippedQuantity": "2.5"}));
    let (status, answer) = dynamics.post("OutboundShipmentOrderLineUpdates", text).await;
    assert!(status == 400 && answer.to_string().contains("Cannot convert"), "{answer}");
    let (status, answer) = dynamics.post("OutboundShipmentOrderUpdates", header(json!({}))).await;
    assert!(status == 400 && answer.to_string().contains("'O' does not exist"), "{answer}");
}

#[tokio::test]
async fn tracking_rows_are_unique_by_their_configured_key() {
    let folder = tempfile::tempdir().unwrap();
    let dynamics = fresh(&folder, quick_dynamics()).await;
    let row =
        json!({"SalesOrderNumber": "SO-1", "PackingSlipNumber": "PS-1", "TrackingNumber": "1Z1", "Whatever Name": "x"});
    assert_eq!(dynamics.post("SalesPackingSlipTrackingInformations", row.clone()).await.0, 201);
    let (status, answer) = dynamics.post("SalesPackingSlipTrackingInformations", row).await;
    assert!(status.as_u16() >= 400 && answer.to_string().contains("already exists"), "{answer}");
    let filter = "$filter=PackingSlipNumber eq 'PS-1' and TrackingNumber eq '1z1'";
    let (_, page) = dynamics.get(&format!("SalesPackingSlipTrackingInformations?{filter}")).await;
    assert_eq!(page["value"].as_array().unwrap().len(), 1);
    assert_eq!(page["value"][0]["dataAreaId"], "usmf");
    assert_eq!(dynamics.state().await["tracking"].as_array().unwrap().len(), 1);
}
