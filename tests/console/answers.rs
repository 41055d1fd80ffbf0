//! Problems, headers, pages, limits: what is the same for every route.

use drayline::message::Flow;
use reqwest::Method;
use serde_json::json;

use super::scene::{Scene, both};
use crate::support::Backing;

#[tokio::test]
async fn whatever_is_wrong_with_a_request_is_a_problem() {
    let scene = Scene::start(Backing::Embedded, "console.body_bytes_max = 1000\n").await;
    let own = scene.own();
    let good = json!({ "name": "ann", "role": "viewer" });
    Scene::sent(scene.request(Method::GET, "/v1/nowhere")).await.is_problem(404, "not-found");
    Scene::sent(scene.request(Method::GET, "/")).await.is_problem(404, "not-found");
    let wrong = Scene::sent(scene.request(Method::PUT, "/v1/tokens")).await;
    wrong.is_problem(405, "wrong-method");
    let allowed = wrong.headers["allow"].to_str().unwrap();
    assert!(allowed.contains("GET") && allowed.contains("POST"), "{allowed}");
    let post = || scene.request(Method::POST, "/v1/tokens").bearer_auth(&own);
    let json = "application/json";
    Scene::sent(post().body("{}")).await.is_problem(415, "media-type");
    Scene::sent(post().header("content-type", "text/plain").body("{}")).await.is_problem(415, "media-type");
    let compressed = post().header("content-type", json).header("content-encoding", "gzip").body("{}");
    Scene::sent(compressed).await.is_problem(415, "media-type");
    for broken in ["", "{", "nonsense", "{}{}", "\u{feff}{}"] {
        Scene::sent(post().header("content-type", json).body(broken)).await.is_problem(400, "no-json");
    }
    let deep = "[".repeat(900);
    Scene::sent(post().header("content-type", json).body(deep)).await.is_problem(400, "no-json");
    Scene::sent(post().header("content-type", json).body(" ".repeat(1001))).await.is_problem(413, "too-large");
    Scene::sent(post().header("content-type", json).body(" ".repeat(100_000))).await.is_problem(413, "too-large");
    for (path, body) in [
        ("/", json!([])),
        ("/", json!({ "name": "ann" })),
        ("/", json!({ "name": "ann", "role": "viewer", "more": 1 })),
        ("/", json!({ "name": "ann", "role": "king" })),
        ("/name", json!({ "name": " ", "role": "viewer" })),
        ("/name", json!({ "name": "a\u{0}b", "role": "viewer" })),
        ("/name", json!({ "name": "a".repeat(101), "role": "viewer" })),
        ("/role", json!({ "name": "ann", "role": "administrator", "flows": ["orders"] })),
        ("/flows", json!({ "name": "ann", "role": "viewer", "flows": [] })),
        ("/", json!({ "name": "ann", "role": "viewer", "flows": ["oders"] })),
        ("/connections/0", json!({ "name": "ann", "role": "viewer", "connections": ["north"] })),
        ("/expires_at", json!({ "name": "ann", "role": "viewer", "expires_at": "2020-01-01T00:00:00Z" })),
        ("/expires_at", json!({ "name": "ann", "role": "viewer", "expires_at": "9020-01-01T00:00:00Z" })),
        ("/", json!({ "name": "ann", "role": "viewer", "expires_at": "tomorrow" })),
    ] {
        let answered = Scene::sent(post().json(&body)).await;
        answered.is_problem(422, "invalid-body");
        assert_eq!(answered.json()["problems"][0]["place"], path, "{answered:?}");
    }
    for query in
        ["limit=0", "limit=1001", "limit=many", "limit=1&limit=2", "cursor=x", "cursor=InoI", "colour=red", "%ff=1"]
    {
        scene.get(&own, &format!("/v1/tokens?{query}")).await.is_problem(400, "invalid-query");
    }
    for query in ["flow=oders", "since=yesterday", "who=a&who=b", "n=1"] {
        scene.get(&own, &format!("/v1/trail?{query}")).await.is_problem(400, "invalid-query");
    }
    scene.get(&own, "/v1/tokens/nobody").await.is_problem(404, "not-found");
    scene.get(&own, "/v1/tokens/%ff").await.is_problem(404, "not-found");
    scene.delete(&own, &format!("/v1/tokens/{}", uuid::Uuid::new_v4())).await.is_problem(404, "not-found");
    for key in [&*"k".repeat(256), "", "two words"] {
        let keyed = post().header("idempotency-key", key).json(&good);
        Scene::sent(keyed).await.is_problem(400, "invalid-header");
    }
    let user = scene.request(Method::GET, "/v1/me").bearer_auth(&own).header("drayline-user", " ");
    Scene::sent(user).await.is_problem(400, "invalid-header");
    scene.leave().await;
}

#[tokio::test]
async fn every_answer_tells_browsers_to_keep_out_and_keep_nothing() {
    let scene = Scene::start(Backing::Embedded, "").await;
    for path in ["/openapi.json", "/v1/me", "/v1/nowhere", scene.app.first_link().unwrap()] {
        let answered = Scene::sent(scene.request(Method::GET, path)).await;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
            ("x-frame-options", "DENY"),
        ] {
            assert_eq!(answered.headers[name], value, "{path}");
        }
        let policy = answered.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    }
    scene.leave().await;
}

