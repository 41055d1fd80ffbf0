//! What shipped, posted: header, lines, lots and serials, commit; whatever was there before.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use drayline::clock::Clock;
use drayline::failure::{Class, Code};
use drayline::flows::{Call, Planned, Repeat, act};
use drayline::gateways::{ShipmentUpdate, UpdateDimension, UpdateState};
use drayline::message::Serial;
use serde_json::{Value, json};

use super::far_end::Said;
use super::scene::{Scene, connection, decimal, line, lot, shipment};
use super::shelf::Shelf;

const HEADERS: &str = "OutboundShipmentOrderUpdates";
const LINES: &str = "OutboundShipmentOrderLineUpdates";
const DIMENSIONS: &str = "OutboundShipmentOrderLineInventDimUpdates";

/// One line of 5 from three lots, another of 3 from none.
fn tracked() -> ShipmentUpdate {
    let mut update = shipment();
    update.lines = vec![line("1", "8", "5", "3"), line("2", "3", "3", "0")];
    update.lines[0].dimensions = vec![lot("A", "2"), lot("B", "1.5"), lot("C", "1.5")];
    update
}

/// What is on the shelf, without order.
fn content(shelf: &Shelf) -> Vec<String> {
    let all = [HEADERS, LINES, DIMENSIONS].into_iter().flat_map(|entity| shelf.rows(entity));
    let mut rows: Vec<_> = all.map(|row| Value::Object(row).to_string()).collect();
    rows.sort();
    rows
}

async fn post(shelf: &Shelf, update: &ShipmentUpdate, more: &str) -> Vec<String> {
    let end = shelf.open(|_, _| None).await;
    let scene = Scene::at(&end.url, more).await;
    scene.dynamics().post_shipment(update).await.unwrap();
    end.lines().into_iter().filter(|line| !line.starts_with("GET")).collect()
}

#[tokio::test]
async fn a_shipment_is_written_row_by_row_and_then_handed_over() {
    let shelf = Shelf::default();
    let writes = post(&shelf, &shipment(), "").await;
    assert_eq!(writes.first().unwrap(), &format!("POST /data/{HEADERS}"));
    let key = "dataAreaId='usmf',OutboundShipmentOrderUpdateId='D0123456789ABCDEF012',OutboundShipmentOrderOriginId='OSO0012'";
    assert_eq!(writes.last().unwrap(), &format!("PATCH /data/{HEADERS}({key})"));
    assert_eq!(writes.len(), 4);
    let expected = json!({
        "@odata.etag": "W/\"1\"",
        "dataAreaId": "usmf",
        "OutboundShipmentOrderUpdateId": "D0123456789ABCDEF012",
        "OutboundShipmentOrderOriginId": "OSO0012",
        "ActualShippingDateTime": "2026-11-27T22:15:30Z",
        "PackingSlipNumber": "SH-1-D01234567",
        "PackingSlipDocumentDate": "2026-11-27T12:00:00Z",
        "ProcessingStatus": "Received",
    });
    assert_eq!(Value::Object(shelf.rows(HEADERS)[0].clone()), expected);
    let mut lines = shelf.rows(LINES);
    lines.sort_by_key(|row| row["OrderLineNumber"].as_i64());
    let quantities = |name: &str| lines.iter().map(|row| row[name].to_string()).collect::<Vec<_>>();
    assert_eq!(quantities("OrderLineNumber"), ["1", "2"]);
    assert_eq!(quantities("OrderedQuantity"), ["2.5", "5"]);
    assert_eq!(quantities("TotalShippedQuantity"), ["2.5", "3"]);
    assert_eq!(quantities("TotalPickedQuantity"), ["2.5", "3"]);
    assert_eq!(quantities("RemainingQuantity"), ["0", "2"]);
    assert!(shelf.rows(DIMENSIONS).is_empty());
}

