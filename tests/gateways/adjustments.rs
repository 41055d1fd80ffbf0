//! Adjustments of stock: how many requests the far end sees, and what each caller is told. At a simulated Dynamics and at far
//! ends that answer as a test says.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use drayline::clock::{Clock, Mark};
use drayline::failure::Code;
use drayline::gateways::{AdjustmentRow, GatewayError, NotSent, StockAdjustment};
use drayline::message::{PlaceCode, record_id};
use drayline::sandbox::{
    Faults, FinanceOperations, FinanceOperationsRules, LedgerLine, Premises, Running, Uniqueness, Visitor,
};
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::far_end::{FarEnd, Said};
use super::scene::{Scene, connection, decimal, dynamics_end, usmf};
use crate::support::wait::until;

fn row(id: &str, quantity: &str) -> AdjustmentRow {
    AdjustmentRow {
        row_id: record_id(&[id]),
        item_number: "BOLT".to_owned(),
        quantity: decimal(quantity),
        unit: None,
        variant: None,
        lot: None,
        serial: None,
        status: None,
        owner: None,
    }
}

fn adjustment(id: &str, quantity: &str) -> StockAdjustment {
    StockAdjustment {
        legal_entity: usmf(),
        warehouse: connection("north"),
        place: PlaceCode::new("24").unwrap(),
        posted_to: None,
        rows: vec![row(id, quantity)],
    }
}

fn soon() -> (Mark, Duration) {
    (Clock::system().mark(), Duration::from_mins(1))
}

/// A simulated Dynamics with gateways to it.
pub struct Simulated {
    pub scene: Scene,
    pub visitor: Visitor,
    sandbox: Running,
    _folder: tempfile::TempDir,
}

impl Simulated {
    pub async fn start(rules: FinanceOperationsRules, uniqueness: Uniqueness, more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let rules = FinanceOperationsRules { client_secret: "s3cret-value".to_owned(), ..rules };
        let listen = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        let premises = Premises { listen, uniqueness, ..Premises::finance_operations(folder.path()) };
        let sandbox = FinanceOperations::start(premises, rules).await.unwrap();
        let url = sandbox.url();
        // Nobody gives up because the machine is busy.
        let patient = "gateways.call_ms_max = 600000";
        let more = format!("{patient}\ndynamics.contoso.token_url = \"{url}/t/oauth2/v2.0/token\"\n{more}");
        let scene = Scene::at(&url, &more).await;
        Self { scene, visitor: Visitor::of(&url).unwrap(), sandbox, _folder: folder }
    }

    async fn usual(more: &str) -> Self {
        Self::start(FinanceOperationsRules::default(), Uniqueness::default(), more).await
    }

    /// Other gateways to the same Dynamics.
    pub async fn beside(&self, more: &str) -> Scene {
        let url = self.sandbox.url();
        Scene::at(&url, &format!("dynamics.contoso.token_url = \"{url}/t/oauth2/v2.0/token\"\n{more}")).await
    }

    async fn post(&self, adjustment: &StockAdjustment) -> Result<(), GatewayError> {
        self.scene.dynamics().adjust_stock(adjustment, soon()).await
    }

    async fn post_all(&self, adjustments: &[StockAdjustment]) -> Vec<Result<(), GatewayError>> {
        join_all(adjustments.iter().map(|adjustment| self.post(adjustment))).await
    }

    pub async fn ledger(&self) -> Vec<LedgerLine> {
        self.visitor.ledger(0).await.unwrap()
    }

    /// The requests that may have changed something.
    pub async fn requests(&self) -> usize {
        self.ledger().await.iter().filter(|line| line.path == "/data/$batch" && !line.within).count()
    }

    pub async fn disturb(&self, faults: Faults) {
        self.visitor.disturb(&faults).await.unwrap();
    }

    /// How often each adjustment was taken, and what all of them moved.
    async fn taken(&self) -> (Vec<u64>, Decimal) {
        let state = self.visitor.state().await.unwrap();
        let rows = state["adjustments"].as_array().unwrap();
        let moved = rows.iter().map(|row| decimal(&row["fields"]["Quantity"].to_string())).sum();
        (rows.iter().map(|row| row["creates"].as_u64().unwrap()).collect(), moved)
    }
}

