//! Named interleavings: each a fixed schedule that once broke a design. Which test shows which of them stands in
//! `docs/proof.md`.

use std::time::Duration;

use drayline::message::{Envelope, Flow};
use drayline::processor::Worker;
use drayline::store::{
    Discarded, Ending, Known, OutboxRow, Outcome, Ownership, Parked, ParkedFailure, Place, Purpose, Question, Record,
    Replayed, WaitsFor, Written,
};
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use uuid::Uuid;

use super::far_ends::{Creates, FarEnds};
use super::on_both;
use super::world::{World, accepted, announced, document, open, reference, released, status, until};
use crate::support::Backing;
use crate::support::broker::{Broker, behind_a_proxy};
use crate::support::rows::parked;

on_both!(
    an_announcement_that_a_crash_held_up_is_made_and_one_made_twice_is_one_exception,
    a_copy_of_a_held_head_changes_nothing_when_its_far_end_is_well_again,
    a_replayed_head_and_its_thousand_followers_keep_their_order_while_owners_die,
    a_head_that_is_discarded_while_it_runs_ends_once,
    what_a_discarded_head_may_have_done_is_looked_up_before_it_is_done_again,
    what_a_discarded_head_may_have_done_outlives_its_worker,
    what_an_unsure_message_may_have_done_outlives_its_discard,
    an_awaited_kind_that_fails_parks_in_front_of_its_waiter,
    a_mapping_edited_after_an_unsure_create_moves_no_order,
    a_far_end_that_is_down_leaves_the_deliveries_of_another_alone,
);

fn for_a_person(row: &drayline::store::Listed) -> bool {
    row.parked.waits_for == WaitsFor::Person
}

/// The partition of the document SHP1, as nobody's who is about to die.
async fn owner(world: &World) -> Ownership {
    let partition = document("SHP1").partition(world.tools.transport.partitions(Flow::Orders));
    let taken = world.store().take(Uuid::new_v4(), Flow::Orders, partition, Duration::from_secs(5)).await.unwrap();
    taken.expect("nobody works yet")
}

/// What an attempt leaves behind that parks a message for a person.
fn parks(owner: Ownership, message: &Envelope, waits_for: WaitsFor) -> Record {
    let failure =
        ParkedFailure { code: "dynamics.forbidden".to_owned(), sentence: "No.".to_owned(), detail: None, awaits: None };
    let row = Parked {
        flow: owner.flow,
        partition: owner.partition,
        ordering_key: message.ordering_key.to_string(),
        kind: message.kind().to_string(),
        connection: message.connection.to_string(),
        bytes: message.encode(),
        place: Place::Behind,
        parkings: u32::from(waits_for == WaitsFor::Person),
        failure: (waits_for == WaitsFor::Person).then_some(failure),
        ..parked(message.message_id, &message.lane_key(), waits_for)
    };
    Record::new(owner, message.message_id, Outcome::Parked(Box::new(row)))
}

fn letter(message: &Envelope) -> OutboxRow {
    OutboxRow {
        id: 0,
        flow: message.flow(),
        purpose: Purpose::DeadLetter,
        ordering_key: message.ordering_key.to_string(),
        message_id: message.message_id,
        kind: message.kind().to_string(),
        traceparent: None,
        bytes: message.encode(),
        failure: None,
    }
}

