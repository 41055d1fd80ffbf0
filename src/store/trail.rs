//! The trail: who did what, written down before it is done, append-only, and chained by hashes.
//!
//! Two rows for each act: the first before it is carried out, the second (with `begun`, the number of the first) says how
//! it ended. A first row without a second one: nobody knows, the process was gone before it ended. It names documents and
//! fields, never what personal data says.
//!
//! Invariants: row n + 1 holds the hash of row n, and its own hash is that of its [`TrailLink`]; the number
//! and hash of the last row are kept apart, so that a missing end is noticed. Whoever may change the store's tables may
//! write the whole chain anew: against them helps a number and a hash that were written down elsewhere.

use std::future::Future;

use jiff::Timestamp;
use serde::Serialize;
use sqlx::FromRow;

use super::columns::{clean, cleaned, instant, json, unreadable};
use super::{Store, StoreError, on};
use crate::message::{Flow, sha256};

/// The columns of [`TrailColumns`], for a SELECT.
macro_rules! trail_columns {
    () => {
        "n, at, who, role, action, begun, outcome, flow, connection, documents, fields, previous, hash"
    };
}
pub(super) use trail_columns;

/// How often a row is offered again because another process was faster.
const TRIES_MAX: u32 = 1_000;

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// Their name.
    pub who: String,
    /// Their role; `command line` for whoever works on the data folder itself.
    pub role: String,
}

/// What somebody is about to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Act {
    /// A stable name: `token.create`, `exception.discard`.
    pub action: &'static str,
    /// The flow it concerns, where it is one.
    pub flow: Option<Flow>,
    /// The connection it concerns, where it is one.
    pub connection: Option<String>,
    /// Keys of documents, ids of messages, exceptions, tokens.
    pub documents: Vec<String>,
    /// Names of the fields that are set, never what they say.
    pub fields: Vec<String>,
}

/// How an act ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TrailOutcome {
    /// It is done.
    Done,
    /// Nothing was changed.
    Refused,
    /// Nobody knows whether it is done: the store did not answer, say.
    Unsure,
}

impl TrailOutcome {
    const ALL: [Self; 3] = [Self::Done, Self::Refused, Self::Unsure];

    fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Unsure => "unsure",
        }
    }
}

/// A row as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TrailRow {
    /// Counted from 1, without gaps.
    pub n: u64,
    /// By the store's clock, never before the row in front of it.
    pub at: Timestamp,
    /// Who.
    pub who: String,
    /// In which role.
    pub role: String,
    /// What.
    pub action: String,
    /// The row written before the act, where this one tells how it ended.
    pub begun: Option<u64>,
    /// How it ended.
    pub outcome: Option<TrailOutcome>,
    /// The flow it concerns.
    pub flow: Option<Flow>,
    /// The connection it concerns.
    pub connection: Option<String>,
    /// Keys of documents, ids of messages, exceptions, tokens.
    pub documents: Vec<String>,
    /// Names of fields that were set.
    pub fields: Vec<String>,
    /// The hash of the row before; empty in the first one.
    pub previous: String,
    /// SHA-256 of what its [`TrailLink`] says, hexadecimal.
    pub hash: String,
}

/// Which rows are wanted.
#[derive(Clone, Debug, Default)]
pub struct TrailFilter {
    /// Of this person.
    pub who: Option<String>,
    /// Of this action.
    pub action: Option<String>,
    /// About this flow.
    pub flow: Option<Flow>,
    /// About this connection.
    pub connection: Option<String>,
    /// About this document, whole.
    pub document: Option<String>,
    /// Not before.
    pub since: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
    /// With smaller numbers than this.
    pub before: Option<u64>,
}

/// By what a store's indexes for parts of a row (who, action, flow, connection) put the newest first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Newest {
    /// By the number, backwards.
    Number,
    /// By the number with its sign turned: a server that may take the primary key's order for the list's takes it, and reads
    /// past all that others did.
    Turned,
}

impl TrailFilter {
    pub(super) fn micros(&self) -> [Option<i64>; 2] {
        [self.since, self.until].map(|at| at.map(Timestamp::as_microsecond))
    }

    pub(super) fn texts(&self) -> [Option<String>; 5] {
        let of = |text: &Option<String>| text.as_deref().map(|text| clean(text).into_owned());
        let flow = self.flow.map(|flow| flow.as_str().to_owned());
        [of(&self.who), of(&self.action), flow, of(&self.connection), of(&self.document)]
    }