#[tokio::test]
async fn what_waits_at_the_same_moment_shares_a_request() {
    let dynamics = Simulated::usual("dynamics.contoso.adjustments.lines_max = 100").await;
    dynamics.disturb(Faults { latency_ms: 20, ..Faults::default() }).await;
    let all: Vec<_> = (0..500).map(|number| adjustment(&format!("A{number}"), "2")).collect();
    for said in dynamics.post_all(&all).await {
        said.unwrap();
    }
    let (creates, moved) = dynamics.taken().await;
    assert_eq!(creates, vec![1; 500]);
    assert_eq!(moved, decimal("1000"));
    // The first goes alone, and the others with the next few.
    let requests = dynamics.requests().await;
    assert!((6..=12).contains(&requests), "{requests} requests");
}

/// The measurement is `scripts/bench adjustments`; this is its count, which no machine changes.
#[tokio::test]
async fn ten_thousand_adjustments_cost_at_most_two_hundred_requests() {
    let dynamics = Simulated::usual("gateways.calls_at_once_max = 16").await;
    dynamics.disturb(Faults { latency_ms: 50, ..Faults::default() }).await;
    let all: Vec<_> = (0..10_000).map(|number| adjustment(&format!("A{number}"), "1")).collect();
    for said in dynamics.post_all(&all).await {
        said.unwrap();
    }
    let requests = dynamics.requests().await;
    assert!(requests <= 200, "{requests} requests");
    let (creates, moved) = dynamics.taken().await;
    assert_eq!((creates, moved), (vec![1; 10_000], Decimal::from(10_000)));
}

#[tokio::test]
async fn who_comes_alone_goes_at_once_and_companies_do_not_wait_for_one_another() {
    let dynamics = Simulated::usual("").await;
    for number in 0..3 {
        dynamics.post(&adjustment(&format!("A{number}"), "1")).await.unwrap();
    }
    assert_eq!(dynamics.requests().await, 3);
    let other =
        StockAdjustment { legal_entity: drayline::message::LegalEntity::new("demf").unwrap(), ..adjustment("B", "1") };
    for said in dynamics.post_all(&[adjustment("A", "1"), other]).await {
        said.unwrap();
    }
    assert_eq!(dynamics.requests().await, 5, "one for each company");
}

#[tokio::test]
async fn a_refused_line_is_refused_alone_and_rows_of_one_fact_happen_together() {
    let rules = FinanceOperationsRules {
        stock_at_first: 10,
        negative_stock_refused: true,
        ..FinanceOperationsRules::default()
    };
    let dynamics = Simulated::start(rules, Uniqueness::default(), "").await;
    dynamics.disturb(Faults { latency_ms: 20, ..Faults::default() }).await;
    let mut both = adjustment("S", "-1");
    both.rows.push(AdjustmentRow { status: Some("Damaged".to_owned()), ..row("S2", "-1") });
    let nameless =
        StockAdjustment { rows: vec![AdjustmentRow { item_number: String::new(), ..row("N", "1") }], ..both.clone() };
    let all = [adjustment("A", "1"), adjustment("B", "-50"), both, nameless, adjustment("C", "2")];
    let said = dynamics.post_all(&all).await;
    said[0].as_ref().unwrap();
    said[4].as_ref().unwrap();
    let code = |place: usize| dynamics.scene.dynamics_failure(said[place].as_ref().unwrap_err()).code;
    assert_eq!(
        (code(1), code(2), code(3)),
        (Code::DynamicsStockShort, Code::DynamicsStockShort, Code::DynamicsRefused)
    );
    let failure = dynamics.scene.dynamics_failure(said[1].as_ref().unwrap_err());
    assert!(failure.detail.unwrap().contains("cannot be picked because only 11"), "its own words");
    assert_eq!(dynamics.taken().await, (vec![1, 1], decimal("3")), "half a fact did not happen");
}

