//! What is due, what wakes it, and what people may wish.

use drayline::store::{Discarded, Document, Name, ParkedFailure, ParkedFilter, Replayed};

use super::*;

fn names(name: &str) -> Vec<String> {
    vec![name.to_owned()]
}

fn known_document(owner: Ownership, key: &str, name: &str) -> Record {
    let document = Document {
        key: key.to_owned(),
        kind: "order".to_owned(),
        legal_entity: None,
        names: vec![("reference".to_owned(), name.to_owned())],
    };
    Record { documents: vec![document], ..ends(owner, Uuid::new_v4()) }
}

#[tokio::test]
async fn due_are_heads_whose_time_has_come() {
    both(async |house| {
        let [freed, timed, late, person, waiting, overdue, looked, behind_late, behind_timed] = messages();
        let hour_ago = house.store.now().await.unwrap() - Duration::from_hours(1);
        house.park(waits(timed, "timed", now_due())).await;
        house.park(waits(freed, "freed", WaitsFor::Head)).await;
        house.park(waits(late, "late", later())).await;
        house.park(waits(person, "person", WaitsFor::Person)).await;
        house.park(waits(waiting, "waiting", document("order/contoso/1"))).await;
        // A deadline that passed makes due, except what a person has already.
        let overdue_wait = waits(overdue, "overdue", document("order/contoso/1"));
        house.park(Parked { deadline_at: Some(hour_ago), ..overdue_wait }).await;
        let deadline_at = Some(hour_ago);
        house.park(Parked { deadline_at, ..waits(Uuid::new_v4(), "had it", WaitsFor::Person) }).await;
        let look_again = WaitsFor::Document { key: "order/contoso/1".to_owned(), passes: None, delay: Duration::ZERO };
        house.park(waits(looked, "looked", look_again)).await;
        house.park(waits(behind_late, "late", WaitsFor::Head)).await;
        house.park(waits(behind_timed, "timed", now_due())).await;
        assert_eq!(house.due().await, [timed, freed, overdue, looked]);

        house.end(timed).await;
        house.end(late).await;
        assert_eq!(house.due().await, [freed, overdue, looked, behind_late, behind_timed]);
        assert_eq!(house.store.due(&[house.owner], 2).await.unwrap().len(), 2);
    })
    .await;
}

