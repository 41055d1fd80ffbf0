//! Tokens, roles, limits, and the link of the first administrator.

use drayline::console::{TOKEN_FILE, USER};
use reqwest::Method;
use serde_json::{Value, json};

use super::scene::{Scene, both};
use crate::support::Backing;

#[tokio::test]
async fn a_token_is_good_until_it_expires_or_is_taken_back() {
    both("", async |scene| {
        let own = scene.own();
        Scene::sent(scene.request(Method::GET, "/v1/me")).await.is_problem(401, "token-missing");
        let basic = scene.request(Method::GET, "/v1/me").basic_auth("ann", Some("x"));
        Scene::sent(basic).await.is_problem(401, "token-missing");
        let unknown = scene.get(&format!("drayline_{}", "0".repeat(64)), "/v1/me").await;
        unknown.is_problem(401, "token-unknown");
        assert_eq!(unknown.headers["www-authenticate"], "Bearer realm=\"drayline\"");
        scene.get("something-else", "/v1/me").await.is_problem(401, "token-unknown");

        let given = scene.post(&own, "/v1/tokens", &json!({ "name": "ann", "role": "operator" })).await.json();
        let (token, id) = (given["token"].as_str().unwrap(), given["id"].as_str().unwrap());
        let me = scene.get(token, "/v1/me").await.json();
        assert_eq!(me, json!({ "name": "ann", "role": "operator", "flows": null, "connections": null }));
        let listed = scene.get(&own, "/v1/tokens").await;
        assert!(listed.text.contains(id) && !listed.text.contains(token), "{listed:?}");

        scene.tamper("UPDATE api_tokens SET expires_at = made_at + 1").await;
        let expired = scene.get(token, "/v1/me").await;
        expired.is_problem(401, "token-expired");
        assert!(expired.json()["next_step"].as_str().unwrap().contains("POST /v1/tokens"));

        let other = scene.given("viewer").await;
        let id = scene.get(&own, "/v1/tokens?limit=1").await.json()["items"][0]["id"].as_str().unwrap().to_owned();
        for _ in 0..2 {
            let taken = scene.delete(&own, &format!("/v1/tokens/{id}")).await;
            assert_eq!(taken.status, 200);
            assert_eq!(taken.json()["revoked_by"], "command line");
        }
        scene.get(&other, "/v1/me").await.is_problem(401, "token-revoked");
        assert!(scene.get(&own, &format!("/v1/tokens/{id}")).await.json()["revoked_at"].is_string());
        scene.leave().await;
    })
    .await;
}

#[tokio::test]
async fn nobody_does_what_the_role_does_not_allow() {
    let scene = Scene::start(Backing::Embedded, "").await;
    let wanted = json!({ "name": "mallory", "role": "administrator" });
    for role in ["viewer", "operator", "approver"] {
        let token = scene.given(role).await;
        let refused = scene.post(&token, "/v1/tokens", &wanted).await;
        refused.is_problem(403, "forbidden");
        let detail = refused.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("administrator") && detail.contains(role), "{detail}");
        scene.get(&token, "/v1/trail").await.is_problem(403, "forbidden");
        assert_eq!(scene.get(&token, "/v1/me").await.status, 200);
    }
    assert_eq!(scene.get(&scene.own(), "/v1/tokens").await.json()["total"], 3);
    scene.leave().await;
}

#[tokio::test]
async fn what_a_token_is_limited_to_is_told() {
    both("", async |scene| {
        let wanted = json!({ "name": "ann", "role": "operator", "flows": ["orders"], "connections": ["contoso"] });
        let token = scene.post(&scene.own(), "/v1/tokens", &wanted).await.json()["token"].as_str().unwrap().to_owned();
        assert_eq!(scene.get(&token, "/v1/me").await.json(), wanted);
        scene.leave().await;
    })
    .await;
}

