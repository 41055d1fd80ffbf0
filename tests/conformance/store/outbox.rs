//! What is to be sent, in order, until it was delivered.

use drayline::store::{ParkedFailure, Waiting};

use super::*;

#[tokio::test]
async fn rows_come_by_id_whatever_their_purpose_and_go_when_delivered() {
    both(async |house| {
        let [accepted, emitted, dead, other] = messages();
        assert!(house.store.accept(&sends(accepted, Purpose::Ingest), 10).await.unwrap());
        let failure = ParkedFailure {
            code: "order.unknown".to_owned(),
            sentence: "Nothing is known of it.".to_owned(),
            detail: Some("404".to_owned()),
            awaits: None,
        };
        let letter = OutboxRow { failure: Some(failure.clone()), ..sends(dead, Purpose::DeadLetter) };
        let record = Record { outbox: vec![sends(emitted, Purpose::Flow), letter], ..ends(house.owner, dead) };
        house.record(&[record]).await;
        assert!(
            house.store.accept(&OutboxRow { flow: Flow::Returns, ..sends(other, Purpose::Ingest) }, 10).await.unwrap()
        );
        let rows = house.store.outbox(FLOW, 10).await.unwrap();
        let seen: Vec<_> = rows.iter().map(|row| (row.message_id, row.purpose)).collect();
        let expected = [(accepted, Purpose::Ingest), (emitted, Purpose::Flow), (dead, Purpose::DeadLetter)];
        assert_eq!(seen, expected);
        assert_eq!(rows[2].failure, Some(failure));
        assert_eq!(house.store.outbox(FLOW, 2).await.unwrap().len(), 2);

        let count = async |flow, purpose| house.store.waiting(flow, purpose).await.unwrap().rows;
        assert_eq!(count(None, None).await, 4);
        assert_eq!(count(Some(FLOW), None).await, 3);
        assert_eq!(count(None, Some(Purpose::Ingest)).await, 2);
        assert_eq!(count(Some(FLOW), Some(Purpose::Ingest)).await, 1);
        assert_eq!(house.store.waiting(Some(Flow::Shipments), None).await.unwrap(), Waiting::default());

        house.store.delivered(&[rows[0].id, rows[2].id]).await.unwrap();
        house.store.delivered(&[rows[0].id]).await.unwrap();
        let left: Vec<_> = house.store.outbox(FLOW, 10).await.unwrap().iter().map(|row| row.message_id).collect();
        assert_eq!(left, [emitted]);
    })
    .await;
}

#[tokio::test]
async fn a_full_outbox_accepts_nothing_and_one_that_was_emptied_does() {
    both(async |house| {
        let [one, two, three] = messages();
        assert!(house.store.accept(&sends(one, Purpose::Ingest), 2).await.unwrap());
        assert!(house.store.accept(&sends(one, Purpose::Ingest), 2).await.unwrap(), "the same again is there already");
        assert!(house.store.accept(&sends(two, Purpose::Ingest), 2).await.unwrap());
        assert!(!house.store.accept(&sends(three, Purpose::Ingest), 2).await.unwrap());
        let rows = house.store.outbox(FLOW, 10).await.unwrap();
        assert_eq!(rows.len(), 2);
        house.store.delivered(&[rows[0].id]).await.unwrap();
        assert!(house.store.accept(&sends(three, Purpose::Ingest), 2).await.unwrap());
        // An old row that stays does not close the door for ever.
        let rows = house.store.outbox(FLOW, 10).await.unwrap();
        house.store.delivered(&[rows[1].id]).await.unwrap();
        assert!(house.store.accept(&sends(one, Purpose::Ingest), 2).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn a_message_parked_twice_for_a_person_is_announced_twice_and_each_once() {
    both(async |house| {
        let message = Uuid::new_v4();
        let announced = |parkings| Record {
            outbox: vec![sends(message, Purpose::DeadLetter)],
            ..parks(house.owner, Parked { parkings, ..waits(message, "lane", WaitsFor::Person) })
        };
        house.record(&[announced(1)]).await;
        house.record(&[announced(1)]).await;
        house.record(&[announced(2)]).await;
        assert_eq!(house.store.outbox(FLOW, 10).await.unwrap().len(), 2);
    })
    .await;
}
