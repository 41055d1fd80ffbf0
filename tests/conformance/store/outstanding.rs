//! What should have followed on documents and has not: told by how far they are and by what is parked, and added up.

use drayline::store::{Outstanding, OutstandingFilter, OutstandingTotal, OutstandingView, ParkedFailure, Progress};

use super::progress::{did, far, tells};
use super::*;

fn all() -> OutstandingFilter {
    OutstandingFilter { limit: 100, ..OutstandingFilter::of(&Outstanding::ALL) }
}

fn worth(progress: Progress, value: &str, currency: &str) -> Progress {
    Progress { value: Some(value.to_owned()), currency: Some(currency.to_owned()), ..progress }
}

fn came_back(document: &str) -> Progress {
    Progress { kind: "return_order".to_owned(), ..far(document, 10) }
}

fn at(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap()
}

/// Goods that a warehouse told of, which wait for a person.
fn told(kind: &str, document: &str) -> Parked {
    let failure = ParkedFailure {
        code: "dynamics.refused".to_owned(),
        sentence: "Dynamics refused it.".to_owned(),
        detail: None,
        awaits: None,
    };
    Parked {
        kind: kind.to_owned(),
        connection: "south".to_owned(),
        failure: Some(failure),
        parkings: 1,
        ..waits(Uuid::new_v4(), document, WaitsFor::Person)
    }
}

impl House {
    async fn tell_of(&self, progress: Progress, acts: &[&str]) {
        let document = progress.document.clone();
        let effects = acts.iter().enumerate().map(|(n, act)| did(act, &format!("{document}/{act}/{n}"), &document));
        self.record(&[tells(self.owner, progress, effects.collect())]).await;
    }

    async fn listed(&self, filter: &OutstandingFilter) -> Vec<OutstandingView> {
        self.store.outstanding(filter).await.unwrap()
    }

    /// Documents with what is outstanding of them, in the order of the list.
    async fn open(&self) -> Vec<(String, String)> {
        self.listed(&all()).await.into_iter().map(|each| (each.document, each.state)).collect()
    }

    async fn totals(&self, filter: &OutstandingFilter) -> Vec<OutstandingTotal> {
        self.store.outstanding_totals(filter).await.unwrap()
    }
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(document, state)| ((*document).to_owned(), (*state).to_owned())).collect()
}

fn total(state: &str, currency: Option<&str>, documents: i64, value: Option<&str>) -> OutstandingTotal {
    let text = |text: Option<&str>| text.map(str::to_owned);
    OutstandingTotal { state: state.to_owned(), currency: text(currency), documents, value: text(value) }
}

#[tokio::test]
async fn an_order_is_outstanding_until_it_is_accepted_and_again_from_its_shipment_to_its_posting() {
    both(async |house| {
        let later = |change: fn(&mut Progress)| {
            let mut progress = Progress { stage: None, ..far("a", 99) };
            change(&mut progress);
            progress
        };
        house.tell_of(Progress { stage: Some(0), ..far("a", 10) }, &[]).await;
        assert_eq!(house.open().await, pairs(&[("a", "released_not_accepted")]));
        house.tell_of(later(|a| a.stage = Some(1)), &[]).await;
        house.tell_of(later(|a| a.stage = Some(3)), &[]).await;
        assert_eq!(house.open().await, pairs(&[("a", "released_not_accepted")]));
        house.tell_of(later(|a| a.stage = Some(2)), &[]).await;
        assert_eq!(house.open().await, []);
        house.tell_of(later(|a| (a.whole, a.open_since) = (Some(false), Some(at(500)))), &["post_shipment"]).await;
        let [one] = &house.listed(&all()).await[..] else { panic!() };
        assert_eq!((one.state.as_str(), one.stands.as_deref()), ("shipped_not_posted", Some("part_shipped")));
        assert_eq!((one.since.as_microsecond(), one.exception.is_none()), (500, true));
        house.tell_of(later(|a| a.whole = Some(true)), &["posted"]).await;
        assert_eq!(house.open().await, []);
        // Refused by Dynamics, and voided by the warehouse: nobody waits for it.
        house.tell_of(later(|a| a.document = "b".to_owned()), &["post_shipment"]).await;
        assert_eq!(house.open().await, pairs(&[("b", "shipped_not_posted")]));
        house.tell_of(later(|a| (a.document, a.stage) = ("b".to_owned(), Some(2))), &["undone"]).await;
        assert_eq!(house.open().await, []);
        assert_eq!(house.totals(&all()).await, []);
    })
    .await;
}

