//! What is not sent, what is silence, and what is too much.

use std::time::Duration;

use drayline::failure::{Class, Code};
use drayline::gateways::{Direction, GatewayError, NotSent};
use serde_json::json;

use super::far_end::{FarEnd, Said};
use super::scene::{Scene, order, shp, usmf};

/// A port on which nobody listens.
async fn nobody() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[tokio::test]
async fn a_far_end_that_nobody_serves_is_unavailable_and_nothing_was_sent() {
    let scene = Scene::at(&nobody().await, "").await;
    let error = scene.warehouse().create_order(&order()).await.unwrap_err();
    assert!(matches!(error, GatewayError::NotSent { why: NotSent::Unreachable { .. }, .. }), "{error:?}");
    let failure = scene.warehouse().failure(&error, "create the order usmf-SHP0012-W1");
    assert_eq!(failure.code, Code::WarehouseUnavailable);
    assert!(failure.sentence.starts_with("Could not create the order usmf-SHP0012-W1: north cannot be reached at"));
    let error = scene.dynamics().released_order(Direction::Outbound, &usmf(), &shp()).await.unwrap_err();
    assert_eq!(scene.dynamics_failure(&error).code, Code::DynamicsUnavailable);
}

#[tokio::test]
async fn a_name_that_leads_nowhere_is_unavailable() {
    let scene = Scene::at("http://no-such-host.invalid:1", "").await;
    assert_eq!(scene.create_code().await, Code::WarehouseUnavailable);
}

#[tokio::test]
async fn private_addresses_are_not_called_whether_written_out_or_behind_a_name() {
    let end = FarEnd::start(|_| Said::text(200, "{}")).await;
    let port = end.url.rsplit_once(':').unwrap().1.to_owned();
    let hosts = ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "169.254.169.254", "10.1.2.3"];
    for host in hosts.into_iter().chain(["[fd00:ec2::254]", "[fe80::1]", "100.100.100.200", "0.0.0.0"]) {
        let scene = Scene::at(&format!("http://{host}:{port}"), "gateways.private_addresses = false").await;
        let error = scene.warehouse().create_order(&order()).await.unwrap_err();
        let private = matches!(error, GatewayError::NotSent { why: NotSent::PrivateAddress { .. }, .. });
        assert!(private, "{host}: {error:?}");
        let failure = scene.warehouse().failure(&error, "create the order");
        assert!(failure.sentence.contains("gateways.private_addresses"), "{}", failure.sentence);
    }
    assert!(end.asked().is_empty());
}

#[tokio::test]
async fn silence_after_a_changing_call_is_unsure_and_after_a_reading_one_unavailable() {
    let end = FarEnd::start(|_| Said::Silence).await;
    let scene = Scene::at(&end.url, "gateways.call_ms_max = 500").await;
    let created = scene.create_failure().await;
    assert_eq!((created.code, created.class()), (Code::WarehouseUnsure, Class::Unsure));
    let found = scene.find_failure().await;
    assert_eq!((found.code, found.class()), (Code::WarehouseUnavailable, Class::Busy));
    assert_eq!(end.lines(), ["POST /orders", "GET /orders"]);
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_call_is_unsure_and_nothing_is_repeated() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let mut calls = 0;
        for answer in ["", "HTTP/1.1 201 Created\r\ncontent-length: 500\r\n\r\n{\"id\":"] {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut bytes = [0; 4096];
            assert!(stream.read(&mut bytes).await.unwrap() > 0);
            calls += 1;
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
        calls
    });
    let scene = Scene::at(&url, "").await;
    assert_eq!(scene.create_code().await, Code::WarehouseUnsure, "closed without an answer");
    assert_eq!(scene.create_code().await, Code::WarehouseUnsure, "closed within the answer");
    assert_eq!(serving.await.unwrap(), 2);
}

#[tokio::test]
async fn server_errors_are_unsure_after_a_changing_call_and_unavailable_after_a_reading_one() {
    for status in [500, 502, 503, 504, 408] {
        let end = FarEnd::start(move |_| Said::text(status, "down")).await;
        let scene = Scene::at(&end.url, "").await;
        assert_eq!(scene.create_code().await, Code::WarehouseUnsure, "{status}");
        assert_eq!(scene.find_failure().await.code, Code::WarehouseUnavailable, "{status}");
    }
}

