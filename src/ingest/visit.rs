//! One request, as one straight page.

use axum::extract::Request;
use axum::http::{HeaderMap, Method};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Semaphore;

use super::accept::Acceptance;
use super::answer::{Answer, Refusal, Welcome};
use super::signature::{Scheme, Signed, delivery_id, same};
use super::{Doors, read};
use crate::config::{Dynamics, DynamicsKind, Secret, Warehouse};
use crate::message::{Connection, Envelope, TraceContext};
use crate::telemetry::SecretUnread;
use crate::translation::{Received, translate_finance_operations, translate_standard};

/// Which door, as the path names it.
pub(super) enum Door {
    FinanceOperations { environment: String, secret: String },
    Warehouse { connection: String },
}

/// Who stands at the door, as the configuration knows it.
enum Sender<'a> {
    FinanceOperations { connection: Connection, dynamics: &'a Dynamics, secret: &'a str },
    Standard { connection: Connection, warehouse: &'a Warehouse },
}

/// Everything behind the doors.
pub(super) struct House {
    doors: Doors,
    acceptance: Acceptance,
    places: Semaphore,
}

impl House {
    pub fn new(doors: Doors) -> Self {
        let acceptance = Acceptance::new(&doors);
        let places = Semaphore::new(doors.config.ingest.requests_max.min(Semaphore::MAX_PERMITS));
        Self { doors, acceptance, places }
    }

    pub async fn visit(&self, door: Door, request: Request) -> Answer {
        let retry_after_s = self.doors.config.ingest.retry_after_s;
        // Strangers take no place from those whom we know.
        let Some(sender) = self.sender(&door) else { return Refusal::Unknown.into() };
        let Ok(_place) = self.places.try_acquire() else { return Refusal::Overloaded { retry_after_s }.into() };
        let (parts, body) = request.into_parts();
        let bytes = read::body(&parts.headers, body, &self.doors.config.ingest).await;
        let (message_id, outcome) = match self.hear(&sender, &parts.method, &parts.headers, bytes) {
            Ok(Heard::Handshake(welcome)) => (None, Ok(welcome)),
            Ok(Heard::Messages(messages)) => {
                let unreadable = messages.iter().any(|message| message.unreadable().is_some());
                let first = messages.first().map(|message| message.message_id);
                let accepted = self.acceptance.accept(messages).await;
                let outcome = accepted.map(|way| Welcome::Durable { way, unreadable });
                (first, outcome.map_err(|_not_durable| Refusal::Unavailable { retry_after_s }))
            }
            Err(refusal) => (None, Err(refusal)),
        };
        Answer { source: Some(sender.connection().to_string()), message_id, outcome }
    }

    /// Believes it or not, and translates it.
    fn hear(
        &self,
        sender: &Sender<'_>,
        method: &Method,
        headers: &HeaderMap,
        bytes: Result<Vec<u8>, Refusal>,
    ) -> Result<Heard, Refusal> {
        let bytes = bytes?;
        match *method {
            Method::OPTIONS => return Ok(Heard::Handshake(Welcome::Options)),
            Method::POST | Method::HEAD => {}
            _ => return Err(Refusal::Method),
        }
        let signs_nothing = matches!(sender, Sender::Standard { .. }) && *method == Method::HEAD;
        if !signs_nothing {
            self.believe(sender, headers, &bytes)?;
        }
        if *method == Method::HEAD {
            return Ok(Heard::Handshake(Welcome::Here));
        }
        let media_type = read::media_type(headers)?;
        let limits = &self.doors.config.ingest;
        let caller = headers.get("traceparent").and_then(|value| value.to_str().ok());
        let received = Received {
            connection: sender.connection(),
            bytes: &bytes,
            media_type,
            header_id: sender.header_id(headers),
            at: self.doors.clock.now(),
            traceparent: &TraceContext::continue_or_start(caller, &self.doors.clock).to_string(),
            json_depth_max: limits.json_depth_max,
            retry_window_s: limits.retry_window_s,
        };
        Ok(Heard::Messages(sender.translate(&received)))
    }

    fn sender<'a>(&'a self, door: &'a Door) -> Option<Sender<'a>> {
        let config = &self.doors.config;
        match door {
            Door::FinanceOperations { environment, secret } => {
                let dynamics = config.dynamics.get(environment)?;
                let connection = Connection::new(environment.as_str()).ok()?;
                (dynamics.kind == DynamicsKind::FinanceOperations).then_some(Sender::FinanceOperations {
                    connection,
                    dynamics,
                    secret,
                })
            }
            Door::Warehouse { connection } => {
                let warehouse = config.warehouses.get(connection)?;
                let connection = Connection::new(connection.as_str()).ok()?;
                (warehouse.connector == "standard").then_some(Sender::Standard { connection, warehouse })
            }
        }
    }

    /// Nobody is told which check failed. Where a secret cannot be had, a right sender cannot be told from a wrong one.
    fn believe(&self, sender: &Sender<'_>, headers: &HeaderMap, bytes: &[u8]) -> Result<(), Refusal> {
        let (keys, all_there) = keys(sender.secrets());
        let authentic = match sender {
            Sender::FinanceOperations { secret, .. } => {
                let right = |key: &SecretString| same(secret.as_bytes(), key.expose_secret().as_bytes());
                keys.iter().fold(false, |found, key| found | right(key))
            }
            Sender::Standard { .. } => {
                let window_s = self.doors.config.ingest.signature_window_s;
                let signed = Signed { headers, body: bytes, now: self.doors.clock.now(), window_s };
                Scheme::StandardWebhooks.is_authentic(signed, &keys)
            }
        };
        match (authentic, all_there) {
            (true, _) => Ok(()),
            (false, true) => Err(Refusal::NotAuthentic),
            (false, false) => {
                SecretUnread { connection: sender.connection().as_str() }.emit();
                Err(Refusal::Unavailable { retry_after_s: self.doors.config.ingest.retry_after_s })
            }
        }
    }
}

enum Heard {
    Handshake(Welcome),
    Messages(Vec<Envelope>),
}

impl Sender<'_> {
    fn connection(&self) -> &Connection {
        match self {
            Self::FinanceOperations { connection, .. } | Self::Standard { connection, .. } => connection,
        }
    }

    fn secrets(&self) -> &[Secret] {
        match self {
            Self::FinanceOperations { dynamics, .. } => &dynamics.secrets,
            Self::Standard { warehouse, .. } => &warehouse.secrets,
        }
    }

    fn header_id<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        match self {
            Self::FinanceOperations { .. } => None,
            Self::Standard { .. } => delivery_id(headers),
        }
    }

    fn translate(&self, received: &Received<'_>) -> Vec<Envelope> {
        match self {
            Self::FinanceOperations { dynamics, .. } => translate_finance_operations(received, dynamics),
            Self::Standard { warehouse, .. } => vec![translate_standard(received, warehouse)],
        }
    }
}

/// The secrets that can be had, and whether those are all.
fn keys(secrets: &[Secret]) -> (Vec<SecretString>, bool) {
    let keys: Vec<_> = secrets.iter().filter_map(|secret| secret.value().ok()).collect();
    let all_there = keys.len() == secrets.len();
    (keys, all_there)
}
