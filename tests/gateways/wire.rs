//! Far ends in this process: only the socket is replaced.

use std::sync::{Arc, Mutex};

use drayline::failure::{Class, Code};
use drayline::gateways::{CreateAnswer, GatewayError, NotSent, Wire, WireAnswer, WireRequest};

use super::scene::{Scene, order};

/// A scene whose far end always answers the same, and what it was asked.
async fn answering(answer: WireAnswer) -> (Scene, Arc<Mutex<Vec<WireRequest>>>) {
    let asked: Arc<Mutex<Vec<WireRequest>>> = Arc::default();
    let remembered = Arc::clone(&asked);
    let wire = Wire::in_process(move |request| {
        remembered.lock().unwrap().push(request);
        let answer = answer.clone();
        async move { answer }
    });
    (Scene::with_wire(wire.unwrap()).await, asked)
}

fn answered(status: u16, body: &str) -> WireAnswer {
    WireAnswer::Answered { status, headers: reqwest::header::HeaderMap::new(), body: body.into() }
}

#[tokio::test]
async fn a_call_is_written_and_its_answer_sorted_as_over_http() {
    let (scene, asked) =
        answering(answered(201, include_str!("../../connectors/standard/samples/calls/create_order.created.json")))
            .await;
    let CreateAnswer::Created(held) = scene.warehouse().create_order(&order()).await.unwrap() else { panic!() };
    assert_eq!(held.order_id, "wo-5001");
    let asked = asked.lock().unwrap();
    assert_eq!((asked[0].method.as_str(), asked[0].url.path()), ("POST", "/orders"));
    assert_eq!(asked[0].headers["authorization"], "Bearer s3cret-value");
    let body: serde_json::Value = serde_json::from_slice(&asked[0].body).unwrap();
    assert_eq!(body["reference"], "usmf-SHP0012-W1");
}

#[tokio::test]
async fn a_refusal_silence_and_no_connection_are_told_apart_as_over_http() {
    let (scene, _) = answering(answered(503, "")).await;
    assert_eq!(scene.create_failure().await.class(), Class::Unsure);
    let (scene, _) = answering(answered(429, "")).await;
    assert_eq!(scene.create_failure().await.class(), Class::Busy);
    let (scene, _) = answering(WireAnswer::Silence).await;
    assert_eq!(scene.create_failure().await.code, Code::WarehouseUnsure);
    let (scene, _) = answering(WireAnswer::NotSent).await;
    let error = scene.warehouse().create_order(&order()).await.unwrap_err();
    assert!(matches!(error, GatewayError::NotSent { why: NotSent::Unreachable { .. }, .. }), "{error:?}");
}
