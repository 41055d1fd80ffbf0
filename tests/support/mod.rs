//! What suites share: configurations on fresh ground, and the servers that `scripts/test` started.

#![allow(dead_code, reason = "each suite uses its part")]

pub mod broker;
pub mod proxy;
pub mod rows;
pub mod servers;
pub mod wait;

use std::io::Write as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use drayline::config::{Config, load_text};
use tempfile::TempDir;

/// Where the broker is: `DRAYLINE_TEST_AMQP_URL`, set by `scripts/test`.
pub fn amqp_url() -> String {
    ran("ran transport rabbitmq");
    server("DRAYLINE_TEST_AMQP_URL", "RabbitMQ")
}

/// Where the database server is: `DRAYLINE_TEST_POSTGRES_URL`, set by `scripts/test`; its user may create databases.
pub fn postgres_url() -> String {
    ran("ran store postgresql");
    server("DRAYLINE_TEST_POSTGRES_URL", "PostgreSQL")
}

fn server(variable: &str, what: &str) -> String {
    std::env::var(variable)
        .unwrap_or_else(|_| panic!("{variable} is not set: run scripts/test, which starts {what} and sets it"))
}

/// Notes for `scripts/test` what a test stands on; it fails when no test stood on one of the transports and stores.
pub fn ran(line: &str) {
    let Some(path) = std::env::var_os("DRAYLINE_TEST_RAN") else { return };
    let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
}

/// A name nobody else uses in this run: for namespaces and databases.
pub fn fresh_name() -> String {
    format!("t{}", &uuid::Uuid::new_v4().simple().to_string()[..12])
}

/// The two ways to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backing {
    /// Embedded queue and SQLite.
    Embedded,
    /// RabbitMQ and PostgreSQL.
    Servers,
}

/// Fresh ground of one backing: a data folder, and a namespace and a database of its own on the servers.
pub struct Ground {
    pub backing: Backing,
    pub folder: TempDir,
    sections: String,
    namespace: Option<String>,
    database: Option<Database>,
}

impl Ground {
    pub async fn fresh(backing: Backing) -> Self {
        if backing == Backing::Servers {
            let namespace = fresh_name();
            let database = Database::fresh().await;
            let sections = sections(&amqp_url(), &namespace, &database.url());
            let folder = tempfile::tempdir().unwrap();
            return Self { backing, folder, sections, namespace: Some(namespace), database: Some(database) };
        }
        ran("ran transport embedded");
        ran("ran store sqlite");
        let folder = tempfile::tempdir().unwrap();
        Self { backing, folder, sections: String::new(), namespace: None, database: None }
    }

    /// Ground on servers of the test's own, which go with all that is on them.
    pub fn on(servers: &servers::Servers) -> Self {
        let sections = sections(&servers.amqp, "drayline", &servers.postgres);
        let folder = tempfile::tempdir().unwrap();
        Self { backing: Backing::Servers, folder, sections, namespace: None, database: None }
    }

    /// Takes away what it made on the servers; the folder goes by itself.
    pub async fn leave(&self) {
        if let Some(namespace) = &self.namespace {
            broker::Broker::connect().await.clean(namespace).await;
        }
    }

    pub fn data(&self) -> &Path {
        self.folder.path()
    }

    /// The TOML of this ground (dotted keys, to stand in front of any section), for a configuration file.
    pub fn toml(&self, more: &str) -> String {
        format!("data = {:?}\n{}{more}", self.data().to_str().unwrap(), self.sections)
    }

    /// A configuration on this ground; `more` is TOML in dotted keys.
    pub fn config(&self, more: &str) -> Config {
        load_text(&self.toml(more)).unwrap_or_else(|findings| panic!("{findings:#?}"))
    }
}

/// Where the servers are, as TOML.
fn sections(amqp: &str, namespace: &str, postgres: &str) -> String {
    format!(
        "transport.kind = \"rabbitmq\"\ntransport.url = \"{amqp}\"\ntransport.namespace = \"{namespace}\"\n\
         store.kind = \"postgresql\"\nstore.url = \"{postgres}\"\n"
    )
}

/// A database of a test's own.
struct Database(String);

/// Databases whose tests are over. Whoever makes the next one takes them away: hundreds of them are gigabytes.
static LEFT: Mutex<Vec<String>> = Mutex::new(Vec::new());

impl Database {
    async fn fresh() -> Self {
        use sqlx::Connection as _;
        let name = fresh_name();
        let left = std::mem::take(&mut *LEFT.lock().unwrap_or_else(PoisonError::into_inner));
        let drops = left.into_iter().map(|name| format!("DROP DATABASE {name} WITH (FORCE)"));
        let mut connection = sqlx::PgConnection::connect(&postgres_url()).await.expect("the database server answers");
        for statement in drops.chain([format!("CREATE DATABASE {name}")]) {
            sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
        }
        Self(name)
    }

    fn url(&self) -> String {
        let server = postgres_url();
        let (rest, _) = server.rsplit_once('/').expect("the address names a database");
        format!("{rest}/{}", self.0)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        LEFT.lock().unwrap_or_else(PoisonError::into_inner).push(std::mem::take(&mut self.0));
    }
}

/// Id, time stamp and signature of a delivery by Standard Webhooks, made now with a `whsec_…` secret.
pub fn signed(secret: &str, body: &[u8]) -> (String, String, String) {
    let engine = base64::engine::general_purpose::STANDARD;
    let key = engine.decode(secret.trim_start_matches("whsec_")).unwrap();
    let id = format!("msg_{}", uuid::Uuid::new_v4().simple());
    let stamp = jiff::Timestamp::now().as_second().to_string();
    let mut code = ring::hmac::Context::with_key(&ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &key));
    code.update(format!("{id}.{stamp}.").as_bytes());
    code.update(body);
    let signature = format!("v1,{}", engine.encode(code.sign()));
    (id, stamp, signature)
}
