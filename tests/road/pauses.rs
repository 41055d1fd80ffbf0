//! `drayline pause` and `resume`: what people stop under load stays stopped over a crash, is seen, and goes on in order.

use serde_json::{Value, json};

use super::world::{Making, World};
use crate::support::wait::until;
use crate::support::{Backing, Ground};

async fn paused_and_resumed(backing: Backing) {
    let making = Making { toml: "processor.measure_ms = 100".to_owned(), ..Making::default() };
    let world = World::set(Ground::fresh(backing).await, making).await;
    let product = world.spawn().await;
    world.release(4).await;
    let pause = ["pause", "--connection", "north", "--reason", "they move house"];
    let (done, told) = world.ask(&pause).await;
    assert!(done && told["paused"] == true && told["already"] == false, "{told}");
    assert_eq!((&told["pause"]["connection"], &told["pause"]["reason"]), (&json!("north"), &json!("they move house")));
    let (done, again) = world.ask(&pause).await;
    assert!(done && again["already"] == true && again["pause"] == told["pause"], "{again}");
    until_paused(&product.addresses["operations"]).await;
    world.release(6).await;
    product.kill();

    let product = world.spawn().await;
    let operations = product.addresses["operations"];
    let far_end = until("all that needs it waits", async || {
        let north = far_end(&operations, "north").await;
        (north["waiting"].as_u64() >= Some(6)).then_some(north)
    })
    .await;
    assert_eq!(far_end["state"], "paused");
    let why = far_end["why"].as_str().unwrap();
    assert!(why.contains("(they move house)") && why.contains("drayline resume --connection north"), "{why}");
    let ready = readyz(&operations).await;
    assert_eq!((&ready["ready"], ready["paused"].as_array().unwrap().len()), (&json!(true), 1), "{ready}");
    until("it is counted", async || {
        let (metrics, now) = (get(&operations, "/metrics").await, self::far_end(&operations, "north").await);
        let paused = "drayline_far_end_state{connection=\"north\",state=\"paused\"} 1";
        let waiting = format!("drayline_far_end_waiting{{connection=\"north\"}} {}", now["waiting"]);
        (metrics.contains(paused) && metrics.contains(&waiting)).then_some(())
    })
    .await;
    let (_, listed) = world.ask(&["pause"]).await;
    assert_eq!(listed["pauses"], json!([told["pause"]]));
    let (_, parked) = world.ask(&["exceptions", "list", "--all"]).await;
    let attempts: Vec<_> = parked["exceptions"].as_array().unwrap().iter().map(|each| &each["attempts"]).collect();
    assert!(attempts.len() >= 6 && attempts.iter().all(|attempts| **attempts == 0), "{parked}");

    let resume = ["resume", "--connection", "north", "--reason", "they are back"];
    let (done, told) = world.ask(&resume).await;
    assert!(done && told["resumed"] == true, "{told}");
    world.until_posted(10).await;
    let (done, again) = world.ask(&resume).await;
    assert!(done && again["resumed"] == false, "{again}");
    let (_, listed) = world.ask(&["pause"]).await;
    assert_eq!(listed, json!({ "pauses": [] }));
    product.stop().await;
    let verdict = world.finish().await;
    assert_eq!((verdict.orders, verdict.posted), (10, 10));
}

#[tokio::test]
async fn paused_and_resumed_embedded() {
    paused_and_resumed(Backing::Embedded).await;
}

#[tokio::test]
async fn paused_and_resumed_on_servers() {
    paused_and_resumed(Backing::Servers).await;
}

#[tokio::test]
async fn what_cannot_be_paused_is_said() {
    let world = World::start(Backing::Embedded, Making::default()).await;
    for (arguments, says) in [
        (vec!["pause", "--connection", "nroth", "--reason", "x"], "Configured are: contoso, north."),
        (vec!["pause", "--connection", "north"], "--reason TEXT"),
        (vec!["pause", "--flow", "orders", "--reason", " "], "--reason TEXT"),
        (vec!["pause", "--reason", "x"], "--connection, --flow, or both"),
        (vec!["resume", "--reason", "x"], "--connection, --flow, or both"),
        (vec!["resume", "--connection", "nroth", "--reason", "x"], "Configured are: contoso, north."),
    ] {
        let (done, said) = world.ask(&arguments).await;
        assert!(!done && said["error"].as_str().unwrap().contains(says), "{arguments:?}: {said}");
    }
    let output = world.program(&["pause", "--flow", "oders", "--reason", "x"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("flows are orders, shipments"), "{said}");
    let (_, listed) = world.ask(&["pause"]).await;
    assert_eq!(listed["pauses"], json!([]));
    world.leave().await;
}

async fn until_paused(operations: &std::net::SocketAddr) {
    until("it is seen", async || (far_end(operations, "north").await["state"] == "paused").then_some(())).await;
}

async fn far_end(operations: &std::net::SocketAddr, connection: &str) -> Value {
    let ready = readyz(operations).await;
    let of_it = |each: &&Value| each["connection"] == connection;
    ready["far_ends"].as_array().unwrap().iter().find(of_it).cloned().unwrap_or_default()
}

async fn readyz(operations: &std::net::SocketAddr) -> Value {
    serde_json::from_str(&get(operations, "/readyz").await).unwrap()
}

async fn get(operations: &std::net::SocketAddr, path: &str) -> String {
    reqwest::get(format!("http://{operations}{path}")).await.unwrap().text().await.unwrap()
}
