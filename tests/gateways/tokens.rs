//! Tokens: kept, renewed before they expire and once when refused, one renewal at a time.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use drayline::clock::Clock;
use drayline::failure::Code;
use drayline::gateways::{Direction, GatewayError, NotSent};
use serde_json::json;

use super::far_end::{Asked, FarEnd, Said};
use super::scene::{Scene, shp, token, usmf};

fn missing() -> Said {
    Said::json(404, &json!({"error": {"message": "No resource was found."}}))
}

/// Gives out token-1, token-2, …, and knows no document.
async fn counting(expires_s: u64, refuses: impl Fn(&Asked) -> bool + Send + Sync + 'static) -> FarEnd {
    let given = AtomicUsize::new(0);
    FarEnd::start(move |asked| match asked.path.as_str() {
        "/token" => token(&format!("token-{}", given.fetch_add(1, Ordering::SeqCst) + 1), expires_s),
        _ if refuses(asked) => Said::text(401, ""),
        _ => missing(),
    })
    .await
}

async fn reads(scene: &Scene) -> Result<bool, GatewayError> {
    scene.dynamics().released_order(Direction::Outbound, &usmf(), &shp()).await.map(|order| order.is_some())
}

#[tokio::test]
async fn one_token_serves_many_calls_and_is_asked_for_as_documented() {
    let end = counting(3600, |_| false).await;
    let scene = Scene::at(&end.url, "").await;
    for _ in 0..3 {
        assert!(!reads(&scene).await.unwrap());
    }
    assert_eq!(end.count("POST /token"), 1);
    let asked = end.asked();
    let scope = format!("{}/.default", end.url);
    let form = reqwest::Url::parse(&format!("http://x/?{}", asked[0].body)).unwrap();
    let form: Vec<(String, String)> = form.query_pairs().into_owned().collect();
    let expected = [
        ("grant_type", "client_credentials"),
        ("client_id", "drayline"),
        ("client_secret", "s3cret-value"),
        ("scope", scope.as_str()),
    ];
    assert_eq!(form, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(asked[1].header("authorization"), Some("Bearer token-1"));
}

#[tokio::test]
async fn a_token_is_renewed_before_it_expires() {
    let clock = Clock::set_at("2026-11-27T10:00:00Z".parse().unwrap(), 1);
    let end = counting(3600, |_| false).await;
    let scene = Scene::with_clock(&end.url, "gateways.token_margin_s = 100", &clock).await;
    reads(&scene).await.unwrap();
    clock.advance(Duration::from_secs(3499));
    reads(&scene).await.unwrap();
    assert_eq!(end.count("POST /token"), 1);
    clock.advance(Duration::from_secs(1));
    reads(&scene).await.unwrap();
    assert_eq!(end.count("POST /token"), 2);
    assert_eq!(end.asked().last().unwrap().header("authorization"), Some("Bearer token-2"));
}

#[tokio::test]
async fn many_calls_at_once_wait_for_one_renewal() {
    let end = counting(3600, |_| false).await;
    let scene = Scene::at(&end.url, "").await;
    let answers = futures_util::future::join_all((0..12).map(|_| reads(&scene))).await;
    assert!(answers.into_iter().all(|answer| answer.is_ok()));
    assert_eq!(end.count("POST /token"), 1);
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_and_the_call_made_once_more() {
    let end = counting(3600, |asked| asked.header("authorization") == Some("Bearer token-1")).await;
    let scene = Scene::at(&end.url, "").await;
    let answers = futures_util::future::join_all((0..8).map(|_| reads(&scene))).await;
    assert!(answers.into_iter().all(|answer| answer.is_ok()));
    assert_eq!(end.count("POST /token"), 2, "whoever was refused with the old token takes the new one");
}

#[tokio::test]
async fn a_second_refusal_ends_it() {
    let end = counting(3600, |_| true).await;
    let scene = Scene::at(&end.url, "").await;
    let error = reads(&scene).await.unwrap_err();
    assert_eq!(scene.dynamics_failure(&error).code, Code::DynamicsUnauthorised);
    assert_eq!((end.count("POST /token"), end.lines().len()), (2, 2));
}

#[tokio::test]
async fn what_the_token_service_refuses_is_told_in_its_words() {
    let body =
        json!({"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided."});
    let end = FarEnd::start(move |_| Said::json(401, &body)).await;
    let scene = Scene::at(&end.url, "").await;
    let failure = scene.dynamics_failure(&reads(&scene).await.unwrap_err());
    assert_eq!(failure.code, Code::DynamicsUnauthorised);
    assert_eq!(failure.detail.as_deref(), Some("AADSTS7000215: Invalid client secret provided."));
    assert_eq!(end.lines(), Vec::<String>::new(), "Dynamics itself was not called");
}

#[tokio::test]
async fn without_a_token_nothing_was_sent() {
    for said in [Said::text(503, ""), Said::Silence] {
        let end = FarEnd::start(move |_| said.clone()).await;
        let scene = Scene::at(&end.url, "gateways.call_ms_max = 500").await;
        let error = scene.dynamics().post_shipment(&super::scene::shipment()).await.unwrap_err();
        assert!(matches!(error, GatewayError::NotSent { why: NotSent::NoToken(_), .. }), "{error:?}");
        assert_eq!(scene.dynamics_failure(&error).code, Code::DynamicsUnavailable);
    }
}

#[tokio::test]
async fn whoever_waits_for_a_renewal_that_fails_gets_its_failure() {
    let failed = Mutex::new(false);
    let end = FarEnd::start(move |asked| match asked.path.as_str() {
        "/token" if !std::mem::replace(&mut *failed.lock().unwrap(), true) => Said::Silence,
        "/token" => token("token-2", 3600),
        _ => missing(),
    })
    .await;
    let scene = Scene::at(&end.url, "gateways.call_ms_max = 300").await;
    let answers = futures_util::future::join_all((0..5).map(|_| reads(&scene))).await;
    assert!(answers.into_iter().all(|answer| answer.is_err()));
    assert_eq!(end.count("POST /token"), 1);
    assert!(reads(&scene).await.is_ok(), "the next one asks again");
}

#[tokio::test]
async fn a_secret_that_cannot_be_had_is_told_and_nothing_is_sent() {
    let end = counting(3600, |_| false).await;
    let scene = Scene::at(&end.url, "").await;
    std::fs::remove_file(scene.secret()).unwrap();
    // The secret is read before it is missed; a file is looked at again after a second at the latest.
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    let mut looks = tokio::time::interval(Duration::from_millis(100));
    let failure = loop {
        looks.tick().await;
        let error = scene.warehouse().find_order(Direction::Outbound, "usmf-SHP0012-W1").await.unwrap_err();
        let failure = scene.warehouse().failure(&error, "find the order");
        if failure.code == Code::WarehouseUnauthorised {
            break failure;
        }
        assert!(tokio::time::Instant::now() < deadline, "{failure}");
    };
    assert!(failure.sentence.contains("the secret for north cannot be had"), "{failure}");
}
