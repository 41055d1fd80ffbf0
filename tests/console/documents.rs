//! Documents over the API: a journey by any key, and lists that end where they should.

use serde_json::{Value, json};

use super::scene::{Scene, both};
use crate::road::world::{Making, World};
use crate::support::Backing;

/// Asks a product that runs as the command line on the same machine may.
async fn asked(world: &World, query: &str) -> Value {
    let token = std::fs::read_to_string(world.ground.data().join("command-line-token")).unwrap();
    let url = format!("http://{}/v1/documents?{query}", world.app().address("console").unwrap());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.get(url).bearer_auth(token).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{query}");
    answer.json().await.unwrap()
}

async fn found_and_listed(backing: Backing) {
    let world = World::start(backing, Making::default()).await;
    world.release(5).await;
    world.until_posted(5).await;
    // The same as the command line tells, by whatever name.
    let (_, told) = world.ask(&["documents", "show", "usmf-SHP0000002-W1"]).await;
    for key in ["usmf-SHP0000002-W1", "shp0000002", "SO-000002"] {
        let page = asked(&world, &format!("key={key}")).await;
        assert_eq!((&page["total"], &page["next_cursor"]), (&json!(1), &Value::Null), "{key}: {page}");
        assert_eq!(page["items"], told["documents"], "{key}");
    }
    assert_eq!(asked(&world, "key=SO-9").await, json!({ "total": 0, "items": [], "next_cursor": null }));
    // Page by page everything once, and the same as the command line lists.
    let (_, told) = world.ask(&["documents", "list", "--state", "posted"]).await;
    let (mut seen, mut query) = (Vec::new(), "state=posted&warehouse=north&limit=2".to_owned());
    loop {
        let page = asked(&world, &query).await;
        seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["document"].clone()));
        assert_eq!(page["total"], if seen.len() == 2 { json!(5) } else { Value::Null }, "{page}");
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        query = format!("state=posted&warehouse=north&limit=2&cursor={cursor}");
    }
    let told: Vec<_> =
        told["documents"].as_array().unwrap().iter().map(|document| document["document"].clone()).collect();
    assert_eq!((seen.len(), &seen), (5, &told));
    for nothing in ["", "state=released&state=rejected", "state=posted&older_than=1d", "state=posted&warehouse=south"] {
        assert_eq!(asked(&world, nothing).await["items"], json!([]), "{nothing}");
    }
    world.finish().await;
}

#[tokio::test]
async fn found_and_listed_embedded() {
    found_and_listed(Backing::Embedded).await;
}

#[tokio::test]
async fn found_and_listed_on_servers() {
    found_and_listed(Backing::Servers).await;
}

#[tokio::test]
async fn what_cannot_be_asked_is_told() {
    both("", async |scene| {
        let own = scene.own();
        for query in [
            "key=",
            "key=%20",
            "key=A&state=posted",
            "key=A&key=B",
            "key=A&cursor=x",
            "state=lost",
            "older_than=yesterday",
            "older_than=1d&older_than=2d",
            "warehouse=a&warehouse=b",
            "colour=red",
            "limit=0",
        ] {
            scene.get(&own, &format!("/v1/documents?{query}")).await.is_problem(400, "invalid-query");
        }
        Scene::sent(scene.request(reqwest::Method::GET, "/v1/documents")).await.is_problem(401, "token-missing");
        let limited = json!({ "name": "bob", "role": "viewer", "connections": ["contoso"] });
        let limited = scene.post(&own, "/v1/tokens", &limited).await.json();
        let limited = limited["token"].as_str().unwrap();
        for query in ["", "?key=SO-1", "?warehouse=north"] {
            scene.get(limited, &format!("/v1/documents{query}")).await.is_problem(403, "forbidden");
        }
        assert_eq!(scene.get(limited, "/v1/documents?warehouse=contoso").await.status, 200);
        scene.leave().await;
    })
    .await;
}
