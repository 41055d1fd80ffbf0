//! What attempts leave behind: in one commit or nowhere, and the same after a repetition.

use drayline::store::{Document, Name, ParkedFailure, STEPS_MAX};
use serde_json::Value;

use super::*;

fn everything(owner: Ownership, message_id: Uuid, other: Uuid) -> Record {
    Record {
        effects: vec![effect("one", "lane"), effect("two", "lane")],
        outbox: vec![sends(message_id, Purpose::Flow), sends(other, Purpose::Flow)],
        documents: vec![Document {
            key: "lane".to_owned(),
            kind: "order".to_owned(),
            legal_entity: Some("usmf".to_owned()),
            names: vec![
                ("customer".to_owned(), "PO-9".to_owned()),
                ("reference".to_owned(), "usmf-SHP0012-W1".to_owned()),
            ],
        }],
        journey: vec![step("lane", 5, "second"), step("lane", 5, "third"), step("lane", 4, "first")],
        ..ends(owner, message_id)
    }
}

#[tokio::test]
async fn everything_of_an_attempt_is_found_again() {
    both(async |house| {
        let [message, other] = messages();
        let record = everything(house.owner, message, other);
        house.record(std::slice::from_ref(&record)).await;
        let known = house.look(message, "lane").await;
        assert_eq!(known.ending, Some(Ending::Applied));
        assert_eq!(known.effects, record.effects);
        let sent = house.store.outbox(FLOW, 10).await.unwrap();
        assert_eq!(sent.iter().map(|row| row.message_id).collect::<Vec<_>>(), [message, other]);
        assert!(sent[0].id < sent[1].id);
        assert_eq!(sent[0].bytes, [0, 1, 255]);
        assert_eq!(sent[0].traceparent.as_deref(), Some("00-1-2-01"));
        for name in ["lane", "PO-9", "usmf-SHP0012-W1"] {
            let views = house.store.documents(name).await.unwrap();
            assert_eq!(views.len(), 1, "{name}");
            assert_eq!(views[0].document, record.documents[0]);
            let steps: Vec<_> = views[0].steps.iter().map(|step| step.what.as_str()).collect();
            assert_eq!(steps, ["first", "second", "third"]);
        }
        assert!(house.store.documents("SHP0012").await.unwrap().is_empty(), "names are whole");
    })
    .await;
}

fn called(document: &str, label: &str, name: &str) -> Name {
    Name { document: document.to_owned(), label: label.to_owned(), text: name.to_owned() }
}

#[tokio::test]
async fn a_key_finds_every_document_that_has_it_in_whatever_case_also_where_nothing_was_done() {
    both(async |house| {
        let [sent, waits_for_it, returned] = messages();
        let (order, other, back) = ("order/contoso/usmf-1", "order/contoso/usmf-2", "rma/contoso/RMA-7");
        let held = Record {
            names: vec![called(other, "order_number", "SO-1001"), called(other, "request", "SHP2")],
            journey: vec![step(other, 2, "waits")],
            progress: Some(super::progress::far(other, 7)),
            ..parks(house.owner, waits(waits_for_it, other, WaitsFor::Person))
        };
        let documents = vec![Document {
            key: order.to_owned(),
            kind: "order".to_owned(),
            legal_entity: Some("usmf".to_owned()),
            names: [("order_number", "SO-1001"), ("awaited_as", "order/contoso/usmf-1-W1"), ("reference", "usmf-1-W1")]
                .map(|(label, name)| (label.to_owned(), name.to_owned()))
                .to_vec(),
        }];
        let created = Record { documents, journey: vec![step(order, 1, "created")], ..ends(house.owner, sent) };
        let came = Record {
            names: vec![called(back, "rma", "RMA-7"), called(back, "reference", "usmf-1-W1")],
            ..ends(house.owner, returned)
        };
        house.record(&[held.clone(), created, came]).await;
        house.record(&[held]).await;
        let keys = async |key: &str| {
            let found = house.store.documents(key).await.unwrap();
            found.into_iter().map(|view| view.document.key).collect::<Vec<_>>()
        };
        assert_eq!(keys("  so-1001\t").await, [order, other]);
        assert_eq!(keys("USMF-1-w1").await, [order, back]);
        assert_eq!(keys(other).await, [other]);
        assert!(keys("SO-100").await.is_empty() && keys("SO-10011").await.is_empty(), "keys are whole");
        let shown = serde_json::to_value(house.store.documents("shp2").await.unwrap()).unwrap();
        let wanted = json!({ "order_number": "SO-1001", "request": "SHP2" });
        assert_eq!(
            (&shown[0]["keys"], &shown[0]["kind"], &shown[0]["legal_entity"]),
            (&wanted, &json!("order"), &json!("usmf"))
        );
        assert_eq!(shown[0]["steps"][0]["what"], "waits");
        let shown = serde_json::to_value(house.store.documents("rma-7").await.unwrap()).unwrap();
        assert_eq!((&shown[0]["kind"], &shown[0]["state"]), (&json!("return"), &Value::Null));
        let shown = serde_json::to_value(house.store.documents("usmf-1-w1").await.unwrap()).unwrap();
        assert_eq!(
            shown[0]["keys"],
            json!({ "order_number": "SO-1001", "reference": "usmf-1-W1" }),
            "only messages wait by the rest"
        );
        // Messages know what was done, and nothing else.
        let named = house.store.named("SO-1001").await.unwrap();
        assert_eq!(named.iter().map(|document| document.key.as_str()).collect::<Vec<_>>(), [order]);
    })
    .await;
}

