//! Lists of documents: how far each is, what became of a day, and what is missing of it.

use drayline::sandbox::WarehouseRules;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::world::{Making, World};
use crate::support::Backing;
use crate::support::wait::until;

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

/// Every text in the keys of a shown document.
fn keys(document: &Value) -> Vec<String> {
    let texts = |value: &Value| match value {
        Value::Array(several) => several.iter().map(|each| each.as_str().unwrap().to_owned()).collect(),
        one => vec![one.as_str().unwrap().to_owned()],
    };
    document["keys"].as_object().unwrap().values().flat_map(texts).collect()
}

async fn one_order_is_found_by_all_its_keys(backing: Backing) {
    let world = World::start(backing, making()).await;
    let ids = world.release(2).await;
    world.until_posted(2).await;
    world.until_nothing_parked().await;
    let (_, shown) = world.ask(&["documents", "show", &ids[0]]).await;
    let whole = &shown["documents"][0];
    for label in [
        "reference",
        "warehouse_order",
        "request",
        "origin",
        "order_number",
        "shipment",
        "packing_slip",
        "tracking_number",
    ] {
        assert!(!whole["keys"][label].is_null(), "{label}: {whole}");
    }
    assert_eq!(
        (&whole["kind"], &whole["state"], &whole["legal_entity"]),
        (&json!("order"), &json!("posted"), &json!("usmf"))
    );
    for key in keys(whole).into_iter().chain([whole["document"].as_str().unwrap().to_owned()]) {
        // A document's own key is no name that people write.
        let written = if key.contains('/') { key.clone() } else { format!(" {} ", key.to_lowercase()) };
        let (well, found) = world.ask(&["documents", "show", &written]).await;
        assert!(well && found == shown, "{written}: {found}");
    }
    // The journey goes across both systems, with a message behind each step.
    let steps = whole["steps"].as_array().unwrap();
    for system in ["dynamics", "north"] {
        assert!(steps.iter().any(|step| step["system"] == system), "{system}: {whole}");
    }
    assert!(steps.iter().all(|step| step["message_id"].as_str().is_some_and(|id| id.len() == 36)), "{whole}");
    let output = world.program(&["documents", "show", &ids[0]]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let first = text.lines().next().unwrap();
    assert!(first.starts_with("order of usmf ") && first.ends_with(": posted"), "{text}");
    let last = steps.last().unwrap();
    let told =
        |line: &str| [&last["what"], &last["message_id"]].iter().all(|each| line.contains(each.as_str().unwrap()));
    assert!(told(text.lines().last().unwrap()), "{text}");
    world.finish().await;
}

#[tokio::test]
async fn one_order_is_found_by_all_its_keys_embedded() {
    one_order_is_found_by_all_its_keys(Backing::Embedded).await;
}

#[tokio::test]
async fn one_order_is_found_by_all_its_keys_on_servers() {
    one_order_is_found_by_all_its_keys(Backing::Servers).await;
}

#[tokio::test]
async fn what_nothing_could_be_done_about_is_found_by_the_numbers_that_it_names() {
    let world = World::start(Backing::Embedded, making()).await;
    // A document that Dynamics does not know, and a shipment of an order that nobody knows.
    world.post(&super::world::event_about("SHP-NOBODY-KNOWS")).await;
    let shipment = json!({
        "shipmentKey": "SH-STRAY", "order": { "reference": "usmf-SHP7777-W1", "orderNumber": "SO-STRAY" }, "isFinal": true,
        "packages": [{ "packageKey": "P1", "trackingNumber": "1Z-STRAY", "contents": [] }],
    });
    world.say_as_warehouse("shipment_confirmed", &shipment).await;
    world.until_exceptions(1).await;
    for key in ["shp-nobody-knows", "sh-stray", "so-stray", "1z-stray", "USMF-shp7777-w1"] {
        let shown = until("it is found", async || {
            let (well, shown) = world.ask(&["documents", "show", key]).await;
            well.then_some(shown)
        })
        .await;
        let documents = shown["documents"].as_array().unwrap();
        assert_eq!((documents.len(), &documents[0]["kind"]), (1, &json!("order")), "{key}: {shown}");
        let message = documents[0]["steps"].as_array().unwrap().last().unwrap()["message_id"].as_str().unwrap();
        let (_, parked) = world.exceptions(true).await;
        assert!(parked.iter().any(|each| each.id.to_string() == message), "{shown}");
    }
    let output = world.program(&["documents", "show", "SO-UNHEARD-OF"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("No document is known by SO-UNHEARD-OF. Searched were order numbers"), "{said}");
    world.leave().await;
}
