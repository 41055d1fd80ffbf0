//! A far end that answers as a test says, and remembers what it was asked.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response};
use serde_json::Value;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// What was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    /// Decoded.
    pub path: String,
    /// As it was sent.
    pub raw_query: String,
    /// Decoded.
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    pub body: String,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(each, _)| each == name).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{}: {error}", self.body))
    }

    /// Method and path, as in `GET /orders`.
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// What is answered.
#[derive(Clone, Debug)]
pub enum Said {
    Answer {
        status: u16,
        headers: Vec<(String, String)>,
        body: String,
    },
    /// The call is taken, and nothing is ever answered.
    Silence,
    /// The call is taken, and answered when the test lets it.
    Held(Arc<Notify>, Box<Said>),
}

impl Said {
    pub fn json(status: u16, body: &Value) -> Self {
        Self::text(status, &body.to_string())
    }

    pub fn text(status: u16, body: &str) -> Self {
        Self::Answer { status, headers: Vec::new(), body: body.to_owned() }
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        if let Self::Answer { headers, .. } = &mut self {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }
}

type Script = Box<dyn Fn(&Asked) -> Said + Send + Sync>;

struct Stage {
    script: Script,
    asked: Mutex<Vec<Asked>>,
}

/// A server on a port of its own, until it is dropped.
pub struct FarEnd {
    pub url: String,
    stage: Arc<Stage>,
    serving: JoinHandle<()>,
}

impl FarEnd {
    pub async fn start(script: impl Fn(&Asked) -> Said + Send + Sync + 'static) -> Self {
        let stage = Arc::new(Stage { script: Box::new(script), asked: Mutex::default() });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(stage.clone());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, stage, serving }
    }

    /// All that was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.stage.asked.lock().unwrap().clone()
    }

    /// The asked lines, without those for tokens.
    pub fn lines(&self) -> Vec<String> {
        self.asked().iter().map(Asked::line).filter(|line| line != "POST /token").collect()
    }

    /// How often a line was asked.
    pub fn count(&self, line: &str) -> usize {
        self.asked().iter().filter(|asked| asked.line() == line).count()
    }
}

impl Drop for FarEnd {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn answer(State(stage): State<Arc<Stage>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let url = reqwest::Url::parse(&format!("http://far.example{}", parts.uri)).unwrap();
    let asked = Asked {
        method: parts.method.to_string(),
        path: decoded(url.path()),
        raw_query: parts.uri.query().unwrap_or_default().to_owned(),
        query: url.query_pairs().into_owned().collect(),
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    };
    stage.asked.lock().unwrap().push(asked.clone());
    let mut said = (stage.script)(&asked);
    while let Said::Held(go, then) = said {
        go.notified().await;
        said = *then;
    }
    match said {
        Said::Held(..) => unreachable!("it was let go"),
        Said::Silence => std::future::pending().await,
        Said::Answer { status, headers, body } => {
            let mut response = Response::builder().status(status);
            for (name, value) in headers {
                response = response.header(name, value);
            }
            response.body(Body::from(body)).unwrap()
        }
    }
}

fn decoded(path: &str) -> String {
    let pair = format!("http://far.example/?{}", path.replace('+', "%2B").replace('&', "%26").replace('=', "%3D"));
    reqwest::Url::parse(&pair).unwrap().query_pairs().map(|(name, _)| name.into_owned()).collect()
}