/// The process dies between the commit that parks and the announcement, and again between that and the end of its row.
async fn an_announcement_that_a_crash_held_up_is_made_and_one_made_twice_is_one_exception(backing: Backing) {
    let world = World::new(backing).await;
    let head = released("SHP1", "e1");
    let owner = owner(&world).await;
    let mut record = parks(owner, &head, WaitsFor::Person);
    record.outbox.push(letter(&head));
    assert_eq!(world.store().record(&[record]).await.unwrap(), [Written::Yes]);
    world.store().give_up(owner).await.unwrap();
    let row = world.store().outbox(Flow::Orders, 10).await.unwrap().remove(0);
    let announced = drayline::transport::Outgoing {
        target: drayline::transport::Target::DeadLetter(Flow::Orders),
        ordering_key: head.ordering_key.clone(),
        message_id: row.message_id,
        type_name: head.kind().type_name().to_owned(),
        traceparent: None,
        headers: Vec::new(),
        bytes: row.bytes,
    };
    world.send(announced).await;

    let worker = world.worker(&[Flow::Orders]).await;
    let mut letters = world.tools.transport.subscribe_dead_letters(Flow::Orders).await.unwrap();
    for _ in 0..2 {
        let letter = tokio::time::timeout(Duration::from_secs(20), letters.next()).await.unwrap().unwrap();
        assert_eq!(letter.message_id, Some(head.message_id));
        letter.settlement.settle();
    }
    letters.close().await;
    until("the row is gone", async || {
        (world.store().waiting(None, Some(Purpose::DeadLetter)).await.unwrap().rows == 0).then_some(())
    })
    .await;
    let owners = drayline::exceptions::Owners::new();
    let (total, exceptions) = drayline::exceptions::parked(world.store(), &owners, None, 10).await.unwrap();
    assert_eq!((total, exceptions.len()), (1, 1), "{exceptions:#?}");
    worker.stop(Duration::from_secs(5)).await;
    world.close().await;
}

async fn a_copy_of_a_held_head_changes_nothing_when_its_far_end_is_well_again(backing: Backing) {
    let world = World::new(backing).await;
    world.far_ends.forbid("SHP1", true);
    let worker = world.worker(&[Flow::Orders]).await;
    let head = released("SHP1", "e1");
    world.publish(&head).await;
    let before = world.parked(head.message_id, for_a_person).await;
    world.far_ends.forbid("SHP1", false);
    world.publish(&head).await;
    let came_again = |journey: &[(Uuid, String)]| journey.iter().any(|(_, what)| what.contains("came again"));
    world.until_journey(&document("SHP1"), came_again).await;
    let after = world.parked(head.message_id, |_| true).await;
    assert_eq!(format!("{after:?}"), format!("{before:?}"), "the head is what it was");
    assert!(world.far_ends.took().is_empty());
    assert_eq!(world.store().replay(head.message_id, "test").await.unwrap(), Replayed::Due);
    world.until_nothing_waits().await;
    assert_eq!(world.far_ends.took().len(), 1);
    worker.stop(Duration::from_secs(5)).await;
    world.close().await;
}

/// A hundred more arrive while the thousand run, and three owners die in the middle.
async fn a_replayed_head_and_its_thousand_followers_keep_their_order_while_owners_die(backing: Backing) {
    let world = World::new(backing).await;
    let owner = owner(&world).await;
    let head = released("SHP1", "head");
    let followers: Vec<_> = (0..1000).map(|number| status("SHP1", "PICKING", &format!("f{number:04}"))).collect();
    let mut records = vec![parks(owner, &head, WaitsFor::Person)];
    records.extend(followers.iter().map(|follower| parks(owner, follower, WaitsFor::Head)));
    for slice in records.chunks(250) {
        assert!(world.store().record(slice).await.unwrap().iter().all(|written| *written == Written::Yes));
    }
    world.store().give_up(owner).await.unwrap();
    assert_eq!(world.store().replay(head.message_id, "test").await.unwrap(), Replayed::Due);

    let late: Vec<_> = (0..100).map(|number| status("SHP1", "PACKED", &format!("l{number:03}"))).collect();
    let arriving = async {
        for message in &late {
            world.publish(message).await;
        }
    };
    let dying = async {
        for left in [750, 500, 250] {
            let worker = Worker::start(world.tools.clone(), vec![Flow::Orders]);
            until("some have run", async || (waiting(&world).await <= left).then_some(())).await;
            drop(worker);
        }
        Worker::start(world.tools.clone(), vec![Flow::Orders])
    };
    let (worker, ()) = tokio::join!(dying, arriving);
    let last = late[99].message_id;
    world.until_journey(&document("SHP1"), |journey| ends(journey).contains(&last)).await;
    world.until_nothing_waits().await;
    let all = std::iter::once(&head).chain(&followers).chain(&late).map(|message| message.message_id);
    assert!(ends(&world.journey(&document("SHP1")).await) == all.collect::<Vec<_>>(), "applied in order of arrival");
    assert_eq!(world.far_ends.took().len(), 1);
    worker.stop(Duration::from_secs(5)).await;
    world.close().await;
}

