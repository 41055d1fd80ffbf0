//! People at one exception: every arrow of its states, a verdict on what was unsure, and two who act at once.

use std::collections::BTreeSet;

use drayline::store::{
    Acted, Again, ByHand, Discarded, ExceptionFilter, Handling, Intent, KeptMessage, ParkedFailure, Replayed, Seen,
    Work, WorkState,
};
use futures_util::future::join;

use super::*;

const PAGE: &str = include_str!("../../../docs/exceptions.md");

/// For which the exceptions of these tests wait, where they wait for a thing.
const THING: &str = "sku/1";

/// One that is parked for a person, for want of a thing or not.
fn fails(message: Uuid, parkings: u32, awaits: Option<&str>) -> Parked {
    let failure = ParkedFailure {
        code: "mapping.missing".to_owned(),
        sentence: "It is missing.".to_owned(),
        detail: None,
        awaits: awaits.map(str::to_owned),
    };
    let lane = message.to_string();
    Parked { failure: Some(failure), parkings, ..waits(message, &lane, WaitsFor::Person) }
}

async fn state(house: &House, message: Uuid) -> String {
    shown(house, message).await.map_or_else(|| "[*]".to_owned(), |work| work.state)
}

async fn shown(house: &House, message: Uuid) -> Option<Work> {
    let one = ExceptionFilter {
        messages: Some(vec![message]),
        states: WorkState::ALL.to_vec(),
        limit: 1,
        ..ExceptionFilter::default()
    };
    house.store.exceptions(&one).await.unwrap().1.pop()
}

/// Brings an exception into a state; its thing is missing, or nothing is.
async fn brought(house: &House, to: &str, awaits: Option<&str>) -> Uuid {
    let message = Uuid::new_v4();
    match to {
        "[*]" => return message,
        "open" => house.park(fails(message, 1, None)).await,
        "waiting" => house.park(fails(message, 1, Some(THING))).await,
        _ => house.park(fails(message, 1, awaits)).await,
    }
    // A list sees it: from here on it is an exception.
    state(house, message).await;
    match to {
        "investigating" => act(house, message, Handling::Investigate).await,
        "replaying" => assert_eq!(house.store.replay(message, "anna").await.unwrap(), Replayed::Due),
        "resolved" => house.record(&[kept(house, message)]).await,
        "discarded" => assert_eq!(house.store.discard(message, "anna", "a test").await.unwrap(), Discarded::Yes),
        _ => {}
    }
    assert_eq!(state(house, message).await, to);
    message
}

async fn act(house: &House, message: Uuid, handling: Handling) {
    assert_eq!(house.store.act(&[message.into()], &handling, "anna").await.unwrap(), Acted::Done(vec![message]));
}

/// The arrows of the drawing in docs/exceptions.md: from, to, why.
fn drawn() -> BTreeSet<(String, String, String)> {
    let drawing = PAGE.split("```mermaid").nth(1).and_then(|rest| rest.split("```").next()).expect("a drawing");
    let arrow = |line: &str| {
        let (from, rest) = line.split_once(" --> ")?;
        let (to, why) = rest.split_once(": ")?;
        Some((from.trim().to_owned(), to.trim().to_owned(), why.trim().to_owned()))
    };
    drawing.lines().filter_map(arrow).collect()
}

/// Does what an arrow says to an exception that is in the state in which it begins.
async fn follow(house: &House, message: Uuid, why: &str) {
    match why {
        "parked for a person" => house.park(fails(message, 1, None)).await,
        "parked for want of a thing" => house.park(fails(message, 1, Some(THING))).await,
        "taken up" => act(house, message, Handling::Investigate).await,
        "left" => act(house, message, Handling::Leave).await,
        "replayed" => assert_eq!(house.store.replay(message, "anna").await.unwrap(), Replayed::Due),
        "done by hand" => {
            let seen = house.look(message, &message.to_string()).await.parked.unwrap();
            let said = ByHand::of(&seen, Some("WH-1".to_owned()), "anna");
            assert!(house.store.resolve(&seen, &said, &message.to_string()).await.unwrap());
        }
        "the thing appears" => assert!(house.store.wake(&[THING.to_owned()]).await.unwrap() > 0),
        "run once more, fails" => run_again(house, message, None).await,
        "run once more, fails for want of a thing" => run_again(house, message, Some(THING)).await,
        "fails again" => fail_again(house, message, None).await,
        "fails for want of a thing" => fail_again(house, message, Some(THING)).await,
        "applied" => house.end(message).await,
        "discarded" => assert_eq!(house.store.discard(message, "anna", "a test").await.unwrap(), Discarded::Yes),
        other => panic!("nobody knows how to follow {other:?}"),
    }
}