#[tokio::test]
async fn of_a_long_journey_the_latest_steps_are_shown_and_that_there_are_older_ones() {
    both(async |house| {
        let steps = (0..=STEPS_MAX).map(|at| step("stock/north/A", at.try_into().unwrap(), &format!("step {at}")));
        let last = format!("step {STEPS_MAX}");
        let [message] = messages();
        house.record(&[Record { journey: steps.collect(), ..ends(house.owner, message) }]).await;
        let found = house.store.documents("stock/north/A").await.unwrap();
        let what: Vec<_> = found[0].steps.iter().map(|step| step.what.as_str()).collect();
        assert_eq!(
            (found[0].has_older_steps, what.len(), what[0], what[STEPS_MAX - 1]),
            (true, STEPS_MAX, "step 1", last.as_str())
        );
    })
    .await;
}

#[tokio::test]
async fn a_repeated_record_changes_nothing() {
    both(async |house| {
        let [message, other, waiting, behind] = messages();
        let announced = Record {
            outbox: vec![sends(waiting, Purpose::DeadLetter)],
            ..parks(house.owner, Parked { parkings: 1, ..waits(waiting, "held", WaitsFor::Person) })
        };
        let records = [
            everything(house.owner, message, other),
            announced,
            parks(house.owner, waits(behind, "held", WaitsFor::Head)),
        ];
        house.record(&records).await;
        let place = house.look(behind, "held").await.parked.unwrap();
        house.record(&records).await;
        house.record(&records[..2]).await;
        let again = house.look(behind, "held").await.parked.unwrap();
        assert_eq!((again.place, again.first_parked_at), (place.place, place.first_parked_at));
        assert_eq!(house.look(message, "lane").await.effects.len(), 2);
        assert_eq!(house.store.outbox(FLOW, 10).await.unwrap().len(), 3);
        assert_eq!(house.store.documents("lane").await.unwrap()[0].steps.len(), 3);
        assert_eq!(house.lane("held").await, [waiting, behind]);
    })
    .await;
}

#[tokio::test]
async fn what_the_store_cannot_hold_is_split_off_and_never_poisons_the_rest() {
    both(async |house| {
        let all: [Uuid; 256] = messages();
        let mut records: Vec<_> = all.iter().map(|message| ends(house.owner, *message)).collect();
        // Found out by the database itself, one at a time.
        let nowhere = |message| Parked { place: Place::InFrontOf(i64::MIN), ..waits(message, "lane", now_due()) };
        records[17] = parks(house.owner, nowhere(all[17]));
        records[200] = parks(house.owner, nowhere(all[200]));
        // Found out before.
        records[18] = parks(house.owner, waits(all[18], &"x".repeat(2000), now_due()));
        let written = house.store.record(&records).await.unwrap();
        for (number, answer) in written.iter().enumerate() {
            let refused = matches!(answer, Written::Refused(reason) if !reason.is_empty());
            let expected = [17, 18, 200].contains(&number);
            assert_eq!(refused, expected, "{number} on {:?}: {answer:?}", house.ground.backing);
            assert!(refused || *answer == Written::Yes);
            let ending = house.look(all[number], "lane").await.ending;
            assert_eq!(ending.is_some(), !expected, "{number}");
        }
    })
    .await;
}

#[tokio::test]
async fn two_records_of_one_message_count_in_their_order() {
    both(async |house| {
        let [first, second] = messages();
        let parked = |message| parks(house.owner, waits(message, "lane", later()));
        house.record(&[parked(first), ends(house.owner, first), parked(second)]).await;
        let known = house.look(first, "lane").await;
        assert_eq!(known.ending, Some(Ending::Applied));
        assert!(known.parked.is_none());
        assert_eq!(known.gate.unwrap().head, second);
    })
    .await;
}

#[tokio::test]
async fn what_ended_stays_ended() {
    both(async |house| {
        let message = Uuid::new_v4();
        house.record(&[Record::new(house.owner, message, Outcome::Ended(Ending::Discarded))]).await;
        house.record(&[ends(house.owner, message), parks(house.owner, waits(message, "lane", now_due()))]).await;
        let known = house.look(message, "lane").await;
        assert_eq!(known.ending, Some(Ending::Discarded));
        assert!(known.parked.is_none() && known.gate.is_none());
    })
    .await;
}

