//! Verdicts and tracking numbers, written to Dynamics.

use drayline::failure::Code;
use drayline::gateways::{RequestVerdict, TrackingRow};
use serde_json::{Value, json};

use super::far_end::Said;
use super::scene::{Scene, dynamics_end, shp, usmf};
use super::shelf::Shelf;

const STATUS: &str = "OutboundShipmentOrderRequestStatus";
const TRACKING: &str = "SalesPackingSlipTrackingInformations";

fn open(state: &str) -> Shelf {
    let shelf = Shelf::default();
    let row = json!({"dataAreaId": "usmf", "OutboundShipmentOrderRequestId": "SHP0012", "RequestStatus": state, "ResponseMessage": ""});
    shelf.put(STATUS, &row);
    shelf
}

fn accepted() -> RequestVerdict {
    RequestVerdict::Accepted("usmf-SHP0012-W1".to_owned())
}

async fn tell(shelf: &Shelf, verdict: &RequestVerdict) -> usize {
    let end = shelf.open(|_, _| None).await;
    let scene = Scene::at(&end.url, "").await;
    assert!(scene.dynamics().writes_back());
    scene.dynamics().write_status((&usmf(), &shp()), verdict, None).await.unwrap();
    end.lines().iter().filter(|line| !line.starts_with("GET")).count()
}

#[tokio::test]
async fn a_verdict_is_written_once() {
    let shelf = open("Open");
    assert_eq!(tell(&shelf, &accepted()).await, 1);
    let row = shelf.rows(STATUS).remove(0);
    assert_eq!(row["RequestStatus"], "Accepted");
    assert_eq!(row["ResponseMessage"], "The warehouse took it on as usmf-SHP0012-W1.");
    assert_eq!(tell(&shelf, &accepted()).await, 0, "a repeat changes nothing");
    assert_eq!(tell(&shelf, &RequestVerdict::Rejected("Unknown SKU D0001".to_owned())).await, 1);
    assert_eq!(shelf.rows(STATUS)[0]["ResponseMessage"], "Unknown SKU D0001");
}

#[tokio::test]
async fn what_was_cancelled_in_dynamics_stays_cancelled() {
    let shelf = open("Canceled");
    assert_eq!(tell(&shelf, &accepted()).await, 0);
    assert_eq!(shelf.rows(STATUS)[0]["RequestStatus"], "Canceled");
}

#[tokio::test]
async fn a_cancellation_at_the_same_moment_wins() {
    let shelf = open("Open");
    let cancelled = shelf.clone();
    let end = shelf
        .open(move |asked, _| {
            if asked.method == "PATCH" {
                cancelled.set(STATUS, "RequestStatus", &json!("Canceled"));
            }
            None
        })
        .await;
    let scene = Scene::at(&end.url, "").await;
    let error = scene.dynamics().write_status((&usmf(), &shp()), &accepted(), None).await.unwrap_err();
    assert_eq!(scene.dynamics_failure(&error).code, Code::DynamicsConflict);
    assert_eq!(shelf.rows(STATUS)[0]["RequestStatus"], "Canceled");
}

#[tokio::test]
async fn a_status_that_is_not_there_is_created() {
    let shelf = Shelf::default();
    assert_eq!(tell(&shelf, &accepted()).await, 1);
    assert_eq!(shelf.rows(STATUS)[0]["RequestStatus"], "Accepted");
}

#[tokio::test]
async fn a_version_without_the_entity_is_told_in_a_sentence() {
    let end = dynamics_end(move |asked| {
        let segment = asked.path.trim_start_matches("/data/").split('(').next().unwrap_or_default();
        let message = format!("Resource not found for the segment '{segment}'.");
        Said::json(404, &json!({"error": {"message": message}}))
    })
    .await;
    let scene = Scene::at(&end.url, "").await;
    let errors = [
        (STATUS, scene.dynamics().write_status((&usmf(), &shp()), &accepted(), None).await.unwrap_err()),
        (TRACKING, scene.dynamics().write_tracking(&tracking()).await.unwrap_err()),
    ];
    for (entity, error) in errors {
        let failure = scene.dynamics_failure(&error);
        assert_eq!(failure.code, Code::DynamicsVersionLacks);
        assert!(failure.sentence.contains(&format!("has no entity {entity}")), "{failure}");
        assert!(failure.sentence.contains("dynamics.contoso.outbound"), "{failure}");
    }
}

