//! What shares a request: documents that are read, updates that are asked about, and all rows of one update. At a
//! simulated Dynamics, whose ledger says what it saw.

use drayline::failure::Code;
use drayline::gateways::{Direction, RequestVerdict, ShipmentUpdate, UpdateState};
use drayline::message::{RequestId, Unit};
use drayline::sandbox::{Faults, FinanceOperationsRules, Uniqueness};
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::adjustments::{Simulated, answered};
use super::scene::{Scene, dynamics_end, line, lot, shipment, usmf};

const TOGETHER: &str = "dynamics.contoso.together.documents_max = 100";

/// Nobody demands a certain lot.
fn rules() -> FinanceOperationsRules {
    FinanceOperationsRules { demanded_share: 0.0, ..FinanceOperationsRules::default() }
}

async fn released(dynamics: &Simulated, count: u64) -> Vec<RequestId> {
    let answer = dynamics.visitor.release(count, 3).await.unwrap();
    let ids = answer["released"].as_array().unwrap().iter();
    ids.map(|id| RequestId::new(id.as_str().unwrap()).unwrap()).collect()
}

/// One order with two lines of 5 pieces.
async fn order(dynamics: &Simulated) -> ShipmentUpdate {
    let lines = json!([
        {"item": "ITEM-1001", "quantity": "5", "unit": "ea"},
        {"item": "LOT-1002", "quantity": "5", "unit": "ea"},
    ]);
    let answer = dynamics.visitor.release_lines(&lines).await.unwrap();
    let id = RequestId::new(answer["released"][0].as_str().unwrap()).unwrap();
    let order = dynamics.scene.dynamics().released_order(Direction::Outbound, &usmf(), &id).await.unwrap().unwrap();
    let mut update = ShipmentUpdate {
        origin_id: order.origin_id,
        lines: vec![line("1", "5", "5", "0"), line("2", "5", "3", "2")],
        ..shipment()
    };
    for line in &mut update.lines {
        line.unit = Unit::new("ea").unwrap();
    }
    // Two lots: where a line takes one of them, these are two updates.
    update.lines[1].dimensions = vec![lot("LOT-1002-B1", "2"), lot("LOT-1002-B2", "1")];
    update
}