/// As after a freeze: what was answered meanwhile is there, the time is over, and somebody else may have taken over.
#[tokio::test]
async fn nothing_more_is_sent_when_its_time_is_over() {
    let clock = Clock::set_at("2026-11-27T22:15:30Z".parse().unwrap(), 1);
    let (shelf, woken) = (Shelf::default(), clock.clone());
    let end = shelf
        .open(move |asked, _| {
            if asked.method == "POST" {
                woken.advance(Duration::from_secs(10));
            }
            None
        })
        .await;
    let scene = Scene::with_clock(&end.url, "", &clock).await;
    let planned = Planned {
        key: "post".to_owned(),
        act: "post_shipment",
        connection: connection("contoso"),
        class: Repeat::Absorbs,
        call: Call::PostShipment(shipment()),
        facts: Value::Null,
    };
    let failure = act(&scene.gateways, &planned, &clock, (clock.mark(), Duration::from_secs(5))).await.unwrap_err();
    assert_eq!(failure.class(), Class::Unsure);
    let writes = end.lines().into_iter().filter(|line| !line.starts_with("GET"));
    assert_eq!(writes.collect::<Vec<_>>(), [format!("POST /data/{HEADERS}")]);
}

#[tokio::test]
async fn a_repeat_changes_nothing() {
    for update in [shipment(), tracked()] {
        let shelf = Shelf::default();
        post(&shelf, &update, "").await;
        let before = content(&shelf);
        assert_eq!(post(&shelf, &update, "").await, Vec::<String>::new());
        assert_eq!(content(&shelf), before);
    }
}

#[tokio::test]
async fn a_repeat_of_many_serials_costs_three_reads_and_only_what_is_missing() {
    let mut update = shipment();
    update.lines = vec![line("1", "30", "30", "0")];
    let piece = |number: i32| UpdateDimension {
        serial: Some(Serial::new(format!("SN-{number}")).unwrap()),
        quantity: decimal("1"),
        ..UpdateDimension::default()
    };
    update.lines[0].dimensions = (0..30).map(piece).collect();
    let shelf = Shelf::default();
    let end = shelf.open(|asked, number| (number == 70 && asked.method == "POST").then_some(Said::Silence)).await;
    let scene = Scene::at(&end.url, "gateways.call_ms_max = 1500").await;
    scene.dynamics().post_shipment(&update).await.unwrap_err();
    let before = end.lines().len();
    scene.dynamics().post_shipment(&update).await.unwrap();
    let again = end.lines().split_off(before);
    assert_eq!(again.iter().filter(|line| line.starts_with("GET")).count(), 3);
    assert_eq!((shelf.rows(HEADERS).len(), shelf.rows(LINES).len(), shelf.rows(DIMENSIONS).len()), (30, 30, 30));
    assert!(shelf.rows(HEADERS).iter().all(|row| row["ProcessingStatus"] == "Received"));
    let serials: std::collections::BTreeSet<_> =
        shelf.rows(DIMENSIONS).iter().map(|row| row["ItemSerialNumber"].to_string()).collect();
    assert_eq!(serials.len(), 30);
}

#[tokio::test]
async fn an_update_that_is_processed_or_refused_is_not_written_again() {
    for state in ["Accepted", "Failed", "Canceled"] {
        let shelf = Shelf::default();
        post(&shelf, &shipment(), "").await;
        shelf.set(HEADERS, "ProcessingStatus", &json!(state));
        assert_eq!(post(&shelf, &shipment(), "").await, Vec::<String>::new(), "{state}");
    }
}

/// Every call fails once, at every place, before or after it took effect; then it is made again.
#[tokio::test]
async fn what_was_written_half_is_completed_by_a_repeat() {
    let whole = Shelf::default();
    let end = whole.open(|_, _| None).await;
    let scene = Scene::at(&end.url, "").await;
    scene.dynamics().post_shipment(&tracked()).await.unwrap();
    let places = (1..=end.lines().len()).flat_map(|broken| [(broken, false), (broken, true)]);
    let expected = content(&whole);
    futures_util::future::join_all(places.map(|(broken, after)| broken_once(broken, after, &expected))).await;
}

