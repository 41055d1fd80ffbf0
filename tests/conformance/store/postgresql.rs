//! What only a server can do to us: interleave, end our sessions, stay away.

use drayline::config::{Config, load_text};
use drayline::store::{Discarded, StoreError};
use sqlx::{Connection as _, PgConnection};

use super::*;

async fn house() -> (House, PgConnection) {
    let house = House::fresh(Backing::Servers).await;
    let url = house.ground.config("").store.url;
    let hand = PgConnection::connect(&url).await.unwrap();
    (house, hand)
}

/// Waits until so many of our statements wait for somebody's lock.
async fn until_waiting(url: &str, sessions: i64) {
    let mut watch = PgConnection::connect(url).await.unwrap();
    let mut ticks = tokio::time::interval(Duration::from_millis(10));
    for _ in 0..1000 {
        ticks.tick().await;
        let ask = "SELECT count(*) FROM pg_stat_activity
                   WHERE datname = current_database() AND application_name = 'drayline' AND wait_event_type = 'Lock'";
        let waiting: i64 = sqlx::query_scalar(ask).fetch_one(&mut watch).await.unwrap();
        if waiting >= sessions {
            return;
        }
    }
    panic!("nobody waited for a lock");
}

async fn end_our_sessions(hand: &mut PgConnection) -> i64 {
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
               WHERE datname = current_database() AND application_name = 'drayline'";
    sqlx::query_scalar(end).fetch_one(hand).await.unwrap()
}

/// The takeover comes first: the record waits for it, sees the new epoch and leaves its rows out.
#[tokio::test]
async fn a_record_that_meets_a_takeover_waits_and_writes_nothing() {
    let (house, mut hand) = house().await;
    let url = house.ground.config("").store.url;
    let [message, waiting] = messages();
    let mut takeover = hand.begin().await.unwrap();
    sqlx::query("UPDATE partitions SET epoch = epoch + 1").execute(&mut *takeover).await.unwrap();
    let everything = Record {
        effects: vec![effect("key", "lane")],
        outbox: vec![sends(message, Purpose::Flow)],
        journey: vec![step("lane", 1, "happened")],
        ..ends(house.owner, message)
    };
    let records = [everything, parks(house.owner, waits(waiting, "lane", now_due()))];
    let (written, ()) = tokio::join!(house.store.record(&records), async {
        until_waiting(&url, 1).await;
        takeover.commit().await.unwrap();
    });
    assert_eq!(written.unwrap(), [Written::NotOwner, Written::NotOwner]);
    let known = house.look(message, "lane").await;
    assert!(known.ending.is_none() && known.gate.is_none() && known.effects.is_empty(), "{known:#?}");
    assert!(house.store.outbox(FLOW, 10).await.unwrap().is_empty());
    assert!(house.store.documents("lane").await.unwrap().is_empty());
}

/// The record comes first: the takeover waits for it, and the new owner sees its rows.
#[tokio::test]
async fn a_takeover_that_meets_a_record_waits_and_sees_its_rows() {
    let (house, mut hand) = house().await;
    let url = house.ground.config("").store.url;
    let message = Uuid::new_v4();
    // Somebody holds the record up in its middle, when it has its lock on the owner already.
    let mut obstacle = hand.begin().await.unwrap();
    let row = sqlx::query("INSERT INTO inbox VALUES ($1, 'orders', 1, 1)").bind(message);
    row.execute(&mut *obstacle).await.unwrap();
    let records = [ends(house.owner, message)];
    let seen = tokio::join!(
        house.store.record(&records),
        async {
            until_waiting(&url, 1).await;
            let next = house.store.take(Uuid::new_v4(), FLOW, 0, Duration::ZERO).await.unwrap().unwrap();
            (next, house.look(message, "lane").await.ending)
        },
        async {
            until_waiting(&url, 2).await;
            obstacle.rollback().await.unwrap();
        }
    );
    assert_eq!(seen.0.unwrap(), [Written::Yes]);
    assert_eq!(seen.1.1, Some(Ending::Applied));
    assert!(seen.1.0.epoch > house.owner.epoch);
}

