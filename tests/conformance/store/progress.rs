//! How far documents are: one row for each, to which every flow adds what it knows, and the lists of people.

use drayline::store::{Progress, ProgressFilter, State};

use super::*;

/// A document that was sent, released so many microseconds after 1970.
pub fn far(document: &str, released_at: i64) -> Progress {
    Progress {
        document: document.to_owned(),
        kind: "order".to_owned(),
        legal_entity: Some("usmf".to_owned()),
        number: Some(format!("SO-{document}")),
        warehouse: Some("north".to_owned()),
        promised_at: None,
        value: None,
        currency: None,
        released_at: Timestamp::from_microsecond(released_at).unwrap(),
        accepted_at: None,
        rejected_at: None,
        moved_at: None,
        open_since: None,
        stage: Some(1),
        whole: None,
        counts: true,
    }
}

/// Every document that there is.
pub fn all() -> ProgressFilter {
    let states = State::ALL.to_vec();
    ProgressFilter { states, warehouse: None, older_than: None, released: None, after: None, limit: 100 }
}

pub fn tells(owner: Ownership, progress: Progress, effects: Vec<Effect>) -> Record {
    Record { effects, progress: Some(progress), ..ends(owner, Uuid::new_v4()) }
}

pub fn did(act: &str, key: &str, document: &str) -> Effect {
    Effect { act: act.to_owned(), ..effect(key, document) }
}

impl House {
    async fn tell(&self, progress: Progress, effects: Vec<Effect>) -> String {
        let document = progress.document.clone();
        self.record(&[tells(self.owner, progress, effects)]).await;
        self.state(&document).await
    }

    async fn state(&self, document: &str) -> String {
        let (_, listed) = self.store.progress(&all()).await.unwrap();
        listed.into_iter().find(|listed| listed.document == document).unwrap().state
    }
}

#[tokio::test]
async fn a_document_is_as_far_as_all_flows_together_know() {
    both(async |house| {
        let later = |change: fn(&mut Progress)| {
            let mut progress = Progress { stage: None, number: None, ..far("a", 99) };
            change(&mut progress);
            progress
        };
        assert_eq!(house.tell(Progress { stage: Some(0), ..far("a", 10) }, vec![]).await, "released");
        assert_eq!(house.tell(later(|a| a.stage = Some(1)), vec![]).await, "sent");
        let accepted = later(|a| (a.stage, a.accepted_at) = (Some(2), Some(Timestamp::UNIX_EPOCH)));
        assert_eq!(house.tell(accepted, vec![]).await, "accepted");
        let part = later(|a| (a.whole, a.counts) = (Some(false), true));
        assert_eq!(house.tell(part, vec![did("post_shipment", "1", "a")]).await, "part_shipped");
        // What the flow of orders knows of postings is nothing.
        let changed = later(|a| (a.counts, a.value, a.currency) = (false, Some("12.50".into()), Some("EUR".into())));
        assert_eq!(house.tell(changed, vec![]).await, "part_shipped");
        let rest = later(|a| a.whole = Some(true));
        assert_eq!(house.tell(rest, vec![did("post_shipment", "2", "a")]).await, "shipped");
        assert_eq!(house.tell(later(|_| ()), vec![did("posted", "p1", "a")]).await, "shipped");
        // The same fact again is no second posting.
        assert_eq!(house.tell(later(|_| ()), vec![did("posted", "p1", "a")]).await, "shipped");
        assert_eq!(house.tell(later(|_| ()), vec![did("posted", "p2", "a")]).await, "posted");
        let (more, listed) = house.store.progress(&all()).await.unwrap();
        let [one] = &listed[..] else { panic!("{listed:?}") };
        assert_eq!(more, 1);
        assert_eq!((one.released_at.as_microsecond(), one.number.as_deref()), (10, Some("SO-a")));
        assert_eq!((one.value.as_deref(), one.currency.as_deref()), (Some("12.50"), Some("EUR")));
    })
    .await;
}

#[tokio::test]
async fn what_settles_together_is_counted_together() {
    both(async |house| {
        let moved = Progress { whole: Some(true), ..far("a", 10) };
        let posts = vec![did("post_shipment", "1", "a"), did("post_shipment", "2", "a")];
        assert_eq!(house.tell(moved, posts).await, "shipped");
        let settled =
            |key: &str| tells(house.owner, Progress { stage: None, ..far("a", 10) }, vec![did("posted", key, "a")]);
        house.record(&[settled("p1"), settled("p2"), tells(house.owner, far("b", 5), vec![])]).await;
        assert_eq!((house.state("a").await.as_str(), house.state("b").await.as_str()), ("posted", "sent"));
    })
    .await;
}

#[tokio::test]
async fn receipts_and_other_ends_have_names_of_their_own() {
    both(async |house| {
        let inbound = |key: &str| Progress { kind: "inbound_order".to_owned(), ..far(key, 1) };
        let came = |key: &str, whole: bool| Progress { whole: Some(whole), ..inbound(key) };
        assert_eq!(house.tell(inbound("a"), vec![]).await, "sent");
        assert_eq!(house.tell(came("a", false), vec![did("post_receipt", "1", "a")]).await, "part_received");
        assert_eq!(house.tell(came("a", true), vec![]).await, "received");
        assert_eq!(house.tell(Progress { stage: Some(3), ..far("b", 1) }, vec![]).await, "rejected");
        assert_eq!(house.tell(Progress { stage: Some(4), ..far("c", 1) }, vec![]).await, "cancelled");
        assert_eq!(house.tell(Progress { stage: Some(5), ..far("e", 1) }, vec![]).await, "before_go_live");
        // Nothing came, and nothing will: there is nothing to post.
        assert_eq!(house.tell(came("d", true), vec![]).await, "posted");
    })
    .await;
}

#[tokio::test]
async fn a_list_goes_on_where_it_ended_and_says_how_many_there_are() {
    both(async |house| {
        let release = |number: i64| tells(house.owner, far(&format!("d{number}"), 100 - number % 3), vec![]);
        let records: Vec<_> = (0..7).map(release).collect();
        house.record(&records).await;
        let (mut filter, mut seen, mut left) = (ProgressFilter { limit: 3, ..all() }, Vec::new(), Vec::new());
        loop {
            let (matching, listed) = house.store.progress(&filter).await.unwrap();
            let Some(last) = listed.last() else { break };
            filter.after = Some((last.released_at, last.document.clone()));
            left.push(matching);
            seen.extend(listed.into_iter().map(|listed| listed.document));
        }
        assert_eq!(seen, ["d2", "d5", "d1", "d4", "d0", "d3", "d6"]);
        assert_eq!(left, [7, 4, 1]);
        let north = ProgressFilter { warehouse: Some("south".to_owned()), ..all() };
        assert_eq!(house.store.progress(&north).await.unwrap().0, 0);
        let at = |micros| Timestamp::from_microsecond(micros).unwrap();
        let of_a_day = ProgressFilter { released: Some((at(98), at(99))), ..all() };
        assert_eq!(house.store.progress(&of_a_day).await.unwrap().0, 2);
        let old = |age| ProgressFilter { older_than: Some(age), ..all() };
        assert_eq!(house.store.progress(&old(Duration::from_hours(24))).await.unwrap().0, 7);
        assert_eq!(house.store.progress(&old(Duration::from_hours(24 * 365 * 200))).await.unwrap().0, 0);
        let became = house.store.became(at(0), at(1000)).await.unwrap();
        assert_eq!(became.iter().map(|row| (row.state.as_str(), row.documents)).collect::<Vec<_>>(), [("sent", 7)]);
    })
    .await;
}
