//! The `standard` warehouse: exactly the samples that are handed out.

use drayline::config::Mode;
use drayline::failure::Code;
use drayline::gateways::{CreateAnswer, Direction, HeldOrder};
use drayline::message::{CancelOutcomeCode, OrderStatusCode, PlaceCode, ReasonCode};
use serde_json::{Value, json};

use super::far_end::{FarEnd, Said};
use super::scene::{Scene, connection, decimal, order};

const REFERENCE: &str = "usmf-SHP0012-W1";

fn sample(name: &str) -> Value {
    let path = format!("{}/connectors/standard/samples/calls/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

async fn answering(status: u16, body: Value) -> (FarEnd, Scene) {
    let end = FarEnd::start(move |_| Said::json(status, &body)).await;
    let scene = Scene::at(&end.url, "").await;
    (end, scene)
}

fn expect_lines(held: &HeldOrder) {
    let lines: Vec<_> =
        held.lines.iter().map(|line| (line.line_id.as_deref(), line.sku.as_str(), line.quantity)).collect();
    assert_eq!(lines, [(Some("1"), "D0001", decimal("2.5")), (Some("2"), "D0002", decimal("1"))]);
}

#[tokio::test]
async fn an_order_is_created_as_in_the_sample() {
    let (end, scene) = answering(201, sample("create_order.created")).await;
    let CreateAnswer::Created(held) = scene.warehouse().create_order(&order()).await.unwrap() else { panic!() };
    assert_eq!((held.order_id.as_str(), held.reference.as_str()), ("wo-5001", REFERENCE));
    assert_eq!((held.status.code, held.status.raw.as_deref()), (OrderStatusCode::Received, None));
    expect_lines(&held);
    let asked = &end.asked()[0];
    assert_eq!(asked.line(), "POST /orders");
    assert_eq!(asked.json(), sample("create_order"));
    assert_eq!(asked.header("idempotency-key"), Some(REFERENCE));
    assert_eq!(asked.header("authorization"), Some("Bearer s3cret-value"));
}

#[tokio::test]
async fn an_order_is_changed_as_in_the_sample() {
    let (end, scene) = answering(200, sample("change_order.answer")).await;
    let answer = scene.warehouse().change_order("wo-5001", &order(), 2).await.unwrap();
    assert_eq!(answer.outcome.code, CancelOutcomeCode::Confirmed);
    let asked = &end.asked()[0];
    assert_eq!(asked.line(), "POST /orders/wo-5001/change");
    assert_eq!(asked.json(), sample("change_order"));
    assert_eq!(asked.header("idempotency-key"), Some("usmf-SHP0012-W1/2"));
    let found = json!({ "orders": [sample("change_order.answer")["order"]] });
    let (_end, scene) = answering(200, found).await;
    let held = scene.warehouse().find_order(Direction::Outbound, REFERENCE).await.unwrap().unwrap();
    assert_eq!(held.change, 2);
}

#[tokio::test]
async fn a_change_that_is_refused_as_a_collision_is_a_no() {
    let (_end, scene) = answering(409, json!({"error": {"message": "It is packed."}})).await;
    let answer = scene.warehouse().change_order("wo-5001", &order(), 1).await.unwrap();
    assert_eq!(answer.outcome.code, CancelOutcomeCode::Rejected);
    assert_eq!(answer.reason.unwrap().text.as_deref(), Some("It is packed."));
}

#[tokio::test]
async fn a_reference_that_is_taken_brings_what_is_held() {
    let (_end, scene) = answering(409, sample("create_order.existing")).await;
    let CreateAnswer::Existing(held) = scene.warehouse().create_order(&order()).await.unwrap() else { panic!() };
    assert_eq!((held.status.code, held.status.raw.as_deref()), (OrderStatusCode::Picking, Some("in_wave")));
    expect_lines(&held);
}

#[tokio::test]
async fn a_taken_reference_without_its_order_is_looked_up() {
    let end = FarEnd::start(|asked| match asked.method.as_str() {
        "POST" => Said::json(409, &json!({"error": {"message": "The reference is taken."}})),
        _ => Said::json(200, &sample("find_order.answer")),
    })
    .await;
    let scene = Scene::at(&end.url, "").await;
    let answer = scene.warehouse().create_order(&order()).await.unwrap();
    assert!(matches!(answer, CreateAnswer::Existing(held) if held.order_id == "wo-5001"));

    let end = FarEnd::start(|asked| match asked.method.as_str() {
        "POST" => Said::json(409, &json!({"error": {"message": "Closed for stocktaking."}})),
        _ => Said::json(200, &json!({"orders": []})),
    })
    .await;
    let failure = Scene::at(&end.url, "").await.create_failure().await;
    assert_eq!((failure.code, failure.detail.as_deref()), (Code::WarehouseRefused, Some("Closed for stocktaking.")));
}

#[tokio::test]
async fn a_success_about_another_order_is_none() {
    let mut body = sample("create_order.created");
    body["reference"] = json!("usmf-SHP0013-W1");
    let (_end, scene) = answering(201, body).await;
    assert_eq!(scene.create_code().await, Code::WarehouseUnsure);
}

#[tokio::test]
async fn an_order_is_found_by_its_reference_alone() {
    let (end, scene) = answering(200, sample("find_order.answer")).await;
    let held = scene.warehouse().find_order(Direction::Outbound, REFERENCE).await.unwrap().unwrap();
    expect_lines(&held);
    assert_eq!(end.asked()[0].param("reference"), Some(REFERENCE));
    assert_eq!(
        scene.warehouse().find_order(Direction::Outbound, "usmf-SHP9999-W1").await.unwrap(),
        None,
        "it answered with another's order"
    );

    let (_end, scene) = answering(200, json!({"orders": []})).await;
    assert_eq!(scene.warehouse().find_order(Direction::Outbound, REFERENCE).await.unwrap(), None);
    // None of these says "not there".
    for (status, body) in [(404, json!({"error": "no such page"})), (200, json!({})), (200, json!([]))] {
        let (_end, scene) = answering(status, body.clone()).await;
        assert!(scene.warehouse().find_order(Direction::Outbound, REFERENCE).await.is_err(), "{status} {body}");
    }
}

#[tokio::test]
async fn of_several_orders_the_one_that_is_alive_is_found() {
    let of = |id: &str, code: &str| json!({"id": id, "reference": REFERENCE, "status": {"code": code}, "lines": []});
    let (_end, scene) =
        answering(200, json!({"orders": [of("a", "CANCELLED"), of("b", "PICKING"), of("c", "CANCELLED")]})).await;
    assert_eq!(scene.warehouse().find_order(Direction::Outbound, REFERENCE).await.unwrap().unwrap().order_id, "b");
    let (_end, scene) = answering(200, json!({"orders": [of("a", "CANCELLED"), of("c", "CANCELLED")]})).await;
    assert_eq!(scene.warehouse().find_order(Direction::Outbound, REFERENCE).await.unwrap().unwrap().order_id, "c");
}

#[tokio::test]
async fn a_cancellation_is_asked_for_as_in_the_sample() {
    let (end, scene) = answering(200, sample("cancel_order.answer")).await;
    let reason = "The order was cancelled in Dynamics.";
    let answer = scene.warehouse().cancel_order(Direction::Outbound, "wo/50 01", REFERENCE, reason).await.unwrap();
    assert_eq!(answer.outcome.code, CancelOutcomeCode::Rejected);
    let why = answer.reason.unwrap();
    assert_eq!((why.code, why.text.as_deref()), (ReasonCode::TooLate, Some("The order is packed.")));
    let asked = &end.asked()[0];
    assert_eq!(asked.line(), "POST /orders/wo/50 01/cancel");
    assert_eq!(asked.json(), sample("cancel_order"));
    assert_eq!(asked.header("idempotency-key"), Some(REFERENCE));
}

#[tokio::test]
async fn a_code_that_nobody_knows_is_kept() {
    for (outcome, code, raw) in [
        (json!({"code": "confirmed"}), CancelOutcomeCode::Confirmed, None),
        (json!("PENDING"), CancelOutcomeCode::Pending, None),
        (json!({"code": "MAYBE"}), CancelOutcomeCode::Other, Some("MAYBE")),
        (json!({"code": "PARTIAL", "raw": "half"}), CancelOutcomeCode::Partial, Some("half")),
    ] {
        let (_end, scene) = answering(200, json!({"outcome": outcome})).await;
        let answer = scene.warehouse().cancel_order(Direction::Outbound, "wo-1", REFERENCE, "why").await.unwrap();
        assert_eq!((answer.outcome.code, answer.outcome.raw.as_deref()), (code, raw));
        assert_eq!(answer.reason, None);
    }
}

#[tokio::test]
async fn who_serves_what_comes_from_the_configuration() {
    let scene = Scene::at("http://127.0.0.1:1", "gateways.settle_ms = 1234").await;
    let (contoso, north) = (connection("contoso"), connection("north"));
    let place = |code: &str| PlaceCode::new(code).unwrap();
    let (warehouse, facility) = scene.gateways.warehouse_at(&contoso, &place("24")).unwrap();
    assert_eq!((warehouse.name(), facility), (&north, "NORTH-1"));
    assert!(scene.gateways.warehouse_at(&contoso, &place("25")).is_none());
    assert!(scene.gateways.warehouse_at(&north, &place("24")).is_none());
    assert_eq!(scene.gateways.serving(&north), Some(&contoso));
    assert_eq!(scene.gateways.mode(&contoso), Some(Mode::Live));
    assert_eq!(scene.gateways.mode(&connection("nobody")), None);
    assert_eq!(scene.gateways.settle(&north).as_millis(), 1234);
    assert_eq!(scene.dynamics().go_live(), None);
}