async fn lost(uniqueness: Uniqueness) {
    let dynamics = Simulated::start(FinanceOperationsRules::default(), uniqueness, "").await;
    let all: Vec<_> = (0..20).map(|number| adjustment(&format!("A{number}"), "-1")).collect();
    // Not even a token's answer will come through: it is fetched before.
    dynamics.post(&adjustment("first", "-1")).await.unwrap();
    dynamics.disturb(Faults { lose_answer: 1.0, ..Faults::default() }).await;
    for said in dynamics.post_all(&all).await {
        assert_eq!(dynamics.scene.dynamics_failure(&said.unwrap_err()).code, Code::DynamicsUnsure);
    }
    dynamics.disturb(Faults::default()).await;
    for said in dynamics.post_all(&all).await {
        said.unwrap();
    }
    assert_eq!(dynamics.taken().await, (vec![1; 21], decimal("-21")), "a repeat is absorbed");
}

#[tokio::test]
async fn a_lost_answer_is_silence_and_the_repeat_is_absorbed_where_keys_are_unique() {
    lost(Uniqueness::AnswersExisting).await;
}

#[tokio::test]
async fn a_lost_answer_is_silence_and_the_repeat_is_absorbed_where_rows_are_updated_in_place() {
    lost(Uniqueness::UpdatesInPlace).await;
}

/// A far end says in several ways that it has a row already, some with the status of a server error.
#[tokio::test]
async fn a_repeat_that_is_alone_is_absorbed_whatever_status_says_that_it_is_there() {
    let dynamics = Simulated::usual("").await;
    for number in 0..24 {
        let adjustment = adjustment(&format!("A{number}"), "1");
        dynamics.post(&adjustment).await.unwrap();
        dynamics.post(&adjustment).await.unwrap();
    }
    let statuses: Vec<_> = dynamics.ledger().await.iter().map(|line| line.status).collect();
    assert!(statuses.contains(&400) && statuses.contains(&500), "both ways were met");
    assert_eq!(dynamics.taken().await, (vec![1; 24], Decimal::from(24)));
}

#[tokio::test]
async fn the_same_key_with_other_contents_is_a_refusal() {
    let dynamics = Simulated::usual("").await;
    dynamics.post(&adjustment("A", "1")).await.unwrap();
    let error = dynamics.post(&adjustment("A", "2")).await.unwrap_err();
    assert!(matches!(error, GatewayError::Refused { .. } | GatewayError::Unanswered { .. }), "{error:?}");
    assert_eq!(dynamics.taken().await, (vec![1], decimal("1")));
}

/// What a far end answers that takes every changeset.
fn all_taken(body: &str) -> Said {
    let sets = body.matches("boundary=changeset_").count();
    answered(&vec![(201, json!({})); sets])
}

/// What a far end answers: one part for each of these.
pub fn answered(parts: &[(u16, Value)]) -> Said {
    let part = |(status, body): &(u16, Value)| {
        format!(
            "--r\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 {status} Said\r\nContent-Type: application/json\r\n\r\n{body}\r\n"
        )
    };
    let parts: String = parts.iter().map(part).collect::<Vec<_>>().concat();
    Said::text(200, &format!("{parts}--r--\r\n"))
}

fn is_batch(line: &str) -> bool {
    line == "POST /data/$batch"
}

/// The bodies of the batches that a far end was sent.
fn batches(end: &FarEnd) -> Vec<String> {
    end.asked().into_iter().filter(|asked| is_batch(&asked.line())).map(|asked| asked.body).collect()
}

/// A far end whose batches are answered when the test lets them, and gateways to it.
async fn held(more: &str) -> (FarEnd, Arc<Notify>, Scene) {
    let go = Arc::new(Notify::new());
    let letting = Arc::clone(&go);
    let end = dynamics_end(move |asked| Said::Held(Arc::clone(&letting), Box::new(all_taken(&asked.body)))).await;
    let scene = Scene::at(&end.url, more).await;
    (end, go, scene)
}

/// Waits until the far end was sent so many batches, while this work goes on.
async fn while_batches(end: &FarEnd, count: usize, work: impl Future<Output = ()>) {
    let mut work = pin!(work);
    let seen = until("the batches", async || (batches(end).len() >= count).then_some(()));
    tokio::select! {
        () = seen => {}
        () = &mut work => panic!("nobody waits any more"),
    }
}