#[tokio::test]
async fn an_effect_and_a_document_are_what_was_recorded_first() {
    both(async |house| {
        let [one, two] = messages();
        let mut first = everything(house.owner, one, one);
        let mut second = everything(house.owner, two, two);
        second.effects[0].act = "another".to_owned();
        second.documents[0].kind = "another".to_owned();
        first.effects.truncate(1);
        house.record(&[first]).await;
        house.record(&[second]).await;
        let effects = house.look(one, "lane").await.effects;
        assert_eq!(effects.iter().map(|effect| effect.act.as_str()).collect::<Vec<_>>(), ["create_order"; 2]);
        assert_eq!(house.store.documents("lane").await.unwrap()[0].document.kind, "order");
    })
    .await;
}

#[tokio::test]
async fn nul_characters_poison_nothing() {
    both(async |house| {
        let [message, sent, waiting] = messages();
        let mut record = everything(house.owner, message, sent);
        record.effects[0].facts = json!({"name": "a\0b", "\0": ["\u{0}"]});
        record.journey[0].what = "said \0".to_owned();
        record.outbox[0].ordering_key = "key\0".to_owned();
        record.documents[0].names.push(("lot".to_owned(), "L\0T".to_owned()));
        let failure = ParkedFailure {
            code: "warehouse.refused".to_owned(),
            sentence: "it said \0".to_owned(),
            detail: Some("\0".to_owned()),
            awaits: None,
        };
        let parked = Parked {
            failure: Some(failure),
            bytes: vec![0, 0, 1],
            asked_by: Some("\0".to_owned()),
            unsure: vec![super::intents::intent("k\0")],
            ..waits(waiting, "lane\0one", document("doc\0"))
        };
        house.record(&[record.clone(), parks(house.owner, parked), ends(house.owner, Uuid::new_v4())]).await;
        let known = house.look(waiting, "lane\0one").await;
        let parked = known.parked.unwrap();
        assert_eq!(known.gate.unwrap().head, waiting);
        assert_eq!(parked.bytes, [0, 0, 1]);
        assert_eq!(parked.failure.unwrap().sentence, "it said \u{2400}");
        assert_eq!(parked.unsure[0].key, "k\0");
        assert_eq!(house.look(message, "lane").await.effects[0].facts, record.effects[0].facts);
        assert_eq!(house.store.documents("L\0T").await.unwrap().len(), 1);
        assert_eq!(house.store.known(&["L\0T".to_owned()]).await.unwrap()[0].name, "L\0T");
        assert_eq!(house.store.wake(&["doc\0".to_owned()]).await.unwrap(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_large_slice_is_shared_out_to_several_commits_and_stays_in_order() {
    both(async |house| {
        let small = house.ground.config("store.statement_bytes_max = 1000\n");
        let store = Store::open(&small).await.unwrap();
        let owner = store.take(house.worker, FLOW, 0, Duration::ZERO).await.unwrap().unwrap();
        let all: [Uuid; 20] = messages();
        let large = |message| Parked { bytes: vec![7; 400], ..waits(message, "lane", WaitsFor::Head) };
        let records: Vec<_> = all.iter().map(|message| parks(owner, large(*message))).collect();
        assert_eq!(store.record(&records).await.unwrap(), vec![Written::Yes; 20]);
        let house = House { owner, ..house };
        assert_eq!(house.lane("lane").await, all);
    })
    .await;
}

#[tokio::test]
async fn nothing_asked_is_nothing_answered() {
    both(async |house| {
        assert!(house.store.record(&[]).await.unwrap().is_empty());
        assert!(house.store.intend(&[]).await.unwrap().is_empty());
        assert!(house.store.look_up(FLOW, &[]).await.unwrap().is_empty());
        assert!(house.store.due(&[], 10).await.unwrap().is_empty());
        assert!(house.store.known(&[]).await.unwrap().is_empty());
        assert_eq!(house.store.wake(&[]).await.unwrap(), 0);
        house.store.delivered(&[]).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn answers_come_in_the_order_of_the_questions() {
    both(async |house| {
        let all: [Uuid; 40] = messages();
        let odd: Vec<_> = all.iter().skip(1).step_by(2).map(|message| ends(house.owner, *message)).collect();
        house.record(&odd).await;
        house.record(&[Record { effects: vec![effect("e7", "d7")], ..ends(house.owner, Uuid::new_v4()) }]).await;
        let questions: Vec<_> = (0..)
            .zip(all)
            .map(|(n, message_id): (u32, _)| Question {
                message_id,
                lane_key: format!("l{n}"),
                document: format!("d{}", n % 10),
            })
            .collect();
        let known = house.store.look_up(FLOW, &questions).await.unwrap();
        for (number, known) in known.iter().enumerate() {
            assert_eq!(known.ending.is_some(), number % 2 == 1);
            assert_eq!(known.effects.len(), usize::from(number % 10 == 7));
        }
        assert_eq!(known.len(), 40);
    })
    .await;
}