/// A message that is applied, and kept.
fn kept(house: &House, message: Uuid) -> Record {
    let lane = message.to_string();
    let kept = KeptMessage {
        partition: 0,
        lane_key: lane.clone(),
        ordering_key: lane,
        kind: "order_released".to_owned(),
        connection: "contoso".to_owned(),
        revision: 0,
        parkings: 1,
        bytes: b"as it came".to_vec(),
    };
    Record { kept: Some(kept), ..ends(house.owner, message) }
}

/// A person has what ended run once more, and it fails.
async fn run_again(house: &House, message: Uuid, awaits: Option<&str>) {
    let ended = house.store.ended(message).await.unwrap().unwrap();
    let again = Again { ended: &ended, bytes: b"otherwise", patch: ".", by: "anna" };
    assert!(house.store.run_again(&again).await.unwrap());
    let lane = message.to_string();
    let running = house.look(message, &lane).await.parked.unwrap();
    let failed = fails(message, running.parkings + 1, awaits);
    house.park(Parked { asked: running.asked, revision: running.revision, ..failed }).await;
}

/// An attempt that began with the row as it is comes to its end.
async fn fail_again(house: &House, message: Uuid, awaits: Option<&str>) {
    let asked = house.look(message, &message.to_string()).await.parked.unwrap().asked;
    house.park(Parked { asked, ..fails(message, 2, awaits) }).await;
}

#[tokio::test]
async fn every_arrow_of_the_drawing_is_followed_and_there_is_no_other() {
    let drawn = drawn();
    let states: BTreeSet<&str> = drawn.iter().flat_map(|(from, to, _)| [from.as_str(), to.as_str()]).collect();
    let known: BTreeSet<&str> = WorkState::ALL.map(WorkState::as_str).into_iter().chain(["[*]"]).collect();
    assert_eq!(states, known, "the drawing has the states that there are");
    both(async |house| {
        let whys: BTreeSet<&str> = drawn.iter().map(|(_, _, why)| why.as_str()).collect();
        let mut seen = BTreeSet::new();
        for from in &known {
            // Where nothing is missing, or a thing is.
            for awaits in [None, Some(THING)] {
                for why in &whys {
                    let begins = drawn.iter().any(|(start, _, label)| start == from && label == why);
                    let applies = begins && (*why != "the thing appears" || awaits.is_some() || *from == "waiting");
                    if !applies {
                        continue;
                    }
                    let message = brought(&house, from, awaits).await;
                    follow(&house, message, why).await;
                    seen.insert(((*from).to_owned(), state(&house, message).await, (*why).to_owned()));
                }
            }
        }
        assert_eq!(seen, drawn);
        // What is over stays over, whatever is tried.
        for over in ["applied", "discarded"] {
            let message = brought(&house, "open", None).await;
            follow(&house, message, over).await;
            let ended = state(&house, message).await;
            house.park(fails(message, 2, None)).await;
            assert!(matches!(house.store.replay(message, "bob").await.unwrap(), Replayed::NotParked(Some(_))));
            assert!(matches!(
                house.store.discard(message, "bob", "late").await.unwrap(),
                Discarded::NotParked(Some(_))
            ));
            let late = house.store.act(&[message.into()], &Handling::Investigate, "bob").await.unwrap();
            assert_eq!(late, Acted::Done(vec![]));
            assert_eq!(state(&house, message).await, ended);
        }
    })
    .await;
}

