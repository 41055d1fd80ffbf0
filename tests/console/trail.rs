//! The trail: written before and after, chained, and noticed when it is touched.

use std::process::Command;

use drayline::message::Flow;
use drayline::store::{Act, Actor, Store, TrailFilter, TrailOutcome};
use serde_json::{Value, json};

use super::scene::{Scene, both};
use crate::support::{Backing, Ground};

fn ann() -> Actor {
    Actor { who: "ann".to_owned(), role: "operator".to_owned() }
}

fn act(document: &str) -> Act {
    Act {
        action: "exception.discard",
        flow: Some(Flow::Orders),
        connection: Some("contoso".to_owned()),
        documents: vec![document.to_owned(), "with \"quotes\"\0".to_owned()],
        fields: vec!["reason".to_owned()],
    }
}

/// The command with what it says, and whether it ended well.
fn verify(ground: &Ground, more: &[&str]) -> (bool, Value) {
    let file = ground.data().join("trail.toml");
    std::fs::write(&file, ground.toml("")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_drayline"));
    let output = command.args(["trail", "verify", "--json", "--config"]).arg(&file).args(more).output().unwrap();
    let said: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    assert_eq!(output.status.code(), Some(i32::from(said["verified"] != true)));
    (said["verified"] == true, said)
}

#[tokio::test]
async fn what_is_changed_stands_in_the_trail_before_and_after() {
    both("", async |scene| {
        let own = scene.own();
        let given = scene.post(&own, "/v1/tokens", &json!({ "name": "Ann Secret", "role": "viewer" })).await.json();
        let id = given["id"].as_str().unwrap();
        scene.delete(&own, &format!("/v1/tokens/{id}")).await;
        let trail = scene.get(&own, "/v1/trail").await;
        assert!(!trail.text.contains("Ann Secret") && !trail.text.contains(given["token"].as_str().unwrap()));
        let rows = trail.json()["items"].as_array().unwrap().clone();
        let told: Vec<_> = rows.iter().map(|row| (&row["n"], &row["action"], &row["begun"], &row["outcome"])).collect();
        assert_eq!(
            told,
            [
                (&json!(4), &json!("token.revoke"), &json!(3), &json!("done")),
                (&json!(3), &json!("token.revoke"), &json!(null), &json!(null)),
                (&json!(2), &json!("token.create"), &json!(1), &json!("done")),
                (&json!(1), &json!("token.create"), &json!(null), &json!(null)),
            ]
        );
        assert!(rows.iter().all(|row| row["documents"] == json!([id]) && row["who"] == "command line"));
        let count = async |query: &str| {
            let page = scene.get(&own, &format!("/v1/trail?{query}")).await.json();
            page["items"].as_array().unwrap().len()
        };
        assert_eq!(count("action=token.create").await, 2);
        assert_eq!(count(&format!("document={id}&limit=3")).await, 3);
        assert_eq!(count("who=nobody").await, 0);
        assert_eq!(count("flow=orders").await, 0);
        assert_eq!(count("since=2020-01-01T00:00:00Z&until=2020-01-02T00:00:00Z").await, 0);
        assert_eq!(count("who=command%20line&action=token.revoke&until=2100-01-01T00:00:00Z").await, 2);
        assert_eq!(count(&format!("who=command%20line&document={id}&action=nothing")).await, 0);
        let at = |row: &Value| row["at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        let instant = at(&rows[1]);
        let (later, earlier): (Vec<_>, Vec<_>) = rows.iter().partition(|row| at(row) >= instant);
        assert_eq!(count(&format!("since={instant}")).await, later.len());
        assert_eq!(count(&format!("until={instant}&document={id}")).await, earlier.len());
        scene.leave().await;
    })
    .await;
}

#[tokio::test]
async fn many_add_to_the_trail_at_once_and_it_is_whole() {
    both("", async |scene| {
        let config = scene.ground.config("");
        let mut tasks = tokio::task::JoinSet::new();
        for process in 0..4 {
            let store = Store::open(&config).await.unwrap();
            tasks.spawn(async move {
                for each in 0..10 {
                    let act = act(&format!("{process}/{each}"));
                    let doing = async { Ok::<(), drayline::store::StoreError>(()) };
                    store.on_trail(&ann(), &act, doing, |_| TrailOutcome::Refused).await.unwrap();
                }
                store.close().await;
            });
        }
        tasks.join_all().await;
        let store = scene.app.store();
        let rows = store.trail(&TrailFilter::default(), 100).await.unwrap();
        assert!(rows.iter().map(|row| row.n).eq((1..=80).rev()));
        assert!(rows.windows(2).all(|pair| pair[0].at >= pair[1].at && pair[0].previous == pair[1].hash));
        let one = TrailFilter { document: Some("3/7".to_owned()), ..TrailFilter::default() };
        let [after, before] = store.trail(&one, 100).await.unwrap().try_into().unwrap();
        assert_eq!((after.begun, after.outcome), (Some(before.n), Some(TrailOutcome::Refused)));
        assert_eq!(before.documents, ["3/7", "with \"quotes\"\u{2400}"]);
        assert!(verify(&scene.ground, &[]).0);
        scene.leave().await;
    })
    .await;
}

/// Six rows, what is done to them, and what is said of it: the row and a word.
async fn touched(backing: Backing, statement: &str, (n, word): (u64, &str)) {
    let scene = Scene::start(backing, "").await;
    let store = scene.app.store();
    for each in 0..6 {
        store.trail_append(&ann(), &act(&format!("SO-{each}"))).await.unwrap();
    }
    let (whole, said) = verify(&scene.ground, &[]);
    assert!(whole && said["rows"] == 6 && said["broken"].is_null(), "{said}");
    let last = format!("6:{}", said["hash"].as_str().unwrap());
    assert!(verify(&scene.ground, &["--expect", &last]).0);
    scene.tamper(statement).await;
    let (whole, said) = verify(&scene.ground, &["--expect", &last]);
    assert!(!whole && said["broken"]["n"] == n, "{statement}: {said}");
    assert!(said["broken"]["problem"].as_str().unwrap().contains(word), "{statement}: {said}");
    scene.leave().await;
}

/// The whole chain written anew without its first row, as somebody could who may change the tables.
const CUT_OFF_UNNOTICED: &str = "DELETE FROM trail WHERE n > 4; \
    UPDATE trail_head SET n = 4, hash = (SELECT hash FROM trail WHERE n = 4)";

#[tokio::test]
async fn whatever_is_touched_in_the_trail_is_found() {
    for backing in [Backing::Embedded, Backing::Servers] {
        for (statement, found) in [
            ("UPDATE trail SET who = 'ann ' WHERE n = 3", (3, "was changed")),
            ("UPDATE trail SET at = at + 1 WHERE n = 1", (1, "was changed")),
            ("UPDATE trail SET documents = replace(documents, 'SO-4', 'SO-5') WHERE n = 5", (5, "was changed")),
            ("UPDATE trail SET documents = '[ ]' WHERE n = 5", (5, "was changed")),
            ("UPDATE trail SET outcome = 'nonsense' WHERE n = 2", (2, "was changed")),
            ("UPDATE trail SET flow = 'nonsense' WHERE n = 2", (2, "was changed")),
            ("UPDATE trail SET hash = 'x' || substr(hash, 2) WHERE n = 6", (6, "was changed")),
            ("UPDATE trail SET previous = '' WHERE n = 4", (4, "follow")),
            ("DELETE FROM trail WHERE n = 1", (1, "missing")),
            ("DELETE FROM trail WHERE n = 3", (3, "missing")),
            ("DELETE FROM trail WHERE n > 4", (5, "the note")),
            ("DELETE FROM trail", (1, "the note")),
            ("DELETE FROM trail_head", (0, "cannot be read")),
            (CUT_OFF_UNNOTICED, (5, "what you gave")),
        ] {
            touched(backing, statement, found).await;
        }
    }
}

#[tokio::test]
async fn letters_that_are_none_are_found() {
    let statement = "UPDATE trail SET who = CAST(x'61ff' AS TEXT) WHERE n = 2";
    touched(Backing::Embedded, statement, (2, "cannot be read")).await;
}

#[tokio::test]
async fn what_cannot_be_written_down_is_not_done() {
    both("", async |scene| {
        let own = scene.own();
        scene.tamper("DELETE FROM trail_head").await;
        let refused = scene.post(&own, "/v1/tokens", &json!({ "name": "ann", "role": "viewer" })).await;
        refused.is_problem(503, "store-away");
        assert_eq!(scene.get(&own, "/v1/tokens").await.json()["total"], 0);
        scene.leave().await;
    })
    .await;
}

#[tokio::test]
async fn commands_that_change_something_stand_in_the_trail() {
    both("", async |scene| {
        let file = scene.ground.data().join("commands.toml");
        // A secret that can be part of an address, which a path of the machine is not.
        let connections = crate::console::scene::CONNECTIONS.replace("PATH", "USER");
        std::fs::write(&file, scene.ground.toml(&connections)).unwrap();
        let run = |arguments: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_drayline"));
            let output = command.args(arguments).args(["--json", "--config"]).arg(&file).env("USER", "ann").output();
            let output = output.unwrap();
            assert!(output.status.success(), "{arguments:?}: {output:?}");
        };
        run(&["pause", "--connection", "contoso", "--reason", "Ann Secret is ill"]);
        run(&["resume", "--connection", "contoso", "--reason", "back"]);
        run(&["resume", "--connection", "contoso", "--reason", "back"]);
        let sku = ["sku", "item=A", "warehouse=A-1"];
        run(&[&["mapping", "set"], &sku[..], &["--reason", "new"]].concat());
        let rows = scene.app.store().trail(&TrailFilter::default(), 100).await.unwrap();
        let told: Vec<_> = rows.iter().rev().map(|row| (row.action.as_str(), row.outcome)).collect();
        let (done, refused) = (Some(TrailOutcome::Done), Some(TrailOutcome::Refused));
        assert_eq!(
            told,
            [
                ("pause", None),
                ("pause", done),
                ("resume", None),
                ("resume", done),
                ("resume", None),
                ("resume", refused),
                ("mapping.set", None),
                ("mapping.set", done),
            ]
        );
        assert!(rows.iter().all(|row| row.who == "ann" && row.role == "command line"));
        assert_eq!(rows.last().unwrap().connection.as_deref(), Some("contoso"));
        assert!(!serde_json::to_string(&rows).unwrap().contains("Secret"));
        assert!(verify(&scene.ground, &[]).0);
        scene.leave().await;
    })
    .await;
}
