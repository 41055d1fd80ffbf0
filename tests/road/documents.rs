//! Lists of documents: how far each is, what became of a day, and what is missing of it.

use drayline::sandbox::WarehouseRules;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::world::{Making, World};
use crate::support::Backing;

const MONEY: &str =
    "[dynamics.contoso.outbound]\nvalue_field = \"OrderTotalAmount\"\ncurrency_field = \"CurrencyCode\"\n";

fn making() -> Making {
    Making { sections: MONEY.to_owned(), ..Making::default() }
}

async fn list(world: &World, options: &[&str]) -> Value {
    let (well, answer) = world.ask(&[&["documents", "list"], options].concat()).await;
    assert!(well, "{answer}");
    answer
}

async fn a_day_adds_up(backing: Backing) {
    let world = World::start(backing, making()).await;
    let day = Timestamp::now().strftime("%F").to_string();
    world.release(4).await;
    world.until_posted(4).await;
    let open = list(&world, &[]).await;
    assert_eq!((&open["documents"], &open["more"], &open["next"]), (&json!([]), &json!(0), &Value::Null));
    let first = list(&world, &["--state", "posted", "--limit", "3"]).await;
    assert_eq!((first["documents"].as_array().unwrap().len(), &first["more"]), (3, &json!(1)));
    let one = &first["documents"][0];
    assert_eq!((&one["kind"], &one["currency"], &one["warehouse"]), (&json!("order"), &json!("EUR"), &json!("north")));
    assert!(one["value"].as_str().unwrap().parse::<u32>().unwrap() >= 10, "{one}");
    assert!(one["promised_at"].as_str().unwrap() > one["released_at"].as_str().unwrap(), "{one}");
    assert!(one["number"].as_str().unwrap().starts_with("SO-"), "{one}");
    let rest = list(&world, &["--state", "posted", "--after", first["next"].as_str().unwrap()]).await;
    assert_eq!((rest["documents"].as_array().unwrap().len(), &rest["more"]), (1, &json!(0)));
    let whole = list(&world, &["--day", &day]).await;
    let orders = &whole["day"]["orders"];
    let wanted = json!({
        "released": 4, "accepted": 4, "rejected": 0, "shipped": 4, "posted": 4, "missing": 0, "states": { "posted": 4 },
    });
    assert_eq!(orders, &wanted);
    world.finish().await;
}

#[tokio::test]
async fn a_day_adds_up_embedded() {
    a_day_adds_up(Backing::Embedded).await;
}

#[tokio::test]
async fn a_day_adds_up_on_servers() {
    a_day_adds_up(Backing::Servers).await;
}

#[tokio::test]
async fn what_is_between_two_states_is_listed_oldest_first() {
    let warehouse = WarehouseRules { pick_ms: 600_000, ..WarehouseRules::default() };
    let world = World::start(Backing::Embedded, Making { warehouse, ..making() }).await;
    let mut ids = world.release(1).await;
    world.until("held", |_, warehouse| warehouse["held"] == 1).await;
    ids.extend(world.release(1).await);
    world
        .until("both held", |dynamics, warehouse| {
            warehouse["held"] == 2 && warehouse["pending_events"] == 0 && dynamics["pending_events"] == 0
        })
        .await;
    world.until_nothing_parked().await;
    let listed = crate::support::wait::until("both are accepted", async || {
        let listed = list(&world, &["--from", "accepted", "--before", "shipped"]).await;
        (listed["documents"].as_array().unwrap().len() == 2).then_some(listed)
    })
    .await;
    let keys: Vec<_> =
        listed["documents"].as_array().unwrap().iter().map(|each| each["document"].as_str().unwrap()).collect();
    assert!(keys[0].ends_with(&ids[0]) && keys[1].ends_with(&ids[1]), "{keys:?} {ids:?}");
    assert_eq!(list(&world, &["--older-than", "2h"]).await["documents"], json!([]));
    assert_eq!(list(&world, &["--warehouse", "south"]).await["documents"], json!([]));
    // What cannot be asked is said, with what can.
    let (well, answer) = world.ask(&["documents", "list", "--from", "rejected"]).await;
    assert!(!well && answer["error"].as_str().unwrap().contains("lies beside the road"), "{answer}");
    world.finish().await;
}