#[tokio::test]
async fn intents_meet_a_takeover_in_the_same_way() {
    let (house, mut hand) = house().await;
    let url = house.ground.config("").store.url;
    let mut takeover = hand.begin().await.unwrap();
    sqlx::query("UPDATE partitions SET epoch = epoch + 1").execute(&mut *takeover).await.unwrap();
    let [journal, message_id] = messages();
    let intents = vec![super::intents::intent("key")];
    let intended = [drayline::store::Intended { owner: house.owner, journal, message_id, intents }];
    let (written, ()) = tokio::join!(house.store.intend(&intended), async {
        until_waiting(&url, 1).await;
        takeover.commit().await.unwrap();
    });
    assert_eq!(written.unwrap(), [Written::NotOwner]);
    assert!(house.store.unsettled(house.owner).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_session_that_ends_in_the_middle_of_a_record_is_away_and_the_repetition_works() {
    let (house, mut hand) = house().await;
    let url = house.ground.config("").store.url;
    let [message, sent] = messages();
    let mut second = PgConnection::connect(&url).await.unwrap();
    let mut obstacle = hand.begin().await.unwrap();
    let row = sqlx::query("INSERT INTO inbox VALUES ($1, 'orders', 1, 1)").bind(message);
    row.execute(&mut *obstacle).await.unwrap();
    let records = [Record { outbox: vec![sends(sent, Purpose::Flow)], ..ends(house.owner, message) }];
    let (written, ended) = tokio::join!(house.store.record(&records), async {
        until_waiting(&url, 1).await;
        end_our_sessions(&mut second).await
    });
    assert!(ended > 0);
    assert!(matches!(written, Err(StoreError::Away { .. })), "{written:?}");
    obstacle.rollback().await.unwrap();
    assert!(house.look(message, "lane").await.ending.is_none());
    assert_eq!(house.store.record(&records).await.unwrap(), [Written::Yes]);
    assert_eq!(house.store.outbox(FLOW, 10).await.unwrap().len(), 1);
}

/// A worker that dies while it discards leaves nobody asleep: the message is gone and its waiters are woken, or neither.
#[tokio::test]
async fn what_is_discarded_goes_with_the_waking_of_those_who_wait_for_it() {
    let (house, mut hand) = house().await;
    let url = house.ground.config("").store.url;
    let [asked, waiter] = messages();
    house.park(waits(asked, "period/contoso/usmf/1", WaitsFor::Person)).await;
    house.park(waits(waiter, "order/contoso/1", document("period/contoso/usmf/1"))).await;
    let mut second = PgConnection::connect(&url).await.unwrap();
    let mut obstacle = hand.begin().await.unwrap();
    let row = sqlx::query("SELECT FROM parked WHERE message_id = $1 FOR UPDATE").bind(waiter);
    row.execute(&mut *obstacle).await.unwrap();
    let (discarded, ended) = tokio::join!(house.store.discard(asked, "anna", "a test"), async {
        until_waiting(&url, 1).await;
        end_our_sessions(&mut second).await
    });
    assert!(ended > 0);
    assert!(matches!(discarded, Err(StoreError::Away { .. })), "{discarded:?}");
    obstacle.rollback().await.unwrap();
    let gate = house.look(asked, "period/contoso/usmf/1").await.gate.expect("it stays as long as its waiter sleeps");
    assert_eq!(gate.head, asked);
    assert!(house.due().await.is_empty());
    let again = house.store.discard(asked, "anna", "a test").await.unwrap();
    assert_eq!((again, house.due().await), (Discarded::Yes, vec![waiter]));
}

#[tokio::test]
async fn sessions_that_all_end_are_replaced_without_a_person() {
    let (house, mut hand) = house().await;
    futures_util::future::try_join_all((0..8).map(|_| house.store.now())).await.unwrap();
    assert!(end_our_sessions(&mut hand).await > 1);
    let mut away = 0;
    while let Err(error) = house.store.beat(house.worker, &[]).await {
        assert!(matches!(error, StoreError::Away { .. }), "{error:?}");
        away += 1;
        assert_eq!(away, 1, "the others are known to be doubtful");
    }
    house.end(Uuid::new_v4()).await;
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_ended_and_away() {
    let (house, mut hand) = house().await;
    let quick = Store::open(&house.ground.config("store.statement_timeout_ms = 300\n")).await.unwrap();
    let mut obstacle = hand.begin().await.unwrap();
    sqlx::query("LOCK TABLE inbox").execute(&mut *obstacle).await.unwrap();
    let written = quick.record(&[ends(house.owner, Uuid::new_v4())]).await;
    assert!(matches!(written, Err(StoreError::Away { .. })), "{written:?}");
    obstacle.rollback().await.unwrap();
    assert_eq!(quick.record(&[ends(house.owner, Uuid::new_v4())]).await.unwrap(), [Written::Yes]);
}

fn elsewhere(url: &str) -> Config {
    let folder = std::env::temp_dir();
    let text = format!(
        "data = {:?}\nstore.kind = \"postgresql\"\nstore.url = \"{url}\"\nstore.statement_timeout_ms = 500\n",
        folder.to_str().unwrap()
    );
    load_text(&text).unwrap()
}

#[tokio::test]
async fn a_server_that_is_not_there_is_away_and_a_database_that_is_not_there_is_a_mistake() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let away = Store::open(&elsewhere(&format!("postgres://postgres@{nobody}/postgres"))).await;
    assert!(matches!(away, Err(StoreError::Away { .. })), "{:?}", away.err());
    let (server, _) =
        crate::support::postgres_url().rsplit_once('/').map(|(s, d)| (s.to_owned(), d.to_owned())).unwrap();
    let missing = Store::open(&elsewhere(&format!("{server}/there_is_no_such_database"))).await;
    assert!(matches!(missing, Err(StoreError::Unusable { .. })), "{:?}", missing.err());
    let unset = Store::open(&elsewhere("env:THERE_IS_NO_SUCH_VARIABLE")).await;
    assert!(matches!(unset, Err(StoreError::Unusable { .. })), "{:?}", unset.err());
}

#[tokio::test]
async fn the_address_may_stand_in_a_file() {
    let (house, _) = house().await;
    let file = house.ground.data().join("address");
    std::fs::write(&file, house.ground.config("").store.url).unwrap();
    let store = Store::open(&elsewhere(&format!("file:{}", file.display()))).await.unwrap();
    store.now().await.unwrap();
}

/// The processor spawns its committers.
#[test]
fn every_call_may_be_spawned() {
    fn spawnable<F: Future + Send + 'static>(_: impl FnOnce(&'static Store) -> F) {}
    spawnable(|store| store.record(&[]));
    spawnable(|store| store.intend(&[]));
    spawnable(|store| store.look_up(FLOW, &[]));
    spawnable(|store| store.due(&[], 1));
    spawnable(|store| store.replay(Uuid::nil(), ""));
    spawnable(|store| store.take(Uuid::nil(), FLOW, 0, LIVES));
}