#[tokio::test]
async fn what_is_cancelled_announced_from_before_go_live_or_not_to_be_credited_is_not_outstanding() {
    both(async |house| {
        house.tell_of(Progress { stage: Some(4), ..far("cancelled", 1) }, &[]).await;
        house.tell_of(Progress { stage: Some(5), ..far("before", 1) }, &[]).await;
        house.tell_of(Progress { whole: Some(true), ..far("short", 1) }, &[]).await;
        house.tell_of(Progress { kind: "inbound_order".to_owned(), ..far("expected", 1) }, &[]).await;
        house.tell_of(came_back("on its way"), &[]).await;
        house.tell_of(came_back("exchanged"), &["post_receipt"]).await;
        assert_eq!(house.open().await, []);
    })
    .await;
}

#[tokio::test]
async fn what_came_back_is_outstanding_until_each_posting_has_its_credit() {
    both(async |house| {
        let more = || Progress { stage: None, open_since: Some(at(700)), ..came_back("r") };
        house.tell_of(came_back("r"), &[]).await;
        house.tell_of(more(), &["post_receipt", "owes_credit"]).await;
        let [one] = &house.listed(&all()).await[..] else { panic!() };
        assert_eq!(
            (one.state.as_str(), one.kind.as_str(), one.since),
            ("received_not_credited", "return_order", at(700))
        );
        house.record(&[tells(house.owner, more(), vec![did("owes_credit", "second", "r")])]).await;
        // Each settles without knowing of the other.
        let settled = |key: &str| tells(house.owner, more(), vec![did("credit_settled", key, "r")]);
        house.record(&[settled("one")]).await;
        assert_eq!(house.open().await, pairs(&[("r", "received_not_credited")]));
        house.record(&[settled("two"), tells(house.owner, far("other", 5), vec![])]).await;
        assert_eq!(house.open().await, pairs(&[("other", "released_not_accepted")]));
    })
    .await;
}

