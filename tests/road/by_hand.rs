//! Done by hand: an order that the warehouse refused and that a person entered there is never created by us.

use drayline::sandbox::Effect;
use serde_json::{Value, json};

use super::world::{Making, World};
use crate::support::wait::until;
use crate::support::{Backing, Ground};

/// The warehouse sets items up, or forgets them.
async fn items(world: &World, how: &Value) {
    let url = format!("{}/sandbox/items", world.warehouse.url());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    assert!(client.post(url).json(how).send().await.unwrap().status().is_success());
}

/// How many orders the warehouse was made to create.
async fn created(world: &World) -> usize {
    let rows = world.to_warehouse.ledger(0).await.unwrap();
    rows.iter().filter(|row| row.effect == Effect::Created && row.path == "/orders").count()
}

/// The exit code of a command.
async fn code(world: &World, arguments: &[&str]) -> Option<i32> {
    let mut command = world.program(arguments);
    tokio::task::spawn_blocking(move || command.output().unwrap().status.code()).await.unwrap()
}

async fn entered_by_hand(backing: Backing) {
    let world = World::set(Ground::fresh(backing).await, Making::default()).await;
    let product = world.spawn().await;
    items(&world, &json!({ "unknown": ["ITEM-77"] })).await;
    for _ in 0..2 {
        world.to_dynamics.release_lines(&json!([{ "item": "ITEM-77", "quantity": "5", "unit": "ea" }])).await.unwrap();
    }
    let exceptions = world.until_exceptions(2).await;
    assert!(exceptions.iter().all(|each| each.code == "warehouse.refused"), "{exceptions:#?}");
    // The messages name documents alone; the lines of these name items.
    for (item, found) in [("ITEM-77", 2), ("ITEM-78", 0)] {
        let (_, listed) = world.ask(&["exceptions", "list", "--item", item]).await;
        assert_eq!(listed["total"], found, "{listed}");
    }
    assert!(exceptions.iter().all(|each| each.items.contains(&"ITEM-77".to_owned())), "{exceptions:#?}");
    let id = exceptions[0].id.to_string();
    let resolve = ["exceptions", "resolve", &id];

    // A verdict is one of both, and about something.
    assert_eq!(code(&world, &resolve).await, Some(2));
    assert_eq!(code(&world, &[&resolve[..], &["--exists-as", "WH-77", "--did-not-happen"]].concat()).await, Some(2));
    assert_eq!(code(&world, &[&resolve[..], &["--exists-as", " "]].concat()).await, Some(2));
    let (done, told) = world.ask(&[&resolve[..], &["--did-not-happen"]].concat()).await;
    assert!(!done && told["sentence"].as_str().unwrap().contains("replay it instead"), "{told}");
    let nobody = "00000000-0000-4000-8000-000000000000";
    let (done, told) = world.ask(&["exceptions", "resolve", nobody, "--exists-as", "WH-77"]).await;
    assert!(!done && told["sentence"].as_str().unwrap().contains("Nothing is known"), "{told}");

    // From now on the warehouse would take it, if it were asked.
    items(&world, &json!({ "known": ["ITEM-77"] })).await;
    let (done, told) = world.ask(&[&resolve[..], &["--exists-as", "WH-77"]].concat()).await;
    assert!(done, "{told}");
    let shown = until("it is resolved", async || {
        let (_, shown) = world.ask(&["exceptions", "show", &id]).await;
        (shown["status"] == "resolved").then_some(shown)
    })
    .await;
    let history = shown["history"].as_array().unwrap();
    assert!(history.iter().any(|act| act["act"] == "resolved" && act["what"] == "It exists as WH-77."), "{shown}");
    let (again, told) = world.ask(&["replay", "start", "--message", &id]).await;
    assert!(!again && told["sentence"].as_str().unwrap().contains("Applied"), "{told}");
    let (again, told) = world.ask(&[&resolve[..], &["--exists-as", "WH-78"]].concat()).await;
    assert!(!again && told["sentence"].as_str().unwrap().contains("resolved already"), "{told}");
    assert_eq!(created(&world).await, 0);

    // The API says the same of the other one, and refuses what is no verdict.
    let other = exceptions[1].id;
    let token = std::fs::read_to_string(world.ground.data().join("command-line-token")).unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let post = async |path: &str, body: Value| {
        let url = format!("http://{}{path}", product.addresses["console"]);
        let answer = client.post(url).bearer_auth(&token).json(&body).send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let path = format!("/v1/exceptions/{other}/resolve");
    for wrong in [json!({}), json!({ "exists_as": "1", "did_not_happen": true }), json!({ "did_not_happen": false })] {
        assert_eq!(post(&path, wrong).await.0, 422);
    }
    assert_eq!(post(&path, json!({ "did_not_happen": true })).await.0, 409);

    // More than one are discarded in earnest only when somebody says so.
    let discard = ["exceptions", "discard", "--code", "warehouse.refused", "--reason", "entered by hand"];
    let (_, told) = world.ask(&discard).await;
    assert_eq!(
        (&told["discarded"], &told["would_discard"][0]["id"]),
        (&json!(false), &json!(other.to_string())),
        "{told}"
    );
    let filter = json!({ "filter": "code=warehouse.refused", "reason": "a test", "dry_run": true });
    let (status, told) = post("/v1/exceptions/discard", filter).await;
    assert_eq!(
        (status, &told["done"], &told["would_discard"]),
        (200, &json!([]), &json!([other.to_string()])),
        "{told}"
    );
    assert_eq!(world.exceptions(false).await.0, 1);

    assert_eq!(post(&path, json!({ "exists_as": "WH-79" })).await.0, 200);
    until("nothing is left", async || (world.exceptions(false).await.0 == 0).then_some(())).await;
    assert_eq!(created(&world).await, 0, "nothing was created by us");
    let (whole, verified) = world.ask(&["trail", "verify"]).await;
    assert!(whole, "{verified}");
    product.stop().await;
    world.leave().await;
}

#[tokio::test]
async fn what_a_person_entered_is_never_created_embedded() {
    entered_by_hand(Backing::Embedded).await;
}

#[tokio::test]
async fn what_a_person_entered_is_never_created_on_servers() {
    entered_by_hand(Backing::Servers).await;
}