#[tokio::test]
async fn refusals_keep_their_status_and_the_far_ends_words() {
    let cases = [
        (401, Code::WarehouseUnauthorised),
        (403, Code::WarehouseRefused),
        (404, Code::WarehouseRefused),
        (412, Code::WarehouseRefused),
        (422, Code::WarehouseRefused),
        (302, Code::WarehouseRefused),
    ];
    for (status, code) in cases {
        let body = json!({"error": {"code": "X", "message": "The SKU D0001 is unknown."}});
        let end = FarEnd::start(move |_| Said::json(status, &body).with("location", "http://elsewhere.example/")).await;
        let scene = Scene::at(&end.url, "").await;
        let failure = scene.create_failure().await;
        assert_eq!(failure.code, code, "{status}");
        assert_eq!(failure.detail.as_deref(), Some("The SKU D0001 is unknown."), "{status}");
        assert_eq!(end.lines().len(), 1, "no redirect is followed, nothing is repeated");
    }
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_not_read() {
    let body = format!("{{\"orders\": [], \"more\": \"{}\"}}", "x".repeat(2000));
    let end = FarEnd::start(move |_| Said::text(200, &body)).await;
    let scene = Scene::at(&end.url, "gateways.response_bytes_max = 1000").await;
    let read = scene.find_failure().await;
    assert_eq!(read.code, Code::WarehouseAnswerUnreadable);
    assert!(read.detail.unwrap().contains("larger than 1000 bytes"));
    assert_eq!(scene.create_code().await, Code::WarehouseUnsure, "the order may have been created");
}

#[tokio::test]
async fn an_answer_that_makes_no_sense_is_unsure_after_a_changing_call() {
    let end = FarEnd::start(|_| Said::text(200, "<html>Welcome</html>")).await;
    let scene = Scene::at(&end.url, "").await;
    assert_eq!(scene.create_code().await, Code::WarehouseUnsure);
    assert_eq!(scene.find_failure().await.code, Code::WarehouseAnswerUnreadable);
}

#[tokio::test]
async fn no_more_calls_run_at_a_time_than_configured() {
    let end = FarEnd::start(|_| Said::Silence).await;
    let scene = Scene::at(&end.url, "gateways.calls_at_once_max = 2").await;
    let calls = futures_util::future::join_all(
        (0..6).map(|_| scene.warehouse().find_order(Direction::Outbound, "usmf-SHP0012-W1")),
    );
    let watched = async {
        let mut looks = tokio::time::interval(Duration::from_millis(10));
        while end.lines().len() < 2 {
            looks.tick().await;
        }
        // Long enough for the others, if nothing held them back.
        for _ in 0..20 {
            looks.tick().await;
        }
    };
    tokio::select! {
        _ = calls => panic!("nobody is answered"),
        () = watched => {}
    }
    assert_eq!(end.lines().len(), 2);
}

#[tokio::test]
async fn a_call_that_finds_no_room_until_its_deadline_was_not_sent() {
    let end = FarEnd::start(|_| Said::Silence).await;
    let more = "gateways.calls_at_once_max = 1\ngateways.call_ms_max = 300";
    let scene = Scene::at(&end.url, more).await;
    let order = order();
    let (first, second) = tokio::join!(scene.warehouse().create_order(&order), scene.warehouse().create_order(&order));
    let codes = [first, second].map(|answer| scene.warehouse().failure(&answer.unwrap_err(), "create it").code);
    assert!(codes.contains(&Code::WarehouseUnsure), "{codes:?}");
    assert!(!codes.contains(&Code::WarehouseRefused), "{codes:?}");
}

#[tokio::test]
async fn what_is_shown_of_errors_holds_no_secret() {
    let end = FarEnd::start(|_| Said::Silence).await;
    let scene = Scene::at(&end.url, "gateways.call_ms_max = 500").await;
    let error = scene.warehouse().create_order(&order()).await.unwrap_err();
    let shown = format!("{error:?} {error} {}", scene.warehouse().failure(&error, "create the order"));
    assert!(!shown.contains("s3cret-value"), "{shown}");
    assert_eq!(end.asked()[0].header("authorization"), Some("Bearer s3cret-value"));
}

#[tokio::test]
async fn every_call_is_counted_with_its_status() {
    let scrape = drayline::telemetry::Scrape::start();
    let end = FarEnd::start(|_| Said::text(418, "")).await;
    let scene = Scene::at(&end.url, "").await;
    assert_eq!(scene.find_failure().await.code, Code::WarehouseRefused);
    let line = "drayline_far_end_calls_total{connection=\"north\",status=\"418\"} 1";
    assert!(scrape.text().contains(line), "{}", scrape.text());
}