#[tokio::test]
async fn goods_that_could_not_be_handed_over_are_outstanding_with_what_holds_them() {
    both(async |house| {
        // Neither accepted nor known here; sent, and shipped without a word before.
        house.tell_of(worth(far("sent", 10), "12.50", "EUR"), &[]).await;
        let shipments = house.store.take(house.worker, Flow::Shipments, 0, LIVES).await.unwrap().unwrap();
        let parked = Parked { flow: Flow::Shipments, ..told("shipment_confirmed", "sent") };
        house.record(&[parks(shipments, parked.clone())]).await;
        house.record(&[parks(shipments, Parked { flow: Flow::Shipments, ..told("shipment_confirmed", "sent") })]).await;
        let returns = house.store.take(house.worker, Flow::Returns, 0, LIVES).await.unwrap().unwrap();
        let blind = Parked { flow: Flow::Returns, ..told("return_received", "blind") };
        house.record(&[parks(returns, blind.clone())]).await;
        let listed = house.listed(&all()).await;
        let seen: Vec<_> = listed.iter().map(|each| (each.document.as_str(), each.state.as_str())).collect();
        assert_eq!(seen, [("sent", "shipped_not_posted"), ("blind", "received_not_credited")]);
        let [sent, unknown] = &listed[..] else { panic!() };
        assert_eq!((sent.warehouse.as_deref(), sent.legal_entity.as_deref()), (Some("south"), Some("usmf")));
        assert_eq!(
            (unknown.kind.as_str(), unknown.stands.as_deref(), unknown.value.as_deref()),
            ("return_order", None, None)
        );
        assert!(sent.age_s < 60 && unknown.age_s < 60, "{listed:#?}");
        let held = sent.exception.as_ref().unwrap();
        assert_eq!(
            (held.flow.as_str(), held.code.as_str(), held.state.as_str()),
            ("shipments", "dynamics.refused", "open")
        );
        assert_eq!(unknown.exception.as_ref().map(|exception| exception.id), Some(blind.message_id));
        let totals =
            [total("received_not_credited", None, 1, None), total("shipped_not_posted", Some("EUR"), 1, Some("12.50"))];
        assert_eq!(house.totals(&all()).await, totals);
        let of = |company: &str| OutstandingFilter { legal_entity: Some(company.to_owned()), ..all() };
        assert_eq!((house.listed(&of("usmf")).await.len(), house.listed(&of("demf")).await.len()), (1, 0));
        let south = OutstandingFilter { warehouse: Some("south".to_owned()), ..all() };
        assert_eq!(house.listed(&south).await.len(), 2);
        // What a person discarded, nobody waits for; the second shipment stays.
        for message in [parked.message_id, blind.message_id] {
            house.store.discard(message, "anna", "a test").await.unwrap();
        }
        assert_eq!(house.open().await, pairs(&[("sent", "shipped_not_posted")]));
    })
    .await;
}

#[tokio::test]
async fn outstanding_documents_add_up_by_state_and_currency_and_page_by_page() {
    both(async |house| {
        for n in 0..6_i64 {
            let progress = far(&format!("d{n}"), 100 - n % 2);
            let progress = match n % 3 {
                0 => worth(progress, "0.10", "EUR"),
                1 => worth(progress, "1000000.20", "USD"),
                _ => progress,
            };
            house.tell_of(progress, &[]).await;
        }
        house.tell_of(worth(far("left", 50), "7", "EUR"), &["post_shipment"]).await;
        let wanted = [
            total("released_not_accepted", Some("EUR"), 2, Some("0.20")),
            total("released_not_accepted", Some("USD"), 2, Some("2000000.40")),
            total("released_not_accepted", None, 2, None),
            total("shipped_not_posted", Some("EUR"), 1, Some("7")),
        ];
        let mut totals = house.totals(&all()).await;
        totals.sort_by_key(|total| (total.state.clone(), total.value.is_none(), total.currency.clone()));
        assert_eq!(totals, wanted);
        let (mut filter, mut seen, mut left) = (OutstandingFilter { limit: 3, ..all() }, Vec::new(), Vec::new());
        loop {
            let listed = house.listed(&filter).await;
            let Some(last) = listed.last() else { break };
            left.push(house.totals(&filter).await.iter().map(|total| total.documents).sum::<i64>());
            filter.after = Some((last.since, last.document.clone()));
            seen.extend(listed.into_iter().map(|each| each.document));
        }
        assert_eq!(seen, ["left", "d1", "d3", "d5", "d0", "d2", "d4"]);
        assert_eq!(left, [7, 4, 1]);
        let one = OutstandingFilter { limit: 100, ..OutstandingFilter::of(&[Outstanding::ShippedNotPosted]) };
        assert_eq!(house.listed(&one).await.len(), 1);
        let old = |hours| OutstandingFilter { older_than: Some(Duration::from_hours(hours)), ..all() };
        assert_eq!((house.listed(&old(24)).await.len(), house.totals(&old(24 * 365 * 200)).await.len()), (7, 0));
        let south = OutstandingFilter { warehouse: Some("south".to_owned()), ..all() };
        assert_eq!((house.listed(&south).await, house.totals(&south).await), (vec![], vec![]));
    })
    .await;
}
