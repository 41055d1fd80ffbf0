//! A console that runs on fresh ground, and how it is asked.

use drayline::app::{App, Roles};
use drayline::clock::Clock;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::support::{Backing, Ground};

/// A connection, so that a token can be limited to one.
pub const CONNECTIONS: &str = "operations.listen = \"127.0.0.1:0\"\n\
    dynamics.contoso.kind = \"finance_operations\"\ndynamics.contoso.url = \"https://contoso.example\"\n\
    dynamics.contoso.mode = \"paused\"\ndynamics.contoso.token_url = \"https://login.example\"\n\
    dynamics.contoso.client_id = \"us\"\ndynamics.contoso.client_secret = \"env:PATH\"\n\
    dynamics.contoso.secrets = [\"env:PATH\"]\ndynamics.contoso.legal_entities = [\"usmf\"]\n";

pub struct Scene {
    pub ground: Ground,
    pub app: App,
    pub base: String,
    client: reqwest::Client,
}

/// What was answered.
#[derive(Debug)]
pub struct Answered {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Answered {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Insists on a problem of this status and name, with everything that a problem tells.
    pub fn is_problem(&self, status: u16, name: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.headers["content-type"], "application/problem+json", "{self:?}");
        let problem = self.json();
        assert_eq!(problem["type"], format!("urn:drayline:problem:{name}"), "{problem}");
        assert_eq!(problem["status"], status);
        for told in ["title", "detail", "next_step"] {
            assert!(problem[told].as_str().is_some_and(|text| text.len() > 3), "{told} in {problem}");
        }
    }
}

impl Scene {
    pub async fn start(backing: Backing, more: &str) -> Self {
        Self::on(Ground::fresh(backing).await, more).await
    }

    pub async fn on(ground: Ground, more: &str) -> Self {
        let config = ground.config(&format!("{CONNECTIONS}{more}"));
        let roles = Roles { console: true, ..Roles::default() };
        let app = App::start(config, roles, Clock::system()).await.unwrap();
        let base = format!("http://{}", app.address("console").unwrap());
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { ground, app, base, client }
    }

    pub async fn stop(self) -> Ground {
        self.app.stop().await;
        self.ground
    }

    pub async fn leave(self) {
        self.stop().await.leave().await;
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.base) };
        self.client.request(method, url)
    }

    pub async fn sent(request: RequestBuilder) -> Answered {
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        Answered { status, headers, text: answer.text().await.unwrap() }
    }

    pub async fn get(&self, token: &str, path: &str) -> Answered {
        Self::sent(self.request(Method::GET, path).bearer_auth(token)).await
    }

    pub async fn post(&self, token: &str, path: &str, body: &Value) -> Answered {
        Self::sent(self.request(Method::POST, path).bearer_auth(token).json(body)).await
    }

    pub async fn delete(&self, token: &str, path: &str) -> Answered {
        Self::sent(self.request(Method::DELETE, path).bearer_auth(token)).await
    }

    /// The token that the process wrote down for the command line.
    pub fn own(&self) -> String {
        std::fs::read_to_string(self.ground.data().join("command-line-token")).unwrap()
    }

    /// A new token of this role.
    pub async fn given(&self, role: &str) -> String {
        let given = self.post(&self.own(), "/v1/tokens", &json!({ "name": format!("a {role}"), "role": role })).await;
        assert_eq!(given.status, 201, "{given:?}");
        given.json()["token"].as_str().unwrap().to_owned()
    }

    /// A statement straight into the store, past the product.
    pub async fn tamper(&self, statement: &str) {
        use sqlx::Connection as _;
        let config = self.ground.config("");
        let statement = sqlx::AssertSqlSafe(statement.to_owned());
        match self.ground.backing {
            Backing::Embedded => {
                let file = format!("sqlite:{}", self.ground.data().join("store.db").display());
                let mut connection = sqlx::SqliteConnection::connect(&file).await.unwrap();
                sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
            }
            Backing::Servers => {
                let mut connection = sqlx::PgConnection::connect(&config.store.url).await.unwrap();
                sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
            }
        }
    }
}

pub async fn both(more: &str, check: impl AsyncFn(Scene)) {
    for backing in [Backing::Embedded, Backing::Servers] {
        check(Scene::start(backing, more).await).await;
    }
}