    /// Of the page: only what is wanted stands in it, so that each part finds its index. Bound are the five texts, both times,
    /// the number before which it begins, the limit. Time never goes back in the trail, so that times are numbers of rows.
    /// `about`: that a row is about the fifth text. `newest`: by what the indexes for parts of a row are in the trail's order.
    pub(super) fn statement(&self, about: &str, newest: Newest) -> String {
        let first = |time: &str| {
            format!("coalesce((SELECT t.n FROM trail t WHERE t.at >= {time} ORDER BY t.at, t.n LIMIT 1), {})", i64::MAX)
        };
        let by_part = self.who.is_some() || self.action.is_some() || self.flow.is_some() || self.connection.is_some();
        let turned = by_part && self.document.is_none() && newest == Newest::Turned;
        let from = |n: &str| if turned { format!("-n <= -({n})") } else { format!("n >= {n}") };
        let before = |n: &str| if turned { format!("-n > -({n})") } else { format!("n < {n}") };
        let (since, until, behind) = (from(&first("$6")), before(&first("$7")), before("$8"));
        let parts = [
            (self.who.is_some(), "substr(who, 1, 200) = substr($1, 1, 200) AND who = $1"),
            (self.action.is_some(), "action = $2"),
            (self.flow.is_some(), "flow = $3"),
            (self.connection.is_some(), "substr(connection, 1, 200) = substr($4, 1, 200) AND connection = $4"),
            (self.document.is_some(), about),
            (self.since.is_some(), since.as_str()),
            (self.until.is_some(), until.as_str()),
            (self.before.is_some(), behind.as_str()),
        ];
        let wanted: Vec<_> = parts.into_iter().filter_map(|(wanted, part)| wanted.then_some(part)).collect();
        let wanted = if wanted.is_empty() { "true".to_owned() } else { wanted.join(" AND ") };
        let order = if turned { "-n" } else { "n DESC" };
        format!("SELECT {} FROM trail WHERE {wanted} ORDER BY {order} LIMIT $9", trail_columns!())
    }
}

/// A row as a link of the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrailLink {
    /// Its number.
    pub n: i64,
    /// What is hashed, letter for letter as it is stored: a JSON array without spaces of n, microseconds since 1970, who,
    /// role, action, begun, outcome, flow, connection, documents, fields, previous.
    pub canonical: String,
    /// The hash of the row before, as this one has it.
    pub previous: String,
    /// Its own, as it has it.
    pub hash: String,
}

/// Where the chain ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TrailHead {
    /// The number of the last row; 0 before the first.
    pub n: u64,
    /// Its hash.
    pub hash: String,
}

/// A row as it is stored.
#[derive(FromRow)]
pub(super) struct TrailColumns {
    pub(super) n: i64,
    pub(super) at: i64,
    pub(super) who: String,
    pub(super) role: String,
    pub(super) action: String,
    pub(super) begun: Option<i64>,
    pub(super) outcome: Option<String>,
    pub(super) flow: Option<String>,
    pub(super) connection: Option<String>,
    pub(super) documents: String,
    pub(super) fields: String,
    pub(super) previous: String,
    pub(super) hash: String,
}

impl TrailColumns {
    /// The row behind the head.
    fn next((head, at): (TrailHead, Timestamp), actor: &Actor, act: &Act, ended: Option<(u64, TrailOutcome)>) -> Self {
        let list = |texts: &[String]| serde_json::json!(cleaned(texts)).to_string();
        let mut columns = Self {
            n: head.n.cast_signed() + 1,
            at: at.as_microsecond(),
            who: clean(&actor.who).into_owned(),
            role: clean(&actor.role).into_owned(),
            action: act.action.to_owned(),
            begun: ended.map(|(n, _)| n.cast_signed()),
            outcome: ended.map(|(_, outcome)| outcome.as_str().to_owned()),
            flow: act.flow.map(|flow| flow.as_str().to_owned()),
            connection: act.connection.as_deref().map(|name| clean(name).into_owned()),
            documents: list(&act.documents),
            fields: list(&act.fields),
            previous: head.hash,
            hash: String::new(),
        };
        columns.hash = sha256(columns.canonical().as_bytes());
        columns
    }