async fn waiting(world: &World) -> u64 {
    world.store().parked_counts().await.unwrap().iter().map(|(.., count)| count).sum()
}

/// The messages of a journey in the order in which they took effect first.
fn ends(journey: &[(Uuid, String)]) -> Vec<Uuid> {
    let mut seen = std::collections::HashSet::new();
    let ran = journey.iter().filter(|(_, what)| !what.contains("waits behind") && !what.contains("came again"));
    ran.map(|(id, _)| *id).filter(|id| seen.insert(*id)).collect()
}

/// A person gives up while the replay of another one is calling: the message ends once, what the call did is known, and
/// what stood behind goes on.
async fn a_head_that_is_discarded_while_it_runs_ends_once(backing: Backing) {
    let world = World::new(backing).await;
    world.far_ends.forbid("SHP1", true);
    let worker = world.worker(&[Flow::Orders]).await;
    let (head, follower) = (released("SHP1", "e1"), accepted("SHP1", "e2"));
    world.publish(&head).await;
    world.publish(&follower).await;
    world.parked(head.message_id, |row| for_a_person(row) && row.followers == 1).await;
    world.far_ends.forbid("SHP1", false);
    world.far_ends.creates(Creates::HeldAfter);
    assert_eq!(world.store().replay(head.message_id, "test").await.unwrap(), Replayed::Due);
    until("the call is in flight", async || (world.far_ends.took().len() == 1).then_some(())).await;
    assert_eq!(world.store().discard(head.message_id, "a test", "it is wrong").await.unwrap(), Discarded::Yes);
    world.far_ends.go_on();
    world.until_nothing_waits().await;
    let told = world.store().replay(head.message_id, "test").await.unwrap();
    assert_eq!(told, Replayed::NotParked(Some(Ending::Discarded)), "who comes later is told so");
    let journey = world.journey(&document("SHP1")).await;
    assert!(journey.iter().any(|(id, what)| *id == follower.message_id && what.contains("Accepted")), "{journey:#?}");
    assert_eq!(world.far_ends.took().len(), 1);
    worker.stop(Duration::from_secs(5)).await;
    world.close().await;
}

/// A head whose replay is calling is discarded; behind it stands another message that wants the same of the far end.
async fn discarded_in_flight(world: &World) -> (Envelope, Envelope) {
    world.far_ends.forbid("SHP1", true);
    let (head, follower) = (released("SHP1", "e1"), released("SHP1", "e2"));
    world.publish(&head).await;
    world.parked(head.message_id, for_a_person).await;
    world.publish(&follower).await;
    world.parked(head.message_id, |row| for_a_person(row) && row.followers == 1).await;
    world.far_ends.forbid("SHP1", false);
    world.far_ends.creates(Creates::HeldAfter);
    assert_eq!(world.store().replay(head.message_id, "test").await.unwrap(), Replayed::Due);
    until("the call is in flight", async || (world.far_ends.took().len() == 1).then_some(())).await;
    assert_eq!(world.store().discard(head.message_id, "a test", "it is wrong").await.unwrap(), Discarded::Yes);
    (head, follower)
}

/// The follower finds what its discarded head did: the far end is asked to do it once.
async fn was_done_once(world: &World) {
    world.until_nothing_waits().await;
    let journey = world.journey(&document("SHP1")).await;
    assert!(journey.iter().any(|(_, what)| what.contains("had happened before the answer was lost")), "{journey:#?}");
    assert_eq!(world.far_ends.took().len(), 1, "{:#?}", world.far_ends.took());
    let known = world.store().known(&[format!("order/contoso/{}", reference("SHP1"))]).await.unwrap();
    assert_eq!(known.len(), 1, "who waits for the order is woken");
}

