//! One owner per partition, and nothing written under an old epoch.

use std::collections::HashMap;

use drayline::store::Crew;
use futures_util::future::join_all;

use super::*;

#[tokio::test]
async fn of_many_who_take_at_once_exactly_one_wins() {
    both(async |house| {
        for partition in 1..6 {
            let workers: [Uuid; 8] = messages();
            join_all(workers.map(|worker| house.store.beat(worker, &[]))).await;
            let taken =
                join_all(workers.map(|worker| house.store.take(worker, Flow::Shipments, partition, LIVES))).await;
            let winners = taken.into_iter().filter_map(Result::unwrap).count();
            assert_eq!(winners, 1, "partition {partition} on {:?}", house.ground.backing);
        }
    })
    .await;
}

#[tokio::test]
async fn an_owner_that_lives_keeps_what_it_has_and_a_silent_one_loses_it() {
    both(async |house| {
        let other = Uuid::new_v4();
        assert_eq!(house.store.take(other, FLOW, 0, LIVES).await.unwrap(), None);
        let taken = house.store.take(other, FLOW, 0, Duration::ZERO).await.unwrap().expect("it was silent for so long");
        assert!(taken.epoch > house.owner.epoch);
        assert_eq!(house.store.take(house.worker, FLOW, 0, LIVES).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn the_crew_is_who_lives_with_what_they_can_take_and_own() {
    both(async |house| {
        let [other, silent]: [Uuid; 2] = messages();
        house.store.beat(other, &[Flow::Orders, Flow::Returns]).await.unwrap();
        house.store.take(other, Flow::Returns, 3, LIVES).await.unwrap().unwrap();
        let crew = house.store.crew(LIVES).await.unwrap();
        let mut workers = vec![(house.worker, vec![]), (other, vec![Flow::Orders, Flow::Returns])];
        workers.sort_unstable();
        assert_eq!(crew.workers, workers);
        let owners = [((FLOW, 0), house.worker), ((Flow::Returns, 3), other)];
        assert_eq!(crew.owners, HashMap::from(owners));
        // Who was never heard of owns nothing, as far as anybody can tell.
        house.store.take(silent, FLOW, 5, LIVES).await.unwrap().unwrap();
        assert_eq!(house.store.crew(LIVES).await.unwrap(), crew);
        assert_eq!(house.store.crew(Duration::ZERO).await.unwrap(), Crew::default());
        house.store.leave(other).await.unwrap();
        let crew = house.store.crew(LIVES).await.unwrap();
        assert_eq!(crew.workers, [(house.worker, vec![])]);
        assert_eq!(crew.owners, HashMap::from([((FLOW, 0), house.worker)]));
    })
    .await;
}

#[tokio::test]
async fn taking_again_what_is_ours_raises_the_epoch() {
    both(async |house| {
        let again = house.store.take(house.worker, FLOW, 0, LIVES).await.unwrap().expect("it is ours");
        assert!(again.epoch > house.owner.epoch);
        let written = house.store.record(&[ends(house.owner, Uuid::new_v4())]).await.unwrap();
        assert_eq!(written, [Written::NotOwner]);
    })
    .await;
}

#[tokio::test]
async fn what_is_given_up_is_free_at_once_and_closed_to_who_gave_it() {
    both(async |house| {
        house.store.give_up(house.owner).await.unwrap();
        let written = house.store.record(&[ends(house.owner, Uuid::new_v4())]).await.unwrap();
        assert_eq!(written, [Written::NotOwner]);
        let other = Uuid::new_v4();
        let taken = house.store.take(other, FLOW, 0, LIVES).await.unwrap().expect("it was given up");
        // Late words of the one who had it before change nothing.
        house.store.give_up(house.owner).await.unwrap();
        let written = house.store.record(&[ends(taken, Uuid::new_v4())]).await.unwrap();
        assert_eq!(written, [Written::Yes]);
    })
    .await;
}

#[tokio::test]
async fn rows_of_a_lost_partition_are_left_out_and_the_rest_stands() {
    both(async |house| {
        let lost = house.store.take(house.worker, FLOW, 1, LIVES).await.unwrap().unwrap();
        house.store.take(Uuid::new_v4(), FLOW, 1, Duration::ZERO).await.unwrap().unwrap();
        let [kept, left, waiting] = messages();
        let everything = Record {
            effects: vec![effect("lost", "lost")],
            outbox: vec![sends(left, Purpose::Flow)],
            documents: vec![drayline::store::Document {
                key: "lost".to_owned(),
                kind: "order".to_owned(),
                legal_entity: None,
                names: vec![("reference".to_owned(), "lost-1".to_owned())],
            }],
            journey: vec![step("lost", 1, "lost")],
            ..ends(lost, left)
        };
        let records = [ends(house.owner, kept), everything, parks(lost, waits(waiting, "lost", now_due()))];
        let written = house.store.record(&records).await.unwrap();
        assert_eq!(written, [Written::Yes, Written::NotOwner, Written::NotOwner]);
        assert_eq!(house.look(kept, "kept").await.ending, Some(Ending::Applied));
        let known = house.look(left, "lost").await;
        assert!(known.ending.is_none() && known.gate.is_none() && known.effects.is_empty(), "{known:#?}");
        assert!(house.store.outbox(FLOW, 10).await.unwrap().is_empty());
        assert!(house.store.documents("lost").await.unwrap().is_empty());
        assert!(house.store.known(&["lost".to_owned(), "lost-1".to_owned()]).await.unwrap().is_empty());
    })
    .await;
}

/// The embedded store's folder lets one working process in: whoever owned before is dead. The server's does not.
#[tokio::test]
async fn a_new_process_takes_over_at_once_from_the_embedded_store_only() {
    both(async |house| {
        let reopened = Store::open(&house.ground.config("")).await.unwrap();
        let other = Uuid::new_v4();
        let taken = reopened.take(other, FLOW, 0, LIVES).await.unwrap();
        assert_eq!(taken.is_some(), house.ground.backing == Backing::Embedded);
    })
    .await;
}
