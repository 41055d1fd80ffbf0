//! Places in a lane, and its gate.

use super::*;

#[tokio::test]
async fn a_gate_exists_exactly_as_long_as_anything_is_parked() {
    both(async |house| {
        let [first, second, other] = messages();
        assert!(house.look(first, "lane").await.gate.is_none());
        house.park(waits(first, "lane", WaitsFor::Person)).await;
        house.park(waits(second, "lane", WaitsFor::Head)).await;
        house.park(waits(other, "elsewhere", later())).await;
        let known = house.look(second, "lane").await;
        let gate = known.gate.unwrap();
        assert_eq!((gate.head, gate.waits_for), (first, WaitsFor::Person));
        let parked = known.parked.unwrap();
        assert_eq!(parked.waits_for, WaitsFor::Head);
        let Place::At(position) = parked.place else { panic!("it has a place") };
        assert!(position > gate.position);
        house.end(first).await;
        assert_eq!(house.look(Uuid::nil(), "lane").await.gate.unwrap().head, second);
        house.end(second).await;
        assert!(house.look(Uuid::nil(), "lane").await.gate.is_none());
        assert_eq!(house.look(Uuid::nil(), "elsewhere").await.gate.unwrap().head, other);
    })
    .await;
}

#[tokio::test]
async fn places_behind_follow_the_order_of_the_slice() {
    both(async |house| {
        let all: [Uuid; 256] = messages();
        let lane = |number: usize| format!("lane {}", number % 3);
        let records: Vec<_> =
            (0..256).map(|number| parks(house.owner, waits(all[number], &lane(number), WaitsFor::Head))).collect();
        house.record(&records).await;
        for remainder in 0..3 {
            let expected: Vec<_> =
                (0..256).filter(|number| number % 3 == remainder).map(|number| all[number]).collect();
            assert_eq!(house.lane(&lane(remainder)).await, expected);
        }
    })
    .await;
}

#[tokio::test]
async fn in_front_of_the_head_is_in_front_of_it_alone_and_in_order() {
    both(async |house| {
        let [before, head, follower, one, two, three, four] = messages();
        house.park(waits(before, "lane", WaitsFor::Head)).await;
        house.park(waits(head, "lane", WaitsFor::Person)).await;
        house.park(waits(follower, "lane", WaitsFor::Head)).await;
        let Place::At(position) = house.look(head, "lane").await.parked.unwrap().place else {
            panic!("it has a place")
        };
        let front = |message| {
            let place = Place::InFrontOf(position);
            parks(house.owner, Parked { place, ..waits(message, "lane", later()) })
        };
        house.record(&[front(one), front(two)]).await;
        house.record(&[front(three)]).await;
        // A repetition does not move it.
        house.record(&[front(one)]).await;
        // What stood behind may be moved in front.
        house.park(waits(four, "lane", WaitsFor::Head)).await;
        house.record(&[front(four)]).await;
        assert_eq!(house.lane("lane").await, [before, one, two, three, four, head, follower]);
    })
    .await;
}

#[tokio::test]
async fn what_is_parked_again_stays_where_it_stands_and_remembers_when_it_came() {
    both(async |house| {
        let [first, second] = messages();
        house.park(waits(first, "lane", later())).await;
        house.park(waits(second, "lane", WaitsFor::Head)).await;
        let was = house.look(first, "lane").await.parked.unwrap();
        assert_eq!(was.bytes, first.as_bytes());
        let changed = Parked {
            attempts: 3,
            parkings: 2,
            waits_for: document("order/contoso/9"),
            asked_by: Some("anna".to_owned()),
            deadline_at: was.first_parked_at,
            failure: Some(drayline::store::ParkedFailure {
                code: "order.unknown".to_owned(),
                sentence: "Nothing is known.".to_owned(),
                detail: None,
                awaits: None,
            }),
            ..was.clone()
        };
        house.park(changed.clone()).await;
        let is = house.look(first, "lane").await.parked.unwrap();
        assert_eq!(is.place, was.place);
        assert_eq!(is.first_parked_at, was.first_parked_at);
        assert!(is.last_parked_at >= was.last_parked_at);
        assert_eq!((is.attempts, is.parkings), (3, 2));
        assert_eq!((is.waits_for, is.failure, is.asked_by), (changed.waits_for, changed.failure, changed.asked_by));
        assert_eq!((is.deadline_at, is.kind, is.connection), (changed.deadline_at, was.kind, was.connection));
        assert_eq!(house.lane("lane").await, [first, second]);
    })
    .await;
}
