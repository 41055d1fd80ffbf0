//! A message in hand: from the broker, or from where it was parked.

use std::sync::{Arc, Mutex, PoisonError};

use uuid::Uuid;

use super::ownership::Tenure;
use crate::clock::Mark;
use crate::failure::{Code, Failure};
use crate::message::{Envelope, id_of_bytes};
use crate::store::{Parked, Question, WaitsFor};
use crate::transport::{Delivery, STRANDED, Settlement};

/// A message, whether or not its bytes can be read.
pub(super) struct Inbound {
    pub(super) message_id: Uuid,
    pub(super) lane_key: String,
    pub(super) ordering_key: String,
    /// As text: undecodable bytes have none of ours.
    pub(super) kind: String,
    pub(super) connection: String,
    pub(super) traceparent: Option<String>,
    pub(super) bytes: Vec<u8>,
    /// What it says, or why nobody can tell.
    pub(super) content: Result<Envelope, Failure>,
}

/// What a lane works on.
pub(super) struct Job {
    pub(super) tenure: Arc<Tenure>,
    pub(super) inbound: Inbound,
    /// The parked row that is due; nothing for a delivery.
    pub(super) due: Option<Parked>,
    pub(super) arrived: Mark,
    /// Given away when its ending is committed.
    settlement: Mutex<Option<Settlement>>,
}

impl Job {
    /// A delivery of a partition.
    pub(super) fn delivered(tenure: Arc<Tenure>, delivery: Delivery, arrived: Mark) -> Self {
        let (inbound, settlement) = Inbound::delivered(delivery);
        Self { tenure, inbound, due: None, arrived, settlement: Mutex::new(Some(settlement)) }
    }

    /// A parked message that is due.
    pub(super) fn due(tenure: Arc<Tenure>, mut parked: Parked, arrived: Mark) -> Self {
        let bytes = std::mem::take(&mut parked.bytes);
        let inbound = Inbound::parked(&parked, bytes);
        Self { tenure, inbound, due: Some(parked), arrived, settlement: Mutex::new(None) }
    }

    /// Whether a campaign released it.
    pub(super) fn is_released(&self) -> bool {
        self.due.as_ref().is_some_and(|parked| parked.waits_for == WaitsFor::Room)
    }

    /// What the attempt asks before it runs.
    pub(super) fn question(&self) -> Question {
        Question {
            message_id: self.inbound.message_id,
            lane_key: self.inbound.lane_key.clone(),
            document: self.ledger_key(),
        }
    }

    /// Whose facts the attempt needs, and adds to.
    pub(super) fn ledger_key(&self) -> String {
        let content = self.inbound.content.as_ref();
        content.map_or_else(|_| self.inbound.ordering_key.clone(), Envelope::ledger_key)
    }

    /// The same of the id that equal bytes had in the retry window before, for a message that only its bytes name.
    pub(super) fn question_before(&self) -> Option<Question> {
        let message_id = self.inbound.content.as_ref().ok()?.previous_message_id()?;
        Some(Question { message_id, ..self.question() })
    }

    /// Lets the transport forget it: what it led to is committed.
    pub(super) fn settle(&self) {
        if let Some(settlement) = self.settlement.lock().unwrap_or_else(PoisonError::into_inner).take() {
            settlement.settle();
        }
    }
}

impl Inbound {
    fn delivered(delivery: Delivery) -> (Self, Settlement) {
        let Delivery { bytes, message_id, ordering_key, type_name, traceparent, settlement, headers, .. } = delivery;
        let stranded = headers.into_iter().find(|(name, _)| name == STRANDED).map(|(_, reason)| reason);
        let inbound = match Envelope::decode(&bytes) {
            Ok(envelope) => Self {
                message_id: envelope.message_id,
                lane_key: envelope.lane_key(),
                ordering_key: envelope.ordering_key.to_string(),
                kind: envelope.kind().to_string(),
                connection: envelope.connection.to_string(),
                traceparent: envelope.traceparent.clone().or(traceparent),
                bytes,
                content: match stranded {
                    Some(reason) => Err(given_up(&envelope, &reason)),
                    None => Ok(envelope),
                },
            },
            Err(invalid) => {
                let message_id = message_id.unwrap_or_else(|| id_of_bytes(&bytes));
                let key = ordering_key.map_or_else(|| message_id.to_string(), |key| key.to_string());
                Self {
                    message_id,
                    lane_key: key.clone(),
                    ordering_key: key,
                    kind: type_name.unwrap_or_else(|| "unknown".to_owned()),
                    connection: String::new(),
                    traceparent,
                    content: Err(undecodable(message_id, &invalid.to_string())),
                    bytes,
                }
            }
        };
        (inbound, settlement)
    }

    /// Where it waits is where it waits: names are taken from the row, whatever this release reads in the bytes.
    fn parked(parked: &Parked, bytes: Vec<u8>) -> Self {
        let content = Envelope::decode(&bytes);
        Self {
            message_id: parked.message_id,
            lane_key: parked.lane_key.clone(),
            ordering_key: parked.ordering_key.clone(),
            kind: parked.kind.clone(),
            connection: parked.connection.clone(),
            traceparent: content.as_ref().ok().and_then(|envelope| envelope.traceparent.clone()),
            content: content.map_err(|invalid| undecodable(parked.message_id, &invalid.to_string())),
            bytes,
        }
    }
}

pub(super) fn undecodable(message_id: Uuid, problem: &str) -> Failure {
    let sentence = format!(
        "The bytes of message {message_id} are no message that this release knows. They are kept whole; correct who sent \
         them, or replay it after an upgrade."
    );
    Failure::new(Code::MessageUndecodable, sentence).with_detail(problem)
}

/// What the broker took out of the queue was passed by what came behind it.
fn given_up(envelope: &Envelope, reason: &str) -> Failure {
    let sentence = format!(
        "The broker took the {} of {} out of its queue ({reason}); later messages of the document may have passed it. Look \
         at the document, then replay or discard it.",
        envelope.kind(),
        envelope.ordering_key
    );
    Failure::new(Code::BrokerGaveUp, sentence)
}
