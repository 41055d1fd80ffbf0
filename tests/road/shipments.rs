//! Shipments: confirmed by the warehouse, posted in Dynamics.

use drayline::exceptions::{Owners, show};
use drayline::sandbox::Faults;

use serde_json::json;
use uuid::Uuid;

use super::telling::{ORDERED, Order, by_hand, now, package};
use super::world::{Making, World};
use crate::support::wait::until;
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

/// Each on an order of its own, all at once in one world.
async fn strange_shipments(backing: Backing) {
    let world = World::start(backing, by_hand()).await;
    let orders = Order::released(&world, 11, false).await;
    until("all are at the warehouse", async || {
        (world.to_warehouse.progress().await.unwrap()["held"] == 11).then_some(())
    })
    .await;
    tokio::join!(
        Box::pin(tracking_is_corrected(&orders[0])),
        Box::pin(tracking_is_missing_and_comes_late(&orders[1])),
        Box::pin(one_is_voided_before_it_is_told_and_shipped_again(&orders[2])),
        Box::pin(one_is_voided_while_dynamics_refuses_it_and_shipped_again(&orders[3])),
        Box::pin(two_parcels_have_one_tracking_number(&orders[4])),
        Box::pin(somebody_picks_the_goods_up(&orders[5])),
        Box::pin(another_item_came_in_place_of_one(&orders[6])),
        Box::pin(the_warehouse_added_a_line(&orders[7])),
        Box::pin(it_ships_after_it_was_cancelled(&orders[8])),
        Box::pin(less_has_left_than_was_posted(&orders[9])),
        Box::pin(one_is_voided_after_it_was_posted_and_shipped_again(&orders[10])),
    );
    world.until_nothing_parked().await;
    let (left, exceptions) = world.exceptions(true).await;
    assert_eq!(left, 0, "{exceptions:#?}");
    world.leave().await;
}

#[tokio::test]
async fn whatever_is_strange_about_a_shipment_ends_as_it_should_embedded() {
    Box::pin(strange_shipments(Backing::Embedded)).await;
}

#[tokio::test]
async fn whatever_is_strange_about_a_shipment_ends_as_it_should_on_servers() {
    Box::pin(strange_shipments(Backing::Servers)).await;
}

/// All that was ordered, as it is posted.
const ALL: &[(&str, u8)] = &[("1", 10), ("2", 4)];

async fn says_tracking(order: &Order<'_>, number: &str) {
    let data =
        json!({ "shipmentKey": order.key("S1"), "packageKey": "P1", "trackingNumber": number, "updatedAt": now() });
    order.says("tracking_updated", &data).await;
}

/// By its usual key a row of tracking is one number of one packing slip: the right number stands beside the wrong one.
async fn tracking_is_corrected(order: &Order<'_>) {
    let what = "tracking corrected";
    order.ships("S1", &[package("P1", Some("T-WRONG"), &ORDERED)]).await;
    order.until_tracked(what, &[("S1", "T-WRONG")]).await;
    says_tracking(order, "T-RIGHT").await;
    order.until_tracked(what, &[("S1", "T-RIGHT"), ("S1", "T-WRONG")]).await;
    order.until_posted(what, &[("S1", ALL)]).await;
}

async fn tracking_is_missing_and_comes_late(order: &Order<'_>) {
    let what = "tracking missing, then late";
    order.ships("S1", &[package("P1", None, &ORDERED)]).await;
    order.until_posted(what, &[("S1", ALL)]).await;
    assert_eq!(order.tracked().await.len(), 0, "{what}");
    says_tracking(order, "T-LATE").await;
    order.until_tracked(what, &[("S1", "T-LATE")]).await;
}

/// The void overtakes what it voids.
async fn one_is_voided_before_it_is_told_and_shipped_again(order: &Order<'_>) {
    let what = "voided before it is told, and shipped again";
    let void = json!({ "shipmentKey": order.key("S1"), "replacedBy": order.key("S2") });
    order.says("shipment_voided", &void).await;
    until("the void is known", async || step(order, "Voided the shipment").await).await;
    order.ships("S1", &[package("P1", Some("T-ONE"), &ORDERED)]).await;
    order.ships("S2", &[package("P1", Some("T-TWO"), &ORDERED)]).await;
    order.until_tracked(what, &[("S2", "T-TWO")]).await;
    order.until_posted(what, &[("S2", ALL)]).await;
}

