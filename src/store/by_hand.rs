//! What a person says of calls to a far end: it stands in the ledger of the document, and the message runs again.
//!
//! The verdict is an effect of its own, so that whoever looks the document up knows it in the same read as everything else that
//! happened. It names the very calls that were unsure when it was given, with the instants of their intents: a call that was
//! intended later is not meant. Invariant: verdict, history and the message's being due are one commit, and only for a message
//! that waits for a person as it was seen.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::columns::clean;
use super::rows::{Effect, Parked};
use super::{Store, StoreError, on};
use crate::message::Flow;

/// A person's verdict, as it stands among the facts of its effect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ByHand {
    /// The key of its effect.
    pub key: String,
    /// Of which message.
    pub message_id: Uuid,
    /// In which flow.
    pub flow: String,
    /// The number under which the effect exists at the far end; nothing: the calls did not happen.
    pub exists_as: Option<String>,
    /// Who said so.
    pub by: String,
    /// The unsure calls that are meant, each with the instant of its intent; none: the next one that the plan would make.
    pub calls: Vec<(String, Option<Timestamp>)>,
}

impl ByHand {
    /// The act under which verdicts stand in the ledger.
    pub const ACT: &str = "by_hand";

    /// The verdict of a person on a parked message as it was seen.
    #[must_use]
    pub fn of(parked: &Parked, exists_as: Option<String>, by: &str) -> Self {
        Self {
            key: format!("by_hand/{}/{}/{}", parked.message_id, parked.flow, parked.asked),
            message_id: parked.message_id,
            flow: parked.flow.as_str().to_owned(),
            exists_as,
            by: by.to_owned(),
            calls: parked.unsure.iter().map(|intent| (intent.key.clone(), intent.committed_at)).collect(),
        }
    }

    /// Whether it was said of a message in a flow.
    #[must_use]
    pub fn is_of(&self, message_id: Uuid, flow: Flow) -> bool {
        self.message_id == message_id && self.flow == flow.as_str()
    }

    /// What says that it was applied, and counts no more.
    #[must_use]
    pub fn applied_key(&self) -> String {
        format!("applied/{}", self.key)
    }

    /// What the journey says of it.
    pub(super) fn told(&self) -> String {
        clean(&format!("{} said: {}", self.by, self.what())).into_owned()
    }

    /// What the history says of it.
    #[must_use]
    pub fn what(&self) -> String {
        match &self.exists_as {
            Some(number) => clean(&format!("It exists as {number}.")).into_owned(),
            None => "It did not happen.".to_owned(),
        }
    }

    /// Its row of the ledger of a document.
    pub(super) fn effect(&self, document: &str, connection: &str) -> Effect {
        Effect {
            key: self.key.clone(),
            document: document.to_owned(),
            act: Self::ACT.to_owned(),
            connection: connection.to_owned(),
            message_id: self.message_id,
            facts: serde_json::to_value(self).unwrap_or_default(),
        }
    }
}

impl Store {
    /// Enters a person's verdict in the ledger of a document, and makes the message due with a fresh budget. Tells whether it
    /// did: not when the message does not wait for a person, and stand in front, just as it was seen.
    ///
    /// # Errors
    /// The store's.
    pub async fn resolve(&self, seen: &Parked, verdict: &ByHand, document: &str) -> Result<bool, StoreError> {
        let effect = verdict.effect(document, &seen.connection);
        on!(self, store => store.resolve(seen, verdict, &effect).await)
    }
}