fn unsure(key: &str) -> Intent {
    Intent {
        key: key.to_owned(),
        connection: "north".to_owned(),
        class: "neither".to_owned(),
        call: json!({}),
        committed_at: Some(Timestamp::from_second(1_700_000_000).unwrap()),
    }
}

#[tokio::test]
async fn a_verdict_is_entered_once_and_only_on_what_was_seen() {
    both(async |house| {
        let [head, follower] = messages();
        house.park(Parked { unsure: vec![unsure("create_order/1")], ..waits(head, "lane", WaitsFor::Person) }).await;
        house.park(waits(follower, "lane", WaitsFor::Person)).await;
        let lane = async |message| house.look(message, "lane").await;
        let behind = lane(follower).await.parked.unwrap();
        let said = ByHand::of(&behind, None, "anna");
        assert!(!house.store.resolve(&behind, &said, "lane").await.unwrap(), "its head comes first");

        let seen = lane(head).await.parked.unwrap();
        let said = ByHand::of(&seen, Some("WH\u{0}-1".to_owned()), "anna");
        assert!(house.store.resolve(&seen, &said, "lane").await.unwrap());
        assert_eq!(house.due().await, [head]);
        let other = ByHand::of(&seen, None, "bob");
        assert!(!house.store.resolve(&seen, &other, "lane").await.unwrap(), "somebody was faster");
        let effects = lane(head).await.effects;
        assert_eq!(effects.len(), 1);
        let kept: ByHand = serde_json::from_value(effects[0].facts.clone()).unwrap();
        assert_eq!((&kept, effects[0].act.as_str()), (&said, ByHand::ACT));
        assert_eq!(kept.calls, [("create_order/1".to_owned(), unsure("").committed_at)]);
        let steps = &house.store.documents("lane").await.unwrap()[0].steps;
        assert!(steps.iter().any(|step| step.what.starts_with("anna said: It exists as WH")), "{steps:?}");
    })
    .await;
}

#[tokio::test]
async fn of_two_who_act_at_once_one_is_told_what_the_other_did() {
    both(async |house| {
        for _ in 0..8 {
            // Discarded while it is replayed: whoever comes first, it is discarded, and it does not run afterwards.
            let message = brought(&house, "open", None).await;
            let (replayed, discarded) =
                join(house.store.replay(message, "anna"), house.store.discard(message, "bob", "wrong")).await;
            assert_eq!(discarded.unwrap(), Discarded::Yes);
            assert!(matches!(replayed.unwrap(), Replayed::Due | Replayed::NotParked(Some(Ending::Discarded))));
            assert_eq!((state(&house, message).await.as_str(), house.due().await), ("discarded", vec![]));

            // Discarded twice: one did it.
            let message = brought(&house, "open", None).await;
            let (one, two) =
                join(house.store.discard(message, "anna", "wrong"), house.store.discard(message, "bob", "wrong")).await;
            let done = [one.unwrap(), two.unwrap()].iter().filter(|each| **each == Discarded::Yes).count();
            assert_eq!(done, 1);
            assert_eq!(house.store.acts(message).await.unwrap().len(), 1);

            // Two verdicts: one stands.
            let message = brought(&house, "open", None).await;
            let lane = message.to_string();
            let seen = house.look(message, &lane).await.parked.unwrap();
            let [here, there] =
                [Some("WH-1".to_owned()), Some("WH-2".to_owned())].map(|it| ByHand::of(&seen, it, "anna"));
            let (one, two) =
                join(house.store.resolve(&seen, &here, &lane), house.store.resolve(&seen, &there, &lane)).await;
            assert_eq!([one.unwrap(), two.unwrap()].iter().filter(|it| **it).count(), 1);
            assert_eq!(house.look(message, &lane).await.effects.len(), 1);
            house.end(message).await;

            // Given to two who do not say what they saw: the later one has it, and the history has both.
            let message = brought(&house, "open", None).await;
            let give = |to: &'static str| {
                let store = &house.store;
                async move { store.act(&[message.into()], &Handling::Assign(Some(to.to_owned())), to).await.unwrap() }
            };
            join(give("anna"), give("bob")).await;
            let acts = house.store.acts(message).await.unwrap();
            assert_eq!(acts.iter().filter(|act| act.act == "assigned").count(), 2);
            house.end(message).await;
        }
    })
    .await;
}

