//! What is heard of what is said to far ends: by whoever listens, without secrets and persons; and what a rehearsal would send.

use drayline::failure::Code;
use drayline::gateways::{Direction, masked, recording, rehearsing};
use drayline::message::RequestId;
use drayline::sandbox::{FinanceOperationsRules, Uniqueness};
use futures_util::future::join_all;
use serde_json::json;

use super::adjustments::Simulated;
use super::far_end::{FarEnd, Said};
use super::scene::{Scene, dynamics_end, order, shipment, usmf};
use super::shelf::Shelf;

const PERSONS: [&str; 6] = ["Ada", "Example", "High Street", "Building B", "555 0100", "ada@example.com"];

#[tokio::test]
async fn who_records_hears_each_exchange_without_persons_and_secrets() {
    let refusal = json!({ "message": "no such place", "sent": { "recipient": { "name": "Ada Example", "city": "Springfield" } } });
    let end = FarEnd::start(move |_| Said::json(422, &refusal)).await;
    let scene = Scene::at(&end.url, "").await;
    let (answer, heard) = recording(scene.warehouse().create_order(&order())).await;
    answer.unwrap_err();
    let exchanges = heard.exchanges();
    let [exchange] = exchanges.as_slice() else { panic!("{exchanges:#?}") };
    assert_eq!((exchange.method.as_str(), exchange.path.as_str(), exchange.status), ("POST", "/orders", Some(422)));
    assert_eq!(exchange.connection, "north");
    let whole = serde_json::to_string(&exchanges).unwrap();
    for person in PERSONS.into_iter().chain(["s3cret-value"]) {
        assert!(!whole.contains(person), "{person}: {whole}");
    }
    for shown in ["usmf-SHP0012-W1", "D0001", "62701"] {
        assert!(exchange.request.contains(shown), "{shown}: {whole}");
    }
    let answered = exchange.answer.as_deref().unwrap();
    assert!(answered.contains("no such place") && answered.contains(r#""name":"***""#), "{whole}");
    assert!(heard.would_send().is_empty());
}

#[tokio::test]
async fn what_proves_who_we_are_is_not_kept_and_bodies_are_cut() {
    let end = dynamics_end(|_| Said::json(200, &json!({ "value": [] }))).await;
    let scene = Scene::at(&end.url, "gateways.exchange_bytes_max = 4").await;
    let request = RequestId::new("SHP0012").unwrap();
    let company = usmf();
    let (_, heard) = recording(scene.dynamics().released_order(Direction::Outbound, &company, &request)).await;
    let exchanges = heard.exchanges();
    assert_eq!((exchanges[0].path.as_str(), exchanges[0].status), ("/token", Some(200)));
    let whole = serde_json::to_string(&exchanges).unwrap();
    assert!(
        !whole.contains("s3cret-value") && !whole.contains("token-1") && whole.contains("it holds secrets"),
        "{whole}"
    );
    let cut = exchanges[1].answer.as_deref().unwrap();
    assert_eq!(cut, "{\"va … (8 more bytes)");
}

#[tokio::test]
async fn who_shares_a_request_hears_it_too() {
    let rules = FinanceOperationsRules { demanded_share: 0.0, ..FinanceOperationsRules::default() };
    let dynamics =
        Simulated::start(rules, Uniqueness::default(), "dynamics.contoso.together.documents_max = 100").await;
    let answer = dynamics.visitor.release(8, 3).await.unwrap();
    let ids = answer["released"].as_array().unwrap().iter();
    let ids: Vec<_> = ids.map(|id| RequestId::new(id.as_str().unwrap()).unwrap()).collect();
    let company = usmf();
    let read = |id| recording(dynamics.scene.dynamics().released_order(Direction::Outbound, &company, id));
    let found = join_all(ids.iter().map(read)).await;
    for (id, (order, heard)) in ids.iter().zip(&found) {
        assert_eq!(&order.as_ref().unwrap().as_ref().unwrap().request_id, id);
        let shown = heard.exchanges();
        let about = |text: &str| text.contains(id.as_str());
        assert!(shown.iter().any(|each| about(&each.path) || about(&each.request)), "{id}: {shown:#?}");
    }
    let batches = found.iter().flat_map(|(_, heard)| heard.exchanges()).filter(|each| each.path.contains("$batch"));
    assert!(batches.count() >= 4, "nobody shared a request");
}

#[tokio::test]
async fn a_rehearsal_reads_and_keeps_what_it_would_send_whole() {
    let shelf = Shelf::default();
    let end = shelf.open(|_, _| None).await;
    let scene = Scene::at(&end.url, "gateways.exchange_bytes_max = 4").await;
    let (rehearsed, heard) = Box::pin(rehearsing(scene.dynamics().post_shipment(&shipment()))).await;
    rehearsed.unwrap();
    let kept = heard.would_send();
    assert!(
        !kept.is_empty() && end.asked().iter().all(|asked| asked.method == "GET" || asked.path == "/token"),
        "{kept:#?}"
    );
    let before = end.asked().len();
    scene.dynamics().post_shipment(&shipment()).await.unwrap();
    let sent = end.asked().split_off(before).into_iter().filter(|asked| asked.method != "GET");
    let sent: Vec<_> = sent.map(|asked| (asked.method.clone(), asked.path.clone(), asked.body.clone())).collect();
    assert_eq!(kept.len(), sent.len(), "{kept:#?}");
    for (kept, (method, path, body)) in kept.iter().zip(&sent) {
        assert_eq!((&kept.method, kept.path.split('?').next().unwrap()), (method, path.split('?').next().unwrap()));
        assert_eq!(kept.body.as_bytes(), body.as_bytes());
    }
}

#[tokio::test]
async fn a_rehearsed_order_is_not_created_and_its_failure_says_so() {
    let end = FarEnd::start(|_| Said::json(500, &json!({}))).await;
    let scene = Scene::at(&end.url, "").await;
    let (failure, heard) = rehearsing(scene.create_failure()).await;
    assert_eq!(failure.code, Code::ConnectionDryRun);
    assert!(end.asked().is_empty());
    let kept = heard.would_send();
    assert!(kept[0].body.contains("Ada Example") && !kept[0].masked().body.contains("Ada Example"), "{kept:#?}");
    assert!(heard.exchanges().is_empty());
}

#[test]
fn members_that_speak_of_persons_are_masked_wherever_they_stand() {
    for (body, shown) in [
        (r#"{"name":"Ada","sku":"A"}"#, r#"{"name":"***","sku":"A"}"#),
        (r#"{"Name" : "A \"B\" C", "n":1}"#, r#"{"Name" : "***", "n":1}"#),
        (
            r#"{"ConsigneeContactPhone":49301,"ReceiverCity":"Ulm"}"#,
            r#"{"ConsigneeContactPhone":"***","ReceiverCity":"Ulm"}"#,
        ),
        (r#"{"contact":{"a":["x","}"]},"b":"c"}"#, r#"{"contact":"***","b":"c"}"#),
        (r#"{"email":null,"phone":""}"#, r#"{"email":null,"phone":"***"}"#),
        (r#"{"line1":"High Str"#, r#"{"line1":"***""#),
        (r#"{"contact":{"a":["#, r#"{"contact":"***""#),
        (r#"{"description":"name","WarehouseName":"N"}"#, r#"{"description":"name","WarehouseName":"N"}"#),
        (
            "--b\r\nETag: \"odd\r\n\r\n{\"ReceiverStreet\":\"Way\"}\r\n",
            "--b\r\nETag: \"odd\r\n\r\n{\"ReceiverStreet\":\"***\"}\r\n",
        ),
        ("no JSON", "no JSON"),
        ("\"", "\""),
    ] {
        assert_eq!(masked(body), shown, "{body}");
    }
}
