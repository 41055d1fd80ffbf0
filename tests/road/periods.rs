//! Closed periods that wait for finance: one exception for all documents, which go on by themselves once the period is open.

use drayline::store::Discarded;

use super::world::{Making, World};
use crate::support::Backing;

const CLOSED: &str = "closed_until.usmf = \"2999-12-31\"";

async fn all_wait_for_one_exception(backing: Backing) {
    let making = Making {
        dynamics_toml: format!("outbound.{CLOSED}\noutbound.closed_periods = \"wait\"\n"),
        toml: "processor.period_look_again_ms = 300".to_owned(),
        sections: "[dynamics.contoso.statuses]\nDAMAGED = \"Damaged\"\n".to_owned(),
        ..Making::default()
    };
    let mut world = World::start(backing, making).await;
    world.release(4).await;
    world.to_dynamics.expect(2, 7).await.unwrap();
    world
        .until("shipped and received", |_, warehouse| {
            warehouse["received"] == 2 && warehouse["shipped"].as_u64() >= Some(4) && warehouse["pending_events"] == 0
        })
        .await;
    // Six documents and the question.
    crate::support::wait::until("all wait", async || (world.exceptions(true).await.0 >= 7).then_some(())).await;
    let exceptions = world.until_exceptions(1).await;
    assert_eq!(exceptions[0].code, "dynamics.period_closed");
    assert_eq!(exceptions[0].document, "period/contoso/usmf/2999-12-31");
    let sentence =
        "What moved in usmf (contoso) until 2999-12-31 waits for finance: that period is closed. Open the period";
    assert!(exceptions[0].sentence.starts_with(sentence), "{exceptions:#?}");
    let state = world.to_dynamics.progress().await.unwrap();
    assert_eq!(state["updates_accepted"], 0, "nothing is posted meanwhile");

    world.stop_product().await;
    world.reconfigure(CLOSED, "closed_until.usmf = \"2000-01-01\"");
    world.start_product().await;
    world.until_posted(4).await;
    crate::support::wait::until("receipts are posted", async || (world.verdict().await.receipts == 2).then_some(()))
        .await;
    world.until_nothing_parked().await;
    let verdict = world.finish().await;
    assert_eq!((verdict.posted, verdict.receipts), (4, 2));
}

/// Finance opens the period while everything runs, and closes it again.
async fn opened_by_a_row_of_the_mapping(backing: Backing) {
    let making = Making {
        dynamics_toml: format!("outbound.{CLOSED}\noutbound.closed_periods = \"wait\"\n"),
        // Nothing looks again by itself.
        toml: "processor.period_look_again_ms = 3600000\nprocessor.look_again_ms = 3600000".to_owned(),
        ..Making::default()
    };
    let world = World::start(backing, making).await;
    let says = async |day: &str| {
        let day = format!("dynamics={day}");
        let row = ["mapping", "set", "closed_until", "legal_entity=usmf", &day, "--reason", "a test"];
        let (done, told) = world.ask(&row).await;
        assert!(done, "{told}");
    };
    world.release(2).await;
    let question = world.until_exceptions(1).await.remove(0);
    assert_eq!(question.document, "period/contoso/usmf/2999-12-31");
    // Another day that is closed, too: its own question takes the place of the first.
    says("2999-11-30").await;
    crate::support::wait::until("the other period is asked for", async || {
        let (_, exceptions) = world.exceptions(false).await;
        let [one] = exceptions.as_slice() else { return None };
        (one.document == "period/contoso/usmf/2999-11-30").then_some(())
    })
    .await;
    assert_eq!(world.to_dynamics.progress().await.unwrap()["updates_accepted"], 0);
    says("2000-01-01").await;
    world.until_posted(2).await;
    assert_eq!(world.exceptions(true).await.0, 0);
    assert_eq!(world.finish().await.posted, 2);
}

#[tokio::test]
async fn finance_opens_a_period_while_everything_runs_embedded() {
    opened_by_a_row_of_the_mapping(Backing::Embedded).await;
}

#[tokio::test]
async fn finance_opens_a_period_while_everything_runs_on_servers() {
    opened_by_a_row_of_the_mapping(Backing::Servers).await;
}

/// Whoever discards the question has not posted what waits for it: it is asked again at once, as often as it takes.
async fn who_discards_the_question_is_asked_again(backing: Backing) {
    let making = Making {
        dynamics_toml: format!("outbound.{CLOSED}\noutbound.closed_periods = \"wait\"\n"),
        // Nothing looks again by itself.
        toml: "processor.period_look_again_ms = 3600000\nprocessor.look_again_ms = 3600000".to_owned(),
        ..Making::default()
    };
    let mut world = World::start(backing, making).await;
    world.release(2).await;
    let both_wait = async || (world.exceptions(true).await.0 >= 3).then_some(());
    crate::support::wait::until("both wait, and one question", both_wait).await;
    let mut discarded = Vec::new();
    for _ in 0..3 {
        let question = world.until_exceptions(1).await.remove(0);
        assert_eq!(question.document, "period/contoso/usmf/2999-12-31");
        assert!(!discarded.contains(&question.id), "a question that has ended is not asked once more");
        let done = world.store().await.discard(question.id, "a test", "it is wrong").await.unwrap();
        assert_eq!(done, Discarded::Yes);
        discarded.push(question.id);
    }
    // Two documents that ask at the same moment ask one question.
    let question = world.until_exceptions(1).await.remove(0);
    assert_eq!(question.followers, 0, "{question:#?}");

    world.stop_product().await;
    world.reconfigure(CLOSED, "closed_until.usmf = \"2000-01-01\"");
    world.start_product().await;
    world.store().await.replay(question.id, "a test").await.unwrap();
    world.until_posted(2).await;
    assert_eq!(world.finish().await.posted, 2);
}

#[tokio::test]
async fn who_discards_the_question_for_a_period_is_asked_again_embedded() {
    who_discards_the_question_is_asked_again(Backing::Embedded).await;
}

#[tokio::test]
async fn who_discards_the_question_for_a_period_is_asked_again_on_servers() {
    who_discards_the_question_is_asked_again(Backing::Servers).await;
}

#[tokio::test]
async fn all_documents_of_a_closed_period_wait_for_one_exception_embedded() {
    all_wait_for_one_exception(Backing::Embedded).await;
}

#[tokio::test]
async fn all_documents_of_a_closed_period_wait_for_one_exception_on_servers() {
    all_wait_for_one_exception(Backing::Servers).await;
}