async fn what_a_discarded_head_may_have_done_is_looked_up_before_it_is_done_again(backing: Backing) {
    let world = World::with(backing, "gateways.call_ms_max = 800").await;
    let worker = world.worker(&[Flow::Orders]).await;
    discarded_in_flight(&world).await;
    was_done_once(&world).await;
    world.far_ends.go_on();
    worker.stop(Duration::from_secs(5)).await;
    world.close().await;
}

async fn what_a_discarded_head_may_have_done_outlives_its_worker(backing: Backing) {
    let world = World::with(backing, "gateways.call_ms_max = 800").await;
    let worker = world.worker(&[Flow::Orders]).await;
    discarded_in_flight(&world).await;
    drop(worker);
    world.far_ends.go_on();
    let worker = world.worker(&[Flow::Orders]).await;
    was_done_once(&world).await;
    worker.stop(Duration::from_secs(5)).await;
    world.close().await;
}

/// It was parked with a call whose answer was lost, waits for its next attempt, and a person discards it.
async fn what_an_unsure_message_may_have_done_outlives_its_discard(backing: Backing) {
    let world = World::with(backing, "gateways.call_ms_max = 800\nprocessor.retry_delays_ms = [3600000]").await;
    let worker = world.worker(&[Flow::Orders]).await;
    world.far_ends.creates(Creates::HeldAfter);
    let (head, follower) = (released("SHP1", "e1"), released("SHP1", "e2"));
    world.publish(&head).await;
    world.parked(head.message_id, |row| !row.parked.unsure.is_empty()).await;
    world.far_ends.go_on();
    assert_eq!(world.store().discard(head.message_id, "a test", "it is wrong").await.unwrap(), Discarded::Yes);
    world.publish(&follower).await;
    let applied = |row: &Known| row.ending == Some(Ending::Applied);
    let question = Question { message_id: follower.message_id, lane_key: String::new(), document: String::new() };
    until("the follower is applied", async || {
        let known = world.store().look_up(Flow::Orders, std::slice::from_ref(&question)).await.unwrap();
        applied(&known[0]).then_some(())
    })
    .await;
    was_done_once(&world).await;
    worker.stop(Duration::from_secs(5)).await;
    world.close().await;
}

/// On a server a discard and the commit that parks again may pass each other, and leave an ending and a row.
#[tokio::test]
async fn a_row_that_outlived_its_ending_goes_and_frees_what_stands_behind() {
    let world = World::new(Backing::Embedded).await;
    let (head, follower) = (released("SHP1", "e1"), released("SHP1", "e2"));
    let owner = owner(&world).await;
    world.park(owner, &head, WaitsFor::Person).await;
    world.park(owner, &follower, WaitsFor::Head).await;
    let file = SqliteConnectOptions::new().filename(world.tools.config.data.join("store.db"));
    let mut store = SqliteConnection::connect_with(&file).await.unwrap();
    let end = sqlx::query("INSERT INTO inbox (message_id, flow, ending, ended_at) VALUES ($1, 'orders', 3, 0)");
    end.bind(head.message_id).execute(&mut store).await.unwrap();
    assert_eq!(world.store().replay(head.message_id, "test").await.unwrap(), Replayed::Due);
    let worker = world.worker(&[Flow::Orders]).await;
    world.until_nothing_waits().await;
    assert_eq!(world.far_ends.took().len(), 1, "the follower was applied");
    let told = world.store().replay(head.message_id, "test").await.unwrap();
    assert_eq!(told, Replayed::NotParked(Some(Ending::Discarded)));
    worker.stop(Duration::from_secs(5)).await;
    world.close().await;
}