/// Dynamics holds the order, so that nothing of the first shipment is posted; what takes its place is posted once.
async fn one_is_voided_while_dynamics_refuses_it_and_shipped_again(order: &Order<'_>) {
    let what = "voided while Dynamics refuses it, and shipped again";
    let world = order.world;
    world.to_dynamics.order(&order.id, "hold", &json!({})).await.unwrap();
    order.ships("S1", &[package("P1", Some("T-ONE"), &ORDERED)]).await;
    let refused = order.until_asked(what, "dynamics.posting_failed").await;
    let void = json!({ "shipmentKey": order.key("S1"), "replacedBy": order.key("S2") });
    order.says("shipment_voided", &void).await;
    until("the void is known", async || step(order, "Voided the shipment").await).await;
    world.to_dynamics.order(&order.id, "unhold", &json!({})).await.unwrap();
    order.ships("S2", &[package("P1", Some("T-TWO"), &ORDERED)]).await;
    order.until_tracked(what, &[("S2", "T-TWO")]).await;
    order.until_posted(what, &[("S2", ALL)]).await;
    // What was refused of the shipment that did not happen has nothing to wait for any more.
    world.store().await.replay(refused.parked.message_id, "a test").await.unwrap();
}

/// A person takes back in Dynamics what is posted, and says under which number: what ships in its place has room.
async fn one_is_voided_after_it_was_posted_and_shipped_again(order: &Order<'_>) {
    let (what, world) = ("voided after it was posted, and shipped again", order.world);
    order.ships("S1", &[package("P1", Some("T-ONE"), &ORDERED)]).await;
    order.until_tracked(what, &[("S1", "T-ONE")]).await;
    let void = json!({ "shipmentKey": order.key("S1"), "replacedBy": order.key("S2") });
    order.says("shipment_voided", &void).await;
    let asked = order.until_asked(what, "shipment.voided").await;
    order.ships("S2", &[package("P1", Some("T-TWO"), &ORDERED)]).await;
    let state = world.to_dynamics.state().await.unwrap();
    let posting = state["postings"].as_array().unwrap().iter().find(|posting| posting["order"] == order.id);
    world.to_dynamics.reverse(posting.unwrap()["packing_slip"].as_str().unwrap()).await.unwrap();
    let id = asked.parked.message_id.to_string();
    let (done, told) = world.ask(&["exceptions", "resolve", &id, "--exists-as", "CORRECTION-1"]).await;
    assert!(done, "{told}");
    order.until_tracked(what, &[("S1", "T-ONE"), ("S2", "T-TWO")]).await;
    let state = world.to_dynamics.state().await.unwrap();
    let held = state["orders"].as_array().unwrap().iter().find(|held| held["id"] == order.id).unwrap();
    let posted: Vec<_> =
        held["lines"].as_array().unwrap().iter().map(|line| line["posted"].as_str().unwrap()).collect();
    assert_eq!(posted, ["10", "4"], "{what}");
    assert_eq!(step(order, "corrected by hand as CORRECTION-1").await, Some(()), "{what}");
}

/// By its usual key Dynamics has one row for both; where the row has our id for its key, it has two.
async fn two_parcels_have_one_tracking_number(order: &Order<'_>) {
    let what = "one tracking number on two parcels";
    let [bolts, nuts] = ORDERED;
    order.ships("S1", &[package("P1", Some("T-BOTH"), &[bolts]), package("P2", Some("T-BOTH"), &[nuts])]).await;
    order.until_tracked(what, &[("S1", "T-BOTH")]).await;
    order.until_posted(what, &[("S1", ALL)]).await;
}

async fn somebody_picks_the_goods_up(order: &Order<'_>) {
    let what = "picked up, without tracking";
    let mut shipment = order.shipment("S1", &[package("P1", None, &ORDERED)]);
    shipment["carrier"] = json!({ "raw": "PICKUP" });
    shipment["isFinal"] = json!(true);
    order.does(Some("Shipped"), "shipment_confirmed", &shipment).await;
    order.until_posted(what, &[("S1", ALL)]).await;
    until("the document is posted, and waits for no tracking", async || {
        let documents = order.world.store().await.documents(&order.id).await.unwrap();
        documents.iter().any(|document| document.state.as_deref() == Some("posted")).then_some(())
    })
    .await;
    assert_eq!(order.tracked().await.len(), 0, "{what}");
}

/// Nothing of it is posted; once the warehouse says what left of what was ordered, that is.
async fn another_item_came_in_place_of_one(order: &Order<'_>) {
    let what = "another item in place of one";
    let [(line, _, quantity), nuts] = ORDERED;
    order.ships("S1", &[package("P1", Some("T-1"), &[(line, "ITEM-1003", quantity), nuts])]).await;
    order.until_asked(what, "shipment.line_unknown").await;
    order.ships("S1", &[package("P1", Some("T-1"), &[nuts])]).await;
    order.is_discarded(what, "shipment.line_unknown").await;
    order.until_posted(what, &[("S1", &[("2", 4)])]).await;
    order.until_tracked(what, &[("S1", "T-1")]).await;
}

