//! Lists of exceptions as statements: one filter, put together for both stores.

use serde_json::Value;
use sqlx::FromRow;
use uuid::Uuid;

use super::StoreError;
use super::columns::{clean, flow, instant, json, micros};
use super::work::{ActView, AttemptView, Cursor, ExceptionFilter, Work};
use crate::message::Flow;

/// An exception as it is read.
#[derive(FromRow)]
pub(super) struct WorkColumns {
    message_id: Uuid,
    flow: String,
    kind: String,
    connection: String,
    document: String,
    code: String,
    sentence: String,
    detail: Option<String>,
    state: String,
    fingerprint: String,
    awaited: Option<String>,
    reopened: i64,
    owner: Option<String>,
    tags: String,
    items: String,
    version: i64,
    due_at: Option<i64>,
    promised_at: Option<i64>,
    value: Option<String>,
    currency: Option<String>,
    priority: i64,
    first_seen_at: i64,
    last_seen_at: i64,
    ended_at: Option<i64>,
    attempts: Option<i64>,
    followers: Option<i64>,
    head: Option<Uuid>,
}

/// The columns of [`WorkColumns`] that stand in the table itself.
macro_rules! work_columns {
    () => {
        "e.message_id, e.flow, e.kind, e.connection, e.document, e.code, e.sentence, e.detail, e.state, e.fingerprint, \
         e.awaited, e.reopened, e.owner, e.tags, e.items, e.version, e.due_at, e.promised_at, e.value, e.currency, e.priority, \
         e.first_seen_at, e.last_seen_at, e.ended_at"
    };
}

impl WorkColumns {
    pub(super) fn work(self) -> Result<Work, StoreError> {
        let number = |number: i64| u32::try_from(number).unwrap_or_default();
        Ok(Work {
            flow: flow(&self.flow)?,
            tags: json("the tags of an exception", &self.tags)?,
            items: json("the items of an exception", &self.items)?,
            version: self.version,
            cursor: Cursor { priority: self.priority, message_id: self.message_id, flow: self.flow },
            message_id: self.message_id,
            kind: self.kind,
            connection: self.connection,
            document: self.document,
            code: self.code,
            sentence: self.sentence,
            detail: self.detail,
            state: self.state,
            fingerprint: self.fingerprint,
            awaits: self.awaited,
            reopened: number(self.reopened),
            owner: self.owner,
            due_at: self.due_at.map(instant),
            promised_at: self.promised_at.map(instant),
            value: self.value,
            currency: self.currency,
            first_seen_at: instant(self.first_seen_at),
            last_seen_at: instant(self.last_seen_at),
            ended_at: self.ended_at.map(instant),
            attempts: self.attempts.map(number).unwrap_or_default(),
            followers: self.followers.map(i64::cast_unsigned).unwrap_or_default(),
            behind: self.head.filter(|head| *head != self.message_id),
        })
    }
}

/// How an attempt that failed, and how an act is read.
pub(super) type AttemptRow = (i64, String, String, Option<String>, String);
pub(super) type ActRow = (i64, String, String, String);

pub(super) fn attempt((at, code, sentence, detail, exchanges): AttemptRow) -> Result<AttemptView, StoreError> {
    Ok(AttemptView { at: instant(at), code, sentence, detail, exchanges: json("an attempt's calls", &exchanges)? })
}

pub(super) fn act((at, by, act, what): ActRow) -> ActView {
    ActView { at: instant(at), by, act, what }
}

/// The parts of a filter as they are bound: of texts, as a store can hold them.
pub(super) struct Wanted {
    pub(super) states: Vec<&'static str>,
    pub(super) after: Cursor,
    pub(super) messages: Option<Vec<Uuid>>,
    pub(super) flow: Option<&'static str>,
    pub(super) connection: Option<String>,
    pub(super) code: Option<String>,
    pub(super) fingerprint: Option<String>,
    pub(super) owner: Option<String>,
    pub(super) owned_codes: Vec<String>,
    /// As a pattern.
    pub(super) tag: Option<String>,
    pub(super) document: Option<String>,
    pub(super) older_than: Option<i64>,
    pub(super) limit: i64,
    pub(super) item: Option<String>,
}

