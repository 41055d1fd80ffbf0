//! What Dynamics' version cannot take: told at the start for the whole environment, and by what comes to need it.

use std::net::SocketAddr;

use drayline::app::{App, Roles};
use drayline::clock::Clock;
use drayline::message::Flow;
use drayline::sandbox::{Faults, FinanceOperationsRules};
use serde_json::{Value, json};

use super::world::{Making, World};
use crate::support::wait::until;
use crate::support::{Backing, Ground};

fn lacking(names: &[&str], dynamics_toml: &str) -> Making {
    let lacks = names.iter().map(|name| (*name).to_owned()).collect();
    let dynamics = FinanceOperationsRules { lacks, ..FinanceOperationsRules::default() };
    Making { dynamics, dynamics_toml: dynamics_toml.to_owned(), ..Making::default() }
}

/// What readiness says of the environment's version, as soon as it says anything.
async fn warned(world: &World) -> Vec<String> {
    let (ready, warnings) = warned_by(world.app().address("operations").unwrap()).await;
    assert!(ready, "it holds nothing up: {warnings:?}");
    warnings
}

/// Whether it is ready, and the same.
async fn warned_by(operations: SocketAddr) -> (bool, Vec<String>) {
    until("a warning", async || {
        let text = reqwest::get(format!("http://{operations}/readyz")).await.unwrap().text().await.unwrap();
        let ready: Value = serde_json::from_str(&text).unwrap();
        let of_version = |each: &&str| each.starts_with("This version of contoso has no");
        let warnings: Vec<_> = ready["warnings"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let warnings: Vec<_> = warnings.into_iter().filter(|each| of_version(each)).map(str::to_owned).collect();
        (!warnings.is_empty()).then_some((ready["ready"] == true, warnings))
    })
    .await
}

#[tokio::test]
async fn an_action_that_is_missing_is_told_once_and_every_message_that_needs_it_says_the_same() {
    let making =
        lacking(&["Complete", "SalesPackingSlipTrackingInformations"], "outbound.commit = \"complete_action\"\n");
    let world = World::start(Backing::Embedded, making).await;
    let warnings = warned(&world).await;
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    let remedy = "no action Complete, which is needed for handing updates over: set dynamics.contoso.outbound.commit = \"status\"";
    assert!(warnings[0].contains(remedy) && warnings[0].contains("outbound.tracking_entity"), "{warnings:?}");

    world.release(2).await;
    let exceptions = world.until_exceptions_at_least(2).await;
    for each in &exceptions {
        assert_eq!(each.code, "dynamics.version_lacks", "{each:?}");
        assert!(each.sentence.contains(remedy), "{each:?}");
    }

    let (done, told) = world.ask(&["config", "check", "--ask"]).await;
    let findings = told["findings"].as_array().unwrap();
    assert!(!done && findings.len() == 1 && findings[0]["place"] == "dynamics.contoso", "{told}");
    assert!(findings[0]["problem"].as_str().unwrap().contains(remedy), "{told}");
    world.leave().await;
}

/// A process that only works, and takes no events in.
#[tokio::test]
async fn who_writes_to_dynamics_asks_too() {
    let making = lacking(&["ExternalInventoryAdjustments"], "");
    let world = World::set(Ground::fresh(Backing::Servers).await, making).await;
    let roles = Roles { flows: vec![Flow::StockAdjustments], ..Roles::default() };
    let worker = App::start(world.config(), roles, Clock::system()).await.unwrap();
    let (_, warnings) = warned_by(worker.address("operations").unwrap()).await;
    assert!(warnings[0].contains("no entity ExternalInventoryAdjustments"), "{warnings:?}");
    worker.stop().await;
    world.leave().await;
}

#[tokio::test]
async fn an_entity_that_is_missing_parks_what_needs_it_and_nothing_else() {
    let world = World::start(Backing::Servers, lacking(&["SalesPackingSlipTrackingInformations"], "")).await;
    world.release(1).await;
    let exceptions = world.until_exceptions_at_least(1).await;
    assert_eq!(exceptions[0].code, "dynamics.version_lacks");
    assert!(exceptions[0].sentence.contains("dynamics.contoso.outbound.tracking_entity"), "{exceptions:?}");
    world.until("posted all the same", |dynamics, _| dynamics["posted"] == 1).await;
    world.leave().await;
}

#[tokio::test]
async fn who_cannot_be_asked_is_asked_again_and_holds_nothing_up() {
    let making = lacking(&["Warehouses"], "catalogue.retry_s = 1\n");
    let mut world = World::set(Ground::fresh(Backing::Embedded).await, making).await;
    world.to_dynamics.disturb(&Faults { fail_5xx: 1.0, ..Faults::default() }).await.unwrap();
    world.start_product().await;
    let (done, told) = world.ask(&["config", "check", "--ask"]).await;
    let problem = told["findings"][0]["problem"].as_str().unwrap();
    assert!(!done && problem.contains("Could not read what this version has"), "{told}");
    world.to_dynamics.disturb(&Faults::default()).await.unwrap();
    assert!(warned(&world).await[0].contains("no entity Warehouses"));
    world.release(1).await;
    world.until_posted(1).await;
    world.finish().await;
}

#[tokio::test]
async fn an_environment_that_has_everything_is_no_finding() {
    let world = World::start(Backing::Embedded, Making::default()).await;
    let (done, told) = world.ask(&["config", "check", "--ask"]).await;
    assert!(done, "{told}");
    assert_eq!(told, json!({ "findings": [] }));
    world.finish().await;
}
