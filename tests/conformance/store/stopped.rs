//! What waits for a far end or for a paused flow, and what people paused.

use drayline::store::{Pause, Stopped};

use super::*;

fn north() -> WaitsFor {
    WaitsFor::FarEnd { connection: "north".to_owned() }
}

fn south() -> WaitsFor {
    WaitsFor::FarEnd { connection: "south".to_owned() }
}

async fn heads(house: &House, waits_for: &WaitsFor, limit: u32) -> Vec<Uuid> {
    ids(&house.store.stopped_heads(&[house.owner], waits_for, limit).await.unwrap())
}

#[tokio::test]
async fn what_waits_for_a_far_end_is_never_due_and_is_found_oldest_first() {
    both(async |house| {
        let all: [Uuid; 4] = messages();
        let [elsewhere, flow, follower] = messages();
        for (number, message) in all.iter().enumerate() {
            house.park(waits(*message, &format!("lane {number}"), north())).await;
        }
        house.park(waits(elsewhere, "elsewhere", south())).await;
        house.park(waits(flow, "flow", WaitsFor::Flow)).await;
        house.park(waits(follower, "lane 0", north())).await;
        assert!(house.due().await.is_empty());
        assert_eq!(heads(&house, &north(), 10).await, all, "a follower is not among them");
        assert_eq!(heads(&house, &north(), 2).await, all[..2]);
        assert_eq!(heads(&house, &south(), 10).await, [elsewhere]);
        assert_eq!(heads(&house, &WaitsFor::Flow, 10).await, [flow]);
        // One that was tried in vain goes behind the others; its place in its lane stays.
        house.park(waits(all[0], "lane 0", north())).await;
        assert_eq!(heads(&house, &north(), 10).await, [all[1], all[2], all[3], all[0]]);
        let known = house.look(all[0], "lane 0").await;
        assert_eq!((known.gate.unwrap().head, known.parked.unwrap().waits_for), (all[0], north()));
        house.end(all[0]).await;
        assert_eq!(heads(&house, &north(), 10).await[3], follower);
        // Under an epoch that is over nothing is found.
        let stale = Ownership { epoch: house.owner.epoch - 1, ..house.owner };
        assert!(house.store.stopped_heads(&[stale], &north(), 10).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn what_is_stopped_is_counted_by_partition() {
    both(async |house| {
        let [one, two, three, four, other] = messages();
        let second = house.store.take(house.worker, FLOW, 1, LIVES).await.unwrap().unwrap();
        house.park(waits(one, "one", north())).await;
        house.park(waits(two, "two", north())).await;
        house.park(waits(three, "three", WaitsFor::Flow)).await;
        let in_second = Parked { partition: 1, ..waits(four, "four", south()) };
        house.record(&[parks(second, in_second)]).await;
        house.park(waits(other, "other", WaitsFor::Person)).await;
        let of = |partition, waits_for, messages| Stopped { flow: FLOW, partition, waits_for, messages };
        let expected = [of(0, north(), 2), of(0, WaitsFor::Flow, 1), of(1, south(), 1)];
        assert_eq!(house.store.stopped().await.unwrap(), expected);
        let counts = house.store.parked_counts().await.unwrap();
        let counts: Vec<_> = counts.iter().map(|(_, name, count)| (name.as_str(), *count)).collect();
        assert_eq!(counts, [("person", 1), ("far_end", 3), ("flow", 1)]);
        house.end(one).await;
        house.end(three).await;
        assert_eq!(house.store.stopped().await.unwrap(), [of(0, north(), 1), of(1, south(), 1)]);
    })
    .await;
}

#[tokio::test]
async fn a_person_lets_one_of_them_run_at_once() {
    both(async |house| {
        let [message] = messages();
        house.park(waits(message, "lane", north())).await;
        house.store.replay(message, "anna").await.unwrap();
        assert_eq!(house.due().await, [message]);
        assert!(heads(&house, &north(), 10).await.is_empty());
    })
    .await;
}

fn pause(connection: Option<&str>, flow: Option<Flow>, by: &str) -> Pause {
    Pause {
        connection: connection.map(str::to_owned),
        flow,
        reason: format!("{by} says so"),
        paused_by: by.to_owned(),
        paused_at: Timestamp::UNIX_EPOCH,
    }
}

#[tokio::test]
async fn what_people_pause_holds_until_somebody_lets_it_go_on() {
    both(async |house| {
        let store = &house.store;
        let began = store.now().await.unwrap();
        assert!(store.pauses().await.unwrap().is_empty());
        let connection = store.pause(&pause(Some("north"), None, "anna")).await.unwrap();
        assert_eq!((connection.reason.as_str(), connection.paused_by.as_str()), ("anna says so", "anna"));
        assert!(connection.paused_at >= began);
        assert_eq!(store.pause(&pause(Some("north"), None, "bert")).await.unwrap(), connection, "the older one holds");
        let flow = store.pause(&pause(None, Some(Flow::Orders), "bert")).await.unwrap();
        let both = store.pause(&pause(Some("north"), Some(Flow::Orders), "carl")).await.unwrap();
        assert_eq!(store.pauses().await.unwrap(), [connection.clone(), flow.clone(), both.clone()]);
        // Whoever opens the store anew finds them.
        let again = Store::open(&house.ground.config("")).await.unwrap();
        assert_eq!(again.pauses().await.unwrap().len(), 3);
        again.close().await;

        assert_eq!(store.resume(Some("south"), None, "dora", "why not").await.unwrap(), None);
        assert_eq!(store.resume(Some("north"), None, "dora", "it is well").await.unwrap(), Some(connection));
        assert_eq!(store.resume(Some("north"), None, "dora", "it is well").await.unwrap(), None);
        assert_eq!(store.pauses().await.unwrap(), [flow, both]);
        let anew = store.pause(&pause(Some("north"), None, "emil")).await.unwrap();
        assert_eq!(anew.paused_by, "emil");
    })
    .await;
}