/// A statement of a filter, bound; states, messages and codes as the store takes sets.
macro_rules! bound {
    ($sql:expr, $wanted:expr, $states:expr, $messages:expr, $codes:expr) => {
        bound!(sqlx::query_as, $sql, $wanted, $states, $messages, $codes)
    };
    ($make:path, $sql:expr, $wanted:expr, $states:expr, $messages:expr, $codes:expr) => {
        $make(sqlx::AssertSqlSafe($sql))
            .bind($states)
            .bind($wanted.after.priority)
            .bind($wanted.after.message_id)
            .bind(&$wanted.after.flow)
            .bind($messages)
            .bind($wanted.flow)
            .bind(&$wanted.connection)
            .bind(&$wanted.code)
            .bind(&$wanted.fingerprint)
            .bind(&$wanted.owner)
            .bind(&$wanted.tag)
            .bind(&$wanted.document)
            .bind($wanted.older_than)
            .bind($codes)
            .bind($wanted.limit)
            .bind(&$wanted.item)
    };
}
pub(super) use bound;

impl ExceptionFilter {
    pub(super) fn wanted(&self) -> Wanted {
        let text = |text: &Option<String>| text.as_deref().map(|text| clean(text).into_owned());
        let first = || Cursor { priority: i64::MIN, message_id: Uuid::nil(), flow: String::new() };
        Wanted {
            states: self.states.iter().map(|state| state.as_str()).collect(),
            after: self.after.clone().unwrap_or_else(first),
            messages: self.messages.clone(),
            flow: self.flow.map(Flow::as_str),
            connection: text(&self.connection),
            code: text(&self.code),
            fingerprint: text(&self.fingerprint),
            owner: self.owner.as_ref().map(|(name, _)| clean(name).into_owned()),
            owned_codes: self.owner.as_ref().map(|(_, codes)| codes.clone()).unwrap_or_default(),
            tag: self.tag.as_deref().map(|tag| pattern(&clean(tag))),
            document: text(&self.document),
            older_than: self.older_than.map(micros),
            limit: self.limit.into(),
            item: text(&self.item),
        }
    }
}

