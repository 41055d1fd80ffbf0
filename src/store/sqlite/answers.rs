//! What was answered under an idempotency key.

use std::time::Duration;

use super::{Sqlite, now};
use crate::store::StoreError;
use crate::store::answers::{AnswerColumns, AnswerKey};
use crate::store::columns::micros;

const FORGET_OLD: &str = concat!("DELETE FROM api_answers WHERE begun_at < ", now!(), " - $1");

const CLAIM: &str = concat!(
    "INSERT INTO api_answers (scope, key, request, begun_at) VALUES ($1, $2, $3, ",
    now!(),
    ") ON CONFLICT DO NOTHING"
);

const CLAIMED: &str = "SELECT request, status, answer FROM api_answers WHERE scope = $1 AND key = $2";

const KEEP: &str = "UPDATE api_answers SET status = $4, answer = $5 WHERE scope = $1 AND key = $2 AND request = $3";

const FORGET: &str = "DELETE FROM api_answers WHERE scope = $1 AND key = $2 AND request = $3 AND status IS NULL";

const DOING: &str = "keeping an answer";

impl Sqlite {
    pub(crate) async fn claim_answer(&self, key: &AnswerKey, kept: Duration) -> Result<bool, StoreError> {
        self.execute(DOING, sqlx::query(FORGET_OLD).bind(micros(kept))).await?;
        let claim = sqlx::query(CLAIM).bind(&key.scope).bind(&key.key).bind(&key.request);
        Ok(self.execute(DOING, claim).await? > 0)
    }

    pub(in crate::store) async fn claimed_answer(&self, key: &AnswerKey) -> Result<Option<AnswerColumns>, StoreError> {
        let ask = sqlx::query_as(CLAIMED).bind(key.scope.clone()).bind(key.key.clone());
        Ok(self.rows("reading an answer", ask).await?.pop())
    }

    pub(crate) async fn keep_answer(&self, key: &AnswerKey, status: u16, answer: &[u8]) -> Result<(), StoreError> {
        let keep = sqlx::query(KEEP).bind(&key.scope).bind(&key.key).bind(&key.request);
        self.execute(DOING, keep.bind(i64::from(status)).bind(answer)).await.map(drop)
    }

    pub(crate) async fn forget_answer(&self, key: &AnswerKey) -> Result<(), StoreError> {
        let forget = sqlx::query(FORGET).bind(&key.scope).bind(&key.key).bind(&key.request);
        self.execute(DOING, forget).await.map(drop)
    }
}
