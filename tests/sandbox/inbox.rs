//! Where sandboxes send their events in these tests: it notes what came, and answers what the test says.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// One body that came in.
#[derive(Clone, Debug)]
pub struct Came {
    pub headers: HeaderMap,
    pub text: String,
    pub body: Value,
    pub status: u16,
}

impl Came {
    /// The events in the body, whether it is one or an array.
    pub fn events(&self) -> Vec<Value> {
        match &self.body {
            Value::Array(events) => events.clone(),
            one => vec![one.clone()],
        }
    }

    pub fn header(&self, name: &str) -> String {
        self.headers[name].to_str().unwrap().to_owned()
    }
}

#[derive(Clone, Default)]
struct Notes {
    came: Arc<Mutex<Vec<Came>>>,
    /// What is answered next; then 200.
    answers: Arc<Mutex<VecDeque<u16>>>,
}

pub struct Inbox {
    notes: Notes,
    server: JoinHandle<()>,
    url: String,
}

impl Inbox {
    pub async fn open(answers: &[u16]) -> Self {
        let notes = Notes::default();
        notes.answers.lock().unwrap().extend(answers);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/events", listener.local_addr().unwrap());
        let app = Router::new().fallback(take).with_state(notes.clone());
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { notes, server, url }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn came(&self) -> Vec<Came> {
        self.notes.came.lock().unwrap().clone()
    }

    /// The events of one type that were answered 2xx.
    pub fn taken(&self, kind: &str) -> Vec<Value> {
        let came = self.came();
        let events = came.iter().filter(|came| came.status < 300).flat_map(Came::events);
        events.filter(|event| event["BusinessEventId"] == kind || event["type"] == kind).collect()
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn take(State(notes): State<Notes>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let status = notes.answers.lock().unwrap().pop_front().unwrap_or(200);
    let text = String::from_utf8(body.to_vec()).unwrap();
    let body = serde_json::from_str(&text).unwrap();
    notes.came.lock().unwrap().push(Came { headers, text, body, status });
    StatusCode::from_u16(status).unwrap()
}