/// A person takes the line out that nobody ordered, and the rest is posted.
async fn the_warehouse_added_a_line(order: &Order<'_>) {
    let (what, world) = ("a line that nobody ordered", order.world);
    let [bolts, nuts] = ORDERED;
    order.ships("S1", &[package("P1", Some("T-1"), &[bolts, nuts, ("9", "GIFT", "1")])]).await;
    let parked = order.until_asked(what, "shipment.line_unknown").await.parked;
    assert_eq!(order.posted().await.len(), 0, "{what}");
    let filter = format!("document={}", parked.ordering_key);
    until("triage knows it", async || {
        let (_, exceptions) = world.exceptions(false).await;
        exceptions.iter().any(|each| each.id == parked.message_id).then_some(())
    })
    .await;
    let patch = "del(.shipmentConfirmed.packages[0].contents[2])";
    let (planned, plan) = world.ask(&["replay", "plan", "--filter", &filter, "--patch", patch]).await;
    assert!(planned, "{plan}");
    let (started, told) = world.ask(&["replay", "start", plan["id"].as_str().unwrap(), "--yes"]).await;
    assert!(started, "{told}");
    order.until_posted(what, &[("S1", ALL)]).await;
    order.until_tracked(what, &[("S1", "T-1")]).await;
}

/// The warehouse confirmed the cancellation, and the goods left nevertheless: what left is posted.
async fn it_ships_after_it_was_cancelled(order: &Order<'_>) {
    let what = "shipped after it was cancelled";
    order.world.to_dynamics.order(&order.id, "cancel", &json!({})).await.unwrap();
    until("it is cancelled at the warehouse", async || {
        let state = order.world.to_warehouse.state().await.unwrap();
        let held = state["orders"].as_array().unwrap().iter().find(|held| held["reference"] == order.reference());
        (held.unwrap()["live"] == false).then_some(())
    })
    .await;
    order.ships("S1", &[package("P1", Some("T-1"), &ORDERED)]).await;
    order.until_tracked(what, &[("S1", "T-1")]).await;
    order.until_posted(what, &[("S1", ALL)]).await;
}

/// What is posted stays until a person has corrected it in Dynamics.
async fn less_has_left_than_was_posted(order: &Order<'_>) {
    let what = "corrected downwards after it was posted";
    let [(line, item, _), nuts] = ORDERED;
    order.ships("S1", &[package("P1", Some("T-1"), &ORDERED)]).await;
    order.until_tracked(what, &[("S1", "T-1")]).await;
    order.ships("S1", &[package("P1", Some("T-1"), &[(line, item, "8"), nuts])]).await;
    order.is_discarded(what, "shipment.differs").await;
    order.until_posted(what, &[("S1", ALL)]).await;
}

/// Whether its journey has a step with these words.
async fn step(order: &Order<'_>, words: &str) -> Option<()> {
    let documents = order.world.store().await.documents(&order.id).await.unwrap();
    let mut steps = documents.iter().flat_map(|document| &document.steps);
    steps.any(|step| step.what.contains(words)).then_some(())
}

/// Where a row of tracking has our id for its key, the wrong number makes room for the right one, and each parcel has its own.
#[tokio::test]
async fn tracking_with_a_key_of_its_own_is_one_row_of_each_parcel() {
    let mut making = Making {
        dynamics_toml: "outbound.tracking_keys = [\"dataAreaId\", \"ConParcelId\"]\n\
            outbound.tracking_id_field = \"ConParcelId\"\n"
            .to_owned(),
        ..by_hand()
    };
    making.dynamics.tracking_keys = vec!["dataAreaId".to_owned(), "ConParcelId".to_owned()];
    let world = World::start(Backing::Embedded, making).await;
    let orders = Order::released(&world, 1, false).await;
    world.until("held", |_, warehouse| warehouse["held"] == 1).await;
    let (order, [bolts, nuts]) = (&orders[0], ORDERED);
    order.ships("S1", &[package("P1", Some("T-BOTH"), &[bolts]), package("P2", Some("T-BOTH"), &[nuts])]).await;
    order.until_tracked("both", &[("S1", "T-BOTH")]).await;
    world.until("a row of each", |dynamics, _| dynamics["tracking"] == 2).await;
    says_tracking(order, "T-RIGHT").await;
    order.until_tracked("corrected", &[("S1", "T-BOTH"), ("S1", "T-RIGHT")]).await;
    world.until_nothing_parked().await;
    assert_eq!(world.to_dynamics.progress().await.unwrap()["tracking"], 2);
    assert_eq!(world.exceptions(true).await.0, 0);
    world.leave().await;
}