async fn rows(dynamics: &Simulated) -> Vec<Value> {
    dynamics.visitor.state().await.unwrap()["postings"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_thousand_documents_are_read_with_at_most_fifty_calls_and_read_as_each_alone() {
    let dynamics = Simulated::start(rules(), Uniqueness::default(), TOGETHER).await;
    let ids = released(&dynamics, 1000).await;
    dynamics.disturb(Faults { latency_ms: 50, ..Faults::default() }).await;
    let before = dynamics.ledger().await.len();
    let company = usmf();
    let read = |id| dynamics.scene.dynamics().released_order(Direction::Outbound, &company, id);
    let orders: Vec<_> =
        join_all(ids.iter().map(read)).await.into_iter().map(|order| order.unwrap().unwrap()).collect();
    let ledger = dynamics.ledger().await;
    let calls = ledger[before..].iter().filter(|line| !line.within && line.path.starts_with("/data/")).count();
    assert!(calls <= 50, "{calls} calls");
    dynamics.disturb(Faults::default()).await;
    assert!(orders.iter().zip(&ids).all(|(order, id)| order.request_id == *id && !order.lines.is_empty()));
    // Alone, by calls of its own, it says the same.
    let singly = dynamics.beside("dynamics.contoso.together.documents_max = 1").await;
    for (order, id) in orders.iter().zip(&ids).step_by(97) {
        let alone = singly.dynamics().released_order(Direction::Outbound, &usmf(), id).await.unwrap();
        assert_eq!(alone.as_ref(), Some(order));
    }
}

#[tokio::test]
async fn who_asks_for_a_document_that_is_not_there_is_told_so_and_the_others_get_theirs() {
    let dynamics = Simulated::start(rules(), Uniqueness::default(), TOGETHER).await;
    dynamics.disturb(Faults { latency_ms: 20, ..Faults::default() }).await;
    let mut ids = released(&dynamics, 30).await;
    ids.insert(7, RequestId::new("NOBODY'S").unwrap());
    let company = usmf();
    let read = |id| dynamics.scene.dynamics().released_order(Direction::Outbound, &company, id);
    let orders = join_all(ids.iter().map(read)).await;
    for (order, id) in orders.into_iter().zip(&ids) {
        assert_eq!(order.unwrap().map(|order| order.request_id), (id.as_str() != "NOBODY'S").then(|| id.clone()));
    }
}

#[tokio::test]
async fn an_update_is_one_call_and_its_state_another() {
    let dynamics = Simulated::start(rules(), Uniqueness::default(), TOGETHER).await;
    let update = order(&dynamics).await;
    let before = dynamics.ledger().await.len();
    dynamics.scene.dynamics().post_shipment(&update).await.unwrap();
    let after = dynamics.ledger().await;
    let calls: Vec<_> = after[before..].iter().filter(|line| !line.within && line.path.starts_with("/data/")).collect();
    assert_eq!(calls.len(), 1, "{calls:?}");
    let posted = rows(&dynamics).await;
    assert_eq!(posted.len(), 2, "one part for each lot: {posted:#?}");
    assert!(posted.iter().all(|row| row["committed"].is_number() && row["creates"] == 1));
    crate::support::wait::until("it is processed", async || {
        let state = dynamics.scene.dynamics().update_state(&update.named()).await.unwrap();
        (state == UpdateState::Processed).then_some(())
    })
    .await;
}

async fn posted_again(uniqueness: Uniqueness) {
    let dynamics = Simulated::start(rules(), uniqueness, TOGETHER).await;
    let update = order(&dynamics).await;
    let post = async || dynamics.scene.dynamics().post_shipment(&update).await;
    post().await.unwrap();
    let posted = rows(&dynamics).await;
    // A second time, while it is processed and afterwards.
    post().await.unwrap();
    crate::support::wait::until("it is processed", async || {
        let rows = rows(&dynamics).await;
        rows.iter().all(|row| row["state"] == "Accepted").then_some(())
    })
    .await;
    post().await.unwrap();
    let after = rows(&dynamics).await;
    let lines =
        |rows: &[Value]| rows.iter().map(|row| (row["lines"].clone(), row["creates"].clone())).collect::<Vec<_>>();
    assert_eq!(lines(&after), lines(&posted), "{uniqueness:?}");
}

#[tokio::test]
async fn an_update_that_is_there_is_not_posted_again_whatever_is_unique() {
    for uniqueness in [Uniqueness::AnswersExisting, Uniqueness::UpdatesInPlace, Uniqueness::None] {
        posted_again(uniqueness).await;
    }
}

#[tokio::test]
async fn an_update_of_which_one_row_is_refused_leaves_nothing_behind() {
    let dynamics = Simulated::start(rules(), Uniqueness::default(), TOGETHER).await;
    let update = ShipmentUpdate { origin_id: "NOBODY'S".to_owned(), ..order(&dynamics).await };
    let error = dynamics.scene.dynamics().post_shipment(&update).await.unwrap_err();
    let failure = dynamics.scene.dynamics_failure(&error);
    assert_eq!(failure.code, Code::DynamicsRefused);
    assert!(failure.detail.unwrap().contains("'NOBODY'S' does not exist"));
    assert!(rows(&dynamics).await.is_empty());
}

/// Each call of a changeset is answered when all of them happened: an answer that was cut off says nothing of that.
#[tokio::test]
async fn an_update_of_which_not_every_call_is_answered_is_unsure() {
    let more = "dynamics.contoso.together = { documents_max = 1, changesets = true }";
    let calls = shipment().lines.len() + 2;
    for count in 1..=calls {
        let end = dynamics_end(move |asked| {
            assert_eq!(asked.body.matches("application/http").count(), calls, "{}", asked.body);
            answered(&vec![(201, json!({})); count])
        })
        .await;
        let scene = Scene::at(&end.url, more).await;
        let said = scene.dynamics().post_shipment(&shipment()).await;
        assert_eq!(end.lines(), ["POST /data/$batch"], "nothing is written a second time");
        let code = said.map_err(|error| scene.dynamics_failure(&error).code);
        let expected = if count == calls { Ok(()) } else { Err(Code::DynamicsUnsure) };
        assert_eq!(code, expected, "{count} of {calls} calls are answered");
    }
}

/// What a row-by-row writer left half written is completed, not written anew.
#[tokio::test]
async fn an_update_that_is_half_there_is_completed() {
    let dynamics = Simulated::start(rules(), Uniqueness::default(), TOGETHER).await;
    let update = order(&dynamics).await;
    let singly = dynamics.beside("dynamics.contoso.together = { documents_max = 1, changesets = false }").await;
    // Every second call is lost: it gets as far as it gets.
    dynamics.disturb(Faults { fail_5xx: 0.5, ..Faults::default() }).await;
    crate::support::wait::until("some of it is there", async || {
        let _ = singly.dynamics().post_shipment(&update).await;
        let rows = rows(&dynamics).await;
        rows.iter().any(|row| row["committed"].is_null()).then_some(())
    })
    .await;
    dynamics.disturb(Faults::default()).await;
    dynamics.scene.dynamics().post_shipment(&update).await.unwrap();
    let posted = rows(&dynamics).await;
    assert!(posted.iter().all(|row| row["committed"].is_number() && row["creates"] == 1), "{posted:#?}");
    assert_eq!(posted.iter().map(|row| row["lines"].as_array().unwrap().len()).sum::<usize>(), 3);
}

#[tokio::test]
async fn a_verdict_over_a_status_that_was_seen_needs_no_look_and_one_that_changed_gets_one() {
    let dynamics = Simulated::start(rules(), Uniqueness::default(), TOGETHER).await;
    let id = released(&dynamics, 1).await.remove(0);
    let end = dynamics.scene.dynamics();
    let seen = end.released_order(Direction::Outbound, &usmf(), &id).await.unwrap().unwrap().status_version.unwrap();
    let write = async |text: &str| {
        let verdict = RequestVerdict::Accepted(text.to_owned());
        end.write_status((&usmf(), &id), &verdict, Some(&seen)).await.unwrap();
    };
    let before = dynamics.ledger().await.len();
    write("usmf-A-W1").await;
    assert_eq!(dynamics.ledger().await.len() - before, 1);
    // The version is another one now; taken back meanwhile, it stays so.
    dynamics.visitor.order(id.as_str(), "cancel", &json!({})).await.unwrap();
    write("usmf-A-W1R2").await;
    let state = dynamics.visitor.state().await.unwrap();
    assert_eq!(state["orders"][0]["response"], "The warehouse took it on as usmf-A-W1.");
}
