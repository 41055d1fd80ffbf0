//! Parcels that never reached the customer: no RMA is on them, they are of the shipment under whose tracking number they left.

use drayline::sandbox::{Faults, WarehouseRules};
use serde_json::{Value, json};

use super::returns::{found, making, mapped, money};
use super::world::{Making, World};
use crate::support::Backing;
use crate::support::wait::until;

/// Whole orders leave in one shipment with a tracking number, and no announced parcel arrives by itself.
pub(super) fn plainly() -> WarehouseRules {
    WarehouseRules { arrive_ms: 600_000, split_share: 0.0, late_tracking_share: 0.0, ..WarehouseRules::default() }
}

/// A world in which an order of 5 of ITEM-1001 left, and the tracking number under which it did.
async fn left(backing: Backing, making: Making) -> (World, String) {
    let world = mapped(backing, Making { warehouse: plainly(), ..making }).await;
    let number = ship(&world, 1).await;
    (world, number)
}

/// Ships one more order; `orders` are there then.
pub(super) async fn ship(world: &World, orders: u64) -> String {
    let lines = json!([{ "item": "ITEM-1001", "quantity": "5", "unit": "ea" }]);
    world.to_dynamics.release_lines(&lines).await.unwrap();
    world.until_posted(orders).await;
    let state = world.to_warehouse.state().await.unwrap();
    let shipments = state["shipments"].as_array().unwrap();
    let last = shipments.iter().max_by_key(|shipment| shipment["order_id"].as_str().unwrap()).unwrap();
    last["packages"][0]["tracking_number"].as_str().unwrap().to_owned()
}

pub(super) fn came(kind: &str, tracking: &str, pieces: &[(&str, &str, &str)]) -> Value {
    let piece = |(quantity, disposition, condition): &(&str, &str, &str)| {
        json!({ "line": "1", "sku": "ITEM-1001",
        "quantity": quantity, "disposition": disposition, "condition": condition })
    };
    json!({ "kind": kind, "tracking_numbers": [tracking], "lines": pieces.iter().map(piece).collect::<Vec<_>>() })
}

/// The inventory statuses in which Dynamics took in what came back, with how much of each.
async fn taken_in(world: &World) -> Vec<(String, String)> {
    let state = world.to_dynamics.state().await.unwrap();
    let accepted = state["returned"].as_array().unwrap().iter().filter(|posting| posting["state"] == "Accepted");
    let rows = accepted.flat_map(|posting| posting["dimensions"].as_array().unwrap().clone());
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut rows: Vec<_> = rows.map(|row| (text(&row["status"]), text(&row["quantity"]))).collect();
    rows.sort();
    rows
}