fn tracking() -> TrackingRow {
    TrackingRow {
        legal_entity: usmf(),
        row_id: "DROW".to_owned(),
        order_number: "SO-1001".to_owned(),
        packing_slip: "SH-1".to_owned(),
        shipped_at: "2026-11-27T22:15:30Z".parse().unwrap(),
        package_key: "P1".to_owned(),
        tracking_number: "1Z999".to_owned(),
        tracking_url: Some("https://track.example/1Z999".to_owned()),
        carrier: Some("UPS".to_owned()),
    }
}

async fn write(shelf: &Shelf, row: &TrackingRow, more: &str) -> Vec<String> {
    let end = shelf.open(|_, _| None).await;
    let scene = Scene::at(&end.url, more).await;
    assert!(scene.dynamics().writes_tracking());
    scene.dynamics().write_tracking(row).await.unwrap();
    end.lines().into_iter().filter(|line| !line.starts_with("GET")).collect()
}

#[tokio::test]
async fn tracking_is_written_once_and_corrected_in_place() {
    let shelf = Shelf::default();
    assert_eq!(write(&shelf, &tracking(), "").await, [format!("POST /data/{TRACKING}")]);
    let expected = json!({
        "@odata.etag": "W/\"1\"",
        "dataAreaId": "usmf",
        "SalesOrderNumber": "SO-1001",
        "PackingSlipNumber": "SH-1",
        "DeliveryDate": "2026-11-27T12:00:00Z",
        "TrackingNumber": "1Z999",
        "TrackingURL": "https://track.example/1Z999",
    });
    assert_eq!(Value::Object(shelf.rows(TRACKING)[0].clone()), expected);
    assert_eq!(write(&shelf, &tracking(), "").await, Vec::<String>::new(), "a repeat changes nothing");
    let mut corrected = tracking();
    corrected.tracking_url = Some("https://other.example/1Z999".to_owned());
    let key = "dataAreaId='usmf',PackingSlipNumber='SH-1',TrackingNumber='1Z999'";
    assert_eq!(write(&shelf, &corrected, "").await, [format!("PATCH /data/{TRACKING}({key})")]);
    assert_eq!(shelf.rows(TRACKING)[0]["TrackingURL"], "https://other.example/1Z999");
}

#[tokio::test]
async fn tracking_goes_to_the_configured_entity_and_fields() {
    let shelf = Shelf::default();
    let more = r#"
        dynamics.contoso.outbound.tracking_entity = "ConParcels"
        dynamics.contoso.outbound.tracking_keys = ["ConParcelId"]
        dynamics.contoso.outbound.tracking_id_field = "ConParcelId"
        dynamics.contoso.outbound.tracking_carrier_field = "ConCarrier""#;
    write(&shelf, &tracking(), more).await;
    let row = shelf.rows("ConParcels").remove(0);
    assert_eq!((&row["ConParcelId"], &row["ConCarrier"]), (&json!("DROW"), &json!("UPS")));
    let mut corrected = tracking();
    corrected.tracking_number = "1Z111".to_owned();
    assert_eq!(write(&shelf, &corrected, more).await, ["PATCH /data/ConParcels(ConParcelId='DROW')"]);
    assert_eq!(shelf.rows("ConParcels")[0]["TrackingNumber"], "1Z111");
}

#[tokio::test]
async fn a_key_that_is_not_written_is_a_refusal_with_its_name() {
    let end = Shelf::default().open(|_, _| None).await;
    let scene = Scene::at(&end.url, "dynamics.contoso.outbound.tracking_keys = [\"Nothing\"]").await;
    let failure = scene.dynamics_failure(&scene.dynamics().write_tracking(&tracking()).await.unwrap_err());
    assert_eq!(failure.code, Code::DynamicsRefused);
    assert!(failure.detail.unwrap().contains("names Nothing"));
}
