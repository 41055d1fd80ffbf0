//! What a person says of a call that may have happened: what exists is never done again, what did not happen is done once.

use std::time::Duration;

use drayline::exceptions::{Resolved, Verdict, resolve};
use drayline::flows::Lookup;
use drayline::gateways::Direction;
use drayline::message::Flow;
use drayline::store::{Ending, Intent, Known, Outcome, Parked, ParkedFailure, Question, Record, WaitsFor, Written};
use serde_json::{Value, json};
use uuid::Uuid;

use super::on_both;
use super::world::{World, changed, document, released, until};
use crate::support::Backing;
use crate::support::rows::parked;

on_both!(what_a_person_says_exists_is_never_made, what_a_person_says_did_not_happen_is_made_once);

async fn known(world: &World, message_id: Uuid, of: &str) -> Known {
    let (document, lane_key) = (document(of).to_string(), String::new());
    let question = Question { message_id, lane_key, document };
    world.store().look_up(Flow::Orders, &[question]).await.unwrap().remove(0)
}

/// What the flow keeps of an order that it created, as it would be of another one.
async fn facts_of_another(world: &World) -> Value {
    let worker = world.worker(&[Flow::Orders]).await;
    let first = released("SHP1", "e1");
    world.publish(&first).await;
    let known = until("the first order is created", async || {
        let known = known(world, first.message_id, "SHP1").await;
        known.ending.is_some().then_some(known)
    })
    .await;
    worker.stop(Duration::from_secs(5)).await;
    let created = known.effects.iter().find(|effect| effect.act == "create_order").unwrap();
    let mut facts: Value = serde_json::from_str(&created.facts.to_string().replace("SHP1", "SHP2")).unwrap();
    facts.as_object_mut().unwrap().remove("order_id");
    facts
}

/// A message is parked for a person because of a call that nobody can be asked about; another one stands behind it.
async fn unsure(world: &World) -> (Uuid, Uuid) {
    let facts = facts_of_another(world).await;
    let (head, follower) = (released("SHP2", "e2"), changed("SHP2", "e3"));
    let partition = document("SHP2").partition(world.tools.transport.partitions(Flow::Orders));
    let taken = world.store().take(Uuid::new_v4(), Flow::Orders, partition, Duration::from_secs(5)).await.unwrap();
    let owner = taken.expect("nobody works now");
    let reference = facts["reference"].as_str().unwrap();
    let call = json!({
        "act": "create_order", "document": head.ledger_key(), "facts": facts,
        "lookup": Lookup::Order { direction: Direction::Outbound, reference: reference.to_owned() },
    });
    let intent = Intent {
        key: format!("create_order/north/{reference}"),
        connection: "north".to_owned(),
        class: "neither".to_owned(),
        call,
        committed_at: Some(jiff::Timestamp::now()),
    };
    let failure = ParkedFailure {
        code: "effect.unsure".to_owned(),
        sentence: "Nobody can tell.".to_owned(),
        detail: None,
        awaits: None,
    };
    let row = Parked {
        flow: owner.flow,
        partition: owner.partition,
        ordering_key: head.ordering_key.to_string(),
        connection: head.connection.to_string(),
        bytes: head.encode(),
        parkings: 1,
        failure: Some(failure),
        unsure: vec![intent],
        ..parked(head.message_id, &head.lane_key(), WaitsFor::Person)
    };
    let record = Record::new(owner, head.message_id, Outcome::Parked(Box::new(row)));
    assert_eq!(world.store().record(&[record]).await.unwrap(), [Written::Yes]);
    world.park(owner, &follower, WaitsFor::Head).await;
    world.store().give_up(owner).await.unwrap();
    let behind = resolve(world.store(), follower.message_id, &Verdict::DidNotHappen, "anna").await.unwrap();
    assert_eq!(behind, Resolved::Behind(head.message_id));
    (head.message_id, follower.message_id)
}

/// Both are applied, and another event about the document, which comes later, finds nothing to do.
async fn goes_on(world: &World, (head, follower): (Uuid, Uuid)) {
    let worker = world.worker(&[Flow::Orders]).await;
    world.until_nothing_waits().await;
    let later = changed("SHP2", "e4");
    world.publish(&later).await;
    for message in [head, follower, later.message_id] {
        let ended = until("it has ended", async || known(world, message, "SHP2").await.ending).await;
        assert_ne!(ended, Ending::Discarded);
    }
    assert_eq!(known(world, head, "SHP2").await.ending, Some(Ending::Applied));
    let over = resolve(world.store(), head, &Verdict::DidNotHappen, "anna").await.unwrap();
    assert!(matches!(over, Resolved::Over(_) | Resolved::Unknown), "{over:?}");
    worker.stop(Duration::from_secs(5)).await;
}

async fn what_a_person_says_exists_is_never_made(backing: Backing) {
    let world = World::new(backing).await;
    let both = unsure(&world).await;
    let before = world.far_ends.took().len();
    let verdict = Verdict::of(Some(" WH-77 "), false).unwrap();
    assert_eq!(resolve(world.store(), both.0, &verdict, "anna").await.unwrap(), Resolved::Due);
    assert_eq!(resolve(world.store(), both.0, &verdict, "bob").await.unwrap(), Resolved::GoesOn);
    goes_on(&world, both).await;
    assert_eq!(world.far_ends.took().len(), before, "nothing was created");
    let effects = known(&world, both.0, "SHP2").await.effects;
    let created = effects.iter().find(|effect| effect.act == "create_order").unwrap();
    assert_eq!((&created.facts["order_id"], &created.facts["by_hand"]), (&json!("WH-77"), &json!("WH-77")));
    let told = world.journey(&document("SHP2")).await;
    assert!(told.iter().any(|(_, what)| what.contains("exists as WH-77, as anna said")), "{told:#?}");
    world.close().await;
}

async fn what_a_person_says_did_not_happen_is_made_once(backing: Backing) {
    let world = World::new(backing).await;
    let both = unsure(&world).await;
    let before = world.far_ends.took().len();
    assert_eq!(resolve(world.store(), both.0, &Verdict::DidNotHappen, "anna").await.unwrap(), Resolved::Due);
    goes_on(&world, both).await;
    assert_eq!(world.far_ends.took().len(), before + 1, "it was created once");
    world.close().await;
}
