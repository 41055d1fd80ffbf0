//! Opening, closing, coming back.

use drayline::store::StoreError;
use futures_util::future::try_join_all;
use sqlx::Connection as _;

use super::*;

#[tokio::test]
async fn four_may_open_a_fresh_store_at_once() {
    for backing in [Backing::Embedded, Backing::Servers] {
        for _ in 0..3 {
            let ground = Ground::fresh(backing).await;
            let config = ground.config("");
            let stores = try_join_all((0..4).map(|_| Store::open(&config))).await.unwrap();
            for store in &stores {
                store.beat(Uuid::new_v4(), &[]).await.unwrap();
                assert!(store.outbox(FLOW, 1).await.unwrap().is_empty());
            }
        }
    }
}

#[tokio::test]
async fn what_was_recorded_is_there_after_closing_and_opening() {
    both(async |house| {
        let [ended, waiting] = messages();
        house.end(ended).await;
        house.park(waits(waiting, "lane", WaitsFor::Person)).await;
        house.store.close().await;
        let reopened = Store::open(&house.ground.config("")).await.unwrap();
        let house = House { store: reopened, ..house };
        assert_eq!(house.look(ended, "lane").await.ending, Some(Ending::Applied));
        assert_eq!(house.look(waiting, "lane").await.gate.unwrap().head, waiting);
        // What comes now stands behind what was there.
        let owner = house.store.take(house.worker, FLOW, 0, Duration::ZERO).await.unwrap().unwrap();
        let house = House { owner, ..house };
        let behind = Uuid::new_v4();
        house.park(waits(behind, "lane", WaitsFor::Head)).await;
        assert_eq!(house.lane("lane").await, [waiting, behind]);
    })
    .await;
}

#[tokio::test]
async fn a_second_opener_sees_and_changes_the_same_rows() {
    both(async |house| {
        let message = Uuid::new_v4();
        house.park(waits(message, "lane", WaitsFor::Person)).await;
        let second = Store::open(&house.ground.config("")).await.unwrap();
        second.replay(message, "anna").await.unwrap();
        assert_eq!(house.due().await, [message]);
    })
    .await;
}

#[tokio::test]
async fn a_newer_schema_is_refused_in_words() {
    both(async |house| {
        house.store.close().await;
        let config = house.ground.config("");
        if house.ground.backing == Backing::Embedded {
            let file = format!("sqlite://{}", house.ground.data().join("store.db").display());
            let mut connection = sqlx::SqliteConnection::connect(&file).await.unwrap();
            sqlx::query("PRAGMA user_version = 99").execute(&mut connection).await.unwrap();
        } else {
            let mut connection = sqlx::PgConnection::connect(&config.store.url).await.unwrap();
            let newer = sqlx::query("INSERT INTO schema_versions (version, applied_at) VALUES (99, now())");
            newer.execute(&mut connection).await.unwrap();
        }
        let Err(StoreError::Unusable { problem, remedy }) = Store::open(&config).await else { panic!("it opened") };
        assert!(problem.contains("99") && remedy.contains("release"), "{problem} {remedy}");
    })
    .await;
}

#[tokio::test]
async fn the_stores_clock_tells_the_time() {
    both(async |house| {
        let apart = house.store.now().await.unwrap().duration_since(Timestamp::now());
        assert!(apart.abs().as_secs() < 60, "{apart}");
        let first = house.store.now().await.unwrap();
        assert!(house.store.now().await.unwrap() >= first);
    })
    .await;
}

#[tokio::test]
async fn how_many_machines_it_can_lose_is_said() {
    both(async |house| {
        let warnings = house.store.warnings().await.unwrap();
        assert!(warnings.iter().any(|warning| warning.contains("standby")), "{warnings:?}");
    })
    .await;
}