#[tokio::test]
async fn who_gives_up_before_it_left_is_never_sent_and_who_gives_up_later_leaves_the_others_riding() {
    let (end, go, scene) = held("").await;
    let dynamics = scene.dynamics();
    let wish = |id: &str| adjustment(id, "1");
    let (first, gone, leader, rider) = (wish("first"), wish("gone"), wish("leader"), wish("rider"));
    let mut one = pin!(dynamics.adjust_stock(&first, soon()));
    while_batches(&end, 1, async { drop((&mut one).await) }).await;
    let mut waiting = Box::pin(dynamics.adjust_stock(&gone, soon()));
    let mut leading = Box::pin(dynamics.adjust_stock(&leader, soon()));
    let mut riding = Box::pin(dynamics.adjust_stock(&rider, soon()));
    for each in [&mut waiting, &mut leading, &mut riding] {
        assert!(each.now_or_never().is_none());
    }
    drop(waiting);
    go.notify_one();
    one.await.unwrap();
    // The second request is under way with two who ride; the one who made it up gives up.
    let both = async {
        tokio::join!(async { drop((&mut leading).await) }, async { drop((&mut riding).await) });
    };
    while_batches(&end, 2, both).await;
    drop(leading);
    go.notify_one();
    riding.await.unwrap();
    let sent = batches(&end);
    let holds = |batch: &str, id: &str| batch.contains(&record_id(&[id]));
    assert_eq!(sent.len(), 2);
    assert!(holds(&sent[1], "leader") && holds(&sent[1], "rider"), "{}", sent[1]);
    assert!(sent.iter().all(|batch| !holds(batch, "gone")), "it gave up before anything left");
}

#[tokio::test]
async fn who_cannot_go_in_time_is_told_that_nothing_was_sent() {
    let (end, _go, scene) = held("gateways.call_ms_max = 800").await;
    let dynamics = scene.dynamics();
    let (first, second) = (adjustment("first", "1"), adjustment("second", "1"));
    let mut one = pin!(dynamics.adjust_stock(&first, soon()));
    while_batches(&end, 1, async { drop((&mut one).await) }).await;
    let (silent, crowded) = tokio::join!(one, dynamics.adjust_stock(&second, soon()));
    assert!(matches!(crowded, Err(GatewayError::NotSent { why: NotSent::Crowded, .. })), "{crowded:?}");
    assert!(matches!(silent, Err(GatewayError::Unanswered { changing: true, .. })), "{silent:?}");
    assert_eq!(batches(&end).len(), 1);
}

#[tokio::test]
async fn nothing_leaves_later_than_its_deadline() {
    let end = dynamics_end(|asked| all_taken(&asked.body)).await;
    let scene = Scene::at(&end.url, "").await;
    let (late, fine) = (adjustment("late", "1"), adjustment("fine", "1"));
    let past = (Clock::system().mark(), Duration::ZERO);
    let (late, fine) =
        tokio::join!(scene.dynamics().adjust_stock(&late, past), scene.dynamics().adjust_stock(&fine, soon()));
    assert!(late.is_err());
    fine.unwrap();
    assert!(batches(&end).iter().all(|batch| !batch.contains(&record_id(&["late"]))));
}

#[tokio::test]
async fn where_a_refusal_ends_the_request_the_rest_is_sent_again_without_it() {
    // It takes one changeset, refuses the next, and answers no more than that, whatever it is asked to prefer.
    let end = dynamics_end(|asked| {
        if asked.body.contains("GET ") {
            let reads = asked.body.matches("GET ").count();
            return answered(&vec![(404, json!({"error": {"message": "No resource"}})); reads]);
        }
        let refused = json!({"error": {"message": "Infolog: Error: Item BOLT is blocked."}});
        let sets = asked.body.matches("boundary=changeset_").count();
        answered(&[(201, json!({})), (400, refused)][..sets.min(2)])
    })
    .await;
    let scene = Scene::at(&end.url, "").await;
    let all: Vec<_> = (0..6).map(|number| adjustment(&format!("A{number}"), "1")).collect();
    let said = join_all(all.iter().map(|adjustment| scene.dynamics().adjust_stock(adjustment, soon()))).await;
    let refused = said.iter().filter(|said| matches!(said, Err(GatewayError::Refused { .. }))).count();
    let taken = said.iter().filter(|said| said.is_ok()).count();
    assert_eq!((taken, refused), (4, 2), "{said:?}");
    let prefers = |asked: &super::far_end::Asked| asked.header("prefer") == Some("odata.continue-on-error");
    assert!(end.asked().iter().filter(|asked| is_batch(&asked.line())).all(prefers));
}

