//! What was answered under an idempotency key, so that the same request again gets the same answer and acts once.

use std::time::Duration;

use sqlx::FromRow;

use super::{Store, StoreError, on};

/// How often a key that went while it was read is claimed again: it had just become too old.
const TRIES_MAX: u32 = 3;

/// Who wants to act under which key.
#[derive(Clone, Debug)]
pub struct AnswerKey {
    /// Whose key it is: two who choose the same one do not meet.
    pub scope: String,
    /// SHA-256 of the key.
    pub key: String,
    /// SHA-256 of the request.
    pub request: String,
}

/// What is known of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// It was free, and belongs to this request now.
    New,
    /// It belongs to a request.
    Before {
        /// SHA-256 of that request.
        request: String,
        /// Status and sealed answer; nothing while nobody knows how it ended.
        answer: Option<(u16, Vec<u8>)>,
    },
}

/// A key as it is read.
#[derive(FromRow)]
pub(super) struct AnswerColumns {
    request: String,
    status: Option<i64>,
    answer: Option<Vec<u8>>,
}

impl AnswerColumns {
    fn claimed(self) -> Claimed {
        let status = self.status.and_then(|status| u16::try_from(status).ok());
        Claimed::Before { request: self.request, answer: status.zip(self.answer) }
    }
}

impl Store {
    /// Claims a key; those that were claimed longer ago than `kept` are forgotten.
    pub async fn claim_answer(&self, key: &AnswerKey, kept: Duration) -> Result<Claimed, StoreError> {
        for _ in 0..TRIES_MAX {
            if on!(self, store => store.claim_answer(key, kept).await)? {
                return Ok(Claimed::New);
            }
            if let Some(row) = on!(self, store => store.claimed_answer(key).await)? {
                return Ok(row.claimed());
            }
        }
        let doing = "claiming an idempotency key";
        Err(StoreError::Away { doing, source: "it comes and goes".into() })
    }

    /// Keeps the answer under a key that was claimed.
    pub async fn keep_answer(&self, key: &AnswerKey, status: u16, answer: &[u8]) -> Result<(), StoreError> {
        on!(self, store => store.keep_answer(key, status, answer).await)
    }

    /// Gives a key back: nothing was done under it.
    pub async fn forget_answer(&self, key: &AnswerKey) -> Result<(), StoreError> {
        on!(self, store => store.forget_answer(key).await)
    }
}
