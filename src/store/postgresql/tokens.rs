//! Tokens of the API, and links for the first administrator.

use std::time::Duration;

use jiff::Timestamp;
use sqlx::Postgres;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use uuid::Uuid;

use super::Postgresql;
use crate::store::StoreError;
use crate::store::columns::{clean, micros};
use crate::store::tokens::{KnownTokenColumns, NewToken, Token, TokenColumns, token_columns};

const ADD: &str = "
INSERT INTO api_tokens (id, digest, name, role, flows, connections, made_by, made_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, store_now(), store_now() + $8::bigint)";

const BY_DIGEST: &str = concat!("SELECT ", token_columns!(), ", store_now() AS now FROM api_tokens WHERE digest = $1");

const BY_ID: &str = concat!("SELECT ", token_columns!(), " FROM api_tokens WHERE id = $1");

const PAGE: &str = concat!(
    "SELECT ",
    token_columns!(),
    " FROM api_tokens WHERE $1::uuid IS NULL OR id < $1 ORDER BY id DESC LIMIT $2"
);

const REVOKE: &str = "
UPDATE api_tokens SET revoked_by = $2, revoked_at = store_now() WHERE id = $1 AND revoked_at IS NULL";

const ADMINISTRATORS: &str = "
SELECT count(*) FROM api_tokens WHERE role = 3 AND revoked_at IS NULL AND expires_at > store_now()";

const FORGET_LINKS: &str = "DELETE FROM api_first_links WHERE expires_at <= store_now()";

const ADD_LINK: &str = "
INSERT INTO api_first_links (digest, expires_at) VALUES ($1, store_now() + $2::bigint)";

const LINK: &str = "
SELECT used_at IS NULL AND expires_at > store_now() FROM api_first_links WHERE digest = $1";

/// Two that use two links at once: the second waits for the rows of the first, and finds them used.
const USE_LINK: &str = "
WITH used AS (
  UPDATE api_first_links SET used_at = store_now()
  WHERE used_at IS NULL
    AND EXISTS (SELECT 1 FROM api_first_links WHERE digest = $9 AND used_at IS NULL AND expires_at > store_now())
    AND NOT EXISTS (
      SELECT 1 FROM api_tokens WHERE role = 3 AND revoked_at IS NULL AND expires_at > store_now())
  RETURNING digest
)
INSERT INTO api_tokens (id, digest, name, role, flows, connections, made_by, made_at, expires_at)
SELECT $1, $2, $3, $4, $5, $6, $7, store_now(), store_now() + $8::bigint FROM used WHERE digest = $9";

impl Postgresql {
    pub(crate) async fn add_token(&self, token: &NewToken) -> Result<(), StoreError> {
        self.execute("giving a token", with(ADD, token)).await.map(drop)
    }

    pub(crate) async fn token_by_digest(&self, digest: &str) -> Result<Option<(Token, Timestamp)>, StoreError> {
        let ask = sqlx::query_as(BY_DIGEST).bind(digest);
        let rows: Vec<KnownTokenColumns> = self.rows("asking for a token", ask).await?;
        rows.into_iter().next().map(KnownTokenColumns::known).transpose()
    }

    pub(crate) async fn token(&self, id: Uuid) -> Result<Option<Token>, StoreError> {
        let rows: Vec<TokenColumns> = self.rows("asking for a token", sqlx::query_as(BY_ID).bind(id)).await?;
        rows.into_iter().next().map(TokenColumns::token).transpose()
    }

    pub(crate) async fn tokens(&self, before: Option<Uuid>, limit: u32) -> Result<(u64, Vec<Token>), StoreError> {
        const DOING: &str = "reading tokens";
        let (total,): (i64,) = self.one(DOING, sqlx::query_as("SELECT count(*) FROM api_tokens")).await?;
        let ask = sqlx::query_as(PAGE).bind(before).bind(i64::from(limit));
        let rows: Vec<TokenColumns> = self.rows(DOING, ask).await?;
        Ok((total.cast_unsigned(), rows.into_iter().map(TokenColumns::token).collect::<Result<_, _>>()?))
    }

    pub(crate) async fn revoke_token(&self, id: Uuid, by: &str) -> Result<bool, StoreError> {
        let ask = sqlx::query(REVOKE).bind(id).bind(clean(by));
        Ok(self.execute("taking a token back", ask).await? > 0)
    }

    pub(crate) async fn has_administrator(&self) -> Result<bool, StoreError> {
        let (count,): (i64,) = self.one("looking for an administrator", sqlx::query_as(ADMINISTRATORS)).await?;
        Ok(count > 0)
    }

    pub(crate) async fn add_first_link(&self, digest: &str, valid: Duration) -> Result<(), StoreError> {
        const DOING: &str = "making a link for the first administrator";
        self.execute(DOING, sqlx::query(FORGET_LINKS)).await?;
        self.execute(DOING, sqlx::query(ADD_LINK).bind(digest).bind(micros(valid))).await.map(drop)
    }

    pub(crate) async fn first_link(&self, digest: &str) -> Result<Option<bool>, StoreError> {
        let rows: Vec<(bool,)> = self.rows("asking for a link", sqlx::query_as(LINK).bind(digest)).await?;
        Ok(rows.first().map(|(good,)| *good))
    }

    pub(crate) async fn use_first_link(&self, digest: &str, token: &NewToken) -> Result<bool, StoreError> {
        Ok(self.execute("using a link", with(USE_LINK, token).bind(digest)).await? > 0)
    }
}

fn with<'a>(statement: &'static str, token: &'a NewToken) -> Query<'a, Postgres, PgArguments> {
    let (flows, connections) = token.limits();
    sqlx::query(statement)
        .bind(token.id)
        .bind(&token.digest)
        .bind(clean(&token.name))
        .bind(token.role.code())
        .bind(flows)
        .bind(connections)
        .bind(clean(&token.made_by))
        .bind(micros(token.valid))
}