#[tokio::test]
async fn a_token_that_asks_too_often_is_told_when_to_come_back() {
    let more = "console.requests_per_minute_max = 2\nconsole.requests_at_once_max = 3\n";
    let scene = Scene::start(Backing::Embedded, more).await;
    let (own, other) = (scene.own(), scene.given("viewer").await);
    for _ in 0..2 {
        assert_eq!(scene.get(&own, "/v1/me").await.status, 200);
    }
    let refused = scene.get(&own, "/v1/me").await;
    refused.is_problem(429, "too-many-requests");
    let after: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=31).contains(&after), "{after}");
    // Another token has a pace of its own.
    assert_eq!(scene.get(&other, "/v1/me").await.status, 200);
    scene.leave().await;
}

#[tokio::test]
async fn pages_show_everything_once() {
    both("", async |scene| {
        let own = scene.own();
        for _ in 0..5 {
            scene.given("viewer").await;
        }
        let (mut seen, mut path) = (Vec::new(), "/v1/tokens?limit=2".to_owned());
        loop {
            let page = scene.get(&own, &path).await.json();
            assert_eq!(page["total"], 5, "{page}");
            let items = page["items"].as_array().unwrap();
            assert!(items.len() <= 2);
            seen.extend(items.iter().map(|item| item["id"].as_str().unwrap().to_owned()));
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            path = format!("/v1/tokens?limit=2&cursor={cursor}");
        }
        let newest_first = seen.clone();
        seen.sort_unstable_by(|one, other| other.cmp(one));
        seen.dedup();
        assert_eq!((seen.len(), &seen), (5, &newest_first));
        scene.leave().await;
    })
    .await;
}

#[tokio::test]
async fn the_same_change_under_the_same_key_acts_once() {
    both("", async |scene| {
        let (own, other) = (scene.own(), scene.given("administrator").await);
        let ann = json!({ "name": "ann", "role": "viewer" });
        let give = |token: &str, key: &str, body: &serde_json::Value| {
            let request = scene.request(Method::POST, "/v1/tokens").bearer_auth(token);
            Scene::sent(request.header("idempotency-key", key).json(body))
        };
        let first = give(&own, "k1", &ann).await;
        let again = give(&own, "k1", &ann).await;
        assert_eq!((first.status, &first.text), (again.status, &again.text));
        assert_eq!((first.status.as_u16(), again.headers.contains_key("idempotent-replayed")), (201, true));
        assert_eq!(again.headers["content-type"], "application/json");
        assert_eq!(scene.get(&own, "/v1/tokens").await.json()["total"], 2);
        // Another body, and the same key of another person.
        give(&own, "k1", &json!({ "name": "bob", "role": "viewer" })).await.is_problem(422, "key-of-another-request");
        assert_eq!(give(&other, "k1", &ann).await.status, 201);
        // What failed did nothing and leaves the key free.
        give(&own, "k2", &json!({ "name": "ann", "role": "king" })).await.is_problem(422, "invalid-body");
        assert_eq!(give(&own, "k2", &ann).await.status, 201);
        // Nobody knows how it ended: the process was killed, say.
        scene.tamper("UPDATE api_answers SET status = NULL, answer = NULL").await;
        give(&own, "k2", &ann).await.is_problem(409, "outcome-unknown");
        let total = scene.get(&own, "/v1/tokens").await.json()["total"].as_u64();
        assert_eq!(total, Some(4));
        scene.leave().await;
    })
    .await;
}

/// The process was killed between the claim and the return, or the answer was for a token that is gone: the shop asks again.
#[tokio::test]
async fn a_return_is_asked_for_again_under_its_key_until_it_is_kept() {
    both("", async |scene| {
        let own = scene.own();
        let wish = json!({ "environment": "contoso", "legalEntity": "usmf", "customerAccount": "C-1",
            "lines": [{ "item": { "sku": "BOLT" }, "quantity": { "value": "1", "unit": "ea" } }] });
        let ask = |wish: &serde_json::Value| {
            let request = scene.request(Method::POST, "/v1/returns").bearer_auth(&own);
            Scene::sent(request.header("idempotency-key", "web-7").json(wish))
        };
        let first = ask(&wish).await;
        assert_eq!(first.status, 202, "{}", first.text);
        scene.tamper("UPDATE api_answers SET status = NULL, answer = NULL; DELETE FROM outbox").await;
        let again = ask(&wish).await;
        assert_eq!((again.status.as_u16(), &again.text), (202, &first.text));
        let kept = scene.app.store().outbox(Flow::Returns, 10).await.unwrap();
        assert_eq!(
            kept.iter().map(|row| json!(row.message_id)).collect::<Vec<_>>(),
            [again.json()["message_id"].clone()]
        );
        assert!(ask(&wish).await.headers.contains_key("idempotent-replayed"), "its answer is known again");
        let mut another = wish.clone();
        another["customerAccount"] = json!("C-2");
        ask(&another).await.is_problem(422, "key-of-another-request");
        scene.leave().await;
    })
    .await;
}

#[tokio::test]
async fn a_key_is_kept_for_the_configured_time() {
    let scene = Scene::start(Backing::Embedded, "console.answers_kept_s = 60\n").await;
    let own = scene.own();
    let give = || {
        let request = scene.request(Method::POST, "/v1/tokens").bearer_auth(&own).header("idempotency-key", "k");
        Scene::sent(request.json(&json!({ "name": "ann", "role": "viewer" })))
    };
    let first = give().await;
    scene.tamper("UPDATE api_answers SET begun_at = begun_at - 61000000").await;
    let later = give().await;
    assert!(later.status == 201 && later.text != first.text, "{later:?}");
    scene.leave().await;
}
