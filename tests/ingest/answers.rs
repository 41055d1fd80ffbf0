//! The table of answers, row by row, over real HTTP.

use std::sync::{Arc, Mutex};

use drayline::clock::Clock;
use drayline::ingest::guard;
use drayline::message::{Body, Flow, Kind};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::house::{
    DYNAMICS_SECRET, FINANCE_OPERATIONS, House, PATIENCE, SIGNING_SECRET, WAREHOUSE, answer, head, send, serve, signed,
};

const JSON: (&str, &str) = ("content-type", "application/json");
const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn released() -> Vec<u8> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/finance_operations/outbound_request_created.json");
    std::fs::read(path).unwrap()
}

fn shipment() -> Vec<u8> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/connectors/standard/samples/events/shipment_confirmed.json");
    std::fs::read(path).unwrap()
}

#[tokio::test]
async fn durable_events_are_answered_200_and_arrive() {
    let house = House::open("").await;
    let mut orders = house.subscribe(Flow::Orders).await;
    house.post(FINANCE_OPERATIONS, &[JSON, ("traceparent", TRACE)], &released()).await.is_success();
    let message = House::arrived(&mut orders).await;
    assert_eq!(message.kind(), Kind::OrderReleased);
    let trace = message.traceparent.unwrap();
    assert!(trace.starts_with(&TRACE[..36]) && trace != TRACE, "the caller's trace goes on in a span of our own");

    let mut shipments = house.subscribe(Flow::Shipments).await;
    house.post_signed(&shipment()).await.is_success();
    let message = House::arrived(&mut shipments).await;
    assert_eq!(message.kind(), Kind::ShipmentConfirmed);
    assert!(message.traceparent.is_some(), "a trace of our own");
    assert_eq!(message.raw.unwrap().unpack().unwrap(), shipment());
}

#[tokio::test]
async fn a_duplicate_is_answered_200_and_never_suppressed_here() {
    let house = House::open("").await;
    let mut orders = house.subscribe(Flow::Orders).await;
    for _ in 0..2 {
        house.post_event(&released()).await.is_success();
    }
    let (first, second) = (House::arrived(&mut orders).await, House::arrived(&mut orders).await);
    assert_eq!(first.message_id, second.message_id, "the same event is the same message");
}

#[tokio::test]
async fn an_array_is_answered_once_all_of_it_is_durable() {
    let house = House::open("").await;
    let mut orders = house.subscribe(Flow::Orders).await;
    let text = String::from_utf8(released()).unwrap();
    let other = text.replace("00A\"", "00C\"").replace("SHP0012", "SHP0099");
    house.post_event(format!("[{text},{other},{text}]").as_bytes()).await.is_success();
    let keys = [House::arrived(&mut orders).await.ordering_key, House::arrived(&mut orders).await.ordering_key];
    let mut keys = keys.map(|key| key.to_string());
    keys.sort();
    assert_eq!(keys, ["order/contoso/usmf-SHP0012", "order/contoso/usmf-SHP0099"]);
}