#[tokio::test]
async fn the_link_gives_one_administrator_once() {
    both("", async |scene| {
        let link = scene.app.first_link().unwrap().to_owned();
        // Whoever only looks, a preview of a chat say, uses nothing up.
        for _ in 0..2 {
            let page = Scene::sent(scene.request(Method::GET, &link)).await;
            assert_eq!((page.status.as_u16(), page.text.matches("<button>").count()), (200, 1));
        }
        let wrong = link.replace(&link[link.len() - 8..], "00000000");
        Scene::sent(scene.request(Method::GET, &wrong)).await.is_problem(404, "not-found");
        Scene::sent(scene.request(Method::POST, &wrong)).await.is_problem(404, "not-found");

        let uses = || Scene::sent(scene.request(Method::POST, &link));
        let (one, other) = tokio::join!(uses(), uses());
        let (given, late) = if one.status == 201 { (one, other) } else { (other, one) };
        assert_eq!(given.status, 201, "{given:?}");
        late.is_problem(410, "link-over");
        uses().await.is_problem(410, "link-over");
        Scene::sent(scene.request(Method::GET, &link)).await.is_problem(410, "link-over");
        let token = given.json()["token"].as_str().unwrap().to_owned();
        assert_eq!(scene.get(&token, "/v1/me").await.json()["role"], "administrator");
        assert!(!scene.get(&token, "/v1/trail").await.text.contains(&token));

        // The next start sees that there is one, and a link anew when there is none.
        let scene = Scene::on(scene.stop().await, "").await;
        assert_eq!(scene.app.first_link(), None);
        let id = scene.get(&token, "/v1/tokens").await.json()["items"][0]["id"].as_str().unwrap().to_owned();
        assert_eq!(scene.delete(&token, &format!("/v1/tokens/{id}")).await.status, 200);
        let scene = Scene::on(scene.stop().await, "").await;
        assert!(scene.app.first_link().is_some_and(|again| again != link));
        scene.leave().await;
    })
    .await;
}

#[tokio::test]
async fn a_browser_is_shown_the_token_and_an_old_link_is_over() {
    let scene = Scene::start(Backing::Embedded, "").await;
    let link = scene.app.first_link().unwrap().to_owned();
    scene.tamper("UPDATE api_first_links SET expires_at = 1").await;
    Scene::sent(scene.request(Method::POST, &link)).await.is_problem(410, "link-over");
    scene.tamper("UPDATE api_first_links SET expires_at = 4000000000000000").await;
    let page = Scene::sent(scene.request(Method::POST, &link).header("accept", "text/html,*/*")).await;
    assert!(page.status == 201 && page.text.contains("<code>drayline_"), "{page:?}");
    assert!(page.headers["content-type"].to_str().unwrap().starts_with("text/html"));
    scene.leave().await;
}

#[tokio::test]
async fn the_command_line_of_this_machine_needs_no_token_of_its_own() {
    use std::os::unix::fs::PermissionsExt as _;
    let scene = Scene::start(Backing::Embedded, "").await;
    let file = scene.ground.data().join(TOKEN_FILE);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let own = scene.own();
    let ask = scene.request(Method::GET, "/v1/me").bearer_auth(&own).header(USER, "ann");
    let me = Scene::sent(ask).await.json();
    assert_eq!((&me["name"], &me["role"]), (&json!("ann (command line)"), &json!("administrator")));
    // Nobody else names themselves.
    let token = scene.given("viewer").await;
    let ask = scene.request(Method::GET, "/v1/me").bearer_auth(&token).header(USER, "ann");
    assert_eq!(Scene::sent(ask).await.json()["name"], "a viewer");
    let addresses: Value =
        serde_json::from_slice(&std::fs::read(scene.ground.data().join("addresses.json")).unwrap()).unwrap();
    assert_eq!(format!("http://{}", addresses["console"].as_str().unwrap()), scene.base);

    let scene = Scene::on(scene.stop().await, "").await;
    assert_ne!(scene.own(), own);
    scene.get(&own, "/v1/me").await.is_problem(401, "token-unknown");
    let ground = scene.stop().await;
    assert!(!ground.data().join(TOKEN_FILE).exists());
    ground.leave().await;
}