async fn an_awaited_kind_that_fails_parks_in_front_of_its_waiter(backing: Backing) {
    let world = World::new(backing).await;
    let worker = world.worker(&[Flow::Orders]).await;
    let (waiter, awaited) = (accepted("SHP1", "e1"), released("SHP1", "e2"));
    world.publish(&waiter).await;
    world.parked(waiter.message_id, |row| matches!(row.parked.waits_for, WaitsFor::Document { .. })).await;
    world.far_ends.forbid("SHP1", true);
    world.publish(&awaited).await;
    let row = world.parked(awaited.message_id, for_a_person).await;
    assert_eq!((row.behind, row.followers), (None, 1), "in front of who waits for it");
    world.far_ends.forbid("SHP1", false);
    assert_eq!(world.store().replay(awaited.message_id, "test").await.unwrap(), Replayed::Due);
    world.until_nothing_waits().await;
    assert_eq!(world.far_ends.took().len(), 1);
    worker.stop(Duration::from_secs(5)).await;
    world.close().await;
}

/// The order went to the north, its answer was lost, and then the place was given to the south.
async fn a_mapping_edited_after_an_unsure_create_moves_no_order(backing: Backing) {
    let mut world = World::new(backing).await;
    world.far_ends.creates(Creates::HeldAfter);
    let worker = world.worker(&[Flow::Orders]).await;
    world.publish(&released("SHP1", "e1")).await;
    until("the create is taken", async || (world.far_ends.took().len() == 1).then_some(())).await;
    drop(worker);
    world.far_ends.go_on();

    let south = FarEnds::open().await;
    let mut config = (*world.tools.config).clone();
    let mut moved = config.warehouses["north"].clone();
    moved.url.clone_from(&south.url);
    config.warehouses.insert("south".to_owned(), moved);
    config.warehouses.get_mut("north").unwrap().locations = [("25".to_owned(), "NORTH-1".to_owned())].into();
    reopen(&mut world, config).await;
    let worker = world.worker(&[Flow::Orders]).await;
    world.until_journey(&document("SHP1"), |journey| !journey.is_empty()).await;
    until("nothing is under way", async || {
        let counts = world.store().parked_counts().await.unwrap();
        counts.iter().all(|(_, what, _)| what == "person").then_some(())
    })
    .await;
    assert_eq!(world.far_ends.asked(), [reference("SHP1").to_string()], "it was found where it had gone");
    assert!(south.asked().is_empty(), "one warehouse has the order");
    worker.stop(Duration::from_secs(5)).await;
    world.close().await;
}

async fn a_far_end_that_is_down_leaves_the_deliveries_of_another_alone(backing: Backing) {
    let mut world = World::new(backing).await;
    let south = FarEnds::open().await;
    south.creates(Creates::Busy);
    let mut config = (*world.tools.config).clone();
    let mut other = config.warehouses["north"].clone();
    other.url.clone_from(&south.url);
    other.locations = [("25".to_owned(), "SOUTH-1".to_owned())].into();
    config.warehouses.insert("south".to_owned(), other);
    // A window that the sick one's deliveries alone would fill.
    config.transport.prefetch = 8;
    reopen(&mut world, config).await;
    let worker = world.worker(&[Flow::Orders]).await;
    for number in 0..40 {
        let request = format!("{}{number}", if number % 2 == 0 { "SOUTH" } else { "SHP" });
        world.publish(&released(&request, &request)).await;
    }
    until("the healthy one has all of its orders", async || (world.far_ends.took().len() == 20).then_some(())).await;
    assert!(south.took().is_empty());
    until("nothing of the sick one is held in the broker", async || (waiting(&world).await == 20).then_some(())).await;
    south.go_on();
    world.until_nothing_waits().await;
    assert_eq!((world.far_ends.took().len(), south.took().len()), (20, 20));
    worker.stop(Duration::from_secs(5)).await;
    world.close().await;
}

/// The same world under another configuration, as after a restart.
async fn reopen(world: &mut World, config: drayline::config::Config) {
    world.tools.transport.close().await;
    world.tools.store.close().await;
    world.tools = open(config).await;
}