async fn broken_once(broken: usize, after: bool, expected: &[String]) {
    let shelf = Shelf::default();
    let taken = shelf.clone();
    let end = shelf
        .open(move |asked, number| {
            let silent = number == broken;
            if silent && after {
                taken.answer(asked);
            }
            silent.then_some(Said::Silence)
        })
        .await;
    let scene = Scene::at(&end.url, "gateways.call_ms_max = 1500").await;
    let error = scene.dynamics().post_shipment(&tracked()).await.unwrap_err();
    let code = scene.dynamics_failure(&error).code;
    // The first that was asked is the token.
    let writing = end.asked()[broken].method != "GET";
    let sorted = if writing { Code::DynamicsUnsure } else { Code::DynamicsUnavailable };
    assert_eq!(code, sorted, "call {broken}");
    scene.dynamics().post_shipment(&tracked()).await.unwrap();
    assert_eq!(content(&shelf), expected, "call {broken}, after: {after}");
}

#[tokio::test]
async fn a_row_that_says_something_else_is_corrected_before_the_update_is_handed_over() {
    let shelf = Shelf::default();
    post(&shelf, &shipment(), "").await;
    let whole = content(&shelf);
    shelf.set(HEADERS, "ProcessingStatus", &json!("Receiving"));
    shelf.set(LINES, "TotalShippedQuantity", &json!(1));
    let writes = post(&shelf, &shipment(), "").await;
    assert_eq!(writes.iter().filter(|line| line.starts_with("PATCH")).count(), 3, "{writes:?}");
    let quantities: Vec<_> = shelf.rows(LINES).iter().map(|row| row["TotalShippedQuantity"].to_string()).collect();
    assert!(!quantities.contains(&"1".to_owned()), "{quantities:?}");
    assert_eq!(content(&shelf).len(), whole.len());
}

#[tokio::test]
async fn a_refused_row_that_is_there_after_all_is_taken_as_written() {
    // The create is refused as existing, with whatever status, although it was not there a moment before.
    for status in [400, 409, 500] {
        let shelf = Shelf::default();
        let taken = shelf.clone();
        let end = shelf
            .open(move |asked, _| {
                (asked.method == "POST").then(|| {
                    taken.answer(asked);
                    Said::json(status, &json!({"error": {"message": "Der Datensatz ist bereits vorhanden."}}))
                })
            })
            .await;
        let scene = Scene::at(&end.url, "").await;
        scene.dynamics().post_shipment(&shipment()).await.unwrap();
        assert_eq!(shelf.rows(HEADERS)[0]["ProcessingStatus"], "Received", "{status}");
        assert_eq!(shelf.rows(LINES).len(), 2, "{status}");
    }
}

#[tokio::test]
async fn a_refusal_of_a_line_leaves_the_update_open_and_tells_why() {
    let shelf = Shelf::default();
    let end = shelf
        .open(|asked, _| {
            let refused = asked.line() == format!("POST /data/{LINES}");
            let message = "Write failed. Infolog: Error: Line 1 is not of this order.";
            refused.then(|| Said::json(400, &json!({"error": {"innererror": {"message": message}}})))
        })
        .await;
    let scene = Scene::at(&end.url, "").await;
    let failure = scene.dynamics_failure(&scene.dynamics().post_shipment(&shipment()).await.unwrap_err());
    assert_eq!(failure.code, Code::DynamicsRefused);
    assert_eq!(failure.detail.as_deref(), Some("Line 1 is not of this order."));
    assert_eq!(shelf.rows(HEADERS)[0]["ProcessingStatus"], "Receiving");
}

