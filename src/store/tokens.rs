//! Tokens of the API, and the links by which the first administrator comes in: the rows, and how they are read.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use uuid::Uuid;

use super::columns::{instant, json, unreadable};
use super::{Store, StoreError, on};
use crate::message::Flow;

/// What somebody may do; each may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Looks.
    Viewer,
    /// Works on exceptions, pauses, replays.
    Operator,
    /// Approves what another one prepared.
    Approver,
    /// Gives and takes tokens, reads the trail.
    Administrator,
}

impl Role {
    /// All of them, from the least to the most.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Operator, Self::Approver, Self::Administrator];

    /// The name in JSON and for people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Approver => "approver",
            Self::Administrator => "administrator",
        }
    }

    pub(super) fn code(self) -> i64 {
        self as i64
    }
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// No role has this name.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no role; roles are viewer, operator, approver, administrator")]
pub struct NoRole(String);

impl FromStr for Role {
    type Err = NoRole;

    fn from_str(text: &str) -> Result<Self, NoRole> {
        let named = Self::ALL.into_iter().find(|role| role.as_str() == text);
        named.ok_or_else(|| NoRole(text.to_owned()))
    }
}

/// A token, without what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Token {
    /// Its name among tokens.
    pub id: Uuid,
    /// Who holds it.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// In these flows alone; in all where it is none.
    pub flows: Option<Vec<Flow>>,
    /// With these connections alone; with all where it is none.
    pub connections: Option<Vec<String>>,
    /// Who gave it.
    pub made_by: String,
    /// When, by the store's clock.
    pub made_at: Timestamp,
    /// From then on it is good for nothing.
    pub expires_at: Timestamp,
    /// Who took it back.
    pub revoked_by: Option<String>,
    /// When.
    pub revoked_at: Option<Timestamp>,
}

/// A token that is to be given.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// Its name among tokens.
    pub id: Uuid,
    /// SHA-256 of the token, hexadecimal.
    pub digest: String,
    /// Who holds it.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// In these flows alone; in all where it is none.
    pub flows: Option<Vec<Flow>>,
    /// With these connections alone; with all where it is none.
    pub connections: Option<Vec<String>>,
    /// Who gives it.
    pub made_by: String,
    /// How long it is good.
    pub valid: Duration,
}

impl NewToken {
    pub(super) fn limits(&self) -> (Option<String>, Option<String>) {
        let text = |value: serde_json::Value| value.to_string();
        let flows = self.flows.as_ref().map(|flows| text(serde_json::json!(flows)));
        (flows, self.connections.as_ref().map(|connections| text(serde_json::json!(connections))))
    }
}

/// The columns of [`TokenColumns`], for a SELECT.
macro_rules! token_columns {
    () => {
        "id, name, role, flows, connections, made_by, made_at, expires_at, revoked_by, revoked_at"
    };
}
pub(super) use token_columns;

/// A token as it is read.
#[derive(FromRow)]
pub(super) struct TokenColumns {
    id: Uuid,
    name: String,
    role: i64,
    flows: Option<String>,
    connections: Option<String>,
    made_by: String,
    made_at: i64,
    expires_at: i64,
    revoked_by: Option<String>,
    revoked_at: Option<i64>,
}

/// A token with the store's time.
#[derive(FromRow)]
pub(super) struct KnownTokenColumns {
    #[sqlx(flatten)]
    token: TokenColumns,
    now: i64,
}

impl TokenColumns {
    pub(super) fn token(self) -> Result<Token, StoreError> {
        let role = Role::ALL.into_iter().find(|role| role.code() == self.role);
        Ok(Token {
            id: self.id,
            name: self.name,
            role: role.ok_or_else(|| unreadable("a role", &self.role))?,
            flows: self.flows.map(|text| json("the flows of a token", &text)).transpose()?,
            connections: self.connections.map(|text| json("the connections of a token", &text)).transpose()?,
            made_by: self.made_by,
            made_at: instant(self.made_at),
            expires_at: instant(self.expires_at),
            revoked_by: self.revoked_by,
            revoked_at: self.revoked_at.map(instant),
        })
    }
}

impl KnownTokenColumns {
    pub(super) fn known(self) -> Result<(Token, Timestamp), StoreError> {
        Ok((self.token.token()?, instant(self.now)))
    }
}

impl Store {
    /// Gives a token.
    pub async fn add_token(&self, token: &NewToken) -> Result<(), StoreError> {
        on!(self, store => store.add_token(token).await)
    }

    /// The token with this SHA-256, whether it is good or not, and the store's time.
    pub async fn token_by_digest(&self, digest: &str) -> Result<Option<(Token, Timestamp)>, StoreError> {
        on!(self, store => store.token_by_digest(digest).await)
    }

    /// A token by its id.
    pub async fn token(&self, id: Uuid) -> Result<Option<Token>, StoreError> {
        on!(self, store => store.token(id).await)
    }

    /// Tokens, newest first, those before an id; and how many there are in all.
    pub async fn tokens(&self, before: Option<Uuid>, limit: u32) -> Result<(u64, Vec<Token>), StoreError> {
        on!(self, store => store.tokens(before, limit).await)
    }

    /// Takes a token back; `false` when there is none, or it was taken back before.
    pub async fn revoke_token(&self, id: Uuid, by: &str) -> Result<bool, StoreError> {
        on!(self, store => store.revoke_token(id, by).await)
    }

    /// Whether anybody holds a good token of an administrator.
    pub async fn has_administrator(&self) -> Result<bool, StoreError> {
        on!(self, store => store.has_administrator().await)
    }

    /// Makes a link for the first administrator; links that are over are forgotten.
    pub async fn add_first_link(&self, digest: &str, valid: Duration) -> Result<(), StoreError> {
        on!(self, store => store.add_first_link(digest, valid).await)
    }

    /// Whether the link with this SHA-256 can still be used; nothing when it was never made, or is forgotten.
    pub async fn first_link(&self, digest: &str) -> Result<Option<bool>, StoreError> {
        on!(self, store => store.first_link(digest).await)
    }

    /// Uses a link, and all others with it, to give the first administrator a token; `false` when it cannot be used, or
    /// there is an administrator. All of it, or nothing.
    pub async fn use_first_link(&self, digest: &str, token: &NewToken) -> Result<bool, StoreError> {
        on!(self, store => store.use_first_link(digest, token).await)
    }
}