#[tokio::test]
async fn of_two_who_set_something_the_second_is_told_who_was_faster_and_nothing_of_his_is_done() {
    both(async |house| {
        for _ in 0..8 {
            let message = brought(&house, "open", None).await;
            let other = brought(&house, "open", None).await;
            let seen = Seen { message_id: message, version: Some(shown(&house, message).await.unwrap().version) };
            let give = |to: &'static str| {
                let store = &house.store;
                async move { store.act(&[other.into(), seen], &Handling::Assign(Some(to.to_owned())), to).await.unwrap() }
            };
            let (one, two) = join(give("anna"), give("bob")).await;
            let (first, told) = match (one, two) {
                (Acted::Done(_), Acted::Changed(told)) => ("anna", told),
                (Acted::Changed(told), Acted::Done(_)) => ("bob", told),
                answers => panic!("one of two is done: {answers:?}"),
            };
            let now = shown(&house, message).await.unwrap();
            assert_eq!(now.owner.as_deref(), Some(first));
            assert_eq!(shown(&house, other).await.unwrap().owner.as_deref(), Some(first), "all or nothing");
            assert_eq!(house.store.acts(message).await.unwrap().len(), 1);
            let sentence = told[0].sentence();
            assert!(sentence.contains(&format!("{first} assigned it to {first}")), "{sentence}");
            assert!(sentence.contains(&format!("version {}", now.version)), "{sentence}");

            // What was seen before it failed again is old, too.
            house.store.replay(message, "anna").await.unwrap();
            fail_again(&house, message, None).await;
            let again = shown(&house, message).await.unwrap();
            let seen = Seen { version: Some(now.version), ..seen };
            let late = house.store.act(&[seen], &Handling::Leave, "bob").await.unwrap();
            assert!(again.version > now.version && matches!(late, Acted::Changed(_)), "{late:?}");
            house.end(message).await;
            house.end(other).await;
        }
    })
    .await;
}

#[tokio::test]
async fn what_ended_runs_once_more_in_a_new_revision_and_is_recognised_all_the_while() {
    both(async |house| {
        let [message, other, follower] = messages();
        // Two of one commit share a block; the other one is not kept.
        house.record(&[kept(&house, message), kept(&house, follower), ends(house.owner, other)]).await;
        assert_eq!(house.store.ended(Uuid::new_v4()).await.unwrap(), None);
        assert_eq!(house.store.ended(other).await.unwrap().unwrap().kept, None);
        let ended = house.store.ended(message).await.unwrap().unwrap();
        let (_, was) = ended.kept.as_ref().unwrap();
        assert_eq!(
            (ended.ending, was.bytes.as_slice(), was.lane_key.as_str()),
            (Ending::Applied, &b"as it came"[..], &*message.to_string())
        );

        // Of two who want it, one is told that the other was faster.
        let again = Again { ended: &ended, bytes: b"otherwise", patch: ".a = 1", by: "anna" };
        let (one, two) = join(house.store.run_again(&again), house.store.run_again(&again)).await;
        assert!(one.unwrap() ^ two.unwrap());
        assert_eq!(house.due().await, [message]);
        let lane = message.to_string();
        let known = house.look(message, &lane).await;
        let parked = known.parked.unwrap();
        assert_eq!((known.ending, parked.revision, parked.bytes.as_slice()), (None, 1, &b"otherwise"[..]));
        assert_eq!((parked.asked, parked.asked_by.as_deref()), (1, Some("anna")));
        let was = house.store.revisions(message).await.unwrap();
        assert_eq!((was.len(), was[0].number, was[0].bytes.as_slice()), (1, 0, &b"as it came"[..]));
        assert_eq!(house.store.ended(message).await.unwrap(), None);
        let steps = &house.store.documents(&lane).await.unwrap()[0].steps;
        assert!(steps.iter().any(|step| step.what.starts_with("anna has it run once more")), "{steps:?}");

        // It ends once more, and what is kept is what it is now.
        let record = kept(&house, message);
        let kept_now =
            record.kept.clone().map(|kept| KeptMessage { revision: 1, bytes: b"otherwise".to_vec(), ..kept });
        house.record(&[Record { kept: kept_now, ..record }]).await;
        let ended = house.store.ended(message).await.unwrap().unwrap();
        assert_eq!(ended.kept.unwrap().1.revision, 1);

        // Blocks have their time.
        assert_eq!(house.store.forget_kept(Duration::from_hours(1), 10).await.unwrap(), 0);
        assert_eq!(house.store.forget_kept(Duration::ZERO, 10).await.unwrap(), 2);
        assert_eq!(house.store.ended(follower).await.unwrap().unwrap().kept, None);
    })
    .await;
}