#[tokio::test]
async fn several_lots_of_a_line_are_written_as_parts_that_count_on() {
    let shelf = Shelf::default();
    post(&shelf, &tracked(), "").await;
    // Golden: the ids of parts. Changing them would post a half-written shipment twice.
    let ids = ["D0123456789ABCDEF012", "DFD21D704CF1E057DD39", "D70D665DE23ECD075EB8"];
    let headers = shelf.rows(HEADERS);
    assert_eq!(
        headers.iter().map(|row| row["OutboundShipmentOrderUpdateId"].as_str().unwrap()).collect::<Vec<_>>(),
        ids
    );
    assert!(headers.iter().all(|row| row["ProcessingStatus"] == "Received"));
    let lines = shelf.rows(LINES);
    let of = |id: &str, line: i64| {
        let row = lines.iter().find(|row| row["OutboundShipmentOrderUpdateId"] == id && row["OrderLineNumber"] == line);
        row.map(|row| (row["TotalShippedQuantity"].to_string(), row["RemainingQuantity"].to_string()))
    };
    let pair = |shipped: &str, remaining: &str| Some((shipped.to_owned(), remaining.to_owned()));
    assert_eq!(ids.map(|id| of(id, 1)), [pair("2", "6"), pair("1.5", "4.5"), pair("1.5", "3")]);
    assert_eq!(ids.map(|id| of(id, 2)), [pair("3", "0"), None, None], "a line without lots is in the first part alone");
    let lots: Vec<_> = shelf
        .rows(DIMENSIONS)
        .iter()
        .map(|row| (row["ItemBatchNumber"].clone(), row["ShippedQuantity"].to_string()))
        .collect();
    assert_eq!(lots, [(json!("A"), "2".to_owned()), (json!("B"), "1.5".to_owned()), (json!("C"), "1.5".to_owned())]);
}

#[tokio::test]
async fn no_part_is_handed_over_before_all_parts_are_written() {
    let shelf = Shelf::default();
    let writes = post(&shelf, &tracked(), "").await;
    let first = writes.iter().position(|line| line.starts_with("PATCH")).unwrap();
    assert!(writes[first..].iter().all(|line| line.starts_with("PATCH")), "{writes:?}");
}

#[tokio::test]
async fn versions_that_take_several_rows_per_line_get_one_update() {
    let more = "dynamics.contoso.outbound.dimensions = \"several_per_line\"";
    // Such a version has a key of its own for the rows.
    let shelf = Shelf::default();
    let taken = shelf.clone();
    let end = shelf
        .open(move |asked, _| {
            let row = asked.line() == format!("POST /data/{DIMENSIONS}");
            row.then(|| {
                taken.put(DIMENSIONS, &asked.json());
                Said::text(201, "{}")
            })
        })
        .await;
    let scene = Scene::at(&end.url, more).await;
    scene.dynamics().post_shipment(&tracked()).await.unwrap();
    assert_eq!((shelf.rows(HEADERS).len(), shelf.rows(LINES).len(), shelf.rows(DIMENSIONS).len()), (1, 2, 3));
    shelf.set(HEADERS, "ProcessingStatus", &json!("Receiving"));
    scene.dynamics().post_shipment(&tracked()).await.unwrap();
    assert_eq!(shelf.rows(DIMENSIONS).len(), 3, "a repeat finds them");
}

#[tokio::test]
async fn a_header_that_changed_meanwhile_is_looked_at_once_more() {
    let shelf = Shelf::default();
    let changed = shelf.clone();
    let patches = AtomicUsize::new(0);
    let end = shelf
        .open(move |asked, _| {
            if asked.method == "PATCH" && patches.fetch_add(1, Ordering::SeqCst) == 0 {
                changed.set(HEADERS, "TransportationId", &json!("T-1"));
            }
            None
        })
        .await;
    let scene = Scene::at(&end.url, "").await;
    scene.dynamics().post_shipment(&shipment()).await.unwrap();
    assert_eq!(shelf.rows(HEADERS)[0]["ProcessingStatus"], "Received");
    assert_eq!(end.lines().iter().filter(|line| line.starts_with("PATCH")).count(), 2);
}