    /// Lists are taken as they are stored, so that no letter of them can change unseen.
    fn canonical(&self) -> String {
        let texts = serde_json::json!([
            self.n,
            self.at,
            self.who,
            self.role,
            self.action,
            self.begun,
            self.outcome,
            self.flow,
            self.connection
        ])
        .to_string();
        let Self { documents, fields, previous, .. } = self;
        format!("{},{documents},{fields},\"{previous}\"]", texts.trim_end_matches(']'))
    }

    pub(super) fn link(self) -> TrailLink {
        TrailLink { n: self.n, canonical: self.canonical(), previous: self.previous, hash: self.hash }
    }

    pub(super) fn row(self) -> Result<TrailRow, StoreError> {
        let outcome = |text: String| {
            let named = TrailOutcome::ALL.into_iter().find(|outcome| outcome.as_str() == text);
            named.ok_or_else(|| unreadable("an outcome of the trail", &text))
        };
        Ok(TrailRow {
            n: self.n.cast_unsigned(),
            at: instant(self.at),
            who: self.who,
            role: self.role,
            action: self.action,
            begun: self.begun.map(i64::cast_unsigned),
            outcome: self.outcome.map(outcome).transpose()?,
            flow: self.flow.map(|text| super::columns::flow(&text)).transpose()?,
            connection: self.connection,
            documents: json("documents of the trail", &self.documents)?,
            fields: json("fields of the trail", &self.fields)?,
            previous: self.previous,
            hash: self.hash,
        })
    }
}

/// The head with the store's time and the time of the last row.
#[derive(FromRow)]
pub(super) struct HeadColumns {
    n: i64,
    hash: String,
    now: i64,
}

impl HeadColumns {
    pub(super) fn head(self) -> (TrailHead, Timestamp) {
        (TrailHead { n: self.n.cast_unsigned(), hash: self.hash }, instant(self.now))
    }
}

impl Store {
    /// Writes down what somebody is about to do, and that it can be done only then: an error means that it must not be.
    pub async fn trail_append(&self, actor: &Actor, act: &Act) -> Result<TrailRow, StoreError> {
        self.append(actor, act, None).await
    }

    /// Writes down what somebody is about to do, does it, and writes down how it ended. Where that cannot be written any
    /// more, it is as if the process had gone: the first row stands alone.
    ///
    /// # Errors
    /// Those of the act, and those of the store before it: then nothing was done.
    pub async fn on_trail<T, E: From<StoreError>>(
        &self,
        actor: &Actor,
        act: &Act,
        doing: impl Future<Output = Result<T, E>>,
        ended: impl Fn(&Result<T, E>) -> TrailOutcome,
    ) -> Result<T, E> {
        let begun = Box::pin(self.trail_append(actor, act)).await?;
        let result = Box::pin(doing).await;
        let _ = Box::pin(self.trail_end(actor, act, &begun, ended(&result))).await;
        result
    }

    /// Writes down how it ended.
    pub async fn trail_end(
        &self,
        actor: &Actor,
        act: &Act,
        begun: &TrailRow,
        outcome: TrailOutcome,
    ) -> Result<TrailRow, StoreError> {
        self.append(actor, act, Some((begun.n, outcome))).await
    }

    /// The trail's rows, newest first.
    pub async fn trail(&self, filter: &TrailFilter, limit: u32) -> Result<Vec<TrailRow>, StoreError> {
        on!(self, store => store.trail(filter, limit).await)
    }

    /// The trail's rows after a number, in their order, as links of the chain.
    pub async fn trail_links(&self, after: i64, limit: u32) -> Result<Vec<TrailLink>, StoreError> {
        on!(self, store => store.trail_links(after, limit).await)
    }

    /// Where the chain ends, as it was written down beside it.
    pub async fn trail_head(&self) -> Result<TrailHead, StoreError> {
        Ok(on!(self, store => store.trail_head().await)?.0)
    }

    async fn append(
        &self,
        actor: &Actor,
        act: &Act,
        ended: Option<(u64, TrailOutcome)>,
    ) -> Result<TrailRow, StoreError> {
        for _ in 0..TRIES_MAX {
            let head = on!(self, store => store.trail_head().await)?;
            let columns = TrailColumns::next(head, actor, act, ended);
            if on!(self, store => store.trail_write(&columns).await)? {
                return columns.row();
            }
        }
        Err(StoreError::Unusable {
            problem: format!("nothing could be added to the trail in {TRIES_MAX} tries"),
            remedy: "Look at it: drayline trail verify".to_owned(),
        })
    }
}
