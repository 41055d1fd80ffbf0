//! Goods without an RMA: what may be meant is suggested, a person picks, and it goes on by itself.

use drayline::console::TOKEN_FILE;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::parcels::{came, plainly, ship};
use super::returns::{ask, found, made_in_dynamics, making, mapped, wish};
use super::world::{Making, World};
use crate::support::Backing;
use crate::support::wait::until;

async fn world() -> World {
    mapped(Backing::Embedded, Making { warehouse: plainly(), ..making() }).await
}

/// The only exception, whole.
async fn shown(world: &World) -> Value {
    let exception = world.until_exceptions(1).await.remove(0);
    world.ask(&["exceptions", "show", &exception.id.to_string()]).await.1
}

fn suggested(shown: &Value) -> Vec<(&str, &str)> {
    let suggestions = shown["suggestions"].as_array().unwrap();
    suggestions.iter().map(|each| (each["kind"].as_str().unwrap(), each["number"].as_str().unwrap())).collect()
}

/// Runs what a suggestion says.
async fn pick(world: &World, suggestion: &Value) -> (bool, Value) {
    let command = suggestion["command"].as_str().unwrap().strip_prefix("drayline ").unwrap().to_owned();
    world.ask(&command.split(' ').collect::<Vec<_>>()).await
}

async fn until_credited(world: &World, notes: u64) {
    until("it is credited", async || (world.verdict().await.credit_notes == notes).then_some(())).await;
    world.until_nothing_parked().await;
    assert_eq!(world.exceptions(false).await.0, 0, "{:#?}", world.exceptions(false).await);
}

#[tokio::test]
async fn a_return_order_is_made_of_the_order_that_a_person_picks_and_made_once() {
    let world = Box::pin(world()).await;
    let tracking = ship(&world, 1).await;
    ship(&world, 2).await;
    let parcel = came("CUSTOMER", &tracking, &[("2", "RESTOCK", "OPENED")]);
    let id = found(&world, "", &parcel).await;
    let shown = shown(&world).await;
    // The other order holds the same item, and nothing says that it is meant.
    assert_eq!(suggested(&shown).len(), 1, "{shown:#}");
    let suggestion = &shown["suggestions"][0];
    assert_eq!((&suggestion["kind"], &suggestion["stands"]), (&json!("order"), &json!("posted")), "{suggestion}");
    assert_eq!(suggestion["why"], json!([format!("the tracking number {tracking}")]));
    assert!(shown["next_step"].as_str().unwrap().contains("drayline exceptions match"), "{shown:#}");
    let (picked, told) = pick(&world, suggestion).await;
    assert!(picked, "{told}");
    until_credited(&world, 1).await;
    let (_, order) = world.ask(&["documents", "show", &tracking]).await;
    assert!(order.to_string().contains("RET0000001"), "{order}");
    // Told again it is the same return order, and nobody is asked again.
    found(&world, &format!("/{id}"), &parcel).await;
    world.until("told", |_, warehouse| warehouse["pending_events"] == 0).await;
    until_credited(&world, 1).await;
    let state = world.to_dynamics.state().await.unwrap();
    assert_eq!(state["returns"].as_array().unwrap().len(), 1, "{state:#}");
    let verdict = world.finish().await;
    assert_eq!((verdict.credit_notes, verdict.on_hand_mismatches), (1, 0), "{:?}", verdict.mismatches);
}

#[tokio::test]
async fn an_announced_return_is_suggested_before_the_order_and_by_customer_and_item() {
    let world = Box::pin(world()).await;
    ship(&world, 1).await;
    let mut asked = wish("ITEM-1001", "2");
    asked["order"] = json!({ "orderNumber": "WEB-77" });
    assert_eq!(ask(&world, "web-1", &asked).await.0, StatusCode::ACCEPTED);
    world.until("announced", |_, warehouse| warehouse["returns"] == 1).await;
    made_in_dynamics(&world, &json!({"lines": [{"item": "ITEM-1002", "quantity": "2", "unit": "ea"}]})).await;
    world.until("announced", |_, warehouse| warehouse["returns"] == 2).await;
    world.until_nothing_parked().await;
    let mut parcel = came("CUSTOMER", "1Z999", &[("2", "RESTOCK", "NEW")]);
    parcel["order_number"] = json!("web-77");
    parcel["customer_account"] = json!("C00007");
    found(&world, "", &parcel).await;
    let shown = shown(&world).await;
    assert_eq!(suggested(&shown)[0], ("return_order", "RMA0000001"), "{shown:#}");
    assert_eq!(
        shown["suggestions"][0]["why"],
        json!(["web-77, which the goods name", "the customer C00007 with ITEM-1001"])
    );
    assert!(!suggested(&shown).contains(&("return_order", "RMA0000002")), "{shown:#}");
    let (picked, told) = pick(&world, &shown["suggestions"][0]).await;
    assert!(picked, "{told}");
    until_credited(&world, 1).await;
    world.leave().await;
}

/// The API is the same way in; what cannot be meant is said.
#[tokio::test]
async fn the_api_matches_and_says_why_it_does_not() {
    let world = Box::pin(world()).await;
    let tracking = ship(&world, 1).await;
    found(&world, "", &came("CUSTOMER", &tracking, &[("1", "RESTOCK", "NEW")])).await;
    let id = world.until_exceptions(1).await.remove(0).id;
    let token = std::fs::read_to_string(world.ground.data().join(TOKEN_FILE)).unwrap();
    let url = format!("http://{}/v1/exceptions/{id}/match", world.app().address("console").unwrap());
    let asked = async |choice: Value| {
        let request = reqwest::Client::new().post(&url).bearer_auth(token.trim()).json(&choice);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    assert_eq!(asked(json!({ "rma": "RMA1", "order": tracking })).await.0, 422);
    let (status, said) = asked(json!({ "order": "SO-NOWHERE" })).await;
    assert!(status == 409 && said["detail"].as_str().unwrap().contains("No order of contoso"), "{said}");
    let (status, said) = asked(json!({ "order": tracking })).await;
    assert_eq!((status, &said["done"]), (200, &json!([id])), "{said}");
    until_credited(&world, 1).await;
    let (status, said) = asked(json!({ "order": tracking })).await;
    assert_eq!(status, 409, "{said}");
    world.leave().await;
}