/// Else a far end that is down for longer than a deadline would be called as fast as it can be.
#[tokio::test]
async fn who_waits_for_a_time_waits_for_it_whatever_deadline_has_passed() {
    both(async |house| {
        let [waiting] = messages();
        let hour_ago = house.store.now().await.unwrap() - Duration::from_hours(1);
        house.park(Parked { deadline_at: Some(hour_ago), ..waits(waiting, "lane", later()) }).await;
        assert!(house.due().await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn due_are_only_messages_of_partitions_that_are_ours() {
    both(async |house| {
        let [mine, other, third] = messages();
        let second = house.store.take(house.worker, FLOW, 1, LIVES).await.unwrap().unwrap();
        let shipments = house.store.take(house.worker, Flow::Shipments, 0, LIVES).await.unwrap().unwrap();
        house.park(waits(mine, "mine", WaitsFor::Head)).await;
        house
            .record(&[
                parks(second, waits(other, "other", now_due())),
                parks(shipments, waits(third, "third", WaitsFor::Head)),
            ])
            .await;
        assert_eq!(house.due().await, [mine]);
        let due = house.store.due(&[shipments, second, house.owner], 10).await.unwrap();
        assert_eq!(ids(&due), [mine, other, third]);
        assert_eq!((due[2].flow, due[2].partition), (Flow::Shipments, 0));
        assert_eq!((due[1].flow, due[1].partition), (FLOW, 1));
        let next = house.store.take(Uuid::new_v4(), FLOW, 0, Duration::ZERO).await.unwrap().unwrap();
        assert!(house.due().await.is_empty(), "the epoch is an old one");
        assert_eq!(ids(&house.store.due(&[next], 10).await.unwrap()), [mine]);
    })
    .await;
}

#[tokio::test]
async fn what_waits_for_a_document_is_woken_by_its_names() {
    both(async |house| {
        let [by_key, by_name, other] = messages();
        house.park(waits(by_key, "1", document("order/contoso/1"))).await;
        house.park(waits(by_name, "2", document("usmf-1-W1"))).await;
        house.park(waits(other, "3", document("order/contoso/2"))).await;
        assert!(house.due().await.is_empty());
        let both_names = ["order/contoso/1".to_owned(), "usmf-1-W1".to_owned()];
        assert_eq!(house.store.wake(&both_names).await.unwrap(), 2);
        assert_eq!(house.due().await, [by_key, by_name]);
        // Parked again, it sleeps again.
        house.park(waits(by_key, "1", document("order/contoso/1"))).await;
        assert_eq!(house.due().await, [by_name]);
    })
    .await;
}

#[tokio::test]
async fn what_a_person_has_is_woken_by_the_thing_it_lacks_with_a_fresh_budget() {
    both(async |house| {
        let lacks = |id: Uuid, lane: &str, name: &str| {
            let failure = ParkedFailure {
                code: "mapping.missing".to_owned(),
                sentence: format!("{name} is missing."),
                detail: None,
                awaits: Some(name.to_owned()),
            };
            Parked { failure: Some(failure), attempts: 5, parkings: 1, ..waits(id, lane, WaitsFor::Person) }
        };
        let [first, second, third, other, document_of, plain] = messages();
        house.park(lacks(first, "1", "mapping/sku/north/A")).await;
        house.park(lacks(second, "2", "mapping/unit/north/B")).await;
        house.park(lacks(third, "3", "mapping/sku/north/A")).await;
        house.park(lacks(other, "4", "master/item/B")).await;
        house.park(waits(document_of, "5", document("mapping/is/no/thing"))).await;
        house.park(waits(plain, "6", WaitsFor::Person)).await;
        assert_eq!(house.store.wake(&names("mapping/sku/north/A")).await.unwrap(), 2);
        let due = house.store.due(&[house.owner], 10).await.unwrap();
        let budgets: Vec<_> = due.iter().map(|row| (row.message_id, row.attempts)).collect();
        assert_eq!(budgets, [(first, 0), (third, 0)]);
    })
    .await;
}

#[tokio::test]
async fn what_waits_for_a_thing_knows_by_which_mapping_it_was_planned() {
    both(async |house| {
        let lacks = |id: Uuid, lane: &str, name: &str| {
            let failure = ParkedFailure {
                code: "mapping.missing".to_owned(),
                sentence: format!("{name} is missing."),
                detail: None,
                awaits: Some(name.to_owned()),
            };
            Parked { failure: Some(failure), parkings: 1, ..waits(id, lane, WaitsFor::Person) }
        };
        let planned = async |parked: Parked, mapping_version| {
            let record = Record::new(house.owner, parked.message_id, Outcome::Parked(Box::new(parked)));
            house.record(&[Record { mapping_version, ..record }]).await;
        };
        let awaited = async |before, limit| house.store.awaited("mapping/", before, limit).await.unwrap();
        let told = |name: &str, version: u64| (name.to_owned(), version);
        let [first, second, third, fourth, plain] = messages();
        planned(lacks(first, "1", "mapping/sku/north/A"), 3).await;
        planned(lacks(second, "2", "mapping/sku/north/A"), 2).await;
        planned(lacks(third, "3", "mapping/unit/north/B"), 4).await;
        planned(lacks(fourth, "4", "order/contoso/SO-1"), 1).await;
        planned(waits(plain, "5", WaitsFor::Person), 1).await;
        assert_eq!(awaited(2, 10).await, []);
        assert_eq!(awaited(4, 10).await, [told("mapping/sku/north/A", 2)]);
        assert_eq!(awaited(5, 10).await, [told("mapping/sku/north/A", 2), told("mapping/unit/north/B", 4)]);
        assert_eq!(awaited(5, 1).await, [told("mapping/sku/north/A", 2)]);
        house.store.pass_over(&names("mapping/sku/north/A"), 3..5).await.unwrap();
        assert_eq!(awaited(5, 10).await, [told("mapping/sku/north/A", 2), told("mapping/unit/north/B", 4)]);
        house.store.pass_over(&names("mapping/sku/north/A"), 2..5).await.unwrap();
        assert_eq!(awaited(5, 10).await, [told("mapping/unit/north/B", 4)]);
        assert_eq!(awaited(6, 10).await, [told("mapping/sku/north/A", 5), told("mapping/unit/north/B", 4)]);
        house.store.wake(&names("mapping/unit/north/B")).await.unwrap();
        assert_eq!(awaited(6, 10).await, [told("mapping/sku/north/A", 5)], "what is due is on its way");
        planned(lacks(third, "3", "mapping/unit/north/B"), 6).await;
        assert_eq!(awaited(6, 10).await, [told("mapping/sku/north/A", 5)], "it was planned anew");
        assert_eq!(awaited(7, 10).await, [told("mapping/sku/north/A", 5), told("mapping/unit/north/B", 6)]);
    })
    .await;
}

/// Both sides write, commit, then look: whoever is second sees the other.
#[tokio::test]
async fn a_document_that_comes_between_look_and_wait_is_not_missed_in_either_order() {
    both(async |house| {
        let [first, second] = messages();
        // The wait is committed first: the document's side wakes it.
        house.park(waits(first, "1", document("usmf-1-W1"))).await;
        assert!(house.store.known(&names("usmf-1-W1")).await.unwrap().is_empty());
        house.record(&[known_document(house.owner, "order/contoso/1", "usmf-1-W1")]).await;
        assert_eq!(house.store.wake(&names("usmf-1-W1")).await.unwrap(), 1);
        // The document is committed first: the waiting side finds it.
        house.record(&[known_document(house.owner, "order/contoso/2", "usmf-2-W1")]).await;
        assert_eq!(house.store.wake(&names("usmf-2-W1")).await.unwrap(), 0);
        house.park(waits(second, "2", document("usmf-2-W1"))).await;
        let asked = ["order/contoso/2".to_owned(), "nobody".to_owned(), "usmf-2-W1".to_owned()];
        let known = house.store.known(&asked).await.unwrap();
        let mut known: Vec<_> = known.into_iter().map(|known| known.name).collect();
        known.sort();
        assert_eq!(known, ["order/contoso/2", "usmf-2-W1"]);
        house.store.wake(&known).await.unwrap();
        assert_eq!(house.due().await, [first, second]);
    })
    .await;
}

/// One row, however often it is told: who waits compares, and whoever tells the same twice in one commit is one telling.
#[tokio::test]
async fn stock_that_comes_in_again_and_a_posting_of_which_more_is_known_are_told_again_in_the_same_row() {
    both(async |house| {
        for (kind, key) in [("item_stock", "stock/contoso/BOLT"), ("posting", "posting/contoso/D1")] {
            let told = |kind: &str| {
                let (key, kind) = (key.to_owned(), kind.to_owned());
                let document = Document { key, kind, legal_entity: None, names: Vec::new() };
                Record { documents: vec![document.clone(), document], ..ends(house.owner, Uuid::new_v4()) }
            };
            let telling = async || {
                let known = house.store.known(&names(key)).await.unwrap();
                assert_eq!(known.len(), 1, "{known:?}");
                known[0].telling
            };
            house.record(&[told(kind)]).await;
            let first = telling().await;
            assert_eq!(telling().await, first);
            house.record(&[told(kind), told(kind)]).await;
            let second = telling().await;
            assert!(second > first, "{second} {first}");
            house.record(&[told("order")]).await;
            assert_eq!(telling().await, second, "all else is told once");
        }
    })
    .await;
}

#[tokio::test]
async fn an_event_that_says_look_again_makes_a_persons_head_due_once() {
    both(async |house| {
        let [head, follower, timed] = messages();
        let held = Parked { attempts: 8, ..waits(head, "lane", WaitsFor::Person) };
        house.park(held.clone()).await;
        house.park(waits(follower, "lane", WaitsFor::Head)).await;
        house.park(waits(timed, "timed", later())).await;
        assert!(house.store.look_again(FLOW, head).await.unwrap());
        assert!(!house.store.look_again(FLOW, timed).await.unwrap(), "it has a time of its own");
        assert!(!house.store.look_again(Flow::Shipments, head).await.unwrap());
        assert!(!house.store.look_again(FLOW, Uuid::new_v4()).await.unwrap());
        let due = house.store.due(&[house.owner], 10).await.unwrap();
        assert_eq!(ids(&due), [head]);
        assert_eq!((due[0].attempts, &due[0].waits_for), (8, &WaitsFor::Person), "its budget stays spent");
        house.park(held).await;
        assert!(house.due().await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn replay_makes_a_head_due_with_a_fresh_budget_and_a_follower_comes_after_it() {
    both(async |house| {
        let [head, follower, ended, unknown] = messages();
        let hour_ago = house.store.now().await.unwrap() - Duration::from_hours(1);
        let held =
            Parked { attempts: 8, parkings: 1, deadline_at: Some(hour_ago), ..waits(head, "lane", WaitsFor::Person) };
        house.park(held).await;
        house.park(waits(follower, "lane", WaitsFor::Head)).await;
        house.end(ended).await;
        assert_eq!(house.store.replay(follower, "anna").await.unwrap(), Replayed::Behind(head));
        assert!(house.due().await.is_empty());
        assert_eq!(house.store.replay(head, "anna").await.unwrap(), Replayed::Due);
        assert_eq!(house.store.replay(head, "bert").await.unwrap(), Replayed::Due);
        let due = house.store.due(&[house.owner], 10).await.unwrap();
        assert_eq!(ids(&due), [head]);
        assert_eq!((due[0].attempts, due[0].parkings, due[0].deadline_at), (0, 1, None));
        assert_eq!(due[0].asked_by.as_deref(), Some("bert"));
        let ending = Some(Ending::Applied);
        assert_eq!(house.store.replay(ended, "anna").await.unwrap(), Replayed::NotParked(ending));
        assert_eq!(house.store.replay(unknown, "anna").await.unwrap(), Replayed::NotParked(None));
    })
    .await;
}

/// The attempt may have looked before the cause was mended: what a person asked for meanwhile is not forgotten.
#[tokio::test]
async fn a_replay_that_comes_while_an_attempt_runs_stands() {
    both(async |house| {
        let [head] = messages();
        house.park(waits(head, "lane", WaitsFor::Person)).await;
        assert_eq!(house.store.replay(head, "anna").await.unwrap(), Replayed::Due);
        let running = house.store.due(&[house.owner], 10).await.unwrap().remove(0);
        assert_eq!(running.asked, 1);
        assert_eq!(house.store.replay(head, "anna").await.unwrap(), Replayed::Due);
        let fails = Parked { attempts: 1, waits_for: WaitsFor::Person, ..running };
        house.park(fails.clone()).await;
        let due = house.store.due(&[house.owner], 10).await.unwrap();
        assert_eq!((ids(&due), due[0].attempts, due[0].asked), (vec![head], 0, 2));
        house.park(Parked { asked: 2, ..fails }).await;
        assert!(house.due().await.is_empty(), "the second one ran, too");
    })
    .await;
}

#[tokio::test]
async fn a_head_lets_the_kind_pass_that_it_waits_for() {
    both(async |house| {
        let [head, other, awaited, later_one] = messages();
        let of_kind = |message, kind: Kind| {
            let row = waits(message, "lane", WaitsFor::Head);
            house.park(Parked { kind: kind.as_str().to_owned(), ..row })
        };
        let passes = Some(Kind::OrderReleased);
        let waiting = WaitsFor::Document { key: "usmf-1-W1".to_owned(), passes, delay: Duration::from_hours(1) };
        house.park(waits(head, "lane", WaitsFor::Person)).await;
        of_kind(other, Kind::OrderStatusChanged).await;
        of_kind(awaited, Kind::OrderReleased).await;
        of_kind(later_one, Kind::OrderReleased).await;
        assert!(!house.store.let_pass(house.owner, "lane").await.unwrap(), "it waits for a person");
        house.park(waits(head, "lane", waiting)).await;
        let stale = Ownership { epoch: house.owner.epoch + 1, ..house.owner };
        assert!(!house.store.let_pass(stale, "lane").await.unwrap(), "not under another epoch");
        assert!(house.store.let_pass(house.owner, "lane").await.unwrap());
        assert_eq!(house.due().await, [awaited]);
        // The next in front of the same head has a place of its own.
        house.end(awaited).await;
        assert!(house.store.let_pass(house.owner, "lane").await.unwrap());
        assert_eq!(house.lane("lane").await, [later_one, head, other]);
    })
    .await;
}

#[tokio::test]
async fn what_is_discarded_has_ended_and_frees_its_followers() {
    both(async |house| {
        let [head, follower, unknown] = messages();
        house.park(waits(head, "lane", WaitsFor::Person)).await;
        house.park(waits(follower, "lane", WaitsFor::Head)).await;
        let discarded = house.store.discard(head, "anna", "a test").await.unwrap();
        assert_eq!(discarded, Discarded::Yes);
        assert_eq!(house.due().await, [follower]);
        assert_eq!(house.look(head, "lane").await.ending, Some(Ending::Discarded));
        let again = house.store.discard(head, "anna", "once more").await.unwrap();
        assert_eq!(again, Discarded::NotParked(Some(Ending::Discarded)));
        assert_eq!(house.store.discard(unknown, "anna", "why").await.unwrap(), Discarded::NotParked(None));
        let steps = &house.store.documents("lane").await.unwrap()[0].steps;
        let told: Vec<_> = steps.iter().map(|step| (step.message_id, step.what.as_str())).collect();
        assert_eq!(told, [(head, "Discarded by anna: a test")]);
        // An attempt that was running ends in what the person decided.
        house.park(waits(head, "lane", WaitsFor::Person)).await;
        assert_eq!(house.due().await, [follower], "what ended is never parked again");
        // Whoever waits for its document looks again; whoever waits for another one sleeps on.
        let [asked, waiter, other] = messages();
        house.park(waits(asked, "period/contoso/usmf/1", WaitsFor::Person)).await;
        house.park(waits(waiter, "order/contoso/1", document("period/contoso/usmf/1"))).await;
        house.park(waits(other, "order/contoso/2", document("period/contoso/usmf/2"))).await;
        assert_eq!(house.store.discard(asked, "anna", "a test").await.unwrap(), Discarded::Yes);
        assert_eq!(house.due().await, [follower, waiter]);
    })
    .await;
}

#[tokio::test]
async fn people_see_what_is_parked_what_it_stands_behind_and_how_much() {
    both(async |house| {
        let [head, one, two, alone] = messages();
        house.park(waits(head, "lane", WaitsFor::Person)).await;
        house.park(waits(one, "lane", WaitsFor::Head)).await;
        house.park(waits(two, "lane", WaitsFor::Head)).await;
        house.park(waits(alone, "alone", document("order/contoso/1"))).await;
        let (total, listed) = house.store.parked(&ParkedFilter { limit: 10, ..ParkedFilter::default() }).await.unwrap();
        let seen: Vec<_> = listed.iter().map(|row| (row.parked.message_id, row.followers, row.behind)).collect();
        assert_eq!(total, 4);
        assert_eq!(seen, [(head, 2, None), (one, 1, Some(head)), (two, 0, Some(head)), (alone, 0, None)]);

        let only = async |filter: ParkedFilter| {
            let (total, listed) = house.store.parked(&ParkedFilter { limit: 1, ..filter }).await.unwrap();
            (total, listed.iter().map(|row| row.parked.message_id).collect::<Vec<_>>())
        };
        assert_eq!(only(ParkedFilter::default()).await, (4, vec![head]));
        assert_eq!(only(ParkedFilter { for_a_person: true, ..ParkedFilter::default() }).await, (1, vec![head]));
        assert_eq!(only(ParkedFilter { message_id: Some(two), ..ParkedFilter::default() }).await, (1, vec![two]));
        assert_eq!(only(ParkedFilter { flow: Some(Flow::Returns), ..ParkedFilter::default() }).await, (0, vec![]));
        assert_eq!(only(ParkedFilter { flow: Some(FLOW), ..ParkedFilter::default() }).await, (4, vec![head]));

        let counts = house.store.parked_counts().await.unwrap();
        let expected = [("head", 2), ("document", 1), ("person", 1)].map(|(name, n)| (FLOW, name.to_owned(), n));
        assert_eq!(counts, expected);
    })
    .await;
}

#[tokio::test]
async fn a_document_that_nobody_knows_yet_is_found_by_its_journey() {
    both(async |house| {
        let record = Record { journey: vec![step("order/contoso/1", 1, "came")], ..ends(house.owner, Uuid::new_v4()) };
        house.record(&[record]).await;
        let views = house.store.documents("order/contoso/1").await.unwrap();
        assert_eq!(views.len(), 1);
        assert_eq!((views[0].document.kind.as_str(), views[0].steps.len()), ("order", 1));
        assert!(house.store.known(&names("order/contoso/1")).await.unwrap().is_empty());
    })
    .await;
}

/// Else who waits by a number that his own message names would take it for known, and sleep through what makes it so.
#[tokio::test]
async fn by_a_name_a_document_is_known_once_it_is_told_and_another_is_news() {
    both(async |house| {
        let [waiting] = messages();
        let own =
            Name { document: "alone/north/1".to_owned(), label: "order_number".to_owned(), text: "PO-1".to_owned() };
        let parked = parks(house.owner, waits(waiting, "alone/north/1", document("PO-1")));
        house.record(&[Record { names: vec![own], ..parked }]).await;
        let known = async || house.store.known(&names("PO-1")).await.unwrap();
        assert!(known().await.is_empty(), "nobody told of such an order");
        house.record(&[known_document(house.owner, "order/contoso/1", "PO-1")]).await;
        let first = known().await;
        assert_eq!(first.len(), 1);
        house.record(&[known_document(house.owner, "order/contoso/2", "PO-1")]).await;
        let again = known().await;
        assert!(again.len() == 1 && again != first, "{again:?} after {first:?}");
    })
    .await;
}