/// The call in flight belongs to the process and outlives the session; its copy queues behind it.
#[tokio::test]
async fn a_session_lost_in_the_middle_of_a_call_costs_no_second_call() {
    let mut world = World::new(Backing::Servers).await;
    let (broker, through) = behind_a_proxy().await;
    let mut config = (*world.tools.config).clone();
    config.transport.url = through;
    config.transport.reconnect_delay_ms_max = 300;
    reopen(&mut world, config).await;
    world.far_ends.creates(Creates::HeldAfter);
    let worker = world.worker(&[Flow::Orders]).await;
    world.publish(&released("SHP1", "e1")).await;
    until("the call is in flight", async || (world.far_ends.took().len() == 1).then_some(())).await;
    broker.cut();
    // What is published behind it is worked on in the new session: its copy came before.
    until("the session is over", async || world.tools.transport.away_for().map(|_| ())).await;
    world.publish(&released("SHP2", "e2")).await;
    until("the new session works", async || (world.far_ends.took().len() == 2).then_some(())).await;
    world.far_ends.go_on();
    world.until_journey(&document("SHP1"), |journey| !journey.is_empty()).await;
    world.until_nothing_waits().await;
    assert_eq!(world.far_ends.asked().len(), 2, "one call for each order");
    assert_eq!(world.far_ends.overlaps(), 0);
    worker.stop(Duration::from_secs(5)).await;
    world.close().await;
}

/// The queue is unbound in the middle: what comes back unrouted holds up its key, and goes first when it is bound again.
#[tokio::test]
async fn a_publish_refused_in_the_middle_of_a_window_inverts_no_first_copies() {
    let world = World::with(Backing::Servers, "transport.partitions.goods_received = 1\n").await;
    let messages: Vec<_> =
        (0..200).map(|number| announced(&format!("IN{}", number % 4), &format!("e{number}"))).collect();
    let keep = async |messages: &[Envelope]| {
        for message in messages {
            let row = OutboxRow { purpose: Purpose::Ingest, ..letter(message) };
            assert!(world.store().accept(&row, 1000).await.unwrap());
        }
    };
    let namespace = &world.tools.config.transport.namespace;
    let (queue, exchange) = (format!("{namespace}.goods_received.00"), format!("{namespace}.goods_received"));
    let broker = Broker::connect().await;
    keep(&messages[..100]).await;
    let worker = world.worker(&[Flow::GoodsReceived]).await;
    until("some have arrived", async || (waiting(&world).await >= 10).then_some(())).await;
    broker.unbind(&queue, &exchange, "1.00").await;
    keep(&messages[100..]).await;
    // What is on its way arrives, and then nothing does any more.
    let arrived = std::cell::Cell::new(0);
    until("nothing gets through", async || {
        let now = waiting(&world).await;
        let rows = world.store().waiting(None, Some(Purpose::Ingest)).await.unwrap().rows;
        (arrived.replace(now) == now && now + rows == 200 && rows >= 100).then_some(())
    })
    .await;
    broker.bind(&queue, &exchange, "1.00").await;
    until("all have arrived", async || (waiting(&world).await == 200).then_some(())).await;
    for key in 0..4 {
        let filter = drayline::store::ParkedFilter { limit: 200, ..drayline::store::ParkedFilter::default() };
        let (_, rows) = world.store().parked(&filter).await.unwrap();
        let mut places: Vec<_> = rows.iter().filter(|row| row.parked.lane_key.ends_with(&format!("IN{key}"))).collect();
        places.sort_by_key(|row| match row.parked.place {
            Place::At(position) => position,
            other => panic!("a parked row stands somewhere: {other:?}"),
        });
        let arrived: Vec<_> = places.iter().map(|row| row.parked.message_id).collect();
        let sent: Vec<_> = messages.iter().skip(key).step_by(4).map(|message| message.message_id).collect();
        assert_eq!(arrived, sent);
    }
    worker.stop(Duration::from_secs(5)).await;
    world.close().await;
}
