//! What people see of the road: exceptions on the command line, journeys, readiness, metrics, one wide event per attempt.

use serde_json::{Value, json};

use super::world::{Making, World, event_about};
use crate::support::wait::until;
use crate::support::{Backing, Ground};

async fn seen_and_replayed(backing: Backing) {
    let making = Making { toml: "processor.measure_ms = 100".to_owned(), ..Making::default() };
    let world = World::set(Ground::fresh(backing).await, making).await;
    let product = world.spawn().await;
    let (_, empty) = world.ask(&["exceptions", "list"]).await;
    assert_eq!(empty, json!({ "total": 0, "exceptions": [] }));
    world.release(5).await;
    world.until_posted(5).await;

    // Dynamics tells of a document that it does not know.
    let event = event_about("SHP-NOBODY-KNOWS");
    World::post_to(&World::door_at(product.addresses["ingest"]), &event).await;
    world.until_exceptions(1).await;

    let (_, listed) = world.ask(&["exceptions", "list", "--flow", "orders"]).await;
    let exception = &listed["exceptions"][0];
    for key in [
        "id",
        "code",
        "sentence",
        "next_step",
        "flow",
        "connection",
        "document",
        "status",
        "owner",
        "fingerprint",
        "attempts",
        "followers",
        "first_seen",
        "last_seen",
    ] {
        assert!(exception.get(key).is_some_and(|value| !value.is_null()), "{key} in {exception}");
    }
    assert_eq!((&exception["code"], &exception["status"]), (&json!("dynamics.not_found"), &json!("open")));
    assert!(exception["sentence"].as_str().unwrap().contains("SHP-NOBODY-KNOWS"), "{exception}");
    let instant = |key: &str| exception[key].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert!(instant("first_seen") <= instant("last_seen"), "{exception}");
    let (_, none) = world.ask(&["exceptions", "list", "--flow", "shipments"]).await;
    assert_eq!(none["total"], 0);

    let id = exception["id"].as_str().unwrap();
    let (_, shown) = world.ask(&["exceptions", "show", id]).await;
    assert_eq!(shown["message"]["externalEventId"], "{0F5E1C1A-7C3B-4C0E-9B1D-000000000001}", "{shown}");
    assert_eq!(serde_json::from_str::<Value>(shown["body"].as_str().unwrap()).unwrap(), event);

    let (started, replayed) = world.ask(&["replay", "start", "--message", id]).await;
    assert!(started, "{replayed}");
    world.until_exceptions(1).await;
    let nobody = "00000000-0000-4000-8000-000000000000";
    let (started, unknown) = world.ask(&["replay", "start", "--message", nobody]).await;
    assert_eq!((started, &unknown["started"]), (false, &json!(false)));

    operations(&world, product.addresses["operations"]).await;
    let reason = ["exceptions", "discard", id, "--reason", "deleted in Dynamics"];
    let (discarded, told) = world.ask(&reason).await;
    assert_eq!((discarded, &told["discarded"]), (true, &json!(true)));
    let (discarded, told) = world.ask(&reason).await;
    assert!(!discarded && told["sentence"].as_str().unwrap().contains("ended as Discarded"), "{told}");
    let (_, empty) = world.ask(&["exceptions", "list"]).await;
    assert_eq!(empty["total"], 0);

    let key = exception["document"].as_str().unwrap();
    let (_, journeys) = world.ask(&["documents", "show", key]).await;
    let steps = journeys["documents"][0]["steps"].as_array().unwrap();
    let last = steps.iter().rfind(|step| step["message_id"] == id).unwrap();
    assert!(last["what"].as_str().unwrap().ends_with(": deleted in Dynamics"), "{journeys}");
    // Triage remembers it beyond its message.
    let remembered = until("it is remembered", async || {
        let (shown, remembered) = world.ask(&["exceptions", "show", id]).await;
        shown.then_some(remembered)
    })
    .await;
    assert_eq!((&remembered["status"], &remembered["code"]), (&json!("discarded"), &json!("dynamics.not_found")));
    let (shown, error) = world.ask(&["exceptions", "show", nobody]).await;
    assert!(!shown && error["error"].as_str().unwrap().contains("Nothing is known"), "{error}");
    wide_events(&product.stop().await);
    world.finish().await;
}