/// Matches a JSON list that holds this text.
fn pattern(tag: &str) -> String {
    let quoted = Value::from(tag).to_string();
    format!("%{}%", quoted.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"))
}

/// In what the stores' languages differ: their time, and whether a column is in a bound set.
pub(super) struct Dialect {
    pub(super) now: &'static str,
    pub(super) within: fn(column: &str, set: &str) -> String,
    /// Whether states are walked one after another, each along its index.
    pub(super) walks: bool,
}

/// The statements of one filter. They are bound alike: states, the cursor's three parts, messages, flow, connection, code,
/// fingerprint, owner, tag, document, age, the owner's codes, limit, item.
pub(super) struct Statements {
    pub(super) count: String,
    pub(super) list: String,
    pub(super) causes: String,
    /// Freezes the set of a campaign: bound are the campaign and the size of a wave, besides.
    pub(super) freeze: String,
}

/// Found by the table of items, and not by the lists in the rows.
const OF_ITEM: &str =
    "(e.message_id, e.flow) IN (SELECT i.message_id, i.flow FROM exception_items i WHERE i.item = $16)";

/// What a filter says beside the states and the place in the list: what it does not say does not stand in the statement, so
/// that the server plans for what is asked.
fn chosen(wanted: &Wanted, dialect: &Dialect) -> String {
    let within = dialect.within;
    let older = format!("e.first_seen_at <= {} - $13", dialect.now);
    let owned = if wanted.owned_codes.is_empty() {
        "e.owner = $10".to_owned()
    } else {
        format!("(e.owner = $10 OR (e.owner IS NULL AND {}))", within("e.code", "$14"))
    };
    let parts = [
        (wanted.flow.is_some(), "e.flow = $6"),
        (wanted.connection.is_some(), "e.connection = $7"),
        (wanted.code.is_some(), "e.code = $8"),
        (wanted.fingerprint.is_some(), "e.fingerprint = $9"),
        (wanted.tag.is_some(), "e.tags <> '[]' AND e.tags LIKE $11 ESCAPE '\\'"),
        (wanted.document.is_some(), "e.document = $12"),
        (wanted.older_than.is_some(), older.as_str()),
        (wanted.owner.is_some(), owned.as_str()),
        (wanted.item.is_some(), OF_ITEM),
    ];
    let parts: Vec<_> = parts.into_iter().filter_map(|(wanted, part)| wanted.then_some(part)).collect();
    if parts.is_empty() { "true".to_owned() } else { parts.join(" AND ") }
}

impl Statements {
    /// Whatever of the filter is most telling finds the rows; the rest chooses among them.
    pub(super) fn new(wanted: &Wanted, dialect: &Dialect) -> Self {
        const BEHIND: &str = "(e.priority, e.message_id, e.flow) > ($2, $3, $4)";
        const ORDER: &str = "e.priority, e.message_id, e.flow";
        // Rows are chosen by what stands in an index alone, as far as it does; only those of the page are read.
        const KEY: &str = ORDER;
        let within = dialect.within;
        let driver = if wanted.messages.is_some() {
            Some(within("e.message_id", "$5"))
        } else if wanted.document.is_some() {
            Some("e.document = $12".to_owned())
        } else if wanted.fingerprint.is_some() {
            Some("e.fingerprint = $9".to_owned())
        } else if wanted.item.is_some() {
            Some(OF_ITEM.to_owned())
        } else {
            None
        };
        let chosen = chosen(wanted, dialect);
        let state = within("e.state", "$1");
        let rows = match driver.as_deref() {
            None if dialect.walks => format!(
                "unnest($1) AS wanted (state) CROSS JOIN LATERAL (SELECT {KEY} FROM exceptions e
  WHERE e.state = wanted.state AND {BEHIND} AND {chosen} ORDER BY {ORDER} LIMIT $15) e"
            ),
            driver => format!(
                "(SELECT {KEY} FROM exceptions e WHERE {} AND {state} AND {BEHIND} AND {chosen} ORDER BY {ORDER} LIMIT $15) e",
                driver.unwrap_or("true")
            ),
        };
        let driver = driver.unwrap_or_else(|| state.clone());
        Self {
            count: format!("SELECT count(*) FROM exceptions e WHERE {driver} AND {state} AND {BEHIND} AND {chosen}"),
            freeze: format!(
                "INSERT INTO campaign_messages
  (campaign, message_id, flow, ordinal, wave, connection, kind, document, fingerprint)
SELECT $17, e.message_id, e.flow, e.place, 1 + (e.place - 1) / $18, e.connection, e.kind, e.document, e.fingerprint
FROM (SELECT e.*, row_number() OVER (ORDER BY {ORDER}) AS place FROM exceptions e
  WHERE {driver} AND {state} AND {BEHIND} AND {chosen}) e
WHERE e.place <= $15 AND EXISTS (SELECT 1 FROM parked p WHERE p.message_id = e.message_id AND p.flow = e.flow)"
            ),
            list: format!(
                "SELECT {columns}, p.attempts,
  (SELECT count(*) FROM parked f WHERE f.flow = p.flow AND f.lane_key = p.lane_key
    AND (f.position, f.message_id) > (p.position, p.message_id)) AS followers,
  (SELECT h.message_id FROM parked h WHERE h.flow = p.flow AND h.lane_key = p.lane_key
    ORDER BY h.position, h.message_id LIMIT 1) AS head
FROM (SELECT {KEY} FROM {rows} ORDER BY {ORDER} LIMIT $15) chosen
JOIN exceptions e ON e.message_id = chosen.message_id AND e.flow = chosen.flow
LEFT JOIN parked p ON p.message_id = e.message_id AND p.flow = e.flow
ORDER BY {ORDER}",
                columns = work_columns!()
            ),
            causes: format!(
                "SELECT e.fingerprint, e.code, min(e.sentence) AS sentence, min(e.awaited) AS awaits, count(*) AS exceptions
FROM exceptions e WHERE {driver} AND {state} AND {chosen}
GROUP BY e.fingerprint, e.code ORDER BY count(*) DESC, e.fingerprint LIMIT $15"
            ),
        }
    }
}
