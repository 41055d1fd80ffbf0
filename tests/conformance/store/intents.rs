//! Intents live until a record does away with their journal row.

use drayline::store::{Intended, Intent};

use super::*;

pub(super) fn intent(key: &str) -> Intent {
    Intent {
        key: key.to_owned(),
        connection: "north".to_owned(),
        class: "findable".to_owned(),
        call: json!({"order": {"reference": "usmf-1-W1"}, "zero": "\0"}),
        committed_at: None,
    }
}

fn intends(owner: Ownership, journal: Uuid, message_id: Uuid, key: &str) -> Intended {
    Intended { owner, journal, message_id, intents: vec![intent(key), intent(&format!("{key}/2"))] }
}

#[tokio::test]
async fn what_was_intended_is_unsettled_until_its_journal_row_goes() {
    both(async |house| {
        let [first, second, one, two, three] = messages();
        let before = house.store.now().await.unwrap();
        let intended = [
            intends(house.owner, first, one, "a"),
            intends(house.owner, second, two, "b"),
            intends(house.owner, first, three, "c"),
        ];
        assert_eq!(house.store.intend(&intended).await.unwrap(), vec![Written::Yes; 3]);
        assert_eq!(house.store.intend(&intended).await.unwrap(), vec![Written::Yes; 3], "repeated");
        let unsettled = house.store.unsettled(house.owner).await.unwrap();
        let mut found: Vec<_> = unsettled.iter().map(|row| (row.journal, row.message_id)).collect();
        found.sort();
        let mut expected = vec![(first, one), (first, three), (second, two)];
        expected.sort();
        assert_eq!(found, expected);
        let row = unsettled.iter().find(|row| row.message_id == three).unwrap();
        assert_eq!(row.intents.len(), 2);
        assert_eq!(row.intents[0].key, "c");
        assert_eq!(row.intents[0].call, intent("c").call);
        let at = row.intents[0].committed_at.unwrap();
        assert!(at.as_millisecond() >= before.as_millisecond() - 1, "{at} {before}");

        house.record(&[Record { journal_done: vec![first], ..ends(house.owner, one) }]).await;
        let unsettled = house.store.unsettled(house.owner).await.unwrap();
        assert_eq!(unsettled.iter().map(|row| row.message_id).collect::<Vec<_>>(), [two]);
    })
    .await;
}

#[tokio::test]
async fn the_next_owner_finds_what_the_last_one_intended_and_the_last_one_intends_no_more() {
    both(async |house| {
        let [journal, late, message] = messages();
        let other_partition = house.store.take(house.worker, FLOW, 3, LIVES).await.unwrap().unwrap();
        house.store.intend(&[intends(house.owner, journal, message, "a")]).await.unwrap();
        let next = house.store.take(Uuid::new_v4(), FLOW, 0, Duration::ZERO).await.unwrap().unwrap();
        let intended = [intends(house.owner, late, message, "b"), intends(other_partition, message, message, "c")];
        let written = house.store.intend(&intended).await.unwrap();
        assert_eq!(written, [Written::NotOwner, Written::Yes]);
        let unsettled = house.store.unsettled(next).await.unwrap();
        assert_eq!(unsettled.iter().map(|row| row.journal).collect::<Vec<_>>(), [journal]);
        // Nor does the last one do away with anything.
        house.store.record(&[Record { journal_done: vec![journal], ..ends(house.owner, message) }]).await.unwrap();
        assert_eq!(house.store.unsettled(next).await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_parked_message_carries_what_is_unsure_and_since_when() {
    both(async |house| {
        let message = Uuid::new_v4();
        let known_since = Timestamp::from_second(1_700_000_000).unwrap();
        let old = Intent { committed_at: Some(known_since), ..intent("old") };
        let before = house.store.now().await.unwrap();
        house.park(Parked { unsure: vec![old, intent("new")], ..waits(message, "lane", later()) }).await;
        let parked = house.look(message, "lane").await.parked.unwrap();
        assert_eq!(parked.unsure[0].committed_at, Some(known_since));
        let since = parked.unsure[1].committed_at.unwrap();
        assert!(since >= before, "{since} {before}");
        // Parked once more, it is not younger.
        house.park(Parked { waits_for: now_due(), ..parked }).await;
        assert_eq!(house.look(message, "lane").await.parked.unwrap().unsure[1].committed_at, Some(since));
    })
    .await;
}