async fn operations(world: &World, operations: std::net::SocketAddr) {
    let get = async |path: &str| {
        let answer = reqwest::get(format!("http://{operations}{path}")).await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    };
    assert_eq!(get("/livez").await.0, 200);
    let (status, text) = get("/readyz").await;
    assert_eq!(status, 200, "{text}");
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["ready"], true);
    // Dynamics' own count is read first, and ours may be above it: an answer that came too late for Dynamics was one of ours.
    let dynamics = world.to_dynamics.progress().await.unwrap();
    let accepted = dynamics["acknowledged"].as_f64().unwrap() + 1.0;
    let metrics = until("the exception and every event are counted", async || {
        let metrics = get("/metrics").await.1;
        let answers = "drayline_ingest_answers_total{source=\"contoso\",status=\"200\"} ";
        let answered = metrics.lines().find_map(|line| line.strip_prefix(answers)?.parse::<f64>().ok());
        let counted = metrics.contains("drayline_exceptions_open{flow=\"orders\"} 1");
        (counted && answered.is_some_and(|answered| answered >= accepted)).then_some(metrics)
    })
    .await;
    for line in [
        "drayline_attempts_total{flow=\"orders\",outcome=\"applied\"}",
        "drayline_attempt_seconds",
        "drayline_event_to_effect_seconds",
        "drayline_parked{flow=\"orders\",waits_for=\"person\"} 1",
        "drayline_far_end_calls_total{connection=\"north\",status=\"201\"}",
        "drayline_outbox_rows",
    ] {
        assert!(metrics.contains(line), "{line} in\n{metrics}");
    }
}

/// Each attempt is one line with everything that is known of it, and nobody's address stands in any.
fn wide_events(lines: &[Value]) {
    let attempts: Vec<_> = lines.iter().filter(|line| line["message"] == "attempt").collect();
    let applied = attempts.iter().filter(|line| line["outcome"] == "applied" && line["flow"] == "shipments").count();
    assert!(applied >= 5, "{applied} shipments applied");
    for line in &attempts {
        for key in ["message_id", "kind", "flow", "partition", "ordering_key", "connection", "attempt", "took_ms"] {
            assert!(!line[key].is_null(), "{key} in {line}");
        }
        assert_eq!(line["trace_id"].as_str().map(str::len), Some(32), "{line}");
    }
    let parked = attempts.iter().find(|line| line["code"] == "dynamics.not_found").unwrap();
    assert_eq!((&parked["outcome"], &parked["waits_for"]), (&json!("failed"), &json!("person")));
    let listening = lines.iter().filter(|line| line["message"] == "listening").count();
    assert_eq!(listening, 2);
}

#[tokio::test]
async fn seen_and_replayed_embedded() {
    seen_and_replayed(Backing::Embedded).await;
}

#[tokio::test]
async fn seen_and_replayed_on_servers() {
    seen_and_replayed(Backing::Servers).await;
}

#[tokio::test]
async fn readiness_says_that_the_store_is_gone() {
    let world = World::start(Backing::Servers, Making::default()).await;
    let operations = world.app().address("operations").unwrap();
    let readyz = async || reqwest::get(format!("http://{operations}/readyz")).await.unwrap();
    until("it is ready", async || (readyz().await.status() == 200).then_some(())).await;
    world.store().await.close().await;
    let answer = readyz().await;
    assert_eq!(answer.status(), 503);
    let readiness: Value = answer.json().await.unwrap();
    assert_eq!(readiness["ready"], false);
    assert!(readiness["problems"][0].as_str().unwrap().starts_with("The store"), "{readiness}");
}