#[tokio::test]
async fn exceptions_are_found_by_the_items_that_they_are_about() {
    both(async |house| {
        let [first, second, third] = messages();
        for (message, items) in [(first, vec!["A-1", "B\u{0}-2"]), (second, vec!["A-1"]), (third, vec![])] {
            let items = items.into_iter().map(str::to_owned).collect();
            house.record(&[Record { items, ..parks(house.owner, fails(message, 1, None)) }]).await;
        }
        let of = async |item: &str| {
            let states = WorkState::UNFINISHED.to_vec();
            let filter =
                ExceptionFilter { item: Some(item.to_owned()), states, limit: 10, ..ExceptionFilter::default() };
            let (total, works) = house.store.exceptions(&filter).await.unwrap();
            assert_eq!(total, u64::try_from(works.len()).unwrap());
            let causes = house.store.causes(&filter).await.unwrap();
            assert_eq!(causes.iter().map(|cause| cause.exceptions).sum::<i64>().cast_unsigned(), total);
            works.into_iter().map(|work| work.message_id).collect::<BTreeSet<_>>()
        };
        assert_eq!(of("A-1").await, BTreeSet::from([first, second]));
        assert_eq!(of("B\u{0}-2").await, BTreeSet::from([first]));
        assert_eq!(of("a-1").await, BTreeSet::new());
        // It fails again, and is about another one.
        let again = Record { items: vec!["C-3".to_owned()], ..parks(house.owner, fails(first, 2, None)) };
        house.record(&[again]).await;
        assert_eq!(of("C-3").await, BTreeSet::from([first]));
        assert_eq!(of("A-1").await, BTreeSet::from([second]));
        // What is not known this time, is what it was.
        house.park(fails(first, 3, None)).await;
        assert_eq!(of("C-3").await, BTreeSet::from([first]));
        assert_eq!(shown(&house, first).await.unwrap().items, ["C-3"]);
    })
    .await;
}

#[tokio::test]
async fn a_discard_while_a_replay_runs_ends_it_and_what_the_run_did_stays_known() {
    both(async |house| {
        let message = brought(&house, "open", None).await;
        let lane = message.to_string();
        assert_eq!(house.store.replay(message, "anna").await.unwrap(), Replayed::Due);
        let running = house.look(message, &lane).await.parked.unwrap();
        assert_eq!(house.store.discard(message, "bob", "wrong").await.unwrap(), Discarded::Yes);
        // The attempt that was running comes to its end: what it did is known, the message stays discarded.
        let done = Record { effects: vec![effect("create_order/9", &lane)], ..parks(house.owner, running) };
        house.record(&[done]).await;
        let known = house.look(message, &lane).await;
        assert_eq!((known.ending, known.parked.is_none(), known.effects.len()), (Some(Ending::Discarded), true, 1));
        assert_eq!(state(&house, message).await, "discarded");
    })
    .await;
}

#[tokio::test]
async fn a_follower_is_not_replayed_before_its_head() {
    both(async |house| {
        let [head, follower] = messages();
        house.park(waits(head, "lane", WaitsFor::Person)).await;
        house.park(waits(follower, "lane", WaitsFor::Head)).await;
        assert_eq!(house.store.replay(follower, "anna").await.unwrap(), Replayed::Behind(head));
        assert_eq!(house.due().await, Vec::<Uuid>::new());
    })
    .await;
}
