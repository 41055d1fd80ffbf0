//! What tokens do not allow is refused where exceptions and campaigns are concerned, and nothing is done.

use serde_json::json;

use super::scene::{Scene, both};

const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

#[tokio::test]
async fn who_may_look_may_not_replay() {
    both("", async |scene| {
        let token = scene.given("viewer").await;
        assert_eq!(scene.get(&token, "/v1/exceptions").await.json()["total"], 0);
        assert_eq!(scene.get(&token, "/v1/replays").await.status, 200);
        let everything = json!({ "filter": "" });
        for (path, body) in [
            (format!("/v1/exceptions/{NOBODY}/replay"), json!({})),
            (format!("/v1/exceptions/{NOBODY}/resolve"), json!({ "exists_as": "1" })),
            ("/v1/exceptions/discard".to_owned(), json!({ "messages": [NOBODY], "reason": "a test" })),
            ("/v1/exceptions/work".to_owned(), json!({ "messages": [NOBODY], "do": { "note": "a test" } })),
            ("/v1/replays".to_owned(), everything.clone()),
            (format!("/v1/replays/{NOBODY}/start"), json!({})),
        ] {
            scene.post(&token, &path, &body).await.is_problem(403, "forbidden");
        }
        assert_eq!(scene.get(&token, "/v1/replays").await.json()["items"], json!([]));
        let wrong = format!("/v1/replays/{NOBODY}/messages?outcome=lost");
        scene.get(&token, &wrong).await.is_problem(400, "invalid-query");
        let token = scene.given("operator").await;
        scene.post(&token, &format!("/v1/exceptions/{NOBODY}/replay"), &json!({})).await.is_problem(404, "not-found");
        let silent = json!({ "messages": [NOBODY], "do": { "tag": " " } });
        scene.post(&token, "/v1/exceptions/work", &silent).await.is_problem(422, "invalid-body");
        // Either messages or a filter, and neither is nothing.
        for chosen in [
            json!({ "filter": "flow=orders", "messages": [] }),
            json!({ "filter": "flow=orders", "messages": null }),
            json!({ "filter": "flow=orders", "messages": [NOBODY] }),
            json!({ "messages": [] }),
            json!({}),
        ] {
            let mut body = chosen;
            body["reason"] = json!("a test");
            scene.post(&token, "/v1/exceptions/discard", &body).await.is_problem(422, "invalid-body");
        }
        assert_eq!(scene.post(&token, "/v1/replays", &everything).await.status, 201);
        scene.leave().await;
    })
    .await;
}

#[tokio::test]
async fn a_limited_token_sees_what_it_is_limited_to_alone() {
    both("", async |scene: Scene| {
        let wanted = json!({ "name": "ann", "role": "operator", "flows": ["orders"], "connections": ["contoso"] });
        let token = scene.post(&scene.own(), "/v1/tokens", &wanted).await.json()["token"].as_str().unwrap().to_owned();
        for query in ["", "?flow=orders", "?connection=contoso", "?flow=shipments&connection=contoso"] {
            scene.get(&token, &format!("/v1/exceptions{query}")).await.is_problem(403, "forbidden");
        }
        assert_eq!(scene.get(&token, "/v1/exceptions?flow=orders&connection=contoso").await.json()["total"], 0);
        let planned = scene.post(&token, "/v1/replays", &json!({ "filter": "flow=orders,connection=contoso" })).await;
        planned.is_problem(403, "forbidden");
        assert_eq!(scene.get(&scene.own(), "/v1/replays").await.json()["items"], json!([]));
        scene.leave().await;
    })
    .await;
}
