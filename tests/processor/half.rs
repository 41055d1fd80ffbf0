//! An update in Dynamics whose answer was lost when a part of it was written: the rest is written as any call is made.

use std::time::Duration;

use drayline::flows::Lookup;
use drayline::gateways::{Direction, ShipmentUpdate, UpdateLine};
use drayline::message::{Flow, LegalEntity, Unit};
use drayline::store::{Intent, Outcome, Parked, Place, Record, Replayed, WaitsFor, Written};
use serde_json::json;
use uuid::Uuid;

use super::on_both;
use super::world::{World, document, released, until};
use crate::support::Backing;
use crate::support::rows::parked;

on_both!(what_was_written_half_is_completed_by_whoever_takes_the_partition, what_was_written_half_stays_so_in_dry_run,);

const UPDATES: &str = "InboundShipmentOrderUpdates";
const LINES: &str = "InboundShipmentOrderLineUpdates";

fn update() -> ShipmentUpdate {
    let line = UpdateLine {
        line_id: "1".to_owned(),
        ordered: 2.into(),
        unit: Unit::new("pcs").unwrap(),
        moved: 2.into(),
        remaining: 0.into(),
        dimensions: Vec::new(),
    };
    ShipmentUpdate {
        direction: Direction::Inbound,
        legal_entity: LegalEntity::new("usmf").unwrap(),
        update_id: "u1".to_owned(),
        origin_id: "O-1".to_owned(),
        packing_slip: "R-1".to_owned(),
        moved_at: jiff::Timestamp::now(),
        lines: vec![line],
    }
}

/// A message is due whose call wrote the header of an update and nothing more.
async fn half(world: &World) -> Uuid {
    let header = json!({
        "dataAreaId": "usmf", "InboundShipmentOrderUpdateId": "u1", "InboundShipmentOrderOriginId": "O-1",
        "ProcessingStatus": "Receiving",
    });
    world.far_ends.put(UPDATES, header);
    let message = released("SHP1", "e1");
    let partition = document("SHP1").partition(world.tools.transport.partitions(Flow::Orders));
    let taken = world.store().take(Uuid::new_v4(), Flow::Orders, partition, Duration::from_secs(5)).await.unwrap();
    let owner = taken.expect("nobody works yet");
    let call = json!({
        "act": "post_receipt", "document": message.ledger_key(), "facts": {},
        "lookup": Lookup::Update(Box::new(update())),
    });
    let unsure = Intent {
        key: "post_receipt/u1".to_owned(),
        connection: "contoso".to_owned(),
        class: "findable".to_owned(),
        call,
        committed_at: Some(jiff::Timestamp::now()),
    };
    let row = Parked {
        flow: owner.flow,
        partition: owner.partition,
        ordering_key: message.ordering_key.to_string(),
        connection: message.connection.to_string(),
        bytes: message.encode(),
        place: Place::Behind,
        parkings: 1,
        fingerprint: None,
        unsure: vec![unsure],
        ..parked(message.message_id, &message.lane_key(), WaitsFor::Person)
    };
    let record = Record::new(owner, message.message_id, Outcome::Parked(Box::new(row)));
    assert_eq!(world.store().record(&[record]).await.unwrap(), [Written::Yes]);
    assert_eq!(world.store().replay(message.message_id, "test").await.unwrap(), Replayed::Due);
    world.store().give_up(owner).await.unwrap();
    message.message_id
}

/// Its far end shows what is there only when the partition is being given up: whoever gives it up writes nothing more.
async fn what_was_written_half_is_completed_by_whoever_takes_the_partition(backing: Backing) {
    let world = World::new(backing).await;
    half(&world).await;
    world.far_ends.hide(UPDATES);
    let worker = world.worker(&[Flow::Orders]).await;
    until("it is asked what is there", async || (world.far_ends.sought() == 1).then_some(())).await;
    let stopping = tokio::spawn(worker.stop(Duration::from_secs(20)));
    until("the other partition is given up", async || {
        let crew = world.store().crew(Duration::from_secs(5)).await.unwrap();
        (crew.owners.len() == 1).then_some(())
    })
    .await;
    world.far_ends.go_on();
    stopping.await.unwrap();
    assert_eq!((world.far_ends.rows(LINES), world.far_ends.posted()), (0, 0));

    let worker = world.worker(&[Flow::Orders]).await;
    world.until_nothing_waits().await;
    assert_eq!((world.far_ends.rows(UPDATES), world.far_ends.rows(LINES), world.far_ends.posted()), (1, 1, 1));
    worker.stop(Duration::from_secs(5)).await;
    world.close().await;
}

async fn what_was_written_half_stays_so_in_dry_run(backing: Backing) {
    let world = World::with(backing, "dynamics.contoso.mode = \"dry_run\"\n").await;
    let message_id = half(&world).await;
    let worker = world.worker(&[Flow::Orders]).await;
    let in_dry_run = |code: &str| code == "connection.dry_run";
    let row =
        world.parked(message_id, |row| row.parked.failure.as_ref().is_some_and(|why| in_dry_run(&why.code))).await;
    assert_eq!(row.parked.unsure.len(), 1, "what may have happened is still known");
    assert_eq!((world.far_ends.rows(LINES), world.far_ends.posted()), (0, 0));
    worker.stop(Duration::from_secs(5)).await;
    world.close().await;
}
