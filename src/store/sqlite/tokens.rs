//! Tokens of the API, and links for the first administrator.

use std::time::Duration;

use jiff::Timestamp;
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use uuid::Uuid;

use super::{Sqlite, fault, now};
use crate::store::StoreError;
use crate::store::columns::{clean, micros};
use crate::store::tokens::{KnownTokenColumns, NewToken, Token, TokenColumns, token_columns};

const ADD: &str = "
INSERT INTO api_tokens (id, digest, name, role, flows, connections, made_by, made_at, expires_at)
SELECT $1, $2, $3, $4, $5, $6, $7, at, at + $8 FROM now";

const BY_DIGEST: &str = concat!("SELECT ", token_columns!(), ", ", now!(), " AS now FROM api_tokens WHERE digest = $1");

const BY_ID: &str = concat!("SELECT ", token_columns!(), " FROM api_tokens WHERE id = $1");

const PAGE: &str =
    concat!("SELECT ", token_columns!(), " FROM api_tokens WHERE $1 IS NULL OR id < $1 ORDER BY id DESC LIMIT $2");

const REVOKE: &str =
    concat!("UPDATE api_tokens SET revoked_by = $2, revoked_at = ", now!(), " WHERE id = $1 AND revoked_at IS NULL");

const ADMINISTRATORS: &str =
    concat!("SELECT count(*) FROM api_tokens WHERE role = 3 AND revoked_at IS NULL AND expires_at > ", now!());

const FORGET_LINKS: &str = concat!("DELETE FROM api_first_links WHERE expires_at <= ", now!());

const ADD_LINK: &str = "INSERT INTO api_first_links (digest, expires_at) SELECT $1, at + $2 FROM now";

const LINK: &str =
    concat!("SELECT used_at IS NULL AND expires_at > ", now!(), " FROM api_first_links WHERE digest = $1");

const USE_LINKS: &str = concat!(
    "UPDATE api_first_links SET used_at = ",
    now!(),
    " WHERE used_at IS NULL
  AND EXISTS (SELECT 1 FROM api_first_links WHERE digest = $1 AND used_at IS NULL AND expires_at > ",
    now!(),
    ")
  AND NOT EXISTS (SELECT 1 FROM api_tokens WHERE role = 3 AND revoked_at IS NULL AND expires_at > ",
    now!(),
    ")"
);

impl Sqlite {
    pub(crate) async fn add_token(&self, token: &NewToken) -> Result<(), StoreError> {
        self.execute("giving a token", adding(token)).await.map(drop)
    }

    pub(crate) async fn token_by_digest(&self, digest: &str) -> Result<Option<(Token, Timestamp)>, StoreError> {
        let ask = sqlx::query_as(BY_DIGEST).bind(digest.to_owned());
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
        let ask = sqlx::query_as(LINK).bind(digest.to_owned());
        let rows: Vec<(bool,)> = self.rows("asking for a link", ask).await?;
        Ok(rows.first().map(|(good,)| *good))
    }

    pub(crate) async fn use_first_link(&self, digest: &str, token: &NewToken) -> Result<bool, StoreError> {
        let used = self.link_used(digest, token).await;
        Ok(used.map_err(|error| fault::sort("using a link", error))?)
    }

    async fn link_used(&self, digest: &str, token: &NewToken) -> Result<bool, sqlx::Error> {
        let mut transaction = self.begin().await?;
        let used = sqlx::query(USE_LINKS).bind(digest).execute(&mut *transaction).await?;
        if used.rows_affected() == 0 {
            return Ok(false);
        }
        adding(token).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(true)
    }
}

fn adding(token: &NewToken) -> Query<'_, sqlx::Sqlite, SqliteArguments> {
    let (flows, connections) = token.limits();
    sqlx::query(ADD)
        .bind(token.id)
        .bind(&token.digest)
        .bind(clean(&token.name))
        .bind(token.role.code())
        .bind(flows)
        .bind(connections)
        .bind(clean(&token.made_by))
        .bind(micros(token.valid))
}