/// What is kept under dispositions that do not credit, over all return orders.
async fn without_credit(world: &World) -> String {
    let state = world.to_dynamics.state().await.unwrap();
    let returns = state["returns"].as_array().unwrap();
    let kept = returns.iter().flat_map(|each| each["without_credit"].as_array().unwrap().clone());
    kept.map(|line| line[1].as_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
}

async fn until_taken_in(world: &World, wanted: &[(&str, &str)]) {
    let text = |(status, quantity): &(&str, &str)| ((*status).to_owned(), (*quantity).to_owned());
    let wanted: Vec<_> = wanted.iter().map(text).collect();
    until("it is taken in", async || (taken_in(world).await == wanted).then_some(())).await;
}

/// Restocked and quarantined by condition, without a credit; a person is asked once, and credits it in Dynamics.
async fn taken_in_and_credited_by_a_person(backing: Backing) {
    let (world, tracking) = Box::pin(left(backing, making())).await;
    let parcel =
        came("UNDELIVERABLE", &tracking, &[("3", "RESTOCK", "NEW"), ("2", "QUARANTINE", "DAMAGED_BY_CARRIER")]);
    let id = found(&world, "", &parcel).await;
    until_taken_in(&world, &[("", "3"), ("Quarantine", "2")]).await;
    assert_eq!(without_credit(&world).await, "5");
    let exceptions = world.until_exceptions(1).await;
    assert_eq!((exceptions[0].code.as_str(), exceptions[0].owner.as_str()), ("return.uncredited", "finance"));
    assert!(exceptions[0].sentence.contains("5 ea of line 1 (ITEM-1001)"), "{}", exceptions[0].sentence);
    let verdict = world.verdict().await;
    assert_eq!((verdict.credit_notes, verdict.on_hand_mismatches), (0, 0), "{:?}", verdict.mismatches);
    // Said again it is the same parcel: nothing more is made, posted or asked.
    let (_, before) = money(&world, "RET0000001").await;
    found(&world, &format!("/{id}"), &parcel).await;
    world.until("told", |_, warehouse| warehouse["pending_events"] == 0).await;
    world.until_nothing_parked().await;
    assert_eq!(money(&world, "RET0000001").await.1, before);
    assert_eq!(world.exceptions(false).await.0, 1);
    let url = format!("{}/sandbox/returns/RET0000001/refund", world.dynamics.url());
    assert_eq!(reqwest::Client::new().post(url).send().await.unwrap().status(), 200);
    world.store().await.replay(exceptions[0].id, "a test").await.unwrap();
    world.until_exceptions(0).await;
    world.until_nothing_parked().await;
    let (_, shown) = world.ask(&["documents", "show", &tracking]).await;
    let steps = shown["documents"].to_string();
    assert!(steps.contains("by the return order RET0000001 with the RMA RMA0000001"), "{steps}");
    let verdict = world.finish().await;
    assert_eq!((verdict.credit_notes, verdict.on_hand_mismatches), (1, 0), "{:?}", verdict.mismatches);
}

/// Of what is decided after finance credited what had come, somebody is asked again.
#[tokio::test]
async fn what_comes_of_a_parcel_after_it_was_credited_is_asked_for_again() {
    let (world, tracking) = Box::pin(left(Backing::Embedded, making())).await;
    let id = found(&world, "", &came("REFUSED", &tracking, &[("3", "RESTOCK", "NEW"), ("2", "PENDING", "NEW")])).await;
    let exceptions = world.until_exceptions(1).await;
    let url = format!("{}/sandbox/returns/RET0000001/refund", world.dynamics.url());
    let part = json!({ "lines": [{ "line": 1, "quantity": "3" }] });
    assert_eq!(reqwest::Client::new().post(url).json(&part).send().await.unwrap().status(), 200);
    world.store().await.replay(exceptions[0].id, "a test").await.unwrap();
    world.until_exceptions(0).await;
    world.until_nothing_parked().await;
    let all = came("REFUSED", &tracking, &[("3", "RESTOCK", "NEW"), ("2", "QUARANTINE", "NEW")]);
    found(&world, &format!("/{id}"), &all).await;
    let exceptions = world.until_exceptions(1).await;
    assert_eq!(exceptions[0].code, "return.uncredited");
    assert!(exceptions[0].sentence.contains("2 ea of line 1"), "{}", exceptions[0].sentence);
    world.leave().await;
}

#[tokio::test]
async fn what_nobody_took_is_taken_in_and_a_person_credits_it_embedded() {
    Box::pin(taken_in_and_credited_by_a_person(Backing::Embedded)).await;
}

#[tokio::test]
async fn what_nobody_took_is_taken_in_and_a_person_credits_it_on_servers() {
    Box::pin(taken_in_and_credited_by_a_person(Backing::Servers)).await;
}

#[tokio::test]
async fn the_configuration_says_who_credits_what_nobody_took() {
    for (rule, kept, notes) in [("dynamics", "", 1), ("never", "5", 0)] {
        let sections = format!("{}undeliverable_credit = \"{rule}\"\n", making().sections);
        let (world, tracking) = Box::pin(left(Backing::Embedded, Making { sections, ..making() })).await;
        found(&world, "", &came("REFUSED", &tracking, &[("5", "RESTOCK", "NEW")])).await;
        until_taken_in(&world, &[("", "5")]).await;
        assert_eq!(without_credit(&world).await, kept);
        let credited = async || (world.verdict().await.credit_notes == notes).then_some(());
        until("it is credited as the rule says", credited).await;
        world.until_nothing_parked().await;
        assert_eq!(world.exceptions(true).await.0, 0, "{rule}: {:#?}", world.exceptions(true).await);
        let verdict = world.verdict().await;
        assert_eq!((verdict.credit_notes, verdict.on_hand_mismatches), (notes, 0), "{rule}: {:?}", verdict.mismatches);
        world.leave().await;
    }
}

/// Nothing that fits it left, more than left, of two orders, no row: nothing is restocked, and a person has it.
#[tokio::test]
async fn what_is_not_certain_is_never_restocked() {
    let (world, tracking) = Box::pin(left(Backing::Embedded, making())).await;
    let other = ship(&world, 2).await;
    found(&world, "", &came("UNDELIVERABLE", "1Z-STRANGER", &[("5", "RESTOCK", "NEW")])).await;
    found(&world, "", &came("UNDELIVERABLE", &tracking, &[("6", "RESTOCK", "NEW")])).await;
    let mut of_both = came("UNDELIVERABLE", &tracking, &[("1", "RESTOCK", "NEW")]);
    of_both["tracking_numbers"] = json!([tracking, other]);
    found(&world, "", &of_both).await;
    // A customer's parcel bears the label of the shop's own return: it is a person's, whatever left under its number.
    found(&world, "", &came("CUSTOMER", &tracking, &[("1", "RESTOCK", "NEW")])).await;
    let exceptions = world.until_exceptions(4).await;
    let mut codes: Vec<_> = exceptions.iter().map(|each| each.code.as_str()).collect();
    codes.sort_unstable();
    assert_eq!(codes, ["return.blind", "return.blind", "return.blind", "return.parcel_unfit"], "{exceptions:#?}");
    let unfit = exceptions.iter().find(|each| each.code == "return.parcel_unfit").unwrap();
    assert!(unfit.sentence.contains("6 ea of ITEM-1001, and 1 of them were not shipped"), "{}", unfit.sentence);
    let state = world.to_dynamics.state().await.unwrap();
    assert_eq!((&state["returns"], &state["returned"]), (&json!([]), &json!([])));
    world.leave().await;
}

#[tokio::test]
async fn without_a_row_what_nobody_took_waits_and_with_one_it_goes_on_by_itself() {
    let world = World::start(Backing::Embedded, Making { warehouse: plainly(), ..making() }).await;
    let tracking = ship(&world, 1).await;
    found(&world, "", &came("UNDELIVERABLE", &tracking, &[("5", "RESTOCK", "NEW")])).await;
    let exceptions = world.until_exceptions(1).await;
    assert_eq!(exceptions[0].code, "mapping.missing", "{exceptions:#?}");
    assert!(exceptions[0].sentence.contains("RESTOCK/NEW/CREDITED"), "{}", exceptions[0].sentence);
    assert_eq!(taken_in(&world).await, []);
    super::returns::map(&world, ("RESTOCK/NEW/CREDITED", "STOCK")).await;
    until_taken_in(&world, &[("", "5")]).await;
    world.leave().await;
}

#[tokio::test]
async fn faults_take_in_no_parcel_twice() {
    let (world, tracking) = Box::pin(left(Backing::Embedded, making())).await;
    let faults = Faults { fail_5xx: 0.05, lose_answer: 0.3, duplicate: 0.3, reorder: 0.3, ..Faults::default() };
    world.to_dynamics.disturb(&faults).await.unwrap();
    world.to_warehouse.disturb(&faults).await.unwrap();
    for _ in 0..3 {
        found(&world, "", &came("UNDELIVERABLE", &tracking, &[("1", "RESTOCK", "NEW")])).await;
    }
    until_taken_in(&world, &[("", "1"), ("", "1"), ("", "1")]).await;
    world.to_dynamics.disturb(&Faults::default()).await.unwrap();
    world.to_warehouse.disturb(&Faults::default()).await.unwrap();
    let exceptions = world.until_exceptions(3).await;
    assert!(exceptions.iter().all(|each| each.code == "return.uncredited"), "{exceptions:#?}");
    world.until_nothing_parked().await;
    let verdict = world.verdict().await;
    assert_eq!(
        (verdict.duplicated, verdict.on_hand_mismatches),
        (0, 0),
        "{:?} {:?}",
        verdict.findings,
        verdict.mismatches
    );
    world.leave().await;
}