#[tokio::test]
async fn a_request_that_is_not_taken_is_told_to_all_who_ride() {
    let calls = AtomicUsize::new(0);
    let end = dynamics_end(move |asked| match calls.fetch_add(1, Ordering::Relaxed) {
        0 => all_taken(&asked.body),
        _ => Said::json(429, &json!({"error": {"message": "Slow down."}})).with("retry-after", "1"),
    })
    .await;
    let scene = Scene::at(&end.url, "").await;
    let all: Vec<_> = (0..4).map(|number| adjustment(&format!("A{number}"), "1")).collect();
    let said = join_all(all.iter().map(|adjustment| scene.dynamics().adjust_stock(adjustment, soon()))).await;
    let throttled = said.iter().filter(|said| matches!(said, Err(GatewayError::Throttled { .. }))).count();
    assert_eq!(throttled, 3, "{said:?}");
}

#[tokio::test]
async fn an_answer_that_leaves_rows_out_leaves_it_open() {
    let both = StockAdjustment { rows: vec![row("A1", "-1"), row("A2", "1")], ..adjustment("A", "1") };
    // Of two rows one is answered; then they are refused as being there, and of both that are looked up one is answered.
    let refused = json!({"error": {"message": "Infolog: Error: The record already exists."}});
    for said in [(201, json!({})), (400, refused)] {
        let first = Mutex::new(Value::Null);
        let end = dynamics_end(move |asked| {
            if asked.body.contains("GET ") {
                return answered(&[(200, first.lock().unwrap().clone())]);
            }
            let row = asked.body.lines().find(|line| line.starts_with('{')).unwrap();
            *first.lock().unwrap() = serde_json::from_str(row).unwrap();
            answered(std::slice::from_ref(&said))
        })
        .await;
        let scene = Scene::at(&end.url, "").await;
        let error = scene.dynamics().adjust_stock(&both, soon()).await.unwrap_err();
        assert_eq!(scene.dynamics_failure(&error).code, Code::DynamicsUnsure, "{error:?}");
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_leaves_it_open() {
    let end = dynamics_end(|_| Said::text(200, "<html>")).await;
    let scene = Scene::at(&end.url, "").await;
    let error = scene.dynamics().adjust_stock(&adjustment("A", "1"), soon()).await.unwrap_err();
    assert_eq!(scene.dynamics_failure(&error).code, Code::DynamicsUnsure);
}

#[tokio::test]
async fn names_go_where_the_configuration_says() {
    let end = dynamics_end(|asked| all_taken(&asked.body)).await;
    let more = r#"
        dynamics.contoso.adjustments.entity = "ConAdjustments"
        dynamics.contoso.adjustments.external_system_type = "Wms"
        dynamics.contoso.adjustments.external_system_id = "3PL"
        dynamics.contoso.adjustments.type_field = "ConAdjustmentType""#;
    let scene = Scene::at(&end.url, more).await;
    let typed = StockAdjustment { posted_to: Some("WASTE".to_owned()), ..adjustment("A", "-1.50") };
    scene.dynamics().adjust_stock(&typed, soon()).await.unwrap();
    let body = batches(&end).remove(0);
    assert!(body.contains("/data/ConAdjustments?cross-company=true HTTP/1.1"), "{body}");
    let sent: Value = serde_json::from_str(body.lines().find(|line| line.starts_with('{')).unwrap()).unwrap();
    assert_eq!(
        sent,
        json!({
            "dataAreaId": "usmf", "ExternalSystemType": "Wms", "ExternalSystemId": "3PL",
            "InventoryAdjustmentId": record_id(&["A"]), "ItemNumber": "BOLT", "Quantity": -1.5, "WarehouseId": "24",
            "ConAdjustmentType": "WASTE",
        })
    );
}
