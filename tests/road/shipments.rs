//! Shipments: confirmed by the warehouse, posted in Dynamics.

use drayline::exceptions::{Owners, show};
use drayline::sandbox::Faults;

use serde_json::json;
use uuid::Uuid;

use super::world::{Making, World};
use crate::support::{Backing, Ground};

/// Whom the simulated Dynamics sends goods to, and in which streets.
const PERSONS: [&str; 12] = [
    "Ada Example",
    "Zoë Müller",
    "José Núñez",
    "Siân O'Neill",
    "Kenji Sato",
    "Ola Nordmann",
    "High Street",
    "Rue de l'Église",
    "Hauptstraße",
    "Elm Road",
    "Calle Mayor",
    "Storgata",
];

/// Broken, seen, mended, replayed: the whole way of an exception.
async fn refused_mended_and_replayed(backing: Backing) {
    let world = World::start(backing, Making::default()).await;
    world.to_dynamics.disturb(&Faults { refuse_updates: 1.0, ..Faults::default() }).await.unwrap();
    world.release(3).await;
    world
        .until("shipped and refused", |dynamics, warehouse| {
            warehouse["shipped"] == 3
                && warehouse["steps_due"] == 0
                && warehouse["pending_events"] == 0
                && dynamics["updates_failed"] == dynamics["updates"]
        })
        .await;
    // An update of each shipment and lot was refused; those that stand behind a refused one wait for it.
    let exceptions = world.until_exceptions_at_least(3).await;
    for each in &exceptions {
        assert_eq!(each.code, "dynamics.posting_failed");
        assert!(each.next_step.contains("Dynamics"), "{each:?}");
        let shown = show(&world.store().await, &Owners::new(), each.id).await.unwrap().unwrap();
        assert!(shown.detail.unwrap().contains("fiscal period"));
        what_was_said(&world, each.id).await;
    }

    world.to_dynamics.disturb(&Faults::default()).await.unwrap();
    world.to_dynamics.process_again().await.unwrap();
    world.until("processed", |dynamics, _| dynamics["posted"] == 3 && dynamics["updates_waiting"] == 0).await;
    while let (1.., exceptions) = world.exceptions(false).await {
        for each in exceptions {
            world.store().await.replay(each.id, "a test").await.unwrap();
        }
    }
    world.until_posted(3).await;
    assert_eq!(world.exceptions(true).await.0, 0);
    world.finish().await;
}

/// Each failed attempt shows what was sent to Dynamics and what it answered.
async fn what_was_said(world: &World, id: Uuid) {
    let (_, shown) = world.ask(&["exceptions", "show", &id.to_string()]).await;
    let tried = shown["tried"].as_array().unwrap();
    let mut said = tried.iter().flat_map(|attempt| attempt["exchanges"].as_array().unwrap());
    let refused = said.find(|each| each["answer"].as_str().unwrap_or_default().contains("fiscal period"));
    let refused = refused.unwrap_or_else(|| panic!("{shown:#}"));
    assert_eq!((&refused["connection"], &refused["status"]), (&json!("contoso"), &json!(200)), "{refused}");
    let mut page = world.program(&["exceptions", "show", &id.to_string()]);
    let output = tokio::task::spawn_blocking(move || page.output().unwrap()).await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (method, path) = (refused["method"].as_str().unwrap(), refused["path"].as_str().unwrap());
    let line = format!("    {method} {path}  200  {} ms", refused["ms"]);
    assert!(text.lines().any(|each| each == line), "{line} in\n{text}");
}

/// The order that Dynamics shows names a person, whom nothing that is kept of the attempt does.
async fn nobody_is_named(backing: Backing) {
    let mut world = World::set(Ground::fresh(backing).await, Making::default()).await;
    // Its unit means nothing to the warehouse: the order is read, and not sent.
    let unit = ["mapping", "set", "unit", "connection=north", "warehouse=each", "--reason", "a test"];
    assert!(world.ask(&unit).await.0);
    world.start_product().await;
    world.to_dynamics.release_lines(&json!([{ "item": "ITEM-77", "quantity": "5", "unit": "Case" }])).await.unwrap();
    for each in world.until_exceptions_at_least(1).await {
        let (_, shown) = world.ask(&["exceptions", "show", &each.id.to_string()]).await;
        let said = shown["tried"][0]["exchanges"].to_string();
        assert!(said.contains("***"), "{shown:#}");
        for hidden in PERSONS.into_iter().chain(["Bearer", "\"access_token"]) {
            assert!(!said.contains(hidden), "{hidden} in {said}");
        }
    }
    world.leave().await;
}

#[tokio::test]
async fn what_failed_attempts_keep_names_nobody_embedded() {
    nobody_is_named(Backing::Embedded).await;
}

#[tokio::test]
async fn what_failed_attempts_keep_names_nobody_on_servers() {
    nobody_is_named(Backing::Servers).await;
}

#[tokio::test]
async fn an_update_that_dynamics_refuses_is_an_exception_and_is_posted_once_replayed_embedded() {
    refused_mended_and_replayed(Backing::Embedded).await;
}

#[tokio::test]
async fn an_update_that_dynamics_refuses_is_an_exception_and_is_posted_once_replayed_on_servers() {
    refused_mended_and_replayed(Backing::Servers).await;
}
