//! The HTTP door of a sandbox: faults first, then the far end, then the disk, then the answer.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{Method, Response};
use serde_json::{Value, json};

use super::book::Book;
use super::call::{Call, response};
use super::faults::{Fault, Faults};
use super::ledger::LedgerLine;
use super::wire::Cut;
use super::world::World;

/// Larger bodies are answered 413.
const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

pub(super) fn router<W: World>(book: Arc<Book<W>>) -> Router {
    Router::new().fallback(serve::<W>).with_state(book)
}

async fn serve<W: World>(
    State(book): State<Arc<Book<W>>>,
    ConnectInfo(Cut(cut)): ConnectInfo<Cut>,
    request: Request,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_BYTES_MAX).await else {
        return response(413, &[], Some(&json!({"error": "the body is too large"})));
    };
    let call = Call::new(parts, body, book.clock.now());
    let answer =
        if call.path.starts_with("/sandbox/") { control(&book, &call).await } else { far_end(&book, call).await };
    answer.unwrap_or_else(|| {
        cut.cancel();
        response(503, &[], None)
    })
}

/// Answers as the far end; nothing means that the connection is cut.
async fn far_end<W: World>(book: &Book<W>, mut call: Call) -> Option<Response<Body>> {
    let latency_ms = book.pages().faults.latency_ms;
    let struck = book.strike(&call);
    if latency_ms > 0 && struck != Some(Fault::Down) {
        tokio::time::sleep(Duration::from_millis(latency_ms)).await;
        call.at = book.clock.now();
    }
    let (answer, ticket) = book.perform(&call, struck).ok()?;
    let durable = ticket.durable().await;
    let lost = matches!(struck, Some(Fault::Down | Fault::LoseAnswer));
    (durable && !lost).then(|| response(answer.status, &answer.headers, answer.body.as_ref()))
}

/// Answers below `/sandbox`: faults never strike here.
async fn control<W: World>(book: &Book<W>, call: &Call) -> Option<Response<Body>> {
    let answered = match (&call.method, call.path.as_str()) {
        (&Method::GET, "/sandbox/ledger") => ledger(book, call),
        (&Method::GET, "/sandbox/state") => json_answer(&state(book)),
        (&Method::GET, "/sandbox/progress") => json_answer(&progress(book)),
        (&Method::GET, "/sandbox/faults") => json_answer(&faults(book)),
        (&Method::PUT, "/sandbox/faults") => match serde_json::from_slice::<Faults>(&call.body) {
            Ok(faults) => match faults.check() {
                Ok(()) => {
                    book.switch(faults)?;
                    json_answer(&self::faults(book))
                }
                Err(problem) => response(400, &[], Some(&json!({ "error": problem }))),
            },
            Err(error) => response(400, &[], Some(&json!({ "error": error.to_string() }))),
        },
        _ => {
            let Some((answer, ticket)) = book.control(call).ok()? else {
                return Some(response(404, &[], Some(&json!({"error": "there is nothing here"}))));
            };
            let answered = response(answer.status, &answer.headers, answer.body.as_ref());
            return ticket.durable().await.then_some(answered);
        }
    };
    // What was read may not be on disk yet, and would be untrue if it never were.
    let settled = book.settled().ok()?;
    settled.durable().await.then_some(answered)
}

fn json_answer(body: &Value) -> Response<Body> {
    response(200, &[], Some(body))
}

fn ledger<W: World>(book: &Book<W>, call: &Call) -> Response<Body> {
    let after = call.asked("after").and_then(|text| text.parse().ok()).unwrap_or(0);
    let pages = book.pages();
    let lines: Vec<LedgerLine> = pages.ledger.get(after..).unwrap_or_default().to_vec();
    drop(pages);
    let text = |line: &LedgerLine| serde_json::to_string(line).map(|text| text + "\n").unwrap_or_default();
    let mut answer = Response::new(Body::from(lines.iter().map(text).collect::<String>()));
    let kind = axum::http::HeaderValue::from_static("application/x-ndjson");
    answer.headers_mut().insert("content-type", kind);
    answer
}

fn state<W: World>(book: &Book<W>) -> Value {
    let pages = book.pages();
    pages.state()
}

fn progress<W: World>(book: &Book<W>) -> Value {
    book.pages().progress()
}

fn faults<W: World>(book: &Book<W>) -> Value {
    let pages = book.pages();
    let left_ms = pages.down_until_ms.saturating_sub(book.clock.now().as_millisecond()).max(0);
    let down_s = u64::try_from(left_ms).unwrap_or(0).div_ceil(1000);
    json!(Faults { down_s, ..pages.faults.clone() })
}