#[tokio::test]
async fn the_action_hands_over_where_that_is_configured() {
    let shelf = Shelf::default();
    let writes = post(&shelf, &shipment(), "dynamics.contoso.outbound.commit = \"complete_action\"").await;
    assert!(writes.last().unwrap().ends_with("/Microsoft.Dynamics.DataEntities.Complete"), "{writes:?}");
    assert_eq!(shelf.rows(HEADERS)[0]["ProcessingStatus"], "Received");
}

#[tokio::test]
async fn a_line_that_is_no_number_of_dynamics_is_not_sent() {
    let shelf = Shelf::default();
    let end = shelf.open(|_, _| None).await;
    let scene = Scene::at(&end.url, "").await;
    let mut update = shipment();
    update.lines[0].line_id = "eins".to_owned();
    let failure = scene.dynamics_failure(&scene.dynamics().post_shipment(&update).await.unwrap_err());
    assert_eq!(failure.code, Code::DynamicsRefused);
    assert!(end.asked().is_empty());
}

#[tokio::test]
async fn the_state_of_all_parts_is_the_state_of_the_shipment() {
    let shelf = Shelf::default();
    let end = shelf.open(|_, _| None).await;
    let scene = Scene::at(&end.url, "").await;
    let state = async || {
        let update = tracked();
        scene.dynamics().update_state(&update.named()).await.unwrap()
    };
    assert_eq!(state().await, UpdateState::Missing);
    post(&shelf, &tracked(), "").await;
    assert_eq!(state().await, UpdateState::Pending("Received".to_owned()));
    let set = |index: usize, processing: &str, message: &str| {
        shelf.alter(HEADERS, index, &json!({"ProcessingStatus": processing, "ProcessingMessage": message}));
    };
    set(0, "Accepted", "");
    set(1, "processed", "");
    assert_eq!(state().await, UpdateState::Pending("Received".to_owned()), "one part is still open");
    set(2, "Accepted", "");
    assert_eq!(state().await, UpdateState::Processed);
    set(1, "Failed", "The period is closed.");
    assert_eq!(state().await, UpdateState::Failed("The period is closed.".to_owned()));
    set(1, "Failed", "");
    assert_eq!(state().await, UpdateState::Failed("Failed, without a reason.".to_owned()));
}

/// A late shipment belongs to the day that it was in the company, not in Greenwich.
#[tokio::test]
async fn the_day_of_a_packing_slip_is_the_companys() {
    for (zone, day) in [("Asia/Tokyo", "2026-11-28"), ("America/Los_Angeles", "2026-11-27")] {
        let shelf = Shelf::default();
        post(&shelf, &shipment(), &format!("dynamics.contoso.outbound.time_zones.usmf = \"{zone}\"")).await;
        assert_eq!(shelf.rows(HEADERS)[0]["PackingSlipDocumentDate"], format!("{day}T12:00:00Z"), "{zone}");
    }
}

/// What left on a day of a closed period is posted on the first open day; whose day it is, is the company's.
#[tokio::test]
async fn the_day_of_a_closed_period_gives_way_to_the_first_open_one() {
    for (closed, day) in [("2026-11-26", "2026-11-27"), ("2026-11-27", "2026-11-28"), ("2026-11-30", "2026-12-01")] {
        let shelf = Shelf::default();
        let more = format!(
            "dynamics.contoso.outbound.time_zones.usmf = \"America/Los_Angeles\"\n\
             dynamics.contoso.outbound.closed_until.usmf = \"{closed}\""
        );
        post(&shelf, &shipment(), &more).await;
        assert_eq!(shelf.rows(HEADERS)[0]["PackingSlipDocumentDate"], format!("{day}T12:00:00Z"), "{closed}");
        let moved = shelf.rows(HEADERS)[0]["ActualShippingDateTime"].clone();
        assert!(moved.as_str().unwrap().starts_with("2026-11-27T22:15"), "when it left stays as it was: {moved}");
    }
}