#[tokio::test]
async fn wrong_secret_and_wrong_signature_are_answered_401_alike() {
    let house = House::open("").await;
    let body = shipment();
    let (id, stamp, signature) = signed(&body);
    let old = (stamp.parse::<i64>().unwrap() - 301).to_string();
    let with = |stamp: &str, signature: &str| {
        vec![
            ("webhook-id".to_owned(), id.clone()),
            ("webhook-timestamp".to_owned(), stamp.to_owned()),
            ("webhook-signature".to_owned(), signature.to_owned()),
        ]
    };
    let mut answers = Vec::new();
    for secret in ["wrong", "contoso-secret-", "contoso-secret-11", "%00", "contoso-secret-1%20"] {
        let path = format!("/ingest/d365/finance-operations/contoso/{secret}");
        answers.push(house.post(&path, &[JSON], &released()).await);
    }
    for headers in [with(&stamp, "v1,AAAA"), with(&old, &signature), with(&stamp, ""), Vec::new()] {
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain([JSON]).collect();
        answers.push(house.post(WAREHOUSE, &headers, &body).await);
    }
    let wrong_media_type = [("content-type", "text/plain")];
    answers.push(house.post(WAREHOUSE, &wrong_media_type, &body).await);
    for answer in &answers {
        assert_eq!((answer.status, answer.body.as_str()), (401, r#"{"code":"401","Status":"Not authentic"}"#));
    }
}

#[tokio::test]
async fn unknown_names_are_answered_404_and_never_410() {
    let house = House::open("").await;
    for path in [
        "/ingest",
        "/ingest/",
        "/ingest/d365/finance-operations/fabrikam/contoso-secret-1",
        "/ingest/d365/finance-operations/contoso",
        "/ingest/d365/finance-operations/contoso/contoso-secret-1/more",
        "/ingest/d365/finance-operations/north/contoso-secret-1",
        "/ingest/d365/finance-operations/%FF/x",
        "/ingest/d365/business-central/contoso/contoso-secret-1",
        "/ingest/warehouse/south",
        "/ingest/warehouse/contoso",
        "/ingest/warehouse/NORTH",
        "/ingest/warehouse/north/a/b/c",
        "/ingest/warehouse/north%0a",
    ] {
        for method in ["POST", "GET", "HEAD", "OPTIONS"] {
            let answer = send(house.address, method, path, &[JSON], b"{}").await;
            assert_eq!(answer.status, 404, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn segments_behind_a_warehouse_say_nothing_to_a_connector_that_signs() {
    let house = House::open("").await;
    let body = shipment();
    for more in ["/shipments", "/a-secret/shipments"] {
        let (id, stamp, signature) = signed(&body);
        let headers = [("webhook-id", id.as_str()), ("webhook-timestamp", &stamp), ("webhook-signature", &signature)];
        house.post(&format!("{WAREHOUSE}{more}"), &headers, &body).await.is_success();
    }
}

#[tokio::test]
async fn too_large_bodies_are_answered_413_and_the_sender_sees_it() {
    let house = House::open("ingest.body_bytes_max = 1000").await;
    let filled = |length: usize| {
        let mut body = released();
        body.resize(length, b' ');
        body
    };
    house.post_event(&filled(1000)).await.is_success();
    for length in [1001, 100_000, 10 * 1024 * 1024] {
        assert_eq!(house.post_event(&filled(length)).await.status, 413, "{length} bytes");
    }
    let wrong_secret = "/ingest/d365/finance-operations/contoso/wrong";
    assert_eq!(house.post(wrong_secret, &[JSON], &filled(1001)).await.status, 413, "the limit comes first");
    for length in ["20000000", "100000000000"] {
        let mut stream = TcpStream::connect(house.address).await.unwrap();
        let head = head("POST", FINANCE_OPERATIONS, &[JSON, ("content-length", length)]);
        stream.write_all(format!("{head}\r\n").as_bytes()).await.unwrap();
        assert_eq!(answer(&mut stream).await.status, 413, "declared {length} bytes");
    }
    let mut chunked = TcpStream::connect(house.address).await.unwrap();
    let head = head("POST", FINANCE_OPERATIONS, &[JSON, ("transfer-encoding", "chunked")]);
    let chunk = format!("{:x}\r\n{}\r\n", 4096, " ".repeat(4096));
    chunked.write_all(format!("{head}\r\n{}0\r\n\r\n", chunk.repeat(4)).as_bytes()).await.unwrap();
    assert_eq!(answer(&mut chunked).await.status, 413, "of a length that nobody declared");
}

#[tokio::test]
async fn media_types() {
    let house = House::open("").await;
    for good in ["application/json", "APPLICATION/JSON; charset=utf-8", "text/json", "application/cloudevents+json"] {
        house.post(FINANCE_OPERATIONS, &[("content-type", good)], &released()).await.is_success();
    }
    house.post(FINANCE_OPERATIONS, &[], &released()).await.is_success();
    for bad in ["text/plain", "application/xml", "application/x-www-form-urlencoded", "+json", "application/jsonp"] {
        let answer = house.post(FINANCE_OPERATIONS, &[("content-type", bad)], &released()).await;
        assert_eq!(answer.status, 415, "{bad}");
    }
    let packed = [JSON, ("content-encoding", "gzip")];
    assert_eq!(house.post(FINANCE_OPERATIONS, &packed, &released()).await.status, 415);
}

#[tokio::test]
async fn slow_bodies_are_answered_408() {
    let house = House::open("ingest.read_deadline_ms = 200").await;
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    let head = head("POST", FINANCE_OPERATIONS, &[JSON, ("content-length", "100")]);
    stream.write_all(format!("{head}\r\n{{\"half").as_bytes()).await.unwrap();
    assert_eq!(answer(&mut stream).await.status, 408);
}

#[tokio::test]
async fn more_requests_than_allowed_are_answered_503() {
    let house = House::open("ingest.requests_max = 1\ningest.retry_after_s = 7").await;
    let mut slow = TcpStream::connect(house.address).await.unwrap();
    let body = released();
    let length = body.len().to_string();
    let asks = [JSON, ("expect", "100-continue"), ("content-length", length.as_str())];
    slow.write_all(format!("{}\r\n", head("POST", FINANCE_OPERATIONS, &asks)).as_bytes()).await.unwrap();
    let mut go_on = [0; 25];
    tokio::time::timeout(PATIENCE, slow.read_exact(&mut go_on)).await.unwrap().unwrap();
    assert!(go_on.starts_with(b"HTTP/1.1 100"), "the first one is being worked on");
    let refused = house.post_event(&body).await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("7")));
    slow.write_all(&body).await.unwrap();
    answer(&mut slow).await.is_success();
    house.post_event(&body).await.is_success();
}

#[tokio::test]
async fn authentic_but_unreadable_bodies_are_answered_200_and_kept_whole() {
    let house = House::open("").await;
    let mut orders = house.subscribe(Flow::Orders).await;
    let deep = "[".repeat(500_000);
    let wide = format!("{{\"a\":\"{}\"}}", "x".repeat(1_000_000));
    let bodies: [&[u8]; 9] = [
        b"",
        b"garbage",
        &released()[..50],
        b"\xff\xfe\x00{",
        b"\0",
        b"\xef\xbb\xbf",
        deep.as_bytes(),
        wide.as_bytes(),
        br#"{"BusinessEventId":"NobodyKnowsThisBusinessEvent","EventId":"A1B2C3D4-0009-4000-8000-00000000000A"}"#,
    ];
    for body in bodies {
        house.post_event(body).await.is_success();
        let message = House::arrived(&mut orders).await;
        assert!(matches!(message.body, Body::Unreadable(_)), "{message:#?}");
        assert_eq!(message.raw.unwrap().unpack().unwrap(), body);
        house.post_signed(body).await.is_success();
        let message = House::arrived(&mut orders).await;
        assert!(matches!(message.body, Body::Unreadable(_)), "{message:#?}");
        assert_eq!(message.raw.unwrap().unpack().unwrap(), body);
    }
    let marked = [b"\xef\xbb\xbf".as_slice(), &released()].concat();
    house.post_event(&marked).await.is_success();
    assert_eq!(House::arrived(&mut orders).await.kind(), Kind::OrderReleased, "a byte order mark is no obstacle");
}

#[tokio::test]
async fn handshakes() {
    let house = House::open("").await;
    for path in [FINANCE_OPERATIONS, WAREHOUSE] {
        let answer = send(house.address, "HEAD", path, &[], b"").await;
        assert_eq!((answer.status, answer.body.as_str()), (200, ""), "{path}");
        let origin = [("webhook-request-origin", "events.example")];
        let answer = send(house.address, "OPTIONS", path, &origin, b"").await;
        assert_eq!((answer.status, answer.header("allow")), (204, Some("POST, HEAD, OPTIONS")), "{path}");
        assert_eq!(answer.header("webhook-allowed-origin"), None, "no origin is configured, so none is granted");
        for method in ["GET", "PUT", "DELETE"] {
            let answer = send(house.address, method, path, &[], b"").await;
            assert_eq!((answer.status, answer.header("allow")), (405, Some("POST, HEAD, OPTIONS")), "{method} {path}");
        }
    }
    let wrong_secret = "/ingest/d365/finance-operations/contoso/wrong";
    assert_eq!(send(house.address, "HEAD", wrong_secret, &[], b"").await.status, 401);
}

#[tokio::test]
async fn a_secret_that_cannot_be_read_is_nobodys_mistake_at_the_other_end() {
    let house = House::open("").await;
    house.post_event(&released()).await.is_success();
    std::fs::remove_file(house.ground.data().join("dynamics-secret")).unwrap();
    let mut look = tokio::time::interval(std::time::Duration::from_millis(50));
    let unavailable = async {
        loop {
            look.tick().await;
            let answer = house.post_event(&released()).await;
            if answer.status != 200 {
                return answer;
            }
        }
    };
    let answer = tokio::time::timeout(PATIENCE, unavailable).await.expect("the file is looked at again");
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("5")));
}

#[tokio::test]
async fn a_new_secret_beside_the_old_is_enough() {
    let house = House::open("").await;
    let file = house.ground.data().join("dynamics-secret");
    let path = "/ingest/d365/finance-operations/contoso/rotated";
    assert_eq!(house.post(path, &[JSON], &released()).await.status, 401);
    std::fs::write(&file, "rotated").unwrap();
    let mut look = tokio::time::interval(std::time::Duration::from_millis(50));
    let rotated = async {
        while house.post(path, &[JSON], &released()).await.status != 200 {
            look.tick().await;
        }
    };
    tokio::time::timeout(PATIENCE, rotated).await.expect("the file is read again without a restart");
}

#[tokio::test]
async fn a_panic_is_answered_500_and_the_next_request_is_served() {
    async fn broken() -> &'static str {
        panic!("a broken assumption")
    }
    let routes = axum::Router::new()
        .route("/broken", axum::routing::get(broken))
        .route("/sound", axum::routing::get(async || "sound"));
    let address = serve(guard(routes, Clock::system())).await;
    let answer = send(address, "GET", "/broken", &[], b"").await;
    assert_eq!((answer.status, answer.body.contains("assumption")), (500, false), "{answer:?}");
    assert_eq!(send(address, "GET", "/sound", &[], b"").await.body, "sound");
}

/// Everything that is logged, at every level.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn secrets_and_bodies_never_stand_in_the_log_but_every_answer_does() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .with_ansi(false)
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let house = House::open("").await;
    // Another test may have passed this way first, where nobody listened, and that is remembered: forget it.
    house.post_event(&released()).await.is_success();
    tracing::callsite::rebuild_interest_cache();
    house.post_event(&released()).await.is_success();
    house.post_signed(&shipment()).await.is_success();
    let guess = "/ingest/d365/finance-operations/contoso/guessed-secret";
    assert_eq!(house.post(guess, &[JSON], &released()).await.status, 401);
    assert_eq!(house.post("/ingest/warehouse/guessed-name", &[JSON], b"{}").await.status, 404);
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for secret in [DYNAMICS_SECRET, SIGNING_SECRET, "guessed-secret", "guessed-name", "1Z999AA10123456784", "Speaker"] {
        assert!(!text.contains(secret), "{secret} stands in the log:\n{text}");
    }
    for line in [
        r#"source="contoso" status=200 what="published""#,
        r#"source="north" status=200 what="published""#,
        r#"source="contoso" status=401 what="refused""#,
        r#"source="unknown" status=404 what="unknown""#,
    ] {
        assert!(text.contains(line), "{line} does not stand in the log:\n{text}");
    }
}
